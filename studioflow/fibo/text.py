"""A pipeline that reads each caption once: its text encoding, remembered."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from .cache import TextCache, digest

if TYPE_CHECKING:
    import torch

    Tensors = Sequence[torch.Tensor]


class TextMemory:
    """What a pipeline remembers of the texts it read; ``pipeline.studioflow_text`` is one.

    ``encoded`` counts how often the text encoder ran for a caption, ``reused`` how often it did not have to;
    ``negatives_encoded`` and ``negatives_reused`` count the same for the null caption and for ``negative``. That is
    the negative of the render, which only its caller knows: None while nobody said, when errors name both. Without
    ``enabled`` the encoder runs every time and nothing is kept.
    """

    def __init__(self, cache: TextCache, encoder: str) -> None:
        self.cache = cache
        self.encoder = encoder
        self.enabled = True
        self.negative: str | None = None
        self.encoded = self.reused = 0
        self.negatives_encoded = self.negatives_reused = 0

    def role(self, prompts: Sequence[str]) -> str:
        """The socket that such texts came from."""
        if self.negative is None:
            return "caption or negative"
        return "negative" if set(prompts) == {self.negative} else "caption"

    def recall(
        self, asked: Mapping[str, Any], device: torch.device, encode: Callable[[], Tensors], *, null: bool
    ) -> Tensors:
        """What ``encode`` gave for the same ``asked`` on such a device, as copies on ``device``, or gives now.

        What is ``null`` is kept for good.
        """
        # CPU and accelerator round differently, and a memory must not change a picture.
        key = digest(self.encoder, device.type, asked)
        negative = null or self.role(asked["prompt"]) == "negative"
        known = self.cache.get(key, device) if self.enabled else None
        if known is not None:
            self.reused += not negative
            self.negatives_reused += negative
            return known
        tensors = encode()
        self.encoded += not negative
        self.negatives_encoded += negative
        if self.enabled:
            self.cache.put(key, tensors, keep=null)
        return tensors


def remember_text(pipeline: Any, cache: TextCache, encoder: str) -> None:
    """Makes this pipeline (FIBO 1.x, its edit pipeline, or FIBO 2) encode the same text and pictures only once.

    Results equal the stock pipeline's bit for bit. ``encoder`` tells text encoders apart in a cache that several
    pipelines share: everything that changes what it computes (weights, quantization, adapters) must be in it. The
    null caption that guidance uses is kept for good. Doing it again replaces cache and counters. A caption or
    negative longer than the encoder reads then raises ModelError, where the stock pipelines cut it without a word; so
    does a pipeline of another kind, at once.
    """
    memory = TextMemory(cache, encoder)
    if hasattr(pipeline, "get_prompt_embeds"):
        pipeline.get_prompt_embeds = _remembered_fibo_1(pipeline, memory)
    elif hasattr(pipeline, "_get_qwen_prompt_embeds"):
        pipeline._get_qwen_prompt_embeds = _remembered_fibo_2(pipeline, memory)
    else:
        raise ModelError(
            "the text of this pipeline cannot be remembered",
            found=type(pipeline).__name__,
            allowed="BriaFiboPipeline, BriaFiboEditPipeline, BriaFibo2Pipeline",
            fix="choose a FIBO model",
        )
    pipeline.studioflow_text = memory


def _remembered_fibo_1(pipeline: Any, memory: TextMemory) -> Callable[..., Any]:
    stock = type(pipeline).get_prompt_embeds
    # Weak, for a pipeline that holds itself would keep its gigabytes until the garbage collector comes by.
    owner = weakref.ref(pipeline)

    def get_prompt_embeds(*args: Any, **kwargs: Any) -> tuple[torch.Tensor, tuple[torch.Tensor, ...], torch.Tensor]:
        import torch

        pipeline = owner()
        asked = _by_name(stock, pipeline, *args, **kwargs)
        del asked["self"]
        count = asked.pop("num_images_per_prompt")
        device = torch.device(asked.pop("device") or pipeline._execution_device)
        dtype = asked["dtype"] or pipeline.text_encoder.dtype
        prompts = asked["prompt"]

        def encode() -> Tensors:
            lengths = [len(tokens) for tokens in pipeline.tokenizer(prompts).input_ids]
            _check_lengths(memory.role(prompts), prompts, lengths, asked["max_sequence_length"])
            return _flat(*stock(pipeline, device=device, **asked))

        key = asked | {"dtype": str(dtype), "encoder_dtype": str(pipeline.text_encoder.dtype)}
        flat = memory.recall(key, device, encode, null=set(prompts) == {""})
        embeds, states, mask = _unflat(flat, dtype)
        return _repeat(embeds, count), tuple(_repeat(state, count) for state in states), _repeat(mask, count)

    return get_prompt_embeds


def _remembered_fibo_2(pipeline: Any, memory: TextMemory) -> Callable[..., Any]:
    from diffusers.pipelines.bria_fibo2.pipeline_bria_fibo2 import DEFAULT_NEGATIVE_PROMPT

    stock = type(pipeline)._get_qwen_prompt_embeds

    def get_qwen_prompt_embeds(*args: Any, **kwargs: Any) -> Tensors:
        import torch

        asked = _by_name(stock, *args, **kwargs)
        text_encoder, processor = asked.pop("text_encoder"), asked.pop("processor")
        device = torch.device(asked.pop("device") or text_encoder.device)

        def encode() -> Tensors:
            whole = _uncut(processor, memory.role(asked["prompt"]), asked["prompt"], asked["max_sequence_length"])
            return stock(text_encoder, whole, device=device, **asked)

        key = asked | {"encoder_dtype": str(text_encoder.dtype)}
        null = set(asked["prompt"]) == {DEFAULT_NEGATIVE_PROMPT} and not asked["image"]
        return memory.recall(key, device, encode, null=null)

    return get_qwen_prompt_embeds


def _by_name(function: Callable[..., Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Every argument of such a call by name, defaults too, with a single prompt as the list that it stands for."""
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    prompt = bound.arguments["prompt"]
    return bound.arguments | {"prompt": [prompt] if isinstance(prompt, str) else list(prompt)}


