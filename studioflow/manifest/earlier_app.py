"""Manifests of the earlier StudioFlow app, which carry no version, as manifests of format 1.0.

What may go over is what our schema allows; words that the two formats spell differently stand in earlier_app.json.
Nothing is lost: all that the manifest does not give back exactly stays under ``extensions["studioflow-app"]``,
at its old place in the tree.
"""

from __future__ import annotations

import math
from typing import Any

from ..studio.optics import field_of_view_deg
from ..studio.words import entry, signed_deg
from .foreign import GONE, Place, dotted, fits, options_of, rule_of, show, translated, wanted, words
from .locate import Path
from .notes import Imported
from .schema import Rule, rules_for
from .shapes import is_caption

EXTENSION = "studioflow-app"
_AHEAD_M = 1.0
"""How far ahead a camera looks that has no subject in its view."""
_NEAREST_M, _FARTHEST_M = 0.1, 10_000.0 - _AHEAD_M


def is_earlier_app(document: dict[str, Any]) -> bool:
    """Whether this can be a manifest of the earlier app: no version, and keys that nothing else has.

    A scene of nothing but a description, or materials alone, could be anybody's and do not count.
    """
    if "studioflow" in document or is_caption(document):
        return False
    return any(all(_has(document, place.split("/")) for place in row) for row in words()["marks"])


def from_earlier_app(document: dict[str, Any], source: str = "manifest") -> Imported:
    """The manifest, and notes on all of the source: what was converted, guessed and kept, and warnings.

    A number that the schema forbids is kept and left out; only a strength of guidance between 1 and 2 becomes 1.
    ``source`` names the document in an error. Raises ManifestError where it is nested too deeply to be kept whole.
    """
    whole = Place(document, ())
    manifest: dict[str, Any] = {"studioflow": "1.0", "scene": {}}
    for name, convert in _SECTIONS.items():
        section = _section(whole, name)
        manifest |= convert(section)
        if section.path != (name,):
            whole[name].stays("kept", "gives way to what scene_template says")
    for name in ("batch_config", "variable_mappings"):
        whole[name].stays("kept", "is about a batch, and a manifest is a single shot")
    rest = whole.rest(source)
    if rest is not GONE:
        manifest["extensions"] = {EXTENSION: rest}
    return Imported(manifest, tuple(note for _, note in sorted(whole.book.said, key=lambda said: said[0])))


# ---------------------------------------------------------------- sections


def _scene(scene: Place) -> dict[str, Any]:
    scene.opens()
    description = scene["description"].goes("scene", "description")
    seed = scene["seed"].goes("render", "seed")
    return {"scene": _present(description=description), **_present(render=_present(seed=seed))}


def _camera(camera: Place) -> dict[str, Any]:
    lens = camera.opens()["lens"].opens()
    focal = lens["focal_length_mm"].goes("camera", "lens", "focal_length_mm")
    aperture = lens["aperture"].goes("camera", "lens", "aperture")
    focal = _focal_length_mm(camera["fov_degrees"], focal)
    return _present(camera=_present(lens=_present(focal_length_mm=focal, aperture=aperture), pose=_pose(camera)))


def _focal_length_mm(fov: Place, focal: float | None) -> float | None:
    """The focal length in force, in mm: the one given, else that of the angle of view on full frame.

    f = h / (2 tan(angle / 2)) with the height h of 24 mm, because a 3D program's angle of view is the vertical one.
    """
    sensor, rule = entry("sensors", "full_frame", "sensor"), rule_of("camera", "lens", "focal_length_mm")
    if not _is_number(fov.value, 179.9) or fov.value < 0.1:
        fov.stays("kept", "is no angle of view in degrees")
    elif focal is None:
        computed = round(sensor["height_mm"] / (2.0 * math.tan(math.radians(fov.value) / 2.0)), 2)
        if fits(computed, rule):
            fov.stays("guessed", f"became camera.lens.focal_length_mm {computed} (a vertical angle on full frame)")
            return computed
        fov.stays("kept", f"means a focal length of {computed} mm, which is not {wanted(rule)}")
    else:
        angles = [field_of_view_deg(sensor[side], focal) for side in ("height_mm", "width_mm")]
        view = f"{focal:g} mm on full frame, {angles[0]:.1f} vertically and {angles[1]:.1f} horizontally"
        if any(abs(fov.value - angle) <= 0.5 for angle in angles):
            fov.stays("kept", f"says the same as {view}")
        else:
            fov.stays("warning", f"disagrees with {view}; the focal length counts")
    return focal


