"""Keyframes of a camera path as lines of text, and smooth curves through them.

The curves are monotone piecewise cubics (PCHIP): they go through every keyframe and never beyond its neighbours, so
that a camera that is meant to stop at 30 degrees does not swing past them.
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import EditError, did_you_mean
from ..resources import table
from .words import signed_deg

MAX_KEYFRAMES = 100
WAYS = ("shortest", "as given")
_LINE = re.compile(r"([-+]?\d{1,6}(?:\.\d{1,9})?)\s*(%?)\s*:(.*)")
_VALUE = re.compile(r"([A-Za-z_ ]{1,30}?)\s*[=:]?\s*([-+]?\d{1,9}(?:\.\d{1,9})?)\s*[A-Za-z°]{0,8}")
_EXAMPLE = "0: azimuth 0, elevation 10, distance 2"


class Keyframe(NamedTuple):
    """What the camera does at a moment: ``values`` by name (``keyframe_values`` in camera_moves.json)."""

    at: float
    """The frame, counted from 0; a part of the whole path (0..1) where ``relative``."""
    relative: bool
    values: dict[str, float]
    line: int
    """Of the text, from 1."""


Track = list[tuple[float, float]]
"""Moments in frames, strictly increasing, and the value of one quantity at each."""


def parse_keyframes(text: str) -> list[Keyframe]:
    """Keyframes as lines of text; EditError with the number of the line.

    ``0: azimuth 0, elevation 10, distance 2`` names the frame, counted from 0; ``50%: …`` a part of the whole path.
    Names are azimuth and elevation and roll (degrees), distance (metres) and focal length (mm). A value that a line
    leaves out comes from the lines before and behind it; one that no line gives stays the camera's own. Empty lines
    and lines that begin with # count for nothing.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    keyframes = [_keyframe(number, line) for number, line in lines if line and not line.startswith("#")]
    if not 1 <= len(keyframes) <= MAX_KEYFRAMES:
        raise EditError(
            "a path needs keyframes" if not keyframes else "too many keyframes",
            where="keyframes",
            found=f"{len(keyframes)} keyframes",
            allowed=f"1 to {MAX_KEYFRAMES} lines",
            fix=f"write for example {_EXAMPLE}",
        )
    return keyframes


def tracks(keyframes: Sequence[Keyframe], frames: int, way: str) -> dict[str, Track]:
    """For each quantity that any keyframe gives, its moments in frames and its values, ready for ``through``.

    ``way`` "shortest" lets the azimuth take the shorter way round between keyframes; "as given" takes the numbers as
    they are, so that 0 to 720 is two turns. EditError where a keyframe lies outside the path or two share a moment.
    """
    found: dict[str, Track] = {}
    last = None
    for keyframe in keyframes:
        moment = keyframe.at * (frames - 1) if keyframe.relative else keyframe.at
        _require_order(keyframe, moment, last, frames)
        last = moment
        for name, value in keyframe.values.items():
            track = found.setdefault(name, [])
            if name == "azimuth_deg" and way == "shortest" and track:
                value = track[-1][1] + signed_deg(value - track[-1][1])
            track.append((moment, value))
    return found


def through(track: Track, moment: float) -> float:
    """The value of a smooth curve through all points of a track; before the first and behind the last it holds.

    Monotone piecewise cubic Hermite: F. N. Fritsch and R. E. Carlson, "Monotone Piecewise Cubic Interpolation", SIAM
    J. Numer. Anal. 17 (1980), with the slopes of F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984).
    """
    moments = [at for at, _ in track]
    if moment <= moments[0] or len(track) == 1:
        return track[0][1]
    if moment >= moments[-1]:
        return track[-1][1]
    index = bisect.bisect_right(moments, moment) - 1
    (begin, first), (end, second) = track[index], track[index + 1]
    width = end - begin
    t = (moment - begin) / width
    slopes = [_slope(track, index), _slope(track, index + 1)]
    return (
        first * (1 + 2 * t) * (1 - t) ** 2
        + second * t * t * (3 - 2 * t)
        + width * t * (1 - t) * (slopes[0] * (1 - t) - slopes[1] * t)
    )


