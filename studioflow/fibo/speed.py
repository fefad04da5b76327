"""How fast a loaded FIBO renders: no padding, skipped steps, attention kernels, compiled blocks, memory layout.

``prepare`` sets what stays with the model, ``running`` what lasts for one render. Padding, compilation, layout and
every attention but Sage's give the stock picture within rounding; the step cache and Sage approximate it.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from ..errors import ModelError, did_you_mean
from .menus import ATTENTION
from .step_cache import reusing_steps
from .velocity import pads, without_padding


class Speed(NamedTuple):
    """The choices. ``step_cache`` is the change below which a step is skipped, 0 for never; see ``reusing_steps``."""

    skip_padding: bool = True
    step_cache: float = 0.0
    compile: bool = False
    attention: str = "auto"
    channels_last: bool = False


class _Attention(NamedTuple):
    backend: str
    package: str = ""
    on_cpu: bool = False
    float32: bool = False
    masks: bool = False


_ATTENTION = {
    "native": _Attention("native", on_cpu=True, float32=True, masks=True),
    "flash": _Attention("flash", package="flash-attn"),
    "sage": _Attention("sage", package="sageattention"),
    "xformers": _Attention("xformers", package="xformers", float32=True, masks=True),
    "cudnn": _Attention("_native_cudnn", masks=True),
}
"""The attention kernels by name. Those that diffusers would fetch as code from a hub are left out."""


MOST_GRAPHS = 64
"""Compiled versions of one kind of block at once: its inputs have a few, and LoRAs may differ from block to block."""

_compiled_with: weakref.WeakKeyDictionary[Any, list[str]] = weakref.WeakKeyDictionary()
"""The adapters of each transformer that was compiled when it last ran so."""


class Report:
    """What a render did: its ``steps`` and how many were ``skipped``; both stay 0 without a step cache."""

    def __init__(self) -> None:
        self.steps = 0
        self.skipped = 0


def approximations(speed: Speed) -> dict[str, Any]:
    """What a delivery must say about a speed; empty where the picture is the stock pipeline's within rounding."""
    facts: dict[str, Any] = {}
    if speed.step_cache:
        facts["step_cache"] = speed.step_cache
    if speed.attention == "sage":
        facts["attention"] = "sage"
    return facts


def prepare(pipeline: Any, speed: Speed, *, compiler: str | Callable[..., Any] = "inductor") -> None:
    """Sets attention, compilation and layout of a FIBO pipeline, and takes back what an earlier ``speed`` set.

    ``compiler`` is a backend of torch.compile. The layout changes within the memory that the VAE's weights have, so
    that pinned weights stay pinned; call it while no copy of them is under way. Raises ModelError, with the pipeline
    unchanged, for what this machine, device or dtype cannot do.
    """
    check(pipeline, speed, compiler=compiler)
    _set_attention(pipeline.transformer, speed.attention)
    _set_compiled(pipeline.transformer, speed.compile, compiler)
    _set_layout(pipeline.vae, speed.channels_last)


@contextmanager
def running(pipeline: Any, speed: Speed) -> Iterator[Report]:
    """Renders inside leave out padding and steps as ``speed`` says; afterwards the model is as it was.

    Enter it with the LoRAs of the render in place: other ones than the blocks were compiled with last make all blocks
    of their kind, in every model, compile again. Raises ModelError where a compiled block turns out not to compile,
    which only its first call tells.
    """
    report = Report()
    with ExitStack() as stack:
        if speed.compile:
            _forget_other_loras(pipeline.transformer)
            stack.enter_context(_compiling())
        if speed.skip_padding:
            stack.enter_context(without_padding(pipeline.transformer))
        if speed.step_cache:
            stack.enter_context(reusing_steps(pipeline, speed.step_cache, report))
        yield report


def check(pipeline: Any, speed: Speed, *, compiler: str | Callable[..., Any] = "inductor") -> None:
    """Raises ModelError for what this machine, device or dtype cannot do; changes nothing."""
    if not (math.isfinite(speed.step_cache) and speed.step_cache >= 0):
        raise ModelError(
            "no such threshold of the step cache",
            found=str(speed.step_cache),
            allowed="0 (off) or more",
            fix="take 0.1 for a start",
        )
    if speed.attention not in ATTENTION:
        raise ModelError(
            "no such attention",
            found=f'"{speed.attention}"',
            allowed=", ".join(ATTENTION),
            fix=did_you_mean(speed.attention, ATTENTION),
        )
    if speed.attention != "auto":
        _check_attention(pipeline, speed)
    if speed.compile and compiler == "inductor":
        _check_inductor(pipeline._execution_device)


def _check_attention(pipeline: Any, speed: Speed) -> None:
    import torch

    wanted = _ATTENTION[speed.attention]
    device, dtype = pipeline._execution_device, pipeline.transformer.dtype
    back = 'or set attention to "auto"'
    if not wanted.on_cpu and device.type != "cuda":
        raise ModelError(
            f"{speed.attention} attention needs an NVIDIA or AMD GPU",
            found=str(device),
            allowed="cuda",
            fix=f"render there, {back}",
        )
    if not wanted.float32 and dtype not in (torch.bfloat16, torch.float16):
        raise ModelError(
            f"{speed.attention} attention computes in half precision",
            found=str(dtype).removeprefix("torch."),
            allowed="bfloat16, float16",
            fix=f"load the model as bfloat16, {back}",
        )
    if not wanted.masks and not speed.skip_padding and pads(pipeline.transformer):
        raise ModelError(
            f"{speed.attention} attention cannot leave out padding",
            found="skip_padding off",
            fix=f"switch skip_padding on, {back}",
        )


