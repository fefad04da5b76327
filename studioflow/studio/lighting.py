"""The lighting section of a manifest -> numbers, and its own caption fields, and no other.

Words stand in light_words.json, setups and light types in their tables. Directions are measured from the
camera unless the section says ``"frame": "world"``; then direction and shadows depend on where the camera stands,
which is what that choice means, and conditions do not. Intensities are relative, as they arrive at the subject.
The order of the lights in the list changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from .color import color_name, oklab
from .color_temperature import mired
from .words import band, bands, entry, phrases, side, signed_deg

Light = dict[str, Any]

_WORDS = "studio/light_words"
_OPPOSITE = {"left": "right", "right": "left"}
_NO_FILL_STOPS = 6.0
"""Contrast of a key light alone: nothing but stray light lifts the shadows."""
_USUAL_SIZE_M = (0.6, 0.6)
_USUAL_DISTANCE_M = 1.5
_STUDIO = "studio"
"""The family of lights that name no type."""
_SPILL = 0.18
"""Of a key or fill light that is not focused, what falls past the subject onto the background: about 2.5 stops less."""
_WHITE_K = 5600.0
"""White beside coloured light: what flash and daylight film are balanced for."""
_NEUTRAL_CHROMA = 0.03
"""Oklab chroma below which a colour has no hue to speak of."""
_FROM_BELOW_DEG = -15.0
"""Below this a light throws shadows upwards, as its words say `from below`."""
_LONG, _SHORT = 2.0, 0.7
"""Length of a shadow over the height of what casts it: above the one it is long, below the other short."""
_MOVED_DEG, _ADDED_LIGHTS = 45.0, 3
"""How far a light of a setup may be moved, and how many may be added, while it is still that setup with changes."""
_TWIN_DEG, _TWIN_STOPS = 15.0, 0.25
"""Two lights of a role are a pair left and right where they differ by no more than this."""


def lights_of(lighting: dict[str, Any]) -> list[Light]:
    """The lights in force: those given, else those of the named setup."""
    if lighting.get("lights"):
        return list(lighting["lights"])
    if "setup" in lighting:
        return list(entry("setups", lighting["setup"], "lighting setup")["lights"])
    return []


def is_setup(setup: str, lights: Sequence[Light]) -> bool:
    """Whether lights are those of a named setup with changes, so that its words still hold.

    Its key light is there, and at least half of its lights, perhaps mirrored, a little moved, or of another strength,
    colour or size; and there are few others.
    """
    missing = list(entry("setups", setup, "lighting setup")["lights"])
    count, key = len(missing), key_of(missing)
    for light in lights:
        own = next((other for other in missing if _is_same_light(light, other, other is key)), None)
        if own is not None:
            missing.remove(own)
    return key not in missing and 2 * len(missing) <= count and len(lights) <= count + _ADDED_LIGHTS


def _is_same_light(light: Light, other: Light, is_key: bool) -> bool:
    turned = abs(signed_deg(light.get("azimuth_deg", 0.0))) - abs(signed_deg(other.get("azimuth_deg", 0.0)))
    raised = light.get("elevation_deg", 0.0) - other.get("elevation_deg", 0.0)
    # A key light may be another modifier, but a sun makes no studio portrait.
    same = light.get("type") == other.get("type") or (is_key and _family(light) == _family(other))
    return same and light.get("role") == other.get("role") and max(abs(turned), abs(raised)) <= _MOVED_DEG


def ambient_of(lighting: dict[str, Any]) -> float:
    """The even light from everywhere, relative to the key: what the section says, else its setup, else 0."""
    usual = entry("setups", lighting["setup"], "lighting setup").get("ambient", 0.0) if "setup" in lighting else 0.0
    ambient: float = lighting.get("ambient", usual)
    return ambient


def key_of(lights: Sequence[Light]) -> Light | None:
    """The key light, or the strongest where none is called so; None without lights.

    Ties go by the lights' own values, so that their order never matters.
    """
    candidates = [light for light in lights if light["role"] == "key"] or list(lights)
    return max(candidates, key=_rank, default=None)


def key_to_fill_stops(lights: Sequence[Light]) -> float:
    """log2 of key over fill intensity; the summed fills count, and six stops stand for no fill at all."""
    key = key_of(lights)
    fill = math.fsum(_intensity(light) for light in lights if light["role"] == "fill")
    if key is None or fill <= 0:
        return _NO_FILL_STOPS
    return math.log2(max(_intensity(key), 1e-9) / fill)


def contrast_stops(lighting: dict[str, Any]) -> float:
    """Lit side over shadow side in stops: key and ambient over fill and ambient."""
    stops, ambient = key_to_fill_stops(lights_of(lighting)), ambient_of(lighting)
    return stops if ambient <= 0 else math.log2((1.0 + ambient) / (2.0**-stops + ambient))


def brightness(lighting: dict[str, Any]) -> float:
    """How bright shadows and background are on average, 0 (low key) to about 1 (high key), the lit side being 1.

    The background has its own lights, the ambient light, and what spills from key and fill lights, unless the type of
    all of them is focused.
    """
    lights, ambient = lights_of(lighting), ambient_of(lighting)
    key = key_of(lights)
    strength = max(_intensity(key), 1e-9) if key else 1.0
    spills = any(light["role"] in ("key", "fill") and not _type_row(light).get("focused") for light in lights)
    behind = math.fsum(_intensity(light) for light in lights if light["role"] == "background") / strength
    background = min(1.0, max(behind, _SPILL if spills else 0.0) + ambient)
    return (min(1.0, 2.0 ** -contrast_stops(lighting)) + background) / 2.0


def apparent_size(light: Light) -> float:
    """How large a light looks from the subject: the root of its area over its distance, so a thin strip is small.

    About the angle in radians while it is small. Size and distance that the light does not give are its type's, or
    0.6 m square at 1.5 m. ("Light: Science and Magic", Hunter, Biver and Fuqua: size and distance decide how hard
    shadows are.)
    """
    width, height = light.get("size_m") or _type_row(light).get("size_m", _USUAL_SIZE_M)
    return math.sqrt(width * height) / float(light.get("distance_m", _USUAL_DISTANCE_M))


def shadow_length(elevation_deg: float) -> float:
    """Length of a shadow on the ground over the height of what casts it, 1 / tan(elevation); inf at and below 0."""
    if elevation_deg <= 0.0:
        return math.inf
    return max(0.0, 1.0 / math.tan(math.radians(elevation_deg)))


def kelvin_of(light: Light) -> float | None:
    """Colour temperature in kelvin; None where the light has a colour instead, or neither.

    A light that says nothing has that of its type, such as a candle's; a studio light may have any, and has none.
    """
    if "color" in light:
        return None
    usual = _type_row(light).get("kelvin") if _family(light) != _STUDIO else None
    kelvin: float | None = light.get("color_temperature_k", usual)
    return kelvin


def color_contrast_mired(key: Light, other: Light) -> float | None:
    """By how many mired the other light is cooler than the key, negative where warmer.

    A full CTO or CTB filter is about 130 to 160 mired. None where one of them has no colour temperature.
    """
    one, two = kelvin_of(key), kelvin_of(other)
    return None if one is None or two is None else mired(one) - mired(two)


def color_contrast_deg(key: Light, other: Light) -> float | None:
    """The angle between the hues of two coloured lights in Oklab, 0 to 180 degrees; None where one has no hue."""
    one, two = _hue_deg(key), _hue_deg(other)
    return None if one is None or two is None else abs(signed_deg(one - two))


def caption_fields(lighting: dict[str, Any], camera_azimuth_deg: float = 0.0) -> dict[str, str]:
    """The fields of ``lighting`` that this section determines, in FIBO's order.

    ``camera_azimuth_deg`` counts only for lights that stay in the world.
    """
    turn = camera_azimuth_deg if lighting.get("frame") == "world" else 0.0
    lights = lights_of(lighting)
    key = key_of(lights)
    fields = {"conditions": _conditions(lighting, lights, key)}
    if key is not None:
        seen = [light | {"seen_deg": signed_deg(light.get("azimuth_deg", 0.0) - turn)} for light in lights]
        key_seen = seen[next(index for index, light in enumerate(lights) if light is key)]
        twin = _twin(seen, key_seen)
        fields["direction"] = _direction(seen, key_seen, twin)
        fields["shadows"] = _shadows(lighting, key_seen, twin)
    return {name: text for name, text in fields.items() if text}


def _rank(light: Light) -> tuple[float, str]:
    return _intensity(light), json.dumps(light, sort_keys=True)


def _intensity(light: Light) -> float:
    return float(light.get("intensity", 1.0))


def _type_row(light: Light) -> dict[str, Any]:
    return entry("light_types", light["type"], "light type") if "type" in light else {}


def _family(light: Light) -> str:
    return str(_type_row(light).get("family", _STUDIO))


def _hue_deg(light: Light) -> float | None:
    if "color" not in light:
        return None
    _, green_red, blue_yellow = oklab(light["color"])
    if math.hypot(green_red, blue_yellow) < _NEUTRAL_CHROMA:
        return None
    return math.degrees(math.atan2(blue_yellow, green_red))


def _conditions(lighting: dict[str, Any], lights: list[Light], key: Light | None) -> str:
    said = phrases(_WORDS, "conditions")
    parts = []
    if "setup" in lighting:
        parts.append(entry("setups", lighting["setup"], "lighting setup")["words"])
    elif key and "time_of_day" not in lighting:
        parts.append(band(brightness(lighting), bands(_WORDS, f"{_family(key)}_by_brightness")))
    if "time_of_day" in lighting:
        parts.append(phrases(_WORDS, "time_of_day")[lighting["time_of_day"]])
    if key:
        kind = _type_row(key).get("words")
        if kind and not any(kind in part for part in parts):
            parts.append(said["key_type"].format(type=kind))
        parts += _color_words(lights, key)
    if "environment" in lighting:
        parts.append(said["environment"])
    if "ambient" in lighting:
        parts.append(band(lighting["ambient"], bands(_WORDS, "ambient")))
    return ", ".join(part for part in parts if part)


def _color_words(lights: list[Light], key: Light) -> list[str]:
    """The colour of the key, and of the strongest other light that is clearly of another colour."""
    own = ""
    if "color" in key:
        own = phrases(_WORDS, "conditions")["colored"].format(color=color_name(key["color"]))
    elif "color_temperature_k" in key:
        own = band(key["color_temperature_k"], bands(_WORDS, f"{_family(key)}_warmth_by_kelvin"))
    others = sorted((light for light in lights if light is not key and _intensity(light) > 0), key=_rank, reverse=True)
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
    white = _hue_deg(key) is None and _hue_deg(other) is None
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
        and abs(math.log2(max(_intensity(light), 1e-9) / max(_intensity(key), 1e-9))) <= _TWIN_STOPS
    ]
    return max(pairs, key=_rank, default=None)


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
    """Words for the lights beside the key, role by role; lights of one role on both sides share a phrase.

    Of several key lights the caption speaks of the strongest only.
    """
    said = []
    for role in (role for role in phrases(_WORDS, "roles") if role != "key"):
        sides: dict[str, set[str]] = {}
        for light in sorted((light for light in lights if light["role"] == role), key=_rank, reverse=True):
            sides.setdefault(_second_light(light), set()).add(side(light["seen_deg"]))
        names = phrases(_WORDS, "sides")
        said += [words.format(side=names["both" if len(on) == 2 else min(on)]) for words, on in sides.items()]
    return said


def _second_light(light: Light) -> str:
    role = light["role"]
    high_or_low = bands(_WORDS, "fill_by_elevation_deg") if role == "fill" else []
    words = band(light.get("elevation_deg", 0.0), high_or_low) if high_or_low else ""
    return words or band(abs(light["seen_deg"]), bands(_WORDS, f"{role}_by_azimuth_deg"))


def _side(light: Light, twin: Light | None, opposite: bool = False) -> str:
    on = side(light["seen_deg"])
    return phrases(_WORDS, "sides")["both" if twin else _OPPOSITE[on] if opposite else on]


def _shadows(lighting: dict[str, Any], key: Light, twin: Light | None) -> str:
    elevation = key.get("elevation_deg", 0.0)
    falling = band(elevation, bands(_WORDS, "shadow_straight_by_elevation_deg"))
    if not falling:
        fall = band(abs(key["seen_deg"]), bands(_WORDS, _fall(elevation)))
        falling = fall.format(side=_side(key, twin, opposite=True))
    parts = [
        band(apparent_size(key), bands(_WORDS, "hardness_by_size_over_distance")),
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
