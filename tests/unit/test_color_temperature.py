"""Colour temperatures against the published values of the CIE and of Wyszecki and Stiles, there and back."""

from __future__ import annotations

import math
from itertools import pairwise

import jsonschema
import pytest

from studioflow.errors import StudioFlowError
from studioflow.resources import table
from studioflow.studio.color_temperature import (
    MAX_DUV,
    RANGES_K,
    kelvin_to_hex,
    kelvin_to_srgb,
    kelvin_to_xy,
    mired,
    srgb_to_kelvin,
    xy_to_kelvin,
    xy_to_uv,
)

# Robertson's table as Wyszecki and Stiles print it (Color Science, 2nd edition, 1982, table 1(3.11)): mired, then u
# and v of the black body in CIE 1960. At 325 mired the book has a misprint, u = 0.24702, corrected by Bruce Lindbloom.
BLACK_BODY_UV = [
    (0, 0.18006, 0.26352), (10, 0.18066, 0.26589), (20, 0.18133, 0.26846), (30, 0.18208, 0.27119),
    (40, 0.18293, 0.27407), (50, 0.18388, 0.27709), (60, 0.18494, 0.28021), (70, 0.18611, 0.28342),
    (80, 0.18740, 0.28668), (90, 0.18880, 0.28997), (100, 0.19032, 0.29326), (125, 0.19462, 0.30141),
    (150, 0.19962, 0.30921), (175, 0.20525, 0.31647), (200, 0.21142, 0.32312), (225, 0.21807, 0.32909),
    (250, 0.22511, 0.33439), (275, 0.23247, 0.33904), (300, 0.24010, 0.34308), (325, 0.24792, 0.34655),
    (350, 0.25591, 0.34951), (375, 0.26400, 0.35200), (400, 0.27218, 0.35407), (425, 0.28039, 0.35577),
    (450, 0.28863, 0.35714), (475, 0.29685, 0.35823), (500, 0.30505, 0.35907), (525, 0.31320, 0.35968),
    (550, 0.32129, 0.36011), (575, 0.32931, 0.36038), (600, 0.33724, 0.36051),
]  # fmt: skip

# CIE 015: chromaticities of the D illuminants, whose temperatures grew by 1.4388 / 1.438 with the constant c2.
DAYLIGHT_XY = {"D50": (5003, 0.34567, 0.35850), "D55": (5503, 0.33242, 0.34743), "D65": (6504, 0.31272, 0.32903),
               "D75": (7504, 0.29902, 0.31485)}  # fmt: skip


@pytest.mark.parametrize(("at_mired", "u", "v"), BLACK_BODY_UV[1:])
def test_black_bodies_of_wyszecki_and_stiles(at_mired: float, u: float, v: float) -> None:
    # Half a unit of the last printed place, and as much again for the table's own rounding.
    assert xy_to_uv(*kelvin_to_xy(1e6 / at_mired)) == pytest.approx((u, v), abs=1e-5)


def test_the_hottest_black_body_nears_the_limit() -> None:
    _, u, v = BLACK_BODY_UV[0]
    assert xy_to_uv(*kelvin_to_xy(RANGES_K["planckian"][1])) == pytest.approx((u, v), abs=3e-4)


def test_illuminant_a() -> None:
    # CIE 015: x = 0.44758, y = 0.40745; 2848 K with c2 = 1.435 cm K, so about 2856 K with today's 1.4388.
    assert kelvin_to_xy(2848 * 1.4388 / 1.435) == pytest.approx((0.44758, 0.40745), abs=1.5e-5)
    assert xy_to_kelvin(0.44758, 0.40745).kelvin == pytest.approx(2856, abs=1)


@pytest.mark.parametrize("name", DAYLIGHT_XY)
def test_daylight_illuminants_of_the_cie(name: str) -> None:
    kelvin, x, y = DAYLIGHT_XY[name]
    assert kelvin_to_xy(kelvin, "daylight") == pytest.approx((x, y), abs=1.5e-4)
    assert xy_to_kelvin(x, y).kelvin == pytest.approx(kelvin, rel=1e-3)


def test_daylight_lies_above_the_black_body_and_white_of_srgb_is_d65() -> None:
    # Published: the D locus runs about 0.003 above the Planckian one.
    white = srgb_to_kelvin((1.0, 1.0, 1.0))
    assert white.kelvin == pytest.approx(6504, abs=3)
    assert white.duv == pytest.approx(0.0032, abs=1e-4)
    assert kelvin_to_srgb(6504, "daylight") == pytest.approx((1.0, 1.0, 1.0), abs=2e-3)
    assert kelvin_to_hex(6504, "daylight") == "#ffffff"


