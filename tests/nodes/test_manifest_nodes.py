"""The nodes that read, change, review and write manifests, called as ComfyUI calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .test_contracts import IDS
from .test_execute import run

# Like all that load or run FIBO, those that take pictures or files have tests of their own.
PICTURES = {"SaveDelivery", "SaveExr", "SaveTiff", "Layers", "ColorTransform", "ToneMap", "RangeExpansion"}
PICTURES |= {"MergeExposures", "MaskToFibo", "LoadDelivery", "InspectFile", "CompileCaption", "LoadManifest", "Greybox"}
PICTURES |= {"SketchCleanup", "ControlMap", "GuideWithSketch", "SketchAgreement"}
# Nor is there a language model to ask here.
PICTURES |= {"BriefToManifestLlm", "PictureToManifest", "EditInstruction", "LocalVlm"}
NEW = [name for name in IDS if name.removeprefix("StudioFlow") not in PICTURES and "Fibo" not in name]


@pytest.fixture
def hero(nodes: dict[str, type]) -> dict[str, Any]:
    return run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]


def manifest_of(node: Any, **inputs: Any) -> dict[str, Any]:
    return run(node, **inputs).args[0]


def test_every_node_works_with_what_its_widgets_start_with(nodes: dict[str, type], hero: Any) -> None:
    given = dict.fromkeys(("manifest", "base", "top", "before", "after"), hero)
    position, target = {"x": 1, "y": 1, "z": 2}, {"x": 0, "y": 0, "z": 0}
    given["instruction"] = "Make the cup blue"
    given["camera_info"] = {"position": position, "target": target, "zoom": 1, "cameraType": "perspective"}
    for name in NEW:
        schema = nodes[name].GET_SCHEMA()
        inputs = {}
        for socket in schema.inputs:
            if socket.id in given and not socket.optional:
                inputs[socket.id] = given[socket.id]
            elif not socket.optional:
                inputs[socket.id] = socket.default
        assert run(nodes[name], **inputs).args, name


def test_a_delivered_picture_opens_as_the_shot_it_shows(nodes: dict[str, type], hero: Any, base: Path) -> None:
    import torch

    saved = run(
        nodes["StudioFlowSaveDelivery"],
        {"prompt": {"1": {}}, "extra_pnginfo": {}},
        images=torch.zeros(1, 16, 16, 3),
        manifest=hero,
        preset="PNG + EXR",
        filename_prefix="StudioFlow/reopened",
    ).ui["studioflow_files"]
    shot = {key: value for key, value in hero.items() if key != "$schema"}
    menu = nodes["StudioFlowLoadManifest"].define_schema().inputs[0].options
    for file in saved[:3]:
        name = f"output/StudioFlow/{file['filename']}"
        assert name in menu
        assert manifest_of(nodes["StudioFlowLoadManifest"], manifest=name) == shot


def test_what_was_converted_is_shown_at_the_node(nodes: dict[str, type], base: Path) -> None:
    old = {"scene": {"description": "a kettle", "seed": 3}, "camera": {"lens": {"focal_length_mm": 85}}}
    (base / "input" / "old.json").write_text(json.dumps(old))
    output = run(nodes["StudioFlowLoadManifest"], manifest="input/old.json")
    assert output.args[0]["render"] == {"seed": 3}
    assert any("became render.seed" in line for line in output.ui["studioflow_notice"])


def test_a_template_is_filled_and_read(nodes: dict[str, type]) -> None:
    text = '{"studioflow": "1.0", "scene": {}, "camera": {"lens": {"focal_length_mm": "{focal}"}}}'
    shot = manifest_of(nodes["StudioFlowManifestFromText"], text=text, values="focal = 85")
    assert shot["camera"]["lens"]["focal_length_mm"] == 85


def test_a_caption_is_laid_on_a_shot(nodes: dict[str, type], hero: Any) -> None:
    caption = '```json\n{"short_description": "a cup", "lighting": {"shadows": "none"}}\n```'
    shot = manifest_of(nodes["StudioFlowImportCaption"], caption=caption, manifest=hero)
    assert shot["camera"] == hero["camera"] and shot["caption"]["lighting"] == {"shadows": "none"}
    text = run(nodes["StudioFlowCompileCaption"], manifest=shot, dialect="auto").args[0]
    assert '"short_description":"a cup"' in text and '"shadows":"none"' in text


def test_what_is_saved_opens_again(nodes: dict[str, type], hero: Any, base: Path) -> None:
    save, load = nodes["StudioFlowSaveManifest"], nodes["StudioFlowLoadManifest"]
    shot, first = run(save, manifest=hero, folder="user", name="kept/hero", if_it_exists="number").args
    _, second = run(save, manifest=hero, folder="user", name="kept/hero", if_it_exists="number").args
    assert (first, second) == ("user/kept/hero_00001.json", "user/kept/hero_00002.json") and shot is hero
    assert manifest_of(load, manifest=first) == {key: value for key, value in hero.items() if key != "$schema"}
    _, fixed = run(save, manifest=hero, folder="input", name="hero.json", if_it_exists="refuse").args
    assert fixed == "input/hero.json"
    with pytest.raises(Exception, match="a file of that name is already there"):
        run(save, manifest=hero, folder="input", name="hero", if_it_exists="refuse")
    changed = hero | {"scene": {"mood": "wild"}}
    run(save, manifest=changed, folder="input", name="hero", if_it_exists="replace")
    assert manifest_of(load, manifest="input/hero.json")["scene"] == {"mood": "wild"}


@pytest.mark.parametrize(
    "name", ["../out", "/etc/x", "a/../../x", "", ".", "a/", "a\0b", "..\\..\\x/../../y", "n" * 300, "\ud800"]
)
def test_a_name_that_leaves_its_folder_is_refused_before_the_run(nodes: dict[str, type], name: str, base: Path) -> None:
    before = sorted(base.rglob("*"))
    told = nodes["StudioFlowSaveManifest"].validate_inputs(name=name)
    assert isinstance(told, str) and "found" in told
    assert sorted(base.rglob("*")) == before


def test_variations_come_as_a_list(nodes: dict[str, type], hero: Any) -> None:
    node = nodes["StudioFlowVaryManifest"]
    shots = run(node, manifest=hero, ranges="camera.orbit.azimuth_deg = -30 .. 30", seed=5, count=3).args[0]
    assert len({shot["camera"]["orbit"]["azimuth_deg"] for shot in shots}) == 3
    assert node.GET_SCHEMA().outputs[0].is_output_list
    again = run(node, manifest=hero, ranges="camera.orbit.azimuth_deg = -30 .. 30", seed=6, count=1).args[0]
    assert again == shots[1:2]


def test_the_difference_is_shown_and_can_be_applied(nodes: dict[str, type], hero: Any) -> None:
    after = manifest_of(nodes["StudioFlowSetField"], manifest=hero, path="camera.lens.aperture", value="8")
    output = run(nodes["StudioFlowDiffManifests"], before=hero, after=after, dialect="fibo-2")
    text, patch, html, same = output.args
    assert "camera.lens.aperture" in text and "2.8 → " in text and not same
    assert output.ui["studioflow_notice"] == [text] and html.startswith("<!")
    applied = manifest_of(nodes["StudioFlowPatchManifest"], manifest=hero, patch=patch, last_writer_wins=False)
    assert applied == after
    assert run(nodes["StudioFlowDiffManifests"], before=hero, after=hero, dialect="fibo-2").args[3]


def test_a_shot_is_checked_mended_and_held_back(nodes: dict[str, type], hero: Any) -> None:
    node = nodes["StudioFlowCheckManifest"]
    shot, report, score = run(node, manifest=hero, fix=False, stop_on="errors and warnings").args
    assert shot is hero and "completeness" in report and 80 <= score <= 100
    odd = hero | {"render": {"width": 1024, "height": 1024, "megapixels": 1, "seed": 3}}
    with pytest.raises(Exception, match="the shot is not ready"):
        run(node, manifest=odd, fix=False, stop_on="errors and warnings")
    mended, report, _ = run(node, manifest=odd, fix=True, stop_on="errors and warnings").args
    assert mended["render"] == {"width": 1024, "height": 1024, "seed": 3} and "mended: megapixels-ignored" in report
