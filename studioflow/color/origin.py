"""How the values of a picture came to be: one text that grows with what is done to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_origin(provenance: Mapping[str, Any] | None, sentence: str) -> dict[str, Any]:
    """A copy of the provenance with the sentence behind what it says under ``range`` already.

    What was said stays: an estimate is still one after tone mapping. An empty sentence adds nothing.
    """
    known = dict(provenance or {})
    before = str(known.get("range") or "").strip()
    if before and not before.endswith("."):
        before += "."
    said = " ".join(part for part in (before, sentence) if part)
    return known | ({"range": said} if sentence else {})
