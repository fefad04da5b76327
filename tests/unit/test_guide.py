"""What a control map and its strength become: the caption of an edit, the order of the pictures, and two numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.caption import compile_for, serialize
from studioflow.caption.guide import Guided, control_maps, guided
from studioflow.caption.instruct import edit_caption, pictures_named, without_instruction
from studioflow.errors import ModelError, StudioFlowError
from studioflow.families import families, family

FIBO_2, EDIT, EDIT_15, LITE = (family(name) for name in ("fibo-2.0-dev", "fibo-edit", "fibo-edit-1.5", "fibo-lite"))
STRENGTHS = [step / 100 for step in range(1, 101)]
OTHERS = ("style", "depth", "subject")


@pytest.fixture
def shot(sample: Path) -> dict[str, Any]:
    return json.loads(sample.read_text(encoding="utf-8"))


def instruction_of(done: Guided) -> str:
    caption = json.loads(done.caption)
    assert list(caption)[-1] == "edit_instruction"
    return caption["edit_instruction"]


@pytest.mark.parametrize("model", families().values(), ids=list(families()))
def test_strength_is_monotone_and_in_range(shot: dict[str, Any], model: Any) -> None:
    sweep = [guided(shot, family=model, role="edges", strength=strength) for strength in STRENGTHS]
    for value in ([one.guide_until for one in sweep], [1 - one.repaint for one in sweep]):
        assert value == sorted(value) and 0 <= value[0] and value[-1] <= 1
    # Real: every tenth of strength changes one of the two.
    for fainter, firmer in zip(sweep[9::10], sweep[19::10], strict=False):
        assert (fainter.guide_until, fainter.repaint) != (firmer.guide_until, firmer.repaint)


def numbers(shot: dict[str, Any], model: Any, strength: float) -> tuple[float, float]:
    done = guided(shot, family=model, role="scribble", strength=strength)
    return done.guide_until, done.repaint


def test_what_strength_chooses_with_each_kind_of_model(shot: dict[str, Any]) -> None:
    # References for a part of the steps, then for all, then with the toned base under them.
    expected = {0.01: (0.05, 1), 0.15: (0.2, 1), 0.375: (0.5, 1), 0.75: (1, 1), 0.875: (1, 0.85), 1: (1, 0.7)}
    assert {strength: numbers(shot, FIBO_2, strength) for strength in expected} == expected
    assert numbers(shot, EDIT, 1e-6)[1] == pytest.approx(1, abs=1e-3) and numbers(shot, EDIT, 1) == (1, 0.7)
    assert numbers(shot, LITE, 1e-6)[1] == pytest.approx(0.95, abs=1e-3) and numbers(shot, LITE, 1) == (1, 0.5)
    assert "every step" in " ".join(guided(shot, family=EDIT, role="edges", strength=0.3).notes)


@pytest.mark.parametrize("strength", [0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_strength_that_is_none(shot: dict[str, Any], strength: float) -> None:
    with pytest.raises(StudioFlowError, match="no guide" if strength == 0 else "no such strength") as caught:
        guided(shot, family=FIBO_2, role="edges", strength=strength)
    # Who asks for more than there is wants no way to have none.
    assert (caught.value.fix is None) == (strength > 1)


@pytest.mark.parametrize(
    ("role", "phrase"),
    [
        ("edges", "use this edge map to generate"),
        ("depth", "use this depth map to generate"),
        ("pose", "use this pose guidance to generate"),
        ("monochrome", "recolor this monochrome image into"),
        ("scribble", "use this sketch to generate"),
    ],
)
def test_a_single_map_is_told_by_its_phrase(shot: dict[str, Any], role: str, phrase: str) -> None:
    done = guided(shot, family=FIBO_2, role=role)
    assert instruction_of(done).lower() == f"{phrase} the finished photograph."
    assert done.order == (role,) and not done.notes
    painted = guided(shot | {"scene": shot["scene"] | {"style": {"medium": "watercolor"}}}, family=FIBO_2, role=role)
    assert instruction_of(painted).endswith("the finished watercolor.")
    odd = guided({"caption": {"style_medium": "photograph. Shot on film!"}}, family=FIBO_2, role=role)
    assert instruction_of(odd).endswith("the finished picture.")


def test_every_control_map_has_a_phrase() -> None:
    assert control_maps() == ("edges", "scribble", "depth", "pose", "monochrome")


@given(st.sampled_from(control_maps()), st.sets(st.sampled_from([*control_maps(), "style", "subject"]), max_size=4))
def test_several_pictures_are_named_once_each_in_order(role: str, others: set[str]) -> None:
    others = set(sorted(others - {role})[:3])
    done = guided({"scene": {"description": "a cup"}}, family=EDIT_15, role=role, others=others)
    assert done.order[0] == role and sorted(done.order) == sorted({role} | others)
    told = instruction_of(done)
    if others:
        assert pictures_named(told) == list(range(1, len(done.order) + 1))
    assert told.count(".") == 1 and told.endswith(".") and told[0].isupper()


def test_bria_s_phrases_among_several_pictures(shot: dict[str, Any]) -> None:
    both = guided(shot, family=FIBO_2, role="pose", others=dict.fromkeys(("style", "edges"), "a picture"))
    assert both.order == ("pose", "edges", "style")
    assert "the pose in <image_1>" in instruction_of(both) and "match the edges of <image_2>" in instruction_of(both)


def test_the_caption_is_that_of_the_picture(shot: dict[str, Any]) -> None:
    for model in families().values():
        done = guided(shot, family=model, role="edges", strength=0.5)
        assert done.plain_caption == compile_for(shot, "auto", model)[0].caption
        assert without_instruction(done.caption) == done.plain_caption
        if model.references:
            assert done.caption.startswith(done.plain_caption[:-1])
        else:
            assert done.caption == done.plain_caption and done.order == ()


def test_more_pictures_than_the_model_takes(shot: dict[str, Any]) -> None:
    assert len(guided(shot, family=FIBO_2, role="edges", others=OTHERS).order) == 4
    with pytest.raises(ModelError, match=r"FIBO 2\.0 dev takes 4 pictures") as caught:
        guided(shot, family=FIBO_2, role="edges", others=(*OTHERS, "pose"))
    assert caught.value.found.startswith("5:") and caught.value.fix == "leave out style"
    with pytest.raises(ModelError, match=r"FIBO Edit takes 1 picture\n") as caught:
        guided(shot, family=EDIT, role="edges", others=("style", "depth"))
    assert caught.value.found == "3: edge map, depth map, style"
    assert caught.value.fix.startswith("leave out depth map, style; or render with FIBO 2.0 dev")
    with pytest.raises(ModelError, match="FIBO lite looks at no pictures") as caught:
        guided(shot, family=LITE, role="edges", others=("style",))
    assert caught.value.allowed == "1: edge map" and caught.value.fix.startswith("leave out style")


def test_roles_that_are_none(shot: dict[str, Any]) -> None:
    with pytest.raises(StudioFlowError, match="no such choice") as caught:
        guided(shot, family=FIBO_2, role="edge")
    assert caught.value.fix == 'did you mean "edges"?'
    for role, others in (("style", ()), ("edges", ("lighting",))):
        with pytest.raises(StudioFlowError, match="no such choice"):
            guided(shot, family=FIBO_2, role=role, others=others)
    with pytest.raises(StudioFlowError, match="two pictures are the depth map"):
        guided(shot, family=FIBO_2, role="depth", others=("style", "depth"))


def test_words_of_ones_own(shot: dict[str, Any]) -> None:
    def told(asked: str, **more: Any) -> str:
        return instruction_of(guided(shot, family=FIBO_2, role="edges", instruction=asked, **more))

    assert told("brushed brass, no cable").endswith("generate the finished photograph: brushed brass, no cable")
    assert told("Use this drawing for the outline of the lamp.") == "Use this drawing for the outline of the lamp."
    assert told("Build <image_1> in brass") == "Build <image_1> in brass"
    several = told("Use this drawing for the outline.", others=("style",))
    assert pictures_named(several) == [1, 2] and several.endswith(": Use this drawing for the outline.")
    with pytest.raises(StudioFlowError, match="names a picture that is not there"):
        told("Build <image_2> in brass")
    unnamed = guided(shot, family=FIBO_2, role="edges", instruction="Build <image_1>", others=("style",))
    assert "<image_2>" in unnamed.notes[0]
    lite = guided(shot, family=LITE, role="edges", instruction="brass")
    assert lite.caption == lite.plain_caption and "reads no instruction" in lite.notes[0]


def entry(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "image": "a.png"} | more


def test_the_manifest_s_guidance_where_the_node_says_nothing(shot: dict[str, Any]) -> None:
    shot |= {"guidance": [entry("depth", strength=0.3), entry("sketch", strength=0.6, instruction="thin lines")]}
    done = guided(shot, family=FIBO_2, role="edges")
    assert done.guide_until == 0.8 and instruction_of(done).endswith(": thin lines")
    assert [note.split(" from ")[1] for note in done.notes] == ["guidance 2 of the manifest (sketch)"] * 2
    own = guided(shot, family=FIBO_2, role="edges", strength=0.15, instruction="thick lines")
    assert own.guide_until == 0.2 and instruction_of(own).endswith(": thick lines") and not own.notes
    assert guided(shot, family=FIBO_2, role="depth").guide_until == 0.4
    # The format's own default is 1, and that of a shot without guidance the usual strength.
    assert guided(shot | {"guidance": [entry("sketch")]}, family=FIBO_2, role="scribble").repaint == 0.7
    assert guided(shot | {"guidance": []}, family=FIBO_2, role="scribble")[3:5] == (1, 1)


def test_the_kind_that_fits_best(shot: dict[str, Any]) -> None:
    both = [entry("sketch", strength=0.15), entry("lineart", strength=0.3)]
    assert guided(shot | {"guidance": both}, family=FIBO_2, role="edges").guide_until == 0.4
    assert guided(shot | {"guidance": both}, family=FIBO_2, role="scribble").guide_until == 0.2
    assert guided(shot | {"guidance": both}, family=FIBO_2, role="depth").guide_until == 1


def test_guidance_that_does_not_count_is_told(shot: dict[str, Any]) -> None:
    shot |= {"guidance": [entry("sketch"), entry("reference", strength=0.2)]}
    assert "guidance 2 of the manifest (reference) is not used" in " ".join(
        guided(shot, family=FIBO_2, role="edges", others=("style", "subject")).notes
    )
    assert "not used" not in " ".join(guided(shot, family=FIBO_2, role="edges").notes)


def test_a_strength_of_0_in_the_manifest(shot: dict[str, Any]) -> None:
    shot |= {"guidance": [entry("sketch", strength=0)]}
    with pytest.raises(StudioFlowError, match="no guide") as caught:
        guided(shot, family=FIBO_2, role="edges")
    assert caught.value.where == "/guidance/0/strength"
    assert guided(shot, family=FIBO_2, role="edges", strength=0.5).guide_until < 1


@given(caption=st.dictionaries(st.sampled_from(["short_description", "context", "mood"]), st.text(min_size=1)))
def test_without_its_instruction_a_caption_is_what_it_was(caption: dict[str, str]) -> None:
    text = serialize(caption, "fibo-2")
    assert without_instruction(edit_caption(text, "Make it blue").caption) == ("" if text == "{}" else text)
    assert without_instruction(text) == text
    # FIBO 1.x goes on with no caption of its own; its escapes may be written differently.
    first = serialize(caption, "fibo-1")
    assert json.loads(without_instruction(edit_caption(first, "Make it blue").caption)) == json.loads(first)


@pytest.mark.parametrize(
    ("edit", "plain"),
    [
        ('{"structured_caption":"a red cup","edit_instruction":"x"}', "a red cup"),
        (
            '{"structured_caption":{"short_description":"Tasse é"},"edit_instruction":"x"}',
            '{"short_description":"Tasse é"}',
        ),
        ('{"structured_caption":{},"edit_instruction":"x"}', ""),
        ('{"structured_caption":" ","edit_instruction":"x"}', ""),
        ('{"edit_instruction":"x"}', ""),
        ("a red cup", "a red cup"),
        ("[1]", "[1]"),
        ("", ""),
    ],
)
def test_captions_of_every_shape(edit: str, plain: str) -> None:
    assert without_instruction(edit) == plain
