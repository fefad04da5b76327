"""The lights of a shot, as the widgets of a node give them."""

from __future__ import annotations

from typing import Any

from ..errors import EditError, require_choice
from ..studio.lighting import lights_of
from ..studio.words import entry, signed_deg
from .field import put
from .written import begun, finished

LIGHT_ACTIONS = ("replace", "add")
"""What becomes of the lights that have the new one's role."""
FRAMES = ("camera", "world")


def set_light(
    manifest: dict[str, Any] | None, light: dict[str, Any], action: str = "replace", source: str = "manifest"
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with one light more, or in place of those of its role.

    ``light`` is one of the manifest's lights. The lights of a named setup become lights of the shot's own first, so
    that one of them can be changed; the setup's name stays, for its words.
    """
    require_choice("action", action, LIGHT_ACTIONS)
    before = begun(manifest)
    lighting = before.get("lighting", {})
    there = lights_of(lighting)
    kept = [other for other in there if action == "add" or other["role"] != light.get("role")]
    result = put(before, ("lighting", "lights"), [*kept, light])
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

    ``mirrored`` has the key light on the other side. A colour temperature other than 0 takes the place of every
    light's. Both write the setup's lights out, so that they can be changed.
    """
    require_choice("frame", frame, FRAMES)
    row = entry("setups", setup, "lighting setup")
    lighting: dict[str, Any] = {"setup": setup}
    if mirrored or color_temperature_k:
        lighting["lights"] = [_changed(light, mirrored, color_temperature_k) for light in row["lights"]]
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
    """A light of the manifest; a colour wins over the colour temperature, 0 × 0 is the usual size of its type."""
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
    light |= {"color": color.strip()} if color.strip() else {"color_temperature_k": color_temperature_k}
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


def _changed(light: dict[str, Any], mirrored: bool, color_temperature_k: float) -> dict[str, Any]:
    changed = dict(light)
    if mirrored and "azimuth_deg" in light:
        changed["azimuth_deg"] = signed_deg(-light["azimuth_deg"])
    if color_temperature_k and "color" not in light:
        changed["color_temperature_k"] = color_temperature_k
    return changed
