"""Writing EXR: ours with all its metadata against the bare OpenEXR call, OpenImageIO and imageio, and what it takes of
memory.

A picture of 3840 x 2160 like a photograph (gradients with grain), as half floats. All of them start from float32
pixels, [H, W, C] as ComfyUI has them, and may use all cores. Target: at most 1.1 times the bare call with the same
compression; for memory, a picture within twice its own size.

    python dev.py bench
    python benchmarks/exr.py
    python benchmarks/exr.py --full     # also 16384 x 16384, which takes 7 GB
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from _common import peak_bytes, report

from studioflow.imaging.exr import write_exr
from studioflow.imaging.facts import facts_of
from studioflow.imaging.menus import MAIN
from studioflow.imaging.sheet import FileSpec, Layer, Sheet
from studioflow.manifest import MANIFEST_KEY, dumps, load
from studioflow.resources import shipped

HEIGHT, WIDTH, ROUNDS = 2160, 3840, 5
TARGET_TIMES, TARGET_MEMORY = 1.1, 2.0
SPACE = "ACEScg"


def photo(height: int, width: int, channels: int) -> Any:
    """Gradients with grain, made a few rows at a time so that making it takes no memory of its own."""
    import numpy as np

    made = np.empty((height, width, channels), np.float32)
    grain = np.random.default_rng(1).standard_normal((64, width + 64, channels), np.float32) * 0.01
    x = np.linspace(0.0, 5.0, width, dtype=np.float32)[None, :, None]
    phase = np.arange(channels, dtype=np.float32)
    for start in range(0, height, 64):
        y = np.linspace(start / height, (start + 64) / height, 64, dtype=np.float32)[:, None, None]
        rows = made[start : start + 64]
        rows[...] = (0.5 + 0.4 * np.sin(x + phase) * np.cos(4.0 * y - phase))[: len(rows)]
        shift = start // 64 % 64
        rows += grain[: len(rows), shift : shift + width]
    if channels == 4:
        made[..., 3] = np.clip(made[..., 3] * 2.0, 0.0, 1.0)
    return made


def sheet_of(pixels: Any) -> Sheet:
    """A delivery's frame with a manifest, a workflow of 60 kB, camera, lights and rights; the transform is a copy."""
    manifest = load(shipped("samples") / "product_hero.json")
    texts = {MANIFEST_KEY: dumps(manifest), "workflow": json.dumps({"nodes": ["x" * 60] * 1000}), "prompt": "{}"}
    facts = facts_of(manifest, datetime(2026, 1, 1, tzinfo=UTC))
    layers = (Layer(MAIN, pixels, SPACE),)
    return Sheet(layers, SPACE, lambda band, _space: band.copy(), texts, facts, "a picture for measuring")


def spec_of(compression: str, bit_depth: int = 16) -> FileSpec:
    return FileSpec("exr", SPACE, bit_depth=bit_depth, compression=compression)


def bare(path: Path, pixels: Any, compression: str) -> None:
    """What the binding's own documentation shows, with threads."""
    import numpy as np
    import OpenEXR

    kind = getattr(OpenEXR, f"{'NO' if compression == 'none' else compression.upper()}_COMPRESSION")
    header = {"type": OpenEXR.scanlineimage, "compression": kind}
    name = "RGBA" if pixels.shape[2] == 4 else "RGB"
    OpenEXR.File(header, {name: pixels.astype(np.float16)}).write(str(path))


def bare_by_torch(path: Path, pixels: Any, compression: str) -> None:
    """The same with the halves made by torch, on all cores."""
    import OpenEXR
    import torch

    kind = getattr(OpenEXR, f"{'NO' if compression == 'none' else compression.upper()}_COMPRESSION")
    header = {"type": OpenEXR.scanlineimage, "compression": kind}
    name = "RGBA" if pixels.shape[2] == 4 else "RGB"
    OpenEXR.File(header, {name: torch.from_numpy(pixels).half().numpy()}).write(str(path))


def by_openimageio(path: Path, pixels: Any, compression: str) -> None:
    import OpenImageIO

    height, width, channels = pixels.shape
    about = OpenImageIO.ImageSpec(width, height, channels, "half")
    about["compression"] = compression
    target = OpenImageIO.ImageOutput.create(str(path))
    target.open(str(path), about)
    target.write_image(pixels)
    target.close()


