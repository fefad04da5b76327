"""Mesh files of every kind as parts that can be rendered, and one clear error for each that cannot be one."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from studioflow.color.convert import convert
from studioflow.errors import StudioFlowError
from studioflow.greybox.build import build
from studioflow.greybox.meshes import Loaded, load_mesh
from studioflow.greybox.parts import Mesh
from studioflow.greybox.pictures import picture_surface

# The four quarters of a picture: red and green above, blue and grey below.
QUARTERS = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [128, 128, 128]]], np.uint8)
QUAD = {
    "v": np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32),
    "uv": np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
    "f": np.array([[0, 1, 2], [0, 2, 3]]),
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a mesh opened the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def cup() -> trimesh.Trimesh:
    """80 × 100 × 80 mm, Y up, not at the origin."""
    mesh = trimesh.creation.cylinder(0.04, 0.1, sections=48)
    mesh.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    mesh.apply_translation([3, 5, -2])
    return mesh


def solid(loaded: Loaded) -> trimesh.Trimesh:
    """All parts as one of trimesh's meshes, to be measured by it."""
    return trimesh.util.concatenate([trimesh.Trimesh(p.mesh.vertices, p.mesh.faces) for p in loaded.parts])


def require_sound(loaded: Loaded) -> None:
    for part in loaded.parts:
        mesh = part.mesh
        assert (mesh.vertices.dtype, mesh.faces.dtype, mesh.normals.dtype) == (np.float32, np.uint32, np.float32)
        assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)
        assert mesh.faces.max() < len(mesh.vertices) == len(mesh.normals)
        corners = mesh.vertices[mesh.faces].astype(float)
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        agree = np.einsum("mc,mkc->mk", flat, mesh.normals[mesh.faces])
        assert (agree > 0).all(), "normals lie on the side that the winding makes the front"
    low, high = solid(loaded).bounds
    assert low[1] == pytest.approx(0, abs=1e-6)
    assert low[[0, 2]] == pytest.approx(-high[[0, 2]], abs=1e-6)
    assert high - low == pytest.approx(loaded.size_m, rel=1e-5)


def save(mesh: trimesh.Trimesh | trimesh.Scene, path: Path, **options: Any) -> Path:
    mesh.export(str(path), **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cup.glb", {}),
        ("cup.gltf", {}),
        ("cup.obj", {}),
        ("cup.obj", {"include_normals": True}),
        ("CUP.STL", {"file_type": "stl"}),
        ("cup.stl", {"file_type": "stl_ascii"}),
        ("cup.ply", {"encoding": "binary"}),
        ("cup.ply", {"encoding": "ascii"}),
        ("cup.ply", {"vertex_normal": True}),
    ],
)
def test_every_format_gives_the_same_cup(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    mesh = cup()
    z_up = name.lower().endswith(("stl", "ply"))
    if z_up:
        mesh.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0]))
    folder = tmp_path / "meshes"
    folder.mkdir()
    if name.endswith("gltf"):
        for file, data in mesh.scene().export(file_type="gltf").items():
            (folder / file).write_bytes(data)
        path = folder / "model.gltf"
    else:
        path = save(mesh, folder / name, **options)
    loaded = load_mesh(path)
    require_sound(loaded)
    assert loaded.size_m == pytest.approx((0.08, 0.1, 0.08), rel=1e-3)
    whole = solid(loaded)
    whole.merge_vertices(merge_norm=True)
    assert whole.is_watertight
    assert whole.volume == pytest.approx(mesh.volume, rel=1e-4)
    assert any("Z is taken as up" in note for note in loaded.notes) is z_up
    assert not any("closed" in note for note in loaded.notes)


def test_missing_normals_are_smooth_below_the_crease(tmp_path: Path) -> None:
    # Along Z, which is up in an STL. Its lids are flat, its side is round.
    mesh = load_mesh(save(trimesh.creation.cylinder(0.04, 0.1, sections=48), tmp_path / "cup.stl")).parts[0].mesh
    flat = np.abs(mesh.normals[:, 1]) > 0.999
    side = mesh.normals[~flat]
    assert np.abs(side[:, 1]).max() < 1e-5
    radial = mesh.vertices[~flat][:, [0, 2]]
    radial /= np.linalg.norm(radial, axis=1, keepdims=True)
    assert np.einsum("ij,ij->i", radial, side[:, [0, 2]]).min() > 0.999, "exact on the seam of triangles"
    box = load_mesh(save(trimesh.creation.box([1, 2, 3]), tmp_path / "box.stl")).parts[0].mesh
    assert np.sort(np.abs(box.normals), axis=1) == pytest.approx(np.tile([0, 0, 1], (len(box.normals), 1)))
    assert len(box.vertices) == 24


