"""PNG of 8 and 16 bits a channel, with its documents as text, its colour space in all the ways readers look for it,
and XMP for camera and rights.

libpng packs the pixels (imagecodecs: it takes 16 bits, which Pillow does not); the chunks before them are put in here,
because no library writes cICP, iCCP and text of our choice together.

Source: PNG specification, third edition, chapters 5 and 11; colour chunks by precedence are cICP, iCCP, sRGB.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..color.spaces import plain_spaces
from ..errors import require_choice
from .icc import profile_for
from .quantize import whole_numbers
from .sheet import FileSpec, Sheet
from .xmp import packet

_HEADER_BYTES = 8 + 25
"""Signature and IHDR."""
_PACKING = {8: {"level": 4}, 16: {"level": 2, "filter": 16}}
"""Of libpng, by bits: the lower byte of 16 bits is mostly noise, over which more effort takes twice as long for less
than 1 %; 16 is the filter Sub."""
_PERCEPTUAL = 0


def write_png(path: Path, sheet: Sheet, spec: FileSpec) -> list[str]:
    """Writes the picture alone, 8 or 16 bits; values outside 0..1 are clipped, the alpha is unassociated.

    Every one of ``sheet.texts`` is a text chunk of that name before the pixels: tEXt where it is ASCII, since that is
    where ComfyUI and all others look for workflows, else iTXt. Returns what the person should know.
    """
    import imagecodecs

    require_choice("bit_depth", str(spec.bit_depth), ("8", "16"))
    sheet = sheet.only_picture()
    levels, notes = whole_numbers(sheet, sheet.picture, f"uint{spec.bit_depth}")
    if not any(_color(sheet)):
        notes += profile_for(sheet.picture, sheet.space)[1]
    data = imagecodecs.png_encode(levels, **_PACKING[spec.bit_depth])
    del levels
    with path.open("wb") as stream:
        stream.write(data[:_HEADER_BYTES])
        for chunk in (*_color(sheet), *_size(spec), *_texts(sheet)):
            stream.write(chunk)
        stream.write(memoryview(data)[_HEADER_BYTES:])
    return notes


def _color(sheet: Sheet) -> Iterator[bytes]:
    space = plain_spaces().get(sheet.space)
    if space is None or sheet.picture.is_data:
        return
    if space.cicp:
        yield _chunk(b"cICP", bytes(space.cicp))
    if space.name == "sRGB":
        yield _chunk(b"sRGB", bytes([_PERCEPTUAL]))
    # sRGB's chunk stands for its profile.
    elif profile := profile_for(sheet.picture, space.name)[0]:
        yield _chunk(b"iCCP", space.name.encode("latin-1") + b"\0\0" + zlib.compress(profile))


def _size(spec: FileSpec) -> Iterator[bytes]:
    if spec.dpi:
        per_meter = round(spec.dpi / 0.0254)
        yield _chunk(b"pHYs", struct.pack(">IIB", per_meter, per_meter, 1))


def _texts(sheet: Sheet) -> Iterator[bytes]:
    for key, text in {**sheet.texts, **sheet.own_texts}.items():
        # A PNG's text holds no zero; JSON escapes it, and other text loses nothing by it.
        plain = text.replace("\0", "")
        if plain.isascii():
            yield _chunk(b"tEXt", _keyword(key) + b"\0" + plain.encode())
        else:
            yield _international(_keyword(key), plain)
    # The documents are in the chunks above.
    yield _international(b"XML:com.adobe.xmp", packet(sheet, {}).decode())


def _international(keyword: bytes, text: str) -> bytes:
    """iTXt, not compressed, of no stated language; half a surrogate pair becomes its JSON escape."""
    return _chunk(b"iTXt", keyword + b"\0\0\0\0\0" + text.encode("utf-8", "backslashreplace"))


def _keyword(key: str) -> bytes:
    """1 to 79 bytes of Latin-1."""
    return key.encode("latin-1", "replace")[:79]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
