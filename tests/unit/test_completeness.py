"""The score of a shot: what counts, what never does, and that following the advice raises it."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import compile_manifest
from studioflow.errors import StudioFlowError
from studioflow.manifest import loads, rules_for
from studioflow.resources import shipped, table
from studioflow.review.completeness import Completeness, completeness

SAMPLE = loads((shipped("samples") / "product_hero.json").read_bytes())
WEIGHTS = table("review/completeness.json")
FIELDS, OBJECT, PERSON = (list(WEIGHTS[name]) for name in ("fields", "object_fields", "person_fields"))


def of_caption(caption: dict[str, Any]) -> Completeness:
    return completeness({"studioflow": "1.0", "caption": caption})


def put(caption: dict[str, Any], name: str, value: Any) -> None:
    """Sets a caption field such as ``objects[0].texture``."""
    node: Any = caption
    *parents, last = [part for part in re.split(r"[.\[\]]+", name) if part]
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value


def caption_of(top: set[str], objects: list[set[str]]) -> dict[str, Any]:
    caption: dict[str, Any] = {}
    for name in top:
        put(caption, name, f"says {name}")
    if objects:
        caption["objects"] = [{name: f"says {name}" for name in fields} for fields in objects]
    return caption


COMPLETE = caption_of(set(FIELDS), [set(OBJECT)])
CAPTIONS = st.builds(
    caption_of,
    st.sets(st.sampled_from(FIELDS)),
    st.lists(st.sets(st.sampled_from([*OBJECT, *PERSON]), min_size=1), max_size=4),
)


def test_the_weights_are_points_of_a_hundred_and_say_why() -> None:
    points = sum(row["weight"] for row in WEIGHTS["fields"].values()) + WEIGHTS["objects"]["weight"]
    assert points == 100
    rows = [
        WEIGHTS["objects"],
        *(row for name in ("fields", "object_fields", "person_fields") for row in WEIGHTS[name].values()),
    ]
    assert all(row["why"] and row["weight"] > 0 for row in rows)


def test_every_place_to_fill_is_in_the_schema() -> None:
    for group in ("fields", "object_fields", "person_fields"):
        for row in WEIGHTS[group].values():
            places = re.findall(r"(?:scene|camera|lighting)[.\w{}\[\]]+", row["fill"])
            assert places
            for place in places:
                path = [
                    int(part) if part.isdecimal() else part for part in re.split(r"[.\[\]]+", place.format(i=0)) if part
                ]
                assert rules_for(path), place


def test_the_sample_is_nearly_complete_and_says_what_is_left() -> None:
    found = completeness(SAMPLE)
    assert found.score == 95
    assert found.gaps[0].field == "objects[0].relationship"
    assert found.gaps[0].add == 'scene.subjects[0].relationship, for example "stands behind the cup"'
    assert found.text(1) == (
        "95 of 100; to add next:\n"
        '  +1.7 objects[0].relationship: scene.subjects[0].relationship, for example "stands behind the cup"\n'
        "  and 5 more"
    )
    assert found.text(0) == "95 of 100"


def test_an_empty_scene_earns_no_more_than_its_own_defaults() -> None:
    empty = completeness({"studioflow": "1.0", "scene": {}})
    assert (empty.score, empty.filled) == (0, ())
    assert [gap.field for gap in empty.gaps[:3]] == ["objects", "short_description", "background_setting"]
    assert of_caption({}).score == 0


def test_a_complete_caption_is_a_hundred() -> None:
    assert of_caption(COMPLETE).score == 100
    assert of_caption(COMPLETE).gaps == ()
    assert of_caption(COMPLETE).text() == "100 of 100: everything that FIBO reads is said"


def test_only_the_complete_is_a_hundred() -> None:
    nearly = copy.deepcopy(COMPLETE)
    nearly["objects"] *= 40
    nearly["objects"][7] = {key: value for key, value in nearly["objects"][7].items() if key != "orientation"}
    assert of_caption(nearly).score == 99


@settings(max_examples=60, deadline=None)
@given(CAPTIONS)
def test_every_gap_is_worth_what_it_says(caption: dict[str, Any]) -> None:
    before = of_caption(caption)
    assert [gap.weight for gap in before.gaps] == sorted((gap.weight for gap in before.gaps), reverse=True)
    for gap in before.gaps:
        after = copy.deepcopy(caption)
        value: Any = [dict.fromkeys(OBJECT, "said")] if gap.field == "objects" else "said"
        put(after, gap.field, value)
        gained = of_caption(after).score - before.score
        # Both scores are rounded to whole points, and 100 is kept for the complete.
        assert 0 <= gained and abs(gained - gap.weight) <= 1.51


@settings(max_examples=60, deadline=None)
@given(CAPTIONS, st.randoms(use_true_random=False))
def test_order_does_not_matter(caption: dict[str, Any], random: Any) -> None:
    turned = dict(random.sample(list(caption.items()), len(caption)))
    if "objects" in turned:
        turned["objects"] = random.sample(turned["objects"], len(turned["objects"]))
    one, other = of_caption(caption), of_caption(turned)
    assert one.score == other.score
    assert [gap.weight for gap in one.gaps] == [gap.weight for gap in other.gaps]


def test_what_is_said_about_the_document_changes_nothing() -> None:
    assert completeness(SAMPLE | {"meta": {"title": "another"}, "extensions": {"x": 1}}) == completeness(SAMPLE)


@pytest.mark.parametrize("extra", [{"edit_instruction": "make it red"}, {"text_render": [{"text": "A"}]}, {"mine": 1}])
def test_what_most_pictures_lack_neither_raises_nor_lowers(extra: dict[str, Any]) -> None:
    partial = caption_of({"context"}, [{"description", "texture"}])
    assert of_caption(partial | extra) == of_caption(partial)
    assert of_caption(COMPLETE | extra).score == 100
    counted = copy.deepcopy(COMPLETE)
    counted["objects"][0]["number_of_objects"] = 3
    assert of_caption(counted).score == 100


@pytest.mark.parametrize("value", ["", "   ", "\n\u00a0", None, 5, True, [], {}, ["x"], {"a": "x"}])
def test_a_blank_or_a_wrong_type_is_not_filled(value: Any) -> None:
    for name in [*FIELDS, "objects[0].texture"]:
        caption = copy.deepcopy(COMPLETE)
        put(caption, name, value)
        assert name in [gap.field for gap in of_caption(caption).gaps]


WRONG = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OBJECT, "direction"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*(name.split(".")[0] for name in FIELDS), "objects", "structured_caption"]), WRONG)
)
def test_no_caption_is_too_wrong_to_score(caption: dict[str, Any]) -> None:
    found = of_caption(caption)
    assert 0 <= found.score <= 100 and found.text()


def test_a_person_has_more_to_say_than_a_thing() -> None:
    thing, person = copy.deepcopy(COMPLETE), copy.deepcopy(COMPLETE)
    person["objects"][0]["description"] = "A Woman, seen from the side"
    assert of_caption(person).score < 100
    assert {gap.field for gap in of_caption(person).gaps} == {f"objects[0].{name}" for name in PERSON}
    person["objects"][0] |= dict.fromkeys(PERSON, "said")
    assert of_caption(person).score == 100
    for words in ("a man-made marble", "woman's watch", "manual grinder"):
        thing["objects"][0]["description"] = words
        assert of_caption(thing).score == 100


def test_an_object_without_a_description_counts_nothing_until_it_has_one() -> None:
    unnamed = caption_of(set(FIELDS), [set(OBJECT) - {"description"}])
    found = of_caption(unnamed)
    assert (found.score, [(gap.field, gap.weight) for gap in found.gaps]) == (70, [("objects[0].description", 30.0)])


def test_empty_objects_are_left_out_and_the_others_keep_their_places() -> None:
    shot = {"studioflow": "1.0", "caption": {"objects": [{"texture": ""}, {"description": "cup"}]}}
    assert "objects[1].description" in completeness(shot).filled
    assert not [gap for gap in completeness(shot).gaps if gap.field.startswith("objects[0]")]


@pytest.mark.parametrize("write", [lambda caption: caption, json.dumps])
def test_the_caption_of_an_edit_is_the_one_inside(write: Any) -> None:
    inside = caption_of({"context"}, [{"description"}])
    found = of_caption({"structured_caption": write(inside), "edit_instruction": "make it red"})
    assert (found.score, found.filled) == (of_caption(inside).score, of_caption(inside).filled)
    assert found.gaps[0].add.startswith("caption.structured_caption.short_description, for example ")


def test_an_edit_with_words_has_a_short_description() -> None:
    assert of_caption({"structured_caption": "a red cup", "edit_instruction": "x"}).filled == ("short_description",)
    assert of_caption({"structured_caption": 5, "edit_instruction": "x"}).score == 0


@pytest.mark.parametrize("empty", [{}, "", 5])
def test_an_empty_envelope_beside_a_caption_is_none(empty: Any) -> None:
    caption = caption_of({"context"}, [{"description"}])
    found = of_caption(caption | {"structured_caption": empty, "edit_instruction": "x"})
    assert (found.score, found.filled) == (of_caption(caption).score, of_caption(caption).filled)
    assert not found.gaps[0].add.startswith("caption.structured_caption")


def test_the_advice_names_the_raw_caption_where_that_decides() -> None:
    raw = {"context": " ", "lighting": {"direction": ""}, "aesthetics": 3}
    advice = {gap.field: gap.add for gap in completeness(SAMPLE | {"caption": raw}).gaps}
    assert advice["context"].startswith("caption.context, ")
    assert (
        advice["lighting.direction"] == 'caption.lighting.direction, for example "side-lit from the left, from above"'
    )
    assert advice["aesthetics.composition"].startswith("caption.aesthetics.composition, ")
    assert advice["objects[1].orientation"] == "scene.subjects[1].facing_deg, for example 30"


def test_following_the_advice_completes_the_sample() -> None:
    shot = copy.deepcopy(SAMPLE)
    for subject in shot["scene"]["subjects"]:
        subject |= dict.fromkeys(("relationship", "relative_size", "details"), "said") | {"facing_deg": 0}
    assert completeness(shot).score == 100
    orientation = compile_manifest(shot, "fibo-2").fields["objects"][1]["orientation"]
    assert orientation == "three-quarter view, turned to the left"


def test_a_manifest_that_gives_no_caption_has_no_score() -> None:
    with pytest.raises(StudioFlowError, match="camera"):
        completeness(SAMPLE | {"camera": {"pose": {"position_m": [0, 0, 0], "look_at_m": [0, 0, 0]}}})
