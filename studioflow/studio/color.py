"""Colours as words: the nearest name of the xkcd colour survey, measured in Oklab."""

from __future__ import annotations

import functools

from ..resources import table

Lab = tuple[float, float, float]


def srgb_to_linear(value: float) -> float:
    """One sRGB-encoded channel in 0..1 to linear light (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def oklab(hex_color: str) -> Lab:
    """Oklab of ``#rrggbb`` (Björn Ottosson, "A perceptual color space for image processing", 2020)."""
    r, g, b = (srgb_to_linear(int(hex_color[i : i + 2], 16) / 255.0) for i in (1, 3, 5))
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    medium = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@functools.cache
def _named() -> dict[str, Lab]:
    return {name: oklab(value) for name, value in table("studio/color_names.json")["colors"].items()}


@functools.lru_cache(maxsize=4096)
def color_name(hex_color: str) -> str:
    """The named colour nearest to ``#rrggbb``, e.g. ``#8C8C90`` -> ``gray``."""
    wanted = oklab(hex_color)
    return min(_named(), key=lambda name: _difference(_named()[name], wanted))


def _difference(one: Lab, other: Lab) -> float:
    # People name a colour by its hue first: a dark brown is a brown and not a dark gray.
    lightness, green_red, blue_yellow = (a - b for a, b in zip(one, other, strict=True))
    return lightness**2 + 6.0 * (green_red**2 + blue_yellow**2)
