"""Strokes in ink: which pixels belong to them, how wide they are, and the same strokes in one even weight.

Ink and line maps are float32 [H, W] in 0..1, 0 is bare paper. Masks are bool [H, W].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .thinning import thinned

Gray = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LEAST_INK = 0.04
"""Ink that nobody sees: below it there is no drawing."""
_VISIBLE = 0.1
_HIGH, _LOW = 0.42, 0.22
"""Hysteresis thresholds as shares of the strokes' usual ink."""
_HIGH_GRAIN, _LOW_GRAIN = 5.0, 3.0
"""The same in standard deviations of the paper's grain, where that is more."""
_MOST_PIECES = 5000
"""Small components of which is asked whether they are pieces of a stroke; more are grain."""
_MOST_ENDS = 4000
"""Ends of strokes of which it is asked where they lead; more is a texture."""


class Levels(NamedTuple):
    """Ink of the paper, the standard deviation of its grain, and the usual ink of strokes.

    ``grain`` is [h, w], a value for each block of the picture: in shadow, light is amplified and noise with it.
    """

    paper: float
    grain: Gray
    strokes: float


def levels_of(ink: Gray) -> Levels | None:
    """The levels of a drawing, or None where nothing stands out of the paper.

    Most of a drawing is paper: its level is the median. Strokes are what stands out of its grain (their 80th
    percentile, because most pixels of thin strokes lie on their edges).
    """
    import cv2

    step = _step(ink)
    values = ink[::step, ::step]
    paper = float(np.median(values))
    grain = grain_of(ink)
    local = cv2.resize(grain, values.shape[::-1], interpolation=cv2.INTER_LINEAR)
    standing = values[values > paper + np.maximum(_LEAST_INK, _HIGH_GRAIN * local)]
    if standing.size < 1e-5 * values.size + 4:
        return None
    return Levels(paper, grain, float(np.percentile(standing, 80)) - paper)


def grain_of(ink: Gray) -> Gray:
    """Standard deviation of the paper in blocks of a picture, [h, w]: from the median to the 16th percentile, which
    strokes do not reach, and the median of neighbours, so that a block full of strokes does not count."""
    import cv2

    block = max(16, max(ink.shape) // 32)
    rows, columns = (max(1, side // block) for side in ink.shape)
    block = min(block, *ink.shape)
    step = max(1, block // 20)
    blocks = ink[: rows * block, : columns * block].reshape(rows, block, columns, block)[:, ::step, :, ::step]
    low, middle = np.percentile(blocks.transpose(0, 2, 1, 3).reshape(rows, columns, -1), (16, 50), axis=2)
    return cv2.medianBlur((middle - low).astype(np.float32), 3)


def thresholds(levels: Levels) -> tuple[Gray, Gray]:
    """Low and high, as large as ``levels.grain``: ink above which a pixel may be, and surely is, part of a stroke."""
    low = np.maximum(_LOW_GRAIN * levels.grain, max(_LOW * levels.strokes, 0.5 * _LEAST_INK))
    high = np.maximum(_HIGH_GRAIN * levels.grain, max(_HIGH * levels.strokes, _LEAST_INK))
    paper = np.float32(levels.paper)
    return np.minimum(low, 0.7 * levels.strokes) + paper, np.minimum(high, 0.9 * levels.strokes) + paper


def share_of(ink: Gray, levels: Levels) -> float:
    """Share of the picture that is visibly darker than its paper: at most a tenth of a drawing in lines, a quarter and
    more of a photograph, where there is no paper."""
    return float((ink[:: _step(ink), :: _step(ink)] > levels.paper + _VISIBLE).mean())


def without_smudges(ink: Gray, width_px: float, levels: Levels) -> Gray:
    """Ink without soft tones wider than strokes: a white top-hat (ink minus its grey opening).

    Areas as dark as strokes are fills, drawn on purpose, and stay.
    """
    import cv2

    side = max(5, round(4.0 * width_px)) | 1
    scale = min(1.0, 9.0 / side)
    small = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(3, round(side * scale)) | 1,) * 2)
    tone = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_OPEN, kernel), (0, 0), kernel.shape[0] / 3)
    np.minimum(tone, levels.paper + 0.8 * levels.strokes, out=tone)
    fills = cv2.threshold(tone, levels.paper + 0.6 * levels.strokes, 1.0, cv2.THRESH_BINARY_INV)[1]
    whole = cv2.resize((tone - levels.paper) * fills, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.maximum(ink - np.maximum(whole, 0.0), 0.0)


def stroke_mask(ink: Gray, levels: Levels, width_px: float = 0.0) -> tuple[Mask, int]:
    """Pixels of strokes, and how many specks were left out; specks only where ``width_px`` of a stroke is given.

    Strokes are found by hysteresis as in Canny, "A computational approach to edge detection", PAMI 8 (1986): all
    connected pixels above the low threshold of which one is above the high. A speck is such a component that extends
    over less than three widths of a stroke and has none longer nearby: pieces that a dry pencil left of a stroke stay.
    """
    import cv2

    low, high = (cv2.resize(one, ink.shape[::-1], interpolation=cv2.INTER_LINEAR) for one in thresholds(levels))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.compare(ink, low, cv2.CMP_GT), connectivity=8)
    sure = np.zeros(count, bool)
    sure[labels[ink > high]] = True
    sure[0] = False
    if not width_px:
        return sure[labels], 0
    extent = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    kept = sure & (extent >= 3.0 * width_px + 1.0)
    pieces = np.flatnonzero(sure & ~kept & (stats[:, cv2.CC_STAT_AREA] >= 0.5 * width_px**2))
    mask = kept[labels]
    reach = max(1, round(width_px))
    for piece in pieces[:_MOST_PIECES].tolist():
        left, top, wide, high_ = stats[piece, :4]
        box = np.s_[max(0, top - reach) : top + high_ + reach, max(0, left - reach) : left + wide + reach]
        if mask[box].any():
            kept[piece] = True
    return kept[labels] if len(pieces) else mask, int(sure.sum() - kept.sum())


