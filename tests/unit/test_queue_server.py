"""Which server is it: addresses, greeting, nodes, and what a refused prompt says."""

from __future__ import annotations

import base64
import socket

import pytest
from aiohttp import web

from studioflow.errors import QueueError
from studioflow.queue import (
    DEFAULT_TIMING,
    AccessRefused,
    BadAddress,
    BadAnswer,
    ComfyClient,
    NotComfyUI,
    PackMissing,
    PromptRefused,
    ServerLost,
    ServerUnreachable,
    Timing,
)

from .comfy_stub import PATIENT, PROMPT, QUICK, ComfyStub, in_loop, runs_on


def client(stub: ComfyStub, timing: Timing = PATIENT) -> ComfyClient:
    return ComfyClient(stub.url, timing=timing)


def test_a_dead_server_is_an_error_within_ten_seconds_by_default():
    assert DEFAULT_TIMING.worst_case < 10
    assert DEFAULT_TIMING.lost_after - DEFAULT_TIMING.quiet > 5, "a server that imports torch is not dead"


@in_loop
async def test_greeting_reads_the_version():
    async with ComfyStub() as stub, client(stub) as comfy:
        assert comfy.version == "0.3.75"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.1:8188", "do: write http://127.0.0.1:8188"),
        ("localhost:8188", "do: write http://localhost:8188"),
        ("ftp://studio:8188", "found: ftp://"),
        ("http://", "cannot be read"),
        ("http://studio:99999", "cannot be read"),
        ("", "no scheme"),
        ("http://studio:8188/?token=hunter2", "before any ? or #"),
        ("http://studio:8188/#hunter2", "before any ? or #"),
        ("http://artist:hunter2@studio:port", "cannot be read"),
        ("http://artist:hunter2/@studio:8188", "cannot be read"),
        ("artist:hunter2@studio:8188", "found: studio:8188"),
        ("hunter2:artist://studio:8188", "scheme"),
    ],
)
def test_an_address_that_cannot_be_used_says_so_and_shows_no_secret(address, says):
    with pytest.raises(BadAddress) as caught:
        ComfyClient(address)
    assert says in str(caught.value)
    assert "http://host:port" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@in_loop
async def test_credentials_are_sent_and_never_shown():
    async with ComfyStub() as stub:
        address = stub.url.replace("//", "//artist:hunter2@")
        async with ComfyClient(address, timing=QUICK) as comfy:
            await (await comfy.submit(PROMPT)).wait()
        expected = "Basic " + base64.b64encode(b"artist:hunter2").decode()
        assert set(stub.authorization) == {expected}
        await stub.kill()
        with pytest.raises(ServerUnreachable) as caught:
            await ComfyClient(address, timing=QUICK).__aenter__()
        assert "hunter2" not in str(caught.value) and "artist" not in str(caught.value)
        assert "hunter2" not in repr(comfy._address)


@in_loop
async def test_nothing_listens():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(ServerUnreachable) as caught:
            await ComfyClient(f"http://127.0.0.1:{port}", timing=QUICK).__aenter__()
    assert f"http://127.0.0.1:{port}" in str(caught.value)
    assert "nothing listens there" in str(caught.value)
    assert "start ComfyUI" in str(caught.value)


@in_loop
async def test_unknown_host():
    with pytest.raises(ServerUnreachable, match=r"http://studio\.invalid:8188"):
        await ComfyClient("http://studio.invalid:8188", timing=QUICK).__aenter__()


@in_loop
async def test_something_listens_and_never_answers():
    async with ComfyStub() as stub:
        stub.thaw.clear()
        with pytest.raises(ServerUnreachable, match=r"no answer within 0\.3 s"):
            await client(stub, QUICK).__aenter__()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (web.Response(status=404), "HTTP status 404"),
        (web.Response(status=302, headers={"Location": "/login"}), "HTTP status 302"),
        (web.Response(text="<!doctype html><title>My NAS</title>", content_type="text/html"), "a web page"),
        (web.Response(text='{"system": ', content_type="application/json"), "not JSON"),
        (web.Response(body=b"\xff\xfe\x00"), "not JSON"),
        (web.Response(text="[" * 100_000), "not JSON"),
        (web.json_response(["system"]), "JSON that is a list"),
        (web.json_response({"system": "fine"}), "JSON of another program"),
    ],
)
@in_loop
async def test_something_else_listens(answer, says):
    async with ComfyStub() as stub:
        stub.stats = answer
        with pytest.raises(NotComfyUI) as caught:
            await client(stub).__aenter__()
    assert says in str(caught.value)
    assert stub.url in str(caught.value)


@in_loop
async def test_an_answer_without_end_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr("studioflow.queue.http.MAX_ANSWER_BYTES", 1 << 20)
    async with ComfyStub() as stub:
        stats = b'{"system": {}, "devices": []}'
        stub.stats = web.Response(body=stats + b" " * (2 << 20))
        with pytest.raises(NotComfyUI):
            await client(stub).__aenter__()
        stub.stats = web.Response(body=stats + b" " * (1 << 19))
        async with client(stub):
            pass


@in_loop
async def test_a_server_that_wants_credentials():
    async with ComfyStub() as stub:
        stub.stats = web.Response(status=401)
        with pytest.raises(AccessRefused, match="user and password"):
            await client(stub).__aenter__()


