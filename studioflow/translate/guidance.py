"""A style of styles.json as guidance for a language model, in the names of the caption fields that it decides."""

from __future__ import annotations

from ..caption import compile_manifest, flat
from ..studio.styles import style_scene
from ..studio.words import entry


def style_guidance(key: str) -> str:
    """What a style asks for, as the text that bria-vgl takes for a style preset; empty for "", which is no style.

    First what the style is for, then one line for each caption field, in FIBO's own words. Raises StudioFlowError
    for an unknown style.
    """
    if not key:
        return ""
    row = entry("styles", key, "style")
    fields = flat(compile_manifest({"scene": style_scene(key)}, "fibo-2").fields)
    lines = [f"`{field}`: {words}" for field, words in fields.items()]
    if "background_setting" in fields:
        lines.append("Where the user's request names a place or a background, that one stays.")
    return "\n".join([f"{row['title']}: {row['use']}.", *lines])