def test_given_normals_are_kept(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(1, 0.1)
    exact = ball.vertices / 0.1
    path = glb(tmp_path, v=ball.vertices, f=ball.faces, n=exact)
    mesh = load_mesh(path).parts[0].mesh
    centred = mesh.vertices - (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    assert np.einsum("ij,ij->i", mesh.normals, centred / 0.1).min() > 0.9999


def test_fits_a_size_in_proportion(tmp_path: Path) -> None:
    path = save(cup(), tmp_path / "cup.glb")
    loaded = load_mesh(path, (0.4, 0.3, 9))
    require_sound(loaded)
    assert loaded.size_m == pytest.approx((0.24, 0.3, 0.24), rel=1e-3)
    for size in ((0, 1, 1), (-1, 1, 1), (float("nan"), 1, 1), (1, 1, float("inf"))):
        with pytest.raises(StudioFlowError, match="this size is none"):
            load_mesh(path, size)


def test_a_cup_of_a_kilometre(tmp_path: Path) -> None:
    mesh = cup()
    mesh.apply_scale(1e4)
    path = save(mesh, tmp_path / "huge.stl")
    notes = load_mesh(path).notes
    assert any("1000" in note and "no unit" in note for note in notes)
    fitted = load_mesh(path, (0.1, 0.1, 0.1))
    require_sound(fitted)
    assert max(fitted.size_m) == pytest.approx(0.1)
    assert not any("metres" in note for note in fitted.notes)
    for scale in (1e4, 1e-14):
        mesh = cup()
        mesh.apply_scale(1e4 * scale)
        odd = glb(tmp_path, v=mesh.vertices, f=mesh.faces)
        with pytest.raises(StudioFlowError, match="no usable size") as caught:
            load_mesh(odd)
        assert " × " in str(caught.value) and "give the subject's size" in str(caught.value)
        require_sound(load_mesh(odd, (0.1, 0.1, 0.1)))


# Hand-made GLB


def glb(
    folder: Path,
    *,
    v: Any,
    f: Any = None,
    n: Any = None,
    uv: Any = None,
    name: str = "made.glb",
    change: Callable[[dict[str, Any]], None] | None = None,
    picture: bytes | None = None,
    uv_kind: str = "<f4",
) -> Path:
    """A GLB by the specification and by nobody's library; ``change`` has the last word on its JSON."""
    data, views, accessors = b"", [], []

    def add(values: Any, kind: str, shape: str, **more: Any) -> int:
        nonlocal data
        raw = np.ascontiguousarray(values, kind).tobytes()
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(raw)})
        component = {"<f4": 5126, "<u4": 5125, "<u2": 5123}[kind]
        row = {"bufferView": len(views) - 1, "componentType": component, "count": len(values), "type": shape}
        accessors.append(row | more)
        data += raw + b"\0" * (-len(raw) % 4)
        return len(accessors) - 1

    attributes = {"POSITION": add(v, "<f4", "VEC3")}
    if n is not None:
        attributes["NORMAL"] = add(n, "<f4", "VEC3")
    if uv is not None:
        down = np.column_stack([np.asarray(uv)[:, 0], 1 - np.asarray(uv)[:, 1]])
        if uv_kind == "<u2":
            attributes["TEXCOORD_0"] = add(np.round(down * 65535), "<u2", "VEC2", normalized=True)
        else:
            attributes["TEXCOORD_0"] = add(down, "<f4", "VEC2")
    primitive: dict[str, Any] = {"attributes": attributes, "material": 0}
    if f is not None:
        primitive["indices"] = add(np.asarray(f).ravel(), "<u4", "SCALAR")
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 1}}],
        "accessors": accessors,
        "bufferViews": views,
    }
    if picture is not None:
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(picture)})
        document["images"] = [{"bufferView": len(views) - 1, "mimeType": "image/png"}]
        document["textures"] = [{"source": 0}]
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = {"index": 0}
        data += picture + b"\0" * (-len(picture) % 4)
    document["buffers"] = [{"byteLength": len(data)}]
    if change:
        change(document)
    path = folder / name
    if name.endswith(".gltf"):
        if "uri" not in document["buffers"][0]:
            document["buffers"][0]["uri"] = "data:;base64," + base64.b64encode(data).decode()
        path.write_text(json.dumps(document))
        return path
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(data), 0x004E4942) + data
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)
    return path


def png(pixels: np.ndarray = QUARTERS, size: int = 8) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels.repeat(size, 0).repeat(size, 1)).save(stream, "PNG")
    return stream.getvalue()


