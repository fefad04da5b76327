"""Merged exposures: a synthetic scene, photographed with steps and clipping, comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from studioflow.color.convert import convert
from studioflow.color.exposures import merge, parse_exposures
from studioflow.errors import StudioFlowError

LIGHT = "Linear Rec.709"


@pytest.fixture(autouse=True)
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def scene(darkest: float, brightest: float) -> np.ndarray:
    """Colours whose channels lie anywhere between, evenly in stops; [60, 80, 3]."""
    return np.exp2(np.random.default_rng(4).uniform(np.log2(darkest), np.log2(brightest), (60, 80, 3)))


def photographed(light: np.ndarray, stops: float, space: str, levels: int = 255) -> np.ndarray:
    """What a camera with that exposure stores: clipped and rounded."""
    exposed = convert((light * 2.0**stops).astype(np.float32), LIGHT, space)
    return (np.rint(np.clip(exposed, 0, 1) * levels) / levels).astype(np.float32)


def brackets(light: np.ndarray, exposures: list[float], space: str = "sRGB", levels: int = 255) -> np.ndarray:
    return np.stack([photographed(light, stops, space, levels) for stops in exposures])


@pytest.mark.parametrize("exposures", [[-6.0, -4.0, -2.0, 0.0, 2.0], [2.0, -6.0, 0.0, -4.0, -2.0]])
def test_a_scene_of_thirteen_stops_comes_back_within_the_steps(exposures: list[float]) -> None:
    light = scene(2.0**-8, 2.0**5.5)
    merged, said = merge(brackets(light, exposures), exposures)
    # Half a step of 8 bits, at the sRGB value that the best exposure gives, as a part of the light: with two stops
    # between them a channel is between 0.25 and 1 in one of them, and half a step is at most 0.9 % there.
    lit = light > 2.0**-4
    assert np.abs(merged / light - 1)[lit].max() < 0.009
    # Darker than that the longest exposure alone tells: its own half step, in light.
    longest = max(exposures)
    stored = photographed(light, longest, "sRGB")
    ends = [convert(np.clip(stored + half, 0, 1), "sRGB", LIGHT) / 2.0**longest for half in (-0.5 / 255, 0.5 / 255)]
    assert (np.abs(merged - light) <= 1.05 * (ends[1] - ends[0]))[~lit].all()
    assert "5 exposures" in said and "saturated" not in said


def test_it_beats_the_best_single_picture() -> None:
    light = scene(2.0**-7, 2.0**4)
    exposures = [-4.0, -2.0, 0.0, 2.0]
    pictures = brackets(light, exposures)
    merged, _ = merge(pictures, exposures)

    def error(values: np.ndarray) -> float:
        return float(np.mean(np.abs(np.log2(np.maximum(values, 1e-6) / light))))

    single = [error(convert(one, "sRGB", LIGHT) / 2.0**stops) for one, stops in zip(pictures, exposures, strict=True)]
    assert error(merged) < min(single) / 3


def test_other_primaries_and_linear_brackets() -> None:
    light = scene(2.0**-5, 2.0**3)
    exposures = [-4.0, -2.0, 0.0, 2.0]
    wide = convert(light.astype(np.float32), "Linear P3-D65", LIGHT)
    for space, linear in (("Display P3", "Linear P3-D65"), ("Linear P3-D65", "Linear P3-D65")):
        merged, _ = merge(brackets(wide, exposures, space, 65535), exposures, source=space, target=linear)
        assert merged == pytest.approx(light, rel=2e-3)
        again, _ = merge(brackets(wide, exposures, space, 65535), exposures, source=space, target="ACEScg")
        assert again == pytest.approx(convert(merged, linear, "ACEScg"), abs=1e-5)


def test_saturated_and_black_give_what_is_proven() -> None:
    exposures = [-2.0, 3.0]
    light = np.array([[[100.0, 100.0, 100.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]])
    merged, said = merge(brackets(light, exposures), exposures)
    assert merged[0, 0] == pytest.approx([4.0] * 3), "at least what saturates the shortest"
    assert np.array_equal(merged[0, 1], [0, 0, 0])
    assert merged[0, 2] == pytest.approx([0.5] * 3, rel=0.02)
    assert "33.33% of the pixels are saturated" in said
    # White in one and black in the other: brighter than white needs in the longer, not black.
    gap = np.stack([np.zeros((1, 1, 3)), np.ones((1, 1, 3))]).astype(np.float32)
    assert merge(gap, exposures)[0][0, 0] == pytest.approx([0.125] * 3)


def test_a_saturated_channel_does_not_pull_the_others() -> None:
    light = np.array([[[3.0, 0.2, 0.05]]])
    merged, _ = merge(brackets(light, [-3.0, 0.0, 3.0]), [-3.0, 0.0, 3.0])
    assert merged[0, 0] == pytest.approx(light[0, 0], rel=0.01)


def test_alpha_is_not_in_the_result_and_halves_are_taken() -> None:
    pictures = np.concatenate([brackets(scene(0.1, 2), [-1, 1]), np.ones((2, 60, 80, 1), np.float32)], axis=-1)
    merged, _ = merge(pictures.astype(np.float16), [-1, 1])
    assert merged.shape == (60, 80, 3) and merged.dtype == np.float32


def test_exposures_as_text() -> None:
    assert parse_exposures(" -2, 0;2.5 ,−1,") == [-2.0, 0.0, 2.5, -1.0]
    with pytest.raises(StudioFlowError, match="not a number"):
        parse_exposures("-2, zero")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"exposures_ev": [0.0]}, "each picture needs its exposure"),
        ({"exposures_ev": [0.0, 1.0, 2.0]}, "each picture needs its exposure"),
        ({"pictures": np.zeros((1, 4, 4, 3), np.float32), "exposures_ev": [0.0]}, "each picture needs its exposure"),
        ({"pictures": np.zeros((2, 4, 4, 1), np.float32)}, "no colours"),
        ({"exposures_ev": [0.0, 31.0]}, "out of range"),
        ({"exposures_ev": [0.0, float("nan")]}, "out of range"),
        ({"source": "ACEScct"}, "for a display or linear"),
        ({"source": "Rec.2100 PQ"}, "for a display or linear"),
        ({"target": "sRGB"}, "need a scene-linear space"),
        ({"source": "Gamma 1.8 Encoded Rec.709"}, "no linear one"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], told: str) -> None:
    given = {"pictures": np.zeros((2, 4, 4, 3), np.float32), "exposures_ev": [0.0, 2.0]} | settings
    with pytest.raises(StudioFlowError, match=told) as error:
        merge(given.pop("pictures"), given.pop("exposures_ev"), **given)
    assert error.value.allowed
