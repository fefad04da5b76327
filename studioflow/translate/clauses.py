"""One clause of an English brief, read word by word: which words name a subject, a place or surface, or clothing."""

from __future__ import annotations

from .garments import ends_garment, goes_on, is_worn
from .labels import COLONS, LABELS, SLUGS, announced_by_label, is_label, is_signature
from .phrase import (
    BACKGROUND,
    CLOTHING,
    NOTHING,
    SUBJECT,
    Phrase,
    backdrop_start,
    has_article,
    is_endless,
    is_measure,
    is_somebody,
    subject_end,
    without_small_words,
)
from .places import is_place
from .prose import (
    bare_starts,
    begins_with_a_verb,
    does,
    is_fond,
    is_from_a_thing,
    is_lit_by,
    is_small,
    is_verb_before_thing,
    no_places_from,
    tells_of_the_past,
)
from .reading import Reading
from .recognise import LIGHT_GROUPS
from .scene_terms import color_at

_ANNOUNCES = frozenset(
    "shot style medium lens_preset sensor mood grade elevation_deg azimuth_deg roll_deg images helper time_of_day "
    "setup second aspect_ratio size focal_length_mm key_type light_quality".split()
)
"""Owners of words that "of" leads from to the subject: close-up of, photo of, variations of."""


