"""Latents: what a FIBO works on, as a value that can be kept, continued and decoded."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..sizes import check_sides
from .memory import is_out_of_memory, out_of_memory
from .open_size import open_size

if TYPE_CHECKING:
    import torch

    from .model import FiboModel

PATCH_PX = 16
DECODER_VALUES = 2000
"""Held at once for each pixel: a few times the widest layers of both decoders."""


@dataclass(frozen=True)
class FiboLatents:
    """Normalised latents ``[N, C, h, w]``, float, on the CPU: 48 channels at 1/16 for FIBO 1.x, 32 at 1/8 for FIBO 2.

    ``step`` of ``steps`` are done; a finished render or an encoded picture has ``step == steps``. ``seeds`` are those
    of the starting noise, empty for an encoded picture; ``made_by`` is the provenance of the render.
    """

    samples: torch.Tensor
    generation: str
    step: int = 0
    steps: int = 0
    seeds: tuple[int, ...] = ()
    made_by: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether no noise is left in them."""
        return self.step == self.steps

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        height, width = self.samples.shape[-2:]
        scale = PATCH_PX if self.generation == "fibo-1" else PATCH_PX // 2
        return width * scale, height * scale


def encode_all(model: FiboModel, pictures: Sequence[Any], width: int, height: int) -> FiboLatents:
    """PIL pictures as latents of one size; 0 for both sides is the size trained for the shape of the first."""
    import torch

    if not width and not height:
        width, height = open_size(model, *pictures[0].size)
    check_sides(width, height, may_be_open=True)
    samples = [encode(model, picture, width, height).samples for picture in pictures]
    return FiboLatents(torch.cat(samples), model.family.dialect)


def encode(model: FiboModel, picture: Any, width: int, height: int) -> FiboLatents:
    """A PIL picture as latents of a picture of that size: scaled to cover it, then cropped at the centre."""
    import torch

    pipeline, device = model.pipeline, model.memory.device
    pixels = _pixels(_cover(picture, width, height))
    with torch.no_grad(), _vae_at_work(model, width, height):
        if model.family.dialect == "fibo-2":
            samples = pipeline.prepare_image_latents([pixels], 1, device, torch.float32)[0]
        else:
            pixels = pixels.to(device=device, dtype=pipeline.vae.dtype)
            encoded = pipeline.vae.encode(pixels.unsqueeze(2)).latent_dist.mode()[:, :, 0].float()
            mean, std = _wan_statistics(pipeline.vae, encoded)
            samples = (encoded - mean) / std
    return FiboLatents(samples.float().cpu(), model.family.dialect)


def decode(model: FiboModel, latents: FiboLatents, *, clamp: bool = True, float32: bool = False) -> torch.Tensor:
    """Pictures float32 ``[N, height, width, 3]`` on the CPU, sRGB-encoded, one decoded after the other.

    0..1 with ``clamp``; without it as the decoder gives them, which may lie a little outside. ``float32`` decodes with
    the weights in that type, whatever the model was loaded in: bfloat16 has 8 bits, so that bright pixels come in
    steps of 1/256 to 1/512. Raises ModelError where the decoder clamps by itself (FIBO 1.x), or the latents are of
    another generation.
    """
    import torch

    require_generation(model, latents)
    if not clamp and model.family.dialect == "fibo-1":
        raise ModelError(
            f"the decoder of {model.family.title} clamps by itself",
            where="clamp",
            found="off",
            allowed="on; off only for FIBO 2",
            fix="switch clamp on",
        )
    pictures = []
    with torch.no_grad(), _vae_at_work(model, *latents.size, float32=float32) as vae:
        for one in latents.samples:
            picture = _decoded(model, vae, one[None].to(model.memory.device)).float() * 0.5 + 0.5
            pictures.append((picture.clamp(0, 1) if clamp else picture).permute(0, 2, 3, 1).cpu())
    return torch.cat(pictures).contiguous()


def require_generation(model: FiboModel, latents: FiboLatents) -> None:
    """Raises ModelError where the latents are of the other generation of FIBO."""
    if latents.generation != model.family.dialect:
        raise ModelError(
            "the latents are of another FIBO",
            where="latents",
            found=latents.generation,
            allowed=f"{model.family.dialect}, which {model.family.title} works on",
            fix="decode them with the model that made them, and encode the picture again",
        )


