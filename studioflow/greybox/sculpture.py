"""Bodies blended of ellipsoids, limbs and blocks: heads, figures, shoes and whatever has no simple outline.

Each is a signed distance (Inigo Quilez, Distance functions) with smooth unions, drawn as a mesh by surface nets (Sarah
Gibson, Constrained elastic surface nets, 1998): a vertex in each cell that the surface crosses, a quad across each
crossed edge of the grid. Vertices are then pulled onto the surface and take its gradient as their normal.
The bodies themselves are data: sculptures.json.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..resources import table
from .kept import kept_parts
from .parts import Mesh, Part
from .solids import turn

Array = NDArray[np.float64]
_FAR = 1e9
_COARSE = 4
"""Cells of the fine grid to a side of a coarse one."""
_BLOCK = 20.0
"""In cells: side of a block of points that are measured together, by the pieces that come near it."""
_MOST = 1000
"""More blocks than any body has along a side."""
_NEAR = 5.5
"""In cells: more than from the middle of a coarse cell to its corner, 3.5, as the distances are rough."""


@functools.cache
def sculpture(name: str) -> tuple[Part, ...]:
    """The parts of a body of sculptures.json, in its own metres.

    It takes seconds, so it is made once and kept in the cache folder, under a name that changes with its data and with
    this code.
    """
    rows = table("greybox/sculptures.json")
    return kept_parts(f"sculpture_{name}", [json.dumps(rows, sort_keys=True), _code()], lambda: _made(rows[name]))


def _made(rows: Sequence[dict[str, Any]]) -> tuple[Part, ...]:
    return tuple(_part(row) for row in rows)


def _code() -> str:
    return Path(__file__).read_text(encoding="utf-8")


def _part(row: dict[str, Any]) -> Part:
    pieces = [piece for given in row["of"] for piece in _pieces(given)]
    return Part(_net(pieces, row["cell_m"]), row["role"])


def _pieces(given: dict[str, Any]) -> list[dict[str, Any]]:
    """A piece, or those of another body's part moved ``by`` so much."""
    if "like" not in given:
        return [given]
    name, role = given["like"]
    by = np.asarray(given["by"], dtype=np.float64)
    found = []
    for row in table("greybox/sculptures.json")[name]:
        if row["role"] == role:
            for piece in itertools.chain.from_iterable(map(_pieces, row["of"])):
                found.append(_placed(piece, by))
    return found


def _placed(piece: dict[str, Any], by: Array) -> dict[str, Any]:
    (key,) = {"ellipsoid", "limb", "block"} & piece.keys()
    return piece | {key: (np.asarray(piece[key]) + by).tolist()}


def _distance(points: Array, pieces: Sequence[dict[str, Any]]) -> Array:
    """Roughly the signed distance in metres of points [N, 3] to the blend of all pieces; negative inside."""
    total = np.full(len(points), _FAR)
    for piece in pieces:
        distance = _piece(_folded(points) if piece.get("mirror") else points, piece)
        blend, how = piece.get("blend", 0.0), piece.get("how", "add")
        if how == "add":
            total = _union(total, distance, blend)
        else:
            total = -_union(-total, distance if how == "cut" else -distance, blend)
    return total


def _folded(points: Array) -> Array:
    """The points with those of the left side (x < 0) at the right."""
    return np.column_stack([np.abs(points[:, 0]), points[:, 1:]])


def _near(points: Array, pieces: Sequence[dict[str, Any]], reach: float, block: float) -> Array:
    """``_distance`` of points within ``reach`` of the surface, block by block, by the pieces that come near."""
    found = np.empty(len(points))
    spots = np.floor((points - points.min(axis=0)) / block).astype(np.int64)
    names = (spots[:, 0] * _MOST + spots[:, 1]) * _MOST + spots[:, 2]
    order = np.argsort(names, kind="stable")
    boxes = [_box(piece) for piece in pieces]
    for group in np.split(order, np.flatnonzero(np.diff(names[order])) + 1):
        own = points[group]
        low, high = own.min(axis=0) - reach, own.max(axis=0) + reach
        nearby = [
            piece
            for piece, (start, end) in zip(pieces, boxes, strict=True)
            if piece.get("how") == "keep"
            or bool(np.all(start - piece.get("blend", 0.0) <= high) and np.all(end + piece.get("blend", 0.0) >= low))
        ]
        found[group] = _distance(own, nearby)
    return found


