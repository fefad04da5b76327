"""Lights as lamps: as strong, as coloured and from where the manifest says, whatever shines."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import jsonschema_rs
import mitsuba as mi
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox import emitted, lamp_forms
from studioflow.greybox.build import build
from studioflow.resources import shipped, table
from studioflow.studio.color_temperature import xy_to_kelvin
from studioflow.studio.lighting import intensity_of, key_of, lights_of
from studioflow.studio.words import entries

from .greybox_rooms import AIM, chromaticity, direction, luminance, received, room, shapes

SHAPES = {key: row for key, row in table("greybox/lamp_shapes.json").items() if not key.startswith("_")}
STANDING = [name for name, row in SHAPES.items() if row["shape"] != "cap"]
FOCUSED = [name for name, row in SHAPES.items() if "beam_deg" in row]
SETUPS = entries("setups")
WITH_FILL = [
    name
    for name, row in SETUPS.items()
    if {"key", "fill"} <= {light["role"] for light in row["lights"] if SHAPES[light["type"]]["shape"] != "cap"}
]


def key(**light: Any) -> dict[str, Any]:
    return {"lights": [{"role": "key", **light}]}


def test_the_table_follows_its_schema_and_has_every_type() -> None:
    rules = json.loads((shipped("schemas") / "lamp_shapes.schema.json").read_text("utf-8"))
    jsonschema_rs.meta.validate(rules)
    validator = jsonschema_rs.Draft202012Validator(rules)
    rows = table("greybox/lamp_shapes.json")
    assert [error.message for error in validator.iter_errors(rows)] == []
    for bad in ({"shape": "cube"}, {"beam_deg": 0}, {"mask": "window"}, {"sauce": 1}):
        assert not validator.is_valid(rows | {"softbox": rows["softbox"] | bad})
    assert SHAPES.keys() == entries("light_types").keys()
    assert {key for key, row in entries("light_types").items() if row.get("focused")} == set(FOCUSED)


# What a shape gives


def test_form_factors_are_those_of_the_textbooks() -> None:
    """J. R. Howell, A Catalog of Radiation Heat Transfer Configuration Factors: B-3 (corner), B-12, C-119."""
    distance = 1.1
    x, y = 0.3 / distance, 0.45 / distance
    one, other = math.hypot(1.0, x), math.hypot(1.0, y)
    rectangle = 2.0 * (x / one * math.atan(y / one) + y / other * math.atan(x / other))
    assert unit(lamp_forms.rectangle(0.6, 0.9), distance) == pytest.approx(rectangle, rel=1e-6)
    disc, hole = (math.pi * r**2 / (r**2 + distance**2) for r in (0.6, 0.45))
    assert unit(lamp_forms.disc(1.2, 1.2), distance) == pytest.approx(disc, rel=2e-3)
    assert unit(lamp_forms.ring(1.2, 1.2, 0.75), distance) == pytest.approx(disc - hole, rel=2e-3)
    ball = math.pi * (0.3 / distance) ** 2
    assert unit(lamp_forms.ellipsoid(0.6, 0.6), distance) == pytest.approx(ball, rel=0.02)
    assert unit(lamp_forms.tube(0.6, 0.6), distance) == pytest.approx(ball, rel=0.02)


def unit(mesh: Any, distance: float) -> float:
    """Irradiance at that distance in front of a mesh of radiance 1, on a surface that faces it."""
    triangles = mesh.vertices.astype(np.float64)[mesh.faces.astype(np.int64)]
    return emitted.irradiance(triangles, np.array([0.0, 0.0, distance]), np.array([0.0, 0.0, -1.0]))


def test_a_shape_cut_off_at_the_ground_is_what_is_left_of_it() -> None:
    whole = lamp_forms.rectangle(0.6, 1.0)
    vertices, faces = lamp_forms.cut_off(whole.vertices.astype(np.float64), whole.faces, 0.1)
    corners = vertices[faces.astype(np.int64)]
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert vertices[:, 1].min() == pytest.approx(0.1)
    assert (crosses[:, 2] > 0.0).all() and crosses[:, 2].sum() / 2.0 == pytest.approx(0.6 * 0.4)


@pytest.mark.parametrize("name", STANDING)
def test_every_light_is_as_strong_as_it_says_where_it_is_aimed(name: str) -> None:
    fill = {"role": "fill", "type": name, "azimuth_deg": 40, "elevation_deg": 30, "distance_m": 2.0, "intensity": 1.5}
    made = room({"lights": [{"role": "key", "type": "softbox", "azimuth_deg": -60, "intensity": 3.0}, fill]})
    lamp = next(lamp for lamp in made.lamps if lamp.index == 1)
    # Of a body half of what is looked for is on its far side, which takes more looks.
    samples = 24576 if SHAPES[name]["shape"] in ("tube", "ellipsoid", "bulbs", "flames") else 4096
    got = received(shapes(made, [lamp]), direction(40, 30), samples=samples)
    assert luminance(got) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("name", WITH_FILL)
def test_key_to_fill_is_that_of_the_setup_with_all_its_lamps_in_the_room(name: str) -> None:
    made = room({"setup": name}, {"subjects": [{"description": "a person", "pose": "standing"}]})
    lights = lights_of({"setup": name})
    strongest = intensity_of(key_of(lights))  # type: ignore[arg-type]
    for lamp in made.lamps:
        light = lights[lamp.index]
        if light["role"] in ("key", "fill"):
            got = received(shapes(made, [lamp]), direction(light["azimuth_deg"], light["elevation_deg"]))
            assert luminance(got) == pytest.approx(intensity_of(light) / strongest, rel=0.03), lamp.label


@pytest.mark.parametrize("name", ["softbox", "lantern", "candle", "sun"])
def test_size_and_distance_never_change_the_strength(name: str) -> None:
    for size, distance in (([0.05, 0.05], 0.8), ([1.6, 0.4], 1.0), ([3.0, 3.0], 40.0)):
        made = room(key(type=name, size_m=size, distance_m=distance, elevation_deg=45))
        assert luminance(received(shapes(made), direction(0, 45))) == pytest.approx(1.0, rel=0.025)


# Colour


@pytest.mark.parametrize("kelvin", [1500, 1900, 2700, 3200, 4300, 5600, 6500, 9000, 15000])
def test_the_lit_grey_has_the_colour_temperature_of_its_light(kelvin: float) -> None:
    got = received(shapes(room(key(type="softbox", color_temperature_k=kelvin))), direction(0, 0), samples=256)
    found = xy_to_kelvin(*chromaticity(got))
    assert found.kelvin == pytest.approx(kelvin, rel=0.01) and abs(found.duv) < 5e-4


def test_a_coloured_light_has_its_colour_and_the_strength_of_a_white_one() -> None:
    got = received(shapes(room(key(type="softbox", color="#FF2E88"))), direction(0, 0))
    wanted = emitted.linear_of_hex("#FF2E88").astype(np.float64)
    assert luminance(got) == pytest.approx(1.0, rel=0.02)
    assert got / got.sum() == pytest.approx(wanted / wanted.sum(), abs=1e-3)


@pytest.mark.parametrize(
    ("light", "kelvin"),
    [
        ({"type": "fresnel"}, 5600),
        ({}, 5600),
        ({"type": "neon"}, 5600),
        ({"type": "bulb"}, 2700),
        ({"type": "sun"}, 5500),
    ],
)
def test_a_light_without_a_colour_has_its_usual_one(light: dict[str, Any], kelvin: float) -> None:
    whole = {"role": "key", **light}
    assert emitted.rgb_of_light(whole, [whole]) == emitted.rgb_of_kelvin(kelvin)


def test_a_reflector_gives_back_the_colour_of_the_key() -> None:
    sun = {"role": "key", "type": "sun", "color_temperature_k": 3300}
    card = {"role": "fill", "type": "silver_reflector"}
    assert emitted.rgb_of_light(card, [card, sun]) == emitted.rgb_of_kelvin(3300)
    assert emitted.rgb_of_light(card | {"color": "#00FF00"}, [card, sun]) == emitted.rgb_of_hex("#00FF00")
    assert emitted.rgb_of_light(card | {"role": "key"}, [card | {"role": "key"}]) == emitted.rgb_of_kelvin(5600)


# Where lamps stand


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 50), (45, 45), (-50, 30), (120, 25), (-155, 40), (180, 60)])
def test_the_shadow_of_a_pole_falls_away_from_the_sun(azimuth: float, elevation: float) -> None:
    height, side, reach = 0.2, 128, 0.5
    made = room(key(type="sun", azimuth_deg=azimuth, elevation_deg=elevation), {"backdrop": {"kind": "ground"}})
    above = np.eye(4)
    # The picture's right is +X and its top is -Z.
    above[:3, 0], above[:3, 1], above[:3, 2], above[:3, 3] = (-reach, 0, 0), (0, 0, -reach), (0, -1, 0), (0, 1, 0)
    mi.set_variant("scalar_rgb")
    film = {"type": "hdrfilm", "width": side, "height": side, "pixel_format": "rgb", "rfilter": {"type": "box"}}
    pole = {
        "type": "cylinder",
        "p0": [0, 0, 0],
        "p1": [0, height, 0],
        "radius": 0.006,
        "bsdf": emitted.diffuse([0] * 3),
    }
    scene = build(
        mi,
        {
            "type": "scene",
            **shapes(made),
            "pole": pole,
            "integrator": {"type": "path", "max_depth": 2},
            "sensor": {"type": "orthographic", "to_world": above, "film": film, "sampler": {"type": "independent"}},
        },
    )
    pixels = np.array(mi.render(scene, spp=8, seed=3)).mean(axis=-1)
    dark = np.argwhere(pixels < 0.3 * np.median(pixels)) - (side - 1) / 2.0
    x, z = dark[:, 1] * 2.0 * reach / side, dark[:, 0] * 2.0 * reach / side
    away = np.hypot(x, z)
    tip = away > 0.4 * away.max()
    fallen = math.degrees(math.atan2(-x[tip].mean(), -z[tip].mean()))
    assert abs((fallen - azimuth + 180.0) % 360.0 - 180.0) < 3.0
    assert away.max() == pytest.approx(height / math.tan(math.radians(elevation)), rel=0.08)


def test_directions_are_measured_from_the_camera_or_in_the_world() -> None:
    light = {"role": "key", "type": "softbox", "azimuth_deg": 20, "elevation_deg": 10, "distance_m": 2.0}
    for frame, azimuth in (("camera", 90.0), ("world", 20.0), (None, 90.0)):
        lighting = {"lights": [light]} | ({"frame": frame} if frame else {})
        (lamp,) = room(lighting, azimuth_deg=70.0).lamps
        middle = lamp.corners.mean(axis=0)
        assert middle == pytest.approx(np.add(AIM, 2.0 * direction(azimuth, 10)), abs=0.02)


def test_the_order_of_the_list_changes_no_lamp() -> None:
    lights = SETUPS["three_point"]["lights"]
    one, other = room({"lights": lights}), room({"lights": lights[::-1]})
    for lamp in one.lamps:
        twin = next(twin for twin in other.lamps if twin.label == lamp.label)
        assert twin.index == 2 - lamp.index and np.array_equal(twin.corners, lamp.corners)
        assert twin.shapes[0]["emitter"] == lamp.shapes[0]["emitter"]


def test_two_equal_lights_are_two_lamps() -> None:
    twins = [{"role": "key", "type": "softbox"}] * 2
    assert [lamp.index for lamp in room({"lights": twins}).lamps] == [0, 1]


def test_lights_that_are_off_are_not_there_and_practicals_are_shown() -> None:
    lights = [
        {"role": "fill", "intensity": 0},
        {"role": "key", "type": "softbox"},
        {"role": "practical", "type": "table_lamp", "azimuth_deg": 150, "intensity": 0.2},
    ]
    made = room({"lights": lights})
    assert [(lamp.index, lamp.label, lamp.shown) for lamp in made.lamps] == [
        (1, "key light (softbox)", False),
        (2, "practical light (table lamp)", True),
    ]


def test_a_light_in_the_ground_is_raised_and_one_that_touches_it_is_cut_off() -> None:
    floor = {"backdrop": {"kind": "ground"}}
    small = ((-0.05, 0.0, -0.05), (0.05, 0.2, 0.05))
    below = room(key(type="softbox", elevation_deg=-60), floor, box=small)
    assert any("raised from -60°" in note for note in below.notes)
    touching = room(key(type="strip", elevation_deg=5, distance_m=0.7), floor, box=small)
    assert not any("raised" in note for note in touching.notes)
    for made, elevation in ((below, 0), (touching, 5)):
        (lamp,) = made.lamps
        assert lamp.corners[:, 1].min() > 0.0
        got = received(shapes(made), direction(0, elevation), at=(0.0, 0.1, 0.0))
        assert luminance(got) == pytest.approx(1.0, rel=0.03)
    assert not any("raised" in note for note in room(key(type="softbox", elevation_deg=-60), box=small).notes)


def test_a_type_that_there_is_not_is_refused() -> None:
    with pytest.raises(StudioFlowError, match="no such light type"):
        room(key(type="softbocks"))


def test_what_cannot_be_is_said() -> None:
    notes = room(key(type="bulb", distance_m=0.1)).notes
    assert any("key light (household bulb) reaches into the box" in note for note in notes)
    dark = room({"lights": [{"role": "key", "intensity": 0}]})
    assert any("no light is on: all 1 are off" in note for note in dark.notes)
    assert dark.environment and dark.environment["type"] == "constant"
    assert dark.environment["radiance"]["value"] == pytest.approx(emitted.rgb_of_kelvin(5600))
    set_sun = room(key(type="sun", elevation_deg=-4), {"backdrop": {"kind": "ground"}})
    assert any("4° below the horizon" in note for note in set_sun.notes)


# Focused lights


@pytest.mark.parametrize("name", FOCUSED)
def test_a_focused_light_covers_the_subject_and_keeps_off_what_is_far_beside_it(name: str) -> None:
    small = ((-0.1, 0.0, -0.1), (0.1, 0.3, 0.1))
    made = room(key(type=name, distance_m=3.0, elevation_deg=30), box=small)
    towards = direction(0, 30)
    for x, y in ((-0.1, 0.0), (0.1, 0.3)):
        assert luminance(received(shapes(made), towards, at=(x, y, 0.0))) > 0.8
    assert luminance(received(shapes(made), towards, at=(2.5, 0.15, 0.0))) == 0.0


@pytest.mark.parametrize("role", ["key", "background"])
def test_the_camera_sees_nothing_of_a_hidden_lamp(role: str) -> None:
    light = {"role": role, "type": "spot", "azimuth_deg": 180, "distance_m": 1.5}
    made = room({"lights": [light], "ambient": 0.5})
    mi.set_variant("scalar_rgb")
    eye = np.diag([-1.0, 1.0, -1.0, 1.0])
    eye[:3, 3] = (0.0, AIM[1], 3.0)
    film = {"type": "hdrfilm", "width": 24, "height": 24, "pixel_format": "rgba", "rfilter": {"type": "box"}}
    scene = {"type": "scene", **shapes(made), "integrator": {"type": "path", "max_depth": 4, "hide_emitters": True}}
    scene["sensor"] = {"type": "perspective", "to_world": eye, "fov": 20.0, "film": film}
    pixels = np.array(mi.render(build(mi, scene), spp=4))
    assert (pixels == 0.0).all()


def test_a_gobo_throws_the_bars_of_a_window() -> None:
    small = ((-0.1, 0.0, -0.1), (0.1, 0.3, 0.1))
    made = room(key(type="gobo", distance_m=3.0), box=small)
    across = [luminance(received(shapes(made), (0, 0, 1), (x, 0.15, 0.0), 512)) for x in np.linspace(-0.9, 0.9, 37)]
    bright = [value > 0.5 for value in across]
    edges = sum(a != b for a, b in itertools.pairwise(bright))
    assert edges == 6 and min(across[5:-5]) < 0.25 and across[18] == pytest.approx(1.0, rel=0.02)


# All of them


@pytest.mark.parametrize("name", SETUPS)
def test_every_setup_makes_a_scene(name: str) -> None:
    box = ((-0.1, 0.0, -0.1), (0.1, 0.3, 0.1))
    made = room({"setup": name}, {"subjects": [{"description": "a jar"}]}, box=box)
    mi.set_variant("scalar_rgb")
    plain = {"type": "scene", **shapes(made), "subject": {"type": "cube", "bsdf": emitted.diffuse([0.5] * 3)}}
    if made.environment:
        plain["around"] = made.environment
    scene = build(mi, plain)
    assert len(scene.emitters()) >= len(made.lamps) and made.backdrop
    for lamp in made.lamps:
        assert np.isfinite(lamp.corners).all() and lamp.corners.shape == (8, 3)
        assert np.isfinite(lamp.shapes[0]["emitter"]["radiance"]["value"]).all()
