"""STL, and OBJ and PLY by trimesh's loaders once their size and the files that they name have been looked at.

The loaders are called one by one, with bytes in memory and without trimesh's own way to other files: what a mesh
names is opened here, from its own folder only.
"""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .mesh_limits import (
    MAX_TEXT_BYTES,
    MAX_TRIANGLES,
    Content,
    Piece,
    beside,
    broken,
    require_bytes,
    require_triangles,
)
from .mesh_textures import Material, Texture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STL_HEAD, _STL_TRIANGLE = 84, 50
_PLY_SIZES = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16", "float16"), 2),
    **dict.fromkeys(("int", "uint", "float", "int32", "uint32", "float32"), 4),
    **dict.fromkeys(("double", "int64", "uint64", "float64"), 8),
}
_MTL_OPTIONS = {"-mm": 2, "-s": 3, "-o": 3, "-t": 3}
"""How many words follow an option of a map, where it is not one."""


def read_stl(path: Path) -> Content:
    """Binary or text. Nothing in it says which way is up: Z, as in the programs for printing that write it.

    Read here: of the format there are only the corners to read, as normals follow from them.
    """
    import numpy as np

    size = require_bytes(path, _STL_HEAD + _STL_TRIANGLE * (1 << 32))
    with path.open("rb") as stream:
        head = stream.read(_STL_HEAD)
        count = struct.unpack("<I", head[80:])[0] if len(head) == _STL_HEAD else 0
        needed = _STL_HEAD + _STL_TRIANGLE * count
        if head.lstrip()[:5].lower() == b"solid" and size != needed:
            require_bytes(path, MAX_TEXT_BYTES)
            corners = _stl_text(path, (head + stream.read()).lower())
        else:
            if len(head) < _STL_HEAD:
                raise broken(path, f"{size} bytes, fewer than a header")
            require_triangles(path, count)
            if needed > size:
                raise broken(path, f"it is cut off: {size:,} of {needed:,} bytes are there")
            rows = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
            corners = np.frombuffer(stream.read(needed - _STL_HEAD), rows)["corners"].reshape(-1, 3)
    piece = Piece(corners, np.arange(len(corners)).reshape(-1, 3))
    return Content((piece,), {}, ("STL says nothing about up: Z is taken as up, and -Y as the front.",), z_up=True)


def _stl_text(path: Path, text: bytes) -> NDArray[np.float64]:
    import numpy as np

    if b"endsolid" not in text[-1024:]:
        raise broken(path, "it is cut off: endsolid is missing")
    count = text.count(b"endfacet")
    require_triangles(path, count)
    corners = np.array(re.findall(rb"\bvertex\s+(\S+)\s+(\S+)\s+(\S+)", text), dtype=np.float64)
    if len(corners) != 3 * count:
        raise broken(path, f"{len(corners):,} corners in {count:,} triangles")
    return corners


def read_ply(path: Path) -> Content:
    """Text or binary, with texture coordinates and the texture that a comment names. Z is taken as up."""
    from trimesh.exchange.ply import load_ply

    require_bytes(path)
    with path.open("rb") as stream:
        texture = _check_ply(path, stream)
        stream.seek(0)
        with _strictly():
            loaded = load_ply(stream, skip_materials=True)
    if loaded.get("faces") is None:
        require_triangles(path, 0)
    notes = ["PLY says nothing about up: Z is taken as up, and -Y as the front."]
    if loaded.get("vertex_colors") is not None or loaded.get("face_colors") is not None:
        notes.append("The colours of the mesh's points are not shown.")
    material, materials = None, {}
    uvs = _uvs(loaded)
    if texture and uvs is not None:
        read, note = _texture(path, texture)
        notes += note
        material, materials = "0", {"0": Material(picture=read, color=(1, 1, 1) if read else (0.5, 0.5, 0.5))}
    piece = Piece(loaded["vertices"], _fanned(loaded["faces"]), _normals(loaded), uvs, material)
    return Content((piece,), materials, tuple(notes), z_up=True)


