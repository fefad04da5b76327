"""LoRA files on a FIBO pipeline: read and checked, then kept as PEFT adapters beside the weights.

The product of a layer's two factors is added to what the layer gives: (W + Σ strength · alpha / rank · B · A) x. The
weights themselves stay as they are, quantised or not, so that taking the LoRAs off restores the model exactly.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError, PathError
from ..families import Family
from .lora_file import SETTINGS, metadata_of, open_lora, scale_of, settings_of, sha256, some, split_key

if TYPE_CHECKING:
    import torch

# The first word of every layer's name, by caption dialect, which is what tells FIBO's generations apart.
_HEADS = {
    "fibo-1": {
        "transformer_blocks",
        "single_transformer_blocks",
        "caption_projection",
        "context_embedder",
        "x_embedder",
        "time_embed",
        "norm_out",
        "proj_out",
    },
    "fibo-2": {"layers", "noise_refiner", "perceiver", "x_embedder", "t_embedder", "final_layer"},
}
_TITLES = {"fibo-1": "FIBO 1.x", "fibo-2": "FIBO 2"}
_FUSED = {"qkv", "to_kv", "w13"}
"""Layers that only ComfyUI's own FIBO 2 has, where diffusers has two or three."""


class Lora(NamedTuple):
    """A LoRA of a stack: the file's name as the person chose it, how strong, and the SHA-256 (hex) of the file.

    ``size`` is how many numbers its factors hold.
    """

    name: str
    path: Path
    strength: float
    fingerprint: str
    size: int


class _Layer(NamedTuple):
    """A layer that a file changes, as diffusers calls it, and the keys of its tensors in the file.

    ``scale`` is that of the settings; where there is an alpha it holds instead.
    """

    name: str
    down: str
    up: str
    alpha: str | None
    scale: float
    rank: int
    inputs: int
    outputs: int


