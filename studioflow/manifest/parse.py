"""From bytes to JSON data, with every way in which a text can be no JSON document told apart.

Beyond the standard's grammar this refuses what two readers would understand differently: a key that stands twice,
numbers that are none, halves of characters. All such faults of a text are told at once, each with its place.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NamedTuple

from ..errors import ManifestError, Place
from .faults import Fault
from .locate import Path, lines_and_columns

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64
MAX_DIGITS = 400
"""Of a whole number: more than any number in a manifest has, and less than what takes long to convert."""
_MOST_STARTS = 20
"""Braces in prose that are tried as the beginning of an object; bounds the work on hostile text."""


class Parsed(NamedTuple):
    """A JSON object and the text it stands in.

    ``start`` is where it begins, ``around`` what stood around it. ``objects`` is how many JSON objects the text had, of
    which this is the longest. ``inner`` says that the text was itself a JSON text.
    """

    document: dict[str, Any]
    text: str
    start: int = 0
    around: str = ""
    objects: int = 1
    inner: bool = False


INNER = "the JSON text inside it"
"""Added to the name of the source where lines and columns are of such a text."""


def parse(data: str | bytes, source: str) -> Parsed:
    """The one JSON object in a text. Prose or a Markdown fence around it, as language models write, may be there.

    Raises ManifestError.
    """
    text = _decoded(data, source)
    start, objects = len(text) - len(text.lstrip(" \t\n\r")), 1
    try:
        value, end = _DECODER.raw_decode(text, start)
        around = text[end:].strip()
        # Prose behind the object is a language model's; a brace or a comma there is somebody's slip.
        if around and (around[0] in '{}[],:"' or not isinstance(value, dict)):
            raise json.JSONDecodeError("Extra data", text, text.index(around, end))
        if _OBJECT.search(around):
            value, start, around, objects = _longest(text) or (value, start, around, objects)
    except json.JSONDecodeError as error:
        try:
            found = _in_prose(text)
        except json.JSONDecodeError as inner:
            raise _not_json(inner, source) from inner
        except RecursionError as inner:
            raise too_deep(source) from inner
        if found is None:
            raise _not_json(error, source) from error
        value, start, around, objects = found
    except RecursionError as error:
        raise too_deep(source) from error
    if isinstance(value, str) and value.lstrip().startswith("{"):
        # A JSON text inside a JSON text, as APIs return captions.
        return parse(value, source.removesuffix(f" ({INNER})") + f" ({INNER})")._replace(inner=True)
    if not isinstance(value, dict):
        raise ManifestError(
            "the manifest is not a JSON object",
            where=source,
            found=_JSON_NAMES.get(type(value), "a number"),
            allowed='an object such as {"studioflow": "1.0", "scene": {…}}',
        )
    return Parsed(_checked(value, text, start, source), text, start, around, objects)


def parse_value(text: str, source: str) -> Any:
    """Any JSON value that a person typed, as strictly as a document is read; ManifestError, or json.JSONDecodeError
    where the text is not JSON, which the caller knows better how to tell."""
    try:
        value = _DECODER.decode(_decoded(text, source))
    except RecursionError as error:
        raise too_deep(source) from error
    return _checked(value, text, 0, source)


def too_large(size: int, source: str) -> ManifestError:
    """The error for a document of that many bytes."""
    return ManifestError(
        "the manifest is too large",
        where=source,
        found=f"{size / 1024 / 1024:.1f} MiB",
        allowed=f"at most {MAX_BYTES // 1024 // 1024} MiB",
        fix="check that this is a manifest and not a picture or a table",
    )


def too_deep(source: str) -> ManifestError:
    """The error for a document of more than MAX_DEPTH levels."""
    return ManifestError(
        "the manifest is nested too deeply",
        where=source,
        found=f"more than {MAX_DEPTH} levels",
        allowed=f"at most {MAX_DEPTH} levels of objects and lists",
        fix="move other programs' data to a file of its own",
    )


# ---------------------------------------------------------------- text


def _decoded(data: str | bytes, source: str) -> str:
    if len(data) > MAX_BYTES:
        raise too_large(len(data), source)
    if isinstance(data, bytes):
        try:
            data = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]
            raise ManifestError(
                "the text is not UTF-8",
                where=source,
                found="what looks like UTF-16"
                if utf_16
                else f"byte 0x{error.object[error.start]:02x} at position {error.start}",
                allowed="JSON in UTF-8",
                fix="save it as UTF-8",
            ) from error
    text = data.removeprefix("\ufeff")
    if not text.strip():
        raise ManifestError(
            "the text is empty",
            where=source,
            found="no text",
            allowed='a JSON object such as {"studioflow": "1.0", "scene": {…}}',
            fix="start from a file in samples/",
        )
    return text


def _in_prose(text: str) -> tuple[Any, int, str, int] | None:
    """What ``_longest`` finds in a text that is not JSON itself.

    None for a text that itself begins like JSON, in which what is wrong must be told.
    """
    return None if text.lstrip()[:1] in "{[" else _longest(text)


def _longest(text: str) -> tuple[Any, int, str, int] | None:
    """The longest JSON object in a text, where it begins, the prose around it, and how many objects there are.

    What begins like an object is meant to be one: JSONDecodeError where the first is not well formed. None where
    nothing does.
    """
    best: tuple[Any, int, int] | None = None
    at = objects = 0
    for _ in range(_MOST_STARTS):
        begin = _OBJECT.search(text, at)
        if not begin:
            break
        try:
            value, at = _DECODER.raw_decode(text, begin.start())
        except json.JSONDecodeError:
            if best:
                break
            raise
        objects += 1
        if best is None or at - begin.start() > best[2] - best[1]:
            best = value, begin.start(), at
    if not best or not best[0]:
        return None
    value, start, end = best
    around = [_FENCE.sub("", part).strip() for part in (text[:start], text[end:])]
    return value, start, " … ".join(filter(None, around)), objects


_OBJECT = re.compile(r"""\{\s*(?:["'“”‘}]|//|/\*|\#|,|\.\.\.|…|[A-Za-z_]\w{0,99}\s*:)""")
"""How an object begins, also one with the slips that people and language models make right behind the brace."""
_FENCE = re.compile(r"(?:```|~~~)\w*")


def _not_json(error: json.JSONDecodeError, source: str) -> ManifestError:
    rest = error.doc[error.pos : error.pos + 20].split("\n")[0]
    before = error.doc[: error.pos].rstrip()[-1:]
    fix = "correct the text at that line and column"
    problem = f"this is not JSON: {error.msg}"
    if error.doc.lstrip()[:1] not in "{[" and not _OBJECT.search(error.doc):
        fix = 'this is not JSON at all: a manifest or a caption begins with "{" and ends with "}"'
    elif rest.startswith(("//", "/*", "#")):
        problem, fix = f"{problem}; comments are not JSON", "put remarks into meta.notes and take the comment out"
    elif rest.startswith(("'", "“", "‘")):
        fix = 'write names and texts in straight double quotes: "…"'
    elif before == "," and rest[:1] in ("}", "]", ","):
        fix = "take the comma before it out"
    elif rest.startswith(("True", "False", "None")):
        fix = "this is Python; JSON writes true, false and null"
    elif error.msg.startswith("Invalid control character"):
        fix = "a line break or a tab stands inside a text; write \\n or \\t for it"
    elif error.msg.startswith("Unterminated string"):
        fix = "a text is not closed, or the answer was cut off there"
    elif error.msg.startswith("Expecting property name"):
        fix = 'write names in straight double quotes: "…"'
    elif error.msg.startswith("Expecting ',' delimiter") and rest:
        fix = 'a comma is missing before this, or a quotation mark inside a text lacks its backslash: \\"'
    elif not rest:
        fix = "the text ends too early: something is not closed, or it was cut off"
    return ManifestError(
        problem,
        where=Place(source, line=error.lineno, column=error.colno),
        found=f'"{rest}"' if rest else "the end of the text",
        allowed="a JSON object",
        fix=fix,
    )


# ---------------------------------------------------------------- values


class _Object(dict[str, Any]):
    """A parsed JSON object that remembers which of its keys came twice."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    result = _Object(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        result.twice = tuple(dict.fromkeys(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return result


class _NoNumber(NamedTuple):
    """What stands in the place of a number that is none."""

    problem: str
    found: str
    allowed: str


def _constant(name: str) -> _NoNumber:
    return _NoNumber("not a JSON number", name, "a finite number")


def _integer(digits: str) -> int | _NoNumber:
    if len(digits) > MAX_DIGITS + 1:
        found = f"{len(digits.lstrip('-'))} digits"
        return _NoNumber("a number nobody can mean", found, f"at most {MAX_DIGITS} digits")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)
_JSON_NAMES = {str: "a JSON text", list: "a JSON list", bool: "true or false", type(None): "null"}


def _checked(document: Any, text: str, start: int, source: str) -> Any:
    """The document as plain JSON data; raises ManifestError for all that is refused in it."""
    faults: list[Fault] = []
    plain = _plain(document, (), faults, source)
    if faults:
        places = lines_and_columns(text, [fault.path for fault in faults], start)
        errors = [fault.error(source, places[fault.path]) for fault in faults]
        raise ManifestError.of(errors, f"the manifest has {len(faults)} faults", source)
    return plain


_MOST_FAULTS = 100


def _plain(value: Any, path: Path, faults: list[Fault], source: str) -> Any:
    if len(path) > MAX_DEPTH:
        raise too_deep(source)
    if len(faults) >= _MOST_FAULTS:
        return value
    if isinstance(value, _Object):
        for key in value.twice[:_MOST_FAULTS]:
            twice = "a key stands twice in one object"
            faults.append(Fault((*path, key), twice, f'"{key}"', "each key once", "remove one"))
        for key in value:
            _note_half_characters(key, path, faults)
        return {key: _plain(item, (*path, key), faults, source) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*path, index), faults, source) for index, item in enumerate(value)]
    if isinstance(value, str):
        _note_half_characters(value, path, faults)
    elif isinstance(value, _NoNumber):
        fix = "write a number, or leave the key out"
        faults.append(Fault(path, value.problem, value.found, value.allowed, fix))
    elif isinstance(value, float) and math.isinf(value):
        faults.append(Fault(path, "a number is too large", "a number beyond 1.8e308", "a finite number"))
    return value


def _note_half_characters(text: str, path: Path, faults: list[Fault]) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"lone surrogate U+{ord(text[error.start]):04X}"
        problem, whole = "a text holds half of a character", "whole Unicode characters"
        faults.append(Fault(path, problem, half, whole, "retype the character"))
