"""``{placeholder}`` in the texts of a document, filled in from a dictionary.

No template language: a name in braces and nothing else. ``{{name}}`` stands for the text ``{name}``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ..errors import EditError, did_you_mean
from .locate import Path, pointer
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
    where the schema wants a text there, a number becomes one.
    Raises EditError where a value is missing, naming all that are.
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
    filled: dict[str, Any] = {
        key: value if key in _UNTOUCHED else _filled(value, values, (key,)) for key, value in document.items()
    }
    return filled


def parse_values(text: str) -> dict[str, Any]:
    """Values for placeholders from a JSON object, or from lines like ``focal = 85``; EditError naming the line.

    What reads as a JSON number, text, true or false is that; everything else is a text.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict):
        return whole
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
        values[name] = _scalar(value)
    return values


def _scalar(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, (dict, list)) or value != value or value in (math.inf, -math.inf) else value


def _filled(value: Any, values: Mapping[str, Any], path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values, (*path, index)) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    whole = _PLACEHOLDER.fullmatch(value)
    if whole and whole.group(2):
        found = values[whole.group(2)]
        wanted = {rule.get("type") if isinstance(rule.get("type"), str) else None for rule in rules_for(path)}
        return _as_text(found) if wanted == {"string"} and isinstance(found, (int, float)) else found
    return _PLACEHOLDER.sub(lambda match: f"{{{match[1]}}}" if match[1] else _as_text(values[match[2]]), value)


def _as_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _texts(value: Any, path: Path) -> list[tuple[Path, str]]:
    if isinstance(value, str):
        return [(path, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items if path or key not in _UNTOUCHED for found in _texts(item, (*path, key))]
