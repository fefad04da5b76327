"""Does a picture follow a drawing? Lines against lines, both one pixel wide, within a stated tolerance.

The measure is the one of contour detection (Martin, Fowlkes and Malik 2004, "Learning to detect natural image
boundaries using local brightness, color, and texture cues"), with the distance to the nearest line in place of their
one-to-one matching.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ..errors import StudioFlowError
from .lines import disc, thresholds_of
from .pictures import grey
from .thinning import LINE, thinned

if TYPE_CHECKING:
    import numpy as np

# Bluish green, vermilion and blue: apart for every kind of colour vision (Okabe and Ito 2002).
_MATCHED, _MISSED, _EXTRA = (0.0, 0.62, 0.45), (0.84, 0.2, 0.0), (0.0, 0.35, 0.8)
_FULL_STEP = 255
"""Brightness 0..1 as whole numbers for Canny, in the unit of 8-bit pictures."""
_STROKE_CONTRAST, _GROUND_RANGE = 0.15, 0.05
"""Of a line drawing: how far its darkest stroke is from the ground at least, and how far the ground from itself."""
_UNEVEN, _AREAS = 0.01, 0.1
"""Shares of a picture that is no even ground, and of its strokes that are areas, up to which it is a line drawing."""
_AREAS_SIDE = 512
_WIDEST_STROKE = 1 / 20
"""Of the shorter side: what is wider is an area."""
_RIM = 9
"""Pixels across that a stroke's soft edge and the noise of JPEG around it reach."""


class Agreement(NamedTuple):
    """How two line maps agree.

    precision: share of the seen lines that lie within the tolerance of a wanted one; 1 where nothing is seen.
    recall: share of the wanted lines that lie within the tolerance of a seen one; 1 where nothing is wanted.
    f_score: their harmonic mean. Two empty maps agree: 1. One empty map agrees with no other: 0.
    wanted_px, seen_px: length of the lines in pixels of the wanted map.
    picture: float32 [H, W, 3] 0..1 on white: wanted lines matched (green) or missed (red), and extra lines (blue).
    """

    f_score: float
    precision: float
    recall: float
    wanted_px: int
    seen_px: int
    picture: np.ndarray


def agreement(wanted: np.ndarray, seen: np.ndarray, tolerance_px: float = 2.0) -> Agreement:
    """Compares two line maps, float [H, W] 0..1 with 1 = line. ``seen`` is brought to the size of ``wanted``.

    ``tolerance_px`` is the distance in pixels of ``wanted``, from centre to centre, up to which two lines are one.
    Raises StudioFlowError for what is no line map and for a tolerance that is no distance.
    """
    if not (math.isfinite(tolerance_px) and tolerance_px >= 0):
        raise StudioFlowError(
            "the tolerance is no distance", where="tolerance_px", found=str(tolerance_px), allowed="0 or more pixels"
        )
    wanted = thinned(_line_map(wanted, "wanted"))
    seen = at_size(_line_map(seen, "seen"), wanted.shape)
    matched, right = wanted & _near(seen, tolerance_px), seen & _near(wanted, tolerance_px)
    wanted_px, seen_px = int(wanted.sum()), int(seen.sum())
    recall = int(matched.sum()) / wanted_px if wanted_px else 1.0
    precision = int(right.sum()) / seen_px if seen_px else 1.0
    # One empty map: precision and recall are 1 and 0, and so is their harmonic mean 0.
    f_score = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    picture = _painted(matched, wanted & ~matched, seen & ~right)
    return Agreement(f_score, precision, recall, wanted_px, seen_px, picture)


