"""A delivery that is opened again: one of its layers as a picture and a mask, the others, and its documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import StudioFlowError
from ..manifest import CAPTION_KEY, load_with_notes
from .documents import PROVENANCE_KEY, json_object
from .menus import AS_STORED, MAIN
from .read import Opened, read_picture, unique
from .sheet import RANGE_KEY, Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LONGEST_NAME = 240
"""Of a layer, with room for the number that tells two of one name apart."""


class Loaded(NamedTuple):
    """What one layer of a file gives, arrays of one frame [1, H, W …]."""

    image: NDArray[np.float32]
    """[1, H, W, 3]; of a layer of one channel, that channel three times. Never clamped."""
    mask: NDArray[np.float32]
    """[1, H, W]: 1 - alpha, as ComfyUI's masks are; of a layer of one channel, the channel; else 0."""
    space: str
    """Of the image; "data" where these are no colours."""
    others: tuple[Layer, ...]
    """The layers beside the picture, [1, H, W, C], values and spaces as stored."""
    manifest: dict[str, Any] | StudioFlowError
    """The validated shot in the file, or why there is none."""
    caption: str
    provenance: dict[str, Any]
    notes: tuple[str, ...]


def load_delivery(path: Path, layer: str = MAIN, space: str = AS_STORED) -> Loaded:
    """Opens a file of any program; ``space`` is a plain name, or AS_STORED.

    A layer of data keeps its values whatever ``space`` says. StudioFlowError where the file cannot be read or has no
    such layer; a missing or faulty manifest is no reason.
    """
    opened = read_picture(path)
    chosen = opened.layer(layer)
    pixels, name = chosen.pixels, chosen.space
    if space not in (AS_STORED, name) and not chosen.is_data:
        pixels, name = _converted(pixels, name, space), space
    image, mask = _image_and_mask(pixels)
    manifest, notes = _manifest(path)
    return Loaded(
        image=image[None],
        mask=mask[None],
        space=name,
        # The picture itself is no further layer, whichever was chosen.
        others=_for_files([one for one in opened.layers[1:] if one is not chosen]),
        manifest=manifest,
        caption=opened.texts.get(CAPTION_KEY, ""),
        provenance=_provenance(opened),
        notes=(f"{path.name}: layer {chosen.name} of {len(opened.layers)}, {name}", *opened.notes, *notes),
    )


def _for_files(layers: list[Layer]) -> tuple[Layer, ...]:
    """With names that every file can have: other programs write spaces and accents, and nobody could rename them."""
    groups = [[re.sub(r"[^A-Za-z0-9_-]+", "_", group) for group in layer.name.split(".") if group] for layer in layers]
    names = unique([".".join(group)[:_LONGEST_NAME].strip(".") or "layer" for group in groups])
    return tuple(
        layer._replace(name=name, pixels=layer.pixels[None]) for layer, name in zip(layers, names, strict=True)
    )


def _converted(pixels: NDArray[np.float32], source: str, target: str) -> NDArray[np.float32]:
    import numpy as np

    from ..color.convert import convert

    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    return convert(pixels, source, target)


def _image_and_mask(pixels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    import numpy as np

    channels = pixels.shape[-1]
    if channels == 1:
        return np.repeat(pixels, 3, axis=-1), pixels[..., 0]
    image = np.ascontiguousarray(pixels[..., :3])
    return image, 1 - pixels[..., 3] if channels == 4 else np.zeros(pixels.shape[:2], np.float32)


def _manifest(path: Path) -> tuple[dict[str, Any] | StudioFlowError, tuple[str, ...]]:
    try:
        imported = load_with_notes(path)
    except StudioFlowError as error:
        return error, (f"no manifest: {error.problem}",)
    return imported.manifest, tuple(map(str, imported.notes))


def _provenance(opened: Opened) -> dict[str, Any]:
    """What the file says of how it was made; empty where it does not, or not in JSON."""
    # How the values came to be goes on with them into the next file.
    origin = {"range": opened.texts[RANGE_KEY]} if RANGE_KEY in opened.texts else {}
    return origin | json_object(opened.texts.get(PROVENANCE_KEY, ""))
