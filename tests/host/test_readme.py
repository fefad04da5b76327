"""What the README shows is what the product does: its commands run, its excerpts are real."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dev
from devtools import places
from studioflow.caption import compile_manifest
from studioflow.manifest import load

# Not run here: what would run this very test, and what needs the network or a person's own ComfyUI.
NOT_RUN = ("python dev.py test", "git clone", "hf download", "python -m pip")


def blocks(root: Path, kind: str) -> list[str]:
    text = (root / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(root: Path, kind: str) -> list[str]:
    lines = [line for block in blocks(root, kind) for line in block.splitlines() if line.strip()]
    return [line for line in lines if not line.startswith(NOT_RUN)]


def run(command: str, root: Path) -> subprocess.CompletedProcess[str]:
    """As a person in a clone would, with this interpreter for the README's ``python`` and its ``.venv``."""
    words = shlex.split(command)
    assert words[0] in ("python", ".venv/bin/python"), command
    return subprocess.run(
        [sys.executable, *words[1:]], cwd=root, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL
    )


def test_the_two_commands_are_there(root: Path) -> None:
    shown = [line for block in blocks(root, "sh") for line in block.splitlines()]
    assert "python dev.py demo" in shown and "python dev.py test" in shown


def test_commands_run(root: Path, tmp_path: Path) -> None:
    for command in commands(root, "sh"):
        if command == "python dev.py demo":
            continue
        done = run(command, root)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


@pytest.mark.skipif(
    Path(sys.prefix) != Path(dev.__file__).parent / ".venv" and "COMFYUI_DIR" not in os.environ,
    reason="not run by dev.py test, so the demo would first set up a whole environment",
)
def test_the_demo_delivers_twice_the_same_bits(root: Path, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    pictures = []
    for name in ("one", "two"):
        out = tmp_path / name
        # Else the second time would be the first one's picture, kept.
        shutil.rmtree(places.BASE / "user" / "__studioflow" / "renders", ignore_errors=True)
        done = run(f"python dev.py demo --out {shlex.quote(str(out))}", root)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "stand-in weights: the picture is noise" in done.stdout + done.stderr
        kinds = sorted("".join(path.suffixes) for path in out.iterdir())
        # FIBO's delivery and the greybox of the shot.
        assert kinds == [".caption.json", ".exr", ".exr", ".manifest.json", ".png", ".png"]
        assert all(str(path) in done.stdout for path in out.iterdir())
        found = {}
        for path in out.glob("*.png"):
            with Image.open(path) as picture:
                # ComfyUI counts its files up from demo to demo.
                found["greybox" if "greybox" in path.name else "fibo"] = np.asarray(picture).copy()
        pictures.append(found)
    one, two = pictures
    assert one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)
    assert all(pixels.std() > 5 for pixels in one.values())


def test_server_commands_run(root: Path, host: dev.Host, tmp_path: Path) -> None:
    for command in commands(root, "sh server"):
        here = command.replace("http://127.0.0.1:8188", host.url).replace("--out output", f"--out {tmp_path}")
        done = run(here, root)
        assert done.returncode == 0, f"{here}\n{done.stdout}{done.stderr}"


def test_the_program_runs(root: Path, host: dev.Host, tmp_path: Path) -> None:
    (program,) = blocks(root, "python")
    script = tmp_path / "program.py"
    script.write_text(program.replace("http://127.0.0.1:8188", host.url), encoding="utf-8")
    done = subprocess.run([sys.executable, script], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout.startswith("success ["), done.stdout + done.stderr


def test_excerpts_are_real(root: Path, sample: Path) -> None:
    manifest_part, caption_part = (json.loads("{" + block.strip() + "}") for block in blocks(root, "json"))
    manifest = load(sample)
    caption = json.loads(compile_manifest(manifest, "fibo-2").caption)
    assert manifest_part == {key: manifest[key] for key in manifest_part}
    assert caption_part == {key: caption[key] for key in caption_part}


def test_what_lint_says_is_real(root: Path, tmp_path: Path) -> None:
    (shot,), (told,) = blocks(root, "json kettle.json"), blocks(root, "text lint kettle.json")
    (tmp_path / "kettle.json").write_text(shot, encoding="utf-8")
    command = [sys.executable, "-m", "studioflow", "lint", "kettle.json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, told)
