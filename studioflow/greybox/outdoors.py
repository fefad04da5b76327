"""Cars, houses and plants."""

from __future__ import annotations

from typing import Any

import numpy as np

from .parts import Mesh, Part
from .sculpture import sculpture
from .solids import curve, faceted, lofted, merged, moved, revolved, rounded, rounded_box, solid, swept, turn
from .vessels import vessel

Size = tuple[float, float, float]
Row = dict[str, Any]
_GOLDEN_DEG = 180.0 * (3.0 - 5.0**0.5)
"""The angle at which leaves follow each other around a stem."""


def car(size: Size, row: Row) -> tuple[Part, ...]:
    """A car that drives towards +Z: its body a sculpture, its wheels turned."""
    wheel = _profile(row["tyre"], row["wheel_radius"])
    rim = _profile(row["rim"], row["wheel_radius"])
    tyres, rims = [], []
    for side in (-1.0, 1.0):
        for along in row["axles"]:
            spot = (side * row["track"] / 2.0, row["wheel_radius"], along)
            across = turn(0.0, 0.0, -90.0 * side)
            tyres.append(moved(revolved(wheel, 64), spot, across))
            rims.append(moved(revolved(rim, 64), spot, across))
    return (*sculpture("car"), Part(merged(*tyres), "tyre"), Part(merged(*rims), "rim"))


def _profile(points: list[list[float]], radius: float) -> np.ndarray:
    return rounded([(r * radius, y * radius) for r, y in points], 0.06 * radius, 4)


def house(size: Size, row: Row) -> tuple[Part, ...]:
    """Walls under a gable roof whose ridge runs along x; door and windows in the front towards +Z."""
    width, height, depth = size
    eaves, over = row["eaves"] * height, row["overhang"] * min(width, depth)
    thick = row["roof"] * height
    w, d = width / 2 - over, depth / 2 - over
    run, ridge = depth / 2, height - 1.2 * thick
    gable = np.array([(-d, 0.0), (d, 0.0), (d, eaves), (0.0, ridge), (-d, eaves)])
    walls = lofted([np.column_stack([np.full(5, x), gable[:, 1], gable[:, 0]]) for x in (-w, -0.99 * w, 0.99 * w, w)])
    # The roof's underside passes a hair below the top of the walls.
    low = ridge - (ridge - eaves) * run / d
    upper = np.array([(-run, low + thick), (0.0, height), (run, low + thick)])
    line = np.concatenate([upper, [(run, low - 0.1 * thick), (0.0, ridge - 0.1 * thick), (-run, low - 0.1 * thick)]])
    roof = faceted(_prism(line, -width / 2, width / 2))
    bevel = 0.004 * width
    door = _panel(row["door"], w, eaves, d, bevel)
    frames, panes = [], []
    for spot in row["windows"]:
        frames.append(_panel(spot, w, eaves, d, bevel))
        x, y, a, b = spot
        panes.append(_panel([x, y + 0.03, a - 0.03, b - 0.06], w, eaves, d + 0.6 * bevel, bevel))
    chimney = moved(
        rounded_box((0.07 * width, 0.45 * height, 0.07 * width), bevel),
        (0.28 * width, height - 0.225 * height, -0.12 * depth),
    )
    return (
        Part(faceted(walls)),
        Part(chimney),
        Part(roof, "roof"),
        Part(merged(door, *frames), "frame"),
        Part(merged(*panes), "glass"),
    )


def _panel(spot: list[float], w: float, eaves: float, d: float, bevel: float) -> Mesh:
    """A plate on the front wall: middle in x, lower edge, width and height in terms of half the wall and the eaves."""
    x, y, wide, tall = spot
    return moved(rounded_box((wide * w, tall * eaves, 6 * bevel), bevel), (x * w, (y + tall / 2) * eaves, d))


def _prism(outline: np.ndarray, start: float, end: float) -> Mesh:
    """An outline (z, y) of a bent band of six points as a closed slab along x."""
    rings = [np.column_stack([np.full(6, x), outline[:, 1], outline[:, 0]]) for x in (start, end)]
    points = np.concatenate(rings)
    around = np.arange(6)
    after = (around + 1) % 6
    sides = np.concatenate([np.stack([around, after, after + 6], 1), np.stack([around, after + 6, around + 6], 1)])
    cap = np.array([(0, 4, 1), (0, 5, 4), (1, 4, 3), (1, 3, 2)])
    return solid(points, np.concatenate([sides, cap, cap[:, ::-1] + 6]))


def plant(size: Size, row: Row) -> tuple[Part, ...]:
    """Leaves on stems out of a pot, in the order in which leaves grow."""
    width, height, depth = size
    radius, tall = row["pot_radius"] * min(width, depth), row["pot_height"] * height
    pot = vessel((2 * radius, tall, 2 * radius), row["pot"])
    stems, leaves = [], []
    for index in range(row["leaves"]):
        share = index / (row["leaves"] - 1)
        lean = np.radians(12.0 + 62.0 * share)
        reach = (0.98 - 0.25 * share) * (height - tall)
        way = turn(0.0, index * _GOLDEN_DEG) @ np.array([np.sin(lean), np.cos(lean), 0.0])
        out = np.array([way[0], 0.0, way[2]])
        start = np.array([0.0, 0.85 * tall, 0.0]) + 0.15 * radius * out
        path = curve(
            [
                start,
                start + 0.45 * reach * way + (0, 0.08 * reach, 0),
                start + reach * way + (0, -0.1 * reach * share, 0),
            ],
            16,
        )
        stems.append(swept(path[:9], 0.012 * height, 8))
        leaves.append(_leaf(path[7:], row["leaf_width"] * reach, 0.006 * height))
    return *pot, Part(merged(*stems), "stem"), Part(merged(*leaves), "leaf")


def _leaf(path: np.ndarray, width: float, thick: float) -> Mesh:
    """A pointed leaf along a path, its halves raised beside the middle rib."""
    line = curve(path, 20)
    ways = np.gradient(line, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    angles = np.arange(24) * (2.0 * np.pi / 24)
    rings = []
    for index, (point, way) in enumerate(zip(line, ways, strict=True)):
        share = (index + 0.5) / len(line)
        across = np.cross(way, (0.0, 1.0, 0.0))
        across /= np.linalg.norm(across)
        up = np.cross(across, way)
        wide = width * np.sin(np.pi * share) ** 0.8 * (1.2 - 0.5 * share)
        x = np.cos(angles)
        rings.append(
            point + wide * x[:, None] * across + (thick * np.sin(angles) + 0.25 * wide * np.abs(x))[:, None] * up
        )
    return lofted(np.array(rings))
