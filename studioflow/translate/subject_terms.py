"""The things of a brief: subjects with colour, material, count and size, their clothing, and what is behind them."""

from __future__ import annotations

import functools

from ..resources import table
from .garments import garment_end
from .noun_phrases import noun_phrases
from .phrase import BACKGROUND, CLOTHING, SUBJECT, Phrase, core_end
from .reading import Reading
from .scan import words_of
from .scene_terms import color_at
from .terms import Meaning, Trie, add_phrases, longest

_MOST_SUBJECTS, _MOST_PHRASES = 20, 3
_NOUNS = {"wooden": "wood", "woolen": "wool", "woollen": "wool", "silken": "silk"}
"""Words that are a material of some things and a colour of all others."""


def read_things(reading: Reading) -> None:
    """Adds subjects, background and clothing with what their words say, and claims the words."""
    phrases = noun_phrases(reading)
    subjects = [phrase for phrase in phrases if phrase.role == SUBJECT]
    # A clause that is nothing but a material says what the first subject is made of: perfume bottle, frosted glass.
    materials = [phrase for phrase in subjects[1:] if not phrase.announced and _is_material(reading, phrase)]
    subjects = [phrase for phrase in subjects if phrase not in materials]
    worn = [phrase for phrase in subjects[1:] if not phrase.announced and _is_worn(reading, subjects[0], phrase)]
    phrases = [phrase._replace(role=CLOTHING) if phrase in worn else phrase for phrase in phrases]
    subjects = [phrase for phrase in subjects if phrase not in worn]
    subjects = [phrase for phrase in subjects if phrase.announced] or subjects
    _add_subjects(reading, subjects, materials)
    # What a second person wears is not the first one's.
    others = subjects[1].start if len(subjects) > 1 else len(reading.words)
    phrases = [phrase for phrase in phrases if phrase.role != CLOTHING or phrase.start < others]
    for role, field in ((BACKGROUND, "background"), (CLOTHING, "clothing")):
        said = [phrase for phrase in phrases if phrase.role == role]
        if said:
            said = said[:_MOST_PHRASES]
            texts = list(dict.fromkeys(reading.said(phrase.start, phrase.end) for phrase in said))
            for phrase in said:
                reading.claim(phrase.start, phrase.end, field)
            reading.add(field, ", ".join(texts), [(phrase.start, phrase.end) for phrase in said])


def _is_worn(reading: Reading, first: Phrase, phrase: Phrase) -> bool:
    """Whether a clause names what the person in the clause before wears: elderly woman, red headscarf."""
    person = any(reading.is_word(index, "person") for index in range(first.start, first.end))
    garments = (index for index in range(phrase.start, phrase.end) if garment_end(reading, index) == phrase.end)
    return person and any(not reading.is_word(index, "not_worn") for index in garments)


def _is_material(reading: Reading, phrase: Phrase) -> bool:
    """Whether a phrase is nothing but a material, perhaps with its colour: green velvet."""
    start = _behind_color(reading, phrase)
    return start < phrase.end and longest(_materials(), reading.words, start)[0] == phrase.end


def _behind_color(reading: Reading, phrase: Phrase) -> int:
    """Where a phrase goes on behind its colour; its start where the colour is a part of the material's name."""
    color = color_at(reading, phrase.start)
    named = longest(_materials(), reading.words, phrase.start)[0] == phrase.end
    return color[0] if color and not named else phrase.start


def _add_subjects(reading: Reading, phrases: list[Phrase], materials: list[Phrase]) -> None:
    said: list[tuple[int, int]] = []
    for number, phrase in enumerate(phrases):
        start, count = phrase.start, reading.number(phrase.start)
        glued = reading.tokens[phrase.start].glued
        measured = count and (reading.unit(count[0]) or (count[0] < phrase.end and reading.tokens[count[0]].glued))
        if (
            count
            and not measured
            and not glued
            and count[0] < phrase.end
            and count[1] >= 1
            and count[1] == int(count[1])
        ):
            if number == 0 and 2 <= count[1] <= 1000:
                reading.add("count", int(count[1]), [(start, count[0])])
            start = count[0]
            if reading.words[start : start + 1] == ["of"]:
                start += 1
        if start < phrase.end:
            said.append((start, phrase.end))
    if not said:
        return
    said = said[:_MOST_SUBJECTS]
    said = [place for number, place in enumerate(said) if not _is_again(reading, place, said[:number])]
    texts = dict.fromkeys(reading.said(start, end) for start, end in said)
    reading.add("subjects", list(texts), said)
    _add_color(reading, *said[0])
    _add_material(reading, *said[0], materials)
    for start, end in said:
        reading.claim(start, end, "subjects")
    for phrase in phrases:
        reading.claim(phrase.start, phrase.end, "count")


