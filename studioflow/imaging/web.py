"""JPEG, WebP and AVIF by Pillow, 8 bits a channel, with profile, EXIF and XMP.

Sources: XMP part 3, 1.1.3 (JPEG), 1.1.3.1 (ExtendedXMP); JPEG T.81, WebP RFC 9649, AVIF 1.1 for the largest sizes.
"""

from __future__ import annotations

import hashlib
import io
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..color.spaces import plain_spaces
from ..errors import DeliveryError, require_choice
from .exif import exif_of
from .icc import profile_for
from .quantize import whole_numbers
from .sheet import FileSpec, Sheet
from .xmp import extension, packet

if TYPE_CHECKING:
    from PIL import Image

FULL_CHROMA_QUALITY = 90
"""From here on colour is stored as finely as lightness (4:4:4)."""

_LARGEST = {"jpeg": 65500, "webp": 16383, "avif": 32768}
"""Pixels a side; JPEG has 65535 and AVIF 65536, but libjpeg writes and libavif reads no more than this."""
_ROOM = 65502
"""Bytes of a packet in a JPEG's APP1 segment."""
_TABLES = 1 << 16
"""More bytes than a JPEG's tables, and the blocks of a picture of one pixel, take."""
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_XMP_MORE = b"http://ns.adobe.com/xmp/extension/\0"
_CHUNK = 65400
"""Bytes of one segment of the extension."""
_LEAVE_FIRST = ("workflow", "prompt", "studioflow:provenance", "studioflow:caption", "studioflow:manifest")
"""What moves into a JPEG's extension first: what fewest readers look for."""


def write_web(path: Path, sheet: Sheet, spec: FileSpec) -> list[str]:
    """Writes the picture alone; values outside 0..1 are clipped. Returns what the person should know.

    Raises DeliveryError before it writes: the picture is too large for the format, the installed Pillow cannot write
    it, or the space is PQ or HLG, which 8 bits are too few for and whose files would be shown as sRGB.
    """
    require_choice("format", spec.format, _LARGEST)
    _check(sheet, spec)
    sheet = sheet.only_picture()
    levels, notes = whole_numbers(sheet, sheet.picture, "uint8")
    picture = _picture(levels, spec, notes)
    del levels
    profile, untagged = profile_for(sheet.picture, sheet.space)
    notes += untagged
    options = {
        "quality": spec.quality,
        "icc_profile": profile or None,
        "exif": exif_of(sheet, spec),
    }
    options |= {"jpeg": _jpeg, "webp": _webp, "avif": _avif}[spec.format](sheet, spec)
    # Pillow writes a JPEG into a real file by itself and takes a disk that fills up on the way for success.
    whole = io.BytesIO()
    with _room_for(picture, options):
        picture.save(whole, format=spec.format.upper(), **options)
    path.write_bytes(whole.getbuffer())
    return notes


def _check(sheet: Sheet, spec: FileSpec) -> None:
    from PIL import features

    height, width, _ = sheet.picture.pixels.shape
    most = _LARGEST[spec.format]
    name = {"jpeg": "JPEG", "webp": "WebP", "avif": "AVIF"}[spec.format]
    if max(height, width) > most:
        raise DeliveryError(
            f"the picture is too large for {name}",
            found=f"{width} × {height} pixels",
            allowed=f"at most {most} pixels a side",
            fix="deliver a TIFF or PNG, or a smaller picture",
        )
    if spec.format != "jpeg" and not features.check(spec.format):
        raise DeliveryError(
            f"the installed Pillow cannot write {name}",
            found=f"Pillow without {name}",
            allowed="Pillow 11.3 or newer, whose wheels have it",
            fix="run: pip install --upgrade pillow",
        )
    space = plain_spaces().get(sheet.space)
    if space and space.encoding == "hdr":
        raise DeliveryError(
            f"{name} is written with 8 bits, too few for {sheet.space}",
            found=sheet.space,
            allowed="a display space, such as sRGB or Display P3",
            fix="choose PNG with 16 bits for this space",
        )


def _picture(levels: Any, spec: FileSpec, notes: list[str]) -> Image.Image:
    from PIL import Image

    picture = Image.fromarray(levels.squeeze(-1) if levels.shape[-1] == 1 else levels)
    if spec.format == "jpeg" and picture.mode == "RGBA":
        notes.append("a JPEG has no alpha: the picture was laid on white")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture


_rooms: list[int] = []
_lock = threading.Lock()


@contextmanager
def _room_for(picture: Image.Image, options: Mapping[str, Any]) -> Iterator[None]:
    """Pillow gives libjpeg one or two bytes a pixel for all of a progressive file, and fails over fine grain, which
    takes more; nor does it count tables and texts, unless these alone fill its least buffer. A buffer that is too
    large costs nothing: what is not written to is never real memory. The size is Pillow's for all, so it is given back
    once no thread writes."""
    from PIL import ImageFile

    beside = sum(len(value) for value in options.values() if isinstance(value, bytes))
    room = 6 * picture.width * picture.height + len(options["exif"].tobytes()) + beside + _TABLES
    with _lock:
        if not _rooms:
            _rooms.append(ImageFile.MAXBLOCK)
        _rooms.append(room)
        ImageFile.MAXBLOCK = max(_rooms)
    try:
        yield
    finally:
        with _lock:
            _rooms.remove(room)
            ImageFile.MAXBLOCK = max(_rooms)
            if len(_rooms) == 1:
                _rooms.clear()


def _subsampling(spec: FileSpec) -> str:
    return "4:4:4" if spec.quality >= FULL_CHROMA_QUALITY else "4:2:0"


def _jpeg(sheet: Sheet, spec: FileSpec) -> dict[str, Any]:
    return {
        "subsampling": _subsampling(spec),
        "progressive": True,
        "optimize": True,
        "extra": xmp_segments(sheet),
        **({"dpi": (spec.dpi, spec.dpi)} if spec.dpi else {}),
    }


def _webp(sheet: Sheet, spec: FileSpec) -> dict[str, Any]:
    """``exact`` keeps the colours under a clear alpha; ``method`` 4 is libwebp's own choice of effort."""
    return {"method": 4, "exact": True, "xmp": packet(sheet)}


def _avif(sheet: Sheet, spec: FileSpec) -> dict[str, Any]:
    return {"subsampling": _subsampling(spec), "xmp": packet(sheet)}


def xmp_segments(sheet: Sheet) -> bytes:
    """The APP1 segments of a JPEG's XMP: its packet, and behind it the ExtendedXMP with the documents that the packet
    has no room for."""
    stay: dict[str, str] = dict(sheet.texts)
    moved: dict[str, str] = {}
    main = packet(sheet, stay)
    for key in _LEAVE_FIRST:
        if len(main) <= _ROOM:
            break
        if key in stay:
            moved[key] = stay.pop(key)
            main = packet(sheet, stay, extended="0" * 32)
    if len(main) > _ROOM:
        raise DeliveryError(
            "what the manifest says of the picture is too long for a JPEG",
            found=f"{len(main)} bytes of title, description, tags and rights",
            allowed=f"{_ROOM} bytes",
            fix="shorten them, or deliver WebP, AVIF, PNG or TIFF",
        )
    if not moved:
        return _segment(_XMP + main)
    whole = extension(moved)
    guid = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper()
    parts = (
        _XMP_MORE + guid.encode() + struct.pack(">II", len(whole), offset) + whole[offset : offset + _CHUNK]
        for offset in range(0, len(whole), _CHUNK)
    )
    return _segment(_XMP + packet(sheet, stay, extended=guid)) + b"".join(map(_segment, parts))


def _segment(data: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
