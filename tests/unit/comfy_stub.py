"""A stand-in ComfyUI for the queue client's tests: real HTTP and WebSocket, and one script for each prompt.

It keeps ComfyUI's order of things: the prompt is queued, moved to running, told about on the websocket of the
client that sent it, and written to the history only after ``execution_success`` has been sent.
"""

from __future__ import annotations

import asyncio
import functools
import json
import struct
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from studioflow.queue import Timing

Script = Callable[["ComfyStub", str], Awaitable[None]]

IMAGE = {"filename": "shot_00001_.png", "subfolder": "", "type": "output"}
EXR = {"filename": "shot_00001_.exr", "subfolder": "hero", "type": "output"}
OUTPUTS = {"2": {"images": [IMAGE], "studioflow_files": [IMAGE, EXR], "text": ["saved"]}}
PROMPT = {
    "1": {"class_type": "StudioFlowLoadManifest", "inputs": {"manifest": "hero.json"}},
    "2": {"class_type": "StudioFlowSaveDelivery", "inputs": {"image": ["1", 0]}},
}


QUICK = Timing(quiet=0.05, lost_after=0.3, least_chance=0.1, retry=0.02, settle=0.005, cancel=0.3)
"""For tests in which the server is lost."""

PATIENT = Timing(quiet=0.05, lost_after=3.0, least_chance=1.0, retry=0.02, settle=0.005, cancel=3.0)
"""For tests in which it is not, however slow the machine."""

SLOW_MACHINE = 1.0
"""What a loaded machine may add to a time that a test bounds."""


def in_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an async test, and fail it where it hangs."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 10))

    return run


async def happy(stub: ComfyStub, prompt_id: str) -> None:
    """Runs both nodes, the first in four steps."""
    await stub.tell("execution_start", prompt_id)
    await stub.tell("execution_cached", prompt_id, nodes=[])
    for step in range(5):
        await stub.state(prompt_id, {"1": ("running", step, 4)})
    await stub.state(prompt_id, {"1": ("finished", 4, 4), "2": ("running", 0, 1)})
    await stub.state(prompt_id, {"1": ("finished", 4, 4), "2": ("finished", 1, 1)})
    await stub.succeed(prompt_id)


async def stays_pending(stub: ComfyStub, prompt_id: str) -> None:
    stub.running.remove(prompt_id)
    stub.pending.append(prompt_id)


async def runs_on(stub: ComfyStub, prompt_id: str) -> None:
    """Starts and never ends by itself."""
    await stub.tell("execution_start", prompt_id)


