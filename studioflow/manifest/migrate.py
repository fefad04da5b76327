"""From older formats of the manifest to the present one, one version at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .notes import Imported, Note

UNVERSIONED = "0"
"""Manifests of the earlier StudioFlow app, which name no version."""


def _from_unversioned(document: dict[str, Any]) -> Imported:
    from .earlier_app import from_earlier_app

    return from_earlier_app(document)


MIGRATIONS: dict[str, Callable[[dict[str, Any]], Imported]] = {UNVERSIONED: _from_unversioned}
"""What leads from each older version to the next one. A version whose meaning is frozen is never edited again."""


def version_of(document: dict[str, Any]) -> str | None:
    """The version that a document names or, where it names none, that it shows; None where it shows none."""
    if "studioflow" in document:
        version = document["studioflow"]
        return version if isinstance(version, str) else None
    from .earlier_app import is_earlier_app

    return UNVERSIONED if is_earlier_app(document) else None


def migrate(document: dict[str, Any]) -> Imported:
    """The document in the present format, with all that had to be said on the way; a present one as it is."""
    notes: tuple[Note, ...] = ()
    while (version := version_of(document)) in MIGRATIONS:
        step = MIGRATIONS[version](document)  # type: ignore[index]
        document, notes = step.manifest, notes + step.notes
    return Imported(document, notes)
