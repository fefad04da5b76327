"""The promise of the product, leaf by leaf: a change reaches the caption fields of its owner, and nothing else."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studioflow.caption import DIALECTS, compile_manifest
from studioflow.edit.field import set_field
from studioflow.edit.overlay import overlay
from studioflow.edit.patch import merge_patch
from studioflow.errors import ManifestError, StudioFlowError
from studioflow.manifest import schema, validate
from studioflow.manifest.schema import MANIFEST
from studioflow.resources import table

from .manifests import Rule, at, every_property, target

Path = tuple["str | int", ...]
Json = Any

OWNERS, REACHES = (
    {tuple(row.split(".")): set(fields) for row, fields in table("caption/owners.json")[relation].items()}
    for relation in ("owns", "reaches")
)
SILENT = [row.split(".") for row in table("caption/owners.json")["silent"]]
PHOTO = "photographic_characteristics"
NESTED = ("lighting", "aesthetics", PHOTO)
GONE = object()
"""Stands for a leaf that is left out."""


# ---------------------------------------------------------------- leaves and their values, from the schema


def resolved(place: str) -> tuple[str, Rule]:
    """The rule at a place of a schema with what it refers to; and where the latter stands."""
    rule = at(place)
    if "$ref" not in rule:
        return place, rule
    other, there = resolved(target(place, rule["$ref"]))
    return other, there | {key: value for key, value in rule.items() if key != "$ref"}


def leaves(place: str, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every leaf below a place as a path in a document, and the place of its rule.

    Lists of objects are followed into their first two items, objects with free keys into the key "steel", and a
    caption in a caption is followed once.
    """
    place, rule = resolved(place)
    if path.count("structured_caption") > 1:
        return
    if "oneOf" in rule:
        for index in range(len(rule["oneOf"])):
            # The file formats stand in a list, in this order, so that each has its own item.
            yield from leaves(f"{place}/oneOf/{index}", (*path[:-1], index))
    elif "properties" in rule:
        for name in rule["properties"]:
            yield from leaves(f"{place}/properties/{name}", (*path, name))
    elif isinstance(rule.get("additionalProperties"), dict):
        yield from leaves(f"{place}/additionalProperties", (*path, "steel"))
    elif "items" in rule and ("properties" in (item := resolved(f"{place}/items")[1]) or "oneOf" in item):
        for index in (0,) if "oneOf" in item else (0, 1):
            yield from leaves(f"{place}/items", (*path, index))
    else:
        yield path, place


_FITTING = {
    "^#[0-9A-Fa-f]{6}$": ["#123456", "#F4F1EC"],
    "^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$": ["3:4", "16:9"],
    "^[A-Za-z0-9._-]*$": ["", "_proof"],
}


