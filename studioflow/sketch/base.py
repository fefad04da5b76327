"""A sketch laid into a grey base, for models that take no reference: the picture that image to image starts from."""

from __future__ import annotations

import numpy as np

from ..errors import require_between
from .pictures import Gray, Picture
from .tones import as_tones, dark_on_light, ink_level, ink_of

TONES = (0.1, 0.9)
"""A base outside leaves lines no room to be darker, or shading none to be lighter."""
_SHADING_SIGMA = 1 / 48
"""Of the shorter side: what is finer is line."""
_SHADING_RANGE = 0.5
"""Of the lines' contrast: shading stays behind them."""


def toned_base(
    picture_or_lines: Picture | Gray, tone: float = 0.5, contrast: float = 0.35, shading: bool = True
) -> Picture:
    """The sketch in a toned base, [H, W, 3] grey, whose mean is ``tone`` within 1/255.

    From noise and white paper alike a model starts badly: at middle grey it is free to make things lighter and darker.
    ``picture_or_lines`` is a line map [H, W], 1 is line; or a picture [H, W, 3] of dark lines on light or of light
    lines on a dark ground, such as a control map. Full lines are ``contrast`` darker than the base, both on the
    sRGB-encoded scale 0..1. ``shading`` keeps a picture's wide tones as well, half as strong. Raises StudioFlowError
    for a tone outside 0.1 to 0.9 and a contrast outside 0 to 0.9.
    """
    require_between("tone", tone, *TONES)
    require_between("contrast", contrast, 0.0, 0.9)
    if picture_or_lines.ndim == 2:
        return _toned(-contrast * picture_or_lines, tone)
    tones, _ = dark_on_light(as_tones(picture_or_lines))
    drawn = -contrast * _lines(tones)
    if shading:
        drawn += contrast * _SHADING_RANGE * _shading(tones)
    return _toned(drawn, tone)


def toned_areas(picture: Picture, tone: float = 0.5, contrast: float = 0.35) -> Picture:
    """A depth map or a monochrome picture in a toned base: its own tones, from black to white ``contrast`` apart.

    Light stays light whatever most of the picture is, and the mean is ``tone``. Raises as ``toned_base`` does.
    """
    require_between("tone", tone, *TONES)
    require_between("contrast", contrast, 0.0, 0.9)
    return _toned(contrast * as_tones(picture), tone)


def _lines(tones: Gray) -> Gray:
    """Ink as it is, with what is as dark as ink usually is in this picture as 1: faint pencil counts like ink."""
    ink = ink_of(tones)
    drawn = ink <= ink_level(ink)
    lines = 1 - ink.astype(np.float32) / 255
    usual = float(lines[drawn].mean()) if drawn.any() else 1.0
    return np.minimum(lines / usual, 1.0)


def _shading(tones: Gray) -> Gray:
    import cv2

    return cv2.GaussianBlur(tones, (0, 0), max(0.5, min(tones.shape) * _SHADING_SIGMA)) - 1


def _toned(drawn: Gray, tone: float) -> Picture:
    """What is drawn on the base that gives this mean after clipping: the mean grows with the base, so it is halved."""
    low, high = -1.0 - float(drawn.max()), 1.0 - float(drawn.min())
    for _ in range(16):
        middle = (low + high) / 2
        if np.clip(drawn + middle, 0.0, 1.0).mean(dtype=np.float64) < tone:
            low = middle
        else:
            high = middle
    toned = np.clip(drawn + (low + high) / 2, 0.0, 1.0).astype(np.float32)
    return np.repeat(toned[..., None], 3, axis=2)
