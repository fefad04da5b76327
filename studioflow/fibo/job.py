"""What a render is asked for, checked against what the model can do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import VERSION
from ..errors import ModelError
from ..sizes import check_sides
from .latents import FiboLatents, require_generation

if TYPE_CHECKING:
    from .model import FiboModel

MAX_SEED = 2**64 - 1
_INSTRUCTION = "edit_instruction"


@dataclass(frozen=True)
class Job:
    """A render of ``count`` pictures; picture ``i`` has seed ``seed + i``.

    ``images`` are 8-bit RGB PIL pictures to edit, ``mask`` an L picture of the first one's size, 255 where it is to be
    painted anew. Width and height of 0 are those the model was trained at for the first image. ``latents`` are where
    to begin: those of an encoded picture are repainted with ``strength`` (1 is from noise), those that stopped half
    way go on there. ``stop_at`` ends after that step and leaves the rest of the noise in; 0 is the whole schedule.
    An empty ``negative`` is the empty caption that the family was trained with.
    """

    caption: str
    width: int
    height: int
    seed: int
    steps: int
    cfg: float
    negative: str = ""
    count: int = 1
    images: tuple[Any, ...] = ()
    mask: Any = None
    latents: FiboLatents | None = None
    strength: float = 1.0
    stop_at: int = 0
    draw_text: bool = True
    reuse: bool = True

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture; they run over the end of the range."""
        if self.latents and self.latents.seeds and not self.latents.finished:
            return list(self.latents.seeds)
        return [(self.seed + index) % (MAX_SEED + 1) for index in range(self.count)]

    @property
    def last_step(self) -> int:
        """The step after which it ends."""
        return self.stop_at or self.steps


def check(model: FiboModel, job: Job) -> None:
    """Raises ModelError for what the model cannot do, before anything runs."""
    if not job.caption.strip():
        raise ModelError("the caption is empty", where="caption", fix="connect Compile Caption's caption output")
    _check_task(model, job)
    check_sides(job.width, job.height)
    if model.family.dialect == "fibo-1":
        _check_fibo_1(job.caption, model)
    if job.latents:
        _check_latents(model, job)
    if not 0 < job.strength <= 1:
        raise ModelError("no such strength", where="strength", found=str(job.strength), allowed="above 0, up to 1")
    if not 0 <= job.stop_at <= job.steps:
        raise ModelError(
            "there is no such step to stop at", where="stop_at", found=str(job.stop_at), allowed=f"0 to {job.steps}"
        )


def provenance(model: FiboModel, job: Job) -> dict[str, Any]:
    """What a delivery must say to make these pictures again: model, settings, a seed for each, and versions."""
    import diffusers
    import torch

    facts = {
        **model.provenance,
        "seeds": job.seeds,
        "steps": job.steps,
        "cfg": job.cfg,
        "width": job.width,
        "height": job.height,
        "dtype": model.dtype,
        "device": model.memory.device.type,
        "versions": {"studioflow": VERSION, "diffusers": diffusers.__version__, "torch": torch.__version__},
    }
    if job.images:
        facts |= {"images": len(job.images), "masked": job.mask is not None}
    if job.latents:
        facts |= {"strength": job.strength} if job.latents.finished else {"continued_at": job.latents.step}
    if job.stop_at:
        facts["stopped_at"] = job.stop_at
    return facts


def _check_task(model: FiboModel, job: Job) -> None:
    family = model.family
    if job.images and "edit" not in family.tasks:
        raise ModelError(
            f"{family.title} cannot edit pictures",
            where="fibo",
            found=family.title,
            allowed="FIBO 2.0, FIBO Edit or FIBO Edit 1.5",
            fix="load one of these in FIBO Loader, or render with FIBO Sampler",
        )
    if not job.images and "generate" not in family.tasks:
        raise ModelError(
            f"{family.title} only edits pictures",
            where="fibo",
            found=family.title,
            allowed="FIBO 2.0, FIBO 1.5, FIBO lite or FIBO 1.0",
            fix="load one of these in FIBO Loader, or render with FIBO Edit",
        )
    if len(job.images) > family.references:
        raise ModelError(
            f"{family.title} takes fewer pictures",
            where="images",
            found=f"{len(job.images)}",
            allowed=f"up to {family.references}",
            fix="connect fewer pictures, or a batch with fewer",
        )
    if job.mask is not None and len(job.images) != 1:
        raise ModelError("a mask belongs to a single picture", where="mask", found=f"{len(job.images)} pictures")
    if job.mask is not None and job.mask.size != job.images[0].size:
        raise ModelError(
            "the mask is of another size than the picture",
            where="mask",
            found="{} × {} pixels".format(*job.mask.size),
            allowed="{} × {} pixels".format(*job.images[0].size),
            fix="scale the mask to the picture, or draw it on the picture itself",
        )
    if job.images and _instruction(job.caption) is None:
        raise ModelError(
            "the caption has no edit instruction",
            where="caption",
            found=f'"{job.caption[:60]}"',
            allowed=f'a JSON object with "{_INSTRUCTION}"',
            fix="put Edit Caption between Compile Caption and this node",
        )


def _check_latents(model: FiboModel, job: Job) -> None:
    latents = job.latents
    require_generation(model, latents)
    if latents.size != (job.width, job.height):
        raise ModelError(
            "the latents are of another size",
            where="latents",
            found="{} × {} pixels".format(*latents.size),
            allowed=f"{job.width} × {job.height} pixels, as this render is asked for",
            fix="give the render the size of the latents",
        )
    if not latents.finished and latents.steps != job.steps:
        raise ModelError(
            "the latents stopped in another schedule",
            where="latents",
            found=f"step {latents.step} of {latents.steps}",
            allowed=f"a schedule of {job.steps} steps",
            fix=f"set steps to {latents.steps}",
        )
    if not latents.finished and job.stop_at and job.stop_at <= latents.step:
        raise ModelError(
            "the latents are further than that already",
            where="stop_at",
            found=str(job.stop_at),
            allowed=f"above {latents.step}, or 0 for the whole schedule",
        )
    if len(latents.samples) not in (1, len(job.seeds)):
        raise ModelError(
            "the latents hold another number of pictures",
            where="latents",
            found=str(len(latents.samples)),
            allowed=f"1, or {len(job.seeds)} as count says",
        )


def _check_fibo_1(caption: str, model: FiboModel) -> None:
    if _object(caption) is None:
        raise ModelError(
            f"{model.family.title} reads structured captions only",
            where="caption",
            found=f'plain text: "{caption[:60]}"',
            allowed="a JSON object as Compile Caption writes it",
            fix="connect Compile Caption's caption output",
        )


def _object(text: str) -> dict[str, Any] | None:
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def _instruction(caption: str) -> str | None:
    found = (_object(caption) or {}).get(_INSTRUCTION)
    return found if isinstance(found, str) and found.strip() else None
