"""The camera section of a manifest -> its own caption fields, and no other.

Words stand in camera_words.json, sensors and lenses in their tables. The background is told by the blur disc of what is
far behind the focus; the main subject, where its size is known, by the part of its depth that is sharp, for the same
millimetres are little on a car and much on a ring.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import StudioFlowError
from ..resources import table
from .framing import distance_of, extent_of
from .lens import DEFAULT_SENSOR, lens_of, sensor_of
from .optics import blur_disc_of_height, sharp_limits_m
from .placement import DEFAULT_DISTANCE_M, orbit_of
from .words import band, bands, phrases, side, signed_deg

__all__ = [
    "DEFAULT_DISTANCE_M",
    "DEFAULT_SENSOR",
    "NO_SIDE_DEG",
    "Sharpness",
    "caption_fields",
    "focus_distance_m",
    "orbit_of",
    "sharpness_of",
]

_WORDS = "studio/camera_words"
_ENGRAVED_WITHIN = 0.04
"""A focal length this close to an engraved one is called by it."""
NO_SIDE_DEG = 65.0
"""From this high above or below there is no side to name, and no horizon that a roll could tilt."""


class Sharpness(NamedTuple):
    """What a camera renders sharp, in metres from it; the far limit may be ``math.inf``.

    ``blur`` is the diameter of the disc that a point at infinity becomes, over the height of the lying sensor; at twice
    the focus distance a disc is half as large. ``front_m`` and ``back_m`` are the near and far side of the main subject
    along the view: one distance for a subject without a size, the near one negative from within it, None where its
    middle lies behind the camera.
    """

    near_m: float
    far_m: float
    focus_m: float
    blur: float
    front_m: float | None
    back_m: float | None

    @property
    def part(self) -> float | None:
        """The part of the subject's depth that is sharp, 0 to 1; None where that depth is not known."""
        if self.front_m is None or self.back_m is None or not self.back_m > self.front_m:
            return None
        sharp = min(self.back_m, self.far_m) - max(self.front_m, self.near_m)
        return min(max(sharp / (self.back_m - self.front_m), 0.0), 1.0)


def caption_fields(camera: Mapping[str, Any], subject: Mapping[str, Any] | None = None) -> dict[str, str]:
    """The fields of ``photographic_characteristics`` that this camera determines, in FIBO's order.

    ``subject`` is the main subject of the scene: where it stands and how deep it is decide what of it is sharp, and
    its ``facing_deg`` from which side it is seen. Raises StudioFlowError for a focus within the focal length, an
    unknown sensor or preset and a camera on its target.
    """
    orbit = orbit_of(camera)
    fields = _sharp_fields(camera, subject or {})
    if orbit:
        fields["camera_angle"] = _camera_angle(orbit, camera.get("orbit", {}), (subject or {}).get("facing_deg", 0.0))
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
    blur = blur_disc_of_height(lens.focal_length_mm, lens.aperture, focus, math.inf, sensor.height_mm)
    return Sharpness(near, far, focus, blur, *_depth_of(camera, subject or {}))


