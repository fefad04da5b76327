"""Depth guessed from how a sketch is shaded. No drawing tells it: what this makes is plausible and nothing more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .lines import disc
from .pictures import Gray, Picture
from .tones import as_tones, ink_level, ink_of

_WORKED_SIDE = 512
"""Pixels of the shorter side: depth is smooth."""
_GAP = 1 / 64
"""Of the shorter side: gaps in an outline that a figure does not leak out by."""
_LEAST_FIGURE, _MOST_FIGURE = 0.01, 0.99
"""Shares of the picture outside of which no figure was told from its ground."""
_MOST_BORDER = 0.5
"""Share of the picture's border that a figure covers: what covers more is the ground, such as a desk under a page."""
_MOST_INK = 0.5
"""Of a figure: what is more ink than paper is a dark area of a photograph."""
_FIGURE_FAR = 0.35
"""Depth of a figure's rim; its ground has 0."""
_LEAST_RANGE = 0.25
"""Of tones that are shading and no unevenness of the paper."""
_ROUNDNESS = 0.5
"""How much of a figure's depth is its roundness, the rest being its shading."""


def depth_from_shading(picture: Picture | Gray) -> Gray:
    """A guessed depth map [H, W], 1 is near and 0 is far, of a drawing with dark lines on light paper.

    What outlines enclose is the figure and near, the paper around it is far. Within the figure two rules of thumb add
    up: it is round, nearest in its middle (inflated by the root of the distance to its rim, as Igarashi et al.,
    Teddy, SIGGRAPH 1999, and Johnston, Lumo, 2002, do), and what is lighter is nearer (dark is deep: Langer and
    Bülthoff, Perception 29, 2000, for light from everywhere). Lines are taken out of the tones first. Without a
    figure, as in a photograph, the tones alone are the depth.
    """
    return depth_and_figure(picture)[0]


def depth_and_figure(picture: Picture | Gray) -> tuple[Gray, bool]:
    """The same, and whether a figure was told from its ground."""
    import cv2

    tones = as_tones(picture)
    height, width = tones.shape
    scale = min(1.0, _WORKED_SIDE / min(height, width))
    small = cv2.resize(
        tones, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    tone = _tone(small)
    depth, figure = tone, _figure(small)
    if figure is not None:
        lit = _stretched(tone, figure)
        depth = _FIGURE_FAR + (1 - _FIGURE_FAR) * (_ROUNDNESS * _inflated(figure) + (1 - _ROUNDNESS) * lit)
        depth = (depth * figure).astype(np.float32)
    depth = cv2.GaussianBlur(depth, (0, 0), max(0.5, min(small.shape) / 256))
    whole = np.clip(cv2.resize(depth, (width, height), interpolation=cv2.INTER_LINEAR), 0.0, 1.0)
    return whole, figure is not None


def _tone(tones: Gray) -> Gray:
    """Shading without lines: strokes closed, then smoothed, stretched to 0..1."""
    import cv2

    window = _odd(min(tones.shape) / 40)
    closed = cv2.morphologyEx(tones, cv2.MORPH_CLOSE, disc(window))
    smooth = cv2.GaussianBlur(closed, (0, 0), max(0.5, min(tones.shape) / 64))
    return _stretched(smooth, np.ones(tones.shape, bool))


def _stretched(values: Gray, within: NDArray[np.bool_]) -> Gray:
    """0..1 between the 1st and 99th percentile within. Nearly even tones are stretched less: they are the paper's."""
    low, high = np.percentile(values[within], (1, 99))
    return np.clip(1 - (high - values) / max(high - low, _LEAST_RANGE), 0.0, 1.0).astype(np.float32)


def _figure(tones: Gray) -> NDArray[np.bool_] | None:
    """What the paper does not reach from the border of the picture; None where that is no drawn figure."""
    import cv2

    ink = ink_of(tones)
    drawn = (ink <= ink_level(ink)).astype(np.uint8)
    window = _odd(min(tones.shape) * _GAP)
    walls = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, disc(window))
    # A margin around, so that paper at all four sides is one piece.
    _, labels = cv2.connectedComponents(np.pad(1 - walls, 1, constant_values=1), connectivity=4)
    reached = labels[1:-1, 1:-1] == labels[0, 0]
    figure = cv2.morphologyEx((~reached).astype(np.uint8), cv2.MORPH_OPEN, disc(window)).astype(bool)
    if not _LEAST_FIGURE < figure.mean() < _MOST_FIGURE or drawn[figure].mean() > _MOST_INK:
        return None
    border = np.concatenate([figure[0], figure[-1], figure[:, 0], figure[:, -1]])
    if border.mean() > _MOST_BORDER:
        return None
    return figure


def _inflated(figure: NDArray[np.bool_]) -> Gray:
    """Height of a figure blown up like a balloon, the highest point 1."""
    import cv2

    inside = cv2.distanceTransform(np.pad(figure.astype(np.uint8), 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    return np.sqrt(inside / max(1.0, float(inside.max())))


def _odd(size: float) -> int:
    return 2 * round(size / 2) + 1
