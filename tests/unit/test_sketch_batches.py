"""Batches through the sketch room: one picture at a time, each error with its number, and what counts as following."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.sketch import control_map
from studioflow.sketch.agreement import strokes_of
from studioflow.sketch.batches import clean_all, compare_all, toned_all, with_alpha
from studioflow.sketch.clean import Cleanup
from studioflow.sketch.control_map import Settings, control_maps


def drawing(side: int = 200, width: int = 5) -> np.ndarray:
    """A ring and a line on white paper [1, side, side, 3]."""
    page = np.full((side, side), 255, np.uint8)
    cv2.circle(page, (side // 2, side // 2), side // 3, 0, width, cv2.LINE_AA)
    cv2.line(page, (side // 8, side // 8), (side // 8, side * 7 // 8), 0, width, cv2.LINE_AA)
    return np.repeat((page / 255).astype(np.float32)[None, ..., None], 3, axis=3)


def render(side: int = 200) -> np.ndarray:
    """A dark disc before a grey wall [1, side, side, 3]."""
    page = np.full((side, side, 3), 0.7, np.float32)
    cv2.circle(page, (side // 2, side // 2), side // 3, (0.2, 0.3, 0.2), -1)
    return page[None]


def silent(_done: int, _of: int) -> None:
    pass


@pytest.mark.parametrize("work", ["clean", "compare", "maps"])
def test_a_batch_ends_where_its_listener_says_so(work: str) -> None:
    batch, told = np.repeat(drawing(), 3, axis=0), []

    def stop(done: int, of: int) -> None:
        told.append((done, of))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        if work == "clean":
            clean_all(batch, Cleanup(), stop)
        elif work == "compare":
            compare_all(drawing(), batch, 2.0, stop)
        else:
            control_maps(batch, Settings("canny"), None, stop)
    assert told == [(1, 3), (2, 3)]


def test_an_error_in_a_batch_says_of_which_picture() -> None:
    batch = np.concatenate([drawing(), np.ones_like(drawing()), drawing()])
    with pytest.raises(StudioFlowError, match="no drawing") as caught:
        clean_all(batch, Cleanup(), silent)
    assert caught.value.where == "image 2 of 3"
    with pytest.raises(StudioFlowError) as caught:
        clean_all(batch[1:2], Cleanup(), silent)
    assert caught.value.where == "image"


def test_a_batch_too_large_to_keep_is_refused_at_its_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_map, "MOST_BYTES", 2 * 200 * 200 * 16)
    told: list[int] = []
    with pytest.raises(StudioFlowError, match="too much memory"):
        clean_all(np.repeat(drawing(), 3, axis=0), Cleanup(page=False), lambda done, _: told.append(done))
    assert not told
    assert clean_all(np.repeat(drawing(), 2, axis=0), Cleanup(page=False), silent).images.shape == (2, 200, 200, 3)


def test_images_are_the_lines_on_white() -> None:
    made = clean_all(drawing(), Cleanup(), silent)
    assert made.images.dtype == made.lines.dtype == np.float32
    assert np.array_equal(made.images, np.repeat(1 - made.lines[..., None], 3, axis=3))


@pytest.mark.parametrize("method", ["thin", "threshold", "line_art", "canny"])
@pytest.mark.parametrize("width", [2, 5])
def test_a_drawing_follows_the_maps_made_of_it(method: str, width: int) -> None:
    """Edges alone are both sides of a stroke: a drawing five pixels wide scored 0.7 against its own thin lines."""
    page = drawing(400, width)
    for given in (page, 1 - page):
        found = compare_all(control_maps(page, Settings(method)).images, given, 2.0)
        assert found.scores[0] > 0.97, found.report


def test_only_line_drawings_have_strokes() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (200, 200, 3))
    for page in (drawing()[0], 1 - drawing()[0], np.clip(drawing()[0] + noise, 0, 1)):
        strokes = strokes_of(page)
        assert strokes is not None and 0.02 < strokes.mean() < 0.15
    ramp = np.tile(np.linspace(0, 1, 200, dtype=np.float32)[:, None, None], (1, 200, 3))
    for other in (render()[0], ramp, np.minimum(ramp, drawing()[0]), np.ones((9, 9, 3), np.float32)):
        assert strokes_of(other) is None


def test_a_render_is_compared_by_its_edges() -> None:
    outline = np.zeros((1, 200, 200, 3), np.float32)
    cv2.circle(outline[0], (100, 100), 66, (1, 1, 1), 1)
    found = compare_all(outline, np.concatenate([drawing() * 0 + 0.5, render()]), 2.0)
    assert found.best == 1 and found.scores[1] > 0.95 and "of its edges are lines" in found.report


@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_a_control_map_without_lines_is_no_measure(tone: float) -> None:
    """Two empty pictures agree; a person who connected the wrong thing should not read a score of 1."""
    maps = np.concatenate([drawing(), np.full_like(drawing(), tone)])
    with pytest.raises(StudioFlowError, match="no lines in the control map") as caught:
        compare_all(maps, np.repeat(render(), 2, axis=0), 2.0)
    assert caught.value.where == "control_map 2 of 2" and "Sketch Cleanup" in caught.value.fix
    with pytest.raises(StudioFlowError, match="no lines"):
        compare_all(1 - 0.3 * (1 - drawing()), render(), 2.0)


def test_a_large_control_map_is_compared_at_the_working_size() -> None:
    page = np.full((300, 6000), 255, np.uint8)
    cv2.line(page, (20, 100), (5900, 180), 0, 2)
    given = np.repeat(page[None, ..., None], 3, axis=3)
    found = compare_all(given, given, 2.0)
    assert found.pictures.shape == (1, 205, 4096, 3) and found.scores[0] > 0.97
    assert found.report.startswith("compared at 4096 × 205, the control map has 6000 × 300")


def test_batches_that_do_not_fit() -> None:
    with pytest.raises(StudioFlowError, match="do not fit together"):
        compare_all(np.repeat(drawing(), 3, axis=0), np.repeat(render(), 2, axis=0), 2.0)


@pytest.mark.parametrize("role", ["depth", "monochrome"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_near_stays_light_in_a_base_however_much_of_the_map_it_is(role: str, share: float) -> None:
    """As a drawing, a small light figure on black would be turned round."""
    depth = np.zeros((1, 100, 100, 3), np.float32)
    depth[:, :, : round(100 * share)] = 1.0
    base, notes = toned_all(depth, role)
    near, far = base[0, :, 2].mean(), base[0, :, -2].mean()
    assert near - far == pytest.approx(0.35, abs=0.01) and base.mean() == pytest.approx(0.5, abs=0.01)
    assert not notes


def test_a_large_base_is_made_at_the_working_size() -> None:
    base, notes = toned_all(np.ones((1, 10, 8192, 3), np.float32), "edges")
    assert base.shape == (1, 5, 4096, 3) and "4096 × 5" in notes[0]


def test_a_mask_of_another_picture() -> None:
    with pytest.raises(StudioFlowError, match="does not belong"):
        with_alpha(drawing(), np.ones((1, 64, 64), np.float32))
    assert with_alpha(drawing(), np.zeros((1, 64, 64), np.float32)).shape == drawing().shape
    assert with_alpha(drawing(), np.ones((1, 200, 200), np.float32))[..., 3].max() == 0
