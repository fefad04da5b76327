"""One picture to one file. Pixels are float arrays ``[height, width, 3 or 4]``, sRGB-encoded,
nominally 0..1, the fourth channel an unassociated alpha."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .color import srgb_to_linear

# CIE 1931 xy of red, green, blue and white of Rec. 709 / sRGB (ITU-R BT.709-6, table 1).
REC709_CHROMATICITIES = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)


def write_png(path: Path, pixels: NDArray[np.floating], texts: Mapping[str, str]) -> None:
    """8-bit sRGB PNG with a text chunk for each of ``texts``; values outside 0..1 are clipped."""
    from PIL import Image, PngImagePlugin

    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        # ComfyUI and every other reader of workflows expects latin-1 tEXt; other text needs iTXt.
        if text.isascii():
            info.add_text(name, text)
        else:
            info.add_itxt(name, text)
    levels = np.rint(np.clip(pixels, 0.0, 1.0) * 255.0).astype(np.uint8)
    Image.fromarray(levels).save(path, format="PNG", pnginfo=info, compress_level=4)


def write_exr(path: Path, pixels: NDArray[np.floating], texts: Mapping[str, str]) -> None:
    """Half-float, ZIP-compressed, scene-linear Rec. 709 EXR with a string attribute for each of ``texts``.

    The picture is linearised and nothing more: what FIBO decodes is display-referred, and the attribute
    ``studioflow:range`` says so.
    """
    import OpenEXR

    alpha = pixels[..., 3:]
    # EXR wants colour multiplied by its alpha (OpenEXR technical introduction, "premultiplied").
    linear = srgb_to_linear(pixels[..., :3]) * (alpha if alpha.size else 1.0)
    halves = np.concatenate([linear, alpha], axis=-1).astype(np.float16)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "chromaticities": REC709_CHROMATICITIES,
        "studioflow:range": "display-referred picture, sRGB decoded to linear light; no highlights above 1 were added",
        **texts,
    }
    OpenEXR.File(header, {"RGBA" if alpha.size else "RGB": halves}).write(str(path))


WRITERS = {"png": write_png, "exr": write_exr}
