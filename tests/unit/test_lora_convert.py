"""LoRAs of FIBO 2 for ComfyUI: the same change of every weight, on the real transformer of diffusers, tiny."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.errors import DeliveryError, ModelError, PathError
from studioflow.fibo.lora_convert import convert_file, convert_lora, converted_name
from studioflow.resources import table

from ..standins import NO_FIBO_2

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
safetensors_torch = pytest.importorskip("safetensors.torch")
if not hasattr(diffusers, "BriaFibo2Transformer2DModel"):
    pytest.skip(NO_FIBO_2, allow_module_level=True)

torch.set_num_threads(1)

WIDTH = 48  # the narrowest with a feed-forward that is not empty

# ComfyUI's layout of the tiny model, written down by hand and apart from lora_keys.json: matrices of several layers of
# diffusers, each with its parts from the top down. All other layers keep their names but for the outputs.
FUSED = {
    "layers.0.attention.qkv": ["layers.0.attention.to_q", "layers.0.attention.to_k", "layers.0.attention.to_v"],
    "layers.0.feed_forward.w13": ["layers.0.feed_forward.w1", "layers.0.feed_forward.w3"],
    "layers.1.attention.qkv": ["layers.1.attention.to_q", "layers.1.attention.to_k", "layers.1.attention.to_v"],
    "layers.1.feed_forward.w13": ["layers.1.feed_forward.w1", "layers.1.feed_forward.w3"],
    "layers.1.cross_attention.to_kv": ["layers.1.cross_attention.to_k", "layers.1.cross_attention.to_v"],
    "noise_refiner.0.attention.qkv": [
        "noise_refiner.0.attention.to_q",
        "noise_refiner.0.attention.to_k",
        "noise_refiner.0.attention.to_v",
    ],
    "noise_refiner.0.feed_forward.w13": ["noise_refiner.0.feed_forward.w1", "noise_refiner.0.feed_forward.w3"],
    "perceiver.layers.0.cross_attention.to_kv": [
        "perceiver.layers.0.cross_attention.to_k",
        "perceiver.layers.0.cross_attention.to_v",
    ],
    "perceiver.layers.0.self_attention.to_kv": [
        "perceiver.layers.0.self_attention.to_k",
        "perceiver.layers.0.self_attention.to_v",
    ],
    "perceiver.layers.0.ffn.w13": ["perceiver.layers.0.ffn.w1", "perceiver.layers.0.ffn.w3"],
}
RENAMED = {
    "layers.0.attention.out": "layers.0.attention.to_out.0",
    "layers.1.attention.out": "layers.1.attention.to_out.0",
    "layers.1.cross_attention.to_out": "layers.1.cross_attention.to_out.0",
    "noise_refiner.0.attention.out": "noise_refiner.0.attention.to_out.0",
    "perceiver.layers.0.cross_attention.to_out": "perceiver.layers.0.cross_attention.to_out.0",
    "perceiver.layers.0.self_attention.to_out": "perceiver.layers.0.self_attention.to_out.0",
}
PARTS = {part: (native, index, len(parts)) for native, parts in FUSED.items() for index, part in enumerate(parts)}
NATIVE_NAME = {theirs: ours for ours, theirs in RENAMED.items()}


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = diffusers.BriaFibo2Transformer2DModel(
            in_channels=4,
            patch_size=2,
            dim=WIDTH,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            cap_feat_dim=24,
            injection_layer_ids=(1,),
            perceiver_num_layers=1,
            min_num_gist_tokens=4,
            max_num_gist_tokens=8,
            gist_step=4,
            gist_min_text_len=4,
            gist_max_text_len=64,
            axes_dims=(8, 8, 8),
            axes_lens=(64, 64, 64),
        )
        # The gate is 0 in a new model, and the change of the cross-attention would not be seen.
        torch.nn.init.constant_(model.layers[1].cross_attn_gate, 0.7)
    return model.eval()


def linears(model: torch.nn.Module) -> dict[str, torch.nn.Linear]:
    return {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}


def factors(outputs: int, inputs: int, rank: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(rank, inputs, generator=random) / 4, torch.randn(outputs, rank, generator=random) / 4


def lora_over(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A LoRA over every linear layer: ranks 2 to 4, an alpha for every other layer."""
    lora = {}
    for index, (name, linear) in enumerate(linears(model).items()):
        down, up = factors(linear.out_features, linear.in_features, 2 + index % 3, seed=index)
        lora |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
        if index % 2:
            lora[f"transformer.{name}.alpha"] = torch.tensor(1.0 + index % 5)
    return lora


