"""Light from a panorama: reading the file and finding the lights, by size, and the most memory that takes.

Target: at most 3 s for 8192 × 4096, Radiance or OpenEXR, on two cores.

    python dev.py bench
    python benchmarks/panorama.py
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _common import ROOT, report

RUNS = 3
WIDTHS = (1024, 2048, 4096, 8192)
TARGET_S = 3.0


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "--measure":
        measure(Path(sys.argv[2]))
        return
    from tests.unit.panoramas import write_exr, write_hdr

    with tempfile.TemporaryDirectory() as folder:
        for width in WIDTHS:
            picture = room(width)
            for kind, write in (("hdr", write_hdr), ("exr", write_exr)):
                path = Path(folder) / f"{width}.{kind}"
                write(path, picture)
                compare(path, width)
                path.unlink()


def room(width: int) -> np.ndarray:
    """The sample's studio in that size, with grain that does not compress away."""
    from tests.unit.panoramas import studio_room

    small = studio_room(256)
    times = width // small.shape[1]
    picture = np.repeat(np.repeat(small, times, axis=0), times, axis=1)
    grain = np.random.default_rng(1).standard_normal(picture.shape[:2], dtype=np.float32)
    return picture * np.maximum(0.1, 1.0 + 0.05 * grain)[..., None]


def compare(path: Path, width: int) -> None:
    """A fresh process for each run, so that memory is its own; the import of the libraries is in the time."""
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", str(path)]
    seconds, memory, parts = [], 0, ""
    for _ in range(RUNS):
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        total, peak, parts = done.stdout.split(maxsplit=2)
        seconds.append(float(total))
        memory = max(memory, int(peak))
    name = f"{width} × {width // 2} {path.suffix[1:]}, {path.stat().st_size / 1e6:.0f} MB"
    report(name, seconds, "s", target=TARGET_S if width == WIDTHS[-1] else None)
    print(f"  last run: {parts.strip()}; at most {memory} MiB of memory")


def measure(path: Path) -> None:
    from studioflow.imaging.panorama import read_panorama
    from studioflow.studio.panorama import analyse

    start = time.perf_counter()
    pixels = read_panorama(path)
    read = time.perf_counter()
    found = analyse(pixels)
    done = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(done - start, peak, f"read {read - start:.2f} s, {len(found.lights)} lights in {done - read:.2f} s")


if __name__ == "__main__":
    main()
