"""What is mended in a model's answer is what was meant, and what only a guess could mend is refused with its place."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from studioflow.errors import ManifestError
from studioflow.manifest import is_caption
from studioflow.translate.repair import MAX_ANSWER, repaired

from .manifests import captions

Json = Any

CAPTION = {
    "short_description": 'A potter\'s "Sunday" mug, 8 cm tall, on oak.',
    "objects": [
        {"description": "a mug", "location": "center", "number_of_objects": 2},
        {"description": "a spoon", "relationship": "leans on the mug"},
    ],
    "lighting": {"conditions": "soft daylight", "direction": "from the left", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "mood_atmosphere": "calm\nand warm"},
    "text_render": [{"text": "MOLN", "location": "on the mug"}],
    "style_medium": "photograph",
}
TEXT = json.dumps(CAPTION, indent=1)


def texts_of(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from texts_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, str):
        yield value


# ---------------------------------------------------------------- ways in which captions arrive damaged


def written(value: Json, quote: Callable[[str], str], comma: str = ",", constants: str = "null true false") -> str:
    """A JSON value with texts quoted in a way of one's own, and something else in place of its last commas."""
    null, true, false = constants.split()
    if isinstance(value, dict):
        items = [f"{quote(key)}: {written(item, quote, comma, constants)}" for key, item in value.items()]
        return "{" + ", ".join(items) + (comma if items and comma != "," else "") + "}"
    if isinstance(value, list):
        items = [written(item, quote, comma, constants) for item in value]
        return "[" + ", ".join(items) + (comma if items and comma != "," else "") + "]"
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return null if value is None else true if value else false
    return json.dumps(value)


