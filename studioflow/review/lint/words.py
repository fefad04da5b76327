"""Finding phrases in free text, word by word.

A text is cut into words once, and all phrases of words.json are looked up in one pass through a table of
their first words. So the time grows with the length of the text alone, "eye-level" and "eye level" are the same, and a
phrase never matches inside a word or across a comma.
"""

from __future__ import annotations

import bisect
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .base import Patch, Path, replace, words

MAX_CHARACTERS = 20_000
"""What is read of one text; far more than any caption that FIBO was trained on."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_BREAK = re.compile(r"[.,;:!?()\[\]\n\r—–]")
_SEPARATOR = re.compile(r"[,;\n]|[.!?](?=\s|$)")
_NEGATED_WITHIN = 3
"""Words before a phrase in which a negation still belongs to it: "not an eye-level view"."""


@dataclass(frozen=True)
class Match:
    """A phrase found in a text: its group in words.json, its words ``first`` to ``last`` and its characters."""

    group: str
    phrase: str
    first: int
    last: int
    start: int
    end: int
    negated: bool


@dataclass(frozen=True)
class Text:
    """One free text of the document.

    ``kind`` is description, background, composition, mood, context or subject; ``field`` is its key, ``subject``
    the index in the list of subjects. ``limit`` is how long it may become, and 0 where it cannot be patched.
    """

    path: Path
    text: str
    kind: str
    field: str
    subject: int | None = None
    limit: int = MAX_CHARACTERS

    @property
    def of_the_picture(self) -> bool:
        """Whether it speaks of the whole picture, so that words of camera and framing in it mean this picture."""
        return self.kind in ("description", "composition", "context")

    @functools.cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return [match.span() for match in _WORD.finditer(self.text[:MAX_CHARACTERS])]

    @functools.cached_property
    def words(self) -> list[str]:
        """The words, folded to one case, with plain apostrophes."""
        return [fold(self.text[start:end]) for start, end in self._spans]

    @functools.cached_property
    def _clauses(self) -> list[int]:
        """The clause, between marks such as a comma or a full stop, that each word stands in."""
        clause, clauses, before = 0, [], 0
        for start, end in self._spans:
            if _BREAK.search(self.text, before, start):
                clause += 1
            clauses.append(clause)
            before = end
        return clauses

    def before(self, index: int, count: int) -> list[str]:
        """Up to ``count`` words in front of a word, within its clause, the nearest last."""
        clauses = self._clauses
        return [self.words[i] for i in range(max(0, index - count), index) if clauses[i] == clauses[index]]

    def after(self, index: int, count: int) -> list[str]:
        """Up to ``count`` words behind a word, within its clause, the nearest first."""
        clauses = self._clauses
        last = min(len(clauses), index + 1 + count)
        return [self.words[i] for i in range(index + 1, last) if clauses[i] == clauses[index]]

    def first_clause(self) -> list[str]:
        """The words before the first mark such as a comma."""
        return [word for word, clause in zip(self.words, self._clauses, strict=True) if clause == self._clauses[0]]

    def characters(self, first: int, last: int) -> tuple[int, int]:
        """Where the words ``first`` to ``last`` stand in the text."""
        return self._spans[first][0], self._spans[last][1]

    def index_at(self, position: int) -> int:
        """The number of words that end at or before a position of the text."""
        return bisect.bisect_right(self._ends, position)

    @functools.cached_property
    def _ends(self) -> list[int]:
        return [end for _, end in self._spans]

    @functools.cached_property
    def _matches(self) -> dict[str, list[Match]]:
        lexicon, found = _lexicon(), {}
        for first, pair in enumerate(pairwise([*self.words, ""])):
            taken: set[str] = set()
            for phrase, group in (*lexicon.get(pair, ()), *lexicon.get(pair[:1], ())):
                last = first + len(phrase) - 1
                if group in taken or tuple(self.words[first : last + 1]) != phrase:
                    continue
                if self._clauses[first] != self._clauses[last]:
                    continue
                taken.add(group)
                start, end = self.characters(first, last)
                negated = not negators().isdisjoint(self.before(first, _NEGATED_WITHIN))
                found.setdefault(group, []).append(Match(group, " ".join(phrase), first, last, start, end, negated))
        return found

    def matches(self, prefix: str) -> list[Match]:
        """The phrases of a group and of the groups below it, in order, negated ones and overlaps left out."""
        found = [
            match
            for group, matches in self._matches.items()
            if group == prefix or group.startswith(prefix + ".")
            for match in matches
        ]
        kept: list[Match] = []
        for match in sorted(found, key=lambda match: (match.first, -match.last, match.group)):
            if not kept or match.first > kept[-1].last:
                kept.append(match)
        return [match for match in kept if not match.negated]

    def rewritten(self, edits: Sequence[tuple[int, int, str]]) -> Patch:
        """The patch that puts other words at some places; none where the text cannot take them."""
        return self.replaced(substitute(self.text, edits)) if edits else ()

    def replaced(self, text: str) -> Patch:
        """The patch that puts another text here; none where there is no room for it or nothing would remain."""
        if not text.strip() or len(text) > self.limit:
            return ()
        return (replace(self.path, text),)


def fold(word: str) -> str:
    """A word as it is compared."""
    return word.casefold().replace("’", "'")


@functools.cache
def negators() -> frozenset[str]:
    """Words that turn a phrase into its opposite."""
    return frozenset(words("negators"))


@functools.cache
def word_set(name: str) -> frozenset[str]:
    """A list of single words of words.json as a set."""
    return frozenset(words(name))


@functools.cache
def _lexicon() -> dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]]:
    """All phrases by their first two words, or their only one; the longest first."""
    lexicon: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
    for group, phrases in _leaves(words("phrases"), ""):
        for phrase in phrases:
            parts = tuple(fold(part) for part in _WORD.findall(phrase))
            lexicon.setdefault(parts[:2], []).append((parts, group))
    for entries in lexicon.values():
        entries.sort(key=lambda entry: (-len(entry[0]), entry))
    return lexicon


def _leaves(node: dict[str, object], prefix: str) -> Iterable[tuple[str, Iterable[str]]]:
    """Groups and their phrases; a leaf is a list of phrases, or an object from phrase to what it stands for."""
    for name, value in node.items():
        if isinstance(value, dict) and any(isinstance(item, (dict, list)) for item in value.values()):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value  # type: ignore[misc]


def meaning(group: str, phrase: str) -> object:
    """What a phrase of an object in words.json stands for."""
    node = words("phrases")
    for part in group.split("."):
        node = node[part]
    return {" ".join(_WORD.findall(fold(key))): value for key, value in node.items()}[phrase]


_ARTICLE = re.compile(r"\b([Aa])n?(\s+)$")


def substitute(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    """The text with new words at the given characters; keeps a capital, and a or an fits what follows."""
    parts, at = [], 0
    for start, end, new in sorted(edits):
        if start < at:
            continue
        old, ahead = text[start:end], text[at:start]
        if new and old[:1].isupper() and text[max(0, start - 8) : start].rstrip()[-1:] in ("", ".", "!", "?"):
            new = new[0].upper() + new[1:]
        if new:
            article = "n" if _vowel(new) else ""
            # The last characters are enough to hold an article, and a search over all of them again and again is not.
            ahead = ahead[:-8] + _ARTICLE.sub(rf"\g<1>{article}\g<2>", ahead[-8:])
        parts += [ahead, new]
        at = end
    return "".join([*parts, text[at:]])


def _vowel(word: str) -> bool:
    return word[0].casefold() in "aeio" or word.startswith(("8", "11mm", "18mm"))


def items(text: str) -> list[tuple[int, int]]:
    """The parts of a text between commas, semicolons, line ends and ends of sentences; the marks left out."""
    spans, start = [], 0
    text = text[:MAX_CHARACTERS]
    for mark in _SEPARATOR.finditer(text):
        spans.append((start, mark.start()))
        start = mark.end()
    spans.append((start, len(text)))
    return [(start, end) for start, end in spans if text[start:end].strip()]


def without_items(text: str, unwanted: set[int]) -> str:
    """The text without those of its items, and without the marks that set them off."""
    spans = items(text)
    kept = [index for index in range(len(spans)) if index not in unwanted]
    if not kept:
        return ""
    parts = [text[spans[kept[0]][0] : spans[kept[0]][1]].lstrip()]
    if kept[0] > 0:
        parts[0] = parts[0][:1].upper() + parts[0][1:] if text[:1].isupper() else parts[0]
    else:
        parts[0] = text[: spans[kept[0]][1]]
    for index in kept[1:]:
        parts.append(text[spans[index - 1][1] : spans[index][1]])
    return "".join([*parts, text[spans[-1][1] :]])
