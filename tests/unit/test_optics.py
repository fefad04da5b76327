"""Thin-lens optics against published tables, an independent ray-traced lens, and what no lens can do.

The published figures stand in tests/data/optics.json with their sources: charts of three calculators (DOFMaster,
Euler Math Toolbox, the Nikonians' tables) and of a textbook's slides, for four formats. Their authors round f-numbers
differently (f/11 or the exact 8√2) and some leave out the ``+ f`` of the hyperfocal distance; each table says so, and
the comparison follows it. The last digit printed is the tolerance.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.studio import optics
from studioflow.studio.lens import Lens, Sensor, lens_of, sensor_of, used_sensor_mm

TABLES: dict[str, Any] = json.loads((Path(__file__).parent.parent / "data" / "optics.json").read_text("utf-8"))
FOOT_M = 0.3048
IN_METRES = {"m": 1.0, "ft": FOOT_M}


def exact_f_number(engraved: float) -> float:
    """The power of √2 that a full stop's engraved number stands for: 5.6 for 5.657, 11 for 11.314."""
    return math.sqrt(2.0) ** round(2.0 * math.log2(engraved))


def printed(value: float | None) -> tuple[float, float]:
    """A printed number and half of its last digit, with a hair for the number that lies on the limit itself."""
    if value is None:
        return math.inf, 0.0
    digits = len(repr(value).partition(".")[2]) if repr(value).partition(".")[2] != "0" else 0
    return float(value), 0.5001 * 10.0**-digits


def figures() -> list[Any]:
    return [
        pytest.param(table, row, id=f"{name}-{'-'.join(f'{value:g}' for value in row[:3] if value is not None)}")
        for name, table in TABLES.items()
        if not name.startswith("_")
        for row in table["rows"]
    ]


def test_there_are_enough_published_figures() -> None:
    tables = [table for name, table in TABLES.items() if not name.startswith("_")]
    figures = [
        len(row) - len(set(table["columns"]) - {"near", "far", "hyperfocal"})
        for table in tables
        for row in table["rows"]
    ]
    print(f"{sum(figures)} published figures for {len({table['format'] for table in tables})} formats")
    assert sum(figures) >= 30 and len({table["format"] for table in tables}) >= 3


@pytest.mark.parametrize(("table", "row"), figures())
def test_published_figures(table: dict[str, Any], row: list[float | None]) -> None:
    given_row = dict(zip(table["columns"], row, strict=True))
    unit = IN_METRES[table["unit"]]
    focal, coc = given_row["focal"], given_row.get("coc", table.get("coc"))
    aperture = exact_f_number(given_row["aperture"]) if table["f_numbers"] == "exact" else given_row["aperture"]
    assert focal is not None and coc is not None and aperture is not None
    found = {"hyperfocal": optics.hyperfocal_m(focal, aperture, coc) - (0.0 if table["with_f"] else focal / 1000.0)}
    if "focus" in given_row:
        found["near"], found["far"] = optics.sharp_limits_m(focal, aperture, coc, given_row["focus"] * unit)
    for name in {"hyperfocal", "near", "far"} & set(table["columns"]):
        if given_row[name] == "-":
            continue
        value, half = printed(given_row[name])
        assert found[name] / unit == pytest.approx(value, abs=half), name


def test_hyperfocal_of_the_textbook() -> None:
    # 50 mm at f/8 with a circle of confusion of 0.03 mm: 10 467 mm, the usual worked example.
    assert optics.hyperfocal_m(50, 8, 0.03) == pytest.approx(10.467, abs=0.0005)


def test_field_of_view_of_makers_data_sheets() -> None:
    # Diagonal, horizontal and vertical angles that Canon prints for its EF lenses (EF Lens Work III): to a degree, or
    # to 10 minutes for the long one.
    for focal, diagonal, horizontal, vertical in (
        (14, 114, 104, 81),
        (24, 84, 74, 53),
        (35, 63, 54, 38),
        (50, 46, 40, 27),
        (100, 24, 20, 14),
        (400, 6.17, 5.17, 3.5),
    ):
        for size, angle in ((math.hypot(36, 24), diagonal), (36, horizontal), (24, vertical)):
            tolerance = 0.09 if isinstance(angle, float) else 1.0
            assert optics.field_of_view_deg(size, focal) == pytest.approx(angle, abs=tolerance)
    # As Nikon prints them with a decimal.
    for focal, angle in ((24, 84.1), (35, 63.4), (50, 46.8), (85, 28.6), (100, 24.4), (200, 12.3)):
        assert optics.field_of_view_deg(math.hypot(36, 24), focal) == pytest.approx(angle, abs=0.06)


