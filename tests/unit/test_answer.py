"""The caption in a model's answer: checked, in trained order, with nothing in it that FIBO does not know."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import KEY_ORDER, compile_manifest
from studioflow.errors import ManifestError
from studioflow.manifest import from_caption, loads, validate
from studioflow.resources import shipped
from studioflow.translate.answer import caption_of

from .manifests import captions

FULL = {
    "short_description": "A steel mug on oak.",
    "objects": [{"description": "a steel mug", "location": "center", "texture": "brushed"}],
    "background_setting": "an oak table",
    "lighting": {"conditions": "daylight", "direction": "from the left", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "color_scheme": "gray, brown", "mood_atmosphere": "calm"},
    "photographic_characteristics": {"depth_of_field": "shallow", "lens_focal_length": "85mm portrait lens"},
    "style_medium": "photograph",
    "text_render": [{"text": "MOLN", "location": "on the mug"}],
    "context": "This is a concept for a shop.",
    "artistic_style": "realistic",
}


def of(document: Any, **options: Any) -> Any:
    return caption_of(json.dumps(document), **options)


def shuffled(value: Any, seed: int = 1) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        random.Random(seed).shuffle(keys)
        return {key: shuffled(value[key], seed) for key in keys}
    return [shuffled(item, seed) for item in value] if isinstance(value, list) else value


def test_a_full_caption_comes_back_as_it_is() -> None:
    assert of(FULL) == (FULL, (), False, "")
    assert list(of(FULL).caption) == list(FULL)


@pytest.mark.parametrize("seed", range(5))
def test_keys_come_in_the_order_that_fibo_was_trained_with(seed: int) -> None:
    found = of(shuffled(FULL, seed)).caption
    assert json.dumps(found) == json.dumps(FULL)


def test_the_answer_of_a_chat_that_ships() -> None:
    text = (shipped("samples") / "caption_from_a_chat.md").read_text(encoding="utf-8")
    found = caption_of(text)
    assert found.caption == loads(text)["caption"]
    assert len(found.notes) == 1 and found.notes[0].startswith("text around the JSON was left out: Here is the")


@pytest.mark.parametrize(
    ("given_", "expected", "note"),
    [
        ({"objects": {"description": "a cup"}}, {"objects": [{"description": "a cup"}]}, "one entry and no list"),
        ({"objects": ["a cup"]}, {"objects": [{"description": "a cup"}]}, "objects[0] was a text"),
        ({"text_render": ["MOLN"]}, {"text_render": [{"text": "MOLN"}]}, "text_render[0] was a text"),
        (
            {"objects": [{"description": "a cup", "number_of_objects": "3"}]},
            {"objects": [{"description": "a cup", "number_of_objects": 3}]},
            "",
        ),
        (
            {"aesthetics": {"mood_atmosphere": ["calm", "warm"]}},
            {"aesthetics": {"mood_atmosphere": "calm, warm"}},
            "list",
        ),
        ({"background_setting": ["An oak table.", "A wall."]}, {"background_setting": "An oak table. A wall."}, "list"),
        ({"text_render": [{"text": 2026}]}, {"text_render": [{"text": "2026"}]}, "was a number"),
        ({"Background Setting": "a wall"}, {"background_setting": "a wall"}, "was read as background_setting"),
        ({"backgroundSetting": "a wall"}, {"background_setting": "a wall"}, "was read as background_setting"),
        (
            {"aesthetics": {"composition": "x", "style_medium": "photograph", "camera_angle": "high angle"}},
            {
                "aesthetics": {"composition": "x"},
                "photographic_characteristics": {"camera_angle": "high angle"},
                "style_medium": "photograph",
            },
            "stood inside aesthetics",
        ),
        ({"context": None, "lighting": {}, "objects": [], "artistic_style": " "}, {}, ""),
        ({"aesthetics": {"composition": "x", "aesthetic_score": "high"}}, {"aesthetics": {"composition": "x"}}, ""),
        ({"reasoning": "hm", "seed": 3}, {}, 'no such field: "reasoning", "seed"'),
        ({"objects": [{"description": "a", "material": "oak"}]}, {"objects": [{"description": "a"}]}, '"material"'),
    ],
)
def test_what_is_put_right_is_told(given_: dict[str, Any], expected: dict[str, Any], note: str) -> None:
    found = of({"short_description": "A cup."} | given_)
    assert found.caption == {"short_description": "A cup."} | expected
    told = [line for line in found.notes if not line.startswith("the caption lacks")]
    assert any(note in line for line in told) if note else not told


@pytest.mark.parametrize(
    "document",
    [
        {"caption": FULL},
        {"result": {"structured_prompt": json.dumps(FULL)}},
        {"data": [FULL]},
        {"VGL": FULL},
    ],
)
def test_a_caption_inside_an_envelope_is_found(document: Any) -> None:
    found = of(document)
    assert found.caption == FULL and 'the caption stood under "' in found.notes[-1]


def test_missing_fields_are_named() -> None:
    found = of({"short_description": "A cup.", "lighting": {"conditions": "daylight"}})
    assert "lighting.direction" in found.notes[-1] and "lighting.conditions" not in found.notes[-1]
    assert "background_setting" in found.notes[-1] and "short_description" not in found.notes[-1]


def test_the_field_that_a_cut_broke_is_known() -> None:
    text = json.dumps(FULL)
    found = caption_of(text[: text.index("brushed") + 3])
    assert found.cut_off and found.broken == "objects"
    assert found.caption["objects"] == [{"description": "a steel mug", "location": "center"}]
    assert caption_of(text[: text.index('"calm"') + 2]).broken == "aesthetics"


# ---------------------------------------------------------------- edits


def test_edit_captions_keep_their_form() -> None:
    flat = FULL | {"edit_instruction": "Make the mug blue."}
    wrapped = {"structured_caption": FULL, "edit_instruction": "Make the mug blue."}
    assert of(flat, edit=True).caption == flat
    assert of(wrapped, edit=True).caption == wrapped
    assert of(shuffled(wrapped)).caption == wrapped
    text = {"structured_caption": "A blue mug.", "edit_instruction": "Make it blue."}
    assert of(text).caption == text | {"structured_caption": {"short_description": "A blue mug."}}


def test_an_edit_without_an_instruction_is_refused() -> None:
    with pytest.raises(ManifestError, match="what the edit is to do"):
        of(FULL, edit=True)


def test_an_instruction_alone_is_an_edit_and_no_picture() -> None:
    assert of({"edit_instruction": "Make it blue."}, edit=True).caption == {"edit_instruction": "Make it blue."}
    with pytest.raises(ManifestError, match="what is in the picture"):
        of({"edit_instruction": "Make it blue."})


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("document", "problem", "where"),
    [
        ({"lighting": {"conditions": "x"}}, "what is in the picture", "answer"),
        ({"answer": "yes"}, "holds no FIBO caption", "answer"),
        ({"studioflow": "1.0", "scene": {}}, "holds no FIBO caption", "answer"),
        ({"short_description": True}, "wrong type", "answer /caption/short_description"),
        ({"short_description": "x", "lighting": "soft"}, "wrong type", "answer /caption/lighting"),
        (
            {"short_description": "x", "lighting": {"shadows": {"a": 1}}},
            "wrong type",
            "answer /caption/lighting/shadows",
        ),
        ({"short_description": "x", "objects": "a cup"}, "wrong type", "answer /caption/objects"),
        ({"short_description": "x", "objects": [3]}, "wrong type", "answer /caption/objects/0"),
        (
            {"short_description": "x", "text_render": [{"text": [1]}]},
            "wrong type",
            "answer /caption/text_render/0/text/0",
        ),
        ({"short_description": "x", "lighting": {"aesthetics": {}}}, "a bracket is missing", "answer"),
    ],
)
def test_an_answer_that_is_no_caption_is_refused_with_its_place(document: Any, problem: str, where: str) -> None:
    with pytest.raises(ManifestError) as refused:
        of(document)
    assert problem in refused.value.problem and refused.value.where == where


def test_without_repair_slips_are_refused() -> None:
    slip = json.dumps(FULL).replace('"soft"', '"soft",')
    assert caption_of(slip).caption == FULL
    with pytest.raises(ManifestError, match="this is not JSON"):
        caption_of(slip, repair=False)
    assert caption_of(f"Here:\n```json\n{json.dumps(FULL)}\n```", repair=False).caption == FULL


@settings(deadline=None)
@given(captions())
def test_any_caption_is_valid_afterwards_or_refused(caption: dict[str, Any]) -> None:
    try:
        found = of(caption)
    except ManifestError:
        return
    manifest = from_caption(found.caption)
    validate(manifest)
    assert set(found.caption) <= {*KEY_ORDER, "edit_instruction", "structured_caption"}
    # What it says once it says again.
    assert of(found.caption).caption == found.caption
    assert compile_manifest(manifest, "fibo-2").caption


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_caption_or_refused(text: str) -> None:
    for answer in (text, json.dumps({"short_description": text}), json.dumps({text: FULL})):
        try:
            validate(from_caption(caption_of(answer).caption))
        except ManifestError as error:
            assert error.problem


@pytest.mark.parametrize(
    ("hostile", "problem"),
    [
        ({"short_description": "x" * 900_000}, "far too long"),
        ({"objects": [{"description": "cup " * 20_000}] * 8}, "far too long"),
        ({"objects": [{"description": f"cup {number}"} for number in range(10_000)]}, "far too long"),
        ({"objects": [{"description": "a"}] * 1001}, "wrong number of items"),
        ({"short_description": "x" * (1 << 20)}, "the answer is too large"),
    ],
)
def test_what_is_endless_is_refused(hostile: dict[str, Any], problem: str) -> None:
    with pytest.raises(ManifestError, match=problem) as refused:
        of(FULL | hostile)
    assert len(str(refused.value)) < 1000


def test_fields_that_nobody_knows_are_told_and_not_all_of_them() -> None:
    found = of(FULL | {f"field {number}" + "!" * 5000: number for number in range(100)})
    assert found.caption == FULL
    assert any(note.endswith("and 90 more") for note in found.notes) and len(str(found.notes)) < 2000


def test_nothing_but_caption_fields_comes_through() -> None:
    hostile = FULL | {
        "render": {"seed": 1, "steps": 1},
        "export": [{"format": "png"}],
        "studio": "x",
        "negative": "ignore the schema",
        "camera": {"lens": {"focal_length_mm": 8}},
        "lighting": FULL["lighting"] | {"lights": [{"role": "key"}], "setup": "neon_duo"},
        "objects": [FULL["objects"][0] | {"position_m": [9, 9, 9], "count": 99}],
    }
    found = of(hostile)
    assert found.caption == FULL
    for name in ("render", "export", "studio", "negative", "camera", "lights", "setup", "position_m", "count"):
        assert any(f'"{name}"' in note for note in found.notes)
