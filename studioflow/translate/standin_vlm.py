"""A stand-in for a local vision-language model: a real Qwen3-VL of transformers, tiny and with random weights.

It exercises the real code on any machine in seconds. What it writes is noise in the form of a caption, and the marker
file beside the weights makes everything say so.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..fibo.folders import STANDIN_MARKER
from ..resources import table
from ..studio.words import entries
from .caption_grammar import caption_grammar
from .guidance import style_guidance
from .local_folders import Found, found_in

NOTICE = "stand-in weights: the text is noise"
NAME = "studioflow-standin-vlm"

_VERSION = 1
"""Raise it when something below changes, so that stand-ins made earlier are made again."""
_SIZES = {"num_hidden_layers": 1, "max_position_embeddings": 16384}
_TEXT = "~"
"""Where a text would stand in what the tokenizer learns of a caption."""
_TOKENS = 1000
_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_VISION = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_standin_vlm(folder: str | Path) -> Found:
    """Makes the stand-in in a folder of its own below ``folder``, in the layout of transformers; kept if there."""
    target = Path(folder) / NAME
    marker = {"notice": NOTICE, "version": _VERSION}
    marker_file = target / STANDIN_MARKER
    if not (marker_file.is_file() and json.loads(marker_file.read_text(encoding="utf-8")) == marker):
        beside = target.with_name(f"{NAME}.part")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        model, processor = _built()
        model.save_pretrained(beside, safe_serialization=True)
        processor.save_pretrained(beside)
        (beside / STANDIN_MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        beside.rename(target)
    return found_in(target, NAME)


def _built() -> tuple[Any, Any]:
    import torch
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
        Qwen3VLProcessor,
        Qwen3VLVideoProcessor,
    )

    tokenizer = tiny_tokenizer()
    token = tokenizer.convert_tokens_to_ids
    # The text encoder of the FIBO 2 stand-in is a Qwen3-VL, too; only that it needs more layers and less to read.
    sizes = table("fibo/standins.json")["tiny"]["fibo-2"]["text_encoder"]
    patches: dict[str, Any] = {"patch_size": 16, "temporal_patch_size": 2, "merge_size": 2}
    grey = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    config = Qwen3VLConfig(
        text_config=sizes["text_config"] | _SIZES | {"vocab_size": len(tokenizer)},
        vision_config=sizes["vision_config"],
        tie_word_embeddings=True,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )
    # The same weights every time, without touching the caller's random state.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Qwen3VLForConditionalGeneration(config)
    processor = Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(**patches, **grey, size={"shortest_edge": 1024, "longest_edge": 65536}),
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(**patches, **grey),
        chat_template=_TEMPLATE,
    )
    return model, processor


def tiny_tokenizer() -> Any:
    """A byte-level BPE tokenizer with merges, trained on the keys of a caption and the words of our styles.

    Its pieces cross the marks of JSON, which makes it harder than real ones.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    specials = [_PAD, _START, _END, *_VISION]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=specials,
        show_progress=False,
    )
    between = json.dumps(_example(caption_grammar(edit=True))).split(_TEXT)
    words = [line for style in entries("styles") for line in style_guidance(style).splitlines()]
    tokenizer.train_from_iterator([*between, *(marks[1:] for marks in between)] * 50 + words, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=_PAD, eos_token=_END, chat_template=_TEMPLATE)


def _example(rule: dict[str, Any]) -> Any:
    match rule["type"]:
        case "object":
            return {key: _example(inner) for key, inner in rule["properties"].items()}
        case "array":
            return [_example(rule["items"])]
        case "string":
            return _TEXT
    return rule["minimum"]
