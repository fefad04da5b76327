"""What is paper and light in a drawing: its tone, the light on it, and lines that were printed on it.

Pictures here are RGB bytes [H, W, 3] with dark lines on light paper. Ink is float32 [H, W], about 0 on bare paper (its
grain to both sides) and 1 where nothing comes back of the light: picture = paper x light x (1 - ink).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pictures import at_most

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

_BACKGROUND_SIDE = 512
"""Pixels of the longer side on which the background is estimated: light and paper change slowly."""
_WIDEST_STROKE = 1 / 20
"""Of the longer side: what is wider is background and no stroke."""
_PAPER = 224.0
"""White of a picture over its background: room above for the grain, of which both sides are needed to measure it."""
_SPECTRUM_SIDE = 1024
_LEAST_PRINT = 0.012
"""Ink of the faintest printed line that is told from the paper."""
_LEAST_LINES = 6
_THROUGH = 0.25
"""A printed line goes through the page: of its darkness along the line, this quantile counts."""
_PROMINENT = 4.2
"""Natural logarithm of how far a ruling stands out of the spectrum around it; white noise reaches 2.9."""


class Ruling(NamedTuple):
    """Parallel lines printed on the paper: how far apart, and the direction across them.

    ``across_deg`` is 90 for horizontal lines (they follow each other downwards) and 0 for vertical ones.
    """

    period_px: float
    across_deg: float


def is_light_on_dark(picture: Bytes) -> bool:
    """Whether thin light lines outweigh thin dark ones (top-hat against black-hat transform) on a dark ground."""
    import cv2

    grey = cv2.cvtColor(at_most(picture, _BACKGROUND_SIDE * 2), cv2.COLOR_RGB2GRAY)
    kernel = np.ones((15, 15), np.uint8)
    light = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel)
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
    return bool(np.median(grey) < 128 and light.mean() > dark.mean())


def background(picture: Bytes) -> Bytes:
    """The paper with its light and without the drawing, at a reduced size, [h, w, 3].

    A grey closing (dilation, then erosion) takes away what is dark and narrower than its kernel and keeps the edges of
    shadows; the median takes the corners of the kernel away. Its values are never 0.
    """
    import cv2

    small = at_most(picture, _BACKGROUND_SIDE)
    side = int(max(small.shape[:2]) * _WIDEST_STROKE) | 1
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8))
    return np.maximum(cv2.medianBlur(closed, max(3, (side // 2) | 1)), 1)


def unevenness(ground: Bytes) -> float:
    """How much the light differs across a background: 0 is even, 1 from black to white."""
    luma = ground.max(axis=2)
    low, high = np.percentile(luma, (2, 98))
    return float((high - low) / max(1.0, high))


def cast(ground: Bytes) -> float:
    """How far the paper is from neutral: 0 for white or grey, 1 for a pure colour."""
    tone = np.median(ground.reshape(-1, 3), axis=0)
    return float(np.ptp(tone) / max(1.0, tone.max()))


def divided(picture: Bytes, ground: Bytes) -> Bytes:
    """The picture over its background (flat-field correction): paper becomes ``_PAPER``, with its grain about it.

    ``ground`` is [h, w, 3] of any size. What the closing made a little too bright is set right by the median.
    """
    import cv2

    step = _step(picture)
    few = picture[::step, ::step]
    ratio = few / np.maximum(cv2.resize(ground, few.shape[1::-1], interpolation=cv2.INTER_LINEAR), 1.0)
    level = np.median(ratio.reshape(-1, 3), axis=0)
    white = np.clip(np.rint(ground * np.maximum(level, 1e-3)), 1, 255).astype(np.uint8)
    return cv2.divide(picture, cv2.resize(white, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), scale=_PAPER)


def over(picture: Bytes, light: Bytes) -> Bytes:
    """The picture over its light alone: the paper keeps its tone. ``light`` as ``of_one_tone`` gives it."""
    import cv2

    return cv2.divide(picture, cv2.resize(light, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), scale=255.0)


def of_one_tone(ground: Bytes) -> tuple[Bytes, Bytes]:
    """A background as light and as paper: its brightness over the paper's, and one colour for all of the paper.

    Their product over 255 is the background again, so that either can be taken away without the other.
    """
    tone = np.maximum(np.median(ground.reshape(-1, 3), axis=0), 1.0)
    light = np.clip(np.rint(ground / tone * 255.0), 1, 255).astype(np.uint8)
    return light, np.rint(tone).astype(np.uint8)[None, None]


def ink_of(picture: Bytes, smooth_px: float, on_white: bool = True) -> Floats:
    """Ink of a picture on white paper: of the channel where the line is darkest, so that a yellow pencil counts too.

    Grain is averaged over ``smooth_px`` (sigma of a Gaussian) before the channels are compared. Without ``on_white``
    the paper keeps its tone: ink is what lacks to 255.
    """
    import cv2

    if smooth_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), smooth_px)
    red, green, blue = cv2.split(picture)
    least = cv2.min(cv2.min(red, green), blue)
    level = float(np.median(least[:: _step(least), :: _step(least)]))
    level = level if on_white and level > 128 else 255.0
    ink = least.astype(np.float32)
    ink *= -1.0 / level
    ink += 1.0
    return ink


def grain_of(picture: Bytes) -> float:
    """Standard deviation of the noise, 0 to 1: Immerkær, "Fast noise variance estimation", CVIU 64 (1996), with the
    median for the mean, so that lines do not count."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    middle = grey[tuple(slice(max(0, (side - 1024) // 2), (side + 1024) // 2) for side in grey.shape)]
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(middle, cv2.CV_32F, mask))
    return float(1.4826 * np.median(response) / 6.0 / 255.0)


