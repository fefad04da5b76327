"""Stand-In, Backdrop and Greybox, called as ComfyUI calls them, and the renderer behind them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from .test_execute import run

NOTHING = {"stand_in": "as it is", "mesh": "none", "picture": "none", "size_m": "", "position_m": "", "facing_deg": ""}
TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
SMALL = {"quality": "draft", "seed": 3, "denoise": False, "white_balance_k": 5600.0, "tone": "none"}


@pytest.fixture
def hero(nodes: dict[str, type]) -> dict[str, Any]:
    return run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]


@pytest.fixture
def files(base: Path) -> Path:
    """ComfyUI's input folder with a mesh and a picture."""
    from PIL import Image

    folder = base / "input"
    (folder / "things").mkdir(exist_ok=True)
    (folder / "things" / "tetra.obj").write_text(TETRAHEDRON)
    Image.new("RGB", (4, 4), "red").save(folder / "label.png")
    return folder


@pytest.fixture
def management(host: ModuleType) -> Iterator[ModuleType]:
    import comfy.model_management as management

    yield management
    management.interrupt_current_processing(False)


@pytest.fixture
def bar(host: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, Any]]:
    """What ComfyUI's progress bar was told."""
    import comfy.utils

    told: list[tuple[int, int, Any]] = []
    monkeypatch.setattr(
        comfy.utils, "PROGRESS_BAR_HOOK", lambda done, total, preview, node_id=None: told.append((done, total, preview))
    )
    return told


# ---------------------------------------------------------------- setting


def test_a_stand_in_is_set(nodes: dict[str, type], hero: dict[str, Any], files: Path) -> None:
    widgets = NOTHING | {"stand_in": "bottle", "mesh": "input/things/tetra.obj", "picture": "input/label.png"}
    [shot] = run(nodes["StudioFlowStandIn"], manifest=hero, subject=2, count=2, **widgets).args
    given = {"stand_in": "bottle", "mesh": "input/things/tetra.obj", "picture": "input/label.png", "count": 2}
    assert shot["scene"]["subjects"][1] == hero["scene"]["subjects"][1] | given
    assert run(nodes["StudioFlowStandIn"], manifest=hero, subject=1, count=0, **NOTHING).args == (hero,)


def test_the_menus_list_files_and_none_first(nodes: dict[str, type], files: Path) -> None:
    inputs = {socket.id: socket for socket in nodes["StudioFlowStandIn"].define_schema().inputs}
    assert inputs["mesh"].options[0] == "none" and "input/things/tetra.obj" in inputs["mesh"].options
    assert inputs["picture"].options[0] == "none" and "input/label.png" in inputs["picture"].options
    assert "input/label.png" not in inputs["mesh"].options


@pytest.mark.parametrize(
    ("widget", "problem"),
    [
        ({"mesh": "input/../secret.glb"}, "leaves its folder"),
        ({"mesh": "input/label.png"}, "no such mesh"),
        ({"mesh": "nowhere.glb"}, "no such mesh"),
        ({"picture": "input/things/tetra.obj"}, "no such picture"),
        ({"mesh": "input/things/tetra.obj", "picture": "none"}, ""),
        ({"mesh": "things/tetra.obj", "picture": "label.png"}, ""),
        ({}, ""),
    ],
)
def test_a_file_is_looked_for_when_the_prompt_is_queued(
    nodes: dict[str, type], files: Path, widget: dict[str, str], problem: str
) -> None:
    fault = nodes["StudioFlowStandIn"].validate_inputs(**widget)
    assert problem in fault if problem else fault is True


