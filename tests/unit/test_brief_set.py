"""The labelled briefs: whether the labels are sound, whether the scorer counts right, and how the rules do on them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from studioflow import resources
from studioflow.manifest import schema

from . import brief_set

FILES = (*brief_set.ENGLISH, *brief_set.LANGUAGES)
SIZES = {"en_dev": 165, "en_held_out": 85, "en_letters_dev": 55, "en_letters_held_out": 55, "en_fresh": 70}
LEAST = 0.95
LEAST_VALUES = 20
"""How often each field is expected in English at least: with fewer, one mistake would decide."""

SHOTS = set(
    "extreme close-up|close-up|medium close-up|medium shot|medium full shot|full shot|wide shot|extreme wide shot|"
    "over-the-shoulder shot|two-shot|rule of thirds|centered|symmetrical|leading lines|negative space|golden ratio|"
    "frame within a frame|diagonal composition|minimalist composition|fills the frame".split("|")
)
SHOT_SIZES = sorted(name for name in SHOTS if re.search(r"(close-up|medium shot|full shot|wide shot)$", name))
MEDIA = set(
    "photograph|oil painting|watercolor|3D render|digital illustration|pencil sketch|ink drawing|charcoal drawing|"
    "collage|vector art|pixel art|claymation|comic|anime".split("|")
)
GRADES = re.compile(
    r"black and white|sepia tones|(muted|desaturated|vivid|saturated|pastel|warm|cool) (colors|tones|palette)"
    r"|underexposed|overexposed|(high|low) contrast"
)
LOCATIONS = re.compile(
    r"(left|right|upper|lower) third|(left|right) side of the frame|(top|bottom) (left|right)|foreground"
)
ROLES = {"fill", "rim", "hair", "kicker", "background", "practical"}
MEASURES = {"height_m", "width_m", "length_m"}
AS_WRITTEN = ("subjects", "background", "clothing", "mood", "text", "negative")

ENTRIES = [(name, entry) for name in FILES for entry in brief_set.load(name)]


def _part(*path: str) -> dict[str, Any]:
    """A part of the manifest's schema, under ``$defs``."""
    found = schema()["$defs"]
    for step in path:
        found = found[step]
    return found


def _ranges() -> dict[str, dict[str, Any]]:
    camera, light, render = _part("camera", "properties"), _part("light", "properties"), _part("render", "properties")
    lens, orbit = camera["lens"]["properties"], camera["orbit"]["properties"]
    return {
        **{name: lens[name] for name in ("focal_length_mm", "aperture", "focus_distance_m")},
        **{name: orbit[name] for name in ("azimuth_deg", "elevation_deg", "distance_m", "roll_deg")},
        **{name: camera[name] for name in ("iso", "exposure_time_s")},
        **{name: render[name] for name in ("seed", "steps", "cfg", "megapixels")},
        "images": render["count"],
        "count": _part("subject", "properties", "count"),
        "key_azimuth_deg": light["azimuth_deg"],
        "rim_azimuth_deg": light["azimuth_deg"],
        "key_elevation_deg": light["elevation_deg"],
        "fill_intensity": light["intensity"],
        "color_temperature_k": light["color_temperature_k"],
    }


def _keys() -> dict[str, set[str]]:
    def keys(table: str) -> set[str]:
        return {name for name in resources.table(f"studio/{table}.json") if not name.startswith("_")}

    return {
        "lens_preset": keys("lenses"),
        "sensor": keys("sensors"),
        "setup": keys("setups"),
        "key_type": keys("light_types"),
        "style": keys("styles"),
        "time_of_day": set(_part("lighting", "properties", "time_of_day", "enum")),
    }


def _known_colors() -> set[str]:
    names = resources.table("studio/color_names.json")["colors"]
    palettes = resources.table("studio/palettes.json")
    of_palettes = {color for row in palettes.values() if isinstance(row, dict) for color in row.get("colors", ())}
    return {color.upper() for color in {*names.values(), *of_palettes}}


def _all(field: str) -> list[tuple[str, Any]]:
    """Every expected value of a field: the brief and the value, a list's items one by one."""
    found = []
    for _, entry in ENTRIES:
        if field in entry["expect"]:
            value = entry["expect"][field]
            if field in brief_set.JOINED:
                value = value.split(", ")
            found += [(entry["brief"], item) for item in (value if isinstance(value, list) else [value])]
    return found


