"""The commands that list the weights of the learned detectors and download them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .console import printable


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command of this module to the parser's."""
    text = "weights of the learned detectors of control maps"
    actions = commands.add_parser("models", help=text, description=text).add_subparsers(required=True, metavar="ACTION")
    text = "list them with size, terms and place"
    actions.add_parser("list", help=text, description=text).set_defaults(run=_list)
    text = "download one from Hugging Face and compare its checksum"
    parser = actions.add_parser("get", help=text, description=text)
    parser.add_argument("name", metavar="NAME", help="as `studioflow models list` shows it")
    to = "a folder, or a ComfyUI: models/controlnet_aux in it (the ComfyUI that COMFYUI_DIR names, else the cache of "
    parser.add_argument("--to", type=Path, metavar="FOLDER", help=to + "Hugging Face, where the nodes look too)")
    parser.set_defaults(run=_get)


def _list(options: argparse.Namespace) -> None:
    from ..sketch.weights import all_weights, find, folders_of

    comfyui = _comfyui()
    for row in all_weights():
        place = find(row, folders_of(comfyui) if comfyui else [])
        print(
            printable(f"{row.name:<15} {row.megabytes:>6.1f} MB  {place or 'not here'}\n    {row.title}; {row.licence}")
        )


def _get(options: argparse.Namespace) -> None:
    from ..sketch.weights import folders_of, get, weights_of

    folder = options.to or _comfyui()
    if folder and (folder / "folder_paths.py").is_file():
        folder = folders_of(folder)[0]
    print(printable(str(get(weights_of(options.name), folder))))


def _comfyui() -> Path | None:
    named = os.environ.get("COMFYUI_DIR")
    return Path(named) if named else None
