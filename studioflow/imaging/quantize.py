"""Floats to what a file stores: whole numbers, half floats, and what was lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..bands import bands_of, on_all_cores
from ..color.counts import share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .sheet import Layer, Sheet

_BAND_BYTES = 1 << 20
_FIRST_INFINITE_HALF = 65520.0
"""What is nearer to it than to the largest half rounds to infinity."""


class Loss(NamedTuple):
    """How many of how many values a file could not hold."""

    values: int = 0
    clipped: int = 0
    """Outside 0..1, infinity too."""
    not_numbers: int = 0
    """NaN; whole numbers have none, so they became 0."""
    infinite: int = 0
    """Finite, but beyond what a half float reaches."""
    nan_kept: int = 0
    infinite_kept: int = 0
    """What is not finite in floats, which can hold it."""

    def plus(self, other: Loss) -> Loss:
        return Loss(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def notes(self, layer: str) -> list[str]:
        """What the person should know, one sentence each; empty where nothing was lost."""
        found = (
            (self.clipped, "outside 0..1 and were clipped"),
            (self.not_numbers, "not numbers (NaN) and became 0"),
            (self.infinite, "too large for 16-bit floats and became infinite"),
            (self.nan_kept, "not numbers (NaN) and stayed so"),
            (self.infinite_kept, "infinite and stayed so"),
        )
        return [f'layer "{layer}": {share(count, self.values)} were {what}' for count, what in found if count]


def quantize(values: NDArray[np.float32], dtype: Any) -> tuple[NDArray[Any], Loss]:
    """The values as ``dtype``: uint8 or uint16 (0..1 to all its levels, clipped, halves to even), float16 or float32
    (never clipped; NaN and infinity stay)."""
    import numpy as np

    kind = np.dtype(dtype)
    if kind.kind == "f":
        return _as_floats(values, kind)
    most = np.float32(np.iinfo(kind).max)
    loss = Loss(values.size)
    # NaN makes the comparison false, and so is found in the same pass.
    if not (values.min() >= 0.0 and values.max() <= 1.0):
        nan = np.isnan(values)
        loss = Loss(values.size, int(np.count_nonzero((values < 0.0) | (values > 1.0))), int(np.count_nonzero(nan)))
        values = np.where(nan, np.float32(0.0), np.clip(values, 0.0, 1.0))
    scaled = values * most
    return np.rint(scaled, out=scaled).astype(kind), loss


def _as_floats(values: NDArray[np.float32], kind: np.dtype[Any]) -> tuple[NDArray[Any], Loss]:
    import numpy as np

    with np.errstate(over="ignore"):
        stored = values.astype(kind, copy=False)
    limit = _FIRST_INFINITE_HALF if kind.itemsize == 2 else np.inf
    # NaN makes the comparison false here too.
    if values.min() > -limit and values.max() < limit:
        return stored, Loss(values.size)
    infinite = np.isinf(values)
    return stored, Loss(
        values.size,
        infinite=int(np.count_nonzero(np.isinf(stored) & ~infinite)),
        nan_kept=int(np.count_nonzero(np.isnan(values))),
        infinite_kept=int(np.count_nonzero(infinite)),
    )


def whole_numbers(sheet: Sheet, layer: Layer, dtype: Any) -> tuple[NDArray[Any], list[str]]:
    """All of a layer as uint8 or uint16 in the space of the file, [H, W, C], and the notes about it."""
    import numpy as np

    height, width, channels = layer.pixels.shape
    levels = np.empty((height, width, channels), dtype)

    def fill(rows: tuple[int, int]) -> Loss:
        levels[slice(*rows)], lost = quantize(sheet.rows(layer, *rows), dtype)
        return lost

    loss = Loss()
    for part in on_all_cores(fill, bands_of(height, width * channels * 4, _BAND_BYTES)):
        loss = loss.plus(part)
    return levels, loss.notes(layer.name)
