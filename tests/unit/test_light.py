"""Lights as numbers and words: geometry against trigonometry, words in their order, setups as textbooks have them."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption.negative import auto_negative
from studioflow.edit.sun import set_sun
from studioflow.manifest.schema import schema
from studioflow.resources import table
from studioflow.review.lint import lint
from studioflow.studio.camera_path import lights_for_path
from studioflow.studio.color import color_name
from studioflow.studio.light_captions import caption_fields
from studioflow.studio.lighting import (
    ambient_of,
    apparent_size,
    brightness,
    color_contrast_deg,
    color_contrast_mired,
    contrast_stops,
    is_setup,
    kelvin_of,
    key_of,
    key_to_fill_stops,
    lights_of,
    shadow_length,
)
from studioflow.studio.words import entries

from .sweeps import sweep

SETUPS, TYPES = entries("setups"), entries("light_types")
FAMILIES = sorted({row["family"] for row in TYPES.values()})
TYPE_OF = {row["family"]: key for key, row in TYPES.items()}


def key(**light: Any) -> dict[str, str]:
    return caption_fields({"lights": [{"role": "key", **light}]})


def beside(role: str, given: dict[str, Any] | None = None, **light: Any) -> dict[str, str]:
    """The words of a key light, with more about it in ``given``, and a second light."""
    return caption_fields({"lights": [{"role": "key", **(given or {})}, {"role": role, **light}]})


def on_background(intensity: float, fill: float = 0.8) -> dict[str, str]:
    lights = [{"role": "key"}, {"role": "fill", "intensity": fill}, {"role": "background", "intensity": intensity}]
    return caption_fields({"lights": lights})


@pytest.mark.parametrize(
    ("words", "low", "high", "least"),
    [
        (lambda v: key(azimuth_deg=v)["direction"], 0, 180, 5),
        (lambda v: key(azimuth_deg=v)["direction"], 0, -180, 5),
        (lambda v: key(azimuth_deg=v)["shadows"], 0, 180, 4),
        (lambda v: key(azimuth_deg=v)["shadows"], 0, -180, 4),
        (lambda v: key(elevation_deg=v)["direction"], -90, 90, 6),
        (lambda v: key(elevation_deg=v)["shadows"], -90, 90, 7),
        (lambda v: key(elevation_deg=v, azimuth_deg=70)["shadows"], -90, 90, 6),
        (lambda v: key(distance_m=v, azimuth_deg=45)["shadows"], 0.2, 30, 4),
        (lambda v: key(distance_m=v)["shadows"], 0.2, 30, 3),
        (lambda v: key(size_m=[v, v], azimuth_deg=45)["shadows"], 0.01, 3, 4),
        (lambda v: beside("fill", {"azimuth_deg": 45}, intensity=v)["shadows"], 0, 1, 4),
        (lambda v: beside("fill", {"azimuth_deg": 45}, intensity=2**v)["shadows"], 0, 6, 4),
        (lambda v: on_background(1, fill=v)["conditions"], 0, 1, 2),
        (lambda v: on_background(v)["conditions"], 0, 2, 2),
        (lambda v: beside("fill", azimuth_deg=v)["direction"], 0, 180, 3),
        (lambda v: beside("fill", azimuth_deg=v)["direction"], 0, -180, 3),
        (lambda v: beside("fill", azimuth_deg=60, elevation_deg=v)["direction"], -90, 90, 3),
        *(
            (lambda v, r=role: beside(r, azimuth_deg=v)["direction"], 0, end, 5)
            for role in ("rim", "hair", "kicker")
            for end in (180, -180)
        ),
        *(
            (lambda v, r=role: beside(r, azimuth_deg=150, elevation_deg=v)["direction"], -90, 90, 3)
            for role in ("rim", "hair", "kicker")
        ),
        (lambda v: beside("fill", {"color_temperature_k": 5000}, color_temperature_k=v)["conditions"], 1000, 20000, 4),
        (lambda v: beside("rim", {"color": "#FF2E88"}, color_temperature_k=v)["conditions"], 1000, 20000, 3),
        (lambda v: caption_fields({"lights": [{"role": "key", "azimuth_deg": 45}], "ambient": v})["shadows"], 0, 1, 3),
        (lambda v: caption_fields({"lights": [{"role": "rim"}], "ambient": v})["conditions"], 0, 1, 4),
        (lambda v: caption_fields({"lights": [{"role": "key"}], "ambient": v})["conditions"], 0, 1, 3),
        *(
            (lambda v, t=TYPE_OF[family]: key(type=t, color_temperature_k=v)["conditions"], 1000, 20000, 5)
            for family in FAMILIES
        ),
        (lambda v: key(color_temperature_k=v)["conditions"], 1000, 20000, 6),
    ],
    ids=[
        "azimuth to the right", "azimuth to the left", "shadow to the left", "shadow to the right", "elevation",
        "shadow length", "shadow length at the side", "distance", "distance at the lens", "size", "fill",
        "fill above the key", "fill and brightness", "background and brightness", "fill to the right",
        "fill to the left", "fill elevation",
        *(f"{role} to the {side}" for role in ("rim", "hair", "kicker") for side in ("right", "left")),
        *(f"{role} elevation" for role in ("rim", "hair", "kicker")),
        "colour contrast", "colour contrast to a coloured key", "ambient and contrast", "ambient and low key",
        "ambient", *(f"kelvin of {family}" for family in FAMILIES), "kelvin",
    ],
)  # fmt: skip
def test_words_follow_the_number_in_order(
    words: Callable[[float], str], low: float, high: float, least: int, request: pytest.FixtureRequest
) -> None:
    assert len(sweep(words, low, high, name=request.node.callspec.id)) >= least


def test_the_hue_of_a_second_light_is_said_from_the_key_s_own_to_its_complement() -> None:
    said = [
        beside("rim", {"color": "#FF0000"}, color=color)["conditions"] for color in ("#FF0000", "#FF00FF", "#00FFFF")
    ]
    near, far = color_name("#FF00FF"), color_name("#00FFFF")
    assert [words.split(", ")[2:] for words in said] == [[], [f"{near} rim light"], [f"complementary {far} rim light"]]


@pytest.mark.parametrize("azimuth", [-165, -120, -70, -30, 30, 70, 120, 165])
@pytest.mark.parametrize("role", ["fill", "rim", "hair", "kicker"])
def test_left_and_right_mirror(azimuth: float, role: str) -> None:
    one = " ".join(beside(role, {"azimuth_deg": azimuth}, azimuth_deg=-azimuth / 2).values())
    other = " ".join(beside(role, {"azimuth_deg": -azimuth}, azimuth_deg=azimuth / 2).values())
    assert one.replace("left", "?").replace("right", "left").replace("?", "right") == other


def test_light_from_the_right_throws_its_shadow_to_the_left() -> None:
    fields = key(azimuth_deg=90, elevation_deg=30)
    assert fields["direction"] == "side-lit from the right, from above"
    assert "falling to the left" in fields["shadows"]


def test_a_pair_of_lights_is_named_as_a_pair() -> None:
    rims = [{"role": "rim", "azimuth_deg": azimuth, "elevation_deg": 20} for azimuth in (-150, 150)]
    assert caption_fields({"lights": rims})["direction"] == "lit from behind on the left and right, from above"
    lit = caption_fields({"lights": [{"role": "key"}, *rims]})["direction"]
    assert lit == "front-lit; rim light from behind on the left and right"
    weaker = [rims[0], rims[1] | {"intensity": 0.5}]
    assert caption_fields({"lights": weaker})["direction"].endswith("; rim light from behind on the right")


LIGHTS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["key", "fill", "rim", "hair", "kicker", "background", "practical"])},
        optional={
            "type": st.sampled_from(sorted(TYPES)),
            "azimuth_deg": st.sampled_from([-150, -60, -20, 0, 20, 60, 150, 180]),
            "elevation_deg": st.sampled_from([-80, -30, 0, 30, 80]),
            "intensity": st.sampled_from([0, 0.1, 0.2, 0.3, 0.7, 1]),
            "distance_m": st.sampled_from([0.5, 1.5, 4]),
            "color_temperature_k": st.sampled_from([2000, 3200, 5600, 9000]),
        },
    ),
    min_size=2,
    max_size=5,
)


@given(LIGHTS, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_the_order_of_the_lights_changes_nothing(lights: list[dict[str, Any]], chance: Any) -> None:
    mixed = list(lights)
    chance.shuffle(mixed)
    for frame, azimuth in (("camera", 0.0), ("world", 75.0)):
        one, other = ({"lights": found, "frame": frame, "ambient": 0.1} for found in (lights, mixed))
        assert caption_fields(one, azimuth) == caption_fields(other, azimuth)
        assert brightness(one) == brightness(other)
    assert key_of(lights) == key_of(mixed)


def test_lights_of_the_world_move_with_the_camera_and_conditions_do_not() -> None:
    lighting = {"lights": SETUPS["neon_duo"]["lights"], "frame": "world"}
    front, behind = caption_fields(lighting, 0), caption_fields(lighting, 180)
    assert front["conditions"] == behind["conditions"]
    assert front["direction"].startswith("side-lit from the left")
    assert behind["direction"].startswith("lit from behind on the right")


def test_key_to_fill_ratio_in_stops() -> None:
    # A ratio of 4:1 is two stops, and two fills of an eighth make one of a quarter.
    assert key_to_fill_stops([{"role": "key"}, {"role": "fill", "intensity": 0.25}]) == pytest.approx(2)
    eighths = [{"role": "fill", "intensity": 0.125}] * 2
    assert key_to_fill_stops([{"role": "key"}, *eighths]) == pytest.approx(2)
    assert key_to_fill_stops([]) == key_to_fill_stops([{"role": "key"}]) == 6
    # Without a key the strongest fill is it, and does not fill up its own shadows.
    assert key_to_fill_stops([{"role": "fill"}]) == 6
    assert key_to_fill_stops([{"role": "fill"}, {"role": "fill", "intensity": 0.5}]) == pytest.approx(1)


def test_a_fill_stronger_than_the_key_makes_contrast_too() -> None:
    weak = {"lights": [{"role": "key", "azimuth_deg": -45, "intensity": 0.05}, {"role": "fill", "azimuth_deg": 45}]}
    strong = {"lights": [{"role": "key", "azimuth_deg": -45}, {"role": "fill", "azimuth_deg": 45, "intensity": 0.05}]}
    assert contrast_stops(weak) == pytest.approx(math.log2(20)) == contrast_stops(strong)
    assert caption_fields(weak)["shadows"].endswith("very high contrast, deep blacks")
    assert contrast_stops(weak | {"ambient": 0.2}) < contrast_stops(weak)


def test_a_second_key_light_from_in_front_fills() -> None:
    def stops(azimuth: float, role: str = "key", **other: Any) -> float:
        lights = [{"role": "key", "azimuth_deg": -45}, {"role": role, "azimuth_deg": azimuth, **other}]
        return contrast_stops({"lights": lights})

    assert stops(45) == stops(45, "fill") == 0
    assert stops(45, intensity=0.25) == stops(45, "fill", intensity=0.25) == pytest.approx(2)
    # Beside the key it only makes it stronger, and behind the subject it lights no shadow that is seen.
    assert stops(-50) == stops(-140) == stops(135) == 6
    assert stops(-45, elevation_deg=60) == 0


def test_of_equal_keys_the_direction_decides_and_not_their_text() -> None:
    front, aside = {"role": "key", "azimuth_deg": -20}, {"role": "key", "azimuth_deg": 70}
    for extra in ({"type": "beauty_dish"}, {"type": "umbrella"}, {"color_temperature_k": 2000}, {"distance_m": 9.0}):
        assert key_of([front | extra, aside]) == front | extra
        assert key_of([aside | extra, front]) == front
    low, high = ({"role": "key", "azimuth_deg": -20, "elevation_deg": height} for height in (5, 40))
    assert key_of([low, high]) == high
    left, right = ({"role": "key", "azimuth_deg": azimuth} for azimuth in (-45, 45))
    assert key_of([right, left]) == left


def test_one_key_light_is_told_apart_from_another_by_no_colour() -> None:
    warm, cool = ({"role": "key", "azimuth_deg": a, "color_temperature_k": k} for a, k in ((-45, 3200), (45, 9000)))
    said = caption_fields({"lights": [warm, cool]})
    assert said["conditions"].split(", ") == ["studio lighting", "warm tungsten light"]
    assert said["direction"] == "lit from the front left and right"
    rim = {"role": "rim", "azimuth_deg": 150, "color_temperature_k": 9000}
    assert caption_fields({"lights": [warm, cool, rim]})["conditions"].endswith("warm tungsten light, cool rim light")


@pytest.mark.parametrize("role", ["key", "fill", "rim", "hair", "kicker", "background", "practical"])
def test_a_light_that_is_off_is_not_spoken_of(role: str) -> None:
    off = {"role": role, "type": "neon", "azimuth_deg": 100, "intensity": 0, "color": "#20C8FF"}
    for lights in (SETUPS["three_point"]["lights"], [{"role": "rim", "azimuth_deg": 150}], [{"role": "fill"}], []):
        one, other = {"lights": lights}, {"lights": [*lights, off]}
        assert caption_fields(other) == caption_fields(one)
        assert brightness(other) == brightness(one) and contrast_stops(other) == contrast_stops(one)
        assert key_of(other["lights"]) == key_of(lights)
    assert lights_of({"lights": [off]}) == [off]


def test_ambient_light_lifts_the_shadows() -> None:
    lights = [{"role": "key"}, {"role": "fill", "intensity": 0.25}]
    assert contrast_stops({"lights": lights}) == pytest.approx(2)
    # (1 + 0.5) / (0.25 + 0.5) is 2: one stop.
    assert contrast_stops({"lights": lights, "ambient": 0.5}) == pytest.approx(1)


def test_a_setup_s_ambient_light_counts_until_the_shot_has_its_own() -> None:
    assert ambient_of({"setup": "overcast"}) == SETUPS["overcast"]["ambient"] > 0
    assert ambient_of({"setup": "overcast", "ambient": 0.0}) == 0
    assert ambient_of({}) == ambient_of({"setup": "split"}) == 0
    assert contrast_stops({"setup": "overcast"}) < contrast_stops({"setup": "overcast", "ambient": 0.0})


@pytest.mark.parametrize(("elevation", "length"), [(45, 1), (30, math.sqrt(3)), (60, 1 / math.sqrt(3)), (26.565, 2)])
def test_shadow_lengths(elevation: float, length: float) -> None:
    assert shadow_length(elevation) == pytest.approx(length, rel=1e-4)


def test_shadows_never_end_below_the_horizon_and_vanish_below_the_zenith() -> None:
    assert shadow_length(0) == shadow_length(-40) == math.inf
    assert shadow_length(90) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("elevation", "words"),
    [
        (-80, "thrown straight up"),
        (-40, "thrown upwards to the left"),
        (15, "falling long to the left"),
        (45, "falling to the left"),
        (65, "falling short to the left"),
        (85, "falling directly beneath the subject"),
    ],
)
def test_words_for_shadow_lengths(elevation: float, words: str) -> None:
    assert key(azimuth_deg=80, elevation_deg=elevation)["shadows"].split(", ")[1:2] == [words]


def test_apparent_size() -> None:
    assert apparent_size({"role": "key", "size_m": [0.3, 1.2], "distance_m": 2}) == pytest.approx(0.3)
    assert apparent_size({"role": "key", "type": "octabox", "distance_m": 1.2}) == pytest.approx(1)
    # Sun and moon are about 0.53 degrees wide.
    for sky in ("sun", "moon"):
        assert math.degrees(apparent_size({"role": "key", "type": sky})) == pytest.approx(0.53, abs=0.02)


@pytest.mark.parametrize("sky", ["sun", "moon", "sky", "overcast_sky"])
def test_what_is_in_the_sky_looks_as_large_from_wherever_it_is_said_to_stand(sky: str) -> None:
    near, far = (key(type=sky, azimuth_deg=40, elevation_deg=50, distance_m=metres) for metres in (1.5, 10000))
    assert near == far
    assert near["shadows"].startswith("hard" if sky in ("sun", "moon") else "very soft")
    assert apparent_size({"role": "key", "type": sky, "size_m": [2, 2], "distance_m": 4}) == 0.5


def test_colour_contrast() -> None:
    tungsten, daylight = ({"role": "key", "color_temperature_k": kelvin} for kelvin in (3200, 5600))
    # 312.5 and 178.6 mired: about what a full CTB filter shifts.
    assert color_contrast_mired(tungsten, daylight) == pytest.approx(133.9, abs=0.1)
    assert color_contrast_mired(daylight, tungsten) == pytest.approx(-133.9, abs=0.1)
    assert color_contrast_mired(daylight, {"role": "rim", "color": "#FF0000"}) is None
    red, cyan, white = ({"role": "rim", "color": color} for color in ("#FF0000", "#00FFFF", "#FFFFFF"))
    assert color_contrast_deg(red, red) == 0
    assert color_contrast_deg(red, cyan) == color_contrast_deg(cyan, red) == pytest.approx(166, abs=2)
    assert color_contrast_deg(red, white) is None


def test_only_sources_with_a_colour_of_their_own_bring_one() -> None:
    assert kelvin_of({"role": "key", "type": "candle"}) == TYPES["candle"]["kelvin"]
    assert kelvin_of({"role": "key", "type": "softbox"}) is None
    assert kelvin_of({"role": "key", "type": "candle", "color": "#FF0000"}) is None


def test_the_colour_of_the_second_light_is_said_where_it_differs() -> None:
    warm = {"color_temperature_k": 3200}
    assert beside("rim", warm, color_temperature_k=8000)["conditions"].endswith("warm tungsten light, cool rim light")
    assert beside("rim", warm, color_temperature_k=3400)["conditions"].endswith("warm tungsten light")
    assert beside("rim", warm, color="#20C8FF")["conditions"].endswith("rim light")
    assert beside("rim", {"color": "#FF2E88"}, color="#FF2E88")["conditions"].endswith("colored light")
    assert beside("rim", warm, color_temperature_k=8000, intensity=0)["conditions"].endswith("warm tungsten light")


def test_high_key_and_low_key() -> None:
    def conditions(*lights: dict[str, Any]) -> str:
        return caption_fields({"lights": list(lights)})["conditions"]

    assert conditions({"role": "rim", "azimuth_deg": 150}).startswith("low-key studio lighting")
    assert conditions({"role": "key", "type": "snoot"}).startswith("low-key studio lighting")
    assert conditions({"role": "key"}).startswith("studio lighting")
    lights = [{"role": "key"}, {"role": "fill", "intensity": 0.8}, {"role": "background", "intensity": 1}]
    assert conditions(*lights).startswith("bright high-key studio lighting")
    assert conditions(*lights[:2]).startswith("studio lighting")
    # Named setups have words of their own for it.
    assert brightness({"setup": "high_key"}) > 0.7 and brightness({"setup": "rim_only"}) < 0.05


@pytest.mark.parametrize("name", TYPES)
def test_only_lamps_are_called_tungsten_and_only_flames_candles(name: str) -> None:
    said = key(type=name, color_temperature_k=3400)["conditions"]
    assert ("tungsten" in said) == (TYPES[name]["family"] in ("studio", "lamp"))
    assert ("studio" in said) == (TYPES[name]["family"] == "studio")
    own = key(type=name, color_temperature_k=TYPES[name]["kelvin"] or 5600)["conditions"].split(", ")
    assert len(own) == len(set(own)) == 3


@pytest.mark.parametrize("role", ["rim", "kicker", "hair"])
@pytest.mark.parametrize("azimuth", range(-180, 181, 15))
@pytest.mark.parametrize("elevation", [-85, -50, -20, 0, 20, 50, 85])
def test_a_light_is_called_after_its_role_only_where_it_plays_it(role: str, azimuth: int, elevation: int) -> None:
    said = beside(role, {"azimuth_deg": 10}, azimuth_deg=azimuth, elevation_deg=elevation)["direction"]
    words = said.split("; ")[1]
    if abs(azimuth) < 90:
        assert not {"rim", "kicker", "behind"} & set(words.split())
    if elevation <= 0:
        assert "above" not in words
    if elevation >= 0:
        assert "below" not in words
    if abs(elevation) < 75 and "from above" not in words:
        assert {"left": azimuth < 0, "right": azimuth > 0}.get(words.split()[-1], True)
        assert ("front" in words) == (abs(azimuth) < 60)


def test_a_rim_light_of_the_world_is_none_from_the_other_side() -> None:
    lighting = {"setup": "three_point", "frame": "world"}
    rims = {turn: caption_fields(lighting, turn)["direction"].split("; ")[2] for turn in (0, 90, 180)}
    assert rims == {
        0: "rim light from behind on the right",
        90: "light from the right",
        180: "light from the front left",
    }


def test_lights_of_two_roles_in_one_place_are_told_once() -> None:
    lights = [{"role": "key"}, *({"role": role, "azimuth_deg": 40} for role in ("rim", "kicker", "hair"))]
    assert caption_fields({"lights": lights})["direction"] == "front-lit; light from the front right"


@pytest.mark.parametrize("setup", [name for name, row in SETUPS.items() if row["lights"][0]["role"] != "key"])
def test_no_key_light_is_named_where_there_is_none(setup: str) -> None:
    assert "key light" not in caption_fields({"setup": setup})["conditions"]
    kinds = {TYPES[light["type"]]["words"] for light in SETUPS[setup]["lights"]}
    assert not any(kind in caption_fields({"setup": setup})["conditions"] for kind in kinds)


def test_light_at_the_lens_is_flat() -> None:
    for azimuth, elevation in ((0, 0), (9, -9), (-9, 9), (0, -14)):
        shadows = key(azimuth_deg=azimuth, elevation_deg=elevation)["shadows"]
        assert shadows == "flat light, barely visible shadows"
    for azimuth, elevation in ((11, 0), (0, 11), (0, -16), (180, 0)):
        assert "flat" not in key(azimuth_deg=azimuth, elevation_deg=elevation)["shadows"]
    for setup in ("ring_flash", "direct_flash"):
        fields = caption_fields({"setup": setup})
        assert fields["direction"] == "front-lit" and fields["shadows"].startswith("flat light")
        assert not {"falling", "soft", "contrast", "blacks"} & set(fields["shadows"].replace(",", "").split())
    assert "hard-edged" in caption_fields({"setup": "direct_flash"})["shadows"]


@pytest.mark.parametrize(
    ("time", "dark"), [("night", True), ("blue_hour", True), ("overcast", False), ("sunset", False)]
)
def test_after_dark_the_sky_is_no_daylight(time: str, dark: bool) -> None:
    for kind in ("sky", "window", "overcast_sky"):
        lights = [{"role": "key", "type": kind, "color_temperature_k": 9000}]
        said = caption_fields({"lights": lights, "time_of_day": time})["conditions"]
        assert said.endswith("cold blue light" if dark else "cold blue daylight")
    shot = set_sun(None, time=time)[0]
    negative = auto_negative(shot).get("lighting", {}).get("conditions", "")
    assert ("daylight" in negative) == (time == "night")


def test_captions_spell_as_fibo_does() -> None:
    british = re.compile("colour|jewell|centre|grey")
    spoken = [row["words"] for row in SETUPS.values()] + [json.dumps(table("studio/light_words.json")["conditions"])]
    assert not [text for text in spoken if british.search(text)]


def test_what_a_setup_s_words_say_is_not_said_again() -> None:
    assert caption_fields({"setup": "window_light"})["conditions"].count("window") == 1
    assert caption_fields({"setup": "candle_light"})["conditions"].count("candle") == 1


# Setups


@pytest.mark.parametrize("name", ["setups", "light_types"])
def test_the_tables_follow_their_schemas(name: str) -> None:
    rules = schema(f"{name}.schema.json")
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(table(f"studio/{name}.json"))


def test_the_tables_are_as_large_as_a_studio() -> None:
    assert len(SETUPS) >= 24 and len(TYPES) >= 24
    assert {light["type"] for row in SETUPS.values() for light in row["lights"]} <= set(TYPES)


@pytest.mark.parametrize("name", SETUPS)
def test_every_setup_gives_all_three_fields(name: str) -> None:
    fields = caption_fields({"setup": name})
    assert set(fields) == {"conditions", "direction", "shadows"}
    assert not any("{" in text or ", ," in text for text in fields.values())


def test_no_two_setups_say_the_same() -> None:
    assert len({caption_fields({"setup": name})["conditions"] for name in SETUPS}) == len(SETUPS)
    # Broad and short light stand on opposite sides, which the other fields tell too.
    broad, short = caption_fields({"setup": "broad"}), caption_fields({"setup": "short"})
    assert all(broad[field] != short[field] for field in broad)


def test_every_key_light_is_the_strongest_of_its_setup_and_one() -> None:
    for name, row in SETUPS.items():
        lights = row["lights"]
        assert max(light["intensity"] for light in lights) == key_of(lights)["intensity"] == 1, name


@pytest.mark.parametrize(
    ("setup", "azimuth", "elevation"),
    [
        # Degrees off the lens and above the eyes, as textbooks on portraits have them.
        ("rembrandt", (45, 45), (40, 50)),
        ("loop", (30, 45), (20, 45)),
        ("split", (90, 90), (-5, 20)),
        ("butterfly", (0, 0), (25, 55)),
        ("clamshell", (0, 0), (25, 55)),
        ("ring_flash", (0, 0), (0, 0)),
        ("silhouette", (180, 180), (-10, 20)),
        ("bright_field", (180, 180), (-10, 10)),
        ("top_light_food", (0, 180), (75, 90)),
        ("under_light", (0, 0), (-90, -30)),
        ("copy_light", (45, 45), (-5, 5)),
    ],
)
def test_keys_stand_where_the_books_have_them(
    setup: str, azimuth: tuple[float, float], elevation: tuple[float, float]
) -> None:
    light = key_of(SETUPS[setup]["lights"])
    assert azimuth[0] <= abs(light["azimuth_deg"]) <= azimuth[1]
    assert elevation[0] <= light["elevation_deg"] <= elevation[1]


def test_broad_and_short_light_the_side_they_are_called_after() -> None:
    # The face turns to the right of the picture, so its near side is the left one.
    assert key_of(SETUPS["broad"]["lights"])["azimuth_deg"] < 0 < key_of(SETUPS["short"]["lights"])["azimuth_deg"]
    assert all("facing_deg 30" in SETUPS[name]["note"] for name in ("broad", "short"))


def test_clamshell_has_its_fill_below_the_lens() -> None:
    assert all(light["azimuth_deg"] == 0 for light in SETUPS["clamshell"]["lights"])
    assert caption_fields({"setup": "clamshell"})["direction"].endswith("fill light from below")


def test_dark_field_light_comes_from_around_the_background() -> None:
    assert all(abs(light["azimuth_deg"]) > 120 for light in SETUPS["dark_field"]["lights"])
    assert brightness({"setup": "dark_field"}) < 0.05 < 0.5 < brightness({"setup": "bright_field"})


# The lint rule about a setup together with lights


def setup_findings(setup: str, lights: list[dict[str, Any]]) -> list[str]:
    manifest = {"studioflow": "1.0", "scene": {}, "lighting": {"setup": setup, "lights": lights}}
    return [finding.rule for finding in lint(manifest) if finding.rule == "setup-with-lights"]


@pytest.mark.parametrize("name", SETUPS)
def test_a_setup_with_changes_is_no_fault(name: str) -> None:
    own = json.loads(json.dumps(SETUPS[name]["lights"]))
    mirrored = [light | {"azimuth_deg": -light["azimuth_deg"]} for light in own]
    weaker = [own[0] | {"intensity": 0.7, "elevation_deg": own[0]["elevation_deg"] - 10}, *own[1:]]
    hair = {"role": "hair", "azimuth_deg": 165, "elevation_deg": 50}
    for lights in (own, mirrored, weaker, [*own, hair], own[::-1]):
        assert not setup_findings(name, lights)


def test_lights_that_have_nothing_of_the_setup_are_one() -> None:
    for one, other in itertools.permutations(("rembrandt", "neon_duo", "hard_sun", "bright_field"), 2):
        assert setup_findings(one, lights_of({"setup": other}))
    crowd = [*SETUPS["split"]["lights"], *({"role": "practical", "azimuth_deg": a} for a in range(10))]
    assert setup_findings("split", crowd)


def changed(setup: str, role: str = "key", **light: Any) -> list[dict[str, Any]]:
    """The lights of a setup with one more, or another in place of those of its role, which keeps what is not given."""
    own = SETUPS[setup]["lights"]
    before = next((other for other in own if other["role"] == role), {})
    return [*(other for other in own if other["role"] != role), before | {"role": role} | light]


@pytest.mark.parametrize(
    ("setup", "lights"),
    [
        # A key where the setup has none: its words are of a dark subject.
        ("silhouette", changed("silhouette", azimuth_deg=-45, elevation_deg=35)),
        ("rim_only", changed("rim_only", type="softbox")),
        ("badger", changed("badger", azimuth_deg=0, intensity=0.5)),
        # Fill that takes the contrast away.
        ("film_noir", changed("film_noir", "fill", intensity=1)),
        ("low_key", changed("low_key", "fill", intensity=1)),
        # Hard that became soft, and soft that became hard.
        ("fashion_hard", changed("fashion_hard", type="umbrella", distance_m=1.2)),
        ("book_light", [{k: v for k, v in one.items() if k != "size_m"} for one in changed("book_light", type="spot")]),
        ("overcast", changed("overcast", type="sun")),
        # Another direction.
        ("under_light", changed("under_light", elevation_deg=-6)),
        ("rembrandt", changed("rembrandt", azimuth_deg=-85)),
        ("golden_backlight", changed("golden_backlight", azimuth_deg=-112)),
        # Another colour of light than the one it is named after.
        ("candle_light", changed("candle_light", color_temperature_k=10000)),
        ("golden_backlight", changed("golden_backlight", color_temperature_k=6500)),
        # All dark.
        ("rembrandt", changed("rembrandt", intensity=0)),
    ],
)  # fmt: skip
def test_a_setup_whose_words_no_longer_hold(setup: str, lights: list[dict[str, Any]]) -> None:
    assert not is_setup(setup, lights)
    assert setup_findings(setup, lights)


@pytest.mark.parametrize(
    ("setup", "lights"),
    [
        ("rembrandt", changed("rembrandt", type="octabox", azimuth_deg=-40)),
        ("rembrandt", changed("rembrandt", color_temperature_k=3200)),
        ("fashion_hard", changed("fashion_hard", type="bare_bulb", distance_m=2)),
        ("under_light", changed("under_light", elevation_deg=-70)),
        ("candle_light", changed("candle_light", color_temperature_k=2400)),
        ("high_key", changed("high_key", "fill", intensity=0.9)),
        ("film_noir", changed("film_noir", "hair", azimuth_deg=170, elevation_deg=50, intensity=0.4)),
        ("rim_only", [*SETUPS["rim_only"]["lights"], {"role": "key", "intensity": 0}]),
    ],
)
def test_a_setup_whose_words_hold(setup: str, lights: list[dict[str, Any]]) -> None:
    assert is_setup(setup, lights) and not setup_findings(setup, lights)


def test_a_setup_s_contrast_goes_by_the_ambient_light_of_the_shot() -> None:
    lights = SETUPS["film_noir"]["lights"]
    assert is_setup("film_noir", lights, ambient=0.01) and not is_setup("film_noir", lights, ambient=0.9)


# The lint rule about setups seen from elsewhere


def from_elsewhere(azimuth: float, **lighting: Any) -> bool:
    camera = {"orbit": {"azimuth_deg": azimuth, "elevation_deg": 0, "distance_m": 2}}
    manifest = {"studioflow": "1.0", "scene": {}, "camera": camera, "lighting": {"frame": "world", **lighting}}
    return any(finding.rule == "setup-seen-from-elsewhere" for finding in lint(manifest))


@pytest.mark.parametrize("setup", ["silhouette", "rim_only", "golden_backlight", "bright_field"])
def test_words_of_one_view_are_told_from_another(setup: str) -> None:
    assert [azimuth for azimuth in range(-180, 180, 45) if from_elsewhere(azimuth, setup=setup)]
    assert from_elsewhere(180, setup=setup)
    assert not from_elsewhere(0, setup=setup) and not from_elsewhere(30, setup=setup)
    assert not from_elsewhere(180, setup=setup, frame="camera")


def test_words_of_every_view_are_not() -> None:
    assert not any(from_elsewhere(180, setup=setup) for setup in ("three_point", "rembrandt", "hard_sun", "neon_duo"))
    assert set(table("review/lint/words.json")["setups_of_one_view"]) <= set(SETUPS)


def test_lights_turned_for_a_path_are_of_the_view_they_were_turned_for() -> None:
    camera = {"orbit": {"azimuth_deg": 100, "elevation_deg": 0, "distance_m": 2}}
    turned = lights_for_path({"setup": "golden_backlight"}, camera, "stay")
    assert turned["frame"] == "world" and not from_elsewhere(100, **turned)
    manifest = {"studioflow": "1.0", "scene": {}, "camera": camera, "lighting": turned}
    assert not [finding for finding in lint(manifest) if finding.rule == "setup-with-lights"]
