"""A foreign document that becomes a manifest, place by place: what was said about it, and what is left of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..resources import table
from .locate import Path, pointer
from .notes import Note
from .parse import MAX_DEPTH, too_deep
from .schema import Rule, rules_for

GONE = object()
"""Stands for a part of the source that is not there, or of which nothing is left."""


@dataclass
class _Book:
    """What was said about which place of the source; which places the manifest gives back, which it does not."""

    said: list[tuple[Path, Note]] = field(default_factory=list)
    taken: set[Path] = field(default_factory=set)
    staying: set[Path] = field(default_factory=set)


@dataclass(frozen=True)
class Place:
    """A place of the source and its value, GONE where there is none; nothing is said about what is not there."""

    value: Any
    path: Path
    book: _Book = field(default_factory=_Book)

    def __getitem__(self, key: str | int) -> Place:
        if isinstance(key, int):
            return Place(self.value[key], (*self.path, key), self.book)
        found = self.value.get(key, GONE) if isinstance(self.value, dict) else GONE
        return Place(found, (*self.path, key), self.book)

    def keys(self) -> Sequence[Any]:
        """The keys of an object or the indexes of a list; nothing else has any."""
        if isinstance(self.value, list):
            return range(len(self.value))
        return list(self.value) if isinstance(self.value, dict) else []

    def says(self, kind: str, text: str) -> None:
        """A note, where another one decides what becomes of the place."""
        self.book.said.append((self.path, Note(kind, pointer(self.path), text)))

    def takes(self, text: str, parts: str = "") -> None:
        """The manifest gives this value, or these parts of it, back exactly."""
        self.book.taken.update([(*self.path, part) for part in parts] or [self.path])
        self.says("converted", f"{show(self.value)} {text}")

    def stays(self, kind: str, text: str) -> None:
        """The manifest has less than the source says here, or nothing."""
        if self.value is not GONE:
            self.book.staying.add(self.path)
            self.says(kind, f"{show(self.value)} {text}")

    def opens(self) -> Place:
        """The same place; what is no object, or has nothing in it, is kept."""
        if not isinstance(self.value, dict) or not self.value:
            self.stays("kept", "is no object with anything in it")
        return self

    def goes(self, *at: str | int) -> Any:
        """The value, which goes to that place of the manifest; None where there is none or the schema forbids it."""
        rule = rule_of(*at)
        if self.value is GONE:
            return None
        if not fits(self.value, rule):
            self.stays("kept", f"is not {wanted(rule)}")
            return None
        self.takes(f"became {dotted(at)}")
        return int(self.value) if rule["type"] == "integer" else self.value

    def means(self, *at: str | int) -> str | None:
        """The word of the schema that this word means, which goes to that place; None where there is none."""
        options = options_of(*at)
        word, kind = translated(self.value, options)
        if word is None:
            self.stays("kept", f"is none of {', '.join(options)}")
        elif word == self.value:
            self.takes(f"became {dotted(at)}")
        else:
            self.stays(kind, f"became {dotted(at)} {show(word)}")
        return word

    def rest(self, source: str) -> Any:
        """The value without what was taken, with a note on what nobody looked at; GONE where nothing is left."""
        book = self.book
        told = {path[:end] for path in book.taken | book.staying for end in range(len(path) + 1)} | {()}

        def left_of(place: Place) -> Any:
            # Under its extension it stands two levels deeper.
            if len(place.path) > MAX_DEPTH - 2:
                raise too_deep(source)
            if place.path in book.taken:
                return GONE
            value = place.value
            if not isinstance(value, (dict, list)) or not value:
                return value
            every = {key: left_of(place[key]) for key in place.keys()}
            left = {key: inner for key, inner in every.items() if inner is not GONE}
            unknown = [show(key) for key in left if (*place.path, key) not in told]
            if unknown and place.path in told - book.staying:
                names = ", ".join(unknown[:8]) + (f" and {len(unknown) - 8} more" if len(unknown) > 8 else "")
                place.says("kept", f"no place in a manifest for {names}")
            if not left:
                return GONE
            # A list is kept whole: items that moved up would stand at somebody else's place.
            return left if isinstance(value, dict) else copy.deepcopy(value)

        return left_of(self)


def words() -> dict[str, Any]:
    words: dict[str, Any] = table("manifest/earlier_app.json")
    return words


def translated(value: Any, options: list[str]) -> tuple[str | None, str]:
    """The option that a word means and whether that is converted or guessed; None where it is no such word."""
    if not isinstance(value, str):
        return None, ""
    word = value.strip().casefold().replace(" ", "_").replace("-", "_")
    meanings = [(word, "converted"), *((words()[kind].get(word), kind) for kind in ("converted", "guessed"))]
    return next(((meant, kind) for meant, kind in meanings if meant in options), (None, ""))


def rule_of(*at: str | int) -> Rule:
    return rules_for(at)[-1]


def options_of(*at: str | int) -> list[str]:
    """The words that the schema allows at a place, of all alternatives."""
    return list(dict.fromkeys(word for rule in rules_for(at) for word in rule.get("enum", [rule.get("const")])))


def fits(value: Any, rule: Rule) -> bool:
    import jsonschema_rs

    return value is not GONE and jsonschema_rs.is_valid(rule, value)


def wanted(rule: Rule) -> str:
    """What a rule allows, in words."""
    if "pattern" in rule:
        return f"a colour such as {rule['examples'][0]}"
    if rule["type"] == "string":
        return f"a text of {rule.get('minLength', 0)} to {rule['maxLength']} characters"
    return f"a {'whole ' if rule['type'] == 'integer' else ''}number of {rule['minimum']} to {rule['maximum']}"


def dotted(at: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).lstrip(".")


def show(value: Any) -> str:
    """A value in one short line."""
    text = json.dumps(value, ensure_ascii=False)
    text = text if text.isprintable() else json.dumps(value)
    return text if len(text) <= 60 else text[:59] + "…"
