"""Masks as FIBO was trained on them: the region to paint anew is flat grey in the picture itself."""

from __future__ import annotations

import importlib
from typing import Any

from ..errors import StudioFlowError

GREY = 128 / 255
"""The level of the grey, in all three channels."""
_HALF = 127.5
"""In 8-bit levels: what rounds to 128 or more is masked, so that no rounding of floats decides."""


def grey_out(image: Any, mask: Any, *, invert: bool = False) -> Any:
    """The image with the masked region grey, at its own size: to be done before any resize.

    ``image`` is [B, H, W, 3] and ``mask`` [B, H, W], or one of them [1, …]; both numpy arrays or both torch tensors,
    sRGB-encoded 0..1. Where the mask is 1 (0 with ``invert``) FIBO paints anew. Gives a new image of the same type,
    [B, H, W, 3]. The rule is ``BriaFibo2ImageProcessor.grey_out`` of diffusers (Apache-2.0): grey 128 through the mask
    made binary at 128. Raises StudioFlowError where the sizes or the numbers of pictures differ.
    """
    _check(tuple(image.shape), tuple(mask.shape), empty=not masked(mask).any())
    return _library(image).where(masked(mask, invert=invert)[..., None], GREY, image)


def masked(mask: Any, *, invert: bool = False) -> Any:
    """Where FIBO paints anew, as booleans of the mask's shape."""
    return (mask * 255 >= _HALF) ^ invert


def mask_to_pil(mask: Any) -> Any:
    """The mask [H, W], 0..1, as the black and white PIL picture (mode L) that the pipelines of diffusers take."""
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.asarray(masked(mask)).astype(np.uint8) * 255)


def mask_notice(mask: Any, *, invert: bool = False) -> str:
    """How much of the picture FIBO paints anew, in words."""
    share = float((masked(mask, invert=invert) * 1.0).mean())
    return f"{share:.1%} of the picture is grey" if share else "the mask marks nothing"


def _library(array: Any) -> Any:
    return importlib.import_module(type(array).__module__.partition(".")[0])


def _check(image: tuple[int, ...], mask: tuple[int, ...], empty: bool) -> None:
    if image[1:3] != mask[1:]:
        resized = "mask the image before it is resized, or scale the mask to the image's size"
        unpainted = "paint a mask: Load Image gives an empty one of 64 × 64 where there is none"
        raise StudioFlowError(
            "mask and image differ in size",
            where="mask",
            found=f"a mask of {mask[2]} × {mask[1]} for an image of {image[2]} × {image[1]} pixels",
            allowed="the same size",
            fix=unpainted if empty else resized,
        )
    if image[0] != mask[0] and 1 not in (image[0], mask[0]):
        raise StudioFlowError(
            "masks and images differ in number",
            where="mask",
            found=f"{mask[0]} masks for {image[0]} images",
            allowed="one mask for all images, one for each, or a single image",
            fix="take the mask of the same batch, or a single one",
        )
