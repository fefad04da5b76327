"""The greybox's camera: what Mitsuba shows lies where our optics say it does, and is as blurred."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox.build import build
from studioflow.greybox.camera import seen_at, sensor_of, view_of
from studioflow.studio.framing import frame_at
from studioflow.studio.lens import used_sensor_mm
from studioflow.studio.optics import blur_disc_mm
from studioflow.studio.placement import axes_of, pose_of

BOX = ((-0.1, 0.0, -0.1), (0.1, 0.3, 0.1))


@pytest.fixture(scope="module")
def mi() -> Iterator[Any]:
    import mitsuba

    mitsuba.set_variant("scalar_rgb")
    yield mitsuba


def camera(**given: Any) -> dict[str, Any]:
    lens = {"focal_length_mm": 50.0, "aperture": 8.0} | given.pop("lens", {})
    orbit = {"azimuth_deg": 0.0, "elevation_deg": 0.0, "distance_m": 2.0, "target_m": [0.0, 0.1, 0.0]}
    return {"lens": lens, "orbit": orbit | given.pop("orbit", {})} | given


def random_camera(chance: random.Random) -> dict[str, Any]:
    place = {
        "azimuth_deg": chance.uniform(-180, 180),
        "elevation_deg": chance.uniform(-85, 85),
        "distance_m": chance.uniform(0.5, 20),
        "roll_deg": chance.uniform(-180, 180),
        "target_m": [chance.uniform(-1, 1) for _ in range(3)],
    }
    lens = {"focal_length_mm": chance.choice([14, 24, 35, 50, 85, 135, 200]), "aperture": chance.uniform(1, 22)}
    if chance.random() < 0.5:
        lens["focus_distance_m"] = chance.uniform(0.4, 30)
    made = {"sensor": chance.choice(["full_frame", "aps_c", "medium_format_6x7", "phone_main"]), "lens": lens}
    if chance.random() < 0.5:
        return made | {"orbit": place}
    pose = pose_of({"orbit": place})
    assert pose is not None
    return made | {
        "pose": {
            "position_m": list(pose.position_m),
            "look_at_m": list(pose.look_at_m),
            "roll_deg": place["roll_deg"],
        }
    }


def test_points_land_where_the_optics_say_over_200_cameras(mi: Any) -> None:
    chance = random.Random(7)
    for _ in range(200):
        shape = chance.choice([(90, 60), (64, 64), (48, 80)])
        view = view_of(random_camera(chance), *shape, *BOX)
        # A point of the picture, at some depth, and a small ball there: its middle in the render against the formula.
        orbit = axes_of(0, 0) and view.axes
        along = chance.uniform(0.3, 30.0)
        half = math.tan(math.radians(view.fov_deg) / 2.0)
        across, up = (chance.uniform(-0.8, 0.8) * half for _ in range(2))
        up *= shape[1] / shape[0]
        point = tuple(
            eye + along * (f + across * r + up * u)
            for eye, f, r, u in zip(view.pose.position_m, orbit.forward, orbit.right, orbit.up, strict=True)
        )
        expected = seen_at(view, point)
        assert expected[2] == pytest.approx(along, rel=1e-6)
        radius = along * half * 2.0 / shape[0]
        ball = {"type": "sphere", "center": list(point), "radius": radius}
        integrator = {"type": "aov", "aovs": "depth:depth"}
        scene = build(
            mi, {"type": "scene", "sensor": sensor_of(view, sharp=True, scale=3), "integrator": integrator, "b": ball}
        )
        seen = np.asarray(mi.render(scene, spp=1))[..., -1] > 0
        rows, columns = np.nonzero(seen)
        # Off the axis a ball is drawn as an ellipse whose middle lies a little outside of the ball's.
        assert (columns.mean() + 0.5) / 3 == pytest.approx(expected[0], abs=0.5)
        assert (rows.mean() + 0.5) / 3 == pytest.approx(expected[1], abs=0.5)


@pytest.mark.parametrize("ratio", [(90, 60), (60, 60), (60, 90)])
def test_the_frame_at_the_focus_is_that_of_the_words(ratio: tuple[int, int]) -> None:
    shot = camera(lens={"focal_length_mm": 85.0})
    view = view_of(shot, *ratio, *BOX)
    frame = frame_at(shot, ratio[0] / ratio[1], 2.0)
    assert frame is not None
    axes = view.axes
    for part, pixels in ((0.5, ratio[0]), (-0.5, 0.0)):
        edge = [t + part * frame.width_m * r for t, r in zip((0.0, 0.1, 0.0), axes.right, strict=True)]
        assert seen_at(view, tuple(edge))[0] == pytest.approx(pixels, abs=1e-6)


BLURS = [
    (focal, aperture, focus, at)
    for focal, aperture in ((35.0, 1.4), (85.0, 1.8), (135.0, 4.0))
    for focus, at in ((2.0, 1.2), (2.0, 3.5), (4.0, 2.0), (1.5, 8.0))
]


@pytest.mark.parametrize(("focal", "aperture", "focus", "at"), BLURS)
def test_a_point_of_light_blurs_to_the_disc_of_the_formula(
    mi: Any, focal: float, aperture: float, focus: float, at: float
) -> None:
    shot = camera(
        lens={"focal_length_mm": focal, "aperture": aperture, "focus_distance_m": focus},
        orbit={"distance_m": focus, "target_m": [0.0, 0.0, 0.0]},
    )
    disc_mm = blur_disc_mm(focal, aperture, focus, at)
    width, height = 480, 320
    view = view_of(shot, width, height, *BOX)
    pixels_per_mm = width / used_sensor_mm(shot, width / height)[0]
    expected = disc_mm * pixels_per_mm
    # A small disc that faces the camera; what its own size adds is taken off again.
    radius = 0.2 * expected / 2.0
    metres_per_pixel = at / (width / 2.0 / math.tan(math.radians(view.fov_deg) / 2.0))
    lamp = {
        "type": "disk",
        "to_world": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, focus - at], [0, 0, 0, 1.0]])
        @ np.diag([radius * metres_per_pixel] * 3 + [1.0]),
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": 1.0}},
    }
    # Only the middle of the picture, or nearly all samples would see nothing.
    sensor = sensor_of(view)
    side = 2 * math.ceil(0.7 * expected + 2)
    sensor["film"] |= {"crop_width": side, "crop_height": side}
    sensor["film"] |= {"crop_offset_x": (width - side) // 2, "crop_offset_y": (height - side) // 2}
    path = {"type": "path", "max_depth": 1}
    scene = build(mi, {"type": "scene", "sensor": sensor, "integrator": path, "lamp": lamp})
    light = np.asarray(mi.render(scene, spp=1024, seed=1))[..., 1]
    # The second moment of a disc of even light is its diameter squared over 16 along each axis.
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    weight = light / light.sum()
    spread = [((axis - (axis * weight).sum()) ** 2 * weight).sum() - 1.0 / 12.0 for axis in (rows, columns)]
    measured = 4.0 * math.sqrt(sum(spread) / 2.0 - radius**2 / 4.0)
    assert measured == pytest.approx(expected, rel=0.10)


def test_without_an_aperture_everything_is_sharp() -> None:
    shot = camera()
    del shot["lens"]["aperture"]
    view = view_of(shot, 30, 20, *BOX)
    assert view.aperture_radius_m == 0.0 and sensor_of(view)["type"] == "perspective"


def test_an_unplaced_camera_sees_the_subjects_and_says_so() -> None:
    view = view_of({}, 90, 60, *BOX)
    corners = [(x, y, z) for x in (-0.1, 0.1) for y in (0.0, 0.3) for z in (-0.1, 0.1)]
    seen = [seen_at(view, corner) for corner in corners]
    assert all(0 < x < 90 and 0 < y < 60 and along > 0 for x, y, along in seen)
    assert max(y for _, y, _ in seen) - min(y for _, y, _ in seen) > 25
    assert "no focal length" in view.notes[0] and "places no camera" in view.notes[1]


def test_a_focus_within_the_focal_length_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="focus closer than its focal length"):
        view_of(camera(lens={"focal_length_mm": 200.0, "focus_distance_m": 0.15}), 30, 20, *BOX)
