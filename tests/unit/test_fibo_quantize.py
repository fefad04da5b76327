"""Quantised loading of real FIBO pipelines on a CPU: what becomes small, what stays, and how near the result is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import ModelError
from studioflow.families import family
from studioflow.fibo.lora import activate, read_lora
from studioflow.fibo.quantize import QUANTIZATIONS, config, finish, planned_bytes, weight_bytes
from studioflow.fibo.standin import build

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
torch.set_num_threads(1)

FAMILIES = {"1": "fibo-1.0", "2": "fibo-2.0-dev"}
# Wide enough that scales weigh little: the stand-ins of every other test have 16 to 32 channels.
WIDER = {
    "1": {"attention_head_dim": 32, "num_attention_heads": 4, "joint_attention_dim": 32, "axes_dims_rope": [8, 12, 12]},
    "2": {"dim": 128, "n_heads": 4, "axes_dims": [8, 12, 12]},
}


@pytest.fixture(scope="module", params=["1", "2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose transformer is 128 wide."""
    if request.param == "2" and not hasattr(diffusers, "BriaFibo2Pipeline"):
        pytest.skip(NO_FIBO_2)
    target = tmp_path_factory.mktemp("wider") / request.param
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        pipeline = build(FAMILIES[request.param])
        transformer = type(pipeline.transformer)
        pipeline.register_modules(
            transformer=transformer.from_config(dict(pipeline.transformer.config) | WIDER[request.param])
        )
        pipeline.save_pretrained(target, safe_serialization=True)
    return target


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    return load(folder, "none")


