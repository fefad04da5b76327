"""Makes a language model write nothing but a caption: token by token, only what the caption's grammar allows next.

llguidance says which tokens those are. Of four libraries compared with this grammar it was the only one whose answers
were always JSON: xgrammar 0.2.9 lets raw control characters into texts of bounded length, outlines-core 0.2.14 takes
12 s to compile for 259 tokens and over 90 s for 151,000, lm-format-enforcer 0.11.3 does not import with transformers
5. It also needs no other package. With 151,000 tokens it takes 2.5 s once for a tokenizer and 0.9 ms a token.
"""

from __future__ import annotations

import json
import string
import sys
from typing import TYPE_CHECKING, Any

from ..errors import ModelError, StudioFlowError
from .caption_grammar import caption_grammar

if TYPE_CHECKING:
    import numpy as np
    import torch

LAST_WORDS = 8
"""Tokens that a text may still get once the answer has to end, so that a short caption comes of it and no rubble."""

_STRUCTURE = b'"{}[],:'
_OPTIONS = {
    "whitespace_flexible": False,
    # The spacing of json.dumps, which models have seen most.
    "item_separator": ", ",
    "key_separator": ": ",
    # A caption has no use for control characters, which all other escapes would let in.
    "json_allowed_escapes": '"\\',
}
_UNFINISHED = 8
"""Tokens that can pass before a text can be ended: the rest of a character or of an escape."""


class Vocabulary:
    """What each token of a tokenizer writes, ready for llguidance. Takes seconds to make: keep it with its model.

    ``width`` is the number of logits that the model gives, which is often more than the tokenizer has tokens.
    ``ends`` are the tokens that end an answer. Raises ModelError for a tokenizer that cannot write JSON.
    """

    def __init__(self, tokenizer: Any, width: int, ends: list[int]) -> None:
        import numpy as np

        llguidance_module()
        if not getattr(tokenizer, "is_fast", False):
            raise _unfit(tokenizer, "a tokenizer without a tokenizer.json", "a model with tokenizer.json")
        if not ends:
            raise _unfit(tokenizer, "no token that ends an answer", "a tokenizer or generation_config.json with one")
        from llguidance.hf import from_tokenizer

        self.width = width
        self.ends = sorted(ends)
        size = max(width, len(tokenizer))
        try:
            self.tokens = from_tokenizer(tokenizer, n_vocab=size, eos_token=self.ends)
        except (ValueError, RuntimeError) as error:
            raise _unfit(tokenizer, str(error).splitlines()[0][:200], "a tokenizer that llguidance reads") from error
        special = self.tokens.is_special_token
        self.written = [b"" if special(token) else self.tokens.decode_bytes([token]) for token in range(width)]
        self.token_of = {written: token for token, written in enumerate(self.written)}
        self.plain = np.array([_is_plain(written) for written in self.written])
        self.closers = {mark: np.array([written == mark for written in self.written]) for mark in (b'"', b"}", b"]")}
        needed = (*string.ascii_lowercase, *string.digits, "_", " ", *_STRUCTURE.decode())
        lacking = [letter for letter in needed if letter.encode() not in self.token_of]
        if lacking:
            raise _unfit(tokenizer, f"no token for {lacking[0]} alone", "a token for each letter and mark of JSON")

    def matcher(self, grammar: dict[str, Any]) -> Any:
        """An llguidance matcher at the start of a document of the grammar, a JSON Schema."""
        matchers = llguidance_module().LLMatcher
        matcher = matchers(self.tokens, matchers.grammar_from_json_schema(grammar, overrides=_OPTIONS), log_level=0)
        if matcher.is_error():
            raise StudioFlowError("the grammar cannot be used", found=matcher.get_error()[:300])
        return matcher


