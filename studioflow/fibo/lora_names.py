"""The names of FIBO 2's layers in LoRA files, as lora_keys.json lists them; ``#`` in it stands for a number."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import ModelError
from ..resources import table
from .lora_file import misfit, some, split_key


class Layer(NamedTuple):
    """A linear layer as diffusers has it: the ``part``-th of the ``parts`` of a matrix that ComfyUI calls ``native``.

    ``width_side`` tells whether its inputs (in) or its outputs (out) are as wide as the model. ``keys`` are the keys
    of its tensors in the file, by what they are: down, up, alpha.
    """

    name: str
    native: str
    part: int
    parts: int
    width_side: str | None
    keys: dict[str, str]


def layers_of(keys: Iterable[str]) -> list[Layer]:
    """The layers that a LoRA file with these keys changes, each with a down and an up factor.

    Raises ModelError that names the keys where some are unknown, twice, without their counterpart, or ComfyUI's.
    """
    layers: dict[str, Layer] = {}
    unknown, native, twice = [], [], []
    for key in keys:
        spelled, role = split_key(key)
        layer = _find(spelled)
        if role is None or layer is None:
            (native if role and _is_native(spelled) else unknown).append(key)
        elif role in layers.setdefault(layer.name, layer).keys:
            twice.append(key)
        else:
            layers[layer.name].keys[role] = key
    if native:
        raise ModelError(
            "the LoRA already has ComfyUI's layout",
            found=some(native),
            allowed="the names of diffusers, e.g. transformer.layers.0.attention.to_q.lora_A.weight",
            fix="load it as it is, with ComfyUI's LoraLoaderModelOnly",
        )
    if not layers:
        raise ModelError(
            "this is no LoRA of FIBO 2",
            found=some(unknown) or "no tensors",
            allowed="factors of its layers, e.g. transformer.layers.0.attention.to_q.lora_A.weight",
            fix="choose a LoRA that was trained on FIBO 2; those of FIBO 1.x, FLUX and others do not fit",
        )
    if unknown:
        raise ModelError(
            "the LoRA has keys that cannot be converted",
            found=some(unknown),
            allowed="pairs of factors of FIBO 2's linear layers and their alphas; no DoRA, LoHa, LoKr or text encoder",
            fix="check that it was trained on FIBO 2, and save it as a plain LoRA",
        )
    if twice:
        raise misfit(some(twice), "a layer that is there twice", "one pair of factors a layer")
    if single := [layer.name for layer in layers.values() if not {"down", "up"} <= layer.keys.keys()]:
        raise misfit(some(single), "half a pair of factors", "a down (A) and an up (B) factor for each layer")
    return list(layers.values())


def _find(spelled: str) -> Layer | None:
    """The layer however the file spells it; None where it is none of diffusers' FIBO 2."""
    for pattern, layer in _layers():
        if match := pattern.fullmatch(spelled):
            name, native = (_numbered(template, match.groups()) for template in (layer.name, layer.native))
            return layer._replace(name=name, native=native, keys={})
    return None


def _is_native(spelled: str) -> bool:
    return any(_pattern(layer.native).fullmatch(spelled) for _, layer in _layers())


@functools.cache
def _layers() -> list[tuple[re.Pattern[str], Layer]]:
    """Every layer of the table, with # in its names, and the pattern of its name."""
    found = []
    for row in table("fibo/lora_keys.json")["layers"]:
        for block in row["in"]:
            for part, name in enumerate(row["from"]):
                layer = Layer(block + name, block + row["to"], part, len(row["from"]), row.get("width"), {})
                found.append((_pattern(layer.name), layer))
    return found


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    # kohya's scripts write _ where a module's name has a dot.
    signs = {"#": r"(\d+)", ".": "[._]"}
    return re.compile("".join(signs.get(sign) or re.escape(sign) for sign in template))


def _numbered(template: str, numbers: Iterable[str]) -> str:
    for number in numbers:
        template = template.replace("#", number, 1)
    return template
