"""Cleanup against drawings whose lines are known: the shipped sketches, the same with other hands, and bad input."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.sketch.agreement import agreement
from studioflow.sketch.clean import Cleaned, Cleanup, clean_sketch
from studioflow.sketch.pictures import Picture, checked

ROOT = Path(__file__).parent.parent.parent
SKETCHES = ROOT / "samples" / "sketches"
INDEX = json.loads((SKETCHES / "index.json").read_text(encoding="utf-8"))
sys.path.insert(0, str(ROOT / "docs"))

import sketches  # noqa: E402

WHITE, BLACK = 255, 0


def picture_of(pixels: np.ndarray) -> Picture:
    return checked(pixels).pictures[0]


def read(name: str) -> np.ndarray:
    pixels = cv2.imread(str(SKETCHES / name), cv2.IMREAD_UNCHANGED)
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if pixels.ndim == 3 else pixels


def score(truth: np.ndarray, found: Cleaned) -> float:
    """F-score of the lines at 2 pixels of the truth, which is black on white."""
    return agreement(1.0 - truth.astype(np.float32) / 255, found.lines, 2.0).f_score


def recall(truth: np.ndarray, found: Cleaned) -> float:
    return agreement(1.0 - truth.astype(np.float32) / 255, found.lines, 2.0).recall


def said(found: Cleaned, words: str) -> bool:
    return any(words in note for note in found.notes)


def shipped(name: str) -> tuple[Picture, np.ndarray]:
    return picture_of(read(INDEX[name]["file"])), read(INDEX[name]["truth"])


@cache
def cleaned(name: str) -> Cleaned:
    """A shipped sketch with every step and auto."""
    return clean_sketch(shipped(name)[0])


def drawing(height: int = 300, width: int = 400, thick: int = 3) -> np.ndarray:
    """A house, black on white."""
    pixels = np.full((height, width, 3), WHITE, np.uint8)
    at = (np.array([[60, 240], [60, 120], [140, 50], [220, 120], [220, 240]]) * [width / 400, height / 300]).astype(int)
    cv2.polylines(pixels, [at], True, (20, 20, 20), thick, cv2.LINE_AA)
    cv2.circle(pixels, (width * 3 // 4, height // 2), min(height, width) // 8, (20, 20, 20), thick, cv2.LINE_AA)
    return pixels


# The measure: line F-score at 2 px of the truth, at least 0.9 with auto.


@pytest.mark.parametrize("name", INDEX)
def test_the_shipped_sketches_become_their_true_lines(name: str) -> None:
    found = cleaned(name)
    assert score(shipped(name)[1], found) >= 0.9, found.notes
    assert found.image.shape == (*found.lines.shape, 3) and found.image.dtype == found.lines.dtype == np.float32
    np.testing.assert_allclose(found.image[..., 1], 1.0 - found.lines)


@pytest.mark.parametrize(
    "name", ["phone_photo", "squared_paper", "whiteboard_glare", "smudged", "uneven_light", "napkin"]
)
def test_another_hand_and_paper_do_too(name: str) -> None:
    made = sketches.sketch(name, 11)
    found = clean_sketch(picture_of(made.picture))
    assert score(made.truth, found) >= 0.9, found.notes


@pytest.mark.parametrize("name", [name for name in INDEX if INDEX[name]["corners"]])
def test_the_corners_of_the_page_are_found(name: str) -> None:
    found = cleaned(name)
    np.testing.assert_allclose(found.corners, INDEX[name]["corners"], atol=1.5)
    assert said(found, "page found, turned by")


@pytest.mark.parametrize("name", [name for name in INDEX if not INDEX[name]["corners"]])
def test_no_page_is_made_up(name: str) -> None:
    assert cleaned(name).corners is None


@pytest.mark.parametrize(
    "change",
    [
        lambda p: cv2.resize(p, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA),
        lambda p: cv2.resize(p, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_CUBIC),
        lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 35])[1], cv2.IMREAD_UNCHANGED),
        lambda p: np.clip(p + np.random.default_rng(3).normal(0, 10, p.shape), 0, 255).astype(np.uint8),
        lambda p: cv2.cvtColor(p, cv2.COLOR_RGB2GRAY),
        lambda p: cv2.warpAffine(p, cv2.getRotationMatrix2D((500, 600), 18, 0.8), (1000, 1200), borderMode=2),
        lambda p: p.astype(np.uint16) * 257,
    ],
    ids=["smaller", "larger", "jpeg", "noisy", "grey", "turned", "16 bit"],
)
def test_a_phone_photo_in_other_forms(change: Callable) -> None:
    _, truth = shipped("phone_photo")
    assert score(truth, clean_sketch(picture_of(change(read(INDEX["phone_photo"]["file"]))))) >= 0.9


@pytest.mark.parametrize("turn_deg", [3.0, 11.0])
def test_ruled_paper_that_lies_turned(turn_deg: float) -> None:
    pixels, truth = read(INDEX["ruled_paper"]["file"]), shipped("ruled_paper")[1]
    height, width = truth.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), turn_deg, 1.0)
    pixels = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
    truth = cv2.warpAffine(truth, turn, (width, height), borderValue=255)
    found = clean_sketch(picture_of(pixels))
    assert score(truth, found) >= 0.9 and said(found, "ruled paper suppressed, lines 38 px apart")


def test_blueprints_are_turned_round() -> None:
    _, truth = shipped("clean_ink")
    line = (1.0 - truth / 255.0)[..., None]
    found = clean_sketch(picture_of((np.array([30, 60, 140]) * (1 - line) + 230 * line).astype(np.uint8)))
    assert score(truth, found) >= 0.95 and said(found, "turned round")


def test_a_drawn_frame_is_no_page() -> None:
    pixels = drawing(600, 800)
    cv2.rectangle(pixels, (40, 40), (760, 560), (0, 0, 0), 4)
    found = clean_sketch(picture_of(pixels))
    assert found.corners is None and score(pixels[..., 0], found) > 0.97


def test_solid_fills_stay_filled() -> None:
    pixels = drawing(600, 800)
    cv2.circle(pixels, (650, 120), 60, (0, 0, 0), -1)
    lines = clean_sketch(picture_of(pixels)).lines
    assert lines[90:150, 620:680].min() > 0.9


# Each switch


@pytest.mark.parametrize("switch", ["page", "light", "paper", "gaps"])
def test_what_a_clean_drawing_does_not_need_changes_nothing(switch: str) -> None:
    picture, _ = shipped("clean_ink")
    np.testing.assert_array_equal(clean_sketch(picture, Cleanup(**{switch: False})).lines, cleaned("clean_ink").lines)


def test_without_page_the_picture_keeps_its_size() -> None:
    picture, _ = shipped("phone_photo")
    found = clean_sketch(picture, Cleanup(page=False))
    assert found.corners is None and found.lines.shape == picture.shape[:2]
    assert not said(found, "page") and said(found, "light evened") and said(found, "colour cast")


def test_without_light_a_shadow_stays() -> None:
    picture, truth = shipped("uneven_light")
    as_is = Cleanup(specks=False, strokes=False, gaps=False)
    lit, unlit = (clean_sketch(picture, as_is._replace(light=light)) for light in (True, False))
    blank = cv2.erode(truth, np.ones((15, 15), np.uint8)) > 250
    assert np.ptp(np.percentile(unlit.lines[blank], (5, 95))) > 4 * np.ptp(np.percentile(lit.lines[blank], (5, 95)))
    assert not said(unlit, "light evened") and said(unlit, "colour cast") and said(lit, "light evened")


def test_without_paper_its_tone_and_ruling_stay() -> None:
    picture, truth = shipped("ruled_paper")
    as_is = Cleanup(specks=False, strokes=False, gaps=False)
    with_, without = (clean_sketch(picture, as_is._replace(paper=paper)) for paper in (True, False))
    rows = [np.median(found.lines, axis=1) for found in (with_, without)]
    assert np.percentile(rows[1], 98) - np.median(rows[1]) > 5 * (np.percentile(rows[0], 98) - np.median(rows[0]))
    assert said(with_, "ruled paper") and not said(without, "ruled") and said(without, "light evened")
    assert np.median(without.lines) > np.median(with_.lines) + 0.03
    assert recall(truth, clean_sketch(picture, Cleanup(paper=False))) > 0.95


def test_without_specks_they_stay() -> None:
    picture, truth = shipped("smudged")
    with_, without = cleaned("smudged"), clean_sketch(picture, Cleanup(specks=False))
    pieces = [cv2.connectedComponents((found.lines > 0.5).astype(np.uint8))[0] for found in (with_, without)]
    assert pieces[1] > pieces[0] + 50
    assert said(with_, "specks removed: ") and not said(without, "speck")
    assert recall(truth, without) > 0.9


def test_strokes_are_evened_only_with_their_switch() -> None:
    pixels = np.full((300, 400, 3), WHITE, np.uint8)
    for row, thick, tone in ((60, 2, 120), (120, 4, 60), (180, 6, 0), (240, 4, 90)):
        cv2.line(pixels, (50, row), (350, row), (tone,) * 3, thick)
    even = clean_sketch(picture_of(pixels), Cleanup(line_px=3.0)).lines
    rough = clean_sketch(picture_of(pixels), Cleanup(strokes=False)).lines
    heights = [[lines[row - 20 : row + 20, 200].sum() for row in (60, 120, 180, 240)] for lines in (even, rough)]
    np.testing.assert_allclose(heights[0], 3.0, atol=0.35)
    assert np.ptp(heights[1]) > 2.0
    assert rough[120, 200] == pytest.approx(1 - 60 / 255, abs=0.02) and even.max() == 1.0


@pytest.mark.parametrize("strokes", [True, False])
def test_gaps_are_closed_only_with_their_switch(strokes: bool) -> None:
    pixels = np.full((200, 400, 3), WHITE, np.uint8)
    cv2.line(pixels, (40, 60), (180, 60), (0, 0, 0), 4)
    cv2.line(pixels, (190, 60), (360, 60), (0, 0, 0), 4)
    cv2.line(pixels, (40, 120), (180, 120), (0, 0, 0), 4)
    cv2.line(pixels, (260, 120), (360, 120), (0, 0, 0), 4)
    closed, open_ = (clean_sketch(picture_of(pixels), Cleanup(gaps=gaps, strokes=strokes)) for gaps in (True, False))
    assert closed.lines[60, 170:200].min() > 0.5 and open_.lines[60, 185] < 0.1
    assert said(closed, "gaps closed: 1") and not said(open_, "gap")
    assert closed.lines[120, 220] == 0.0
    away = np.abs(np.arange(400) - 185) > 15
    np.testing.assert_array_equal(closed.lines[:, away], open_.lines[:, away])


def test_parallel_strokes_are_not_joined() -> None:
    pixels = np.full((200, 400, 3), WHITE, np.uint8)
    for column in range(60, 340, 9):
        cv2.line(pixels, (column, 50), (column - 10, 150), (0, 0, 0), 2, cv2.LINE_AA)
    found = clean_sketch(picture_of(pixels))
    assert cv2.connectedComponents((found.lines > 0.5).astype(np.uint8))[0] == len(range(60, 340, 9)) + 1


def test_all_off_gives_the_picture_back() -> None:
    picture, _ = shipped("clean_ink")
    off = Cleanup(page=False, light=False, paper=False, specks=False, strokes=False, gaps=False)
    np.testing.assert_allclose(clean_sketch(picture, off).image[..., 0], picture.min(axis=2), atol=1 / 255)


def test_without_auto_every_step_is_taken() -> None:
    picture, truth = shipped("clean_ink")
    found = clean_sketch(picture, Cleanup(auto=False))
    assert said(found, "light evened") and not said(found, "left as it is") and score(truth, found) > 0.95


# Ratio


@pytest.mark.parametrize("fit", ["pad", "crop"])
@pytest.mark.parametrize("ratio", ["16:9", "1:1", "2:3", "1:4", "21:9"])
def test_another_ratio_keeps_the_drawing_whole(fit: str, ratio: str) -> None:
    picture = picture_of(drawing())
    before, after = clean_sketch(picture).lines, clean_sketch(picture, Cleanup(ratio=ratio, fit=fit)).lines
    width, height = (int(part) for part in ratio.split(":"))
    assert after.shape[1] / after.shape[0] == pytest.approx(width / height, rel=0.01)
    boxes = [lines[np.ix_(lines.any(axis=1), lines.any(axis=0))] for lines in (before, after)]
    np.testing.assert_array_equal(*boxes)
    if fit == "crop":
        padded = clean_sketch(picture, Cleanup(ratio=ratio, fit="pad")).lines
        assert after.size < padded.size


@pytest.mark.parametrize("ratio", ["", "16", "16:0", "a:b", "-1:2", "1:100", "nan:1", "1:2:3"])
def test_a_ratio_that_is_none(ratio: str) -> None:
    with pytest.raises(StudioFlowError, match="no ratio of a picture") as raised:
        clean_sketch(picture_of(drawing()), Cleanup(ratio=ratio))
    assert "16:9" in str(raised.value)


def test_a_fit_that_is_none() -> None:
    with pytest.raises(StudioFlowError, match="no such choice"):
        clean_sketch(picture_of(drawing()), Cleanup(fit="stretch"))


# Bad input


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.full((200, 300, 3), WHITE, np.uint8), "no drawing"),
        (np.full((200, 300, 3), BLACK, np.uint8), "all black"),
        (np.full((200, 300, 3), 128, np.uint8), "no drawing"),
        (np.zeros((200, 300, 4), np.uint8), "no drawing"),
        (np.zeros((1, 1, 3), np.uint8), "too small"),
        (np.zeros((20000, 3, 3), np.uint8), "too small"),
        (np.tile(np.linspace(90, 250, 300).astype(np.uint8), (200, 1)), "no drawing"),
        (np.random.default_rng(0).normal(225, 6, (400, 500)).astype(np.uint8), "no drawing"),
    ],
    ids=["blank", "black", "grey", "transparent", "1 by 1", "thread", "shaded", "grain"],
)
def test_where_nothing_is_drawn(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(StudioFlowError, match=message):
        clean_sketch(picture_of(pixels))


def test_a_long_strip_is_worked_on() -> None:
    pixels = np.tile(drawing(300, 400, 4), (1, 50, 1))
    found = clean_sketch(picture_of(pixels))
    assert found.lines.shape == (61, 4096) and said(found, "worked on at 4096 × 61, the picture has 20000 × 300")
    assert found.lines.max() > 0.5


def test_a_photograph_works_and_says_so() -> None:
    # Natural pictures have amplitudes of 1 / frequency: Field, JOSA A 4 (1987).
    rng = np.random.default_rng(2)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(500), np.fft.fftfreq(400)))
    frequency[0, 0] = np.inf
    layers = [np.fft.ifft2(np.fft.fft2(rng.normal(size=(400, 500))) / frequency).real for _ in range(3)]
    pixels = np.stack([np.clip(0.5 + 0.2 * (layers[0] + 0.3 * layer) / layers[0].std(), 0, 1) for layer in layers], 2)
    found = clean_sketch(picture_of(pixels.astype(np.float32)))
    assert said(found, "this looks like a photograph")
    assert found.lines.shape == (400, 500)


@pytest.mark.parametrize("name", INDEX)
def test_no_sketch_is_called_a_photograph(name: str) -> None:
    assert not said(cleaned(name), "photograph")


def test_a_hundred_megapixels_stay_bounded() -> None:
    # A view of one small picture, so that what is measured is cleanup's own memory.
    row = drawing(1, 12000)[0].astype(np.float32) / 255
    row[3000:3060] = row[9000:9060] = 0.0
    picture = np.broadcast_to(row, (9000, 12000, 3))
    tracemalloc.start()
    found = clean_sketch(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(found.lines.shape) == 4096 and said(found, "worked on at 4096 × 3072, the picture has 12000 × 9000")
    assert peak < 2.5e9


def test_the_same_bits_twice() -> None:
    picture, _ = shipped("squared_paper")
    before = picture.copy()
    first, second = cleaned("squared_paper"), clean_sketch(picture)
    assert first.lines.tobytes() == second.lines.tobytes() and first.notes == second.notes
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize("width", [-3.0, float("nan"), 1e6])
def test_a_width_of_lines_that_cannot_be_is_refused(width: float) -> None:
    with pytest.raises(StudioFlowError, match="line_px: out of range"):
        clean_sketch(np.ones((64, 64, 3), np.float32), Cleanup(line_px=width))
