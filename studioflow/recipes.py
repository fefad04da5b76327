"""Recipes: the workflows that ship, as ComfyUI's canvas saves them and as its queue takes them."""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import RecipeError, did_you_mean
from .resources import shipped

_TEMPLATES = "example_workflows"
"""The folder that ComfyUI's Templates browser looks for in a pack."""


@dataclass(frozen=True)
class Recipe:
    """One recipe in both forms: ``workflow`` for the canvas, ``prompt`` for the queue; their node ids agree."""

    name: str
    workflow: dict[str, Any]
    prompt: dict[str, Any]

    @property
    def node_classes(self) -> set[str]:
        """The class of every node it is made of."""
        return {node["class_type"] for node in self.prompt.values()}

    def with_widget(self, class_type: str, widget: str, value: Any) -> Recipe:
        """The recipe with one widget of its one node of that class set, in both forms."""
        nodes = [key for key, node in self.prompt.items() if node["class_type"] == class_type]
        if len(nodes) != 1 or widget not in self.prompt[nodes[0]]["inputs"]:
            raise RecipeError(
                f"the recipe cannot be told its {widget}",
                where=self.name,
                found=f"{len(nodes)} nodes of class {class_type}",
                allowed=f"one, with a widget {widget}",
                fix="choose a recipe that has one, or submit the workflow yourself",
            )
        changed = copy.deepcopy(self)
        changed.prompt[nodes[0]]["inputs"][widget] = value
        for node in changed.workflow["nodes"]:
            if str(node["id"]) == nodes[0]:
                widgets = [entry["widget"]["name"] for entry in node["inputs"] if "widget" in entry]
                node["widgets_values"][widgets.index(widget)] = value
        return changed


def recipe_names() -> list[str]:
    """The names of all recipes that ship."""
    return sorted(path.stem for path in shipped("recipes").glob("*.json"))


def recipe(name: str) -> Recipe:
    """The recipe of that name; RecipeError with a suggestion where there is none."""
    known = recipe_names()
    if name not in known:
        raise RecipeError("no such recipe", found=f'"{name}"', allowed=", ".join(known), fix=did_you_mean(name, known))
    folder = shipped("recipes")
    workflow = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    prompt = json.loads((folder / "api" / f"{name}.json").read_text(encoding="utf-8"))
    return Recipe(name=name, workflow=workflow, prompt=prompt)


def publish(pack: Path) -> None:
    """Copies the recipes to where ComfyUI's Templates browser finds them; a read-only pack is only a warning.

    Leaves what is up to date alone and takes away what no longer ships.
    """
    target = pack / _TEMPLATES
    files = {path.name: path for path in (pack / "recipes").iterdir() if path.suffix in (".json", ".jpg")}
    try:
        target.mkdir(exist_ok=True)
        for name, source in files.items():
            if not _same(source, target / name):
                (target / name).write_bytes(source.read_bytes())
        for stale in target.iterdir():
            if stale.name not in files and stale.suffix in (".json", ".jpg"):
                stale.unlink()
    except OSError as error:
        logging.warning("StudioFlow: its recipes do not show under Templates, %s cannot be written (%s)", target, error)


def _same(source: Path, copy_: Path) -> bool:
    if not copy_.is_file() or copy_.stat().st_size != source.stat().st_size:
        return False
    return copy_.read_bytes() == source.read_bytes()
