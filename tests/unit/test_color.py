"""Colour spaces against colour-science, which shares no code with OpenColorIO; configs; what a space is."""

from __future__ import annotations

import re
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PyOpenColorIO
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.color import menus, ocio
from studioflow.color.convert import (
    chromaticities_of,
    conversion_sentence,
    convert,
    encoding_of,
    linear_of,
)
from studioflow.color.origin import with_origin
from studioflow.color.spaces import plain_spaces
from studioflow.errors import StudioFlowError

from ..srgb import linear_to_srgb, srgb_to_linear
from .colour_reference import colour

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:Aligning", "ignore:.*HLG OOTF")

INDEPENDENT = {
    "sRGB": "sRGB",
    "Display P3": "Display P3",
    "Adobe RGB": "Adobe RGB (1998)",
    "Linear Rec.709": "ITU-R BT.709",
    "Linear P3-D65": "P3-D65",
    "Linear Rec.2020": "ITU-R BT.2020",
    "ACEScg": "ACEScg",
    "ACES2065-1": "ACES2065-1",
}
"""colour-science's names of the plain spaces that it has."""
PLAIN = list(plain_spaces())
LINEAR = [name for name, space in plain_spaces().items() if space.encoding == "linear"]


@pytest.fixture(autouse=True)
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture(scope="module", autouse=True)
def exact_matrices() -> Iterator[None]:
    """colour-science has the rounded matrices of the standards, OpenColorIO those that follow from the primaries."""
    spaces = [colour.RGB_COLOURSPACES[name] for name in INDEPENDENT.values()]
    for space in spaces:
        space.use_derived_transformation_matrices(True)
    yield
    for space in spaces:
        space.use_derived_transformation_matrices(False)


def reference(rgb: np.ndarray, source: str, target: str) -> np.ndarray:
    one, other = (colour.RGB_COLOURSPACES[INDEPENDENT[name]] for name in (source, target))
    return colour.RGB_to_RGB(
        rgb,
        one,
        other,
        chromatic_adaptation_transform="Bradford",
        apply_cctf_decoding=plain_spaces()[source].encoding == "display",
        apply_cctf_encoding=plain_spaces()[target].encoding == "display",
    )


