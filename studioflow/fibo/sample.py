"""Rendering: caption text in, pictures out, exactly as the stock pipeline makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import VERSION
from ..errors import ModelError
from .model import FiboModel

if TYPE_CHECKING:
    import torch

MAX_SEED = 2**64 - 1
STEP_PX = 16
MAX_SIDE_PX = 4096

OnStep = Callable[[int, int], None]
"""Called after each denoising step with the number done and the number in all; may raise to stop the render."""


def sample(
    model: FiboModel,
    caption: str,
    *,
    negative: str = "",
    width: int,
    height: int,
    seed: int,
    steps: int,
    cfg: float,
    count: int = 1,
    on_step: OnStep | None = None,
) -> torch.Tensor:
    """``count`` pictures as float32 ``[count, height, width, 3]``, sRGB-encoded, 0..1, on the CPU.

    Picture ``i`` has seed ``seed + i`` and equals the one rendered alone with that seed. An empty ``negative``
    is the empty caption that the family was trained with. Raises ModelError for a caption or size that the
    model cannot take; whatever ``on_step`` raises ends the render within one step.
    """
    import torch

    _check(model, caption, width, height)
    pictures = []
    for index, own_seed in enumerate(_seeds(seed, count)):
        picture = _one(
            model,
            prompt=caption,
            negative_prompt=negative or _empty_negative(model),
            width=width,
            height=height,
            num_inference_steps=steps,
            guidance_scale=cfg,
            generator=torch.Generator("cpu").manual_seed(own_seed),
            on_step=_offset(on_step, done=index * steps, total=count * steps),
        )
        pictures.append(picture)
    return torch.cat(pictures)


def provenance(
    model: FiboModel, *, width: int, height: int, seed: int, steps: int, cfg: float, count: int = 1
) -> dict[str, Any]:
    """What a delivery must say to make these pictures again: model, settings, a seed for each, and versions."""
    import diffusers
    import torch

    return {
        **model.provenance,
        "seeds": _seeds(seed, count),
        "steps": steps,
        "cfg": cfg,
        "width": width,
        "height": height,
        "dtype": str(model.pipeline.dtype).removeprefix("torch."),
        "device": model.pipeline.device.type,
        "versions": {"studioflow": VERSION, "diffusers": diffusers.__version__, "torch": torch.__version__},
    }


def _seeds(seed: int, count: int) -> list[int]:
    return [(seed + index) % (MAX_SEED + 1) for index in range(count)]


def _one(model: FiboModel, *, on_step: OnStep | None, **arguments: Any) -> torch.Tensor:
    if on_step is not None:
        arguments["callback_on_step_end"] = _callback(on_step, arguments["num_inference_steps"])
    # "pt" is the decoder's own float picture; every other output type rounds it to 8 bits or copies it more.
    result = model.pipeline(output_type="pt", **arguments)
    return result.images.permute(0, 2, 3, 1).float().cpu().contiguous()


def _callback(on_step: OnStep, total: int) -> Callable[..., dict[str, Any]]:
    def after_step(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1, total)
        return tensors

    return after_step


def _offset(on_step: OnStep | None, *, done: int, total: int) -> OnStep | None:
    return None if on_step is None else lambda step, _: on_step(done + step, total)


def _empty_negative(model: FiboModel) -> str | None:
    # FIBO 2 has a trained null caption, which its pipeline uses for None; an empty text is something else to it.
    return None if model.family.dialect == "fibo-2" else ""


def _check(model: FiboModel, caption: str, width: int, height: int) -> None:
    for name, pixels in (("width", width), ("height", height)):
        if pixels % STEP_PX or not STEP_PX <= pixels <= MAX_SIDE_PX:
            below = max(STEP_PX, min(MAX_SIDE_PX, pixels // STEP_PX * STEP_PX))
            raise ModelError(
                f"FIBO cannot render this {name}",
                where=name,
                found=f"{pixels} pixels",
                allowed=f"multiples of {STEP_PX} up to {MAX_SIDE_PX}",
                fix=f"take {below}" + (f" or {below + STEP_PX}" if pixels < MAX_SIDE_PX else ""),
            )
    if not caption.strip():
        raise ModelError("the caption is empty", where="caption", fix="connect Compile Caption's caption output")
    if model.family.dialect == "fibo-1":
        _check_fibo_1(caption, model)


def _check_fibo_1(caption: str, model: FiboModel) -> None:
    try:
        parsed = json.loads(caption)
    except json.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise ModelError(
            f"{model.family.title} reads structured captions only",
            where="caption",
            found=f'plain text: "{caption[:60]}"',
            allowed="a JSON object as Compile Caption writes it",
            fix="connect Compile Caption's caption output",
        )
