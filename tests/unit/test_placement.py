"""The camera's three placements and ComfyUI's, against an independent rotation (scipy) and against each other."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from studioflow.errors import StudioFlowError
from studioflow.manifest import validate
from studioflow.studio.placement import (
    Orbit,
    Oriented,
    Pose,
    axes_of,
    from_comfyui,
    orbit_of,
    orbit_to_pose,
    orbit_to_quaternion,
    pose_of,
    pose_to_orbit,
    pose_to_quaternion,
    quaternion_to_orbit,
    quaternion_to_pose,
    to_comfyui,
)

COORDINATE = st.floats(-20, 20)
POINTS = st.tuples(COORDINATE, COORDINATE, COORDINATE)
ORBITS = st.builds(
    Orbit,
    azimuth_deg=st.floats(-179.9, 180),
    elevation_deg=st.floats(-89.9, 89.9),
    distance_m=st.floats(0.1, 100),
    roll_deg=st.floats(-179.9, 180),
    target_m=POINTS,
)
ANY_ELEVATION = st.builds(
    Orbit,
    azimuth_deg=st.floats(-179.9, 180),
    elevation_deg=st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0])),
    distance_m=st.floats(0.1, 100),
    roll_deg=st.floats(-179.9, 180),
    target_m=POINTS,
)
QUATERNIONS = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: math.hypot(*q) > 0.1)


def turned(one: float, other: float) -> float:
    """The angle in degrees between two angles."""
    return abs((one - other + 180) % 360 - 180)


def close(one: Any, other: Any, tolerance: float = 1e-9) -> bool:
    return bool(np.allclose(one, other, rtol=0, atol=tolerance))


def independent(orbit: Orbit) -> Rotation:
    """The camera's rotation out of three turns: it looks from +Z, rises, swings round, and rolls about its view."""
    return Rotation.from_euler("YXZ", [orbit.azimuth_deg, -orbit.elevation_deg, -orbit.roll_deg], degrees=True)


@given(ANY_ELEVATION)
def test_quaternion_is_that_of_an_independent_rotation(orbit: Orbit) -> None:
    rotation, oriented = independent(orbit), orbit_to_quaternion(orbit)
    same = rotation * Rotation.from_quat(oriented.quaternion).inv()
    assert same.magnitude() < 1e-7  # an angle near zero is known to the root of the precision
    assert close(rotation.as_matrix(), Rotation.from_quat(oriented.quaternion).as_matrix())
    assert math.hypot(*oriented.quaternion) == pytest.approx(1, abs=1e-12) and oriented.quaternion[3] >= 0
    # Behind its own -Z by the distance lies the target.
    ahead = np.array(oriented.position_m) + rotation.apply([0, 0, -orbit.distance_m])
    assert close(ahead, orbit.target_m)


@given(ANY_ELEVATION)
def test_axes_are_those_of_the_rotation(orbit: Orbit) -> None:
    axes = axes_of(*orbit[:2], orbit.roll_deg)
    assert close([axes.right, axes.up, axes.forward], independent(orbit).apply([[1, 0, 0], [0, 1, 0], [0, 0, -1]]))


@given(ORBITS)
def test_orbit_comes_back_from_a_look_at(orbit: Orbit) -> None:
    back = pose_to_orbit(orbit_to_pose(orbit))
    # What a double keeps of positions is angle times distance; on the flat circle that a high camera runs it is less.
    flat = math.cos(math.radians(orbit.elevation_deg))
    loss = 1e-12 * (1 + max(map(abs, orbit.target_m)) / orbit.distance_m) / flat
    assert back.distance_m == pytest.approx(orbit.distance_m, abs=1e-9)
    assert turned(back.azimuth_deg, orbit.azimuth_deg) < 1e-9 + loss
    assert turned(back.elevation_deg, orbit.elevation_deg) < 1e-9 + loss
    assert turned(back.roll_deg, orbit.roll_deg) < 1e-9 + loss
    assert back.target_m == orbit.target_m


@given(ANY_ELEVATION)
def test_every_form_is_the_same_view(orbit: Orbit) -> None:
    expected = independent(orbit).as_matrix()
    pose = orbit_to_pose(orbit)
    forms = [
        orbit_to_quaternion(orbit),
        pose_to_quaternion(pose),
        orbit_to_quaternion(pose_to_orbit(pose)),
        pose_to_quaternion(quaternion_to_pose(orbit_to_quaternion(orbit), orbit.distance_m)),
        orbit_to_quaternion(quaternion_to_orbit(orbit_to_quaternion(orbit), orbit.distance_m)),
    ]
    for form in forms:
        assert close(Rotation.from_quat(form.quaternion).as_matrix(), expected, 1e-8)
        assert close(form.position_m, pose.position_m, 1e-8)


