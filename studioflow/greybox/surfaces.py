"""What a part of a subject is made of, and how that takes light: the choice of material, of its colour and its numbers.

A subject's own word comes first: its ``material``, then its ``texture``, then its description; then what the stand-in's
row says of the part, then grey plastic. surfaces.json and metals.json hold what a renderer needs beyond
studio/materials.json; surface_models.py makes BSDFs of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..resources import table
from ..studio.materials import material_preset
from ..studio.words import entries
from .material_match import Match, color_in, finish_of, match_description, match_words, preset_named
from .parts import Plain
from .surface_models import look_of, plain_surface

BODY = "body"
_SAME_FINISH = 0.25
"""A word of finish says nothing new where the material's own roughness is as near to its own as this."""


class Surface(NamedTuple):
    """A BSDF, and a note for the person where something was chosen for them ("" where nothing was)."""

    plain: Plain
    note: str = ""


class _Made(NamedTuple):
    """What a subject says it is made of: a preset ("" for none), changes of its numbers, and how that was found."""

    preset: str
    changes: Mapping[str, Any]
    note: str = ""
    color: str = ""


def surface_of(
    subject: Mapping[str, Any],
    role: str,
    role_surfaces: Mapping[str, str],
    materials: Mapping[str, Mapping[str, Any]],
) -> Surface:
    """The BSDF of one part of a manifest's subject, in scene-linear ACEScg.

    ``role`` is the part's (``body``, ``cap``, ``skin``…), ``role_surfaces`` the presets that the stand-in gives to
    roles, ``materials`` the manifest's. The subject's material is its body's, and that of parts of the same kind: dewy
    skin is the face's, denim the clothes'; what its description says of such parts counts too, as in brass buckles. Its
    colour is that of its body, and of the parts whose ``_roles`` row says so. StudioFlowError where ``role_surfaces``
    names no preset.
    """
    own = _made_of(subject, materials, role_surfaces)
    part = _part(role, role_surfaces)
    if own and (part is None or role == BODY or _is_of(own, part)):
        made = own
    elif part:
        made = _Made(_said_of(part, subject) or part["preset"], part, color=color_in(subject.get("description", "")))
    else:
        made = _nothing_known(subject)
    colors = [made.changes.get("color")]
    if part is None or role == BODY or "takes_color" in part:
        colors = [subject.get("color"), *colors, made.color]
    return Surface(plain_surface(look_of(made.preset, made.changes, next(filter(None, colors), ""))), made.note)


def _made_of(
    subject: Mapping[str, Any], materials: Mapping[str, Mapping[str, Any]], role_surfaces: Mapping[str, str]
) -> _Made | None:
    """What the subject itself says it is made of, in the order in which it is believed; None where it does not say."""
    said = subject.get("material", "")
    if said in materials:
        return _of_manifest(said, materials[said])
    preset = preset_named(said)
    if preset:
        return _Made(preset, {})
    texture, description = subject.get("texture", ""), subject.get("description", "")
    for words, match in ((said, match_words), (texture, match_words), (description, match_description)):
        found = match(words)
        if found and not (match is match_description and BODY in role_surfaces and _may_be_a_color(found)):
            return _of_words(words, found, texture)
    return None


def _of_manifest(name: str, material: Mapping[str, Any]) -> _Made:
    """An entry of the manifest's materials; where it names no known preset, by its words."""
    preset = material.get("preset", "")
    if preset in entries("materials"):
        return _Made(preset, material)
    for words in (preset.replace("_", " "), material.get("description", ""), name):
        found = match_words(words)
        if found:
            made = _of_words(words, found, "")
            return made._replace(changes={**made.changes, **material})
    return _Made("", material, f"no material known for {_short(name)}: from its numbers alone")


def _of_words(words: str, found: Match, texture: str) -> _Made:
    roughness = found.roughness
    if roughness is None and not (match_words(texture) or words == texture):
        roughness = finish_of(texture)
    row = entries("materials")[found.preset]
    if roughness is not None and abs(roughness - row["roughness"]) < _SAME_FINISH:
        roughness = None
    return _Made(found.preset, _finish(roughness), f"{_short(words)} -> {row['title']}", found.color)


def _finish(roughness: float | None) -> dict[str, float]:
    return {} if roughness is None else {"roughness": roughness}


def _may_be_a_color(found: Match) -> bool:
    """Whether a description such as "silver car" could mean the colour of a thing that is usually made otherwise."""
    base = entries("materials")[found.preset]["base"]
    return base in table("studio/color_names.json")["colors"]


def _nothing_known(subject: Mapping[str, Any]) -> _Made:
    said = subject.get("material") or subject.get("description", "")
    finish = finish_of(f"{subject.get('texture', '')} {subject.get('material', '')}")
    note = f"no material known for {_short(said)}: plain plastic"
    return _Made("matte_plastic", _finish(finish), note, color_in(subject.get("description", "")))


def _short(words: str) -> str:
    return f'"{textwrap.shorten(words, 60, placeholder="…")}"'


def _part(role: str, role_surfaces: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The row of a part's own material; None for a part that is as the subject is.

    A stand-in's preset goes before the usual one, which leaves it its colour if it has none.
    """
    usual = table("greybox/surfaces.json")["_roles"].get(role)
    named = role_surfaces.get(role)
    if named is None or (usual and usual["preset"] == named):
        return usual
    other = {"roughness", "color"} if "color" in material_preset(named) else {"roughness"}
    return {key: value for key, value in (usual or {}).items() if key not in other} | {"preset": named}


def _said_of(part: Mapping[str, Any], subject: Mapping[str, Any]) -> str:
    """The preset that the subject's description or details name for a part: brass buckles, a silk dress."""
    words = f"{subject.get('description', '')}, {subject.get('details', '')}"
    found = match_words(words, part["families"]) if "families" in part else None
    return found.preset if found else ""


def _is_of(own: _Made, part: Mapping[str, Any]) -> bool:
    """Whether the subject's own material is of the kind that a part is made of."""
    known = entries("materials")
    families = part.get("families", [known[part["preset"]]["family"]])
    return bool(own.preset) and known[own.preset]["family"] in families
