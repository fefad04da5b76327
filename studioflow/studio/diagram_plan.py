"""What stands where on a lighting diagram: the set seen from above, in units of the page.

Seen from above, the front of the subject at the bottom of the page and the right of the picture at the right: an
azimuth of 0 points down the page, 90 to the right. Lights that travel with the camera are measured from it, so their
plan has the camera at the bottom and turns the subject; lights that stay in the world keep the subject's front at the
bottom, and the camera moves round. Distances are what the plan sees of them: the distance times the cosine of the
elevation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..resources import table
from .color_temperature import kelvin_to_hex
from .diagram_labels import (
    Block,
    camera_lines,
    light_lines,
    notes_of,
    placed_blocks,
    subject_lines,
)
from .lighting import lights_of
from .placement import DEFAULT_DISTANCE_M, orbit_of
from .words import entries, signed_deg

WIDTH = 1200.0
MARGIN = 36.0
HEADER = 92.0
FOOTER = 66.0
NOTE = 18.0
"""Height of a line of the notes below the plan."""
PLAN = 580.0
"""Side of the square floor."""
_REACH_PX = 214.0
"""Where the most distant light of the plan's scale stands, from the subject."""
RIM_PX = 244.0
_CLEAR_PX = 50.0
"""Around the subject, kept free of lights."""
_GAP = 5.0
"""Of distances: a light this many times further away than the ones before it does not set the scale."""
_TOUCHING_M = 0.05
"""A light nearer than this is drawn beside the subject and does not set the scale."""
_DEFAULT_LIGHT_M = 1.5
_NEUTRAL_K = 5600.0
_ROLES = ("key", "fill", "rim", "hair", "kicker", "background", "practical")


Disc = tuple[float, float, float]
"""x, y and radius of a place that is taken."""


class PlacedLight(NamedTuple):
    """A light on the page."""

    light: dict[str, Any]
    azimuth_deg: float
    """On the page: 0 down, 90 to the right."""
    x: float
    y: float
    true_x: float
    true_y: float
    width: float
    glyph: dict[str, Any]
    hue: str
    to_scale: bool
    aim: tuple[float, float]
    """Unit vector to where it points: the subject; for a background light away from the camera."""

    @property
    def is_moved(self) -> bool:
        """Whether it is drawn beside its true place, far enough to be seen."""
        return math.hypot(self.x - self.true_x, self.y - self.true_y) >= 9.0

    def back(self) -> tuple[float, float]:
        """A point on the glyph behind its face, to lead a line to."""
        away = self.glyph.get("back", 0.3) * self.width
        return self.x - self.aim[0] * away, self.y - self.aim[1] * away


class Plan(NamedTuple):
    """Everything that a diagram shows, and where; lights, camera and subject are measured from ``center``."""

    height: float
    center: tuple[float, float]
    px_per_m: float
    lights: tuple[PlacedLight, ...]
    camera: dict[str, Any]
    camera_azimuth_deg: float
    camera_at: tuple[float, float]
    camera_to_scale: bool
    subject: dict[str, Any]
    facing_deg: float
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]


def plan_of(lighting: dict[str, Any], camera: dict[str, Any] | None, subject: dict[str, Any] | None) -> Plan:
    """What stands where on the page of ``diagram_svg``, which is WIDTH wide."""
    camera, subject = camera or {}, subject or {}
    orbit = orbit_of(camera) or {"azimuth_deg": 0.0, "elevation_deg": 0.0, "distance_m": DEFAULT_DISTANCE_M}
    world = lighting.get("frame") == "world"
    camera_azimuth = orbit["azimuth_deg"] if world else 0.0
    facing = signed_deg(subject.get("facing_deg", 0.0) - (0.0 if world else orbit["azimuth_deg"]))
    lights = sorted(lights_of(lighting), key=_order)
    distances = [light.get("distance_m", _DEFAULT_LIGHT_M) for light in lights if not _glyph(light).get("far")]
    reach = _reach([*distances, orbit["distance_m"]])
    scale = _REACH_PX / reach
    ground = orbit["distance_m"] * math.cos(math.radians(orbit["elevation_deg"]))
    seen = orbit["distance_m"] <= reach
    away = max(ground * scale, _CLEAR_PX + 30.0) if seen else RIM_PX
    camera_at = polar(camera_azimuth, min(away, RIM_PX))
    placed = _placed(lights, scale, reach, camera_at)
    center = (WIDTH / 2.0, HEADER + PLAN / 2.0)
    wanted = [
        *((light_lines(one.light, one.hue), one.back(), one.hue) for one in placed),
        (camera_lines(camera), polar(camera_azimuth, math.hypot(*camera_at) + 20.0), None),
        (subject_lines(subject), (0.0, 0.0), None),
    ]
    blocks, height = placed_blocks(
        [(lines, (x + center[0], y + center[1]), hue) for lines, (x, y), hue in wanted if lines],
        columns=(MARGIN, WIDTH - MARGIN, WIDTH / 2.0 - PLAN / 2.0, WIDTH / 2.0 + PLAN / 2.0),
        top=HEADER,
        least=PLAN,
    )
    down = (height - PLAN) / 2.0
    notes = notes_of(lighting, camera, placed, seen)
    return Plan(
        height=HEADER + height + FOOTER + NOTE * len(notes),
        center=(center[0], center[1] + down),
        px_per_m=scale,
        lights=tuple(placed),
        camera=camera,
        camera_azimuth_deg=camera_azimuth,
        camera_at=camera_at,
        camera_to_scale=seen,
        subject=subject,
        facing_deg=facing,
        blocks=tuple(_led_to_edge(block, center, down) for block in blocks),
        notes=tuple(notes),
    )


