"""PNG of 8 and 16 bits, and what its chunks say of colour. Source: PNG 3rd edition, chapters 5 and 11."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from ..color.spaces import DEFAULT_SPACE
from .read import MAIN, Pixels, Plane, broken, color_and_alpha, require_size, to_unit
from .read_space import DEFAULT_LINEAR, Said

_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}
"""By colour type; a palette becomes RGB or RGBA."""
_LARGEST_PROFILE = 16 << 20
_METRES_AN_INCH = 0.0254


def read(path: Path, numbers: frozenset[str]) -> Pixels:
    """A PNG of any colour type; palettes and transparent colours become RGB and RGBA, grey with alpha RGBA."""
    import imagecodecs

    data = path.read_bytes()
    chunks = _chunks(data)
    if len(chunks.get(b"IHDR", b"")) != 13:
        raise broken(path, "its header is missing")
    width, height, bits, color = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    require_size(path, width, height, _SAMPLES.get(color, 4))
    samples = imagecodecs.png_decode(data)
    pixels = color_and_alpha(to_unit(samples.reshape(height, width, -1)))
    return Pixels(
        planes=(Plane(MAIN, pixels, MAIN in numbers),),
        said=_said(chunks),
        depth=f"{bits}-bit" + (" palette" if color == 3 else ""),
        compression="zip",
        alpha="unassociated" if pixels.shape[2] == 4 else "none",
        dpi=_dpi(chunks.get(b"pHYs", b"")),
    )


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks before the pixels, the first of each type."""
    found: dict[bytes, bytes] = {}
    at = 8
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        if name in (b"IDAT", b"IEND"):
            break
        found.setdefault(name, data[at + 8 : at + 8 + size])
        at += 12 + size
    return found


def _said(chunks: dict[bytes, bytes]) -> Said:
    # A gamma of 1 says that the values are light, whatever else is missing.
    is_linear = chunks.get(b"gAMA") == struct.pack(">I", 100000)
    return Said(
        default=DEFAULT_LINEAR if is_linear else DEFAULT_SPACE,
        profile=_profile(chunks.get(b"iCCP", b"")),
        cicp=tuple(chunks.get(b"cICP", b"")),
        is_srgb=b"sRGB" in chunks,
    )


def _profile(chunk: bytes) -> bytes:
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], _LARGEST_PROFILE)
    except zlib.error:
        return b""


def _dpi(chunk: bytes) -> float:
    if len(chunk) != 9 or chunk[8] != 1:
        return 0.0
    return round(struct.unpack(">I", chunk[:4])[0] * _METRES_AN_INCH, 1)
