"""Whether an EXR file is all there. OpenEXR writes its last bytes without looking whether they arrived: on a full disk
it may return as if all were well and leave a file that lacks its end."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

from ..errors import DeliveryError

_MULTI_PART, _TILED = 0x1000, 0x200


def require_whole(path: Path) -> None:
    """Raises DeliveryError where a file that was just written, all scanlines or all tiles, lacks a part of its pixels.

    The table of offsets ends where the first chunk begins, and the file where the last one does (OpenEXR file layout).
    """
    if not _is_whole(path):
        raise DeliveryError(
            "the EXR file was cut off while it was written",
            where=str(path),
            found=f"{path.stat().st_size} bytes and no end",
            allowed="a whole file",
            fix="make room on the disk, then run again",
        )


def _is_whole(path: Path) -> bool:
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            _, flags = struct.unpack("<iI", stream.read(8))
            several = bool(flags & _MULTI_PART)
            tiled = _skip_headers(stream, several) or bool(flags & _TILED)
            last = _last_offset(stream, size)
            # Part number, then place of the block (y, or x and y and two levels of a tile), then bytes of its data.
            stream.seek(last + 4 * several + (16 if tiled else 4))
            (length,) = struct.unpack("<i", stream.read(4))
            return stream.tell() + length == size
    except (struct.error, ValueError):
        return False


def _skip_headers(stream: BinaryIO, several: bool) -> bool:
    """Moves to the table of offsets; whether the type of a part is tiled."""
    tiled = False
    while True:
        name = _text(stream)
        if not name:
            # A header ends with an empty name; of several headers the last is empty.
            if not several or not _peek(stream):
                return tiled
            continue
        _text(stream)
        (length,) = struct.unpack("<i", stream.read(4))
        value = stream.read(length) if name == b"type" else stream.seek(length, os.SEEK_CUR)
        tiled = tiled or value == b"tiledimage"


def _peek(stream: BinaryIO) -> bool:
    """Whether another header follows; moves behind the mark that says none does."""
    byte = stream.read(1)
    if byte == b"\0":
        return False
    stream.seek(-1, os.SEEK_CUR)
    return True


def _text(stream: BinaryIO) -> bytes:
    """The bytes up to a zero, which is passed."""
    text = bytearray()
    while (byte := stream.read(1)) != b"\0":
        if not byte:
            raise ValueError("the header has no end")
        text += byte
    return bytes(text)


def _last_offset(stream: BinaryIO, size: int) -> int:
    """The largest offset of the table; ValueError for a block that has no place in the file."""
    first, last = size, 0
    while stream.tell() < first:
        (offset,) = struct.unpack("<Q", stream.read(8))
        if not 0 < offset < size:
            raise ValueError("a block is missing")
        first, last = min(first, offset), max(last, offset)
    return last
