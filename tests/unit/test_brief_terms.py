"""The tables of words: whole, with values that the manifest knows, and each phrase read as what it stands for."""

from __future__ import annotations

import re

import pytest

from studioflow.manifest import rules_for
from studioflow.resources import table
from studioflow.translate.scan import folded, tokens_of, words_of
from studioflow.translate.terms import LANGUAGES, Meaning, add_phrases, detected, expanded, longest, terms

KEYS = {
    "lens_preset": ("camera", "lens", "preset"),
    "sensor": ("camera", "sensor"),
    "setup": ("lighting", "setup"),
    "time_of_day": ("lighting", "time_of_day"),
    "key_type": ("lighting", "lights", 0, "type"),
    "roles": ("lighting", "lights", 0, "role"),
}
NUMBERS = ("focal_length_mm", "aperture", "elevation_deg", "azimuth_deg", "roll_deg", "color_temperature_k", "numbers")


def rows(language):
    return table(f"translate/terms/{language}.json")


def groups(language):
    return {name: values for name, values in rows(language).items() if not name.startswith("_")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_group_and_line_is_documented(language):
    english = rows("en")
    assert groups(language).keys() - {"spelling", "words_about"} <= english["_about"].keys()
    assert rows(language)["words"].keys() <= english["words_about"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("group", KEYS)
def test_keys_are_the_manifests(language, group):
    allowed = {key for rule in rules_for(KEYS[group]) for key in rule.get("enum", ())}
    assert allowed
    assert groups(language).get(group, {}).keys() <= allowed


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_are_what_the_english_table_has(language):
    for group in ("shot", "grade", "medium", "location", "aspect_ratio", "light_quality", "units"):
        assert groups(language).get(group, {}).keys() <= rows("en")[group].keys(), group
    assert groups(language).get("style", {}).keys() <= table("studio/styles.json").keys()
    for group in NUMBERS:
        for value in groups(language).get(group, {}):
            float(value)
    for value in groups(language).get("key_direction", {}):
        assert re.fullmatch(r"(-|-?\d+)( -?\d+)?", value)
    for value in groups(language).get("direction", {}):
        assert set(value.split()) <= {"left", "right", "above", "below", "behind", "front", "side", "high", "low"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_stands_for_its_value(language):
    """Whatever else a phrase may stand for, its own meaning is among them; and no phrase is empty but by choice."""
    known = terms(language)
    tries = {"direction": known.directions, "numbers": known.numbers, "units": known.units}
    for group, values in groups(language).items():
        if group in ("words", "words_about", "spelling"):
            continue
        for value, phrases in values.items():
            for phrase in phrases:
                for one in expanded(phrase):
                    words = words_of(one)
                    if words:
                        end, meanings = longest(tries.get(group, known.fields), words, 0)
                        assert end == len(words), one
                        assert (group, value) in meanings, one


def test_alternatives():
    assert sorted(expanded("(a|) b (c (d|e)|f)")) == sorted([" b c d", " b c e", " b f", "a b c d", "a b c e", "a b f"])
    assert list(expanded("plain")) == ["plain"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("APS-C", ["aps", "c"]),
        ("f/2.8", ["f", "/", "2.8"]),
        ("ƒ/2,8", ["f", "/", "2,8"]),
        ("70-200mm", ["70", "-", "200", "mm"]),
        ("f/11,1/125", ["f", "/", "11", ",", "1", "/", "125"]),
        ("Grey CENTRE, Weiß Lumière", ["gray", "center", ",", "weiss", "lumiere"]),
        ("worm’s-eye", ["worm's", "eye"]),
        ("左から光", ["左", "か", "ら", "光"]),
        ("８５ｍｍ", ["85", "mm"]),
        ("e\u0301clair", ["eclair"]),
        ("ｶﾞﾗｽ １２．５ｍｍ", ["ガ", "ラ", "ス", "12.5", "mm"]),
        ("か\u3099", ["が"]),
        ("Ｆ／２", ["f", "/", "2"]),
        ("l'éclairage dell’arte, UN'alba", ["l'", "eclairage", "dell'", "arte", ",", "un'", "alba"]),
        ("I'd say o'clock, don't", ["i'd", "say", "o'clock", ",", "don't"]),
        ("'it was all' here", ["'", "it", "was", "all", "'", "here"]),
        ("#c9a27a #12", ["#c9a27a", "#", "12"]),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


@pytest.mark.parametrize("phrase", ["(a|b (c|)|) d(e|f) g", "(|l')aube (du|) jour", "(soft|hard)-light", "a (b)(c|d)"])
def test_a_table_is_read_as_all_that_its_phrases_stand_for(phrase):
    """Patterns are followed through the trie without writing them out; written out they must say the same."""
    at_once, one_by_one = {}, {}
    add_phrases([(at_once, Meaning("group", "value"), [phrase])])
    for one in expanded(phrase):
        below = one_by_one
        for word in words_of(one):
            below = below.setdefault(word, {})
        if below is not one_by_one:
            below[None] = [Meaning("group", "value")]
    assert at_once == one_by_one


def test_tokens_lie_in_the_text():
    text = "Mug — 85 mm,\nf/2 🔥 “A”"
    tokens = tokens_of(text)
    assert [text[token.start : token.end] for token in tokens] == [
        "Mug",
        "—",
        "85",
        "mm",
        ",",
        "\n",
        "f",
        "/",
        "2",
        "🔥",
        "“",
        "A",
        "”",
    ]
    assert [token.glued for token in tokens][4] is True
    assert tokens[0].glued is False


def test_folding_keeps_kana_and_full_width_forms_apart_from_accents():
    assert folded("ガ") != folded("カ")
    assert folded("É") == "e"


@pytest.mark.parametrize(
    "text",
    [
        "mug",
        "85mm f/2",
        "candlelight, old man",
        "Bauhaus lamp",
        "chili con carne on a table, 50mm, window light from the left",
        "a die on the table",
        "La La Land poster",
        "fleur de sel macro",
        "dolce vita scooter",
        "a la carte menu",
        "crème brûlée on slate",
        "eau de parfum, Los Angeles",
    ],
)
def test_short_english_stays_english(text):
    assert detected(text, words_of(text)) == "en"
