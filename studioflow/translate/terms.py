"""The words of briefs in eight languages: reads terms/<language>.json into tries, and tells languages apart."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..resources import table
from .scan import words_of

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "ja", "zh")
AS_SAID = "="
"""In place of a value: the words as they were said."""

_INNERMOST = re.compile(r"\(([^()]*)\)")
_NO_FIELDS = ("words_about", "spelling")
_NOT_SPOKEN = ("words_about", "trap")
"""Groups whose words do not tell a language."""
_KANA = re.compile("[\u3041-\u30ff]")
_HAN = re.compile("[\u4e00-\u9fff]")
_CATALOGS = (("setups", "setup"), ("styles", "style"), ("light_types", "key_type"))
"""The studio's tables whose titles and keys are phrases too, and the field that they stand for."""

Trie = dict[Any, Any]
"""Word -> trie; under None what the words up to there stand for."""


class Meaning(NamedTuple):
    """A field (or a pseudo field of en.json's ``_about``) and the value as text that a phrase stands for."""

    group: str
    value: str


class Terms(NamedTuple):
    """All phrases that are read in one language: its own and the English ones."""

    language: str
    fields: Trie
    directions: Trie
    numbers: Trie
    words: dict[str, Trie]
    units: Trie


@functools.cache
def terms(language: str) -> Terms:
    """The phrases of one of LANGUAGES."""
    known = Terms(language, {}, {}, {}, {}, {})
    _add_table(known, _rows("en"))
    _add_catalogs(known.fields)
    if language != "en":
        for phrase in _rows(language)["words"].get("not_english", ()):
            for trie in (known.fields, known.directions, known.numbers, *known.words.values()):
                _forget(trie, phrase)
        _add_table(known, _rows(language))
    return known


def longest(trie: Trie, tokens: Sequence[str], start: int) -> tuple[int, tuple[Meaning, ...]]:
    """The end of the longest phrase of the trie that begins at a token, and what it stands for; the start and ()."""
    end, found, at = start, (), start
    while (below := trie.get(tokens[at]) if at < len(tokens) else None) is not None:
        trie, at = below, at + 1
        if None in trie:
            end, found = at, tuple(trie[None])
    return end, found


def detected(text: str, words: Iterable[str]) -> str:
    """The language of a text with these folded words: by its script, else by words that only one table has.

    A language beats English by the words that its table has and the English one lacks, the more by those that no
    other table has, less those that only the English one has; of these the terms count little, for photographers use
    them in every language. English where that tells nothing.
    """
    if _KANA.search(text):
        return "ja"
    if _HAN.search(text):
        return "zh"
    known, small = _vocabulary(), _small_english()
    ahead = dict.fromkeys(LANGUAGES, 0)
    for word in words:
        languages = known.get(word, frozenset())
        english = 0 if "en" not in languages else 3 if word in small else 1
        for language in LANGUAGES[1:]:
            if (language in languages) != bool(english):
                ahead[language] += -english if english else 3 if len(languages) == 1 else 2
    return max(LANGUAGES, key=lambda language: (ahead[language], language == "en"))


def expanded(phrase: str) -> Iterator[str]:
    """All phrases that one with alternatives stands for: ``(soft|hard) light`` is soft light and hard light."""
    phrases = {phrase: None}
    while any("(" in one for one in phrases):
        phrases = dict.fromkeys(itertools.chain.from_iterable(map(_chosen, phrases)))
    return iter(phrases)


def _chosen(phrase: str) -> list[str]:
    """The phrases that the first innermost alternatives of one lead to."""
    found = _INNERMOST.search(phrase)
    if not found:
        return [phrase]
    return [phrase[: found.start()] + choice + phrase[found.end() :] for choice in found[1].split("|")]


@functools.cache
def _rows(language: str) -> Mapping[str, Any]:
    rows: Mapping[str, Any] = table(f"translate/terms/{language}.json")
    return rows


@functools.cache
def _vocabulary() -> Mapping[str, frozenset[str]]:
    """Every word of the tables, and the languages that it tells: those whose table has it and no English use of it."""
    known: dict[str, set[str]] = {}
    for language in LANGUAGES:
        rows = _rows(language)
        shared = {word for phrase in rows["words"].get("also_english", ()) for word in words_of(phrase)}
        groups = [values for group, values in rows.items() if not group.startswith("_") and group not in _NOT_SPOKEN]
        phrases = itertools.chain.from_iterable(itertools.chain.from_iterable(group.values()) for group in groups)
        for phrase in phrases:
            for word in words_of(re.sub(r"[()|]", " ", phrase)):
                if word[0].isalpha() and word not in shared:
                    known.setdefault(word, set()).add(language)
    return {word: frozenset(languages) for word, languages in known.items()}


@functools.cache
def _small_english() -> frozenset[str]:
    rows = _rows("en")["words"]
    return frozenset(
        word for role in ("stop", "article", "place") for phrase in rows[role] for word in words_of(phrase)
    )


def _add_table(known: Terms, rows: Mapping[str, Any]) -> None:
    apart = {"direction": known.directions, "numbers": known.numbers, "units": known.units}
    for group, values in rows.items():
        if group == "words":
            for role, phrases in values.items():
                _add(known.words.setdefault(role, {}), phrases, Meaning(group, role))
        elif not group.startswith("_") and group not in _NO_FIELDS:
            for value, phrases in values.items():
                _add(apart.get(group, known.fields), phrases, Meaning(group, value))


def _forget(trie: Trie, phrase: str) -> None:
    """Takes a phrase out of a trie; longer ones that begin with it stay."""
    below: Trie | None = trie
    for word in words_of(phrase):
        below = below.get(word) if below is not None else None
    if below:
        below.pop(None, None)


def _add(trie: Trie, phrases: Iterable[str], meaning: Meaning) -> None:
    for phrase in itertools.chain.from_iterable(map(expanded, phrases)):
        below = trie
        for word in words_of(phrase):
            below = below.setdefault(word, {})
        if below is not trie and meaning not in below.setdefault(None, []):
            below[None].append(meaning)


def _add_catalogs(fields: Trie) -> None:
    shy = set(_rows("en")["words"]["not_alone"])
    for name, group in _CATALOGS:
        for key, row in table(f"studio/{name}.json").items():
            if key.startswith("_"):
                continue
            plain = {re.sub(r" \(.*\)", "", row["title"]).casefold(), key.replace("_", " ")} - shy
            _add(fields, sorted(plain), Meaning(group, key))
