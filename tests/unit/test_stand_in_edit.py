"""What stands for subjects and behind them, as the widgets of Stand-In and Backdrop set it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from studioflow.caption import compile_manifest
from studioflow.edit.backdrop import set_backdrop
from studioflow.edit.stand_in import set_stand_in
from studioflow.errors import EditError, ManifestError
from studioflow.greybox import menus
from studioflow.manifest import schema, validate
from studioflow.resources import shipped

HERO: dict[str, Any] = json.loads((shipped("samples") / "product_hero.json").read_text(encoding="utf-8"))
DEFS = schema()["$defs"]


def subject_of(manifest: dict[str, Any], number: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = manifest["scene"]["subjects"][number - 1]
    return found


def caption_of(manifest: dict[str, Any]) -> str:
    return compile_manifest(manifest, "fibo-2").caption


# ---------------------------------------------------------------- menus


def test_the_menus_are_those_of_the_schema() -> None:
    assert DEFS["subject"]["properties"]["stand_in"]["enum"] == menus.stand_ins()
    assert DEFS["scene"]["properties"]["backdrop"]["properties"]["kind"]["enum"] == list(menus.BACKDROPS)


def test_the_menus_are_what_the_renderer_has() -> None:
    from studioflow.greybox import backdrop
    from studioflow.greybox.greybox import QUALITIES
    from studioflow.greybox.mesh_limits import SUFFIXES

    assert tuple(QUALITIES) == menus.QUALITIES
    kinds = (backdrop.SWEEP, backdrop.WALL, backdrop.TABLE, backdrop.GROUND, backdrop.ENVIRONMENT, backdrop.NONE)
    assert kinds == menus.BACKDROPS
    assert set(menus.MESHES) == set(SUFFIXES)


def test_the_help_pages_list_every_one(root: Path) -> None:
    for node, names in (("StandIn", menus.stand_ins()), ("Backdrop", menus.BACKDROPS), ("Greybox", menus.QUALITIES)):
        page = (root / "js" / "docs" / f"StudioFlow{node}.md").read_text(encoding="utf-8")
        assert not [name for name in names if f"`{name}`" not in page], node


# ---------------------------------------------------------------- stand-ins


def test_a_subject_gets_what_is_given_and_keeps_the_rest() -> None:
    before = copy.deepcopy(HERO)
    made = set_stand_in(HERO, subject=2, stand_in="cup", size_m="0.08, 0.06 0.08", position_m="0, 0, -0.2")
    given = {"stand_in": "cup", "size_m": [0.08, 0.06, 0.08], "position_m": [0, 0, -0.2]}
    assert subject_of(made, 2) == subject_of(HERO, 2) | given
    assert [subject_of(made, number) for number in (1, 3)] == [subject_of(HERO, number) for number in (1, 3)]
    assert before == HERO
    validate(made)


def test_nothing_given_changes_nothing() -> None:
    assert set_stand_in(HERO, subject=3) == HERO


@pytest.mark.parametrize(
    ("widget", "field"),
    [
        ({"facing_deg": "0"}, {"facing_deg": 0}),
        ({"facing_deg": " -90.5 "}, {"facing_deg": -90.5}),
        ({"position_m": "0 0 0"}, {"position_m": [0, 0, 0]}),
        ({"count": 12}, {"count": 12}),
        ({"picture": "input/label.png"}, {"picture": "input/label.png"}),
        ({"mesh": "input/grinder.glb"}, {"mesh": "input/grinder.glb"}),
    ],
)
def test_each_widget_sets_its_field(widget: dict[str, Any], field: dict[str, Any]) -> None:
    turned = set_stand_in(HERO, facing_deg="30", position_m="1, 0, 1", count=3)
    assert subject_of(set_stand_in(turned, **widget)) == subject_of(turned) | field


def test_a_shape_takes_the_place_of_a_mesh_and_a_mesh_keeps_the_shape() -> None:
    meshed = set_stand_in(HERO, stand_in="bottle", mesh="input/grinder.glb")
    assert {"stand_in": "bottle", "mesh": "input/grinder.glb"}.items() <= subject_of(meshed).items()
    shaped = set_stand_in(meshed, stand_in="cylinder")
    assert subject_of(shaped)["stand_in"] == "cylinder" and "mesh" not in subject_of(shaped)
    assert subject_of(set_stand_in(meshed, size_m="1 1 1"))["mesh"] == "input/grinder.glb"


def test_what_is_only_seen_in_a_greybox_leaves_captions_alone() -> None:
    raw = {"objects": [{"description": "mine"}], "context": "mine"}
    for shot in (HERO, HERO | {"caption": raw}):
        made = set_stand_in(shot, stand_in="cup", picture="input/a.png")
        made = set_backdrop(made, kind="table", distance_m=2, color="#102030")
        assert caption_of(made) == caption_of(shot) and made.get("caption") == shot.get("caption")
    placed = set_stand_in(HERO | {"caption": raw}, position_m="2, 0, 0")
    assert placed["caption"] == {"context": "mine"}


@pytest.mark.parametrize("number", [0, 4, 200, -1])
def test_a_subject_that_is_not_there_is_told_with_those_that_are(number: int) -> None:
    with pytest.raises(EditError) as told:
        set_stand_in(HERO, subject=number, stand_in="cup")
    text = str(told.value)
    assert f"found: {number}\n" in text and "2 (espresso cup), 3 (roasted coffee beans)" in text


@pytest.mark.parametrize("shot", [None, {"studioflow": "1.0"}, {"studioflow": "1.0", "scene": {}}])
def test_a_shot_without_subjects_is_told(shot: dict[str, Any] | None) -> None:
    with pytest.raises(EditError, match=r"none: the shot has no subjects[\s\S]*with Scene"):
        set_stand_in(shot, stand_in="cup")


def test_a_crowd_is_not_listed_whole() -> None:
    crowd = {"studioflow": "1.0", "scene": {"subjects": [{"description": "x" * 900} for _ in range(200)]}}
    with pytest.raises(EditError, match="and so on up to 200") as told:
        set_stand_in(crowd, subject=201)
    assert len(str(told.value)) < 700


@pytest.mark.parametrize(
    ("widget", "problem"),
    [
        ({"size_m": "1, 2"}, "this is no size"),
        ({"size_m": "0,08 0,2 0,08"}, "this is no size[\\s\\S]*decimals with a point"),
        ({"position_m": "left"}, "this is no place"),
        ({"position_m": "nan 0 0"}, "this is no place"),
        ({"facing_deg": "north"}, "this is no angle"),
        ({"facing_deg": "1 2"}, "this is no angle"),
    ],
)
def test_texts_that_are_no_numbers_are_told(widget: dict[str, str], problem: str) -> None:
    with pytest.raises(EditError, match=problem):
        set_stand_in(HERO, **widget)


@pytest.mark.parametrize(
    "widget",
    [
        {"size_m": "0, 1, 1"}, {"size_m": "-1 1 1"}, {"facing_deg": "400"}, {"count": -1}, {"stand_in": "dragon"},
        {"mesh": "x" * 501},
    ],
)  # fmt: skip
def test_values_out_of_range_are_told(widget: dict[str, Any]) -> None:
    with pytest.raises(ManifestError):
        set_stand_in(HERO, **widget)


# ---------------------------------------------------------------- backdrops


@pytest.mark.parametrize("kind", menus.BACKDROPS)
def test_a_backdrop_is_set_and_its_other_keys_stay(kind: str) -> None:
    coloured = set_backdrop(HERO, color="#D8D4CC")
    assert coloured["scene"]["backdrop"] == {"color": "#D8D4CC"}
    assert set_backdrop(coloured, kind=kind)["scene"]["backdrop"] == {"color": "#D8D4CC", "kind": kind}
    assert set_backdrop(None, kind=kind, distance_m=1.5) == {
        "studioflow": "1.0", "scene": {"backdrop": {"kind": kind, "distance_m": 1.5}},
    }  # fmt: skip


def test_no_backdrop_given_changes_nothing() -> None:
    assert set_backdrop(HERO) == HERO and "backdrop" not in HERO["scene"]


@pytest.mark.parametrize("widget", [{"kind": "curtain"}, {"color": "grey"}, {"distance_m": -1}, {"distance_m": 1001}])
def test_a_backdrop_that_cannot_be_is_told(widget: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="/scene/backdrop/"):
        set_backdrop(HERO, **widget)


def test_set_field_leaves_a_raw_caption_alone_too() -> None:
    from studioflow.caption.owners import fields_owned_by

    for leaf in ("stand_in", "mesh", "picture"):
        assert fields_owned_by([["scene", "subjects", 0, leaf]]) == set()
    assert fields_owned_by([["scene", "subjects", 0]]) == {"objects"}
