"""Where the camera stands, in three forms, with exact conversions among them and from and to ComfyUI's 3D nodes.

- orbit: azimuth, elevation and distance seen from the target, and roll;
- look-at (a manifest's ``pose``): position, point looked at, and roll;
- quaternion: position and a unit quaternion [x, y, z, w] that turns the camera's axes into the world's; the camera
  looks along its own -Z with +Y up, as three.js and glTF 2.0 (section 3.10, Cameras) have it.

Right-handed, Y up, metres, degrees; azimuth 0 on +Z, 90 on +X. Roll turns the camera about its view, positive
clockwise as the photographer sees it. Straight up or down, where azimuth and roll turn about the same axis, a look-at
counts as azimuth 0: with roll 0 the top of the picture points to -Z looking down and to +Z looking up, which is what
three.js's Object3D.lookAt does. ``orbit_of``, which words go by, counts such a view the other way: all of the turn is
azimuth and none of it roll, so that an orbit and its exact look-at say the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import StudioFlowError, did_you_mean
from .lens import lens_of, used_sensor_mm
from .optics import field_of_view_deg, focal_length_for_view_mm
from .words import signed_deg

Point = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

DEFAULT_DISTANCE_M = 2.0
ORIGIN: Point = (0.0, 0.0, 0.0)
CAMERA_TYPES = ("perspective", "orthographic")

_POLE = 1e-9
"""A camera this little beside the vertical through its target, in parts of its distance, stands on it."""
_COINCIDENT_M = 1e-6
_SAME_DIRECTION = 1e-4
"""A target this little (in radians) beside the view of a quaternion is what the quaternion looks at: hosts compute
with single precision."""
_NO_ROLL_DEG = 1e-3
_SAME_LENS = 1e-6
_METRES_PER_UNIT = (1e-6, 1e6)
"""A unit of a 3D scene from a thousandth of a millimetre to a thousand kilometres."""
_VIEW_DEG = (0.01, 179.9)
_ZOOM = (1e-4, 1e4)
_COORDINATE = 1e12
"""Limits of a LOAD3D_CAMERA value, wider than any camera and close enough for arithmetic to stay finite."""


class Orbit(NamedTuple):
    """Degrees and metres; ``azimuth_deg`` and ``roll_deg`` in (-180, 180], ``elevation_deg`` in [-90, 90]."""

    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    roll_deg: float = 0.0
    target_m: Point = ORIGIN


class Pose(NamedTuple):
    """Position and point looked at in metres, roll in degrees."""

    position_m: Point
    look_at_m: Point
    roll_deg: float = 0.0


class Oriented(NamedTuple):
    """Position in metres and the unit quaternion [x, y, z, w] of the camera's rotation in the world."""

    position_m: Point
    quaternion: Quaternion


class Axes(NamedTuple):
    """Unit vectors of a camera: along its view, to the right of its picture and to the top of it."""

    forward: Point
    right: Point
    up: Point


def axes_of(azimuth_deg: float, elevation_deg: float, roll_deg: float = 0.0) -> Axes:
    """The axes of a camera that looks at its target from those angles."""
    a, e, r = (math.radians(angle) for angle in (azimuth_deg, elevation_deg, roll_deg))
    sa, ca, se, ce, sr, cr = math.sin(a), math.cos(a), math.sin(e), math.cos(e), math.sin(r), math.cos(r)
    right, up = (ca, 0.0, -sa), (-se * sa, ce, -se * ca)
    return Axes((-ce * sa, -se, -ce * ca), _blend(right, cr, up, -sr), _blend(right, sr, up, cr))


def orbit_to_pose(orbit: Orbit) -> Pose:
    """The look-at form of an orbit; its ``distance_m`` must be above zero (ValueError)."""
    if not orbit.distance_m > 0.0:
        raise ValueError(f"distance_m must be above zero, not {orbit.distance_m!r}")
    axes = axes_of(orbit.azimuth_deg, orbit.elevation_deg, orbit.roll_deg)
    position = _blend(orbit.target_m, 1.0, axes.forward, -orbit.distance_m)
    bare = _roll_free(position, orbit.target_m)
    return Pose(position, orbit.target_m, _roll_between(bare, axes))


def pose_to_orbit(pose: Pose) -> Orbit:
    """The orbit form of a look-at; StudioFlowError where its two points coincide."""
    azimuth, elevation, distance = _angles(pose.position_m, pose.look_at_m)
    return Orbit(azimuth, elevation, distance, signed_deg(pose.roll_deg), pose.look_at_m)


def pose_to_quaternion(pose: Pose) -> Oriented:
    """The quaternion form of a look-at; StudioFlowError where its two points coincide. The distance goes."""
    azimuth, elevation, _ = _angles(pose.position_m, pose.look_at_m)
    return Oriented(pose.position_m, _quaternion(axes_of(azimuth, elevation, pose.roll_deg)))


