"""Stand-ins: they fill their box, are closed, face outwards and stay the same."""

from __future__ import annotations

import json

import jsonschema
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox.parts import Mesh, Part
from studioflow.greybox.sculpture import sculpture
from studioflow.greybox.shapes import default_size_m, shape_of, stand_ins
from studioflow.greybox.solids import curve, revolved, rounded, rounded_box, swept, volume
from studioflow.resources import shipped, table
from studioflow.studio.words import entries

NAMES = list(stand_ins())
ODD_SIZES = {
    "box": (2.0, 0.1, 0.3),
    "bottle": (0.05, 0.4, 0.09),
    "mug": (0.08, 0.09, 0.08),
    "glass": (0.3, 0.1, 0.2),
    "wine_glass": (0.06, 0.3, 0.06),
    "book": (0.2, 0.02, 0.3),
    "card": (1.0, 0.002, 1.5),
    "phone": (0.08, 0.01, 0.16),
    "table": (1.6, 0.78, 12.0),
    "sofa": (3.4, 0.7, 1.0),
    "signet_ring": (0.02, 0.024, 0.012),
    "rod": (0.01, 0.3, 0.01),
    "house": (9.0, 4.2, 6.0),
    "head_and_shoulders": (0.4, 0.6, 0.3),
}
CASES = [(name, default_size_m(name)) for name in NAMES] + list(ODD_SIZES.items())


def welded(mesh: Mesh) -> np.ndarray:
    """Faces with one name for each point in space, where faces have corners of their own."""
    if len(mesh.vertices) < 3 * len(mesh.faces):
        return mesh.faces.astype(np.int64)
    _, names = np.unique(mesh.vertices, axis=0, return_inverse=True)
    return names.ravel()[mesh.faces]


def edges_used(mesh: Mesh) -> tuple[set[int], set[int]]:
    """How many faces an edge has, and how many go along it in one direction."""
    faces = welded(mesh)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    _, both = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    _, one = np.unique(edges, axis=0, return_counts=True)
    return set(both.tolist()), set(one.tolist())


def corners(parts: tuple[Part, ...]) -> np.ndarray:
    return np.concatenate([part.mesh.vertices for part in parts])


@pytest.mark.parametrize(("name", "size"), CASES)
def test_a_stand_in_fills_its_box_and_is_sound(name: str, size: tuple[float, float, float]) -> None:
    parts = shape_of(name, size)
    points = corners(parts)
    low, high = points.min(axis=0), points.max(axis=0)
    wide, tall, deep = size
    np.testing.assert_allclose(low, (-wide / 2, 0.0, -deep / 2), atol=1e-5 * max(size))
    np.testing.assert_allclose(high, (wide / 2, tall, deep / 2), atol=1e-5 * max(size))
    for part in parts:
        mesh = part.mesh
        assert mesh.vertices.dtype == np.float32
        assert mesh.faces.dtype == np.uint32
        assert np.isfinite(mesh.vertices).all()
        assert edges_used(mesh) == ({2}, {1}), part.role
        assert volume(mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64)) > 0.0, part.role
        np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_normals_look_where_the_faces_look(name: str) -> None:
    for part in shape_of(name, default_size_m(name)):
        mesh = part.mesh
        a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(np.float64) for corner in range(3))
        faces = np.cross(b - a, c - a)
        ways = mesh.normals[mesh.faces].sum(axis=1)
        agreeing = np.einsum("ij,ij->i", faces, ways) > 0.0
        areas = np.linalg.norm(faces, axis=1)
        assert areas[agreeing].sum() > 0.99 * areas.sum(), part.role


