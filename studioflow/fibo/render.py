"""Rendering: a job in, pictures out, exactly as the stock pipeline makes them.

The pipeline of diffusers runs every render itself. It is lent a scheduler that may hold part of a schedule, a memory
for captions, a transformer that leaves padding out; and its latents are decoded here, one picture after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError
from .cache import PictureCache, digest
from .job import Job, check, provenance
from .latents import FiboLatents, decode, from_pipeline, noise, patchified, to_pipeline
from .lora import activate
from .model import FiboModel
from .open_size import open_size
from .schedule import first_step, sigmas, window
from .speed import prepare, running

if TYPE_CHECKING:
    import torch

MAX_BATCH = 8

OnStep = Callable[[int, int, "Callable[[], torch.Tensor | None]"], None]
"""Called after each step with the picture steps done, those in all, and a function that gives what the picture is
going to be as latents at 1/16 of its size, or None while nothing can be said. May raise to stop the render."""


class Rendered(NamedTuple):
    """Pictures ``[N, H, W, 3]`` float32, sRGB-encoded, 0..1; their latents; provenance; what to tell the person."""

    images: torch.Tensor
    latents: FiboLatents
    provenance: dict[str, Any]
    notices: list[str]


def render(
    model: FiboModel,
    job: Job,
    *,
    on_step: OnStep | None = None,
    cache: PictureCache | None = None,
    is_out_of_memory: Callable[[BaseException], bool] | None = None,
) -> Rendered:
    """The pictures of a job, in the order of their seeds.

    Each equals the one rendered alone with its seed, to rounding. Finished ones are kept in ``cache`` as they come,
    so that a job that was stopped goes on there. Raises ModelError for what the model cannot do, and where memory
    runs out; whatever ``on_step`` raises ends the render within one step and leaves the model usable.
    """
    job = _sized(model, job)
    check(model, job)
    run = _Run(model, job, on_step, cache if job.reuse else None, is_out_of_memory or _is_out_of_memory)
    return run.all()


class _Run:
    def __init__(
        self,
        model: FiboModel,
        job: Job,
        on_step: OnStep | None,
        cache: PictureCache | None,
        is_out_of_memory: Callable[[BaseException], bool],
    ) -> None:
        self.model, self.job, self.on_step, self.cache = model, job, on_step, cache
        self.is_out_of_memory = is_out_of_memory
        self.start = _first(job)
        self.steps_of_one = job.last_step - self.start
        self.done = 0
        self.reports: list[Any] = []
        self.facts = provenance(model, job)

    def all(self) -> Rendered:
        import torch

        seeds = self.job.seeds
        found = {index: kept for index in range(len(seeds)) if (kept := self._kept(index))}
        from_cache = len(found)
        text = self.model.pipeline.studioflow_text
        text.enabled = self.job.reuse
        reused_before = text.reused
        self.done = from_cache * self.steps_of_one
        missing = [index for index in range(len(seeds)) if index not in found]
        prepare(self.model.pipeline, self.model.speed)
        activate(self.model.pipeline, self.model.loras, self.model.memory.device)
        batch = self._batch(len(missing))
        while missing:
            try:
                found |= self._some(missing[:batch])
            except Exception as error:
                if not self.is_out_of_memory(error):
                    raise
                if batch == 1:
                    raise _out_of_memory(self.model, self.job) from error
                batch //= 2
                self.done = len(found) * self.steps_of_one
                continue
            missing = missing[batch:]
        ordered = [found[index] for index in range(len(seeds))]
        latents = FiboLatents(
            torch.stack([one["latents"] for one in ordered]),
            self.model.family.dialect,
            self.job.last_step,
            self.job.steps,
            tuple(seeds),
        )
        facts = dict(self.facts)
        for report in self.reports:
            facts |= report.facts()
        notices = self._notices(from_cache, text.reused > reused_before)
        return Rendered(torch.stack([one["image"] for one in ordered]), latents, facts, notices)

    def _some(self, indices: list[int]) -> dict[int, dict[str, torch.Tensor]]:
        """The pictures of these indices in one batch."""
        model, job = self.model, self.job
        held = self._rendered(indices)
        samples = from_pipeline(model, held, job.width, job.height).float().cpu()
        images = decode(model, FiboLatents(samples, model.family.dialect))
        pictures = {}
        for place, index in enumerate(indices):
            pictures[index] = {"image": images[place], "latents": samples[place]}
            if self.cache:
                self.cache.put(self._key(index), pictures[index])
        return pictures

    def _rendered(self, indices: list[int]) -> torch.Tensor:
        """The latents of these pictures as the pipeline leaves them."""
        import torch

        model, job, pipeline = self.model, self.job, self.model.pipeline
        arguments: dict[str, Any] = {
            "prompt": job.caption,
            "negative_prompt": job.negative or _empty_negative(model),
            "width": job.width,
            "height": job.height,
            "num_inference_steps": job.steps,
            "guidance_scale": job.cfg,
            "num_images_per_prompt": len(indices),
            "output_type": "latent",
        }
        if job.latents:
            arguments["latents"] = to_pipeline(model, torch.cat([self._begin(index) for index in indices]))
        else:
            arguments["generator"] = [torch.Generator("cpu").manual_seed(job.seeds[index]) for index in indices]
        if job.images:
            # A copy: FIBO Edit paints the mask into the list that it is given.
            arguments |= {"image": list(job.images), "mask": job.mask}
        if model.family.dialect == "fibo-2":
            arguments |= {"render_text_images": job.draw_text, "fonts": _fonts(model)}
        own_scheduler, pipeline.scheduler = pipeline.scheduler, window(model, self.start, job.last_step)
        try:
            with running(pipeline, model.speed) as report:
                arguments["callback_on_step_end"] = self._callback(len(indices))
                held = pipeline(**arguments).images
        finally:
            pipeline.scheduler = own_scheduler
        self.reports.append(report)
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
                level = [float(sigma) for sigma in pipeline.scheduler.sigmas[step : step + 2]] if before else []

                def estimate() -> torch.Tensor | None:
                    # Euler: the step went along the velocity, and the picture lies at its end.
                    if not before:
                        return None
                    velocity = (now - before[0]) / (level[1] - level[0])
                    held = (now - level[1] * velocity).float()
                    spatial = from_pipeline(self.model, held, self.job.width, self.job.height)
                    return patchified(self.model, spatial)

                self.on_step(self.done, len(self.job.seeds) * self.steps_of_one, estimate)
            before[:] = [now]
            return tensors

        return after_step

    def _batch(self, missing: int) -> int:
        """How many pictures to render at once, by the memory that is there."""
        one = working_bytes(self.model, self.job)
        batch = max(1, min(missing, MAX_BATCH, self.model.memory.room_beside("transformer") // one))
        self.model.memory.expect("transformer", batch * one)
        return batch

    def _kept(self, index: int) -> dict[str, torch.Tensor] | None:
        return self.cache.get(self._key(index)) if self.cache else None

    def _key(self, index: int) -> str:
        """Everything that decides a picture; not how many are rendered beside it."""
        job, latents = self.job, self.job.latents
        begin = None
        if latents:
            begin = (latents.samples[index if len(latents.samples) > 1 else 0], latents.step, latents.steps)
        settings = {name: value for name, value in self.facts.items() if name != "seeds"}
        return digest(
            settings,
            job.seeds[index],
            job.caption,
            job.negative,
            job.draw_text,
            job.images,
            job.mask,
            begin,
            tuple(self.model.speed),
        )

    def _notices(self, from_cache: int, caption_reused: bool) -> list[str]:
        job = self.job
        notices = []
        if from_cache:
            notices.append(f"{from_cache} of {len(job.seeds)} pictures were finished before and not rendered again")
        if caption_reused and from_cache < len(job.seeds):
            notices.append("the caption was read before")
        if job.negative.strip() and job.cfg <= 1:
            notices.append("the negative has no effect at a cfg of 1")
        return notices


def working_bytes(model: FiboModel, job: Job) -> int:
    """About what one picture takes on the device beside the weights: the tokens of a block, a dozen times over."""
    settings = model.pipeline.transformer.config
    width = getattr(settings, "dim", None) or settings.num_attention_heads * settings.attention_head_dim
    pixels = job.width * job.height + len(job.images) * 1024 * 1024
    return (pixels // 256 + 2048) * width * model.pipeline.transformer.dtype.itemsize * 24


def _sized(model: FiboModel, job: Job) -> Job:
    """The job with the size that the pipeline itself takes for the first image, where width and height are open."""
    if not job.images or job.width or job.height or "edit" not in model.family.tasks:
        return job
    width, height = open_size(model, *job.images[0].size)
    return replace(job, width=width, height=height)


def _first(job: Job) -> int:
    if not job.latents:
        return 0
    return min(job.last_step - 1, first_step(job.steps, job.strength)) if job.latents.finished else job.latents.step


def _fonts(model: FiboModel) -> list[str]:
    """The fonts that come with the model, in the order that its training drew text with them."""
    fonts = sorted((model.folder / "fonts").glob("*.[to]tf"), key=lambda path: ("dejavu" in path.name.lower(), path))
    return [str(font) for font in fonts]


def _empty_negative(model: FiboModel) -> str | None:
    # FIBO 2 has a trained null caption, which its pipeline uses for None; an empty text is something else to it.
    return None if model.family.dialect == "fibo-2" else ""


def _is_out_of_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError)


def _out_of_memory(model: FiboModel, job: Job) -> ModelError:
    return ModelError(
        "the device ran out of memory",
        where=str(model.memory.device),
        found=f"{model.family.title} in {model.dtype}, {job.width} × {job.height} pixels, one picture at a time",
        allowed="about 1024 × 1024 pixels",
        fix="take a smaller size or fewer pictures to edit, choose int8 or nf4 as quantization in FIBO Loader, or "
        "start ComfyUI with --lowvram",
    )
