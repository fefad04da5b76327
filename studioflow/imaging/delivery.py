"""A delivery: pictures in several formats with manifest and caption beside them, written whole or not at all."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeliveryError, did_you_mean
from ..files import Write, text_writer, write_together
from ..manifest import CAPTION_KEY, MANIFEST_KEY, dumps, portable
from ..resources import table
from .formats import WRITERS

PROVENANCE_KEY = "studioflow:provenance"


@dataclass(frozen=True)
class Documents:
    """What goes into and beside every picture: the shot, what FIBO read, how it was made, and ComfyUI's own."""

    manifest: dict[str, Any]
    caption: str
    provenance: dict[str, Any]
    workflow: Mapping[str, Any]
    """ComfyUI's ``prompt`` and ``workflow`` by those names; empty where metadata is switched off."""

    def texts(self, picture: int) -> dict[str, str]:
        """As strings under the names that files carry them by; ``picture`` counts from 0."""
        provenance = dict(self.provenance)
        if seeds := provenance.pop("seeds", None):
            provenance = {"seed": seeds[picture], **provenance}
        own = {MANIFEST_KEY: _dump(portable(self.manifest)), PROVENANCE_KEY: _dump(provenance)}
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
        jobs.append((folder / f"{name}.manifest.json", text_writer(dumps(portable(documents.manifest)))))
        if documents.caption:
            jobs.append((folder / f"{name}.caption.json", text_writer(documents.caption + "\n")))
    return write_together(jobs)


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
