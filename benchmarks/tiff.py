"""Writing a TIFF of 3840 × 2160, RGB, 16 bits: ours with profile, XMP and documents against tifffile called bare,
OpenImageIO and imageio with the same compression. Runs are paired: each round measures all of them, one after the
other, and ours is divided by the others of its own round. All start from the same floats in memory.

Target: at most 1.1 times tifffile called bare.

    python dev.py bench
    python benchmarks/tiff.py           # --full also: memory of 16384 × 16384, and a real file beyond 4 GB
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from _common import ROOT, peak_bytes, report

RUNS = 7
WIDTH, HEIGHT = 3840, 2160
TARGET = 1.1
LARGE = 16384


def main() -> None:
    if "--memory" in sys.argv:
        measure_memory(Path(sys.argv[-1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        for compression in ("none", "zip"):
            compare(Path(folder), compression)
        if "--full" in sys.argv:
            memory(Path(folder) / "large.tif")
            beyond_four_gigabytes(Path(folder) / "big.tif")


def picture(height: int, width: int) -> np.ndarray:
    """Like a photograph: soft shapes with fine grain, so that it packs as photographs do."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(width)
    grain = np.random.default_rng(1).standard_normal((height, width), dtype=np.float32) * np.float32(0.004)
    shapes = [0.5 + 0.4 * np.sin(9 * x + one) * np.cos(7 * y - one) + grain for one in range(3)]
    return np.clip(np.stack(shapes, -1), 0, 1).astype(np.float32)


def sheet(pixels: np.ndarray):
    """With a manifest and a workflow of ordinary length; no conversion, which benchmarks/colour.py measures."""
    from studioflow.imaging.facts import Facts
    from studioflow.imaging.sheet import Layer, Sheet

    texts = {
        "studioflow:manifest": json.dumps({"studioflow": "1.0", "scene": {"description": "x" * 20_000}}),
        "studioflow:caption": json.dumps({"short_description": "x" * 4000}),
        "workflow": json.dumps({"nodes": ["x" * 60_000]}),
        "prompt": json.dumps({"1": "x" * 20_000}),
    }
    facts = Facts(
        datetime(2026, 1, 2, tzinfo=timezone.utc), title="Bottle", author="Studio", lens="85 mm", aperture=2.8
    )
    return Sheet((Layer("beauty", pixels),), "Adobe RGB", lambda band, _: band, texts, facts, "display-referred")


def writers(compression: str) -> dict[str, Callable[[Path, np.ndarray], object]]:
    import imageio.v3 as imageio
    import OpenImageIO as oiio
    import tifffile

    from studioflow.imaging.sheet import FileSpec
    from studioflow.imaging.tiff import write_tiff

    spec = FileSpec("tiff", "Adobe RGB", 16, compression=compression)
    packed = {"compression": "adobe_deflate", "predictor": True} if compression == "zip" else {}

    def integers(pixels: np.ndarray) -> np.ndarray:
        return np.rint(np.clip(pixels, 0, 1) * np.float32(65535)).astype(np.uint16)

    def by_openimageio(path: Path, pixels: np.ndarray) -> None:
        layout = oiio.ImageSpec(WIDTH, HEIGHT, 3, "uint16")
        layout["compression"] = compression
        layout["tiff:predictor"] = 2
        out = oiio.ImageOutput.create(str(path))
        out.open(str(path), layout)
        out.write_image(pixels)
        out.close()

    return {
        "StudioFlow, all metadata": lambda path, pixels: write_tiff(path, sheet(pixels), spec),
        "tifffile, bare": lambda path, pixels: tifffile.imwrite(path, integers(pixels), photometric="rgb", **packed),
        "imageio": lambda path, pixels: imageio.imwrite(
            path, integers(pixels), plugin="tifffile", photometric="rgb", **packed
        ),
        "OpenImageIO": by_openimageio,
    }


def compare(folder: Path, compression: str) -> None:
    pixels = picture(HEIGHT, WIDTH)
    seconds: dict[str, list[float]] = {}
    sizes = {}
    for number in range(RUNS + 1):
        for name, write in writers(compression).items():
            path = folder / f"{number}.tif"
            start = time.perf_counter()
            write(path, pixels)
            took = time.perf_counter() - start
            sizes[name] = path.stat().st_size
            path.unlink()
            # The first round loads libraries.
            if number:
                seconds.setdefault(name, []).append(took)
    ours, *others = seconds
    for name, values in seconds.items():
        report(f"{compression}, {name}, {sizes[name] / 1e6:.1f} MB", values, "s")
    for name in others:
        ratios = [mine / theirs for mine, theirs in zip(seconds[ours], seconds[name], strict=True)]
        report(f"{compression}, ours / {name}", ratios, "times", TARGET if name == "tifffile, bare" else None)


def memory(path: Path) -> None:
    """In a process of its own; the picture itself counts."""
    command = [sys.executable, str(Path(__file__).resolve()), "--memory", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    source = LARGE * LARGE * 3 * 4 / 2**20
    report(f"{LARGE} × {LARGE}, zip: most memory / the picture's", [float(done.stdout) / source], "times", target=2.0)
    path.unlink()


def measure_memory(path: Path) -> None:
    pixels = np.empty((LARGE, LARGE, 3), np.float32)
    small = picture(512, LARGE)
    for start in range(0, LARGE, 512):
        pixels[start : start + 512] = small
    writers("zip")["StudioFlow, all metadata"](path, pixels)
    print(peak_bytes() / 2**20)


def beyond_four_gigabytes(path: Path) -> None:
    """30000 × 24000: 4.3 GB of pixels from one row, read back by OpenImageIO at both ends."""
    import OpenImageIO as oiio

    row = np.random.default_rng(2).random((1, 30_000, 3), dtype=np.float32)
    pixels = np.broadcast_to(row, (24_000, 30_000, 3))
    start = time.perf_counter()
    writers("none")["StudioFlow, all metadata"](path, pixels)
    report(f"BigTIFF of {path.stat().st_size / 1e9:.2f} GB", [time.perf_counter() - start], "s")
    with path.open("rb") as stream:
        is_big = stream.read(4) == b"II+\0"
    file = oiio.ImageInput.open(str(path))
    expected = np.rint(row[0] * np.float32(65535)).astype(np.uint16)
    same = all(
        np.array_equal(file.read_scanlines(line, line + 1, 0, 0, 3, "uint16").reshape(-1, 3), expected)
        for line in (0, 12_345, 23_999)
    )
    print(f"  BigTIFF: {is_big}; OpenImageIO reads its first, middle and last row right: {same}")
    file.close()
    path.unlink()


if __name__ == "__main__":
    main()
