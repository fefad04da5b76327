"""From a manifest to a scene: what stands in it, what is said of it, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studioflow.errors import PathError, StudioFlowError
from studioflow.greybox.emitted import LUMINANCE
from studioflow.greybox.scene import Shot, shot_of, subject_of
from studioflow.greybox.stand_in import choose
from studioflow.manifest import load

from .greybox_shots import light, nothing_to_find, rendered, scalar, shot, subject

CUBE = "\n".join(
    [f"v {x} {y} {z}" for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    + ["f 1 2 4 3", "f 5 7 8 6", "f 1 5 6 2", "f 3 4 8 7", "f 1 3 7 5", "f 2 6 8 4", ""]
)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with scalar(tmp_path_factory):
        yield


def made(manifest: Any, find: Any = nothing_to_find) -> Shot:
    return shot_of(manifest, 32, 32, find)


def told(manifest: Any) -> str:
    with pytest.raises(StudioFlowError) as caught:
        made(manifest)
    return str(caught.value)


# The camera


def placed(*position: float) -> dict[str, Any]:
    return {"lens": {"focal_length_mm": 35}, "pose": {"position_m": list(position), "look_at_m": [0.0, 0.0, -5.0]}}


@pytest.mark.parametrize("stand_in", ["box", "sphere", "cylinder"])
def test_a_camera_inside_a_subject_is_refused(stand_in: str) -> None:
    tree = subject(stand_in, (2.0, 3.0, 2.0), description="hollow tree", position_m=[4.0, 0.0, 1.0], facing_deg=30)
    for place in ((4.2, 1.4, 0.9), (4.0, 1.5, 1.0), (4.0, 0.3, 1.0)):
        message = told(shot(subject(), tree, camera=placed(*place)))
        assert "/camera" in message and "hollow tree" in message and "/scene/subjects/1/size_m" in message
    made(shot(subject(), tree, camera=placed(4.0, 1.4, 2.3)))


@pytest.mark.parametrize("at", [(0.0, 0.5, 0.0), (0.45, 0.5, 0.45), (0.0, 1.2, 0.0)])
def test_a_camera_in_the_hole_of_a_ring_or_beside_a_ball_is_outside(at: tuple[float, float, float]) -> None:
    """Within the box around them is not within them."""
    stand_in = "torus" if at == (0.0, 0.5, 0.0) else "sphere"
    made(shot(subject(stand_in, (1.0, 1.0, 0.2) if stand_in == "torus" else (1.0, 1.0, 1.0)), camera=placed(*at)))


def test_a_camera_inside_a_copy_is_refused() -> None:
    several = subject("box", (1.0, 1.0, 1.0), count=4)
    vertices = made(shot(several, camera=placed(0.0, 40.0, 0.0))).shapes["subject0_0"]["mesh"].vertices
    where = np.array_split(vertices, 4)[3].mean(axis=0)
    assert "inside a subject" in told(shot(several, camera=placed(where[0] + 0.2, 0.6, where[2] - 0.1)))


# The light


def test_a_light_behind_the_wall_is_told() -> None:
    wall = {"backdrop": {"kind": "wall", "distance_m": 0.5}}
    rim = light("rim", 180, 20, distance_m=2.0)
    notes = made(shot(scene={"subjects": [subject()], **wall}, lights=[light(), rim])).notes
    assert [note for note in notes if note.startswith("rim light (softbox) stands behind the backdrop")]
    nearer = {**rim, "distance_m": 0.3}
    notes = made(shot(scene={"subjects": [subject()], **wall}, lights=[light(), nearer])).notes
    assert not any("behind the backdrop" in note for note in notes)


@pytest.mark.parametrize("lights", [[], [light(intensity=0)]])
def test_without_light_ambience_shows_the_shot_and_is_told(lights: list[dict[str, Any]]) -> None:
    seen = rendered(shot(subject("box", (0.1, 0.1, 0.1)), lights=lights), 16, 16)
    assert any(note.startswith("no light is on") and "ambient light of 1" in note for note in seen.notes)
    # White receives 1 from all sides, and this is 18 % grey.
    assert float(seen.linear[8, 8] @ LUMINANCE) == pytest.approx(0.18, rel=0.03)


# The subjects


def test_a_shot_without_subjects_is_its_set() -> None:
    manifest = shot(lights=[light()], scene={"backdrop": {"kind": "wall"}})
    assert "the shot has no subject" in made(manifest).notes
    seen = rendered(manifest, 16, 4)
    assert seen.masks == () and seen.linear.mean() > 0.05


def test_nothing_at_all_is_dark_and_empty() -> None:
    seen = rendered(shot(lights=[light()]), 16, 2)
    assert not seen.linear.any() and (seen.depth == 1e10).all() and not seen.lines.any()


def test_nine_beans_are_nine_copies_apart() -> None:
    beans = {"description": "roasted coffee beans", "count": 9, "position_m": [0.05, 0, 0.08]}
    shapes = made(shot(subject(), beans)).shapes
    copies = np.array_split(shapes["subject1_0"]["mesh"].vertices, 9)
    middles = np.array([(copy.min(axis=0) + copy.max(axis=0)) / 2.0 for copy in copies])
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1) + np.eye(9)
    assert apart.min() > 0.005 and np.abs(middles[0] - (0.05, 0.0, 0.08))[[0, 2]].max() < 1e-4
    lying = [np.round(copy - middle, 5) for copy, middle in zip(copies, middles, strict=True)]
    assert len({copy.tobytes() for copy in lying}) == 9, "each turned its own way"


def test_more_copies_than_are_drawn_are_told() -> None:
    shown = made(shot(subject(count=1000), distance_m=30.0))
    one = len(made(shot(subject(), distance_m=30.0)).shapes["subject0_0"]["mesh"].faces)
    assert len(shown.shapes["subject0_0"]["mesh"].faces) == 200 * one
    assert any("1000" in note and "200" in note for note in shown.notes), shown.notes


def test_the_choice_of_stand_ins_is_told() -> None:
    things = [{"description": "espresso cup"}, {"description": "thing", "stand_in": "vase"}, {"description": "quux"}]
    (note,) = [note for note in made(shot(*things)).notes if note.startswith("stand-ins: ")]
    for thing in things:
        assert choose(thing).why in note


def test_a_size_that_is_not_given_is_the_usual_one_and_a_given_one_is_kept() -> None:
    for size in (None, [0.3, 0.2, 0.1]):
        thing = {"description": "box"} | ({"size_m": size} if size else {})
        vertices = made(shot(thing)).shapes["subject0_0"]["mesh"].vertices
        extent = vertices.max(axis=0) - vertices.min(axis=0)
        assert extent == pytest.approx(size, rel=1e-5) if size else extent.min() > 0.01


def test_names_of_shapes_lead_back_to_subjects() -> None:
    assert [subject_of(name) for name in ("subject0_1", "subject17_0", "backdrop_0", "lamp3_1")] == [0, 17, -1, -1]


# Files


def test_a_mesh_is_found_placed_and_scaled(tmp_path: Path) -> None:
    (tmp_path / "crate.obj").write_text(CUBE)
    asked = []

    def find(kind: str, name: str) -> Path:
        asked.append((kind, name))
        return tmp_path / Path(name).name

    crate = {"description": "crate", "mesh": "input/crate.obj", "size_m": [0.1, 0.1, 0.1], "position_m": [0.02, 0, 0]}
    seen = rendered(shot(crate, lights=[light()]), 64, 2, find=find, looks=3)
    assert set(asked) == {("mesh", "input/crate.obj")}
    assert any('"crate" -> input/crate.obj' in note for note in seen.notes)
    ((_, mask),) = seen.masks
    # The front of the cube is 0.95 m away from the lens, where the frame is that much smaller.
    frame = 0.024 * (1.0 - 0.085) / 0.085
    assert mask.max(axis=0).sum() / 64 == pytest.approx(0.1 / frame / 0.95, rel=0.02)


def test_a_mesh_without_a_size_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "crate.obj").write_text(CUBE)
    crate = {"description": "crate", "mesh": "crate.obj"}
    shapes = made(shot(crate, distance_m=5.0), lambda kind, name: tmp_path / name).shapes
    vertices = shapes["subject0_0"]["mesh"].vertices
    assert vertices.min(axis=0) == pytest.approx([-0.5, 0.0, -0.5]) and vertices.max() == pytest.approx(1.0)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    def find(kind: str, name: str) -> Path:
        raise PathError(f"there is no such {kind}", where="shot.json", found=name)

    for thing in ({"mesh": "none.glb"}, {"picture": "none.png"}):
        with pytest.raises(PathError, match="none"):
            made(shot({"description": "thing", **thing}), find)
    with pytest.raises(StudioFlowError, match=r"none\.glb"):
        made(shot({"description": "thing", "mesh": "none.glb"}), lambda kind, name: tmp_path / name)


def test_a_picture_is_shown_on_a_card(tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.new("RGB", (40, 40), "#000000")
    picture.paste("#ff0000", (0, 0, 20, 20))
    picture.paste("#00ff00", (20, 0, 40, 20))
    picture.paste("#0000ff", (0, 20, 20, 40))
    picture.save(tmp_path / "print.png")
    print_ = {"description": "a print", "picture": "print.png", "size_m": [0.2, 0.2, 0.002]}
    seen = rendered(shot(print_, lights=[light()]), 64, 16, find=lambda kind, name: tmp_path / name)
    inside = np.argwhere(seen.masks[0][1] == 1.0)
    (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0)
    height, width = bottom - top, right - left
    corners = [seen.display[top + height * y // 4, left + width * x // 4] for y in (1, 3) for x in (1, 3)]
    assert [int(corner.argmax()) for corner in corners[:3]] == [0, 1, 2], "upright and not mirrored"
    assert corners[3].max() < 0.2 < min(corner.max() for corner in corners[:3])


# A caption alone


def test_a_caption_alone_is_an_empty_set_in_even_light_and_says_so(tmp_path: Path) -> None:
    """What a caption says in words is no number: nothing of it is guessed."""
    caption = {
        "short_description": "A red mug beside a book on a white table.",
        "objects": [{"description": "red mug", "location": "left"}, {"description": "hardcover book"}],
        "lighting": {"conditions": "studio light", "direction": "side-lit from the left", "shadows": "soft"},
    }
    path = tmp_path / "caption.json"
    path.write_text(json.dumps(caption), encoding="utf-8")
    seen = rendered(load(path), 32, 16)
    assert seen.masks == () and (seen.depth < 1e10).all()
    assert seen.display.std() < 0.1 and 0.1 < seen.display.mean() < 0.9
    for said in ("the shot has no subject", "places no camera", "names no focal length", "no light is on"):
        assert any(said in note for note in seen.notes), said
