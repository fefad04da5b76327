"""How a count of values is told."""

from __future__ import annotations


def share(count: int, of: int) -> str:
    """e.g. "14.3 % of the values", or "1 of 3000 values" where that is hardly any."""
    percent = 100 * count / of
    return f"{percent:.1f} % of the values" if percent >= 0.05 else f"{count} of {of} values"
