"""Drawings: everything at its place, no label over another or off the page, valid and safe XML, the same every time."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.resources import table
from studioflow.studio.diagram import diagram_svg, scale_bar_m, view_deg
from studioflow.studio.diagram_plan import HEADER, PLAN, WIDTH, plan_of
from studioflow.studio.drawing import Box, text_width, wrapped
from studioflow.studio.focus_drawing import focus_svg, round_distances
from studioflow.studio.words import entries

SVG = "{http://www.w3.org/2000/svg}"
CAMERA = {"orbit": {"azimuth_deg": 0, "elevation_deg": 10, "distance_m": 2}, "lens": {"focal_length_mm": 85}}
TURNED = {"orbit": {"azimuth_deg": 120, "elevation_deg": 10, "distance_m": 3}, "lens": {"focal_length_mm": 35}}
PERSON = {"description": "a ceramicist in a linen apron who looks at the viewer", "pose": "standing"}
THING = {"description": "a coffee grinder", "size_m": [0.06, 0.19, 0.06], "facing_deg": 30}
FOCUS = {"focal_length_mm": 85, "aperture": 2.8, "focus_m": 2.2, "near_m": 2.15, "far_m": 2.26, "hyperfocal_m": 86.1}


def texts(svg: str) -> list[tuple[str, Box]]:
    """Every line of text of a drawing that is not turned, with a box that is measured by the font itself."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=1000.0)
    root = ElementTree.fromstring(svg)
    turned = {id(node) for group in root.iter(f"{SVG}g") if "rotate" in group.get("transform", "") for node in group}
    found = []
    for group, dx, dy in _groups(root, 0.0, 0.0):
        for node in group.findall(f"{SVG}text"):
            if id(node) in turned:
                continue
            size, said = float(node.get("font-size", "0")), node.text or ""
            width = font.getlength(said) * size / 1000.0
            x = float(node.get("x", "0")) + dx - {"middle": width / 2, "end": width}.get(node.get("text-anchor"), 0.0)
            found.append((said, Box(x, float(node.get("y", "0")) + dy - 0.8 * size, width, size)))
    return found


def _groups(node: ElementTree.Element, dx: float, dy: float) -> Any:
    yield node, dx, dy
    for group in node.findall(f"{SVG}g"):
        moved = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", group.get("transform", ""))
        yield from _groups(group, dx + float(moved[1]) if moved else dx, dy + float(moved[2]) if moved else dy)


def require_tidy(svg: str) -> None:
    box = ElementTree.fromstring(svg).get("viewBox", "").split()
    width, height = float(box[2]), float(box[3])
    found = texts(svg)
    assert found
    for said, place in found:
        assert place.x >= 0 and place.y >= 0, said
        assert place.x + place.width <= width and place.y + place.height <= height, said
    for (one, a), (other, b) in itertools.combinations(found, 2):
        assert not a.overlaps(b), (one, other)


@pytest.mark.parametrize("frame", ["camera", "world"])
@pytest.mark.parametrize("setup", sorted(entries("setups")))
def test_labels_of_every_setup_stand_clear(setup: str, frame: str) -> None:
    for camera, subject in ((CAMERA, PERSON), (TURNED, THING), (None, None)):
        svg = diagram_svg({"setup": setup, "frame": frame}, camera, subject)
        require_tidy(svg)
        assert len(re.findall("<linearGradient", svg)) == len(entries("setups")[setup]["lights"])


@st.composite
def lighting(draw: st.DrawFn) -> dict[str, Any]:
    light = st.fixed_dictionaries(
        {"role": st.sampled_from(["key", "fill", "rim", "hair", "kicker", "background", "practical"])},
        optional={
            "type": st.sampled_from([*entries("light_types"), "a_type_of_tomorrow"]),
            "azimuth_deg": st.floats(-360, 360),
            "elevation_deg": st.floats(-90, 90),
            "distance_m": st.sampled_from([1e-6, 0.3, 1.0, 1.5, 4.0, 30.0, 10000.0]),
            "intensity": st.floats(0, 100),
            "color_temperature_k": st.floats(1000, 20000),
            "size_m": st.tuples(st.floats(0.01, 1000), st.floats(0.01, 1000)).map(list),
        },
    )
    return {"lights": draw(st.lists(light, max_size=24)), "frame": draw(st.sampled_from(["camera", "world"]))}


