"""LoRA files of FIBO 2 from the layout of diffusers into that of ComfyUI's own FIBO 2.

A LoRA changes the weight of a linear layer by ``alpha / rank * up @ down``. ComfyUI keeps some layers of FIBO 2 as one
matrix, such as to_q, to_k and to_v as qkv; their changes become one pair of factors with the same product. The names
are data: lora_keys.json says what each is called on both sides, and how surely that is known.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DeliveryError, ModelError, PathError
from ..files import write_together
from ..resources import table
from .lora_file import SETTINGS, metadata_of, misfit, open_lora, scale_of, settings_of, sha256
from .lora_names import Layer, layers_of

if TYPE_CHECKING:
    from torch import Tensor

_RECORD = "studioflow_conversion"
_SUFFIX = ".safetensors"


class Conversion(NamedTuple):
    """The file, the linear layers that it changes, counted as diffusers and as ComfyUI have them; was it written?"""

    file: Path
    layers: int
    native_layers: int
    written: bool


class _Pair(NamedTuple):
    """A change of one weight: ``scale * up @ down``; down [rank, inputs], up [outputs, rank]."""

    down: Tensor
    up: Tensor
    scale: float


def convert_lora(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None, *, width: int | None = None
) -> dict[str, Tensor]:
    """The tensors of a LoRA of FIBO 2 under ComfyUI's names; the products of its factors stay the same.

    Keys may be spelled as diffusers, PEFT or kohya's scripts spell them. The scale of a layer is its alpha over its
    rank. Alpha is a tensor of the file, or stands in the ``metadata`` of diffusers, or is the rank, as diffusers and
    ComfyUI take it where neither is there (see ``scale_of``). Layers that become one matrix get down factors [ranks,
    inputs] stacked by rank and block-diagonal up factors [outputs, ranks]; a missing one of them counts as zeros.
    Where all share one down factor, the rank stays. Dtypes are kept, and values too unless alphas within one matrix
    differ.

    Raises ModelError for keys that are unknown, already ComfyUI's or of another model, for factors that do not fit,
    and where the model that the LoRA was made for is not ``width`` wide (FIBO 2: 3584).
    """
    names = table("fibo/lora_keys.json")
    settings = settings_of(metadata or {})
    matrices: dict[tuple[str, int], dict[int, _Pair]] = {}
    for layer in layers_of(tensors):
        pair = _pair(layer.name, {role: tensors[key] for role, key in layer.keys.items()}, settings)
        _check_width(layer, pair, width or names["width"])
        matrices.setdefault((layer.native, layer.parts), {})[layer.part] = pair
    converted: dict[str, Tensor] = {}
    for (native, parts), members in matrices.items():
        converted |= _named(names["native_prefix"] + native, _fused(native, members, parts))
    return converted


def convert_file(source: Path, target: Path, *, width: int | None = None) -> Conversion:
    """Writes the LoRA file ``source`` in ComfyUI's layout to ``target``, whole or not at all.

    Metadata is kept, with a record of the conversion; that of diffusers' adapter, which no longer holds for the new
    layout, moves into the record. A target that this function made of the same source is left as it is, or renewed
    where the table of names is newer.

    Raises ModelError for a source that is damaged or no LoRA of FIBO 2 (see ``convert_lora``) and DeliveryError where
    another file is at the target, or it cannot be written.
    """
    with open_lora(source) as file:
        tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, metadata_of(file)
    layers = len(layers_of(tensors))
    converted = convert_lora(tensors, metadata, width=width)
    native_layers = sum(key.endswith(".lora_down.weight") for key in converted)
    record = {
        "source": source.name,
        "source_sha256": sha256(source),
        "names_version": table("fibo/lora_keys.json")["version"],
    }
    if SETTINGS in metadata:
        record["source_adapter"] = metadata.pop(SETTINGS)
    there = _record_of(target)
    if there == record:
        return Conversion(target, layers, native_layers, written=False)
    ours = there is not None and there.get("source_sha256") == record["source_sha256"]
    if target.exists() and not ours:
        raise DeliveryError(
            "another file of that name is already there",
            where=str(target),
            found="a file that was not made of this LoRA",
            allowed="a name that no file has",
            fix="choose another name, or move that file away",
        )
    metadata |= {"format": "pt", _RECORD: json.dumps(record)}
    write_together([(target, lambda part: _write(converted, part, metadata))], replace=ours)
    return Conversion(target, layers, native_layers, written=True)


def converted_name(lora: str, name: str = "") -> str:
    """The file to write for the LoRA ``lora``, both relative to the folder of LoRAs and spelled as its menu does.

    An empty ``name`` is the name of the LoRA with ``_comfyui`` behind it, in the same subfolder. ``.safetensors`` is
    added where it is missing. Raises PathError for a name that leaves the folder or is none for a file.
    """
    if not name.strip():
        path = Path(lora)
        return str(path.with_name(f"{path.stem}_comfyui{_SUFFIX}"))
    # As Windows reads it, so that a name is the same file everywhere: both slashes divide, and a drive is a drive.
    path_ = PureWindowsPath(name)
    if path_.anchor or ".." in path_.parts or "\0" in name:
        raise PathError(
            "the name leaves the folder of LoRAs",
            found=f'"{name}"',
            allowed="a name inside models/loras",
            fix="take the .. or the drive out of the name",
        )
    stem = path_.name.removesuffix(_SUFFIX)
    if name.endswith(("/", "\\")) or not stem.strip(". "):
        raise PathError(
            "this is no name for a file", found=f'"{name}"', allowed="letters and digits", fix="write for example neon"
        )
    return str(Path(PurePosixPath(*path_.parts[:-1], stem + _SUFFIX)))


# Factors


def _pair(name: str, roles: Mapping[str, Tensor], settings: Mapping[str, Any]) -> _Pair:
    down, up, alpha = roles["down"], roles["up"], roles.get("alpha")
    shapes = f"A {list(down.shape)}, B {list(up.shape)}"
    if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1] or 0 in (*down.shape, *up.shape):
        raise misfit(name, shapes, "A [rank, inputs] and B [outputs, rank]")
    if alpha is not None and alpha.numel() != 1:
        raise misfit(name, f"alpha {alpha.tolist()}", "one number")
    rank = down.shape[0]
    return _Pair(down, up, scale_of(name, rank, None if alpha is None else alpha.item(), settings))


def _check_width(layer: Layer, pair: _Pair, width: int) -> None:
    found = {"in": pair.down.shape[1], "out": pair.up.shape[0]}.get(layer.width_side or "", width)
    if found != width:
        raise ModelError(
            "the LoRA is of a model of another size",
            where=layer.name,
            found=f"{found} channels",
            allowed=f"{width}, the width of FIBO 2",
            fix="choose a LoRA that was trained on FIBO 2; Z-Image has layers of the same names",
        )


def _fused(name: str, members: Mapping[int, _Pair], parts: int) -> _Pair:
    """One pair whose product is the products of the members below each other, zeros where a part is missing."""
    import torch

    pairs = list(members.values())
    sizes = {(pair.down.shape[1], pair.up.shape[0]) for pair in pairs}
    if len(sizes) > 1:
        raise misfit(name, f"inputs and outputs {sorted(sizes)}", "the same for all layers of one matrix")
    scale = max((pair.scale for pair in pairs), key=abs)
    shared = all(_same(pair.down, pairs[0].down) for pair in pairs)
    down = pairs[0].down if shared else torch.cat([pair.down for pair in pairs])
    dtype = functools.reduce(torch.promote_types, [pair.up.dtype for pair in pairs])
    rows = pairs[0].up.shape[0]
    up = torch.zeros(parts * rows, down.shape[0], dtype=dtype)
    column = 0
    for part, pair in members.items():
        rank = pair.up.shape[1]
        up[part * rows : (part + 1) * rows, column : column + rank] = _times(pair.up, pair.scale, scale)
        column += 0 if shared else rank
    return _Pair(down, up, scale)


def _same(one: Tensor, other: Tensor) -> bool:
    import torch

    return one is other or (one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other))


def _times(up: Tensor, own: float, common: float) -> Tensor:
    # Left alone where the scales agree: a factor of 1 would round nothing, but 8-bit floats cannot be multiplied.
    return up if own == common else (up.float() * (own / common)).to(up.dtype)


def _named(key: str, pair: _Pair) -> dict[str, Tensor]:
    import torch

    return {
        f"{key}.lora_down.weight": pair.down.contiguous(),
        f"{key}.lora_up.weight": pair.up,
        f"{key}.alpha": torch.tensor(pair.scale * pair.down.shape[0]),
    }


# Files


def _record_of(target: Path) -> dict[str, Any] | None:
    """What a file that ``convert_file`` wrote says of its conversion; None for every other file."""
    try:
        with open_lora(target, "np") as file:
            record = json.loads(metadata_of(file).get(_RECORD, "null"))
    except (ModelError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _write(tensors: dict[str, Tensor], part: Path, metadata: dict[str, str]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, part, metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error
