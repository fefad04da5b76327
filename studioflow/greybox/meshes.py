"""Mesh files as parts: GLB, glTF, OBJ, PLY and STL, standing on the ground, in metres, with their materials."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PathError, StudioFlowError
from .mesh_limits import SUFFIXES, Content, Piece, broken, refused, require_triangles
from .parts import Mesh, Part, Point

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .mesh_shading import Edges

_SIZES_M = (1e-5, 1e5)
"""What a mesh without a given size may measure; beyond that single precision and light lose it."""
_USUAL_M = (0.002, 30.0)
"""What is said nothing about; a mesh in millimetres that is read as metres is larger."""


class Loaded(NamedTuple):
    """A mesh: ``parts`` stand on y = 0, centred in x and z, facing +Z, one for each material. ``size_m`` is what it
    measures in x, y and z. ``notes`` are sentences about what was assumed, left out or found."""

    parts: tuple[Part, ...]
    size_m: Point
    notes: tuple[str, ...]


def load_mesh(path: Path, size_m: Point | None = None) -> Loaded:
    """Reads a mesh file; ``size_m`` is a box (width, height, depth) that it is scaled to fit into, in proportion.

    Without one its numbers count as metres, as glTF says. Files that it names are read from its own folder or below;
    nothing is read from a network. Triangles of all materials are counted before they are read.
    PathError where there is no such file, StudioFlowError for one that is broken, cut off, empty, too large, packed,
    of no usable size, or that names files elsewhere.
    """
    _require_file(path)
    content = _read(path)
    if size_m is not None and not all(0 < side < 1e6 for side in size_m):
        raise refused(path, "this size is none", f"{size_m} m", "three lengths above 0 in metres", "correct the size")
    soup = _Soup(path, content)
    size, notes = soup.place(size_m, content)
    parts, more = _parts(soup, content)
    return Loaded(parts, size, (*content.notes, *notes, *more))


def _require_file(path: Path) -> None:
    suffix = path.suffix.lower()
    if not path.is_file():
        raise PathError(
            "there is no such mesh file",
            where=str(path),
            found="a folder" if path.is_dir() else "nothing that can be read as a file",
            allowed="a file that ends in " + ", ".join(SUFFIXES),
            fix="check the name and where the file lies",
        )
    if suffix not in SUFFIXES:
        raise refused(
            path, "this is no mesh file", f'"{suffix}"', ", ".join(SUFFIXES), "save it as GLB in the program it is from"
        )


def _read(path: Path) -> Content:
    """The file's content. Whatever a reader stumbles over is one error that names the file."""
    from . import mesh_formats, mesh_gltf

    readers: dict[str, Callable[[Path], Content]] = {
        ".glb": mesh_gltf.read,
        ".gltf": mesh_gltf.read,
        ".obj": mesh_formats.read_obj,
        ".ply": mesh_formats.read_ply,
        ".stl": mesh_formats.read_stl,
    }
    try:
        content = readers[path.suffix.lower()](path)
        content = content._replace(pieces=tuple(_sound(path, piece) for piece in content.pieces if len(piece.faces)))
    except StudioFlowError:
        raise
    except json.JSONDecodeError as error:
        raise broken(path, f"its description is no JSON (line {error.lineno}: {error.msg})") from error
    except KeyError as error:
        raise broken(path, f"{error} is missing in it") from error
    except MemoryError as error:
        raise broken(path, "it does not fit into memory") from error
    except OSError as error:
        raise broken(path, error.strerror or str(error)) from error
    except _STUMBLES as error:
        raise broken(path, str(error)[:200] or type(error).__name__) from error
    require_triangles(path, sum(len(piece.faces) for piece in content.pieces))
    return content


