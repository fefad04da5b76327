"""Naming a place in a manifest: ``camera.lens.aperture``, ``scene.subjects[0].color`` or a JSON Pointer."""

from __future__ import annotations

import re

from ..errors import EditError
from ..manifest import MAX_DEPTH

Path = tuple["str | int", ...]

_INDEX = re.compile(r"\[(\d{1,9}|-)\]")


def parse_path(text: str) -> Path:
    """The path that a dotted name or a JSON Pointer (RFC 6901, begins with ``/``) means; EditError for neither.

    Whole numbers are positions in a list, counted from 0; ``-`` is the place behind the last one.
    """
    name = text.strip()
    if name.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in name[1:].split("/")]
    else:
        parts = _INDEX.sub(r".\1", name).split(".")
    if not name or "" in parts or len(parts) > MAX_DEPTH:
        raise EditError(
            "no such path",
            found=f'"{text[:80]}"',
            allowed="names with dots between them, or a JSON Pointer",
            fix='write for example "camera.lens.aperture", "scene.subjects[0].color" or "/camera/lens/aperture"',
        )
    return tuple(int(part) if part.isdecimal() and part.isascii() and len(part) < 10 else part for part in parts)


def dotted(path: Path) -> str:
    """The path as people read it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
