"""Raw caption fields: what they hide, what FIBO drops or never saw, and what stands in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from ...caption import KEY_ORDER, flat, in_trained_order
from ...caption.fields import SECTIONS
from ...errors import nearest
from ...manifest.schema import CAPTION, schema
from .base import Fault, Patch, add, move, remove, replace, rule, show, words
from .shot import Shot

_SCORES = ("aesthetic_score", "preference_score")
_SURE = 0.75
"""Likeness of two keys from which one is surely a misspelling of the other."""


@rule("raw-hides-derived")
def hides(shot: Shot) -> Iterator[Fault]:
    """A raw field that wins over what a section says differently; null says nothing."""
    said = flat(shot.derived)
    for field, mine in flat(shot.raw).items():
        if field in said and mine is not None and mine != said[field]:
            path = shot.raw_at(*field.split(".", 1)) if field.split(".")[0] in SECTIONS else shot.raw_at(field)
            yield Fault(
                path,
                f"the raw caption says {show(mine)} and hides {show(said[field])}, which the manifest's sections say",
                "take the raw field out so that the section counts, or keep it knowingly",
                () if shot.raw_is_text else (remove(path),),
            )


@rule("caption-key-order")
def order(shot: Shot) -> Iterator[Fault]:
    """A caption that is passed on as it stands, in another order than FIBO was trained on."""
    # With other sections, and for FIBO 1.x always, the compiler puts the keys in order itself.
    if shot.derived or shot.raw_is_text or shot.family.dialect != "fibo-2":
        return
    ordered = in_trained_order(shot.raw)
    for given, wanted, trained in (
        (shot.raw, ordered, KEY_ORDER),
        *((shot.raw.get(section), ordered.get(section), SECTIONS[section]) for section in SECTIONS),
    ):
        if isinstance(given, dict) and _known(given, trained) != _known(wanted, trained):
            yield Fault(
                shot.raw_path,
                f"the keys come in another order than FIBO was trained on ({', '.join(_known(given, trained)[:4])})",
                "put them in the trained order",
                (replace(shot.raw_path, ordered),),
            )
            return


def _known(caption: Any, trained: tuple[str, ...]) -> list[str]:
    return [key for key in caption if key in trained]


@rule("caption-scores")
def scores(shot: Shot) -> Iterator[Fault]:
    """Scores that FIBO 2 drops and FIBO 1.x gets filled in anyway."""
    aesthetics = shot.raw.get("aesthetics")
    inner = aesthetics if isinstance(aesthetics, dict) else {}
    found: list[tuple[str, ...]] = [(key,) for key in _SCORES if key in shot.raw]
    found += [("aesthetics", key) for key in _SCORES if key in inner]
    if found:
        yield Fault(
            shot.raw_at(*found[0]),
            f"{found[0][-1]} has no effect: FIBO 2 reads no scores, and for FIBO 1.x they are set to the best",
            "take the scores out",
            () if shot.raw_is_text else tuple(remove(shot.raw_at(*keys)) for keys in found),
        )


@rule("caption-unknown-key")
def unknown(shot: Shot) -> Iterator[Fault]:
    """Keys that FIBO was not trained on: FIBO 1.x drops them all, FIBO 2 reads misspelt ones as something else."""
    for key in shot.raw:
        if key in KEY_ORDER or key in words("caption_extra_keys") or key.startswith("image_"):
            continue
        near = nearest(key, KEY_ORDER) if len(key) <= 100 else None
        sure = near is not None and SequenceMatcher(None, key.casefold(), near).ratio() >= _SURE
        if not sure and shot.family.dialect != "fibo-1":
            continue
        free = sure and near is not None and near not in shot.raw and not shot.raw_is_text
        yield Fault(
            shot.raw_at(key),
            f"FIBO was not trained on the caption key {show(key)}" + ("" if sure else ", and FIBO 1.x drops it"),
            f"did you mean {show(near)}?" if sure else f"use one of {', '.join(KEY_ORDER)}",
            (move(shot.raw_at(key), shot.raw_at(near)),) if free and near is not None else (),
        )
    yield from _misspelt_fields(shot)


def _misspelt_fields(shot: Shot) -> Iterator[Fault]:
    """Fields inside sections and objects whose names are nearly trained ones; others may be somebody's own."""
    parts: list[tuple[tuple[str | int, ...], Any, tuple[str, ...]]] = [
        ((section,), shot.raw.get(section), (*fields, *_SCORES)) for section, fields in SECTIONS.items()
    ]
    for key, what in (("objects", "object"), ("text_render", "text")):
        items = shot.raw.get(key)
        if isinstance(items, list):
            fields = tuple(schema(CAPTION)["$defs"][what]["properties"])
            parts += [((key, index), item, fields) for index, item in enumerate(items)]
    for place, part, fields in parts:
        for name in part if isinstance(part, dict) else ():
            near = nearest(name, fields) if name not in fields and len(name) <= 100 else None
            if near is None or SequenceMatcher(None, name.casefold(), near).ratio() < _SURE:
                continue
            path = shot.raw_at(*place, name)
            free = near not in part and not shot.raw_is_text
            yield Fault(
                path,
                f"FIBO was not trained on the caption field {show(name)}",
                f"did you mean {show(near)}?",
                (move(path, shot.raw_at(*place, near)),) if free else (),
            )


