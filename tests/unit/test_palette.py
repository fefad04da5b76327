"""Colours: a perceptual space against published values, names that people would give, palettes and their harmony."""

from __future__ import annotations

import json
import random

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.caption import compile_manifest
from studioflow.edit.palette import HARMONIES, set_palette, swatches
from studioflow.errors import EditError, StudioFlowError
from studioflow.manifest import validate
from studioflow.resources import shipped, table
from studioflow.studio.color import Lch, color_name, hex_of_oklab, hex_of_oklch, linear_of_oklab, oklab, oklch
from studioflow.studio.palette import (
    MAX_COLORS,
    color_scheme,
    harmonies,
    harmonise,
    harmony,
    palette_from_image,
    palette_from_text,
    palette_named,
)
from studioflow.studio.words import entries, phrases

HEX = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06X}")

# ---------------------------------------------------------------- the space


def test_oklab_of_another_implementation() -> None:
    # The example of colour-science's XYZ_to_Oklab (colour.readthedocs.io): XYZ and its Oklab.
    xyz = (0.20654008, 0.12197225, 0.05136952)
    r, g, b = linear_of_oklab((0.5163401, 0.154695, 0.0628957))
    # Linear sRGB to XYZ: IEC 61966-2-1.
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    assert [m[0] * r + m[1] * g + m[2] * b for m in matrix] == pytest.approx(xyz, abs=2e-4)


@pytest.mark.parametrize(
    ("color", "lightness", "chroma", "hue"),
    [
        # oklch() of the sRGB primaries, as browsers' CSS Color 4 implementations give them.
        ("#FF0000", 0.628, 0.2577, 29.23),
        ("#00FF00", 0.8664, 0.2948, 142.5),
        ("#0000FF", 0.452, 0.3132, 264.05),
        ("#FFFF00", 0.968, 0.211, 109.77),
    ],
)
def test_oklch_of_the_primaries(color: str, lightness: float, chroma: float, hue: float) -> None:
    found = oklch(color)
    assert (found.lightness, found.chroma) == pytest.approx((lightness, chroma), abs=5e-4)
    assert found.hue_deg == pytest.approx(hue, abs=0.05)


@given(HEX)
def test_there_and_back(color: str) -> None:
    assert hex_of_oklab(oklab(color)) == hex_of_oklch(oklch(color)) == color


@given(st.floats(0.15, 1), st.floats(0, 0.4), st.floats(0, 360))
def test_a_color_that_srgb_cannot_show_keeps_its_hue(lightness: float, chroma: float, hue: float) -> None:
    found = oklch(hex_of_oklch(Lch(lightness, chroma, hue)))
    assert found.chroma <= chroma + 0.01
    assert found.lightness == pytest.approx(lightness, abs=0.02)
    if found.chroma > 0.06:
        assert abs((found.hue_deg - hue + 180) % 360 - 180) < 4


# ---------------------------------------------------------------- names

LIGHT_WARM = {"beige", "light beige", "cream", "off white", "ivory", "tan", "light tan"}
GRAYS = {"gray", "medium gray", "dark gray", "light gray", "silver", "slate gray", "charcoal", "charcoal gray"}


