"""What a local model is told: Bria's instructions, or the short form that a model was trained on."""

from __future__ import annotations

import json
from typing import Any

from ..resources import table
from .guidance import style_guidance
from .instructions import Instructions, as_bria, filled, instructions
from .requests import Ask


def local_instructions(name: str, request: Ask) -> Instructions:
    """The request in the words that the model of that name was trained on; ``system`` is empty where it has none."""
    form = _own_form(name, request.task)
    if form is None:
        return instructions(request.task, request.prompt, request.style, request.caption, len(request.pictures))
    words = [request.prompt.strip(), style_guidance(request.style)]
    places = {"prompt": "\n\n".join(filter(None, words))}
    if request.caption is not None:
        places["caption"] = json.dumps(as_bria(request.caption), separators=(",", ":"), ensure_ascii=False)
    return Instructions("", filled(form, places))


def _own_form(name: str, task: str) -> str | None:
    models: dict[str, Any] = table("translate/local_prompts.json")
    for key, row in models.items():
        if not key.startswith("_") and any(part in name.casefold() for part in row["names"]):
            form: str | None = row["tasks"].get(task)
            return form
    return None