def _check_inductor(device: Any) -> None:
    """The two compilers that are no part of torch: C++ for the processor, Triton for everything else but Apple's."""
    where = f"torch.compile on {device.type}"
    if device.type == "cpu":
        from torch._inductor.cpp_builder import get_cpp_compiler

        try:
            get_cpp_compiler()
        except RuntimeError as error:
            raise ModelError(
                "there is no C++ compiler",
                where=where,
                found="none",
                allowed="g++, clang++ or Visual C++'s cl",
                fix="install one (apt install g++, xcode-select --install, Visual Studio Build Tools), or switch "
                "compile off",
            ) from error
    elif device.type != "mps":
        from torch.utils._triton import has_triton

        if not has_triton():
            raise ModelError(
                "there is no Triton for this device",
                where=where,
                found="none",
                allowed="triton",
                fix="pip install triton (triton-windows on Windows), or switch compile off",
            )


@contextmanager
def _compiling() -> Iterator[None]:
    """Inside, blocks compile as often as they must, and what does not compile is an error instead of slow."""
    from torch._dynamo import config
    from torch._dynamo.exc import BackendCompilerFailed, FailOnRecompileLimitHit

    try:
        with config.patch(recompile_limit=MOST_GRAPHS, fail_on_recompile_limit_hit=True):
            yield
    except BackendCompilerFailed as error:
        raise ModelError(
            "the model cannot be compiled on this machine",
            found=f"{type(error.inner_exception).__name__}: {error.inner_exception}".splitlines()[0][:300],
            fix="switch compile off",
        ) from error
    except FailOnRecompileLimitHit as error:
        raise ModelError(
            "the model has too many kinds of blocks to compile",
            found=f"more than {MOST_GRAPHS}, by its LoRAs, quantization and where its weights are",
            allowed=f"{MOST_GRAPHS} at once",
            fix="switch compile off, use fewer LoRAs at once, or start ComfyUI again",
        ) from error


def _forget_other_loras(transformer: Any) -> None:
    """Drops the code of blocks that were compiled with other LoRAs.

    Dynamo keeps what it compiled by the code object of ``forward``, which all blocks of a class share, up to a limit.
    """
    adapters = sorted(getattr(transformer, "peft_config", None) or ())
    if _compiled_with.get(transformer, adapters) != adapters:
        from torch._dynamo.eval_frame import reset_code

        for kind in {type(block) for block in _blocks(transformer)}:
            reset_code(kind.forward.__code__)
    _compiled_with[transformer] = adapters


def _blocks(transformer: Any) -> list[Any]:
    return [module for module in transformer.modules() if type(module).__name__ in transformer._repeated_blocks]


def _set_attention(transformer: Any, attention: str) -> None:
    backend = None if attention == "auto" else _ATTENTION[attention].backend
    processors = (getattr(module, "processor", None) for module in transformer.modules())
    if {p._attention_backend for p in processors if hasattr(p, "_attention_backend")} <= {backend}:
        return
    if backend is None:
        transformer.reset_attention_backend()
        return
    from diffusers.models.attention_dispatch import attention_backend

    try:
        # diffusers also makes it the default of all models in the process; leaving the context undoes that.
        with attention_backend("native"):
            transformer.set_attention_backend(backend)
    except RuntimeError as error:
        raise ModelError(
            f"{attention} attention is not installed",
            found=str(error).splitlines()[0],
            fix=f'pip install {_ATTENTION[attention].package}, or set attention to "auto"',
        ) from error


def _set_compiled(transformer: Any, wanted: bool, compiler: str | Callable[..., Any]) -> None:
    blocks = _blocks(transformer)
    compiled = [block for block in blocks if "_compiled_call_impl" in vars(block)]
    if wanted and len(compiled) < len(blocks):
        # Each caption has a length of its own: compiled for all sizes at once, or every caption compiles again.
        transformer.compile_repeated_blocks(dynamic=True, backend=compiler)
    if not wanted:
        for block in compiled:
            del block._compiled_call_impl


def _set_layout(vae: Any, channels_last: bool) -> None:
    import torch

    layouts = {torch.nn.Conv2d: torch.channels_last, torch.nn.Conv3d: torch.channels_last_3d}
    # ComfyUI runs nodes in inference mode, whose tensors would follow the model out of it.
    with torch.inference_mode(False), torch.no_grad():
        for module in vae.modules():
            layout = next((layout for kind, layout in layouts.items() if isinstance(module, kind)), None)
            if layout:
                _lay_out(module.weight, layout if channels_last else torch.contiguous_format)


def _lay_out(weight: Any, layout: Any) -> None:
    """Reorders a dense weight within its memory, whose address ComfyUI keeps while it is pinned."""
    if weight.is_contiguous(memory_format=layout):
        return
    ordered = weight.contiguous(memory_format=layout)
    weight.data = weight.data.as_strided(weight.shape, ordered.stride()).copy_(ordered)
