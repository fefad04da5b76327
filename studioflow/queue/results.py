"""What a finished job left behind, read from the server's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import JobFailed, JobInterrupted


@dataclass(frozen=True)
class FileRef:
    """A file on the server: ``type`` is the folder it lies in (output, temp or input)."""

    filename: str
    subfolder: str = ""
    type: str = "output"


@dataclass(frozen=True)
class JobResult:
    """Outputs of a job by node id, as the nodes handed them to ComfyUI's interface."""

    prompt_id: str
    outputs: Mapping[str, Mapping[str, Any]]

    def files(self) -> list[FileRef]:
        """Every file once, in the order of the nodes: ``studioflow_files`` of a node that has them (they
        include what ComfyUI cannot show, such as EXR), else its ``images``."""
        found: dict[FileRef, None] = {}
        for output in self.outputs.values():
            for entry in output.get("studioflow_files") or output.get("images") or ():
                if ref := _file_ref(entry):
                    found[ref] = None
        return list(found)


def read_history(prompt_id: str, entry: Mapping[str, Any], where: str) -> JobResult:
    """The result that a history entry tells of. Raises JobFailed or JobInterrupted where it tells of one."""
    status = entry.get("status")
    status = status if isinstance(status, dict) else {}
    # The messages come first: ComfyUI calls a prompt with a dependency cycle a success and only they know better.
    for message in status.get("messages") or ():
        if isinstance(message, (list, tuple)) and len(message) == 2 and isinstance(message[1], dict):
            if failure := read_failure(message[0], message[1], where):
                raise failure
    if status.get("status_str") == "error":
        raise JobFailed("?", "?", "", "the server says that the job failed, and not why")
    outputs = entry.get("outputs")
    outputs = outputs if isinstance(outputs, dict) else {}
    return JobResult(prompt_id, {key: value for key, value in outputs.items() if isinstance(value, dict)})


def read_failure(kind: object, data: Mapping[str, Any], where: str) -> JobFailed | JobInterrupted | None:
    """The error that an ``execution_error`` or ``execution_interrupted`` message stands for, else None."""
    node_id, node_class = str(data.get("node_id", "?")), str(data.get("node_type", "?"))
    if kind == "execution_error":
        return JobFailed(
            node_id, node_class, str(data.get("exception_type", "")), str(data.get("exception_message", ""))
        )
    if kind == "execution_interrupted":
        return JobInterrupted(
            f"the job was stopped at node {node_id} ({node_class})", where=where, fix="submit it again"
        )
    return None


def _file_ref(entry: object) -> FileRef | None:
    # Nodes of other packs put anything under "images"; what names no file is none.
    if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
        return None
    return FileRef(entry["filename"], str(entry.get("subfolder") or ""), str(entry.get("type") or "output"))
