"""Every way to render against the stock pipeline of diffusers, loaded apart and left as it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studioflow.caption import compile_for
from studioflow.caption.instruct import edit_caption
from studioflow.errors import DeviceMemoryError, ModelError
from studioflow.fibo.cache import PictureCache
from studioflow.fibo.job import Job, provenance
from studioflow.fibo.latents import decode, encode_all
from studioflow.fibo.menus import MAX_SEED
from studioflow.fibo.open_size import open_size
from studioflow.fibo.pictures import references
from studioflow.fibo.render import Rendered, render
from studioflow.fibo.schedule import first_step, sigmas
from studioflow.fibo.speed import Speed
from studioflow.fibo.standin import NOTICE

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
np = pytest.importorskip("numpy")

SMALL: dict[str, Any] = {"width": 64, "height": 48, "seed": 3, "steps": 3, "cfg": 5.0}
ROUNDING = 2e-5
"""What leaving out padding may change in a picture of 0..1 in float32."""


def caption_for(model: Any, **scene: Any) -> str:
    # Short: the stand-ins read a token a byte, and reading takes most of the time at this size.
    shot = {"studioflow": "1.0", "scene": {"description": "a cup"} | scene}
    return compile_for(shot, "auto", model.family)[0].caption


def job_for(model: Any, **changes: Any) -> Job:
    return Job(**{"caption": caption_for(model)} | SMALL | changes)


def edit_for(model: Any, images: int = 1, **changes: Any) -> Job:
    named = " and ".join(f"<image_{number}>" for number in range(1, images + 1))
    caption = edit_caption(caption_for(model), f"Make {named} blue", images=images).caption
    return Job(**{"caption": caption, "images": tuple(photos()[:images])} | SMALL | changes)


def photos() -> list[Any]:
    noise = torch.Generator().manual_seed(1)
    return references([torch.rand((1, *size, 3), generator=noise) for size in ((40, 60), (64, 64), (33, 50), (9, 20))])


_stock: dict[str, Any] = {}


def stock(model: Any, job: Job, **more: Any) -> Any:
    """What the untouched pipeline makes of it, ``[1, H, W, 3]``."""
    key = str(model.folder)
    if key not in _stock:
        _stock[key] = type(model.pipeline).__mro__[1].from_pretrained(model.folder, local_files_only=True)
        _stock[key].set_progress_bar_config(disable=True)
    pipeline = _stock[key]
    arguments: dict[str, Any] = {
        "prompt": job.caption,
        "negative_prompt": job.negative or ("" if model.family.dialect == "fibo-1" else None),
        "width": job.width,
        "height": job.height,
        "num_inference_steps": job.steps,
        "guidance_scale": job.cfg,
        "generator": torch.Generator().manual_seed(job.seed),
        "output_type": "pt",
    }
    if job.images:
        arguments |= {"image": list(job.images), "mask": job.mask}
    return pipeline(**arguments | more).images.permute(0, 2, 3, 1).float()


def exactly(model: Any) -> Any:
    return replace(model, speed=Speed(skip_padding=False))


def assert_near(ours: Any, theirs: Any) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < ROUNDING


@pytest.mark.parametrize(
    "changes",
    [{}, {"cfg": 1.0}, {"negative": '{"style_medium":"oil painting"}'}, {"steps": 1}, {"width": 16, "height": 16}],
    ids=["guided", "unguided", "negative", "one-step", "smallest"],
)
def test_text_to_image(model: Any, changes: dict[str, Any]) -> None:
    job = job_for(model, **changes)
    theirs = stock(model, job)
    assert torch.equal(render(exactly(model), job).images, theirs)
    done = render(model, job)
    assert done.images.dtype == torch.float32 and done.images.shape == (1, job.height, job.width, 3)
    assert_near(done.images, theirs)


def test_edit(editor: Any) -> None:
    job = edit_for(editor)
    assert torch.equal(render(exactly(editor), job).images, stock(editor, job))
    assert_near(render(editor, job).images, stock(editor, job))


@pytest.mark.parametrize("images", [2, 4])
def test_edit_of_several_pictures(editor: Any, images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    job = edit_for(editor, images, width=32, height=32, steps=2)
    stock(editor, edit_for(editor, width=16, height=16, steps=1, cfg=1.0))
    for pipeline in (editor.pipeline, _stock[str(editor.folder)]):
        # FIBO 2 scales each of several pictures to a megapixel, which here takes a minute.
        monkeypatch.setattr(pipeline, "default_sample_size", 8)
    assert_near(render(editor, job).images, stock(editor, job))


def test_edit_of_a_masked_region(editor: Any) -> None:
    from studioflow.fibo.mask import mask_to_pil

    area = torch.zeros(40, 60)
    area[:20, 10:40] = 1
    job = edit_for(editor, mask=mask_to_pil(area))
    ours = render(editor, job).images
    assert_near(ours, stock(editor, job))
    assert not torch.equal(ours, render(editor, replace(job, mask=None)).images)


def test_an_open_size_is_that_of_the_pipeline(editor: Any) -> None:
    job = edit_for(editor, width=0, height=0, steps=1, cfg=1.0)
    ours = render(editor, job)
    assert tuple(ours.images.shape[1:3]) == tuple(reversed(open_size(editor, 60, 40)))
    assert_near(ours.images, stock(editor, job, width=None, height=None))


def test_text_is_shown_to_fibo_2(loaded: dict[str, Any]) -> None:
    if "2" not in loaded:
        pytest.skip(NO_FIBO_2)
    model = loaded["2"]
    job = job_for(model, caption=caption_for(model, text=[{"text": "OPEN"}]))
    drawn = render(model, job).images
    assert_near(drawn, stock(model, job))
    plain = render(model, replace(job, draw_text=False)).images
    assert_near(plain, stock(model, job, render_text_images=False))
    assert not torch.equal(drawn, plain)


def test_image_to_image_is_the_truncated_schedule(model: Any) -> None:
    """The pattern that both generations' references give: the stock pipeline, a shorter schedule, noise mixed in."""
    job = job_for(model, steps=5, strength=0.6, latents=encode_all(model, photos()[:1], 64, 48))
    ours = render(model, job).images
    theirs = _image_to_image(model, job, keep=3)
    assert_near(ours, theirs)


