"""Line maps without weights, 1 is line: XDoG, Canny, soft edges, scribbles, ink and one-pixel lines.

Each takes a picture [H, W, 3] or grey [H, W] in 0..1 and gives [H, W]. ``detail`` (0 to 1) moves a threshold and
nothing else, so that more of it never takes a line away. Smoothing grows with the picture: the same drawing gives the
same lines at twice the size.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pictures import Gray, Picture
from .thinning import thinned
from .tones import Gray8, as_tones, gray8, histogram, ink_level, ink_of, otsu

_SMOOTHED_SIDE = 1024.0
"""Pixels of the shorter side that smoothing by one pixel suits."""
_DOG_RATIO = 1.6
"""Of both Gaussians: closest to the Laplacian (Marr and Hildreth 1980), as Winnemöller et al. take it."""
_XDOG_TAU, _XDOG_PHI = 0.99, 80.0
_XDOG_LEAST, _XDOG_MOST = 0.001, 0.05
"""How far a line is below its surroundings after smoothing: at detail 1 and at 0."""
MOST_GRADIENT = 2040.0
"""Of Canny: the greatest gradient there is, see ``Thresholds``."""
_CANNY_UNIT = 8
"""L1 gradients of a 3×3 Sobel go to 2040; an eighth of that is a histogram of 8 bit."""
_CANNY_FAINTEST = 24.0
"""The least high threshold from an image at detail 0.5: paper grain and the blocks of JPEG are below it."""
_CANNY_RANGE = 8.0
"""Detail 0 has this times the high threshold of detail 1."""
_CANNY_LOW = 0.4
"""Of the high threshold, as in Canny 1986, who has two to three times."""
_SOFT_SIGMA = 1.5
_SOFT_FULL = 0.995
"""Share of pixels below the gradient that becomes 1: a few glints do not darken all others."""
_SOFT_LEAST = 0.1
"""The least such gradient: paper grain stays grain."""
_INK_RANGE = 0.25
"""How much of the way to white (detail 1) and to black (detail 0) the level of ink moves."""
_WIDEST_STROKE = 1 / 40
"""Of the shorter side: what is wider is an area."""
_SCRIBBLE_SEEN, _SCRIBBLE_SIDE = 1024, 320
"""Pixels of the shorter side that lines are looked for in, and that scribbles are drawn in: what is finer is gone."""
_SCRIBBLE_DETAIL = 0.85
"""Of the line art that scribbles are made of: texture is no stroke."""
_SCRIBBLE_COVERED = 0.2
"""Share of a pixel of the small copy that lines cover where it is line."""
_SCRIBBLE_SHORTEST = 1 / 20
"""Of the shorter side: shorter strokes are left out."""
_SCRIBBLE_WIDTH = 1 / 96
"""Of the shorter side."""


class Thresholds(NamedTuple):
    """Of Canny's hysteresis: L1 gradients of a 3×3 Sobel on 8-bit values, 0 to 2040, as OpenCV has them."""

    low: float
    high: float


def xdog(tones: Gray, sigma: float, *, ratio: float = _DOG_RATIO, tau: float = 1.0, epsilon: float, phi: float) -> Gray:
    """Extended difference of Gaussians [H, W] of grey values 0..1, as lines: 1 - T of Winnemöller's T.

    D = G(sigma) - tau G(ratio sigma); T = 1 where D >= epsilon, else 1 + tanh(phi (D - epsilon)).
    Winnemöller, Kyprianidis, Olsen: XDoG: An eXtended difference-of-Gaussians compendium, Computers & Graphics 36(6),
    2012, equations 5 and 6; tau is p / (1 + p) of their equation 7. With tau near 1 and epsilon at most 0 an even tone
    is never a line, however dark. The wider Gaussian is made of the narrower one: their variances add up.
    """
    import cv2

    narrow = cv2.GaussianBlur(tones, (0, 0), sigma)
    wide = cv2.GaussianBlur(narrow, (0, 0), sigma * math.sqrt(ratio**2 - 1))
    lines = cv2.addWeighted(wide, phi * tau, narrow, -phi, phi * epsilon, dst=wide)
    np.maximum(lines, 0.0, out=lines)
    return np.tanh(lines, out=lines)


