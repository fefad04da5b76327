"""A helper for tests of words over a number's whole range."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby


def sweep(words: Callable[[float], str], low: float, high: float, steps: int = 2000, name: str = "") -> list[str]:
    """Ask for words in even steps from low to high and return the distinct phrases in order.

    Fails where a phrase is empty, and where a phrase comes back after another one took its
    place (bands must lie side by side, each in one piece). Prints the count; `pytest -s` shows it.
    """
    values = [low + (high - low) * step / steps for step in range(steps + 1)]
    said = [(value, words(value)) for value in values]
    empty = [value for value, phrase in said if not phrase.strip()]
    assert not empty, f"{name or 'sweep'}: no words at {empty[:5]}"
    phrases = [phrase for phrase, _ in groupby(phrase for _, phrase in said)]
    again = {phrase for phrase in phrases if phrases.count(phrase) > 1}
    assert not again, f"{name or 'sweep'}: phrases that come back: {sorted(again)} in {phrases}"
    print(f"{name or 'sweep'} {low:g} to {high:g}: {len(phrases)} phrases")
    return phrases
