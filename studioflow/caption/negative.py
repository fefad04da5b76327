"""The negative that a shot itself implies: what would contradict it, as the fields of a caption.

Rules, facts and phrases stand in negative_words.json. A phrase stays out where the shot speaks of the thing: a picture
with a poster in it must not be steered away from text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..resources import table
from .derive import derive
from .fields import Caption, flat, in_trained_order

_TABLE = "caption/negative_words.json"


def auto_negative(manifest: dict[str, Any]) -> Caption:
    """What would contradict the shot, as caption fields in FIBO's order; {} where nothing is known of it.

    A photograph always gives Bria's own negative for photographs first: style_medium "digital illustration" and
    artistic_style "non-realistic". Raw caption fields count as what the shot says. Raises StudioFlowError where the
    caption cannot be made.
    """
    derived, raw = derive(manifest), manifest.get("caption", {})
    fields = flat(derived) | {field: value for field, value in flat(raw).items() if value is not None}
    facts = _facts(fields)
    said = _folded([derived, raw])
    phrases: dict[str, dict[str, None]] = {}
    for rule in table(_TABLE)["rules"]:
        if facts.issuperset(rule["when"]) and facts.isdisjoint(rule.get("unless", [])):
            meant = [row["phrase"] for row in rule["says"] if not _any(row["names"], said)]
            if meant:
                phrases.setdefault(rule["feeds"], {}).update(dict.fromkeys(meant))
    return _nested({field: ", ".join(words) for field, words in phrases.items()})


def merged_negative(manifest: dict[str, Any]) -> str | Caption:
    """The negative of a manifest: its own words, what ``auto_negative`` derives where negative_auto is on, or both.

    "" where there is neither. Of both, each field says one's own words first; a plain text of one's own goes into
    short_description, and a field of one's own that is no text stays as it is.
    """
    render = manifest.get("render", {})
    mine: str | Caption = render.get("negative", "")
    if not render.get("negative_auto", False):
        return mine
    auto = auto_negative(manifest)
    if not mine or not auto:
        return mine or auto or ""
    own = {"short_description": mine} if isinstance(mine, str) else mine
    return in_trained_order(_union(own, auto))


def _union(mine: Caption, auto: Caption) -> Caption:
    merged = dict(mine)
    for field, value in auto.items():
        there = merged.get(field)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[field] = _union(there, value)
        elif isinstance(there, str) and isinstance(value, str):
            parts = [part.strip() for part in there.split(",")] if there else []
            merged[field] = ", ".join([*([there] if there else []), *(p for p in value.split(", ") if p not in parts)])
        elif there is None:
            merged[field] = value
    return merged


def _facts(fields: Caption) -> set[str]:
    """What is known of a shot, by the names of the table's facts."""
    words = table(_TABLE)
    facts = {
        fact
        for fact, row in words["facts"].items()
        if _any(row["words"], _folded([fields.get(field) for field in row["in"]]))
    }
    facts.add("lettering" if fields.get("text_render") else "no_lettering")
    objects = fields.get("objects")
    things = [item for item in objects if isinstance(item, dict)] if isinstance(objects, list) else []
    if things or fields.get("short_description"):
        facts.add("subject")
        described = _folded([fields.get("short_description"), [item.get("description") for item in things]])
        human = any(item.get(field) for item in things for field in words["person_fields"])
        # A chef's knife is no person.
        named = [word for word in words["people"] if re.search(rf" {word} (?!s )", described)]
        facts.add("person" if human or named else "product")
    if len(things) == 1:
        facts.add("single_subject")
    return facts


def _any(words: list[str], folded: str) -> bool:
    return any(f" {word} " in folded for word in words)


def _folded(value: Any) -> str:
    """All texts of a value in small letters, one space between words and around, none crossing into the next text."""
    return " | ".join(["", *(re.sub(r"[^a-z0-9]+", " ", text.casefold()).strip() for text in _texts(value)), ""])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _nested(fields: dict[str, str]) -> Caption:
    """Fields by their names, each in its section, in FIBO's order."""
    caption: Caption = {}
    for name, text in fields.items():
        section, _, field = name.partition(".")
        if field:
            caption.setdefault(section, {})[field] = text
        else:
            caption[name] = text
    return in_trained_order(caption)
