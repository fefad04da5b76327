"""What a manifest says of camera, light and rights, as the standard fields of EXR, EXIF and XMP want it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Facts(NamedTuple):
    """Empty or None where the manifest does not say. Lengths in the unit of the name; axes as in the manifest: right-
    handed, Y up, the subject at the origin facing +Z."""

    captured: datetime
    """When the picture was made, with its time zone."""
    manifest_id: str = ""
    title: str = ""
    sku: str = ""
    author: str = ""
    copyright: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    lens: str = ""
    """The title of a lens of the lens table."""
    sensor: str = ""
    """The title of a sensor of the sensor table."""
    sensor_width_mm: float | None = None
    sensor_height_mm: float | None = None
    focal_length_mm: float | None = None
    equivalent_mm: float | None = None
    """The focal length that sees as much on 36 × 24 mm."""
    aperture: float | None = None
    """f-number"""
    focus_distance_m: float | None = None
    exposure_time_s: float | None = None
    iso: float | None = None
    squeeze: float | None = None
    """Of an anamorphic lens."""
    position_m: tuple[float, float, float] | None = None
    quaternion: tuple[float, float, float, float] | None = None
    """x, y, z, w of the camera's turn from looking along -Z with Y up."""
    lights: tuple[str, ...] = ()
    """One line a light, e.g. "key: softbox, 45° left, 30° high, 5600 K"."""
    light_kelvin: float | None = None
    """Colour temperature of the key light."""
