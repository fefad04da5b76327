"""The weights of the learned detectors: found, read as numbers, and downloaded from a server of our own."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pytest

from studioflow.errors import ModelError
from studioflow.resources import shipped, table
from studioflow.sketch import weights
from studioflow.sketch.weights import Weights, all_weights, find, folders_of, get, read, require, weights_of

from .detector_files import random_tensors, write_weights

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A Hugging Face cache of its own."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # the servers here are our own
    return folder


def cached(hub: Path, row: Weights, data: bytes) -> Path:
    """Puts a file where huggingface_hub keeps it."""
    place = hub / f"models--{row.repository.replace('/', '--')}" / "snapshots" / row.revision / row.path
    place.parent.mkdir(parents=True)
    place.write_bytes(data)
    return place


def test_the_table_is_what_its_schema_says() -> None:
    rules = json.loads((shipped("schemas") / "detectors.schema.json").read_text(encoding="utf-8"))
    jsonschema_rs.validator_for(rules).validate(table("sketch/detectors.json"))
    files = [row.file for row in all_weights()]
    assert len(set(files)) == len(files), "they share a folder"


def test_folders_come_before_the_cache(hub: Path, tmp_path: Path) -> None:
    row = weights_of("hed")
    ours, packs = folders_of(tmp_path / "ComfyUI")
    assert find(row, [ours, packs]) is None
    in_cache = cached(hub, row, b"1")
    assert find(row, [ours, packs]) == in_cache
    theirs = packs / "lllyasviel" / "Annotators" / "ControlNetHED.pth"
    for place in (theirs, ours / "ControlNetHED.pth"):
        place.parent.mkdir(parents=True)
        place.write_bytes(b"2")
        assert find(row, [ours, packs]) == place


def test_missing_weights_name_file_folder_and_command(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as told:
        require(weights_of("depth_anything"), [tmp_path / "a", tmp_path / "b"])
    text = str(told.value)
    assert "depth_anything_v2_small.safetensors" in text and "model.safetensors of huggingface.co/depth-any" in text
    assert str(tmp_path / "a") in text and str(tmp_path / "b") in text and "Hugging Face cache" in text
    assert f'studioflow models get depth_anything --to "{tmp_path / "a"}"' in text and "99.2 MB" in text


def test_every_format_is_read_with_the_networks_own_names(tmp_path: Path) -> None:
    for name in ("pidinet", "hed"):
        tensors = random_tensors(name)
        seen = read(write_weights(name, tmp_path, tensors), weights_of(name))
        assert seen.keys() == tensors.keys()
        assert all(torch.allclose(seen[key].float(), tensors[key], atol=1e-3) for key in tensors)


def test_a_damaged_file_of_the_cache_is_fetched_into_the_cache(hub: Path) -> None:
    row = weights_of("teed")
    with pytest.raises(ModelError, match=r"delete the file, then run: studioflow models get teed$"):
        read(cached(hub, row, b"half"), row)


class Trap:
    """A pickle of it makes a folder when it is opened."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.folder,)


def test_code_in_a_pickle_never_runs(tmp_path: Path) -> None:
    path = tmp_path / "5_model.pth"
    torch.save({"weight": Trap(str(tmp_path / "sprung"))}, path)
    with pytest.raises(ModelError, match="not complete, or no weights"):
        read(path, weights_of("teed"))
    assert not (tmp_path / "sprung").exists()


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0322caf7\nsize 242000\n"


