"""The light from all around: a panorama, the sky, and even ambience, together in one picture.

The picture is equirectangular, as studio/panorama.py has it: its middle is what a camera at azimuth 0 looks at.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..color.convert import convert
from ..imaging.panorama import read_panorama
from ..resources import table
from ..studio import panorama_search as search
from ..studio.panorama import PanoramaReport, analyse, lighting_from
from ..studio.placement import axes_of
from ..studio.words import signed_deg
from .emitted import SPACE, rgb_of
from .parts import Plain, Rgb

Find = Callable[[str, str], Path]
Light = dict[str, Any]
_MOST_COLUMNS, _LEAST_COLUMNS = 4096, 512
_MOST_LIGHTS = 8
"""As many lights as a shot can get from a panorama."""
_SMALLEST_CAP_DEG = 4.0
_SOFT = 0.3
"""How far to either side of its edge a part of the sky fades, in parts of its radius."""
_DOME, _HAZE = 0.15, 0.05
"""Radiance of all the sky over that of its bright part, and the sine of how far over the horizon it sets in."""


class Panorama(NamedTuple):
    """``radiance`` [h, w, 3] in ACEScg, turned as the shot says and as strong; ``lights`` and ``ambient`` are what is
    in a manifest's lighting beside what the panorama itself gives."""

    radiance: NDArray[np.float32]
    lights: list[Light]
    ambient: float


class Cap(NamedTuple):
    """A round bright part of the sky: where it is seen from below, how wide, of which colour (of luminance 1), and its
    irradiance over pi on a surface that faces it."""

    azimuth_deg: float
    elevation_deg: float
    width_deg: float
    rgb: Rgb
    strength: float


def panorama_of(environment: Mapping[str, Any], lights: Sequence[Light], ambient: float, find: Find) -> Panorama:
    """The panorama that a manifest names, and what of its lights and its ambience does not come from it.

    Its strongest light gives pi times the environment's intensity on a surface that faces it; where none stands out,
    all of it gives that on average. StudioFlowError for a file that is no panorama.
    """
    path = find("panorama", environment["hdri"])
    pixels = read_panorama(path)
    turn, changed = float(environment.get("rotation_deg", 0.0)), path.stat().st_mtime_ns
    rest, ambient = _beside(lights, ambient, turn, functools.partial(_report, path, changed))
    if pixels.shape[1] > _MOST_COLUMNS:
        pixels = search.reduced(pixels, _MOST_COLUMNS).rgb.astype(np.float32)
    scale = math.pi * float(environment.get("intensity", 1.0)) / _strongest(path, changed)
    return Panorama(convert(turned(pixels * np.float32(scale), turn), "Linear Rec.709", SPACE), rest, ambient)


def _beside(
    lights: Sequence[Light], ambient: float, turn: float, report: Callable[[int], PanoramaReport]
) -> tuple[list[Light], float]:
    """The lights, and the ambience, that are not what HDRI Light writes of the panorama of that report."""
    if not lights and not ambient:
        return [], 0.0
    whole = report(_MOST_LIGHTS)
    seen = [light._replace(azimuth_deg=signed_deg(light.azimuth_deg - turn)) for light in whole.lights]
    own = lighting_from(whole._replace(lights=tuple(seen)))
    rest = [light for light in lights if light not in own["lights"]]
    count = len(lights) - len(rest)
    if 0 < count < len(own["lights"]):
        own = lighting_from(report(count))
    known = (count > 0 or not own["lights"]) and math.isclose(ambient, own["ambient"], abs_tol=1e-6)
    return rest, 0.0 if known else ambient


@functools.lru_cache(maxsize=16)
def _report(path: Path, changed: int, most: int) -> PanoramaReport:
    """What is found in a panorama as it stands in its file; ``changed`` is the time of its last change."""
    return analyse(read_panorama(path), max_lights=most)


@functools.lru_cache(maxsize=16)
def _strongest(path: Path, changed: int) -> float:
    """What the strongest light of a panorama gives on a surface that faces it, or all of it where none stands out."""
    grid = search.reduced(read_panorama(path), table("studio/panorama.json")["search"]["columns"])
    sources = search.sources(grid)
    return sources[0].irradiance if sources else float(search.luminance(search.mean_irradiance(grid)))