def test_field_of_view_narrows_towards_half_the_tangent_at_life_size() -> None:
    # At magnification 1 the image lies at twice the focal length.
    near = math.tan(math.radians(optics.field_of_view_deg(36, 50, 0.1)) / 2)
    far = math.tan(math.radians(optics.field_of_view_deg(36, 50)) / 2)
    assert near == pytest.approx(far / 2)
    angles = [optics.field_of_view_deg(36, 50, distance) for distance in (0.06, 0.1, 0.5, 2, 50, math.inf)]
    assert angles == sorted(angles)


def test_circle_of_confusion_and_crop() -> None:
    assert optics.circle_of_confusion_mm(36, 24) == pytest.approx(0.030, abs=0.0001)
    assert optics.equivalent_focal_length_mm(56, 23.5, 15.6) == pytest.approx(85.9, abs=0.1)
    # Apple's main camera of 6.765 mm is published as 24 mm equivalent.
    assert optics.equivalent_focal_length_mm(6.765, 9.8, 7.3) == pytest.approx(24, abs=0.2)


def test_squeeze_widens_the_view_along_the_width_only() -> None:
    camera = {"sensor": "super_35", "lens": {"preset": "anamorphic_50"}}
    assert used_sensor_mm(camera) == pytest.approx((2 * 28.25, 18.17))
    equivalent = optics.equivalent_focal_length_mm(50, 28.25, 18.17, squeeze=2)
    diagonal = math.hypot(2 * 28.25, 18.17)
    assert optics.field_of_view_deg(diagonal, 50) == pytest.approx(
        optics.field_of_view_deg(math.hypot(36, 24), equivalent)
    )


LENS = st.tuples(st.floats(4, 800), st.floats(0.7, 64), st.floats(1.05, 5000), st.floats(1.01, 50000))


def traced_disc_mm(focal: float, aperture: float, focus_mm: float, point_mm: float) -> float:
    """The disc that rays from a point on the axis make, traced one by one through a thin lens.

    A ray is its height and slope (Hecht, Optics, 5th ed., section 6.2, ray transfer matrices): over a way d the
    height grows by d × slope, and the lens changes the slope by -height / f. The sensor stands where two rays from the
    point of focus cross.
    """
    pupil = [focal / aperture * (index / 20 - 0.5) for index in range(21)]

    def behind(from_mm: float, height: float) -> float:
        return height / from_mm - height / focal

    sensor = -pupil[0] / behind(focus_mm, pupil[0])
    hits = [height + sensor * behind(point_mm, height) for height in pupil]
    return max(hits) - min(hits)


@given(LENS)
def test_blur_disc_is_that_of_traced_rays(lens: tuple[float, float, float, float]) -> None:
    focal, aperture, focus, at = lens
    focus_mm, at_mm = focal * focus, focal * at
    traced = traced_disc_mm(focal, aperture, focus_mm, at_mm)
    disc = optics.blur_disc_mm(focal, aperture, focus_mm / 1000, at_mm / 1000)
    assert disc == pytest.approx(traced, rel=1e-6, abs=1e-7 * focal)


@given(LENS)
def test_rays_from_the_limits_make_the_circle_of_confusion(lens: tuple[float, float, float, float]) -> None:
    focal, aperture, focus, _ = lens
    focus_mm = focal * focus
    near, far = optics.sharp_limits_m(focal, aperture, 0.03, focus_mm / 1000)
    assert near < focus_mm / 1000 < far
    assert traced_disc_mm(focal, aperture, focus_mm, near * 1000) == pytest.approx(0.03, rel=1e-4)
    if math.isinf(far):
        assert optics.blur_disc_mm(focal, aperture, focus_mm / 1000, math.inf) <= 0.03 * (1 + 1e-9)
    elif far < 1e6:
        assert traced_disc_mm(focal, aperture, focus_mm, far * 1000) == pytest.approx(0.03, rel=1e-3)


@given(LENS)
def test_traced_image_has_the_size_of_magnification_and_frame(lens: tuple[float, float, float, float]) -> None:
    focal, _, focus, _ = lens
    focus_mm = focal * focus
    # The ray through the middle of the lens is not bent, so sizes are as distances.
    image_mm = 1.0 / (1.0 / focal - 1.0 / focus_mm)
    assert optics.magnification(focal, focus_mm / 1000) == pytest.approx(image_mm / focus_mm, rel=1e-9)
    assert optics.frame_size_m(focal, 24, focus_mm / 1000) == pytest.approx(0.024 * focus_mm / image_mm, rel=1e-9)
    angle = 2 * math.degrees(math.atan(12 / image_mm))
    assert optics.field_of_view_deg(24, focal, focus_mm / 1000) == pytest.approx(angle, rel=1e-9)


