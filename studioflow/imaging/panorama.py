"""Panoramas from .hdr and .exr files, checked before anything is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError

MAX_WIDTH, MAX_HEIGHT = 16384, 8192
_RATIO_TOLERANCE = 0.01
_RINGING = 0.01
"""Share of the light that may be negative: the ringing of a sharp resampling filter, which is cut off."""
_MAGIC = {b"#?": ".hdr", b"\x76\x2f\x31\x01": ".exr"}
_EIGHT_BITS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"RIFF": "WebP", b"GIF8": "GIF", b"BM": "BMP"}


def read_panorama(path: Path) -> NDArray[np.float32]:
    """An equirectangular panorama as scene-linear Rec. 709 ``[height, width, 3]``, finite and not negative.

    Radiance .hdr, and OpenEXR of half or full floats, of any compression: R, G and B (also of a layer, or in the first
    part that has them), or one channel, which is gray. Size, ratio and layout are checked before pixels are read. Small
    negative values, as sharp filters leave them, become 0. StudioFlowError for a file that is none of these, is
    broken, not twice as wide as high, too large, or holds NaN, infinities, negative light or nothing but black.
    """
    kind = _kind(path)
    try:
        pixels = _read_exr(path) if kind == ".exr" else _read_hdr(path)
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise _unreadable(path, str(error).replace(str(path), path.name)) from error
    return _checked(pixels, path)


def _kind(path: Path) -> str:
    try:
        with path.open("rb") as file:
            begin = file.read(16)
    except OSError as error:
        raise _unreadable(path, error.strerror or "it cannot be opened") from error
    for magic, kind in _MAGIC.items():
        if begin.startswith(magic):
            return kind
    name = next((name for magic, name in _EIGHT_BITS.items() if begin.startswith(magic)), None)
    if name:
        raise StudioFlowError(
            "this picture holds no light to measure",
            where=path.name,
            found=f"a {name} file, whose brightest value is paper white",
            allowed="a high dynamic range panorama: .hdr (Radiance) or .exr (OpenEXR)",
            fix="take the .hdr or .exr of the same panorama",
        )
    raise _unreadable(path, "neither Radiance HDR nor OpenEXR" if begin else "the file is empty")


def _read_hdr(path: Path) -> NDArray[np.floating]:
    import OpenImageIO

    source = OpenImageIO.ImageInput.open(str(path))
    if source is None:
        raise _unreadable(path, OpenImageIO.geterror())
    try:
        spec = source.spec()
        _require_size(spec.width, spec.height, path)
        pixels: NDArray[np.floating] | None = source.read_image(0, 0, 0, 3, OpenImageIO.FLOAT)
        if pixels is None:
            raise _unreadable(path, source.geterror())
    finally:
        source.close()
    return pixels


def _read_exr(path: Path) -> NDArray[np.floating]:
    import OpenEXR

    with OpenEXR.File(str(path), header_only=True) as file:
        for part in file.parts:
            low, high = part.header["dataWindow"]
            names = [channel.name for channel in part.header["channels"]]
            check = _require_size if _is_color(names) else _require_bounded
            check(int(high[0]) - int(low[0]) + 1, int(high[1]) - int(low[1]) + 1, path)
        count = len(file.parts)
    with OpenEXR.File(str(path)) as file:
        if len(file.parts) < count:
            raise _unreadable(path, "the pixels are cut off or broken")
        found = [_color(part.channels) for part in file.parts]
    pixels = next((one for one in found if one is not None), None)
    if pixels is None:
        raise _unreadable(path, "no channels R, G and B, and not just one channel")
    return pixels


def _is_color(names: list[str]) -> bool:
    return len(names) == 1 or {"R", "G", "B"} <= {name.rpartition(".")[2] for name in names}


def _color(channels: dict[str, Any]) -> NDArray[np.floating] | None:
    """The colour of a part, which the binding puts together as RGB, RGBA, or by the name of its layer."""
    for name in sorted(channels, key=lambda name: (not name.startswith("RGB"), name)):
        pixels: NDArray[np.floating] = channels[name].pixels
        if pixels.ndim == 3 and pixels.shape[2] >= 3:
            return pixels[..., :3]
    if len(channels) == 1:
        (only,) = channels.values()
        return np.repeat(only.pixels[..., None], 3, axis=-1)
    return None


def _require_bounded(width: int, height: int, path: Path) -> None:
    if not (0 < width <= MAX_WIDTH and 0 < height <= MAX_HEIGHT):
        raise StudioFlowError(
            "this panorama is too large" if width > 0 and height > 0 else "this panorama has no pixels",
            where=path.name,
            found=f"{width} × {height} pixels",
            allowed=f"at most {MAX_WIDTH} × {MAX_HEIGHT}",
            fix="make it smaller; 2048 × 1024 shows every light",
        )


def _require_size(width: int, height: int, path: Path) -> None:
    _require_bounded(width, height, path)
    if abs(width / height / 2.0 - 1.0) > _RATIO_TOLERANCE:
        raise StudioFlowError(
            "this is no equirectangular panorama",
            where=path.name,
            found=f"{width} × {height} pixels, {width / height:.2f} to 1",
            allowed="a picture twice as wide as high, all round and from zenith to nadir",
            fix="convert it to equirectangular (latitude and longitude), or take the whole panorama",
        )


def _checked(pixels: NDArray[np.floating], path: Path) -> NDArray[np.float32]:
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise _not_finite(pixels, path)
    whole: NDArray[np.float32] = np.ascontiguousarray(pixels, dtype=np.float32)
    if low < 0.0:
        _require_light(whole, path)
        np.maximum(whole, 0.0, out=whole)
    if high <= 0.0:
        raise StudioFlowError(
            "this panorama is all black",
            where=path.name,
            found=f"no value above {high:g}",
            allowed="scene-linear light",
            fix="check how it was exported",
        )
    return whole


def _require_light(pixels: NDArray[np.float32], path: Path) -> None:
    below = -float(np.minimum(pixels, 0.0).sum(dtype=np.float64))
    above = float(np.maximum(pixels, 0.0).sum(dtype=np.float64))
    if below > _RINGING * above:
        raise StudioFlowError(
            "this panorama holds negative light",
            where=path.name,
            found=f"{_pixels(int((pixels < 0).any(axis=-1).sum()))} below 0, down to {float(pixels.min()):g}",
            allowed=f"scene-linear values of 0 and more; up to {_RINGING:.0%} of the light may ring below 0",
            fix="export it in linear Rec. 709 (sRGB) primaries, without a look",
        )


def _not_finite(pixels: NDArray[np.floating], path: Path) -> StudioFlowError:
    wrong = ~np.isfinite(pixels).all(axis=-1)
    row, column = (int(place) for place in np.unravel_index(int(wrong.argmax()), wrong.shape))
    holds_nan = bool(np.isnan(pixels).any())
    return StudioFlowError(
        "this panorama holds values that are no light",
        where=path.name,
        found=f"{_pixels(int(wrong.sum()))} with {'NaN' if holds_nan else 'infinity'}, "
        f"the first at column {column}, row {row}",
        allowed="finite scene-linear values",
        fix="replace them in an image editor"
        if holds_nan
        else "half floats end at 65504: clamp the sun below that, or save full floats",
    )


def _pixels(count: int) -> str:
    return "1 pixel" if count == 1 else f"{count} pixels"


def _unreadable(path: Path, why: str) -> StudioFlowError:
    return StudioFlowError(
        "this panorama cannot be read",
        where=path.name,
        found=why.strip().splitlines()[0][:200] if why.strip() else None,
        allowed="a Radiance .hdr or an OpenEXR .exr file",
        fix="open it in another program to see whether it is whole, and save it again",
    )
