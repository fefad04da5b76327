"""Recipes: the workflows that ship, as ComfyUI's canvas saves them and as its queue takes them."""

from __future__ import annotations

import copy
import json
import logging
import os
import shutil
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
    try:
        target.mkdir(exist_ok=True)
        ours, theirs = _states(pack / "recipes"), _states(target)
        for name, (size, time_ns) in ours.items():
            if theirs.get(name) != (size, time_ns):
                shutil.copyfile(pack / "recipes" / name, target / name)
                # By its time the next start knows that it is up to date: reading them all takes longer.
                os.utime(target / name, ns=(time_ns, time_ns))
        for stale in theirs.keys() - ours.keys():
            (target / stale).unlink()
    except OSError as error:
        logging.warning("StudioFlow: its recipes do not show under Templates, %s cannot be written (%s)", target, error)


def _states(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of the recipes and thumbnails in a folder, by name."""
    with os.scandir(folder) as entries:
        files = [entry for entry in entries if entry.name.endswith((".json", ".jpg")) and entry.is_file()]
    return {file.name: (file.stat().st_size, file.stat().st_mtime_ns) for file in files}