def _image_to_image(model: Any, job: Job, keep: int) -> Any:
    stock(model, job_for(model, steps=1))
    pipeline = _stock[str(model.folder)]
    own = pipeline.scheduler

    class Shorter(diffusers.FlowMatchEulerDiscreteScheduler):
        def set_timesteps(self, num_inference_steps=None, device=None, sigmas=None, mu=None, timesteps=None):
            super().set_timesteps(num_inference_steps, device=device, sigmas=sigmas, mu=mu, timesteps=timesteps)
            self.timesteps, self.sigmas = self.timesteps[-keep:], self.sigmas[-keep - 1 :]
            level = self.sigmas[0]
            begin.copy_((1 - level) * begin + level * noise)

    given = job.latents.samples
    noise = torch.randn(given.shape, generator=torch.Generator().manual_seed(job.seed))
    if model.family.dialect == "fibo-1":
        given, noise = (tensor.flatten(2).transpose(1, 2).contiguous() for tensor in (given, noise))
    # The pipeline takes float32 latents as they are, so what the schedule writes into them is where it begins.
    begin = given.clone()
    pipeline.scheduler = Shorter.from_config(own.config)
    try:
        return stock(model, job, latents=begin)
    finally:
        pipeline.scheduler = own


def test_strength_one_forgets_the_picture_and_a_small_one_keeps_it(model: Any) -> None:
    latents = encode_all(model, photos()[:1], 64, 48)
    job = job_for(model, steps=4, latents=latents)
    assert_near(render(model, job).images, render(model, replace(job, latents=None)).images)
    kept = decode(model, latents)
    weak, strong = (render(model, replace(job, strength=strength)).latents.samples for strength in (0.25, 0.75))
    given = latents.samples
    assert (weak - given).abs().mean() < (strong - given).abs().mean()
    assert kept.shape == (1, 48, 64, 3)


