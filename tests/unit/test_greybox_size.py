"""How large a greybox of a shot is."""

from __future__ import annotations

from typing import Any

import pytest

from studioflow.families import DEFAULT, family
from studioflow.greybox.size import greybox_size
from studioflow.manifest.render import render_settings


@pytest.mark.parametrize(
    ("render", "size"),
    [
        ({}, (768, 768)),
        ({"aspect_ratio": "3:2"}, (768, 512)),
        ({"aspect_ratio": "2:3"}, (512, 768)),
        ({"width": 640, "height": 320}, (768, 384)),
    ],
)
def test_the_longest_side_is_as_asked_and_the_ratio_is_the_shots(render: dict[str, Any], size: tuple[int, int]) -> None:
    assert greybox_size({"render": render}, 768) == size


@pytest.mark.parametrize("render", [{}, {"aspect_ratio": "16:9"}, {"model": "a folder of mine", "aspect_ratio": "4:5"}])
def test_0_is_what_fibo_would_paint(render: dict[str, Any]) -> None:
    known = {key: value for key, value in render.items() if key != "model"}
    painted = render_settings({"render": known}, family(DEFAULT))
    assert greybox_size({"render": render}) == (painted.width, painted.height)
