"""Answers of language models, kept on disk, so that the same question costs nothing the second time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from ..kept_files import KeptFiles

LIMIT_BYTES = 64 << 20


class Kept(NamedTuple):
    """An answer of a model as it came, before any repair."""

    text: str
    model: str
    cut_off: bool


class ReplyStore:
    """Answers by key (``reply_key``) as JSON files in ``folder``, at most ``limit_bytes`` of them (``KeptFiles``)."""

    def __init__(self, folder: str | Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._files = KeptFiles(folder, ".json", limit_bytes, "answers are not kept")

    def get(self, key: str) -> Kept | None:
        """The answer that was put there, or None; None for the key ""."""
        return self._files.get(key, lambda data: _unpacked(key, data)) if key else None

    def put(self, key: str, text: str, model: str = "", cut_off: bool = False) -> bool:
        """Keeps an answer that was found usable; says whether it is kept. The key "" is never kept."""
        return bool(key) and self._files.put(key, _packed(key, Kept(text, model, cut_off)))


def _packed(key: str, kept: Kept) -> bytes:
    # Lone surrogates, which JSON may carry, stay as escapes.
    return json.dumps({**kept._asdict(), "checksum": _checksum(key, kept)}).encode("ascii")


def _unpacked(key: str, data: bytes) -> Kept | None:
    """The answer in a file's bytes, or None where these are not the bytes that were written for the key."""
    try:
        row = json.loads(data)
        kept = Kept(row["text"], row["model"], row["cut_off"])
        return kept if row["checksum"] == _checksum(key, kept) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _checksum(key: str, kept: Kept) -> str:
    return hashlib.sha256(json.dumps([key, *kept]).encode("ascii")).hexdigest()
