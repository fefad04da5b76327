"""Light from all around: panoramas the right way round and as strong as they say, sky, ambience, all in one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import mitsuba as mi
import numpy as np
import pytest
from numpy.typing import NDArray

from studioflow.edit.panorama import light_from_panorama
from studioflow.errors import StudioFlowError
from studioflow.greybox.build import build
from studioflow.greybox.emitted import LUMINANCE, diffuse, rgb_of_kelvin
from studioflow.greybox.environment import turned
from studioflow.greybox.lighting_set import LightingSet
from studioflow.studio.panorama import across_of, analyse

from .greybox_rooms import AIM, direction, luminance, received, room, shapes
from .panoramas import Lamp, panorama, write_exr

ROTATION = 40.0
ONE_LIGHT = (Lamp(60 + ROTATION, 30, 8, 1.0, 5600),)
"""Painted where a rotation of 40 degrees leaves it at azimuth 60."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("panoramas")
    write_exr(made / "one.exr", panorama(64, ONE_LIGHT, ambience=0.02), half=False)
    write_exr(made / "even.exr", panorama(64, (), ambience=0.7), half=False)
    studio = (Lamp(-50, 35, 25, 1.0, 5600), Lamp(60, 15, 30, 0.4, 5000), Lamp(170, 30, 12, 0.6, 3200))
    write_exr(made / "studio.exr", panorama(64, studio, ambience=0.05), half=False)
    return made


def lit_by(folder: Path, name: str, **environment: Any) -> dict[str, Any]:
    return {"environment": {"hdri": name, **environment}, "frame": "world"}


def of(folder: Path, lighting: dict[str, Any], **more: Any) -> LightingSet:
    return room(lighting, find=lambda kind, name: folder / name, **more)


def around(made: LightingSet) -> dict[str, Any]:
    assert made.environment is not None
    return {"around": made.environment}


def brightest_side(plain: dict[str, Any]) -> NDArray[np.float64]:
    """Where the light on a grey ball comes from on balance, by patches to six sides: the vector irradiance."""
    sides = np.concatenate([np.eye(3), -np.eye(3)])
    seen = np.array([luminance(received(plain, side, samples=2048)) for side in sides])
    vector: NDArray[np.float64] = seen[:3] - seen[3:]
    return vector / np.linalg.norm(vector)


def test_a_panorama_lights_the_subject_from_where_hdri_light_says(folder: Path) -> None:
    made = of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION))
    (light,) = analyse(panorama(64, ONE_LIGHT, ambience=0.02), rotation_deg=ROTATION).lights
    found = direction(light.azimuth_deg, light.elevation_deg)
    assert (light.azimuth_deg, light.elevation_deg) == pytest.approx((60.0, 30.0), abs=1.0)
    off = math.degrees(math.acos(float(np.clip(brightest_side(around(made)) @ found, -1.0, 1.0))))
    assert off < 2.0


def test_the_brightest_place_of_a_rendered_ball_faces_the_light(folder: Path) -> None:
    made = of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION))
    mi.set_variant("scalar_rgb")
    film = {"type": "hdrfilm", "width": 64, "height": 64, "pixel_format": "rgb", "rfilter": {"type": "box"}}
    eye = np.diag([-1.0, 1.0, -1.0, 1.0])
    eye[2, 3] = 3.0
    scene = build(
        mi,
        {
            "type": "scene",
            **around(made),
            "ball": {"type": "sphere", "bsdf": diffuse([0.18] * 3)},
            "integrator": {"type": "path", "max_depth": 2, "hide_emitters": True},
            "sensor": {"type": "orthographic", "to_world": eye, "film": film, "sampler": {"type": "independent"}},
        },
    )
    pixels = np.array(mi.render(scene, spp=64, seed=2)) @ LUMINANCE
    across, up = np.meshgrid((np.arange(64) - 31.5) / 32, -(np.arange(64) - 31.5) / 32)
    depth = np.sqrt(np.maximum(1.0 - across**2 - up**2, 0.0))
    normals = np.stack([across, up, depth], axis=-1)
    bright = (pixels > 0.6 * 0.18) & (depth > 0.1)
    # On the lit side brightness is a + b·n; b points to the light.
    terms = np.concatenate([normals[bright], np.ones((bright.sum(), 1))], axis=1)
    towards = np.linalg.lstsq(terms, pixels[bright], rcond=None)[0][:3]
    off = math.degrees(math.acos(float(towards @ direction(60, 30) / np.linalg.norm(towards))))
    assert off < 2.0


