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
from comfy_api.latest import io, ui

from ..studioflow.errors import PathError, StudioFlowError
from ..studioflow.files import text_writer, write_together
from ..studioflow.manifest import PICTURES, TEXTS, Shelf, find_file, list_files
from ..studioflow.resources import shipped

Manifest = io.Custom("STUDIOFLOW_MANIFEST")
Fibo = io.Custom("STUDIOFLOW_FIBO")
Provenance = io.Custom("STUDIOFLOW_PROVENANCE")
Camera3D = io.Load3DCamera
DRAWING_WIDTH = 1024
"""Pixels of a drawing as a picture: as wide as what FIBO paints."""
PANORAMAS = (".hdr", ".exr")


def schema(**fields: Any) -> io.Schema:
    """An io.Schema of the fields that the running host knows; e.g. search_aliases came with 0.11."""
    known = {field.name for field in dataclasses.fields(io.Schema)}
    return io.Schema(**{name: value for name, value in fields.items() if name in known})


def shot_to_change() -> io.Input:
    """The shot that a node changes; without one it begins a new one."""
    return Manifest.Input("manifest", optional=True, tooltip="The shot to change; a new one where absent.")


def changed_shot() -> io.Output:
    """The shot that a node has changed."""
    return Manifest.Output(display_name="manifest", tooltip="The changed shot.")


def manifest_shelves() -> dict[str, Shelf]:
    """The folders that manifests may be loaded from, by the name they have in the menu."""
    return {
        "input": Shelf(Path(folder_paths.get_input_directory())),
        "user": Shelf(Path(folder_paths.get_user_directory()) / "default" / "studioflow"),
        # Deliveries hold their manifest; what other nodes save there would only fill the menu.
        "output": Shelf(Path(folder_paths.get_output_directory()), listed="StudioFlow", suffixes=(*TEXTS, *PICTURES)),
        "samples": Shelf(shipped("samples")),
    }


def writable_shelves() -> dict[str, Shelf]:
    """Those of them that manifests may be saved in, the usual one first."""
    shelves = manifest_shelves()
    return {name: shelves[name] for name in ("user", "input", "output")}


def panorama_shelves() -> dict[str, Shelf]:
    """The folders that panoramas may be loaded from."""
    shelves = manifest_shelves()
    return {name: Shelf(shelves[name].folder, suffixes=PANORAMAS) for name in ("input", "samples")}


def panoramas() -> list[str]:
    """The panoramas in the menu, as ``shelf/path``."""
    return list_files(panorama_shelves())


def find_panorama(name: str) -> Path:
    """The panorama that ``shelf/path`` names; PathError where there is none."""
    return find_file(name, panorama_shelves(), "panorama", PANORAMAS)


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


def prefix_fault(prefix: str | None) -> bool | str:
    """What is wrong with a file name prefix, for ``validate_inputs``: told when the prompt is queued, not later."""
    try:
        if prefix is not None:
            check_prefix(prefix)
    except StudioFlowError as error:
        return str(error)
    return True


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


def save_text(text: str, prefix: str, suffix: str) -> dict[str, list[dict[str, str]]]:
    """Writes a text below the output folder under the next free number; what the node says of it for ``ui``."""
    folder, stem, number, subfolder = save_location(prefix, 0, 0)
    # ComfyUI counts what it saves itself; a drawing of ours may already have the number.
    while (path := folder / f"{stem}_{number:05}_{suffix}").exists():
        number += 1
    write_together([(path, text_writer(text))])
    return {"studioflow_files": [{"filename": path.name, "subfolder": subfolder, "type": "output"}]}


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


def image(pixels: Any) -> Any:
    """An array [H, W, 3] of sRGB-encoded 0..1 as ComfyUI's IMAGE."""
    import torch

    return torch.from_numpy(pixels).float()[None]


def preview(picture: Any, *parts: str) -> dict[str, Any]:
    """An IMAGE shown at the node, and what the node has to say beside it."""
    shown: dict[str, Any] = ui.PreviewImage(picture).as_dict()
    return shown | notice(*parts)


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
