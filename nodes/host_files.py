"""Files of the person that nodes offer in menus: OpenColorIO configs."""

from __future__ import annotations

from pathlib import Path

from ..studioflow.color.menus import CONFIGS
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
    """Changes when the file of a config does."""
    if name in CONFIGS:
        return name
    state = Path(find_config(name)).stat()
    return f"{name}:{state.st_size}:{state.st_mtime_ns}"
