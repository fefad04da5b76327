"""The ``studioflow`` command. Exit codes: 0 done, 1 an error or a finding that is told, 2 wrong usage, 130 stopped
with Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .. import VERSION
from ..errors import StudioFlowError
from . import documents, greybox, inspect, models, render, sketch, translate
from .console import prepare_streams, printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    prepare_streams()
    try:
        try:
            return _run(arguments)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, as in ``studioflow … | head``. What Python flushes at its end must go somewhere:
        # https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except StudioFlowError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="studioflow", description="A photo studio for Bria's FIBO models, on the command line."
    )
    parser.add_argument("--version", action="version", version=f"studioflow {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    documents.add_commands(commands)
    inspect.add_commands(commands)
    greybox.add_commands(commands)
    sketch.add_commands(commands)
    models.add_commands(commands)
    translate.add_commands(commands)
    render.add_commands(commands)
    return parser
