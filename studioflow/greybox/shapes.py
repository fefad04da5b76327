"""Stand-ins by name: simple bodies in the place of subjects, each built to the size it must have.

Their rows, proportions and usual sizes are data: stand_ins.json.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError, did_you_mean
from ..resources import table
from .parts import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Size = tuple[float, float, float]
_TABLE = "greybox/stand_ins.json"


def stand_ins() -> dict[str, dict[str, Any]]:
    """The rows of stand_ins.json by name, without its comments."""
    return {name: row for name, row in table(_TABLE).items() if not name.startswith("_")}


def default_size_m(name: str) -> Size:
    """The usual width, height and depth of a stand-in in metres; StudioFlowError for an unknown one."""
    width, height, depth = _row(name)["size_m"]
    return float(width), float(height), float(depth)


@functools.lru_cache(maxsize=64)
def shape_of(name: str, size_m: Size) -> tuple[Part, ...]:
    """The parts of a stand-in that fill a box of ``size_m`` (width along X, height along Y, depth along Z), in metres.

    It stands on y = 0, is centred in x and z and faces +Z. Every mesh is closed, outward and has normals. Callers must
    not change the arrays: they are kept. StudioFlowError for an unknown name.
    """
    row = _row(name)
    build = _builders()[row["shape"]]
    return _fitted(build(size_m, row.get("parameters", {})), size_m)


def _row(name: str) -> dict[str, Any]:
    rows = stand_ins()
    if name not in rows:
        raise StudioFlowError(
            "no such stand-in", found=f'"{name}"', allowed=", ".join(rows), fix=did_you_mean(name, rows)
        )
    return rows[name]


def _builders() -> dict[str, Any]:
    """The functions that rows name under ``shape``."""
    from . import furniture, goods, outdoors, sculpture, things, vessels

    return {
        "box": things.box,
        "ball": things.ball,
        "turned": things.turned,
        "torus": things.torus,
        "pebble": things.pebble,
        "bean": things.bean,
        "rods": things.rods,
        "book": things.book,
        "phone": things.phone,
        "card": things.card,
        "monitor": things.monitor,
        "laptop": things.laptop,
        "ring": things.ring,
        "vessel": vessels.vessel,
        "flacon": vessels.flacon,
        "tube": vessels.tube,
        "bag": goods.bag,
        "hat": goods.hat,
        "watch": goods.watch,
        "camera": goods.camera,
        "chair": furniture.chair,
        "table": furniture.table,
        "sofa": furniture.sofa,
        "lamp": furniture.lamp,
        "car": outdoors.car,
        "house": outdoors.house,
        "plant": outdoors.plant,
        "sculpted": lambda size, row: sculpture.sculpture(row["body"]),
    }


def _fitted(parts: tuple[Part, ...], size_m: Size) -> tuple[Part, ...]:
    """The parts stretched to fill the box exactly, which most do already but for a hair."""
    import numpy as np

    from .solids import moved

    every: NDArray[np.float64] = np.concatenate([part.mesh.vertices for part in parts]).astype(np.float64)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = np.asarray(size_m, dtype=np.float64) / (high - low)
    shift = -scale * [(low[0] + high[0]) / 2.0, low[1], (low[2] + high[2]) / 2.0]
    return tuple(part._replace(mesh=moved(part.mesh, shift, np.diag(scale))) for part in parts)