@rule("caption-nested-key")
def nested(shot: Shot) -> Iterator[Fault]:
    """Fields of other sections inside aesthetics, as some published examples have them."""
    aesthetics = shot.raw.get("aesthetics")
    if not isinstance(aesthetics, dict):
        return
    homes: dict[str, str] = words("caption_homes")
    for key in aesthetics:
        if key in homes:
            home = homes[key]
            yield Fault(
                shot.raw_at("aesthetics", key),
                f"{key} stands inside aesthetics, where FIBO does not look for it",
                f"move it to {home}" if home else "move it out, beside aesthetics",
                () if shot.raw_is_text else _moved_home(shot, key, home),
            )


def _moved_home(shot: Shot, key: str, home: str) -> Patch:
    """The patch that moves a key out of aesthetics; none where its place is taken."""
    source = shot.raw_at("aesthetics", key)
    holder = shot.raw.get(home, {}) if home else shot.raw
    if not isinstance(holder, dict) or key in holder:
        return ()
    made = (add(shot.raw_at(home), {}),) if home and home not in shot.raw else ()
    return (*made, move(source, shot.raw_at(home, key) if home else shot.raw_at(key)))


@rule("caption-wrong-type")
def wrong_type(shot: Shot) -> Iterator[Fault]:
    """Lists where FIBO was trained on one text, and a number of objects that is a text."""
    for keys, value in _leaves(shot):
        patched: Any = None
        if keys[-1] == "number_of_objects" and isinstance(value, str):
            wanted = "a number"
            patched = int(value) if value.isdecimal() and len(value) < 5 else None
        elif isinstance(value, list) and value:
            wanted = "one text"
            patched = ", ".join(value) if all(isinstance(item, str) for item in value) else None
        else:
            continue
        yield Fault(
            shot.raw_at(*keys),
            f"{keys[-1]} is {'a list' if isinstance(value, list) else show(value)}; FIBO was trained on {wanted}",
            f"write it as {wanted}",
            () if shot.raw_is_text or patched is None else (replace(shot.raw_at(*keys), patched),),
        )


def _leaves(shot: Shot) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every trained field of the raw caption that is a text or a number, with its keys."""
    for key in KEY_ORDER:
        value = shot.raw.get(key)
        if key in SECTIONS:
            inner = value if isinstance(value, dict) else {}
            yield from (((key, field), inner[field]) for field in SECTIONS[key] if field in inner)
        elif key not in ("objects", "text_render"):
            yield (key,), value
    for index, item in shot.raw_objects.items():
        yield from ((("objects", index, field), value) for field, value in item.items())
