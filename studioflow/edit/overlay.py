"""Laying one manifest on another, and taking a manifest apart by sections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..caption import derive, fields_owned_by, flat, without
from ..errors import EditError, did_you_mean, require_choice
from ..manifest import schema
from .path import Path
from .written import finished, leaves, without_excluded

_ALWAYS = ("$schema", "studioflow")


def overlay(base: dict[str, Any], top: dict[str, Any], source: str = "manifest") -> dict[str, Any]:
    """The base with all that the top says: objects are merged key by key, everything else of the top replaces.

    Lists are replaced whole. The top is the last writer: a raw caption field of the base gives way where a section of
    the top decides it. Raises ManifestError where the two do not go together.
    """
    sections = {key: value for key, value in top.items() if key not in (*_ALWAYS, "caption")}
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


SECTION_ACTIONS = ("take", "drop")


def sections(manifest: dict[str, Any], action: str, names: Iterable[str]) -> dict[str, Any]:
    """``take_sections`` or ``drop_sections``, as the action of SECTION_ACTIONS says."""
    require_choice("action", action, SECTION_ACTIONS)
    return (drop_sections if action == "drop" else take_sections)(manifest, names)


def take_sections(manifest: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A manifest of these sections only; an empty scene where neither scene nor caption is among them."""
    wanted = _known(names)
    return _with_a_shot({key: value for key, value in manifest.items() if key in wanted or key in _ALWAYS})


def drop_sections(manifest: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The manifest without these sections; an empty scene where neither scene nor caption is left."""
    unwanted = _known(names)
    return _with_a_shot({key: value for key, value in manifest.items() if key not in unwanted})


def section_names() -> list[str]:
    """The sections that a manifest can have, in the schema's order."""
    return [name for name in schema()["properties"] if name not in _ALWAYS]


def _known(names: Iterable[str]) -> set[str]:
    wanted, known = set(names), section_names()
    for name in sorted(wanted - set(known)):
        raise EditError("no such section", found=f'"{name}"', allowed=", ".join(known), fix=did_you_mean(name, known))
    return wanted


def _with_a_shot(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest if manifest.keys() & {"scene", "caption"} else manifest | {"scene": {}}


def _merged(base: Any, top: Any, path: Path) -> Any:
    if not isinstance(base, dict) or not isinstance(top, dict):
        return top
    result = base
    for key, value in top.items():
        result = result | {key: _merged(base[key], value, (*path, key)) if key in base else value}
        result = without_excluded(result, path, key)
    return result


def _captions_merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    # An edit caption and a plain one have no key in common that would mean the same.
    if ("structured_caption" in below) != ("structured_caption" in above) and below and above:
        return above
    merged: dict[str, Any] = _merged(below, above, ("caption",))
    return merged
