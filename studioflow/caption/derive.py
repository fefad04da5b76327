"""The caption that a manifest's sections say, field by field.

Every field has one owner: the scene (with its materials) owns what is in the picture, the camera owns
``photographic_characteristics``, lighting owns ``lighting``; owners.json says it leaf by leaf. Where two sections
meet, each says its own part: what a camera sees of a subject whose size is known (shot size, how much of it is
sharp), which side of it, and from where lights come that stay in the world.
"""

from __future__ import annotations

import math
from typing import Any

from ..manifest import picture_ratio
from ..studio import camera as camera_section
from ..studio import light_captions as lighting_section
from ..studio.color import color_name
from ..studio.framing import OF_A_PERSON, middle_of, shot_size
from ..studio.materials import material_words
from ..studio.palette import color_scheme
from ..studio.placement import ORIGIN, orbit_of, pose_of
from ..studio.words import band, bands, side, signed_deg

Caption = dict[str, Any]
Place = tuple[float, float]

_WORDS = "caption/scene_words"
_TABLE_TOP_M = 0.25
"""The origin is the middle; the farthest subject sets the scale, but nothing closer than this counts as aside."""

_STYLE = {"style_medium": "photograph", "artistic_style": "realistic"}


def derive(manifest: dict[str, Any]) -> Caption:
    """The caption fields that scene, camera and lighting determine, in FIBO's key order; absent ones left out."""
    camera = manifest.get("camera", {})
    orbit = orbit_of(camera) if camera else None
    azimuth = orbit["azimuth_deg"] if orbit else 0.0
    caption = _scene(manifest, azimuth) if "scene" in manifest else {}
    if not {"short_description", "objects"}.isdisjoint(caption):
        # A picture that the scene describes is a photograph where nothing else is said of it.
        caption = _STYLE | caption
    if "lighting" in manifest:
        caption["lighting"] = lighting_section.caption_fields(manifest["lighting"], azimuth)
    if camera:
        subject = _main_subject(manifest)
        caption["photographic_characteristics"] = camera_section.caption_fields(camera, subject)
    return caption


def _scene(manifest: dict[str, Any], azimuth_deg: float) -> Caption:
    scene, materials = manifest["scene"], manifest.get("materials", {})
    style, subjects = scene.get("style", {}), scene.get("subjects", [])
    target = _target(manifest)
    places = [
        _seen(subject["position_m"], target, azimuth_deg) if "position_m" in subject else None for subject in subjects
    ]
    reach = _reach(places)
    aesthetics = {
        "composition": _join([_framing(manifest), scene.get("composition")]),
        "color_scheme": color_scheme(scene.get("palette", []), scene.get("grade", "")),
        "mood_atmosphere": scene.get("mood"),
    }
    fields = {
        "short_description": scene.get("description"),
        "objects": [
            _object(subject, _location(place, reach), materials, azimuth_deg)
            for subject, place in zip(subjects, places, strict=True)
        ],
        "background_setting": scene.get("background"),
        "aesthetics": _given(aesthetics),
        "style_medium": style.get("medium"),
        "text_render": [_text(entry) for entry in scene.get("text", [])],
        "context": scene.get("context"),
        "artistic_style": style.get("artistic"),
    }
    return _given(fields)


def _main_subject(manifest: dict[str, Any]) -> dict[str, Any] | None:
    subjects = manifest.get("scene", {}).get("subjects", [])
    return subjects[0] if subjects else None


def _framing(manifest: dict[str, Any]) -> str | None:
    """The shot size, where the main subject's size in metres, the lens and the distance say it."""
    subject, camera = _main_subject(manifest), manifest.get("camera", {})
    return shot_size(camera, subject, picture_ratio(manifest)) if subject and camera else None


def _object(subject: dict[str, Any], location: str | None, materials: dict[str, Any], azimuth_deg: float) -> Caption:
    material = materials.get(subject.get("material"), {})
    hex_color = subject.get("color", material.get("color"))
    color = color_name(hex_color) if hex_color else None
    made_of = material_words(subject.get("material"), material)
    facing = signed_deg(subject["facing_deg"] - azimuth_deg) if "facing_deg" in subject else None
    fields = {
        "description": subject["description"],
        "location": subject.get("location") or location,
        "relationship": subject.get("relationship"),
        "relative_size": subject.get("relative_size"),
        "shape_and_color": _join([subject.get("shape"), color]),
        "texture": _join([made_of.texture, subject.get("texture")]),
        "appearance_details": _join([made_of.appearance, subject.get("details")]),
        "number_of_objects": int(subject["count"]) if "count" in subject else None,
        **{name: subject.get(name) for name in OF_A_PERSON},
        "orientation": _orientation(facing) if facing is not None else None,
    }
    return _given(fields)


def _target(manifest: dict[str, Any]) -> tuple[float, float, float]:
    """What is in the middle of the picture: what the camera looks at, and the origin where none is placed."""
    camera = manifest.get("camera", {})
    pose = pose_of(camera, middle_of(_main_subject(manifest) or {})) if camera else None
    return pose.look_at_m if pose else ORIGIN


def _seen(position_m: list[float], target_m: tuple[float, float, float], azimuth_deg: float) -> Place:
    """How far to the right of the target and how far before it a place on the ground lies, in metres."""
    x, z = (position_m[axis] - target_m[axis] for axis in (0, 2))
    sine, cosine = math.sin(math.radians(azimuth_deg)), math.cos(math.radians(azimuth_deg))
    return x * cosine - z * sine, x * sine + z * cosine


def _location(place: Place | None, reach: Place) -> str | None:
    """Where a placed subject stands in the picture."""
    if place is None:
        return None
    across, depth = (distance / most for distance, most in zip(place, reach, strict=True))
    return _join([band(across, bands(_WORDS, "across")), band(depth, bands(_WORDS, "depth"))])


def _reach(places: list[Place | None]) -> Place:
    """How far from the middle the subjects stand, across and in depth, in metres."""
    across, depth = (max([_TABLE_TOP_M, *(abs(place[axis]) for place in places if place)]) for axis in (0, 1))
    return across, depth


def _orientation(facing_deg: float) -> str:
    """Where a subject faces as the camera sees it: 0 is towards the camera, 90 to the right of the picture."""
    return band(abs(facing_deg), bands(_WORDS, "orientation_by_facing_deg")).format(side=side(facing_deg))


def _text(entry: dict[str, Any]) -> Caption:
    fields = {name: entry.get(name) for name in ("text", "location", "size", "color", "font")}
    return _given(fields | {"appearance_details": entry.get("details")})


def _join(parts: list[str | None]) -> str:
    return ", ".join(part for part in parts if part)


def _given(fields: Caption) -> Caption:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
