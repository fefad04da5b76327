"""Pictures that count for a part of the steps: both parts against the same done by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from studioflow.caption.instruct import edit_caption
from studioflow.errors import ModelError
from studioflow.fibo.cache import PictureCache
from studioflow.fibo.job import Job, provenance
from studioflow.fibo.latents import encode_all
from studioflow.fibo.pictures import references, region
from studioflow.fibo.render import render

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

PLAIN = '{"short_description":"a cup é"}'
SIZE: dict[str, Any] = {"width": 32, "height": 32}
STEPS = 4


@pytest.fixture
def fibo_2(loaded: dict[str, Any]) -> Any:
    if "2" not in loaded:
        pytest.skip(NO_FIBO_2)
    return loaded["2"]


def photo(seed: int = 1) -> Any:
    return references([torch.rand((1, 32, 32, 3), generator=torch.Generator().manual_seed(seed))])[0]


def job_for(**changes: Any) -> Job:
    caption = edit_caption(PLAIN, "Use this edge map to generate a cup").caption
    usual = SIZE | {"caption": caption, "images": (photo(),), "seed": 3, "steps": STEPS, "cfg": 5.0}
    return Job(**usual | changes)


def painted(model: Any, **changes: Any) -> Any:
    return render(model, job_for(**{"caption": PLAIN, "images": ()} | changes))


@pytest.mark.parametrize("guided", [1, 2, 3])
def test_is_both_parts_done_by_hand(fibo_2: Any, guided: int) -> None:
    done = render(fibo_2, job_for(guide_until=guided / STEPS, count=2))
    half = render(fibo_2, job_for(stop_at=guided, count=2))
    rest = painted(fibo_2, latents=half.latents)
    assert torch.equal(done.images, rest.images) and torch.equal(done.latents.samples, rest.latents.samples)
    assert done.latents.finished and done.latents.seeds == (3, 4)


def test_1_is_the_render_that_it_was(editor: Any, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    before = render(editor, job_for(), cache=cache)
    again = render(editor, job_for(guide_until=1.0), cache=cache)
    assert "finished before" in again.notices[0] and torch.equal(again.images, before.images)
    assert "guide_until" not in before.provenance


def test_the_hold_loosens_as_guide_until_falls(fibo_2: Any) -> None:
    whole, free = render(fibo_2, job_for()).images, painted(fibo_2).images
    sweep = [render(fibo_2, job_for(guide_until=part / STEPS)).images for part in (4, 3, 2, 1)]
    from_whole = [(one - whole).abs().mean().item() for one in sweep]
    from_free = [(one - free).abs().mean().item() for one in sweep]
    assert from_whole[0] == 0 and from_free[-1] > 0
    for earlier, later in pairwise(range(4)):
        assert from_whole[earlier] < from_whole[later] and from_free[earlier] > from_free[later]


def test_stops_and_goes_on_in_either_part(fibo_2: Any) -> None:
    job = job_for(guide_until=0.5)
    whole = render(fibo_2, job).images
    for stop_at in (1, 2, 3):
        half = render(fibo_2, replace(job, stop_at=stop_at))
        assert half.latents.step == stop_at
        rest = render(fibo_2, replace(job, latents=half.latents))
        assert torch.equal(rest.images, whole) and rest.provenance["continued_at"] == stop_at


def test_several_pictures_and_a_mask(fibo_2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fibo_2.pipeline, "default_sample_size", 8)
    caption = edit_caption(PLAIN, "Match the edges of <image_1> in the style of <image_2>", images=2).caption
    two = job_for(caption=caption, images=(photo(), photo(2)), guide_until=0.5)
    area = torch.zeros(32, 32)
    area[:9] = 1
    masked = job_for(guide_until=0.5, mask=region(area))
    for job in (two, masked):
        half = render(fibo_2, replace(job, guide_until=1.0, stop_at=2))
        assert torch.equal(render(fibo_2, job).images, painted(fibo_2, latents=half.latents).images)


def test_with_a_start_image_beside_the_pictures(fibo_2: Any) -> None:
    base = encode_all(fibo_2, [photo(5)], 32, 32)
    job = job_for(latents=base, strength=0.75, guide_until=0.5)
    told: list[tuple[int, int]] = []
    done = render(fibo_2, job, on_step=lambda now, all_, _: told.append((now, all_)))
    # One of four steps is left out, the second has the pictures, two are free.
    assert told == [(1, 3), (2, 3), (3, 3)]
    half = render(fibo_2, replace(job, guide_until=1.0, stop_at=2))
    assert torch.equal(done.images, painted(fibo_2, latents=half.latents).images)
    assert done.provenance["strength"] == 0.75 and done.provenance["guide_until"] == 0.5
    with pytest.raises(ModelError, match="count for no step") as caught:
        render(fibo_2, replace(job, strength=0.5))
    assert "more than 2 steps" in caught.value.allowed


def test_tells_all_steps_once_with_previews_over_the_turn(fibo_2: Any) -> None:
    told, estimates = [], []

    def on_step(now: int, all_: int, preview: Any) -> None:
        told.append((now, all_))
        estimates.append(preview())

    done = render(fibo_2, job_for(guide_until=0.5), on_step=on_step)
    assert told == [(step, STEPS) for step in range(1, STEPS + 1)]
    assert estimates[0] is None and all(one is not None for one in estimates[1:])
    final = fibo_2.pipeline._patchify_latents(done.latents.samples)
    assert torch.allclose(estimates[-1], final, atol=1e-4)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_stops_at_once_and_the_model_stays_usable(fibo_2: Any, stop_after: int) -> None:
    class Stop(Exception):
        pass

    def on_step(now: int, *_: Any) -> None:
        if now == stop_after:
            raise Stop

    scheduler, before = fibo_2.pipeline.scheduler, render(fibo_2, job_for(guide_until=0.5)).images
    with pytest.raises(Stop):
        render(fibo_2, job_for(guide_until=0.5), on_step=on_step)
    assert fibo_2.pipeline.scheduler is scheduler
    assert torch.equal(render(fibo_2, job_for(guide_until=0.5)).images, before)


def test_memory_that_runs_out_behind_the_turn(fibo_2: Any) -> None:
    job, told = job_for(guide_until=0.5, count=3), []

    def on_step(now: int, *_: Any) -> None:
        told.append(now)
        if len(told) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    done = render(fibo_2, job, on_step=on_step)
    assert torch.allclose(done.images, render(fibo_2, job).images, atol=1e-4) and told[-1] == 3 * STEPS


def test_finished_pictures_by_guide_until(fibo_2: Any, tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, 1 << 30)
    jobs = [job_for(guide_until=part) for part in (1.0, 0.75, 0.5)]
    done = [render(fibo_2, job, cache=cache) for job in jobs]
    assert not any("finished before" in " ".join(one.notices) for one in done)
    for job, first in zip(jobs, done, strict=True):
        again = render(fibo_2, job, cache=cache)
        assert "finished before" in again.notices[0]
        assert torch.equal(again.images, first.images) and again.provenance == first.provenance
    assert [one.provenance.get("guide_until") for one in done] == [None, 0.75, 0.5]


def test_only_captions_that_were_all_read_are_said_to_be_known(fibo_2: Any) -> None:
    plain = '{"short_description":"a jug, known without its pictures"}'
    guided = job_for(caption=edit_caption(plain, "Use this edge map to generate a jug").caption, guide_until=0.5)
    painted(fibo_2, caption=plain)
    assert "the caption was read before" not in render(fibo_2, guided).notices
    assert "the caption was read before" in render(fibo_2, replace(guided, seed=9)).notices


def test_a_model_that_only_edits(loaded: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="cannot go on without its pictures") as caught:
        render(loaded["edit"], job_for(guide_until=0.5))
    assert "FIBO 2.0 dev" in caught.value.allowed and "FIBO Edit" not in caught.value.allowed
    assert "keep it at 1" in caught.value.fix
    assert render(loaded["edit"], job_for(guide_until=1.0, steps=1)).images.isfinite().all()


def test_an_instruction_alone_is_not_enough(fibo_2: Any) -> None:
    alone = edit_caption("", "Use this edge map to generate a cup").caption
    with pytest.raises(ModelError, match="nothing but the edit instruction"):
        render(fibo_2, job_for(caption=alone, guide_until=0.5))
    assert render(fibo_2, job_for(caption=alone, steps=1)).images.isfinite().all()
    words = edit_caption("a red cup", "Use this edge map to generate a cup").caption
    half = render(fibo_2, job_for(caption=words, stop_at=2))
    by_hand = painted(fibo_2, caption="a red cup", latents=half.latents)
    assert torch.equal(render(fibo_2, job_for(caption=words, guide_until=0.5)).images, by_hand.images)


@pytest.mark.parametrize("part", [0.0, -0.5, 1.1, float("nan")])
def test_no_such_part(fibo_2: Any, part: float) -> None:
    with pytest.raises(ModelError, match="no such part of the steps"):
        render(fibo_2, job_for(guide_until=part))


@pytest.mark.parametrize(
    ("steps", "part", "guided"), [(30, 0.05, 2), (4, 0.05, 1), (1, 0.05, 1), (30, 0.5, 15), (4, 0.9, 4), (4, 1.0, 4)]
)
def test_how_many_steps_have_the_pictures(steps: int, part: float, guided: int) -> None:
    assert job_for(steps=steps, guide_until=part).guided_steps == guided


def test_what_has_no_effect_is_told(fibo_2: Any) -> None:
    assert "a guide_until of 0.9 is all of 4 steps" in render(fibo_2, job_for(guide_until=0.9)).notices
    free = job_for(caption=PLAIN, images=(), guide_until=0.5)
    assert "guide_until counts only with pictures" in render(fibo_2, free).notices
    assert "guide_until" not in provenance(fibo_2, free)
