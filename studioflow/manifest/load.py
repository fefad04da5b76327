"""Reading a manifest from a file or a text, whichever of the known documents that is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ManifestError, PathError
from .faults import show
from .fill import fill
from .migrate import migrate, version_of
from .notes import Imported, Note, Origin
from .parse import INNER, MAX_BYTES, parse, too_large
from .schema import schema
from .shapes import from_answer, from_caption, is_caption
from .validate import validate

_CAPTION = ("caption",)
"""Where in a manifest the text stands that was a caption or an answer with one in it."""


def load(path: str | Path) -> dict[str, Any]:
    """The validated manifest in a file; what ``load_with_notes`` gives, without the notes."""
    return load_with_notes(path).manifest


def loads(text: str | bytes, source: str = "manifest") -> dict[str, Any]:
    """The validated manifest in a text; what ``loads_with_notes`` gives, without the notes."""
    return loads_with_notes(text, source).manifest


def load_with_notes(path: str | Path) -> Imported:
    """The validated manifest in a JSON file or in the metadata of a picture, and what was done to it on the way.

    Raises PathError where there is no such file and ManifestError for anything wrong in it.
    """
    from .carried import carried_text, picture_kind

    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
            kind = picture_kind(head)
            size = path.stat().st_size
            if size > MAX_BYTES and not kind:
                raise too_large(size, str(path))
            data = b"" if kind else head + stream.read(MAX_BYTES)
    except OSError as error:
        raise PathError(
            "the manifest cannot be read",
            where=str(path),
            found=error.strerror or str(error),
            allowed="a readable JSON file, or a picture that carries a manifest",
            fix="check the path",
        ) from error
    if not kind:
        return loads_with_notes(data, str(path))
    carried = carried_text(path, kind)
    imported = loads_with_notes(carried.text, f"{path} ({carried.where})")
    return imported._replace(
        notes=(Note("converted", "/", f"read from the {carried.where}"), *imported.notes),
        origin=imported.origin and imported.origin._replace(within=carried.where),
    )


def loads_with_notes(text: str | bytes, source: str = "manifest", values: Mapping[str, Any] | None = None) -> Imported:
    """The validated manifest in a text, and what was done to it on the way; ``source`` names the text in errors.

    With ``values`` its ``{placeholders}`` are filled in first (see ``fill``), before anything is checked.

    The text is a manifest of this or an older format, a FIBO caption in any known shape (an edit caption, inside a
    Markdown fence or prose, inside what a program answered), or a manifest of the earlier StudioFlow app. Raises
    ManifestError.
    """
    parsed = parse(text, source)
    notes: tuple[Note, ...] = ()
    if parsed.objects > 1:
        notes += (Note("guessed", "/", f"the longest of {parsed.objects} JSON objects in the text was taken"),)
    if parsed.around:
        left_out = " ".join(parsed.around.split())
        left_out = left_out if len(left_out) <= 80 else left_out[:79] + "…"
        notes += (Note("warning", "/", f"text around the JSON was left out: {left_out}"),)
    document = parsed.document if values is None else fill(parsed.document, values, source)
    whole = Origin(parsed.text, parsed.start, within=INNER if parsed.inner else "")
    if is_caption(document):
        imported = Imported(from_caption(document), origin=whole._replace(inside=_CAPTION))
    elif "studioflow" not in document and (answer := from_answer(document, whole)):
        imported = answer
    elif (
        "studioflow" not in document
        and document.keys().isdisjoint(schema()["properties"])
        and version_of(document) is None
    ):
        raise ManifestError(
            "this is no document that StudioFlow knows",
            where=source,
            found=show(document),
            allowed='a manifest ("studioflow": "1.0", …), a FIBO caption, or a manifest of the earlier StudioFlow app',
            fix='begin a manifest with "studioflow": "1.0", or open the caption\'s own file',
        )
    else:
        imported = migrate(document)
        if imported.manifest is parsed.document:
            imported = imported._replace(origin=whole)
    origin = imported.origin
    told = validate(imported.manifest, origin.name(source) if origin else source, origin)
    return imported._replace(notes=(*notes, *imported.notes, *told))


def import_caption(text: str | bytes, source: str = "caption") -> Imported:
    """A manifest of the FIBO caption in a text and nothing else, and what was done to it on the way.

    Raises ManifestError, also where the text is a manifest: that one has more than a caption.
    """
    imported = loads_with_notes(text, source)
    if not imported.origin or imported.origin.inside != _CAPTION:
        raise ManifestError(
            "this is no FIBO caption",
            where=source,
            found=f"a manifest with {', '.join(key for key in imported.manifest if key != 'studioflow')}",
            allowed="a FIBO caption as JSON, with or without text around it",
            fix="open manifests with Load Manifest or Manifest From Text",
        )
    return imported
