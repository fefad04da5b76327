"""Colour temperature <-> colour: black bodies and CIE daylight, in CIE xy, in CIE 1960 uv and in sRGB.

Two loci. ``planckian``, the black body from 1000 K up: tungsten, candles, fire, and the reference for every
correlated colour temperature. ``daylight``, the CIE D illuminants from 4000 to 25000 K: sun and sky, and what a
flash is balanced for.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

from ..errors import StudioFlowError
from ..resources import table

Rgb = tuple[float, float, float]
Matrix = tuple[Rgb, Rgb, Rgb]

PLANCKIAN, DAYLIGHT = "planckian", "daylight"
RANGES_K = {PLANCKIAN: (1000.0, 1e6), DAYLIGHT: (4000.0, 25000.0)}
"""Lowest and highest colour temperature of each locus in kelvin."""
MAX_DUV = 0.05
"""A light farther from the Planckian locus has no meaningful colour temperature (CIE 15:2004, section 9.5)."""

_C2_NM_K = 1.4388e7
"""Second radiation constant of Planck's law, nm K, as CIE 015 rounds it."""
_MAX_MIRED = 1000.0
_SRGB_TO_XYZ = (
    (0.4124, 0.3576, 0.1805),
    (0.2126, 0.7152, 0.0722),
    (0.0193, 0.1192, 0.9505),
)
"""IEC 61966-2-1:1999; white is D65."""


class ColorTemperature(NamedTuple):
    """A correlated colour temperature, and how far from the black body the colour lies.

    ``duv`` is the distance in CIE 1960 uv, positive above the locus (greenish), negative below (pinkish), as in
    ANSI C78.377. Beyond ``MAX_DUV`` the colour is coloured light and ``kelvin`` says little.
    """

    kelvin: float
    duv: float


def mired(kelvin: float) -> float:
    """Micro reciprocal degrees, 1e6 / kelvin: steps of equal size look about equally large."""
    return 1e6 / kelvin


def kelvin_to_xy(kelvin: float, locus: str = PLANCKIAN) -> tuple[float, float]:
    """CIE 1931 xy of light of a colour temperature on one of the two loci.

    ``planckian``: Planck's law summed over the CIE 1931 2 degree colour-matching functions in steps of 5 nm, 1000 K
    and up. ``daylight``: the formula for D illuminants of CIE 015, 4000 to 25000 K (D65 is 6504 K there).
    StudioFlowError for another locus, or a temperature outside its range.
    """
    _check_kelvin(kelvin, locus)
    return _daylight_xy(kelvin) if locus == DAYLIGHT else _planckian_xy(kelvin)


def kelvin_to_srgb(kelvin: float, locus: str = PLANCKIAN) -> Rgb:
    """Linear-light sRGB of light of a colour temperature, its strongest channel 1, none below 0.

    Black bodies below 1900 K are yellower than sRGB can show: they are brought to its edge along the line of equal
    colour temperature, so that ``srgb_to_kelvin`` gives back what was asked. Locus and errors as for
    ``kelvin_to_xy``.
    """
    u, v = xy_to_uv(*kelvin_to_xy(kelvin, locus))
    if _uv_to_srgb(u, v)[2] < 0.0:
        u, v = _at_edge_of_srgb(mired(kelvin))
    rgb = [max(0.0, channel) for channel in _uv_to_srgb(u, v)]
    red, green, blue = (channel / max(rgb) for channel in rgb)
    return red, green, blue


def kelvin_to_hex(kelvin: float, locus: str = PLANCKIAN) -> str:
    """The sRGB-encoded colour of ``kelvin_to_srgb`` as ``#rrggbb``."""
    return "#" + "".join(f"{round(255.0 * _encoded(channel)):02x}" for channel in kelvin_to_srgb(kelvin, locus))


def srgb_to_kelvin(rgb: Rgb) -> ColorTemperature:
    """Correlated colour temperature of a linear-light sRGB colour of any scale: nearest point in CIE 1960 uv.

    Looks from 1000 K up to an infinite temperature, which comes back as ``math.inf``. StudioFlowError for channels
    that are not finite or below 0, and for black.
    """
    if not all(math.isfinite(channel) and channel >= 0.0 for channel in rgb) or not any(rgb):
        raise StudioFlowError(
            "this colour has no colour temperature",
            found=", ".join(f"{channel:g}" for channel in rgb),
            allowed="three finite channels of linear light, at least 0, not all 0",
        )
    red, green, blue = (channel / max(rgb) for channel in rgb)
    x, y, z = _times(_SRGB_TO_XYZ, (red, green, blue))
    return xy_to_kelvin(x / (x + y + z), y / (x + y + z))


