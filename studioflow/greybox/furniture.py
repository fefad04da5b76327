"""Furniture and lamps, from blocks, rods and turned parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from .parts import Mesh, Part
from .solids import extruded, lofted, merged, moved, revolved, rounded, rounded_box, swept, turn
from .things import rectangle
from .vessels import vessel

Size = tuple[float, float, float]
Row = dict[str, Any]
_MOST_CUSHIONS = 8
"""A sofa is made longer by wider cushions from here on."""


def _block(low: tuple[float, float, float], high: tuple[float, float, float], bevel: float) -> Mesh:
    """A box with round edges between two corners."""
    a, b = np.array(low), np.array(high)
    return moved(rounded_box(b - a, bevel), (a + b) / 2.0)


def _leg(top: tuple[float, float, float], foot: tuple[float, float, float], thick: float, taper: float) -> Mesh:
    """A round leg that stands flat on y = 0."""
    path = np.linspace(top, (foot[0], 0.0, foot[2]), 6)
    leg = swept(path, list(np.linspace(thick, thick * taper, 6)), 20)
    return leg._replace(vertices=np.maximum(leg.vertices, np.float32([-np.inf, 0.0, -np.inf])))


def chair(size: Size, row: Row) -> tuple[Part, ...]:
    width, height, depth = size
    seat, board, leg = row["seat_height"] * height, row["board"] * height, row["leg"] * width
    x, z, lean = width / 2.0 - 1.4 * leg, depth / 2.0 - 1.4 * leg, row["lean"] * depth
    outline = rectangle(width, depth - lean, 0.16 * width)
    top = moved(extruded(outline, board, 0.45 * board), (0, seat - board / 2.0, lean / 2.0), turn(-90))
    legs = [
        _leg(
            (0.9 * a * x, seat - board / 2, b * z * 0.9 + (lean * 0.9 if b < 0 else 0)),
            (a * x, 0, b * z + (lean * 0.6 if b < 0 else 0)),
            leg,
            0.65,
        )
        for a in (-1, 1)
        for b in (-1, 1)
    ]
    back = -depth / 2.0 + lean
    posts = [
        swept(
            np.linspace(
                (a * 0.84 * x, seat - board / 2, back + 1.5 * leg), (a * 0.9 * x, 0.97 * height, -depth / 2.0 + leg), 6
            ),
            0.8 * leg,
            16,
        )
        for a in (-1, 1)
    ]
    rest = _slat(0.96 * width, row["rest"] * height, 1.2 * leg, row["bow"] * depth)
    tilt = np.degrees(np.arctan2(lean, height - seat))
    rest = moved(rest, (0, height - row["rest"] * height / 2.0, -depth / 2.0 + leg + 0.2 * lean), turn(-tilt))
    return (Part(merged(top, *legs, *posts, rest)),)


def _slat(width: float, tall: float, thick: float, bow: float) -> Mesh:
    """A board bent backwards in its middle."""
    x = np.linspace(-1.0, 1.0, 40)
    section = rectangle(thick, tall, 0.45 * thick)
    rings = []
    for share in x:
        narrow = np.sqrt(max(1.0 - abs(share) ** 8, 0.0)) * 0.98 + 0.02
        rings.append(
            np.column_stack(
                [
                    np.full(len(section), share * width / 2.0),
                    section[:, 1] * narrow,
                    section[:, 0] * narrow - bow * (1.0 - share**2),
                ]
            )
        )
    return lofted(np.array(rings))


def table(size: Size, row: Row) -> tuple[Part, ...]:
    width, height, depth = size
    thick = min(row["board"] * height, 0.2 * min(width, depth))
    leg = row["leg"] * min(width, height, depth)
    top = _block((-width / 2, height - thick, -depth / 2), (width / 2, height, depth / 2), 0.2 * thick)
    x, z = width / 2 - 1.6 * leg, depth / 2 - 1.6 * leg
    apron = 0.9 * leg
    rails = [
        _block(
            (-x, height - thick - 2.2 * leg, s * z - apron / 2), (x, height - 0.9 * thick, s * z + apron / 2), 0.1 * leg
        )
        for s in (-1, 1)
    ]
    rails += [
        _block(
            (s * x - apron / 2, height - thick - 2.2 * leg, -z), (s * x + apron / 2, height - 0.9 * thick, z), 0.1 * leg
        )
        for s in (-1, 1)
    ]
    pairs = max(2, 1 + int(np.ceil(depth / row["bay_m"]))), max(2, 1 + int(np.ceil(width / row["bay_m"])))
    spots = {
        (a, b)
        for a in np.linspace(-x, x, pairs[1])
        for b in np.linspace(-z, z, pairs[0])
        if abs(abs(a) - x) < 1e-9 or abs(abs(b) - z) < 1e-9
    }
    legs = [
        _block((a - leg, 0, b - leg), (a + leg, height - 0.9 * thick, b + leg), 0.2 * leg) for a, b in sorted(spots)
    ]
    return (Part(merged(top, *rails, *legs)),)


def sofa(size: Size, row: Row) -> tuple[Part, ...]:
    width, height, depth = size
    arm, foot, seat = row["arm"] * width, row["foot"] * height, row["seat_height"] * height
    soft, back = 0.1 * height, row["back"] * depth
    base = _block(
        (-width / 2 + 0.5 * arm, foot, -depth / 2 + 0.5 * back),
        (width / 2 - 0.5 * arm, 0.62 * seat, 0.47 * depth),
        0.03 * height,
    )
    arms = [
        _block(
            (s * width / 2 - (arm if s > 0 else 0), foot, -depth / 2),
            (s * width / 2 + (0 if s > 0 else arm), row["arm_height"] * height, depth / 2),
            0.07 * height,
        )
        for s in (-1, 1)
    ]
    rear = _block(
        (-width / 2 + 0.4 * arm, foot, -depth / 2),
        (width / 2 - 0.4 * arm, 0.93 * height, -depth / 2 + back),
        0.07 * height,
    )
    inner = width - 2 * arm
    count = min(max(1, round(inner / row["cushion_m"])), _MOST_CUSHIONS)
    each = inner / count
    cushions = []
    for index in range(count):
        left = -inner / 2 + index * each + 0.004 * width
        right = left + each - 0.008 * width
        cushions.append(
            _block((left, 0.6 * seat, -depth / 2 + 0.8 * back), (right, seat, 0.5 * depth - 0.01 * depth), soft)
        )
        pillow = moved(rounded_box((right - left, height - seat + 0.02 * height, 0.9 * back), soft), matrix=turn(-9))
        low, high = pillow.vertices.min(axis=0), pillow.vertices.max(axis=0)
        cushions.append(moved(pillow, ((left + right) / 2, height - high[1], -depth / 2 + 0.75 * back - low[2])))
    feet = [
        _leg(
            (s * (width / 2 - 0.5 * arm), foot * 1.2, t * 0.42 * depth),
            (s * (width / 2 - 0.5 * arm), 0, t * 0.42 * depth),
            0.12 * arm,
            0.7,
        )
        for s in (-1, 1)
        for t in (-1, 1)
    ]
    return Part(merged(base, *arms, rear)), Part(merged(*cushions), "cushions"), Part(merged(*feet), "feet")


def lamp(size: Size, row: Row) -> tuple[Part, ...]:
    """A table lamp: a foot, a stem, a shade that is open above and below, and its bulb."""
    parts = vessel(size, row["stand"])
    width, height, _ = size
    low, high, (wide, narrow) = row["shade"][0] * height, height, row["shade"][1]
    thick = 0.012 * width
    line = [
        (wide * width / 2, low),
        (narrow * width / 2, high),
        (narrow * width / 2 - thick, high),
        (wide * width / 2 - thick, low),
    ]
    shade = revolved(rounded(line, 0.45 * thick, 4, closed=True), 96, ring=True)
    bulb = revolved(
        rounded(
            [
                (0, 0),
                (0.05 * width, 0),
                (0.06 * width, 0.04 * width),
                (0.12 * width, 0.14 * width),
                (0.12 * width, 0.26 * width),
                (0, 0.27 * width),
            ],
            [0, 0.01, 0.05 * width, 0.12 * width, 0.11 * width, 0],
        )
    )
    bulb = moved(bulb, (0, low + 0.12 * (high - low), 0))
    return *parts, Part(shade, "shade"), Part(bulb, "bulb")
