"""Checking a manifest against its schema: all faults at once, each where it stands."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from ..errors import ManifestError
from . import schema as schemas
from .faults import Fault, explain, show
from .locate import Path, lines_and_columns, pointer
from .notes import Note

VERSION = "1.0"
"""Of the format that this StudioFlow writes."""
MAX_FAULTS = 100
"""More than a person reads."""


def validate(
    document: dict[str, Any],
    source: str = "manifest",
    text: str | None = None,
    *,
    start: int = 0,
    inside: Path = (),
) -> tuple[Note, ...]:
    """Returns when the document is a valid manifest, else raises ManifestError naming every fault in it.

    ``text`` is what the document was read from, beginning at ``start``; with it every fault has its line and column.
    Where the text holds only a part of the document, ``inside`` is the path of that part. Faults beyond the first 100
    are not looked at. A manifest of a newer minor version (1.x) may have keys that this one does not know: they stay,
    and the notes name them.
    """
    newer = _newer_minor(document.get("studioflow"), source)
    every = itertools.chain.from_iterable(map(explain, _validator().iter_errors(document)))
    if newer:
        every = (fault for fault in every if fault.path != ("studioflow",))
    found = list(itertools.islice(every, MAX_FAULTS + 1))
    faults = [fault for fault in found if not (newer and fault.unknown_key)]
    if faults:
        places = _places(faults, text, start, inside) if text else {}
        raise _as_one_error(faults, len(found) > MAX_FAULTS, source, places)
    return _notes_of_newer(newer, found)


def _places(faults: list[Fault], text: str, start: int, inside: Path) -> dict[Path, tuple[int, int]]:
    paths = {fault.path[len(inside) :]: fault.path for fault in faults if fault.path[: len(inside)] == inside}
    return {paths[path]: place for path, place in lines_and_columns(text, paths, start).items()}


def _as_one_error(faults: list[Fault], more: bool, source: str, places: dict[Path, tuple[int, int]]) -> ManifestError:
    told = sorted(faults[:MAX_FAULTS], key=lambda fault: (places.get(fault.path, (0, 0)), pointer(fault.path)))
    count = f"more than {MAX_FAULTS} faults, of which these are some" if more else f"{len(faults)} faults"
    errors = [fault.error(source, places.get(fault.path)) for fault in told]
    return ManifestError.of(errors, f"the manifest has {count}", source)


def _newer_minor(version: Any, source: str) -> str:
    """The version where it is a newer 1.x, else nothing; ManifestError for a newer major version."""
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(part.isdecimal() and part.isascii() and len(part) < 5 for part in parts):
        return ""
    major, minor = map(int, parts)
    known_major, known_minor = map(int, VERSION.split("."))
    if major > known_major:
        raise Fault(
            ("studioflow",),
            "the manifest is of a format newer than this StudioFlow",
            show(version),
            f'"{known_major}.…"',
            "update StudioFlow",
        ).error(source, None)
    return version if major == known_major and minor > known_minor else ""


def _notes_of_newer(version: str, unknown: list[Fault]) -> tuple[Note, ...]:
    if not version:
        return ()
    first = Note("warning", "/studioflow", f'format "{version}" is newer than "{VERSION}", the one StudioFlow knows')
    return (first, *(Note("warning", pointer(fault.path), "unknown key, kept as it is") for fault in unknown))


@functools.cache
def _validator() -> Any:
    import jsonschema_rs

    captions = jsonschema_rs.Registry([(schemas.CAPTION, schemas.schema(schemas.CAPTION))])
    return jsonschema_rs.Draft202012Validator(schemas.schema(), registry=captions)