def xy_to_kelvin(x: float, y: float) -> ColorTemperature:
    """Correlated colour temperature of a CIE 1931 xy: the nearest point of the Planckian locus in CIE 1960 uv.

    The definition of CIE 015; duv after Ohno, "Practical use and calculation of CCT and Duv", Leukos 10, 2014. Found
    by search over mired, in which the locus is smooth, to better than 0.001 mired.
    """
    u, v = xy_to_uv(x, y)

    def off(at_mired: float) -> float:
        return math.dist(_planckian_uv(at_mired), (u, v))

    step = 20.0
    start = min((step * index for index in range(int(_MAX_MIRED / step) + 1)), key=off)
    best = _lowest(off, max(0.0, start - step), min(_MAX_MIRED, start + step))
    side = 1.0 if v >= _planckian_uv(best)[1] else -1.0
    return ColorTemperature(1e6 / best if best > 1e-3 else math.inf, side * off(best))


def xy_to_uv(x: float, y: float) -> tuple[float, float]:
    """CIE 1931 xy to CIE 1960 uv (MacAdam 1937; CIE 015)."""
    scale = -2.0 * x + 12.0 * y + 3.0
    return 4.0 * x / scale, 6.0 * y / scale


def _check_kelvin(kelvin: float, locus: str) -> None:
    if locus not in RANGES_K:
        raise StudioFlowError("no such locus", found=f'"{locus}"', allowed=", ".join(RANGES_K))
    low, high = RANGES_K[locus]
    if not low <= kelvin <= high:
        raise StudioFlowError(
            f"no {locus} light of this colour temperature",
            found=f"{kelvin:g} K",
            allowed=f"{low:g} to {high:g} K",
            fix=f"take the {PLANCKIAN} locus" if locus == DAYLIGHT and kelvin < low else None,
        )


def _daylight_xy(kelvin: float) -> tuple[float, float]:
    """Judd, MacAdam and Wyszecki, JOSA 54, 1964, as CIE 015 gives it."""
    t = 1e3 / kelvin
    if kelvin <= 7000.0:
        x = 0.244063 + 0.09911 * t + 2.9678 * t**2 - 4.6070 * t**3
    else:
        x = 0.237040 + 0.24748 * t + 1.9018 * t**2 - 2.0064 * t**3
    return x, -3.000 * x**2 + 2.870 * x - 0.275


@functools.lru_cache(maxsize=2048)
def _planckian_xy(kelvin: float) -> tuple[float, float]:
    x, y, z = _black_body_xyz(mired(kelvin))
    return x / (x + y + z), y / (x + y + z)


@functools.lru_cache(maxsize=2048)
def _planckian_uv(at_mired: float) -> tuple[float, float]:
    x, y, z = _black_body_xyz(at_mired)
    return 4.0 * x / (x + 15.0 * y + 3.0 * z), 6.0 * y / (x + 15.0 * y + 3.0 * z)


def _black_body_xyz(at_mired: float) -> tuple[float, float, float]:
    """XYZ of a black body, of no particular scale; 0 mired is the limit of infinite temperature."""
    x = y = z = 0.0
    for wavelength, x_bar, y_bar, z_bar in table("studio/cie_1931_2deg.json")["rows"]:
        # Relative to 560 nm, which keeps the numbers small and has a limit at 0 mired.
        exponent = _C2_NM_K * at_mired * 1e-6 / wavelength
        reference = _C2_NM_K * at_mired * 1e-6 / 560.0
        rise = math.expm1(reference) / math.expm1(exponent) if at_mired else wavelength / 560.0
        power = (560.0 / wavelength) ** 5 * rise
        x, y, z = x + power * x_bar, y + power * y_bar, z + power * z_bar
    return x, y, z


def _uv_to_srgb(u: float, v: float) -> Rgb:
    """CIE 1960 uv to linear sRGB of no particular scale; linear in u and v."""
    return _times(_xyz_to_srgb(), (3.0 * u, 2.0 * v, 4.0 - u - 10.0 * v))


def _at_edge_of_srgb(at_mired: float) -> tuple[float, float]:
    """Where the normal of the Planckian locus meets the line on which sRGB has no blue."""
    u, v = _planckian_uv(at_mired)
    (u0, v0), (u1, v1) = _planckian_uv(at_mired - 0.1), _planckian_uv(at_mired + 0.1)
    across, up = v1 - v0, u0 - u1
    blue = _uv_to_srgb(u, v)[2]
    steps = blue / (blue - _uv_to_srgb(u + across, v + up)[2])
    return u + steps * across, v + steps * up


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest, by golden-section search (Kiefer 1953)."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if function(left) < function(right):
            high = right
        else:
            low = left
    return (low + high) / 2.0


def _encoded(channel: float) -> float:
    """Linear light in 0..1 to the sRGB encoding (IEC 61966-2-1)."""
    return 12.92 * channel if channel <= 0.0031308 else 1.055 * channel ** (1.0 / 2.4) - 0.055


def _times(matrix: Matrix, vector: Rgb) -> Rgb:
    x, y, z = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z


@functools.cache
def _xyz_to_srgb() -> Matrix:
    """The inverse of the matrix of IEC 61966-2-1, not rounded, so that there and back is exact."""
    (a, b, c), (d, e, f), (g, h, i) = _SRGB_TO_XYZ
    cofactors = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    determinant = a * cofactors[0][0] + b * cofactors[1][0] + c * cofactors[2][0]
    one, two, three = ((p / determinant, q / determinant, r / determinant) for p, q, r in cofactors)
    return one, two, three
