"""Files to and from a server: names that stay in their folder, and no half-written file."""

from __future__ import annotations

import asyncio
import io
import os
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO

import aiohttp

from .errors import BadAnswer, ServerLost, ServerUnreachable, TransferFailed, UnsafeName
from .http import CHUNK_BYTES, Http
from .results import FileRef
from .timing import Timing

MAX_FILE_BYTES = 8 << 30
MAX_SENDING_SECONDS = 3600.0


async def fetch_file(http: Http, ref: FileRef, folder: Path, timing: Timing) -> Path:
    """Bring ``ref`` into ``folder``, which must exist, and return where it is.

    The file appears whole or not at all. A file of that name is left alone: the new one becomes ``name_2.ext``.
    Raises UnsafeName, TransferFailed, ServerLost, AccessRefused.
    """
    check_name(ref.filename, f"{http.where}, an output of the job")
    where = str(folder / ref.filename)
    query = {"filename": ref.filename, "subfolder": ref.subfolder, "type": ref.type}
    part = folder / f".{uuid.uuid4().hex}.part"
    try:
        with part.open("xb") as file:
            async with aclosing(http.download("view", query=query, silence=timing.lost_after)) as chunks:
                async for chunk in chunks:
                    file.write(chunk)
                    if file.tell() > MAX_FILE_BYTES:
                        raise TransferFailed(
                            "the file is too large to be fetched",
                            where=where,
                            allowed=f"{MAX_FILE_BYTES >> 30} GiB",
                        )
            await asyncio.to_thread(_flush, file.fileno())
        return _move_to_free_name(part, folder / ref.filename)
    except ServerUnreachable as failure:
        raise ServerLost(
            "the server was lost while it sent a file",
            where=where,
            found=failure.found,
            fix="nothing was written; fetch it again when the server is back",
        ) from None
    except BadAnswer as failure:
        raise TransferFailed(
            "the server does not hand out this file",
            where=where,
            found=failure.found,
            fix="it was moved or deleted on the server; render it again",
        ) from None
    except OSError as failure:
        raise TransferFailed(
            "the file cannot be written",
            where=where,
            found=failure.strerror,
            fix="give a folder that exists, can be written to and has room",
        ) from failure
    finally:
        with suppress(OSError):
            part.unlink()


async def upload_file(http: Http, content: Path | bytes, filename: str, subfolder: str, timing: Timing) -> str:
    """Put ``content`` into the server's input folder under ``subfolder``, over an older file of that name.

    Returns ``subfolder/filename`` as nodes take it. Raises UnsafeName, TransferFailed, ServerLost,
    ServerUnreachable, AccessRefused, BadAnswer.
    """
    for name in (filename, *filter(None, subfolder.split("/"))):
        check_name(name, "upload")
    try:
        with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source:
            status, answer = await _send(http, source, filename, subfolder, timing)
    except OSError as failure:
        raise TransferFailed("the file cannot be read", where=str(content), found=failure.strerror) from failure
    if status == 413:
        raise TransferFailed(
            "the file is too large for the server",
            where=f"{http.where}, {filename}",
            fix="start ComfyUI with a larger --max-upload-size (in MB)",
        )
    stored = http.read_object("POST /upload", status, answer)
    name, folder = stored.get("name"), stored.get("subfolder")
    if not isinstance(name, str) or not isinstance(folder, str):
        raise http.bad_answer("POST /upload", "JSON without the stored name")
    return f"{folder}/{name}" if folder else name


async def _send(http: Http, source: BinaryIO, filename: str, subfolder: str, timing: Timing) -> tuple[int, bytes]:
    clock = asyncio.get_running_loop().time
    moved_at = clock()

    async def chunks() -> AsyncIterator[bytes]:
        # A chunk is only asked for when the one before it has left: that is the sign of life while sending.
        nonlocal moved_at
        while chunk := source.read(CHUNK_BYTES):
            moved_at = clock()
            yield chunk
        moved_at = clock()

    # Unquoted, because ComfyUI stores the name as it comes: "hero%20shot.json" would be a file of that name.
    form = aiohttp.FormData(quote_fields=False)
    for name, value in {"type": "input", "subfolder": subfolder, "overwrite": "true"}.items():
        form.add_field(name, value)
    form.add_field("image", chunks(), filename=filename, content_type="application/octet-stream")
    sending = asyncio.ensure_future(http.call("POST", "upload", "image", data=form, timeout=MAX_SENDING_SECONDS))
    try:
        while not sending.done():
            left = moved_at + timing.lost_after - clock()
            if left <= 0:
                raise ServerLost(
                    "the server stopped taking the file",
                    where=f"{http.where}, {filename}",
                    found=f"nothing moved for {timing.lost_after:.3g} s",
                    fix="look whether it still runs, then send the file again",
                )
            await asyncio.wait({sending}, timeout=left)
        return sending.result()
    finally:
        sending.cancel()


def check_name(name: str, where: str) -> None:
    """Raise UnsafeName unless ``name`` is a plain file name on every system (no folder, drive or control code)."""
    if name in ("", ".", "..") or re.search(r"[/\\:\x00-\x1f\x7f]", name):
        raise UnsafeName(
            "a file name that would leave its folder",
            where=where,
            found=ascii(name[:200]),
            allowed="a plain name without / \\ : or control characters",
        )


def _move_to_free_name(part: Path, target: Path) -> Path:
    for number in range(1, 10_000):
        free = target if number == 1 else target.with_name(f"{target.stem}_{number}{target.suffix}")
        try:
            # Reserving the name makes "is it free" and "take it" one step, also between two processes.
            free.open("xb").close()
        except FileExistsError:
            continue
        try:
            return part.replace(free)
        except OSError:
            free.unlink(missing_ok=True)
            raise
    raise TransferFailed("there are 9999 files of this name already", where=str(target))


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)
