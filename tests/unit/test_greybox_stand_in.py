"""Which stand-in a subject gets, from its words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studioflow.greybox.shapes import stand_ins
from studioflow.greybox.stand_in import choose
from studioflow.resources import shipped

CHOICES = [
    ("coffee cup", {}, "cup"),
    ("espresso cup", {}, "cup"),
    ("a steel cup holder", {"shape": "flat box"}, "box"),
    ("manual coffee press", {"shape": "slender upright cylinder with a plunger"}, "cylinder"),
    ("sneaker", {}, "shoe"),
    ("a pair of leather boots", {}, "shoe"),
    ("ramen bowl", {}, "bowl"),
    ("two wine glasses", {}, "wine_glass"),
    ("glass of red wine", {}, "wine_glass"),
    ("glass of water", {}, "glass"),
    ("jar of honey", {}, "jar"),
    ("row of oak tables", {}, "table"),
    ("handful of almonds", {}, "bean"),
    ("stack of old books", {}, "book"),
    ("bunch of tulips", {}, "plant"),
    ("cherries", {}, "sphere"),
    ("kitchen knives", {}, "rod"),
    ("a smartphone on a marble table", {}, "phone"),
    ("women's handbag", {}, "bag"),
    ("car key", {}, "box"),
    ("Chanel No 5, a perfume flacon", {}, "perfume_bottle"),
    ("object", {"shape": "tall and cylindrical"}, "cylinder"),
    ("kettle", {"action": "pouring"}, "mug"),
    ("detective in trench coat", {}, "standing_figure"),
    ("three men", {}, "standing_figure"),
    ("portrait of a woman", {}, "head_and_shoulders"),
    ("portrait of a king", {"pose": "seated on his throne"}, "seated_figure"),
    ("old fisherman", {"pose": "sitting on a crate"}, "seated_figure"),
    ("old fisherman", {"size_m": [0.5, 0.55, 0.3]}, "head_and_shoulders"),
    ("someone", {"clothing": "a red coat"}, "standing_figure"),
    ("saxophone player", {}, "standing_figure"),
    ("{product}", {}, "box"),
    ("", {}, "box"),
    ("of", {}, "box"),
    ("日本酒", {}, "box"),
]


@pytest.mark.parametrize(("description", "more", "name"), CHOICES)
def test_words_choose(description: str, more: dict[str, Any], name: str) -> None:
    choice = choose({"description": description, **more})
    assert choice.name == name
    assert choice.why.endswith(f"-> {name}")


def test_the_subject_has_the_last_word() -> None:
    assert choose({"description": "espresso cup", "stand_in": "sphere"}).name == "sphere"


def test_a_picture_goes_on_a_card_or_a_screen() -> None:
    assert choose({"description": "our new label", "picture": "label.png"}).name == "card"
    assert choose({"description": "a mug", "picture": "label.png"}).name == "card"
    assert choose({"description": "a smartphone", "picture": "app.png"}).name == "phone"


SAMPLES = {
    "film_noir_detective": ["standing_figure"],
    "food_ramen": ["bowl", "rod"],
    "glass_dark_field": ["decanter", "glass"],
    "golden_hour_exterior": ["house"],
    "interior_reading_room": ["table", "lamp"],
    "jewellery_ring": ["signet_ring"],
    "neon_musician": ["standing_figure", "box"],
    "portrait_rembrandt": ["seated_figure"],
    "portrait_window": ["seated_figure", "violin"],
    "product_hero": ["cylinder", "cup", "bean"],
    "product_on_white": ["dropper_bottle"],
    "product_template": ["box"],
    "turntable_sneaker": ["shoe"],
}


@pytest.mark.parametrize(("sample", "names"), SAMPLES.items())
def test_the_samples_get_what_they_show(sample: str, names: list[str]) -> None:
    manifest = json.loads((shipped("samples") / f"{sample}.json").read_text(encoding="utf-8"))
    assert [choose(subject).name for subject in manifest["scene"]["subjects"]] == names


@pytest.mark.parametrize("name", stand_ins())
def test_every_word_of_the_table_reaches_its_row(name: str) -> None:
    figures = {"head_and_shoulders", "standing_figure", "seated_figure"}
    for word in stand_ins()[name]["words"]:
        found = choose({"description": f"a {word} beside a wall"}).name
        assert found == name or {found, name} <= figures, word
        several = choose({"description": f"many {word}s"}).name
        assert several == name or word.endswith(("s", "x", "sh", "ch")) or {several, name} <= figures, word
