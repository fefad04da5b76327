"""What differs between two JSON documents, change by change, as a person tells it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...manifest import pointer
from .align import align, by_place, moved, name_of
from .plain import text_of
from .words import bare, dotted, short, shortened, unit, with_unit

Path = tuple[str | int, ...]

_ABSENT = object()
_KINDS = ("removed", "moved", "changed", "added")
_WHOLE = 1_000_000_000

_MAX_PAIRS = 1_000_000
"""Pairs of items that may be weighed for one comparison, 25 lists of 200; lists beyond it are compared place by place.

A manifest has four lists of objects. Without the bound, 1 MB of lists made for it takes 49 s.
"""


@dataclass(frozen=True)
class Change:
    """One difference between two documents.

    ``pointer`` (RFC 6901) is its place in the newer document, in the older one for what was removed; ``path`` says the
    same for people and ``section`` is the first key. ``kind`` is ``added``, ``removed``, ``changed`` or ``moved``;
    ``before`` and ``after`` are the values (None where there is none), for ``moved`` the two places in the list,
    counted from 0. ``item`` is what a person calls the list item that the change is in ("espresso cup", "key"), if any.
    """

    pointer: str
    path: str
    section: str
    kind: str
    before: Any
    after: Any
    item: str = ""

    def __str__(self) -> str:
        return self.line(_WHOLE)

    def line(self, limit: int) -> str:
        """The change in one line, its values cut to about ``limit`` characters around what differs."""
        key = self.key
        if self.kind == "moved":
            return f"{self.path} moved from [{self.before}] to [{self.after}]"
        if self.kind == "added":
            return f"{self.path} added: {short(with_unit(key, self.after), limit)}"
        if self.kind == "removed":
            return f"{self.path} removed: {short(with_unit(key, self.before), limit)}"
        before, after = shortened(bare(self.before), bare(self.after), limit)
        if unit(key, self.before) != unit(key, self.after):
            before += unit(key, self.before)
        return f"{self.path} {before} → {after}{unit(key, self.after)}"

    @property
    def key(self) -> str:
        """The key that the values stand under; it names their unit."""
        return self.path.rsplit(".", 1)[-1]

    def as_data(self) -> dict[str, Any]:
        """The change as JSON data; a value that is not there is left out."""
        missing = {"added": "before", "removed": "after"}.get(self.kind)
        names = ("pointer", "path", "section", "kind", "before", "after", "item")
        return {name: getattr(self, name) for name in names if name != missing}


def changes_between(before: dict[str, Any], after: dict[str, Any], sections: Sequence[str]) -> tuple[Change, ...]:
    """All changes between two plain documents: by section as ``sections`` orders them, then by path.

    An object or a list of objects that is in one document only counts as its fields or items; an item of a list is one
    change. Lists of plain values (a position, a palette) are one value.
    """
    order = {section: index for index, section in enumerate(sections)}

    def rank(found: tuple[Path, Change]) -> tuple[Any, ...]:
        path, change = found
        parts = tuple((0, part, "") if isinstance(part, int) else (1, 0, part) for part in path)
        return order.get(change.section, len(order)), parts, _KINDS.index(change.kind)

    return tuple(change for _, change in sorted(_Walk().values(before, after, (), ""), key=rank))


class _Walk:
    """One walk through two documents side by side."""

    def __init__(self) -> None:
        self.pairs_left = _MAX_PAIRS

    def values(self, before: Any, after: Any, path: Path, item: str) -> Iterator[tuple[Path, Change]]:
        """The changes between two values at a path; one of them may be absent."""
        there = [value for value in (before, after) if value is not _ABSENT]
        if all(isinstance(value, dict) for value in there) and (len(there) == 2 or there[0]):
            one, other = ({} if value is _ABSENT else value for value in (before, after))
            for key in one.keys() | other.keys():
                yield from self.values(one.get(key, _ABSENT), other.get(key, _ABSENT), (*path, key), item)
        elif all(isinstance(value, list) for value in there) and any(_of_items(value) for value in there):
            yield from self.items(*([] if value is _ABSENT else value for value in (before, after)), path)
        elif before is _ABSENT:
            yield _change(path, "added", None, after, item)
        elif after is _ABSENT:
            yield _change(path, "removed", before, None, item)
        elif text_of(before) != text_of(after):
            yield _change(path, "changed", before, after, item)

    def items(self, before: list[Any], after: list[Any], path: Path) -> Iterator[tuple[Path, Change]]:
        """The changes between two lists of objects: items removed, added, moved, and changed inside."""
        if text_of(before) == text_of(after):
            return
        self.pairs_left -= len(before) * len(after)
        pairs = align(before, after) if self.pairs_left >= 0 else by_place(before, after)
        out_of_order = moved(pairs)
        for i, j in pairs:
            name = name_of(after[j])
            if j in out_of_order:
                yield _change((*path, j), "moved", i, j, name)
            yield from self.values(before[i], after[j], (*path, j), name)
        kept, known = {i for i, _ in pairs}, {j for _, j in pairs}
        for i, value in enumerate(before):
            if i not in kept:
                yield _change((*path, i), "removed", value, None, name_of(value))
        for j, value in enumerate(after):
            if j not in known:
                yield _change((*path, j), "added", None, value, name_of(value))


def _of_items(value: list[Any]) -> bool:
    return any(isinstance(item, (dict, list)) for item in value)


def _change(path: Path, kind: str, before: Any, after: Any, item: str) -> tuple[Path, Change]:
    return path, Change(pointer(path), dotted(path), str(path[0]), kind, before, after, item)
