"""Lines one pixel wide, with the parts and holes that they had."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LINE = 0.5
"""What counts as a line in a line map."""


def thinned(lines: np.ndarray) -> np.ndarray:
    """The lines one pixel wide: bool [H, W] of a map [H, W] that is bool, or float with lines at 0.5 and above.

    The two passes of Zhang and Suen 1984 choose what goes, from the rim inwards. Alone they lose squares of 2 by 2
    and leave staircases, so that each pixel goes only while it is a simple point (Yokoi 1975: taking it changes
    neither the number of parts nor of holes), and what is simple and no end goes at last. Of pixels that touch, one
    is judged after the other, which keeps that promise; only pixels beside what just went are judged again.
    """
    import cv2
    import numpy as np

    height, width = lines.shape
    padded = np.zeros((height + 2, width + 2), np.uint8)
    padded[1:-1, 1:-1] = lines if lines.dtype == bool else lines >= LINE
    flat, stride = padded.ravel(), width + 2
    first, second, simple = _tables()
    for tables in ((first, second), (simple,)):
        # A pixel among eight others cannot go before one of them has gone.
        waiting = [np.flatnonzero(padded - cv2.erode(padded, np.ones((3, 3), np.uint8)))] * len(tables)
        while any(pixels.size for pixels in waiting):
            for turn, table in enumerate(tables):
                judged = _distinct(waiting[turn])
                chosen = judged[table[_codes(flat, judged, stride)] & (flat[judged] > 0)]
                changed = _beside(flat, _take(flat, chosen, stride, simple), stride)
                waiting[turn] = changed[:0]
                waiting = [np.concatenate([pixels, changed]) for pixels in waiting]
    return padded[1:-1, 1:-1].astype(bool)


def _around(stride: int) -> tuple[int, ...]:
    """Offsets of the eight neighbours, clockwise from the one above: P2 to P9 of Zhang and Suen."""
    return (-stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1, -stride - 1)


def _codes(flat: np.ndarray, at: np.ndarray, stride: int) -> np.ndarray:
    """The neighbourhood of each pixel as a byte, its first neighbour in the lowest bit."""
    import numpy as np

    codes = np.zeros(at.size, np.uint8)
    for bit, offset in enumerate(_around(stride)):
        codes |= flat[at + offset] << bit
    return codes


def _take(flat: np.ndarray, chosen: np.ndarray, stride: int, simple: np.ndarray) -> np.ndarray:
    """Takes away the chosen pixels that are simple when their turn comes, and returns them."""
    import numpy as np

    turn = (chosen // stride % 2) * 2 + chosen % stride % 2  # no two pixels of one turn touch
    gone = []
    for which in range(4):
        now = chosen[turn == which]
        now = now[simple[_codes(flat, now, stride)]]
        flat[now] = 0
        gone.append(now)
    return np.concatenate(gone)


def _beside(flat: np.ndarray, gone: np.ndarray, stride: int) -> np.ndarray:
    import numpy as np

    near = np.concatenate([gone + offset for offset in _around(stride)])
    return near[flat[near] > 0]


def _distinct(pixels: np.ndarray) -> np.ndarray:
    """The pixels sorted, each once; np.unique hashes them and takes many times as long."""
    import numpy as np

    pixels = np.sort(pixels)
    return pixels[np.flatnonzero(np.diff(pixels, prepend=-1))]


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of the 256 neighbourhoods: does it go in the first pass, in the second, and may it go at all."""
    import numpy as np

    p = [(np.arange(256) >> bit & 1).astype(bool) for bit in range(8)]
    count = sum(pixel.astype(int) for pixel in p)
    rises = sum((~p[i] & p[(i + 1) % 8]).astype(int) for i in range(8))
    rim = (count >= 2) & (count <= 6) & (rises == 1)
    above, right, below, left = p[0], p[2], p[4], p[6]
    first = rim & ~(above & right & below) & ~(right & below & left)
    second = rim & ~(above & right & left) & ~(above & below & left)
    parts = sum((~p[i] & (p[i + 1] | p[(i + 2) % 8])).astype(int) for i in (0, 2, 4, 6))
    return first, second, (parts == 1) & (count >= 2)