@pytest.mark.parametrize(
    ("color", "family"),
    [
        # Warm light neutrals, which are neither gray nor silver: paper, linen, plaster, bone, sand.
        ("#C8BFB0", LIGHT_WARM),
        ("#EEE6D8", LIGHT_WARM),
        ("#F5F0E6", LIGHT_WARM),
        ("#E8E0D0", LIGHT_WARM),
        ("#E3DAC9", LIGHT_WARM),
        ("#D8CCB8", LIGHT_WARM),
        ("#FAF0E6", LIGHT_WARM),  # CSS linen
        ("#F5F5DC", LIGHT_WARM),  # CSS beige
        ("#FAEBD7", LIGHT_WARM),  # CSS antiquewhite
        ("#FFFFF0", LIGHT_WARM),  # CSS ivory
        ("#FDF5E6", LIGHT_WARM),  # CSS oldlace
        ("#FFF8DC", LIGHT_WARM),  # CSS cornsilk
        ("#F5DEB3", LIGHT_WARM),  # CSS wheat
        ("#D2B48C", {"tan"}),  # CSS tan
        # Neutrals.
        ("#FFFFFF", {"white"}),
        ("#FAFAFA", {"white"}),
        ("#F5F5F5", {"white"}),  # CSS whitesmoke
        ("#DCDCDC", {"light gray"}),  # CSS gainsboro
        ("#C0C0C0", {"silver", "light gray"}),  # CSS silver
        ("#808080", GRAYS),  # CSS gray
        ("#696969", GRAYS),  # CSS dimgray
        ("#A7A9AC", GRAYS),
        ("#000000", {"black"}),
        # Plain colours under their CSS names.
        ("#FF0000", {"red", "bright red"}),
        ("#8B0000", {"dark red", "deep red"}),
        ("#800000", {"maroon"}),
        ("#DC143C", {"crimson"}),
        ("#FFC0CB", {"pink", "light pink"}),
        ("#FF69B4", {"pink", "hot pink"}),
        ("#FFA500", {"orange"}),
        ("#FFD700", {"gold"}),
        ("#FFFF00", {"yellow", "bright yellow"}),
        ("#808000", {"olive"}),
        ("#008000", {"green"}),
        ("#228B22", {"forest green", "green", "emerald green", "kelly green"}),
        ("#008080", {"teal"}),
        ("#40E0D0", {"turquoise"}),
        ("#00FFFF", {"cyan"}),
        ("#87CEEB", {"sky blue", "light blue"}),
        ("#4682B4", {"steel blue", "dusty blue"}),
        ("#0000FF", {"blue", "vivid blue", "bright blue"}),
        ("#000080", {"navy", "navy blue"}),
        ("#4B0082", {"indigo"}),
        ("#800080", {"purple"}),
        ("#E6E6FA", {"lavender", "light lavender"}),
        ("#FF00FF", {"magenta", "bright magenta"}),
        ("#8B4513", {"brown", "warm brown", "medium brown"}),
        ("#3E2A1E", {"dark brown"}),
        ("#3B2F2A", {"dark brown"}),
    ],
)
def test_a_color_gets_a_name_that_people_would_give_it(color: str, family: set[str]) -> None:
    assert color_name(color) in family


BROWNS = {"brown", "dark brown", "chocolate brown", "gray brown", "purple brown", "medium brown"}
DARK_GRAYS = {"dark gray", "charcoal", "charcoal gray", "slate gray", "gray", "medium gray"}


@pytest.mark.parametrize(
    ("name", "color"),
    [
        # Centroids of the ISCC-NBS names: K. L. Kelly and D. B. Judd, "Color: Universal Language and Dictionary of
        # Names", NBS Special Publication 440, 1976, in sRGB; what is an example in the table is left out.
        ("dark brown", "#422518"),
        ("dark yellowish brown", "#4B3621"),
        ("dark reddish brown", "#3E1D1E"),
        ("dark grayish reddish brown", "#43302E"),
        ("deep brown", "#593319"),
        ("grayish reddish brown", "#674C47"),
        ("moderate reddish brown", "#79443B"),
        ("grayish yellowish brown", "#7E6D5A"),
        ("strong brown", "#80461B"),
        ("brownish gray", "#5B504F"),
        ("dark reddish gray", "#5C504F"),
        ("dark purplish gray", "#5D555B"),
        ("dark bluish gray", "#51585E"),
        ("dark greenish gray", "#4E5755"),
        ("medium gray", "#848482"),
    ],
)
def test_muted_browns_are_browns_and_dark_grays_are_grays(name: str, color: str) -> None:
    assert color_name(color) in (BROWNS if name.endswith("brown") else DARK_GRAYS)


