"""Tone mapping: the published curves, hues, the ACES views, views of other configs, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.color import ocio
from studioflow.color.convert import convert, linear_of
from studioflow.color.spaces import plain_spaces
from studioflow.color.tone import HABLE_WHITE, OPERATORS, luminance_weights, tone_map, tone_sentence
from studioflow.errors import StudioFlowError
from studioflow.resources import table

LIGHT = "Linear Rec.709"
TARGETS = [name for name, space in plain_spaces().items() if space.encoding in ("display", "hdr")]


@pytest.fixture(autouse=True)
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


def grey(*values: float) -> np.ndarray:
    return np.stack([np.array(values, np.float32)] * 3, axis=-1)


def displayed(light: np.ndarray, operator: str, **settings: Any) -> np.ndarray:
    """What the operator gives, as light of the display."""
    return convert(tone_map(light, operator, source=LIGHT, **settings), settings.get("target", "sRGB"), LIGHT)


def test_reinhards_equations_on_grey() -> None:
    light = np.array([0.0, 0.18, 1.0, 3.0, 100.0])
    assert displayed(grey(*light), "reinhard")[:, 0] == pytest.approx(light / (1 + light), abs=2e-5)
    extended = light * (1 + light / 3.0**2) / (1 + light)
    assert displayed(grey(*light), "reinhard_extended", white=3.0)[:, 0] == pytest.approx(extended, rel=2e-5, abs=2e-5)


@pytest.mark.parametrize("operator", ["reinhard_extended", "hable"])
def test_the_white_of_the_sentence_is_what_becomes_white(operator: str) -> None:
    said = tone_sentence(operator, source=LIGHT, white=3.0)
    white = float(re.search(r"white at ([\d.]*\d)", said).group(1))
    assert tone_map(grey(white), operator, source=LIGHT, white=3.0)[0] == pytest.approx([1.0] * 3, abs=1e-5)


def test_hables_published_figures() -> None:
    # U(x) = (x (0.15 x + 0.05) + 0.004) / (x (0.15 x + 0.5) + 0.06) - 1/15 of twice the light, divided by U(11.2):
    # U(2) = 0.704 / 1.66 - 1/15, U(11.2) = 19.38 / 24.476 - 1/15.
    assert displayed(grey(HABLE_WHITE / 2, 1.0, 0.0), "hable")[:, 0] == pytest.approx(
        [1.0, (0.704 / 1.66 - 1 / 15) / (19.38 / 24.476 - 1 / 15), 0.0], abs=2e-5
    )


@given(st.lists(st.floats(0.015625, 50, width=32), min_size=3, max_size=3), st.sampled_from(["sRGB", "Display P3"]))
@settings(max_examples=60, deadline=None)
def test_reinhard_keeps_hues_in_every_target(color: list[float], target: str) -> None:
    light = np.array([color], np.float32)
    shown = displayed(light, "reinhard", target=target)
    assert shown / shown.sum() == pytest.approx(light / light.sum(), abs=2e-4)
    luminance = luminance_weights(LIGHT)
    assert shown @ luminance == pytest.approx((light @ luminance) / (1 + light @ luminance), abs=1e-4)


def test_luminance_weights_are_those_of_the_standards() -> None:
    assert luminance_weights("sRGB") == pytest.approx([0.2126, 0.7152, 0.0722], abs=1e-4)  # BT.709
    assert luminance_weights("Linear Rec.2020") == pytest.approx([0.2627, 0.6780, 0.0593], abs=1e-4)  # BT.2020
    assert luminance_weights("ACEScg") == pytest.approx([0.2722287, 0.6740818, 0.0536895], abs=1e-6)  # S-2014-004


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "agx"])
@pytest.mark.parametrize("target", TARGETS)
def test_more_light_is_brighter_in_every_target(operator: str, target: str) -> None:
    ramp = grey(*np.geomspace(0.02, 12, 60))  # the black of ACES 1.x is at 0.005
    shown = tone_map(ramp, operator, source="ACEScg", target=target)
    assert (np.diff(shown, axis=0) > 0).all()
    # To 1/2000: the ACES views of 1.3 are tables in part.
    assert np.ptp(shown, axis=1).max() < 5e-4, "grey stays grey"


@pytest.mark.parametrize("operator", ["none", "reinhard", "hable", "aces_2_0", "view"])
def test_exposure_is_light(operator: str) -> None:
    light = np.random.default_rng(3).uniform(0.01, 4, (50, 3)).astype(np.float32)
    brighter = tone_map(light, operator, source="ACEScg", exposure_ev=1.5)
    assert brighter == pytest.approx(tone_map(light * 2**1.5, operator, source="ACEScg"), abs=2e-5)


def test_exposure_of_a_logarithmic_picture_is_of_its_light() -> None:
    light = np.random.default_rng(3).uniform(0.01, 4, (50, 3)).astype(np.float32)
    log = convert(light, "ACEScg", "ARRI LogC4")
    for operator in ("hable", "aces_1_3"):
        assert tone_map(log, operator, source="ARRI LogC4", exposure_ev=1.0) == pytest.approx(
            tone_map(light, operator, source="ACEScg", exposure_ev=1.0), abs=3e-5
        )


def test_gamma_is_of_the_display() -> None:
    light = grey(-0.1, 0.0, 0.2, 1.0)
    plain = tone_map(light, "none", source=LIGHT)
    assert tone_map(light, "none", source=LIGHT, gamma=2.0) == pytest.approx(
        np.copysign(np.sqrt(np.abs(plain)), plain), abs=1e-6
    )


def test_none_is_the_plain_conversion() -> None:
    light = np.random.default_rng(3).uniform(-0.1, 9, (50, 3)).astype(np.float32)
    for target in TARGETS:
        assert tone_map(light, "none", source="ACEScg", target=target) == pytest.approx(
            convert(light, "ACEScg", target), rel=1e-5, abs=1e-5
        )


@pytest.mark.parametrize("operator", ["aces_1_3", "aces_2_0"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_aces_views_are_those_of_the_config(operator: str, target: str) -> None:
    import PyOpenColorIO

    row = table("color/views.json")[operator]
    display, view, shows = row["views"][target]
    opened = ocio.open_config(row["config"])
    light = np.random.default_rng(3).uniform(0, 4, (50, 3)).astype(np.float32)
    expected = light.copy()
    opened.getProcessor("ACEScg", display, view, PyOpenColorIO.TRANSFORM_DIR_FORWARD).getDefaultCPUProcessor().applyRGB(
        expected
    )
    shown = tone_map(light, operator, source="ACEScg", target=target)
    assert convert(shown, target, shows) == pytest.approx(expected, abs=2e-3)
    # The display's values are what the plain name says: display and space agree on mid-tones without a view.
    colors = np.random.default_rng(4).uniform(0.1, 0.9, (50, 3)).astype(np.float32)
    assert convert(colors, display, shows, row["config"]) == pytest.approx(colors, abs=2e-5)


def test_aces_2_shows_grey_where_the_academy_says() -> None:
    # ACES 2.0: scene 0.18 is shown with 10 nits of 100 (Academy, "ACES 2 output transforms", tone scale).
    assert displayed(grey(0.18), "aces_2_0")[0, 0] == pytest.approx(0.10, abs=0.001)
    assert tone_map(grey(1e4), "aces_2_0", source="ACEScg").max() <= 1.0


def test_the_sdr_views_stay_in_the_display() -> None:
    light = np.random.default_rng(5).uniform(-0.5, 30, (400, 3)).astype(np.float32)
    for target in ("sRGB", "Display P3", "Adobe RGB", "Rec.709 gamma 2.4"):
        shown = tone_map(light, "aces_2_0", source="ACEScg", target=target)
        assert -1e-4 <= shown.min() and shown.max() <= 1.0001, target


def test_infinite_light_is_bright_and_alpha_stays() -> None:
    light = np.array([[np.inf, np.inf, np.inf, 0.3], [0.2, 0.2, 0.2, -2.0]], np.float32)
    for operator in [name for name in OPERATORS if name != "agx"]:
        shown = tone_map(light, operator, source="ACEScg", gamma=1.2)
        assert np.isfinite(shown).all() and shown[0, :3].min() > 0.95
        assert np.array_equal(shown[:, 3], light[:, 3])


BLENDER = """
ocio_profile_version: 2
roles: {default: lin, scene_linear: lin, aces_interchange: ap0, cie_xyz_d65_interchange: xyz}
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  sRGB:
    - !<View> {name: Standard, colorspace: half}
    - !<View> {name: AgX, colorspace: quarter}
  Display P3:
    - !<View> {name: AgX, colorspace: half}