def _union(one: Array, two: Array, blend: float) -> Array:
    """The smaller of two distances, rounded where they differ by less than ``blend`` (quadratic smooth minimum)."""
    if blend <= 0.0:
        return np.minimum(one, two)
    share = np.maximum(blend - np.abs(one - two), 0.0) / blend
    return np.asarray(np.minimum(one, two) - share * share * blend / 4.0)


def _piece(points: Array, piece: dict[str, Any]) -> Array:
    if "limb" in piece:
        joints, radii = np.asarray(piece["limb"], dtype=np.float64), piece["radii"]
        pairs = zip(joints[:-1], joints[1:], radii[:-1], radii[1:], strict=True)
        return functools.reduce(np.minimum, (_limb(points, *pair) for pair in pairs))
    own = points - np.asarray(piece["ellipsoid" if "ellipsoid" in piece else "block"], dtype=np.float64)
    if "turn" in piece:
        own = own @ turn(*piece["turn"])
    if "ellipsoid" in piece:
        radii = np.asarray(piece["radii"], dtype=np.float64)
        near = np.linalg.norm(own / radii, axis=1)
        return np.asarray(near * (near - 1.0) / np.maximum(np.linalg.norm(own / radii**2, axis=1), 1e-12))
    bevel = float(piece.get("round", 0.0))
    beyond = np.abs(own) - (np.asarray(piece["half"], dtype=np.float64) - bevel)
    outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=1)
    return np.asarray(outside + np.minimum(beyond.max(axis=1), 0.0) - bevel)


def _limb(points: Array, start: Array, end: Array, start_radius: float, end_radius: float) -> Array:
    way = end - start
    share = np.clip((points - start) @ way / max(float(way @ way), 1e-12), 0.0, 1.0)
    away = np.linalg.norm(points - start - share[:, None] * way, axis=1)
    return np.asarray(away - start_radius - share * (end_radius - start_radius))


def _box(piece: dict[str, Any]) -> tuple[Array, Array]:
    """Corners of a box around a piece, and around its mirror image."""
    if "limb" in piece:
        joints, reach = np.asarray(piece["limb"], dtype=np.float64), np.asarray(piece["radii"])[:, None]
    else:
        joints = np.asarray([piece["ellipsoid" if "ellipsoid" in piece else "block"]], dtype=np.float64)
        reach = np.asarray(piece["radii" if "ellipsoid" in piece else "half"], dtype=np.float64)
        if "turn" in piece:
            reach = np.abs(turn(*piece["turn"])) @ reach
    low, high = (joints - reach).min(axis=0), (joints + reach).max(axis=0)
    if piece.get("mirror"):
        low[0], high[0] = min(low[0], -high[0]), max(high[0], -low[0])
    return low, high


def _bounds(pieces: Sequence[dict[str, Any]]) -> tuple[Array, Array]:
    """Corners of a box around all pieces that add to the body."""
    boxes = np.array([_box(piece) for piece in pieces if piece.get("how", "add") == "add"])
    return boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)


def _net(pieces: Sequence[dict[str, Any]], cell: float) -> Mesh:
    low, high = _bounds(pieces)
    low, shape = low - 2.13 * cell, np.ceil((high - low + 4.3 * cell) / cell / _COARSE).astype(int) * _COARSE
    values = _sampled(pieces, low, shape, cell)
    vertices, faces = _quads(_unambiguous(values, cell))
    points = vertices * cell + low
    distance, gradient = _slope(points, pieces, cell)
    step = distance[:, None] * gradient / np.maximum((gradient**2).sum(axis=1, keepdims=True), 0.05)
    points = points - np.clip(step, -0.3 * cell, 0.3 * cell)
    _, gradient = _slope(points, pieces, cell)
    normals = gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12)
    return Mesh(points.astype(np.float32), faces.astype(np.uint32), normals.astype(np.float32))


