"""What the translator needs of ComfyUI: the person's profiles, answers kept from before, models in its folders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..studioflow.errors import StudioFlowError
from ..studioflow.translate.local_folders import Found, find_local_model, find_local_models, notice_of
from ..studioflow.translate.menus import AUTO, RULES_ONLY
from ..studioflow.translate.profiles import PROFILES_FILE, find_profile, profile_names
from . import host

_loaded: dict[str, Any] = {}
"""The local model that was asked last, if it stays, by its folder's state."""


def _folder() -> Path:
    # ComfyUI does not serve folders of the user directory whose name begins with two underscores.
    return host.manifest_shelves()["user"].folder.parents[1] / "__studioflow"


def profiles_file() -> Path:
    """Where a person writes profiles of language models, with keys if they like."""
    return _folder() / PROFILES_FILE


def profiles() -> list[str]:
    """The profiles in the menu. Of a broken file none: the node says what is wrong with it when it is to run."""
    try:
        return profile_names(profiles_file())
    except StudioFlowError:
        return profile_names()


def profile_fault(name: str | None) -> bool | str:
    """What is wrong with the name of a profile, for ``validate_inputs``: told when the prompt is queued.

    It stands in for ComfyUI's own menu check, which knows no profile that came after the menu was drawn. A missing key
    is told when the node runs: of a prompt that has another branch the canvas shows faults of inputs as a red frame
    and no words.
    """
    try:
        if name not in (None, RULES_ONLY, *profiles()):
            find_profile(name, profiles_file())
    except StudioFlowError as error:
        return str(error)
    return True


def profile_state(name: str) -> str:
    """Changes when the file of profiles does; nothing of what it holds is in it."""
    file = profiles_file()
    if name == RULES_ONLY or not file.is_file():
        return name
    found = file.stat()
    return f"{name}:{found.st_size}:{found.st_mtime_ns}"


def hosted_model(name: str, cache: bool = True) -> Any:
    """The model of a profile, for ``studioflow.translate``; with ``cache`` it keeps answers and uses them again."""
    from ..studioflow.translate.replies import ReplyStore
    from ..studioflow.translate.translate import hosted

    profile = find_profile(name, profiles_file())
    return hosted(profile, ReplyStore(_folder() / "answers") if cache else None, host.Progress())


def local_models() -> list[str]:
    """The language models in ComfyUI's folders and in the Hugging Face cache."""
    return [model.name for model in find_local_models(_model_folders())]


def local_model_fault(name: str | None) -> bool | str:
    """What is wrong with the name of a local model, for ``validate_inputs``."""
    try:
        if name is not None:
            _found(name)
    except StudioFlowError as error:
        return str(error)
    return True


def local_model_state(name: str) -> str:
    """Changes when the model's files do."""
    from ..studioflow.fibo.folders import state

    folder = _found(name).folder
    return f"{folder}:{state(folder)}"


@contextmanager
def local_model(name: str, temperature: float, max_tokens: int, *, unload: bool) -> Iterator[Any]:
    """A local model for ``studioflow.translate``. It stays loaded for next time, unless ``unload`` lets it go.

    Its weights are in ComfyUI's hands: others may take the device meanwhile.
    """
    from ..studioflow.translate.local import load_local_model
    from ..studioflow.translate.translate import local

    key = local_model_state(name)
    model = _loaded.get(key)
    # One at a time: before another one comes, the last one goes.
    _loaded.clear()
    with host.room_after_shortage():
        model = model or load_local_model(_found(name), device=host.device(), memory=host.memory)
        try:
            yield local(model, max_tokens, temperature, host.Progress())
        finally:
            if not unload:
                _loaded[key] = model


def _found(name: str) -> Found:
    models = find_local_models(_model_folders())
    if name == AUTO and models:
        return min(models, key=lambda model: bool(notice_of(model.folder)))
    return find_local_model("" if name == AUTO else name, _model_folders())


def _model_folders() -> list[Path]:
    return [folder.parent / "LLM" for folder in host.model_folders()]
