"""The recipes of the sketch room, from a photo of a drawing to the delivered files, through a real ComfyUI's queue.

The stand-ins render noise, so that what a sketch decides is told from what changes when the sketch does.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dev
from studioflow.caption.guide import guided
from studioflow.families import family
from studioflow.fibo.standin import make_standins
from studioflow.manifest import load
from studioflow.queue import JobFailed, JobResult, PromptRefused
from studioflow.recipes import recipe
from studioflow.sketch.agreement import agreement, edges_of
from studioflow.sketch.clean import Cleanup, clean_sketch
from studioflow.sketch.control_map import Settings, control_maps

from ..standins import NO_FIBO_2
from .prompts import captions, delivered, run

WIDTH, HEIGHT = 128, 160
SMALL = {"width": WIDTH, "height": HEIGHT}
EDIT_TURBO = "fibo-edit-1.5-turbo"
SHOT = {
    "studioflow": "1.0",
    "scene": {"description": "A pepper mill on a table."},
    "render": {"aspect_ratio": "4:5", "seed": 85, "count": 4},
}
"""Short, because on a CPU FIBO 2's stand-ins take most of their time to read the caption."""

Prompt = dict[str, Any]


@pytest.fixture(scope="module")
def fibo_2(host: dev.Host) -> str:
    """The stand-in of FIBO 2.0 that every host has."""
    name = "studioflow-standin-fibo-2"
    if not (host.base / "models" / "diffusers" / name).is_dir():
        pytest.skip(NO_FIBO_2)
    return name


@pytest.fixture(scope="module")
def short(host: dev.Host) -> Prompt:
    """The inputs of Load Manifest for a shot of few words."""
    (host.base / "input").mkdir(exist_ok=True)
    (host.base / "input" / "sketch_shot.json").write_text(json.dumps(SHOT), encoding="utf-8")
    return {"manifest": "input/sketch_shot.json"}


@pytest.fixture(scope="module")
def edit_turbo(host: dev.Host) -> Iterator[str]:
    """A stand-in that takes several pictures and, unlike FIBO 2, small ones as they are."""
    (folder,) = make_standins(host.base / "models" / "diffusers", {f"sketch-{EDIT_TURBO}": EDIT_TURBO})
    yield folder.name
    shutil.rmtree(folder)


def nodes_of(prompt: Prompt, kind: str) -> list[str]:
    return [key for key, node in prompt.items() if node["class_type"].removeprefix("StudioFlow") == kind]


def node_of(prompt: Prompt, kind: str) -> str:
    (key,) = nodes_of(prompt, kind)
    return key


def prepared(name: str, model: str, **inputs: Prompt) -> Prompt:
    """A recipe's prompt for a model: small, of two steps, and with inputs replaced by class without prefix."""
    prompt = copy.deepcopy(recipe(name).prompt)
    given = {"FiboLoader": {"model": model}, "FiboEncode": SMALL, "FiboEdit": SMALL | {"steps": 2, "count": 1}}
    for kind in given.keys() | inputs.keys():
        prompt[node_of(prompt, kind)]["inputs"] |= given.get(kind, {}) | inputs.get(kind, {})
    return prompt


def shown(host: dev.Host, result: JobResult, node: str) -> list[np.ndarray]:
    """The pictures that a node previews, as levels [H, W, 3]."""
    found = []
    for file in result.outputs[node]["images"]:
        with Image.open(host.base / "temp" / file["subfolder"] / file["filename"]) as picture:
            found.append(np.asarray(picture.convert("RGB")).astype(np.int16))
    return found


def levels(files: list[Path]) -> list[np.ndarray]:
    found = []
    for file in files:
        with Image.open(file) as picture:
            found.append(np.asarray(picture.convert("RGB")).astype(np.int16))
    return found


def provenance(file: Path) -> dict[str, Any]:
    with Image.open(file) as picture:
        return json.loads(picture.text["studioflow:provenance"])


def said(result: JobResult, node: str) -> str:
    return "\n".join(result.outputs[node]["studioflow_notice"])


def sketch(name: str) -> np.ndarray:
    with Image.open(dev.ROOT / "samples" / "sketches" / name) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.float32) / 255.0


# ---------------------------------------------------------------- the recipes


