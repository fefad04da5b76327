"""The camera section of a manifest -> its own caption fields, and no other.

Words stand in camera_words.json, sensors and lenses in their tables. What is sharp is measured by the main subject
where its size is known, for the same millimetres are a shallow zone on a car and a deep one on a ring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import StudioFlowError
from ..resources import table
from .framing import extent_of
from .lens import DEFAULT_SENSOR, lens_of, sensor_of
from .optics import blur_disc_of_height, frame_height_m, sharp_limits_m
from .placement import DEFAULT_DISTANCE_M, orbit_of
from .words import band, bands, phrases, side, signed_deg

__all__ = [
    "DEFAULT_DISTANCE_M",
    "DEFAULT_SENSOR",
    "Sharpness",
    "caption_fields",
    "focus_distance_m",
    "orbit_of",
    "sharpness_of",
]

_WORDS = "studio/camera_words"
_ENGRAVED_WITHIN = 0.04
"""A focal length this close to an engraved one is called by it."""
_LEAST_SEEN = 0.5
"""Of the frame's height. In a picture of a small thing in wide surroundings it is these that look soft or sharp."""
_NO_SIDE_DEG = 65.0
"""From this high above or below there is no side to name."""


class Sharpness(NamedTuple):
    """What a camera renders sharp, in metres from it.

    ``depth`` is the total depth of field over what is seen of the main subject: its largest side, at most the height
    of the frame at the focus and at least half of it, or that height where the subject's size is not known.
    ``within`` is it over the subject's depth along the view, None without a size. The far limit, and with it both, may
    be ``math.inf``.
    """

    near_m: float
    far_m: float
    focus_m: float
    depth: float
    within: float | None


