"""The door to one ComfyUI server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import QueueError
from .address import parse_address
from .errors import BadAnswer, NodeRefusal, NotComfyUI, PackMissing, PromptRefused, ServerLost, ServerUnreachable
from .events import read_binary_frame, read_text_frame
from .files import fetch_file, upload_file
from .http import Http
from .job import Job
from .line import EventLine
from .results import FileRef
from .timing import DEFAULT_TIMING, Timing


class ComfyClient:
    """A connection to the ComfyUI at ``address``, for use in ``async with``.

    Entering raises BadAddress, ServerUnreachable, AccessRefused or NotComfyUI. Works with ComfyUI 0.3.75 and newer.
    """

    def __init__(self, address: str, *, timing: Timing = DEFAULT_TIMING) -> None:
        self._address = parse_address(address)
        self._timing = timing
        self._client_id = uuid.uuid4().hex
        self._jobs: dict[str, Job] = {}
        self.version = ""

    async def __aenter__(self) -> ComfyClient:
        self._http = Http(self._address)
        self._line = EventLine(self._http, self._client_id, self._timing, self._on_frame, self._on_gap)
        try:
            self.version = await self._greet()
        except BaseException:
            await self._http.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._line.close()
        await self._http.close()

    async def require_nodes(self, names: Iterable[str]) -> None:
        """Raise PackMissing, naming them, where the server lacks some of the node ids in ``names``."""
        missing = [
            name
            for name in sorted(set(names))
            if name not in await self._http.ask("object_info", name, timeout=self._timing.lost_after)
        ]
        if missing:
            raise PackMissing(tuple(missing), self._http.where)

    async def upload_input(
        self, content: str | PathLike[str] | bytes, filename: str, subfolder: str = "studioflow"
    ) -> str:
        """Put a file (a path, or its bytes) into the server's input folder, over an older one of that name.

        Returns ``subfolder/filename``, as a node's file widget takes it. Raises UnsafeName, TransferFailed,
        ServerUnreachable.
        """
        source = content if isinstance(content, bytes) else Path(content)
        return await upload_file(self._http, source, filename, subfolder, self._timing)

    async def submit(
        self, prompt: Mapping[str, Any], *, workflow: Mapping[str, Any] | None = None, prompt_id: str | None = None
    ) -> Job:
        """Queue ``prompt`` (ComfyUI's API format) and return its Job.

        ``workflow`` is what ComfyUI saves it as; it travels into the pictures. ``prompt_id`` is a UUID of the
        caller's choice. Raises PromptRefused, also where the server would run only a part of it (then nothing of
        it stays queued), ServerLost where the answer never came, and what opening the websocket raises.
        """
        if not prompt or not all(isinstance(node, Mapping) and "class_type" in node for node in prompt.values()):
            raise PromptRefused(self._http.where, "it is not in ComfyUI's API format, nodes by their id")
        prompt_id = str(uuid.UUID(prompt_id)) if prompt_id else str(uuid.uuid4())
        body = {"prompt": prompt, "client_id": self._client_id, "prompt_id": prompt_id}
        if workflow is not None:
            body["extra_data"] = {"extra_pnginfo": {"workflow": workflow}}
        # The line and the job's place on it come before the prompt, or its first messages would be lost.
        await self._line.open()
        job = self._jobs[prompt_id] = Job(self._http, prompt_id, prompt, self._timing, self._forget)
        try:
            await self._post(job, body)
        except BaseException:
            self._forget(job)
            raise
        return job

    async def fetch(self, ref: FileRef, folder: str | PathLike[str]) -> Path:
        """Bring a file of a finished job into ``folder``, which must exist; returns the path it has there.

        It appears whole or not at all, and never replaces another: where the name is taken it gets a number.
        Raises UnsafeName, TransferFailed, ServerLost.
        """
        return await fetch_file(self._http, ref, Path(folder), self._timing)

    async def _greet(self) -> str:
        try:
            stats = await self._http.ask("system_stats", timeout=self._timing.lost_after)
        except BadAnswer as failure:
            raise self._not_comfyui(failure.found) from None
        system = stats.get("system")
        if not isinstance(system, dict) or not isinstance(stats.get("devices"), list):
            raise self._not_comfyui("JSON of another program")
        return str(system.get("comfyui_version", ""))

    def _not_comfyui(self, found: str | None) -> NotComfyUI:
        return NotComfyUI(
            "what listens here is not ComfyUI",
            where=self._http.where,
            found=f"its answer to GET /system_stats is {found}",
            allowed="a ComfyUI 0.3.75 or newer",
            fix='give the address that ComfyUI\'s console shows ("To see the GUI go to: …")',
        )

    async def _post(self, job: Job, body: Mapping[str, Any]) -> None:
        try:
            status, content = await self._http.call("POST", "prompt", body=body, timeout=self._timing.lost_after)
        except ServerUnreachable as failure:
            raise ServerLost(
                "the server gave no answer to the submitted workflow",
                where=self._http.where,
                found=failure.found,
                fix=f"if it is still alive, look in its queue for job {job.id} before submitting again",
            ) from None
        except asyncio.CancelledError:
            await _drop(job)
            raise
        answer = self._http.read_object("POST /prompt", 200 if status == 400 else status, content)
        nodes = _node_refusals(answer.get("node_errors"), body["prompt"])
        if nodes and status == 200:
            # ComfyUI would run the outputs that it has no quarrel with.
            await _drop(job)
        if nodes or status == 400:
            raise PromptRefused(self._http.where, _reason(answer.get("error"), nodes), nodes)
        if answer.get("prompt_id") != job.id:
            raise self._http.bad_answer("POST /prompt", "another job id than the one that was given")

    def _on_frame(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            if text := read_binary_frame(frame):
                for job in list(self._jobs.values()):
                    job.hear_text(text)
        elif message := read_text_frame(frame):
            kind, data = message
            if kind == "status":
                for job in list(self._jobs.values()):
                    job.queue_changed()
            elif job := self._jobs.get(str(data.get("prompt_id"))):
                job.hear(kind, data)

    def _on_gap(self) -> None:
        for job in list(self._jobs.values()):
            job.doubt(line_broke=True)

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.id, None)


async def _drop(job: Job) -> None:
    """Leave nothing of a job queued that nobody will wait for."""
    with suppress(QueueError):
        await job.cancel()


def _node_refusals(node_errors: object, prompt: Mapping[str, Any]) -> tuple[NodeRefusal, ...]:
    refusals = []
    for node_id, entry in node_errors.items() if isinstance(node_errors, dict) else ():
        entry = entry if isinstance(entry, dict) else {}
        node_class = entry.get("class_type") or prompt.get(node_id, {}).get("class_type", "?")
        errors = [error for error in entry.get("errors") or () if isinstance(error, dict)]
        complaints = tuple(_complaint(error) for error in errors) or ("refused without a reason",)
        refusals.append(NodeRefusal(str(node_id), str(node_class), complaints))
    return tuple(refusals)


def _reason(error: object, nodes: tuple[NodeRefusal, ...]) -> str:
    if not isinstance(error, dict):
        return "it would run only in part" if nodes else "no reason was given"
    # With node errors the details only repeat them.
    return str(error.get("message")) if nodes else _complaint(error)


def _complaint(error: Mapping[str, Any]) -> str:
    message, details = str(error.get("message", "")).strip(), str(error.get("details", "")).strip()
    extra = error.get("extra_info")
    if error.get("type") == "missing_node_type" and isinstance(extra, dict) and extra.get("class_type"):
        # The message may show the node's title only.
        details = f"{extra['class_type']}, {details}"
    return f"{message.rstrip('.')}: {details}" if details else message
