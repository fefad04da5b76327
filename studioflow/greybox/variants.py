"""Which variant of Mitsuba renders on this machine: CUDA, LLVM or scalar, whichever works, the fastest first.

A variant that does not work may end the whole process, so each is tried in a process of its own, and the answer is
remembered until Mitsuba or the machine changes.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import StudioFlowError
from .remembered import remembered

VARIANTS = ("cuda_ad_rgb", "llvm_ad_rgb", "scalar_rgb")
FORCED = "STUDIOFLOW_MITSUBA_VARIANT"
LLVM_PATH = "DRJIT_LIBLLVM_PATH"
_PATIENCE_S = 180
_LLVM_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/opt/homebrew/opt/llvm/lib", "/usr/local/opt/llvm/lib")
_LLVM_TRIED = 4
"""Of several LLVMs the newest ones; each trial costs seconds."""


class Variant(NamedTuple):
    """A variant by Mitsuba's name, and the LLVM that it needs, empty where Dr.Jit finds one by itself."""

    name: str
    llvm: str = ""


def mitsuba() -> Any:
    """Mitsuba with the variant of this machine set. StudioFlowError where it is not installed or nothing works."""
    for package in ("mitsuba", "trimesh"):
        if importlib.util.find_spec(package) is None:
            raise StudioFlowError(
                "the greybox needs Mitsuba 3",
                found=f"{package} is not installed",
                fix=f"run: {sys.executable} -m pip install mitsuba trimesh",
            )
    variant = usable_variant()
    if variant.llvm:
        os.environ[LLVM_PATH] = variant.llvm
    import mitsuba as mi

    if mi.variant() != variant.name:
        mi.set_variant(variant.name)
    return mi


def usable_variant() -> Variant:
    """The fastest variant that renders here; the environment variable STUDIOFLOW_MITSUBA_VARIANT wins."""
    forced = os.environ.get(FORCED, "")
    if forced and forced not in VARIANTS:
        raise StudioFlowError("no such variant", where=FORCED, found=f'"{forced}"', allowed=", ".join(VARIANTS))
    names = (forced,) if forced else VARIANTS
    found = remembered("mitsuba", _machine() | {"asked": forced}, lambda: _first_that_works(names))
    if not found:
        raise StudioFlowError(
            "Mitsuba renders nothing on this machine",
            found=f"none of {', '.join(names)} ended well",
            fix=f"run: {sys.executable} {_PROBE} scalar_rgb, which shows why",
        )
    return Variant(*found)


_PROBE = Path(__file__).with_name("probe.py")


def _machine() -> dict[str, str]:
    """What decides whether a variant works."""
    driver = Path("/proc/driver/nvidia/version")
    return {
        "mitsuba": version("mitsuba"),
        "drjit": version("drjit"),
        "python": sys.version.split()[0],
        "machine": platform.platform(),
        "llvm": os.environ.get(LLVM_PATH, "") or ", ".join(_llvms()),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "driver": driver.read_text(errors="replace").partition("\n")[0] if driver.is_file() else "",
    }


def _first_that_works(names: tuple[str, ...]) -> list[str] | None:
    return next(([*variant] for variant in _candidates(names) if works(variant)), None)


def _candidates(names: tuple[str, ...]) -> Iterator[Variant]:
    for name in names:
        yield Variant(name)
        if name.startswith("llvm") and LLVM_PATH not in os.environ:
            yield from (Variant(name, path) for path in _llvms()[:_LLVM_TRIED])


def _llvms() -> list[str]:
    """The LLVM libraries of this machine, newest first."""
    return _llvms_in(tuple(_LLVM_FOLDERS))


@functools.cache
def _llvms_in(folders: tuple[str, ...]) -> list[str]:
    found: dict[str, int] = {}
    for folder in map(Path, folders):
        for pattern in ("libLLVM*.so*", "*-linux-gnu/libLLVM*.so*", "llvm-*/lib/libLLVM*.so*", "libLLVM*.dylib"):
            for path in folder.glob(pattern):
                number = re.search(r"LLVM[-.](?:so\.|dylib\.)?(\d+)", path.name)
                found.setdefault(os.path.realpath(path), int(number[1]) if number else 0)
    return sorted(found, key=lambda path: (-found[path], path))


def works(variant: Variant) -> bool:
    """Whether a small render with it ends well, in a process of its own."""
    env = os.environ | ({LLVM_PATH: variant.llvm} if variant.llvm else {})
    try:
        tried = subprocess.run(  # noqa: S603 - this Python and our own script
            [sys.executable, "-X", "faulthandler", str(_PROBE), variant.name],
            env=env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0 and tried.stdout.strip().endswith("ok")
