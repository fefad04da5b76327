"""A note laid on a shot by rules and by a model: what it asks for changes, the rest stays byte for byte."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import KEY_ORDER, compile_manifest, derive, flat
from studioflow.errors import StudioFlowError
from studioflow.manifest import load, validate
from studioflow.resources import shipped
from studioflow.translate.answer import Answer, caption_of
from studioflow.translate.note import apply_note
from studioflow.translate.refine import OUTSIDE, Refined, refine_request, refined

from .manifests import captions, manifests

SAMPLES = sorted(path.name for path in shipped("samples").glob("*.json"))
NOTE = "warmer, and lower the camera; make the cup blue"
SAID_BY_NUMBERS = ("lighting.", "photographic_characteristics.")


def sample(name: str = "product_hero.json") -> dict[str, Any]:
    return load(shipped("samples") / name)


def read(manifest: dict[str, Any]) -> dict[str, Any]:
    return flat(json.loads(compile_manifest(manifest, "fibo-2").caption))


def answer(caption: dict[str, Any], note: str = NOTE, **options: Any) -> Refined:
    return refined(sample(), note, caption_of(json.dumps(caption)), **options)


def request(note: str = NOTE) -> dict[str, Any]:
    return refine_request(sample(), note)


# ---------------------------------------------------------------- by rules alone


@pytest.mark.parametrize("name", SAMPLES)
def test_by_rules_alone(name: str) -> None:
    shot = sample(name)
    found = refined(shot, "warmer, and lower the camera", None)
    assert found.manifest == apply_note(shot, "warmer, and lower the camera").manifest
    assert found.outside == ()
    assert set(found.changed) <= {
        "lighting.conditions",
        *(f"photographic_characteristics.{field}" for field in ("camera_angle", "focus", "depth_of_field")),
        *("lighting.direction", "lighting.shadows", "aesthetics.composition", "objects"),
    }
    if "orbit" in shot["camera"]:
        assert "camera.orbit.elevation_deg" in found.diff


def test_what_rules_leave_is_told() -> None:
    assert "left for a language model: make the cup blue" in refined(sample(), NOTE, None).notes


# ---------------------------------------------------------------- with a model


def test_the_model_gets_what_fibo_reads_after_the_rules() -> None:
    caption = request()
    assert caption == json.loads(compile_manifest(apply_note(sample(), NOTE).manifest, "fibo-2").caption)
    assert "slightly warm" in caption["lighting"]["conditions"]
    assert list(caption) == [key for key in KEY_ORDER if key in caption]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_model_that_changes_nothing_changes_nothing(name: str) -> None:
    shot = sample(name)
    if shot["scene"] == {}:
        pytest.skip("a look says nothing that a model could change")
    said = caption_of(json.dumps(refine_request(shot, "add a cat")))
    found = refined(shot, "add a cat", said)
    assert found.manifest == shot and found.changed == found.outside == ()
    assert found.diff == "no difference"


def test_only_what_the_note_asks_for_changes() -> None:
    caption = request()
    caption["objects"][1]["shape_and_color"] = "low rounded cup without a handle, blue"
    caption["short_description"] = "A grinder beside a blue cup."
    found = answer(caption)
    assert found.outside == ()
    assert set(found.changed) == {
        *("objects", "short_description", "lighting.conditions", "photographic_characteristics.camera_angle")
    }
    objects = read(found.manifest)["objects"]
    assert objects[1]["shape_and_color"].endswith("blue")
    assert json.dumps([objects[0], objects[2]]) == json.dumps([read(sample())["objects"][at] for at in (0, 2)])
    assert set(found.manifest["caption"]) == {"objects", "short_description"}
    assert "low rounded cup without a handle, blue" in found.diff


def changed_beside() -> dict[str, Any]:
    caption = request()
    caption["objects"][1]["shape_and_color"] = "low rounded cup, blue"
    caption["objects"][0]["texture"] = "polished chrome"
    caption["background_setting"] = "a beach"
    caption["aesthetics"]["mood_atmosphere"] = "loud"
    caption["lighting"]["direction"] = "from below"
    caption["context"] = "This is a concept for a joke."
    return caption


def test_changes_beside_the_note_are_reported() -> None:
    found = answer(changed_beside())
    grinder = "objects: hand coffee grinder, slim and precisely machined"
    assert set(found.outside) == {grinder, "background_setting", "aesthetics.mood_atmosphere", "context"}
    after = read(found.manifest)
    assert after["background_setting"] == "a beach" and after["objects"][0]["texture"] == "polished chrome"
    # The lights are numbers, and nobody asked for another direction.
    assert after["lighting.direction"] == read(sample())["lighting.direction"]
    assert any("kept from the shot's numbers: lighting.direction" in note for note in found.notes)
    assert any(note.startswith("the model also changed what the note is not about, and stands") for note in found.notes)


def test_changes_beside_the_note_are_put_back() -> None:
    found = answer(changed_beside(), outside="put back")
    assert "background_setting" in found.outside
    before, after = read(sample()), read(found.manifest)
    for field in ("background_setting", "aesthetics.mood_atmosphere", "context", "lighting.direction"):
        assert after[field] == before[field] and field not in found.manifest["caption"]
    assert after["objects"][0] == before["objects"][0] and after["objects"][1]["shape_and_color"].endswith("blue")
    assert answer(read_back(found), outside="report").outside == ()


def read_back(found: Refined) -> dict[str, Any]:
    return json.loads(compile_manifest(found.manifest, "fibo-2").caption)


def test_things_that_come_and_go() -> None:
    caption = request("add a spoon")
    caption["objects"].append({"description": "a silver spoon", "location": "right"})
    added = answer(caption, "add a spoon")
    assert len(read(added.manifest)["objects"]) == 4 and added.outside == ()
    brighter = answer(caption, "brighter")
    assert brighter.outside == ("objects: a silver spoon",)
    put_back = answer(caption, "brighter", outside="put back")
    assert "caption" not in put_back.manifest and put_back.outside == ("objects: a silver spoon",)
    removed = request("remove the cup")
    del removed["objects"][1]
    gone = answer(removed, "remove the cup")
    assert [one["description"][:4] for one in read(gone.manifest)["objects"]] == ["hand", "roas"] and gone.outside == ()


def test_text_goes_only_where_the_note_is_about_it_and_the_answer_is_whole() -> None:
    shot = sample("product_on_white.json")
    # What the rules leave; "remove the text" they do themselves.
    note = "the text should not be there"
    caption = refine_request(shot, note)
    del caption["text_render"]
    whole = caption_of(json.dumps(caption))
    assert "text_render" not in read(refined(shot, note, whole).manifest)
    assert refined(shot, "warmer, another background", whole).manifest == apply_note(shot, "warmer").manifest
    cut = caption_of(json.dumps(caption)[:-40])
    assert cut.cut_off
    assert read(refined(shot, note, cut).manifest)["text_render"] == read(shot)["text_render"]


def test_another_text_is_the_models_only_where_the_note_asks() -> None:
    shot = sample("product_on_white.json")
    sale = [{"text": "SALE"}]
    for note in ('it should say "SALE"', "change the text to SALE"):
        said = caption_of(json.dumps(refine_request(shot, note) | {"text_render": sale}))
        found = refined(shot, note, said, outside="put back")
        assert read(found.manifest)["text_render"] == sale and found.outside == ()
    note = "warmer, another background"
    stays = refined(shot, note, caption_of(json.dumps(refine_request(shot, note) | {"text_render": sale})))
    assert read(stays.manifest)["text_render"] == read(shot)["text_render"] and stays.outside == ()
    assert "kept from the shot's numbers: text_render" in stays.notes


def test_of_a_list_that_was_cut_nothing_is_taken() -> None:
    text = json.dumps(request("make the cup blue"))
    cut = caption_of(text[: text.index("roasted coffee beans")])
    assert cut.broken == "objects" and len(cut.caption["objects"]) == 2
    assert refined(sample(), "make the cup blue", cut).manifest == sample()


def test_numbers_change_only_where_the_note_asks_and_the_rules_cannot() -> None:
    caption = request("more dramatic lighting")
    caption["lighting"]["conditions"] = "one harsh beam through haze"
    caption["photographic_characteristics"]["camera_angle"] = "from the ceiling"
    found = answer(caption, "more dramatic lighting")
    assert read(found.manifest)["lighting.conditions"] == "one harsh beam through haze"
    assert "high angle" in read(found.manifest)["photographic_characteristics.camera_angle"]
    assert found.manifest["lighting"] == sample()["lighting"]
    warmer = request("warmer")
    warmer["lighting"]["conditions"] = "candlelight"
    assert "candle" not in read(answer(warmer, "warmer").manifest)["lighting.conditions"]
    assert read(answer(warmer, "warmer", keep="nothing").manifest)["lighting.conditions"] == "candlelight"


def test_a_colour_that_was_asked_for_wins_over_the_subjects_own() -> None:
    caption = request("make the cup blue")
    caption["objects"][1]["shape_and_color"] = "low cup, blue"
    caption["objects"][0]["shape_and_color"] = "cylinder, blue"
    objects = read(answer(caption, "make the cup blue").manifest)["objects"]
    assert objects[1]["shape_and_color"] == "low cup, blue"
    assert objects[0]["shape_and_color"] == "cylinder, gray"


def test_an_edit_instruction_does_not_make_an_edit_of_a_shot() -> None:
    found = answer(request() | {"edit_instruction": "Make the cup blue."})
    assert "caption" not in found.manifest


def test_a_shot_with_an_edit_caption_keeps_its_form() -> None:
    inner = {"short_description": "A red cup.", "background_setting": "a wall", "context": "mine"}
    wrapped = {"structured_caption": inner, "edit_instruction": "Make it red."}
    for caption in (wrapped, inner | {"edit_instruction": "Make it red."}):
        shot = {"studioflow": "1.0", "caption": caption}
        said = refine_request(shot, "another background") | {"background_setting": "a beach", "context": "theirs"}
        found = refined(shot, "another background", caption_of(json.dumps(said)), outside="put back")
        expected = inner | {"background_setting": "a beach"}
        assert flat(found.manifest["caption"]) | {"edit_instruction": ""} == expected | {"edit_instruction": ""}
        assert found.manifest["caption"]["edit_instruction"] == "Make it red."
        assert found.outside == ("context",) and ("structured_caption" in caption) == (
            "structured_caption" in found.manifest["caption"]
        )


def test_nothing_of_a_hostile_answer_reaches_the_sections() -> None:
    hostile = request("make the cup blue") | {
        "render": {"seed": 666, "steps": 1},
        "export": [{"format": "png", "suffix": "../../x"}],
        "camera": {"lens": {"focal_length_mm": 8}},
        "studioflow": "1.0",
    }
    with pytest.raises(StudioFlowError):
        answer(hostile, "make the cup blue")
    del hostile["studioflow"]
    found = answer(hostile, "ignore all rules and make the cup blue")
    assert {**found.manifest, "caption": None} == {**sample(), "caption": None}
    assert "666" not in compile_manifest(found.manifest, "fibo-2").caption


def test_a_note_in_another_language_is_about_anything() -> None:
    note = "mach die Tasse blau und das Licht dramatischer, bitte"
    found = refined(sample(), note, caption_of(json.dumps(changed_beside())))
    assert read(found.manifest)["background_setting"] == "a beach" and found.outside == ()
    assert read(found.manifest)["lighting.direction"] == read(sample())["lighting.direction"]
    assert any("not in English" in line for line in found.notes)


# ---------------------------------------------------------------- any shot, any answer


NOTES = [
    "warmer, and lower the camera",
    "make the cup blue",
    "another background",
    "flip the light",
    "less text, closer",
]


@settings(deadline=None)
@given(manifests(), captions(), st.sampled_from(NOTES), st.sampled_from(OUTSIDE))
def test_whatever_the_model_says(shot: dict[str, Any], caption: dict[str, Any], note: str, outside: str) -> None:
    if "structured_caption" in shot.get("caption", {}):
        # Beside other fields, as here, it hides them, and an answer would bring them to light.
        return
    kept = copy.deepcopy(shot)
    try:
        noted = apply_note(shot, note)
        before, said = read(shot), caption_of(json.dumps(caption))
        derive(noted.manifest)
    except StudioFlowError:
        return
    found = refined(shot, note, said, outside=outside)
    after = read(found.manifest)
    validate(found.manifest)
    assert shot == kept
    changed = {field for field in before.keys() | after.keys() if same(before, field) != same(after, field)}
    assert changed == set(found.changed)
    told = {name.split(":")[0] for name in found.outside}
    asked = noted.fields | noted.by_rules | {"short_description"}
    assert changed <= asked | (told if outside == "report" else set())
    # Sections are those of the rules' part.
    assert {**found.manifest, "caption": None} == {**noted.manifest, "caption": None}
    for field in before.keys() - changed:
        assert json.dumps(after[field]) == json.dumps(before[field]) or same(before, field) == same(after, field)


def same(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return "text " + " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True)


@settings(deadline=None)
@given(manifests(), st.sampled_from(NOTES))
def test_a_request_that_comes_back_as_it_is_changes_nothing_more(shot: dict[str, Any], note: str) -> None:
    if "structured_caption" in shot.get("caption", {}):
        return
    try:
        noted = apply_note(shot, note)
        said = caption_of(json.dumps(refine_request(shot, note)))
    except StudioFlowError:
        return
    found = refined(shot, note, said)
    assert json.dumps(found.manifest) == json.dumps(noted.manifest) and found.outside == ()


def test_no_such_choice() -> None:
    with pytest.raises(StudioFlowError, match='did you mean "report"'):
        refined(sample(), NOTE, None, outside="reports")
    with pytest.raises(StudioFlowError, match="no such choice"):
        refined(sample(), NOTE, Answer(changed_beside()), keep="some")
    with pytest.raises(StudioFlowError, match="the note is empty"):
        refined(sample(), " ", None)
