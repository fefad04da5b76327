"""What a note states outright, laid on a shot: numbers, lights, a grade, a background, and what is to be absent.

The rules of briefs read it. What depends on more than its own words (a light more, a background) counts only where
its clause says nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..caption import body, compile_manifest
from ..edit.field import put
from ..edit.light import set_light, set_setup
from ..edit.overlay import overlay
from ..edit.path import dotted
from ..edit.written import leaves, value_at
from ..resources import table
from ..studio.lighting import key_of, lights_of
from ..studio.placement import pose_of, pose_to_orbit
from ..studio.words import signed_deg
from .adjust import turn_of, with_lights
from .brief import Brief, Found
from .build import built
from .note_clauses import WORDS
from .scan import Token, tokens_of

Manifest = dict[str, Any]

_OF_THE_KEY = {
    "key_azimuth_deg": "azimuth_deg",
    "key_elevation_deg": "elevation_deg",
    "key_type": "type",
    "color_temperature_k": "color_temperature_k",
}
_OF_ROLES = ("roles", "fill_intensity", "rim_azimuth_deg")
_SECTIONS = ("camera", "render")
_OF_SCENE = ("palette", "grade")
_NEGATIVE = "negative"
_NAMES = {"preset": "lens_preset", "width": "size", "height": "size", "count": "images"}
"""What a key of the manifest is called among the fields of a brief, where that is another name."""


class Stated(NamedTuple):
    """The shot with what was stated, the lines that say so, and what of the brief they came from."""

    manifest: Manifest
    lines: tuple[str, ...] = ()
    used: tuple[Found, ...] = ()


def stated(shot: Manifest, brief: Brief, alone: Callable[[Found], bool]) -> Stated:
    """The shot with the numbers and the lights that a note states. ``alone`` says that a clause says nothing else."""
    read = brief.manifest
    scene = {key: read["scene"][key] for key in _OF_SCENE if key in read.get("scene", {})}
    top: Manifest = {key: read[key] for key in _SECTIONS if key in read}
    if "render" in top:
        top["render"] = {key: value for key, value in top["render"].items() if key != _NEGATIVE}
    top |= {"scene": scene} if scene else {}
    result = overlay(_ready(shot, top), {"studioflow": read["studioflow"], "scene": {}} | top, "note") if top else shot
    lines, used = [], []
    for path in leaves(top, ()):
        found = _found_for(brief, str(path[-1]))
        if found and value_at(shot, path) != value_at(result, path):
            before = value_at(shot, path)
            was = "" if before in ({}, None) else f"{_plain(before)} → "
            lines.append(f'{dotted(path)}: {was}{_plain(value_at(result, path))}   "{brief.words(found.spans)}"')
        used += [found] if found else []
    result, of_light = _with_light(result, brief)
    result, of_roles = _with_roles(result, brief, alone)
    for found, line in (*of_light, *of_roles):
        lines += [f'{line}   "{brief.words(found.spans)}"'] if line else []
        used.append(found)
    return Stated(result, tuple(lines), tuple(used))


def _with_light(shot: Manifest, brief: Brief) -> tuple[Manifest, list[tuple[Found, str]]]:
    """The shot with the light that a note states: a setup, a time of day, or its key light's direction and kind."""
    told: list[tuple[Found, str]] = []
    by_field = {found.field: found for found in brief.found}
    lighting = shot.get("lighting", {})
    if not lights_of(lighting):
        of_light = [found for found in brief.found if found.field in (*_OF_THE_KEY, "setup", "time_of_day")]
        if not of_light:
            return shot, told
        lit = built({found.field: found.value for found in of_light}, "", "note")["lighting"]
        shot = overlay(shot, {"studioflow": brief.manifest["studioflow"], "scene": {}, "lighting": lit}, "note")
        return shot, [(found, f"{found.field}: {_plain(found.value)}") for found in of_light]
    if setup := by_field.get("setup"):
        shot = set_setup(shot, setup.value, frame=lighting.get("frame", "camera"))
        told.append((setup, f"lighting.setup: {lighting.get('setup', 'lights of its own')} → {setup.value}"))
    if time := by_field.get("time_of_day"):
        before = shot.get("lighting", {})
        shot = shot | {"lighting": before | {"time_of_day": time.value}}
        told.append((time, f"lighting.time_of_day: {before.get('time_of_day', 'none')} → {time.value}"))
    lights = lights_of(shot.get("lighting", {}))
    key = key_of(lights)
    wanted = {name: by_field[field] for field, name in _OF_THE_KEY.items() if field in by_field}
    if key is None or not wanted:
        return shot, told
    changed = dict(key)
    for name, found in wanted.items():
        value = found.value
        if name == "type":
            # The size of another kind of light is its own.
            changed.pop("size_m", None)
        if name == "color_temperature_k":
            changed.pop("color", None)
        if name == "azimuth_deg":
            value = signed_deg(value + turn_of(shot))
        changed[name] = value
        told.append((found, f"lighting, {key['role']} {name}: {_plain(key.get(name, 'usual'))} → {_plain(value)}"))
    return with_lights(shot, [changed if light is key else light for light in lights]), told


