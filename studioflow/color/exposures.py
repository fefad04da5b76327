"""Several exposures of one shot merged to scene-linear light.

P. Debevec and J. Malik, "Recovering High Dynamic Range Radiance Maps from Photographs", SIGGRAPH 1997: the hat weight.
M. Robertson, S. Borman, R. Stevenson, "Estimation-theoretic approach to dynamic range enhancement using multiple
exposures", Journal of Electronic Imaging 12(2), 2003: the least squares estimate E = Σ w t x / Σ w t², where t is the
exposure and x the linear value. Longer exposures count more, because their noise and their steps are smaller beside
the light.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import StudioFlowError
from . import ocio
from .convert import linear_of, require_encoding
from .menus import AUTO
from .spaces import DEFAULT_SPACE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_STOPS = 30.0
_SATURATED = 1.0 - 0.5 / 255
"""Half a step of 8 bits below white: more light would have given the same value."""


def merge(
    pictures: NDArray[np.floating],
    exposures_ev: Sequence[float],
    *,
    source: str = DEFAULT_SPACE,
    target: str = "Linear Rec.709",
    config: str = AUTO,
) -> tuple[NDArray[np.float32], str]:
    """Pictures [N, H, W, 3 or 4] of one shot, N at least 2, as one float32 [H, W, 3] of ``target``, and how it came
    to be.

    ``exposures_ev`` are stops, one a picture: +1 received twice the light. The result has the brightness of 0. The
    source is display-referred (a plain space, 1 is saturated) or linear (1 is saturated too). A channel counts in a
    picture by a hat: 0 at black and when saturated, 1 in the middle. Where it counts in none, the brightest light
    that any of them proves stands. The pictures must lie on each other: what moves leaves ghosts.

    StudioFlowError where numbers or spaces do not fit.
    """
    import numpy as np

    _check(pictures, exposures_ev)
    require_encoding(
        source,
        config,
        ("display", "linear"),
        "exposures are merged from pictures for a display or linear ones",
        where="source",
        fix="convert them with Colour Transform first",
    )
    require_encoding(
        target, config, ("linear",), "merged exposures need a scene-linear space", where="target", fix="take ACEScg"
    )
    light = linear_of(source, config)
    to_light = ocio.space_stage(ocio.find_space(source, config), light)
    to_target = ocio.space_stage(light, ocio.find_space(target, config))
    times = [np.float32(2.0**stops) for stops in exposures_ev]
    result = np.empty((*pictures.shape[1:3], 3), np.float32)
    blown = np.zeros(pictures.shape[1], np.int64)

    def one(bands: Sequence[NDArray[np.floating]]) -> None:
        *parts, merged, count = bands
        _merge_band(parts, times, to_light, merged)
        shortest = parts[int(np.argmin(exposures_ev))]
        count[...] = (shortest[..., :3] >= _SATURATED).any(axis=-1).sum(axis=-1)
        if to_target:
            to_target(merged)

    rows = _rows_of(pictures, result, blown)
    ocio.each(one, rows)
    return result, _sentence(exposures_ev, source, int(blown.sum()) / max(1, result.size // 3))


def _rows_of(
    pictures: NDArray[np.floating], result: NDArray[np.float32], blown: NDArray[np.int64]
) -> list[tuple[NDArray[np.floating], ...]]:
    height, width = result.shape[:2]
    step = max(1, ocio.BAND_PIXELS // max(1, width * len(pictures)))
    cuts = [slice(start, start + step) for start in range(0, height, step)]
    return [(*(picture[cut] for picture in pictures), result[cut], blown[cut]) for cut in cuts]


def _merge_band(
    parts: Sequence[NDArray[np.floating]],
    times: Sequence[np.float32],
    to_light: ocio.Stage | None,
    merged: NDArray[np.float32],
) -> None:
    import numpy as np

    weights = np.zeros_like(merged)
    proven = np.full_like(merged, -np.inf)
    merged[...] = 0
    for part, time in zip(parts, times, strict=True):
        encoded = part[..., :3].astype(np.float32)
        values = encoded.copy()
        if to_light:
            to_light(values)
        weight = np.where(encoded < _SATURATED, np.clip(1 - np.abs(2 * encoded - 1), 0, 1), 0) * time
        merged += weight * values
        weights += weight * time
        np.maximum(proven, values / time, out=proven)
    counted = weights > 0
    np.divide(merged, weights, out=merged, where=counted)
    np.copyto(merged, proven, where=~counted)


def _sentence(exposures_ev: Sequence[float], source: str, blown: float) -> str:
    stops = ", ".join(f"{value:+g}" for value in exposures_ev)
    lost = f"; {blown:.2%} of the pixels are saturated in the shortest too" if blown else ""
    return (
        f"Merged from {len(exposures_ev)} exposures ({stops} EV) of {source}, weighted by a hat (Debevec 1997) "
        f"and by exposure (Robertson 2003){lost}."
    )


def parse_exposures(text: str) -> list[float]:
    """``-2, 0, 2`` as numbers; StudioFlowError where one is none."""
    words = text.replace(";", ",").replace("−", "-").split(",")
    try:
        return [float(word) for word in words if word.strip()]
    except ValueError as error:
        raise StudioFlowError(
            "an exposure is not a number",
            where="exposures",
            found=f'"{text}"',
            allowed="stops, one a picture, with commas between them",
            fix="write for example -2, 0, 2",
        ) from error


def _check(pictures: NDArray[np.floating], exposures_ev: Sequence[float]) -> None:
    ocio.check_pixels(pictures)
    if pictures.ndim != 4 or len(pictures) < 2 or len(pictures) != len(exposures_ev):
        raise StudioFlowError(
            "each picture needs its exposure",
            where="exposures",
            found=f"{len(exposures_ev)} exposures for {len(pictures) if pictures.ndim == 4 else 1} pictures",
            allowed="two or more pictures in one batch, and as many exposures",
            fix="batch the pictures, and name their exposures in the same order, for example -2, 0, 2",
        )
    wrong = [value for value in exposures_ev if not abs(value) <= _MOST_STOPS]
    if wrong:
        raise StudioFlowError(
            "out of range",
            where="exposures",
            found=f"{wrong[0]:g}",
            allowed=f"-{_MOST_STOPS:g} to {_MOST_STOPS:g} stops",
        )
