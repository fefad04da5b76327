"""Quoted texts of a brief: what is to be read in the picture."""

from __future__ import annotations

from .reading import Reading

_QUOTES = {
    '"': '"',
    "\u201c": "\u201d",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
    "\u201e": "\u201c\u201d",
    "\u300c": "\u300d",
}
_QUOTES |= {"\u300e": "\u300f", "'": "'"}
_MOST_QUOTED = 200
"""Characters of a quoted text; a quotation mark whose partner is farther away is a mark by itself."""
_MOST_TEXTS = 50


def read_quotes(reading: Reading) -> None:
    """Adds the texts that stand between quotation marks, and claims the words."""
    tokens, text = reading.tokens, reading.text
    texts: list[str] = []
    places: list[tuple[int, int]] = []
    index = 0
    closing = _closing(reading)
    while index < len(tokens):
        mark = reading.words[index] if tokens[index].kind == "mark" else ""
        end = closing.get(index) if mark in _QUOTES and not reading.owner[index] else None
        if end is None or tokens[end].start - tokens[index].end > _MOST_QUOTED:
            index += 1
            continue
        inside = text[tokens[index].end : tokens[end].start].strip()
        if inside and any(map(str.isalnum, inside)) and len(texts) < _MOST_TEXTS:
            reading.claim(index, end + 1, "text")
            if inside not in texts:
                texts.append(inside)
            places.append((index, end + 1))
        index = end + 1
    if texts:
        reading.add("text", texts, places)


def _closing(reading: Reading) -> dict[int, int]:
    """Opening mark -> the mark that closes it."""
    tokens, pairs = reading.tokens, {}
    open_at: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token.kind != "mark":
            continue
        mark = token.word if token.word in _QUOTES else reading.text[token.start]
        opener = next((begin for begin, at in open_at.items() if mark in _QUOTES[begin]), None)
        if opener is not None and (opener != "'" or _is_outer(reading, index, closing=True)):
            pairs[open_at.pop(opener)] = index
        elif mark in _QUOTES and mark not in open_at:
            if (mark != "'" or _is_outer(reading, index, closing=False)) and not _is_inches(reading, index):
                open_at = {mark: index} if not open_at else open_at | {mark: index}
    return pairs


def _is_outer(reading: Reading, index: int, *, closing: bool) -> bool:
    """Whether an apostrophe is a quotation mark: nothing but a space or a mark on its outer side."""
    token, text = reading.tokens[index], reading.text
    beside = text[token.end : token.end + 1] if closing else text[max(0, token.start - 1) : token.start]
    inner = text[max(0, token.start - 1) : token.start] if closing else text[token.end : token.end + 1]
    return not beside.isalnum() and not inner.isspace()


def _is_inches(reading: Reading, index: int) -> bool:
    return index > 0 and reading.tokens[index - 1].kind == "number" and reading.tokens[index].glued
