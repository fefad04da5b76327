"""glTF 2.0 as GLB or as .gltf with its files (Khronos, "glTF 2.0 Specification", 2021; sections named below).

Read here and not by trimesh, which keeps a material's colour in 8 bits, reads normalised and sparse numbers wrongly,
and has read all of a file before it can be asked how large it is.
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import unquote_to_bytes

from .mesh_limits import (
    MAX_TEXT_BYTES,
    MAX_TRIANGLES,
    Content,
    Piece,
    beside,
    broken,
    refused,
    require_bytes,
    require_triangles,
)
from .mesh_textures import Material, Texture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MAX_JSON = 1 << 26
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942
_TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_WRAPS = {33071: "clamp", 33648: "mirror", 10497: "repeat"}
_KNOWN = {
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_lights_punctual",
    "EXT_texture_webp",
}
"""Extensions that a file may require; those of materials may be too, as a plainer material is still the same shape."""


def read(path: Path) -> Content:
    """The triangles and materials of the file's scene. StudioFlowError, or what ``json``, dictionaries, lists and
    arrays raise for a document that is not as the specification has it."""
    with path.open("rb") as stream:
        document = _document(path, stream)
        _require_extensions(path, document)
        placed = _placed(path, document)
        # Counted before anything large is read.
        require_triangles(path, sum(_triangles(document, mesh) for mesh, _ in placed))
        chunk = b"" if path.suffix.lower() == ".gltf" else _chunk(path, stream)
    buffers = _Buffers(path, document, chunk)
    notes = _notes(document)
    shapes = {mesh: [_piece(buffers, primitive) for primitive in _primitives(document, mesh)] for mesh, _ in placed}
    pieces = [_moved(piece, matrix) for mesh, matrix in placed for piece in shapes[mesh]]
    used = {piece.material for piece in pieces if piece.material is not None}
    materials = {key: _material(buffers, document["materials"][int(key)], notes) for key in sorted(used)}
    return Content(tuple(pieces), materials, tuple(dict.fromkeys(notes)), has_unit=True)


def _document(path: Path, stream: BinaryIO) -> dict[str, Any]:
    """The JSON (section 3.1, and 4.4 for GLB, whose stream is left behind it)."""
    size = require_bytes(path)
    if path.suffix.lower() == ".gltf":
        require_bytes(path, MAX_TEXT_BYTES)
        document = json.loads(stream.read())
    else:
        magic, version, length, json_length, kind = struct.unpack("<4sIIII", stream.read(20).ljust(20, b"\0"))
        if magic != b"glTF":
            raise broken(path, f"it begins with {magic!r} and not with glTF")
        if version != 2 or kind != _JSON_CHUNK:
            raise broken(path, f"version {version} of GLB; version 2 is read")
        if length > size:
            raise broken(path, f"it is cut off: {size:,} of {length:,} bytes are there")
        if json_length > min(size, _MAX_JSON):
            raise broken(path, f"{json_length:,} bytes of JSON")
        document = json.loads(stream.read(json_length))
    version = str(document["asset"]["version"])
    if not version.startswith("2."):
        raise broken(path, f"glTF {version[:20]}; glTF 2 is read")
    return document


def _chunk(path: Path, stream: BinaryIO) -> bytes:
    """The binary chunk; chunks of other kinds are passed over."""
    size = path.stat().st_size
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack("<II", head)
        if length > size - stream.tell():
            raise broken(path, "it is cut off within its data")
        if kind == _BINARY_CHUNK:
            return stream.read(length)
        stream.seek(length, 1)
    return b""


def _require_extensions(path: Path, document: dict[str, Any]) -> None:
    unknown = {
        name for name in document.get("extensionsRequired", ()) if name not in _KNOWN and "_materials_" not in name
    }
    if unknown:
        raise refused(
            path,
            "this mesh is packed in a way that is not read",
            ", ".join(sorted(unknown)),
            "glTF 2.0 without compression",
            "export it again without compression (no Draco, no Meshopt)",
        )


def _notes(document: dict[str, Any]) -> list[str]:
    notes = []
    if document.get("skins"):
        notes.append("The mesh has a skeleton; it is shown in the pose that its points are stored in.")
    if any("targets" in primitive for mesh in document["meshes"] for primitive in mesh["primitives"]):
        notes.append("The mesh has blend shapes; it is shown without them.")
    if "EXT_mesh_gpu_instancing" in document.get("extensionsUsed", ()):
        notes.append("The file repeats meshes by EXT_mesh_gpu_instancing; each is shown once.")
    return notes


def _placed(path: Path, document: dict[str, Any]) -> list[tuple[int, NDArray[np.float64]]]:
    """Each mesh of the scene with the 4 × 4 matrix of where it stands (section 3.5)."""
    import numpy as np

    nodes = document.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", ())}
    if document.get("scenes"):
        roots = document["scenes"][document.get("scene", 0)].get("nodes", [])
    else:
        roots = [index for index in range(len(nodes)) if index not in children]
    placed, seen = [], set()
    waiting = [(root, np.eye(4)) for root in reversed(roots)]
    while waiting:
        index, parent = waiting.pop()
        if index in seen:
            raise broken(path, f"node {index} of the scene lies under two others, or under itself")
        seen.add(index)
        node = nodes[index]
        matrix = parent @ _matrix(node)
        if not np.isfinite(matrix).all():
            raise broken(path, f"the place of node {index} is not finite")
        if "mesh" in node:
            placed.append((int(node["mesh"]), matrix))
        waiting += [(child, matrix) for child in reversed(node.get("children", ()))]
    return placed


def _matrix(node: dict[str, Any]) -> NDArray[np.float64]:
    import numpy as np

    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), dtype=np.float64)
    norm = np.sqrt(x * x + y * y + z * z + w * w)
    x, y, z, w = (x / norm, y / norm, z / norm, w / norm) if norm > 0 else (0.0, 0.0, 0.0, 1.0)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _primitives(document: dict[str, Any], mesh: int) -> list[dict[str, Any]]:
    found = document["meshes"][mesh]["primitives"]
    return [primitive for primitive in found if primitive.get("mode", _TRIANGLES) in (_TRIANGLES, _STRIP, _FAN)]


def _triangles(document: dict[str, Any], mesh: int) -> int:
    total = 0
    for primitive in _primitives(document, mesh):
        accessor = primitive["indices"] if "indices" in primitive else primitive["attributes"]["POSITION"]
        count = int(document["accessors"][accessor]["count"])
        total += count // 3 if primitive.get("mode", _TRIANGLES) == _TRIANGLES else max(count - 2, 0)
    return total


class _Buffers:
    """The bytes of a document and the numbers in them (sections 3.6.1 and 3.6.2), each file read when first asked."""

    def __init__(self, path: Path, document: dict[str, Any], chunk: bytes) -> None:
        self.path, self.document, self._chunk = path, document, chunk
        self._bytes: dict[int, bytes] = {}

    def uri(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            head, _, data = uri.partition(",")
            return base64.b64decode(data) if head.endswith(";base64") else unquote_to_bytes(data)
        file = beside(self.path, uri)
        require_bytes(file)
        return file.read_bytes()

    def buffer(self, index: int) -> bytes:
        if index not in self._bytes:
            row = self.document["buffers"][index]
            try:
                data = self.uri(row["uri"]) if "uri" in row else self._chunk
            except OSError as error:
                raise broken(self.path, f"{row['uri'][:200]} cannot be read ({error.strerror})") from error
            if len(data) < row["byteLength"]:
                raise broken(self.path, f"it is cut off: {len(data):,} of {row['byteLength']:,} bytes are there")
            self._bytes[index] = data
        return self._bytes[index]

    def view(self, index: int) -> memoryview:
        row = self.document["bufferViews"][index]
        begin = row.get("byteOffset", 0)
        data = memoryview(self.buffer(row["buffer"]))[begin : begin + row["byteLength"]]
        if begin < 0 or len(data) != row["byteLength"]:
            raise broken(self.path, f"part {index} of its data lies outside of the file")
        return data

    def numbers(self, index: int) -> NDArray[Any]:
        """The values of an accessor [N, width], normalised ones as floats."""
        import numpy as np

        row = self.document["accessors"][index]
        count, width = int(row["count"]), _WIDTHS[row["type"]]
        if not 0 < count <= 3 * MAX_TRIANGLES:
            raise broken(self.path, f"{count:,} values in a list")
        kind = np.dtype(_TYPES[row["componentType"]])
        if "bufferView" in row:
            stride = self.document["bufferViews"][row["bufferView"]].get("byteStride") or kind.itemsize * width
            values = self._strided(row["bufferView"], row.get("byteOffset", 0), kind, (count, width), stride)
        else:
            values = np.zeros((count, width), kind)
        if "sparse" in row:
            values = values.copy()
            sparse = row["sparse"]
            few, where, what = int(sparse["count"]), sparse["indices"], sparse["values"]
            place = np.dtype(_TYPES[where["componentType"]])
            spots = self._strided(where["bufferView"], where.get("byteOffset", 0), place, (few, 1), place.itemsize)
            given = self._strided(
                what["bufferView"], what.get("byteOffset", 0), kind, (few, width), kind.itemsize * width
            )
            values[spots[:, 0]] = given
        if row.get("normalized") and kind.kind in "iu":
            return np.maximum(values.astype(np.float32) / np.iinfo(kind).max, -1)
        return values

    def _strided(
        self, view: int, offset: int, kind: np.dtype[Any], shape: tuple[int, int], stride: int
    ) -> NDArray[Any]:
        import numpy as np

        # It checks by itself that all of it lies within the bytes.
        return np.ndarray(shape, kind, self.view(view), offset, (stride, kind.itemsize))


def _piece(buffers: _Buffers, primitive: dict[str, Any]) -> Piece:
    import numpy as np

    attributes = primitive["attributes"]
    vertices = buffers.numbers(attributes["POSITION"]).astype(np.float64)
    if "indices" in primitive:
        order = buffers.numbers(primitive["indices"])[:, 0].astype(np.int64)
    else:
        order = np.arange(len(vertices))
    faces = _faces(order, primitive.get("mode", _TRIANGLES))
    material = str(primitive["material"]) if "material" in primitive else None
    normals = buffers.numbers(attributes["NORMAL"]).astype(np.float64) if "NORMAL" in attributes else None
    uvs = None
    name = f"TEXCOORD_{_uv_set(buffers.document, material)}"
    if name in attributes:
        uvs = buffers.numbers(attributes[name]).astype(np.float32)
        uvs = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]])
    return Piece(vertices, faces, normals, uvs, material)


def _faces(order: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    """Three corners each (section 3.7.2.1): every second triangle of a strip is turned around."""
    import numpy as np

    if mode == _TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode == _FAN:
        return np.column_stack([np.full(len(order) - 2, order[0]), order[1:-1], order[2:]])
    faces = np.column_stack([order[:-2], order[1:-1], order[2:]])
    faces[1::2] = faces[1::2, [1, 0, 2]]
    return faces


def _moved(piece: Piece, matrix: NDArray[np.float64]) -> Piece:
    """The piece in the scene's space; a mirrored one has its corners in the other order."""
    import numpy as np

    linear = matrix[:3, :3]
    size = float(np.linalg.det(linear))
    vertices = piece.vertices @ linear.T + matrix[:3, 3]
    # By the cofactors, whose sign is that of the mirroring: no inverse is needed where an axis is flat.
    cofactors = np.stack([np.cross(linear[1], linear[2]), np.cross(linear[2], linear[0]), np.cross(*linear[:2])])
    normals = None if piece.normals is None or size == 0 else piece.normals @ cofactors.T * np.sign(size)
    faces = piece.faces[:, ::-1] if size < 0 else piece.faces
    return piece._replace(vertices=vertices, faces=faces, normals=normals)


