"""Recipes through a real ComfyUI's real queue, and the files read back."""

from __future__ import annotations

import asyncio
import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dev
from studioflow.caption import compile_for
from studioflow.families import family
from studioflow.fibo.standin import NOTICE
from studioflow.manifest import load
from studioflow.queue import ComfyClient, JobFailed, JobInterrupted, Progress, PromptRefused
from studioflow.recipes import recipe, recipe_names

from ..recipe_check import recorded
from ..srgb import linear_to_srgb


def small(sample: Path, folder: Path, **render: object) -> Path:
    """The sample at a size that renders in a moment."""
    document = json.loads(sample.read_text(encoding="utf-8"))
    document.pop("$schema")
    document["render"] = {"width": 128, "height": 96, "steps": 3, "seed": 22} | render
    path = folder / "small.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def rendered(studioflow, host: dev.Host, manifest: Path, out: Path, *more: str) -> dict[str, Path]:
    done = studioflow("render", manifest, "--server", host.url, "--out", out, *more)
    assert done.returncode == 0, done.stderr
    assert NOTICE in done.stdout + done.stderr
    files = [Path(line) for line in done.stdout.splitlines() if line.startswith(str(out))]
    return {"".join(path.suffixes): path for path in files}


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_uses_only_nodes_the_host_has(host: dev.Host, name: str) -> None:
    known = dev.get(f"{host.url}/object_info", timeout=60)
    # Recipes for a newer ComfyUI are held against its definitions by tests/nodes and tests/browser.
    assert recipe(name).node_classes <= known.keys() | recorded().keys()


def test_delivers_png_exr_manifest_and_caption(host: dev.Host, studioflow, sample: Path, tmp_path: Path) -> None:
    import OpenEXR

    shot = small(sample, tmp_path)
    files = rendered(studioflow, host, shot, tmp_path / "out")
    assert set(files) == {".png", ".exr", ".manifest.json", ".caption.json"}
    manifest = load(shot)

    with Image.open(files[".png"]) as picture:
        levels, texts = np.asarray(picture), picture.text
    assert levels.shape == (96, 128, 3) and levels.std() > 5
    assert json.loads(texts["studioflow:manifest"]) == manifest
    provenance = json.loads(texts["studioflow:provenance"])
    expected, _ = compile_for(manifest, "auto", family(provenance["family"]))
    assert texts["studioflow:caption"] == expected.caption
    assert provenance["notice"] == NOTICE and provenance["seed"] == 22 and provenance["steps"] == 3

    # The workflow inside is the recipe with this manifest, in both forms, so that it can be opened and run again.
    prompt, workflow = json.loads(texts["prompt"]), json.loads(texts["workflow"])
    chosen = prompt["1"]["inputs"]["manifest"]
    assert chosen.startswith("input/studioflow/small-")
    assert next(node for node in workflow["nodes"] if node["id"] == 1)["widgets_values"] == [chosen]

    with OpenEXR.File(str(files[".exr"])) as file:
        header, linear = dict(file.header()), file.channels()["RGB"].pixels
    assert linear.dtype == np.float16 and linear.shape == (96, 128, 3)
    assert json.loads(header["studioflow:manifest"]) == manifest
    # Both files are of the same float picture: the EXR, encoded again, rounds to the PNG.
    assert np.abs(linear_to_srgb(linear.astype(np.float32)) * 255 - levels).max() < 1.0

    assert json.loads(files[".manifest.json"].read_text(encoding="utf-8")) == manifest
    assert files[".caption.json"].read_text(encoding="utf-8").strip() == expected.caption


def test_the_same_shot_twice_gives_the_same_bits(host: dev.Host, studioflow, sample: Path, tmp_path: Path) -> None:
    shot = small(sample, tmp_path)
    first = rendered(studioflow, host, shot, tmp_path / "one")
    # Another prefix of the same picture would come from ComfyUI's cache; other pictures in between push it out.
    rendered(studioflow, host, small(sample, tmp_path, seed=1), tmp_path / "between")
    shutil.rmtree(host.base / "user" / "__studioflow" / "renders")
    second = rendered(studioflow, host, small(sample, tmp_path), tmp_path / "two")
    assert first[".png"].name != second[".png"].name
    for kind in (".png", ".exr"):
        assert pixels(first[kind]).tobytes() == pixels(second[kind]).tobytes()


