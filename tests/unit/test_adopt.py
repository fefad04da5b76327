"""A model's caption on a shot: its words go into the caption, and what the shot's numbers say stays."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from studioflow.caption import body, compile_manifest, derive, flat
from studioflow.edit.field import set_field
from studioflow.errors import ManifestError, StudioFlowError
from studioflow.manifest import load, validate
from studioflow.manifest.schema import CAPTION, schema
from studioflow.resources import shipped
from studioflow.studio.color import color_name
from studioflow.translate.adopt import KEEP, adopt, matches
from studioflow.translate.answer import caption_of

from .manifests import captions, manifests

SAMPLES = sorted(path.name for path in shipped("samples").glob("*.json"))
OWNED_BY_NUMBERS = ("lighting.", "photographic_characteristics.")
MODEL = {
    "short_description": "The model's own sentence.",
    "objects": [
        {"description": "a scattering of coffee beans", "location": "everywhere", "number_of_objects": 40},
        {
            "description": "a slim hand-operated coffee grinder",
            "location": "far left",
            "shape_and_color": "tall slender cylinder, bright red",
            "texture": "glossy lacquer",
            "orientation": "upside down",
        },
        {"description": "a small espresso cup", "shape_and_color": "round, pure white", "texture": "porcelain"},
        {"description": "a silver spoon", "shape_and_color": "long, silver", "location": "right"},
    ],
    "background_setting": "a beach",
    "lighting": {"conditions": "neon", "direction": "from below", "shadows": "none"},
    "aesthetics": {
        "composition": "extreme close-up, rule of thirds, mug on the left",
        "color_scheme": "acid green",
        "mood_atmosphere": "loud",
    },
    "photographic_characteristics": {
        "depth_of_field": "deep",
        "focus": "everywhere",
        "camera_angle": "bird's-eye",
        "lens_focal_length": "8mm fisheye",
    },
    "style_medium": "oil painting",
    "context": "This is a concept for a joke.",
    "artistic_style": "cubist",
}


def sample(name: str) -> dict[str, Any]:
    return load(shipped("samples") / name)


def read(manifest: dict[str, Any]) -> dict[str, Any]:
    return flat(compile_manifest(manifest, "fibo-2").fields)


@pytest.mark.parametrize("name", SAMPLES)
def test_numbers_keep_their_words_in_every_sample(name: str) -> None:
    shot = sample(name)
    before, found = read(shot), adopt(shot, MODEL)
    after = read(found.manifest)
    for field, words in flat(derive(shot)).items():
        if field.startswith(OWNED_BY_NUMBERS) or (field == "aesthetics.color_scheme" and "palette" in shot["scene"]):
            assert after[field] == words == before[field]
            assert field in found.kept or flat(MODEL)[field] == words
    for field in ("short_description", "background_setting", "style_medium", "artistic_style", "context"):
        assert after[field] == MODEL[field]
    assert after["aesthetics.mood_atmosphere"] == "loud"


@settings(deadline=None)
@given(manifests(), captions())
def test_numbers_keep_their_words_whatever_the_model_says(shot: dict[str, Any], caption: dict[str, Any]) -> None:
    shot.pop("caption", None)
    assume("scene" in shot)
    try:
        derived = flat(derive(shot))
        answer = caption_of(json.dumps(caption)).caption
    except StudioFlowError:
        assume(False)
    found = adopt(shot, answer)
    after = read(found.manifest)
    for field, words in derived.items():
        if field.startswith(OWNED_BY_NUMBERS):
            assert after[field] == words
    # Nothing but the caption changed.
    assert {**found.manifest, "caption": None} == {**shot, "caption": None}
    validate(found.manifest)


@pytest.mark.parametrize("keep", KEEP)
@settings(deadline=None)
@given(shot=manifests(), caption=captions())
def test_no_section_changes_whatever_the_model_says(keep: str, shot: dict[str, Any], caption: dict[str, Any]) -> None:
    before = copy.deepcopy(shot)
    try:
        derive(shot)
        answer = caption_of(json.dumps(caption)).caption
        found = adopt(shot, answer, keep)
    except StudioFlowError:
        return
    assert {**found.manifest, "caption": None} == {**shot, "caption": None}
    assert shot == before
    told = {**shot.get("caption", {}), **body(shot.get("caption", {})), **answer, **body(answer)}
    assert found.manifest.get("caption", {}).keys() <= {*told, "structured_caption"}


def test_everything_that_sections_say_stays_and_the_rest_is_the_models() -> None:
    shot = {
        "studioflow": "1.0",
        "scene": {"description": "A cup.", "mood": "calm"},
        "camera": {"lens": {"aperture": 2}},
    }
    found = adopt(shot, MODEL, "everything")
    after = read(found.manifest)
    assert after["short_description"] == "A cup." and after["aesthetics.mood_atmosphere"] == "calm"
    assert after["background_setting"] == "a beach"
    # That a picture is a photograph is what is usual, and nobody's words.
    assert after["style_medium"] == "oil painting"
    assert set(found.kept) == {"short_description", "aesthetics.mood_atmosphere"}


def test_everything_includes_the_numbers() -> None:
    shot = sample("product_hero.json")
    shot["scene"] = {key: value for key, value in shot["scene"].items() if key != "composition"}
    after = read(adopt(shot, MODEL, "everything").manifest)
    assert after["aesthetics.composition"] == "medium shot, rule of thirds, mug on the left"
    before = read(shot)
    assert {field for field in before if after[field] != before[field]} == {"aesthetics.composition"}


def test_with_nothing_to_keep_the_models_words_win_everywhere() -> None:
    found = adopt(sample("product_hero.json"), MODEL, "nothing")
    after = read(found.manifest)
    assert {field: after[field] for field in flat(MODEL)} == flat(MODEL)
    assert found.kept == ()


def test_without_a_shot_the_caption_is_one() -> None:
    assert adopt(None, MODEL) == ({"studioflow": "1.0", "caption": MODEL}, (), ())
    with pytest.raises(ManifestError, match="wrong type"):
        adopt(None, {"short_description": 3})


def test_words_of_a_subjects_numbers_are_laid_over_its_like() -> None:
    shot = sample("product_hero.json")
    ours = derive(shot)["objects"]
    found = adopt(shot, MODEL)
    beans, grinder, cup, spoon = read(found.manifest)["objects"]
    assert grinder["description"] == "a slim hand-operated coffee grinder" and grinder["texture"] == "glossy lacquer"
    assert grinder["location"] == ours[0]["location"] and grinder["orientation"] == ours[0]["orientation"]
    assert grinder["shape_and_color"] == f"tall slender cylinder, {color_name('#A7A9AC')}"
    assert cup["shape_and_color"] == f"round, {color_name('#3B3A38')}" and cup["texture"] == "porcelain"
    assert beans["number_of_objects"] == 9
    # Words of ours that the model had none for stand where FIBO expects them.
    trained = list(schema(CAPTION)["$defs"]["object"]["properties"])
    assert [sorted(thing, key=trained.index) for thing in (beans, grinder)] == [list(beans), list(grinder)]
    assert spoon == MODEL["objects"][3]
    assert "objects" in found.kept


def test_what_the_artist_said_in_words_is_the_models_to_say_better() -> None:
    shot = {
        "studioflow": "1.0",
        "scene": {"subjects": [{"description": "a cup", "shape": "round", "location": "left"}]},
    }
    model = {
        "short_description": "x",
        "objects": [{"description": "a cup", "shape_and_color": "red", "location": "up"}],
    }
    assert read(adopt(shot, model).manifest)["objects"] == model["objects"]


def test_a_text_that_the_shot_states_stays_to_the_letter() -> None:
    shot = {"studioflow": "1.0", "scene": {"text": [{"text": "FRESH ROAST", "color": "cream"}, {"text": "No. 7"}]}}
    said = [
        {"text": "SALE", "location": "in a red star"},
        {"text": "Fresh  roast", "location": "on the bag", "color": "gold", "font": "bold serif"},
    ]
    model = {"short_description": "A bag.", "text_render": said}
    found = adopt(shot, model)
    assert read(found.manifest)["text_render"] == [
        {"text": "FRESH ROAST", "location": "on the bag", "color": "cream", "font": "bold serif"},
        {"text": "No. 7"},
    ]
    assert "text_render" in found.kept
    assert list(read(found.manifest)["text_render"][0]) == ["text", "location", "color", "font"]
    whole = adopt(shot, model, "everything")
    assert read(whole.manifest)["text_render"] == shot["scene"]["text"] and "text_render" in whole.kept
    for free in (adopt(shot, model, "nothing"), adopt(shot, model, "numbers", {"text_render"})):
        assert read(free.manifest)["text_render"] == said and "text_render" not in free.kept
    # A shot without texts says nothing of them.
    assert read(adopt({"studioflow": "1.0", "scene": {}}, model).manifest)["text_render"] == said


def test_numbers_of_a_material_keep_their_texture() -> None:
    shot = sample("jewellery_ring.json")
    model = {"short_description": "x", "objects": [{"description": "a signet ring", "texture": "rusty iron"}]}
    ours = derive(shot)["objects"][0]
    assert read(adopt(shot, model).manifest)["objects"][0]["texture"] == ours["texture"] != "rusty iron"


def test_a_subject_that_the_model_forgot_is_told() -> None:
    found = adopt(sample("product_hero.json"), MODEL | {"objects": MODEL["objects"][:2]})
    assert found.notes == ('none of the model\'s objects is the "espresso cup" of the shot',)


def test_the_shot_size_of_the_numbers_stands_before_the_models_composition() -> None:
    shot = sample("product_hero.json")
    found = adopt(shot, MODEL)
    assert read(found.manifest)["aesthetics.composition"] == "medium shot, rule of thirds, mug on the left"
    assert "aesthetics.composition" in found.kept


def test_what_was_asked_for_is_the_models() -> None:
    shot = sample("product_hero.json")
    after = read(adopt(shot, MODEL, "numbers", {"lighting.conditions", "objects: espresso cup"}).manifest)
    assert after["lighting.conditions"] == "neon" and after["lighting.direction"] != "from below"
    assert after["objects"][2]["shape_and_color"] == "round, pure white"
    assert after["objects"][1]["shape_and_color"] == "tall slender cylinder, gray"


def test_the_last_writer_wins_over_the_model_too() -> None:
    adopted = adopt(sample("product_hero.json"), MODEL, "nothing").manifest
    lower = set_field(adopted, "camera.orbit.elevation_deg", -20)
    assert read(lower)["photographic_characteristics.camera_angle"].startswith("low angle")
    assert read(lower)["photographic_characteristics.lens_focal_length"] == "8mm fisheye"


def test_an_edit_caption_stays_one() -> None:
    shot = sample("product_hero.json")
    for edit in (MODEL | {"edit_instruction": "Go."}, {"structured_caption": MODEL, "edit_instruction": "Go."}):
        found = adopt(shot, edit).manifest
        assert json.loads(compile_manifest(found, "fibo-2").caption)["edit_instruction"] == "Go."
        assert read(found)["lighting.direction"] == flat(derive(shot))["lighting.direction"]
        assert read(found)["background_setting"] == "a beach"


def test_no_such_keep() -> None:
    with pytest.raises(StudioFlowError, match='did you mean "numbers"'):
        adopt(None, MODEL, "number")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["red cup", "blue cup", "a cup", "cups", "spoon", "the", "oak table", ""]), max_size=6))
def test_each_thing_has_one_like_at_most(names: list[str]) -> None:
    ours = [{"description": name} for name in names]
    found = matches(ours, list(reversed(ours)))
    assert len(set(found.values())) == len(found)
    assert found == matches(ours, list(reversed(ours)))
    for at, other in matches(ours, ours).items():
        assert names[at] == names[other] or {"a cup", "cups"} >= {names[at], names[other]}
