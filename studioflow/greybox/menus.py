"""What the nodes of the greybox offer. ComfyUI asks for it when it starts, so nothing is rendered or measured here."""

from __future__ import annotations

from ..color.menus import OPERATORS
from ..resources import table

QUALITIES = ("draft", "preview", "final")
BACKDROPS = ("sweep", "wall", "table", "ground", "environment", "none")
"""What stands behind the subjects, as the manifest calls it."""
TONES = tuple(operator for operator in OPERATORS if operator not in ("view", "agx"))
"""All ways of tone mapping but those that need a config, or a display and a view to be named."""
MESHES = (".glb", ".gltf", ".obj", ".ply", ".stl")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
"""Endings of the files that a subject may be shown as, or show."""
LONGEST_SIDE, MOST_PIXELS = 768, 4096
"""The usual longest side of the picture and the largest, in pixels."""


def stand_ins() -> list[str]:
    """The names of the stand-in shapes, in the order of their table."""
    return [name for name in table("greybox/stand_ins.json") if not name.startswith("_")]
