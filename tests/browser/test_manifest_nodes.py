"""The nodes that read, change, review and save manifests, as a person meets them on the canvas."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from playwright.sync_api import expect

import dev
from studioflow.recipes import recipe_names

from .canvas import Canvas

# Those for a newer ComfyUI have tests of their own.
RECIPES = [name for name in recipe_names() if not name.startswith("fibo2_")]


def shipped(file: str) -> Any:
    """A JSON file of the recipes that ship."""
    return json.loads((dev.ROOT / "recipes" / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_opens_and_goes_to_the_queue_as_it_ships(canvas: Canvas, name: str) -> None:
    canvas.open_recipe(name)
    assert canvas.nodes() == Counter(node["type"] for node in shipped(f"{name}.json")["nodes"])
    assert canvas.faulty_nodes() == []
    canvas.expect_no_complaint()
    assert canvas.prompt() == shipped(f"api/{name}.json")


def test_the_difference_of_two_shots_is_shown_at_the_node(canvas: Canvas, host: dev.Host) -> None:
    canvas.open_recipe("compare_two_shots")
    canvas.set_widget("StudioFlowLoadManifest", "manifest", "input/small.json")  # the first of two: the shot
    prompt = canvas.prompt()
    canvas.run()
    canvas.expect_readable("lighting.time_of_day added: golden_hour", times=1)
    canvas.expect_readable("what FIBO reads (fibo-2)", times=1)
    assert canvas.prompt() == prompt, "what the nodes show has become part of the workflow's inputs"
    written = {file.name.partition("_0")[0] for file in (host.base / "output" / "StudioFlow").glob("shot_*.png")}
    assert written == {"shot_a", "shot_b"}


def test_a_caption_of_a_chat_is_checked_and_mended_where_it_stands(canvas: Canvas) -> None:
    canvas.open_recipe("caption_rescue")
    # Held back, so that nothing is rendered: the report is what this test is about.
    canvas.set_widget("StudioFlowSetField", "path", "camera.lens.apertur")
    canvas.press_run()
    canvas.expect_error('did you mean "aperture"')
    canvas.expect_readable("completeness 100 of 100", times=1)
    canvas.expect_readable("text around the JSON was left out", times=1)


def test_help_pages_of_all_nodes_open(canvas: Canvas) -> None:
    canvas.open_recipe("caption_rescue")
    for name in canvas.definitions("StudioFlow"):
        page = (dev.ROOT / "js" / "docs" / f"{name}.md").read_text(encoding="utf-8")
        answer = canvas.page.request.get(f"/extensions/studioflow/docs/{name}.md")
        assert (answer.status, answer.text()) == (200, page), name
    shown = canvas.open_help("StudioFlowCheckManifest")
    expect(shown.get_by_role("heading").first).to_have_text("Check Manifest")
    expect(shown.get_by_text("angle-contradicts-text").first).to_be_attached()
