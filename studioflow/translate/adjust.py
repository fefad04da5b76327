"""Relative changes of a shot in numbers: warmer, lower, closer, softer. What the shot does not have stays missing.

Which words mean which of them, by how much and why, note_words.json says. Nothing here touches the manifest's
``caption``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..edit.field import put
from ..edit.light import set_light
from ..manifest import rules_for
from ..studio.color import hex_of_oklch, oklch
from ..studio.color_temperature import mired
from ..studio.lens import lens_of
from ..studio.lighting import USUAL_SIZE_M, ambient_of, intensity_of, kelvin_of, key_of, lights_of, lit, type_of
from ..studio.placement import Orbit, orbit_of, orbit_to_pose, pose_of, pose_to_orbit
from ..studio.words import signed_deg

Manifest = dict[str, Any]
Step = dict[str, Any]

_LENGTHS_MM = (8, 10, 12, 14, 16, 18, 20, 24, 28, 35, 40, 50, 60, 70, 85, 105, 120, 135, 150, 180, 200, 250, 300, 400)
_STOPS = (
    *(0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.5, 2.8, 3.2, 3.5, 4.0, 4.5, 5.0, 5.6, 6.3, 7.1),
    *(8.0, 9.0, 10.0, 11.0, 13.0, 14.0, 16.0, 18.0, 20.0, 22.0, 25.0, 29.0, 32.0, 36.0, 40.0, 45.0, 51.0, 57.0, 64.0),
)
"""Engraved f-numbers in thirds of a stop."""


class Amount(NamedTuple):
    """How much of a change: so many of its usual steps, or ``value`` in a ``unit`` (stop, degree, kelvin, m, mm)."""

    times: float = 1.0
    value: float | None = None
    unit: str = ""

    def of(self, usual: float, unit: str) -> float | None:
        """The amount for a step of ``usual`` in ``unit``; None where it was said in another unit."""
        if self.value is None:
            return usual * self.times
        return None if self.unit != unit else abs(self.value) * (1 if usual > 0 else -1)


class Adjusted(NamedTuple):
    """The changed shot, and what changed in it, as a person reads it."""

    manifest: Manifest
    told: str


def adjusted(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    """The shot after one step of note_words.json, of the given amount.

    None where the shot has nothing that it would change, or is at the end of its range. Raises StudioFlowError where
    the step leads to a camera that there is none of (a focus within the lens).
    """
    return _STEPS[step["what"]](manifest, step, amount)


def _orbit(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    camera, name = manifest.get("camera", {}), step["of"]
    placed = orbit_of(camera) if camera else None
    by = amount.of(step["by"], "degree") if "by" in step else 0.0
    if placed is None or by is None:
        return None
    before = placed[name]
    after = float(step["to"]) if "to" in step else before + by
    after = min(max(after, -90.0), 90.0) if name == "elevation_deg" else signed_deg(after)
    return _placed(manifest, name, before, after, "°")


def _distance(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    camera = manifest.get("camera", {})
    placed = orbit_of(camera) if camera else None
    if placed is None or amount.unit not in ("", "m"):
        return None
    before = placed["distance_m"]
    if amount.value is None:
        after = before * step["times"] ** amount.times
    else:
        after = before + amount.value * (1 if step["times"] > 1 else -1)
    after = round(min(after, 10_000.0), 3)
    if after <= 0.0:
        return None
    moved = _placed(manifest, "distance_m", before, after, " m")
    focus = camera.get("lens", {}).get("focus_distance_m")
    if moved is None or focus is None:
        return moved
    followed = round(max(focus + after - before, 0.01), 3)
    told = f"{moved.told}; camera.lens.focus_distance_m: {focus:g} → {followed:g} m"
    return Adjusted(put(moved.manifest, ("camera", "lens", "focus_distance_m"), followed), told)


def _placed(manifest: Manifest, name: str, before: float, after: float, unit: str) -> Adjusted | None:
    """The shot with one number of its orbit changed, in whichever form its camera is placed."""
    if abs(after - before) < 1e-9:
        return None
    told = f"camera.orbit.{name}: {before:g} → {after:g}{unit}"
    camera = manifest["camera"]
    if "orbit" in camera:
        return Adjusted(put(manifest, ("camera", "orbit", name), _tidy(after)), told)
    pose = pose_of(camera)
    if pose is None:
        return None
    turned: Orbit = pose_to_orbit(pose)._replace(**{name: after})
    moved = orbit_to_pose(turned)
    written = {"position_m": [round(part, 4) for part in moved.position_m], "look_at_m": list(moved.look_at_m)}
    if abs(moved.roll_deg) > 1e-6:
        written["roll_deg"] = round(moved.roll_deg, 4)
    return Adjusted(put(manifest, ("camera", "pose"), written), told.replace(".orbit.", ".pose, "))


def _focal(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    camera = manifest.get("camera", {})
    before = lens_of(camera).focal_length_mm
    if before is None or amount.unit not in ("", "mm"):
        return None
    longer = step["times"] > 1.0
    if amount.value is not None:
        after = before + (amount.value if longer else -amount.value)
    else:
        wanted = before * step["times"] ** amount.times
        after = min(_LENGTHS_MM, key=lambda mark: abs(mark - wanted))
    after = min(max(after, 1.0), 2000.0)
    if after == before or (after > before) != longer:
        return None
    told = f"camera.lens.focal_length_mm: {before:g} → {after:g} mm"
    return Adjusted(put(manifest, ("camera", "lens", "focal_length_mm"), _tidy(after)), told)


def _aperture(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lens = lens_of(manifest.get("camera", {}))
    stops = amount.of(step["stops"], "stop")
    if lens.aperture is None or stops is None:
        return None
    wanted = lens.aperture * 2.0 ** (stops / 2.0)
    after = max(min(_STOPS, key=lambda mark: abs(mark - wanted)), lens.widest or _STOPS[0])
    if after == lens.aperture or (after > lens.aperture) != (stops > 0):
        return None
    told = f"camera.lens.aperture: f/{lens.aperture:g} → f/{after:g}"
    return Adjusted(put(manifest, ("camera", "lens", "aperture"), _tidy(after)), told)


def _mired(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lights = lights_of(manifest.get("lighting", {}))
    key = key_of([light for light in lights if kelvin_of(light) is not None])
    if key is None or amount.unit not in ("", "kelvin"):
        return None
    low, high = _range("color_temperature_k")
    shift = step["by"] * amount.times
    before = kelvin_of(key) or 0.0
    if amount.value is not None:
        wanted = before - amount.value if step["by"] > 0 else before + amount.value
        shift = mired(min(max(wanted, low), high)) - mired(before)
    changed = []
    for light in lights:
        kelvin = kelvin_of(light)
        if kelvin is not None:
            # Beyond the range there is only more of the same colour.
            shifted = min(max(mired(kelvin) + shift, mired(high)), mired(low))
            light = light | {"color_temperature_k": round(1e6 / shifted)}
        changed.append(light)
    after = key_of([light for light in changed if kelvin_of(light) is not None])
    if changed == lights or after is None:
        return None
    count = sum(1 for one, other in zip(lights, changed, strict=True) if one != other)
    others = f", and {count - 1} more light{'s' if count > 2 else ''} by as many mired" if count > 1 else ""
    told = f"lighting, {key['role']} color_temperature_k: {before:g} → {kelvin_of(after):g} K{others}"
    return Adjusted(with_lights(manifest, changed), told)


def _ambient(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lighting = manifest.get("lighting")
    by = amount.of(step["by"], "") if amount.unit != "stop" else step["by"] * (amount.value or 1.0)
    if not lighting or not lights_of(lighting) or by is None:
        return None
    before = ambient_of(lighting)
    after = round(min(max(before + by, step.get("least", 0.0), 0.0), 1.0), 3)
    if after == before:
        return None
    dimmed = put(manifest, ("lighting", "ambient"), after)
    return Adjusted(with_lights(dimmed, lights_of(lighting)), f"lighting.ambient: {before:g} → {after:g}")


def _intensity(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lights, stops = lights_of(manifest.get("lighting", {})), amount.of(step["stops"], "stop")
    chosen = [light for light in lit(lights) if light["role"] == step["role"]]
    if not chosen or stops is None:
        return None
    most = _range("intensity")[1]
    changed = [
        light | {"intensity": round(min(intensity_of(light) * 2.0**stops, most), 4)} if light in chosen else light
        for light in lights
    ]
    after = next(light for light in changed if light["role"] == step["role"] and intensity_of(light) > 0)
    told = f"lighting, {step['role']} intensity: {intensity_of(chosen[0]):g} → {intensity_of(after):g}"
    return Adjusted(with_lights(manifest, changed), told)


def _remove(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lights = lights_of(manifest.get("lighting", {}))
    others = [light for light in lights if light["role"] != step["role"]]
    if amount.unit or not lit(others) or len(others) == len(lights):
        return None
    return Adjusted(with_lights(manifest, others), f"lighting, {step['role']}: removed")


def _size(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    def change(light: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        row = type_of(light)
        # Sun, moon and sky are as large as they are.
        if amount.unit or "angular_size_deg" in row:
            return None
        size = light.get("size_m") or row.get("size_m", USUAL_SIZE_M)
        after = [round(min(max(side * step["times"] ** amount.times, 0.001), 1000.0), 4) for side in size]
        told = f"size_m: {size[0]:g} × {size[1]:g} → {after[0]:g} × {after[1]:g} m"
        return light | {"size_m": after}, told

    return _key_changed(manifest, change)


def _light_elevation(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    def change(light: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        by, before = amount.of(step["by"], "degree"), light.get("elevation_deg", 0.0)
        if by is None:
            return None
        after = min(max(before + by, -90.0), 90.0)
        return light | {"elevation_deg": _tidy(after)}, f"elevation_deg: {before:g} → {after:g}°"

    return _key_changed(manifest, change)


def _toward(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    turn = turn_of(manifest)

    def change(light: dict[str, Any]) -> tuple[dict[str, Any], str] | None:
        by, before = amount.of(step["by"], "degree"), light.get("azimuth_deg", 0.0)
        if by is None:
            return None
        way = signed_deg(step["azimuth_deg"] - (before - turn))
        after = signed_deg(before + max(min(way, by), -by))
        return light | {"azimuth_deg": _tidy(after)}, f"azimuth_deg: {before:g} → {after:g}°"

    return _key_changed(manifest, change)


def _mirror(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    lights, turn = lights_of(manifest.get("lighting", {})), turn_of(manifest)
    changed = [
        light | {"azimuth_deg": _tidy(signed_deg(2.0 * turn - light["azimuth_deg"]))}
        if "azimuth_deg" in light
        else light
        for light in lights
    ]
    before, after = key_of(lights), key_of(changed)
    if changed == lights or before is None or after is None:
        return None
    sides = f"{before.get('azimuth_deg', 0.0):g} → {after.get('azimuth_deg', 0.0):g}°"
    return Adjusted(with_lights(manifest, changed), f"lighting, all lights to the other side, key azimuth_deg: {sides}")


def _chroma(manifest: Manifest, step: Step, amount: Amount) -> Adjusted | None:
    before = manifest.get("scene", {}).get("palette", [])
    factor = step["times"] ** amount.times
    colors = [oklch(color) for color in before]
    after = [hex_of_oklch(color._replace(chroma=color.chroma * factor)) for color in colors]
    if amount.unit or [color.upper() for color in before] == after:
        return None
    told = f"scene.palette: {', '.join(before)} → {', '.join(after)}"
    return Adjusted(put(manifest, ("scene", "palette"), after), told)


_STEPS: dict[str, Callable[[Manifest, Step, Amount], Adjusted | None]] = {
    "orbit": _orbit,
    "distance": _distance,
    "focal": _focal,
    "aperture": _aperture,
    "mired": _mired,
    "ambient": _ambient,
    "intensity": _intensity,
    "remove": _remove,
    "size": _size,
    "light_elevation": _light_elevation,
    "toward": _toward,
    "mirror": _mirror,
    "chroma": _chroma,
}

_KeyChange = Callable[[dict[str, Any]], "tuple[dict[str, Any], str] | None"]


def _key_changed(manifest: Manifest, change: _KeyChange) -> Adjusted | None:
    """The shot with its key light changed; the lights of a setup become its own first."""
    lights = lights_of(manifest.get("lighting", {}))
    key = key_of(lights)
    found = change(key) if key else None
    if key is None or found is None or found[0] == key:
        return None
    changed = [found[0] if light is key else light for light in lights]
    return Adjusted(with_lights(manifest, changed), f"lighting, {key['role']} {found[1]}")


def with_lights(manifest: Manifest, lights: list[dict[str, Any]]) -> Manifest:
    """The shot with these lights, and the name of its setup only where they are still it."""
    *others, last = lights
    lit_by_others = put(manifest, ("lighting", "lights"), others or [last])
    return set_light(lit_by_others, last, "add" if others else "replace")


def turn_of(manifest: Manifest) -> float:
    """What an azimuth as the camera sees it differs by from a light's: the camera's own, where lights stay in the
    world."""
    camera = manifest.get("camera", {})
    placed = orbit_of(camera) if camera and manifest.get("lighting", {}).get("frame") == "world" else None
    return placed["azimuth_deg"] if placed else 0.0


def _range(name: str) -> tuple[float, float]:
    """What a manifest allows for a number of a light."""
    (rule,) = [rule for rule in rules_for(("lighting", "lights", 0, name)) if "minimum" in rule]
    return rule["minimum"], rule["maximum"]


def _tidy(number: float) -> float:
    """A number as a person writes it: few digits, whole where it is whole."""
    rounded = round(number, 4)
    return int(rounded) if rounded == int(rounded) else rounded