@settings(deadline=None, max_examples=60)
@given(lighting(), st.sampled_from([CAMERA, TURNED, None]), st.sampled_from([PERSON, THING, None]))
def test_any_lights_make_a_tidy_drawing(section: dict[str, Any], camera: Any, subject: Any) -> None:
    svg = diagram_svg(section, camera, subject)
    require_tidy(svg)
    assert svg == diagram_svg({**section, "lights": section["lights"][::-1]}, camera, subject)
    for light in plan_of(section, camera, subject).lights:
        assert max(abs(light.x), abs(light.y)) <= PLAN / 2


def test_sixty_four_lights_make_a_long_page() -> None:
    lights = [{"role": "practical", "azimuth_deg": 5.6 * i, "distance_m": 1 + i % 5} for i in range(64)]
    require_tidy(diagram_svg({"lights": lights}, CAMERA, PERSON))


@pytest.mark.parametrize(
    ("azimuth", "x", "y"), [(0, 0, 1), (90, 1, 0), (180, 0, -1), (-90, -1, 0), (45, 0.7071, 0.7071)]
)
def test_front_is_down_the_page_and_right_is_right(azimuth: float, x: float, y: float) -> None:
    plan = plan_of({"lights": [{"role": "key", "azimuth_deg": azimuth, "distance_m": 1.5}]}, None, None)
    away = 1.5 * plan.px_per_m
    assert (plan.lights[0].true_x, plan.lights[0].true_y) == pytest.approx((x * away, y * away), abs=0.01)


def test_the_plan_sees_the_distance_along_the_ground() -> None:
    lights = [{"role": "key", "azimuth_deg": 90, "elevation_deg": 60, "distance_m": 2}]
    plan = plan_of({"lights": lights}, CAMERA, None)
    assert plan.lights[0].true_x == pytest.approx(1.0 * plan.px_per_m)
    assert math.hypot(*plan.camera_at) == pytest.approx(2 * math.cos(math.radians(10)) * plan.px_per_m)


def test_lights_that_travel_keep_the_camera_at_the_bottom_and_those_that_stay_the_front() -> None:
    travel = plan_of({"setup": "rembrandt"}, TURNED, PERSON)
    stay = plan_of({"setup": "rembrandt", "frame": "world"}, TURNED, PERSON)
    assert (travel.camera_azimuth_deg, travel.facing_deg) == (0, -120)
    assert (stay.camera_azimuth_deg, stay.facing_deg) == (120, 0)
    assert travel.camera_at[1] > 0 == pytest.approx(travel.camera_at[0])
    assert stay.camera_at[0] > 0 > stay.camera_at[1]
    assert [(light.true_x, light.true_y) for light in travel.lights] == [(i.true_x, i.true_y) for i in stay.lights]
    assert "120° right" in " ".join(travel.notes) and "120° right" in " ".join(stay.notes)
    assert "front of the scene" in diagram_svg({"setup": "rembrandt", "frame": "world"}, TURNED, PERSON)


def test_a_sun_stands_at_the_rim_with_its_distance_and_the_set_keeps_its_scale() -> None:
    sun = {"role": "key", "type": "sun", "azimuth_deg": -70, "distance_m": 10000, "color_temperature_k": 3400}
    near = {"role": "fill", "type": "reflector", "azimuth_deg": 60, "distance_m": 1.5, "intensity": 0.3}
    with_sun = plan_of({"lights": [sun, near]}, CAMERA, PERSON)
    without = plan_of({"lights": [near]}, CAMERA, PERSON)
    assert with_sun.px_per_m == without.px_per_m
    key = with_sun.lights[0]
    assert not key.to_scale and with_sun.lights[1].to_scale
    assert math.hypot(key.true_x, key.true_y) > math.hypot(with_sun.lights[1].true_x, with_sun.lights[1].true_y)
    svg = diagram_svg({"lights": [sun, near]}, CAMERA, PERSON)
    assert "10 km" in svg and "Not to scale" in svg


def test_a_sun_without_a_believable_distance_stands_at_the_rim_and_tells_none() -> None:
    sun = {"role": "key", "type": "sun", "azimuth_deg": 150, "elevation_deg": 10, "distance_m": 1.5}
    assert not plan_of({"lights": [sun]}, CAMERA, PERSON).lights[0].to_scale
    assert "150° right, 10° up" in [said for said, _ in texts(diagram_svg({"lights": [sun]}, CAMERA, PERSON))]


