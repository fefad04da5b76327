"""Sentences in an English brief: which of their words are verbs, and where a thing of the picture can be named."""

from __future__ import annotations

from .phrase import has_article, is_somebody
from .reading import Reading
from .recognise import LIGHT_GROUPS

_DETERMINERS = frozenset(("a", "an", "the", "his", "her", "its", "their", "my", "our", "your"))
_BEFORE_ARTICLE = frozenset(("half", "quite", "such", "what", "double", "many"))
"""Words that may stand before an article within a noun phrase."""
_ONE = frozenset(("a", "an"))
_NO_VERB_ENDINGS = ("ss", "us", "is", "as", "os")


def is_a_can(reading: Reading, at: int, end: int) -> bool:
    """Whether can is a thing: a soda can, right third; an auxiliary has a verb behind it."""
    last = (
        at + 1 >= end
        or bool(reading.owner[at + 1])
        or reading.is_word(at + 1, "place")
        or reading.words[at + 1] == "of"
    )
    return reading.words[at] == "can" and last


def does(reading: Reading, at: int, end: int) -> bool:
    """Whether a word is a verb that ends a subject."""
    return reading.is_word(at, "finite") and not is_a_can(reading, at, end)


def is_verb_before_thing(reading: Reading, begun: int, at: int, end: int) -> bool:
    """Whether a word within a phrase must be a verb: a waitress wipes the counter, a cat jumps out of a box.

    Nothing else stands before an article; and of one thing no noun on -s leads somewhere.
    """
    words = reading.words
    if at <= begun or at + 1 >= end or words[at][-1] != "s" or words[at].endswith("ss"):
        return False
    if words[at + 1] in _DETERMINERS:
        return True
    of_one = words[begun - 1 : begun] and words[begun - 1] in _ONE and not words[at].endswith(_NO_VERB_ENDINGS)
    parted = any(words[index] in ("of", "with", "in") for index in range(begun, at))
    return bool(of_one) and not parted and reading.is_word(at + 1, "leads_somewhere")


def begins_with_a_verb(reading: Reading, at: int, end: int) -> bool:
    """Whether no thing but a verb begins at a token: makes coats, move the camera, changed her mind."""
    if has_article(reading, at) or reading.number(at):
        return False
    if does(reading, at, end) and not reading.is_word(at, "shows"):
        return True
    if reading.words[at - 1 : at] == ["client"] and reading.words[at][-1] == "s":
        # Who asks for the picture does something.
        return True
    takes = at + 1 < end and reading.words[at + 1] in _DETERMINERS and not reading.owner[at + 1]
    return takes and reading.words[at] not in _BEFORE_ARTICLE


def bare_starts(reading: Reading, start: int, end: int) -> list[bool]:
    """For each token of a clause whether a thing without an article may begin there.

    In notes it may; behind a pronoun or a verb only what is asked for or shown.
    """
    may, starts = True, []
    for at in range(start, end):
        starts.append(may)
        if reading.is_word(at, "asks") or reading.is_word(at, "shows"):
            may = True
        elif is_somebody(reading, at) or does(reading, at, end):
            may = False
    return starts


def no_places_from(reading: Reading, start: int, end: int) -> int:
    """The token of a clause from which on no place belongs to the picture, its end where all do.

    The camera lies on the ground; because it goes on a tower.
    """
    at = start + 1 if reading.is_word(start, "article") else start
    if at + 1 < end and reading.is_word(at, "viewer"):
        if any(reading.is_word(at + 1, role) for role in ("finite", "acts", "verb")):
            return start
    return next((index for index in range(start, end) if reading.is_word(index, "reason")), end)


def tells_of_the_past(reading: Reading, begun: int, at: int, end: int) -> bool:
    """Whether a word within a phrase is a verb of the past, which no picture shows: he changed his mind."""
    takes = begun < at < end - 1 and reading.words[at + 1] in _DETERMINERS
    return takes and reading.words[at].endswith("ed")


def is_fond(reading: Reading, start: int, at: int) -> bool:
    """Whether somebody only says what he likes: we love dogs, but: we'd love dogs."""
    before = reading.words[at - 1] if at > start else ""
    likes = reading.words[at] in ("love", "like") and not before.endswith("'d")
    return likes and at > start and is_somebody(reading, at - 1)


def is_from_a_thing(reading: Reading, at: int) -> bool:
    """Whether "from" stands for "of", as in many languages: a photo from a glass."""
    return reading.is_word(at + 1, "article") and at > 0 and reading.owner[at - 1] in ("medium", "images")


def is_lit_by(reading: Reading, at: int) -> bool:
    """Whether a verb says where the light before it goes: golden light falls on a chair."""
    at_time = reading.owner[at - 1] == "time_of_day" and reading.is_word(at - 1, "light")
    lit = at_time or reading.owner[at - 1] in (*LIGHT_GROUPS, "light")
    return lit and (reading.is_word(at, "acts") or reading.is_word(at, "verb"))


def is_small(reading: Reading, at: int) -> bool:
    """Whether a word only leads to what is wanted: could you show me a; a can of paint is a thing."""
    named = has_article(reading, at) or reading.words[at + 1 : at + 2] == ["of"]
    thing = reading.words[at] == "can" and named and not is_somebody(reading, at + 1)
    small = any(reading.is_word(at, role) for role in ("opener", "article", "asks"))
    return not thing and (small or is_somebody(reading, at))