def by_imageio(path: Path, pixels: Any, compression: str) -> None:
    """Its plugin of PyAV is the one that needs no OpenCV and no download; it writes 32 bits, RGB, uncompressed."""
    import imageio.v3
    import numpy as np

    if compression != "none" or pixels.shape[2] != 3:
        raise ValueError("writes uncompressed RGB only")
    form = {"in_pixel_format": "gbrpf32le", "out_pixel_format": "gbrpf32le"}
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)[[1, 2, 0]])
    imageio.v3.imwrite(path, planes, plugin="pyav", codec="exr", is_batch=False, **form)


OTHERS: dict[str, Callable[[Path, Any, str], None]] = {
    "the bare OpenEXR call": bare,
    "the same, halves by torch": bare_by_torch,
    "OpenImageIO": by_openimageio,
    "imageio (32 bits)": by_imageio,
}


class Taken(NamedTuple):
    seconds: float
    cpu_seconds: float
    """Of all threads; what is left to compare by where others use the machine."""


def taken(work: Callable[[], object]) -> Taken:
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return Taken(time.perf_counter() - start, time.process_time() - cpu)


def compare(folder: Path, channels: int, compression: str) -> None:
    """All writers in turn, several rounds; ratios are of runs of the same round."""
    pixels = photo(HEIGHT, WIDTH, channels)
    sheet, path = sheet_of(pixels), folder / "picture.exr"
    times: dict[str, list[Taken]] = {"ours": []}
    missing = {}
    for _ in range(ROUNDS):
        times["ours"].append(taken(lambda: write_exr(path, sheet, spec_of(compression))))
        size = path.stat().st_size
        for name, write in OTHERS.items():
            if name in missing:
                continue
            try:
                run = taken(lambda write=write: write(path, pixels, compression))
            except (ImportError, OSError, ValueError) as error:
                missing[name] = str(error).splitlines()[0]
            else:
                times.setdefault(name, []).append(run)
    print(f"{'RGBA' if channels == 4 else 'RGB'} half {compression}, {WIDTH} x {HEIGHT}, {size / 1e6:.1f} MB")
    for name, runs in times.items():
        medians = [statistics.median(values) for values in zip(*runs, strict=True)]
        print(f"  {name}: median {medians[0]:.3f} s, {medians[1]:.3f} s of the cores")
        if name != "ours":
            pairs = list(zip(times["ours"], runs, strict=True))
            target = TARGET_TIMES if name == "the bare OpenEXR call" else None
            report(f"    ours / {name}", [one.seconds / other.seconds for one, other in pairs], "x", target)
            report("    the same in time of the cores", [a.cpu_seconds / b.cpu_seconds for a, b in pairs], "x")
    for name, why in missing.items():
        print(f"  {name}: cannot ({why})")


def memory(side: int, bit_depth: int) -> None:
    """Peak memory of a process that holds one square RGB picture and writes it, over the picture's own size."""
    command = [sys.executable, __file__, "--memory", str(side), str(bit_depth)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report(
        f"memory for RGB of {side} x {side} to {bit_depth} bits", [float(done.stdout)], "x its own size", TARGET_MEMORY
    )


def measure_memory(side: int, bit_depth: int) -> None:
    """In a process of its own; prints the ratio. What the process took before there was a picture does not count."""
    import OpenEXR

    assert OpenEXR
    before = peak_bytes()
    pixels = photo(side, side, 3)
    with tempfile.TemporaryDirectory() as folder:
        write_exr(Path(folder) / "picture.exr", sheet_of(pixels), spec_of("zip", bit_depth))
    print((peak_bytes() - before) / pixels.nbytes)


def main() -> None:
    if "--memory" in sys.argv:
        measure_memory(*(int(value) for value in sys.argv[2:4]))
        return
    # As ComfyUI, which has torch loaded; our writer uses it where it is.
    import torch  # noqa: F401

    print(f"{os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        for channels in (3, 4):
            for compression in ("zip", "piz", "dwaa", "none"):
                compare(Path(folder), channels, compression)
    for side in (8192, 16384) if "--full" in sys.argv else (8192,):
        for bit_depth in (16, 32):
            memory(side, bit_depth)


if __name__ == "__main__":
    main()
