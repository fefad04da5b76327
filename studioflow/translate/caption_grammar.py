"""The JSON Schema that a local model writes by: the caption's own schema, narrowed until every answer is usable."""

from __future__ import annotations

from typing import Any

from ..errors import require_between
from ..manifest.schema import CAPTION, Rule, schema
from ..resources import table

MOST_OBJECTS = 50


def caption_grammar(edit: bool = False, max_objects: int = 5) -> Rule:
    """A JSON Schema (draft 2020-12) whose documents are captions that need no mending.

    What it allows, schemas/caption.schema.json allows too: its fields in their order, each of one type, none empty,
    none of endless length, and no other keys. Optional fields stand last in their object, so that an answer can be
    closed at any place without choosing among keys. With ``edit``, an ``edit_instruction`` ends it. ``max_objects``
    is 1 to 50; FIBO 1.x was trained with at most five.
    """
    require_between("max_objects", max_objects, 1, MOST_OBJECTS)
    rules = table("translate/caption_grammar.json")
    skipped = set(rules["left_out"]) | (set() if edit else set(rules["only_edits"]))
    return _narrowed(schema(CAPTION), "", {"objects": max_objects} | rules["items"], skipped)


def _narrowed(rule: Rule, name: str, items: dict[str, int], skipped: set[str]) -> dict[str, Any]:
    rules = table("translate/caption_grammar.json")
    rule = _followed(rule)
    if name in rules["numbers"]:
        least, most = rules["numbers"][name]
        return {"type": "integer", "minimum": least, "maximum": most}
    if name in items:
        return {"type": "array", "items": _narrowed(rule["items"], name, {}, skipped), "maxItems": items[name]}
    if "properties" in rule:
        names = {key: f"{name}.{key}" if name else key for key in rule["properties"]}
        kept = {key: place for key, place in names.items() if place not in skipped}
        return {
            "type": "object",
            "properties": {
                key: _narrowed(rule["properties"][key], place, items, skipped) for key, place in kept.items()
            },
            "required": [key for key, place in kept.items() if place not in rules["optional"]],
            "additionalProperties": False,
        }
    lengths = rules["max_length"]
    return {"type": "string", "minLength": 1, "maxLength": lengths.get(name, lengths["default"])}


def _followed(rule: Rule) -> Rule:
    """The rule that a reference within the caption's schema leads to, or the rule itself."""
    while "$ref" in rule:
        rule = schema(CAPTION)["$defs"][rule["$ref"].rpartition("/")[2]]
    return rule
