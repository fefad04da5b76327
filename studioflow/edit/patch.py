"""JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386) on manifests."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from typing import Any

from ..caption import WRAPPED
from ..errors import EditError
from ..manifest import parse_value, path_of
from .written import finished, require_bounded

MAX_OPERATIONS = 10_000
MAX_COPIES = 100
"""Each may double the document, which is measured after every one of them."""
_CLASS = re.compile(r" \(<class '\w+'>\)")
"""How the library names Python's types, which mean nothing to a person."""


def patch(
    manifest: dict[str, Any],
    operations: list[Any] | dict[str, Any],
    *,
    last_writer_wins: bool = False,
    source: str = "manifest",
) -> dict[str, Any]:
    """``json_patch`` for a list, ``merge_patch`` for an object."""
    if isinstance(operations, dict):
        return merge_patch(manifest, operations, last_writer_wins=last_writer_wins, source=source)
    return json_patch(manifest, operations, last_writer_wins=last_writer_wins, source=source)


def parse_patch(text: str) -> list[Any] | dict[str, Any]:
    """The patch that a text holds; EditError where it is neither a list nor an object of JSON."""
    try:
        found = parse_value(text, "patch") if text.strip() else json.loads(text)
    except json.JSONDecodeError as error:
        raise EditError(
            f"the patch is not JSON: {error.msg}",
            where=f"patch:{error.lineno}:{error.colno}",
            found=f'"{text[error.pos : error.pos + 20]}"' if text[error.pos :].strip() else "the end of the text",
            allowed="a list of operations, or an object to lay over the manifest",
            fix='write for example {"camera": {"lens": {"aperture": 8}}}',
        ) from error
    if not isinstance(found, (list, dict)):
        raise EditError("this is no patch", where="patch", found=text[:80], allowed="a list or an object of JSON")
    return found


def json_patch(
    manifest: dict[str, Any],
    operations: Sequence[dict[str, Any]],
    *,
    last_writer_wins: bool = False,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest with a list of operations of RFC 6902 applied, all or none.

    With ``last_writer_wins`` a raw caption field gives way where an operation wrote what decides it; without, the
    result is what the RFC says and nothing else. Raises EditError naming the operation that cannot be applied, and
    ManifestError where the result is no valid manifest.
    """
    import jsonpatch
    import jsonpointer

    if not isinstance(operations, list) or len(operations) > MAX_OPERATIONS:
        found = f"{len(operations)} operations" if isinstance(operations, list) else type(operations).__name__
        raise EditError("this is no JSON Patch", found=found, allowed=f"a list of at most {MAX_OPERATIONS} operations")
    require_bounded(operations, "patch")
    document: Any = copy.deepcopy(manifest)
    copies = 0
    for index, operation in enumerate(operations):
        try:
            document = jsonpatch.apply_patch(document, [operation], in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError) as error:
            complaint = _CLASS.sub("", str(error).split("\n")[0])[:200]
            raise EditError(
                f"the operation cannot be applied: {complaint}",
                where=f"operation {index + 1} of the patch",
                found=json.dumps(operation, ensure_ascii=False)[:200],
                allowed='{"op": "add, remove, replace, move, copy or test", "path": "/…", …} on what is there',
                fix="correct the operation, or take it out",
            ) from error
        if operation["op"] == "copy":
            copies += 1
            if copies > MAX_COPIES:
                raise EditError("the patch copies too much", found=f"more than {MAX_COPIES} copies", fix="add values")
            require_bounded(document, source)
    if not isinstance(document, dict):
        raise EditError("the patch leaves no manifest", found=type(document).__name__, allowed="an object")
    paths = [path_of(step["path"]) for step in operations if step["op"] not in ("remove", "test") and step["path"]]
    return _settled(document, paths, last_writer_wins, source)


def merge_patch(
    manifest: dict[str, Any],
    patch: dict[str, Any],
    *,
    last_writer_wins: bool = False,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest with a merge patch of RFC 7386: objects are merged, ``null`` removes, all else replaces.

    ``last_writer_wins`` and errors as in ``json_patch``.
    """
    import json_merge_patch

    if not isinstance(patch, dict):
        raise EditError("this is no merge patch", found=type(patch).__name__, allowed="an object")
    require_bounded(patch, "patch")
    document = json_merge_patch.merge(copy.deepcopy(manifest), copy.deepcopy(patch))
    return _settled(document, _leaf_paths(patch), last_writer_wins, source)


def _settled(document: dict[str, Any], paths: list[Any], last_writer_wins: bool, source: str) -> dict[str, Any]:
    if not last_writer_wins:
        return finished(document, (), source)
    # What the patch itself writes into the raw caption it means to stand there.
    return finished(document, [path for path in paths if path[:1] != ("caption",)], source, keep=_caption_fields(paths))


def _caption_fields(paths: list[Any]) -> set[str]:
    """The caption fields that paths into the raw caption name, wherever in it they stand."""
    inside = [path[2:] if path[1:2] == (WRAPPED,) else path[1:] for path in paths if path[:1] == ("caption",)]
    return {field for path in inside if path for field in (str(path[0]), ".".join(map(str, path[:2])))}


def _leaf_paths(patch: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(patch, dict):
        return [] if patch is None else [path]
    return [leaf for key, value in patch.items() for leaf in _leaf_paths(value, (*path, key))]
