"""The lighting section of a manifest in numbers: which lights shine, which is the key, how soft and how contrasty.

light_captions.py makes the words of them. Directions are measured from the camera unless the section says
``"frame": "world"``. Intensities are relative, as they arrive at the subject; a light of intensity 0 is off and counts
for nothing. The order of the lights in the list changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from .color import oklab
from .color_temperature import mired
from .words import bands, entry, signed_deg

Light = dict[str, Any]

_WORDS = "studio/light_words"
_NO_FILL_STOPS = 6.0
"""Contrast of a key light alone: nothing but stray light lifts the shadows."""
USUAL_SIZE_M = (0.6, 0.6)
USUAL_DISTANCE_M = 1.5
STUDIO = "studio"
"""The family of lights that name no type."""
_SPILL = 0.18
"""Of a key or fill light that is not focused, what falls past the subject onto the background: about 2.5 stops less."""
_NEUTRAL_CHROMA = 0.03
"""Oklab chroma below which a colour has no hue to speak of."""
_IN_FRONT_DEG, _APART_DEG = 90.0, 30.0
"""A second key light from in front lifts the shadows of the first where their directions are this far apart."""
_MOVED_DEG, _NUDGED_DEG, _ADDED_LIGHTS = 45.0, 15.0, 3
"""How far a light of a setup may be moved, and its key whatever words that crosses, and how many lights may be added,
while it is still that setup with changes."""
_COLOR_IN_THE_NAME = ("fire", "daylight", "night")
"""Families of light whose setups say its colour: candlelight is never blue."""


def lights_of(lighting: dict[str, Any]) -> list[Light]:
    """The lights in force: those given, else those of the named setup."""
    if lighting.get("lights"):
        return list(lighting["lights"])
    if "setup" in lighting:
        return list(entry("setups", lighting["setup"], "lighting setup")["lights"])
    return []


def lit(lights: Sequence[Light]) -> list[Light]:
    """The lights that are on; one of intensity 0 stays in the list for editing and is spoken of nowhere."""
    return [light for light in lights if intensity_of(light) > 0.0]


def seen_from(lights: Sequence[Light], azimuth_deg: float) -> list[Light]:
    """Lights of the world as a camera at that azimuth sees them: their azimuths measured from it."""
    return [light | {"azimuth_deg": signed_deg(light.get("azimuth_deg", 0.0) - azimuth_deg)} for light in lights]


def is_setup(setup: str, lights: Sequence[Light], ambient: float | None = None) -> bool:
    """Whether lights are those of a named setup with changes, so that its words still hold.

    At least half of its lights are there, perhaps mirrored or a little moved, and there are few others and no key
    beside its own. Its key is of the same family and from the same direction in words; its hardness, the contrast and,
    of firelight and daylight, the warmth may be one step of words away, high and low key none.
    ``ambient`` is the section's own, where it has one.
    """
    usual = {"setup": setup}
    own, shining = lights_of(usual), lit(lights)
    made = {"lights": shining, "ambient": ambient_of(usual) if ambient is None else ambient}
    return (
        _has_lights_of_setup(shining, own)
        and _steps("contrast_by_key_to_fill_stops", contrast_stops(made), contrast_stops(usual)) <= 1
        and _steps("studio_by_brightness", brightness(made), brightness(usual)) == 0
    )


def _has_lights_of_setup(lights: list[Light], own: list[Light]) -> bool:
    own_key = key_of(own)
    key = key_of([light for light in lights if own_key and light["role"] == own_key["role"]])
    if own_key is None or key is None or not _is_key_of_setup(key, own_key):
        return False
    missing = list(own)
    for light in lights:
        found = next((other for other in missing if _is_same_light(light, other, other is own_key)), None)
        if found is not None:
            missing.remove(found)
    few = 2 * len(missing) <= len(own) and len(lights) <= len(own) + _ADDED_LIGHTS
    added_key = own_key["role"] != "key" and any(light["role"] == "key" for light in lights)
    return own_key not in missing and few and not added_key


def _is_same_light(light: Light, other: Light, is_key: bool) -> bool:
    # A key light may be another modifier, but a sun makes no studio portrait.
    same = light.get("type") == other.get("type") or (is_key and family_of(light) == family_of(other))
    return same and light.get("role") == other.get("role") and max(_moved_deg(light, other)) <= _MOVED_DEG


def _is_key_of_setup(light: Light, own: Light) -> bool:
    """Whether a key has the direction, hardness and, of firelight and daylight, the warmth of a setup's own key."""
    (turned, raised), family = _moved_deg(light, own), family_of(own)
    azimuths = [abs(signed_deg(one.get("azimuth_deg", 0.0))) for one in (light, own)]
    elevations = [one.get("elevation_deg", 0.0) for one in (light, own)]
    kelvins = [kelvin_of(one) for one in (light, own)]
    in_name = family in _COLOR_IN_THE_NAME
    return (
        (turned <= _NUDGED_DEG or _steps("direction_by_azimuth_deg", *azimuths) == 0)
        and (raised <= _NUDGED_DEG or _steps("height_by_elevation_deg", *elevations) == 0)
        and _steps("hardness_by_size_over_distance", apparent_size(light), apparent_size(own)) <= 1
        and (not in_name or None in kelvins or _steps(f"{family}_warmth_by_kelvin", *kelvins) <= 1)
    )


