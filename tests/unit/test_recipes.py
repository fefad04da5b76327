"""Recipes agree with themselves, can be told a value in both forms, and reach ComfyUI's Templates browser."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest

from studioflow.errors import RecipeError
from studioflow.recipes import Recipe, publish, recipe, recipe_names


@pytest.fixture(params=recipe_names())
def each(request: pytest.FixtureRequest) -> Recipe:
    return recipe(request.param)


def test_both_forms_have_the_same_nodes(each: Recipe) -> None:
    frontend_only = {"MarkdownNote", "Note", "Reroute"}
    drawn = {str(node["id"]): node["type"] for node in each.workflow["nodes"] if node["type"] not in frontend_only}
    assert drawn == {key: node["class_type"] for key, node in each.prompt.items()}


def test_nodes_stand_apart(each: Recipe) -> None:
    title = 30
    boxes = [
        (node["pos"][0], node["pos"][1] - title, node["pos"][0] + node["size"][0], node["pos"][1] + node["size"][1])
        for node in each.workflow["nodes"]
    ]
    for number, (left, top, right, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_every_recipe_has_a_thumbnail(each: Recipe, root: Path) -> None:
    assert (root / "recipes" / f"{each.name}.jpg").stat().st_size < 300_000


def test_names_no_file_of_one_machine(each: Recipe) -> None:
    loaders = [node for node in each.prompt.values() if node["class_type"] == "StudioFlowLoadManifest"]
    assert all(node["inputs"]["manifest"].startswith("samples/") for node in loaders)


def test_every_node_has_a_place_in_a_recipe(root: Path) -> None:
    used = set().union(*(recipe(name).node_classes for name in recipe_names()))
    assert {path.stem for path in (root / "js" / "docs").glob("*.md")} <= used


def test_samples_that_a_recipe_names_are_there(each: Recipe, root: Path) -> None:
    for node in each.prompt.values():
        if node["class_type"] == "StudioFlowLoadManifest":
            assert (root / node["inputs"]["manifest"]).is_file()


def test_a_widget_is_set_in_both_forms() -> None:
    before = recipe("product_hero")
    after = before.with_widget("StudioFlowFiboLoader", "dtype", "float32")
    node = next(node for node in after.workflow["nodes"] if node["type"] == "StudioFlowFiboLoader")
    assert after.prompt[str(node["id"])]["inputs"]["dtype"] == "float32"
    assert node["widgets_values"] == ["auto", "float32", "none"]
    assert before == recipe("product_hero")


def test_a_widget_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match="cannot be told its color"):
        recipe("product_hero").with_widget("StudioFlowFiboLoader", "color", "red")


def test_unknown_recipe() -> None:
    with pytest.raises(RecipeError, match=r'did you mean "product_hero"'):
        recipe("product_heroe")


def test_publishing_copies_refreshes_and_takes_away(tmp_path: Path, root: Path) -> None:
    shutil.copytree(root / "recipes", tmp_path / "recipes")
    publish(tmp_path)
    shown = tmp_path / "example_workflows"
    shipped = {path.name for path in (root / "recipes").iterdir() if path.is_file()}
    assert {path.name for path in shown.iterdir()} == shipped >= {"product_hero.json", "product_hero.jpg"}
    before = (shown / "product_hero.json").stat().st_mtime_ns
    publish(tmp_path)
    assert (shown / "product_hero.json").stat().st_mtime_ns == before
    (tmp_path / "recipes" / "product_hero.json").rename(tmp_path / "recipes" / "other.json")
    publish(tmp_path)
    assert {path.name for path in shown.iterdir()} == shipped - {"product_hero.json"} | {"other.json"}


def test_a_pack_that_cannot_be_written_is_only_a_warning(
    tmp_path: Path, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(root / "recipes", tmp_path / "recipes")
    (tmp_path / "example_workflows").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        publish(tmp_path)
    assert "do not show under Templates" in caplog.text


def test_published_recipes_follow_those_that_ship(tmp_path: Path) -> None:
    shipped, seen = tmp_path / "recipes", tmp_path / "example_workflows"
    shipped.mkdir()
    for name in ("one.json", "two.json", "two.jpg"):
        (shipped / name).write_text(name)
    publish(tmp_path)
    assert {path.name: path.read_text() for path in seen.iterdir()} == {
        n: n for n in ("one.json", "two.json", "two.jpg")
    }
    kept = (seen / "two.jpg").stat().st_mtime_ns
    (seen / "of somebody.txt").write_text("stays")
    (shipped / "one.json").write_text("eno.json")  # as long as before
    os.utime(shipped / "one.json", (2_000_000_000, 2_000_000_000))
    (shipped / "two.json").unlink()
    publish(tmp_path)
    assert (seen / "one.json").read_text() == "eno.json"
    assert {path.name for path in seen.iterdir()} == {"one.json", "two.jpg", "of somebody.txt"}
    assert (seen / "two.jpg").stat().st_mtime_ns == kept
