"""A client's note on a shot, by rules: what is relative by note_words.json, what is absolute by the rules of briefs.

"Warmer, and lower the camera" needs no model. What the rules are not certain of stays unused, and the caption fields
that it is about are named, for a model to write and for a person to know what else changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..caption import body, compile_manifest, derive, fields_owned_by, flat, without
from ..edit.light import set_setup
from ..edit.overlay import overlay
from ..edit.path import Path, dotted
from ..edit.written import finished, leaves, value_at
from ..errors import StudioFlowError
from ..resources import table
from ..studio.lighting import key_of, lights_of
from ..studio.placement import pose_of, pose_to_orbit
from .adjust import Adjusted, Amount, adjusted, with_lights
from .brief import Brief, Found, read_brief
from .note_clauses import WORDS, Clause, clauses_of, read_clause, says_something
from .scan import Token, tokens_of

Manifest = dict[str, Any]

MAX_NOTE = 4_000
"""Characters of a note."""
_PICTURE = ("objects", "background_setting")
"""What a note is about that names nothing else: what is to be seen."""
_OF_THE_KEY = {
    "key_azimuth_deg": "azimuth_deg",
    "key_elevation_deg": "elevation_deg",
    "key_type": "type",
    "color_temperature_k": "color_temperature_k",
}
_SECTIONS = ("camera", "render")
_OF_SCENE = ("palette", "grade")
_LEFT_TO_THE_MODEL = ("negative",)


class Noted(NamedTuple):
    """The shot after a note.

    ``done`` says what changed, a line each; ``fields`` are the caption fields that the note is about, changed or not;
    ``unused`` is what of the note the rules did not use. ``by_rules`` are the fields that sections say otherwise now,
    also those that a change only reaches (what of a subject a turned camera sees). ``foreign`` says that unused words
    are of another language than English, so that what they are about is not known.
    """

    manifest: Manifest
    done: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    unused: str = ""
    by_rules: frozenset[str] = frozenset()
    foreign: bool = False


def apply_note(manifest: Manifest, note: str) -> Noted:
    """The shot changed as a note in English asks, where rules are certain of it.

    A change that the shot has no numbers for (a lower camera where none is placed) only names its fields. The caption
    fields that the note is not about stay as they were, be they derived or somebody's text. Raises StudioFlowError for
    an empty note, one of more than 4,000 characters, and a change that leads to a camera that there is none of.
    """
    if not note.strip() or len(note) > MAX_NOTE:
        raise StudioFlowError(
            "the note is empty" if not note.strip() else "the note is too long",
            where="note",
            found=f"{len(note)} characters",
            allowed=f"1 to {MAX_NOTE}",
            fix="write what is to change, for example: warmer, and lower the camera",
        )
    clauses = list(clauses_of(note))
    shot = {key: value for key, value in manifest.items() if key != "caption"}
    shot.setdefault("scene", {})
    done: list[str] = []
    unused: list[str] = []
    fields: set[str] = set()
    foreign = False

    def take(clause: Clause) -> None:
        nonlocal shot
        row = table(WORDS)["changes"][clause.change]
        fields.update(row["fields"])
        found = _taken(shot, row, clause.amount)
        if found:
            shot = found.manifest
            done.append(f'{found.told}   "{clause.text(note)}"')
        else:
            unused.append(clause.text(note))

    for clause in clauses:
        if clause.change:
            take(clause)
    open_clauses = [clause for clause in clauses if not clause.change and not clause.keeps]
    used: list[tuple[int, int]] = []
    language = "en"
    rest = _rest(note, clauses)
    if any(map(str.isalnum, rest)):
        before = shot
        brief = read_brief(rest, source="note")
        language = brief.language
        shot, lines, used = _with_brief(shot, brief)
        done += lines
        written = fields_owned_by(_written(before, shot))
        fields |= written & _changed(before, shot) or written
    for tokens in _left(open_clauses, used):
        clause = read_clause(tokens)
        if clause.change:
            take(clause)
        else:
            unused.append(clause.text(note))
            fields |= _topics(tokens, manifest)
            foreign = foreign or language != "en" or not unused[-1].isascii()
    by_rules = frozenset(_changed(manifest, shot))
    return Noted(_finished(manifest, shot), tuple(done), frozenset(fields), "; ".join(unused), by_rules, foreign)


def _rest(note: str, clauses: Sequence[Clause]) -> str:
    """The note with what was understood, and what states nothing, blanked out, so that places in it stay."""
    characters = list(note)
    doubts = set(table(WORDS)["doubts"])
    for clause in clauses:
        if clause.change or clause.keeps or not doubts.isdisjoint(token.word for token in clause.tokens):
            begin, end = clause.tokens[0].start, clause.tokens[-1].end
            characters[begin:end] = [" "] * (end - begin)
    return "".join(characters)


def _left(clauses: Sequence[Clause], used: Sequence[tuple[int, int]]) -> Iterator[tuple[Token, ...]]:
    """The words of each clause that the rules of briefs did not use, where they say something."""
    for clause in clauses:
        left = [
            token
            for token in clause.tokens
            if not any(begin <= token.start and token.end <= end for begin, end in used)
        ]
        if says_something(left):
            yield tuple(left)


def _topics(tokens: Sequence[Token], manifest: Manifest) -> set[str]:
    """The caption fields that words are about: by their topics, and by what the shot's things are called."""
    given = {token.word for token in tokens}
    topics = table(WORDS)["topics"]
    found = {field for field, names in topics.items() if not given.isdisjoint(names)}
    objects = body(compile_manifest(manifest, "fibo-2").fields).get("objects")
    called = " ".join(str(one.get("description", "")) for one in objects or [] if isinstance(one, dict))
    named = {token.word for token in tokens_of(called) if len(token.word) > 2} - {"the", "and", "with"}
    if not named.isdisjoint(given):
        found.add("objects")
    return found or set(_PICTURE)


