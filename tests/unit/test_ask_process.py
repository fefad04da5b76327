"""The language model's process: cancelled, out of time, killed, talking nonsense, keeping to itself, missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from studioflow.errors import ModelError
from studioflow.translate import ask as asking
from studioflow.translate.ask import ask
from studioflow.translate.requests import Ask
from studioflow.translate.worker_process import WorkerProcess

from .chat_server import ChatServer, said

pytestmark = pytest.mark.skipif(find_spec("bria_vgl") is None, reason="bria-vgl is not installed")

ROOT = Path(__file__).parents[2]
QUESTION = Ask("generate", "a steel coffee grinder")
KEY = "sk-marker-of-this-test-43"


class Cancelled(Exception):
    """What ComfyUI raises when the person presses cancel."""


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def cancelled_when(server: ChatServer, due: Callable[[], bool], **fields: object) -> float:
    """Asks, cancels once ``due()``, and returns the seconds from then until the question was over."""
    since: list[float] = []

    def progress(_done: int, _total: int) -> None:
        if due():
            since.append(time.monotonic())
            raise Cancelled

    with pytest.raises(Cancelled):
        ask(QUESTION, server.profile(**fields), progress=progress)
    assert asking._worker is None
    return time.monotonic() - since[0]


def test_time_is_over_and_another_question_waits_meanwhile(server: ChatServer) -> None:
    server.script = ["hang", "good"]
    errors: list[ModelError] = []

    def first() -> None:
        with pytest.raises(ModelError) as raised:
            ask(QUESTION, server.profile(timeout_s=2))
        errors.append(raised.value)

    thread = threading.Thread(target=first)
    thread.start()
    server.wait_for(1)
    assert ask(QUESTION, server.profile()).text == said("good")
    thread.join()
    assert "gave no answer in time" in str(errors[0]) and "2 s without one, while the model was at work" in str(
        errors[0]
    )


def test_a_cancel_while_waiting_to_try_again(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    server.script = ["429_in_a_while", "good"]
    assert cancelled_when(server, lambda: "attempt 2 in 30.0 s" in caplog.text, timeout_s=60) < 1
    assert len(server.requests) == 1


def test_a_cancel_while_everything_is_still_loading(server: ChatServer) -> None:
    asking.close()
    started: list[float] = []

    def due() -> bool:
        started.append(time.monotonic())
        return len(started) > 3

    assert cancelled_when(server, due) < 1
    assert started[-1] - started[0] < 4 and server.requests == []


def test_a_worker_that_is_killed_is_told(server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other_program("time.sleep(60)", tmp_path, monkeypatch)
    with pytest.raises(ModelError) as raised:
        ask(QUESTION, server.profile(), progress=lambda done, total: asking._worker.kill())
    assert "process ended without an answer" in str(raised.value)
    assert asking._worker is None


@pytest.mark.parametrize(
    ("program", "parts"),
    [
        ("say('Welcome!'); time.sleep(60)", ["Welcome!", "process ended without an answer"]),
        ("say('[1, 2]'); time.sleep(60)", ["[1, 2]"]),
        ("print('no module named x', file=sys.stderr); sys.exit(3)", ["ended with 3", "no module named x"]),
        ("os._exit(0)", ["ended with 0"]),
        ("sys.exit('bad: ' + json.loads(sys.stdin.readline())['key'])", ["bad: [key]"]),
    ],
)
def test_a_worker_that_does_not_work(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, parts: list[str]
) -> None:
    other_program(program, tmp_path, monkeypatch)
    with pytest.raises(ModelError) as raised:
        ask(QUESTION, server.profile(key=KEY))
    assert [part for part in parts if part not in str(raised.value)] == [] and KEY not in str(raised.value)


def test_a_python_that_is_not_there(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.close()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ModelError) as raised:
        ask(QUESTION, server.profile())
    assert str(raised.value).startswith("/nowhere/python: the language model's process could not be started")


def test_a_worker_leaves_when_nothing_is_asked_for_a_while(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = {"event": "answer", "text": "{}", "model": "m", "attempts": 1, "cut_off": False}
    other_program(f"sys.stdin.readline(); say({json.dumps(event)!r}); time.sleep(60)", tmp_path, monkeypatch)
    monkeypatch.setattr(asking, "IDLE_S", 0.2)
    assert ask(QUESTION, server.profile()).text == "{}"
    worker = asking._worker
    assert worker.alive()
    for _ in range(100):
        if asking._worker is None:
            break
        time.sleep(0.05)
    assert asking._worker is None and not worker.alive()


def other_program(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asking.close()
    file = folder / "program.py"
    file.write_text(f"import json, os, sys, time\nsay = lambda text: print(text, flush=True)\n{program}\n")
    monkeypatch.setattr(asking, "WorkerProcess", lambda: WorkerProcess(file))


def test_a_worker_ends_with_the_process_that_started_it() -> None:
    script = (
        "from studioflow.translate.worker_process import WorkerProcess; import os;"
        "print(WorkerProcess()._process.pid, flush=True); os._exit(1)"
    )
    pid = int(subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False).stdout)
    if sys.platform == "win32":
        pytest.skip("needs a way to look for a process")
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{pid}/stat").is_file() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("it is still there")


IN_A_PACK = """
import functools, importlib, json, sys, types
from pathlib import Path

