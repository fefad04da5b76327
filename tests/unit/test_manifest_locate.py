"""Every path of a document is found again in its text, however that is written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.errors import ManifestError
from studioflow.manifest import loads
from studioflow.manifest.locate import lines_and_columns

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] + [deeper for name, inner in items for deeper in paths(inner, (*path, name))]


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


@settings(max_examples=300, deadline=None)
@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 2, "\t"]), ascii_only=st.booleans())
def test_what_stands_there_is_what_the_path_names(document: Any, indent: Any, ascii_only: bool) -> None:
    text = "\n " + json.dumps(document, indent=indent, ensure_ascii=ascii_only) + "\n"
    # Lines of JSON end at a line feed only; str.splitlines knows other line ends, which may stand inside texts.
    lines = text.split("\n")
    for path, (line, column) in lines_and_columns(text, paths(document)).items():
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        read, _ = json.JSONDecoder().raw_decode(rest)
        assert read == (path[-1] if path and isinstance(path[-1], str) else at(document, path))


def test_a_missing_key_is_shown_where_it_should_stand() -> None:
    path = ("a", "missing")
    assert lines_and_columns('{\n  "a": {"b": 1}\n}', [path]) == {path: (2, 3)}


def test_a_document_inside_other_text_has_the_lines_of_the_whole() -> None:
    text = 'Here it is:\n```json\n{"a":\n 1}\n```'
    assert lines_and_columns(text, [("a",)], text.index("{")) == {("a",): (3, 2)}


def test_of_a_key_that_stands_twice_the_second_is_shown() -> None:
    assert lines_and_columns('{"a": 1,\n "a": 2}', [("a",)]) == {("a",): (2, 2)}


def test_faults_come_in_the_order_of_the_text_with_their_lines() -> None:
    text = '{\n "studioflow": "1.0",\n "scene": {"mod": "x"},\n "camera": {"lens": {"aperture": 0}}\n}'
    with pytest.raises(ManifestError) as caught:
        loads(text, source="shot.json")
    places = [(fault.place.line, fault.place.column, fault.place.pointer) for fault in caught.value.faults]
    assert places == [(3, 12, "/scene/mod"), (4, 22, "/camera/lens/aperture")]
    assert "shot.json:3:12 /scene/mod: unknown key" in str(caught.value)


def test_a_hostile_document_is_not_told_in_full() -> None:
    many = {"studioflow": "1.0", "scene": {f"key{index}": 1 for index in range(100_000)}}
    with pytest.raises(ManifestError, match="more than 100 faults") as caught:
        loads(json.dumps(many))
    assert len(caught.value.faults) == 100
