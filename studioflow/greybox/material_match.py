"""Words to a material of studio/materials.json: "brushed stainless steel", "unglazed stoneware", "soft wool".

A material is known by its noun: its ``base``, its title, or one of the ``words`` of surfaces.json. Of base and title
the last word has to be there, of the others all. Of several materials the one wins that has more of its noun said, then
more of its other words (title before texture), then the one named first, then the one that stands first in the table.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from typing import NamedTuple

from ..resources import table
from ..studio.words import entries

Words = tuple[str, ...]

_SPELLINGS = {
    "aluminium": "aluminum",
    "anodised": "anodized",
    "galvanised": "galvanized",
    "fibre": "fiber",
    "grey": "gray",
    "matt": "matte",
    "wooden": "wood",
    "coloured": "colored",
    "watercolour": "watercolor",
}
_NAMED_AFTER_WHAT_IS_IN_IT = ("liquid", "food", "skin")
"""Families that a description names without being made of them: a coffee grinder, a wine glass, a cheese board."""


class Match(NamedTuple):
    """What words say: the preset, a colour as sRGB hex ("" where they name none) and a roughness (None likewise)."""

    preset: str
    color: str = ""
    roughness: float | None = None


class _Known(NamedTuple):
    nouns: tuple[Words, ...]
    whole: frozenset[Words]
    """Those of the nouns that have to be said whole."""
    title: frozenset[str]
    texture: frozenset[str]
    family: str


def match_words(text: str, families: Collection[str] = ()) -> Match | None:
    """The material that free words such as a subject's ``material`` or ``texture`` name; None where they name none.

    Where ``families`` are given, only materials of these are looked for.
    """
    among = (name for name, known in _known().items() if not families or known.family in families)
    return _best(_words(text), frozenset(among))


def match_description(text: str) -> Match | None:
    """The material that a subject's description names on the way, as in "green glass desk lamps".

    Only what comes before "with" or a comma is read, so that the caps and handles of a thing do not become the thing,
    and of a cup of coffee only the cup. Liquids and food count where they are the thing itself: as its last word.
    """
    said = _words(_thing(text))
    return _best(said, _solid()) or _best(said[-1:], frozenset(_known()) - _solid())


def color_in(description: str) -> str:
    """The colour that a description gives the thing itself, as sRGB hex ("red car"); "" where it gives none."""
    return _color_in(_words(_thing(description)))


def preset_named(text: str) -> str:
    """The preset whose key or title this is, in any spelling; "" where there is none."""
    said = _words(text)
    for name, row in entries("materials").items():
        if said in (_words(name), _words(row["title"])):
            return name
    return ""


def finish_of(text: str) -> float | None:
    """The roughness that the first word of finish in a text stands for, such as 0.12 for "glossy"; None without one."""
    finishes = table("greybox/surfaces.json")["_finishes"]
    return next((finishes[word] for word in _words(text) if word in finishes), None)


def _thing(description: str) -> str:
    """What a description says of the thing itself: not what it has, where it is, and what a vessel holds."""
    named = re.split(r",| with | in | without ", description.lower(), maxsplit=1)[0]
    holder, _, held = named.partition(" of ")
    holds = _words(holder)[-1:] and _words(holder)[-1] in table("greybox/surfaces.json")["_holders"]
    return holder if held and holds and not _best(_words(held), _solid()) else named


@functools.cache
def _solid() -> frozenset[str]:
    """The materials that a thing is made of when its description names them anywhere."""
    return frozenset(name for name, known in _known().items() if known.family not in _NAMED_AFTER_WHAT_IS_IN_IT)


def _best(text: Words, among: frozenset[str]) -> Match | None:
    said = _without_colors(text)
    scored = []
    for order, (name, known) in enumerate(_known().items()):
        if name in among:
            for noun in known.nouns:
                score = _score(said, noun, known)
                if score:
                    scored.append((score, -said.index(noun[-1]), -order, name, noun))
    if not scored:
        return None
    *_, name, noun = max(scored)
    known = _known()[name]
    rest = tuple(word for word in text if word not in noun and word not in known.title)
    unsaid = " ".join(word for word in rest if word not in known.texture)
    color = "" if _words(entries("materials")[name]["base"]) in _color_names() else _color_in(rest)
    return Match(name, color, finish_of(unsaid))


def _score(said: Words, noun: Words, known: _Known) -> float:
    """0 where the noun is not said."""
    spoken = {word for word in noun if word in said}
    whole = len(spoken) == len(noun)
    if noun[-1] not in said or (noun in known.whole and not whole):
        return 0.0
    others = set(said) - spoken
    return 2.0 * len(spoken) + whole + len(others & known.title) + 0.5 * len(others & (known.texture - known.title))


def _without_colors(text: Words) -> Words:
    """The words without colours that are named after a material: the slate of "slate gray plastic" is no stone."""
    nouns = {noun[-1] for known in _known().values() for noun in known.nouns}
    said, start = [], 0
    while start < len(text):
        names = (text[start : start + length] for length in (3, 2))
        named = next((name for name in names if name in _color_names() and name[-1] not in nouns), ())
        said += [] if named else [text[start]]
        start += len(named) or 1
    return tuple(said)


def _color_in(said: Words) -> str:
    """The colour of the longest colour name in the words, as hex; "" where there is none."""
    names = _color_names()
    for length in (3, 2, 1):
        for start in range(len(said) - length + 1):
            found = names.get(said[start : start + length])
            if found:
                return found
    return ""


@functools.cache
def _known() -> dict[str, _Known]:
    rows = table("greybox/surfaces.json")
    known = {}
    for name, row in entries("materials").items():
        others = frozenset(map(_words, rows.get(name, {}).get("words", ())))
        nouns = [_words(row["base"]), *others]
        if _words(row["title"])[-1:] not in _color_names():
            nouns.append(_words(row["title"]))
        title = frozenset(_words(row["title"])) | frozenset(_words(name))
        known[name] = _Known(tuple(nouns), others, title, frozenset(_words(row["texture"])), row["family"])
    return known


@functools.cache
def _color_names() -> dict[Words, str]:
    return {_words(name): color for name, color in table("studio/color_names.json")["colors"].items()}


@functools.cache
def _words(text: str) -> Words:
    return tuple(_SPELLINGS.get(word, word) for word in map(_singular, re.findall(r"[a-z]+", text.lower())))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us")) else word
