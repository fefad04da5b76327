"""What the constraint lets through is a caption: whatever is chosen, and however soon it must end."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from studioflow.caption.fields import KEY_ORDER
from studioflow.errors import ModelError, StudioFlowError
from studioflow.manifest.schema import CAPTION, schema
from studioflow.translate.caption_grammar import caption_grammar
from studioflow.translate.constrain import CaptionConstraint, Vocabulary
from studioflow.translate.standin_vlm import tiny_tokenizer

torch = pytest.importorskip("torch")
pytest.importorskip("llguidance")

WORDS = ["soft light from the left, ", "a steel grinder on oak. ", "größer Stuhl, 光の中 ", '"OPEN" } ] \\ ', "85mm "]
END = "</s>"
Choose = Callable[[list[int]], int]
"""Takes the tokens that may come next, gives one of them."""


def sentencepiece() -> Any:
    """As Llama's: pieces with ▁ for a space, and bytes where there is no piece."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    learned = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    learned.normalizer = normalizers.Replace(" ", "▁")
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789_", *'"{}[],:', "▁"]
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=["<unk>", "<s>", END, *raw], initial_alphabet=letters, show_progress=False
    )
    learned.train_from_iterator(WORDS * 20 + [json.dumps({"short_description": "a", "objects": []})] * 20, trainer)
    # Bytes are no special tokens, though the trainer had to take them for such.
    state = json.loads(learned.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if not token["content"].startswith("<0x")]
    learned = Tokenizer.from_str(json.dumps(state))
    learned.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=learned, unk_token="<unk>", bos_token="<s>", eos_token=END)


TOKENIZERS: dict[str, Callable[[], Any]] = {
    "byte-level": tiny_tokenizer,
    "sentencepiece": sentencepiece,
}


@pytest.fixture(scope="module", params=list(TOKENIZERS))
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return TOKENIZERS[request.param]()


@pytest.fixture(scope="module")
def vocabulary(tokenizer: Any) -> Vocabulary:
    # Wider than the tokenizer, as the logits of real models are.
    return Vocabulary(tokenizer, len(tokenizer) + 9, [tokenizer.eos_token_id])


@pytest.fixture(scope="module")
def bytes_only() -> Vocabulary:
    tokenizer = tiny_tokenizer()
    return Vocabulary(tokenizer, len(tokenizer), [tokenizer.eos_token_id])


def walk(
    constraint: CaptionConstraint, width: int, choose: Callable[[list[int]], int], most: int = 10_000
) -> list[int]:
    """The tokens of an answer of which each is chosen among those that the constraint leaves."""
    ids = torch.zeros(1, 3, dtype=torch.long)
    for _ in range(most):
        scores = constraint(ids, torch.zeros(1, width))
        if constraint.ended:
            return ids[0, 3:].tolist()
        allowed = torch.isfinite(scores[0]).nonzero()[:, 0].tolist()
        ids = torch.cat([ids, torch.tensor([[choose(allowed)]])], dim=1)
    raise AssertionError("it does not end")


def check(text: str, edit: bool = False, max_objects: int = 5) -> dict[str, Any]:
    caption: dict[str, Any] = json.loads(text)
    rule = caption_grammar(edit, max_objects)
    Draft202012Validator(rule).validate(caption)
    Draft202012Validator(schema(CAPTION)).validate(caption)
    assert list(caption) == list(rule["properties"])
    text.encode()
    return caption