def _pose(camera: Place) -> dict[str, Any]:
    place, turn = camera["position"], camera["rotation"]
    position, rotation = _vector(place.value), _rotation(turn.value)
    if rotation is None:
        turn.stays("kept", "is no pitch, yaw and roll in degrees")
    if position is None:
        place.stays("kept", f"is no place x, y, z within {_FARTHEST_M:g} m")
        if rotation:
            turn.stays("kept", "has no position to turn at")
        return {}
    pose: dict[str, Any] = {"position_m": [place.value[axis] for axis in "xyz"]}
    if rotation:
        pitch, yaw, roll = rotation
        pose["look_at_m"], point = look_at_m(position, pitch, yaw)
        pose |= {"roll_deg": signed_deg(roll)} if roll else {}
        became = f"became camera.pose.look_at_m {show(pose['look_at_m'])}, {point}"
        about = "yaw 0 looking along -Z, yaw to the left, pitch up and roll clockwise are assumed"
        turn.stays("guessed", f"{became} (their axes are not written down; {about})")
    elif math.hypot(*position) < _NEAREST_M:
        place.stays("kept", "is where the subject stands, and no rotation tells the view")
        return {}
    else:
        pose["look_at_m"] = [0.0, 0.0, 0.0]
        place.says("guessed", "looks at the origin in camera.pose.look_at_m, for want of a rotation")
    place.takes("became camera.pose.position_m", "xyz")
    return pose


def look_at_m(position: tuple[float, float, float], pitch: float, yaw: float) -> tuple[list[float], str]:
    """A point on the view ray, [x, y, z] in metres to the micrometre, and in words which one it is.

    The camera looks along -Z, then is turned by ``yaw`` degrees to the left about +Y and by ``pitch`` degrees up:
    (-sin yaw cos pitch, sin pitch, -cos yaw cos pitch).
    """
    up, left = math.radians(pitch), math.radians(yaw)
    ray = (-math.sin(left) * math.cos(up), math.sin(up), -math.cos(left) * math.cos(up))
    # A ray steeper than 60 degrees meets the subject's axis far above or below it, if ever; there the origin counts.
    axes = (0, 2) if math.hypot(ray[0], ray[2]) >= 0.5 else (0, 1, 2)
    along = -sum(position[i] * ray[i] for i in axes) / sum(ray[i] ** 2 for i in axes)
    point = "the point of its view nearest the subject"
    if along < _NEAREST_M:
        along, point = _AHEAD_M, f"{_AHEAD_M:g} m ahead, because the subject is beside or behind it"
    elif any(abs(start + along * step) > _FARTHEST_M for start, step in zip(position, ray, strict=True)):
        along, point = _AHEAD_M, f"{_AHEAD_M:g} m ahead, because its view passes the subject too far away"
    return [_tidy(start + along * step) for start, step in zip(position, ray, strict=True)], point


def _lighting(lighting: Place) -> dict[str, Any]:
    key = lighting.opens()["key"]["intensity"].value
    unit = float(key) if _is_number(key, 1000) and key >= 0.001 else None
    lights: list[dict[str, Any]] = []
    for role in ("key", "fill", "rim"):
        lights += _light(lighting[role].opens(), role, unit, ("lighting", "lights", len(lights)))
    if lights:
        lighting.says("guessed", "directions are read as seen from the camera")
    if unit is None and any("intensity" in light for light in lights):
        lighting.says("guessed", "has no key light to be the unit of intensity; all are taken as they are")
    even = lighting["ambient"].opens()["intensity"]
    ambient = even.goes("lighting", "ambient")
    if ambient is not None and unit not in (None, 1.0):
        even.says("guessed", "is taken as relative to the key already")
    return _present(lighting=_present(lights=lights, ambient=ambient))