def pixels(path: Path) -> np.ndarray:
    if path.suffix == ".png":
        with Image.open(path) as picture:
            return np.asarray(picture).copy()
    import OpenEXR

    with OpenEXR.File(str(path)) as file:
        return file.channels()["RGB"].pixels.copy()


def test_fibo_1_renders_with_the_same_recipe(host: dev.Host, studioflow, sample: Path, tmp_path: Path) -> None:
    files = rendered(
        studioflow, host, small(sample, tmp_path), tmp_path / "out", "--model", "studioflow-standin-fibo-1"
    )
    caption = json.loads(files[".caption.json"].read_text(encoding="utf-8"))
    assert caption["aesthetics"]["preference_score"] == "very high"


def test_a_delivered_picture_is_rendered_again(host: dev.Host, studioflow, sample: Path, tmp_path: Path) -> None:
    first = rendered(studioflow, host, small(sample, tmp_path, seed=5), tmp_path / "one")
    rendered(studioflow, host, small(sample, tmp_path, seed=6), tmp_path / "between")
    again = rendered(studioflow, host, first[".exr"], tmp_path / "two")
    assert pixels(first[".png"]).tobytes() == pixels(again[".png"]).tobytes()


def test_count_gives_pictures_with_following_seeds(host: dev.Host, studioflow, sample: Path, tmp_path: Path) -> None:
    done = studioflow("render", small(sample, tmp_path, count=2), "--server", host.url, "--out", tmp_path / "out")
    pngs = sorted((tmp_path / "out").glob("*.png"))
    assert done.returncode == 0 and len(pngs) == 2
    seeds = []
    for path in pngs:
        with Image.open(path) as picture:
            seeds.append(json.loads(picture.text["studioflow:provenance"])["seed"])
    assert seeds == [22, 23]


def test_help_pages_and_recipe_are_served(host: dev.Host) -> None:
    templates = dev.get(f"{host.url}/api/workflow_templates")
    assert "product_hero" in templates["studioflow"]
    assert dev.get(f"{host.url}/api/workflow_templates/studioflow/product_hero.json")["nodes"]


QUICK = {"width": 64, "height": 64, "steps": 2, "count": 1}


def prompt_with(**inputs: dict[str, object]) -> dict:
    """The recipe's prompt with inputs of nodes (by class, without the prefix) replaced."""
    prompt = copy.deepcopy(recipe("product_hero").prompt)
    for node in prompt.values():
        node["inputs"] |= inputs.get(node["class_type"].removeprefix("StudioFlow"), {})
    return prompt


def submit(host: dev.Host, prompt: dict) -> None:
    async def run() -> None:
        async with ComfyClient(host.url) as comfy:
            await (await comfy.submit(prompt)).wait()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"LoadManifest": {"manifest": "samples/../../secret.json"}}, "leaves its folder"),
        ({"LoadManifest": {"manifest": "samples/product_hro.json"}}, 'did you mean "samples/product_hero.json"'),
        ({"FiboLoader": {"model": "Flux"}}, "no such FIBO model"),
        ({"FiboLoader": {"model": ""}}, "no such FIBO model"),
        ({"SaveDelivery": {"filename_prefix": "../../out"}}, "leaves the output folder"),
        ({"FiboSampler": {"steps": 0}}, "smaller than min"),
    ],
)
def test_bad_widgets_are_refused_when_queued(host: dev.Host, inputs: dict, told: str) -> None:
    with pytest.raises(PromptRefused, match=told):
        submit(host, prompt_with(**inputs))


