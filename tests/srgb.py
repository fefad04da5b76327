"""The sRGB curve as IEC 61966-2-1 writes it, to compare with what OpenColorIO makes of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def srgb_to_linear(encoded: NDArray[np.floating]) -> NDArray[np.float32]:
    """sRGB-encoded values to linear light, any shape (IEC 61966-2-1; extended below 0 by symmetry)."""
    magnitude = np.abs(encoded, dtype=np.float32)
    low = magnitude / 12.92
    high = ((magnitude + 0.055) / 1.055) ** 2.4
    return np.copysign(np.where(magnitude <= 0.04045, low, high), encoded).astype(np.float32)


def linear_to_srgb(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    """The inverse of ``srgb_to_linear``."""
    magnitude = np.abs(linear, dtype=np.float32)
    low = magnitude * 12.92
    high = 1.055 * magnitude ** (1 / 2.4) - 0.055
    return np.copysign(np.where(magnitude <= 0.0031308, low, high), linear).astype(np.float32)
