"""Smaller weights: how transformer and text encoder of a FIBO pipeline are quantised while they are loaded.

int8 and fp8 by torchao: weights only, one scale a row, so that a matrix product reads half the bytes of bfloat16 and
computes in the model's own dtype. nf4 by bitsandbytes: 4 bits a weight, one scale in 64 (QLoRA, arXiv 2305.14314).
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, did_you_mean
from .menus import QUANTIZATIONS

if TYPE_CHECKING:
    import torch

_PACKAGES = {"int8": "torchao", "fp8": "torchao", "nf4": "bitsandbytes"}
_DEVICES = {"fp8": ("cuda", "xpu", "cpu"), "nf4": ("cuda", "xpu", "mps")}
"""torch has no 8-bit floats on mps; diffusers refuses to make 4-bit weights without an accelerator."""

# What speaks with the outside, and modulation where it is small: below 3 % of the weights, and errors made here reach
# every block. FIBO 1.x's modulation (norm1, norm1_context, norm) is a quarter of the model and is quantised.
_ENDS = ("x_embedder", "context_embedder", "time_embed", "t_embedder", "norm_out", "proj_out", "final_layer")
_MODULATION = "adaLN_modulation"
# The head is unused (and often the embedding itself); the vision tower is a tenth of its model and reads references.
_TEXT_ENCODER_KEPT = ("lm_head", "model.visual")

_ROW_BYTES = {"int8": 5, "fp8": 4}
"""A float32 scale for each row, and for int8 a zero point."""
_NF4_BLOCK = 64
_NF4_LEVELS = 16


def config(kind: str, dtype: str, device: str = "cpu") -> Any | None:
    """What ``from_pretrained(…, quantization_config=)`` of a FIBO pipeline takes; None for ``none``.

    ``dtype`` (bfloat16, float16, float32) is what the model computes in, ``device`` where. The VAE is left as it is.
    Raises ModelError where the package is missing or the kind cannot work on the device.
    """
    if kind not in QUANTIZATIONS:
        raise ModelError(
            "no such quantization",
            found=f'"{kind}"',
            allowed=", ".join(QUANTIZATIONS),
            fix=did_you_mean(kind, QUANTIZATIONS),
        )
    if kind == "none":
        return None
    _require_device(kind, device)
    _require_package(kind)
    from diffusers import PipelineQuantizationConfig

    transformer, text_encoder = _nf4(dtype) if kind == "nf4" else _torchao(kind)
    return PipelineQuantizationConfig(quant_mapping={"transformer": transformer, "text_encoder": text_encoder})


def finish(pipeline: Any, kind: str) -> None:
    """Makes small what diffusers left as it was while it loaded the pipeline; call it once, after loading.

    That is nf4 on FIBO 1.x: diffusers 0.42 compares the names to keep with the last word of a layer's name too, and
    so keeps every block's proj_out (a fifth of the model) along with the final layer.
    """
    if kind != "nf4":
        return
    import torch

    for name, layer in list(_quantized_layers(pipeline.transformer)):
        if type(layer) is torch.nn.Linear:
            pipeline.transformer.set_submodule(name, _four_bit(layer))


def weight_bytes(module: torch.nn.Module) -> int:
    """The bytes that the module's parameters and buffers take, with the scales of quantised ones."""
    return sum(_bytes(tensor) for tensor in itertools.chain(module.parameters(), module.buffers()))


def planned_bytes(module: torch.nn.Module, kind: str) -> int:
    """What ``weight_bytes`` of a transformer or text encoder would be after loading it with this kind.

    Takes the unquantised module, which may lie on torch's meta device.
    """
    if kind == "none":
        return weight_bytes(module)
    saved = sum(_bytes(layer.weight) - _quantized_bytes(layer, kind) for _, layer in _quantized_layers(module))
    return weight_bytes(module) - saved


def _require_device(kind: str, device: str) -> None:
    found, allowed = str(device).split(":")[0], _DEVICES.get(kind)
    if allowed and found not in allowed:
        raise ModelError(
            f"{kind} does not work on this device",
            where="quantization",
            found=found,
            allowed=", ".join(allowed),
            fix="choose int8 or none",
        )


def _require_package(kind: str) -> None:
    package = _PACKAGES[kind]
    if importlib.util.find_spec(package) is None:
        raise ModelError(
            f"{kind} needs the package {package}",
            where="quantization",
            found="it is not installed",
            fix=f"pip install {package}, then start ComfyUI again; or choose none",
        )


def _torchao(kind: str) -> tuple[Any, Any]:
    from diffusers import TorchAoConfig
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig
    from transformers import TorchAoConfig as TransformersTorchAoConfig

    scheme = Int8WeightOnlyConfig() if kind == "int8" else Float8WeightOnlyConfig()
    # Each name matches anywhere in a parameter's name as far as its next dot, or the whole of it: spelled out,
    # proj_out.weight is the final layer and not every block's proj_out.
    kept = [_MODULATION, *(f"{end}.weight" if end == "proj_out" else end for end in _ENDS)]
    return (
        TorchAoConfig(scheme, modules_to_not_convert=kept),
        TransformersTorchAoConfig(scheme, modules_to_not_convert=list(_TEXT_ENCODER_KEPT)),
    )


def _nf4(dtype: str) -> tuple[Any, Any]:
    import torch
    from diffusers import BitsAndBytesConfig
    from transformers import BitsAndBytesConfig as TransformersBitsAndBytesConfig

    settings = {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_compute_dtype": getattr(torch, dtype),
    }
    return (
        BitsAndBytesConfig(llm_int8_skip_modules=[_MODULATION, *_ENDS], **settings),
        TransformersBitsAndBytesConfig(llm_int8_skip_modules=list(_TEXT_ENCODER_KEPT), **settings),
    )


def _four_bit(layer: torch.nn.Linear) -> Any:
    from bitsandbytes.nn import Linear4bit, Params4bit

    dtype, device = layer.weight.dtype, layer.weight.device
    small = Linear4bit(layer.in_features, layer.out_features, bias=False, compute_dtype=dtype, quant_type="nf4")
    settings = {"quant_type": "nf4", "compress_statistics": False, "module": small}
    small.weight = Params4bit(layer.weight.data, requires_grad=False, **settings).to(device)
    small.bias = layer.bias
    return small.train(layer.training)


def _quantized_layers(module: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Linear]]:
    import torch

    for name, layer in module.named_modules():
        words = name.split(".")
        kept = words[0] in _ENDS or _MODULATION in words or name.startswith(_TEXT_ENCODER_KEPT)
        if isinstance(layer, torch.nn.Linear) and not kept:
            yield name, layer


def _quantized_bytes(layer: torch.nn.Linear, kind: str) -> int:
    weights = layer.in_features * layer.out_features
    if kind == "nf4":
        return -(-weights // 2) + 4 * -(-weights // _NF4_BLOCK) + 4 * _NF4_LEVELS
    return weights + _ROW_BYTES[kind] * layer.out_features


def _bytes(tensor: torch.Tensor) -> int:
    from torch.utils._python_dispatch import is_traceable_wrapper_subclass

    if is_traceable_wrapper_subclass(tensor):
        return sum(_bytes(getattr(tensor, name)) for name in tensor.__tensor_flatten__()[0])
    state = getattr(tensor, "quant_state", None)
    scales = (state.absmax.nbytes + state.code.nbytes) if state is not None else 0
    return tensor.nbytes + scales
