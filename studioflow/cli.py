"""The ``studioflow`` command. Exit codes: 0 done, 1 an error that is told, 2 wrong usage, 130 stopped with Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import VERSION
from .caption import DIALECTS, compile_for
from .errors import ManifestError, PathError, Place, StudioFlowError
from .manifest import content_id, load
from .recipes import recipe, recipe_names

if TYPE_CHECKING:
    from .queue import JobResult

_LOAD_MANIFEST = "StudioFlowLoadManifest"
_FIBO_LOADER = "StudioFlowFiboLoader"
_SAVE_DELIVERY = "StudioFlowSaveDelivery"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except StudioFlowError as error:
        print(f"error: {_printable(str(error))}", file=sys.stderr)
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

    render = commands.add_parser("render", help="render a manifest with a recipe on a ComfyUI server")
    render.add_argument("manifest", type=Path, help="the manifest, a JSON file")
    render.add_argument("--recipe", default="product_hero", help=f"one of: {', '.join(recipe_names())}")
    render.add_argument("--server", default="http://127.0.0.1:8188", help="address of the ComfyUI (%(default)s)")
    render.add_argument("--out", type=Path, default=Path(), help="folder for the files (the current one)")
    render.add_argument("--model", help="name of the model as FIBO Loader's menu on the server shows it")
    render.set_defaults(run=_render)

    compile_ = commands.add_parser("compile", help="print the caption that FIBO reads")
    compile_.add_argument("manifest", type=Path, help="the manifest, a JSON file")
    compile_.add_argument("--dialect", choices=("auto", *DIALECTS), default="auto", help="(%(default)s)")
    compile_.set_defaults(run=_compile)

    check = commands.add_parser("check", help="check manifests and print what is wrong with them, line by line")
    check.add_argument("manifests", type=Path, nargs="+", metavar="manifest", help="manifests, JSON files")
    check.add_argument("--json", action="store_true", help="print the faults as JSON, for programs")
    check.set_defaults(run=_check)

    standin = commands.add_parser("standin", help="make stand-in models with random weights, to try things with")
    standin.add_argument("folder", type=Path, help="where to, e.g. ComfyUI's models/diffusers")
    standin.set_defaults(run=_standin)
    return parser


def _render(options: argparse.Namespace) -> None:
    manifest = load(options.manifest)
    _require_writable(options.out)
    for path in asyncio.run(_render_on_server(manifest, options)):
        print(path)


async def _render_on_server(manifest: dict[str, Any], options: argparse.Namespace) -> list[Path]:
    from .progress import ProgressBar
    from .queue import ComfyClient

    shot = recipe(options.recipe)
    if options.model:
        shot = shot.with_widget(_FIBO_LOADER, "model", options.model)
    async with ComfyClient(options.server) as comfy:
        await comfy.require_nodes(shot.node_classes)
        # The content id in the name keeps two shots of one file name apart, and the same shot in one place.
        name = f"{options.manifest.stem}-{content_id(manifest)[:8]}.json"
        stored = await comfy.upload_input(options.manifest, name)
        shot = shot.with_widget(_LOAD_MANIFEST, "manifest", f"input/{stored}")
        shot = shot.with_widget(_SAVE_DELIVERY, "filename_prefix", f"StudioFlow/{options.manifest.stem}")
        job = await comfy.submit(shot.prompt, workflow=shot.workflow)
        with ProgressBar(shot.name) as bar:
            result = await job.wait(bar.show)
        for notice in _notices(result):
            print(_printable(notice), file=sys.stderr)
        return [await comfy.fetch(file, options.out) for file in result.files()]


def _notices(result: JobResult) -> list[str]:
    """What nodes had to say about their results, e.g. that the weights are stand-ins; each once."""
    said = [str(text) for output in result.outputs.values() for text in output.get("studioflow_notice", ())]
    return list(dict.fromkeys(said))


def _printable(text: str) -> str:
    """Without control characters: some of the text comes from a server, and a terminal obeys them."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def _compile(options: argparse.Namespace) -> None:
    compiled, _ = compile_for(load(options.manifest), options.dialect)
    print(compiled.caption)


def _check(options: argparse.Namespace) -> int:
    faults = [fault for path in options.manifests for fault in _faults(path)]
    if options.json:
        print(json.dumps([_as_data(path, fault) for path, fault in faults], ensure_ascii=False, indent=2))
    else:
        for _, fault in faults:
            print(_printable(str(fault)))
    print(f"{len(options.manifests)} checked, faults: {len(faults)}", file=sys.stderr)
    return 1 if faults else 0


def _faults(path: Path) -> list[tuple[Path, StudioFlowError]]:
    try:
        load(path)
    except ManifestError as error:
        return [(path, fault) for fault in error.faults or (error,)]
    except StudioFlowError as error:
        return [(path, error)]
    return []


def _as_data(path: Path, fault: StudioFlowError) -> dict[str, str | int | None]:
    place = fault.place or Place(str(path))
    return {
        "file": str(path),
        "line": place.line,
        "column": place.column,
        "pointer": place.pointer or None,
        "problem": fault.problem,
        "found": fault.found,
        "allowed": fault.allowed,
        "do": fault.fix or None,
    }


def _standin(options: argparse.Namespace) -> None:
    from .fibo.standin import NOTICE, make_standins

    warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
    for folder in make_standins(options.folder):
        print(f"{folder} ({NOTICE})")


def _require_writable(folder: Path) -> None:
    """Before the render and not after it: a picture that took minutes must have somewhere to go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PathError(
            "the output folder cannot be made", where=str(folder), found=error.strerror, fix="choose another --out"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PathError(
            "the output folder cannot be written",
            where=str(folder),
            found="no write permission",
            fix="choose another --out",
        )
