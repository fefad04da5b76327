"""Materials: the words that say what a thing is made of and how it takes light, and how changes move them.

The presets stand in materials.json, the words of changed numbers in material_words.json. A preset's own words hold as
long as a changed number stays in the preset's band; beyond it the finish is named anew, so that brushed steel of
roughness 0.05 is mirror-polished steel and has no brush marks any more. A finish of clear things says that they are
clear. Liquids and skin have no finish that one would name: their roughness is for renderers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..resources import table
from .words import bands, entries, entry

_WORDS = "studio/material_words"
_METAL_FROM = 0.5
"""From this ``metallic`` on a surface is spoken of as a metal."""
_GROUPS = {
    "roughness": "reflections_by_roughness",
    "metallic": "luster_by_metallic",
    "transmission": "clarity_by_transmission",
}
"""The bands that tell whether a changed number is still the preset's own look."""
_PLAIN = {"metallic": 0.0, "transmission": 0.0}
"""What a material without a preset is where it says nothing: no metal, and nothing passes through."""

Row = dict[str, Any]


class MaterialWords(NamedTuple):
    """What a material adds to a subject's caption: ``objects.texture`` and ``objects.appearance_details``."""

    texture: str
    appearance: str


def material_preset(name: str) -> Row:
    """One preset of materials.json; StudioFlowError with a suggestion where there is none of that name."""
    return entry("materials", name, "material preset")


def material_words(name: str | None, material: Row) -> MaterialWords:
    """The words of a subject's material.

    ``name`` is what the subject's ``material`` says, ``material`` the entry of that name in the manifest's
    ``materials``, or an empty object where the name is free words, which stay as they are said. A description of the
    entry's own replaces the texture, and a number that leaves the preset's band replaces the preset's finish. A preset
    that is not in the table is named in plain words. ``ior`` moves no word: nobody sees it in a picture.
    """
    preset = _row(material)
    texture = preset.get("texture", "") or _plain_name(name, material)
    appearance = preset.get("appearance", "")
    if _finish_changed(material, preset):
        roughness = material.get("roughness", preset.get("roughness"))
        said = _finish(material, preset, roughness)
        texture = said["words"].format(material=preset.get("base") or _plain_name(name, material))
        appearance = _band("reflections_by_roughness", roughness)["words"]
    if _clarity_untold(material, preset):
        clarity = _band("clarity_by_transmission", _transmission(material, preset))["words"]
        texture = _joined(clarity, texture)
    if _moved(material, preset, "metallic"):
        appearance = _joined(appearance, _band("luster_by_metallic", material["metallic"])["words"])
    return MaterialWords(material.get("description") or texture, appearance)


def takes_light(material: Row) -> str:
    """How a manifest's material takes light: a class of ``_light`` in materials.json, "" where nothing says so.

    Changed numbers count as in ``material_words``.
    """
    preset = _row(material)
    known: str = preset.get("light", "")
    clearer, refinished = _moved(material, preset, "transmission"), _finish_changed(material, preset)
    clarity = str(_band("clarity_by_transmission", _transmission(material, preset))["light"])
    roughness = material.get("roughness", preset.get("roughness"))
    if refinished and _is_transparent(material, preset):
        return str(_finish(material, preset, roughness)["light"])
    if clarity:
        return clarity if clearer else known
    if known == "skin" or roughness is None or not (clearer or refinished):
        return known
    return str(_finish(material, preset, roughness)["light"])


def light_class(name: str) -> dict[str, str]:
    """What a class of ``takes_light`` does with light (``takes``), and how it is lit well (``advice``)."""
    found: dict[str, str] = table("studio/materials.json")["_light"][name]
    return found


def needs_large_light(name: str) -> bool:
    """Whether a class of ``takes_light`` shows the light itself, so that a small one is a bright dot on it."""
    return name in table("studio/materials.json")["_needs_large_light"]


def _row(material: Row) -> Row:
    """The preset of a manifest's material; empty where it names none, or one that is not in the table."""
    return entries("materials").get(material.get("preset", ""), {})


def _plain_name(name: str | None, material: Row) -> str:
    return material.get("preset", "").replace("_", " ") or name or ""


def _moved(material: Row, preset: Row, number: str) -> bool:
    """Whether a number was changed so far that the preset's words no longer hold."""
    if number not in material:
        return False
    if number == "roughness" and preset.get("family") in table(f"{_WORDS}.json")["families_without_finish"]:
        return False
    group, before = _GROUPS[number], (_PLAIN | preset).get(number)
    return before is None or _index(group, material[number]) != _index(group, before)


def _finish_changed(material: Row, preset: Row) -> bool:
    """Whether the preset's own words for its finish no longer hold.

    A clear thing that was made less clear has lost its finish too: its words speak of a transparent surface.
    """
    clouded = preset and _is_transparent({}, preset) and not _is_transparent(material, preset)
    return bool(clouded) or _moved(material, preset, "roughness")


def _clarity_untold(material: Row, preset: Row) -> bool:
    """Whether the words so far leave out how clear the material is."""
    changed = _finish_changed(material, preset)
    if changed and _is_transparent(material, preset):
        return False
    partly = bool(_band("clarity_by_transmission", _transmission(material, preset))["light"])
    return _moved(material, preset, "transmission") or (changed and partly)


def _transmission(material: Row, preset: Row) -> float:
    return float(material.get("transmission", preset.get("transmission", 0.0)))


def _is_transparent(material: Row, preset: Row) -> bool:
    transparent_from: float = table(f"{_WORDS}.json")["transparent_from"]
    return _transmission(material, preset) >= transparent_from


def _finish(material: Row, preset: Row, roughness: float) -> Row:
    if _is_transparent(material, preset):
        return _band("finish_of_transparent_by_roughness", roughness)
    metal = material.get("metallic", preset.get("metallic", 0.0)) >= _METAL_FROM
    return _band("finish_of_metal_by_roughness" if metal else "finish_by_roughness", roughness)


def _band(group: str, value: float) -> Row:
    return bands(_WORDS, group)[_index(group, value)]


def _index(group: str, value: float) -> int:
    rows = bands(_WORDS, group)
    return next(index for index, row in enumerate(rows) if "below" not in row or value < row["below"])


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
