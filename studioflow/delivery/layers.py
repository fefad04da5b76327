"""ComfyUI's pictures and masks as layers of a delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..color.spaces import DATA, DEFAULT_SPACE
from ..errors import DeliveryError
from ..imaging.menus import MAIN
from ..imaging.sheet import LAYER_NAME, Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def picture_of(pixels: NDArray[np.float32], space: str = DEFAULT_SPACE, name: str = MAIN) -> Layer:
    """An IMAGE [B, H, W, 3 or 4] as a layer, its memory shared. Grey [B, H, W, 1] becomes three channels, as numbers
    it stays one. DeliveryError for another number of channels."""
    import numpy as np

    channels = pixels.shape[-1] if pixels.ndim == 4 else 0
    if channels not in (1, 3, 4):
        raise DeliveryError(
            "this is no picture",
            where=f"layer {name}",
            found=f"an array of {' × '.join(map(str, pixels.shape))}",
            allowed="pictures × height × width × 1, 3 or 4 channels",
        )
    if channels == 1 and space != DATA:
        pixels = np.repeat(pixels, 3, axis=-1)
    return Layer(name, pixels, space)


def with_layer(
    layers: Sequence[Layer],
    name: str,
    *,
    image: NDArray[np.float32] | None = None,
    mask: NDArray[np.float32] | None = None,
    space: str = DEFAULT_SPACE,
) -> tuple[Layer, ...]:
    """The layers and one more: an IMAGE [B, H, W, C] of the space ``space``, or a MASK [B, H, W], which is always data.

    DeliveryError for both or none of them, and for a name that is taken or that files cannot have.
    """
    name = name.strip()
    if (image is None) == (mask is None):
        raise DeliveryError(
            "a layer is one picture or one mask",
            where=f"layer {name}",
            found="none of them" if image is None else "both of them",
            allowed="image or mask",
            fix="connect one of them; a second Layers node takes the other",
        )
    if not LAYER_NAME.fullmatch(name):
        raise DeliveryError(
            "a layer cannot have this name",
            where="name",
            found=f'"{name}"',
            allowed="letters without accents, digits, - and _, with dots between groups, 253 in all, "
            "such as depth or light.key",
        )
    if name.casefold() in (MAIN, *(layer.name.casefold() for layer in layers)):
        raise DeliveryError(
            "two layers have one name",
            where="name",
            found=f'"{name}"',
            allowed=f"a name of its own; {MAIN} is the picture itself",
            fix="give this layer another name",
        )
    if mask is None:
        return (*layers, picture_of(image, space, name))
    return (*layers, Layer(name, mask.reshape(-1, *mask.shape[-2:], 1), DATA))