def test_a_width_off_the_grid_is_told_at_the_sampler(host: dev.Host) -> None:
    with pytest.raises(JobFailed, match="take 992 or 1008") as caught:
        submit(host, prompt_with(FiboSampler=QUICK | {"width": 1000}))
    assert caught.value.node_class == "StudioFlowFiboSampler"


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"FiboLoader": {"dtype": "int3"}}, "no such dtype"),
        ({"CompileCaption": {"dialect": "fibo2"}}, 'did you mean "fibo-2"'),
        (
            {"FiboLoader": {"model": "studioflow-standin-fibo-1"}, "CompileCaption": {"dialect": "fibo-2"}},
            "does not fit the loaded model",
        ),
        ({"FiboSampler": QUICK, "SaveDelivery": {"preset": "TIFF"}}, "no such delivery preset"),
    ],
)
def test_menu_values_that_the_host_lets_through_are_told_at_the_node(host: dev.Host, inputs: dict, told: str) -> None:
    # Host 0.3.75 does not check the menus of V3 nodes.
    with pytest.raises((JobFailed, PromptRefused), match=told):
        submit(host, prompt_with(**inputs))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("", "empty"),
        ('{"studioflow": "1.0", "scene": {}, "scene": {}}', "twice"),
        ('{"studioflow": "1.0", "scene": {"mod": "calm"}}', 'did you mean "mood"'),
        ('{"studioflow": "1.0", "scene": {}, "camera": {"lens": {"aperture": NaN}}}', "NaN"),
        ('{"studioflow": "1.0", "scene": {}, "render": {"width": 1000, "height": 1024}}', "take 992 or 1008"),
    ],
)
def test_a_bad_manifest_is_told_at_its_node(host: dev.Host, text: str, told: str) -> None:
    (host.base / "input" / "bad.json").write_text(text)
    with pytest.raises(JobFailed, match=told) as caught:
        submit(host, prompt_with(LoadManifest={"manifest": "input/bad.json"}))
    assert caught.value.node_class == "StudioFlowLoadManifest"


def test_a_half_copied_model_is_told_at_the_loader(host: dev.Host) -> None:
    broken = host.base / "models" / "diffusers" / "broken"
    broken.mkdir()
    whole = host.base / "models" / "diffusers" / "studioflow-standin-fibo-1" / "model_index.json"
    (broken / "model_index.json").write_bytes(whole.read_bytes())
    try:
        with pytest.raises(JobFailed, match="not complete"):
            submit(host, prompt_with(FiboLoader={"model": "broken"}))
    finally:
        shutil.rmtree(broken)


def test_unwritable_output_is_one_error_and_no_half_file(host: dev.Host) -> None:
    blocked = host.base / "output" / "blocked"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(JobFailed, match="cannot be used"):
        submit(host, prompt_with(FiboSampler=QUICK, SaveDelivery={"filename_prefix": "blocked/hero"}))
    assert not list(host.base.rglob("*.part"))


def test_cancel_stops_a_running_render_and_the_next_one_works(host: dev.Host) -> None:
    async def run() -> None:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(prompt_with(FiboSampler=QUICK | {"steps": 200, "width": 512, "height": 512}))
            async for event in job.events():
                if isinstance(event, Progress) and event.node_class.endswith("FiboSampler") and event.value >= 2:
                    break
            assert await job.cancel()
            with pytest.raises(JobInterrupted):
                await job.wait()
            assert event.max == 200 and event.value < 100
            await (await comfy.submit(prompt_with(FiboSampler=QUICK | {"seed": 9}))).wait()

    asyncio.run(run())


def test_errors_on_the_command_line_exit_1_and_leave_nothing(
    host: dev.Host, studioflow, sample: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cases = {
        "no such recipe": ("render", sample, "--server", host.url, "--out", out, "--recipe", "product_her"),
        "no such FIBO model": ("render", sample, "--server", host.url, "--out", out, "--model", "nope"),
        "cannot be read": ("render", tmp_path / "none.json", "--server", host.url, "--out", out),
    }
    for told, arguments in cases.items():
        done = studioflow(*arguments)
        assert done.returncode == 1 and told in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
    assert not out.exists() or not list(out.iterdir())


def test_a_server_without_the_pack_is_told(comfyui: Path, studioflow, sample: Path, tmp_path: Path) -> None:
    import sys

    with dev.running_host(
        sys.executable,
        comfyui,
        base_dir=tmp_path / "bare",
        extra_args=["--disable-all-custom-nodes"],
        check_pack=False,
    ) as bare:
        done = studioflow("render", sample, "--server", bare.url, "--out", tmp_path / "out")
    assert done.returncode == 1 and "StudioFlowLoadManifest" in done.stderr and "custom_nodes" in done.stderr
