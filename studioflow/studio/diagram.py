"""A lighting diagram: the top-down plan of a set as photographers draw it, from the numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..resources import table
from .diagram_labels import word
from .diagram_plan import FOOTER, HEADER, MARGIN, NOTE, PLAN, WIDTH, PlacedLight, Plan, plan_of, polar
from .drawing import LINE_HEIGHT, color, document, element, path, text, text_width, wrapped
from .lens import lens_of, used_sensor_mm
from .optics import field_of_view_deg
from .words import signed_deg

_TITLE, _LONG_TITLE = 27.0, 18.0
"""Font sizes of the title: the usual one, and the smallest, from which on it takes a second line."""


def diagram_svg(
    lighting: dict[str, Any],
    camera: dict[str, Any] | None = None,
    subject: dict[str, Any] | None = None,
    *,
    title: str = "",
) -> str:
    """The lighting diagram of a manifest's lighting section, its camera and its main subject, as an SVG document.

    The same input always gives the same text, and the order of the lights changes nothing. Without a camera its usual
    place is drawn dashed; a sun or a sky far beyond the set stands at the rim with its distance written beside it.
    """
    plan = plan_of(lighting, camera, subject)
    return _drawn(plan, title or word("title"))


def _drawn(plan: Plan, title: str) -> str:
    x, y = plan.center
    half = PLAN / 2.0
    clip = element("clipPath", element("rect", x=-half, y=-half, width=PLAN, height=PLAN, rx=6), id="floor")
    floor = element("rect", x=-half, y=-half, width=PLAN, height=PLAN, rx=6, fill=color("floor"))
    beams = [_beam(light, index) for index, light in enumerate(plan.lights)]
    inner = [
        element(
            "g",
            *_camera_view(plan),
            *(part for beam in beams for part in beam),
            *_background(plan),
            clip_path="url(#floor)",
        ),
        *_front_mark(plan),
        *(part for light in plan.lights for part in _place_mark(light)),
        *_subject(plan),
        *(_light(light) for light in plan.lights),
        _camera(plan),
    ]
    parts = [
        element("rect", x=MARGIN, y=36, width=44, height=5, fill=color("accent")),
        *_heading(title),
        element("g", clip, floor, *inner, transform=f"translate({x:g} {y:g})"),
        *(part for block in plan.blocks for part in block.drawn()),
        *_footer(plan),
    ]
    told = [block.sentence() for block in plan.blocks]
    return document(WIDTH, plan.height, title, " ".join([*told, *plan.notes]), parts)


def _heading(title: str) -> list[str]:
    """The title above the plan: smaller where it is long, and then in two lines."""
    # The outline of bold letters reaches a little over their width.
    room = WIDTH - 2.0 * MARGIN - 3.0
    size = min(_TITLE, max(_LONG_TITLE, _TITLE * room / max(text_width(title, _TITLE), 1.0)))
    lines = wrapped(title, size, room + 0.01, 2)
    last = HEADER - 22.0 if len(lines) == 1 else HEADER - 10.0
    tops = (last - LINE_HEIGHT * size * row for row in reversed(range(len(lines))))
    return [text(MARGIN, y, line, size, color("ink"), bold=True) for y, line in zip(tops, lines, strict=True)]


def _beam(light: PlacedLight, index: int) -> list[str]:
    """The wedge of light in its own colour, from its face to a little behind the subject, fading out."""
    dx, dy = light.aim
    length = math.hypot(light.x, light.y) + 46.0
    near = 0.46 * light.width
    far = near + length * math.tan(math.radians(light.glyph["beam_deg"])) * 0.62
    end = (light.x + dx * length, light.y + dy * length)
    corners = [
        (light.x - dy * near, light.y + dx * near),
        (end[0] - dy * far, end[1] + dx * far),
        (end[0] + dy * far, end[1] - dx * far),
        (light.x + dy * near, light.y - dx * near),
    ]
    strength = 0.3 + 0.6 * min(1.0, light.light.get("intensity", 1.0)) ** 0.5
    name = f"beam{index}"
    stops = [(0.0, strength), (0.62, strength * 0.55), (1.0, 0.0)]
    fade = element(
        "linearGradient",
        *(element("stop", offset=at, stop_color=light.hue, stop_opacity=opacity) for at, opacity in stops),
        id=name,
        gradientUnits="userSpaceOnUse",
        x1=light.x,
        y1=light.y,
        x2=end[0],
        y2=end[1],
    )
    return [fade, element("path", d=path(corners, closed=True), fill=f"url(#{name})")]


def _light(light: PlacedLight) -> str:
    turn = math.degrees(math.atan2(-light.aim[0], light.aim[1]))
    return _shape(light.glyph["paths"], light.x, light.y, turn, light.width / 100.0, light.hue)


def _shape(
    rows: Sequence[dict[str, str]], x: float, y: float, turn_deg: float, scale: float, hue: str, dash: str | None = None
) -> str:
    """A shape of diagram.json, turned so that its +y points to ``turn_deg`` (clockwise from down the page)."""
    paints = {"none": "none", "light": hue}
    shapes = [
        element("path", d=row["d"], fill=paints.get(row["fill"]) or color(row["fill"]), stroke=color(row["stroke"]))
        for row in rows
    ]
    return element(
        "g",
        *shapes,
        transform=f"translate({x:.2f} {y:.2f}) rotate({turn_deg:.2f}) scale({scale:.4f})",
        stroke_width=1.5 / scale,
        stroke_linejoin="round",
        stroke_linecap="round",
        stroke_dasharray=dash,
        fill_rule="evenodd",
    )


def _place_mark(light: PlacedLight) -> list[str]:
    """A dot at the true place of a light that is drawn beside it."""
    if not light.is_moved:
        return []
    line = {"x1": light.true_x, "y1": light.true_y, "x2": light.x, "y2": light.y}
    return [
        element("line", **line, stroke=color("ink"), stroke_width=0.9, stroke_dasharray="2 2"),
        element("circle", cx=light.true_x, cy=light.true_y, r=3, fill=light.hue, stroke=color("ink"), stroke_width=1),
    ]


def _subject(plan: Plan) -> list[str]:
    """Head and shoulders for a person, a box with a marked front for a thing."""
    rows = table("studio/diagram.json")
    turn = -plan.facing_deg
    if not plan.subject or plan.subject.keys() & set(rows["person_fields"]):
        return [_shape(rows["person"], 0.0, 0.0, turn, 0.78, color("ink"))]
    width, depth = 36.0, 36.0
    if "size_m" in plan.subject:
        width, _, depth = (side * plan.px_per_m for side in plan.subject["size_m"])
        fit = min(max(26.0 / max(width, depth), 1.0), 72.0 / max(width, depth))
        width, depth = max(width * fit, 7.0), max(depth * fit, 7.0)
    front = [(-7.0, depth / 2.0 + 3.0), (0.0, depth / 2.0 + 13.0), (7.0, depth / 2.0 + 3.0)]
    box = element("rect", x=-width / 2.0, y=-depth / 2.0, width=width, height=depth, rx=2, fill=color("skin"))
    mark = element("path", d=path(front, closed=True), fill=color("accent"), stroke="none")
    return [element("g", box, mark, transform=f"rotate({turn:.2f})", stroke=color("ink"), stroke_width=1.6)]


def _camera(plan: Plan) -> str:
    x, y = plan.camera_at
    turn = 180.0 - plan.camera_azimuth_deg
    rows = table("studio/diagram.json")["camera"]
    if plan.camera.keys() & {"orbit", "pose"}:
        return _shape(rows, x, y, turn, 0.9, color("ink"))
    return _shape([row | {"fill": "paper"} for row in rows], x, y, turn, 0.9, color("ink"), "4 3")


def _camera_view(plan: Plan) -> list[str]:
    """The edges of what the camera sees across, where its lens is known; else the line that it looks along."""
    x, y = plan.camera_at
    angle = view_deg(plan.camera)
    edges = []
    for side in (-0.5, 0.5) if angle else (0.0,):
        dx, dy = polar(plan.camera_azimuth_deg + 180.0 + side * (angle or 0.0), 2.0 * PLAN)
        edges.append((x + dx, y + dy))
    lines = [
        element("line", x1=x, y1=y, x2=a, y2=b, stroke=color("accent"), stroke_width=1.2, stroke_dasharray="7 5")
        for a, b in edges
    ]
    if angle and angle < 150.0:
        cone = path([(x, y), *edges], closed=True)
        lines.insert(0, element("path", d=cone, fill=color("accent"), fill_opacity=0.035))
    return lines


def view_deg(camera: dict[str, Any]) -> float | None:
    """Horizontal field of view across the sensor's width, degrees; None where no focal length is known."""
    focal = lens_of(camera).focal_length_mm
    return field_of_view_deg(used_sensor_mm(camera)[0], focal) if focal else None


