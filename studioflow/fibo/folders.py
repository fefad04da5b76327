"""FIBO models on this machine: which there are, what each is, and whether a folder of one is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ModelError, did_you_mean
from ..families import Family, families, family, family_by_name

STANDIN_MARKER = "studioflow_standin.json"
PARTS = ("transformer", "text_encoder", "vae")
"""The components of every FIBO pipeline that have weights."""

_INDEX = "model_index.json"
_BLOCK = 64 * 1024
_READ = (".json", ".safetensors", ".txt", ".jinja", ".model", ".ttf", ".otf")
"""What of a folder decides a picture: configuration, weights, tokens, and the fonts that FIBO 2 is shown text in."""


class Found(NamedTuple):
    """A model that can be asked for by ``name``: a folder below a models directory, or a Hugging Face id."""

    name: str
    folder: Path


def find_models(folders: Iterable[str | Path]) -> list[Found]:
    """FIBO pipelines in diffusers layout: folders directly below the given ones, then the Hugging Face cache.

    In the order in which ``auto`` prefers them: real weights before stand-ins, then as families.json lists them.
    Only reads the small model_index.json of each, and passes over what it cannot read.
    """
    candidates = [Found(path.name, path) for folder in folders for path in folders_in(Path(folder))]
    candidates += [Found(name, folder) for name, folder in cached_repositories() if (folder / _INDEX).is_file()]
    order = list(families())
    ranked: dict[str, tuple[tuple[bool, int, str], Found]] = {}
    for model in candidates:
        try:
            rank = (bool(standin(model.folder)), order.index(family_of(model).id), model.name)
        except (ModelError, OSError):
            continue
        ranked.setdefault(model.name, (rank, model))
    return [model for _, model in sorted(ranked.values(), key=lambda item: item[0])]


def find_model(name: str, folders: Sequence[Path]) -> Found:
    """The model of that name, or for ``auto`` the first that ``find_models`` prefers.

    Raises ModelError that names what there is and where to put one; a model of another family is told as such.
    """
    models = find_models(folders)
    names = [model.name for model in models]
    get_one = f"hf download briaai/Fibo-2.0-dev --local-dir {folders[0] / 'Fibo-2.0-dev'}"
    if name == "auto":
        if not models:
            raise ModelError(
                "no FIBO model is installed",
                where=str(folders[0]),
                found="none",
                allowed="a FIBO model in diffusers layout",
                fix=get_one,
            )
        return models[0]
    for model in models:
        if model.name == name:
            return model
    for folder in folders:
        if name and name == Path(name).name and (folder / name).is_dir():
            family_of(Found(name, folder / name))
    raise ModelError(
        "no such FIBO model",
        found=f'"{name}"',
        allowed=", ".join(["auto", *names]),
        fix=did_you_mean(name, names) or f"choose one from the menu, or get one: {get_one}",
    )


def check_whole(folder: Path) -> None:
    """Raises ModelError unless every part that model_index.json names is there, complete, and free of code."""
    from safetensors import SafetensorError, safe_open

    for part, (library, class_name) in _parts(folder).items():
        if library not in ("diffusers", "transformers"):
            raise ModelError(
                "the model asks for code of its own, which is never run",
                where=f"{folder / _INDEX} /{part}",
                found=f"{library}.{class_name}",
                allowed="classes of diffusers and transformers",
                fix="use the model as Bria publishes it",
            )
        if not (folder / part).is_dir():
            raise _incomplete(folder / part, "no such folder")
        if not any((folder / part).glob("*.json")):
            raise _incomplete(folder / part, "a folder without configuration")
    weights = sorted(folder.rglob("*.safetensors"))
    for part in set(PARTS) & _parts(folder).keys():
        # transformers would build a model of its default size, of billions of numbers, where this file is missing.
        if not (folder / part / "config.json").is_file():
            raise _incomplete(folder / part / "config.json", "no such file")
        if not any(file.parent == folder / part for file in weights):
            raise _incomplete(folder / part, "a folder without .safetensors weights")
    for index in folder.rglob("*.safetensors.index.json"):
        for shard in set(_json(index).get("weight_map", {}).values()):
            if not (index.parent / shard).is_file():
                raise _incomplete(index.parent / shard, "no such file, though the index beside it names it")
    for file in weights:
        try:
            with safe_open(file, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            raise _incomplete(file, f"{file.stat().st_size:,} bytes that are no whole safetensors file") from error


def class_of(folder: Path, part: str) -> str:
    """The name of the class that model_index.json gives a part; ModelError where it names none."""
    parts = _parts(folder)
    if part not in parts:
        raise _incomplete(folder / _INDEX, f"no {part}")
    return parts[part][1]


def require_weights(folder: Path, missing: Iterable[str]) -> None:
    """Raises ModelError where weights of a part, by name, turned out to be missing from its files."""
    names = sorted(missing)
    if names:
        raise _incomplete(folder, f"{len(names)} weights missing, {names[0]} for one")


def fingerprint(folder: Path, parts: Sequence[str] = ("",)) -> str:
    """SHA-256 (hex) that tells models apart without reading them whole.

    Over every file that decides a picture, and of weights the size and the first, middle and last 64 KiB; with
    ``parts`` only over those subfolders.
    """
    digest = hashlib.sha256()
    for file in (file for part in parts for file in _files(folder / part)):
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
        with file.open("rb") as stream:
            if file.suffix != ".safetensors":
                digest.update(stream.read())
                continue
            for offset in (0, max(0, size // 2 - _BLOCK // 2), max(0, size - _BLOCK)):
                stream.seek(offset)
                digest.update(stream.read(_BLOCK))
    return digest.hexdigest()


def state(folder: Path) -> str:
    """A short text that changes when a file of the model is written, replaced or taken away; reads no file."""
    digest = hashlib.sha256()
    for path in _files(folder):
        about = path.stat()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def family_of(model: Found) -> Family:
    """The family that the folder and its name tell; ModelError where it is none of FIBO's."""
    if not model.folder.is_dir():
        raise ModelError("the model folder is missing", where=str(model.folder), found="no such folder")
    if not (model.folder / _INDEX).is_file():
        raise _incomplete(model.folder / _INDEX, "no such file")
    pipeline = _pipeline_name(model.folder)
    named = family_by_name(model.name, pipeline)
    if named is None:
        raise ModelError(
            "the model is of another family",
            where=str(model.folder / _INDEX),
            found=pipeline or "no pipeline class",
            allowed=", ".join(sorted({row.pipeline for row in families().values()})),
            fix="load it with the nodes made for it, or choose a FIBO model",
        )
    marker = standin(model.folder)
    if not marker:
        return named
    base = family(marker["family"])
    return base._replace(title=f"{base.title} stand-in", steps=marker["steps"])


