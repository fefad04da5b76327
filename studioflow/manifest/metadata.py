"""The texts in a picture file's metadata, as Pillow, tifffile and OpenEXR read them.

EXIF blocks go to tifffile too: it reads a tag when it is asked for, while Pillow reads all of them at once, and a
small block can name the same megabytes thousands of times.

Sources: PNG 3rd edition, chapter 11; TIFF 6.0; Exif 2.32 section 4.6; XMP part 3 (1.1.3.1 for what does not fit into
one segment of a JPEG); ComfyUI SaveAnimatedWEBP.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ManifestError
from .parse import MAX_BYTES
from .shapes import CAPTION_KEY, MANIFEST_KEY

CUT_OFF = "the file is cut off or damaged"
JSON_START = re.compile(r'\s*[{"]')

_TOO_LARGE = f"more than {MAX_BYTES // 1024 // 1024} MiB"
_XMP_KEY, _XMP_TAG = "XML:com.adobe.xmp", 700
_EXTENDED_XMP, _EXTENDED_XMP_ID = b"http://ns.adobe.com/xmp/extension/\0", "xmpNote:HasExtendedXMP"
_EXIF_IFD, _USER_COMMENT = 34665, 37510
_UTF16_TAGS = range(40091, 40096)  # XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject
_TEXT_TYPES = (1, 2, 7)  # BYTE, ASCII, UNDEFINED
_COMMENT_CODES = (b"ASCII\0\0\0", b"UNICODE\0", b"JIS\0\0\0\0\0", bytes(8))
_NAMED = re.compile(r'\s*([^\s{"][^{"]{0,63}?)\s*:\s*(?=[{"])')


@dataclass(frozen=True)
class Entry:
    """One text of a picture's metadata; ``flaw`` says why it has none."""

    key: str
    where: str
    text: str = ""
    flaw: str = ""
    is_other: bool = False
    """A property of an XMP packet that can be no document: a title, a focal length."""


def shown(name: str, most: int = 60) -> str:
    """A text out of a file, fit for one line of an error."""
    clean = "".join(character if character.isprintable() else "?" for character in name[:most])
    return clean + "…" if len(name) > most else clean


def unreadable(path: Path, flaw: str) -> ManifestError:
    """The error for metadata that is there and cannot be read."""
    return ManifestError(
        "the picture's metadata cannot be read",
        where=str(path),
        found=flaw,
        allowed=f"a whole file with at most {MAX_BYTES // 1024 // 1024} MiB of text in an entry, and 1 MiB in one "
        "that a PNG compresses",
        fix="copy the file again, or open the .manifest.json that was delivered with it",
    )


def entries_of(path: Path, kind: str, *, behind_pixels: bool = False, all_properties: bool = False) -> list[Entry]:
    """The texts in a picture; in a PNG those behind the pixels only if asked, because that decodes the pixels, and
    properties of XMP that can be no documents only with ``all_properties``.

    Raises ManifestError where its metadata cannot be read.
    """
    try:
        return [entry for entry in _entries(path, kind, behind_pixels) if all_properties or not entry.is_other]
    except MemoryError:
        raise
    # None of the libraries promises what it raises over a damaged file.
    except Exception as error:
        raise unreadable(path, _reason(error)) from error


def _entries(path: Path, kind: str, behind_pixels: bool) -> Iterator[Entry]:
    if kind == "EXR":
        yield from _exr(path)
        return
    with path.open("rb") as stream:
        yield from _tags(stream, "TIFF") if kind == "TIFF" else _pillow(stream, kind, behind_pixels)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "a text that is not UTF-8"
    return shown(getattr(error, "strerror", None) or str(error), 200) or f"{CUT_OFF} ({type(error).__name__})"


def _entry(key: str, where: str, text: str) -> Entry:
    if len(text) > MAX_BYTES:
        return Entry(key, where, flaw=_TOO_LARGE)
    # Pillow gives an empty text where it could not decompress one.
    return Entry(key, where, text, flaw="" if text else "empty or damaged")