def read_lora(name: str, path: str | Path, strength: float, family: Family) -> Lora:
    """The LoRA of a safetensors file, after checking that it is whole and made for this generation of FIBO.

    ``strength`` is any finite number; 0 changes nothing, below 0 works against what was learned. Reads the header and
    the hash only. Raises PathError where there is no such file, ModelError for one that does not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise PathError("no such LoRA file", where=name, found=str(path), fix="choose one from the menu")
    if not math.isfinite(strength):
        raise ModelError("a LoRA's strength is a number", where=name, found=str(strength), allowed="e.g. 0.8")
    layers = _header(path)
    _require_family(path, [layer.name for layer in layers], family.dialect)
    size = sum(layer.rank * (layer.inputs + layer.outputs) for layer in layers)
    return Lora(name, path, float(strength), sha256(path), size)


def adapter_bytes(loras: Sequence[Lora], dtype: torch.dtype) -> int:
    """What these LoRAs take on the device once ``activate`` put them on a transformer of this dtype. Reads nothing."""
    sizes = {_adapter(lora): lora.size for lora in loras}
    return sum(sizes[name] for name in _strengths(loras)) * dtype.itemsize


def activate(pipeline: Any, loras: Sequence[Lora], device: torch.device | str | None = None) -> None:
    """Makes exactly these LoRAs work on the pipeline's transformer; none of them restores it to the bit.

    The order does not matter, a file that is there twice works with the sum of its strengths, and 0 is as good as
    absent. Adapters lie on ``device`` (where the pipeline runs, unless said) whatever lies where of the weights.
    Raises ModelError, with all LoRAs taken off, for layers that the model has not, and for a changed file.
    """
    transformer = pipeline.transformer
    files = {_adapter(lora): lora for lora in loras}
    strengths = _strengths(loras)
    if not strengths:
        _restore(transformer)
        return
    import torch

    # A parameter that is made in inference mode could never be used outside of it.
    with torch.inference_mode(False), torch.no_grad():
        try:
            _synchronise(transformer, strengths, files)
            _move(transformer, torch.device(device or pipeline._execution_device))
        except BaseException:
            _restore(transformer)
            raise


def _strengths(loras: Sequence[Lora]) -> dict[str, float]:
    """The strength of each adapter that has any, by name."""
    sums = {
        name: math.fsum(lora.strength for lora in loras if _adapter(lora) == name)
        for name in sorted(map(_adapter, loras))
    }
    return {name: strength for name, strength in sums.items() if strength}


def _synchronise(transformer: Any, strengths: dict[str, float], files: dict[str, Lora]) -> None:
    loaded = set(getattr(transformer, "peft_config", ()))
    if loaded == strengths.keys() and getattr(transformer, "studioflow_loras", None) == strengths:
        return
    missing = [name for name in strengths if name not in loaded]
    fitted = {name: _fitted(transformer, files[name]) for name in missing}
    if unused := sorted(loaded - strengths.keys()):
        transformer.delete_adapters(unused)
    for name, layers in fitted.items():
        _load(transformer, name, files[name].path, layers)
    for layer in _adapted(transformer):
        # Diffusers' set_adapters does the same, but asks for gradients.
        layer.set_adapter(list(strengths), inference_mode=True)
        for name, strength in strengths.items():
            layer.set_scale(name, strength)
    transformer.studioflow_loras = strengths


def _load(transformer: Any, name: str, path: Path, layers: list[_Layer]) -> None:
    """Gives the transformer an adapter by diffusers' and PEFT's own loader."""
    import warnings

    dtype, factors, alphas = transformer.dtype, {}, {}
    with open_lora(path) as file:
        for layer in layers:
            factors[f"transformer.{layer.name}.lora_A.weight"] = file.get_tensor(layer.down).to(dtype)
            factors[f"transformer.{layer.name}.lora_B.weight"] = file.get_tensor(layer.up).to(dtype)
            alphas[layer.name] = layer.scale * layer.rank
            if layer.alpha:
                alphas[layer.name] = file.get_tensor(layer.alpha).item()
    with warnings.catch_warnings():
        # PEFT warns that quantised weights cannot be merged with, which is never done here.
        warnings.simplefilter("ignore")
        try:
            transformer.load_lora_adapter(
                factors,
                adapter_name=name,
                metadata=_adapter_config({layer.name: layer.rank for layer in layers}, alphas),
                low_cpu_mem_usage=True,
            )
        except (ValueError, TypeError, RuntimeError, KeyError, ImportError) as error:
            raise ModelError(
                "the LoRA cannot be put on the model",
                where=str(path),
                found=f"{type(error).__name__}: {str(error).splitlines()[0][:300]}",
                fix="pip install -U peft diffusers, or leave this LoRA out",
            ) from error


def _adapter_config(ranks: dict[str, int], alphas: dict[str, float]) -> dict[str, Any]:
    """What PEFT's LoraConfig takes, spelled as diffusers takes it from a file; only exceptions are in patterns."""
    rank, alpha = (Counter(values.values()).most_common(1)[0][0] for values in (ranks, alphas))
    # PEFT matches the ends of names: ^ keeps proj_out from meaning every block's proj_out as well.
    config = {
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": "|".join(map(re.escape, ranks)),
        "rank_pattern": {f"^{re.escape(name)}": own for name, own in ranks.items() if own != rank},
        "alpha_pattern": {f"^{re.escape(name)}": own for name, own in alphas.items() if own != alpha},
        "inference_mode": True,
    }
    return {f"transformer.{key}": value for key, value in config.items()}


def _fitted(transformer: Any, lora: Lora) -> list[_Layer]:
    """The layers of the file, after comparing each layer with the model's."""
    import torch

    if not lora.path.is_file() or sha256(lora.path) != lora.fingerprint:
        raise ModelError(
            "the LoRA file has changed", where=str(lora.path), fix="run again, so that it is read and recorded anew"
        )
    layers = _header(lora.path)
    modules = dict(transformer.named_modules())
    for layer in layers:
        module = modules.get(layer.name)
        module = getattr(module, "base_layer", module)
        if not isinstance(module, torch.nn.Linear):
            raise _misfit(lora, layer, "no such layer in the model")
        if (layer.inputs, layer.outputs) != (module.in_features, module.out_features):
            found = f"made for {layer.inputs} to {layer.outputs} features"
            raise _misfit(lora, layer, f"{found}; the model has {module.in_features} to {module.out_features}")
    return layers


def _misfit(lora: Lora, layer: _Layer, found: str) -> ModelError:
    return ModelError(
        "the LoRA does not fit the model",
        where=f"{lora.path} {layer.name}",
        found=found,
        allowed="a LoRA that was trained on this model",
        fix="choose another LoRA, or the model that it was trained on",
    )


def _restore(transformer: Any) -> None:
    if getattr(transformer, "peft_config", None):
        transformer.unload_lora()
    transformer.studioflow_loras = {}


