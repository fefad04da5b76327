"""Which colour space the values of a file are in: what the file says of it, held against the spaces that we know.

A statement of the format (ICC profile, cICP, chromaticities) counts before the text that StudioFlow writes: programs
that convert a picture write the first anew, and carry the second along as it was.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..color.spaces import DEFAULT_SPACE, plain_spaces
from .icc import profile_of
from .sheet import SPACE_KEY

DEFAULT_LINEAR = "Linear Rec.709"
"""What an EXR without chromaticities is by its own standard, and what programs take float TIFF for."""

_CHROMATICITY_TOLERANCE = 1e-3
_COLORANT_TOLERANCE = 3e-3
"""Profiles of one space differ by as much: older ones round the white, or adapt to D50 another way."""
_CURVE_TOLERANCE = 1.5e-3
"""Gamma 2.2 is 0.0035 away from sRGB's curve."""
_CURVE_AT = (0.05, 0.2, 0.4, 0.6, 0.8)


class Said(NamedTuple):
    """What a file says of its space, as its format has room for it; empty where it says nothing."""

    default: str = DEFAULT_SPACE
    """The space of such a file that says nothing."""
    profile: bytes = b""
    """ICC"""
    cicp: tuple[int, ...] = ()
    """Code points of ITU-T H.273, at least primaries and transfer."""
    is_srgb: bool = False
    chromaticities: tuple[float, ...] = ()
    """CIE 1931 xy of red, green, blue and white of scene-linear values."""
    interop: str = ""
    """colorInteropID of an EXR."""
    is_aces: bool = False
    """acesImageContainerFlag of an EXR (SMPTE ST 2065-4)."""


class Found(NamedTuple):
    """A space, what told it (empty where it is assumed), and what to tell the person."""

    space: str
    by: str = ""
    notes: tuple[str, ...] = ()


def find_space(said: Said, texts: Mapping[str, str]) -> Found:
    """The space of a file's colours by what it says, or else by ``studioflow:colorspace``, or else the usual one."""
    ours = texts.get(SPACE_KEY, "").strip()
    if said.interop or said.chromaticities or said.is_aces:
        return _scene(said, ours)
    by, name, label = "", None, ""
    if said.cicp:
        by, label = "cICP", "cICP " + " ".join(map(str, said.cicp))
        name = _of_cicp(said.cicp)
    if name is None and said.profile:
        by, label = "ICC profile", f'ICC profile "{description_of(said.profile)}"'
        name = space_of_profile(said.profile)
    if name is None and not said.profile and said.is_srgb:
        by, name = "sRGB mark", "sRGB"
    if name:
        stale = ours and ours != name and not _same_values(ours, name)
        note = f"{SPACE_KEY} says {ours}, the {by} says {name}: the {by} counts, it is written anew at conversions"
        return Found(name, by, (note,) if stale else ())
    if label:
        note = f"its {label} is none of the spaces that StudioFlow knows: the values are taken as {said.default}"
        return Found(said.default, "", (note,))
    if ours:
        return Found(ours, SPACE_KEY)
    return Found(said.default, "", (f"the file does not say its colour space: taken as {said.default}",))


def _scene(said: Said, ours: str) -> Found:
    """The space of an EXR that names primaries: ours where it agrees with them, for it tells the curve as well."""
    row = plain_spaces().get(ours)
    agrees = not said.chromaticities or (row is not None and _near(row.primaries, said.chromaticities))
    if row and agrees and not (said.interop and said.interop != row.interop):
        return Found(ours, SPACE_KEY)
    for space in plain_spaces().values():
        if said.interop == space.interop:
            return Found(space.name, "colorInteropID")
    if said.is_aces:
        return Found("ACES2065-1", "acesImageContainerFlag")
    for space in plain_spaces().values():
        if said.chromaticities and space.encoding == "linear" and _near(space.primaries, said.chromaticities):
            return Found(space.name, "chromaticities")
    if ours and row is None:
        # A space of somebody's own config; nothing here can contradict it.
        return Found(ours, SPACE_KEY)
    what = " ".join(f"{value:.4g}" for value in said.chromaticities) or said.interop
    note = f"its primaries ({what}) are of no space that StudioFlow knows: the values are taken as {said.default}"
    return Found(said.default, "", (note,))


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(a - b) <= _CHROMATICITY_TOLERANCE for a, b in zip(one, other, strict=True))


def _same_values(one: str, other: str) -> bool:
    """Whether two names stand for one set of primaries and one curve."""
    spaces = plain_spaces()
    return one in spaces and other in spaces and spaces[one][2:5] == spaces[other][2:5]


