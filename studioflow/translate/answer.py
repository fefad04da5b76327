"""The caption in a language model's answer: checked, in the order FIBO was trained with, and nothing else in it.

What is put right and told: names of fields in another spelling, one object where a list of them belongs, a text for a
number and a number for a text, a list of texts where one belongs. Keys that FIBO was not trained with go.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..caption.fields import INSTRUCTION, KEY_ORDER, SECTIONS, WRAPPED, body, in_trained_order, with_body
from ..errors import ManifestError
from ..manifest import from_caption, is_caption, schema, validate
from ..manifest.schema import CAPTION
from .repair import repaired

Caption = dict[str, Any]

MAX_CAPTION = 100_000
"""Characters of a caption as JSON; FIBO reads about the first ten thousand of them."""
REQUIRED = (
    "short_description",
    "objects",
    "background_setting",
    "lighting.conditions",
    "lighting.direction",
    "aesthetics.composition",
    "aesthetics.color_scheme",
    "aesthetics.mood_atmosphere",
    "style_medium",
    "artistic_style",
    "context",
)
"""What every picture has (bria-vgl 0.10, output_schema/generate.json); the other fields may be empty."""

_ENVELOPES = ("result", "data", "output", "structured_prompt", "json_prompt", "caption", "vgl", "prompt", "json")
_SENTENCES = ("short_description", "background_setting", "context")
_LISTS = {"objects": "object", "text_render": "text"}
_NAMED_BY = {"objects": "description", "text_render": "text"}
_SCORES = ("aesthetic_score", "preference_score")
"""FIBO 1.x gets its own, and FIBO 2 none, whatever a caption says."""
_PHOTOGRAPHIC = "photographic_characteristics"


class Answer(NamedTuple):
    """A valid FIBO caption, and what had to be said on the way to it.

    ``cut_off`` says that the answer ended too early, and ``broken`` is the field that is not whole because of it.
    """

    caption: Caption
    notes: tuple[str, ...] = ()
    cut_off: bool = False
    broken: str = ""


def caption_of(text: str, *, edit: bool = False, repair: bool = True, source: str = "answer") -> Answer:
    """The FIBO caption in a language model's answer.

    With ``edit`` it must be an edit caption, and has an instruction. ``repair`` mends what is no JSON where that is
    certain (see ``repaired``). Raises ManifestError where there is no caption in the text or it is not valid.
    """
    found = repaired(text, source, mend=repair)
    mending = _Mending(source)
    given = _unwrapped(mending.names(found.document), mending)
    if "studioflow" in given or not is_caption(given):
        raise ManifestError(
            "the answer holds no FIBO caption",
            where=source,
            found=f"an object with {', '.join(map(str, list(given)[:10])) or 'nothing in it'}",
            allowed="a caption with short_description, objects, background_setting and so on",
            fix="a manifest belongs in Load Manifest" if "studioflow" in given else "ask again",
        )
    instruction = given.get(INSTRUCTION)
    inner = mending.caption({key: value for key, value in body(given).items() if key != INSTRUCTION})
    caption = in_trained_order(inner)
    if instruction:
        caption = (
            with_body({WRAPPED: {}, INSTRUCTION: instruction}, caption)
            if WRAPPED in given
            else (caption | {INSTRUCTION: instruction})
        )
    _require_readable(caption, source)
    validate(from_caption(caption), source)
    _require_content(caption, edit, source)
    missing = [name for name in REQUIRED if not _says(body(caption), name)] if not edit else []
    notes = [*found.notes, *mending.notes]
    if missing:
        notes.append(f"the caption lacks {', '.join(missing)}")
    broken = next((str(part) for part in found.cut_at if part in KEY_ORDER), "")
    return Answer(caption, tuple(notes), found.cut_off, broken)


def mended(caption: Caption) -> Caption:
    """A caption as ``caption_of`` would give it back, to compare an answer with what was asked."""
    return in_trained_order(_Mending("caption").caption(body(caption)))


def _require_readable(caption: Caption, source: str) -> None:
    size = len(json.dumps(caption, ensure_ascii=False))
    if size > MAX_CAPTION:
        raise ManifestError(
            "the caption is far too long",
            where=source,
            found=f"{size:,} characters",
            allowed=f"at most {MAX_CAPTION:,}; FIBO reads about the first 10,000",
            fix="ask again: a caption has some thousand characters",
        )


def _require_content(caption: Caption, edit: bool, source: str) -> None:
    if edit and not caption.get(INSTRUCTION):
        raise ManifestError(
            "the answer does not say what the edit is to do",
            where=source,
            found=f"a caption without {INSTRUCTION}",
            allowed=f'a caption with "{INSTRUCTION}": "…"',
            fix="ask again",
        )
    inner = body(caption)
    things = [one for one in inner.get("objects", []) if one.get("description")]
    if not edit and not inner.get("short_description") and not things:
        raise ManifestError(
            "the caption does not say what is in the picture",
            where=source,
            found=f"only {', '.join(caption) or 'empty fields'}",
            allowed="short_description, or objects with a description",
            fix="ask again",
        )


def _says(caption: Caption, name: str) -> bool:
    section, _, field = name.partition(".")
    value = caption.get(section)
    return bool(value.get(field) if field and isinstance(value, dict) else value)


def _unwrapped(document: Caption, mending: _Mending) -> Caption:
    """The caption that stands alone under a name, as programs and models hand one on."""
    for _ in range(3):
        if is_caption(document) or "studioflow" in document:
            return document
        inner = [key for key in document if key in _ENVELOPES and isinstance(document[key], (dict, list, str))]
        value: Any = document[inner[0]] if len(inner) == 1 else None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = repaired(value, inner[0]).document
        if not isinstance(value, dict):
            return document
        document = mending.names(value)
        mending.notes.append(f'the caption stood under "{inner[0]}"')
    return document


class _Mending:
    """The changes to one caption, and the notes of them."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.notes: list[str] = []

    def names(self, given: Caption) -> Caption:
        """The document with known fields under their own names: ``Short Description`` is short_description."""
        return self._renamed(given, (*KEY_ORDER, INSTRUCTION, WRAPPED, *_ENVELOPES))

    def caption(self, given: Caption) -> Caption:
        """The caption with fields that FIBO knows only, each of the kind it has to be. Empty ones go."""
        given = self._known(self._raised(self._renamed(given, KEY_ORDER)), KEY_ORDER, "")
        result: Caption = {}
        for key, value in given.items():
            if key in SECTIONS:
                result[key] = self._section(key, value)
            elif key in _LISTS:
                result[key] = self._items(key, value)
            else:
                result[key] = self._text(key, value)
        return {key: value for key, value in result.items() if value not in (None, "", [], {})}

    def _raised(self, given: Caption) -> Caption:
        """The caption with what some captions keep inside aesthetics in its own place."""
        inside = given.get("aesthetics")
        if not isinstance(inside, dict):
            return given
        photographic = SECTIONS[_PHOTOGRAPHIC]
        raised = {key: inside[key] for key in (_PHOTOGRAPHIC, "style_medium", "artistic_style") if key in inside}
        raised |= (
            {_PHOTOGRAPHIC: found} if (found := {key: inside[key] for key in photographic if key in inside}) else {}
        )
        raised = {key: value for key, value in raised.items() if not given.get(key)}
        if not raised:
            return given
        self.notes.append(f"{', '.join(raised)} stood inside aesthetics")
        rest = {key: value for key, value in inside.items() if key not in (*raised, *photographic)}
        return given | raised | {"aesthetics": rest}

    def _section(self, name: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = SECTIONS[name]
        renamed = self._renamed(value, fields)
        if astray := next((key for key in renamed if key in KEY_ORDER and key not in fields), None):
            raise ManifestError(
                "a bracket is missing in the answer",
                where=self.source,
                found=f'"{astray}" inside {name}',
                allowed=f'"{astray}" beside {name}',
                fix=f'close {name} before "{astray}", or ask again',
            )
        known = self._known(renamed, fields, name)
        section = {field: self._text(f"{name}.{field}", item) for field, item in known.items()}
        return {field: item for field, item in section.items() if item not in (None, "", [], {})}

    def _items(self, name: str, value: Any) -> Any:
        """The list of objects or of texts."""
        main = _NAMED_BY[name]
        if isinstance(value, dict) and main in self._renamed(value, (main,)):
            self.notes.append(f"{name} was one entry and no list")
            value = [value]
        if not isinstance(value, list):
            return value
        entries = []
        for index, item in enumerate(value):
            if isinstance(item, str) and item.strip():
                self.notes.append(f"{name}[{index}] was a text and became its {main}")
                item = {main: item}
            entries.append(self._entry(name, index, item) if isinstance(item, dict) else item)
        return [entry for entry in entries if entry not in (None, "", {})]

    def _entry(self, name: str, index: int, item: Caption) -> Caption:
        fields = tuple(schema(CAPTION)["$defs"][_LISTS[name]]["properties"])
        place = f"{name}[{index}]"
        known = self._known(self._renamed(item, fields), fields, place)
        entry = {}
        for field in (field for field in fields if field in known):
            value = known[field]
            entry[field] = self._count(value) if field == "number_of_objects" else self._text(f"{place}.{field}", value)
        return {field: value for field, value in entry.items() if value not in (None, "", [], {})}

    def _count(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
            return int(value)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def _text(self, place: str, value: Any) -> Any:
        """A text as it is, a number or a list of texts as one text; what is neither the schema refuses."""
        if isinstance(value, str):
            return value.strip()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self.notes.append(f"{place} was a number and became a text")
            return f"{value:g}" if isinstance(value, float) else str(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            parts = [item.strip() for item in value if item.strip()]
            if len(value) > 1:
                self.notes.append(f"{place} was a list of texts and became one text")
            return (" " if place in _SENTENCES else ", ").join(parts)
        return value

    def _known(self, given: Caption, fields: tuple[str, ...], place: str) -> Caption:
        unknown = [key for key in given if key not in (*fields, *_SCORES)]
        if unknown:
            names = ", ".join(f'"{key[:40]}"' for key in unknown[:10])
            more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
            self.notes.append(f"left out{f' of {place}' if place else ''}, for FIBO knows no such field: {names}{more}")
        return {key: value for key, value in given.items() if key in fields}

    def _renamed(self, given: Caption, fields: tuple[str, ...]) -> Caption:
        result: Caption = {}
        for key, value in given.items():
            name = key if key in fields else _plain(key)
            if name != key and name in fields and name not in given and name not in result:
                self.notes.append(f'"{key[:40]}" was read as {name}')
                result[name] = value
            else:
                result[key] = value
        return result


def _plain(key: str) -> str:
    """A name as FIBO spells its fields: lower case, underscores between words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key.strip()[:80])
    return re.sub(r"[\s_-]+", "_", spaced).lower()
