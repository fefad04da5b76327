"""Sheets to be written in tests: small pictures like photographs, and layers with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray

from studioflow.imaging.facts import Facts
from studioflow.imaging.menus import MAIN
from studioflow.imaging.sheet import Layer, Sheet

CAPTURED = datetime(2026, 11, 28, 9, 30, 5, tzinfo=timezone.utc)
SPACE = "Linear Rec.709"


def photo(height: int = 48, width: int = 64, channels: int = 3, seed: int = 1) -> NDArray[np.float32]:
    """Gradients with grain and a bright spot, from just below 0 to about 6; the fourth channel within 0..1."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    grain = np.random.default_rng(seed).normal(0.0, 0.004, (height, width, channels))
    spot = 6.0 * np.exp(-80.0 * ((x - 0.3) ** 2 + (y - 0.4) ** 2))
    picture = np.stack([0.3 + 0.3 * np.sin(3 * x + i) * np.cos(2 * y - i) + spot for i in range(channels)], -1) + grain
    picture[-1, -1] = -0.25
    if channels == 4:
        picture[..., 3] = np.clip(1.4 - 1.6 * x, 0.0, 1.0)
    return picture.astype(np.float32)


def as_they_are(pixels: NDArray[np.float32], _space: str) -> NDArray[np.float32]:
    """The transform between equal spaces: a copy."""
    return pixels.copy()


def sheet_of(
    *layers: Layer,
    space: str = SPACE,
    texts: Mapping[str, str] | None = None,
    facts: Facts | None = None,
    transform: Callable[[NDArray[np.float32], str], NDArray[np.float32]] = as_they_are,
    frame: int | None = None,
) -> Sheet:
    """One frame of those layers, else of a picture alone."""
    given = layers or (Layer(MAIN, photo(), space),)
    origin = "linearised, nothing above 1 was added"
    return Sheet(given, space, transform, texts or {}, facts or Facts(CAPTURED), origin, frame)