# ---------------------------------------------------------------- the numbers


def _taken(shot: Manifest, row: dict[str, Any], amount: Amount) -> Adjusted | None:
    """The shot after a change, taken so many times that FIBO reads other words; None where there is nothing for it."""
    most = 1 if amount.unit or row.get("once") else table(WORDS)["steps"]
    fields = row["fields"]
    before = flat(derive(shot))
    first: Adjusted | None = None
    for step in row["do"]:
        for times in range(1, most + 1):
            try:
                found = adjusted(shot, step, amount._replace(times=amount.times * times))
                after = flat(derive(found.manifest)) if found else {}
            except StudioFlowError:
                if first is None:
                    raise
                break
            if found is None:
                break
            if any(before.get(field) != after.get(field) for field in fields):
                return found
            first = first or found
    return first and first._replace(told=f"{first.told} (FIBO reads the same words)")


def _with_brief(shot: Manifest, brief: Brief) -> tuple[Manifest, list[str], list[tuple[int, int]]]:
    """The shot with the numbers that a note states, the lines that say so, and the places of their words."""
    read = brief.manifest
    scene = {key: read["scene"][key] for key in _OF_SCENE if key in read.get("scene", {})}
    top: Manifest = {key: read[key] for key in _SECTIONS if key in read}
    if "render" in top:
        top["render"] = {key: value for key, value in top["render"].items() if key not in _LEFT_TO_THE_MODEL}
    top |= {"scene": scene} if scene else {}
    result = overlay(_ready(shot, top), {"studioflow": read["studioflow"], "scene": {}} | top, "note") if top else shot
    lines, used = [], []
    for path in leaves(top, ()):
        found = _found_for(brief, str(path[-1]))
        if found and value_at(shot, path) != value_at(result, path):
            before = value_at(shot, path)
            was = "" if before in ({}, None) else f"{_plain(before)} → "
            lines.append(f'{dotted(path)}: {was}{_plain(value_at(result, path))}   "{brief.words(found.spans)}"')
        used += [tuple(span) for span in found.spans] if found else []
    result, of_light = _with_light(result, brief)
    for found, line in of_light:
        lines.append(f'{line}   "{brief.words(found.spans)}"')
        used += [tuple(span) for span in found.spans]
    return result, lines, used


