"""The schema is a schema, its menus are the tables, and our validator agrees with the reference one."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.errors import ManifestError
from studioflow.families import families
from studioflow.manifest import validate
from studioflow.manifest.validate import schema
from studioflow.resources import shipped, table
from studioflow.studio.words import entries

SAMPLE = json.loads((shipped("samples") / "product_hero.json").read_text(encoding="utf-8"))
DEFS = schema()["$defs"]


def test_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", sorted(shipped("samples").glob("*.json")), ids=lambda path: path.stem)
def test_samples_are_valid_and_name_the_schema(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert (path.parent / document["$schema"]).resolve() == (shipped("schemas") / "manifest.schema.json").resolve()


@pytest.mark.parametrize(
    ("menu", "names"),
    [
        (DEFS["camera"]["properties"]["sensor"], entries("sensors")),
        (DEFS["camera"]["properties"]["lens"]["properties"]["preset"], entries("lenses")),
        (DEFS["light"]["properties"]["type"], entries("light_types")),
        (DEFS["lighting"]["properties"]["setup"], entries("setups")),
        (DEFS["lighting"]["properties"]["time_of_day"], table("studio/light_words.json")["time_of_day"]),
        (DEFS["render"]["properties"]["model"], families()),
    ],
    ids=["sensor", "lens", "light type", "setup", "time of day", "model"],
)
def test_menus_are_the_tables(menu: dict[str, Any], names: dict[str, Any]) -> None:
    assert menu["enum"] == list(names)


def test_setups_are_made_of_valid_lights() -> None:
    for setup in entries("setups"):
        validate({"studioflow": "1.0", "scene": {}, "lighting": {"lights": entries("setups")[setup]["lights"]}})


def test_every_field_is_explained() -> None:
    def walk(node: Any, path: str) -> None:
        for name, field in node.get("properties", {}).items():
            assert "description" in field or "$ref" in field, f"{path}/{name}"
            walk(field, f"{path}/{name}")

    for name, definition in DEFS.items():
        walk(definition, name)


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
    reference = list(jsonschema.Draft202012Validator(schema()).iter_errors(document))
    try:
        validate(document)
    except ManifestError as error:
        assert reference, f"refused what the reference accepts: {error}"
        assert "what the schema says" not in str(error), "a rule without words of its own"
    else:
        assert not reference, f"accepted what the reference refuses: {reference[0].message}"
