"""Optics against published figures and geometry; words in their order, none missing, none back and forth."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from studioflow.errors import StudioFlowError
from studioflow.studio import camera, lighting
from studioflow.studio.color import color_name
from studioflow.studio.optics import (
    circle_of_confusion_mm,
    equivalent_focal_length_mm,
    field_of_view_deg,
    frame_height_m,
    hyperfocal_m,
    sharp_limits_m,
)
from studioflow.studio.words import entries, signed_deg


def test_hyperfocal_of_the_textbook() -> None:
    # 50 mm at f/8 with a circle of confusion of 0.03 mm: 10 467 mm, the usual worked example.
    assert hyperfocal_m(50, 8, 0.03) == pytest.approx(10.467, abs=0.0005)


def test_field_of_view_of_makers_data_sheets() -> None:
    # Diagonal angles as Canon and Nikon print them for full-frame lenses.
    for focal, angle in ((24, 84.1), (35, 63.4), (50, 46.8), (85, 28.6), (100, 24.4), (200, 12.3)):
        assert field_of_view_deg(math.hypot(36, 24), focal) == pytest.approx(angle, abs=0.06)


def test_circle_of_confusion_and_crop() -> None:
    assert circle_of_confusion_mm(36, 24) == pytest.approx(0.030, abs=0.0001)
    assert equivalent_focal_length_mm(56, 23.5, 15.6) == pytest.approx(85.9, abs=0.1)


@pytest.mark.parametrize("focal", [24, 50, 85, 200])
@pytest.mark.parametrize("aperture", [1.4, 4, 16])
@pytest.mark.parametrize("distance", [0.5, 2, 10])
def test_at_its_limits_a_point_blurs_to_the_circle_of_confusion(focal: float, aperture: float, distance: float) -> None:
    def blur_mm(at_m: float) -> float:
        # Similar triangles behind a thin lens: the cone from the aperture, cut where the focused image lies.
        image = focal * distance * 1000 / (distance * 1000 - focal)
        other = focal * at_m * 1000 / (at_m * 1000 - focal)
        return focal / aperture * abs(image - other) / other

    near, far = sharp_limits_m(focal, aperture, 0.03, distance)
    assert near < distance < far
    assert blur_mm(near) == pytest.approx(0.03, rel=1e-6)
    assert math.isinf(far) or blur_mm(far) == pytest.approx(0.03, rel=1e-6)


def test_frame_height() -> None:
    # 24 mm of sensor behind 50 mm see about 0.46 m of a wall a metre away.
    assert frame_height_m(50, 24, 1) == pytest.approx(0.456, abs=0.001)


def test_focus_inside_the_lens_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="focus closer"):
        camera.caption_fields({"lens": {"focal_length_mm": 200, "aperture": 4, "focus_distance_m": 0.1}})


def test_camera_on_its_target_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="stands at the point"):
        camera.caption_fields({"pose": {"position_m": [1, 1, 1], "look_at_m": [1, 1, 1]}})


@pytest.mark.parametrize(("azimuth", "elevation"), [(30, 20), (-120, -35), (179, 5)])
def test_pose_and_orbit_say_the_same(azimuth: float, elevation: float) -> None:
    a, e = math.radians(azimuth), math.radians(elevation)
    position = [2 * math.cos(e) * math.sin(a), 2 * math.sin(e), 2 * math.cos(e) * math.cos(a)]
    pose = camera.orbit_of({"pose": {"position_m": position, "look_at_m": [0, 0, 0]}})
    assert pose == pytest.approx({"azimuth_deg": azimuth, "elevation_deg": elevation, "distance_m": 2, "roll_deg": 0})


def test_words_of_a_known_camera() -> None:
    fields = camera.caption_fields(
        {
            "lens": {"preset": "portrait_85", "aperture": 1.4},
            "orbit": {"azimuth_deg": -40, "elevation_deg": 0, "distance_m": 2},
        }
    )
    assert list(fields) == ["depth_of_field", "focus", "camera_angle", "lens_focal_length"]
    assert fields["camera_angle"] == "eye-level, three-quarter view from the left"
    assert fields["lens_focal_length"] == "85mm portrait lens"
    assert "shallow" in fields["depth_of_field"]


def test_a_preset_keeps_its_kind_only_at_its_own_focal_length() -> None:
    def words(**lens: object) -> str:
        return camera.caption_fields({"lens": lens})["lens_focal_length"]

    assert words(preset="macro_100") == "100mm macro lens"
    assert words(preset="macro_100", focal_length_mm=50) == "50mm standard lens"


def sweep(words: Callable[[float], str], low: float, high: float, steps: int = 2000) -> list[str]:
    """The phrases met from low to high, each run once; asserts none is empty and none comes back."""
    phrases = [words(low + (high - low) * index / steps) for index in range(steps + 1)]
    assert all(phrases)
    runs = [phrases[0]] + [after for before, after in pairwise(phrases) if after != before]
    assert len(runs) == len(set(runs)), f"words come back: {runs}"
    return runs


def aperture(value: float) -> dict:
    return {"lens": {"focal_length_mm": 85, "aperture": value}, "orbit": {"distance_m": 2}}


@pytest.mark.parametrize(
    ("words", "low", "high", "least"),
    [
        (lambda v: camera.caption_fields(aperture(v))["depth_of_field"], 0.7, 64, 3),
        (lambda v: camera.caption_fields(aperture(v))["focus"], 0.7, 64, 3),
        (lambda v: camera.caption_fields({"orbit": {"elevation_deg": v}})["camera_angle"], -90, 90, 6),
        (lambda v: camera.caption_fields({"orbit": {"azimuth_deg": v}})["camera_angle"], 0, 180, 5),
        (lambda v: camera.caption_fields({"orbit": {"roll_deg": v}})["camera_angle"], 0, 90, 3),
        (
            lambda v: camera.caption_fields({"lens": {"focal_length_mm": v}})["lens_focal_length"].split("mm ")[1],
            1,
            2000,
            7,
        ),
        (lambda v: key(azimuth_deg=v)["direction"], 0, 180, 5),
        (lambda v: key(elevation_deg=v)["direction"], -90, 90, 4),
        (lambda v: key(distance_m=v)["shadows"], 0.2, 30, 4),
        (lambda v: key(color_temperature_k=v)["conditions"], 1000, 20000, 6),
        (lambda v: with_fill(v)["shadows"], 0, 1, 4),
    ],
    ids=[
        "aperture", "focus", "elevation", "azimuth", "roll", "focal length",
        "light azimuth", "light elevation", "light distance", "kelvin", "fill",
    ],
)  # fmt: skip
def test_words_follow_the_number_in_order(words: Callable[[float], str], low: float, high: float, least: int) -> None:
    assert len(sweep(words, low, high)) >= least


def key(**light: float) -> dict[str, str]:
    return lighting.caption_fields({"lights": [{"role": "key", **light}]})


def with_fill(intensity: float) -> dict[str, str]:
    return lighting.caption_fields({"lights": [{"role": "key"}, {"role": "fill", "intensity": intensity}]})


def test_left_and_right_mirror() -> None:
    left, right = (" ".join(key(azimuth_deg=side * 70).values()) for side in (-1, 1))
    assert left.replace("left", "?").replace("right", "left").replace("?", "right") == right


def test_light_from_the_right_throws_its_shadow_to_the_left() -> None:
    fields = key(azimuth_deg=90, elevation_deg=30)
    assert fields["direction"].startswith("side-lit from the right") and "falling to the left" in fields["shadows"]


@pytest.mark.parametrize("name", list(entries("setups")))
def test_every_setup_gives_all_three_fields(name: str) -> None:
    assert set(lighting.caption_fields({"setup": name})) == {"conditions", "direction", "shadows"}


def test_key_to_fill_ratio_in_stops() -> None:
    assert lighting.key_to_fill_stops([{"role": "key"}, {"role": "fill", "intensity": 0.25}]) == pytest.approx(2)


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


def test_of_height_and_side_only_what_is_said_is_named() -> None:
    def angle(**orbit: float) -> str:
        return camera.caption_fields({"orbit": orbit})["camera_angle"]

    assert angle(elevation_deg=-20) == "low angle"
    assert angle(azimuth_deg=45) == "three-quarter view from the right"
    assert angle(elevation_deg=-20, azimuth_deg=0) == "low angle, frontal view"
    assert angle(distance_m=2) == "eye-level, frontal view"
