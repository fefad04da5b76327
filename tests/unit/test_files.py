"""Files appear together or not at all, whatever happens in between."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from studioflow.errors import DeliveryError
from studioflow.files import sha256, text_writer, write_groups, write_together


def contents(folder: Path) -> dict[str, str]:
    """Every file below the folder with its text, hidden ones too."""
    return {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_groups_are_written_two_at_a_time_and_in_order(tmp_path: Path) -> None:
    # Both groups must be at work for either to pass the gate; a third would break it.
    gate = threading.Barrier(2, timeout=10)
    at_work, most = 0, 0
    lock = threading.Lock()

    def write(part: Path) -> None:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        gate.wait()
        with lock:
            at_work -= 1
        part.write_text(part.name)

    groups = [[(tmp_path / f"{number}.txt", write)] for number in range(6)]
    seen: list[tuple[int, int]] = []
    done = write_groups(groups, in_flight=2, progress=lambda *counts: seen.append(counts))
    assert most == 2
    assert [path.name for path in done] == [f"{number}.txt" for number in range(6)]
    assert seen[-1] == (6, 6) and seen == sorted(seen)


def test_nothing_is_to_be_seen_until_everything_is_written(tmp_path: Path) -> None:
    def look(part: Path) -> None:
        assert [path for path in tmp_path.iterdir() if not path.name.startswith(".")] == []
        part.write_text("x")

    write_groups([[(tmp_path / "a", look)], [(tmp_path / "b", look)], [(tmp_path / "c", look)]], in_flight=2)
    assert sorted(contents(tmp_path)) == ["a", "b", "c"]


def test_a_name_that_another_program_takes_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    def write(part: Path) -> None:
        part.write_text("ours")
        (tmp_path / "b").write_text("theirs")

    with pytest.raises(DeliveryError, match="already there"):
        write_together([(tmp_path / "a", text_writer("ours")), (tmp_path / "b", write)])
    assert contents(tmp_path) == {"b": "theirs"}


@pytest.mark.parametrize("second_names", [True, False])
def test_replacing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second_names: bool) -> None:
    if not second_names:  # FAT and some network folders have none

        def refuse(*_: object) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    (tmp_path / "d").mkdir()
    jobs = [(tmp_path / name, text_writer("new")) for name in ("a", "c", "b", "d")]
    with pytest.raises(DeliveryError, match="could not be written"):
        write_together(jobs, replace=True)  # a folder stands in the way of the last
    assert contents(tmp_path) == {"a": "old", "b": "old"}
    (tmp_path / "d").rmdir()
    write_together(jobs, replace=True)
    assert contents(tmp_path) == dict.fromkeys("abcd", "new")


def test_replacing_keeps_permissions_and_follows_links(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_together([(tmp_path / "link", text_writer("new"))], replace=True)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_vanishes_while_others_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "share"

    def lose(part: Path) -> None:
        shutil.rmtree(folder)
        part.write_text("x")

    with pytest.raises(DeliveryError, match="could not be written") as caught:
        write_together([(folder / "a", text_writer("x")), (folder / "b", lose)])
    assert "No such file or directory" in str(caught.value) and contents(tmp_path) == {}


def test_what_progress_raises_stops_the_work(tmp_path: Path) -> None:
    written: list[str] = []

    def write(part: Path) -> None:
        written.append(part.name)
        part.write_text("x")

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for in_flight in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            groups = [[(tmp_path / str(number), write)] for number in range(50)]
            write_groups(groups, in_flight=in_flight, progress=cancel)
    assert contents(tmp_path) == {} and len(written) < 100


def test_the_hash_is_the_standards(tmp_path: Path) -> None:
    # FIPS 180-4, the example for "abc"; and of nothing.
    for text, digest in (
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ):
        (tmp_path / "x").write_text(text)
        assert sha256(tmp_path / "x") == digest
