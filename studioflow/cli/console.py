"""What goes to a terminal."""

from __future__ import annotations

DOCUMENT = "a manifest or a FIBO caption (JSON), or a picture that carries one"
"""What the commands open, as their help says it."""


def printable(text: str) -> str:
    """Without control characters: some of the text comes from a server, and a terminal obeys them."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")
