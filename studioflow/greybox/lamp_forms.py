"""What shines of a light, as triangles: flat shapes that face +Z, and bodies around the origin.

A light's width lies along x, its height along y; whom it shines on stands on +Z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .parts import Mesh

Array = NDArray[np.float64]
_SIDES = 64
"""Of what is round and flat; the light that the missing slivers would give is not missing, for strength is measured on
the polygon."""
_BODY_SIDES, _BODY_RINGS = 24, 12


def rectangle(width: float, height: float) -> Mesh:
    """A flat rectangle."""
    x, y = width / 2.0, height / 2.0
    return _mesh([(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)], [(0, 1, 2), (0, 2, 3)])


def disc(width: float, height: float) -> Mesh:
    """A flat disc, an ellipse where it is not as wide as high."""
    edge = _circle(_SIDES) * (width / 2.0, height / 2.0, 0.0)
    return _mesh([(0.0, 0.0, 0.0), *edge], [(0, 1 + n, 1 + (n + 1) % _SIDES) for n in range(_SIDES)])


def ring(width: float, height: float, inner: float = 0.75) -> Mesh:
    """A flat ring; its hole is ``inner`` times as wide as all of it."""
    edge = _circle(_SIDES) * (width / 2.0, height / 2.0, 0.0)
    faces = []
    for n in range(_SIDES):
        after = (n + 1) % _SIDES
        faces += [(n, after, _SIDES + after), (n, _SIDES + after, _SIDES + n)]
    # The hole is listed last, so that the outer edge comes first in every face and the front is +Z.
    return _mesh([*edge, *(edge * inner)], faces)


def ellipsoid(width: float, height: float) -> Mesh:
    """As deep as it is wide."""
    angles = np.linspace(-np.pi / 2.0, np.pi / 2.0, _BODY_RINGS + 1)
    return _turned(np.stack([np.cos(angles) * width / 2.0, np.sin(angles) * height / 2.0], axis=1))


def tube(width: float, height: float) -> Mesh:
    """A round tube with round ends, along the longer side and as thick as the other."""
    length, radius = max(width, height), min(width, height) / 2.0
    ends = np.linspace(0.0, np.pi / 2.0, _BODY_RINGS // 2 + 1)
    top = np.stack([np.cos(ends) * radius, length / 2.0 - radius + np.sin(ends) * radius], axis=1)
    made = _turned(np.concatenate([top[::-1] * (1.0, -1.0), top]))
    if height >= width:
        return made
    lying = made.vertices[:, [1, 0, 2]] * np.array([1.0, -1.0, 1.0], dtype=np.float32)
    return Mesh(lying, made.faces)


def bulbs(width: float, height: float, count: int = 12) -> Mesh:
    """A string of small bulbs that sags by the height between its ends."""
    across = np.linspace(-0.5, 0.5, count)
    size = min(0.4 * width / count, 0.04)
    return _joined(_at(ellipsoid(size, size), (x * width, height * (4.0 * x**2 - 0.5), 0.0)) for x in across)


def flames(width: float, height: float) -> Mesh:
    """Five tongues of fire side by side, the middle one highest."""
    heights = np.array([0.45, 0.75, 1.0, 0.65, 0.4]) * height
    across = (np.arange(5) - 2.0) * width / 5.0
    tongue = 0.9 * width / 5.0
    return _joined(
        _at(ellipsoid(tongue, high), (x, (high - height) / 2.0, 0.0)) for x, high in zip(across, heights, strict=True)
    )


def barrel(radius: float, length: float) -> Mesh:
    """The wall of a tube that is open at both ends, from z = 0 to its length."""
    edge = _circle(_SIDES) * radius
    faces = []
    for n in range(_SIDES):
        after = (n + 1) % _SIDES
        faces += [(n, after, _SIDES + after), (n, _SIDES + after, _SIDES + n)]
    far = edge + np.array([0.0, 0.0, length])
    return _mesh([*edge, *far], faces)


def window_mask(radius: float, pane: float, bar: float, z: float) -> Mesh:
    """A sheet at z with three by three square panes cut out, and as far around them as the radius at least."""
    cuts = [-1.5 * pane - bar, -0.5 * pane - bar, -0.5 * pane, 0.5 * pane, 0.5 * pane + bar, 1.5 * pane + bar]
    outer = max(radius, cuts[-1] + bar)
    lines = np.array([-outer, *cuts, outer])
    middles, halves = (lines[1:] + lines[:-1]) / 2.0, np.diff(lines) / 2.0
    kept = [(i, j) for i in range(7) for j in range(7) if not (i % 2 and j % 2)]
    return _joined(_at(rectangle(2.0 * halves[i], 2.0 * halves[j]), (middles[i], middles[j], z)) for i, j in kept)


def cut_off(vertices: Array, faces: NDArray[np.uint32], lowest: float) -> tuple[Array, NDArray[np.uint32]]:
    """The part of a mesh whose y is at least that; each triangle has vertices of its own."""
    kept = []
    for triangle in vertices[faces.astype(np.int64)]:
        outline: list[Array] = []
        for one, other in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
            if one[1] >= lowest:
                outline.append(one)
            if (one[1] < lowest) != (other[1] < lowest):
                outline.append(one + (lowest - one[1]) / (other[1] - one[1]) * (other - one))
        kept += [(outline[0], outline[n], outline[n + 1]) for n in range(1, len(outline) - 1)]
    return np.reshape(kept, (-1, 3)), np.arange(3 * len(kept), dtype=np.uint32).reshape(-1, 3)


FORMS: dict[str, Callable[..., Mesh]] = {
    "rectangle": rectangle,
    "disc": disc,
    "ring": ring,
    "ellipsoid": ellipsoid,
    "tube": tube,
    "bulbs": bulbs,
    "flames": flames,
}
"""By the names of lamp_shapes.json; each takes width and height in metres."""


def _circle(sides: int) -> Array:
    turn = np.arange(sides) * 2.0 * np.pi / sides
    return np.stack([np.cos(turn), np.sin(turn), np.zeros(sides)], axis=1)


def _turned(profile: Array) -> Mesh:
    """The closed body of a profile [N, 2] of radii and heights, from the bottom up, turned about y."""
    turn = np.arange(_BODY_SIDES) * 2.0 * np.pi / _BODY_SIDES
    around = np.stack([np.sin(turn), np.zeros(_BODY_SIDES), np.cos(turn)], axis=1)
    rings = [radius * around + (0.0, height, 0.0) for radius, height in profile]
    faces = []
    for ring_at in range(len(rings) - 1):
        low, high = ring_at * _BODY_SIDES, (ring_at + 1) * _BODY_SIDES
        for n in range(_BODY_SIDES):
            after = (n + 1) % _BODY_SIDES
            if profile[ring_at, 0] > 1e-9:
                faces.append((low + n, low + after, high + after))
            if profile[ring_at + 1, 0] > 1e-9:
                faces.append((low + n, high + after, high + n))
    return _mesh(np.concatenate(rings), faces)


def _at(mesh: Mesh, place: Sequence[float]) -> Mesh:
    return Mesh(mesh.vertices + np.asarray(place, dtype=np.float32), mesh.faces)


def _joined(meshes: Iterable[Mesh]) -> Mesh:
    vertices, faces, count = [], [], 0
    for mesh in meshes:
        vertices.append(mesh.vertices)
        faces.append(mesh.faces + np.uint32(count))
        count += len(mesh.vertices)
    return Mesh(np.concatenate(vertices), np.concatenate(faces))


def _mesh(vertices: object, faces: object) -> Mesh:
    return Mesh(np.asarray(vertices, dtype=np.float32), np.asarray(faces, dtype=np.uint32))
