"""Triangles made fit to be rendered: no empty ones, all facing outwards, and normals where there were none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CREASE_DEG = 40.0
"""Edges that bend more stay sharp where a file has no normals: a cylinder of 10 sides is still round."""


def with_area(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which faces [M] have an area: those whose corners lie apart and not in one line."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    longest = np.max([_squared(corners[:, k] - corners[:, k - 1]) for k in range(3)], axis=0)
    # Twice the area against the square of the longest side: 1e-7 of it is what float32 cannot tell from a line.
    return np.sqrt(_squared(cross)) > 1e-7 * longest


def welded(vertices: NDArray[np.float32]) -> NDArray[np.int64]:
    """The number of each vertex's place [N]: those at the same place share one."""
    bits = (vertices + np.float32(0)).view(np.uint32).astype(np.uint64)  # + 0: minus zero is zero
    mixed = np.zeros(len(bits), np.uint64)
    for column in range(3):
        # Multiplicative hashing by odd constants (splitmix64); a chance of 1e-5 that any two of 15 million agree.
        mixed = (mixed ^ bits[:, column]) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed, return_inverse=True)[1].reshape(-1)


class Edges:
    """The edges of triangles [M, 3] of places: ``pairs`` [P, 2] are halves that meet, by 3 × face + corner."""

    def __init__(self, faces: NDArray[np.int64]) -> None:
        starts, ends = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        key = np.minimum(starts, ends) * (int(faces.max()) + 1) + np.maximum(starts, ends)
        order = np.argsort(key)
        same = key[order][1:] == key[order][:-1]
        self.pairs = np.column_stack([order[:-1][same], order[1:][same]])
        self.opposite = starts[self.pairs[:, 0]] == ends[self.pairs[:, 1]]
        counts = np.diff(np.flatnonzero(np.concatenate([[True], ~same, [True]])))
        self.open = int(np.count_nonzero(counts == 1))
        self.crowded = int(np.count_nonzero(counts > 2))
        self.contrary = int(np.count_nonzero(~self.opposite))

    @property
    def closed(self) -> bool:
        """Whether they enclose a space, with one side outside."""
        return not (self.open or self.crowded or self.contrary)


def volume(vertices: NDArray[np.floating], faces: NDArray[np.int64]) -> float:
    """The volume that closed triangles enclose, below 0 where they face inwards (divergence theorem)."""
    corners = vertices[faces].astype(np.float64)
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def corner_normals(
    vertices: NDArray[np.floating], faces: NDArray[np.int64], edges: Edges, crease_deg: float = CREASE_DEG
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Smooth normals up to a crease: the group [M × 3] of each corner, and a unit normal [G, 3] for each group.

    Corners are of one group where their faces meet at an edge that bends less. A normal is the mean of its faces',
    weighted by their angles there (Thürmer and Wüthrich 1998).
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    flat = face_normals(vertices, faces)
    one, other = edges.pairs[:, 0], edges.pairs[:, 1]
    bends = np.einsum("ij,ij->i", flat[one // 3], flat[other // 3])
    smooth = bends > np.cos(np.radians(crease_deg))
    one, other, opposite = one[smooth], other[smooth], edges.opposite[smooth]
    one_end, other_end = _next(one), _next(other)
    links = np.concatenate(
        [
            np.column_stack([one, np.where(opposite, other_end, other)]),
            np.column_stack([one_end, np.where(opposite, other, other_end)]),
        ]
    )
    graph = coo_array((np.ones(len(links), np.uint8), (links[:, 0], links[:, 1])), shape=(faces.size, faces.size))
    count, groups = connected_components(graph, directed=False)
    weights = _angles(vertices, faces).ravel()
    each = np.repeat(flat, 3, axis=0)
    sums = np.column_stack([np.bincount(groups, weights * each[:, axis], count) for axis in range(3)])
    lengths = np.linalg.norm(sums, axis=1)
    first = np.full(count, -1)
    first[groups[::-1]] = np.arange(faces.size)[::-1]
    normals = np.where(lengths[:, None] > 1e-6, sums / np.maximum(lengths, 1e-12)[:, None], each[first])
    return groups.astype(np.int64), normals.astype(np.float32)


def face_normals(vertices: NDArray[np.floating], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    """Unit normals [M, 3] of faces that have an area."""
    corners = vertices[faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-300)


def _next(half: NDArray[np.int64]) -> NDArray[np.int64]:
    return half // 3 * 3 + (half + 1) % 3


def _angles(vertices: NDArray[np.floating], faces: NDArray[np.int64]) -> NDArray[np.float64]:
    corners = vertices[faces].astype(np.float64)
    sides = np.roll(corners, -1, axis=1) - corners
    sides /= np.maximum(np.linalg.norm(sides, axis=2, keepdims=True), 1e-300)
    return np.arccos(np.clip(-np.einsum("mkc,mkc->mk", sides, np.roll(sides, 1, axis=1)), -1, 1))


def _squared(values: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.einsum("ij,ij->i", values, values)
