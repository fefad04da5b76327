"""The process of ``worker.py`` as seen from here: started, written to, read from, and killed when it is not wanted."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("worker.py")

_SETTINGS = {
    # litellm fetches lists of prices, headers and tokenizers when it is imported or used, and reads a .env file.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_OFFLINE_MODE": "true",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "HF_HUB_OFFLINE": "1",
}
_THIS_MACHINE = "127.0.0.1,localhost,::1"
_LONGEST_LINE = 16 << 20
_TAIL_BYTES = 4000


class WorkerEnded(Exception):
    """The process is gone, or says what is no event; ``str`` is what it said last."""


class WorkerProcess:
    """One worker. For one thread at a time; ``kill`` also from another."""

    def __init__(self, program: Path = PROGRAM) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            # Isolated: neither the folder of the program (its requests.py is not the one that litellm means) nor the
            # current one is searched for modules.
            [sys.executable or "", "-I", "-X", "utf8", str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            # On Windows a window would open.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._events: queue.Queue[dict[str, Any] | WorkerEnded] = queue.Queue()
        self._tail = b""
        self._stderr = self._in_background(self._read_stderr)
        self._in_background(self._read_events)

    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        """Writes one request, in the background: pictures are larger than a pipe, and the worker may be busy."""
        data = json.dumps(message).encode("ascii") + b"\n"

        def write() -> None:
            # Where the worker has ended, reading from it tells.
            with suppress(OSError, ValueError):
                self._process.stdin.write(data)  # type: ignore[union-attr]
                self._process.stdin.flush()  # type: ignore[union-attr]

        self._in_background(write)

    def event(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event, or None where there is none in this time; raises WorkerEnded."""
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(event, WorkerEnded):
            raise event
        return event

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        with suppress(OSError, ValueError):
            self._process.stdin.close()  # type: ignore[union-attr]

    def _in_background(self, work: Any) -> threading.Thread:
        thread = threading.Thread(target=work, name="studioflow-language-model", daemon=True)
        thread.start()
        return thread

    def _read_events(self) -> None:
        with self._process.stdout as stdout:  # type: ignore[union-attr]
            while line := stdout.readline(_LONGEST_LINE):
                try:
                    event = json.loads(line)
                    event["event"]
                except (ValueError, KeyError, TypeError):
                    self._events.put(WorkerEnded(f"it said {line[:200].decode('utf-8', 'replace')!r}"))
                    return
                self._events.put(event)
        code = self._process.wait()
        self._stderr.join(1.0)
        last = self._tail.decode("utf-8", "replace").strip()
        self._events.put(WorkerEnded(f"it ended with {code}" + (f", and said last:\n{last}" if last else "")))

    def _read_stderr(self) -> None:
        with self._process.stderr as stderr:  # type: ignore[union-attr]
            while block := os.read(stderr.fileno(), 1 << 16):
                self._tail = (self._tail + block)[-_TAIL_BYTES:]


def _environment() -> dict[str, str]:
    """The person's own, but litellm fetches nothing by itself, and a server on this machine needs no proxy."""
    bypass = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    bypass = f"{bypass},{_THIS_MACHINE}" if bypass else _THIS_MACHINE
    return {**os.environ, **_SETTINGS, "no_proxy": bypass, "NO_PROXY": bypass}
