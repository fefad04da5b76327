"""A question to a language model. bria-vgl and litellm run in a process of their own (``worker.py``), kept for the next
question: a cancel is a killed process, and neither a key nor litellm's five seconds of import enter this one."""

from __future__ import annotations

import atexit
import base64
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ModelError
from ..resources import table
from .guidance import style_guidance
from .instructions import vgl_folder
from .profiles import NO_KEY, Profile, redact
from .replies import ReplyStore
from .requests import IN_ENGLISH, Ask, check_request, payload_name, reply_key
from .worker_process import WorkerEnded, WorkerProcess

Progress = Callable[[int, int], object]

IDLE_S = 300.0
"""How long the worker stays without a question."""
_START_S = 180.0
"""For the worker's imports, on a cold disk too."""
_TICK_S = 0.2
_MOST_MESSAGE = 600

_lock = threading.Lock()
_worker: WorkerProcess | None = None
_idle: threading.Timer | None = None


class Reply(NamedTuple):
    """What a model said, as it came: nothing is repaired or checked yet."""

    text: str
    model: str
    """As the service names it."""
    attempts: int
    """Requests that the service got for it; 0 from a store."""
    cached: bool
    cut_off: bool
    """The answer ended at the limit of tokens."""
    seconds: float
    key: str
    """For ``ReplyStore.put``, once the text was found usable."""


def ask(
    request: Ask,
    profile: Profile,
    *,
    replies: ReplyStore | None = None,
    progress: Progress = lambda done, total: None,
    timeout_s: float | None = None,
) -> Reply:
    """Asks the profile's model, or takes the answer from ``replies``, into which it puts nothing by itself.

    ``progress(tenths of a second waited, tenths allowed)`` is called five times a second while waiting; what it raises
    kills the worker and goes on. One question at a time: others wait. Raises StudioFlowError for a request that does
    not hold together, and ModelError where the extra is missing or no answer came.
    """
    check_request(request)
    folders = _package_folders()
    key = reply_key(request, profile)
    if replies and (kept := replies.get(key)):
        return Reply(kept.text, kept.model, 0, True, kept.cut_off, 0.0, key)
    started = time.monotonic()
    clock = _Clock(timeout_s or profile.timeout_s, progress)
    with _one_at_a_time(clock) as worker:
        worker.send(_message(request, profile, clock.limit_s, folders))
        try:
            event = _wait(worker, clock, profile)
        except WorkerEnded as ended:
            raise _ended(ended, profile) from None
    if event["event"] == "error":
        raise _failure(event, profile)
    seconds = time.monotonic() - started
    return Reply(event["text"], event["model"], event["attempts"], False, event["cut_off"], seconds, key)


def close() -> None:
    """Ends the worker, if there is one and it is not at work; the next question starts another."""
    if _lock.acquire(blocking=False):
        try:
            _end_worker()
        finally:
            _lock.release()


class _Clock:
    """The limit of one question, and the person's look at it."""

    def __init__(self, limit_s: float, progress: Progress) -> None:
        self.limit_s = limit_s
        self.state = "waiting for an earlier question"
        self._progress = progress
        self.restart(limit_s, self.state)

    def restart(self, limit_s: float, state: str) -> None:
        self._limit_s = limit_s
        self._start = time.monotonic()
        self.state = state

    def tick(self, profile: Profile | None = None) -> None:
        """Shows how far it is; raises what ``progress`` raises, and ModelError once the time is over."""
        waited = time.monotonic() - self._start
        self._progress(min(int(waited * 10), int(self._limit_s * 10)), int(self._limit_s * 10))
        if waited > self._limit_s:
            raise ModelError(
                "the language model gave no answer in time",
                where=f"profile {profile.name}, {profile.model}" if profile else "language model",
                found=f"{self._limit_s:g} s without one, {self.state}",
                fix='run again, or give the profile more time: "timeout_s"',
            )


