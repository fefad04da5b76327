"""The grey that FIBO is shown instead of a mask: pixel by pixel as diffusers paints it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from studioflow.errors import StudioFlowError
from studioflow.fibo.mask import GREY, grey_out, mask_notice, mask_to_pil

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

LEVELS = np.random.default_rng(7).integers(0, 256, (2, 24, 32, 3), np.uint8)
EVERY_LEVEL = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 24, 32)


def array_of(levels: np.ndarray) -> np.ndarray:
    return (levels / np.float32(255)).astype(np.float32)


def tensor_of(levels: np.ndarray) -> object:
    return torch.from_numpy(array_of(levels))


@pytest.mark.parametrize("of", [array_of, tensor_of])
def test_equals_diffusers_pixel_by_pixel(of) -> None:
    pytest.importorskip("diffusers", minversion="0.42")
    from diffusers.pipelines.bria_fibo2.image_processor import BriaFibo2ImageProcessor

    ours = np.asarray(grey_out(of(LEVELS), of(EVERY_LEVEL)))
    for levels, painted in zip(LEVELS, ours, strict=True):
        theirs = BriaFibo2ImageProcessor.grey_out(Image.fromarray(levels), Image.fromarray(EVERY_LEVEL[0]))
        assert (np.rint(painted * 255).astype(np.uint8) == np.asarray(theirs)).all()


def test_comfyuis_mask_of_an_alpha_channel_is_cut_at_the_same_level() -> None:
    # Load Image gives 1 - alpha, which in float32 is not always the level it stands for.
    mask = 1 - tensor_of(255 - EVERY_LEVEL)
    grey = grey_out(torch.zeros(1, 24, 32, 3), mask)[..., 0] > 0
    assert (grey.numpy() == (EVERY_LEVEL >= 128)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_keeps_the_type_and_the_image_itself(dtype: str) -> None:
    image = torch.rand(1, 4, 4, 3).to(getattr(torch, dtype))
    before = image.clone()
    painted = grey_out(image, torch.ones(1, 4, 4))
    assert painted.dtype == image.dtype and (image == before).all()
    assert (painted == torch.tensor(GREY).to(image.dtype)).all()


@pytest.mark.parametrize("of", [array_of, tensor_of])
def test_inverting_paints_the_rest(of) -> None:
    image, mask = of(LEVELS), of(EVERY_LEVEL)
    there, rest = (np.asarray(grey_out(image, mask, invert=invert)) for invert in (False, True))
    grey = np.isclose(there, GREY).all(-1), np.isclose(rest, GREY).all(-1)
    assert (grey[0] ^ grey[1]).mean() > 0.99  # but where the picture is that grey itself
    assert (np.where(grey[0][..., None], rest, there) == np.asarray(image)).all()


@pytest.mark.parametrize(("images", "masks", "painted"), [(1, 1, 1), (3, 1, 3), (1, 3, 3), (3, 3, 3)])
def test_one_goes_with_many(images: int, masks: int, painted: int) -> None:
    image, mask = torch.rand(images, 4, 4, 3), (torch.rand(masks, 4, 4) > 0.5).float()
    result = grey_out(image, mask)
    assert result.shape == (painted, 4, 4, 3)
    for number in range(painted):
        one = grey_out(image[number % images][None], mask[number % masks][None])
        assert (result[number] == one[0]).all()


def test_numbers_that_do_not_go_together() -> None:
    with pytest.raises(StudioFlowError, match="2 masks for 3 images"):
        grey_out(torch.zeros(3, 4, 4, 3), torch.zeros(2, 4, 4))


def test_another_size_is_told_with_both_sizes_and_the_way_out() -> None:
    with pytest.raises(StudioFlowError, match="a mask of 5 × 4 for an image of 8 × 6 pixels") as caught:
        grey_out(np.zeros((1, 6, 8, 3)), np.ones((1, 4, 5)))
    assert "before it is resized" in caught.value.fix
    with pytest.raises(StudioFlowError, match="paint a mask"):
        grey_out(np.zeros((1, 6, 8, 3)), np.zeros((1, 64, 64)))


def test_a_mask_for_the_pipelines_is_black_and_white() -> None:
    for mask in (array_of(EVERY_LEVEL)[0], tensor_of(EVERY_LEVEL)[0]):
        picture = mask_to_pil(mask)
        assert picture.mode == "L" and picture.size == (32, 24)
        assert (np.asarray(picture) == np.where(EVERY_LEVEL[0] >= 128, 255, 0)).all()


def test_says_how_much_is_painted_anew() -> None:
    mask = np.zeros((1, 10, 10))
    assert mask_notice(mask) == "the mask marks nothing"
    mask[0, 0] = 1
    assert mask_notice(mask) == "10.0% of the picture is grey"
    assert mask_notice(mask, invert=True) == "90.0% of the picture is grey"
