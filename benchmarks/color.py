"""Colour of a 4K float picture: sRGB to ACEScg by us, by one thread of OpenColorIO, by colour-science, and a copy.

Beside it the operators of tone mapping, range expansion and merged exposures, at a quarter of the pixels.

    python dev.py bench
    python benchmarks/color.py
"""

from __future__ import annotations

import os
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
from _common import report

RUNS = 5
HEIGHT, WIDTH = 2160, 3840


def main() -> None:
    import PyOpenColorIO

    from studioflow.color import menus, ocio
    from studioflow.color.convert import convert

    picture = np.random.default_rng(1).random((HEIGHT, WIDTH, 3), dtype=np.float32)
    print(f"{WIDTH} × {HEIGHT} float32, {picture.nbytes / 1e6:.0f} MB, {os.cpu_count()} cores; sRGB to ACEScg")
    config = ocio.open_config(menus.ACES_2)
    exact = config.getProcessor("sRGB Encoded Rec.709 (sRGB)", "ACEScg")
    processor = exact.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS)

    def one_thread() -> None:
        processor.applyRGB(picture.copy())

    copy = measure("memory copy", picture.copy)
    ours = measure("StudioFlow, RGB", lambda: convert(picture, "sRGB", "ACEScg"))
    single = measure("OpenColorIO alone, one thread, exact", one_thread)
    theirs = measure("colour-science", colour_science(picture), runs=2)
    print(f"  {ours / copy:.1f} times a copy, {single / ours:.2f} times as fast as OpenColorIO alone, ", end="")
    print(f"{theirs / ours:.1f} times as fast as colour-science")
    with_alpha(picture)
    print(f"  memory beside the picture: {most_memory(lambda: convert(picture, 'sRGB', 'ACEScg')):.2f} of its size")
    others(np.ascontiguousarray(picture[::2, ::2]))


def with_alpha(picture: np.ndarray) -> None:
    from studioflow.color.convert import convert

    alpha = np.concatenate([picture, picture[..., :1]], axis=-1)
    measure("StudioFlow, RGBA", lambda: convert(alpha, "sRGB", "ACEScg"))


def others(picture: np.ndarray) -> None:
    from studioflow.color.expand import METHODS, expand
    from studioflow.color.exposures import merge
    from studioflow.color.tone import tone_map

    print(f"{picture.shape[1]} × {picture.shape[0]}")
    for operator in ("reinhard", "hable", "aces_1_3", "aces_2_0"):
        measure(f"tone map, {operator}", lambda operator=operator: tone_map(picture, operator, source="ACEScg"), runs=2)
    for method in METHODS:
        measure(f"expand, {method}", lambda method=method: expand(picture, method, target="ACEScg"), runs=2)
    brackets = np.stack([picture, picture / 2, picture / 4])
    measure("merge of three", lambda: merge(brackets, [0, -1, -2], target="ACEScg"), runs=2)


def measure(name: str, work: Callable[[], object], runs: int = RUNS) -> float:
    """Prints how long the work takes, after one run that is not counted; the median in seconds."""
    work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    report(name, seconds, "s")
    return statistics.median(seconds)


def colour_science(picture: np.ndarray) -> Callable[[], object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour
    colour.utilities.set_default_float_dtype(np.float32)
    return lambda: colour.RGB_to_RGB(picture, "sRGB", "ACEScg", "Bradford", apply_cctf_decoding=True)


def most_memory(work: Callable[[], object]) -> float:
    """The most memory of numpy during the work, in sizes of the picture."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (HEIGHT * WIDTH * 3 * 4)


if __name__ == "__main__":
    main()
