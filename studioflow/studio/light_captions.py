"""The lighting section of a manifest -> its own caption fields, and no other.

Words stand in light_words.json, setups and light types in their tables; lighting.py has the numbers. Where the section
says ``"frame": "world"``, direction and shadows depend on where the camera stands, which is what that choice means, and
conditions do not. Lights of intensity 0 are not spoken of, and the order of the lights changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

from ..resources import table
from .color import color_name
from .color_temperature import mired
from .lighting import (
    Light,
    apparent_size,
    brightness,
    color_contrast_deg,
    color_contrast_mired,
    contrast_stops,
    family_of,
    hue_deg,
    intensity_of,
    kelvin_of,
    key_of,
    lights_of,
    lit,
    rank,
    shadow_length,
    type_of,
)
from .words import band, bands, entry, phrases, side, signed_deg

_WORDS = "studio/light_words"
_OPPOSITE = {"left": "right", "right": "left"}
_WHITE_K = 5600.0
"""White beside coloured light: what flash and daylight film are balanced for."""
_FROM_BELOW_DEG = -15.0
"""Below this a light throws shadows upwards, as its words say `from below`."""
_ON_AXIS_DEG = 10.0
"""A light this close to the lens hides its shadows behind what casts them."""
_LONG, _SHORT = 2.0, 0.7
"""Length of a shadow over the height of what casts it: above the one it is long, below the other short."""
_TWIN_DEG, _TWIN_STOPS = 15.0, 0.25
"""Two lights of a role are a pair left and right where they differ by no more than this."""


def caption_fields(lighting: dict[str, Any], camera_azimuth_deg: float = 0.0) -> dict[str, str]:
    """The fields of ``lighting`` that this section determines, in FIBO's order.

    ``camera_azimuth_deg`` counts only for lights that stay in the world.
    """
    turn = camera_azimuth_deg if lighting.get("frame") == "world" else 0.0
    lights = lit(lights_of(lighting))
    key = key_of(lights)
    fields = {"conditions": _conditions(lighting, lights, key)}
    if key is not None:
        seen = [light | {"seen_deg": signed_deg(light.get("azimuth_deg", 0.0) - turn)} for light in lights]
        key_seen = seen[next(index for index, light in enumerate(lights) if light is key)]
        twin = _twin(seen, key_seen)
        fields["direction"] = _direction(seen, key_seen, twin)
        fields["shadows"] = _shadows(lighting, key_seen, twin)
    return {name: text for name, text in fields.items() if text}


def _conditions(lighting: dict[str, Any], lights: list[Light], key: Light | None) -> str:
    said = phrases(_WORDS, "conditions")
    time = lighting.get("time_of_day")
    parts = []
    if "setup" in lighting:
        parts.append(entry("setups", lighting["setup"], "lighting setup")["words"])
    elif key and time is None:
        parts.append(band(brightness(lighting), bands(_WORDS, f"{family_of(key)}_by_brightness")))
    if time is not None:
        parts.append(phrases(_WORDS, "time_of_day")[time])
    if key:
        kind = type_of(key).get("words") if key["role"] == "key" else None
        if kind and not any(kind in part for part in parts):
            parts.append(said["key_type"].format(type=kind))
        parts += _color_words(lights, key, _family_at(time, key))
    if "environment" in lighting:
        parts.append(said["environment"])
    if "ambient" in lighting:
        parts.append(band(lighting["ambient"], bands(_WORDS, "ambient")))
    return ", ".join(part for part in parts if part)


def _family_at(time_of_day: str | None, key: Light) -> str:
    """Which family's words the key's warmth has: after dark the sky is no daylight."""
    dark: list[str] = table(f"{_WORDS}.json")["after_dark"]
    return "night" if family_of(key) == "daylight" and time_of_day in dark else family_of(key)


def _color_words(lights: list[Light], key: Light, family: str) -> list[str]:
    """The colour of the key, and of the strongest light of another role that is clearly of another colour."""
    own = ""
    if "color" in key:
        own = phrases(_WORDS, "conditions")["colored"].format(color=color_name(key["color"]))
    elif "color_temperature_k" in key:
        own = band(key["color_temperature_k"], bands(_WORDS, f"{family}_warmth_by_kelvin"))
    others = sorted((light for light in lights if light is not key and light["role"] != "key"), key=rank, reverse=True)
    other = next((words for light in others if (words := _contrast_words(key, light))), "")
    return [own, other]


def _contrast_words(key: Light, other: Light) -> str:
    """Words for another light's colour where it is clearly not the key's, else nothing."""
    role = phrases(_WORDS, "roles")[other["role"]]
    if "color" in other:
        return _hue_words(key, other).format(color=color_name(other["color"]), role=role)
    cooler = color_contrast_mired(key, other)
    kelvin = kelvin_of(other)
    if cooler is None and "color" in key and kelvin is not None:
        cooler = mired(_WHITE_K) - mired(kelvin)
    return "" if cooler is None else band(cooler, bands(_WORDS, "contrast_by_mired")).format(role=role)


def _hue_words(key: Light, other: Light) -> str:
    apart = color_contrast_deg(key, other)
    if apart is not None:
        return band(apart, bands(_WORDS, "contrast_by_hue_deg"))
    white = hue_deg(key) is None and hue_deg(other) is None
    return "" if white else phrases(_WORDS, "conditions")["other_colored"]


def _twin(lights: list[Light], key: Light) -> Light | None:
    """The light that stands with the key as a pair: its role, as strong, mirrored in the camera's axis."""
    if not _TWIN_DEG < abs(key["seen_deg"]) < 180.0 - _TWIN_DEG:
        return None
    pairs = [
        light
        for light in lights
        if light is not key
        and light["role"] == key["role"]
        and abs(light["seen_deg"] + key["seen_deg"]) <= _TWIN_DEG
        and abs(light.get("elevation_deg", 0.0) - key.get("elevation_deg", 0.0)) <= _TWIN_DEG
        and abs(math.log2(max(intensity_of(light), 1e-9) / max(intensity_of(key), 1e-9))) <= _TWIN_STOPS
    ]
    return max(pairs, key=rank, default=None)


