"""The lights of a shot, what stands around its subjects, and what shines from all around, from the manifest."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..studio.framing import is_person
from ..studio.lens import lens_of, used_sensor_mm
from ..studio.lighting import ambient_of, intensity_of, kelvin_of, key_of, lights_of, lit
from ..studio.placement import Pose, orbit_of
from ..studio.sun import sun_preset
from .backdrop import ENVIRONMENT, GROUND, NONE, SWEEP, Choice, Room, choose, seen_behind, shapes_of
from .emitted import USUAL_KELVIN, rgb_of_kelvin, rgb_of_light
from .environment import Cap, emitter_of, panorama_of, radiance_of
from .lamps import Stand, angle_of, behind_of, lamp_of, shape_of, stand_of
from .parts import Lamp, Plain, Point, Rgb

Light = dict[str, Any]
Array = NDArray[np.float64]
_BUST_TOP_M, _BUST_BELOW_M = 1.7, 0.9
"""A person less high than this is shown in part and has the floor as far below as if standing up."""
_MARGIN_M = 0.3
_BEND_OF_WALL, _BEND_M = 0.35, (0.1, 1.5)
_USUAL_HALF_VIEW_DEG, _WIDEST_HALF_VIEW_DEG = 25.0, 60.0
_WIDEST_UPWARDS_DEG = 75.0
"""A camera that looks higher than this sees over the wall."""
_SEEN_BEYOND = 1.25
"""How much more than the frame a backdrop covers: blur and reflections look past its edges."""


class LightingSet(NamedTuple):
    """Lights and surroundings of a shot.

    ``environment`` shines from all around, ``radiance`` [H, W, 3] is the same as an equirectangular picture in ACEScg,
    in the orientation of studio/panorama.py, None for both where nothing does. ``notes`` say what was chosen, and what
    of the lighting cannot be as the manifest has it.
    """

    lamps: tuple[Lamp, ...]
    environment: Plain | None
    radiance: NDArray[np.float32] | None
    backdrop: tuple[Plain, ...]
    backdrop_kind: str
    notes: tuple[str, ...]


def lighting_set(
    manifest: Mapping[str, Any],
    *,
    low: Point,
    high: Point,
    aim: Point,
    pose: Pose,
    find: Callable[[str, str], Path],
    reach_m: float = 0.0,
) -> LightingSet:
    """The lights, the backdrop and the environment of a manifest.

    ``low`` and ``high`` are corners of the box around all subjects, ``aim`` is the middle of the main one, which
    reaches ``reach_m`` from there, ``pose`` the camera's. The key light gives an irradiance of pi (luminance) at the
    aim point on a surface that faces it, every other light its share of that; lights of the background do so at what
    the camera sees behind the aim point. Ambience is of the key light's colour. ``find`` gives the path of a panorama.
    StudioFlowError for a panorama that is none, and for a type of light, a setup or a time of day that is not in the
    tables.
    """
    scene, lighting = manifest.get("scene", {}), _daylight(manifest.get("lighting", {}))
    light = _light(lighting, find)
    azimuth = 0.0 if lighting.get("frame") == "world" else _azimuth_of(pose)
    choice = choose(scene, lighting, list(light.shining.values()))
    ground, about_ground = _ground(choice, scene, low, high, pose)
    extent = max(math.dist(low, high), math.dist(aim, pose.position_m), 1.0)
    stands = [
        stand_of(index, one, aim=aim, azimuth_deg=azimuth, ground_m=ground, extent_m=extent, reach_m=reach_m)
        for index, one in light.shining.items()
        if not _is_cap(one)
    ]
    caps = [light.cap(one, azimuth) for one in light.shining.values() if _is_cap(one)]
    room, about_room = _room(manifest, choice, ground, stands, low, high, aim, pose)
    behind = seen_behind(room, pose.position_m) if room else None
    lamps, about_lamps = [], []
    for stand in stands:
        target = behind if stand.light["role"] == "background" and behind else aim
        rgb, strength = light.rgb(stand.light), light.strength(stand.light)
        lamp, note = lamp_of(stand, target=target, rgb=rgb, strength=strength, low=low, high=high)
        lamps.append(lamp)
        about_lamps += [said for said in (stand.note, note) if said]
    radiance = radiance_of(light.picture, caps, light.ambience)
    return LightingSet(
        tuple(lamps),
        emitter_of(radiance),
        radiance,
        shapes_of(choice, room, low, high) if room else (),
        choice.kind,
        (f"backdrop: {choice.kind} ({choice.why})", *light.notes, *about_lamps, *about_ground, *about_room),
    )


class _Lit(NamedTuple):
    """The light of a shot: ``every`` light it names, those ``shining`` that are built by their place among them, the
    ``picture`` of its panorama, and the radiance of its even light."""

    every: list[Light]
    shining: dict[int, Light]
    picture: NDArray[np.float32] | None
    ambience: Array
    notes: tuple[str, ...]

    def strength(self, light: Light) -> float:
        """Of a light relative to the key."""
        key = key_of(self.every)
        return intensity_of(light) / (intensity_of(key) if key else 1.0)

    def rgb(self, light: Light) -> Rgb:
        return rgb_of_light(light, self.every)

    def cap(self, light: Light, azimuth_deg: float) -> Cap:
        azimuth, elevation = azimuth_deg + light.get("azimuth_deg", 0.0), light.get("elevation_deg", 0.0)
        return Cap(azimuth, elevation, angle_of(light), self.rgb(light), self.strength(light))


def _light(lighting: Mapping[str, Any], find: Callable[[str, str], Path]) -> _Lit:
    every, ambient = lights_of(dict(lighting)), ambient_of(dict(lighting))
    shining, picture, notes = lit(every), None, []
    environment = lighting.get("environment", {})
    if "hdri" in environment and environment.get("intensity", 1.0) > 0.0:
        picture, shining, ambient = panorama_of(environment, shining, ambient, find)
    if not shining and ambient <= 0.0 and picture is None:
        ambient = 1.0
        off = f"all {len(every)} are off" if every else "there is none"
        notes.append(f"no light is on: {off}, shown with even ambient light of 1")
    key = key_of(every)
    ambience = ambient * np.array(rgb_of_kelvin((kelvin_of(key) if key else None) or USUAL_KELVIN))
    built = {index: light for index, light in enumerate(every) if light in shining}
    return _Lit(every, built, picture, ambience, tuple(notes))


def _is_cap(light: Light) -> bool:
    return bool(shape_of(light)["shape"] == "cap")


def _daylight(lighting: Mapping[str, Any]) -> dict[str, Any]:
    """A lighting section with the daylight of its time of day, where it says nothing else that shines."""
    others = "hdri" in lighting.get("environment", {}) or "setup" in lighting or lighting.get("lights")
    if "time_of_day" not in lighting or others:
        return dict(lighting)
    return {**lighting, **sun_preset(lighting["time_of_day"]).lighting, **_kept(lighting, "ambient")}


def _kept(section: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {key: section[key]} if key in section else {}


def _azimuth_of(pose: Pose) -> float:
    view = {"position_m": pose.position_m, "look_at_m": pose.look_at_m, "roll_deg": pose.roll_deg}
    orbit = orbit_of({"pose": view})
    return float(orbit["azimuth_deg"]) if orbit else 0.0


def _ground(
    choice: Choice, scene: Mapping[str, Any], low: Point, high: Point, pose: Pose
) -> tuple[float | None, list[str]]:
    """The height of what the subjects stand on, None where there is nothing, and what there is to say about it."""
    if choice.kind in (ENVIRONMENT, NONE):
        return None, []
    ground, size = min(0.0, low[1]), high[1] - low[1]
    subjects = scene.get("subjects", [])
    if choice.kind in (SWEEP, "wall", GROUND) and subjects and is_person(subjects[0]) and size < _BUST_BELOW_M:
        ground = min(ground, high[1] - _BUST_TOP_M)
    if pose.position_m[1] < ground + 0.01:
        lowered = pose.position_m[1] - max(0.05, 0.1 * size)
        return lowered, [f"the camera is below the ground, which is lowered by {ground - lowered:.2f} m"]
    return ground, []


def _room(
    manifest: Mapping[str, Any],
    choice: Choice,
    ground: float | None,
    stands: Sequence[Stand],
    low: Point,
    high: Point,
    aim: Point,
    pose: Pose,
) -> tuple[Room | None, list[str]]:
    """The space for a backdrop, None where there is none, and what of the shot stands behind its wall."""
    if ground is None:
        return None, []
    turn = math.radians(_azimuth_of(pose))
    back = np.array([-math.sin(turn), 0.0, -math.cos(turn)])
    across = np.cross((0.0, 1.0, 0.0), -back)
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    eye, middle = np.asarray(pose.position_m), np.asarray(aim)
    subjects = float(((corners - middle) @ back).max())
    camera = float((eye - middle) @ back)
    distance = math.dist(aim, pose.position_m)
    near = [stand for stand in stands if not stand.far]
    sides = [abs(float((one.middle - middle) @ across)) + one.radius_m for one in near]
    size = math.dist(low, high)
    if choice.kind == GROUND:
        return Room(aim, back, ground, math.inf, 0.0, max(size, abs(camera), 1.0), max(size, *sides, 1.0), 0.0), []
    given = manifest.get("scene", {}).get("backdrop", {}).get("distance_m")
    clear = max(subjects + max(_MARGIN_M, size / 2.0), behind_of(near, aim, back) + _MARGIN_M)
    bend = min(max(_BEND_OF_WALL * clear, _BEND_M[0]), _BEND_M[1]) if choice.kind == SWEEP else 0.0
    wall = float(given) if given else clear + bend
    bend = min(bend, max(0.5 * (wall - subjects), 0.02)) if given else bend
    half = math.radians(_half_view_deg(manifest.get("camera", {})))
    view = _SEEN_BEYOND * math.tan(half)
    reach = max(wall - camera, distance + size)
    side = max(abs(float((eye - middle) @ across)) + view * reach, 2.0 * size, *sides, 1.0) + _MARGIN_M
    way = np.subtract(pose.look_at_m, eye)
    raised = max(0.0, math.atan2(way[1], math.hypot(way[0], way[2])))
    upwards = math.tan(min(raised + half, math.radians(_WIDEST_UPWARDS_DEG)))
    top = pose.position_m[1] + _SEEN_BEYOND * reach * upwards - ground
    front = max(-camera, view * (distance + size), 2.0 * size, *sides, 1.0) + 1.0
    room = Room(aim, back, ground, wall, bend, front, side, max(top, 2.0 * size, bend + 0.1))
    return room, _behind_the_wall(room, stands, across, camera)


def _behind_the_wall(room: Room, stands: Sequence[Stand], across: Array, camera: float) -> list[str]:
    notes = []
    for one in stands:
        away = one.middle - np.asarray(room.aim)
        along = float(away @ room.back)
        if one.far and along > 0.0:
            at = np.asarray(room.aim) + room.wall_m / along * away
            aside = abs(float((at - np.asarray(room.aim)) @ across))
            if at[1] < room.ground_m + room.high_m and aside < room.side_m:
                notes.append(f"{one.label} is behind the backdrop, whose wall hides it from the subject")
        elif along >= room.wall_m:
            where = f"{along:.2f} m behind the subject, its wall {room.wall_m:.2f} m"
            notes.append(f"{one.label} stands behind the backdrop: {where}")
    if camera >= room.wall_m:
        notes.append(f"the camera stands behind the backdrop, whose wall is {room.wall_m:.2f} m behind the subject")
    return notes


def _half_view_deg(camera: Mapping[str, Any]) -> float:
    """Half the diagonal angle of view of all of the sensor, at infinity."""
    lens = lens_of(camera)
    if lens.focal_length_mm is None or lens.fisheye:
        return _USUAL_HALF_VIEW_DEG if lens.focal_length_mm is None else _WIDEST_HALF_VIEW_DEG
    sensor = used_sensor_mm(camera)
    half = math.degrees(math.atan(math.hypot(*sensor) / 2.0 / lens.focal_length_mm))
    return min(half, _WIDEST_HALF_VIEW_DEG)
