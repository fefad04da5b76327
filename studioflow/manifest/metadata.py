"""The texts in a picture file's metadata, read without its pixels.

The blocks are walked here and not by Pillow, tifffile and OpenEXR, because those read more than metadata (pixels
for the text behind them, a canvas for a WebP), stop at 1 MiB of compressed text or at one attribute that is not
UTF-8, and set no limit to what a file can ask for. No pixel is read.

Sources: PNG 3rd edition, chapter 11; WebP container (RFC 9649); TIFF 6.0, BigTIFF; Exif 2.32 section 4.6; XMP part
3; OpenEXR file layout; ComfyUI SaveAnimatedWEBP.
"""

from __future__ import annotations

import codecs
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import PathError
from .parse import MAX_BYTES

MANIFEST_KEY = "studioflow:manifest"
CAPTION_KEY = "studioflow:caption"

_BUDGET = 32 * 1024 * 1024
"""Bytes of metadata that one file can make us read; room for a manifest, a graph and a workflow of full size."""
_READ_COST = 64
"""What a read costs beside its bytes, so that the budget also bounds how many there are."""
CUT_OFF = "the file is cut off"
_TOO_LARGE = f"more than {MAX_BYTES // 1024 // 1024} MiB"
_MOST_TAGS = 4096

_XMP_TAG, _EXIF_TAG, _USER_COMMENT = 700, 34665, 37510
_UTF16_TAGS = {40091: "XPTitle", 40092: "XPComment", 40093: "XPAuthor", 40094: "XPKeywords", 40095: "XPSubject"}
_TAGS = {269: "DocumentName", 270: "ImageDescription", 271: "Make", 272: "Model", 305: "Software", 315: "Artist"}
_TAGS |= {_USER_COMMENT: "UserComment", **_UTF16_TAGS}
_BYTES, _ASCII, _LONG, _UNDEFINED, _IFD, _UTF8 = 1, 2, 4, 7, 13, 129  # TIFF data types; 129 is of Exif 3
_COMMENT_CODES = (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", bytes(8))
_NAMED = re.compile(r'\s*([^\s{"][^{"]{0,63}?)\s*:\s*(?=[{"])')
JSON_START = re.compile(r'\s*[{"]')


def shown(name: str) -> str:
    """A name out of a file, fit for one line of an error."""
    clean = "".join(character if character.isprintable() else "?" for character in name[:60])
    return clean + "…" if len(name) > 60 else clean


class _Damage(Exception):
    """The rest of the metadata cannot be read."""


@dataclass(frozen=True)
class Entry:
    """One text of a picture's metadata; ``flaw`` says why it has none."""

    key: str
    where: str
    text: str = ""
    flaw: str = ""


class _Source:
    """A picture's bytes, or a window of them, read within one budget."""

    def __init__(self, stream: BinaryIO, budget: list[int], base: int, end: int) -> None:
        self._stream, self._budget, self._base = stream, budget, base
        self.end = end
        self.at = 0

    def window(self, size: int) -> _Source:
        """The next ``size`` bytes as a file of its own."""
        return _Source(self._stream, self._budget, self._base + self.at, min(size, self.end - self.at))

    def go(self, at: int) -> None:
        if not 0 <= at <= self.end:
            raise _Damage(CUT_OFF)
        self.at = at

    def spend(self, size: int) -> None:
        self._budget[0] -= size + _READ_COST
        if self._budget[0] < 0:
            raise _Damage(f"more than {_BUDGET // 1024 // 1024} MiB of metadata")

    def take(self, size: int) -> bytes:
        if size > self.end - self.at:
            raise _Damage(CUT_OFF)
        self.spend(size)
        self._stream.seek(self._base + self.at)
        data = self._stream.read(size)
        if len(data) < size:
            raise _Damage("the file became shorter while it was read")
        self.at += size
        return data

    def unpack(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))


def entries_of(path: Path, kind: str) -> tuple[list[Entry], str]:
    """The texts in a picture, and what kept us from reading on (empty where nothing did)."""
    walks: dict[str, Callable[[_Source], Iterator[Entry]]] = {
        "PNG": _png,
        "EXR": _exr,
        "TIFF": lambda source: _tiff(source, "TIFF"),
        "WebP": _webp,
        "JPEG": _jpeg,
    }
    entries: list[Entry] = []
    try:
        with path.open("rb") as stream:
            whole = _Source(stream, [_BUDGET], 0, stream.seek(0, os.SEEK_END))
            entries.extend(walks[kind](whole))
    except _Damage as damage:
        return entries, str(damage)
    except OSError as error:
        raise PathError(
            "the picture cannot be read",
            where=str(path),
            found=error.strerror or str(error),
            allowed="a readable picture",
            fix="check the path",
        ) from error
    return entries, ""