@given(QUATERNIONS, POINTS, st.floats(0.1, 50))
def test_any_quaternion_comes_back(quaternion: Any, position: Any, distance: float) -> None:
    pose = quaternion_to_pose(Oriented(position, quaternion), distance)
    back = pose_to_quaternion(pose)
    assert math.dist(pose.position_m, pose.look_at_m) == pytest.approx(distance)
    assert close(Rotation.from_quat(back.quaternion).as_matrix(), Rotation.from_quat(quaternion).as_matrix(), 1e-8)


def test_azimuth_as_the_house_and_comfyui_have_it() -> None:
    # ComfyUI's Create Camera Info: x = d cos(pitch) sin(yaw), y = d sin(pitch), z = d cos(pitch) cos(yaw).
    position = orbit_to_pose(Orbit(90, 0, 2)).position_m
    assert close(position, [2, 0, 0])
    assert close(orbit_to_pose(Orbit(0, 0, 2)).position_m, [0, 0, 2])
    assert close(orbit_to_pose(Orbit(0, 90, 2)).position_m, [0, 2, 0])
    front = axes_of(0, 0)
    assert close(front.right, [1, 0, 0]) and close(front.up, [0, 1, 0]) and close(front.forward, [0, 0, -1])


def test_positive_roll_tips_the_camera_clockwise() -> None:
    # The top of the camera goes to the photographer's right.
    assert close(axes_of(0, 0, 90).up, [1, 0, 0])
    assert close(axes_of(0, 0, 90).right, [0, -1, 0])


@pytest.mark.parametrize(("height", "top"), [(2, [0, 0, -1]), (-2, [0, 0, 1])])
def test_straight_up_and_down_as_three_js_looks(height: float, top: list[float]) -> None:
    pose = Pose((0, height, 0), (0, 0, 0))
    assert pose_to_orbit(pose).azimuth_deg == 0
    up = Rotation.from_quat(pose_to_quaternion(pose).quaternion).apply([0, 1, 0])
    assert close(up, top)


def test_the_azimuth_of_a_camera_straight_above_becomes_roll() -> None:
    pose = orbit_to_pose(Orbit(40, 90, 2))
    assert close(pose.position_m, [0, 2, 0]) and turned(pose.roll_deg, -40) < 1e-9
    assert close(
        Rotation.from_quat(pose_to_quaternion(pose).quaternion).as_matrix(), independent(Orbit(40, 90, 2)).as_matrix()
    )


@pytest.mark.parametrize(("azimuth", "elevation"), [(30, 20), (-120, -35), (179, 5)])
def test_pose_and_orbit_say_the_same(azimuth: float, elevation: float) -> None:
    a, e = math.radians(azimuth), math.radians(elevation)
    position = [2 * math.cos(e) * math.sin(a), 2 * math.sin(e), 2 * math.cos(e) * math.cos(a)]
    pose = orbit_of({"pose": {"position_m": position, "look_at_m": [0, 0, 0]}})
    assert pose == pytest.approx({"azimuth_deg": azimuth, "elevation_deg": elevation, "distance_m": 2, "roll_deg": 0})


def test_a_camera_nowhere_has_no_placement() -> None:
    assert orbit_of({}) is None and pose_of({}) is None


def test_a_camera_on_its_target_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="stands at the point"):
        orbit_of({"pose": {"position_m": [1, 1, 1], "look_at_m": [1, 1, 1]}})
    with pytest.raises(ValueError, match="distance_m"):
        orbit_to_pose(Orbit(0, 0, 0))
    with pytest.raises(ValueError, match="distance_m"):
        quaternion_to_pose(Oriented((0, 0, 0), (0, 0, 0, 1)), math.nan)
    with pytest.raises(ValueError, match="quaternion"):
        quaternion_to_pose(Oriented((0, 0, 0), (0, 0, 0, 0)))


def info(**changes: Any) -> dict[str, Any]:
    """A value as the viewer of ComfyUI 0.3 sends it."""
    value = {
        "position": {"x": 4.0, "y": 3.0, "z": 0.0},
        "target": {"x": 0.0, "y": 0.0, "z": 0.0},
        "zoom": 1,
        "cameraType": "perspective",
    }
    return {key: item for key, item in (value | changes).items() if item != "gone"}


def test_the_value_of_an_old_host_places_the_camera_and_no_lens() -> None:
    assert from_comfyui(info()) == {"pose": {"position_m": [4, 3, 0], "look_at_m": [0, 0, 0]}}
    assert orbit_of(from_comfyui(info())) == pytest.approx(
        {"azimuth_deg": 90, "elevation_deg": math.degrees(math.atan2(3, 4)), "distance_m": 5, "roll_deg": 0}
    )
    assert from_comfyui(info(), metres_per_unit=0.1)["pose"]["position_m"] == pytest.approx([0.4, 0.3, 0])


