"""FIBO 1.x without padding: prompts of different length run one after the other, each as long as it is.

The stock pipeline stacks the negative and the positive prompt and pads the shorter one, which is often one token
beside some 1500. The transformer then computes the padding in all its blocks, only to mask it in every attention.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def without_padding(transformer: Any) -> Iterator[None]:
    """Inside, a FIBO 1.x transformer computes no padding; its velocity is the same within rounding.

    Any other transformer is left alone: FIBO 2 runs each prompt by itself.
    """
    if not pads(transformer):
        yield
        return
    earlier = vars(transformer).get("forward")
    transformer.forward = _Unpadded(transformer.forward)
    try:
        yield
    finally:
        if earlier is None:
            del transformer.forward
        else:
            transformer.forward = earlier


def pads(transformer: Any) -> bool:
    """Whether the stock pipeline pads prompts for this transformer: FIBO 1.x, which has text beside every block."""
    return "text_encoder_layers" in inspect.signature(transformer.forward).parameters


class _Unpadded:
    """Takes the place of ``transformer.forward``, with the same arguments and result."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        self._forward = forward
        self.__signature__ = inspect.signature(forward)
        self._mask: torch.Tensor | None = None
        self._runs: list[tuple[slice, int]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = self.__signature__.bind(*args, **kwargs).arguments
        mask = (given.get("joint_attention_kwargs") or {}).get("attention_mask")
        if mask is None:
            return self._forward(*args, **kwargs)
        if mask is not self._mask:
            # Reading a mask waits for the device, and a render has the same one in every step.
            self._mask, self._runs = mask, _runs(mask, given["encoder_hidden_states"].shape[1])
        if not self._runs:
            return self._forward(*args, **kwargs)
        import torch
        from diffusers.models.modeling_outputs import Transformer2DModelOutput

        # Backwards, because the positive prompt stands last and the step cache decides by what it sees first.
        parts = [self._forward(**_cut(given, rows, length))[0] for rows, length in reversed(self._runs)]
        velocity = torch.cat(parts[::-1])
        return Transformer2DModelOutput(sample=velocity) if given.get("return_dict", True) else (velocity,)


def _runs(mask: torch.Tensor, text_length: int) -> list[tuple[slice, int]]:
    """The rows of a key mask ``[B, 1, 1, text_length + picture]`` whose prompts are equally long, with that length.

    Empty where anything else than the end of a prompt is masked.
    """
    rows = mask.flatten(1).tolist()
    lengths = [sum(row[:text_length]) for row in rows]
    if not all(all(row[:length] + row[text_length:]) for row, length in zip(rows, lengths, strict=True)):
        return []
    starts = [row for row in range(len(rows)) if row == 0 or lengths[row] != lengths[row - 1]]
    return [(slice(start, end), lengths[start]) for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _cut(given: dict[str, Any], rows: slice, length: int) -> dict[str, Any]:
    """The arguments of some rows, their prompts cut to ``length`` tokens, without the mask; views, no copies."""
    own = {name: value for name, value in given["joint_attention_kwargs"].items() if name != "attention_mask"}
    cut = given | {"joint_attention_kwargs": own, "return_dict": False}
    for name in ("hidden_states", "timestep", "pooled_projections", "guidance"):
        if given.get(name) is not None:
            cut[name] = given[name][rows]
    cut["encoder_hidden_states"] = given["encoder_hidden_states"][rows, :length]
    cut["text_encoder_layers"] = [layer[rows, :length] for layer in given["text_encoder_layers"]]
    cut["txt_ids"] = given["txt_ids"][..., :length, :]
    return cut
