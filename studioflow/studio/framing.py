"""How much of the picture a subject takes, the shot size that this is called, and the impression of perspective.

The shot sizes of a person go by where the picture cuts the body, as textbooks define them (Roy Thompson and
Christopher Bowen, Grammar of the Shot, 2nd ed. 2009, chapter 1), on a body 7.5 heads tall: camera_words.json says where
each limit lies. A thing goes by the larger part that it takes of the picture's width or height. How large a subject is
drawn depends on where it stands along the view, which need not be where the camera looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .lens import lens_of, sensor_of, used_sensor_mm
from .optics import frame_size_m
from .placement import Point, axes_of, orbit_of
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


def place_of(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> Point | None:
    """The middle of a subject as the camera sees it: metres to the right, upwards and along the view.

    The roll is left out. Along the view it is zero or less for one beside or behind the camera. A subject without
    ``position_m`` and ``size_m`` counts as being where the camera looks, and so does the middle of any subject where
    an orbit has no target. None where the camera has no placement.
    """
    orbit = orbit_of(camera)
    if orbit is None:
        return None
    target = camera["pose"]["look_at_m"] if "pose" in camera else camera["orbit"].get("target_m")
    if target is None or subject.keys().isdisjoint({"position_m", "size_m"}):
        return 0.0, 0.0, orbit["distance_m"]
    away = [one - other for one, other in zip(middle_of(subject), target, strict=True)]
    axes = axes_of(orbit["azimuth_deg"], orbit["elevation_deg"])
    across, up, along = (
        sum(a * b for a, b in zip(away, axis, strict=True)) for axis in (axes.right, axes.up, axes.forward)
    )
    return across, up, along + orbit["distance_m"]


def distance_of(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> float | None:
    """How far along the view the middle of a subject lies, metres; None without a placement, and behind the camera."""
    place = place_of(camera, subject)
    return place[2] if place and place[2] > 0.0 else None


def fill_of(
    camera: Mapping[str, Any], subject: Mapping[str, Any], ratio: float, distance_m: float | None = None
) -> Fill | None:
    """Which part of a picture of a ratio a subject takes, where it stands or ``distance_m`` along the view.

    None where the subject has no size or stands behind the camera, the camera has no placement or the lens no focal
    length.
    """
    orbit, distance = orbit_of(camera), distance_of(camera, subject) if distance_m is None else distance_m
    if orbit is None or distance is None:
        return None
    frame = frame_at(camera, ratio, distance)
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"])
    if frame is None or extent is None:
        return None
    return Fill(extent.across_m / frame.width_m, extent.up_m / frame.height_m)


def shot_size(camera: Mapping[str, Any], subject: Mapping[str, Any], ratio: float) -> str:
    """The words for ``aesthetics.composition``: shot size and, where it shows, the impression of perspective.

    Empty where the subject has no ``size_m`` or is not in the picture, the camera has no placement or the lens no
    focal length.
    """
    fill, place = fill_of(camera, subject, ratio), place_of(camera, subject)
    frame = frame_at(camera, ratio, place[2]) if place else None
    if fill is None or place is None or frame is None or _is_outside(place, subject, frame):
        return ""
    if is_person(subject):
        size = band(_body(fill, subject, frame), bands(_WORDS, "shot_size_of_a_person_by_height"))
    else:
        size = band(max(fill), bands(_WORDS, "shot_size_of_a_thing_by_fill"))
    return ", ".join(part for part in (size, perspective(camera, subject)) if part)


def _body(fill: Fill, subject: Mapping[str, Any], frame: Frame) -> float:
    """How long a body is in terms of the picture's height.

    One that stands upright goes by the height that it takes; one that lies, wider or deeper than tall, by the larger
    part that it takes of width or height. Foreshortening, from above or along a body that lies, draws its length
    shorter and its parts no smaller: it counts at least as the body's length over the longer side of the picture.
    """
    longest = max(subject["size_m"])
    seen = fill.up if subject["size_m"][1] >= longest else max(fill)
    return max(seen, longest / max(frame))


def _is_outside(place: Point, subject: Mapping[str, Any], frame: Frame) -> bool:
    """Whether a subject is out of the picture however the camera is rolled: spheres around both do not meet."""
    across, up, _ = place
    return math.hypot(across, up) > (math.hypot(*subject["size_m"]) + math.hypot(*frame)) / 2.0


def depth_ratio(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> float | None:
    """How many times as large the near side of a subject is drawn as its far side; ``math.inf`` from within it.

    Perspective is a matter of the distance alone, whatever the lens (Ray 2002, chapter 23): (s + d/2) / (s - d/2) for
    a subject of depth d along the view at a distance s. None without size or placement, and behind the camera.
    """
    orbit, distance = orbit_of(camera), distance_of(camera, subject)
    extent = extent_of(subject, orbit["azimuth_deg"], orbit["elevation_deg"]) if orbit else None
    if distance is None or extent is None:
        return None
    half = extent.along_m / 2.0
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