def _uv_set(document: dict[str, Any], material: str | None) -> int:
    if material is None:
        return 0
    row = document["materials"][int(material)].get("pbrMetallicRoughness", {})
    info = row.get("baseColorTexture") or row.get("metallicRoughnessTexture") or {}
    return int(info.get("extensions", {}).get("KHR_texture_transform", {}).get("texCoord", info.get("texCoord", 0)))


def _material(buffers: _Buffers, row: dict[str, Any], notes: list[str]) -> Material:
    import numpy as np

    values = row.get("pbrMetallicRoughness", {})
    extensions = row.get("extensions", {})
    *color, opacity = (float(part) for part in np.array(values.get("baseColorFactor", (1, 1, 1, 1)), np.float64))
    if row.get("emissiveTexture") or any(row.get("emissiveFactor", ())):
        notes.append("The mesh has materials that glow; they are shown without their light.")
    mode = row.get("alphaMode", "OPAQUE")
    return Material(
        color=tuple(color),
        opacity=opacity,
        roughness=float(values.get("roughnessFactor", 1)),
        metallic=float(values.get("metallicFactor", 1)),
        transmission=float(extensions.get("KHR_materials_transmission", {}).get("transmissionFactor", 0)),
        ior=float(extensions.get("KHR_materials_ior", {}).get("ior", 1.5)),
        picture=_texture(buffers, values.get("baseColorTexture"), notes),
        surfaces=_texture(buffers, values.get("metallicRoughnessTexture"), notes),
        uses_alpha=mode != "OPAQUE",
        cutoff=float(row.get("alphaCutoff", 0.5)) if mode == "MASK" else None,
    )