def test_a_phone_photo_of_a_sketch_becomes_a_product(host: dev.Host, fibo_2: str, short: Prompt) -> None:
    prompt = prepared("sketch_to_product", fibo_2, LoadManifest=short)
    result = run(host, prompt)
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    assert {kind: len(paths) for kind, paths in files.items()} == dict.fromkeys(files, 1)
    assert {".png", ".exr", ".manifest.json", ".caption.json"} == set(files)
    (picture,), (file,) = levels(files[".png"]), files[".png"]
    assert picture.shape == (HEIGHT, WIDTH, 3) and picture.std() > 5

    shot = load(files[".manifest.json"][0])
    assert shot == SHOT
    guide = guided(shot, family=family("fibo-2.0-dev"), role="edges", strength=0.85)
    assert 0.7 < guide.repaint < 1 and guide.guide_until == 1
    assert captions(files)[0]["edit_instruction"].startswith("Use this edge map to generate")
    told = provenance(file)
    assert told["strength"] == guide.repaint and len(told["images"]) == 1

    # What the queue shows is what the library makes of the same file.
    cleaned = clean_sketch(sketch("phone_photo.jpg"), Cleanup(ratio="4:5", fit="crop"))
    lines = control_maps(cleaned.image[None], Settings("line_art")).images[0]
    for kind, expected in (("SketchCleanup", cleaned.image), ("ControlMap", lines)):
        (seen,) = shown(host, result, node_of(prompt, kind))
        assert seen.shape == expected.shape
        assert np.abs(seen - expected * 255).max() <= 1.01, kind
    assert "page found" in said(result, node_of(prompt, "SketchCleanup"))

    measured = agreement(lines[..., 0], edges_of(picture.astype(np.float32) / 255, lines[..., 0]), 2.0)
    assert score(said(result, node_of(prompt, "SketchAgreement"))) == pytest.approx([measured.f_score], abs=0.02)
    (compared,) = shown(host, result, node_of(prompt, "PreviewImage"))
    assert compared.shape == lines.shape

    # Another sketch, and all the words stay: what is drawn reaches the picture.
    prompt[node_of(prompt, "LoadDelivery")]["inputs"]["file"] = "samples/sketches/clean_ink.png"
    again = delivered(host, run(host, prompt), node_of(prompt, "SaveDelivery"))
    assert captions(again) == captions(files)
    assert not np.array_equal(levels(again[".png"])[0], picture)


def score(report: str) -> list[float]:
    return [float(found) for found in re.findall(r"score (\d\.\d+)", report)]


def test_of_four_portraits_the_best_is_shown(host: dev.Host, fibo_2: str, short: Prompt) -> None:
    # At three steps a guide until 0.8 of them leaves the last one to the caption alone.
    prompt = prepared("napkin_to_portrait", fibo_2, LoadManifest=short, FiboEdit={"steps": 3, "count": 4})
    result = run(host, prompt)
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    made = levels(files[".png"])
    assert [picture.shape for picture in made] == [(HEIGHT, WIDTH, 3)] * 4
    assert len({picture.tobytes() for picture in made}) == 4
    told = [provenance(file) for file in files[".png"]]
    assert [each["seed"] for each in told] == [85, 86, 87, 88]
    assert {each["guide_until"] for each in told} == {0.8}
    assert captions(files)[0]["edit_instruction"].startswith("Use this sketch to generate")
    scores = score(said(result, node_of(prompt, "SketchAgreement")))
    assert len(scores) == 4
    (best,) = shown(host, result, node_of(prompt, "PreviewImage"))
    (number,) = [number for number, picture in enumerate(made) if np.abs(picture - best).max() <= 1]
    assert scores[number] == max(scores)


def test_a_photo_is_lit_anew_with_three_pictures(host: dev.Host, edit_turbo: str) -> None:
    size = {"width": 144, "height": 96}
    small = {"FiboEdit": size, "FiboEncode": size, "Greybox": {"quality": "draft", "longest_side": 144}}
    prompt = prepared("photo_relight_keep_structure", edit_turbo, **small)
    result = run(host, prompt)
    (edges,) = shown(host, result, node_of(prompt, "ControlMap"))
    assert edges.shape == (96, 144, 3) and edges.max() > 128 > edges.mean()
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    (picture,), (file,) = levels(files[".png"]), files[".png"]
    assert picture.shape == (96, 144, 3) and picture.std() > 5
    instruction = captions(files)[0]["edit_instruction"]
    named = ["the edges of <image_1>", "the depth map in <image_2>", "the subject of <image_3>"]
    assert [instruction.count(name) for name in named] == [1, 1, 1] and instruction.count("<image_") == 3
    assert len(set(provenance(file)["images"])) == 3
    shot, before = load(files[".manifest.json"][0]), load(dev.ROOT / "samples" / "product_hero.json")
    assert {name for name in shot if shot[name] != before[name]} == {"lighting"}


