"""Which caption fields a part of the manifest decides, from owners.json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..resources import table

Path = Sequence["str | int"]


def fields_owned_by(paths: Iterable[Path]) -> set[str]:
    """The caption fields that the parts of a manifest at these paths decide, or that parts below them do."""
    rows = {tuple(key.split(".")): fields for key, fields in table("caption/owners.json")["owns"].items()}
    return {
        field
        for path in paths
        for owner, fields in rows.items()
        if all(part == name for part, name in zip(path, owner, strict=False))
        for field in fields
    }
