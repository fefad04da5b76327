"""A reader of JSON that forgives what has one meaning only, and says what it forgave.

It reads one object: other quotation marks than straight double ones, commas before a closing bracket, Python's
constants and escapes, raw line breaks, comments, and a missing end, of which whole values stay. All else is an error.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..caption.fields import KEY_ORDER, SECTIONS
from ..errors import ManifestError, Place
from ..manifest.parse import MAX_DEPTH, MAX_DIGITS

_SHOWN = 80
"""Characters of a text that notes and errors quote."""

_CLOSING = {'"': '"', "'": "'", "“": "”", "”": "”", "„": "“”", "‘": "’", "’": "’"}
"""What closes a text, by the mark that opens it."""
_BODIES = {mark: re.compile(rf"[^\\{ends}]*(?:\\.[^\\{ends}]*)*", re.DOTALL) for mark, ends in _CLOSING.items()}
_SPACE = re.compile(r"[ \t\n\r]*")
_COMMENT = re.compile(r"//[^\n\r]*|/\*.*?\*/", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z]+")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_ESCAPE = re.compile(
    r"\\(?:u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|(?:x(?P<x>[0-9a-fA-F]{2})|U(?P<long>00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4}))|(?P<one>.))",
    re.DOTALL,
)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"} | {mark: mark for mark in ("\\", "/", *_CLOSING)}
_CONTROL = re.compile(r"[\x00-\x1f]")
_MIXED = re.compile(r'[“„‘]|"\s*[:,}\]]')
"""In a text that typographic marks delimit: one of them may not be its own, so where the text ends is not certain."""
_SEEMS_CLOSED = re.compile(r"[}\]]\s*(?:(?:```|~~~)\s*)?\Z")
_NESTED = {"aesthetics": ("photographic_characteristics", "style_medium", "artistic_style")}
"""Fields of the whole caption that some captions keep inside a section."""

_CUT = object()
"""Stands for a value that the end of the text broke off."""
_Path = tuple["str | int", ...]


class LooseReader:
    """Reads one object of a text.

    ``cut`` names what the end of the text broke off, None where nothing was, and ``cut_at`` is its path. ``astray``
    is the error for a field of the whole caption inside one of its sections: where brackets are missing at the end,
    one is missing before that.
    """

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.cut: str | None = None
        self.cut_at: _Path = ()
        self.astray: ManifestError | None = None
        self.notes: dict[str, None] = {}

    def object(self, at: int, path: _Path) -> tuple[dict[str, Any], int]:
        """The object that begins at a place, and where it ends. Of one that was cut off, its whole values."""
        self._require_shallow(at, path)
        result: dict[str, Any] = {}
        begun: set[str] = set()
        at = self._after_space(at + 1)
        while not self._ends(at, path) and self.text[at] != "}":
            key_at = at
            key, at = self._name(at, path)
            if key is _CUT:
                break
            if key in begun:
                raise self._wrong(key_at, f'the key "{key[:40]}" stands twice in one object', "remove one of them")
            begun.add(key)
            self._note_astray(key_at, key, path)
            at = self._after_space(at)
            if self._ends(at, (*path, key)):
                break
            if self.text[at] != ":":
                raise self._wrong(at, "a colon is missing behind a name", "write a colon before it")
            value, at = self._value(self._after_space(at + 1), (*path, key))
            if value is not _CUT:
                result[key] = value
            if self.cut is not None:
                break
            at = self._after_item(at, "}", path)
        return result, at if self.cut is not None else at + 1

    def _list(self, at: int, path: _Path) -> tuple[Any, int]:
        """As ``object``; a list that was cut off counts only where its items are objects, each with its own values."""
        self._require_shallow(at, path)
        items: list[Any] = []
        at = self._after_space(at + 1)
        while not self._ends(at, path) and self.text[at] != "]":
            item, at = self._value(at, (*path, len(items)))
            if item is not _CUT:
                items.append(item)
            if self.cut is not None:
                break
            at = self._after_item(at, "]", path)
        if self.cut is None:
            return items, at + 1
        return (items if items and all(isinstance(item, dict) for item in items) else _CUT), at

    def _value(self, at: int, path: _Path) -> tuple[Any, int]:
        if self._ends(at, path):
            return _CUT, at
        mark = self.text[at]
        if mark == "{":
            value, at = self.object(at, path)
            return (value if value or self.cut is None else _CUT), at
        if mark == "[":
            return self._list(at, path)
        if mark in _CLOSING:
            return self._string(at, path)
        if word := _WORD.match(self.text, at):
            return self._word(word[0], at, path)
        if number := _NUMBER.match(self.text, at):
            return self._number(number[0], at, path)
        if mark == "-" and at + 1 == len(self.text):
            self._ends(at + 1, path)
            return _CUT, at
        raise self._wrong(at, "a value is expected here", "write a text in straight double quotes, or a number")

    def _name(self, at: int, path: _Path) -> tuple[Any, int]:
        if self.text[at] not in _CLOSING:
            raise self._wrong(at, "a name is expected here", 'write names in straight double quotes: "…"')
        return self._string(at, path, is_name=True)

    def _string(self, at: int, path: _Path, is_name: bool = False) -> tuple[Any, int]:
        mark = self.text[at]
        body = _BODIES[mark].match(self.text, at + 1)
        end = body.end() if body else at + 1
        if end >= len(self.text) or self.text[end] == "\\":
            if _SEEMS_CLOSED.search(self.text, max(at, len(self.text) - 200)):
                raise self._wrong(at, "a text is not closed", "write the closing quotation mark")
            self._ends(len(self.text), path, behind=is_name)
            return _CUT, len(self.text)
        if mark not in "\"'" and _MIXED.search(self.text, at + 1, end):
            raise self._wrong(at, "where this text ends is not certain", "write straight double quotes around it")
        if mark != '"':
            self._note("names and texts stood in other quotation marks than straight double ones")
        return self._unescaped(at + 1, end), end + 1

    def _unescaped(self, begin: int, end: int) -> str:
        raw = self.text[begin:end]
        for control in _CONTROL.finditer(raw):
            if control[0] not in "\t\n\r":
                found = f"control character U+{ord(control[0]):04X}"
                raise self._wrong(begin + control.start(), "a text holds what no text has", "remove it", found)
            self._note("line breaks or tabs stood unescaped inside a text")
        if "\\" in raw:
            raw = _ESCAPE.sub(lambda escape: self._escaped(escape, begin), raw)
        try:
            raw.encode("utf-8")
        except UnicodeEncodeError as error:
            found = f"lone surrogate U+{ord(raw[error.start]):04X}"
            raise self._wrong(begin, "a text holds half of a character", "retype it", found) from error
        return raw

    def _escaped(self, escape: re.Match[str], begin: int) -> str:
        if escape["high"]:
            high, low = int(escape["high"], 16), int(escape["low"], 16)
            return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        if escape["u"]:
            return chr(int(escape["u"], 16))
        if python := escape["x"] or escape["long"]:
            self._note("escapes were read as Python writes them")
            return chr(int(python, 16))
        if escape["one"] not in _ESCAPED:
            raise self._wrong(begin + escape.start(), "there is no such escape in a text", r"write \\ for a backslash")
        if escape["one"] not in '"\\/bfnrt':
            self._note("a quotation mark inside a text had a backslash that it needs not")
        return _ESCAPED[escape["one"]]

    def _word(self, word: str, at: int, path: _Path) -> tuple[Any, int]:
        end = at + len(word)
        if word in _WORDS:
            if word[0].isupper():
                self._note("None, True and False were read as Python writes them")
            return _WORDS[word], end
        if end == len(self.text) and any(known.startswith(word) for known in _WORDS):
            self._ends(end, path)
            return _CUT, end
        raise self._wrong(at, "a text without quotation marks", 'write texts in straight double quotes: "…"')

    def _number(self, digits: str, at: int, path: _Path) -> tuple[Any, int]:
        end = at + len(digits)
        if end == len(self.text) or (self.text[end] in ".eE+-" and not self.text[end:].strip(".eE+-")):
            # More digits may have followed.
            self._ends(len(self.text), path)
            return _CUT, len(self.text)
        if len(digits) > MAX_DIGITS + 1:
            raise self._wrong(at, "a number nobody can mean", "write a number of fewer digits")
        if digits.removeprefix("-").isdigit():
            return int(digits), end
        number = float(digits)
        if math.isinf(number):
            raise self._wrong(at, "a number is too large", "write a finite number")
        return number, end

    def _after_item(self, at: int, closing: str, path: _Path) -> int:
        """The place of the next item or of the closing bracket."""
        at = self._after_space(at)
        if self._ends(at, path, behind=True) or self.text[at] == closing:
            return at
        if self.text[at] != ",":
            fix = r"write the comma or bracket that is missing before it, or \" where a text has a quotation mark"
            raise self._wrong(at, f"a comma or {closing} is expected here", fix)
        at = self._after_space(at + 1)
        if at < len(self.text) and self.text[at] == closing:
            self._note("commas before a closing bracket were taken out")
        return at

    def _after_space(self, at: int) -> int:
        while True:
            at = _SPACE.match(self.text, at).end()  # type: ignore[union-attr]
            comment = _COMMENT.match(self.text, at) if self.text.startswith(("//", "/*"), at) else None
            if not comment:
                return at
            if comment.end() == len(self.text) and not set(comment[0]).isdisjoint('"}]'):
                raise self._wrong(at, "a comment takes the rest of the answer in", "take the comment out")
            self._note(f"a comment was left out: {shortened(comment[0])}")
            at = comment.end()

    def _ends(self, at: int, path: _Path, behind: bool = False) -> bool:
        """Whether the text ends here, where it should not."""
        if at < len(self.text):
            return False
        if self.cut is None:
            named = ".".join(map(str, path))
            self.cut_at = path
            self.cut = " in ".join(filter(None, ["what followed", named])) if behind or not named else named
        return True

    def _note_astray(self, at: int, key: str, path: _Path) -> None:
        if self.astray is not None or key not in KEY_ORDER or not path:
            return
        inside = path[-1] in SECTIONS or isinstance(path[-1], int)
        if inside and key not in _NESTED.get(str(path[-1]), ()):
            self.astray = self._wrong(at, f'a bracket is missing before "{key}"', f"close {'.'.join(map(str, path))}")

    def _require_shallow(self, at: int, path: _Path) -> None:
        if len(path) > MAX_DEPTH:
            raise self._wrong(at, f"it is nested more than {MAX_DEPTH} levels deep", "correct its brackets")

    def _note(self, text: str) -> None:
        if len(self.notes) < 20:
            self.notes[text] = None

    def _wrong(self, at: int, problem: str, fix: str = "", found: str = "") -> ManifestError:
        return uncertain(self.text, at, self.source, problem, fix, found)


def shortened(text: str) -> str:
    """The beginning of a text in one line, as notes and errors quote it."""
    told = " ".join(text[: 50 * _SHOWN].split())
    return told if len(told) <= _SHOWN else told[: _SHOWN - 1] + "…"


def uncertain(text: str, at: int, source: str, problem: str, fix: str = "", found: str = "") -> ManifestError:
    """The error for a place of an answer that only a guess could mend."""
    line, column = line_and_column(text, at)
    rest = text[at : at + 20].split("\n")[0]
    return ManifestError(
        f"the answer cannot be mended with certainty: {problem}",
        where=Place(source, line=line, column=column),
        found=found or (f'"{rest}"' if rest else "the end of the answer"),
        allowed="a JSON object",
        fix=f"{fix}, or ask again" if fix else "ask again",
    )


def line_and_column(text: str, at: int) -> tuple[int, int]:
    """Line and column of a place in a text, counted from 1."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
