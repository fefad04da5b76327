"""The lens and the sensor that a manifest's camera works with: the preset, with the given numbers over it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .optics import circle_of_confusion_mm, equivalent_focal_length_mm
from .words import entry

DEFAULT_SENSOR = "full_frame"


class Sensor(NamedTuple):
    """The exposed area of a sensor or film, lying: ``width_mm`` is its longer side."""

    width_mm: float
    height_mm: float

    @property
    def coc_mm(self) -> float:
        """Circle of confusion in millimetres."""
        return circle_of_confusion_mm(self.width_mm, self.height_mm)


class Lens(NamedTuple):
    """The lens in force; None where neither the preset nor the manifest says.

    ``kind`` is the lens's own name where the usual word for its focal length would be wrong. ``squeeze`` is above 1
    for an anamorphic lens: it sees that many times as wide as its focal length says. ``fisheye`` tells a lens that
    draws no straight lines, so that a frame in metres means nothing. ``widest`` is the smallest f-number of a preset.
    """

    focal_length_mm: float | None
    aperture: float | None
    kind: str | None = None
    squeeze: float = 1.0
    focus_distance_m: float | None = None
    fisheye: bool = False
    widest: float | None = None

    def equivalent_mm(self, sensor: Sensor) -> float | None:
        """The focal length with the same (desqueezed) diagonal field of view on full frame."""
        if self.focal_length_mm is None:
            return None
        return equivalent_focal_length_mm(self.focal_length_mm, *sensor, squeeze=self.squeeze)


def sensor_of(camera: Mapping[str, Any]) -> Sensor:
    """The sensor of a manifest's camera, full frame where it names none; StudioFlowError for an unknown one."""
    row = entry("sensors", camera.get("sensor", DEFAULT_SENSOR), "sensor")
    return Sensor(row["width_mm"], row["height_mm"])


def lens_of(camera: Mapping[str, Any]) -> Lens:
    """The lens of a manifest's camera; StudioFlowError for an unknown preset.

    A preset whose focal length is overwritten is another lens: kind, squeeze and fisheye do not go with it, the
    aperture does.
    """
    given = camera.get("lens", {})
    preset = entry("lenses", given["preset"], "lens preset") if "preset" in given else {}
    focal = given.get("focal_length_mm", preset.get("focal_length_mm"))
    own = preset if focal == preset.get("focal_length_mm") else {}
    return Lens(
        focal_length_mm=focal,
        aperture=given.get("aperture", preset.get("aperture")),
        kind=own.get("kind"),
        squeeze=own.get("squeeze", 1.0),
        focus_distance_m=given.get("focus_distance_m"),
        fisheye=own.get("projection") == "fisheye",
        widest=own.get("aperture"),
    )


def used_sensor_mm(camera: Mapping[str, Any], ratio: float | None = None) -> tuple[float, float]:
    """Width and height in millimetres of the part of the sensor that a picture of a ratio (width / height) uses.

    The sensor is turned upright for an upright picture and cropped to the ratio; its own where None. What an
    anamorphic lens squeezes counts as wide as it is seen.
    """
    sensor = sensor_of(camera)
    width, height = sensor.width_mm * lens_of(camera).squeeze, sensor.height_mm
    if ratio is None:
        return width, height
    if not (math.isfinite(ratio) and ratio > 0.0):
        raise ValueError(f"ratio must be a finite number above zero, not {ratio!r}")
    across, up = (width, height) if ratio >= 1.0 else (height, width)
    used = min(across, up * ratio)
    return used, used / ratio
