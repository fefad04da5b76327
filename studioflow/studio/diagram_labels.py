"""The words on a lighting diagram, and their places: two columns beside the floor, in which nothing overlaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..resources import table
from .color import color_name
from .drawing import LINE_HEIGHT, Box, color, element, path, text, text_width, wrapped
from .lens import lens_of
from .placement import orbit_of
from .words import entries, signed_deg

if TYPE_CHECKING:
    from .diagram_plan import PlacedLight

HEAD_SIZE = 16.0
SIZE = 13.5
COLUMN = 248.0
_GAP = 20.0
_INDENT = 18.0
_SKY_M = 100.0
"""A distance of the sky that is worth telling."""


class Block(NamedTuple):
    """A label: its lines, the first of them the head, its rectangle, and the point of the plan that it speaks of.

    ``told`` are the same lines for people who do not see the drawing, not broken to fit.
    """

    lines: tuple[str, ...]
    told: tuple[str, ...]
    box: Box
    anchor: tuple[float, float]
    hue: str | None
    on_left: bool

    def drawn(self) -> list[str]:
        """The lines, a patch of the light's colour, and the line that leads to the plan."""
        x, y = self.box.x, self.box.y + HEAD_SIZE
        head_x = x + (_INDENT if self.hue else 0.0)
        parts = [self._leader(y - 0.34 * HEAD_SIZE)]
        if self.hue:
            patch = {"x": x, "y": y - 11.5, "width": 12, "height": 12, "rx": 2}
            parts.append(element("rect", **patch, fill=self.hue, stroke=color("ink"), stroke_width=0.8))
        parts.append(text(head_x, y, self.lines[0], HEAD_SIZE, color("ink"), bold=True))
        step = SIZE * LINE_HEIGHT
        for row, line in enumerate(self.lines[1:], 1):
            parts.append(text(x, y + 3.0 + step * row, line, SIZE, color("quiet")))
        return parts

    def sentence(self) -> str:
        """What the label says, as one sentence."""
        head, *rest = self.told
        return f"{head}: {', '.join(rest).rstrip('. ')}." if rest else f"{head}."

    def _leader(self, y: float) -> str:
        begin, bend = self.box.x - 8.0, self.box.x - 22.0
        if self.on_left:
            head = text_width(self.lines[0], HEAD_SIZE) + (_INDENT if self.hue else 0.0)
            begin, bend = self.box.x + head + 10.0, self.box.x + self.box.width + 14.0
        points = [(begin, y), (bend, y), self.anchor]
        dot = element("circle", cx=self.anchor[0], cy=self.anchor[1], r=2.2, fill=color("ink"))
        line = element("path", d=path(points), fill="none", stroke=color("quiet"), stroke_width=0.9)
        return line + dot


def word(key: str, **holes: object) -> str:
    """A label of diagram.json with its holes filled."""
    found: str = table("studio/diagram.json")["labels"][key]
    return found.format(**holes)


def light_lines(light: dict[str, Any], hue: str) -> list[str]:
    """What the diagram says of a light: role; type and size; direction and distance; intensity and colour."""
    row = entries("light_types").get(light.get("type", ""), {})
    kind = row.get("title") or light.get("type", "").replace("_", " ").capitalize() or word("untyped")
    distance = light.get("distance_m")
    if "size_m" in light and not _is_in_the_sky(light):
        width, height = (f"{value:.2g}" for value in light["size_m"])
        kind = word("size", type=kind, width=width, height=height)
    where = [_side(light.get("azimuth_deg", 0.0), light.get("elevation_deg", 0.0)), _height(light)]
    if distance is not None and (distance >= _SKY_M or not _is_in_the_sky(light)):
        where.append(length(distance))
    intensity = light.get("intensity", 1.0)
    strength = [word("intensity", intensity=f"{intensity:.2g}")]
    if intensity > 0 and intensity != 1.0:
        strength[0] += f" ({word('stops', stops=f'{math.log2(intensity):+.1f}')})"
    if "color" in light:
        strength.append(f"{color_name(hue)} {hue.upper()}")
    elif "color_temperature_k" in light:
        strength.append(word("kelvin", kelvin=f"{light['color_temperature_k']:.0f}"))
    return [
        word("role", role=light["role"].capitalize()),
        kind,
        ", ".join(part for part in where if part),
        ", ".join(strength),
    ]


def _is_in_the_sky(light: dict[str, Any]) -> bool:
    """Whether it is a sun, a moon or a sky, of which sizes and short distances in metres mean nothing to anybody."""
    rows = table("studio/diagram.json")
    return bool(rows["glyphs"][rows["types"].get(light.get("type", ""), "generic")].get("far"))


def camera_lines(camera: dict[str, Any]) -> list[str]:
    """What the diagram says of the camera: focal length and aperture, direction, height and distance."""
    lens, orbit = lens_of(camera), orbit_of(camera)
    glass = [word("lens", focal=f"{lens.focal_length_mm:.4g}")] if lens.focal_length_mm else []
    glass += [word("aperture", aperture=f"{lens.aperture:.2g}")] if lens.aperture else []
    if orbit is None:
        return [word("no_camera"), ", ".join(glass)] if glass else [word("no_camera")]
    placed = f"{_height(orbit)}, {length(orbit['distance_m'])}"
    return [word("camera"), *([", ".join(glass)] if glass else []), placed]


def subject_lines(subject: dict[str, Any]) -> list[str]:
    """The subject by its own words, or nothing where none is given."""
    return [word("subject"), str(subject["description"])] if subject.get("description") else []