def _with_light(shot: Manifest, brief: Brief) -> tuple[Manifest, list[tuple[Found, str]]]:
    """The shot with the light that a note states: a setup, a time of day, or its key light's direction and kind."""
    told: list[tuple[Found, str]] = []
    by_field = {found.field: found for found in brief.found}
    lighting = shot.get("lighting", {})
    if not lights_of(lighting) and "lighting" in brief.manifest:
        shot = overlay(shot, {key: brief.manifest[key] for key in ("studioflow", "lighting")} | {"scene": {}}, "note")
        of_light = [found for found in brief.found if found.field in (*_OF_THE_KEY, "setup", "time_of_day")]
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
        if name == "type":
            # The size of another kind of light is its own.
            changed.pop("size_m", None)
        if name == "color_temperature_k":
            changed.pop("color", None)
        changed[name] = found.value
        told.append(
            (found, f"lighting, {key['role']} {name}: {_plain(key.get(name, 'usual'))} → {_plain(found.value)}")
        )
    return with_lights(shot, [changed if light is key else light for light in lights]), told


def _ready(shot: Manifest, top: Manifest) -> Manifest:
    """The shot prepared for a stated camera: placed by an orbit, and without what another lens preset brings along."""
    camera, stated = shot.get("camera", {}), top.get("camera", {})
    if "pose" in camera and "orbit" in stated:
        pose = pose_of(camera)
        orbit = pose_to_orbit(pose)._asdict() if pose else {}
        camera = {key: value for key, value in camera.items() if key != "pose"}
        camera["orbit"] = orbit | {"target_m": list(orbit["target_m"])}
    if "preset" in stated.get("lens", {}) and "lens" in camera:
        own = ("preset", "focal_length_mm", "aperture")
        camera = camera | {"lens": {key: value for key, value in camera["lens"].items() if key not in own}}
    return shot | {"camera": camera} if camera else shot


def _found_for(brief: Brief, name: str) -> Found | None:
    """What was found for a key of the manifest."""
    names = {"preset": "lens_preset", "width": "size", "height": "size"}
    return next((found for found in brief.found if found.field == names.get(name, name)), None)


def _plain(value: Any) -> str:
    return (
        f"{value:g}"
        if isinstance(value, (int, float))
        else ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
    )


# ---------------------------------------------------------------- the caption


def _changed(manifest: Manifest, shot: Manifest) -> set[str]:
    """The caption fields that the sections of a shot say otherwise than before."""
    before, after = flat(derive(manifest)), flat(derive(shot))
    return {field for field in before.keys() | after.keys() if before.get(field) != after.get(field)}


def _written(before: Manifest, after: Manifest) -> list[Path]:
    """The paths of what stands otherwise in the sections of two shots."""
    paths = {path for shot in (before, after) for path in leaves(shot, ()) if path[0] != "caption"}
    return [path for path in paths if value_at(before, path) != value_at(after, path)]


def _finished(manifest: Manifest, shot: Manifest) -> Manifest:
    """The changed shot with somebody's caption, of which the fields give way that the changed parts decide."""
    if "scene" not in manifest and shot["scene"] == {}:
        shot = {key: value for key, value in shot.items() if key != "scene"}
    if "caption" not in manifest:
        return finished(shot)
    decided = fields_owned_by(_written(manifest, shot))
    caption = without(manifest["caption"], _changed(manifest, shot) & decided)
    order = dict.fromkeys([*manifest, *shot])
    return finished({key: caption if key == "caption" else shot[key] for key in order})
