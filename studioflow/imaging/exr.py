"""EXR: scene-linear half or float pictures with layers, by the OpenEXR library.

Names of channels. The picture: R, G, B and A, or Y where it has one channel; never a prefix, so that every program
finds it. A layer: ``name.R`` and so on; of one channel ``depth.Z`` (layers called depth or z), ``mask.A`` (mask, alpha
or matte) and ``name.Y`` for any other. This is the convention of OpenEXR's technical introduction (layers are what
precedes the last dot); Nuke reads R, G, B and A of a layer as red, green, blue and alpha and keeps ``depth.Z`` for
depth, Blender takes the last part as the channel of a pass, and Fusion in Resolve has every name in its list. In a
file of several parts each part has the name of its layer, and the channels keep the prefix.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..color.spaces import DATA
from ..errors import DeliveryError, did_you_mean
from .exr_attributes import attributes, colour
from .exr_values import is_depth, notes_of, planes_of
from .exr_whole import require_whole
from .menus import EXR_COMPRESSIONS, EXR_LAYERS, NOT_FINITE
from .sheet import LAYER_NAME, FileSpec, Layer, Sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ONE_CHANNEL = {"mask": "A", "alpha": "A", "matte": "A"}


def write_exr(path: Path, sheet: Sheet, spec: FileSpec) -> list[str]:
    """Writes one frame with all its layers and documents; returns what the person should know, a line each.

    ``sheet.space`` must be scene-linear, or DATA. Colours are multiplied by their alpha (OpenEXR, premultiplied);
    DATA layers stay as they are. Values below 0 and above 1 stay. ``spec.bit_depth`` 16 rounds to the nearest half,
    ties to even, all but depth, which keeps 32 bits; finite values beyond ±65504 become that, because an infinity
    would spread through every filter of a comp, and are counted. NaN and infinity are counted and treated as
    ``spec.not_finite`` says. Takes memory for the pixels of the file and some bands, beside the picture itself.

    Raises DeliveryError for what cannot be written and for a file that came out cut off (which is then still there,
    as after the library's own RuntimeError and OSError: write it through ``files.write_together``).
    """
    import OpenEXR

    left_out = sheet.layers[1:] if spec.layers == "none" else ()
    sheet = sheet.only_picture() if left_out else sheet
    layers = sheet.layers
    _require_spec(spec)
    _require_layers(layers, spec)
    height, width = sheet.picture.pixels.shape[:2]
    header = _storage(spec) | {"displayWindow": ((0, 0), (width - 1, height - 1))}
    described, notes = attributes(sheet, width, height)
    spaces = {layer.name: DATA if layer.is_data else sheet.space for layer in layers}
    coloured = {space: colour(space) for space in set(spaces.values())}

    channels: list[dict[str, NDArray[np.floating]]] = []
    for index, layer in enumerate(layers):
        planes, odd = planes_of(sheet, layer, spec)
        notes += notes_of(layer.name, odd, spec)
        channels.append(dict(zip(_channel_names(layer, index == 0), planes, strict=True)))
    if left_out:
        notes.append(f"layers left out: {', '.join(layer.name for layer in left_out)}")

    if spec.layers == "parts" and len(layers) > 1:
        parts = [
            OpenEXR.Part(header | coloured[spaces[layer.name]] | (described if index == 0 else {}), planes, layer.name)
            for index, (layer, planes) in enumerate(zip(layers, channels, strict=True))
        ]
        whole = OpenEXR.File(parts)
    else:
        together = {name: plane for planes in channels for name, plane in planes.items()}
        space = sheet.space if sheet.space in spaces.values() else DATA
        whole = OpenEXR.File(header | coloured[space] | described, together)
        notes += _unmarked(layers[1:])
    _use_all_cores()
    whole.write(str(path))
    require_whole(path)
    return notes


def _use_all_cores() -> None:
    """OpenEXR's own threads, for the whole process; its binding has one until told (3.4 cannot be told)."""
    import OpenEXR

    cores = os.cpu_count() or 1
    if hasattr(OpenEXR, "set_global_thread_count") and OpenEXR.global_thread_count() < cores:
        OpenEXR.set_global_thread_count(cores)


def _storage(spec: FileSpec) -> dict[str, Any]:
    """Compression, and scanlines or tiles."""
    import OpenEXR

    if spec.tile:
        tiles = OpenEXR.TileDescription()
        tiles.xSize = tiles.ySize = spec.tile
        header = {"type": OpenEXR.tiledimage, "tiles": tiles}
    else:
        header = {"type": OpenEXR.scanlineimage}
    header["compression"] = getattr(OpenEXR, _constant(spec.compression))
    if spec.compression_level is not None:
        header["dwaCompressionLevel"] = float(spec.compression_level)
    return header


def _constant(compression: str) -> str:
    return f"{'NO' if compression == 'none' else compression.upper()}_COMPRESSION"


def _require_spec(spec: FileSpec) -> None:
    import OpenEXR

    there = [name for name in EXR_COMPRESSIONS if hasattr(OpenEXR, _constant(name))]
    _require("compression", spec.compression, there)
    _require("bit_depth", spec.bit_depth, (16, 32))
    _require("layers", spec.layers, EXR_LAYERS)
    _require("not_finite", spec.not_finite, NOT_FINITE)
    if spec.tile < 0:
        raise DeliveryError("no size of a tile", where="tile", found=str(spec.tile), allowed="0 or more pixels")
    level = spec.compression_level
    if level is not None and (not spec.compression.startswith("dwa") or level < 0):
        raise DeliveryError(
            "no such compression level",
            where="compression_level",
            found=f"{level:g} for {spec.compression}",
            allowed="0 and more for dwaa and dwab (45 is usual); the OpenEXR library for Python sets no other",
            fix="leave it out, or choose dwaa",
        )


def _require(where: str, found: object, allowed: Sequence[object]) -> None:
    if found not in allowed:
        names = [str(value) for value in allowed]
        raise DeliveryError(
            "an EXR cannot have that",
            where=where,
            found=f'"{found}"',
            allowed=", ".join(names),
            fix=did_you_mean(str(found), names),
        )


def _require_layers(layers: Sequence[Layer], spec: FileSpec) -> None:
    names = [layer.name for layer in layers]
    for layer in layers:
        shape = layer.pixels.shape
        if not LAYER_NAME.fullmatch(layer.name) or names.count(layer.name) > 1:
            raise DeliveryError(
                "a layer needs a name of its own",
                where=f'layer "{layer.name}"',
                found="the same name twice" if names.count(layer.name) > 1 else "a name that no program would read",
                allowed="letters, digits, _ and -, with single dots between them, 253 in all",
                fix="rename the layer",
            )
        if len(shape) != 3 or shape[2] not in (1, 3, 4) or 0 in shape:
            raise DeliveryError(
                "a layer has no shape of a picture",
                where=f'layer "{layer.name}"',
                found=f"{list(shape)}",
                allowed="[height, width, 1, 3 or 4]",
            )
    sizes = {layer.name: layer.pixels.shape[:2] for layer in layers}
    other = [f"{name} is {w} × {h}" for name, (h, w) in sizes.items() if (h, w) != layers[0].pixels.shape[:2]]
    if other and spec.layers == "one":
        height, width = layers[0].pixels.shape[:2]
        raise DeliveryError(
            "layers in one part must be as large as the picture",
            where="layers",
            found=", ".join(other),
            allowed=f"{width} × {height}",
            fix='scale them, or choose "parts"',
        )


def _channel_names(layer: Layer, is_picture: bool) -> list[str]:
    count = layer.pixels.shape[2]
    if is_picture:
        return ["Y"] if count == 1 else list("RGBA"[:count])
    if is_depth(layer):
        letters = "Z"
    else:
        letters = _ONE_CHANNEL.get(layer.name.rpartition(".")[2].lower(), "Y") if count == 1 else "RGBA"[:count]
    return [f"{layer.name}.{letter}" for letter in letters]


def _unmarked(layers: Sequence[Layer]) -> list[str]:
    """Data in channels called R, G and B look like colours; only a part of their own can say that they are none."""
    names = [layer.name for layer in layers if layer.is_data and layer.pixels.shape[2] > 1]
    if not names:
        return []
    return [
        f'{", ".join(names)}: data in R, G and B, which other programs may take for colours; "parts" marks them for all'
    ]
