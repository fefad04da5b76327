"""LoRA files on real FIBO pipelines: compared with weights merged by hand, taken off to the bit, refused clearly."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import ModelError, PathError
from studioflow.families import family
from studioflow.fibo.job import Job
from studioflow.fibo.lora import Lora, activate, adapter_bytes, read_lora
from studioflow.fibo.lora_file import scale_of, settings_of
from studioflow.fibo.render import render as studioflow_render

torch = pytest.importorskip("torch")
pytest.importorskip("peft")
safetensors = pytest.importorskip("safetensors.torch")

FIBO_1, FIBO_2 = family("fibo-1.0"), family("fibo-2.0-dev")

Tensors = dict[str, "torch.Tensor"]
Write = Callable[..., Lora]


@pytest.fixture
def pipeline(model: Any) -> Iterator[Any]:
    yield model.pipeline
    activate(model.pipeline, ())


@pytest.fixture
def write(tmp_path: Path, model: Any) -> Write:
    """Writes tensors as a file and reads it as a LoRA of the model's family."""
    number = itertools.count()

    def write(tensors: Tensors, strength: float = 1.0, metadata: dict[str, str] | None = None) -> Lora:
        path = tmp_path / f"lora.v{next(number)}.safetensors"
        safetensors.save_file(tensors, path, metadata)
        return read_lora(path.name, path, strength, model.family)

    return write


def linears(pipeline: Any) -> dict[str, torch.nn.Linear]:
    """The model's own linear layers by name, also while adapters lie around them."""
    return {
        name.removesuffix(".base_layer"): module
        for name, module in pipeline.transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and ".lora_" not in name
    }


