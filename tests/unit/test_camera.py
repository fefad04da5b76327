"""Camera numbers to words: tables that agree with their schemas, framing, and words in order over every range."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.caption import derive
from studioflow.errors import StudioFlowError
from studioflow.resources import shipped, table
from studioflow.studio import camera, framing
from studioflow.studio.placement import Orbit, axes_of, orbit_to_pose
from studioflow.studio.words import entries

from .sweeps import sweep

Camera = dict[str, Any]
BOTTLE = {"size_m": [0.08, 0.3, 0.08]}
SHEET = {"size_m": [0.3, 0.4, 0.001]}
CAN = {"size_m": [0.066, 0.115, 0.066]}
PERSON = {"size_m": [0.5, 1.75, 0.3], "pose": "standing"}
STOPS = (1.4, 2, 2.8, 4, 5.6, 8, 11, 16)


@pytest.mark.parametrize("name", ["sensors", "lenses"])
def test_tables_are_as_their_schemas_say(name: str) -> None:
    schema = json.loads((shipped("schemas") / f"{name}.schema.json").read_text("utf-8"))
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(schema)
    rows = table(f"studio/{name}.json")
    assert [error.message for error in validator.iter_errors(rows)] == []
    key = next(iter(entries(name)))
    for bad in ({"title": ""}, {"width_mm": 0, "focal_length_mm": 0}, {"sauce": "x"}, {"source": ""}):
        assert not validator.is_valid(rows | {key: rows[key] | bad})
    assert not validator.is_valid(rows | {key: {}})


def test_there_is_a_choice_of_sensors_and_lenses() -> None:
    assert len(entries("sensors")) >= 15 and len(entries("lenses")) >= 30
    assert all(row["width_mm"] >= row["height_mm"] for row in entries("sensors").values())


def test_a_lens_has_the_focal_length_of_its_title_and_its_model() -> None:
    for key, row in entries("lenses").items():
        title_mm = float(row["title"].split(" mm")[0])
        assert title_mm == pytest.approx(row["focal_length_mm"], abs=0.5), key
        assert key.endswith(f"_{title_mm:g}"), key


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
    assert lens_words(preset="macro_100") == "100mm macro lens"
    assert lens_words(preset="macro_100", focal_length_mm=50) == "50mm standard lens"


def test_an_anamorphic_lens_is_called_by_the_view_of_its_desqueezed_frame() -> None:
    # Super 35 and 2×: 56.5 × 18.17 mm, so 50 mm sees what 36.5 mm sees on full frame; photographers say 35.
    anamorphic = {"sensor": "super_35", "lens": {"preset": "anamorphic_50"}}
    assert camera.caption_fields(anamorphic)["lens_focal_length"] == "35mm anamorphic lens"


def test_an_aperture_alone_says_nothing() -> None:
    assert camera.caption_fields({"lens": {"aperture": 2.8}}, BOTTLE) == {}


def test_focus_inside_the_lens_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="focus closer") as caught:
        camera.caption_fields({"lens": {"focal_length_mm": 200, "aperture": 4, "focus_distance_m": 0.1}})
    assert "/camera/lens/focus_distance_m" in str(caught.value)
    with pytest.raises(StudioFlowError, match="focus closer"):
        camera.caption_fields({"lens": {"focal_length_mm": 200, "aperture": 4}, "orbit": {"distance_m": 0.2}}, BOTTLE)


def test_of_height_and_side_only_what_is_said_is_named() -> None:
    def angle(**orbit: float) -> str:
        return camera.caption_fields({"orbit": orbit})["camera_angle"]

    assert angle(elevation_deg=-20) == "low angle"
    assert angle(azimuth_deg=45) == "three-quarter view from the right"
    assert angle(elevation_deg=-20, azimuth_deg=0) == "low angle, frontal view"
    assert angle(distance_m=2) == "eye-level, frontal view"


def shot(focal: float = 85, aperture: float = 4, distance: float = 1, **more: Any) -> Camera:
    lens = {"focal_length_mm": focal, "aperture": aperture} | {
        key: more.pop(key) for key in ("focus_distance_m",) if key in more
    }
    return {"lens": lens, "orbit": {"distance_m": distance, **more}}


def lens_words(**lens: Any) -> str:
    return camera.caption_fields({"lens": lens})["lens_focal_length"]


def said(made: Camera, subject: dict[str, Any] | None, *fields: str) -> str:
    words = camera.caption_fields(made, subject)
    return " | ".join(words[field] for field in fields)


def cube(side: float) -> dict[str, Any]:
    return {"size_m": [side, side, side]}


def thing(height: float) -> dict[str, Any]:
    return {"size_m": [height / 4, height, height / 4]}


Words = Callable[[float], str]
SWEEPS: dict[str, tuple[Words, float, float, int]] = {
    "elevation": (lambda v: said({"orbit": {"elevation_deg": v}}, None, "camera_angle"), -90, 90, 6),
    "azimuth": (lambda v: said({"orbit": {"azimuth_deg": v}}, None, "camera_angle"), 0, 180, 5),
    "azimuth to the left": (lambda v: said({"orbit": {"azimuth_deg": v}}, None, "camera_angle"), -179.9, -0.1, 5),
    "roll": (lambda v: said({"orbit": {"roll_deg": v}}, None, "camera_angle"), 0, 180, 4),
    "roll to the left": (lambda v: said({"orbit": {"roll_deg": v}}, None, "camera_angle"), -180, 0, 4),
    "facing": (lambda v: said({"orbit": {}}, {"facing_deg": v}, "camera_angle"), 0.1, 180, 5),
    "focal length, its words": (lambda v: lens_words(focal_length_mm=v).split("mm ")[1], 1, 2000, 7),
    "focal length, its number": (lambda v: lens_words(focal_length_mm=v).split("mm ")[0], 8, 135, 20),
    "depth of field by focal length": (lambda v: said(shot(v), None, "depth_of_field"), 1, 900, 7),
    "focus by focal length of a bottle": (lambda v: said(shot(v), BOTTLE, "focus"), 1, 900, 7),
    **{
        f"{field} by aperture, {name}": (
            lambda v, field=field, subject=subject, d=distance: said(shot(85, v, d), subject, field), 0.7, 64, least
        )
        for field in ("depth_of_field", "focus")
        for name, subject, distance, least in (
            ("no size", None, 1, 6), ("bottle", BOTTLE, 1.5, 6), ("person", PERSON, 4, 5), ("sheet", SHEET, 1, 5),
        )
    },
    **{
        f"{field} by distance, {name}": (
            lambda v, field=field, subject=subject: said(shot(50, 2.8, v), subject, field), 0.1, 60, least
        )
        for field in ("depth_of_field", "focus")
        for name, subject, least in (("no size", None, 7), ("bottle", BOTTLE, 6), ("person", PERSON, 7))
    },
    **{
        f"{field} by focus distance, {name}": (
            lambda v, field=field, subject=subject, n=n: said(shot(85, n, 2, focus_distance_m=v), subject, field),
            0.1, 12, least,
        )
        for field, least in (("depth_of_field", 3), ("focus", 6))
        for name, subject, n in (
            ("no size", None, 4), ("bottle", BOTTLE, 8), ("person", PERSON, 1.4), ("person stopped down", PERSON, 16),
        )
    },
    **{
        f"{field} by subject size": (lambda v, field=field, n=n: said(shot(85, n, 3), cube(v), field), 0.005, 5, least)
        for field, n, least in (("depth_of_field", 22, 2), ("focus", 4, 6))
    },
    "shot size of a thing by its size": (lambda v: framing.shot_size(shot(50, 4, 3), thing(v), 1.5), 0.02, 5.9, 7),
    "shot size of a thing by distance": (lambda v: framing.shot_size(shot(50, 4, v), BOTTLE, 0.8), 0.06, 40, 7),
    "shot size of a thing by focal length": (lambda v: framing.shot_size(shot(v, 4, 3), BOTTLE, 1), 1, 900, 7),
    "shot size of a person by distance": (lambda v: framing.shot_size(shot(50, 4, v), PERSON, 0.8), 0.2, 40, 8),
    "shot size of a person by focal length": (lambda v: framing.shot_size(shot(v, 4, 5), PERSON, 1.5), 4, 1200, 8),
}  # fmt: skip


@pytest.mark.parametrize("name", SWEEPS)
def test_words_follow_the_number_in_order(name: str) -> None:
    words, low, high, least = SWEEPS[name]
    assert len(sweep(words, low, high, name=name)) >= least


def shallowness(text: str) -> int:
    """How far down the tables of bands the words stand; those for a subject that is sharp in part lie between."""
    whole, partly = (
        [row["words"] for row in table("studio/camera_words.json")[f"depth_of_field_{group}"]["bands"]]
        for group in ("by_blur", "partly_sharp_by_blur")
    )
    return [*whole[:2], *partly].index(text)


@given(
    st.floats(10, 400),
    st.floats(0.7, 64),
    st.floats(0.7, 64),
    st.floats(0.5, 30),
    st.sampled_from([None, BOTTLE, PERSON]),
)
def test_opening_the_aperture_never_says_deeper(f: float, one: float, other: float, d: float, subject: Any) -> None:
    wide, small = sorted((one, other))
    open_, stopped = (said(shot(f, n, d), subject, "depth_of_field") for n in (wide, small))
    assert shallowness(open_) >= shallowness(stopped)


@pytest.mark.parametrize(
    ("focal", "distance", "subject"),
    [(85, 1, None), (85, 1, BOTTLE), (100, 0.6, CAN), (50, 0.8, None), (85, 2, None), (135, 3, None), (105, 2, BOTTLE)],
)
def test_a_whole_stop_moves_a_word(focal: float, distance: float, subject: dict[str, Any] | None) -> None:
    said_by_stop = [said(shot(focal, stop, distance), subject, "depth_of_field", "focus") for stop in STOPS]
    moved = sum(one != other for one, other in pairwise(said_by_stop))
    print(f"{focal} mm at {distance} m: {moved} of {len(STOPS) - 1} stops move a word")
    assert moved >= len(STOPS) - 3
    assert said(shot(focal, 4, distance), subject, "depth_of_field") != said(
        shot(focal, 8, distance), subject, "depth_of_field"
    )


def test_the_same_millimetres_are_much_on_a_ring_and_little_on_a_car() -> None:
    made = shot(85, 8, 3)
    ring, car = (camera.sharpness_of(made, cube(side)) for side in (0.02, 1.8))
    assert ring and car
    assert ring.near_m == car.near_m and ring.far_m == car.far_m and ring.blur == car.blur
    assert ring.part == 1.0 and car.part == pytest.approx((car.far_m - car.near_m) / 1.8)
    assert said(made, cube(0.02), "focus").startswith("whole subject in sharp focus")
    assert said(made, cube(1.8), "focus") == "sharp focus on the near side of the subject, its far side soft"


def test_the_depth_that_counts_is_that_along_the_view() -> None:
    table_top = {"size_m": [1.6, 0.75, 0.8]}
    front, end, above = (framing.extent_of(table_top, *angles) for angles in ((0.0, 0.0), (90.0, 0.0), (0.0, 90.0)))
    assert (front, end) == (pytest.approx((1.6, 0.75, 0.8)), pytest.approx((0.8, 0.75, 1.6)))
    assert above == pytest.approx((1.6, 0.8, 0.75))
    assert framing.extent_of(table_top | {"facing_deg": 90}, 90.0) == pytest.approx((1.6, 0.75, 0.8))
    assert framing.extent_of({"description": "a table"}) is None


@pytest.mark.parametrize(
    ("focus", "expected"),
    [
        (0.8, "focus in front of the subject, subject strongly blurred"),
        (1.93, "focus in front of the subject, subject slightly soft"),
        (2.09, "focus behind the subject, subject slightly soft"),
        (6, "focus behind the subject, subject strongly blurred"),
    ],
)
def test_a_focus_beside_the_subject_is_told(focus: float, expected: str) -> None:
    thin = {"size_m": [0.3, 0.4, 0.02]}
    made = shot(85, 2, 2, focus_distance_m=focus)
    assert said(made, thin, "focus") == expected
    slight = "behind" in expected and "slightly" in expected
    assert ("subject slightly soft" if slight else "blurred") in said(made, thin, "depth_of_field")
    # Optics alone: the subject's nearer or farther side lies outside the limits.
    sharp = camera.sharpness_of(made, thin)
    assert sharp and (sharp.far_m < 1.99 or sharp.near_m > 2.01)


def test_focus_on_the_subject_says_the_same_given_or_not() -> None:
    for subject in (None, BOTTLE, PERSON):
        assert said(shot(85, 4, 2, focus_distance_m=2), subject, "focus") == said(shot(85, 4, 2), subject, "focus")


def test_a_sharp_zone_that_reaches_into_the_subject_is_told() -> None:
    deep = cube(1.0)
    assert "just in front" in said(shot(50, 8, 3, focus_distance_m=2.3), deep, "focus")
    assert "just behind" in said(shot(50, 8, 3, focus_distance_m=3.7), deep, "focus")


@pytest.mark.parametrize(
    ("focal", "distance", "size"),
    [
        # A standing person of 1.75 m on an upright 2:3 picture (36 mm high), from the face to a figure in a landscape.
        (200, 1.4, "extreme close-up"),
        (135, 1.5, "close-up"),
        (85, 1.4, "medium close-up"),
        (85, 1.9, "medium shot"),
        (85, 2.7, "medium full shot"),
        (50, 2.8, "full shot"),
        (35, 5, "wide shot"),
        (24, 12, "extreme wide shot"),
    ],
)
def test_shot_sizes_of_a_person(focal: float, distance: float, size: str) -> None:
    assert framing.shot_size(shot(focal, 4, distance), PERSON, 2 / 3).split(", ")[0] == size


@pytest.mark.parametrize(
    ("part", "sizes"),
    [
        # Parts of a body of 7.5 heads that the frame's height covers, with where the textbooks cut it.
        (0.9 / 7.5, {"extreme close-up"}),  # less than the head
        (1.5 / 7.5, {"close-up"}),  # head and neck
        (2.3 / 7.5, {"medium close-up"}),  # to the chest
        (3.6 / 7.5, {"medium shot"}),  # to the waist
        (5.5 / 7.5, {"medium full shot"}),  # to the knees
        (8.0 / 7.5, {"full shot"}),  # all of it, with room
        (2.5, {"wide shot"}),
        (6.0, {"extreme wide shot"}),
    ],
)
def test_the_frame_cuts_the_body_where_textbooks_cut_it(part: float, sizes: set[str]) -> None:
    # On 36 × 24 mm lying, a frame of h metres at s: h = 24 (s - f) / f.
    height = 1.75 * part
    distance = 0.05 * (height / 0.024 + 1)
    frame = framing.frame_at(shot(50), 1.5, distance)
    assert frame and frame.height_m == pytest.approx(height)
    assert framing.shot_size(shot(50, 4, distance), PERSON, 1.5).split(", ")[0] in sizes


def test_fill_of_known_geometry() -> None:
    # 50 mm on 36 × 24 mm sees 0.456 m of height a metre away; the sensor turns upright with the picture.
    assert framing.frame_at(shot(50), 1.5, 1) == pytest.approx((0.684, 0.456))
    assert framing.frame_at(shot(50), 2 / 3, 1) == pytest.approx((0.456, 0.684))
    assert framing.frame_at(shot(50), 1.0, 1) == pytest.approx((0.456, 0.456))
    assert framing.fill_of(shot(50), {"size_m": [0.342, 0.228, 0.1]}, 1.5) == pytest.approx((0.5, 0.5))
    assert framing.fill_of(shot(50), {"size_m": [0.342, 0.228, 0.1]}, 1.5, 1.95) == pytest.approx((0.25, 0.25))
    squeezed = {"sensor": "super_35", "lens": {"preset": "anamorphic_50"}, "orbit": {"distance_m": 3}}
    assert framing.frame_at(squeezed, 3.0, 3) == pytest.approx((3.0 * 18.17 * 2.95 / 50, 18.17 * 2.95 / 50))


@pytest.mark.parametrize(
    ("made", "subject"),
    [
        (shot(50), {"description": "a cup"}),
        ({"lens": {"focal_length_mm": 50}}, BOTTLE),
        ({"orbit": {"distance_m": 2}}, BOTTLE),
        (shot(200, 4, 0.15), BOTTLE),
        ({"lens": {"preset": "fisheye_8"}, "orbit": {"distance_m": 1}}, BOTTLE),
    ],
    ids=["no size", "no placement", "no lens", "nearer than its focal length", "fisheye"],
)
def test_no_shot_size_where_something_to_know_it_by_is_missing(made: Camera, subject: dict[str, Any]) -> None:
    assert framing.shot_size(made, subject, 1.5) == ""


def test_perspective_goes_by_distance_and_only_the_long_lens_compresses() -> None:
    car = {"size_m": [1.8, 1.4, 4.5]}
    assert framing.perspective(shot(24, 8, 4), car) == "exaggerated foreshortened perspective"
    assert framing.perspective(shot(200, 8, 4), car) == "exaggerated foreshortened perspective"
    assert framing.perspective(shot(85, 8, 20), car) == ""
    assert framing.perspective(shot(85, 2, 1.5), PERSON) == ""  # the usual distance of a portrait
    assert framing.perspective(shot(28, 2, 0.5), PERSON) == "slightly exaggerated perspective"
    assert framing.perspective(shot(400, 8, 150), car) == "compressed perspective"
    assert framing.perspective(shot(24, 8, 150), car) == ""
    assert framing.perspective(shot(200, 8, 150), {"size_m": [3, 2, 0.01]}) == ""
    assert framing.depth_ratio(shot(50, 8, 4), car) == pytest.approx(6.25 / 1.75)
    assert framing.depth_ratio(shot(50, 8, 2), car) == math.inf
    assert framing.shot_size(shot(24, 8, 4), car, 1.5).endswith(", exaggerated foreshortened perspective")


CAR = {"size_m": [1.8, 1.4, 4.5]}
VASE = {"size_m": [0.2, 0.4, 0.2]}
STANDING = {"size_m": [0.5, 1.7, 0.3], "pose": "standing"}
LYING = {"size_m": [1.75, 0.3, 0.5], "pose": "lying"}


def test_a_long_lens_blurs_what_is_behind_however_far_away_it_focuses() -> None:
    made = shot(600, 4, 100)
    sharp = camera.sharpness_of(made, STANDING)
    # Optics alone: the person is sharp, and infinity becomes m f / N = 0.6 / 99.4 × 150 mm on a height of 24 mm.
    assert sharp and sharp.part == 1.0 and sharp.far_m < 104
    assert sharp.blur == pytest.approx(0.6 / 99.4 * 150 / 24)
    assert said(made, STANDING, "depth_of_field") == "shallow, background softly blurred"
    assert said(made, STANDING, "focus") == "whole subject in sharp focus, soft background"


@given(
    st.floats(8, 800), st.floats(0.7, 64), st.floats(0.9, 500), st.sampled_from([None, BOTTLE, PERSON, CAR]),
    st.sampled_from(list(entries("sensors"))),
)  # fmt: skip
def test_everything_is_sharp_only_where_infinity_nearly_is(f: float, n: float, d: float, subject: Any, on: str) -> None:
    made = shot(f, n, d) | {"sensor": on}
    sharp, words = camera.sharpness_of(made, subject), said(made, subject, "depth_of_field", "focus")
    assert sharp
    if "front to back" in words or "everything in sharp focus" in words:
        assert sharp.blur < 0.004 and sharp.part in (None, 1.0)
    if math.isinf(sharp.far_m):
        assert not {"blurred", "bokeh", "soft background", "very soft background"} & set(words.split(", "))
        assert sharp.part != 1.0 or "everything in sharp focus" in words


@given(st.floats(8, 800), st.floats(0.7, 64), st.floats(0.9, 100), st.floats(0.01, 20), st.floats(-1, 1))
def test_a_subject_that_is_not_sharp_as_a_whole_is_never_deep(f: float, n: float, d: float, a: float, o: float) -> None:
    made = shot(f, n, d, focus_distance_m=max(d + o * a, 0.85))
    words, sharp = camera.caption_fields(made, cube(a)), camera.sharpness_of(made, cube(a))
    assert sharp and sharp.front_m is not None and sharp.back_m is not None
    whole = sharp.near_m <= sharp.front_m and sharp.back_m <= sharp.far_m
    assert words["focus"].startswith(("whole subject", "everything")) == whole
    if not whole:
        assert not words["depth_of_field"].startswith(("deep, ", "moderately deep"))


def test_a_car_that_is_sharp_in_part_is_moderate() -> None:
    assert said(shot(85, 16, 5), CAR, "depth_of_field") == "moderate, background almost sharp"
    assert said(shot(85, 16, 5), CAR, "focus").startswith("most of the subject in sharp focus")


def test_where_the_sharp_zone_ends_within_the_subject_its_soft_side_is_named() -> None:
    deep = cube(2.0)
    assert "its far side" in said(shot(50, 4, 4, focus_distance_m=3.3), deep, "focus")
    assert "its near side" in said(shot(50, 4, 4, focus_distance_m=4.8), deep, "focus")


# ---------------------------------------------------------------- a subject elsewhere than where the camera looks


def aimed(target: list[float], f: float = 85, n: float = 1.4, **orbit: float) -> Camera:
    return {"lens": {"focal_length_mm": f, "aperture": n}, "orbit": {"target_m": target, **orbit}}


def test_a_subject_in_front_of_the_target_is_measured_where_it_stands() -> None:
    made = aimed([0, 0, -8], distance_m=10)
    sharp = camera.sharpness_of(made, VASE)
    assert sharp and sharp.focus_m == 10
    assert (sharp.front_m, sharp.back_m) == (pytest.approx(1.9), pytest.approx(2.1))
    assert said(made, VASE, "focus") == "focus behind the subject, subject strongly blurred"
    near = aimed([0, 0.2, 0], distance_m=2)
    assert framing.shot_size(made, VASE, 1.5) == framing.shot_size(near, VASE, 1.5) != ""
    assert framing.fill_of(made, VASE, 1.5) == pytest.approx(framing.fill_of(near, VASE, 1.5))
    assert framing.depth_ratio(made, VASE) == pytest.approx(framing.depth_ratio(near, VASE))


@given(st.floats(-180, 180), st.floats(-80, 80), st.floats(1, 50), st.lists(st.floats(-5, 5), min_size=3, max_size=3))
def test_the_distance_along_the_view_is_that_of_the_exact_pose(a: float, e: float, d: float, at: list[float]) -> None:
    made = {"orbit": {"azimuth_deg": a, "elevation_deg": e, "distance_m": d, "target_m": at}}
    x, y = math.radians(a), math.radians(e)
    back = [math.cos(y) * math.sin(x), math.sin(y), math.cos(y) * math.cos(x)]
    position = [one + d * other for one, other in zip(at, back, strict=True)]
    # The vase's middle is 0.2 m above the origin; the view runs against `back`.
    along = sum((p - m) * b for p, m, b in zip(position, [0, 0.2, 0], back, strict=True))
    place = framing.place_of(made, VASE)
    assert place and place[2] == pytest.approx(along, abs=1e-6)
    assert math.hypot(*place) == pytest.approx(math.dist(position, [0, 0.2, 0]), abs=1e-6)
    posed = framing.place_of({"pose": {"position_m": position, "look_at_m": at}}, VASE)
    assert posed == pytest.approx(place, abs=1e-4)


def test_of_a_subject_at_the_camera_s_back_nothing_is_said() -> None:
    made = aimed([0, 0, -8], n=4, distance_m=5)
    assert framing.place_of(made, VASE) == pytest.approx((0, 0.2, -3)) and framing.distance_of(made, VASE) is None
    words = camera.caption_fields(made, VASE)
    assert "focus" not in words and "subject" not in words["depth_of_field"]
    assert framing.shot_size(made, VASE, 1.5) == "" and framing.depth_ratio(made, VASE) is None


def test_a_subject_beside_the_picture_has_no_shot_size() -> None:
    made = aimed([3, 0.2, 0], f=50, distance_m=2)
    assert framing.fill_of(made, VASE, 1.5) is not None and framing.shot_size(made, VASE, 1.5) == ""
    assert framing.shot_size(made, VASE | {"position_m": [3, 0, 0]}, 1.5) != ""


def test_a_subject_of_which_nothing_is_known_is_where_the_camera_looks() -> None:
    made = aimed([0, 1.5, 0], n=4, elevation_deg=45, distance_m=2)
    assert framing.distance_of(made, {"description": "a dancer"}) == 2


# ---------------------------------------------------------------- bodies that do not stand, and large things


def test_a_lying_body_goes_by_its_length() -> None:
    # 50 mm at 3 m sees 2.124 × 1.416 m: a body of 1.75 m lies in it whole, and nearly fills the width.
    assert framing.shot_size(shot(50, 4, 3), LYING, 1.5) == "full shot"
    along = framing.shot_size(shot(50, 4, 3, azimuth_deg=90), LYING, 1.5)
    assert along.split(", ")[0] in {"full shot", "medium full shot"}
    assert framing.shot_size(shot(50, 4, 12), LYING, 1.5) == "extreme wide shot"


def test_a_body_from_straight_above_is_no_small_figure() -> None:
    sizes = [framing.shot_size(shot(50, 4, d, elevation_deg=90), STANDING, 1.5).split(", ")[0] for d in (1.2, 2, 4, 14)]
    assert sizes == ["medium shot", "medium full shot", "wide shot", "extreme wide shot"]


@given(st.floats(0, 90), st.floats(1.5, 30), st.sampled_from([1.5, 1.0, 2 / 3]))
def test_raising_the_camera_keeps_a_standing_body_in_the_frame_it_had(e: float, d: float, ratio: float) -> None:
    rows = [row["words"] for row in table("studio/camera_words.json")["shot_size_of_a_person_by_height"]["bands"]]
    level, raised = (
        rows.index(framing.shot_size(shot(50, 4, d, elevation_deg=angle), STANDING, ratio).split(", ")[0])
        for angle in (0.0, e)
    )
    assert level - raised <= 1


@given(st.floats(10, 200), st.floats(0.5, 200), st.lists(st.floats(0.01, 60), min_size=3, max_size=3))
def test_a_thing_with_room_around_it_is_no_close_up(f: float, d: float, size: list[float]) -> None:
    fill = framing.fill_of(shot(f, 4, d), {"size_m": size}, 1.5)
    if fill and max(fill) < 0.8:
        assert "close-up" not in framing.shot_size(shot(f, 4, d), {"size_m": size}, 1.5)


def test_a_church_wholly_in_the_picture_is_no_close_up() -> None:
    # 24 mm sees 40 m of height from 40 m: the church takes three quarters of it.
    assert framing.shot_size(shot(24, 8, 40), {"size_m": [15, 30, 40]}, 1.5).startswith("medium shot")


# ---------------------------------------------------------------- straight down, upside down, and turned subjects


@pytest.mark.parametrize("elevation", [90.0, -90.0])
@given(azimuth=st.floats(-179, 180), roll=st.floats(-179, 180))
def test_straight_up_and_down_an_orbit_and_its_pose_say_the_same(elevation: float, azimuth: float, roll: float) -> None:
    turned = Orbit(azimuth, elevation, 2, roll, (0, 0.85, 0))
    pose = orbit_to_pose(turned)._asdict()
    orbit = {"azimuth_deg": azimuth, "elevation_deg": elevation, "distance_m": 2, "roll_deg": roll}
    lens = {"focal_length_mm": 50, "aperture": 4}
    one, other = ({"lens": lens, "orbit": orbit}, {"lens": lens, "pose": pose})
    assert camera.caption_fields(one, STANDING) == camera.caption_fields(other, STANDING)
    assert camera.caption_fields(one)["camera_angle"] == angle_words(elevation)
    # What is up in the picture is what the azimuth alone must give.
    for made in (one, other):
        seen = camera.orbit_of(made)
        assert seen and seen["roll_deg"] == 0.0
        up = axes_of(azimuth, elevation, roll).up
        assert axes_of(seen["azimuth_deg"], elevation).up == pytest.approx(up, abs=1e-9)


def angle_words(elevation: float) -> str:
    return "top-down view, bird's-eye" if elevation > 0 else "worm's-eye view"


def test_no_roll_is_named_where_there_is_no_horizon() -> None:
    assert said({"orbit": {"elevation_deg": 70, "roll_deg": 90}}, None, "camera_angle") == angle_words(70)
    assert "dutch" in said({"orbit": {"elevation_deg": 60, "roll_deg": 90}}, None, "camera_angle")


@pytest.mark.parametrize("roll", [135, 180, -180, -150])
def test_a_camera_on_its_head_is_upside_down(roll: float) -> None:
    assert said({"orbit": {"roll_deg": roll}}, None, "camera_angle") == "eye-level, frontal view, upside down"


@given(st.floats(-180, 180), st.floats(-360, 360))
def test_the_side_seen_and_the_side_turned_to_agree(azimuth: float, facing: float) -> None:
    """A subject that is seen from its right shows its face turned to the left of the picture, and so on."""
    shown = {"description": "a singer", "facing_deg": facing}
    manifest = {"studioflow": "1.0", "scene": {"subjects": [shown]}, "camera": {"orbit": {"azimuth_deg": azimuth}}}
    caption = derive(manifest)
    angle = caption["photographic_characteristics"]["camera_angle"]
    turned = caption["objects"][0]["orientation"]
    pairs = {
        "frontal view": "facing the camera",
        "three-quarter view from the right": "three-quarter view, turned to the left",
        "three-quarter view from the left": "three-quarter view, turned to the right",
        "side view from the right": "in profile, facing left",
        "side view from the left": "in profile, facing right",
        "rear three-quarter view from the right": "turned away, three-quarter back view to the left",
        "rear three-quarter view from the left": "turned away, three-quarter back view to the right",
        "view from behind": "facing away from the camera, seen from behind",
    }
    assert pairs[angle] == turned


def test_a_turned_subject_is_drawn_by_hand() -> None:
    # The subject looks along +X; from +Z, where x runs to the right, its face shows to the right: its left is seen.
    assert said({"orbit": {"azimuth_deg": 0}}, {"facing_deg": 90}, "camera_angle") == "side view from the left"
    assert (
        said({"orbit": {"azimuth_deg": 45}}, {"facing_deg": 90}, "camera_angle") == "three-quarter view from the left"
    )
    assert said({"orbit": {"azimuth_deg": 0}}, {"facing_deg": 180}, "camera_angle") == "view from behind"


def test_from_40_mm_on_a_lens_is_standard() -> None:
    assert lens_words(preset="standard_40") == "40mm standard lens"
    for sensor, preset in (("large_format_8x10", "large_format_300"), ("large_format_4x5", "large_format_150")):
        words = camera.caption_fields({"sensor": sensor, "lens": {"preset": preset}})["lens_focal_length"]
        assert words.endswith("mm standard lens")
    named = {lens_words(focal_length_mm=step / 100) for step in range(3700, 4300)}
    assert not {words for words in named if words.startswith("40mm") and "standard" not in words}


def test_only_groups_that_say_so_have_an_empty_band() -> None:
    for name, group in table("studio/camera_words.json").items():
        if not name.startswith("_") and "bands" in group:
            empty = any(not row["words"] for row in group["bands"])
            assert empty == group.get("may_be_empty", False), name


POINT = st.lists(st.floats(-10000, 10000), min_size=3, max_size=3)
CAMERAS = st.fixed_dictionaries(
    {},
    optional={
        "sensor": st.sampled_from(list(entries("sensors"))),
        "lens": st.fixed_dictionaries(
            {},
            optional={
                "preset": st.sampled_from(list(entries("lenses"))),
                "focal_length_mm": st.floats(1, 2000),
                "aperture": st.floats(0.7, 64),
                "focus_distance_m": st.floats(1e-3, 10000),
            },
        ),
        "orbit": st.fixed_dictionaries(
            {},
            optional={
                "azimuth_deg": st.floats(-360, 360),
                "elevation_deg": st.floats(-90, 90),
                "distance_m": st.floats(1e-3, 10000),
                "roll_deg": st.floats(-180, 180),
            },
        ),
    },
)
POSED = st.fixed_dictionaries({"position_m": POINT, "look_at_m": POINT}, optional={"roll_deg": st.floats(-180, 180)})
SUBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "size_m": st.lists(st.floats(1e-4, 1000), min_size=3, max_size=3),
        "facing_deg": st.floats(-360, 360),
        "pose": st.just("standing"),
    },
)


@given(CAMERAS, st.none() | POSED, SUBJECTS, st.floats(0.2, 5))
def test_every_camera_has_words_or_one_clear_error(made: Camera, pose: Any, subject: Any, ratio: float) -> None:
    if pose is not None:
        made = {key: value for key, value in made.items() if key != "orbit"} | {"pose": pose}
    try:
        fields = camera.caption_fields(made, subject)
    except StudioFlowError as error:
        assert error.allowed and error.fix
        return
    assert all(text.strip(", ") == text and text for text in fields.values())
    assert framing.shot_size(made, subject, ratio).strip(", ") == framing.shot_size(made, subject, ratio)
    behind = framing.place_of(made, subject) is not None and framing.distance_of(made, subject) is None
    assert ("focus" in fields) == ("depth_of_field" in fields and not behind)
    assert ("camera_angle" in fields) == ("orbit" in made or "pose" in made)
