"""What a manifest says of camera, light and rights, as the standard fields of EXR, EXIF and XMP want it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple


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
    fisheye: bool = False
    """Whether the lens draws no straight lines, so that no pinhole camera has its view."""
    frames_per_second: float | None = None
    """Of the sequence that the picture belongs to; no manifest says it."""
    timecode: str | None = None
    """Of this frame: HH:MM:SS:FF, or HH:MM:SS;FF where frame numbers are dropped; no manifest says it."""


def facts_of(manifest: Mapping[str, Any], captured: datetime) -> Facts:
    """The facts of a valid manifest; of one that holds only a caption, little more than its id.

    ``captured`` is when the picture was made and must know its time zone (ValueError). A sensor counts as full frame
    where a camera names none, as the schema has it. Raises StudioFlowError for a preset that no table has.
    """
    from ..manifest import content_id

    if captured.tzinfo is None:
        raise ValueError("captured must have a time zone")
    meta, scene = manifest.get("meta", {}), manifest.get("scene", {})
    found: dict[str, Any] = {key: meta[key] for key in ("title", "sku", "author", "copyright") if key in meta}
    found |= {"description": scene.get("description", ""), "tags": tuple(meta.get("tags", ()))}
    if "camera" in manifest:
        found |= _camera(manifest["camera"], next(iter(scene.get("subjects", ())), {}))
    if "lighting" in manifest:
        found |= _lighting(manifest["lighting"])
    return Facts(captured, content_id(dict(manifest)), **found)


def _camera(camera: Mapping[str, Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    from ..studio.framing import middle_of
    from ..studio.lens import DEFAULT_SENSOR, lens_of, sensor_of
    from ..studio.placement import pose_of, pose_to_quaternion
    from ..studio.words import entry

    lens, sensor = lens_of(camera), sensor_of(camera)
    found: dict[str, Any] = {
        "sensor": entry("sensors", camera.get("sensor", DEFAULT_SENSOR), "sensor")["title"],
        "sensor_width_mm": sensor.width_mm,
        "sensor_height_mm": sensor.height_mm,
        "focal_length_mm": lens.focal_length_mm,
        "equivalent_mm": lens.equivalent_mm(sensor),
        "aperture": lens.aperture,
        "focus_distance_m": lens.focus_distance_m,
        "exposure_time_s": camera.get("exposure_time_s"),
        "iso": camera.get("iso"),
        "squeeze": lens.squeeze if lens.squeeze != 1.0 else None,
        "fisheye": lens.fisheye,
    }
    preset = camera.get("lens", {}).get("preset")
    # A preset with another focal length is another lens, and has no name.
    if preset and entry("lenses", preset, "lens preset").get("focal_length_mm") == lens.focal_length_mm:
        found["lens"] = entry("lenses", preset, "lens preset")["title"]
    if pose := pose_of(camera, middle_of(subject)):
        found["position_m"], found["quaternion"] = pose_to_quaternion(pose)
    return found


def _lighting(lighting: dict[str, Any]) -> dict[str, Any]:
    from ..studio.lighting import kelvin_of, key_of, lights_of, lit, rank

    shining = sorted(lit(lights_of(lighting)), key=rank, reverse=True)
    key = key_of(shining)
    of_world = lighting.get("frame") == "world"
    return {
        "lights": tuple(_light_line(light, of_world) for light in shining),
        "light_kelvin": kelvin_of(key) if key else None,
    }


def _light_line(light: dict[str, Any], of_world: bool) -> str:
    """e.g. "key: strip box, 60° left, 35° high, 0.9 m away, intensity 1, 5200 K"."""
    from ..studio.lighting import intensity_of, kelvin_of, type_of
    from ..studio.words import signed_deg

    azimuth, elevation = signed_deg(light.get("azimuth_deg", 0.0)), light.get("elevation_deg", 0.0)
    turned = f"{abs(azimuth):g}° {'right' if azimuth >= 0 else 'left'}" if azimuth % 180.0 else ""
    if of_world:
        turned = f"azimuth {azimuth:g}° in the world"
    kelvin = kelvin_of(light)
    parts = (
        _small(type_of(light).get("title", "light")),
        turned or ("from behind" if azimuth else "from the front"),
        f"{abs(elevation):g}° {'high' if elevation >= 0 else 'below the horizon'}",
        f"{light['distance_m']:g} m away" if "distance_m" in light else "",
        f"intensity {intensity_of(light):g}",
        str(light["color"]) if "color" in light else "",
        f"{kelvin:g} K" if kelvin is not None else "",
    )
    return f"{light['role']}: {', '.join(part for part in parts if part)}"


def _small(title: str) -> str:
    """A title within a sentence; abbreviations such as LED keep their capitals."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
