"""Reading a manifest from a file or a text, with every way it can be wrong told apart."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..errors import ManifestError, PathError, Place
from .validate import pointer, validate

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64
VERSION = "1.0"
# A document with one of these and no version is a FIBO caption as Bria's API and other tools write it.
_CAPTION_KEYS = ("short_description", "objects", "background_setting", "structured_caption")


def load(path: str | Path) -> dict[str, Any]:
    """The validated manifest in a file (a plain FIBO caption becomes a manifest with only ``caption``).

    Raises PathError where there is no such file and ManifestError for anything wrong in it.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise _too_large(size, str(path))
        data = path.read_bytes()
    except OSError as error:
        raise PathError(
            "the manifest cannot be read",
            where=str(path),
            found=error.strerror or str(error),
            allowed="a readable JSON file",
            fix="check the path",
        ) from error
    return loads(data, source=str(path))


def loads(text: str | bytes, source: str = "manifest") -> dict[str, Any]:
    """The validated manifest in a text; ``source`` names it in errors. Raises ManifestError."""
    if len(text) > MAX_BYTES:
        raise _too_large(len(text), source)
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ManifestError(
                "the manifest is not UTF-8 text",
                where=source,
                found=f"byte 0x{error.object[error.start]:02x} at position {error.start}",
                allowed="JSON in UTF-8",
                fix="save it as UTF-8",
            ) from error
    text = text.removeprefix("\ufeff")
    document = _parse(text, source)
    if "studioflow" not in document and any(key in document for key in _CAPTION_KEYS):
        document = from_caption(document)
        validate(document, source)
    else:
        validate(document, source, text)
    return document


def from_caption(caption: dict[str, Any]) -> dict[str, Any]:
    """A manifest that holds nothing but somebody's FIBO caption; compiles back to that caption."""
    return {"studioflow": VERSION, "caption": caption}


class _Object(dict[str, Any]):
    """A parsed JSON object that remembers which of its keys came twice."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    result = _Object(pairs)
    if len(result) != len(pairs):
        keys = [key for key, _ in pairs]
        result.twice = tuple(key for key in result if keys.count(key) > 1)
    return result


def _parse(text: str, source: str) -> dict[str, Any]:
    def no_constant(name: str) -> Any:
        raise ManifestError(
            "not a JSON number",
            where=source,
            found=name,
            allowed="a finite number",
            fix="write a number, or leave the key out",
        )

    if not text.strip():
        raise ManifestError(
            "the manifest is empty",
            where=source,
            found="no text",
            allowed='a JSON object such as {"studioflow": "1.0", "scene": {…}}',
            fix="start from a file in samples/",
        )
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise _not_json(error, source) from error
    except RecursionError as error:
        raise _too_deep(source) from error
    except ValueError as error:  # e.g. an integer of more digits than Python converts
        raise ManifestError(
            "the manifest holds a number nobody can mean", where=source, found=str(error).split(";")[0]
        ) from error
    if not isinstance(document, dict):
        raise ManifestError(
            "the manifest is not a JSON object",
            where=source,
            found=f"a JSON {type(document).__name__}",
            allowed='an object such as {"studioflow": "1.0", "scene": {…}}',
        )
    plain: dict[str, Any] = _checked(document, (), source)
    return plain


def _checked(value: Any, path: tuple[str | int, ...], source: str) -> Any:
    """The value as plain JSON data; refuses duplicate keys, infinite numbers, half characters and too much depth."""
    if len(path) > MAX_DEPTH:
        raise _too_deep(source)
    if isinstance(value, _Object):
        if value.twice:
            raise ManifestError(
                "a key stands twice in one object",
                where=Place(source, pointer((*path, value.twice[0]))),
                found=", ".join(f'"{key}"' for key in value.twice),
                allowed="each key once",
                fix="remove one of the two",
            )
        for key in value:
            _require_whole_characters(key, path, source)
        return {key: _checked(item, (*path, key), source) for key, item in value.items()}
    if isinstance(value, list):
        return [_checked(item, (*path, index), source) for index, item in enumerate(value)]
    if isinstance(value, float) and math.isinf(value):
        raise ManifestError(
            "a number is too large",
            where=Place(source, pointer(path)),
            found="a number beyond 1.8e308",
            allowed="a finite number",
        )
    if isinstance(value, str):
        _require_whole_characters(value, path, source)
    return value


def _require_whole_characters(text: str, path: tuple[str | int, ...], source: str) -> None:
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ManifestError(
            "a text holds half of a character",
            where=Place(source, pointer(path)),
            found=f"lone surrogate U+{ord(text[error.start]):04X}",
            allowed="whole Unicode characters",
            fix="retype the character",
        ) from error


def _not_json(error: json.JSONDecodeError, source: str) -> ManifestError:
    rest = error.doc[error.pos : error.pos + 20].split("\n")[0]
    comment = "; comments are not JSON" if rest.startswith(("//", "/*", "#")) else ""
    return ManifestError(
        f"the manifest is not JSON: {error.msg}{comment}",
        where=Place(source, line=error.lineno, column=error.colno),
        found=f'"{rest}"' if rest else "the end of the text",
        allowed="a JSON object",
        fix="correct the text at that line and column",
    )


def _too_large(size: int, source: str) -> ManifestError:
    return ManifestError(
        "the manifest is too large",
        where=source,
        found=f"{size / 1024 / 1024:.1f} MiB",
        allowed=f"at most {MAX_BYTES // 1024 // 1024} MiB",
        fix="check that this is a manifest and not a picture or a table",
    )


def _too_deep(source: str) -> ManifestError:
    return ManifestError(
        "the manifest is nested too deeply",
        where=source,
        found=f"more than {MAX_DEPTH} levels",
        allowed=f"at most {MAX_DEPTH} levels of objects and lists",
    )
