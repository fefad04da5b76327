"""What the nodes that write and open picture files offer. ComfyUI imports it at start: nothing else is here."""

from __future__ import annotations

MAIN = "beauty"
"""The name of the picture itself among the layers; in an EXR its channels have no prefix."""
EXR_COMPRESSIONS = (
    *("none", "rle", "zips", "zip", "piz", "pxr24", "b44", "b44a", "dwaa", "dwab"),
    *("htj2k256", "htj2k32"),
)
EXR_LAYERS = ("one", "parts", "none")
EXR_TILES = ("0", "16", "32", "64", "128", "256", "512")
"""Sides of a tile in pixels; 0 is none."""
NOT_FINITE = ("keep", "replace", "refuse")
TIFF_COMPRESSIONS = ("zip", "zstd", "lzw", "none")
SUFFIXES = (".exr", ".tif", ".tiff", ".png", ".webp", ".avif", ".jpg", ".jpeg")
"""Of the files that can be opened; what a file is, its first bytes tell."""
AS_STORED = "as stored"
"""Instead of a colour space to open a file in."""