@functools.cache
def values(place: str) -> list[Json]:
    """Valid values of a leaf: all of a menu, both ends and some between of a range, texts, examples."""
    rule = resolved(place)[1]
    found = [*rule.get("examples", ()), *([rule["default"]] if "default" in rule else [])]
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    found += [rule["const"]] if "const" in rule else rule.get("enum", [])
    found += [True, False] if "boolean" in kinds else []
    if "pattern" in rule:
        found += _FITTING[rule["pattern"]]
    elif "string" in kinds and not found[len(rule.get("examples", ())) :]:
        found += ["steel", "another text"]
    if {"number", "integer"} & set(kinds) and "enum" not in rule:
        low, high = rule.get("minimum", rule.get("exclusiveMinimum", -7)), rule.get("maximum", 7)
        step = rule.get("multipleOf", 1)
        found += [low if "exclusiveMinimum" not in rule else 0.01, high, *range(-90, 181, 45), 0.05, 0.2, 0.5, 3, 5600]
        allowed = [value for value in found if isinstance(value, (int, float)) and low <= value <= high]
        found = [
            value for value in allowed if "integer" not in kinds or (float(value).is_integer() and value % step == 0)
        ]
        found = [value for value in found if "exclusiveMinimum" not in rule or value > low]
    if "array" in kinds and "string" not in kinds:
        found += [[item] * rule.get("minItems", 1) for item in values(f"{place}/items")[:6]]
        found += [[0.3, 0.2, 4], [-3, 4, 0.5], [0, 5, 0.1], [-0.1, 0.6, -3]] if "_m" in place.rsplit("/", 1)[1] else []
        found = [value for value in found if rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", 99)]
    # No word depends on which shape stands in for a subject: a few of them show that.
    found = found[:4] if place.endswith("/stand_in") else found
    return [value for index, value in enumerate(found) if value not in found[:index]]


LEAVES = [leaf for leaf in leaves(f"{MANIFEST}#") if leaf[0] != ("studioflow",)]
SHOT = [(path, place) for path, place in LEAVES if path[0] != "caption"]
RAW = [(path, place) for path, place in LEAVES if path[0] == "caption"]


def having(document: Json, path: Path, value: Json) -> Json:
    """The document with another value for a leaf, what is missing on the way made; GONE leaves the leaf out, and the
    objects that are empty then. Shares with the old document what is unchanged."""
    if not path:
        return value
    key, below = path[0], [] if len(path) > 1 and isinstance(path[1], int) else {}
    if isinstance(key, int):
        items = [*document, *({} for _ in range(key + 1 - len(document)))]
        items[key] = having(items[key], path[1:], value)
        return items
    inner = having(document.get(key, below), path[1:], value)
    if inner is GONE or (value is GONE and inner == {}):
        return {name: item for name, item in document.items() if name != key}
    return document | {key: inner}


def has(document: Json, path: Path) -> bool:
    for key in path:
        if isinstance(document, list):
            if not isinstance(key, int) or key >= len(document):
                return False
        elif not isinstance(document, dict) or key not in document:
            return False
        document = document[key]
    return True


# ---------------------------------------------------------------- full manifests

# What excludes each other or hides each other's effect, so that each leaf counts in one of the bases at least.
WITHOUT: dict[str, list[Path]] = {
    "orbit": [("camera", "pose")],
    "pose": [("camera", "orbit")],
    "lens by name": [("camera", "lens", name) for name in ("focal_length_mm", "aperture", "focus_distance_m")],
    "lens in numbers": [("camera", "lens", "preset"), ("camera", "lens", "focus_distance_m")],
    "lens with focus": [],
    "lights": [],
    "setup": [("lighting", "lights")],
    "kelvin": [("lighting", "lights", index, "color") for index in (0, 1)],
    "colour": [("lighting", "lights", index, "color_temperature_k") for index in (0, 1)],
    "size": [("render", "aspect_ratio")],
    "ratio": [("render", "width"), ("render", "height")],
    "a person": [],
    "a thing": [
        ("scene", "subjects", 0, name)
        for name in ("pose", "expression", "clothing", "action", "gender", "skin_tone_and_texture")
    ],
    "all words": [],
    "few words": [
        *(("scene", "subjects", index, name) for index in (0, 1) for name in ("location", "color", "texture", "shape")),
        *(("lighting", name) for name in ("time_of_day", "environment", "ambient")),
        ("materials", "steel", "description"),
    ],
}
KINDS = (
    ("orbit", "pose"),
    ("lens by name", "lens in numbers", "lens with focus"),
    ("lights", "setup"),
    ("kelvin", "colour"),
    ("size", "ratio"),
    ("a person", "a thing"),
    ("all words", "few words"),
)


BASES = list(itertools.product(*KINDS))[::7]
"""Every seventh way to choose: each kind meets each other kind in one of them, which a test below holds."""

# Where the sample values of the schema would hide an effect (close to the edge between two words, or two equal lights)
# or only take time.
NEAR_THE_EDGES: dict[Path, Json] = {
    ("scene", "subjects", 0, "material"): "steel",
    ("scene", "subjects", 1, "material"): "steel",
    ("scene", "subjects", 0, "size_m"): [0.7, 0.45, 0.1],
    ("scene", "subjects", 0, "position_m"): [0.3, 0.1, -0.2],
    ("scene", "subjects", 1, "position_m"): [-0.1, 0, 0.4],
    ("camera", "orbit", "azimuth_deg"): 30,
    ("camera", "orbit", "elevation_deg"): 10,
    ("camera", "orbit", "distance_m"): 1.0,
    ("camera", "pose", "position_m"): [0.4, 0.5, 1.2],
    ("camera", "pose", "look_at_m"): [0, 0.1, 0],
    ("camera", "lens", "focal_length_mm"): 24,
    ("camera", "lens", "aperture"): 2.8,
    ("camera", "lens", "focus_distance_m"): 1.3,
    # Negatives are not what this compares; they take as long as all the rest.
    ("render", "negative_auto"): False,
    ("lighting", "frame"): "camera",
    ("lighting", "ambient"): 0.1,
    ("lighting", "lights", 0, "role"): "key",
    ("lighting", "lights", 0, "azimuth_deg"): -100,
    ("lighting", "lights", 0, "elevation_deg"): 30,
    ("lighting", "lights", 0, "intensity"): 1,
    ("lighting", "lights", 1, "role"): "fill",
    ("lighting", "lights", 1, "azimuth_deg"): 60,
    ("lighting", "lights", 1, "elevation_deg"): 10,
    ("lighting", "lights", 1, "intensity"): 0.3,
}


@functools.cache
def base(kinds: tuple[str, ...]) -> dict[str, Json]:
    """A manifest that has every leaf, but for those that these kinds leave out; without a raw caption."""
    made: dict[str, Json] = {"studioflow": "1.0"}
    for path, place in SHOT:
        made = having(made, path, NEAR_THE_EDGES.get(path, values(place)[0]))
    for path in (path for kind in kinds for path in WITHOUT[kind] if has(made, path)):
        made = having(made, path, GONE)
    return made


def test_every_kind_meets_every_other() -> None:
    wanted = {pair for one, other in itertools.combinations(KINDS, 2) for pair in itertools.product(one, other)}
    assert {pair for kinds in BASES for pair in itertools.combinations(kinds, 2)} == wanted


def test_the_bases_are_valid_and_have_every_leaf() -> None:
    there = set()
    for kinds in BASES:
        validate(base(kinds))
        there |= {path for path, _ in SHOT if has(base(kinds), path)}
    assert there == {path for path, _ in SHOT}


def test_no_leaf_of_the_schema_is_missed() -> None:
    ends = {place for place in every_property() if not leads_further(place)}
    assert {place for _, place in LEAVES} | {f"{MANIFEST}#/properties/studioflow"} == ends


def leads_further(place: str) -> bool:
    rule = resolved(place)[1]
    item = resolved(f"{resolved(place)[0]}/items")[1] if "items" in rule else {}
    return "properties" in rule | item or "oneOf" in item or isinstance(rule.get("additionalProperties"), dict)


# ---------------------------------------------------------------- one leaf of the shot


def fields_of(caption: dict[str, Json]) -> dict[str, str]:
    """The fields of a caption as owners.json names them, each as exact text."""
    flat: dict[str, str] = {}
    for key, value in caption.items():
        if key in NESTED and isinstance(value, dict):
            flat |= {f"{key}.{name}": json.dumps(inner) for name, inner in value.items()}
        else:
            flat[key] = json.dumps(value)
    return flat


def written(manifest: dict[str, Json]) -> dict[str, str]:
    """What both dialects write of a manifest, field by field; nothing where no camera can take the picture."""
    found: dict[str, str] = {}
    for dialect in DIALECTS:
        try:
            caption = json.loads(compile_manifest(manifest, dialect).caption)
        except StudioFlowError as error:
            assert "the point it looks at" in str(error) or "closer than its focal length" in str(error)
            return {}
        inner = caption.get("structured_caption", caption)
        found |= {f"{dialect} {name}": text for name, text in fields_of(inner).items()}
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    both = before.keys() | after.keys()
    return {name.split(" ")[1] for name in both if before.get(name) != after.get(name)}


def rows_of(path: Path, relation: dict[tuple[str, ...], set[str]] = OWNERS) -> list[tuple[str, ...]]:
    """The rows of owners.json that a leaf stands in; none for a silent one."""
    if any(len(row) == len(path) and all(a in ("*", str(b)) for a, b in zip(row, path, strict=True)) for row in SILENT):
        return []
    return [row for row in relation if row == tuple(map(str, path[: len(row)]))]


def variants(
    before: dict[str, Json], leaves: list[tuple[Path, str]], turn: int
) -> Iterator[tuple[Path, dict[str, Json]]]:
    """The manifest with one leaf changed, added or left out, for every one of these and every other valid value.

    Odd and even turns take the values between them, so that over several manifests every value has its turn.
    """
    for path, place in leaves:
        for value in (*values(place), GONE)[turn % 2 :: 2]:
            after = having(before, path, value) if value is not GONE or has(before, path) else before
            if after != before and is_valid(after):
                yield path, after


def is_valid(manifest: dict[str, Json]) -> bool:
    try:
        validate(manifest)
    except ManifestError:
        return False
    return True


def shots() -> Iterator[tuple[dict[str, Json], list[tuple[Path, str]]]]:
    """Full manifests with the leaves to change in them.

    All that may decide something, and in some of them the rest too; with lights that stay in the world, the camera's;
    and with a camera straight above, where a roll turns the scene, those that turn it.
    """
    deciding = {row[0] for row in (*OWNERS, *REACHES)}
    for index, kinds in enumerate(BASES):
        yield base(kinds), [leaf for leaf in SHOT if leaf[0][0] in deciding or index % 7 == 0]
        still = having(base(kinds), ("lighting", "frame"), "world")
        yield still, [leaf for leaf in SHOT if leaf[0][0] == "camera"]
        yield straight_above(still), [leaf for leaf in SHOT if leaf[0][-1] in ("elevation_deg", "roll_deg")]


def straight_above(shot: dict[str, Json]) -> dict[str, Json]:
    """The shot seen from straight above, in whichever way its camera is placed."""
    if "pose" in shot["camera"]:
        return having(shot, ("camera", "pose"), {"position_m": [0, 1.5, 0], "look_at_m": [0, 0.1, 0], "roll_deg": 40})
    return having(having(shot, ("camera", "orbit", "elevation_deg"), 90), ("camera", "orbit", "roll_deg"), 40)


def test_a_leaf_changes_only_what_it_owns_or_reaches() -> None:
    owns, reaches = set(), set()
    tried: set[Path] = set()
    for turn, (shot, leaves_of_it) in enumerate(shots()):
        before = written(shot)
        for path, manifest in variants(shot, leaves_of_it, turn // 3):
            tried.add(path)
            found = changed(before, written(manifest) or before)
            owned = {(row, field) for row in rows_of(path) for field in found & OWNERS[row]}
            reached = {(row, field) for row in rows_of(path, REACHES) for field in found & REACHES[row]}
            unknown = found - {field for _, field in owned | reached}
            assert not unknown, f"{path} changes {unknown}"
            owns, reaches = owns | owned, reaches | reached
    assert tried >= {path for path, place in SHOT if len(values(place)) > 1}
    # An owner of what it never changes would take somebody's own words away for nothing.
    assert owns == {(row, field) for row, fields in OWNERS.items() for field in fields}
    assert reaches == {(row, field) for row, fields in REACHES.items() for field in fields}


def test_camera_and_lighting_own_their_own_sections_and_nobody_else_does() -> None:
    for row, fields in OWNERS.items():
        home = {"camera": PHOTO, "lighting": "lighting"}.get(row[0])
        sections = {field.split(".")[0] for field in fields}
        assert sections == {home} if home else sections.isdisjoint({PHOTO, "lighting"}), row


def test_a_part_owns_or_reaches_a_field_and_never_both() -> None:
    for row, fields in REACHES.items():
        assert fields.isdisjoint(OWNERS.get(row, set())), row


# ---------------------------------------------------------------- one leaf of a raw caption


def raw_caption() -> dict[str, Json]:
    """A caption that gives every field."""
    made: dict[str, Json] = {}
    for path, _ in RAW:
        if "structured_caption" not in path and path[1] != "edit_instruction":
            made = having(made, path[1:], f"mine: {path[-1]}" if path[-1] != "number_of_objects" else 4)
    return made | {"my_key": {"kept": [True]}}


def field_of(path: Path) -> str:
    """The field that a leaf of a raw caption belongs to."""
    return f"{path[0]}.{path[1]}" if path[0] in NESTED else str(path[0])


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in an edit caption"])
def test_a_leaf_of_a_raw_caption_changes_only_its_own_field(wrapped: bool) -> None:
    scores = {"aesthetics.aesthetic_score", "aesthetics.preference_score"}
    raw = {"structured_caption": raw_caption(), "edit_instruction": "x"} if wrapped else raw_caption()
    for derived in ({"studioflow": "1.0"}, base(BASES[0])):
        before, seen = derived | {"caption": raw}, set()
        reads = written(before)
        for path, place in (leaf for leaf in RAW if has(raw, leaf[0][1:]) and leaf[0][-1] != "edit_instruction"):
            field = field_of(path[2:] if wrapped else path[1:])
            for value in (*values(place), None, GONE):
                after = before | {"caption": having(raw, path[1:], value)}
                validate(after)
                found = changed(reads, written(after))
                assert found <= {field} - scores, f"{path} = {value} changes {found}"
                seen |= found
        assert seen == fields_of(raw_caption()).keys() - scores - {"my_key"}


# ---------------------------------------------------------------- setting a section over a raw caption


def homes(caption: dict[str, Json], nested: str) -> dict[str, Json]:
    """The caption with its photographic fields and its style where some edit captions have them: inside aesthetics."""
    if nested == "no":
        return caption
    style = ("style_medium", "artistic_style")
    moved = {key: caption[key] for key in style} | (caption[PHOTO] if nested == "flat" else {PHOTO: caption[PHOTO]})
    rest = {key: value for key, value in caption.items() if key not in (*style, PHOTO)}
    return rest | {"aesthetics": rest["aesthetics"] | moved}


def cleared(caption: dict[str, Json], fields: set[str]) -> dict[str, Json]:
    """What must be left of a caption of which these fields gave way."""
    rest: dict[str, Json] = {}
    for key, value in caption.items():
        if key in fields:
            continue
        if key not in NESTED:
            rest[key] = value
            continue
        inner: dict[str, Json] = {}
        for name, item in value.items():
            if name == PHOTO:
                item = {other: text for other, text in item.items() if f"{PHOTO}.{other}" not in fields}
            if f"{key}.{name}" in fields or item == {} or (key == "aesthetics" and {name, f"{PHOTO}.{name}"} & fields):
                continue
            inner[name] = item
        if inner:
            rest[key] = inner
    return rest


def by_set_field(manifest: dict[str, Json], section: str, value: Json) -> dict[str, Json]:
    return set_field(manifest, section, value)


def by_overlay(manifest: dict[str, Json], section: str, value: Json) -> dict[str, Json]:
    return overlay(manifest, {"studioflow": "1.0", section: value})


def by_merge_patch(manifest: dict[str, Json], section: str, value: Json) -> dict[str, Json]:
    return merge_patch(manifest, {section: value}, last_writer_wins=True)


Writer = Callable[[dict[str, Json], str, Json], dict[str, Json]]
SECTIONS = [name for name in schema()["properties"] if name not in ("$schema", "studioflow", "caption")]
AROUND: list[dict[str, Json]] = [{}, {"scene": {"subjects": [{"description": "a cup", "material": "steel"}]}}]
"""What the manifest has beside its caption: nothing, or a subject whose words its materials decide."""


def given_way(manifest: dict[str, Json], paths: list[Path]) -> set[str]:
    """The fields that these leaves own and that the manifest derives: what it says where its caption says nothing."""
    derived = fields_of(compile_manifest(manifest | {"caption": {}}, "fibo-2").fields)
    return {field for path in paths for row in rows_of(path) for field in OWNERS[row]} & derived.keys()


def shot_leaves(value: Json, path: Path) -> list[Path]:
    if not isinstance(value, dict):
        return [path]
    return [leaf for key, item in value.items() for leaf in shot_leaves(item, (*path, key))]


def raw_in(home: str, nested: str) -> tuple[dict[str, Json], Callable[[dict[str, Json]], dict[str, Json]]]:
    """A raw caption of every field in one of its homes, and what takes the picture out of it."""
    caption = homes(raw_caption(), nested)
    if home == "plain":
        return caption, lambda raw: raw
    return {"structured_caption": caption, "edit_instruction": "Make it blue."}, lambda raw: raw["structured_caption"]


HOMES = list(itertools.product(("plain", "wrapped"), ("no", "flat", "whole")))


@pytest.mark.parametrize("writer", [by_set_field, by_overlay, by_merge_patch])
@pytest.mark.parametrize(("home", "nested"), HOMES, ids=["-".join(pair) for pair in HOMES])
@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_clears_the_fields_it_owns(section: str, home: str, nested: str, writer: Writer) -> None:
    raw, picture = raw_in(home, nested)
    for kinds, around in itertools.product(BASES, AROUND):
        value = base(kinds)[section]
        before = {"studioflow": "1.0", **around, "caption": raw}
        after = writer(before, section, value)
        gone = given_way(after, shot_leaves(after[section] if writer is by_set_field else value, (section,)))
        assert exact(picture(after["caption"])) == exact(cleared(picture(raw), gone))
        if home == "wrapped":
            assert list(after["caption"]) == list(raw)
            assert after["caption"]["edit_instruction"] == raw["edit_instruction"]
        assert exact({key: after[key] for key in around if key != section}) == exact(
            {key: value for key, value in around.items() if key != section}
        )


def exact(value: Json) -> str:
    return json.dumps(value)


@pytest.mark.parametrize(("home", "nested"), HOMES, ids=["-".join(pair) for pair in HOMES])
def test_a_leaf_clears_the_fields_it_owns(home: str, nested: str) -> None:
    raw, picture = raw_in(home, nested)
    cleared_by: set[tuple[tuple[str, ...], str]] = set()
    for kinds in BASES:
        shot = base(kinds)
        for path, place in SHOT:
            if path[0] == "$schema" or not has(shot, path) or any(isinstance(part, int) for part in path):
                continue
            before = {**shot, "caption": raw}
            after = set_field(before, "/" + "/".join(map(str, path)), values(place)[-1])
            gone = given_way(after, [path])
            assert exact(picture(after["caption"])) == exact(cleared(picture(raw), gone)), path
            cleared_by |= {(row, field) for row in rows_of(path) for field in gone & OWNERS[row]}
    assert cleared_by >= {(row, field) for row, fields in OWNERS.items() for field in fields if row not in LISTED}


LISTED = (("scene", "subjects"), ("scene", "text"), ("lighting", "lights"))
