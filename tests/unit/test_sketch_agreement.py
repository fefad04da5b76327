"""Agreement of lines, and thinning, against shapes whose answer is known and against SciPy's labelling."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from studioflow.errors import StudioFlowError
from studioflow.sketch.agreement import agreement, edges_of
from studioflow.sketch.thinning import thinned

EIGHT = np.ones((3, 3))


def strokes(seed: int, size: tuple[int, int] = (180, 240), width: int = 5) -> np.ndarray:
    """A line map of random lines, rings and blots."""
    rng = np.random.default_rng(seed)
    picture = np.zeros(size, np.uint8)
    for _ in range(6):
        a, b = (rng.integers(8, [size[1] - 8, size[0] - 8]).tolist() for _ in range(2))
        cv2.line(picture, a, b, 255, int(rng.integers(1, width + 1)))
        cv2.circle(picture, a, int(rng.integers(3, 40)), 255, int(rng.integers(1, width + 1)))
        cv2.circle(picture, b, int(rng.integers(0, 9)), 255, -1)
    return picture.astype(np.float32) / 255


def level_lines(rows: list[int], size: tuple[int, int] = (120, 200)) -> np.ndarray:
    lines = np.zeros(size, np.float32)
    lines[rows, 10:190] = 1
    return lines


def parts_and_holes(lines: np.ndarray) -> tuple[int, int]:
    # A border of background, so that what lies at the edge of the picture belongs to one outside.
    padded = np.pad(lines, 1)
    return ndimage.label(padded, EIGHT)[1], ndimage.label(~padded)[1]


def could_go(lines: np.ndarray) -> int:
    """How many pixels that are no ends could go without a change of parts or holes, each tried in the whole picture."""
    before = parts_and_holes(lines)
    found = 0
    for row, column in np.argwhere(lines):
        around = np.pad(lines, 1)[row : row + 3, column : column + 3].sum() - 1
        lines[row, column] = False
        found += around > 1 and parts_and_holes(lines) == before
        lines[row, column] = True
    return found


@pytest.mark.parametrize("seed", range(12))
def test_thinning_keeps_parts_and_holes(seed: int) -> None:
    lines = strokes(seed) > 0.5
    thin = thinned(lines)
    assert parts_and_holes(thin) == parts_and_holes(lines)
    assert not (thin & ~lines).any()


@pytest.mark.parametrize("density", [0.1, 0.3, 0.5, 0.7, 0.95])
def test_thinning_keeps_parts_and_holes_of_noise(density: float) -> None:
    lines = np.random.default_rng(7).random((90, 110)) < density
    assert parts_and_holes(thinned(lines)) == parts_and_holes(lines)


@pytest.mark.parametrize("seed", range(3))
def test_thinned_lines_are_one_pixel_wide(seed: int) -> None:
    thin = thinned(strokes(seed, (60, 70)))
    assert thin.any() and could_go(thin) == 0


def test_the_small_squares_that_zhang_and_suen_lose_stay() -> None:
    for side in (1, 2, 3, 4):
        lines = np.zeros((10, 10), bool)
        lines[3 : 3 + side, 3 : 3 + side] = True
        assert 1 <= thinned(lines).sum() <= side


@pytest.mark.parametrize("angle", [0, 17, 45, 63, 90])
@pytest.mark.parametrize("width", [2, 3, 8])
def test_a_thinned_line_lies_in_its_middle_and_stays_long(angle: float, width: int) -> None:
    middle, along = np.array([100.0, 100.0]), np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    ends = [(middle + side * 80 * along) * 16 for side in (-1, 1)]
    picture = np.zeros((201, 201), np.uint8)
    cv2.line(picture, *(np.rint(end).astype(int).tolist() for end in ends), 255, width, cv2.LINE_8, 4)
    away = np.argwhere(thinned(picture > 0))[:, ::-1] - middle
    across = np.abs(away @ np.array([-along[1], along[0]]))
    assert np.ptp(away @ along) >= 160 - width - 2
    # A stroke's end may fork into its corners; all that lies before the ends is the middle.
    assert across[np.abs(away @ along) < 75 - width].max() <= 1.5


def test_thinning_of_nothing_and_of_everything() -> None:
    assert not thinned(np.zeros((5, 7))).any()
    assert parts_and_holes(thinned(np.ones((40, 50)))) == (1, 1)
    assert thinned(np.ones((1, 1))).tolist() == [[True]]


@pytest.mark.parametrize("seed", range(4))
def test_a_drawing_agrees_with_itself_whatever_its_line_width(seed: int) -> None:
    lines = strokes(seed, width=1)
    assert agreement(lines, lines, 0).f_score == 1
    wider = cv2.dilate(lines, np.ones((3, 3)))
    assert agreement(lines, wider).f_score > 0.97


@pytest.mark.parametrize("tolerance", [0.0, 1.0, 2.0, 3.5, 6.0])
def test_a_shift_counts_from_beyond_the_tolerance(tolerance: float) -> None:
    for shift in range(9):
        found = agreement(level_lines([50]), level_lines([50 + shift]), tolerance)
        assert found.f_score == (1 if shift <= tolerance else 0), shift


def test_missing_lines_lower_recall_only() -> None:
    found = agreement(level_lines([20, 40, 60, 80]), level_lines([20, 60]))
    assert (found.precision, found.recall) == (1, 0.5)
    assert found.f_score == pytest.approx(2 / 3)


def test_added_lines_lower_precision_only() -> None:
    found = agreement(level_lines([20]), level_lines([20, 40, 60, 80]))
    assert (found.precision, found.recall) == (0.25, 1)
    assert found.f_score == pytest.approx(0.4)


@pytest.mark.parametrize("seed", range(4))
def test_the_other_way_round_precision_and_recall_change_places(seed: int) -> None:
    one, other = strokes(seed), strokes(seed + 1)
    there, back = agreement(one, other), agreement(other, one)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.f_score == pytest.approx(back.f_score)
    assert 0 < there.f_score < 1


def test_more_tolerance_never_lowers_the_score() -> None:
    one, other = strokes(1), strokes(2)
    scores = [agreement(one, other, tolerance).f_score for tolerance in (0, 1, 2, 4, 8, 16, 400)]
    assert scores == sorted(scores) and scores[-1] == 1


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.7, 4])
def test_another_size_agrees_in_pixels_of_the_wanted_map(factor: float) -> None:
    wanted = strokes(3, width=2)
    height, width = (round(side * factor) for side in wanted.shape)
    seen = np.zeros((height, width), np.float32)
    row, column = np.nonzero(cv2.resize(wanted, (width, height), interpolation=cv2.INTER_AREA) > 0.2)
    seen[row, column] = 1
    found = agreement(wanted, seen, 2.0)
    assert found.f_score > 0.93
    assert found.picture.shape == (*wanted.shape, 3)


def test_thin_lines_survive_being_made_smaller() -> None:
    seen = np.zeros((1200, 2000), np.float32)
    seen[[200, 605, 801], 100:1900] = 1
    assert agreement(level_lines([20, 60, 80]), seen, 1.0).f_score > 0.98


def test_empty_maps() -> None:
    empty, lines = np.zeros((120, 200), np.float32), level_lines([50])
    assert agreement(empty, empty)[:5] == (1, 1, 1, 0, 0)
    assert agreement(lines, empty)[:3] == (0, 1, 0)
    assert agreement(empty, lines)[:3] == (0, 0, 1)


def test_the_picture_shows_matched_missed_and_extra_lines() -> None:
    picture = agreement(level_lines([20, 50]), level_lines([20, 90])).picture
    assert picture.dtype == np.float32
    matched, missed, extra, paper = picture[20, 100], picture[50, 100], picture[90, 100], picture[5, 5]
    assert matched.argmax() == 1 and missed.argmax() == 0 and extra.argmax() == 2
    assert paper.tolist() == [1, 1, 1]


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_that_is_no_distance(tolerance: float) -> None:
    with pytest.raises(StudioFlowError, match="tolerance is no distance"):
        agreement(level_lines([5]), level_lines([5]), tolerance)


@pytest.mark.parametrize("shape", [(4, 4, 3), (0, 5), (9,)])
def test_what_is_no_line_map(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudioFlowError, match="no line map"):
        agreement(level_lines([5]), np.zeros(shape))


def test_a_line_map_with_holes_in_its_numbers() -> None:
    broken = level_lines([5])
    broken[3, 3] = np.nan
    with pytest.raises(StudioFlowError, match="no numbers"):
        agreement(broken, level_lines([5]))


def render_of(colours: tuple[tuple[float, ...], tuple[float, ...]], scale: int = 1) -> np.ndarray:
    """A disc before a wall, with sensor noise."""
    size = 300 * scale
    inside = np.zeros((size, size), np.uint8)
    cv2.circle(inside, (size // 2, size // 2), size // 3, 1, -1)
    picture = np.array(colours, np.float32)[inside]
    return np.clip(picture + np.random.default_rng(1).normal(0, 0.01, picture.shape), 0, 1).astype(np.float32)


@pytest.mark.parametrize(
    "colours",
    [((0.8, 0.8, 0.8), (0.2, 0.2, 0.2)), ((0.2, 0.2, 0.2), (0.3, 0.3, 0.3)), ((0.6, 0.3, 0.3), (0.3, 0.453, 0.3))],
    ids=["strong", "weak", "only in colour"],
)
@pytest.mark.parametrize("scale", [1, 3])
def test_edges_are_where_the_render_changes(colours: tuple[tuple[float, ...], tuple[float, ...]], scale: int) -> None:
    outline = np.zeros((300, 300), np.float32)
    cv2.circle(outline, (150, 150), 100, 1, 1)
    edges = edges_of(render_of(colours, scale), outline)
    assert set(np.unique(edges)) == {0, 1}
    assert agreement(outline, edges).f_score > 0.95


def test_an_even_render_has_no_edges() -> None:
    flat = render_of(((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    assert not edges_of(flat, np.zeros((300, 300))).any()
