"""How much of what FIBO reads a shot says, as a score, and what to add next; costs no GPU time.

The weights and their reasons stand in completeness.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..caption import body, clean, compile_manifest
from ..resources import table
from .compare.words import bare

Row = dict[str, Any]

_DIALECT = "fibo-2"
"""Both dialects read the same fields; this one keeps the envelope of an edit."""


@dataclass(frozen=True)
class Gap:
    """A caption field that nothing fills, the points it would add, and what to fill in, with an example."""

    field: str
    weight: float
    add: str

    def __str__(self) -> str:
        return f"+{self.weight:.1f} {self.field}: {self.add}"


@dataclass(frozen=True)
class Completeness:
    """``score`` of 100 points, the caption fields that are ``filled``, and the ``gaps``, most valuable first."""

    score: int
    filled: tuple[str, ...]
    gaps: tuple[Gap, ...]

    def text(self, most: int = 6) -> str:
        """The score and at most ``most`` things to add next, for people."""
        if not self.gaps:
            return f"{self.score} of 100: everything that FIBO reads is said"
        shown = [f"  {gap}" for gap in self.gaps[: max(most, 0)]]
        more = len(self.gaps) - len(shown)
        rest = [f"  and {more} more"] if shown and more else []
        return "\n".join([f"{self.score} of 100" + ("; to add next:" if shown else ""), *shown, *rest])


@dataclass(frozen=True)
class _Field:
    """A caption field that counts, with its row of the table."""

    name: str
    points: Fraction
    filled: bool
    row: Row
    index: int = 0


def completeness(manifest: dict[str, Any]) -> Completeness:
    """How completely the caption of a validated manifest is filled.

    A text that is blank, and anything of another type than FIBO reads there, is not filled. Raises StudioFlowError
    where the manifest cannot be compiled.
    """
    fields = compile_manifest(manifest, _DIALECT).fields
    caption = body(fields)
    enveloped = caption is not fields
    counted = list(_counted(caption))
    points = sum(field.points for field in counted if field.filled)
    open_fields = sorted((field for field in counted if not field.filled and field.points), key=lambda f: -f.points)
    # Only what is complete may be called 100.
    score = min(round(points), 99) if open_fields else 100
    return Completeness(
        score=score,
        filled=tuple(field.name for field in counted if field.filled),
        gaps=tuple(
            Gap(field.name, round(float(field.points), 2), _advice(field, manifest, enveloped)) for field in open_fields
        ),
    )


def _counted(fields: dict[str, Any]) -> Iterator[_Field]:
    weights = table("review/completeness.json")
    for name, row in weights["fields"].items():
        value: Any = fields
        for key in name.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        yield _Field(name, Fraction(row["weight"]), _says(value), row)
        if name == "short_description":
            # Where FIBO has them, so that filled reads in its order.
            yield from _objects(fields.get("objects"), weights)


def _objects(objects: Any, weights: dict[str, Any]) -> Iterator[_Field]:
    row = weights["objects"]
    items = objects if isinstance(objects, list) else []
    # Empty ones never reach FIBO; the others keep their places, which are the subjects' in the manifest.
    present = [(index, item) for index, item in enumerate(items) if clean([item])]
    if not present:
        yield _Field("objects", Fraction(row["weight"]), False, row)
    for index, item in present:
        yield from _object(index, item, Fraction(row["weight"], len(present)), weights)


def _object(index: int, item: Any, share: Fraction, weights: dict[str, Any]) -> Iterator[_Field]:
    description = item.get("description") if isinstance(item, dict) else None
    rows = weights["object_fields"]
    if _says(description) and _is_person(description, weights["people"]):
        rows = rows | weights["person_fields"]
    each = share / sum(row["weight"] for row in rows.values())
    if not _says(description):
        # What nobody has named cannot be drawn, however much is said about its colour: naming it gives all of that.
        said = [name for name in rows if isinstance(item, dict) and _says(item.get(name))]
        points = each * sum(rows[name]["weight"] for name in ("description", *said))
        yield _Field(f"objects[{index}].description", points, False, rows["description"], index)
        return
    for name, row in rows.items():
        yield _Field(f"objects[{index}].{name}", each * row["weight"], _says(item.get(name)), row, index)


def _is_person(description: str, people: list[str]) -> bool:
    # "man-made" and "woman's watch" are words of their own.
    return not set(re.findall(r"[\w'’-]+", description.casefold())).isdisjoint(people)


def _says(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _advice(field: _Field, manifest: dict[str, Any], enveloped: bool) -> str:
    """What to fill: the manifest's own section, or the raw caption where that decides the field."""
    place, example = field.row["fill"].format(i=field.index), field.row["example"]
    if enveloped or _raw_decides(field.name, manifest.get("caption", {})):
        place = f"caption.{'structured_caption.' if enveloped else ''}{field.name}"
        example = field.row.get("words", example)
    return f"{place}, for example {' and '.join(map(bare, example if isinstance(example, list) else [example]))}"


def _raw_decides(name: str, raw: dict[str, Any]) -> bool:
    """Whether a raw caption field hides what a section of the manifest would say."""
    section, _, inner = re.sub(r"\[.*", "", name).partition(".")
    if section not in raw:
        return False
    return not inner or not isinstance(raw[section], dict) or inner in raw[section]
