"""Which stand-in takes the place of a subject, from what the manifest says of it.

The head noun decides, the last word of the first noun phrase: an espresso cup is a cup, a cup holder is none. The words
are data: stand_ins.json.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..resources import table
from ..studio.framing import OF_A_PERSON, is_person
from .shapes import stand_ins

_LONGEST = 5
_FIGURES = ("head_and_shoulders", "standing_figure", "seated_figure")
_SHOWS_A_PICTURE = {"picture", "screen"}
_BUST_M = 0.75
"""A person's box below this height holds head and shoulders, not the whole body."""


class Choice(NamedTuple):
    """The stand-in and, for the person, why: ``"espresso cup" -> cup``."""

    name: str
    why: str


def choose(subject: Mapping[str, Any]) -> Choice:
    """The stand-in of a subject of a manifest.

    Its own ``stand_in`` wins; then the head noun of the description, what makes it a person, its shape, and nouns that
    the description adds after a comma. A ``picture`` goes on a card unless the thing has a screen. Else it is a box.
    """
    if "stand_in" in subject:
        return Choice(subject["stand_in"], f"{subject['stand_in']}, as the subject says")
    choice = _by_words(subject)
    if "picture" in subject and not _SHOWS_A_PICTURE & stand_ins()[choice.name].get("role_surfaces", {}).keys():
        return Choice("card", "its picture -> card")
    return choice


def _by_words(subject: Mapping[str, Any]) -> Choice:
    named, *added = _parts(subject.get("description", "")) or [""]
    shape = subject.get("shape", "")
    if found := _head(named, _nouns()):
        return _figure(subject, found) if found[1] in _FIGURES else _said(*found)
    # Things act too: a kettle that is pouring is no person.
    if is_person({key: value for key, value in subject.items() if key != "action"}):
        return _figure(subject, ("a person", "standing_figure"))
    for text in _parts(shape):
        if found := _head(text, _forms()) or _head(text, _nouns()):
            return _said(*found)
    for text in added:
        if found := _head(text, _nouns()):
            return _figure(subject, found) if found[1] in _FIGURES else _said(*found)
    if found := _anywhere(shape):
        return _said(*found)
    return Choice("box", "nothing known in its words -> box")


def _said(words: str, name: str) -> Choice:
    return Choice(name, f'"{words}" -> {name}')


def _figure(subject: Mapping[str, Any], found: tuple[str, str]) -> Choice:
    """How much of a person is shown: by the height of its box, by its pose, by words such as portrait."""
    words, name = found
    groups = table("greybox/stand_ins.json")["_words"]
    text = " ".join(str(subject.get(key, "")) for key in ("description", "shape", *OF_A_PERSON)).casefold()
    if "size_m" in subject and subject["size_m"][1] < _BUST_M:
        return Choice("head_and_shoulders", f'"{words}", {subject["size_m"][1]:g} m high -> head_and_shoulders')
    # A portrait may show a person who sits: the pose says more than the word for the picture.
    for group, figure in (("seated", "seated_figure"), ("upright", "standing_figure"), ("close", "head_and_shoulders")):
        said = next((word for word in groups[group] if re.search(rf"\b{re.escape(word)}\b", text)), None)
        if said:
            shown = words if said == words else f'{words}", "{said}'
            return _said(shown, figure)
    return _said(words, name)


def _parts(text: str) -> list[str]:
    """The parts of a text between commas and the like, in order, without empty ones."""
    return [part for part in re.split(r"[,;:.()]", text.casefold()) if part.strip()]


def _head(text: str, names: Mapping[str, str]) -> tuple[str, str] | None:
    """The longest words known that end the head of a text, and the stand-in they mean."""
    words = _table_words()
    tokens = re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text)
    tokens = tokens[: next((index for index in range(1, len(tokens)) if _ends(tokens, index)), len(tokens))]
    while len(tokens) > 1 and tokens[-1].isdigit():
        # The number of a model, or of one of several.
        tokens.pop()
    for head in _heads(tokens, words["counters"]):
        for start in range(max(0, len(head) - _LONGEST), len(head)):
            for last in _singular(head[-1]):
                phrase = " ".join([*head[start:-1], last])
                if phrase in names and ("of" in head[start:]) == ("of" in head):
                    return phrase, names[phrase]
    return None


def _ends(tokens: list[str], index: int) -> bool:
    """Whether a name is over before a word: at "with", and at "reading" unless that is a part of it (reading table)."""
    words = _table_words()
    if tokens[index] in words["participles"]:
        after = tokens[index + 1] if index + 1 < len(tokens) else "a"
        return after in words["determiners"] or after in words["ends_of_a_name"]
    return tokens[index] in words["ends_of_a_name"]


def _heads(tokens: list[str], counters: list[str]) -> Iterator[list[str]]:
    """What may be the head of a noun phrase: with what "of" adds (glass of wine), before it, and after a counter."""
    if "of" not in tokens:
        yield tokens
        return
    spot = tokens.index("of")
    before, after = tokens[:spot], tokens[spot + 1 :]
    yield from ([*before, "of", *after[-count:]] for count in range(min(2, len(after)), 0, -1))
    if before:
        yield before
    if before and any(form in counters for form in _singular(before[-1])):
        yield from _heads(after, counters)


def _singular(word: str) -> list[str]:
    """The word, and what it may be the plural of."""
    found = [word]
    if word in (plurals := _table_words()["plurals"]):
        found.append(plurals[word])
    if word.endswith("ies"):
        found.append(word[:-3] + "y")
    if word.endswith("es"):
        found.append(word[:-2])
    if word.endswith("s"):
        found.append(word[:-1])
    return found


def _anywhere(shape: str) -> tuple[str, str] | None:
    """The first form word in a text about the shape."""
    spots = [(shape.casefold().find(form), form) for form in _forms() if re.search(rf"\b{form}\b", shape.casefold())]
    return (min(spots)[1], _forms()[min(spots)[1]]) if spots else None


def _table_words() -> Any:
    return table("greybox/stand_ins.json")["_words"]


@functools.cache
def _nouns() -> dict[str, str]:
    return {word: name for name, row in stand_ins().items() for word in row["words"]}


@functools.cache
def _forms() -> dict[str, str]:
    return {word: name for name, row in stand_ins().items() for word in row.get("forms", [])}
