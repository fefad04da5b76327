"""Styles: looks by name, each a part of a manifest's scene that sets only what it names (styles.json)."""

from __future__ import annotations

import copy
from typing import Any

from .words import entry


def style_scene(name: str) -> dict[str, Any]:
    """The part of a scene that a style sets; StudioFlowError with a suggestion where there is none of that name."""
    scene: dict[str, Any] = copy.deepcopy(entry("styles", name, "style")["scene"])
    return scene


def style_advice(name: str) -> str:
    """What a style is for, and the light setups and lenses that suit it, in one sentence."""
    row = entry("styles", name, "style")
    goes = row.get("goes_with", {})
    titles = [
        entry(table, key, what)["title"]
        for table, what, keys in (
            ("setups", "lighting setup", goes.get("setups", [])),
            ("lenses", "lens preset", goes.get("lenses", [])),
        )
        for key in keys
    ]
    return f"{row['title']}: {row['use']}" + (f"; goes with {', '.join(titles)}" if titles else "")
