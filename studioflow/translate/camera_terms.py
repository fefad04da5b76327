"""The camera of a brief: lens, sensor, height, side, tilt, framing, and the numbers of the render."""

from __future__ import annotations

import math

from ..studio.words import entries
from .directions import Direction, directions
from .reading import Hit, Reading, plain, value_of
from .terms import longest

_NUMBERS = ("aperture", "focus_distance_m", "distance_m", "iso", "exposure_time_s")
_RENDER = ("aspect_ratio", "size", "megapixels", "images", "seed", "steps", "cfg")
_FROM_SIDE_DEG = {"above": 45.0, "below": -20.0}
_FAR = 4
"""Tokens between a camera term and its degrees."""
_SIZES = (
    "extreme close-up",
    "close-up",
    "medium close-up",
    "medium shot",
    "medium full shot",
    "full shot",
    "wide shot",
    "extreme wide shot",
)


def read_camera(reading: Reading) -> None:
    """Adds what the brief says of its camera, and claims the words."""
    _add_focal_length(reading)
    for group in _NUMBERS:
        _add_number(reading, group)
    _add_first(reading, "sensor")
    _add_angles(reading)
    _add_shot(reading)


def read_render(reading: Reading) -> None:
    """Adds aspect ratio, size, count, seed, steps and cfg."""
    for group in _RENDER:
        _add_first(reading, group)


def _of(reading: Reading, group: str) -> list[Hit]:
    return reading.latest([hit for hit in reading.hits if hit.group == group])


def _add_first(reading: Reading, group: str) -> None:
    hits = _of(reading, group)
    if hits:
        first = hits[0]
        same = [(hit.start, hit.end) for hit in hits if hit.value == first.value]
        reading.add(group, first.value, same, first.note)
        _let_go(reading, [hit for hit in hits if hit.value != first.value])


def _let_go(reading: Reading, hits: list[Hit]) -> None:
    """A second value for one field stays unused words."""
    for hit in hits:
        for index in range(hit.start, hit.end):
            if reading.owner[index] == hit.group:
                reading.owner[index] = "second"


def _add_number(reading: Reading, group: str) -> None:
    """The first value in digits, else the first by a word."""
    hits = sorted(_of(reading, group), key=lambda hit: isinstance(hit.value, str))
    if hits:
        first = hits[0]
        words = [(hit.start, hit.end) for hit in hits[1:] if isinstance(hit.value, str) or hit.value == first.value]
        value = first.value if group == "exposure_time_s" else plain(float(first.value))
        reading.add(group, value, [(first.start, first.end), *words], first.note)
        _let_go(reading, [hit for hit in hits[1:] if not isinstance(hit.value, str)])


def _add_focal_length(reading: Reading) -> None:
    hits = _of(reading, "focal_length_mm")
    said = [hit for hit in hits if not isinstance(hit.value, str)]
    kinds = _of(reading, "lens_preset")
    # Of a zoom and a length that it is set to, the length is the one.
    set_to = [hit for hit in said if not hit.note] or said or hits
    if set_to:
        first = set_to[0]
        zooms = [(hit.start, hit.end) for hit in said if hit.note and hit is not first]
        words = [(hit.start, hit.end) for hit in hits if isinstance(hit.value, str) and hit is not first]
        reading.add(
            "focal_length_mm", plain(float(first.value)), [(first.start, first.end), *zooms, *words], first.note
        )
        _let_go(reading, [hit for hit in said if hit is not first and not hit.note and hit.value != first.value])
    if kinds:
        kind, note = kinds[0], ""
        preset = kind.value
        if said:
            row = entries("lenses")[preset]
            preset = _nearest(row["kind"], float(set_to[0].value))
            note = f"the {row['kind']} nearest to {set_to[0].value} mm" if preset != kind.value else ""
        reading.add("lens_preset", preset, [(hit.start, hit.end) for hit in kinds if hit.value == kind.value], note)


def _nearest(kind: str, focal_length_mm: float) -> str:
    """The lens of a kind, by the word on it, that is nearest to a focal length."""
    word = kind.split()[0]
    rows = {key: row for key, row in entries("lenses").items() if word.replace("-", "_") in key}
    rows = {key: row for key, row in rows.items() if row.get("kind") == kind}
    return min(rows, key=lambda key: abs(rows[key]["focal_length_mm"] - focal_length_mm))


def _add_angles(reading: Reading) -> None:
    elevations, azimuths, rolls = (_of(reading, f"{name}_deg") for name in ("elevation", "azimuth", "roll"))
    elevation = _angle(reading, elevations[0]) if elevations else None
    azimuth = _angle(reading, azimuths[0]) if azimuths else None
    if rolls:
        value, where = _angle(reading, rolls[0])
        reading.add("roll_deg", plain(value), where)
    for direction in directions(reading):
        beside = _beside(reading, direction, azimuths)
        headed = beside or _has_camera(reading, direction)
        said_elevation, said_azimuth = _camera_angles(direction, bool(headed))
        where = (direction.start, direction.end)
        if beside and direction.side:
            magnitude = direction.degrees.get(direction.side, abs(float(beside.value)))
            if magnitude not in (0.0, 180.0):
                sign = -1.0 if direction.side == "left" else 1.0
                azimuth = (sign * magnitude, [(beside.start, beside.end), where])
                said_azimuth = None
        if (
            said_elevation is not None
            and (headed or direction.from_there or direction.degrees)
            and not (elevation and not direction.degrees)
        ):
            elevation = (said_elevation, [where])
        if said_azimuth is not None and azimuth is None:
            azimuth = (said_azimuth, [where])
        if any(where in places for _, places in filter(None, (elevation, azimuth))):
            reading.claim(*where, "camera")
    if elevation:
        reading.add("elevation_deg", plain(elevation[0]), elevation[1])
    if azimuth:
        reading.add("azimuth_deg", plain(azimuth[0]), azimuth[1])


