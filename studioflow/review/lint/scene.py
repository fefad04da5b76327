"""What the scene lacks, and what its subjects, counts and colours contradict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from ...resources import table
from ...studio.color import color_name, oklab
from .base import Fault, Path, add, remove, rule, show, words
from .shot import Shot
from .words import Text, substitute, word_set

_MAX_DESCRIPTION, _MAX_SUBJECT, _MAX_STYLE = 200, 100, 3
"""Lengths in words that FIBO's captions were written to."""
_MAX_OBJECTS_FIBO_1 = 5
_MAX_POSE = 300
_MAX_COUNT = 1000
_CROWD = 10
"""From here on people are a crowd, and a pose of each is nothing anybody describes."""
_COLORLESS = 0.03
"""Chroma in Oklab below which a colour has no hue to speak of."""
_CLOSE = 0.2
"""Distance in Oklab within which two colours can be the same thing in light and shadow."""


@rule("no-description")
def no_description(shot: Shot) -> Iterator[Fault]:
    """Without a short description FIBO has no sentence to hold on to."""
    yield from _missing(shot, "description", "short_description", "say the whole picture in one or two sentences")


@rule("no-background")
def no_background(shot: Shot) -> Iterator[Fault]:
    """FIBO was trained with a background in every caption."""
    yield from _missing(shot, "background", "background_setting", "say what is behind and around the subjects")


@rule("no-subjects")
def no_subjects(shot: Shot) -> Iterator[Fault]:
    """A picture of nothing in particular, which can be meant."""
    yield from _missing(shot, "subjects", "objects", "list what is in the picture, the main thing first")


def _missing(shot: Shot, key: str, raw_key: str, advice: str) -> Iterator[Fault]:
    if not shot.scene.get(key) and not shot.raw.get(raw_key):
        path: Path = ("scene", key) if "scene" in shot.manifest else shot.raw_at(raw_key)
        yield Fault(path, f"there {'are' if key == 'subjects' else 'is'} no {key}", advice)


@rule("description-too-long")
def long_description(shot: Shot) -> Iterator[Fault]:
    """More words than FIBO's short descriptions have."""
    for text in shot.texts_of("description"):
        if len(text.words) > _MAX_DESCRIPTION:
            yield Fault(
                text.path,
                f"the description has {len(text.words)} words; FIBO was trained on at most {_MAX_DESCRIPTION}",
                "shorten it, and move details to subjects, background and mood",
            )


@rule("subject-too-long")
def long_subject(shot: Shot) -> Iterator[Fault]:
    """More words than FIBO's object descriptions have."""
    for text in shot.texts_of("subject"):
        if text.field == "description" and len(text.words) > _MAX_SUBJECT:
            yield Fault(
                text.path,
                f"the subject is described in {len(text.words)} words; FIBO was trained on at most {_MAX_SUBJECT}",
                "shorten it, and move details to shape, material, texture and details",
            )


@rule("style-too-long")
def long_style(shot: Shot) -> Iterator[Fault]:
    """The artistic style is a name of three words at most."""
    own: Path = ("scene", "style", "artistic")
    for path, style in (
        (own, shot.scene.get("style", {}).get("artistic")),
        (shot.raw_at("artistic_style"), shot.raw.get("artistic_style")),
    ):
        if isinstance(style, str) and (count := len(Text(path, style, "style", "artistic").words)) > _MAX_STYLE:
            yield Fault(
                path,
                f"the artistic style has {count} words; FIBO was trained on at most {_MAX_STYLE}",
                'name the style alone, such as "realistic" or "art nouveau", and put the rest into mood',
            )


@rule("too-many-objects")
def many_objects(shot: Shot) -> Iterator[Fault]:
    """More objects than FIBO 1.x captions have."""
    raw = shot.raw.get("objects")
    count = len(raw) if isinstance(raw, list) else len(shot.subjects)
    if shot.family.dialect == "fibo-1" and count > _MAX_OBJECTS_FIBO_1:
        yield Fault(
            shot.raw_at("objects") if isinstance(raw, list) else ("scene", "subjects"),
            f"there are {count} objects; {shot.family.title} was trained on at most {_MAX_OBJECTS_FIBO_1}",
            "put small things together as one subject with a count, or into the background",
        )


