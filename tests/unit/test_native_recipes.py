"""The recipes for ComfyUI's own FIBO 2 nodes, which the ComfyUI of the tests lacks: held against their definitions."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from studioflow.families import families
from studioflow.fibo.lora_convert import converted_name
from studioflow.recipes import Recipe, recipe, recipe_names

from ..recipe_check import faults, recorded

NATIVE = {
    "fibo2_text_to_image": ("fibo2_dev_int8_convrot.safetensors", "fibo-2.0-dev"),
    "fibo2_turbo": ("fibo2_edit_turbo_int8_convrot.safetensors", "fibo-2.0-edit-turbo"),
    "fibo2_edit": ("fibo2_edit_turbo_int8_convrot.safetensors", "fibo-2.0-edit-turbo"),
    "fibo2_multi_reference": ("fibo2_edit_turbo_int8_convrot.safetensors", "fibo-2.0-edit-turbo"),
    "fibo2_inpaint": ("fibo2_edit_turbo_int8_convrot.safetensors", "fibo-2.0-edit-turbo"),
    "fibo2_lora": ("fibo2_dev_int8_convrot.safetensors", "fibo-2.0-dev"),
    "fibo2_greybox_to_photo": ("fibo2_edit_turbo_int8_convrot.safetensors", "fibo-2.0-edit-turbo"),
    "fibo2_sketch_to_product": ("fibo2_dev_int8_convrot.safetensors", "fibo-2.0-dev"),
}
"""The file of the weights, and the family whose steps and guidance Compile Caption gives for them."""


GUIDED = "fibo2_sketch_to_product"
"""Guide With Sketch decides here what other recipes have as numbers, and the text is encoded a second time."""


@pytest.fixture(params=NATIVE)
def each(request: pytest.FixtureRequest) -> Recipe:
    return recipe(request.param)


def key_of(each: Recipe, class_type: str) -> str:
    """The id of the one node of that class."""
    (key,) = (key for key, node in each.prompt.items() if node["class_type"] == class_type)
    return key


def only(each: Recipe, class_type: str) -> dict[str, Any]:
    """The inputs of the one node of that class."""
    return each.prompt[key_of(each, class_type)]["inputs"]


def test_these_are_all_that_need_the_newer_host() -> None:
    assert {name for name in recipe_names() if "TextEncodeFibo2" in recipe(name).node_classes} == set(NATIVE)


def test_nothing_is_wrong_with_it(each: Recipe) -> None:
    assert faults(each, recorded()) == []


def without(class_type: str, name: str) -> Callable[[Recipe], None]:
    return lambda broken: only(broken, class_type).pop(name)


def with_input(class_type: str, name: str, value: Any) -> Callable[[Recipe], None]:
    return lambda broken: only(broken, class_type).update({name: value})


def on_canvas(class_type: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[Recipe], None]:
    return lambda broken: change(next(node for node in broken.workflow["nodes"] if node["type"] == class_type))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda broken: broken.prompt["1"].update(class_type="TextEncodeFibo3"), "1 TextEncodeFibo3: no such node"),
        (without("TextEncodeFibo2", "clip"), "clip is missing"),
        (without("KSampler", "steps"), "steps is missing"),
        (with_input("TextEncodeFibo2", "images.image_0", ["1", 0]), "no input images.image_0"),
        (with_input("TextEncodeFibo2", "image", ["1", 0]), "no input image"),
        (with_input("KSampler", "positive", ["99", 0]), "node 99, which is not there"),
        (with_input("CLIPLoader", "type", "fibo"), "no option 'fibo'"),
        (with_input("UNETLoader", "unet_name", "fibo2.safetensors"), "no option 'fibo2.safetensors'"),
        (with_input("KSampler", "denoise", 2), "denoise is out of range"),
        (with_input("KSampler", "denoise", True), "denoise takes FLOAT"),
        (with_input("KSampler", "model", "dev"), "takes a link of MODEL"),
        (on_canvas("KSampler", lambda node: node["widgets_values"].pop(1)), "6 widgets instead of 7"),
        (on_canvas("CLIPLoader", lambda node: node["widgets_values"].reverse()), "clip_name is 'default'"),
        (on_canvas("VAEDecode", lambda node: node["inputs"][0].update(link=None)), "links differ"),
        (on_canvas("VAELoader", lambda node: node.update(type="VAEDecode")), "different nodes"),
    ],
)  # fmt: skip
def test_a_broken_recipe_is_told(damage: Callable[[Recipe], Any], told: str) -> None:
    broken = copy.deepcopy(recipe("fibo2_edit"))
    damage(broken)
    found = faults(broken, recorded())
    assert any(told in fault for fault in found), found


def test_a_link_of_another_type_is_told() -> None:
    broken = copy.deepcopy(recipe("fibo2_edit"))
    sampler, text = only(broken, "KSampler"), only(broken, "TextEncodeFibo2")
    sampler["latent_image"][1], text["vae"] = 0, sampler["model"]
    found = "\n".join(faults(broken, recorded()))
    assert "latent_image takes LATENT and gets CONDITIONING" in found and "vae takes VAE and gets MODEL" in found
    sampler["positive"][1] = 3
    assert any("output 3, which is not there" in fault for fault in faults(broken, recorded()))


def test_names_the_official_files_and_where_they_are(each: Recipe) -> None:
    weights, _ = NATIVE[each.name]
    expected = {
        "UNETLoader": (weights, "diffusion_models"),
        "CLIPLoader": ("qwen3vl_4b_bf16.safetensors", "text_encoders"),
        "VAELoader": ("flux2-vae.safetensors", "vae"),
    }
    (note,) = (node["widgets_values"][0] for node in each.workflow["nodes"] if node["type"] == "MarkdownNote")
    for class_type, (name, folder) in expected.items():
        assert name in only(each, class_type).values()
        # ComfyUI offers to download what a loader's properties name.
        (node,) = (node for node in each.workflow["nodes"] if node["type"] == class_type)
        (file,) = node["properties"]["models"]
        url = f"https://huggingface.co/Comfy-Org/Fibo-2.0/resolve/main/{folder}/{name}"
        assert (file["name"], file["directory"], file["url"]) == (name, folder, url)
        assert file["hash_type"] == "SHA256" and re.fullmatch("[0-9a-f]{64}", file["hash"])
        assert f"`models/{folder}/`: [{name}]({url})" in note
    assert "CC BY-NC 4.0" in note and "agreement with Bria" in note and "ComfyUI 0.43" in note


def test_is_sampled_as_its_model_wants(each: Recipe) -> None:
    sampler = only(each, "KSampler")
    assert (sampler["sampler_name"], sampler["scheduler"]) == ("euler", "simple")
    assert sampler["denoise"] == ([key_of(each, "StudioFlowGuideWithSketch"), 6] if each.name == GUIDED else 1)
    compiled = next(key for key, node in each.prompt.items() if node["class_type"] == "StudioFlowCompileCaption")
    assert (sampler["seed"], sampler["steps"], sampler["cfg"]) == tuple([compiled, slot] for slot in (4, 5, 6))
    assert only(each, "StudioFlowCompileCaption")["dialect"] == "fibo-2"
    fields = [node["inputs"] for node in each.prompt.values() if node["class_type"] == "StudioFlowSetField"]
    said = {field["path"]: field["value"] for field in fields}
    _, family = NATIVE[each.name]
    assert said.get("render.model", "fibo-2.0-dev") == family and family in families()


@pytest.mark.parametrize("each", [name for name in NATIVE if name != GUIDED], indirect=True)
def test_pictures_that_are_edited_reach_the_model_as_latents_too(each: Recipe) -> None:
    text = only(each, "TextEncodeFibo2")
    pictures = [name for name in text if name.startswith("images.")]
    pictured = {"fibo2_edit": 1, "fibo2_multi_reference": 2, "fibo2_inpaint": 1, "fibo2_greybox_to_photo": 1}
    count = pictured.get(each.name, 0)
    assert pictures == [f"images.image_{number}" for number in range(1, count + 1)]
    assert ("vae" in text) == bool(pictures)
    if pictures:
        edit = only(each, "StudioFlowEditCaption")
        assert edit["images"] == count and edit["masked"] == (each.name == "fibo2_inpaint")
        named = re.findall(r"<image_(\d)>", edit["instruction"])
        assert sorted(named) == ([] if count == 1 else [str(number) for number in range(1, count + 1)])


def test_the_sketch_counts_until_the_guide_ends_and_the_caption_alone_goes_on() -> None:
    each = recipe(GUIDED)
    guide, compiled = key_of(each, "StudioFlowGuideWithSketch"), key_of(each, "StudioFlowCompileCaption")
    texts = {key: node["inputs"] for key, node in each.prompt.items() if node["class_type"] == "TextEncodeFibo2"}
    (looking,) = (key for key, inputs in texts.items() if "images.image_1" in inputs)
    (plain,) = texts.keys() - {looking}
    assert texts[looking]["images.image_1"] == [guide, 1] and "vae" in texts[looking]
    assert [texts[key]["prompt"] for key in (looking, plain)] == [[guide, 0], [compiled, 0]]
    sampler = only(each, "KSampler")
    for name, slot in (("positive", 0), ("negative", 1)):
        combined = each.prompt[sampler[name][0]]["inputs"]
        ranges = [each.prompt[source]["inputs"] for source, _ in combined.values()]
        assert ranges == [
            {"start": 0, "end": [guide, 7], "conditioning": [looking, slot]},
            {"start": [guide, 7], "end": 1, "conditioning": [plain, slot]},
        ]
    encoded = each.prompt[sampler["latent_image"][0]]["inputs"]["pixels"]
    assert each.prompt[encoded[0]]["inputs"]["image"] == [guide, 5]


def test_nothing_is_wrong_with_the_recipe_for_other_models() -> None:
    assert faults(recipe("controlnet_other_models"), recorded("controlnet")) == []


def test_the_lora_is_the_one_that_is_converted() -> None:
    each = recipe("fibo2_lora")
    convert = only(each, "StudioFlowConvertFiboLora")
    assert only(each, "LoraLoaderModelOnly")["lora_name"] == converted_name(convert["lora"], convert["name"])
