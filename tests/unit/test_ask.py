"""Questions to a language model: the real bria-vgl and litellm in the real worker, against a server on loopback."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studioflow.errors import ModelError, StudioFlowError
from studioflow.translate import ask as asking
from studioflow.translate.ask import Reply, ask
from studioflow.translate.guidance import style_guidance
from studioflow.translate.instructions import instructions
from studioflow.translate.profiles import NO_KEY, find_profile
from studioflow.translate.replies import ReplyStore
from studioflow.translate.requests import IN_ENGLISH, Ask, mask_bytes, picture_bytes

from .chat_server import MODEL, REPLIES, ChatServer, said

pytestmark = pytest.mark.skipif(find_spec("bria_vgl") is None, reason="bria-vgl is not installed")

KEY = "sk-marker-of-this-test-42"
BRIEF = "moody shot of a steel coffee grinder on oak, 85mm"
SAID = [path.stem for path in sorted(REPLIES.glob("*.txt"))]
CAPTION = {"short_description": "A grinder.", "lighting": {"direction": "side-lit from left"}}


@pytest.fixture(scope="module")
def one_server() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


@pytest.fixture
def server(one_server: ChatServer) -> ChatServer:
    one_server.script = ["good"]
    return one_server


def generate(server: ChatServer, *script: Any, **fields: Any) -> Reply:
    server.script = script or ["good"]
    return ask(Ask("generate", BRIEF, seed=7), server.profile(**fields))


def refusal(server: ChatServer, *script: Any, **fields: Any) -> str:
    with pytest.raises(ModelError) as raised:
        generate(server, *script, **{"key": KEY, **fields})
    assert KEY not in str(raised.value)
    return str(raised.value)


def grey(height: int, width: int, value: float = 0.5) -> np.ndarray:
    return np.full((height, width, 3), value, np.float32)


def sent(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


# What goes out


def test_the_server_gets_brias_instructions_and_what_the_profile_says(server: ChatServer) -> None:
    generate(server, key=KEY, max_tokens=900, temperature=0.7)
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.system == instructions("generate", BRIEF).system and request.system.endswith(IN_ENGLISH)
    assert request.user == instructions("generate", BRIEF).prompt
    body = {name: value for name, value in request.body.items() if name not in ("messages", "response_format")}
    assert body == {"model": MODEL, "temperature": 0.7, "top_p": 1.0, "max_tokens": 900, "seed": 7}


def test_json_is_asked_for_in_openais_form(server: ChatServer) -> None:
    generate(server)
    form = server.requests[0].body["response_format"]
    assert form["type"] == "json_schema" and form["json_schema"]["name"] == "caption"
    assert "short_description" in form["json_schema"]["schema"]["properties"]


def test_a_server_that_knows_no_such_form_is_asked_in_a_plainer_one(server: ChatServer) -> None:
    reply = generate(server, "400_format", "400_format", "good")
    forms = [request.body.get("response_format", {}).get("type") for request in server.requests]
    assert forms == ["json_schema", "json_object", None] and reply.attempts == 3


def test_a_style_stands_among_the_instructions(server: ChatServer) -> None:
    ask(Ask("generate", BRIEF, style="editorial"), server.profile())
    assert style_guidance("editorial") in server.requests[0].system
    assert server.requests[0].system == instructions("generate", BRIEF, "editorial").system


def test_a_caption_that_is_refined_arrives_as_it_is(server: ChatServer) -> None:
    ask(Ask("refine", "warmer", caption=CAPTION), server.profile())
    assert f"[EXISTING JSON]:\n        {json.dumps(CAPTION)}\n" in server.requests[0].user
    assert "warmer" in server.requests[0].user


def test_a_picture_is_seen_as_it_is(server: ChatServer) -> None:
    picture = grey(600, 900)
    picture[:, 450:] = (1.0, 0.0, 0.0)
    for task, prompt in (("caption", ""), ("inspire", BRIEF)):
        server.script = ["good"]
        ask(Ask(task, prompt, pictures=(picture_bytes(picture),)), server.profile())
        (url,) = server.requests[0].pictures
        image = sent(url)
        assert image.width / image.height == pytest.approx(1.5, abs=0.01) and image.width * image.height <= 262144
        assert image.getpixel((20, 20)) == pytest.approx((128, 128, 128), abs=3)
        assert image.getpixel((image.width - 20, 20)) == pytest.approx((254, 0, 0), abs=4)


def test_an_edit_sends_its_pictures_in_order(server: ChatServer) -> None:
    pictures = tuple(picture_bytes(grey(64, 64, value)) for value in (0.0, 0.25, 0.5, 0.75))
    ask(Ask("edit", "put <image_4> into <image_1>", pictures=pictures, caption=CAPTION), server.profile())
    seen = [sent(url).getpixel((32, 32))[0] for url in server.requests[0].pictures]
    assert seen == pytest.approx([0, 64, 128, 191], abs=2)
    assert json.dumps(CAPTION) in server.requests[0].user


def test_a_masked_edit_shows_the_region_in_grey(server: ChatServer) -> None:
    mask = np.zeros((200, 300), np.float32)
    mask[:, :150] = 1
    asked = Ask("edit_mask", "a cat", (picture_bytes(grey(200, 300, 1.0)),), mask_bytes(mask))
    ask(asked, server.profile())
    image = sent(server.requests[0].pictures[0])
    assert image.getpixel((50, 100)) == pytest.approx((128, 128, 128), abs=3)
    assert image.getpixel((250, 100)) == pytest.approx((255, 255, 255), abs=3)


def test_pictures_larger_than_a_pipe_get_through(server: ChatServer) -> None:
    noise = np.random.default_rng(1).random((1024, 1024, 3), np.float32)
    pictures = (picture_bytes(noise),) * 4
    assert sum(map(len, pictures)) > 8 << 20
    ask(Ask("edit", "swap them", pictures=pictures), server.profile())
    assert len(server.requests[0].pictures) == 4


def test_a_local_server_gets_no_key_of_another_service(server: ChatServer) -> None:
    generate(server, key=NO_KEY)
    assert server.requests[0].headers["authorization"] == f"Bearer {NO_KEY}"


def test_a_profile_may_leave_the_model_to_the_server(server: ChatServer, tmp_path: Path) -> None:
    reply = ask(Ask("generate", BRIEF), server.profile(model="openai/auto"), replies=ReplyStore(tmp_path))
    assert server.paths == ["/v1/models", "/v1/chat/completions"]
    assert server.requests[0].body["model"] == MODEL and reply.model == MODEL
    assert reply.key == "", "what another model said must not be taken for this one's"


def test_gemini_is_asked_with_the_profiles_key_and_no_other_model_instead(server: ChatServer) -> None:
    server.script = ["good"]
    profile = server.profile(model="gemini/gemini-3.5-flash-lite", key=KEY)
    with pytest.raises(ModelError, match="knows no such model"):
        ask(Ask("generate", BRIEF), profile)
    (request,) = server.requests
    assert "gemini-3.5-flash-lite" in request.path
    assert KEY in (request.headers.get("x-goog-api-key", ""), request.headers.get("authorization"))


# What comes back


@pytest.mark.parametrize("name", SAID)
def test_every_recorded_answer_comes_through_as_it_was_said(server: ChatServer, name: str) -> None:
    reply = generate(server, name)
    # litellm itself takes a model's <think> part off.
    assert reply.text.lstrip() == said(name).rpartition("</think>")[2].lstrip() and (reply.attempts, reply.cached) == (
        1,
        False,
    )
    assert reply.cut_off == (name in ("cut_off", "cut_off_early", "cut_off_at_start"))


def test_the_answer_to_an_edit_comes_through_too(server: ChatServer) -> None:
    server.script = ["cut_off"]
    reply = ask(Ask("edit", "marble", pictures=(picture_bytes(grey(64, 64)),)), server.profile())
    assert reply.text == said("cut_off") and reply.cut_off


def test_a_slow_answer_within_the_limit_is_waited_for(server: ChatServer) -> None:
    ticks: list[tuple[int, int]] = []
    server.script = [{"text": "x" * 100, "pause_s": 0.03}]
    reply = ask(Ask("generate", BRIEF), server.profile(), progress=lambda done, total: ticks.append((done, total)))
    assert reply.text == "x" * 100
    assert len(ticks) >= 3 * reply.seconds and ticks[-1][1] == 200
    assert all(0 <= done <= total for done, total in ticks)


@pytest.mark.parametrize(
    ("script", "requests", "parts"),
    [
        ("empty", 1, ["answered nothing"]),
        ("blank", 1, ["answered nothing"]),
        ("null", 1, ["answered nothing", "finish_reason stop"]),
        ("filtered", 1, ["content filter"]),
        ("400_filter", 1, ["content filter", "HTTP 400"]),
        ("huge", 1, ["far too long", "allowed: 1 MB"]),
        ("endless", 1, ["far too long", "more than 4 MB"]),
        ("invalid_utf8", 1, ["not a text in UTF-8"]),
        ("html", 1, ["not as a language model does", "Welcome to the router", "base_url"]),
        ("no_choices", 1, ["not as a language model does"]),
        ("401", 1, ["refuses the key", "HTTP 401", "check the key of profile test"]),
        ("401_with_key", 1, ["Incorrect API key provided: [key]"]),
        ("404_model", 1, ["knows no such model", "no-such-model"]),
        ("400_vision", 1, ["refuses the request", "image input is not supported"]),
        ("429_at_once", 4, ["is busy", "HTTP 429", "4 attempts"]),
        ("429_late", 1, ["is busy", "asks to wait 3600 s"]),
        ("429_quota", 1, ["no credit left"]),
        ("500_at_once", 4, ["service failed", "HTTP 500", "4 attempts"]),
        ("502_html", 4, ["service failed", "HTTP 502"]),
        ("503_loading", 4, ["service failed", "Loading model"]),
    ],
)
def test_every_failure_has_its_message(server: ChatServer, script: str, requests: int, parts: list[str]) -> None:
    text = refusal(server, script)
    assert [part for part in [f"profile test, openai/{MODEL}", server.url, "do: ", *parts] if part not in text] == []
    assert len(server.requests) == requests


@pytest.mark.parametrize("first", ["429_soon", "500_at_once", "502_html", "503_loading", "closed", "dropped"])
def test_what_may_pass_is_tried_again(server: ChatServer, first: str) -> None:
    reply = generate(server, first, "good")
    assert reply.text == said("good") and reply.attempts == len(server.requests) == 2


def test_attempts_are_four_at_most_whatever_fails(server: ChatServer) -> None:
    text = refusal(server, "500_at_once", "429_at_once", "400_format", "503_loading", "good")
    assert "4 attempts" in text and len(server.requests) == 4


def test_waits_grow_and_are_told(server: ChatServer, caplog: pytest.LogCaptureFixture) -> None:
    assert "HTTP 500; 4 attempts" in refusal(server, "500")
    waits = [record.args[3] for record in caplog.records]
    assert len(waits) == 3 and waits == sorted(waits) and waits[0] >= 0.3 and waits[2] <= 2.5
    assert [record.args[1:3] for record in caplog.records] == [("HTTP 500", 2), ("HTTP 500", 3), ("HTTP 500", 4)]


def test_a_server_that_is_not_there(server: ChatServer, tmp_path: Path) -> None:
    file = tmp_path / "models.json"
    file.write_text(json.dumps({"ollama": {"timeout_s": 20}}), encoding="utf-8")
    profile = find_profile("ollama", file)._replace(base_url="http://127.0.0.1:9/v1")
    with pytest.raises(ModelError) as raised:
        ask(Ask("generate", BRIEF), profile)
    assert "cannot be reached" in str(raised.value) and "http://127.0.0.1:9/v1" in str(raised.value)
    assert "start Ollama" in str(raised.value) and "refused" in str(raised.value)


def test_a_server_that_lists_no_models(server: ChatServer) -> None:
    profile = server.profile(model="openai/auto")._replace(base_url=server.url + "/elsewhere")
    with pytest.raises(ModelError, match="knows no such model"):
        ask(Ask("generate", BRIEF), profile)


def test_a_service_that_is_not_set_up_says_what_is_missing(server: ChatServer) -> None:
    with pytest.raises(ModelError) as raised:
        ask(Ask("generate", BRIEF), find_profile("vertex"))
    assert "VERTEXAI_PROJECT" in str(raised.value)


# Kept answers


def test_an_answer_is_asked_for_once(server: ChatServer, tmp_path: Path) -> None:
    store = ReplyStore(tmp_path)
    first = ask(Ask("generate", BRIEF, seed=1), server.profile(), replies=store)
    assert list(tmp_path.iterdir()) == [], "whoever finds the answer usable keeps it"
    store.put(first.key, first.text, first.model, first.cut_off)
    again = ask(Ask("generate", BRIEF, seed=1), server.profile(key="another"), replies=store)
    assert again == first._replace(attempts=0, cached=True, seconds=0.0) and len(server.requests) == 1
    ask(Ask("generate", BRIEF, seed=2), server.profile(), replies=store)
    assert len(server.requests) == 2


def test_no_key_stays_anywhere(
    server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    store = ReplyStore(tmp_path)
    texts = [repr(server.profile(key=KEY))]
    names = ("good", "401_with_key", "404_model", "html", "429_at_once", "500_at_once", "null", "400_vision")
    for seed, name in enumerate(names):
        server.script = [name]
        try:
            reply = ask(Ask("generate", BRIEF, seed=seed), server.profile(key=KEY), replies=store)
            store.put(reply.key, reply.text, reply.model)
            texts.append(repr(reply))
        except StudioFlowError as error:
            texts += [str(error), repr(error), repr(error.__cause__), repr(error.__context__)]
    assert len(texts) == 2 + 4 * 7
    texts += [str(path) + path.read_text() for path in tmp_path.iterdir()]
    texts += [record.getMessage() for record in caplog.records]
    texts += [*capfd.readouterr(), asking._worker._tail.decode(), *map(str, os.environ.values())]
    assert [text for text in texts if KEY in text] == []
