"""The brief's own words for the scene: all but the clauses that are wholly camera, light or render."""

from __future__ import annotations

from ..errors import StudioFlowError
from .reading import Reading

_SEPARATORS = frozenset(",;.!?\n\u3001\u3002\uff0c\uff1b\u2022")
_SCENE = frozenset(
    (
        *("", "apart", "text", "subjects", "background", "clothing", "count", "mood", "style", "grade", "medium"),
        *("location", "time_of_day", "palette", "hex", "size_m", "second"),
    )
)
"""Owners of words that say what is in the picture; all others are said by numbers and names elsewhere."""
_MOST = 4000
_EDGES = " \t\r\n,;:-\u2013\u2014\u2022\u3001\uff0c\uff1b|/*"


def described(reading: Reading, source: str) -> str:
    """The clauses that say anything about the scene, verbatim and in their order; "" where none does.

    Raises StudioFlowError where they are longer than a description may be.
    """
    kept: list[str] = []
    for start, end, last in _clauses(reading):
        if _says_something(reading, start, end):
            close = reading.tokens[last].end if last > end - 1 else reading.tokens[end - 1].end
            kept.append(reading.text[reading.tokens[start].start : close])
    text = " ".join(kept).strip().rstrip(_EDGES).lstrip(_EDGES)
    if len(text) > _MOST:
        raise StudioFlowError(
            "the brief says more about the scene than a description holds",
            where=source,
            found=f"{len(text):,} characters",
            allowed=f"at most {_MOST:,} characters, camera and light not counted",
            fix="keep what the picture must show, and put the rest into meta.notes",
        )
    return text


def _clauses(reading: Reading) -> list[tuple[int, int, int]]:
    """First and last token of each clause, exclusive, and the token of the mark that ends it (else the last)."""
    clauses: list[tuple[int, int, int]] = []
    start = 0
    for index, word in enumerate(reading.words):
        inside = bool(reading.owner[index]) and index > start and reading.owner[index] == reading.owner[index - 1]
        if word in _SEPARATORS and not (inside and reading.owner[index] in ("text", "apart")):
            if index > start:
                clauses.append((start, index, index))
            start = index + 1
    if start < len(reading.words):
        clauses.append((start, len(reading.words), len(reading.words) - 1))
    return clauses


def _says_something(reading: Reading, start: int, end: int) -> bool:
    """Whether a content word of the clause went into no field of camera, light or render."""
    for index in range(start, end):
        if reading.owner[index] not in _SCENE or reading.tokens[index].kind in ("mark", "line"):
            continue
        if reading.owner[index] or not (reading.is_word(index, "stop") or reading.is_word(index, "place")):
            return True
    return False