def _sound(path: Path, piece: Piece) -> Piece:
    """The piece with arrays of the shapes and kinds that it says, whatever a reader made of its file."""
    import numpy as np

    vertices, faces = np.asarray(piece.vertices, np.float64), np.asarray(piece.faces, np.int64)
    count = len(vertices)
    normals = np.zeros((count, 3)) if piece.normals is None else np.asarray(piece.normals, np.float64)
    uvs = np.zeros((count, 2)) if piece.uvs is None else np.asarray(piece.uvs, np.float64)
    shapes = [array.shape for array in (vertices, faces, normals, uvs)]
    if shapes != [(count, 3), (len(faces), 3), (count, 3), (count, 2)]:
        raise broken(path, "its points, normals and texture coordinates do not go together")
    if faces.min() < 0 or faces.max() >= count:
        raise broken(path, f"a triangle has corner {int(faces.max()):,} of {count:,}")
    return Piece(vertices, faces, normals, uvs, piece.material)


_STUMBLES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    DeprecationWarning,
    IndexError,
    RecursionError,
    TypeError,
    UnboundLocalError,
    ValueError,
    struct.error,
)


class _Soup:
    """All triangles of a file in one list, with the material of each."""

    def __init__(self, path: Path, content: Content) -> None:
        import numpy as np

        pieces = content.pieces
        self.path = path
        starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
        self.faces = np.concatenate([piece.faces + start for piece, start in zip(pieces, starts, strict=False)])
        self.materials = np.repeat(np.arange(len(pieces)), [len(piece.faces) for piece in pieces])
        self.vertices = np.concatenate([piece.vertices for piece in pieces])
        self.normals = np.concatenate([piece.normals for piece in pieces])
        self.uvs = np.concatenate([piece.uvs for piece in pieces])
        self.used = np.zeros(len(self.vertices), bool)
        self.used[self.faces] = True
        bad = int(np.count_nonzero(~np.isfinite(self.vertices[self.used]).all(axis=1)))
        if bad:
            raise broken(path, f"{bad:,} of {np.count_nonzero(self.used):,} points are not finite numbers")
        self.normals[~np.isfinite(self.normals).all(axis=1)] = 0
        self.uvs[~np.isfinite(self.uvs).all(axis=1)] = 0
        if content.z_up:
            self.vertices, self.normals = _y_up(self.vertices), _y_up(self.normals)

    def place(self, size_m: Point | None, content: Content) -> tuple[Point, list[str]]:
        """Scales it, stands it on the ground, and says what it measures where that is odd."""
        import numpy as np

        corners = self.vertices[self.used]
        low, high = corners.min(axis=0), corners.max(axis=0)
        extent = high - low
        longest = float(extent.max())
        scale, notes = 1.0, []
        if size_m is not None and 0 < longest < 1e100:
            scale = float(min(side / span for side, span in zip(size_m, extent, strict=True) if span > 1e-9 * longest))
        elif not _SIZES_M[0] <= longest <= _SIZES_M[1]:
            raise refused(
                self.path,
                "this mesh has no usable size",
                f"{_measured(extent)}, its numbers taken as metres",
                f"{_SIZES_M[0]:g} to {_SIZES_M[1]:,.0f} m along its longest side",
                "give the subject's size, or scale the mesh in the program that it comes from",
            )
        elif not _USUAL_M[0] <= longest <= _USUAL_M[1]:
            unit = "" if content.has_unit else "; the file names no unit"
            notes.append(f"The mesh measures {_measured(extent)}, its numbers taken as metres{unit}. A size fits it.")
        middle = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
        self.vertices = (self.vertices - middle) * scale
        return tuple(float(side) for side in extent * scale), notes


def _parts(soup: _Soup, content: Content) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """A part for each material, with normals everywhere and outsides out."""
    import numpy as np

    from . import mesh_shading as shading
    from .mesh_textures import surfaces_of

    notes: list[str] = []
    whole = shading.with_area(soup.vertices, soup.faces)
    if not whole.any():
        raise broken(soup.path, f"none of its {len(whole):,} triangles has an area")
    if not whole.all():
        notes.append(f"{np.count_nonzero(~whole):,} triangles without an area were left out.")
    faces, materials = soup.faces[whole], soup.materials[whole]
    places = shading.welded(soup.vertices.astype(np.float32))
    faces, normals, edges = _outwards(soup, faces, places, notes)
    _note_edges(edges, notes)
    lengths = np.linalg.norm(normals, axis=1)
    given = lengths > 1e-6
    normals[given] /= lengths[given, None]
    faces = _shared(faces, places, ~given & ~soup.uvs.any(axis=1))
    groups = np.full(faces.size, -1)
    smooth = np.zeros((0, 3), np.float32)
    if not given[faces].all():
        groups, smooth = shading.corner_normals(soup.vertices, faces, edges)
        groups[given[faces].ravel()] = -1
    surfaces, more = surfaces_of(content.materials)
    parts = []
    for key in dict.fromkeys(piece.material for piece in content.pieces):
        mine = np.isin(materials, [n for n, piece in enumerate(content.pieces) if piece.material == key])
        if mine.any():
            mesh = _mesh(soup, faces[mine], normals, groups.reshape(-1, 3)[mine], smooth)
            parts.append(Part(mesh, "body", surfaces.get(key) if key is not None else None))
    return tuple(parts), (*notes, *more)


