"""Control maps: pictures in, maps and masks out, by a method of the menu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError, require_between, require_choice
from . import lines, shading
from .menus import LEARNED, METHODS, POLARITIES
from .pictures import Gray, Picture, checked, grey, working_size
from .tones import Gray8, dark_on_light, gray8

MOST_BYTES = 8_000_000_000
"""Of maps and masks of a batch together."""
_PIXEL_BYTES = 16
"""RGB and mask in float32."""
MOST_SIDE = 8192
"""Of a map that is asked for by its resolution."""
MOST_LINE_PX = 256.0
_NOTES = 8
_SHARES = np.arange(256, dtype=np.float32) / 255
"""Of the levels of 8 bit."""
_OF_INK = {"line_art", "scribble", "threshold", "thin", "depth_from_shading"}
"""Methods that look for dark on light."""
_OF_LEVELS = {"canny", "threshold", "thin"}
"""Methods that work on 8 bit."""
_THICK_ALREADY = {"scribble", "soft_edge", "depth_from_shading", "depth_anything"}
"""Methods that draw as thick as they are told, or have no lines."""

_NO_FIGURE = (
    "no figure stands out of its ground, so that the tones alone are the depth: a photo of a page goes through "
    "Sketch Cleanup first"
)

Detect = Callable[[Picture], Gray]


class Settings(NamedTuple):
    """How a control map is made.

    ``detail`` is 0 to 1. ``low`` and ``high`` are Canny's thresholds as OpenCV has them (100 and 200 are usual, 2040
    the most), 0 for the picture's own. ``line_px`` is how thick lines become, in whole pixels of the map; scribbles,
    which are thick by themselves, are only changed by more than 1. ``resolution`` is the shorter side in pixels, the
    aspect ratio stays; 0 leaves the size, up to 4096 pixels of the longer side. ``black_on_white`` inverts the
    picture of the map, never its mask.
    """

    method: str = "line_art"
    detail: float = 0.5
    low: float = 0.0
    high: float = 0.0
    line_px: float = 1.0
    resolution: int = 0
    polarity: str = "white_on_black"


_USUAL = Settings()


class Maps(NamedTuple):
    """``images`` [B, H, W, 3] and ``masks`` [B, H, W], float32 in 0..1; in masks 1 is line, or near.

    ``notes`` are short phrases for a person.
    """

    images: NDArray[np.float32]
    masks: NDArray[np.float32]
    notes: list[str]


def control_maps(
    pixels: Any,
    settings: Settings = _USUAL,
    detect: Detect | None = None,
    on_step: Callable[[int, int], Any] | None = None,
) -> Maps:
    """A map of each picture of a batch (see ``pictures.checked`` for what may be given), one after the other.

    ``detect`` makes the map of one picture by a learned method, 1 is line or near; it may have another size.
    ``on_step`` is told how many of how many pictures are done. Raises StudioFlowError for pictures and settings out
    of range, and for results of more than 8 GB.
    """
    _check(settings, detect)
    pixels = pixels if hasattr(pixels, "shape") else np.asarray(pixels)
    batch = list(pixels) if len(pixels.shape) == 4 and len(pixels) > 1 else [pixels]
    maps: Maps | None = None
    for number, one in enumerate(batch):
        given = checked(one, "image" if len(batch) == 1 else f"image {number + 1} of {len(batch)}")
        picture = given.pictures[0]
        size = map_size(*picture.shape[:2], settings.resolution)
        maps = maps or _empty(len(batch), *size)
        mask, notes = _mask_of(picture, size, settings, detect)
        maps.notes.extend([*given.notes, *notes])
        _write(mask, maps, number, settings.polarity)
        if on_step:
            on_step(number + 1, len(batch))
    return maps._replace(notes=_told(maps.notes))


def map_size(height: int, width: int, resolution: int) -> tuple[int, int]:
    """Height and width of the map of such a picture; StudioFlowError where its longer side would exceed 8192."""
    if not resolution:
        return working_size(height, width)
    scale = resolution / min(height, width)
    size = max(1, round(height * scale)), max(1, round(width * scale))
    if max(size) > MOST_SIDE:
        raise StudioFlowError(
            "the map would be too large",
            where="resolution",
            found=f"{size[1]} × {size[0]} from a picture of {width} × {height}",
            allowed=f"{MOST_SIDE} pixels of the longer side",
            fix="lower the resolution, or crop the picture",
        )
    return size


def _check(settings: Settings, detect: Detect | None) -> None:
    require_choice("method", settings.method, (*METHODS, *LEARNED))
    require_choice("polarity", settings.polarity, POLARITIES)
    require_between("detail", settings.detail, 0.0, 1.0)
    require_between("low", settings.low, 0.0, lines.MOST_GRADIENT)
    require_between("high", settings.high, 0.0, lines.MOST_GRADIENT)
    require_between("line_px", settings.line_px, 0.0, MOST_LINE_PX)
    require_between("resolution", settings.resolution, 0, MOST_SIDE)
    if settings.high and settings.low > settings.high:
        raise StudioFlowError(
            "the low threshold is above the high one",
            where="low",
            found=f"{settings.low:g} and {settings.high:g}",
            allowed="low at most high, or 0 for the picture's own",
        )
    if settings.method in LEARNED and detect is None:
        raise StudioFlowError(
            "this method needs its detector",
            where="method",
            found=settings.method,
            allowed=f"without one: {', '.join(METHODS)}",
            fix=f"load it and give it as detect, see `studioflow models get {settings.method}`",
        )


def require_room(count: int, height: int, width: int) -> None:
    """Raises StudioFlowError where so many pictures and masks of a batch would take more than 8 GB."""
    size = count * height * width * _PIXEL_BYTES
    if size > MOST_BYTES:
        raise StudioFlowError(
            "the results of this batch would take too much memory",
            where="image",
            found=f"{count} pictures of {width} × {height}, {size / 1e9:.1f} GB",
            allowed=f"{MOST_BYTES / 1e9:g} GB: {MOST_BYTES // (height * width * _PIXEL_BYTES)} pictures of this size",
            fix="lower the resolution, or give fewer pictures at a time",
        )


def _empty(count: int, height: int, width: int) -> Maps:
    require_room(count, height, width)
    return Maps(np.empty((count, height, width, 3), np.float32), np.empty((count, height, width), np.float32), [])


def _mask_of(
    picture: Picture, size: tuple[int, int], settings: Settings, detect: Detect | None
) -> tuple[Gray | Gray8, list[str]]:
    """The map, 0 to 1 or in 8 bit as OpenCV makes it, and what to say about it."""
    notes = []
    if not settings.resolution and size != picture.shape[:2]:
        notes.append(f"worked on at {size[1]} × {size[0]}, the picture has {picture.shape[1]} × {picture.shape[0]}")
    if settings.method in LEARNED:
        mask = np.clip(_resized(np.asarray(detect(_resized(picture, size)), np.float32), size), 0.0, 1.0)
    else:
        tones = _resized(grey(picture), size)
        tones = gray8(tones) if settings.method in _OF_LEVELS else tones
        if settings.method in _OF_INK:
            tones, inverted = dark_on_light(tones)
            notes += ["light lines on a dark ground, taken as dark on light"] if inverted else []
        mask, said = _classic(tones, settings)
        notes += said
    if not mask.any():
        notes.append("nothing was found in the picture: the map is empty")
    if settings.method not in _THICK_ALREADY:
        mask = lines.thickened(mask, settings.line_px)
    return mask, notes


def _classic(tones: Gray | Gray8, settings: Settings) -> tuple[Gray | Gray8, list[str]]:
    method, detail = settings.method, settings.detail
    if method == "canny":
        edges, limits = lines.canny_edges(tones, detail, settings.low, settings.high)
        return edges, [f"canny thresholds {limits.low:.0f} and {limits.high:.0f}"]
    if method == "scribble":
        return lines.scribble(tones, detail, settings.line_px if settings.line_px > 1 else 0.0), []
    if method == "depth_from_shading":
        depth, has_figure = shading.depth_and_figure(tones)
        return depth, ["depth is guessed from the shading" if has_figure else _NO_FIGURE]
    return {
        "line_art": lines.line_art,
        "soft_edge": lines.soft_edge,
        "threshold": lines.ink,
        "thin": lines.thin,
    }[method](tones, detail), []


def _resized(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Of another height and width; in 0..1 again, which cubic interpolation overshoots."""
    import cv2

    if values.shape[:2] == size:
        return values
    if size[0] * size[1] < values.shape[0] * values.shape[1]:
        return cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA)
    return np.clip(cv2.resize(values, size[::-1], interpolation=cv2.INTER_CUBIC), 0.0, 1.0)


def _write(mask: Gray | Gray8, maps: Maps, number: int, polarity: str) -> None:
    import cv2

    if mask.dtype == np.uint8:
        cv2.LUT(mask, _SHARES, dst=maps.masks[number])
    else:
        maps.masks[number] = mask
    shown = maps.masks[number] if polarity == POLARITIES[0] else 1 - maps.masks[number]
    cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB, dst=maps.images[number])


def _told(notes: list[str]) -> list[str]:
    """Each once, and of many the first."""
    notes = list(dict.fromkeys(notes))
    more = len(notes) - _NOTES
    return notes if more <= 0 else [*notes[:_NOTES], f"and {more} more of that kind"]
