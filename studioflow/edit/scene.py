"""A scene from short lines of text, as the widgets of a node give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import EditError, did_you_mean
from ..manifest import rules_for
from .field import put, value_from_text
from .written import begun, finished

_SCENE_TEXTS = ("description", "background", "mood", "composition", "context")


def set_scene(
    manifest: dict[str, Any] | None,
    *,
    subjects: str = "",
    text: str = "",
    palette: str = "",
    medium: str = "",
    artistic: str = "",
    source: str = "manifest",
    **texts: str,
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with what these texts say about its scene; empty ones say nothing.

    ``texts`` are description, background, mood, composition and context. A line of ``subjects`` is one subject: its
    description, then other fields after semicolons, ``hand grinder; material: brushed steel; color: #A7A9AC``. A line
    of ``text`` is one text that must be readable, written the same way. ``palette`` holds sRGB hex colours. Raises
    EditError naming the line.
    """
    values: dict[tuple[str, ...], Any] = {("scene", name): texts.get(name, "").strip() for name in _SCENE_TEXTS}
    values[("scene", "style", "medium")] = medium.strip()
    values[("scene", "style", "artistic")] = artistic.strip()
    values[("scene", "palette")] = palette.replace(",", " ").split()
    values[("scene", "subjects")] = _items(subjects, "subjects", "description")
    values[("scene", "text")] = _items(text, "text", "text")
    result = begun(manifest)
    written = [path for path, value in values.items() if value]
    for path in written:
        result = put(result, path, values[path])
    return finished(result, written, source)


def _items(lines: str, section: str, first: str) -> list[dict[str, Any]]:
    known = list(_properties(section))
    return [
        _item(line, section, first, known, f"{section}, line {number}")
        for number, line in enumerate(lines.splitlines(), 1)
        if line.strip()
    ]


def _item(line: str, section: str, first: str, known: list[str], where: str) -> dict[str, Any]:
    begin, *fields = line.split(";")
    item: dict[str, Any] = {first: begin.strip()}
    if not item[first]:
        raise EditError(
            f"the {first} is missing",
            where=where,
            found=f'"{line.strip()[:80]}"',
            allowed=f"the {first}, then other fields after semicolons",
            fix="write for example NORDLICHT; color: black"
            if first == "text"
            else "write for example espresso cup; material: stoneware",
        )
    for field in filter(str.strip, fields):
        name, colon, value = (part.strip() for part in field.partition(":"))
        name = name[:40].replace(" ", "_").casefold()
        if not colon or not value or name not in known or name == first:
            raise EditError(
                "no such field",
                where=where,
                found=f'"{field.strip()[:80]}"',
                allowed=", ".join(f"{key}: …" for key in known if key != first),
                fix=did_you_mean(name or field.strip()[:40], known) or "separate the fields with semicolons",
            )
        item[name] = value_from_text(f"scene.{section}[0].{name}", value)
    return item


def _properties(section: str) -> Mapping[str, Any]:
    (rule,) = [rule for rule in rules_for(("scene", section, 0)) if "properties" in rule]
    properties: Mapping[str, Any] = rule["properties"]
    return properties
