"""The lights of a brief: where the key stands, what it is, its colour, and the lights beside it."""

from __future__ import annotations

from ..studio.lighting import family_of, key_of, lights_of
from .directions import Direction, directions, key_angles
from .reading import Hit, Reading, plain
from .recognise import LIGHT_GROUPS

_HEAD_DISTANCE = 7
"""Tokens between a light and its direction."""
_POSTPOSITIONS = 4
"""Small words between a direction and the light behind it, as Japanese has them."""
_STAGE = ("camera", "screen", "stage", "frame", "from")
"""Words that begin a side which nothing but a light has."""
_RIM_DEG, _HALF, _QUARTER = 150.0, 0.5, 0.25


class _Key:
    """What was said of the key light, and by which tokens."""

    def __init__(self) -> None:
        self.azimuth: float | None = None
        self.elevation: float | None = None
        self.azimuth_from: list[tuple[int, int]] = []
        self.elevation_from: list[tuple[int, int]] = []

    def turn(
        self,
        azimuth: float | None,
        elevation: float | None,
        where: list[tuple[int, int]],
        named: Hit | None = None,
    ) -> None:
        """Takes angles where none are known; a side light or top light that a direction goes with stands there."""
        if named and named.group == "key_direction" and azimuth is not None and self.azimuth != 180.0:
            self.azimuth = None
        if azimuth is not None and self.azimuth is None:
            self.azimuth, self.azimuth_from = azimuth, where
        if elevation is not None and self.elevation is None:
            self.elevation, self.elevation_from = elevation, where


def read_lights(reading: Reading) -> None:
    """Adds what the brief says of its lights, and claims the words."""
    at_token = {hit.start: hit for hit in reading.hits}
    by_end = {hit.end: hit for hit in reading.hits}
    key = _Key()
    rim: dict[str, tuple[float, tuple[int, int]]] = {}
    for hit in reading.hits:
        if hit.group == "key_direction":
            azimuth, _, elevation = hit.value.partition(" ")
            angle = None if azimuth == "-" else float(azimuth)
            key.turn(angle, float(elevation) if elevation else None, [(hit.start, hit.end)])
    degrees: dict[tuple[str, int, int], Direction] = {}
    for direction in directions(reading):
        head = _head(reading, direction, by_end, at_token)
        if head is None:
            continue
        group, start, end = head
        if not direction.sides and direction.clock is None:
            degrees[head] = direction
            continue
        if head in degrees and direction.bare_degrees is None and not direction.degrees:
            # 45° key light from the left: the degrees before a light are those of the side behind it.
            first = degrees[head]
            direction = direction._replace(start=first.start, bare_degrees=first.bare_degrees)
        where = [(min(start, direction.start), max(end, direction.end))]
        if group == "rim":
            if direction.side:
                rim["rim"] = ((-1.0 if direction.side == "left" else 1.0) * _RIM_DEG, where[0])
        elif group == "key":
            key.turn(*key_angles(direction), where, named=by_end.get(end) or at_token.get(start))
        reading.claim(*where[0], "light")
    _add_key(reading, key)
    _add_roles(reading, rim)
    _add_names(reading)


def _head(
    reading: Reading, direction: Direction, by_end: dict[int, Hit], at_token: dict[int, Hit]
) -> tuple[str, int, int] | None:
    """The light that a direction belongs to: key, rim or other, with its tokens. None for the camera or nothing."""
    at = direction.start
    for _ in range(_HEAD_DISTANCE):
        hit = by_end.get(at)
        if hit and hit.group in LIGHT_GROUPS:
            return _which(hit), hit.start, hit.end
        if hit and hit.group == "time_of_day" and reading.phrase_before("light", at) >= hit.start < at:
            return "key", hit.start, at
        if hit and hit.group not in ("fill_intensity", "stops", "color_temperature_k"):
            break
        if hit:
            at = hit.start
            continue
        if at == 0:
            break
        before = at - 1
        light = (
            reading.phrase_before("key", at) if not reading.owner[before] or reading.owner[before] == "helper" else at
        )
        if light == at and not reading.owner[before]:
            light = reading.phrase_before("light", at)
        if light < at:
            return "key", light, at
        behind_comma = at == direction.start and reading.words[before] == "," and _goes_on(reading, direction, by_end)
        if reading.words[before] in (":", "-", "=") or behind_comma:
            at = before
        elif reading.is_word(before, "between_light_and_direction") or reading.is_word(before, "direction_filler"):
            at = before
        else:
            break
    before = by_end.get(direction.start)
    if before and before.group in ("azimuth_deg", "shot", "elevation_deg", "location"):
        return None
    at = direction.end
    while at < min(direction.end + _POSTPOSITIONS, len(reading.words)):
        hit = at_token.get(at)
        if hit and hit.group in LIGHT_GROUPS:
            return _which(hit), hit.start, hit.end
        after = max(reading.phrase("key", at), reading.phrase("light", at))
        if after > at:
            return "key", at, after
        small = max(reading.phrase("from", at), reading.phrase("direction_filler", at))
        if small == at:
            break
        at = small
    return None


def _goes_on(reading: Reading, direction: Direction, by_end: dict[int, Hit]) -> bool:
    """Whether a direction behind a comma is that of the light before it: hard light, camera left."""
    light = by_end.get(direction.start - 1)
    if light is None or light.group not in LIGHT_GROUPS:
        return False
    return reading.words[direction.start] in _STAGE if direction.side else light.group == "light_quality"


