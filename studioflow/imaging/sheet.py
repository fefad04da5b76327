"""What every writer of a file gets: one picture with its layers, the space of its values, and its documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..color.spaces import DATA, DEFAULT_SPACE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .facts import Facts

RANGE_KEY, SPACE_KEY, DATA_KEY = "studioflow:range", "studioflow:colorspace", "studioflow:data"
"""Texts that a file has of its own values: how they came to be, their space, and the layers that are no colours."""


LAYER_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""What every reader of layers takes; a dot makes a group of them. OpenEXR cuts the name of a channel (``name.R``) after
255 letters without a word, and R, G and B would become one channel."""


class Layer(NamedTuple):
    """A picture, or numbers as large as it.

    ``pixels`` is float32, [H, W, C] of one frame or [B, H, W, C] of several (B = 1 stands for every frame). C is 1, 3
    or 4; the fourth is the alpha, by which the colours are not multiplied. ``space`` is the name of a colour space, or
    DATA. Values may lie outside 0..1.
    """

    name: str
    pixels: NDArray[np.float32]
    space: str = DEFAULT_SPACE

    @property
    def is_data(self) -> bool:
        """Whether these are numbers and no colours."""
        return self.space == DATA

    def frame(self, index: int) -> Layer:
        """The layer of one frame, [H, W, C]."""
        if self.pixels.ndim == 3:
            return self
        return self._replace(pixels=self.pixels[min(index, len(self.pixels) - 1)])


class Sheet(NamedTuple):
    """One frame to be written: ``layers[0]`` is the picture. Values are converted while they are written, a band of
    rows at a time, so that a large picture is never in memory twice."""

    layers: tuple[Layer, ...]
    space: str
    """The name of the colour space that the file is to be in."""
    transform: Callable[[NDArray[np.float32], str], NDArray[np.float32]]
    """Colours [rows, W, C] of the space of that name -> float32 of ``space``, a new array; alpha stays as it is."""
    texts: Mapping[str, str]
    """Manifest, caption, provenance, ComfyUI's prompt and workflow: text by key."""
    facts: Facts
    """What the manifest says of camera and rights, for the standard fields of each format."""
    origin: str
    """How the values came to be, one sentence; goes into the file as ``studioflow:range``."""
    frame: int | None = None
    """Its number in a sequence."""

    @property
    def picture(self) -> Layer:
        return self.layers[0]

    @property
    def own_texts(self) -> dict[str, str]:
        """What every file says of its values beside ``texts``; DATA_KEY, a JSON list of names, where layers are data.

        Without it a reader could not tell numbers in three channels from colours.
        """
        numbers = [layer.name for layer in self.layers if layer.is_data]
        listed = {DATA_KEY: json.dumps(numbers, ensure_ascii=False)} if numbers else {}
        return {RANGE_KEY: self.origin, SPACE_KEY: self.space, **listed}

    def only_picture(self) -> Sheet:
        """The sheet for a file that holds no further layers."""
        return self._replace(layers=self.layers[:1])

    def rows(self, layer: Layer, start: int, stop: int) -> NDArray[np.float32]:
        """Values of these rows of one of the layers as the file is to have them, [rows, W, C]; not to be changed."""
        band = layer.pixels[start:stop]
        return band if layer.is_data else self.transform(band, layer.space)


class FileSpec(NamedTuple):
    """What a file is to be: an entry of a manifest's ``export`` or of a preset, with every value filled in."""

    format: str
    """exr, tiff, png, jpeg, webp or avif"""
    color_space: str
    bit_depth: int = 8
    """8, 16 or 32; in an EXR 16 is half float, 32 is always float"""
    is_float: bool = False
    """tiff: whether 16 bits are half floats instead of integers"""
    compression: str = ""
    """exr: none, rle, zips, zip, piz, pxr24, b44, b44a, dwaa, dwab, htj2k256, htj2k32; tiff: none, lzw, zip, zstd"""
    compression_level: float | None = None
    """exr: of dwaa and dwab; higher is smaller and worse, None is the library's 45"""
    quality: int = 90
    """jpeg, webp, avif: 1 to 100"""
    layers: str = "one"
    """exr: "one" part, "parts" or "none"; tiff: "pages" or "none". The others have none."""
    tile: int = 0
    """exr: side of a tile in pixels; 0 writes scanlines"""
    dpi: float = 0.0
    """pixels an inch; 0 leaves it out"""
    suffix: str = ""
    """Behind the file's name, to tell two files of one format apart"""
    not_finite: str = "keep"
    """exr: what becomes of NaN and infinity: keep, replace (by the neighbours' mean, else 0) or refuse"""
    tone_mapping: Mapping[str, Any] | None = None
    """operator and exposure_ev, for scene-linear pictures that go into a display space"""