def _background(plan: Plan) -> list[str]:
    """The background: a heavy line across the view at the far side of the floor, with its name along it."""
    azimuth = plan.camera_azimuth_deg + 180.0
    dx, dy = polar(azimuth, 1.0)
    # As far away as the line stays on the floor with both ends.
    half = PLAN / 2.0 - 24.0
    away = min((half - 120.0 * abs(b)) / abs(a) for a, b in ((dx, dy), (dy, dx)) if abs(a) > 1e-6)
    turn = signed_deg(-azimuth)
    upright = abs(turn) <= 90.0
    line = element("line", x1=-120, y1=0, x2=120, y2=0, stroke=color("ink"), stroke_width=5, stroke_linecap="round")
    name = text(0, 16 if upright else -9, word("background"), 12, color("quiet"), anchor="middle")
    spin = turn if upright else turn + 180.0
    return [element("g", line, name, transform=f"translate({dx * away:.2f} {dy * away:.2f}) rotate({spin:.2f})")]


def _front_mark(plan: Plan) -> list[str]:
    """Where the front of the scene is, on a plan round which the camera goes."""
    if abs(signed_deg(plan.camera_azimuth_deg)) < 0.5:
        return []
    y = PLAN / 2.0 - 14.0
    arrow = path([(-6.0, y - 8.0), (0.0, y), (6.0, y - 8.0)])
    ink = {"stroke": color("quiet"), "stroke_width": 1.4, "fill": "none"}
    return [
        element("path", d=arrow, **ink),
        element("line", x1=0, y1=y - 26.0, x2=0, y2=y, **ink),
        text(10, y - 6.0, word("front_mark"), 12, color("quiet")),
    ]


def _footer(plan: Plan) -> list[str]:
    """Scale bar at the left end of the floor, the notes beside it, the mark of the front where lights stay."""
    top = plan.height - FOOTER - NOTE * len(plan.notes) + 26.0
    left = WIDTH / 2.0 - PLAN / 2.0
    metres = scale_bar_m(plan.px_per_m)
    length = metres * plan.px_per_m
    ink = color("ink")
    bar = [
        element("line", x1=left, y1=top, x2=left + length, y2=top, stroke=ink, stroke_width=1.6),
        *(
            element("line", x1=at, y1=top - 5, x2=at, y2=top + 5, stroke=ink, stroke_width=1.6)
            for at in (left, left + length / 2.0, left + length)
        ),
        text(left + length + 10, top + 5, f"{metres:g} m", 14, ink),
    ]
    notes = [text(left, top + 28.0 + NOTE * row, note, 13, color("quiet")) for row, note in enumerate(plan.notes)]
    return [*bar, *notes]


def scale_bar_m(px_per_m: float) -> float:
    """The longest of 1, 2 and 5 times a power of ten that takes at most 150 units of the page."""
    most = 150.0 / px_per_m
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most)
