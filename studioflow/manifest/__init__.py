"""The manifest: the document of the shot. A manifest in memory is plain JSON data; treat it as immutable."""

from .identity import canonical, content_id
from .load import MAX_BYTES, MAX_DEPTH, from_caption, load, loads
from .render import RenderSettings, render_settings
from .shelf import find_manifest, list_manifests
from .validate import validate

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "RenderSettings",
    "canonical",
    "content_id",
    "find_manifest",
    "from_caption",
    "list_manifests",
    "load",
    "loads",
    "render_settings",
    "validate",
]
