"""A LoRA file: its tensors and metadata, what its keys name, and the scale of each layer.

Keys may be spelled as diffusers, PEFT, kohya's scripts and others do; lora_keys.json lists how. Settings and their
rules are PEFT's, which diffusers writes into the header and reads from there.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ModelError
from ..resources import table

SETTINGS = "lora_adapter_metadata"
"""Where diffusers keeps PEFT's settings in a file's header."""
_PEFT_ALPHA = 8
"""What PEFT's LoraConfig takes where the settings name no lora_alpha."""
_BLOCK = 1 << 20


@contextmanager
def open_lora(path: Path, framework: str = "pt") -> Iterator[Any]:
    """The file as safetensors opens it; ``np`` needs no torch. ModelError where it is missing, cut off or another."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError) as error:
        size = f"{path.stat().st_size:,} bytes that are not whole" if path.is_file() else "none"
        raise ModelError(
            "the LoRA cannot be read",
            where=str(path),
            found=size,
            allowed="a whole .safetensors file",
            fix="copy or download it again and wait until it is done",
        ) from error


def metadata_of(file: Any) -> dict[str, str]:
    """What the header of an open file says beside the tensors."""
    return dict(file.metadata() or {})


def settings_of(metadata: Mapping[str, str], where: str = SETTINGS) -> dict[str, Any]:
    """PEFT's settings of the transformer in a file's metadata; empty where there are none."""
    try:
        settings = json.loads(metadata.get(SETTINGS) or "{}")
        own = {key.removeprefix("transformer."): value for key, value in settings.items()}
    except (ValueError, AttributeError) as error:
        raise misfit(where, "no JSON object", "what diffusers writes there") from error
    # The text encoder's, which diffusers writes beside them, keep their prefix.
    return {key: value for key, value in own.items() if "." not in key}


def split_key(key: str) -> tuple[str, str | None]:
    """The layer that a key names, without prefixes, and what the key holds of it: down, up, alpha, or None."""
    names = table("fibo/lora_keys.json")
    role = None
    for candidate in ("down", "up", "alpha"):
        suffix = next((suffix for suffix in names[candidate] if key.endswith(suffix)), None)
        if suffix:
            key, role = key.removesuffix(suffix), candidate
            break
    while prefix := next((prefix for prefix in names["prefixes"] if key.startswith(prefix)), None):
        key = key.removeprefix(prefix)
    return key, role


def scale_of(name: str, rank: int, alpha: float | None, settings: Mapping[str, Any], where: str = SETTINGS) -> float:
    """What the product of a layer's factors is multiplied with: alpha over rank, or over its root with rsLoRA.

    ``alpha`` is the number that stands in the file for the layer. Without it PEFT's settings tell: the first entry of
    alpha_pattern that the end of the layer's name matches, else lora_alpha. Without settings it is 1.
    """
    if alpha is not None:
        if not math.isfinite(alpha):
            raise misfit(name, f"alpha {alpha}", "one number")
        return alpha / rank
    if not settings:
        return 1.0
    try:
        patterns = settings.get("alpha_pattern") or {}
        matching = (value for pattern, value in patterns.items() if re.match(rf"(.*\.)?({pattern})$", name))
        alpha = float(next(matching, settings.get("lora_alpha", _PEFT_ALPHA)))
    except (TypeError, ValueError, AttributeError, re.error) as error:
        raise misfit(where, "alphas that are no numbers", "what diffusers writes there") from error
    if not math.isfinite(alpha):
        raise misfit(where, f"alpha {alpha}", "a finite number")
    return alpha / (math.sqrt(rank) if settings.get("use_rslora") else rank)


def sha256(path: Path) -> str:
    """The SHA-256 (hex) of a file; read again only where its size or time changed."""
    state = path.stat()
    return _sha256(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, changed_ns: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def misfit(where: str, found: str, allowed: str) -> ModelError:
    """The error of a LoRA whose tensors or settings do not fit together."""
    return ModelError("the LoRA is damaged", where=where, found=found, allowed=allowed, fix="save or download it again")


def some(names: Iterable[str], most: int = 4) -> str:
    """The first of the names, and how many more there are; empty for none."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
