"""Shots at the edges of what a manifest may say: each is shown, or refused with one clear error."""

from __future__ import annotations

import math
from typing import Any

import mitsuba as mi
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox.backdrop import Room, seen_behind
from studioflow.greybox.greybox import QUALITIES, Settings, _Stage
from studioflow.greybox.layout import places_of
from studioflow.greybox.scene import Shot, shot_of
from studioflow.greybox.shapes import shape_of, stand_ins
from studioflow.greybox.stand_in import choose
from studioflow.greybox.surfaces import surface_of

from .greybox_rooms import room
from .greybox_shots import light, nothing_to_find, subject


def shown(*subjects: Any, lights: Any = (), camera: Any = None, **scene: Any) -> Shot:
    return shot_of(
        {
            "scene": {"subjects": list(subjects), **scene},
            "camera": camera or {},
            "lighting": {"lights": list(lights), "frame": "world"},
        },
        32,
        32,
        nothing_to_find,
    )


def looking(*position_m: float, at: tuple[float, float, float] = (0.0, 0.0, 5.0)) -> dict[str, Any]:
    return {"pose": {"position_m": list(position_m), "look_at_m": list(at)}}


# The camera inside a subject


@pytest.mark.parametrize("stand_in", ["box", "cylinder", "cone", "sphere", "bottle"])
@pytest.mark.parametrize("aside", [0.0, 0.05])
def test_a_camera_on_the_axis_of_a_thing_is_inside_it_too(stand_in: str, aside: float) -> None:
    thing = subject(stand_in, (1.0, 1.0, 1.0), material="steel")
    with pytest.raises(StudioFlowError, match="the camera stands inside a subject"):
        shown(thing, camera=looking(aside, 0.3, 0.0))


@pytest.mark.parametrize("position", [(0.0, 1.01, 0.0), (0.0, -0.01, 0.0), (0.51, 0.5, 0.0), (0.0, 0.5, 0.51)])
def test_a_camera_just_outside_of_a_box_is_not_in_it(position: tuple[float, float, float]) -> None:
    assert shown(subject("box", (1.0, 1.0, 1.0)), camera=looking(*position)).names


def test_a_camera_in_the_last_of_many_copies_is_found() -> None:
    thing = subject("sphere", (0.2, 0.2, 0.2), count=60)
    place = places_of([thing], [(0.2, 0.2, 0.2)])[0][-1]
    with pytest.raises(StudioFlowError, match="inside a subject"):
        shown(thing, camera=looking(*(place @ [0.0, 0.1, 0.0, 1.0])[:3].tolist()))


# Where copies stand


def test_copies_of_what_is_put_into_a_room_stay_in_it() -> None:
    house, bean = (20.0, 6.0, 20.0), (0.01, 0.008, 0.006)
    subjects = [{}, {"position_m": [2.0, 0.0, 2.0], "count": 9.0}]
    _, beans = places_of(subjects, [house, bean])
    spots = np.array([place[:3, 3] for place in beans])
    assert len(spots) == 9
    assert np.abs(spots - [2.0, 0.0, 2.0]).max() < 0.1
    gaps = [math.dist(a, b) for n, a in enumerate(spots) for b in spots[:n]]
    assert min(gaps) > min(bean)


# Lamps of no size at no distance


@pytest.mark.parametrize("kind", ["softbox", "ring", "neon", "spot", "gobo", "bare_bulb", "candle", "string_lights"])
@pytest.mark.parametrize(
    "extreme", [{"distance_m": 5e-324}, {"distance_m": 0.001}, {"size_m": [5e-324, 1.0]}, {"size_m": [1000.0, 5e-324]}]
)
def test_the_smallest_numbers_of_a_light_still_make_a_lamp(kind: str, extreme: dict[str, Any]) -> None:
    low, high = (-0.005, 0.0, -0.005), (0.005, 0.001, 0.005)
    made = room({"lights": [light(type=kind, **extreme)]}, {"backdrop": {"kind": "sweep"}}, box=(low, high))
    (lamp,) = made.lamps
    meshes = [shape["mesh"] for shape in lamp.shapes if shape["type"] == "mesh"]
    assert all(len(mesh.faces) and np.isfinite(mesh.vertices).all() for mesh in meshes)
    assert np.isfinite(lamp.corners).all()
    radiance = lamp.shapes[0]["emitter"]["radiance"]["value"]
    assert all(math.isfinite(part) for part in radiance)
    assert max(radiance) > 0.0