def _slope(track: Track, index: int) -> float:
    """The curve's slope at a point: none at a turning point, else a weighted harmonic mean of both sides' slopes."""
    if len(track) == 2:
        return _secant(track, 0)
    if index in (0, len(track) - 1):
        near, far = (0, 1) if index == 0 else (len(track) - 2, len(track) - 3)
        return _end_slope(_width(track, near), _width(track, far), _secant(track, near), _secant(track, far))
    before, behind = _secant(track, index - 1), _secant(track, index)
    if before * behind <= 0:
        return 0.0
    narrow, wide = _width(track, index - 1), _width(track, index)
    weight, other = 2 * wide + narrow, wide + 2 * narrow
    return (weight + other) / (weight / before + other / behind)


def _end_slope(near_width: float, far_width: float, near: float, far: float) -> float:
    """Slope at an end, from three points (one-sided parabola), limited so that the curve stays monotone."""
    slope = ((2 * near_width + far_width) * near - near_width * far) / (near_width + far_width)
    if slope * near <= 0:
        return 0.0
    if near * far <= 0 and abs(slope) > 3 * abs(near):
        return 3 * near
    return slope


def _width(track: Track, index: int) -> float:
    return track[index + 1][0] - track[index][0]


def _secant(track: Track, index: int) -> float:
    return (track[index + 1][1] - track[index][1]) / _width(track, index)


def _keyframe(number: int, line: str) -> Keyframe:
    head = _LINE.fullmatch(line)
    if not head or not head[3].strip():
        raise _no_keyframe(number, line, "this is no keyframe")
    values: dict[str, float] = {}
    for part in head[3].split(","):
        found = _VALUE.fullmatch(part.strip())
        if not found:
            raise _no_keyframe(number, part.strip(), "a value of a keyframe is a name and a number")
        name = _name(found[1], number)
        if name in values:
            raise _no_keyframe(number, part.strip(), "the keyframe gives a value twice")
        values[name] = float(found[2])
    at = float(head[1])
    return Keyframe(at / 100.0 if head[2] else at, bool(head[2]), values, number)


def _name(given: str, number: int) -> str:
    names: dict[str, str] = table("studio/camera_moves.json")["keyframe_values"]
    key = given.strip().casefold().replace("_", " ")
    if key not in names:
        raise EditError(
            "a camera has no such value",
            where=f"keyframes, line {number}",
            found=f'"{given.strip()}"',
            allowed=", ".join(names),
            fix=did_you_mean(key, names),
        )
    return names[key]


def _require_order(keyframe: Keyframe, moment: float, last: float | None, frames: int) -> None:
    where = f"keyframes, line {keyframe.line}"
    if not 0 <= moment <= frames - 1 + 1e-9 or not math.isfinite(moment):
        raise EditError(
            "the keyframe lies outside the path",
            where=where,
            found=f"{keyframe.at * 100:g}%" if keyframe.relative else f"frame {keyframe.at:g}",
            allowed=f"frame 0 to {frames - 1}, or 0% to 100%",
            fix="make more frames, or name an earlier frame",
        )
    if last is not None and moment <= last:
        raise EditError(
            "keyframes must follow each other",
            where=where,
            found=f"frame {moment:g} behind frame {last:g}",
            allowed="each line later than the line before",
            fix="sort the lines, and give each frame one line",
        )


def _no_keyframe(number: int, found: str, problem: str) -> EditError:
    return EditError(
        problem,
        where=f"keyframes, line {number}",
        found=f'"{found[:80]}"',
        allowed="a frame or a percentage, a colon, then names and numbers with commas between them",
        fix=f"write for example {_EXAMPLE}",
    )
