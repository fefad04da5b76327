"""A job from submission to its end, on a server that lives."""

from __future__ import annotations

import asyncio
import struct
import time
import uuid
from dataclasses import replace

import pytest

from studioflow.queue import (
    ComfyClient,
    FileRef,
    Finished,
    JobFailed,
    JobInterrupted,
    Progress,
    Started,
    Text,
    Timing,
)

from .comfy_stub import OUTPUTS, PATIENT, PROMPT, QUICK, SLOW_MACHINE, ComfyStub, happy, in_loop, runs_on, stays_pending

OURS = """camera/lens/focal_length_mm: a number out of range
  found: 9000
  allowed: 4 to 2000
  do: give the focal length in millimetres"""


def client(stub: ComfyStub, timing: Timing = PATIENT) -> ComfyClient:
    return ComfyClient(stub.url, timing=timing)


async def events_of(job) -> list:
    return [event async for event in job.events()]


@in_loop
async def test_a_job_from_start_to_end():
    async with ComfyStub() as stub, client(stub) as comfy:
        chosen = str(uuid.uuid4())
        job = await comfy.submit(PROMPT, workflow={"nodes": []}, prompt_id=chosen)
        events = await events_of(job)
        body = stub.posted[0]
    assert job.id == chosen == body["prompt_id"]
    assert body["extra_data"] == {"extra_pnginfo": {"workflow": {"nodes": []}}}
    assert isinstance(events[0], Started) and isinstance(events[-1], Finished)
    steps = [event for event in events if isinstance(event, Progress)]
    assert [(step.node_id, step.value) for step in steps] == [
        *(("1", float(value)) for value in range(5)),
        ("1", 4.0),
        ("2", 0.0),
        ("2", 1.0),
    ]
    assert steps[1] == Progress(0, 2, "1", "StudioFlowLoadManifest", 1.0, 4.0)
    assert steps[-1] == Progress(2, 2, "2", "StudioFlowSaveDelivery", 1.0, 1.0)
    result = events[-1].result
    assert result.prompt_id == chosen
    assert result.outputs == OUTPUTS
    assert result.files() == [
        FileRef("shot_00001_.png"),
        FileRef("shot_00001_.exr", "hero"),
    ]


@in_loop
async def test_wait_hands_on_every_event_and_can_be_repeated():
    async with ComfyStub() as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        events = []
        result = await job.wait(events.append)
        assert events[-1] == Finished(result)
        assert await job.wait() is result


@in_loop
async def test_events_can_be_left_and_taken_up_again():
    async with ComfyStub() as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        async for event in job.events():
            assert isinstance(event, Started)
            break
        assert (await job.wait()).files()


@in_loop
async def test_cached_nodes_count_as_done():
    async def cached(stub, prompt_id):
        await stub.tell("execution_start", prompt_id)
        await stub.tell("execution_cached", prompt_id, nodes=["1", "99"])
        await stub.state(prompt_id, {"2": ("finished", 1, 1)})
        await stub.succeed(prompt_id)

    async with ComfyStub(cached) as stub, client(stub) as comfy:
        events = await events_of(await comfy.submit(PROMPT))
    assert [(event.done, event.total) for event in events if isinstance(event, Progress)] == [(2, 2)]


@in_loop
async def test_nodes_made_while_the_graph_runs_show_as_the_node_that_made_them():
    async def expands(stub, prompt_id):
        inner = {"state": "finished", "value": 3, "max": 3, "real_node_id": "1"}
        await stub.tell("progress_state", prompt_id, nodes={"1.0.7": inner, "odd": "text"})
        await stub.tell("progress_state", prompt_id, nodes={"1": {"state": "running", "max": 10**400}})
        await stub.succeed(prompt_id)

    async with ComfyStub(expands) as stub, client(stub) as comfy:
        events = await events_of(await comfy.submit(PROMPT))
    assert [event for event in events if isinstance(event, Progress)] == [
        Progress(0, 2, "1", "StudioFlowLoadManifest", 3.0, 3.0),
        Progress(0, 2, "1", "StudioFlowLoadManifest", 0.0, 1.0),
    ]


@in_loop
async def test_success_is_told_before_the_history_is_written():
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.history_delay = 0.2
        assert (await (await comfy.submit(PROMPT)).wait()).outputs == OUTPUTS


