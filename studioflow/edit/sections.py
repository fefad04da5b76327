"""Taking a manifest apart by sections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import EditError, did_you_mean, require_choice
from ..manifest import schema
from . import SECTION_ACTIONS

ALWAYS = ("$schema", "studioflow")
"""What every manifest keeps, whichever sections are taken or dropped."""


def sections(manifest: dict[str, Any], action: str, names: Iterable[str]) -> dict[str, Any]:
    """``take_sections`` or ``drop_sections``, as the action of SECTION_ACTIONS says."""
    require_choice("action", action, SECTION_ACTIONS)
    return (drop_sections if action == "drop" else take_sections)(manifest, names)


def take_sections(manifest: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A manifest of these sections only; an empty scene where neither scene nor caption is among them."""
    wanted = _known(names)
    return _with_a_shot({key: value for key, value in manifest.items() if key in wanted or key in ALWAYS})


def drop_sections(manifest: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The manifest without these sections; an empty scene where neither scene nor caption is left."""
    unwanted = _known(names)
    return _with_a_shot({key: value for key, value in manifest.items() if key not in unwanted})


def section_names() -> list[str]:
    """The sections that a manifest can have, in the schema's order."""
    return [name for name in schema()["properties"] if name not in ALWAYS]


def _known(names: Iterable[str]) -> set[str]:
    wanted, known = set(names), section_names()
    for name in sorted(wanted - set(known)):
        raise EditError("no such section", found=f'"{name}"', allowed=", ".join(known), fix=did_you_mean(name, known))
    return wanted


def _with_a_shot(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest if manifest.keys() & {"scene", "caption"} else manifest | {"scene": {}}