def factors(pipeline: Any, seed: int, *, rank: int = 3, alpha: float | None = None, every: int = 5) -> Tensors:
    """A LoRA over every fifth linear layer of the transformer, or over all, in the keys that diffusers writes."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, module in list(linears(pipeline).items())[::every]:
        tensors[f"transformer.{name}.lora_A.weight"] = 0.1 * torch.randn(rank, module.in_features, generator=random)
        tensors[f"transformer.{name}.lora_B.weight"] = 0.1 * torch.randn(module.out_features, rank, generator=random)
        if alpha is not None:
            tensors[f"transformer.{name}.alpha"] = torch.tensor(alpha)
    return tensors


def render(pipeline: Any) -> torch.Tensor:
    return pipeline(
        prompt='{"short_description":"a cup"}',
        width=64,
        height=48,
        num_inference_steps=2,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
    ).images.float()


def render_merged(pipeline: Any, *stack: tuple[Tensors, float]) -> torch.Tensor:
    """The render with W + strength · alpha / rank · B · A as the weights, which are put back after it."""
    layers = linears(pipeline)
    kept = {name: module.weight.detach().clone() for name, module in layers.items()}
    with torch.no_grad():
        for tensors, strength in stack:
            for name, module in layers.items():
                if f"transformer.{name}.lora_A.weight" not in tensors:
                    continue
                down = tensors[f"transformer.{name}.lora_A.weight"]
                alpha = float(tensors.get(f"transformer.{name}.alpha", len(down)))
                module.weight += strength * alpha / len(down) * tensors[f"transformer.{name}.lora_B.weight"] @ down
        try:
            return render(pipeline)
        finally:
            for name, module in layers.items():
                module.weight.copy_(kept[name])


def test_equals_weights_merged_by_hand(pipeline: Any, write: Write) -> None:
    one, two = factors(pipeline, 1, every=1), factors(pipeline, 2, rank=2, alpha=3.0)
    merged = render_merged(pipeline, (one, 0.7), (two, -0.4))
    plain = render(pipeline)
    activate(pipeline, (write(one, 0.7), write(two, -0.4)))
    torch.testing.assert_close(render(pipeline), merged, atol=1e-5, rtol=1e-5)
    assert (merged - plain).abs().max() > 1e-3


def test_taken_off_to_the_bit(pipeline: Any, write: Write) -> None:
    before, weights = render(pipeline), {key: value.clone() for key, value in pipeline.transformer.state_dict().items()}
    modules = dict(pipeline.transformer.named_modules())
    activate(pipeline, (write(factors(pipeline, 1)), write(factors(pipeline, 2))))
    assert not torch.equal(render(pipeline), before)
    activate(pipeline, ())
    assert torch.equal(render(pipeline), before)
    assert dict(pipeline.transformer.named_modules()) == modules
    after = pipeline.transformer.state_dict()
    assert after.keys() == weights.keys() and all(torch.equal(after[key], value) for key, value in weights.items())


def test_order_does_not_matter(pipeline: Any, write: Write) -> None:
    one, two = write(factors(pipeline, 1), 0.5), write(factors(pipeline, 2), 0.8)
    activate(pipeline, (one, two))
    first = render(pipeline)
    activate(pipeline, ())
    activate(pipeline, (two, one))
    assert torch.equal(render(pipeline), first)


def test_strength_0_is_as_good_as_absent(pipeline: Any, write: Write) -> None:
    plain, lora = render(pipeline), write(factors(pipeline, 1))
    activate(pipeline, (lora._replace(strength=0.0),))
    assert torch.equal(render(pipeline), plain)
    activate(pipeline, (lora, lora._replace(strength=-1.0)))
    assert torch.equal(render(pipeline), plain) and not getattr(pipeline.transformer, "peft_config", None)


def test_a_file_twice_works_with_the_sum(pipeline: Any, write: Write) -> None:
    tensors = factors(pipeline, 1)
    lora = write(tensors)
    activate(pipeline, (lora._replace(strength=0.2), lora._replace(strength=0.5, name="the same")))
    assert len(pipeline.transformer.peft_config) == 1
    torch.testing.assert_close(render(pipeline), render_merged_off(pipeline, tensors, 0.7), atol=1e-5, rtol=1e-5)


def render_merged_off(pipeline: Any, tensors: Tensors, strength: float) -> torch.Tensor:
    activate(pipeline, ())
    return render_merged(pipeline, (tensors, strength))


def test_a_stack_becomes_another(pipeline: Any, write: Write) -> None:
    one, two = write(factors(pipeline, 1)), write(factors(pipeline, 2))
    alone = {}
    for lora in (one, two):
        activate(pipeline, ())
        activate(pipeline, (lora,))
        alone[lora] = render(pipeline)
    activate(pipeline, (one, two))
    activate(pipeline, (one,))
    assert torch.equal(render(pipeline), alone[one])
    activate(pipeline, (two,))
    assert torch.equal(render(pipeline), alone[two])
    activate(pipeline, (two._replace(strength=0.1),))
    activate(pipeline, (two,))
    assert torch.equal(render(pipeline), alone[two])


def test_branches_that_share_a_pipeline(model: Any, pipeline: Any, write: Write) -> None:
    """Several FIBO LoRA nodes on one FIBO Loader: each render brings its own stack."""
    one, two = write(factors(pipeline, 1), 0.7), write(factors(pipeline, 2), 0.5)
    stacks = [(), (one,), (two,), (one, two)]
    job = Job('{"short_description":"a cup"}', 64, 48, seed=3, steps=2, cfg=1.0, reuse_pictures=False)

    def latents(stack: tuple[Lora, ...]) -> torch.Tensor:
        return studioflow_render(replace(model, loras=stack), job).latents.samples

    first = [latents(stack) for stack in stacks]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(first, 2))
    for index in (1, 2, 1, 3, 0, 2, 3, 1):
        assert torch.equal(latents(stacks[index]), first[index])


def test_bytes_are_known_before_the_adapters_are_made(pipeline: Any, write: Write) -> None:
    one, two = write(factors(pipeline, 1), 0.7), write(factors(pipeline, 2, rank=2, alpha=1.0, every=3))
    expected = adapter_bytes((one, two, one), torch.float32)
    activate(pipeline, (one, two, one))
    assert expected == sum(weight.nbytes for _, weight in adapters(pipeline)) > 0
    assert adapter_bytes((two, one), torch.bfloat16) == expected / 2
    assert adapter_bytes((), torch.float32) == adapter_bytes((one, one._replace(strength=-0.7)), torch.float32) == 0


def test_unchanged_is_not_loaded_again(pipeline: Any, write: Write) -> None:
    lora = write(factors(pipeline, 1))
    activate(pipeline, (lora,))
    before = [id(module) for module in pipeline.transformer.modules()]
    lora.path.unlink()
    activate(pipeline, (lora,))
    assert [id(module) for module in pipeline.transformer.modules()] == before


@pytest.mark.parametrize(
    ("prefix", "down", "up"),
    [
        ("", "lora_A.weight", "lora_B.weight"),
        ("base_model.model.", "lora_A.default.weight", "lora_B.default.weight"),
        ("diffusion_model.", "lora_down.weight", "lora_up.weight"),
    ],
)
def test_spellings(pipeline: Any, write: Write, prefix: str, down: str, up: str) -> None:
    tensors = factors(pipeline, 1, alpha=2.0)
    activate(pipeline, (write(tensors),))
    usual = render(pipeline)
    spelled = {
        key.replace("transformer.", prefix, 1).replace("lora_A.weight", down).replace("lora_B.weight", up): value
        for key, value in tensors.items()
    }
    lora = write(spelled)
    activate(pipeline, ())
    activate(pipeline, (lora,))
    assert torch.equal(render(pipeline), usual)


def test_alpha_in_the_settings_of_peft(pipeline: Any, write: Write) -> None:
    # diffusers' own training scripts write no alpha tensors but PEFT's settings into the header.
    name = next(iter(linears(pipeline)))
    tensors, rank = factors(pipeline, 1), 3
    expected = {
        f"transformer.{layer}.alpha": torch.tensor(4.0 if layer == name else 6.0) for layer in linears(pipeline)
    }
    merged = render_merged(pipeline, (tensors | expected, 1.0))
    settings = {"r": rank, "lora_alpha": 6, "alpha_pattern": {name: 4}}
    for rslora in (False, True):
        if rslora:  # alpha / sqrt(rank) instead of alpha / rank
            root = math.sqrt(rank)
            settings = {"r": rank, "lora_alpha": 6 / root, "alpha_pattern": {name: 4 / root}, "use_rslora": True}
        header = {"lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in settings.items()})}
        activate(pipeline, (write(tensors, 1.0, header),))
        torch.testing.assert_close(render(pipeline), merged, atol=1e-5, rtol=1e-5)
        activate(pipeline, ())


def test_one_layer_alone_with_a_name_that_others_end_in(loaded: dict[str, Any], tmp_path: Path) -> None:
    pipeline = loaded["1"].pipeline
    tensors = {key: value for key, value in factors(pipeline, 1, alpha=9.0, every=1).items() if ".proj_out." in key}
    final = {key: value for key, value in tensors.items() if key.startswith("transformer.proj_out.")}
    assert 0 < len(final) < len(tensors)
    tensors |= {key: torch.tensor(1.0) for key in tensors if key.endswith("alpha") and key not in final}
    safetensors.save_file(tensors, tmp_path / "lora.safetensors")
    merged = render_merged(pipeline, (tensors, 1.0))
    activate(pipeline, (read_lora("lora", tmp_path / "lora.safetensors", 1.0, FIBO_1),))
    try:
        torch.testing.assert_close(render(pipeline), merged, atol=1e-5, rtol=1e-5)
    finally:
        activate(pipeline, ())


def test_works_in_and_out_of_inference_mode(pipeline: Any, write: Write) -> None:
    one, two = write(factors(pipeline, 1)), write(factors(pipeline, 2))
    activate(pipeline, (one, two))
    outside = render(pipeline)
    activate(pipeline, ())
    with torch.inference_mode():  # as ComfyUI runs its nodes
        activate(pipeline, (one,))
        assert not any(weight.is_inference() for name, weight in adapters(pipeline))
        activate(pipeline, (one, two))
        assert torch.equal(render(pipeline), outside)
    activate(pipeline, (two,))
    activate(pipeline, (one, two))
    assert torch.equal(render(pipeline), outside)
    assert not any(weight.requires_grad for _, weight in adapters(pipeline))


def adapters(pipeline: Any) -> list[tuple[str, torch.Tensor]]:
    return [(name, weight) for name, weight in pipeline.transformer.named_parameters() if ".lora_" in name]


def test_only_the_adapters_move(pipeline: Any, write: Write) -> None:
    # meta is the one other device that every machine has.
    lora = write(factors(pipeline, 1))
    activate(pipeline, (lora,), "meta")
    weights = dict(pipeline.transformer.named_parameters())
    moved = {name for name, weight in weights.items() if weight.device.type == "meta"}
    assert moved == {name for name, _ in adapters(pipeline)} and len(moved) == 2 * len(
        [name for name in weights if name.endswith("base_layer.weight")]
    )


def test_weights_that_a_host_casts_on_the_way(pipeline: Any, write: Write) -> None:
    """ComfyUI gives layers a class of its own that fetches the weights for each product."""

    class Fetching(torch.nn.Linear):
        fetched = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            Fetching.fetched += 1
            return torch.nn.functional.linear(x, self.weight.clone(), self.bias)

    lora = write(factors(pipeline, 1))
    activate(pipeline, (lora,))
    usual = render(pipeline)
    activate(pipeline, ())
    layers = linears(pipeline)
    try:
        for module in layers.values():
            module.__class__ = Fetching
        activate(pipeline, (lora,))
        assert torch.equal(render(pipeline), usual) and Fetching.fetched
        activate(pipeline, ())
        assert all(type(module) is Fetching for module in linears(pipeline).values())
    finally:
        for module in layers.values():
            module.__class__ = torch.nn.Linear


def test_takes_the_dtype_of_the_model(pipeline: Any, write: Write) -> None:
    tensors = factors(pipeline, 1)
    half = {key: value.bfloat16() for key, value in tensors.items()}
    merged = render_merged(pipeline, ({key: value.float() for key, value in half.items()}, 1.0))
    activate(pipeline, (write(half),))
    assert {weight.dtype for _, weight in adapters(pipeline)} == {torch.float32}
    torch.testing.assert_close(render(pipeline), merged, atol=1e-5, rtol=1e-5)


def test_fingerprint_is_the_sha256_of_the_file(pipeline: Any, write: Write) -> None:
    lora = write(factors(pipeline, 1))
    assert lora.fingerprint == hashlib.sha256(lora.path.read_bytes()).hexdigest()


def test_a_changed_file_is_another_lora(pipeline: Any, write: Write, model: Any) -> None:
    lora = write(factors(pipeline, 1))
    activate(pipeline, (lora,))
    before = render(pipeline)
    safetensors.save_file(factors(pipeline, 5), lora.path)
    again = read_lora(lora.name, lora.path, 1.0, model.family)
    assert again.fingerprint != lora.fingerprint
    activate(pipeline, (again,))
    assert not torch.equal(render(pipeline), before)
    with pytest.raises(ModelError, match="file has changed"):
        activate(pipeline, (lora,))


def test_layers_of_another_shape(pipeline: Any, write: Write) -> None:
    plain, good = render(pipeline), write(factors(pipeline, 1))
    tensors = factors(pipeline, 2)
    name = next(iter(linears(pipeline)))
    key = f"transformer.{name}.lora_A.weight"
    width = tensors[key].shape[1]
    tensors[key] = torch.zeros(3, width + 1)
    activate(pipeline, (good,))
    with pytest.raises(ModelError, match=f"made for {width + 1} to") as caught:
        activate(pipeline, (good, write(tensors)))
    assert name in caught.value.where and f"the model has {width} to" in caught.value.found
    assert torch.equal(render(pipeline), plain)


def test_a_layer_that_the_model_has_not(pipeline: Any, write: Write) -> None:
    tensors = {key.replace(".0.", ".99.", 1): value for key, value in factors(pipeline, 1).items()}
    plain = render(pipeline)
    with pytest.raises(ModelError, match="no such layer in the model"):
        activate(pipeline, (write(tensors),))
    assert torch.equal(render(pipeline), plain)


def pair(layer: str) -> Tensors:
    return {f"{layer}.lora_A.weight": torch.zeros(2, 4), f"{layer}.lora_B.weight": torch.zeros(6, 2)}


PAIR_1, PAIR_2 = pair("transformer.transformer_blocks.0.attn.to_q"), pair("transformer.layers.0.attention.to_q")


@pytest.mark.parametrize(
    ("tensors", "for_family", "told"),
    [
        ({"weight": torch.zeros(3)}, FIBO_1, "this is no LoRA"),
        ({}, FIBO_1, "this is no LoRA"),
        ({"transformer.proj_out.alpha": torch.zeros(())}, FIBO_1, "this is no LoRA"),
        (PAIR_2, FIBO_1, "not made for FIBO 1.x\n(.|\n)*layers of FIBO 2"),
        (PAIR_1, FIBO_2, "not made for FIBO 2\n(.|\n)*layers of FIBO 1.x"),
        (pair("unet.down_blocks.0.attentions.0.proj"), FIBO_2, "not made for FIBO 2\n(.|\n)*found: unet.down"),
        (pair("transformer.context_refiner.0.attention.to_q") | PAIR_2, FIBO_2, "found: context_refiner.0"),
        (PAIR_1 | pair("text_encoder.layers.0.mlp"), FIBO_1, "layers of a text encoder"),
        (pair("diffusion_model.layers.0.attention.qkv"), FIBO_2, "ComfyUI's own FIBO 2(.|\n)*LoraLoaderModelOnly"),
        (PAIR_1 | {"transformer.proj_out.lora_A.weight": torch.zeros(2, 4)}, FIBO_1, "half pairs"),
        (PAIR_1 | pair("diffusion_model.transformer_blocks.0.attn.to_q"), FIBO_1, "layers twice"),
        (
            PAIR_1 | {"transformer.proj_out.dora_scale": torch.zeros(2)},
            FIBO_1,
            "found: transformer.proj_out.dora_scale",
        ),
        (PAIR_2 | {"transformer.layers.0.attention.to_q.lokr_w1": torch.zeros(2, 2)}, FIBO_2, "lokr_w1"),
        (PAIR_1 | {"transformer.transformer_blocks.0.attn.norm_q.weight": torch.zeros(2)}, FIBO_1, "norm_q"),
        (
            PAIR_1 | {"transformer.transformer_blocks.0.attn.to_q.alpha": torch.zeros(2)},
            FIBO_1,
            "alpha of .* no number",
        ),
        (
            pair("transformer.proj_out") | {"transformer.proj_out.lora_B.weight": torch.zeros(6, 3)},
            FIBO_1,
            "proj_out do not fit together",
        ),
    ],
)
def test_files_that_are_refused(tmp_path: Path, tensors: Tensors, for_family: Any, told: str) -> None:
    path = tmp_path / "lora.safetensors"
    safetensors.save_file(tensors, path)
    with pytest.raises(ModelError, match=told) as caught:
        read_lora("lora", path, 1.0, for_family)
    assert caught.value.where == str(path) and caught.value.fix


@pytest.mark.parametrize("keep", [0, 7, 40, -1])
def test_a_truncated_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "lora.safetensors"
    path.write_bytes(safetensors.save(PAIR_1)[:keep])
    with pytest.raises(ModelError, match="not whole"):
        read_lora("lora", path, 1.0, FIBO_1)


@pytest.mark.parametrize("settings", ["{", "[]", "3", '{"lora_alpha": "much"}', '{"alpha_pattern": {"(": 1}}'])
def test_settings_that_are_no_settings(tmp_path: Path, settings: str) -> None:
    safetensors.save_file(PAIR_1, tmp_path / "lora.safetensors", {"lora_adapter_metadata": settings})
    with pytest.raises(ModelError, match=r"lora\.safetensors lora_adapter_metadata: the LoRA is damaged"):
        read_lora("lora", tmp_path / "lora.safetensors", 1.0, FIBO_1)


NAMES = ["layers.0.attention.to_q", "layers.0.attention.to_k", "layers.1.to_q", "to_q"]


@pytest.mark.parametrize(
    "settings",
    [
        {"r": 2},
        {"lora_alpha": 0},
        {"lora_alpha": 3, "use_rslora": True},
        {"lora_alpha": 3, "alpha_pattern": {"to_q": 1}},
        {"lora_alpha": 3, "alpha_pattern": {"to": 1, "attention.to_k": 5, "to_k": 7}},
        {"lora_alpha": 3, "alpha_pattern": {"^to_q": 5, r"layers.\d+.*": 2}},
        {"lora_alpha": 3, "alpha_pattern": {"to_k": 0}, "use_rslora": True},
    ],
)
@pytest.mark.filterwarnings("ignore:The following alpha_pattern keys")
def test_scales_are_those_of_peft(settings: dict[str, Any]) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    model = torch.nn.Module()
    for name in NAMES:
        owner = model
        *words, last = name.split(".")
        for word in words:
            if word not in dict(owner.named_children()):
                owner.add_module(word, torch.nn.Module())
            owner = getattr(owner, word)
        owner.add_module(last, torch.nn.Linear(4, 4))
    inject_adapter_in_model(LoraConfig(**{"r": 2} | settings, target_modules=["to_q", "to_k"]), model)
    header = {"lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in settings.items()})}
    for name in NAMES:
        expected = model.get_submodule(name).scaling["default"]
        assert scale_of(name, 2, None, settings_of(header)) == pytest.approx(expected)


def test_settings_of_a_text_encoder_are_not_the_transformers() -> None:
    assert not settings_of({"lora_adapter_metadata": json.dumps({"text_encoder.lora_alpha": 3})})
    assert scale_of("proj_out", 4, None, {}) == 1 and scale_of("proj_out", 4, 2.0, {"use_rslora": True}) == 0.5


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="no such LoRA file"):
        read_lora("lora", tmp_path / "lora.safetensors", 1.0, FIBO_1)


@pytest.mark.parametrize("strength", [math.nan, math.inf])
def test_strengths_that_are_no_number(tmp_path: Path, strength: float) -> None:
    safetensors.save_file(PAIR_1, tmp_path / "lora.safetensors")
    with pytest.raises(ModelError, match="strength is a number"):
        read_lora("lora", tmp_path / "lora.safetensors", strength, FIBO_1)


def test_importing_costs_nothing() -> None:
    code = "import sys, studioflow.fibo.lora, studioflow.fibo.quantize; print({'torch', 'peft'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
