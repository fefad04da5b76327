"""Setting the palette: from hex, from a named palette, or from a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import EditError
from ..studio.palette import (
    color_scheme,
    harmonies,
    harmonise,
    palette_from_image,
    palette_from_text,
    palette_named,
)
from .field import put
from .written import begun, finished

if TYPE_CHECKING:
    import numpy as np

HARMONIES = tuple(harmonies())
"""Which harmonies a palette can be built by."""
_SWATCH_HEIGHT, _SWATCHES_WIDTH = 128, 512
_NO_COLOR = "#FFFFFF"


class PaletteSet(NamedTuple):
    """The changed shot, the colours of its palette, and what the caption says of them."""

    manifest: dict[str, Any]
    colors: list[str]
    words: str


def set_palette(
    manifest: dict[str, Any] | None,
    colors: str = "",
    *,
    palette: str | None = None,
    harmony: str | None = None,
    pixels: np.ndarray[Any, Any] | None = None,
    count: int = 5,
    source: str = "manifest",
) -> PaletteSet:
    """The manifest (a new one where there is none) with a palette.

    The colours are those of the text ``colors``, else the ``count`` largest of the picture ``pixels`` (sRGB-encoded,
    [H, W, 3] or [B, H, W, 3]), else those of the named ``palette``, else those that the shot has already. ``harmony``
    builds a palette on the first of them. Raises StudioFlowError naming what is wrong with a colour, a name or the
    picture, and EditError where there is no colour to build a harmony on.
    """
    before = begun(manifest)
    found = palette_from_text(colors)
    if not found and pixels is not None:
        found = palette_from_image(pixels, count)
    elif not found and palette:
        found = palette_named(palette)
    elif not found:
        found = list(before.get("scene", {}).get("palette", []))
    if harmony:
        if not found:
            raise EditError(
                "there is no colour to build a harmony on",
                where="harmony",
                found=f'"{harmony}", and no colours',
                allowed="a harmony together with colours, a palette or a picture",
                fix="give a first colour, or choose no harmony",
            )
        found = harmonise(found[0], harmony)
    path = ("scene", "palette")
    result = finished(put(before, path, found), [path], source) if found else before
    return PaletteSet(result, found, color_scheme(found))


def swatches(hexes: list[str]) -> np.ndarray[Any, Any]:
    """The colours side by side, as [128, 512, 3] float32 sRGB-encoded 0..1; white where there are none."""
    import numpy as np

    shown = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in hexes or [_NO_COLOR]], np.float32)
    columns = np.arange(_SWATCHES_WIDTH) * len(shown) // _SWATCHES_WIDTH
    picture: np.ndarray[Any, Any] = np.repeat(shown[columns][None] / 255.0, _SWATCH_HEIGHT, axis=0).astype(np.float32)
    return picture
