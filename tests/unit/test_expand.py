"""Range expansion: the curve's promises as properties, its inverse, the inverse views, and the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.color.convert import convert
from studioflow.color.expand import METHODS, compress, expand, lowered, raised
from studioflow.color.tone import tone_map
from studioflow.errors import StudioFlowError

LIGHT = "Linear Rec.709"
knees = st.floats(0.0, 0.95)
stops = st.floats(0.0, 8.0)


@pytest.fixture(autouse=True)
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def colors(count: int = 500, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(2).uniform(low, high, (count, 3)).astype(np.float32)


@given(knees, stops)
@settings(max_examples=40, deadline=None)
def test_the_curve_keeps_its_promises(knee: float, peak_stops: float) -> None:
    peak = 2.0**peak_stops
    x = np.linspace(-0.5, 1.5, 801)
    y = raised(x, knee, peak)
    assert np.array_equal(y[x <= knee], x[x <= knee]), "what is below the knee stays"
    assert (np.diff(y) > 0).all(), "monotone"
    assert raised(np.array([1.0]), knee, peak)[0] == pytest.approx(peak)
    step = 1e-6
    slope = (raised(np.array([knee + step]), knee, peak) - raised(np.array([knee]), knee, peak)) / step
    assert slope[0] == pytest.approx(1.0, abs=3 * step * peak / (1 - knee) ** 2), "no corner at the knee"
    assert lowered(y, knee, peak) == pytest.approx(x, abs=1e-9), "the inverse"


@given(knees, stops, st.sampled_from(["sRGB", "Display P3", "Adobe RGB", "Rec.709 gamma 2.4"]))
@settings(max_examples=40, deadline=None)
def test_compress_is_the_inverse(knee: float, peak_stops: float, source: str) -> None:
    given = colors(low=0.02, high=1.2)
    there, _ = expand(given, source=source, target="ACEScg", knee=knee, peak_stops=peak_stops)
    back = compress(there, source="ACEScg", target=source, knee=knee, peak_stops=peak_stops)
    # The matrices to AP1 and back round at the size of the largest channel, and black is steep in a pure power.
    light = [convert(values, source, LIGHT) for values in (back, given)]
    assert light[0] == pytest.approx(light[1], abs=5e-6), "however far white is raised"


def test_white_becomes_the_peak_and_hues_stay() -> None:
    given = np.concatenate([colors(), np.ones((1, 3), np.float32)])
    plain, (light, _) = convert(given, "sRGB", LIGHT), expand(given, peak_stops=4.0, knee=0.5)
    assert light[-1] == pytest.approx([16.0, 16.0, 16.0], rel=1e-5)
    assert light / light.sum(axis=1)[:, None] == pytest.approx(plain / plain.sum(axis=1)[:, None], abs=1e-5)
    dark = plain.max(axis=1) <= 0.5
    assert dark.any() and light[dark] == pytest.approx(plain[dark], abs=1e-6)
    assert (light[~dark].max(axis=1) > plain[~dark].max(axis=1)).all()


def test_no_stops_linearise_only_and_black_and_alpha_stay() -> None:
    given = np.concatenate([colors(low=-0.1, high=1.1), np.full((500, 1), 0.25, np.float32)], axis=1)
    given[0, :3] = 0.0
    light, _ = expand(given, peak_stops=0.0)
    assert light[:, :3] == pytest.approx(convert(given[:, :3], "sRGB", LIGHT), abs=1e-6)
    assert np.array_equal(light[0], [0, 0, 0, 0.25]) and (light[:, 3] == 0.25).all()


@pytest.mark.parametrize(
    ("method", "operator", "most"), [("aces_2_0_inverse", "aces_2_0", 128.0), ("aces_1_3_inverse", "aces_1_3", 16.29)]
)
@pytest.mark.parametrize("source", ["sRGB", "Display P3", "Adobe RGB"])
def test_the_view_shows_the_picture_again(method: str, operator: str, most: float, source: str) -> None:
    inside = convert(colors(200, 0.1, 0.85), "sRGB", source)
    light, said = expand(inside, method, source=source, target="ACEScg")
    shown = tone_map(light, operator, source="ACEScg", target=source)
    off = np.abs(shown - inside).max(axis=1)
    # 1.3 is tables in part, and its sweeteners cannot be undone for every saturated colour.
    assert np.median(off) < 1e-3 and np.percentile(off, 90) < 6e-3
    white, _ = expand(np.ones((1, 3), np.float32), method, source=source, target="ACEScg")
    if source != "Adobe RGB":
        assert white.max() == pytest.approx(most, rel=0.02)
    assert f"white to {most:.4g}"[:13] in said


@pytest.mark.parametrize("method", ["aces_2_0_inverse", "aces_1_3_inverse"])
@pytest.mark.parametrize("source", ["sRGB", "Display P3", "Adobe RGB", "Rec.709 gamma 2.4"])
def test_what_no_display_shows_is_clipped_and_told(method: str, source: str) -> None:
    """The inverse of ACES 1.3 alone would make light of 47000 of a value of 1.1."""
    given = np.repeat(np.array([[-0.2], [0.0], [0.5], [1.0], [1.1], [50.0]], np.float32), 3, axis=1)
    light, said = expand(given, method, source=source)
    inside, plain = expand(np.clip(given, 0, 1), method, source=source)
    assert light == pytest.approx(inside, rel=1e-3) and light.max() < 130
    assert "50.0 % of the values lay outside 0 to 1" in said and "clipped" in said
    assert "clipped" not in plain and plain.endswith("an estimate, not captured light.")


def test_alpha_is_neither_clipped_nor_counted() -> None:
    given = np.array([[0.5, 0.5, 0.5, 2.0]], np.float32)
    light, said = expand(given, "aces_1_3_inverse")
    assert light[0, 3] == 2.0 and "clipped" not in said


def test_colours_beyond_the_display_of_the_view_are_told() -> None:
    """Adobe RGB's green is outside sRGB, which the view for it shows."""
    green = np.array([[0.0, 1.0, 0.0]], np.float32)
    assert "66.7 % of the values" in expand(green, "aces_1_3_inverse", source="Adobe RGB")[1]
    assert "clipped" not in expand(green, "aces_1_3_inverse", source="Display P3")[1]


