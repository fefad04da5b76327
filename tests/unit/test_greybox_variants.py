"""Which variant renders is found without risk, once, and told where there is none."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studioflow.errors import StudioFlowError
from studioflow.greybox import variants
from studioflow.greybox.remembered import forget
from studioflow.greybox.variants import Variant, usable_variant, works

Asked = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in (variants.FORCED, variants.LLVM_PATH):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.setattr(variants, "_llvms", list)
    forget()
    yield
    forget()


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], Asked]:
    """Puts a script in the probe's place that begins with noting what it is asked; gives what it was asked so far."""

    def put(script: str) -> Asked:
        noted, path = tmp_path / "asked", tmp_path / "probe.py"
        noted.write_text("")
        with_llvm = f"sys.argv[1] + ' ' + os.environ.get({variants.LLVM_PATH!r}, '')"
        note = f"open({str(noted)!r}, 'a').write(({with_llvm}).strip() + '\\n')"
        path.write_text(f"import os, sys\nvariant = sys.argv[1]\n{note}\n{script}\nprint('ok')\n")
        monkeypatch.setattr(variants, "_PROBE", path)
        return lambda: noted.read_text().split("\n")[:-1]

    return put


CRASH = "if not variant.startswith('scalar'): os.abort()"


def test_a_variant_that_ends_its_process_is_passed_over(probe: Callable[[str], Asked]) -> None:
    asked = probe(CRASH)
    assert usable_variant() == Variant("scalar_rgb")
    assert asked() == ["cuda_ad_rgb", "llvm_ad_rgb", "scalar_rgb"], "the fastest first"


@pytest.mark.parametrize(
    "fault",
    ["sys.exit(3)", "raise RuntimeError('no device')", "print('not a number'); sys.exit(0)", "os.kill(os.getpid(), 9)"],
)
def test_other_ends_are_no_answer_either(probe: Callable[[str], Asked], fault: str) -> None:
    probe(f"if variant.startswith('cuda'):\n    {fault}")
    assert usable_variant() == Variant("llvm_ad_rgb")


def test_one_that_hangs_is_given_up(probe: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "_PATIENCE_S", 2)
    probe("import time\nif variant.startswith('cuda'): time.sleep(600)")
    assert usable_variant() == Variant("llvm_ad_rgb")


def test_a_probe_that_cannot_start_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert not works(Variant("scalar_rgb"))


def test_the_answer_is_remembered_until_the_machine_changes(
    probe: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = probe(CRASH)
    for _ in range(3):
        usable_variant()
    forget()
    assert usable_variant() == Variant("scalar_rgb") and len(asked()) == 3
    assert json.loads((tmp_path / "cache" / "studioflow" / "mitsuba.json").read_text())["answer"] == ["scalar_rgb", ""]
    for number, (name, value) in enumerate(
        [("version", lambda package: f"{package} 99"), ("_llvms", lambda: ["/usr/lib/libLLVM-99.so"])], start=1
    ):
        monkeypatch.setattr(variants, name, value)
        usable_variant()
        assert len(asked()) == (6 if number == 1 else 10), name
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    usable_variant()
    assert len(asked()) == 14


def test_none_that_works_is_told_with_what_shows_why(probe: Callable[[str], Asked]) -> None:
    asked = probe("os.abort()")
    with pytest.raises(StudioFlowError) as caught:
        usable_variant()
    message = str(caught.value)
    assert "cuda_ad_rgb, llvm_ad_rgb, scalar_rgb" in message and "probe.py scalar_rgb" in message
    with pytest.raises(StudioFlowError):
        usable_variant()
    assert len(asked()) == 3, "asked once in a process"
    forget()
    probe("")
    assert usable_variant() == Variant("cuda_ad_rgb"), "and again in the next one"


def test_a_forced_variant_is_the_only_one_tried(probe: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = probe(CRASH)
    monkeypatch.setenv(variants.FORCED, "scalar_rgb")
    assert usable_variant() == Variant("scalar_rgb") and asked() == ["scalar_rgb"]
    monkeypatch.setenv(variants.FORCED, "cuda_ad_rgb")
    with pytest.raises(StudioFlowError, match="none of cuda_ad_rgb ended well"):
        usable_variant()
    assert asked() == ["scalar_rgb", "cuda_ad_rgb"]
    monkeypatch.setenv(variants.FORCED, "cuda")
    with pytest.raises(StudioFlowError, match=variants.FORCED):
        usable_variant()


@pytest.mark.parametrize("missing", ["mitsuba", "trimesh"])
def test_a_missing_package_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    really = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == missing else really(name, *rest)
    )
    with pytest.raises(StudioFlowError) as caught:
        variants.mitsuba()
    assert f"{missing} is not installed" in str(caught.value)
    assert f"run: {sys.executable} -m pip install mitsuba trimesh" in str(caught.value)


def test_the_real_probe_renders_by_the_scalar_variant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variants.FORCED, "scalar_rgb")
    assert works(Variant("scalar_rgb")) and not works(Variant("scalar_rgbb"))
    assert variants.mitsuba().variant() == "scalar_rgb"


# LLVM


@pytest.fixture
def libraries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which the LLVMs of several systems lie, by the names that these give them."""
    monkeypatch.undo()
    folder = tmp_path / "lib"
    for name in (
        "x86_64-linux-gnu/libLLVM-14.so.1",
        "x86_64-linux-gnu/libLLVM.so.19.1",
        "llvm-9/lib/libLLVM-9.so",
        "llvm-17/lib/libLLVM-17.0.6.so.1",
        "libLLVM.so",
        "libLLVM.dylib",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    (folder / "x86_64-linux-gnu" / "libLLVM-19.so").symlink_to("libLLVM.so.19.1")
    (folder / "libLLVMSupport.a").write_bytes(b"")
    monkeypatch.setattr(variants, "_LLVM_FOLDERS", (str(folder), str(tmp_path / "none")))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    monkeypatch.delenv(variants.LLVM_PATH, raising=False)
    return folder.resolve()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
def test_llvms_are_newest_first_and_each_once(libraries: Path) -> None:
    names = [str(Path(path).relative_to(libraries)) for path in variants._llvms()]
    assert names[:4] == [
        "x86_64-linux-gnu/libLLVM.so.19.1",
        "llvm-17/lib/libLLVM-17.0.6.so.1",
        "x86_64-linux-gnu/libLLVM-14.so.1",
        "llvm-9/lib/libLLVM-9.so",
    ]
    assert sorted(names[4:]) == ["libLLVM.dylib", "libLLVM.so"], "without a number: last"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights on Windows")
def test_the_first_llvm_that_works_is_used(
    libraries: Path, probe: Callable[[str], Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"os.environ.get({variants.LLVM_PATH!r}, '')"
    asked = probe(f"if variant.startswith('cuda') or '17' not in {path}: os.abort()")
    assert usable_variant() == Variant("llvm_ad_rgb", str(libraries / "llvm-17/lib/libLLVM-17.0.6.so.1"))
    assert [line.split("/")[-1] for line in asked()] == [
        "cuda_ad_rgb", "llvm_ad_rgb", "libLLVM.so.19.1", "libLLVM-17.0.6.so.1"
    ]  # fmt: skip
    monkeypatch.setenv(variants.LLVM_PATH, "/a/path/of/ones/own.so")
    forget()
    with pytest.raises(StudioFlowError):
        usable_variant()
    own = [line for line in asked()[4:] if line.startswith("llvm")]
    assert own == ["llvm_ad_rgb /a/path/of/ones/own.so"], "whoever names one means it"