def pruned(centre: Mask, length_px: float) -> Mask:
    """Centre lines without side branches of at most ``length_px``: rough edges of a stroke have made those."""
    ends = _ends(centre)
    if len(ends) > _MOST_ENDS:
        return centre
    branches = [_walk(centre, tuple(end), round(length_px) + 1) for end in ends.tolist()]
    pruned = centre.copy()
    for path, met in branches:
        if met and len(path) <= length_px:
            pruned[tuple(np.transpose(path))] = False
    return pruned


def width_of(ink: Gray, centre: Mask, levels: Levels) -> float:
    """The usual width of strokes in pixels, where they have half of their ink: area by length of the centre lines."""
    body = ink > levels.paper + 0.5 * levels.strokes
    return float(max(1.0, np.count_nonzero(body) / max(1, np.count_nonzero(body & centre))))


def rough_width(ink: Gray, levels: Levels) -> float:
    """The usual width before strokes are known, on the middle of a large picture."""
    middle = ink[tuple(slice(max(0, (side - 1600) // 2), (side + 1600) // 2) for side in ink.shape)]
    return min(width_of(middle, thinned(middle > levels.paper + 0.5 * levels.strokes), levels), max(ink.shape) / 40)


def fills_of(mask: Mask, width_px: float) -> Mask:
    """Areas much wider than strokes (morphological opening): they have no sensible centre line."""
    import cv2

    side = max(5.0, 3.0 * width_px)
    scale = min(1.0, 7.0 / side)
    small = cv2.resize(mask.astype(np.uint8) * 255, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(side * scale) | 1,) * 2)
    opened = cv2.morphologyEx(cv2.compare(small, 250, cv2.CMP_GT), cv2.MORPH_OPEN, kernel)
    if not opened.any():
        return np.zeros_like(mask)
    reach = 1 / scale if scale < 1 else 0
    whole = cv2.resize(opened, mask.shape[::-1], interpolation=cv2.INTER_NEAREST)
    grown = cv2.dilate(whole, np.ones((2 * round(reach) + 1,) * 2, np.uint8))
    return (grown > 0) & mask


def drawn(centre: Mask, width_px: float) -> Gray:
    """Centre lines as smooth strokes of one width: how much of each pixel lies within half a width of the line."""
    import cv2

    distance = cv2.distanceTransform((~centre).view(np.uint8), cv2.DIST_L2, 5)
    distance *= -1.0
    distance += 0.5 * width_px + 0.5
    return np.clip(distance, 0.0, 1.0, out=distance)


def gaps_of(centre: Mask, reach_px: float) -> list[tuple[NDArray[np.int_], NDArray[np.int_]]]:
    """Pairs of ends [row, column] of centre lines that go on in each other: at most ``reach_px`` apart, and both
    pointing across the gap within 45 degrees. The closest pairs first, each end once."""
    from scipy.spatial import cKDTree

    ends = _ends(centre)
    if not 2 <= len(ends) <= _MOST_ENDS:
        return []
    directions = np.array([_direction(centre, end, max(4, round(reach_px))) for end in ends])
    pairs = cKDTree(ends).query_pairs(reach_px, output_type="ndarray")
    if not len(pairs):
        return []
    one, other = pairs.T
    across = (ends[other] - ends[one]).astype(float)
    distance = np.linalg.norm(across, axis=1)
    across /= np.maximum(distance, 1e-6)[:, None]
    fits = (directions[one] * across).sum(axis=1) > 0.7
    fits &= (directions[other] * -across).sum(axis=1) > 0.7
    order = np.lexsort((other, one, distance))
    used: set[int] = set()
    found = []
    for a, b in pairs[order[fits[order]]].tolist():
        if not {a, b} & used:
            used |= {a, b}
            found.append((ends[a], ends[b]))
    return found


def _ends(centre: Mask) -> NDArray[np.int_]:
    """[n, 2] rows and columns of pixels with one neighbour."""
    import cv2

    near = cv2.filter2D(centre.astype(np.uint8), cv2.CV_8U, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT)
    return np.argwhere(centre & (near == 2))


def _walk(centre: Mask, end: tuple[int, int], steps: int) -> tuple[list[tuple[int, int]], bool]:
    """The pixels of a line from its end, at most ``steps``, and whether it then meets others: stops before that."""
    path, seen = [end], {end}
    for _ in range(steps):
        row, column = path[-1]
        near = [
            (r, c)
            for r in range(max(0, row - 1), min(centre.shape[0], row + 2))
            for c in range(max(0, column - 1), min(centre.shape[1], column + 2))
            if centre[r, c] and (r, c) not in seen
        ]
        if len(near) != 1:
            return (path[:-1] or path, True) if near else (path, False)
        path += near
        seen.update(near)
    return path, False


def _direction(centre: Mask, end: NDArray[np.int_], steps: int) -> NDArray[np.float64]:
    """The unit vector that a line points in at its end, from where it was ``steps`` pixels earlier; 0 for a dot."""
    path, _ = _walk(centre, tuple(end.tolist()), steps)
    vector = np.subtract(end, path[-1]).astype(float)
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _step(values: NDArray) -> int:
    """Every how many pixels statistics of a large picture are taken."""
    return max(1, min(values.shape[:2]) // 1000)
