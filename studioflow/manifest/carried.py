"""What a picture file carries in its metadata: a manifest, or at least the FIBO caption it was made from.

Where a file carries them:

PNG     a text chunk for each key: tEXt for ASCII, else iTXt
EXR     a string attribute in UTF-8 for each key
TIFF    the XMP packet (tag 700), a simple property for each key
WebP    the XMP chunk, the same; beside it ComfyUI's own entries in the EXIF chunk, as ComfyUI writes them
AVIF    (tag Model is ``prompt:{…}``, Make ``workflow:{…}``), so that its canvas opens the file
JPEG    the XMP segment, the same; what does not fit into its 64 KB, in segments of extended XMP
XMP     simple properties of rdf:Description, as elements, named ``studioflow:manifest`` and ``studioflow:caption``
        with the prefix bound to ``urn:studioflow:xmp:1.0/``. XMP because editors that write a file anew carry over
        XMP properties that they do not know, and drop TIFF and EXIF tags that they do not know. ImageDescription
        stays free for people's words

Reading takes all of these in every file that has room for them, and also what other programs leave behind: any
text that is a manifest or a caption, and a caption in the graph that ComfyUI saves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ManifestError
from .identity import canonical
from .metadata import CUT_OFF, JSON_START, Entry, entries_of, shown, unreadable
from .shapes import CAPTION_KEY, MANIFEST_KEY, is_caption

_MOST_LISTED = 12


@dataclass(frozen=True)
class Carried:
    """A document found in a picture: its JSON text, where in the file it stood, whether it is a bare FIBO caption."""

    text: str
    where: str
    is_caption: bool


def picture_kind(head: bytes) -> str | None:
    """PNG, EXR, TIFF, WebP, AVIF or JPEG by a file's first bytes (64 are enough), None for anything else."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    # The brand may stand behind that of the container, among the compatible ones.
    if head[4:8] == b"ftyp" and any(brand in (b"avif", b"avis") for brand in _brands(head)):
        return "AVIF"
    starts = {
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"\x76\x2f\x31\x01": "EXR",
        b"II*\0": "TIFF",
        b"MM\0*": "TIFF",
        b"II+\0": "TIFF",
        b"MM\0+": "TIFF",
        b"\xff\xd8\xff": "JPEG",
    }
    return next((kind for start, kind in starts.items() if head.startswith(start)), None)


def _brands(head: bytes) -> list[bytes]:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return [head[at : at + 4] for at in range(8, size, 4)]


def carried_text(path: Path, kind: str) -> Carried:
    """The best document in a picture of that kind: our manifest, our caption, any other manifest or caption,
    the one caption in ComfyUI's graph.

    Text under our own keys is returned as it stands, for the parser to say what is wrong with it. In a TIFF that
    lacks tags only our manifest is taken, because a better document may be what is missing; in a PNG with any
    document before its pixels those behind them are not looked at. Raises ManifestError where the file
    cannot be read, carries nothing, or several that differ.
    """
    entries = entries_of(path, kind)
    best = _best(path, entries)
    if not best and kind == "PNG":
        entries = entries_of(path, kind, behind_pixels=True)
        best = _best(path, entries)
    if not best:
        raise _nothing(path, kind, entries)
    return _only(path, best)


def _best(path: Path, entries: list[Entry]) -> list[Carried]:
    """The documents of the best sort that is there; empty where there is none of any."""
    for key in (MANIFEST_KEY, CAPTION_KEY):
        if key == CAPTION_KEY and any(entry.flaw == CUT_OFF for entry in entries):
            raise unreadable(path, CUT_OFF)
        ours = [entry for entry in entries if entry.key == key]
        if whole := [entry for entry in ours if entry.text.strip()]:
            return [Carried(entry.text, entry.where, key == CAPTION_KEY) for entry in whole]
        if flawed := next((entry for entry in ours if entry.flaw), None):
            raise unreadable(path, f"{flawed.where}: {flawed.flaw}")
    found: dict[str, list[Carried]] = {"manifest": [], "caption": [], "graph": []}
    for entry in entries:
        document = _document(entry.text) if not entry.key.startswith("studioflow:") else None
        if document is None:
            continue
        if graph := _nodes(document):
            found["graph"] += _captions_in(graph, entry.where)
        elif "studioflow" in document:
            found["manifest"].append(Carried(entry.text, entry.where, is_caption=False))
        elif is_caption(document):
            found["caption"].append(Carried(entry.text, entry.where, is_caption=True))
    return next((candidates for candidates in found.values() if candidates), [])


def _only(path: Path, candidates: list[Carried]) -> Carried:
    """The first, where all say the same."""
    different = {_same_for_same(candidate.text): candidate for candidate in reversed(candidates)}
    if len(different) == 1:
        return candidates[0]
    what = "FIBO captions" if candidates[0].is_caption else "manifests"
    raise ManifestError(
        f"the picture carries several {what} that differ",
        where=str(path),
        found=_listed([candidate.where for candidate in candidates]),
        allowed="one, or several that say the same",
        fix="save the one you mean as a JSON file and open that",
    )


def _same_for_same(text: str) -> str:
    document = _document(text)
    try:
        return text if document is None else canonical(document)
    except RecursionError:
        return text


def _document(text: str) -> dict[str, Any] | None:
    """The JSON object in a text, also inside a JSON string; None where there is none."""
    if not JSON_START.match(text):
        return None
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _nodes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The nodes of a ComfyUI graph in API form; empty where the document is none."""
    return {
        node_id: node
        for node_id, node in document.items()
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
    }


def _captions_in(graph: dict[str, dict[str, Any]], where: str) -> list[Carried]:
    """The captions among the texts of a graph; negative ones only where there is no other."""
    feeds: dict[Any, set[str]] = {}
    for node in graph.values():
        for name, value in node["inputs"].items():
            if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
                feeds.setdefault(value[0], set()).add(name)
    positive, negative = [], []
    for node_id, node in graph.items():
        for name, value in node["inputs"].items():
            document = _document(value) if isinstance(value, str) else None
            if document is None or not is_caption(document):
                continue
            spot = f"node {shown(node_id)} ({shown(node['class_type'])}), input {shown(name)}, in {where}"
            # A text node is negative by what it is wired to.
            names = {name} if name.startswith("negative") else feeds.get(node_id, {name})
            is_negative = all(one.startswith("negative") for one in names)
            (negative if is_negative else positive).append(Carried(value, spot, is_caption=True))
    return positive or negative


def _nothing(path: Path, kind: str, entries: list[Entry]) -> ManifestError:
    unread = [f"{entry.where} ({entry.flaw})" if entry.flaw else entry.where for entry in entries]
    return ManifestError(
        "the picture carries no manifest and no FIBO caption",
        where=str(path),
        found=_listed(unread) if unread else f"a {kind} without text in its metadata",
        allowed=f'a manifest under "{MANIFEST_KEY}", a FIBO caption under "{CAPTION_KEY}" or any other name, '
        "or ComfyUI's prompt with one caption in it",
        fix="open the .manifest.json that was delivered with it, or the file as it was first saved: web sites, chat "
        "programs and ComfyUI with --disable-metadata leave the metadata out",
    )


def _listed(items: list[str]) -> str:
    more = len(items) - _MOST_LISTED
    return "; ".join(items[:_MOST_LISTED]) + (f"; {more} more" if more > 0 else "")