@pytest.fixture(scope="module", params=["int8", "fp8"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def quantised(folder: Path, kind: str) -> Any:
    pytest.importorskip("torchao")
    return load(folder, kind)


def load(folder: Path, kind: str) -> Any:
    pipeline = diffusers.DiffusionPipeline.from_pretrained(
        folder, dtype=torch.float32, quantization_config=config(kind, "float32")
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def small_layers(module: torch.nn.Module) -> dict[str, torch.nn.Linear]:
    return {
        name: layer
        for name, layer in module.named_modules()
        if isinstance(layer, torch.nn.Linear) and type(layer.weight.data) is not torch.Tensor
    }


def render(pipeline: Any) -> torch.Tensor:
    return pipeline(
        prompt='{"short_description":"a cup"}',
        width=64,
        height=48,
        num_inference_steps=3,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(3),
        output_type="latent",
    ).images.float()


def deviation(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_the_result_is_near_the_float32_one(quantised: Any, plain: Any, kind: str) -> None:
    # Rounding to 127 levels of the largest weight of a row, or to 3 bits of mantissa.
    most = {"int8": 0.01, "fp8": 0.05}[kind]
    assert 0 < deviation(render(quantised), render(plain)) < most


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
def test_takes_the_bytes_that_were_planned(quantised: Any, plain: Any, kind: str, part: str) -> None:
    module = getattr(plain, part)
    planned = weight_bytes(module) if part == "vae" else planned_bytes(module, kind)
    assert weight_bytes(getattr(quantised, part)) == planned


def test_counts_shared_weights_once() -> None:
    module = torch.nn.Sequential(torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5, bias=False), torch.nn.BatchNorm1d(5))
    module[1].weight = module[0].weight
    assert weight_bytes(module) == planned_bytes(module, "none") == 4 * (15 + 4 * 5) + 8


def test_a_block_takes_a_quarter_of_float32(quantised: Any, plain: Any) -> None:
    layers = small_layers(quantised.transformer)
    before = sum(plain.transformer.get_submodule(name).weight.nbytes for name in layers)
    after = sum(weight_bytes(layer) - (0 if layer.bias is None else layer.bias.nbytes) for layer in layers.values())
    assert 0.25 < after / before < 0.27


def test_what_is_sensitive_stays(quantised: Any, plain: Any) -> None:
    layers = small_layers(quantised.transformer)
    blocks = ("transformer_blocks.", "single_transformer_blocks.", "caption_projection.")
    blocks += ("layers.", "noise_refiner.", "perceiver.")
    expected = {
        name
        for name, module in plain.transformer.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith(blocks) and "adaLN_modulation" not in name
    }
    assert layers.keys() == expected
    if "single_transformer_blocks.0.proj_out" in plain.transformer.state_dict():
        assert "single_transformer_blocks.0.proj_out" in layers and "proj_out" not in layers
    encoder = small_layers(quantised.text_encoder)
    assert encoder and not any("visual" in name or "lm_head" in name for name in encoder)
    assert not small_layers(quantised.vae)


def test_moves_as_it_is(quantised: Any) -> None:
    before = weight_bytes(quantised.transformer)
    quantised.to("cpu")
    assert weight_bytes(quantised.transformer) == before
    moved = next(iter(small_layers(quantised.transformer).values())).weight.to("meta")
    assert moved.device.type == "meta" and weight_bytes_of(moved) < 4 * moved.numel()


def test_renders_the_same_in_inference_mode(quantised: Any) -> None:
    outside = render(quantised)
    with torch.inference_mode():  # as ComfyUI runs its nodes
        assert torch.equal(render(quantised), outside)


def weight_bytes_of(weight: torch.Tensor) -> int:
    holder = torch.nn.Module()
    holder.weight = torch.nn.Parameter(weight, requires_grad=False)
    return weight_bytes(holder)


def test_a_lora_works_on_top(quantised: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    from safetensors.torch import save_file

    transformer, before = quantised.transformer, render(quantised)
    layers = dict(list(small_layers(transformer).items())[::4])
    random = torch.Generator().manual_seed(1)
    tensors, merged = {}, {}
    for name, layer in layers.items():
        down = 0.1 * torch.randn(2, layer.in_features, generator=random)
        up = 0.1 * torch.randn(layer.out_features, 2, generator=random)
        tensors |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
        merged[name] = layer.weight.dequantize() + 0.6 * up @ down
    save_file(tensors, tmp_path / "lora.safetensors")
    dialect = "fibo-2.0-dev" if type(quantised).__name__ == "BriaFibo2Pipeline" else "fibo-1.0"
    lora = read_lora("lora", tmp_path / "lora.safetensors", 0.6, family(dialect))
    activate(quantised, (lora,))
    found = render(quantised)
    activate(quantised, ())
    assert torch.equal(render(quantised), before)
    kept = {name: layer.weight for name, layer in layers.items()}
    try:
        for name, layer in layers.items():
            layer.weight = torch.nn.Parameter(merged[name], requires_grad=False)
        expected = render(quantised)
    finally:
        for name, layer in layers.items():
            layer.weight = kept[name]
    assert deviation(found, expected) < 1e-4 < deviation(before, expected)


def test_nf4_on_a_cpu_layer_by_layer(folder: Path, plain: Any) -> None:
    """diffusers loads nf4 on an accelerator only; bitsandbytes itself works anywhere."""
    pytest.importorskip("bitsandbytes")
    from diffusers.quantizers.bitsandbytes import replace_with_bnb_linear

    settings = config("nf4", "float32", "cuda").quant_mapping["transformer"]
    transformer = type(plain.transformer).from_config(plain.transformer.config)
    names = list(settings.llm_int8_skip_modules)
    replace_with_bnb_linear(transformer, modules_to_not_convert=names, quantization_config=settings)
    load_4_bit(transformer, plain.transformer.state_dict())
    expected, kept = render(plain), plain.transformer
    # bitsandbytes has another kernel for evaluation on some CPUs, which wants 64 inputs at least.
    plain.register_modules(transformer=transformer.train())
    try:
        finish(plain, "nf4")
        assert weight_bytes(transformer) == planned_bytes(kept, "nf4")
        # 16 levels: a tenth of a weight's spread, of which most averages out over a row.
        assert 0 < deviation(render(plain), expected) < 0.05
        ends = [name for name, _ in transformer.named_children() if "proj_out" in name or "embed" in name]
        weights = dict(kept.named_parameters())
        assert ends and all(
            torch.equal(value, weights[name])
            for name, value in transformer.named_parameters()
            if name.split(".")[0] in ends
        )
    finally:
        plain.register_modules(transformer=kept)


def load_4_bit(transformer: Any, weights: dict[str, torch.Tensor]) -> None:
    import bitsandbytes

    for name, value in weights.items():
        owner, _, leaf = name.rpartition(".")
        module = transformer.get_submodule(owner)
        old = getattr(module, leaf)
        if isinstance(old, bitsandbytes.nn.Params4bit):
            new = bitsandbytes.nn.Params4bit(value.clone(), requires_grad=False, **old.__dict__).to("cpu")
        else:
            new = torch.nn.Parameter(value.clone(), requires_grad=False)
        module._parameters[leaf] = new


@pytest.mark.parametrize("family_id", FAMILIES.values())
def test_the_real_architectures(family_id: str) -> None:
    if family_id == "fibo-2.0-dev" and not hasattr(diffusers, "BriaFibo2Pipeline"):
        pytest.skip(NO_FIBO_2)
    with torch.device("meta"):
        transformer = build(family_id, "full").transformer.to(torch.bfloat16)
    sizes = [planned_bytes(transformer, kind) / 1e9 for kind in QUANTIZATIONS]
    assert 16 < sizes[0] < 17 and 8 < sizes[1] < 8.5 and 8 < sizes[2] < 8.5 and 4.5 < sizes[3] < 5


def test_none_is_none() -> None:
    assert config("none", "float32") is None


def test_a_kind_that_does_not_exist() -> None:
    with pytest.raises(ModelError, match=r'no such quantization(.|\n)*did you mean "int8"'):
        config("int9", "bfloat16", "cuda")


@pytest.mark.parametrize(("kind", "device"), [("nf4", "cpu"), ("fp8", "mps")])
def test_devices_that_a_kind_does_not_work_on(kind: str, device: str) -> None:
    with pytest.raises(ModelError, match=f"{kind} does not work on this device(.|\n)*found: {device}"):
        config(kind, "bfloat16", device)


@pytest.mark.parametrize(("kind", "package"), [("int8", "torchao"), ("fp8", "torchao"), ("nf4", "bitsandbytes")])
def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch, kind: str, package: str) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else found(name, *rest)
    )
    with pytest.raises(ModelError, match=f"pip install {package}"):
        config(kind, "bfloat16", "cuda:0")
