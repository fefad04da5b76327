"""The words of briefs in eight languages: reads terms/<language>.json into tries, and tells languages apart."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..resources import table
from .scan import ELIDED, folded, words_of

LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "ja", "zh")
_BY_WORDS = LANGUAGES[1:-2]
"""Languages that are told by their words, from English; the others by their characters."""
AS_SAID = "="
"""In place of a value: the words as they were said."""

_NO_FIELDS = ("words_about", "spelling")
_NOT_SPOKEN = ("words_about", "trap")
"""Groups whose words do not tell a language."""
_INNERMOST = re.compile(r"\(([^()]*)\)")
_GLUED = re.compile(r"[-\d.A-Za-z\u00c0-\u024f'][(]|[)][-\d.A-Za-z\u00c0-\u024f']|[-\d.A-Za-z\u00c0-\u024f'][)][(]")
"""Alternatives that may be a part of a word: leicht(e|er)."""
_KANA = re.compile("[\u3041-\u30ff\uff66-\uff9d]")
_HAN = re.compile("[\u4e00-\u9fff]")
_LETTERS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_CATALOGS = (("setups", "setup"), ("styles", "style"), ("light_types", "key_type"))
"""The studio's tables whose titles and keys are phrases too, and the field that they stand for."""

_END = "\0"
"""Ends a phrase where many are cut into words at once."""

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


def detected(text: str, words: Sequence[str]) -> str:
    """The language of a text with these folded words: by its script, else by words that only one table has.

    A language beats English by the different words that its table has and the English one lacks, the more by those
    that no other table has, less those that only the English one has; of these the terms count little, for
    photographers use them in every language. English where that tells nothing. What English borrows whole, such as
    eau de parfum, tells nothing either.
    """
    if _KANA.search(text):
        return "ja"
    if _HAN.search(text):
        only_japanese = _trie_of("ja", "only_japanese")
        return "ja" if any(longest(only_japanese, words, index)[1] for index in range(len(words))) else "zh"
    known, small = _vocabulary(), _small_english()
    ahead = dict.fromkeys(LANGUAGES, 0)
    for word in dict.fromkeys(_without_loans(words)):
        languages = known.get(word)
        if languages is None:
            continue
        english = 0 if "en" not in languages else 3 if word in small else 2
        for language in _BY_WORDS:
            if (language in languages) != bool(english):
                ahead[language] += -english if english else 3 if len(languages) == 1 else 2
    return max(LANGUAGES, key=lambda language: (ahead[language], language == "en"))


def _without_loans(words: Sequence[str]) -> Iterator[str]:
    loans, index = _trie_of("en", "loan"), 0
    while index < len(words):
        end = longest(loans, words, index)[0] if words[index] in loans else index
        if end == index:
            yield words[index]
        index = max(end, index + 1)


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
    for language in ("en", *_BY_WORDS):
        rows = _rows(language)
        shared = {word for phrase in rows["words"].get("also_english", ()) for word in words_of(phrase)}
        groups = [values for group, values in rows.items() if not group.startswith("_") and group not in _NOT_SPOKEN]
        lines = (said for group in groups for name, said in group.items() if name != "loan")
        phrases = itertools.chain.from_iterable(lines)
        for said in set(_LETTERS.findall(" ".join(phrases))):
            for word in words_of(said) if "'" in said else (folded(said),):
                if word not in shared and word not in ("l'", "d'"):
                    known.setdefault(word, set()).add(language)
    return {word: frozenset(languages) for word, languages in known.items()}


@functools.cache
def _small_english() -> frozenset[str]:
    rows = _rows("en")["words"]
    return frozenset(
        word for role in ("stop", "article", "place") for phrase in rows[role] for word in words_of(phrase)
    )


@functools.cache
def _trie_of(language: str, role: str) -> Trie:
    """The phrases of one line of words of one table alone."""
    trie: Trie = {}
    add_phrases([(trie, Meaning("words", role), _rows(language)["words"][role])])
    return trie


def _add_table(known: Terms, rows: Mapping[str, Any]) -> None:
    apart = {"direction": known.directions, "numbers": known.numbers, "units": known.units}
    lines: list[tuple[Trie, Meaning, Iterable[str]]] = []
    for group, values in rows.items():
        if group == "words":
            lines += [(known.words.setdefault(role, {}), Meaning(group, role), said) for role, said in values.items()]
        elif not group.startswith("_") and group not in _NO_FIELDS:
            trie = apart.get(group, known.fields)
            lines += [(trie, Meaning(group, value), phrases) for value, phrases in values.items()]
    add_phrases(lines)


def _forget(trie: Trie, phrase: str) -> None:
    """Takes a phrase out of a trie; longer ones that begin with it stay."""
    below: Trie | None = trie
    for word in words_of(phrase):
        below = below.get(word) if below is not None else None
    if below:
        below.pop(None, None)


def add_phrases(lines: Iterable[tuple[Trie, Meaning, Iterable[str]]]) -> None:
    """Adds phrases, with their alternatives, that stand for a meaning to a trie; all at once, for that is fast."""
    wanted = [(trie, meaning, one) for trie, meaning, said in lines for phrase in said for one in _separate(phrase)]
    pieces = iter(_pieces(_END.join(phrase for _, _, phrase in wanted) + _END))
    for trie, meaning, _ in wanted:
        for end in _along([trie], pieces, {_END}):
            if end is not trie and meaning not in end.setdefault(None, []):
                end[None].append(meaning)


def _pieces(phrases: str) -> list[str]:
    """The words and marks of phrases; an elided word keeps its apostrophe even where it stands alone: l'."""
    pieces: list[str] = []
    for word in words_of(phrases):
        if word == "'" and pieces and pieces[-1] in ELIDED:
            pieces[-1] += word
        else:
            pieces.append(word)
    return pieces


def _separate(phrase: str) -> Iterable[str]:
    """The phrase itself where its words stand apart, else all that it stands for."""
    return expanded(phrase) if "(" in phrase and _GLUED.search(phrase) else (phrase,)


def _along(tries: list[Trie], pieces: Iterator[str], until: set[str]) -> list[Trie]:
    """Where the words of a pattern lead to from several tries, up to one of the closing marks, which is taken."""
    reached: list[Trie] = []
    here = tries
    for piece in pieces:
        if piece == "(":
            here = _along(here, pieces, {")"})
        elif piece in until:
            return reached + here
        elif piece == "|":
            reached, here = reached + here, tries
        else:
            here = [trie.setdefault(piece, {}) for trie in here]
    return reached + here


def _add_catalogs(fields: Trie) -> None:
    shy = set(_rows("en")["words"]["not_alone"])
    lines: list[tuple[Trie, Meaning, Iterable[str]]] = []
    for name, group in _CATALOGS:
        for key, row in table(f"studio/{name}.json").items():
            if not key.startswith("_"):
                plain = {re.sub(r" \(.*\)", "", row["title"]).casefold(), key.replace("_", " ")} - shy
                lines.append((fields, Meaning(group, key), sorted(plain)))
    add_phrases(lines)
