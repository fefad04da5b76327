"""A person's own ComfyUI and its Python: found and looked at, never changed."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from .failure import Failed
from .processes import ask, shown

MISSING = """
import importlib.metadata as metadata, json, sys
try:
    from packaging.requirements import Requirement
except ImportError:
    from pip._vendor.packaging.requirements import Requirement
missing = []
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"):
        line = line.split("#")[0].strip()
        if not line:
            continue
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate():
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            missing.append(line)
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            missing.append("%s (it has %s)" % (line, found))
print(json.dumps(missing))
"""


def own_comfyui(folder: str) -> Path:
    """The folder as a path; Failed when it holds no ComfyUI."""
    comfyui = Path(folder).expanduser().resolve()
    if not (comfyui / "main.py").is_file():
        advice = "give the folder that holds main.py to --comfyui or COMFYUI_DIR, or leave both away."
        raise Failed(f"{comfyui} is not a ComfyUI: there is no main.py in it", advice=advice)
    return comfyui


def own_python(comfyui: Path) -> Path:
    """The Python that COMFYUI_PYTHON names, else a virtual environment in or beside ComfyUI, else this Python."""
    named = os.environ.get("COMFYUI_PYTHON")
    if named:
        if not Path(named).expanduser().is_file():
            raise Failed(f"COMFYUI_PYTHON names no file: {named}")
        return Path(named).expanduser().absolute()
    folders = [comfyui / ".venv", comfyui / "venv"]
    folders += [comfyui.parent / name for name in ("python_embeded", ".venv", "venv")]
    pythons = [folder / name for folder in folders for name in ("Scripts/python.exe", "python.exe", "bin/python")]
    return next((python for python in pythons if python.exists()), Path(sys.executable))


def check_packages(python: Path, files: Sequence[Path]) -> None:
    """Failed, with the command that installs them, which is theirs to run, where that Python lacks packages."""
    missing = json.loads(ask(python, MISSING, *files, wrong="could not list its packages"))
    if missing:
        command = [python, "-m", "pip", "install"]
        for file in files:
            command += ["-r", file]
        advice = "install them yourself, dev.py does not touch a ComfyUI of yours:\n    " + shown(command)
        raise Failed(f"{python} lacks {len(missing)} package(s) that this command needs:", missing, advice)
