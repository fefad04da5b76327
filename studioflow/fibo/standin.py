"""Stand-in models: the real FIBO pipeline classes of diffusers, tiny and with random weights.

They exercise the real code on any machine in seconds, with as many latent channels as the real ones. Their pictures
are noise, and the marker file beside the weights makes every node, console line and delivered file say so.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..families import family
from ..resources import table
from .folders import STANDIN_MARKER

NOTICE = "stand-in weights: the picture is noise"

FIBO_2_SINCE = (0, 42)
"""The release of diffusers that brought FIBO 2."""

_VERSION = 3
"""Raise it when a configuration below changes, so that stand-ins made earlier are made again."""


STANDINS = {
    "studioflow-standin-fibo-1": "fibo-1.0",
    "studioflow-standin-fibo-edit": "fibo-edit-1.5",
    "studioflow-standin-fibo-2": "fibo-2.0-dev",
}
"""One for each pipeline class, and the family it stands for."""


def make_standins(folder: str | Path, standins: Mapping[str, str] = STANDINS) -> list[Path]:
    """Makes stand-ins below ``folder``, by name the family of each; those already there are kept.

    Returns their folders. FIBO 2 is left out where the installed diffusers has no such pipeline.
    """
    made = []
    for name, family_id in standins.items():
        if family(family_id).dialect == "fibo-2" and _version_of("diffusers") < FIBO_2_SINCE:
            continue
        target = Path(folder) / name
        _make(target, {"notice": NOTICE, "family": family_id, "steps": 8, "version": _VERSION})
        made.append(target)
    return made


def build(family_id: str, size: str = "tiny") -> Any:
    """The pipeline of a family with random weights. ``full`` has the real architecture, for measurements.

    The statistics of the latents are the same every time, and no two channels share theirs.
    """
    import diffusers

    wanted = family(family_id)
    parts = {"fibo-1": _fibo_1, "fibo-2": _fibo_2}[wanted.dialect](_table()[size][wanted.dialect])
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(**_table()["scheduler"])
    return getattr(diffusers, wanted.pipeline)(scheduler=scheduler, **parts)


def _table() -> dict[str, Any]:
    return table("fibo/standins.json")


def _version_of(package: str) -> tuple[int, ...]:
    # Read from the package's metadata: importing diffusers takes seconds, also where there is nothing to make.
    return tuple(int(part) for part in importlib.metadata.version(package).split(".")[:2])


def _make(target: Path, marker: dict[str, Any]) -> None:
    marker_file = target / STANDIN_MARKER
    if marker_file.is_file() and json.loads(marker_file.read_text(encoding="utf-8")) == marker:
        return
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    beside = target.with_name(target.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    # The same weights every time, without touching the caller's random state.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        build(marker["family"]).save_pretrained(beside, safe_serialization=True)
    (beside / STANDIN_MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)


def _tokenizer(specials: list[str], **roles: str) -> Any:
    """A byte-level tokenizer: one token a byte and the special tokens, no merges, nothing to download."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    symbols = specials + sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(symbols)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles)


def _fibo_1(sizes: dict[str, Any]) -> dict[str, Any]:
    from diffusers import AutoencoderKLWan, BriaFiboTransformer2DModel
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    channels = sizes["transformer"]["in_channels"]
    return {
        "transformer": BriaFiboTransformer2DModel(**sizes["transformer"]),
        "vae": AutoencoderKLWan(
            z_dim=channels,
            attn_scales=[],
            temperal_downsample=[False, True, True],
            is_residual=True,
            in_channels=12,
            out_channels=12,
            patch_size=2,
            scale_factor_spatial=16,
            latents_mean=[math.sin(channel) / 2 for channel in range(channels)],
            latents_std=[1 + math.cos(channel) / 2 for channel in range(channels)],
            **sizes["vae"],
        ),
        # The pipeline writes token 128000 for an empty prompt, so the vocabulary must reach that far.
        "text_encoder": SmolLM3ForCausalLM(
            SmolLM3Config(pad_token_id=0, bos_token_id=1, eos_token_id=0, **sizes["text_encoder"])
        ),
        "tokenizer": _tokenizer(["<pad>", "<bos>"], pad_token="<pad>", bos_token="<bos>", eos_token="<pad>"),  # noqa: S106
    }


def _fibo_2(sizes: dict[str, Any]) -> dict[str, Any]:
    from diffusers import AutoencoderKLFlux2, BriaFibo2Transformer2DModel
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    pad, end = "<|endoftext|>", "<|im_end|>"
    vision = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    tokenizer = _tokenizer([pad, "<|im_start|>", end, *vision], pad_token=pad, eos_token=end)
    token = tokenizer.convert_tokens_to_ids
    text, seen = sizes["text_encoder"]["text_config"], sizes["text_encoder"]["vision_config"]
    patches: dict[str, Any] = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    limits = {"size": {"shortest_edge": 1024, "longest_edge": 4096}}
    grey = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return {
        "transformer": BriaFibo2Transformer2DModel(**sizes["transformer"]),
        "vae": _with_statistics(AutoencoderKLFlux2(**sizes["vae"])),
        # The pipeline reads hidden state 35, so there must be 36 layers however small.
        "text_encoder": Qwen3VLForConditionalGeneration(
            Qwen3VLConfig(
                text_config={"vocab_size": len(tokenizer)} | text,
                vision_config=seen,
                tie_word_embeddings=True,
                image_token_id=token("<|image_pad|>"),
                video_token_id=token("<|video_pad|>"),
                vision_start_token_id=token("<|vision_start|>"),
                vision_end_token_id=token("<|vision_end|>"),
            )
        ),
        "processor": Qwen3VLProcessor(
            image_processor=Qwen2VLImageProcessor(**patches, **grey, **limits),
            tokenizer=tokenizer,
            video_processor=Qwen3VLVideoProcessor(**patches, **grey),
        ),
    }


def _with_statistics(vae: Any) -> Any:
    """A new batch norm has mean 0 and variance 1, and would hide a normalisation that is missing or the wrong way."""
    import torch

    # On the CPU whatever the default device, and apart from the random state of the weights.
    generator = torch.Generator("cpu").manual_seed(0)
    draws = torch.rand(2, len(vae.bn.running_mean), generator=generator, device="cpu", dtype=torch.float32)
    vae.bn.running_mean.copy_(draws[0] - 0.5)
    vae.bn.running_var.copy_(draws[1] + 0.5)
    return vae
