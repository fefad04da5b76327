"""Which caption fields a part of the manifest decides, from owners.json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..resources import table

Path = Sequence["str | int"]


def fields_owned_by(paths: Iterable[Path]) -> set[str]:
    """The caption fields that the parts of a manifest at these paths decide, or that parts below them do."""
    owners = table("caption/owners.json")
    rows = {tuple(key.split(".")): fields for key, fields in owners["owns"].items()}
    silent = [key.split(".") for key in owners["silent"]]
    return {
        field
        for path in paths
        if not any(_is_within(path, part) for part in silent)
        for owner, fields in rows.items()
        if all(part == name for part, name in zip(path, owner, strict=False))
        for field in fields
    }


def _is_within(path: Path, part: Sequence[str]) -> bool:
    """Whether a path is that part of a manifest or lies below it."""
    return len(path) >= len(part) and all(name in ("*", one) for one, name in zip(path, part, strict=False))
