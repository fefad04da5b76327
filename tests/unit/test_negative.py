"""The negative that a shot implies: what contradicts it, and never what it asks for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from studioflow.caption import KEY_ORDER, derive, serialize
from studioflow.caption.fields import SECTIONS
from studioflow.caption.negative import auto_negative, merged_negative
from studioflow.edit.negative import NEGATIVE_MODES, set_negative
from studioflow.edit.style import apply_style
from studioflow.errors import EditError, ManifestError, StudioFlowError
from studioflow.manifest import load, validate
from studioflow.resources import shipped, table
from studioflow.studio.words import entries

from .manifests import manifests

TABLE = table("caption/negative_words.json")
PHRASES = {row["phrase"]: row["names"] for rule in TABLE["rules"] for row in rule["says"]}
SAMPLES = sorted(shipped("samples").glob("*.json"))
FIELDS = {*KEY_ORDER, *(f"{section}.{field}" for section, fields in SECTIONS.items() for field in fields)}
WHITE = {
    "studioflow": "1.0",
    "scene": {
        "description": "A jar of cream stands alone.",
        "subjects": [{"description": "jar of cream"}],
        "background": "seamless pure white background",
    },
}


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


def phrases_of(negative: Any) -> list[str]:
    return [phrase for text in texts(negative) for phrase in text.split(", ")]


def asked_for(manifest: dict[str, Any], negative: Any) -> list[str]:
    """The phrases of a negative whose own words stand in the positive caption."""
    said = [
        " ".join(re.findall("[a-z0-9]+", text.casefold()))
        for text in texts([derive(manifest), manifest.get("caption")])
    ]
    return [
        phrase
        for phrase in phrases_of(negative)
        for name in {phrase.replace("-", " "), *PHRASES[phrase]}
        if any(re.search(rf"\b{re.escape(name)}\b", text) for text in said)
    ]


def scene(**parts: Any) -> dict[str, Any]:
    return WHITE | {"scene": WHITE["scene"] | parts}


# ---------------------------------------------------------------- the table


def test_the_table_names_only_what_there_is() -> None:
    told_by_the_code = {"subject", "single_subject", "person", "product", "lettering", "no_lettering"}
    known = {*TABLE["facts"], *told_by_the_code}
    for rule in TABLE["rules"]:
        assert rule["feeds"] in FIELDS
        assert {*rule["when"], *rule.get("unless", [])} <= known
    for row in TABLE["facts"].values():
        assert set(row["in"]) <= FIELDS
    folded = re.compile("[a-z0-9]+( [a-z0-9]+)*")
    listed = [*PHRASES.values(), TABLE["people"], *(row["words"] for row in TABLE["facts"].values())]
    assert not [word for words in listed for word in words if not folded.fullmatch(word)]


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_knows_its_own_words(phrase: str) -> None:
    words = phrase.replace("-", " ").split()
    assert any(set(name.split()) <= set(words) or name in (" ".join(words), f"{words[0]}s") for name in PHRASES[phrase])
    assert "," not in phrase and ";" not in phrase


def test_facts_that_exclude_each_other_do_so_in_the_rules() -> None:
    # A field must not be steered from two opposite things at once.
    for manifest in (load(path) for path in SAMPLES):
        said = set(phrases_of(auto_negative(manifest)))
        for pair in (
            ("daylight", "nighttime"),
            ("harsh shadows", "diffuse shadows"),
            ("deep focus", "blurred background"),
        ):
            assert not set(pair) <= said
        assert not {"photograph", "digital illustration"} <= said


# ---------------------------------------------------------------- what contradicts a shot


def test_a_photograph_begins_with_brias_own_negative() -> None:
    # github.com/Bria-AI/FIBO, generate.py: {'style_medium': 'digital illustration', 'artistic_style': 'non-realistic'}
    negative = auto_negative(WHITE)
    assert negative["style_medium"].split(", ")[0] == "digital illustration"
    assert negative["artistic_style"] == "non-realistic"


def test_a_product_on_white_gets_no_clutter_and_no_tint() -> None:
    negative = auto_negative(WHITE)
    assert "cluttered background" in negative["background_setting"] and "props" in negative["background_setting"]
    assert negative["aesthetics"]["color_scheme"] == "color cast"
    assert {"text", "watermark", "logo", "people", "hands"} <= set(negative["short_description"].split(", "))
    assert "deformed hands" not in negative["short_description"]


def test_an_illustration_gets_no_photograph() -> None:
    negative = auto_negative(scene(style={"medium": "watercolor"}))
    assert negative["style_medium"] == "photograph" and "artistic_style" not in negative


def test_a_person_gets_no_deformed_hands() -> None:
    negative = auto_negative(scene(subjects=[{"description": "a violin maker", "pose": "sitting"}]))
    said = negative["short_description"].split(", ")
    assert {"deformed hands", "extra fingers"} <= set(said) and not {"people", "hands"} & set(said)


def test_lettering_gets_no_misspelling_and_is_not_steered_away() -> None:
    said = auto_negative(scene(text=[{"text": "NORDLICHT"}]))["short_description"].split(", ")
    assert "misspelled text" in said and "text" not in said and "logo" not in said


@pytest.mark.parametrize(
    ("changes", "field", "phrase", "not_there"),
    [
        ({"lighting": {"time_of_day": "night"}}, "lighting.conditions", "daylight", "nighttime"),
        ({"lighting": {"time_of_day": "midday"}}, "lighting.conditions", "nighttime", "daylight"),
        ({"lighting": {"setup": "high_key"}}, "lighting.shadows", "murky shadows", "diffuse shadows"),
        (
            {"lighting": {"lights": [{"role": "key", "type": "bare_bulb", "distance_m": 3}]}},
            "lighting.shadows",
            "diffuse shadows",
            "harsh shadows",
        ),
        (
            {"camera": {"lens": {"focal_length_mm": 24, "aperture": 16}, "orbit": {"distance_m": 5}}},
            "photographic_characteristics.depth_of_field",
            "blurred background",
            "deep focus",
        ),
        (
            {"camera": {"lens": {"focal_length_mm": 85, "aperture": 1.4}, "orbit": {"distance_m": 1}}},
            "photographic_characteristics.depth_of_field",
            "deep focus",
            "blurred background",
        ),
    ],
)
def test_light_and_camera_have_their_contraries(changes: Any, field: str, phrase: str, not_there: str) -> None:
    section, name = field.split(".")
    negative = auto_negative(WHITE | changes)
    assert phrase in negative[section][name].split(", ")
    assert not_there not in phrases_of(negative)


def test_a_palette_of_grays_gets_no_saturated_colors() -> None:
    grays = auto_negative(scene(palette=["#000000", "#808080", "#FFFFFF"]))["aesthetics"]["color_scheme"]
    assert "saturated colors" in grays
    black_and_white = auto_negative(apply_style(WHITE, "film_fine_mono"))["aesthetics"]["color_scheme"]
    assert "saturated colors" in black_and_white and "color tint" in black_and_white


def test_nothing_is_known_of_an_empty_scene() -> None:
    empty = {"studioflow": "1.0", "scene": {}}
    assert auto_negative(empty) == {} and merged_negative(empty | {"render": {"negative_auto": True}}) == ""


def test_raw_caption_fields_count_as_what_the_shot_says() -> None:
    drawn = {"studioflow": "1.0", "caption": {"short_description": "A cup.", "style_medium": "oil painting"}}
    assert auto_negative(drawn)["style_medium"] == "photograph"
    lettered = scene() | {"caption": {"background_setting": "a wall with a big sign"}}
    assert "text" not in auto_negative(lettered)["short_description"].split(", ")


# ---------------------------------------------------------------- never what the shot asks for


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_are_not_steered_from_what_they_show(path: Any) -> None:
    sample = load(path)
    assert not asked_for(sample, auto_negative(sample))
    for style in entries("styles"):
        styled = apply_style(sample, style)
        assert not asked_for(styled, auto_negative(styled)), style


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(manifests())
def test_no_manifest_is_steered_from_what_it_shows(manifest: dict[str, Any]) -> None:
    try:
        negative = auto_negative(manifest)
    except StudioFlowError:
        assume(False)
    assert not asked_for(manifest, negative)
    check_shape(negative)


@given(st.lists(st.sampled_from(sorted({name for names in PHRASES.values() for name in names})), max_size=6))
def test_a_word_of_the_shot_keeps_its_phrase_out(words: list[str]) -> None:
    manifest = scene(description=f"A jar of cream, {', '.join(words)}.")
    assert not asked_for(manifest, auto_negative(manifest))


def check_shape(negative: dict[str, Any]) -> None:
    assert list(negative) == [key for key in KEY_ORDER if key in negative]
    for section, fields in SECTIONS.items():
        assert list(negative.get(section, {})) == [field for field in fields if field in negative.get(section, {})]
    said = phrases_of(negative)
    assert set(said) <= PHRASES.keys() and len(said) == len(set(said))
    validate({"studioflow": "1.0", "scene": {}, "render": {"negative": negative}} if negative else WHITE)


# ---------------------------------------------------------------- with one's own words


def rendered(**render: Any) -> dict[str, Any]:
    return WHITE | {"render": render}


def test_without_auto_the_negative_is_ones_own() -> None:
    assert merged_negative(WHITE) == ""
    assert merged_negative(rendered(negative="hands")) == "hands"
    assert merged_negative(rendered(negative={"context": "an ad"}, negative_auto=False)) == {"context": "an ad"}
    assert merged_negative(rendered(negative_auto=True)) == auto_negative(WHITE)


def test_ones_own_words_come_first_and_nothing_twice() -> None:
    merged = merged_negative(rendered(negative="dust, hands", negative_auto=True))
    said = merged["short_description"].split(", ")
    assert said[:2] == ["dust", "hands"] and said.count("hands") == 1 and "people" in said
    assert {**merged, "short_description": ""} == {**auto_negative(WHITE), "short_description": ""}


def test_fields_of_ones_own_are_joined_field_by_field() -> None:
    mine = {
        "artistic_style": "gothic",
        "lighting": {"direction": "backlit"},
        "aesthetics": "harsh",
        "context": "an ad",
        "objects": [{"description": "cup"}],
    }
    before = copy.deepcopy(mine)
    merged = merged_negative(rendered(negative=mine, negative_auto=True))
    assert mine == before
    assert merged["artistic_style"] == "gothic, non-realistic" and merged["lighting"]["direction"] == "backlit"
    assert merged["aesthetics"] == "harsh" and merged["context"] == "an ad" and merged["objects"] == mine["objects"]
    assert merged["style_medium"] == auto_negative(WHITE)["style_medium"]
    assert list(merged) == [key for key in KEY_ORDER if key in merged]


def test_both_generations_can_read_it() -> None:
    # FIBO 2 cleans captions and FIBO 1.x reads JSON: nothing of the negative may get lost on the way.
    negative = auto_negative(WHITE)
    assert json.loads(serialize(negative, "fibo-2")) == negative


# ---------------------------------------------------------------- the edit


def test_the_modes_of_the_edit() -> None:
    assert NEGATIVE_MODES == ("none", "auto", "auto + mine")
    shot = rendered(seed=7, negative="dust")
    assert set_negative(shot, "none")["render"] == {"seed": 7}
    assert set_negative(shot, "auto")["render"] == {"seed": 7, "negative_auto": True}
    assert set_negative(shot, "auto + mine")["render"] == {"seed": 7, "negative": "dust", "negative_auto": True}
    assert set_negative(shot, "auto + mine", " hair ")["render"]["negative"] == "hair"
    assert set_negative(shot, "auto + mine", '{"context": "an ad"}')["render"]["negative"] == {"context": "an ad"}
    assert set_negative(WHITE, "none") == WHITE and shot == rendered(seed=7, negative="dust")
    assert set_negative(None)["render"] == {"negative_auto": True}


def test_bad_input_of_the_edit_is_told_in_one_error() -> None:
    with pytest.raises(StudioFlowError, match=r'no such choice[\s\S]*did you mean "auto"'):
        set_negative(WHITE, "autto")
    with pytest.raises(ManifestError, match="lighting"):
        set_negative(WHITE, "auto + mine", '{"lighting": 5}')
    with pytest.raises(StudioFlowError, match="begins like JSON"):
        set_negative(WHITE, "auto + mine", '{"context": ')
    with pytest.raises(EditError) as caught:
        set_negative(WHITE, "auto + mine", '{"lighting": {"shadows": "hard",}}')
    assert str(caught.value).startswith("mine, line 1, column") and "preset" not in str(caught.value)
    example = re.search(r"JSON such as (\{.*\})", str(caught.value))
    assert example and set_negative(WHITE, "auto + mine", example[1])["render"]["negative"] == json.loads(example[1])


@pytest.mark.parametrize(
    ("mine", "where", "meant"),
    [
        ('{"lightning": {}}', "mine", "lighting"),
        ('{"style": "comic", "style_mediun": "render"}', "mine", None),
        ('{"lighting": {"shadow": "x"}}', "mine, lighting", "shadows"),
        ('{"aesthetics": {"colour_scheme": "pink"}}', "mine, aesthetics", "color_scheme"),
        ('{"photographic_characteristics": {"focal": "x", "focus": "y"}}', "mine, photographic_characteristics", None),
    ],
)
def test_fields_that_no_caption_has_are_told(mine: str, where: str, meant: str | None) -> None:
    with pytest.raises(EditError) as caught:
        set_negative(WHITE, "auto + mine", mine)
    assert str(caught.value).startswith(f"{where}: there is no such caption field")
    if meant:
        assert f'did you mean "{meant}"?' in str(caught.value)


@pytest.mark.parametrize("field", sorted(FIELDS - SECTIONS.keys()))
def test_every_field_of_a_caption_can_be_steered(field: str) -> None:
    section, _, name = field.rpartition(".")
    value: Any = [{"description": "cup"}] if field == "objects" else [] if field == "text_render" else "x"
    mine = {section: {name: value}} if section else {name: value}
    assert set_negative(WHITE, "auto + mine", json.dumps(mine))["render"]["negative"] == mine


@pytest.mark.parametrize("thing", ["a chef's knife", "a men's leather watch", "a baby bottle", "a couple of bottles"])
def test_what_belongs_to_somebody_is_a_thing(thing: str) -> None:
    shot = {"studioflow": "1.0", "scene": {"subjects": [{"description": thing}]}}
    said = auto_negative(shot)["short_description"]
    assert "people" in said and "fingers" not in said.replace("hands", "")
    assert (
        "extra fingers"
        in auto_negative({**shot, "scene": {"subjects": [{"description": "a chef"}]}})["short_description"]
    )
