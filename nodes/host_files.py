"""Files of the person that nodes offer in menus: OpenColorIO configs."""

from __future__ import annotations

import os
from pathlib import Path

from ..studioflow.color.menus import AUTO, BUILT_IN, CONFIGS
from ..studioflow.shelf import Shelf, find_file, list_files
from . import host

CONFIG_FILES = (".ocio", ".ocioz")


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
    state = Path(file).stat()
    return f"{name}:{file}:{state.st_size}:{state.st_mtime_ns}"
