"""The values of an EXR: converted a band at a time, multiplied by their alpha, rounded to halves, and counted where
they are not finite."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ..bands import Rows, bands_of, on_all_cores
from ..errors import DeliveryError
from .sheet import FileSpec, Layer, Sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LARGEST_HALF = 65504.0
_FIRST_INFINITE_HALF = 65520.0
"""What is nearer to it than to the largest half rounds to infinity."""
_BAND_BYTES = 1 << 19
_SERIAL_VALUES = 32767
"""torch shares larger tensors out among threads of its own, of which every thread here would then have a set."""


class Odd(NamedTuple):
    """How many values of a layer are not finite, and how many a half cannot hold."""

    nan: int = 0
    infinite: int = 0
    too_large: int = 0


def is_depth(layer: Layer) -> bool:
    """Whether these are distances from the camera, by the name that every compositing program knows."""
    return layer.pixels.shape[-1] == 1 and layer.name.rpartition(".")[2].lower() in ("depth", "z")


def planes_of(sheet: Sheet, layer: Layer, spec: FileSpec) -> tuple[NDArray[np.floating], Odd]:
    """The values of a layer as the file is to have them, [C, H, W]: one plane a channel, as OpenEXR stores them."""
    import numpy as np

    height, width, count = layer.pixels.shape
    # Halves have 11 bits: at 5 metres steps of 4 mm, which defocus and fog show. Depth is 32 bits everywhere.
    half = spec.bit_depth == 16 and not is_depth(layer)
    planes = np.empty((count, height, width), np.float16 if half else np.float32)

    def fill(rows: Rows) -> Odd:
        band = sheet.rows(layer, *rows)
        alpha = np.ascontiguousarray(band[..., 3]) if count == 4 and not layer.is_data else None
        found = []
        for index in range(count):
            # What is not finite is counted below and says so itself.
            with np.errstate(all="ignore"):
                values = band[..., index] * alpha if alpha is not None and index < 3 else band[..., index]
            found.append(_store(np.ascontiguousarray(values, np.float32), planes[index, slice(*rows)]))
        return _total(found)

    odd = _total(on_all_cores(fill, bands_of(height, width * count * 4, _BAND_BYTES)))
    if spec.not_finite != "keep" and odd.nan + odd.infinite:
        _treat(layer.name, planes, odd, spec)
    return planes, odd


def _total(found: Iterable[Odd]) -> Odd:
    return Odd(*(sum(column) for column in zip(*found, strict=True)))


def _store(values: NDArray[np.float32], plane: NDArray[np.floating]) -> Odd:
    """Puts values where they belong, rounded to halves where those are halves."""
    import numpy as np

    limit = LARGEST_HALF if plane.dtype == np.float16 else np.finfo(np.float32).max
    # The least and the greatest of values with a NaN among them are NaN, and no comparison with that holds.
    if values.min() >= -limit and values.max() <= limit:
        _round_into(plane, values)
        return Odd()
    nan, infinite = np.isnan(values), np.isinf(values)
    odd = Odd(int(nan.sum()), int(infinite.sum()))
    if plane.dtype == np.float16:
        large = (np.abs(values) >= _FIRST_INFINITE_HALF) & ~infinite
        odd = odd._replace(too_large=int(large.sum()))
        values = np.where(large, np.copysign(np.float32(LARGEST_HALF), values), values)
    plane[...] = values
    return odd


def _round_into(plane: NDArray[np.floating], values: NDArray[np.float32]) -> None:
    """float32 to half as IEEE 754 rounds, by torch where the host has loaded it: four times as fast as numpy."""
    import numpy as np

    torch = sys.modules.get("torch")
    # torch warns of arrays that are not to be written to, also where it only reads them.
    if torch is None or plane.dtype != np.float16 or not values.flags.writeable:
        plane[...] = values
        return
    source, target = torch.from_numpy(values.reshape(-1)), torch.from_numpy(plane.reshape(-1))
    for start in range(0, source.numel(), _SERIAL_VALUES):
        target[start : start + _SERIAL_VALUES].copy_(source[start : start + _SERIAL_VALUES])


def _treat(name: str, planes: NDArray[np.floating], odd: Odd, spec: FileSpec) -> None:
    """Refuses what is not finite, or puts in its place the mean of the finite ones of its eight neighbours, else 0."""
    import numpy as np

    for plane in planes:
        rows, columns = np.nonzero(~np.isfinite(plane))
        if spec.not_finite == "refuse" and rows.size:
            raise DeliveryError(
                "values that are not finite are not to be delivered",
                where=f'layer "{name}"',
                found=f"{_count(odd)}; the first at x {columns[0]}, y {rows[0]}",
                allowed="finite numbers",
                fix='repair the picture, or choose "replace" or "keep"',
            )
        plane[rows, columns] = _means_around(plane, rows, columns)


def _means_around(plane: NDArray[np.floating], rows: Any, columns: Any) -> NDArray[np.float32]:
    """The means of the finite neighbours of those places; 0 where there are none."""
    import numpy as np

    height, width = plane.shape
    total, count = np.zeros(rows.size, np.float64), np.zeros(rows.size)
    for down, across in ((y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x):
        y, x = rows + down, columns + across
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        value = plane[y.clip(0, height - 1), x.clip(0, width - 1)].astype(np.float64)
        use = inside & np.isfinite(value)
        total += np.where(use, value, 0.0)
        count += use
    return (total / np.maximum(count, 1.0)).astype(np.float32)


def _count(odd: Odd) -> str:
    kinds = ((odd.nan, "NaN"), (odd.infinite, "infinite"))
    return " and ".join(f"{count} {kind}" for count, kind in kinds if count)


def notes_of(name: str, odd: Odd, spec: FileSpec) -> list[str]:
    notes = []
    if odd.nan + odd.infinite:
        done = "kept" if spec.not_finite == "keep" else "replaced by the mean of their neighbours"
        notes.append(f"{name}: {_count(odd)} values, {done}")
    if odd.too_large:
        notes.append(
            f"{name}: {odd.too_large} values beyond ±65504, the most that 16 bits hold, became that; 32 bits keep them"
        )
    return notes