def quad(folder: Path, **more: Any) -> Path:
    return glb(folder, v=QUAD["v"], f=QUAD["f"], uv=QUAD["uv"], **more)


# Rendered


def seen(mesh: Mesh, surface: dict[str, Any], first: int = 3) -> np.ndarray:
    """What the albedo of a part is at the middles of the four quarters of its front, in linear ACEScg; with
    ``first=0`` what the camera sees there, under a white sky."""
    import mitsuba as mi

    mi.set_variant("scalar_rgb")
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    half = float(np.ptp(mesh.vertices, axis=0).max()) / 2
    look = mi.ScalarTransform4f().look_at([*middle[:2], 5], list(middle), [0, 1, 0]).scale([half, half, 1])
    scene = {
        "type": "scene",
        "part": {"type": "mesh", "mesh": mesh, "bsdf": surface},
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": 1.0}},
        "camera": {
            "type": "orthographic",
            "to_world": np.array(look.matrix),
            "film": {"type": "hdrfilm", "width": 16, "height": 16, "rfilter": {"type": "box"}},
        },
        "light": {"type": "aov", "aovs": "albedo:albedo", "path": {"type": "direct"}},
    }
    picture = np.array(mi.render(build(mi, scene), spp=16))[..., first : first + 3]
    return picture[[4, 4, 12, 12], [4, 12, 4, 12]]


def expected(pixels: np.ndarray = QUARTERS) -> np.ndarray:
    return convert(pixels.reshape(-1, 3).astype(np.float32) / 255, "sRGB", "ACEScg")


@pytest.mark.parametrize("uv_kind", ["<f4", "<u2"])
def test_a_textured_quad_shows_its_picture_upright(tmp_path: Path, uv_kind: str) -> None:
    part = load_mesh(quad(tmp_path, picture=png(), uv_kind=uv_kind)).parts[0]
    assert seen(part.mesh, part.surface) == pytest.approx(expected(), abs=0.02)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "I;16"])
def test_pictures_of_every_kind_and_size(tmp_path: Path, mode: str) -> None:
    """Large enough to be averaged down; grey ones are told from the first by their brightness."""
    large = Image.fromarray(QUARTERS.repeat(1100, 0).repeat(1100, 1)).convert("RGB")
    stream = io.BytesIO()
    (large.convert("L").convert(mode) if mode in ("1", "I;16") else large.convert(mode)).save(stream, "PNG")
    loaded = load_mesh(quad(tmp_path, picture=stream.getvalue()))
    part = loaded.parts[0]
    if mode == "I;16":
        assert any("more than 8 bits" in note for note in loaded.notes)
        return
    texture = part.surface["bsdf"]["base_color"]["bitmap"]
    assert max(np.array(texture).shape) <= 2048
    if mode in ("RGB", "RGBA", "P"):
        assert seen(part.mesh, part.surface) == pytest.approx(expected(), abs=0.02)


@pytest.mark.parametrize("ending", ["glb", "obj"])
def test_textures_as_trimesh_writes_them(tmp_path: Path, ending: str) -> None:
    picture = Image.fromarray(QUARTERS.repeat(8, 0).repeat(8, 1))
    material = PBRMaterial(baseColorTexture=picture, metallicFactor=0.0, roughnessFactor=0.7)
    material = material if ending == "glb" else material.to_simple()
    mesh = trimesh.Trimesh(QUAD["v"], QUAD["f"], visual=TextureVisuals(uv=QUAD["uv"], material=material), process=False)
    loaded = load_mesh(save(mesh, tmp_path / f"quad.{ending}"))
    assert len(loaded.parts) == 1
    assert seen(loaded.parts[0].mesh, loaded.parts[0].surface) == pytest.approx(expected(), abs=0.02)


def test_a_picture_on_a_card(tmp_path: Path) -> None:
    (tmp_path / "card.png").write_bytes(png())
    card = Mesh(QUAD["v"], QUAD["f"].astype(np.uint32), None, QUAD["uv"])
    assert seen(card, picture_surface(tmp_path / "card.png")) == pytest.approx(expected(), abs=0.02)
    (tmp_path / "broken.png").write_bytes(png()[:60])
    with pytest.raises(StudioFlowError, match="broken"):
        picture_surface(tmp_path / "broken.png")


