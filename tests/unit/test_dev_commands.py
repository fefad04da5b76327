"""dev.py's commands, without a network and without a real ComfyUI: what they refuse, and what they say."""

import ast
import sys

import pytest

import dev
from devtools import host, places, setup
from devtools.processes import shown
from devtools.steps import Step, run_logged

pytestmark = pytest.mark.usefixtures("dev_in_tmp")


def only_step(monkeypatch, run):
    """Let `dev.py host` have one step: `run`."""
    monkeypatch.setattr(dev, "setup", lambda own: (sys.executable, places.COMFYUI, [Step("Do it", run)]))


def test_old_pythons_can_read_the_file_far_enough_to_be_refused(root):
    ast.parse((root / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(
    "words", [[], ["paint"], ["demo", "--colour"], ["host", "--port", "x"], ["test", "--only", "unit,moon"]]
)
def test_wrong_usage_exits_2(words):
    with pytest.raises(SystemExit) as stopped:
        dev.main(words)
    assert stopped.value.code == 2


def test_what_test_does_not_know_goes_to_pytest():
    args, rest = dev.parse(["test", "--only", "unit,nodes", "-k", "camera", "-x"])
    assert (args.only, rest) == (["unit", "nodes"], ["-k", "camera", "-x"])


@pytest.mark.parametrize("by_env", [False, True])
@pytest.mark.parametrize("command", ["demo", "test", "bench", "host"])
def test_a_folder_that_is_no_comfyui_is_refused(command, by_env, tmp_path, monkeypatch, capsys):
    manifest, benchmarks = tmp_path / "shot.json", tmp_path / "benchmarks"
    manifest.write_text("{}")
    benchmarks.mkdir()
    (benchmarks / "one.py").write_text("")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    words = [command] + (["--manifest", str(manifest)] if command == "demo" else [])
    if by_env:
        monkeypatch.setenv("COMFYUI_DIR", str(tmp_path))
    else:
        words += ["--comfyui", str(tmp_path)]
    assert dev.main(words) == 1
    assert f"{tmp_path} is not a ComfyUI: there is no main.py in it" in capsys.readouterr().out


def test_a_missing_manifest_is_refused_before_anything_is_installed(tmp_path, capsys):
    assert dev.main(["demo", "--manifest", str(tmp_path / "no.json")]) == 1
    assert "there is no manifest" in capsys.readouterr().out
    assert not places.VENV.exists() and not places.HOST.exists()


def test_a_failing_step_says_which_one_and_its_last_lines(monkeypatch, capsys):
    code = "import sys\nfor n in range(40): print('line', n)\nsys.exit(3)"
    only_step(monkeypatch, lambda progress: run_logged(progress, [sys.executable, "-c", code]))
    assert dev.main(["host"]) == 1
    said = capsys.readouterr().out
    assert "[1/2] Do it failed: exit code 3" in said
    assert "| line 25\n" in said and "| line 39\n" in said and "| line 24\n" not in said
    assert "What to try: " in said
    assert "line 0\n" in (places.LOGS / "do-it.log").read_text()
    assert "Traceback" not in said


def test_a_full_disk_is_no_traceback(monkeypatch, capsys):
    def run(progress):
        raise OSError(28, "No space left on device")

    only_step(monkeypatch, run)
    assert dev.main(["host"]) == 1
    assert "What to try: the disk is full" in capsys.readouterr().out


def test_ctrl_c_exits_130(monkeypatch, capsys):
    def run(progress):
        raise KeyboardInterrupt

    only_step(monkeypatch, run)
    assert dev.main(["host"]) == 130
    assert "Interrupted" in capsys.readouterr().out


def test_the_host_command_says_when_comfyui_ends_by_itself(comfyui, monkeypatch, capsys):
    ends = "import http.server, os, threading, time\ndef end():\n    time.sleep(1)\n    os._exit(4)\n"
    ends += "threading.Thread(target=end, daemon=True).start()\n"
    monkeypatch.setattr(dev, "setup", lambda own: (sys.executable, comfyui(ends), []))
    monkeypatch.setattr(host, "needs_cpu_flag", lambda python: True)
    assert dev.main(["host"]) == 1
    said = capsys.readouterr().out
    assert "ComfyUI with StudioFlow: http://127.0.0.1:" in said
    assert "called with" in said
    assert "ComfyUI stopped by itself (exit code 4)" in said


def test_missing_packages_are_named_with_the_command_that_installs_them(tmp_path, monkeypatch, comfyui, capsys):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("pytest  # there\nno-such-thing>=1\npytest>=9999\nother; python_version < '3'\n\n# a comment\n")
    monkeypatch.setattr(setup, "REQUIREMENTS", wanted)
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    assert dev.main(["host", "--comfyui", str(comfyui())]) == 1
    said = capsys.readouterr().out
    assert "lacks 2 package(s)" in said
    assert "| no-such-thing>=1\n" in said and "| pytest>=9999 (it has " in said and "other" not in said
    assert shown([sys.executable, "-m", "pip", "install", "-r", wanted]) in said
    assert not places.VENV.exists()
