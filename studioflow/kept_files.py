"""A folder of files that need not be made twice, by the digest of what they are made from, within a bound."""

from __future__ import annotations

import logging
import os
import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_KEY = re.compile("[0-9a-f]{64}")
_STALE_S = 3600
_unusable: set[Path] = set()
"""Folders that the log of this process speaks of already, whoever found them so."""


class KeptFiles:
    """Files ``<key><suffix>`` in ``folder``, at most ``limit_bytes`` of them; the longest unused leave first.

    Keys are SHA-256 in hex; only files with such a name are ever counted or removed. Several processes may share the
    folder. It never ends the work that it serves: a file that is broken is removed and counts as absent, and in a
    folder that cannot be used ``get`` finds and ``put`` keeps nothing, which a process logs once, as ``lost`` says.
    """

    def __init__(self, folder: str | Path, suffix: str, limit_bytes: int, lost: str) -> None:
        self.folder = Path(folder)
        self.limit_bytes = limit_bytes
        self._suffix = suffix
        self._lost = lost

    def get(self, key: str, unpack: Callable[[bytes], T | None]) -> T | None:
        """What ``unpack`` makes of the key's bytes, or None: where there are none, or where it finds them broken."""
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        kept = unpack(data)
        with suppress(OSError):
            if kept is None:
                path.unlink()
            else:
                _touch(path)
        return kept

    def put(self, key: str, data: bytes) -> bool:
        """Writes one file, whole or not at all, then removes the longest unused; says whether it is kept."""
        path = self._path(key)
        if len(data) > self.limit_bytes:
            return False
        # A name of its own for each writer: two servers may be writing the same file.
        part = self.folder / f".{key}.{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Without fsync: a file that a power cut tears is found broken and removed.
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

    def clear(self) -> None:
        """Removes every kept file and nothing else."""
        self._remove_stale()
        for path in self._files():
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"a key is 64 hexadecimal digits, this is {key!r}")
        return self.folder / f"{key}{self._suffix}"

    def _files(self) -> list[Path]:
        return [path for path in self.folder.glob(f"*{self._suffix}") if _KEY.fullmatch(path.stem)]

    def _remove_stale(self) -> None:
        """What a killed process left; a younger part is being written by another."""
        for part in self.folder.glob(".*.part"):
            with suppress(OSError):
                if _KEY.fullmatch(part.name[1:65]) and time.time() - part.stat().st_mtime > _STALE_S:
                    part.unlink()

    def _make_room(self, newest: Path) -> None:
        self._remove_stale()
        used = []
        for path in self._files():
            # Another server may have removed it meanwhile.
            with suppress(FileNotFoundError):
                stat = path.stat()
                used.append((path == newest, stat.st_mtime_ns, path, stat.st_size))
        total = sum(size for *_, size in used)
        for _, _, path, size in sorted(used):
            if total <= self.limit_bytes:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
                total -= size

    def _tell(self, error: OSError) -> None:
        folder = self.folder.absolute()
        if folder not in _unusable:
            _unusable.add(folder)
            logging.warning("StudioFlow: %s, %s cannot be used (%s)", self._lost, folder, error)


def _touch(path: Path) -> None:
    # The clock's nanoseconds: some file systems round their own, and entries of one tick would have no order.
    now = time.time_ns()
    os.utime(path, ns=(now, now))
