"""Language models on this machine: which folders hold one, and whether a folder is whole and safe to load."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ModelError, did_you_mean
from ..fibo.folders import STANDIN_MARKER, cached_repositories, folders_in

_CONFIG = "config.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


class Found(NamedTuple):
    """A model that can be asked for by ``name``: a folder below a models directory, or a Hugging Face id.

    ``architecture`` is the class of transformers that its config.json names; ``sees`` whether it takes pictures.
    """

    name: str
    folder: Path
    architecture: str
    sees: bool


def find_local_models(folders: Iterable[str | Path]) -> list[Found]:
    """Language models in the layout of transformers: folders directly below the given ones, then Hugging Face's cache.

    Those that see pictures first, then by name. Only reads the small config.json of each, and passes over what it
    cannot read: whether a model is whole, and whether transformers knows it, is told when it is loaded.
    """
    candidates = [(path.name, path) for folder in folders for path in folders_in(Path(folder))]
    models: dict[str, Found] = {}
    for name, folder in [*candidates, *cached_repositories()]:
        try:
            found = found_in(folder, name)
        except ModelError:
            continue
        models.setdefault(name, found)
    return sorted(models.values(), key=lambda model: (not model.sees, model.name.casefold(), model.name))


def find_local_model(name: str, folders: Sequence[Path]) -> Found:
    """The model of that name; ModelError that names what there is and where to put one."""
    models = find_local_models(folders)
    names = [model.name for model in models]
    for model in models:
        if model.name == name:
            return model
    for folder in folders:
        if name and name == Path(name).name and (folder / name).is_dir():
            found_in(folder / name, name)
    raise ModelError(
        "no such language model" if models else "no language model is installed",
        where=None if models else str(folders[0]),
        found=f'"{name}"' if name else "none",
        allowed=", ".join(names) or f"a model of transformers, in a folder of its own in {folders[0]}",
        fix=did_you_mean(name, names)
        or f'get one: hf download Qwen/Qwen3-VL-4B-Instruct --local-dir "{folders[0] / "Qwen3-VL-4B-Instruct"}"',
    )


def found_in(folder: Path, name: str) -> Found:
    """What a folder's config.json says of its model; ModelError where it is no language model of transformers."""
    config = _json(folder / _CONFIG)
    named = config.get("architectures")
    architecture = str(named[0]) if isinstance(named, list) and named else ""
    sees = isinstance(config.get("vision_config"), dict)
    if not (architecture.endswith("ForCausalLM") or (sees and architecture.endswith("ForConditionalGeneration"))):
        raise ModelError(
            "this is no language model",
            where=str(folder / _CONFIG),
            found=architecture or "no architecture",
            allowed="a model that writes text, such as Qwen3VLForConditionalGeneration or Qwen3ForCausalLM",
            fix="choose another folder",
        )
    return Found(name, folder, architecture, sees)


def checked(found: Found) -> Found:
    """The model as its folder is now. Raises ModelError unless it has whole safetensors weights and transformers
    knows it."""
    from safetensors import SafetensorError, safe_open

    folder = found.folder
    if not folder.is_dir():
        raise ModelError(
            "the model folder is missing", where=str(folder), found="no such folder", fix="choose another model"
        )
    found = found_in(folder, found.name)
    auto_class(found)
    for index in folder.glob("*.safetensors.index.json"):
        for shard in sorted(set(_json(index).get("weight_map", {}).values())):
            if not (folder / shard).is_file():
                raise incomplete(folder / shard, "no such file, though the index beside it names it")
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise _without_safetensors(folder)
    for file in weights:
        try:
            with safe_open(file, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            raise incomplete(file, f"{file.stat().st_size:,} bytes that are no whole safetensors file") from error
    if not (folder / "tokenizer.json").is_file():
        raise incomplete(folder / "tokenizer.json", "no such file")
    if found.sees and not any(
        (folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")
    ):
        raise incomplete(folder / "preprocessor_config.json", "no such file")
    return found


def auto_class(found: Found) -> Any:
    """The class of transformers that loads the model; ModelError where it would need code of its own, or a newer one.

    Only classes that are part of transformers count.
    """
    import transformers
    from transformers.models.auto import modeling_auto

    pictures = modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
    if found.sees and found.architecture in pictures.values():
        return transformers.AutoModelForImageTextToText
    if not found.sees and found.architecture in modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        return transformers.AutoModelForCausalLM
    if "auto_map" in _json(found.folder / _CONFIG):
        raise ModelError(
            "the model asks for code of its own, which is never run",
            where=str(found.folder / _CONFIG),
            found=found.architecture,
            allowed="models that transformers itself knows",
            fix="choose a model such as Qwen3-VL, or run this one in a server and choose its profile",
        )
    raise ModelError(
        "the installed transformers does not know this model",
        where=str(found.folder / _CONFIG),
        found=f"{found.architecture}, transformers {transformers.__version__}",
        fix=f'run: "{sys.executable}" -m pip install -U transformers, or choose another model',
    )


def notice_of(folder: Path) -> str:
    """What the marker of a stand-in says; empty for real weights."""
    marker = folder / STANDIN_MARKER
    return str(_json(marker).get("notice", "")) if marker.is_file() else ""


def incomplete(path: Path, found: str) -> ModelError:
    """The error for a model of which something is missing."""
    return ModelError(
        "the language model is not complete",
        where=str(path),
        found=found,
        allowed="a whole copy in the layout of transformers",
        fix="copy or download the model again and wait until it is done",
    )


def _without_safetensors(folder: Path) -> ModelError:
    others = sorted(path.name for path in folder.iterdir() if path.suffix in (*_PICKLES, ".gguf"))
    if not others:
        return incomplete(folder, "a folder without .safetensors weights")
    if others[0].endswith(".gguf"):
        fix = "run it in Ollama, LM Studio or llama.cpp and choose that profile, or get its safetensors weights"
    else:
        fix = "get the .safetensors weights of the model: the older formats can hold code and are never loaded"
    return ModelError(
        "the model has no safetensors weights",
        where=str(folder),
        found=others[0],
        allowed=".safetensors files",
        fix=fix,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise incomplete(path, "no such file") from error
    except (OSError, ValueError, RecursionError) as error:
        raise incomplete(path, "not readable as JSON") from error
    if not isinstance(loaded, dict):
        raise incomplete(path, "JSON, but no object")
    return loaded
