"""Setting one field."""

from __future__ import annotations

import json
from typing import Any

from ..caption import WRAPPED, without
from ..errors import EditError
from ..manifest import parse_value, rules_for
from .path import Path, dotted, parse_path
from .written import finished, without_excluded


def set_field(manifest: dict[str, Any], path: str, value: Any, source: str = "manifest") -> dict[str, Any]:
    """The manifest with the value at a path (see ``parse_path``); objects on the way are made where they are missing.

    What the schema lets stand only without the new value goes (``pose`` when ``orbit`` is set), and so does a raw
    caption field that the new value decides. Raises EditError where the path leads nowhere and ManifestError where
    the value is not valid there.
    """
    parts = parse_path(path)
    return finished(put(_without_other_homes(manifest, parts), parts, value), [parts], source)


def _without_other_homes(manifest: dict[str, Any], path: Path) -> dict[str, Any]:
    """A raw caption field that is about to be written is taken from the other places where captions keep it."""
    inside = tuple(part for part in path[1:] if part != WRAPPED) if path[:1] == ("caption",) else ()
    if not inside or inside[0] not in ("photographic_characteristics", "style_medium", "artistic_style"):
        return manifest
    field = ".".join(map(str, inside[:2]))
    return manifest | {"caption": without(manifest.get("caption", {}), [field])}


def value_from_text(path: str, text: str) -> Any:
    """The value that a text stands for at a path: itself where the schema wants a text there, else what it is as JSON.

    ``85`` is a number at camera.lens.focal_length_mm and a text at meta.sku.
    """
    rules = rules_for(parse_path(path))
    kinds = {kind for rule in rules for kind in _as_list(rule.get("type", []))}
    begin = text.lstrip()[:1]
    if kinds == {"string"} or not begin:
        return text
    # Where numbers do not belong but lists may (a caption's fields), 85 is a text.
    if "string" in kinds and kinds.isdisjoint({"number", "integer", "boolean"}) and begin not in '{["n':
        return text
    try:
        return parse_value(text, path)
    except json.JSONDecodeError as error:
        if begin in "{[" and not kinds.isdisjoint({"object", "array"}):
            raise EditError(
                f"the value begins like JSON and is none: {error.msg}",
                where=f"{path}, line {error.lineno}, column {error.colno}",
                found=text[error.pos : error.pos + 20] or "the end of the text",
                allowed='JSON, for example {"preset": "portrait_85", "aperture": 2}',
                fix="correct it at that column",
            ) from error
        return text


def put(document: Any, path: Path, value: Any, at: Path = ()) -> Any:
    """The document with the value at the rest of ``path`` behind ``at``; shares with the old one what is unchanged."""
    if len(at) == len(path):
        return value
    part = path[len(at)]
    if isinstance(document, list):
        return _put_into_list(document, path, value, at)
    if not isinstance(document, dict):
        raise EditError(
            "the path leads through a value that holds no others",
            where=dotted(at),
            found=json.dumps(document, ensure_ascii=False)[:80],
            allowed="an object or a list",
            fix=f'set "{dotted(at)}" itself, or choose another path than "{dotted(path)}"',
        )
    key = str(part)
    below = document[key] if key in document else _empty(path, len(at) + 1)
    return without_excluded(document | {key: put(below, path, value, (*at, key))}, at, key)


def _put_into_list(items: list[Any], path: Path, value: Any, at: Path) -> list[Any]:
    part = path[len(at)]
    index = len(items) if part == "-" else part
    if not isinstance(index, int) or index > len(items):
        last = f"0 to {len(items) - 1}, or " if items else ""
        raise EditError(
            "no such item in the list",
            where=dotted(at),
            found=f'"{part}"',
            allowed=f"{last}{len(items)} (or -) for a new one behind the last",
            fix="count from 0",
        )
    below = items[index] if index < len(items) else _empty(path, len(at) + 1)
    return [*items[:index], put(below, path, value, (*at, index)), *items[index + 1 :]]


def _empty(path: Path, depth: int) -> Any:
    """What to make where something on the path is missing: a list where an item of it is wanted, else an object."""
    return [] if depth < len(path) and (isinstance(path[depth], int) or path[depth] == "-") else {}


def _as_list(kinds: str | list[str]) -> list[str]:
    return [kinds] if isinstance(kinds, str) else kinds