def _led_to_edge(block: Block, center: tuple[float, float], down: float) -> Block:
    """The label on a plan that stands further down; the subject's line ends at its edge, not in its face."""
    x, y = block.anchor
    if block.anchor == center:
        x += -24.0 if block.on_left else 24.0
    return block._replace(anchor=(x, y + down))


def _order(light: dict[str, Any]) -> tuple[Any, ...]:
    role = _ROLES.index(light["role"]) if light["role"] in _ROLES else len(_ROLES)
    return role, -light.get("intensity", 1.0), light.get("azimuth_deg", 0.0), repr(sorted(light.items()))


def _reach(distances: Sequence[float]) -> float:
    """The greatest distance that is drawn to scale: the first behind which there is a gap of _GAP times."""
    ordered = sorted(distance for distance in distances if distance >= _TOUCHING_M) or [_TOUCHING_M]
    reach = ordered[0]
    for distance in ordered[1:]:
        if distance > reach * _GAP or distance > ordered[0] * _GAP * 3:
            break
        reach = distance
    return reach


def polar(azimuth_deg: float, radius: float) -> tuple[float, float]:
    """The point of the page in that direction from the subject."""
    angle = math.radians(azimuth_deg)
    return radius * math.sin(angle), radius * math.cos(angle)


def _placed(
    lights: Sequence[dict[str, Any]], scale: float, reach: float, camera_at: tuple[float, float]
) -> list[PlacedLight]:
    """The lights at their places, each beside it where something is drawn there already."""
    taken: list[Disc] = [(0.0, 0.0, _CLEAR_PX - 14.0), (*camera_at, 26.0)]
    placed = []
    for light in lights:
        azimuth = light.get("azimuth_deg", 0.0)
        distance = light.get("distance_m", _DEFAULT_LIGHT_M)
        glyph = _glyph(light)
        to_scale = distance <= reach and not glyph.get("far")
        ground = distance * math.cos(math.radians(light.get("elevation_deg", 0.0))) * scale
        true = polar(azimuth, min(ground, RIM_PX) if to_scale else RIM_PX)
        width = min(max(_width_m(light) * scale, glyph["px"][0]), glyph["px"][1])
        discs = _footprint(width, glyph["deep"] * width)
        behind = camera_at if light["role"] == "background" else None
        x, y = _free_place(polar(azimuth, max(math.hypot(*true), _CLEAR_PX)), discs, taken, behind)
        taken += _standing(discs, x, y, behind)
        aim = _aim(x, y, behind)
        placed.append(PlacedLight(light, azimuth, x, y, *true, width, glyph, _hue(light), to_scale, aim))
    return placed


def _footprint(width: float, deep: float) -> list[Disc]:
    """Discs that cover a glyph of that width and depth: across its face, and away from the subject."""
    radius = max(deep / 2.0, 5.0)
    reach = max(width / 2.0 - radius, 0.0)
    count = max(1, math.ceil(reach / radius)) if reach else 0
    across = [reach * step / count for step in range(-count, count + 1)] if count else [0.0]
    return [(x, deep / 2.0, radius + 2.0) for x in across]


def _aim(x: float, y: float, camera_at: tuple[float, float] | None) -> tuple[float, float]:
    """Unit vector from a place to the subject; where a camera is given, the direction in which that looks."""
    from_x, from_y = camera_at or (x, y)
    away = math.hypot(from_x, from_y) or 1.0
    return -from_x / away, -from_y / away


def _standing(discs: Sequence[Disc], x: float, y: float, camera_at: tuple[float, float] | None) -> list[Disc]:
    """The discs of a glyph that stands at a place and points where ``_aim`` says."""
    a, b = _aim(x, y, camera_at)
    return [(x - back * a + side * b, y - back * b - side * a, radius) for side, back, radius in discs]


def _free_place(
    wanted: tuple[float, float], discs: Sequence[Disc], taken: Sequence[Disc], camera_at: tuple[float, float] | None
) -> tuple[float, float]:
    """The nearest place where a glyph covers nothing; the wanted one where all is full."""
    half = PLAN / 2.0 - 16.0
    for ring in range(45):
        for step in range(16 if ring else 1):
            dx, dy = polar(22.5 * step, 4.0 * ring)
            x, y = wanted[0] + dx, wanted[1] + dy
            if max(abs(x), abs(y)) > half or math.hypot(x, y) < _CLEAR_PX - 12.0:
                continue
            own = _standing(discs, x, y, camera_at)
            if all(math.hypot(a - b, c - d) >= r + other for a, c, r in own for b, d, other in taken):
                return x, y
    return wanted


def _glyph(light: dict[str, Any]) -> dict[str, Any]:
    rows = table("studio/diagram.json")
    found: dict[str, Any] = rows["glyphs"][rows["types"].get(light.get("type", ""), "generic")]
    return found


def _width_m(light: dict[str, Any]) -> float:
    size = light.get("size_m") or entries("light_types").get(light.get("type", ""), {}).get("size_m", [0.4, 0.4])
    return float(size[0])


def _hue(light: dict[str, Any]) -> str:
    return str(light.get("color") or kelvin_to_hex(light.get("color_temperature_k", _NEUTRAL_K)))
