"""Paths and values as a person reads them in a comparison: numbers with their unit, texts quoted where they need it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_UNITS = {"mm": " mm", "deg": "°", "m": " m", "k": " K"}
_PLAIN_KEY = re.compile(r"[\w$-]+")
_PLAIN_TEXT = re.compile(r"(?!(?:true|false|null)\Z)[A-Za-z_][\w.-]*|#[0-9A-Fa-f]{6}|[0-9]+:[0-9]+", re.ASCII)
# What a terminal would obey and what turns the reading direction of the words around it.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def dotted(parts: Sequence[str | int]) -> str:
    """A path for people: ``scene.subjects[1].color``; a key that is no plain word stands quoted in brackets."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{visible(json.dumps(part, ensure_ascii=False))}]"
    return text


def visible(text: str, keep: str = "") -> str:
    """The text with control and direction characters written as escapes, save those in ``keep``."""
    return _UNSEEN.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)


def unit(key: str, value: Any) -> str:
    """The unit that a key's name states, to stand behind the number: " mm"; empty for what is not a number or numbers.

    Numbers are those of JSON, so true and false are none.
    """
    numbers = value if isinstance(value, list) and value else [value]
    if "_" not in key or not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in numbers):
        return ""
    return _UNITS.get(key.rsplit("_", 1)[1], "")


def bare(value: Any) -> str:
    """A value in one line without its unit: plain words as they are, other texts in quotes, an object as its fields."""
    if isinstance(value, str):
        return value if _PLAIN_TEXT.fullmatch(value) else visible(json.dumps(value, ensure_ascii=False))
    if isinstance(value, list):
        return f"[{', '.join(bare(item) for item in value)}]"
    if isinstance(value, dict) and value:
        return ", ".join(f"{name} {_inner(name, item)}" for name, item in _fields(value, ()))
    return json.dumps(value)


def with_unit(key: str, value: Any) -> str:
    """A value in one line, its unit (from the key's name) behind it."""
    return bare(value) + unit(key, value)


def shortened(before: str, after: str, limit: int) -> tuple[str, str]:
    """Both texts cut to about ``limit`` characters around the first place where they differ."""
    if max(len(before), len(after)) <= limit:
        return before, after
    pairs = enumerate(zip(before, after, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(before), len(after)))
    start = 0
    if same > limit // 2:
        # At the start of a word, unless that word alone would fill the line.
        start = max(before.rfind(" ", 0, same - limit // 4) + 1, same - limit // 2)
    return _cut(before, start, limit), _cut(after, start, limit)


def short(text: str, limit: int) -> str:
    """The text cut to ``limit`` characters, with … for the rest."""
    return _cut(text, 0, limit)


def _cut(text: str, start: int, limit: int) -> str:
    rest = text[start:]
    return ("…" if start else "") + (rest if len(rest) <= limit else rest[: limit - 1].rstrip() + "…")


def _inner(name: str, value: Any) -> str:
    return with_unit(name.rsplit(".", 1)[-1], value)


def _fields(value: dict[str, Any], above: tuple[str, ...]) -> list[tuple[str, Any]]:
    """The values inside nested objects, each with its dotted name."""
    rows: list[tuple[str, Any]] = []
    for key, item in value.items():
        path = (*above, key)
        rows += _fields(item, path) if isinstance(item, dict) and item else [(dotted(path), item)]
    return rows
