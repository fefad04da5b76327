"""The program of the process in which bria-vgl and litellm run. It is started as a file, so it imports nothing of ours.

One JSON line a request comes in on stdin, JSON lines with an "event" go out on stdout: ready, attempt, then answer or
error. It ends when stdin does. A key comes with the request, is used for it and is never written anywhere.
"""

from __future__ import annotations

import base64
import importlib
import importlib.util
import io
import json
import os
import queue
import random
import re
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

MOST_ATTEMPTS = 4
MOST_ANSWER_BYTES = 1 << 20
MOST_BODY_BYTES = 4 << 20
"""Of one HTTP reply: an answer with its escapes and what stands around it."""
LONGEST_WAIT_S = 60.0
_FIRST_WAIT_S = 0.5
_FIRST_OF_SERVER = "openai/auto"

_AGAIN = ("busy", "server", "connection")
"""Failures after which another attempt may help."""
_FORM = re.compile("format|schema|grammar")
_NAMES_OF_ERRORS = re.compile(r"^(?:litellm\.)?(?:\w+Error: )*(?:\w+Exception - )?")

Event = dict[str, Any]
Say = Callable[[Event], None]

_litellm_completion: Callable[..., Any]


class _Failed(Exception):
    """Why there is no answer. None of litellm's or openai's errors, so that bria-vgl neither tries again on its own
    nor turns to another model."""

    def __init__(self, kind: str, message: str, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.status = status
        self.retry_after_s = retry_after_s
        self.attempts = 0


_seen = types.SimpleNamespace()
"""What went over the wire in this attempt. litellm's errors do not always tell: broken JSON becomes a 500."""


def _fresh(sent: bool = False) -> None:
    _seen.__dict__.update(sent=sent, status=None, retry_after="", size=0, start=b"", whole=False, error="")


def _watch_replies() -> None:
    """Every reply off the wire passes through here, whichever provider's code asked for it."""
    # litellm sends through httpx; openai from its version 3 on brings httpx2.
    for name in ("httpx", "httpx2"):
        if importlib.util.find_spec(name):
            _watch(importlib.import_module(name))


def _watch(library: Any) -> None:
    send = library.HTTPTransport.handle_request

    class Watched(library.SyncByteStream):
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self._stream:
                _seen.size += len(chunk)
                _seen.start = (_seen.start + chunk[:500])[:500]
                if _seen.size > MOST_BODY_BYTES:
                    raise library.ReadError("the reply is too large")
                yield chunk
            _seen.whole = True

        def close(self) -> None:
            self._stream.close()

    def watched(transport: Any, request: Any) -> Any:
        # Packed replies could be of any size unpacked.
        request.headers["Accept-Encoding"] = "identity"
        _fresh(sent=True)
        try:
            response = send(transport, request)
        except Exception as error:
            _seen.error = str(error)
            raise
        _seen.status = response.status_code
        _seen.retry_after = response.headers.get("retry-after", "")
        response.stream = Watched(response.stream)
        return response

    library.HTTPTransport.handle_request = watched


def _answer(request: dict[str, Any], say: Say) -> Event:
    """Asks through bria-vgl and returns the answer's event; raises _Failed."""
    import bria_vgl
    import litellm
    from bria_vgl.exceptions import VGLError

    payload = _payload(request)
    asked = _Completion(request, say)
    options: dict[str, Any] = {"llm": asked.model, "seed": request["seed"]}
    if payload.creates:
        run, options["style_preset_prompt"] = bria_vgl.create, request["style"] or None
    else:
        run = bria_vgl.modify
    litellm.completion = asked.complete
    try:
        run(payload, **options)
    except VGLError:
        # bria-vgl judges the answer, and keeps one that it refuses to itself. Here the text counts as it came.
        if asked.response is None:
            raise
    choice = asked.response.choices[0]
    text = choice.message.content or ""
    if not text.strip():
        if choice.finish_reason == "content_filter":
            raise _Failed("filter", "the answer was held back (finish_reason content_filter)")
        raise _Failed("empty", f"finish_reason {choice.finish_reason}")
    if len(text.encode("utf-8", "replace")) > MOST_ANSWER_BYTES:
        raise _Failed("huge", f"{len(text)} characters")
    return {
        "event": "answer",
        "text": text,
        "model": asked.response.model or asked.model,
        "attempts": asked.attempts,
        "cut_off": choice.finish_reason == "length",
    }


def _payload(request: dict[str, Any]) -> Any:
    """bria-vgl's payload for the request."""
    from bria_vgl.dialects import thales

    class AsItIs(thales.ThalesVGL):
        """A caption that goes into the prompt as it was given, also where fields are missing."""

        def model_dump(self, **_options: Any) -> dict[str, Any]:
            return request["caption"]

    fields: dict[str, Any] = {"prompt": request["prompt"]} if request["prompt"] else {}
    pictures = [_picture(text) for text in request["pictures"]]
    if pictures:
        fields |= {"images": pictures} if request["payload"] == "EditImages" else {"image": pictures[0]}
    if request["mask"]:
        fields["mask"] = _picture(request["mask"])
    if request["caption"] is not None:
        fields["input_vgl" if request["payload"] == "Refine" else "input_image_vgl"] = AsItIs.model_construct()
    return getattr(thales, request["payload"])(**fields)


def _picture(text: str) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(base64.b64decode(text)))


