"""What goes to a terminal, or to the file or pipe in its place."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..errors import PathError

DOCUMENT = "a manifest or a FIBO caption (JSON), or a picture that carries one"
"""What the commands open, as their help says it."""


def prepare_streams() -> None:
    """Files and pipes get UTF-8; a terminal gets its own encoding, and what that lacks as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def printable(text: str) -> str:
    """With control and direction characters as escapes: some text comes from a server, and a terminal obeys them."""
    from ..review.compare.words import visible

    return visible(text, keep="\n\t")


def print_json(value: Any) -> None:
    """Prints a value as JSON for programs; see ``json_for_stdout``."""
    print(json_for_stdout(json.dumps(value, ensure_ascii=False, indent=2)))


def json_for_stdout(text: str) -> str:
    """A JSON text as it is, or on a terminal with the characters that it would obey as the escapes of JSON."""
    if not sys.stdout.isatty() or printable(text) == text:
        return text
    shown = (character if printable(character) == character else f"\\u{ord(character):04x}" for character in text)
    return "".join(shown)


def require_writable(folder: Path) -> None:
    """Before the render and not after it: a picture that took minutes must have somewhere to go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PathError(
            "the output folder cannot be made", where=str(folder), found=error.strerror, fix="choose another --out"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PathError(
            "the output folder cannot be written",
            where=str(folder),
            found="no write permission",
            fix="choose another --out",
        )
