"""A job over a line that breaks and on a server that freezes, restarts or dies."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from studioflow.queue import (
    ComfyClient,
    JobFailed,
    Progress,
    ServerLost,
    Timing,
)

from .comfy_stub import OUTPUTS, PATIENT, PROMPT, QUICK, SLOW_MACHINE, ComfyStub, in_loop, runs_on, stays_pending


def client(stub: ComfyStub, timing: Timing = PATIENT) -> ComfyClient:
    return ComfyClient(stub.url, timing=timing)


async def events_of(job) -> list:
    return [event async for event in job.events()]


@in_loop
async def test_a_dropped_line_is_taken_up_again_under_the_same_name():
    async def drops(stub, prompt_id):
        await stub.tell("execution_start", prompt_id)
        await stub.drop_sockets()
        while stub.owners[prompt_id] not in stub.sockets:
            await asyncio.sleep(0.005)
        await stub.state(prompt_id, {"1": ("finished", 1, 1)})
        await asyncio.sleep(0.1)
        await stub.succeed(prompt_id)

    async with ComfyStub(drops) as stub, client(stub) as comfy:
        events = await events_of(await comfy.submit(PROMPT))
        assert stub.connections == 2
    assert Progress(1, 2, "1", "StudioFlowLoadManifest", 1.0, 1.0) in events
    assert events[-1].result.outputs == OUTPUTS


@in_loop
async def test_a_job_that_ends_while_the_line_is_down():
    async def ends_unheard(stub, prompt_id):
        await stub.drop_sockets()
        stub.record(prompt_id, OUTPUTS)

    async with ComfyStub(ends_unheard) as stub, client(stub) as comfy:
        assert (await (await comfy.submit(PROMPT)).wait()).outputs == OUTPUTS


@in_loop
async def test_a_job_that_fails_while_the_line_is_down():
    async def fails_unheard(stub, prompt_id):
        await stub.drop_sockets()
        data = {"node_id": "1", "node_type": "X", "exception_type": "ValueError", "exception_message": "no"}
        stub.record(prompt_id, {}, [["execution_error", data]])

    async with ComfyStub(fails_unheard) as stub, client(stub) as comfy:
        with pytest.raises(JobFailed, match="ValueError: no"):
            await (await comfy.submit(PROMPT)).wait()


@in_loop
async def test_a_line_that_says_nothing_does_not_hide_the_end():
    """ComfyUI sometimes forgets a reconnected client when it cleans up after the old connection."""

    async def mute(stub, prompt_id):
        stub.record(prompt_id, OUTPUTS)

    async with ComfyStub(mute) as stub, client(stub) as comfy:
        assert (await (await comfy.submit(PROMPT)).wait()).outputs == OUTPUTS


@in_loop
async def test_a_restarted_server_has_forgotten_the_job():
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.02)
        await stub.restart()
        with pytest.raises(ServerLost, match="restarted and has forgotten"):
            await waiting


@in_loop
async def test_a_killed_server_is_lost_in_time():
    async with ComfyStub(runs_on) as stub, client(stub, QUICK) as comfy:
        waiting = asyncio.create_task((await comfy.submit(PROMPT)).wait())
        await asyncio.sleep(0.02)
        await stub.kill()
        began = time.perf_counter()
        with pytest.raises(ServerLost, match="nothing listens there"):
            await waiting
        assert time.perf_counter() - began < QUICK.worst_case + SLOW_MACHINE


@in_loop
async def test_a_server_out_of_reach_for_a_moment_is_not_lost():
    """A tunnel or a proxy between that starts anew."""
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.02)
        await stub.kill()
        await asyncio.sleep(0.2)
        await stub.listen(stub.port)
        await asyncio.sleep(0.2)
        assert not waiting.done()
        stub.record(job.id, OUTPUTS)
        assert (await waiting).outputs == OUTPUTS


@in_loop
async def test_a_frozen_server_is_lost_in_time():
    async with ComfyStub(runs_on) as stub, client(stub, QUICK) as comfy:
        waiting = asyncio.create_task((await comfy.submit(PROMPT)).wait())
        await asyncio.sleep(0.02)
        stub.thaw.clear()
        began = time.perf_counter()
        with pytest.raises(ServerLost, match="no answer within"):
            await waiting
        assert time.perf_counter() - began < QUICK.worst_case + SLOW_MACHINE


@in_loop
async def test_a_server_that_is_only_busy_is_not_lost():
    async def busy(stub, prompt_id):
        await stub.tell("execution_start", prompt_id)
        for _ in range(2):
            stub.thaw.clear()
            await asyncio.sleep(0.5)
            stub.thaw.set()
            await asyncio.sleep(0.1)
        await stub.succeed(prompt_id)

    assert 0.5 > 5 * PATIENT.quiet
    async with ComfyStub(busy) as stub, client(stub) as comfy:
        assert (await (await comfy.submit(PROMPT)).wait()).outputs == OUTPUTS
        assert stub.connections == 1, "nor is its line cut"


@in_loop
async def test_a_consumer_that_was_asleep_asks_before_it_calls_the_server_lost():
    timing = replace(PATIENT, lost_after=QUICK.lost_after)
    async with ComfyStub(runs_on) as stub, client(stub, timing) as comfy:
        job = await comfy.submit(PROMPT)
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.02)
        stub.thaw.clear()
        time.sleep(2 * QUICK.lost_after)
        asyncio.get_running_loop().call_later(0.05, stub.thaw.set)
        await asyncio.sleep(0.1)
        assert not waiting.done()
        stub.record(job.id, OUTPUTS)
        assert (await waiting).outputs == OUTPUTS


@pytest.mark.parametrize("answer", [(502, "Bad Gateway"), (200, "{nonsense"), (200, "[]")])
@in_loop
async def test_answers_that_make_no_sense_are_no_sign_of_life(answer):
    async with ComfyStub(runs_on) as stub, client(stub, QUICK) as comfy:
        job = await comfy.submit(PROMPT)
        stub.broken_history = answer
        with pytest.raises(ServerLost, match="stopped answering"):
            await job.wait()


@in_loop
async def test_a_running_job_costs_no_look_at_the_whole_queue():
    async with ComfyStub(runs_on) as stub, client(stub) as comfy:
        waiting = asyncio.create_task((await comfy.submit(PROMPT)).wait())
        await asyncio.sleep(0.3)
        assert stub.asked.count("GET queue") == 0
        assert 1 <= stub.asked.count("GET history") < 8
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


@in_loop
async def test_a_queue_too_large_to_read_does_not_lose_the_job(monkeypatch):
    async with ComfyStub(stays_pending) as stub, client(stub) as comfy:
        job = await comfy.submit(PROMPT)
        monkeypatch.setattr("studioflow.queue.http.MAX_ANSWER_BYTES", 50)
        job.doubt()
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        monkeypatch.undo()
        stub.record(job.id, OUTPUTS)
        assert (await waiting).outputs == OUTPUTS