@given(st.floats(4, 800), st.floats(0.7, 64), st.floats(0.005, 0.2))
def test_focus_at_the_hyperfocal_distance_is_sharp_from_half_of_it_to_infinity(f: float, n: float, c: float) -> None:
    hyper = optics.hyperfocal_m(f, n, c)
    near, far = optics.sharp_limits_m(f, n, c, hyper)
    assert near == pytest.approx(hyper / 2, rel=1e-9) and math.isinf(far)
    assert optics.blur_disc_mm(f, n, hyper, math.inf) == pytest.approx(c, rel=1e-9)
    assert math.isfinite(optics.depth_of_field_m(f, n, c, hyper * 0.999))
    assert optics.sharp_limits_m(f, n, c, math.inf) == (pytest.approx(hyper - f / 1000), math.inf)


def test_the_disc_as_a_part_of_the_picture() -> None:
    # 50 mm at f/2 focused at 2 m: m = 50/1950, and the disc of infinity is m × 25 mm = 0.641 mm.
    assert optics.blur_disc_of_height(50, 2, 2, math.inf, 24) == pytest.approx(0.641 / 24, abs=1e-5)
    assert optics.blur_disc_mm(50, 2, 2, 2) == 0.0
    assert optics.blur_disc_mm(50, 2, math.inf, math.inf) == 0.0
    assert optics.blur_disc_mm(50, 2, math.inf, 10) == pytest.approx(optics.blur_disc_mm(50, 2, 1e9, 10), rel=1e-6)


def test_focal_length_for_a_view_is_the_reverse_of_the_view() -> None:
    for focal in (1, 8, 50, 800):
        assert optics.focal_length_for_view_mm(24, optics.field_of_view_deg(24, focal)) == pytest.approx(focal)


IMPOSSIBLE = (math.nan, -1.0, 0.0)


@pytest.mark.parametrize("bad", [*IMPOSSIBLE, math.inf])
def test_lenses_that_cannot_be_are_refused(bad: float) -> None:
    for call in (
        lambda: optics.hyperfocal_m(bad, 2, 0.03),
        lambda: optics.hyperfocal_m(50, bad, 0.03),
        lambda: optics.hyperfocal_m(50, 2, bad),
        lambda: optics.sharp_limits_m(50, bad, 0.03, 2),
        lambda: optics.blur_disc_mm(50, bad, 2, 3),
        lambda: optics.blur_disc_of_height(50, 2, 2, 3, bad),
        lambda: optics.circle_of_confusion_mm(bad, 24),
        lambda: optics.field_of_view_deg(bad, 50),
        lambda: optics.equivalent_focal_length_mm(50, 36, 24, bad),
        lambda: optics.magnification(bad, 2),
        lambda: optics.frame_size_m(50, bad, 2),
        lambda: optics.focal_length_for_view_mm(24, bad),
    ):
        with pytest.raises(ValueError, match="must be a"):
            call()


@pytest.mark.parametrize("bad", [*IMPOSSIBLE, 0.05, 0.01])
def test_a_focus_within_the_lens_is_refused(bad: float) -> None:
    for call in (
        lambda: optics.sharp_limits_m(50, 2, 0.03, bad),
        lambda: optics.blur_disc_mm(50, 2, bad, 3),
        lambda: optics.magnification(50, bad),
        lambda: optics.frame_size_m(50, 24, bad),
        lambda: optics.field_of_view_deg(24, 50, bad),
    ):
        with pytest.raises(ValueError, match=r"within the focal length|must be a number above zero"):
            call()


def test_a_view_of_half_a_turn_has_no_focal_length() -> None:
    with pytest.raises(ValueError, match="below 180"):
        optics.focal_length_for_view_mm(24, 180)


def test_the_lens_in_force() -> None:
    assert lens_of({}) == Lens(None, None)
    assert sensor_of({}) == Sensor(36.0, 24.0)
    macro = lens_of({"lens": {"preset": "macro_100", "aperture": 8, "focus_distance_m": 0.4}})
    assert macro == Lens(100, 8, "macro lens", focus_distance_m=0.4, widest=2.8)
    other = lens_of({"lens": {"preset": "anamorphic_50", "focal_length_mm": 85}})
    assert (other.focal_length_mm, other.aperture, other.kind, other.squeeze) == (85, 1.9, None, 1.0)
    assert lens_of({"lens": {"preset": "fisheye_8"}}).fisheye


@pytest.mark.parametrize(
    ("ratio", "size"),
    [(None, (36, 24)), (1.5, (36, 24)), (1, (24, 24)), (16 / 9, (36, 20.25)), (2 / 3, (24, 36)), (0.5, (18, 36))],
)
def test_the_used_part_of_the_sensor(ratio: float | None, size: tuple[float, float]) -> None:
    assert used_sensor_mm({}, ratio) == pytest.approx(size)


def test_a_ratio_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="ratio"):
        used_sensor_mm({}, math.nan)
