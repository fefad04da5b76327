"""Colours in a perceptual space, and as words: the nearest name of the table color_names.json, measured in Oklab.

Oklab and Oklch are those of Björn Ottosson, "A perceptual color space for image processing", 2020.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple, TypeVar

from ..resources import table

Lab = tuple[float, float, float]
Channel = TypeVar("Channel", float, Any)


class Lch(NamedTuple):
    """Oklch: lightness 0..1, chroma 0..about 0.32, hue 0..360 degrees (red near 29, yellow 110, blue 264)."""

    lightness: float
    chroma: float
    hue_deg: float


def srgb_to_linear(value: float) -> float:
    """One sRGB-encoded channel in 0..1 to linear light (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def linear_to_srgb(value: float) -> float:
    """One channel of linear light in 0..1, sRGB-encoded (IEC 61966-2-1)."""
    return value * 12.92 if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def oklab(hex_color: str) -> Lab:
    """Oklab of ``#rrggbb``."""
    r, g, b = (srgb_to_linear(int(hex_color[i : i + 2], 16) / 255.0) for i in (1, 3, 5))
    return oklab_of_linear(r, g, b)


def oklab_of_linear(r: Channel, g: Channel, b: Channel) -> tuple[Channel, Channel, Channel]:
    """Oklab of linear sRGB in 0..1; numbers, or arrays of one shape."""
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def oklch(hex_color: str) -> Lch:
    """Oklch of ``#rrggbb``; a gray's hue means nothing."""
    lightness, a, b = oklab(hex_color)
    return Lch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360.0)


def linear_of_oklab(lab: Lab) -> Lab:
    """Linear sRGB of an Oklab colour; outside 0..1 where sRGB has no such colour."""
    lightness, a, b = lab
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def hex_of_oklab(lab: Lab) -> str:
    """``#RRGGBB`` of an Oklab colour; what sRGB cannot show is cut off channel by channel."""
    channels = (linear_to_srgb(min(1.0, max(0.0, value))) for value in linear_of_oklab(lab))
    return "#" + "".join(f"{round(channel * 255):02X}" for channel in channels)


def hex_of_oklch(color: Lch) -> str:
    """``#RRGGBB`` of an Oklch colour, with as much of its chroma as sRGB can show at its lightness and hue."""
    lightness, chroma, hue = min(1.0, max(0.0, color.lightness)), color.chroma, math.radians(color.hue_deg)
    low, high = 0.0, 1.0
    if _shown(lightness, chroma, hue):
        low = 1.0
    for _ in range(30 if low < 1.0 else 0):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _shown(lightness, chroma * middle, hue) else (low, middle)
    return hex_of_oklab((lightness, chroma * low * math.cos(hue), chroma * low * math.sin(hue)))


def _shown(lightness: float, chroma: float, hue: float) -> bool:
    linear = linear_of_oklab((lightness, chroma * math.cos(hue), chroma * math.sin(hue)))
    return all(-1e-6 <= value <= 1.0 + 1e-6 for value in linear)


@functools.cache
def _named() -> list[tuple[str, Lab]]:
    names = table("studio/color_names.json")
    examples = [(name, value) for name, value in names["colors"].items()]
    examples += [(name, value) for name, values in names["also"].items() for value in values]
    return [(name, oklab(value)) for name, value in examples]


@functools.lru_cache(maxsize=4096)
def color_name(hex_color: str) -> str:
    """The named colour nearest to ``#rrggbb``, e.g. ``#8C8C90`` -> ``gray``; the earlier in the table where two are."""
    wanted = oklab(hex_color)
    return min(_named(), key=lambda example: _difference(example[1], wanted))[0]


def _difference(one: Lab, other: Lab) -> float:
    # People name a colour by its hue first, and its lightness comes second.
    lightness, green_red, blue_yellow = (a - b for a, b in zip(one, other, strict=True))
    return lightness**2 + 6.0 * (green_red**2 + blue_yellow**2)
