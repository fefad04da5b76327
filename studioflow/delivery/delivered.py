"""What becomes of a picture on its way into a file, and the words for it: in the file, and at the node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..color.spaces import DATA
from ..imaging.formats import FORMATS
from ..imaging.sheet import FileSpec, Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_LINES = 12


def transformed(pixels: NDArray[np.float32], source: str, *, spec: FileSpec) -> NDArray[np.float32]:
    """Colours [..., C] of the space ``source`` as the file is to have them, float32."""
    from ..color.convert import convert
    from ..color.tone import tone_map

    if not is_tone_mapped(source, spec):
        return convert(pixels, source, spec.color_space)
    settings = dict(spec.tone_mapping or {})
    return tone_map(pixels, settings.pop("operator", "none"), source=source, target=spec.color_space, **settings)


def is_tone_mapped(source: str, spec: FileSpec) -> bool:
    """Whether the file asks for it, and the picture is light that goes into a space to look at."""
    from ..color.convert import encoding_of

    to_look_at = encoding_of(spec.color_space) in ("display", "hdr")
    return bool(spec.tone_mapping) and to_look_at and encoding_of(source) in ("linear", "log")


def origin_of(picture: Layer, spec: FileSpec, said: str) -> str:
    """How the values came to be. Where nobody ``said``: what is done here, and nothing of what was before."""
    mapped = is_tone_mapped(picture.space, spec)
    tone = f", tone-mapped ({(spec.tone_mapping or {}).get('operator', 'none')})" if mapped else ""
    origin = said or _origin_by_encoding(picture, spec)
    return origin.rstrip(".") + tone if tone else origin


def _origin_by_encoding(picture: Layer, spec: FileSpec) -> str:
    from ..color.convert import encoding_of

    encoding = encoding_of(picture.space)
    if encoding == DATA:
        return "numbers as the graph gave them, no colours"
    if encoding in ("linear", "log"):
        kind = "scene-linear" if encoding == "linear" else f"scene-referred ({picture.space})"
        return f"{kind} values as the graph gave them"
    decoded = encoding_of(spec.color_space) in ("linear", "log")
    light = ", decoded to linear light; no highlights above 1 were added" if decoded else ""
    return f"display-referred picture ({picture.space}){light}"


def lines_of(told: Mapping[Path, object], specs: Sequence[FileSpec], layers: Sequence[Layer]) -> list[str]:
    """One line a picture file, in the order of ``specs`` for each frame: size, format, space, depth, layers."""
    lines = [
        f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, {_held(specs[index % len(specs)], layers)}"
        for index, path in enumerate(told)
    ]
    return _shortened(lines, "files")


def _held(spec: FileSpec, layers: Sequence[Layer]) -> str:
    """e.g. "OpenEXR, ACEScg, half, zip, layers beauty, depth"."""
    depth = f"{spec.bit_depth}-bit"
    if spec.format == "exr" or spec.is_float:
        depth = "half" if spec.bit_depth == 16 else "float"
    parts = [FORMATS[spec.format].title, spec.color_space, depth, spec.compression]
    if spec.layers != "none" and len(layers) > 1:
        parts.append("layers " + ", ".join(layer.name for layer in layers))
    return ", ".join(part for part in parts if part)


def notes_of(told: Mapping[Path, Sequence[str]], specs: Sequence[FileSpec], layers: Sequence[Layer]) -> list[str]:
    """What the writers told of each file, the same note of several once, and what was left out."""
    said: dict[str, list[str]] = {}
    for path, notes in told.items():
        for note in notes:
            said.setdefault(note, []).append(path.name)
    lines = [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {note}" for note, names in said.items()
    ]
    left_out = {
        spec.format.upper() for spec in specs if spec.tone_mapping and not is_tone_mapped(layers[0].space, spec)
    }
    if left_out:
        why = "it is for scene-linear pictures that go into a space for a display"
        lines.insert(0, f"tone mapping left out in {', '.join(sorted(left_out))}: {why}")
    # An EXR says itself which layers it was to leave out.
    if len(layers) > 1 and all(spec.layers == "none" and spec.format != "exr" for spec in specs):
        names = ", ".join(layer.name for layer in layers[1:])
        lines.insert(0, f"layers left out: {names}; none of these files has any, EXR and TIFF with layers do")
    return _shortened(lines, "notes")


def _shortened(lines: list[str], what: str) -> list[str]:
    more = len(lines) - _MOST_LINES
    return [*lines[:_MOST_LINES], f"and {more} more {what}"] if more > 0 else lines
