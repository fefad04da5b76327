"""Converted LoRAs as ComfyUI's own code reads and applies them, and the node that makes them."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from studioflow.errors import DeliveryError, PathError
from studioflow.fibo.lora_convert import convert_lora

WIDTH, TEXT, HIDDEN = 48, 24, 128

# [outputs, inputs] of the layers of a FIBO 2 as diffusers has them, and the matrices that ComfyUI makes of them.
LAYERS = {
    "layers.0.attention.to_q": (WIDTH, WIDTH),
    "layers.0.attention.to_k": (WIDTH, WIDTH),
    "layers.0.attention.to_v": (WIDTH, WIDTH),
    "layers.0.attention.to_out.0": (WIDTH, WIDTH),
    "layers.0.feed_forward.w1": (HIDDEN, WIDTH),
    "layers.0.feed_forward.w2": (WIDTH, HIDDEN),
    "layers.0.feed_forward.w3": (HIDDEN, WIDTH),
    "layers.0.adaLN_modulation.0": (4 * WIDTH, WIDTH),
    "layers.0.cross_attention.to_q": (WIDTH, WIDTH),
    "layers.0.cross_attention.to_k": (WIDTH, TEXT),
    "layers.0.cross_attention.to_v": (WIDTH, TEXT),
    "layers.0.cross_attention.to_out.0": (WIDTH, WIDTH),
    "perceiver.layers.0.self_attention.to_k": (WIDTH, WIDTH),
    "perceiver.layers.0.self_attention.to_v": (WIDTH, WIDTH),
    "perceiver.layers.0.ffn.w1": (HIDDEN, WIDTH),
    "perceiver.layers.0.ffn.w3": (HIDDEN, WIDTH),
    "final_layer.linear": (16, WIDTH),
}
NATIVE = {
    "layers.0.attention.qkv": ["layers.0.attention.to_q", "layers.0.attention.to_k", "layers.0.attention.to_v"],
    "layers.0.attention.out": ["layers.0.attention.to_out.0"],
    "layers.0.feed_forward.w13": ["layers.0.feed_forward.w1", "layers.0.feed_forward.w3"],
    "layers.0.feed_forward.w2": ["layers.0.feed_forward.w2"],
    "layers.0.adaLN_modulation.0": ["layers.0.adaLN_modulation.0"],
    "layers.0.cross_attention.to_q": ["layers.0.cross_attention.to_q"],
    "layers.0.cross_attention.to_kv": ["layers.0.cross_attention.to_k", "layers.0.cross_attention.to_v"],
    "layers.0.cross_attention.to_out": ["layers.0.cross_attention.to_out.0"],
    "perceiver.layers.0.self_attention.to_kv": [
        "perceiver.layers.0.self_attention.to_k",
        "perceiver.layers.0.self_attention.to_v",
    ],
    "perceiver.layers.0.ffn.w13": ["perceiver.layers.0.ffn.w1", "perceiver.layers.0.ffn.w3"],
    "final_layer.linear": ["final_layer.linear"],
}


def lora_of(shapes: dict[str, tuple[int, int]], rank: int = 3) -> dict[str, Any]:
    import torch

    random = torch.Generator().manual_seed(0)
    lora = {}
    for index, (name, (outputs, inputs)) in enumerate(shapes.items()):
        lora[f"transformer.{name}.lora_A.weight"] = torch.randn(rank, inputs, generator=random) / 4
        lora[f"transformer.{name}.lora_B.weight"] = torch.randn(outputs, rank, generator=random) / 4
        if index % 2:
            lora[f"transformer.{name}.alpha"] = torch.tensor(1.0 + index)
    return lora


@pytest.fixture
def native_model(pack: ModuleType) -> Any:
    """A module whose weights have the names and shapes of ComfyUI's FIBO 2, as one of ComfyUI's models."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model_config = SimpleNamespace(unet_config={})
            for native, parts in NATIVE.items():
                shape = (sum(LAYERS[part][0] for part in parts), LAYERS[parts[0]][1])
                at = self
                for name in f"diffusion_model.{native}".split("."):
                    if name not in dict(at.named_children()):
                        at.add_module(name, torch.nn.Module())
                    at = getattr(at, name)
                at.weight = torch.nn.Parameter(torch.zeros(shape), requires_grad=False)

    return Model()