def _beside(reading: Reading, direction: Direction, azimuths: list[Hit]) -> Hit | None:
    """The side of the subject that a direction stands directly beside: three-quarter from the left, left profile."""
    for hit in azimuths:
        between = reading.words[hit.end : direction.start] if hit.end <= direction.start else None
        if between is not None and len(between) <= 1 and all(word == "," for word in between):
            return hit
        if direction.end == hit.start:
            return hit
    return None


def _has_camera(reading: Reading, direction: Direction) -> bool:
    """Whether a camera word stands before a direction in its clause, with nothing but small words between."""
    at = direction.start
    if reading.words[at] == "camera" and (direction.degrees or direction.bare_degrees):
        return True
    for _ in range(4):
        if at == 0 or (reading.breaks[at - 1] and reading.words[at - 1] != ":"):
            return False
        if reading.phrase_before("camera", at) < at:
            return True
        if direction.from_there and reading.owner[at - 1] in ("shot", "elevation_deg", "distance_m"):
            return True
        if reading.words[at - 1] != ":" and not (
            reading.is_word(at - 1, "between_light_and_direction") or reading.is_word(at - 1, "direction_filler")
        ):
            return False
        at -= 1
    return False


def _camera_angles(direction: Direction, headed: bool) -> tuple[float | None, float | None]:
    """Elevation and azimuth of a camera in a direction, None for what it does not say."""
    sides, degrees = direction.sides, direction.degrees
    elevation: float | None = None
    azimuth: float | None = None
    for side, usual in _FROM_SIDE_DEG.items():
        if side in sides:
            elevation = degrees[side] * (1 if usual > 0 else -1) if side in degrees else usual
    if elevation is None and headed:
        for side, sign in (("high", 1.0), ("low", -1.0)):
            if side in sides and direction.degrees.get(side) is not None:
                elevation = sign * degrees[side]
    if "behind" in sides and direction.from_there:
        azimuth = 180.0
    elif "side" in sides and direction.from_there and not direction.side:
        azimuth = 90.0
    elif "front" in sides and direction.from_there:
        azimuth = 0.0
    if direction.side and headed and (direction.from_there or direction.side in degrees or direction.bare_degrees):
        magnitude = degrees.get(direction.side, direction.bare_degrees or 90.0)
        azimuth = -magnitude if direction.side == "left" else magnitude
    return elevation, azimuth


def _angle(reading: Reading, hit: Hit) -> tuple[float, list[tuple[int, int]]]:
    """The angle of a camera term and its words: in degrees where they stand beside it, else what it stands for.

    Low angle, 15°; high angle of 30 degrees; 俯拍30度; 10 degree dutch tilt. The sign is the term's own.
    """
    usual = float(hit.value)
    found = None if usual == 0.0 else _degrees_behind(reading, hit.end) or _degrees_before(reading, hit.start)
    if not found or not 0.0 < found[0] <= (90.0 if hit.group == "elevation_deg" else 180.0):
        return usual, [(hit.start, hit.end)]
    degrees, start, end = found
    start, end = min(start, hit.start), max(end, hit.end)
    for index in range(start, end):
        reading.owner[index] = reading.owner[index] or hit.group
    return math.copysign(degrees, usual), [(start, end)]


def _degrees_behind(reading: Reading, end: int) -> tuple[float, int, int] | None:
    """Degrees behind a token, with nothing but small words or one mark between, that no side or light follows."""
    at, marks = end, 0
    while at < len(reading.words) and at < end + _FAR and not reading.owner[at]:
        if reading.tokens[at].kind == "number":
            break
        mark = reading.words[at] in (",", "(", ":", "-", "\u3001", "\u2014")
        small = max(reading.phrase("direction_filler", at), reading.phrase("stop", at), reading.phrase("lens", at))
        marks += mark
        if marks > 1 or not (mark or small > at):
            return None
        at = at + 1 if mark else small
    if at >= len(reading.words) or reading.owner[at] or reading.tokens[at].kind != "number":
        return None
    if reading.unit(at + 1) != "degree":
        return None
    after = reading.after_unit(at + 1)
    behind = after
    while (small := reading.phrase("direction_filler", behind)) > behind:
        behind = small
    sided = bool(longest(reading.terms.directions, reading.words, behind)[1])
    lit = any(reading.phrase(role, after) > after for role in ("light", "key"))
    if sided or lit or (marks and after < len(reading.words) and not reading.breaks[after]):
        return None
    return value_of(reading.words[at]), end, after


def _degrees_before(reading: Reading, start: int) -> tuple[float, int, int] | None:
    """Degrees directly before a token: 30 degree high angle."""
    for unit in range(max(1, start - 2), start):
        if reading.unit(unit) == "degree" and reading.after_unit(unit) == start:
            number = unit - 1
            if reading.tokens[number].kind == "number" and reading.owner[number] in ("", "camera"):
                return value_of(reading.words[number]), number, start
    return None


def _add_shot(reading: Reading) -> None:
    hits = _of(reading, "shot")
    sizes = [hit for hit in hits if hit.value in _SIZES]
    others = [hit for hit in hits if hit.value not in _SIZES]
    phrases = dict.fromkeys(hit.value for hit in sizes[:1] + others)
    if phrases:
        reading.add("shot", list(phrases), [(hit.start, hit.end) for hit in hits if hit.value in phrases])