def _sampled(pieces: Sequence[dict[str, Any]], low: Array, shape: NDArray[np.int64], cell: float) -> Array:
    """Distances on a grid, measured only near the surface; elsewhere the coarse grid's are as good."""
    axes = [low[k] + (np.arange(shape[k] // _COARSE) + 0.5 - 0.5 / _COARSE) * cell * _COARSE for k in range(3)]
    coarse = _distance(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3), pieces)
    values = coarse.reshape(shape // _COARSE)
    for axis in range(3):
        values = np.repeat(values, _COARSE, axis=axis)
    near = np.argwhere(np.abs(values) < _NEAR * cell)
    values[tuple(near.T)] = _near(near * cell + low, pieces, _NEAR * cell, _BLOCK * cell)
    return values


def _unambiguous(values: Array, cell: float) -> Array:
    """The grid without faces whose corners are in and out crosswise, where surfaces would share an edge.

    The outer corner nearest to the surface is taken in, which thickens the body there by less than a cell.
    """
    for _ in range(16):
        found = []
        for axis in range(3):
            sides = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
            corners = [0 * sides[0], sides[0], sides[0] + sides[1], sides[1]]
            inside = values < 0.0
            a, b, c, d = (np.roll(inside, tuple(-s for s in side), axis=(0, 1, 2)) for side in corners)
            spots = np.argwhere((a == c) & (b == d) & (a != b))
            if len(spots):
                around = spots[:, None, :] + np.array(corners)[None]
                distances = values[tuple(around.reshape(-1, 3).T)].reshape(-1, 4)
                pick = np.where(distances >= 0.0, distances, np.inf).argmin(axis=1)
                found.append(around[np.arange(len(spots)), pick])
        if not found:
            break
        values[tuple(np.concatenate(found).T)] = -0.05 * cell
    return values


def _slope(points: Array, pieces: Sequence[dict[str, Any]], cell: float) -> tuple[Array, Array]:
    """Distance [N] and gradient [N, 3] from the corners of a small tetrahedron around each point."""
    step = 0.2 * cell
    corners = np.array([(1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)], dtype=np.float64)
    values = np.stack([_near(points + step * corner, pieces, cell, _BLOCK * cell) for corner in corners], axis=1)
    return values.mean(axis=1), values @ corners / (4.0 * step)


def _quads(values: Array) -> tuple[Array, NDArray[np.int64]]:
    """Surface nets of a grid of distances: vertices [N, 3] in cells, and triangles."""
    inside = values < 0.0
    corners = list(itertools.product((0, 1), repeat=3))
    cells = [c - 1 for c in values.shape]

    def at(field: NDArray[Any], corner: tuple[int, int, int]) -> NDArray[Any]:
        return field[tuple(slice(o, o + n) for o, n in zip(corner, cells, strict=True))]

    count = sum(at(inside, corner).astype(np.int8) for corner in corners)
    active = np.argwhere((count > 0) & (count < 8))
    names = np.full(cells, -1)
    names[tuple(active.T)] = np.arange(len(active))
    total, crossed = np.zeros((len(active), 3)), np.zeros(len(active))
    for one in corners:
        for axis in range(3):
            if one[axis]:
                continue
            two = tuple(c + (k == axis) for k, c in enumerate(one))
            a, b = (values[tuple((active + corner).T)] for corner in (one, two))
            crossing = (a < 0.0) != (b < 0.0)
            share = np.where(crossing, a / np.where(crossing, a - b, 1.0), 0.0)
            spot = np.asarray(one) + share[:, None] * (np.asarray(two) - one)
            total += spot * crossing[:, None]
            crossed += crossing
    faces = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        ahead = np.roll(inside, -1, axis=axis)
        edges = np.argwhere(inside != ahead)
        step_u, step_v = np.eye(3, dtype=int)[u], np.eye(3, dtype=int)[v]
        ring = np.stack([names[tuple((edges - s).T)] for s in (0 * step_u, step_u, step_u + step_v, step_v)], axis=1)
        outwards = inside[tuple(edges.T)]
        ring = np.where(outwards[:, None], ring, ring[:, ::-1])
        faces += [ring[:, [0, 1, 2]], ring[:, [0, 2, 3]]]
    return active + total / crossed[:, None], np.concatenate(faces)
