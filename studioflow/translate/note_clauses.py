"""A client's note in clauses, and the change that each clause is, by note_words.json."""

from __future__ import annotations

import functools
import re
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from ..resources import table
from .adjust import Amount
from .scan import Token, is_break, tokens_of

WORDS = "translate/note_words.json"


class Clause(NamedTuple):
    """A run of words of the note, and what was found in it: a change by its key, or that something is to stay."""

    tokens: tuple[Token, ...]
    change: str = ""
    amount: Amount = Amount()
    keeps: bool = False

    def text(self, note: str) -> str:
        """The words as they stand in the note."""
        return note[self.tokens[0].start : self.tokens[-1].end]


def clauses_of(note: str) -> Iterator[Clause]:
    """The clauses of a note, each with the change that it is, if it is one."""
    rules = table(WORDS)
    before: Clause | None = None
    for run, joined in _runs(note, set(rules["joins"])):
        clause = read_clause(run)
        also_kept = before is not None and before.keeps and joined in rules["carries"]
        if also_kept and not clause.change and run[0].word not in rules["orders"]:
            clause = clause._replace(keeps=True)
        yield clause
        before = clause


def _runs(note: str, joins: set[str]) -> Iterator[tuple[tuple[Token, ...], str]]:
    """The runs of words between marks and joining words, each with what it is joined to the one before with."""
    run: list[Token] = []
    joined = ""
    for token in tokens_of(note):
        # 1/2 stop, f/8
        fraction = token.word == "/" and run and (run[-1].kind == "number" or run[-1].word in ("f", "t"))
        if token.word not in joins and (fraction or not is_break(token)):
            run.append(token)
            continue
        if run:
            yield tuple(run), joined
        run, joined = [], token.word
    if run:
        yield tuple(run), joined


def read_clause(tokens: tuple[Token, ...]) -> Clause:
    """The words as a clause: a change where they are one, and nothing is left of them."""
    rules = table(WORDS)
    words = [token.word for token in tokens]
    if _begins_with(words, rules["keeps"]):
        return Clause(tokens, keeps=True)
    for left, amount in (_without_amount(words), (words, Amount())):
        plain = [word for word in left if word not in _fillers()]
        if change := _change_of(plain) or _change_of([word for word in plain if word != "too"]):
            return Clause(tokens, change, amount)
    return Clause(tokens)


def _change_of(words: Sequence[str]) -> str:
    """The change whose words these are, in any order; the one of the longest phrase."""
    given = set(words)
    fitting = [(len(needed), key) for needed, about, key in _phrases() if needed <= given <= needed | about]
    # Of equally long ones the first in the table.
    return max(fitting, key=lambda found: found[0])[1] if fitting else ""


@functools.cache
def _phrases() -> list[tuple[frozenset[str], frozenset[str], str]]:
    """The words that each phrase of a change needs, those that may stand with them, and the change."""
    return [
        (needed, frozenset(row["about"]), key)
        for key, row in table(WORDS)["changes"].items()
        for phrase in row["words"]
        if (needed := frozenset(phrase.split()) - _fillers())
    ]


def _without_amount(words: list[str]) -> tuple[list[str], Amount]:
    """The words without those that say how much, and that."""
    rules = table(WORDS)
    units = {name: unit for unit, names in rules["units"].items() for name in names}
    for at, word in enumerate(words):
        if word not in units or at == 0:
            continue
        begin, value = _number_before(words, at, rules["numbers"])
        if value is not None:
            unit, value = ("m", value / 100.0) if units[word] == "cm" else (units[word], value)
            return words[:begin] + words[at + 1 :], Amount(1.0, value, unit)
    rows = [(phrase.split(), row["times"]) for row in rules["amounts"] for phrase in row["words"]]
    for phrase, times in sorted(rows, key=lambda row: -len(row[0])):
        for at in range(len(words) - len(phrase) + 1):
            if words[at : at + len(phrase)] == phrase and len(words) > len(phrase):
                return words[:at] + words[at + len(phrase) :], Amount(times)
    return words, Amount()


def _number_before(words: list[str], at: int, numbers: dict[str, float]) -> tuple[int, float | None]:
    """Where the number before a unit begins, and the number."""
    for length in (4, 3, 2, 1):
        if at >= length and (value := numbers.get(" ".join(words[at - length : at]))) is not None:
            return at - length, value
    fraction = words[at - 3 : at]
    if len(fraction) == 3 and fraction[1] == "/" and fraction[0].isdecimal() and fraction[2].isdecimal():
        return at - 3, int(fraction[0]) / max(int(fraction[2]), 1)
    digits = words[at - 1].replace(",", ".")
    if re.fullmatch(r"\d{1,6}(?:\.\d{1,4})?", digits):
        return at - 1, float(digits)
    return at, None


@functools.cache
def _fillers() -> frozenset[str]:
    return frozenset(table(WORDS)["fillers"])


def _begins_with(words: list[str], phrases: Sequence[str]) -> int:
    """How many of the first words are one of the phrases; 0 where none is."""
    return next((len(parts) for parts in map(str.split, phrases) if words[: len(parts)] == parts), 0)


def says_something(tokens: Sequence[Token], beside: Container[str] = ()) -> bool:
    """Whether there is more than marks, fillers and the words of ``beside``."""
    return any(
        token.kind in ("word", "number", "hex") and token.word not in _fillers() and token.word not in beside
        for token in tokens
    )


def removed_things(tokens: Sequence[Token]) -> tuple[str, ...]:
    """The things that a clause asks to be absent: "no people or logos" names two. Empty where it is not only that."""
    rules = table(WORDS)
    words = [token.word for token in tokens]
    asked = _begins_with(words, rules["removals"])
    while not asked and words and words[0] in _fillers():
        words.pop(0)
        asked = _begins_with(words, rules["removals"])
    if not asked or any(token.kind != "word" for token in tokens):
        return ()
    things = []
    for named in " ".join(words[asked:]).split(" or "):
        thing = named.split()
        while thing and (thing[0] in _fillers() or thing[0] in ("any", "all")):
            thing.pop(0)
        while thing and thing[-1] in _fillers():
            thing.pop()
        doubtful = {*rules["doubts"], *rules["no_things"], *_fillers()}
        if not 1 <= len(thing) <= 3 or not doubtful.isdisjoint(thing) or len(thing[0]) < 3:
            return ()
        things.append(" ".join(thing))
    return tuple(things)


def gone(tokens: Sequence[Token]) -> tuple[int, int]:
    """From which to which token (exclusive) a clause names what is to go for something else; the same where it does
    not."""
    rules = table(WORDS)
    words = [token.word for token in tokens]
    for at in range(len(words) - 1):
        if words[at : at + 2] in (["instead", "of"], ["rather", "than"]):
            # In front, it ends where the clause says what to do.
            orders = [index for index in range(at + 2, len(words)) if words[index] in rules["orders"]]
            return at, orders[0] if orders and at == 0 else len(words)
    if "from" in words and "to" in words[words.index("from") :] and not set(words).isdisjoint(rules["orders"]):
        return words.index("from"), words.index("to", words.index("from"))
    swap = next((at for at, word in enumerate(words) if word in rules["swaps"]), None)
    if swap is None:
        return 0, 0
    end = next((at for at in range(swap + 1, len(words)) if words[at] in rules["swaps_for"]), swap + 1)
    return swap + 1, end
