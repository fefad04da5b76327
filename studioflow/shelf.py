"""Files on named shelves (input folder, user folder, samples …), addressed as ``shelf/path.json``.

A path in a workflow is somebody else's input: it is looked up inside its shelf and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .errors import PathError, did_you_mean

_DEPTH = 2
_MOST = 500
TEXTS = (".json", ".md", ".txt")
"""Suffixes of what can hold a manifest or a caption as text; an answer saved from a chat is often no .json."""
PICTURES = (".png", ".exr", ".tif", ".tiff", ".webp", ".avif", ".jpg", ".jpeg")
"""Suffixes of the pictures that can carry a manifest."""

EXISTING = ("number", "replace", "refuse")
"""What to do where a file of that name is there: take the next free number, write over it, or raise an error."""


class Shelf(NamedTuple):
    """A folder, and what of it the menus list: only what is below ``listed``, and files of these endings."""

    folder: Path
    listed: str = ""
    suffixes: tuple[str, ...] = TEXTS


def list_files(shelves: Mapping[str, Shelf]) -> list[str]:
    """The files on the shelves, up to two folders down and 500 a shelf, sorted within each shelf."""
    return [f"{name}/{file}" for name, shelf in shelves.items() for file in _files(shelf)]


def find_manifest(name: str, shelves: Mapping[str, Shelf]) -> Path:
    """The manifest that ``shelf/path.json`` names; PathError where it leaves its shelf or is not there."""
    return find_file(name, shelves, "manifest", (*TEXTS, *PICTURES))


def find_file(name: str, shelves: Mapping[str, Shelf], what: str, suffixes: tuple[str, ...]) -> Path:
    """The file that ``shelf/path`` names, with one of these endings; PathError calls it ``what`` where there is none.

    It needs not be in the menu: any depth below the shelf will do.
    """
    shelf = name.partition("/")[0]
    path = place_on_shelf(name, shelves, fix=f"copy the {what} into {shelf}/ and name it from there")
    if path.suffix.casefold() not in suffixes or not path.is_file():
        raise PathError(
            f"no such {what}",
            found=f'"{name}"',
            allowed=f"a file below {shelf}/ that ends in {', '.join(suffixes)}",
            fix=_suggest(name, shelves) or "put the file into that folder, or choose another from the menu",
        )
    return path


def place_on_shelf(name: str, shelves: Mapping[str, Shelf], fix: str = "take the .. out of the name") -> Path:
    """Where ``shelf/path`` is or would be; PathError where there is no such shelf or the path leaves it."""
    shelf, _, rest = name.partition("/")
    if shelf not in shelves or not rest or "\0" in rest:
        raise PathError(
            "no such shelf",
            found=f'"{name}"',
            allowed=", ".join(f"{known}/…" for known in shelves),
            fix=_suggest(name, shelves) or f"choose one from the menu, e.g. {next(iter(list_files(shelves)), '')}",
        )
    root = shelves[shelf].folder.resolve()
    try:
        path = (root / rest).resolve()
        path.exists()  # a name that no file can have is told here, and not by whoever opens it
    except (OSError, ValueError) as error:
        raise PathError(
            "this can be no file's name",
            found=f'"{name[:80]}"'.encode("utf-8", "backslashreplace").decode(),
            allowed="a name of at most 255 characters",
            fix=str(getattr(error, "strerror", None) or "choose another name"),
        ) from error
    if not path.is_relative_to(root):
        raise PathError(
            "the path leaves its folder",
            found=f'"{name}"',
            allowed=f"files below {shelf}/",
            fix=fix,
        )
    return path


def _suggest(name: str, shelves: Mapping[str, Shelf]) -> str | None:
    return did_you_mean(name, list_files(shelves))


def _files(shelf: Shelf) -> list[str]:
    found: list[str] = []
    base = str(shelf.folder / shelf.listed)
    for current, folders, files in os.walk(base):
        depth = 0 if current == base else current[len(base) + 1 :].count(os.sep) + 1
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if depth < _DEPTH else []
        for name in sorted(files):
            if name.casefold().endswith(shelf.suffixes) and not name.startswith("."):
                found.append((Path(current) / name).relative_to(shelf.folder).as_posix())
                if len(found) == _MOST:
                    return sorted(found)
    return sorted(found)
