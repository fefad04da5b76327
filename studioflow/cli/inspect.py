"""The command that says what a picture file holds."""

from __future__ import annotations

import argparse
from pathlib import Path

from .console import print_json, printable


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command of this module to the parser's."""
    text = "print what a picture file holds: layers, colour space, range of values, documents"
    parser = commands.add_parser("inspect", help=text, description=text)
    parser.add_argument("file", type=Path, metavar="FILE", help="an EXR, TIFF, PNG, WebP, AVIF or JPEG")
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")
    parser.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> None:
    from ..imaging.inspect import inspect, report

    if options.json:
        print_json(inspect(options.file))
    else:
        print(printable(report(options.file)))
