"""Laying a language model's caption on a shot, whose numbers stay the artist's.

The model's text goes into the manifest's ``caption`` and nowhere else, so whatever an answer holds, no section of the
manifest changes by it.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any, NamedTuple

from ..caption import body, compile_manifest, derive, fields_owned_by, flat, with_body, without
from ..edit.overlay import overlay
from ..edit.written import leaves
from ..errors import require_choice
from ..manifest import from_caption, schema, validate
from ..manifest.schema import CAPTION
from ..resources import table
from ..studio.color import color_name
from .menus import KEEP

Caption = dict[str, Any]

_OF_NUMBERS = ("lighting", "photographic_characteristics")
"""Sections of a caption that lights and camera decide."""
_OF_A_SUBJECT = {
    "count": "number_of_objects",
    "color": "shape_and_color",
    "position_m": "location",
    "facing_deg": "orientation",
}
"""Numbers of a subject, and the field of a caption's object that their words stand in."""
_SHOT_SIZE = re.compile(r"\b(?:shot|close-?up)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")


class Adopted(NamedTuple):
    """The shot with the model's caption, the fields in which its own words stayed, and what else is to be told."""

    manifest: dict[str, Any]
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def adopt(
    manifest: dict[str, Any] | None, caption: Caption, keep: str = "numbers", asked: Container[str] = ()
) -> Adopted:
    """The shot (a new one where there is none) with a checked caption of a model laid on it.

    ``keep`` is one of KEEP. With ``numbers`` what camera, lights and palette say stays as they say it, and so does
    the text that is to be readable in the picture; of composition and objects the model's text counts but for the
    words that come from numbers: shot size, count, colour, place, orientation and the texture of a material in
    numbers. With ``everything`` the artist's texts stay too. What the
    model was ``asked`` for it may write whatever ``keep`` says: caption fields by name, and things as
    ``objects: espresso cup``, by the shot's description of them. Raises ManifestError for an invalid caption.
    """
    require_choice("keep", keep, KEEP)
    if manifest is None:
        made = from_caption(caption)
        validate(made, "answer")
        return Adopted(made)
    notes: list[str] = []
    given = flat(caption)
    held: set[str] = set()
    if keep != "nothing":
        held = {field for field in _held(manifest, keep) if field in given and field not in asked}
    inner = body(without(caption, held))
    if keep != "nothing":
        inner = _with_framing(manifest, inner, asked)
        inner = _with_texts(manifest, inner, asked)
        inner = _with_subjects(manifest, inner, asked, notes)
    laid = with_body(caption, inner) if caption is not body(caption) else inner
    result = overlay(manifest, from_caption(laid), "answer") if laid else manifest
    shown = flat(compile_manifest(manifest, "fibo-2").fields)
    kept = [field for field in given if field in held and given[field] != shown.get(field)]
    after = flat(laid)
    changed = [field for field in ("objects", "text_render", "aesthetics.composition") if field in after]
    kept += [field for field in changed if after[field] != given[field]]
    return Adopted(result, tuple(kept), tuple(notes))


def _held(manifest: dict[str, Any], keep: str) -> set[str]:
    """The fields that the shot's sections say and a model may not: of what is written, not of what is usual."""
    said = flat(derive(manifest)).keys()
    held = {field for field in said if field.split(".")[0] in _OF_NUMBERS}
    if manifest.get("scene", {}).get("palette"):
        held |= said & {"aesthetics.color_scheme"}
    if keep == "everything":
        held |= said & fields_owned_by(path for path in leaves(manifest, ()) if path[0] != "caption")
    return held


def _with_framing(manifest: dict[str, Any], caption: Caption, asked: Container[str]) -> Caption:
    """The caption with the shot size that lens and distance give in place of the model's."""
    bare = {key: value for key, value in manifest.get("scene", {}).items() if key != "composition"}
    framing = derive(manifest | {"scene": bare}).get("aesthetics", {}).get("composition")
    said = caption.get("aesthetics", {}).get("composition") if isinstance(caption.get("aesthetics"), dict) else None
    if not framing or not isinstance(said, str) or "aesthetics.composition" in asked:
        return caption
    own = [part.strip() for part in said.split(",") if part.strip() and not _SHOT_SIZE.search(part)]
    parts = [framing, *(part for part in own if part not in framing)]
    return caption | {"aesthetics": caption["aesthetics"] | {"composition": ", ".join(parts)}}


