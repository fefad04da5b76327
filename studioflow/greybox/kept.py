"""Meshes that take long to make, kept as files between processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import StudioFlowError
from ..files import write_together
from .parts import Mesh, Part
from .remembered import cache_folder


def kept_parts(
    name: str, of: Sequence[str], make: Callable[[], tuple[Part, ...]], folder: Path | None = None
) -> tuple[Part, ...]:
    """What ``make()`` gave when last asked under ``name`` for the same texts ``of``, or gives now.

    Parts with vertices, faces, normals and a role; uvs and surfaces are not kept. A folder (``cache_folder()`` by
    default) that cannot be read or written, and a broken file, only cost time.
    """
    place = folder or cache_folder()
    if place is None:
        return make()
    digest = hashlib.sha256("\0".join(of).encode()).hexdigest()[:16]
    path = place / f"{name}_{digest}.npz"
    with suppress(OSError, ValueError, KeyError, EOFError):
        return _read(path)
    parts = make()
    with suppress(OSError, StudioFlowError):
        write_together([(path, lambda part: _write(part, parts))], replace=True)
        for older in place.glob(f"{name}_*.npz"):
            if older != path:
                older.unlink()
    return parts


def _write(path: Path, parts: Sequence[Part]) -> None:
    arrays = {"roles": np.array([part.role for part in parts])}
    for number, part in enumerate(parts):
        mesh = part.mesh
        arrays |= {f"vertices{number}": mesh.vertices, f"faces{number}": mesh.faces, f"normals{number}": mesh.normals}
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _read(path: Path) -> tuple[Part, ...]:
    """The parts of a file; one of the errors that ``kept_parts`` expects for anything else."""
    import zipfile

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return tuple(
                Part(Mesh(*(arrays[f"{key}{number}"] for key in ("vertices", "faces", "normals"))), str(role))
                for number, role in enumerate(arrays["roles"])
            )
    except zipfile.BadZipFile as error:
        raise ValueError(str(error)) from error