def test_a_changed_file_runs_the_node_again(nodes: dict[str, type], files: Path) -> None:
    mesh = files / "things" / "tetra.obj"
    watch: list[Callable[[], str]] = [
        lambda: nodes["StudioFlowStandIn"].fingerprint_inputs(
            subject=1, **NOTHING | {"mesh": "input/things/tetra.obj"}
        ),
        lambda: nodes["StudioFlowGreybox"].fingerprint_inputs(longest_side=64, **SMALL),
    ]
    before = [look() for look in watch]
    assert before == [look() for look in watch]
    os.utime(mesh, ns=(1, 1))
    assert all(was != now for was, now in zip(before, [look() for look in watch], strict=True))
    # Pictures come and go in the input folder; a picture of a stand-in is watched where it is named.
    greybox = watch[1]()
    os.utime(files / "label.png", ns=(1, 1))
    assert watch[1]() == greybox


def test_a_backdrop_is_set(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    node = nodes["StudioFlowBackdrop"]
    [shot] = run(node, manifest=hero, kind="wall", distance_m=1.5, color="#102030").args
    assert shot["scene"]["backdrop"] == {"kind": "wall", "distance_m": 1.5, "color": "#102030"}
    assert run(node, manifest=shot, kind="as it is", distance_m=0.0, color="").args == (shot,)
    assert run(node, kind="none", distance_m=0.0, color="").args[0]["scene"] == {"backdrop": {"kind": "none"}}


# ---------------------------------------------------------------- progress


def test_the_picture_so_far_is_shown_whatever_the_method_of_latents(
    host: ModuleType, bar: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from comfy.cli_args import LatentPreviewMethod, args

    picture = np.linspace(-0.5, 1.5, 5 * 7 * 3, dtype=np.float32).reshape(5, 7, 3)
    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.NoPreviews)
    host.PictureProgress()(2, 7, lambda: picture)
    [(done, total, (kind, image, largest))] = bar
    assert (done, total, kind, largest) == (2, 7, "JPEG", 512)
    assert np.abs(np.asarray(image) / 255.0 - np.clip(picture, 0, 1)).max() <= 0.5 / 255.0 + 1e-6


def test_it_is_made_at_most_every_quarter_second_and_never_after_cancel(
    host: ModuleType,
    management: ModuleType,
    bar: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, taken = [100.0], []

    def picture() -> Any:
        taken.append(clock[0])
        return np.zeros((2, 2, 3), np.float32)

    monkeypatch.setattr(host.time, "monotonic", lambda: clock[0])
    progress = host.PictureProgress()
    for done, clock[0] in enumerate((100.0, 100.1, 100.26, 100.5, 100.52), 1):
        progress(done, 5, picture)
    assert taken == [100.0, 100.26, 100.52]
    assert [bool(shown) for _, _, shown in bar] == [True, False, True, False, True]
    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        progress(5, 5, lambda: pytest.fail("a picture of a cancelled render"))


# ---------------------------------------------------------------- rendering


@pytest.fixture(scope="module")
def rendered(nodes: dict[str, type]) -> Any:
    hero = run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]
    return run(nodes["StudioFlowGreybox"], manifest=hero, longest_side=96, **SMALL)


def outputs_of(node: Any, output: Any) -> dict[str, Any]:
    return dict(zip((socket.display_name for socket in node.GET_SCHEMA().outputs), output.args, strict=True))


def test_every_output_is_what_its_socket_says(nodes: dict[str, type], hero: dict[str, Any], rendered: Any) -> None:
    from studioflow.manifest import picture_ratio

    got = outputs_of(nodes["StudioFlowGreybox"], rendered)
    _, height, width, _ = got["image"].shape
    assert max(height, width) == 96 and abs(width / height - picture_ratio(hero)) < 0.02
    for name in ("image", "linear", "depth", "depth_map", "normals", "lines"):
        assert got[name].shape == (1, height, width, 3) and got[name].dtype == torch.float32, name
        assert torch.isfinite(got[name]).all(), name
    for name in ("image", "depth_map", "normals", "lines", "masks"):
        assert 0.0 <= got[name].min() and got[name].max() <= 1.0, name
    assert got["masks"].shape == (3, height, width) and (got["masks"].amax(dim=(1, 2))[:2] > 0.9).all()
    for name in ("depth", "depth_map", "lines"):
        assert torch.equal(got[name][..., 0], got[name][..., 2]), name
    main = got["masks"][0] > 0.99
    distance = got["depth"][0, ..., 0][main]
    # The camera of the sample stands 1.1 m from the grinder, which is 6 cm deep.
    assert 0.9 < distance.min() and distance.max() < 1.3
    # What is seen faces the camera.
    assert (got["normals"][0, ..., 2][main] > 0.45).all()
    assert set(got["camera_info"]) >= {"position", "target", "quaternion", "fov"}
    assert got["provenance"]["seeds"] == [3] and "Mitsuba" in got["provenance"]["range"]


def test_what_was_chosen_is_said_and_shown(nodes: dict[str, type], rendered: Any) -> None:
    report = outputs_of(nodes["StudioFlowGreybox"], rendered)["report"]
    assert "espresso cup" in report and "draft" in report
    *told, how = rendered.ui["studioflow_notice"]
    assert told == report.splitlines()[:-1]
    # The seconds stand in the report alone: what differs between the shots of a list would be shown for each.
    assert re.fullmatch(re.escape(how) + r", \d+\.\d s", report.splitlines()[-1])
    assert len(rendered.ui["images"]) == 1


def test_the_layers_are_what_save_exr_writes(nodes: dict[str, type], rendered: Any, base: Path) -> None:
    import OpenEXR

    got = outputs_of(nodes["StudioFlowGreybox"], rendered)
    schema = nodes["StudioFlowSaveExr"].GET_SCHEMA()
    widgets = {socket.id: socket.default for socket in schema.inputs if getattr(socket, "default", None) is not None}
    taken = {"images": got["linear"], "layers": got["layers"], "provenance": got["provenance"]}
    widgets |= taken | {"filename_prefix": "StudioFlow/greybox", "image_space": "ACEScg"}
    [name] = run(nodes["StudioFlowSaveExr"], {"prompt": {"1": {}}, "extra_pnginfo": {}}, **widgets).args[0]
    with OpenEXR.File(str(base / "output" / name), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
    assert {"R", "depth.Z", "normal.R", "normal.B"} <= channels.keys()
    subjects = [name for name in channels if name.startswith("mask.")]
    assert len(subjects) == 3
    depth = got["depth"][0, ..., 0].numpy()
    near = depth < 100.0
    assert np.allclose(channels["depth.Z"][near], depth[near], rtol=2e-3)
    assert channels["normal.R"].min() < -0.3


def test_the_same_again_is_the_same(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    tiny = SMALL | {"longest_side": 32}
    one, other, new = (
        run(nodes["StudioFlowGreybox"], manifest=hero, **tiny | {"seed": seed}).args[1] for seed in (3, 3, 4)
    )
    assert torch.equal(one, other) and not torch.equal(one, new)


def test_cancel_ends_a_render(nodes: dict[str, type], hero: dict[str, Any], management: ModuleType) -> None:
    management.interrupt_current_processing()
    with pytest.raises(management.InterruptProcessingException):
        run(nodes["StudioFlowGreybox"], manifest=hero, longest_side=32, **SMALL)


def test_a_mesh_that_is_not_there_is_told(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    first, *rest = hero["scene"]["subjects"]
    shot = hero | {"scene": hero["scene"] | {"subjects": [first | {"mesh": "input/gone.glb"}, *rest]}}
    with pytest.raises(Exception, match="no such mesh"):
        run(nodes["StudioFlowGreybox"], manifest=shot, longest_side=32, **SMALL)


def test_a_shot_without_subjects_has_no_masks(nodes: dict[str, type]) -> None:
    from comfy_execution.graph_utils import ExecutionBlocker

    empty = {"studioflow": "1.0", "scene": {"description": "nothing yet"}}
    got = outputs_of(
        nodes["StudioFlowGreybox"], run(nodes["StudioFlowGreybox"], manifest=empty, longest_side=32, **SMALL)
    )
    assert isinstance(got["masks"], ExecutionBlocker) and got["image"].shape[1:3] == (32, 32)
