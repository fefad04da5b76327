"""Grey tones that the classic maps are made from: 8-bit grey, ink told from paper, and light made even."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .pictures import Gray, Picture, grey

Gray8 = NDArray[np.uint8]
"""[H, W] in 0..255."""

_DARK_GROUND, _DARK_TONE = 0.85, 96.0
"""Share of dark pixels above which, and their mean up to which, a picture is a drawing on a dark ground: a drawing
leaves most of its ground free, and few photographs are as dark."""
_GROUND_CONTRAST = 40.0
"""Levels that ink and ground of such a drawing are apart at least."""
_PAPER_SIDE = 256
"""Pixels of the shorter side that paper is looked at in: light changes slowly."""
_PAPER_WINDOW = 1 / 8
"""Of the shorter side: no stroke and no small filled area is as wide, the falloff of light is wider."""
_DARKEST_PAPER = 0.3
"""Of the brightest paper: what is darker is no paper in shadow, it is an inked area."""
_BLACK = 8.0
"""Level below which nothing is paper."""
_FAINTEST_INK = 0.93
"""Of the paper's tone: what is lighter is its grain."""


def as_tones(picture: Picture | Gray | Gray8) -> Gray | Gray8:
    """Grey [H, W] of a picture [H, W, 3], or of what is grey already."""
    return picture if picture.ndim == 2 else grey(picture)


def gray8(picture: Picture | Gray | Gray8) -> Gray8:
    """8-bit grey of a picture [H, W, 3] or [H, W] in 0..1, or of what has 8 bit already."""
    import cv2

    return picture if picture.dtype == np.uint8 else cv2.convertScaleAbs(as_tones(picture), alpha=255)


def histogram(values: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How many pixels have each of the 256 values."""
    import cv2

    return cv2.calcHist([values], [0], None, [256], [0, 256]).ravel().astype(np.float64)


def otsu(counts: NDArray[np.float64]) -> float:
    """The value that splits a histogram best in two: the variance between both sides is greatest (Otsu 1979).

    The mean of all such values: between two clusters with nothing between them every split is as good. 0 where there
    is but one value.
    """
    values = np.arange(counts.size)
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * values)
    split = (below > 0) & (above > 0)
    if not split.any():
        return 0.0
    between = np.zeros(counts.size)
    distance = sums[split] / below[split] - (sums[-1] - sums[split]) / above[split]
    between[split] = below[split] * above[split] * distance**2
    return float(np.flatnonzero(between >= between.max() * (1 - 1e-12)).mean())


def dark_on_light(tones: Gray | Gray8) -> tuple[Gray | Gray8, bool]:
    """The tones, inverted where they are a drawing on a dark ground (chalk, a white line map), and whether they are."""
    if not _is_light_on_dark(gray8(tones)):
        return tones, False
    return (255 if tones.dtype == np.uint8 else 1) - tones, True


def ink_of(tones: Gray | Gray8) -> Gray8:
    """Ink on white paper (255), whatever the light and the paper's tone: grey divided by the paper around it.

    The paper is the brightest around each pixel (a closing, which takes strokes away) in a window of an eighth of the
    shorter side, and at least 0.3 of the brightest paper. In a picture that is black all over nothing is ink.
    """
    import cv2

    levels = gray8(tones)
    paper = _paper_of(levels)
    return np.full_like(levels, 255) if paper is None else cv2.divide(levels, paper, scale=255)


def ink_level(ink: Gray8) -> float:
    """The tone below which ``ink_of`` is ink by Otsu, at most the faintest that is no grain of the paper."""
    return min(otsu(histogram(ink)), 255 * _FAINTEST_INK)


def _is_light_on_dark(levels: Gray8) -> bool:
    counts = histogram(levels)
    split = int(otsu(counts)) + 1
    dark, light = counts[:split], counts[split:]
    if dark.sum() <= _DARK_GROUND * counts.sum() or not light.any():
        return False
    values = np.arange(256)
    ground, drawn = np.average(values[:split], weights=dark), np.average(values[split:], weights=light)
    return bool(ground <= _DARK_TONE and drawn - ground >= _GROUND_CONTRAST)


def _paper_of(tones: Gray8) -> Gray8 | None:
    import cv2

    height, width = tones.shape
    scale = min(1.0, _PAPER_SIDE / min(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    paper = cv2.resize(tones, small, interpolation=cv2.INTER_AREA)
    window = max(3, 2 * round(min(small) * _PAPER_WINDOW / 2) + 1)
    paper = cv2.morphologyEx(paper, cv2.MORPH_CLOSE, np.ones((window, window), np.uint8))
    paper = cv2.GaussianBlur(paper, (0, 0), max(0.5, window / 4))
    brightest = float(paper.max())
    if brightest < _BLACK:
        return None
    paper = np.maximum(paper, np.uint8(_DARKEST_PAPER * brightest))
    return cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