# Lights that say no distance


def _lamp_of(box_m: tuple[float, float, float], **more: Any) -> tuple[float, float]:
    """How far the only light of a box stands from its middle, and how large it is."""
    (lamp,) = shown(subject("box", box_m), lights=[light(elevation_deg=45.0, **more)]).lamps
    corners = lamp.corners
    return math.dist(corners.mean(axis=0), (0.0, box_m[1] / 2.0, 0.0)), float(np.ptp(corners, axis=0)[0])


def test_a_light_that_says_no_distance_stands_clear_of_a_large_subject_and_looks_as_large() -> None:
    small, large = _lamp_of((0.1, 0.1, 0.1)), _lamp_of((9.0, 5.5, 7.0))
    assert small[0] == pytest.approx(1.5, rel=1e-3)
    assert large[0] > math.hypot(9.0, 5.5, 7.0) / 2.0
    assert large[1] / large[0] == pytest.approx(small[1] / small[0], rel=1e-3)


def test_a_light_that_says_its_distance_or_size_keeps_it() -> None:
    distance, size = _lamp_of((9.0, 5.5, 7.0), distance_m=2.0)
    assert (distance, size) == (pytest.approx(2.0, rel=1e-3), pytest.approx(_lamp_of((0.1, 0.1, 0.1))[1], rel=1e-3))
    assert _lamp_of((9.0, 5.5, 7.0), size_m=[0.5, 0.5])[1] == pytest.approx(0.5, rel=1e-3)


# What a light of the background is aimed at


def studio() -> Room:
    return Room((0.0, 1.0, 0.0), np.array([0.0, 0.0, -1.0]), 0.0, 2.0, 0.3, 5.0, 5.0, 3.0)


@pytest.mark.parametrize(
    ("camera", "seen"),
    [
        ((0.0, 1.0, 4.0), (0.0, 1.0, -2.0)),  # from the front: the wall behind the subject
        ((4.0, 1.0, 4.0), (-2.0, 1.0, -2.0)),  # from 45 degrees: further along the wall
        ((0.0, 3.0, 1.0), (0.0, 0.0, -0.5)),  # from above: the floor behind the subject
        ((4.0, 1.0, 0.0), (0.0, 1.0, -2.0)),  # along the wall, and from behind: straight behind the subject
        ((4.0, 1.001, 1e-12), (0.0, 1.0, -2.0)),
        ((0.0, 1.0, -1.0), (0.0, 1.0, -2.0)),
        ((0.0, 1.0, 0.0), (0.0, 1.0, -2.0)),  # in the subject's middle
    ],
)
def test_the_background_is_what_the_camera_sees_behind_the_subject(
    camera: tuple[float, float, float], seen: tuple[float, float, float]
) -> None:
    np.testing.assert_allclose(seen_behind(studio(), camera), seen, atol=1e-9)


def test_a_camera_level_with_the_subject_and_beside_it_is_shown() -> None:
    lights = [light(), light("background", 180.0)]
    thing = subject("box", (0.1, 0.1, 0.1))
    shot = shown(thing, lights=lights, camera=looking(2.0, 0.05, 0.0, at=(0.0, 0.05, 0.0)))
    assert len(shot.lamps) == 2


# The wall


@pytest.mark.parametrize("elevation", [-60.0, -40.0, -20.0, 0.0])
def test_a_camera_that_looks_up_sees_no_edge_of_the_wall(elevation: float) -> None:
    orbit = {"elevation_deg": elevation, "distance_m": 0.8, "target_m": [0.0, 0.05, 0.0]}
    shot = shown(subject(), camera={"lens": {"focal_length_mm": 50}, "orbit": orbit}, backdrop={"kind": "sweep"})
    view = shot.view
    # The upper edge of the picture, half its height above the middle, where it meets the wall.
    steep = math.radians(max(0.0, -elevation)) + math.atan(math.tan(math.radians(view.fov_deg) / 2.0))
    (sweep,) = (shape["mesh"].vertices for name, shape in shot.shapes.items() if name.startswith("backdrop"))
    away = view.pose.position_m[2] - float(sweep[:, 2].min())
    assert float(sweep[:, 1].max()) > view.pose.position_m[1] + away * math.tan(steep)


# Sizes far from the usual