def line_art(picture: Picture | Gray, detail: float = 0.5) -> Gray:
    """Soft-edged dark lines, and the dark side of edges, by ``xdog``."""
    tones = as_tones(picture)
    below = _XDOG_MOST * (_XDOG_LEAST / _XDOG_MOST) ** detail
    return xdog(tones, _sigma(tones), tau=_XDOG_TAU, epsilon=-below, phi=_XDOG_PHI)


def canny(picture: Picture | Gray, detail: float = 0.5, low: float = 0.0, high: float = 0.0) -> Gray:
    """One-pixel edges, 0 or 1, of the smoothed picture (Canny 1986). Without thresholds they are the picture's own.

    ``low`` and ``high`` are as in OpenCV, see ``Thresholds``; where only one is given the other follows from it, and
    ``detail`` counts for nothing.
    """
    return as_gray(canny_edges(picture, detail, low, high)[0])


def canny_edges(picture: Picture | Gray, detail: float, low: float, high: float) -> tuple[Gray8, Thresholds]:
    """Edges, 0 or 255, and the thresholds that they were found with."""
    import cv2

    tones = gray8(picture)
    along_x, along_y = cv2.spatialGradient(cv2.GaussianBlur(tones, (0, 0), _sigma(tones)))
    limits = _given(low, high) or thresholds_of(along_x, along_y, detail)
    return cv2.Canny(along_x, along_y, *limits), limits


def thresholds_of(along_x: NDArray[np.int16], along_y: NDArray[np.int16], detail: float) -> Thresholds:
    """Thresholds from a picture's gradients: high is where Otsu parts them into weak and strong.

    After Fang, Yue, Yu: The study on an application of Otsu method in Canny operator, 2009; even areas are left out,
    because most of a drawing is empty paper.
    """
    import cv2

    sizes = cv2.add(*(cv2.convertScaleAbs(along, alpha=1 / _CANNY_UNIT) for along in (along_x, along_y)))
    counts = histogram(sizes)
    counts[0] = 0.0
    high = max(otsu(counts) * _CANNY_UNIT, _CANNY_FAINTEST) * _CANNY_RANGE ** (0.5 - detail)
    return Thresholds(_CANNY_LOW * high, high)


def soft_edge(picture: Picture | Gray, detail: float = 0.5) -> Gray:
    """Edges as strong as they are: gradient of the smoothed picture, the strongest 1, with gamma 2 ** (1 - 2 detail).

    Scharr's kernels, which are the same in all directions within 1 %; strongest is the 99.5th percentile.
    """
    import cv2

    tones = as_tones(picture)
    tones = cv2.GaussianBlur(tones, (0, 0), _SOFT_SIGMA * _sigma(tones))
    # Each side of Scharr's kernel adds up to 16, so that a step of 1 is 1.
    edges, across = (cv2.Scharr(tones, cv2.CV_32F, *axis, scale=1 / 16) for axis in ((1, 0), (0, 1)))
    # Not cv2.magnitude, whose last bits depend on where in memory the picture lies.
    np.multiply(edges, edges, out=edges)
    np.multiply(across, across, out=across)
    np.sqrt(np.add(edges, across, out=edges), out=edges)
    steepness = float(edges.max())
    if not steepness:
        return edges
    shares = np.cumsum(histogram(cv2.convertScaleAbs(edges, alpha=255 / steepness)))
    full = (np.searchsorted(shares, _SOFT_FULL * shares[-1]) + 1) / 256 * steepness
    np.multiply(edges, np.float32(1 / max(full, _SOFT_LEAST / _sigma(tones))), out=edges)
    np.minimum(edges, 1.0, out=edges)
    return cv2.pow(edges, 2 ** (1 - 2 * detail), dst=edges)


def threshold(picture: Picture | Gray, detail: float = 0.5) -> Gray:
    """Ink as it stands, 0 or 1: darker than Otsu's level after the light was made even (see ``tones.ink_of``)."""
    return as_gray(ink(picture, detail))