def quaternion_to_pose(oriented: Oriented, distance_m: float = DEFAULT_DISTANCE_M) -> Pose:
    """The look-at form of a quaternion (of any length but zero), with the point looked at ``distance_m`` away.

    ValueError for a quaternion of zero or with numbers that are not finite, and for a distance not above zero.
    """
    if not distance_m > 0.0:
        raise ValueError(f"distance_m must be above zero, not {distance_m!r}")
    axes = _axes_of_quaternion(oriented.quaternion)
    look_at = _blend(oriented.position_m, 1.0, axes.forward, distance_m)
    return Pose(oriented.position_m, look_at, _roll_between(_roll_free(oriented.position_m, look_at), axes))


def orbit_to_quaternion(orbit: Orbit) -> Oriented:
    """The quaternion form of an orbit; the distance goes."""
    position = orbit_to_pose(orbit).position_m
    return Oriented(position, _quaternion(axes_of(orbit.azimuth_deg, orbit.elevation_deg, orbit.roll_deg)))


def quaternion_to_orbit(oriented: Oriented, distance_m: float = DEFAULT_DISTANCE_M) -> Orbit:
    """The orbit form of a quaternion, around a point ``distance_m`` away."""
    return pose_to_orbit(quaternion_to_pose(oriented, distance_m))


def orbit_of(camera: Mapping[str, Any]) -> dict[str, float] | None:
    """Azimuth, elevation, distance and roll of the camera seen from its target, from either placement.

    Straight up or down the roll is 0 and the azimuth takes its turn in: looking down at azimuth a with roll r is the
    view at azimuth a - r, looking up that at a + r. None where the manifest places no camera. A pose whose two points
    coincide raises StudioFlowError.
    """
    if "orbit" in camera:
        given = camera["orbit"]
        azimuth, elevation = signed_deg(given.get("azimuth_deg", 0.0)), given.get("elevation_deg", 0.0)
        distance, roll = given.get("distance_m", DEFAULT_DISTANCE_M), given.get("roll_deg", 0.0)
    elif "pose" in camera:
        azimuth, elevation, distance = _angles(camera["pose"]["position_m"], camera["pose"]["look_at_m"])
        roll = camera["pose"].get("roll_deg", 0.0)
    else:
        return None
    if 90.0 - abs(elevation) <= math.degrees(_POLE):
        azimuth, roll = signed_deg(azimuth - (roll if elevation > 0.0 else -roll)), 0.0
    return {"azimuth_deg": azimuth, "elevation_deg": elevation, "distance_m": distance, "roll_deg": roll}


def pose_of(camera: Mapping[str, Any], target_m: Point = ORIGIN) -> Pose | None:
    """The camera's look-at form; ``target_m`` is what an orbit looks at where it does not say. None if not placed."""
    if "pose" in camera:
        given = camera["pose"]
        return Pose(_point(given["position_m"]), _point(given["look_at_m"]), float(given.get("roll_deg", 0.0)))
    orbit = orbit_of(camera)
    if orbit is None:
        return None
    return orbit_to_pose(Orbit(**orbit, target_m=_point(camera["orbit"].get("target_m", target_m))))


def from_comfyui(
    value: Mapping[str, Any],
    *,
    metres_per_unit: float = 1.0,
    camera: Mapping[str, Any] | None = None,
    ratio: float | None = None,
) -> dict[str, Any]:
    """The pieces of a manifest's camera that a LOAD3D_CAMERA value of ComfyUI says: ``pose``, and ``lens`` if known.

    A quaternion wins over the target for direction and roll, and the target then gives the distance. ``fov`` is the
    vertical angle of view in degrees, and ``zoom`` multiplies the focal length, as three.js's
    PerspectiveCamera.getEffectiveFOV has it. The focal length is that of the used height of the sensor of ``camera``
    (the manifest's camera so far; full frame where absent) for a picture of that ``ratio`` (width / height; the
    sensor's own where None); what else ``camera`` says of its lens stays. Without ``fov`` (ComfyUI 0.3 sends none)
    and for an orthographic camera, which has no perspective, nothing is said of the lens. Raises StudioFlowError for
    a value that places no camera.
    """
    if not isinstance(value, Mapping):
        raise _bad("", _shown(value), "an object with position and target")
    kind = value.get("cameraType", "perspective")
    if kind not in CAMERA_TYPES:
        fix = did_you_mean(kind, CAMERA_TYPES) if isinstance(kind, str) else None
        raise _bad("cameraType", _shown(kind), ", ".join(CAMERA_TYPES), fix)
    unit = _scale(metres_per_unit)
    position, target = (_point(part * unit for part in _numbers(value, name, "xyz")) for name in ("position", "target"))
    _angles(position, target, where="camera_info", names="position and target")
    pose = Pose(position, target)
    if value.get("quaternion") is not None:
        pose = _turned(pose, value)
    placed: dict[str, Any] = {"position_m": list(pose.position_m), "look_at_m": list(pose.look_at_m)}
    if abs(pose.roll_deg) > _NO_ROLL_DEG:
        placed["roll_deg"] = pose.roll_deg
    if kind == "orthographic" or value.get("fov") is None:
        return {"pose": placed}
    return {"pose": placed, "lens": _lens_said(value, camera or {}, ratio)}