@pytest.mark.parametrize(
    ("name", "size_m"),
    [
        ("bowl", (0.16, 0.006, 0.16)),
        ("glass", (0.08, 0.008, 0.08)),
        ("jar", (10.0, 0.001, 10.0)),
        ("plant", (0.5, 0.1, 0.5)),
        ("house", (0.1, 1.0, 1.0)),
        ("book", (0.001, 10.0, 0.1)),
        ("sofa", (1000.0, 400.0, 450.0)),
    ],
)
def test_things_are_built_in_sizes_far_from_the_usual(name: str, size_m: tuple[float, float, float]) -> None:
    parts = shape_of(name, size_m)
    points = np.concatenate([part.mesh.vertices for part in parts])
    np.testing.assert_allclose(np.ptp(points, axis=0), size_m, rtol=1e-4)
    for part in parts:
        assert part.mesh.normals is not None
        np.testing.assert_allclose(np.linalg.norm(part.mesh.normals, axis=1), 1.0, atol=1e-4)


@pytest.mark.parametrize("side", [5e-324, 1e-6])
def test_a_subject_too_small_to_be_built_is_refused(side: float) -> None:
    with pytest.raises(StudioFlowError) as refused:
        shown(subject(), subject("mug", (0.1, side, 0.1)))
    assert "/scene/subjects/1/size_m" in str(refused.value)
    assert "0.01 mm or more" in str(refused.value)
    assert shown(subject("mug", (0.1, 1e-5, 0.1))).names


# Words


@pytest.mark.parametrize(
    ("description", "name"),
    [("wine bottle 2", "wine_bottle"), ("iPhone 15", "phone"), ("mug 1 with a lid", "mug"), ("7", "box")],
)
def test_a_number_after_the_name_is_no_name(description: str, name: str) -> None:
    assert choose({"description": description}).name == name


def body(description: str, role: str = "body", **more: Any) -> Any:
    thing = {"description": description, **more}
    return surface_of(thing, role, stand_ins()[choose(thing).name].get("role_surfaces", {}), {}).plain


@pytest.mark.parametrize(
    ("held", "empty"),
    [
        ("cup of coffee", "cup"),
        ("mug of black coffee", "mug"),
        ("bottle of olive oil", "wine bottle"),
        ("jar of honey", "jar"),
        ("glass of red wine", "wine glass"),
        ("bowl of red cherries", "bowl"),
        ("vase of white roses", "vase"),
    ],
)
def test_a_vessel_is_not_made_of_what_is_in_it(held: str, empty: str) -> None:
    assert body(held) == body(empty)


def test_what_is_in_a_vessel_is_what_the_words_say() -> None:
    assert body("cup of coffee", "liquid") == body("mug of black coffee", "liquid") != body("cup of milk", "liquid")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("vase of blue glass", "blue glass vase"),
        ("bowl of white porcelain", "white porcelain bowl"),
        ("block of white marble", "white marble block"),
        ("pair of red shoes", "red shoes"),
    ],
)
def test_a_thing_is_made_of_what_it_is_of(one: str, same: str) -> None:
    assert body(one) == body(same)


@pytest.mark.parametrize(
    ("colored", "plain"), [("red car", "car"), ("blue house", "house"), ("green camera", "camera")]
)
def test_the_colour_of_a_thing_is_not_that_of_its_windows_and_lenses(colored: str, plain: str) -> None:
    assert body(colored, "glass") == body(plain, "glass")
    assert body(colored) != body(plain)


# Glass


def test_water_in_a_glass_is_clear_in_a_draft() -> None:
    """The middle of the glass lies in front of a white sweep: too few bounces leave it black."""
    mi.set_variant("scalar_rgb")
    shot = shown(
        {"description": "glass of water"},
        lights=[light(azimuth_deg=-45.0, elevation_deg=30.0)],
        camera={"orbit": {"elevation_deg": 5.0, "distance_m": 0.6, "target_m": [0.0, 0.05, 0.0]}},
        backdrop={"kind": "sweep", "color": "#FFFFFF"},
    )
    quality = QUALITIES["draft"]._replace(samples=32)
    settings = Settings(32, 32, denoise=False)
    linear, _ = _Stage(mi, shot, quality, settings, lambda done, total, picture: None).light()
    assert linear[14:20, 14:18].mean() > 0.3 * np.median(linear[14:20, :4])
