"""What stands around the subjects: a seamless sweep, a wall with its floor, a table, open ground, or nothing.

A wall stands where its set's ``azimuth_deg`` has its back: behind the aim point as seen from there.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..resources import table
from ..studio.color import hex_of_oklch, oklch
from .emitted import diffuse, linear_of_hex
from .parts import Mesh, Plain, Point

Array = NDArray[np.float64]
SWEEP, WALL, TABLE, GROUND, ENVIRONMENT, NONE = "sweep", "wall", "table", "ground", "environment", "none"
_WORD = re.compile("[a-z]+")
_DAYLIGHT = ("sun", "moon", "sky", "overcast_sky", "skylight")
_BLACKEST, _WHITEST = 0.01, 0.9
"""Reflectance of velvet and of fresh paper: no surface gives back nothing or all."""
_TABLE_HEIGHT_M, _TABLE_THICK_M = 0.75, 0.04
_GROUND_OF_SCENE = 200.0
_BEND_STEPS = 24
_STEEP = math.tan(math.radians(35.0))
"""From here on a camera that looks down has the floor as its background."""
_ALONG_THE_WALL = math.sin(math.radians(5.0))
"""Whoever looks at a wall at less than this angle looks along it."""


class Choice(NamedTuple):
    """A kind of backdrop, its colour as sRGB hex and that of what stands on it (a table's top), and why it is that."""

    kind: str
    color: str
    top: str
    why: str


class Room(NamedTuple):
    """The space that a backdrop has to leave, and to fill, in metres.

    ``aim`` is where the wall is measured from and ``back`` points from it to the wall. ``wall_m`` is how far that is,
    infinite where there is no wall; ``bend_m`` is the radius of a sweep's curve. The floor reaches ``front_m`` towards
    the camera and ``side_m`` to both sides of the aim point; the wall is ``high_m`` high.
    """

    aim: Point
    back: Array
    ground_m: float
    wall_m: float
    bend_m: float
    front_m: float
    side_m: float
    high_m: float


def choose(scene: Mapping[str, Any], lighting: Mapping[str, Any], lights: Sequence[Mapping[str, Any]]) -> Choice:
    """The backdrop of a shot: what ``scene.backdrop`` says, else the words of its background, its setup and lights."""
    given, words = scene.get("backdrop", {}), table("greybox/backdrop_words.json")
    text = scene.get("background", "").lower().replace("grey", "gray")
    setup = words["setups"].get(lighting.get("setup"), {})
    kind, why = _kind(given, text, setup, lighting, lights)
    if "color" in given:
        return Choice(kind, given["color"], given["color"], why)
    usual = setup.get("color", words["usual"])
    if kind != TABLE:
        return Choice(kind, _color_in(text) or usual, "", why)
    # In "a dark oak table in front of a white wall" each has its own colour.
    found = _first_of(words["kinds"][TABLE], text)
    end = found.start + len(found.name) if found else 0
    top = _color_in(text[:end]) or words["usual_top"]
    return Choice(kind, _color_in(text[end:]) or usual, top, why)


def _kind(
    given: Mapping[str, Any],
    text: str,
    setup: Mapping[str, Any],
    lighting: Mapping[str, Any],
    lights: Sequence[Mapping[str, Any]],
) -> tuple[str, str]:
    if "kind" in given:
        return given["kind"], "as scene.backdrop says"
    for kind, words in table("greybox/backdrop_words.json")["kinds"].items():
        found = _first_of([word.replace("grey", "gray") for word in words], text)
        if found:
            return kind, f'"{found.name}" in the background'
    if "kind" in setup:
        return setup["kind"], f"usual for {lighting['setup'].replace('_', ' ')}"
    if "hdri" in lighting.get("environment", {}) or any(light.get("type") in _DAYLIGHT for light in lights):
        return GROUND, "lit by the sky or a panorama"
    return SWEEP, "no words say otherwise"


def _color_in(text: str) -> str | None:
    """The colour that a text names first, by the longest name; the colour of a thing that it names where none."""
    words = table("greybox/backdrop_words.json")
    for names in (_names(), words["colors"]):
        found = _first_of(names, text)
        if found:
            return _shaded(names[found.name], text[: found.start], words)
    return None


@functools.cache
def _names() -> dict[str, str]:
    names: dict[str, str] = table("studio/color_names.json")["colors"]
    return names


class _Found(NamedTuple):
    start: int
    name: str


def _first_of(names: Iterable[str], text: str) -> _Found | None:
    """The first of the names in a text, as whole words; the longest where several begin there.

    One expression of all names would take longer to compile than this takes to look.
    """
    by_word: dict[str, list[str]] = {}
    for name in sorted(names, key=len, reverse=True):
        by_word.setdefault(_WORD.findall(name)[0], []).append(name)
    for word in _WORD.finditer(text):
        for name in by_word.get(word[0], ()):
            rest = text[word.start() :]
            if rest.startswith(name) and not _WORD.match(rest[len(name) :]):
                return _Found(word.start(), name)
    return None


def _shaded(color: str, before: str, words: Mapping[str, Any]) -> str:
    """A colour made lighter or darker by the word right before its name."""
    last = before.split()[-1:] or [""]
    for shade in (words["darker"], words["lighter"]):
        if last[0] in shade["words"]:
            lch = oklch(color)
            lightness = min(1.0, max(0.0, lch.lightness + shade["lightness"]))
            paler = min(1.0, lightness / max(lch.lightness, 1e-9))
            return hex_of_oklch(lch._replace(lightness=lightness, chroma=lch.chroma * paler))
    return color


def seen_behind(room: Room, camera: Point) -> Point | None:
    """What lights of the background are aimed at: the wall where a camera that looks at the aim point sees it.

    Not lower than the aim point, since a camera that looks down a little sees the floor there; one that looks down
    steeply has the floor as its background. Straight behind the aim point for a camera that looks along the wall or
    away from it. None where there is no wall.
    """
    if math.isinf(room.wall_m):
        return None
    way = np.asarray(room.aim) - np.asarray(camera)
    along, down = float(way @ room.back), -float(way[1])
    if down > _STEEP * math.hypot(way[0], way[2]):
        found = np.asarray(room.aim) + (room.aim[1] - room.ground_m) / down * way
    elif along > _ALONG_THE_WALL * float(np.linalg.norm(way)):
        found = np.asarray(room.aim) + room.wall_m / along * way
        found[1] = max(found[1], room.aim[1])
    else:
        found = np.asarray(room.aim) + room.wall_m * room.back
    x, y, z = (float(part) for part in found)
    return x, y, z


def shapes_of(choice: Choice, room: Room, low: Point, high: Point) -> tuple[Plain, ...]:
    """The shapes of a backdrop; ``low`` and ``high`` are corners of the box around the subjects that stand in it."""
    surface = _surface(choice.color)
    if choice.kind == GROUND:
        far = _GROUND_OF_SCENE * max(room.front_m, room.side_m)
        return (_plain(_strip(room, [(far, room.ground_m), (-far, room.ground_m)], far), surface),)
    if choice.kind == SWEEP:
        return (_plain(_sweep(room), surface),)
    floor_m = room.ground_m - (_TABLE_HEIGHT_M if choice.kind == TABLE else 0.0)
    top = room.ground_m + room.high_m
    floor = _strip(room, [(room.front_m, floor_m), (-room.wall_m, floor_m)], room.side_m)
    wall = _strip(room, [(-room.wall_m, floor_m), (-room.wall_m, top)], room.side_m)
    shapes = (_plain(floor, surface), _plain(wall, surface))
    if choice.kind == TABLE:
        shapes += (_table_top(choice, room, low, high),)
    return shapes


def _surface(color: str) -> Plain:
    return diffuse(np.clip(linear_of_hex(color).astype(np.float64), _BLACKEST, _WHITEST))


def _plain(mesh: Mesh, surface: Plain) -> Plain:
    return {"type": "mesh", "mesh": mesh, "bsdf": surface}


def _sweep(room: Room) -> Mesh:
    """Floor, curve and wall in one piece, smooth."""
    bend = np.linspace(0.0, np.pi / 2.0, _BEND_STEPS + 1)
    curve = [
        (room.bend_m - room.wall_m - room.bend_m * math.sin(a), room.ground_m + room.bend_m * (1.0 - math.cos(a)))
        for a in bend
    ]
    slopes = [(math.sin(a), math.cos(a)) for a in bend]
    profile = [(room.front_m, room.ground_m), *curve, (-room.wall_m, room.ground_m + room.high_m)]
    return _strip(room, profile, room.side_m, [(0.0, 1.0), *slopes, (1.0, 0.0)])


def _strip(
    room: Room, profile: Sequence[tuple[float, float]], side_m: float, slopes: Sequence[tuple[float, float]] = ()
) -> Mesh:
    """A sheet as wide as the sides, along a profile of (metres in front of the aim point, height).

    From the front end to the wall it faces upwards and forwards. ``slopes`` are its normals, forwards and upwards.
    """
    front = -room.back
    across = np.cross((0.0, 1.0, 0.0), front)
    base = np.array([room.aim[0], 0.0, room.aim[2]])
    points = [
        base + along * front + (0.0, height, 0.0) + side * across
        for along, height in profile
        for side in (-side_m, side_m)
    ]
    faces = []
    for row in range(len(profile) - 1):
        left, right, next_left, next_right = 2 * row, 2 * row + 1, 2 * row + 2, 2 * row + 3
        faces += [(left, right, next_right), (left, next_right, next_left)]
    normals = [forwards * front + (0.0, upwards, 0.0) for forwards, upwards in slopes for _ in range(2)]
    return Mesh(
        np.asarray(points, dtype=np.float32),
        np.asarray(faces, dtype=np.uint32),
        np.asarray(normals, dtype=np.float32) if normals else None,
    )


def _table_top(choice: Choice, room: Room, low: Point, high: Point) -> Plain:
    """A table top under the subjects, turned with the wall, and as far from it as it needs."""
    front = -room.back
    across = np.cross((0.0, 1.0, 0.0), front)
    corners = np.array([[x, 0.0, z] for x in (low[0], high[0]) for z in (low[2], high[2])])
    middle = corners.mean(axis=0)
    half = [float(np.abs((corners - middle) @ axis).max()) for axis in (across, front)]
    width, depth = max(0.9, 1.6 * half[0] + 0.3), max(0.5, 1.6 * half[1] + 0.2)
    depth = min(depth, max(half[1], room.wall_m + float((middle - np.asarray(room.aim)) @ front) - 0.02))
    to_world = np.eye(4)
    to_world[:3, 0], to_world[:3, 2] = width * across, depth * front
    to_world[1, 1] = _TABLE_THICK_M / 2.0
    to_world[:3, 3] = (middle[0], room.ground_m - _TABLE_THICK_M / 2.0, middle[2])
    return {"type": "cube", "to_world": to_world, "bsdf": _surface(choice.top)}
