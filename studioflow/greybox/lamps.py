"""The lights of a shot as lamps: where they stand, what shines of them, and how strongly.

A lamp is as strong as the manifest says on a surface that faces it where it is aimed: irradiance there is measured on
its very triangles, so that size, distance and shape decide softness and fall-off and never the ratio of the lights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..resources import table
from ..studio.lighting import USUAL_DISTANCE_M, USUAL_SIZE_M, apparent_size, type_of
from ..studio.placement import Axes, Pose, axes_of, pose_to_orbit
from .emitted import area_emitter, diffuse, irradiance
from .lamp_forms import FORMS, barrel, cut_off, window_mask
from .parts import Lamp, Mesh, Plain, Point, Rgb

Array = NDArray[np.float64]
_SMALLEST_M = 1e-4
"""No lamp is smaller, and none nearer to what it is aimed at: of less nothing is left in a renderer's numbers."""
_CLEAR_OF = 1.5
"""How far away a light stands that says no distance, in terms of how far the subject reaches."""
_USUAL_SHAPE = {"shape": "rectangle"}
_CLEAR_M = 0.005
"""How far over the ground a lamp ends."""
_FEET_M = 0.15
"""How far over the ground the middle of a light is at least: all of a small one shines, and the upper half of a large
one."""
_BARREL_FEET_M = 0.2
"""The same of a focused light, so that its beam does not begin on the ground."""
_TOLD_DEG = 0.5
"""A light that is raised by less than this is not worth a word."""
_FAR = 1000.0
"""How many sizes of the scene away a sun is: its light is then parallel within a thousandth."""
_WIDEST_DEG = 65.0
"""Half the angle of a beam that had to be widened for a large subject."""
_BARREL_OF_DISTANCE, _BARREL_OF_RADIUS = 0.35, 12.0
"""How long the tube of a focused light is at most: part of the distance, times the radius. Longer is a sharper edge."""
_MASK_OF_GAP = 0.7
"""How far on the way to the subject the mask of a gobo stands: so near, its shadow is sharp as a projector's."""
_BAR_OF_PANE = 0.35


class Stand(NamedTuple):
    """Where a light stands: ``middle`` in metres, ``distance_m`` from the aim point, ``size_m`` of what shines.

    ``aimed`` are the axes of a view from the light to the aim point. What would be below ``ground_m`` is cut off.
    """

    index: int
    light: Mapping[str, Any]
    label: str
    middle: Array
    aimed: Axes
    distance_m: float
    size_m: tuple[float, float]
    ground_m: float | None
    note: str = ""

    @property
    def shape(self) -> str:
        return str(shape_of(self.light)["shape"])

    @property
    def far(self) -> bool:
        return self.shape == "far"

    @property
    def radius_m(self) -> float:
        """Of the ball around all that shines."""
        return math.hypot(*self.size_m) / 2.0


