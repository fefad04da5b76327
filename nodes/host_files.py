"""Files in ComfyUI's folders: configs, panoramas, 3D files and pictures for the menus, and texts that are written."""

from __future__ import annotations

import os
from pathlib import Path

from ..studioflow.color.menus import AUTO, BUILT_IN, CONFIGS
from ..studioflow.greybox.menus import MESHES, PICTURES
from ..studioflow.shelf import Shelf, find_file, list_files
from . import host

CONFIG_FILES = (".ocio", ".ocioz")
_KINDS = {"panorama": (".hdr", ".exr"), "mesh": MESHES, "picture": PICTURES}
"""What shots name files of, and the endings of those."""


def _shelves(kind: str) -> dict[str, Shelf]:
    shelves = host.manifest_shelves()
    return {name: Shelf(shelves[name].folder, suffixes=_KINDS[kind]) for name in ("input", "samples")}


def menu(kind: str) -> list[str]:
    """The files of a kind (panorama, mesh, picture) in the input folder and the samples, as ``shelf/path``."""
    return list_files(_shelves(kind))


def find(kind: str, name: str) -> Path:
    """The file of a kind that a shot names as ``shelf/path``, or as a path below the input folder alone.

    PathError where there is none.
    """
    shelves = _shelves(kind)
    on_shelf = name if name.partition("/")[0] in shelves else f"input/{name}"
    return find_file(on_shelf, shelves, kind, _KINDS[kind])


def state(kind: str, name: str) -> str:
    """Changes when that file does."""
    found = find(kind, name).stat()
    return f"{name}:{found.st_size}:{found.st_mtime_ns}"


def config_shelves() -> dict[str, Shelf]:
    """The folders that OpenColorIO configs may be loaded from."""
    shelves = host.manifest_shelves()
    return {name: Shelf(shelves[name].folder, suffixes=CONFIG_FILES) for name in ("input", "user")}


def configs() -> list[str]:
    """The configs in the menu: auto, the built-in ones, and files as ``shelf/path``."""
    return [*CONFIGS, *list_files(config_shelves())]


def find_config(name: str) -> str:
    """What the library calls the config of the menu: its name, or the file's path; PathError where there is none."""
    if name in CONFIGS:
        return name
    return str(find_file(name, config_shelves(), "OpenColorIO config", CONFIG_FILES))


def config_state(name: str) -> str:
    """Changes when the file of a config does, for auto that which the OCIO variable names."""
    if name in BUILT_IN:
        return name
    file = os.environ.get("OCIO", "") if name == AUTO else find_config(name)
    if not Path(file).is_file():  # a config inside of OpenColorIO, or one that the node will refuse
        return f"{name}:{file}"
    found = Path(file).stat()
    return f"{name}:{file}:{found.st_size}:{found.st_mtime_ns}"


def detector_folders() -> list[Path]:
    """Where the weights of learned detectors may lie, by ComfyUI's folders for models."""
    from ..studioflow.sketch.weights import folders_of

    # An extra folder for models need not be called so, and then nothing lies beside it.
    own = [place for folder in host.model_folders() for place in folders_of(folder.parents[1])]
    return list(dict.fromkeys([folder.parent / "controlnet_aux" for folder in host.model_folders()] + own))


def save_text(text: str, prefix: str, suffix: str) -> dict[str, list[dict[str, str]]]:
    """Writes a text below the output folder under the next free number; what the node says of it for ``ui``."""
    from ..studioflow.files import text_writer, write_together

    folder, stem, number, subfolder = host.save_location(prefix, 0, 0)
    # ComfyUI counts what it saves itself; a drawing of ours may already have the number.
    while (path := folder / f"{stem}_{number:05}_{suffix}").exists():
        number += 1
    write_together([(path, text_writer(text))])
    return {"studioflow_files": [{"filename": path.name, "subfolder": subfolder, "type": "output"}]}
