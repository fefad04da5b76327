"""Manifests on named shelves (input folder, user folder, samples), addressed as ``shelf/path.json``.

A path in a workflow is somebody else's input: it is looked up inside its shelf and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import PathError, did_you_mean

_DEPTH = 2
_MOST = 500


def list_manifests(shelves: Mapping[str, Path]) -> list[str]:
    """The JSON files on the shelves, up to two folders down and 500 a shelf, sorted within each shelf."""
    return [name for shelf, folder in shelves.items() for name in _files(shelf, folder)]


def find_manifest(name: str, shelves: Mapping[str, Path]) -> Path:
    """The file that ``shelf/path.json`` names; PathError where it leaves its shelf or is not there."""
    shelf, _, rest = name.partition("/")
    if shelf not in shelves or not rest or "\0" in rest:
        raise PathError(
            "no such shelf of manifests",
            found=f'"{name}"',
            allowed=", ".join(f"{known}/…" for known in shelves),
            fix=_suggest(name, shelves) or f"choose one from the menu, e.g. {next(iter(list_manifests(shelves)), '')}",
        )
    root = shelves[shelf].resolve()
    path = (root / rest).resolve()
    if not path.is_relative_to(root):
        raise PathError(
            "the path leaves its folder",
            found=f'"{name}"',
            allowed=f"files below {shelf}/",
            fix=f"copy the manifest into {shelf}/ and name it from there",
        )
    if path.suffix.casefold() != ".json" or not path.is_file():
        raise PathError(
            "no such manifest",
            found=f'"{name}"',
            allowed=f"a .json file below {shelf}/",
            fix=_suggest(name, shelves) or f"put the file into {root}, or choose another from the menu",
        )
    return path


def _suggest(name: str, shelves: Mapping[str, Path]) -> str | None:
    return did_you_mean(name, list_manifests(shelves))


def _files(shelf: str, folder: Path) -> list[str]:
    found: list[str] = []
    base = str(folder)
    for current, folders, files in os.walk(base):
        depth = 0 if current == base else current[len(base) + 1 :].count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEPTH else []
        for name in sorted(files):
            if name.casefold().endswith(".json") and not name.startswith("."):
                found.append(f"{shelf}/{(Path(current) / name).relative_to(folder).as_posix()}")
                if len(found) == _MOST:
                    return sorted(found)
    return sorted(found)
