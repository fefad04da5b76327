"""What stands in a brief word for word: quoted texts, what is negated, terms, and numbers with units."""

from __future__ import annotations

from .numbers import number_hit
from .quotes import read_quotes
from .reading import APART, Hit, Reading
from .terms import longest

_MOST_NEGATIVES, _MOST_NEGATED_CHARACTERS = 40, 100
_MOST_NEGATED = 5
"""Words of a thing that must not be there."""
_ENDS_NEGATED = frozenset(
    "focal_length_mm lens_preset aperture sensor elevation_deg azimuth_deg roll_deg shot setup time_of_day style "
    "aspect_ratio grade location medium iso exposure_time_s seed steps cfg images size distance_m".split()
)
LIGHT_GROUPS = ("key_type", "light_quality", "color_temperature_k", "roles", "key_direction", "setup")
"""Groups whose words are a light that may have a direction."""
_GREETS = ("morning", "afternoon", "evening")
_TELLS = (["is"], ["are"], ["was"], ["were"], ["has"], ["have"])
"""Verbs that a "not" behind them makes a statement: the contracts are not signed yet."""
_LIGHT_FACTS = frozenset(("roles",))
"""What is a fact of the light and nothing that the picture must not show: no fill."""


def recognise(reading: Reading) -> None:
    """Finds them all, in this order, and gives each its tokens."""
    _set_apart(reading)
    _greeting(reading)
    read_quotes(reading)
    _negations(reading)
    _terms(reading)


def _set_apart(reading: Reading) -> None:
    """JSON in a brief is somebody's text and no order: nothing in braces is read."""
    depth, start = 0, 0
    for index, word in enumerate(reading.words):
        if word == "{":
            start = index if depth == 0 else start
            depth += 1
        elif word == "}" and depth:
            depth -= 1
            if depth == 0:
                reading.claim(start, index + 1, APART)


def _greeting(reading: Reading) -> None:
    """Morning Sam, and the like at the beginning: a time of day that greets somebody."""
    first = next((index for index, ends in enumerate(reading.breaks) if ends), len(reading.words))
    if first != 2 or reading.words[first : first + 1] not in ([","], ["\n"], ["!"]):
        return
    name, behind = (reading.text[token.start : token.end] for token in (reading.tokens[1], reading.tokens[0]))
    lower = first + 1 < len(reading.tokens) and reading.text[reading.tokens[first + 1].start].islower()
    known = reading.term(1)[0] > 1 or reading.is_word(1, "light") or reading.is_word(1, "place_head")
    if reading.words[0] in _GREETS and name.istitle() and behind.istitle() and lower and not known:
        reading.claim(0, 2, APART)


def _negations(reading: Reading) -> None:
    things: list[str] = []
    places: list[tuple[int, int]] = []
    index = 0
    while index < len(reading.words):
        if (correction := reading.phrase("correction", index)) > index:
            reading.corrections.append(index)
            reading.claim(index, correction, "helper")
            index = correction
            continue
        if (idiom := reading.phrase("no_negation", index)) > index:
            reading.claim(index, idiom, APART)
            index = idiom
            continue
        behind = index if reading.owner[index] else reading.phrase("negation_after", index)
        if behind > index and (start := _negated_before(reading, index)) < index:
            said = reading.said(start, index)
            if len(things) < _MOST_NEGATIVES and len(said) <= _MOST_NEGATED_CHARACTERS:
                things.append(said)
                places.append((start, index))
                reading.claim(start, behind, "negative")
            index = behind
            continue
        if (first := _after_negative_label(reading, index)) > index:
            for start, end in _list_to_the_line_end(reading, first):
                things.append(reading.said(start, end))
                places.append((start, end))
            reading.claim(index, first, "helper")
            index = places[-1][1] if places and places[-1][1] > first else first
            reading.claim(first, index, "negative")
            continue
        after = index if reading.owner[index] else reading.phrase("negation", index)
        told = after == index + 1 and reading.words[index] == "not" and reading.words[index - 1 : index] in _TELLS
        if after == index or told or reading.term(index)[0] > after:
            index += 1
            continue
        items = _negated(reading, after)
        for start, end in items:
            _, meanings = reading.term(start)
            if any(meaning.group in _LIGHT_FACTS for meaning in meanings):
                continue
            said = reading.said(start, end)
            if len(things) >= _MOST_NEGATIVES or len(said) > _MOST_NEGATED_CHARACTERS:
                continue
            if said.casefold() not in (thing.casefold() for thing in things):
                things.append(said)
            places.append((start, end))
        if items:
            reading.claim(index, items[-1][1], "negative")
            index = items[-1][1]
        else:
            index = after
    if things:
        reading.add("negative", things, places)


