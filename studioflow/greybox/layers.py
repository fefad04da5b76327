"""A greybox as pictures and layers for files and for ComfyUI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..color.spaces import DATA
from ..imaging.sheet import Layer
from .greybox import SPACE, Greybox

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORIGIN = "A greybox: the shot's camera and light on stand-in shapes, rendered scene-linear by Mitsuba 3; not by FIBO."
"""How its values came to be, for the provenance."""


def data_layers(greybox: Greybox) -> tuple[Layer, ...]:
    """What goes beside the picture into a file, each [H, W, C] numbers: ``depth`` in metres (1), ``normal`` -1..1 in
    the camera's space (3), and ``mask.subject1`` and so on, coverage 0..1 (1)."""
    masks = (
        Layer(f"mask.subject{number}", mask[..., None], DATA) for number, (_, mask) in enumerate(greybox.masks, start=1)
    )
    depth, normal = Layer("depth", greybox.depth[..., None], DATA), Layer("normal", greybox.normals, DATA)
    return depth, normal, *masks


def light_layer(greybox: Greybox) -> Layer:
    """The scene-linear picture."""
    return Layer("image", greybox.linear, SPACE)


def normal_map(normals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normals as the colours of a normal map: 0.5 + 0.5 n, and (0.5, 0.5, 1) where nothing is."""
    import numpy as np

    there = np.any(normals != 0.0, axis=-1, keepdims=True)
    facing = np.array([0.0, 0.0, 1.0], dtype=np.float32)
    return np.where(there, normals, facing) * np.float32(0.5) + np.float32(0.5)
