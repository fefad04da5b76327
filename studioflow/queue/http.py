"""HTTP and WebSocket to one server: bounded reading, bounded waiting, and errors that name what happened."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import aiohttp

from .address import Address
from .errors import AccessRefused, AnswerTooLarge, BadAnswer, ServerUnreachable

MAX_ANSWER_BYTES = 64 << 20
CHUNK_BYTES = 256 << 10


class Http:
    """A session with one server. Every failure is a QueueError that shows the server's origin, never its URL."""

    def __init__(self, address: Address) -> None:
        self.where = address.shown
        self._address = address
        self._session = aiohttp.ClientSession(
            headers=address.headers,
            # A redirected POST or a cookie of a login page would hide that this is not the ComfyUI itself.
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        await self._session.close()

    async def call(
        self, method: str, *path: str, timeout: float, body: object = None, data: Any = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer, read within ``timeout`` seconds (none left is a time-out too).

        Raises ServerUnreachable, AccessRefused, AnswerTooLarge; any other status is the caller's to judge.
        """
        with self._translated(timeout):
            async with self._session.request(
                method,
                self._address.url(*path),
                json=body,
                data=data,
                allow_redirects=False,
                # aiohttp takes 0 or less for "no limit", and rounds up to whole seconds unless told otherwise.
                timeout=aiohttp.ClientTimeout(total=max(timeout, 1e-3), ceil_threshold=3600),
            ) as response:
                self._check_access(response.status)
                content = bytearray()
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        raise AnswerTooLarge(
                            f"the answer to {method} /{path[0]} is too large",
                            where=self.where,
                            allowed=f"{MAX_ANSWER_BYTES >> 20} MiB",
                        )
                return response.status, bytes(content)

    async def ask(self, *path: str, timeout: float) -> dict[str, Any]:
        """The JSON object that GET answers with. Raises as ``call`` does, and BadAnswer for anything else."""
        status, content = await self.call("GET", *path, timeout=timeout)
        return self.read_object(f"GET /{path[0]}", status, content)

    async def tell(self, *path: str, body: object, timeout: float) -> None:
        """POST something whose answer holds nothing of interest. Raises as ``ask`` does."""
        status, _ = await self.call("POST", *path, body=body, timeout=timeout)
        if status != 200:
            raise self.bad_answer(f"POST /{path[0]}", f"HTTP status {status}")

    def read_object(self, request: str, status: int, content: bytes) -> dict[str, Any]:
        """The JSON object in an answer. Raises BadAnswer for another status than 200 and for anything else."""
        if status != 200:
            raise self.bad_answer(request, f"HTTP status {status}")
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            kind = "a web page" if content.lstrip()[:1] == b"<" else f"{len(content)} bytes"
            raise self.bad_answer(request, f"{kind} that is not JSON") from None
        if not isinstance(answer, dict):
            raise self.bad_answer(request, f"JSON that is a {type(answer).__name__}")
        return answer

    def bad_answer(self, request: str, found: str) -> BadAnswer:
        return BadAnswer(
            f"the answer to {request} cannot be used",
            where=self.where,
            found=found,
            allowed="a JSON object, as ComfyUI 0.3.75 or newer answers",
            fix="look at the console of the ComfyUI server, and at any proxy between",
        )

    async def download(self, *path: str, query: Mapping[str, str], silence: float) -> AsyncIterator[bytes]:
        """The body of an answer in chunks; ``silence`` is the longest wait for the next bytes, in seconds.

        Raises ServerUnreachable, also where the body ends before it is complete, AccessRefused, and BadAnswer
        for another status than 200.
        """
        with self._translated(silence):
            async with self._session.get(
                self._address.url(*path),
                params=query,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=silence, sock_read=silence, ceil_threshold=3600),
            ) as response:
                self._check_access(response.status)
                if response.status != 200:
                    raise self.bad_answer(f"GET /{path[0]}", f"HTTP status {response.status}")
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    yield chunk

    async def websocket(self, client_id: str, timeout: float) -> aiohttp.ClientWebSocketResponse:
        """Open ``/ws`` within ``timeout`` seconds. Raises ServerUnreachable, AccessRefused or BadAnswer."""
        url = self._address.url("ws").with_query(clientId=client_id)
        with self._translated(timeout):
            try:
                # No heartbeat: aiohttp would cut the line of a server that is merely busy.
                return await asyncio.wait_for(
                    self._session.ws_connect(
                        url.with_scheme("wss" if url.scheme == "https" else "ws"),
                        max_msg_size=MAX_ANSWER_BYTES,
                    ),
                    timeout,
                )
            except aiohttp.WSServerHandshakeError as refusal:
                self._check_access(refusal.status)
                raise BadAnswer(
                    "no websocket at /ws",
                    where=self.where,
                    found=f"HTTP status {refusal.status}",
                    fix="a proxy between must let websockets pass",
                ) from None

    def _check_access(self, status: int) -> None:
        if status in (401, 403, 407):
            raise AccessRefused(
                "the server refuses access",
                where=self.where,
                found=f"HTTP status {status}",
                fix="give user and password in the address (http://user:password@host:port); they are not shown "
                "in messages",
            )

    @contextmanager
    def _translated(self, timeout: float) -> Iterator[None]:
        if self._session.closed:
            raise self._unreachable("this client was closed")
        # "from None" throughout: aiohttp's exceptions carry the URL, and with it what must not be shown.
        try:
            yield
        except asyncio.TimeoutError:
            raise self._unreachable(f"no answer within {timeout:.3g} s") from None
        except aiohttp.ClientConnectorCertificateError:
            raise self._unreachable("a TLS certificate that cannot be verified") from None
        except aiohttp.ClientConnectorError as failure:
            raise self._unreachable(_reason(failure.os_error)) from None
        except (aiohttp.ClientError, OSError) as failure:
            raise self._unreachable(f"the connection broke ({type(failure).__name__})") from None

    def _unreachable(self, found: str) -> ServerUnreachable:
        return ServerUnreachable(
            "no ComfyUI can be reached here",
            where=self.where,
            found=found,
            fix='start ComfyUI, and compare the address with the one in its console ("To see the GUI go to: …")',
        )


def _reason(failure: OSError) -> str:
    if failure.errno == errno.ECONNREFUSED or isinstance(failure, ConnectionRefusedError):
        return "nothing listens there (connection refused)"
    return failure.strerror or str(failure)
