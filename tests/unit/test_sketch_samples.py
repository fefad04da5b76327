"""The sample sketches are what their program draws, and each truth lies where the lines of its sketch are."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "samples" / "sketches"
INDEX: dict[str, dict[str, Any]] = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_sketches", ROOT / "docs" / "sketches.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


def read(name: str) -> np.ndarray:
    return cv2.imread(str(FOLDER / name), cv2.IMREAD_UNCHANGED)


def grey_page(name: str) -> np.ndarray:
    """The page of a sample, seen straight at the size of its truth: float [H, W] 0..255, transparency as white."""
    row = INDEX[name]
    picture, size = read(row["file"]).astype(np.float32), read(row["truth"]).shape[::-1]
    if picture.shape[2:] == (4,):
        alpha = picture[..., 3:] / 255
        picture = picture[..., :3] * alpha + 255 * (1 - alpha)
    grey = picture if picture.ndim == 2 else picture.mean(axis=2)
    if row["corners"] is None:
        return grey
    flat = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(np.array(row["corners"], np.float32), flat)
    return cv2.warpPerspective(grey, matrix, size, flags=cv2.INTER_CUBIC)


def contrast(page: np.ndarray, truth: np.ndarray, shift: tuple[int, int] = (0, 0)) -> float:
    """How much darker the page is on the truth's lines, moved by ``shift``, than around them: mean of all pixels."""
    lines = np.roll(truth, shift, (0, 1)) < 128
    return float((cv2.blur(page, (31, 31)) - page)[lines].mean())


def test_the_index_names_every_file() -> None:
    named = {row[key] for row in INDEX.values() for key in ("file", "truth")} | {"index.json"}
    assert {path.name for path in FOLDER.iterdir()} == named
    assert len(INDEX) >= 12
    assert len({row["subject"] for row in INDEX.values()}) >= 7


def test_the_samples_are_small() -> None:
    sizes = [path.stat().st_size for path in FOLDER.iterdir()]
    assert max(sizes) <= 250_000 and sum(sizes) < 3_000_000
    assert all(max(read(row["file"]).shape) <= 1200 for row in INDEX.values())


@pytest.mark.parametrize("name", INDEX)
def test_the_files_are_what_the_program_draws(program: ModuleType, name: str) -> None:
    made, row = program.sketch(name), INDEX[name]
    for pixels, file in ((made.picture, row["file"]), (made.truth, row["truth"])):
        there = read(file)
        drawn = cv2.imdecode(np.frombuffer(program.encoded(pixels, file[-3:]), np.uint8), cv2.IMREAD_UNCHANGED)
        assert there.shape == drawn.shape
        # Other builds of OpenCV round differently; `docs/sketches.py --check` compares every pixel.
        assert cv2.absdiff(there, drawn).mean() < 0.3, f"{file} has drifted: run docs/sketches.py and look at it"
    assert (made.corners is None) == (row["corners"] is None)


@pytest.mark.parametrize("name", INDEX)
def test_the_truth_lies_on_the_lines(name: str) -> None:
    page, truth = grey_page(name), read(INDEX[name]["truth"])
    assert truth.dtype == np.uint8 and truth.ndim == 2
    assert 0.005 < (truth < 128).mean() < 0.1
    page = 255 - page if name == "inverted" else page
    here = contrast(page, truth)
    assert here > 12
    # Moved by 3 px the truth lies beside the lines.
    assert all(contrast(page, truth, shift) < 0.9 * here for shift in ((3, 0), (-3, 0), (0, 3), (0, -3)))


@pytest.mark.parametrize("name", [name for name, row in INDEX.items() if row["corners"]])
def test_corners_are_those_of_a_page(name: str) -> None:
    corners = np.array(INDEX[name]["corners"])
    height, width = read(INDEX[name]["file"]).shape[:2]
    assert (corners > 0).all() and (corners < (width, height)).all()
    sides = np.roll(corners, -1, axis=0) - corners
    turns = sides[:, 0] * np.roll(sides, -1, axis=0)[:, 1] - sides[:, 1] * np.roll(sides, -1, axis=0)[:, 0]
    assert (turns > 0).all()
    assert corners.sum(axis=1).argmin() == 0


def test_another_seed_is_another_hand(program: ModuleType) -> None:
    first, again, other = (program.sketch("low_contrast_pencil", seed) for seed in (5, 5, 6))
    assert (first.picture == again.picture).all() and (first.truth == again.truth).all()
    assert first.picture.shape == other.picture.shape
    both = (first.truth < 128) & (other.truth < 128)
    assert both.sum() < 0.5 * (first.truth < 128).sum()


def test_the_sketches_have_what_is_wrong_with_them() -> None:
    assert grey_page("inverted").mean() < 60
    tablet = read("tablet_line_art.png")
    assert tablet.shape[2] == 4 and np.ptp(tablet[..., :3]) == 0 and np.ptp(tablet[..., 3]) == 255
    board = read("whiteboard_glare.jpg")
    assert 0.01 < (board.min(axis=2) >= 254).mean() < 0.1
    old = read("yellowed_paper.jpg").mean(axis=(0, 1))
    assert old[2] - old[0] > 40
    ink, pencil = (
        contrast(grey_page(name), read(INDEX[name]["truth"])) for name in ("clean_ink", "low_contrast_pencil")
    )
    assert pencil < 0.3 * ink
    light = cv2.blur(grey_page("uneven_light"), (101, 101))
    assert light.max() > 2.5 * light.min()


@pytest.mark.parametrize(("name", "every_px", "axes"), [("squared_paper", 24.3, (0, 1)), ("ruled_paper", 37.6, (1,))])
def test_printed_lines_repeat_as_stated(name: str, every_px: float, axes: tuple[int, ...]) -> None:
    page = grey_page(name)
    for axis in axes:
        profile = np.median(page, axis=axis)
        spectrum = np.abs(np.fft.rfft((profile - cv2.blur(profile[:, None], (1, 81))[:, 0]) * np.hanning(profile.size)))
        harmonic = len(profile) / every_px
        strongest = spectrum[int(0.6 * harmonic) : int(1.6 * harmonic)].argmax() + int(0.6 * harmonic)
        assert strongest == pytest.approx(harmonic, abs=1)
