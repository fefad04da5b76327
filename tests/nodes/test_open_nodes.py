"""Load Delivery and Inspect File, called as ComfyUI calls them."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import OpenEXR
import pytest
import tifffile
import torch

from .test_execute import run

SHOT = {"studioflow": "1.0", "scene": {"description": "A cup on a table."}}
PIXELS = np.random.default_rng(4).uniform(-0.5, 3, (20, 32, 4)).astype(np.float32)
PIXELS[..., 3] = np.linspace(0.25, 1, 32)
DEPTH = np.linspace(0, 9, 20 * 32, dtype=np.float32).reshape(20, 32)


@pytest.fixture
def load(pack: ModuleType) -> type:
    return importlib.import_module(f"{pack.__name__}.nodes.open_delivery").LoadDelivery


@pytest.fixture
def inspect(pack: ModuleType) -> type:
    return importlib.import_module(f"{pack.__name__}.nodes.open_delivery").InspectFile


@pytest.fixture
def exr(base: Path) -> str:
    stored = PIXELS.copy()
    stored[..., :3] *= stored[..., 3:]
    texts = {
        "studioflow:manifest": json.dumps(SHOT),
        "studioflow:caption": '{"short_description": "A cup."}',
        "studioflow:provenance": '{"seed": 7}',
        "studioflow:range": "linearised, not HDR",
    }
    folder = base / "output" / "StudioFlow"
    folder.mkdir(exist_ok=True)
    OpenEXR.File(texts, {"RGBA": stored, "depth.Z": DEPTH}).write(str(folder / "opened.exr"))
    return "output/StudioFlow/opened.exr"


def test_a_layered_exr(load: type, exr: str) -> None:
    assert exr in load.define_schema().inputs[0].options
    done = run(load, file=exr, layer="beauty", space="as stored")
    image, mask, manifest, space, caption, provenance, layers = done.args
    assert image.shape == (1, 20, 32, 3) and image.dtype == torch.float32
    np.testing.assert_allclose(image[0].numpy(), PIXELS[..., :3], rtol=1e-6)
    np.testing.assert_allclose(mask[0].numpy(), 1 - PIXELS[..., 3], atol=1e-7)
    assert manifest == SHOT and json.loads(caption) == {"short_description": "A cup."}
    assert provenance == {"seed": 7, "range": "linearised, not HDR"}
    assert space == "Linear Rec.709"
    assert [(one.name, one.space, one.pixels.shape) for one in layers] == [("depth", "data", (1, 20, 32, 1))]
    told = "\n".join(done.ui["studioflow_notice"])
    assert "layer beauty of 2" in told and "taken as Linear Rec.709" in told


def test_a_layer_of_one_channel_is_a_mask_and_never_converted(load: type, exr: str) -> None:
    image, mask, _, space, _, _, layers = run(load, file=exr, layer="depth", space="ACEScg").args
    assert np.array_equal(mask[0].numpy(), DEPTH) and np.array_equal(image[0].numpy(), np.stack([DEPTH] * 3, -1))
    assert space == "data" and layers == ()


def test_conversion_when_it_is_loaded(load: type, exr: str) -> None:
    image, mask, _, space, *_ = run(load, file=exr, layer="beauty", space="ACEScg").args
    # Linear Rec.709 to ACEScg with the Bradford adaptation, as the Academy's CTL has it.
    matrix = [[0.613097, 0.339523, 0.047379], [0.070194, 0.916354, 0.013452], [0.020616, 0.109570, 0.869815]]
    np.testing.assert_allclose(image[0].numpy(), PIXELS[..., :3] @ np.array(matrix).T, atol=2e-4)
    np.testing.assert_allclose(mask[0].numpy(), 1 - PIXELS[..., 3], atol=1e-7)
    assert space == "ACEScg"


def test_a_file_of_another_program_has_pictures_and_no_manifest(load: type, base: Path) -> None:
    from comfy_execution.graph_utils import ExecutionBlocker

    values = np.random.default_rng(1).integers(0, 65535, (20, 32, 3), np.uint16)
    tifffile.imwrite(base / "input" / "other.tif", values, photometric="rgb")
    done = run(load, file="input/other.tif", layer="beauty", space="as stored")
    image, mask, manifest, space, caption, provenance, layers = done.args
    assert np.array_equal(image[0].numpy(), values.astype(np.float32) / np.float32(65535))
    assert not mask.any() and (space, caption, provenance, layers) == ("sRGB", "", {}, ())
    assert isinstance(manifest, ExecutionBlocker) and "carries no manifest" in manifest.message
    assert any("no manifest" in line for line in done.ui["studioflow_notice"])


def test_what_cannot_be_loaded(load: type, inspect: type, exr: str, base: Path) -> None:
    with pytest.raises(Exception, match="did you mean") as caught:
        run(load, file=exr, layer="dept", space="as stored")
    assert "allowed: beauty, depth" in str(caught.value)
    with pytest.raises(Exception, match="no such choice"):
        run(load, file=exr, layer="beauty", space="ACES")
    (base / "input" / "words.exr").write_text("no picture")
    for node in (load, inspect):
        inputs = {"layer": "beauty", "space": "as stored"} if node is load else {}
        with pytest.raises(Exception, match="no picture that can be opened"):
            run(node, file="input/words.exr", **inputs)
        assert "leaves its folder" in node.validate_inputs(file="input/../../secret.exr")
        assert "no such picture file" in node.validate_inputs(file="output/absent.exr")
        assert node.validate_inputs(file=exr) is True


def test_a_changed_file_is_loaded_again(load: type, inspect: type, exr: str, base: Path) -> None:
    inputs: dict[str, Any] = {"layer": "beauty", "space": "as stored"}
    before = load.fingerprint_inputs(file=exr, **inputs), inspect.fingerprint_inputs(file=exr)
    path = base / exr
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1_000_000))
    after = load.fingerprint_inputs(file=exr, **inputs), inspect.fingerprint_inputs(file=exr)
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_inspect_tells_at_the_node_and_as_text(inspect: type, exr: str) -> None:
    done = run(inspect, file=exr)
    (text,) = done.args
    assert done.ui["studioflow_notice"] == [text]
    assert "opened.exr: EXR, 32 × 20" in text and "range: linearised, not HDR" in text
