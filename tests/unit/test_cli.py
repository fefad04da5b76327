"""The command line: exit codes, one clear error, nothing written."""

from __future__ import annotations

import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studioflow import VERSION
from studioflow.cli import main


@pytest.fixture
def web_server():
    """A server that is not ComfyUI: a plain web page at every address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>a router</html>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def failing(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(part) for part in arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: ") and "Traceback" not in captured.err
    return captured.err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0 and VERSION in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["rendr"], ["render"], ["compile", "x.json", "--dialect", "fibo-3"]])
def test_wrong_usage_exits_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_compile_prints_the_caption(sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(sample)]) == 0
    assert json.loads(capsys.readouterr().out)["lighting"]["direction"].startswith("side-lit from the left")


def test_a_bad_manifest_is_told_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shot.json"
    path.write_text('{"studioflow": "1.0", "scene": {}, "camra": {}}')
    assert 'did you mean "camera"' in failing(capsys, "compile", path)


def test_check_tells_every_fault_with_its_line(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shot.json"
    path.write_text('{"studioflow": "1.0",\n "scene": {"mod": 1},\n "camera": {"lens": {"aperture": 0}}}')
    assert main(["check", str(sample), str(path), str(tmp_path / "none.json")]) == 1
    captured = capsys.readouterr()
    assert f"{path}:2:12 /scene/mod: unknown key" in captured.out
    assert f"{path}:3:22 /camera/lens/aperture: number out of range" in captured.out
    assert "none.json: the manifest cannot be read" in captured.out
    assert captured.err == "3 checked, faults: 3\n"


def test_check_speaks_json_to_programs(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "shot.json"
    path.write_text('{"studioflow": "1.0",\n scene: {}}')
    assert main(["check", "--json", str(path)]) == 1
    (fault,) = json.loads(capsys.readouterr().out)
    assert (fault["file"], fault["line"], fault["column"]) == (str(path), 2, 2)
    assert main(["check", "--json", str(sample)]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_server_that_is_not_there(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = free_address()
    told = failing(capsys, "render", sample, "--server", address, "--out", tmp_path)
    assert address in told and list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_comfyui(
    web_server: str, sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not ComfyUI" in failing(capsys, "render", sample, "--server", web_server, "--out", tmp_path)


def test_an_output_folder_that_cannot_be(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    told = failing(capsys, "render", sample, "--server", free_address(), "--out", tmp_path / "file" / "sub")
    assert "output folder" in told


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tmp_path.chmod(0o500)
    assert "no write permission" in failing(capsys, "render", sample, "--server", free_address(), "--out", tmp_path)


def test_an_unknown_recipe(sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = failing(capsys, "render", sample, "--server", free_address(), "--out", tmp_path, "--recipe", "product-hero")
    assert 'did you mean "product_hero"' in told