@pytest.mark.parametrize("stop_at", [1, 2, 3])
def test_a_render_that_stopped_goes_on_to_the_same_picture(model: Any, stop_at: int) -> None:
    job = job_for(model, steps=4, count=2)
    whole = render(model, job)
    half = render(model, replace(job, stop_at=stop_at))
    assert (half.latents.step, half.latents.steps, half.latents.finished) == (stop_at, 4, False)
    rest = render(model, replace(job, latents=half.latents, seed=99))
    assert torch.allclose(rest.images, whole.images, atol=ROUNDING)
    assert rest.latents.finished and rest.provenance["continued_at"] == stop_at
    assert rest.provenance["seeds"] == whole.provenance["seeds"]


def test_decode_without_clamp(model: Any) -> None:
    done = render(model, job_for(model))
    assert torch.equal(decode(model, done.latents), done.images)
    if model.family.dialect == "fibo-1":
        with pytest.raises(ModelError, match="clamps by itself"):
            decode(model, done.latents, clamp=False)
        return
    free = decode(model, replace(done.latents, samples=done.latents.samples * 20), clamp=False)
    assert free.min() < 0 or free.max() > 1
    assert torch.equal(free.clamp(0, 1), decode(model, replace(done.latents, samples=done.latents.samples * 20)))


def test_is_not_rounded_to_8_bits(model: Any) -> None:
    levels = render(model, job_for(model)).images * 255
    assert (levels - levels.round()).abs().max() > 0.1


def test_same_seed_same_bits_and_each_picture_as_if_alone(model: Any) -> None:
    job = job_for(model, count=3)
    three = render(model, job).images
    assert torch.equal(three, render(model, job).images)
    for index in range(3):
        alone = render(model, replace(job, count=1, seed=job.seed + index)).images
        assert (three[index] - alone[0]).abs().max() < 1e-4
    assert not torch.equal(three[0], three[1])


def test_a_batch_that_does_not_fit_is_taken_apart(model: Any) -> None:
    job = job_for(model, count=5, reuse_pictures=False)
    told: list[int] = []

    def on_step(done: int, total: int, preview: Any) -> None:
        told.append(done)
        if len(told) == 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    whole = render(model, job).images
    done = render(model, job, on_step=on_step)
    assert torch.allclose(done.images, whole, atol=1e-4)
    assert told[-1] == 5 * 3 and max(told) == 15


