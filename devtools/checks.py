"""The stages of `test`: lint, one pytest run for each folder of tests, and what they add up to."""

import contextlib
import os
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import places
from .failure import Failed
from .processes import child_env, run_plain
from .steps import Progress, run_logged

STAGES = ["lint", "unit", "nodes", "host", "browser"]
# Spread over processors. Each worker of the nodes, host and browser tests has a ComfyUI of its own: a file needs only
# one, and tests/browser/conftest.py groups its tests by renderer.
SPLIT = {
    "unit": ["-n", "auto", "--dist", "worksteal"],
    "nodes": ["-n", "2", "--dist", "loadfile"],
    "host": ["-n", "2", "--dist", "loadfile"],
    "browser": ["-n", "2", "--dist", "loadscope"],
}
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome", "msedge"]


@dataclass
class Result:
    """What a stage of `test` came to. `note` says what its numbers do not."""

    stage: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""
    ran: bool = True


def lint(python: Path, env: dict[str, str]) -> Result:
    """Run ruff's two checks and import-linter."""
    passed, started = 0, time.monotonic()
    imports = [python, "-c", "from importlinter.cli import lint_imports_command as lint; lint()"]
    commands = [[python, "-m", "ruff", "check", "."], [python, "-m", "ruff", "format", "--check", "."], imports]
    for command in commands:
        passed += run_plain(command, env) == 0
    return Result("lint", passed, len(commands) - passed, 0, time.monotonic() - started)


def pytest_stage(stage: str, python: Path, more: Sequence[str], env: dict[str, str]) -> Result:
    """Run the tests in the folder of that stage; pytest gets `more` too."""
    junit = places.HOST / "reports" / f"{stage}.xml"
    junit.parent.mkdir(parents=True, exist_ok=True)
    junit.unlink(missing_ok=True)
    started = time.monotonic()
    split = SPLIT.get(stage, []) if can_split(python) else []
    code = run_plain([python, "-m", "pytest", f"tests/{stage}", f"--junitxml={junit}", *split, *more], env)
    return pytest_result(stage, code, junit, time.monotonic() - started)


def can_split(python: Path) -> bool:
    """Whether pytest-xdist is there, which spreads tests over the processors; a person's own Python may lack it."""
    return subprocess.run([python, "-c", "import xdist"], capture_output=True).returncode == 0


def pytest_result(stage: str, code: int, junit: Path, seconds: float = 0.0) -> Result:
    """Count a stage from pytest's report; a run that ended badly is never all green, whatever the report says."""
    result = Result(stage, seconds=seconds)
    with contextlib.suppress(OSError, ElementTree.ParseError):
        for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
            bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped = int(suite.get("skipped", 0))
            result.failed += bad
            result.skipped += skipped
            result.passed += int(suite.get("tests", 0)) - bad - skipped
    if code == 5 or not (result.passed or result.failed or result.skipped):
        result.note = "no test was collected"
    elif code and not result.failed:
        result.note = f"pytest ended with exit code {code}"
    if result.note:
        result.failed = max(result.failed, 1)
    return result


def installed_browser() -> str | None:
    """A browser of this machine that runs."""
    for name in [os.environ.get("CHROMIUM"), *BROWSERS]:
        path = shutil.which(name) if name else None
        if path is None:
            continue
        if os.name == "nt":
            return path  # --version opens a window there
        # Ubuntu's chromium is a stub that asks for snap: there, yet no browser.
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if subprocess.run([path, "--version"], capture_output=True, timeout=30).returncode == 0:
                return path
    return None


def find_browser(progress: Progress, python: Path, found: dict[str, str | None]) -> None:
    """Put a browser under found["path"], None for playwright's own; without that key found["why"] says why none."""
    named = os.environ.get("CHROMIUM")
    if named and shutil.which(named) is None:
        found["why"] = f"CHROMIUM names no program: {named}"
        return
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    path = installed_browser()
    if path is None and root and shutil.which("apt-get"):
        with contextlib.suppress(Failed):
            env = child_env(DEBIAN_FRONTEND="noninteractive")
            run_logged(progress, ["apt-get", "update"], env)
            run_logged(progress, ["apt-get", "install", "-y", "--no-install-recommends", "chromium"], env)
            path = installed_browser()
    if path is None:
        try:
            run_logged(progress, [python, "-m", "playwright", "install", "chromium"])
        except Failed as failure:
            errors = [line for line in failure.tail if "error" in line.lower()]
            found["why"] = f"{(errors or [failure.message])[0]} (see {progress.log})"
            return
    found["path"] = path


def without_browser(why: str) -> Result:
    """Say loudly that the browser tests are left out, which is a failure in CI."""
    in_ci = os.environ.get("CI", "").lower() in ("1", "true", "yes")
    print(f"\n!!! The browser tests are NOT RUN: {why}\n!!! Install chromium, or name one in CHROMIUM.")
    return Result("browser", failed=int(in_ci), note="no browser" + (", a failure in CI" if in_ci else ""), ran=False)


def summary(results: Sequence[Result]) -> tuple[list[str], int]:
    """The last lines of `test`, and its exit code."""
    lines = [f"{'stage':10}{'ran':>6}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}"]
    for result in results:
        passed, failed, skipped = result.passed, result.failed, result.skipped
        numbers = f"{passed + failed:6}{passed:8}{failed:8}{skipped:9}{result.seconds:9.1f}"
        lines.append(f"{result.stage:10}{numbers if result.ran else '  NOT RUN'}  {result.note}".rstrip())
    passed, failed = sum(result.passed for result in results), sum(result.failed for result in results)
    return [*lines, f"studioflow: {passed} passed, {failed} failed"], int(failed > 0)