def _moved_deg(light: Light, other: Light) -> tuple[float, float]:
    """By how much a light is turned, left and right taken as one, and by how much raised."""
    turned = abs(signed_deg(light.get("azimuth_deg", 0.0))) - abs(signed_deg(other.get("azimuth_deg", 0.0)))
    return abs(turned), abs(light.get("elevation_deg", 0.0) - other.get("elevation_deg", 0.0))


def _steps(group: str, *values: float) -> int:
    """How many bands of a group of words two values lie apart; 0 in the same one."""
    ends = [row["below"] for row in bands(_WORDS, group) if "below" in row]
    one, other = (sum(value >= end for end in ends) for value in values)
    return abs(one - other)


def ambient_of(lighting: dict[str, Any]) -> float:
    """The even light from everywhere, relative to the key: what the section says, else its setup, else 0."""
    usual = entry("setups", lighting["setup"], "lighting setup").get("ambient", 0.0) if "setup" in lighting else 0.0
    ambient: float = lighting.get("ambient", usual)
    return ambient


def key_of(lights: Sequence[Light]) -> Light | None:
    """The key light, or the strongest where none that is on is called so; None where all is dark.

    Of equal lights it is the one most from the front, then the higher, then the left one, so that the order of the
    list never matters.
    """
    shining = lit(lights)
    return max([light for light in shining if light["role"] == "key"] or shining, key=rank, default=None)


def key_to_fill_stops(lights: Sequence[Light]) -> float:
    """log2 of key over fill intensity, negative where the fill is stronger; six stops stand for no fill at all.

    The fills are summed. A second key light from in front that stands well apart from the first lifts its shadows
    like a fill, and counts as one.
    """
    key = key_of(lights)
    fill = _fill_of(lights, key) if key else 0.0
    return math.log2(max(intensity_of(key), 1e-9) / fill) if key and fill > 0 else _NO_FILL_STOPS


def contrast_stops(lighting: dict[str, Any]) -> float:
    """Brighter over darker side in stops, never negative: key and ambient over fill and ambient, or the reverse."""
    stops, ambient = key_to_fill_stops(lights_of(lighting)), ambient_of(lighting)
    return abs(stops) if ambient <= 0 else abs(math.log2((1.0 + ambient) / (2.0**-stops + ambient)))


