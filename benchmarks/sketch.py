"""Classic control maps of 2048² against the bare OpenCV calls they are made of and against controlnet-aux, in turns.

Tensor in and out, float32 RGB, as nodes hand pictures on. Beside it the cleanup of a photo of 12 megapixels, and that
what ComfyUI loads when it starts brings neither OpenCV nor controlnet-aux along.

    python dev.py bench
    python benchmarks/sketch.py
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
from _common import ROOT, report

SIDE = 2048
BARE_RATIO, CLEANUP_S = 1.2, 2.0
PHOTO = ROOT / "samples" / "sketches" / "phone_photo.jpg"
DETAIL = 0.5
NEIGHBOURS = (("canny", "canny", "CannyDetector"), ("line_art", "lineart_standard", "LineartStandardDetector"))
Work = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7, help="of each, in turns (%(default)s)")
    options = parser.parse_args()

    starts_light()
    import cv2
    import torch

    print(f"{SIDE}², {os.cpu_count()} cores, OpenCV {cv2.__version__}, torch {torch.__version__}")
    for kind, picture in (("drawing", drawing(SIDE)), ("photograph", photograph(SIDE))):
        methods(kind, torch.from_numpy(picture)[None], options.runs)
    cleanup(min(options.runs, 5))


def methods(kind: str, tensor: Any, runs: int) -> None:
    for method, bare in BARE.items():
        times = in_turns([partial(ours, tensor, method), partial(bare, tensor)], runs)
        report(f"{kind}, {method}: StudioFlow", times[0], "s")
        report(f"{kind}, {method}: bare OpenCV", times[1], "s")
        report(f"{kind}, {method}: against bare OpenCV", ratios(*times), "times", BARE_RATIO)
    for method, module, name in NEIGHBOURS:
        detector = getattr(neighbour(module), name)()
        times = in_turns([partial(ours, tensor, method), partial(theirs, detector, tensor)], runs)
        report(f"{kind}, {method}: controlnet-aux", times[1], "s")
        report(f"{kind}, {method}: against controlnet-aux", ratios(*times), "times", 1.0)
    for method in ("scribble", "thin", "depth_from_shading"):
        report(f"{kind}, {method}", in_turns([partial(ours, tensor, method)], min(runs, 3))[0], "s")


def starts_light() -> None:
    code = (
        "import sys, time; began = time.perf_counter(); import studioflow.sketch.menus; took = time.perf_counter() - "
        "began; heavy = {'cv2', 'controlnet_aux', 'torch', 'numpy'} & set(sys.modules); print(took, *heavy)"
    )
    seconds = []
    for _ in range(5):
        took, *heavy = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
        ).stdout.split()
        if heavy:
            sys.exit(f"studioflow.sketch.menus imports {', '.join(heavy)}")
        seconds.append(float(took))
    report("import of studioflow.sketch.menus (without OpenCV, controlnet-aux, torch, NumPy)", seconds, "s")


def drawing(side: int) -> np.ndarray:
    """Thin round lines on paper with falling light and grain."""
    import cv2

    rng = np.random.default_rng(1)
    page = np.full((side, side), 235, np.uint8)
    for _ in range(60):
        centre, axes = rng.integers(0, side, 2), rng.integers(side // 40, side // 4, 2)
        turn, start = rng.integers(0, 360, 2)
        where = (tuple(map(int, centre)), tuple(map(int, axes)), float(turn), float(start), float(start + 250))
        cv2.ellipse(page, *where, 50, 4, cv2.LINE_AA)
    light = np.linspace(1, 0.75, side, dtype=np.float32)[None, :, None]
    grain = rng.normal(0, 2, (side, side, 1)).astype(np.float32)
    return np.clip((page[..., None] * light + grain) / 255, 0, 1).astype(np.float32).repeat(3, axis=2)


def photograph(side: int) -> np.ndarray:
    """Colours with detail of all sizes, each octave half as strong."""
    import cv2

    rng = np.random.default_rng(2)
    whole = np.zeros((side, side, 3), np.float32)
    for octave in range(2, 10):
        small = rng.normal(0, 1, (2**octave, 2**octave, 3)).astype(np.float32)
        whole += cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC) / 2**octave
    whole -= whole.min()
    return whole / whole.max()


def ours(tensor: Any, method: str) -> Any:
    import torch

    from studioflow.sketch.control_map import Settings, control_maps

    maps = control_maps(tensor, Settings(method, DETAIL))
    return torch.from_numpy(maps.images), torch.from_numpy(maps.masks)


def out(lines: np.ndarray) -> Any:
    """Image and mask tensors of a grey map, as cheaply as OpenCV and torch make them."""
    import cv2
    import torch

    gray = lines if lines.dtype == np.float32 else lines * np.float32(1 / 255)
    return torch.from_numpy(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB))[None], torch.from_numpy(gray)[None]


def gray_of(tensor: Any) -> np.ndarray:
    import cv2

    return cv2.cvtColor(tensor[0].numpy(), cv2.COLOR_RGB2GRAY)


def bare_canny(tensor: Any) -> Any:
    import cv2

    soft = cv2.GaussianBlur(eight_bit(gray_of(tensor)), (0, 0), SIDE / 1024)
    along = cv2.spatialGradient(soft)
    counts_of(cv2.add(*(cv2.convertScaleAbs(one, alpha=1 / 8) for one in along)))
    return out(cv2.Canny(*along, *thresholds(tensor)))


def eight_bit(gray: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.convertScaleAbs(gray, alpha=255)


def counts_of(levels: np.ndarray) -> np.ndarray:
    """The histogram that thresholds come from; what is made of its 256 numbers takes no time."""
    import cv2

    return cv2.calcHist([levels], [0], None, [256], [0, 256])


def thresholds(tensor: Any) -> tuple[float, float]:
    """Those that we find, so that both follow the same edges; found once."""
    from studioflow.sketch.lines import canny_edges

    if id(tensor) not in _THRESHOLDS:
        _THRESHOLDS[id(tensor)] = tuple(canny_edges(tensor[0].numpy(), DETAIL, 0.0, 0.0)[1])
    return _THRESHOLDS[id(tensor)]


_THRESHOLDS: dict[int, tuple[float, float]] = {}


def bare_line_art(tensor: Any) -> Any:
    import cv2

    gray = gray_of(tensor)
    counts_of(eight_bit(gray))
    narrow = cv2.GaussianBlur(gray, (0, 0), SIDE / 1024)
    wide = cv2.GaussianBlur(narrow, (0, 0), SIDE / 1024 * math.sqrt(1.6**2 - 1))
    return out(np.tanh(np.maximum(cv2.addWeighted(wide, 80, narrow, -80, -0.5), 0)))


def bare_soft_edge(tensor: Any) -> Any:
    import cv2

    soft = cv2.GaussianBlur(gray_of(tensor), (0, 0), 1.5 * SIDE / 1024)
    edges = cv2.magnitude(cv2.Scharr(soft, cv2.CV_32F, 1, 0), cv2.Scharr(soft, cv2.CV_32F, 0, 1))
    counts_of(eight_bit(edges))
    return out(cv2.pow(np.minimum(edges * np.float32(1 / edges.max()), 1), 1.0))


def bare_threshold(tensor: Any) -> Any:
    import cv2

    tones = eight_bit(gray_of(tensor))
    counts_of(tones)
    small = cv2.resize(tones, (256, 256), interpolation=cv2.INTER_AREA)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((33, 33), np.uint8))
    ink = cv2.divide(tones, cv2.resize(cv2.GaussianBlur(small, (0, 0), 8), (SIDE, SIDE)), scale=255)
    counts_of(ink)
    return out(cv2.threshold(ink, 200, 255, cv2.THRESH_BINARY_INV)[1])


BARE = {
    "canny": bare_canny,
    "line_art": bare_line_art,
    "soft_edge": bare_soft_edge,
    "threshold": bare_threshold,
}


def neighbour(name: str) -> ModuleType:
    """One module of controlnet-aux without the rest, which costs seconds and may fail (see mediapipe)."""
    package = "controlnet_aux"
    if package not in sys.modules:
        whole = ModuleType(package)
        whole.__path__ = list(importlib.util.find_spec(package).submodule_search_locations)
        sys.modules[package] = whole
    return importlib.import_module(f"{package}.{name}")


def theirs(detector: Any, tensor: Any) -> Any:
    """Their detector on 8-bit RGB at full size, with conversions as cheap as torch makes them."""
    import torch

    pixels = tensor[0].mul(255).round_().to(torch.uint8).numpy()
    extra = {"image_resolution": SIDE} if "Canny" in type(detector).__name__ else {}
    edges = detector(pixels, detect_resolution=SIDE, output_type="np", **extra)
    image = torch.from_numpy(edges).float().div_(255)[None]
    return image, image[..., 0].contiguous()


def in_turns(works: list[Work], runs: int) -> list[list[float]]:
    """Seconds of each, one after the other and again, after one round that is not counted."""
    times: list[list[float]] = [[] for _ in works]
    for run in range(runs + 1):
        for work, taken in zip(works, times, strict=True):
            started = time.perf_counter()
            work()
            if run:
                taken.append(time.perf_counter() - started)
    return times


def ratios(one: list[float], other: list[float]) -> list[float]:
    return [a / b for a, b in zip(one, other, strict=True)]


def cleanup(runs: int) -> None:
    """Twelve megapixels: a sample's page on a desk, and a dense drawing that fills the picture."""
    import cv2
    from PIL import Image

    from studioflow.sketch.clean import clean_sketch

    photo = np.asarray(Image.open(PHOTO).convert("RGB"), dtype=np.float32) / 255.0
    for name, picture in (("a page on a desk", photo), ("a dense drawing", drawing(3000))):
        height, width = picture.shape[:2]
        size = (4000, 3000) if width >= height else (3000, 4000)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
        (seconds,) = in_turns([partial(clean_sketch, picture)], runs)
        report(f"cleanup of {name}, {size[0]} × {size[1]}", seconds, "s", CLEANUP_S)


if __name__ == "__main__":
    main()
