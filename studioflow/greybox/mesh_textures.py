"""Materials of mesh files as BSDFs: colour, roughness and metal as numbers or as textures, and what is see-through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from ..color.convert import convert
from .parts import Plain, Rgb
from .pictures import bitmap, seen_through, shrunk, two_sided

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TGA", "TIFF")
_MAX_PIXELS = 16384 * 16384
_SIDES = ((8, 2048), (32, 1024))
"""How large textures may be in the scene by how many there are, so that all together stay below half a gigabyte."""


class Texture(NamedTuple):
    """A picture as a file holds it; ``name`` for the person. ``wrap``: repeat, mirror or clamp.

    ``to_uv`` are the 9 numbers of the matrix that a uv is multiplied by first, row by row.
    """

    data: bytes
    name: str
    wrap: str = "repeat"
    to_uv: tuple[float, ...] | None = None


class Material(NamedTuple):
    """A material in the terms of glTF 2.0, section 3.9: colour linear Rec.709, and factors that multiply textures.

    ``surfaces`` is the texture with roughness in green and metal in blue. ``cutoff`` is the alpha from which on
    all is opaque, None where alpha blends; ``opacity`` 1 and no cutoff mean that the texture's alpha is not used.
    """

    color: Rgb = (1.0, 1.0, 1.0)
    opacity: float = 1.0
    roughness: float = 1.0
    metallic: float = 0.0
    transmission: float = 0.0
    ior: float = 1.5
    picture: Texture | None = None
    surfaces: Texture | None = None
    uses_alpha: bool = False
    cutoff: float | None = None

    @property
    def textures(self) -> int:
        return (self.picture is not None) + (self.surfaces is not None)


def surfaces_of(materials: Mapping[str, Material]) -> tuple[dict[str, Plain], tuple[str, ...]]:
    """A BSDF in ACEScg for each material, and notes about textures that cannot be read: those get the plain colour."""
    count = sum(material.textures for material in materials.values())
    side = next((side for most, side in _SIDES if count <= most), 512)
    notes: list[str] = []
    surfaces = {key: _surface(material, side, notes) for key, material in materials.items()}
    return surfaces, tuple(dict.fromkeys(notes))


def _surface(material: Material, side: int, notes: list[str]) -> Plain:
    import numpy as np

    picture = _pixels(material.picture, side, notes)
    values = _pixels(material.surfaces, side, notes)
    bsdf: Plain = {"type": "principled", "base_color": _color(material, picture)}
    for key, factor, channel in (("roughness", material.roughness, 1), ("metallic", material.metallic, 2)):
        if values is None or material.surfaces is None:
            bsdf[key] = float(np.clip(factor, 0.02 if key == "roughness" else 0, 1))
        else:
            scaled = np.clip(values[:, :, channel : channel + 1] * factor, 0.02 if key == "roughness" else 0, 1)
            bsdf[key] = _texture(scaled, material.surfaces)
    if material.transmission > 0:
        return bsdf | {"spec_trans": min(material.transmission, 1.0), "eta": float(np.clip(material.ior, 1.01, 3))}
    return _with_alpha(two_sided(bsdf), material, picture)


def _color(material: Material, picture: NDArray[np.float32] | None) -> Plain:
    import numpy as np

    factor = np.array(material.color, dtype=np.float32)
    if picture is None or material.picture is None:
        color = np.clip(convert(factor[None], "Linear Rec.709", "ACEScg")[0], 0, 1)
        return {"type": "rgb", "value": [float(value) for value in color]}
    light = convert(picture[:, :, :3], "sRGB", "Linear Rec.709") * factor
    return _texture(np.clip(convert(light, "Linear Rec.709", "ACEScg"), 0, 1), material.picture)


def _with_alpha(bsdf: Plain, material: Material, picture: NDArray[np.float32] | None) -> Plain:
    import numpy as np

    if not material.uses_alpha:
        return bsdf
    if picture is None or material.picture is None or picture.shape[2] < 4:
        opacity = material.opacity if material.cutoff is None else float(material.opacity >= material.cutoff)
        return bsdf if opacity >= 1 else seen_through(bsdf, max(opacity, 0.0))
    alpha = picture[:, :, 3:] * material.opacity
    if material.cutoff is not None:
        alpha = (alpha >= material.cutoff).astype(np.float32)
    return seen_through(bsdf, _texture(np.clip(alpha, 0, 1), material.picture))


def _texture(values: NDArray[np.float32], texture: Texture) -> Plain:
    import numpy as np

    plain = bitmap(values, wrap=texture.wrap)
    if texture.to_uv:
        matrix = np.eye(4)
        # Of a 4 × 4 transform Mitsuba takes the rows and columns of x, y and w.
        matrix[np.ix_([0, 1], [0, 1, 3])] = np.reshape(texture.to_uv, (3, 3))[:2]
        plain["to_uv"] = matrix
    return plain


def _pixels(texture: Texture | None, side: int, notes: list[str]) -> NDArray[np.float32] | None:
    """The texture as values 0 to 1 [H, W, 3 or 4], or None with a note where it is no picture that can be read."""
    import io

    import numpy as np
    from PIL import Image

    if texture is None:
        return None
    try:
        with Image.open(io.BytesIO(texture.data), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise ValueError(f"{picture.width} × {picture.height} pixels are too many")
            if picture.mode[0] in "IF":
                raise ValueError("numbers of more than 8 bits in one channel")
            has_alpha = "A" in picture.getbands() or "transparency" in picture.info
            # A large one is made smaller while it is still in whole numbers; the rest is averaged exactly.
            whole = picture.convert("RGBA" if has_alpha else "RGB")
            values = np.asarray(whole.reduce(max(1, max(whole.size) // (2 * side))), dtype=np.float32) / 255
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        notes.append(f"The texture {texture.name} cannot be read ({error}); its plain colour is shown.")
        return None
    return shrunk(values, side)
