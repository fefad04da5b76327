"""What the pack adds to ComfyUI's start: the time of ComfyUI's own load_custom_node, which its "import times"
line shows with one digit only, in a fresh process each time. Target: at most 0.03 s."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from _common import ROOT, comfyui, report

RUNS = 7

LOAD = """
import asyncio, os, sys, time
comfyui, base, pack = sys.argv[1:]
sys.argv = ["main.py", "--cpu", "--base-directory", base]
sys.path.insert(0, comfyui)
import comfy.options; comfy.options.enable_args_parsing()
import utils.install_util  # before nodes, which puts another utils before it on the path
import nodes, server
async def load():
    # As in the running server: the core nodes come first, then the packs.
    await nodes.init_builtin_extra_nodes()
    before = time.perf_counter()
    assert await nodes.load_custom_node(pack)
    return time.perf_counter() - before
print(asyncio.run(load()))
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as base:
        for folder in ("input", "output", "user", "models/diffusers"):
            (Path(base) / folder).mkdir(parents=True)
        command = [sys.executable, "-c", LOAD, str(comfyui()), base, str(ROOT)]
        seconds = []
        for _ in range(RUNS + 1):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds.append(float(done.stdout.strip().splitlines()[-1]))
    # The first run compiles the modules to bytecode, which happens once after an install.
    print(f"the first start after an install: {seconds[0]:.4f} s")
    report("the pack's share of ComfyUI's start", seconds[1:], "s", target=0.03)


if __name__ == "__main__":
    main()
