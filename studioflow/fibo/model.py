"""A FIBO model in memory: loaded from its folder, with what a render and a delivery must know about it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, did_you_mean
from ..families import Family
from .folders import PARTS, Found, check_whole, class_of, family_of, fingerprint, require_weights, standin
from .lora import Lora
from .memory import Memory, Resident, is_out_of_memory, lend, out_of_memory
from .menus import DTYPES
from .quantize import config as quantization_config
from .quantize import finish
from .speed import Speed, approximations

if TYPE_CHECKING:
    import torch

    from .cache import TextCache

MakeMemory = Callable[["Mapping[str, torch.nn.Module]"], Memory]

_shared_text: weakref.ref[TextCache] | None = None


@dataclass(frozen=True)
class FiboModel:
    """A loaded pipeline and how to use it. ``notice`` is not empty for stand-in weights.

    ``dataclasses.replace`` gives the same weights with other ``loras`` or ``speed``: a render brings the pipeline
    into the state that its model asks for, so that several of these may share one pipeline.
    """

    pipeline: Any
    name: str
    family: Family
    fingerprint: str
    notice: str
    folder: Path
    memory: Memory
    dtype: str
    quantization: str = "none"
    loras: tuple[Lora, ...] = ()
    speed: Speed = field(default_factory=Speed)

    @property
    def provenance(self) -> dict[str, Any]:
        """What identifies the model in a delivered file."""
        facts: dict[str, Any] = {"model": self.name, "family": self.family.id, "fingerprint": self.fingerprint}
        if self.notice:
            facts["notice"] = self.notice
        if self.quantization != "none":
            facts["quantization"] = self.quantization
        if self.loras:
            facts["loras"] = [
                {"name": lora.name, "strength": lora.strength, "fingerprint": lora.fingerprint} for lora in self.loras
            ]
        return facts | approximations(self.speed)


def load_model(
    found: Found,
    *,
    device: str = "cpu",
    dtype: str = "auto",
    quantization: str = "none",
    memory: MakeMemory | None = None,
) -> FiboModel:
    """The pipeline of a found model. ``dtype`` auto is bfloat16 on an accelerator and float32 on a CPU.

    ``memory`` makes what keeps the weights, given the parts by name; without it they stay on ``device``. Reads local
    files only and runs no remote code. Raises ModelError for a folder that is half copied, of another family, or
    needs a newer diffusers.
    """
    import torch

    if dtype not in DTYPES:
        raise ModelError(
            "no such dtype", found=f'"{dtype}"', allowed=", ".join(DTYPES), fix=did_you_mean(dtype, DTYPES)
        )
    family = family_of(found)
    check_whole(found.folder)
    if dtype == "auto":
        dtype = "float32" if torch.device(device).type == "cpu" else "bfloat16"
    pipeline = _read(found, family, dtype, device, quantization)
    encoder = fingerprint(found.folder, ("text_encoder", "tokenizer", "processor"))
    remember(pipeline, f"{encoder} {quantization}")
    return FiboModel(
        pipeline=pipeline,
        name=found.name,
        family=family,
        fingerprint=fingerprint(found.folder),
        notice=standin(found.folder).get("notice", ""),
        folder=found.folder,
        memory=take(pipeline, device, memory),
        dtype=dtype,
        quantization=quantization,
    )


def take(pipeline: Any, device: str, memory: MakeMemory | None = None) -> Memory:
    """Puts the weights of a pipeline into the care of a memory, and gives that."""
    pipeline.set_progress_bar_config(disable=True)
    parts = {name: getattr(pipeline, name) for name in PARTS}
    kept = memory(parts) if memory else Resident(parts, device)
    lend(pipeline, kept)
    return kept


def _read(found: Found, family: Family, dtype: str, device: str, quantization: str) -> Any:
    import torch

    pipeline_class = _pipeline_class(family)
    smaller = quantization_config(quantization, dtype, device)
    try:
        # ComfyUI runs nodes in inference mode; weights made there could not be moved outside it, as its /free does.
        with torch.inference_mode(False):
            options = {"dtype": getattr(torch, dtype), "local_files_only": True, "use_safetensors": True}
            encoder = _read_text_encoder(found.folder, smaller, options)
            pipeline = pipeline_class.from_pretrained(
                found.folder, text_encoder=encoder, quantization_config=smaller, **options
            )
        for part in PARTS:
            # diffusers leaves without numbers what the files do not hold.
            weights = getattr(pipeline, part).named_parameters()
            require_weights(found.folder / part, [name for name, weight in weights if weight.is_meta])
        finish(pipeline, quantization)
        return pipeline
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise out_of_memory(device, f"loading {family.title} in {dtype}", quantization) from error
        raise ModelError(
            "the model cannot be loaded",
            where=str(found.folder),
            found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            allowed=f"{family.title} as Bria publishes it, in diffusers layout",
            fix="compare the folder with its source, or download it again",
        ) from error


def _read_text_encoder(folder: Path, quantization: Any, options: dict[str, Any]) -> Any:
    """The text encoder, read apart from the pipeline: transformers makes up what the files do not hold."""
    import transformers

    encoder, read = getattr(transformers, class_of(folder, "text_encoder")).from_pretrained(
        folder / "text_encoder",
        quantization_config=quantization and quantization.quant_mapping["text_encoder"],
        output_loading_info=True,
        **options,
    )
    # The head is never used.
    require_weights(folder / "text_encoder", [name for name in read["missing_keys"] if "lm_head" not in name])
    return encoder


def remember(pipeline: Any, encoder: str) -> None:
    """Gives the pipeline a memory for captions; all models that are loaded share one, which goes with the last.

    ``encoder`` names whatever changes the text encoder: its weights and their number format.
    """
    from .cache import TextCache
    from .text import remember_text

    global _shared_text
    cache = _shared_text() if _shared_text else None
    if cache is None:
        cache = TextCache()
        _shared_text = weakref.ref(cache)
    remember_text(pipeline, cache, encoder)


def _pipeline_class(family: Family) -> Any:
    import diffusers

    found = getattr(diffusers, family.pipeline, None)
    if found is None:
        raise ModelError(
            f"{family.title} needs a newer diffusers",
            found=f"diffusers {diffusers.__version__}",
            allowed="0.42 or newer, which needs Python 3.11",
            fix="pip install -U diffusers, or use ComfyUI's own FIBO 2 nodes",
        )
    return found