def _which(hit: Hit) -> str:
    if hit.group != "roles":
        return "key"
    return "rim" if hit.value == "rim" else "other"


def _add_key(reading: Reading, key: _Key) -> None:
    if key.azimuth is not None:
        reading.add("key_azimuth_deg", plain(key.azimuth), key.azimuth_from)
    if key.elevation is not None:
        reading.add("key_elevation_deg", plain(key.elevation), key.elevation_from)


def _add_roles(reading: Reading, rim: dict[str, tuple[float, tuple[int, int]]]) -> None:
    spoken: dict[str, list[tuple[int, int]]] = {}
    for hit in reading.hits:
        if hit.group == "roles":
            spoken.setdefault(hit.value, []).append((hit.start, hit.end))
            if hit.value == "fill":
                _add_fill(reading, hit)
        elif hit.group == "fill_intensity":
            spoken.setdefault("fill", []).append((hit.start, hit.end))
    if spoken:
        reading.add("roles", list(spoken), [where for places in spoken.values() for where in places])
    if "rim" in spoken:
        angle, where = rim.get("rim", (_RIM_DEG, spoken["rim"][0]))
        reading.add("rim_azimuth_deg", plain(angle), [where])
    for hit in reading.hits:
        if hit.group == "fill_intensity":
            reading.add("fill_intensity", hit.value, [(hit.start, hit.end)])
            break


def _add_fill(reading: Reading, fill: Hit) -> None:
    """How strong the fill is, where its clause says so: in stops under the key, or as a part of its power."""
    if reading.has("fill_intensity"):
        return
    clause_end = fill.end
    while clause_end < len(reading.words) and (
        not reading.breaks[clause_end] or reading.words[clause_end] in (":", "-")
    ):
        clause_end += 1
    clause = range(reading.clause_start(fill.start), clause_end)
    for hit in reading.hits:
        if hit.group == "stops" and hit.start in clause:
            end = max(reading.phrase("key", hit.end), reading.phrase("power", hit.end))
            if end == hit.end and reading.words[end : end + 1] == ["the"]:
                end = reading.phrase("key", end + 1)
            reading.claim(hit.start, end, "fill_intensity")
            reading.add(
                "fill_intensity",
                plain(round(2.0**hit.value, 6)),
                [(fill.start, fill.end), (hit.start, max(end, hit.end))],
            )
            reading.hits.remove(hit)
            return
    for at in clause:
        if reading.owner[at] and reading.owner[at] != "light":
            continue
        for role, part in (("half", _HALF), ("quarter", _QUARTER)):
            end = reading.phrase(role, at)
            if end > at and reading.unit(end) == "hundredth":
                end = reading.after_unit(end)
            power = reading.phrase("power", end) if end > at else end
            if power > end or (
                end > at and reading.words[at : at + 1] != ["half"] and reading.unit(end - 1) == "hundredth"
            ):
                reading.claim(at, power, "fill_intensity")
                reading.add("fill_intensity", part, [(fill.start, fill.end), (at, power)])
                return
        number = reading.number(at)
        if number and reading.unit(number[0]) == "hundredth" and 0 < number[1] <= 100:
            end = reading.phrase("power", reading.after_unit(number[0]))
            reading.claim(at, end, "fill_intensity")
            reading.add("fill_intensity", plain(number[1] / 100.0), [(fill.start, fill.end), (at, end)])
            return


def _is_of_fire(reading: Reading) -> bool:
    """Whether the setup is lit by flames, which have the one colour that they have."""
    setup = next((found.value for found in reading.found if found.field == "setup"), None)
    key = key_of(lights_of({"setup": setup})) if setup else None
    return key is not None and family_of(key) == "fire"


def _is_of_other(reading: Reading, kelvin: Hit) -> bool:
    """Whether a colour temperature stands before a light that is not the key: 3200K rim."""
    return any(hit.group == "roles" and hit.start == kelvin.end for hit in reading.hits)


def _add_names(reading: Reading) -> None:
    """Setup, time of day, type and colour of the key: the first of each that was said."""
    for group in ("setup", "time_of_day", "key_type"):
        hits = reading.latest([hit for hit in reading.hits if hit.group == group])
        if hits:
            reading.add(group, hits[0].value, [(hit.start, hit.end) for hit in hits if hit.value == hits[0].value])
    kelvins = [hit for hit in reading.hits if hit.group == "color_temperature_k" and not _is_of_other(reading, hit)]
    kelvins.sort(key=lambda hit: not isinstance(hit.value, (int, float)))
    if kelvins and not _is_of_fire(reading):
        first = kelvins[0]
        reading.add("color_temperature_k", plain(float(first.value)), [(first.start, first.end)], first.note)
    quality = next((hit for hit in reading.hits if hit.group == "light_quality"), None) or _quality_before(reading)
    if quality and not any(map(reading.has, ("setup", "time_of_day", "key_type"))):
        kind = {"soft": "softbox", "very_soft": "scrim", "hard": "bare_bulb"}[quality.value]
        reading.add("key_type", kind, [(quality.start, quality.end)], f"{quality.value.replace('_', ' ')} light")


def _quality_before(reading: Reading) -> Hit | None:
    """A quality directly before a light that names its direction: soft overhead light."""
    for hit in reading.hits:
        for role in ("soft", "hard") if hit.group == "key_direction" else ():
            start = reading.phrase_before(role, hit.start)
            if start < hit.start and not reading.owner[start]:
                reading.claim(start, hit.start, "light")
                return Hit(start, hit.end, "light_quality", role)
    return None