@in_loop
async def test_missing_nodes_are_named():
    async with ComfyStub() as stub, client(stub) as comfy:
        await comfy.require_nodes({"StudioFlowLoadManifest", "StudioFlowSaveDelivery"})
        with pytest.raises(PackMissing) as caught:
            await comfy.require_nodes({"StudioFlowRelight", "StudioFlowLoadManifest", "StudioFlowAce"})
    assert caught.value.missing == ("StudioFlowAce", "StudioFlowRelight")
    assert "no StudioFlowAce, no StudioFlowRelight" in str(caught.value)
    assert "StudioFlowLoadManifest" not in str(caught.value)
    assert "custom_nodes" in str(caught.value)


NODE_ERRORS = {
    "2": {
        "class_type": "StudioFlowSaveDelivery",
        "dependent_outputs": ["2"],
        "errors": [
            {"type": "required_input_missing", "message": "Required input is missing", "details": "image"},
            {"type": "value_not_in_list", "message": "Value not in list", "details": "format: 'gif' not in …"},
        ],
    },
    "1": {"errors": [{"type": "custom_validation_failed", "message": "", "details": "two\nlines"}]},
}


@in_loop
async def test_a_refused_prompt_says_what_is_wrong_with_each_node():
    async with ComfyStub() as stub, client(stub) as comfy:
        error = {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation"}
        error["details"] = "Required input is missing: image"
        stub.refusal = (400, {"error": error, "node_errors": NODE_ERRORS})
        with pytest.raises(PromptRefused) as caught:
            await comfy.submit(PROMPT)
        assert "POST queue" not in stub.asked
    refusal, other = caught.value.nodes
    assert (refusal.node_id, refusal.node_class) == ("2", "StudioFlowSaveDelivery")
    assert refusal.complaints == (
        "Required input is missing: image",
        "Value not in list: format: 'gif' not in …",
    )
    assert other.node_class == "StudioFlowLoadManifest", "the prompt knows what the answer leaves out"
    text = str(caught.value)
    assert "Prompt outputs failed validation" in text
    assert "node 2 (StudioFlowSaveDelivery): Value not in list" in text
    assert text.count("Required input is missing") == 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            {
                "type": "missing_node_type",
                "message": "Node 'Relight' not found. The custom node may not be installed.",
                "details": "Node ID '#7'",
                "extra_info": {"node_id": "7", "class_type": "StudioFlowRelight", "node_title": "Relight"},
            },
            "Node 'Relight' not found. The custom node may not be installed: StudioFlowRelight, Node ID '#7'",
        ),
        (
            {
                "type": "invalid_prompt",
                "message": "Cannot execute because node StudioFlowRelight does not exist.",
                "details": "Node ID '#7'",
                "extra_info": {},
            },
            "Cannot execute because node StudioFlowRelight does not exist: Node ID '#7'",
        ),
        ("out of order", "no reason was given"),
    ],
    ids=["today", "0.3.75", "shapeless"],
)
@in_loop
async def test_a_prompt_with_a_node_that_the_server_lacks(error, says):
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.refusal = (400, {"error": error, "node_errors": {}})
        with pytest.raises(PromptRefused) as caught:
            await comfy.submit(PROMPT)
    assert says in str(caught.value)


@in_loop
async def test_a_prompt_accepted_in_part_is_refused_and_its_remainder_cancelled():
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        stub.node_errors = NODE_ERRORS
        with pytest.raises(PromptRefused, match="only in part"):
            await comfy.submit(PROMPT)
        assert not stub.running and not stub.pending


@pytest.mark.parametrize("prompt", [{}, {"nodes": [], "links": []}, {"1": {"inputs": {}}}])
@in_loop
async def test_a_workflow_that_is_not_in_the_api_format_is_not_even_sent(prompt):
    async with ComfyStub() as stub, client(stub) as comfy:
        with pytest.raises(PromptRefused, match="API format"):
            await comfy.submit(prompt)
        assert not stub.posted


@in_loop
async def test_a_server_error_on_submission():
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.refusal = (500, {})
        with pytest.raises(BadAnswer, match="HTTP status 500"):
            await comfy.submit(PROMPT)


@in_loop
async def test_a_server_that_chooses_another_id_is_too_old():
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.refusal = (200, {"prompt_id": "another", "node_errors": {}})
        with pytest.raises(BadAnswer, match="another job id"):
            await comfy.submit(PROMPT)


@in_loop
async def test_a_server_that_freezes_while_it_takes_the_prompt_is_not_asked_twice():
    async with ComfyStub() as stub, client(stub, QUICK) as comfy:
        await comfy.submit(PROMPT)
        stub.asked.clear()
        stub.thaw.clear()
        with pytest.raises(ServerLost, match="look in its queue for job"):
            await comfy.submit(PROMPT)
        assert stub.asked.count("POST prompt") == 1


@in_loop
async def test_a_websocket_that_is_not_let_through():
    async with ComfyStub() as stub, client(stub) as comfy:
        comfy._http._address = type(comfy._address)(comfy._address.base / "prefix", stub.url)
        with pytest.raises(BadAnswer, match="no websocket"):
            await comfy.submit(PROMPT)


def test_every_error_is_a_queue_error():
    import studioflow.queue as queue

    errors = [getattr(queue, name) for name in queue.__all__ if isinstance(getattr(queue, name), type)]
    assert all(issubclass(error, QueueError) for error in errors if issubclass(error, Exception))
