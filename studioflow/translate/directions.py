"""Directions in words and degrees, and what they belong to: a light, the camera, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .reading import Reading, value_of
from .terms import longest

_SIDES = ("left", "right")
_MOST = 16
"""Tokens that one direction may have."""


class Direction(NamedTuple):
    """Tokens ``start`` to ``end`` with the sides they name; degrees where they are said, by the side they belong to."""

    start: int
    end: int
    sides: frozenset[str]
    degrees: dict[str, float]
    bare_degrees: float | None
    clock: int | None
    from_there: bool

    @property
    def side(self) -> str:
        """left, right or neither."""
        return next((side for side in _SIDES if side in self.sides), "")


def directions(reading: Reading) -> Iterator[Direction]:
    """The directions of a brief in their order, but for those in words that somebody owns when their turn comes."""
    index = 0
    openings = (reading.terms.directions, reading.terms.words["direction_filler"])
    while index < len(reading.words):
        opens = reading.tokens[index].kind == "number" or any(reading.words[index] in trie for trie in openings)
        if reading.owner[index] or not opens:
            index += 1
            continue
        direction, looked_to = _direction_at(reading, index)
        if direction:
            yield direction
        index = max(index + 1, direction.end if direction else looked_to)


def _direction_at(reading: Reading, start: int) -> tuple[Direction | None, int]:
    """The direction that begins at a token: from the upper left, 45° left and 30° high, at 10 o'clock.

    Trailing small words belong to it only before another direction word. Also the token up to which there is none.
    """
    words, tokens = reading.words, reading.tokens
    sides: set[str] = set()
    degrees: dict[str, float] = {}
    bare: float | None = None
    clock: int | None = None
    end, at = start, start
    last_side, pending = "", None
    while at < len(words) and at - start < _MOST and not reading.owner[at]:
        if tokens[at].kind == "number":
            if words[at + 1 : at + 2] == ["o'clock"] and 1 <= value_of(words[at]) <= 12:
                clock, at = int(value_of(words[at])), at + 2
            elif reading.unit(at + 1) == "degree" and pending is None:
                pending, at = value_of(words[at]), reading.after_unit(at + 1)
                if words[at : at + 1] == ["angle"]:
                    at += 1
            else:
                break
            end = at
            continue
        after, meanings = longest(reading.terms.directions, words, at)
        if meanings and after <= (trap := reading.trap_end[at]) and words[trap : trap + 1] != ["side"]:
            break
        if meanings:
            found = meanings[0].value.split()
            sides |= set(found)
            at = end = after
            last_side = found[-1]
            if pending is not None:
                degrees[last_side], pending = pending, None
        elif (after := reading.phrase("direction_filler", at)) > at:
            at = after
        elif words[at] == "," and at > start and _continues(reading, at + 1):
            at += 1
        else:
            break
    if pending is not None:
        if last_side:
            degrees[last_side] = pending
        else:
            bare = pending
    if not sides and bare is None and clock is None:
        return None, at if at - start < _MOST else start + _MOST // 2
    while end < len(words) and not reading.owner[end] and words[end] in ("side", "hand", "degrees"):
        end += 1
    from_there = any(reading.is_word(index, "from") for index in range(start, min(end + 1, len(words))))
    return Direction(start, end, frozenset(sides), degrees, bare, clock, from_there), end


def _continues(reading: Reading, at: int) -> bool:
    """Whether degrees with a side follow a comma, or a height alone: camera left, 45° high."""
    if reading.words[at : at + 1] in (["high"], ["low"]):
        return at + 1 >= len(reading.words) or reading.breaks[at + 1]
    if at + 2 >= len(reading.words) or reading.tokens[at].kind != "number" or reading.unit(at + 1) != "degree":
        return False
    return bool(longest(reading.terms.directions, reading.words, at + 2)[1])


def key_angles(direction: Direction) -> tuple[float | None, float | None]:
    """Azimuth and elevation of a light from a direction, None for what it does not say.

    Seen from the camera, left negative: left 75 degrees to the left, front left 45, upper left 45 and 50 high, behind
    180, above 80 high in the middle, below 45 from below.
    """
    sides, degrees = direction.sides, direction.degrees
    azimuth: float | None = None
    elevation: float | None = None
    sign = -1.0 if "left" in sides else 1.0
    high = "high" in sides or "low" in sides
    if "left" in sides or "right" in sides:
        upper = "high" in sides and "high" not in degrees
        off = 135.0 if "behind" in sides else 45.0 if "front" in sides or upper else 75.0
        azimuth = sign * degrees.get("left", degrees.get("right", direction.bare_degrees or off))
    elif "behind" in sides:
        azimuth = 180.0
    elif "front" in sides:
        azimuth = 0.0
    elif "side" in sides and not sides & {"above", "below"}:
        azimuth = -degrees.get("side", 75.0)
    if direction.clock is not None:
        azimuth = direction.clock * 30.0 - (360.0 if direction.clock > 6 else 0.0)
        azimuth = 0.0 if direction.clock == 12 else azimuth
    if "above" in sides:
        elevation = degrees.get(
            "above", 80.0 if azimuth is None or not sides & {"left", "right", "front", "behind"} else 50.0
        )
        if azimuth is None and "above" not in degrees:
            azimuth = 0.0
    elif "below" in sides:
        elevation = -degrees.get("below", 45.0)
    elif high:
        elevation = degrees.get("high", 50.0 if "high" in sides else 0.0)
    return azimuth, elevation
