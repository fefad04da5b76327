"""A delivery: pictures in several formats with manifest and caption beside them, written whole or not at all."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeliveryError, did_you_mean
from ..resources import table
from .formats import WRITERS

MANIFEST_KEY = "studioflow:manifest"
CAPTION_KEY = "studioflow:caption"
PROVENANCE_KEY = "studioflow:provenance"

Write = Callable[[Path], object]


@dataclass(frozen=True)
class Documents:
    """What goes into and beside every picture: the shot, what FIBO read, how it was made, and ComfyUI's own."""

    manifest: dict[str, Any]
    caption: str
    provenance: dict[str, Any]
    workflow: Mapping[str, Any]
    """ComfyUI's ``prompt`` and ``workflow`` by those names; empty where metadata is switched off."""

    @property
    def shot(self) -> dict[str, Any]:
        """The manifest as it travels: without ``$schema``, whose relative path leads nowhere from another folder."""
        return {key: value for key, value in self.manifest.items() if key != "$schema"}

    def texts(self, picture: int) -> dict[str, str]:
        """As strings under the names that files carry them by; ``picture`` counts from 0."""
        provenance = dict(self.provenance)
        if seeds := provenance.pop("seeds", None):
            provenance = {"seed": seeds[picture], **provenance}
        own = {MANIFEST_KEY: _dump(self.shot), PROVENANCE_KEY: _dump(provenance)}
        if self.caption:
            own[CAPTION_KEY] = self.caption
        # ComfyUI reads its own entries as ASCII-escaped JSON.
        return own | {name: json.dumps(value) for name, value in self.workflow.items()}


def presets() -> dict[str, dict[str, Any]]:
    """Named sets of formats, from presets.json."""
    return {name: row for name, row in table("imaging/presets.json").items() if not name.startswith("_")}


def deliver(
    pictures: Sequence[NDArray[np.floating]], documents: Documents, *, folder: Path, stem: str, first: int, preset: str
) -> list[Path]:
    """Writes each picture ``[height, width, 3]`` as ``stem_00001_.png`` and so on, counting from ``first``.

    Beside each stand ``….manifest.json`` and, where there is one, ``….caption.json``. Every file is written
    beside its place, flushed and renamed once all of them are there; a failure leaves none. Returns the files
    in order. Raises DeliveryError; never overwrites.
    """
    formats = formats_of(preset)
    jobs: list[tuple[Path, Write]] = []
    for index, pixels in enumerate(pictures):
        name = f"{stem}_{first + index:05}_"
        texts = documents.texts(index)
        for extension in formats:
            write = functools.partial(WRITERS[extension], pixels=pixels, texts=texts)
            jobs.append((folder / f"{name}.{extension}", write))
        jobs.append((folder / f"{name}.manifest.json", _text_writer(_pretty(documents.shot))))
        if documents.caption:
            jobs.append((folder / f"{name}.caption.json", _text_writer(documents.caption + "\n")))
    return write_together(jobs)


def write_together(jobs: Sequence[tuple[Path, Write]]) -> list[Path]:
    """Calls ``write(part)`` for each ``(path, write)`` and puts all parts in place, or none; returns the paths."""
    parts: list[tuple[Path, Path]] = []
    done: list[Path] = []
    at = jobs[0][0]
    try:
        for path, write in jobs:
            at = path
            if path.exists():
                raise FileExistsError("a file of that name is already there")
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{path.name}.part")
            parts.append((part, path))
            write(part)
            with part.open("rb+") as stream:
                os.fsync(stream.fileno())
        for part, path in parts:
            at = path
            part.replace(path)
            done.append(path)
    except BaseException as error:
        for leftover in [part for part, _ in parts] + done:
            with suppress(OSError):
                leftover.unlink()
        if not isinstance(error, (OSError, RuntimeError, ValueError)):
            raise
        raise DeliveryError(
            "the delivery could not be written; no file was left",
            where=str(at),
            found=getattr(error, "strerror", None) or str(error),
            allowed="a folder that can be written, with room for the files",
            fix="check the folder's permissions and the free space, then run again",
        ) from error
    return done


def _text_writer(text: str) -> Write:
    return lambda path: path.write_text(text, encoding="utf-8")


def formats_of(preset: str) -> list[str]:
    """The formats of a preset; DeliveryError with a suggestion where there is no such preset."""
    known = presets()
    if preset not in known:
        raise DeliveryError(
            "no such delivery preset",
            found=f'"{preset}"',
            allowed=", ".join(known),
            fix=did_you_mean(preset, known),
        )
    return list(known[preset]["formats"])


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _pretty(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