def _flat(embeds: torch.Tensor, states: Tensors, mask: torch.Tensor) -> Tensors:
    """FIBO 1.x's result without what it holds twice: its embeddings are the last two hidden states side by side."""
    import torch

    repeated = torch.equal(_side_by_side(states, embeds.dtype), embeds)
    return (mask, *states) if repeated else (mask, *states, embeds)


def _unflat(flat: Tensors, dtype: torch.dtype) -> tuple[torch.Tensor, Tensors, torch.Tensor]:
    mask, *states = flat
    # What _flat had to keep is wider than a hidden state.
    whole = states[-1].shape != states[0].shape
    embeds = states.pop() if whole else _side_by_side(states, dtype)
    return embeds, states, mask


def _side_by_side(states: Tensors, dtype: torch.dtype) -> torch.Tensor:
    import torch

    return torch.cat((states[-1], states[-2]), dim=-1).to(dtype)


def _repeat(tensor: torch.Tensor, count: int) -> torch.Tensor:
    return tensor if count == 1 else tensor.repeat_interleave(count, dim=0)


def _uncut(processor: Any, role: str, prompts: Sequence[str], limit: int) -> Callable[..., Any]:
    """The processor as the pipeline calls it, but it raises ModelError where it would cut."""

    def read(**options: Any) -> Any:
        inputs = processor(**options | {"truncation": False, "max_length": None})
        lengths = inputs.attention_mask.sum(dim=1).tolist()
        # A negative has no pictures.
        shown = ("caption", " with its pictures") if options.get("images") else (role, "")
        _check_lengths(shown[0], prompts, lengths, limit, shown[1])
        return inputs

    return read


def _check_lengths(role: str, prompts: Sequence[str], lengths: Sequence[int], limit: int, beside: str = "") -> None:
    longest, prompt = max(zip(lengths, prompts, strict=True))
    if longest > limit:
        raise ModelError(
            f"the {role}{beside} is longer than the model reads",
            where=f'{role} "{prompt[:60]}…"',
            found=f"{longest:,} tokens",
            allowed=f"at most {limit:,} tokens",
            fix="shorten the longest texts, or leave something out",
        )