def straight(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def raw_breaks(text: str) -> str:
    return re.sub(r"\\[nrt]", lambda escape: {"\\n": "\n", "\\r": "\r", "\\t": "\t"}[escape[0]], straight(text))


def single(text: str) -> str:
    inner = straight(text)[1:-1].replace('\\"', '"').replace("'", "\\'")
    return f"'{inner}'"


def typographic(text: str) -> str:
    return "“" + straight(text)[1:-1].replace('\\"', '"') + "”"


def commented(document: Json) -> str:
    lines = json.dumps(document, indent=1).split("\n")
    return "\n".join(
        f'{line} // a remark, one {{ of "many"' if line.endswith((",", "{", "[")) else line for line in lines
    )


DAMAGED: dict[str, Callable[[Json], str]] = {
    "fence": lambda document: f"Here is the caption:\n```json\n{json.dumps(document, indent=2)}\n```\nI hope it helps!",
    "open fence": lambda document: f"```json\n{json.dumps(document)}",
    "byte order mark": lambda document: f"\ufeff{json.dumps(document)}",
    "trailing commas": lambda document: written(document, straight, " , "),
    "single quotes": lambda document: written(document, single),
    "typographic quotes": lambda document: written(document, typographic),
    "python": lambda document: written(document, single, ",", "None True False"),
    "repr": repr,
    "raw line breaks": lambda document: written(document, raw_breaks),
    "comments": commented,
    "twice": lambda document: f"{json.dumps(document)}\n\n{json.dumps(document)}",
    "begun a second time": lambda document: f"{json.dumps(document)}\n{json.dumps(document)[:-20]}",
    "thinking": lambda document: f'<think>\nFirst {{"draft": 1}}\n</think>\n\n{json.dumps(document)}',
    "end of thinking": lambda document: f'The user wants {{"x": 1}}.</think>{json.dumps(document)}',
    "text of json": lambda document: json.dumps(json.dumps(document)),
    "all of it": lambda document: f"Sure:\n```\n{written(document, single, ' , /* end */ ', 'None True False')}\n```",
}


@pytest.mark.parametrize("way", DAMAGED)
def test_a_caption_damaged_in_a_certain_way_comes_back_equal(way: str) -> None:
    damaged = DAMAGED[way](CAPTION)
    found = repaired(damaged)
    assert found.document == CAPTION and list(found.document) == list(CAPTION)
    assert found.notes or way in ("open fence", "byte order mark", "text of json")
    assert not found.cut_off


@settings(deadline=None)
@given(captions(), st.sampled_from(sorted(DAMAGED)))
def test_any_caption_damaged_in_a_certain_way_comes_back_equal_or_is_refused(caption: Json, way: str) -> None:
    assume(is_caption(caption))
    texts = list(texts_of(caption))
    # Within these ways it is not certain any more where a text ends, or what stands around the caption.
    assume(way != "typographic quotes" or not any(set('“”„‘’"') & set(text) for text in texts))
    assume("</think>" not in "".join(texts))
    try:
        found = repaired(DAMAGED[way](caption))
    except ManifestError:
        # A tail that was cut inside a text which ends in a bracket looks like a closing mark that is missing.
        assert way == "begun a second time"
        return
    assert found.document == caption


@settings(deadline=None)
@given(captions(), st.floats(0, 1))
def test_of_a_cut_answer_whole_values_come_back_and_nothing_else(caption: Json, part: float) -> None:
    text = json.dumps(caption, ensure_ascii=False, indent=1)
    cut = text[: int(len(text) * part)]
    try:
        found = repaired(cut)
    except ManifestError:
        return
    assert is_beginning(found.document, caption)
    assert found.cut_off or found.document == caption


def is_beginning(part: Json, whole: Json) -> bool:
    """Whether a value is whole, or an object or a list of objects that ends earlier, in the same order."""
    if isinstance(part, dict) and isinstance(whole, dict):
        names = list(whole)[: len(part)]
        return list(part) == names and all(
            is_beginning(part[name], whole[name]) if name == names[-1] else same(part[name], whole[name])
            for name in names
        )
    if isinstance(part, list) and isinstance(whole, list) and part and all(isinstance(one, dict) for one in part):
        last = len(part) - 1
        return last < len(whole) and all(
            is_beginning(one, whole[at]) if at == last else same(one, whole[at]) for at, one in enumerate(part)
        )
    return same(part, whole)


def same(one: Json, other: Json) -> bool:
    return json.dumps(one) == json.dumps(other)


@pytest.mark.parametrize("length", range(1, len(TEXT)))
def test_every_cut_of_a_caption_keeps_the_whole_fields_before_it_and_names_the_broken_one(length: int) -> None:
    cut = TEXT[:length]
    if '"A potter' not in cut or '\\"Sunday\\" mug, 8 cm tall, on oak."' not in cut:
        with pytest.raises(ManifestError, match=r"cut off before anything|closed"):
            repaired(cut)
        return
    found = repaired(cut)
    assert found.cut_off and is_beginning(found.document, CAPTION)
    assert found.document["short_description"] == CAPTION["short_description"]
    # Each member that stands closed in the text is there.
    for field in ("objects", "lighting", "aesthetics"):
        closed = f" {json.dumps(field)}: " + json.dumps(CAPTION[field], indent=1).replace("\n", "\n ")
        if closed in cut:
            assert found.document[field] == CAPTION[field]
    line, column = cut.count("\n") + 1, len(cut) - cut.rfind("\n")
    assert any(f"cut off at line {line}, column {column}: " in note for note in found.notes)


def test_the_broken_field_of_a_cut_answer_is_named() -> None:
    cut = TEXT[: TEXT.index("from the left") + 4]
    found = repaired(cut)
    assert found.document["lighting"] == {"conditions": "soft daylight"}
    assert "lighting.direction is missing" in found.notes[-1]
    assert "aesthetics" not in found.document


@pytest.mark.parametrize(
    "cut",
    [
        '{"a": "x", "count": 12',
        '{"a": "x", "b": tru',
        '{"a": "x", "b": -',
        '{"a": "x", "b": 1.',
        '{"a": "x", "b": [1, 2',
    ],
)
def test_a_value_that_may_have_gone_on_is_not_taken(cut: str) -> None:
    assert repaired(cut).document == {"a": "x"}


# ---------------------------------------------------------------- what is refused


REFUSED = {
    'a "best" cup': ('{"a": "the "best" cup", "b": "y"}', 1, 13, "a comma or }"),
    "inches": ('{\n"a": "a 5" tall cup"}', 2, 12, "a comma or }"),
    "an apostrophe between single quotes": ("{'a': 'the dog's bowl'}", 1, 16, "a comma or }"),
    "two different captions": (
        '{"short_description": "a cup"}\nor\n{"short_description": "a mug"}',
        3,
        1,
        "two different objects",
    ),
    "a bracket missing in the middle": (
        '{"short_description": "x", "lighting": {"conditions": "y", "aesthetics": {"composition": "z"}}',
        1,
        60,
        'a bracket is missing before "aesthetics"',
    ),
    "a bracket missing in a list": ('{"objects": [{"description": "a cup", {"description": "b"}]}', 1, 39, "a name is"),
    "brackets crossed": ('{"objects": [{"description": "a"], "context": "b"}', 1, 33, "a comma or }"),
    "a bracket too many": ('{"a": {"b": 1}}, "c": 2}', 1, 16, "ends before its text does"),
    "a comma missing": ('{"a": "x"\n"b": "y"}', 2, 1, "a comma or }"),
    "a colon missing": ('{"a" "x"}', 1, 6, "a colon is missing"),
    "a key twice": ('{"a": 1,\n "a": 2,}', 2, 2, "stands twice"),
    "a text not closed": ('{"a": "x", "b": "y}', 1, 17, "not closed"),
    "a text without marks": ('{"a": warm light,}', 1, 7, "without quotation marks"),
    "mixed marks": ('{“a”: “x", "b": “y”}', 1, 7, "where this text ends"),
    "an unknown escape": ('{"a": "50\\% gray",}', 1, 10, "no such escape"),
    "half a character": ('{"a": "\\ud800",}', 1, 8, "half of a character"),
    "a control character": ('{"a": "x\x01y",}', 1, 9, "no text has"),
    "a comment to the end": ('{"a": 1, // b "c": 2}', 1, 10, "takes the rest"),
    "not a number": ('{"a": NaN,}', 1, 7, "without quotation marks"),
    "too large a number": ('{"a": 1e999,}', 1, 7, "too large"),
    "a number of many digits": ('{"a": ' + "9" * 500 + ",}", 1, 7, "nobody can mean"),
    "too deep": ('{"a": ' + "[" * 100, 1, 71, "levels deep"),
    "nothing whole": ('{"a": "x', 1, 9, "before anything in it was whole"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_only_a_guess_could_mend_is_refused_with_its_place(case: str) -> None:
    text, line, column, problem = REFUSED[case]
    with pytest.raises(ManifestError) as refused:
        repaired(text, "my answer")
    assert refused.value.where == f"my answer:{line}:{column}"
    assert problem in refused.value.problem and "cannot be mended with certainty" in refused.value.problem
    assert refused.value.fix and "ask again" in refused.value.fix


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", "<think>hm</think>"])
def test_an_empty_answer_is_told(text: str) -> None:
    with pytest.raises(ManifestError, match="the answer is empty"):
        repaired(text)


def test_an_answer_without_json_is_quoted() -> None:
    with pytest.raises(ManifestError, match="without a JSON object") as refused:
        repaired("I am sorry, I cannot\ndescribe people.")
    assert refused.value.found == "I am sorry, I cannot describe people."


def test_a_huge_answer_is_refused() -> None:
    with pytest.raises(ManifestError, match="too large"):
        repaired('{"a": "' + "x" * MAX_ANSWER)


def test_other_objects_beside_the_caption_are_left_out_and_told() -> None:
    found = repaired(f'Settings {{"seed": 3}} and the caption: {TEXT}')
    assert found.document == CAPTION
    assert "other JSON objects beside the caption were left out" in found.notes


def test_without_mending_json_must_be_json() -> None:
    assert repaired(f"Here: {TEXT}", mend=False).document == CAPTION
    with pytest.raises(ManifestError, match="this is not JSON"):
        repaired(TEXT.replace('"soft"', '"soft",'), mend=False)
    with pytest.raises(ManifestError, match="more than one object"):
        repaired(f"One: {TEXT} Two: {TEXT}", mend=False)


@settings(deadline=None)
@given(st.text(st.sampled_from("{}[]\"'“”‘’:,\\/*-#nul Tre1.eu0d8\n\tä😀`"), max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for begin in ("", '{"a": '):
        try:
            found = repaired(begin + text)
        except ManifestError as error:
            assert error.problem and error.where
        else:
            json.dumps(found.document).encode()
            assert isinstance(found.document, dict)


@settings(deadline=None)
@given(captions(), st.integers(0, 2**32))
def test_a_caption_with_characters_changed_is_read_or_refused(caption: Json, seed: int) -> None:
    drawn = random.Random(seed)
    text = list(json.dumps(caption, ensure_ascii=False))
    for _ in range(drawn.randint(1, 5)):
        text[drawn.randrange(len(text))] = drawn.choice(["", '"', "}", "{", ",", "\\", "'", "]", "\n", "“", "/"])
    try:
        found = repaired("".join(text))
    except ManifestError:
        return
    json.dumps(found.document)