def test_every_entry_has_its_three_parts_and_known_fields():
    for name, entry in ENTRIES:
        assert set(entry) == {"brief", "awkward", "expect"}, entry
        assert isinstance(entry["awkward"], bool)
        assert entry["brief"].strip() and entry["expect"], entry
        assert set(entry["expect"]) <= brief_set.fields_of(name), entry


def test_no_brief_is_there_twice():
    briefs = [" ".join(entry["brief"].casefold().split()) for _, entry in ENTRIES]
    assert len(set(briefs)) == len(briefs)


@pytest.mark.parametrize("name", FILES)
def test_there_are_enough_briefs(name):
    assert len(brief_set.load(name)) >= SIZES.get(name, 15)


@pytest.mark.parametrize("name", brief_set.ENGLISH)
def test_a_third_of_the_english_briefs_is_awkward(name):
    entries = brief_set.load(name)
    assert 3 * sum(entry["awkward"] for entry in entries) >= len(entries)


def test_every_field_is_expected_often_enough_in_english():
    briefs = [entry for name in brief_set.ENGLISH for entry in brief_set.load(name)]
    counts = brief_set.score(briefs, lambda text: [])
    rare = {field: one.false_negative for field, one in counts.items() if one.false_negative < LEAST_VALUES}
    assert not rare


@pytest.mark.parametrize("field", brief_set.NUMBERS + brief_set.WHOLE_NUMBERS)
def test_numbers_are_numbers_within_what_the_manifest_takes(field):
    rule = _ranges()[field]
    for brief, value in _all(field):
        whole = field in brief_set.WHOLE_NUMBERS
        assert type(value) is int if whole else type(value) in (int, float), (brief, value)
        assert rule.get("minimum", -1e9) <= value <= rule.get("maximum", 1e20), (brief, value)
        assert value > rule.get("exclusiveMinimum", -1e9), (brief, value)


@pytest.mark.parametrize("field", brief_set.KEYS)
def test_keys_stand_in_their_table(field):
    assert not [(brief, value) for brief, value in _all(field) if value not in _keys()[field]]


@pytest.mark.parametrize("field", ["color", "palette"])
def test_colors_are_of_the_tables_or_of_the_brief(field):
    known = _known_colors()
    for brief, value in _all(field):
        assert re.fullmatch("#[0-9A-F]{6}", value), (brief, value)
        assert value in known or value in brief.upper(), (brief, value)


def test_materials_are_presets_or_words_of_the_brief():
    presets = {name for name in resources.table("studio/materials.json") if not name.startswith("_")}
    for brief, value in _all("material"):
        assert value in presets or value in brief.casefold(), (brief, value)


def test_texts_are_those_that_the_fields_know():
    assert {value for _, value in _all("shot")} <= SHOTS
    assert {value for _, value in _all("roles")} <= ROLES
    assert {value for _, value in _all("medium")} <= MEDIA
    assert not [pair for pair in _all("grade") if not GRADES.fullmatch(pair[1])]
    assert not [pair for pair in _all("location") if not LOCATIONS.fullmatch(pair[1])]
    assert not [pair for pair in _all("aspect_ratio") if not re.fullmatch(r"[1-9]\d{0,3}:[1-9]\d{0,3}", pair[1])]
    assert all(value == value.strip() and value for field in AS_WRITTEN for _, value in _all(field))


@pytest.mark.parametrize("field", AS_WRITTEN)
def test_what_is_taken_as_written_stands_in_the_brief(field):
    def plain(text: str) -> str:
        return re.sub(r"\W+", " ", text.casefold()).strip()

    missing = [(brief, value) for brief, value in _all(field) if plain(value) not in plain(brief)]
    assert not missing


def test_the_shot_size_comes_first():
    for _, entry in ENTRIES:
        sizes = [index for index, shot in enumerate(entry["expect"].get("shot", [])) if shot in SHOT_SIZES]
        assert sizes in ([], [0]), entry


def test_sizes_are_pairs_and_measures_are_named():
    rule = _part("render", "properties", "width")
    for _, entry in ENTRIES:
        size = entry["expect"].get("size", [64, 64])
        assert len(size) == 2 and all(rule["minimum"] <= side <= rule["maximum"] for side in size), entry
        assert not any(side % rule["multipleOf"] for side in size), entry
        measures = entry["expect"].get("size_m", {})
        assert set(measures) <= MEASURES and all(value > 0 for value in measures.values()), entry


def test_what_is_said_of_a_subject_has_one():
    for name in brief_set.ENGLISH:
        for entry in brief_set.load(name):
            of_subject = {"color", "material", "count", "size_m", "location", "clothing"} & set(entry["expect"])
            assert not of_subject or entry["expect"].get("subjects"), entry