@pytest.mark.parametrize("locus", RANGES_K)
def test_colours_change_without_a_jump(locus: str) -> None:
    below, above = kelvin_to_xy(6999.99, locus), kelvin_to_xy(7000.01, locus)
    assert below == pytest.approx(above, abs=1e-4)


@pytest.mark.parametrize(
    "kelvin", [1000, 1200, 1667, 1900, 2000, 2700, 3200, 4100, 5600, 6500, 8000, 10000, 15000, 20000]
)
def test_there_and_back(kelvin: float) -> None:
    there = kelvin_to_srgb(kelvin)
    assert max(there) == 1.0 and min(there) >= 0.0
    assert srgb_to_kelvin(there).kelvin == pytest.approx(kelvin, rel=1e-4)
    assert xy_to_kelvin(*kelvin_to_xy(kelvin)).kelvin == pytest.approx(kelvin, rel=1e-5)
    assert srgb_to_kelvin(tuple(7.5 * channel for channel in there)).kelvin == pytest.approx(kelvin, rel=1e-4)


def test_light_turns_steadily_from_red_to_blue() -> None:
    colors = [kelvin_to_srgb(kelvin) for kelvin in range(1000, 20001, 50)]
    for (red, green, blue), (red_after, green_after, blue_after) in pairwise(colors):
        assert blue_after * red >= blue * red_after - 1e-12
        assert green_after * red >= green * red_after - 1e-12
    assert colors[0][2] == pytest.approx(0.0, abs=1e-12) and colors[-1][0] < 0.6


def test_duv_tells_colours_that_are_no_white() -> None:
    green, magenta = srgb_to_kelvin((0.0, 1.0, 0.0)), srgb_to_kelvin((1.0, 0.0, 1.0))
    assert green.duv > MAX_DUV and magenta.duv < -MAX_DUV
    assert srgb_to_kelvin((0.0, 0.0, 1.0)).kelvin == math.inf
    assert abs(srgb_to_kelvin((1.0, 0.85, 0.7)).duv) < 0.01


def test_nearest_means_at_a_right_angle() -> None:
    # From a point beside the locus the nearest one is the one it was put beside.
    for kelvin in (2500, 4000, 9000):
        (u0, v0), (u1, v1) = (xy_to_uv(*kelvin_to_xy(kelvin * scale)) for scale in (0.999, 1.001))
        along, up = (u1 - u0) / math.dist((u0, v0), (u1, v1)), (v1 - v0) / math.dist((u0, v0), (u1, v1))
        for duv in (-0.01, 0.004):
            # Towards hotter light u and v fall, so that the normal (up, -along) points above the locus.
            u, v = (u0 + u1) / 2 + duv * up, (v0 + v1) / 2 - duv * along
            scale = 2 * u - 8 * v + 4
            found = xy_to_kelvin(3 * u / scale, 2 * v / scale)
            assert found.kelvin == pytest.approx(kelvin, rel=1e-3)
            assert found.duv == pytest.approx(duv, rel=1e-2)


def test_mired() -> None:
    # Kodak's Wratten 85 shifts 5500 K to 3400 K, by 112 mired (Kodak Filters, publication B-3).
    assert mired(3400) - mired(5500) == pytest.approx(112, abs=0.5)


@pytest.mark.parametrize(
    ("kelvin", "locus", "message"),
    [
        (999, "planckian", "1000 to 1e"),
        (3000, "daylight", "take the planckian locus"),
        (25001, "daylight", "4000 to 25000 K"),
        (math.nan, "planckian", "nan K"),
        (5000, "fluorescent", "planckian, daylight"),
    ],
)
def test_what_has_no_colour_is_refused(kelvin: float, locus: str, message: str) -> None:
    with pytest.raises(StudioFlowError, match=message):
        kelvin_to_srgb(kelvin, locus)


@pytest.mark.parametrize("rgb", [(0.0, 0.0, 0.0), (-0.1, 1.0, 1.0), (math.nan, 1.0, 1.0), (math.inf, 1.0, 1.0)])
def test_what_has_no_temperature_is_refused(rgb: tuple[float, float, float]) -> None:
    with pytest.raises(StudioFlowError, match="no colour temperature"):
        srgb_to_kelvin(rgb)


def test_the_colour_matching_functions_are_those_of_the_standard_observer() -> None:
    rows = table("studio/cie_1931_2deg.json")["rows"]
    jsonschema.validate(rows, {"items": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}})
    assert [row[0] for row in rows] == list(range(360, 831, 5))
    # CIE 015: light of equal energy is white, x = y = z = 1/3; y-bar is V(lambda), 1 at 555 nm and 106.857 in sum.
    sums = [sum(row[index] for row in rows) * 5 for index in (1, 2, 3)]
    assert sums == pytest.approx([106.857] * 3, rel=5e-4)
    assert next(row[2] for row in rows if row[0] == 555) == 1.0
