"""From a path inside a JSON document back to the line and column of its text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from json.decoder import scanstring

_SPACE = re.compile(r"[ \t\n\r]*")
_VALUE = json.JSONDecoder()


def line_and_column(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Where the member or item at ``path`` begins in a valid JSON text, both counted from 1.

    A path that ends in something that is not there (a missing key) gives the place of what should hold it.
    """
    at = value = _after_space(text, 0)
    for part in path:
        found = next(((start, inner) for name, start, inner in _children(text, value) if name == part), None)
        if found is None:
            break
        at, value = found
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _children(text: str, at: int) -> Iterator[tuple[str | int, int, int]]:
    """Name or index, beginning, and beginning of the value, of each member or item of what begins at ``at``."""
    if text[at] not in "{[":
        return
    is_object, index, at = text[at] == "{", 0, _after_space(text, at + 1)
    while text[at] not in "}]":
        start, name = at, index
        if is_object:
            name, at = scanstring(text, at + 1)
            at = _after_space(text, _after_space(text, at) + 1)
        yield name, start, at
        _, at = _VALUE.raw_decode(text, at)
        at, index = _after_space(text, at), index + 1
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