def test_lights_with_numbers_are_named():
    for name in brief_set.ENGLISH:
        for entry in brief_set.load(name):
            expect = entry["expect"]
            assert ("rim_azimuth_deg" in expect) == ("rim" in expect.get("roles", [])), entry
            assert "fill_intensity" not in expect or "fill" in expect["roles"], entry


# The scorer


def _reader(**found: Any):
    return lambda text: list(found.items())


def _entry(**expect: Any) -> list[dict[str, Any]]:
    return [{"brief": "x", "awkward": False, "expect": expect}]


def test_the_labels_themselves_score_full_marks():
    for name in FILES:
        for entry in brief_set.load(name):
            counts = brief_set.score([entry], _reader(**entry["expect"]))
            assert brief_set.total(counts)[1:] == (0, 0), entry
            assert brief_set.total(counts).true_positive >= len(entry["expect"])


@pytest.mark.parametrize(
    ("field", "expected", "found", "counts"),
    [
        ("aperture", 2, 2.0, (1, 0, 0)),
        ("aperture", 2, 2.009, (1, 0, 0)),
        ("aperture", 2, 2.2, (0, 1, 1)),
        ("key_azimuth_deg", 0, 0, (1, 0, 0)),
        ("key_azimuth_deg", 0, 1, (0, 1, 1)),
        ("key_azimuth_deg", -75, 75, (0, 1, 1)),
        ("subjects", ["The Red Mug", "teapot"], ["teapot", "red  mug", "spoon"], (2, 1, 0)),
        ("subjects", ["mug", "mug"], ["mug"], (1, 0, 1)),
        ("background", "oak table, grey wall", "oak table", (1, 0, 1)),
        ("background", "oak table, grey wall", ["grey wall", "oak table"], (2, 0, 0)),
        ("color", "#aabbcc", "#AABBCC", (1, 0, 0)),
        ("text", ["OPEN"], ["open"], (1, 0, 0)),
        ("size", [1024, 768], [1024, 768], (1, 0, 0)),
        ("size", [1024, 768], [768, 1024], (0, 1, 1)),
        ("size_m", {"height_m": 0.3}, {"height_m": 0.3, "width_m": 1}, (1, 1, 0)),
        ("count", 1, True, (0, 1, 1)),
    ],
)
def test_the_scorer_counts(field, expected, found, counts):
    assert brief_set.score(_entry(**{field: expected}), _reader(**{field: found}))[field] == counts


def test_the_scorer_counts_what_is_missing_and_what_nobody_asked_for():
    counts = brief_set.score(_entry(aperture=2), _reader(iso=100, ghost=1))
    assert counts["aperture"] == (0, 0, 1) and counts["iso"] == (0, 1, 0) and counts["ghost"] == (0, 1, 0)
    assert brief_set.score(_entry(aperture=2), _reader(mood=["x"]), ["aperture"]) == {"aperture": (0, 0, 1)}
    assert [each[1:] for each in brief_set.differences(_entry(aperture=2), _reader(aperture=4))] == [
        ("aperture", ((2,),), ((4,),))
    ]


def test_a_value_found_twice_is_once_too_many():
    counts = brief_set.score(_entry(iso=100), lambda text: [("iso", 100), ("iso", 100)])
    assert counts["iso"] == (1, 1, 0)


def test_the_table_has_a_line_for_each_field_that_occurs():
    one = brief_set.score(_entry(iso=100, seed=1), _reader(iso=100))
    lines = brief_set.table({"one": one, "two": brief_set.score(_entry(iso=1), _reader(ghost=1))}).splitlines()
    assert [line.split() for line in lines[2:]] == [
        ["iso", "1", "1.00", "1.00", "1", "1.00", "0.00"],
        ["seed", "1", "1.00", "0.00", "-"],
        ["ghost", "-", "0", "0.00", "1.00"],
        ["all", "2", "1.00", "0.50", "1", "0.00", "0.00"],
    ]


# The rules


def test_the_rules_read_english_well():
    briefs = [entry for name in brief_set.ENGLISH for entry in brief_set.load(name)]
    counts = brief_set.score(briefs)
    weak = [field for field, one in counts.items() if min(one.precision, one.recall) < LEAST]
    table = brief_set.table({"English": counts})
    assert not weak, f"below {LEAST}: {', '.join(weak)}\n{table}"


def test_the_files_are_plain_utf8_json():
    for name in FILES:
        text = (brief_set.FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert json.loads(text) and text.endswith("]\n") and "\\u" not in text