def _direction(lights: list[Light], key: Light, twin: Light | None) -> str:
    elevation = key.get("elevation_deg", 0.0)
    first = band(elevation, bands(_WORDS, "straight_by_elevation_deg"))
    if not first:
        along = band(abs(key["seen_deg"]), bands(_WORDS, "direction_by_azimuth_deg")).format(side=_side(key, twin))
        height = band(elevation, bands(_WORDS, "height_by_elevation_deg"))
        first = f"{along}, {height}" if height else along
    others = [light for light in lights if light is not key and light is not twin]
    return "; ".join([first, *_second_lights(others)])


def _second_lights(lights: list[Light]) -> list[str]:
    """Words for the lights beside the key, role by role; lights of the same words on both sides share a phrase.

    Of several key lights the caption speaks of the strongest only.
    """
    sides: dict[str, set[str]] = {}
    for role in (role for role in phrases(_WORDS, "roles") if role != "key"):
        for light in sorted((light for light in lights if light["role"] == role), key=rank, reverse=True):
            sides.setdefault(_second_light(light), set()).add(side(light["seen_deg"]))
    names = phrases(_WORDS, "sides")
    return [words.format(side=names["both" if len(on) == 2 else min(on)]) for words, on in sides.items()]


def _second_light(light: Light) -> str:
    """Words for a light beside the key, with ``{side}``: by how high it stands where that says it all."""
    role = light["role"]
    by_elevation = band(light.get("elevation_deg", 0.0), bands(_WORDS, f"{role}_by_elevation_deg"))
    return by_elevation or band(abs(light["seen_deg"]), bands(_WORDS, f"{role}_by_azimuth_deg"))


def _side(light: Light, twin: Light | None, opposite: bool = False) -> str:
    on = side(light["seen_deg"])
    return phrases(_WORDS, "sides")["both" if twin else _OPPOSITE[on] if opposite else on]


def _shadows(lighting: dict[str, Any], key: Light, twin: Light | None) -> str:
    elevation, size = key.get("elevation_deg", 0.0), apparent_size(key)
    if abs(key["seen_deg"]) < _ON_AXIS_DEG and _FROM_BELOW_DEG <= elevation < _ON_AXIS_DEG:
        return band(size, bands(_WORDS, "on_axis_by_size_over_distance"))
    falling = band(elevation, bands(_WORDS, "shadow_straight_by_elevation_deg"))
    if not falling:
        fall = band(abs(key["seen_deg"]), bands(_WORDS, _fall(elevation)))
        falling = fall.format(side=_side(key, twin, opposite=True))
    parts = [
        band(size, bands(_WORDS, "hardness_by_size_over_distance")),
        falling,
        band(contrast_stops(lighting), bands(_WORDS, "contrast_by_key_to_fill_stops")),
    ]
    return ", ".join(parts)


def _fall(elevation_deg: float) -> str:
    """The group of words for where a shadow falls, by how long it is."""
    if elevation_deg < _FROM_BELOW_DEG:
        return "shadow_fall_upwards_by_azimuth_deg"
    length = shadow_length(elevation_deg)
    if length > _LONG:
        return "shadow_fall_long_by_azimuth_deg"
    return "shadow_fall_short_by_azimuth_deg" if length < _SHORT else "shadow_fall_by_azimuth_deg"
