"""The nodes that write files, called as ComfyUI calls them, and what they write read by others."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

torch.set_num_threads(1)
MANIFEST = {
    "studioflow": "1.0",
    "meta": {"title": "Grinder: hero", "sku": "NL-220"},
    "scene": {"description": "a hand grinder"},
    "export": [{"format": "tiff", "color_space": "Display P3", "suffix": "_p3"}, {"preset": "Web: sRGB WebP"}],
}


def run(node: Any, **inputs: Any) -> Any:
    """Calls the node through the door that ComfyUI's executor uses."""
    from comfy_api.latest import io

    hidden = {io.Hidden.prompt: {"1": {"class_type": "x"}}, io.Hidden.extra_pnginfo: {"workflow": {"nodes": [1]}}}
    return node.PREPARE_CLASS_CLONE(hidden).EXECUTE_NORMALIZED(**inputs)


def defaults(node: Any, *, old: bool = False) -> dict[str, Any]:
    """What the widgets start with; with ``old`` only those that every saved workflow has."""
    return {
        socket.id: socket.default
        for socket in node.GET_SCHEMA().inputs
        if getattr(socket, "default", None) is not None and not (old and socket.optional)
    }


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(5).random((2, 48, 64, 3), dtype=np.float32))


@pytest.fixture
def save(nodes: dict[str, type], base: Path, request: pytest.FixtureRequest) -> Any:
    """Runs a node in a folder of the test's own; gives its output and the paths that it wrote."""
    own = request.node.name.translate(str.maketrans("[]/", "___"))

    def run_it(name: str, prefix: str = "x", **inputs: Any) -> tuple[Any, list[Path]]:
        node = nodes[f"StudioFlow{name}"]
        done = run(node, **{**defaults(node), "filename_prefix": f"{own}/{prefix}", **inputs})
        return done, [base / "output" / file for file in done.args[0]]

    return run_it


def test_what_was_there_before_stands_where_it_stood(nodes: dict[str, type]) -> None:
    schema = nodes["StudioFlowSaveDelivery"].GET_SCHEMA()
    ids = [socket.id for socket in schema.inputs]
    assert ids[:6] == ["images", "manifest", "preset", "filename_prefix", "caption", "provenance"]
    assert all(socket.optional for socket in schema.inputs[4:])
    assert schema.inputs[2].options[:3] == ["PNG + EXR", "PNG", "EXR"]


def test_a_workflow_saved_before_gets_the_files_it_always_got(
    nodes: dict[str, type], base: Path, pixels: torch.Tensor
) -> None:
    node = nodes["StudioFlowSaveDelivery"]
    for number in (1, 3):
        done = run(node, images=pixels, manifest=MANIFEST, **defaults(node, old=True) | {"filename_prefix": "before/x"})
        assert [entry["filename"] for entry in done.ui["studioflow_files"]] == [
            f"x_{index:05}_.{kind}" for index in (number, number + 1) for kind in ("png", "exr", "manifest.json")
        ]
        assert {(entry["subfolder"], entry["type"]) for entry in done.ui["studioflow_files"]} == {("before", "output")}
        assert [entry["filename"] for entry in done.ui["images"]] == [
            f"x_0000{number}_.png",
            f"x_0000{number + 1}_.png",
        ]
    assert len(list((base / "output" / "before").iterdir())) == 12


