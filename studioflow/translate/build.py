"""From what a brief says to a manifest, by the functions that every other edit goes through."""

from __future__ import annotations

from typing import Any

from ..edit.field import put
from ..edit.light import set_light, set_setup
from ..edit.material import set_material
from ..edit.path import Path
from ..edit.style import apply_style
from ..edit.written import begun, finished
from ..studio.camera import sharpness_of
from ..studio.lighting import key_of, lights_of
from ..studio.words import entries, signed_deg
from .adjust import turn_of
from .reading import plain

_LEAVES: dict[str, Path] = {
    "sensor": ("camera", "sensor"),
    "lens_preset": ("camera", "lens", "preset"),
    "focal_length_mm": ("camera", "lens", "focal_length_mm"),
    "aperture": ("camera", "lens", "aperture"),
    "focus_distance_m": ("camera", "lens", "focus_distance_m"),
    "azimuth_deg": ("camera", "orbit", "azimuth_deg"),
    "elevation_deg": ("camera", "orbit", "elevation_deg"),
    "distance_m": ("camera", "orbit", "distance_m"),
    "roll_deg": ("camera", "orbit", "roll_deg"),
    "iso": ("camera", "iso"),
    "exposure_time_s": ("camera", "exposure_time_s"),
    "time_of_day": ("lighting", "time_of_day"),
    "background": ("scene", "background"),
    "palette": ("scene", "palette"),
    "grade": ("scene", "grade"),
    "medium": ("scene", "style", "medium"),
    "aspect_ratio": ("render", "aspect_ratio"),
    "megapixels": ("render", "megapixels"),
    "images": ("render", "count"),
    "seed": ("render", "seed"),
    "steps": ("render", "steps"),
    "cfg": ("render", "cfg"),
}
"""Where each field stands in a manifest."""
_LISTS: dict[str, Path] = {
    "shot": ("scene", "composition"),
    "mood": ("scene", "mood"),
    "negative": ("render", "negative"),
}
"""Fields that are lists of words in a brief and one text in a manifest."""
_OF_THE_SUBJECT = ("color", "count", "location", "clothing")
_LIGHTS: dict[str, dict[str, Any]] = {
    "fill": {"type": "reflector", "azimuth_deg": 45, "elevation_deg": 0, "intensity": 0.5},
    "rim": {"type": "strip", "azimuth_deg": 150, "elevation_deg": 30, "intensity": 0.8},
    "hair": {"type": "strip", "azimuth_deg": 180, "elevation_deg": 60, "intensity": 0.6},
    "kicker": {"type": "strip", "azimuth_deg": 130, "elevation_deg": 10, "intensity": 0.6},
    "background": {"type": "softbox", "azimuth_deg": 180, "elevation_deg": 20, "intensity": 0.6},
    "practical": {"type": "bulb", "azimuth_deg": 140, "elevation_deg": 20, "intensity": 0.3},
}
"""What a light is that a brief only names; close to what the studio's own setups have for these roles."""
_USUAL_KEY_HEIGHT_DEG = 30
_STEP, _LEAST, _MOST = 16, 64, 4096
_MEGAPIXELS = (0.0625, 16.0)


