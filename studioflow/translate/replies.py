"""Answers of language models, kept on disk, so that the same question costs nothing the second time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

LIMIT_BYTES = 64 << 20

_KEY = re.compile("[0-9a-f]{64}")
_STALE_S = 3600


class Kept(NamedTuple):
    """An answer of a model as it came, before any repair."""

    text: str
    model: str
    cut_off: bool


class ReplyStore:
    """Answers by key (``reply_key``) as JSON files in ``folder``, at most ``limit_bytes``; the longest unused go first.

    Only files with such a name are ever counted or removed. Several processes may share the folder. A store never
    ends a request: a broken file is removed and counts as absent, and a folder that cannot be used keeps nothing,
    which is logged.
    """

    def __init__(self, folder: str | Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = Path(folder)
        self.limit_bytes = limit_bytes

    def get(self, key: str) -> Kept | None:
        """The answer that was put there, or None; None for the key ""."""
        if not key:
            return None
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        kept = _unpacked(key, data)
        with suppress(OSError):
            if kept is None:
                path.unlink()
            else:
                _touch(path)
        return kept

    def put(self, key: str, text: str, model: str = "", cut_off: bool = False) -> bool:
        """Keeps an answer that was found usable; says whether it is kept. The key "" is never kept."""
        if not key:
            return False
        path = self._path(key)
        data = _packed(key, Kept(text, model, cut_off))
        if len(data) > self.limit_bytes:
            return False
        # A name of its own for each writer: two servers may be writing the same answer.
        part = self.folder / f".{key}.{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            _touch(part)
            part.replace(path)
            self._make_room(path)
        except OSError as error:
            self._tell(error)
            with suppress(OSError):
                part.unlink(missing_ok=True)
            return False
        return True

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"a key is 64 hexadecimal digits, this is {key!r}")
        return self.folder / f"{key}.json"

    def _make_room(self, newest: Path) -> None:
        used = []
        for path in self.folder.iterdir():
            # Another server may have removed it meanwhile.
            with suppress(FileNotFoundError):
                stat = path.stat()
                if path.suffix == ".part" and _KEY.fullmatch(path.name[1:65]):
                    # What a killed process left; a younger part is being written by another.
                    if time.time() - stat.st_mtime > _STALE_S:
                        path.unlink()
                elif path.suffix == ".json" and _KEY.fullmatch(path.stem):
                    used.append((path == newest, stat.st_mtime_ns, path, stat.st_size))
        total = sum(size for *_, size in used)
        for _, _, path, size in sorted(used):
            if total <= self.limit_bytes:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size

    def _tell(self, error: OSError) -> None:
        logging.warning("StudioFlow: answers are not kept, %s cannot be used (%s)", self.folder, error.strerror)


def _packed(key: str, kept: Kept) -> bytes:
    # Lone surrogates, which JSON may carry, stay as escapes.
    return json.dumps({**kept._asdict(), "checksum": _checksum(key, kept)}).encode("ascii")


def _unpacked(key: str, data: bytes) -> Kept | None:
    """The answer in a file's bytes, or None where these are not the bytes that were written for the key."""
    try:
        row = json.loads(data)
        kept = Kept(row["text"], row["model"], row["cut_off"])
        return kept if row["checksum"] == _checksum(key, kept) else None
    except (ValueError, KeyError, TypeError):
        return None


def _checksum(key: str, kept: Kept) -> str:
    return hashlib.sha256(json.dumps([key, *kept]).encode("ascii")).hexdigest()


def _touch(path: Path) -> None:
    # The clock's nanoseconds: some file systems round their own, and entries of one tick would have no order.
    now = time.time_ns()
    os.utime(path, ns=(now, now))