def test_too_little_memory_for_one_picture(model: Any) -> None:
    def on_step(done: int, total: int, preview: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    with pytest.raises(ModelError, match="ran out of memory") as caught:
        render(model, job_for(model), on_step=on_step)
    assert "quantization" in caught.value.fix and "64 × 48" in caught.value.found
    assert render(model, job_for(model)).images.shape[0] == 1


def test_too_little_memory_for_the_decoder(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory")

    done = render(model, job_for(model))
    monkeypatch.setattr(model.pipeline.vae.decoder, "forward", full)
    with pytest.raises(DeviceMemoryError, match="ran out of memory") as caught:
        decode(model, done.latents)
    assert "64 × 48" in caught.value.found and "--lowvram" not in caught.value.fix
    monkeypatch.undo()
    assert torch.equal(decode(model, done.latents), done.images)


def test_a_picture_of_no_numbers_is_an_error_and_not_kept(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    monkeypatch.setattr(
        "studioflow.fibo.render.decode", lambda model, latents: torch.full((1, 48, 64, 3), float("nan"))
    )
    with pytest.raises(ModelError, match="no numbers"):
        render(model, job_for(model), cache=cache)
    monkeypatch.undo()
    assert render(model, job_for(model), cache=cache).images.isfinite().all()


@pytest.mark.parametrize("seed", [0, 2**31, 2**32, 2**63 - 1, 2**63, MAX_SEED])
def test_seeds_of_the_whole_range(model: Any, seed: int) -> None:
    job = job_for(model, seed=seed, steps=1)
    assert_near(render(model, job).images, stock(model, job))


def test_seeds_run_over_the_end_of_the_range(model: Any) -> None:
    job = job_for(model, count=2, seed=MAX_SEED)
    assert provenance(model, job)["seeds"] == [MAX_SEED, 0]
    assert torch.allclose(
        render(model, job).images[1], render(model, replace(job, seed=0, count=1)).images[0], atol=1e-4
    )


def test_tells_every_step_with_a_preview_that_comes_near(model: Any) -> None:
    told: list[tuple[int, int]] = []
    estimates: list[Any] = []

    def on_step(done: int, total: int, preview: Any) -> None:
        told.append((done, total))
        estimates.append(preview())

    done = render(model, job_for(model, steps=4), on_step=on_step)
    assert told == [(step, 4) for step in range(1, 5)]
    assert estimates[0] is None
    channels = 48 if model.family.dialect == "fibo-1" else 128
    assert {tuple(one.shape) for one in estimates[1:]} == {(1, channels, 3, 4)}
    # The last estimate is the picture itself.
    final = done.latents.samples
    final = final if channels == 48 else model.pipeline._patchify_latents(final)
    assert torch.allclose(estimates[-1], final, atol=1e-4)


def test_waits_for_the_device_no_more_than_once_a_step(model: Any) -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Waits(TorchDispatchMode):
        """Counts numbers that Python reads from tensors: on an accelerator each waits for all work before it."""

        count = 0

        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            self.count += function is torch.ops.aten._local_scalar_dense.default
            return function(*args, **(kwargs or {}))

    counts = []
    for steps in (3, 9):
        with Waits() as waits:
            render(model, job_for(model, steps=steps, seed=steps), on_step=lambda *_: None)
        counts.append(waits.count)
    assert counts[1] - counts[0] <= 6


def test_tells_every_step_of_every_picture(model: Any) -> None:
    told: list[tuple[int, int]] = []
    render(model, job_for(model, count=2), on_step=lambda done, total, preview: told.append((done, total)))
    assert told[-1] == (6, 6) and told == sorted(told)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_stops_at_once_and_the_model_stays_usable(model: Any, stop_after: int) -> None:
    class Stop(Exception):
        pass

    told: list[int] = []

    def on_step(done: int, total: int, preview: Any) -> None:
        told.append(done)
        if done == stop_after:
            raise Stop

    job = job_for(model)
    before = render(model, job).images
    with pytest.raises(Stop):
        render(model, job, on_step=on_step)
    assert told == list(range(1, stop_after + 1))
    assert torch.equal(render(model, job).images, before)


def rendered_again(model: Any, job: Job, cache: PictureCache) -> tuple[Rendered, int]:
    """The job done, and how many times the transformer ran for it."""
    runs: list[int] = []
    hook = model.pipeline.transformer.register_forward_hook(lambda *_: runs.append(1))
    try:
        return render(model, job, cache=cache), len(runs)
    finally:
        hook.remove()


def test_finished_pictures_are_not_rendered_again(model: Any, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    job = job_for(model, count=3)
    first, ran = rendered_again(model, job, cache)
    assert ran and not any("finished before" in notice for notice in first.notices)
    # Another object, as after a restart.
    again, ran = rendered_again(model, job, PictureCache(tmp_path, 1 << 30))
    assert not ran and torch.equal(again.images, first.images) and again.provenance == first.provenance
    assert torch.equal(again.latents.samples, first.latents.samples)
    assert "3 of 3 pictures were finished before" in again.notices[0]
    more, ran = rendered_again(model, replace(job, count=4), cache)
    assert ran and "3 of 4 pictures" in more.notices[0]
    assert torch.equal(more.images[:3], first.images)
    off, ran = rendered_again(model, replace(job, reuse_pictures=False, reuse_captions=False), cache)
    assert ran and not off.notices


def test_what_was_finished_before_a_crash_stays(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(BaseException):
        pass

    def on_step(done: int, total: int, preview: Any) -> None:
        if done > 4:
            raise Crash

    monkeypatch.setattr("studioflow.fibo.render.MAX_BATCH", 1)
    cache = PictureCache(tmp_path, 1 << 30)
    with pytest.raises(Crash):
        render(model, job_for(model, count=3), cache=cache, on_step=on_step)
    done, _ = rendered_again(model, job_for(model, count=3), cache)
    assert "1 of 3 pictures" in done.notices[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": 2},
        {"cfg": 4.0},
        {"negative": "{}"},
        {"width": 48},
        {"seed": 9},
        {"stop_at": 2},
        {"draw_text": False},
        {"caption": '{"short_description":"another"}'},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_decides_a_picture_is_in_its_key(model: Any, changes: dict[str, Any], tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    render(model, job_for(model), cache=cache)
    _, ran = rendered_again(model, job_for(model, **changes), cache)
    assert ran


def test_whatever_the_model_is_set_to_is_in_its_key(model: Any, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    render(model, job_for(model), cache=cache)
    for other in (
        replace(model, speed=Speed(step_cache=0.9)),
        replace(model, speed=Speed(channels_last=True)),
        replace(model, dtype="bfloat16"),
        replace(model, quantization="int8"),
        replace(model, fingerprint="0" * 64),
    ):
        done, ran = rendered_again(other, job_for(model), cache)
        assert ran
        again, ran = rendered_again(other, job_for(model), cache)
        assert not ran and again.provenance == done.provenance
    assert render(replace(model, speed=Speed(step_cache=0.9)), job_for(model)).provenance["step_cache"] == 0.9


def test_whatever_goes_into_an_edit_is_in_its_key(editor: Any, tmp_path: Path) -> None:
    from studioflow.fibo.mask import mask_to_pil

    cache = PictureCache(tmp_path, 1 << 30)
    job = edit_for(editor, steps=1, cfg=1.0, width=32, height=32)
    area = torch.zeros(40, 60)
    area[:9, :9] = 1
    latents = encode_all(editor, photos()[1:2], 32, 32)
    jobs = [
        job,
        replace(job, images=(photos()[1],)),
        replace(job, mask=mask_to_pil(area)),
        replace(job, mask=mask_to_pil(1 - area)),
        replace(job, latents=latents),
        replace(job, latents=latents, strength=0.5, steps=2),
        replace(job, latents=replace(latents, samples=latents.samples + 1)),
    ]
    for one in jobs:
        assert rendered_again(editor, one, cache)[1]
    for one in jobs:
        assert not rendered_again(editor, one, cache)[1]


def test_an_edit_of_many_and_from_latents(editor: Any) -> None:
    job = edit_for(editor, count=2, steps=2, width=32, height=32)
    two = render(editor, job).images
    assert (two[1] - render(editor, replace(job, seed=4, count=1)).images[0]).abs().max() < 1e-4
    latents = encode_all(editor, photos()[1:2], 32, 32)
    begun = render(editor, replace(job, latents=latents, width=0, height=0, strength=0.5))
    assert begun.images.shape == (2, 32, 32, 3) and begun.provenance["strength"] == 0.5


def test_a_second_seed_does_not_read_the_caption_again(model: Any) -> None:
    reads: list[int] = []
    hook = model.pipeline.text_encoder.register_forward_hook(lambda *_: reads.append(1))
    try:
        job = job_for(model, caption=caption_for(model, mood="calm and new"))
        render(model, job)
        assert reads
        reads.clear()
        done = render(model, replace(job, seed=77))
        assert not reads and "the caption was read before" in done.notices
        render(model, replace(job, seed=78, reuse_captions=False))
        assert reads
    finally:
        hook.remove()


@pytest.mark.parametrize(("width", "fix"), [(1000, "take 992 or 1008"), (5000, "take 4096"), (8, "take 16")])
def test_sizes_fibo_cannot_render(model: Any, width: int, fix: str) -> None:
    with pytest.raises(ModelError, match=fix):
        render(model, job_for(model, width=width))


def test_empty_caption(model: Any) -> None:
    with pytest.raises(ModelError, match="caption is empty"):
        render(model, job_for(model, caption="  "))


def test_fibo_1_refuses_plain_text(loaded: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="structured captions only"):
        render(loaded["1"], job_for(loaded["1"], caption="a red cup"))


def test_the_wrong_family_in_the_wrong_place(loaded: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="cannot edit pictures"):
        render(loaded["1"], edit_for(loaded["1"]))
    with pytest.raises(ModelError, match="only edits pictures"):
        render(loaded["edit"], job_for(loaded["edit"]))
    single = replace(loaded["edit"], family=loaded["edit"].family._replace(references=1))
    with pytest.raises(ModelError, match="takes fewer pictures"):
        render(single, edit_for(single, 2))


def test_latents_that_do_not_fit(loaded: dict[str, Any]) -> None:
    model = loaded["1"]
    job = job_for(model, latents=encode_all(model, photos()[:1], 64, 48))
    with pytest.raises(ModelError, match="latents are of another size"):
        render(model, replace(job, width=96))
    with pytest.raises(ModelError, match="another number of pictures"):
        render(model, replace(job, latents=encode_all(model, photos()[:2], 64, 48), count=3))
    half = render(model, job_for(model, stop_at=2)).latents
    with pytest.raises(ModelError, match="another schedule"):
        render(model, job_for(model, latents=half, steps=7))
    with pytest.raises(ModelError, match="further than that"):
        render(model, job_for(model, latents=half, stop_at=1))
    if "2" in loaded:
        with pytest.raises(ModelError, match="of another FIBO"):
            render(loaded["2"], job_for(loaded["2"], latents=half))


def test_a_mask_of_another_size(editor: Any) -> None:
    from studioflow.fibo.mask import mask_to_pil

    with pytest.raises(ModelError, match="another size than the picture") as caught:
        render(editor, edit_for(editor, mask=mask_to_pil(torch.ones(41, 60))))
    assert "60 × 41" in caught.value.found and "60 × 40" in caught.value.allowed
    with pytest.raises(ModelError, match="single picture"):
        render(editor, edit_for(editor, 2, mask=mask_to_pil(torch.ones(40, 60))))


def test_stops_before_it_begins(model: Any) -> None:
    latents = encode_all(model, photos()[:1], 64, 48)
    with pytest.raises(ModelError, match="stop before it begins") as caught:
        render(model, job_for(model, steps=10, latents=latents, strength=0.2, stop_at=3))
    assert "above 8" in caught.value.allowed


def test_captions_of_the_other_task(editor: Any, model: Any) -> None:
    with pytest.raises(ModelError, match="caption of an edit"):
        render(model, job_for(model, caption=edit_for(editor).caption))
    with pytest.raises(ModelError, match="names a picture that is not there"):
        render(editor, replace(edit_for(editor, 2), images=edit_for(editor).images))
    wrapped = json.dumps({"structured_caption": {"short_description": "x"}, "edit_instruction": "y", "context": "z"})
    with pytest.raises(ModelError, match="other keys beside it") as caught:
        render(editor, edit_for(editor, caption=wrapped))
    assert caught.value.found == "context"
    with pytest.raises(ModelError, match="only one side is left open"):
        render(editor, edit_for(editor, width=0))


def test_an_edit_without_an_instruction(editor: Any) -> None:
    with pytest.raises(ModelError, match="no edit instruction"):
        render(editor, edit_for(editor, caption=caption_for(editor)))


@pytest.mark.parametrize("size", [(1, 1), (7, 31), (1, 16), (257, 300)])
def test_pictures_of_odd_sizes(editor: Any, size: tuple[int, int]) -> None:
    picture = torch.rand((1, *size, 4), generator=torch.Generator().manual_seed(0))
    job = edit_for(editor, images=1, steps=1, cfg=1.0, width=32, height=32)
    job = replace(job, images=tuple(references([picture])))
    assert_near(render(editor, job).images, stock(editor, job))


def test_alpha_is_dropped_and_values_are_clamped() -> None:
    picture = torch.tensor([[[[0.5, 2.0, -1.0, 0.1]]]])
    (seen,) = references([picture])
    assert seen.mode == "RGB" and seen.getpixel((0, 0)) == (128, 255, 0)


def test_a_picture_of_16k() -> None:
    (seen,) = references([torch.zeros((1, 1024, 16384, 3))])
    assert seen.size == (16384, 1024)
    with pytest.raises(ModelError, match="too large or too long"):
        references([torch.zeros((1, 1, 16385, 3))])
    with pytest.raises(ModelError, match="too large or too long"):
        references([torch.zeros((1, 1, 17, 3))])
    with pytest.raises(ModelError, match="no numbers"):
        references([torch.full((1, 2, 2, 3), float("nan"))])


def test_provenance_names_model_and_notice(model: Any) -> None:
    facts = render(model, job_for(model)).provenance
    assert facts["notice"] == NOTICE and len(facts["fingerprint"]) == 64 and facts["seeds"] == [3]
    json.dumps(facts)


def test_a_part_of_a_render_says_what_the_other_was(model: Any) -> None:
    half = render(model, job_for(model, stop_at=2, cfg=4.0))
    facts = render(model, job_for(model, latents=half.latents)).provenance
    assert facts["first_part"] == half.provenance and facts["first_part"]["cfg"] == 4.0
    begun = [
        render(model, job_for(model, latents=replace(half.latents, step=3, steps=3, samples=samples), strength=0.5))
        for samples in (half.latents.samples, half.latents.samples * 2)
    ]
    assert begun[0].provenance["begun_with"] != begun[1].provenance["begun_with"]


def test_blank_is_empty(model: Any) -> None:
    assert torch.equal(render(model, job_for(model, negative=" \n")).images, render(model, job_for(model)).images)


def test_what_has_no_effect_is_told(model: Any) -> None:
    def told(**changes: Any) -> str:
        return " ".join(render(model, job_for(model, steps=2, **changes)).notices)

    assert "strength counts only" in told(strength=0.5)
    half = render(model, job_for(model, steps=2, stop_at=1)).latents
    assert "seeds are those of the latents" in told(latents=half, seed=50)
    distilled = replace(model, family=model.family._replace(negative=False, cfg=1.0))
    assert "distilled for a cfg of 1" in " ".join(render(distilled, job_for(model)).notices)


def test_a_new_caption_is_not_said_to_be_known(model: Any) -> None:
    for cfg in (5.0, 1.0):
        job = job_for(model, caption=caption_for(model, mood=f"new {cfg}"), cfg=cfg, steps=1, count=9)
        assert not render(model, job).notices
        assert render(model, job).notices == ["the caption was read before"]


def test_a_negative_without_guidance_is_told(model: Any) -> None:
    assert any("no effect" in told for told in render(model, job_for(model, cfg=1.0, negative="{}")).notices)


def test_the_schedule_goes_from_noise_to_the_picture(model: Any) -> None:
    levels = sigmas(model, 1024, 1024, 30)
    assert len(levels) == 31 and levels[0] == 1 and levels[-1] == 0
    assert levels == sorted(levels, reverse=True)
    assert [first_step(10, strength) for strength in (1, 0.6, 0.01)] == [0, 4, 9]