def read_obj(path: Path) -> Content:
    """With the material files that it names. Y is up, as nearly every program writes it."""
    from trimesh.exchange.obj import load_obj

    require_bytes(path, MAX_TEXT_BYTES)
    data = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\\\n", b" ")
    if b"\0" in data[:4096]:
        raise broken(path, "it is no text")
    libraries, names, data = _scanned(path, data)
    notes: list[str] = []
    known: dict[str, Material] = {}
    for library in libraries:
        known |= _materials(path, library, notes)
    # trimesh gives a face's material only where it has read one, so it gets a list of names.
    listing = "".join(f"newmtl {name}\n" for name in names).encode()
    with _strictly():
        loaded = load_obj(io.BytesIO(b"mtllib names\n" + data), resolver=_Names(listing))
    pieces = []
    for row in _geometries(loaded):
        name = getattr(getattr(row.get("visual"), "material", None), "name", None)
        material = name if name in known else None
        pieces.append(Piece(row["vertices"], _fanned(row["faces"]), _normals(row), _uvs(row), material))
    missing = sorted(name for name in names if name not in known) if libraries else []
    if missing:
        notes.append(f"The material {', '.join(missing[:5])} is in no material file that could be read.")
    if any(row.get("vertex_colors") is not None for row in _geometries(loaded)):
        notes.append("The colours of the mesh's points are not shown.")
    used = {piece.material for piece in pieces}
    return Content(tuple(pieces), {key: value for key, value in known.items() if key in used}, tuple(notes))


