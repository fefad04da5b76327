"""A drawing of the depth of field: camera, sharp zone and subject from the side, from numbers that others computed.

The axis runs in even steps of 1 / distance, as focusing scales do: infinity has a place on it, and the limits of
sharpness lie about evenly before and behind the focus, from macro to landscape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..resources import table
from .diagram_labels import length, stacked
from .drawing import color, document, element, path, text, text_width

WIDTH, HEIGHT = 1000.0, 520.0
_LEFT, _RIGHT = 176.0, 930.0
"""Where the axis begins and where infinity is."""
_AXIS, _BAND = 226.0, 84.0
_SIZE = 14.0
_TICK_GAP = 58.0


class Mark(NamedTuple):
    """A distance with its name, written above or below the axis in so many significant digits."""

    name: str
    distance_m: float
    paint: str
    digits: int = 3

    def distance(self) -> str:
        """The distance as people write it."""
        return length(self.distance_m, self.digits) if math.isfinite(self.distance_m) else _word("infinity")


def focus_svg(
    *,
    focal_length_mm: float,
    aperture: float,
    focus_m: float,
    near_m: float,
    far_m: float,
    hyperfocal_m: float,
    subject_m: float | None = None,
    subject_depth_m: float | None = None,
    background_m: float | None = None,
    blur_mm: float | None = None,
    blur_of_height: float | None = None,
    title: str = "",
) -> str:
    """The depth of field as an SVG document, WIDTH × HEIGHT; the same numbers always give the same text.

    Distances are metres from the lens; ``far_m`` is ``math.inf`` where the sharp zone has no end. ``blur_mm`` is the
    blur disc's diameter on the sensor of a point at ``background_m`` (``math.inf`` too), ``blur_of_height`` the same
    as a part of the picture's height, drawn to scale in a small frame. Raises ValueError for distances that are not
    above zero, or not in the order near, focus, far.
    """
    given = [near_m, focus_m, hyperfocal_m, focal_length_mm, aperture, subject_m, subject_depth_m, background_m]
    if not all(value is None or value > 0.0 for value in given) or not near_m <= focus_m <= far_m:
        raise ValueError(f"near {near_m:g}, focus {focus_m:g} and far {far_m:g} m must be above zero and in this order")
    if not all(map(math.isfinite, (near_m, focus_m, hyperfocal_m, focal_length_mm, aperture))):
        raise ValueError("only the far limit and the background may be at infinity")
    begin = 0.62 * min(near_m, subject_m - (subject_depth_m or 0.0) / 2.0 if subject_m else near_m)
    if begin <= 0.0:
        begin = 0.62 * min(near_m, subject_m or near_m)
    axis = _Axis(begin)
    above = _above(near_m, focus_m, far_m)
    below = _below(subject_m, subject_depth_m, hyperfocal_m, background_m)
    facts = _facts(near_m, focus_m, far_m, blur_mm, blur_of_height)
    heading = title or _word("title")
    lens = _word("lens", focal=f"{focal_length_mm:.4g}", aperture=f"{aperture:.2g}")
    parts = [
        element("rect", x=36, y=30, width=44, height=5, fill=color("accent")),
        text(36, 62, heading, 24, color("ink"), bold=True),
        text(WIDTH - 36, 62, lens, 18, color("ink"), anchor="end"),
        *_sharp_zone(axis, near_m, far_m),
        *_rays(axis, focus_m),
        *_subject(axis, subject_m, subject_depth_m),
        *_camera(),
        *_marks(axis, above, _AXIS - _BAND, -1.0),
        *_marks(axis, below, _AXIS + _BAND + 34.0, 1.0),
        *_scale(axis),
        *(text(36, 436.0 + 21.0 * row, fact, _SIZE, color("ink")) for row, fact in enumerate(facts)),
        text(36, HEIGHT - 18.0, _word("axis"), 12, color("quiet")),
        *_blur_frame(blur_of_height),
    ]
    told = [f"{mark.name} {mark.distance()}" for mark in (*above, *below)]
    return document(WIDTH, HEIGHT, heading, ". ".join([lens, *told, *facts]) + ".", parts)


class _Axis(NamedTuple):
    """Distances to places on the page: x grows with 1 / begin - 1 / distance, and infinity is at _RIGHT."""

    begin_m: float

    def x(self, distance_m: float) -> float:
        part = 1.0 - self.begin_m / distance_m if math.isfinite(distance_m) else 1.0
        return _LEFT + (_RIGHT - _LEFT) * min(max(part, 0.0), 1.0)


def _word(key: str, **holes: object) -> str:
    found: str = table("studio/focus.json")[key]
    return found.format(**holes)


def _above(near_m: float, focus_m: float, far_m: float) -> list[Mark]:
    """The three distances of the sharp zone, with as many digits as tell them apart."""
    thin = min(near_m - focus_m, focus_m - min(far_m, 2.0 * focus_m))
    digits = max(3, min(6, 1 - math.floor(math.log10(max(-thin / focus_m, 1e-4)))))
    far = _word("far" if math.isfinite(far_m) else "to_infinity")
    return [
        Mark(_word("near"), near_m, "quiet", digits),
        Mark(_word("focus"), focus_m, "accent", digits),
        Mark(far, far_m, "quiet", digits),
    ]


def _below(
    subject_m: float | None, subject_depth_m: float | None, hyperfocal_m: float, background_m: float | None
) -> list[Mark]:
    marks = [Mark(_word("hyperfocal"), hyperfocal_m, "quiet")]
    if subject_m:
        name = _word("subject_depth", depth=length(subject_depth_m)) if subject_depth_m else _word("subject")
        marks.append(Mark(name, subject_m, "ink"))
    if background_m:
        marks.append(Mark(_word("background"), background_m, "quiet"))
    return marks


def _facts(
    near_m: float, focus_m: float, far_m: float, blur_mm: float | None, blur_of_height: float | None
) -> list[str]:
    if math.isfinite(far_m):
        sides = {"before": length(focus_m - near_m), "behind": length(far_m - focus_m)}
        facts = [_word("total", total=length(far_m - near_m), **sides)]
    else:
        facts = [_word("total_infinite", near=length(near_m))]
    blur = [_word("blur", percent=f"{100.0 * blur_of_height:.2g}%")] if blur_of_height is not None else []
    blur += [_word("blur_mm", mm=f"{blur_mm:.2g}")] if blur_mm is not None else []
    return [*facts, f"{_word('background').capitalize()}: {', '.join(blur)}"] if blur else facts


def _sharp_zone(axis: _Axis, near_m: float, far_m: float) -> list[str]:
    left, right = axis.x(near_m), axis.x(far_m)
    top = _AXIS - _BAND
    if not math.isfinite(far_m):
        arrow = [(left, top), (right, top), (right + 34.0, _AXIS), (right, _AXIS + _BAND), (left, _AXIS + _BAND)]
        return [element("path", d=path(arrow, closed=True), fill=color("sharp"))]
    wide = max(right - left, 2.0)
    return [element("rect", x=left, y=top, width=wide, height=2.0 * _BAND, fill=color("sharp"))]


def _rays(axis: _Axis, focus_m: float) -> list[str]:
    """Light from the focus through the rims of the lens, and on: between the lines lies the blur at each distance."""
    lens_x, rim, focus_x = 128.0, 40.0, axis.x(focus_m)
    beyond = rim * (_RIGHT + 30.0 - focus_x) / (focus_x - lens_x)
    fit = min(1.0, (_BAND + 24.0) / beyond) if beyond > 0.0 else 1.0
    end = focus_x + (_RIGHT + 30.0 - focus_x) * fit
    ink = {"fill": "none", "stroke": color("hair"), "stroke_width": 1.1}
    rays = [path([(lens_x, _AXIS + s * rim), (focus_x, _AXIS), (end, _AXIS - s * beyond * fit)]) for s in (1.0, -1.0)]
    plane = {"x1": focus_x, "x2": focus_x, "y1": _AXIS - _BAND - 8.0, "y2": _AXIS + _BAND + 8.0}
    return [
        *(element("path", d=ray, **ink) for ray in rays),
        element("line", **plane, stroke=color("accent"), stroke_width=2),
    ]


def _subject(axis: _Axis, subject_m: float | None, depth_m: float | None) -> list[str]:
    if not subject_m:
        return []
    half = (depth_m or 0.0) / 2.0
    left, right = axis.x(max(subject_m - half, axis.begin_m)), axis.x(subject_m + half)
    wide = max(right - left, 5.0)
    middle = (left + right) / 2.0
    box = {"x": middle - wide / 2.0, "y": _AXIS - 52.0, "width": wide, "height": 104.0, "rx": 2}
    paint = {"fill": color("ink"), "fill_opacity": 0.16, "stroke": color("ink"), "stroke_width": 1.5}
    return [element("rect", **box, **paint)]


def _scale(axis: _Axis) -> list[str]:
    """The axis with round distances as far as they have room, and infinity."""
    y = _AXIS + _BAND + 18.0
    parts = [element("line", x1=_LEFT, y1=y - 12.0, x2=_RIGHT, y2=y - 12.0, stroke=color("ink"), stroke_width=1.2)]
    last = _LEFT - _TICK_GAP
    for metres in round_distances(axis.begin_m):
        x = axis.x(metres)
        if x > _RIGHT - _TICK_GAP * 0.7:
            break
        if x - last >= _TICK_GAP:
            last = x
            parts.append(_tick(x, y))
            wide = text_width(length(metres), 12) + 4.0
            parts.append(element("rect", x=x - wide / 2.0, y=y - 5.0, width=wide, height=14, fill=color("paper")))
            parts.append(text(x, y + 6.0, length(metres), 12, color("quiet"), anchor="middle"))
    loop = f"M {_RIGHT} {y + 2.0} c -9 -11 -14 -5 -14 0 c 0 5 5 11 14 0 c 9 -11 14 -5 14 0 c 0 5 -5 11 -14 0 Z"
    return [
        *parts,
        _tick(_RIGHT, y),
        element("path", d=loop, fill="none", stroke=color("quiet"), stroke_width=1.5),
    ]


def _tick(x: float, y: float) -> str:
    return element("line", x1=x, y1=y - 16.0, x2=x, y2=y - 8.0, stroke=color("ink"), stroke_width=1.2)


def round_distances(begin_m: float) -> list[float]:
    """1, 1.5, 2, 3, 5 and 7 times the powers of ten, from a distance up to 10 000 times as far; metres."""
    power = math.floor(math.log10(begin_m))
    steps = [step * 10.0**exponent for exponent in range(power, power + 6) for step in (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)]
    return [metres for metres in steps if begin_m <= metres <= begin_m * 1e4]


def _camera() -> list[str]:
    """The camera from the side, its lens at the beginning of all distances."""
    ink = {"fill": color("body"), "stroke": color("ink"), "stroke_width": 1.5}
    glass = f"M 128 {_AXIS - 40} Q 144 {_AXIS} 128 {_AXIS + 40} Q 112 {_AXIS} 128 {_AXIS - 40} Z"
    hump = [(50.0, _AXIS - 34.0), (58.0, _AXIS - 46.0), (80.0, _AXIS - 46.0), (86.0, _AXIS - 34.0)]
    return [
        element("rect", x=40, y=_AXIS - 34.0, width=52, height=68, rx=5, **ink),
        element("path", d=path(hump), **ink),
        element("rect", x=92, y=_AXIS - 27.0, width=28, height=54, **ink),
        element("path", d=glass, fill=color("skin"), stroke=color("ink"), stroke_width=1.5),
    ]


def _marks(axis: _Axis, marks: Sequence[Mark], edge: float, way: float) -> list[str]:
    """Names and distances in a row above (``way`` -1) or below (1) the drawing, none over another, lines to each."""
    ordered = sorted(marks, key=lambda mark: (mark.distance_m, mark.name))
    widths = [max(text_width(said, _SIZE) for said in (mark.name, mark.distance())) for mark in ordered]
    wanted = [axis.x(mark.distance_m) - width / 2.0 for mark, width in zip(ordered, widths, strict=True)]
    lefts = stacked(wanted, widths, 36.0, WIDTH - 72.0)
    parts = []
    for mark, width, left in zip(ordered, widths, lefts, strict=True):
        middle, x = left + width / 2.0, axis.x(mark.distance_m)
        lines = [mark.name] if mark.name == _word("to_infinity") else [mark.name, mark.distance()]
        first = edge - 26.0 - 18.0 * (len(lines) - 1) if way < 0 else edge + 28.0
        paint = color(mark.paint)
        for row, said in enumerate(lines):
            tint = color("ink") if row else paint
            parts.append(text(middle, first + 18.0 * row, said, _SIZE, tint, anchor="middle", bold=row > 0))
        begin = edge + way * (14.0 if way > 0 else 20.0)
        end = edge if way < 0 else _AXIS + 52.0
        bend = edge + way * (10.0 if way < 0 else 0.0)
        line = path([(middle, begin), (x, bend), (x, end)])
        parts.append(element("path", d=line, fill="none", stroke=paint, stroke_width=0.9))
    return parts


def _blur_frame(blur_of_height: float | None) -> list[str]:
    """A small picture frame with the blur disc in it, to scale."""
    if blur_of_height is None:
        return []
    wide, high = 114.0, 76.0
    left, top = WIDTH - 36.0 - wide, HEIGHT - 18.0 - high
    radius = min(blur_of_height, 6.0) * high / 2.0
    clip = element("clipPath", element("rect", x=left, y=top, width=wide, height=high), id="frame")
    disc = element("circle", cx=left + wide / 2.0, cy=top + high / 2.0, r=max(radius, 0.6), fill=color("accent"))
    frame = {"x": left, "y": top, "width": wide, "height": high, "stroke": color("ink"), "stroke_width": 1.2}
    return [
        clip,
        element("rect", **frame, fill=color("floor")),
        element("g", disc, clip_path="url(#frame)", fill_opacity=0.75),
        text(left - 12.0, HEIGHT - 18.0, _word("picture"), 12, color("quiet"), anchor="end"),
    ]