def test_the_picture_behind_the_subject_is_the_light_in_the_orientation_of_the_house(folder: Path) -> None:
    made = of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION))
    assert made.radiance is not None and made.radiance.shape == (64, 128, 3)
    light = made.radiance @ LUMINANCE
    rows, columns = np.nonzero(light > 0.5 * light.max())
    assert (columns + 0.5).mean() / 128 == pytest.approx(across_of(60), abs=0.01)
    assert (rows + 0.5).mean() / 64 == pytest.approx((90 - 30) / 180, abs=0.01)


def test_a_rotation_by_part_of_a_column_loses_no_light() -> None:
    picture = np.zeros((2, 8, 3), np.float32)
    picture[:, 3] = 4.0
    moved = turned(picture, 0.25 * 45.0)
    assert moved[0, :, 0] == pytest.approx([0, 0, 0, 3, 1, 0, 0, 0])
    assert np.array_equal(turned(picture, 90.0), np.roll(picture, 2, axis=1))
    assert turned(picture, -360.0) == pytest.approx(picture)


@pytest.mark.parametrize("intensity", [1.0, 0.25])
def test_the_strongest_light_of_a_panorama_is_the_key(folder: Path, intensity: float) -> None:
    made = of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION, intensity=intensity))
    # Its own light, and what the ambience of 0.02 of it adds.
    assert luminance(received(around(made), direction(60, 30))) == pytest.approx(1.02 * intensity, rel=0.02)


def test_an_even_panorama_gives_as_much_from_everywhere(folder: Path) -> None:
    made = of(folder, lit_by(folder, "even.exr"))
    for side in ((0, 1, 0), (0, -1, 0), (1, 0, 0)):
        assert luminance(received(around(made), side)) == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("count", [1, 2, 8])
def test_the_lights_that_a_panorama_brought_are_not_built_twice(folder: Path, count: int) -> None:
    shot = light_from_panorama(None, folder / "studio.exr", rotation_deg=15.0, max_lights=count).manifest
    lighting = shot["lighting"]
    assert len(lighting["lights"]) == min(3, count) and lighting["ambient"] > 0
    made = of(folder, lighting)
    alone = of(folder, {key: lighting[key] for key in ("environment", "frame")})
    assert made.lamps == () and np.array_equal(made.radiance, alone.radiance)


def test_lights_beside_a_panorama_are_added_relative_to_its_key(folder: Path) -> None:
    shot = light_from_panorama(None, folder / "studio.exr").manifest
    added = {"role": "rim", "type": "strip", "azimuth_deg": 150, "distance_m": 2.0, "intensity": 0.5}
    lighting = shot["lighting"] | {"lights": [*shot["lighting"]["lights"], added], "ambient": 0.3}
    made = of(folder, lighting)
    (lamp,) = made.lamps
    assert lamp.index == 3
    assert luminance(received(shapes(made), direction(150, 0))) == pytest.approx(0.5, rel=0.02)
    alone = of(folder, shot["lighting"]).radiance
    assert made.radiance - alone == pytest.approx(
        np.broadcast_to(made.radiance[0, 0] - alone[0, 0], alone.shape), abs=1e-4
    )
    assert luminance((made.radiance - alone)[0, 0]) == pytest.approx(0.3, rel=1e-3)


def test_a_file_that_is_no_panorama_is_refused(folder: Path) -> None:
    (folder / "text.exr").write_text("nothing")
    with pytest.raises(StudioFlowError, match="cannot be read"):
        of(folder, lit_by(folder, "text.exr"))


