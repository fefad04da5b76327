"""Pictures on surfaces: what a card, a poster or a screen shows, and the textures of meshes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..color.convert import convert
from ..color.spaces import DATA
from ..errors import StudioFlowError
from .parts import Plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE = 4096
"""Pixels of a picture's longer side in the scene; larger ones are averaged down, for a greybox shows no more."""


def picture_surface(path: Path) -> Plain:
    """A matt BSDF with the picture in ACEScg, for a part with uvs; see-through where the picture is.

    Its brightest diffuse white is 1: light that an EXR has above that is cut. StudioFlowError for a file that is no
    picture or is broken.
    """
    import numpy as np

    from ..imaging.read import read_picture

    opened = read_picture(path)
    pixels = shrunk(opened.layers[0].pixels, MAX_SIDE)
    if pixels.shape[2] < 3:
        pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
    if opened.space == DATA:
        raise StudioFlowError("this file holds numbers and no picture", where=str(path), fix="name a picture")
    color = convert(pixels[:, :, :3], opened.space, "ACEScg")
    surface: Plain = two_sided({"type": "diffuse", "reflectance": bitmap(np.clip(color, 0, 1), wrap="clamp")})
    if pixels.shape[2] == 4 and pixels[:, :, 3].min() < 1:
        return seen_through(surface, bitmap(np.clip(pixels[:, :, 3:], 0, 1), wrap="clamp"))
    return surface


def bitmap(pixels: NDArray[np.float32], *, wrap: str = "repeat") -> Plain:
    """Values [H, W, C], C 1 or 3, as a texture that takes them as they are; the first row is the picture's top.

    Mitsuba has v = 0 at the first row, parts have it at the picture's bottom. ``wrap``: repeat, mirror or clamp.
    """
    import mitsuba as mi
    import numpy as np

    rows = np.ascontiguousarray(np.asarray(pixels, dtype=np.float32)[::-1])
    return {"type": "bitmap", "bitmap": mi.Bitmap(rows), "raw": True, "wrap_mode": wrap}


def two_sided(bsdf: Plain) -> Plain:
    """The BSDF on both sides of a surface, for sheets and for meshes that are open."""
    return {"type": "twosided", "bsdf": bsdf}


def seen_through(bsdf: Plain, opacity: Plain | float) -> Plain:
    """The BSDF where ``opacity`` is 1, and nothing where it is 0."""
    return {"type": "mask", "bsdf": bsdf, "opacity": opacity}


def shrunk(pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The picture [H, W, C] averaged over blocks of whole pixels until no side is longer than ``side``."""
    import numpy as np

    height, width, channels = pixels.shape
    factor = -(-max(height, width) // side)
    if factor == 1:
        return pixels
    # What does not fill a block at the right and at the bottom repeats the last pixels.
    padded = np.pad(pixels, ((0, -height % factor), (0, -width % factor), (0, 0)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, channels)
    return blocks.mean(axis=(1, 3), dtype=np.float32)
