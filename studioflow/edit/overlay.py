"""Laying one manifest on another."""

from __future__ import annotations

from typing import Any

from ..caption import INSTRUCTION, WRAPPED, body, derive, fields_owned_by, flat, with_body, without
from .path import Path
from .sections import ALWAYS
from .written import finished, leaves, without_excluded


def overlay(base: dict[str, Any], top: dict[str, Any], source: str = "manifest") -> dict[str, Any]:
    """The base with all that the top says: objects are merged key by key, everything else of the top replaces.

    Lists are replaced whole. The top is the last writer: a raw caption field of the base gives way where a section of
    the top decides it. Raises ManifestError where the two do not go together.
    """
    # An empty scene only makes a look a valid manifest; it says nothing.
    sections = {key: value for key, value in top.items() if key not in (*ALWAYS, "caption") and value != {}}
    merged: dict[str, Any] = _merged({key: value for key, value in base.items() if key != "caption"}, sections, ())
    # The newer of two minor versions may know keys that the other does not; the schema compares nothing but 1.x.
    merged["studioflow"] = max(base["studioflow"], top["studioflow"], key=lambda version: int(version.split(".")[1]))
    if "caption" in base or "caption" in top:
        below = base.get("caption", {})
        decided = fields_owned_by(leaves(sections, ()))
        written = derive(merged | {"caption": below})
        below = without(below, [field for field in flat(written) if field in decided])
        caption = _captions_merged(below, top.get("caption", {}))
        order = dict.fromkeys([*base, *merged, "caption"])
        merged = {key: caption if key == "caption" else merged[key] for key in order}
    return finished(merged, (), source)


def _merged(base: Any, top: Any, path: Path) -> Any:
    if not isinstance(base, dict) or not isinstance(top, dict):
        return top
    result = base
    for key, value in top.items():
        result = result | {key: _merged(base[key], value, (*path, key)) if key in base else value}
        result = without_excluded(result, path, key)
    return result


def _captions_merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """The lower caption with each field that the upper one gives, wherever in either they stand; null gives nothing.

    An edit's instruction counts as a field, so an edit caption stays one under a plain caption, and a plain one
    becomes one under an edit caption.
    """
    if not below or not above:
        return below or above
    given = {key: value for key, value in flat(above).items() if value is not None}
    result = without(below, given)
    inner = body(result)
    for field, value in given.items():
        section, _, name = field.partition(".")
        inner = inner | {section: (inner.get(section) or {}) | {name: value} if name else value}
    result = with_body(result, inner)
    outer = {key: above[key] for key in (INSTRUCTION,) if above.get(key)}
    return {WRAPPED: result} | outer if WRAPPED in above and WRAPPED not in result else result | outer
