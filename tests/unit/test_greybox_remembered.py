"""Probes run once a version: remembered in the process and in a file, and never in the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studioflow.greybox import remembered as module
from studioflow.greybox.remembered import cache_folder, forget, remembered

KEY = {"mitsuba": "3.9.1", "machine": "x86_64"}


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    forget()
    yield
    forget()


class Probe:
    """Counts how often it is asked."""

    def __init__(self, answer: object) -> None:
        self.answer, self.asked = answer, 0

    def __call__(self) -> object:
        self.asked += 1
        return self.answer


def test_asked_once_in_a_process_and_once_on_a_machine(tmp_path: Path) -> None:
    probe = Probe({"variant": "llvm_ad_rgb", "seconds": 1.5})
    for _ in range(3):
        assert remembered("variant", KEY, probe, tmp_path) == probe.answer
    forget()
    assert remembered("variant", KEY, probe, tmp_path) == probe.answer
    assert probe.asked == 1
    assert [path.name for path in tmp_path.iterdir()] == ["variant.json"], "no part of a file is left"


def test_a_changed_key_asks_again_and_takes_the_place(tmp_path: Path) -> None:
    old, new = Probe("scalar_rgb"), Probe("cuda_ad_rgb")
    assert remembered("variant", KEY, old, tmp_path) == "scalar_rgb"
    changed = {**KEY, "mitsuba": "3.10.0"}
    assert remembered("variant", changed, new, tmp_path) == "cuda_ad_rgb"
    forget()
    assert remembered("variant", changed, old, tmp_path) == "cuda_ad_rgb"
    assert (old.asked, new.asked) == (1, 1)
    assert remembered("denoiser", KEY, Probe("another"), tmp_path) == "another", "names are apart"


def test_no_answer_is_kept_for_the_process_only(tmp_path: Path) -> None:
    probe = Probe(None)
    assert remembered("denoiser", KEY, probe, tmp_path) is None
    assert remembered("denoiser", KEY, probe, tmp_path) is None
    assert probe.asked == 1
    forget()
    remembered("denoiser", KEY, probe, tmp_path)
    assert probe.asked == 2
    assert not list(tmp_path.iterdir())


def test_what_the_probe_raises_is_raised_and_not_kept(tmp_path: Path) -> None:
    def fails() -> str:
        raise RuntimeError("no device")

    with pytest.raises(RuntimeError, match="no device"):
        remembered("variant", KEY, fails, tmp_path)
    assert remembered("variant", KEY, Probe("scalar_rgb"), tmp_path) == "scalar_rgb"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[]", b"3", b'{"key": 3}', b'{"answer": "wrong"}', b"[" * 100_000],
    ids=["empty", "cut off", "no text", "list", "number", "odd key", "no key", "deep"],
)
def test_a_broken_file_is_asked_again_and_mended(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "variant.json"
    path.write_bytes(content)
    assert remembered("variant", KEY, Probe("right"), tmp_path) == "right"
    assert json.loads(path.read_text(encoding="utf-8")) == {"key": KEY, "answer": "right"}


def test_a_folder_that_cannot_be_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    probe = Probe("answer")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        assert remembered("variant", KEY, probe, folder) == "answer"
    in_the_way = tmp_path / "cache" / "variant.json"
    in_the_way.mkdir(parents=True)
    assert remembered("variant", KEY, probe, in_the_way.parent) == "answer"


def test_without_a_home_it_is_kept_in_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(module.Path, "home", homeless)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() is None
    probe = Probe("answer")
    assert remembered("variant", KEY, probe) == remembered("variant", KEY, probe) == "answer"
    assert probe.asked == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows names its folder otherwise")
def test_the_default_folder_follows_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "studioflow"
    probe = Probe("answer")
    assert remembered("variant", KEY, probe) == "answer"
    assert (tmp_path / "cache" / "studioflow" / "variant.json").is_file()
    for ignored in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert (tmp_path / "home") in cache_folder().parents


def test_threads_ask_once(tmp_path: Path) -> None:
    import time
    from concurrent.futures import ThreadPoolExecutor

    probe = Probe("answer")

    def slow() -> object:
        time.sleep(0.05)
        return probe()

    def ask(_: int, probe: Callable[[], object] = slow) -> object:
        return remembered("variant", KEY, probe, tmp_path)

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, range(8))) == {"answer"}
    assert probe.asked == 1
