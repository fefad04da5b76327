"""A scene in passes and tiles: each short enough that a person can cancel and watch, all of them adding up.

Mitsuba cannot be stopped from Python while it renders, so no call takes much longer than half a second. The pass and
the tile are the seed, so the same scene gives the same bits on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLES_PER_CALL = {"scalar": 1 << 18, "llvm": 3 << 19, "cuda": 1 << 24}
"""What a variant renders in a fraction of a second on a slow machine; on a GPU what fits into its memory."""
_LOOKS_PER_SAMPLE = 4
"""A look is a ray; a sample of light is several, and their shadows."""
_SEEDS = 1 << 32

Tick = Callable[[int, "Callable[[], NDArray[np.float32]]"], None]
"""Called after each call with the samples done so far (pixels × samples) and a function for the picture so far."""


class Tile(NamedTuple):
    """Rows of the picture, whole."""

    top: int
    rows: int


def tiles_of(width: int, height: int, samples_per_call: int) -> list[Tile]:
    """Bands of rows of at most that many pixels each, as even as they can be."""
    rows = max(1, min(height, samples_per_call // width))
    number = -(-height // rows)
    rows = -(-height // number)
    return [Tile(top, min(rows, height - top)) for top in range(0, height, rows)]


def passes_of(samples: int, pixels: int, samples_per_call: int) -> list[int]:
    """The samples a pixel of each pass: equal ones, because each number is a kernel of its own; the rest comes last."""
    each = max(1, min(samples, samples_per_call // pixels))
    whole, rest = divmod(samples, each)
    return [each] * whole + [rest] * (rest > 0)


def render(
    mi: Any, scene: Any, sensor: Any, integrator: Any, *, samples: int, seed: int, tick: Tick | None = None
) -> NDArray[np.float32]:
    """The mean of ``samples`` a pixel as [H, W, C] float32; whatever ``tick`` raises goes through."""
    import numpy as np

    values = mi.traverse(sensor)
    width, height = (int(side) for side in values["film.size"])
    most = SAMPLES_PER_CALL[mi.variant().split("_")[0]]
    tiles = tiles_of(width, height, most)
    total = np.zeros((0, 0, 0), dtype=np.float32)
    done, weights = 0, np.zeros((height, 1, 1), dtype=np.float32)
    for number, (tile, each) in enumerate(_calls(tiles, passes_of(samples, width * tiles[0].rows, most))):
        if len(tiles) > 1:
            values["film.crop_size"], values["film.crop_offset"] = [width, tile.rows], [0, tile.top]
            values.update()
        part = mi.render(scene, sensor=sensor, integrator=integrator, spp=each, seed=_seed(seed, number))
        pixels = np.asarray(part, dtype=np.float32)
        if not total.size:
            total = np.zeros((height, width, pixels.shape[-1]), dtype=np.float32)
        band = slice(tile.top, tile.top + tile.rows)
        total[band] += pixels * each
        weights[band] += each
        done += tile.rows * width * each
        if tick:
            tick(done, lambda so_far=total, of=weights: so_far / np.maximum(of, 1.0))
    total /= weights
    return total


def look(mi: Any, scene: Any, sensor: Any, integrator: Any, *, step: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """One sample through the middle of each pixel, a band of rows at a time: its top row, and [rows, W, C] float32.

    A band begins at a multiple of ``step`` rows, and has ``step`` rows of its neighbours above and below where there
    are any, so that what looks at neighbours sees them.
    """
    import numpy as np

    values = mi.traverse(sensor)
    width, height = (int(side) for side in values["film.size"])
    most = SAMPLES_PER_CALL[mi.variant().split("_")[0]] * _LOOKS_PER_SAMPLE
    rows = max(step, min(height, most // width) // step * step)
    for top in range(0, height, rows):
        above, below = max(0, top - step), min(height, top + rows + step)
        if (above, below) != (0, height):
            values["film.crop_size"], values["film.crop_offset"] = [width, below - above], [0, above]
            values.update()
        yield above, np.asarray(mi.render(scene, sensor=sensor, integrator=integrator, spp=1, seed=0), dtype=np.float32)


def _calls(tiles: list[Tile], passes: list[int]) -> Iterator[tuple[Tile, int]]:
    return ((tile, each) for each in passes for tile in tiles)


def _seed(seed: int, number: int) -> int:
    """A seed of 32 bits for a call, far apart for neighbours (Knuth's multiplicative hash)."""
    return ((seed * 2654435761) ^ (number * 40503 + 1)) * 2654435761 % _SEEDS
