"""ICC profiles of the colour spaces that everybody knows by name, for TIFF, PNG and the web.

Written here because no library makes these whole: littlecms (imagecodecs.cms_profile) has only the curves of a gamma
or of a table, writes the clock into the profile, and spoils ACES' blue primary, whose y is below 0; Pillow makes
sRGB alone. A matrix and a curve are all that a profile of such a space holds.

Source: ICC.1:2022 (profile version 4.4), sections 7.2 (header), 8.4 (display profiles), 10 (tag types), annex E
(adaptation to D50 by Bradford).
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..color.spaces import Space, plain_spaces
from .sheet import Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""g, a, b, c, d of (aX + b)^g from d on, else cX (IEC 61966-2-1)."""
_CREATED = (2026, 1, 1, 0, 0, 0)
"""The same always: a file depends on nothing but its input."""


@functools.cache
def profile_of(space: str) -> bytes:
    """The profile of a plain colour space; empty where none would be honest.

    That is for PQ and HLG, whose absolute light and white no matrix and curve can say (cICP does), for log spaces, and
    for all that spaces.json does not have.
    """
    row = plain_spaces().get(space)
    return _profile(row) if row and row.encoding in ("display", "linear") else b""


def profile_for(layer: Layer, space: str) -> tuple[bytes, list[str]]:
    """The profile for a layer in a file of that space, and what to tell the person where colours go without one."""
    channels = layer.pixels.shape[-1]
    profile = b"" if layer.is_data or channels < 3 else profile_of(space)
    if profile or layer.is_data:
        return profile, []
    what = space if channels >= 3 else f"one channel in {space}"
    return b"", [f"there is no ICC profile for {what}: only studioflow:colorspace in the file tells what it is in"]


def _profile(space: Space) -> bytes:
    matrix, adaptation = _to_d50(space.primaries)
    curve = _curve(space)
    tags = {
        "desc": _text(space.name),
        "cprt": _text("No copyright, use freely"),
        "wtpt": _xyz(_D50),
        "chad": b"sf32\0\0\0\0" + _fixed(adaptation.ravel()),
        **{f"{name}XYZ": _xyz(column) for name, column in zip("rgb", matrix.T, strict=True)},
        **{f"{name}TRC": curve for name in "rgb"},
    }
    if space.cicp:
        tags["cicp"] = b"cicp\0\0\0\0" + bytes(space.cicp)
    table, body = _table(tags)
    size = 128 + len(table) + len(body)
    # The profile ID is the MD5 of the profile with flags, intent and the ID itself at zero (7.2.18).
    identity = hashlib.md5(_header(size, 0, bytes(16)) + table + body, usedforsecurity=False).digest()
    return _header(size, 1, identity) + table + body


def _header(size: int, intent: int, identity: bytes) -> bytes:
    head = struct.pack(">III", size, 0, 0x04400000)
    head += b"mntrRGB XYZ " + struct.pack(">6H", *_CREATED) + b"acsp" + bytes(24)
    return head + struct.pack(">I", intent) + _fixed(_D50) + bytes(4) + identity + bytes(28)


def _table(tags: dict[str, bytes]) -> tuple[bytes, bytes]:
    """The tag table and the tags; equal ones, such as the three curves, are there once."""
    body, places = b"", {}
    start = 128 + 4 + 12 * len(tags)
    for data in tags.values():
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
    rows = (name.encode() + struct.pack(">II", places[data], len(data)) for name, data in tags.items())
    return struct.pack(">I", len(tags)) + b"".join(rows), body


def _to_d50(primaries: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RGB to XYZ under D50, columns are the primaries; and the adaptation from the space's white in it."""
    import numpy as np

    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    # XYZ of red, green, blue and white; y may be below 0, as ACES' blue is, but never 0.
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    white = xyz[:, 3]
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)
    cones = np.array(_BRADFORD)
    adaptation = np.linalg.inv(cones) @ np.diag((cones @ _D50) / (cones @ white)) @ cones
    return adaptation @ matrix, adaptation


def _curve(space: Space) -> bytes:
    """Function 0 (a gamma) or 3 (with a straight piece at the dark end) of the parametric curve, 10.18."""
    kind, numbers = (3, _SRGB_CURVE) if space.transfer == "srgb" else (0, (space.gamma or 1.0,))
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(numbers)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values: Sequence[float]) -> bytes:
    """s15Fixed16Number."""
    return b"".join(struct.pack(">i", round(float(value) * 65536)) for value in values)


def _text(text: str) -> bytes:
    """A multiLocalizedUnicode of one record in American English, the language that the standard asks for."""
    data = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data