def to_comfyui(
    camera: Mapping[str, Any],
    *,
    metres_per_unit: float = 1.0,
    target_m: Point = ORIGIN,
    ratio: float | None = None,
) -> dict[str, Any]:
    """A manifest's camera as ComfyUI's LOAD3D_CAMERA value, for hosts old and new; the reverse of ``from_comfyui``.

    ComfyUI 0.3 reads ``position``, ``target``, ``zoom`` and ``cameraType``; newer hosts also read ``quaternion``
    (roll included) and ``fov``, which is there where the focal length is known, at infinity and for a picture of
    that ``ratio``. ``target_m`` is what an orbit looks at where it does not say. Raises StudioFlowError where the
    manifest places no camera.
    """
    pose = pose_of(camera, target_m)
    if pose is None:
        raise StudioFlowError(
            "the camera stands nowhere",
            where="/camera",
            found="neither orbit nor pose",
            allowed="one of them",
            fix="give an orbit, for example azimuth 0 degrees, elevation 0 degrees, distance 2 m",
        )
    unit = _scale(metres_per_unit)
    value: dict[str, Any] = {
        "position": _named(tuple(part / unit for part in pose.position_m), "xyz"),
        "target": _named(tuple(part / unit for part in pose.look_at_m), "xyz"),
        "quaternion": _named(pose_to_quaternion(pose).quaternion, "xyzw"),
        "zoom": 1,
        "cameraType": "perspective",
    }
    lens = lens_of(camera)
    # A fisheye has no angle of view that a 3D camera could have.
    if lens.focal_length_mm is not None and not lens.fisheye:
        value["fov"] = field_of_view_deg(used_sensor_mm(camera, ratio)[1], lens.focal_length_mm)
    return value


def _lens_said(value: Mapping[str, Any], camera: Mapping[str, Any], ratio: float | None) -> dict[str, Any]:
    """The lens of a camera with the focal length that the value's angle of view and zoom give it."""
    fov, zoom = _number(value, "fov", *_VIEW_DEG), _number(value, "zoom", *_ZOOM, default=1.0)
    focal = focal_length_for_view_mm(used_sensor_mm(camera, ratio)[1], fov) * zoom
    before, given = lens_of(camera).focal_length_mm, dict(camera.get("lens", {}))
    # A lens that comes back as it went stays itself, with the name that a preset gives it.
    if before is not None and math.isclose(focal, before, rel_tol=_SAME_LENS):
        return given
    return given | {"focal_length_mm": round(focal, 9)}


def _scale(metres_per_unit: float) -> float:
    """The scale, which must be a number that a 3D scene can have."""
    low, high = _METRES_PER_UNIT
    if not low <= metres_per_unit <= high:
        raise StudioFlowError(
            "not a scale",
            where="metres_per_unit",
            found=repr(metres_per_unit),
            allowed=f"a number from {low:.6f} to {high:.0f}",
            fix="write 1 where the 3D scene is in metres, 0.01 where it is in centimetres",
        )
    return metres_per_unit


def _turned(pose: Pose, value: Mapping[str, Any]) -> Pose:
    """A look-at with the direction and roll of the value's quaternion; its target where the two agree."""
    parts = _numbers(value, "quaternion", "xyzw")
    if math.hypot(*parts) < _COINCIDENT_M:
        raise _bad("quaternion", str(list(parts)), "a unit quaternion")
    x, y, z, w = parts
    turned = quaternion_to_pose(Oriented(pose.position_m, (x, y, z, w)), math.dist(pose.position_m, pose.look_at_m))
    apart = math.dist(turned.look_at_m, pose.look_at_m)
    if apart > _SAME_DIRECTION * math.dist(pose.position_m, pose.look_at_m):
        return turned
    bare = _roll_free(pose.position_m, pose.look_at_m)
    return pose._replace(roll_deg=_roll_between(bare, _axes_of_quaternion((x, y, z, w))))