display_colorspaces:
  - !<ColorSpace> {name: xyz, encoding: display-linear}
colorspaces:
  - !<ColorSpace> {name: ap0, encoding: scene-linear}
  - !<ColorSpace> {name: lin, encoding: scene-linear}
  - !<ColorSpace>
    name: half
    encoding: sdr-video
    from_scene_reference: !<MatrixTransform> {matrix: [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: quarter
    encoding: sdr-video
    from_scene_reference: !<MatrixTransform> {matrix: [0.25, 0, 0, 0, 0, 0.25, 0, 0, 0, 0, 0.25, 0, 0, 0, 0, 1]}
"""


@pytest.fixture
def blender(tmp_path: Path) -> str:
    path = tmp_path / "config.ocio"
    path.write_text(BLENDER)
    return str(path)


def test_agx_and_views_of_a_config(blender: str) -> None:
    light = np.random.default_rng(3).uniform(0, 4, (50, 3)).astype(np.float32)
    shown = {
        "agx": tone_map(light, "agx", source="lin", config=blender),
        "agx P3": tone_map(light, "agx", source="lin", target="Display P3", config=blender),
        "agx by name": tone_map(light, "agx", source="lin", display="display p3", config=blender),
        "default view": tone_map(light, "view", source="lin", config=blender),
        "view": tone_map(light, "view", source="lin", display="sRGB", view="agx", exposure_ev=1, config=blender),
        "plain source": tone_map(light, "view", source="ACES2065-1", config=blender),
    }
    shares = {"agx": 0.25, "agx P3": 0.5, "agx by name": 0.5, "default view": 0.5, "view": 0.5, "plain source": 0.5}
    for name, share in shares.items():
        assert shown[name] == pytest.approx(share * light, abs=1e-5), name
    adobe = tone_map(light, "agx", source="lin", target="Adobe RGB", config=blender)
    assert adobe == pytest.approx(convert(0.25 * light, "sRGB", "Adobe RGB"), abs=1e-5)


def test_a_source_of_the_studio_reaches_the_aces_views(blender: str) -> None:
    light = np.random.default_rng(3).uniform(0, 4, (50, 3)).astype(np.float32)
    assert tone_map(light, "aces_2_0", source="lin", config=blender) == pytest.approx(
        tone_map(light, "aces_2_0", source="ACES2065-1"), abs=1e-5
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"source": "sRGB"}, "needs scene-linear light"),
        ({"source": "Rec.2100 PQ"}, "needs scene-linear light"),
        ({"source": "Raw"}, "needs scene-linear light"),
        ({"operator": "filmic"}, "no such choice"),
        ({"operator": "agx"}, "no view named AgX"),
        ({"operator": "hable", "target": "ACEScg"}, "ends in a space for a display"),
        ({"operator": "aces_2_0", "target": "ACEScg"}, "no display for this space"),
        ({"operator": "view", "display": "sRBG - Display"}, "no such display"),
        ({"operator": "view", "view": "ACES 3"}, "no such view"),
        ({"operator": "reinhard_extended", "white": 0.0}, "more than 0"),
        ({"gamma": float("nan")}, "more than 0"),
    ],
)
def test_what_is_refused(settings: dict[str, Any], told: str) -> None:
    given = {"operator": "aces_2_0", "source": "ACEScg"} | settings
    with pytest.raises(StudioFlowError, match=told) as error:
        tone_map(grey(0.5), **given)
    assert error.value.allowed


def test_agx_without_a_display_for_the_target(blender: str) -> None:
    with pytest.raises(StudioFlowError, match="no display for this space") as error:
        tone_map(grey(0.5), "agx", source="lin", target="Rec.2100 PQ", config=blender)
    assert error.value.allowed == "sRGB, Display P3"


def test_the_sentence_names_what_was_done(blender: str) -> None:
    said = tone_sentence("reinhard_extended", source="ACEScg", white=6.0, exposure_ev=-1.0)
    assert all(word in said for word in ("ACEScg", "sRGB", "Reinhard", "white at 6", "-1 EV")) and said.endswith(".")
    aces = tone_sentence("aces_2_0", source="ACEScg", target="Display P3")
    assert "SDR 100 nits (P3 D65)" in aces and "studio-config-v4.0.0_aces-v2.0" in aces
    by_view = tone_sentence("view", source="lin", config=blender, view="AgX")
    assert '"AgX" of "sRGB"' in by_view and "into" not in by_view


def test_the_help_page_lists_every_operator_and_target(root: Path) -> None:
    page = (root / "js" / "docs" / "StudioFlowToneMap.md").read_text(encoding="utf-8")
    assert [name for name in (*OPERATORS, *TARGETS) if f"`{name}`" not in page] == []


def test_every_display_space_has_a_linear_twin() -> None:
    assert {linear_of(target).name for target in TARGETS} == {
        "Linear Rec.709 (sRGB)",
        "Linear P3-D65",
        "Linear AdobeRGB",
        "Linear Rec.2020",
    }
