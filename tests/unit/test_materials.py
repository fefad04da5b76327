"""Materials: a table that holds what it promises, words that follow the numbers, and lights that suit a surface."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest

from studioflow.caption import compile_manifest
from studioflow.edit.material import replaced_texture, set_material
from studioflow.errors import EditError, ManifestError, StudioFlowError
from studioflow.manifest import validate
from studioflow.resources import shipped, table
from studioflow.review.lint import fix, lint
from studioflow.studio.materials import light_class, material_words, needs_large_light, takes_light
from studioflow.studio.words import entries

from .sweeps import sweep

TABLE = table("studio/materials.json")
MATERIALS = entries("materials")
FAMILIES = ("metal", "fabric", "glass", "wood", "stone", "plastic", "leather", "paper", "liquid", "food", "skin")
CHROME_ON_A_TABLE: dict[str, Any] = {
    "studioflow": "1.0",
    "scene": {
        "description": "A kettle stands on a table.",
        "subjects": [{"description": "kettle", "material": "shell"}],
        "background": "a plaster wall",
    },
    "materials": {"shell": {"preset": "polished_chrome"}},
}


def test_the_table_keeps_to_its_schema() -> None:
    rules = json.loads((shipped("schemas") / "materials.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(TABLE)


def test_there_are_materials_of_every_family() -> None:
    assert len(MATERIALS) >= 80
    for family in FAMILIES:
        assert sum(row["family"] == family for row in MATERIALS.values()) >= 4, family
    assert len({row["title"] for row in MATERIALS.values()}) == len(MATERIALS)
    assert len({row["texture"] for row in MATERIALS.values()}) == len(MATERIALS)
    assert {"brushed_steel", "oiled_oak"} <= MATERIALS.keys()


@pytest.mark.parametrize("name", MATERIALS)
def test_words_that_fibo_knows_are_named_and_are_there(name: str) -> None:
    row = MATERIALS[name]
    said = f"{row['texture']}, {row['appearance']}".lower()
    known = [word for word in TABLE["_fibo_textures"] if re.search(rf"\b{word}\b", said)]
    assert row["fibo_words"] == known
    assert any(re.search(rf"\b{word}\b", row["texture"]) for word in known)


@pytest.mark.parametrize("name", MATERIALS)
def test_numbers_fit_the_kind_of_material(name: str) -> None:
    row = MATERIALS[name]
    validate({"studioflow": "1.0", "scene": {}, "materials": {"it": {"preset": name, **numbers(row)}}})
    if row["light"] == "mirror":
        assert row["roughness"] <= 0.15
    if row["light"] == "matte":
        assert row["roughness"] >= 0.5
    if row["light"] == "transparent":
        assert row["transmission"] >= 0.7 and row["roughness"] <= 0.1
    if row["family"] in ("fabric", "wood", "paper", "skin", "food", "liquid"):
        assert row["metallic"] == 0


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    return {key: row[key] for key in ("roughness", "metallic", "transmission", "ior") if key in row}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        # Sodium D line, 589 nm: Wikipedia, "List of refractive indices"; light flint and olive oil as in textbooks.
        ("water", 1.333),
        ("ice", 1.309),
        ("clear_acrylic", 1.49),
        ("clear_glass", 1.52),
        ("crystal", 1.58),
        ("diamond", 2.417),
        ("olive_oil", 1.47),
    ],
)
def test_indices_of_refraction_are_the_published_ones(name: str, published: float) -> None:
    assert MATERIALS[name]["ior"] == pytest.approx(published, abs=0.006)


def test_words_come_from_where_the_document_says() -> None:
    steel = MATERIALS["brushed_steel"]
    assert material_words("steel", {"preset": "brushed_steel"}) == (steel["texture"], steel["appearance"])
    assert material_words("steel", {"preset": "brushed_steel", "description": "cool steel"}) == (
        "cool steel",
        steel["appearance"],
    )
    assert material_words("brushed stainless steel", {}) == ("brushed stainless steel", "")
    # The words of an artist are no look-up, even where they are a key of the table.
    assert material_words("brushed_steel", {}) == ("brushed_steel", "")
    assert material_words("it", {"preset": "moon_dust"}) == ("moon dust", "")
    assert material_words(None, {}) == ("", "")


@pytest.mark.parametrize("name", MATERIALS)
def test_a_presets_own_numbers_change_no_word(name: str) -> None:
    plain = {"preset": name}
    assert material_words("it", plain | numbers(MATERIALS[name])) == material_words("it", plain)
    assert takes_light(plain | numbers(MATERIALS[name])) == takes_light(plain) == MATERIALS[name]["light"]


@pytest.mark.parametrize("name", ["brushed_steel", "polished_chrome", "walnut", "velvet", "pearlescent_car_paint"])
@pytest.mark.parametrize("number", ["roughness", "metallic", "transmission"])
def test_words_follow_a_number_in_order(name: str, number: str) -> None:
    def joined(value: float) -> str:
        return "; ".join(material_words("it", {"preset": name, number: value}))

    assert len(sweep(joined, 0, 1, name=f"{name} {number}")) >= 3


@pytest.mark.parametrize("material", [{}, {"preset": "moon_dust"}])
def test_a_material_without_a_preset_follows_its_numbers_too(material: dict[str, Any]) -> None:
    runs = sweep(lambda value: material_words("steel", material | {"metallic": 1, "roughness": value}).texture, 0, 1)
    name = "moon dust" if material else "steel"
    assert runs[0].startswith(f"mirror-polished {name}") and runs[-1].startswith(f"rough {name}")


def test_a_changed_finish_replaces_the_words_of_the_old_one() -> None:
    mirror = material_words("it", {"preset": "brushed_steel", "roughness": 0.05})
    assert mirror.texture.startswith("mirror-polished stainless steel") and "mirror-like" in mirror.appearance
    assert "brush" not in f"{mirror.texture} {mirror.appearance}"
    assert takes_light({"preset": "brushed_steel", "roughness": 0.05}) == "mirror"
    assert takes_light({"preset": "clear_glass", "transmission": 0}) == "glossy"
    assert takes_light({"preset": "matte_paint", "roughness": 0.05}) == "glossy"
    assert takes_light({"preset": "clear_glass", "transmission": 0.6}) == "translucent"
    assert takes_light({"description": "anything"}) == ""


@pytest.mark.parametrize("name", [name for name, row in MATERIALS.items() if row["transmission"] >= 0.8])
def test_clear_things_stay_clear_whatever_their_finish(name: str) -> None:
    runs = sweep(lambda value: material_words("it", {"preset": name, "roughness": value}).texture, 0, 1, 400, name)
    assert all(re.search("transparent|translucent|clear|facets", words) for words in runs), runs
    taken = [takes_light({"preset": name, "roughness": value / 50}) for value in range(51)]
    assert set(taken) <= {"transparent", "translucent"}
    if MATERIALS[name]["family"] != "liquid":
        assert taken[0] == "transparent" and taken[-1] == "translucent" and "frosted" in runs[-1]


def test_a_clear_thing_that_was_made_opaque_is_called_clear_no_more() -> None:
    for transmission in (0, 0.3, 0.6):
        said = " ".join(material_words("it", {"preset": "clear_glass", "transmission": transmission}))
        assert not re.search(r"clear glass|transparent|refracted", said) and "glass" in said


@pytest.mark.parametrize("name", [name for name, row in MATERIALS.items() if row["family"] in ("liquid", "skin")])
def test_roughness_moves_no_word_of_liquids_and_skin(name: str) -> None:
    own = material_words("it", {"preset": name})
    assert all(material_words("it", {"preset": name, "roughness": value / 20}) == own for value in range(21))
    assert takes_light({"preset": name, "roughness": 1.0}) == MATERIALS[name]["light"]


def test_the_setups_that_suit_a_shiny_thing_exist() -> None:
    assert set(TABLE["_large_light_setups"]) <= entries("setups").keys()
    assert all(needs_large_light(name) == (name in ("mirror", "glossy", "transparent")) for name in TABLE["_light"])
    assert "softbox" in light_class("mirror")["advice"]


# ---------------------------------------------------------------- the edit


def test_a_new_manifest_gets_a_subject_of_the_material() -> None:
    made = set_material(None, "brushed_steel")
    assert made["scene"]["subjects"] == [
        {"description": "an object of brushed stainless steel", "material": "brushed_steel"}
    ]
    assert made["materials"] == {"brushed_steel": {"preset": "brushed_steel"}}


def test_a_subject_takes_the_material_and_all_else_stays() -> None:
    scene = {
        "description": "Two cups.",
        "subjects": [{"description": "cup"}, {"description": "lid", "color": "#111111"}],
    }
    before = {"studioflow": "1.0", "scene": scene, "materials": {"other": {"preset": "silk"}}, "meta": {"sku": "7"}}
    made = set_material(before, "polished_brass", subject=2, color="#C9A646", roughness=0.4)
    entry = {"preset": "polished_brass", "color": "#C9A646", "roughness": 0.4}
    assert made["materials"] == {"other": {"preset": "silk"}, "polished_brass": entry}
    assert made["scene"]["subjects"] == [
        {"description": "cup"},
        {"description": "lid", "color": "#C9A646", "material": "polished_brass"},
    ]
    assert {key: made[key] for key in ("studioflow", "meta")} == {key: before[key] for key in ("studioflow", "meta")}
    assert scene["subjects"][1] == {"description": "lid", "color": "#111111"}


def test_two_subjects_of_one_preset_keep_their_own_changes() -> None:
    before = {"studioflow": "1.0", "scene": {"subjects": [{"description": "cup"}, {"description": "lid"}]}}
    made = set_material(set_material(before, "silk"), "silk", subject=2, roughness=0.1)
    assert [subject["material"] for subject in made["scene"]["subjects"]] == ["silk", "silk_2"]
    assert made["materials"] == {"silk": {"preset": "silk"}, "silk_2": {"preset": "silk", "roughness": 0.1}}
    again = set_material(made, "silk", subject=2, roughness=0.2)
    assert again["scene"]["subjects"][1]["material"] == "silk_2" and again["materials"]["silk_2"]["roughness"] == 0.2
    assert set_material(made, "silk", subject=2)["scene"]["subjects"][1]["material"] == "silk"


def test_bad_input_of_the_edit_is_told_in_one_error() -> None:
    with pytest.raises(StudioFlowError, match=r'no such material preset[\s\S]*did you mean "brushed_steel"'):
        set_material(None, "brushed_steal")
    with pytest.raises(EditError, match=r"no such subject[\s\S]*found: 3[\s\S]*allowed: 1\n"):
        set_material(CHROME_ON_A_TABLE, "silk", subject=3)
    with pytest.raises(EditError, match=r"no such subject[\s\S]*allowed: 1, which is then made"):
        set_material(None, "silk", subject=2)
    with pytest.raises(ManifestError, match="roughness"):
        set_material(None, "silk", roughness=2)
    with pytest.raises(EditError, match=r"no such subject[\s\S]*allowed: 1 to 2"):
        set_material({"studioflow": "1.0", "scene": {"subjects": [{"description": "cup"}] * 2}}, "silk", subject=3)


@pytest.mark.parametrize(
    "shot",
    [
        {"caption": {"objects": [{"description": "cup"}]}},
        {"caption": {"short_description": "A cup."}},
        {"caption": {"structured_caption": {"short_description": "A cup."}, "edit_instruction": "Make it red."}},
        {"scene": {"description": "A cup stands on a table."}},
        {"scene": {"background": "a wall", "subjects": []}, "caption": {"short_description": "A cup."}},
    ],
)
def test_a_shot_that_only_describes_its_things_gets_no_other_thing(shot: dict[str, Any]) -> None:
    with pytest.raises(EditError, match=r"has no subject that could be of a material[\s\S]*do: describe the thing as"):
        set_material({"studioflow": "1.0", **shot}, "silk")


@pytest.mark.parametrize(
    ("preset", "described"),
    [
        ("clear_glass", "an object of clear glass"),
        ("water", "a pool of water"),
        ("dewy_skin", "a patch of dewy skin"),
        ("berries", "a portion of berries"),
        ("piano_lacquer", "a surface of piano lacquer"),
    ],
)
def test_the_first_subject_is_something_that_there_is(preset: str, described: str) -> None:
    assert set_material({"studioflow": "1.0", "scene": {"mood": "calm"}}, preset)["scene"]["subjects"] == [
        {"description": described, "material": preset}
    ]


def test_a_material_takes_the_place_of_the_subjects_own_texture() -> None:
    cup = {"description": "cup", "texture": "matte, slightly grainy", "details": "a chipped rim"}
    shot = {"studioflow": "1.0", "scene": {"subjects": [cup, {"description": "lid"}]}}
    assert (replaced_texture(shot), replaced_texture(shot, 2), replaced_texture(None, 5)) == (cup["texture"], "", "")
    made = set_material(shot, "polished_brass")
    assert made["scene"]["subjects"][0] == {
        "description": "cup",
        "details": "a chipped rim",
        "material": "polished_brass",
    }
    thing = compile_manifest(made, "fibo-2").fields["objects"][0]
    assert thing["texture"] == MATERIALS["polished_brass"]["texture"] and "a chipped rim" in thing["appearance_details"]
    assert cup["texture"] and replaced_texture(made) == ""


# ---------------------------------------------------------------- the linter


def found(manifest: dict[str, Any], rule: str) -> list[Any]:
    return [finding for finding in lint(manifest) if finding.rule == rule]


def lit(manifest: dict[str, Any], **lighting: Any) -> dict[str, Any]:
    return manifest | {"lighting": lighting}


SPOT = {"role": "key", "type": "spot", "distance_m": 2}


def test_chrome_under_one_hard_light_is_told_what_it_needs() -> None:
    (finding,) = found(lit(CHROME_ON_A_TABLE, lights=[SPOT]), "material-needs-other-light")
    assert finding.pointer == "/scene/subjects/0/material"
    assert "Polished chrome" in finding.problem and "softbox" in finding.advice and "dark field" in finding.advice


@pytest.mark.parametrize(
    "lighting",
    [
        {},
        {"lights": [{"role": "key", "type": "octabox", "distance_m": 1}]},
        {"lights": [SPOT, {"role": "fill", "type": "reflector", "distance_m": 1}]},
        {"setup": "dark_field"},
        {"setup": "product_tent"},
        {"lights": [SPOT], "time_of_day": "midday"},
        {"lights": [SPOT], "ambient": 0.5},
        {"lights": [SPOT], "environment": {"hdri": "studio.hdr"}},
    ],
)
def test_a_light_that_suits_chrome_is_left_alone(lighting: dict[str, Any]) -> None:
    assert not found(lit(CHROME_ON_A_TABLE, **lighting), "material-needs-other-light")


@pytest.mark.parametrize(
    "material", [{"preset": "velvet"}, {"preset": "oiled_skin"}, {"preset": "polished_chrome", "roughness": 0.9}]
)
def test_a_surface_that_mirrors_no_light_is_left_alone(material: dict[str, Any]) -> None:
    shot = lit(CHROME_ON_A_TABLE | {"materials": {"shell": material}}, lights=[SPOT])
    assert not found(shot, "material-needs-other-light")


def test_a_misspelt_preset_is_mended_and_an_unknown_one_only_told() -> None:
    near = CHROME_ON_A_TABLE | {"materials": {"shell": {"preset": "Polished chrome"}}}
    mended, _ = fix(near)
    assert mended["materials"]["shell"]["preset"] == "polished_chrome"
    far = CHROME_ON_A_TABLE | {"materials": {"shell": {"preset": "moon_dust"}}}
    (finding,) = found(far, "unknown-material")
    assert not finding.patch and "moon_dust" in finding.problem
    described = CHROME_ON_A_TABLE | {"materials": {"shell": {"preset": "moon_dust", "description": "gray dust"}}}
    assert not found(described, "unknown-material")


@pytest.mark.parametrize(("softbox_intensity", "told"), [(1.0, False), (0.0, True)])
def test_a_softbox_that_is_off_is_nothing_to_be_mirrored(softbox_intensity: float, told: bool) -> None:
    shot = {
        "studioflow": "1.0",
        "scene": {"subjects": [{"description": "a tap", "material": "chrome"}]},
        "materials": {"chrome": {"preset": "polished_chrome"}},
        "lighting": {
            "lights": [
                {"role": "key", "type": "spot", "distance_m": 2},
                {"role": "fill", "type": "octabox", "distance_m": 1, "intensity": softbox_intensity},
            ]
        },
    }
    assert ("material-needs-other-light" in {finding.rule for finding in lint(shot)}) is told
