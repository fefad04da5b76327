"""A language model's answer read as JSON, with the slips mended whose meaning is certain.

Certain are: text, fences and a model's thinking around the object, the same object written twice, commas before a
closing bracket, other quotation marks around names and texts, Python's None, True and False, line breaks and tabs
inside texts, comments, and the end of an answer that was cut off: whole values stay and what was broken is named.
Everything else is refused with line and column, because only a guess could mend it: a quotation mark inside a text, a
bracket missing in the middle, two different objects. Takes time in proportion to the text.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..errors import ManifestError
from ..manifest import is_caption
from ..manifest.parse import parse
from .loose_json import LooseReader, line_and_column, shortened, uncertain

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer; a caption has some thousand."""
_MOST_OBJECTS = 20
_BEGIN = re.compile(r"""\{\s*(?:["'“”„‘’}]|//|/\*|\Z)""")
"""How an object begins; prose has braces too."""
_GOES_ON = re.compile(r"\s*[}\],:]")
_THINKING = re.compile(r".*?</think>", re.DOTALL)
_FENCE = re.compile(r"(?:```|~~~)\w*")


class Repaired(NamedTuple):
    """The JSON object of an answer, what was mended in it, whether its end was missing, and the path to that."""

    document: dict[str, Any]
    notes: tuple[str, ...] = ()
    cut_off: bool = False
    cut_at: tuple[str | int, ...] = ()


def repaired(text: str, source: str = "answer", *, mend: bool = True) -> Repaired:
    """The one JSON object in a language model's answer, and what was mended on the way, a sentence each.

    Without ``mend`` only what stands around the object is left out, and the object must be JSON as it is.
    Raises ManifestError with line and column where the text is no JSON and it is not certain what was meant.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_ANSWER:
        raise ManifestError(
            "the answer is too large",
            where=source,
            found=f"{size:,} bytes",
            allowed=f"at most {MAX_ANSWER:,} bytes",
            fix="ask again: a caption has some thousand characters",
        )
    plain, notes = _without_thinking(text.removeprefix("\ufeff"))
    if not plain.strip():
        raise ManifestError(
            "the answer is empty", where=source, found="no text", allowed="a JSON object", fix="ask again"
        )
    try:
        parsed = parse(plain, source)
    except ManifestError as error:
        if not mend:
            raise
        strict = error
    else:
        if parsed.objects == 1 and not _BEGIN.search(parsed.around):
            return Repaired(parsed.document, (*notes, *_around(parsed.around)))
        if not mend:
            raise uncertain(plain, parsed.start, source, "the answer holds more than one object", "keep one of them")
    found = _objects(plain, source)
    if found:
        return _the_one(found, plain, notes, source)
    if "{" in plain:
        raise strict
    raise ManifestError(
        "the answer is text without a JSON object",
        where=source,
        found=shortened(plain),
        allowed="a FIBO caption as JSON",
        fix="ask again, or ask another model",
    )


class _Found(NamedTuple):
    """One object of a text, from ``start`` to ``end``."""

    document: dict[str, Any]
    start: int
    end: int
    notes: tuple[str, ...]
    cut_off: bool
    cut_at: tuple[str | int, ...]


def _without_thinking(text: str) -> tuple[str, tuple[str, ...]]:
    """The text with what a model thought before its answer blanked out, so that places stay what they are."""
    end = None if text.lstrip()[:1] == "{" else _THINKING.match(text)
    if not end:
        return text, ()
    blank = re.sub(r"[^\n]", " ", end[0])
    return blank + text[end.end() :], ("the model's thinking before the answer was left out",)


def _around(text: str) -> list[str]:
    told = shortened(_FENCE.sub("", text))
    return [f"text around the JSON was left out: {told}"] if told else []


def _objects(text: str, source: str) -> list[_Found]:
    """All objects of the text, one behind the other."""
    found: list[_Found] = []
    at = 0
    while begin := _BEGIN.search(text, at):
        reader = LooseReader(text, source)
        document, at = reader.object(begin.start(), ())
        notes = tuple(reader.notes)
        if reader.cut is not None:
            if reader.astray is not None:
                raise reader.astray
            line, column = line_and_column(text, len(text))
            notes += (f"the answer was cut off at line {line}, column {column}: {reader.cut} is missing",)
        if document or not found:
            found.append(_Found(document, begin.start(), at, notes, reader.cut is not None, reader.cut_at))
        if len(found) > _MOST_OBJECTS:
            raise uncertain(text, at, source, f"the answer holds more than {_MOST_OBJECTS} objects", "keep one of them")
        if broken := _GOES_ON.match(text, at):
            raise uncertain(
                text, broken.end() - 1, source, "the object ends before its text does", "correct its brackets"
            )
    return found


def _the_one(found: list[_Found], text: str, notes: tuple[str, ...], source: str) -> Repaired:
    """The object that is meant: of several, the caption, which may stand there twice or begin a second time."""
    meant = [one for one in found if is_caption(one.document)] or found
    first, *others = meant
    if not first.document:
        raise uncertain(text, len(text), source, "it was cut off before anything in it was whole")
    for other in others:
        same = other.document == first.document or (other.cut_off and _begins(other.document, first.document))
        if not same:
            raise uncertain(text, other.start, source, "the answer holds two different objects", "keep one of them")
    if others:
        notes += ("the answer stood there twice and was taken once",)
    outside, at = [], 0
    for one in found:
        outside.append(text[at : one.start])
        at = one.end
    around = " ".join([*outside, text[at:]])
    left_out = ["other JSON objects beside the caption were left out"] if len(meant) < len(found) else []
    return Repaired(first.document, (*notes, *first.notes, *left_out, *_around(around)), first.cut_off, first.cut_at)


def _begins(part: Any, whole: Any) -> bool:
    """Whether a value is the beginning of another one, as what a cut leaves of it is."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _begins(item, whole[key]) for key, item in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_begins, part, whole))
    return bool(part == whole)
