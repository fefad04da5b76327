"""The stages of `dev.py test`: how they are counted, and which browser is found."""

import os
import sys
import types
from pathlib import Path

import pytest

import dev
from devtools import checks, places
from devtools.checks import Result, find_browser, installed_browser, pytest_result, summary
from devtools.failure import Failed

pytestmark = pytest.mark.usefixtures("dev_in_tmp")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups of POSIX")


def junit(folder, text):
    path = folder / "report.xml"
    path.write_text(f"<testsuites>{text}</testsuites>")
    return path


def test_counts_come_from_the_report(tmp_path):
    report = junit(tmp_path, '<testsuite name="pytest" tests="10" failures="2" errors="1" skipped="3"/>')
    result = pytest_result("unit", 1, report)
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
def test_a_run_that_ended_badly_is_a_failure_whatever_the_report_says(tmp_path, code, text, note):
    result = pytest_result("unit", code, junit(tmp_path, text))
    assert (result.failed, result.note) == (1, note)
    assert pytest_result("unit", code, tmp_path / "none.xml").failed == 1


def test_the_last_lines_add_up():
    results = [Result("lint", 3), Result("unit", 100, 0, 7, 1.5), Result("host", 20, 1)]
    lines, code = summary(results)
    assert lines[-1] == "studioflow: 123 passed, 1 failed"
    assert lines[2].split() == ["unit", "100", "100", "0", "7", "1.5"]
    assert code == 1
    assert summary(results[:2]) == ([*lines[:3], "studioflow: 103 passed, 0 failed"], 0)


def test_all_stages_run_even_when_one_fails(monkeypatch, capsys):
    asked = []

    def run_plain(command, env):
        asked.append(command[3] if command[2] == "pytest" else command[2])
        if command[2] != "pytest":
            return 1
        path = next(word for word in command if str(word).startswith("--junitxml=")).split("=", 1)[1]
        Path(path).write_text('<testsuite tests="5" failures="0" errors="0" skipped="0"/>')
        return 0

    monkeypatch.setattr(checks, "run_plain", run_plain)
    monkeypatch.setattr(dev, "setup", lambda own, **_: (sys.executable, places.COMFYUI, []))
    monkeypatch.setattr(checks, "installed_browser", lambda: "/usr/bin/chromium")
    assert dev.main(["test"]) == 1
    assert asked[3:] == ["tests/unit", "tests/nodes", "tests/host", "tests/browser"]
    said = capsys.readouterr().out
    assert "lint failed; the other stages still run" in said
    assert said.splitlines()[-1] == "studioflow: 20 passed, 3 failed"


@pytest.mark.parametrize(("ci", "code", "last"), [("", 0, "0 failed"), ("true", 1, "1 failed")])
def test_no_browser_is_loud_and_a_failure_in_ci(monkeypatch, capsys, ci, code, last):
    def no_install(progress, command, env=None):
        raise Failed("exit code 1", ["Error: could not download Chromium"])

    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(dev, "setup", lambda own, **_: (sys.executable, places.COMFYUI, []))
    monkeypatch.setattr(checks, "installed_browser", lambda: None)
    monkeypatch.setattr(checks, "run_logged", no_install)
    assert dev.main(["test", "--only", "browser"]) == code
    said = capsys.readouterr().out
    assert "!!! The browser tests are NOT RUN: Error: could not download Chromium" in said
    assert "NOT RUN" in said.splitlines()[-2]
    assert said.splitlines()[-1] == f"studioflow: 0 passed, {last}"


@posix
def test_a_browser_that_does_not_run_is_none(monkeypatch, tmp_path):
    stub, real = tmp_path / "chromium", tmp_path / "google-chrome"
    stub.write_text("#!/bin/sh\necho 'install the snap'\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(checks, "BROWSERS", ["chromium", "google-chrome"])
    assert installed_browser() is None
    real.write_text("#!/bin/sh\necho Chrome 999\n")
    real.chmod(0o755)
    assert installed_browser() == str(real)
    found = {}
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    find_browser(types.SimpleNamespace(), sys.executable, found)
    assert found == {"why": "CHROMIUM names no program: /nowhere/chromium"}


@posix
def test_root_on_debian_gets_chromium_from_apt(monkeypatch, tmp_path, progress):
    apt, chromium = tmp_path / "apt-get", tmp_path / "chromium"
    install = f'printf "#!/bin/sh\\n" > {chromium}; /bin/chmod +x {chromium}'
    apt.write_text(f'#!/bin/sh\nif [ "$1" = install ]; then {install}; fi\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(checks, "BROWSERS", ["chromium"])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = {}
    find_browser(progress, sys.executable, found)
    assert found == {"path": str(chromium)}
