"""A pipeline that borrows its parts: it asks before each computes, computes the same, and is given up whole."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studioflow.fibo.memory import Resident, lend
from studioflow.fibo.standin import build

from ..standins import NO_FIBO_2, stock_pipeline

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

PARTS = ("text_encoder", "transformer", "vae")


class Asked:
    """A memory that writes down what it is asked for; the weights stay where they are."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.parts: list[str] = []

    def hold(self, part: str, work_bytes: int = 0) -> None:
        self.parts.append(part)

    def free_bytes(self) -> int:
        return 2**40


@pytest.fixture
def load(models: Path) -> Callable[[str], Any]:
    """A stand-in of a family as diffusers loads it, lent nothing."""
    return functools.partial(stock_pipeline, models)


@pytest.fixture(params=["fibo-1", "fibo-2"])
def pipeline(request: pytest.FixtureRequest, load: Callable[[str], Any]) -> Any:
    return load(request.param)


def parts(pipeline: Any) -> dict[str, Any]:
    return {part: getattr(pipeline, part) for part in PARTS}


def render(pipeline: Any) -> Any:
    return pipeline(
        prompt='{"short_description":"a cup"}',
        negative_prompt="" if hasattr(pipeline, "tokenizer") else None,
        width=64,
        height=48,
        num_inference_steps=2,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(3),
        output_type="pt",
    ).images


def test_each_part_is_asked_for_before_it_computes_and_nothing_changes(pipeline: Any) -> None:
    expected, memory, computed = render(pipeline), Asked(), []
    lend(pipeline, memory)
    for part, module in parts(pipeline).items():
        for layer in module.modules():
            if not list(layer.children()):
                layer.register_forward_pre_hook(lambda *_, part=part: computed.append((part, memory.parts[-1])))
    assert torch.equal(render(pipeline), expected)
    assert {used for used, _ in computed} == set(PARTS) and all(used == asked for used, asked in computed)
    assert list(dict.fromkeys(memory.parts)) == list(PARTS)
    # FIBO 1.x takes caption and negative in one pass, FIBO 2 in two.
    assert memory.parts.count("transformer") == (2 if hasattr(pipeline, "tokenizer") else 4)
    assert memory.parts.count("vae") == 1


def test_pictures_are_encoded_after_asking_too(pipeline: Any) -> None:
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    picture = picture.unsqueeze(2) if hasattr(pipeline, "tokenizer") else picture
    with torch.no_grad():
        expected = pipeline.vae.encode(picture).latent_dist.mode()
        memory = Asked()
        lend(pipeline, memory)
        assert torch.equal(pipeline.vae.encode(picture).latent_dist.mode(), expected) and memory.parts == ["vae"]


def test_logits_are_made_for_one_token_only(pipeline: Any) -> None:
    tokens: list[int] = []
    pipeline.text_encoder.lm_head.register_forward_pre_hook(lambda _, args: tokens.append(args[0].shape[1]))
    render(pipeline)
    assert max(tokens) > 20
    tokens.clear()
    lend(pipeline, Asked())
    render(pipeline)
    assert set(tokens) == {1}


def test_computes_on_the_device_of_the_memory(load: Callable[[str], Any]) -> None:
    pipeline, memory = load("fibo-1"), Asked()
    memory.device = torch.device("meta")
    name = type(pipeline).__name__
    lend(pipeline, memory)
    # Its weights are on the CPU, where diffusers would look for the device.
    assert pipeline._execution_device == torch.device("meta") and pipeline.transformer.device.type == "cpu"
    assert type(pipeline).__name__ == name and isinstance(pipeline, getattr(diffusers, name))


def test_lent_again_asks_once_and_the_new_memory(load: Callable[[str], Any]) -> None:
    pipeline, first, second = load("fibo-1"), Asked(), Asked()
    lend(pipeline, first)
    # Another pipeline of the same parts, as for editing.
    other = type(load("fibo-1"))(**pipeline.components)
    lend(other, second)
    expected = render(other)
    assert first.parts == [] and second.parts.count("transformer") == 2 and second.parts.count("vae") == 1
    assert torch.equal(render(pipeline), expected)


def test_goes_with_the_last_reference(load: Callable[[str], Any]) -> None:
    pipeline, memory = load("fibo-1"), Asked()
    lend(pipeline, memory)
    render(pipeline)
    # Cycles of the libraries' own, made while loading and rendering, are not what is looked for here.
    gc.collect()
    watched = [weakref.ref(one) for one in (pipeline, memory, *parts(pipeline).values())]
    gc.disable()
    try:
        del pipeline, memory
        assert [one() for one in watched] == [None] * 5
    finally:
        gc.enable()


def test_parts_outlive_their_pipeline(load: Callable[[str], Any]) -> None:
    pipeline = load("fibo-1")
    vae = pipeline.vae
    lend(pipeline, Asked())
    del pipeline
    gc.collect()
    with torch.no_grad():
        assert vae.decode(torch.zeros(1, 48, 1, 2, 2)).sample.shape[-2:] == (32, 32)


def test_resident_weights_are_on_their_device_for_good() -> None:
    part = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    memory = Resident({"transformer": part}, "meta")
    assert memory.device == torch.device("meta")
    assert {tensor.device.type for tensor in part.state_dict().values()} == {"meta"}
    memory.expect("transformer", 2**60)
    memory.hold("transformer")


def test_resident_tells_the_free_memory_of_the_machine() -> None:
    psutil = pytest.importorskip("psutil")
    assert 0 < Resident({}, "cpu").room_beside("transformer") <= psutil.virtual_memory().total


# Weights of the published models in thousands of millions: transformer, text encoder, autoencoder.
SIZES = {"fibo-1.0": (8.29, 3.08, 0.70), "fibo-2.0-dev": (8.13, 4.44, 0.08)}


@pytest.mark.parametrize("family_id", SIZES)
def test_full_standins_take_as_much_as_the_real_models(family_id: str) -> None:
    if family_id == "fibo-2.0-dev" and not hasattr(diffusers, "BriaFibo2Pipeline"):
        pytest.skip(NO_FIBO_2)
    with torch.device("meta"):
        full = build(family_id, "full")
    weights = (full.transformer, full.text_encoder, full.vae)
    counts = [sum(weight.numel() for weight in part.parameters()) / 1e9 for part in weights]
    assert tuple(round(count, 2) for count in counts) == SIZES[family_id]
    assert all(weight.is_meta for part in weights for weight in part.state_dict().values())
