"""Things turned on a lathe: bottles, glasses, bowls and their lids, with walls, handles and what is in them.

A profile is a list of [radius, height, fillet]: the radius and the fillet in terms of the largest radius, the height in
terms of the whole height. The inner wall is the outer one moved inwards by the thickness of the wall.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parts import Mesh, Part
from .solids import curve, lofted, merged, moved, revolved, rounded, rounded_box, swept

Array = NDArray[np.float64]
Size = tuple[float, float, float]
_THICKEST = 0.35
"""Which part of the height wall and floor may take: what is lower for its width than that has thinner ones."""
_OVERLAP = 0.2
"""How far a liquid reaches into the wall, in terms of its thickness: no gap of air that light would bend at."""


def vessel(size: Size, row: dict[str, Any]) -> tuple[Part, ...]:
    """A vessel around the y axis: its body, and as the row says a handle, closed solids such as caps, and a liquid."""
    height, reach = size[1], row.get("handle_reach", 0.0)
    radius = min(size[2] / 2.0, size[0] / (2.0 + reach))
    outer = _profile(row["outer"], radius, height)
    parts = []
    if "wall" in row:
        wall, floor = row["wall"] * radius, row.get("floor", 0.0) * radius
        thinner = min(1.0, _THICKEST * height / (wall + floor))
        wall, floor = thinner * wall, thinner * floor
        inner = _inner(outer, wall, row.get("inner_from", 0.0) * height + floor)
        body = revolved(_rimmed(outer, inner, wall))
        if "level" in row:
            parts.append(Part(revolved(_filling(inner, wall, row["level"] * height)), "liquid"))
    else:
        body = revolved(outer)
    parts.insert(0, Part(body, row.get("role", "body")))
    if "handle" in row:
        parts.append(Part(_handle(row["handle"], row["handle_radius"], radius, height), row.get("role", "body")))
    parts += [Part(revolved(_profile(lid["outer"], radius, height)), lid["role"]) for lid in row.get("solids", [])]
    return tuple(parts)


def _profile(points: Sequence[Sequence[float]], radius: float, height: float) -> Array:
    corners = [(r * radius, y * height) for r, y, *_ in points]
    return rounded(corners, [(rest[0] if rest else 0.0) * radius for _, _, *rest in points], steps=10)


def _inner(outer: Array, wall: float, floor: float) -> Array:
    """The inner wall from the axis to the rim: ``outer`` moved by ``wall``, nowhere nearer to it, above ``floor``."""
    line = _dense(outer, wall)
    ways = np.gradient(line, axis=0)
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
    moved = line + wall * np.column_stack([-ways[:, 1], ways[:, 0]])
    apart = np.linalg.norm(moved[:, None, :] - line[None, :, :], axis=2).min(axis=1)
    moved = moved[(apart > 0.985 * wall) & (moved[:, 0] > 0.0) & (moved[:, 1] >= floor)]
    start = [[0.0, max(floor, float(moved[0, 1]))]]
    if moved[0, 0] > wall and moved[0, 1] - floor < wall:
        # Off the axis the floor meets the wall in a corner, which is a round one.
        corner = [moved[0, 0], start[0][1]]
        return rounded(np.array([*start, corner, *moved[2:]]), [0.0, wall, *[0.0] * len(moved[2:])], steps=6)
    return np.array([*start, *moved])


def _dense(line: Array, step: float) -> Array:
    """The polyline with no side longer than ``step``."""
    found = [line[:1]]
    for start, end in itertools.pairwise(line):
        count = max(1, min(64, int(np.ceil(np.linalg.norm(end - start) / step))))
        found.append(start + (end - start) * (np.arange(1, count + 1) / count)[:, None])
    return np.concatenate(found)


def _rimmed(outer: Array, inner: Array, wall: float) -> Array:
    """Outer and inner wall joined by a round rim, from the axis below to the axis inside."""
    edge, top = outer[-1], inner[-1]
    middle, half = (edge + top) / 2.0, (edge - top) / 2.0
    length = float(np.linalg.norm(half))
    up = np.array([-half[1], half[0]]) / length * min(length, wall / 2.0)
    angles = np.linspace(0.0, np.pi, 9)[:, None]
    return np.concatenate([outer[:-1], middle + np.cos(angles) * half + np.sin(angles) * up, inner[-2::-1]])


def _filling(inner: Array, wall: float, level: float) -> Array:
    """A liquid up to a height, its side within the wall by a part of the wall's thickness."""
    ways = np.gradient(inner, axis=0)
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
    grown = inner - _OVERLAP * wall * np.column_stack([-ways[:, 1], ways[:, 0]])
    grown[0, 0] = 0.0
    below = grown[grown[:, 1] < level]
    side = float(np.interp(level, grown[:, 1], grown[:, 0]))
    return np.array([*below, [side, level], [0.985 * side, level], [0.0, level]])


