"""A batch of frames as EXR and TIFF: two frames at a time against one after the other, in one run.

Target: the overlapped batch takes no longer, and on two cores or more clearly less.

    python dev.py bench
    python benchmarks/delivery.py
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import report

FRAMES, SIDE, RUNS = 50, 1024, 3
TARGET_RATIO = 1.0


def main() -> None:
    frames, runs = (int(sys.argv[1]), 1) if len(sys.argv) > 1 else (FRAMES, RUNS)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    pixels = batch(frames)
    run(pixels[:1], 1)  # imports and configs are in nobody's time
    for _ in range(runs):
        for in_flight in seconds:
            seconds[in_flight].append(run(pixels, in_flight))
    size = f"{frames} frames of {SIDE} × {SIDE}, half ZIP EXR and 16-bit ZIP TIFF, {os.cpu_count()} cores"
    report(f"{size}, one after the other", seconds[1], "s")
    report(f"{size}, two in flight", seconds[2], "s")
    ratios = [two / one for one, two in zip(seconds[1], seconds[2], strict=True)]
    report("two in flight / one after the other", ratios, "times", target=TARGET_RATIO)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  at most {peak:.0f} MiB of memory, of which the batch itself is {pixels.nbytes / 2**20:.0f} MiB")


def batch(frames: int) -> np.ndarray:
    """Soft shapes with grain, as a render has them."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    shape = np.stack([x, y, 0.5 + 0.5 * np.sin(9 * x * y)], axis=-1) * 0.8 + 0.1
    grain = rng.standard_normal((SIDE, SIDE, 3), dtype=np.float32) * 0.01
    pixels = np.empty((frames, SIDE, SIDE, 3), np.float32)
    for index in range(frames):
        np.add(np.roll(shape, index * 7, axis=1), grain, out=pixels[index])
    return pixels


def run(pixels: np.ndarray, in_flight: int) -> float:
    from studioflow.delivery.deliver import Documents, Naming, deliver
    from studioflow.delivery.presets import spec_of
    from studioflow.imaging.sheet import Layer

    specs = [
        spec_of({"format": "exr", "color_space": "ACEScg"}),
        spec_of({"format": "tiff", "color_space": "Adobe RGB"}),
    ]
    manifest = {"studioflow": "1.0", "scene": {"description": "a batch"}}
    documents = Documents(manifest, "", {"seeds": list(range(len(pixels)))}, {"prompt": {"1": {}}})
    with tempfile.TemporaryDirectory() as folder:
        naming = Naming(Path(folder), "shot.{frame:04}")
        start = time.perf_counter()
        deliver([Layer("beauty", pixels)], documents, specs, naming, in_flight=in_flight)
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