def _of_cicp(points: tuple[int, ...]) -> str | None:
    return next((space.name for space in plain_spaces().values() if space.cicp and space.cicp[:2] == points[:2]), None)


# ---------------------------------------------------------------- ICC


class _Profile(NamedTuple):
    colorants: tuple[float, ...]
    """XYZ of red, green and blue under D50, 9 numbers; empty where there is no matrix."""
    curves: tuple[float, ...]
    """The three curves at ``_CURVE_AT``."""
    description: str


def space_of_profile(profile: bytes) -> str | None:
    """The plain space of the same primaries and curve as an ICC profile, or of the name that it has; else None."""
    mine = _parsed(profile)
    for name in plain_spaces():
        other = _parsed(profile_of(name))
        if other.colorants and _close(mine, other):
            return name
    return next((name for name in plain_spaces() if name.casefold() == mine.description.casefold()), None)


def description_of(profile: bytes) -> str:
    """What an ICC profile calls itself, fit for one line."""
    text = "".join(letter for letter in _parsed(profile).description if letter.isprintable())
    return text[:60] or "without a name"


def _close(one: _Profile, other: _Profile) -> bool:
    pairs = (
        (one.colorants, other.colorants, _COLORANT_TOLERANCE),
        (one.curves, other.curves, _CURVE_TOLERANCE),
    )
    return all(
        len(mine) == len(theirs) and all(abs(a - b) <= most for a, b in zip(mine, theirs, strict=True))
        for mine, theirs, most in pairs
    )


@functools.lru_cache(maxsize=32)
def _parsed(profile: bytes) -> _Profile:
    """Empty where the profile is broken or has no matrix (ICC.1:2022 sections 7.3 and 10)."""
    try:
        tags = _tags(profile)
        description = _text(tags.get(b"desc", b""))
    except (struct.error, ValueError, IndexError):
        return _Profile((), (), "")
    try:
        colorants = tuple(value for name in b"rgb" for value in _fixed(tags[bytes([name]) + b"XYZ"], 8, 3))
        curves = tuple(value for name in b"rgb" for value in _curve(tags[bytes([name]) + b"TRC"]))
    except (KeyError, struct.error, ValueError, IndexError, OverflowError, ZeroDivisionError):
        return _Profile((), (), description)
    return _Profile(colorants, curves, description)


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if profile[36:40] != b"acsp":
        return {}
    count = min(struct.unpack_from(">I", profile, 128)[0], 200)
    rows = (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(count))
    return {name: profile[start : start + size] for name, start, size in rows}


def _fixed(data: bytes, start: int, count: int) -> tuple[float, ...]:
    """s15Fixed16Number"""
    return tuple(value / 65536 for value in struct.unpack_from(f">{count}i", data, start))


def _text(data: bytes) -> str:
    """Of a textDescriptionType (version 2) or the first record of a multiLocalizedUnicodeType (version 4)."""
    if data[:4] == b"mluc":
        size, start = struct.unpack_from(">II", data, 20)
        return data[start : start + size].decode("utf-16-be", "replace").strip("\0 ")
    if data[:4] == b"desc":
        size = struct.unpack_from(">I", data, 8)[0]
        return data[12 : 12 + size].decode("latin-1").strip("\0 ")
    return ""


def _curve(data: bytes) -> list[float]:
    """A curveType or a parametricCurveType at ``_CURVE_AT`` (10.6 and 10.18)."""
    if data[:4] == b"curv":
        count = struct.unpack_from(">I", data, 8)[0]
        if count == 0:
            return list(_CURVE_AT)
        table = struct.unpack_from(f">{count}H", data, 12)
        if count == 1:
            return [x ** (table[0] / 256) for x in _CURVE_AT]
        return [_between(table, x * (count - 1)) / 65535 for x in _CURVE_AT]
    kind = struct.unpack_from(">H", data, 8)[0]
    if data[:4] != b"para" or kind > 4:
        raise ValueError("no curve")
    g, a, b, c, d, e, f = (*_fixed(data, 12, (1, 3, 4, 5, 7)[kind]), *[0.0] * 7)[:7]
    if kind == 0:
        return [x**g for x in _CURVE_AT]
    if kind < 3:
        # Types 1 and 2: (aX + b)^g + c from -b/a on, else c.
        return [(a * x + b) ** g + c if x >= -b / a else c for x in _CURVE_AT]
    return [(a * x + b) ** g + e if x >= d else c * x + f for x in _CURVE_AT]


def _between(table: Sequence[int], at: float) -> float:
    low = min(int(at), len(table) - 2)
    return table[low] + (table[low + 1] - table[low]) * (at - low)
