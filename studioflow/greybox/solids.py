"""Closed triangle meshes from curves: turned, lofted, swept along a path, and boxes with round edges.

Every mesh is watertight (each edge belongs to two faces), faces outwards and has smooth normals weighted by area: a
flat face beside a narrow bevel stays flat to the eye, and the bevel takes the highlight. Lengths are metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .parts import Mesh

Array = NDArray[np.float64]
_NOTHING = 1e-12


def solid(vertices: ArrayLike, faces: ArrayLike) -> Mesh:
    """A closed mesh of [N, 3] vertices and [M, 3] faces of one orientation, turned outwards, with smooth normals."""
    points, triangles = np.asarray(vertices, dtype=np.float64), np.asarray(faces, dtype=np.int64)
    if volume(points, triangles) < 0.0:
        triangles = triangles[:, ::-1]
    return Mesh(points.astype(np.float32), triangles.astype(np.uint32), _normals(points, triangles))


def volume(vertices: Array, faces: NDArray[np.int64]) -> float:
    """The volume that a closed mesh encloses, in cubic metres; negative where its faces look inwards."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _normals(vertices: Array, faces: NDArray[np.int64]) -> NDArray[np.float32]:
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    crosses = np.cross(b - a, c - a)
    summed = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(summed, faces[:, corner], crosses)
    lengths = np.linalg.norm(summed, axis=1, keepdims=True)
    summed = np.where(lengths > _NOTHING * 1e-6, summed, (0.0, 1.0, 0.0))
    return (summed / np.linalg.norm(summed, axis=1, keepdims=True)).astype(np.float32)


def turn(x_deg: float = 0.0, y_deg: float = 0.0, z_deg: float = 0.0) -> Array:
    """The 3 × 3 rotation about x, then y, then z."""
    (cx, sx), (cy, sy), (cz, sz) = ((math.cos(a), math.sin(a)) for a in map(math.radians, (x_deg, y_deg, z_deg)))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, dtype=np.float64)


def moved(mesh: Mesh, by: ArrayLike = (0.0, 0.0, 0.0), matrix: ArrayLike | None = None) -> Mesh:
    """The mesh through a 3 × 3 matrix (turned, scaled, mirrored), then shifted."""
    a = np.eye(3) if matrix is None else np.asarray(matrix, dtype=np.float64)
    vertices = mesh.vertices.astype(np.float64) @ a.T + np.asarray(by, dtype=np.float64)
    faces = mesh.faces if np.linalg.det(a) > 0.0 else mesh.faces[:, ::-1]
    normals = mesh.normals
    if normals is not None:
        turned = normals.astype(np.float64) @ np.linalg.inv(a)
        normals = (turned / np.linalg.norm(turned, axis=1, keepdims=True)).astype(np.float32)
    return Mesh(vertices.astype(np.float32), np.ascontiguousarray(faces), normals, mesh.uvs)