def _light(given: Place, role: str, unit: float | None, at: Path) -> list[dict[str, Any]]:
    """The light, or nothing where nothing about it can be read; ``unit`` is the key's intensity."""
    light = _present(type=given["type"].means(*at, "type"), **_direction(given["direction"], at))
    light |= _present(intensity=_intensity(given["intensity"], unit, at), color=given["color"].goes(*at, "color"))
    if not light:
        return []
    if "azimuth_deg" not in light:
        light |= words()["directions"][role]
        given.says("guessed", f"has no direction; azimuth_deg {light['azimuth_deg']} and elevation_deg 0 are taken")
    return [{"role": role} | light]


def _direction(given: Place, at: Path) -> dict[str, float]:
    vector = _vector(given.value)
    if vector is None or not any(vector):
        given.stays("kept", "is no direction x, y, z")
        return {}
    azimuth, elevation = light_angles_deg(*vector)
    a, e = math.radians(azimuth), math.radians(elevation)
    became = f"became {dotted(at)}.azimuth_deg {azimuth:g} and elevation_deg {elevation:g}"
    if math.dist(vector, (math.cos(e) * math.sin(a), math.sin(e), -math.cos(e) * math.cos(a))) <= 1e-9:
        given.takes(became, "xyz")
    else:
        given.stays("converted", f"{became}, which do not give it back exactly")
    return {"azimuth_deg": azimuth, "elevation_deg": elevation}


def light_angles_deg(x: float, y: float, z: float) -> tuple[float, float]:
    """Azimuth and elevation, degrees to six decimals, of a light direction of the earlier app.

    Azimuth = atan2(x, -z), so -Z is the front there and +X the right; elevation = atan2(y, hypot(x, z)).
    """
    # The added zeros turn -0.0 into 0.0, for which atan2 has another answer.
    return _tidy(math.degrees(math.atan2(x + 0.0, 0.0 - z))), _tidy(math.degrees(math.atan2(y, math.hypot(x, z))))


def _intensity(given: Place, unit: float | None, at: Path) -> float | None:
    """The intensity in units of the key's; as it stands where the key gives no unit."""
    at = (*at, "intensity")
    if unit in (None, 1.0) or not _is_number(given.value):
        return given.goes(*at)  # type: ignore[no-any-return]
    scaled = _tidy(given.value / unit)
    if not fits(scaled, rule_of(*at)):
        given.stays("kept", f"is {scaled} times the key's, which is not {wanted(rule_of(*at))}")
        return None
    given.stays("converted", f"became {dotted(at)} {scaled}, the key's {unit:g} being 1")
    return scaled


def _materials(materials: Place) -> dict[str, Any]:
    most, found = rules_for(["materials"])[0]["maxProperties"], {}
    for name in materials.opens().keys():
        # Any other name stands in the note on what nobody looked at.
        if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 100 and len(found) < most:
            material = materials[name].opens()
            fields = rules_for(["materials", name])[-1]["properties"]
            found[name] = _present(**{key: material[key].goes("materials", name, key) for key in fields})
    return _present(materials=_present(**found))


def _controlnet(controlnet: Place) -> dict[str, Any]:
    guidance: list[dict[str, Any]] = []
    if isinstance(controlnet.value, list) and controlnet.value:
        for index in controlnet.keys()[: rules_for(["guidance"])[0]["maxItems"]]:
            guidance += _guide(controlnet[index].opens(), ("guidance", len(guidance)))
    else:
        guidance += _guide(controlnet.opens(), ("guidance", 0))
    return _present(guidance=guidance)


def _guide(given: Place, at: Path) -> list[dict[str, Any]]:
    """The picture that guides, or nothing where its kind is none of ours or there is no picture."""
    picture, strength = given["image_ref"], given["strength"]
    kinds = options_of(*at, "kind")
    if not isinstance(given.value, dict) or not given.value:
        return []
    if translated(given["type"].value, kinds)[0] is None:
        given.stays("kept", f"has no type that is one of {', '.join(kinds)}")
        return []
    if not fits(picture.value, rule_of(*at, "image")):
        given.stays("kept", f"has no image_ref that is {wanted(rule_of(*at, 'image'))}")
        return []
    guide = {"kind": given["type"].means(*at, "kind"), "image": picture.goes(*at, "image")}
    if _is_number(strength.value, 2) and strength.value > 1:
        strength.stays("guessed", f"became {dotted(at)}.strength 1.0, the most there is")
        return [guide | {"strength": 1.0}]
    return [guide | _present(strength=strength.goes(*at, "strength"))]


