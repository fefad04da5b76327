"""The noun phrases of an English brief: which words name a subject, a place or surface, or clothing."""

from __future__ import annotations

from typing import NamedTuple

from .reading import Reading
from .recognise import LIGHT_GROUPS
from .scene_terms import color_at

SUBJECT, BACKGROUND, CLOTHING, NOTHING = "subject", "background", "clothing", "nothing"
_ANNOUNCES = frozenset(
    "shot style medium lens_preset sensor mood grade elevation_deg azimuth_deg roll_deg images helper time_of_day "
    "setup second aspect_ratio size focal_length_mm key_type light_quality".split()
)
"""Owners of words that "of" leads from to the subject: close-up of, photo of, variations of."""
_LABELS = {"label_subject": SUBJECT, "label_background": BACKGROUND, "label_clothing": CLOTHING}
_MOST_CHARACTERS = 160
_TOOLS = frozenset(("camera", "lens", "frame", "poster", "print", "text", "flash", "screen", "web", "top", "tripod"))
"""Words of photography that are things where an adjective stands before them."""
_TRAILING = frozenset(
    "placed seated lit and or with of in on at is are a the to for , very but please - from by as its".split()
)


class Phrase(NamedTuple):
    """Tokens ``start`` to ``end`` of a noun phrase, and what it is in the picture."""

    start: int
    end: int
    role: str
    announced: bool = False


def noun_phrases(reading: Reading) -> list[Phrase]:
    """The phrases of a brief in their order; what somebody owns is in none of them."""
    phrases: list[Phrase] = []
    start = 0
    for index in range(len(reading.words) + 1):
        if index == len(reading.words) or reading.breaks[index]:
            if index > start:
                _Clause(reading, phrases, start, index).read()
            start = index + 1
    return phrases


def core_end(reading: Reading, start: int, end: int) -> int:
    """Where the words for the thing itself end in its phrase: before with, of, a verb."""
    for index in range(start + 1, end):
        if reading.words[index] == "of" and reading.is_word(index - 1, "collective"):
            continue
        if reading.words[index] in ("with", "of", "from", "for", "to", "without"):
            return index
        if reading.is_word(index, "verb") and reading.words[index + 1 : index + 2] not in (["shoe"], ["shoes"]):
            return index
        if reading.is_word(index, "place"):
            return index
    return end


