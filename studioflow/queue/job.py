"""One prompt on a server: what it tells, how it ends, how it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from ..errors import QueueError
from .errors import AnswerTooLarge, BadAnswer, JobFailed, JobInterrupted, ServerLost, ServerUnreachable
from .events import Event, Finished, ProgressTracker, Started, Text
from .http import Http
from .results import JobResult, read_failure, read_history
from .timing import Timing


class Job:
    """A submitted prompt. ``events`` and ``wait`` are for one consumer at a time.

    The websocket is the quick source of news and the history the reliable one. Whenever the job has been silent
    for a moment, or the line broke, the server is asked over HTTP; that question is also what finds out that the
    server is gone.
    """

    def __init__(
        self,
        http: Http,
        prompt_id: str,
        prompt: Mapping[str, Any],
        timing: Timing,
        on_end: Callable[[Job], None],
    ) -> None:
        self.id = prompt_id
        self._http = http
        self._timing = timing
        self._on_end = on_end
        self._tracker = ProgressTracker(prompt)
        # All that is learnt, in the order in which it was learnt; None only wakes the reader.
        self._inbox: asyncio.Queue[Callable[[], list[Event]] | None] = asyncio.Queue()
        self._clock = asyncio.get_running_loop().time
        self._heard_at = self._clock()
        self._look_at = self._heard_at + timing.quiet
        self._pause = timing.settle
        self._result: JobResult | None = None
        self._error: QueueError | None = None
        self._blocked: JobFailed | None = None
        self._started = False
        self._announced = False
        self._succeeded = False
        self._may_be_gone = False
        self._line_broke = False

    async def events(self) -> AsyncIterator[Event]:
        """What happens to the job until it has ended; the last event is Finished.

        Raises JobFailed, JobInterrupted, or ServerLost (at most ``Timing.worst_case`` seconds after the server's
        last sign of life). Leaving the loop early leaves the job running; the rest can be read later.
        """
        while not self._ended:
            take = await self._next_message()
            news = take() if take is not None else []
            if take is None and self._clock() >= self._look_at:
                await self._look()
            if self._started and not self._announced:
                self._announced = True
                yield Started()
            for event in news:
                yield event
        yield Finished(self._outcome())

    async def wait(self, on_event: Callable[[Event], None] | None = None) -> JobResult:
        """Read all events, hand each to ``on_event``, and return the result. Raises as ``events`` does.

        When the waiting task is cancelled (Ctrl-C), the job is cancelled on the server before the CancelledError
        goes on; that takes about ``Timing.cancel`` seconds at most.
        """
        try:
            async with aclosing(self.events()) as events:
                async for event in events:
                    if on_event is not None:
                        on_event(event)
        except asyncio.CancelledError:
            with suppress(QueueError):
                await self.cancel()
            raise
        return self._outcome()

    async def cancel(self) -> bool:
        """Take the job out of the queue, or interrupt it where it runs. Other jobs are left alone.

        True once the server no longer holds it; False where it still runs after ``Timing.cancel`` seconds, because
        ComfyUI can only stop between two nodes or where a node looks for it. Raises ServerUnreachable, BadAnswer.
        """
        deadline = self._clock() + self._timing.cancel
        while not self._ended:
            timeout = max(deadline - self._clock(), self._timing.least_chance)
            # Both, and again: the job may start between the two, and ComfyUI forgets an interrupt that comes
            # in the moment before a job's first node.
            await self._http.tell("queue", body={"delete": [self.id]}, timeout=timeout)
            await self._http.tell("interrupt", body={"prompt_id": self.id}, timeout=timeout)
            gone = not await self._is_queued(timeout)
            if gone or self._clock() >= deadline:
                self.doubt()
                return gone
            await asyncio.sleep(self._timing.retry)
        return True

    def hear(self, kind: str, data: dict[str, Any]) -> None:
        """Take a message about this job from the websocket."""
        self._heard_at = self._clock()
        self._look_at = self._heard_at + self._timing.quiet
        self._may_be_gone = False
        self._inbox.put_nowait(lambda: self._take(kind, data))

    def hear_text(self, text: Text) -> None:
        """Take a text frame. ComfyUI does not say which job it belongs to, so it may be another's."""
        self._inbox.put_nowait(lambda: self._take_text(text))

    def queue_changed(self) -> None:
        """Somebody's job came, ended or was removed: perhaps this one."""
        self._may_be_gone = self._may_be_gone or not self._started

    def doubt(self, line_broke: bool = False) -> None:
        """Something may have been missed: ask the server at once."""
        self._line_broke = self._line_broke or line_broke
        self._may_be_gone = True
        self._look_at = self._clock()
        self._inbox.put_nowait(None)

    @property
    def _ended(self) -> bool:
        return self._result is not None or self._error is not None

    def _outcome(self) -> JobResult:
        if self._result is None:
            raise self._error or RuntimeError("the job has not ended")
        return self._result

    async def _next_message(self) -> Callable[[], list[Event]] | None:
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        try:
            return await asyncio.wait_for(self._inbox.get(), max(0.0, self._look_at - self._clock()))
        except asyncio.TimeoutError:
            return None

    def _take_text(self, text: Text) -> list[Event]:
        # One prompt runs at a time, so while ours does, words of a node that ours has are ours.
        return [text] if self._started and self._tracker.knows(text.node_id) else []

    def _take(self, kind: str, data: dict[str, Any]) -> list[Event]:
        self._started = True
        if kind == "execution_cached":
            self._tracker.cached(data.get("nodes"))
        elif kind == "progress_state":
            return list(self._tracker.report(data.get("nodes")))
        elif kind == "execution_success":
            # The server says so shortly before it writes the history, where the outputs are.
            self._succeeded = True
            self._look_at = self._clock()
        elif failure := read_failure(kind, data, self._http.where):
            # A blocked node does not stop the job; ComfyUI runs the others and calls the whole a success.
            if isinstance(failure, JobFailed) and failure.exception_type == "ExecutionBlocked":
                self._blocked = failure
            else:
                return self._end(error=failure)
        return []

    async def _look(self) -> None:
        """Ask the server how the job is. An answer that ends it waits its turn behind what was heard before."""
        timing = self._timing
        deadline = max(self._heard_at + timing.lost_after, self._clock() + timing.least_chance)
        doubtful, queued = self._may_be_gone or self._succeeded, True
        # Laid down before asking: a doubt that arises while the question is under way must stay.
        self._may_be_gone = False
        try:
            # The queue first: a job moves from the queue to the history in one step, so it cannot slip through.
            if doubtful:
                queued = await self._is_queued(deadline - self._clock())
            entry = await self._history(deadline - self._clock())
        except AnswerTooLarge as failure:
            self._inbox.put_nowait(lambda error=failure: self._end(error=error))
            return
        except (ServerUnreachable, BadAnswer) as failure:
            self._may_be_gone = self._may_be_gone or doubtful
            self._look_at = self._clock() + timing.retry
            if self._look_at >= self._heard_at + timing.lost_after:
                error = self._lost(failure.found)
                self._inbox.put_nowait(lambda: self._end(error=error))
            return
        self._heard_at = self._clock()
        if entry is not None:
            self._inbox.put_nowait(lambda: self._end_with(entry))
        elif not queued:
            self._inbox.put_nowait(lambda: self._end(error=self._gone()))
        elif self._succeeded:
            self._look_at = self._heard_at + self._pause
            self._pause = min(2 * self._pause, timing.quiet)
        else:
            self._look_at = self._heard_at + timing.quiet

    async def _is_queued(self, timeout: float) -> bool:
        try:
            queue = await self._http.ask("queue", timeout=timeout)
        except AnswerTooLarge:
            # The queue is told with all its workflows, and somebody has thousands waiting: ours is not gone yet.
            return True
        running, pending = queue.get("queue_running"), queue.get("queue_pending")
        if not isinstance(running, list) or not isinstance(pending, list):
            raise self._http.bad_answer("GET /queue", "JSON without the two queues")
        self._started = self._started or self._is_in(running)
        return self._is_in(running) or self._is_in(pending)

    def _is_in(self, items: list[Any]) -> bool:
        return any(isinstance(item, list) and len(item) > 1 and item[1] == self.id for item in items)

    async def _history(self, timeout: float) -> dict[str, Any] | None:
        history = await self._http.ask("history", self.id, timeout=timeout)
        entry = history.get(self.id)
        return entry if isinstance(entry, dict) else None

    def _end_with(self, entry: dict[str, Any]) -> list[Event]:
        try:
            result = read_history(self.id, entry, self._http.where)
        except QueueError as failure:
            return self._end(error=failure)
        if self._blocked is not None:
            return self._end(error=self._blocked)
        self._result = result
        self._on_end(self)
        return []

    def _end(self, *, error: QueueError) -> list[Event]:
        self._error = error
        self._on_end(self)
        return []

    def _lost(self, found: str | None) -> ServerLost:
        return ServerLost(
            "the ComfyUI server stopped answering while it had the job",
            where=self._http.where,
            found=found,
            fix="look whether it still runs and why it stopped (its console; often memory), then submit again",
        )

    def _gone(self) -> QueueError:
        if self._line_broke:
            return ServerLost(
                "the ComfyUI server was restarted and has forgotten the job",
                where=self._http.where,
                found=f"job {self.id} is neither in its queue nor in its history, which it keeps in memory only",
                fix="submit it again",
            )
        return JobInterrupted(
            "the job was removed from the server's queue",
            where=self._http.where,
            found=f"job {self.id} is neither in the queue nor in the history",
            fix="submit it again",
        )