def rulings_of(ink: Floats) -> list[Ruling]:
    """The rulings of a paper: none, one (ruled) or two (squared), found as peaks of the power spectrum.

    The spectrum of parallel lines is a comb along the direction across them, while drawn lines spread over all
    frequencies. A peak counts where it stands far above the median around it.
    """
    import cv2
    from scipy.fft import fft2

    small = at_most(ink, _SPECTRUM_SIDE)
    scale = ink.shape[1] / small.shape[1]
    height, width = small.shape
    if min(height, width) < 64:
        return []
    values = np.minimum(small, 4.0 * np.median(small) + 0.15)
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    power = np.fft.fftshift(np.abs(fft2((values - values.mean()) * window, s=(_SPECTRUM_SIDE,) * 2)) ** 2)
    logs = np.log(power + 1e-9).astype(np.float32)
    around = cv2.medianBlur(np.clip((logs + 25.0) * 5.0, 0, 255).astype(np.uint8), 25).astype(np.float32) / 5.0 - 25.0
    stands_out = logs - around
    return [Ruling(one.period_px * scale, one.across_deg) for one in _peaks(stands_out)]


def _peaks(stands_out: Floats) -> Iterator[Ruling]:
    middle = _SPECTRUM_SIDE // 2
    down, right = np.mgrid[-middle:middle, -middle:middle].astype(np.float32)
    radius = np.hypot(down, right)
    angle = np.degrees(np.arctan2(down, right)) % 180.0
    useful = (radius >= 8) & (radius <= _SPECTRUM_SIDE / 5) & ((down > 0) | ((down == 0) & (right > 0)))
    first: float | None = None
    for _ in range(2):
        allowed = useful if first is None else useful & (np.abs(np.abs(angle - first) - 90.0) < 4.0)
        best = int(np.where(allowed, stands_out, -np.inf).argmax())
        y, x = divmod(best, _SPECTRUM_SIDE)
        if stands_out[y, x] < (_PROMINENT if first is None else 0.8 * _PROMINENT):
            return
        vector = _fundamental(stands_out, _summit(stands_out, y, x) - middle)
        first = float(np.degrees(np.arctan2(vector[0], vector[1])) % 180.0)
        yield Ruling(_SPECTRUM_SIDE / float(np.hypot(*vector)), first)


def _summit(values: Floats, y: int, x: int) -> NDArray[np.float64]:
    """A peak between pixels: the vertex of a parabola through three values, for each axis."""
    found = []
    for at, line in ((y, values[y - 1 : y + 2, x]), (x, values[y, x - 1 : x + 2])):
        bend = line[0] - 2 * line[1] + line[2]
        found.append(at + (0.5 * (line[0] - line[2]) / bend if abs(bend) > 1e-6 else 0.0))
    return np.array(found, float)


