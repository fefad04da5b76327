"""Thin-lens optics. Lengths in the unit of their name; pure functions of numbers.

Formulas: Sidney F. Ray, Applied Photographic Optics, 3rd ed., chapters 19 and 22 (depth of field and
hyperfocal distance); the lens is thin and focus is measured from it.
"""

from __future__ import annotations

import math

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
CIRCLES_PER_DIAGONAL = 1442.0
"""Circle of confusion = diagonal / 1442, which gives the customary 0.030 mm for 36 × 24 mm."""


def circle_of_confusion_mm(width_mm: float, height_mm: float) -> float:
    """The largest blur that still looks sharp on a sensor of that size."""
    return math.hypot(width_mm, height_mm) / CIRCLES_PER_DIAGONAL


def field_of_view_deg(size_mm: float, focal_length_mm: float) -> float:
    """Angle seen along a sensor side of that size, focused at infinity: 2 atan(size / 2f)."""
    return math.degrees(2.0 * math.atan(size_mm / (2.0 * focal_length_mm)))


def equivalent_focal_length_mm(focal_length_mm: float, width_mm: float, height_mm: float) -> float:
    """The focal length with the same diagonal field of view on 36 × 24 mm."""
    return focal_length_mm * FULL_FRAME_DIAGONAL_MM / math.hypot(width_mm, height_mm)


def hyperfocal_m(focal_length_mm: float, aperture: float, coc_mm: float) -> float:
    """Focused there, everything from half that distance to infinity is sharp: f² / (N c) + f."""
    return (focal_length_mm**2 / (aperture * coc_mm) + focal_length_mm) / 1000.0


def sharp_limits_m(focal_length_mm: float, aperture: float, coc_mm: float, distance_m: float) -> tuple[float, float]:
    """Near and far limit of sharpness, metres from the lens; far is ``math.inf`` from the hyperfocal distance on.

    near = s (H - f) / (H + s - 2f), far = s (H - f) / (H - s). ``distance_m`` must exceed the focal length.
    """
    focal_m = focal_length_mm / 1000.0
    if distance_m <= focal_m:
        raise ValueError(f"focus at {distance_m} m lies within the focal length of {focal_m} m")
    hyper = hyperfocal_m(focal_length_mm, aperture, coc_mm)
    near = distance_m * (hyper - focal_m) / (hyper + distance_m - 2.0 * focal_m)
    far = math.inf if distance_m >= hyper else distance_m * (hyper - focal_m) / (hyper - distance_m)
    return near, far


def frame_height_m(focal_length_mm: float, height_mm: float, distance_m: float) -> float:
    """Height of the part of the focus plane that the sensor sees: h (s - f) / f."""
    return height_mm * (distance_m - focal_length_mm / 1000.0) / focal_length_mm