def _angles(
    position: Any, look_at: Any, where: str = "/camera/pose", names: str = "position_m and look_at_m"
) -> tuple[float, float, float]:
    """Azimuth, elevation and distance of a position seen from the point looked at."""
    x, y, z = (a - b for a, b in zip(position, look_at, strict=True))
    distance = math.hypot(x, y, z)
    if distance < _COINCIDENT_M:
        raise StudioFlowError(
            "the camera stands at the point it looks at",
            where=where,
            found=f"{names} are both {list(position)}",
            allowed="two different points",
            fix="move one of them",
        )
    flat = math.hypot(x, z)
    azimuth = 0.0 if flat <= _POLE * distance else signed_deg(math.degrees(math.atan2(x, z)))
    return azimuth, math.degrees(math.atan2(y, flat)), distance


def _roll_free(position: Point, look_at: Point) -> Axes:
    azimuth, elevation, _ = _angles(position, look_at)
    return axes_of(azimuth, elevation)


def _roll_between(bare: Axes, axes: Axes) -> float:
    """The roll in degrees that turns the first axes into the second, which share their view."""
    return signed_deg(math.degrees(math.atan2(_dot(axes.up, bare.right), _dot(axes.up, bare.up))))


def _quaternion(axes: Axes) -> Quaternion:
    """The unit quaternion, w not negative, of the rotation with the columns right, up and back (-forward).

    The largest of the four parts is found first, so that none is divided by a small number: S. W. Shepperd,
    Quaternion from rotation matrix, Journal of Guidance and Control 1 (1978).
    """
    m = tuple(zip(axes.right, axes.up, (-part for part in axes.forward), strict=True))
    trace = m[0][0] + m[1][1] + m[2][2]
    squares = (m[0][0], m[1][1], m[2][2], trace)
    largest = squares.index(max(squares))
    if largest == 3:
        parts = [m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1], 1.0 + trace]
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        parts = [0.0, 0.0, 0.0, m[k][j] - m[j][k]]
        parts[i] = 1.0 - trace + 2.0 * m[i][i]
        parts[j] = m[j][i] + m[i][j]
        parts[k] = m[k][i] + m[i][k]
    scale = math.copysign(1.0 / math.hypot(*parts), parts[3])
    x, y, z, w = (part * scale for part in parts)
    return x, y, z, w


def _axes_of_quaternion(quaternion: Quaternion) -> Axes:
    """The camera's axes that a quaternion of any length but zero turns to."""
    length = math.hypot(*quaternion)
    if not (length > 0.0 and math.isfinite(length)):
        raise ValueError(f"a quaternion must have finite parts and not be zero, not {quaternion!r}")
    x, y, z, w = (part / length for part in quaternion)
    right = (1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + z * w), 2.0 * (x * z - y * w))
    up = (2.0 * (x * y - z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + x * w))
    forward = (-2.0 * (x * z + y * w), -2.0 * (y * z - x * w), -1.0 + 2.0 * (x * x + y * y))
    return Axes(forward, right, up)


def _blend(one: Point, a: float, other: Point, b: float) -> Point:
    """one × a + other × b."""
    return one[0] * a + other[0] * b, one[1] * a + other[1] * b, one[2] * a + other[2] * b


def _dot(one: Point, other: Point) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _named(parts: tuple[float, ...], names: str) -> dict[str, float]:
    # Adding zero turns -0.0 into 0.0.
    return {name: part + 0.0 for name, part in zip(names, parts, strict=True)}


def _numbers(value: Mapping[str, Any], key: str, names: str) -> tuple[float, ...]:
    """The named numbers of one part of a LOAD3D_CAMERA value."""
    part = value.get(key)
    if not isinstance(part, Mapping):
        raise _bad(key, _shown(part), f"an object with {', '.join(names)}")
    return tuple(_number(part, name, -_COORDINATE, _COORDINATE, within=f"{key}.") for name in names)


def _number(
    part: Mapping[str, Any], name: str, low: float, high: float, default: float | None = None, within: str = ""
) -> float:
    """One number between two limits, both included."""
    number = part.get(name, default)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number <= high:
        raise _bad(within + name, _shown(number), f"a number from {low:g} to {high:g}")
    return float(number)


def _shown(value: object) -> str:
    """A value as JSON, cut to what a line holds; "nothing" where there is none."""
    return "nothing" if value is None else json.dumps(value, default=str, ensure_ascii=False)[:80]


def _bad(key: str, found: str, allowed: str, fix: str | None = None) -> StudioFlowError:
    return StudioFlowError(
        "not a camera of ComfyUI's 3D nodes",
        where=f"camera_info.{key}".rstrip("."),
        found=found,
        allowed=allowed,
        fix=fix or "connect the camera_info output of a Load 3D or Create Camera Info node",
    )