@rule("person-without-pose")
def no_pose(shot: Shot) -> Iterator[Fault]:
    """FIBO's captions give every person a pose."""
    for text in shot.texts_of("subject"):
        if text.field != "description" or not _is_a_person(text):
            continue
        in_scene = text.path[0] == "scene"
        owner = shot.subjects[text.subject or 0] if in_scene else shot.raw_objects[text.subject or 0]
        count = owner.get("count" if in_scene else "number_of_objects", 1)
        if (
            owner.get("pose")
            or (isinstance(count, int) and count >= _CROWD)
            or "background" in str(owner.get("location"))
        ):
            continue
        path = (*text.path[:-1], "pose") if text.limit else text.path
        pose = _said_pose(text)
        yield Fault(
            path,
            f"{show(text.text)} is a person without a pose",
            f"say the pose, such as {show(pose or 'standing, weight on one leg')}",
            (add(path, pose),) if pose and text.limit else (),
        )


def _is_a_person(text: Text) -> bool:
    """Whether the thing described is a person: the head of the first phrase is one, and no statue or doll."""
    if not word_set("not_people").isdisjoint(text.words):
        return False
    for index, word in enumerate(text.first_clause()):
        if word in word_set("head_ends"):
            return False
        if word in word_set("people"):
            following = text.after(index, 1)
            is_head = not following or following[0] in word_set("after_a_person") or following[0].endswith("ing")
            return is_head and word_set("not_people_before").isdisjoint(text.words[:index])
    return False


def _said_pose(text: Text) -> str:
    """The pose that a description already tells, from its verb to the end of the clause."""
    for index, word in enumerate(text.words):
        if word in word_set("pose_verbs"):
            last = index + len(text.after(index, 40))
            start, end = text.characters(index, last)
            return text.text[start:end][:_MAX_POSE]
    return ""


@rule("duplicate-subjects")
def duplicates(shot: Shot) -> Iterator[Fault]:
    """Subjects that are the same in every word and number."""
    same: dict[str, list[int]] = {}
    for index, subject in enumerate(shot.subjects):
        alike = {key: value for key, value in subject.items() if key != "count"}
        alike["description"] = " ".join(subject["description"].casefold().split())
        same.setdefault(json.dumps(alike, sort_keys=True), []).append(index)
    for first, *others in same.values():
        total = sum(int(shot.subjects[index].get("count", 1)) for index in (first, *others))
        if others:
            path: Path = ("scene", "subjects")
            patch = [remove((*path, index)) for index in reversed(others)]
            yield Fault(
                (*path, others[0]),
                f"{show(shot.subjects[first]['description'])} stands {1 + len(others)} times in the list, "
                "and nothing tells them apart",
                f"give one of them count {total}, or say how they differ",
                (*patch, add((*path, first, "count"), total)) if total <= _MAX_COUNT else (),
            )


@rule("count-missing")
def no_count(shot: Shot) -> Iterator[Fault]:
    """A number of things in words alone."""
    for text in shot.texts_of("subject"):
        said = _said_count(text) if text.field == "description" else None
        in_scene = text.path[0] == "scene"
        owner = shot.subjects[text.subject or 0] if in_scene else shot.raw_objects[text.subject or 0]
        key = "count" if in_scene else "number_of_objects"
        if said and key not in owner:
            path = (*text.path[:-1], key) if text.limit else text.path
            yield Fault(
                path,
                f"{show(text.text)} says {said} of them, and {key} says nothing",
                f"set {key} to {said}",
                (add(path, said),) if text.limit else (),
            )


@rule("count-contradicts-text")
def wrong_count(shot: Shot) -> Iterator[Fault]:
    """A number of things in words against count."""
    for text in shot.texts_of("subject"):
        said = _said_count(text) if text.field == "description" and text.path[0] == "scene" else None
        count = shot.subjects[text.subject or 0].get("count") if said else None
        if count is not None and count != said:
            yield Fault(
                text.path,
                f"the text says {said} of them, while count is {count}",
                "change the words or count",
            )


