"""Documents reduced to what they say: two that mean the same are the same data and the same text."""

from __future__ import annotations

import json
from typing import Any

_EXACT = 2**53
"""Below it a float that is a whole number is that whole number, as in ``studioflow.manifest.canonical``."""


def plain(value: Any) -> Any:
    """A copy in which 85.0 is 85 and -0.0 is 0; big whole numbers stay numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def text_of(value: Any) -> str:
    """One text for one plain value; tells true from 1, as Python's == does not."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