@contextmanager
def _strictly() -> Iterator[None]:
    """Words among the numbers are an error, of which numpy only warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        yield


class _Names:
    """What trimesh asks for the material file."""

    def __init__(self, listing: bytes) -> None:
        self._listing = listing

    def __getitem__(self, name: str) -> bytes:
        return self._listing

    get = __getitem__


def _geometries(loaded: dict[str, Any]) -> list[dict[str, Any]]:
    rows = list(loaded["geometry"].values()) if "geometry" in loaded else [loaded]
    return [row for row in rows if row.get("faces") is not None and len(row["faces"])]


def _fanned(faces: NDArray[Any]) -> NDArray[np.int64]:
    """Polygons [M, K] as triangles around their first corner."""
    import numpy as np

    faces = np.asarray(faces, dtype=np.int64)
    return np.stack([faces[:, [0, k, k + 1]] for k in range(1, faces.shape[1] - 1)], axis=1).reshape(-1, 3)


def _normals(row: dict[str, Any]) -> NDArray[np.floating] | None:
    normals = row.get("vertex_normals")
    return normals if normals is not None and len(normals) == len(row["vertices"]) else None


def _uvs(row: dict[str, Any]) -> NDArray[np.floating] | None:
    uvs = getattr(row.get("visual"), "uv", None)
    return uvs if uvs is not None and len(uvs) == len(row["vertices"]) else None


def _check_ply(path: Path, stream: BinaryIO) -> str:
    """Looks at the header: how many faces, and whether the file has room for what is said. Returns the texture."""
    if stream.readline(16).strip() != b"ply":
        raise broken(path, "it does not begin with ply")
    form, texture, rows, faces, least, element = "", "", 0, 0, 0, 0
    for _ in range(1000):
        raw = stream.readline(4096).decode("utf-8", "replace").strip()
        words = raw.split()
        if words[:1] == ["end_header"]:
            break
        if words[:1] == ["format"]:
            form = words[1]
        elif words[:1] == ["element"]:
            element = int(words[2])
            if not 0 <= element <= 3 * MAX_TRIANGLES:
                require_triangles(path, element)
            rows += element
            faces = element if words[1] == "face" else faces
        elif words[:1] == ["property"]:
            # An empty list is its count alone.
            least += element * _PLY_SIZES[words[2] if words[1] == "list" else words[1]]
        elif "texturefile" in raw.lower():
            texture = raw[raw.lower().index("texturefile") + 11 :].strip()
    else:
        raise broken(path, "its header does not end")
    require_triangles(path, faces)
    left = path.stat().st_size - stream.tell()
    if form == "ascii":
        require_bytes(path, MAX_TEXT_BYTES)
        data = stream.read().rstrip()
        found = data.count(b"\n") + 1
        if found < rows:
            raise broken(path, f"it is cut off: {found:,} of {rows:,} lines are there")
    elif left < least:
        raise broken(path, f"it is cut off: {left:,} of at least {least:,} bytes are there")
    return texture


def _scanned(path: Path, data: bytes) -> tuple[list[str], list[str], bytes]:
    """The material files that an OBJ names, the materials it uses, and its text with all corners counted from 1.

    StudioFlowError for too many triangles, before any is read.
    """
    libraries: dict[str, None] = {}
    names: dict[str, None] = {}
    triangles, relative = 0, False
    for line in io.BytesIO(data):
        if line.startswith(b"f "):
            triangles += max(len(line.split(b"#")[0].split()) - 3, 0)
            relative = relative or b"-" in line
        elif line.startswith(b"usemtl"):
            names[" ".join(line[6:].decode("utf-8", "replace").split())] = None
        elif line.startswith(b"mtllib"):
            libraries[line[6:].decode("utf-8", "replace").strip()] = None
    require_triangles(path, triangles)
    lines = _absolute(data) if relative else (line for line in io.BytesIO(data) if not line.startswith(b"mtllib"))
    return list(libraries), [name for name in names if name], b"".join(lines)


def _absolute(data: bytes) -> Iterator[bytes]:
    """Lines whose corners count from the beginning; a negative one counts back from the line it stands in."""
    seen = {b"v": 0, b"vt": 0, b"vn": 0}
    order = (b"v", b"vt", b"vn")
    for line in io.BytesIO(data):
        words = line.split(b"#")[0].split()
        if not words or words[0] == b"mtllib":
            continue
        if words[0] in seen:
            seen[words[0]] += 1
        elif words[0] == b"f":
            for place, corner in enumerate(words[1:], 1):
                numbers = [
                    str(int(part) + seen[kind] + 1).encode() if part.startswith(b"-") else part
                    for part, kind in zip(corner.split(b"/"), order, strict=False)
                ]
                words[place] = b"/".join(numbers)
            line = b" ".join(words) + b"\n"
        yield line


def _materials(path: Path, library: str, notes: list[str]) -> dict[str, Material]:
    """The materials of an MTL file (Alias, "MTL material format", 1995; Pr and Pm as Exocortex added them).

    Colours are reflectances, so linear. Ns becomes a roughness as Walter et al. 2007 match Blinn's exponent.
    """
    file = beside(path, library)
    try:
        require_bytes(file, MAX_TEXT_BYTES)
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        notes.append(f"The material file {library[:60]} cannot be read ({error.strerror}); plain colours are shown.")
        return {}
    found: dict[str, Material] = {}
    name = ""
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if len(words) < 2:
            continue
        key = words[0].lower()
        if key == "newmtl":
            name = " ".join(words[1:])
            found[name] = Material(color=(0.8, 0.8, 0.8), roughness=0.5)
        elif name:
            found[name] = _with(path, found[name], key, words[1:], notes)
    return found


def _with(path: Path, material: Material, key: str, words: list[str], notes: list[str]) -> Material:
    """The material with one more line of its file."""
    if key == "map_kd":
        read, note = _texture(path, _map_name(words))
        notes += note
        # Where there is a texture, programs write Kd as 1 or leave what it was; readers agree to pass it over.
        return material._replace(picture=read, color=(1.0, 1.0, 1.0)) if read else material
    if key == "kd" and len(words) >= 3:
        return material if material.picture else material._replace(color=tuple(float(word) for word in words[:3]))
    if key in ("d", "tr"):
        value = float(words[-1])
        opacity = value if key == "d" else 1 - value
        return material._replace(opacity=opacity, uses_alpha=opacity < 1)
    if key == "ns":
        return material._replace(roughness=(2 / (max(float(words[0]), 0) + 2)) ** 0.25)
    if key in ("pr", "pm", "ni"):
        field = {"pr": "roughness", "pm": "metallic", "ni": "ior"}[key]
        return material._replace(**{field: float(words[0])})
    return material


def _map_name(words: list[str]) -> str:
    """The file of a map, which stands behind its options; it may hold spaces."""
    place = 0
    while place < len(words) and re.fullmatch(r"-[a-z]+", words[place]):
        most = _MTL_OPTIONS.get(words[place], 1)
        place += 1
        for _ in range(most):
            if most == 3 and place < len(words) and not re.fullmatch(r"[-+.\deE]+", words[place]):
                break
            place += 1
    return " ".join(words[place:])


def _texture(path: Path, name: str) -> tuple[Texture | None, list[str]]:
    """A picture beside the mesh, or a note where it is not there or lies elsewhere."""
    from ..errors import StudioFlowError

    try:
        file = beside(path, name)
        require_bytes(file)
        return Texture(file.read_bytes(), name), []
    except StudioFlowError as error:
        why = error.problem
    except OSError as error:
        why = error.strerror or str(error)
    return None, [f"The texture {name[:60]} is not shown ({why}); its plain colour is."]
