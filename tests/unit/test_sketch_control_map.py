"""Control maps as nodes get them: shapes, polarity, sizes, batches, bad input, and memory that is bounded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.sketch import control_map
from studioflow.sketch.control_map import Settings, control_maps, map_size
from studioflow.sketch.menus import LEARNED, METHODS

BINARY = ("canny", "scribble", "threshold", "thin")


def drawing(height: int = 96, width: int = 128, seed: int = 0) -> np.ndarray:
    """Strokes on paper, [H, W, 3]."""
    rng = np.random.default_rng(seed)
    page = np.full((height, width, 3), 0.95, np.float32)
    for _ in range(5):
        ends = [tuple(int(value) for value in rng.integers(8, min(height, width) - 8, 2)) for _ in range(2)]
        cv2.line(page, *ends, (0.1, 0.15, 0.2), 2, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_image_and_mask(method: str) -> None:
    maps = control_maps(drawing()[None], Settings(method))
    assert maps.images.shape == (1, 96, 128, 3) and maps.masks.shape == (1, 96, 128)
    assert maps.images.dtype == maps.masks.dtype == np.float32
    assert maps.masks.min() >= 0 and 0 < maps.masks.max() <= 1
    assert all(np.array_equal(maps.images[..., channel], maps.masks) for channel in range(3))
    if method in BINARY:
        assert set(np.unique(maps.masks)) == {0.0, 1.0}


@pytest.mark.parametrize("method", METHODS)
def test_the_other_polarity_is_the_exact_inverse(method: str) -> None:
    white = control_maps(drawing()[None], Settings(method))
    black = control_maps(drawing()[None], Settings(method, polarity="black_on_white"))
    assert np.array_equal(black.images, 1 - white.images)
    assert np.array_equal(black.masks, white.masks)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_is_its_pictures(method: str) -> None:
    batch = np.stack([drawing(48, 64, seed) for seed in range(64)])
    together = control_maps(batch, Settings(method))
    apart = [control_maps(one[None], Settings(method)) for one in batch]
    assert np.array_equal(together.images, np.concatenate([one.images for one in apart]))
    assert np.array_equal(together.masks, np.concatenate([one.masks for one in apart]))
    assert len(together.notes) <= 9


@pytest.mark.parametrize("method", METHODS)
def test_the_same_bits_twice_and_the_picture_untouched(method: str) -> None:
    picture = drawing()[:, ::-1]  # a view, not contiguous
    before = picture.copy()
    one, two = (control_maps(picture[None], Settings(method)) for _ in range(2))
    assert np.array_equal(one.images, two.images) and np.array_equal(picture, before)


def test_tensors_halves_and_bytes_give_the_same_edges() -> None:
    import torch

    levels = (drawing() * 255).round().astype(np.uint8)
    pixels = levels.astype(np.float32) / 255
    wanted = control_maps(pixels[None], Settings("canny")).masks
    for given in (torch.from_numpy(pixels)[None], torch.from_numpy(levels)[None], levels, pixels.astype(np.float64)):
        assert np.array_equal(control_maps(given, Settings("canny")).masks, wanted)
    gray = pixels[..., 1]
    repeated = control_maps(np.repeat(gray[..., None], 3, axis=2), Settings("canny")).masks
    for given in (gray, gray[..., None], gray[None, ..., None]):
        assert np.array_equal(control_maps(given, Settings("canny")).masks, repeated)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2), (2, 700)])
def test_any_size(method: str, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((1, *shape, 3), dtype=np.float32)
    maps = control_maps(pixels, Settings(method, line_px=3))
    assert maps.masks.shape == (1, *shape) and np.isfinite(maps.images).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tone", [0.0, 0.5, 1.0])
def test_an_even_picture_has_no_lines(method: str, tone: float) -> None:
    masks = control_maps(np.full((1, 40, 60, 3), tone, np.float32), Settings(method)).masks
    assert np.ptp(masks) == 0 and (method == "depth_from_shading" or not masks.any())


@pytest.mark.parametrize("method", ["line_art", "threshold", "scribble", "thin", "depth_from_shading"])
def test_chalk_on_a_blackboard_is_a_drawing_too(method: str) -> None:
    ink, chalk = control_maps(drawing()[None], Settings(method)), control_maps(1 - drawing()[None], Settings(method))
    assert np.abs(ink.masks - chalk.masks).mean() < 0.01
    assert any("dark ground" in note for note in chalk.notes) and not any("dark ground" in note for note in ink.notes)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "depth_from_shading"])
def test_an_empty_map_is_told(method: str) -> None:
    blank = control_maps(np.ones((1, 40, 60, 3), np.float32), Settings(method))
    assert any("map is empty" in note for note in blank.notes)
    assert not any("empty" in note for note in control_maps(drawing()[None], Settings(method)).notes)


@pytest.mark.parametrize(
    ("name", "on_a_desk"), [("phone_photo", True), ("napkin", True), ("smudged", False), ("whiteboard_glare", False)]
)
def test_a_page_on_a_desk_has_no_depth_of_its_drawing_and_says_so(name: str, on_a_desk: bool) -> None:
    photo = cv2.imread(str(Path(__file__).parents[2] / "samples" / "sketches" / f"{name}.jpg"))
    (note,) = control_maps(photo[..., ::-1], Settings("depth_from_shading")).notes
    assert ("Sketch Cleanup first" in note) == on_a_desk


def test_a_high_threshold_that_follows_is_none_that_nothing_reaches() -> None:
    step = np.zeros((60, 60), np.float32)
    step[:, 30:] = 1.0
    maps = control_maps(step, Settings("canny", low=900))
    assert "900 and 2040" in maps.notes[0]


def test_canny_says_its_thresholds() -> None:
    (note,) = control_maps(drawing()[None], Settings("canny", low=40, high=90)).notes
    assert "40" in note and "90" in note


@pytest.mark.parametrize(
    ("height", "width", "resolution", "wanted"),
    [(96, 128, 0, (96, 128)), (96, 128, 48, (48, 64)), (128, 96, 192, (256, 192)), (9000, 12000, 0, (3072, 4096))],
)
def test_resolution_is_the_shorter_side(height: int, width: int, resolution: int, wanted: tuple[int, int]) -> None:
    assert map_size(height, width, resolution) == wanted


@pytest.mark.parametrize("resolution", [48, 192])
def test_maps_of_another_resolution_stay_what_they_are(resolution: int) -> None:
    whole = control_maps(drawing()[None], Settings("canny")).masks[0]
    masks = control_maps(drawing()[None], Settings("canny", resolution=resolution)).masks
    assert masks.shape[1] == resolution and set(np.unique(masks)) == {0.0, 1.0}
    scaled = cv2.resize(whole, masks.shape[:0:-1], interpolation=cv2.INTER_AREA) > 0
    near = cv2.dilate(scaled.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert near[masks[0] > 0].mean() > 0.98


def test_a_large_picture_is_worked_on_at_reduced_size_and_says_so() -> None:
    pixels = np.ones((20, 20_000, 3), np.uint8) * 255
    pixels[8:12] = 0
    maps = control_maps(pixels, Settings("threshold"))
    assert maps.masks.shape == (1, 4, 4096) and maps.masks.any()
    assert "20000" in maps.notes[0]


@pytest.mark.parametrize(
    ("method", "thicker"), [("canny", True), ("thin", True), ("threshold", True), ("soft_edge", False)]
)
def test_line_thickness(method: str, thicker: bool) -> None:
    thin, thick = (control_maps(drawing()[None], Settings(method, line_px=px)).masks for px in (1, 5))
    assert thick.sum() > 1.5 * thin.sum() if thicker else np.array_equal(thick, thin)
    assert (thick >= thin).all()


def test_a_learned_method_is_its_detector() -> None:
    seen: list[tuple[int, ...]] = []

    def detect(picture: np.ndarray) -> np.ndarray:
        seen.append(picture.shape)
        return cv2.resize(1.5 - picture[..., 0], (32, 24))

    maps = control_maps(np.stack([drawing(), drawing(seed=1)]), Settings("hed", resolution=48), detect)
    assert seen == [(48, 64, 3)] * 2
    assert maps.masks.shape == (2, 48, 64) and maps.masks.max() == 1.0, "clipped and of the map's size"
    with pytest.raises(StudioFlowError, match="studioflow models get hed"):
        control_maps(drawing()[None], Settings("hed"))


def test_steps_are_told_and_can_end_it() -> None:
    told: list[tuple[int, int]] = []
    control_maps(np.stack([drawing()] * 3), Settings("canny"), on_step=lambda *step: told.append(step))
    assert told == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(KeyboardInterrupt):
        control_maps(drawing()[None], Settings("canny"), on_step=interrupted)


def interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("settings", "where", "said"),
    [
        (Settings("cany"), "method", '"canny"'),
        (Settings(polarity="black"), "polarity", "black_on_white"),
        (Settings(detail=1.5), "detail", "0 to 1"),
        (Settings(detail=float("nan")), "detail", "nan"),
        (Settings(line_px=-1), "line_px", "-1"),
        (Settings("canny", low=200, high=100), "low", "200 and 100"),
        (Settings("canny", high=5000), "high", "2040"),
        (Settings(resolution=-5), "resolution", "-5"),
        (Settings(resolution=8000), "resolution", "10667 × 8000"),
    ],
)
def test_settings_out_of_range(settings: Settings, where: str, said: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        control_maps(drawing()[None], settings)
    assert caught.value.where == where and said in str(caught.value)


def with_values(*values: float) -> np.ndarray:
    batch = np.stack([drawing()] * 3)
    batch[1, 0, : len(values), 0] = values
    return batch


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (with_values(float("nan"), float("inf")), "image 2 of 3"),
        (np.zeros((0, 8, 8, 3), np.float32), "no picture"),
        (np.zeros((2, 8, 8, 5), np.float32), "5"),
        (np.zeros(7, np.float32), "7"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
    ],
)
def test_pictures_that_are_none(pixels: np.ndarray, said: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        control_maps(pixels, Settings("canny"))
    assert said in str(caught.value)


def test_values_outside_are_clipped_and_said() -> None:
    maps = control_maps(with_values(-0.5, 1.5), Settings("canny"))
    assert any("clipped" in note for note in maps.notes)


def test_too_large_a_batch_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broadcast picture takes no memory, so that only the result would."""
    worked = []
    monkeypatch.setattr(control_map, "_mask_of", lambda *_: worked.append(1))
    batch = np.broadcast_to(drawing(32, 32), (500, 32, 32, 3))
    with pytest.raises(StudioFlowError) as caught:
        control_maps(batch, Settings("canny", resolution=2048))
    assert "33.6 GB" in str(caught.value) and "8 GB" in str(caught.value) and "119 pictures" in str(caught.value)
    assert not worked


def test_memory_is_the_result_and_a_few_pictures() -> None:
    """In a process of its own: 40 maps of 512² are 168 MB, all floats of all steps of all pictures would be 1 GB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell in /proc what a process holds")
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from studioflow.sketch.control_map import Settings, control_maps
def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
picture = np.random.default_rng(0).random((512, 512, 3), dtype=np.float32)
control_maps(picture[None], Settings("line_art"))
before = peak()
control_maps(np.broadcast_to(picture, (40, 512, 512, 3)), Settings("line_art"))
print(peak() - before)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True, check=True)
    assert 100 < float(done.stdout) < 260


def test_the_menu_brings_nothing_heavy_along() -> None:
    code = "import sys, studioflow.sketch.menus; print({'cv2', 'controlnet_aux', 'numpy', 'torch'} & set(sys.modules))"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_learned_and_classic_methods_are_apart() -> None:
    assert not set(METHODS) & set(LEARNED)


def test_a_list_of_pictures_is_a_batch() -> None:
    pictures = [drawing(), 1 - drawing()]
    assert np.array_equal(control_maps(pictures).masks, control_maps(np.stack(pictures)).masks)
