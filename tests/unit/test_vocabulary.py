"""Every phrase that numbers and names become stands in a data file, under the caption field that it feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from studioflow.caption import compile_manifest
from studioflow.caption.fields import flat
from studioflow.errors import StudioFlowError
from studioflow.manifest import load
from studioflow.resources import shipped, table
from studioflow.studio.words import entries, phrases

from .manifests import manifests

WORD_FILES = (
    "studio/camera_words",
    "studio/light_words",
    "studio/material_words",
    "studio/palette_words",
    "caption/scene_words",
)
DERIVED = {
    "lighting.conditions",
    "lighting.direction",
    "lighting.shadows",
    "photographic_characteristics.depth_of_field",
    "photographic_characteristics.focus",
    "photographic_characteristics.camera_angle",
    "photographic_characteristics.lens_focal_length",
    "aesthetics.composition",
    "aesthetics.color_scheme",
    "objects.location",
    "objects.orientation",
    "objects.texture",
    "objects.appearance_details",
    "objects.shape_and_color",
}


WRITTEN = {"objects.description"}
"""Fields whose words go into the manifest, where an artist may change them."""


def groups() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in WORD_FILES:
        for name, group in table(f"{file}.json").items():
            if isinstance(group, dict) and "feeds" in group:
                yield file, name, group


def words_of(group: dict[str, Any]) -> list[str]:
    """The phrases of a group, those in lists and objects too."""
    return [text for value in (group.get("bands"), group.get("phrases")) if value for text in texts(value)]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item["words"] if isinstance(item, dict) and "words" in item else item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)


def fillings() -> dict[str, list[str]]:
    """What stands in the holes of the phrases."""
    lenses = [words for _, name, group in groups() if name.startswith("lens") for words in words_of(group)]
    materials = entries("materials")
    return {
        "side": ["left", "right", "left and right"],
        "mm": [r"\d+"],
        "kind": lenses + [row["kind"] for row in entries("lenses").values() if "kind" in row],
        "type": [row["words"] for row in entries("light_types").values()],
        "role": list(phrases("studio/light_words", "roles").values()),
        "color": list(table("studio/color_names.json")["colors"]),
        "material": [row.get("base", name.replace("_", " ")) for name, row in materials.items()],
    }


def pattern(phrase: str, holes: dict[str, list[str]]) -> str:
    """A phrase as a pattern, with all that may stand in its holes."""
    parts = re.split(r"\{(\w+)\}", phrase)
    return "".join(either(holes[part]) if index % 2 else re.escape(part) for index, part in enumerate(parts))


def either(words: list[str]) -> str:
    escaped = [word if word == r"\d+" else re.escape(word) for word in words]
    return f"(?:{'|'.join(sorted(escaped, key=len, reverse=True))})"


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, re.Pattern[str]]:
    """For each derived caption field a pattern of its phrases, with commas or semicolons between them."""
    holes = fillings()
    known: dict[str, set[str]] = {field: set() for field in DERIVED | WRITTEN}
    for _, _, group in groups():
        for field in group["feeds"]:
            known[field] |= {words for words in words_of(group) if words}
    known["lighting.conditions"] |= {row["words"] for row in entries("setups").values()}
    known["aesthetics.color_scheme"] |= set(holes["color"])
    known["objects.shape_and_color"] |= set(holes["color"])
    for row in entries("materials").values():
        known["objects.texture"] |= {row["texture"]}
        known["objects.appearance_details"] |= {row["appearance"]}
    made = {}
    for field, some in known.items():
        one = "|".join(sorted((pattern(phrase, holes) for phrase in some), key=len, reverse=True)) or "(?!)"
        made[field] = re.compile(f"(?:{one})(?:[,;] (?:{one}))*")
    return made


def said(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The derived fields of a manifest that has no words of its own."""
    try:
        fields = flat(compile_manifest(manifest, "fibo-2").fields)
    except StudioFlowError:
        return
    for name, value in fields.items():
        if name in DERIVED:
            yield name, value
        if name == "objects":
            for item in value:
                yield from ((f"objects.{key}", text) for key, text in item.items() if f"objects.{key}" in DERIVED)


def wordless(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest with its numbers and names and none of the artist's own words."""
    scene = manifest.get("scene", {})
    materials = manifest.get("materials", {})
    known = {
        name: {key: value for key, value in row.items() if key != "description"}
        for name, row in materials.items()
        if row.get("preset") in entries("materials")
    }
    own = ("shape", "texture", "details", "location")
    subjects = [
        {key: value for key, value in subject.items() if key not in own and (key != "material" or value in known)}
        for subject in scene.get("subjects", [])
    ]
    kept = {key: value for key, value in scene.items() if key not in ("composition", "grade")}
    return {key: value for key, value in manifest.items() if key not in ("caption", "scene", "materials")} | {
        "materials": known,
        "scene": kept | {"subjects": subjects},
    }


def test_every_group_feeds_fields_that_there_are() -> None:
    for file, name, group in groups():
        assert group["feeds"] and set(group["feeds"]) <= DERIVED | WRITTEN, f"{file} {name}"
        assert ("bands" in group) != ("phrases" in group), f"{file} {name}"
        assert not group.get("bands") or "below" not in group["bands"][-1], f"{file} {name}"


def test_no_phrase_is_without_a_place() -> None:
    assert {field for _, _, group in groups() for field in group["feeds"]} >= DERIVED - {
        "objects.texture", "objects.appearance_details", "objects.shape_and_color",
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(shipped("samples").glob("*.json")), ids=lambda path: path.stem)
def test_samples_say_only_words_of_the_tables(path: Any, vocabulary: dict[str, re.Pattern[str]]) -> None:
    for field, text in said(wordless(load(path))):
        assert vocabulary[field].fullmatch(text), f"{field}: {text}"


@given(manifests())
@settings(max_examples=300, deadline=None)
def test_generated_manifests_say_only_words_of_the_tables(
    vocabulary: dict[str, re.Pattern[str]], manifest: dict[str, Any]
) -> None:
    for field, text in said(wordless(manifest)):
        assert vocabulary[field].fullmatch(text), f"{field}: {text}"


def test_a_phrase_of_nobody_is_noticed(vocabulary: dict[str, re.Pattern[str]]) -> None:
    assert not vocabulary["lighting.shadows"].fullmatch("soft shadows with gentle edges, falling upwards somehow")
    assert not vocabulary["photographic_characteristics.camera_angle"].fullmatch("eye-level and so on")
