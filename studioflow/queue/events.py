"""What a job tells while it runs, and how the server's websocket frames are read."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .results import JobResult

TEXT_FRAME = 3
"""ComfyUI's binary frame type for progress text; the others are preview pictures."""


@dataclass(frozen=True)
class Started:
    """The job left the queue and runs."""


@dataclass(frozen=True)
class Progress:
    """A node moved: ``done`` of ``total`` nodes are finished and this one stands at ``value`` of ``max``."""

    done: int
    total: int
    node_id: str
    node_class: str
    value: float
    max: float


@dataclass(frozen=True)
class Text:
    """Words that a node shows while it works."""

    node_id: str
    text: str


@dataclass(frozen=True)
class Finished:
    """The job ended well; always the last event."""

    result: JobResult


Event = Started | Progress | Text | Finished


def read_text_frame(frame: str) -> tuple[str, dict[str, Any]] | None:
    """Type and data of a JSON frame, or None where it is not of that form (other packs send frames too)."""
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    kind, data = message.get("type"), message.get("data")
    return (kind, data) if isinstance(kind, str) and isinstance(data, dict) else None


def read_binary_frame(frame: bytes) -> Text | None:
    """The Text in a binary frame; None for preview pictures and for frames of another form."""
    if len(frame) < 8:
        return None
    kind, id_length = struct.unpack_from(">II", frame)
    if kind != TEXT_FRAME or 8 + id_length > len(frame):
        return None
    node_id, text = frame[8 : 8 + id_length], frame[8 + id_length :]
    return Text(node_id.decode("utf-8", "replace"), text.decode("utf-8", "replace"))


class ProgressTracker:
    """Turns ComfyUI's whole-state reports into the single steps between them.

    Because every report holds all nodes, reports that were lost with a dropped connection cost nothing.
    """

    def __init__(self, prompt: Mapping[str, Any]) -> None:
        self._classes = {str(key): str(node.get("class_type", "")) for key, node in prompt.items()}
        self._done: set[str] = set()
        self._last: dict[str, tuple[Any, float, float]] = {}

    def knows(self, node_id: str) -> bool:
        return node_id in self._classes

    def cached(self, node_ids: object) -> None:
        """Count nodes whose results the server still has as done."""
        if isinstance(node_ids, list):
            self._done.update(key for key in node_ids if isinstance(key, str) and key in self._classes)

    def report(self, nodes: object) -> list[Progress]:
        """Take one ``progress_state``; one Progress for each node that moved since the last."""
        moved = []
        for key, state in nodes.items() if isinstance(nodes, dict) else ():
            if not isinstance(state, dict):
                continue
            now = (state.get("state"), _number(state.get("value"), 0.0), _number(state.get("max"), 1.0))
            if self._last.get(key) == now:
                continue
            self._last[key] = now
            if now[0] == "finished" and key in self._classes:
                self._done.add(key)
            # Nodes made while the graph runs (subgraph expansion) count for the node that made them.
            visible = key if key in self._classes else str(state.get("real_node_id", key))
            moved.append((visible, now[1], now[2]))
        return [
            Progress(len(self._done), len(self._classes), key, self._classes.get(key, ""), value, maximum)
            for key, value, maximum in moved
        ]


def _number(value: object, default: float) -> float:
    try:
        return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else default
    except OverflowError:
        return default