def test_fov_is_vertical_and_zoom_multiplies_the_focal_length() -> None:
    # 24 mm of height seen under 2 atan(12 / 50).
    fov = math.degrees(2 * math.atan(12 / 50))
    assert from_comfyui(info(fov=fov))["lens"] == {"focal_length_mm": pytest.approx(50)}
    assert from_comfyui(info(fov=fov, zoom=2))["lens"] == {"focal_length_mm": pytest.approx(100)}
    # three.js: getEffectiveFOV() = 2 atan(tan(fov / 2) / zoom)
    effective = math.degrees(2 * math.atan(math.tan(math.radians(35 / 2)) / 1.7))
    zoomed, plain = from_comfyui(info(fov=35, zoom=1.7))["lens"], from_comfyui(info(fov=effective))["lens"]
    assert zoomed["focal_length_mm"] == pytest.approx(plain["focal_length_mm"])
    upright = from_comfyui(info(fov=fov), ratio=2 / 3)["lens"]["focal_length_mm"]
    assert upright == pytest.approx(75)  # the sensor is turned upright: 36 mm of height
    other = from_comfyui(info(fov=fov), camera={"sensor": "micro_four_thirds", "lens": {"aperture": 4}})["lens"]
    assert other == {"aperture": 4, "focal_length_mm": pytest.approx(50 * 13 / 24)}


def test_an_orthographic_camera_says_nothing_of_the_lens() -> None:
    assert "lens" not in from_comfyui(info(cameraType="orthographic", fov=35))


def test_a_quaternion_wins_over_the_target() -> None:
    quaternion = dict(zip("xyzw", Rotation.from_euler("Y", 90, degrees=True).as_quat().tolist(), strict=True))
    straight = from_comfyui(info(position={"x": 5, "y": 0, "z": 0}, quaternion=quaternion))["pose"]
    assert straight == {"position_m": [5, 0, 0], "look_at_m": [0, 0, 0]}
    aside = from_comfyui(info(position={"x": 0, "y": 0, "z": 5}, quaternion=quaternion))["pose"]
    assert aside["look_at_m"] == pytest.approx([-5, 0, 5])


def test_roll_of_create_camera_info_is_the_other_way_round() -> None:
    # ComfyUI's node turns by +roll about the camera's own +Z, which is counterclockwise to the photographer.
    turned_20 = Rotation.from_euler("Z", 20, degrees=True)
    quaternion = dict(zip("xyzw", turned_20.as_quat().tolist(), strict=True))
    pose = from_comfyui(info(position={"x": 0, "y": 0, "z": 5}, quaternion=quaternion))["pose"]
    assert pose["roll_deg"] == pytest.approx(-20)


@given(ANY_ELEVATION, st.floats(4, 800), st.floats(0.01, 100), st.sampled_from([None, 1.5, 1.0, 0.8, 2.35]))
def test_there_and_back(orbit: Orbit, focal: float, unit: float, ratio: float | None) -> None:
    camera = {"orbit": orbit._asdict() | {"target_m": list(orbit.target_m)}, "lens": {"focal_length_mm": focal}}
    sent = json.loads(json.dumps(to_comfyui(camera, metres_per_unit=unit, ratio=ratio)))
    assert set(sent) == {"position", "target", "quaternion", "zoom", "cameraType", "fov"}
    back = from_comfyui(sent, metres_per_unit=unit, ratio=ratio)
    assert back["lens"]["focal_length_mm"] == pytest.approx(focal)
    pose = orbit_to_pose(orbit)
    assert close(back["pose"]["position_m"], pose.position_m, 1e-8)
    assert close(back["pose"]["look_at_m"], pose.look_at_m, 1e-8)
    assume(abs(orbit.elevation_deg) < 89)  # nearer to the pole the roll turns with the last digits of the position
    assert turned(back["pose"].get("roll_deg", 0.0), pose.roll_deg) < 2e-3
    validate({"studioflow": "1.0", "scene": {}, "camera": back})


@given(ORBITS)
def test_a_single_precision_host_gives_the_same_view(orbit: Orbit) -> None:
    sent = to_comfyui({"orbit": orbit._asdict() | {"target_m": list(orbit.target_m)}})
    rough = {
        key: {name: float(np.float32(part)) for name, part in item.items()} if isinstance(item, dict) else item
        for key, item in sent.items()
    }
    back = from_comfyui(rough)["pose"]
    assert close(back["position_m"], orbit_to_pose(orbit).position_m, 1e-4)
    assert close(back["look_at_m"], orbit.target_m, 2e-4 * max(1.0, orbit.distance_m))