def _handle(points: Sequence[Sequence[float]], thickness: float, radius: float, height: float) -> Mesh:
    path = curve([(r * radius, y * height, 0.0) for r, y in points], 28)
    return swept(path, thickness * radius)


def tube(size: Size, row: dict[str, Any]) -> tuple[Part, ...]:
    """A cosmetic tube that stands on its cap: round below, pressed flat at the seam above."""
    width, height, depth = size
    cap, seam, flat = row["cap_height"] * height, row["seam_height"] * height, row["seam_depth"]
    angles = np.arange(72) * (2.0 * np.pi / 72)
    rings = []

    def ring(y: float, across: float, deep: float) -> None:
        rings.append(
            np.column_stack([across * np.cos(angles) * width / 2, np.full(72, y), deep * np.sin(angles) * depth / 2])
        )

    base = row["shoulder"]
    for share in np.linspace(0.0, 1.0, 6):
        ring(cap + 0.02 * height * share, base + (1 - base) * np.sin(share * np.pi / 2), base + (1 - base) * share)
    for share in np.linspace(0.0, 1.0, 24)[1:]:
        bend = share**1.4
        ring(cap + (height - cap - seam) * (0.03 + 0.97 * share), 1.0, (1 - bend) + flat * bend)
    for share, deep in ((0.02, flat), (0.98, flat), (1.0, 0.6 * flat)):
        ring(height - seam + seam * share, 1.0, deep)
    lid = _profile(row["cap"], 1.0, cap / 0.999)
    lid[:, 0] *= width / 2
    cap_mesh = revolved(lid)
    stretch = np.diag([1.0, 1.0, depth / width])
    return Part(lofted(rings)), Part(moved(cap_mesh, matrix=stretch), "cap")


def flacon(size: Size, row: dict[str, Any]) -> tuple[Part, ...]:
    """A flat bottle of thick glass with a block as its cap."""
    width, height, depth = size
    tall, wall = row["body"] * height, row["wall"] * min(width, depth)
    bevel = row["corner"] * min(width, depth)
    middle = (0.0, tall / 2.0, 0.0)
    outer = moved(rounded_box((width, tall, depth), bevel), middle)
    inside = (width - 2 * wall, tall - 3 * wall, depth - 2 * wall)
    inner = moved(rounded_box(inside, bevel), (0.0, tall / 2.0 + 0.2 * wall, 0.0))
    hollow = inner._replace(faces=inner.faces[:, ::-1], normals=-inner.normals)
    filled = (inside[0] + 0.4 * wall, 0.8 * inside[1] + 0.2 * wall, inside[2] + 0.4 * wall)
    low = middle[1] + 0.2 * wall - inside[1] / 2.0 - 0.2 * wall
    liquid = moved(rounded_box(filled, bevel), (0.0, low + filled[1] / 2.0, 0.0))
    neck_radius, cap = row["neck"] * width, row["cap"]
    neck = revolved(_profile([[0, 0], [1, 0, 0.05], [1, 1, 0.05], [0, 1]], neck_radius, 0.06 * height))
    side = min(cap * width * 2.0, 0.8 * depth)
    lid = rounded_box((side, height - tall - 0.03 * height, side), 0.12 * side)
    lid_at = (0.0, height - (height - tall - 0.03 * height) / 2.0, 0.0)
    return (
        Part(merged(outer, hollow)),
        Part(liquid, "liquid"),
        Part(moved(neck, (0.0, tall - 0.01 * height, 0.0)), "neck"),
        Part(moved(lid, lid_at), "cap"),
    )