@pytest.mark.parametrize("damage", ["half", "last", "empty", "pointer", "page", "list"])
@pytest.mark.parametrize("name", ["teed", "depth_anything"])
def test_damaged_files_are_told_with_their_size(name: str, damage: str, tmp_path: Path) -> None:
    path = tmp_path / weights_of(name).file
    if path.suffix == ".pth":
        torch.save([1, 2] if damage == "list" else {"weight": torch.ones(50, 50)}, path)
    else:
        from safetensors.torch import save_file

        save_file({"weight": torch.ones(50, 50)}, path)
        if damage == "list":
            path.write_bytes(b"\x02\0\0\0\0\0\0\0[]")
    whole = path.read_bytes()
    made = {"half": whole[: len(whole) // 2], "last": whole[:-1], "list": whole}
    path.write_bytes(made.get(damage, {"empty": b"", "pointer": POINTER, "page": b"<html>no</html>" * 99}.get(damage)))
    with pytest.raises(ModelError, match=rf"not complete(.|\n)*found: {path.stat().st_size:,} bytes(.|\n)*delete the"):
        read(path, weights_of(name))


class Hub(NamedTuple):
    """The little of Hugging Face that a download asks for: ``data`` under any name, after a redirect to a mirror."""

    server: ThreadingHTTPServer
    asked: list[str]
    answer: dict[str, Any]


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    asked: list[str] = []
    answer = {"data": bytes(range(256)) * 2000, "stop": False, "missing": False}

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._send(False)

        def do_GET(self) -> None:
            self._send(True)

        def _send(self, body: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            data = answer["data"]
            known = "/resolve/" in self.path and not answer["missing"]
            mirror = self.path.startswith("/mirror")
            self.send_response((200 if mirror else 302) if known else 404)
            self.send_header("Content-Length", str(len(data)) if known and mirror else "0")
            if known and not mirror:
                self.send_header("Location", f"http://localhost:{self.server.server_port}/mirror{self.path}")
                self.send_header("X-Repo-Commit", self.path.split("/")[4])
                self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
                self.send_header("X-Linked-Size", str(len(data)))
            self.end_headers()
            if body and known and mirror:
                if answer["stop"]:
                    self.wfile.write(data[: len(data) // 2])
                    self.wfile.flush()
                    os.kill(os.getpid(), signal.SIGINT)
                    threading.Event().wait(1)
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    template = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    yield Hub(server, asked, answer)
    server.shutdown()
    server.server_close()


@pytest.fixture
def row(online: Hub) -> Weights:
    """A row of the table whose checksum is that of what the server has."""
    return weights_of("teed")._replace(sha256=hashlib.sha256(online.answer["data"]).hexdigest())


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_into_a_folder_and_not_twice(online: Hub, row: Weights, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "controlnet_aux"
    path = get(row, folder)
    assert path == folder / "5_model.pth" and path.read_bytes() == online.answer["data"]
    assert left(tmp_path) == ["5_model.pth"]
    assert f"GET /mirror/{row.repository}/resolve/{row.revision}/{row.path}" in online.asked
    before = len(online.asked)
    assert get(row, folder) == path and len(online.asked) == before
    path.write_bytes(b"half of it")
    assert get(row, folder).read_bytes() == online.answer["data"]


def test_into_the_cache_where_it_is_found(online: Hub, row: Weights, hub: Path) -> None:
    path = get(row, None)
    assert path.read_bytes() == online.answer["data"] and hub in path.parents and find(row, []) == path
    before = len(online.asked)
    assert get(row, None) == path and len(online.asked) == before


@pytest.mark.parametrize("to_folder", [True, False])
def test_another_file_than_expected_is_deleted(to_folder: bool, online: Hub, tmp_path: Path) -> None:
    row = weights_of("teed")
    with pytest.raises(ModelError, match=rf"not the weights of TEED(.|\n)*allowed: SHA-256 {row.sha256}"):
        get(row, tmp_path / "to" if to_folder else None)
    assert find(row, [tmp_path / "to"]) is None
    assert not left(tmp_path / "to")


def test_what_was_there_stays_until_the_new_one_is_whole(online: Hub, tmp_path: Path) -> None:
    (tmp_path / "5_model.pth").write_bytes(b"mine")
    with pytest.raises(ModelError, match="not the weights"):
        get(weights_of("teed"), tmp_path)
    assert (tmp_path / "5_model.pth").read_bytes() == b"mine"


def test_ctrl_c_leaves_nothing(online: Hub, row: Weights, tmp_path: Path) -> None:
    online.answer["stop"] = True
    with pytest.raises(KeyboardInterrupt):
        get(row, tmp_path / "to")
    assert not left(tmp_path / "to") and not list((tmp_path / "to").iterdir())


def test_a_server_without_the_file_is_told(online: Hub, row: Weights, tmp_path: Path) -> None:
    online.answer["missing"] = True
    with pytest.raises(ModelError, match=r"127.0.0.1:\d+/fal/teed/resolve(.|\n)*could not be downloaded(.|\n)*404"):
        get(row, tmp_path)
    assert not left(tmp_path)


def test_no_server_is_told(row: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    # huggingface_hub tries again for half a minute.
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(ModelError, match=r"could not be downloaded(.|\n)*found: Connect(.|\n)*check the connection"):
        get(row, tmp_path)
    assert not left(tmp_path)


def test_a_full_disk_is_told_before_anything_is_asked(
    online: Hub, row: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = weights.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(weights.shutil, "disk_usage", lambda folder: usage._replace(free=int(1e6)))
    with pytest.raises(ModelError, match=r"the disk is too full(.|\n)*found: 1 MB free(.|\n)*allowed: 50 MB"):
        get(row, tmp_path / "not" / "yet")
    assert not online.asked and not (tmp_path / "not").exists()


def test_nothing_but_get_goes_online(online: Hub, row: Weights, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        require(row, [tmp_path])
    assert find(row, [tmp_path]) is None and not online.asked
