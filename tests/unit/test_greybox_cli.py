"""``studioflow greybox``: its files as another program reads them, and its errors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from studioflow.cli import main
from studioflow.greybox.emitted import LUMINANCE
from studioflow.manifest import load

from .greybox_shots import light, scalar, shot, subject

DISTANCE_M = 0.6
BOX = (0.1, 0.1, 0.1)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with scalar(tmp_path_factory):
        yield


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two boxes beside each other, the left one 0.1 m nearer."""
    near = subject("box", BOX, description="near box", position_m=[-0.08, -0.05, 0.1])
    far = subject("box", BOX, description="far box", position_m=[0.08, -0.05, 0])
    camera = {"lens": {"focal_length_mm": 35}, "pose": {"position_m": [0, 0, DISTANCE_M], "look_at_m": [0, 0, 0]}}
    path = tmp_path_factory.mktemp("shot") / "two boxes.json"
    document = shot(near, far, lights=[light()], camera=camera, render={"aspect_ratio": "3:2"})
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def written(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All files of one call, by what they end with."""
    out = tmp_path_factory.mktemp("out") / "new folder"
    options = ["--out", out, "--quality", "draft", "--size", 48, "--seed", 3, "--no-denoise", "--maps"]
    assert main([str(part) for part in ("greybox", manifest, *options)]) == 0
    return {path.name.removeprefix("two boxes_greybox"): path for path in out.iterdir()}


def failing(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(part) for part in ("greybox", *arguments)]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    return captured.err


def test_the_files_are_the_picture_the_light_and_the_maps(written: dict[str, Path]) -> None:
    maps = {f"_{name}.png" for name in ("depth", "normals", "lines", "mask1", "mask2")}
    assert written.keys() == {".png", ".exr"} | maps


def test_the_exr_has_light_depth_normals_and_masks(written: dict[str, Path]) -> None:
    opened = oiio.ImageInput.open(str(written[".exr"]))
    assert opened, oiio.geterror()
    spec = opened.spec()
    assert (spec.width, spec.height) == (48, 32)
    kinds = {name: str(spec.channelformat(index)) for index, name in enumerate(spec.channelnames)}
    pixels = dict(zip(spec.channelnames, np.moveaxis(opened.read_image("float"), -1, 0), strict=True))
    opened.close()
    assert {kinds[name] for name in "RGB"} == {"half"}
    depth = next(name for name in kinds if name.lower().startswith("depth"))
    assert kinds[depth] == "float", "half of a metre is exact to half a millimetre only"
    assert {name for name in kinds if name.startswith("mask.subject")} and len(kinds) == 3 + 1 + 3 + 2
    # AP1 primaries and the ACES white point, as SMPTE ST 2065-1 and the ACEScg specification have them.
    chromaticities = spec.get("chromaticities")
    assert chromaticities == pytest.approx((0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767), abs=1e-4)
    near, far = (pixels[next(name for name in kinds if f"subject{number}" in name)] == 1.0 for number in (1, 2))
    assert near[:, :24].any() and not near[:, 24:].any() and far[:, 24:].any() and not far[:, :24].any()
    # Their fronts: the middle of each box is half its depth behind it.
    assert float(np.median(pixels[depth][near])) == pytest.approx(DISTANCE_M - 0.1 - 0.05, abs=1e-5)
    assert float(np.median(pixels[depth][far])) == pytest.approx(DISTANCE_M - 0.05, abs=1e-5)
    assert pixels[depth][~near & ~far].max() == np.float32(1e10)
    normals = np.stack([pixels[name] for name in kinds if name.lower().startswith("normal")], axis=-1)
    assert np.median(normals[far], axis=0) == pytest.approx((0.0, 0.0, 1.0), abs=1e-3)
    lit = np.stack([pixels[name] for name in "RGB"], axis=-1) @ LUMINANCE
    # 1.5 m from the middle of the near box, where it is aimed, and so 5 cm more from the front of the far one.
    assert np.median(lit[far]) == pytest.approx(0.18 * (1.5 / 1.55) ** 2, rel=0.05)
    assert not lit[:3].any(), "around the boxes is nothing"


def test_the_pictures_hold_their_manifest(written: dict[str, Path], manifest: Path) -> None:
    for name in (".png", ".exr", "_depth.png"):
        assert load(written[name]) == load(manifest), name


def test_the_png_files_are_what_the_exr_says(written: dict[str, Path]) -> None:
    from PIL import Image

    def read(name: str) -> Any:
        picture = Image.open(written[name])
        assert picture.mode == "RGB" and picture.size == (48, 32)
        return np.asarray(picture).astype(int)

    near, far = read("_mask1.png")[..., 0] == 255, read("_mask2.png")[..., 0] == 255
    assert np.median(read(".png")[far]) == pytest.approx(118, abs=8)
    depth, normals = read("_depth.png")[..., 0], read("_normals.png")
    assert depth[near].min() > depth[far].max() and depth[~near & ~far].min() == 0
    assert np.median(normals[far], axis=0) == pytest.approx((128, 128, 255), abs=1)
    assert set(np.unique(read("_lines.png"))) <= set(range(256)) and read("_lines.png").max() > 100


def test_the_same_call_writes_the_same_bytes_over_itself(
    written: dict[str, Path], manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--out", tmp_path, "--quality", "draft", "--size", 48, "--seed", 3, "--no-denoise"]
    for _ in range(2):
        assert main([str(part) for part in ("greybox", manifest, *options)]) == 0
    captured = capsys.readouterr()
    assert sorted(Path(line).name for line in set(captured.out.splitlines())) == sorted(
        path.name for path in tmp_path.iterdir()
    )
    assert len(list(tmp_path.iterdir())) == 2
    assert "- stand-ins: " in captured.err and "48 × 32, draft, scalar_rgb" in captured.err
    for name in (".png", ".exr"):
        one, other = (np.asarray(oiio.ImageBuf(str(path)).get_pixels("float")) for path in (
            written[name], tmp_path / f"two boxes_greybox{name}"
        ))  # fmt: skip
        assert one.tobytes() == other.tobytes(), name


def test_a_mesh_beside_the_manifest_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "leaf.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    leaf = {"description": "leaf", "mesh": "input/leaf.obj", "size_m": [0.1, 0.1, 0.1]}
    path = tmp_path / "leaf.json"
    path.write_text(json.dumps(shot(leaf, lights=[light()])))
    options = ["--out", tmp_path / "out", "--quality", "draft", "--size", 16, "--no-denoise"]
    assert main([str(part) for part in ("greybox", path, *options)]) == 0
    assert '"leaf" -> input/leaf.obj' in capsys.readouterr().err


@pytest.mark.parametrize("name", ["none.glb", "../secret.glb", "/etc/passwd", "input/../../secret.glb"])
def test_a_mesh_that_is_not_there_or_elsewhere_is_told(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secret.glb").write_bytes(b"glTF")
    folder = tmp_path / "shots"
    folder.mkdir()
    path = folder / "shot.json"
    path.write_text(json.dumps(shot({"description": "thing", "mesh": name})))
    message = failing(capsys, path, "--out", tmp_path / "out", "--size", 16, "--quality", "draft")
    assert message.startswith("error: ") and name in message and not list(tmp_path.glob("out/*"))


def test_a_bad_manifest_and_none_at_all_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shot.json"
    path.write_text('{"studioflow": "1.0", "camra": {}}')
    assert 'did you mean "camera"' in failing(capsys, path, "--out", tmp_path / "out")
    assert "cannot be read" in failing(capsys, tmp_path / "none.json", "--out", tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


def test_a_size_out_of_range_is_told(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "5000 pixels" in failing(capsys, manifest, "--size", 5000, "--out", tmp_path / "out")
    assert not list(tmp_path.glob("out/*"))


def test_a_folder_that_cannot_be_is_told(manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("in the way")
    options = ["--quality", "draft", "--size", 16, "--no-denoise", "--out", tmp_path / "file" / "below"]
    assert "error: " in failing(capsys, manifest, *options)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    assert "permission" in failing(capsys, manifest, "--quality", "draft", "--size", 16, "--out", tmp_path)


@pytest.mark.parametrize("arguments", [[], ["x.json", "--quality", "best"], ["x.json", "--size", "big"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["greybox", *arguments])
    assert caught.value.code == 2