def test_every_named_example_has_its_own_name() -> None:
    names = table("studio/color_names.json")
    assert names["also"].keys() <= names["colors"].keys()
    for name, value in names["colors"].items():
        assert oklab(color_name_example(color_name(value))) == oklab(value) or color_name(value) == name


def color_name_example(name: str) -> str:
    value: str = table("studio/color_names.json")["colors"][name]
    return value


# ---------------------------------------------------------------- palettes from text and tables


def test_a_palette_from_text() -> None:
    assert palette_from_text("#3b2f2a, C9A27A;#abc\n\n #3B2F2A") == ["#3B2F2A", "#C9A27A", "#AABBCC"]
    assert palette_from_text(" \n ") == []


@pytest.mark.parametrize(
    ("text", "line", "found"), [("#112233\n#44", 2, "#44"), ("red", 1, "red"), ("#112233,\n\n#GG0000", 3, "#GG0000")]
)
def test_what_is_no_color_is_told_with_its_line(text: str, line: int, found: str) -> None:
    with pytest.raises(StudioFlowError, match=rf'colors, line {line}: this is no colour\n  found: "{found}"'):
        palette_from_text(text)


def test_no_more_colors_than_a_manifest_holds() -> None:
    with pytest.raises(StudioFlowError, match=r"too many colours[\s\S]*found: 17"):
        palette_from_text(" ".join(f"#0000{index:02X}" for index in range(MAX_COLORS + 1)))


