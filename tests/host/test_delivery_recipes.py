"""The recipes of the delivery, through a real ComfyUI's real queue.

What they write is opened with OpenImageIO, pyvips, tifffile and Pillow, and held against the picture as ComfyUI's own
Save Image writes it.
"""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import OpenImageIO as oiio
import pytest
import pyvips
import tifffile
from PIL import Image

import dev
from studioflow.queue import JobResult, PromptRefused
from studioflow.recipes import recipe

from .prompts import delivered, quick, run

SIDE = 64
ACESCG_TO_LINEAR_SRGB = np.array(
    [[1.70505, -0.62179, -0.08326], [-0.13026, 1.14080, -0.01055], [-0.02400, -0.12897, 1.15297]]
)
"""AP1 to Rec.709 with Bradford's adaptation, as published with the ACES fit of Stephen Hill."""
ADOBE_RGB_TO_XYZ = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]])
"""Adobe RGB (1998) Color Image Encoding, section 4.3.5.3."""
XYZ_TO_LINEAR_SRGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1:1999."""
LIGHT, REFERENCE = "light", "reference"
"""Nodes that the tests add."""

Compositing = tuple[Path, dict[str, Any], np.ndarray]


def node_of(prompt: dict[str, Any], kind: str) -> str:
    (key,) = [key for key, node in prompt.items() if node["class_type"] == f"StudioFlow{kind}"]
    return key


def with_reference(prompt: dict[str, Any]) -> dict[str, Any]:
    """The prompt with a Save Image behind its FIBO Decode."""
    inputs = {"images": [node_of(prompt, "FiboDecode"), 0], "filename_prefix": "delivery_reference"}
    return {**prompt, REFERENCE: {"class_type": "SaveImage", "inputs": inputs}}


def reference(host: dev.Host, result: JobResult) -> np.ndarray:
    """The picture as ComfyUI saved it: sRGB, 8 bits."""
    (file,) = result.outputs[REFERENCE]["images"]
    with Image.open(host.base / "output" / file["filename"]) as picture:
        return np.asarray(picture.convert("RGB")).astype(np.float64)


def sample(prompt: dict[str, Any]) -> dict[str, Any]:
    """The manifest that the prompt loads; the name of its schema is the sample's own and no part of the shot."""
    file = prompt[node_of(prompt, "LoadManifest")]["inputs"]["manifest"]
    shot = json.loads((dev.ROOT / file).read_text(encoding="utf-8"))
    return {name: value for name, value in shot.items() if name != "$schema"}


def parts(file: Path) -> dict[str, tuple[Any, np.ndarray]]:
    """Header and pixels of each part of an EXR, by the part's name; a file of one part may have none."""
    found: dict[str, tuple[Any, np.ndarray]] = {}
    for number in range(oiio.ImageBuf(str(file)).nsubimages):
        picture = oiio.ImageBuf(str(file), number, 0)
        found[picture.spec().getattribute("oiio:subimagename") or "only"] = picture.spec(), picture.get_pixels()
    return found


