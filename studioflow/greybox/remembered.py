"""Answers that take seconds to find and stay true for as long as the machine and the versions are the same."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar

from ..errors import StudioFlowError
from ..files import text_writer, write_together

T = TypeVar("T")

_LOCK = RLock()
_in_process: dict[tuple[Any, ...], Any] = {}


def remembered(name: str, key: Mapping[str, str], probe: Callable[[], T], folder: Path | None = None) -> T:
    """What ``probe()`` answered when last asked under ``name`` with this ``key``, or its answer now.

    ``name`` becomes a file's name; ``key`` holds all that the answer depends on, such as versions: one answer a name
    is kept, and a changed key probes again. Answers are JSON values. None means that there was none: it holds for this
    process and is not written, so a hindrance of one day does not last. What the probe raises is raised, and not kept.
    A folder (``cache_folder()`` by default) that cannot be read or written, and a broken file, only cost time.
    """
    place = folder or cache_folder()
    path = place / f"{name}.json" if place else None
    mark = (name, str(path), tuple(sorted(key.items())))
    with _LOCK:
        if mark not in _in_process:
            kept = _read(path, key) if path else None
            if kept is None:
                kept = probe()
                if path and kept is not None:
                    _write(path, key, kept)
            _in_process[mark] = kept
        return _in_process[mark]


def forget() -> None:
    """Drops what this process knows; what is in files stays."""
    with _LOCK:
        _in_process.clear()


def cache_folder() -> Path | None:
    """Where this system keeps what programs can make again, with a folder of our own; None where there is no home.

    ``XDG_CACHE_HOME`` wins on Linux and macOS: whoever sets it means it. A relative one is ignored, as the XDG Base
    Directory Specification asks.
    """
    try:
        if os.name == "nt":
            base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        else:
            own = Path(os.environ.get("XDG_CACHE_HOME", ""))
            usual = ("Library", "Caches") if sys.platform == "darwin" else (".cache",)
            base = own if own.is_absolute() else Path.home().joinpath(*usual)
    except RuntimeError:
        return None
    return base / "studioflow"


def _read(path: Path, key: Mapping[str, str]) -> Any:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and found.get("key") == dict(key):
            return found.get("answer")
    return None


def _write(path: Path, key: Mapping[str, str], answer: Any) -> None:
    text = json.dumps({"key": dict(key), "answer": answer}, indent=1, sort_keys=True)
    with suppress(OSError, StudioFlowError):
        write_together([(path, text_writer(text + "\n"))], replace=True)
