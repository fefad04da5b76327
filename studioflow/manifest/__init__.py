"""The manifest: the document of the shot. A manifest in memory is plain JSON data; treat it as immutable."""

from ..shelf import EXISTING, PICTURES, TEXTS, Shelf, find_file, find_manifest, list_files
from .fill import fill, parse_values, placeholders
from .identity import canonical, content_id
from .load import import_caption, load, load_with_notes, loads, loads_with_notes
from .locate import path_of, pointer
from .migrate import migrate
from .notes import Imported, Note
from .parse import MAX_BYTES, MAX_DEPTH, parse_value
from .render import RenderSettings, picture_ratio, render_settings
from .save import dumps, place_to_save, portable, save, save_on_shelf
from .schema import rules_for, schema
from .shapes import CAPTION_KEY, MANIFEST_KEY, from_caption, is_caption
from .validate import VERSION, validate

__all__ = [
    "CAPTION_KEY",
    "EXISTING",
    "MANIFEST_KEY",
    "MAX_BYTES",
    "MAX_DEPTH",
    "PICTURES",
    "TEXTS",
    "VERSION",
    "Imported",
    "Note",
    "RenderSettings",
    "Shelf",
    "canonical",
    "content_id",
    "dumps",
    "fill",
    "find_file",
    "find_manifest",
    "from_caption",
    "import_caption",
    "is_caption",
    "list_files",
    "load",
    "load_with_notes",
    "loads",
    "loads_with_notes",
    "migrate",
    "parse_value",
    "parse_values",
    "path_of",
    "picture_ratio",
    "place_to_save",
    "placeholders",
    "pointer",
    "portable",
    "render_settings",
    "rules_for",
    "save",
    "save_on_shelf",
    "schema",
    "validate",
]
