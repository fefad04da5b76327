"""The weights of the learned detectors: which there are, where they lie, and how a person gets them.

Only ``get`` goes to the network. The files are pickles for the most part: they are read as numbers and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import ModelError, did_you_mean
from ..files import sha256, write_together
from ..resources import table

if TYPE_CHECKING:
    from torch import Tensor

_ROOM = 50e6
"""Bytes that a download leaves free."""


class Weights(NamedTuple):
    """A row of detectors.json: the weights of the detector ``name``."""

    name: str
    title: str
    kind: str
    repository: str
    revision: str
    path: str
    file: str
    megabytes: float
    sha256: str
    licence: str


def all_weights() -> list[Weights]:
    """The rows of detectors.json in their order."""
    return [Weights(name, **row) for name, row in table("sketch/detectors.json").items() if not name.startswith("_")]


def weights_of(name: str) -> Weights:
    """The row of a detector. Raises ModelError for a name that nobody knows."""
    rows = {row.name: row for row in all_weights()}
    if name not in rows:
        raise ModelError("no such detector", found=f'"{name}"', allowed=", ".join(rows), fix=did_you_mean(name, rows))
    return rows[name]


def folders_of(comfyui: Path) -> list[Path]:
    """Where a ComfyUI keeps such weights: our folder first, then the one of the pack comfyui_controlnet_aux."""
    return [comfyui / "models" / "controlnet_aux", comfyui / "custom_nodes" / "comfyui_controlnet_aux" / "ckpts"]


def find(row: Weights, folders: Iterable[Path]) -> Path | None:
    """The file of a detector: in the folders, by its name or below its repository's, then in the Hugging Face cache."""
    for folder in folders:
        for place in (folder / row.file, folder / row.repository / row.path):
            if place.is_file():
                return place
    return _cached(row)


def require(row: Weights, folders: Sequence[Path]) -> Path:
    """The same, or ModelError with the name of the file, the folders where it was looked for, and the command."""
    path = find(row, folders)
    if path is None:
        raise ModelError(
            "these weights are not here",
            where=row.file,
            found=f"no such file in {', '.join([*map(str, folders), 'the Hugging Face cache'])}",
            allowed=f"{row.path} of huggingface.co/{row.repository} ({row.megabytes:g} MB, {row.licence})",
            fix=_how_to_get(row, folders[0] if folders else None),
        )
    return path


def read(path: Path, row: Weights) -> dict[str, Tensor]:
    """The tensors of a file by their names, on the CPU and as stored.

    Raises ModelError for a file that is incomplete, no file of weights, or that would run code.
    """
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            loaded = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # what a damaged pickle raises is anybody's guess
        raise _no_weights(path, row, str(error)) from error
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else None
    if not tensors or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise _no_weights(path, row, "no table of tensors")
    # Networks that were trained on several devices were saved with their wrapper's name before each of theirs.
    return {name.removeprefix("module."): value for name, value in tensors.items()}


def get(row: Weights, folder: Path | None) -> Path:
    """Downloads the weights into a folder, or for None into the Hugging Face cache; the path of the file.

    A file that is already there with the right SHA-256 is left alone. In a folder the download lies beside its place
    until its SHA-256 was compared, and what fails or is stopped leaves nothing; in the cache it is huggingface_hub's,
    which keeps the part of a stopped download under another name and goes on with it. Shows a bar on a terminal.
    Raises ModelError where the disk is too full, where the server cannot be reached, where it has another file.
    """
    there = _cached(row) if folder is None else folder / row.file
    if there and there.is_file() and sha256(there) == row.sha256:
        return there
    if folder is None:
        _require_room(row, _cache_folder())
        path = _downloaded(row, force_download=there is not None)
        try:
            _require_same(path, row)
        except ModelError:
            path.resolve().unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise
        return path
    _require_room(row, folder)
    return write_together([(folder / row.file, lambda part: _fetch(row, part))], replace=True)[0]


def _fetch(row: Weights, part: Path) -> None:
    with TemporaryDirectory(prefix=f".{row.file}.", dir=part.parent) as scratch:
        path = _downloaded(row, local_dir=scratch)
        _require_same(path, row)
        path.replace(part)


def _downloaded(row: Weights, **options: Any) -> Path:
    from huggingface_hub import hf_hub_download, hf_hub_url

    try:
        return Path(hf_hub_download(row.repository, row.path, revision=row.revision, **options))
    except Exception as error:  # its HTTP library, and with it the errors, changed twice
        raise ModelError(
            f"the weights of {row.title} could not be downloaded; no file was left half written",
            where=hf_hub_url(row.repository, row.path, revision=row.revision),
            found=_first_line(error),
            allowed="a connection to huggingface.co, or to a mirror of it that HF_ENDPOINT names",
            fix=f"check the connection, or get the file with a browser and save it as {row.file}",
        ) from error


def _require_same(path: Path, row: Weights) -> None:
    found = sha256(path)
    if found != row.sha256:
        raise ModelError(
            f"the download is not the weights of {row.title}, and was deleted",
            where=f"{row.path} of {row.repository}",
            found=f"SHA-256 {found}",
            allowed=f"SHA-256 {row.sha256}",
            fix="run it again; where it stays, the server or something on the way to it changes files",
        )


def _require_room(row: Weights, folder: Path) -> None:
    needed = row.megabytes * 1e6 + _ROOM
    existing = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ModelError(
            "the disk is too full",
            where=str(folder),
            found=f"{free / 1e6:,.0f} MB free",
            allowed=f"{needed / 1e6:,.0f} MB for the weights of {row.title}, with some room left",
            fix="make room, or give a folder on another disk with --to",
        )


def _cached(row: Weights) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    for revision in (row.revision, "main"):
        path = try_to_load_from_cache(row.repository, row.path, cache_dir=_cache_folder(), revision=revision)
        if isinstance(path, str):
            return Path(path)
    return None


def _cache_folder() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _how_to_get(row: Weights, folder: Path | None) -> str:
    command = f"run: studioflow models get {row.name}"
    return f'{command} --to "{folder}"; or save the file there by hand as {row.file}' if folder else command


def _no_weights(path: Path, row: Weights, found: str) -> ModelError:
    folder = None if _cache_folder() in path.parents else path.parent
    return ModelError(
        f"the weights of {row.title} are not complete, or no weights",
        where=str(path),
        found=f"{path.stat().st_size:,} bytes: {found.strip().splitlines()[0] if found.strip() else 'nothing to read'}",
        allowed=f"a whole copy of {row.path} of {row.repository}, {row.megabytes:g} MB",
        fix=f"delete the file, then {_how_to_get(row, folder)}",
    )


def _first_line(error: Exception) -> str:
    """What happened, in one line: the cause, where huggingface_hub says only that nothing was found on the disk."""
    told = str(error.__cause__ or error).strip()
    return f"{type(error.__cause__ or error).__name__}: {told.splitlines()[0] if told else 'no reason given'}"