def test_no_glyph_covers_another() -> None:
    for setup in entries("setups"):
        lights = plan_of({"setup": setup}, CAMERA, PERSON).lights
        for one, other in itertools.combinations(lights, 2):
            assert math.hypot(one.x - other.x, one.y - other.y) > 4, setup
        assert all(math.hypot(light.x, light.y) > 30 for light in lights)


def test_lights_point_at_the_subject_and_background_lights_where_the_camera_looks() -> None:
    lights = [
        {"role": role, "azimuth_deg": azimuth, "distance_m": 1.2}
        for role in ("key", "background")
        for azimuth in (-150, 40, 90)
    ]
    plan = plan_of({"lights": lights, "frame": "world"}, TURNED, PERSON)
    away = math.hypot(*plan.camera_at)
    for light in plan.lights:
        place, distance = (light.x, light.y), math.hypot(light.x, light.y)
        x, y = (place, distance) if light.light["role"] == "key" else (plan.camera_at, away)
        assert light.aim == pytest.approx((-x[0] / y, -x[1] / y))


def test_the_labels_say_the_numbers() -> None:
    lights = [
        {"role": "key", "type": "softbox", "azimuth_deg": -45, "elevation_deg": 35, "distance_m": 1.6},
        {"role": "rim", "type": "neon", "azimuth_deg": 150, "intensity": 0.5, "color": "#20C8FF"},
        {"role": "fill", "azimuth_deg": 0, "elevation_deg": -20, "intensity": 0, "color_temperature_k": 3200},
    ]
    said = [said for said, _ in texts(diagram_svg({"lights": lights}, CAMERA, None))]
    for line in ("Key light", "Softbox", "45° left, 35° up, 1.6 m", "intensity 1", "150° right, level"):
        assert line in said, line
    assert "in front, 20° down" in said
    assert "intensity 0, 3200 K" in said
    assert any("(-1.0 stops)" in line for line in said)
    assert "85 mm" in said


def test_the_beam_has_the_lights_own_colour() -> None:
    svg = diagram_svg({"lights": [{"role": "key", "color": "#20C8FF"}, {"role": "rim", "color_temperature_k": 2000}]})
    colors = re.findall(r'stop-color="(#\w{6})"', svg)
    assert colors[0] == "#20C8FF"
    red, _, blue = (int(colors[-1][i : i + 2], 16) for i in (1, 3, 5))
    assert red > 2 * blue


def test_every_light_type_has_a_drawing_of_its_own() -> None:
    rows = table("studio/diagram.json")
    assert {kind for kind in entries("light_types") if rows["types"].get(kind) not in rows["glyphs"]} == set()
    assert {"generic"} == rows["glyphs"].keys() - set(rows["types"].values())


def test_the_view_is_the_lens_on_its_sensor() -> None:
    # 39.6 degrees across: what Canon and Nikon print as the horizontal angle of a 50 mm lens on 36 x 24 mm.
    assert view_deg({"lens": {"focal_length_mm": 50}}) == pytest.approx(39.6, abs=0.05)
    assert view_deg({}) is None


def test_titles_and_descriptions_cannot_break_the_document() -> None:
    nasty = "<script>&\"'\x00\x1b]]> " + "w" * 400
    svg = diagram_svg({"setup": "rembrandt"}, CAMERA, {"description": nasty}, title="A & B <i>\x07")
    root = ElementTree.fromstring(svg)
    assert root.findtext(f"{SVG}title") == "A & B <i>"
    assert not list(root.iter(f"{SVG}script"))
    require_tidy(svg)


def test_people_who_do_not_see_it_hear_it() -> None:
    root = ElementTree.fromstring(diagram_svg({"setup": "three_point"}, CAMERA, PERSON))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    told = root.findtext(f"{SVG}desc") or ""
    assert all(part in told for part in ("Key light", "45° left", "5600 K", "Camera", "85 mm"))


def test_the_description_is_not_broken_where_lines_are() -> None:
    long = "hand coffee grinder, slim and precisely machined, with a folding crank of polished steel"
    told = ElementTree.fromstring(diagram_svg({"setup": "loop"}, None, {"description": f"{long}."})).findtext(
        f"{SVG}desc"
    )
    assert told is not None and f"Subject: {long}. " in told
    assert "Camera, place not given. " in told and ": ." not in told and ".." not in told