def shape_of(light: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of lamp_shapes.json for a light, a plain rectangle where it names no type.

    StudioFlowError for a type that there is not.
    """
    if not type_of(dict(light)):
        return _USUAL_SHAPE
    row: Mapping[str, Any] = table("greybox/lamp_shapes.json")[light["type"]]
    return row


def angle_of(light: Mapping[str, Any]) -> float:
    """How wide a light looks from where it is aimed, in degrees: that of the disc or square of ``apparent_size``."""
    return math.degrees(2.0 * math.atan(apparent_size(dict(light)) / 2.0))


def label_of(light: Mapping[str, Any]) -> str:
    """As in ``key light (softbox)``."""
    title = type_of(dict(light)).get("title", "")
    if title[1:2].islower():
        title = title[0].lower() + title[1:]
    return f"{light['role']} light ({title})" if title else f"{light['role']} light"


def stand_of(
    index: int,
    light: Mapping[str, Any],
    *,
    aim: Point,
    azimuth_deg: float,
    ground_m: float | None,
    extent_m: float,
    reach_m: float = 0.0,
) -> Stand:
    """Where a light stands whose directions are measured from that azimuth around the aim point.

    One without a distance stands clear of a subject that reaches ``reach_m`` from there, as large as it looks usually.
    One whose middle would be below the ground (None where there is none) is raised on the arc around the aim point,
    which its note says. Sun and moon stand very far from a scene of that extent in metres.
    """
    label, note = label_of(light), ""
    asked = elevation = float(light.get("elevation_deg", 0.0))
    if shape_of(light)["shape"] == "far":
        distance = _FAR * extent_m
        across = 2.0 * distance * math.tan(math.radians(angle_of(light)) / 2.0)
        size = (across, across)
        if ground_m is not None and asked < 0.0:
            note = f"{label} stands {-asked:g}° below the horizon, where the ground hides it"
    else:
        usual = max(USUAL_DISTANCE_M, _CLEAR_OF * reach_m)
        distance = max(float(light.get("distance_m", usual)), _SMALLEST_M)
        size = _size_m(light, distance)
        if ground_m is not None:
            lowest = ground_m + _feet_m(light, size[1]) - aim[1]
            elevation = max(asked, math.degrees(math.asin(max(-1.0, min(1.0, lowest / distance)))))
        if elevation - asked > _TOLD_DEG:
            note = f"{label} would be in the ground: raised from {asked:.0f}° to {elevation:.0f}°"
    aimed = axes_of(azimuth_deg + light.get("azimuth_deg", 0.0), elevation)
    middle = np.add(aim, -distance * np.array(aimed.forward))
    return Stand(index, light, label, middle, aimed, distance, size, ground_m, note)


def _size_m(light: Mapping[str, Any], distance_m: float) -> tuple[float, float]:
    width, height = light.get("size_m") or type_of(dict(light)).get("size_m", USUAL_SIZE_M)
    if "size_m" not in light and light.get("type", "").endswith("reflector"):
        # A card that stands nearer than it is wide would stand in the way of the other lights.
        return min(width, distance_m), min(height, distance_m)
    if not light.keys() & {"size_m", "distance_m"} and light["role"] != "practical":
        width, height = (side * distance_m / USUAL_DISTANCE_M for side in (width, height))
    return max(float(width), _SMALLEST_M), max(float(height), _SMALLEST_M)


def _feet_m(light: Mapping[str, Any], height_m: float) -> float:
    """How far over the ground the middle of a light is at least."""
    return _BARREL_FEET_M if "beam_deg" in shape_of(light) else min(height_m / 2.0 + _CLEAR_M, _FEET_M)


def lamp_of(stand: Stand, *, target: Point, rgb: Rgb, strength: float, low: Point, high: Point) -> tuple[Lamp, str]:
    """The lamp that gives ``strength`` times pi (in luminance) on a surface at the target that faces it, and a note.

    ``rgb`` is its colour with a luminance of 1; ``low`` and ``high`` are corners of the box around the subjects. The
    note is empty where there is nothing to say.
    """
    light, at = stand.light, np.asarray(target)
    distance = float(np.linalg.norm(at - stand.middle))
    to_world = _frame(stand, target if distance > 1e-6 else None)
    mesh, vertices = _form(stand, to_world)
    if _is_ball(stand):
        radius = stand.size_m[0] / 2.0
        unit = math.pi * min(1.0, radius / max(distance, 1e-6)) ** 2
        shining: Plain = {"type": "sphere", "center": stand.middle.tolist(), "radius": radius}
    else:
        towards = (stand.middle - at) / max(distance, 1e-6)
        unit = irradiance(vertices[mesh.faces.astype(np.int64)], at, towards)
        shining = {"type": "mesh", "mesh": mesh}
    radiance = math.pi * strength / unit if unit > 0.0 else strength
    shapes = [shining | {"bsdf": _surface(stand), "emitter": area_emitter(rgb, radiance)}]
    for dark in _blinds(stand, distance, low, high):
        # Hidden from the camera with the lamp, because it counts as a light; of weight 0, so that none is looked for.
        emitter = area_emitter((0.0, 0.0, 0.0), 0.0) | {"sampling_weight": 0.0}
        shapes.append(
            {"type": "mesh", "mesh": dark, "to_world": to_world, "bsdf": diffuse((0, 0, 0)), "emitter": emitter}
        )
        vertices = np.concatenate([vertices, dark.vertices @ to_world[:3, :3].T + to_world[:3, 3]])
    lamp = Lamp(stand.index, stand.label, tuple(shapes), _corners(vertices), light["role"] == "practical")
    return lamp, "" if stand.far else _inside(stand, vertices, low, high)


def _form(stand: Stand, to_world: Array) -> tuple[Mesh, Array]:
    """What shines, in the world, and its vertices in double precision."""
    row = shape_of(stand.light)
    rest = {"inner": row["inner"]} if "inner" in row else {}
    form = FORMS["disc" if stand.far else row["shape"]](*stand.size_m, **rest)
    vertices = form.vertices.astype(np.float64) @ to_world[:3, :3].T + to_world[:3, 3]
    faces = form.faces
    if stand.ground_m is not None and not stand.far:
        # Half of it is left at least: one that is nearer to its aim than that is high cannot stand higher.
        lowest = min(stand.ground_m + _CLEAR_M, float(stand.middle[1]) - _SMALLEST_M)
        if vertices[:, 1].min() < lowest:
            vertices, faces = cut_off(vertices, faces, lowest)
    return Mesh(vertices.astype(np.float32), faces), vertices


def _is_ball(stand: Stand) -> bool:
    """Whether it is a sphere, of which Mitsuba looks only for the side that is seen."""
    width, height = stand.size_m
    above = stand.ground_m is None or stand.middle[1] - height / 2.0 > stand.ground_m
    return stand.shape == "ellipsoid" and math.isclose(width, height, rel_tol=1e-6) and bool(above)


def _surface(stand: Stand) -> Plain:
    # A lamp for the background may stand between it and the camera, and would be black from behind.
    return {"type": "null"} if stand.light["role"] == "background" else diffuse((0.0, 0.0, 0.0))


def _frame(stand: Stand, target: Point | None) -> Array:
    """The lamp's own space in the world: +Z to the target, +Y up."""
    axes = stand.aimed
    if target is not None and stand.light["role"] == "background":
        middle: Point = tuple(float(part) for part in stand.middle)  # type: ignore[assignment]
        orbit = pose_to_orbit(Pose(middle, target))
        axes = axes_of(orbit.azimuth_deg, orbit.elevation_deg)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2] = -np.array(axes.right), axes.up, axes.forward
    frame[:3, 3] = stand.middle
    return frame


