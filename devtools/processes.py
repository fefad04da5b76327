"""Start other programs, and never leave one behind."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import places
from .failure import Failed


def shown(command: Sequence[object]) -> str:
    """The command as one would type it."""
    words = [str(word) for word in command]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def child_env(comfyui: Path | None = None, **more: object) -> dict[str, str]:
    """The environment for a program that uses this ComfyUI, with `more` added but for what is None."""
    env = dict(os.environ, PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if comfyui not in (None, places.COMFYUI):
        env["PYTHONDONTWRITEBYTECODE"] = "1"  # not even a __pycache__ in a person's own ComfyUI
    env.update((key, str(value)) for key, value in more.items() if value is not None)
    return env


def run_plain(command: Sequence[object], env: dict[str, str]) -> int:
    """Run a command on this terminal and give its exit code."""
    process = subprocess.Popen([str(part) for part in command], cwd=places.ROOT, env=env)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # A Ctrl-C on a terminal has reached the command too: pytest takes down what its fixtures started.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        raise
    finally:
        stop(process)


def ask(python: Path, code: str, *arguments: object, wrong: str) -> str:
    """What a few lines of Python print when that Python runs them; Failed says `wrong` of it otherwise."""
    command = [str(part) for part in (python, "-c", code, *arguments)]
    env = child_env(PYTHONDONTWRITEBYTECODE=1)  # it may be a person's own Python
    result = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", errors="replace")
    if result.returncode:
        advice = "name the Python that your ComfyUI runs with in COMFYUI_PYTHON."
        raise Failed(f"{python} {wrong}", result.stderr.splitlines()[-15:], advice)
    return result.stdout


def stop(process: subprocess.Popen, grace: float = 10) -> None:
    """End a process, with its children where it leads a group of its own."""
    if process.poll() is not None:
        return
    leads = os.name == "posix" and os.getpgid(process.pid) == process.pid
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            if leads:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            process.wait(grace)
            return
