"""A drawing on paper of another aspect ratio, never cut into."""

from __future__ import annotations

import math

import numpy as np

from ..errors import StudioFlowError
from .pictures import Gray


def ratio_of(text: str) -> float | None:
    """Width by height of ``16:9``, or None for ``keep``; StudioFlowError for anything else."""
    if text.strip() == "keep":
        return None
    try:
        width, height = (float(part) for part in text.split(":"))
        ratio = width / height
    except (ValueError, ZeroDivisionError):
        ratio = math.nan
    if not 0.05 <= ratio <= 20.0:
        raise StudioFlowError(
            "no ratio of a picture",
            where="ratio",
            found=f'"{text}"',
            allowed="keep, or width:height such as 16:9, at most 20 times as long as wide",
        )
    return ratio


def fitted(lines: Gray, ratio: float | None, fit: str, notes: list[str]) -> Gray:
    """The drawing on paper of another ratio, whole: ``crop`` takes empty paper away first, both add what lacks."""
    if ratio is None:
        return lines
    height, width = lines.shape
    if fit == "crop":
        top, bottom, left, right = _cropped(lines, ratio)
        lines = lines[top:bottom, left:right]
        if lines.shape != (height, width):
            notes.append(f"cropped to {lines.shape[1]} × {lines.shape[0]}, the drawing is whole")
    before = lines.shape
    needed = (max(before[0], round(before[1] / ratio)), max(before[1], round(before[0] * ratio)))
    if needed != before:
        over = [(needed[axis] - before[axis]) for axis in (0, 1)]
        lines = np.pad(lines, [(one // 2, one - one // 2) for one in over])
        notes.append(f"paper added: {needed[1]} × {needed[0]}")
    return lines


def _cropped(lines: Gray, ratio: float) -> tuple[int, int, int, int]:
    """Rows and columns from, to of the largest part of that ratio which leaves only empty paper out, or of the
    drawing's own box in that direction where it is too large for the ratio."""
    height, width = lines.shape
    rows, columns = (np.flatnonzero(lines.max(axis=axis) > 0.1) for axis in (1, 0))
    if not len(rows):
        return 0, height, 0, width
    if width > height * ratio:
        left, right = _span(columns[0], columns[-1] + 1, round(height * ratio), width)
        return 0, height, left, right
    top, bottom = _span(rows[0], rows[-1] + 1, round(width / ratio), height)
    return top, bottom, 0, width


def _span(first: int, last: int, wanted: int, whole: int) -> tuple[int, int]:
    """A span of at least ``wanted`` in 0..whole about the drawing's, centred on it as far as the paper goes."""
    length = min(whole, max(wanted, int(last - first)))
    start = int(np.clip((first + last - length) // 2, 0, whole - length))
    return start, start + length
