"""Saying what the picture must not show."""

from __future__ import annotations

from typing import Any

from ..errors import require_choice
from ..studio.menus import NEGATIVE_MODES
from .field import put, value_from_text
from .path import Path
from .written import begun, finished

_NEGATIVE: Path = ("render", "negative")
_AUTO: Path = ("render", "negative_auto")


def set_negative(
    manifest: dict[str, Any] | None, mode: str = "auto", mine: str = "", source: str = "manifest"
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with a negative of NEGATIVE_MODES.

    ``none`` takes the negative out. ``auto`` derives it from the shot whenever the caption is made, so that it follows
    later changes, and takes one's own out. ``auto + mine`` also has one's own: ``mine``, words or caption fields as
    JSON, or where that is empty what the shot has already. Raises StudioFlowError for another mode and ManifestError
    where the JSON holds no caption fields.
    """
    require_choice("mode", mode, NEGATIVE_MODES)
    before = begun(manifest)
    own = before.get("render", {}).get("negative")
    render = {key: value for key, value in before.get("render", {}).items() if key not in (_NEGATIVE[1], _AUTO[1])}
    if mode == "auto + mine":
        given = value_from_text("render.negative", mine.strip()) if mine.strip() else own
        render |= {"negative": given} if given else {}
    if mode != "none":
        render["negative_auto"] = True
    if render:
        result = put(before, ("render",), render)
    else:
        result = {key: value for key, value in before.items() if key != "render"}
    return finished(result, (), source)
