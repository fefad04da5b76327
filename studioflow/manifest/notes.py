"""What an import has to tell: nothing is changed, guessed or left aside without a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .locate import Path, lines_and_columns, path_of


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


class Origin(NamedTuple):
    """The text that a manifest or a part of it was read from.

    The JSON begins at ``start`` of ``text``. The part of the manifest that it holds is the one at ``inside``, and in
    the JSON that part stands at ``at``. ``within`` is the name of a text that is itself only a part of the source (in
    the metadata of a picture, a JSON text inside JSON); lines and columns are then of that text and not of the source.
    """

    text: str
    start: int = 0
    inside: Path = ()
    at: Path = ()
    within: str = ""

    def places(self, paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
        """Line and column in the text for each of these paths of the manifest that lies in it."""
        depth = len(self.inside)
        ours = {(*self.at, *path[depth:]): path for path in paths if path[:depth] == self.inside}
        return {ours[path]: place for path, place in lines_and_columns(self.text, ours, self.start).items()}

    def name(self, source: str) -> str:
        """What errors call the text."""
        return f"{source} ({self.within})" if self.within else source


class Imported(NamedTuple):
    """A valid manifest, what had to be said on the way to it, and where it was read from.

    ``origin`` is None where places are not known, as in a document that was converted.
    """

    manifest: dict[str, object]
    notes: tuple[Note, ...] = ()
    origin: Origin | None = None

    def places(self, pointers: Iterable[str]) -> dict[str, tuple[int, int]]:
        """Line and column in the source for each of these JSON Pointers of which they are known."""
        if not self.origin or self.origin.within:
            return {}
        by_path = {path_of(pointer) if pointer != "/" else (): pointer for pointer in pointers}
        return {by_path[path]: place for path, place in self.origin.places(by_path).items()}
