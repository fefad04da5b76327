"""EXR files read back by readers that nobody here wrote: OpenImageIO, and FFmpeg's own decoder."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studioflow.imaging.sheet import FileSpec

from .sheets import SPACE

oiio = importlib.import_module("OpenImageIO")
av = importlib.import_module("av")


def spec(**changes: Any) -> FileSpec:
    return FileSpec(format="exr", color_space=SPACE, bit_depth=16, compression="zip")._replace(**changes)


def parts_of(path: Path) -> list[tuple[dict[str, Any], dict[str, NDArray[Any]]]]:
    """Attributes and channels of each part, by OpenImageIO."""
    found, index = [], 0
    source = oiio.ImageInput.open(str(path))
    assert source, oiio.geterror()
    while source.seek_subimage(index, 0):
        about = source.spec()
        pixels = source.read_image(index, 0, 0, about.nchannels, about.format)
        names = {attribute.name: attribute.value for attribute in about.extra_attribs}
        names["size"] = (about.width, about.height)
        names["tile"] = about.tile_width
        found.append((names, {name: pixels[..., i] for i, name in enumerate(about.channelnames)}))
        index += 1
    source.close()
    return found


def channels_of(path: Path) -> dict[str, NDArray[Any]]:
    ((_, channels),) = parts_of(path)
    return channels


def by_ffmpeg(path: Path) -> NDArray[Any]:
    """[H, W, 3 or 4] or [H, W] of the picture, as FFmpeg's own decoder has it."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    kind = np.float16 if "f16" in frame.format.name else np.float32
    planes = [
        np.frombuffer(plane, kind).reshape(frame.height, plane.line_size // kind().itemsize)[:, : frame.width]
        for plane in frame.planes
    ]
    order = (2, 0, 1, 3)[: len(planes)] if len(planes) > 1 else (0,)
    return np.stack([planes[index] for index in order], -1).squeeze()


def stacked(channels: dict[str, NDArray[Any]], names: str) -> NDArray[Any]:
    return np.stack([channels[name] for name in names], -1)
