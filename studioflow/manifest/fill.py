"""``{placeholder}`` in the texts of a document, filled in from a dictionary.

No template language: a name in braces and nothing else. ``{{name}}`` stands for the text ``{name}``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..errors import EditError, ManifestError, did_you_mean
from .locate import Path, pointer
from .parse import MAX_BYTES, parse, parse_value
from .schema import rules_for

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_][\w.-]{0,99})\}\}|\{([A-Za-z_][\w.-]{0,99})\}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,99}", re.ASCII)
_UNTOUCHED = ("$schema", "studioflow", "extensions")


def placeholders(document: Any) -> dict[str, str]:
    """The names of all placeholders in a document, each with the JSON Pointer of its first place."""
    found: dict[str, str] = {}
    for path, text in _texts(document, ()):
        for match in _PLACEHOLDER.finditer(text):
            if name := match.group(2):
                found.setdefault(name, pointer(path))
    return found


def fill(document: dict[str, Any], values: Mapping[str, Any], source: str = "manifest") -> dict[str, Any]:
    """The document with every placeholder replaced by its value; values nobody asks for are no fault.

    A text that is one placeholder and nothing else takes the value as it is, so ``"{focal}"`` becomes the number 85;
    where the schema wants a text there, a number becomes one. Filling is done once: ``{{name}}`` becomes ``{name}``,
    which a second filling would take for open. Raises EditError where a value is missing, naming all that are, where
    one is a list or an object, and where the result would be larger than a manifest may be.
    """
    missing = {name: place for name, place in placeholders(document).items() if name not in values}
    if missing:
        first = next(iter(missing))
        raise EditError(
            "placeholders without a value",
            where=source,
            found=", ".join(f"{{{name}}} at {place}" for name, place in missing.items()),
            allowed=", ".join(values) or "no values are given",
            fix=did_you_mean(first, values) or f'give a value for "{first}", or write {{{{{first}}}}} for the braces',
        )
    for name, value in values.items():
        if isinstance(value, (dict, list)):
            raise EditError(
                "no value for a placeholder",
                where=name,
                found="a list" if isinstance(value, list) else "an object",
                allowed="a text, a number, true, false or null",
                fix="set lists and objects with Set Field or Patch Manifest",
            )
    filling = _Filling(values, source)
    return {key: value if key in _UNTOUCHED else filling(value, (key,)) for key, value in document.items()}


class Typed(str):
    """A value as somebody typed it: a text where a text belongs, else the number, true, false or null that it is."""


def parse_values(text: str) -> dict[str, Any]:
    """Values for placeholders from a JSON object, or from lines like ``focal = 85``.

    Raises ManifestError for a JSON object that is none, and EditError naming the line.
    """
    if text.lstrip().startswith("{"):
        return parse(text, "values").document
    values: dict[str, Any] = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not equals or not _NAME.fullmatch(name):
            raise EditError(
                "no value for a placeholder",
                where=f"line {number}",
                found=f'"{line.strip()[:80]}"',
                allowed="name = value, one a line, or one JSON object",
                fix="write for example focal = 85",
            )
        values[name] = _scalar(value) if value.startswith('"') else Typed(value)
    return values


def _scalar(text: str) -> Any:
    """The number, text, true, false or null that a text is as JSON, else the text itself."""
    try:
        value = parse_value(text, "value")
    except (ValueError, ManifestError):
        return str(text)
    return str(text) if isinstance(value, (dict, list)) else value


class _Filling:
    """One filling; it measures what it writes, because a short template can ask for a long value again and again."""

    def __init__(self, values: Mapping[str, Any], source: str) -> None:
        self._values, self._source, self._written = values, source, 0

    def __call__(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        whole = _PLACEHOLDER.fullmatch(value)
        if whole and whole[2]:
            return self._alone(self._values[whole[2]], path)
        return _PLACEHOLDER.sub(lambda match: f"{{{match[1]}}}" if match[1] else self._text(match[2]), value)

    def _alone(self, value: Any, path: Path) -> Any:
        self._count(len(value) if isinstance(value, str) else 0)
        wants_text = {rule["type"] == "string" for rule in rules_for(path) if "type" in rule} == {True}
        if wants_text and value is not None:
            return _as_text(value)
        return _scalar(value) if isinstance(value, Typed) else value

    def _text(self, name: str) -> str:
        text = _as_text(self._values[name])
        self._count(len(text))
        return text

    def _count(self, length: int) -> None:
        self._written += length
        if self._written > MAX_BYTES:
            raise EditError(
                "the filled manifest is too large",
                where=self._source,
                found=f"more than {MAX_BYTES // 1024 // 1024} MiB of values",
                allowed=f"at most {MAX_BYTES // 1024 // 1024} MiB",
                fix="give shorter values",
            )


def _as_text(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: Any, path: Path) -> list[tuple[Path, str]]:
    if isinstance(value, str):
        return [(path, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items if path or key not in _UNTOUCHED for found in _texts(item, (*path, key))]