def ink(picture: Picture | Gray, detail: float = 0.5) -> Gray8:
    """The same as 0 and 255."""
    import cv2

    levels = ink_of(as_tones(picture))
    level = ink_level(levels)
    more = 2 * detail - 1
    level += _INK_RANGE * more * ((255 - level) if more > 0 else level)
    return cv2.threshold(levels, math.floor(level), 255, cv2.THRESH_BINARY_INV)[1]


def thin(picture: Picture | Gray, detail: float = 0.5) -> Gray:
    """Lines one pixel wide, 0 or 1: the middle of the strokes of ``threshold``, and outlines of filled areas."""
    import cv2

    drawn = ink(picture, detail)
    areas = cv2.morphologyEx(drawn, cv2.MORPH_OPEN, disc(math.ceil(min(drawn.shape) * _WIDEST_STROKE) + 2))
    inner = cv2.erode(areas, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=255)
    return thinned(cv2.subtract(drawn, inner) > 0).astype(np.float32)


def scribble(picture: Picture | Gray, detail: float = 0.5, line_px: float = 0.0) -> Gray:
    """Few thick round lines, 0 or 1, as drawn by hand: line art in a small copy, without its short strokes.

    ``line_px`` is how thick; 0 is a 96th of the shorter side.
    """
    import cv2

    tones = as_tones(picture)
    height, width = tones.shape
    seen = cv2.resize(tones, _reduced(tones, _SCRIBBLE_SEEN), interpolation=cv2.INTER_AREA)
    small = cv2.resize(
        line_art(seen, _SCRIBBLE_DETAIL * detail), _reduced(tones, _SCRIBBLE_SIDE), interpolation=cv2.INTER_AREA
    )
    joined = cv2.morphologyEx((small > _SCRIBBLE_COVERED).astype(np.uint8), cv2.MORPH_CLOSE, disc(3))
    middle = _long_strokes(thinned(joined > 0))
    if not middle.any():
        return np.zeros((height, width), np.float32)
    away = cv2.distanceTransform((~middle).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Smoothed, or the steps of the small copy's pixels show.
    away = cv2.resize(cv2.GaussianBlur(away, (0, 0), 0.8), (width, height), interpolation=cv2.INTER_CUBIC)
    wide = (line_px or min(height, width) * _SCRIBBLE_WIDTH) * min(small.shape) / min(height, width)
    return (away <= max(wide, 1.5) / 2).astype(np.float32)


def thickened(lines: Gray | Gray8, line_px: float) -> Gray | Gray8:
    """Lines made thicker by a disc of that diameter in whole pixels: a one-pixel line becomes so wide."""
    import cv2

    across = max(1, round(line_px))
    if across == 1:
        return lines
    return cv2.dilate(lines, disc(across))


def disc(across: int) -> NDArray[np.uint8]:
    """A disc of that diameter in pixels, 0 and 1."""
    offsets = np.arange(across) - (across - 1) / 2
    return (np.hypot(offsets[:, None], offsets[None, :]) <= across / 2).astype(np.uint8)


def as_gray(binary: Gray8) -> Gray:
    """0 and 255 as 0 and 1."""
    return np.multiply(binary, np.float32(1 / 255))


def _sigma(tones: NDArray[np.generic]) -> float:
    return max(1.0, min(tones.shape) / _SMOOTHED_SIDE)


def _reduced(tones: Gray, side: int) -> tuple[int, int]:
    """Width and height with the shorter side at most so long."""
    scale = min(1.0, side / min(tones.shape))
    return max(1, round(tones.shape[1] * scale)), max(1, round(tones.shape[0] * scale))


def _given(low: float, high: float) -> Thresholds | None:
    if not low and not high:
        return None
    return Thresholds(low or _CANNY_LOW * high, high or min(low / _CANNY_LOW, MOST_GRADIENT))


def _long_strokes(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the pieces that are shorter across than a share of the picture."""
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats(lines.astype(np.uint8), connectivity=8)
    across = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    kept = across >= _SCRIBBLE_SHORTEST * min(lines.shape)
    kept[0] = False
    return kept[labels]
