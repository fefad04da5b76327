"""The recipes for ComfyUI's own FIBO 2 nodes, on the canvas of a frontend that came with such a ComfyUI.

The ComfyUI of the tests is older: the page is told the definitions of the nodes that it lacks. Nothing is rendered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route

import dev
from studioflow.recipes import recipe, recipe_names

from ..recipe_check import recorded
from .canvas import Canvas

# The frontend of ComfyUI 0.3.75 knows no inputs that grow.
pytestmark = pytest.mark.parametrize("renderer", ["classic-newest", "nodes2"], indirect=True, scope="session")
NATIVE = [name for name in recipe_names() if "TextEncodeFibo2" in recipe(name).node_classes]


@pytest.fixture
def canvas(tab: Canvas) -> Iterator[Canvas]:
    """ComfyUI's page with an empty canvas, to which the host looks like a newer one."""

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | recorded())

    tab.page.route("**/object_info*", answer)
    tab.open("of a newer host")
    yield tab
    tab.page.unroute("**/object_info*")


def shipped(file: str) -> Any:
    return json.loads((dev.ROOT / "recipes" / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NATIVE)
def test_recipe_opens_and_goes_to_the_queue_as_it_ships(canvas: Canvas, name: str) -> None:
    canvas.open_recipe(name)
    assert canvas.nodes() == Counter(node["type"] for node in shipped(f"{name}.json")["nodes"])
    assert canvas.faulty_nodes() == []
    canvas.expect_no_complaint()
    assert canvas.prompt() == shipped(f"api/{name}.json")
    canvas.fit_view()


def test_a_third_reference_is_connected_by_hand(canvas: Canvas) -> None:
    canvas.open_recipe("fibo2_multi_reference")
    canvas.page.evaluate(
        """() => {
            const text = app.graph.nodes.find(node => node.type === 'TextEncodeFibo2')
            const picture = app.graph.nodes.find(node => node.type === 'LoadImage')
            picture.connect(0, text, text.inputs.findIndex(input => input.name === 'images.image_3'))
        }"""
    )
    (text,) = (node for node in canvas.prompt().values() if node["class_type"] == "TextEncodeFibo2")
    assert [name for name in text["inputs"] if name.startswith("images.")] == [
        "images.image_1", "images.image_2", "images.image_3",
    ]  # fmt: skip
    canvas.wait_until(
        """() => app.graph.nodes.find(node => node.type === 'TextEncodeFibo2')
            .inputs.some(input => input.name === 'images.image_4')"""
    )
