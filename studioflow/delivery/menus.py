"""What the nodes that write files offer. ComfyUI imports it when it starts, so nothing else is here."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from ..resources import table

NUMBER_UP, REFUSE, OVERWRITE = "number up", "refuse", "overwrite"
IF_EXISTS = (NUMBER_UP, REFUSE, OVERWRITE)
DOCUMENTS, DOCUMENTS_AND_CHECKSUMS, NO_SIDECARS = "manifest + caption", "manifest + caption + checksums", "none"
SIDECARS = (DOCUMENTS, DOCUMENTS_AND_CHECKSUMS, NO_SIDECARS)
SAMPLES = {"8-bit": (8, "integer"), "16-bit": (16, "integer"), "half": (16, "float"), "float": (32, "float")}
"""Bits of a value, and what they are used for."""
AS_MANIFEST = "As the manifest's export says"
"""In the menu beside the presets."""
PRESETS = "delivery/presets.json"
_MOST_FILES = 100
"""Of people's own preset files: the menu reads them when ComfyUI asks for it."""


def preset_names(folder: Path | None = None) -> list[str]:
    """The menu: what ships, the manifest's own export, then the names in the JSON files of ``folder``.

    A file that cannot be used is left out with a line in the log; ``presets.own_presets`` tells what is wrong with it.
    """
    names = [*names_in(table(PRESETS)), AS_MANIFEST]
    for path in preset_files(folder):
        try:
            names += [name for name in names_in(json.loads(path.read_bytes())) if name not in names]
        except (OSError, ValueError, RecursionError, AttributeError, TypeError) as error:
            logging.warning("StudioFlow: %s holds no delivery presets (%s)", path, error)
    return names


def preset_files(folder: Path | None) -> list[Path]:
    """The files in a person's folder of presets."""
    return sorted(folder.glob("*.json"))[:_MOST_FILES] if folder and folder.is_dir() else []


def names_in(document: dict[str, object]) -> list[str]:
    """The presets of a document; what begins with _ or $ is about the document itself."""
    return [name for name in document if not name.startswith(("_", "$"))]
