"""Where subjects stand: where the manifest says, else beside those that it places; copies spread around the first.

Boxes do not overlap but where the manifest puts them so. Space: right-handed, Y up, metres.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DRAWN_AT_MOST = 200
"""Copies of one subject; more are not told apart and cost time."""
_GAP = 0.25
"""Free space between neighbours in terms of the smaller one's breadth."""
_GOLDEN_RAD = math.pi * (3.0 - math.sqrt(5.0))


class _Box(NamedTuple):
    """A box around a turned subject: the middle of its base, and half its width and depth, and its height."""

    x: float
    y: float
    z: float
    across: float
    deep: float
    height: float

    def meets(self, other: _Box) -> bool:
        return (
            abs(self.x - other.x) < self.across + other.across
            and abs(self.z - other.z) < self.deep + other.deep
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def places_of(
    subjects: Sequence[Mapping[str, Any]], sizes: Sequence[tuple[float, float, float]]
) -> tuple[tuple[NDArray[np.float64], ...], ...]:
    """For each subject the 4 × 4 transforms of its copies, from its own space into the scene; the same every time.

    ``sizes`` are the subjects' (width, height, depth) in metres. A subject without ``position_m`` stands beside the
    first one, which without a place of its own stands at the origin. Of a ``count`` the first copy stands on the
    place, the others are scattered around it, each turned its own way unless the subject says where it faces; at most
    ``DRAWN_AT_MOST``.
    """
    import numpy as np

    firsts = _firsts(subjects, sizes)
    taken, places = list(firsts), []
    for index, (subject, size, first) in enumerate(zip(subjects, sizes, firsts, strict=True)):
        rng = np.random.default_rng(index)
        found = [_transform(first, subject.get("facing_deg", 0.0))]
        step = 1.0
        # What the manifest puts inside another's box (a bean in a room) stays inside it with all its copies.
        free_of = [box for box in taken if box is first or not box.meets(first)]
        for _ in range(min(int(subject.get("count", 1)), DRAWN_AT_MOST) - 1):
            facing = subject.get("facing_deg", float(rng.uniform(0.0, 360.0)))
            box, step = _scattered(_box(size, facing, (first.x, first.y, first.z)), free_of, rng, step)
            taken.append(box)
            free_of.append(box)
            found.append(_transform(box, facing))
        places.append(tuple(found))
    return tuple(places)


def notes_of(subjects: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What the person should know: which subjects are not drawn in full number."""
    return tuple(
        f"{subject['description']}: {DRAWN_AT_MOST} of {subject['count']} drawn"
        for subject in subjects
        if subject.get("count", 1) > DRAWN_AT_MOST
    )


def _firsts(subjects: Sequence[Mapping[str, Any]], sizes: Sequence[tuple[float, float, float]]) -> tuple[_Box, ...]:
    """Where the first copy of each subject stands."""
    found: dict[int, _Box] = {}
    for index, (subject, size) in enumerate(zip(subjects, sizes, strict=True)):
        if "position_m" in subject or index == 0:
            at = subject.get("position_m", (0.0, 0.0, 0.0))
            found[index] = _box(size, subject.get("facing_deg", 0.0), at)
    for index, (subject, size) in enumerate(zip(subjects, sizes, strict=True)):
        if index not in found:
            found[index] = _beside(found[0], _box(size, subject.get("facing_deg", 0.0)), list(found.values()))
    return tuple(found[index] for index in range(len(subjects)))


def _box(size: tuple[float, float, float], facing_deg: float, at: Sequence[float] = (0.0, 0.0, 0.0)) -> _Box:
    width, height, depth = size
    c, s = abs(math.cos(math.radians(facing_deg))), abs(math.sin(math.radians(facing_deg)))
    x, y, z = (float(value) for value in at)
    return _Box(x, y, z, (width * c + depth * s) / 2.0, (width * s + depth * c) / 2.0, height)


def _beside(main: _Box, box: _Box, taken: list[_Box]) -> _Box:
    """The nearest free place to the right or to the left of the main subject, alternating outwards."""
    gap = _GAP * 2.0 * min(main.across, box.across)
    for turn in range(10000):
        reach = main.across + box.across + gap + (turn // 2) * box.across
        placed = box._replace(x=main.x + (reach if turn % 2 == 0 else -reach), y=main.y, z=main.z)
        if not any(placed.meets(other) for other in taken):
            return placed
    return placed


def _scattered(box: _Box, taken: list[_Box], rng: np.random.Generator, step: float) -> tuple[_Box, float]:
    """The next free place on a loose spiral around the box's own place, and how far along the spiral it lies."""
    for spot, x, z in _spiral(step, 1.0 + 2.0 * _GAP):
        loose = rng.uniform(-_GAP, _GAP, 2)
        side = 2.0 * max(box.across, box.deep)
        placed = box._replace(x=box.x + side * (x + loose[0]), z=box.z + side * (z + loose[1]))
        if not any(placed.meets(other) for other in taken):
            return placed, spot + 1.0
    raise AssertionError("the spiral has no end")


def _spiral(start: float, spacing: float) -> Iterator[tuple[float, float, float]]:
    """Points at equal density around the origin (Vogel's sunflower), about a spacing apart."""
    spot = start
    while True:
        reach = spacing * math.sqrt(spot) * 0.8
        yield spot, reach * math.cos(spot * _GOLDEN_RAD), reach * math.sin(spot * _GOLDEN_RAD)
        spot += 1.0


def _transform(box: _Box, facing_deg: float) -> NDArray[np.float64]:
    """Turns +Z to where the subject faces (90 degrees: +X), then moves it to its place."""
    import numpy as np

    c, s = math.cos(math.radians(facing_deg)), math.sin(math.radians(facing_deg))
    return np.array([[c, 0.0, s, box.x], [0.0, 1.0, 0.0, box.y], [-s, 0.0, c, box.z], [0.0, 0.0, 0.0, 1.0]])
