"""Measures of a brief: numbers with their units, and focal lengths and f-numbers that people say without one."""

from __future__ import annotations

import math

from .reading import Hit, Reading, plain, value_of

_DASHES = frozenset("-\u2013\u2014~\u2012\u301c\uff5e")
_PRIMES = frozenset(
    (14, 16, 18, 20, 21, 24, 28, 35, 40, 45, 50, 55, 58, 60, 65, 75, 80, 85, 90, 100, 105, 110, 120, 135)
)
_PRIMES |= {150, 180, 200, 250, 300, 400, 500, 600}
_ZOOMS = frozenset(
    "70-200 24-70 16-35 24-105 100-400 18-55 14-24 28-70 24-120 70-300 150-600 12-24 28-135 35-70 55-200 80-200 50-140 "
    "16-55 17-40 200-600 28-75 18-200 70-180 10-24 12-40 40-150 24-200 18-35 17-55 100-500 15-35 28-105".split()
)
BEFORE_PRIMES = frozenset(("an", "a", "the", "my", "lens"))
"""Words before a focal length that has no unit: an 85."""
F_WORDS = ("f", "t", "t/")
_STOPS = (0.95, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.2, 3.5, 4.0, 4.5, 5.0, 5.6, 6.3, 7.1, 8.0, 9.0)
_STOPS += (10.0, 11.0, 13.0, 14.0, 16.0, 18.0, 20.0, 22.0, 25.0, 29.0, 32.0, 36.0, 40.0, 45.0, 51.0, 57.0, 64.0)
"""The usual scale of f-numbers in thirds of a stop."""
_METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0, "inch": 0.0254, "foot": 0.3048}
_SIZES = (("tall", "height_m"), ("wide", "width_m"), ("long", "length_m"), ("deep", "depth_m"))
_OF = frozenset(("of", "de", "di", "da", "von"))
_BETWEEN = frozenset((":", "=", "about", "around"))
_MOST_BETWEEN, _MOST_LED_IN, _FAR = 4, 3, 12


def usual_stop(f_number: float) -> float:
    """The nearest f-number of the usual scale of thirds."""
    return min(_STOPS, key=lambda stop: abs(math.log(stop / f_number)))


def past_small_words(reading: Reading, index: int) -> int:
    """Past a colon and small words between a name and its number."""
    for _ in range(3):
        if index < len(reading.words) and reading.words[index] in _BETWEEN:
            index += 1
        else:
            index = reading.phrase("stop", index)
    return index


def _range_end(reading: Reading, end: int, unit: str = "") -> tuple[int, float] | None:
    """The end and the value of the second number of a range whose first one ends at a token."""
    words = reading.words
    after = reading.after_unit(end) if reading.unit(end) and reading.unit(end) == unit else end
    if after >= len(words):
        return None
    if words[after] in _DASHES:
        after += 1
    elif reading.is_word(after, "range"):
        after = reading.phrase("range", after)
    else:
        return None
    if after < len(words) and words[after] == "f":
        after += 1
        after += after < len(words) and words[after] == "/"
    if after < len(words) and reading.tokens[after].kind == "number":
        return after + 1, value_of(words[after])
    return None


def f_number(reading: Reading, index: int) -> Hit | None:
    words, tokens = reading.words, reading.tokens
    end = reading.phrase("aperture", index)
    named = end > index
    if named:
        end = past_small_words(reading, end)
    at = end
    if at < len(words) and words[at] in F_WORDS:
        letter, at = words[at], at + 1
        if at < len(words) and words[at] in ("/", ".", ":", "\\"):
            at += 1
        elif letter == "t" and (at >= len(words) or not tokens[at].glued):
            return None
    elif not named:
        return None
    if at >= len(words) or tokens[at].kind != "number":
        return None
    first, end = value_of(words[at]), at + 1
    second = _range_end(reading, end)
    if second and 0.7 <= second[1] <= 64.0 and 0.7 <= first <= 64.0:
        end, last = second
        value = usual_stop(math.sqrt(first * last))
        return Hit(index, end, "aperture", plain(value), f"the middle of f/{first:g} to f/{last:g}")
    return Hit(index, end, "aperture", plain(first)) if 0.7 <= first <= 64.0 else None


def between(reading: Reading, index: int) -> Hit | None:
    after = reading.phrase("between", index)
    if after == index:
        return None
    opening = f_number(reading, after)
    first = (opening.end, float(opening.value)) if opening else reading.number(after)
    if not first:
        return None
    end, low = first
    end = reading.after_unit(end)
    joined = max(reading.phrase("and", end), reading.phrase("range", end))
    if joined == end:
        return None
    f_second = f_number(reading, joined)
    if f_second:
        value = usual_stop(math.sqrt(low * float(f_second.value)))
        note = f"the middle of f/{low:g} to f/{f_second.value:g}"
        return Hit(index, f_second.end, "aperture", plain(value), note)
    second = reading.number(joined)
    if second and reading.unit(second[0]):
        return _united(reading, index, second[0], (low + second[1]) / 2.0, (low, second[1]))
    return None


