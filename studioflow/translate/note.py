"""A client's note on a shot, by rules: what is relative by note_words.json, what is absolute by the rules of briefs.

"Warmer, and lower the camera" needs no model. What the rules are not certain of stays unused, and the caption fields
that it is about are named, for a model to write and for a person to know what else changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..caption import body, compile_manifest, derive, fields_owned_by, flat, without
from ..edit.path import Path
from ..edit.written import finished, leaves, value_at
from ..errors import StudioFlowError
from ..resources import table
from .adjust import Adjusted, Amount, adjusted
from .brief import Found, read_brief
from .note_clauses import WORDS, Clause, clauses_of, gone, read_clause, removed_things, says_something
from .note_stated import Stated, stated, with_background, without_things
from .scan import Token, tokens_of

Manifest = dict[str, Any]

MAX_NOTE = 4_000
"""Characters of a note."""
_PICTURE = ("objects", "background_setting")
"""What a note is about that names nothing else: what is to be seen."""
_ABOUT = {
    "shot": ("scene", "composition"),
    "mood": ("scene", "mood"),
    "background": ("scene", "background"),
    "text": ("scene", "text"),
    "medium": ("scene", "style", "medium"),
}
"""What is found in notes and left to a model, by the part of the shot that it is about."""
_OF_WORDS = (*_ABOUT, "subjects", "color", "material", "count", "size_m", "location", "clothing", "style")
"""What rules find in a note and do not lay on the shot by themselves."""


class Noted(NamedTuple):
    """The shot after a note.

    ``done`` says what changed, a line each; ``fields`` are the caption fields that the note is about, changed or not;
    ``unused`` is what of the note the rules did not use. ``by_rules`` are the fields that sections say otherwise now,
    also those that a change only reaches (what of a subject a turned camera sees). ``foreign`` says that unused words
    are of another language than English, so that what they are about is not known.
    """

    manifest: Manifest
    done: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    unused: str = ""
    by_rules: frozenset[str] = frozenset()
    foreign: bool = False


def apply_note(manifest: Manifest, note: str) -> Noted:
    """The shot changed as a note in English asks, where rules are certain of it.

    A change that the shot has no numbers for (a lower camera where none is placed) only names its fields. The caption
    fields that the note is not about stay as they were, be they derived or somebody's text. Raises StudioFlowError for
    an empty note, one of more than 4,000 characters, and a change that leads to a camera that there is none of.
    """
    if not note.strip() or len(note) > MAX_NOTE:
        raise StudioFlowError(
            "the note is empty" if not note.strip() else "the note is too long",
            where="note",
            found=f"{len(note):,} characters" if note.strip() else "no words",
            allowed=f"at most {MAX_NOTE:,} characters",
            fix="write what is to change, for example: warmer, and lower the camera",
        )
    reading = _Reading(manifest, note)
    for clause in reading.clauses:
        if clause.change:
            reading.change(clause)
    rest = [clause for clause in reading.clauses if not clause.change and not clause.keeps]
    rest = [clause for clause in rest if not reading.removal(clause)]
    reading.state(reading.backgrounds(rest))
    shot = reading.shot
    return Noted(
        manifest=_finished(manifest, shot),
        done=tuple(reading.done),
        fields=frozenset(reading.fields),
        unused="; ".join(text for _, text in sorted(reading.unused)),
        by_rules=frozenset(_changed(manifest, shot)),
        foreign=reading.foreign,
    )


class _Reading:
    """A note being read: the shot so far, and what is to be told of it."""

    def __init__(self, manifest: Manifest, note: str) -> None:
        self.note = note
        self.clauses = list(clauses_of(note))
        self.manifest = manifest
        self.shot = {key: value for key, value in manifest.items() if key != "caption"}
        self.shot.setdefault("scene", {})
        self.done: list[str] = []
        self.unused: list[tuple[int, str]] = []
        self.fields: set[str] = set()
        self.foreign = False

    def change(self, clause: Clause) -> None:
        """Makes the change that a clause is, where the shot has numbers for it."""
        row = table(WORDS)["changes"][clause.change]
        self.fields.update(row["fields"])
        found = _taken(self.shot, row, clause.amount)
        if found:
            self.shot = found.manifest
            self.done.append(f'{found.told}   "{clause.text(self.note)}"')
        else:
            self._leave(clause)

    def removal(self, clause: Clause) -> bool:
        """Takes away what a clause asks to be absent; says whether it was that and it could."""
        things = removed_things(clause.tokens)
        return bool(things) and self._take(without_things(self.shot, things, clause.text(self.note)))

    def backgrounds(self, clauses: Sequence[Clause]) -> list[Clause]:
        """Takes the backgrounds that clauses state, and gives the other clauses."""
        others: list[Clause] = []
        behind: Clause | None = None
        for at, clause in enumerate(clauses):
            if clause is behind:
                continue
            end = clause.tokens[-1].end
            following = clauses[at + 1 : at + 2]
            behind = next((one for one in following if self.note[end : one.tokens[0].start].strip() == ":"), None)
            whole = Clause(clause.tokens + (behind.tokens if behind else ()))
            if _in_doubt(whole) or not self._take(with_background(self.shot, whole.tokens, whole.text(self.note))):
                others.append(clause)
                behind = None
        return others

    def state(self, clauses: Sequence[Clause]) -> None:
        """Sets what clauses state outright, and leaves what says more than that."""
        certain = [clause for clause in clauses if not _in_doubt(clause)]
        going = [Clause(part) for clause in certain if (part := clause.tokens[slice(*gone(clause.tokens))])]
        rest = self._without([*(clause for clause in self.clauses if clause not in certain), *going])
        found: tuple[Found, ...] = ()
        used: tuple[Found, ...] = ()
        language = "en"
        if any(map(str.isalnum, rest)):
            brief = read_brief(rest, source="note")
            language, found = brief.language, brief.found
            numbers = tuple(item for item in found if item.field not in _OF_WORDS)

            def alone(item: Found) -> bool:
                inside = [clause for clause in certain if _meet(clause.tokens, item)]
                return all(not says_something(*_left(clause, numbers)) for clause in inside)

            done = stated(self.shot, brief, alone)
            used = done.used
            self._take(done)
        for clause in clauses:
            left, beside = _left(clause, used)
            if not says_something(left, beside):
                continue
            again = read_clause(left)
            if again.change:
                self.change(again)
                continue
            about = [_ABOUT[item.field] for item in found if item.field in _ABOUT and _meet(left, item)]
            self._leave(again)
            self.fields |= fields_owned_by(about) or _topics(left, self.manifest)
            self.foreign = self.foreign or language != "en" or not self.unused[-1][1].isascii()

    def _without(self, clauses: Sequence[Clause]) -> str:
        """The note with these clauses blanked out, so that places in it stay."""
        characters = list(self.note)
        for clause in clauses:
            begin, end = clause.tokens[0].start, clause.tokens[-1].end
            characters[begin:end] = [" "] * (end - begin)
        return "".join(characters)

    def _take(self, done: Stated) -> bool:
        """Takes a shot with what was stated; says whether anything was."""
        written = fields_owned_by(_written(self.shot, done.manifest))
        self.fields |= written & _changed(self.shot, done.manifest) or written
        self.shot = done.manifest
        self.done += done.lines
        return bool(done.lines)

    def _leave(self, clause: Clause) -> None:
        self.unused.append((clause.tokens[0].start, clause.text(self.note)))


def _in_doubt(clause: Clause) -> bool:
    return not set(table(WORDS)["doubts"]).isdisjoint(token.word for token in clause.tokens)


def _meet(tokens: Sequence[Token], item: Found) -> bool:
    """Whether something was found in some of the words."""
    return any(span.start <= token.start and token.end <= span.end for span in item.spans for token in tokens)


def _left(clause: Clause, used: Sequence[Found]) -> tuple[tuple[Token, ...], set[str]]:
    """The words of a clause that were not used, and those that then say nothing more."""
    rules = table(WORDS)
    inside = [item for item in used if _meet(clause.tokens, item)]
    if not inside:
        return clause.tokens, set()
    begin, end = gone(clause.tokens)
    stays = (*clause.tokens[:begin], *clause.tokens[end:])
    left = tuple(token for token in stays if not any(_meet([token], item) for item in inside))
    return left, {*rules["orders"], *(word for item in inside for word in rules["beside"].get(item.field, ()))}


def _topics(tokens: Sequence[Token], manifest: Manifest) -> set[str]:
    """The caption fields that words are about: by their topics, and by what the shot's things are called."""
    given = {token.word for token in tokens}
    topics = table(WORDS)["topics"]
    found = {field for field, names in topics.items() if not given.isdisjoint(names)}
    objects = body(compile_manifest(manifest, "fibo-2").fields).get("objects")
    called = " ".join(str(one.get("description", "")) for one in objects or [] if isinstance(one, dict))
    named = {token.word for token in tokens_of(called) if len(token.word) > 2} - {"the", "and", "with"}
    if not named.isdisjoint(given):
        found.add("objects")
    return found or set(_PICTURE)