def _after_negative_label(reading: Reading, index: int) -> int:
    """The token behind a label such as "Negative prompt:", the token itself where there is none."""
    if reading.words[index] == "no" and reading.words[max(0, index - 2) : index] == ["-", "-"]:
        return index + 1
    if reading.owner[index] or reading.clause_start(index) != index:
        return index
    end = reading.phrase("label_negative", index)
    return end + 1 if end > index and reading.words[end : end + 1] == [":"] else index


def _list_to_the_line_end(reading: Reading, first: int) -> list[tuple[int, int]]:
    """What commas part up to the end of a line or sentence."""
    items: list[tuple[int, int]] = []
    start = at = first
    while at <= len(reading.words) and len(items) < _MOST_NEGATIVES:
        named = reading.words[at + 1 : at + 2] in ([":"], ["="])
        flag = reading.words[at : at + 2] == ["-", "-"]
        ends = at == len(reading.words) or reading.words[at] in (".", "\n", ";") or named or flag
        if ends or reading.words[at] == ",":
            if at > start and len(reading.said(start, at)) <= _MOST_NEGATED_CHARACTERS:
                items.append((start, at))
            start = at + 1
        if ends:
            break
        at += 1
    return items


def _negated_before(reading: Reading, end: int) -> int:
    """The first token of the thing that a negation behind it speaks of."""
    most = _MOST_NEGATED * (2 if reading.terms.language in ("ja", "zh") else 1)
    start = end
    while start > 0 and end - start < most and not reading.breaks[start - 1] and not reading.owner[start - 1]:
        if reading.tokens[start - 1].kind == "number" or reading.is_word(start - 1, "article"):
            break
        start -= 1
    return start


def _negated(reading: Reading, start: int) -> list[tuple[int, int]]:
    """The things behind a negation: a list joined by or, and, and by commas before one of these."""
    items: list[tuple[int, int]] = []
    at = start
    while True:
        while reading.is_word(at, "article") and at < len(reading.words):
            at += 1
        end = _negated_end(reading, at)
        if end == at:
            return items
        items.append((at, end))
        joined = reading.phrase("and", end)
        if joined > end:
            # "no text and red background" speaks of two things, "no text and logos" of one kind.
            if reading.words[end] in ("and", "&", "+", "plus") and _is_new(reading, joined):
                return items
            at = joined
        elif reading.words[end : end + 1] == [","] and _list_goes_on(reading, end + 1):
            at = max(end + 1, reading.phrase("and", end + 1))
        else:
            return items


def _negated_end(reading: Reading, start: int) -> int:
    end = start
    while end < len(reading.words) and end - start < _MOST_NEGATED:
        if reading.breaks[end] or reading.owner[end] or (end > start and reading.tokens[end].kind == "number"):
            break
        if reading.is_word(end, "and") or reading.is_word(end, "negation"):
            break
        if end > start and (reading.is_word(end, "place") or reading.words[end] in ("with", "please", "for", "but")):
            break
        if end > start and any(meaning.group in _ENDS_NEGATED for meaning in reading.term(end)[1]):
            break
        end += 1
    return end


def _is_new(reading: Reading, start: int) -> bool:
    """Whether what follows "and" is another matter: it begins with an article, a number or a term of another field."""
    if start >= len(reading.words) or reading.is_word(start, "article") or reading.number(start):
        return True
    return any(meaning.group in _ENDS_NEGATED for meaning in reading.term(start)[1])


def _list_goes_on(reading: Reading, start: int) -> bool:
    """Whether a comma in a negation parts two negated things: an or follows the next few words."""
    at = start
    for _ in range(_MOST_NEGATED * 4):
        if at >= len(reading.words) or (reading.breaks[at] and reading.words[at] != ","):
            return False
        if reading.words[at] in ("or", "nor"):
            return True
        if reading.tokens[at].kind == "number" or reading.is_word(at, "negation"):
            return False
        at += 1
    return False


def _terms(reading: Reading) -> None:
    index, count = 0, len(reading.words)
    while index < count:
        if reading.owner[index] or (reading.tokens[index].kind in ("line", "mark") and reading.words[index] not in "+"):
            index += 1
            continue
        end, meanings = reading.term(index)
        end = _within(reading, index, end)
        number = number_hit(reading, index)
        if number and number.start < index and any(reading.owner[number.start : index]):
            number = number._replace(start=index)
        if (
            number
            and number.end >= end
            and all(owner in ("", "helper") for owner in reading.owner[number.start : number.end])
        ):
            reading.claim(number.start, number.end, number.group)
            reading.hits.append(number)
            index = number.end
        elif meanings and end > index:
            if any(meaning.group == "trap" for meaning in meanings):
                reading.trap_end[index:end] = [end] * (end - index)
                index = end
                continue
            if _stands_alone(reading, index, end, meanings[0].group):
                reading.hits += [Hit(index, end, meaning.group, meaning.value) for meaning in meanings]
                reading.claim(index, end, meanings[0].group)
            index = end
        elif (helper := reading.phrase("helper", index)) > index:
            if _names_a_number(reading, index, helper):
                reading.claim(index, helper, "helper")
            index = helper
        else:
            index += 1