@in_loop
async def test_success_needs_no_silence_to_be_noticed():
    async with ComfyStub() as stub, client(stub, replace(PATIENT, quiet=5.0)) as comfy:
        began = time.perf_counter()
        await (await comfy.submit(PROMPT)).wait()
        assert time.perf_counter() - began < SLOW_MACHINE


@in_loop
async def test_executing_null_is_not_the_end():
    async def null_first(stub, prompt_id):
        await stub.tell("executing", prompt_id, node=None)
        await asyncio.sleep(0.15)
        await happy(stub, prompt_id)

    async with ComfyStub(null_first) as stub, client(stub) as comfy:
        assert (await (await comfy.submit(PROMPT)).wait()).outputs == OUTPUTS


@in_loop
async def test_binary_frames_give_text_and_otherwise_do_not_disturb():
    async def speaks(stub, prompt_id):
        await stub.send_words(prompt_id, "1", "too early, so not ours")
        await stub.tell("execution_start", prompt_id)
        for frame in (
            struct.pack(">II", 1, 1) + b"\xff\xd8 a preview",
            struct.pack(">II", 4, 2) + b"{}",
            struct.pack(">II", 3, 4_000_000_000) + b"1",
            b"",
            b"\x00\x00\x00\x03",
            "not JSON",
            "[1]",
            '{"type": "x", "data": null}',
        ):
            await stub.send(prompt_id, frame)
        await stub.send_words(prompt_id, "1", "stand-in weights: the picture is noise · été")
        await stub.send_words(prompt_id, "77", "a node of somebody else")
        await stub.succeed(prompt_id)

    async with ComfyStub(speaks) as stub, client(stub) as comfy:
        events = await events_of(await comfy.submit(PROMPT))
    assert [event for event in events if isinstance(event, Text)] == [
        Text("1", "stand-in weights: the picture is noise · été")
    ]


@in_loop
async def test_other_peoples_jobs_are_not_ours():
    async def among_others(stub, prompt_id):
        stub.owners["other"] = stub.owners[prompt_id]
        await stub.tell("execution_start", "other")
        await stub.state("other", {"1": ("running", 3, 4)})
        await stub.tell("execution_error", "other", node_id="1", exception_message="not ours")
        await stub.tell("execution_interrupted", "other", node_id="1")
        await stub.tell("execution_success", "other")
        await asyncio.sleep(0.1)
        await happy(stub, prompt_id)

    async with ComfyStub(among_others) as stub, client(stub) as comfy:
        first, second = await comfy.submit(PROMPT), await comfy.submit(PROMPT)
        one, two = await asyncio.gather(events_of(first), events_of(second))
    for job, events in ((first, one), (second, two)):
        assert events[-1].result.prompt_id == job.id
        assert len(events) == 10, "eight steps, a start and an end, and nothing of the other's"


@in_loop
async def test_a_node_error_reads_as_the_node_wrote_it():
    async def fails(stub, prompt_id):
        data = {
            "node_id": "1",
            "node_type": "StudioFlowLoadManifest",
            "exception_type": "/opt/comfy/custom_nodes/pack.studioflow.errors.ManifestError",
            "exception_message": OURS + "\n\n",
        }
        await stub.tell("execution_start", prompt_id)
        await stub.tell("execution_error", prompt_id, **data)
        stub.record(prompt_id, {}, [["execution_error", data]])

    async with ComfyStub(fails) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        with pytest.raises(JobFailed) as caught:
            await job.wait()
        with pytest.raises(JobFailed):
            await job.wait()
    error = caught.value
    assert (error.node_id, error.node_class, error.message) == ("1", "StudioFlowLoadManifest", OURS)
    assert str(error) == "node 1 (StudioFlowLoadManifest): " + OURS


@in_loop
async def test_a_foreign_node_error_says_its_type_and_where_to_look():
    async def fails(stub, prompt_id):
        data = {"node_id": "2", "node_type": "KSampler", "exception_type": "torch.OutOfMemoryError"}
        data["exception_message"] = "tried to allocate\nTIPS: smaller"
        stub.record(prompt_id, {}, [["execution_start", {}], ["execution_error", data]])

    async with ComfyStub(fails) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        with pytest.raises(JobFailed, match="OutOfMemoryError: tried to allocate") as caught:
            await job.wait()
    assert "console" in str(caught.value)