def test_layers_chain_into_one_exr(nodes: dict[str, type], save: Any, pixels: torch.Tensor) -> None:
    import OpenEXR

    collect = nodes["StudioFlowLayers"]
    depth = torch.arange(48 * 64, dtype=torch.float32).reshape(1, 48, 64)
    first = run(collect, name="depth", space="sRGB", mask=depth).args[0]
    both = run(collect, name="alternate", space="ACEScg", image=pixels * 4, layers=first).args[0]
    done, files = save("SaveExr", "{version:02}.{frame:03}", images=pixels, layers=both, sample="float", first_frame=7)
    assert [path.name for path in files] == ["01.007.exr", "01.008.exr"]
    with OpenEXR.File(str(files[1]), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
        header = dict(file.header())
    assert set(channels) == {"R", "G", "B", "depth.Z", "alternate.R", "alternate.G", "alternate.B"}
    assert np.array_equal(channels["depth.Z"], depth[0].numpy())
    assert channels["alternate.G"] == pytest.approx(pixels[1, ..., 1].numpy() * 4, rel=1e-5)
    assert json.loads(header["workflow"]) == {"nodes": [1]} and "studioflow:manifest" not in header
    assert "layers beauty, depth, alternate" in "\n".join(done.ui["studioflow_notice"])
    with pytest.raises(Exception, match="two layers have one name"):
        run(collect, name="depth", space="data", image=pixels, layers=both)


def test_a_preview_is_shown_where_no_browser_shows_the_file(save: Any, base: Path, pixels: torch.Tensor) -> None:
    done, _ = save("SaveExr", images=pixels)
    shown = [base / "temp" / entry["filename"] for entry in done.ui["images"]]
    assert len(shown) == 2 and all(entry["type"] == "temp" for entry in done.ui["images"])
    with Image.open(shown[0]) as picture:
        assert np.asarray(picture, np.float32) / 255 == pytest.approx(pixels[0].numpy(), abs=1.5 / 255)


def test_exr_says_rate_and_time_and_tiles(save: Any, pixels: torch.Tensor) -> None:
    import OpenImageIO

    _, files = save(
        "SaveExr", images=pixels, tile="64", compression="piz", frames_per_second=23.976, timecode="01:00:00:23"
    )
    for file, time in zip(files, ("01000023", "01000100"), strict=True):
        spec = OpenImageIO.ImageInput.open(str(file)).spec()
        assert (spec.tile_width, spec.getattribute("compression")) == (64, "piz")
        assert spec.getattribute("FramesPerSecond") in ((24000, 1001), [24000, 1001])
        assert f"{spec.getattribute('smpte:TimeCode')[0]:08x}" == time  # SMPTE ST 12-1: two digits a byte


def test_tiff_is_what_a_retoucher_wants(nodes: dict[str, type], save: Any, pixels: torch.Tensor) -> None:
    from PIL import ImageCms

    done, files = save("SaveTiff", "{sku}/{title}_{frame:02}", images=pixels, manifest=MANIFEST, dpi=240.0)
    assert [path.name for path in files] == ["Grinder_ hero_01.tif", "Grinder_ hero_02.tif"]
    assert files[0].parent.name == "NL-220"
    assert len(done.ui["studioflow_files"]) == 2
    import OpenImageIO

    for file in files:
        picture = OpenImageIO.ImageInput.open(str(file))
        spec = picture.spec()
        assert str(spec.format) == "uint16" and spec.getattribute("XResolution") == 240
        profile = bytes(np.asarray(spec.getattribute("ICCProfile"), dtype=np.uint8))
        import io

        assert "Adobe RGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))


def test_the_manifest_says_what_to_write(save: Any, pixels: torch.Tensor) -> None:
    asked = {"images": pixels[:1], "preset": "As the manifest's export says"}
    done, files = save("SaveDelivery", "a", manifest=MANIFEST, **asked)
    assert [path.name for path in files] == ["a_00001__p3.tif", "a_00001_.webp"]
    assert [entry["filename"] for entry in done.ui["images"]] == ["a_00001_.webp"]
    bare = {key: value for key, value in MANIFEST.items() if key != "export"}
    with pytest.raises(Exception, match="does not say which files"):
        save("SaveDelivery", manifest=bare, **asked)


def test_a_preset_of_ones_own(nodes: dict[str, type], save: Any, base: Path, pixels: torch.Tensor) -> None:
    node = nodes["StudioFlowSaveDelivery"]
    before = node.fingerprint_inputs(preset="Mine")
    folder = base / "user" / "default" / "studioflow" / "presets"
    folder.mkdir(parents=True)
    file = folder / "mine.json"
    try:
        file.write_text(json.dumps({"Mine": {"files": [{"format": "jpeg", "quality": 70}]}}))
        menu = node.define_schema().inputs[2].options
        assert menu[-1] == "Mine" and node.fingerprint_inputs(preset="Mine") != before
        _, files = save("SaveDelivery", images=pixels[:1], manifest=MANIFEST, preset="Mine")
        assert [path.name for path in files] == ["x_00001_.jpg"]
        file.write_text("{")
        assert "Mine" not in node.define_schema().inputs[2].options
        with pytest.raises(Exception, match=r"mine\.json:1:2: this is not JSON"):
            save("SaveDelivery", images=pixels, manifest=MANIFEST, preset="Mine")
    finally:
        file.unlink()
        folder.rmdir()


@pytest.mark.parametrize("name", ["SaveDelivery", "SaveExr", "SaveTiff"])
@pytest.mark.parametrize(
    ("prefix", "told"),
    [("{sk}/x", 'did you mean "sku"'), ("../x", "leaves the output folder"), ("a\0b", "leaves"), ("x{", "a brace")],
)
def test_a_wrong_name_is_told_before_the_render(nodes: dict[str, type], name: str, prefix: str, told: str) -> None:
    message = nodes[f"StudioFlow{name}"].validate_inputs(filename_prefix=prefix)
    assert isinstance(message, str) and told in message
    assert nodes[f"StudioFlow{name}"].validate_inputs(filename_prefix="{sku}/%year%_{frame:04}") is True


def test_overwriting_replaces_and_refusing_does_not(save: Any, pixels: torch.Tensor) -> None:
    given = {"images": pixels, "manifest": MANIFEST, "preset": "PNG", "sidecars": "none"}
    _, (first, _) = save("SaveDelivery", "{frame:02}", if_exists="refuse", **given)
    before = first.read_bytes()
    with pytest.raises(Exception, match="already there"):
        save("SaveDelivery", "{frame:02}", if_exists="refuse", **given | {"images": 1 - pixels})
    assert first.read_bytes() == before
    save("SaveDelivery", "{frame:02}", if_exists="overwrite", **given | {"images": 1 - pixels})
    assert first.read_bytes() != before and len(list(first.parent.iterdir())) == 2


def test_light_is_light_and_grey_is_grey(save: Any) -> None:
    import OpenEXR

    light = torch.tensor([0.5, 3.0]).reshape(1, 1, 2, 1)
    _, (file,) = save("SaveExr", images=light, image_space="Linear Rec.709", color_space="Linear Rec.709")
    with OpenEXR.File(str(file), separate_channels=True) as exr:
        assert [exr.channels()[name].pixels.tolist() for name in "RGB"] == [[[0.5, 3.0]]] * 3
        assert exr.header()["studioflow:range"] == "scene-linear values as the graph gave them"


def test_cancel_leaves_nothing(save: Any, base: Path, host: ModuleType) -> None:
    import comfy.model_management as management

    management.interrupt_current_processing(True)
    try:
        with pytest.raises(management.InterruptProcessingException):
            save("SaveExr", "cancelled", images=torch.zeros(8, 32, 32, 3))
    finally:
        management.interrupt_current_processing(False)
    assert not [path for path in (base / "output").rglob("*cancelled*") if path.is_file()]
