"""The rules that keep the house livable, held by reading the code."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from studioflow import VERSION
from studioflow.delivery.presets import shipped_presets
from studioflow.imaging.formats import FORMATS

INTERNALS = {"comfy", "comfy_execution", "comfy_extras", "folder_paths", "server", "execution"}


def imports(file: Path) -> set[str]:
    """The top-level names that a module imports from outside the pack, anywhere in it."""
    return imports_of(ast.parse(file.read_text(encoding="utf-8")))


def imports_of(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").split(".")[0])
    return names


def sources(root: Path, *folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]


def test_only_the_host_module_touches_comfyuis_internals(root: Path) -> None:
    guilty = {path.name for path in sources(root, "nodes") if imports(path) & INTERNALS}
    assert guilty == {"host.py"}


def test_the_pack_imports_itself_relatively(root: Path) -> None:
    # ComfyUI loads the folder under a name of its own, so an absolute import would find another copy or none.
    for path in [root / "__init__.py", *sources(root, "nodes", "studioflow")]:
        assert not imports(path) & {"studioflow", "nodes"}, path


def test_the_door_holds_nothing_else(root: Path) -> None:
    body = ast.parse((root / "__init__.py").read_text(encoding="utf-8")).body
    assert [type(node).__name__ for node in body] == ["Expr", "Assign", "AsyncFunctionDef"]


HEAVY = {
    "bria_vgl",
    "litellm",
    "openai",
    "httpx",
    "pydantic",
    "xgrammar",
    "llguidance",
    "jsonpatch",
    "json_merge_patch",
    "rfc8785",
    "tifffile",
    "torch",
    "diffusers",
    "transformers",
    "cv2",
    "OpenEXR",
    "PIL",
    "OpenImageIO",
    "PyOpenColorIO",
    "imagecodecs",
    "astronomy",
    "resvg_py",
    "scipy",
    "jsonschema_rs",
    "accelerate",
    "safetensors",
    "peft",
    "torchao",
    "bitsandbytes",
    "psutil",
    "mitsuba",
    "trimesh",
    "pyoidn",
    "controlnet_aux",
    "timm",
    "huggingface_hub",
}


def test_nothing_heavy_at_module_level(root: Path) -> None:
    for path in sources(root, "nodes", "studioflow"):
        top = ast.parse(path.read_text(encoding="utf-8")).body
        module = ast.Module([node for node in top if isinstance(node, ast.Import | ast.ImportFrom)], [])
        assert not imports_of(module) & HEAVY, path


def test_a_file_holds_one_subject(root: Path) -> None:
    for path in [root / "dev.py", *sources(root, "devtools", "nodes", "studioflow")]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_version_is_one(root: Path) -> None:
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.+)"$', project, re.MULTILINE).group(1) == VERSION
    assert f"## [{VERSION}]" in (root / "CHANGELOG.md").read_text(encoding="utf-8")


def test_presets_name_formats_that_exist() -> None:
    assert {entry["format"] for preset in shipped_presets().values() for entry in preset.files} <= FORMATS.keys()


def test_no_path_of_one_machine(root: Path) -> None:
    if not (root / ".git").exists():
        pytest.skip("git knows which files are ours, and this is no checkout of it")
    listed = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = root / name
        if path.suffix in {".py", ".json", ".md", ".toml", ".txt", ".js", ".mjs"} and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?<![\w.])/(?:work|root|home/\w+|Users/\w+)/", text), name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).parent.parent.parent
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_the_package_holds_its_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("schemas/manifest.schema.json", "recipes/api/product_hero.json", "samples/product_hero.json"):
        assert f"studioflow/shipped/{name}" in names
    assert not [name for name in names if name.startswith(("tests/", "nodes/", "dev"))]


def test_the_package_works_away_from_the_repository(wheel: Path, tmp_path: Path, sample: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    command = [
        sys.executable,
        "-c",
        "import sys; from studioflow.cli import main; sys.exit(main())",
        "compile",
        str(sample),
    ]
    env = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and '"short_description"' in done.stdout, done.stderr