def edges_of(render: np.ndarray, like: np.ndarray) -> np.ndarray:
    """The edges of a render at the size of the line map ``like``: float32 [H, W], 1 on edges and 0 elsewhere.

    ``render`` float [H, W, 3] 0..1. Canny 1986 with thresholds from the picture (``lines.thresholds_of``), on the
    steepest channel of each pixel, so that edges between colours of one brightness count.
    """
    import cv2
    import numpy as np

    height, width = _line_map(like, "like").shape
    shrinks = render.shape[0] > height
    picture = cv2.resize(
        np.asarray(render, np.float32), (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    soft = cv2.GaussianBlur(picture, (0, 0), 1.4)
    across, down = (cv2.Sobel(soft, cv2.CV_32F, *way) * _FULL_STEP for way in ((1, 0), (0, 1)))
    steepest = (across**2 + down**2).argmax(axis=2)[..., None]
    across, down = (np.take_along_axis(slope, steepest, 2)[..., 0].astype(np.int16) for slope in (across, down))
    return cv2.Canny(across, down, *thresholds_of(across, down, 0.5)).astype(np.float32) / 255


def strokes_of(picture: np.ndarray) -> np.ndarray | None:
    """The strokes of a picture that is a line drawing itself: float32 [H, W], 1 on strokes; None for any other.

    ``picture`` float [H, W, 3] 0..1. A line drawing is an even ground with nothing on it but strokes narrower than a
    twentieth of the shorter side, lighter or darker. Edges would be both sides of each stroke and no line of it.
    """
    import cv2
    import numpy as np

    tones = grey(np.ascontiguousarray(picture, np.float32))
    apart = np.abs(tones - np.median(tones))
    contrast = float(apart.max())
    if contrast < _STROKE_CONTRAST:
        return None
    strokes = (apart >= LINE * contrast).astype(np.uint8)
    around = cv2.dilate(strokes, np.ones((_RIM, _RIM), np.uint8))
    if ((apart > _GROUND_RANGE) & (around == 0)).mean() > _UNEVEN:
        return None
    if _area_px(strokes) > _AREAS * strokes.sum():
        return None
    return strokes.astype(np.float32)


def at_size(lines: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The lines thinned at another size. A smaller copy is made of thinned lines, in which none fades away."""
    import cv2
    import numpy as np

    if lines.shape[0] < size[0] or lines.shape[1] < size[1]:
        lines = cv2.resize(np.asarray(lines, np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    thin = thinned(lines)
    if thin.shape == size:
        return thin
    row, column = np.nonzero(thin)
    small = np.zeros(size, bool)
    small[row * size[0] // thin.shape[0], column * size[1] // thin.shape[1]] = True
    return thinned(small)


def _area_px(strokes: np.ndarray) -> float:
    """Pixels of what is too wide for a stroke, counted in a small copy: thin strokes fade there, areas stay."""
    import cv2

    scale = min(1.0, _AREAS_SIDE / min(strokes.shape))
    small = cv2.resize(strokes * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wide = disc(max(3, round(min(small.shape) * _WIDEST_STROKE)) + 1)
    return int((cv2.morphologyEx(small, cv2.MORPH_OPEN, wide) > 127).sum()) / scale**2


def _line_map(lines: np.ndarray, where: str) -> np.ndarray:
    import numpy as np

    lines = np.asarray(lines)
    if lines.ndim != 2 or not lines.size:
        raise StudioFlowError(
            "this is no line map", where=where, found=f"shape {list(lines.shape)}", allowed="[height, width]"
        )
    if not np.isfinite(lines).all():
        raise StudioFlowError("a line map with values that are no numbers", where=where, found="NaN or infinity")
    return lines


def _near(lines: np.ndarray, tolerance_px: float) -> np.ndarray:
    import cv2
    import numpy as np

    if not lines.any():
        return np.zeros_like(lines)
    distance = cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return distance <= tolerance_px + 1e-4


def _painted(matched: np.ndarray, missed: np.ndarray, extra: np.ndarray) -> np.ndarray:
    import cv2
    import numpy as np

    picture = np.ones((*matched.shape, 3), np.float32)
    wide = max(1, round(max(matched.shape) / 500))  # still seen when the whole picture is shown small
    for lines, colour in ((matched, _MATCHED), (extra, _EXTRA), (missed, _MISSED)):
        picture[cv2.dilate(lines.astype(np.uint8), np.ones((wide, wide), np.uint8)) > 0] = colour
    return picture
