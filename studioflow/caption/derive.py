"""The caption that a manifest's sections say, field by field.

Every field has one owner: the scene (with its materials) owns what is in the picture, the camera owns
``photographic_characteristics``, lighting owns ``lighting``; owners.json says it leaf by leaf. So a change in one
section never reaches another section's fields; the one exception is asked for by name (lights with
``"frame": "world"``).
"""

from __future__ import annotations

from typing import Any

from ..studio import camera as camera_section
from ..studio import lighting as lighting_section
from ..studio.color import color_name
from ..studio.words import band, bands, side, signed_deg

Caption = dict[str, Any]
Reach = tuple[float, float]

_WORDS = "caption/scene_words"
_TABLE_TOP_M = 0.25
"""The origin is the middle; the farthest subject sets the scale, but nothing closer than this counts as aside."""

_STYLE = {"style_medium": "photograph", "artistic_style": "realistic"}
_OF_A_PERSON = ("pose", "expression", "clothing", "action", "gender", "skin_tone_and_texture")


def derive(manifest: dict[str, Any]) -> Caption:
    """The caption fields that scene, camera and lighting determine, in FIBO's key order; absent ones left out."""
    caption = _scene(manifest["scene"], manifest.get("materials", {})) if "scene" in manifest else {}
    if not {"short_description", "objects"}.isdisjoint(caption):
        # A picture that the scene describes is a photograph where nothing else is said of it.
        caption = _STYLE | caption
    camera = manifest.get("camera", {})
    if "lighting" in manifest:
        orbit = camera_section.orbit_of(camera)
        azimuth = orbit["azimuth_deg"] if orbit else 0.0
        caption["lighting"] = lighting_section.caption_fields(manifest["lighting"], azimuth)
    if camera:
        caption["photographic_characteristics"] = camera_section.caption_fields(camera)
    return caption


def _scene(scene: dict[str, Any], materials: dict[str, Any]) -> Caption:
    style, subjects = scene.get("style", {}), scene.get("subjects", [])
    reach = _reach(subjects)
    aesthetics = {
        "composition": scene.get("composition"),
        "color_scheme": _join([color_name(color) for color in scene.get("palette", [])]),
        "mood_atmosphere": scene.get("mood"),
    }
    fields = {
        "short_description": scene.get("description"),
        "objects": [_object(subject, reach, materials) for subject in subjects],
        "background_setting": scene.get("background"),
        "aesthetics": _given(aesthetics),
        "style_medium": style.get("medium"),
        "text_render": [_text(entry) for entry in scene.get("text", [])],
        "context": scene.get("context"),
        "artistic_style": style.get("artistic"),
    }
    return _given(fields)


def _object(subject: dict[str, Any], reach: Reach, materials: dict[str, Any]) -> Caption:
    material = materials.get(subject.get("material"), {})
    hex_color = subject.get("color", material.get("color"))
    color = color_name(hex_color) if hex_color else None
    texture = _join([_material_words(subject.get("material"), material), subject.get("texture")])
    fields = {
        "description": subject["description"],
        "location": subject.get("location") or _location(subject, reach),
        "relationship": subject.get("relationship"),
        "relative_size": subject.get("relative_size"),
        "shape_and_color": _join([subject.get("shape"), color]),
        "texture": texture,
        "appearance_details": subject.get("details"),
        "number_of_objects": int(subject["count"]) if "count" in subject else None,
        **{name: subject.get(name) for name in _OF_A_PERSON},
        "orientation": _orientation(subject["facing_deg"]) if "facing_deg" in subject else None,
    }
    return _given(fields)


def _material_words(named: str | None, material: dict[str, Any]) -> str | None:
    """What a subject says it is made of: the words of the material of that name, else its own."""
    preset = material.get("preset", "").replace("_", " ")
    return material.get("description") or preset or named


def _location(subject: dict[str, Any], reach: Reach) -> str | None:
    """Where a placed subject stands in the scene, seen from the front."""
    if "position_m" not in subject:
        return None
    across, depth = (subject["position_m"][axis] / most for axis, most in zip((0, 2), reach, strict=True))
    return _join([band(across, bands(_WORDS, "across")), band(depth, bands(_WORDS, "depth"))])


def _reach(subjects: list[dict[str, Any]]) -> Reach:
    """How far from the middle the subjects stand, across and in depth, in metres."""
    placed = [subject["position_m"] for subject in subjects if "position_m" in subject]
    across, depth = (max([_TABLE_TOP_M, *(abs(position[axis]) for position in placed)]) for axis in (0, 2))
    return across, depth


def _orientation(facing_deg: float) -> str:
    facing = signed_deg(facing_deg)
    return band(abs(facing), bands(_WORDS, "orientation_by_facing_deg")).format(side=side(facing))


def _text(entry: dict[str, Any]) -> Caption:
    fields = {name: entry.get(name) for name in ("text", "location", "size", "color", "font")}
    return _given(fields | {"appearance_details": entry.get("details")})


def _join(parts: list[str | None]) -> str:
    return ", ".join(part for part in parts if part)


def _given(fields: Caption) -> Caption:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
