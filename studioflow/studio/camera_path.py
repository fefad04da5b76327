"""Camera moves: one camera section in, one for every frame out, and where the lights stay meanwhile.

Placements come out as orbits: a pose becomes the orbit around the point it looks at, and a camera without a placement
starts where the manifest's defaults put it. A camera without a focus distance of its own focuses on its target in
every frame; a focus distance that was given stays, except in a dolly zoom, where it follows the target, because the
subject's size in the picture is held for the plane in focus.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..errors import EditError, require_choice
from ..resources import shipped, table
from .keyframes import WAYS, Keyframe, parse_keyframes, through, tracks
from .lens import lens_of
from .lighting import lights_of
from .menus import EASINGS, LIGHTS_ON_THE_WAY, MAX_FRAMES, MOVES
from .placement import DEFAULT_DISTANCE_M, ORIGIN, Point, orbit_of
from .words import signed_deg

_DECIMALS = 9
"""Of a computed number: far below anything a picture shows, and no digits of rounding errors."""

Change = dict[str, Any]
"""What a frame changes: fields of the orbit, and ``focal_length_mm`` and ``focus_distance_m`` of the lens."""


class _Move(NamedTuple):
    """What a move is computed from: the camera as an orbit, and the start and end in the move's own unit."""

    orbit: dict[str, Any]
    focal_length_mm: float | None
    start: float
    end: float


def camera_path(
    camera: dict[str, Any],
    move: str,
    *,
    frames: int,
    start: float | None = None,
    end: float | None = None,
    easing: str = "linear",
    keyframes: str | Sequence[Keyframe] = "",
    way: str = "shortest",
    target_m: Point = ORIGIN,
) -> list[dict[str, Any]]:
    """The camera section of each frame of a move of MOVES; all that the move does not change stays as given.

    ``target_m`` is what an orbit looks at where it does not say, in metres; heights are measured from the ground.
    ``start`` and ``end`` are in the move's own unit; without ``start`` it begins where the camera is, and without
    ``end`` it goes as far as camera_moves.json says:

    - turntable: azimuth in degrees. Whole turns do not repeat the first frame; part of a turn ends at ``end``.
    - dolly: distance to the target in metres, along the view.
    - crane: height of the camera in metres; the target stays, so that the camera tilts, and so does the horizontal
      distance. pedestal: the same height, and the target moves along.
    - zoom: focal length in mm, by equal factors, which the eye sees as even.
    - dolly_zoom: distance in metres, and the focal length in proportion to it: the magnification f / (d - f) of a thin
      lens stays the same exactly when f / d does.
    - arc: ``keyframes`` (see ``parse_keyframes``), the azimuth going the ``way`` of WAYS; ``start`` and ``end`` count
      for nothing. An easing runs over the whole path; with "linear" each keyframe is met at its own frame.

    Raises EditError for unknown names, a number of frames outside 1..240, a camera without focal length where the
    move needs one, and a frame that leaves the manifest's ranges, which it names, counted from 0.
    """
    require_choice("move", move, MOVES)
    require_choice("easing", easing, EASINGS)
    require_choice("way", way, WAYS)
    if not 1 <= frames <= MAX_FRAMES:
        raise EditError(
            "no such number of frames",
            where="frames",
            found=f"{frames}",
            allowed=f"1 to {MAX_FRAMES}",
            fix="12 shows a subject from all sides",
        )
    placed = _as_orbit(camera)
    if move == "arc":
        changes = _arc(placed, keyframes, frames, easing, way)
    else:
        step = _MOVES[move]
        begun = _begin(placed, move, start, end, target_m)
        closed = move == "turntable" and begun.start != begun.end and (begun.end - begun.start) % 360.0 == 0
        changes = [step(begun, part) for part in _parts(frames, easing, closed)]
    cameras = [_valid(_changed(placed, change), frame) for frame, change in enumerate(changes)]
    # A move of the lens alone does not place a camera that was nowhere.
    return [{key: value for key, value in one.items() if key != "orbit" or value} for one in cameras]


