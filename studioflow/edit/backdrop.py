"""What a greybox shows behind and below the subjects."""

from __future__ import annotations

from typing import Any

from .field import put
from .written import begun, finished


def set_backdrop(
    manifest: dict[str, Any] | None,
    *,
    kind: str = "",
    distance_m: float = 0.0,
    color: str = "",
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with this backdrop; what is empty or 0 stays as it is.

    ``kind`` is one of greybox/menus' BACKDROPS, ``distance_m`` how far its wall stands behind the main subject,
    ``color`` sRGB hex. Raises ManifestError for another kind, a form that is no hex, and a distance out of range.
    """
    result = begun(manifest)
    given = {"kind": kind, "distance_m": distance_m, "color": color.strip()}
    written = [("scene", "backdrop", name) for name, value in given.items() if value]
    for path in written:
        result = put(result, path, given[path[-1]])
    return finished(result, written, source)
