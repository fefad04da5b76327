"""What an import has to tell: nothing is changed, guessed or left aside without a word."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """One thing that happened to a document on its way to a manifest.

    ``kind`` is ``converted`` (said in the terms of a manifest), ``guessed`` (the source left it open), ``kept`` (has no
    place in a manifest; stands untouched under ``extensions``) or ``warning``. ``pointer`` is the place in the source.
    """

    kind: str
    pointer: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.pointer} {self.text}"


class Imported(NamedTuple):
    """A valid manifest and what had to be said on the way to it."""

    manifest: dict[str, object]
    notes: tuple[Note, ...] = ()
