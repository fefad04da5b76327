"""From paths inside a JSON document back to lines and columns of its text, all in one pass."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.decoder import scanstring

Path = tuple["str | int", ...]

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_SPACE = re.compile(r"[ \t\n\r]*")
_VALUE = json.JSONDecoder(parse_int=str, parse_float=str)
"""Only to find where a value ends; a number of many digits is not worth converting, and Python refuses the longest."""
_HERE = object()
"""Stands in the tree of wanted paths where one of them ends; no key of a document equals it."""


def pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer (RFC 6901) of a path; ``/`` for the whole document."""
    text = "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def path_of(pointer_text: str) -> Path:
    """The path that a JSON Pointer names; whole numbers are taken for positions in lists."""
    parts = pointer_text.split("/")[1:]
    names = (part.replace("~1", "/").replace("~0", "~") for part in parts)
    return tuple(int(name) if _INDEX.fullmatch(name) else name for name in names)


def lines_and_columns(text: str, paths: Iterable[Path], start: int = 0) -> dict[Path, tuple[int, int]]:
    """Where the member or item at each path begins in a text that is valid JSON from ``start``; counted from 1.

    A path that ends in something that is not there (a missing key) gets the place of what should hold it; of a key
    that stands twice, the second counts. Takes time in proportion to the text.
    """
    wanted: dict[object, object] = {}
    places: dict[Path, int] = {}
    begin = _after_space(text, start)
    for path in paths:
        places[path] = begin
        node = wanted
        for part in path:
            node = node.setdefault(part, {})  # type: ignore[assignment]
        node.setdefault(_HERE, []).append(path)  # type: ignore[attr-defined]
    _visit(text, begin, begin, wanted, places)
    return {path: (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)) for path, at in places.items()}


def _visit(text: str, name_at: int, at: int, wanted: dict, places: dict[Path, int]) -> int:  # type: ignore[type-arg]
    """Notes the places below the value that begins at ``at`` and returns where the value ends."""
    for path in _all_paths(wanted):
        places[path] = name_at
    if text[at] not in "{[" or wanted.keys() <= {_HERE}:
        return _VALUE.raw_decode(text, at)[1]
    is_object, index, at = text[at] == "{", 0, _after_space(text, at + 1)
    while text[at] not in "}]":
        name_at, name = at, index
        if is_object:
            name, at = scanstring(text, at + 1)
            at = _after_space(text, _after_space(text, at) + 1)
        below = wanted.get(name)
        at = _visit(text, name_at, at, below, places) if below else _VALUE.raw_decode(text, at)[1]
        at, index = _after_space(text, at), index + 1
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return at + 1


def _all_paths(wanted: dict) -> Iterable[Path]:  # type: ignore[type-arg]
    for name, below in wanted.items():
        yield from below if name is _HERE else _all_paths(below)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