def test_a_lens_comes_back_as_it_went() -> None:
    camera = {"lens": {"preset": "macro_100", "aperture": 8}, "orbit": {"distance_m": 0.5}}
    assert from_comfyui(to_comfyui(camera), camera=camera)["lens"] == camera["lens"]
    moved = to_comfyui({"orbit": {"distance_m": 1}}, target_m=(0, 0.4, 0))
    assert moved["target"] == {"x": 0, "y": 0.4, "z": 0} and "fov" not in moved


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (None, "camera_info"),
        ([], "camera_info"),
        (info(position="gone"), "camera_info.position"),
        (info(position={"x": 1, "y": 2}), "camera_info.position.z"),
        (info(position={"x": 1, "y": 2, "z": math.nan}), "camera_info.position.z"),
        (info(target={"x": 1, "y": math.inf, "z": 0}), "camera_info.target.y"),
        (info(target={"x": "1", "y": 0, "z": 0}), "camera_info.target.x"),
        (info(target={"x": True, "y": 0, "z": 0}), "camera_info.target.x"),
        (info(target=[0, 0, 0]), "camera_info.target"),
        (info(target={"x": 4, "y": 3, "z": 0}), "camera_info"),
        (info(cameraType="perspectiv"), 'did you mean "perspective"'),
        (info(cameraType=3), "camera_info.cameraType"),
        (info(fov=0), "camera_info.fov"),
        (info(fov=180), "camera_info.fov"),
        (info(fov=5e-324), "camera_info.fov"),
        (info(fov=35, zoom=5e-324), "camera_info.zoom"),
        (info(fov=35, zoom=1e300), "camera_info.zoom"),
        (info(position={"x": 1e300, "y": 2, "z": 0}), "camera_info.position.x"),
        (info(position={"x": 10**400, "y": 2, "z": 0}), "camera_info.position.x"),
        (info(fov=math.nan), "camera_info.fov"),
        (info(fov=35, zoom=0), "camera_info.zoom"),
        (info(fov=35, zoom="1"), "camera_info.zoom"),
        (info(quaternion={"x": 0, "y": 0, "z": 0}), "camera_info.quaternion.w"),
        (info(quaternion={"x": 0, "y": 0, "z": 0, "w": 0}), "camera_info.quaternion"),
        (info(quaternion=[0, 0, 0, 1]), "camera_info.quaternion"),
    ],
)
def test_a_bad_value_is_one_clear_error(value: Any, place: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        from_comfyui(value)
    assert place in str(caught.value) and caught.value.allowed and caught.value.fix


@pytest.mark.parametrize("scale", [0, -1, math.nan, math.inf, 5e-324, 1e300])
def test_a_scale_that_cannot_be_is_refused(scale: float) -> None:
    for call in (
        lambda: from_comfyui(info(), metres_per_unit=scale),
        lambda: to_comfyui({"orbit": {}}, metres_per_unit=scale),
    ):
        with pytest.raises(StudioFlowError, match="metres_per_unit"):
            call()


@given(
    *(st.floats(allow_nan=True) | st.sampled_from([5e-324, 1e-6, 0.01, 1.0, 179.9, 1e6]) for _ in range(6)),
)
def test_any_number_at_all_gives_finite_numbers_or_one_clear_error(
    x: float, y: float, unit: float, fov: float, zoom: float, turn: float
) -> None:
    quaternion = {"x": 0.0, "y": turn, "z": 0.0, "w": 1.0}
    value = info(position={"x": x, "y": y, "z": 1.0}, fov=fov, zoom=zoom, quaternion=quaternion)
    try:
        made = from_comfyui(value, metres_per_unit=unit)
    except StudioFlowError as error:
        assert error.allowed and error.fix
        return
    numbers = [*made["pose"]["position_m"], *made["pose"]["look_at_m"], made["lens"]["focal_length_mm"]]
    assert all(map(math.isfinite, numbers)) and numbers[-1] > 0


@pytest.mark.parametrize(
    ("placed", "azimuth"),
    [
        ({"orbit": {"azimuth_deg": 90, "elevation_deg": 90, "roll_deg": 30}}, 60),
        ({"orbit": {"azimuth_deg": 90, "elevation_deg": -90, "roll_deg": 30}}, 120),
        ({"pose": {"position_m": [0, 2, 0], "look_at_m": [0, 0, 0], "roll_deg": -90}}, 90),
        ({"pose": {"position_m": [0, -2, 0], "look_at_m": [0, 0, 0], "roll_deg": -90}}, -90),
    ],
)
def test_straight_up_and_down_the_roll_counts_as_azimuth(placed: dict[str, Any], azimuth: float) -> None:
    seen = orbit_of(placed)
    assert seen and (seen["azimuth_deg"], seen["roll_deg"]) == (pytest.approx(azimuth), 0)


def test_a_camera_nowhere_cannot_be_sent() -> None:
    with pytest.raises(StudioFlowError, match="stands nowhere"):
        to_comfyui({"lens": {"focal_length_mm": 50}})