def some_colors(count: int = 400, low: float = 0.02, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(7).uniform(low, high, (count, 3)).astype(np.float32)


@pytest.mark.parametrize("source", INDEPENDENT)
@pytest.mark.parametrize("target", INDEPENDENT)
def test_matrices_primaries_and_adaptation(source: str, target: str) -> None:
    light = convert(some_colors(), source, linear_name(target))
    inside = (light > 1e-3).all(axis=1)  # curves of negative values differ between the two
    assert inside.sum() > 30
    ours, theirs = convert(some_colors(), source, target), reference(some_colors(), source, target)
    # 4e-5: the two round the white points to different digits.
    assert ours[inside] == pytest.approx(theirs[inside], rel=4e-5, abs=4e-5)


def linear_name(space: str) -> str:
    return {"sRGB": "Linear Rec.709", "Display P3": "Linear P3-D65", "Adobe RGB": "Linear AdobeRGB"}.get(space, space)


@pytest.mark.parametrize("target", ["ACEScg", "ACES2065-1"])
def test_the_color_checker(target: str) -> None:
    # BabelColor's and X-Rite's published xyY of the 24 patches, measured under D50.
    checker = colour.CCS_COLOURCHECKERS["ColorChecker24 - After November 2014"]
    xyz = colour.xyY_to_XYZ(np.array(list(checker.data.values())))
    rgb, published = (
        colour.XYZ_to_RGB(xyz, colour.RGB_COLOURSPACES[name], checker.illuminant, "Bradford")
        for name in ("ITU-R BT.709", target)
    )
    assert convert(rgb.astype(np.float32), "Linear Rec.709", target) == pytest.approx(published, abs=2e-5)


def test_the_color_checker_by_its_spectra() -> None:
    # The Academy's reference camera (S-2008-001) looks at the patches' spectra under the ACES white; no matrix of
    # ours or OpenColorIO's is in it. The patches are other copies of the chart, so they agree to a few per cent.
    spectra = colour.SDS_COLOURCHECKERS["ColorChecker N Ohta"]
    checker = colour.CCS_COLOURCHECKERS["ColorChecker24 - Before November 2014"]
    xyz = colour.xyY_to_XYZ(np.array(list(checker.data.values())))
    rgb = colour.XYZ_to_RGB(xyz, colour.RGB_COLOURSPACES["ITU-R BT.709"], checker.illuminant, "Bradford")
    ours = convert(rgb.astype(np.float32), "Linear Rec.709", "ACES2065-1")
    seen = np.array([colour.sd_to_aces_relative_exposure_values(spectrum) for spectrum in spectra.values()])
    assert len(seen) == 24
    assert ours == pytest.approx(seen, rel=0.08, abs=0.02)


CURVES: dict[str, Any] = {
    "sRGB": colour.models.eotf_inverse_sRGB,
    "Adobe RGB": lambda light: light ** (1 / 2.19921875),
    "Rec.709 gamma 2.4": lambda light: colour.models.eotf_inverse_BT1886(light),
    "Rec.2100 PQ": lambda light: colour.models.eotf_inverse_ST2084(100.0 * light),
    "Rec.2100 HLG": lambda light: colour.models.eotf_inverse_BT2100_HLG(100.0 * light, L_W=1000),
    "ACEScct": colour.models.log_encoding_ACEScct,
}


@pytest.mark.parametrize("space", CURVES)
def test_curves(space: str) -> None:
    most = {"display": 1.0, "hdr": 10.0, "log": 200.0}[encoding_of(space)]
    light = np.linspace(0.0, most, 1001, dtype=np.float32)
    grey = convert(np.stack([light] * 3, axis=-1), linear_of(space).name, space)
    assert grey == pytest.approx(np.stack([CURVES[space](light.astype(float))] * 3, axis=-1), abs=1e-5)


@pytest.mark.parametrize("space", [name for name, row in plain_spaces().items() if row.transfer in ("srgb", "gamma")])
def test_our_curves_are_opencolorios(space: str) -> None:
    opened, row = ocio.open_config(menus.ACES_2), plain_spaces()[space]
    colors = np.random.default_rng(6).uniform(-1.0, 12.0, (4000, 3)).astype(np.float32)
    colors[:2000] = np.random.default_rng(6).uniform(-0.01, 0.1, (2000, 3))
    for source, target in (("ACEScg", row.ocio), (row.ocio, "ACEScg"), (row.ocio, linear_of(space).name)):
        theirs = colors.copy()
        processor = opened.getProcessor(source, target)
        processor.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(theirs)
        ours = convert(colors, source, target)
        # A power is steep at black: there the last digit of the light is some of the encoded value's.
        steep = (np.abs(convert(colors, source, linear_of(space).name)) < 1e-4).any(axis=1)
        assert ours[~steep] == pytest.approx(theirs[~steep], rel=3e-6, abs=3e-6)


@pytest.mark.parametrize("source", PLAIN)
@pytest.mark.parametrize("target", PLAIN)
def test_round_trips(source: str, target: str) -> None:
    """There and back within 1e-5 of what is there, for values that occur: negative ones and above 1 included.

    Near black a pure power is no measure: its slope is infinite there, so that the last digit of a linear float32 is
    1e-3 of the encoded value. In light, the difference is nothing.
    """
    colors = convert(some_colors(low=-0.05, high=2.0), "Linear Rec.709", source)
    back = convert(convert(colors, source, target), target, source)
    light, again = (convert(values, source, "Linear Rec.2020") for values in (colors, back))
    assert again == pytest.approx(light, abs=1e-5)
    usual = (np.abs(light) > 0.02).all(axis=1) & (np.abs(convert(colors, source, "ACES2065-1")) > 0.02).all(axis=1)
    assert usual.sum() > 100
    bright = (convert(colors, source, linear_of(source).name) > 0.02).all(axis=1) & usual
    assert back[bright] == pytest.approx(colors[bright], abs=1e-5)


def test_highlights_and_negative_values_survive() -> None:
    values = np.array([-0.5, -0.01, 0.0, 1.0, 1.5, 12.0, 4000.0], np.float32)
    grey = np.stack([values] * 3, axis=-1)
    for space in PLAIN:
        if space != "Rec.2100 PQ":  # 4000 times 100 nits is beyond what PQ is defined for, but it too comes back
            assert np.unique(convert(grey, "Linear Rec.709", space)[:, 0]).size == values.size, space
        back = convert(convert(grey, "Linear Rec.709", space), space, "Linear Rec.709")
        assert back == pytest.approx(grey, rel=1e-5, abs=1e-5), space


def test_srgb_below_black_goes_on_straight() -> None:
    # Not mirrored: OpenColorIO's sRGB goes on with the slope that it has at black.
    light = np.array([[-0.5, -0.1, -0.001]], np.float32)
    assert convert(light, "Linear Rec.709", "sRGB") == pytest.approx(12.92 * light, rel=1e-3)


@given(st.lists(st.floats(-4, 4, width=32), min_size=12, max_size=12))
@settings(max_examples=40, deadline=None)
def test_linear_spaces_are_linear(values: list[float]) -> None:
    colors = np.array(values, np.float32).reshape(4, 3)
    doubled = convert(2 * colors, "ACEScg", "Linear Rec.709")
    assert doubled == pytest.approx(2 * convert(colors, "ACEScg", "Linear Rec.709"), rel=1e-5, abs=1e-5)


def test_alpha_is_left_alone_and_the_input_too() -> None:
    colors = np.concatenate([some_colors(), np.linspace(-1, 2, 400, dtype=np.float32)[:, None]], axis=1)
    before = colors.copy()
    done = convert(colors, "sRGB", "ACEScg")
    assert np.array_equal(done[:, 3], colors[:, 3]) and np.array_equal(colors, before)
    assert np.array_equal(done[:, :3], convert(colors[:, :3], "sRGB", "ACEScg"))


@pytest.mark.parametrize("shape", [(3,), (5, 3), (700, 300, 3), (2, 300, 400, 3), (2, 3, 40, 50, 3), (0, 7, 3)])
def test_every_shape_and_order_gives_the_same(shape: tuple[int, ...]) -> None:
    colors = np.random.default_rng(1).random(shape, dtype=np.float32)
    done = convert(colors, "sRGB", "ACEScg")
    assert done.shape == shape and done.dtype == np.float32
    assert np.array_equal(done.reshape(-1, 3), convert(colors.reshape(-1, 3), "sRGB", "ACEScg"))
    assert np.array_equal(done, convert(np.asfortranarray(colors), "sRGB", "ACEScg"))
    assert np.allclose(convert(colors.astype(np.float64), "sRGB", "ACEScg"), done, rtol=0, atol=1e-6)


def test_the_result_is_all_the_memory_it_takes() -> None:
    colors = np.random.default_rng(1).random((1500, 2000, 3), dtype=np.float32)
    convert(colors[:4], "sRGB", "ACEScg")
    tracemalloc.start()
    convert(colors[::-1], "sRGB", "ACEScg")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1.05 * colors.nbytes


def test_half_floats_and_what_is_no_number() -> None:
    colors = np.array([[0.5, 0.25, 1.0], [np.nan, 0.5, 0.5]], np.float16)
    done = convert(colors, "sRGB", "Linear Rec.709")
    assert done[0] == pytest.approx(srgb_to_linear(colors[0].astype(np.float32)), abs=1e-6)
    assert np.isnan(done[1]).any()


@pytest.mark.parametrize(
    "pixels", [np.zeros((4, 5), np.float32), np.zeros((4, 4, 1), np.float32), np.zeros((4, 3), np.uint8), np.zeros(())]
)
def test_what_is_no_picture(pixels: np.ndarray) -> None:
    with pytest.raises(StudioFlowError, match="no colours that can be converted"):
        convert(pixels, "sRGB", "ACEScg")


def test_data_is_never_converted() -> None:
    colors = some_colors()
    for source, target in (("data", "ACEScg"), ("sRGB", "data"), ("Raw", "sRGB"), ("sRGB", "none")):
        assert np.array_equal(convert(colors, source, target), colors)
    assert encoding_of("data") == encoding_of("Raw") == "data"
    assert chromaticities_of("data") is chromaticities_of("Raw") is None


def test_names_aliases_roles_and_inactive_spaces() -> None:
    colors = some_colors()
    expected = convert(colors, "sRGB", "ACEScg")
    for name in ("lin_ap1", "scene_linear", "ACES - ACEScg"):
        assert np.array_equal(convert(colors, "sRGB_texture", name), expected)
    xyz = convert(colors, "Linear Rec.709", "CIE XYZ-D65 - Scene-referred")
    assert xyz == pytest.approx(colour.RGB_to_XYZ(colors, "ITU-R BT.709", apply_cctf_decoding=False), abs=2e-4)


def test_what_a_space_is() -> None:
    assert {space: encoding_of(space) for space in PLAIN} == {s.name: s.encoding for s in plain_spaces().values()}
    told = {"ARRI LogC4": "log", "Linear ARRI Wide Gamut 4": "linear", "sRGB - Display": "display", "lin_ap1": "linear"}
    assert {space: encoding_of(space) for space in told} == told
    assert encoding_of("Rec.2100-PQ - Display") == "hdr"


@pytest.mark.parametrize("space", PLAIN)
def test_primaries_of_the_table_are_those_that_opencolorio_uses(space: str) -> None:
    # Through XYZ, where the white of ACES has become D65 by Bradford's adaptation.
    row = plain_spaces()[space]
    rgbw = np.concatenate([np.eye(3), np.ones((1, 3))]).astype(np.float32)
    xyz = convert(rgbw, linear_of(space).name, "CIE XYZ-D65 - Scene-referred").astype(float)
    xy = np.array(row.primaries).reshape(4, 2)
    white, d65 = (colour.xy_to_XYZ(point) for point in (xy[3], (0.3127, 0.3290)))
    expected = colour.chromatic_adaptation(colour.xy_to_XYZ(xy), white, d65, "Von Kries", transform="Bradford")
    assert xyz[:, :2] / xyz.sum(axis=1)[:, None] == pytest.approx(colour.XYZ_to_xy(expected), abs=2e-5)


def test_chromaticities() -> None:
    assert chromaticities_of("ACEScg") == chromaticities_of("lin_ap1") == plain_spaces()["ACEScg"].primaries
    # ARRI, "ALEXA 35 LogC4 specification", 2022.
    awg4 = (0.7347, 0.2653, 0.1424, 0.8576, 0.0991, -0.0308, 0.3127, 0.3290)
    assert chromaticities_of("Linear ARRI Wide Gamut 4") == pytest.approx(awg4, abs=4e-3)
    assert chromaticities_of("ARRI LogC4") is None and chromaticities_of("sRGB - Display") is None


def test_the_menu_is_the_config() -> None:
    opened = ocio.open_config(menus.ACES_2)
    twins = {space.ocio for space in plain_spaces().values()} | set(PLAIN)
    rest = [name for name in opened.getColorSpaceNames() if name not in twins]
    assert menus.spaces() == [*PLAIN, *rest, menus.OTHER]
    assert menus.light_spaces() == [s for s in menus.spaces()[:-1] if encoding_of(s) in ("linear", "log")]


def test_the_help_page_lists_every_plain_space(root: Path) -> None:
    page = (root / "js" / "docs" / "StudioFlowColorTransform.md").read_text(encoding="utf-8")
    assert [name for name in (*PLAIN, *menus.CONFIGS) if f"`{name}`" not in page] == []


def test_unknown_spaces_name_the_likely_one() -> None:
    for space, meant in (("sRGb", "sRGB"), ("ACEScgg", "ACEScg"), ("ARRI LogC5", "ARRI LogC4"), ("", "")):
        with pytest.raises(StudioFlowError, match="no such colour space") as told:
            convert(some_colors(), "sRGB", space)
        assert told.value.fix == (
            f'did you mean "{meant}"?' if meant else "take one of these, or the config that has it"
        )
        for ask in (encoding_of, chromaticities_of):
            with pytest.raises(StudioFlowError, match="no such colour space"):
                ask(space)


STUDIO = """
ocio_profile_version: 2
search_path: luts
roles:
  default: raw
  scene_linear: house
  aces_interchange: AP0
  cie_xyz_d65_interchange: xyz
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  house screen:
    - !<View> {name: plain, colorspace: sRGB}
active_displays: []
active_views: []
display_colorspaces:
  - !<ColorSpace>
    name: xyz
    isdata: false
    encoding: display-linear
colorspaces:
  - !<ColorSpace>
    name: AP0
    encoding: scene-linear
  - !<ColorSpace>
    name: house
    aliases: [studio linear]
    encoding: scene-linear
    to_scene_reference: !<MatrixTransform> {matrix: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: sRGB
    encoding: sdr-video
    to_scene_reference: !<MatrixTransform> {matrix: [9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: raw
    isdata: true
  - !<ColorSpace>
    name: old log
    to_scene_reference: !<LogTransform> {base: 10, direction: inverse}
  - !<ColorSpace>
    name: old video
    to_scene_reference: !<ExponentTransform> {value: [2.2, 2.2, 2.2, 1]}
  - !<ColorSpace>
    name: old linear
    to_scene_reference: !<MatrixTransform> {matrix: [3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: lost
    to_scene_reference: !<FileTransform> {src: gone.spi1d}
"""


@pytest.fixture
def studio(tmp_path: Path) -> str:
    path = tmp_path / "studio.ocio"
    path.write_text(STUDIO)
    return str(path)


def test_a_studios_config_is_joined_to_the_plain_spaces(studio: str) -> None:
    colors = some_colors()
    ap0 = convert(colors, "sRGB", "ACES2065-1")
    for name in ("house", "studio linear", "scene_linear"):
        assert convert(colors, "sRGB", name, studio) == pytest.approx(ap0 / 2, abs=1e-5)
        assert convert(ap0 / 2, name, "sRGB", studio) == pytest.approx(colors, abs=1e-5)
    assert convert(colors, "house", "AP0", studio) == pytest.approx(2 * colors)


def test_a_plain_name_means_the_same_in_every_config(studio: str) -> None:
    # The studio's own "sRGB" multiplies by 9.
    colors = some_colors()
    assert np.array_equal(convert(colors, "sRGB", "ACEScg", studio), convert(colors, "sRGB", "ACEScg"))


def test_encodings_that_a_config_does_not_state(studio: str) -> None:
    told = {"old log": "log", "old video": "display", "old linear": "linear", "house": "linear", "raw": "data"}
    assert {space: encoding_of(space, studio) for space in told} == told
    assert chromaticities_of("old video", studio) is None
    with pytest.raises(StudioFlowError, match="no linear one with the same primaries"):
        linear_of("old video", studio)


def test_the_ocio_variable_is_read_when_it_is_used(studio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudioFlowError, match="no such colour space"):
        convert(some_colors(), "sRGB", "house")
    monkeypatch.setenv("OCIO", studio)
    assert convert(some_colors(), "sRGB", "house") == pytest.approx(convert(some_colors(), "sRGB", "AP0") / 2, abs=1e-6)
    monkeypatch.setenv("OCIO", menus.BUILT_IN[menus.ACES_1])
    assert encoding_of("Rec.1886 Rec.2020 - Display") == "display"
    assert ocio.open_config(menus.ACES_2) is not ocio.open_config()


def test_a_config_that_changed_is_read_again(studio: str) -> None:
    before = convert(some_colors(), "AP0", "house", studio)
    Path(studio).write_text(STUDIO.replace("[2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2,", "[40, 0, 0, 0, 0, 40, 0, 0, 0, 0, 40,"))
    assert convert(some_colors(), "AP0", "house", studio) == pytest.approx(before / 20)


def test_threads_that_come_first_together_get_one_config(studio: str) -> None:
    """Frames are written on several threads; a space of one copy of a config is not a space of another copy."""
    for _ in range(5):
        ocio._opened_once.cache_clear()
        together = threading.Barrier(4)

        def opened(_: int, together: threading.Barrier = together) -> Any:
            together.wait()
            return ocio.open_config(studio)

        with ThreadPoolExecutor(4) as pool:
            assert len({id(config) for config in list(pool.map(opened, range(4)))}) == 1


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("sRGB", "ACEScg", "from display-referred sRGB to scene-linear ACEScg; no highlights above 1 were added."),
        ("sRGB", "Adobe RGB", "from display-referred sRGB to display-referred Adobe RGB."),
        ("ACEScg", "ACEScct", "from scene-linear ACEScg to logarithmic ACEScct."),
        ("Rec.2100 PQ", "ACEScg", "from display-referred HDR Rec.2100 PQ to scene-linear ACEScg."),
        ("ACEScg", "ACEScg", ""),
        ("sRGB", "Raw", ""),
    ],
)
def test_the_sentence_says_what_was_converted(source: str, target: str, said: str) -> None:
    assert conversion_sentence(source, target) == (f"Converted {said}" if said else "")


