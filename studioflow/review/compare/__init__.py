"""Two manifests side by side: what a person changed, what FIBO reads differently because of it, and the JSON Patch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ...caption import DIALECTS, compile_manifest
from ...caption.dialect import KEY_ORDER, unknown_dialect
from ...errors import StudioFlowError
from ...manifest import content_id, schema
from .changes import Change, changes_between
from .patch import Patch, patch_between
from .plain import plain
from .words import short, visible

__all__ = ["Change", "Comparison", "compare"]

_LINE = 100
_LINES = 100
"""Characters of a value and lines of a section that text() shows; as_data() and html() have all."""


@dataclass(frozen=True)
class Comparison:
    """How ``after`` differs from ``before``.

    ``changes`` stand in the order of the schema's sections, then by path. ``caption_changes`` are the caption's fields
    in ``dialect``, by FIBO's key order; where a manifest has no caption ``caption_fault`` says why. ``patch`` is RFC
    6902: applied to ``before`` it gives exactly ``after``. ``same_shot`` means equal content ids.
    """

    changes: tuple[Change, ...]
    caption_changes: tuple[Change, ...]
    patch: Patch
    same_shot: bool
    dialect: str = "fibo-2"
    caption_fault: str = ""

    def text(self) -> str:
        """For a terminal: the changes under their sections, then the caption's; long values are cut."""
        if not self.changes:
            return "no difference"
        if self.same_shot:
            return "\n".join([f"the same shot: only {self.differing_sections} differs", *_lines(self.changes)])
        lines = _lines(self.changes)
        if self.caption_fault:
            return "\n".join([*lines, f"what FIBO reads cannot be compared: {self.caption_fault}"])
        if not self.caption_changes:
            return "\n".join([*lines, f"what FIBO reads ({self.dialect}) stays the same"])
        fields = [f"  {_shown(change)}" for change in self.caption_changes[:_LINES]]
        return "\n".join([*lines, f"what FIBO reads ({self.dialect})", *fields, *_rest(self.caption_changes)])

    def html(self, title: str = "What changed in this shot") -> str:
        """One HTML document on its own (no script, nothing loaded), to be sent to somebody or printed."""
        from .html import page

        return page(self, title)

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return {
            "same_shot": self.same_shot,
            "dialect": self.dialect,
            "changes": [change.as_data() for change in self.changes],
            "caption_changes": [change.as_data() for change in self.caption_changes],
            "caption_fault": self.caption_fault or None,
            "patch": self.patch,
        }

    @property
    def differing_sections(self) -> str:
        """The sections that differ, for a sentence."""
        return " and ".join(visible(name) for name in dict.fromkeys(change.section for change in self.changes))


def compare(before: dict[str, Any], after: dict[str, Any], dialect: str = "fibo-2") -> Comparison:
    """What differs between two validated manifests; neither is changed.

    The order of keys is no difference, and 85.0 is 85. A manifest that gives no caption is compared all the same.
    Raises StudioFlowError where there is no such dialect.
    """
    if dialect not in DIALECTS:
        raise unknown_dialect(dialect, DIALECTS)
    before, after = plain(before), plain(after)
    captions, faults = [], []
    for which, manifest in (("older", before), ("newer", after)):
        try:
            captions.append(plain(json.loads(compile_manifest(manifest, dialect).caption)))
        except StudioFlowError as error:
            faults.append(f"the {which} manifest gives no caption: {error}")
    return Comparison(
        changes=changes_between(before, after, list(schema()["properties"])),
        caption_changes=() if faults else changes_between(captions[0], captions[1], KEY_ORDER),
        patch=patch_between(before, after),
        same_shot=content_id(before) == content_id(after),
        dialect=dialect,
        caption_fault="\n".join(faults),
    )


def _lines(changes: tuple[Change, ...]) -> list[str]:
    lines = []
    for section, group in groupby(changes, key=lambda change: change.section):
        found = tuple(group)
        lines += [visible(section), *(f"  {_shown(change)}" for change in found[:_LINES]), *_rest(found)]
    return lines


def _shown(change: Change) -> str:
    named = change.item and change.kind in ("changed", "moved")
    return change.line(_LINE) + (f" ({visible(short(change.item, 40))})" if named else "")


def _rest(changes: tuple[Change, ...]) -> list[str]:
    more = len(changes) - _LINES
    return [f"  and {more} more"] if more > 0 else []
