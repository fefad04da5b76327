"""Clothing in an English brief: which words are a garment, and which "in" is worn and no place."""

from __future__ import annotations

from .reading import Reading

_MOST_WORDS = 3
"""Words of a garment's name."""


def garment_end(reading: Reading, index: int) -> int:
    """The end of the garment that begins at a token, also of several of them: coat, coats; the token for none."""
    end = reading.phrase("garment", index)
    word = reading.words[index]
    one = reading.terms.words["garment"].get(word[:-1]) if word.endswith("s") else None
    return end if end > index or one is None or None not in one else index + 1


def ends_garment(reading: Reading, first: int, end: int) -> bool:
    """Whether a garment's name, from the first token on, ends at a token."""
    return any(garment_end(reading, index) == end for index in range(max(first, end - _MOST_WORDS), end))


def goes_on(reading: Reading, at: int) -> bool:
    """Whether another thing is said behind a garment: with a hat, walking through a field, jump into puddles."""
    joined = reading.words[at] in ("with", "and", "while")
    leads = at + 1 < len(reading.words) and reading.is_word(at + 1, "leads_somewhere")
    return joined or leads or reading.is_word(at, "verb") or reading.words[at].endswith("ing")


def is_worn(reading: Reading, at: int, after: int, limit: int, of_a_person: bool) -> bool:
    """Whether the word for wearing at tokens ``at`` to ``after`` has clothing behind it, up to the end of the clause.

    In alone may also be a place; behind it a garment follows, or nothing but a colour where a person is spoken of.
    """
    if reading.words[at] != "in":
        return True
    end = after
    while end < limit and not reading.owner[end] and not (end > after and reading.phrase("place", end) > end):
        if end > after and (reading.words[end] in ("with", "of") or reading.is_word(end, "wearing")):
            break
        if end > after and (reading.is_word(end, "ends_thing") or reading.is_word(end, "finite")):
            break
        end += 1
    if reading.is_word(after, "plain_color") and after + 1 >= end:
        return of_a_person
    garments = ((index, garment_end(reading, index)) for index in range(after, end))
    return any(last > index and (last == end or goes_on(reading, last)) for index, last in garments)