def _fundamental(stands_out: Floats, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """The longest period of which the peak is a harmonic and all harmonics before it are there."""
    middle = _SPECTRUM_SIDE // 2
    for part in range(8, 1, -1):
        step = vector / part
        there = [
            stands_out[y - 1 : y + 2, x - 1 : x + 2].max()
            for y, x in (np.rint(step * harmonic + middle).astype(int) for harmonic in range(1, part))
        ]
        if np.hypot(*step) >= 8 and min(there) > 0.5 * _PROMINENT:
            return step
    return vector


def without_rulings(ink: Floats) -> tuple[Floats, list[Ruling]]:
    """Ink without the printed lines of its paper, and the rulings that were there.

    A ruling of the spectrum counts where its lines are found on the paper as well, about as many as its period says.
    Lines across it that go through the whole page, such as a margin, go with it.
    """
    found = []
    for ruling in rulings_of(ink):
        left = _without_lines(ink, ruling.across_deg, ruling.period_px)
        if left is not None:
            ink = left
            found.append(ruling)
    if len(found) == 1:
        left = _without_lines(ink, (found[0].across_deg + 90.0) % 180.0, None)
        ink = ink if left is None else left
    return ink, found


def _without_lines(ink: Floats, across_deg: float, period_px: float | None) -> Floats | None:
    """Ink without the lines that go through the whole page; None where they are not as many as the period says.

    The lines are sheared level; their ink is the median along them, which drawn strokes across them do not change, and
    it is taken away as the paper's own: (ink - lines) / (1 - lines).
    """
    upright = 45.0 <= across_deg <= 135.0
    level = ink if upright else ink.T
    slope = float(-1.0 / np.tan(np.radians(across_deg)) if upright else -np.tan(np.radians(across_deg)))
    sheared, shifts = _sheared(level, slope)
    printed = _printed(sheared, None if period_px is None else period_px * np.hypot(1.0, slope))
    if printed is None:
        return None
    lines = _unsheared(printed, shifts, level.shape)
    left = (level - lines) / (1.0 - lines)
    return np.ascontiguousarray(left if upright else left.T)


def _runs(width: int, slope: float) -> Iterator[tuple[int, int, int]]:
    """Columns from, to (exclusive), and by how many whole rows a line of that slope has gone down there."""
    down = np.rint(np.arange(width) * slope).astype(int)
    edges = [0, *(np.flatnonzero(np.diff(down)) + 1).tolist(), width]
    for start, end in pairwise(edges):
        yield start, end, int(down[start])


def _sheared(level: Floats, slope: float) -> tuple[Floats, list[tuple[int, int, int]]]:
    """Whole rows moved so that lines of that slope are level: nothing is interpolated, so it can be undone exactly.
    What lies outside the picture is NaN."""
    height, width = level.shape
    runs = list(_runs(width, slope))
    least = min(down for *_, down in runs)
    most = max(down for *_, down in runs)
    sheared = np.full((height + most - least, width), np.nan, np.float32)
    shifts = [(start, end, most - down) for start, end, down in runs]
    for start, end, shift in shifts:
        sheared[shift : shift + height, start:end] = level[:, start:end]
    return sheared, shifts


def _unsheared(values: Floats, shifts: list[tuple[int, int, int]], shape: tuple[int, ...]) -> Floats:
    level = np.empty(shape, np.float32)
    for start, end, shift in shifts:
        level[:, start:end] = values[shift : shift + shape[0], start:end]
    return level


def _printed(sheared: Floats, period_px: float | None) -> Floats | None:
    """Ink of level lines: in rows that are dark across three quarters of the page, the median of the neighbourhood.

    None where there are no such rows, or not about as many as the period asks for.
    """
    import cv2

    height, width = sheared.shape
    block = max(8, min(64, width // 12))
    medians = _block_medians(sheared, block)
    rows = _nan_quantile(medians, _THROUGH)
    medians, rows = np.nan_to_num(medians), np.nan_to_num(rows)
    reach = round(period_px or 30 * height / 1000) | 1
    stands_out = rows - cv2.erode(cv2.blur(rows[:, None], (1, 3)), np.ones((reach, 1), np.uint8)).ravel()
    least = max(_LEAST_PRINT, 6.0 * float(np.median(np.abs(np.diff(rows)))))
    peaks = cv2.dilate(stands_out[:, None], np.ones((reach, 1), np.uint8)).ravel()
    peak = float(np.median(peaks)) if period_px else float(peaks.max())
    dark = stands_out > max(0.35 * peak, 0.5 * least)
    count = int((np.diff(dark.astype(int)) == 1).sum())
    if peak < least or not (
        count >= _LEAST_LINES and 0.6 < count * period_px / height < 1.4 if period_px else 1 <= count <= 4
    ):
        return None
    on_line = cv2.dilate(dark.astype(np.uint8)[:, None], np.ones((5, 1), np.uint8)) > 0
    nearby = np.minimum(_running_median(medians), 2.0 * (rows.max() if period_px is None else np.median(rows) + peak))
    nearby = np.clip(cv2.dilate(nearby.astype(np.float32), np.ones((3, 1), np.uint8)) * 1.1, 0.0, 0.9)
    return _between_blocks(np.where(on_line, nearby, 0.0).astype(np.float32), sheared.shape, block)


def _block_medians(sheared: Floats, block: int) -> Floats:
    """The median of each ``block`` pixels along a row, of 16 of them where it is long; NaN outside the picture."""
    height, width = sheared.shape
    count = -(-width // block)
    padded = np.pad(sheared, ((0, 0), (0, count * block - width)), constant_values=np.nan)
    return _nan_quantile(padded.reshape(height, count, block)[:, :, :: max(1, block // 16)], 0.5)


def _nan_quantile(values: Floats, share: float) -> Floats:
    """The lower quantile along the last axis of what is a number, NaN where nothing is; NaN sorts to the end."""
    count = np.count_nonzero(~np.isnan(values), axis=-1)[..., None]
    at = (np.maximum(count - 1, 0) * share).astype(int)
    return np.take_along_axis(np.sort(values, axis=-1), at, axis=-1)[..., 0]


def _between_blocks(values: Floats, shape: tuple[int, ...], block: int) -> Floats:
    """Values of blocks for each pixel, linearly along the rows."""
    import cv2

    whole = cv2.resize(values, (values.shape[1] * block, shape[0]), interpolation=cv2.INTER_LINEAR)
    return whole[:, : shape[1]]


def _running_median(medians: Floats, reach: int = 2) -> Floats:
    """The median of each block and its neighbours along the line."""
    padded = np.pad(medians, ((0, 0), (reach, reach)), mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1), axis=2)


def _step(picture: NDArray) -> int:
    """Every how many pixels a median over a large picture is taken."""
    return max(1, min(picture.shape[:2]) // 512)