class CaptionConstraint:
    """A logits processor of transformers: leaves a model only the tokens with which its answer stays a caption.

    For one answer, a batch of 1, by ``generate`` with greedy choice or sampling. After ``budget`` tokens the answer
    is being closed: each text gets at most ``LAST_WORDS`` more tokens, nothing optional is begun, and ``"``, ``}``
    and ``]`` are taken wherever they can be. So it always ends, after ``most_tokens`` at the latest. Tokens with a
    meaning of their own come only at its end.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        budget: int,
        *,
        edit: bool = False,
        max_objects: int = 5,
        last_words: int = LAST_WORDS,
    ) -> None:
        grammar = caption_grammar(edit, max_objects)
        self._vocabulary = vocabulary
        self._matcher = vocabulary.matcher(grammar)
        self._last_words = last_words
        self._prompt: int | None = None
        self._written = bytearray()
        self._tokens = 0
        self._text = _Text()
        self._last = 0
        self.budget = budget
        self.most_tokens = budget + _closing(grammar, last_words) + _begun(grammar, last_words) + 1

    @property
    def text(self) -> str:
        """The answer so far; a character that is not whole yet is left out."""
        return self._written.decode("utf-8", "ignore")

    @property
    def tokens(self) -> int:
        """How many tokens it took."""
        return self._tokens

    @property
    def ended(self) -> bool:
        """Whether the answer is a whole caption."""
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    @property
    def closing(self) -> bool:
        """Whether the budget was used up before the answer ended by itself."""
        return self._tokens > self.budget

    def take(self, input_ids: torch.Tensor) -> None:
        """Reads the tokens [1, n] that came since last time; the first time, they are the prompt."""
        if len(input_ids) != 1:
            raise StudioFlowError("one answer at a time", where="batch", found=str(len(input_ids)), allowed="1")
        if self._prompt is None:
            self._prompt = input_ids.shape[1]
        for token in input_ids[0, self._prompt + self._tokens :].tolist():
            self._take(token)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores [1, width] with minus infinity for every token that may not come next."""
        import torch

        self.take(input_ids)
        allowed = torch.from_numpy(self._allowed()).to(scores.device)
        if scores.shape[-1] > len(allowed):
            allowed = torch.nn.functional.pad(allowed, (0, scores.shape[-1] - len(allowed)))
        if not (torch.isfinite(scores) & allowed).any():
            raise ModelError(
                "the model gives no usable numbers",
                found="NaN or infinity for every token",
                fix="load it in bfloat16 or float32, or download it again",
            )
        # Numbers beyond the format would win every choice, or spoil the sampling of all others.
        limit = torch.finfo(scores.dtype).max / 4
        usable = torch.nan_to_num(scores, nan=-limit, posinf=limit, neginf=-limit)
        return usable.masked_fill(~allowed, float("-inf"))

    def _take(self, token: int) -> None:
        if self.ended:
            return
        if not self._matcher.consume_token(token):
            raise StudioFlowError(
                "a token that the grammar does not allow was chosen",
                where=f"token {self._tokens + 1} of the answer",
                found=str(self._vocabulary.written[token]),
                fix="use the constraint in every step of one generate",
            )
        self._tokens += 1
        written = self._vocabulary.written[token]
        self._written += written
        inside = self._text.inside
        self._text.read(written)
        self._last = self._last + 1 if self.closing and inside and self._text.inside else 0

    def _allowed(self) -> np.ndarray:
        """Which tokens may come next, as booleans [width]."""
        import numpy as np

        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            raise StudioFlowError("the grammar came to its limits", found=self._matcher.get_error()[:300])
        allowed = np.unpackbits(bits, bitorder="little")[: self._vocabulary.width].astype(bool)
        if self.ended or self._tokens < self.budget:
            return allowed
        return self._closed(allowed)

    def _closed(self, allowed: np.ndarray) -> np.ndarray:
        """Of the tokens that may come next those that bring the end nearer."""
        vocabulary = self._vocabulary
        # Keys and the marks between them leave no choice: the fewest tokens for them.
        forced = self._matcher.compute_ff_bytes()
        for end in range(len(forced), 0, -1):
            token = vocabulary.token_of.get(forced[:end])
            if token is not None and allowed[token]:
                return _only(token, len(allowed))
        marks = (b"}", b"]") if not self._text.inside else (b'"',) if self._last >= self._last_words else ()
        for mark in marks:
            ending = allowed & vocabulary.closers[mark]
            if ending.any():
                return ending
        plain = allowed & vocabulary.plain
        # In the middle of a character or an escape only its rest is allowed, which is not plain.
        return plain if plain.any() else allowed


class _Text:
    """Whether a JSON document, read byte by byte, is inside a text."""

    def __init__(self) -> None:
        self.inside = False
        self._escaped = False

    def read(self, written: bytes) -> None:
        for byte in written:
            if self._escaped:
                self._escaped = False
            elif self.inside and byte == 0x5C:
                self._escaped = True
            elif byte == 0x22:
                self.inside = not self.inside


def _is_plain(written: bytes) -> bool:
    """A mark of JSON alone, or whole characters without any mark: what cannot end one thing and begin the next."""
    if len(written) == 1 and written in _STRUCTURE:
        return True
    try:
        text = written.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return bool(text) and not set(text) & set('"{}[],:\\')


def _only(token: int, width: int) -> np.ndarray:
    import numpy as np

    return np.arange(width) == token


def _closing(rule: dict[str, Any], last_words: int) -> int:
    """The most tokens that a closing answer takes for a value of which nothing is written: each writes a byte."""
    match rule["type"]:
        case "object":
            inner = (
                len(json.dumps(key)) + 4 + _closing(rule["properties"][key], last_words) for key in rule["required"]
            )
            return 2 + sum(inner)
        case "string":
            return 2 + last_words + _UNFINISHED
        case "array":
            return 2
    return len(str(rule["maximum"]))


def _begun(rule: dict[str, Any], last_words: int) -> int:
    """The most tokens that it takes beyond that for what was begun and need not have been: an entry, a field."""
    if rule["type"] == "array":
        return 2 + _closing(rule["items"], last_words) + _begun(rule["items"], last_words)
    optional = (
        len(json.dumps(key)) + 4 + _closing(inner, last_words)
        for key, inner in rule.get("properties", {}).items()
        if key not in rule["required"]
    )
    inside = (_begun(inner, last_words) for inner in rule.get("properties", {}).values())
    return max([0, *optional]) + max([0, *inside])


def llguidance_module() -> Any:
    """llguidance; ModelError with the command that installs it where it is not there."""
    try:
        import llguidance
    except ImportError as error:
        raise ModelError(
            "local language models need llguidance, which is not installed",
            found=str(error),
            fix=f'run: "{sys.executable}" -m pip install llguidance',
        ) from error
    return llguidance


def _unfit(tokenizer: Any, found: str, allowed: str) -> ModelError:
    return ModelError(
        "this model's tokenizer cannot be held to a caption",
        where=str(getattr(tokenizer, "name_or_path", "")) or type(tokenizer).__name__,
        found=found,
        allowed=allowed,
        fix="choose another model",
    )
