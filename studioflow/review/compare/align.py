"""Which item of one list is which item of another, so that one inserted subject is not a change of all behind it."""

from __future__ import annotations

import difflib
from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .plain import text_of

MAX_ALIGNED = 200
"""Longer lists are compared place by place. The schema allows 200 subjects, its longest list of objects."""

_MAX_LIKENESS = 2500
"""Pairs of one list whose likeness is weighed; beyond it only items that carry the same name find each other."""

_ALIKE = 0.5
"""Half of the fields or half of the naming words in common; below, one thing went and another came."""

_NAMING = ("id", "name", "role", "description", "text", "kind", "image", "format")
"""What a person calls an item by, in this order: subjects have a description, lights a role, texts their text."""


def name_of(item: Any) -> str:
    """What a person would call an item of a list; empty where nothing names it."""
    if not isinstance(item, dict):
        return ""
    return next((item[key] for key in _NAMING if isinstance(item.get(key), str) and item[key].strip()), "")


def align(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs of places (in ``before``, in ``after``) that hold the same item, by place in ``after``.

    Equal items first, then the most alike. Each place stands in at most one pair; the others were removed or added.
    """
    if max(len(before), len(after)) > MAX_ALIGNED:
        return by_place(before, after)
    pairs = _equal(before, after)
    left, right = _unpaired(pairs, before, after)
    if len(left) * len(right) <= _MAX_LIKENESS:
        pairs += _alike(before, after, left, right)
    else:
        names = [name_of(before[i]) for i in left], [name_of(after[j]) for j in right]
        pairs += [(left[i], right[j]) for i, j in _in_turn(*names) if names[0][i]]
    return sorted(pairs, key=lambda pair: pair[1])


def by_place(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Pairs as ``align`` gives them where every item is taken for the one at the same place."""
    return [(place, place) for place in range(min(len(before), len(after)))]


def moved(pairs: Sequence[tuple[int, int]]) -> set[int]:
    """The places in ``after`` of the items that changed their order: all but a longest run that kept it.

    ``pairs`` as ``align`` gives them. An item that only made way for an inserted one has not moved; of runs equally
    long the one with most items at their old places counts as kept.
    """
    if all(one[0] < other[0] for one, other in pairwise(pairs)):
        return set()
    best: list[tuple[int, int, int]] = []
    for index, (i, j) in enumerate(pairs):
        before = [(*best[k][:2], k) for k in range(index) if pairs[k][0] < i]
        length, unmoved, previous = max(before, default=(0, 0, -1))
        best.append((length + 1, unmoved + (i == j), previous))
    index = max(range(len(best)), key=lambda index: best[index][:2])
    kept = set()
    while index >= 0:
        kept.add(pairs[index][1])
        index = best[index][2]
    return {j for _, j in pairs} - kept


def _equal(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    one, other = [text_of(item) for item in before], [text_of(item) for item in after]
    blocks = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    pairs = [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]
    left, right = _unpaired(pairs, before, after)
    return pairs + [(left[i], right[j]) for i, j in _in_turn([one[i] for i in left], [other[j] for j in right])]


def _in_turn(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Equal texts of two lists paired, the first with the first."""
    waiting: defaultdict[str, deque[int]] = defaultdict(deque)
    for place, text in enumerate(one):
        waiting[text].append(place)
    return [(waiting[text].popleft(), place) for place, text in enumerate(other) if waiting[text]]


def _alike(
    before: Sequence[Any], after: Sequence[Any], left: Sequence[int], right: Sequence[int]
) -> list[tuple[int, int]]:
    traits = {side: [_traits(item) for item in items] for side, items in (("a", before), ("b", after))}
    scored = sorted(
        (-likeness, abs(i - j), i, j)
        for i in left
        for j in right
        if (likeness := _likeness(traits["a"][i], traits["b"][j], i == j)) >= _ALIKE
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, i, j in scored:
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return list(pairs.items())


def _traits(item: Any) -> tuple[frozenset[tuple[str, str]], frozenset[str]] | None:
    """The fields and the naming words of an object; None for anything else."""
    if not isinstance(item, dict):
        return None
    fields = frozenset((key, text_of(value)) for key, value in item.items())
    return fields, frozenset(name_of(item).casefold().split())


def _likeness(one: Any, other: Any, same_place: bool) -> float:
    """0 (nothing in common) to about 3: an equal name weighs more than any number of equal fields."""
    if one is None or other is None:
        # Nothing but its place tells which number or text of a mixed list is which.
        return 1.0 if one is None and other is None and same_place else 0.0
    (fields, words), (other_fields, other_words) = one, other
    shared = len(fields & other_fields) / max(len(fields), len(other_fields), 1)
    named = len(words & other_words) / max(len(words | other_words), 1)
    return max(shared, named) if named < 1 else 2.0 + shared


def _unpaired(
    pairs: Sequence[tuple[int, int]], before: Sequence[Any], after: Sequence[Any]
) -> tuple[list[int], list[int]]:
    left, right = {i for i, _ in pairs}, {j for _, j in pairs}
    return [i for i in range(len(before)) if i not in left], [j for j in range(len(after)) if j not in right]