class Clause:
    """One clause, read from left to right; ``role`` is what the next words are."""

    def __init__(self, reading: Reading, phrases: list[Phrase], start: int, end: int, sentence: int) -> None:
        self.reading, self.phrases, self.start, self.end = reading, phrases, start, end
        self.sentence = sentence
        self.role = SUBJECT
        self.announced = False
        self.first = start
        self.begun = -1
        self.seen: set[str] = set()
        self.placeless = no_places_from(reading, start, end)
        self.bare: list[bool] = []

    def read(self) -> None:
        reading, at = self.reading, self.start
        colon = reading.words[self.end : self.end + 1] in COLONS
        if (colon or reading.words[at : self.end] in SLUGS) and is_label(reading, self.start, self.end):
            return
        if role := announced_by_label(reading, self.start):
            self.role, self.announced = role, role == SUBJECT
        elif is_signature(reading, self.start, self.end):
            return
        elif reading.is_word(at, "chat"):
            self.role = NOTHING
        while at < self.end:
            at = self._step(at)
        self._close(self.end)

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
        if words[at] in ("of", "with") and self._announcing(at):
            return at + 1
        if self.role == SUBJECT and does(reading, at, self.end):
            return self._predicate(at)
        if words[at] not in ("one", "people") and is_somebody(reading, at):
            return self._of_whom(at)
        if self.role == SUBJECT and words[at] == "to" and (shown := reading.phrase("shows", at + 1)) > at + 1:
            # Their poster to show the singer.
            self.begun, self.announced = -1, True
            return shown
        if self.role == BACKGROUND and reading.is_word(at, "article") and not reading.is_word(at - 1, "stop"):
            # On the table a red cup; in our house the light is best.
            self._close(at)
            self.role = SUBJECT if words[at] in ("a", "an") else NOTHING
            return at + 1
        if (
            self.role == SUBJECT
            and reading.is_word(at, "acts")
            and (has_article(reading, self.begun) if at + 1 == self.end else reading.is_word(at + 1, "stop"))
        ) or (self.role == SUBJECT and is_verb_before_thing(reading, self.begun, at, self.end)):
            self._close(at)
            self.role = NOTHING
            return at + 1
        if self.role == SUBJECT and tells_of_the_past(reading, self.begun, at, self.end):
            self.begun, self.role = -1, NOTHING
            return at + 1
        behind = reading.phrase("in_the_background", at)
        if behind > at and self.role == SUBJECT:
            self._close_background(at)
            return behind
        place = reading.phrase("wearing", at)
        if place > at and self.role in (SUBJECT, BACKGROUND) and self._is_worn(at, place):
            return self._turn(at, place, CLOTHING)
        place = reading.phrase("place", at)
        if place > at and self._is_place(at, place):
            return self._turn(at, place, BACKGROUND)
        joined = reading.phrase("and", at)
        if joined > at and joined < self.end and is_somebody(reading, joined):
            # My husband and I: who speaks.
            return self._of_whom(joined)
        if joined > at and self._parts(at, joined):
            after_clothing = self.role == CLOTHING
            self._close(at)
            self.role = SUBJECT if after_clothing else self.role
            return joined
        if self.role == BACKGROUND and reading.is_word(at, "verb") and reading.is_word(at + 1, "stop"):
            self._close(at)
            self.role = NOTHING
            return at + 1
        if words[at] in ("with", "of", "between"):
            self.seen.add(words[at])
        elif reading.is_word(at, "verb"):
            self.seen.add("verb")
        if (
            self.role == CLOTHING
            and words[at] != "and"
            and goes_on(reading, at)
            and ends_garment(reading, self.begun, at)
        ):
            self._close(at)
            self.role = NOTHING
            return at + 1
        if reading.is_word(at, "ends_thing"):
            self._close(at)
            self.role = NOTHING
        return at + 1

    def _turn(self, at: int, after: int, role: str) -> int:
        """Ends the phrase at a preposition and begins one of another role behind it."""
        self._close(at)
        self.role = role
        self.reading.claim(at, after, "helper")
        return after

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
        if reading.words[at] == "of" or (reading.words[at] == "from" and is_from_a_thing(reading, at)):
            if reading.owner[at - 1 : at] == ["setup"] and reading.is_word(at + 1, "whose"):
                # Lit from the screen of her phone.
                self.role = NOTHING
            elif self._after_announcement(at) or reading.phrase_before("shot_of", at) < at:
                self.role, self.announced = SUBJECT, True
            return at + 1
        if at > self.start and reading.words[at - 1] == "of" and reading.owner[at - 1] in ("shot", "images"):
            self.role, self.announced = SUBJECT, True
        wanted = reading.phrase("asks_for", at)
        if wanted > at and (reading.is_word(wanted, "article") or reading.number(wanted)):
            self.role, self.announced = SUBJECT, True
            return wanted
        if at == self.first and reading.is_word(at, "command"):
            self.role = NOTHING
        if at > self.start and is_lit_by(reading, at):
            reading.claim(at, at + 1, "light")
            return at + 1
        led = reading.is_word(at + 1, "article") or reading.number(at + 1)
        if (
            led
            and not reading.is_word(at, "place")
            and (reading.words[at] == "still" or reading.words[at - 1 : at] == ["be"])
        ):
            # It's still the bike, it must be seen three cups.
            return at + 1
        if self.role == SUBJECT and at > self.start and is_somebody(reading, at - 1):
            if reading.is_word(at, "article"):
                # I'm a beekeeper: somebody speaks of himself.
                named = not reading.words[at - 1].endswith(("'m", "'re"))
            else:
                named = reading.is_word(at, "asks") or reading.is_word(at, "opener")
            self.role = SUBJECT if named and not is_fond(reading, self.start, at) else NOTHING
        elif (
            self.role == NOTHING
            and reading.is_word(at, "asks")
            and not self.announced
            and not is_fond(reading, self.start, at)
        ):
            self.role = SUBJECT
        if at > self.start and reading.is_word(at - 1, "modal") and not is_small(reading, at):
            # It should stand: a verb, whatever else it may mean.
            self.role = NOTHING
            return at + 1
        behind = reading.phrase("in_the_background", at)
        if at < behind < self.end and not reading.owner[behind]:
            return self._turn(at, behind, BACKGROUND)
        wearing = reading.phrase("wearing", at)
        if wearing > at and self._is_worn(at, wearing):
            return self._turn(at, wearing, CLOTHING)
        place = reading.phrase("place", at)
        if place > at and at > self.start and (role := self._role_behind(at)):
            self.role = role
            return place
        if place > at and self._is_place(at, place):
            return self._turn(at, place, BACKGROUND)
        if place > at:
            self.role = NOTHING if self.role != SUBJECT else self.role
            return place
        if reading.is_word(at, "leads_away") or (
            reading.words[at] == "with" and at > self.start and self.role != SUBJECT
        ):
            self.role = NOTHING
        if not self.announced and is_somebody(reading, at):
            return at + 1
        small = reading.is_word(at, "article") or (self.role == SUBJECT and is_small(reading, at))
        if self.role == NOTHING or (small and not reading.number(at)):
            return at + 1
        if self.role == SUBJECT and not self.announced and begins_with_a_verb(reading, at, self.end):
            self.role = NOTHING
            return at + 1
        if reading.tokens[at].kind in ("word", "number"):
            self.begun = at
            self.seen = set()
        return at + 1

    def _predicate(self, at: int) -> int:
        """At a verb behind a phrase: the picture shows what follows; of a thing, only where it stands is of use."""
        reading = self.reading
        shows = reading.phrase("shows", at)
        if self.begun <= reading.phrase_before("shot_of", at) < at and shows > at:
            self.begun = -1
            self.announced = True
            return shows
        end = at
        while reading.is_word(end, "finite") or reading.words[end : end + 1] == ["be"]:
            end += 1
        stands = end < self.end and (reading.words[end].endswith("ing") or reading.phrase("posture", end) > end)
        said_of_it = not stands and reading.words[end : end + 1] != ["stand"]
        for name, role in LABELS.items():
            # The product is a lamp, our new product is a lamp; but only the place itself is a place.
            label = reading.phrase_before(name, at) if role == SUBJECT else self.begun
            if said_of_it and self.begun <= label < at and reading.phrase(name, label) == at:
                self.begun, self.role, self.announced = -1, role, role == SUBJECT
                return end
        self._close(at, weak=said_of_it)
        self.role = NOTHING
        return end

    def _role_behind(self, at: int) -> str:
        """What follows a light or a camera angle with on, in or at: what it falls on, if nothing else was named yet."""
        reading = self.reading
        named = any(phrase.role == SUBJECT for phrase in self.phrases)
        if reading.owner[at - 1] == "elevation_deg" and reading.words[at] in ("at", "on") and not named:
            return SUBJECT
        if reading.owner[at - 1] not in (*LIGHT_GROUPS, "light") or reading.words[at] not in ("on", "in"):
            return ""
        return SUBJECT if reading.words[at] == "on" and not named else NOTHING

    def _after_announcement(self, at: int) -> bool:
        """Whether "of" follows words that announce a subject: close-up of, photo of, variations of."""
        return at > 0 and self.reading.owner[at - 1] in _ANNOUNCES

    def _announcing(self, at: int) -> bool:
        """Whether a phrase was no subject but a picture, and what follows is: shot of, still life with."""
        reading = self.reading
        if reading.words[at] == "of":
            shot = min(reading.phrase_before("shot_of", at), reading.phrase_before("announces_of", at))
        else:
            shot = self.begun if reading.phrase("shot_of", self.begun) == at else at
        through = reading.phrase("shot_of", self.begun)
        if shot == at and reading.words[through : through + 1] == ["through"]:
            # A view through a window of a couple: the window is where the camera looks through.
            shot, at = self.begun, through
        if shot == at:
            return False
        self.begun = -1
        self.role, self.announced = SUBJECT, True
        reading.claim(shot, at, "helper")
        return True

    def _is_place(self, at: int, after: int) -> bool:
        thing = self.role == SUBJECT and self.begun >= 0 and not self._is_of_a_person(at)
        if at >= self.placeless:
            return False
        return is_place(self.reading, at, after, self.end, moving="verb" in self.seen, of_a_thing=thing)

    def _is_worn(self, at: int, after: int) -> bool:
        return is_worn(self.reading, at, after, self.end, self._is_of_a_person(at))

    def _is_of_a_person(self, at: int) -> bool:
        """Whether the phrase before a token is about somebody: a woman in black, but no chair in black."""
        start = self.begun if self.begun >= 0 else self.phrases[-1].start if self.phrases else at
        return any(self.reading.is_word(index, "person") for index in range(start, at))

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

    def _close(self, end: int, *, weak: bool = False) -> None:
        start, self.begun = self.begun, -1
        if start < 0:
            return
        reading = self.reading
        end = without_small_words(reading, start, end)
        role, announced = self.role, self.announced
        if role == SUBJECT and not announced and not self._is_founded(start):
            role = NOTHING
        elif role == SUBJECT:
            end, role = subject_end(reading, start, end, announced)
            if role == BACKGROUND and (parted := backdrop_start(reading, start, end)) > start:
                before, kind = subject_end(reading, start, parted, announced)
                if kind != NOTHING:
                    self.phrases.append(Phrase(start, before, kind, announced, 0, self.sentence))
                start = parted
        if role == BACKGROUND and end > start:
            self.role = NOTHING
            when = (
                end < len(reading.words) and reading.owner[end] == "time_of_day" and not reading.is_word(end, "place")
            )
            bare_color = reading.words[start - 1 : start] == ["in"] and (color_at(reading, start) or (0,))[0] == end
            role = NOTHING if when or bare_color else role
        if (
            end > start
            and role != NOTHING
            and not is_endless(reading, start, end)
            and not is_measure(reading, start, end)
        ):
            level = 2 if reading.words[self.end : self.end + 1] == [":"] else int(weak)
            self.phrases.append(Phrase(start, end, role, announced, level, self.sentence))
            if role == CLOTHING:
                self.role = NOTHING

    def _is_founded(self, start: int) -> bool:
        """Whether a subject can begin at a token: in prose with an article or a number, or where one asks."""
        reading = self.reading
        if has_article(reading, start) or reading.number(start) or reading.words[start - 1 : start] == ["of"]:
            return True
        self.bare = self.bare or bare_starts(reading, self.start, self.end)
        return self.bare[start - self.start]

    def _of_whom(self, at: int) -> int:
        """At a pronoun behind a phrase, which ends there: an old sailor he sits; crafts we sell are only spoken of."""
        joined = self.reading.is_word(at - 1, "and")
        if not joined and (self.announced or has_article(self.reading, self.begun)):
            self._close(at)
        self.begun, self.role = -1, NOTHING
        return at + 1
