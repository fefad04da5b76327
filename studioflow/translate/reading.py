"""A brief while it is read: its tokens, who owns each of them, and what was found so far."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from .scan import Token, is_break
from .terms import Meaning, Terms, longest

_MOST = 1e15
"""Larger numbers count as this one, which no field allows."""
_FINDS = ("is", "was", "are", "were", "looks", "looked", "seems", "feels", "felt")
"""Verbs between a value and what is wrong with it."""
NOBODY = ""
HELPER = "helper"
"""Owner of words that only name what a number beside them is: aperture, focal length."""
APART = "apart"
"""Owner of what is read by nobody: JSON in a brief, greetings."""


class Span(NamedTuple):
    """Characters of a brief, ``end`` exclusive."""

    start: int
    end: int


class Found(NamedTuple):
    """A value that a brief says, the words that say it, and where a choice was made, which."""

    field: str
    value: Any
    spans: tuple[Span, ...]
    note: str = ""


class Hit(NamedTuple):
    """Tokens ``start`` to ``end`` that stand for a value of a group."""

    start: int
    end: int
    group: str
    value: Any
    note: str = ""


class Reading:
    """A brief under way. Tokens are numbered; ``owner`` says for each which group has it, "" for none."""

    def __init__(self, text: str, tokens: list[Token], terms: Terms) -> None:
        self.text = text
        self.terms = terms
        self.tokens = tokens
        self.words: list[str] = [token.word for token in self.tokens]
        self.owner: list[str] = [NOBODY] * len(self.tokens)
        self.breaks: list[bool] = [is_break(token) for token in self.tokens]
        for index in range(1, len(self.words)):
            if self.words[index] == "/" and self.words[index - 1] == "w":
                self.breaks[index] = False
        for index in _telegram_stops(text, self.tokens):
            self.breaks[index] = True
        self._clause_starts = [0]
        for index, ends in enumerate(self.breaks):
            self._clause_starts.append(index + 1 if ends else self._clause_starts[-1])
        self.hits: list[Hit] = []
        self.corrections: list[int] = []
        self.trap_end: list[int] = [0] * len(self.tokens)
        """For tokens of a trap, the token behind it: its words mean something else."""
        self.found: list[Found] = []

    def claim(self, start: int, end: int, group: str) -> None:
        """Gives tokens to a group; what somebody has already, he keeps."""
        for index in range(start, end):
            if not self.owner[index]:
                self.owner[index] = group

    def span(self, start: int, end: int) -> Span:
        """The characters of tokens ``start`` to ``end`` (exclusive)."""
        return Span(self.tokens[start].start, self.tokens[end - 1].end)

    def said(self, start: int, end: int) -> str:
        """The words of these tokens as they were written, on one line."""
        span = self.span(start, end)
        return " ".join(self.text[span.start : span.end].split())

    def add(self, field: str, value: Any, ranges: Iterable[tuple[int, int]], note: str = "") -> None:
        """Notes a value and the tokens that it came from."""
        spans = tuple(sorted({self.span(start, end) for start, end in ranges}))
        self.found.append(Found(field, value, spans, note))

    def has(self, field: str) -> bool:
        """Whether a value of the field was found."""
        return any(found.field == field for found in self.found)

    def is_word(self, index: int, role: str) -> bool:
        """Whether a word that the rules use for a role begins at a token."""
        return self.phrase(role, index) > index

    def phrase(self, role: str, index: int) -> int:
        """The end of the phrase of a role that begins at a token; the token itself where there is none."""
        trie = self.terms.words.get(role)
        below = trie.get(self.words[index]) if trie and index < len(self.words) else None
        if below is None:
            return index
        end, at, count = index, index + 1, len(self.words)
        while below is not None:
            if None in below:
                end = at
            below = below.get(self.words[at]) if at < count else None
            at += 1
        return end

    def phrase_before(self, role: str, index: int, most: int = 4) -> int:
        """The start of the phrase of a role that ends before a token; the token itself where there is none."""
        for start in range(max(0, index - most), index):
            if self.phrase(role, start) == index:
                return start
        return index

    def term(self, index: int) -> tuple[int, tuple[Meaning, ...]]:
        """The end of the longest field phrase that begins at a token, and what it stands for."""
        return longest(self.terms.fields, self.words, index)

    def unit(self, index: int) -> str:
        """The unit that the token names, "" for none."""
        meanings = longest(self.terms.units, self.words, index)[1]
        return meanings[0].value if meanings else ""

    def after_unit(self, index: int) -> int:
        """The token behind the unit at a token."""
        return longest(self.terms.units, self.words, index)[0]

    def number(self, index: int) -> tuple[int, float] | None:
        """The end and the value of a number in digits or words at a token."""
        if index >= len(self.tokens):
            return None
        if self.tokens[index].kind == "number":
            return index + 1, value_of(self.words[index])
        end, meanings = longest(self.terms.numbers, self.words, index)
        return (end, float(meanings[0].value)) if meanings else None

    def latest(self, hits: list[Hit]) -> list[Hit]:
        """The hits of one field that count: those behind a correction, where the brief takes something back."""
        kept = [hit for hit in hits if not self._is_refused(hit)] or hits
        rather = [hit for hit in kept if self._is_instead(hit)]
        if rather or len(kept) < len(hits):
            return rather or kept
        for at in reversed(self.corrections):
            behind = [hit for hit in hits if hit.start > at]
            if behind and len(behind) < len(hits):
                return behind
        return hits

    def _is_refused(self, hit: Hit) -> bool:
        """Whether the brief finds fault with a value: the 50mm is too short, instead of f/2."""
        at = hit.end
        if not any(self.words[at : at + 1] == [verb] for verb in _FINDS):
            before = hit.start - (1 if hit.start and self.is_word(hit.start - 1, "article") else 0)
            return self.words[max(0, before - 2) : before] in (["instead", "of"], ["rather", "than"])
        return "too" in self.words[at + 1 : at + 4]

    def _is_instead(self, hit: Hit) -> bool:
        """Whether a value is said to stand in for another: an 85mm instead."""
        return self.words[hit.end : hit.end + 1] == ["instead"] and self.words[hit.end + 1 : hit.end + 2] != ["of"]

    def clause_start(self, index: int) -> int:
        """The first token of the clause that a token is in."""
        return self._clause_starts[index]


def _telegram_stops(text: str, tokens: list[Token]) -> list[int]:
    """The tokens of STOP in a telegram, where it stands for a full stop: at least twice, and not counted."""
    stops = [
        index
        for index, token in enumerate(tokens)
        if token.word == "stop"
        and text[token.start : token.end].isupper()
        and (index == 0 or tokens[index - 1].kind != "number")
        and tokens[index - 1].word not in ("one", "two", "three", "half", "f", "t")
    ]
    return stops if len(stops) > 1 else []


def value_of(digits: str) -> float:
    """The number that digits stand for; a comma is a decimal one unless it parts thousands."""
    whole, comma, rest = digits.partition(",")
    thousands = comma and len(rest) == 3 and whole != "0"
    return min(float(digits.replace(",", "" if thousands else ".")), _MOST)


def plain(value: float) -> int | float:
    """A whole number as an integer, another rounded to what people say."""
    return int(value) if value == int(value) else round(value, 6)
