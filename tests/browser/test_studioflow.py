"""What a person finds in ComfyUI once StudioFlow is installed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import expect

import dev
from studioflow.recipes import recipe_names

from .canvas import Canvas

NODES = {
    "StudioFlowLoadManifest": ("Load Manifest", "StudioFlow/Manifest"),
    "StudioFlowCompileCaption": ("Compile Caption", "StudioFlow/Caption"),
    "StudioFlowFiboLoader": ("FIBO Loader", "StudioFlow/FIBO"),
    "StudioFlowFiboSampler": ("FIBO Sampler", "StudioFlow/FIBO"),
    "StudioFlowSaveDelivery": ("Save Delivery", "StudioFlow/Delivery"),
}
RECIPE = "product_hero"
NOTICE = "stand-in weights: the picture is noise"


def shipped(file: str) -> Any:
    """A JSON file of the recipes that ship."""
    return json.loads((dev.ROOT / "recipes" / file).read_text(encoding="utf-8"))


def shipped_nodes() -> Counter[str]:
    return Counter(node["type"] for node in shipped(f"{RECIPE}.json")["nodes"])


@pytest.fixture
def recipe(canvas: Canvas) -> Canvas:
    """The page with the recipe open."""
    canvas.open_recipe(RECIPE)
    return canvas


def choose_manifest(canvas: Canvas, name: str) -> None:
    canvas.set_widget("StudioFlowLoadManifest", "manifest", name)


def test_nodes_are_registered_and_explained(canvas: Canvas) -> None:
    known = canvas.definitions("StudioFlow")
    assert NODES.items() <= {name: (node["title"], node["category"]) for name, node in known.items()}.items()
    for name, node in known.items():
        assert node["category"].startswith("StudioFlow/"), name
        assert node["description"], name
        inputs = {**node["input"].get("required", {}), **node["input"].get("optional", {})}
        silent = [key for key, (_, options) in inputs.items() if not options.get("tooltip")]
        silent += [key for key, tip in zip(node["output_name"], node["output_tooltips"] or [], strict=True) if not tip]
        assert not silent, f"{name} has no tooltip for {silent}"


def test_a_first_visit_offers_the_recipe(tab: Canvas) -> None:
    tab.open_first_time()
    tab.choose_template(RECIPE)
    assert tab.nodes() == shipped_nodes()
    assert set(NODES) <= set(tab.nodes())
    assert tab.faulty_nodes() == []
    tab.expect_no_complaint()
    expect(tab.drawn_as_elements).to_have_count(shipped_nodes().total() if tab.renderer.vue_nodes else 0)


def test_the_templates_browser_offers_every_recipe(canvas: Canvas) -> None:
    names = recipe_names()
    assert sorted(canvas.page.request.get("/api/workflow_templates").json()["studioflow"]) == sorted(names)
    canvas.browse_templates("studioflow")
    offered = canvas.templates(until=len(names))
    assert sorted(offered) == sorted(names)
    for file in (f"{name}{suffix}" for name in names for suffix in (".json", ".jpg")):
        answer = canvas.page.request.get(f"/api/workflow_templates/studioflow/{file}")
        assert answer.body() == (dev.ROOT / "recipes" / file).read_bytes(), file
    last = [name for name in offered if not name.startswith("fibo2_")][-1]  # those need a newer ComfyUI
    canvas.choose_template(last)
    assert canvas.nodes() == Counter(node["type"] for node in shipped(f"{last}.json")["nodes"]), last
    assert canvas.faulty_nodes() == [], last
    canvas.expect_no_complaint()
    assert canvas.prompt() == shipped(f"api/{last}.json"), last


def test_run_renders_and_delivers(recipe: Canvas, host: dev.Host) -> None:
    choose_manifest(recipe, "input/small.json")
    recipe.run()
    assert recipe.wait_for_preview("StudioFlowSaveDelivery") == [384, 256]
    recipe.expect_no_complaint()
    delivered = (host.base / "output" / "StudioFlow").glob("product_hero_*")
    written = {"".join(file.suffixes) for file in delivered}
    assert written == {".png", ".exr", ".manifest.json", ".caption.json"}


def test_stand_in_weights_are_told_at_the_nodes(recipe: Canvas) -> None:
    choose_manifest(recipe, "input/small.json")
    # No other test does: what ComfyUI still has from an earlier run is not run again, and says nothing to a new page.
    recipe.set_widget("StudioFlowFiboLoader", "dtype", "float32")
    recipe.run()
    recipe.expect_readable(NOTICE, times=3)  # at FIBO Loader, FIBO Sampler and Save Delivery


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        pytest.param("input/nothing.json", "no such manifest", id="refused-before-the-run"),
        pytest.param("input/misspelt.json", 'did you mean "description"', id="failed-in-the-run"),
    ],
)
def test_an_error_is_told_at_the_node(recipe: Canvas, manifest: str, message: str) -> None:
    choose_manifest(recipe, manifest)
    recipe.press_run()
    recipe.expect_error(message)


def test_delivered_picture_opens_as_its_workflow(recipe: Canvas, host: dev.Host) -> None:
    choose_manifest(recipe, "input/small.json")
    prompt = recipe.prompt()
    recipe.run()
    recipe.wait_for_preview("StudioFlowSaveDelivery")
    (saved,) = recipe.result_files("StudioFlowSaveDelivery")
    assert recipe.prompt() == prompt, "what the nodes show has become part of the workflow's inputs"

    recipe.clear()
    assert recipe.nodes() == Counter()
    recipe.drop(host.base / "output" / saved["subfolder"] / saved["filename"])
    recipe.wait_until("() => app.graph.nodes.length > 0")
    assert recipe.nodes() == shipped_nodes()
    assert recipe.faulty_nodes() == []
    recipe.expect_no_complaint()
    assert recipe.prompt() == prompt
