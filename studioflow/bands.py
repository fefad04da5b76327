"""A picture in bands of rows, worked on by all cores, so that beside it only a few bands are in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Rows = tuple[int, int]
"""First row, and the one behind the last."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def bands_of(height: int, row_bytes: int, band_bytes: int) -> list[Rows]:
    """The rows of bands of about that size, at least one row each; all but the last are equally high."""
    rows = min(height, max(1, band_bytes // row_bytes))
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]


def on_all_cores(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """``map(work, items)`` on threads, in order, never more than a few items ahead of who takes the results."""
    cores = os.cpu_count() or 1
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(cores) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
