"""Which of the documents that FIBO users have one is, and the FIBO caption inside it.

A caption may come bare, inside what Bria's API or another program answers, or with its JSON as a text. What is not
the caption itself is carried over where a manifest has a place for it, and kept under ``extensions`` where not.
"""

from __future__ import annotations

import json
from typing import Any

from ..errors import ManifestError
from .locate import pointer
from .notes import Imported, Note, Origin
from .parse import parse
from .validate import VERSION, validate

MANIFEST_KEY = "studioflow:manifest"
CAPTION_KEY = "studioflow:caption"
"""The names under which a picture carries the manifest, and the caption it was made from."""

_ONLY_CAPTIONS_HAVE = (
    "short_description",
    "background_setting",
    "photographic_characteristics",
    "style_medium",
    "artistic_style",
    "text_render",
    "structured_caption",
    "edit_instruction",
)
_SUB_KEYS = {
    "lighting": {"conditions", "direction", "shadows"},
    "aesthetics": {"composition", "color_scheme", "mood_atmosphere", "aesthetic_score", "preference_score"},
}
_CAPTION_UNDER = ("structured_prompt", "structured_instruction", "structured_caption", "json_prompt", "vgl", "prompt")
"""Names under which programs hand a caption on, as an object or as a text of JSON."""
_ANSWER_UNDER = ("result", "data", "output")
_RENDER = {
    "seed": "seed",
    "steps": "steps",
    "steps_num": "steps",
    "num_inference_steps": "steps",
    "guidance": "cfg",
    "guidance_scale": "cfg",
    "aspect_ratio": "aspect_ratio",
    "negative_prompt": "negative",
}
"""What such programs call the settings of a render, and what a manifest calls them."""


def is_caption(document: Any) -> bool:
    """Whether a JSON value is a FIBO caption, complete or not, or an edit caption."""
    if not isinstance(document, dict) or "studioflow" in document:
        return False
    if any(key in document for key in _ONLY_CAPTIONS_HAVE):
        return True
    objects = document.get("objects")
    if isinstance(objects, list) and any(isinstance(one, dict) and "description" in one for one in objects):
        return True
    return any(
        isinstance(document.get(key), dict) and not known.isdisjoint(document[key]) for key, known in _SUB_KEYS.items()
    )


def from_caption(caption: dict[str, Any]) -> dict[str, Any]:
    """A manifest that holds nothing but somebody's FIBO caption; compiles back to that caption."""
    return {"studioflow": VERSION, "caption": caption}


def from_answer(document: dict[str, Any], origin: Origin) -> Imported | None:
    """The manifest in what a program wrote around a caption, or None where there is no caption in it.

    ``origin`` is where the document was read from, whole.
    """
    for path, outer in _layers(document):
        for key in _CAPTION_UNDER:
            value = outer.get(key)
            caption = _as_caption(value)
            if caption is not None:
                at = (*path, key)
                return _of_layer(document, at, outer, key, caption)._replace(origin=_origin(value, at, origin))
    return None


def _origin(value: Any, at: tuple[str, ...], origin: Origin) -> Origin:
    """Where the caption at that path of an answer was read from: the answer's text, or a text of its own in it."""
    if isinstance(value, str):
        inner = parse(value, "caption")
        return Origin(inner.text, inner.start, ("caption",), within=f"the text at {pointer(at)}")
    return origin._replace(inside=("caption",), at=at)


def _layers(document: dict[str, Any]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    inner = [((key,), document[key]) for key in _ANSWER_UNDER if isinstance(document.get(key), dict)]
    return [((), document), *inner]


def _as_caption(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse(value, "caption").document
        except ManifestError:
            return None
    return value if is_caption(value) else None


def _of_layer(
    document: dict[str, Any], path: tuple[str, ...], outer: dict[str, Any], key: str, caption: dict[str, Any]
) -> Imported:
    manifest: dict[str, Any] = from_caption(caption)
    notes = [Note("converted", pointer(path), "is the caption")]
    render: dict[str, Any] = {}
    for name, ours in _RENDER.items():
        if name not in outer or ours in render:
            continue
        value = _as_caption(outer[name]) or outer[name]
        try:
            validate(manifest | {"render": render | {ours: value}})
        except ManifestError:
            continue
        render[ours] = value
        notes.append(Note("converted", pointer((*path[:-1], name)), f"became render.{ours}"))
    if render:
        manifest["render"] = render
    taken = {key, *(name for name, ours in _RENDER.items() if ours in render and outer.get(name) == render[ours])}
    rest = {name: value for name, value in outer.items() if name not in taken}
    kept = rest if outer is document else {**document, path[0]: rest}
    kept = {name: value for name, value in kept.items() if value not in ({}, None)}
    if kept:
        manifest["extensions"] = {"import": kept}
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in list(kept)[:20])
        notes.append(Note("kept", "/", f"{names} under extensions.import"))
    return Imported(manifest, tuple(notes))