# Sky and ambience


@pytest.mark.parametrize("name", ["sky", "overcast_sky", "skylight"])
@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 60), (120, 35), (-100, 80)])
def test_a_sky_gives_what_it_says_on_a_surface_that_faces_it(name: str, azimuth: float, elevation: float) -> None:
    lights = [
        {"role": "key", "type": "softbox", "intensity": 2.0},
        {"role": "fill", "type": name, "azimuth_deg": azimuth, "elevation_deg": elevation, "intensity": 1.0},
    ]
    made = room({"lights": lights})
    assert len(made.lamps) == 1
    got = received(around(made), direction(azimuth, elevation))
    assert luminance(got) == pytest.approx(0.5, rel=0.02)
    assert luminance(received(around(made), -direction(azimuth, elevation))) < 0.25


def test_the_sky_turns_with_the_camera_that_lights_travel_with() -> None:
    sky = {"lights": [{"role": "key", "type": "sky", "azimuth_deg": 30, "elevation_deg": 45}]}
    for frame, azimuth in (("camera", 80.0), ("world", 30.0)):
        vector = brightest_side(around(room(sky | {"frame": frame}, azimuth_deg=50.0)))
        assert math.degrees(math.atan2(vector[0], vector[2])) == pytest.approx(azimuth, abs=2.0)


def test_ambience_is_even_and_of_the_key_s_colour() -> None:
    key = {"role": "key", "type": "softbox", "color_temperature_k": 3200}
    made = room({"lights": [key], "ambient": 0.2})
    assert made.environment == {
        "type": "constant",
        "radiance": {"type": "rgb", "value": pytest.approx([0.2 * part for part in rgb_of_kelvin(3200)])},
    }
    assert luminance(received(around(made), (0, -1, 0))) == pytest.approx(0.2, rel=0.01)
    assert room({"lights": [key]}).environment is None


def test_ambience_and_sky_and_a_panorama_add_up(folder: Path) -> None:
    sky = {"role": "fill", "type": "sky", "azimuth_deg": -60, "elevation_deg": 30, "intensity": 0.5}
    lights = [{"role": "key", "type": "softbox"}, sky]
    whole = of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION) | {"lights": lights, "ambient": 0.1})
    for side in ((0, 1, 0), (1, 0, 0), (-1, 0, 0)):
        parts = [
            of(folder, lit_by(folder, "one.exr", rotation_deg=ROTATION)),
            room({"lights": lights, "frame": "world"}),
            room({"lights": lights[:1], "ambient": 0.1}),
        ]
        summed = sum(luminance(received(around(part), side)) for part in parts)
        assert luminance(received(around(whole), side)) == pytest.approx(summed, rel=0.04)


def test_a_time_of_day_brings_its_daylight_where_nothing_else_shines() -> None:
    made = room({"time_of_day": "golden_hour"}, {})
    assert [lamp.label for lamp in made.lamps] == ["key light (sun)"] and made.radiance is not None
    assert made.backdrop_kind == "ground"
    turned_camera = room({"time_of_day": "golden_hour"}, {}, azimuth_deg=90.0)
    assert turned_camera.lamps[0].corners.mean(axis=0) == pytest.approx(made.lamps[0].corners.mean(axis=0), rel=1e-6)
    assert room({"time_of_day": "overcast"}, {}).lamps == ()
    assert len(room({"time_of_day": "midday", "lights": [], "frame": "camera"}, {}).lamps) == 1
    lamps = room({"time_of_day": "golden_hour", "setup": "rembrandt"}).lamps
    assert [lamp.label for lamp in lamps] == ["key light (softbox)", "fill light (reflector)"]


def test_a_shot_without_any_light_is_seen_and_said() -> None:
    made = room({})
    assert luminance(received(around(made), (0, 0, 1), at=AIM)) == pytest.approx(1.0, rel=0.01)
    assert "no light is on: there is none, shown with even ambient light of 1" in made.notes
