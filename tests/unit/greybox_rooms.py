"""Small measuring rooms: what a point of a greybox's set receives, by rendering a patch that lies there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import mitsuba as mi
import numpy as np
from numpy.typing import NDArray

from studioflow.color.convert import convert
from studioflow.greybox.build import build
from studioflow.greybox.emitted import LUMINANCE, diffuse
from studioflow.greybox.lighting_set import LightingSet, lighting_set
from studioflow.greybox.parts import Lamp, Plain, Point
from studioflow.studio.placement import Orbit, orbit_to_pose

BOX = ((-0.25, 0.0, -0.2), (0.25, 1.7, 0.2))
AIM = (0.0, 0.85, 0.0)
_PATCH = 0.5
"""Reflectance."""


def room(
    lighting: dict[str, Any],
    scene: dict[str, Any] | None = None,
    *,
    azimuth_deg: float = 0.0,
    box: tuple[Point, Point] = BOX,
    find: Any = None,
    **manifest: Any,
) -> LightingSet:
    """The lighting set of a box of a person's size (without a backdrop unless the scene says), seen from an azimuth."""
    low, high = box
    aim = tuple((a + b) / 2.0 for a, b in zip(low, high, strict=True))
    pose = orbit_to_pose(Orbit(azimuth_deg, 5.0, 4.0, target_m=aim))
    scene = {"backdrop": {"kind": "none"}} if scene is None else scene
    return lighting_set(
        {"scene": scene, "lighting": lighting, **manifest}, low=low, high=high, aim=aim, pose=pose, find=find
    )


def shapes(made: LightingSet, lamps: Sequence[Lamp] | None = None) -> dict[str, Plain]:
    """The shapes of a set by name; where lamps are given, only these shine, and the others stand there dark."""
    plain = {f"backdrop{number}": shape for number, shape in enumerate(made.backdrop)}
    for lamp in made.lamps:
        for number, shape in enumerate(lamp.shapes):
            on = lamps is None or lamp in lamps
            kept = shape if on else {key: value for key, value in shape.items() if key != "emitter"}
            plain[f"lamp{lamp.index}_{number}"] = kept
    return plain


def direction(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Unit vector to where a light of these angles stands."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    cosine = math.cos(elevation)
    return np.array([cosine * math.sin(azimuth), math.sin(elevation), cosine * math.cos(azimuth)])


def facing(at: Sequence[float], towards: Sequence[float]) -> NDArray[np.float64]:
    """A frame at a point whose +Z points in a direction."""
    z = np.asarray(towards, dtype=np.float64) / np.linalg.norm(towards)
    x = np.cross((0.0, 1.0, 0.0) if abs(z[1]) < 0.99 else (1.0, 0.0, 0.0), z)
    x /= np.linalg.norm(x)
    frame = np.eye(4)
    frame[:3, 0], frame[:3, 1], frame[:3, 2], frame[:3, 3] = x, np.cross(z, x), z, at
    return frame


def received(
    plain: dict[str, Plain], towards: Sequence[float], at: Sequence[float] = AIM, samples: int = 4096
) -> NDArray[np.float64]:
    """Direct irradiance over pi [3] in ACEScg on a small patch at a point, facing a direction."""
    mi.set_variant("scalar_rgb")
    frame = facing(at, towards)
    patch = frame @ np.diag([0.002, 0.002, 1.0, 1.0])
    eye = frame.copy()
    eye[:3, 3] += 0.01 * frame[:3, 2]
    eye[:3, 0], eye[:3, 2] = -eye[:3, 0], -eye[:3, 2]
    side = 16
    film = {"type": "hdrfilm", "width": side, "height": side, "pixel_format": "rgb", "rfilter": {"type": "box"}}
    scene = build(
        mi,
        {
            "type": "scene",
            **plain,
            "patch": {"type": "rectangle", "to_world": patch, "bsdf": diffuse([_PATCH] * 3)},
            "integrator": {"type": "path", "max_depth": 2},
            "sensor": {
                "type": "perspective",
                "to_world": eye,
                "fov": 5.0,
                "near_clip": 1e-3,
                "film": film,
                "sampler": {"type": "independent", "sample_count": max(1, samples // side**2)},
            },
        },
    )
    pixels = np.array(mi.render(scene, seed=1), dtype=np.float64)
    result: NDArray[np.float64] = pixels.mean(axis=(0, 1)) / _PATCH
    return result


def luminance(rgb: NDArray[np.float64]) -> float:
    return float(rgb @ LUMINANCE)


def chromaticity(rgb: NDArray[np.float64]) -> tuple[float, float]:
    """CIE 1931 xy of a colour in ACEScg, as a display of linear sRGB shows it."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = to_xyz @ convert(np.asarray(rgb, dtype=np.float32), "ACEScg", "Linear Rec.709").astype(np.float64)
    return x / (x + y + z), y / (x + y + z)
