"""One real ComfyUI for all host tests: the pack in its custom_nodes, stand-in models, its real queue."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev

ROOT = Path(dev.__file__).parent


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """The folder of the host's main.py."""
    folder = os.environ.get("STUDIOFLOW_COMFYUI")
    assert folder, "STUDIOFLOW_COMFYUI is not set: run these tests with `python dev.py test --only host`"
    return Path(folder)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base directory of the host, with stand-in models."""
    folder = tmp_path_factory.mktemp("host")
    command = [sys.executable, "-m", "studioflow", "standin", str(folder / "models" / "diffusers")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def host(comfyui: Path, base: Path) -> Iterator[dev.Host]:
    """The running ComfyUI."""
    with dev.running_host(sys.executable, comfyui, base_dir=base) as running:
        yield running


@pytest.fixture
def studioflow(tmp_path: Path):
    """Runs the ``studioflow`` command as a person would and returns the finished process."""

    def run(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "studioflow", *map(str, arguments)]
        env = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=180)

    return run
