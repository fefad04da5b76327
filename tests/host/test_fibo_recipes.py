"""The recipes that render FIBO through diffusers: every family of the table in every way it was trained for.

Through a real ComfyUI's real queue, with stand-ins that are sampled as their family's real weights are. The delivered
files are opened with Pillow and OpenEXR.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import OpenEXR
import pytest
from PIL import Image

import dev
from studioflow.caption import compile_for
from studioflow.caption.instruct import edit_caption
from studioflow.families import families, family
from studioflow.fibo.folders import STANDIN_MARKER
from studioflow.fibo.standin import NOTICE, make_standins
from studioflow.queue import JobFailed, JobResult
from studioflow.recipes import recipe

from ..srgb import linear_to_srgb
from ..standins import NO_FIBO_2
from .prompts import delivered, run

WIDTH, HEIGHT, SEED = 96, 64, 22
SHOT = {
    "studioflow": "1.0",
    "scene": {"description": "A cup on a table.", "background": "a grey wall"},
    "render": {"width": WIDTH, "height": HEIGHT, "seed": SEED},
}
"""Short, because on a CPU FIBO 2's stand-ins take most of their time to read the caption."""
MOST_STEPS = 8
"""Longer schedules are left after two steps."""
GENERATE = [key for key, row in families().items() if "generate" in row.tasks]
EDIT = [key for key, row in families().items() if "edit" in row.tasks]
BOTH_GENERATIONS = ["fibo-2.0-edit-turbo", "fibo-lite"]
LORA_LAYERS = {
    "fibo-1": {"transformer_blocks.0.attn.to_q": (16, 16), "single_transformer_blocks.0.proj_mlp": (16, 64)},
    "fibo-2": {"layers.0.attention.to_q": (32, 32), "layers.0.feed_forward.w1": (32, 64)},
}
"""Layers of the stand-ins, with the features that go in and come out."""

Prompt = dict[str, Any]
Prepare = Callable[..., Prompt]


@pytest.fixture(scope="module")
def models(host: dev.Host) -> Iterator[list[str]]:
    """The names of a stand-in for each family, which asks for as many steps as the real model."""
    made = make_standins(host.base / "models" / "diffusers", {f"standin-{key}": key for key in families()})
    for folder in made:
        marker = json.loads((folder / STANDIN_MARKER).read_text(encoding="utf-8"))
        marker["steps"] = family(marker["family"]).steps
        (folder / STANDIN_MARKER).write_text(json.dumps(marker), encoding="utf-8")
    yield [folder.name for folder in made]
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pictures(host: dev.Host) -> list[str]:
    """Two pictures in the input folder; the first has a hole, which Load Image gives as the mask. And the shot."""
    (host.base / "input" / "fibo_shot.json").write_text(json.dumps(SHOT), encoding="utf-8")
    across, down = np.meshgrid(np.linspace(0, 255, 120), np.linspace(0, 255, 80))
    colours = np.stack([across, down, 255 - across], axis=-1).astype(np.uint8)
    alpha = np.full((80, 120, 1), 255, np.uint8)
    alpha[20:60, 40:90] = 0
    names = ["fibo_place.png", "fibo_product.png"]
    for name, pixels in zip(names, (np.concatenate([colours, alpha], axis=-1), colours[::-1]), strict=True):
        Image.fromarray(pixels).save(host.base / "input" / name)
    return names


@pytest.fixture
def prepared(models: list[str], pictures: list[str]) -> Prepare:
    """A recipe's prompt for a family: small, of our shot, and with inputs replaced by class without prefix."""

    def prepare(name: str, key: str, **inputs: Prompt) -> Prompt:
        if f"standin-{key}" not in models:
            pytest.skip(NO_FIBO_2)
        prompt = copy.deepcopy(recipe(name).prompt)
        for node in prompt.values():
            kind = node["class_type"].removeprefix("StudioFlow")
            if kind == "FiboLoader":
                node["inputs"]["model"] = f"standin-{key}"
            if kind == "LoadManifest":
                node["inputs"]["manifest"] = "input/fibo_shot.json"
            if kind == "LoadImage":
                node["inputs"]["image"] = pictures[0]
            if kind in ("FiboEdit", "FiboEncode"):
                node["inputs"] |= {"width": WIDTH, "height": HEIGHT}
            if kind in ("FiboEdit", "FiboSampler") and family(key).steps > MOST_STEPS:
                node["inputs"]["stop_at"] = 2
            node["inputs"] |= inputs.get(kind, {})
        return prompt

    return prepare