def test_factors_are_linear_and_multiply(tmp_path: Path) -> None:
    def tinted(document: dict[str, Any]) -> None:
        values = document["materials"][0]["pbrMetallicRoughness"]
        values.update(baseColorFactor=[0.5, 0.25, 1, 1], metallicFactor=0.25, roughnessFactor=0.003)

    part = load_mesh(quad(tmp_path, picture=png(), change=tinted)).parts[0]
    light = convert(QUARTERS.reshape(-1, 3) / np.float32(255), "sRGB", "Linear Rec.709")
    wanted = convert(light * np.float32([0.5, 0.25, 1]), "Linear Rec.709", "ACEScg")
    assert seen(part.mesh, part.surface) == pytest.approx(wanted, abs=0.02)
    plain = part.surface["bsdf"]
    assert plain["metallic"] == 0.25 and plain["roughness"] == 0.02
    dark = load_mesh(
        quad(tmp_path, change=lambda d: d["materials"][0].update(pbrMetallicRoughness={"baseColorFactor": [0.001] * 4}))
    )
    assert dark.parts[0].surface["bsdf"]["base_color"]["value"] == pytest.approx([0.001] * 3, rel=1e-3)


def test_a_moved_texture(tmp_path: Path) -> None:
    """KHR_texture_transform: scaled by a half and shifted by a half, all of the quad shows one quarter."""

    def moved(document: dict[str, Any]) -> None:
        info = document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        info["extensions"] = {"KHR_texture_transform": {"scale": [0.5, 0.5], "offset": [0.5, 0]}}
        document["extensionsRequired"] = ["KHR_texture_transform"]

    part = load_mesh(quad(tmp_path, picture=png(), change=moved)).parts[0]
    assert seen(part.mesh, part.surface) == pytest.approx(np.tile(expected()[1], (4, 1)), abs=0.02), "upper right"


def test_alpha_cuts_out(tmp_path: Path) -> None:
    see_through = np.dstack([QUARTERS, np.array([[255, 0], [255, 255]], np.uint8)])

    def masked(document: dict[str, Any]) -> None:
        document["materials"][0]["alphaMode"] = "MASK"

    part = load_mesh(quad(tmp_path, picture=png(see_through), change=masked)).parts[0]
    assert seen(part.mesh, part.surface, 0)[1] == pytest.approx(np.ones(3)), "the sky behind it"
    assert seen(part.mesh, part.surface, 0)[0].max() < 0.95
    opaque = load_mesh(quad(tmp_path, picture=png(see_through))).parts[0]
    assert seen(opaque.mesh, opaque.surface, 0)[1].max() < 0.95, "OPAQUE passes alpha over"
    (tmp_path / "cut.png").write_bytes(png(see_through))
    card = seen(part.mesh, picture_surface(tmp_path / "cut.png"), 0)
    assert card[1] == pytest.approx(np.ones(3)) and card[0].max() < 0.95


# Scenes


def test_instances_and_mirrors(tmp_path: Path) -> None:
    mesh = trimesh.creation.icosphere(1, 0.1)

    def placed(document: dict[str, Any]) -> None:
        document["nodes"] = [
            {"children": [1, 2, 3]},
            {"mesh": 0, "translation": [-1, 0, 0]},
            {"mesh": 0, "translation": [1, 0, 0], "scale": [-1, 2, 1]},
            {"mesh": 0, "matrix": np.diag([1, 1, -3, 1]).T.ravel().tolist()},
        ]

    for normals in (None, mesh.vertices / 0.1):
        loaded = load_mesh(glb(tmp_path, v=mesh.vertices, f=mesh.faces, n=normals, change=placed))
        require_sound(loaded)
        assert len(loaded.parts) == 1, "one material, one part"
        assert loaded.size_m == pytest.approx((2.2, 0.4, 0.6), rel=0.02)
        bodies = solid(loaded)
        bodies.merge_vertices(merge_norm=True)
        assert sorted(body.volume / mesh.volume for body in bodies.split()) == pytest.approx([1, 2, 3], rel=1e-3)


def test_a_node_turns_as_the_specification_says(tmp_path: Path) -> None:
    half = np.sqrt(0.5)
    turn = {"mesh": 0, "rotation": [0, half, 0, half], "scale": [2, 1, 1]}  # a quarter turn: +Z goes to +X
    points = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    loaded = load_mesh(glb(tmp_path, v=points, f=[[0, 1, 2]], change=lambda d: d.update(nodes=[turn])))
    assert loaded.size_m == pytest.approx((0, 1, 2), abs=1e-6)
    theirs = trimesh.load_scene(tmp_path / "made.glb").to_mesh().vertices
    ours = loaded.parts[0].mesh.vertices
    assert np.sort(ours - ours.min(axis=0), axis=0) == pytest.approx(
        np.sort(theirs - theirs.min(axis=0), axis=0), abs=1e-6
    )


