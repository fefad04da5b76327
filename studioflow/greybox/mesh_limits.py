"""What a mesh file may be: how large, and which files beside it may be opened. And the words where it may not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from ..errors import StudioFlowError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .mesh_textures import Material

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")
MAX_TRIANGLES = 5_000_000
MAX_BYTES = 1 << 30
"""Of one file. Five million triangles are 250 MB as STL and at most about 1 GB as a GLB with its textures."""
MAX_TEXT_BYTES = 1 << 29
"""Of a file of text, which takes several times its size in memory while it is read."""


class Piece(NamedTuple):
    """Triangles of one material as a file has them, in its own units and axes.

    ``vertices`` [N, 3], ``faces`` [M, 3], ``normals`` [N, 3], ``uvs`` [N, 2] with v = 0 at the picture's bottom;
    ``material`` is a key of ``Content.materials``.
    """

    vertices: NDArray[np.floating]
    faces: NDArray[np.integer]
    normals: NDArray[np.floating] | None = None
    uvs: NDArray[np.floating] | None = None
    material: str | None = None


class Content(NamedTuple):
    """What was read from a file; ``z_up`` where its Z axis is taken as up."""

    pieces: tuple[Piece, ...]
    materials: dict[str, Material]
    notes: tuple[str, ...] = ()
    z_up: bool = False
    has_unit: bool = False


def require_triangles(path: Path, count: int) -> None:
    """StudioFlowError for no triangle and for too many."""
    if count <= 0:
        raise refused(
            path, "there is no triangle in this file", "0 triangles", "a mesh with surfaces", "export it again"
        )
    if count > MAX_TRIANGLES:
        raise refused(
            path,
            "this mesh has too many triangles",
            f"{count:,} triangles",
            f"up to {MAX_TRIANGLES:,}",
            "decimate it in the program that it comes from; a greybox shows no finer detail",
        )


def require_bytes(path: Path, limit: int = MAX_BYTES) -> int:
    """The size of a file; StudioFlowError where it is too large."""
    size = path.stat().st_size
    if size > limit:
        raise refused(
            path,
            "this file is too large",
            f"{size / 1e6:,.0f} MB",
            f"up to {limit / 1e6:,.0f} MB",
            "decimate the mesh, or save it as GLB, which takes less room",
        )
    return size


def beside(path: Path, name: str) -> Path:
    """The file that a mesh file names, which must lie in the mesh's folder or below; no address is ever opened.

    StudioFlowError for a name that leads elsewhere, also through a link. The file need not exist.
    """
    clean = unquote(name).strip().replace("\\", "/")
    folder = path.parent.resolve()
    leads_away = not clean or "\0" in clean or clean.startswith("/") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", clean)
    if not leads_away:
        target = (folder / clean).resolve()
        if target.is_relative_to(folder) and ".." not in clean.split("/"):
            return target
    raise refused(
        path,
        "this mesh names a file outside of its folder",
        f'"{name[:200]}"',
        "files in the mesh's own folder, named from there",
        "put them beside the mesh and export it again with relative paths, or save it as one GLB",
    )


def broken(path: Path, why: str) -> StudioFlowError:
    """For a file that is cut off, damaged, or not what its name says."""
    return refused(
        path, "this mesh file is broken", why, "GLB, glTF, OBJ, PLY or STL as programs write it", "export it again"
    )


def refused(path: Path, problem: str, found: str, allowed: str, fix: str) -> StudioFlowError:
    return StudioFlowError(problem, where=str(path), found=found, allowed=allowed, fix=fix)