@pytest.mark.parametrize("budget", [0, 1, 7, 60, 400])
@pytest.mark.parametrize("edit", [False, True])
def test_whatever_is_chosen_is_a_caption_and_ends_in_time(vocabulary: Vocabulary, budget: int, edit: bool) -> None:
    draw = random.Random(budget)
    written = vocabulary.written
    choices: list[Choose] = [
        draw.choice,
        lambda allowed: allowed[0],
        lambda allowed: allowed[-1],
        # The slowest way: no token longer than it must be, and no text ended before it must.
        lambda allowed: min(allowed, key=lambda token: (b'"' in written[token], len(written[token]))),
        lambda allowed: max(allowed, key=lambda token: len(written[token])),
        # What goes on and on: commas, quotes, backslashes and opened brackets wherever they may be.
        lambda allowed: max(allowed, key=lambda token: sum(written[token].count(mark) for mark in b',[{"\\')),
    ]
    for choose in choices:
        constraint = CaptionConstraint(vocabulary, budget, edit=edit)
        tokens = walk(constraint, vocabulary.width, choose)
        assert len(tokens) == constraint.tokens <= constraint.most_tokens
        assert b"".join(written[token] for token in tokens).decode() == constraint.text
        assert constraint.closing == (len(tokens) > budget)
        check(constraint.text, edit)


def test_the_text_is_what_the_tokenizer_reads_of_the_tokens(vocabulary: Vocabulary, tokenizer: Any) -> None:
    constraint = CaptionConstraint(vocabulary, 120)
    tokens = walk(constraint, vocabulary.width, random.Random(1).choice)
    assert tokenizer.decode(tokens, clean_up_tokenization_spaces=False) == constraint.text


def test_only_after_the_last_bracket_may_the_answer_end(vocabulary: Vocabulary, tokenizer: Any) -> None:
    constraint = CaptionConstraint(vocabulary, 30)
    special = {*tokenizer.all_special_ids, *range(len(tokenizer), vocabulary.width)}
    seen: list[bool] = []

    def choose(allowed: list[int]) -> int:
        seen.append(bool(special & set(allowed)))
        return random.Random(len(seen)).choice(allowed)

    tokens = walk(constraint, vocabulary.width, choose)
    assert not any(seen)
    ids = torch.tensor([[0, 0, 0, *tokens]])
    last = constraint(ids, torch.zeros(1, vocabulary.width))
    assert torch.isfinite(last[0]).nonzero()[:, 0].tolist() == vocabulary.ends
    text = constraint.text
    constraint.take(torch.cat([ids, torch.tensor([[vocabulary.ends[0]] * 2])], dim=1))
    assert constraint.text == text


def test_a_text_that_never_ends_is_ended_by_its_length(bytes_only: Vocabulary) -> None:
    draw = random.Random(5)

    def stubborn(allowed: list[int]) -> int:
        going_on = [token for token in allowed if b'"' not in bytes_only.written[token]]
        return max(draw.sample(going_on or allowed, min(40, len(going_on or allowed))), key=size)

    def size(token: int) -> int:
        return len(bytes_only.written[token])

    constraint = CaptionConstraint(bytes_only, 100_000, max_objects=1)
    walk(constraint, bytes_only.width, stubborn, most=40_000)
    caption = check(constraint.text, max_objects=1)
    assert not constraint.closing
    assert len(caption["short_description"]) == 1600
    assert len(caption["lighting"]["shadows"]) == 240


def test_a_text_gets_a_few_last_words(bytes_only: Vocabulary) -> None:
    z = bytes_only.token_of[b"z"]
    for last_words in (1, 3, 8):
        constraint = CaptionConstraint(bytes_only, 0, last_words=last_words)
        walk(constraint, bytes_only.width, lambda allowed: z if z in allowed else allowed[0])
        caption = check(constraint.text)
        assert caption["objects"] == caption["text_render"] == []
        assert caption["lighting"] == dict.fromkeys(("conditions", "direction", "shadows"), "z" * last_words)
        assert caption["artistic_style"] == "z" * last_words


def test_scores_that_are_allowed_stay_as_they_are(bytes_only: Vocabulary) -> None:
    scores = torch.randn(1, bytes_only.width + 5, generator=torch.Generator().manual_seed(0))
    kept = CaptionConstraint(bytes_only, 9)(torch.zeros(1, 4, dtype=torch.long), scores)
    allowed = torch.isfinite(kept)
    assert kept.shape == scores.shape
    assert allowed.any()
    assert not allowed[0, -5:].any()
    assert torch.equal(kept[allowed], scores[allowed])