@pytest.fixture(scope="module")
def lora(host: dev.Host) -> Callable[[str], tuple[str, str]]:
    """Writes a LoRA for stand-ins of a dialect; gives its name in the menu and its SHA-256."""
    from safetensors.numpy import save_file

    def write(dialect: str) -> tuple[str, str]:
        random = np.random.default_rng(7)
        tensors = {}
        for layer, (inputs, outputs) in LORA_LAYERS[dialect].items():
            tensors[f"transformer.{layer}.lora_A.weight"] = random.normal(size=(2, inputs)).astype(np.float32)
            tensors[f"transformer.{layer}.lora_B.weight"] = random.normal(size=(outputs, 2)).astype(np.float32)
        path = host.base / "models" / "loras" / f"look_{dialect}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_file(tensors, path)
        return path.name, hashlib.sha256(path.read_bytes()).hexdigest()

    return write


@dataclass
class Picture:
    """One delivered picture, read by tools that are not ours."""

    levels: np.ndarray
    linear: np.ndarray
    caption: str
    manifest: dict[str, Any]
    provenance: dict[str, Any]

    def same_as(self, other: Picture) -> bool:
        return np.array_equal(self.levels, other.levels) and np.array_equal(self.linear, other.linear)


def node_of(prompt: Prompt, kind: str) -> str:
    (key,) = [key for key, node in prompt.items() if node["class_type"].removeprefix("StudioFlow") == kind]
    return key


def rendered(host: dev.Host, prompt: Prompt) -> list[Picture]:
    """Runs the prompt and reads what its Save Delivery wrote."""
    return read(host, run(host, prompt), node_of(prompt, "SaveDelivery"))


def read(host: dev.Host, result: JobResult, node: str) -> list[Picture]:
    files = delivered(host, result, node)
    assert set(files) == {".png", ".exr", ".manifest.json", ".caption.json"}
    found = []
    for png, exr in zip(files[".png"], files[".exr"], strict=True):
        with Image.open(png) as picture:
            levels, texts = np.asarray(picture).copy(), picture.text
        with OpenEXR.File(str(exr)) as file:
            linear = file.channels()["RGB"].pixels.copy()
        manifest, provenance = (json.loads(texts[f"studioflow:{name}"]) for name in ("manifest", "provenance"))
        found.append(Picture(levels, linear, texts["studioflow:caption"], manifest, provenance))
    return found


def check(picture: Picture, key: str, **facts: Any) -> None:
    """It is a whole picture, the same in both files, and says that this family made it as the table has it."""
    row = family(key)
    assert picture.levels.shape == picture.linear.shape == (HEIGHT, WIDTH, 3)
    assert picture.levels.std() > 5 and picture.linear.dtype == np.float16
    assert np.abs(linear_to_srgb(picture.linear.astype(np.float32)) * 255 - picture.levels).max() < 1.0
    expected = {"family": key, "model": f"standin-{key}", "notice": NOTICE, "seed": SEED}
    expected |= {"steps": row.steps, "cfg": row.cfg, "width": WIDTH, "height": HEIGHT} | facts
    assert picture.provenance | expected == picture.provenance


@pytest.mark.parametrize("key", GENERATE)
def test_every_family_that_generates_does(host: dev.Host, prepared: Prepare, key: str) -> None:
    (picture,) = rendered(host, prepared("product_hero", key))
    check(picture, key)
    assert picture.manifest == SHOT
    assert picture.caption == compile_for(SHOT, "auto", family(key))[0].caption
    assert not {"images", "mask"} & picture.provenance.keys()


@pytest.mark.parametrize("name", ["fibo_edit", "fibo_inpaint"])
@pytest.mark.parametrize("key", EDIT)
def test_every_family_that_edits_does(host: dev.Host, prepared: Prepare, key: str, name: str) -> None:
    prompt = prepared(name, key)
    (picture,) = rendered(host, prompt)
    masked = name == "fibo_inpaint"
    check(picture, key)
    assert len(picture.provenance["images"]) == 1 and ("mask" in picture.provenance) == masked
    edit = prompt[node_of(prompt, "EditCaption")]["inputs"]
    compiled = compile_for(picture.manifest, "auto", family(key))[0].caption
    assert picture.caption == edit_caption(compiled, edit["instruction"], masked=masked).caption
    if not masked:
        assert picture.manifest["scene"]["background"] in edit["instruction"]


