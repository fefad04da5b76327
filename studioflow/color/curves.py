"""The curves of sRGB and of gamma spaces in numpy, as OpenColorIO defines them.

OpenColorIO computes an exact power one number at a time; numpy's takes as many as the processor can, which makes the
commonest conversions several times as fast. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .spaces import Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Curve = Callable[["NDArray[np.float32]"], None]
"""Changes float32 values in place."""
_GAMMA, _OFFSET = 2.4, 0.055
_BREAK = _OFFSET / (_GAMMA - 1.0)
"""IEC 61966-2-1 rounds it to 0.04045 and the slope to 12.92; these are the ones at which nothing jumps."""
_SLOPE = (_GAMMA - 1.0) / _OFFSET * (_OFFSET * _GAMMA / ((_GAMMA - 1.0) * (1.0 + _OFFSET))) ** _GAMMA


def decoding(space: Space) -> Curve | None:
    """From the values of a space to light; None where it is no sRGB or gamma curve.

    Below black, sRGB goes on straight and gamma with slope 1.
    """
    if space.transfer == "srgb":
        return _srgb_to_light
    exponent = space.gamma if space.transfer == "gamma" else None
    return (lambda values: _power(values, exponent)) if exponent else None


def encoding(space: Space) -> Curve | None:
    """The inverse of ``decoding``."""
    if space.transfer == "srgb":
        return _light_to_srgb
    exponent = space.gamma if space.transfer == "gamma" else None
    return (lambda values: _power(values, 1.0 / exponent)) if exponent else None


def _srgb_to_light(values: NDArray[np.float32]) -> None:
    import numpy as np

    straight = values <= np.float32(_BREAK)
    low = values * np.float32(_SLOPE)
    np.maximum(values, 0, out=values)
    values += np.float32(_OFFSET)
    values *= np.float32(1.0 / (1.0 + _OFFSET))
    np.power(values, np.float32(_GAMMA), out=values)
    np.copyto(values, low, where=straight)


def _light_to_srgb(values: NDArray[np.float32]) -> None:
    import numpy as np

    straight = values <= np.float32(_BREAK * _SLOPE)
    low = values * np.float32(1.0 / _SLOPE)
    np.maximum(values, 0, out=values)
    np.power(values, np.float32(1.0 / _GAMMA), out=values)
    values *= np.float32(1.0 + _OFFSET)
    values -= np.float32(_OFFSET)
    np.copyto(values, low, where=straight)


def _power(values: NDArray[np.float32], exponent: float) -> None:
    import numpy as np

    light = np.maximum(values, 0)
    np.power(light, np.float32(exponent), out=light)
    np.copyto(values, light, where=values > 0)