def _texture(buffers: _Buffers, info: dict[str, Any] | None, notes: list[str]) -> Texture | None:
    if not info:
        return None
    document = buffers.document
    texture = document["textures"][info["index"]]
    source = texture.get("extensions", {}).get("EXT_texture_webp", {}).get("source", texture.get("source"))
    if source is None:
        notes.append("A texture is stored in a way that is not read; its plain colour is shown.")
        return None
    image = document["images"][source]
    name = image.get("name") or image.get("uri", "")[:60] or f"number {source}"
    try:
        data = bytes(buffers.view(image["bufferView"])) if "bufferView" in image else buffers.uri(image["uri"])
    except OSError as error:
        notes.append(f"The texture {name} cannot be read ({error.strerror}); its plain colour is shown.")
        return None
    sampler = document["samplers"][texture["sampler"]] if "sampler" in texture else {}
    moved = info.get("extensions", {}).get("KHR_texture_transform")
    return Texture(data, name, _WRAPS.get(sampler.get("wrapS", 10497), "repeat"), _to_uv(moved) if moved else None)


def _to_uv(moved: dict[str, Any]) -> tuple[float, ...]:
    """KHR_texture_transform: offset after rotation after scale, for uvs that count from the bottom.

    The rotation is counter-clockwise as one sees it, as the extension's text and Khronos' viewer have it.
    """
    import numpy as np

    (x, y), (a, b) = moved.get("offset", (0, 0)), moved.get("scale", (1, 1))
    sine, cosine = np.sin(moved.get("rotation", 0)), np.cos(moved.get("rotation", 0))
    matrix = np.array([[cosine * a, sine * b, x], [-sine * a, cosine * b, y], [0, 0, 1]])
    upside_down = np.array([[1, 0, 0], [0, -1, 1], [0, 0, 1]])
    return tuple(float(value) for value in (upside_down @ matrix @ upside_down).ravel())
