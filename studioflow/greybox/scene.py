"""The shot as a scene: its subjects as bodies with surfaces, the set around them, the lights, and the camera's view."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError
from ..studio.framing import middle_of
from .camera import View, view_of
from .layout import notes_of, places_of
from .lighting_set import lighting_set
from .meshes import load_mesh
from .parts import Body, Lamp, Part, Plain, Point
from .shapes import default_size_m, shape_of, stand_ins
from .solids import merged, moved
from .stand_in import choose
from .surfaces import surface_of

Find = Callable[[str, str], Path]
Size = tuple[float, float, float]

_SHOWING = ("picture", "screen")
"""Roles of parts that a subject's picture is shown on."""
_THINNEST_M = 1e-5
"""The least side of a subject; the points of less fall together in a renderer's single precision."""
_OFF_AXIS = np.array([0.0173205, 0.0, 0.0314159])
"""How far a ray goes to the side for each metre up, by numbers that no shape is built with."""
_NAMES = 40
"""Letters of a description that a mask is called by."""


class Shot(NamedTuple):
    """A scene without Mitsuba.

    ``shapes`` are the Plain shapes of subjects and backdrop by name, those of a subject by ``subject<number>_<part>``;
    ``names`` the subjects' for people.
    """

    view: View
    shapes: dict[str, Plain]
    lamps: tuple[Lamp, ...]
    environment: Plain | None
    names: tuple[str, ...]
    notes: tuple[str, ...]


class _Stands(NamedTuple):
    """A subject before it has a place."""

    parts: tuple[Part, ...]
    size_m: Size
    role_surfaces: Mapping[str, str]
    said: str
    notes: tuple[str, ...] = ()


def shot_of(manifest: Mapping[str, Any], width: int, height: int, find: Find) -> Shot:
    """The scene of a manifest for a picture of that size in pixels.

    ``find(kind, name)`` gives the path of a file that the manifest names: kind ``mesh``, ``picture`` or
    ``panorama``. StudioFlowError for a file that cannot be used, for a subject that is too small to be built, for a
    camera inside a subject and for optics that cannot be.
    """
    subjects = manifest.get("scene", {}).get("subjects", [])
    _require_sizes(subjects)
    standing = [_stands(subject, find) for subject in subjects]
    places = places_of(subjects, [stands.size_m for stands in standing])
    bodies = [Body(number, stands.parts, at) for number, (stands, at) in enumerate(zip(standing, places, strict=True))]
    low, high = _box(bodies)
    view = view_of(manifest.get("camera", {}), width, height, low, high)
    _require_outside(view, bodies, subjects)
    aim = _aim(subjects, standing, low, high)
    reach = math.hypot(*standing[0].size_m) / 2.0 if standing else 0.0
    lit = lighting_set(manifest, low=low, high=high, aim=aim, pose=view.pose, find=find, reach_m=reach)
    shapes, notes = _subject_shapes(bodies, standing, subjects, manifest.get("materials", {}), find)
    shapes |= {f"backdrop_{number}": plain for number, plain in enumerate(lit.backdrop)}
    said = [f"stand-ins: {', '.join(stands.said for stands in standing)}" if standing else _without(manifest)]
    about = [note for stands in standing for note in stands.notes]
    return Shot(
        view,
        shapes,
        lit.lamps,
        lit.environment,
        tuple(subject["description"][:_NAMES] for subject in subjects),
        (*said, *about, *notes_of(subjects), *notes, *view.notes, *lit.notes),
    )


def _without(manifest: Mapping[str, Any]) -> str:
    """What to say of a shot without subjects."""
    if manifest.get("caption", {}).get("objects"):
        return "the shot has no subject: objects of a raw caption are only words; give it scene.subjects to see them"
    return "the shot has no subject"


def _stands(subject: Mapping[str, Any], find: Find) -> _Stands:
    """The parts of a subject, of its mesh or of a stand-in, in its size."""
    size = tuple(subject["size_m"]) if "size_m" in subject else None
    description = subject["description"][:_NAMES]
    if "mesh" in subject:
        loaded = load_mesh(find("mesh", subject["mesh"]), size)
        notes = tuple(f"{subject['mesh']}: {note}" for note in loaded.notes)
        return _Stands(loaded.parts, loaded.size_m, {}, f'"{description}" -> {subject["mesh"]}', notes)
    choice = choose(subject)
    size = size or default_size_m(choice.name)
    return _Stands(shape_of(choice.name, size), size, stand_ins()[choice.name].get("role_surfaces", {}), choice.why)


