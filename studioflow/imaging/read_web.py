"""JPEG, WebP and AVIF."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from typing import Any

from .read import MAIN, Pixels, Plane, color_and_alpha, oriented, refused, require_size, to_unit
from .read_space import Said

_ORIENTATION = 274


def read_jpeg(path: Path, numbers: frozenset[str]) -> Pixels:
    """A JPEG of RGB or grey, turned upright as its EXIF says."""
    from PIL.JpegImagePlugin import JpegImageFile

    return _pillow(path, JpegImageFile, "DCT", MAIN in numbers)


def read_webp(path: Path, numbers: frozenset[str]) -> Pixels:
    """The first picture of a WebP, lossy or not."""
    from PIL.WebPImagePlugin import WebPImageFile

    return _pillow(path, WebPImageFile, "VP8", MAIN in numbers)


def _pillow(path: Path, plugin: Any, compression: str, is_data: bool) -> Pixels:
    """By the plugin itself, because Image.open hides why it fails; strict about files that are cut off."""
    import numpy as np
    from PIL import ImageFile

    with warnings.catch_warnings(), path.open("rb") as stream:
        warnings.filterwarnings("ignore", module=r"PIL\.")
        picture = plugin(stream)
        require_size(path, *picture.size, len(picture.getbands()))
        if picture.mode not in ("L", "RGB", "RGBA", "RGBX"):
            raise refused(path, f"{picture.mode} values", "RGB or grey", "convert it to RGB with its profile")
        orientation = int(picture.getexif().get(_ORIENTATION, 1)) if plugin.format == "JPEG" else 1
        notes = _frames_note(getattr(picture, "n_frames", 1))
        # Some packs switch it on for everybody; half a picture would pass for a whole one.
        lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            picture.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        dpi = picture.info.get("dpi", (0.0,))[0]
        profile = picture.info.get("icc_profile") or b""
        samples = np.asarray(picture.convert("RGB") if picture.mode == "RGBX" else picture)
    pixels = to_unit(oriented(samples.reshape(*samples.shape[:2], -1), orientation))
    return Pixels(
        planes=(Plane(MAIN, np.ascontiguousarray(pixels), is_data),),
        said=Said(profile=profile),
        depth="8-bit",
        compression=compression,
        alpha="unassociated" if pixels.shape[2] == 4 else "none",
        dpi=float(dpi),
        notes=notes,
    )


def read_avif(path: Path, numbers: frozenset[str]) -> Pixels:
    """The first picture of an AVIF of 8, 10 or 12 bits."""
    import imagecodecs
    from PIL.AvifImagePlugin import AvifImageFile

    data = path.read_bytes()
    with path.open("rb") as stream:
        picture = AvifImageFile(stream)
        require_size(path, *picture.size, len(picture.getbands()))
        profile = picture.info.get("icc_profile") or b""
        frames = getattr(picture, "n_frames", 1)
    bits = _bits(data)
    samples = imagecodecs.avif_decode(data, index=0)
    pixels = color_and_alpha(to_unit(samples.reshape(*samples.shape[:2], -1), bits))
    return Pixels(
        planes=(Plane(MAIN, pixels, MAIN in numbers),),
        said=Said(profile=profile, cicp=_cicp(data)),
        depth=f"{bits}-bit",
        compression="AV1",
        alpha="unassociated" if pixels.shape[2] == 4 else "none",
        notes=_frames_note(frames),
    )


def _frames_note(frames: int) -> tuple[str, ...]:
    return (f"the first of {frames} frames",) if frames > 1 else ()


def _bits(data: bytes) -> int:
    """Of the first AV1 configuration record (AV1-ISOBMFF 2.3.3: high_bitdepth and twelve_bit)."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 12 if flags & 0x20 and flags & 0x40 else 10 if flags & 0x40 else 8


def _cicp(data: bytes) -> tuple[int, ...]:
    """Code points of the colour information box (ISO/IEC 14496-12, 12.1.5); empty where they are unspecified (2)."""
    at = data.find(b"colrnclx")
    if not 0 <= at <= len(data) - 14:
        return ()
    points = struct.unpack_from(">HHH", data, at + 8)
    return points if 2 not in points[:2] else ()