def caption_fields(camera: Mapping[str, Any], subject: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The fields of ``photographic_characteristics`` that this camera determines, in FIBO's order.

    ``subject`` is the main subject of the scene; its ``size_m`` and ``facing_deg`` are what the depth of field and
    the focus are measured by. Raises StudioFlowError for a focus within the focal length, an unknown sensor or preset
    and a camera on its target.
    """
    orbit = orbit_of(camera)
    fields = _sharp_fields(camera, subject or {}, orbit)
    if orbit:
        fields["camera_angle"] = _camera_angle(orbit, camera.get("orbit", {}))
    lens, equivalent = lens_of(camera), lens_of(camera).equivalent_mm(sensor_of(camera))
    if equivalent is not None:
        kind = lens.kind or band(equivalent, bands(_WORDS, "lens_by_equivalent_mm"))
        words = phrases(_WORDS, "lens")["focal_length"]
        fields["lens_focal_length"] = words.format(mm=_engraved(equivalent), kind=kind)
    return fields


def focus_distance_m(camera: Mapping[str, Any]) -> float:
    """Distance from the camera to the plane of focus in metres: as given, else the target's, else 2 m."""
    given = lens_of(camera).focus_distance_m
    if given is not None:
        return given
    orbit = orbit_of(camera)
    return orbit["distance_m"] if orbit else DEFAULT_DISTANCE_M


def sharpness_of(camera: Mapping[str, Any], subject: Mapping[str, Any] | None = None) -> Sharpness | None:
    """What the camera renders sharp; None where focal length or aperture are not known.

    Raises StudioFlowError for a focus within the focal length.
    """
    lens, sensor, focus = lens_of(camera), sensor_of(camera), focus_distance_m(camera)
    if lens.focal_length_mm is None or lens.aperture is None:
        return None
    if not focus > lens.focal_length_mm / 1000.0:
        raise StudioFlowError(
            "the camera cannot focus closer than its focal length",
            where="/camera" if lens.focus_distance_m is None else "/camera/lens/focus_distance_m",
            found=f"{focus:g} m with a focal length of {lens.focal_length_mm:g} mm",
            allowed=f"more than {lens.focal_length_mm / 1000.0:g} m",
            fix="move the camera away or choose a shorter lens",
        )
    near, far = sharp_limits_m(lens.focal_length_mm, lens.aperture, sensor.coc_mm, focus)
    orbit = orbit_of(camera) or {"azimuth_deg": 0.0, "elevation_deg": 0.0}
    extent = extent_of(subject or {}, orbit["azimuth_deg"], orbit["elevation_deg"])
    height = frame_height_m(lens.focal_length_mm, sensor.height_mm, focus)
    if subject is None or extent is None:
        return Sharpness(near, far, focus, (far - near) / height, None)
    seen = min(max(*subject["size_m"], height * _LEAST_SEEN), height)
    return Sharpness(near, far, focus, (far - near) / seen, (far - near) / extent.along_m)


def _sharp_fields(
    camera: Mapping[str, Any], subject: Mapping[str, Any], orbit: dict[str, float] | None
) -> dict[str, str]:
    """depth_of_field and focus, where the lens says enough."""
    sharp = sharpness_of(camera, subject)
    if sharp is None:
        return {}
    if orbit and "focus_distance_m" in camera.get("lens", {}):
        aside = _focused_elsewhere(camera, sharp, subject, orbit)
    else:
        aside = {}
    words = {"depth_of_field": band(sharp.depth, bands(_WORDS, "depth_of_field_by_depth")), "focus": _focus(sharp)}
    return words | aside


def _focus(sharp: Sharpness) -> str:
    if sharp.within is None:
        return band(sharp.depth, bands(_WORDS, "focus_by_frame_heights"))
    if sharp.within < 1.0:
        return band(sharp.within, bands(_WORDS, "focus_within_subject"))
    return band(sharp.depth, bands(_WORDS, "focus_beyond_subject"))


def _focused_elsewhere(
    camera: Mapping[str, Any], sharp: Sharpness, subject: Mapping[str, Any], orbit: dict[str, float]
) -> dict[str, str]:
    """The words for a focus set beside a subject that stands around the target; none where it lies within it.

    The subject reaches half its depth before and behind the target; one without a size is a point.
    """
    distance = orbit["distance_m"]
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"])
    half = extent.along_m / 2.0 if extent else 0.0
    front, back = max(distance - half, 0.0), distance + half
    if sharp.far_m < front or sharp.near_m > back:
        return _off_subject(camera, sharp, front if sharp.far_m < front else back, behind=sharp.near_m > back)
    edges = phrases(_WORDS, "focus_at_the_edge")
    if sharp.focus_m < front and sharp.far_m < back:
        return {"focus": edges["in_front"]}
    if sharp.focus_m > back and sharp.near_m > front:
        return {"focus": edges["behind"]}
    return {}


def _off_subject(camera: Mapping[str, Any], sharp: Sharpness, edge_m: float, behind: bool) -> dict[str, str]:
    """The words for a subject of which nothing is sharp; ``edge_m`` is where it is nearest to being so."""
    lens, sensor = lens_of(camera), sensor_of(camera)
    if lens.focal_length_mm is None or lens.aperture is None:
        return {}
    blur = blur_disc_of_height(lens.focal_length_mm, lens.aperture, sharp.focus_m, edge_m, sensor.height_mm)
    depth = phrases(_WORDS, "depth_of_field_off_subject")
    if not behind:
        return {"depth_of_field": depth["in_front"], "focus": band(blur, bands(_WORDS, "focus_in_front_by_blur"))}
    return {
        "depth_of_field": depth["far_behind" if math.isinf(sharp.far_m) else "behind"],
        "focus": band(blur, bands(_WORDS, "focus_behind_by_blur")),
    }


def _camera_angle(orbit: dict[str, float], given: Mapping[str, Any]) -> str:
    """Height, side and tilt in words; where ``given`` names only one of height and side, nothing of the other."""
    only_side = "azimuth_deg" in given and "elevation_deg" not in given
    only_height = "elevation_deg" in given and "azimuth_deg" not in given
    parts = [] if only_side else [band(orbit["elevation_deg"], bands(_WORDS, "elevation_deg"))]
    if abs(orbit["elevation_deg"]) < _NO_SIDE_DEG and not only_height:
        seen_from = band(abs(orbit["azimuth_deg"]), bands(_WORDS, "side_by_azimuth_deg"))
        parts.append(seen_from.format(side=side(orbit["azimuth_deg"])))
    roll = signed_deg(orbit["roll_deg"])
    parts.append(band(abs(roll), bands(_WORDS, "roll_deg")).format(side=side(roll)))
    return ", ".join(part for part in parts if part)


def _engraved(focal_length_mm: float) -> int:
    """The number a photographer would say: an engraved one within 4 %, else the nearest whole millimetre."""
    marks: list[int] = table(f"{_WORDS}.json")["lens"]["engraved_mm"]
    closest = min(marks, key=lambda mark: abs(mark - focal_length_mm))
    if abs(closest - focal_length_mm) <= _ENGRAVED_WITHIN * focal_length_mm:
        return closest
    return max(1, round(focal_length_mm))