def _subject_shapes(
    bodies: Sequence[Body],
    standing: Sequence[_Stands],
    subjects: Sequence[Mapping[str, Any]],
    materials: Mapping[str, Any],
    find: Find,
) -> tuple[dict[str, Plain], list[str]]:
    """The Plain shapes of all copies of all subjects, by name, and what there is to say about their surfaces."""
    shapes: dict[str, Plain] = {}
    notes: list[str] = []
    for body, stands, subject in zip(bodies, standing, subjects, strict=True):
        if "picture" in subject and not any(part.role in _SHOWING for part in body.parts):
            notes.append(f'"{subject["description"][:_NAMES]}" has nothing to show {subject["picture"]} on: use a card')
        for number, part in enumerate(body.parts):
            bsdf = part.surface
            if bsdf is None and part.role in _SHOWING and "picture" in subject:
                from .pictures import picture_surface

                bsdf = picture_surface(find("picture", subject["picture"]))
            if bsdf is None:
                surface = surface_of(subject, part.role, stands.role_surfaces, materials)
                bsdf = surface.plain
                if surface.note:
                    notes.append(surface.note)
            # All copies are one shape: Mitsuba's maps take time for each shape of the scene at every ray.
            copies = merged(*(moved(part.mesh, place[:3, 3], place[:3, :3]) for place in body.places))
            shapes[f"subject{body.subject}_{number}"] = {"type": "mesh", "mesh": copies, "bsdf": bsdf}
    return shapes, list(dict.fromkeys(notes))


def subject_of(name: str) -> int:
    """The number of the subject that a shape of that name belongs to, -1 for none."""
    first = name.partition("_")[0]
    return int(first.removeprefix("subject")) if first.startswith("subject") else -1


def _corners(parts: Sequence[Part]) -> NDArray[np.float64]:
    low = np.min([part.mesh.vertices.min(axis=0) for part in parts], axis=0)
    high = np.max([part.mesh.vertices.max(axis=0) for part in parts], axis=0)
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def _box(bodies: Sequence[Body]) -> tuple[Point, Point]:
    """Two corners of the box around all copies of all bodies; of a small one where there are none."""
    corners = [
        own @ place[:3, :3].T + place[:3, 3]
        for body in bodies
        if body.parts
        for own in (_corners(body.parts),)
        for place in body.places
    ]
    if not corners:
        return (-0.1, 0.0, -0.1), (0.1, 0.2, 0.1)
    every = np.concatenate(corners)
    low, high = every.min(axis=0), every.max(axis=0)
    return (float(low[0]), float(low[1]), float(low[2])), (float(high[0]), float(high[1]), float(high[2]))


def _aim(subjects: Sequence[Mapping[str, Any]], standing: Sequence[_Stands], low: Point, high: Point) -> Point:
    """What the lights are aimed at: the middle of the main subject."""
    if not subjects:
        return (low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0, (low[2] + high[2]) / 2.0
    return middle_of({**subjects[0], "size_m": standing[0].size_m})


def _require_sizes(subjects: Sequence[Mapping[str, Any]]) -> None:
    """StudioFlowError where a subject has a side that no body can have."""
    for number, subject in enumerate(subjects):
        side = min(subject.get("size_m", [math.inf]))
        if side < _THINNEST_M:
            raise StudioFlowError(
                "a subject this small cannot be shown",
                where=f"/scene/subjects/{number}/size_m",
                found=f"{side:g} m",
                allowed=f"{_THINNEST_M * 1000:g} mm or more",
                fix="give its size in metres",
            )


def _require_outside(view: View, bodies: Sequence[Body], subjects: Sequence[Mapping[str, Any]]) -> None:
    """StudioFlowError where the camera stands inside a body."""
    eye = np.asarray(view.pose.position_m)
    for body in bodies:
        corners = _corners(body.parts) if body.parts else np.zeros((1, 3))
        for place in body.places:
            local = (np.linalg.inv(place) @ np.append(eye, 1.0))[:3]
            if np.any(local < corners[0]) or np.any(local > corners[-1]):
                continue
            if any(_encloses(part, local) for part in body.parts):
                name = subjects[body.subject]["description"][:_NAMES]
                raise StudioFlowError(
                    "the camera stands inside a subject",
                    where="/camera",
                    found=f'at {", ".join(f"{part:.2f}" for part in eye)} m, inside "{name}"',
                    allowed="a place outside of all subjects",
                    fix=f"move the camera away, or make /scene/subjects/{body.subject}/size_m smaller",
                )


def _encloses(part: Part, point: NDArray[np.float64]) -> bool:
    """Whether a ray from the point, nearly straight up, leaves the part more often than it enters it."""
    vertices = part.mesh.vertices.astype(np.float64)
    if np.any(point < vertices.min(axis=0)) or np.any(point > vertices.max(axis=0)):
        return False
    # Sheared until the ray goes along y. A ray straight up from an axis of symmetry would only meet corners and edges.
    vertices = vertices - point
    vertices = vertices - vertices[:, 1:2] * _OFF_AXIS
    a, b, c = (vertices[part.mesh.faces[:, corner]] for corner in range(3))
    # Signed areas of the triangle's sides seen from above; all of one sign where the ray goes through.
    sides = np.stack([_turn(a, b), _turn(b, c), _turn(c, a)])
    down, up = np.all(sides < 0.0, axis=0), np.all(sides > 0.0, axis=0)
    area = sides.sum(axis=0)
    height = (sides[1] * a[:, 1] + sides[2] * b[:, 1] + sides[0] * c[:, 1]) / np.where(area == 0.0, 1.0, area)
    above = height > 0.0
    return int((up & above).sum()) != int((down & above).sum())


def _turn(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    turned: NDArray[np.float64] = one[:, 2] * other[:, 0] - one[:, 0] * other[:, 2]
    return turned