@pytest.mark.parametrize(("mode", "count"), [(5, 4), (6, 4)])
def test_strips_and_fans(tmp_path: Path, mode: int, count: int) -> None:
    ring = [[0, 0, 0], [1, 0, 0], [1.2, 1, 0], [0.6, 1.6, 0], [0, 1.5, 0], [-0.4, 1, 0]]
    order = [0, 1, 5, 2, 4, 3] if mode == 5 else [0, 1, 2, 3, 4, 5]
    path = glb(tmp_path, v=ring, f=order, change=lambda d: d["meshes"][0]["primitives"][0].update(mode=mode))
    mesh = load_mesh(path).parts[0].mesh
    assert len(mesh.faces) == count
    assert mesh.normals == pytest.approx(np.tile([0, 0, 1], (len(mesh.normals), 1))), "all of them face us"


def test_two_materials_are_two_parts(tmp_path: Path) -> None:
    red, blue = (PBRMaterial(baseColorFactor=color) for color in ([255, 0, 0, 255], [0, 0, 255, 255]))
    scene = trimesh.Scene()
    for index, material in enumerate((red, blue, red)):
        box = trimesh.creation.box([0.1, 0.1, 0.1])
        box.visual = TextureVisuals(material=material)
        scene.add_geometry(box, transform=trimesh.transformations.translation_matrix([index, 0, 0]))
    loaded = load_mesh(save(scene, tmp_path / "boxes.glb"))
    require_sound(loaded)
    assert 2 <= len(loaded.parts) <= 3
    plain = load_mesh(save(trimesh.creation.box([1, 1, 1]), tmp_path / "box.stl"))
    assert [part.surface for part in plain.parts] == [None], "the subject's own material goes on it"


# OBJ


def obj(folder: Path, text: str) -> Path:
    path = folder / "made.obj"
    path.write_text(text)
    return path


CORNERS = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def test_obj_with_its_material_file(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "a b.png").write_bytes(png())
    (tmp_path / "my look.mtl").write_text("newmtl front side\nKd 0.5 0.5 0.5\nNs 98\nmap_Kd -s 1 1 1 maps\\a b.png\n")
    path = obj(tmp_path, f"mtllib my look.mtl\n{CORNERS}usemtl front side\nf 1/1 2/2 3/3 4/4\n")
    loaded = load_mesh(path)
    part = loaded.parts[0]
    assert seen(part.mesh, part.surface) == pytest.approx(expected(), abs=0.02)
    assert part.surface["bsdf"]["roughness"] == pytest.approx(0.02**0.25)


def test_obj_polygons_and_corners_that_count_back(tmp_path: Path) -> None:
    one = load_mesh(obj(tmp_path, CORNERS + "f 1 2 3 4\n"))
    back = load_mesh(obj(tmp_path, "v 9 9 9\n" + CORNERS + "f -4/-4 -3/-3 -2/-2 -1/-1\nv 5 5 5\nvt 0.5 0.5\n"))
    assert one.size_m == back.size_m == (1, 1, 0)
    five = load_mesh(obj(tmp_path, "v 0 0 0\nv 1 0 0\nv 1 1 0\nv .5 1.5 0\nv 0 1 0\nf 1 2 3 4 5\n"))
    assert solid(five).area == pytest.approx(1.25)