def _names_a_number(reading: Reading, start: int, end: int) -> bool:
    """Whether a word such as seed or lens stands by itself or beside a number, and not in the name of a thing."""
    before = start == 0 or reading.breaks[start - 1] or bool(reading.owner[start - 1])
    after = end >= len(reading.words) or reading.breaks[end] or reading.tokens[end].kind == "number"
    return after or (before and reading.is_word(end, "stop")) or bool(reading.term(end)[1])


def _within(reading: Reading, start: int, end: int) -> int:
    """The end of a phrase, or its start where it runs into what somebody owns."""
    return start if any(reading.owner[start:end]) else end


def _stands_alone(reading: Reading, start: int, end: int, group: str) -> bool:
    """Whether a term is itself and not a part of the thing behind it: dramatic, but no vintage car."""
    words = reading.words
    if group in ("elevation_deg", "azimuth_deg") and _follows_light(reading, start):
        return False
    if group == "location" and _is_of_light(reading, start, end):
        return False
    if words[start:end] in (["front"], ["overhead"]) or (group == "location" and end - start == 1):
        return (start == 0 or reading.breaks[start - 1]) and (end >= len(words) or reading.breaks[end])
    if group == "key_type" and reading.phrase("shy_light", start) == end:
        first = start == 0 or reading.breaks[start - 1] or reading.is_word(start - 1, "and")
        if not first or end >= len(words):
            return False
        sided = longest(reading.terms.directions, words, end)[0]
        alone = sided > end and (sided >= len(words) or reading.breaks[sided])
        return alone or words[end] in ("from", "camera") or reading.is_word(end, "light")
    if group == "medium" and words[start:end] == ["photograph"] and reading.is_word(end, "article"):
        # Photograph our chairman: a verb.
        return False
    if group not in _ADJECTIVES or end >= len(words) or reading.breaks[end] or reading.owner[end]:
        return True
    if group in ("grade", "style", "key_type") and end - start > 1 and words[start:end] != ["black", "and", "white"]:
        return True
    if group == "mood" and words[start:end] == ["raw"] and words[end : end + 1] in (["photo"], ["image"], ["file"]):
        return False
    if group == "aspect_ratio" and end - start > 1 and words[end - 1] != "square":
        return True
    plain = reading.is_word(end, "stop") or reading.is_word(end, "shot_of") or reading.is_word(end, "and")
    spoken = plain or reading.is_word(end, "about_the_picture") or reading.is_word(end, "place")
    if group == "key_type" and longest(reading.terms.directions, words, end)[1]:
        return True
    for _ in range(_MOST_ADJECTIVES):
        end, meanings = reading.term(end)
        if not meanings or meanings[0].group != "mood" or end >= len(words):
            break
    if any(meaning.group != "trap" for meaning in meanings):
        return True
    return bool(spoken) or reading.tokens[end].kind == "number" or reading.is_word(end, "range")


_MOST_ADJECTIVES = 4
_ADJECTIVES = frozenset(("mood", "aspect_ratio", "grade", "style", "key_type"))
"""Groups whose words may also be adjectives of a thing."""


def _is_of_light(reading: Reading, start: int, end: int) -> bool:
    """Whether a corner is where light comes from: key from the upper left, octabox upper left."""
    if start > 0 and reading.owner[start - 1] in LIGHT_GROUPS and not reading.breaks[start - 1]:
        return reading.words[start] in ("upper", "top", "lower", "bottom")
    before = start - 1 if start and reading.words[start - 1] == "the" else start
    return (before > 0 and reading.words[before - 1] == "from") or reading.phrase("light", end) > end


def _follows_light(reading: Reading, start: int) -> bool:
    """Whether a direction stands behind a light, so that it is the light's and not the camera's."""
    adverb = reading.words[start] in ("directly", "straight", "overhead", "slightly", "just", "at")
    if not (adverb or reading.is_word(start, "from") or longest(reading.terms.directions, reading.words, start)[1]):
        return False
    at = start
    for _ in range(4):
        if at == 0 or reading.breaks[at - 1]:
            return at > 1 and reading.words[at - 1] == ":" and reading.phrase_before("key", at - 1) < at - 1
        if reading.owner[at - 1] in LIGHT_GROUPS or reading.phrase_before("light", at) < at:
            return True
        if reading.phrase_before("key", at) < at:
            return True
        if not reading.is_word(at - 1, "between_light_and_direction"):
            return False
        at -= 1
    return False