def _with_texts(manifest: dict[str, Any], caption: Caption, asked: Container[str]) -> Caption:
    """The caption with the shot's texts and no others; of how they look, the model says what the shot does not."""
    ours, theirs = derive(manifest).get("text_render"), caption.get("text_render")
    if not ours or not isinstance(theirs, list) or "text_render" in asked:
        return caption
    said = {_letters(entry): entry for entry in reversed(theirs)}
    return caption | {"text_render": [_ordered("text", said.get(_letters(entry), {}) | entry) for entry in ours]}


def _ordered(kind: str, entry: Caption) -> Caption:
    """An entry of a caption's list, its fields in the order that FIBO was trained with."""
    return {name: entry[name] for name in schema(CAPTION)["$defs"][kind]["properties"] if name in entry}


def _letters(entry: Caption) -> str:
    """The text of an entry of text_render, to be compared."""
    return "".join(str(entry.get("text", "")).casefold().split())


def _with_subjects(manifest: dict[str, Any], caption: Caption, asked: Container[str], notes: list[str]) -> Caption:
    """The caption whose objects have the words that come from numbers of the shot's subjects."""
    subjects = manifest.get("scene", {}).get("subjects", [])
    objects = caption.get("objects")
    if not subjects or not isinstance(objects, list):
        return caption
    derived = derive(manifest).get("objects", [])
    result = list(objects)
    same = matches(derived, objects)
    for index, found in same.items():
        if name_of(derived[index]) in asked:
            continue
        words = _words_of_numbers(manifest, subjects[index], derived[index], objects[found])
        result[found] = _ordered("object", objects[found] | words)
    for index in sorted(set(range(len(subjects))) - same.keys()):
        notes.append(f'none of the model\'s objects is the "{subjects[index]["description"][:60]}" of the shot')
    return caption | {"objects": result}


def _words_of_numbers(manifest: dict[str, Any], subject: Caption, derived: Caption, said: Caption) -> Caption:
    """The fields of an object that the numbers of a subject decide."""
    words = {field: derived[field] for name, field in _OF_A_SUBJECT.items() if name in subject and field in derived}
    if "location" in subject:
        words.pop("location", None)
    material = manifest.get("materials", {}).get(subject.get("material"), {})
    if material and "texture" in derived:
        words["texture"] = derived["texture"]
    if color := subject.get("color", material.get("color")):
        shape = [part.strip() for part in str(said.get("shape_and_color") or "").split(",")]
        own = [part for part in shape if part and not _names_color(part)]
        words["shape_and_color"] = ", ".join([*own, color_name(color)])
    return words


def _names_color(text: str) -> bool:
    names = table("studio/color_names.json")
    plain = {name.split()[-1] for name in (*names["colors"], *names["also"])}
    return not plain.isdisjoint(_WORD.findall(text.casefold()))


def name_of(thing: Caption) -> str:
    """What an object of a caption is called beside the fields of it."""
    return f"objects: {' '.join(str(thing.get('description', '')).split())[:60]}"


def matches(ours: list[Caption], theirs: list[Caption]) -> dict[int, int]:
    """Which of two lists' objects are the same thing: those whose descriptions share most words, the best pair first.

    From the index in ``ours`` to that in ``theirs``; objects without a like are not in it. Each is taken once, and of
    equally good pairs the earlier.
    """
    one, other = ([_words(item) for item in items] for items in (ours, theirs))
    pairs = sorted(
        (-len(a & b) / min(len(a), len(b)), -len(a & b), i, j)
        for i, a in enumerate(one)
        for j, b in enumerate(other)
        if a & b
    )
    found: dict[int, int] = {}
    for _, _, i, j in pairs:
        if i not in found and j not in found.values():
            found[i] = j
    return found


def _words(item: Any) -> set[str]:
    description = item.get("description") if isinstance(item, dict) else None
    words = _WORD.findall(description.casefold()) if isinstance(description, str) else []
    return {word.removesuffix("s") for word in words} - {"the", "and", "with", "it", "hi", "her", "from", "into"}
