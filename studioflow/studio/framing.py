"""How much of the picture a subject takes, the shot size that this is called, and the impression of perspective.

The shot sizes of a person go by where the picture cuts the body, as textbooks define them (Roy Thompson and
Christopher Bowen, Grammar of the Shot, 2nd ed. 2009, chapter 1), on a body 7.5 heads tall: camera_words.json says where
each limit lies. A thing goes by the larger part that it takes of the picture's width or height.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .lens import lens_of, sensor_of, used_sensor_mm
from .optics import frame_size_m
from .placement import orbit_of
from .words import band, bands

_WORDS = "studio/camera_words"
OF_A_PERSON = ("pose", "expression", "clothing", "action", "gender", "skin_tone_and_texture")
_NARROW_MM = 85.0
"""From this full-frame focal length on a picture shows so narrow an angle that the distance looks compressed."""
_FLAT = 0.1
"""A subject whose thinner horizontal side is less than this part of its largest side is a sheet."""


class Frame(NamedTuple):
    """What the picture covers at one distance from the camera, in metres."""

    width_m: float
    height_m: float


class Fill(NamedTuple):
    """Which part of the picture's width and of its height a subject takes; 1 fills it, more is cut off."""

    across: float
    up: float


class Extent(NamedTuple):
    """A subject's box as the camera sees it, in metres: to the sides, upwards in the picture, and along the view."""

    across_m: float
    up_m: float
    along_m: float


def is_person(subject: Mapping[str, Any]) -> bool:
    """Whether a subject has what only persons have in a manifest: a pose, an expression, clothing and the like."""
    return any(name in subject for name in OF_A_PERSON)


def middle_of(subject: Mapping[str, Any]) -> tuple[float, float, float]:
    """The middle of a subject in metres: it stands on its ``position_m``, else at the origin."""
    x, y, z = subject.get("position_m", (0.0, 0.0, 0.0))
    return float(x), float(y + subject.get("size_m", (0.0, 0.0, 0.0))[1] / 2.0), float(z)


def frame_at(camera: Mapping[str, Any], ratio: float, distance_m: float) -> Frame | None:
    """What a picture of a ratio (width / height) covers at a distance in metres.

    The sensor is turned upright for an upright picture and cropped to the ratio. None where the focal length is not
    known or not shorter than the distance, and for a fisheye, whose picture has no frame in metres.
    """
    lens = lens_of(camera)
    if lens.focal_length_mm is None or lens.fisheye or distance_m <= lens.focal_length_mm / 1000.0:
        return None
    across, up = used_sensor_mm(camera, ratio)
    return Frame(*(frame_size_m(lens.focal_length_mm, side, distance_m) for side in (across, up)))


def frame_of(camera: Mapping[str, Any], ratio: float) -> Frame | None:
    """What a picture of a ratio covers at the camera's target; None where camera or lens do not say."""
    orbit = orbit_of(camera)
    return frame_at(camera, ratio, orbit["distance_m"]) if orbit else None


def extent_of(subject: Mapping[str, Any], azimuth_deg: float = 0.0, elevation_deg: float = 0.0) -> Extent | None:
    """A subject's box seen from those angles, turned by its ``facing_deg``; None without ``size_m``.

    Parallel projection of the box; the roll of the camera is left out.
    """
    if "size_m" not in subject:
        return None
    width, height, depth = subject["size_m"]
    turned = math.radians(azimuth_deg - subject.get("facing_deg", 0.0))
    raised = math.radians(elevation_deg)
    across = width * abs(math.cos(turned)) + depth * abs(math.sin(turned))
    deep = width * abs(math.sin(turned)) + depth * abs(math.cos(turned))
    sine, cosine = abs(math.sin(raised)), abs(math.cos(raised))
    return Extent(across, height * cosine + deep * sine, deep * cosine + height * sine)


def fill_of(
    camera: Mapping[str, Any], subject: Mapping[str, Any], ratio: float, distance_m: float | None = None
) -> Fill | None:
    """Which part of a picture of a ratio a subject takes, at the camera's target or ``distance_m`` away.

    None where the subject has no size, the camera no placement or the lens no focal length.
    """
    orbit = orbit_of(camera)
    if orbit is None:
        return None
    frame = frame_at(camera, ratio, orbit["distance_m"] if distance_m is None else distance_m)
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"])
    if frame is None or extent is None:
        return None
    return Fill(extent.across_m / frame.width_m, extent.up_m / frame.height_m)


def shot_size(camera: Mapping[str, Any], subject: Mapping[str, Any], ratio: float) -> str:
    """The words for ``aesthetics.composition``: shot size and, where it shows, the impression of perspective.

    Empty where the subject has no ``size_m``, the camera no placement or the lens no focal length.
    """
    fill = fill_of(camera, subject, ratio)
    if fill is None:
        return ""
    if is_person(subject):
        size = band(fill.up, bands(_WORDS, "shot_size_of_a_person_by_height"))
    else:
        size = band(max(fill), bands(_WORDS, "shot_size_of_a_thing_by_fill"))
    return ", ".join(part for part in (size, perspective(camera, subject)) if part)


def depth_ratio(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> float | None:
    """How many times as large the near side of a subject is drawn as its far side; ``math.inf`` from within it.

    Perspective is a matter of the distance alone, whatever the lens (Ray 2002, chapter 23): (s + d/2) / (s - d/2) for
    a subject of depth d along the view at a distance s. None without size or placement.
    """
    orbit = orbit_of(camera)
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"]) if orbit else None
    if orbit is None or extent is None:
        return None
    distance, half = orbit["distance_m"], extent.along_m / 2.0
    return (distance + half) / (distance - half) if distance > half else math.inf


def perspective(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> str:
    """The words for a perspective that one notices, else nothing.

    Exaggerated where the near side is drawn much larger than the far side. Compressed where they are nearly the same
    size and a long lens leaves nothing nearer in the picture to compare with; a flat subject has no such impression.
    """
    ratio, focal = depth_ratio(camera, subject), lens_of(camera).equivalent_mm(sensor_of(camera))
    if ratio is None or focal is None:
        return ""
    width, height, depth = subject["size_m"]
    flat = min(width, depth) < _FLAT * max(width, height, depth)
    compressed = "" if flat or focal < _NARROW_MM else band(ratio, bands(_WORDS, "compression_by_depth_ratio"))
    return compressed or band(ratio, bands(_WORDS, "exaggeration_by_depth_ratio"))
