"""Pictures as FIBO's pipelines take them: 8-bit PIL pictures, checked first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .mask import mask_to_pil

if TYPE_CHECKING:
    import torch

MAX_SIDE_PX = 16384
MAX_RATIO = 16
"""A picture is scaled to about one megapixel; longer than 16:1 nothing would be left of its short side."""

_ROWS = 512


def references(images: Sequence[torch.Tensor]) -> list[Any]:
    """Pictures ``[B, H, W, 3 or 4]`` or ``[H, W, C]``, 0..1, as a list of 8-bit RGB PIL pictures, batches one by one.

    Alpha is dropped, as the pipelines do: make the background what it should be before. Raises ModelError for a
    picture that is larger or longer than FIBO can use, or that holds no numbers.
    """
    flat = [picture for batch in images for picture in (batch if batch.ndim == 4 else [batch])]
    return [_pil(picture, f"image {number}") for number, picture in enumerate(flat, 1)]


def region(mask: torch.Tensor) -> Any:
    """A mask ``[1, H, W]`` or ``[H, W]``, 0..1, as the black and white PIL picture that the pipelines take."""
    if mask.ndim == 3 and len(mask) != 1:
        raise ModelError(
            "an edit takes a single mask",
            where="mask",
            found=f"{len(mask)} masks",
            allowed="1",
            fix="take one of the batch",
        )
    return mask_to_pil(mask.reshape(mask.shape[-2:]))


def _pil(picture: torch.Tensor, where: str) -> Any:
    import torch
    from PIL import Image

    height, width, channels = picture.shape
    size = f"{width} × {height} pixels"
    if channels not in (3, 4) or not width or not height:
        raise ModelError(
            "this is no picture that FIBO can see", where=where, found=f"{size}, {channels} channels", allowed="RGB"
        )
    if max(width, height) > MAX_SIDE_PX or max(width, height) > MAX_RATIO * min(width, height):
        raise ModelError(
            "this picture is too large or too long for FIBO",
            where=where,
            found=size,
            allowed=f"sides up to {MAX_SIDE_PX} pixels, and no longer than {MAX_RATIO}:1",
            fix="scale or crop it first; FIBO itself works at about 1024 × 1024",
        )
    pixels = torch.empty((height, width, 3), dtype=torch.uint8)
    # In strips: a picture of 16k in float32 takes gigabytes, and a second copy of it as many again.
    for top in range(0, height, _ROWS):
        strip = picture[top : top + _ROWS, :, :3].float()
        if not torch.isfinite(strip).all():
            raise ModelError("this picture holds values that are no numbers", where=where, found="NaN or infinity")
        pixels[top : top + _ROWS] = (strip.clamp(0, 1) * 255).round().byte()
    return Image.fromarray(pixels.numpy())