@pytest.mark.parametrize("line", ["map_Kd gone.png", "map_Kd ../secret.png", "map_Kd C:\\me\\a.png", "map_Kd not.png"])
def test_obj_whose_texture_is_missing_or_elsewhere(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "mesh"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (folder / "not.png").write_bytes(b"no picture")
    (folder / "look.mtl").write_text(f"newmtl a\nKd 0.5 0.5 0.5\n{line}\n")
    loaded = load_mesh(obj(folder, f"mtllib look.mtl\n{CORNERS}usemtl a\nf 1/1 2/2 3/3\n"))
    assert any("texture" in note and line.split()[1] in note for note in loaded.notes)
    assert loaded.parts[0].surface["bsdf"]["base_color"]["type"] == "rgb"


@pytest.mark.parametrize("name", ["../look.mtl", "/etc/passwd", "C:\\look.mtl", "http://example.org/a.mtl", "link.mtl"])
def test_obj_whose_material_file_lies_elsewhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "mesh"
    folder.mkdir()
    (tmp_path / "look.mtl").write_text("newmtl a\nKd 1 0 0\n")
    try:
        (folder / "link.mtl").symlink_to(tmp_path / "look.mtl")
    except OSError:
        if name == "link.mtl":
            pytest.skip("no links on this system")
    with pytest.raises(StudioFlowError, match="outside of its folder"):
        load_mesh(obj(folder, f"mtllib {name}\n{CORNERS}usemtl a\nf 1 2 3\n"))


def test_obj_without_its_material_file(tmp_path: Path) -> None:
    loaded = load_mesh(obj(tmp_path, f"mtllib gone.mtl\n{CORNERS}usemtl a\nf 1 2 3\n"))
    assert any("gone.mtl" in note for note in loaded.notes)
    assert loaded.parts[0].surface is None


# glTF's files


@pytest.mark.parametrize(
    "uri", ["http://example.org/a.bin", "file:///etc/passwd", "/etc/passwd", "../a.bin", "%2e%2e/a.bin"]
)
@pytest.mark.parametrize("where", ["buffers", "images"])
def test_gltf_that_names_files_elsewhere(tmp_path: Path, uri: str, where: str) -> None:
    def change(document: dict[str, Any]) -> None:
        document[where][0].pop("bufferView", None)
        document[where][0]["uri"] = uri

    (tmp_path / "a.bin").write_bytes(bytes(1000))
    folder = tmp_path / "mesh"
    folder.mkdir()
    with pytest.raises(StudioFlowError, match="outside of its folder"):
        load_mesh(quad(folder, picture=png(), name="made.gltf", change=change))


def test_gltf_with_files_beside_it(tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["images"][0] = {"uri": "my%20picture.png"}

    path = quad(tmp_path, picture=png(), name="made.gltf", change=change)
    missing = load_mesh(path)
    assert any("my%20picture.png" in note and "plain colour" in note for note in missing.notes)
    (tmp_path / "my picture.png").write_bytes(png())
    part = load_mesh(path).parts[0]
    assert seen(part.mesh, part.surface) == pytest.approx(expected(), abs=0.02)


def test_glb_whose_texture_is_no_picture(tmp_path: Path) -> None:
    loaded = load_mesh(quad(tmp_path, picture=b"no picture at all"))
    assert any("texture" in note for note in loaded.notes)
    assert loaded.parts[0].surface["bsdf"]["base_color"]["type"] == "rgb"


def test_sparse_numbers(tmp_path: Path) -> None:
    def sparse(document: dict[str, Any]) -> None:
        """Point 2 goes to where point 0's bytes say: all of it from the file's own numbers."""
        document["accessors"][0]["sparse"] = {
            "count": 1,
            "indices": {"bufferView": document["accessors"][1]["bufferView"], "componentType": 5125, "byteOffset": 8},
            "values": {"bufferView": 0, "byteOffset": 12},
        }

    points = [[0, 0, 0], [4, 5, 0], [1, 1, 0]]
    loaded = load_mesh(glb(tmp_path, v=[*points, [1, 0, 0]], f=[[0, 3, 2]], change=sparse))
    assert loaded.size_m == pytest.approx((4, 5, 0)), "point 2 is where point 1 is"


# Broken


def changed_json(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    return quad(folder, change=change)


BROKEN_JSON: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no asset": lambda d: d.pop("asset"),
    "glTF 1": lambda d: d.update(asset={"version": "1.0"}),
    "asset is text": lambda d: d.update(asset="2.0"),
    "no accessors": lambda d: d.pop("accessors"),
    "no scene of that number": lambda d: d.update(scene=7),
    "no mesh of that number": lambda d: d.update(nodes=[{"mesh": 9}]),
    "no material of that number": lambda d: d["meshes"][0]["primitives"][0].update(material=9),
    "under itself": lambda d: d.update(nodes=[{"mesh": 0, "children": [0]}]),
    "in a circle": lambda d: d.update(nodes=[{"children": [1]}, {"mesh": 0, "children": [0]}]),
    "twice below": lambda d: d.update(nodes=[{"children": [1, 1]}, {"mesh": 0}]),
    "nothing placed": lambda d: d.update(nodes=[{}]),
    "lines only": lambda d: d["meshes"][0]["primitives"][0].update(mode=1),
    "no such number format": lambda d: d["accessors"][0].update(componentType=1),
    "no such shape": lambda d: d["accessors"][0].update(type="VEC9"),
    "points in two numbers": lambda d: d["accessors"][0].update(type="VEC2"),
    "more values than bytes": lambda d: d["accessors"][0].update(count=400),
    "uvs fewer than points": lambda d: d["accessors"][1].update(count=3),
    "fewer points than corners": lambda d: d["accessors"][0].update(count=2),
    "a negative count": lambda d: d["accessors"][0].update(count=-4),
    "a huge count": lambda d: d["accessors"][0].update(count=10**13),
    "a huge count of nothing": lambda d: (d["accessors"][0].update(count=10**13), d["accessors"][0].pop("bufferView")),
    "an offset outside": lambda d: d["bufferViews"][0].update(byteOffset=10**9),
    "a negative offset": lambda d: d["bufferViews"][0].update(byteOffset=-8),
    "a longer buffer": lambda d: d["buffers"][0].update(byteLength=10**9),
    "a matrix of 3": lambda d: d["nodes"][0].update(matrix=[1, 2, 3]),
    "a place that is no number": lambda d: d["nodes"][0].update(translation=[float("nan"), 0, 0]),
    "a flat place": lambda d: d["nodes"][0].update(scale=[0, 0, 0]),
    "Draco": lambda d: d.update(extensionsRequired=["KHR_draco_mesh_compression"]),
    "nodes are text": lambda d: d.update(nodes="none"),
}


@pytest.mark.parametrize("fault", BROKEN_JSON)
def test_a_broken_description(tmp_path: Path, fault: str) -> None:
    path = changed_json(tmp_path, BROKEN_JSON[fault])
    with pytest.raises(StudioFlowError) as caught:
        load_mesh(path)
    error = caught.value
    assert error.where == str(path) and error.found and error.allowed and error.fix


def test_files_cut_off_anywhere(tmp_path: Path) -> None:
    """Whatever is left of a file, it is told and never half a mesh."""
    ball = trimesh.creation.icosphere(1, 0.1)
    for name, options in (
        ("a.glb", {}),
        ("a.stl", {}),
        ("b.stl", {"file_type": "stl_ascii"}),
        ("a.ply", {}),
        ("b.ply", {"encoding": "ascii"}),
    ):
        path = save(ball, tmp_path / name, **options)
        data = path.read_bytes().rstrip()
        lost = 8 if name.startswith("a") else max(len(line) for line in data.splitlines()) + 1
        for share in (0, 0.01, 0.1, 0.5, 0.9):
            path.write_bytes(data[: int((len(data) - lost) * share)])
            with pytest.raises(StudioFlowError) as caught:
                load_mesh(path)
            assert caught.value.where == str(path), (name, share)
        path.write_bytes(data[:-lost])
        with pytest.raises(StudioFlowError, match="broken"):
            load_mesh(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.glb", b"once upon a time there was no mesh at all", "begins with"),
        ("a.glb", b"", "begins with"),
        ("a.gltf", b"once upon a time", "no JSON"),
        ("a.gltf", b"[" * 100_000, "broken"),
        ("a.gltf", b"[]", "broken"),
        ("a.obj", b"", "no triangle"),
        ("a.obj", b"# nothing here\n", "no triangle"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "no triangle"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "broken"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 x 0\nf 1 2 3\n", "broken"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 nan 0\nf 1 2 3\n", "not finite"),
        ("a.obj", b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n", "has an area"),
        ("a.obj", b"f 1 2 3\n", "no triangle"),
        ("a.obj", b"v 0 0\nv 1 0\nv 0 1\nf 1 2 3\n", "do not go together"),
        ("a.obj", bytes(4000), "no text"),
        ("a.stl", bytes(84), "0 triangles"),
        ("a.stl", b"solid nothing\nendsolid nothing\n", "0 triangles"),
        ("a.stl", bytes(80) + struct.pack("<I", 50_000_000) + bytes(500), "50,000,000 triangles"),
        ("a.ply", b"plywood", "broken"),
        ("a.ply", b"ply\nformat ascii 1.0\n" + b"comment\n" * 2000, "does not end"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n", "no triangle"),
        ("a.ply", b"ply\nformat binary_little_endian 1.0\nelement face 50000000\nend_header\n", "50,000,000"),
    ],
)
def test_what_is_no_mesh(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(StudioFlowError) as caught:
        load_mesh(path)
    assert said in str(caught.value) and caught.value.where == str(path)


def test_fifty_million_triangles_are_counted_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.stl"
    with path.open("wb") as stream:
        stream.write(bytes(80) + struct.pack("<I", 50_000_000))
        stream.truncate(84 + 50 * 50_000_000)
    begin = time.process_time()
    with pytest.raises(StudioFlowError, match="50,000,000 triangles"):
        load_mesh(path)
    assert time.process_time() - begin < 0.5

    with pytest.raises(StudioFlowError, match="too many triangles") as caught:
        load_mesh(quad(tmp_path, change=lambda d: d["accessors"][2].update(count=18_000_000)))
    assert "6,000,000" in str(caught.value)


def test_instances_count(tmp_path: Path) -> None:
    def repeated(document: dict[str, Any]) -> None:
        document["accessors"][2]["count"] = 300_000
        document["nodes"] = [{"mesh": 0} for _ in range(60)]
        document["scenes"][0]["nodes"] = list(range(60))

    with pytest.raises(StudioFlowError, match="6,000,000 triangles"):
        load_mesh(quad(tmp_path, change=repeated))


@pytest.mark.parametrize("name", ["gone.glb", "folder.glb", "link.glb", "notes.txt", "bare"])
def test_what_is_no_file_of_a_mesh(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.glb").mkdir()
    (tmp_path / "notes.txt").write_text("v 0 0 0")
    (tmp_path / "bare").write_text("v 0 0 0")
    try:
        (tmp_path / "link.glb").symlink_to(tmp_path / "folder.glb", target_is_directory=True)
    except OSError:
        pytest.skip("no links on this system")
    with pytest.raises(StudioFlowError) as caught:
        load_mesh(tmp_path / name)
    assert ".glb" in str(caught.value) and "found" in str(caught.value)


# Not as they should be, and still shown


def test_open_and_crowded_edges_are_said(tmp_path: Path) -> None:
    sheet = load_mesh(quad(tmp_path))
    assert any("4 edges have a triangle on one side only" in note for note in sheet.notes)
    points = [[0, 0, 0], [0, 1, 0], [1, 0, 0], [-1, 0, 0], [0, 0, 1]]
    fan = load_mesh(glb(tmp_path, v=points, f=[[0, 1, 2], [0, 1, 3], [0, 1, 4]]))
    assert any("1 edges have more than two triangles" in note for note in fan.notes)


def test_inside_out_is_turned(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(1, 0.1)
    for normals in (None, -ball.vertices / 0.1):
        loaded = load_mesh(glb(tmp_path, v=ball.vertices, f=ball.faces[:, ::-1], n=normals))
        require_sound(loaded)
        assert solid(loaded).volume == pytest.approx(ball.volume, rel=1e-4)
        assert any("inside out" in note for note in loaded.notes)


def test_winding_follows_the_normals_of_a_sheet(tmp_path: Path) -> None:
    loaded = load_mesh(glb(tmp_path, v=QUAD["v"], f=QUAD["f"][:, ::-1], n=np.tile([0, 0, 1], (4, 1))))
    require_sound(loaded)
    assert any("faced away" in note for note in loaded.notes)


def test_empty_triangles_and_bad_normals_are_mended(tmp_path: Path) -> None:
    faces = [*QUAD["f"].tolist(), [0, 0, 1], [2, 2, 2], [0, 1, 1]]
    normals = [[0, 0, 0], [np.nan, 0, 1], [0, 0, 5], [0, 0, 1]]
    loaded = load_mesh(glb(tmp_path, v=QUAD["v"], f=faces, n=normals))
    require_sound(loaded)
    assert len(loaded.parts[0].mesh.faces) == 2
    assert any("3 triangles without an area" in note for note in loaded.notes)
    assert loaded.parts[0].mesh.normals == pytest.approx(np.tile([0, 0, 1], (len(loaded.parts[0].mesh.normals), 1)))


def test_points_that_no_triangle_uses_do_not_count(tmp_path: Path) -> None:
    stray = np.vstack([QUAD["v"], [[1e30, np.nan, 0]]])
    assert load_mesh(glb(tmp_path, v=stray, f=QUAD["f"])).size_m == (1, 1, 0)


def test_a_ply_with_its_texture(tmp_path: Path) -> None:
    (tmp_path / "skin.png").write_bytes(png())
    points = "0 0 0 0 0\n1 0 0 1 0\n1 0 1 1 1\n0 0 1 0 1\n"
    header = "ply\nformat ascii 1.0\ncomment TextureFile skin.png\nelement vertex 4\n"
    header += "".join(f"property float {name}\n" for name in "xyzst")
    header += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    (tmp_path / "quad.ply").write_text(header + points + "4 0 1 2 3\n")
    part = load_mesh(tmp_path / "quad.ply").parts[0]
    assert seen(part.mesh, part.surface) == pytest.approx(expected(), abs=0.02)


def test_glass_is_seen_through(tmp_path: Path) -> None:
    def glass(document: dict[str, Any]) -> None:
        row = document["materials"][0]
        row["extensions"] = {
            "KHR_materials_transmission": {"transmissionFactor": 1},
            "KHR_materials_ior": {"ior": 1.33},
        }
        row["pbrMetallicRoughness"] = {"metallicFactor": 0, "roughnessFactor": 0}

    ball = trimesh.creation.icosphere(2, 0.1)
    part = load_mesh(glb(tmp_path, v=ball.vertices, f=ball.faces, change=glass)).parts[0]
    assert part.surface["eta"] == 1.33
    assert seen(part.mesh, part.surface, 0).min() >= 0, "it can be rendered"