class _Clause:
    """One clause, read from left to right; ``role`` is what the next words are."""

    def __init__(self, reading: Reading, phrases: list[Phrase], start: int, end: int) -> None:
        self.reading, self.phrases, self.start, self.end = reading, phrases, start, end
        self.role = SUBJECT
        self.announced = False
        self.begun = -1
        self.seen: set[str] = set()

    def read(self) -> None:
        reading, at = self.reading, self.start
        if self.end < len(reading.words) and reading.words[self.end] in (":", "=") and self._is_label():
            return
        if role := self._announced_by_label():
            self.role, self.announced = role, role == SUBJECT
        elif reading.is_word(at, "chat") or self._is_signature():
            return
        while at < self.end:
            at = self._step(at)
        self._close(self.end)

    def _is_label(self) -> bool:
        """Whether the clause is nothing but a label before a colon; the words are then nobody's subject."""
        reading = self.reading
        for name in (*_LABELS, "label_other"):
            if reading.phrase(name, self.start) == self.end:
                reading.claim(self.start, self.end, "helper")
                return True
        return False

    def _is_signature(self) -> bool:
        """Whether the clause is a name below a greeting: Best, Anna."""
        reading, before = self.reading, self.start - 1
        if self.end - self.start > 2 or self.end < len(reading.words) - 1 or before < 1:
            return False
        return reading.is_word(reading.clause_start(before), "chat") and reading.words[before] in (",", "\n", "!", ".")

    def _announced_by_label(self) -> str:
        """What the clause before announces with a colon: Subject: perfume bottle. "" where it is no such label."""
        reading, before = self.reading, self.start - 1
        if before < 1 or reading.words[before] not in (":", "="):
            return ""
        start = reading.clause_start(before - 1)
        for name, role in _LABELS.items():
            if reading.phrase(name, start) == before:
                return role
        return ""

    def _step(self, at: int) -> int:
        reading = self.reading
        words = reading.words
        if reading.owner[at]:
            self._close(at)
            if reading.owner[at] in _ANNOUNCES and self.role == NOTHING:
                self.role = SUBJECT
            return at + 1
        if self.begun < 0:
            return self._begin(at)
        if words[at] == "of" and self._announcing(at):
            return at + 1
        behind = reading.phrase("in_the_background", at)
        if behind > at and self.role == SUBJECT:
            self._close_background(at)
            return behind
        place = reading.phrase("wearing", at)
        if place > at and self.role == SUBJECT and self._is_clothing(at, place):
            self._close(at)
            self.role = CLOTHING
            reading.claim(at, place, "helper")
            return place
        place = reading.phrase("place", at)
        if place > at and self._is_place(at, place):
            self._close(at)
            self.role = BACKGROUND
            reading.claim(at, place, "helper")
            return place
        joined = reading.phrase("and", at)
        if joined > at and self._parts(at, joined):
            after_clothing = self.role == CLOTHING
            self._close(at)
            self.role = SUBJECT if after_clothing else self.role
            return joined
        if words[at] in ("with", "of", "between"):
            self.seen.add(words[at])
        elif reading.is_word(at, "verb"):
            self.seen.add("verb")
        if self.role == CLOTHING and words[at] != "and" and self._goes_on(at) and self._is_garment_before(at):
            self._close(at)
            self.role = NOTHING
            return at + 1
        if reading.is_word(at, "ends_thing"):
            self._close(at)
            self.role = NOTHING
        return at + 1

    def _close_background(self, end: int) -> None:
        """Ends a phrase that is in the background; of a man with hills in the background only the hills are."""
        withs = [index for index in range(self.begun, end) if self.reading.words[index] == "with"]
        if withs and withs[-1] > self.begun:
            self._close(withs[-1])
            self.begun = withs[-1] + 1
        self.role, self.announced = BACKGROUND, False
        if self.begun < end:
            self._close(end)

    def _begin(self, at: int) -> int:
        """At no phrase: small words are skipped, a place or clothing announces itself, anything else begins one."""
        reading = self.reading
        if reading.words[at] == "of":
            if self._after_announcement(at):
                self.role, self.announced = SUBJECT, True
            return at + 1
        wearing = reading.phrase("wearing", at)
        if wearing > at and self._is_clothing(at, wearing):
            self.role = CLOTHING
            reading.claim(at, wearing, "helper")
            return wearing
        place = reading.phrase("place", at)
        if place > at and at > self.start and (role := self._role_behind(at)):
            self.role = role
            return place
        if place > at:
            if self._is_place(at, place):
                self.role = BACKGROUND
                reading.claim(at, place, "helper")
            else:
                self.role = NOTHING if self.role != SUBJECT else self.role
            return place
        if reading.is_word(at, "leads_away") or (
            reading.words[at] == "with" and at > self.start and self.role != SUBJECT
        ):
            self.role = NOTHING
        small = reading.is_word(at, "article") or (self.role == SUBJECT and reading.is_word(at, "opener"))
        if self.role == NOTHING or (small and not reading.number(at)):
            return at + 1
        if reading.tokens[at].kind in ("word", "number"):
            self.begun = at
            self.seen = set()
        return at + 1

    def _role_behind(self, at: int) -> str:
        """What follows a light or a camera angle with on, in or at: what it falls on, if nothing else was named yet."""
        reading = self.reading
        if reading.owner[at - 1] == "elevation_deg" and reading.words[at] in ("at", "on"):
            return SUBJECT
        if reading.owner[at - 1] not in LIGHT_GROUPS or reading.words[at] not in ("on", "in"):
            return ""
        first = reading.words[at] == "on" and not any(phrase.role == SUBJECT for phrase in self.phrases)
        return SUBJECT if first else NOTHING

    def _after_announcement(self, at: int) -> bool:
        """Whether "of" follows words that announce a subject: close-up of, photo of, variations of."""
        return at > 0 and self.reading.owner[at - 1] in _ANNOUNCES

    def _announcing(self, at: int) -> bool:
        """At "of" within a phrase: a phrase that ends in a word for a picture was no subject, what follows is."""
        reading = self.reading
        shot = min(reading.phrase_before("shot_of", at), reading.phrase_before("announces_of", at))
        if shot == at:
            return False
        self.begun = -1
        self.role, self.announced = SUBJECT, True
        reading.claim(shot, at, "helper")
        return True

    def _is_clothing(self, at: int, after: int) -> bool:
        reading = self.reading
        if reading.words[at] != "in":
            return True
        end = after
        while end < self.end and not reading.owner[end] and not (end > after and reading.phrase("place", end) > end):
            if reading.words[end] in ("with", "of", "and") and end > after:
                break
            end += 1
        if reading.is_word(after, "worn_color") and after + 1 >= end:
            return self._is_of_a_person(at)
        for index in range(after, end):
            garment = self._garment_end(index)
            if garment > index and (garment == end or self._goes_on(garment)):
                return True
        return False

    def _is_of_a_person(self, at: int) -> bool:
        """Whether the phrase before a token is about somebody: a woman in black, but no chair in black."""
        start = self.begun if self.begun >= 0 else self.phrases[-1].start if self.phrases else at
        return any(self.reading.is_word(index, "person") for index in range(start, at))

    def _garment_end(self, index: int) -> int:
        """The end of the garment that begins at a token, also of several of them: coat, coats."""
        end = self.reading.phrase("garment", index)
        word = self.reading.words[index]
        one = self.reading.terms.words["garment"].get(word[:-1]) if word.endswith("s") else None
        return end if end > index or one is None or None not in one else index + 1

    def _is_garment_before(self, at: int) -> bool:
        return any(self._garment_end(index) == at for index in range(max(self.begun, at - 3), at))

    def _goes_on(self, at: int) -> bool:
        """Whether another thing is said behind a garment: with a hat, walking through a field."""
        reading = self.reading
        return (
            reading.words[at] in ("with", "and", "while")
            or reading.is_word(at, "verb")
            or reading.words[at].endswith("ing")
        )

    def _is_place(self, at: int, after: int) -> bool:
        reading = self.reading
        if reading.is_word(at, "place_in_phrase"):
            return False
        index = after
        while index < self.end and (
            reading.is_word(index, "article") or reading.words[index] in ("very", "its", "her")
        ):
            index += 1
        if index >= self.end or reading.owner[index] not in ("", "mood", "light", "text"):
            return False
        head = index
        while head + 1 < self.end and not reading.owner[head + 1] and not reading.is_word(head + 1, "place"):
            if reading.words[head + 1] in ("with", "of", "and", "for"):
                break
            head += 1
        if reading.is_word(head, "no_place" if head == index else "no_place_head"):
            return False
        return not (reading.tokens[index].kind == "number" and reading.tokens[head].kind == "number")

    def _parts(self, at: int, joined: int) -> bool:
        """Whether "and" parts two things: not within what a subject has with it."""
        reading = self.reading
        if joined >= self.end or reading.owner[joined]:
            return joined >= self.end or reading.owner[joined] not in ("mood",)
        if self.seen and self.role != CLOTHING:
            new = reading.is_word(joined, "article") or bool(reading.number(joined))
            return new and self.seen <= {"of", "between"}
        if self.role == CLOTHING:
            # In a red dress and a hat, but: in a red dress and a man in a suit.
            return any(reading.is_word(index, "person") for index in range(joined, min(joined + 3, self.end)))
        # Two adjectives of one thing: black and white cat.
        return not (color_at(reading, at - 1) and color_at(reading, joined))

    def _close(self, end: int) -> None:
        start, self.begun = self.begun, -1
        if start < 0:
            return
        reading = self.reading
        while end > start and (reading.is_word(end - 1, "article") or reading.words[end - 1] in _TRAILING):
            end -= 1
        if end < len(reading.words) and reading.owner[end] == "text":
            while end > start and reading.is_word(end - 1, "before_text"):
                end -= 1
        role, announced = self.role, self.announced
        if role == SUBJECT:
            end, role = self._subject_end(start, end)
        if role == BACKGROUND and end > start:
            self.role = NOTHING
        if end > start and role != NOTHING and not self._is_endless(start, end) and not self._is_measure(start, end):
            self.phrases.append(Phrase(start, end, role, announced))
            if role == CLOTHING:
                self.role = NOTHING

    def _is_measure(self, start: int, end: int) -> bool:
        """Whether the words are a number and its unit and nothing else."""
        number = self.reading.number(start)
        return bool(number) and max(number[0], self.reading.after_unit(number[0])) >= end

    def _is_endless(self, start: int, end: int) -> bool:
        """Whether a run of words is no name of a thing any more."""
        span = self.reading.span(start, end)
        return span.end - span.start > _MOST_CHARACTERS

    def _subject_end(self, start: int, end: int) -> tuple[int, str]:
        """Where a subject's phrase ends without the words for the picture itself; and whether it is one at all."""
        reading = self.reading
        shot = reading.phrase_before("shot_of", end)
        while shot < end and shot >= start:
            end = shot
            while end > start and reading.is_word(end - 1, "genre"):
                end -= 1
            shot = reading.phrase_before("shot_of", end)
        while end - 1 > start and reading.phrase_before("posture", end) == end - 1:
            end -= 1
        if end <= start:
            return start, NOTHING
        head = self._head(start, end)
        if reading.is_word(head, "background_head") or reading.words[start] == "seamless":
            return end, BACKGROUND
        if reading.is_word(start, "verb") and (start == head or reading.is_word(start + 1, "stop")):
            return end, NOTHING
        if self.announced and reading.tokens[head].kind == "word":
            return end, SUBJECT
        bare = not self.announced and end - start == 1 and not self._has_article(start)
        if bare and reading.words[start].endswith("ing") and not reading.is_word(start, "thing_ending_in_ing"):
            return end, NOTHING
        if (reading.is_word(head, "never_subject") and not (reading.words[head] in _TOOLS and head > start)) or not any(
            token.kind == "word" for token in reading.tokens[start:end]
        ):
            return end, NOTHING
        return end, SUBJECT

    def _has_article(self, start: int) -> bool:
        return start > 0 and self.reading.is_word(start - 1, "article")

    def _head(self, start: int, end: int) -> int:
        return core_end(self.reading, start, end) - 1
