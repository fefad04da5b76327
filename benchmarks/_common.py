"""Shared by the benchmarks: how a figure is printed, and the pack loaded beside a real ComfyUI's modules."""

from __future__ import annotations

import importlib.util
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))


def report(name: str, values: Sequence[float], unit: str, target: float | None = None) -> None:
    """Prints median, minimum and maximum, and whether the median is within the target."""
    median = statistics.median(values)
    verdict = ""
    if target is not None:
        verdict = f"   target at most {target:g} {unit}: {'met' if median <= target else 'MISSED'}"
    spread = f"{min(values):.4g} to {max(values):.4g}, {len(values)} runs"
    print(f"{name}: median {median:.4g} {unit} ({spread}){verdict}")


def comfyui() -> Path:
    """The folder of the ComfyUI to measure in; dev.py tells it."""
    folder = os.environ.get("STUDIOFLOW_COMFYUI")
    if not folder:
        sys.exit("STUDIOFLOW_COMFYUI is not set: run this with `python dev.py bench`")
    return Path(folder)


def load_pack(base: Path, *, cpu: bool = True) -> ModuleType:
    """The pack, loaded in this process as ComfyUI loads it, with ``base`` as ComfyUI's base directory."""
    sys.argv = ["main.py", *(["--cpu"] if cpu else []), "--base-directory", str(base)]
    sys.path.insert(0, str(comfyui()))
    import comfy.options

    comfy.options.enable_args_parsing()
    spec = importlib.util.spec_from_file_location("studioflow_pack", ROOT / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def peak_bytes() -> int:
    """The most memory that this process had. Not ru_maxrss where there is better: on Linux a child begins with its
    parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
