"""The noun phrases of an English brief: what is in the picture, of all that its sentences speak of."""

from __future__ import annotations

import itertools

from .clauses import Clause
from .phrase import BACKGROUND, NOTHING, SUBJECT, Phrase, core_end, has_article
from .reading import Reading

_ANDS = frozenset(("and", "&", "+"))
_DEFINITE = frozenset(("the", "my", "our", "your", "his", "her", "their"))
_ENDS_SENTENCE = frozenset(".!?\n\u3002")


def noun_phrases(reading: Reading) -> list[Phrase]:
    """The phrases of a brief that name what is in the picture, in their order.

    In notes that is every phrase. Where sentences are written, the subjects are those of the first sentence that has
    any, and of these the ones that are announced, as by "photo of"; a sentence that only speaks of something else has
    no part in the picture, one that begins with "it" or asks for it goes on about the same.
    """
    phrases: list[Phrase] = []
    spoken: set[int] = set()
    onward: set[int] = set()
    start = sentence = begins = 0
    for index in range(len(reading.words) + 1):
        if index == len(reading.words) or reading.breaks[index]:
            # A letter or a number alone names nothing.
            if index > start + 1 or (index > start and len(reading.words[start]) > 1):
                Clause(reading, phrases, start, index, sentence).read()
            start = index + 1
            if index < len(reading.words) and reading.words[index] in _ENDS_SENTENCE:
                sentence, begins = sentence + 1, index + 1
        elif reading.is_word(index, "pronoun") or reading.is_word(index, "finite"):
            spoken.add(sentence)
            asked_for = index > begins and (
                reading.is_word(index - 1, "opener") or reading.is_word(index - 1, "command")
            )
            if reading.is_word(index, "it") and (index == begins or asked_for):
                onward.add(sentence)
        elif reading.is_word(index, "it") and reading.words[index - 1 : index] == ["of"]:
            onward.add(sentence)
    phrases = _placed(reading, _with_lists(reading, _renamed(reading, phrases)))
    return _in_the_picture(reading, phrases, spoken - onward)


def _renamed(reading: Reading, phrases: list[Phrase]) -> list[Phrase]:
    """The phrases without those that the next one says again: her dog Rex, a brown spaniel, turns two."""
    again: set[Phrase] = set()
    for phrase, after in itertools.pairwise(phrases):
        between = reading.words[phrase.end : after.start]
        behind = reading.words[after.end : after.end + 1]
        listed = any(reading.is_word(after.end + 1, role) for role in ("and", "article"))
        definite = has_article(reading, phrase.start) and reading.words[phrase.start - 1] in _DEFINITE
        if phrase.role == after.role == SUBJECT and definite and between in ([",", "a"], [",", "an"]):
            if behind == [","] and not listed:
                again.add(phrase)
    return [phrase for phrase in phrases if phrase not in again]


def _with_lists(reading: Reading, phrases: list[Phrase]) -> list[Phrase]:
    """The phrases; what an "and" joins to an announced one is announced too: shoes, a watch and a bottle."""
    chains: list[list[Phrase]] = []
    joined: list[bool] = []
    for index, phrase in enumerate(phrases):
        between = reading.words[phrases[index - 1].end : phrase.start] if index else []
        goes_on = index and phrase.role == phrases[index - 1].role == SUBJECT and _is_list(reading, between)
        if goes_on:
            chains[-1].append(phrase)
            joined[-1] = joined[-1] or not _ANDS.isdisjoint(between)
        else:
            chains.append([phrase])
            joined.append(False)
    return [
        phrase._replace(announced=True) if together and chain[0].announced else phrase
        for chain, together in zip(chains, joined, strict=True)
        for phrase in chain
    ]


def _placed(reading: Reading, phrases: list[Phrase]) -> list[Phrase]:
    """The phrases; beside another subject a bare place is its background, and a bare detail nothing: sky, green eyes.

    A place is the background of what is named before it, and of people wherever they are named.
    """
    mains = [phrase for phrase in phrases if phrase.role == SUBJECT and not _kind(reading, phrase) and phrase.weak < 2]
    if not mains:
        return phrases
    first = mains[0].start
    people = any(reading.is_word(at, "person") for phrase in mains for at in range(phrase.start, phrase.end))
    placed: list[Phrase] = []
    for phrase in phrases:
        bare = phrase.role == SUBJECT and not phrase.announced and not has_article(reading, phrase.start)
        kind = _kind(reading, phrase) if bare else ""
        if kind == "detail_head":
            phrase = phrase._replace(role=NOTHING)
        elif kind == "place_head" and (people or first < phrase.start):
            phrase = phrase._replace(role=BACKGROUND)
        placed.append(phrase)
    return placed


def _kind(reading: Reading, phrase: Phrase) -> str:
    """Whether a phrase names a place or a detail of the scene; "" for a thing of its own."""
    head = core_end(reading, phrase.start, phrase.end) - 1
    return next((role for role in ("place_head", "detail_head") if reading.is_word(head, role)), "")


def _is_list(reading: Reading, between: list[str]) -> bool:
    return all(word == "," or word in _ANDS or word in reading.terms.words["article"] for word in between)


def _in_the_picture(reading: Reading, phrases: list[Phrase], spoken: set[int]) -> list[Phrase]:
    subjects = [phrase for phrase in phrases if phrase.role == SUBJECT]
    if not subjects:
        return phrases
    strongest = min(phrase.weak for phrase in subjects)
    chosen = [phrase for phrase in subjects if phrase.announced]
    chosen = chosen or [phrase for phrase in subjects if phrase.weak == strongest]
    first = chosen[0].sentence
    heads = {reading.words[core_end(reading, phrase.start, phrase.end) - 1] for phrase in chosen}
    again = {phrase.sentence for phrase in subjects if reading.words[phrase.end - 1] in heads}
    aside = spoken - again - {first}
    said = set(chosen) | {phrase for phrase in subjects if not phrase.weak}
    return [
        phrase
        for phrase in phrases
        if (phrase in said and phrase.sentence == first)
        or (phrase.role != SUBJECT and (phrase.sentence not in aside or _is_labelled(reading, phrase)))
    ]


def _is_labelled(reading: Reading, phrase: Phrase) -> bool:
    return reading.is_word(phrase.end - 1, "background_head") or reading.words[phrase.start - 1 : phrase.start] == [":"]