def _entry(key: str, where: str, data: bytes, *, utf8_only: bool = False) -> Entry:
    """UTF-8, which most programs write whatever the format says, or Latin-1 where the format allows that."""
    if len(data) > MAX_BYTES:
        return Entry(key, where, flaw=_TOO_LARGE)
    try:
        return Entry(key, where, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Entry(key, where, flaw="not UTF-8") if utf8_only else Entry(key, where, data.decode("latin-1"))


def _png(source: _Source) -> Iterator[Entry]:
    source.go(8)
    name, any_text = b"", False
    while name != b"IEND":
        size, name = source.unpack(">I4s")
        start = source.at
        if name == b"eXIf":
            yield from _exif(source, size)
        elif name in (b"tEXt", b"zTXt", b"iTXt"):
            any_text = True
            yield from _png_chunk(source, name, size)
        # Programs put their texts all before the pixels or all behind them.
        if name == b"IDAT" and any_text and start + size + 4 > source.end:
            return
        source.go(start + size + 4)


def _png_chunk(source: _Source, name: bytes, size: int) -> Iterator[Entry]:
    too_large = size > MAX_BYTES + 1024
    data = source.take(80 if too_large else size)
    keyword, _, rest = data.partition(b"\0")
    key = keyword[:79].decode("latin-1")
    where = f'PNG text chunk "{shown(key)}"'
    if too_large:
        yield Entry(key, where, flaw=_TOO_LARGE)
        return
    if source.unpack(">I")[0] != zlib.crc32(data, zlib.crc32(name)):
        yield Entry(key, where, flaw="its checksum is wrong")
        return
    packed = name == b"zTXt"
    if packed:
        rest = rest[1:]
    elif name == b"iTXt":
        packed = rest[:1] == b"\1"
        rest = rest[2:].split(b"\0", 2)[-1]
    if packed:
        inflater = zlib.decompressobj()
        try:
            rest = inflater.decompress(rest, MAX_BYTES + 1)
        except zlib.error:
            yield Entry(key, where, flaw="its compressed text is damaged")
            return
        source.spend(len(rest))
        if not inflater.eof and len(rest) <= MAX_BYTES:
            yield Entry(key, where, flaw="its compressed text is cut off")
            return
    if key == "XML:com.adobe.xmp":
        yield from _xmp(source, rest)
    else:
        yield _entry(key, where, rest, utf8_only=name == b"iTXt")


def _exr(source: _Source) -> Iterator[Entry]:
    _, version = source.unpack("<4sI")
    several_parts = bool(version & 0x1000)
    part = 1
    while name := _exr_name(source):
        while name:
            kind = _exr_name(source)
            (size,) = source.unpack("<i")
            start = source.at
            if size < 0:
                raise _Damage("the header is damaged")
            if kind == b"string":
                key = name.decode("utf-8", "replace")
                where = f'EXR attribute "{shown(key)}"' + (f" of part {part}" if several_parts else "")
                yield _entry(key, where, source.take(min(size, MAX_BYTES + 1)), utf8_only=key.startswith("studioflow:"))
            source.go(start + size)
            name = _exr_name(source)
        if not several_parts:
            return
        part += 1


def _exr_name(source: _Source) -> bytes:
    name = b""
    while (byte := source.take(1)) != b"\0":
        name += byte
        if len(name) > 255:
            raise _Damage("the header is damaged")
    return name


def _webp(source: _Source) -> Iterator[Entry]:
    _, riff_size = source.unpack("<4sI")
    end = min(8 + riff_size, source.end)
    source.go(12)
    while source.at + 8 <= end:
        name, size = source.unpack("<4sI")
        start = source.at
        if name == b"EXIF":
            yield from _exif(source, size)
        elif name == b"XMP ":
            yield from _xmp(source, source.take(min(size, MAX_BYTES + 1)))
        source.go(start + size)
        source.go(min(start + size + size % 2, source.end))
    if 8 + riff_size > source.end:
        raise _Damage(CUT_OFF)


def _jpeg(source: _Source) -> Iterator[Entry]:
    source.go(2)
    while True:
        mark, code, size = source.unpack(">BBH")
        start = source.at - 2
        if mark != 0xFF or size < 2:
            raise _Damage("the header is damaged")
        if code in (0xDA, 0xD9):  # the pixels begin, or the picture ends
            return
        head = source.take(min(size - 2, 29)) if code == 0xE1 else b""
        if head.startswith(b"Exif\0\0"):
            source.go(start + 2)
            yield from _exif(source, size - 2)
        elif head.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            yield from _xmp(source, source.take(size - 31))
        elif code == 0xFE:
            yield _entry("comment", "JPEG comment", source.take(size - 2))
        source.go(start + size)


def _exif(source: _Source, size: int) -> Iterator[Entry]:
    """An EXIF block is a TIFF file without a picture; a broken one does not spoil what stands beside it."""
    block = source.window(size)
    try:
        if block.take(6) == b"Exif\0\0":
            block = block.window(size)
        block.go(0)
        yield from _tiff(block, "EXIF")
    except _Damage as damage:
        yield Entry("EXIF", "EXIF", flaw=f"damaged: {damage}")


def _tiff(source: _Source, label: str) -> Iterator[Entry]:
    byte_order, version = source.unpack("2s2s")
    if byte_order not in (b"II", b"MM"):
        raise _Damage("the header is damaged")
    order, big = "<" if byte_order == b"II" else ">", 43 in version
    offset, tag_form, count_form = ("Q", "HHQ8s", "Q") if big else ("I", "HHI4s", "H")
    if big:
        source.go(8)
    waiting, seen = list(source.unpack(order + offset)), {0}
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        source.go(at)
        (count,) = source.unpack(order + count_form)
        if count > _MOST_TAGS:
            raise _Damage("the list of tags is damaged")
        tags = [source.unpack(order + tag_form) for _ in range(count)]
        waiting += source.unpack(order + offset)
        for tag, kind, length, value in tags:
            if tag == _EXIF_TAG:
                # BigTIFF keeps a pointer of 32 bits in the first half of its field.
                waiting += struct.unpack_from(order + ("I" if kind in (_LONG, _IFD) else offset), value)
            elif kind in (_BYTES, _ASCII, _UNDEFINED, _UTF8):
                if length > len(value):
                    (pointer,) = struct.unpack(order + offset, value)
                    yield from _tag_far_away(source, label, tag, kind, length, pointer)
                else:
                    yield from _tag_text(source, label, tag, value[:length])


def _tag_far_away(source: _Source, label: str, tag: int, kind: int, length: int, at: int) -> Iterator[Entry]:
    is_text = kind in (_ASCII, _UTF8) or tag in _TAGS or tag == _XMP_TAG
    flaw = CUT_OFF if at + length > source.end else _TOO_LARGE if length > MAX_BYTES else ""
    if flaw:
        if is_text:
            yield Entry(_tag_name(tag), f"{label} tag {_tag_name(tag)}", flaw=flaw)
        return
    source.go(at)
    # Colour profiles and makers' notes are bytes too, and large.
    if not is_text and source.take(1) != b"{":
        return
    source.go(at)
    yield from _tag_text(source, label, tag, source.take(length))


def _tag_name(tag: int) -> str:
    return "XMP" if tag == _XMP_TAG else _TAGS.get(tag, str(tag))


def _tag_text(source: _Source, label: str, tag: int, data: bytes) -> Iterator[Entry]:
    if tag == _XMP_TAG:
        yield from _xmp(source, data)
        return
    name = _tag_name(tag)
    where = f"{label} tag {name}"
    wide = tag in _UTF16_TAGS
    if tag == _USER_COMMENT and data[:8] in _COMMENT_CODES:
        wide, data = data[:8] == b"UNICODE\0", data[8:]
    if wide:
        try:
            data = data[: len(data) // 2 * 2].decode(_utf16_of(data)).encode()
        except UnicodeDecodeError:
            yield Entry(name, where, flaw="not UTF-16")
            return
    entry = _entry(name, where, data.rstrip(b"\0"))
    # ComfyUI writes "prompt:{…}" into Model, "workflow:{…}" into Make, and further names into the tags before it.
    named = _NAMED.match(entry.text)
    yield Entry(named[1], f'{where} "{shown(named[1])}"', entry.text[named.end() :]) if named else entry


def _utf16_of(data: bytes) -> str:
    """Writers disagree on the byte order; JSON begins with an ASCII character, which tells."""
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    return "utf-16-be" if data[:1] == b"\0" else "utf-16-le"


def _xmp(source: _Source, packet: bytes) -> Iterator[Entry]:
    """The properties of an XMP packet that can be documents, as attributes or as elements, by their written name."""
    from xml.parsers import expat

    texts: list[tuple[str, str]] = []
    names: list[str] = ["XMP"]
    pieces: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        source.spend(len(name))
        pieces.clear()
        # rdf:Description, rdf:Alt and rdf:li stand between a property and its text.
        names.append(names[-1] if name.startswith("rdf:") else name)
        texts.extend(attributes.items())

    def end(_: str) -> None:
        texts.append((names.pop(), "".join(pieces)))
        pieces.clear()

    def refuse(*_: object) -> None:
        raise _Damage("an XMP packet declares a document type")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = pieces.append
    # Entities, with which a few lines of XML become gigabytes, can only be declared there.
    parser.StartDoctypeDeclHandler = refuse
    key = MANIFEST_KEY if MANIFEST_KEY.encode() in packet else "XMP"
    if len(packet) > MAX_BYTES:
        yield Entry(key, "XMP packet", flaw=_TOO_LARGE)
        return
    try:
        parser.Parse(packet.rstrip(b"\0"), True)
    except (expat.ExpatError, _Damage) as error:
        yield Entry(key, "XMP packet", flaw=f"cannot be read: {error}")
        return
    yield Entry("XMP", "XMP packet")
    for name, text in texts:
        if JSON_START.match(text) or name in (MANIFEST_KEY, CAPTION_KEY):
            yield Entry(name, f"XMP property {shown(name)}", text)