def turned(picture: NDArray[np.float32], rotation_deg: float) -> NDArray[np.float32]:
    """A panorama with all that is in it moved to the right; between two columns light is shared by both."""
    columns = rotation_deg / 360.0 * picture.shape[1]
    whole = math.floor(columns)
    part = np.float32(columns - whole)
    moved = np.roll(picture, whole, axis=1)
    result: NDArray[np.float32] = moved if part == 0 else (1 - part) * moved + part * np.roll(moved, 1, axis=1)
    return result


def radiance_of(
    picture: NDArray[np.float32] | None, caps: Sequence[Cap], ambience: Sequence[float]
) -> NDArray[np.float32] | None:
    """All of it in one picture [h, w, 3]; None where there is no light from around.

    ``ambience`` is the radiance of the even light in ACEScg.
    """
    if picture is None and not caps and not any(ambience):
        return None
    height = _LEAST_COLUMNS // 2 if caps else 2
    whole = np.zeros((height, 2 * height, 3), np.float32) if picture is None else _as_wide_as(picture, 2 * height)
    whole = whole + np.asarray(ambience, dtype=np.float32)
    for cap in caps:
        whole += _painted(cap, *whole.shape[:2])
    return whole


def emitter_of(radiance: NDArray[np.float32] | None) -> Plain | None:
    """The environment of a scene; even light is a constant, which needs no picture."""
    if radiance is None:
        return None
    if (radiance == radiance[0, 0]).all():
        return {"type": "constant", "radiance": rgb_of(radiance[0, 0])}
    import mitsuba

    # Mitsuba's panoramas begin at -Z, ours in the direction of +Z.
    half_turn = np.diag([-1.0, 1.0, -1.0, 1.0])
    return {"type": "envmap", "bitmap": mitsuba.Bitmap(np.ascontiguousarray(radiance)), "to_world": half_turn}


def _as_wide_as(picture: NDArray[np.float32], columns: int) -> NDArray[np.float32]:
    """The picture, with whole pixels repeated until it has that many columns; no light is lost."""
    times = math.ceil(columns / picture.shape[1])
    return picture.repeat(times, axis=0).repeat(times, axis=1) if times > 1 else picture


def _painted(cap: Cap, height: int, width: int) -> NDArray[np.float32]:
    """A cap alone [height, width, 3], measured on the picture's own pixels."""
    directions, solid = _directions(height, width)
    middle = -np.array(axes_of(cap.azimuth_deg, cap.elevation_deg).forward)
    facing = directions @ middle
    radius = max(cap.width_deg, _SMALLEST_CAP_DEG) / 2.0
    off = np.degrees(np.arccos(facing.clip(-1.0, 1.0)))
    # Not beyond a right angle, where a surface that faces the middle of the sky sees no more of it.
    outer = min(radius * (1.0 + _SOFT), 89.9)
    inner = min(radius * (1.0 - _SOFT), outer - 1e-3)
    # The rest of the sky shines too, a little, down to the horizon.
    shown = np.maximum(
        _smooth((outer - off) / (outer - inner)), _DOME * _smooth(0.5 + 0.5 * directions[..., 1] / _HAZE)
    )
    unit = float((shown * np.maximum(facing, 0.0) * solid).sum())
    return (math.pi * cap.strength / unit * shown[..., None] * np.array(cap.rgb)).astype(np.float32)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 at 0 and below to 1 at 1 and above without a corner (Hermite)."""
    inside = values.clip(0.0, 1.0)
    result: NDArray[np.float64] = inside * inside * (3.0 - 2.0 * inside)
    return result


def _directions(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors [h, w, 3] and solid angles [h, 1] of the pixels of a panorama."""
    azimuth = 2.0 * np.pi * (1.0 - (np.arange(width) + 0.5) / width)
    elevation = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    cosine = np.cos(elevation)[:, None]
    up = np.broadcast_to(np.sin(elevation)[:, None], (height, width))
    solid = -np.diff(np.sin(np.pi * (0.5 - np.arange(height + 1) / height))) * 2.0 * np.pi / width
    return np.stack([cosine * np.sin(azimuth), up, cosine * np.cos(azimuth)], axis=-1), solid[:, None]
