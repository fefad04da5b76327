"""What stands around the subjects: chosen by words, as large as the picture needs, and in nobody's way."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mitsuba as mi
import numpy as np
import pytest
from numpy.typing import NDArray

from studioflow.greybox import backdrop
from studioflow.greybox.build import build
from studioflow.greybox.camera import view_of
from studioflow.greybox.emitted import linear_of_hex
from studioflow.greybox.lighting_set import LightingSet, lighting_set
from studioflow.resources import table
from studioflow.studio.light_captions import caption_fields
from studioflow.studio.placement import Orbit, Pose, orbit_to_pose, pose_to_orbit
from studioflow.studio.words import entries

from .greybox_rooms import BOX, direction, luminance, received, room, shapes

SETUPS = entries("setups")
WORDS = table("greybox/backdrop_words.json")
PERSON = {"subjects": [{"description": "a man", "pose": "standing"}]}
JAR = ((-0.05, 0.0, -0.05), (0.05, 0.15, 0.05))


def vertices(made: LightingSet) -> NDArray[np.float64]:
    return np.concatenate([shape["mesh"].vertices for shape in made.backdrop if shape["type"] == "mesh"]).astype(float)


def wall_m(made: LightingSet) -> float:
    """How far behind the origin the backdrop ends, seen from azimuth 0."""
    return -float(vertices(made)[:, 2].min())


# The choice


@pytest.mark.parametrize(
    ("background", "kind"),
    [
        ("seamless pure white", "sweep"),
        ("deep black", "sweep"),
        ("a light grey studio backdrop, no horizon", "sweep"),
        ("a warm grey plaster wall, out of focus", "wall"),
        ("a stairwell wall with the shadow of blinds", "wall"),
        ("tall arched windows and book shelves up to the ceiling", "wall"),
        ("a dark oak table top running back into a warm grey plaster wall, plain and out of focus", "table"),
        ("a dark slate table top", "table"),
        ("a pale stone slab in front of a plain light grey wall", "table"),
        ("a lake in the valley and pine forest on the far shore", "ground"),
        ("an empty street at night", "ground"),
        ("a rustic wooden surface", "table"),
        ("a stable barn", "sweep"),
        ("", "sweep"),
    ],
)
def test_words_of_the_background_choose_the_kind(background: str, kind: str) -> None:
    chosen = backdrop.choose({"background": background}, {}, [])
    assert chosen.kind == kind and chosen.why


def test_the_manifest_s_own_backdrop_wins_and_lights_decide_where_no_words_do() -> None:
    sun = [{"role": "key", "type": "sun"}]
    said = {"background": "a brick wall"}
    assert backdrop.choose(said | {"backdrop": {"kind": "table"}}, {}, sun).kind == "table"
    assert backdrop.choose(said, {}, sun).kind == "wall"
    assert backdrop.choose({}, {}, sun).kind == "ground"
    assert backdrop.choose({}, {"environment": {"hdri": "x.hdr"}}, []).kind == "ground"
    assert room({"lights": sun}, {}).notes[0] == "backdrop: ground (lit by the sky or a panorama)"


@pytest.mark.parametrize(
    ("background", "color"),
    [
        ("seamless pure white", "#FFFFFF"),
        ("deep black", "#000000"),
        ("a plain dark brown wall", "#341C02"),
        ("a sky blue wall", "#75BBFD"),
        ("a brick wall", "#8E4B3A"),
        ("a sandy beach", "#CDB48A"),
        ("something else", "#808080"),
    ],
)
def test_words_of_the_background_choose_the_colour(background: str, color: str) -> None:
    assert backdrop.choose({"background": background}, {}, []).color == color


def test_a_table_and_the_wall_behind_it_have_their_own_colours() -> None:
    chosen = backdrop.choose({"background": "a walnut table in front of a white wall"}, {}, [])
    assert (chosen.top, chosen.color) == ("#5C4330", "#FFFFFF")
    given = backdrop.choose({"background": "a walnut table", "backdrop": {"color": "#123456"}}, {}, [])
    assert (given.top, given.color) == ("#123456", "#123456")


def test_light_and_dark_move_a_colour() -> None:
    plain, light, dark = (
        backdrop.choose({"background": f"{word} oak wall"}, {}, []).color for word in ("an", "a pale", "a dark")
    )
    levels = [float(linear_of_hex(color).sum()) for color in (dark, plain, light)]
    assert levels == sorted(levels) and len(set(levels)) == 3


def test_the_table_of_words_names_what_there_is() -> None:
    assert set(WORDS["setups"]) <= set(SETUPS)
    assert set(WORDS["kinds"]) == {"table", "sweep", "wall", "ground"}
    words = [word for kind in WORDS["kinds"].values() for word in kind]
    assert len(words) == len(set(words)) and all(word == word.lower() for word in words)
    dark = [name for name, row in WORDS["setups"].items() if row.get("color", "#FFFFFF") < "#404040"]
    bright = [name for name, row in WORDS["setups"].items() if row.get("color", "#000000") > "#C0C0C0"]
    for names, word in ((dark, "dark|black|low-key|out of the dark"), (bright, "white|bright|high-key")):
        for name in names:
            said = " ".join(str(value) for value in caption_fields({"setup": name}).values()) + SETUPS[name]["use"]
            assert any(part in said for part in word.split("|")), name


def test_environment_and_none_have_no_geometry() -> None:
    for kind in ("environment", "none"):
        made = room({"setup": "three_point"}, {"backdrop": {"kind": kind}})
        assert made.backdrop == () and made.backdrop_kind == kind


def test_no_backdrop_gives_back_all_light_or_none() -> None:
    for color, low, high in (("#FFFFFF", 0.8, 0.9), ("#000000", 0.01, 0.02)):
        made = room({}, {"backdrop": {"kind": "sweep", "color": color}})
        values = made.backdrop[0]["bsdf"]["reflectance"]["value"]
        assert all(low <= value <= high for value in values)


# Where it stands


@pytest.mark.parametrize("name", SETUPS)
def test_a_wall_stands_behind_all_lamps_and_subjects(name: str) -> None:
    made = room({"setup": name}, PERSON | {"backdrop": {"kind": "sweep"}})
    mi.set_variant("scalar_rgb")
    scene = build(mi, {"type": "scene", "sweep": made.backdrop[0]})
    for lamp in made.lamps:
        points = lamp.shapes[0]["mesh"].vertices if "mesh" in lamp.shapes[0] else lamp.corners
        if np.abs(points).max() > 100.0:
            continue
        assert wall_m(made) > max(0.2, -points[:, 2].min()), lamp.label
        # Nothing of the sweep is in the way from the aim point to any of it.
        for point in points:
            ray = mi.Ray3f(mi.Point3f([0.0, 0.85, 0.0]), mi.Vector3f(list(point - np.array([0.0, 0.85, 0.0]))))
            ray.maxt = 0.999
            assert point[1] > 0.0 and not scene.ray_test(ray), lamp.label


def test_the_distance_of_the_manifest_is_that_of_the_wall_behind_the_subject() -> None:
    for kind, azimuth in itertools.product(("sweep", "wall", "table"), (0.0, 70.0)):
        scene = {"backdrop": {"kind": kind, "distance_m": 2.5}}
        back = -direction(azimuth, 0)
        # On a turntable whose lights stay the camera still has its background behind the subject.
        for lighting in ({"setup": "rembrandt"}, {"setup": "rembrandt", "frame": "world"}):
            made = room(lighting, scene, azimuth_deg=azimuth)
            assert (vertices(made) @ back).max() == pytest.approx(2.5, abs=1e-4)


def test_a_light_behind_the_wall_is_said_and_so_is_the_camera() -> None:
    near = room({"setup": "three_point"}, {"backdrop": {"kind": "wall", "distance_m": 1.0}})
    assert "rim light (strip box) stands behind the backdrop: 1.30 m behind the subject, its wall 1.00 m" in near.notes
    beyond = {"low": BOX[0], "high": BOX[1], "aim": (0.0, 0.85, 0.0), "pose": Pose((0.0, 1.0, -5.0), (0.0, 1.0, -8.0))}
    scene = {"backdrop": {"kind": "wall", "distance_m": 2.0}}
    inside = lighting_set({"scene": scene, "lighting": {"setup": "three_point"}}, **beyond, find=None)
    assert any(note.startswith("the camera stands behind the backdrop") for note in inside.notes)
    sunset = room({"setup": "golden_backlight"}, {"backdrop": {"kind": "wall"}})
    assert "key light (sun) is behind the backdrop, whose wall hides it from the subject" in sunset.notes
    assert not any("hides it" in note for note in room({"setup": "hard_sun"}, {"backdrop": {"kind": "wall"}}).notes)


def test_a_person_shown_in_part_has_the_floor_far_below_and_a_thing_stands_on_it() -> None:
    bust = ((-0.25, 0.0, -0.15), (0.25, 0.6, 0.15))
    floors = [
        vertices(room({}, scene, box=bust))[:, 1].min() for scene in (PERSON, {"subjects": [{"description": "x"}]})
    ]
    assert floors == pytest.approx([-1.1, 0.0])


def test_a_camera_below_the_ground_lowers_it() -> None:
    pose = orbit_to_pose(Orbit(0.0, -20.0, 1.0, target_m=(0.0, 0.075, 0.0)))
    made = lighting_set({}, low=JAR[0], high=JAR[1], aim=(0.0, 0.075, 0.0), pose=pose, find=None)  # type: ignore[arg-type]
    assert vertices(made)[:, 1].min() < pose.position_m[1] < 0.0
    assert any("the camera is below the ground" in note for note in made.notes)


# What it fills


@pytest.mark.parametrize("kind", ["sweep", "wall", "table"])
@pytest.mark.parametrize("focal_mm", [18, 50, 200])
@pytest.mark.parametrize(
    ("azimuth", "elevation", "distance"), [(0, 0, 1.2), (35, 12, 1.2), (-120, 40, 3.0), (10, 80, 1.2), (0, 90, 6.0)]
)
def test_it_fills_the_picture(kind: str, focal_mm: float, azimuth: float, elevation: float, distance: float) -> None:
    orbit = {"azimuth_deg": azimuth, "elevation_deg": elevation, "distance_m": distance, "target_m": [0.02, 0.08, 0.0]}
    camera = {"lens": {"focal_length_mm": focal_mm}, "orbit": orbit}
    for width, height in ((300, 200), (200, 300)):
        view = view_of(camera, width, height, *JAR)
        manifest = {"camera": camera, "scene": {"backdrop": {"kind": kind}}, "lighting": {"setup": "three_point"}}
        made = lighting_set(manifest, low=JAR[0], high=JAR[1], aim=(0.0, 0.075, 0.0), pose=view.pose, find=None)  # type: ignore[arg-type]
        mi.set_variant("scalar_rgb")
        scene = build(mi, {"type": "scene", **{f"part{n}": shape for n, shape in enumerate(made.backdrop)}})
        half = math.tan(math.radians(view.fov_deg) / 2.0)
        for x, y in itertools.product((-1.0, 0.0, 1.0), repeat=2):
            axes = view.axes
            way = np.array(axes.forward) + half * (x * np.array(axes.right) + y * height / width * np.array(axes.up))
            ray = mi.Ray3f(mi.Point3f(list(view.pose.position_m)), mi.Vector3f(list(way)))
            found = scene.ray_intersect(ray)
            assert found.is_valid(), (x, y)
            # Its front, which is the lit side.
            assert float(np.dot(np.array(found.n), way)) < 0.0


def test_a_sweep_is_one_smooth_sheet() -> None:
    (shape,) = room({}, {"backdrop": {"kind": "sweep"}}).backdrop
    mesh = shape["mesh"]
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(np.ones(len(mesh.normals)))
    corners = mesh.vertices[mesh.faces.astype(int)].astype(float)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert (np.einsum("nc,nkc->nk", flat, mesh.normals[mesh.faces.astype(int)].astype(float)) > 0.99).all()


def test_open_ground_reaches_to_the_horizon() -> None:
    made = room({"setup": "hard_sun"}, {})
    assert made.backdrop_kind == "ground"
    ends = vertices(made)
    assert ends[:, 1] == pytest.approx(np.zeros(len(ends))) and np.abs(ends[:, [0, 2]]).min() > 200.0


def test_a_table_top_is_at_the_subject_s_feet_with_a_floor_below() -> None:
    made = room({}, {"backdrop": {"kind": "table"}}, box=JAR)
    (top,) = [shape for shape in made.backdrop if shape["type"] == "cube"]
    corners = (
        np.array(list(itertools.product((-1.0, 1.0), repeat=3))) @ top["to_world"][:3, :3].T + top["to_world"][:3, 3]
    )
    assert corners[:, 1].max() == pytest.approx(0.0, abs=1e-9) and vertices(made)[:, 1].min() == pytest.approx(-0.75)
    assert corners[:, 0].max() >= 0.5 and -corners[:, 2].min() < wall_m(made)


# What lights it


@pytest.mark.parametrize("name", ["silhouette", "high_key", "product_tent", "bright_field", "gradient_sweep"])
def test_lights_of_the_background_are_as_strong_as_they_say_where_the_camera_sees_it(name: str) -> None:
    scene: dict[str, Any] = {"backdrop": {"kind": "wall"}}
    made = room({"setup": name}, scene)
    lights = SETUPS[name]["lights"]
    strongest = max(light.get("intensity", 1.0) for light in lights if light["role"] == "key" or name not in WITH_KEY)
    pose = orbit_to_pose(Orbit(0.0, 5.0, 4.0, target_m=(0.0, 0.85, 0.0)))
    eye = np.asarray(pose.position_m)
    way = np.array([0.0, 0.85, 0.0]) - eye
    at = eye + way * (eye[2] + wall_m(made)) / -way[2]
    at = np.array([at[0], max(at[1], 0.85), at[2] + 1e-3])
    assert pose_to_orbit(pose).azimuth_deg == 0.0
    for lamp in made.lamps:
        light = lights[lamp.index]
        if light["role"] == "background":
            middle = lamp.shapes[0]["mesh"].vertices.mean(axis=0)
            got = received(shapes(made, [lamp]), middle - at, at)
            assert luminance(got) == pytest.approx(light["intensity"] / strongest, rel=0.05), lamp.label


WITH_KEY = [name for name, row in SETUPS.items() if any(light["role"] == "key" for light in row["lights"])]
