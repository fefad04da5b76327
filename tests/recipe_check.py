"""A recipe held against the definitions of its nodes, as /object_info gives them: what ComfyUI would complain of.

For recipes whose nodes or models the ComfyUI of the tests lacks: there the definitions are recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studioflow.recipes import Recipe

RECORDED = Path(__file__).parent / "data" / "comfyui"
FRONTEND_ONLY = {"MarkdownNote", "Note", "Reroute"}
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
OF_THE_FRONTEND = {"control_after_generate": "control_after_generate", "image_upload": "upload"}
"""Widgets that the frontend puts behind an input with such an option; the queue never sees them."""

Definitions = dict[str, dict[str, Any]]


def recorded(which: str = "fibo2") -> Definitions:
    """The nodes that the FIBO 2 recipes need of ComfyUI 0.43 or newer, or those of the recipe for ControlNets."""
    nodes = json.loads((RECORDED / f"{which}_nodes.json").read_text(encoding="utf-8"))
    return {name: node for name, node in nodes.items() if name != "_source"}


def faults(recipe: Recipe, definitions: Definitions) -> list[str]:
    """Everything that is wrong with either form of the recipe, or between them; StudioFlow's nodes are checked only
    where ``definitions`` has them."""
    return [*_of_the_prompt(recipe.prompt, definitions), *_of_the_canvas(recipe, definitions)]


def _inputs(definition: dict[str, Any]) -> Iterator[tuple[str, str, Any, dict[str, Any], bool]]:
    """Name, type, options of a combo, other properties and whether it is required, of each input; autogrow unfolded."""
    for group in ("required", "optional"):
        for name in definition["input_order"].get(group, []):
            kind, *rest = definition["input"][group][name]
            properties = rest[0] if rest else {}
            if kind == "COMFY_AUTOGROW_V3":
                template = properties["template"]
                ((grown, *_),) = template["input"]["required"].values()
                for number, each in enumerate(template["names"]):
                    yield f"{name}.{each}", grown, None, {}, group == "required" and number < template["min"]
            elif isinstance(kind, list):
                yield name, "COMBO", kind, properties, group == "required"
            else:
                yield name, kind, properties.get("options"), properties, group == "required"


def _of_the_prompt(prompt: dict[str, Any], definitions: Definitions) -> Iterator[str]:
    for key, node in prompt.items():
        where = f"{key} {node['class_type']}"
        if node["class_type"] not in definitions:
            if not node["class_type"].startswith("StudioFlow"):
                yield f"{where}: no such node"
            continue
        known = {name: rest for name, *rest in _inputs(definitions[node["class_type"]])}
        yield from (f"{where}: no input {name}" for name in node["inputs"].keys() - known.keys())
        for name, (kind, options, properties, required) in known.items():
            if name not in node["inputs"]:
                if required:
                    yield f"{where}: {name} is missing"
                continue
            value = node["inputs"][name]
            fault = (
                _of_a_link(value, kind, prompt, definitions)
                if isinstance(value, list)
                else _of_a_value(value, kind, options, properties)
            )
            if fault:
                yield f"{where}: {name} {fault}"


def _of_a_link(link: list[Any], kind: str, prompt: dict[str, Any], definitions: Definitions) -> str | None:
    source, slot = link
    if source not in prompt:
        return f"comes from node {source}, which is not there"
    definition = definitions.get(prompt[source]["class_type"])
    if definition is None:
        return None
    if not 0 <= slot < len(definition["output"]):
        return f"comes from output {slot}, which is not there"
    if definition["output"][slot] != kind:
        return f"takes {kind} and gets {definition['output'][slot]}"
    return None


def _of_a_value(value: Any, kind: str, options: Any, properties: dict[str, Any]) -> str | None:
    if kind not in WIDGETS:
        return f"takes a link of {kind}"
    if options is not None:
        return None if value in options else f"has no option {value!r}"
    types = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}[kind]
    if not isinstance(value, types) or isinstance(value, bool) != (kind == "BOOLEAN"):
        return f"takes {kind} and gets {value!r}"
    if kind in ("INT", "FLOAT") and not properties["min"] <= value <= properties["max"]:
        return f"is out of range: {value}"
    return None


def _of_the_canvas(recipe: Recipe, definitions: Definitions) -> Iterator[str]:
    nodes = {str(node["id"]): node for node in recipe.workflow["nodes"] if node["type"] not in FRONTEND_ONLY}
    if {key: node["type"] for key, node in nodes.items()} != {k: n["class_type"] for k, n in recipe.prompt.items()}:
        yield "the two forms have different nodes"
        return
    links = {link: [str(source), slot] for link, source, slot, *_ in recipe.workflow["links"]}
    for key, node in nodes.items():
        where = f"{key} {node['type']} on the canvas"
        given = recipe.prompt[key]["inputs"]
        drawn = {entry["name"]: links.get(entry["link"]) for entry in node["inputs"] if entry["link"] is not None}
        if drawn != {name: value for name, value in given.items() if isinstance(value, list)}:
            yield f"{where}: links differ from the prompt's"
        if node["type"] not in definitions:
            continue
        expected = list(_widgets(definitions[node["type"]]))
        values = node.get("widgets_values") or []
        if len(values) != len(expected):
            yield f"{where}: {len(values)} widgets instead of {len(expected)}"
            continue
        for name, value in zip(expected, values, strict=True):
            if name in given and not isinstance(given[name], list) and given[name] != value:
                yield f"{where}: {name} is {value!r}, in the prompt {given[name]!r}"


def _widgets(definition: dict[str, Any]) -> Iterator[str]:
    """The widgets in the order in which a workflow keeps their values."""
    for name, kind, _, properties, _ in _inputs(definition):
        if kind in WIDGETS and not properties.get("forceInput"):
            yield name
            yield from (widget for option, widget in OF_THE_FRONTEND.items() if properties.get(option))
