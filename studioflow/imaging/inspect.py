"""What a picture file holds, for a person to read and for programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import StudioFlowError
from ..files import sha256
from ..manifest import CAPTION_KEY, content_id, load
from .documents import MODEL_KEY, PROVENANCE_KEY, SEED_KEY, json_object
from .read import Opened, read_picture
from .sheet import RANGE_KEY, Layer

_BAND_VALUES = 1 << 24
_LARGEST_SIDECAR = 1 << 20
_FIRST_WORDS = 120
_CHANNELS = {1: "1 channel", 3: "RGB", 4: "RGBA"}
_OF_THE_FILE = (
    "channels", "chunkCount", "compression", "dataWindow", "displayWindow", "lineOrder", "name", "preview", "tiles",
    "type",
)  # fmt: skip
"""Attributes of an EXR that say how it is stored, and no more."""
_NO_TAGS = ("prompt", "workflow", "XMP", "xmpNote:HasExtendedXMP", "XML:com.adobe.xmp", "xml:lang")


def inspect(path: str | Path) -> dict[str, Any]:
    """What a file holds, as plain JSON data; StudioFlowError where it cannot be read (see ``read_picture``)."""
    path = Path(path)
    opened = read_picture(path)
    height, width = opened.layers[0].pixels.shape[:2]
    stored = opened.pixels
    return {
        "file": path.name,
        "format": opened.format,
        "bytes": path.stat().st_size,
        "width": width,
        "height": height,
        "parts": stored.parts,
        "depth": stored.depth,
        "compression": stored.compression,
        "alpha": stored.alpha,
        "dpi": stored.dpi or None,
        "space": opened.space,
        "space_told_by": opened.space_by or None,
        "layers": [_layer(layer) for layer in opened.layers],
        "documents": _documents(path, opened),
        "tags": dict(_tags(path, opened)),
        "checksum": checksum(path),
        "notes": list(opened.notes),
    }


def report(path: str | Path) -> str:
    """The same as lines for a person."""
    return "\n".join(_lines(inspect(path)))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    parts = f", {found['parts']} {'parts' if found['format'] == 'EXR' else 'pages'}" if found["parts"] > 1 else ""
    yield f"{found['file']}: {found['format']}, {found['width']} × {found['height']}, {_size(found['bytes'])}{parts}"
    dpi = f", {found['dpi']:g} dpi" if found["dpi"] else ""
    yield f"stored: {found['depth']}, compression {found['compression'] or 'none'}, alpha {found['alpha']}{dpi}"
    told = f"told by {found['space_told_by']}" if found["space_told_by"] else "assumed"
    yield f"colour space: {found['space']} ({told})"
    for layer in found["layers"]:
        yield _layer_line(layer)
    documents = found["documents"]
    for name in ("manifest", "seed", "model", "caption", "provenance", "range"):
        yield f"{name}: {documents[name] or 'none'}"
    yield f"workflow of ComfyUI: {'yes' if documents['workflow'] else 'no'}, prompt: {_yes(documents['prompt'])}"
    yield f"checksum: {found['checksum']}"
    for name, value in found["tags"].items():
        yield f"{name}: {value}"
    for note in found["notes"]:
        yield f"note: {note}"


def _layer_line(layer: Mapping[str, Any]) -> str:
    values = "no finite value"
    if layer["min"] is not None:
        values = f"{layer['min']:.6g} to {layer['max']:.6g}, mean {layer['mean']:.6g}"
    counts = [f"{layer[key]} {label}" for key, label in _COUNTED.items() if layer[key]]
    alpha = f", alpha {layer['alpha_min']:.6g} to {layer['alpha_max']:.6g}" if layer["alpha_min"] is not None else ""
    kind = _CHANNELS[layer["channels"]] + (", data" if layer["space"] == "data" else "")
    return f"layer {layer['name']} ({kind}): {values}{alpha}" + (f"; {', '.join(counts)}" if counts else "")


_COUNTED = {"above_1": "above 1", "below_0": "below 0", "nan": "NaN", "infinite": "infinite"}


def _size(count: int) -> str:
    return f"{count} bytes" if count < 1000 else f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.2f} MB"


def _yes(value: object) -> str:
    return "yes" if value else "no"


# ---------------------------------------------------------------- values


def _layer(layer: Layer) -> dict[str, Any]:
    """Counts are of values, not of pixels, and the alpha is apart; min, max and mean are of finite values."""
    import numpy as np

    channels = layer.pixels.shape[2]
    low, high, total, count = np.inf, -np.inf, 0.0, 0
    counts = dict.fromkeys(_COUNTED, 0)
    rows = max(1, _BAND_VALUES // (layer.pixels.shape[1] * channels))
    for start in range(0, len(layer.pixels), rows):
        band = layer.pixels[start : start + rows, :, : min(channels, 3)]
        finite = band[np.isfinite(band)]
        nan = int(np.isnan(band).sum())
        counts["nan"] += nan
        counts["infinite"] += band.size - finite.size - nan
        counts["above_1"] += int((band > 1).sum())
        counts["below_0"] += int((band < 0).sum())
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
            total, count = total + float(finite.sum(dtype=np.float64)), count + finite.size
    alpha = layer.pixels[..., 3] if channels == 4 else None
    return {
        "name": layer.name,
        "channels": channels,
        "space": layer.space,
        "min": low if count else None,
        "max": high if count else None,
        "mean": total / count if count else None,
        "alpha_min": _number(alpha.min()) if alpha is not None else None,
        "alpha_max": _number(alpha.max()) if alpha is not None else None,
        **counts,
    }


def _number(value: Any) -> float | None:
    """None for what JSON has no number for."""
    import math

    return float(value) if math.isfinite(value) else None


# ---------------------------------------------------------------- texts


def _documents(path: Path, opened: Opened) -> dict[str, Any]:
    texts = opened.texts
    return {
        "manifest": _manifest(path),
        "seed": texts.get(SEED_KEY, "") or _from(texts.get(PROVENANCE_KEY, ""), "seed"),
        "model": texts.get(MODEL_KEY, "") or _from(texts.get(PROVENANCE_KEY, ""), "model"),
        "caption": _caption(texts.get(CAPTION_KEY, "")),
        "provenance": _short(texts.get(PROVENANCE_KEY, "")),
        "range": texts.get(RANGE_KEY, ""),
        "workflow": "workflow" in texts,
        "prompt": "prompt" in texts,
    }


def _manifest(path: Path) -> str:
    """Title and content id, or what is wrong with it; empty where there is none."""
    try:
        shot = load(path)
    except StudioFlowError as error:
        return "" if "carries no manifest" in error.problem else f"not usable: {error.problem}"
    title = shot.get("meta", {}).get("title", "without a title")
    return f"{title}, content id {content_id(shot)[:12]}"


def _caption(text: str) -> str:
    """The first words of a caption: of its short description, where it is JSON with one."""
    return _short(_from(text, "short_description") or text)


def _from(text: str, key: str) -> str:
    return str(json_object(text).get(key, ""))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _FIRST_WORDS else line[: _FIRST_WORDS - 1] + "…"


def _tags(path: Path, opened: Opened) -> Iterator[tuple[str, str]]:
    """Camera, light, rights and whatever else the metadata says in words or numbers, apart from our documents."""
    for key, text in opened.texts.items():
        if not key.startswith("studioflow:") and key not in _NO_TAGS and not text.lstrip().startswith(("{", "[")):
            yield key, _short(text)
    if opened.format == "EXR":
        yield from _numbers(path)


def _numbers(path: Path) -> Iterator[tuple[str, str]]:
    """The attributes of an EXR's first part that are no texts."""
    import numpy as np
    import OpenEXR

    try:
        with OpenEXR.File(str(path), header_only=True) as file:
            header = dict(file.parts[0].header)
    except (RuntimeError, ValueError):
        # Its pixels could be read; a note says already what its texts lack.
        return
    for key, value in header.items():
        if key in _OF_THE_FILE or isinstance(value, str):
            continue
        if isinstance(value, (int, float, np.ndarray)):
            yield key, " ".join(f"{number:.6g}" for number in np.ravel(value))
        else:
            yield key, _words(value)


def _words(value: object) -> str:
    try:
        return _short(str(value))
    except UnicodeDecodeError:
        return "not readable"


# ---------------------------------------------------------------- checksum


def checksum(path: Path) -> str:
    """``ok`` or ``differs`` by the .sha256 file beside it that lists the file; ``none`` where there is no such."""
    for sidecar in sorted(path.parent.glob("*.sha256")):
        if not path.name.startswith(sidecar.stem) or sidecar.stat().st_size > _LARGEST_SIDECAR:
            continue
        for line in sidecar.read_text(encoding="utf-8", errors="replace").splitlines():
            digest, _, name = line.partition(" ")
            # "*" marks a file that was read as bytes (GNU coreutils, sha256sum).
            if name.strip().removeprefix("*") == path.name:
                same = digest.casefold() == sha256(path)
                return f"ok ({sidecar.name})" if same else f"differs ({sidecar.name})"
    return "none"
