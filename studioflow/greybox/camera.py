"""The manifest's camera as a sensor of Mitsuba: a thin lens with its focal length, focus, aperture and place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import StudioFlowError
from ..studio.camera import focus_distance_m
from ..studio.lens import lens_of, used_sensor_mm
from ..studio.optics import field_of_view_deg
from ..studio.placement import Axes, Orbit, Pose, axes_of, orbit_to_pose, pose_of, pose_to_orbit
from .parts import Plain, Point

_USUAL_FOCAL_MM = 50.0
_USUAL_FILL = 0.6
"""Which part of the picture a subject takes where the manifest places no camera."""
_USUAL_ELEVATION_DEG = 8.0


class View(NamedTuple):
    """A camera in the scene.

    ``fov_deg`` is the horizontal angle of view with the lens focused at ``focus_m`` along the view.
    ``aperture_radius_m`` is 0 where the manifest names no aperture: everything is sharp.
    """

    pose: Pose
    fov_deg: float
    focus_m: float
    aperture_radius_m: float
    width: int
    height: int
    notes: tuple[str, ...] = ()

    @property
    def axes(self) -> Axes:
        orbit = pose_to_orbit(self.pose)
        return axes_of(orbit.azimuth_deg, orbit.elevation_deg, orbit.roll_deg)


def view_of(camera: Mapping[str, Any], width: int, height: int, low: Point, high: Point) -> View:
    """The view of a manifest's camera in pixels.

    ``low`` and ``high`` are the corners of the box around the subjects: what the camera looks at where the manifest
    does not say, and where it stands if it is placed nowhere. The picture takes of the sensor what its ratio allows
    (``lens.used_sensor_mm``). StudioFlowError for a focus within the focal length.
    """
    lens, notes = lens_of(camera), []
    across_mm, up_mm = used_sensor_mm(camera, width / height)
    focal_mm = lens.focal_length_mm
    if focal_mm is None:
        focal_mm = _USUAL_FOCAL_MM * math.hypot(across_mm, up_mm) / math.hypot(36.0, 24.0)
        notes.append(f"the shot names no focal length: shown at {focal_mm:.0f} mm")
    if lens.fisheye:
        notes.append("a fisheye draws curves; the greybox shows its focal length with straight lines")
    middle: Point = tuple((a + b) / 2.0 for a, b in zip(low, high, strict=True))  # type: ignore[assignment]
    pose = pose_of(camera, middle)
    if pose is None:
        pose = _standing(middle, low, high, focal_mm, min(across_mm, up_mm))
        notes.append("the shot places no camera: shown from the front")
        focus = lens.focus_distance_m or math.dist(pose.position_m, pose.look_at_m)
    else:
        focus = focus_distance_m(camera)
    if focus <= focal_mm / 1000.0:
        raise StudioFlowError(
            "the camera cannot focus closer than its focal length",
            where="/camera" if lens.focus_distance_m is None else "/camera/lens/focus_distance_m",
            found=f"{focus:g} m with a focal length of {focal_mm:g} mm",
            allowed=f"more than {focal_mm / 1000.0:g} m",
            fix="move the camera away or choose a shorter lens",
        )
    radius = 0.0 if lens.aperture is None else focal_mm / lens.aperture / 2000.0
    fov = field_of_view_deg(across_mm, focal_mm, focus)
    return View(pose, fov, focus, radius, width, height, tuple(notes))


def _standing(middle: Point, low: Point, high: Point, focal_mm: float, shorter_mm: float) -> Pose:
    """In front of the subjects and a little above, so that they take a good part of the picture."""
    size = max(b - a for a, b in zip(low, high, strict=True))
    distance = size / _USUAL_FILL * focal_mm / shorter_mm + (high[2] - low[2]) / 2.0 + focal_mm / 1000.0
    return orbit_to_pose(Orbit(0.0, _USUAL_ELEVATION_DEG, distance, target_m=middle))


def sensor_of(view: View, *, sharp: bool = False, scale: int = 1) -> Plain:
    """The view as a sensor with a film of ``scale`` times its pixels; ``sharp`` leaves the aperture out.

    Each sample counts for the pixel that it lies in and no other (a box filter), so that pictures add up from tiles
    and passes.
    """
    import numpy as np

    axes = view.axes
    to_world = np.eye(4)
    # Mitsuba's cameras look along +Z with +X to the left.
    to_world[:3, 0], to_world[:3, 1] = [-part for part in axes.right], axes.up
    to_world[:3, 2], to_world[:3, 3] = axes.forward, view.pose.position_m
    film = {
        "type": "hdrfilm",
        "width": view.width * scale,
        "height": view.height * scale,
        "pixel_format": "rgba",
        "component_format": "float32",
        "rfilter": {"type": "box"},
    }
    reach = math.dist(view.pose.position_m, view.pose.look_at_m) + view.focus_m
    sensor: Plain = {
        "type": "thinlens",
        "to_world": to_world,
        "fov": view.fov_deg,
        "fov_axis": "x",
        "near_clip": 1e-4 * min(1.0, reach),
        "far_clip": 1e5 * max(1.0, reach),
        "film": film,
    }
    if sharp or view.aperture_radius_m == 0.0:
        sampler = {"type": "stratified", "sample_count": 1, "jitter": False} if sharp else {"type": "independent"}
        return sensor | {"type": "perspective", "sampler": sampler}
    lens = {"aperture_radius": view.aperture_radius_m, "focus_distance": view.focus_m}
    return sensor | lens | {"sampler": {"type": "independent"}}


def seen_at(view: View, point: Point) -> tuple[float, float, float]:
    """Where a point of space lands: pixels from the left, pixels from the top, metres along the view.

    A pixel's middle is at half a pixel. The metres are negative behind the camera, where the pixels mean nothing.
    """
    axes = view.axes
    away = [a - b for a, b in zip(point, view.pose.position_m, strict=True)]
    right, up, along = (
        sum(a * b for a, b in zip(away, axis, strict=True)) for axis in (axes.right, axes.up, axes.forward)
    )
    if along == 0.0:
        return math.inf, math.inf, 0.0
    half = view.width / 2.0 / math.tan(math.radians(view.fov_deg) / 2.0)
    return view.width / 2.0 + half * right / along, view.height / 2.0 - half * up / along, along
