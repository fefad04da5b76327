"""Checking a manifest against its schema: all faults at once, each where it stands."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from ..errors import ManifestError
from . import schema as schemas
from .faults import Fault, explain, show
from .locate import Path, pointer
from .notes import Note, Origin

VERSION = "1.0"
"""Of the format that this StudioFlow writes."""
MAX_FAULTS = 100
"""More than a person reads."""


def validate(document: dict[str, Any], source: str = "manifest", origin: Origin | None = None) -> tuple[Note, ...]:
    """Returns when the document is a valid manifest, else raises ManifestError naming every fault in it.

    With ``origin``, the text that the document was read from, every fault in it has its line and column. Faults beyond
    the first 100 are not looked at. A manifest of a newer minor version (1.x) may have keys that this one does not
    know: they stay, and the notes name them.
    """
    newer = _newer_minor(document.get("studioflow"), source, origin)
    faults: list[Fault] = []
    unknown: list[Path] = []
    for fault in _faults(document, unknown if newer else None):
        faults.append(fault)
        if len(faults) > MAX_FAULTS:
            break
    if faults:
        raise _as_one_error(faults, source, origin)
    return _notes_of_newer(newer, unknown)


def _faults(document: dict[str, Any], tolerated: list[Path] | None) -> Iterator[Fault]:
    """The faults of a document one by one. Unknown keys are none where there is a list for them."""
    for error in _validator().iter_errors(document):
        path = tuple(error.instance_path)
        if tolerated is None:
            yield from explain(error)
        elif type(error.kind).__name__.endswith("AdditionalProperties"):
            # Without a word about each of them: to look for what was meant by thousands of keys takes minutes.
            tolerated += [(*path, key) for key in error.kind.unexpected]
        elif path != ("studioflow",):
            for fault in explain(error):
                if fault.unknown_key:
                    tolerated.append(fault.path)
                else:
                    yield fault


def _as_one_error(faults: list[Fault], source: str, origin: Origin | None) -> ManifestError:
    places = origin.places(fault.path for fault in faults) if origin else {}
    told = sorted(faults[:MAX_FAULTS], key=lambda fault: (places.get(fault.path, (0, 0)), pointer(fault.path)))
    more = len(faults) > MAX_FAULTS
    count = f"more than {MAX_FAULTS} faults, of which these are some" if more else f"{len(faults)} faults"
    errors = [fault.error(source, places.get(fault.path)) for fault in told]
    return ManifestError.of(errors, f"the manifest has {count}", source)


def _newer_minor(version: Any, source: str, origin: Origin | None) -> str:
    """The version where it is a newer 1.x, else nothing; ManifestError for a newer major version."""
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(part.isdecimal() and part.isascii() and len(part) < 5 for part in parts):
        return ""
    major, minor = map(int, parts)
    known_major, known_minor = map(int, VERSION.split("."))
    if major > known_major:
        path: Path = ("studioflow",)
        raise Fault(
            path,
            "the manifest is of a format newer than this StudioFlow",
            show(version),
            f'"{known_major}.…"',
            "update StudioFlow",
        ).error(source, origin.places([path]).get(path) if origin else None)
    return version if major == known_major and minor > known_minor else ""


def _notes_of_newer(version: str, unknown: list[Path]) -> tuple[Note, ...]:
    if not version:
        return ()
    text = f'format "{version}" is newer than "{VERSION}", the one StudioFlow knows'
    notes = [Note("warning", "/studioflow", text)]
    notes += [Note("warning", pointer(path), "unknown key, kept as it is") for path in unknown[:MAX_FAULTS]]
    if more := len(unknown[MAX_FAULTS:]):
        text = "1 more unknown key, kept as it is" if more == 1 else f"{more} more unknown keys, kept as they are"
        notes.append(Note("warning", "/", text))
    return tuple(notes)


@functools.cache
def _validator() -> Any:
    import jsonschema_rs

    captions = jsonschema_rs.Registry([(schemas.CAPTION, schemas.schema(schemas.CAPTION))])
    return jsonschema_rs.Draft202012Validator(schemas.schema(), registry=captions)
