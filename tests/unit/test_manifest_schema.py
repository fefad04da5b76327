"""The schema is a schema, its menus are the tables, and our validator agrees with the reference one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st
from referencing.jsonschema import DRAFT202012

from studioflow.errors import ManifestError
from studioflow.families import families
from studioflow.manifest import schema, validate
from studioflow.manifest.schema import CAPTION
from studioflow.resources import shipped
from studioflow.studio.words import entries, phrases

SAMPLE = json.loads((shipped("samples") / "product_hero.json").read_text(encoding="utf-8"))
DEFS = schema()["$defs"]
CAPTIONS = referencing.Registry().with_resource(CAPTION, DRAFT202012.create_resource(schema(CAPTION)))
REFERENCE = jsonschema.Draft202012Validator(schema(), registry=CAPTIONS)


@pytest.mark.parametrize("name", ["manifest.schema.json", "caption.schema.json"])
def test_is_a_valid_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("path", sorted(shipped("samples").glob("*.json")), ids=lambda path: path.stem)
def test_samples_are_valid_and_name_the_schema(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    REFERENCE.validate(document)
    assert (path.parent / document["$schema"]).resolve() == (shipped("schemas") / "manifest.schema.json").resolve()


@pytest.mark.parametrize(
    ("menu", "names"),
    [
        (DEFS["camera"]["properties"]["sensor"], entries("sensors")),
        (DEFS["camera"]["properties"]["lens"]["properties"]["preset"], entries("lenses")),
        (DEFS["light"]["properties"]["type"], entries("light_types")),
        (DEFS["lighting"]["properties"]["setup"], entries("setups")),
        (DEFS["lighting"]["properties"]["time_of_day"], phrases("studio/light_words", "time_of_day")),
        (DEFS["render"]["properties"]["model"], families()),
    ],
    ids=["sensor", "lens", "light type", "setup", "time of day", "model"],
)
def test_menus_are_the_tables(menu: dict[str, Any], names: dict[str, Any]) -> None:
    assert menu["enum"] == list(names)


def test_setups_are_made_of_valid_lights() -> None:
    for setup in entries("setups"):
        validate({"studioflow": "1.0", "scene": {}, "lighting": {"lights": entries("setups")[setup]["lights"]}})


def fields(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field that a schema names, with where it stands."""
    for name, field in node.get("properties", {}).items():
        yield f"{path}/{name}", field
        yield from fields(field, f"{path}/{name}")
    for below in [*([node["items"]] if "items" in node else []), *node.get("oneOf", [])]:
        yield from fields(below, f"{path}/*")


EVERY_FIELD = [
    found
    for name in ("manifest.schema.json", "caption.schema.json")
    for root, node in [(name, schema(name)), *((f"{name}/{key}", item) for key, item in schema(name)["$defs"].items())]
    for found in fields(node, root)
]


def test_every_field_is_explained() -> None:
    # Editors show the title and the description, and offer the examples when a person begins to type.
    silent = [
        f"{path}: {word}"
        for path, field in EVERY_FIELD
        for word in ("title", "description", "examples")
        if word not in field
    ]
    assert not silent
    for path, field in EVERY_FIELD:
        assert field["description"].endswith("."), path


def test_units_stand_in_the_names_and_titles() -> None:
    units = {"mm": "(mm)", "m": "(m)", "deg": "(degrees)", "k": "(kelvin)", "ev": "(stops)"}
    for path, field in EVERY_FIELD:
        unit = units.get(path.rsplit("_", 1)[-1]) if "_" in path.rsplit("/", 1)[-1] else None
        if unit:
            assert field["title"].endswith(unit), path


def test_examples_and_defaults_are_valid_themselves() -> None:
    for path, field in EVERY_FIELD:
        root = schema(CAPTION) if path.startswith(CAPTION) else schema()
        # The field's own rule, with the definitions that it may refer to.
        rule = {**field, "$defs": root["$defs"]}
        for value in [*field["examples"], *([field["default"]] if "default" in field else [])]:
            jsonschema.Draft202012Validator(rule, registry=CAPTIONS).validate(value)


def leaves(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    below = [found for key, value in items for found in leaves(value, (*path, key))]
    return [path, *below]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(leaves(SAMPLE)[1:]), value=JSON, rename=st.booleans())
def test_agrees_with_the_reference_validator(path: tuple[Any, ...], value: Any, rename: bool) -> None:
    document = copy.deepcopy(SAMPLE)
    node: Any = document
    for key in path[:-1]:
        node = node[key]
    if rename and isinstance(node, dict):
        node[f"{path[-1]}x"] = node.pop(path[-1])
    else:
        node[path[-1]] = value
    if document.get("studioflow") != "1.0" and "studioflow" in document:
        return  # versions have their own tests: the schema is that of 1.0, and newer minor ones are let through
    reference = list(REFERENCE.iter_errors(document))
    try:
        validate(document)
    except ManifestError as error:
        assert reference, f"refused what the reference accepts: {error}"
        assert "what the schema says" not in str(error), "a rule without words of its own"
    else:
        assert not reference, f"accepted what the reference refuses: {reference[0].message}"
