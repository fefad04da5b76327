"""The difference of two documents as JSON Patch (RFC 6902), written by the library jsonpatch."""

from __future__ import annotations

from typing import Any

from ...manifest import pointer
from .plain import text_of

_MAX_DIFFERENCES = 2000
"""jsonpatch 1.48 takes quadratic time for items that fall out of a list: 1.4 s for 2500 of 5000, 5 s for 5000."""

Patch = list[dict[str, Any]]


def patch_between(before: dict[str, Any], after: dict[str, Any]) -> Patch:
    """Operations that make ``before`` into exactly ``after``; both plain (``plain.plain``)."""
    import jsonpatch
    import jsonpointer

    if _differences(before, after) > _MAX_DIFFERENCES:
        return _by_section(before, after)
    try:
        patch: Patch = jsonpatch.make_patch(before, after).patch
        exact = text_of(jsonpatch.apply_patch(before, patch)) == text_of(after)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, ValueError, LookupError):
        exact = False
    # Whatever the library does: only an exact patch leaves here.
    return patch if exact else _by_section(before, after)


def _by_section(before: dict[str, Any], after: dict[str, Any]) -> Patch:
    """The plainest patch: every section that differs is added, removed or replaced whole."""
    patch: Patch = [{"op": "remove", "path": pointer([key])} for key in before if key not in after]
    for key, value in after.items():
        if key not in before:
            patch.append({"op": "add", "path": pointer([key]), "value": value})
        elif text_of(before[key]) != text_of(value):
            patch.append({"op": "replace", "path": pointer([key]), "value": value})
    return patch


def _differences(before: Any, after: Any) -> int:
    """How many values differ place by place: what the work of making a patch grows with."""
    if isinstance(before, dict) and isinstance(after, dict):
        both = before.keys() & after.keys()
        return len(before.keys() ^ after.keys()) + sum(_differences(before[key], after[key]) for key in both)
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return abs(len(before) - len(after)) + sum(_differences(one, other) for one, other in pairs)
    return int(type(before) is not type(after) or before != after)
