"""The writers of files by format, the endings of their names, and how a format is called."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .sheet import FileSpec, Sheet

WriteFile = Callable[[Path, Sheet, FileSpec], list[str]]


class Format(NamedTuple):
    """``module`` of this folder has the function ``write``, which returns what the person should know."""

    title: str
    ending: str
    module: str
    write: str

    def writer(self) -> WriteFile:
        """The function that writes a sheet; its module is imported now, for it is heavy."""
        found: WriteFile = getattr(importlib.import_module(f".{self.module}", __package__), self.write)
        return found


FORMATS = {
    "exr": Format("OpenEXR", ".exr", "exr", "write_exr"),
    "tiff": Format("TIFF", ".tif", "tiff", "write_tiff"),
    "png": Format("PNG", ".png", "png", "write_png"),
    "jpeg": Format("JPEG", ".jpg", "web", "write_web"),
    "webp": Format("WebP", ".webp", "web", "write_web"),
    "avif": Format("AVIF", ".avif", "web", "write_web"),
}
SHOWN_IN_BROWSERS = (".png", ".jpg", ".webp")
"""Endings of what ComfyUI shows at a node."""
