"""``studioflow render`` and ``studioflow standin``: pictures from the command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..manifest import content_id, dumps, load_with_notes, portable
from ..recipes import recipe, recipe_names
from .console import DOCUMENT, printable, require_writable

if TYPE_CHECKING:
    from ..queue import JobResult

_LOAD_MANIFEST = "StudioFlowLoadManifest"
_FIBO_LOADER = "StudioFlowFiboLoader"
_SAVE_DELIVERY = "StudioFlowSaveDelivery"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands of this module to the parser's."""
    render = commands.add_parser("render", help="render a manifest with a recipe on a ComfyUI server")
    render.add_argument("manifest", type=Path, help=DOCUMENT)
    render.add_argument("--recipe", default="product_hero", help=f"one of: {', '.join(recipe_names())}")
    render.add_argument("--server", default="http://127.0.0.1:8188", help="address of the ComfyUI (%(default)s)")
    render.add_argument("--out", type=Path, default=Path(), help="folder for the files (the current one)")
    render.add_argument("--model", help="name of the model as FIBO Loader's menu on the server shows it")
    render.set_defaults(run=_render)

    standin = commands.add_parser("standin", help="make stand-in models with random weights, to try things with")
    standin.add_argument("folder", type=Path, help="where to, e.g. ComfyUI's models/diffusers")
    standin.set_defaults(run=_standin)


def _render(options: argparse.Namespace) -> None:
    imported = load_with_notes(options.manifest)
    for note in imported.notes:
        print(printable(str(note)), file=sys.stderr)
    require_writable(options.out)
    for path in asyncio.run(_render_on_server(imported.manifest, options)):
        print(path)


async def _render_on_server(manifest: dict[str, Any], options: argparse.Namespace) -> list[Path]:
    from ..progress import ProgressBar
    from ..queue import ComfyClient

    shot = recipe(options.recipe)
    if options.model:
        shot = shot.with_widget(_FIBO_LOADER, "model", options.model)
    async with ComfyClient(options.server) as comfy:
        await comfy.require_nodes(shot.node_classes)
        # The content id in the name keeps two shots of one file name apart, and the same shot in one place.
        name = f"{options.manifest.stem}-{content_id(manifest)[:8]}.json"
        stored = await comfy.upload_input(dumps(portable(manifest)).encode("utf-8"), name)
        shot = shot.with_widget(_LOAD_MANIFEST, "manifest", f"input/{stored}")
        shot = shot.with_widget(_SAVE_DELIVERY, "filename_prefix", f"StudioFlow/{options.manifest.stem}")
        job = await comfy.submit(shot.prompt, workflow=shot.workflow)
        with ProgressBar(shot.name) as bar:
            result = await job.wait(bar.show)
        for notice in _notices(result):
            print(printable(notice), file=sys.stderr)
        return [await comfy.fetch(file, options.out) for file in result.files()]


def _notices(result: JobResult) -> list[str]:
    """What nodes had to say about their results, e.g. that the weights are stand-ins; each once."""
    said = [str(text) for output in result.outputs.values() for text in output.get("studioflow_notice", ())]
    return list(dict.fromkeys(said))


def _standin(options: argparse.Namespace) -> None:
    from ..fibo.standin import NOTICE, make_standins

    warnings.filterwarnings("ignore", message="Initializing zero-element tensors")
    for folder in make_standins(options.folder):
        print(f"{folder} ({NOTICE})")
