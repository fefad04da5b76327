"""Stand-in models: the real FIBO pipeline classes of diffusers, tiny and with random weights.

They exercise the real code on any machine in seconds. Their pictures are noise, and the marker file beside
the weights makes every node, console line and delivered file say so.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .model import STANDIN_MARKER

NOTICE = "stand-in weights: the picture is noise"

FIBO_2_SINCE = (0, 42)
"""The release of diffusers that brought FIBO 2."""

_VERSION = 1
"""Raise it when a configuration below changes, so that stand-ins made earlier are made again."""


def make_standins(folder: str | Path) -> list[Path]:
    """Makes the stand-ins of both FIBO generations below ``folder``; those already there are kept.

    Returns their folders. FIBO 2 is left out where the installed diffusers has no such pipeline.
    """
    kinds = [("studioflow-standin-fibo-1", "fibo-1.0", _fibo_1), ("studioflow-standin-fibo-2", "fibo-2.0-dev", _fibo_2)]
    if _version_of("diffusers") < FIBO_2_SINCE:
        kinds.pop()
    made = []
    for name, family, build in kinds:
        target = Path(folder) / name
        _make(target, {"notice": NOTICE, "family": family, "steps": 8, "version": _VERSION}, build)
        made.append(target)
    return made


def _version_of(package: str) -> tuple[int, ...]:
    # Read from the package's metadata: importing diffusers takes seconds, also where there is nothing to make.
    return tuple(int(part) for part in importlib.metadata.version(package).split(".")[:2])


def _make(target: Path, marker: dict[str, Any], build: Callable[[], Any]) -> None:
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
        build().save_pretrained(beside, safe_serialization=True)
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


def _scheduler() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000,
        shift=1.0,
        use_dynamic_shifting=True,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )


def _fibo_1() -> Any:
    from diffusers import AutoencoderKLWan, BriaFiboPipeline, BriaFiboTransformer2DModel
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    hidden = 16
    return BriaFiboPipeline(
        transformer=BriaFiboTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=2 * hidden,
            text_encoder_dim=hidden,
            pooled_projection_dim=None,
            axes_dims_rope=[0, 4, 4],
        ),
        scheduler=_scheduler(),
        vae=AutoencoderKLWan(
            base_dim=8,
            decoder_base_dim=8,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            attn_scales=[],
            temperal_downsample=[False, True, True],
            dropout=0.0,
            is_residual=True,
            in_channels=12,
            out_channels=12,
            patch_size=2,
            scale_factor_spatial=16,
            scale_factor_temporal=4,
            latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4,
        ),
        # The pipeline writes token 128000 for an empty prompt, so the vocabulary must reach that far.
        text_encoder=SmolLM3ForCausalLM(
            SmolLM3Config(
                vocab_size=128256,
                hidden_size=hidden,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                pad_token_id=0,
                bos_token_id=1,
                eos_token_id=0,
            )
        ),
        tokenizer=_tokenizer(["<pad>", "<bos>"], pad_token="<pad>", bos_token="<bos>", eos_token="<pad>"),  # noqa: S106
    )


def _fibo_2() -> Any:
    from diffusers import AutoencoderKLFlux2, BriaFibo2Pipeline, BriaFibo2Transformer2DModel
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    hidden = 16
    tokenizer = _tokenizer(
        [
            "<|endoftext|>",
            "<|im_start|>",
            "<|im_end|>",
            "<|vision_start|>",
            "<|vision_end|>",
            "<|image_pad|>",
            "<|video_pad|>",
        ],
        pad_token="<|endoftext|>",  # noqa: S106
        eos_token="<|im_end|>",  # noqa: S106
    )
    token = tokenizer.convert_tokens_to_ids
    sizes: dict[str, Any] = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    limits = {"size": {"shortest_edge": 1024, "longest_edge": 4096}}
    grey = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    return BriaFibo2Pipeline(
        transformer=BriaFibo2Transformer2DModel(
            in_channels=4,
            patch_size=2,
            dim=16,
            n_layers=6,
            n_refiner_layers=1,
            n_heads=2,
            cap_feat_dim=3 * hidden,
            injection_layer_ids=(1, 2, 3, 4, 5),
            perceiver_num_layers=1,
            min_num_gist_tokens=4,
            max_num_gist_tokens=8,
            gist_step=4,
            gist_min_text_len=4,
            gist_max_text_len=64,
            axes_dims=(4, 2, 2),
            axes_lens=(64, 256, 256),
        ),
        scheduler=_scheduler(),
        vae=AutoencoderKLFlux2(
            block_out_channels=(8, 8, 8, 8), layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=64
        ),
        # The pipeline reads hidden state 35, so there must be 36 layers however small.
        text_encoder=Qwen3VLForConditionalGeneration(
            Qwen3VLConfig(
                text_config={
                    "vocab_size": len(tokenizer),
                    "hidden_size": hidden,
                    "intermediate_size": 16,
                    "num_hidden_layers": 36,
                    "num_attention_heads": 2,
                    "num_key_value_heads": 1,
                    "head_dim": 8,
                    "max_position_embeddings": 8192,
                    "rope_parameters": {
                        "rope_type": "default",
                        "rope_theta": 10000.0,
                        "mrope_section": [2, 1, 1],
                        "mrope_interleaved": True,
                    },
                },
                vision_config={
                    "depth": 2,
                    "hidden_size": hidden,
                    "intermediate_size": 16,
                    "num_heads": 2,
                    "out_hidden_size": hidden,
                    "patch_size": 16,
                    "spatial_merge_size": 2,
                    "temporal_patch_size": 2,
                    "num_position_embeddings": 16,
                    "deepstack_visual_indexes": [0, 1],
                },
                image_token_id=token("<|image_pad|>"),
                video_token_id=token("<|video_pad|>"),
                vision_start_token_id=token("<|vision_start|>"),
                vision_end_token_id=token("<|vision_end|>"),
            )
        ),
        processor=Qwen3VLProcessor(
            image_processor=Qwen2VLImageProcessor(**sizes, **grey, **limits),
            tokenizer=tokenizer,
            video_processor=Qwen3VLVideoProcessor(**sizes, **grey),
        ),
    )