@pytest.mark.parametrize("key", ["fibo-2.0-edit-turbo", "fibo-edit-1.5-turbo"])
def test_the_mask_and_the_picture_decide(host: dev.Host, prepared: Prepare, pictures: list[str], key: str) -> None:
    prompt = prepared("fibo_inpaint", key, FiboEdit={"steps": 2})
    (masked,) = rendered(host, prompt)
    prompt[node_of(prompt, "LoadImage")]["inputs"]["image"] = pictures[1]
    del prompt[node_of(prompt, "FiboEdit")]["inputs"]["mask"]
    (other,) = rendered(host, prompt)
    prompt[node_of(prompt, "LoadImage")]["inputs"]["image"] = pictures[0]
    (unmasked,) = rendered(host, prompt)
    assert len({picture.levels.tobytes() for picture in (masked, unmasked, other)}) == 3


# One FIBO 2 only: it looks at each of several pictures at a megapixel, however small they are.
@pytest.mark.parametrize("key", ["fibo-2.0-edit-turbo", "fibo-edit-1.5", "fibo-edit-1.5-turbo"])
def test_two_pictures_become_one(host: dev.Host, prepared: Prepare, pictures: list[str], key: str) -> None:
    (picture,) = rendered(host, with_a_second(prepared("fibo_edit", key), pictures[1]))
    check(picture, key)
    assert len(set(picture.provenance["images"])) == 2
    assert json.loads(picture.caption)["edit_instruction"].count("<image_") == 2


def with_a_second(prompt: Prompt, picture: str) -> Prompt:
    prompt["second"] = {"class_type": "LoadImage", "inputs": {"image": picture}}
    prompt[node_of(prompt, "FiboEdit")]["inputs"]["image_2"] = ["second", 0]
    told = {"instruction": "Place the grinder of <image_2> on the table of <image_1>.", "images": 2}
    prompt[node_of(prompt, "EditCaption")]["inputs"] |= told
    return prompt


def test_a_family_of_one_picture_refuses_two(host: dev.Host, prepared: Prepare, pictures: list[str]) -> None:
    with pytest.raises(JobFailed, match="takes fewer pictures"):
        run(host, with_a_second(prepared("fibo_edit", "fibo-edit"), pictures[1]))


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        *[("fibo_edit", key, "cannot edit pictures") for key in GENERATE if key not in EDIT],
        *[("product_hero", key, "only edits pictures") for key in EDIT if key not in GENERATE],
    ],
)
def test_a_family_refuses_what_it_was_not_trained_for(
    host: dev.Host, prepared: Prepare, name: str, key: str, told: str
) -> None:
    with pytest.raises(JobFailed, match=told):
        run(host, prepared(name, key))


@pytest.mark.parametrize("key", GENERATE)
def test_a_negative_counts_unless_guidance_is_distilled_away(host: dev.Host, prepared: Prepare, key: str) -> None:
    def with_negative(text: str) -> tuple[Picture, str]:
        prompt = prepared("product_hero", key, FiboSampler={"negative": text, "steps": 2})
        result = run(host, prompt)
        (picture,) = read(host, result, node_of(prompt, "SaveDelivery"))
        return picture, "\n".join(result.outputs[node_of(prompt, "FiboSampler")]["studioflow_notice"])

    plain, _ = with_negative("")
    negated, told = with_negative('{"short_description":"blurred, dusty"}')
    assert plain.same_as(negated) == (not family(key).negative)
    assert ("the negative has no effect" in told) == (not family(key).negative)


@pytest.mark.parametrize("key", BOTH_GENERATIONS)
def test_image_to_image_begins_with_the_picture(
    host: dev.Host, prepared: Prepare, pictures: list[str], key: str
) -> None:
    def repainted(image: str, strength: float) -> Picture:
        prompt = prepared("fibo_image_to_image", key, LoadImage={"image": image})
        sampler = prompt[node_of(prompt, "FiboSampler")]["inputs"]
        assert sampler["strength"] == 0.6
        sampler["strength"] = strength
        result = run(host, prompt)
        with Image.open(host.base / "temp" / shown(result, node_of(prompt, "PreviewImage"))) as begin:
            assert begin.size == (WIDTH, HEIGHT)
        (picture,) = read(host, result, node_of(prompt, "SaveDelivery"))
        check(picture, key, strength=strength)
        return picture

    one, other = (repainted(image, 0.6) for image in pictures)
    assert not one.same_as(other)
    # From noise alone, whatever the picture: as a render that was given none.
    (generated,) = rendered(host, prepared("product_hero", key))
    whole = repainted(pictures[0], 1.0)
    assert np.abs(whole.levels.astype(int) - generated.levels).max() <= 1 and not one.same_as(whole)


