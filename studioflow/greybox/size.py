"""How large a greybox of a shot is."""

from __future__ import annotations

from typing import Any

from ..families import DEFAULT, families, family
from ..manifest.render import picture_ratio, render_settings


def greybox_size(manifest: dict[str, Any], longest_side: int = 0) -> tuple[int, int]:
    """Width and height in pixels of the shot's ratio with that longest side; of the shot's own size where it is 0."""
    if longest_side <= 0:
        model = manifest.get("render", {}).get("model", DEFAULT)
        settings = render_settings(manifest, family(model if model in families() else DEFAULT))
        return settings.width, settings.height
    ratio = picture_ratio(manifest)
    width, height = (1.0, 1.0 / ratio) if ratio >= 1.0 else (ratio, 1.0)
    return max(1, round(width * longest_side)), max(1, round(height * longest_side))
