"""Maps of geometry against geometry: depth, normals, coverage and lines of shapes whose numbers are known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from studioflow.greybox.build import build
from studioflow.greybox.camera import View, seen_at, sensor_of, view_of
from studioflow.greybox.maps import AOVS, CHANNELS, NOTHING_M, Maps, coded, empty_maps, maps_of, near_is_white
from studioflow.greybox.render import look

CAMERA = {
    "lens": {"focal_length_mm": 50.0, "aperture": 1.4},
    "orbit": {"azimuth_deg": 25.0, "elevation_deg": 20.0, "distance_m": 2.0, "target_m": [0.0, 0.0, 0.0]},
}
BALL = {"type": "sphere", "center": [0.0, 0.25, 0.0], "radius": 0.25}
FLOOR_TO_WORLD = np.array([[40.0, 0, 0, 0], [0, 0, 40.0, 0], [0, -40.0, 0, 0], [0, 0, 0, 1.0]])
FLOOR = {"type": "rectangle", "to_world": FLOOR_TO_WORLD}
CUBE = {"type": "cube", "to_world": np.diag([0.25, 0.25, 0.25, 1.0])}


@pytest.fixture(scope="module")
def mi() -> Iterator[Any]:
    import mitsuba

    mitsuba.set_variant("scalar_rgb")
    yield mitsuba


def seen(mi: Any, view: View, looks: int, **shapes: Any) -> Maps:
    scene = build(mi, {"type": "scene", **coded(shapes)})
    owners = {number: 0 for number, name in enumerate(shapes) if name == "subject"}
    sensor, aov = build(mi, sensor_of(view, sharp=True, scale=looks)), mi.load_dict({"type": "aov", "aovs": AOVS})
    whole = empty_maps(view.height, view.width, 1)
    for top, part in look(mi, scene, sensor, aov, step=looks):
        band = maps_of(part[..., -CHANNELS:], view, owners, 1, looks)
        rows = slice(top // looks, top // looks + band.depth.shape[0])
        for name in ("depth", "normals", "lines"):
            getattr(whole, name)[rows] = getattr(band, name)
        whole.masks[:, rows] = band.masks
    return whole


def view(width: int = 90, height: int = 60, **camera: Any) -> View:
    return view_of(CAMERA | camera, width, height, (-0.25, 0.0, -0.25), (0.25, 0.5, 0.25))


def rays(at: View) -> np.ndarray:
    """Directions through the middles of the pixels, one metre long along the view."""
    half = math.tan(math.radians(at.fov_deg) / 2.0)
    across = ((np.arange(at.width) + 0.5) / at.width * 2.0 - 1.0) * half
    up = (1.0 - (np.arange(at.height) + 0.5) / at.height * 2.0) * half * at.height / at.width
    axes = at.axes
    return (
        np.asarray(axes.forward)
        + across[None, :, None] * np.asarray(axes.right)
        + up[:, None, None] * np.asarray(axes.up)
    )


def test_depth_of_a_floor_is_metres_along_the_view(mi: Any) -> None:
    at = view()
    depth = seen(mi, at, 1, floor=FLOOR).depth
    down = rays(at)[..., 1]
    expected = np.where(down < 0.0, -at.pose.position_m[1] / np.minimum(down, -1e-9), NOTHING_M)
    near = expected < 30.0
    assert near.sum() > 3000
    np.testing.assert_allclose(depth[near], expected[near], rtol=1e-4)
    assert np.all(depth[down > 0.0] == np.float32(NOTHING_M))


def test_normals_are_those_of_the_camera(mi: Any) -> None:
    at = view()
    maps = seen(mi, at, 1, floor=FLOOR, subject=BALL)
    up, towards = np.array([0.0, 1.0, 0.0]), -np.asarray(at.axes.forward)
    floor = [up @ np.asarray(at.axes.right), up @ np.asarray(at.axes.up), up @ towards]
    np.testing.assert_allclose(maps.normals[-1, 5], floor, atol=1e-4)
    x, y, _ = seen_at(at, (0.0, 0.25, 0.0))
    middle = maps.normals[int(y), int(x)]
    assert middle[2] > 0.95
    assert maps.normals[int(y), int(x) + 8][0] > middle[0] and maps.normals[int(y) - 8, int(x)][1] > middle[1]
    lengths = np.linalg.norm(maps.normals, axis=-1)
    assert np.all((np.abs(lengths - 1.0) < 1e-3) | (lengths == 0.0))


@pytest.mark.parametrize("looks", [1, 3])
def test_a_mask_covers_as_much_as_the_ball_does(mi: Any, looks: int) -> None:
    at = view(150, 150, orbit={"azimuth_deg": 0.0, "elevation_deg": 0.0, "distance_m": 3.0, "target_m": [0, 0.25, 0]})
    mask = seen(mi, at, looks, floor=FLOOR, subject=BALL).masks[0]
    # The outline of a ball seen from s away is a cone with sin = r / s; on the axis it cuts the picture in a disc.
    tangent = math.tan(math.asin(0.25 / 3.0))
    expected = math.pi * (tangent / math.tan(math.radians(at.fov_deg) / 2.0) * 75.0) ** 2
    assert mask.sum() == pytest.approx(expected, rel=0.02 / looks)
    assert {0.0, 1.0} <= set(np.unique(mask).tolist()) and (looks == 1) == (set(np.unique(mask)) == {0.0, 1.0})


def test_lines_are_the_edges_of_a_cube_and_nothing_of_its_faces(mi: Any) -> None:
    at = view(180, 120)
    lines = seen(mi, at, 3, floor=FLOOR, subject=CUBE).lines
    corner, middle = seen_at(at, (0.25, 0.25, 0.25)), seen_at(at, (0.0, 0.25, 0.25))
    for x, y, _ in (corner, middle, seen_at(at, (0.25, 0.1, 0.25))):
        assert lines[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() > 0.5
    for point in ((0.0, 0.1, 0.25), (0.0, 0.25, 0.0), (0.25, 0.1, 0.0), (0.4, 0.0, 0.4)):
        x, y, _ = seen_at(at, point)
        assert lines[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].max() == 0.0, point
    assert 0.01 < lines.mean() < 0.1


def test_a_floor_at_a_grazing_angle_has_no_lines_but_its_horizon(mi: Any) -> None:
    at = view(120, 80, orbit={"azimuth_deg": 0.0, "elevation_deg": 1.5, "distance_m": 2.0, "target_m": [0, 0.1, 0]})
    lines = seen(mi, at, 3, floor=FLOOR).lines
    horizon = int(np.argmax(lines.max(axis=1) > 0.0))
    assert lines.any() and not lines[horizon + 3 :].any()


def test_bands_are_the_whole(mi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from studioflow.greybox import render

    at = view()
    whole = seen(mi, at, 3, floor=FLOOR, subject=CUBE)
    monkeypatch.setitem(render.SAMPLES_PER_CALL, "scalar", 90 * 3 * 12)
    banded = seen(mi, at, 3, floor=FLOOR, subject=CUBE)
    for name in Maps._fields:
        # A tile's rays differ in the last bit, so an edge may fall to the other part of a pixel.
        near = np.isclose(getattr(banded, name), getattr(whole, name), rtol=1e-3, atol=1e-4)
        assert near.mean() > 0.99, name


def test_the_nearest_is_white_and_nothing_is_black() -> None:
    shown = near_is_white(np.array([[1.0, 2.0], [4.0, NOTHING_M]], dtype=np.float32))
    np.testing.assert_allclose(shown, [[1.0, (0.5 - 0.25) / 0.75], [0.0, 0.0]], atol=1e-6)
    assert not near_is_white(np.full((2, 2), NOTHING_M, dtype=np.float32)).any()
    assert np.isfinite(near_is_white(np.full((2, 2), 3.0, dtype=np.float32))).all()


def test_thousands_of_shapes_are_told_apart(mi: Any) -> None:
    shapes = {f"ball{number}": BALL for number in range(9000)}
    kept = [0, 1, 4094, 4095, 4096, 8999]
    every = coded(shapes)
    at = view(40, 40)
    for number in kept:
        scene = build(mi, {"type": "scene", "ball": every[f"ball{number}"]})
        aov = mi.load_dict({"type": "aov", "aovs": AOVS})
        seen_here = np.asarray(mi.render(scene, sensor=build(mi, sensor_of(at, sharp=True)), integrator=aov, spp=1))
        found = maps_of(seen_here[..., -CHANNELS:], at, {number: 0, number + 1: 1, number + 4096: 1}, 2, 1).masks
        assert found[0].any() and not found[1].any()