def srgb(linear: np.ndarray) -> np.ndarray:
    """Levels of 0 to 255 by the curve of IEC 61966-2-1."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


@pytest.fixture(scope="module")
def compositing(host: dev.Host) -> Compositing:
    """The EXR of the compositing recipe, the prompt it was made by, and the picture before Range Expansion."""
    prompt = with_reference(quick("exr_for_compositing"))
    result = run(host, prompt)
    (file,) = delivered(host, result, node_of(prompt, "SaveExr"))[".exr"]
    return file, prompt, reference(host, result)


def test_one_exr_has_every_layer(compositing: Compositing) -> None:
    file, _, levels = compositing
    layers = parts(file)
    assert list(layers) == ["beauty", "matte", "alt"]
    (beauty, light), (matte, mask), (alt, before) = layers.values()
    assert beauty.channelnames == ("R", "G", "B") and alt.channelnames == ("alt.R", "alt.G", "alt.B")
    assert matte.channelnames == ("matte.A",)
    for spec in (beauty, matte, alt):
        assert (spec.width, spec.height, str(spec.format)) == (SIDE, SIDE, "half")
        assert spec.getattribute("compression") == "zip"
    spaces = [spec.getattribute("colorInteropID") for spec in (beauty, matte, alt)]
    assert spaces == ["lin_ap1_scene", "data", "lin_ap1_scene"]
    assert beauty.getattribute("chromaticities")[:2] == pytest.approx((0.713, 0.293), abs=1e-6)
    # The 8-bit picture is rounded down, the layers to 11 bits.
    assert np.abs(srgb(before @ ACESCG_TO_LINEAR_SRGB.T) - levels).max() < 2
    assert np.abs(255 * mask[..., 0] - levels[..., 1]).max() < 1.2
    dark = (before @ ACESCG_TO_LINEAR_SRGB.T).max(axis=-1) < 0.69
    assert np.allclose(light[dark], before[dark], rtol=2e-3, atol=2e-4) and dark.mean() > 0.1
    assert light.max() > max(1.0, 1.5 * before.max())


def test_the_exr_carries_its_documents(compositing: Compositing) -> None:
    file, prompt, _ = compositing
    header = parts(file)["beauty"][0]
    texts = {name: json.loads(header.getattribute(f"studioflow:{name}")) for name in ("manifest", "provenance")}
    assert texts["manifest"] == sample(prompt)
    assert "estimate" in texts["provenance"]["range"] and texts["provenance"]["seed"] == 22
    assert json.loads(header.getattribute("studioflow:caption"))["objects"]
    assert json.loads(header.getattribute("prompt"))[node_of(prompt, "SaveExr")]["class_type"] == "StudioFlowSaveExr"


def test_a_tiff_to_retouch_and_a_web_set(host: dev.Host) -> None:
    prompt = with_reference(quick("retouch_tiff_web_set"))
    result = run(host, prompt)
    levels = reference(host, result)
    (tif,) = delivered(host, result, node_of(prompt, "SaveTiff"))[".tif"]
    web = {kind: path for kind, (path,) in delivered(host, result, node_of(prompt, "SaveDelivery")).items()}
    assert tif.relative_to(host.base / "output").as_posix() == "StudioFlow/SR-030/retouch_v001.tif"
    assert web[".jpg"].relative_to(tif.parent).as_posix() == "Face serum, packshot_v001.jpg"

    picture = pyvips.Image.new_from_file(str(tif))
    assert (picture.width, picture.height, picture.bands, picture.format) == (SIDE, SIDE, 3, "ushort")
    assert picture.xres * 25.4 == pytest.approx(300, abs=0.01)
    by_profile = picture.icc_transform("srgb", embedded=True, intent="relative", depth=16).numpy() / 257
    assert np.percentile(np.abs(by_profile - levels), 95) < 2
    xyz = (picture.numpy() / 65535) ** (563 / 256) @ ADOBE_RGB_TO_XYZ.T
    assert np.abs(srgb(xyz @ XYZ_TO_LINEAR_SRGB.T) - levels).max() < 2
    with tifffile.TiffFile(tif) as file:
        assert told(file.pages[0].tags["XMP"].value)["manifest"] == sample(prompt)

    for suffix in (".jpg", ".avif"):
        with Image.open(web[suffix]) as shown:
            assert (shown.size, shown.mode) == ((SIDE, SIDE), "RGB")
            assert np.abs(np.asarray(shown).mean(axis=(0, 1)) - levels.mean(axis=(0, 1))).max() < 3
            assert told(shown.info["xmp"])["manifest"] == sample(prompt)
    sums = dict(reversed(line.split("  ")) for line in web[".sha256"].read_text(encoding="utf-8").splitlines())
    assert {web[".jpg"].name, web[".avif"].name} <= sums.keys()
    for name, digest in sums.items():
        assert hashlib.sha256((tif.parent / name).read_bytes()).hexdigest() == digest


def told(packet: bytes) -> dict[str, Any]:
    """The JSON documents in an XMP packet, by name."""
    ours = "{urn:studioflow:xmp:1.0/}"
    texts = {
        node.tag.removeprefix(ours): node.text for node in ElementTree.fromstring(packet).iter() if ours in node.tag
    }
    return {name: json.loads(text) for name, text in texts.items() if name in ("manifest", "provenance") and text}


def test_a_delivery_is_opened_again(host: dev.Host, compositing: Compositing) -> None:
    file, made_by, _ = compositing
    prompt = copy.deepcopy(recipe("open_delivery_again").prompt)
    assert file.relative_to(host.base).as_posix() == prompt[node_of(prompt, "LoadDelivery")]["inputs"]["file"]
    sharpened = prompt[node_of(prompt, "ToneMap")]["inputs"]["image"]
    inputs = {"images": sharpened, "image_space": "ACEScg", "sample": "float", "filename_prefix": "StudioFlow/sharp"}
    save = copy.deepcopy(made_by[node_of(made_by, "SaveExr")])
    save["inputs"] = {name: value for name, value in save["inputs"].items() if not isinstance(value, list)} | inputs
    result = run(host, prompt | {LIGHT: save})

    (inspected,) = result.outputs[node_of(prompt, "InspectFile")]["studioflow_notice"]
    assert "layer alt" in inspected and "layer matte" in inspected and "Hand grinder, hero" in inspected
    (exr,) = delivered(host, result, LIGHT)[".exr"]
    ((_, sharp),) = parts(exr).values()
    assert sharp.max() > 1.5  # Sharpen Image clamps at 1, which in ACEScct is far brighter
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    (manifest,), (caption,) = files[".manifest.json"], files[".caption.json"]
    header = parts(file)["beauty"][0]
    assert json.loads(manifest.read_text(encoding="utf-8")) == sample(made_by)
    assert json.loads(caption.read_text(encoding="utf-8")) == json.loads(header.getattribute("studioflow:caption"))
    with Image.open(files[".jpg"][0]) as shown:
        assert shown.size == (SIDE, SIDE) and np.asarray(shown).std() > 5
        provenance = told(shown.info["xmp"])["provenance"]
    before = json.loads(header.getattribute("studioflow:provenance"))
    assert provenance["range"] != before["range"] and "ACES 2.0" in provenance["range"]
    assert {name: value for name, value in provenance.items() if name in before and name != "range"} == {
        name: value for name, value in before.items() if name != "range"
    }


def test_what_is_opened_and_saved_again_is_the_same(host: dev.Host, compositing: Compositing) -> None:
    file, made_by, _ = compositing
    name = file.relative_to(host.base).as_posix()
    load = {"class_type": "StudioFlowLoadDelivery", "inputs": {"file": name, "layer": "beauty", "space": "as stored"}}
    save = copy.deepcopy(made_by[node_of(made_by, "SaveExr")])
    linked = {"images": 0, "manifest": 2, "caption": 4, "provenance": 5, "layers": 6}
    save["inputs"] |= {socket: ["1", slot] for socket, slot in linked.items()}
    save["inputs"]["filename_prefix"] = "StudioFlow/again"
    result = run(host, {"1": load, "2": save})
    (again,) = delivered(host, result, "2")[".exr"]
    first, second = parts(file), parts(again)
    assert first.keys() == second.keys() == {"beauty", "matte", "alt"}
    for name, (spec, pixels) in first.items():
        assert np.array_equal(pixels, second[name][1]), name
        assert spec.getattribute("colorInteropID") == second[name][0].getattribute("colorInteropID")
    for text in ("manifest", "caption", "provenance"):
        told_first, told_second = (each["beauty"][0].getattribute(f"studioflow:{text}") for each in (first, second))
        assert json.loads(told_first) == json.loads(told_second), text


def test_a_file_that_is_not_there_is_told_when_queued(host: dev.Host) -> None:
    prompt = copy.deepcopy(recipe("open_delivery_again").prompt)
    prompt[node_of(prompt, "LoadDelivery")]["inputs"]["file"] = "output/StudioFlow/never_written.exr"
    with pytest.raises(PromptRefused, match="no such picture file"):
        run(host, prompt)


def test_three_exposures_give_the_light_of_all(host: dev.Host) -> None:
    light = np.geomspace(0.01, 3.5, SIDE * SIDE).reshape(SIDE, SIDE, 1) * [1.0, 0.9, 0.8]
    prompt = copy.deepcopy(recipe("exposures_to_hdr").prompt)
    stops = [float(each) for each in prompt[node_of(prompt, "MergeExposures")]["inputs"]["exposures"].split(",")]
    loads = [node for node in prompt.values() if node["class_type"] == "LoadImage"]
    for number, (node, ev) in enumerate(zip(loads, stops, strict=True)):
        shot = np.clip(light * 2.0**ev, 0, 1)
        encoded = np.where(shot <= 0.0031308, 12.92 * shot, 1.055 * shot ** (1 / 2.4) - 0.055)
        node["inputs"]["image"] = f"exposure_{number}.png"
        Image.fromarray(np.rint(255 * encoded).astype(np.uint8)).save(host.base / "input" / node["inputs"]["image"])
    result = run(host, prompt)
    (exr,) = delivered(host, result, node_of(prompt, "SaveExr"))[".exr"]
    ((header, merged),) = parts(exr).values()
    assert header.getattribute("colorInteropID") == "lin_ap1_scene"
    found = merged @ ACESCG_TO_LINEAR_SRGB.T
    assert found.max() > 3.3
    assert np.abs(found / light - 1).max() < 0.03
    assert "3 exposures" in json.loads(header.getattribute("studioflow:provenance"))["range"]
