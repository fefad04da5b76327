"""What a render is asked for, and what a delivery says about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import VERSION
from .cache import digest
from .latents import FiboLatents
from .menus import MAX_SEED

if TYPE_CHECKING:
    from .model import FiboModel


@dataclass(frozen=True)
class Job:
    """A render of ``count`` pictures; picture ``i`` has seed ``seed + i``.

    ``images`` are 8-bit RGB PIL pictures to edit, ``mask`` an L picture of the first one's size, 255 where it is to be
    painted anew. Width and height of 0 are those the model was trained at for the first image. ``latents`` are where
    to begin: those of an encoded picture are repainted with ``strength`` (1 is from noise), those that stopped half
    way go on there. ``stop_at`` ends after that step and leaves the rest of the noise in; 0 is the whole schedule.
    An empty ``negative`` is the empty caption that the family was trained with. ``reuse_captions`` takes what the text
    encoder made of a text before, ``reuse_pictures`` finished pictures. ``guide_until`` is the part of the schedule, 0
    to 1, that ``images`` count for; the rest is painted from the caption of the finished picture alone.
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
    reuse_captions: bool = True
    reuse_pictures: bool = True
    guide_until: float = 1.0

    @property
    def seeds(self) -> list[int]:
        """The seed of each picture; they run over the end of the range."""
        if self.continues:
            return list(self.latents.seeds)
        return [(self.seed + index) % (MAX_SEED + 1) for index in range(self.count)]

    @property
    def continues(self) -> bool:
        """Whether it goes on where a render stopped half way."""
        return self.latents is not None and not self.latents.finished

    @property
    def last_step(self) -> int:
        """The step after which it ends."""
        return self.stop_at or self.steps

    @property
    def guided_steps(self) -> int:
        """The step after which the pictures count no more: at least the first, numbered as ``stop_at``."""
        return max(1, round(self.steps * self.guide_until)) if self.images else self.steps

    def unguided(self) -> Job:
        """The same without pictures, and with the caption of the finished picture alone."""
        from ..caption.instruct import without_instruction

        return replace(self, caption=without_instruction(self.caption), images=(), mask=None, guide_until=1.0)


def provenance(model: FiboModel, job: Job) -> dict[str, Any]:
    """What a delivery must say to make these pictures again: model, settings, a seed for each, and versions.

    Pictures and latents that went in stand there as StudioFlow's digest of their numbers.
    """
    facts = {
        **model.provenance,
        "seeds": job.seeds,
        "steps": job.steps,
        "cfg": job.cfg,
        "width": job.width,
        "height": job.height,
        "dtype": model.dtype,
        "device": model.memory.device.type,
        "versions": {"studioflow": VERSION, **_versions(model)},
    }
    if job.negative.strip():
        facts["negative"] = job.negative
    if not job.draw_text:
        facts["draw_text"] = False
    if job.images:
        facts["images"] = [digest(image) for image in job.images]
    if job.images and job.guide_until < 1:
        facts["guide_until"] = job.guide_until
    if job.mask is not None:
        facts["mask"] = digest(job.mask)
    if job.continues:
        facts |= {"continued_at": job.latents.step, "first_part": dict(job.latents.made_by)}
    elif job.latents:
        facts |= {"strength": job.strength, "begun_with": digest(job.latents.samples)}
    if job.stop_at:
        facts["stopped_at"] = job.stop_at
    return facts


def _versions(model: FiboModel) -> dict[str, str]:
    """Of the libraries that have a part in a picture; torch's with what it was built for."""
    import importlib.metadata

    import torch

    names = ["diffusers", "transformers"]
    names += ["peft"] if model.loras else []
    names += {"int8": ["torchao"], "fp8": ["torchao"], "nf4": ["bitsandbytes"]}.get(model.quantization, [])
    return {name: importlib.metadata.version(name) for name in names} | {"torch": torch.__version__}