@contextmanager
def _one_at_a_time(clock: _Clock) -> Iterator[WorkerProcess]:
    """The worker, for this thread alone; killed where anything goes wrong inside, so that no late answer is left."""
    global _worker, _idle
    while not _lock.acquire(timeout=_TICK_S):
        clock.tick()
    try:
        if _idle:
            _idle.cancel()
        if _worker is None or not _worker.alive():
            _end_worker()
            _worker = _started()
        try:
            yield _worker
        except BaseException:
            _end_worker()
            raise
        _idle = threading.Timer(IDLE_S, close)
        _idle.daemon = True
        _idle.start()
    finally:
        _lock.release()


def _started() -> WorkerProcess:
    try:
        return WorkerProcess()
    except OSError as error:
        raise ModelError(
            "the language model's process could not be started",
            where=sys.executable or "the running Python, which does not say where it lies",
            found=error.strerror or str(error),
            fix="run ComfyUI with an ordinary Python",
        ) from error


def _wait(worker: WorkerProcess, clock: _Clock, profile: Profile) -> dict[str, Any]:
    """The answer's or the error's event."""
    clock.restart(_START_S, "while bria-vgl was loading")
    while True:
        clock.tick(profile)
        event = worker.event(_TICK_S)
        match event and event["event"]:
            case "ready":
                clock.restart(clock.limit_s, "while the model was at work")
            case "attempt":
                clock.state = f"attempt {event['number']} after {event['why']}"
                words = "StudioFlow: %s: %s, attempt %d in %.1f s"
                logging.warning(words, profile.model, event["why"], event["number"], event["wait_s"])
            case "answer" | "error":
                return event


@atexit.register
def _end_worker() -> None:
    global _worker
    if _worker is not None:
        _worker.kill()
        _worker = None


def _package_folders() -> list[str]:
    """Where bria-vgl and other packages are; raises ModelError where it is not installed."""
    packages = [folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")]
    return [str(vgl_folder().parent), *packages]


def _message(request: Ask, profile: Profile, limit_s: float, folders: list[str]) -> dict[str, Any]:
    return {
        "path": folders,
        "model": profile.model,
        "base_url": profile.base_url,
        "key": profile.key,
        # Longer than ours: past the limit this side ends the process.
        "timeout_s": limit_s + 30,
        "max_tokens": profile.max_tokens,
        "temperature": profile.temperature,
        "in_english": IN_ENGLISH,
        "style": style_guidance(request.style),
        "payload": payload_name(request.task),
        "prompt": request.prompt,
        "pictures": [_text(png) for png in request.pictures],
        "mask": _text(request.mask) if request.mask else None,
        "caption": request.caption,
        "seed": request.seed,
    }


def _text(png: bytes) -> str:
    return base64.b64encode(png).decode("ascii")


def _ended(ended: WorkerEnded, profile: Profile) -> ModelError:
    return ModelError(
        "the language model's process ended without an answer",
        where=f"profile {profile.name}, {profile.model}",
        found=redact(str(ended), profile),
        fix="run again; if it stays, report it with the text above",
    )


def _failure(event: Mapping[str, Any], profile: Profile) -> ModelError:
    """The worker's error in words for a person (failures.json)."""
    words = table("translate/failures.json")[event["kind"]]
    status, attempts, message = event.get("status"), event.get("attempts", 0), redact(event["message"], profile)
    found = [f"HTTP {status}"] if status else []
    found += [f"{attempts} attempts"] if attempts > 1 else []
    found += [f"it asks to wait {wait:.0f} s"] if (wait := event.get("retry_after_s")) else []
    found += [" ".join(message.split())[:_MOST_MESSAGE]] if message.strip() else []
    names = {"profile": profile.name, "hint": _hint(profile), "key": _origin(profile)}
    return ModelError(
        words["problem"],
        where=f"profile {profile.name}, {profile.model}" + (f" at {profile.base_url}" if profile.base_url else ""),
        found="; ".join(found) or None,
        allowed=words.get("allowed"),
        fix=words["fix"].format(**names),
    )


def _hint(profile: Profile) -> str:
    if profile.hint:
        return profile.hint
    if profile.base_url:
        return f"start the server at {profile.base_url}, and see that the profile's model is one that it has"
    return "check the network, and that the profile's model is one that the service still has"


def _origin(profile: Profile) -> str:
    if profile.key == NO_KEY:
        return "nowhere, and this server wants one"
    return f"the file of profiles or {profile.key_env}" if profile.key_env else "the file of profiles"