def _decoded(data: bytes) -> str:
    """UTF-8, which most programs write whatever the format says, or else Latin-1."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _exr(path: Path) -> Iterator[Entry]:
    import OpenEXR

    parts = OpenEXR.File(str(path), header_only=True).parts
    for number, part in enumerate(parts, 1):
        for key, value in part.header.items():
            if isinstance(value, str):
                where = f'EXR attribute "{shown(key)}"' + (f" of part {number}" if len(parts) > 1 else "")
                yield _entry(key, where, value)


def _pillow(stream: BinaryIO, kind: str, behind_pixels: bool) -> Iterator[Entry]:
    """By the plugins themselves: Image.open hides why it fails, and limits pixels that are not decoded here."""
    from PIL import Image, PngImagePlugin

    plugin = _plugin(kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        picture = plugin(stream)
        if behind_pixels:
            most = Image.MAX_IMAGE_PIXELS
            if most and picture.width * picture.height > most:
                raise ValueError(f"its texts could only be behind more than {most} pixels, which are not decoded")
            # load() checks no checksum there and takes a file that ends between two chunks for whole.
            picture.verify()
            stream.seek(0)
            picture = plugin(stream)
            picture.load()
        info = dict(picture.info)
    if isinstance(packet := info.get("xmp"), bytes):
        info.pop(_XMP_KEY, None)
        yield from _xmp(packet, getattr(picture, "applist", ()))
    if isinstance(block := info.get("exif"), bytes):
        yield from _exif(block)
    if isinstance(comment := info.get("comment"), bytes):
        yield _entry("comment", "JPEG comment", _decoded(comment))
    for key, value in info.items():
        if isinstance(value, str):
            text = value if isinstance(value, PngImagePlugin.iTXt) else _decoded(value.encode("latin-1"))
            if key == _XMP_KEY:
                yield from _xmp(text.encode())
            else:
                yield _entry(key, f'PNG text chunk "{shown(key)}"', text)


def _plugin(kind: str) -> Any:
    """Of Pillow; each by itself, because older ones have no AVIF."""
    if kind == "PNG":
        from PIL.PngImagePlugin import PngImageFile as plugin
    elif kind == "WebP":
        from PIL.WebPImagePlugin import WebPImageFile as plugin
    elif kind == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile as plugin
    else:
        from PIL.JpegImagePlugin import JpegImageFile as plugin
    return plugin


def _exif(block: bytes) -> list[Entry]:
    """An EXIF block is a TIFF file without a picture; a broken one does not spoil what stands beside it."""
    # Pillow puts the prefix before a block of a PNG, which by itself can have it too.
    block = block.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0")
    try:
        return list(_tags(io.BytesIO(block), "EXIF"))
    except Exception as error:
        return [Entry("EXIF", "EXIF", flaw=f"damaged: {_reason(error)}")]


def _tags(stream: BinaryIO, label: str) -> Iterator[Entry]:
    """The texts in the tags of the first page and of its EXIF."""
    import tifffile

    def hush(_: logging.LogRecord) -> bool:
        return False

    log = logging.getLogger("tifffile")
    log.addFilter(hush)
    try:
        # These three kinds would have it read more pages than the first.
        tiff = tifffile.TiffFile(stream, is_lsm=False, is_scanimage=False, is_ndpi=False)
        page = tiff.pages[0]
        tags = [*page.tags]
        # A tag that lies outside the file is left out, and only a log says so.
        tiff.filehandle.seek(page.offset)
        if len(tags) < struct.unpack(tiff.tiff.tagnoformat, tiff.filehandle.read(tiff.tiff.tagnosize))[0]:
            yield Entry(label, f"{label} tags", flaw=CUT_OFF if label == "TIFF" else "damaged")
        for pointer in [tag for tag in tags if tag.code == _EXIF_IFD]:
            tiff.filehandle.seek(pointer.valueoffset)
            tags += tifffile.TiffPage(tiff, 0).tags
        total = 0
        for tag in tags:
            where = f"{label} tag {tag.name}"
            if tag.dtype in _TEXT_TYPES and tag.valuebytecount > MAX_BYTES:
                yield Entry(tag.name, where, flaw=_TOO_LARGE)
            elif tag.dtype in _TEXT_TYPES:
                total += tag.valuebytecount
                if total > 8 * MAX_BYTES:
                    raise ValueError(f"more than {8 * MAX_BYTES // 1024 // 1024} MiB of text in its tags")
                yield from _tag_text(tag.code, tag.name, where, tag.value)
    finally:
        log.removeFilter(hush)


def _tag_text(code: int, name: str, where: str, value: object) -> Iterator[Entry]:
    if code == _XMP_TAG and isinstance(value, bytes):
        yield from _xmp(value)
        return
    if isinstance(value, bytes):
        wide = code in _UTF16_TAGS
        if code == _USER_COMMENT and value[:8] in _COMMENT_CODES:
            wide, value = value[:8] == b"UNICODE\0", value[8:]
        # Writers disagree on the byte order; JSON begins with an ASCII character, which tells.
        order = "utf-16-be" if value[:1] in (b"\0", b"\xfe") else "utf-16-le"
        text = value.decode(order, "replace").lstrip("\ufeff") if wide else _decoded(value)
        text = text.rstrip("\0")
        # Colour profiles and makers' notes are bytes too.
        if code != _USER_COMMENT and code not in _UTF16_TAGS and not JSON_START.match(text):
            return
    elif isinstance(value, str):
        text = value
    else:
        return
    # ComfyUI writes "prompt:{…}" into Model, "workflow:{…}" into Make, and further names into the tags before it.
    named = _NAMED.match(text)
    yield _entry(named[1], f'{where} "{shown(named[1])}"', text[named.end() :]) if named else _entry(name, where, text)


def _xmp(packet: bytes, segments: Sequence[tuple[str, bytes]] = ()) -> Iterator[Entry]:
    """The properties of an XMP packet by their written names, with those that a JPEG has in further segments."""
    where = "XMP packet"
    try:
        texts = _properties(packet)
        if extended := dict(texts).get(_EXTENDED_XMP_ID):
            where = "extended XMP"
            packet = _extended_xmp(segments, extended.strip().encode("latin-1", "replace"))
            texts += _properties(packet)
    except ValueError as error:
        flaw = str(error) if str(error) == _TOO_LARGE else f"cannot be read: {error}"
        yield Entry(MANIFEST_KEY if MANIFEST_KEY.encode() in packet else "XMP", where, flaw=flaw)
        return
    yield Entry("XMP", "XMP packet")
    for name, text in texts:
        is_document = JSON_START.match(text) or name in (MANIFEST_KEY, CAPTION_KEY)
        if is_document or (text.strip() and not name.startswith(("xmlns", "rdf:"))):
            yield Entry(name, f"XMP property {shown(name)}", text, is_other=not is_document)


def _properties(packet: bytes) -> list[tuple[str, str]]:
    """The properties of an XMP packet, as attributes or as elements. ValueError where it cannot be read."""
    from xml.parsers import expat

    texts: list[tuple[str, str]] = []
    names: list[str] = ["XMP"]
    pieces: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        pieces.clear()
        # rdf:Description, rdf:Alt and rdf:li stand between a property and its text.
        names.append(names[-1] if name.startswith("rdf:") else name)
        texts.extend(attributes.items())

    def end(_: str) -> None:
        texts.append((names.pop(), "".join(pieces)))
        pieces.clear()

    def refuse(*_: object) -> None:
        raise ValueError("it declares a document type, in which entities could be")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = pieces.append
    # Entities, with which a few lines of XML become gigabytes, can only be declared there.
    parser.StartDoctypeDeclHandler = refuse
    if len(packet) > MAX_BYTES:
        raise ValueError(_TOO_LARGE)
    try:
        parser.Parse(packet.rstrip(b"\0"), True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return texts


def _extended_xmp(segments: Sequence[tuple[str, bytes]], digest: bytes) -> bytes:
    """The packet of that digest out of the segments of a JPEG: each has digest, whole length and its own offset."""
    head = len(_EXTENDED_XMP)
    pieces = [
        (struct.unpack(">II", data[head + 32 : head + 40]), data[head + 40 :])
        for _, data in segments
        if data.startswith(_EXTENDED_XMP + digest) and len(data) >= head + 40
    ]
    packet = b""
    for (_, offset), piece in sorted(pieces):
        if offset == len(packet):
            packet += piece
    if not pieces or len(packet) != pieces[0][0][0]:
        raise ValueError("a part of it is missing")
    return packet
