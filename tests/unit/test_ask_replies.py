"""Kept answers: found again, bounded, and never in the way."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.translate.replies import Kept, ReplyStore


def name(number: int) -> str:
    return f"{number:064x}"


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path / "answers")
    assert store.get(name(1)) is None and not (tmp_path / "answers").exists()
    assert store.put(name(1), '{"a": "…"}', "m", True)
    assert ReplyStore(tmp_path / "answers").get(name(1)) == Kept('{"a": "…"}', "m", True)
    store.put(name(1), "newer")
    assert store.get(name(1)) == Kept("newer", "", False)


@given(st.text(st.characters()), st.text(st.characters()), st.booleans())
def test_any_text(tmp_path_factory: pytest.TempPathFactory, text: str, model: str, cut_off: bool) -> None:
    store = ReplyStore(tmp_path_factory.getbasetemp() / "any")
    assert store.put(name(2), text, model, cut_off) and store.get(name(2)) == Kept(text, model, cut_off)


def test_no_key_is_never_kept(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    assert not store.put("", "text") and store.get("") is None and list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        store.put("../other", "text")


def test_the_longest_unused_leave_first(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path, 3500)
    for number in range(3):
        store.put(name(number), "x" * 1000)
    assert store.get(name(0))
    store.put(name(3), "x" * 1000)
    assert [number for number in range(4) if store.get(name(number))] == [0, 2, 3]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3500
    assert not store.put(name(4), "x" * 4000) and store.get(name(3))


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    others = ["notes.json", "readme.txt", f".{name(7)}.{name(8)}.part"]
    for other in others:
        (tmp_path / other).write_text("x" * 5000)
    abandoned = tmp_path / f".{name(9)}.{name(9)}.part"
    abandoned.write_text("x")
    os.utime(abandoned, (time.time() - 7200,) * 2)
    ReplyStore(tmp_path, 2000).put(name(1), "text")
    assert {path.name for path in tmp_path.iterdir()} == {*others, f"{name(1)}.json"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[1]", b"[" * 100_000, b"\xff\xfe", b'{"text": "x", "model": "", "cut_off": false}'],
    ids=["empty", "object", "list", "deep", "bytes", "no checksum"],
)
def test_a_broken_file_counts_as_none_and_goes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / f"{name(1)}.json"
    path.write_bytes(data)
    assert ReplyStore(tmp_path).get(name(1)) is None and not path.exists()


def test_a_file_of_another_key_or_with_another_text_is_broken(tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    store.put(name(1), "text")
    path = tmp_path / f"{name(1)}.json"
    path.rename(tmp_path / f"{name(2)}.json")
    assert store.get(name(2)) is None
    store.put(name(1), "text")
    path.write_bytes(path.read_bytes().replace(b'"text": "text"', b'"text": "tent"'))
    assert store.get(name(1)) is None


def test_a_folder_that_cannot_be_used_is_told_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    store = ReplyStore(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        assert not store.put(name(1), "text") and store.get(name(1)) is None
    assert "answers are not kept" in caplog.text
