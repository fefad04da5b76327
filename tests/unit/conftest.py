"""For the tests of dev.py: its folders moved into tmp_path, a step to run in, and a ComfyUI of a few lines.

For the tests of FIBO: the stand-in models, made and loaded once.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools import host, places
from devtools.steps import Progress

from ..standins import NO_FIBO_2

# Enough of a ComfyUI for dev.py: it notes how it was called and answers two addresses.
FAKE_COMFYUI = """
import http.server, json, sys
print("called with", json.dumps(sys.argv[1:]), flush=True)
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"NODE": {}} if self.path == "/object_info" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Answer).serve_forever()
"""


@pytest.fixture
def dev_in_tmp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Moves dev.py's folders into tmp_path and hides the person's own settings."""
    folder = tmp_path / ".host"
    moved = {"HOST": folder, "LOGS": folder / "logs", "BASE": folder / "base", "COMFYUI": folder / "ComfyUI"}
    for name, path in {**moved, "VENV": tmp_path / ".venv"}.items():
        monkeypatch.setattr(places, name, path)
    for name in ("COMFYUI_DIR", "COMFYUI_PYTHON", "CHROMIUM", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    host.needs_cpu_flag.cache_clear()


@pytest.fixture
def comfyui(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a ComfyUI that knows one node, and runs `first` before all else."""

    def make(first: str = "", node: str = "StudioFlowProbe") -> Path:
        folder = tmp_path / "comfy ui"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(first + FAKE_COMFYUI.replace("NODE", node))
        return folder

    return make


@pytest.fixture
def progress(dev_in_tmp: None) -> Iterator[Progress]:
    """A step that is under way."""
    with Progress("a step", places.LOGS / "step.log") as progress:
        yield progress


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with a stand-in for each pipeline class that the installed diffusers has."""
    torch, diffusers = pytest.importorskip("torch"), pytest.importorskip("diffusers")
    from studioflow.fibo.standin import make_standins

    # A second thread costs tiny models more than it gives, and everything where the cores are busy.
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("diffusers")
    assert len(make_standins(folder)) == (3 if hasattr(diffusers, "BriaFibo2Pipeline") else 2)
    return folder


@pytest.fixture(scope="session")
def loaded(models: Path) -> dict[str, Any]:
    """The stand-ins by the last word of their names: 1, edit and 2."""
    from studioflow.fibo.folders import find_models
    from studioflow.fibo.model import load_model

    return {found.name.rsplit("-", 1)[1]: load_model(found) for found in find_models([models])}


@pytest.fixture(params=["1", "2"])
def model(request: pytest.FixtureRequest, loaded: dict[str, Any]) -> Any:
    """A model that paints from a caption, of each generation."""
    if request.param not in loaded:
        pytest.skip(NO_FIBO_2)
    return loaded[request.param]


@pytest.fixture(params=["edit", "2"])
def editor(request: pytest.FixtureRequest, loaded: dict[str, Any]) -> Any:
    """A model that edits pictures, of each generation."""
    if request.param not in loaded:
        pytest.skip(NO_FIBO_2)
    return loaded[request.param]
