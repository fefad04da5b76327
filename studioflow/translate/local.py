"""A language model on this machine, through transformers: found, loaded, and asked for a caption.

Weights are read from local safetensors files only, and no code that lies beside them is ever run. What the model may
write is held to a caption by ``constrain``, so every answer is one.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import DeviceMemoryError, ModelError, did_you_mean, require_between
from ..fibo.folders import fingerprint
from ..fibo.memory import Memory, Resident, is_out_of_memory
from ..fibo.menus import DTYPES
from .constrain import CaptionConstraint, Vocabulary, llguidance_module
from .instructions import Instructions
from .local_folders import Found, auto_class, checked, incomplete, notice_of
from .local_prompts import local_instructions
from .local_steps import Choice, Progress, Stop, Tick, watched
from .requests import Ask, check_request

if TYPE_CHECKING:
    import torch

MakeMemory = Callable[["Mapping[str, torch.nn.Module]"], Memory]

PART = "text_encoder"
"""What a memory calls the model: it rests where ComfyUI keeps text encoders."""
MOST_TOKENS = 16_384
MOST_TEMPERATURE = 2.0

_EDITS = ("edit", "edit_mask")
_GREY = (128, 128, 128)


@dataclass(frozen=True)
class LocalModel:
    """A loaded model and what is needed to ask it. ``notice`` is not empty for stand-in weights.

    Owns its weights: with the last reference to it they go.
    """

    model: Any
    tokenizer: Any
    processor: Any
    vocabulary: Vocabulary
    memory: Memory
    name: str
    folder: Path
    fingerprint: str
    notice: str
    dtype: str

    @property
    def sees(self) -> bool:
        """Whether it takes pictures."""
        return self.processor is not None


class LocalReply(NamedTuple):
    """A caption as JSON text, always whole. ``cut_off``: it had to be ended, and what came late is short."""

    text: str
    tokens: int
    cut_off: bool
    seconds: float


def load_local_model(
    found: Found, *, device: str = "cpu", dtype: str = "auto", memory: MakeMemory | None = None
) -> LocalModel:
    """The model of a folder that ``find_local_models`` found. ``dtype`` auto: bfloat16, on a CPU float32.

    ``memory`` makes what keeps the weights, given ``{"text_encoder": module}``; without it they stay on ``device``.
    Raises ModelError for a folder that is half copied, holds pickles or code instead of safetensors, or a model that
    the installed transformers does not know or that cannot be asked in turns; DeviceMemoryError where it does not fit.
    """
    import torch

    if dtype not in DTYPES:
        fix = did_you_mean(dtype, DTYPES)
        raise ModelError("no such dtype", found=f'"{dtype}"', allowed=", ".join(DTYPES), fix=fix)
    # Told before the weights are read, which takes long.
    llguidance_module()
    found = checked(found)
    if dtype == "auto":
        dtype = "float32" if torch.device(device).type == "cpu" else "bfloat16"
    try:
        # ComfyUI runs nodes in inference mode; weights made there could not be moved outside it, as its /free does.
        with torch.inference_mode(False):
            model, tokenizer, processor = _read(found, dtype)
            kept = memory({PART: model}) if memory else Resident({PART: model}, device)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError) as error:
        if is_out_of_memory(error):
            raise _out_of_memory(device, f"loading {found.name} in {dtype}") from error
        raise ModelError(
            "the language model cannot be loaded",
            where=str(found.folder),
            found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            allowed="a model as its publisher gives it, in the layout of transformers",
            fix="compare the folder with its source, or download it again",
        ) from error
    ends = _plain_generation(model, tokenizer)
    vocabulary = Vocabulary(tokenizer, model.config.get_text_config().vocab_size, ends)
    _computes_where(model, kept)
    return LocalModel(
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        vocabulary=vocabulary,
        memory=kept,
        name=found.name,
        folder=found.folder,
        fingerprint=fingerprint(found.folder),
        notice=notice_of(found.folder),
        dtype=dtype,
    )


def answer_locally(
    model: LocalModel,
    request: Ask,
    *,
    max_tokens: int = 3000,
    temperature: float = 0.3,
    max_objects: int = 5,
    progress: Progress = lambda done, total: None,
) -> LocalReply:
    """The model's caption for a request, with an ``edit_instruction`` for edits: JSON, valid by construction.

    After ``max_tokens`` (1 to 16,384) the answer is being closed, which takes some tokens more. ``temperature`` 0 to
    2 sharpens or flattens the choice, 0 takes the likeliest token; the same seed gives the same answer on the same
    device. ``progress`` is called with tokens done of ``max_tokens`` about ten times a second, also while the
    request is read, and may raise to cancel. Raises StudioFlowError: a request whose parts do not go together, a
    picture for a model that reads text only, a request longer than the model's context; DeviceMemoryError.
    """
    import torch

    require_between("max_tokens", max_tokens, 1, MOST_TOKENS)
    require_between("temperature", temperature, 0.0, MOST_TEMPERATURE)
    check_request(request)
    if request.pictures and not model.sees:
        raise ModelError(
            "this language model reads text only",
            where=model.name,
            found=f"a picture for {type(model.model).__name__}",
            fix="choose a model that sees pictures, such as Qwen3-VL",
        )
    asked = local_instructions(model.name, request)
    constraint = CaptionConstraint(model.vocabulary, max_tokens, edit=request.task in _EDITS, max_objects=max_objects)
    started = time.monotonic()
    progress(0, max_tokens)
    tick = Tick(progress, constraint, max_tokens)
    # Whatever a model keeps for itself while it computes must be movable afterwards, too.
    with torch.inference_mode(False), torch.no_grad(), _told_of_shortage(model), watched(model.model, tick):
        inputs = _inputs(model, asked, _pictures(request))
        length = inputs["input_ids"].shape[1]
        _check_context(model, length, constraint.most_tokens)
        model.memory.expect(PART, _work_bytes(model, length + constraint.most_tokens))
        model.memory.hold(PART)
        model.model.generate(
            **inputs.to(model.memory.device),
            max_new_tokens=constraint.most_tokens,
            logits_processor=[constraint, Choice(request.seed, temperature)],
            stopping_criteria=[Stop(constraint, tick)],
        )
    progress(max_tokens, max_tokens)
    return LocalReply(constraint.text, constraint.tokens, constraint.closing, time.monotonic() - started)


@contextmanager
def _told_of_shortage(model: LocalModel) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, DeviceMemoryError) and is_out_of_memory(error):
            raise _out_of_memory(model.memory.device, f"an answer of {model.name}") from error
        raise


def _out_of_memory(device: Any, doing: str) -> DeviceMemoryError:
    fixes = ["choose a smaller model", "lower max_tokens"]
    if str(device) != "cpu":
        fixes.append("start ComfyUI with --lowvram")
    return DeviceMemoryError("the device ran out of memory", where=str(device), found=doing, fix=", or ".join(fixes))


def _read(found: Found, dtype: str) -> tuple[Any, Any, Any]:
    """The model, its tokenizer, and its processor or None where it takes no pictures."""
    import torch
    import transformers

    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if found.sees:
        processor = transformers.AutoProcessor.from_pretrained(found.folder, **local)
        tokenizer = processor.tokenizer
    else:
        processor, tokenizer = None, transformers.AutoTokenizer.from_pretrained(found.folder, **local)
    if not (tokenizer.chat_template or getattr(processor, "chat_template", None)):
        raise ModelError(
            "this model cannot be asked in turns",
            where=str(found.folder),
            found="no chat template",
            allowed="a model that was trained on instructions, with its chat template",
            fix="take the model whose name ends in Instruct or it",
        )
    model, read = auto_class(found).from_pretrained(
        found.folder,
        dtype=getattr(torch, dtype),
        use_safetensors=True,
        output_loading_info=True,
        **local,
    )
    # transformers makes up what the files do not hold.
    configs = (model.config, model.config.get_text_config())
    tied = any(getattr(config, "tie_word_embeddings", False) for config in configs)
    missing = sorted(name for name in read["missing_keys"] if not (tied and "lm_head" in name))
    if missing:
        raise incomplete(found.folder, f"{len(missing)} weights missing, {missing[0]} for one")
    return model.eval(), tokenizer, processor


def _plain_generation(model: Any, tokenizer: Any) -> list[int]:
    """Takes the model's own habits of sampling away, because the constraint and the choice are ours.

    Gives the tokens that end an answer.
    """
    import transformers

    named = (model.generation_config.eos_token_id, tokenizer.eos_token_id)
    ends = {token for part in named for token in (part if isinstance(part, list) else [part]) if token is not None}
    padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else min(ends, default=0)
    model.generation_config = transformers.GenerationConfig(
        do_sample=False, eos_token_id=sorted(ends) or None, pad_token_id=padding
    )
    return sorted(ends)


def _computes_where(model: Any, memory: Memory) -> None:
    """Makes the model name its memory's device as its own: transformers looks at where the first weights rest.

    The model knows the memory weakly, because the memory holds it.
    """
    known = weakref.ref(memory)
    stock = type(model)

    def device(self: Any) -> Any:
        memory = known()
        return memory.device if memory is not None else stock.device.fget(self)

    names = {"__module__": stock.__module__, "__qualname__": stock.__qualname__, "device": property(device)}
    model.__class__ = type(stock.__name__, (stock,), names)


def _pictures(request: Ask) -> list[Any]:
    """The pictures of a request as PIL images; where there is a mask, grey where it is white, as Bria trained edits."""
    import io

    from PIL import Image

    pictures = [Image.open(io.BytesIO(png)).convert("RGB") for png in request.pictures]
    if request.mask is not None:
        mask = Image.open(io.BytesIO(request.mask)).convert("L")
        pictures[0] = Image.composite(Image.new("RGB", pictures[0].size, _GREY), pictures[0], mask)
    return pictures


def _inputs(model: LocalModel, asked: Instructions, pictures: list[Any]) -> Any:
    """What the model reads, by its own chat template, on the CPU."""
    from jinja2 import TemplateError

    if not asked.system:
        return _templated(model, [("user", asked.prompt, pictures)])
    try:
        return _templated(model, [("system", asked.system, []), ("user", asked.prompt, pictures)])
    except TemplateError:
        # Some models know no system role, and their template says so by failing.
        return _templated(model, [("user", f"{asked.system}\n\n{asked.prompt}", pictures)])


def _templated(model: LocalModel, turns: list[tuple[str, str, list[Any]]]) -> Any:
    import torch

    options: dict[str, Any] = {
        "add_generation_prompt": True,
        "tokenize": True,
        "return_dict": True,
        "return_tensors": "pt",
    }
    reader = model.processor or model.tokenizer
    if not getattr(reader, "chat_template", None):
        options["chat_template"] = model.tokenizer.chat_template
    if "enable_thinking" in str(reader.chat_template or model.tokenizer.chat_template):
        options["enable_thinking"] = False
    if not model.sees:
        return reader.apply_chat_template([{"role": role, "content": text} for role, text, _ in turns], **options)
    messages = [
        {
            "role": role,
            "content": [{"type": "image", "image": picture} for picture in pictures] + [{"type": "text", "text": text}],
        }
        for role, text, pictures in turns
    ]
    return reader.apply_chat_template(messages, **options).to("cpu", getattr(torch, model.dtype))


def _check_context(model: LocalModel, length: int, answer: int) -> None:
    context = getattr(model.model.config.get_text_config(), "max_position_embeddings", None)
    if context is not None and length + answer > context:
        raise ModelError(
            "the request and its answer are longer than the model's context",
            where=model.name,
            found=f"{length} tokens to read and up to {answer} to write",
            allowed=f"{context} together",
            fix="lower max_tokens, shorten the text, or give fewer or smaller pictures",
        )


def _work_bytes(model: LocalModel, tokens: int) -> int:
    """What an answer needs beside the weights: keys and values of all tokens, one layer at work, and the logits."""
    import torch

    text = model.model.config.get_text_config()
    # Attention as it was first, where a model has another kind and does not tell.
    heads = getattr(text, "num_attention_heads", None) or 1
    size = getattr(text, "head_dim", None) or text.hidden_size // heads
    heads = getattr(text, "num_key_value_heads", None) or heads
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    kept = 2 * text.num_hidden_layers * heads * size
    at_work = 8 * text.hidden_size + 3 * inner
    return tokens * (kept + at_work) * getattr(torch, model.dtype).itemsize + 16 * model.vocabulary.width
