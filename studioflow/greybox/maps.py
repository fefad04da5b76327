"""Depth, normals, masks and lines of the geometry: sharp, whatever the aperture, and free of noise.

They come from one look through the middle of each of ``looks``² parts of a pixel; ``looks`` is odd, so that one goes
through the pixel's own middle. Depth and normals are those seen there, never a mean of two surfaces; masks and lines
are coverage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .camera import View
from .parts import Plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOTHING_M = 1e10
"""Depth where there is nothing, as other renderers write it: far, and a number."""
AOVS = "position:position,normal:sh_normal,code:albedo"
CHANNELS = 9
_CODES = 4096
"""Codes in one channel; exact in float32, and as many again for each in the next channel."""
_CREASE = math.cos(math.radians(35.0))
_STEP = 0.015
"""A bend or step of the depth larger than this part of it is an edge."""


class Maps(NamedTuple):
    """[H, W] arrays; ``normals`` [H, W, 3] in the camera's space (X right, Y up, Z towards it), zero where nothing is.

    ``masks`` [subjects, H, W] is how much of each pixel a subject covers.
    """

    depth: NDArray[np.float32]
    normals: NDArray[np.float32]
    lines: NDArray[np.float32]
    masks: NDArray[np.float32]


def empty_maps(height: int, width: int, subjects: int) -> Maps:
    """Maps of that size, to be filled band by band."""
    return Maps(
        np.zeros((height, width), dtype=np.float32),
        np.zeros((height, width, 3), dtype=np.float32),
        np.zeros((height, width), dtype=np.float32),
        np.zeros((subjects, height, width), dtype=np.float32),
    )


def coded(shapes: Mapping[str, Plain]) -> dict[str, Plain]:
    """The shapes with reflectances that are their number, counted from 0, in the order of their names here.

    Mitsuba's own ``shape_index`` counts in an order that only its scene can tell, and asking a scene for its shapes
    makes it slow (build.py).
    """
    return {
        name: {key: value for key, value in plain.items() if key != "emitter"} | {"bsdf": _code(number)}
        for number, (name, plain) in enumerate(shapes.items())
    }


def _code(number: int) -> Plain:
    high, low = divmod(number + 1, _CODES)
    return {"type": "diffuse", "reflectance": {"type": "rgb", "value": [low / _CODES, high / _CODES, 0.0]}}


def maps_of(
    seen: NDArray[np.float32], view: View, subject_of_shape: Mapping[int, int], subjects: int, looks: int
) -> Maps:
    """The maps of what a sharp sensor of ``looks`` times the view's size saw, or of a band of its rows.

    ``seen`` [H looks, W looks, CHANNELS] holds what AOVS gives of ``coded`` shapes, zeros where nothing is;
    ``subject_of_shape`` the subject of each shape that is part of one, both counted from 0.
    """
    axes = view.axes
    there = np.any(seen[..., 3:6] != 0.0, axis=-1)
    forward = np.asarray(axes.forward, dtype=np.float32)
    depth = seen[..., :3] @ forward - np.float32(np.dot(view.pose.position_m, axes.forward))
    depth = np.where(there & (depth > 0.0), depth, np.float32(NOTHING_M))
    normal = seen_by_camera(seen[..., 3:6], view)
    code = np.rint(seen[..., 6:8] * _CODES).astype(np.int32) @ np.array([1, _CODES], dtype=np.int32)
    shape = np.where(there, code - 1, -1)
    subject = np.full(max(0, int(shape.max()), *subject_of_shape) + 2, -1, dtype=np.int32)
    for index, number in subject_of_shape.items():
        subject[index] = number
    subject = subject[shape]
    masks = [_coverage(subject == number, looks) for number in range(subjects)]
    middle = slice(looks // 2, None, looks)
    lines = _coverage(_edges(depth, normal, shape, looks), looks)
    height, width = lines.shape
    stacked = np.stack(masks) if masks else np.zeros((0, height, width), dtype=np.float32)
    return Maps(depth[middle, middle].copy(), normal[middle, middle].copy(), lines, stacked)


def seen_by_camera(normals: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    """Directions [..., 3] of the world in the camera's space: X right, Y up, Z towards the camera."""
    axes = view.axes
    turn = np.asarray([axes.right, axes.up, [-part for part in axes.forward]], dtype=np.float32)
    turned: NDArray[np.float32] = normals @ turn.T
    return turned


def _coverage(parts: NDArray[np.bool_], looks: int) -> NDArray[np.float32]:
    """Which share of each pixel's parts is true."""
    height, width = (side // looks for side in parts.shape)
    counted: NDArray[np.float32] = parts.reshape(height, looks, width, looks).mean(axis=(1, 3), dtype=np.float32)
    return counted


def near_is_white(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """A depth map 0..1 as control nets take it: linear in 1 / depth, the nearest 1, the farthest and nothing 0."""
    there = depth < NOTHING_M
    if not there.any():
        return np.zeros_like(depth)
    nearness = 1.0 / np.maximum(depth, 1e-9)
    near, far = nearness[there].max(), nearness[there].min()
    spread = max(float(near - far), 1e-12)
    return np.where(there, (nearness - far) / spread, 0.0).astype(np.float32).clip(0.0, 1.0)


def _edges(
    depth: NDArray[np.float32], normal: NDArray[np.float32], shape: NDArray[np.int32], looks: int
) -> NDArray[np.bool_]:
    """Where neighbours are of two shapes, a surface has a crease, or the depth a step, on the nearer side.

    The depth of a plane is not linear in the picture, its inverse is, so bends are looked for in that.
    """
    edges = np.zeros(shape.shape, dtype=bool)
    nearness = 1.0 / depth
    for axis in (0, 1):
        before, after = _pair(axis, 1)
        differ = (shape[before] != shape[after]) | ((normal[before] * normal[after]).sum(-1) < _CREASE)
        differ &= (shape[before] >= 0) | (shape[after] >= 0)
        nearer = nearness[before] >= nearness[after]
        edges[before] |= differ & nearer
        edges[after] |= differ & ~nearer
        left, right = _pair(axis, 2)
        middle = (slice(1, -1), slice(None)) if axis == 0 else (slice(None), slice(1, -1))
        bend = 2.0 * nearness[middle] - nearness[left] - nearness[right]
        edges[middle] |= (bend > _STEP * nearness[middle]) & (shape[middle] >= 0)
    return _thickened(edges) if looks > 1 else edges


def _pair(axis: int, apart: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The slices that set each value beside the one ``apart`` further along an axis."""
    first, second = slice(None, -apart), slice(apart, None)
    return ((first, slice(None)), (second, slice(None))) if axis == 0 else ((slice(None), first), (slice(None), second))


def _thickened(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One part more on each side, so that a line is about a pixel wide."""
    wide = edges.copy()
    for axis in (0, 1):
        before, after = _pair(axis, 1)
        grown = wide.copy()
        grown[before] |= wide[after]
        grown[after] |= wide[before]
        wide = grown
    return wide
