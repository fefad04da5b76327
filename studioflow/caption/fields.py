"""The fields of a caption by name, wherever in it they stand.

A field is named ``section.field`` inside lighting, aesthetics and photographic_characteristics, and by its key
elsewhere. Captions in the wild have some of them in other places too: an edit caption wraps the caption of the
picture, and some edit captions keep the photographic fields and the style inside aesthetics.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

Caption = dict[str, Any]

KEY_ORDER = (
    "short_description",
    "objects",
    "background_setting",
    "lighting",
    "aesthetics",
    "photographic_characteristics",
    "style_medium",
    "text_render",
    "context",
    "artistic_style",
)
SECTIONS = {
    "lighting": ("conditions", "direction", "shadows"),
    "aesthetics": ("composition", "color_scheme", "mood_atmosphere"),
    "photographic_characteristics": ("depth_of_field", "focus", "camera_angle", "lens_focal_length"),
}
"""The sections of a caption with their trained fields; both orders are those that FIBO was trained with."""
INSTRUCTION = "edit_instruction"
WRAPPED = "structured_caption"
"""In an edit caption of FIBO 2: the caption of the final picture, beside the instruction."""


def body(caption: Caption) -> Caption:
    """The caption of the picture: the one inside an edit caption, else the caption itself."""
    inner = caption.get(WRAPPED)
    if isinstance(inner, str) and inner:
        return _of_text(inner)
    # An empty one counts only where there is no other caption beside it.
    return inner if isinstance(inner, dict) and (inner or caption.keys() <= {WRAPPED, INSTRUCTION}) else caption


def _of_text(text: str) -> Caption:
    """The caption that a wrapped text is: JSON of one, or a short description."""
    if text.lstrip().startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
    return {"short_description": text}


def with_body(caption: Caption, inner: Caption) -> Caption:
    """The caption with another body, in the place where it has its own."""
    return inner if body(caption) is caption else caption | {WRAPPED: inner}


def flat(caption: Caption) -> Caption:
    """Each field of a caption's body by its name, in the caption's order."""
    return {
        name: value
        for key, item in body(caption).items()
        for name, value in (
            ((f"{key}.{field}", inner) for field, inner in item.items())
            if key in SECTIONS and isinstance(item, dict)
            else ((key, item),)
        )
    }


def gives(caption: Caption, field: str) -> bool:
    """Whether a caption says anything for a field, be it an empty text; null says nothing."""
    inner = body(caption)
    return any(_at(inner, home) is not None for home in _homes(field)) or _covered(inner, field)


def without(caption: Caption, fields: Iterable[str]) -> Caption:
    """The caption without these fields, wherever they stand; sections that become empty go too."""
    inner = body(caption)
    for field in fields:
        for home in _homes(field):
            inner = _removed(inner, home)
        if _covered(inner, field):
            inner = {key: value for key, value in inner.items() if key != field.split(".")[0]}
    return caption if inner is body(caption) else with_body(caption, inner)


def in_trained_order(caption: Caption) -> Caption:
    """The same caption with trained keys and fields first in their order, others after them as they came."""
    ordered = _sorted(caption, KEY_ORDER)
    return {
        key: _sorted(value, SECTIONS[key]) if key in SECTIONS and isinstance(value, dict) else value
        for key, value in ordered.items()
    }


def _homes(field: str) -> list[tuple[str, ...]]:
    home = tuple(field.split("."))
    if home[0] == "photographic_characteristics":
        return [home, ("aesthetics", *home), ("aesthetics", *home[1:])]
    if home[0] in ("style_medium", "artistic_style"):
        return [home, ("aesthetics", *home)]
    return [home]


def _at(value: Any, home: tuple[str, ...]) -> Any:
    for key in home:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _covered(caption: Caption, field: str) -> bool:
    """Whether something that is no object stands where the field's section should."""
    section, _, inner = field.partition(".")
    return bool(inner) and caption.get(section) is not None and not isinstance(caption[section], dict)


def _removed(caption: Caption, home: tuple[str, ...]) -> Caption:
    key = home[0]
    if key not in caption:
        return caption
    rest = {name: value for name, value in caption.items() if name != key}
    if len(home) == 1:
        return rest
    inner = caption[key]
    if not isinstance(inner, dict):
        return caption
    shorter = _removed(inner, home[1:])
    if shorter is inner:
        return caption
    # In its old place, for the order of the others is somebody's choice.
    return {name: shorter if name == key else value for name, value in caption.items()} if shorter else rest


def _sorted(value: Caption, order: tuple[str, ...]) -> Caption:
    known = {key: value[key] for key in order if key in value}
    return known | {key: item for key, item in value.items() if key not in known}
