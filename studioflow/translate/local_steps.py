"""What happens at each token of a local model's answer: one is chosen, progress is told, the end is seen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .constrain import CaptionConstraint

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int], object]
"""Called with tokens done of how many; what it raises stops the answer."""

_UNLIKELY = 0.05
"""Tokens less likely than this share of the likeliest are not drawn, as ComfyUI's FIBO 2 template does (min_p)."""
_TICK_S = 0.1
"""Between two calls of a progress, which is also where a cancel takes effect."""


class Choice:
    """A logits processor that leaves one token, drawn by its own generator: no other random state has a say."""

    def __init__(self, seed: int, temperature: float) -> None:
        import torch

        self._generator = torch.Generator("cpu").manual_seed(seed)
        self._temperature = temperature

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        import torch

        chosen = scores.argmax() if self._temperature == 0 else self._drawn(scores[0])
        only = torch.full_like(scores, float("-inf"))
        only[0, chosen] = 0.0
        return only

    def _drawn(self, scores: torch.Tensor) -> torch.Tensor:
        import torch

        least = scores.max() + self._temperature * math.log(_UNLIKELY)
        likely = (scores >= least).nonzero()[:, 0]
        shares = torch.softmax(scores[likely].double().cpu() / self._temperature, dim=-1)
        return likely[int(torch.multinomial(shares, 1, generator=self._generator))]


class Stop:
    """A stopping criterion: the caption is whole. Also calls ``tick`` after each token."""

    def __init__(self, constraint: CaptionConstraint, tick: Callable[[], None]) -> None:
        self._constraint = constraint
        self._tick = tick

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_options: Any) -> torch.Tensor:
        import torch

        self._constraint.take(input_ids)
        self._tick()
        return torch.tensor([self._constraint.ended], device=input_ids.device)


class Tick:
    """Calls ``progress``, at most every 0.1 s."""

    def __init__(self, progress: Progress, constraint: CaptionConstraint, total: int) -> None:
        self._progress = progress
        self._constraint = constraint
        self._total = total
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TICK_S
            self._progress(min(self._constraint.tokens, self._total), self._total)


@contextmanager
def watched(model: Any, tick: Callable[[], None]) -> Iterator[None]:
    """Calls ``tick`` before each layer of the model: reading a long request takes seconds on a slow device."""
    import torch

    layers = [layer for row in model.modules() if isinstance(row, torch.nn.ModuleList) for layer in row]
    hooks = [layer.register_forward_pre_hook(lambda *_: tick()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
