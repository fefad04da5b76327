"""The lighting section of a manifest -> its own caption fields, and no other.

Words stand in light_words.json, setups and light types in their tables. Directions are measured from the
camera unless the section says ``"frame": "world"``; then the words depend on where the camera stands, which
is what that choice means.
"""

from __future__ import annotations

import math
from typing import Any

from .color import color_name
from .words import band, bands, entry, phrases, side, signed_deg

_WORDS = "studio/light_words"
_OPPOSITE = {"left": "right", "right": "left"}
_NO_FILL_STOPS = 6.0
"""Contrast of a key light alone: nothing but stray light lifts the shadows."""


def lights_of(lighting: dict[str, Any]) -> list[dict[str, Any]]:
    """The lights in force: those given, else those of the named setup."""
    if lighting.get("lights"):
        return list(lighting["lights"])
    if "setup" in lighting:
        return list(entry("setups", lighting["setup"], "lighting setup")["lights"])
    return []


def caption_fields(lighting: dict[str, Any], camera_azimuth_deg: float = 0.0) -> dict[str, str]:
    """The fields of ``lighting`` that this section determines, in FIBO's order.

    ``camera_azimuth_deg`` counts only for lights that stay in the world.
    """
    turn = camera_azimuth_deg if lighting.get("frame") == "world" else 0.0
    lights = [light | {"seen_deg": signed_deg(light.get("azimuth_deg", 0.0) - turn)} for light in lights_of(lighting)]
    key = _key(lights)
    fields = {
        "conditions": _conditions(lighting, key),
        "direction": _direction(lights, key),
        "shadows": _shadows(lighting, lights, key),
    }
    return {name: text for name, text in fields.items() if text}


def key_to_fill_stops(lights: list[dict[str, Any]]) -> float:
    """log2 of key over fill intensity; the summed fills count, and six stops stand for no fill at all."""
    key = _key(lights)
    fill = sum(light.get("intensity", 1.0) for light in lights if light["role"] == "fill")
    if key is None or fill <= 0:
        return _NO_FILL_STOPS
    return math.log2(max(key.get("intensity", 1.0), 1e-9) / fill)


def _key(lights: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The key light, or the strongest where none is called so; ties by position so that order never matters."""
    candidates = [light for light in lights if light["role"] == "key"] or lights
    if not candidates:
        return None
    return max(candidates, key=lambda light: (light.get("intensity", 1.0), _order(light)))


def _order(light: dict[str, Any]) -> tuple[float, float, str]:
    return (light.get("azimuth_deg", 0.0), light.get("elevation_deg", 0.0), light["role"])


def _conditions(lighting: dict[str, Any], key: dict[str, Any] | None) -> str:
    said = phrases(_WORDS, "conditions")
    parts = []
    if "setup" in lighting:
        parts.append(entry("setups", lighting["setup"], "lighting setup")["words"])
    elif key and "time_of_day" not in lighting:
        parts.append(said["studio"])
    if "time_of_day" in lighting:
        parts.append(phrases(_WORDS, "time_of_day")[lighting["time_of_day"]])
    if key:
        if "type" in key:
            parts.append(said["key_type"].format(type=entry("light_types", key["type"], "light type")["words"]))
        if "color" in key:
            parts.append(said["colored"].format(color=color_name(key["color"])))
        elif "color_temperature_k" in key:
            parts.append(band(key["color_temperature_k"], bands(_WORDS, "warmth_by_kelvin")))
    if "environment" in lighting:
        parts.append(said["environment"])
    if "ambient" in lighting:
        parts.append(band(lighting["ambient"], bands(_WORDS, "ambient")))
    return ", ".join(part for part in parts if part)


def _direction(lights: list[dict[str, Any]], key: dict[str, Any] | None) -> str:
    if key is None:
        return ""
    elevation = key.get("elevation_deg", 0.0)
    first = band(elevation, bands(_WORDS, "top_down"))
    if not first:
        along = band(abs(key["seen_deg"]), bands(_WORDS, "direction_by_azimuth_deg")).format(side=side(key["seen_deg"]))
        height = band(elevation, bands(_WORDS, "height_by_elevation_deg"))
        first = f"{along}, {height}" if height else along
    parts = [first]
    for role, phrase in phrases(_WORDS, "second_lights").items():
        sides = {side(light["seen_deg"]) for light in lights if light["role"] == role and light is not key}
        if sides:
            parts.append(phrase.format(side="left and right" if len(sides) == 2 else sides.pop()))
    return "; ".join(parts)


def _shadows(
    lighting: dict[str, Any],
    lights: list[dict[str, Any]],
    key: dict[str, Any] | None,
) -> str:
    if key is None:
        return ""
    size = key.get("size_m") or (
        entry("light_types", key["type"], "light type")["size_m"] if "type" in key else [0.6, 0.6]
    )
    # A light looks as large as its area does from the subject, so a long thin strip is a small source.
    apparent = math.sqrt(size[0] * size[1]) / key.get("distance_m", 1.5)
    fall = band(abs(key["seen_deg"]), bands(_WORDS, "shadow_fall_by_azimuth_deg"))
    parts = [
        band(apparent, bands(_WORDS, "hardness_by_size_over_distance")),
        fall.format(opposite=_OPPOSITE[side(key["seen_deg"])]),
        band(_contrast_stops(lighting, lights), bands(_WORDS, "contrast_by_key_to_fill_stops")),
    ]
    return ", ".join(parts)


def _contrast_stops(lighting: dict[str, Any], lights: list[dict[str, Any]]) -> float:
    ambient = lighting.get("ambient", 0.0)
    stops = key_to_fill_stops(lights)
    if ambient <= 0:
        return stops
    return math.log2((1.0 + ambient) / (2.0**-stops + ambient))