class ComfyStub:
    """``script`` is what happens to a prompt once it runs; ``refusal`` is (status, body) instead of queueing it."""

    def __init__(self, script: Script = happy) -> None:
        self.script = script
        self.stats: web.Response | None = None
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.node_errors: dict[str, Any] = {}
        self.nodes = {"StudioFlowLoadManifest", "StudioFlowSaveDelivery"}
        self.view: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.broken_history: tuple[int, str] | None = None
        self.history_delay = 0.0
        self.upload_status = 200
        self.deaf_sockets = False
        self.thaw = asyncio.Event()
        self.thaw.set()

        self.sockets: dict[str, web.WebSocketResponse] = {}
        self.posted: list[dict[str, Any]] = []
        self.owners: dict[str, str] = {}
        self.running: list[str] = []
        self.pending: list[str] = []
        self.history: dict[str, Any] = {}
        self.files: dict[tuple[str, str], bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.authorization: list[str | None] = []
        self.asked: list[str] = []
        self.connections = 0
        self._closed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> ComfyStub:
        app = web.Application(middlewares=[self._while_frozen], client_max_size=64 << 20)
        app.add_routes(
            [
                web.get("/ws", self._ws),
                web.get("/system_stats", self._stats),
                web.get("/object_info/{name}", self._object_info),
                web.post("/prompt", self._prompt),
                web.get("/queue", self._queue),
                web.post("/queue", self._delete),
                web.post("/interrupt", self._interrupt),
                web.get("/history/{id}", self._history),
                web.get("/view", self._view),
                web.post("/upload/image", self._upload),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0)
        await self._runner.setup()
        await self.listen(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed.set()
        self.thaw.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()

    async def listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"

    # What a test does to the server.

    async def kill(self) -> None:
        """As the kernel does with a killed process: every connection reset, nothing listens any more."""
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()

    async def restart(self) -> None:
        """Killed and started again at once: neither queue nor history survive."""
        await self.kill()
        self.running, self.pending, self.history = [], [], {}
        await self.listen(self.port)

    async def drop_sockets(self) -> None:
        for socket in list(self.sockets.values()):
            socket._req.transport.abort()
        while self.sockets:
            await asyncio.sleep(0)

    async def tell(self, kind: str, prompt_id: str, **data: Any) -> None:
        await self.send(prompt_id, json.dumps({"type": kind, "data": {**data, "prompt_id": prompt_id}}))

    async def state(self, prompt_id: str, nodes: dict[str, tuple[str, float, float]]) -> None:
        report = {
            key: {"state": state, "value": value, "max": maximum, "node_id": key, "real_node_id": key}
            for key, (state, value, maximum) in nodes.items()
        }
        await self.tell("progress_state", prompt_id, nodes=report)

    async def send(self, prompt_id: str, frame: str | bytes) -> None:
        socket = self.sockets.get(self.owners.get(prompt_id, ""))
        if socket is not None:
            await (socket.send_str(frame) if isinstance(frame, str) else socket.send_bytes(frame))

    async def send_words(self, prompt_id: str, node_id: str, words: str) -> None:
        name = node_id.encode()
        await self.send(prompt_id, struct.pack(">II", 3, len(name)) + name + words.encode())

    async def succeed(self, prompt_id: str, outputs: dict[str, Any] = OUTPUTS) -> None:
        await self.tell("execution_success", prompt_id)
        await asyncio.sleep(self.history_delay)
        self.record(prompt_id, outputs)

    def record(self, prompt_id: str, outputs: dict[str, Any], messages: list[Any] | None = None) -> None:
        """What ComfyUI does when a prompt has ended, well or not."""
        for queue in (self.running, self.pending):
            if prompt_id in queue:
                queue.remove(prompt_id)
        failed = bool(messages)
        status = {"status_str": "error" if failed else "success", "completed": not failed}
        self.history[prompt_id] = {"outputs": outputs, "status": {**status, "messages": messages or []}}

    # Its routes.

    @web.middleware
    async def _while_frozen(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path.split('/')[1]}")
        self.authorization.append(request.headers.get("Authorization"))
        await self.thaw.wait()
        if self._closed.is_set():
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        return await handler(request)

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        client = request.query["clientId"]
        self.sockets[client] = socket
        self.connections += 1
        await socket.send_json({"type": "status", "data": {"status": {}, "sid": client}})
        try:
            if self.deaf_sockets:
                await self._closed.wait()
            async for _ in socket:
                pass
        finally:
            self.sockets.pop(client, None)
        return socket

    async def _stats(self, _: web.Request) -> web.Response:
        if self.stats is not None:
            return self.stats
        return web.json_response({"system": {"comfyui_version": "0.3.75"}, "devices": []})

    async def _object_info(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response({name: {"name": name}} if name in self.nodes else {})

    async def _prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posted.append(body)
        if self.refusal:
            return web.json_response(self.refusal[1], status=self.refusal[0])
        prompt_id = body["prompt_id"]
        self.owners[prompt_id] = body["client_id"]
        assert body["client_id"] in self.sockets, "the websocket must be open before the prompt is posted"
        self.running.append(prompt_id)
        self._tasks.append(asyncio.create_task(self.script(self, prompt_id)))
        await asyncio.sleep(0)
        return web.json_response({"prompt_id": prompt_id, "number": 1, "node_errors": self.node_errors})

    async def _queue(self, _: web.Request) -> web.Response:
        def items(ids: list[str]) -> list[Any]:
            return [[number, prompt_id, {}, {}, []] for number, prompt_id in enumerate(ids)]

        return web.json_response({"queue_running": items(self.running), "queue_pending": items(self.pending)})

    async def _delete(self, request: web.Request) -> web.Response:
        for prompt_id in (await request.json())["delete"]:
            if prompt_id in self.pending:
                self.pending.remove(prompt_id)
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        prompt_id = (await request.json())["prompt_id"]
        if prompt_id in self.running:
            data = {"prompt_id": prompt_id, "node_id": "1", "node_type": "StudioFlowLoadManifest"}
            await self.tell("execution_interrupted", **data)
            self.record(prompt_id, {}, [["execution_interrupted", data]])
        return web.Response()

    async def _history(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["id"]
        if self.broken_history:
            return web.Response(status=self.broken_history[0], text=self.broken_history[1])
        return web.json_response({prompt_id: self.history[prompt_id]} if prompt_id in self.history else {})

    async def _view(self, request: web.Request) -> web.StreamResponse:
        if self.view:
            return await self.view(request)
        content = self.files.get((request.query["subfolder"], request.query["filename"]))
        return web.Response(status=404) if content is None else web.Response(body=content)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["overwrite"] == "true" and form["type"] == "input"
        name, folder = form["image"].filename, form["subfolder"]
        with form["image"].file as file:
            self.uploads[f"{folder}/{name}"] = file.read()
        if self.upload_status != 200:
            return web.Response(status=self.upload_status)
        return web.json_response({"name": name, "subfolder": folder, "type": "input"})
