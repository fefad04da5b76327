"""What every edit ends with: the last writer wins, field by field, and the result is a valid manifest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from ..caption import derive, fields_owned_by, flat, without
from ..errors import EditError
from ..manifest import MAX_BYTES, MAX_DEPTH, VERSION, rules_for, validate
from .path import Path

MAX_VALUES = 200_000
"""Values that a manifest may hold after an edit; a patch can copy a document into itself again and again."""


def begun(manifest: dict[str, Any] | None) -> dict[str, Any]:
    """The manifest to change; a new one with an empty scene where there is none."""
    return manifest or {"studioflow": VERSION, "scene": {}}


def finished(
    manifest: dict[str, Any],
    written: Iterable[Path] = (),
    source: str = "manifest",
    keep: Container[str] = (),
) -> dict[str, Any]:
    """The manifest after an edit that wrote the values at these paths.

    A raw caption field gives way where what was written decides that field: somebody's caption keeps all the rest,
    and the fields in ``keep``. Raises ManifestError where the edit made the manifest invalid.
    """
    require_bounded(manifest, source)
    below = [leaf for path in written for leaf in leaves(value_at(manifest, path), path)]
    validate(manifest, source)
    if "caption" not in manifest or not below:
        return manifest
    decided = fields_owned_by(below)
    if not decided:
        return manifest
    given_way = [field for field in flat(derive(manifest)) if field in decided and not _kept(field, keep)]
    return manifest | {"caption": without(manifest["caption"], given_way)}


def _kept(field: str, keep: Container[str]) -> bool:
    return field in keep or field.split(".")[0] in keep


def require_bounded(document: Any, source: str) -> None:
    """Raises EditError where a document has grown beyond what a manifest may be."""
    values, length, level = 0, 0, [document]
    for _ in range(MAX_DEPTH + 2):
        values += len(level)
        length += sum(len(value) for value in level if isinstance(value, str))
        if values > MAX_VALUES or length > MAX_BYTES:
            raise EditError(
                "the manifest has grown too large",
                where=source,
                found=f"more than {MAX_VALUES} values"
                if values > MAX_VALUES
                else f"more than {MAX_BYTES // 1024 // 1024} MiB of text",
                allowed=f"at most {MAX_VALUES} values and {MAX_BYTES // 1024 // 1024} MiB",
                fix="take what other programs need out of extensions",
            )
        level = [item for value in level for item in _children(value)]
        if not level:
            return
    raise EditError("the manifest is nested too deeply", where=source, allowed=f"at most {MAX_DEPTH} levels")


def without_excluded(value: dict[str, Any], path: Path, written: str) -> dict[str, Any]:
    """The object at a path without what excludes a key that was just written, e.g. ``pose`` once there is ``orbit``.

    Which keys exclude each other, and which need each other, the schema says.
    """
    gone: set[str] = set()
    for rule in rules_for(path):
        pair = rule.get("not", {}).get("required", [])
        if written in pair:
            gone |= set(pair) - {written}
        for key, needed in rule.get("dependentRequired", {}).items():
            if gone & set(needed):
                gone.add(key)
    return {key: item for key, item in value.items() if key not in gone} if gone & value.keys() else value


def leaves(value: Any, path: Path) -> Iterator[Path]:
    """The paths of all that a value at a path says; lists count as one thing, and an empty object says nothing."""
    if not isinstance(value, dict):
        yield path
        return
    for key, item in value.items():
        yield from leaves(item, (*path, key))


def value_at(document: Any, path: Path) -> Any:
    """What stands at a path of a document; an empty object where a key is missing, None where no path leads on."""
    for part in path:
        if isinstance(document, dict):
            document = document.get(str(part), {})
        elif isinstance(document, list) and isinstance(part, int) and part < len(document):
            document = document[part]
        else:
            return None
    return document


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
