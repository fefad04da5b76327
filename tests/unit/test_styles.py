"""Styles: each sets only what it names, they compose in order, and what they change is told before."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import jsonschema
import pytest

from studioflow.caption import compile_manifest, flat
from studioflow.edit.style import apply_style, changes_of, style_changes
from studioflow.edit.written import leaves, value_at
from studioflow.errors import StudioFlowError
from studioflow.manifest import load, validate
from studioflow.resources import shipped, table
from studioflow.review.lint import lint
from studioflow.studio.styles import style_advice, style_scene
from studioflow.studio.words import entries

STYLES = entries("styles")
HERO = load(shipped("samples") / "product_hero.json")
FEEDS = table("studio/styles.json")["_feeds"]
TRADE_NAMES = ("kodak", "fuji", "ilford", "polaroid", "agfa", "portra", "velvia", "tri-x", "cinestill", "ektachrome")


def test_the_table_keeps_to_its_schema() -> None:
    rules = json.loads((shipped("schemas") / "styles.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(table("studio/styles.json"))


def test_there_are_styles_enough_and_no_two_alike() -> None:
    assert len(STYLES) >= 25
    assert len({json.dumps(row["scene"]) for row in STYLES.values()}) == len(STYLES)
    assert len({row["title"] for row in STYLES.values()}) == len(STYLES)


def test_a_look_is_described_and_names_no_product() -> None:
    said = json.dumps([row["scene"] for row in STYLES.values()]).lower()
    assert not [name for name in TRADE_NAMES if re.search(rf"\b{name}\b", said)]


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_a_valid_part_of_a_scene(name: str) -> None:
    scene = style_scene(name)
    validate({"studioflow": "1.0", "scene": scene})
    assert {".".join(map(str, path)) for path in leaves(scene, ())} <= FEEDS.keys()
    advice = STYLES[name].get("goes_with", {})
    assert set(advice.get("setups", [])) <= entries("setups").keys()
    assert set(advice.get("lenses", [])) <= entries("lenses").keys()
    assert STYLES[name]["use"] in style_advice(name)


@pytest.mark.parametrize("name", STYLES)
def test_a_style_sets_only_what_it_names(name: str) -> None:
    before = copy.deepcopy(HERO)
    made = apply_style(HERO, name)
    assert before == HERO
    named = {("scene", *path) for path in leaves(style_scene(name), ())}
    for path in {*leaves(made, ()), *leaves(HERO, ())} - named:
        assert value_at(made, path) == value_at(HERO, path), path
    for path in named:
        assert value_at(made, path) == value_at(style_scene(name), path[1:])
    assert list(apply_style(made, name).items()) == list(made.items())


@pytest.mark.parametrize("name", STYLES)
def test_only_the_fields_that_it_feeds_change_in_the_caption(name: str) -> None:
    old, new = (flat(compile_manifest(shot, "fibo-2").fields) for shot in (HERO, apply_style(HERO, name)))
    fed = {field for path in leaves(style_scene(name), ()) for field in FEEDS[".".join(map(str, path))]}
    assert {field for field in {*old, *new} if old.get(field) != new.get(field)} <= fed


def test_the_later_style_wins_key_by_key() -> None:
    made = apply_style(apply_style(None, "ecommerce_white"), "film_faded_negative")["scene"]
    white, faded = style_scene("ecommerce_white"), style_scene("film_faded_negative")
    assert made["background"] == white["background"] and made["composition"] == white["composition"]
    assert made["grade"] == faded["grade"] and made["style"] == white["style"] | faded["style"]


@pytest.mark.parametrize("name", STYLES)
def test_what_is_told_beforehand_is_what_happens(name: str) -> None:
    told, made = changes_of(HERO, name), apply_style(HERO, name)
    paths = {*leaves(made, ()), *leaves(HERO, ())}
    missing = object()

    def at(shot: dict[str, Any], path: Any) -> Any:
        found = value_at(shot, path)
        return missing if found == {} else found

    assert {change.path for change in told} == {path for path in paths if at(made, path) != at(HERO, path)}
    for change in told:
        assert value_at(made, change.path) == change.after
    text = style_changes(HERO, name)
    old, new = (flat(compile_manifest(shot, "fibo-2").fields) for shot in (HERO, made))
    listed = re.search(r"caption fields that change: (.*)", text)
    fields = {field for field in {*old, *new} if old.get(field) != new.get(field)}
    assert set(listed[1].split(", ") if listed else []) == fields


def test_a_style_that_is_on_already_changes_nothing() -> None:
    made = apply_style(None, "noir")
    assert changes_of(made, "noir") == [] and style_changes(made, "noir").startswith("nothing changes\n")


def test_somebodys_caption_keeps_what_the_style_does_not_decide() -> None:
    raw = {"short_description": "A cup.", "background_setting": "a wall", "aesthetics": {"mood_atmosphere": "loud"}}
    made = apply_style({"studioflow": "1.0", "caption": raw}, "ecommerce_white")
    fields = compile_manifest(made, "fibo-2").fields
    assert fields["short_description"] == "A cup."
    assert fields["background_setting"] == style_scene("ecommerce_white")["background"]
    assert fields["aesthetics"]["mood_atmosphere"] == style_scene("ecommerce_white")["mood"]


@pytest.mark.parametrize("name", STYLES)
def test_a_style_brings_no_fault_into_a_shot(name: str) -> None:
    def faults(shot: dict[str, Any]) -> set[tuple[str, str]]:
        return {(finding.rule, finding.pointer) for finding in lint(shot) if finding.severity != "info"}

    assert faults(apply_style(HERO, name)) <= faults(HERO)


def test_an_unknown_style_is_told_with_a_suggestion() -> None:
    for function in (apply_style, style_changes, changes_of):
        with pytest.raises(StudioFlowError, match=r'no such style[\s\S]*did you mean "luxury"'):
            function(HERO, "luxry")