# ---------------------------------------------------------------- the numbers


def _taken(shot: Manifest, row: dict[str, Any], amount: Amount) -> Adjusted | None:
    """The shot after a change, taken so many times that FIBO reads other words; None where there is nothing for it."""
    most = 1 if amount.unit or row.get("once") else table(WORDS)["steps"]
    fields = row["fields"]
    before = flat(derive(shot))
    first: Adjusted | None = None
    for step in row["do"]:
        for times in range(1, most + 1):
            try:
                found = adjusted(shot, step, amount._replace(times=amount.times * times))
                after = flat(derive(found.manifest)) if found else {}
            except StudioFlowError:
                if first is None:
                    raise
                break
            if found is None:
                break
            if any(before.get(field) != after.get(field) for field in fields):
                return found
            first = first or found
    return first and first._replace(told=f"{first.told} (FIBO reads the same words)")


# ---------------------------------------------------------------- the caption


def _changed(manifest: Manifest, shot: Manifest) -> set[str]:
    """The caption fields that the sections of a shot say otherwise than before."""
    before, after = flat(derive(manifest)), flat(derive(shot))
    return {field for field in before.keys() | after.keys() if before.get(field) != after.get(field)}


def _written(before: Manifest, after: Manifest) -> list[Path]:
    """The paths of what stands otherwise in the sections of two shots."""
    paths = {path for shot in (before, after) for path in leaves(shot, ()) if path[0] != "caption"}
    return [path for path in paths if value_at(before, path) != value_at(after, path)]


def _finished(manifest: Manifest, shot: Manifest) -> Manifest:
    """The changed shot with somebody's caption, of which the fields give way that the changed parts decide."""
    if "scene" not in manifest and shot["scene"] == {}:
        shot = {key: value for key, value in shot.items() if key != "scene"}
    if "caption" not in manifest:
        return finished(shot)
    decided = fields_owned_by(_written(manifest, shot))
    caption = without(manifest["caption"], _changed(manifest, shot) & decided)
    order = dict.fromkeys([*manifest, *shot])
    return finished({key: caption if key == "caption" else shot[key] for key in order})