def lights_for_path(lighting: dict[str, Any], camera: dict[str, Any], lights: str) -> dict[str, Any]:
    """The lighting section whose lights ``stay`` in the world or ``travel`` with the camera (LIGHTS_ON_THE_WAY).

    Directions are turned by the azimuth of ``camera``, the first of the path, so that the first picture is lit as
    before. A setup whose lights must be turned keeps its name and gets its lights written out.
    """
    require_choice("lights", lights, LIGHTS_ON_THE_WAY)
    frame = {"stay": "world", "travel": "camera"}.get(lights)
    if frame is None or not lighting or lighting.get("frame", "camera") == frame:
        return lighting
    orbit = orbit_of(camera)
    turn = (orbit["azimuth_deg"] if orbit else 0.0) * (1 if frame == "world" else -1)
    turned = lighting | {"frame": frame}
    if turn and lights_of(lighting):
        turned["lights"] = [
            light | {"azimuth_deg": _short(signed_deg(light.get("azimuth_deg", 0.0) + turn))}
            for light in lights_of(lighting)
        ]
    if turn and "environment" in lighting:
        # A panorama is turned the other way: its rotation counts to the right of the picture, azimuths do not.
        rotation = signed_deg(lighting["environment"].get("rotation_deg", 0.0) - turn)
        turned["environment"] = lighting["environment"] | {"rotation_deg": _short(rotation)}
    return turned


def eased(easing: str, t: float) -> float:
    """The part of the way (0..1) that is done after a part of the time (0..1)."""
    return _EASINGS[easing](t)


def _ease_in(t: float) -> float:
    return 2.0 * _ease_in_out(t / 2.0)


def _ease_out(t: float) -> float:
    return 1.0 - _ease_in(1.0 - t)


def _ease_in_out(t: float) -> float:
    return t * t * (3.0 - 2.0 * t)


_EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "ease_in": _ease_in,
    "ease_out": _ease_out,
    "ease_in_out": _ease_in_out,
}
"""Part of the time 0..1 to part of the way 0..1. ``ease_in_out`` is smoothstep, 3t² - 2t³ (Ebert et al., Texturing
and Modeling, 3rd ed. 2003, chapter 2); ``ease_in`` is its first half and ``ease_out`` its second."""


def _parts(frames: int, easing: str, closed: bool) -> list[float]:
    """How much of the way is done at each frame; a closed path ends one step before its beginning."""
    steps = frames if closed else max(frames - 1, 1)
    return [eased(easing, frame / steps) for frame in range(frames)]


def _turntable(move: _Move, part: float) -> Change:
    return {"azimuth_deg": signed_deg(_between(move, part))}


def _dolly(move: _Move, part: float) -> Change:
    return {"distance_m": _between(move, part)}


def _crane(move: _Move, part: float) -> Change:
    elevation = math.radians(move.orbit["elevation_deg"])
    ground = move.orbit["distance_m"] * math.cos(elevation)
    above = _between(move, part) - move.orbit["target_m"][1]
    return {"elevation_deg": math.degrees(math.atan2(above, ground)), "distance_m": math.hypot(above, ground)}


def _pedestal(move: _Move, part: float) -> Change:
    x, y, z = move.orbit["target_m"]
    return {"target_m": [x, _short(y + _between(move, part) - _height(move.orbit)), z]}


def _zoom(move: _Move, part: float) -> Change:
    return {"focal_length_mm": move.start ** (1.0 - part) * move.end**part}


def _dolly_zoom(move: _Move, part: float) -> Change:
    distance = _between(move, part)
    focal = (move.focal_length_mm or 0.0) * distance / move.orbit["distance_m"]
    return {"distance_m": distance, "focal_length_mm": focal, "follow": True}


_MOVES: dict[str, Callable[[_Move, float], Change]] = {
    "turntable": _turntable,
    "dolly": _dolly,
    "crane": _crane,
    "pedestal": _pedestal,
    "zoom": _zoom,
    "dolly_zoom": _dolly_zoom,
}


def _arc(
    camera: dict[str, Any], keyframes: str | Sequence[Keyframe], frames: int, easing: str, way: str
) -> list[Change]:
    given = parse_keyframes(keyframes) if isinstance(keyframes, str) else keyframes
    curves = tracks(given, frames, way)
    moments = [part * (frames - 1) for part in _parts(frames, easing, closed=False)]
    changes = [{name: through(track, moment) for name, track in curves.items()} for moment in moments]
    for change in changes:
        if "azimuth_deg" in change:
            change["azimuth_deg"] = signed_deg(change["azimuth_deg"])
    return changes


def _begin(camera: dict[str, Any], move: str, start: float | None, end: float | None, target_m: Point) -> _Move:
    orbit = {"target_m": list(target_m)} | _full(camera["orbit"])
    focal = lens_of(camera).focal_length_mm
    if focal is None and move in ("zoom", "dolly_zoom"):
        raise EditError(
            f"a {move.replace('_', ' ')} needs a focal length to begin with",
            where="/camera/lens",
            found="no focal length",
            allowed="a lens preset or focal_length_mm",
            fix="set camera.lens.focal_length_mm, for example 50",
        )
    now = {"turntable": orbit["azimuth_deg"], "zoom": focal, "crane": _height(orbit), "pedestal": _height(orbit)}
    begin = now.get(move, orbit["distance_m"]) if start is None else start
    usual = table("studio/camera_moves.json")["moves"][move]
    stop = begin * usual.get("factor", 1.0) + usual.get("plus", 0.0) if end is None else end
    for name, value in (("start", begin), ("end", stop)):
        if not math.isfinite(value) or (move == "zoom" and value <= 0):
            allowed = "a focal length above 0 mm" if move == "zoom" else "a number"
            raise EditError("the path leads nowhere", where=name, found=f"{value:g}", allowed=allowed)
    return _Move(orbit, focal, begin, stop)