def standin(folder: Path) -> dict[str, Any]:
    """What the marker of a stand-in says: notice, family, steps; empty for real weights."""
    path = folder / STANDIN_MARKER
    if not path.is_file():
        return {}
    marker = _json(path)
    kinds = {"notice": str, "family": str, "steps": int}
    if not all(isinstance(marker.get(name), kind) for name, kind in kinds.items()):
        raise _incomplete(path, "a marker without notice, family and steps")
    return marker


def _parts(folder: Path) -> dict[str, tuple[str, str]]:
    """The components of the pipeline and the library and class of each, as model_index.json lists them."""
    parts = {}
    for key, value in _json(folder / _INDEX).items():
        if not key.startswith("_") and isinstance(value, list) and len(value) == 2 and value[0]:
            parts[key] = (str(value[0]), str(value[1]))
    return parts


def _pipeline_name(folder: Path) -> str:
    try:
        return str(_json(folder / _INDEX).get("_class_name", ""))
    except ModelError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _incomplete(path, "not readable as JSON") from error
    if not isinstance(loaded, dict):
        raise _incomplete(path, "JSON, but no object")
    return loaded


def _incomplete(path: Path, found: str) -> ModelError:
    return ModelError(
        "the model is not complete",
        where=str(path),
        found=found,
        allowed="a whole copy in diffusers layout",
        fix="copy or download the model again and wait until it is done",
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in _READ and path.is_file())


def folders_in(folder: Path) -> list[Path]:
    """The folders directly in a folder, sorted, without half downloads; none where it cannot be read."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.endswith(".part"))
    except OSError:
        return []


def cached_repositories() -> list[tuple[str, Path]]:
    """Repositories in the Hugging Face cache, with the folder of the revision that ``main`` names."""
    from huggingface_hub.constants import HF_HUB_CACHE

    found = []
    for folder in folders_in(Path(HF_HUB_CACHE)):
        main = folder / "refs" / "main"
        if folder.name.startswith("models--") and main.is_file():
            name = folder.name.removeprefix("models--").replace("--", "/", 1)
            found.append((name, folder / "snapshots" / main.read_text(encoding="utf-8").strip()))
    return found
