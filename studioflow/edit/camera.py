"""Camera and lens of a shot, as the widgets of a node give them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..errors import EditError
from ..manifest import picture_ratio
from ..studio.camera import sharpness_of
from ..studio.framing import middle_of
from ..studio.placement import from_comfyui, to_comfyui
from .field import put
from .written import begun, finished

FROM_PRESET = 0.0
"""What a widget says where the lens preset decides, or nothing does."""


def set_camera(
    manifest: dict[str, Any] | None,
    *,
    sensor: str,
    azimuth_deg: float,
    elevation_deg: float,
    distance_m: float,
    roll_deg: float = 0.0,
    target: str = "",
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with this sensor and the camera on this orbit.

    ``target`` is ``x, y, z`` in metres; empty looks at the middle of the main subject. A pose that was there goes.
    """
    orbit: dict[str, Any] = {
        "azimuth_deg": azimuth_deg,
        "elevation_deg": elevation_deg,
        "distance_m": distance_m,
        "roll_deg": roll_deg,
    }
    if not orbit["roll_deg"]:
        del orbit["roll_deg"]
    if target.strip():
        orbit["target_m"] = _point(target)
    result = put(begun(manifest), ("camera", "sensor"), sensor)
    result = put(result, ("camera", "orbit"), orbit)
    return _possible(finished(result, [("camera", "sensor"), ("camera", "orbit")], source))


def set_lens(
    manifest: dict[str, Any] | None,
    *,
    preset: str | None,
    focal_length_mm: float = FROM_PRESET,
    aperture: float = FROM_PRESET,
    focus_distance_m: float = 0.0,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest (a new one where there is none) with this lens; what it had of a lens goes.

    0 for focal length and aperture takes the preset's, 0 for the focus distance focuses on the target. Raises
    EditError where there is neither a preset nor a focal length, and StudioFlowError for a focus within the lens.
    """
    if preset is None and not focal_length_mm:
        raise EditError(
            "there is no lens",
            where="focal_length_mm",
            found="0 without a preset",
            allowed="a preset, or a focal length from 1 to 2000 mm",
            fix="choose a preset, or write for example 85",
        )
    numbers = {"focal_length_mm": focal_length_mm, "aperture": aperture, "focus_distance_m": focus_distance_m}
    lens = ({"preset": preset} if preset else {}) | {name: value for name, value in numbers.items() if value}
    return _possible(finished(put(begun(manifest), ("camera", "lens"), lens), [("camera", "lens")], source))


def camera_from_comfyui(
    manifest: dict[str, Any] | None,
    camera_info: Mapping[str, Any],
    *,
    metres_per_unit: float = 1.0,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest with the camera of ComfyUI's 3D nodes; the lens only where their value says its angle of view."""
    before = begun(manifest)
    said = from_comfyui(
        camera_info,
        metres_per_unit=metres_per_unit,
        camera=before.get("camera", {}),
        ratio=picture_ratio(before),
    )
    result, written = before, []
    for name, value in said.items():
        result = put(result, ("camera", name), value)
        written.append(("camera", name))
    return finished(result, written, source)


def camera_to_comfyui(
    manifest: dict[str, Any] | None, *, metres_per_unit: float = 1.0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The shot's camera as ComfyUI's 3D nodes take it, and the shot.

    A shot without a placed camera is seen from two metres in front; an orbit without a target looks at the middle of
    the main subject.
    """
    shot = begun(manifest)
    camera = shot.get("camera", {})
    placed = camera if camera.keys() & {"orbit", "pose"} else camera | {"orbit": {}}
    subject = next(iter(shot.get("scene", {}).get("subjects", [])), {})
    value = to_comfyui(placed, metres_per_unit=metres_per_unit, target_m=middle_of(subject), ratio=picture_ratio(shot))
    return value, shot


def _possible(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest; told here, and not where the caption is made, if no lens can focus so close."""
    sharpness_of(manifest["camera"])
    return manifest


def _point(text: str) -> list[float]:
    parts = text.replace(",", " ").split()
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        raise EditError(
            "this is no point",
            where="target_m",
            found=f'"{text.strip()[:60]}"',
            allowed="three numbers in metres: x, y, z",
            fix="write for example 0, 0.1, 0",
        )
    return numbers