def _blinds(stand: Stand, distance: float, low: Point, high: Point) -> list[Mesh]:
    """The black tube, and what stands in it, that keep a focused light to its beam; none for other lights.

    From the target all that shines is seen through it, and so it is from all of the subject: a beam too narrow for it
    is widened.
    """
    row = shape_of(stand.light)
    if "beam_deg" not in row:
        return []
    radius = max(stand.size_m) / 2.0
    if stand.light["role"] == "background":
        # A pool of light on the wall as large as what stands in front of it.
        spread, depth = min(math.dist(low, high) / 2.0 / distance, 1.0), 0.0
    else:
        spread, depth = _spread(stand, low, high)
    masked = "mask" in row
    gap = max(distance - depth, 0.1 * distance)
    reach = _MASK_OF_GAP * gap if masked else min(_BARREL_OF_DISTANCE * distance, _BARREL_OF_RADIUS * radius, gap)
    half = math.tan(math.radians(row["beam_deg"] / 2.0))
    narrowest = 1.05 * radius * (1.0 - reach / distance)
    across = max(half * reach - radius, spread * reach + radius, narrowest)
    if not masked:
        return [barrel(max(across, 1.02 * radius), reach)]
    pane = max(2.0 * across / (3.0 + 2.0 * _BAR_OF_PANE), 2.1 * narrowest)
    bar = _BAR_OF_PANE * pane
    corner = math.sqrt(2.0) * (1.5 * pane + bar)
    return [barrel(corner, reach), window_mask(corner, pane, bar, reach)]


def _spread(stand: Stand, low: Point, high: Point) -> tuple[float, float]:
    """The tangent of the angle off its axis that the subjects take from a lamp, and how far they reach towards it."""
    corners = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    away = corners - stand.middle
    along = away @ np.array(stand.aimed.forward)
    aside = np.linalg.norm(away - along[:, None] * np.array(stand.aimed.forward), axis=1)
    widest = math.tan(math.radians(_WIDEST_DEG))
    tangent = float(np.max(np.where(along > 0.0, aside / np.maximum(along, 1e-9), widest)))
    return min(tangent, widest), stand.distance_m - float(along.min())


def _inside(stand: Stand, vertices: Array, low: Point, high: Point) -> str:
    within = np.all((vertices > low) & (vertices < high), axis=1).any()
    if within or np.all((stand.middle > low) & (stand.middle < high)):
        return f"{stand.label} reaches into the box of the subjects: it is {stand.distance_m:g} m from their middle"
    return ""


def _corners(points: Array) -> Array:
    low, high = points.min(axis=0), points.max(axis=0)
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def behind_of(stands: Sequence[Stand], aim: Point, back: Array) -> float:
    """How far behind the aim point lamps of the studio reach, in metres; 0 where none stands there."""
    reaches = [float((one.middle - aim) @ back) + one.radius_m for one in stands if not one.far]
    return max([0.0, *reaches])
