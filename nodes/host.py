"""Everything of ComfyUI's internals that the nodes touch, in one place; the rest sees only comfy_api.

Works from ComfyUI 0.3.75 on: what newer hosts know more is passed on only where the running one accepts it.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import folder_paths
from comfy.cli_args import args as cli_args
from comfy_api.latest import io

from ..studioflow.errors import PathError
from ..studioflow.manifest import Shelf
from ..studioflow.resources import shipped

Manifest = io.Custom("STUDIOFLOW_MANIFEST")
Fibo = io.Custom("STUDIOFLOW_FIBO")
Provenance = io.Custom("STUDIOFLOW_PROVENANCE")


def schema(**fields: Any) -> io.Schema:
    """An io.Schema of the fields that the running host knows; e.g. search_aliases came with 0.11."""
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return io.Schema(**{name: value for name, value in fields.items() if name in known})


def manifest_shelves() -> dict[str, Shelf]:
    """The folders that manifests may be loaded from, by the name they have in the menu."""
    return {
        "input": Shelf(Path(folder_paths.get_input_directory())),
        "user": Shelf(Path(folder_paths.get_user_directory()) / "default" / "studioflow"),
        # Deliveries hold their manifest; what other nodes save there would only fill the menu.
        "output": Shelf(Path(folder_paths.get_output_directory()), listed="StudioFlow", pictures=True),
        "samples": Shelf(shipped("samples")),
    }


def writable_shelves() -> dict[str, Shelf]:
    """Those of them that manifests may be saved in, the usual one first."""
    shelves = manifest_shelves()
    return {name: shelves[name] for name in ("user", "input", "output")}


def model_folders() -> list[Path]:
    """ComfyUI's folders for models in diffusers layout."""
    return [Path(folder) for folder in folder_paths.get_folder_paths("diffusers")]


def check_prefix(prefix: str) -> None:
    """Raises PathError where a file name prefix leaves the output folder, or that folder cannot be written."""
    output = Path(folder_paths.get_output_directory()).resolve()
    if "\0" in prefix or not (output / prefix).resolve().is_relative_to(output):
        raise PathError(
            "the name leaves the output folder",
            found=f'"{prefix}"',
            allowed="a name inside ComfyUI's output folder",
            fix="take the .. or the drive out of the name",
        )
    if not os.access(output, os.W_OK | os.X_OK):
        raise PathError("the output folder cannot be written", where=str(output), found="no write permission")


def save_location(prefix: str, width: int, height: int) -> tuple[Path, str, int, str]:
    """Folder, stem, first free number and subfolder for a file name prefix; PathError where it leaves output."""
    check_prefix(prefix)
    try:
        folder, stem, number, subfolder, _ = folder_paths.get_save_image_path(
            prefix, folder_paths.get_output_directory(), width, height
        )
    except OSError as error:
        raise PathError("the output folder cannot be used", where=prefix, found=error.strerror) from error
    return Path(folder), stem, number, subfolder


def metadata_enabled() -> bool:
    """False where the person started ComfyUI with --disable-metadata."""
    return not cli_args.disable_metadata


def device() -> str:
    """The torch device that ComfyUI renders on."""
    return str(comfy.model_management.get_torch_device())


def make_room() -> None:
    """Asks ComfyUI to take its own models off the device before a large one comes."""
    comfy.model_management.unload_all_models()
    comfy.model_management.soft_empty_cache()


class Progress:
    """ComfyUI's progress bar of the running node; also where cancelling takes effect."""

    def __init__(self, total: int) -> None:
        self._bar = comfy.utils.ProgressBar(total)

    def __call__(self, done: int, total: int) -> None:
        """Shows ``done`` of ``total``; raises ComfyUI's own exception when the person has pressed cancel."""
        comfy.model_management.throw_exception_if_processing_interrupted()
        self._bar.update_absolute(done, total)


def notice(*parts: str) -> dict[str, list[str]]:
    """What a node has to say about its result: shown at the node by js/notice.js, in the console and in history."""
    lines = [part for part in parts if part]
    if not lines:
        return {}
    from ..studioflow.review.compare.words import visible

    logging.info("StudioFlow: %s", visible(", ".join(lines), keep="\n\t"))
    return {"studioflow_notice": lines}