class _Completion:
    """In place of ``litellm.completion`` during a request: what the profile says wins, and all tries are made here."""

    def __init__(self, request: dict[str, Any], say: Say) -> None:
        self.request = request
        self.say = say
        self.response: Any = None
        self.attempts = 0
        self.model = request["model"]
        if self.model == _FIRST_OF_SERVER:
            self.model = _first_of_server(request)
        if request["key"]:
            # bria-vgl looks whether there is one. What goes with the request wins over it.
            os.environ.setdefault("GEMINI_API_KEY", "comes with each request")

    def complete(self, model: str, messages: list[dict[str, Any]], **params: Any) -> Any:
        request = self.request
        messages[0]["content"] += f"\n\n{request['in_english']}"
        params |= {
            "api_key": request["key"],
            "base_url": request["base_url"],
            "timeout": request["timeout_s"],
            "max_tokens": request["max_tokens"],
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
        }
        if request["temperature"] is not None:
            params["temperature"] = request["temperature"]
        formats = _formats(model, params)
        while True:
            params.pop("response_format", None)
            if formats[0]:
                params["response_format"] = formats[0]
            try:
                self.response = self._once(model, messages, params)
                return self.response
            except _Failed as failure:
                failure.attempts = self.attempts
                if failure.kind == "request" and len(formats) > 1 and _FORM.search(failure.message):
                    # Servers know different ways of asking for JSON; the prompt asks for it as well.
                    formats = formats[1:]
                    wait, why = 0.0, "another form of the request"
                elif failure.kind in _AGAIN:
                    wait, why = failure.retry_after_s, f"HTTP {failure.status}" if failure.status else "no connection"
                    if wait is None:
                        # Jitter, so that many who were refused together do not come back together.
                        wait = _FIRST_WAIT_S * 2 ** (self.attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311
                else:
                    raise
                if self.attempts == MOST_ATTEMPTS or wait > LONGEST_WAIT_S:
                    raise
            self.say({"event": "attempt", "number": self.attempts + 1, "why": why, "wait_s": round(wait, 1)})
            time.sleep(wait)

    def _once(self, model: str, messages: list[dict[str, Any]], params: dict[str, Any]) -> Any:
        self.attempts += 1
        _fresh()
        try:
            response = _litellm_completion(model=model, messages=messages, **params)
        except Exception as error:
            raise _failure(error) from error
        if not getattr(response, "choices", None):
            raise _Failed("garbled", _excerpt(), _seen.status)
        return response


def _formats(model: str, params: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Ways of asking for JSON, strictest first; bria-vgl's own ``response_schema`` is a form that OpenAI refuses."""
    given = params.pop("response_format", None)
    if "gemini" in model.lower() and not model.startswith(("gemini/", "vertex_ai/")):
        # Gemini by way of another service, which does not know Google's own parameters.
        params.pop("extra_body", None)
        params.pop("metadata", None)
        given = {"type": "json_object"}
    if not given:
        return [None]
    plain = {"type": "json_object"}
    schema = {"name": "caption", "schema": given.get("response_schema")}
    return [{"type": "json_schema", "json_schema": schema}, plain, None] if schema["schema"] else [plain, None]


def _failure(error: Exception) -> _Failed:
    """What kind of failure it is, by what went over the wire and by litellm's class where nothing did."""
    import litellm

    message = _NAMES_OF_ERRORS.sub("", str(getattr(error, "message", "") or error))
    status = _seen.status
    if _seen.size > MOST_BODY_BYTES:
        return _Failed("huge", f"more than {MOST_BODY_BYTES >> 20} MB", status)
    if _seen.sent and status is None:
        return _Failed("connection", _seen.error or message)
    if _seen.sent and not _seen.whole:
        return _Failed("connection", "the connection ended in the middle of the answer", status)
    if isinstance(error, litellm.ContentPolicyViolationError) or "content management policy" in message:
        return _Failed("filter", message, status)
    if status == 200:
        return _Failed("encoding" if "codec can't decode" in message else "garbled", _excerpt(), status)
    if status is None and isinstance(error, (ImportError, OSError, ValueError)):
        return _Failed("setup", message)
    return _by_status(status or getattr(error, "status_code", None) or 0, message)


def _by_status(status: int, message: str) -> _Failed:
    if status == 429:
        if "insufficient_quota" in message or b"insufficient_quota" in _seen.start:
            return _Failed("quota", message, status)
        return _Failed("busy", message, status, _seconds(_seen.retry_after))
    if status in (401, 403):
        return _Failed("authentication", message, status)
    if status == 404:
        return _Failed("model", message, status)
    if status >= 500 or status in (408, 425):
        return _Failed("server", message, status, _seconds(_seen.retry_after))
    return _Failed("request", message, status)


def _excerpt() -> str:
    return _seen.start[:200].decode("utf-8", "replace")


def _seconds(retry_after: str) -> float | None:
    """A Retry-After header, seconds or a date (RFC 9110, 10.2.3), as seconds from now; None where it says nothing."""
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _first_of_server(request: dict[str, Any]) -> str:
    """The id of the first model that the server lists and that is no embedding model."""
    import httpx

    address = request["base_url"].rstrip("/") + "/models"
    try:
        reply = httpx.get(address, headers={"Authorization": f"Bearer {request['key']}"}, timeout=10.0)
    except httpx.HTTPError as error:
        raise _Failed("connection", str(error)) from error
    if reply.status_code != 200:
        raise _by_status(reply.status_code, _excerpt())
    try:
        names = [str(row["id"]) for row in reply.json()["data"]]
    except (ValueError, KeyError, TypeError):
        raise _Failed("garbled", _excerpt(), reply.status_code) from None
    for name in names:
        if "embed" not in name.lower():
            return f"openai/{name}"
    raise _Failed("model", "the server has no model loaded", reply.status_code)


def _load(folders: list[str]) -> None:
    """Imports bria-vgl, which takes seconds, from where the parent found it."""
    global _litellm_completion
    sys.path += [folder for folder in folders if folder not in sys.path]
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    _litellm_completion = litellm.completion
    import bria_vgl.dialects.thales  # noqa: F401

    _watch_replies()


def _serve(requests: queue.Queue[bytes], say: Say) -> None:
    loaded = False
    while True:
        request = json.loads(requests.get())
        key = request["key"] or ""
        try:
            if not loaded:
                _load(request["path"])
                loaded = True
            say({"event": "ready"})
            event = _answer(request, say)
        except _Failed as failure:
            event = {"event": "error", **failure.__dict__}
        except Exception as error:
            traceback.print_exc()
            kind = "setup" if isinstance(error, (ImportError, OSError, ValueError)) else "internal"
            event = {"event": "error", "kind": kind, "message": f"{type(error).__name__}: {error}"}
        if event["event"] == "error" and len(key) > 5:
            event["message"] = event["message"].replace(key, "[key]")
        say(event)


def main() -> None:
    """Serves requests until stdin ends, then leaves at once, whatever is under way."""
    # Libraries print, and whatever they print must not stand between the events.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.Queue[bytes] = queue.Queue()

    def say(event: Event) -> None:
        events.write(json.dumps(event).encode("ascii") + b"\n")
        events.flush()

    def listen() -> None:
        # Read all the time, so that the parent's writing never waits for a request that is under way.
        for line in sys.stdin.buffer:
            requests.put(line)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    os.chdir(tempfile.gettempdir())
    _serve(requests, say)


if __name__ == "__main__":
    main()
