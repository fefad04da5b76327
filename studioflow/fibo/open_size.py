"""The size of a render that was given none: what the model was trained at for the shape of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..sizes import size_for_ratio

if TYPE_CHECKING:
    from .model import FiboModel


def open_size(model: FiboModel, width: int, height: int) -> tuple[int, int]:
    """Width and height for a picture of that size, as the model's own pipeline takes them for an edit."""
    if model.family.pipeline != "BriaFiboEditPipeline":
        return size_for_ratio(f"{width}:{height}", 1, model.family.dialect)
    from diffusers.pipelines.bria_fibo.pipeline_bria_fibo_edit import PREFERRED_RESOLUTION, _vae_safe_dims

    # Of the picture as FIBO Edit encodes it: a small one has another shape then.
    seen_width, seen_height = _vae_safe_dims(width, height)
    return min(PREFERRED_RESOLUTION[1024 * 1024], key=lambda size: abs(size[0] / size[1] - seen_width / seen_height))
