"""SMPTE timecode: the label of a later frame. Source: SMPTE ST 12-1:2014, sections 5 and 6 (drop-frame counting)."""

from __future__ import annotations

import re

from ..errors import StudioFlowError

_FORM = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d)")


def advance(timecode: str, frames: int, frames_per_second: float) -> str:
    """``HH:MM:SS:FF``, or ``HH:MM:SS;FF`` where frame numbers are dropped, ``frames`` frames later; over midnight it
    begins again.

    Counts in whole frames, so 23.976 as 24. StudioFlowError for what is no timecode at that rate; dropping is defined
    for 29.97 and 59.94 alone.

    >>> advance("00:00:59;28", 2, 29.97)
    '00:01:00;02'
    """
    base = round(frames_per_second)
    match = _FORM.fullmatch(timecode)
    if not match or base < 1:
        raise _no_timecode(timecode, "HH:MM:SS:FF or HH:MM:SS;FF, with a frame rate of 1 or more")
    hours, minutes, seconds, number = (int(match[index]) for index in (1, 2, 3, 5))
    if hours > 23 or minutes > 59 or seconds > 59 or number >= base:
        raise _no_timecode(timecode, f"at most 23:59:59:{base - 1:02} at {frames_per_second:g} frames a second")
    dropped = _dropped_a_minute(match[4], base, timecode)
    if dropped and seconds == 0 and number < dropped and minutes % 10:
        raise _no_timecode(timecode, f"frame {dropped} first: each minute but every tenth leaves out those before it")
    whole_minutes = hours * 60 + minutes
    count = (whole_minutes * 60 + seconds) * base + number - dropped * (whole_minutes - whole_minutes // 10)
    return _label(count + frames, base, dropped)


def _label(count: int, base: int, dropped: int) -> str:
    in_a_minute, in_ten = base * 60 - dropped, base * 600 - dropped * 9
    count %= in_ten * 6 * 24
    tens, rest = divmod(count, in_ten)
    # The first minute of each ten is a whole one.
    count += dropped * 9 * tens + dropped * max(0, (rest - dropped) // in_a_minute)
    seconds, number = divmod(count, base)
    separator = ";" if dropped else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{number:02}"


def _dropped_a_minute(separator: str, base: int, timecode: str) -> int:
    if separator == ":":
        return 0
    if base not in (30, 60):
        raise _no_timecode(timecode, "dropped frame numbers (;) at 29.97 and 59.94 frames a second alone")
    return base // 15


def _no_timecode(timecode: str, allowed: str) -> StudioFlowError:
    return StudioFlowError("this is no timecode", where="timecode", found=f'"{timecode}"', allowed=allowed)
