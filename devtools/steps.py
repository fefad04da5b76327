"""Steps: what is done before a command's own work, each with a title, a log, and a stamp when it can be reused."""

import hashlib
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import places
from .failure import Failed, advice_for
from .processes import child_env, shown, stop


class Progress:
    """One running step: a line that moves on a terminal, a plain line now and then anywhere else."""

    def __init__(self, title: str, log: Path):
        self.title, self.log = title, log
        self.note: str | Callable[[], str] = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> "Progress":
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_bytes(b"")
        self._started = time.monotonic()
        print(f"{self.title} …")
        self._thread.start()
        return self

    def __exit__(self, kind, error, trace) -> None:
        self._ended.set()
        self._thread.join()
        if kind is None:
            print(f"      done in {time.monotonic() - self._started:.0f} s")

    def _show(self) -> None:
        tty = sys.stdout.isatty()
        while not self._ended.wait(0.2 if tty else 10):
            note = self.note() if callable(self.note) else self.note
            line = f"      {time.monotonic() - self._started:.0f} s  {note}"
            if tty:
                width = shutil.get_terminal_size().columns - 1
                print("\r" + line[:width].ljust(width), end="", flush=True)
            else:
                print(line)
        if tty:
            print("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r", end="", flush=True)


@dataclass
class Step:
    """A step with a stamp is left out while `inputs` are those of its last success and what it `makes` is there."""

    title: str
    run: Callable[[Progress], None]
    stamp: Path | None = None
    inputs: Callable[[], list[str]] = list
    makes: Path = places.ROOT

    def fingerprint(self) -> str:
        """What the stamp holds after a success with these inputs."""
        return hashlib.sha256("\0".join(self.inputs()).encode()).hexdigest()

    def up_to_date(self) -> bool:
        """Whether the step can be left out."""
        if self.stamp is None or not self.stamp.is_file() or not self.makes.exists():
            return False
        return self.stamp.read_text() == self.fingerprint()


def run_steps(steps: Sequence[Step], total: int | None = None) -> None:
    """Do the steps that are due, in order, counted up to `total`; Failed has the step's title and log."""
    for number, step in enumerate(steps, 1):
        title = f"[{number}/{total or len(steps)}] {step.title}"
        log = places.LOGS / (re.sub(r"\W+", "-", step.title).strip("-").lower()[:60] + ".log")
        try:
            if step.up_to_date():
                print(f"{title}: up to date")
                continue
            if step.stamp:
                step.stamp.unlink(missing_ok=True)
            with Progress(title, log) as progress:
                step.run(progress)
            if step.stamp:
                step.stamp.write_text(step.fingerprint())
        except Failed as failure:
            failure.message = f"{title} failed: {failure.message}"
            failure.log = failure.log or log
            raise
        except (OSError, zipfile.BadZipFile) as error:
            raise Failed(f"{title} failed: {error}", advice=advice_for(str(error)), log=log) from error


def run_logged(progress: Progress, command: Sequence[object], env: dict[str, str] | None = None) -> None:
    """Run a command whose output goes to the step's log, and show in the step's line what it is at."""
    tail = deque(maxlen=15)
    with progress.log.open("a", encoding="utf-8") as log:
        log.write(f"$ {shown(command)}\n")
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=places.ROOT,
            env=env or child_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        at = ""
        try:
            for line in process.stdout:
                amount = re.match(r"Progress (\d+) of (\d+)", line)  # pip's --progress-bar raw
                if amount:
                    done, size = (int(group) / 1e6 for group in amount.groups())
                    progress.note = f"{at}: {done:.0f} of {size:.0f} MB"
                    continue
                log.write(line)
                if line.strip():
                    at = line.strip()
                    tail.append(line.rstrip())
                    # The count stays while pip tells what it uninstalls.
                    if not callable(progress.note) or at.startswith("Successfully installed"):
                        progress.note = unpacking(at) or at
            code = process.wait()
        finally:
            stop(process)
    if code:
        raise Failed(f"exit code {code}", tail, advice_for("\n".join(tail)))


def distributions() -> list[Path]:
    """What pip has installed in .venv, or begun to."""
    return list(places.VENV.glob("[Ll]ib/**/site-packages/*.dist-info"))


def unpacking(line: str) -> Callable[[], str] | None:
    """pip says nothing while it unpacks, which takes a minute for PyTorch: count what has arrived instead."""
    if not line.startswith("Installing collected packages:"):
        return None
    total, before = line.count(",") + 1, len(distributions())
    return lambda: f"unpacking package {min(len(distributions()) - before + 1, total)} of {total}"