def shown(result: JobResult, node: str) -> str:
    (image,) = result.outputs[node]["images"]
    return image["filename"]


@pytest.mark.parametrize("key", BOTH_GENERATIONS)
def test_a_second_sampler_goes_on_where_the_first_stopped(host: dev.Host, prepared: Prepare, key: str) -> None:
    whole = prepared("product_hero", key, FiboSampler={"reuse_pictures": False})
    (expected,) = rendered(host, whole)
    halves = copy.deepcopy(whole)
    first, save = node_of(halves, "FiboSampler"), node_of(halves, "SaveDelivery")
    halves["second"] = copy.deepcopy(halves[first])
    halves["second"]["inputs"]["latents"] = [first, 2]
    halves[first]["inputs"]["stop_at"] = 2
    halves[save]["inputs"] |= {"images": ["second", 0], "provenance": ["second", 1]}
    (picture,) = rendered(host, halves)
    check(picture, key, continued_at=2)
    assert picture.same_as(expected)


@pytest.mark.parametrize("key", BOTH_GENERATIONS)
def test_four_pictures_with_a_lora(host: dev.Host, prepared: Prepare, lora: Callable[..., Any], key: str) -> None:
    name, sha256 = lora(family(key).dialect)
    # One of them would be finished already, and rounding goes by the batch.
    afresh = {"count": 2, "reuse_pictures": False}
    plain = rendered(host, prepared("product_hero", key, FiboSampler=afresh))

    def with_lora(strength: float, count: int, **speed: Any) -> list[Picture]:
        changed = {"FiboLora": {"lora": name, "strength": strength}, "FiboSpeed": speed}
        prompt = prepared("fibo_lora_and_speed", key, **changed)
        sampler = prompt[node_of(prompt, "FiboSampler")]["inputs"]
        assert sampler["count"] == 4
        sampler |= {"count": count, "reuse_pictures": False}
        return rendered(host, prompt)

    four = with_lora(1.0, 4)
    assert len(four) == 4
    for number, picture in enumerate(four):
        loras = [{"name": name, "strength": 1.0, "fingerprint": sha256}]
        check(picture, key, seed=SEED + number, loras=loras)
        assert "step_cache" not in picture.provenance
    assert len({picture.levels.tobytes() for picture in (plain[0], *four)}) == 5
    assert all(one.same_as(other) for one, other in zip(with_lora(0.0, 2), plain, strict=True))
    (skipping,) = with_lora(1.0, 1, step_cache=1.0)
    assert skipping.provenance["step_cache"] == 1.0 and not skipping.same_as(four[0])


def test_a_lora_of_the_other_generation_is_told(host: dev.Host, prepared: Prepare, lora: Callable[..., Any]) -> None:
    name, _ = lora("fibo-1")
    with pytest.raises(JobFailed, match="not made for FIBO 2") as caught:
        run(host, prepared("fibo_lora_and_speed", "fibo-2.0-edit-turbo", FiboLora={"lora": name}))
    assert caught.value.node_class == "StudioFlowFiboLora"


def test_a_converted_lora_shows_in_comfyuis_own_menu(host: dev.Host) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    prompt = copy.deepcopy(recipe("fibo2_lora").prompt)
    convert = node_of(prompt, "ConvertFiboLora")
    given, wanted = prompt[convert]["inputs"]["lora"], prompt[node_of(prompt, "LoraLoaderModelOnly")]["inputs"]
    folder = host.base / "models" / "loras"
    folder.mkdir(exist_ok=True)
    factors = {"lora_A": np.ones((1, 3584), np.float32), "lora_B": np.ones((3584, 1), np.float32)}
    save_file({f"transformer.layers.0.attention.to_q.{name}.weight": each for name, each in factors.items()},
              folder / given)  # fmt: skip
    # The rest of the recipe needs a newer ComfyUI.
    run(host, {convert: prompt[convert]})
    menu = dev.get(f"{host.url}/object_info/LoraLoaderModelOnly", timeout=60)["LoraLoaderModelOnly"]
    assert wanted["lora_name"] in menu["input"]["required"]["lora_name"][0]
    with safe_open(folder / wanted["lora_name"], framework="np") as file:
        assert all(key.startswith("diffusion_model.layers.0.attention.qkv.") for key in file.keys())
