"""Giving a shot a style, and saying beforehand what that changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..caption import compile_manifest, flat
from ..studio.styles import style_advice, style_scene
from .field import put
from .path import Path, dotted
from .written import begun, finished, leaves, value_at

_SHOWN = 120
"""Characters of a value that a line shows."""


class Change(NamedTuple):
    """One value that a style changes; ``before`` is None where the shot says nothing there."""

    path: Path
    before: Any
    after: Any

    def __str__(self) -> str:
        before = "" if self.before is None else f"{_shown(self.before)} → "
        return f"{dotted(self.path)}: {before}{_shown(self.after)}"


def apply_style(manifest: dict[str, Any] | None, name: str, source: str = "manifest") -> dict[str, Any]:
    """The manifest (a new one where there is none) with what a style names, and all the rest as it was.

    Of two styles in a row the later wins where both name a key. Raises StudioFlowError for an unknown style.
    """
    result = before = begun(manifest)
    written = [change.path for change in _named(before, name)]
    for change in _named(before, name):
        result = put(result, change.path, change.after)
    return finished(result, written, source)


def changes_of(manifest: dict[str, Any] | None, name: str) -> list[Change]:
    """What a style would change in a manifest, in the order of the table; what is so already is left out."""
    return [change for change in _named(begun(manifest), name) if change.before != change.after]


def style_changes(manifest: dict[str, Any] | None, name: str) -> str:
    """What a style would change, one a line, and which caption fields come out otherwise then; then what it is for.

    Nothing is changed yet: ``apply_style`` does that. Raises StudioFlowError for an unknown style.
    """
    changes = changes_of(manifest, name)
    lines = [str(change) for change in changes] or ["nothing changes"]
    fields = _changed_fields(begun(manifest), apply_style(manifest, name))
    if fields:
        lines.append("caption fields that change: " + ", ".join(fields))
    return "\n".join([*lines, style_advice(name)])


def _named(manifest: dict[str, Any], name: str) -> Iterator[Change]:
    scene = style_scene(name)
    for path in leaves(scene, ()):
        before = value_at(manifest, ("scene", *path))
        yield Change(("scene", *path), None if before == {} else before, value_at(scene, path))


def _changed_fields(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The caption fields that differ. Camera and light stay out: a style cannot change them, and they may be amiss."""
    old, new = (
        flat(
            compile_manifest(
                {key: part for key, part in shot.items() if key not in ("camera", "lighting")}, "fibo-2"
            ).fields
        )
        for shot in (before, after)
    )
    return [field for field in {**old, **new} if old.get(field) != new.get(field)]


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, list) else ", ".join(map(str, value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
