"""Writing a manifest the way a person would: their order of keys, one thing a line, short lists of numbers in one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import PathError, require_choice
from ..files import text_writer, write_together
from ..shelf import EXISTING, Shelf, place_on_shelf

_INDENT = "  "
_LINE = 110
"""Characters that a list or object of plain values may take to stay on one line."""


def dumps(manifest: Any) -> str:
    """The document as text for people and for version control: keys in their order, UTF-8, a line feed at the end."""
    return _written(manifest, "") + "\n"


def save(manifest: dict[str, Any], path: Path, *, replace: bool = False) -> Path:
    """Writes the document to a file, whole or not at all.

    Raises DeliveryError where the file cannot be written, or is already there and ``replace`` is not set.
    """
    return write_together([(path, text_writer(dumps(manifest)))], replace=replace)[0]


def save_on_shelf(
    manifest: dict[str, Any], name: str, shelves: Mapping[str, Shelf], if_it_exists: str = "number"
) -> str:
    """Writes the manifest as ``shelf/path`` (``.json`` is added) and returns the name it got, as menus show it.

    Raises PathError where the name leaves its shelf and DeliveryError where the file cannot be written.
    """
    path = place_to_save(name, shelves)
    require_choice("if_it_exists", if_it_exists, EXISTING)
    if if_it_exists == "number":
        path = next(place for place in _numbered(path) if not place.exists())
    save(portable(manifest), path, replace=if_it_exists == "replace")
    shelf = name.partition("/")[0]
    return f"{shelf}/{path.relative_to(shelves[shelf].folder.resolve()).as_posix()}"


def place_to_save(name: str, shelves: Mapping[str, Shelf]) -> Path:
    """The file that ``save_on_shelf`` would write, before any number; PathError where the name is none."""
    path = place_on_shelf(name, shelves)
    root = shelves[name.partition("/")[0]].folder.resolve()
    if path == root or name.endswith("/") or not path.name.strip(". "):
        raise PathError(
            "this is no name for a file", found=f'"{name}"', allowed="letters and digits", fix="write for example hero"
        )
    return path if path.suffix.casefold() == ".json" else path.with_name(f"{path.name}.json")


def _numbered(path: Path) -> Iterator[Path]:
    return (path.with_name(f"{path.stem}_{number:05}.json") for number in itertools.count(1))


def portable(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest without a ``$schema`` that is a relative path, which leads nowhere from another folder."""
    if "://" in manifest.get("$schema", "://"):
        return manifest
    return {key: value for key, value in manifest.items() if key != "$schema"}


def _written(value: Any, margin: str) -> str:
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    items = value.values() if isinstance(value, dict) else value
    if not any(isinstance(item, (dict, list)) and item for item in items) and (margin or isinstance(value, list)):
        line = json.dumps(value, ensure_ascii=False)
        if len(line) + len(margin) <= _LINE:
            return line
    inner = margin + _INDENT
    if isinstance(value, dict):
        lines = [f"{json.dumps(key, ensure_ascii=False)}: {_written(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + line for line in lines) + f"\n{margin}}}"
    return "[\n" + ",\n".join(inner + _written(item, inner) for item in value) + f"\n{margin}]"
