"""Latents: encoded, decoded, packed and drawn as the pipelines do it, against loops over channels and the pipelines."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from studioflow.errors import ModelError
from studioflow.fibo.latents import (
    FiboLatents,
    decode,
    encode,
    encode_all,
    from_pipeline,
    noise,
    patchified,
    to_pipeline,
)
from studioflow.fibo.model import load_model
from studioflow.fibo.standin import build

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

WIDTH, HEIGHT = 64, 48
FAMILIES = ("fibo-1.0", "fibo-2.0-dev")


@pytest.fixture(scope="module")
def halves(models: Any) -> dict[str, Any]:
    """The models in bfloat16, as an accelerator has them."""
    from studioflow.fibo.folders import find_models

    found = {found.name.rsplit("-", 1)[1]: found for found in find_models([models])}
    return {key: load_model(found[key], dtype="bfloat16") for key in ("1", "2") if key in found}


@pytest.fixture(params=["float32", "bfloat16"])
def painter(request: pytest.FixtureRequest, model: Any, halves: dict[str, Any]) -> Any:
    """Both generations in both dtypes."""
    return model if request.param == "float32" else halves["1" if first(model) else "2"]


def first(model: Any) -> bool:
    return model.family.dialect == "fibo-1"


def picture(seed: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> Image.Image:
    values = torch.randint(0, 256, (size[1], size[0], 3), generator=torch.Generator().manual_seed(seed))
    return Image.fromarray(values.to(torch.uint8).numpy())


def drawn(model: Any, seed: int = 0, count: int = 1) -> FiboLatents:
    channels, scale = (48, 16) if first(model) else (32, 8)
    shape = (count, channels, HEIGHT // scale, WIDTH // scale)
    return FiboLatents(torch.randn(shape, generator=torch.Generator().manual_seed(seed)), model.family.dialect)


def statistics(vae: Any, channel: int, row: int, column: int) -> tuple[float, float]:
    """Mean and standard deviation of the latents at such a place; FIBO 2 has those of each place within a patch."""
    if hasattr(vae, "bn"):
        patch = channel * 4 + row % 2 * 2 + column % 2
        variance = vae.bn.running_var[patch].item() + vae.config.batch_norm_eps
        return vae.bn.running_mean[patch].item(), variance**0.5
    return vae.config.latents_mean[channel], vae.config.latents_std[channel]


def scaled(vae: Any, samples: torch.Tensor, normalise: bool) -> torch.Tensor:
    """Each value by itself, in double precision: brought to mean 0 and deviation 1, or back."""
    done = samples.double()
    for place in itertools.product(*map(range, samples.shape[1:])):
        mean, std = statistics(vae, *place)
        where = (slice(None), *place)
        done[where] = (done[where] - mean) / std if normalise else done[where] * std + mean
    return done.float()


def stock(model: Any, kind: str = "") -> Any:
    """The stock pipeline, or another of diffusers, of the model's own parts."""
    pipeline = getattr(diffusers, kind or model.family.pipeline)(**model.pipeline.components)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def rendered(model: Any, output: str) -> torch.Tensor:
    """What the stock pipeline gives for one and the same seed."""
    settings = {"width": WIDTH, "height": HEIGHT, "num_inference_steps": 1, "guidance_scale": 1.0}
    generator = torch.Generator().manual_seed(7)
    return stock(model)('{"short_description":"a cup"}', generator=generator, output_type=output, **settings).images


@pytest.mark.parametrize("family_id", FAMILIES)
def test_no_statistic_of_a_standin_can_be_left_out_or_swapped(family_id: str) -> None:
    if family_id == "fibo-2.0-dev" and not hasattr(diffusers, "BriaFibo2Pipeline"):
        pytest.skip(NO_FIBO_2)

    def read(vae: Any) -> tuple[list[float], list[float]]:
        if hasattr(vae, "bn"):
            return vae.bn.running_mean.tolist(), vae.bn.running_var.tolist()
        return list(vae.config.latents_mean), list(vae.config.latents_std)

    means, spreads = read(build(family_id).vae)
    assert len(means) == len(spreads) == (48 if family_id == "fibo-1.0" else 128)
    for values in (means, spreads):
        ordered = sorted(values)
        assert all(after - before > 1e-6 for before, after in itertools.pairwise(ordered))
        assert ordered[-1] - ordered[0] > 0.9
    assert min(spreads) > 0.4 and not set(means) & set(spreads)
    torch.manual_seed(99)
    torch.rand(5)
    assert read(build(family_id).vae) == (means, spreads)


