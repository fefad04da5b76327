"""A client's note on a shot: the numbers it changes, the caption fields it is about, and nothing else."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import compile_manifest, derive, flat
from studioflow.edit.light import set_setup
from studioflow.edit.written import leaves, value_at
from studioflow.errors import StudioFlowError
from studioflow.manifest import load, validate
from studioflow.resources import shipped, table
from studioflow.studio.color import oklch
from studioflow.studio.color_temperature import mired
from studioflow.studio.lens import lens_of
from studioflow.studio.lighting import apparent_size, kelvin_of, key_of, key_to_fill_stops, lights_of
from studioflow.studio.placement import orbit_of
from studioflow.translate.note import MAX_NOTE, Noted, apply_note

from .manifests import manifests

SAMPLES = sorted(path.name for path in shipped("samples").glob("*.json"))
RULES = table("translate/note_words.json")
OWNERS = table("caption/owners.json")

FIELDS_OF = {
    "warmer": {"lighting.conditions"},
    "a bit cooler": {"lighting.conditions"},
    "300 K warmer": {"lighting.conditions"},
    "brighter": {"lighting.conditions", "lighting.shadows"},
    "much darker please": {"lighting.conditions", "lighting.shadows"},
    "softer light": {"lighting.shadows"},
    "make the shadows harder": {"lighting.shadows"},
    "more contrast": {"lighting.shadows", "lighting.conditions"},
    "a lot less contrast": {"lighting.shadows", "lighting.conditions"},
    "light more from the left": {"lighting.direction", "lighting.shadows", "lighting.conditions"},
    "move the light to the right": {"lighting.direction", "lighting.shadows", "lighting.conditions"},
    "flip the light": {"lighting.direction", "lighting.shadows"},
    "raise the light": {"lighting.direction", "lighting.shadows", "lighting.conditions"},
    "blur the background more": {"photographic_characteristics.depth_of_field", "photographic_characteristics.focus"},
    "deeper depth of field": {"photographic_characteristics.depth_of_field", "photographic_characteristics.focus"},
    "less saturated": {"aesthetics.color_scheme"},
    "more vivid colours": {"aesthetics.color_scheme"},
}
"""Notes that change what one section says and nothing that other sections see of it; the words may stay the same."""

CAMERA = {
    *(f"photographic_characteristics.{name}" for name in ("depth_of_field", "focus", "camera_angle")),
    *("aesthetics.composition", "lighting.direction", "lighting.shadows", "objects"),
}
LENS = {
    *(f"photographic_characteristics.{name}" for name in ("depth_of_field", "focus", "lens_focal_length")),
    "aesthetics.composition",
}
REACHING = {
    "lower the camera": CAMERA,
    "raise the camera by 10 degrees": CAMERA,
    "move the camera to the left": CAMERA,
    "level the horizon": CAMERA,
    "a bit closer": CAMERA,
    "further back": CAMERA,
    "go wider": LENS,
    "tighter": LENS,
}


def sample(name: str) -> dict[str, Any]:
    return load(shipped("samples") / name)


HERO = sample("product_hero.json")


def read(manifest: dict[str, Any]) -> dict[str, Any]:
    return flat(compile_manifest(manifest, "fibo-2").fields)


def changed_fields(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    one, other = read(before), read(after)
    return {field for field in one.keys() | other.keys() if one.get(field) != other.get(field)}


def key_light(manifest: dict[str, Any]) -> dict[str, Any]:
    found = key_of(lights_of(manifest["lighting"]))
    assert found
    return found


# ---------------------------------------------------------------- locality


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("note", [*FIELDS_OF, *REACHING])
def test_a_note_changes_only_the_fields_that_it_is_about(name: str, note: str) -> None:
    before = sample(name)
    kept = copy.deepcopy(before)
    noted = apply_note(before, note)
    assert before == kept
    assert changed_fields(before, noted.manifest) <= (FIELDS_OF | REACHING)[note]
    assert changed_fields(before, noted.manifest) <= noted.fields | noted.by_rules
    assert noted.fields <= (FIELDS_OF | REACHING)[note]
    assert set(noted.manifest) == set(before)
    assert bool(noted.done) == (noted.manifest != before)
    assert bool(noted.done) != bool(noted.unused)
    validate(noted.manifest)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_usual_note_is_done_as_far_as_the_shot_has_numbers_for_it(name: str) -> None:
    shot = sample(name)
    noted = apply_note(shot, "warmer, and lower the camera")
    placed = orbit_of(shot["camera"]) is not None
    # A sky has no colour temperature of its own: that stays for a model.
    colored = any(kelvin_of(light) is not None for light in lights_of(shot["lighting"]))
    assert len(noted.done) == placed + colored
    assert noted.unused == "; ".join(["warmer"] * (not colored) + ["lower the camera"] * (not placed))


@pytest.mark.parametrize("name", SAMPLES)
def test_two_changes_are_both_made(name: str) -> None:
    before = sample(name)
    one = apply_note(apply_note(before, "warmer").manifest, "lower the camera")
    both = apply_note(before, "Warmer, and lower the camera!")
    assert both.manifest == one.manifest
    assert both.fields == {"lighting.conditions", "photographic_characteristics.camera_angle"}
    if before["camera"].keys() & {"orbit", "pose"}:
        assert orbit_of(both.manifest["camera"])["elevation_deg"] < orbit_of(before["camera"])["elevation_deg"]


@settings(deadline=None)
@given(manifests(), st.sampled_from([*FIELDS_OF, *REACHING, "warmer, and lower the camera"]))
def test_any_shot_takes_any_note_and_keeps_the_rest(shot: dict[str, Any], note: str) -> None:
    try:
        before = read(shot)
        noted = apply_note(shot, note)
        after = read(noted.manifest)
    except StudioFlowError:
        return
    changed = {field for field in before.keys() | after.keys() if before.get(field) != after.get(field)}
    assert changed <= noted.fields | noted.by_rules
    # Only what stands in the paths of the note's sections is written.
    paths = {path for one in (shot, noted.manifest) for path in leaves(one, ())}
    written = {path[0] for path in paths if value_at(shot, path) != value_at(noted.manifest, path)}
    assert written <= {"lighting", "camera", "scene", "caption"}


def test_sections_that_a_shot_does_not_have_are_not_made() -> None:
    bare = {"studioflow": "1.0", "scene": {"description": "A cup."}}
    captioned = {"studioflow": "1.0", "caption": {"short_description": "A cup.", "lighting": {"conditions": "dim"}}}
    for shot in (bare, captioned):
        for note, fields in FIELDS_OF.items():
            noted = apply_note(shot, note)
            assert noted == Noted(shot, (), frozenset(fields), noted.unused) and noted.unused
        for note in REACHING:
            assert apply_note(shot, note).manifest == shot


def test_somebodys_caption_gives_way_only_where_the_note_decides() -> None:
    raw = {"lighting": {"conditions": "my light", "direction": "my direction"}, "context": "mine"}
    raw["photographic_characteristics"] = {"camera_angle": "my angle", "focus": "my focus"}
    shot = HERO | {"caption": raw}
    warm = apply_note(shot, "warmer").manifest["caption"]
    assert warm == raw | {"lighting": {"direction": "my direction"}}
    low = apply_note(shot, "lower the camera").manifest["caption"]
    assert low == raw | {"photographic_characteristics": {"focus": "my focus"}}
    assert apply_note(shot, "make the cup blue").manifest == shot


# ---------------------------------------------------------------- the numbers


def test_warmer_moves_every_light_by_the_same_mired() -> None:
    after = apply_note(HERO, "warmer").manifest["lighting"]["lights"]
    for one, other in zip(HERO["lighting"]["lights"], after, strict=True):
        assert mired(kelvin_of(other)) - mired(kelvin_of(one)) == pytest.approx(30, abs=0.1)
    assert apply_note(HERO, "warmer").done[0].endswith('"warmer"')


def test_amounts() -> None:
    def elevation(note: str) -> float:
        return apply_note(HERO, note).manifest["camera"]["orbit"]["elevation_deg"]

    assert elevation("lower the camera") == -3 and elevation("lower the camera a lot") == -18
    assert elevation("lower the camera by 10 degrees") == 2 and elevation("lower the camera by 2.5°") == 9.5
    assert elevation("raise the camera a touch") == 34.5
    assert key_light(apply_note(HERO, "300 K warmer").manifest)["color_temperature_k"] == 4900
    assert apply_note(HERO, "20 cm closer").manifest["camera"]["orbit"]["distance_m"] == pytest.approx(0.9)
    assert apply_note(HERO, "half a stop shallower").manifest["camera"]["lens"]["aperture"] == 2.5
    assert apply_note(HERO, "1/2 stop shallower").manifest["camera"]["lens"]["aperture"] == 2.5
    assert apply_note(HERO, "two stops less depth of field").manifest["camera"]["lens"]["aperture"] == 1.4
    assert apply_note(HERO, "a stop more depth of field").manifest["camera"]["lens"]["aperture"] == 4


def test_a_step_is_taken_until_fibo_reads_other_words() -> None:
    ramen = sample("food_ramen.json")
    noted = apply_note(ramen, "lower the camera")
    # At 65 degrees it is still a view from the top.
    assert noted.manifest["camera"]["orbit"]["elevation_deg"] == 50
    assert read(noted.manifest)["photographic_characteristics.camera_angle"].startswith("high angle")


def test_words_that_stay_the_same_are_told() -> None:
    noted = apply_note(HERO, "300 K warmer")
    assert "(FIBO reads the same words)" in noted.done[0] and changed_fields(HERO, noted.manifest) == set()


@pytest.mark.parametrize("name", SAMPLES)
def test_softer_and_harder_change_how_large_the_key_looks(name: str) -> None:
    before = sample(name)
    for note, larger in (("softer", True), ("harder light", False)):
        noted = apply_note(before, note)
        if noted.done:
            one, other = apparent_size(key_light(before)), apparent_size(key_light(noted.manifest))
            assert (other > one) == larger
        else:
            assert key_light(before)["type"] == "sun"


@pytest.mark.parametrize("name", SAMPLES)
def test_contrast_goes_where_it_is_asked_to(name: str) -> None:
    before = sample(name)
    for note, more in (("more contrast", 1), ("flatter", -1)):
        noted = apply_note(before, note)
        stops = key_to_fill_stops(lights_of(noted.manifest["lighting"])) - key_to_fill_stops(
            lights_of(before["lighting"])
        )
        ambient = noted.manifest["lighting"].get("ambient", 0)
        assert stops * more > 0 or not noted.done or "ambient" in noted.done[0]
        assert 0 <= ambient <= 1


@pytest.mark.parametrize("name", SAMPLES)
def test_flipping_the_light_twice_is_no_change(name: str) -> None:
    before = sample(name)
    once = apply_note(before, "flip the light").manifest
    twice = apply_note(once, "flip the light").manifest
    assert changed_fields(before, twice) == set()
    sides = [read(shot)["lighting.direction"] for shot in (before, once)]
    swapped = sides[0].replace("left", "\0").replace("right", "left").replace("\0", "right")
    swapped = swapped.replace("right and left", "left and right")
    assert sides[1] == swapped


@pytest.mark.parametrize("name", SAMPLES)
def test_a_light_goes_to_the_side_and_not_past_it(name: str) -> None:
    shot = sample(name)
    for _ in range(8):
        shot = apply_note(shot, "light more from the left").manifest
    placed = orbit_of(shot["camera"]) or {"azimuth_deg": 0}
    turn = placed["azimuth_deg"] if shot["lighting"].get("frame") == "world" else 0
    assert key_light(shot)["azimuth_deg"] - turn == pytest.approx(-90)
    assert "from the left" in read(shot)["lighting.direction"] or key_light(shot)["elevation_deg"] > 60


def test_the_lights_of_a_setup_are_written_out_and_its_name_goes_with_its_look() -> None:
    shot = set_setup({"studioflow": "1.0", "scene": {}}, "film_noir")
    warm = apply_note(shot, "warmer").manifest["lighting"]
    assert warm["setup"] == "film_noir" and len(warm["lights"]) == len(lights_of({"setup": "film_noir"}))
    assert "setup" not in apply_note(shot, "brighter").manifest["lighting"]


def test_a_posed_camera_moves_around_what_it_looks_at() -> None:
    pose = {"position_m": [0.5, 1.0, 2.0], "look_at_m": [0, 0.5, 0], "roll_deg": 5}
    shot = {"studioflow": "1.0", "scene": {}, "camera": {"pose": pose}}
    after = apply_note(shot, "lower the camera by 10 degrees").manifest["camera"]
    one, other = orbit_of({"pose": pose}), orbit_of(after)
    assert after["pose"]["look_at_m"] == pose["look_at_m"]
    assert other["elevation_deg"] == pytest.approx(one["elevation_deg"] - 10, abs=0.01)
    for name in ("azimuth_deg", "distance_m", "roll_deg"):
        assert other[name] == pytest.approx(one[name], abs=0.01)


def test_a_focus_that_was_set_stays_on_the_subject() -> None:
    shot = copy.deepcopy(HERO)
    shot["camera"]["lens"]["focus_distance_m"] = 1.05
    after = apply_note(shot, "closer").manifest["camera"]
    moved = HERO["camera"]["orbit"]["distance_m"] - after["orbit"]["distance_m"]
    assert moved > 0 and after["lens"]["focus_distance_m"] == pytest.approx(1.05 - moved)


def test_a_lens_opens_no_wider_than_it_is() -> None:
    shot = copy.deepcopy(HERO)
    for _ in range(6):
        shot = apply_note(shot, "blur the background more").manifest
    assert lens_of(shot["camera"]).aperture == lens_of({"lens": {"preset": "portrait_85"}}).widest
    assert apply_note(shot, "more bokeh").unused == "more bokeh"


def test_saturation_changes_chroma_and_neither_hue_nor_things() -> None:
    after = apply_note(HERO, "less saturated").manifest["scene"]
    assert after["subjects"] == HERO["scene"]["subjects"]
    for one, other in zip(HERO["scene"]["palette"], after["palette"], strict=True):
        was, now = oklch(one), oklch(other)
        assert now.chroma < was.chroma and now.lightness == pytest.approx(was.lightness, abs=0.01)
        if was.chroma > 0.04:
            assert math.cos(math.radians(now.hue_deg - was.hue_deg)) > 0.98


def test_a_camera_that_there_is_none_of_is_told() -> None:
    ring = sample("jewellery_ring.json")
    with pytest.raises(StudioFlowError, match="focus closer than its focal length"):
        apply_note(ring, "25 cm closer")


# ---------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("warmer", "Can we get it a bit warmer, please?"),
        ("warmer", "WARM IT UP"),
        ("warmer", "it's too cold"),
        ("lower the camera", "camera lower"),
        ("lower the camera", "get the camera lower"),
        ("lower the camera", "the camera is too high"),
        ("brighter", "the picture is too dark"),
        ("brighter", "more light"),
        ("softer light", "the shadows are too hard"),
        ("blur the background more", "a shallower depth of field"),
        ("flip the light", "light from the other side"),
        ("less saturated", "the colours are too vivid"),
        ("closer", "come in closer to the product"),
        ("closer", "we are too far away"),
        ("further back", "step back"),
        ("wider", "zoom out"),
    ],
)
def test_ways_to_say_it(one: str, other: str) -> None:
    found = apply_note(HERO, other)
    assert found.done and found.unused == ""
    without_amount = apply_note(HERO, other.replace("a bit ", "").replace("a little ", ""))
    assert without_amount.manifest == apply_note(HERO, one).manifest


@pytest.mark.parametrize("key", RULES["changes"])
def test_every_phrase_is_its_own_change(key: str) -> None:
    row = RULES["changes"][key]
    before = sample("portrait_window.json")
    told = {tuple(line.split('   "')[0] for line in apply_note(before, phrase).done) for phrase in row["words"]}
    assert len(told) == 1, told
    assert row["why"] and set(row["fields"]) <= set(OWNERS["owns"]["lighting.setup"]) | {
        field for fields in OWNERS["owns"].values() for field in fields
    }


@pytest.mark.parametrize(
    "note",
    [
        "make the jacket darker",
        "a warmer smile",
        "brighter red on the cup",
        "a wider table",
        "move the cups closer together",
        "softer fabric",
        "a harder edge on the box",
        "don't lower the camera",
        "not warmer",
        "keep the low angle and the warm light",
        "leave the camera as it is",
        "2 degrees warmer",
        "lower the camera by half a stop",
        "add a cat",
        "not so top-down",
        "more top-down",
        "less of a low angle",
    ],
)
def test_what_is_no_certain_change_changes_nothing(note: str) -> None:
    assert apply_note(HERO, note).manifest == HERO


def test_what_a_note_is_about_is_named_for_the_model() -> None:
    about = {
        "make the cup blue": {"objects"},
        "remove the beans": {"objects"},
        "another background": {"background_setting"},
        "change the logo": {"text_render"},
        "happier": {"aesthetics.mood_atmosphere"},
        "add a cat": {"objects", "background_setting"},
        "make it more dramatic": {
            *("aesthetics.mood_atmosphere", "lighting.conditions", "lighting.direction", "lighting.shadows")
        },
        "keep the low angle": set(),
    }
    for note, fields in about.items():
        noted = apply_note(HERO, note)
        assert noted.fields == fields, note
        assert noted.manifest == HERO
        assert noted.unused == ("" if note.startswith("keep") else note)


def test_stated_numbers_are_set_where_they_stand() -> None:
    noted = apply_note(HERO, "35mm, f/8, warmer, and the light from the right")
    camera, lighting = noted.manifest["camera"], noted.manifest["lighting"]
    assert camera["lens"]["focal_length_mm"] == 35 and camera["lens"]["aperture"] == 8
    assert camera["orbit"] == HERO["camera"]["orbit"]
    assert [light["role"] for light in lighting["lights"]] == ["key", "fill", "rim"]
    assert key_light(noted.manifest)["azimuth_deg"] == 75 and key_light(noted.manifest)["type"] == "strip"
    assert noted.unused == ""
    assert any('"f/8"' in line and "camera.lens.aperture: 2.8 → 8" in line for line in noted.done)
    assert noted.manifest["scene"] == HERO["scene"]


def test_a_stated_setup_and_time_of_day() -> None:
    noted = apply_note(HERO, "Rembrandt lighting")
    assert noted.manifest["lighting"] == {"setup": "rembrandt"}
    dusk = apply_note(sample("golden_hour_exterior.json"), "at blue hour").manifest["lighting"]
    assert dusk["time_of_day"] == "blue_hour"
    assert dusk["lights"] == sample("golden_hour_exterior.json")["lighting"]["lights"]


@pytest.mark.parametrize(
    ("note", "path", "value"),
    [
        ("make it 4:5", ("render", "aspect_ratio"), "4:5"),
        ("switch to a 35mm", ("camera", "lens", "focal_length_mm"), 35),
        ("switch from the 85mm to a 35mm", ("camera", "lens", "focal_length_mm"), 35),
        ("change the lens to 35mm", ("camera", "lens", "focal_length_mm"), 35),
        ("use a 35mm instead of the 85mm", ("camera", "lens", "focal_length_mm"), 35),
        ("instead of the 85mm use a 35mm", ("camera", "lens", "focal_length_mm"), 35),
        ("f/8 please", ("camera", "lens", "aperture"), 8),
        ("go from f/2.8 to f/8", ("camera", "lens", "aperture"), 8),
        ("golden hour instead", ("lighting", "time_of_day"), "golden_hour"),
        ("make it black and white", ("scene", "grade"), "black and white"),
        ("three options", ("render", "count"), 3),
        ("different background: white", ("scene", "background"), "white background"),
        ("a plain dark grey background instead, please", ("scene", "background"), "plain dark gray background"),
        ("change the background to marble", ("scene", "background"), "marble background"),
        ("swap the strip light for a beauty dish", ("lighting", "lights", 0, "type"), "beauty_dish"),
        ("no people", ("render", "negative"), "people"),
        ("without any logos or watermarks", ("render", "negative"), "logos, watermarks"),
        ("please get rid of the clutter", ("render", "negative"), "clutter"),
    ],
)
def test_what_a_note_states_is_set_and_nothing_is_left(note: str, path: Any, value: Any) -> None:
    noted = apply_note(HERO, note)
    assert value_at(noted.manifest, path) == value
    assert noted.unused == "" and len(noted.done) == 1
    paths = {one for shot in (HERO, noted.manifest) for one in leaves(shot, ())}
    changed = {one for one in paths if value_at(HERO, one) != value_at(noted.manifest, one)}
    assert [path[: len(one)] for one in changed] == list(changed) and len(changed) == 1
    validate(noted.manifest)


def test_lights_are_added_and_taken_away() -> None:
    bare = set_setup({"studioflow": "1.0", "scene": {"description": "A cup."}}, "rembrandt")
    roles = [light["role"] for light in lights_of(bare["lighting"])]
    assert "rim" not in roles
    noted = apply_note(bare, "add a rim light")
    added = lights_of(noted.manifest["lighting"])
    assert [light["role"] for light in added] == [*roles, "rim"] and noted.unused == ""
    assert "rim" in read(noted.manifest)["lighting.direction"]
    again = apply_note(noted.manifest, "add a rim light")
    assert again.manifest == noted.manifest and again.unused == "add a rim light"
    for note in ("no rim light", "kill the rim", "remove the rim light"):
        gone = apply_note(noted.manifest, note)
        assert [light["role"] for light in lights_of(gone.manifest["lighting"])] == roles and gone.unused == ""
    assert apply_note(bare, "no rim light").unused == "no rim light"
    only = {"studioflow": "1.0", "scene": {}, "lighting": {"lights": [{"role": "rim", "type": "strip"}]}}
    assert apply_note(only, "no rim").manifest == only


def test_a_fill_is_added_on_the_other_side_of_the_key() -> None:
    for azimuth in (-60, 60):
        lights = [{"role": "key", "type": "softbox", "azimuth_deg": azimuth, "elevation_deg": 30}]
        shot = {"studioflow": "1.0", "scene": {}, "lighting": {"lights": lights}}
        noted = apply_note(shot, "add fill two stops under the key")
        key, fill = noted.manifest["lighting"]["lights"]
        assert key == lights[0] and fill["azimuth_deg"] * azimuth < 0 and fill["intensity"] == pytest.approx(0.25)


def test_a_stated_side_of_the_light_is_the_cameras() -> None:
    camera = {"orbit": {"azimuth_deg": 40, "elevation_deg": 0, "distance_m": 2}}
    key = {"role": "key", "type": "softbox", "azimuth_deg": 10, "elevation_deg": 30}
    shot = {"studioflow": "1.0", "scene": {}, "camera": camera, "lighting": {"frame": "world", "lights": [key]}}
    noted = apply_note(shot, "light from the left")
    assert key_light(noted.manifest)["azimuth_deg"] == -35
    assert "left" in read(noted.manifest)["lighting.direction"]
    back = apply_note(noted.manifest, "add a background light").manifest["lighting"]["lights"][-1]
    assert back["azimuth_deg"] == pytest.approx(-140)


def test_removed_text_leaves_the_scene_and_goes_into_the_negative() -> None:
    shot = HERO | {"render": HERO["render"] | {"negative": "hands"}}
    noted = apply_note(shot, "no text, please")
    assert "text" not in noted.manifest["scene"] and noted.manifest["render"]["negative"] == "hands, text"
    assert noted.fields == {"text_render"} and noted.unused == "" and len(noted.done) == 2
    assert apply_note(noted.manifest, "remove the text").manifest == noted.manifest


@pytest.mark.parametrize(
    "note",
    [
        *(
            "remove the beans",
            "no cup",
            "without shadows",
            "no problem",
            "no more steam",
            "no f/8",
            "no people on the left",
        ),
        *("another background", "a nicer background", "on marble", "the background", "white cup on the background"),
    ],
)
def test_what_the_shot_speaks_of_is_not_certain(note: str) -> None:
    noted = apply_note(HERO, note)
    assert noted.manifest == HERO and noted.unused == note


def test_people_are_not_taken_out_of_a_portrait() -> None:
    for name in ("portrait_window.json", "film_noir_detective.json"):
        assert apply_note(sample(name), "no people").manifest == sample(name)


def test_a_structured_negative_is_somebodys_own() -> None:
    shot = HERO | {"render": {"negative": {"style_medium": "painting"}}}
    assert apply_note(shot, "no people") == Noted(shot, (), frozenset({"objects", "background_setting"}), "no people")


def test_a_new_background_tells_what_the_description_still_says() -> None:
    (line,) = apply_note(HERO, "white background").done
    assert line.endswith("(the description still says dark, table)")


def test_what_is_left_names_the_fields_that_a_brief_would_fill() -> None:
    fields = {
        "make it a close-up": {"aesthetics.composition"},
        "moody": {"aesthetics.mood_atmosphere"},
        'it should say "SALE"': {"text_render"},
        "against a wooden fence": {"background_setting"},
    }
    for note, about in fields.items():
        noted = apply_note(HERO, note)
        assert (noted.fields, noted.unused, noted.manifest) == (about, note, HERO)


def test_stated_light_lights_a_shot_without_lights() -> None:
    shot = {"studioflow": "1.0", "scene": {"description": "A cup."}}
    noted = apply_note(shot, "light from the left")
    assert key_light(noted.manifest)["azimuth_deg"] == -75 and noted.unused == ""
    assert noted.manifest["scene"] == shot["scene"]


def test_a_stated_camera_takes_the_place_of_a_pose() -> None:
    pose = {"position_m": [0.0, 0.5, 2.0], "look_at_m": [0, 0.5, 0]}
    shot = {"studioflow": "1.0", "scene": {}, "camera": {"pose": pose}}
    orbit = apply_note(shot, "seen from 30 degrees above").manifest["camera"]["orbit"]
    assert orbit["elevation_deg"] == 30 and orbit["distance_m"] == pytest.approx(2)
    assert orbit["target_m"] == [0, 0.5, 0]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("note", ["", "  \n", "x" * (MAX_NOTE + 1)])
def test_notes_that_cannot_be_read(note: str) -> None:
    with pytest.raises(StudioFlowError) as refused:
        apply_note(HERO, note)
    assert refused.value.where == "note" and refused.value.fix


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_note(text: str) -> None:
    try:
        noted = apply_note(HERO, text)
    except StudioFlowError as error:
        assert error.problem
        return
    validate(noted.manifest)
    assert changed_fields(HERO, noted.manifest) <= noted.fields | noted.by_rules


WORDS = sorted({word for row in RULES["changes"].values() for phrase in row["words"] for word in phrase.split()})
WORDS += [*RULES["removals"], *RULES["swaps"], *RULES["texts"], *RULES["humans"], *RULES["backgrounds"]["made_of"]]
WORDS += ["instead of", "rather than", "from", "white", "background", "or", ":", "35mm", "f/8", "rim light", "softbox"]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*WORDS, *RULES["fillers"], ",", "and", "a bit", "2 stops", "10°"]), max_size=12))
def test_any_words_of_notes_give_a_valid_shot(words: list[str]) -> None:
    try:
        noted = apply_note(HERO, " ".join(words))
    except StudioFlowError as error:
        assert error.problem
        return
    validate(noted.manifest)
    assert changed_fields(HERO, noted.manifest) <= noted.fields | noted.by_rules
    derive(noted.manifest)


def test_a_long_note_is_read_soon() -> None:
    noted = apply_note(HERO, "warmer. " * (MAX_NOTE // 8))
    assert key_light(noted.manifest)["color_temperature_k"] == 1000
