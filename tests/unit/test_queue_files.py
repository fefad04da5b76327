"""Files to and from the server: whole or not at all, and never outside their folder."""

from __future__ import annotations

import asyncio
import time

import pytest
from aiohttp import web

from studioflow.queue import ComfyClient, FileRef, ServerLost, Timing, TransferFailed, UnsafeName

from .comfy_stub import PATIENT, QUICK, SLOW_MACHINE, ComfyStub, in_loop


def client(stub: ComfyStub, timing: Timing = PATIENT) -> ComfyClient:
    return ComfyClient(stub.url, timing=timing)


@in_loop
async def test_fetch_brings_the_bytes(tmp_path):
    async with ComfyStub() as stub, client(stub) as comfy:
        content = bytes(range(256)) * 4000
        stub.files["hero", "shot é.exr"] = content
        path = await comfy.fetch(FileRef("shot é.exr", "hero"), tmp_path)
    assert path == tmp_path / "shot é.exr"
    assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == ["shot é.exr"]


@in_loop
async def test_fetch_never_replaces_a_file(tmp_path):
    (tmp_path / "shot.png").write_bytes(b"mine")
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.files["", "shot.png"] = b"theirs"
        paths = await asyncio.gather(*(comfy.fetch(FileRef("shot.png"), tmp_path) for _ in range(3)))
    assert {path.name for path in paths} == {"shot_2.png", "shot_3.png", "shot_4.png"}
    assert (tmp_path / "shot.png").read_bytes() == b"mine"
    assert (tmp_path / "shot_3.png").read_bytes() == b"theirs"
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/etc/cron.d/evil", "..", ".", "", "a/b.png", "a\\b.png", "C:evil.png", "a\0.png", "a\n.png"],
)
@in_loop
async def test_names_that_would_leave_the_folder_are_refused_unasked(tmp_path, name):
    inside = tmp_path / "out"
    inside.mkdir()
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.files["", name] = b"evil"
        stub.asked.clear()
        with pytest.raises(UnsafeName):
            await comfy.fetch(FileRef(name), inside)
        with pytest.raises(UnsafeName):
            await comfy.upload_input(b"evil", name)
        assert not stub.asked
    assert [path.name for path in tmp_path.rglob("*")] == ["out"]


@in_loop
async def test_a_server_that_dies_while_it_sends_leaves_no_file(tmp_path):
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(b"x" * 400_000)
        await asyncio.sleep(0.05)
        request.transport.abort()
        return response

    async with ComfyStub() as stub, client(stub, QUICK) as comfy:
        stub.view = half
        with pytest.raises(ServerLost, match="while it sent a file"):
            await comfy.fetch(FileRef("shot.exr"), tmp_path)
    assert not list(tmp_path.iterdir())


@in_loop
async def test_a_server_that_freezes_while_it_sends_leaves_no_file(tmp_path):
    async def stalls(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000000"})
        await response.prepare(request)
        await response.write(b"x" * 400_000)
        await stub.thaw.wait()
        return response

    async with ComfyStub() as stub, client(stub, QUICK) as comfy:
        stub.view = stalls
        fetching = asyncio.create_task(comfy.fetch(FileRef("shot.exr"), tmp_path))
        await asyncio.sleep(0.05)
        stub.thaw.clear()
        began = time.perf_counter()
        with pytest.raises(ServerLost):
            await fetching
        assert time.perf_counter() - began < QUICK.worst_case + SLOW_MACHINE
        stub.thaw.set()
    assert not list(tmp_path.iterdir())


@in_loop
async def test_a_cancelled_fetch_leaves_no_file(tmp_path):
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x" * 1000)
            await asyncio.sleep(0.02)
        return response

    async with ComfyStub() as stub, client(stub) as comfy:
        stub.view = slow
        fetching = asyncio.create_task(comfy.fetch(FileRef("shot.exr"), tmp_path))
        await asyncio.sleep(0.1)
        assert list(tmp_path.iterdir())
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
    assert not list(tmp_path.iterdir())


@in_loop
async def test_a_file_that_is_not_there(tmp_path):
    async with ComfyStub() as stub, client(stub) as comfy:
        with pytest.raises(TransferFailed, match="HTTP status 404"):
            await comfy.fetch(FileRef("gone.png"), tmp_path)
    assert not list(tmp_path.iterdir())


@in_loop
async def test_a_file_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("studioflow.queue.files.MAX_FILE_BYTES", 1000)
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.files["", "shot.png"] = b"x" * 5000
        with pytest.raises(TransferFailed, match="too large"):
            await comfy.fetch(FileRef("shot.png"), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["missing", "file"])
@in_loop
async def test_a_folder_that_cannot_be_written_to(tmp_path, kind):
    folder = tmp_path / "out"
    if kind == "file":
        folder.write_text("I am not a folder")
    async with ComfyStub() as stub, client(stub) as comfy:
        stub.files["", "shot.png"] = b"x"
        with pytest.raises(TransferFailed, match="cannot be written"):
            await comfy.fetch(FileRef("shot.png"), folder)


@in_loop
async def test_upload_from_bytes_and_from_a_file(tmp_path):
    source = tmp_path / "hero.json"
    source.write_bytes(b"{}" * 300_000)
    async with ComfyStub() as stub, client(stub) as comfy:
        assert await comfy.upload_input(b"one", 'é "a".json') == 'studioflow/é "a".json'
        assert await comfy.upload_input(b"two", 'é "a".json') == 'studioflow/é "a".json'
        assert await comfy.upload_input(str(source), "big.json", subfolder="a/b") == "a/b/big.json"
        assert stub.uploads == {'studioflow/é "a".json': b"two", "a/b/big.json": source.read_bytes()}


@in_loop
async def test_uploads_that_cannot_be(tmp_path):
    async with ComfyStub() as stub, client(stub) as comfy:
        with pytest.raises(TransferFailed, match="cannot be read"):
            await comfy.upload_input(tmp_path / "missing.json", "x.json")
        with pytest.raises(TransferFailed, match="cannot be read"):
            await comfy.upload_input(tmp_path, "x.json")
        with pytest.raises(TransferFailed, match="max-upload-size"):
            stub.upload_status = 413
            await comfy.upload_input(b"x", "x.json")
        with pytest.raises(UnsafeName):
            await comfy.upload_input(b"x", "x.json", subfolder="../..")


@in_loop
async def test_an_upload_to_a_frozen_server_ends():
    async with ComfyStub() as stub, client(stub, QUICK) as comfy:
        stub.thaw.clear()
        began = time.perf_counter()
        with pytest.raises(ServerLost, match="stopped taking"):
            await comfy.upload_input(b"x" * (3 << 20), "x.json")
        assert time.perf_counter() - began < QUICK.worst_case + SLOW_MACHINE
