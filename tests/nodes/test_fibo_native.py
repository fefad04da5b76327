"""The nodes in front of ComfyUI's own FIBO 2 nodes, called as ComfyUI calls them; and the recipes that use them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from studioflow.recipes import recipe, recipe_names

from ..recipe_check import faults, recorded
from .test_execute import run

torch.set_num_threads(1)
NATIVE = [name for name in recipe_names() if "TextEncodeFibo2" in recipe(name).node_classes]


def size(nodes: dict[str, type], **inputs: Any) -> tuple[tuple[int, int], list[str]]:
    """Width and height, and what the node says."""
    given = {"aspect_ratio": "1:1", "megapixels": 1.0, "dialect": "fibo-2", "custom_ratio": "21:9"} | inputs
    result = run(nodes["StudioFlowFiboSize"], **given)
    return result.args, result.ui["studioflow_notice"]


def test_size_of_the_menu_of_a_text_and_of_a_picture(nodes: dict[str, type]) -> None:
    assert size(nodes, aspect_ratio="3:2") == ((1248, 832), ["1248 × 832"])
    assert size(nodes, aspect_ratio="custom")[0] == (1568, 672)
    assert size(nodes, aspect_ratio="image", image=torch.zeros(2, 90, 160, 3))[0] == (1424, 800)
    assert size(nodes, aspect_ratio="9:7", dialect="fibo-1")[0] == (1152, 896)


def test_a_large_size_names_the_remedy(nodes: dict[str, type]) -> None:
    (width, height), told = size(nodes, megapixels=4.0)
    assert (width, height) == (2048, 2048)
    assert "ScaleROPE" in told[1] and "0.5" in told[1]


def test_the_menu_holds_the_trained_ratios(nodes: dict[str, type]) -> None:
    menu = nodes["StudioFlowFiboSize"].define_schema().inputs[0].options
    assert menu[:3] == ["image", "custom", "1:1"] and {"16:9", "19:13"} <= set(menu)
    for ratio in menu[2:]:
        assert size(nodes, aspect_ratio=ratio)[0]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"aspect_ratio": "image"}, "no image to take the ratio from"),
        ({"aspect_ratio": "custom", "custom_ratio": "16/9"}, "this is no ratio"),
        ({"aspect_ratio": "custom", "custom_ratio": "40:1"}, "too long and thin"),
        ({"aspect_ratio": "16:10"}, "no such choice"),
    ],
)
def test_a_size_that_cannot_be_given(nodes: dict[str, type], inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(Exception, match=told):
        size(nodes, **inputs)


def test_a_mask_painted_in_comfyui_is_grey_in_the_picture(nodes: dict[str, type], base: Path) -> None:
    from nodes import LoadImage  # ComfyUI's own

    levels = np.random.default_rng(3).integers(0, 256, (20, 30, 4), np.uint8)
    levels[..., 3] = np.where(np.arange(30) < 12, 0, 255)  # what the mask editor leaves: masked is transparent
    Image.fromarray(levels, "RGBA").save(base / "input" / "masked.png")
    image, mask = LoadImage().load_image("masked.png")
    result = run(nodes["StudioFlowMaskToFibo"], image=image, mask=mask, invert=False)
    painted = (result.args[0][0] * 255).round().byte().numpy()
    assert (painted[:, :12] == 128).all() and (painted[:, 12:] == levels[:, 12:, :3]).all()
    assert result.ui["studioflow_notice"] == ["40.0% of the picture is grey"]
    rest = run(nodes["StudioFlowMaskToFibo"], image=image, mask=mask, invert=True).args[0][0]
    assert ((rest[:, 12:] * 255).round() == 128).all()


def test_no_mask_painted_is_told(nodes: dict[str, type], base: Path) -> None:
    from nodes import LoadImage

    Image.new("RGB", (30, 20)).save(base / "input" / "unmasked.png")
    image, mask = LoadImage().load_image("unmasked.png")
    with pytest.raises(Exception, match="a mask of 64 × 64 for an image of 30 × 20 pixels") as caught:
        run(nodes["StudioFlowMaskToFibo"], image=image, mask=mask, invert=False)
    assert "paint a mask" in str(caught.value)


@pytest.mark.parametrize("name", NATIVE)
def test_recipes_for_comfyuis_own_nodes_fit_both_kinds_of_nodes(nodes: dict[str, type], base: Path, name: str) -> None:
    from nodes import NODE_CLASS_MAPPINGS as of_comfyui

    # The file that fibo2_lora converts: the name of it is the person's own.
    (base / "models" / "loras").mkdir(parents=True, exist_ok=True)
    (base / "models" / "loras" / "my_lora.safetensors").touch()
    ours = {node_id: node.GET_NODE_INFO_V1() for node_id, node in nodes.items()}
    assert faults(recipe(name), ours | recorded()) == []
    # Which nodes the host of the tests lacks is known, so that the list does not grow unseen.
    assert recipe(name).node_classes - of_comfyui.keys() - ours.keys() == {"TextEncodeFibo2"}


EXPECTED = {
    # steps, guidance, size and keys of the caption's end
    "fibo2_text_to_image": (50, 5.0, (1248, 832), "artistic_style"),
    "fibo2_turbo": (4, 1.0, (896, 1120), "artistic_style"),
    "fibo2_edit": (4, 1.0, (1024, 1024), "edit_instruction"),
    "fibo2_multi_reference": (4, 1.0, (1024, 1024), "edit_instruction"),
    "fibo2_inpaint": (4, 1.0, (1024, 1024), "edit_instruction"),
    "fibo2_lora": (50, 5.0, (1248, 832), "artistic_style"),
    "fibo2_greybox_to_photo": (4, 1.0, (1248, 832), "edit_instruction"),
    "fibo2_sketch_to_product": (50, 5.0, (896, 1120), "edit_instruction"),
}


@pytest.mark.parametrize("name", NATIVE)
def test_what_a_recipe_gives_to_comfyuis_own_nodes(nodes: dict[str, type], base: Path, name: str) -> None:
    picture = Image.new("RGBA", (96, 96), (200, 30, 30, 255))
    picture.paste((200, 30, 30, 0), (0, 0, 96, 48))
    picture.save(base / "input" / "example.png")
    text, sampler = (inputs_of(nodes, recipe(name).prompt, kind) for kind in ("TextEncodeFibo2", "KSampler"))
    steps, cfg, size_, last = EXPECTED[name]
    assert (sampler["steps"], sampler["cfg"], (text["width"], text["height"])) == (steps, cfg, size_)
    caption = json.loads(text["prompt"])
    assert list(caption)[-1] == last and "aesthetic_score" not in text["prompt"]
    assert text["negative_prompt"] == "" or json.loads(text["negative_prompt"])
    shown = text.get("images.image_1")
    if name == "fibo2_greybox_to_photo":
        assert shown.shape == (1, 21, 32, 3) and shown.std() > 0.05
        return
    grey = None if shown is None else (shown[0, 0, 0] * 255).round().tolist()
    edits = {"fibo2_inpaint": [128] * 3, "fibo2_edit": [200, 30, 30], "fibo2_multi_reference": [200, 30, 30]}
    edits["fibo2_sketch_to_product"] = [0] * 3  # lines are white on black
    assert grey == edits.get(name)


def inputs_of(nodes: dict[str, type], prompt: dict[str, Any], class_type: str) -> dict[str, Any]:
    """What the one node of that class is given, as far as it comes from StudioFlow's nodes and Load Image.

    Where a guide ends before the render does, a second node without pictures stands for the rest.
    """
    from nodes import LoadImage

    @functools.cache
    def outputs(key: str) -> tuple[Any, ...] | None:
        node = prompt[key]
        if node["class_type"] == "LoadImage":
            return LoadImage().load_image(node["inputs"]["image"])
        if not node["class_type"].startswith("StudioFlow"):
            return None
        small = {"quality": "draft", "longest_side": 32} if node["class_type"] == "StudioFlowGreybox" else {}
        return run(nodes[node["class_type"]], **resolved(node["inputs"]) | small).args

    def resolved(inputs: dict[str, Any]) -> dict[str, Any]:
        values = {}
        for name, value in inputs.items():
            given = outputs(value[0]) if isinstance(value, list) else None
            values[name] = given[value[1]] if given else value
        return values

    every = [node["inputs"] for node in prompt.values() if node["class_type"] == class_type]
    (inputs,) = every if len(every) == 1 else (one for one in every if "images.image_1" in one)
    return resolved(inputs)


def test_what_is_recorded_of_other_nodes_is_what_the_host_says(nodes: dict[str, type]) -> None:
    from nodes import NODE_CLASS_MAPPINGS as of_comfyui

    for name, node in recorded().items():
        if name == "TextEncodeFibo2":
            continue
        now = of_comfyui[name].INPUT_TYPES()
        for group in ("required", "optional"):
            assert list(now.get(group, {})) == node["input_order"].get(group, []), name
            for key, (kind, *_) in now.get(group, {}).items():
                menu = isinstance(kind, list)  # of files, which differ from machine to machine
                assert isinstance(node["input"][group][key][0], list) if menu else node["input"][group][key][0] == kind
        assert list(of_comfyui[name].RETURN_TYPES) == node["output"]
