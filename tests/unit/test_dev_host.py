"""A host that dev.py starts, played by a few lines of Python: it starts, stops, and says what is wrong with it."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from devtools import host as host_module
from devtools.failure import Failed
from devtools.host import free_port, get, link_folder, needs_cpu_flag, running_host

pytestmark = pytest.mark.usefixtures("dev_in_tmp")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups of POSIX")


def test_free_port_is_free_and_a_busy_one_is_refused():
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(Failed, match=f"port {port} on 127.0.0.1 cannot be used"):
            free_port(port)
    with pytest.raises(Failed):
        free_port(70000)


def test_a_link_is_replaced_and_a_folder_is_not(tmp_path):
    one, two, link = tmp_path / "one", tmp_path / "two", tmp_path / "links" / "link"
    one.mkdir()
    two.mkdir()
    for target in (one, one, two):
        link_folder(link, target)
        assert link.resolve() == target
    link_folder(one, one)
    (two / "file").write_text("")
    with pytest.raises(Failed, match="is in the way"):
        link_folder(two, one)
    assert (two / "file").exists()


def test_the_host_starts_with_the_pack_and_stops(root, comfyui):
    folder = comfyui()
    with running_host(sys.executable, folder, cpu=True, extra_args=["--verbose"]) as host:
        assert host.process.poll() is None
        assert get(f"{host.url}/object_info") == {"StudioFlowProbe": {}}
        assert (host.base / "custom_nodes" / "studioflow").resolve() == root
        called = host.log.read_text()
        for flag in ("--cpu", "--disable-api-nodes", "--disable-auto-launch", "--base-directory", "--verbose"):
            assert f'"{flag}"' in called
        models = (host.base / "extra_model_paths.yaml").read_text()
        assert "diffusers: models/diffusers" in models and "comfy ui" in models
    assert host.process.poll() is not None
    assert [path.name for path in folder.iterdir()] == ["main.py"], "nothing is written into a person's ComfyUI"


def test_the_host_stops_when_the_test_fails(comfyui):
    with pytest.raises(ZeroDivisionError):
        with running_host(sys.executable, comfyui(), cpu=True) as host:
            raise ZeroDivisionError
    assert host.process.poll() is not None


def test_a_host_that_dies_early_gives_its_last_lines(comfyui):
    folder = comfyui("import sys\nprint('no such GPU')\nsys.exit(9)")
    with pytest.raises(Failed) as failure, running_host(sys.executable, folder, cpu=True):
        pass
    assert failure.value.message == "ComfyUI stopped while it started (exit code 9)"
    assert failure.value.tail == ["no such GPU"]


def test_a_host_that_never_answers_is_given_up_and_stopped(comfyui, tmp_path):
    folder = comfyui("import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)")
    with pytest.raises(Failed, match="did not answer within 1 s") as failure:
        with running_host(sys.executable, folder, cpu=True, timeout=1):
            pass
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(int(failure.value.tail[0]), 0)


def test_a_host_without_the_pack_is_refused_with_the_reason(comfyui):
    reason = "print('ModuleNotFoundError: oh')\nprint('Cannot import /x/studioflow module for custom nodes: oh')\n"
    folder = comfyui(reason + "print('more')\n", node="KSampler")
    with pytest.raises(Failed, match="StudioFlow was not loaded") as failure:
        with running_host(sys.executable, folder, cpu=True):
            pass
    assert failure.value.tail[-2:] == [
        "ModuleNotFoundError: oh",
        "Cannot import /x/studioflow module for custom nodes: oh",
    ]
    with running_host(sys.executable, folder, cpu=True, check_pack=False) as host:
        assert host.process.poll() is None


def test_a_python_without_torch_is_named(comfyui, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(comfyui()))
    (comfyui() / "torch.py").write_text("raise ImportError('no torch here')")
    monkeypatch.setattr(host_module, "GPU_FILES", ["null"])
    with pytest.raises(Failed, match="cannot import torch"):
        needs_cpu_flag(sys.executable)


@pytest.mark.skipif(sys.platform != "linux", reason="device files of Linux")
def test_the_cpu_flag_follows_the_device_files_and_torch(comfyui, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(comfyui()))
    devices = "class A:\n    is_available = lambda: %s\ncuda = xpu = A\nclass backends: mps = A\n"
    for gpu_files, available, needed in ([], True, True), (["null"], True, False), (["null"], False, True):
        (comfyui() / "torch.py").write_text(devices % available)
        monkeypatch.setattr(host_module, "GPU_FILES", gpu_files)
        needs_cpu_flag.cache_clear()
        assert needs_cpu_flag(sys.executable) == needed


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_no_host_outlives_who_started_it(root, comfyui, tmp_path, number):
    code = (
        "import signal, sys, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.path.insert(0, sys.argv[1])\nimport dev\nfrom devtools import places\n"
        "places.LOGS = dev.Path(sys.argv[3])\n"
        "with dev.running_host(sys.executable, sys.argv[2], base_dir=sys.argv[3] + '/base', cpu=True) as host:\n"
        "    print(host.process.pid, flush=True)\n    time.sleep(60)"
    )
    command = [sys.executable, "-c", code, root, comfyui(), tmp_path]
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
