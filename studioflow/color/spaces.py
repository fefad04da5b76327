"""The colour spaces that everybody knows by name; what else a config has, OpenColorIO tells (ocio.py)."""

from __future__ import annotations

import functools
from typing import NamedTuple

from ..resources import table

DEFAULT_SPACE = "sRGB"
"""What ComfyUI's pictures are, unless somebody says otherwise."""
DATA = "data"
"""Instead of a space: numbers that are no colours (depth, masks, control maps) and are never converted."""


class Space(NamedTuple):
    """One row of spaces.json. ``cicp`` and ``gamma`` are None where the space has none."""

    name: str
    ocio: str
    encoding: str
    """display, hdr, linear or log"""
    primaries: tuple[float, ...]
    """CIE 1931 xy of red, green, blue and white, 8 numbers."""
    transfer: str
    """linear, srgb, gamma, pq, hlg or acescct"""
    interop: str
    use: str
    gamma: float | None = None
    cicp: tuple[int, ...] | None = None


@functools.cache
def plain_spaces() -> dict[str, Space]:
    """All rows of spaces.json by name, in the order of menus."""
    rows = table("color/spaces.json")
    return {name: _space(name, row) for name, row in rows.items() if not name.startswith("_")}


def _space(name: str, row: dict[str, object]) -> Space:
    fixed = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Space(name=name, **fixed)  # type: ignore[arg-type]
