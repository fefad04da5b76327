"""Bria's own instructions for a language model, read from the installed bria-vgl package without importing it.

Importing it brings litellm, which takes seconds; its prompts are text files (MIT licence) with a few places to fill.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..caption.fields import body
from ..errors import ModelError
from ..resources import table
from .caption_grammar import caption_grammar
from .guidance import style_guidance
from .requests import IN_ENGLISH, check_words

_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_STYLE = "style_preset_block"


class Instructions(NamedTuple):
    """What a chat model gets: how it must answer, and what is asked of it."""

    system: str
    prompt: str


def instructions(
    task: str, prompt: str = "", style: str = "", caption: dict[str, Any] | None = None, pictures: int = 1
) -> Instructions:
    """The instructions of a task (instructions.json lists them), as bria-vgl 0.10 renders them.

    ``prompt`` are the person's words, in any language; ``style`` is a key of styles.json; ``caption`` is the one to
    refine, or of the first picture of an edit; ``pictures`` says how many an edit has. After Bria's words stands that
    the caption must be in English. Raises StudioFlowError where a part is missing, does not belong to the task, or is
    unknown, and ModelError where bria-vgl is not installed or has other files.
    """
    check_words(task, prompt, style, caption)
    row = table("translate/instructions.json")["tasks"][task]
    if pictures > 1:
        row = row | row.get("several_pictures", {})
    places = {_STYLE: "", "llm_input_schema": _text(f"input_schema/{row['guide']}.txt")}
    if prompt.strip():
        places["user_prompt"] = prompt
    folder = row["prompts"]
    if caption is not None:
        places[row["caption_place"]] = json.dumps(as_bria(caption))
        folder = row.get("prompts_with_caption", folder)
    system = _text(f"prompts/{folder}/system_prompt.txt")
    asked = filled(_text(f"prompts/{folder}/final_prompt.txt"), places)
    return Instructions(f"{_styled(system, style, places)}\n\n{IN_ENGLISH}", asked)


def vgl_folder() -> Path:
    """Where bria-vgl is installed; ModelError with the command that installs it where it is not."""
    spec = None
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec("bria_vgl")
    if spec is None or not spec.origin:
        raise ModelError(
            "language models need bria-vgl, which is not installed",
            fix=f'run: "{sys.executable}" -m pip install "bria-vgl>=0.10"',
        )
    return Path(spec.origin).parent


def filled(template: str, places: Mapping[str, str]) -> str:
    """The template with the places that are known filled, once: braces in what they are filled with stay."""
    return _PLACE.sub(lambda place: places.get(place.group(1), place.group(0)), template)


def as_bria(caption: dict[str, Any]) -> dict[str, Any]:
    """The caption of the picture as bria-vgl writes it into a prompt: its fields in their order, no empty ones."""
    return _known(body(caption), caption_grammar(edit=True))


def _styled(system: str, style: str, places: Mapping[str, str]) -> str:
    """The system prompt with a style in its place, or after it where it has none; as bria-vgl composes it."""
    guidance = style_guidance(style)
    if not guidance:
        return filled(system, places)
    block = f"{_preamble()}\n\n{guidance}"
    if f"{{{_STYLE}}}" in system:
        return filled(system, {**places, _STYLE: f"{block}\n\n"})
    return f"{filled(system, places).rstrip()}\n\n{block}"


def _known(value: Any, rule: dict[str, Any]) -> Any:
    if isinstance(value, list) and "items" in rule:
        return [_known(entry, rule["items"]) for entry in value]
    if isinstance(value, dict) and "properties" in rule:
        kept = {key: _known(value[key], inner) for key, inner in rule["properties"].items() if key in value}
        return {key: item for key, item in kept.items() if item not in (None, "", [], {})}
    return value


@functools.cache
def _text(name: str) -> str:
    path = vgl_folder() / "dialects" / "thales" / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _other_files(path) from error


@functools.cache
def _preamble() -> str:
    """What bria-vgl says before a style; a constant in its code."""
    path = vgl_folder() / "prompting.py"
    try:
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "BLOCK_PREAMBLE":
                return str(ast.literal_eval(statement.value))
    except (OSError, ValueError, SyntaxError) as error:
        raise _other_files(path) from error
    raise _other_files(path)


def _other_files(path: Path) -> ModelError:
    from importlib.metadata import PackageNotFoundError, version

    installed = "bria-vgl"
    with suppress(PackageNotFoundError):
        installed = f"bria-vgl {version('bria-vgl')}"
    return ModelError(
        "this bria-vgl keeps its instructions elsewhere",
        where=str(path),
        found=f"{installed} without this file or the words in it",
        allowed="bria-vgl 0.10",
        fix=f'run: "{sys.executable}" -m pip install --force-reinstall "bria-vgl==0.10.*"',
    )