def _said_count(text: Text) -> int | None:
    """The number that a description begins with: "three cups", but not "three-legged stool" or "two years old"."""
    if not text.words:
        return None
    number = words("numbers").get(text.words[0]) or (int(text.words[0]) if text.words[0] in _DIGITS else None)
    # A hyphen makes it a part of an adjective.
    if number is None or text.text[text.characters(0, 0)[1] :][:1] != " ":
        return None
    for word in text.after(0, 3):
        if word in word_set("not_counted") or word in word_set("head_ends"):
            return None
        if word in word_set("plurals") or (word.endswith("s") and not word.endswith(("ss", "'s", "us", "is"))):
            return int(number)
    return None


_DIGITS = {str(number) for number in range(2, 51)}


@rule("color-contradicts-text")
def wrong_color(shot: Shot) -> Iterator[Fault]:
    """The colour in a subject's description against its color."""
    for index, subject in enumerate(shot.subjects):
        if "color" not in subject:
            continue
        text = Text(("scene", "subjects", index, "description"), subject["description"], "subject", "description")
        said = _head_colors(text)
        if len(said) == 1 and _differ(text.words[said[0]], subject["color"]):
            start, end = text.characters(said[0], said[0])
            new = color_name(subject["color"])
            changed = substitute(text.text, [(start, end, new)])
            yield Fault(
                text.path,
                f"the text says {show(text.words[said[0]])}, while color is {subject['color']}, which is {new}",
                "change the word or color",
                text.replaced(changed) if len(changed) <= _SUBJECT_LIMIT else (),
            )


_SUBJECT_LIMIT = 1000


def _head_colors(text: Text) -> list[int]:
    """Colour words that belong to the thing itself: before "with", "on" and the like, and not "red wine"."""
    found = []
    for index, word in enumerate(text.first_clause()):
        if word in word_set("head_ends"):
            break
        if word in words("colors") and word_set("not_a_color_before").isdisjoint(text.after(index, 2)):
            found.append(index)
    return found


def _differ(word: str, hex_color: str) -> bool:
    """Whether nobody would call the colour by that word: another hue, or black for what is light."""
    name = words("colors")[word]
    if name in color_name(hex_color).split():
        return False
    lightness, a, b = oklab(hex_color)
    chroma = math.hypot(a, b)
    if name in ("black", "white", "gray"):
        unlike = {"black": lightness > 0.5, "white": lightness < 0.7 or chroma > 0.12, "gray": chroma > 0.1}
        return unlike[name]
    if chroma < _COLORLESS:
        return lightness > 0.35
    _, a_said, b_said = oklab(table("studio/color_names.json")["colors"][name])
    turned = math.degrees(math.atan2(b, a) - math.atan2(b_said, a_said))
    return abs((turned + 180.0) % 360.0 - 180.0) > 75.0


@rule("palette-unused")
def palette(shot: Shot) -> Iterator[Fault]:
    """A palette of colours that neither a subject, a material, a light nor a word takes up."""
    given = shot.scene.get("palette", [])
    stated = [subject["color"] for subject in shot.subjects if "color" in subject]
    stated += [material["color"] for material in shot.manifest.get("materials", {}).values() if "color" in material]
    stated += [light["color"] for light in shot.lighting.get("lights", []) if "color" in light]
    said = {word for text in shot.texts for word in text.words if word in words("colors")}
    if not given or not (stated or said):
        return
    used = any(
        any(_distance(color, other) < _CLOSE for other in stated) or any(not _differ(word, color) for word in said)
        for color in given
    )
    if not used:
        yield Fault(
            ("scene", "palette"),
            f"no subject, light or text takes up a colour of the palette ({', '.join(map(color_name, given[:3]))})",
            "take the palette from the colours of the subjects, or say where its colours are",
        )


def _distance(one: str, other: str) -> float:
    return math.dist(oklab(one), oklab(other))
