"""Thin-lens optics: pure functions of numbers, each length in the unit of its name.

The lens is thin, in air, and rectilinear, and every distance is measured from it. Formulas: Sidney F. Ray, Applied
Photographic Optics, 3rd ed. (2002), chapters 19 (image formation, magnification) and 22 (depth of field and hyperfocal
distance); Rudolf Kingslake, Optics in Photography (1992), chapter 5. Optics that cannot be (a number that is not
finite or not above zero, a focus within the focal length) raise ValueError.
"""

from __future__ import annotations

import math

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
CIRCLES_PER_DIAGONAL = 1442.0
"""Circle of confusion = diagonal / 1442, which gives the customary 0.030 mm for 36 × 24 mm."""


def _require(unlimited: bool = False, **numbers: float) -> None:
    """Raise ValueError for the first number that is not above zero, or not finite unless ``unlimited``."""
    for name, value in numbers.items():
        if not value > 0.0 or (math.isinf(value) and not unlimited):
            what = "a number above zero" if unlimited else "a finite number above zero"
            raise ValueError(f"{name} must be {what}, not {value!r}")


def _require_focus(focal_length_mm: float, distance_m: float) -> float:
    """The focal length in metres; ValueError where nothing at that distance can be brought to focus."""
    _require(focal_length_mm=focal_length_mm)
    _require(unlimited=True, distance_m=distance_m)
    focal_m = focal_length_mm / 1000.0
    if distance_m <= focal_m:
        raise ValueError(f"focus at {distance_m} m lies within the focal length of {focal_m} m")
    return focal_m


def circle_of_confusion_mm(width_mm: float, height_mm: float) -> float:
    """The largest blur in millimetres that still looks sharp on a sensor of that size: diagonal / 1442.

    The custom of one part in about 1500 of the diagonal supposes a print that is looked at from as far as its
    diagonal is long (Ray 2002, chapter 22).
    """
    _require(width_mm=width_mm, height_mm=height_mm)
    return math.hypot(width_mm, height_mm) / CIRCLES_PER_DIAGONAL


def field_of_view_deg(size_mm: float, focal_length_mm: float, distance_m: float = math.inf) -> float:
    """Angle in degrees seen along a sensor side (or diagonal) of that size: 2 atan(size / 2v).

    v is the image distance f s / (s - f) of a lens focused at ``distance_m`` s; it is f at infinity, and a lens that
    is focused closer sees less.
    """
    _require(size_mm=size_mm)
    focal_m = _require_focus(focal_length_mm, distance_m)
    nearer = 1.0 - focal_m / distance_m
    return math.degrees(2.0 * math.atan(size_mm * nearer / (2.0 * focal_length_mm)))


def focal_length_for_view_mm(size_mm: float, angle_deg: float) -> float:
    """The focal length in millimetres that sees an angle (0 to 180, both excluded) along a side, at infinity."""
    _require(size_mm=size_mm, angle_deg=angle_deg)
    if angle_deg >= 180.0:
        raise ValueError(f"angle_deg must be below 180, not {angle_deg!r}")
    return size_mm / (2.0 * math.tan(math.radians(angle_deg) / 2.0))


def equivalent_focal_length_mm(
    focal_length_mm: float, width_mm: float, height_mm: float, squeeze: float = 1.0
) -> float:
    """The focal length with the same diagonal field of view on 36 × 24 mm.

    An anamorphic lens of a ``squeeze`` (2 for 2×) sees as wide as a sensor ``squeeze`` times as wide; the diagonal is
    that of the desqueezed frame.
    """
    _require(focal_length_mm=focal_length_mm, width_mm=width_mm, height_mm=height_mm, squeeze=squeeze)
    return focal_length_mm * FULL_FRAME_DIAGONAL_MM / math.hypot(width_mm * squeeze, height_mm)


def hyperfocal_m(focal_length_mm: float, aperture: float, coc_mm: float) -> float:
    """Focused there, everything from half that distance to infinity is sharp: f² / (N c) + f, in metres."""
    _require(focal_length_mm=focal_length_mm, aperture=aperture, coc_mm=coc_mm)
    return (focal_length_mm**2 / (aperture * coc_mm) + focal_length_mm) / 1000.0


def sharp_limits_m(focal_length_mm: float, aperture: float, coc_mm: float, distance_m: float) -> tuple[float, float]:
    """Near and far limit of sharpness, metres from the lens; far is ``math.inf`` from the hyperfocal distance on.

    near = s (H - f) / (H + s - 2f), far = s (H - f) / (H - s) with the hyperfocal distance H (Ray 2002, chapter 22).
    ``distance_m`` s is the focus; it must exceed the focal length, and may be ``math.inf``.
    """
    focal_m = _require_focus(focal_length_mm, distance_m)
    hyper = hyperfocal_m(focal_length_mm, aperture, coc_mm)
    if math.isinf(distance_m):
        return hyper - focal_m, math.inf
    near = distance_m * (hyper - focal_m) / (hyper + distance_m - 2.0 * focal_m)
    far = math.inf if distance_m >= hyper else distance_m * (hyper - focal_m) / (hyper - distance_m)
    return near, far


def depth_of_field_m(focal_length_mm: float, aperture: float, coc_mm: float, distance_m: float) -> float:
    """Total depth of field, far less near limit, in metres; ``math.inf`` from the hyperfocal distance on."""
    near, far = sharp_limits_m(focal_length_mm, aperture, coc_mm, distance_m)
    return far - near


def blur_disc_mm(focal_length_mm: float, aperture: float, focus_m: float, at_m: float) -> float:
    """Diameter in millimetres, on the sensor, of the disc that a point at ``at_m`` becomes.

    m (f / N) |x - s| / x with the magnification m = f / (s - f), focus s and distance x of the point (Ray 2002,
    chapter 22). The point may lie at ``math.inf``, where the disc is m f / N; one at the focus has none.
    """
    focal_m = _require_focus(focal_length_mm, focus_m)
    _require(aperture=aperture)
    _require(unlimited=True, at_m=at_m)
    pupil_mm = focal_length_mm / aperture
    if math.isinf(focus_m):
        return 0.0 if math.isinf(at_m) else pupil_mm * focal_m / at_m
    apart = 1.0 if math.isinf(at_m) else abs(at_m - focus_m) / at_m
    return magnification(focal_length_mm, focus_m) * pupil_mm * apart


def blur_disc_of_height(
    focal_length_mm: float, aperture: float, focus_m: float, at_m: float, height_mm: float
) -> float:
    """Diameter of that disc as a fraction of a height on the sensor.

    It is the same part of the picture's height where ``height_mm`` is what the picture uses of the sensor
    (``lens.used_sensor_mm``).
    """
    _require(height_mm=height_mm)
    return blur_disc_mm(focal_length_mm, aperture, focus_m, at_m) / height_mm


def magnification(focal_length_mm: float, distance_m: float) -> float:
    """Size of the image over the size of the thing at the focus: f / (s - f); 1 at twice the focal length."""
    focal_m = _require_focus(focal_length_mm, distance_m)
    return focal_m / (distance_m - focal_m)


def frame_size_m(focal_length_mm: float, size_mm: float, distance_m: float) -> float:
    """How much of the focus plane a sensor side of that size sees, in metres: size (s - f) / f."""
    _require(size_mm=size_mm)
    focal_m = _require_focus(focal_length_mm, distance_m)
    return size_mm * (distance_m - focal_m) / focal_length_mm