def _is_again(reading: Reading, place: tuple[int, int], before: list[tuple[int, int]]) -> bool:
    """Whether a phrase only names an earlier subject again: silver car on a road, car on the right."""
    words = reading.words[place[0] : place[1]]
    return any(reading.words[start:end][-len(words) :] == words for start, end in before)


def _add_color(reading: Reading, start: int, end: int) -> None:
    own = next((hit for hit in reading.hits if hit.group == "hex" and 0 <= hit.start - end <= 2), None)
    if (own and not any(reading.breaks[end : own.start])) or (own and reading.words[end : own.start] == ["("]):
        reading.add("color", own.value, [(own.start, own.end)])
        return
    core = core_end(reading, start, end)
    materials = _materials()
    index = start
    while index < core:
        apart = reading.phrase("not_color", index)
        if apart > index:
            index = apart
            continue
        color = color_at(reading, index)
        material = longest(materials, reading.words, index)[0]
        if color and color[0] < core and not reading.is_word(color[0], "not_color_before"):
            is_color = reading.is_word(index, "metal_color") and not _is_metal_thing(reading, index, core)
            if is_color or material < color[0]:
                reading.add("color", color[1], [(index, color[0])])
                return
        index = max(index + 1, material if material > index + 1 else index + 1)


def _is_metal_thing(reading: Reading, index: int, core: int) -> bool:
    return any(reading.is_word(at, "metal_thing") for at in range(index + 1, core))


def _add_material(reading: Reading, start: int, end: int, behind: list[Phrase]) -> None:
    core = core_end(reading, start, end)
    materials = _materials()
    index = start
    while index < core:
        after, meanings = longest(materials, reading.words, index)
        color = color_at(reading, index)
        apart = max(reading.phrase("not_color", index), color[0] if color else index)
        if apart > after:
            index = apart
            continue
        if (
            meanings
            and after < core
            and not reading.is_word(after, "not_material_before")
            and not (
                reading.is_word(index, "metal_color")
                and after == index + 1
                and not _is_metal_thing(reading, index, core)
            )
        ):
            value = meanings[0].value or _plain_material(reading.said(index, after))
            reading.add("material", value, [(index, after)])
            return
        index += 1
    for phrase in behind[:1]:
        first = _behind_color(reading, phrase)
        value = longest(materials, reading.words, first)[1][0].value
        reading.claim(phrase.start, phrase.end, "material")
        reading.add("material", value or _plain_material(reading.said(first, phrase.end)), [(first, phrase.end)])
        color = color_at(reading, phrase.start)
        if color and first > phrase.start and not reading.has("color"):
            reading.add("color", color[1], [(phrase.start, first)])


def _plain_material(said: str) -> str:
    """A material as a noun: wood of wooden."""
    return _NOUNS.get(said.lower(), said.lower())


@functools.cache
def _materials() -> Trie:
    """Titles, keys and bases of the material presets by their key, and plain words for materials as themselves."""
    trie: Trie = {}
    words = table("translate/terms/en.json")["words"]
    shy = {" ".join(words_of(phrase)) for phrase in words["not_material"]}
    presets = {
        key: [said for said in (row["title"], key.replace("_", " ")) if " ".join(words_of(said)) not in shy]
        for key, row in table("studio/materials.json").items()
        if not key.startswith("_")
    }
    lines = [(trie, Meaning("material", key), said) for key, said in presets.items()]
    add_phrases([*lines, (trie, Meaning("material", ""), words["material"])])
    return trie