def deltas_of(lora: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The change of each weight, from diffusers' keys: alpha / rank * B A."""
    deltas = {}
    for key, down in lora.items():
        if key.endswith(".lora_A.weight"):
            name = key.removeprefix("transformer.").removesuffix(".lora_A.weight")
            rank = down.shape[0]
            alpha = lora.get(f"transformer.{name}.alpha", torch.tensor(float(rank)))
            deltas[name] = alpha.item() / rank * lora[f"transformer.{name}.lora_B.weight"] @ down
    return deltas


def native_deltas_of(converted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    deltas = {}
    for key, down in converted.items():
        if key.endswith(".lora_down.weight"):
            stem = key.removesuffix(".lora_down.weight")
            scale = converted[f"{stem}.alpha"].item() / down.shape[0]
            deltas[stem.removeprefix("diffusion_model.")] = scale * converted[f"{stem}.lora_up.weight"] @ down
    return deltas


def test_every_layer_changes_by_the_same(model: torch.nn.Module) -> None:
    lora = lora_over(model)
    theirs, ours = deltas_of(lora), native_deltas_of(convert_lora(lora, width=WIDTH))
    expected = {native: torch.cat([theirs[part] for part in parts]) for native, parts in FUSED.items()}
    expected |= {NATIVE_NAME.get(name, name): delta for name, delta in theirs.items() if name not in PARTS}
    assert ours.keys() == expected.keys()
    for name, delta in expected.items():
        torch.testing.assert_close(ours[name], delta, atol=1e-5, rtol=1e-5, msg=name)


def picture(model: torch.nn.Module, deltas: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the model predicts with these changes of its weights."""
    random = torch.Generator().manual_seed(1)
    latents = torch.randn(1, 4, 8, 8, generator=random)
    text = torch.randn(1, 2, 6, 24, generator=random)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    for name, delta in deltas.items():
        state[f"{name}.weight"] += delta
    with torch.no_grad():
        return torch.func.functional_call(model, state, (latents, torch.tensor([0.4]), text)).sample


def test_the_model_predicts_the_same(model: torch.nn.Module) -> None:
    lora = lora_over(model)
    native = native_deltas_of(convert_lora(lora, width=WIDTH))
    split = {}
    for name in linears(model):
        fused, index, count = PARTS.get(name, (NATIVE_NAME.get(name, name), 0, 1))
        split[name] = native[fused].chunk(count)[index]
    without, original, converted = picture(model, {}), picture(model, deltas_of(lora)), picture(model, split)
    assert (original - without).abs().max() > 0.05
    torch.testing.assert_close(converted, original, atol=1e-5, rtol=1e-5)


def test_the_table_names_only_layers_that_are_there(model: torch.nn.Module) -> None:
    # That it names all of them is seen above: a layer without a row is an unknown key.
    real = {re.sub(r"(layers|noise_refiner)\.\d+", r"\1.#", name) for name in linears(model)}
    rows = table("fibo/lora_keys.json")["layers"]
    assert {block + name for row in rows for block in row["in"] for name in row["from"]} == real
    assert {row["certainty"] for row in rows} == {"stated", "inferred"}


@given(
    ranks=st.lists(st.one_of(st.none(), st.integers(1, 5)), min_size=3, max_size=3).filter(any),
    alphas=st.lists(st.one_of(st.none(), st.floats(-8, 8, width=32)), min_size=3, max_size=3),
    count=st.sampled_from([2, 3]),
)
@settings(max_examples=60, deadline=None)
def test_any_ranks_alphas_and_missing_members(ranks: list, alphas: list, count: int) -> None:
    members = [f"layers.7.attention.to_{letter}" for letter in "qkv"]
    native = "layers.7.attention.qkv"
    if count == 2:
        members, native = ["layers.7.feed_forward.w1", "layers.7.feed_forward.w3"], "layers.7.feed_forward.w13"
        ranks = ranks if any(ranks[:2]) else [1, None, None]
    lora, expected = {}, []
    for index, (name, rank, alpha) in enumerate(zip(members, ranks, alphas, strict=False)):
        if rank is None:
            expected.append(torch.zeros(6, WIDTH))
            continue
        down, up = factors(6, WIDTH, rank, seed=index)
        lora |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
        if alpha is not None:
            lora[f"transformer.{name}.alpha"] = torch.tensor(alpha)
        expected.append((1.0 if alpha is None else alpha / rank) * up @ down)
    ours = native_deltas_of(convert_lora(lora, width=WIDTH))
    assert ours.keys() == {native}
    torch.testing.assert_close(ours[native], torch.cat(expected), atol=1e-5, rtol=1e-5)


def qkv(rank: int = 2, *, dtype: torch.dtype = torch.float32, names: str = "qkv") -> dict[str, torch.Tensor]:
    lora = {}
    for index, letter in enumerate(names):
        down, up = factors(WIDTH, WIDTH, rank, seed=index)
        lora[f"transformer.layers.0.attention.to_{letter}.lora_A.weight"] = down.to(dtype)
        lora[f"transformer.layers.0.attention.to_{letter}.lora_B.weight"] = up.to(dtype)
    return lora


QKV = "diffusion_model.layers.0.attention.qkv"


def test_a_shared_down_factor_keeps_the_rank() -> None:
    lora = qkv()
    for letter in "kv":
        lora[f"transformer.layers.0.attention.to_{letter}.lora_A.weight"] = next(iter(lora.values())).clone()
    converted = convert_lora(lora, width=WIDTH)
    assert converted[f"{QKV}.lora_down.weight"].shape == (2, WIDTH)
    expected = torch.cat(list(deltas_of(lora).values()))
    torch.testing.assert_close(native_deltas_of(converted)["layers.0.attention.qkv"], expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float8_e4m3fn"])
def test_dtypes_and_values_are_kept(dtype: str) -> None:
    lora = qkv(dtype=getattr(torch, dtype))
    for letter in "qkv":
        lora[f"transformer.layers.0.attention.to_{letter}.alpha"] = torch.tensor(0.7)
    converted = convert_lora(lora, width=WIDTH)
    down, up = converted[f"{QKV}.lora_down.weight"], converted[f"{QKV}.lora_up.weight"]
    assert down.dtype == up.dtype == getattr(torch, dtype)
    for index, letter in enumerate("qkv"):
        rows, columns = slice(index * WIDTH, (index + 1) * WIDTH), slice(index * 2, index * 2 + 2)
        assert torch.equal(
            up[rows, columns].float(), lora[f"transformer.layers.0.attention.to_{letter}.lora_B.weight"].float()
        )
        assert torch.equal(
            down[columns].float(), lora[f"transformer.layers.0.attention.to_{letter}.lora_A.weight"].float()
        )
    assert converted[f"{QKV}.alpha"].item() / 6 == pytest.approx(0.35)


SPELLINGS = {
    "diffusers": "transformer.{}.lora_A.weight",
    "PEFT": "base_model.model.{}.lora_A.weight",
    "PEFT inside diffusers": "transformer.base_model.model.{}.lora_A.default.weight",
    "no prefix": "{}.lora_A.weight",
    "ai-toolkit": "diffusion_model.{}.lora_A.weight",
    "kohya": "lora_unet_{_}.lora_down.weight",
    "OneTrainer": "lora_transformer_{_}.lora_down.weight",
    "older diffusers": "transformer.{}.lora.down.weight",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_spellings(model: torch.nn.Module, spelling: str) -> None:
    lora = lora_over(model)
    respelled = {}
    for key, value in lora.items():
        name, role = key.removeprefix("transformer.").removesuffix(".weight").rsplit(".", 1)
        new = SPELLINGS[spelling].replace("{}", name).replace("{_}", name.replace(".", "_"))
        if role == "lora_B":
            new = new.replace("lora_A", "lora_B").replace("down", "up")
        if role == "alpha":
            new = new[: new.index(".lora")] + ".alpha"
        respelled[new] = value
    expected = convert_lora(lora, width=WIDTH)
    converted = convert_lora(respelled, width=WIDTH)
    assert converted.keys() == expected.keys()
    assert all(torch.equal(converted[key], expected[key]) for key in expected)


@pytest.mark.parametrize(
    ("adapter", "scales"),
    [
        ({"lora_alpha": 8, "r": 2}, [4, 4, 4]),
        ({"transformer.lora_alpha": 8}, [4, 4, 4]),
        ({"lora_alpha": 8, "use_rslora": True}, [8 / math.sqrt(2)] * 3),
        ({"lora_alpha": 8, "alpha_pattern": {"to_k": 1}}, [4, 0.5, 4]),
        ({"lora_alpha": 8, "alpha_pattern": {"layers.0.attention.to_v": 3, "attention.to": 1}}, [4, 4, 1.5]),
    ],
)
def test_alpha_in_the_metadata_of_diffusers(adapter: dict, scales: list[float]) -> None:
    lora = qkv()
    converted = convert_lora(lora, {"lora_adapter_metadata": json.dumps(adapter)}, width=WIDTH)
    expected = [scale * delta for scale, delta in zip(scales, deltas_of(lora).values(), strict=True)]
    torch.testing.assert_close(native_deltas_of(converted)["layers.0.attention.qkv"], torch.cat(expected))


def renamed(old: str, new: str, lora: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key.replace(old, new): value for key, value in lora.items()}


def without(end: str, lora: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value for key, value in lora.items() if not key.endswith(end)}


@pytest.mark.parametrize(
    ("lora", "told"),
    [
        ({}, "no LoRA of FIBO 2"),
        (renamed("layers.0.attention", "transformer_blocks.0.attn", qkv()), "transformer_blocks.0.attn.to_q"),
        (renamed("transformer.layers.0.attention.to_", "lora_te_text_model_", qkv()), "no LoRA of FIBO 2"),
        (convert_lora(qkv(), width=WIDTH), "already has ComfyUI's layout"),
        (
            qkv() | {"transformer.context_refiner.0.attention.to_q.lora_A.weight": torch.ones(2, WIDTH)},
            "context_refiner",
        ),
        (qkv() | {"transformer.layers.0.attention.to_q.lora_magnitude_vector": torch.ones(16)}, "magnitude_vector"),
        (qkv() | {"transformer.layers.0.attention.to_q.lora_B.bias": torch.ones(16)}, "lora_B.bias"),
        (without("to_k.lora_A.weight", qkv()), "layers.0.attention.to_k: the LoRA is damaged"),
        (qkv() | {"lora_unet_layers_0_attention_to_q.lora_down.weight": torch.ones(2, WIDTH)}, "there twice"),
        (qkv() | {"transformer.layers.0.attention.to_q.lora_A.weight": torch.ones(3, WIDTH)}, "A [3, 48], B [48, 2]"),
        (qkv() | {"transformer.layers.0.attention.to_q.lora_B.weight": torch.ones(8, 2)}, "the same for all layers"),
        (qkv() | {"transformer.layers.0.attention.to_q.alpha": torch.tensor(math.nan)}, "alpha nan"),
        (qkv() | {"transformer.layers.0.attention.to_q.alpha": torch.ones(2)}, "one number"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(lora: dict[str, torch.Tensor], told: str) -> None:
    with pytest.raises(ModelError) as caught:
        convert_lora(lora, width=WIDTH)
    assert told in str(caught.value)
    assert "found:" in str(caught.value) and "do:" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"lora_alpha": "much"}', '{"alpha_pattern": {"(": 1}}'])
def test_unreadable_settings_are_an_error(text: str) -> None:
    with pytest.raises(ModelError, match="lora_adapter_metadata"):
        convert_lora(qkv(), {"lora_adapter_metadata": text}, width=WIDTH)


def test_a_lora_of_another_width_is_told() -> None:
    with pytest.raises(ModelError, match=r"(?s)another size.*48 channels.*3584"):
        convert_lora(qkv())


def written(folder: Path, name: str = "neon.safetensors", *, rank: int = 2, metadata: dict | None = None) -> Path:
    path = folder / name
    safetensors_torch.save_file(qkv(rank), path, metadata)
    return path


def metadata_of(path: Path) -> dict[str, str]:
    size = int.from_bytes(path.read_bytes()[:8], "little")
    return json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]


def test_a_file_is_converted_once(tmp_path: Path) -> None:
    adapter = json.dumps({"lora_alpha": 4, "r": 2})
    source = written(tmp_path, metadata={"trigger": "neon", "lora_adapter_metadata": adapter})
    target = tmp_path / "sub" / "neon_comfyui.safetensors"
    done = convert_file(source, target, width=WIDTH)
    assert done == (target, 3, 1, True)
    converted = safetensors_torch.load_file(target)
    expected = 2 * torch.cat(list(deltas_of(qkv()).values()))
    torch.testing.assert_close(native_deltas_of(converted)["layers.0.attention.qkv"], expected)
    kept = metadata_of(target)
    assert kept["trigger"] == "neon" and "lora_adapter_metadata" not in kept
    assert json.loads(kept["studioflow_conversion"])["source_adapter"] == adapter
    before = target.stat().st_mtime_ns
    assert convert_file(source, target, width=WIDTH) == (target, 3, 1, False)
    assert target.stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["neon.safetensors", "neon_comfyui.safetensors"]


def test_an_older_conversion_of_the_same_lora_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = written(tmp_path), tmp_path / "out.safetensors"
    names = table("fibo/lora_keys.json")
    with monkeypatch.context() as patch:
        patch.setitem(names, "version", names["version"] - 1)
        convert_file(source, target, width=WIDTH)
    assert convert_file(source, target, width=WIDTH).written
    assert json.loads(metadata_of(target)["studioflow_conversion"])["names_version"] == names["version"]


@pytest.mark.parametrize("other", ["retrained", "foreign", "broken", "itself"])
def test_another_file_is_never_written_over(tmp_path: Path, other: str) -> None:
    source, target = written(tmp_path), tmp_path / "out.safetensors"
    if other == "retrained":
        convert_file(source, target, width=WIDTH)
        written(tmp_path, rank=3)
    elif other == "foreign":
        written(tmp_path, "out.safetensors")
    elif other == "broken":
        target.write_bytes(b"something of somebody")
    else:
        target = source
    before = target.read_bytes()
    with pytest.raises(DeliveryError, match="already there"):
        convert_file(source, target, width=WIDTH)
    assert target.read_bytes() == before


@pytest.mark.parametrize("damage", ["half", "garbage", "empty", "missing"])
def test_a_damaged_file_is_told_and_nothing_written(tmp_path: Path, damage: str) -> None:
    source = written(tmp_path)
    whole = source.read_bytes()
    source.write_bytes({"half": whole[: len(whole) // 2], "garbage": b"\xff" * 64}.get(damage, b""))
    if damage == "missing":
        source.unlink()
    with pytest.raises(ModelError, match=r"(?s)neon.safetensors: the LoRA cannot be read.*found: .*do: "):
        convert_file(source, tmp_path / "out.safetensors", width=WIDTH)
    assert not (tmp_path / "out.safetensors").exists()


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    source = written(tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DeliveryError, match="no file was left half written"):
        convert_file(source, tmp_path / "file" / "out.safetensors", width=WIDTH)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "neon.safetensors"]


@pytest.mark.parametrize(
    ("lora", "name", "file"),
    [
        ("neon.safetensors", "", "neon_comfyui.safetensors"),
        ("styles/neon.v2.safetensors", " ", "styles/neon.v2_comfyui.safetensors"),
        ("neon.safetensors", "glow", "glow.safetensors"),
        ("neon.safetensors", "a/glow.safetensors", "a/glow.safetensors"),
        ("neon.safetensors", "a\\glow.v2", "a/glow.v2.safetensors"),
    ],
)
def test_names(lora: str, name: str, file: str) -> None:
    assert converted_name(lora, name) == str(Path(file))


@pytest.mark.parametrize(
    "name", ["../neon", "a/../../neon", "/neon", "C:neon", "\\\\server\\neon", "a\0", "..", "a/", ".", "…/.."]
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(PathError):
        converted_name("neon.safetensors", name)
