"""The colour and the strength of lights: scene-linear ACEScg of luminance 1, and how much of it a point receives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..color.convert import convert
from ..studio.color_temperature import kelvin_to_xy
from ..studio.lighting import kelvin_of, key_of
from .parts import Plain, Rgb

SPACE = "ACEScg"
LUMINANCE = np.array([0.2722287168, 0.6740817658, 0.0536895174])
"""Y of ACEScg's red, green and blue (Academy S-2014-004, section 4.2)."""
USUAL_KELVIN = 5600.0
"""What a light is that says nothing of its colour: daylight, as a studio's flash."""

_XYZ_TO_709 = np.linalg.inv([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
"""IEC 61966-2-1:1999; white is D65."""


def rgb_of_kelvin(kelvin: float) -> Rgb:
    """The black body of a colour temperature from 1000 K up, in ACEScg with a luminance of 1."""
    x, y = kelvin_to_xy(kelvin)
    return _of_luminance_1(convert(_XYZ_TO_709 @ (x / y, 1.0, (1.0 - x - y) / y), "Linear Rec.709", SPACE))


def rgb_of_hex(color: str) -> Rgb:
    """``#rrggbb`` as a light in ACEScg with a luminance of 1; black is no light at all."""
    return _of_luminance_1(linear_of_hex(color))


def linear_of_hex(color: str) -> NDArray[np.float32]:
    """``#rrggbb`` as it is, in ACEScg [3]."""
    return convert(np.array([int(color[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]), "sRGB", SPACE)


def rgb_of_light(light: dict[str, Any], lights: list[dict[str, Any]]) -> Rgb:
    """The colour of a light among the lights of its shot, in ACEScg with a luminance of 1.

    A reflector that says nothing has the colour of the key light, which it gives back.
    """
    said = "color" in light or "color_temperature_k" in light
    key = key_of(lights)
    if not said and key is not None and key != light and light.get("type", "").endswith("reflector"):
        return rgb_of_light(key, [key])
    if "color" in light:
        return rgb_of_hex(light["color"])
    return rgb_of_kelvin(kelvin_of(light) or USUAL_KELVIN)


def irradiance(triangles: NDArray[np.float64], point: NDArray[np.float64], normal: NDArray[np.float64]) -> float:
    """What a surface at a point receives of triangles [N, 3, 3] that shine with a radiance of 1 from their front.

    ``normal`` is the surface's, of unit length. Exact for triangles that lie wholly in front of the surface and do not
    hide each other, so for flat shapes and convex bodies: the sum over their edges of J. H. Lambert, Photometria,
    1760 (P. Schröder and P. Hanrahan, On the form factor between two polygons, SIGGRAPH 1993, section 2).
    """
    corners = triangles - point
    facing = np.einsum(
        "nc,nc->n", np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), corners[:, 0]
    )
    seen = corners[facing < 0.0]
    following = np.roll(seen, -1, axis=1)
    across = np.cross(seen, following)
    sines = np.linalg.norm(across, axis=-1)
    angles = np.arctan2(sines, np.einsum("nec,nec->ne", seen, following))
    shares = np.einsum("nec,c->ne", across, normal) / np.where(sines > 0.0, sines, 1.0)
    # Seen from the surface the front of a triangle turns clockwise.
    return float(-0.5 * (angles * shares).sum())


def area_emitter(rgb: Rgb, radiance: float) -> Plain:
    """An emitter for a shape, as strong as that in luminance."""
    return {"type": "area", "radiance": rgb_of([radiance * part for part in rgb])}


def rgb_of(values: Any) -> Plain:
    """A colour in ACEScg as Mitsuba takes it."""
    return {"type": "rgb", "value": [float(part) for part in values]}


def diffuse(reflectance: Any) -> Plain:
    """A matt surface that gives back that much in ACEScg."""
    return {"type": "diffuse", "reflectance": rgb_of(reflectance)}


def _of_luminance_1(values: NDArray[np.floating]) -> Rgb:
    whole = float(values @ LUMINANCE)
    red, green, blue = (float(part) / whole if whole > 0.0 and math.isfinite(whole) else 0.0 for part in values)
    return red, green, blue
