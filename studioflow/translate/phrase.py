"""What a noun phrase of an English brief is."""

from __future__ import annotations

from typing import NamedTuple

from .reading import Reading
from .scene_terms import color_at

SUBJECT, BACKGROUND, CLOTHING, NOTHING = "subject", "background", "clothing", "nothing"
_MOST_CHARACTERS = 160
_MOST_DESCRIBING, _SHORT = 2, 4
"""Words of a run that only describes, and letters of a word whose ending tells nothing: ring, bed."""
_ADJECTIVAL = ("ous", "ful", "less", "esque")
"""Endings of adjectives that no name of a thing has."""
"""Words of photography that are things where an adjective stands before them."""
_TRAILING = frozenset(
    "seen viewed photographed taken late early upright again too instead now here there together alone only placed "
    "seated lit and or with of in on at is are a the to for , very but please - from by as its bigger smaller larger "
    "brighter darker warmer cooler softer closer".split()
)
"""Words that no phrase ends with."""


class Phrase(NamedTuple):
    """Tokens ``start`` to ``end`` of a noun phrase, and what it is in the picture.

    ``announced`` by words such as "photo of"; ``weak`` is 1 for what a sentence only speaks of, 2 for what may be a
    label.
    """

    start: int
    end: int
    role: str
    announced: bool = False
    weak: int = 0
    sentence: int = 0


def core_end(reading: Reading, start: int, end: int) -> int:
    """Where the words for the thing itself end in its phrase: before with, of, a verb."""
    for index in range(start + 1, end):
        if reading.words[index] == "of" and reading.is_word(index - 1, "collective"):
            continue
        if reading.words[index] in ("with", "of", "from", "for", "to", "without", "out"):
            return index
        if reading.is_word(index, "verb") and reading.words[index + 1 : index + 2] not in (["shoe"], ["shoes"]):
            return index
        if reading.is_word(index, "place") or reading.words[index : index + 2] == ["w", "/"]:
            return index
    return end


def without_small_words(reading: Reading, start: int, end: int) -> int:
    """The end of a phrase without what leads on from it: articles, prepositions, words before a quoted text."""
    if reading.words[end : end + 1] == [")"] and end - start > 1 and len(reading.words[end - 1]) == 1:
        # The letter of the next item of a list: B)
        end -= 1
    while end > start and (reading.is_word(end - 1, "article") or reading.words[end - 1] in _TRAILING):
        end -= 1
    if end < len(reading.words) and reading.owner[end] == "text":
        while end > start and reading.is_word(end - 1, "before_text"):
            end -= 1
    return end


def is_measure(reading: Reading, start: int, end: int) -> bool:
    """Whether the words are a number and its unit and nothing else."""
    number = reading.number(start)
    return bool(number) and max(number[0], reading.after_unit(number[0])) >= end


def is_endless(reading: Reading, start: int, end: int) -> bool:
    """Whether a run of words is no name of a thing any more."""
    span = reading.span(start, end)
    return span.end - span.start > _MOST_CHARACTERS


def subject_end(reading: Reading, start: int, end: int, announced: bool) -> tuple[int, str]:
    """Where a subject's phrase ends without the words for the picture itself; and what it names, if anything."""
    end = _without_picture_words(reading, start, end)
    if end <= start or _is_numbered(reading, start, end):
        return start, NOTHING
    if end - start == 1 and (reading.is_word(start, "it") or len(reading.words[start]) == 1):
        return end, NOTHING
    head = core_end(reading, start, end) - 1
    if reading.is_word(head, "background_head") or reading.words[start] == "seamless":
        return end, BACKGROUND
    if reading.words[start + 1 : start + 2] == ["by"]:
        return end, NOTHING
    if reading.is_word(start, "verb") and (start == head or reading.is_word(start + 1, "stop")):
        return end, NOTHING
    if announced and reading.tokens[head].kind == "word":
        return end, SUBJECT
    if not has_article(reading, start) and _is_described_only(reading, start, end):
        return end, NOTHING
    tool = reading.is_word(head, "tool") and head > start
    words = any(token.kind == "word" for token in reading.tokens[start:end])
    return end, SUBJECT if words and (tool or not reading.is_word(head, "never_subject")) else NOTHING


def _without_picture_words(reading: Reading, start: int, end: int) -> int:
    """The end without what only says that there is a picture: cat portrait studio lighting, mug product shot."""
    lit = reading.phrase_before("light", end)
    if start < lit < end and (reading.is_word(lit - 1, "genre") or reading.phrase_before("shot_of", lit) < lit):
        end = lit
        while end > start and reading.is_word(end - 1, "genre") and reading.phrase_before("shot_of", end) == end:
            end -= 1
    while start <= (shot := reading.phrase_before("shot_of", end)) < end:
        end = shot
        while end > start and reading.is_word(end - 1, "genre"):
            end -= 1
    while end - 1 > start and reading.phrase_before("posture", end) == end - 1:
        end -= 1
    return end


def _is_described_only(reading: Reading, start: int, end: int) -> bool:
    """Whether words without an article are no thing but say how one is: folded, floating, dark red, product."""
    last, word = end - 1, reading.words[end - 1]
    if end - start <= _MOST_DESCRIBING and word.endswith(("ing", "ed")) and len(word) > _SHORT:
        verb = end - start == 1 or word.endswith("ed")
        if verb and not reading.is_word(last, "thing_ending_like_a_verb") and not reading.is_word(last, "person"):
            return True
    if all(any(meaning.group == "mood" for meaning in reading.term(at)[1]) for at in range(start, end)):
        return True
    if end - start == 1 and word.endswith(_ADJECTIVAL) and len(word) > _SHORT + 1:
        return True
    color = color_at(reading, start)
    described = all(reading.is_word(at, "never_subject") for at in range(start, last)) or (color and color[0] == end)
    if described and reading.is_word(last, "plain_color"):
        return True
    return not reading.is_word(last, "person") and all(reading.is_word(at, "genre") for at in range(start, end))


def backdrop_start(reading: Reading, start: int, end: int) -> int:
    """Where a background begins that nothing parts from the thing before it: red apple white background."""
    at = end - 1
    while at > start:
        before = next((index for index in range(start, at) if (color_at(reading, index) or (0,))[0] == at), at)
        if before == at and reading.is_word(at - 1, "backdrop_adjective"):
            before = at - 1
        if before == at:
            break
        at = before
    return at if start < at < end - 1 else start


def _is_numbered(reading: Reading, start: int, end: int) -> bool:
    """Whether the words only count the shots: Setup 5, item 7, 7B."""
    tokens = reading.tokens
    last = tokens[end - 1].kind == "number" and end - start > 1 and tokens[start].kind == "word"
    return last or (end - start == 2 and tokens[start].kind == "number" and tokens[start + 1].glued)


def has_article(reading: Reading, start: int) -> bool:
    return start > 0 and reading.is_word(start - 1, "article")


def is_somebody(reading: Reading, at: int) -> bool:
    """Whether a word is a pronoun; one and people only where they do something: one feels, people are."""
    does = reading.words[at] not in ("one", "people") or reading.is_word(at + 1, "finite")
    return does and reading.is_word(at, "pronoun")
