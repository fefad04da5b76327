"""The websocket on which the server tells what happens, kept open as long as that is possible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp

from ..errors import QueueError
from .http import Http
from .timing import Timing


class EventLine:
    """One websocket under one client id.

    ``on_frame`` gets every text and binary frame. A broken line is reopened for as long as this is not closed,
    and ``on_gap`` called when it is back, because something may have been missed; whether the server is lost is
    for each job to judge.
    """

    def __init__(
        self,
        http: Http,
        client_id: str,
        timing: Timing,
        on_frame: Callable[[str | bytes], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._http = http
        self._client_id = client_id
        self._timing = timing
        self._on_frame = on_frame
        self._on_gap = on_gap
        self._reader: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """See that the line is open or being reopened. Raises what ``Http.websocket`` raises."""
        async with self._opening:
            if self._reader is None or self._reader.done():
                socket = await self._http.websocket(self._client_id, self._timing.lost_after)
                self._reader = asyncio.create_task(self._read(socket))

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            try:
                async for message in socket:
                    if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                        self._on_frame(message.data)
            finally:
                await socket.close()
            socket = await self._reopen()
            self._on_gap()

    async def _reopen(self) -> aiohttp.ClientWebSocketResponse:
        while True:
            with suppress(QueueError):
                return await self._http.websocket(self._client_id, self._timing.lost_after)
            await asyncio.sleep(self._timing.retry)