def test_a_standin_keeps_its_statistics_in_its_files(model: Any) -> None:
    fresh, kept = build(model.family.id).vae, model.pipeline.vae
    for place in itertools.product(range(32), range(2), range(2)):
        assert statistics(kept, *place) == statistics(fresh, *place)


def test_encoding_is_the_encoder_then_every_channel_normalised(model: Any) -> None:
    shot, vae = picture(), model.pipeline.vae
    values = torch.tensor(list(shot.tobytes()), dtype=torch.float32).reshape(HEIGHT, WIDTH, 3)
    pixels = values.permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        raw = vae.encode(pixels.unsqueeze(2) if first(model) else pixels).latent_dist.mode()
    expected = scaled(vae, raw.squeeze(2) if first(model) else raw, normalise=True)
    got = encode(model, shot, WIDTH, HEIGHT)
    assert got.samples.shape == expected.shape and torch.allclose(got.samples, expected, atol=1e-5)
    assert got.finished and got.size == (WIDTH, HEIGHT) and got.generation == model.family.dialect


def test_encoding_is_that_of_the_pipelines(painter: Any) -> None:
    pipeline, shot = stock(painter, "BriaFiboEditPipeline" if first(painter) else ""), picture()
    got = encode(painter, shot, WIDTH, HEIGHT).samples
    if first(painter):
        with torch.no_grad():
            tokens, _ = pipeline.prepare_reference_latents(shot, 48, torch.float32, torch.device("cpu"))
        expected = tokens.reshape(1, HEIGHT // 16, WIDTH // 16, 48).permute(0, 3, 1, 2)
    else:
        prepared, _ = pipeline.image_processor.preprocess([shot], height=HEIGHT, width=WIDTH)
        with torch.no_grad():
            expected = pipeline.prepare_image_latents(prepared, 1, torch.device("cpu"), torch.float32)[0]
    if first(painter) and painter.pipeline.vae.dtype == torch.bfloat16:
        # That pipeline normalises in the decoder's own dtype, and this one is more exact.
        assert torch.allclose(got, expected, rtol=2**-7, atol=2**-7)
    else:
        assert torch.equal(got, expected)
    assert got.dtype == torch.float32


def test_decoding_is_every_channel_unnormalised_then_the_decoder(model: Any) -> None:
    latents, vae = drawn(model, count=2), model.pipeline.vae
    raw = scaled(vae, latents.samples, normalise=False)
    with torch.no_grad():
        values = vae.decode(raw.unsqueeze(2) if first(model) else raw).sample
    expected = (values.squeeze(2) if first(model) else values) / 2 + 0.5
    got = decode(model, latents)
    assert got.shape == (2, HEIGHT, WIDTH, 3) and got.dtype == torch.float32
    assert torch.allclose(got, expected.clamp(0, 1).permute(0, 2, 3, 1), atol=1e-4)
    if not first(model):
        wide = FiboLatents(latents.samples * 30, "fibo-2")
        loose = decode(model, wide, clamp=False)
        assert loose.max() > 1 and torch.equal(loose.clamp(0, 1), decode(model, wide))


def test_in_float32_a_half_precision_model_decodes_like_a_full_one(painter: Any) -> None:
    """The weights are rounded already; what is compared is decoding with them, against the same rounded weights."""
    full = copy.deepcopy(painter.pipeline.vae)
    full.__dict__.pop("decode", None)
    full.float()
    latents = drawn(painter)
    raw = scaled(full, latents.samples, normalise=False)
    with torch.no_grad():
        values = full.decode(raw.unsqueeze(2) if first(painter) else raw).sample
    expected = (values.squeeze(2) if first(painter) else values) / 2 + 0.5
    before = painter.pipeline.vae.dtype
    got = decode(painter, latents, float32=True)
    assert torch.allclose(got, expected.clamp(0, 1).permute(0, 2, 3, 1), atol=1e-5)
    assert painter.pipeline.vae.dtype == before
    plain = decode(painter, latents)
    rounded = (got * 512).round() / 512
    if before == torch.bfloat16:
        assert not torch.equal(got, plain) and torch.allclose(got, plain, atol=0.1)
        assert not torch.allclose(got, rounded, atol=1e-6)
    else:
        assert torch.equal(got, plain)


def test_decoding_is_the_tail_of_the_pipeline(painter: Any) -> None:
    held, expected = rendered(painter, "latent"), rendered(painter, "pt")
    samples = from_pipeline(painter, held, WIDTH, HEIGHT).float()
    got = decode(painter, FiboLatents(samples, painter.family.dialect))
    # postprocess of diffusers leaves the pipeline's dtype, ours is float32 from the decoder on.
    exact = painter.pipeline.vae.dtype == torch.float32
    expected = expected.float().permute(0, 2, 3, 1)
    assert torch.equal(got, expected) if exact else torch.allclose(got, expected, atol=2**-8)
    assert got.std() > 0.01


@given(st.sampled_from(["1", "2"]), st.integers(1, 6), st.integers(1, 6), st.integers(1, 2))
@settings(max_examples=40, deadline=None)
def test_what_the_pipeline_holds_and_back(loaded: Any, key: str, columns: int, rows: int, count: int) -> None:
    if key not in loaded:
        return
    model, (width, height) = loaded[key], (columns * 16, rows * 16)
    channels, scale = (48, 16) if key == "1" else (32, 8)
    samples = torch.arange(count * channels * (height // scale) * (width // scale), dtype=torch.float32)
    samples = samples.reshape(count, channels, height // scale, width // scale)
    held = to_pipeline(model, samples)
    assert torch.equal(from_pipeline(model, held, width, height), samples)
    assert FiboLatents(samples, model.family.dialect).size == (width, height)
    if key == "1":
        unpacked = diffusers.BriaFiboPipeline._unpack_latents_no_patch(held, height, width, 16)
        assert held.shape == (count, columns * rows, 48) and torch.equal(unpacked, samples)
    else:
        assert torch.equal(held, samples)
    assert torch.equal(patchified(model, samples), patchified_by_hand(samples, key))


def patchified_by_hand(samples: torch.Tensor, key: str) -> torch.Tensor:
    """``n c (h y) (w x) -> n (c y x) h w`` with y and x below 2, a place at a time; FIBO 1.x is at 1/16 already."""
    if key == "1":
        return samples
    count, channels, rows, columns = samples.shape
    patches = torch.empty(count, channels * 4, rows // 2, columns // 2)
    for channel, y, x in itertools.product(range(channels), range(2), range(2)):
        patches[:, channel * 4 + y * 2 + x] = samples[:, channel, y::2, x::2]
    return patches


@pytest.mark.parametrize("seed", [0, 1, 2**32 + 5, 2**64 - 1])
def test_noise_is_what_the_pipeline_draws(painter: Any, seed: int) -> None:
    class Begun(Exception):
        pass

    begun: list[Any] = []
    pipeline = stock(painter)
    draw = pipeline.prepare_latents

    def prepare_latents(*args: Any, **kwargs: Any) -> None:
        begun.append(draw(*args, **kwargs))
        raise Begun

    pipeline.prepare_latents = prepare_latents
    with pytest.raises(Begun):
        pipeline("{}", width=WIDTH, height=HEIGHT, generator=torch.Generator().manual_seed(seed))
    expected = begun[0][0] if isinstance(begun[0], tuple) else begun[0]
    got = noise(painter, WIDTH, HEIGHT, seed)
    held = to_pipeline(painter, got)
    assert torch.equal(held, expected) and held.dtype == expected.dtype
    assert not torch.equal(got, noise(painter, WIDTH, HEIGHT, seed ^ 3))


def test_a_picture_of_another_shape_covers_and_is_cropped_at_its_centre(model: Any) -> None:
    shot = picture(3)
    wide = Image.new("RGB", (WIDTH + 32, HEIGHT), "red")
    wide.paste(shot, (16, 0))
    got = encode_all(model, [shot, wide, picture(4)], WIDTH, HEIGHT).samples
    assert torch.equal(got[0], got[1]) and not torch.equal(got[0], got[2])
    assert torch.equal(got[2:], encode(model, picture(4), WIDTH, HEIGHT).samples)


def test_latents_of_the_other_generation_are_refused(model: Any) -> None:
    other = FiboLatents(torch.zeros(1, 32, 4, 4), "fibo-2" if first(model) else "fibo-1")
    with pytest.raises(ModelError, match="latents are of another FIBO") as caught:
        decode(model, other)
    assert caught.value.found == other.generation


def test_a_decoder_that_clamps_by_itself_says_so(loaded: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="clamps by itself"):
        decode(loaded["1"], drawn(loaded["1"]), clamp=False)


@pytest.mark.parametrize(
    ("width", "height", "problem"),
    [(40, 48, "cannot render this width"), (64, 5008, "cannot render this height"), (64, 0, "only one side")],
)
def test_sizes_that_fibo_cannot_work_on(model: Any, width: int, height: int, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        encode_all(model, [picture()], width, height)