def built(
    said: dict[str, Any], description: str, source: str, manifest: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with all that a brief says, by field; the style before the rest.

    Raises StudioFlowError where a lens cannot focus as the brief says.
    """
    result = begun(manifest)
    if "style" in said:
        result = apply_style(result, said["style"], source)
    result = _with_lights(result, said, source)
    values = {path: said[field] for field, path in _LEAVES.items() if field in said}
    values |= {path: ", ".join(said[field]) for field, path in _LISTS.items() if field in said}
    values |= _size(said)
    values |= {("scene", "description"): description} if description else {}
    values |= {("scene", "text"): [{"text": text} for text in said["text"]]} if "text" in said else {}
    values |= _things(result, said)
    for path, value in values.items():
        result = put(result, path, value)
    result = finished(result, values, source)
    if "material" in said and "subjects" in said and said["material"] in entries("materials"):
        result = set_material(result, said["material"], subject=1, source=source)
    if "focus_distance_m" in said or "focal_length_mm" in said:
        sharpness_of(result["camera"])
    return result


def size_text(size: dict[str, float]) -> str:
    """A size in words: 30 cm tall."""
    words = {"height_m": "tall", "width_m": "wide", "length_m": "long", "depth_m": "deep"}
    return ", ".join(
        f"{plain(round(metres * 100, 1))} cm {words[name]}" if metres < 1 else f"{plain(metres)} m {words[name]}"
        for name, metres in size.items()
    )


def _size(said: dict[str, Any]) -> dict[Path, Any]:
    """Width and height where the model can have them, else the nearest to it: their ratio and megapixels."""
    if "size" not in said:
        return {}
    width, height = said["size"]
    if all(_LEAST <= side <= _MOST and side % _STEP == 0 for side in said["size"]):
        return {("render", "width"): width, ("render", "height"): height}
    least, most = _MEGAPIXELS
    megapixels = min(max(width * height / 1e6, least), most)
    return {("render", "aspect_ratio"): f"{width}:{height}", ("render", "megapixels"): plain(round(megapixels, 4))}


def _things(before: dict[str, Any], said: dict[str, Any]) -> dict[Path, Any]:
    """The subjects, the first with all that is known of it; without new ones, the first one that is there."""
    known = {field: said[field] for field in _OF_THE_SUBJECT if field in said}
    if "size_m" in said:
        known["details"] = size_text(said["size_m"])
    if "material" in said and said["material"] not in entries("materials"):
        known["material"] = said["material"]
    if "subjects" in said:
        first, *others = said["subjects"]
        return {("scene", "subjects"): [{"description": first} | known, *({"description": name} for name in others)]}
    if before.get("scene", {}).get("subjects"):
        return {("scene", "subjects", 0, field): value for field, value in known.items()}
    return {}


def _with_lights(manifest: dict[str, Any], said: dict[str, Any], source: str) -> dict[str, Any]:
    result = manifest
    if "setup" in said:
        result = set_setup(result, said["setup"], mirrored=_is_mirrored(said), source=source)
    if "setup" in said or lights_of(result.get("lighting", {})):
        key = key_of(lights_of(result.get("lighting", {})))
        changed = _key(said, setup=said.get("setup", ""))
        if key and changed:
            result = set_light(result, _changed(key, changed, turn_of(result)), source=source)
    elif changed := _key(said, setup=""):
        result = set_light(result, {"role": "key", "elevation_deg": _USUAL_KEY_HEIGHT_DEG} | changed, source=source)
    for role in said.get("roles", []):
        there = next((light for light in lights_of(result.get("lighting", {})) if light["role"] == role), None)
        numbers = {}
        if role == "fill" and "fill_intensity" in said:
            numbers["intensity"] = said["fill_intensity"]
        if role == "rim" and "rim_azimuth_deg" in said:
            numbers["azimuth_deg"] = said["rim_azimuth_deg"]
        if there is None or numbers:
            result = set_light(result, {"role": role} | _usual(role, said) | (there or {}) | numbers, source=source)
    return result


def _key(said: dict[str, Any], setup: str) -> dict[str, Any]:
    """What is said of the key light; of a named setup's only what the setup leaves open."""
    names = {"key_type": "type", "key_elevation_deg": "elevation_deg", "color_temperature_k": "color_temperature_k"}
    if not setup:
        names = {"key_type": "type", "key_azimuth_deg": "azimuth_deg"} | names
    return {name: said[field] for field, name in names.items() if field in said}


def _changed(light: dict[str, Any], changed: dict[str, Any], turn_deg: float) -> dict[str, Any]:
    """The light with these changes, whose azimuth is seen from the camera; ``turn_deg`` makes it the light's own.

    A colour temperature takes the place of a colour, and another kind of light has its own size.
    """
    gone = {"color"} if "color_temperature_k" in changed else set()
    gone |= {"size_m"} if "type" in changed else set()
    if "azimuth_deg" in changed:
        changed = changed | {"azimuth_deg": signed_deg(changed["azimuth_deg"] + turn_deg)}
    return {name: value for name, value in light.items() if name not in gone} | changed


def _usual(role: str, said: dict[str, Any]) -> dict[str, Any]:
    """A light of that role; a fill stands on the other side of the key."""
    light = _LIGHTS[role]
    from_right = said.get("key_azimuth_deg", -1) > 0
    return light | {"azimuth_deg": -light["azimuth_deg"]} if from_right and role != "background" else light


def _is_mirrored(said: dict[str, Any]) -> bool:
    key = key_of(lights_of({"setup": said["setup"]}))
    usual = key.get("azimuth_deg", 0) if key else 0
    wanted = said.get("key_azimuth_deg", 0)
    return usual * wanted < 0 and abs(usual) < 180 and abs(wanted) < 180
