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
_TALL, _LONG = 1.5, 1.5
"""How many times as high as wide a stand-in is by nature, and as long as high its box is, for it to lie down."""


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

    It stands on y = 0, is centred in x and z and faces +Z; one that is tall by nature lies down in a box that is long:
    along X on its back, with its top to the right, along Z with its top to the back. Every mesh is closed, outward and
    has normals. Callers must not change the arrays: they are kept. StudioFlowError for an unknown name.
    """
    row = _row(name)
    build, parameters = _builders()[row["shape"]], row.get("parameters", {})
    turn = _lying(default_size_m(name), size_m)
    if turn is None:
        return _fitted(build(size_m, parameters), size_m)
    return _fitted(_turned(build(_standing(size_m, turn), parameters), turn), size_m)


def _lying(usual: Size, size_m: Size) -> NDArray[np.float64] | None:
    """The rotation that lays a stand-in along its longest side; None where it stands."""
    import numpy as np

    width, height, depth = size_m
    tall = usual[1] >= _TALL * max(usual[0], usual[2])
    if not tall or max(width, depth) < _LONG * height:
        return None
    back = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    if depth >= width:
        return back
    return np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]) @ back


def _standing(size_m: Size, turn: NDArray[np.float64]) -> Size:
    """The box of a stand-in before it is turned into that one."""
    width, height, depth = abs(turn.T @ size_m).tolist()
    return width, height, depth


def _turned(parts: tuple[Part, ...], turn: NDArray[np.float64]) -> tuple[Part, ...]:
    from .solids import moved

    return tuple(part._replace(mesh=moved(part.mesh, (0.0, 0.0, 0.0), turn)) for part in parts)


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
