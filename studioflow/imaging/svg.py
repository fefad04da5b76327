"""A drawing as SVG text to a picture, by resvg, with a font that is always there."""

from __future__ import annotations

import functools
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StudioFlowError

if TYPE_CHECKING:
    import numpy as np

MAX_WIDTH = 8192
MAX_PIXELS = 64_000_000
FONT = "Aileron"
"""Aileron Regular by Sora Sagano, CC0; Pillow carries it as its default font, with few more than ASCII's signs."""
_OWN_SIGNS = re.compile(r"[\x09\x0a\x0d\x20-\x7e°±·]*")


def rasterize(svg: str, width: int) -> np.ndarray:
    """The drawing as a picture: float32 [H, W, 3], sRGB-encoded, 0..1, on white; the height follows from the drawing.

    All text is set in FONT, whatever fonts the system has, so that a drawing looks the same everywhere; only for
    signs that FONT lacks (a title in Chinese) the system's fonts are looked through. Raises StudioFlowError for text
    that is no SVG and for pictures beyond MAX_WIDTH or MAX_PIXELS.
    """
    import io

    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(_png(svg, width))) as picture:
        pixels = np.asarray(picture.convert("RGB"), dtype=np.float32)
    return pixels / np.float32(255.0)


def _png(svg: str, width: int) -> bytes:
    import resvg_py

    if not 1 <= width <= MAX_WIDTH:
        raise StudioFlowError("no such width", where="width", found=f"{width}", allowed=f"1 to {MAX_WIDTH} pixels")
    # Without the file resvg sets no text at all and says nothing.
    with tempfile.TemporaryDirectory(prefix="studioflow-") as folder:
        font = Path(folder) / "font.ttf"
        font.write_bytes(_font())
        try:
            _require_bounded(svg, width)
            picture: bytes = resvg_py.svg_to_bytes(
                svg_string=svg,
                width=width,
                background="#ffffff",
                skip_system_fonts=_OWN_SIGNS.fullmatch(svg) is not None,
                font_files=[os.fspath(font)],
                font_family=FONT,
                sans_serif_family=FONT,
                # A drawing must not read other files.
                resources_dir=folder,
            )
        except ValueError as error:
            raise StudioFlowError(
                f"this is no drawing: {error}",
                where="svg",
                found=f'"{svg[:60]}"' if svg.strip() else "nothing",
                allowed="one SVG document",
                fix="take the text of a diagram as it is",
            ) from error
    return picture


def _require_bounded(svg: str, width: int) -> None:
    """Raises StudioFlowError where there is no viewBox, or the picture of so high a drawing would fill the memory."""
    box = re.search(r"<svg\b[^>]*?\sviewBox=\"[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)\"", svg)
    if not box:
        raise ValueError("the document has no viewBox that says its size")
    height = width * float(box[2]) / max(float(box[1]), 1e-9)
    if width * height > MAX_PIXELS:
        raise StudioFlowError(
            "the picture would be too large",
            where="width",
            found=f"{width} × {height:.0f} pixels",
            allowed=f"at most {MAX_PIXELS // 1_000_000} million pixels",
            fix="take a smaller width",
        )


@functools.cache
def _font() -> bytes:
    """The TrueType file of FONT, from Pillow."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=12.0)
    found = getattr(font, "font_bytes", None) or font.path.getvalue()
    return bytes(found)