def _with_roles(
    shot: Manifest, brief: Brief, alone: Callable[[Found], bool]
) -> tuple[Manifest, list[tuple[Found, str]]]:
    """The shot with the lights more that a note names, each as a brief would have it beside this key light."""
    by_field = {found.field: found for found in brief.found if found.field in _OF_ROLES}
    roles = by_field.get("roles")
    if roles is None or not alone(roles):
        return shot, []
    told: list[tuple[Found, str]] = []
    lights = lights_of(shot.get("lighting", {}))
    there = {light["role"] for light in lights}
    key, turn = key_of(lights), turn_of(shot)
    beside = {"key_azimuth_deg": signed_deg(key.get("azimuth_deg", 0.0) - turn)} if key else {}
    for role in roles.value:
        if role in there:
            continue
        said = {field: found.value for field, found in by_field.items()} | {"roles": [role]} | beside
        light = next(one for one in lights_of(built(said, "", "note")["lighting"]) if one["role"] == role)
        light = light | {"azimuth_deg": signed_deg(light["azimuth_deg"] + turn)}
        shot = set_light(shot, light, "add", "note")
        told.append((roles, f"lighting, {role}: added, {light['type']} at {_plain(light['azimuth_deg'])}°"))
    if told:
        told += [(found, "") for field, found in by_field.items() if field != "roles"]
    return shot, told


def without_things(shot: Manifest, things: Sequence[str], words: str) -> Stated:
    """The shot without things: text goes, and what the shot does not speak of goes into its negative.

    Nothing changes where one of the things is in the shot, where only a model can take it out of the words.
    """
    rules = table(WORDS)
    lettering = [thing for thing in things if thing in rules["texts"]]
    before = shot.get("render", {}).get(_NEGATIVE, "")
    result = shot
    lines = []
    if lettering and shot.get("scene", {}).get("text"):
        result = shot | {"scene": {key: value for key, value in shot["scene"].items() if key != "text"}}
        gone = ", ".join(entry["text"] for entry in shot["scene"]["text"])
        lines.append(f'scene.text: {gone} → none   "{words}"')
    if not isinstance(before, str) or any(_speaks_of(result, thing) for thing in things if thing not in lettering):
        return Stated(shot)
    named = [part.strip() for part in before.split(",") if part.strip()]
    after = ", ".join(dict.fromkeys([*named, *things]))
    if after != before:
        lines.append(f'render.negative: {before or "none"} → {after}   "{words}"')
        result = put(result, ("render", _NEGATIVE), after)
    return Stated(result, tuple(lines))


def _speaks_of(shot: Manifest, thing: str) -> bool:
    """Whether the caption of a shot has a word of the thing, or people where the thing is people."""
    said = {
        _one(token.word) for text in _texts(body(compile_manifest(shot, "fibo-2").fields)) for token in tokens_of(text)
    }
    words = {_one(word) for word in thing.split()}
    if not words.isdisjoint(map(_one, table(WORDS)["humans"])):
        words |= {_one(word) for word in table("caption/negative_words.json")["people"]}
    return not words.isdisjoint(said)


def _one(word: str) -> str:
    """A word without its plural."""
    return word.removesuffix("s")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inner for text in _texts(item)]


def with_background(shot: Manifest, tokens: Sequence[Token], words: str) -> Stated:
    """The shot before the background that a clause states; nothing changes where it is no colour or material alone."""
    rules = table(WORDS)
    known = rules["backgrounds"]
    fillers = {*rules["fillers"], *rules["orders"], *known["other"], *known["names"]}
    given = [token.word for token in tokens]
    kinds = [word for word in given if word not in fillers]
    colors = table("studio/color_names.json")
    hues = {name.split()[-1] for name in (*colors["colors"], *colors["also"])}
    made = {*hues, *known["made_of"]}
    if (
        set(given).isdisjoint(known["names"])
        or made.isdisjoint(kinds)
        or not made.union(known["words"]).issuperset(kinds)
    ):
        return Stated(shot)
    scene = shot.get("scene", {})
    before, after = scene.get("background", ""), f"{' '.join(kinds)} background"
    if before == after:
        return Stated(shot)
    described = {token.word for token in tokens_of(scene.get("description", ""))}
    old = [
        token.word for token in tokens_of(before) if len(token.word) > 3 and token.word not in (*kinds, "background")
    ]
    still = [word for word in dict.fromkeys(old) if word in described]
    told = f'scene.background: {before or "none"} → {after}   "{words}"'
    if still:
        told += f" (the description still says {', '.join(still)})"
    return Stated(put(shot, ("scene", "background"), after), (told,))


def _ready(shot: Manifest, top: Manifest) -> Manifest:
    """The shot prepared for a stated camera: placed by an orbit, and without what another lens preset brings along."""
    camera, said = shot.get("camera", {}), top.get("camera", {})
    if "pose" in camera and "orbit" in said:
        pose = pose_of(camera)
        orbit = pose_to_orbit(pose)._asdict() if pose else {}
        camera = {key: value for key, value in camera.items() if key != "pose"}
        camera["orbit"] = orbit | {"target_m": list(orbit["target_m"])}
    if "preset" in said.get("lens", {}) and "lens" in camera:
        own = ("preset", "focal_length_mm", "aperture")
        camera = camera | {"lens": {key: value for key, value in camera["lens"].items() if key not in own}}
    return shot | {"camera": camera} if camera else shot


def _found_for(brief: Brief, name: str) -> Found | None:
    """What was found for a key of the manifest."""
    return next((found for found in brief.found if found.field == _NAMES.get(name, name)), None)


def _plain(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f"{value:g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