def test_numbers_that_are_none_do_not_spoil_the_others(bytes_only: Vocabulary) -> None:
    scores = torch.full((1, bytes_only.width), float("nan"), dtype=torch.float16)
    scores[0, bytes_only.token_of[b"{"]] = 1.0
    scores[0, bytes_only.token_of[b'{"']] = float("inf")
    kept = CaptionConstraint(bytes_only, 9)(torch.zeros(1, 4, dtype=torch.long), scores)
    assert not torch.isnan(torch.softmax(kept.float(), dim=-1)).any()
    with pytest.raises(ModelError, match=r"no usable numbers(.|\n)*NaN"):
        CaptionConstraint(bytes_only, 9)(torch.zeros(1, 4, dtype=torch.long), torch.full_like(scores, float("nan")))


def test_one_answer_at_a_time_and_by_its_own_rules(bytes_only: Vocabulary) -> None:
    constraint = CaptionConstraint(bytes_only, 9)
    with pytest.raises(StudioFlowError, match="one answer at a time"):
        constraint(torch.zeros(2, 4, dtype=torch.long), torch.zeros(2, bytes_only.width))
    constraint.take(torch.zeros(1, 4, dtype=torch.long))
    with pytest.raises(StudioFlowError, match=r"token 1 of the answer: a token that the grammar does not allow"):
        constraint.take(torch.tensor([[0, 0, 0, 0, bytes_only.token_of[b"}"]]]))


def test_the_grammar_is_the_captions_schema_narrowed() -> None:
    for edit in (False, True):
        rule = caption_grammar(edit, 3)
        assert list(rule["properties"]) == [*KEY_ORDER, *(["edit_instruction"] if edit else [])]
        assert rule["properties"]["objects"]["maxItems"] == 3
        for part in objects(rule):
            keys = list(part["properties"])
            # An answer can only be closed without a choice where no optional key comes before a required one.
            assert keys[: len(part["required"])] == part["required"]
            assert part["additionalProperties"] is False
    for wrong in (0, 51):
        with pytest.raises(StudioFlowError, match="max_objects"):
            caption_grammar(max_objects=wrong)


def objects(rule: dict[str, Any]) -> list[dict[str, Any]]:
    inner = [*rule.get("properties", {}).values(), *([rule["items"]] if "items" in rule else [])]
    return ([rule] if rule["type"] == "object" else []) + [part for each in inner for part in objects(each)]


def test_a_tokenizer_that_cannot_write_json_is_told() -> None:
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    letters = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate("abc{}")}, merges=[]))
    letters.decoder = decoders.ByteLevel()
    poor = PreTrainedTokenizerFast(tokenizer_object=letters, eos_token=END)
    with pytest.raises(ModelError, match=r"cannot be held to a caption(.|\n)*no token for d alone"):
        Vocabulary(poor, len(poor), [poor.eos_token_id])
    # As T5's: whole pieces without bytes.
    poor.backend_tokenizer.decoder = decoders.Metaspace()
    with pytest.raises(ModelError, match="a tokenizer that llguidance reads"):
        Vocabulary(poor, len(poor), [poor.eos_token_id])
    good = tiny_tokenizer()
    with pytest.raises(ModelError, match="no token that ends an answer"):
        Vocabulary(good, len(good), [])
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        Vocabulary(object(), 10, [1])


def test_without_llguidance_the_error_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    good = tiny_tokenizer()
    with pytest.raises(ModelError) as caught:
        Vocabulary(good, len(good), [2])
    assert "need llguidance, which is not installed" in str(caught.value)
    assert f'"{sys.executable}" -m pip install llguidance' in str(caught.value)
