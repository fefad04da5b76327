"""A real ComfyUI in a real browser. Every test runs in both renderers of ComfyUI's frontend.

``python dev.py test`` gives the environment: STUDIOFLOW_COMFYUI is the folder of ComfyUI's main.py,
STUDIOFLOW_FRONTEND the static folder of the newest frontend, STUDIOFLOW_BROWSER a Chromium (without it
playwright's own). STUDIOFLOW_SCREENSHOTS names a folder for a picture of every test's end,
which is else taken of failed tests only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import dev

from .canvas import Canvas, Renderer

RENDERERS = {
    "classic": Renderer(frontend=None, vue_nodes=False),  # what ComfyUI 0.3.75 brings, nodes drawn on a canvas
    "nodes2": Renderer(frontend="STUDIOFLOW_FRONTEND", vue_nodes=True),  # the newest, nodes are elements of the page
    "classic-newest": Renderer(frontend="STUDIOFLOW_FRONTEND", vue_nodes=False),  # for tests that ask for it
}
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE_MS = 90_000  # how long anything may take on a slow and busy machine; nothing waits longer than it must

# Small and of few steps, so that a render takes a second or two; wider than high, so that it is known again.
SMALL_SHOT = {
    "studioflow": "1.0",
    "scene": {"description": "A cup on a table."},
    "render": {"width": 384, "height": 256, "seed": 1, "steps": 4},
}
MISSPELT_SHOT = {"studioflow": "1.0", "scene": {"descripton": "A cup on a table."}}
MODELS = (
    "loras/my_lora.safetensors",
    "checkpoints/sd_xl_base_1.0.safetensors",
    "controlnet/diffusion_pytorch_model_promax.safetensors",
)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives the tests of one renderer to one worker, so that each host starts once.

    pytest-xdist 3.8 does so by its own marks, but does not see them with pytest 9.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByRenderer(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            parameters = nodeid.rpartition("[")[2]
            return max((name for name in RENDERERS if name in parameters), key=len)

    return ByRenderer(config, log)


def folder_from(variable: str, holding: str) -> Path:
    """The folder that an environment variable names; fails the test where it is not that folder."""
    folder = os.environ.get(variable)
    if not folder or not (Path(folder) / holding).is_file():
        pytest.fail(
            f"{variable} must name a folder that holds {holding}, and is {folder!r}. `python dev.py test` sets it.",
            pytrace=False,
        )
    return Path(folder)


@pytest.fixture(scope="session")
def comfyui() -> Path:
    """ComfyUI's folder."""
    return folder_from("STUDIOFLOW_COMFYUI", "main.py")


@pytest.fixture(scope="session")
def standins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the stand-ins."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run([sys.executable, "-m", "studioflow", "standin", folder], cwd=dev.ROOT, check=True)
    return folder


@pytest.fixture(scope="session", params=["classic", "nodes2"])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    """The renderer that the test runs in; being of the session, it keeps the tests of one together."""
    return RENDERERS[request.param]


@pytest.fixture(scope="session")
def host(
    renderer: Renderer, comfyui: Path, standins: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dev.Host]:
    """A running ComfyUI with the pack, the stand-ins and the manifests of this file."""
    frontend = renderer.frontend and folder_from(renderer.frontend, "index.html")
    base = tmp_path_factory.mktemp("host")
    dev.link_folder(base / "models" / "diffusers", standins)
    for name, manifest in {"small": SMALL_SHOT, "misspelt": MISSPELT_SHOT}.items():
        file = base / "input" / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(manifest), encoding="utf-8")
    # What the recipes name: the picture that ComfyUI brings, and models as far as a menu sees them.
    shutil.copy(comfyui / "input" / "example.png", base / "input")
    for name in MODELS:
        model = base / "models" / name
        model.parent.mkdir(exist_ok=True)
        model.touch()
    with dev.running_host(
        sys.executable, comfyui, base_dir=base, frontend=frontend, env={"HF_HUB_OFFLINE": "1"}
    ) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("STUDIOFLOW_BROWSER"), args=BROWSER_ARGUMENTS
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def profile(host: dev.Host, browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile for the tests of one host, so that the frontend's files are fetched once."""
    expect.set_options(timeout=PATIENCE_MS)
    context = browser.new_context(base_url=host.url, viewport={"width": 1600, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script("localStorage.clear(); sessionStorage.clear()")  # no workflow of an earlier test
    yield context
    context.close()


def take_picture(page: Page, folder: Path, test: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{test.replace('[', '-').rstrip(']')}.png")


@pytest.fixture
def tab(
    profile: BrowserContext, renderer: Renderer, host: dev.Host, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Canvas]:
    """The profile's one tab as it is. Fails the test on any error that the page did not catch.

    To load ComfyUI takes longer than most tests: the page stays, its canvas cleared, and only a test that fails closes
    it. Clearing belongs to the test whose workflow it closes, errors and all.
    """
    page = profile.pages[0] if profile.pages else profile.new_page()
    uncaught, console, failed_before = [], [], request.session.testsfailed
    listeners = {
        "pageerror": lambda error: uncaught.append(error.stack or str(error)),
        "console": lambda line: line.type == "error" and console.append((line.location["url"], line.text)),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    screenshots, ours, good = os.environ.get("STUDIOFLOW_SCREENSHOTS"), [], False
    try:
        comfy = Canvas(page, renderer, settings=host.base / "user" / "default" / "comfy.settings.json")
        yield comfy
        comfy.settle()
        passed = request.session.testsfailed == failed_before and not uncaught
        if passed and screenshots:
            take_picture(page, Path(screenshots), request.node.name)
        if passed:
            comfy.clear()
        ours = [text for url, text in console if "/extensions/studioflow/" in url and url.endswith(".js")]
        good = passed and not uncaught + ours
    finally:
        if not good:
            take_picture(page, Path(screenshots or tmp_path), request.node.name)
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        if not good:
            page.close()
        # pytest shows these when the test fails. Most are the frontend's own: it asks for pages that this host lacks.
        print("errors in the console:", *dict.fromkeys(f"{text[:200]} ({url})" for url, text in console), sep="\n  ")
    assert not uncaught + ours, "\n".join(["errors of the page:", *uncaught, *ours])


@pytest.fixture
def canvas(tab: Canvas) -> Canvas:
    """ComfyUI's page with an empty canvas."""
    tab.open()
    return tab
