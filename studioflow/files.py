"""Files written whole or not at all: beside their place, flushed, and renamed once all of them are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from .errors import DeliveryError

Write = Callable[[Path], object]


def write_together(jobs: Sequence[tuple[Path, Write]], *, replace: bool = False) -> list[Path]:
    """Calls ``write(part)`` for each ``(path, write)`` and puts all parts in place, or none; returns the paths.

    Raises DeliveryError. A file that is already there is an error too unless ``replace`` is set; then the new one has
    the permissions of the old one, and where the path is a link, the file that it leads to is replaced.
    """
    parts: list[tuple[Path, Path]] = []
    done: list[Path] = []
    at = jobs[0][0]
    try:
        for path, write in jobs:
            at = path
            if path.exists() and not replace:
                raise DeliveryError(
                    "a file of that name is already there",
                    where=str(path),
                    found="no leave to write over it",
                    allowed="a name that no file has",
                    fix="choose another name, or a way of saving that numbers or replaces",
                )
            target = path.resolve() if replace else path
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.part")
            parts.append((part, target))
            write(part)
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
            if replace and target.exists():
                shutil.copymode(target, part)
        for (part, target), (path, _) in zip(parts, jobs, strict=True):
            at = path
            part.replace(target)
            done.append(path)
    except BaseException as error:
        # What was replaced is gone already; taking the new file away as well would only lose more.
        for leftover in [part for part, _ in parts] + ([] if replace else done):
            with suppress(OSError):
                leftover.unlink()
        if not isinstance(error, (OSError, RuntimeError, ValueError)):
            raise
        raise DeliveryError(
            "the files could not be written; no file was left half written",
            where=str(at),
            found=getattr(error, "strerror", None) or str(error),
            allowed="a folder that can be written, with room for the files",
            fix="check the folder's permissions and the free space, then run again",
        ) from error
    return done


def text_writer(text: str) -> Write:
    """A ``write`` for ``write_together`` that writes a text in UTF-8."""
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")
