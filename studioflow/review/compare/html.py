"""A comparison as one HTML document that can be sent to a client: no script, nothing loaded, light and dark."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .words import bare, unit, visible

if TYPE_CHECKING:
    from .compare import Change, Comparison

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_WORD = re.compile(r"(?:\w+|[^\w\s])\s*|\s+")
_MARKS = ("del", "ins")

_MAX_CHARACTERS = 10_000
_MAX_SENTENCE = 400
_MARKING_WORK = 2_000_000
"""Characters and words of one sentence, and pairs of words of all, that may be compared; beyond it are no marks."""

_TOO_DIFFERENT = 0.25
"""With less than this share of words in common, marks are harder to read than two plain sentences."""

_STYLE = """
:root { color-scheme: light dark; --paper: #f6f5f2; --sheet: #fff; --ink: #1d1c1a; --soft: #6d6a64; --line: #e4e1da;
  --gone: #9b2c1f; --gone-paper: #fbe9e5; --come: #17663a; --come-paper: #e2f3e7; }
@media (prefers-color-scheme: dark) { :root { --paper: #161514; --sheet: #1f1e1c; --ink: #ebe8e2; --soft: #a19c93;
  --line: #35332f; --gone: #ff9d8d; --gone-paper: #4a211b; --come: #7fdca2; --come-paper: #17402a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 3rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 68rem; margin: 0 auto; }
h1 { margin: 0; font-size: 1.75rem; font-weight: 600; line-height: 1.2; letter-spacing: -0.015em;
  overflow-wrap: anywhere; }
header p { margin: 0.5rem 0 0; color: var(--soft); }
section { margin-top: 2rem; padding: 1.25rem 1.5rem 0.5rem; background: var(--sheet); border: 1px solid var(--line);
  border-radius: 10px; }
h2 { display: flex; gap: 0.75rem; align-items: baseline; margin: 0 0 0.5rem; font-size: 1.0625rem; font-weight: 600;
  overflow-wrap: anywhere; }
h2 .count { color: var(--soft); font-size: 0.8125rem; font-weight: 400; white-space: nowrap; }
section p { margin: 0 0 0.75rem; color: var(--soft); white-space: pre-wrap; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
col.field { width: 30%; }
thead th { padding: 0 1rem 0.375rem 0; color: var(--soft); font-size: 0.75rem; font-weight: 500; text-align: left; }
tbody th, td { padding: 0.75rem 1rem 0.75rem 0; border-top: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: anywhere; white-space: pre-wrap; }
tbody th { font-weight: 400; }
.path { font: 0.8125rem/1.6 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.item { display: block; color: var(--soft); font-size: 0.8125rem; }
.kind { display: inline-block; margin: 0.125rem 0.5rem 0 0; padding: 0 0.5rem; border-radius: 1rem;
  font-size: 0.75rem; }
.kind.added { color: var(--come); background: var(--come-paper); }
.kind.removed { color: var(--gone); background: var(--gone-paper); }
.kind.moved { color: var(--soft); background: var(--line); }
.none { color: var(--soft); font-style: italic; }
.number { font-variant-numeric: tabular-nums; }
del { color: var(--gone); background: var(--gone-paper); text-decoration-thickness: 1px; border-radius: 3px; }
ins { color: var(--come); background: var(--come-paper); text-decoration: none; border-radius: 3px;
  box-shadow: inset 0 -1px var(--come); }
.color { display: inline-block; margin-right: 0.75rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.swatch { display: inline-block; width: 1rem; height: 1rem; margin-right: 0.375rem; vertical-align: -0.125rem;
  border: 1px solid var(--line); border-radius: 4px; }
dl { margin: 0; white-space: normal; }
dt { color: var(--soft); font-size: 0.8125rem; }
dd { margin: 0 0 0.375rem; white-space: pre-wrap; }
dd dl, dd ul { padding-left: 0.75rem; border-left: 2px solid var(--line); }
ul { margin: 0; padding: 0; list-style: none; white-space: normal; }
@media (max-width: 40rem) {
  body { padding: 1.5rem 0.75rem 3rem; }
  section { padding: 1rem 1rem 0.25rem; }
  thead { display: none; }
  table, tbody { display: block; }
  colgroup { display: none; }
  tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); border-top: 1px solid var(--line); }
  tbody th { grid-column: 1 / -1; padding: 0.625rem 0 0; border: 0; }
  td { padding: 0.25rem 0.75rem 0.75rem 0; border: 0; }
  td::before { content: attr(data-side); display: block; color: var(--soft); font-size: 0.75rem; }
}
@media print { body { padding: 0; background: none; } section { border: 0; padding: 0; }
  tr { break-inside: avoid; } del, ins, .swatch, .kind { print-color-adjust: exact; } }
"""


def page(comparison: Comparison, title: str) -> str:
    """The whole document as text; write it as UTF-8."""
    words = _Words()
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        # Whatever a value could smuggle past the escaping would find nothing allowed.
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title) or 'Comparison'}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<header><h1>{_text(title)}</h1><p>{_text(_summary(comparison))}</p></header>",
        *_cards(comparison, words),
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _summary(comparison: Comparison) -> str:
    if not comparison.changes:
        return "No difference."
    if comparison.same_shot:
        return f"The same shot: only {comparison.differing_sections} differs."
    changes = _count(len(comparison.changes), "change")
    if comparison.caption_fault:
        return f"{changes}."
    fields = _count(len(comparison.caption_changes), "caption field")
    return f"{changes}; {fields} that FIBO reads {'differs' if fields.startswith('1 ') else 'differ'}."


def _cards(comparison: Comparison, words: _Words) -> Iterator[str]:
    for section, group in groupby(comparison.changes, key=lambda change: change.section):
        yield _card(section[:1].upper() + section[1:], "change", tuple(group), words)
    if comparison.same_shot:
        return
    if comparison.caption_changes:
        title = f"What FIBO reads ({comparison.dialect})"
        yield _card(title, "caption field", comparison.caption_changes, words)
    else:
        fault = comparison.caption_fault
        said = f"The captions cannot be compared: {fault}" if fault else "The caption stays the same."
        yield f"<section>\n<h2>What FIBO reads ({_text(comparison.dialect)})</h2>\n<p>{_text(said)}</p>\n</section>"


def _card(title: str, noun: str, changes: Sequence[Change], words: _Words) -> str:
    rows = "\n".join(_row(change, words) for change in changes)
    return (
        f'<section>\n<h2>{_text(title)} <span class="count">{_count(len(changes), noun)}</span></h2>\n'
        '<table>\n<colgroup><col class="field"><col><col></colgroup>\n'
        '<thead><tr><th scope="col">field</th><th scope="col">before</th><th scope="col">after</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table>\n</section>"
    )


def _row(change: Change, words: _Words) -> str:
    before, after = _sides(change, words)
    # Where a narrow column may break a long path.
    path = re.sub(r"([._])(?=\w)", r"\1<wbr>", _text(change.path))
    item = f'<span class="item">{_text(change.item)}</span>' if change.item else ""
    kind = "" if change.kind == "changed" else f'<span class="kind {change.kind}">{change.kind}</span>'
    return (
        f'<tr><th scope="row"><span class="path">{path}</span> {item}{kind}</th>'
        f'<td data-side="before">{before}</td><td data-side="after">{after}</td></tr>'
    )


def _sides(change: Change, words: _Words) -> tuple[str, str]:
    if change.kind == "moved":
        return f"place [{change.before}]", f"place [{change.after}]"
    if change.kind == "added":
        return '<span class="none">not there</span>', _value(change.key, change.after)
    if change.kind == "removed":
        return _value(change.key, change.before), '<span class="none">not there</span>'
    if isinstance(change.before, str) and isinstance(change.after, str):
        marked = words.marked(change.before, change.after)
        if marked:
            return marked
    return _value(change.key, change.before), _value(change.key, change.after)


def _value(key: str, value: Any) -> str:
    """A value whole: colours with a swatch, objects as their fields, a text without quotes."""
    if isinstance(value, str):
        return _color(value) if _COLOR.fullmatch(value) else _text(value) or '<span class="none">empty text</span>'
    if isinstance(value, dict) and value:
        rows = "".join(f"<dt>{_text(name)}</dt><dd>{_value(name, item)}</dd>" for name, item in value.items())
        return f"<dl>{rows}</dl>"
    if isinstance(value, list) and any(isinstance(item, (dict, list, str)) for item in value):
        if all(isinstance(item, str) and _COLOR.fullmatch(item) for item in value):
            return "".join(map(_color, value))
        return "<ul>" + "".join(f"<li>{_value('', item)}</li>" for item in value) + "</ul>"
    number = ", ".join(map(bare, value)) if isinstance(value, list) and value else bare(value)
    return f'<span class="number">{_text(number + unit(key, value))}</span>'


def _color(value: str) -> str:
    return f'<span class="color"><span class="swatch" style="background:{value}"></span>{value}</span>'


class _Words:
    """Marks the words that differ between two sentences, as long as the document's share of work lasts."""

    def __init__(self) -> None:
        self.left = _MARKING_WORK

    def marked(self, before: str, after: str) -> tuple[str, str] | None:
        """Both sentences with <del> and <ins>; None where marks would not help or cost too much."""
        if max(len(before), len(after)) > _MAX_CHARACTERS:
            return None
        one, other = _WORD.findall(before), _WORD.findall(after)
        work = len(one) * len(other)
        if not (3 <= min(len(one), len(other)) and max(len(one), len(other)) <= _MAX_SENTENCE) or work > self.left:
            return None
        self.left -= work
        keys = [word.strip() for word in one], [word.strip() for word in other]
        blocks = difflib.SequenceMatcher(None, *keys, autojunk=False).get_opcodes()
        same = sum(len(word) for tag, i, k, _, _ in blocks if tag == "equal" for word in one[i:k])
        if same < _TOO_DIFFERENT * max(len(before), len(after)):
            return None
        sides = ["", ""]
        for tag, i, k, j, m in blocks:
            for side, pieces in enumerate((one[i:k], other[j:m])):
                sides[side] += _text("".join(pieces)) if tag == "equal" else _mark(_MARKS[side], "".join(pieces))
        return sides[0], sides[1]


def _mark(tag: str, words: str) -> str:
    """The words marked, the space around them not."""
    core = words.strip()
    if not core:
        return _text(words)
    lead, _, rest = words.partition(core)
    return f"{_text(lead)}<{tag}>{_text(core)}</{tag}>{_text(rest)}"


def _text(text: str) -> str:
    return escape(visible(text, keep="\n\t"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
