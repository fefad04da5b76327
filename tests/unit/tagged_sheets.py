"""Sheets for the tests of TIFF, PNG and the web: texts that are hard to carry, facts of every kind, several layers."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from studioflow.color.spaces import DATA
from studioflow.imaging.facts import Facts
from studioflow.imaging.sheet import Layer, Sheet

MANIFEST = {"studioflow": "1.0", "scene": {"description": "größe × 大 <&> ]]> \x01 \uffff 🎞"}}
TEXTS = {
    "studioflow:manifest": json.dumps(MANIFEST, ensure_ascii=False),
    "studioflow:caption": '{"short_description":"大"}',
    "studioflow:provenance": '{"seed":5}',
    "studioflow:seed": "5",
    "studioflow:model": "FIBO-2",
    "prompt": '{"1":{"class_type":"x","inputs":{"text":"\\u00fc"}}}',
    "workflow": '{"nodes":["\\u5927"]}',
}
FACTS = Facts(
    captured=datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2))),
    manifest_id="abc",
    title="Tîtle 大",
    sku="SKU-1",
    author="Änne <x>",
    copyright="© Studio & Co",
    description="A bottle, größer",
    tags=("glass", "green tea"),
    lens="50 mm anamorphic 2×",
    sensor="Full frame",
    focal_length_mm=50.0,
    equivalent_mm=49.6,
    aperture=2.8,
    focus_distance_m=1.25,
    exposure_time_s=0.008,
    iso=100,
    lights=("key: softbox, 45° left", "rim: strip, behind"),
    light_kelvin=5600,
)
ORIGIN = "display-referred picture; no highlights above 1 were added"


def noise(height: int, width: int, channels: int, low: float = 0.0, high: float = 1.0, seed: int = 1) -> Any:
    """Evenly distributed float32."""
    values = np.random.default_rng(seed).random((height, width, channels), dtype=np.float32)
    return np.float32(low) + np.float32(high - low) * values


def darker(colors: Any, space: str) -> Any:
    """In place of a colour conversion: a new array, alpha as it was."""
    assert space == "sRGB"
    changed = colors * np.float32(0.75)
    changed[..., 3:] = colors[..., 3:]
    return changed


def unchanged(colors: Any, _: str) -> Any:
    return colors.copy()


def sheet(pixels: Any, space: str = "Adobe RGB", *more: Layer, **changes: Any) -> Sheet:
    """One frame of a picture in sRGB that is to be in ``space``, and further layers."""
    values = {"texts": TEXTS, "facts": FACTS, "origin": ORIGIN, "transform": darker} | changes
    return Sheet(layers=(Layer("beauty", pixels), *more), space=space, **values)


def layered(channels: int = 3, high: float = 1.0) -> Sheet:
    """With numbers and a second picture beside the first."""
    height, width = 101, 83
    depth = Layer("depth", noise(height, width, 1, seed=2), DATA)
    other = Layer("alternate", noise(height, width, 3, seed=3))
    return sheet(noise(height, width, channels, 1 - high, high), "Adobe RGB", depth, other)