def test_fibo_1_starts_from_the_sketch(host: dev.Host) -> None:
    prompt = prepared("sketch_to_product", "studioflow-standin-fibo-1")
    render = prompt[node_of(prompt, "FiboEdit")]
    render["class_type"] = "StudioFlowFiboSampler"
    for name in ("image", "guide_until"):
        del render["inputs"][name]
    render["inputs"]["steps"] = 4
    made = []
    for name in ("phone_photo.jpg", "clean_ink.png"):
        prompt[node_of(prompt, "LoadDelivery")]["inputs"]["file"] = f"samples/sketches/{name}"
        files = delivered(host, run(host, prompt), node_of(prompt, "SaveDelivery"))
        (file,) = files[".png"]
        guide = guided(load(files[".manifest.json"][0]), family=family("fibo-1.0"), role="edges", strength=0.85)
        assert guide.order == () and provenance(file)["strength"] == guide.repaint < 0.7
        assert "edit_instruction" not in captions(files)[0]
        made += levels([file])
    assert made[0].shape == (HEIGHT, WIDTH, 3) and not np.array_equal(*made)


def test_another_models_controlnet_lacks_only_its_weights(host: dev.Host) -> None:
    prompt = copy.deepcopy(recipe("controlnet_other_models").prompt)
    with pytest.raises(PromptRefused) as caught:
        run(host, prompt)
    refused = {node.node_class: node.complaints for node in caught.value.nodes}
    assert refused.keys() == {"CheckpointLoaderSimple", "ControlNetLoader"}
    assert all("not in" in complaint for complaints in refused.values() for complaint in complaints)
    # With files of those names ComfyUI accepts all of it, up to where it reads them.
    for loader, folder in (("CheckpointLoaderSimple", "checkpoints"), ("ControlNetLoader", "controlnet")):
        (name,) = prompt[node_of(prompt, loader)]["inputs"].values()
        (host.base / "models" / folder).mkdir(parents=True, exist_ok=True)
        (host.base / "models" / folder / name).touch()
    with pytest.raises(JobFailed) as failed:
        run(host, prompt)
    assert failed.value.node_class in refused


# ---------------------------------------------------------------- bad input


def failure(host: dev.Host, prompt: Prompt) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        run(host, prompt)
    assert "Traceback" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("tone", [0, 255])
def test_an_empty_page_is_told_at_the_cleanup(host: dev.Host, tone: int) -> None:
    (host.base / "input").mkdir(exist_ok=True)
    Image.new("RGB", (320, 240), (tone, tone, tone)).save(host.base / "input" / f"page_{tone}.png")
    error = failure(host, prepared("sketch_to_product", "auto", LoadDelivery={"file": f"input/page_{tone}.png"}))
    assert error.node_class == "StudioFlowSketchCleanup" and "no drawing in the picture" in str(error)


def test_missing_weights_of_a_detector_are_told_at_the_map(host: dev.Host) -> None:
    error = failure(host, prepared("sketch_to_product", "auto", ControlMap={"method": "pidinet"}))
    assert error.node_class == "StudioFlowControlMap"
    assert "studioflow models get pidinet" in str(error) and "controlnet_aux" in str(error)


def test_too_many_pictures_are_told_where_they_come_together(host: dev.Host, fibo_2: str) -> None:
    prompt = prepared("sketch_to_product", "studioflow-standin-fibo-1")
    guide = node_of(prompt, "GuideWithSketch")
    prompt[guide]["inputs"]["subject"] = [node_of(prompt, "LoadDelivery"), 0]
    error = failure(host, prompt)
    assert error.node_class == "StudioFlowGuideWithSketch" and "looks at no pictures" in str(error)

    # FIBO 2 takes four; here five come in one batch.
    prompt = prepared("sketch_to_product", fibo_2)
    prompt["five"] = {"class_type": "RepeatImageBatch", "inputs": {"image": [guide, 1], "amount": 5}}
    prompt[node_of(prompt, "FiboEdit")]["inputs"]["image"] = ["five", 0]
    error = failure(host, prompt)
    assert error.node_class == "StudioFlowFiboEdit" and "takes fewer pictures" in str(error)
