"""The lights of a shot, as the widgets of a node give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import EditError, require_choice
from ..manifest import rules_for
from ..studio.color_temperature import mired
from ..studio.lighting import ambient_of, family_of, is_setup, kelvin_of, key_of, lights_of, seen_from
from ..studio.menus import FRAMES, LIGHT_ACTIONS
from ..studio.placement import orbit_of
from ..studio.words import entry, signed_deg
from .field import put
from .written import begun, finished


def set_light(
    manifest: dict[str, Any] | None, light: dict[str, Any], action: str = "replace", source: str = "manifest"
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with one light more, or in place of those of its role.

    ``light`` is one of the manifest's lights. The lights of a named setup become lights of the shot's own first, so
    that one of them can be changed; the setup's name stays for its words, as long as they hold. Where the name goes,
    the setup's ambient light becomes the shot's own too.
    """
    require_choice("action", action, LIGHT_ACTIONS)
    before = begun(manifest)
    lighting = before.get("lighting", {})
    there = lights_of(lighting)
    lights = [other for other in there if action == "add" or other["role"] != light.get("role")] + [light]
    result = put(before, ("lighting", "lights"), lights)
    result = result | {"lighting": _named_rightly(result["lighting"], result.get("camera", {}))}
    return finished(result, [("lighting", "lights")], source)


def set_setup(
    manifest: dict[str, Any] | None,
    setup: str,
    *,
    mirrored: bool = False,
    color_temperature_k: float = 0.0,
    frame: str = "camera",
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest (a new one where there is none) lit by a named setup, and by nothing else.

    ``mirrored`` has the key light on the other side. A colour temperature other than 0 is the key light's; the others
    keep their difference to it in mired, so that warm against cool stays that. Both write the setup's lights out, so
    that they can be changed. Daylight of another colour takes the setup's name away, as golden hour of 6500 K; there
    are no flames of another colour, and EditError says so.
    """
    require_choice("frame", frame, FRAMES)
    lights = entry("setups", setup, "lighting setup")["lights"]
    lighting: dict[str, Any] = {"setup": setup}
    if mirrored or color_temperature_k:
        shift = _mired_shift(lights, color_temperature_k) if color_temperature_k else 0.0
        lighting["lights"] = [_changed(light, mirrored, shift) for light in lights]
        lighting = _named_rightly(lighting, {})
        if "setup" not in lighting:
            _require_no_flames(lights, color_temperature_k)
    if frame != FRAMES[0]:
        lighting["frame"] = frame
    result = begun(manifest) | {"lighting": lighting}
    return finished(result, [("lighting",)], source)


def light_from_widgets(
    *,
    role: str,
    type: str,
    azimuth_deg: float,
    elevation_deg: float,
    distance_m: float,
    intensity: float,
    color_temperature_k: float,
    color: str = "",
    width_m: float = 0.0,
    height_m: float = 0.0,
) -> dict[str, Any]:
    """A light of the manifest; a colour wins over the colour temperature. 0 leaves that, and the size, to its type."""
    if bool(width_m) != bool(height_m):
        raise EditError(
            "a light has a width and a height",
            where="width_m" if not width_m else "height_m",
            found=f"{width_m:g} × {height_m:g} m",
            allowed="both, or 0 for both: the usual size of the type",
            fix="give the other one too",
        )
    light: dict[str, Any] = {
        "role": role,
        "type": type,
        "azimuth_deg": azimuth_deg,
        "elevation_deg": elevation_deg,
        "distance_m": distance_m,
        "intensity": intensity,
    }
    if color.strip():
        light["color"] = color.strip()
    elif color_temperature_k:
        light["color_temperature_k"] = color_temperature_k
    return light | ({"size_m": [width_m, height_m]} if width_m else {})


def lighting_diagram(manifest: dict[str, Any] | None, title: str = "") -> tuple[dict[str, Any], str]:
    """The shot and the plan of its lights from above, as SVG; without a shot, of a three-point setup.

    Without a ``title`` the plan has the shot's own.
    """
    from ..studio.diagram import diagram_svg

    shot = manifest or set_setup(None, "three_point")
    subject = next(iter(shot.get("scene", {}).get("subjects", [])), None)
    heading = title or shot.get("meta", {}).get("title", "")
    return shot, diagram_svg(shot.get("lighting", {}), shot.get("camera"), subject, title=heading)


def _named_rightly(lighting: dict[str, Any], camera: dict[str, Any]) -> dict[str, Any]:
    """The section with the name of its setup only where its lights, in the world or as the camera sees them, are it."""
    if "setup" not in lighting:
        return lighting
    setup, lights, ambient = lighting["setup"], lighting["lights"], lighting.get("ambient")
    if is_setup(setup, lights, ambient):
        return lighting
    orbit = orbit_of(camera) if camera and lighting.get("frame") == "world" else None
    if orbit and is_setup(setup, seen_from(lights, orbit["azimuth_deg"]), ambient):
        return lighting
    bare = {key: value for key, value in lighting.items() if key != "setup"}
    return bare | ({"ambient": ambient_of(lighting)} if ambient_of(lighting) else {})


def _require_no_flames(lights: Sequence[dict[str, Any]], color_temperature_k: float) -> None:
    key = key_of(lights)
    if key and family_of(key) == "fire":
        raise EditError(
            "flames have no such colour temperature",
            where="color_temperature_k",
            found=f"{color_temperature_k:g} K",
            allowed=f"0 for the setup's own {kelvin_of(key):g} K, or one near it",
            fix="take a setup with another kind of light for cooler light",
        )


def _mired_shift(lights: Sequence[dict[str, Any]], color_temperature_k: float) -> float:
    """By how many mired a setup's lights change so that its key light has a colour temperature."""
    low, high = _kelvin_range()
    if not low <= color_temperature_k <= high:
        raise EditError(
            "there is no such colour temperature",
            where="color_temperature_k",
            found=f"{color_temperature_k:g} K",
            allowed=f"0 for the setup's own, or {low} to {high} K",
            fix="write for example 3200 for tungsten light or 5600 for daylight",
        )
    key = key_of([light for light in lights if "color_temperature_k" in light])
    return mired(color_temperature_k) - mired(key["color_temperature_k"]) if key else 0.0


def _changed(light: dict[str, Any], mirrored: bool, mired_shift: float) -> dict[str, Any]:
    changed = dict(light)
    if mirrored and "azimuth_deg" in light:
        changed["azimuth_deg"] = signed_deg(-light["azimuth_deg"])
    if mired_shift and "color_temperature_k" in light:
        low, high = _kelvin_range()
        # Beyond what a manifest allows there is only more of the same blue.
        shifted = mired(light["color_temperature_k"]) + mired_shift
        kelvin = high if shifted <= mired(high) else min(max(1e6 / shifted, low), high)
        changed["color_temperature_k"] = round(kelvin)
    return changed


def _kelvin_range() -> tuple[float, float]:
    """What a manifest allows for the colour temperature of a light."""
    (rule,) = [rule for rule in rules_for(("lighting", "lights", 0, "color_temperature_k")) if "minimum" in rule]
    return rule["minimum"], rule["maximum"]