def test_the_table_of_palettes_keeps_to_its_schema() -> None:
    rules = json.loads((shipped("schemas") / "palettes.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(table("studio/palettes.json"))
    assert len(entries("palettes")) >= 20
    for name in entries("palettes"):
        validate({"studioflow": "1.0", "scene": {"palette": palette_named(name)}})
    with pytest.raises(StudioFlowError, match=r'no such palette[\s\S]*did you mean "forest"'):
        palette_named("forrest")


# ---------------------------------------------------------------- palettes from pictures


def patches(*parts: tuple[str, int], width: int = 60) -> np.ndarray:
    """A picture of stripes: each colour over so many rows."""
    rows = [[int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)] for color, count in parts for _ in range(count)]
    return np.repeat(np.array(rows, np.float32)[:, None], width, axis=1)


def near(one: str, other: str, limit: float = 0.02) -> bool:
    return float(np.linalg.norm(np.subtract(oklab(one), oklab(other)))) < limit


def test_the_colors_of_a_picture_come_by_their_share() -> None:
    picture = patches(("#1F4E9E", 20), ("#F1ECE2", 50), ("#D42A20", 30))
    assert palette_from_image(picture, 3) == ["#F1ECE2", "#D42A20", "#1F4E9E"]
    assert palette_from_image(picture, 16) == ["#F1ECE2", "#D42A20", "#1F4E9E"]
    assert palette_from_image(np.stack([picture, picture]), 3) == palette_from_image(picture, 3)


def test_known_colors_are_found_under_noise() -> None:
    noise = np.random.default_rng(5)
    parts = (("#1F4E9E", 100), ("#F1ECE2", 200), ("#D42A20", 150), ("#23402B", 60))
    picture = patches(*parts, width=200)
    found = palette_from_image(picture + noise.normal(0, 0.02, picture.shape), 4)
    for color, (wanted, _) in zip(found, sorted(parts, key=lambda part: -part[1]), strict=True):
        assert near(color, wanted)


def test_a_small_accent_is_found() -> None:
    noise = np.random.default_rng(6)
    picture = patches(("#8A7F72", 190), ("#D42A20", 10), width=200)
    found = palette_from_image(picture + noise.normal(0, 0.01, picture.shape), 3)
    assert any(near(color, "#D42A20") for color in found) and near(found[0], "#8A7F72")


def test_a_picture_gives_one_palette_whatever_the_order_and_precision() -> None:
    picture = np.random.default_rng(7).random((64, 48, 3))
    expected = palette_from_image(picture, 6)
    assert len(expected) == 6
    shuffled = picture.reshape(-1, 3)[np.random.default_rng(8).permutation(64 * 48)].reshape(48, 64, 3)
    assert palette_from_image(shuffled, 6) == palette_from_image(picture[::-1, ::-1], 6) == expected
    assert palette_from_image(picture.astype(np.float32), 6) == palette_from_image(picture + 1e-9, 6) == expected
    # Written down once, so that another machine or another numpy is seen to give the same.
    fixed = (np.arange(64 * 64 * 3).reshape(64, 64, 3) * 7919 % 65521 // 7 % 256) / 255
    assert palette_from_image(fixed, 4) == palette_from_image(fixed.copy(order="F"), 4) == FIXED


FIXED = ["#6BCA4B", "#DE4FA6", "#94278C", "#397FD6"]


def test_what_k_means_leaves_is_a_local_best() -> None:
    # Every color of the picture is nearer to its own palette colour than the mean distance to a random palette.
    picture = np.random.default_rng(9).random((40, 40, 3))

    def loss(palette: list[str]) -> float:
        centers = np.array([oklab(color) for color in palette])
        steps = np.rint(picture.reshape(-1, 3) * 255).astype(int)
        lab = np.array([oklab("#" + "".join(f"{value:02X}" for value in pixel)) for pixel in steps])
        return float(((lab[:, None] - centers[None]) ** 2).sum(axis=2).min(axis=1).mean())

    chosen = loss(palette_from_image(picture, 6))
    shaken = random.Random(3)
    for _ in range(20):
        pixels = picture.reshape(-1, 3)[shaken.sample(range(1600), 6)]
        assert chosen < loss(["#" + "".join(f"{round(value * 255):02X}" for value in pixel) for pixel in pixels])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 1), (0, 4, 3), (2, 2, 2, 2, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(StudioFlowError, match="this is no picture"):
        palette_from_image(np.zeros(shape), 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    picture = np.zeros((4, 4, 3))
    picture[2, 1, 0] = value
    with pytest.raises(StudioFlowError, match="NaN or infinities"):
        palette_from_image(picture, 3)


@pytest.mark.parametrize("count", [0, 17])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(StudioFlowError, match="allowed: 1 to 16"):
        palette_from_image(np.zeros((4, 4, 3)), count)


# ---------------------------------------------------------------- harmony


@pytest.mark.parametrize(
    ("colors", "expected"),
    [
        (["#3D6FA8", "#7FA5D1", "#1F3D63"], "monochromatic"),
        (["#8A4B2A", "#D99A6B", "#808080"], "monochromatic"),
        (["#C65A3A", "#E2A72E"], "analogous"),
        (["#2B7A4B", "#2B7A7A", "#7AA83A"], "analogous"),
        (["#1E6A75", "#E08A45"], "complementary"),
        (["#FF0000", "#00FFFF"], "complementary"),
        (["#FFFF00", "#0000FF"], "complementary"),
        (["#FF0000", "#00FF00", "#0000FF"], "triadic"),
        (["#000000", "#808080", "#F5F5F5"], "neutral"),
        (["#808080"], ""),
        (["#FF0000"], ""),
        ([], ""),
        (["#FF0000", "#00FF00"], ""),
    ],
)
def test_the_harmony_of_plain_cases(colors: list[str], expected: str) -> None:
    assert harmony(colors) == expected


@given(st.lists(HEX, max_size=6), st.randoms())
def test_harmony_does_not_hang_on_the_order(colors: list[str], shaken: random.Random) -> None:
    other = [*colors, "#777777"] if len(set(colors)) > 1 else list(colors)
    shaken.shuffle(other)
    assert harmony(other) == harmony(colors)
    assert harmony(colors) in {"", *phrases("studio/palette_words", "harmony")}


@pytest.mark.parametrize("kind", harmonies())
@pytest.mark.parametrize("color", ["#D42A20", "#1E6A75", "#C9A27A", "#7A1230", "#9CAF88", "#F2C12E", "#0000FF"])
def test_a_harmony_that_was_built_is_recognised(color: str, kind: str) -> None:
    built = harmonise(color, kind)
    assert built[0] == color and len(built) == len(set(built)) >= 2
    assert harmony(built) == kind
    if kind != "monochromatic":
        assert [oklch(other).lightness for other in built] == pytest.approx(
            [oklch(color).lightness] * len(built), abs=0.02
        )


def test_a_gray_has_no_complement() -> None:
    for color in ("#808080", "#EEE6D8"):
        with pytest.raises(StudioFlowError, match="almost no hue"):
            harmonise(color, "complementary")
    assert harmony(harmonise("#808080", "monochromatic")) == "neutral"
    with pytest.raises(StudioFlowError, match=r'no such choice[\s\S]*did you mean "triadic"'):
        harmonise("#FF0000", "triad")


# ---------------------------------------------------------------- the words and the edit


def test_the_color_scheme_says_names_harmony_and_grade() -> None:
    assert color_scheme(["#FFFFFF", "#FEFEFE", "#000000"], " muted ") == "white, black, neutral palette, muted"
    assert color_scheme(["#1E6A75", "#E08A45"]).endswith(", complementary color contrast")
    assert color_scheme([], "muted, faded") == "muted, faded" and color_scheme([]) == ""


@given(st.lists(HEX, max_size=16), st.sampled_from(["", "muted colors"]))
def test_the_color_scheme_is_made_of_names_and_phrases(colors: list[str], grade: str) -> None:
    known = {*table("studio/color_names.json")["colors"], *phrases("studio/palette_words", "harmony").values(), grade}
    parts = color_scheme(colors, grade).split(", ")
    assert set(parts) <= known | {""} and len(parts) == len(set(parts))


def test_the_palette_of_a_shot() -> None:
    shot = {"studioflow": "1.0", "scene": {"mood": "calm", "palette": ["#112233"]}}
    made, colors, words = set_palette(shot, "#1E6A75 #E08A45", palette="forest", pixels=np.zeros((2, 2, 3)))
    assert made == {"studioflow": "1.0", "scene": {"mood": "calm", "palette": ["#1E6A75", "#E08A45"]}}
    assert colors == ["#1E6A75", "#E08A45"] and words == color_scheme(colors)
    assert compile_manifest(made, "fibo-2").fields["aesthetics"]["color_scheme"] == words
    assert set_palette(shot, palette="forest", pixels=np.ones((2, 2, 3))).colors == ["#FFFFFF"]
    assert set_palette(shot, palette="forest").colors == palette_named("forest")
    assert set_palette(shot, harmony="complementary").colors == harmonise("#112233", "complementary")


def test_defaults_alone_leave_the_shot_as_it_is() -> None:
    assert set_palette(None) == ({"studioflow": "1.0", "scene": {}}, [], "")
    shot = {"studioflow": "1.0", "scene": {"palette": ["#112233"]}}
    assert set_palette(shot).manifest == shot and set_palette(shot).colors == ["#112233"]
    with pytest.raises(EditError, match="no colour to build a harmony on"):
        set_palette(None, harmony=HARMONIES[0])


def test_somebodys_color_scheme_gives_way_and_nothing_else() -> None:
    raw = {"aesthetics": {"color_scheme": "purple", "mood_atmosphere": "loud"}, "context": "an ad"}
    made = set_palette({"studioflow": "1.0", "caption": raw}, "#FF0000 #000000").manifest
    fields = compile_manifest(made, "fibo-2").fields
    assert fields["aesthetics"]["color_scheme"].startswith("bright red, black")
    assert fields["aesthetics"]["mood_atmosphere"] == "loud" and fields["context"] == "an ad"


def test_swatches_show_the_colors_side_by_side() -> None:
    picture = swatches(["#FF0000", "#00FF00", "#0000FF"])
    assert picture.dtype == np.float32 and picture.shape == (128, 512, 3)
    assert picture[5, [0, 256, 511]].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert (swatches([]) == 1).all()
