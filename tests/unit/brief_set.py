"""The labelled briefs of tests/data/briefs, and the score of a reader on them.

A value counts as found when it equals the expected one: numbers within 0.5 %, texts without regard to case, articles
and blanks, lists item by item, whatever their order. An expected value that is missing is a false negative, a found
one that nobody expects a false positive, a wrong one is both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent.parent / "data" / "briefs"
ENGLISH = ("en_dev", "en_held_out", "en_letters_dev", "en_letters_held_out", "en_fresh")
LANGUAGES = ("es", "fr", "de", "it", "pt", "ja", "zh")

NUMBERS = (
    *("focal_length_mm", "aperture", "focus_distance_m", "distance_m", "elevation_deg", "azimuth_deg", "roll_deg"),
    *("iso", "exposure_time_s", "key_azimuth_deg", "key_elevation_deg", "color_temperature_k", "fill_intensity"),
    *("rim_azimuth_deg", "megapixels", "cfg"),
)
WHOLE_NUMBERS = ("count", "images", "seed", "steps")
KEYS = ("lens_preset", "sensor", "setup", "time_of_day", "key_type", "style")
TEXTS = ("color", "material", "location", "clothing", "medium", "aspect_ratio")
JOINED = ("background", "grade")
"""Texts that may hold several things, joined with commas; each counts for itself."""
LISTS = ("shot", "roles", "subjects", "palette", "mood", "text", "negative")
PAIRS = ("size",)
MEASURES = ("size_m",)
FIELDS = (*NUMBERS, *WHOLE_NUMBERS, *KEYS, *TEXTS, *JOINED, *LISTS, *PAIRS, *MEASURES)

PHOTOGRAPHIC = frozenset(FIELDS) - {
    *("subjects", "count", "size_m", "color", "material", "location", "clothing", "background"),
    *("palette", "mood", "style", "text", "negative"),
}
"""What is expected of briefs in other languages than English; the rest of them is not scored."""

TOLERANCE = 0.005
_ARTICLES = {"a", "an", "the"}

Read = Callable[[str], Iterable[tuple[str, Any]]]
Atom = tuple[Any, ...]


class Counts(NamedTuple):
    """How often a field was right, found wrongly, and missed."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0

    @property
    def precision(self) -> float:
        found = self.true_positive + self.false_positive
        return self.true_positive / found if found else 1.0

    @property
    def recall(self) -> float:
        expected = self.true_positive + self.false_negative
        return self.true_positive / expected if expected else 1.0


class Difference(NamedTuple):
    """One field of one brief where reader and label disagree: what only the label has, what only the reader has."""

    brief: str
    field: str
    missed: tuple[Any, ...]
    extra: tuple[Any, ...]


def load(name: str) -> list[dict[str, Any]]:
    """The briefs of ``tests/data/briefs/<name>.json``: each with ``brief``, ``awkward`` and ``expect``."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def fields_of(name: str) -> frozenset[str]:
    """The fields that the briefs of a file are labelled with."""
    return frozenset(FIELDS) if name in ENGLISH else PHOTOGRAPHIC


def read_by_rules(text: str) -> list[tuple[str, Any]]:
    """What the rules find, as (field, value)."""
    from studioflow.translate.brief import read_brief

    return [(found.field, found.value) for found in read_brief(text).found]


def score(
    briefs: list[dict[str, Any]], read: Read = read_by_rules, fields: Iterable[str] = FIELDS
) -> dict[str, Counts]:
    """The counts of every field. Fields beside ``fields`` are left out; one that nobody knows is counted."""
    counts = dict.fromkeys((name for name in FIELDS if name in fields), Counts())
    for field, right, missed, extra in _compared(briefs, read, frozenset(fields)):
        before = counts.get(field, Counts())
        counts[field] = Counts(before[0] + len(right), before[1] + len(extra), before[2] + len(missed))
    return counts


def differences(
    briefs: list[dict[str, Any]], read: Read = read_by_rules, fields: Iterable[str] = FIELDS
) -> list[Difference]:
    """Where reader and labels disagree."""
    wanted = frozenset(fields)
    return [
        Difference(entry["brief"], field, tuple(missed), tuple(extra))
        for entry in briefs
        for field, _, missed, extra in _compared([entry], read, wanted)
        if missed or extra
    ]


def table(sets: dict[str, dict[str, Counts]]) -> str:
    """A line a field; for each set of briefs how many values are expected, precision and recall."""
    lines = [
        f"{'':<20}" + "".join(f"{name:>20}" for name in sets),
        f"{'field':<20}" + f"{'values':>8}{'prec':>6}{'rec':>6}" * len(sets),
    ]
    totals = {name: {"all": total(counts)} for name, counts in sets.items()}
    for field in (*FIELDS, *sorted({field for counts in sets.values() for field in counts} - {*FIELDS}), "all"):
        columns = [sets[name].get(field) or totals[name].get(field, Counts()) for name in sets]
        if any(map(any, columns)):
            lines.append(f"{field:<20}" + "".join(map(_column, columns)))
    return "\n".join(lines)


def _column(one: Counts) -> str:
    if not any(one):
        return f"{'-':>8}{'':>12}"
    return f"{one.true_positive + one.false_negative:>8}{one.precision:>6.2f}{one.recall:>6.2f}"


def total(counts: dict[str, Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*counts.values(), strict=True)))


def _compared(
    briefs: list[dict[str, Any]], read: Read, fields: frozenset[str]
) -> Iterator[tuple[str, list[Atom], list[Atom], list[Atom]]]:
    """For every brief and field that is expected or found: the field, what is right, missed and extra."""
    for entry in briefs:
        found: dict[str, list[Atom]] = {}
        for field, value in read(entry["brief"]):
            found.setdefault(field, []).extend(_atoms(field, value))
        expected = {field: _atoms(field, value) for field, value in entry["expect"].items()}
        for field in sorted({*expected, *found}):
            if field in fields or field not in FIELDS:
                yield field, *_matched(expected.get(field, []), found.get(field, []))


def _matched(expected: list[Atom], found: list[Atom]) -> tuple[list[Atom], list[Atom], list[Atom]]:
    right, missed, extra = [], [], list(found)
    for atom in expected:
        at = next((index for index, other in enumerate(extra) if _same(atom, other)), None)
        if at is None:
            missed.append(atom)
        else:
            right.append(extra.pop(at))
    return right, missed, extra


def _atoms(field: str, value: Any) -> list[Atom]:
    """A value as the things that count one by one."""
    if field in MEASURES and isinstance(value, dict):
        return [(key, number) for key, number in value.items()]
    if field in JOINED and isinstance(value, str):
        value = value.split(", ")
    if field in LISTS or field in JOINED:
        return [(_plain(item),) for item in (value if isinstance(value, list) else [value])]
    if isinstance(value, list):
        return [tuple(value)]
    return [(_plain(value),)]


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return " ".join(word for word in value.casefold().split() if word not in _ARTICLES)


def _same(one: Atom, other: Atom) -> bool:
    return len(one) == len(other) and all(map(_equal, one, other))


def _equal(one: Any, other: Any) -> bool:
    if _is_number(one) and _is_number(other):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-9)
    return type(one) is type(other) and one == other


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
