"""Synthetic panoramas with known lights, and the maker of samples/panorama_studio.exr.

    python -m tests.unit.panoramas        writes the sample anew

Every light is drawn at sub-pixel places, so that its light is right however small it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from studioflow.studio.color_temperature import kelvin_to_srgb

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
Picture = NDArray[np.float32]


class Lamp(NamedTuple):
    """A uniform light: a disc of a diameter, or a rectangle on the plane that touches the sphere at its middle.

    ``irradiance`` is its luminance on a surface that faces it.
    """

    azimuth_deg: float
    elevation_deg: float
    width_deg: float
    irradiance: float
    kelvin: float
    height_deg: float | None = None


def direction(azimuth_deg: float, elevation_deg: float) -> NDArray[np.float64]:
    """Unit vector: x right, y up, z towards the camera in front."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    cosine = math.cos(elevation)
    return np.array([cosine * math.sin(azimuth), math.sin(elevation), cosine * math.cos(azimuth)])


def colored(kelvin: float) -> NDArray[np.float64]:
    """Linear colour of that temperature with a luminance of 1."""
    rgb = np.array(kelvin_to_srgb(kelvin))
    return rgb / (rgb @ LUMINANCE)


def rays(height: int, top: int, bottom: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Directions [rows, w, 3] and solid angles [rows, 1] of the pixels in rows of a panorama of that height."""
    azimuth = 2 * np.pi * (1 - (np.arange(2 * height) + 0.5) / (2 * height))
    edges = np.sin(np.pi * (0.5 - np.arange(top, bottom + 1) / height))
    sines = (edges[:-1] + edges[1:]) / 2
    cosines = np.sqrt(1 - sines**2)[:, None]
    parts = (
        cosines * np.sin(azimuth),
        np.broadcast_to(sines[:, None], (len(sines), 2 * height)),
        cosines * np.cos(azimuth),
    )
    return np.stack(parts, axis=-1), -np.diff(edges)[:, None] * np.pi / height


def cover(lamp: Lamp, directions: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the directions [..., 3] lie inside a lamp."""
    middle = direction(lamp.azimuth_deg, lamp.elevation_deg)
    facing = directions @ middle
    if lamp.height_deg is None:
        return facing >= math.cos(math.radians(lamp.width_deg) / 2)
    azimuth = math.radians(lamp.azimuth_deg)
    sideways = np.array([math.cos(azimuth), 0.0, -math.sin(azimuth)])
    upwards = np.cross(middle, sideways)
    safe = np.where(facing > 0.05, facing, 1.0)
    inside = [
        np.abs(directions @ axis / safe) <= math.tan(math.radians(side) / 2)
        for axis, side in ((sideways, lamp.width_deg), (upwards, lamp.height_deg))
    ]
    return (facing > 0.05) & inside[0] & inside[1]


def add(picture: Picture, lamp: Lamp) -> None:
    """Adds a lamp's light to a panorama [h, w, 3], its irradiance exactly as asked."""
    height, width = picture.shape[:2]
    reach = max(lamp.width_deg, lamp.height_deg or 0.0) * 0.75 + 1.0
    fine = max(1, min(16, math.ceil(8 * 180 / height / min(lamp.width_deg, lamp.height_deg or lamp.width_deg))))
    top = max(0, math.floor((90 - lamp.elevation_deg - reach) / 180 * height))
    bottom = min(height, math.ceil((90 - lamp.elevation_deg + reach) / 180 * height))
    middle = direction(lamp.azimuth_deg, lamp.elevation_deg)
    radiance = colored(lamp.kelvin)
    shares, facing = np.zeros((bottom - top, width)), 0.0
    for row in range(top, bottom):
        directions, solid = rays(height * fine, row * fine, (row + 1) * fine)
        lit = cover(lamp, directions) * solid
        facing += float((lit * np.maximum(directions @ middle, 0)).sum())
        shares[row - top] = lit.sum(axis=0).reshape(width, fine).sum(axis=1) / (solid.sum() * fine)
    picture[top:bottom] += (shares[..., None] * radiance * lamp.irradiance / facing).astype(np.float32)


def panorama(height: int, lamps: Sequence[Lamp], ambience: float = 0.0, kelvin: float = 6500.0) -> Picture:
    """A panorama [height, 2 height, 3] of lamps before an even ambience of that irradiance and colour."""
    picture = np.empty((height, 2 * height, 3), dtype=np.float32)
    picture[:] = (ambience / math.pi) * colored(kelvin)
    for lamp in lamps:
        add(picture, lamp)
    return picture


# ---------------------------------------------------------------- the sample

SAMPLE = Path(__file__).parents[2] / "samples" / "panorama_studio.exr"
STUDIO = (
    Lamp(-50, 38, 32, 1.0, 5600, 24),
    Lamp(65, 12, 36, 0.3, 5000, 26),
    Lamp(150, 30, 5, 0.45, 3200, 34),
)
"""Softbox as key at the left, a large one as fill at the right, a warm strip as rim from behind."""
_ROOM_M = ((-3.2, 3.2), (-1.3, 2.1), (-4.0, 3.6))
"""Left and right, floor and ceiling, back and front wall, from where the subject's face is."""
_LAMP_DISTANCE_M = 2.2


def studio_room(height: int = 256) -> Picture:
    """A studio with gray walls, a darker floor, a roll of white paper behind the subject, and the lamps of STUDIO."""
    fine = _room(4 * height).reshape(height, 4, 2 * height, 4, 3).mean(axis=(1, 3), dtype=np.float64)
    picture = fine.astype(np.float32)
    for lamp in STUDIO:
        add(picture, lamp)
    return picture


def _room(height: int) -> Picture:
    directions, _ = rays(height, 0, height)
    walls = np.array(_ROOM_M)
    with np.errstate(divide="ignore"):
        reach = np.where(directions > 0, walls[:, 1], walls[:, 0]) / directions
    axis = np.abs(reach).argmin(axis=-1)
    places = directions * np.take_along_axis(np.abs(reach), axis[..., None], axis=-1)
    inwards = -np.sign(np.take_along_axis(directions, axis[..., None], axis=-1)) * np.eye(3)[axis]
    reflects = np.select(
        [axis == 1, (axis == 2) & (np.abs(places[..., 0]) < 1.36) & (directions[..., 2] < 0)], [0.1, 0.6], 0.16
    )
    light = np.full((*axis.shape, 3), 0.02)
    for lamp in STUDIO:
        towards = _LAMP_DISTANCE_M * direction(lamp.azimuth_deg, lamp.elevation_deg) - places
        distance = np.linalg.norm(towards, axis=-1) + 0.3
        cosine = np.maximum((inwards * towards).sum(axis=-1) / distance, 0)
        light += (0.5 * lamp.irradiance * cosine / distance**2)[..., None] * colored(lamp.kelvin)
    return (reflects[..., None] / math.pi * light).astype(np.float32)


def write_exr(path: Path, picture: NDArray[np.floating], half: bool = True) -> None:
    """A ZIP-compressed OpenEXR file."""
    import OpenEXR

    header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
    OpenEXR.File(header, {"RGB": picture.astype(np.float16 if half else np.float32)}).write(str(path))


def write_hdr(path: Path, picture: Picture) -> None:
    """A Radiance file."""
    import OpenImageIO

    output = OpenImageIO.ImageOutput.create(str(path))
    height, width = picture.shape[:2]
    output.open(str(path), OpenImageIO.ImageSpec(width, height, 3, OpenImageIO.FLOAT))
    output.write_image(picture)
    output.close()


if __name__ == "__main__":
    write_exr(SAMPLE, studio_room())