@pytest.mark.parametrize("title", ["Rembrandt", "A rather long title " * 6, "Long titles " * 40, "W" * 60, "w" * 400])
def test_titles_stay_on_the_page(title: str) -> None:
    svg = diagram_svg({"setup": "three_point"}, CAMERA, PERSON, title=title)
    require_tidy(svg)
    heads = [(said, place) for said, place in texts(svg) if place.y + place.height < HEADER and place.height >= 18]
    assert 1 <= len(heads) <= 2
    shown = " ".join(said for said, _ in heads)
    assert shown == title.strip() or (shown.endswith("...") and title.startswith(shown[:-3]))
    # Below the bar over the title.
    assert min(place.y for _, place in heads) > 41


def test_nothing_to_draw_is_said() -> None:
    svg = diagram_svg({})
    require_tidy(svg)
    assert "No lights are given." in svg


@pytest.mark.parametrize("px_per_m", [0.02, 1, 37, 107, 2000])
def test_the_scale_bar_is_a_round_number_that_fits(px_per_m: float) -> None:
    metres = scale_bar_m(px_per_m)
    assert 50 < metres * px_per_m <= 150
    assert f"{metres:.0e}"[0] in "125"


def test_text_is_measured_as_wide_as_the_font_sets_it_or_wider() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(size=1000.0)
    for words in ("Background light", "intensity 0.35 (-1.5 stops), 5600 K", "45° left, 35° up, 1.6 m", "WAVE fi Ty"):
        drawn = font.getlength(words)
        assert drawn <= text_width(words, 1000.0) + 1 <= 1.2 * drawn


@given(st.text(max_size=200), st.integers(1, 4))
def test_wrapped_text_fits(words: str, lines: int) -> None:
    rows = wrapped(words, 13, 120, lines)
    assert len(rows) <= lines
    assert all(text_width(row, 13) <= 120 for row in rows)


@settings(deadline=None)
@given(
    st.floats(0.02, 500),
    st.floats(0.001, 0.9),
    st.one_of(st.floats(0.001, 50), st.just(math.inf)),
    st.floats(0.02, 5000),
    st.one_of(st.none(), st.floats(0.01, 1000)),
    st.one_of(st.none(), st.floats(0.001, 3)),
    st.one_of(st.none(), st.floats(0.02, 5000), st.just(math.inf)),
)
def test_focus_drawings_are_tidy(
    focus: float, before: float, behind: float, hyper: float, subject: Any, depth: Any, background: Any
) -> None:
    numbers = {"focus_m": focus, "near_m": focus * (1 - before), "far_m": focus * (1 + behind), "hyperfocal_m": hyper}
    svg = focus_svg(
        focal_length_mm=50,
        aperture=2,
        **numbers,
        subject_m=subject,
        subject_depth_m=depth,
        background_m=background,
        blur_mm=0.5,
        blur_of_height=0.02,
    )
    require_tidy(svg)
    assert ("infinity" in svg) >= math.isinf(behind)


def test_a_focus_drawing_says_its_numbers() -> None:
    said = " | ".join(said for said, _ in texts(focus_svg(**FOCUS, subject_m=2.2, subject_depth_m=0.3)))
    for line in ("85 mm at f/2.8", "2.15 m", "2.2 m", "2.26 m", "86.1 m", "subject, 30 cm deep", "11 cm sharp"):
        assert line in said, line
    endless = " | ".join(said for said, _ in texts(focus_svg(**FOCUS | {"far_m": math.inf})))
    assert "Sharp from 2.15 m to infinity" in endless


@pytest.mark.parametrize(
    "wrong",
    [{"near_m": 3}, {"far_m": 2}, {"near_m": 0}, {"aperture": -1}, {"focus_m": math.nan}, {"hyperfocal_m": math.inf}],
)
def test_impossible_focus_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|infinity"):
        focus_svg(**FOCUS | wrong)


@given(st.floats(0.001, 1000))
def test_round_distances_reach_from_the_beginning_to_far_behind_it(begin: float) -> None:
    steps = round_distances(begin)
    assert steps == sorted(steps)
    assert begin <= steps[0] < 2.1 * begin
    assert steps[-1] > 1000 * begin


def test_the_page_is_as_wide_as_it_says() -> None:
    assert diagram_svg({"setup": "loop"}).startswith(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} ')
