"""What a node of the sketch room gets, as the room's own pictures: float32 RGB on white paper, 0 to 1, sRGB-encoded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..bands import bands_of, on_all_cores
from ..errors import StudioFlowError

Picture = NDArray[np.float32]
"""[H, W, 3] in 0..1, sRGB-encoded."""
Gray = NDArray[np.float32]
"""[H, W] in 0..1. Of a line map 1 is line and 0 nothing, whatever the polarity of the file that it came from."""

MOST_PIXELS = 200_000_000
"""Of one picture: RGB in float32 takes 2.4 GB then."""
WORKING_SIDE = 4096
"""Pixels of the longer side that cleanup and maps work on unless told otherwise."""
_BAND_BYTES = 1 << 20
_VISIBLE = 0.1
"""Contrast below which a transparent drawing shows nothing on white paper."""


class Checked(NamedTuple):
    """Pictures to work on, and short phrases for a person about what was done to get them."""

    pictures: list[Picture]
    notes: list[str]


def checked(pixels: Any, where: str = "image") -> Checked:
    """The pictures in a torch tensor or an array [B, H, W, C], [H, W, C] or [H, W], C being 1, 3 or 4.

    Floats are 0 to 1 and clipped to that; 8 and 16 bit integers are divided by their greatest value. The fourth
    channel is the alpha (straight, not premultiplied) and the picture is laid on white paper by it; where that shows
    nothing, as with white lines on transparency, the alpha is the drawing and dark where opaque. Pictures that need
    no change are views of ``pixels``. Raises StudioFlowError for another shape or type, nothing in it, NaN and
    infinity, and more than 200 million pixels.
    """
    frames = _frames(_as_array(pixels, where), where)
    notes: list[str] = []
    pictures = []
    for number, frame in enumerate(frames):
        place = where if len(frames) == 1 else f"{where} {number + 1} of {len(frames)}"
        picture, said = _picture(_in_range(frame, place, notes))
        pictures.append(picture)
        notes += said
    return Checked(pictures, list(dict.fromkeys(notes)))


def working_size(height: int, width: int, most: int = WORKING_SIDE) -> tuple[int, int]:
    """Height and width with the longer side at most ``most``, of the same ratio, never larger than given."""
    scale = min(1.0, most / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def reduced(picture: NDArray[np.float32], most: int = WORKING_SIDE) -> tuple[NDArray[np.float32], list[str]]:
    """The picture (of any channels) with the longer side at most ``most``, and a note where it was larger."""
    import cv2

    height, width = picture.shape[:2]
    size = working_size(height, width, most)
    if size == (height, width):
        return picture, []
    small = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA)
    return small, [f"worked on at {size[1]} × {size[0]}, the picture has {width} × {height}"]


def at_most(picture: NDArray[Any], most: int) -> NDArray[Any]:
    """The picture of any type and channels with the longer side at most ``most`` pixels.

    A box filter as wide as a new pixel and a linear look at it: a fifth of the time of OpenCV's area interpolation,
    and a pixel's middle stays where it is.
    """
    import cv2

    scale = most / max(picture.shape[:2])
    if scale >= 1.0:
        return picture
    box = int(1.0 / scale) | 1
    even = picture if box == 1 else cv2.blur(picture, (box, box))
    return cv2.resize(even, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)


def grey(picture: Picture) -> Gray:
    """Rec. 601 luma of the encoded values, as OpenCV and every detector takes it."""
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _as_array(pixels: Any, where: str) -> NDArray[Any]:
    """An array of the values; a tensor is taken from its device, and halves are widened (NumPy has no bfloat16)."""
    if hasattr(pixels, "detach"):
        pixels = pixels.detach().cpu()
        pixels = (pixels.float() if pixels.is_floating_point() else pixels).numpy()
    array = np.asarray(pixels)
    if array.dtype.kind not in "fbui" or (array.dtype.kind in "ui" and array.dtype.itemsize > 2):
        raise StudioFlowError(
            "not the values of a picture",
            where=where,
            found=f"{array.dtype}",
            allowed="floats in 0 to 1, or integers of 8 or 16 bit",
        )
    return array


def _frames(array: NDArray[Any], where: str) -> NDArray[Any]:
    """[B, H, W, C] of any of the shapes."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4):
        raise StudioFlowError(
            "not the shape of a picture",
            where=where,
            found=" × ".join(map(str, array.shape)) or "one number",
            allowed="batch × height × width × channels, with 1, 3 or 4 channels",
        )
    count, height, width, _ = array.shape
    if not array.size:
        raise StudioFlowError("there is no picture in it", where=where, found=f"{count} of {width} × {height} pixels")
    if height * width > MOST_PIXELS:
        raise StudioFlowError(
            "the picture is too large",
            where=where,
            found=f"{width} × {height}, {height * width / 1e6:.0f} million pixels",
            allowed=f"{MOST_PIXELS // 1_000_000} million pixels",
            fix="scale it down first",
        )
    return array


def _in_range(frame: NDArray[Any], where: str, notes: list[str]) -> NDArray[np.float32]:
    """The frame as float32 in 0 to 1; what had to be clipped goes to the notes."""
    if frame.dtype.kind in "bui":
        most = 1 if frame.dtype.kind == "b" else np.iinfo(frame.dtype).max
        frame = frame.astype(np.float32) / np.float32(most)
    low, high = _extremes(frame)
    if not np.isfinite(low) or not np.isfinite(high):
        bad = int(frame.size - np.isfinite(frame).sum())
        raise StudioFlowError(
            "the picture has values that are no numbers",
            where=where,
            found=f"{bad} of {frame.size} are NaN or infinite",
            allowed="numbers in 0 to 1",
            fix="see which node before this one makes them",
        )
    if low < 0.0 or high > 1.0:
        notes.append(f"values from {low:.4g} to {high:.4g} were clipped to 0..1")
        frame = np.clip(frame, 0.0, 1.0)
    return frame.astype(np.float32, copy=False)


def _extremes(frame: NDArray[np.float32]) -> tuple[float, float]:
    """The least and the greatest value, NaN where there is one, in bands that stay in a processor's cache for both."""
    bands = bands_of(len(frame), frame[0].nbytes, _BAND_BYTES)
    found = np.array([*on_all_cores(lambda rows: (frame[slice(*rows)].min(), frame[slice(*rows)].max()), bands)])
    return float(found[:, 0].min()), float(found[:, 1].max())


def _picture(frame: NDArray[np.float32]) -> tuple[Picture, list[str]]:
    channels = frame.shape[2]
    if channels == 1:
        return np.repeat(frame, 3, axis=2), []
    if channels == 3:
        return frame, []
    alpha = frame[..., 3:]
    if alpha.min() == 1.0:
        return np.ascontiguousarray(frame[..., :3]), []
    page = (frame[..., :3] - 1.0) * alpha
    page += 1.0
    if 1.0 - page.min() < _VISIBLE and np.ptp(alpha) >= _VISIBLE:
        return np.repeat(1.0 - alpha, 3, axis=2), ["the drawing is in the transparency, taken as dark where opaque"]
    return page, ["transparency laid on white paper"]
