"""A client's note laid on a shot: by rules in numbers, then by a model's answer in words, field by field.

Fields in which the answer says nothing new stay as they were, byte for byte, be they derived or somebody's text. What
changed beside what the note asks for is reported, or put back.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..caption import INSTRUCTION, body, compile_manifest, flat
from ..errors import require_choice
from ..review.compare import compare
from .adopt import adopt, matches, name_of
from .answer import Answer, mended
from .menus import OUTSIDE
from .note import Noted, apply_note
from .scan import tokens_of

Caption = dict[str, Any]
Manifest = dict[str, Any]

_FOLLOWS = "short_description"
"""The field that may follow any change."""
_EMPTIED = "text_render"
"""The one field whose absence in an answer means something: that no text is to be seen any more."""
_LISTS = ("objects", "text_render")
"""Fields of which a part says that the rest is to go."""
_IS = "description"


class Refined(NamedTuple):
    """The shot after a note.

    ``diff`` tells all changes for a person, ``changed`` are the caption fields that FIBO reads otherwise, and
    ``outside`` what a model changed beside what was asked, by name: fields, and things as ``objects: espresso cup``.
    With "put back" these are as they were.
    """

    manifest: Manifest
    diff: str
    changed: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def refine_request(manifest: Manifest, note: str) -> Caption:
    """The caption that a model is to refine: what FIBO 2 reads of the shot after the rules' part of the note."""
    read = body(_read_of(apply_note(manifest, note).manifest if note.strip() else manifest))
    return {key: value for key, value in read.items() if key != INSTRUCTION}


def refined(
    manifest: Manifest,
    note: str,
    answer: Answer | None,
    *,
    outside: str = "report",
    keep: str = "numbers",
) -> Refined:
    """The shot changed as a note asks: by rules, and by a model's answer to ``refine_request`` where there is one.

    ``outside`` is one of OUTSIDE, ``keep`` one of KEEP. What the shot's numbers say stays, but for fields that the
    note is about and the rules could not change. Raises StudioFlowError for an empty note.
    """
    require_choice("outside", outside, OUTSIDE)
    noted = apply_note(manifest, note)
    notes = list(noted.done)
    result, beside = noted.manifest, ()
    if answer:
        before = _read_of(noted.manifest)
        left_out = {INSTRUCTION, answer.broken if answer.broken in _LISTS else ""}
        said = {key: value for key, value in body(answer.caption).items() if key not in left_out}
        about = noted.fields | flat(before).keys() | flat(said).keys() if noted.foreign else noted.fields
        news, beside = _news(before, said, note, frozenset(about), answer.cut_off, outside == "put back")
        if noted.foreign:
            notes.append("the note is not in English: what a model changed beside it is not told")
        asked = (noted.fields - noted.by_rules) | _things_asked_for(before, note, noted)
        notes += answer.notes
        if news:
            adopted = adopt(noted.manifest, news, keep, asked)
            result = adopted.manifest
            notes += [f"kept from the shot's numbers: {', '.join(adopted.kept)}"] if adopted.kept else []
            notes += adopted.notes
        beside = tuple(name for name in beside if _shows(name, noted.manifest, result) or outside == "put back")
        notes += [_told(beside, outside)] if beside else []
    elif noted.unused:
        notes.append(f"left for a language model: {noted.unused}")
    comparison = compare(manifest, result)
    return Refined(result, comparison.text(), _changed(manifest, result), beside, tuple(notes))


def _read_of(manifest: Manifest) -> Caption:
    """What FIBO 2 reads of a shot, as an object."""
    read: Caption = json.loads(compile_manifest(manifest, "fibo-2").caption)
    return read


def _news(
    before: Caption, said: Caption, note: str, fields: frozenset[str], cut_off: bool, put_back: bool
) -> tuple[Caption, tuple[str, ...]]:
    """The fields of an answer that say other than before, and the names of those that the note is not about.

    With ``put_back`` the latter are not among the former.
    """
    was, now = flat(mended(before)), flat(mended(said))
    news: Caption = {}
    beside: list[str] = []
    for field, value in now.items():
        if _same(was.get(field), value):
            continue
        allowed = field in fields or field == _FOLLOWS
        if field == "objects" and isinstance(value, list) and isinstance(was.get(field), list):
            value, others = _objects(was[field], value, note, allowed, put_back)
            beside += others
            if _same(was[field], value):
                continue
        elif not allowed:
            beside.append(field)
            if put_back:
                continue
        section, _, name = field.partition(".")
        news = news | {section: news.get(section, {}) | {name: value} if name else value}
    if _EMPTIED in was and _EMPTIED not in now and _EMPTIED in fields and not cut_off:
        news[_EMPTIED] = []
    return news, tuple(beside)


def _objects(
    was: list[Caption], now: list[Caption], note: str, allowed: bool, put_back: bool
) -> tuple[list[Caption], list[str]]:
    """The objects of an answer, and the names of those that changed and that the note does not speak of.

    A note that names one of the things is about that one; a note about things that names none, is about all of them.
    New things and things that went are asked for by any note about things.
    """
    pairs = matches(was, now)
    named = {at for at, one in enumerate(was) if _is_named(one, note)}
    changed = [at for at, other in pairs.items() if not _same(was[at], now[other])]
    outside = [at for at in changed if not allowed or (named and at not in named)]
    names = [name_of(was[at]) for at in outside]
    result = list(now)
    for at, other in pairs.items():
        if at not in changed or (put_back and at in outside):
            result[other] = was[at]
    if not allowed:
        gone = [one for at, one in enumerate(was) if at not in pairs]
        new = [one for at, one in enumerate(now) if at not in pairs.values()]
        names += [name_of(one) for one in (*gone, *new)]
        if put_back:
            return was, names
    elif not names and _same(sorted(map(_text, was)), sorted(map(_text, now))):
        # The order of things alone is no news.
        return was, names
    return result, names


def _things_asked_for(before: Caption, note: str, noted: Noted) -> set[str]:
    """The things that the words left for the model are about: those they name, or all where they name none."""
    things = body(before).get("objects", []) if noted.unused and "objects" in noted.fields else []
    return {name_of(one) for one in things if _is_named(one, note)} or {name_of(one) for one in things}


def _is_named(thing: Caption, note: str) -> bool:
    words = {token.word.removesuffix("s") for token in tokens_of(str(thing.get(_IS, ""))) if len(token.word) > 2}
    said = {token.word.removesuffix("s") for token in tokens_of(note)}
    return not (words - {"the", "and", "with", "one", "two", "from"}).isdisjoint(said)


def _shows(name: str, before: Manifest, after: Manifest) -> bool:
    """Whether a change beside the note is still there after the shot's numbers had their say."""
    field = name.split(":")[0]
    return not _same(flat(_read_of(before)).get(field), flat(_read_of(after)).get(field))


def _changed(before: Manifest, after: Manifest) -> tuple[str, ...]:
    was, now = flat(_read_of(before)), flat(_read_of(after))
    return tuple(field for field in {**was, **now} if not _same(was.get(field), now.get(field)))


def _told(names: tuple[str, ...], outside: str) -> str:
    how = "and was put back" if outside == "put back" else "and stands"
    return f"the model also changed what the note is not about, {how}: {', '.join(names)}"


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return " ".join(one.split()) == " ".join(other.split())
    return _text(one) == _text(other)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
