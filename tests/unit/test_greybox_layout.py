"""Where subjects and their copies stand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from studioflow.greybox.layout import DRAWN_AT_MOST, notes_of, places_of

Size = tuple[float, float, float]


def footprint(place: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the box around a turned subject, from its eight corners through the transform."""
    w, h, d = size
    corners = np.array(list(itertools.product((-w / 2, w / 2), (0, h), (-d / 2, d / 2), (1,))))
    moved = (corners @ place.T)[:, :3]
    return moved.min(axis=0), moved.max(axis=0)


def overlapping(places: Any, sizes: list[Size]) -> int:
    boxes = [footprint(one, size) for copies, size in zip(places, sizes, strict=True) for one in copies]
    return sum(
        bool(np.all(a[0] < b[1] - 1e-9) and np.all(b[0] < a[1] - 1e-9)) for a, b in itertools.combinations(boxes, 2)
    )


def test_the_manifest_says_where() -> None:
    ((place,),) = places_of([{"position_m": [1.0, 2.0, 3.0], "facing_deg": 90}], [(1.0, 1.0, 1.0)])
    np.testing.assert_allclose(place @ [0, 0, 1, 0], [1, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(place @ [0, 1, 0, 0], [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(place[:3, 3], [1, 2, 3])
    assert np.linalg.det(place[:3, :3]) == pytest.approx(1.0)


def test_one_subject_stands_at_the_origin() -> None:
    ((place,),) = places_of([{}], [(1.0, 1.0, 1.0)])
    np.testing.assert_allclose(place, np.eye(4))


def test_what_has_no_place_stands_beside_the_first() -> None:
    sizes = [(0.1, 0.2, 0.1), (0.3, 0.2, 0.2), (0.1, 0.1, 0.5), (0.2, 0.2, 0.2)]
    subjects: list[dict[str, Any]] = [
        {"position_m": [1, 0.5, 0]},
        {},
        {"facing_deg": 45},
        {"position_m": [1.2, 0.5, 0]},
    ]
    places = places_of(subjects, sizes)
    assert overlapping(places, sizes) == 0
    assert all(place[1, 3] == 0.5 for (place,) in places)
    assert max(abs(place[0, 3] - 1.0) for (place,) in places) < 1.0


@pytest.mark.parametrize(("count", "size"), [(2, (1.2, 0.3, 0.35)), (9, (0.011, 0.006, 0.008)), (200, (0.4, 1.7, 0.3))])
def test_copies_are_all_there_and_apart(count: int, size: Size) -> None:
    subjects = [{"position_m": [0, 0, 0]}, {"position_m": [size[0] * 2, 0, 0], "count": count}]
    sizes = [(size[0] * 1.5, 0.2, size[2]), size]
    places = places_of(subjects, sizes)
    assert len(places[1]) == count
    assert overlapping(places, sizes) == 0
    # Near each other: they cover a good part of the ground that they spread over.
    spots = np.array([place[:3, 3] for place in places[1]])
    reach = np.ptp(spots, axis=0)[[0, 2]].max() + max(size)
    assert reach < 6.0 * np.sqrt(count + 1) * max(size)
    again = places_of(subjects, sizes)
    assert all(
        np.array_equal(a, b) for one, two in zip(places, again, strict=True) for a, b in zip(one, two, strict=True)
    )


def test_copies_turn_their_own_way_unless_told() -> None:
    size = (0.1, 0.1, 0.1)
    (free,) = places_of([{"count": 8}], [size])
    (told,) = places_of([{"count": 8, "facing_deg": 30}], [size])
    assert len({round(float(place[0, 2]), 6) for place in free}) == 8
    assert len({round(float(place[0, 2]), 6) for place in told}) == 1


def test_not_more_are_drawn_than_said() -> None:
    subjects = [{"description": "beans", "count": 1000}, {"description": "a cup"}]
    places = places_of(subjects, [(0.01, 0.006, 0.008), (0.08, 0.07, 0.08)])
    assert len(places[0]) == DRAWN_AT_MOST
    assert notes_of(subjects) == ("beans: 200 of 1000 drawn",)