def _post_process(post: Place) -> dict[str, Any]:
    export, tone = post.opens()["export"].opens(), post["tone_mapping"]
    kind = export["format"].means("export", 0, "format")
    if kind is None:
        tone.stays("kept", "has no file with a format to belong to")
        return {}
    fields = next(rule["properties"] for rule in rules_for(["export", 0]) if kind in _formats(rule))
    file: dict[str, Any] = {"format": kind}
    if "quality" in fields:
        file |= _present(quality=export["quality"].goes("export", 0, "quality"))
    else:
        export["quality"].stays("kept", f"means nothing for {kind}")
    if "tone_mapping" in fields:
        file |= _present(tone_mapping=_tone_mapping(tone))
    else:
        tone.stays("kept", f"is not for {kind}, which keeps the whole range")
    return {"export": [file]}


def _tone_mapping(tone: Place) -> dict[str, Any]:
    at = ("export", 0, "tone_mapping")
    enabled, exposure = tone.opens()["enabled"], tone["exposure"]
    if enabled.value is False:
        enabled.takes(f'became {dotted(at)}.operator "none"')
        return {"operator": "none"}
    if enabled.value is not True:
        enabled.stays("kept", "does not say whether tones are mapped")
        return {}
    operator = tone["operator"].means(*at, "operator")
    if operator is None:
        operator = "reinhard"
        enabled.stays("guessed", f'became {dotted(at)}.operator "reinhard", for want of a name that we know')
    else:
        enabled.stays("converted", f"is what {dotted(at)}.operator says")
    if not fits(exposure.value, rule_of(*at, "exposure_ev")):
        exposure.stays("kept", f"is not {wanted(rule_of(*at, 'exposure_ev'))}")
        return {"operator": operator}
    exposure.stays("guessed", f"became {dotted(at)}.exposure_ev (its unit is not written down; stops are assumed)")
    return {"operator": operator, "exposure_ev": exposure.value}


_SECTIONS = {
    "scene": _scene,
    "camera": _camera,
    "lighting": _lighting,
    "materials": _materials,
    "controlnet": _controlnet,
    "post_process": _post_process,
}


# ---------------------------------------------------------------- reading


def _section(whole: Place, name: str) -> Place:
    """A section in the template of a batch, which is like a whole manifest or like its scene alone, else at the top."""
    template = whole["scene_template"]
    if template[name].value is not GONE:
        return template[name]
    if name == "scene" and any(template[key].value is not GONE for key in ("description", "seed")):
        return template
    return whole[name]


def _has(value: Any, place: list[str]) -> bool:
    """Whether a place is there; of a list the first item counts."""
    for part in place:
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def _formats(file: Rule) -> list[str]:
    rule = file.get("properties", {}).get("format", {})
    return rule.get("enum", [rule.get("const")])  # type: ignore[no-any-return]


def _vector(value: Any) -> tuple[float, float, float] | None:
    x, y, z = (value.get(axis) if isinstance(value, dict) else None for axis in "xyz")
    return (float(x), float(y), float(z)) if all(_is_number(part, _FARTHEST_M) for part in (x, y, z)) else None


def _rotation(value: Any) -> tuple[float, float, float] | None:
    """Pitch, yaw and roll in degrees, 0 for one that is not there; None where none is or one is no angle."""
    if not isinstance(value, dict) or value.keys().isdisjoint(("pitch", "yaw", "roll")):
        return None
    pitch, yaw, roll = (value.get(name, 0.0) for name in ("pitch", "yaw", "roll"))
    return (pitch, yaw, roll) if all(_is_number(angle, 3600) for angle in (pitch, yaw, roll)) else None


def _is_number(value: Any, most: float = 1e9) -> bool:
    # The bound also keeps away whole numbers that are too large for a float.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= most


def _tidy(number: float) -> float:
    """To six decimals, and never -0.0."""
    return round(number, 6) + 0.0


def _present(**fields: Any) -> dict[str, Any]:
    """The fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}
