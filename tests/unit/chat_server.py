"""A server on loopback that speaks OpenAI's chat protocol and answers from ``tests/data/replies``.

    with ChatServer(["429_soon", "good"]) as server:
        profile = server.profile()          # base_url is server.url
        ...
    server.requests[0].body["messages"]

The script names rows of ``replies.json``, or holds such rows; the last one answers all further requests. Every chat
request is recorded before it is answered. ``GET /v1/models`` lists an embedding model and ``MODEL``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from studioflow.translate.profiles import Profile

REPLIES = Path(__file__).parents[1] / "data" / "replies"
MODEL = "local-vlm"


class Request(NamedTuple):
    """A chat request as the server got it; names of headers in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def system(self) -> str:
        return self.body["messages"][0]["content"]

    @property
    def user(self) -> str:
        return self._parts()[0]["text"]

    @property
    def pictures(self) -> list[str]:
        """The data URLs of the pictures."""
        return [part["image_url"]["url"] for part in self._parts() if part["type"] == "image_url"]

    def _parts(self) -> list[dict[str, Any]]:
        return self.body["messages"][1]["content"]


class ChatServer:
    """See above. Runs in threads of this process; leaving the block ends it and every request that hangs in it."""

    def __init__(self, script: Sequence[str | dict[str, Any]] = ("good",)) -> None:
        self.requests: list[Request] = []
        self.paths: list[str] = []
        """Of every request, chat or not."""
        self._arrived = threading.Condition()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"chat": self}))
        self._server.daemon_threads = True
        self.script = script

    @property
    def script(self) -> list[dict[str, Any]]:
        return self._script

    @script.setter
    def script(self, script: Sequence[str | dict[str, Any]]) -> None:
        """A new script, which also forgets the requests so far: one server for many tests."""
        rows = json.loads((REPLIES / "replies.json").read_text(encoding="utf-8"))
        self._script = [rows[entry] if isinstance(entry, str) else entry for entry in script]
        self.requests.clear()
        self.paths.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def profile(self, **fields: Any) -> Profile:
        """A profile of this server, with a key and a short time limit unless ``fields`` say otherwise."""
        given = {"key": "sk-test-key-of-the-chat-server", "timeout_s": 20, **fields}
        return Profile(**{"name": "test", "model": f"openai/{MODEL}", "base_url": self.url, **given})

    def wait_for(self, count: int, timeout_s: float = 30.0) -> None:
        """Returns once so many chat requests have arrived; fails where they do not."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.requests) >= count, timeout_s), f"{len(self.requests)} came"

    def __enter__(self) -> ChatServer:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()


def said(name: str) -> str:
    """What the model says in the recorded reply of that name; "" where it says nothing."""
    return _said(json.loads((REPLIES / "replies.json").read_text(encoding="utf-8"))[name]) or ""


def _said(row: dict[str, Any]) -> str | None:
    if "said" in row:
        return (REPLIES / row["said"]).read_text(encoding="utf-8")
    text = row.get("text")
    return text and text * row.get("repeat", 1)


class _Handler(BaseHTTPRequestHandler):
    chat: ChatServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.chat.paths.append(self.path)
        if self.path != "/v1/models":
            self._reply(404, b"{}")
            return
        models = [{"id": name, "object": "model"} for name in ("text-embedding-nomic", MODEL)]
        self._reply(200, json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        chat = self.chat
        with chat._arrived:
            row = chat.script[min(len(chat.requests), len(chat.script) - 1)]
            chat.paths.append(self.path)
            chat.requests.append(Request(self.path, headers, body))
            chat._arrived.notify_all()
        if self.path != "/v1/chat/completions":
            self._reply(404, b"{}")
        elif row.get("hang"):
            chat._closing.wait()
            self.close_connection = True
        else:
            self._answer(row, headers)

    def _answer(self, row: dict[str, Any], headers: dict[str, str]) -> None:
        if "body" in row:
            body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
            if row.get("echo_key"):
                body = body.replace("{key}", headers["authorization"].removeprefix("Bearer "))
            data = body.encode()
        else:
            message = {"role": "assistant", "content": _said(row)}
            choice = {"index": 0, "message": message, "finish_reason": row.get("finish_reason", "stop")}
            usage = {"prompt_tokens": 100, "completion_tokens": 200, "total_tokens": 300}
            head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
            whole = json.dumps({**head, "choices": [choice], "usage": usage}, ensure_ascii=False)
            data = whole.encode("latin-1" if row.get("latin_1") else "utf-8")
        self._reply(row.get("status", 200), data, row)

    def _reply(self, status: int, data: bytes, row: dict[str, Any] | None = None) -> None:
        row = row or {}
        close_after = row.get("close_after")
        if close_after == 0:
            self.close_connection = True
            return
        try:
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | row.get("headers", {})).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if close_after:
                self.wfile.write(data[:close_after])
                self.close_connection = True
                return
            pause_s = row.get("pause_s")
            step = 16 if pause_s else len(data) or 1
            for start in range(0, len(data), step):
                self.wfile.write(data[start : start + step])
                self.wfile.flush()
                if pause_s and self.chat._closing.wait(pause_s):
                    self.close_connection = True
                    return
        except OSError:
            # The client was killed, which tests do.
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        """Quiet."""
