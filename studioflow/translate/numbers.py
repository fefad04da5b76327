"""Numbers of a brief with what they count: ratios, sizes, ISO, seed, steps, pictures; and measures with their units."""

from __future__ import annotations

import functools

from .measures import (
    BEFORE_PRIMES,
    F_WORDS,
    bare_article,
    bare_prime,
    bare_zoom,
    between,
    f_number,
    focus,
    fraction,
    past_small_words,
    with_unit,
)
from .reading import Hit, Reading, plain, value_of
from .terms import terms

_TIMES = frozenset(("x", "\u00d7", "by", "*"))
_USUAL_RATIOS = frozenset(
    "1:1 2:3 3:2 3:4 4:3 4:5 5:4 16:9 9:16 21:9 5:7 7:5 16:10 10:16 2:1 1:2 3:1 1:3 8:10 10:8 18:9 9:18 32:9 6:7 7:6 "
    "17:9 11:14 14:11 4:1 9:21".split()
)
_BATCHES = ("batch", "batches")
_FAR = 12


def number_hit(reading: Reading, index: int) -> Hit | None:
    """What a number that begins (or whose name begins) at a token stands for, if it has a unit or a name."""
    token = reading.tokens[index]
    if token.kind == "hex":
        return Hit(index, index + 1, "hex", token.word.upper())
    if token.kind == "number":
        for read in (fraction, _ratio, with_unit, bare_zoom, bare_prime, _counted, _named_behind):
            if hit := read(reading, index):
                return hit
        return None
    if token.kind != "word" or token.word not in _openings(reading.terms.language):
        return None
    for read in (f_number, between, _named, focus, _counted, with_unit, bare_article, _batch):
        if hit := read(reading, index):
            return hit
    return None


@functools.cache
def _openings(language: str) -> frozenset[str]:
    """The words that what these functions read may begin with."""
    known = terms(language)
    roles = (known.words.get(role, {}) for role in ("aperture", "between", "iso", "seed", "steps", "cfg", "focus"))
    return frozenset(BEFORE_PRIMES.union(F_WORDS, _BATCHES, known.numbers, *roles))


def _ratio(reading: Reading, index: int) -> Hit | None:
    """16:9, 4x5, 2.39:1, 1920x1080, 4:1 key to fill."""
    words, tokens = reading.words, reading.tokens
    if index + 2 >= len(words) or tokens[index + 2].kind != "number":
        return None
    sign, end = words[index + 1], index + 3
    first, second = value_of(words[index]), value_of(words[index + 2])
    if (sign != ":" and sign not in _TIMES) or not first or not second:
        return None
    if sign in _TIMES and first >= 64 and second >= 64:
        whole = first == int(first) and second == int(second)
        end = reading.after_unit(end) if reading.unit(end) == "pixel" else end
        in_range = whole and 64 <= first <= 4096 and 64 <= second <= 4096
        return Hit(index, end, "size", [int(first), int(second)]) if in_range else None
    back = _back(reading, index)
    before = reading.phrase_before("ratio", back)
    after = reading.phrase("ratio", end)
    named = before < back and words[before] != "ratio"
    if (
        sign == ":"
        and (named or (after > end and words[end] != "ratio"))
        and "aspect" not in words[max(0, index - 3) : index]
    ):
        if first > second == 1:
            return Hit(before if named else index, max(after, end), "fill_intensity", plain(second / (first - second)))
    text = f"{words[index]}:{words[index + 2]}"
    usual = text in _USUAL_RATIOS
    if sign in _TIMES and not usual:
        return None
    if first != int(first) or second != int(second):
        first, second = round(first * 100), round(second * 100)
        text = f"{first:.0f}:{second:.0f}"
    if not usual and not 0.2 <= first / second <= 5.0:
        return None
    if not usual and tokens[index].end - tokens[index].start > 4:
        return None
    return Hit(index, end, "aspect_ratio", text)


def _back(reading: Reading, index: int) -> int:
    while index > 0 and reading.words[index - 1] in (":", "of", "at", "is", "a", "="):
        index -= 1
    return index


def _named(reading: Reading, index: int) -> Hit | None:
    """ISO 400, seed 7, cfg 5, steps: 30."""
    for role, group, whole in (
        ("iso", "iso", True),
        ("seed", "seed", True),
        ("steps", "steps", True),
        ("cfg", "cfg", False),
    ):
        after = reading.phrase(role, index)
        if after == index:
            continue
        at = past_small_words(reading, after)
        if at < len(reading.words) and reading.tokens[at].kind == "number":
            value = value_of(reading.words[at])
            if _allowed(group, value) and not (whole and value != int(value)):
                return Hit(index, at + 1, group, int(reading.words[at]) if group == "seed" else plain(value))
    return None


def _named_behind(reading: Reading, index: int) -> Hit | None:
    """30 steps, 400 ISO."""
    after = reading.phrase("steps", index + 1)
    value = value_of(reading.words[index])
    if after > index + 1 and value == int(value) and value >= 4 and _allowed("steps", value):
        ends = after >= len(reading.words) or reading.words[after] not in (
            "of",
            "up",
            "to",
            "leading",
            "down",
            "in",
            "into",
        )
        return Hit(index, after, "steps", int(value)) if ends else None
    after = reading.phrase("iso", index + 1)
    if (
        after > index + 1
        and value >= 25
        and not (after < len(reading.words) and reading.tokens[after].kind == "number")
    ):
        return Hit(index, after, "iso", plain(value))
    after = reading.phrase("aperture", index + 1)
    if after > index + 1 and 0.7 <= value <= 64:
        return Hit(index, after, "aperture", plain(value))
    return None


def _allowed(group: str, value: float) -> bool:
    least, most = {"iso": (1, 1e7), "seed": (0, 2**64 - 1), "steps": (1, 200), "cfg": (1, 20)}[group]
    return least <= value <= most


def _counted(reading: Reading, index: int) -> Hit | None:
    """Four variations, 3 different versions."""
    first = reading.number(index)
    if not first or first[1] != int(first[1]) or not 2 <= first[1] <= 64:
        return None
    at = first[0]
    for _ in range(2):
        if reading.is_word(at, "genre") or reading.is_word(at, "another_picture"):
            at += 1
    end = reading.phrase("pictures", at)
    if end == at:
        return None
    certain = reading.words[at] in (
        "variations",
        "versions",
        "options",
        "variants",
        "alternatives",
        "alternates",
        "outputs",
    )
    alone = (
        end >= len(reading.words)
        or reading.breaks[end]
        or reading.words[end] in ("of", "please", "with", "from", "in", "for")
    )
    first_word = max(reading.clause_start(index), index - _FAR)
    starts = reading.terms.language != "en" or all(
        reading.is_word(before, "opener") for before in range(first_word, index)
    )
    ordered = (
        end < len(reading.words) and reading.words[end] == "of" and not reading.phrase_before("place", index) < index
    )
    if not (certain or ordered or (alone and starts)):
        return None
    if end < len(reading.words) and reading.words[end] == "of":
        end += 1
    return Hit(index, end, "images", int(first[1]))


def _batch(reading: Reading, index: int) -> Hit | None:
    if reading.words[index] not in _BATCHES or reading.words[index + 1 : index + 2] != ["of"]:
        return None
    first = reading.number(index + 2)
    return Hit(index, first[0], "images", int(first[1])) if first and 1 <= first[1] <= 64 else None