@in_loop
async def test_a_blocked_node_is_an_error_once_the_rest_has_run():
    async def blocks(stub, prompt_id):
        data = {"node_id": "2", "node_type": "SaveImage", "exception_type": "ExecutionBlocked"}
        data["exception_message"] = "Execution Blocked: no picture"
        await stub.tell("execution_error", prompt_id, **data)
        await asyncio.sleep(0.1)
        await stub.succeed(prompt_id, {})

    async with ComfyStub(blocks) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        with pytest.raises(JobFailed, match="no picture"):
            await job.wait()
        assert not stub.running, "the server was left to finish"


@in_loop
async def test_a_failure_without_a_message_is_a_failure():
    async def fails(stub, prompt_id):
        stub.running.remove(prompt_id)
        stub.history[prompt_id] = {"outputs": {}, "status": {"status_str": "error", "messages": []}}

    async with ComfyStub(fails) as stub, client(stub) as comfy:
        with pytest.raises(JobFailed):
            await (await comfy.submit(PROMPT)).wait()


@in_loop
async def test_cancel_a_running_job():
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.02)
        assert await job.cancel()
        with pytest.raises(JobInterrupted, match=r"node 1 \(StudioFlowLoadManifest\)"):
            await waiting
        assert await job.cancel(), "an ended job needs no cancelling"


@in_loop
async def test_cancel_a_pending_job():
    async with ComfyStub(stays_pending) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.02)
        assert await job.cancel()
        with pytest.raises(JobInterrupted, match="removed from the server's queue"):
            await waiting
        assert not stub.pending


@in_loop
async def test_cancel_says_so_where_the_node_does_not_stop():
    async with ComfyStub(runs_on) as stub, client(stub, replace(PATIENT, cancel=0.2)) as comfy:
        job = await comfy.submit(PROMPT)
        stub.record = lambda *_: None  # the running node does not look for the interrupt
        assert not await job.cancel()


@in_loop
async def test_a_pending_job_that_somebody_else_removes_is_not_waited_for():
    async with ComfyStub(stays_pending) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.12)
        assert not waiting.done()
        stub.pending.clear()
        await stub.send(job.id, '{"type": "status", "data": {"status": {}}}')
        with pytest.raises(JobInterrupted, match="removed"):
            await waiting


@in_loop
async def test_cancelling_the_waiting_task_cancels_the_job_and_stays_a_cancellation():
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        waiting = asyncio.create_task((await comfy.submit(PROMPT)).wait())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not stub.running


@in_loop
async def test_cancelling_the_waiting_task_does_not_hang_on_a_frozen_server():
    async with ComfyStub(runs_on) as stub, client(stub, QUICK) as comfy:
        waiting = asyncio.create_task((await comfy.submit(PROMPT)).wait())
        await asyncio.sleep(0.02)
        stub.thaw.clear()
        began = time.perf_counter()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert time.perf_counter() - began < QUICK.cancel + SLOW_MACHINE


@in_loop
async def test_outputs_that_name_no_file_are_no_files():
    odd = {
        "1": {"images": ["a string", {"subfolder": "x"}, {"filename": 3}]},
        "2": {"images": [{"filename": "a.png"}]},
        "3": "not an output",
        "4": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]},
    }

    async def oddly(stub, prompt_id):
        await stub.succeed(prompt_id, odd)

    async with ComfyStub(oddly) as stub, client(stub) as comfy:
        assert (await (await comfy.submit(PROMPT)).wait()).files() == [FileRef("a.png")]


@in_loop
async def test_leaving_the_client_with_a_job_still_running_leaves_nothing_behind():
    async with ComfyStub(runs_on) as stub:
        async with client(stub) as comfy:
            await comfy.submit(PROMPT)
            before = asyncio.all_tasks()
            assert len(before) > 1
        await asyncio.sleep(0.02)
        assert not stub.sockets


@in_loop
async def test_leaving_the_client_does_not_wait_for_a_frozen_server():
    async with ComfyStub(runs_on) as stub:
        stub.deaf_sockets = True
        async with client(stub) as comfy:
            await comfy.submit(PROMPT)
            await asyncio.sleep(0.05)
            began = time.perf_counter()
        assert time.perf_counter() - began < SLOW_MACHINE
