"""The camera section of a manifest -> its own caption fields, and no other.

Words stand in camera_words.json, sensors and lenses in their tables. Angles follow the house convention:
azimuth 0 in front of the subject, 90 at the right-hand side of the picture seen from the front.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import StudioFlowError
from .optics import (
    circle_of_confusion_mm,
    equivalent_focal_length_mm,
    frame_height_m,
    sharp_limits_m,
)
from .words import band, bands, entry, phrases, side, signed_deg

_WORDS = "studio/camera_words"
DEFAULT_SENSOR = "full_frame"
DEFAULT_DISTANCE_M = 2.0
_ENGRAVED_MM = (8, 14, 16, 18, 20, 21, 24, 28, 35, 40, 45, 50, 55, 65, 75, 85, 90, 100, 105, 135, 150, 180, 200)


def orbit_of(camera: dict[str, Any]) -> dict[str, float] | None:
    """Azimuth, elevation, distance and roll of the camera seen from its target, from either placement.

    None where the manifest places no camera. A pose whose two points coincide raises StudioFlowError.
    """
    if "orbit" in camera:
        orbit = camera["orbit"]
        return {
            "azimuth_deg": signed_deg(orbit.get("azimuth_deg", 0.0)),
            "elevation_deg": orbit.get("elevation_deg", 0.0),
            "distance_m": orbit.get("distance_m", DEFAULT_DISTANCE_M),
            "roll_deg": orbit.get("roll_deg", 0.0),
        }
    if "pose" in camera:
        pose = camera["pose"]
        x, y, z = (a - b for a, b in zip(pose["position_m"], pose["look_at_m"], strict=True))
        distance = math.hypot(x, y, z)
        if distance < 1e-6:
            raise StudioFlowError(
                "the camera stands at the point it looks at",
                where="/camera/pose",
                found=f"position_m = look_at_m = {pose['position_m']}",
                allowed="two different points",
                fix="move position_m or look_at_m",
            )
        return {
            "azimuth_deg": signed_deg(math.degrees(math.atan2(x, z))),
            "elevation_deg": math.degrees(math.asin(max(-1.0, min(1.0, y / distance)))),
            "distance_m": distance,
            "roll_deg": pose.get("roll_deg", 0.0),
        }
    return None


def caption_fields(camera: dict[str, Any]) -> dict[str, str]:
    """The fields of ``photographic_characteristics`` that this camera determines, in FIBO's order."""
    sensor = entry("sensors", camera.get("sensor", DEFAULT_SENSOR), "sensor")
    lens = _lens(camera)
    orbit = orbit_of(camera)
    fields: dict[str, str] = {}

    if "focal_length_mm" in lens and "aperture" in lens:
        depth = _sharp_depth_in_frame_heights(lens, sensor, orbit)
        fields["depth_of_field"] = band(depth, bands(_WORDS, "depth_of_field_by_frame_heights"))
        fields["focus"] = band(depth, bands(_WORDS, "focus_by_frame_heights"))
    if orbit:
        fields["camera_angle"] = _camera_angle(orbit, camera.get("orbit", {}))
    if "focal_length_mm" in lens:
        equivalent = equivalent_focal_length_mm(lens["focal_length_mm"], sensor["width_mm"], sensor["height_mm"])
        kind = lens.get("kind") or band(equivalent, bands(_WORDS, "lens_by_equivalent_mm"))
        fields["lens_focal_length"] = phrases(_WORDS, "lens")["focal_length"].format(
            mm=_engraved(equivalent), kind=kind
        )
    return fields


def _lens(camera: dict[str, Any]) -> dict[str, Any]:
    given = camera.get("lens", {})
    preset = entry("lenses", given["preset"], "lens preset") if "preset" in given else {}
    lens = {key: preset[key] for key in ("focal_length_mm", "aperture", "kind") if key in preset}
    if given.get("focal_length_mm", lens.get("focal_length_mm")) != lens.get("focal_length_mm"):
        lens.pop("kind", None)
    return lens | {key: value for key, value in given.items() if key != "preset"}


def _sharp_depth_in_frame_heights(
    lens: dict[str, Any], sensor: dict[str, Any], orbit: dict[str, float] | None
) -> float:
    """Depth of field divided by the height the frame covers at the focus plane: how deep the sharp slab is
    compared with what fills the picture, which is what an eye calls shallow, whatever the scale of the subject."""
    focal = lens["focal_length_mm"]
    distance = lens.get("focus_distance_m", orbit["distance_m"] if orbit else DEFAULT_DISTANCE_M)
    if distance <= focal / 1000.0:
        raise StudioFlowError(
            "the camera cannot focus closer than its focal length",
            where="/camera/lens/focus_distance_m" if "focus_distance_m" in lens else "/camera",
            found=f"{distance:g} m with a focal length of {focal:g} mm",
            allowed=f"more than {focal / 1000.0:g} m",
            fix="move the camera away or choose a shorter lens",
        )
    coc = circle_of_confusion_mm(sensor["width_mm"], sensor["height_mm"])
    near, far = sharp_limits_m(focal, lens["aperture"], coc, distance)
    return (far - near) / frame_height_m(focal, sensor["height_mm"], distance)


def _camera_angle(orbit: dict[str, float], given: dict[str, Any]) -> str:
    """Height, side and tilt in words; where ``given`` names only one of height and side, nothing of the other."""
    only_side = "azimuth_deg" in given and "elevation_deg" not in given
    only_height = "elevation_deg" in given and "azimuth_deg" not in given
    parts = [] if only_side else [band(orbit["elevation_deg"], bands(_WORDS, "elevation_deg"))]
    # From straight above or below there is no side to name.
    if abs(orbit["elevation_deg"]) < 65 and not only_height:
        seen_from = band(abs(orbit["azimuth_deg"]), bands(_WORDS, "side_by_azimuth_deg"))
        parts.append(seen_from.format(side=side(orbit["azimuth_deg"])))
    roll = signed_deg(orbit["roll_deg"])
    parts.append(band(abs(roll), bands(_WORDS, "roll_deg")).format(side=side(roll)))
    return ", ".join(part for part in parts if part)


def _engraved(focal_length_mm: float) -> int:
    """The number a photographer would say: an engraved one within 4 %, else the nearest whole millimetre."""
    closest = min(_ENGRAVED_MM, key=lambda mark: abs(mark - focal_length_mm))
    if abs(closest - focal_length_mm) <= 0.04 * focal_length_mm:
        return closest
    return max(1, round(focal_length_mm))
