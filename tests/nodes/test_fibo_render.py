"""FIBO's nodes that render, each called as ComfyUI calls it: shapes, notices, errors, and models that come and go."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from ..standins import NO_FIBO_2
from .test_execute import run

torch.set_num_threads(1)
FAMILIES = {"1": "studioflow-standin-fibo-1", "2": "studioflow-standin-fibo-2", "edit": "studioflow-standin-fibo-edit"}
CAPTION = '{"short_description":"a cup"}'
EDIT_CAPTION = '{"short_description":"a cup","edit_instruction":"Make the cup blue"}'
AFRESH = {"reuse_pictures": False}
SMALL = {"width": 64, "height": 48, "seed": 3, "steps": 2, "cfg": 5.0, "count": 1, "negative": "", **AFRESH}
ROUNDING = 2e-5
"""What leaving out padding may change in a picture of 0..1 in float32."""


@pytest.fixture
def management(host: ModuleType) -> Iterator[ModuleType]:
    import comfy.model_management as management

    management.unload_all_models()
    yield management
    management.unload_all_models()


@pytest.fixture(scope="session")
def load(nodes: dict[str, type]) -> Callable[[str], Any]:
    """Loads a stand-in anew, through the node."""
    import diffusers

    def load(family: str) -> Any:
        if family == "2" and not hasattr(diffusers, "BriaFibo2Pipeline"):
            pytest.skip(NO_FIBO_2)
        with torch.inference_mode():
            return run(nodes["StudioFlowFiboLoader"], model=FAMILIES[family], dtype="auto").args[0]

    return load


@pytest.fixture(scope="session")
def loaded(load: Callable[[str], Any]) -> Callable[[str], Any]:
    """A stand-in that the tests share."""
    models: dict[str, Any] = {}
    return lambda family: models[family] if family in models else models.setdefault(family, load(family))


@pytest.fixture(params=["1", "2"])
def fibo(request: pytest.FixtureRequest, loaded: Callable[[str], Any]) -> Any:
    return loaded(request.param)


@pytest.fixture(params=["edit", "2"])
def editor(request: pytest.FixtureRequest, loaded: Callable[[str], Any]) -> Any:
    return loaded(request.param)


@pytest.fixture
def call(nodes: dict[str, type]) -> Callable[..., Any]:
    """Runs a node of ours in inference mode, as ComfyUI does."""

    def call(name: str, *, inference: bool = True, **inputs: Any) -> Any:
        with torch.inference_mode(inference):
            return run(nodes[f"StudioFlow{name}"], **inputs)

    return call


@pytest.fixture
def sampled(call: Callable[..., Any]) -> Callable[..., Any]:
    """The pictures of FIBO Sampler."""
    return lambda fibo, **job: call("FiboSampler", fibo=fibo, **{"caption": CAPTION} | SMALL | job).args[0]


@pytest.fixture
def edited(call: Callable[..., Any]) -> Callable[..., Any]:
    """The pictures of FIBO Edit."""
    return lambda fibo, **job: call("FiboEdit", fibo=fibo, **{"caption": EDIT_CAPTION} | SMALL | job).args[0]


def said(output: Any) -> str:
    return "\n".join((output.ui or {}).get("studioflow_notice", []))


def photo(width: int = 60, height: int = 40, count: int = 1, channels: int = 3) -> Any:
    return torch.rand((count, height, width, channels), generator=torch.Generator().manual_seed(width))


# Image to image, in parts, decoded.


def test_encode_gives_latents_of_the_size_that_it_tells(call: Callable[..., Any], sampled: Any, fibo: Any) -> None:
    latents, width, height = call("FiboEncode", fibo=fibo, image=photo(), width=64, height=48).args
    assert (width, height) == latents.size == (64, 48)
    channels, scale = (48, 16) if fibo.family.dialect == "fibo-1" else (32, 8)
    assert latents.samples.shape == (1, channels, 48 // scale, 64 // scale)
    given = call("FiboDecode", fibo=fibo, latents=latents, clamp=True)
    assert given.args[0].shape == (1, 48, 64, 3) and "noise" in said(given)
    weak = sampled(fibo, latents=latents, strength=0.3, steps=4)
    strong = sampled(fibo, latents=latents, strength=0.9, steps=4)
    assert not torch.equal(weak, strong) and not torch.equal(weak, given.args[0])


def test_encode_of_a_batch_and_an_open_size(call: Callable[..., Any], sampled: Any, fibo: Any) -> None:
    latents, width, height = call("FiboEncode", fibo=fibo, image=photo(32, 32, count=2), width=0, height=0).args
    assert (width, height) == (1024, 1024) and len(latents.samples) == 2
    with pytest.raises(Exception, match="another number of pictures"):
        sampled(fibo, latents=latents, width=1024, height=1024, count=3)


def test_encode_of_one_open_side_is_told(call: Callable[..., Any], loaded: Any) -> None:
    with pytest.raises(Exception, match="height"):
        call("FiboEncode", fibo=loaded("2"), image=photo(), width=64, height=0)


def test_a_render_stops_and_goes_on_through_the_nodes(call: Callable[..., Any], sampled: Any, fibo: Any) -> None:
    whole = sampled(fibo, steps=4, count=2)
    half = call("FiboSampler", fibo=fibo, caption=CAPTION, **SMALL | {"steps": 4, "count": 2, "stop_at": 2}).args[2]
    assert torch.allclose(sampled(fibo, latents=half, steps=4, count=2, seed=77), whole, atol=ROUNDING)


def test_latents_of_the_other_generation_are_told(call: Callable[..., Any], loaded: Any) -> None:
    latents = call("FiboEncode", fibo=loaded("1"), image=photo(), width=64, height=48).args[0]
    with pytest.raises(Exception, match="latents are of another FIBO"):
        call("FiboDecode", fibo=loaded("2"), latents=latents, clamp=True)
    with pytest.raises(Exception, match="clamps by itself"):
        call("FiboDecode", fibo=loaded("1"), latents=latents, clamp=False)


# Edits.


def test_edit_of_one_picture(edited: Any, editor: Any) -> None:
    assert edited(editor, image=photo()).shape == (1, 48, 64, 3)


def test_a_batch_counts_as_several_pictures(edited: Any, loaded: Any) -> None:
    caption = EDIT_CAPTION.replace("the cup blue", "<image_1> like <image_2>")
    # FIBO 2 would scale each of several pictures to a megapixel, which takes long.
    batch, two = (
        edited(loaded("edit"), caption=caption, **pictures)
        for pictures in ({"image": photo(count=2)}, {"image": photo(count=2)[:1], "image_2": photo(count=2)[1:]})
    )
    assert torch.equal(batch, two)


def test_alpha_of_a_picture_is_dropped(edited: Any, editor: Any) -> None:
    picture = photo(channels=4)
    assert torch.equal(edited(editor, image=picture), edited(editor, image=picture[..., :3]))


def test_a_mask_as_comfyui_gives_it(edited: Any, editor: Any) -> None:
    mask = torch.zeros(1, 40, 60)
    plain = edited(editor, image=photo())
    mask[:, :20, 10:40] = 1
    masked = edited(editor, image=photo(), mask=mask)
    assert masked.shape == plain.shape and not torch.equal(masked, plain)
    # Some nodes give masks without a batch.
    assert torch.equal(edited(editor, image=photo(), mask=mask[0]), masked)


def test_an_empty_mask_is_told(call: Callable[..., Any], loaded: Any) -> None:
    job = SMALL | {"steps": 1, "caption": EDIT_CAPTION}
    done = call("FiboEdit", fibo=loaded("edit"), image=photo(), mask=torch.zeros(1, 40, 60), **job)
    assert "the mask marks nothing" in said(done)


@pytest.mark.parametrize(
    ("mask", "told"),
    [
        (torch.ones(1, 41, 60), "mask is of another size"),
        # What Load Image gives for a picture without alpha.
        (torch.zeros(1, 64, 64), "Load Image"),
        (torch.ones(2, 40, 60), "a single mask"),
    ],
    ids=["other-size", "of-load-image", "batch"],
)
def test_masks_that_do_not_fit(edited: Any, editor: Any, mask: Any, told: str) -> None:
    with pytest.raises(Exception, match=told):
        edited(editor, image=photo(), mask=mask)


def test_five_pictures_are_too_many(edited: Any, loaded: Any) -> None:
    with pytest.raises(Exception, match="takes fewer pictures"):
        edited(loaded("2"), image=photo(count=5))


@pytest.mark.parametrize("size", [(1, 1), (17, 1), (1, 9)])
def test_tiny_pictures(edited: Any, editor: Any, size: tuple[int, int]) -> None:
    if max(size) > 16:
        with pytest.raises(Exception, match="too large or too long"):
            edited(editor, image=photo(*size))
        return
    assert torch.isfinite(edited(editor, image=photo(*size), steps=1)).all()


# Speed.


@pytest.mark.parametrize("setting", [{"skip_padding": False}, {"channels_last": True}, {"attention": "native"}])
def test_exact_speed_keeps_the_picture(call: Callable[..., Any], sampled: Any, fibo: Any, setting: Any) -> None:
    usual = {"skip_padding": True, "step_cache": 0.0, "compile": False, "attention": "auto", "channels_last": False}
    before = sampled(fibo)
    set_so = call("FiboSpeed", fibo=fibo, **usual | setting)
    done = call("FiboSampler", fibo=set_so.args[0], caption=CAPTION, **SMALL)
    assert (done.args[0] - before).abs().max() < ROUNDING
    assert "approximate" not in said(set_so) and not {"step_cache", "attention"} & done.args[1].keys()
    # The model that it was made from renders as before, though they share their weights.
    assert torch.equal(sampled(fibo), before)


def test_approximate_speed_says_so(call: Callable[..., Any], sampled: Any, fibo: Any) -> None:
    job = SMALL | {"steps": 6, "caption": CAPTION}
    before = sampled(fibo, **job)
    settings = {"skip_padding": True, "compile": False, "attention": "auto", "channels_last": False}
    set_so = call("FiboSpeed", fibo=fibo, step_cache=1.0, **settings)
    assert "approximate" in said(set_so)
    done = call("FiboSampler", fibo=set_so.args[0], **job)
    images, facts, _ = done.args
    assert facts["step_cache"] == 1.0 and re.search(r"step_cache skipped [1-4] of 6 steps", said(done))
    assert not torch.equal(images, before) and torch.equal(sampled(fibo, **job), before)


def test_speed_that_this_machine_has_not_is_told(call: Callable[..., Any], loaded: Any) -> None:
    settings = {"skip_padding": True, "step_cache": 0.0, "compile": False, "channels_last": False}
    with pytest.raises(Exception, match="flash attention needs"):
        call("FiboSpeed", fibo=loaded("2"), attention="flash", **settings)


# LoRA.


@pytest.fixture
def lora(host: ModuleType, base: Path) -> Iterator[Callable[[Any, str], str]]:
    """Writes a LoRA for a model into models/loras, as PEFT names its tensors, and gives its name."""
    from safetensors.torch import save_file

    made: list[Path] = []

    def make(fibo: Any, name: str) -> str:
        numbers = torch.Generator().manual_seed(len(name))
        layers = [
            (layer, module)
            for layer, module in fibo.pipeline.transformer.named_modules()
            if isinstance(module, torch.nn.Linear) and layer.rpartition(".")[2] in ("to_q", "to_k")
        ]
        factors = {}
        for layer, module in layers:
            for factor, shape in (("A", (4, module.in_features)), ("B", (module.out_features, 4))):
                factors[f"transformer.{layer}.lora_{factor}.weight"] = torch.randn(shape, generator=numbers)
        folder = base / "models" / "loras"
        folder.mkdir(exist_ok=True)
        made.append(folder / name)
        save_file(factors, folder / name)
        return name

    yield make
    for path in made:
        path.unlink(missing_ok=True)


def test_a_lora_works_where_it_is_asked_for_and_nowhere_else(
    call: Callable[..., Any], sampled: Any, fibo: Any, lora: Any
) -> None:
    plain = sampled(fibo)
    name = lora(fibo, f"cup.{fibo.family.dialect}.safetensors")
    full, half, none = (call("FiboLora", fibo=fibo, lora=name, strength=strength).args[0] for strength in (1.0, 0.5, 0))
    pictures = [sampled(one) for one in (full, half, none, full)]
    assert torch.equal(pictures[0], pictures[3]) and torch.equal(pictures[2], plain)
    assert not torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[1], plain)
    twice = call("FiboLora", fibo=half, lora=name, strength=0.5).args[0]
    assert (sampled(twice) - pictures[0]).abs().max() < ROUNDING
    facts = call("FiboSampler", fibo=twice, caption=CAPTION, **SMALL).args[1]
    assert [(entry["name"], entry["strength"]) for entry in facts["loras"]] == [(name, 0.5), (name, 0.5)]
    assert torch.equal(sampled(fibo), plain)


def test_a_lora_survives_free(call: Callable[..., Any], sampled: Any, fibo: Any, lora: Any, management: Any) -> None:
    styled = call("FiboLora", fibo=fibo, lora=lora(fibo, "free.safetensors"), strength=1.0).args[0]
    before = sampled(styled), sampled(fibo)
    management.unload_all_models()
    assert torch.equal(sampled(styled), before[0])
    management.unload_all_models()
    assert torch.equal(sampled(fibo), before[1])


def test_loras_that_do_not_fit(call: Callable[..., Any], loaded: Any, lora: Any, base: Path) -> None:
    name = lora(loaded("1"), "one.safetensors")
    with pytest.raises(Exception, match="not made for FIBO 2"):
        call("FiboLora", fibo=loaded("2"), lora=name, strength=1.0)
    with pytest.raises(Exception, match="no such LoRA"):
        call("FiboLora", fibo=loaded("1"), lora="none.safetensors", strength=1.0)
    file = base / "models" / "loras" / name
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(Exception, match="not whole"):
        call("FiboLora", fibo=loaded("1"), lora=name, strength=1.0)


# Memory.


def test_two_models_share_a_device_that_holds_one(
    sampled: Any, load: Callable[[str], Any], management: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [load("1"), load("2")]
    expected = [sampled(model) for model in models]
    management.unload_all_models()
    sizes = [
        sum(
            weight.nbytes
            for part in ("transformer", "text_encoder", "vae")
            for weight in getattr(model.pipeline, part).parameters()
        )
        for model in models
    ]
    total = max(sizes) * 1.1
    assert total < sum(sizes)

    def free(_: Any = None, torch_free_too: bool = False) -> Any:
        left = total - sum(model.model_loaded_memory() for model in management.current_loaded_models)
        return (left, left) if torch_free_too else left

    # "cpu:0" is no CPU to ComfyUI's eyes, and yet computes.
    monkeypatch.setattr(management, "get_torch_device", lambda: torch.device("cpu:0"))
    monkeypatch.setattr(management, "get_free_memory", free)
    monkeypatch.setattr(management, "is_device_cpu", lambda _: False)
    monkeypatch.setattr(management, "soft_empty_cache", lambda force=False: None)
    monkeypatch.setattr(management, "minimum_inference_memory", lambda: 0)
    monkeypatch.setattr(management, "extra_reserved_memory", lambda: 0)
    monkeypatch.setattr(management, "lowvram_available", True)
    monkeypatch.setattr(management, "vram_state", management.VRAMState.NORMAL_VRAM)
    models = [load("1"), load("2")]
    for turn in (0, 1, 0, 1, 1, 0):
        assert torch.allclose(sampled(models[turn]), expected[turn], atol=ROUNDING)
        assert sum(model.model_loaded_memory() for model in management.current_loaded_models) <= total


@pytest.mark.parametrize("family", ["1", "2"])
def test_nothing_keeps_a_model_after_its_last_use(
    call: Callable[..., Any], sampled: Any, load: Callable[[str], Any], lora: Any, management: Any, family: str
) -> None:
    fibo = load(family)
    latents = call("FiboEncode", fibo=fibo, image=photo(), width=64, height=48).args[0]
    sampled(fibo, latents=latents, strength=0.5)
    settings = {"skip_padding": True, "compile": False, "attention": "auto", "channels_last": True}
    quick = call("FiboSpeed", fibo=fibo, step_cache=0.5, **settings).args[0]
    styled = call("FiboLora", fibo=quick, lora=lora(fibo, "gone.safetensors"), strength=1.0).args[0]
    sampled(styled)
    with pytest.raises(Exception, match="caption is empty"):
        sampled(styled, caption="")
    watched = [weakref.ref(fibo.pipeline)]
    watched += [weakref.ref(getattr(fibo.pipeline, part)) for part in ("transformer", "text_encoder", "vae")]
    management.unload_all_models()
    del fibo, quick, styled
    # Cycles within the libraries go when the collector comes, as after POST /free.
    gc.collect()
    assert [one() for one in watched] == [None] * 4
    assert management.current_loaded_models == []


@pytest.mark.parametrize("inside_first", [True, False])
def test_inference_mode_may_come_and_go(
    call: Callable[..., Any], load: Callable[[str], Any], lora: Any, management: Any, inside_first: bool
) -> None:
    fibo = load("1")
    styled = call("FiboLora", fibo=fibo, lora=lora(fibo, "mode.safetensors"), strength=1.0).args[0]
    pictures = []
    for inside in (inside_first, not inside_first, inside_first):
        for model in (fibo, styled):
            settings = SMALL | {"reuse_pictures": True}
            done = call("FiboSampler", inference=inside, fibo=model, caption=CAPTION, **settings)
            pictures.append(done.args[0])
        with torch.inference_mode(not inside):
            management.unload_all_models()
    assert all(torch.equal(one, another) for one, another in zip(pictures, pictures[2:], strict=False))