class NoStudioflow:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "studioflow":
            raise ImportError("the pack is loaded under another name")

sys.meta_path.insert(0, NoStudioflow())
root, wrapper, url = sys.argv[1:]
pack = types.ModuleType("custom_pack")
pack.__path__ = [root]
sys.modules["custom_pack"] = pack
asking = importlib.import_module("custom_pack.studioflow.translate.ask")
requests = importlib.import_module("custom_pack.studioflow.translate.requests")
profiles = importlib.import_module("custom_pack.studioflow.translate.profiles")
asking.WorkerProcess = functools.partial(asking.WorkerProcess, Path(wrapper))
profile = profiles.Profile("pack", "openai/llama-3-8b", base_url=url, key=profiles.NO_KEY, timeout_s=60)
reply = asking.ask(requests.Ask("generate", "a grinder", seed=5), profile)
heavy = [name for name in ("litellm", "bria_vgl", "openai", "pydantic") if name in sys.modules]
print(json.dumps([reply.text, heavy, asking._worker._tail.decode()]))
"""

WATCHED_WORKER = """
import runpy, sys

def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        print("NETWORK", args[1] if event == "socket.connect" else args[0], file=sys.stderr, flush=True)

sys.addaudithook(watch)
runpy.run_path({worker!r}, run_name="__main__")
"""


def test_it_works_in_a_pack_of_another_name_and_reaches_nothing_but_the_server(
    server: ChatServer, tmp_path: Path
) -> None:
    """One start of the worker for three promises, the environment's key and address among them."""
    wrapper = tmp_path / "watched.py"
    worker = ROOT / "studioflow" / "translate" / "worker.py"
    wrapper.write_text(WATCHED_WORKER.format(worker=str(worker)), encoding="utf-8")
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-of-a-dotenv-file", encoding="utf-8")
    script = tmp_path / "pack.py"
    script.write_text(IN_A_PACK, encoding="utf-8")
    elsewhere = "http://127.0.0.1:9/v1"
    misleading = {"OPENAI_API_KEY": KEY}
    misleading |= dict.fromkeys(("OPENAI_API_BASE", "OPENAI_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY"), elsewhere)
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT), str(wrapper), server.url],
        cwd=tmp_path,
        env={**os.environ, **misleading},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    text, heavy, tail = json.loads(done.stdout)
    assert text == said("good") and heavy == []
    assert server.requests[0].headers["authorization"] == "Bearer none"
    port = server.url.rpartition(":")[2].removesuffix("/v1")
    reached = [line for line in tail.splitlines() if line.startswith("NETWORK")]
    assert reached and [line for line in reached if "127.0.0.1" not in line] == [], reached
    assert any(port in line for line in reached)
    assert KEY not in done.stdout + done.stderr


def test_without_the_extra_there_is_one_command_to_run() -> None:
    script = """
import sys
from importlib.machinery import PathFinder
class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in ("bria_vgl", "litellm") else PathFinder.find_spec(name, path, target)
sys.meta_path[:] = [Hiding if finder is PathFinder else finder for finder in sys.meta_path]
from studioflow.translate.ask import ask
from studioflow.translate.profiles import Profile
from studioflow.translate.requests import Ask
try:
    ask(Ask("generate", "a grinder"), Profile("x", "openai/x"))
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("ModelError ") and "bria-vgl, which is not installed" in done.stdout, done.stderr
    assert f'run: "{sys.executable}" -m pip install "bria-vgl' in done.stdout
