"""Camera, lens, focus and light as the widgets of their nodes set them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from studioflow.caption import compile_manifest
from studioflow.edit.camera import camera_from_comfyui, camera_to_comfyui, set_camera, set_lens
from studioflow.edit.focus import FOCUS_ACTIONS, focus_drawing, focus_of, set_focus
from studioflow.edit.light import light_from_widgets, lighting_diagram, set_light, set_setup
from studioflow.errors import StudioFlowError
from studioflow.studio.camera_path import lights_for_path
from studioflow.studio.color_temperature import mired
from studioflow.studio.light_captions import caption_fields
from studioflow.studio.lighting import key_of, lights_of
from studioflow.studio.words import entries

PLACED = {"sensor": "full_frame", "azimuth_deg": 20.0, "elevation_deg": 10.0, "distance_m": 2.0}
LIGHT: dict[str, Any] = {
    "role": "key", "type": "softbox", "azimuth_deg": -45, "elevation_deg": 40, "distance_m": 1.5, "intensity": 1,
    "color_temperature_k": 0,
}  # fmt: skip


def shot(**subject: Any) -> dict[str, Any]:
    """A shot of one subject, an 85 mm at f/2.8 two metres away."""
    made = set_lens(set_camera(None, **PLACED), preset="portrait_85", aperture=2.8)
    return made | {"scene": {"subjects": [{"description": "a vase", **subject}]}}


def test_a_new_shot_begins_at_a_camera() -> None:
    made = set_camera(None, **PLACED, target="0, 0.1, 0")
    assert made["camera"]["orbit"] == {
        "azimuth_deg": 20, "elevation_deg": 10, "distance_m": 2, "target_m": [0, 0.1, 0],
    }  # fmt: skip


def test_an_orbit_takes_the_place_of_a_pose() -> None:
    posed = {"studioflow": "1.0", "scene": {}, "camera": {"pose": {"position_m": [0, 0, 1], "look_at_m": [0, 0, 0]}}}
    assert set_camera(posed, **PLACED)["camera"].keys() == {"sensor", "orbit"}


@pytest.mark.parametrize("target", ["0, 1", "a, b, c", "nan 0 0", "1e999, 0, 0", "0 0 0 0"])
def test_what_is_no_point_is_told(target: str) -> None:
    with pytest.raises(StudioFlowError, match="this is no point"):
        set_camera(None, **PLACED, target=target)


def test_a_lens_is_a_preset_or_numbers() -> None:
    assert set_lens(None, preset=None, focal_length_mm=40)["camera"]["lens"] == {"focal_length_mm": 40}
    assert set_lens(None, preset="macro_100")["camera"]["lens"] == {"preset": "macro_100"}
    with pytest.raises(StudioFlowError, match="there is no lens"):
        set_lens(None, preset=None, aperture=4)


def test_a_focus_within_the_lens_is_told_where_it_is_set() -> None:
    with pytest.raises(StudioFlowError, match="closer than its focal length"):
        set_lens(None, preset="portrait_85", focus_distance_m=0.05)
    with pytest.raises(StudioFlowError, match="closer than its focal length"):
        set_camera(set_lens(None, preset="tele_600"), **PLACED | {"distance_m": 0.5})


# ---------------------------------------------------------------- focus


def test_focused_at_the_hyperfocal_distance_infinity_is_sharp() -> None:
    changed, focus = set_focus(shot(), "focus at hyperfocal")
    assert focus.sharp.far_m > 1e5 or focus.sharp.far_m == float("inf")
    assert focus.sharp.near_m == pytest.approx(changed["camera"]["lens"]["focus_distance_m"] / 2, rel=0.01)


@pytest.mark.parametrize("depth", [0.001, 0.01, 0.05, 0.2])
def test_the_widest_stop_that_has_the_subject_sharp(depth: float) -> None:
    changed, focus = set_focus(shot(size_m=[0.05, 0.1, depth]), "aperture for subject")
    stop = changed["camera"]["lens"]["aperture"]
    assert focus.subject_m is not None and focus.subject_depth_m is not None
    assert focus.sharp.near_m <= focus.subject_m - focus.subject_depth_m / 2
    assert focus.sharp.far_m >= focus.subject_m + focus.subject_depth_m / 2
    if stop > entries("lenses")["portrait_85"]["aperture"]:
        wider = focus_of(set_lens(changed, preset="portrait_85", aperture=stop / 1.45))
        assert wider.sharp.near_m > focus.subject_m - focus.subject_depth_m / 2


def test_no_stop_is_wider_than_the_lens() -> None:
    thin = shot(size_m=[0.05, 0.1, 0.0001]) | {
        "camera": set_camera(None, **PLACED)["camera"] | {"lens": {"preset": "fisheye_8"}}
    }
    assert set_focus(thin, "aperture for subject")[0]["camera"]["lens"]["aperture"] == 4


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        (shot(), "the depth of the main subject is not known"),
        (shot(size_m=[1, 1, 1]) | {"camera": {"lens": {"preset": "portrait_85"}}}, "where the main subject stands"),
        (shot(size_m=[3, 3, 3.9]), "no aperture renders"),
        ({"studioflow": "1.0", "scene": {}, "camera": {"orbit": {}}}, "what is sharp cannot be calculated"),
    ],
)
def test_why_no_aperture_can_be_chosen(manifest: dict[str, Any], told: str) -> None:
    with pytest.raises(StudioFlowError, match=told):
        set_focus(manifest, "aperture for subject")


def test_numbers_close_up_can_be_told_apart() -> None:
    close = set_lens(set_camera(None, **PLACED | {"distance_m": 0.15}), preset="macro_100", aperture=2.8)
    near, far = re.search(r"sharp: (\S+) m to (\S+) m", focus_of(close).text()).groups()
    assert float(near) < 0.15 < float(far)
    assert "e+" not in focus_of(close).text()


@pytest.mark.parametrize(("ratio", "height_mm"), [("1:1", 24), ("16:9", 20.25), ("2:3", 36), ("9:16", 36)])
def test_the_blur_is_a_part_of_the_picture_s_height(ratio: str, height_mm: float) -> None:
    # 85 mm at f/2.8 focused at 2 m: m = 85 / 1915, and the disc of a point at 4 m is m × 85 / 2.8 / 2.
    focus = focus_of(shot() | {"render": {"aspect_ratio": ratio}})
    assert focus.blur_mm == pytest.approx(85 / 1915 * 85 / 2.8 / 2)
    assert focus.blur_of_height == pytest.approx(focus.blur_mm / height_mm)


def test_the_total_depth_of_field_is_that_between_the_limits() -> None:
    focus = focus_of(shot())
    assert focus.depth_m == pytest.approx(focus.sharp.far_m - focus.sharp.near_m)
    assert f"depth {focus.depth_m:.3f}".rstrip("0") in focus.text()


def test_the_main_subject_is_where_it_stands_and_not_where_the_camera_looks() -> None:
    vase = shot(size_m=[0.2, 0.4, 0.2])
    vase["camera"]["orbit"] = {"distance_m": 10, "target_m": [0, 0, -8]}
    focus = focus_of(vase)
    assert focus.sharp.focus_m == 10 and focus.subject_m == pytest.approx(2)
    assert focus.subject_depth_m == pytest.approx(0.2)
    assert "not all of it sharp" in focus.text()
    vase["camera"]["orbit"]["distance_m"] = 5
    assert focus_of(vase).subject_m is None
    with pytest.raises(StudioFlowError, match="the main subject cannot be sharp"):
        set_focus(vase, "aperture for subject")


@pytest.mark.parametrize("action", FOCUS_ACTIONS)
def test_every_result_can_be_drawn(action: str) -> None:
    assert "<svg" in focus_drawing(set_focus(shot(size_m=[0.05, 0.1, 0.05]), action)[1])


# ---------------------------------------------------------------- light


def test_a_light_joins_or_replaces_those_of_its_role() -> None:
    setup = set_setup(None, "three_point")

    def roles(made: dict[str, Any]) -> list[str]:
        return [light["role"] for light in lights_of(made["lighting"])]

    assert roles(set_light(setup, light_from_widgets(**LIGHT))) == ["fill", "rim", "key"]
    assert roles(set_light(setup, light_from_widgets(**LIGHT | {"role": "hair"}))) == ["key", "fill", "rim", "hair"]
    assert roles(set_light(setup, light_from_widgets(**LIGHT), "add")) == ["key", "fill", "rim", "key"]


def test_a_setup_keeps_its_name_while_its_words_hold() -> None:
    rembrandt = set_setup(None, "rembrandt")

    def named(**changes: Any) -> bool:
        action = "add" if changes.pop("add", False) else "replace"
        return "setup" in set_light(rembrandt, light_from_widgets(**LIGHT | changes), action)["lighting"]

    assert named(azimuth_deg=-40, type="octabox") and named(azimuth_deg=45)
    assert named(role="hair", azimuth_deg=160, add=True)
    assert not named(azimuth_deg=180) and not named(azimuth_deg=-95)


@pytest.mark.parametrize(
    ("setup", "kelvin", "stays"),
    [
        ("candle_light", 2300, True),
        ("golden_backlight", 6500, False),
        ("hard_sun", 5000, True),
        ("overcast", 2000, False),
        ("rembrandt", 3200, True),
        ("warm_cool", 2700, True),
    ],
)
def test_a_setup_keeps_its_name_in_a_light_of_its_colour(setup: str, kelvin: float, stays: bool) -> None:
    lighting = set_setup(None, setup, color_temperature_k=kelvin)["lighting"]
    assert ("setup" in lighting) == stays
    # Its ambient light stays in either case, so that the contrast is what it was.
    shadows = [caption_fields(made)["shadows"] for made in (lighting, {"setup": setup})]
    assert shadows[0] == shadows[1]


@pytest.mark.parametrize("setup", ["candle_light", "fireside"])
def test_there_are_no_blue_flames(setup: str) -> None:
    with pytest.raises(StudioFlowError, match="flames have no such colour temperature"):
        set_setup(None, setup, color_temperature_k=10000)


def test_a_setup_turned_with_its_lights_keeps_its_name_where_the_camera_sees_it() -> None:
    camera = set_camera(None, **PLACED | {"azimuth_deg": 100.0})
    turned = camera | {"lighting": lights_for_path({"setup": "golden_backlight"}, camera["camera"], "stay")}
    hair = light_from_widgets(**LIGHT | {"role": "hair", "azimuth_deg": -90.0, "intensity": 0.3})
    assert set_light(turned, hair, "add")["lighting"]["setup"] == "golden_backlight"


def test_zero_leaves_size_and_kelvin_to_the_type() -> None:
    assert light_from_widgets(**LIGHT).keys() & {"size_m", "color_temperature_k", "color"} == set()
    candle = set_light(None, light_from_widgets(**LIGHT | {"type": "candle"}))
    words = compile_manifest(candle, "fibo-2").fields["lighting"]["conditions"]
    assert "white" not in words and "candle" in words
    assert light_from_widgets(**LIGHT, color=" #FF3D8B ")["color"] == "#FF3D8B"
    with pytest.raises(StudioFlowError, match="a width and a height"):
        light_from_widgets(**LIGHT, width_m=1.0)


@pytest.mark.parametrize("setup", entries("setups"))
def test_a_mirrored_setup_is_its_mirror_image(setup: str) -> None:
    def words(**changes: Any) -> str:
        caption = compile_manifest(set_setup(None, setup, **changes), "fibo-2").fields["lighting"]
        return f"{caption['direction']}; {caption['shadows']}"

    swapped = re.sub("left|right", lambda side: {"left": "right", "right": "left"}[side[0]], words(mirrored=True))

    def same(text: str) -> list[str]:
        return sorted(text.replace("left and right", "both").replace("right and left", "both").split("; "))

    # Straight ahead or behind there are two sides to choose from, and both say the same of the light.
    if all(abs(light.get("azimuth_deg", 0)) not in (0, 180) for light in entries("setups")[setup]["lights"]):
        assert same(swapped) == same(words())


@pytest.mark.parametrize("setup", entries("setups"))
def test_a_warmer_setup_keeps_its_differences(setup: str) -> None:
    before = [light for light in entries("setups")[setup]["lights"] if "color_temperature_k" in light]
    after = [
        light
        for light in lights_of(set_setup(None, setup, color_temperature_k=3900)["lighting"])
        if "color_temperature_k" in light
    ]
    assert len(before) == len(after)
    if before:
        key = key_of(after)
        assert key is not None and key["color_temperature_k"] == 3900
        shift = mired(3900) - mired(key_of(before)["color_temperature_k"])
        for one, other in zip(before, after, strict=True):
            if 1000 < other["color_temperature_k"] < 20000:
                moved = mired(other["color_temperature_k"]) - mired(one["color_temperature_k"])
                assert moved == pytest.approx(shift, abs=0.6)


@pytest.mark.parametrize("kelvin", [500, 999, 20001, -3])
def test_an_impossible_colour_temperature_is_told_once(kelvin: float) -> None:
    with pytest.raises(StudioFlowError, match="no such colour temperature") as caught:
        set_setup(None, "three_point", color_temperature_k=kelvin)
    assert str(caught.value).count("allowed") == 1


def test_a_setup_is_all_the_light_there_is() -> None:
    sunny = set_light(None, light_from_widgets(**LIGHT | {"type": "sun"}))
    sunny["lighting"]["time_of_day"] = "midday"
    assert set_setup(sunny, "clamshell", frame="world")["lighting"] == {"setup": "clamshell", "frame": "world"}


def test_the_plan_of_no_shot_is_the_three_point_setup() -> None:
    made, svg = lighting_diagram(None)
    assert made["lighting"]["setup"] == "three_point" and "Rim light" in svg


# ---------------------------------------------------------------- ComfyUI's 3D nodes


def test_through_comfyuis_value_the_camera_sees_the_same() -> None:
    before = shot(size_m=[0.05, 0.1, 0.05], position_m=[0.2, 0, 0.1])
    value, same = camera_to_comfyui(before, metres_per_unit=0.01)
    assert same is before
    after = camera_from_comfyui(before, value, metres_per_unit=0.01)
    one, other = (compile_manifest(made, "fibo-2").fields for made in (before, after))
    assert one == other


def test_a_fisheye_has_no_angle_that_a_3d_camera_could_have() -> None:
    fisheye = set_lens(set_camera(None, **PLACED), preset="fisheye_8")
    assert "fov" not in camera_to_comfyui(fisheye)[0]
    assert "fov" in camera_to_comfyui(shot())[0]


# ---------------------------------------------------------------- the tables on the help pages


@pytest.mark.parametrize(
    ("page", "table"),
    [
        ("Camera", "sensors"),
        ("Lens", "lenses"),
        ("StudioSetup", "setups"),
        ("Light", "light_types"),
        ("Material", "materials"),
        ("Style", "styles"),
        ("Palette", "palettes"),
    ],
)
def test_help_pages_list_every_row(page: str, table: str, root: Path) -> None:
    text = (root / "js" / "docs" / f"StudioFlow{page}.md").read_text(encoding="utf-8")
    missing = [key for key in entries(table) if f"`{key}`" not in text]
    assert not missing, f"{page} does not name {missing}"