def _outwards(
    soup: _Soup, faces: NDArray[np.int64], places: NDArray[np.int64], notes: list[str]
) -> tuple[NDArray[np.int64], NDArray[np.float64], Edges]:
    """Faces turned to the side of their normals, and a closed body that is inside out turned as a whole; its edges."""
    import numpy as np

    from . import mesh_shading as shading

    normals = soup.normals.copy()
    agreement = np.einsum("ij,ij->i", shading.face_normals(soup.vertices, faces), normals[faces].sum(axis=1))
    turned = agreement < 0
    if turned.any():
        faces = np.where(turned[:, None], faces[:, ::-1], faces)
        if turned.mean() > 0.01:
            notes.append(f"{np.count_nonzero(turned):,} triangles faced away from their normals and were turned.")
    edges = shading.Edges(places[faces])
    if edges.closed and shading.volume(soup.vertices, faces) < 0:
        notes.append("The mesh was inside out and was turned.")
        faces, normals = faces[:, ::-1], -normals
        edges = shading.Edges(places[faces])
    return faces, normals, edges


def _shared(faces: NDArray[np.int64], places: NDArray[np.int64], plain: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Faces that share their points, as STL's do not; ``plain`` points have neither a normal nor a uv of their own."""
    import numpy as np

    of_place = np.zeros(int(places.max()) + 1, np.int64)
    of_place[places[plain]] = np.flatnonzero(plain)
    return np.where(plain[faces], of_place[places[faces]], faces)


def _note_edges(edges: Edges, notes: list[str]) -> None:
    """What keeps a mesh from enclosing a space, which matters for glass and liquids."""
    faults = [
        f"{count:,} edges {what}"
        for count, what in (
            (edges.open, "have a triangle on one side only"),
            (edges.crowded, "have more than two triangles"),
            (edges.contrary, "join triangles that face opposite ways"),
        )
        if count
    ]
    if faults:
        notes.append(f"The mesh is not closed ({', '.join(faults)}): glass and liquids look wrong on it.")


def _mesh(
    soup: _Soup,
    faces: NDArray[np.int64],
    normals: NDArray[np.float64],
    groups: NDArray[np.int64],
    smooth: NDArray[np.float32],
) -> Mesh:
    """One vertex for each point and normal that the faces use; ``groups`` are -1 where the point's own normal is."""
    import numpy as np

    key = faces.ravel() * (len(smooth) + 1) + groups.ravel() + 1
    _, first, numbers = np.unique(key, return_index=True, return_inverse=True)
    points, group = faces.ravel()[first], groups.ravel()[first]
    own = normals[points]
    if len(smooth):
        own = np.where(group[:, None] >= 0, smooth[group], own)
    uvs = soup.uvs[points]
    return Mesh(
        soup.vertices[points].astype(np.float32),
        numbers.reshape(-1, 3).astype(np.uint32),
        own.astype(np.float32),
        uvs.astype(np.float32) if uvs.any() else None,
    )


def _y_up(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z up and -Y front as Y up and +Z front."""
    import numpy as np

    return np.column_stack([values[:, 0], values[:, 2], -values[:, 1]])


def _measured(extent: NDArray[np.float64]) -> str:
    return " × ".join(f"{side:.4g}" for side in extent) + " m"
