"""Whatever a node is given becomes RGB on white paper in 0 to 1, or one clear error."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from studioflow.errors import StudioFlowError
from studioflow.sketch.pictures import MOST_PIXELS, checked, grey, reduced, working_size

RAMP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize(
    "given",
    [RAMP, RAMP[..., None], np.repeat(RAMP[..., None], 3, 2), np.repeat(RAMP[None, ..., None], 3, 3)],
    ids=["H W", "H W 1", "H W 3", "B H W 3"],
)
@pytest.mark.parametrize("as_given", [np.asarray, torch.from_numpy], ids=["array", "tensor"])
def test_every_shape_is_the_same_picture(given: np.ndarray, as_given: object) -> None:
    pictures, notes = checked(as_given(np.ascontiguousarray(given)))
    assert len(pictures) == 1 and notes == []
    assert pictures[0].shape == (3, 4, 3) and pictures[0].dtype == np.float32
    np.testing.assert_array_equal(pictures[0], np.repeat(RAMP[..., None], 3, 2))


@pytest.mark.parametrize(
    ("given", "within"),
    [
        ((RAMP * 255).round().astype(np.uint8), 0.5 / 255),
        ((RAMP * 65535).round().astype(np.uint16), 0.5 / 65535),
        ((RAMP * 32767).round().astype(np.int16), 0.5 / 32767),
        (RAMP.astype(np.float64), 1e-7),
        (torch.from_numpy(RAMP).half(), 1e-3),
        (torch.from_numpy(RAMP).bfloat16(), 4e-3),
        (RAMP > 0.5, 0.5),
    ],
    ids=["8 bit", "16 bit", "signed 16 bit", "double", "half", "bfloat16", "bool"],
)
def test_every_type_is_the_same_picture(given: object, within: float) -> None:
    picture = checked(given).pictures[0]
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture[..., 1], RAMP, atol=within + 1e-6)


def test_a_batch_of_64_keeps_its_order_and_is_not_copied() -> None:
    batch = np.random.default_rng(0).random((64, 5, 6, 3), dtype=np.float32)
    pictures, _ = checked(batch)
    assert len(pictures) == 64
    for picture, given in zip(pictures, batch, strict=True):
        np.testing.assert_array_equal(picture, given)
        assert np.shares_memory(picture, batch)


def test_alpha_lays_the_picture_on_white_paper() -> None:
    rgba = np.zeros((2, 2, 4), np.float32)
    rgba[..., 0] = 1.0
    rgba[..., 3] = [[0.0, 0.25], [0.5, 1.0]]
    picture, notes = checked(rgba)
    np.testing.assert_allclose(picture[0][..., 0], 1.0)
    np.testing.assert_allclose(picture[0][..., 1], [[1.0, 0.75], [0.5, 0.0]])
    assert notes == ["transparency laid on white paper"]


@pytest.mark.parametrize("colour", [0.0, 0.3, 1.0])
def test_a_drawing_that_is_only_in_the_alpha_is_dark_where_opaque(colour: float) -> None:
    rgba = np.full((4, 4, 4), colour, np.float32)
    rgba[..., 3] = np.eye(4)
    picture = checked(rgba).pictures[0]
    assert (picture[np.eye(4) == 0] == 1.0).all()
    assert (picture[np.eye(4) == 1] < 0.5).all()


def test_an_opaque_alpha_says_nothing() -> None:
    rgba = np.ones((3, 4, 4), np.float32)
    rgba[..., :3] = RAMP[..., None]
    picture, notes = checked(rgba)
    np.testing.assert_array_equal(picture[0][..., 0], RAMP)
    assert notes == []


def test_floats_outside_are_clipped_and_said() -> None:
    picture, notes = checked(np.array([[-0.5, 0.5, 2.0]], np.float32))
    np.testing.assert_array_equal(picture[0][0, :, 0], [0.0, 0.5, 1.0])
    assert notes == ["values from -0.5 to 2 were clipped to 0..1"]


def test_no_numbers_are_counted() -> None:
    batch = np.zeros((2, 4, 4, 3), np.float32)
    batch[1, 0, 0] = [np.nan, np.inf, 0]
    with pytest.raises(StudioFlowError, match=r"image 2 of 2.*\n.*2 of 48 are NaN or infinite"):
        checked(batch)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((0, 4, 4, 3), np.float32), "no picture"),
        (np.zeros((1, 0, 4, 3), np.float32), "no picture"),
        (np.zeros((4, 4, 2), np.float32), "4 × 4 × 2"),
        (np.zeros(4, np.float32), "not the shape"),
        (np.float32(1), "one number"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), complex), "complex128"),
        ([["a"]], "not the values"),
    ],
)
def test_what_is_no_picture_is_refused(given: object, message: str) -> None:
    with pytest.raises(StudioFlowError, match=message) as raised:
        checked(given, "sketch")
    assert str(raised.value).startswith("sketch: ")


def test_too_many_pixels_are_refused_before_they_are_looked_at() -> None:
    side = int(MOST_PIXELS**0.5) + 1
    huge = np.broadcast_to(np.float32(0.5), (1, side, side, 3))
    with pytest.raises(StudioFlowError, match="200 million"):
        checked(huge)


@pytest.mark.parametrize(
    ("size", "most", "wanted"),
    [
        ((9000, 12000), 4096, (3072, 4096)),
        ((20000, 10), 4096, (4096, 2)),
        ((20000, 1), 100, (100, 1)),
        ((5, 7), 9, (5, 7)),
    ],
)
def test_working_size(size: tuple[int, int], most: int, wanted: tuple[int, int]) -> None:
    assert working_size(*size, most) == wanted


def test_reduced_keeps_means_and_says_both_sizes() -> None:
    picture = np.random.default_rng(1).random((40, 80, 3), dtype=np.float32)
    small, notes = reduced(picture, 20)
    assert small.shape == (10, 20, 3)
    np.testing.assert_allclose(small[0, 0], picture[:4, :4].mean(axis=(0, 1)), atol=1e-5)
    assert notes == ["worked on at 20 × 10, the picture has 80 × 40"]
    same, nothing = reduced(picture, 80)
    assert same is picture and nothing == []


def test_grey_is_rec_601_luma() -> None:
    colours = np.eye(3, dtype=np.float32)[None]
    np.testing.assert_allclose(grey(colours)[0], [0.299, 0.587, 0.114], atol=1e-3)
