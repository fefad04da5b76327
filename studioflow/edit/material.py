"""Giving a subject a material."""

from __future__ import annotations

from typing import Any

from ..caption import body
from ..errors import EditError
from ..studio.materials import material_preset
from ..studio.words import phrases
from .field import put
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

    ``subject`` counts from 1; a new manifest, which says nothing yet of what is in the picture, gets a first one that
    is described by the material. The entry in ``materials`` gets the preset's key, or the first free ``key_2``,
    ``key_3``, … where another subject has that key with other changes. What the preset has anyway is not written.

    The last writer wins: the subject's own texture goes, for it speaks of the material before (``replaced_texture``
    tells it), and a colour also replaces the subject's own. Raises StudioFlowError for an unknown preset, EditError
    where there is no such subject or the things in the picture are only described, and ManifestError for a colour or
    number out of range.
    """
    row = material_preset(preset)
    changes = dict(zip(_NUMBERS, (roughness, metallic, transmission, ior), strict=True))
    entry: dict[str, Any] = {"preset": preset, "description": description.strip(), "color": color.strip()}
    entry = {key: value for key, value in entry.items() if value}
    entry |= {key: value for key, value in changes.items() if value is not None and value != row.get(key)}
    result = _with_subject(begun(manifest), subject, row)
    key = _free_key(result, preset, entry, subject - 1)
    at = ("scene", "subjects", subject - 1)
    there = {name: value for name, value in value_at(result, at).items() if name != "texture"}
    new = {"material": key} | ({"color": entry["color"]} if "color" in entry and "color" in there else {})
    result = put(put(result, ("materials", key), entry), at, there | new)
    return finished(result, [("materials", key), *((*at, name) for name in new)], source)


def replaced_texture(manifest: dict[str, Any] | None, subject: int = 1) -> str:
    """The texture that a subject has of its own, which ``set_material`` takes away; "" where it has none."""
    found = value_at(manifest or {}, ("scene", "subjects", subject - 1))
    return str(found.get("texture", "")) if isinstance(found, dict) else ""


def _with_subject(manifest: dict[str, Any], subject: int, row: dict[str, Any]) -> dict[str, Any]:
    """The manifest with a subject of that number; the first one of a new manifest is made."""
    subjects = manifest.get("scene", {}).get("subjects", [])
    if not subjects:
        _require_new(manifest)
    if not subjects and subject == 1:
        words = phrases("studio/material_words", "first_subject")
        described = words.get(row["family"], words["described"]).format(material=row["title"].lower())
        return put(manifest, ("scene", "subjects"), [{"description": described}])
    if not 1 <= subject <= len(subjects):
        last = len(subjects)
        raise EditError(
            "there is no such subject",
            where="subject",
            found=str(subject),
            allowed=f"1 to {last}" if last > 1 else "1" if last else "1, which is then made",
            fix="count the subjects of the scene from 1",
        )
    return manifest


def _require_new(manifest: dict[str, Any]) -> None:
    """Raises EditError where a manifest without subjects speaks of things: another one would not belong to them."""
    said = "/caption" if body(manifest.get("caption", {})) else "/scene/description"
    if said == "/caption" or manifest.get("scene", {}).get("description", "").strip():
        raise EditError(
            "the shot has no subject that could be of a material",
            where="/scene/subjects",
            found=f"words about the picture in {said} only",
            allowed="at least one subject",
            fix="describe the thing as a subject, with Scene or in scene.subjects"
            + (", or write the texture into the caption's objects" if said == "/caption" else ""),
        )


def _free_key(manifest: dict[str, Any], preset: str, entry: dict[str, Any], subject: int) -> str:
    """The key to write the entry to: one that has it already, or that nobody else uses."""
    named = manifest.get("materials", {})
    others = {item.get("material") for index, item in enumerate(manifest["scene"]["subjects"]) if index != subject}
    keys = [preset, *(f"{preset}_{number}" for number in range(2, len(named) + 3))]
    return next(key for key in keys if named.get(key) in (None, entry) or key not in others)