def to_pipeline(model: FiboModel, samples: torch.Tensor) -> torch.Tensor:
    """The latents as the pipeline holds them between steps: FIBO 1.x has a row of tokens, ``[N, h w, C]``."""
    return samples.flatten(2).transpose(1, 2) if model.family.dialect == "fibo-1" else samples


def from_pipeline(model: FiboModel, held: torch.Tensor, width: int, height: int) -> torch.Tensor:
    """The opposite of ``to_pipeline`` for a picture of that size."""
    if model.family.dialect != "fibo-1":
        return held
    return held.transpose(1, 2).unflatten(2, (height // PATCH_PX, width // PATCH_PX))


def noise(model: FiboModel, width: int, height: int, seed: int) -> torch.Tensor:
    """The starting noise ``[1, C, h, w]`` of a seed, drawn on the CPU and as the pipeline itself draws it."""
    import torch

    scale = PATCH_PX if model.family.dialect == "fibo-1" else PATCH_PX // 2
    shape = (1, model.pipeline.transformer.config.in_channels, height // scale, width // scale)
    dtype = model.pipeline.transformer.dtype if model.family.dialect == "fibo-1" else torch.float32
    return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed), dtype=dtype)


def patchified(model: FiboModel, samples: torch.Tensor) -> torch.Tensor:
    """The latents at 1/16 of the picture's size, as ComfyUI sees both generations: 48 or 128 channels."""
    return samples if model.family.dialect == "fibo-1" else model.pipeline._patchify_latents(samples)


@contextmanager
def _vae_at_work(model: FiboModel, width: int, height: int, *, float32: bool = False) -> Iterator[Any]:
    """The VAE with room for its work, one error where there is none, and nothing of the work left behind."""
    import torch

    vae, memory = model.pipeline.vae, model.memory
    copied = float32 and vae.dtype != torch.float32
    weights = sum(weight.numel() for weight in vae.parameters()) * 4 if copied else 0
    itemsize = 4 if float32 else vae.dtype.itemsize
    memory.expect("vae", width * height * DECODER_VALUES * itemsize + weights)
    try:
        yield _in_float32(model) if copied else vae
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        doing = f"the VAE of {model.family.title} on {width} × {height} pixels"
        raise out_of_memory(memory.device, doing, model.quantization) from error
    finally:
        # Wan's VAE keeps the last frames for the next ones, also when it was stopped in the middle.
        if hasattr(vae, "clear_cache"):
            vae.clear_cache()


def _in_float32(model: FiboModel) -> Any:
    """A copy of the VAE, to be dropped after use: weights that change their type would be lost to who manages them."""
    vae = model.pipeline.vae
    model.memory.hold("vae")
    exact = copy.deepcopy(vae)
    # Methods that were put on the module itself still belong to the original.
    for method in ("encode", "decode"):
        exact.__dict__.pop(method, None)
    return exact.float()


def _decoded(model: FiboModel, vae: Any, samples: torch.Tensor) -> torch.Tensor:
    import torch

    if model.family.dialect == "fibo-1":
        samples = samples.to(vae.dtype)
        mean, std = _wan_statistics(vae, samples)
        # Divided by the reciprocal and not multiplied: the last bit is that of the pipeline's own decoding.
        return vae.decode((samples / (1.0 / std) + mean).unsqueeze(2), return_dict=False)[0].squeeze(2)
    patches = model.pipeline._patchify_latents(samples)
    mean = vae.bn.running_mean.view(1, -1, 1, 1).to(patches)
    scale = (1 / torch.sqrt(vae.bn.running_var + vae.config.batch_norm_eps)).view(1, -1, 1, 1).to(patches)
    unnormalised = model.pipeline._unpatchify_latents(patches / scale + mean)
    return vae.decode(unnormalised.to(vae.dtype), return_dict=False)[0]


def _wan_statistics(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    mean, std = (torch.tensor(values) for values in (vae.config.latents_mean, vae.config.latents_std))
    return mean.view(1, -1, 1, 1).to(like), std.view(1, -1, 1, 1).to(like)


def _pixels(picture: Any) -> torch.Tensor:
    """A PIL picture as ``[1, 3, H, W]``, -1..1."""
    import numpy as np
    import torch

    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1)[None].float() / 255 * 2 - 1


def _cover(picture: Any, width: int, height: int) -> Any:
    from PIL import ImageOps

    return picture if picture.size == (width, height) else ImageOps.fit(picture, (width, height))
