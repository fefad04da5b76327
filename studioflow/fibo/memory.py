"""Where a model's weights are, and what asks for them: a pipeline borrows its parts from a Memory, one at a time."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import DeviceMemoryError

if TYPE_CHECKING:
    import torch


class Memory(Protocol):
    """Keeps the weights of "text_encoder", "transformer" and "vae", and brings them when they are needed."""

    @property
    def device(self) -> torch.device:
        """The device that every part computes on, wherever its weights rest meanwhile."""

    def expect(self, part: str, work_bytes: int) -> None:
        """Says what the part will need beside its weights when it computes next."""

    def hold(self, part: str) -> None:
        """When this returns, the part can compute on the device. Other parts may have to leave.

        Costs next to nothing while the part is there.
        """

    def room_beside(self, part: str) -> int:
        """Bytes of the device that a computation of the part could take, if all but its weights left."""


class Resident:
    """All weights on one device for good."""

    def __init__(self, parts: Mapping[str, torch.nn.Module], device: str | torch.device) -> None:
        import torch

        self._device = torch.device(device)
        # As they were made: weights of torchao cannot become tensors of inference mode.
        with torch.inference_mode(False):
            for part in parts.values():
                part.to(self._device)

    @property
    def device(self) -> torch.device:
        return self._device

    def expect(self, part: str, work_bytes: int) -> None:
        pass

    def hold(self, part: str) -> None:
        pass

    def room_beside(self, part: str) -> int:
        import psutil
        import torch

        backend = getattr(torch, self._device.type)
        if not hasattr(backend, "mem_get_info"):
            # A CPU, and Apple's GPU, which shares the memory with it.
            return int(psutil.virtual_memory().available)
        cached = backend.memory_reserved(self._device) - backend.memory_allocated(self._device)
        return int(backend.mem_get_info(self._device)[0] + cached)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch says that a device has no memory left; CPUs and Apple's GPU say it in words only."""
    import torch

    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and ("out of memory" in said or "DefaultCPUAllocator" in said)
    )


def out_of_memory(device: Any, doing: str, quantization: str) -> DeviceMemoryError:
    """The error for a device whose memory ran out while ``doing`` something."""
    fixes = ["take a smaller size or fewer pictures to edit"]
    if quantization != "nf4":
        fixes.append(f"choose {'int8 or nf4' if quantization == 'none' else 'nf4'} as quantization in FIBO Loader")
    if str(device) != "cpu":
        fixes.append("start ComfyUI with --lowvram")
    return DeviceMemoryError(
        "the device ran out of memory",
        where=str(device),
        found=doing,
        allowed="about 1024 × 1024 pixels",
        fix=", or ".join(fixes),
    )


def lend(pipeline: Any, memory: Memory) -> None:
    """Makes a pipeline ask ``memory`` before each of its parts computes, and compute on its device.

    The pipeline owns the memory, and the parts know it weakly, so that all of it goes with the last reference to the
    pipeline. Pipelines may share parts; the parts ask the memory that they were lent from last.
    """
    pipeline.__class__ = _lent(type(pipeline))
    pipeline.studioflow_memory = memory
    text_encoder, transformer, vae = pipeline.text_encoder, pipeline.transformer, pipeline.vae
    if _asks(text_encoder, memory, "text_encoder"):
        text_encoder.register_forward_pre_hook(_before_text, with_kwargs=True)
    if _asks(transformer, memory, "transformer"):
        transformer.register_forward_pre_hook(_before)
    if _asks(vae, memory, "vae"):
        vae.encode, vae.decode = _asking(vae, "encode"), _asking(vae, "decode")


@functools.cache
def _lent(pipeline_class: type) -> type:
    """The class of pipeline whose device is its memory's: diffusers looks at where the first weights are."""
    if hasattr(pipeline_class, "studioflow_memory"):
        return pipeline_class
    names = {
        "__module__": pipeline_class.__module__,
        "__qualname__": pipeline_class.__qualname__,
        "studioflow_memory": None,
        "_execution_device": property(lambda pipeline: pipeline.studioflow_memory.device),
    }
    # By the same name, which diffusers writes into what it saves.
    return type(pipeline_class.__name__, (pipeline_class,), names)


def _asks(module: Any, memory: Memory, part: str) -> bool:
    """Notes whom the module asks; True where it has to be made to."""
    first = not hasattr(module, "studioflow_lender")
    module.studioflow_lender = weakref.ref(memory), part
    return first


def _before(module: Any, *_: Any) -> None:
    reference, part = module.studioflow_lender
    memory = reference()
    if memory is not None:
        memory.hold(part)


def _before_text(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    _before(module)
    # The pipelines read hidden states; logits of all 1,500 tokens would take 400 MB and are thrown away.
    return args, {"logits_to_keep": 1} | kwargs


def _asking(module: Any, method: str) -> Callable[..., Any]:
    """That method of the module, asking first. Knows the module weakly, because the module will hold it."""
    original = getattr(type(module), method)
    reference = weakref.ref(module)

    @functools.wraps(original)
    def asking(*args: Any, **kwargs: Any) -> Any:
        held = reference()
        _before(held)
        return original(held, *args, **kwargs)

    return asking
