"""Where the shipped data is: the schemas, recipes and samples folders, and the tables beside the code."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent


def shipped(folder: str) -> Path:
    """The folder ``schemas``, ``recipes`` or ``samples``: inside the package when pip installed it, else beside it."""
    installed = _PACKAGE / "shipped" / folder
    return installed if installed.is_dir() else _PACKAGE.parent / folder


@functools.cache
def table(name: str) -> Any:
    """A data table that lies beside the code, e.g. ``table("studio/lenses.json")``; read once, when first used.

    Callers must not change what they get: everybody shares it.
    """
    return json.loads((_PACKAGE / name).read_text(encoding="utf-8"))
