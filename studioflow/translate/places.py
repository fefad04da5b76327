"""Places in an English brief: whether an on, in or at leads to one, and not to a garment, a manner or a container."""

from __future__ import annotations

from .phrase import is_somebody
from .reading import Reading


def is_place(reading: Reading, at: int, after: int, limit: int, *, moving: bool, of_a_thing: bool) -> bool:
    """Whether a place or surface, up to the end of the clause, stands behind the word for it at ``at`` to ``after``.

    ``moving`` says that something moves, along what else would belong to its phrase; ``of_a_thing`` that a thing was
    named which may be sold or served in what follows.
    """
    through = moving and reading.is_word(at, "through_places")
    if reading.is_word(at, "place_in_phrase") and not through:
        return False
    if at > 0 and reading.is_word(at - 1, "soaked"):
        return False
    if reading.words[at] == "at" and at > 0 and reading.is_word(at - 1, "aims_at"):
        return False
    index = after
    while index < limit and (reading.is_word(index, "article") or reading.words[index] in ("very", "its", "her")):
        index += 1
    if index >= limit or reading.owner[index] not in ("", "mood", "light", "text"):
        return False
    if reading.words[index] not in ("one", "people") and is_somebody(reading, index):
        return False
    head = index
    while head + 1 < limit and not reading.owner[head + 1] and not reading.is_word(head + 1, "place"):
        if reading.words[head + 1] in ("with", "of", "and", "for", "the") or is_somebody(reading, head + 1):
            break
        head += 1
    if of_a_thing and reading.words[at] == "in" and reading.is_word(head, "container"):
        return False
    if reading.is_word(head, "no_place_head") or reading.phrase("no_place", index) == head + 1:
        return False
    return not (reading.tokens[index].kind == "number" and reading.tokens[head].kind == "number")
