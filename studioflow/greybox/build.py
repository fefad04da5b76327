"""Plain values as Mitsuba's own objects, for the variant that is set."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .parts import Mesh, Plain


def build(mi: Any, plain: Plain) -> Any:
    """What ``mi.load_dict`` makes of a Plain: a scene, a sensor, an emitter, a BSDF or a shape.

    A scene is built of one Plain, in one call, and its shapes are not looked at from Python before it is rendered: of
    what Python has seen the scalar variant counts the references under Python's lock, at every ray, which makes it
    up to twenty times as slow and leaves one thread.
    """
    with tempfile.TemporaryDirectory(prefix="studioflow-") as folder:
        native = _native(mi, plain, Path(folder), itertools.count())
        # What ``optimize`` merges it orders by addresses, and in another order the same seed is other noise.
        return mi.load_dict(native, parallel=False, optimize=False)


def _native(mi: Any, value: Any, folder: Path, numbers: Iterator[int]) -> Any:
    if isinstance(value, dict):
        of_file = ("mesh", "to_world") if value.get("type") == "mesh" else ()
        native = {key: _native(mi, part, folder, numbers) for key, part in value.items() if key not in of_file}
        return native | _ply(value, folder / f"{next(numbers)}.ply") if of_file else native
    if getattr(value, "shape", None) == (4, 4):
        return mi.ScalarTransform4f(value)
    return value


def _ply(plain: Plain, path: Path) -> Plain:
    """A mesh by a file, moved by its ``to_world``."""
    _write_ply(path, _moved(plain["mesh"], plain.get("to_world")))
    flat = plain["mesh"].normals is None
    return {"type": "ply", "filename": str(path), "face_normals": flat}


def _moved(mesh: Mesh, to_world: Any) -> Mesh:
    import numpy as np

    if to_world is None:
        return mesh
    matrix = np.asarray(to_world, dtype=np.float64)
    normals = mesh.normals
    if normals is not None:
        normals = normals @ np.linalg.inv(matrix[:3, :3])
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return mesh._replace(vertices=mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3], normals=normals)


def _write_ply(path: Path, mesh: Mesh) -> None:
    """Binary PLY (Greg Turk, The PLY Polygon File Format, 1994) with the names that Mitsuba reads."""
    import numpy as np

    columns = [("xyz", mesh.vertices), (("nx", "ny", "nz"), mesh.normals), ("uv", mesh.uvs)]
    given = [(names, values) for names, values in columns if values is not None]
    vertices = np.concatenate([np.asarray(values, dtype="<f4") for _, values in given], axis=1)
    faces = np.empty(len(mesh.faces), dtype=[("number", "u1"), ("corners", "<i4", 3)])
    faces["number"], faces["corners"] = 3, mesh.faces
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(vertices)}"]
    header += [f"property float {name}" for names, _ in given for name in names]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    with path.open("wb") as file:
        file.write("\n".join([*header, ""]).encode("ascii"))
        file.write(vertices.tobytes())
        file.write(faces.tobytes())