def test_what_was_said_of_the_values_stays() -> None:
    known = {"seed": 7, "range": "an estimate"}
    assert with_origin(known, "Tone-mapped.") == {"seed": 7, "range": "an estimate. Tone-mapped."}
    assert known == {"seed": 7, "range": "an estimate"}
    assert with_origin(with_origin(None, "One."), "Two.") == {"range": "One. Two."}
    assert with_origin(known, "") == known and with_origin(None, "") == {}


def test_an_archive_with_its_tables_is_a_config(studio: str, tmp_path: Path) -> None:
    archive = tmp_path / "packed" / "studio.ocioz"
    archive.parent.mkdir()
    ocio.open_config(studio).archive(str(archive))
    packed = convert(some_colors(), "sRGB", "house", str(archive))
    assert np.array_equal(packed, convert(some_colors(), "sRGB", "house", studio))


def test_configs_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing, broken = tmp_path / "gone.ocio", tmp_path / "broken.ocio"
    broken.write_text("ocio_profile_version: [")
    for path, problem in ((missing, "there is no such"), (broken, "cannot be read"), (tmp_path, "cannot be read")):
        with pytest.raises(StudioFlowError, match=problem) as told:
            convert(some_colors(), "sRGB", "house", str(path))
        assert told.value.where == str(path) and told.value.fix
        monkeypatch.setenv("OCIO", str(path))
        with pytest.raises(StudioFlowError, match=problem) as told:
            convert(some_colors(), "sRGB", "house")
        assert told.value.where == "the OCIO variable" and str(path) in (told.value.found or "")
        # Plain spaces need no config of the studio's.
        convert(some_colors(), "sRGB", "ACEScg")


def test_a_config_that_cannot_be_joined(studio: str) -> None:
    alone = re.sub(r"  (aces|cie)_.*\n", "", STUDIO)
    Path(studio).write_text(alone)
    assert convert(some_colors(), "house", "AP0", studio) == pytest.approx(2 * some_colors())
    assert chromaticities_of("house", studio) is None
    with pytest.raises(StudioFlowError, match="cannot make this conversion") as told:
        convert(some_colors(), "sRGB", "house", studio)
    assert "aces_interchange" in (told.value.found or "")


def test_a_conversion_that_needs_a_lost_table(studio: str) -> None:
    with pytest.raises(StudioFlowError, match="cannot make this conversion") as told:
        convert(some_colors(), "lost", "house", studio)
    assert "gone.spi1d" in str(told.value)


def test_the_plain_formula_of_srgb_is_opencolorios() -> None:
    values = np.linspace(0, 4, 1000, dtype=np.float32)
    grey = np.stack([values] * 3, axis=-1)
    assert srgb_to_linear(grey) == pytest.approx(convert(grey, "sRGB", "Linear Rec.709"), rel=1e-5, abs=1e-6)
    assert linear_to_srgb(srgb_to_linear(grey)) == pytest.approx(grey, abs=1e-5)