def with_unit(reading: Reading, index: int) -> Hit | None:
    first = reading.number(index)
    if not first:
        return None
    end, low = first
    unit = reading.unit(end)
    second = _range_end(reading, end, unit) if reading.tokens[index].kind == "number" else None
    if second and reading.unit(second[0]) and low != second[1]:
        return _united(reading, index, second[0], (low + second[1]) / 2.0, (low, second[1]))
    return _united(reading, index, end, low, ()) if unit else None


def _united(reading: Reading, start: int, at: int, value: float, ends: tuple[float, ...]) -> Hit | None:
    """What a number with the unit at token ``at`` stands for."""
    unit, end = reading.unit(at), reading.after_unit(at)
    middle = f"the middle of {ends[0]:g} to {ends[1]:g}" if ends else ""
    if unit == "inch" and reading.words[at] == "in" and not reading.tokens[at].glued and not _size(reading, end):
        return None
    if unit == "mm" and not _size(reading, end):
        if ends and 1 <= ends[0] < ends[1] <= 2000 and not _is_of_a_thing(reading, start, end):
            before = reading.phrase_before("lens", start)
            return _zoom(reading, before, end, *ends)
        return _focal(reading, start, end, value, f"{middle} mm" if middle else "")
    if unit == "kelvin":
        return Hit(start, end, "color_temperature_k", plain(value), middle) if 1000 <= value <= 20000 else None
    if unit == "megapixel":
        return Hit(start, end, "megapixels", plain(value), middle) if 0.0625 <= value <= 16 else None
    if unit == "stop":
        return _stops(reading, start, end, value)
    if unit == "second":
        named = reading.phrase("exposure", end)
        before = reading.phrase_before("exposure", start)
        if named > end or before < start:
            return Hit(min(before, start), max(named, end), "exposure_time_s", plain(value), middle)
        return None
    return _length(reading, start, end, value * _METRES[unit], middle) if unit in _METRES else None


def _focal(reading: Reading, start: int, end: int, value: float, note: str) -> Hit | None:
    if not 1.0 <= value <= 2000.0 or _is_of_a_thing(reading, start, end):
        return None
    while reading.is_word(end, "lens"):
        end = reading.phrase("lens", end)
    before = reading.phrase_before("lens", start)
    return Hit(before, end, "focal_length_mm", plain(value), note)


def _zoom(reading: Reading, start: int, end: int, low: float, high: float) -> Hit:
    """A zoom at the length that it is set to, 70-200 at 135, else at its middle."""
    while reading.is_word(end, "lens"):
        end = reading.phrase("lens", end)
    if reading.words[end : end + 1] in (["at"], ["@"]) and end + 1 < len(reading.words):
        set_to = reading.number(end + 1)
        if set_to and low <= set_to[1] <= high and reading.words[set_to[0] : set_to[0] + 1] != ["mm"]:
            return Hit(start, set_to[0], "focal_length_mm", plain(set_to[1]))
    return Hit(start, end, "focal_length_mm", plain((low + high) / 2.0), f"the middle of {low:g} to {high:g} mm")


def _is_of_a_thing(reading: Reading, start: int, end: int) -> bool:
    """Whether millimetres belong to a thing: a 40mm steel watch, reloj de 40 mm."""
    words = reading.words
    if start > 1 and words[start - 1] in _OF and reading.phrase_before("thing_after_mm", start - 1) < start - 1:
        return True
    after_article = start > 0 and reading.is_word(start - 1, "article")
    for at in range(end, min(end + _MOST_BETWEEN, len(words))):
        if reading.breaks[at] or reading.tokens[at].kind == "number" or reading.is_word(at, "lens"):
            return False
        if reading.is_word(at, "thing_after_mm"):
            return at == end or after_article or reading.is_word(end, "material")
        last, meanings = reading.term(at)
        if last > at and any(meaning.group not in ("trap", "mood") for meaning in meanings):
            return False
        if reading.is_word(at, "place"):
            return False
    return False


def _length(reading: Reading, start: int, end: int, metres: float, note: str) -> Hit | None:
    size = _size(reading, end)
    if size:
        return Hit(start, size[0], "size_m", {size[1]: plain(metres)}, note)
    away = reading.phrase("distance", end)
    clause = max(reading.clause_start(start), start - _FAR)
    before = _before_distance(reading, start, clause)
    led_in = {role for at in range(before, start) for role in ("from", "at_distance") if reading.is_word(at, role)}
    spoken = any(reading.is_word(at, "camera") or reading.is_word(at, "distance") for at in range(clause, start))
    named = spoken and any(reading.is_word(at, "distance_name") for at in range(clause, start))
    if away > end or named or ("from" in led_in and (spoken or before == clause)) or (spoken and led_in):
        first = reading.phrase_before("distance_name", before, _FAR)
        return Hit(first, reading.phrase("distance", away), "distance_m", plain(metres), note)
    return None