def brightness(lighting: dict[str, Any]) -> float:
    """How bright shadows and background are on average, 0 (low key) to about 1 (high key), the lit side being 1.

    The background has its own lights, the ambient light, and what spills from key and fill lights, unless the type of
    all of them is focused.
    """
    lights, ambient = lit(lights_of(lighting)), ambient_of(lighting)
    key = key_of(lights)
    strength = max(intensity_of(key), _fill_of(lights, key)) if key else 1.0
    spills = any(light["role"] in ("key", "fill") and not type_of(light).get("focused") for light in lights)
    behind = math.fsum(intensity_of(light) for light in lights if light["role"] == "background") / strength
    background = min(1.0, max(behind, _SPILL if spills else 0.0) + ambient)
    return (min(1.0, 2.0 ** -contrast_stops(lighting)) + background) / 2.0


def _fill_of(lights: Sequence[Light], key: Light) -> float:
    """The summed intensity of what lifts the key's shadows."""
    others = list(lights)
    others.remove(key)
    return math.fsum(intensity_of(light) for light in others if light["role"] == "fill" or _is_front_key(light, key))


def _is_front_key(light: Light, key: Light) -> bool:
    from_front = abs(signed_deg(light.get("azimuth_deg", 0.0))) <= _IN_FRONT_DEG
    return light["role"] == "key" and from_front and _angle_deg(light, key) >= _APART_DEG


def _angle_deg(one: Light, other: Light) -> float:
    """The angle between the directions of two lights, 0 to 180 degrees (the spherical law of cosines)."""
    high, low = (math.radians(light.get("elevation_deg", 0.0)) for light in (one, other))
    apart = math.radians(one.get("azimuth_deg", 0.0) - other.get("azimuth_deg", 0.0))
    cosine = math.sin(high) * math.sin(low) + math.cos(high) * math.cos(low) * math.cos(apart)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def apparent_size(light: Light) -> float:
    """How large a light looks from the subject: the root of its area over its distance, so a thin strip is small.

    About the angle in radians while it is small. Size and distance that the light does not give are its type's, or
    0.6 m square at 1.5 m; sun, moon and sky look equally large from wherever they are said to stand. ("Light: Science
    and Magic", Hunter, Biver and Fuqua: size and distance decide how hard shadows are.)
    """
    row = type_of(light)
    if "size_m" not in light and "angular_size_deg" in row:
        return 2.0 * math.tan(math.radians(row["angular_size_deg"]) / 2.0)
    width, height = light.get("size_m") or row.get("size_m", USUAL_SIZE_M)
    return math.sqrt(width * height) / float(light.get("distance_m", USUAL_DISTANCE_M))


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
    usual = type_of(light).get("kelvin") if family_of(light) != STUDIO else None
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
    one, two = hue_deg(key), hue_deg(other)
    return None if one is None or two is None else abs(signed_deg(one - two))


def family_of(light: Light) -> str:
    """The family of the light's type: ``studio`` where it names none."""
    return str(type_of(light).get("family", STUDIO))


def type_of(light: Light) -> dict[str, Any]:
    """The row of light_types.json for the light; empty where it names no type."""
    return entry("light_types", light["type"], "light type") if "type" in light else {}


def intensity_of(light: Light) -> float:
    """The relative intensity, 1 where the light says none."""
    return float(light.get("intensity", 1.0))


def hue_deg(light: Light) -> float | None:
    """The hue of a coloured light in Oklab, in degrees; None where it has no colour, or white."""
    if "color" not in light:
        return None
    _, green_red, blue_yellow = oklab(light["color"])
    if math.hypot(green_red, blue_yellow) < _NEUTRAL_CHROMA:
        return None
    return math.degrees(math.atan2(blue_yellow, green_red))


def rank(light: Light) -> tuple[float, float, float, float, str]:
    """What the strongest light is found by: intensity, then how frontal, how high, and how far left it stands.

    The light's text comes last, so that lights of equal rank are equal.
    """
    azimuth = signed_deg(light.get("azimuth_deg", 0.0))
    return (
        intensity_of(light),
        -abs(azimuth),
        light.get("elevation_deg", 0.0),
        -azimuth,
        json.dumps(light, sort_keys=True),
    )
