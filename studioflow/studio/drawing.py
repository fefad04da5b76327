"""What the drawings share: SVG elements as text, and how much room text takes."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from ..resources import table

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LINE_HEIGHT = 1.32
"""Of lines of text, as a part of the font size."""


class Box(NamedTuple):
    """A rectangle on the page, in its units; y grows downwards."""

    x: float
    y: float
    width: float
    height: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share an area; touching edges do not."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def color(name: str) -> str:
    """A colour of drawing.json as ``#RRGGBB``."""
    found: str = table("studio/drawing.json")["colors"][name]
    return found


def element(name: str, *inside: str, **attributes: object) -> str:
    """An SVG element; ``stroke_width=2`` becomes ``stroke-width="2"``, and what is None is left out."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    head = "".join(f" {key}={quoteattr(_said(value))}" for key, value in given.items())
    return f"<{name}{head}>{''.join(inside)}</{name}>" if inside else f"<{name}{head}/>"


def text(x: float, y: float, words: str, size: float, fill: str, *, bold: bool = False, anchor: str = "start") -> str:
    """A line of text with its baseline at y. Bold is the regular face with an outline: it is as wide in every font."""
    outline = {"stroke": fill, "stroke_width": size * 0.035, "stroke_linejoin": "round"} if bold else {}
    return element("text", plain(words), x=x, y=y, font_size=size, fill=fill, text_anchor=anchor, **outline)


def plain(words: str) -> str:
    """Text as XML has it: escaped, and without the control characters that XML does not know."""
    return escape(_NO_XML.sub("", words))


def path(points: Sequence[tuple[float, float]], *, closed: bool = False) -> str:
    """Path data of straight lines through these points."""
    steps = " L ".join(f"{_said(float(x))} {_said(float(y))}" for x, y in points)
    return f"M {steps}" + (" Z" if closed else "")


def text_width(words: str, size: float) -> float:
    """How far a line of text reaches, in the units of its size; an upper bound for the fonts of drawing.json."""
    widths, others = _widths()
    return sum(widths.get(sign, others) for sign in words) * size / 1000.0


def wrapped(words: str, size: float, width: float, lines: int) -> list[str]:
    """The text in at most so many lines that fit the width; what does not fit is cut, with three dots."""
    rows: list[str] = []
    for word in _NO_XML.sub("", words).split():
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and text_width(longer, size) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    kept = [_cut(row, size, width) for row in rows[:lines]]
    if len(rows) > lines:
        kept[-1] = _cut(kept[-1] + "...", size, width)
    return kept


def document(width: float, height: float, title: str, description: str, parts: Iterable[str]) -> str:
    """A whole SVG on white paper, with a title and a description for people who do not see it."""
    return element(
        "svg",
        element("title", plain(title), id="title"),
        element("desc", plain(description), id="desc"),
        element("rect", width=width, height=height, fill=color("paper")),
        element("g", *parts, font_family=table("studio/drawing.json")["font"]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_said(width)} {_said(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby="title desc",
    )


def _cut(row: str, size: float, width: float) -> str:
    if text_width(row, size) <= width:
        return row
    kept = row.removesuffix("...")
    while kept and text_width(kept + "...", size) > width:
        kept = kept[:-1]
    return kept.rstrip() + "..."


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{round(value, 2) + 0.0:g}" if abs(value) < 1e4 else f"{value:.0f}"
    return str(value)


@functools.cache
def _widths() -> tuple[dict[str, int], int]:
    rows = table("studio/drawing.json")
    return {sign: width for signs, width in rows["widths"].items() for sign in signs}, rows["width_of_others"]
