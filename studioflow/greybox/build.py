"""Plain values as Mitsuba's own objects, for the variant that is set."""

from __future__ import annotations

from typing import Any

from .parts import Mesh, Plain


def build(mi: Any, plain: Plain, name: str = "") -> Any:
    """What ``mi.load_dict`` makes of a Plain: a scene, a sensor, an emitter, a BSDF or a shape, called ``name``."""
    native = _native(mi, {**plain, "id": name} if name and plain["type"] != "mesh" else plain, name)
    return mi.load_dict(native) if isinstance(native, dict) else native


def _native(mi: Any, value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        if value.get("type") == "mesh":
            return _mesh(mi, value, name)
        return {key: _native(mi, part, key) for key, part in value.items()}
    if getattr(value, "shape", None) == (4, 4):
        return mi.ScalarTransform4f(value)
    return value


def _mesh(mi: Any, plain: Plain, name: str) -> Any:
    """A mesh with the BSDF and the emitter that the Plain gives it, moved by its ``to_world``."""
    import numpy as np

    mesh: Mesh = plain["mesh"]
    vertices, normals = mesh.vertices, mesh.normals
    if "to_world" in plain:
        matrix = np.asarray(plain["to_world"], dtype=np.float64)
        vertices = vertices @ matrix[:3, :3].T + matrix[:3, 3]
        if normals is not None:
            normals = normals @ np.linalg.inv(matrix[:3, :3])
            normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    properties = mi.Properties()
    for key in ("bsdf", "emitter"):
        if key in plain:
            properties[key] = mi.load_dict(_native(mi, plain[key]))
    built = mi.Mesh(
        name,
        len(vertices),
        len(mesh.faces),
        properties,
        has_vertex_normals=normals is not None,
        has_vertex_texcoords=mesh.uvs is not None,
    )
    values = mi.traverse(built)
    values["vertex_positions"] = np.ascontiguousarray(vertices, dtype=np.float32).ravel()
    values["faces"] = np.ascontiguousarray(mesh.faces, dtype=np.uint32).ravel()
    if normals is not None:
        values["vertex_normals"] = np.ascontiguousarray(normals, dtype=np.float32).ravel()
    if mesh.uvs is not None:
        values["vertex_texcoords"] = np.ascontiguousarray(mesh.uvs, dtype=np.float32).ravel()
    values.update()
    return built