def merged(*meshes: Mesh) -> Mesh:
    """Several meshes as one, with the normals and uvs that all of them have."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + np.uint32(start) for mesh, start in zip(meshes, starts, strict=True)]
    normals = [mesh.normals for mesh in meshes if mesh.normals is not None]
    uvs = [mesh.uvs for mesh in meshes if mesh.uvs is not None]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(faces),
        np.concatenate(normals) if len(normals) == len(meshes) else None,
        np.concatenate(uvs) if len(uvs) == len(meshes) else None,
    )


def rounded(points: ArrayLike, radii: float | Sequence[float], steps: int = 8, closed: bool = False) -> Array:
    """A polyline [N, 2] with its corners turned into arcs of those radii, as far as the sides allow; [M, 2]."""
    line = np.asarray(points, dtype=np.float64)
    count = len(line)
    fillets = [float(radii)] * count if isinstance(radii, (int, float)) else [float(radius) for radius in radii]
    found: list[Array] = []
    for index, corner in enumerate(line):
        inner = closed or 0 < index < count - 1
        before, after = line[index - 1] - corner, line[(index + 1) % count] - corner
        arc = _arc(corner, before, after, fillets[index], steps) if inner and fillets[index] > 0.0 else None
        found.append(corner[None] if arc is None else arc)
    return np.concatenate(found)


def _arc(corner: Array, before: Array, after: Array, radius: float, steps: int) -> Array | None:
    """Points on the arc that touches both sides of a corner; None where the line goes straight on."""
    long_before, long_after = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    if min(long_before, long_after) < _NOTHING:
        return None
    one, two = before / long_before, after / long_after
    half = math.acos(float(np.clip(one @ two, -1.0, 1.0))) / 2.0
    if half > math.pi / 2.0 - 1e-3 or half < 1e-3:
        return None
    along = min(radius / math.tan(half), 0.495 * min(long_before, long_after))
    middle = corner + (one + two) / np.linalg.norm(one + two) * along / math.cos(half)
    start, end = corner + one * along - middle, corner + two * along - middle
    whole = math.pi - 2.0 * half
    shares = np.linspace(0.0, 1.0, max(2, math.ceil(steps * whole / (math.pi / 2.0)) + 1))[:, None]
    swung = (np.sin((1.0 - shares) * whole) * start + np.sin(shares * whole) * end) / math.sin(whole)
    return np.asarray(middle + swung, dtype=np.float64)


def revolved(profile: ArrayLike, segments: int = 72, ring: bool = False) -> Mesh:
    """A profile [N, 2] of (radius, height) turned about the y axis.

    It begins and ends on the axis; with ``ring`` it is a closed curve off the axis.
    """
    line = np.asarray(profile, dtype=np.float64)
    line = line[np.append(True, np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-9)]
    angles = np.arange(segments) * (2.0 * math.pi / segments)
    wheel = np.stack([np.sin(angles), np.zeros(segments), np.cos(angles)], axis=1)
    rings = (line if ring else line[1:-1])[:, None, 0:1] * wheel + [0.0, 1.0, 0.0] * (line if ring else line[1:-1])[
        :, None, 1:2
    ]
    if ring:
        count = len(rings)
        return solid(rings.reshape(-1, 3), _bands(count, segments, True))
    return _capped(rings, np.array([0.0, line[0, 1], 0.0]), np.array([0.0, line[-1, 1], 0.0]))


def lofted(rings: ArrayLike) -> Mesh:
    """Rings [S, N, 3] joined into a body whose two ends are closed, each around its middle."""
    sections = np.asarray(rings, dtype=np.float64)
    return _capped(sections, sections[0].mean(axis=0), sections[-1].mean(axis=0))


def swept(path: ArrayLike, radii: float | Sequence[float], segments: int = 20) -> Mesh:
    """A round rod along a path [P, 3] with a radius at each point and round ends, which reach beyond the path."""
    line = np.asarray(path, dtype=np.float64)
    widths = np.full(len(line), radii) if isinstance(radii, (int, float)) else np.asarray(radii, dtype=np.float64)
    ways = np.gradient(line, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    side = np.cross(ways[0], np.eye(3)[int(np.argmin(np.abs(ways[0])))])
    rings, angles = [], np.arange(segments)[:, None] * (2.0 * math.pi / segments)

    def ring(middle: Array, way: Array, across: Array, radius: float) -> Array:
        return np.asarray(middle + radius * (np.cos(angles) * across + np.sin(angles) * np.cross(way, across)))

    arcs = np.linspace(0.0, math.pi / 2.0, 6)[:-1]
    for index, (point, way, width) in enumerate(zip(line, ways, widths, strict=True)):
        side = side - (side @ way) * way
        side /= np.linalg.norm(side)
        if index == 0:
            rings += [ring(point - way * width * math.cos(a), way, side, width * math.sin(a)) for a in arcs[1:]]
        rings.append(ring(point, way, side, width))
        if index == len(line) - 1:
            rings += [ring(point + way * width * math.cos(a), way, side, width * math.sin(a)) for a in arcs[:0:-1]]
    return _capped(np.array(rings), line[0] - ways[0] * widths[0], line[-1] + ways[-1] * widths[-1])


def rounded_box(size: ArrayLike, radius: float, steps: int = 5) -> Mesh:
    """A box of that size (x, y, z) around the origin, its edges and corners round as far as it is thick enough."""
    half = np.asarray(size, dtype=np.float64) / 2.0
    bevel = min(radius, 0.999 * float(half.min()))
    inner = half - bevel
    offsets = np.tan(np.linspace(0.0, math.pi / 4.0, steps + 1)) * bevel
    lines = [np.concatenate([-(edge + offsets)[::-1], edge + offsets]) for edge in inner]
    count = 2 * (steps + 1)
    points, faces, start = [], [], 0
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            face = np.zeros((count, count, 3))
            face[..., axis], face[..., u], face[..., v] = sign * half[axis], lines[u][:, None], lines[v][None, :]
            points.append(face.reshape(-1, 3))
            quads = _bands(count, count, False) + start
            faces.append(quads if sign > 0 else quads[:, ::-1])
            start += count * count
    flat = np.concatenate(points)
    _, first, names = np.unique(np.round(flat / half.max(), 9), axis=0, return_index=True, return_inverse=True)
    flat, triangles = flat[first], names.ravel()[np.concatenate(faces)]
    core = np.clip(flat, -inner, inner)
    ways = (flat - core) / np.linalg.norm(flat - core, axis=1, keepdims=True)
    return solid(core + bevel * ways, triangles)._replace(normals=ways.astype(np.float32))


def extruded(outline: ArrayLike, thickness: float, bevel: float, steps: int = 4) -> Mesh:
    """An outline [N, 2] (x, y), seen whole from the middle of its points, as a slab along z with round rims."""
    line = np.asarray(outline, dtype=np.float64)
    middle = (line.max(axis=0) + line.min(axis=0)) / 2.0
    reach = (line.max(axis=0) - line.min(axis=0)) / 2.0
    bevel = min(bevel, thickness / 2.0 * 0.999, float(reach.min()) * 0.9)
    rings = []
    for side in (-1.0, 1.0):
        for angle in np.linspace(0.0, math.pi / 2.0, steps + 1)[:: int(-side)]:
            shrunk = middle + (line - middle) * (1.0 - bevel * (1.0 - math.cos(angle)) / reach)
            height = side * (thickness / 2.0 - bevel + bevel * math.sin(angle))
            rings.append(np.column_stack([shrunk, np.full(len(line), height)]))
    # A ring just inside each rim keeps the flat faces flat in the smooth normals.
    first, last = (
        np.column_stack([middle + (r[:, :2] - middle) * 0.98, np.full(len(line), r[0, 2])])
        for r in (rings[0], rings[-1])
    )
    return lofted(np.array([first, *rings, last]))


def ellipse(radius_x: float, radius_y: float, count: int = 64, power: float = 2.0) -> Array:
    """A superellipse [count, 2] around the origin; a power above 2 makes it squarer."""
    angles = np.arange(count) * (2.0 * math.pi / count)
    cosine, sine = np.cos(angles), np.sin(angles)
    return np.column_stack(
        [
            radius_x * np.sign(cosine) * np.abs(cosine) ** (2.0 / power),
            radius_y * np.sign(sine) * np.abs(sine) ** (2.0 / power),
        ]
    )


def curve(points: ArrayLike, count: int = 24) -> Array:
    """A smooth curve [count, D] through points [N, D]: cubic Hermite, its slopes those of Catmull and Rom."""
    line = np.asarray(points, dtype=np.float64)
    spans = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    slopes = np.gradient(line, spans, axis=0)
    spots = np.linspace(0.0, spans[-1], count)
    index = np.clip(np.searchsorted(spans, spots, side="right") - 1, 0, len(line) - 2)
    long = (spans[index + 1] - spans[index])[:, None]
    t = (spots - spans[index])[:, None] / long
    start = (1.0 + 2.0 * t) * (1.0 - t) ** 2 * line[index] + t * (1.0 - t) ** 2 * long * slopes[index]
    end = t**2 * (3.0 - 2.0 * t) * line[index + 1] + t**2 * (t - 1.0) * long * slopes[index + 1]
    return np.asarray(start + end, dtype=np.float64)


def faceted(mesh: Mesh) -> Mesh:
    """The mesh with flat faces: each triangle has corners of its own."""
    corners = mesh.vertices[mesh.faces.ravel()].astype(np.float64)
    return solid(corners, np.arange(len(corners)).reshape(-1, 3))


def _bands(rows: int, columns: int, wrapped: bool) -> NDArray[np.int64]:
    """Triangles between rows of columns; ``wrapped`` both ways, else with open ends."""
    i, j = np.meshgrid(np.arange(rows if wrapped else rows - 1), np.arange(columns if wrapped else columns - 1))
    a, b = (i * columns + j).ravel(), ((i + 1) % rows * columns + j).ravel()
    c, d = ((i + 1) % rows * columns + (j + 1) % columns).ravel(), (i * columns + (j + 1) % columns).ravel()
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _capped(rings: Array, start: Array, end: Array) -> Mesh:
    """Rings [S, N, 3] joined one to the next, and closed by a fan to a point at each end."""
    rows, columns = rings.shape[:2]
    around = np.arange(columns)
    after = (around + 1) % columns
    faces = [
        np.concatenate([np.stack([a, a + columns, b + columns], axis=1), np.stack([a, b + columns, b], axis=1)])
        for row in range(rows - 1)
        for a, b in [(row * columns + around, row * columns + after)]
    ]
    last, pole = (rows - 1) * columns, rows * columns
    faces.append(np.stack([np.full(columns, pole), around, after], axis=1))
    faces.append(np.stack([np.full(columns, pole + 1), last + after, last + around], axis=1))
    return solid(np.concatenate([rings.reshape(-1, 3), start[None], end[None]]), np.concatenate(faces))


def ribbon(path: ArrayLike, widths: ArrayLike, thickness: float, count: int = 24) -> Mesh:
    """A closed loop [P, 3] in the plane x = 0 as a band that is ``widths`` [P] wide along x to each side."""
    line, wide = np.asarray(path, dtype=np.float64), np.asarray(widths, dtype=np.float64)
    ways = np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    outwards = np.cross(ways, [1.0, 0.0, 0.0])
    section = ellipse(1.0, thickness / 2.0, count, 3.5)
    rings = line[:, None, :] + section[:, 1][None, :, None] * outwards[:, None, :]
    rings[..., 0] += wide[:, None] * section[:, 0]
    return solid(rings.reshape(-1, 3), _bands(len(line), count, True))
