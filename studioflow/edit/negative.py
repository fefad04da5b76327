"""Saying what the picture must not show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..caption import KEY_ORDER
from ..caption.fields import SECTIONS
from ..errors import EditError, did_you_mean, require_choice
from ..studio.menus import NEGATIVE_MODES
from .field import put, value_from_text
from .path import Path
from .written import begun, finished

_NEGATIVE: Path = ("render", "negative")
_AUTO: Path = ("render", "negative_auto")
_EXAMPLE = 'words, or JSON such as {"lighting": {"shadows": "hard shadows"}}'


def set_negative(
    manifest: dict[str, Any] | None, mode: str = "auto", mine: str = "", source: str = "manifest"
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with a negative of NEGATIVE_MODES.

    ``none`` takes the negative out. ``auto`` derives it from the shot whenever the caption is made, so that it follows
    later changes, and takes one's own out. ``auto + mine`` also has one's own: ``mine``, words or caption fields as
    JSON, or where that is empty what the shot has already. Raises StudioFlowError for another mode, EditError for
    broken JSON and for fields that no caption has, and ManifestError where a field's value is of a wrong type.
    """
    require_choice("mode", mode, NEGATIVE_MODES)
    before = begun(manifest)
    own = before.get("render", {}).get("negative")
    render = {key: value for key, value in before.get("render", {}).items() if key not in (_NEGATIVE[1], _AUTO[1])}
    if mode == "auto + mine":
        given = _given(mine.strip()) if mine.strip() else own
        render |= {"negative": given} if given else {}
    if mode != "none":
        render["negative_auto"] = True
    if render:
        result = put(before, ("render",), render)
    else:
        result = {key: value for key, value in before.items() if key != "render"}
    return finished(result, (), source)


def _given(mine: str) -> Any:
    """Words as they are, JSON as the caption fields that it holds."""
    try:
        given = value_from_text("render.negative", mine)
    except EditError as error:
        where = (error.where or "").replace("render.negative", "mine")
        raise EditError(error.problem, where=where, found=error.found, allowed=_EXAMPLE, fix=error.fix) from error
    if isinstance(given, dict):
        _require_known(given, KEY_ORDER, "mine")
        for section, fields in SECTIONS.items():
            if isinstance(given.get(section), dict):
                _require_known(given[section], fields, f"mine, {section}")
    return given


def _require_known(given: dict[str, Any], known: Sequence[str], where: str) -> None:
    """Captions may have fields of other programs, but a misspelt one in a negative would do nothing."""
    for field in given:
        if field not in known:
            raise EditError(
                "there is no such caption field",
                where=where,
                found=f'"{field}"',
                allowed=", ".join(known),
                fix=did_you_mean(field, known),
            )
