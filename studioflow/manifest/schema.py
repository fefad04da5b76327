"""The JSON Schemas that ship, and what they say about one place of a document."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

from ..resources import shipped

MANIFEST, CAPTION = "manifest.schema.json", "caption.schema.json"

Rule = dict[str, Any]


@functools.cache
def schema(name: str = MANIFEST) -> Rule:
    """A JSON Schema that ships, draft 2020-12: the manifest's, or the caption's, to which it refers."""
    loaded: Rule = json.loads((shipped("schemas") / name).read_text(encoding="utf-8"))
    return loaded


def rule_at(path: Iterable[str | int]) -> Rule:
    """What the schemas say at a path of keywords as a validator reports it (``evaluation_path``)."""
    file, node = MANIFEST, schema()
    for part in path:
        if part == "$ref":
            file, node = _target(file, node["$ref"])
        else:
            node = node[part]
    return node


def rules_for(path: Iterable[str | int]) -> list[Rule]:
    """The rules for the value at a path of a document; several where the schema has alternatives, none where it
    knows no such place."""
    rules = _expanded(MANIFEST, schema())
    for part in path:
        rules = [below for file, rule in rules for below in _below(file, rule, part)]
    return [rule for _, rule in rules]


def _below(file: str, rule: Rule, part: str | int) -> list[tuple[str, Rule]]:
    if isinstance(part, int) or part == "-" or part.isdecimal():
        items = rule.get("items")
        if items is not None:
            return _expanded(file, items)
    inner = rule.get("properties", {}).get(part)
    if inner is None and isinstance(rule.get("additionalProperties"), dict):
        inner = rule["additionalProperties"]
    return _expanded(file, inner) if inner is not None else []


def _expanded(file: str, rule: Rule) -> list[tuple[str, Rule]]:
    """The rule itself, and what it refers to or leaves the choice of."""
    found = [(file, rule)]
    if "$ref" in rule:
        found += _expanded(*_target(file, rule["$ref"]))
    for choice in rule.get("oneOf", []):
        found += _expanded(file, choice)
    return found


def _target(file: str, reference: str) -> tuple[str, Rule]:
    other, _, inner = reference.partition("#")
    file = other or file
    return file, functools.reduce(lambda at, name: at[name], filter(None, inner.split("/")), schema(file))
