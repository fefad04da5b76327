"""The pack loaded in this process the way ComfyUI loads it, with a real ComfyUI's modules and no server."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """The folder of the ComfyUI whose modules are used."""
    folder = os.environ.get("STUDIOFLOW_COMFYUI")
    assert folder, "STUDIOFLOW_COMFYUI is not set: run these tests with `python dev.py test --only nodes`"
    return Path(folder)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base directory of ComfyUI's with a pair of stand-in models."""
    from studioflow.fibo.standin import make_standins

    folder = tmp_path_factory.mktemp("base")
    for name in ("input", "output", "user", "temp", "models/diffusers"):
        (folder / name).mkdir(parents=True)
    make_standins(folder / "models" / "diffusers")
    return folder


@pytest.fixture(scope="session")
def pack(comfyui: Path, base: Path) -> Iterator[ModuleType]:
    """The pack's module, under a name made from its path as ComfyUI does it."""
    before = sys.argv, list(sys.path)
    sys.argv = ["main.py", "--cpu", "--base-directory", str(base)]
    sys.path.insert(0, str(comfyui))
    import comfy.options

    comfy.options.enable_args_parsing()
    spec = importlib.util.spec_from_file_location(str(ROOT).replace(".", "_x_"), ROOT / "__init__.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.argv, sys.path[:] = before


@pytest.fixture(scope="session")
def nodes(pack: ModuleType) -> dict[str, type]:
    """The node classes by id."""
    extension = asyncio.run(pack.comfy_entrypoint())
    return {node.GET_SCHEMA().node_id: node for node in asyncio.run(extension.get_node_list())}


@pytest.fixture
def host(pack: ModuleType, nodes: dict[str, type]) -> ModuleType:
    """The pack's adapter to ComfyUI."""
    return sys.modules[f"{pack.__name__}.nodes.host"]
