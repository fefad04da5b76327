"""What makes two manifests the same shot: a canonical form and a content id."""

from __future__ import annotations

import hashlib
from typing import Any

# Nothing here changes the picture: two shots that differ only in these are the same shot.
_NOT_CONTENT = ("$schema", "meta")
_MAX_SAFE = 2**53 - 1
"""The largest whole number that every reader of JSON understands exactly (RFC 8785, appendix D)."""


def canonical(document: Any) -> str:
    """One text for all documents that say the same: the JSON Canonicalization Scheme, RFC 8785.

    That scheme knows numbers as doubles only. A whole number beyond 2^53 - 1, such as a 64-bit seed, is written as a
    text of its digits, as RFC 7493 (2.2) recommends for such numbers, so that two seeds never become one.
    """
    import rfc8785

    return rfc8785.dumps(_interoperable(document)).decode("utf-8")


def content_id(manifest: dict[str, Any]) -> str:
    """SHA-256 (hex) of the canonical form without ``meta`` and ``$schema``; the order of keys does not matter."""
    content = {key: value for key, value in manifest.items() if key not in _NOT_CONTENT}
    return hashlib.sha256(canonical(content).encode("utf-8")).hexdigest()


def _interoperable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _interoperable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_interoperable(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MAX_SAFE:
        return str(value)
    return value
