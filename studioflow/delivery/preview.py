"""A small picture to look at, of a picture in any colour space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..color.spaces import DEFAULT_SPACE
from ..imaging.sheet import Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def preview(picture: Layer, *, longest_px: int = 1024, most_frames: int = 4) -> NDArray[np.float32]:
    """The first frames as sRGB 0..1, [B, h, w, 3], made smaller by whole steps until no side is longer.

    Light beyond white is brought into view by the extended Reinhard curve, whose white is the brightest value: what
    has nothing beyond white stays as it is. Numbers that are no colours are shown from black, the least, to white.
    """
    import numpy as np

    frames = picture.pixels if picture.pixels.ndim == 4 else picture.pixels[None]
    small = np.stack([_smaller(frame, longest_px) for frame in frames[:most_frames]])
    finite = np.nan_to_num(small[..., :3], nan=0.0, posinf=1e4, neginf=0.0)
    if finite.shape[-1] < 3:
        finite = np.repeat(finite[..., :1], 3, axis=-1)
    return np.clip(_to_look_at(finite, picture), 0.0, 1.0)


def _smaller(frame: NDArray[np.float32], longest_px: int) -> NDArray[np.float32]:
    import numpy as np

    height, width, channels = frame.shape
    step = -(-max(height, width) // longest_px)
    rows, columns = max(1, height // step), max(1, width // step)
    if step == 1 or step > min(height, width):
        return np.ascontiguousarray(frame[::step, ::step])
    blocks = frame[: rows * step, : columns * step].reshape(rows, step, columns, step, channels)
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def _to_look_at(pixels: NDArray[np.float32], picture: Layer) -> NDArray[np.float32]:
    import numpy as np

    from ..color.convert import convert, encoding_of
    from ..color.tone import tone_map

    if picture.is_data:
        low, high = float(pixels.min()), float(pixels.max())
        return (pixels - low) / max(high - low, 1e-6)
    if encoding_of(picture.space) in ("linear", "log"):
        linear = convert(pixels, picture.space, "Linear Rec.709")
        white = max(1.0, float(np.max(linear, initial=1.0)))
        return tone_map(linear, "reinhard_extended", source="Linear Rec.709", white=white)
    return convert(pixels, picture.space, DEFAULT_SPACE)
