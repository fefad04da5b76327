"""What makes two manifests the same shot: a canonical form and a content id."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Nothing here changes the picture: two shots that differ only in these are the same shot.
_NOT_CONTENT = ("$schema", "meta")


def canonical(document: Any) -> str:
    """One text for all documents that say the same: keys sorted, no spaces, whole floats written as integers."""
    return json.dumps(_plain(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_id(manifest: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical form without ``meta`` and ``$schema``; the order of keys does not matter."""
    content = {key: value for key, value in manifest.items() if key not in _NOT_CONTENT}
    return hashlib.sha256(canonical(content).encode("utf-8")).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    # 85 and 85.0 are one number in JSON.
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
