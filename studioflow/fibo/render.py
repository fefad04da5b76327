"""Rendering: a job in, pictures out, exactly as the stock pipeline makes them.

The pipeline of diffusers runs every render itself. It is lent a scheduler that may hold part of a schedule, a memory
for captions, a transformer that leaves padding out; and its latents are decoded here, one picture after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError
from .cache import PictureCache, digest
from .check import check, marks
from .job import Job, provenance
from .latents import FiboLatents, decode, from_pipeline, noise, patchified, to_pipeline
from .lora import activate, adapter_bytes
from .memory import is_out_of_memory, out_of_memory
from .model import FiboModel
from .open_size import open_size
from .schedule import first_step, sigmas, window
from .speed import prepare, running

if TYPE_CHECKING:
    import torch

MAX_BATCH = 8
TEXT_BYTES = 1 << 30
"""For the hidden states of a long caption, all layers of them."""

OnStep = Callable[[int, int, "Callable[[], torch.Tensor | None]"], None]
"""Called after each step with the picture steps done, those in all, and a function that gives what the picture is
going to be as latents at 1/16 of its size, or None while nothing can be said. May raise to stop the render."""


class Rendered(NamedTuple):
    """Pictures ``[N, H, W, 3]`` float32, sRGB-encoded, 0..1; their latents; provenance; what to tell the person."""

    images: torch.Tensor
    latents: FiboLatents
    provenance: dict[str, Any]
    notices: list[str]


def render(model: FiboModel, job: Job, *, on_step: OnStep | None = None, cache: PictureCache | None = None) -> Rendered:
    """The pictures of a job, in the order of their seeds.

    Each equals the one rendered alone with its seed, to rounding. Finished ones are kept in ``cache`` as they come,
    so that a job that was stopped goes on there. Raises ModelError for what the model cannot do, and
    DeviceMemoryError where memory runs out; whatever ``on_step`` raises ends the render within one step and leaves
    the model usable.
    """
    job = _sized(model, job)
    check(model, job)
    return _Run(model, job, on_step, cache if job.reuse_pictures else None).all()


class _Part(NamedTuple):
    """Steps ``start`` to ``stop`` of a render, which one call of the pipeline runs."""

    job: Job
    start: int
    stop: int


class _Run:
    def __init__(self, model: FiboModel, job: Job, on_step: OnStep | None, cache: PictureCache | None) -> None:
        self.model, self.job, self.on_step, self.cache = model, job, on_step, cache
        self.start = _first(job)
        self.steps_of_one = job.last_step - self.start
        self.parts = _parts(job, self.start)
        self.done = 0
        self.skipped = self.steps_run = 0
        self.caption_reused = False
        self.facts = provenance(model, job)
        settings = {name: value for name, value in self.facts.items() if name != "seeds"}
        self.settings = digest(settings, job.caption, tuple(model.speed))

    def all(self) -> Rendered:
        import torch

        seeds = self.job.seeds
        found = {index: kept for index in range(len(seeds)) if (kept := self._kept(index))}
        missing = [index for index in range(len(seeds)) if index not in found]
        notices = (
            [f"{len(found)} of {len(seeds)} pictures were finished before and not rendered again"] if found else []
        )
        if missing:
            found |= self._all_of(missing)
        ordered = [found[index] for index in range(len(seeds))]
        latents = FiboLatents(
            torch.stack([one["latents"] for one in ordered]),
            self.model.family.dialect,
            self.job.last_step,
            self.job.steps,
            tuple(seeds),
            self.facts,
        )
        images = torch.stack([one["image"] for one in ordered])
        return Rendered(images, latents, self.facts, notices + self._notices(bool(missing)))

    def _all_of(self, missing: list[int]) -> dict[int, dict[str, torch.Tensor]]:
        """The pictures of these indices, in batches as large as memory allows."""
        self.done = (len(self.job.seeds) - len(missing)) * self.steps_of_one
        text = self.model.pipeline.studioflow_text
        text.enabled, text.negative = self.job.reuse_captions, self.job.negative
        reused, encoded = text.reused, text.encoded
        batch = self._batch(len(missing))
        found: dict[int, dict[str, torch.Tensor]] = {}
        while missing:
            done = self.done
            try:
                held = self._rendered(missing[:batch])
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if batch == 1:
                    size = f"{self.job.width} × {self.job.height} pixels"
                    doing = f"{self.model.family.title} in {self.model.dtype}, {size}, one picture at a time"
                    raise out_of_memory(self.model.memory.device, doing, self.model.quantization) from error
                batch, self.done = batch // 2, done
                continue
            if not found:
                self.caption_reused = text.reused > reused and text.encoded == encoded
            found |= self._finished(missing[:batch], held)
            missing = missing[batch:]
        return found

    def _finished(self, indices: list[int], held: torch.Tensor) -> dict[int, dict[str, torch.Tensor]]:
        """The pictures of latents as the pipeline holds them."""
        samples = from_pipeline(self.model, held, self.job.width, self.job.height).float().cpu()
        images = decode(self.model, FiboLatents(samples, self.model.family.dialect))
        pictures = {}
        for place, index in enumerate(indices):
            _require_numbers(self.model, images[place])
            pictures[index] = {"image": images[place], "latents": samples[place]}
            if self.cache:
                self.cache.put(self._key(index), pictures[index])
        return pictures

    def _rendered(self, indices: list[int]) -> torch.Tensor:
        """The latents of these pictures as the pipeline leaves them."""
        held, after_step = None, self._callback(len(indices))
        for part in self.parts:
            held = self._part(part, indices, held, after_step)
        return held

    def _part(
        self, part: _Part, indices: list[int], held: torch.Tensor | None, after_step: Callable[..., Any]
    ) -> torch.Tensor:
        """The same after a part of the steps, from what the part before left."""
        import torch

        model, job, pipeline = self.model, part.job, self.model.pipeline
        arguments: dict[str, Any] = {
            "prompt": job.caption,
            "negative_prompt": job.negative if job.negative.strip() else _empty_negative(model),
            "width": job.width,
            "height": job.height,
            "num_inference_steps": job.steps,
            "guidance_scale": job.cfg,
            "num_images_per_prompt": len(indices),
            "output_type": "latent",
            "callback_on_step_end": after_step,
        }
        if held is not None:
            arguments["latents"] = held
        elif job.latents:
            arguments["latents"] = to_pipeline(model, torch.cat([self._begin(index) for index in indices]))
        else:
            arguments["generator"] = [torch.Generator("cpu").manual_seed(job.seeds[index]) for index in indices]
        if job.images:
            # A copy: FIBO Edit paints the mask into the list that it is given.
            arguments |= {"image": list(job.images), "mask": job.mask}
        if model.family.dialect == "fibo-2":
            arguments |= {"render_text_images": job.draw_text, "fonts": _fonts(model)}
        prepare(pipeline, model.speed)
        activate(pipeline, model.loras, model.memory.device)
        own_scheduler, pipeline.scheduler = pipeline.scheduler, window(model, part.start, part.stop)
        try:
            with running(pipeline, model.speed) as report:
                held = pipeline(**arguments).images
        finally:
            pipeline.scheduler = own_scheduler
        self.skipped += report.skipped
        self.steps_run += report.steps
        return held

    def _begin(self, index: int) -> torch.Tensor:
        """Where the picture of that index begins: given latents, with the noise of its first step mixed in."""
        latents, job = self.job.latents, self.job
        given = latents.samples[index if len(latents.samples) > 1 else 0][None]
        if not latents.finished:
            return given
        level = sigmas(self.model, job.width, job.height, job.steps)[self.start]
        return (1 - level) * given + level * noise(self.model, job.width, job.height, job.seeds[index])

    def _callback(self, pictures: int) -> Callable[..., dict[str, Any]]:
        before: list[torch.Tensor] = []

        def after_step(pipeline: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            now = tensors["latents"]
            self.done += pictures
            if self.on_step:
                levels = pipeline.scheduler.sigmas[step : step + 2]
                estimate = partial(self._estimate, before[0] if before else None, now, levels)
                self.on_step(self.done, len(self.job.seeds) * self.steps_of_one, estimate)
            before[:] = [now]
            return tensors

        return after_step

    def _estimate(self, before: torch.Tensor | None, now: torch.Tensor, levels: torch.Tensor) -> torch.Tensor | None:
        """What the picture is going to be: Euler's step went along the velocity, and the picture lies at its end."""
        if before is None:
            return None
        velocity = (now - before) / (levels[1] - levels[0])
        held = (now - levels[1] * velocity).float()
        return patchified(self.model, from_pipeline(self.model, held, self.job.width, self.job.height))

    def _batch(self, missing: int) -> int:
        """How many pictures to render at once, by the memory that is there."""
        memory, one = self.model.memory, working_bytes(self.model, self.job)
        adapters = adapter_bytes(self.model.loras, self.model.pipeline.transformer.dtype)
        batch = max(1, min(missing, MAX_BATCH, (memory.room_beside("transformer") - adapters) // one))
        memory.expect("transformer", batch * one + adapters)
        memory.expect("text_encoder", TEXT_BYTES)
        return batch

    def _kept(self, index: int) -> dict[str, torch.Tensor] | None:
        return self.cache.get(self._key(index)) if self.cache else None

    def _key(self, index: int) -> str:
        """Everything that decides a picture; not how many are rendered beside it."""
        latents = self.job.latents
        begin = latents.samples[index if len(latents.samples) > 1 else 0] if latents else None
        return digest(self.settings, self.job.seeds[index], begin)

    def _notices(self, rendered: bool) -> list[str]:
        job, family = self.job, self.model.family
        told = {
            "the caption was read before": rendered and self.caption_reused,
            f"step_cache skipped {self.skipped} of {self.steps_run} steps": self.steps_run,
            "the negative has no effect at a cfg of 1": job.negative.strip() and job.cfg <= 1,
            f"{family.title} is distilled for a cfg of {family.cfg:g}": job.cfg > 1 and not family.negative,
            "the mask marks nothing: the whole picture is edited": job.mask is not None and not marks(job.mask),
            "seeds are those of the latents": job.continues and job.seed != job.seeds[0],
            "strength counts only with latents of a finished picture": job.strength < 1
            and not (job.latents and job.latents.finished),
            "guide_until counts only with pictures": job.guide_until < 1 and not job.images,
            f"a guide_until of {job.guide_until:g} is all of {job.steps} steps": job.guide_until < 1
            and job.images
            and job.guided_steps == job.steps,
        }
        return [notice for notice, applies in told.items() if applies]


def working_bytes(model: FiboModel, job: Job) -> int:
    """About what one picture takes on the device beside the weights: the tokens of a block, a dozen times over."""
    settings = model.pipeline.transformer.config
    width = getattr(settings, "dim", None) or settings.num_attention_heads * settings.attention_head_dim
    pixels = job.width * job.height + len(job.images) * 1024 * 1024
    return (pixels // 256 + 2048) * width * model.pipeline.transformer.dtype.itemsize * 24


def _sized(model: FiboModel, job: Job) -> Job:
    """The job with the size of its latents, or that the pipeline takes for the first image, where it is left open."""
    if job.width or job.height or not job.images or "edit" not in model.family.tasks:
        return job
    width, height = job.latents.size if job.latents else open_size(model, *job.images[0].size)
    return replace(job, width=width, height=height)


def _parts(job: Job, start: int) -> list[_Part]:
    """The steps with pictures, and those without; only those of them that there are."""
    turn = min(max(start, job.guided_steps), job.last_step)
    guided = [_Part(job, start, turn)] if start < turn else []
    return guided + ([_Part(job.unguided(), turn, job.last_step)] if turn < job.last_step else [])


def _first(job: Job) -> int:
    if not job.latents:
        return 0
    return job.latents.step if job.continues else first_step(job.steps, job.strength)


def _fonts(model: FiboModel) -> list[str]:
    """The fonts that come with the model, in the order that its training drew text with them."""
    fonts = sorted((model.folder / "fonts").glob("*.[to]tf"), key=lambda path: ("dejavu" in path.name.lower(), path))
    return [str(font) for font in fonts]


def _empty_negative(model: FiboModel) -> str | None:
    # FIBO 2 has a trained null caption, which its pipeline uses for None; an empty text is something else to it.
    return None if model.family.dialect == "fibo-2" else ""


def _require_numbers(model: FiboModel, picture: torch.Tensor) -> None:
    """Raises ModelError for a picture with values that are no numbers: nobody could use it, and none is kept."""
    if not picture.isfinite().all():
        raise ModelError(
            "the picture came out as no numbers",
            where="fibo",
            found=f"NaN or infinity from {model.family.title} in {model.dtype}",
            allowed="a number format that holds the model's values",
            fix="choose bfloat16 or float32 in FIBO Loader",
        )
