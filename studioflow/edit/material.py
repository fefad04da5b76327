"""Giving a subject a material."""

from __future__ import annotations

from typing import Any

from ..caption import body
from ..errors import EditError
from ..studio.materials import material_preset
from ..studio.words import phrases
from .field import put
from .path import Path
from .written import begun, finished, value_at

_NUMBERS = ("roughness", "metallic", "transmission", "ior")


def set_material(
    manifest: dict[str, Any] | None,
    preset: str,
    *,
    subject: int = 1,
    description: str = "",
    color: str = "",
    roughness: float | None = None,
    metallic: float | None = None,
    transmission: float | None = None,
    ior: float | None = None,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest (a new one where there is none) in which a subject is of a material preset with changes.

    ``subject`` counts from 1; in a manifest without subjects the first is made, described by the material. The entry
    in ``materials`` gets the preset's key, or the first free ``key_2``, ``key_3``, … where another subject has that
    key with other changes. What the preset has anyway is not written, and a colour also replaces the subject's own.
    Raises StudioFlowError for an unknown preset, EditError where there is no such subject or only the raw caption has
    any, and ManifestError for a colour or number out of range.
    """
    row = material_preset(preset)
    changes = dict(zip(_NUMBERS, (roughness, metallic, transmission, ior), strict=True))
    entry: dict[str, Any] = {"preset": preset, "description": description.strip(), "color": color.strip()}
    entry = {key: value for key, value in entry.items() if value}
    entry |= {key: value for key, value in changes.items() if value is not None and value != row.get(key)}
    described = phrases("studio/material_words", "first_subject")["described"].format(material=row["title"].lower())
    result = _with_subject(begun(manifest), subject, described)
    key = _free_key(result, preset, entry, subject - 1)
    at = ("scene", "subjects", subject - 1)
    values: dict[Path, Any] = {("materials", key): entry, (*at, "material"): key}
    if "color" in entry and "color" in value_at(result, at):
        values[(*at, "color")] = entry["color"]
    for path, value in values.items():
        result = put(result, path, value)
    return finished(result, values, source)


def _with_subject(manifest: dict[str, Any], subject: int, described: str) -> dict[str, Any]:
    subjects = manifest.get("scene", {}).get("subjects", [])
    if not subjects and body(manifest.get("caption", {})).get("objects"):
        raise EditError(
            "the things in the picture stand only in the raw caption, which has no materials",
            where="/caption/objects",
            allowed="subjects in the scene",
            fix="describe them in scene.subjects, or write the texture into the caption's objects",
        )
    if not subjects and subject == 1:
        return put(manifest, ("scene", "subjects"), [{"description": described}])
    if not 1 <= subject <= len(subjects):
        raise EditError(
            "there is no such subject",
            where="subject",
            found=str(subject),
            allowed=f"1 to {len(subjects)}" if subjects else "1, which is then made",
            fix="count the subjects of the scene from 1",
        )
    return manifest


def _free_key(manifest: dict[str, Any], preset: str, entry: dict[str, Any], subject: int) -> str:
    """The key to write the entry to: one that has it already, or that nobody else uses."""
    named = manifest.get("materials", {})
    others = {item.get("material") for index, item in enumerate(manifest["scene"]["subjects"]) if index != subject}
    keys = [preset, *(f"{preset}_{number}" for number in range(2, len(named) + 3))]
    return next(key for key in keys if named.get(key) in (None, entry) or key not in others)