def test_the_help_page_lists_every_method(root: Path) -> None:
    page = (root / "js" / "docs" / "StudioFlowRangeExpansion.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("method", METHODS)
def test_the_sentence_is_honest(method: str) -> None:
    _, said = expand(colors(), method, peak_stops=2.5, knee=0.6)
    assert "an estimate, not captured light" in said and "display-referred sRGB" in said.replace("D", "d")
    words = ("0.6", "2.5 stops") if method == "highlights" else ("inverse of the view", "ACES", "stops")
    assert all(word in said for word in words)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "ACEScg"}, "only a picture for a display"),
        ({"source": "Rec.2100 PQ"}, "has its range already"),
        ({"source": "data"}, "only a picture for a display"),
        ({"target": "sRGB"}, "needs a scene-linear space"),
        ({"target": "ACEScct"}, "needs a scene-linear space"),
        ({"peak_stops": 17.0}, "out of range"),
        ({"peak_stops": -1.0}, "out of range"),
        ({"knee": 1.0}, "out of range"),
        ({"knee": float("nan")}, "out of range"),
        ({"method": "magic"}, "no such choice"),
        ({"source": "Gamma 1.8 Encoded Rec.709"}, "no linear one"),
        ({"source": "Gamma 1.8 Encoded Rec.709", "method": "aces_2_0_inverse"}, "no display for this space"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(StudioFlowError, match=told) as error:
        expand(colors(), **settings)
    assert error.value.allowed