def _between(move: _Move, part: float) -> float:
    return move.start + (move.end - move.start) * part


def _height(orbit: dict[str, Any]) -> float:
    """Height of the camera above the ground, metres."""
    return float(orbit["target_m"][1] + orbit["distance_m"] * math.sin(math.radians(orbit["elevation_deg"])))


def _full(orbit: dict[str, Any]) -> dict[str, Any]:
    """An orbit with the values that a manifest means where it says none."""
    start = {"azimuth_deg": 0.0, "elevation_deg": 0.0, "distance_m": DEFAULT_DISTANCE_M}
    return start | orbit


def _as_orbit(camera: dict[str, Any]) -> dict[str, Any]:
    """The camera with an orbit for its placement, which keeps the fields that were given and no others."""
    if "pose" not in camera:
        return camera | {"orbit": camera.get("orbit", {})}
    pose = camera["pose"]
    seen = orbit_of(camera) or {}
    orbit = {key: _short(seen[key]) for key in ("azimuth_deg", "elevation_deg", "distance_m")}
    roll = {"roll_deg": _short(seen["roll_deg"])} if "roll_deg" in pose else {}
    placed: dict[str, Any] = orbit | roll | {"target_m": list(pose["look_at_m"])}
    return {("orbit" if key == "pose" else key): (placed if key == "pose" else value) for key, value in camera.items()}


def _changed(camera: dict[str, Any], change: Change) -> dict[str, Any]:
    changed = {key: _short(value) if isinstance(value, float) else value for key, value in change.items()}
    lens = dict(camera.get("lens", {}))
    if "focal_length_mm" in changed:
        lens["focal_length_mm"] = changed.pop("focal_length_mm")
    if changed.pop("follow", False) and "focus_distance_m" in lens:
        lens["focus_distance_m"] = changed["distance_m"]
    result = camera | {"orbit": camera["orbit"] | changed}
    return result | {"lens": lens} if lens else result


def _valid(camera: dict[str, Any], frame: int) -> dict[str, Any]:
    """The camera section; EditError with the frame where a number of it leaves the range that the manifest allows."""
    for section in ("orbit", "lens"):
        for key, value in camera.get(section, {}).items():
            for number in value if isinstance(value, list) else [value]:
                if isinstance(number, (int, float)):
                    _require_in_range(section, key, number, frame)
    orbit = _full(camera["orbit"])
    lens = lens_of(camera)
    focus = orbit["distance_m"] if lens.focus_distance_m is None else lens.focus_distance_m
    if lens.focal_length_mm is not None and focus <= lens.focal_length_mm / 1000.0:
        raise EditError(
            "the camera cannot focus closer than its focal length",
            where=f"frame {frame} of the path",
            found=f"{focus:g} m with a focal length of {lens.focal_length_mm:g} mm",
            allowed=f"more than {lens.focal_length_mm / 1000.0:g} m",
            fix="stay further away, or take a shorter lens",
        )
    return camera


def _require_in_range(section: str, key: str, number: float, frame: int) -> None:
    rule = _rules()[section]["properties"][key]
    rule = rule.get("items", rule)
    low = rule.get("minimum", rule.get("exclusiveMinimum"))
    above = number > low if "exclusiveMinimum" in rule else number >= low
    if not above or number > rule["maximum"]:
        limits = f"more than {low:g}, at most" if "exclusiveMinimum" in rule else f"{low:g} to"
        raise EditError(
            "the path leaves what a camera can do",
            where=f"frame {frame} of the path, {section}.{key}",
            found=f"{number:g}",
            allowed=f"{limits} {rule['maximum']:g}",
            fix="begin or end the move within that range",
        )


@functools.cache
def _rules() -> dict[str, Any]:
    text = (shipped("schemas") / "manifest.schema.json").read_text(encoding="utf-8")
    rules: dict[str, Any] = json.loads(text)["$defs"]["camera"]["properties"]
    return rules


def _short(value: float) -> float:
    return round(float(value), _DECIMALS)
