"""Whether a model can do what a render asks for; said before anything runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..families import families
from ..sizes import check_sides
from .job import Job
from .latents import require_generation
from .schedule import first_step

if TYPE_CHECKING:
    from .model import FiboModel


def check(model: FiboModel, job: Job) -> None:
    """Raises ModelError for what the model cannot do, before anything runs."""
    if not job.caption.strip():
        raise ModelError("the caption is empty", where="caption", fix="connect Compile Caption's caption output")
    _check_task(model, job)
    check_sides(job.width, job.height, may_be_open=bool(job.images))
    if model.family.dialect == "fibo-1":
        _check_fibo_1(job.caption, model)
    if job.latents:
        _check_latents(model, job)
    if not 0 < job.strength <= 1:
        raise ModelError(
            "no such strength",
            where="strength",
            found=str(job.strength),
            allowed="above 0, up to 1",
            fix="take 0.3 to 0.8 to keep the picture",
        )
    if not 0 <= job.stop_at <= job.steps:
        raise ModelError(
            "there is no such step to stop at",
            where="stop_at",
            found=str(job.stop_at),
            allowed=f"0 to {job.steps}",
            fix="take 0 for the whole schedule",
        )
    _check_guide(model, job)


def marks(mask: Any) -> bool:
    """Whether a PIL mask marks anything to be painted anew."""
    return mask.getbbox() is not None


def _check_task(model: FiboModel, job: Job) -> None:
    family = model.family
    if job.images and "edit" not in family.tasks:
        raise ModelError(
            f"{family.title} cannot edit pictures",
            where="fibo",
            found=family.title,
            allowed=_titles("edit"),
            fix="load one of these in FIBO Loader, or render with FIBO Sampler",
        )
    if not job.images and "generate" not in family.tasks:
        raise ModelError(
            f"{family.title} only edits pictures",
            where="fibo",
            found=family.title,
            allowed=_titles("generate"),
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
        raise ModelError(
            "a mask belongs to a single picture",
            where="mask",
            found=f"{len(job.images)} pictures",
            allowed="1",
            fix="connect only one picture, or leave the mask out",
        )
    if job.mask is not None and job.mask.size != job.images[0].size:
        raise ModelError(
            "the mask is of another size than the picture",
            where="mask",
            found="{} × {} pixels".format(*job.mask.size),
            allowed="{} × {} pixels".format(*job.images[0].size),
            fix="scale the mask to the picture, or draw it on the picture itself"
            if marks(job.mask)
            else "paint a mask: Load Image gives an empty one of 64 × 64 where there is none",
        )
    _check_instruction(job)


def _check_instruction(job: Job) -> None:
    """An edit's caption has an instruction, that of a painting has none, and it names pictures that are there."""
    from ..caption.fields import INSTRUCTION, WRAPPED
    from ..caption.instruct import pictures_named

    caption = _object(job.caption) or {}
    instruction = caption.get(INSTRUCTION)
    if not job.images:
        if instruction:
            raise ModelError(
                "this is the caption of an edit",
                where="caption",
                found=f"{INSTRUCTION}: {str(instruction)[:60]}",
                allowed="a caption of a picture alone",
                fix="render it with FIBO Edit, or connect Compile Caption itself",
            )
        return
    if not isinstance(instruction, str) or not instruction.strip():
        raise ModelError(
            "the caption has no edit instruction",
            where="caption",
            found=f'"{job.caption[:60]}"',
            allowed=f'a JSON object with "{INSTRUCTION}"',
            fix="put Edit Caption between Compile Caption and this node",
        )
    if WRAPPED in caption and len(caption) > 2:
        raise ModelError(
            "a wrapped caption has other keys beside it",
            where="caption",
            found=", ".join(key for key in caption if key not in (WRAPPED, INSTRUCTION)),
            allowed=f'"{WRAPPED}" and "{INSTRUCTION}" alone, or the keys of the caption and "{INSTRUCTION}"',
            fix=f'move the other keys into "{WRAPPED}"',
        )
    beyond = [number for number in pictures_named(instruction) if not 1 <= number <= len(job.images)]
    if beyond:
        raise ModelError(
            "the instruction names a picture that is not there",
            where="caption",
            found=f"<image_{beyond[0]}>, with {len(job.images)} connected",
            allowed=", ".join(f"<image_{number}>" for number in range(1, len(job.images) + 1)),
            fix="connect that picture, or change the instruction in Edit Caption",
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
    if latents.finished and job.stop_at and job.stop_at <= first_step(job.steps, job.strength):
        raise ModelError(
            "it would stop before it begins",
            where="stop_at",
            found=str(job.stop_at),
            allowed=f"above {first_step(job.steps, job.strength)}, where a strength of {job.strength:g} begins, or 0",
            fix="raise stop_at or strength",
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
    held = len(latents.samples)
    if job.count not in (1, held) if job.continues else held not in (1, job.count):
        raise ModelError(
            "the latents hold another number of pictures",
            where="latents",
            found=str(held),
            allowed=f"1, or {job.count} as count says",
            fix=f"set count to {held}",
        )


def _check_guide(model: FiboModel, job: Job) -> None:
    """Where pictures count for a part of the steps, the model must be able to paint the rest without them."""
    if not 0 < job.guide_until <= 1:
        raise ModelError(
            "no such part of the steps",
            where="guide_until",
            found=str(job.guide_until),
            allowed="above 0, up to 1",
            fix="take 1 to let the pictures count to the end",
        )
    if not job.images or job.guide_until == 1:
        return
    if "generate" not in model.family.tasks:
        raise ModelError(
            f"{model.family.title} cannot go on without its pictures",
            where="guide_until",
            found=f"{job.guide_until:g}",
            allowed=f"1; less only for {_titles('generate', 'edit')}",
            fix="keep it at 1 and fade or blur the picture to loosen its hold, or load one of these in FIBO Loader",
        )
    if not job.unguided().caption:
        raise ModelError(
            "the caption says nothing but the edit instruction, and the steps without pictures need more",
            where="caption",
            found=f"{job.caption[:60]}",
            allowed="the caption of the finished picture with its edit instruction, or a guide_until of 1",
            fix="connect Compile Caption to the caption of Edit Caption",
        )
    start = first_step(job.steps, job.strength) if job.latents and job.latents.finished else 0
    if job.guided_steps <= start:
        raise ModelError(
            "the pictures would count for no step",
            where="guide_until",
            found=f"{job.guide_until:g}, the first {job.guided_steps} of {job.steps} steps",
            allowed=f"more than {start} steps, where a strength of {job.strength:g} begins",
            fix="raise guide_until or strength",
        )


def _titles(*tasks: str) -> str:
    return ", ".join(family.title for family in families().values() if {*tasks} <= {*family.tasks})


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