def _before_distance(reading: Reading, start: int, clause: int) -> int:
    """Where the small words before a distance begin: at about 2 m."""
    before = start
    while before > clause and start - before < _MOST_LED_IN:
        small = min(reading.phrase_before(role, before) for role in ("from", "at_distance", "roughly"))
        if small == before:
            break
        before = small
    return before


def _size(reading: Reading, index: int) -> tuple[int, str] | None:
    for role, name in _SIZES:
        end = reading.phrase(role, index)
        if end > index:
            return end, name
    return None


def _stops(reading: Reading, start: int, end: int, value: float) -> Hit | None:
    if reading.words[end : end + 2] == ["of", "light"]:
        end += 2
    if start > 0 and reading.words[start - 1] in ("-", "\u2212", "+") and reading.tokens[start].glued:
        return Hit(start - 1, end, "stops", value if reading.words[start - 1] == "+" else -value)
    for role, sign in (("under", -1.0), ("over", 1.0)):
        after = reading.phrase(role, end)
        if after > end:
            return Hit(start, after, "stops", sign * value)
    return None


def fraction(reading: Reading, index: int) -> Hit | None:
    """1/125 s."""
    words, tokens = reading.words, reading.tokens
    if words[index] != "1" or index + 2 >= len(words) or words[index + 1] != "/" or tokens[index + 2].kind != "number":
        return None
    parts, end = value_of(words[index + 2]), index + 3
    if parts < 2 or (end < len(words) and words[end] == ":"):
        return None
    if end < len(words) and words[end] in ("th", "ths", "st", "nd") and tokens[end].glued:
        end += 1
    second = reading.unit(end) == "second"
    named = reading.phrase_before("exposure", index) < index or reading.phrase_before("exposure", index - 1) < index - 1
    if not (second or named or parts >= 15) or reading.is_word(end, "power"):
        return None
    if second:
        end = reading.after_unit(end)
    end = reading.phrase("exposure", end)
    before = reading.phrase_before("exposure", index)
    return Hit(before, end, "exposure_time_s", 1.0 / parts)


def bare_zoom(reading: Reading, index: int) -> Hit | None:
    second = _range_end(reading, index + 1)
    if not second or f"{reading.words[index]}-{reading.words[second[0] - 1]}" not in _ZOOMS:
        return None
    low, high, end = value_of(reading.words[index]), second[1], second[0]
    return _zoom(reading, index, end, low, high)


def bare_prime(reading: Reading, index: int) -> Hit | None:
    """85 f/2, 85/1.4, 85 prime: a focal length without its unit."""
    words, tokens = reading.words, reading.tokens
    value, end = value_of(words[index]), index + 1
    if value not in _PRIMES or end >= len(words):
        return None
    if reading.is_word(end, "lens"):
        return Hit(index, reading.phrase("lens", end), "focal_length_mm", plain(value))
    at_f = end + (words[end] in ("at", "@"))
    if at_f < len(words) and words[at_f] == "f" and f_number(reading, at_f):
        return Hit(index, end, "focal_length_mm", plain(value))
    slash = (
        words[end] == "/"
        and tokens[end].glued
        and end + 1 < len(words)
        and words[end + 1] in ("1.2", "1.4", "1.8", "2.8")
    )
    return Hit(index, end, "focal_length_mm", plain(value)) if slash else None


def bare_article(reading: Reading, index: int) -> Hit | None:
    """An 85: a focal length by its article alone, at the end of a clause or before a lens word."""
    words, tokens, end = reading.words, reading.tokens, index + 2
    if words[index] not in BEFORE_PRIMES or index + 1 >= len(words) or tokens[index + 1].kind != "number":
        return None
    value = value_of(words[index + 1])
    ends = (
        end >= len(words)
        or reading.breaks[end]
        or words[end] in ("at", "wide", "f", "for", "and", "or", "with", "please")
    )
    return Hit(index, end, "focal_length_mm", plain(value)) if ends and value in _PRIMES else None


def focus(reading: Reading, index: int) -> Hit | None:
    after = reading.phrase("focus", index)
    if after == index:
        return None
    at = past_small_words(reading, after)
    first = reading.number(at)
    unit = reading.unit(first[0]) if first else ""
    # Nobody focuses in millimetres: a length in them is the lens.
    if first and unit in _METRES and unit != "mm" and first[1] > 0:
        return Hit(index, reading.after_unit(first[0]), "focus_distance_m", plain(first[1] * _METRES[unit]))
    return None