def notes_of(
    lighting: dict[str, Any], camera: dict[str, Any], lights: Sequence[PlacedLight], camera_to_scale: bool
) -> list[str]:
    """What a reader must know beside the plan: from where directions are measured, and what is not to scale."""
    orbit = orbit_of(camera)
    turn = round(orbit["azimuth_deg"]) if orbit else 0
    frame = "stays" if lighting.get("frame") == "world" else "travels"
    notes = [word("no_lights")] if not lights else []
    if lights and turn:
        notes.append(word(f"{frame}_turned", angle=abs(turn), side=word("right" if turn > 0 else "left")))
    elif lights:
        notes.append(word(frame))
    sky = [word("time_of_day", time=lighting["time_of_day"].replace("_", " "))] if "time_of_day" in lighting else []
    sky += [word("ambient", ambient=f"{lighting['ambient']:.2g}")] if lighting.get("ambient") else []
    notes += [" ".join(sky)] if sky else []
    far = [word("not_to_scale")] if not all(light.to_scale for light in lights) else []
    far += [] if camera_to_scale else [word("camera_far")]
    notes += [" ".join(far)] if far else []
    if any(light.is_moved for light in lights):
        notes.append(word("moved"))
    return notes


def placed_blocks(
    wanted: Sequence[tuple[Sequence[str], tuple[float, float], str | None]],
    *,
    columns: tuple[float, float, float, float],
    top: float,
    least: float,
) -> tuple[list[Block], float]:
    """Labels in two columns beside the plan, each as near as it can be to the height of what it speaks of.

    ``wanted`` are lines, point and colour of each; ``columns`` the outer edges of the page and the edges of the plan.
    Also gives the height that the columns need, ``least`` or more: many lights make a long page.
    """
    bodies = [_body(lines) for lines, _, _ in wanted]
    heights = [HEAD_SIZE + 4.0 + (len(lines) - 1) * SIZE * LINE_HEIGHT for lines in bodies]
    middle = (columns[2] + columns[3]) / 2.0
    left, right = _sides([point[0] - middle for _, point, _ in wanted], heights)
    needed = max(least, *(sum(heights[i] + _GAP for i in side) for side in (left, right)))
    blocks = []
    for side, x in ((left, columns[0]), (right, columns[1] - COLUMN)):
        ordered = sorted(side, key=lambda index: (wanted[index][1][1], index))
        down = (needed - least) / 2.0
        tops = stacked(
            [wanted[i][1][1] + down - heights[i] / 2.0 for i in ordered], [heights[i] for i in ordered], top, needed
        )
        for index, y in zip(ordered, tops, strict=True):
            lines, point, hue = wanted[index]
            box = Box(x, y, COLUMN - 10.0, heights[index])
            blocks.append(Block(tuple(bodies[index]), tuple(lines), box, point, hue, side is left))
    return blocks, needed


def length(metres: float, digits: int = 3) -> str:
    """A distance as people write it, to so many significant digits: 8 mm, 45 cm, 1.6 m, 10 km."""
    for factor, unit, below in ((1000.0, "mm", 0.0195), (100.0, "cm", 0.995), (1.0, "m", 999.5)):
        if metres < below:
            return f"{metres * factor:.{digits}g} {unit}"
    return f"{metres / 1000.0:.{digits}g} km"


def _body(lines: Sequence[str]) -> list[str]:
    room = COLUMN - 12.0
    body = [part for line in lines[1:] for part in wrapped(line, SIZE, room, 2)]
    return [*wrapped(lines[0], HEAD_SIZE, room - _INDENT, 1), *body]


def _sides(offsets: Sequence[float], heights: Sequence[float]) -> tuple[list[int], list[int]]:
    """Which labels stand left and which right: by their side of the plan, those near its middle where there is room."""
    ordered = sorted(range(len(offsets)), key=lambda index: (offsets[index], index))
    total = sum(heights) + _GAP * len(heights)
    best: tuple[float, int] | None = None
    for cut in range(len(ordered) + 1):
        first = sum(heights[i] + _GAP for i in ordered[:cut])
        wrong = sum(max(0.0, offsets[i] - 8.0) for i in ordered[:cut])
        wrong += sum(max(0.0, -offsets[i] - 8.0) for i in ordered[cut:])
        # A column longer than the plan makes the page longer, which is worse than a long line to the other side.
        cost = wrong + 4.0 * max(0.0, max(first, total - first) - 560.0) + 0.1 * abs(total - 2.0 * first)
        if best is None or cost < best[0] - 1e-9:
            best = (cost, cut)
    cut = best[1] if best else 0
    return ordered[:cut], ordered[cut:]


def stacked(wanted: Sequence[float], heights: Sequence[float], top: float, room: float) -> list[float]:
    """Where things of these lengths begin in a row: in order, a gap between them, in the room; else as wanted."""
    tops: list[float] = []
    floor = top
    for want, height in zip(wanted, heights, strict=True):
        tops.append(max(want, floor))
        floor = tops[-1] + height + _GAP
    ceiling = top + room
    for index in reversed(range(len(tops))):
        tops[index] = min(tops[index], ceiling - heights[index])
        ceiling = tops[index] - _GAP
    return tops


def _side(azimuth_deg: float, elevation_deg: float) -> str:
    if abs(elevation_deg) > 82.0:
        return word("overhead" if elevation_deg > 0 else "underneath")
    angle = round(signed_deg(azimuth_deg))
    if abs(angle) in (0, 180):
        return word("behind" if angle else "front")
    return word("side", angle=abs(angle), side=word("right" if angle > 0 else "left"))


def _height(placed: dict[str, Any]) -> str:
    angle = round(placed.get("elevation_deg", 0.0))
    return word("up", angle=angle) if angle > 0 else word("down", angle=-angle) if angle else word("level")
