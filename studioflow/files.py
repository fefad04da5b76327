"""Files written whole or not at all: beside their place, flushed, and renamed once all of them are there."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import DeliveryError

Write = Callable[[Path], object]
Job = tuple[Path, Write]
_NO_FOLDER_FLUSH = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF)
"""What file systems answer that cannot flush a folder."""


def write_together(jobs: Sequence[Job], *, replace: bool = False) -> list[Path]:
    """Calls ``write(part)`` for each ``(path, write)`` and puts all parts in place, or none; returns the paths.

    Raises DeliveryError. A file that is already there is an error too unless ``replace`` is set; then the new one has
    the permissions of the old one, and where the path is a link, the file that it leads to is replaced.
    """
    return write_groups([jobs], replace=replace)


def write_groups(
    groups: Sequence[Sequence[Job]],
    *,
    replace: bool = False,
    in_flight: int = 1,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> list[Path]:
    """The same for groups of files. The jobs of a group run one after the other, ``in_flight`` groups at a time.

    So one group is worked out while another is flushed. All parts lie beside their places until the last is written.
    ``progress(groups written, all groups)`` is called in the caller's thread; what it raises stops the work.
    """
    places = {path: _place(path, replace) for group in groups for path, _ in group}
    parts = {path: target.with_name(f".{target.name}.part") for path, target in places.items()}
    try:
        _write_all(groups, parts, in_flight, progress)
        return _put_in_place(places, parts, replace)
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()


def text_writer(text: str) -> Write:
    """A ``write`` for ``write_together`` that writes a text in UTF-8."""
    return lambda path: path.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _place(path: Path, replace: bool) -> Path:
    with _told_as_delivery_error(path):
        if replace:
            return path.resolve()
        if path.exists():
            raise _taken(path)
        return path


def _write_all(
    groups: Sequence[Sequence[Job]], parts: dict[Path, Path], in_flight: int, progress: Callable[[int, int], object]
) -> None:
    if in_flight == 1 or len(groups) == 1:
        for index, group in enumerate(groups):
            _write_group(group, parts)
            progress(index + 1, len(groups))
        return
    with ThreadPoolExecutor(in_flight, thread_name_prefix="studioflow-write") as pool:
        running: set[Future[None]] = {pool.submit(_write_group, group, parts) for group in groups}
        try:
            while running:
                done, running = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                progress(len(groups) - len(running), len(groups))
        except BaseException:
            # Leaving the pool waits for the groups that are being written.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write_group(group: Sequence[Job], parts: dict[Path, Path]) -> None:
    for path, write in group:
        part = parts[path]
        with _told_as_delivery_error(path):
            part.parent.mkdir(parents=True, exist_ok=True)
            write(part)
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())


def _put_in_place(places: dict[Path, Path], parts: dict[Path, Path], replace: bool) -> list[Path]:
    """Renames the parts. Where one cannot be, those before it go again, and what they replaced comes back."""
    undo: list[Callable[[], object]] = []
    kept: list[Path] = []
    try:
        for path, target in places.items():
            with _told_as_delivery_error(path):
                if replace and target.exists():
                    shutil.copymode(target, parts[path])
                    old = target.with_name(f".{target.name}.old") if len(places) > 1 else None
                    if old:
                        _second_name(target, old)
                        kept.append(old)
                        undo.append(lambda old=old, target=target: old.replace(target))
                    parts[path].replace(target)
                else:
                    _rename_new(parts[path], target)
                    undo.append(target.unlink)
        for folder in {target.parent for target in places.values()}:
            with _told_as_delivery_error(folder):
                _flush_folder(folder)
    except BaseException:
        for step in reversed(undo):
            with suppress(OSError):
                step()
        raise
    finally:
        for old in kept:
            with suppress(OSError):
                old.unlink()
    return list(places)


def _rename_new(part: Path, target: Path) -> None:
    """Renames to a name that no file has: also where another program has taken it in the meantime."""
    try:
        os.link(part, target)
    except FileExistsError:
        raise _taken(target) from None
    except OSError:
        # No second names on this file system.
        if target.exists():
            raise _taken(target) from None
        part.replace(target)


def _second_name(path: Path, name: Path) -> None:
    with suppress(OSError):
        name.unlink()
    try:
        os.link(path, name)
    except OSError:
        shutil.copy2(path, name)


def _flush_folder(folder: Path) -> None:
    """Makes new names in the folder survive a power cut; Windows does so by itself."""
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_FLUSH:
            raise


def _taken(path: Path) -> DeliveryError:
    return DeliveryError(
        "a file of that name is already there",
        where=str(path),
        found="no leave to write over it",
        allowed="a name that no file has",
        fix="choose another name, or a way of saving that numbers or replaces",
    )


@contextmanager
def _told_as_delivery_error(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise DeliveryError(
            "the files could not be written; no file was left half written",
            where=str(path),
            found=getattr(error, "strerror", None) or str(error),
            allowed="a folder that can be written, with room for the files",
            fix="check the folder's permissions and the free space, then run again",
        ) from error
