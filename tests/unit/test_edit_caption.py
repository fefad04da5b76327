"""The prompt of an edit: the caption as it was, and the instruction last."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.caption import DIALECTS, serialize
from studioflow.caption.instruct import edit_caption
from studioflow.errors import StudioFlowError

INSTRUCTION = "Replace the café's wall with brick"
CAPTION: dict[str, Any] = {"short_description": "A cup in a café.", "objects": [{"description": "a cup"}]}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_is_what_the_dialect_itself_writes(dialect: str) -> None:
    joined = edit_caption(serialize(CAPTION, dialect), INSTRUCTION).caption
    assert joined == serialize(CAPTION | {"edit_instruction": INSTRUCTION}, dialect)
    assert joined.startswith(serialize(CAPTION, dialect)[:-1])
    assert list(json.loads(joined))[-1] == "edit_instruction"


def test_fibo_1_stays_ascii() -> None:
    assert edit_caption(serialize(CAPTION, "fibo-1"), INSTRUCTION).caption.isascii()


@given(st.text(min_size=1).filter(str.strip), st.dictionaries(st.text(), st.text()))
def test_any_instruction_comes_back(instruction: str, caption: dict[str, str]) -> None:
    if "<image_" in instruction:
        return
    joined = json.loads(edit_caption(json.dumps(caption), instruction).caption)
    assert joined == caption | {"edit_instruction": instruction.strip()}


def test_alone_with_words_and_in_place_of_another() -> None:
    assert json.loads(edit_caption("", INSTRUCTION).caption) == {"edit_instruction": INSTRUCTION}
    assert json.loads(edit_caption("a red cup", INSTRUCTION).caption) == {
        "structured_caption": "a red cup",
        "edit_instruction": INSTRUCTION,
    }
    again = edit_caption(edit_caption(json.dumps(CAPTION), "first").caption, INSTRUCTION).caption
    assert json.loads(again) == CAPTION | {"edit_instruction": INSTRUCTION}


def test_pictures_are_named() -> None:
    both = "Put the cup of <image_1> on the table of <image_2>"
    assert not edit_caption("", both, images=2).notices
    assert "<image_2>" in edit_caption("", "Put <image_1> there", images=2).notices[0]
    assert "masked region" in edit_caption("", "Add a cat", masked=True).notices[0]
    assert not edit_caption("", "Add a cat in the masked region", masked=True).notices
    with pytest.raises(StudioFlowError, match=r"names a picture that is not there"):
        edit_caption("", both, images=1)


def test_an_empty_instruction() -> None:
    with pytest.raises(StudioFlowError, match="instruction is empty"):
        edit_caption("{}", "  ")
