"""Steps that run only the first block of the transformer and reuse what the others added in an earlier step.

First Block Cache (github.com/chengzeyi/ParaAttention), in the line of TeaCache (arXiv 2411.19108): where the first
block does nearly what it did when all blocks last ran, the others would too. Their sum is kept rather than the
velocity: a reused velocity is a longer Euler step and nothing more, while this one still sees the present latents,
through the first block, and the present noise level, through the final layer.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Counts(Protocol):
    """What a render has done so far; written by ``reusing_steps``."""

    steps: int
    skipped: int


@contextmanager
def reusing_steps(pipeline: Any, threshold: float, counts: Counts) -> Iterator[None]:
    """Inside, the pipeline's transformer skips steps whose change stays below ``threshold``.

    The change is the relative L1 distance between what the first block adds to the picture's tokens now and what
    it added when all blocks last ran. It is summed over the steps skipped since, as their errors are in the picture.
    The first and the last step of a render and every step with a new prompt run whole. All prompts of a step are
    skipped or run together. Waits for the device once a step.
    """
    transformer = pipeline.transformer
    cache = _StepCache(threshold, pipeline, counts)
    first, *middle, last = _chain(transformer)
    with ExitStack() as stack:
        hook = transformer.register_forward_pre_hook(cache.before_forward, with_kwargs=True)
        stack.callback(hook.remove)
        stack.enter_context(_called_through(*first, cache.first))
        for block in middle:
            stack.enter_context(_called_through(*block, cache.middle))
        stack.enter_context(_called_through(*last, cache.last))
        yield


class _StepCache:
    def __init__(self, threshold: float, pipeline: Any, counts: Counts) -> None:
        self._threshold = threshold
        self._pipeline = pipeline
        self._counts = counts
        self._signature = inspect.signature(pipeline.transformer.forward)
        self._timestep: torch.Tensor | None = None
        self._step = -1
        self._prompt: torch.Tensor | None = None
        self._pass = -1
        self._skips = False
        self._entered: torch.Tensor | None = None
        # Of the last step that ran whole: its prompt, what its first block added, and the others in each pass.
        self._reference: tuple[torch.Tensor, torch.Tensor] | None = None
        self._added: dict[int, torch.Tensor] = {}
        self._change = 0.0

    def before_forward(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = self._signature.bind(*args, **kwargs).arguments
        # Every pass of a step is given the same tensor, and every step a new one.
        if given["timestep"] is not self._timestep:
            self._timestep = given["timestep"]
            self._prompt = given["encoder_hidden_states"]
            self._step = (self._step + 1) % self._pipeline.num_timesteps
            self._pass = -1
            self._counts.steps += 1

    def first(self, run: _Call, bypass: _Call, *args: Any, **kwargs: Any) -> Any:
        output = run(*args, **kwargs)
        self._pass += 1
        self._entered = _picture(output)
        if self._pass == 0:
            added = self._entered - _picture(bypass(*args, **kwargs))
            # FIBO 2 marks the tokens that are denoised; its gist and reference tokens would dilute the change.
            noisy = kwargs.get("noise_mask")
            self._skips = self._decide(added if noisy is None else added * noisy.unsqueeze(-1))
        return output

    def middle(self, run: _Call, bypass: _Call, *args: Any, **kwargs: Any) -> Any:
        return bypass(*args, **kwargs) if self._skips else run(*args, **kwargs)

    def last(self, run: _Call, bypass: _Call, *args: Any, **kwargs: Any) -> Any:
        import torch

        tokens = self._entered.shape[1]
        if self._skips:
            # Text tokens, where the block has them in front, do not reach the velocity.
            entered = bypass(*args, **kwargs)
            return torch.cat([entered[:, :-tokens], entered[:, -tokens:] + self._added[self._pass]], dim=1)
        output = run(*args, **kwargs)
        self._added[self._pass] = output[:, -tokens:] - self._entered
        return output

    def _decide(self, added: torch.Tensor) -> bool:
        within = 0 < self._step < self._pipeline.num_timesteps - 1
        if within and self._reference is not None and self._reference[0] is self._prompt:
            self._change += _relative_change(added, self._reference[1])
            if self._change < self._threshold:
                self._counts.skipped += 1
                return True
        self._reference = (self._prompt, added)
        self._change = 0.0
        return False


_Call = Callable[..., Any]


def _relative_change(now: torch.Tensor, before: torch.Tensor) -> float:
    import torch

    size = partial(torch.linalg.vector_norm, ord=1, dtype=torch.float32)
    return (size(now - before) / size(before)).item()


@contextmanager
def _called_through(block: Any, bypass: _Call, call: Callable[..., Any]) -> Iterator[None]:
    """Inside, calling the block is ``call(run, bypass, …)``, where ``run`` is what it was before.

    Uses the place where ``Module.compile`` puts its own call. A wrapping module would rename the weights below it
    while ComfyUI moves them, and a new forward or a hook would become part of what is compiled.
    """
    earlier = vars(block).get("_compiled_call_impl")
    block._compiled_call_impl = partial(call, earlier or block._call_impl, bypass)
    try:
        yield
    finally:
        if earlier is None:
            del block._compiled_call_impl
        else:
            block._compiled_call_impl = earlier


def _chain(transformer: Any) -> list[tuple[Any, _Call]]:
    """The transformer's blocks in order, each with a function that returns what the block would if it added nothing."""
    if not hasattr(transformer, "transformer_blocks"):
        return [(block, _fibo_2) for block in transformer.layers]
    return [(block, _fibo_1_double) for block in transformer.transformer_blocks] + [
        (block, _fibo_1_single) for block in transformer.single_transformer_blocks
    ]


def _fibo_1_double(*, hidden_states: Any, encoder_hidden_states: Any, **_: Any) -> tuple[Any, Any]:
    return encoder_hidden_states, hidden_states


def _fibo_1_single(*, hidden_states: Any, **_: Any) -> Any:
    return hidden_states


def _fibo_2(tokens: Any, *_: Any, **__: Any) -> Any:
    return tokens


def _picture(output: Any) -> torch.Tensor:
    """The tokens of the picture in what a first block gets or returns (FIBO 2 has the others among them)."""
    return output[1] if isinstance(output, tuple) else output
