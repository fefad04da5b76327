"""Grade, mood, style, medium, palette and place in the picture."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from ..resources import table
from .reading import Reading
from .terms import AS_SAID

_MOST, _MOST_COLORS = 10, 16
"""Moods and grades, and colours of a palette, that a manifest has room for."""
_NAMED = frozenset(("palette", "scheme"))
"""Words behind the name of a palette of the table; other words only list colours."""
_JOINERS = frozenset((",", "and", "&", "/", "+"))


def read_look(reading: Reading) -> None:
    """Adds what the brief says of the picture's look as a whole, and claims the words."""
    for group in ("style", "location", "size_m"):
        hits = reading.latest([hit for hit in reading.hits if hit.group == group])
        if hits:
            same = [(hit.start, hit.end) for hit in hits if hit.value == hits[0].value]
            reading.add(group, hits[0].value, same)
    mediums = [(hit.value, hit.start, hit.end) for hit in reading.hits if hit.group == "medium"]
    for hit in reading.hits:
        for at in range(hit.start, hit.end if hit.group != "medium" else hit.start):
            end, meanings = reading.term(at)
            if end <= hit.end and any(meaning == ("medium", "photograph") for meaning in meanings):
                mediums.append(("photograph", at, end))
    if mediums:
        value, start, end = min(mediums, key=lambda medium: medium[1])
        reading.add("medium", value, [(start, end)])
    _add_grade(reading)
    _add_mood(reading)
    _add_palette(reading)


def _add_grade(reading: Reading) -> None:
    said: dict[str, tuple[int, int]] = {}
    for hit in reading.hits:
        if hit.group == "grade":
            said.setdefault(hit.value, (hit.start, hit.end))
        elif hit.group == "stops":
            said.setdefault("underexposed" if hit.value < 0 else "overexposed", (hit.start, hit.end))
    if said:
        kept = dict(list(said.items())[:_MOST])
        reading.add("grade", ", ".join(kept), kept.values())


def _add_mood(reading: Reading) -> None:
    moods: dict[str, tuple[int, int]] = {}
    for hit in reading.hits:
        if hit.group == "style" and hit.value == "food_dark" and "moody" in reading.words[hit.start : hit.end]:
            at = reading.words.index("moody", hit.start)
            moods.setdefault("moody", (at, at + 1))
        if hit.group == "mood":
            value = reading.said(hit.start, hit.end).lower() if hit.value == AS_SAID else hit.value
            moods.setdefault(value, (hit.start, hit.end))
    if moods:
        kept = dict(list(moods.items())[:_MOST])
        reading.add("mood", list(kept), kept.values())


def _add_palette(reading: Reading) -> None:
    """Hex codes anywhere, a named palette, and colour words beside the word palette or colours."""
    colors: dict[str, tuple[int, int]] = {}
    palettes = _palettes()
    for hit in reading.hits:
        if hit.group == "hex":
            colors.setdefault(hit.value, (hit.start, hit.end))
    for index in range(len(reading.words)):
        end = reading.phrase("palette", index)
        if end == index or reading.owner[index] not in ("", "helper"):
            continue
        for start in range(max(0, index - 3), index if _NAMED & set(reading.words[index:end]) else 0):
            name = " ".join(reading.words[start:index])
            if name in palettes and not any(reading.owner[start:index]):
                reading.claim(start, end, "palette")
                for color in palettes[name]:
                    colors.setdefault(color, (start, end))
        listed = _list_before(reading, index) or _list_after(reading, end)
        if listed:
            start, stop = min(index, listed[0][1]), max(end, listed[-1][2])
            reading.claim(start, stop, "palette")
            for color, first, last in listed:
                colors.setdefault(color, (first, last))
    if colors:
        kept = dict(list(colors.items())[:_MOST_COLORS])
        reading.add("palette", list(kept), kept.values())


@functools.cache
def _palettes() -> Mapping[str, list[str]]:
    """The colours of the palettes of the table by their titles."""
    rows = table("studio/palettes.json")
    return {row["title"].casefold(): row["colors"] for key, row in rows.items() if not key.startswith("_")}


def color_at(reading: Reading, index: int) -> tuple[int, str] | None:
    """The end and the hex of the longest colour name that begins at a token."""
    names = table("studio/color_names.json")["colors"]
    for length in (3, 2, 1):
        name = " ".join(reading.words[index : index + length])
        if name in names and index + length <= len(reading.words):
            return index + length, names[name]
    return None


def _list_after(reading: Reading, end: int) -> list[tuple[str, int, int]]:
    """Colours behind "palette of" or "palette:"."""
    words = reading.words
    if end >= len(words) or words[end] not in ("of", ":", "in", "is", "-"):
        return []
    listed: list[tuple[str, int, int]] = []
    at = end + 1
    while at < len(words) and not reading.owner[at]:
        color = color_at(reading, at)
        if color:
            listed.append((color[1], at, color[0]))
            at = color[0]
        elif listed and words[at] in _JOINERS:
            at += 1
        else:
            break
    return listed


def _list_before(reading: Reading, index: int) -> list[tuple[str, int, int]]:
    """Colours before "palette", "tones" or "colours"; two at least, or one before palette."""
    words, at = reading.words, index
    listed: list[tuple[str, int, int]] = []
    while at > 0 and not reading.owner[at - 1]:
        found = next(
            (start for start in range(max(0, at - 3), at) if (color_at(reading, start) or (0,))[0] == at), None
        )
        if found is not None:
            listed.insert(0, (str((color_at(reading, found) or (0, ""))[1]), found, at))
            at = found
        elif listed and words[at - 1] in _JOINERS:
            at -= 1
        else:
            break
    return listed
