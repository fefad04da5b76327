"""Small things that all of the studio uses: angles, and names of colours."""

from __future__ import annotations

import pytest

from studioflow.studio.color import color_name
from studioflow.studio.words import signed_deg


@pytest.mark.parametrize(
    ("angle", "expected"), [(0, 0), (180, 180), (-180, 180), (190, -170), (-360, 0), (270, -90), (359, -1)]
)
def test_signed_degrees(angle: float, expected: float) -> None:
    assert signed_deg(angle) == expected


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("#FFFFFF", "white"),
        ("#000000", "black"),
        ("#3E2A1E", "dark brown"),
        ("#A7A9AC", "gray"),
        ("#C20078", "magenta"),
    ],
)
def test_color_names(value: str, name: str) -> None:
    assert color_name(value) == color_name(value.lower()) == name
