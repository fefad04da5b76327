"""A brief cut into words, numbers and marks, each with its place in the text."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

from ..resources import table

_CHARACTERS = r"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9d"
"""Characters that are words by themselves: kana, also of half width, and Chinese ones."""
ELIDED = ("l", "d", "un", "qu", "jusqu", "lorsqu", "all", "dall", "dell", "nell", "sull", "coll", "quell")
"""French and Italian words that lose their end to an apostrophe; with it they are words by themselves."""
_TOKEN = re.compile(
    rf"""
    (?P<hex>\#[0-9A-Fa-f]{{6}}(?![0-9A-Za-z]))
    | (?P<number>\d+(?:[.\uff0e]\d+|,\d{{1,3}}(?![\d/:]|\ ?mm))?)
    | (?P<character>[{_CHARACTERS}][\u3099\u309a\uff9e\uff9f]?)
    | (?P<elision>(?i:{"|".join(ELIDED)})['\u2019](?=[^\W\d_]))
    | (?P<word>[^\W\d_{_CHARACTERS}]
        (?:[^\W\d_{_CHARACTERS}]|[\u0300-\u036f]|['\u2019](?=[^\W\d_]))*)
    | (?P<line>\n)
    | (?P<mark>\S)
    """,
    re.VERBOSE,
)
_BREAKS = frozenset("-,;.!?:|/()[]{}\u3001\u3002\uff0c\uff1b\uff1a\u2022\u00b7\u2013\u2014*=<>\\")
_HYPHENS = frozenset("-\u2010\u2011")
_FULL_LINE = 40
_LEADS_ON = frozenset(
    "a an the of on in at with and or from to for by our my her his its their is are as into over".split()
)
_SPELT_OUT = {
    "œ": "oe",
    "æ": "ae",
    "ø": "o",
    "ƒ": "f",
}


class Token(NamedTuple):
    """A piece of a brief: its place, what it is, and how it is compared.

    ``kind`` is word, number, hex, mark or line. ``word`` is folded: lower case, without accents, American; hyphens
    between words are no tokens. ``glued`` says that nothing stands between it and the token before.
    """

    start: int
    end: int
    kind: str
    word: str
    glued: bool


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, in order; a Japanese or Chinese character is a word by itself, an elided article too."""
    found: list[Token] = []
    before = -1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "mark"
        start, end = match.span()
        piece = match[0]
        if (kind == "mark" and piece in _HYPHENS and _joins(text, start)) or (kind == "line" and _wraps(text, start)):
            continue
        if kind == "number":
            word = piece if piece.isascii() else _digits(piece)
        elif kind in ("hex", "line"):
            word = piece
        else:
            kind, word = "mark" if kind == "mark" else "word", folded(piece)
        found.append(Token(start, end, kind, word, start == before))
        before = end
    return found


def words_of(text: str) -> list[str]:
    """The folded words, numbers and marks of a phrase, as they are compared."""
    return [token.word for token in tokens_of(text)]


def is_break(token: Token) -> bool:
    """Whether a token ends a clause."""
    return token.kind == "line" or (token.kind == "mark" and token.word in _BREAKS)


@functools.lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """A word as it is compared: lower case, Latin letters without accents, full-width forms as usual, American."""
    plain = word.casefold() if word.isascii() else _plain(word)
    return _spelling().get(plain, plain)


def _digits(number: str) -> str:
    """A number of another script in ASCII: digits count whatever they look like."""
    return "".join(
        str(unicodedata.digit(char)) if char.isdigit() else "." if char == "\uff0e" else char for char in number
    )


def _plain(word: str) -> str:
    plain = unicodedata.normalize("NFKC", word.replace("\u2019", "'")).casefold()
    for letter, letters in _SPELT_OUT.items():
        plain = plain.replace(letter, letters)
    if "\u3040" <= plain[:1] <= "\u9fff":
        return plain
    apart = unicodedata.normalize("NFD", plain)
    return "".join(char for char in apart if not "\u0300" <= char <= "\u036f") or plain


def _wraps(text: str, at: int) -> bool:
    """Whether a line only ends because it is full: a long one, with a word beside its end that leads on."""
    words = text[max(0, at - _FULL_LINE) : at].split(" ")
    after = text[at + 1 : at + 1 + _FULL_LINE].split(" ")
    full = len(words) > 1 and "\n" not in text[max(0, at - _FULL_LINE) : at] and at >= _FULL_LINE
    return full and (words[-1] in _LEADS_ON or after[0] in _LEADS_ON)


def _joins(text: str, at: int) -> bool:
    """Whether a hyphen stands within a word, or between a number and a word."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit())


@functools.cache
def _spelling() -> dict[str, str]:
    rows = table("translate/terms/en.json")["spelling"]
    return {british: american for american, forms in rows.items() for british in forms}
