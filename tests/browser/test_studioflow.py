"""What a person finds in ComfyUI once StudioFlow is installed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import expect

import dev

from .canvas import Canvas, without_shown_only

NODES = {
    "StudioFlowLoadManifest": ("Load Manifest", "StudioFlow/Manifest"),
    "StudioFlowCompileCaption": ("Compile Caption", "StudioFlow/Caption"),
    "StudioFlowFiboLoader": ("FIBO Loader", "StudioFlow/FIBO"),
    "StudioFlowFiboSampler": ("FIBO Sampler", "StudioFlow/FIBO"),
    "StudioFlowSaveDelivery": ("Save Delivery", "StudioFlow/Delivery"),
}
RECIPE = "product_hero"
RECIPE_NODES = Counter([*NODES, "PreviewAny", "MarkdownNote"])
NOTICE = "stand-in weights: the picture is noise"


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


def test_recipe_opens_from_the_templates_browser(recipe: Canvas) -> None:
    assert recipe.nodes() == RECIPE_NODES
    assert recipe.faulty_nodes() == []
    recipe.expect_no_complaint()
    assert len(recipe.drawn_as_elements()) == (RECIPE_NODES.total() if recipe.renderer.vue_nodes else 0)


def test_recipe_goes_to_the_queue_as_it_ships(recipe: Canvas, root: Path) -> None:
    shipped = json.loads((root / "recipes" / "api" / f"{RECIPE}.json").read_text(encoding="utf-8"))
    assert recipe.prompt() == without_shown_only(shipped)


def test_run_renders_and_delivers(recipe: Canvas, host: dev.Host) -> None:
    choose_manifest(recipe, "input/small.json")
    recipe.watch_for(NOTICE)
    recipe.run()
    assert recipe.wait_for_preview("StudioFlowSaveDelivery") == [384, 256]
    assert recipe.was_seen(), f"nobody could read {NOTICE!r}"
    recipe.expect_no_complaint()
    written = {"".join(file.suffixes) for file in (host.base / "output" / "StudioFlow").iterdir()}
    assert written == {".png", ".exr", ".manifest.json", ".caption.json"}


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


def test_help_page_opens_at_the_node(recipe: Canvas, root: Path) -> None:
    pages = {name: (root / "js" / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in NODES}
    for name, text in pages.items():
        answer = recipe.page.request.get(f"/extensions/studioflow/docs/{name}.md")
        assert (answer.status, answer.text()) == (200, text)
    heading = pages["StudioFlowLoadManifest"].splitlines()[0].lstrip("# ")
    expect(recipe.open_help("StudioFlowLoadManifest").get_by_role("heading").first).to_have_text(heading)


def test_delivered_picture_opens_as_its_workflow(recipe: Canvas, host: dev.Host) -> None:
    choose_manifest(recipe, "input/small.json")
    prompt = recipe.prompt()
    recipe.run()
    recipe.wait_for_preview("StudioFlowSaveDelivery")
    (saved,) = recipe.result_files("StudioFlowSaveDelivery")

    recipe.open()
    assert recipe.nodes() == Counter()
    recipe.drop(host.base / "output" / saved["subfolder"] / saved["filename"])
    assert recipe.nodes() == RECIPE_NODES
    assert recipe.faulty_nodes() == []
    recipe.expect_no_complaint()
    assert recipe.prompt() == prompt
