"""The render section resolved to numbers: what a sampler needs to be told."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..errors import ManifestError
from ..families import Family
from ..resources import table

STEP = 16
"""Every FIBO works on latents of 16 × 16 pixels."""
MIN_SIDE, MAX_SIDE = 64, 4096
_TRAINED_AREA = 1024 * 1024


class RenderSettings(NamedTuple):
    """Sizes in pixels (multiples of 16), seed 0..2^64-1, steps >= 1, cfg >= 1 (1 is no guidance)."""

    width: int
    height: int
    seed: int
    steps: int
    cfg: float
    count: int


def render_settings(manifest: dict[str, Any], family: Family) -> RenderSettings:
    """What the manifest says about rendering, and the family's own values where it says nothing."""
    render = manifest.get("render", {})
    width, height = _size(render, family)
    return RenderSettings(
        width=width,
        height=height,
        # 22.0 is a whole number too.
        seed=int(render.get("seed", 0)),
        steps=int(render.get("steps", family.steps)),
        cfg=float(render.get("cfg", family.cfg)),
        count=int(render.get("count", 1)),
    )


def picture_ratio(manifest: dict[str, Any]) -> float:
    """Width over height of the picture that the manifest asks for, whatever the model; 1 where it says nothing."""
    render = manifest.get("render", {})
    if "width" in render:
        return float(render["width"] / render["height"])
    across, up = render.get("aspect_ratio", "1:1").split(":")
    return int(across) / int(up)


def size_for_ratio(aspect_ratio: str, megapixels: float, dialect: str) -> tuple[int, int]:
    """Width and height for ``W:H``: the size FIBO was trained at where there is one, else computed to the area.

    ``megapixels`` is in units of 1024 × 1024. A ratio is met to within the rounding of both sides to 16 pixels.
    """
    w, h = (int(part) for part in aspect_ratio.split(":"))
    trained: dict[str, list[int]] = table("trained_sizes.json")[dialect]
    divisor = math.gcd(w, h)
    size = trained.get(f"{w // divisor}:{h // divisor}")
    if size and megapixels == 1:
        return size[0], size[1]
    area = megapixels * _TRAINED_AREA
    exact_width = math.sqrt(area * w / h)
    return _multiple(exact_width), _multiple(area / exact_width)


def _size(render: dict[str, Any], family: Family) -> tuple[int, int]:
    if "width" in render:
        return int(render["width"]), int(render["height"])
    ratio = render.get("aspect_ratio", "1:1")
    width, height = size_for_ratio(ratio, render.get("megapixels", 1), family.dialect)
    if not (MIN_SIDE <= min(width, height) and max(width, height) <= MAX_SIDE):
        raise ManifestError(
            "the picture would be too long and thin",
            where="/render/aspect_ratio",
            found=f'"{ratio}", which is {width} × {height} pixels',
            allowed=f"sides of {MIN_SIDE} to {MAX_SIDE} pixels",
            fix="choose a squarer aspect_ratio or other megapixels",
        )
    return width, height


def _multiple(pixels: float) -> int:
    return max(STEP, STEP * math.floor(pixels / STEP + 0.5))