def test_comfyui_applies_the_same_change(native_model: Any, caplog: pytest.LogCaptureFixture) -> None:
    import comfy.lora
    import torch

    lora = lora_of(LAYERS)
    names = comfy.lora.model_lora_keys_unet(native_model, {})
    with caplog.at_level(logging.WARNING):
        patches = comfy.lora.load_lora(convert_lora(lora, width=WIDTH), names)
    assert not [record for record in caplog.records if "not loaded" in record.getMessage()]
    assert patches.keys() == {f"diffusion_model.{native}.weight" for native in NATIVE}
    for native, parts in NATIVE.items():
        key = f"diffusion_model.{native}.weight"
        weight = torch.zeros_like(native_model.state_dict()[key])
        changed = comfy.lora.calculate_weight([(1.0, patches[key], 1.0, None, None)], weight, key)
        expected = []
        for part in parts:
            scale = lora.get(f"transformer.{part}.alpha", torch.tensor(3.0)).item() / 3
            pair = (lora[f"transformer.{part}.lora_{factor}.weight"] for factor in "BA")
            expected.append(scale * torch.linalg.multi_dot(list(pair)))
        torch.testing.assert_close(changed, torch.cat(expected), atol=1e-5, rtol=1e-5)


def test_unconverted_it_would_not_load(native_model: Any, caplog: pytest.LogCaptureFixture) -> None:
    import comfy.lora

    with caplog.at_level(logging.WARNING):
        patches = comfy.lora.load_lora(lora_of(LAYERS), comfy.lora.model_lora_keys_unet(native_model, {}))
    assert not patches
    assert "lora key not loaded: transformer.layers.0.attention.to_q.lora_A.weight" in caplog.text


@pytest.fixture
def convert(pack: ModuleType, nodes: dict[str, type]) -> Any:
    return importlib.import_module(f"{pack.__name__}.nodes.fibo_lora_convert").ConvertFiboLora


@pytest.fixture
def loras(base: Path) -> Path:
    """ComfyUI's folder of LoRAs with one LoRA of FIBO 2's true width in a subfolder."""
    from safetensors.torch import save_file

    folder = base / "models" / "loras"
    (folder / "styles").mkdir(parents=True, exist_ok=True)
    if not (folder / "styles" / "neon.safetensors").exists():
        wide = {f"layers.0.attention.to_{letter}": (3584, 3584) for letter in "qkv"}
        save_file(lora_of(wide, rank=1), folder / "styles" / "neon.safetensors")
        (folder / "old.pt").write_bytes(b"a pickle")
    return folder


def test_the_node_writes_beside_the_lora(loras: Path, convert: Any, host: ModuleType) -> None:
    lora = str(Path("styles/neon.safetensors"))
    assert lora in host.loras() and "old.pt" not in host.loras()
    assert convert.validate_inputs(lora=lora, name="") is True
    (name,) = convert.execute(lora=lora, name="").result
    assert name == str(Path("styles/neon_comfyui.safetensors"))
    assert host.find_lora(name) == loras / name
    again = convert.execute(lora=lora, name="")
    assert again.result == (name,) and "was there already" in again.ui["studioflow_notice"]


def test_what_comfyui_shows_as_an_error(loras: Path, convert: Any) -> None:
    assert "no such LoRA" in convert.validate_inputs(lora="neom.safetensors", name="")
    assert "no such LoRA" in convert.validate_inputs(lora="../../input/x.safetensors", name="")
    assert "leaves the folder" in convert.validate_inputs(lora=str(Path("styles/neon.safetensors")), name="../x")
    with pytest.raises(Exception, match="another file of that name is already there") as caught:
        convert.execute(lora=str(Path("styles/neon.safetensors")), name="styles/neon")
    assert type(caught.value).__name__ == DeliveryError.__name__
    with pytest.raises(Exception, match="no such LoRA") as caught:
        convert.execute(lora="old.pt", name="")
    assert type(caught.value).__name__ == PathError.__name__
