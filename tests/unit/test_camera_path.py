"""Camera moves: even steps, closed circles, a subject that keeps its size, curves through keyframes, honest errors."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import derive
from studioflow.edit.camera_path import path_manifests
from studioflow.errors import EditError, StudioFlowError
from studioflow.resources import table
from studioflow.studio.camera_path import EASINGS, MOVES, camera_path, eased, lights_for_path
from studioflow.studio.keyframes import parse_keyframes, through, tracks
from studioflow.studio.lens import lens_of
from studioflow.studio.light_captions import caption_fields
from studioflow.studio.placement import orbit_of, pose_of
from studioflow.studio.words import signed_deg

CAMERA: dict[str, Any] = {
    "sensor": "full_frame",
    "lens": {"focal_length_mm": 50, "aperture": 4},
    "orbit": {"azimuth_deg": 20, "elevation_deg": 15, "distance_m": 3, "target_m": [0, 1.2, 0]},
}
ARC = "0: azimuth 0, elevation 10, distance 2\n4: azimuth 60, distance 1.5\n10: azimuth 90, elevation 30, distance 3"


def manifest(**changes: Any) -> dict[str, Any]:
    return {
        "studioflow": "1.0",
        "scene": {"subjects": [{"description": "a cup", "size_m": [0.1, 0.2, 0.1]}]},
        "camera": CAMERA,
        "lighting": {"setup": "rembrandt"},
        "render": {"seed": 7},
        "meta": {"title": "Cup"},
    } | changes


def orbits(cameras: list[dict[str, Any]]) -> list[dict[str, float]]:
    return [orbit_of(camera) or {} for camera in cameras]


def pose(camera: dict[str, Any]) -> Any:
    found = pose_of(camera)
    assert found
    return found


def test_a_turntable_goes_round_once_in_equal_steps() -> None:
    azimuths = [orbit["azimuth_deg"] for orbit in orbits(camera_path(CAMERA, "turntable", frames=12))]
    assert azimuths[0] == 20
    assert len({round(azimuth, 6) for azimuth in azimuths}) == 12
    for before, behind in pairwise([*azimuths, azimuths[0]]):
        assert signed_deg(behind - before) == pytest.approx(30)


def test_part_of_a_turn_reaches_its_end() -> None:
    azimuths = [o["azimuth_deg"] for o in orbits(camera_path(CAMERA, "turntable", frames=5, start=-40, end=40))]
    assert azimuths == pytest.approx([-40, -20, 0, 20, 40])


def test_a_turntable_changes_nothing_but_the_azimuth() -> None:
    for camera in camera_path(CAMERA, "turntable", frames=7):
        assert camera["lens"] == CAMERA["lens"]
        assert camera["orbit"] | {"azimuth_deg": 20} == CAMERA["orbit"]


def test_a_crane_keeps_target_and_ground_distance_and_a_pedestal_the_view() -> None:
    start = pose(CAMERA)
    heights = []
    for camera in camera_path(CAMERA, "crane", frames=6, end=4):
        x, y, z = pose(camera).position_m
        heights.append(y)
        assert pose(camera).look_at_m == start.look_at_m
        assert math.hypot(x, z) == pytest.approx(math.hypot(start.position_m[0], start.position_m[2]))
    assert heights == pytest.approx([start.position_m[1] + (4 - start.position_m[1]) * i / 5 for i in range(6)])
    for camera in camera_path(CAMERA, "pedestal", frames=3, end=4):
        seen = {key: value for key, value in camera["orbit"].items() if key != "target_m"}
        assert seen == {key: value for key, value in CAMERA["orbit"].items() if key != "target_m"}
    assert pose(camera).position_m[1] == pytest.approx(4)


def test_a_dolly_stays_on_its_line_of_view() -> None:
    start = pose(CAMERA)
    for camera, distance in zip(camera_path(CAMERA, "dolly", frames=3, end=1), (3, 2, 1), strict=True):
        there = pose(camera)
        assert math.dist(there.position_m, there.look_at_m) == pytest.approx(distance)
        off = [
            a + (b - a) * distance / 3 - p
            for a, b, p in zip(start.look_at_m, start.position_m, there.position_m, strict=True)
        ]
        assert off == pytest.approx([0, 0, 0], abs=1e-8)


def test_a_zoom_grows_the_picture_by_equal_factors_and_places_nobody() -> None:
    cameras = camera_path({"lens": {"preset": "standard_50"}}, "zoom", frames=5, start=24, end=96)
    lengths = [lens_of(camera).focal_length_mm or 0 for camera in cameras]
    assert lengths[0] == 24
    assert lengths[-1] == pytest.approx(96)
    assert [b / a for a, b in pairwise(lengths)] == pytest.approx([2**0.5] * 4)
    assert not any("orbit" in camera for camera in cameras)


@settings(deadline=None)
@given(
    focal=st.floats(14, 300), distance=st.floats(1, 20), factor=st.floats(0.3, 3), easing=st.sampled_from([*EASINGS])
)
def test_a_dolly_zoom_keeps_the_size_of_the_subject(focal: float, distance: float, factor: float, easing: str) -> None:
    camera = {"lens": {"focal_length_mm": focal, "focus_distance_m": distance}, "orbit": {"distance_m": distance}}
    for frame in camera_path(camera, "dolly_zoom", frames=9, end=distance * factor, easing=easing):
        lens = lens_of(frame)
        length = (lens.focal_length_mm or 0) / 1000
        magnification = length / (frame["orbit"]["distance_m"] - length)
        assert magnification == pytest.approx(focal / 1000 / (distance - focal / 1000), rel=1e-6)
        assert lens.focus_distance_m == frame["orbit"]["distance_m"]


def test_a_given_focus_distance_stays_in_other_moves() -> None:
    camera = CAMERA | {"lens": CAMERA["lens"] | {"focus_distance_m": 2.5}}
    for move in ("turntable", "dolly", "crane", "zoom"):
        assert all(one["lens"]["focus_distance_m"] == 2.5 for one in camera_path(camera, move, frames=4))
    assert all("focus_distance_m" not in one["lens"] for one in camera_path(CAMERA, "dolly_zoom", frames=4))


def test_an_arc_meets_every_keyframe_and_goes_beyond_none() -> None:
    cameras = camera_path(CAMERA, "arc", frames=11, keyframes=ARC)
    seen = orbits(cameras)
    for frame, (azimuth, distance) in {0: (0, 2), 4: (60, 1.5), 10: (90, 3)}.items():
        assert seen[frame]["azimuth_deg"] == pytest.approx(azimuth)
        assert seen[frame]["distance_m"] == pytest.approx(distance)
    assert [orbit["elevation_deg"] for orbit in (seen[0], seen[10])] == [10, 30]
    assert all(a["azimuth_deg"] < b["azimuth_deg"] for a, b in pairwise(seen))
    assert min(orbit["distance_m"] for orbit in seen) == 1.5
    assert all(camera["lens"] == CAMERA["lens"] for camera in cameras)


# SciPy takes its time when it is imported.
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.floats(-100, 100)), min_size=2, max_size=7),
    st.floats(0, 1),
)
def test_curves_are_scipys_monotone_cubics(steps: list[tuple[int, float]], part: float) -> None:
    interpolate = pytest.importorskip("scipy.interpolate")
    moments = [float(sum(step for step, _ in steps[: i + 1])) for i in range(len(steps))]
    values = [round(value, 3) for _, value in steps]
    moment = moments[0] + (moments[-1] - moments[0]) * part
    expected = float(interpolate.PchipInterpolator(moments, values)(moment))
    assert through(list(zip(moments, values, strict=True)), moment) == pytest.approx(expected, abs=1e-6)


def test_azimuths_go_the_shorter_way_or_as_given() -> None:
    text = "0: azimuth 170\n100%: azimuth -170"
    short = [o["azimuth_deg"] for o in orbits(camera_path(CAMERA, "arc", frames=3, keyframes=text))]
    given = [o["azimuth_deg"] for o in orbits(camera_path(CAMERA, "arc", frames=3, keyframes=text, way="as given"))]
    assert short == [170, 180, -170]
    assert given == [170, 0, -170]


def test_keyframes_may_leave_values_out_and_name_parts_of_the_path() -> None:
    text = "# a comment\n\n0: focal length 35 mm, roll = 0\n50%: distance 4\n100%: focal_length 85, roll: 5"
    curves = tracks(parse_keyframes(text), 21, "shortest")
    assert curves == {
        "focal_length_mm": [(0, 35), (20, 85)],
        "roll_deg": [(0, 0), (20, 5)],
        "distance_m": [(10, 4)],
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs keyframes"),
        ("0: azimuth 0\nazimuth 5", "line 2"),
        ("0: azimuth 0\n3: azimut 5", 'did you mean "azimuth"'),
        ("0: azimuth 0\n3: azimuth", "a name and a number"),
        ("0: azimuth 0, azimuth 3", "twice"),
        ("0: azimuth 0\n9: azimuth 5", "outside the path"),
        ("3: azimuth 0\n2: azimuth 5", "must follow"),
        ("0: azimuth 0\n0%: azimuth 5", "must follow"),
        ("0: azimuth 0\n101%: azimuth 5", "line 2"),
        ("\n".join(f"{i}: azimuth 0" for i in range(101)), "too many"),
        ("0: distance 0", "frame 0 of the path, orbit.distance_m"),
        ("0: elevation 80\n4: elevation 95", "orbit.elevation_deg"),
    ],
)
def test_bad_keyframes_are_told_by_their_line(text: str, message: str) -> None:
    with pytest.raises(EditError) as caught:
        camera_path(CAMERA, "arc", frames=5, keyframes=text)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", [*EASINGS])
def test_easings_begin_at_0_end_at_1_and_never_turn_back(name: str) -> None:
    values = [eased(name, i / 500) for i in range(501)]
    assert values[0] == 0
    assert values[-1] == 1
    assert all(a < b for a, b in pairwise(values))
    slow = {"ease_in": (True, False), "ease_out": (False, True), "ease_in_out": (True, True)}.get(name, (False, False))
    assert (values[1] < 1 / 1000, 1 - values[-2] < 1 / 1000) == slow


@pytest.mark.parametrize("move", [move for move in MOVES if move != "arc"])
def test_every_move_works_with_defaults_alone_and_begins_where_the_camera_is(move: str) -> None:
    cameras = camera_path(CAMERA, move, frames=5)
    assert orbits(cameras)[0] == pytest.approx(orbit_of(CAMERA))
    assert len({str(camera) for camera in cameras}) == 5
    assert len(camera_path(CAMERA, move, frames=1)) == 1


def test_the_table_of_moves_is_the_menu() -> None:
    assert tuple(table("studio/camera_moves.json")["moves"]) == MOVES


def test_a_path_without_a_shot_makes_one() -> None:
    frames = path_manifests(None, "turntable", frames=12)
    assert [orbit_of(frame["camera"])["azimuth_deg"] for frame in frames[:3]] == [0, 30, 60]


def test_a_pose_becomes_the_orbit_round_its_target() -> None:
    given = {"pose": {"position_m": [1, 1.5, 2], "look_at_m": [0, 1, 0.2], "roll_deg": 5}}
    first = camera_path(given, "turntable", frames=4)[0]
    assert "pose" not in first
    assert first["orbit"]["roll_deg"] == 5
    assert pose(first).position_m == pytest.approx([1, 1.5, 2])
    assert list(pose(first).look_at_m) == [0, 1, 0.2]


@pytest.mark.parametrize(
    ("move", "numbers", "message"),
    [
        ("turntabel", {}, 'did you mean "turntable"'),
        ("dolly", {"easing": "bounce"}, "no such choice"),
        ("arc", {"keyframes": ARC, "way": "long"}, "as given"),
        ("dolly", {"frames": 0}, "1 to 240"),
        ("dolly", {"frames": 241}, "1 to 240"),
        ("dolly", {"end": 0}, "frame 4 of the path, orbit.distance_m"),
        ("dolly", {"end": 0.01}, "focus closer"),
        ("dolly", {"end": math.inf}, "leads nowhere"),
        ("zoom", {"end": 5000}, "lens.focal_length_mm"),
        ("zoom", {"start": -1}, "above 0"),
        ("zoom", {"end": math.nan}, "leads nowhere"),
        ("pedestal", {"end": 30000}, "orbit.target_m"),
    ],
)
def test_bad_moves_say_where(move: str, numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        camera_path(CAMERA, move, **({"frames": 5} | numbers))
    assert message in str(caught.value)


def test_a_zoom_needs_a_lens() -> None:
    for move in ("zoom", "dolly_zoom"):
        with pytest.raises(EditError, match="focal length"):
            camera_path({"orbit": {}}, move, frames=3)


@pytest.mark.parametrize("frame", ["camera", "world"])
@pytest.mark.parametrize("setup", ["rembrandt", "neon_duo", "film_noir"])
def test_lights_that_stay_change_along_a_turntable_and_those_that_travel_do_not(setup: str, frame: str) -> None:
    shot = manifest(lighting={"setup": setup, "frame": frame})
    directions = {}
    for lights in ("stay", "travel"):
        frames = path_manifests(shot, "turntable", frames=8, lights=lights)
        directions[lights] = [derive(one)["lighting"]["direction"] for one in frames]
    before = derive(shot)["lighting"]["direction"]
    assert directions["stay"][0] == directions["travel"][0] == before
    assert set(directions["travel"]) == {before}
    assert len(set(directions["stay"])) > 2


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-180, 180), st.sampled_from(["camera", "world"]))
def test_the_first_picture_is_lit_as_before(azimuth: float, light: float, frame: str) -> None:
    camera = {"orbit": {"azimuth_deg": azimuth}}
    lighting = {"lights": [{"role": "key", "type": "softbox", "azimuth_deg": light}], "frame": frame}
    for lights in ("stay", "travel"):
        turned = lights_for_path(lighting, camera, lights)
        seen = [
            one["lights"][0]["azimuth_deg"] - (azimuth if one["frame"] == "world" else 0) for one in (lighting, turned)
        ]
        assert signed_deg(seen[0] - seen[1]) == pytest.approx(0, abs=1e-6)


def test_a_panorama_turns_with_the_lights_that_came_from_it() -> None:
    from studioflow.studio.panorama import azimuth_of

    lighting = {
        "lights": [{"role": "key", "azimuth_deg": azimuth_of(0.3, 10)}],
        "environment": {"hdri": "room.exr", "rotation_deg": 10},
        "frame": "world",
    }
    turned = lights_for_path(lighting, CAMERA, "travel")
    there = azimuth_of(0.3, turned["environment"]["rotation_deg"])
    assert signed_deg(there - turned["lights"][0]["azimuth_deg"]) == pytest.approx(0, abs=1e-6)
    assert turned["environment"]["hdri"] == "room.exr"


def test_lights_that_need_no_turning_are_left_alone() -> None:
    lighting = {"setup": "rembrandt"}
    assert lights_for_path(lighting, CAMERA, "as they are") is lighting
    assert lights_for_path(lighting, CAMERA, "travel") is lighting
    front = {"orbit": {"azimuth_deg": 0}}
    assert lights_for_path(lighting, front, "stay") == lighting | {"frame": "world"}
    assert lights_for_path({}, CAMERA, "stay") == {}
    with pytest.raises(StudioFlowError, match="no such choice"):
        lights_for_path(lighting, CAMERA, "fly")


def test_words_of_a_setup_outlive_its_turning() -> None:
    lighting = {"setup": "rembrandt"}
    turned = lights_for_path(lighting, CAMERA, "stay")
    assert turned["setup"] == "rembrandt"
    assert caption_fields(turned, 20) == caption_fields(lighting, 20)


def test_manifests_of_a_path_differ_in_the_camera_alone() -> None:
    raw = {"short_description": "A cup.", "photographic_characteristics": {"camera_angle": "from below"}}
    shot = manifest(caption=raw)
    frames = path_manifests(shot, "turntable", frames=6)
    for frame in frames:
        kept = {key: value for key, value in frame.items() if key not in ("camera", "caption")}
        assert kept == {key: value for key, value in shot.items() if key not in ("camera", "caption")}
        assert frame["caption"]["short_description"] == "A cup."
        assert "camera_angle" not in frame["caption"].get("photographic_characteristics", {})
    assert len({str(frame["camera"]) for frame in frames}) == 6


def test_a_camera_without_a_target_rises_from_the_middle_of_the_subject() -> None:
    shot = manifest(camera={"orbit": {"distance_m": 2}})
    targets = [frame["camera"]["orbit"]["target_m"] for frame in path_manifests(shot, "pedestal", frames=2, end=1.1)]
    assert targets == [[0, pytest.approx(0.1), 0], [0, pytest.approx(1.1), 0]]


def test_the_menus_are_what_the_code_knows() -> None:
    assert MOVES == tuple(table("studio/camera_moves.json")["moves"])
    assert all(eased(easing, 0.0) == 0.0 and eased(easing, 1.0) == 1.0 for easing in EASINGS)