def test_the_table_keeps_to_its_schema_and_names_materials_that_exist() -> None:
    rules = json.loads((shipped("schemas") / "stand_ins.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.Draft202012Validator(rules).validate(table("greybox/stand_ins.json"))
    assert len(NAMES) >= 28
    words = [word for row in stand_ins().values() for word in row["words"]]
    assert len(words) == len(set(words))
    materials = entries("materials")
    for name, row in stand_ins().items():
        assert set(row.get("role_surfaces", {}).values()) <= materials.keys(), name
        made = {part.role for part in shape_of(name, default_size_m(name))}
        assert set(row.get("role_surfaces", {})) <= made, name
        assert made - {"body"} == row.get("role_surfaces", {}).keys() - {"body"}, name


@pytest.mark.parametrize("name", [name for name in NAMES if "level" in stand_ins()[name].get("parameters", {})])
def test_a_liquid_lies_in_its_vessel(name: str) -> None:
    parts = {part.role: part.mesh for part in reversed(shape_of(name, default_size_m(name)))}
    body, liquid = profile(parts["body"]), profile(parts["liquid"])
    rim = int(body[:, 1].argmax())
    outer, inner = body[int(body[:rim, 1].argmin()) : rim], body[rim:][::-1]
    assert 0.0 < liquid[:, 1].min() < inner[:, 1].min()
    assert liquid[:, 1].max() < body[rim, 1]
    # Along its height its side lies within the wall: no gap for light, and nothing sticks out.
    low = inner[:, 1].min() + 0.3 * (liquid[:, 1].max() - inner[:, 1].min())
    for height in np.linspace(low, 0.999 * liquid[:, 1].max(), 20):
        side = np.interp(height, liquid[:, 1], liquid[:, 0])
        assert np.interp(height, inner[:, 1], inner[:, 0]) < side < np.interp(height, outer[:, 1], outer[:, 0])


def profile(mesh: Mesh) -> np.ndarray:
    """Radius and height of a turned body where it crosses the half plane x = 0, z > 0, in the order of its making."""
    points = mesh.vertices[(np.abs(mesh.vertices[:, 0] - middle_of(mesh)) < 1e-7) & (mesh.vertices[:, 2] > 0.0)]
    return points[:, [2, 1]].astype(np.float64)


def middle_of(mesh: Mesh) -> float:
    return float(mesh.vertices[:, 0].min() + mesh.vertices[:, 0].max()) / 2.0


@pytest.mark.parametrize("name", ["card", "phone", "monitor", "laptop"])
def test_a_picture_stands_upright_on_its_front(name: str) -> None:
    for size in (default_size_m(name),):
        (shown,) = [part.mesh for part in shape_of(name, size) if part.role in {"picture", "screen"}]
        assert shown.uvs is not None
        np.testing.assert_allclose([shown.uvs.min(axis=0), shown.uvs.max(axis=0)], [[0, 0], [1, 1]], atol=1e-6)
        for axis, column in ((0, 0), (1, 1)):
            assert np.corrcoef(shown.vertices[:, axis], shown.uvs[:, column])[0, 1] > 0.99


def test_a_card_that_lies_shows_its_picture_upwards() -> None:
    (picture,) = [part.mesh for part in shape_of("card", (0.3, 0.004, 0.4)) if part.role == "picture"]
    assert picture.vertices[:, 1].max() == pytest.approx(0.004)
    # The top of the picture points away from the viewer.
    assert np.corrcoef(picture.vertices[:, 2], picture.uvs[:, 1])[0, 1] < -0.99


def test_a_face_has_what_light_is_judged_by() -> None:
    (skin,) = [
        part.mesh
        for part in shape_of("head_and_shoulders", default_size_m("head_and_shoulders"))
        if part.role == "skin"
    ]
    x, y, z = skin.vertices.T
    nose = skin.vertices[z.argmax()]
    assert abs(nose[0]) < 0.005

    def depth(across: float, up: float) -> float:
        near = (np.abs(x - across) < 0.006) & (np.abs(y - up) < 0.006)
        return float(z[near].max())

    # Eye sockets lie behind brow and cheek, the tip of the nose before both, and the head faces +Z.
    eyes = nose[1] + 0.038
    assert depth(0.03, eyes) < depth(0.03, eyes + 0.022) - 0.004
    assert depth(0.03, eyes) < depth(0.0, nose[1]) - 0.025


@pytest.mark.parametrize("name", ["bottle", "plant", "shoe"])
def test_the_same_again(name: str) -> None:
    first = shape_of(name, default_size_m(name))
    again = sculpture.__wrapped__(name) if name == "shoe" else shape_of.__wrapped__(name, default_size_m(name))
    for one, two in zip(sculpture(name) if name == "shoe" else first, again, strict=True):
        assert one is not two
        assert all(np.array_equal(a, b) for a, b in zip(one.mesh[:3], two.mesh[:3], strict=True))


def test_an_unknown_stand_in_is_refused_with_a_suggestion() -> None:
    with pytest.raises(StudioFlowError, match="no such stand-in") as caught:
        shape_of("botle", (1.0, 1.0, 1.0))
    assert '"bottle"' in str(caught.value)
    with pytest.raises(StudioFlowError):
        default_size_m("_about")


def test_volumes_are_those_of_geometry() -> None:
    def volume_of(mesh: Mesh) -> float:
        return volume(mesh.vertices.astype(np.float64), mesh.faces.astype(np.int64))

    cone = revolved([(0, 0), (1, 0), (0, 3)], 720)
    assert volume_of(cone) == pytest.approx(np.pi, rel=1e-3)
    # A box with round edges: Steiner's formula for the core and its parallel body.
    core, r = np.array([0.8, 1.8, 2.8]), 0.1
    a, b, c = core
    steiner = a * b * c + 2 * r * (a * b + b * c + c * a) + np.pi * r**2 * (a + b + c) + 4 / 3 * np.pi * r**3
    assert volume_of(rounded_box((1, 2, 3), r, 12)) == pytest.approx(steiner, rel=1e-3)
    rod = swept([(0, 0, 0), (0, 0, 1), (0, 0, 2)], 0.25, 256)
    assert volume_of(rod) == pytest.approx(np.pi * 0.25**2 * 2 + 4 / 3 * np.pi * 0.25**3, rel=2e-2)


def test_a_round_corner_touches_both_sides() -> None:
    line = rounded([(0, 0), (1, 0), (1, 1)], 0.2, 16)
    middle = np.array([0.8, 0.2])
    np.testing.assert_allclose(np.linalg.norm(line[1:-1] - middle, axis=1), 0.2, atol=1e-9)


def test_a_curve_goes_through_its_points() -> None:
    points = np.array([(0, 0, 0), (1, 0, 0), (2, 0, 0)], dtype=float)
    np.testing.assert_allclose(curve(points, 5)[:, 0], [0, 0.5, 1, 1.5, 2], atol=1e-12)


@pytest.mark.parametrize(("size", "axis", "end"), [((0.3, 0.07, 0.07), 0, 1.0), ((0.07, 0.07, 0.3), 2, -1.0)])
def test_what_is_tall_lies_down_in_a_long_box(size: tuple[float, float, float], axis: int, end: float) -> None:
    parts = {part.role: part.mesh.vertices for part in shape_of("bottle", size)}
    every = np.concatenate(list(parts.values()))
    np.testing.assert_allclose(every.max(axis=0) - every.min(axis=0), size, atol=1e-6)
    assert parts["cap"][:, axis].mean() * end > 0.4 * size[axis]
    assert all(volume(part.mesh.vertices, part.mesh.faces) > 0.0 for part in shape_of("bottle", size))


def test_a_figure_lies_on_its_back() -> None:
    parts = {part.role: part.mesh.vertices for part in shape_of("standing_figure", (1.7, 0.3, 0.5))}
    assert parts["eyes"][:, 0].min() > 0.6 and parts["eyes"][:, 1].mean() > parts["hair"][:, 1].mean()


def test_a_low_thing_stays_as_it_is_in_a_long_box() -> None:
    liquid = next(part.mesh for part in shape_of("mug", (0.3, 0.1, 0.08)) if part.role == "liquid")
    top = liquid.vertices[:, 1] > liquid.vertices[:, 1].max() - 1e-4
    assert top.sum() > 10 and np.ptp(liquid.vertices[top][:, 0]) > 0.1
