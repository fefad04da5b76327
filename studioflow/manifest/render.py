"""The render section resolved to numbers: what a sampler needs to be told."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..families import Family
from ..sizes import picture_size


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


def _size(render: dict[str, Any], family: Family) -> tuple[int, int]:
    if "width" in render:
        return int(render["width"]), int(render["height"])
    ratio = render.get("aspect_ratio", "1:1")
    return picture_size(ratio, render.get("megapixels", 1), family.dialect, where="/render/aspect_ratio")