def _move(transformer: Any, device: torch.device) -> None:
    for layer in _adapted(transformer):
        for factor in (*layer.lora_A.values(), *layer.lora_B.values()):
            if factor.weight.device != device:
                factor.to(device)


def _adapted(transformer: Any) -> list[Any]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [module for module in transformer.modules() if isinstance(module, BaseTunerLayer)]


def _adapter(lora: Lora) -> str:
    # A name that a person chose may hold dots, which PEFT's names cannot.
    return f"studioflow_{lora.fingerprint[:16]}"


def _header(path: Path) -> list[_Layer]:
    """The layers that a file changes, without reading its tensors."""
    with open_lora(path, "np") as file:
        shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
        settings = settings_of(metadata_of(file), f"{path} {SETTINGS}")
    return _layers(path, shapes, settings)


def _layers(path: Path, shapes: dict[str, tuple[int, ...]], settings: dict[str, Any]) -> list[_Layer]:
    roles: dict[str, dict[str, str]] = {}
    rest, twice = [], []
    for key in shapes:
        name, role = split_key(key)
        if not role:
            rest.append(key)
        elif roles.setdefault(name, {}).setdefault(role, key) != key:
            twice.append(key)
    if not any(role != "alpha" for keys in roles.values() for role in keys):
        raise _damaged(path, "this is no LoRA", some(shapes) or "no tensors", "pairs of lora_A and lora_B")
    if rest or settings.get("use_dora"):
        found = some(rest) or "use_dora"
        raise _damaged(path, "the LoRA has parts that FIBO's LoRAs have not", found, "lora_A, lora_B and alpha only")
    if twice:
        raise _damaged(path, "the LoRA has layers twice", some(twice), "one pair of factors for each layer")
    if half := [name for name, keys in roles.items() if not {"down", "up"} <= keys.keys()]:
        raise _damaged(path, "the LoRA has half pairs of factors", some(half), "lora_A and lora_B of each layer")
    return [_layer(path, name, keys, shapes, settings) for name, keys in roles.items()]


def _layer(
    path: Path, name: str, keys: dict[str, str], shapes: dict[str, tuple[int, ...]], settings: dict[str, Any]
) -> _Layer:
    down, up = shapes[keys["down"]], shapes[keys["up"]]
    if len(down) != 2 or len(up) != 2 or down[0] != up[1] or 0 in (*down, *up):
        raise _damaged(path, f"the factors of {name} do not fit together", f"{down} and {up}", "[r, in] and [out, r]")
    alpha = keys.get("alpha")
    if alpha and math.prod(shapes[alpha]) != 1:
        raise _damaged(path, f"the alpha of {name} is no number", f"{shapes[alpha]}", "one number")
    scale = scale_of(name, down[0], None, settings, f"{path} {SETTINGS}")
    return _Layer(name, keys["down"], keys["up"], alpha, scale, down[0], down[1], up[0])


def _require_family(path: Path, layers: Iterable[str], dialect: str) -> None:
    words = {layer: layer.split(".") for layer in layers}
    others = [layer for layer, parts in words.items() if parts[0] not in _HEADS[dialect]]
    if fused := [layer for layer, parts in words.items() if _FUSED & set(parts)]:
        raise ModelError(
            "the LoRA is made for ComfyUI's own FIBO 2 nodes",
            where=str(path),
            found=some(fused),
            allowed="the layers as diffusers has them, e.g. layers.0.attention.to_q",
            fix="load it with LoraLoaderModelOnly, or take the file that it was converted from",
        )
    if not others:
        return
    if any(layer.startswith(("text_encoder", "lora_te")) for layer in others):
        found, fix = "layers of a text encoder", "train it, or save it, without the text encoder"
    else:
        owner = next(
            (other for other, heads in _HEADS.items() if {parts[0] for parts in words.values()} <= heads), None
        )
        found = f"layers of {_TITLES[owner]}" if owner else some(others)
        fix = "choose a LoRA that was trained on the model of this node"
    raise ModelError(
        f"the LoRA is not made for {_TITLES[dialect]}",
        where=str(path),
        found=found,
        allowed=f"layers of {_TITLES[dialect]}'s transformer",
        fix=fix,
    )


def _damaged(path: Path, problem: str, found: str, allowed: str) -> ModelError:
    return ModelError(problem, where=str(path), found=found, allowed=allowed, fix="choose another, or save it again")