def _depth_of(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> tuple[float, float] | tuple[None, None]:
    """The near and far side of a subject along the view, in metres from the camera."""
    orbit, distance = orbit_of(camera), distance_of(camera, subject)
    if orbit is None:
        # A camera without a place is focused on the subject, which faces it.
        orbit, distance = {"azimuth_deg": 0.0, "elevation_deg": 0.0}, focus_distance_m(camera)
    if distance is None:
        return None, None
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"])
    half = extent.along_m / 2.0 if extent else 0.0
    return distance - half, distance + half


def _sharp_fields(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, str]:
    """depth_of_field and focus, where the lens says enough; no focus where the subject is behind the camera."""
    sharp = sharpness_of(camera, subject)
    if sharp is None:
        return {}
    if sharp.front_m is None or sharp.back_m is None:
        return {"depth_of_field": _depth_of_field(sharp)}
    if sharp.far_m < sharp.front_m:
        return _off_subject(camera, sharp, sharp.front_m, behind=False)
    if sharp.near_m > sharp.back_m:
        return _off_subject(camera, sharp, sharp.back_m, behind=True)
    return {"depth_of_field": _depth_of_field(sharp), "focus": _focus(sharp, sharp.front_m, sharp.back_m)}


def _depth_of_field(sharp: Sharpness) -> str:
    """By the blur of the background; no more than moderate where a part of the subject is not sharp."""
    partly = sharp.part is not None and sharp.part < 1.0
    return band(
        sharp.blur, bands(_WORDS, "depth_of_field_partly_sharp_by_blur" if partly else "depth_of_field_by_blur")
    )


def _focus(sharp: Sharpness, front_m: float, back_m: float) -> str:
    """The words for a subject of which at least a part is sharp."""
    edges = phrases(_WORDS, "focus_at_the_edge")
    if sharp.focus_m < front_m and sharp.far_m < back_m:
        return edges["in_front"]
    if sharp.focus_m > back_m and sharp.near_m > front_m:
        return edges["behind"]
    if sharp.part is None:
        return band(sharp.blur, bands(_WORDS, "focus_by_blur"))
    if sharp.part < 1.0:
        far = sharp.near_m > front_m and sharp.far_m >= back_m
        return band(sharp.part, bands(_WORDS, "focus_by_far_part_of_subject" if far else "focus_by_part_of_subject"))
    return band(sharp.blur, bands(_WORDS, "focus_on_whole_subject_by_blur"))


def _off_subject(camera: Mapping[str, Any], sharp: Sharpness, edge_m: float, behind: bool) -> dict[str, str]:
    """The words for a subject of which nothing is sharp; ``edge_m`` is where it is nearest to being so."""
    lens, sensor = lens_of(camera), sensor_of(camera)
    if lens.focal_length_mm is None or lens.aperture is None:
        return {}
    blur = blur_disc_of_height(lens.focal_length_mm, lens.aperture, sharp.focus_m, edge_m, sensor.height_mm)
    if not behind:
        return {
            "depth_of_field": band(sharp.blur, bands(_WORDS, "depth_of_field_in_front_by_blur")),
            "focus": band(blur, bands(_WORDS, "focus_in_front_by_blur")),
        }
    depth = "depth_of_field_far_behind_by_blur" if math.isinf(sharp.far_m) else "depth_of_field_behind_by_blur"
    return {
        "depth_of_field": band(blur, bands(_WORDS, depth)),
        "focus": band(blur, bands(_WORDS, "focus_behind_by_blur")),
    }


def _camera_angle(orbit: dict[str, float], given: Mapping[str, Any], facing_deg: float) -> str:
    """Height, side and tilt in words; where ``given`` names only one of height and side, nothing of the other.

    The side is that of the subject, which faces ``facing_deg``: seen from its right, it is turned to the left of the
    picture.
    """
    only_side = "azimuth_deg" in given and "elevation_deg" not in given
    only_height = "elevation_deg" in given and "azimuth_deg" not in given
    parts = [] if only_side else [band(orbit["elevation_deg"], bands(_WORDS, "elevation_deg"))]
    if abs(orbit["elevation_deg"]) < NO_SIDE_DEG:
        around, roll = signed_deg(orbit["azimuth_deg"] - facing_deg), signed_deg(orbit["roll_deg"])
        if not only_height:
            parts.append(band(abs(around), bands(_WORDS, "side_by_azimuth_deg")).format(side=side(around)))
        parts.append(band(abs(roll), bands(_WORDS, "roll_deg")).format(side=side(roll)))
    return ", ".join(part for part in parts if part)


def _engraved(focal_length_mm: float) -> int:
    """The number a photographer would say: an engraved one within 4 %, else the nearest whole millimetre."""
    marks: list[int] = table(f"{_WORDS}.json")["lens"]["engraved_mm"]
    closest = min(marks, key=lambda mark: abs(mark - focal_length_mm))
    if abs(closest - focal_length_mm) <= _ENGRAVED_WITHIN * focal_length_mm:
        return closest
    return max(1, round(focal_length_mm))
