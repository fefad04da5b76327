"""The steps of dev.py: reused, done again, shown, and what is advised when one fails."""

import os
import signal
import subprocess
import sys

import pytest

from devtools import places
from devtools.failure import advice_for
from devtools.processes import stop
from devtools.steps import Step, run_logged, run_steps, unpacking

pytestmark = pytest.mark.usefixtures("dev_in_tmp")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and process groups of POSIX")


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
def test_advice_fits_the_failure(output, advice):
    assert advice in advice_for(output)


def test_a_step_is_reused_until_its_inputs_change_or_what_it_made_is_gone(tmp_path, capsys):
    runs, inputs, made = [], ["one"], tmp_path / "made"

    def run(progress):
        runs.append(inputs[0])
        made.write_text("")

    places.HOST.mkdir()
    steps = [Step("Make it", run, places.HOST / "stamp", lambda: inputs, made)]
    run_steps(steps)
    run_steps(steps)
    assert runs == ["one"]
    assert "[1/1] Make it: up to date" in capsys.readouterr().out
    inputs[0] = "two"
    run_steps(steps)
    made.unlink()
    run_steps(steps)
    assert runs == ["one", "two", "two"]


def test_an_interrupted_step_is_done_again():
    runs = []

    def run(progress):
        runs.append(1)
        if len(runs) == 2:
            raise KeyboardInterrupt

    places.HOST.mkdir()
    inputs = ["one"]
    steps = [Step("Make it", run, places.HOST / "stamp", lambda: inputs)]
    run_steps(steps)
    inputs[0] = "two"
    with pytest.raises(KeyboardInterrupt):
        run_steps(steps)
    inputs[0] = "one"  # even back at what once succeeded: the interrupted run may have changed something
    run_steps(steps)
    assert len(runs) == 3


def test_pip_progress_is_shown_and_not_logged(progress):
    code = "print('Downloading torch.whl (900 MB)')\nprint('Progress 450000000 of 900000000')"
    run_logged(progress, [sys.executable, "-c", code])
    assert progress.note == "Downloading torch.whl (900 MB): 450 of 900 MB"
    assert "\nProgress" not in progress.log.read_text()


def test_unpacking_is_counted():
    site = places.VENV / "lib" / "python3.11" / "site-packages"
    note = unpacking("Installing collected packages: mpmath, sympy, torch")
    assert note() == "unpacking package 1 of 3"
    (site / "mpmath-1.dist-info").mkdir(parents=True)
    assert note() == "unpacking package 2 of 3"


@posix
def test_a_process_that_ignores_sigterm_is_killed():
    code = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('x', flush=True)\ntime.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    process.stdout.readline()
    stop(process, grace=0.2)
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()
