"""A running ComfyUI with the pack loaded: started, asked, and stopped whatever happens."""

import contextlib
import functools
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import places
from .failure import Failed
from .processes import ask, child_env, stop

GPU_FILES = ["nvidia*", "nvhost*", "nvmap", "kfd", "dxg", "dri"]

# dev.py or pytest may be killed before it can stop the host, so the host watches for that itself. Windows tells a
# process nothing about its parent's end; there the host only goes with its console.
WATCHING = """
import os, runpy, sys, threading, time
parent = int(sys.argv[1])
def watch():
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
del sys.argv[:2]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass
class Host:
    """A ComfyUI that answers at `url`; `base` is the folder that it reads and writes."""

    url: str
    port: int
    log: Path
    base: Path
    process: subprocess.Popen


@contextlib.contextmanager
def running_host(
    python: str | Path,
    comfyui_dir: str | Path,
    *,
    base_dir: str | Path | None = None,
    port: int | None = None,
    frontend: str | Path | None = None,
    cpu: bool | None = None,
    extra_args: Sequence[object] = (),
    env: dict[str, object] | None = None,
    check_pack: bool = True,
    timeout: float = 180,
) -> Iterator[Host]:
    """A ComfyUI with the pack loaded, ready for requests; stopped at the end of the with block, whatever happens.

    `cpu=None` finds out whether --cpu is needed; `frontend` is a folder for --front-end-root; `env` is added to the
    environment. Two hosts at a time need a `base_dir` each. Raises Failed with the log's last lines.
    """
    comfyui, base = Path(comfyui_dir).resolve(), Path(base_dir or places.BASE).resolve()
    prepare_base(base, comfyui)
    port = free_port(port)
    arguments = [comfyui / "main.py", "--port", port, "--base-directory", base]
    # Without this one the database lies in ComfyUI's own folder, --base-directory or not.
    arguments += ["--database-url", f"sqlite:///{base / 'user' / 'comfyui.db'}"]
    arguments += ["--extra-model-paths-config", base / "extra_model_paths.yaml"]
    arguments += ["--disable-api-nodes", "--disable-auto-launch"]
    if needs_cpu_flag(python) if cpu is None else cpu:
        arguments.append("--cpu")
    if frontend:
        arguments += ["--front-end-root", frontend]
    if os.name == "nt":
        command, own_group = [python], {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        command, own_group = [python, "-c", WATCHING, os.getpid()], {"start_new_session": True}

    log = new_log(port)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in [*command, *arguments, *extra_args]],
            cwd=comfyui,
            env=child_env(comfyui, **(env or {})),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_group,
        )
    try:
        host = Host(f"http://127.0.0.1:{port}", port, log, base, process)
        wait_until_ready(host, timeout)
        if check_pack:
            check_pack_loaded(host)
        yield host
    finally:
        stop(process)


def get(url: str, timeout: float = 10) -> Any:
    """The JSON that a host answers."""
    # A proxy from the environment has no business with the loopback address.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=timeout) as answer:
        return json.load(answer)


def follow(host: Host) -> None:
    """Print the host's log until Ctrl-C. A host that ends by itself is a failure."""
    with host.log.open(encoding="utf-8", errors="replace") as log:
        while host.process.poll() is None:
            sys.stdout.write(log.read())
            sys.stdout.flush()
            time.sleep(0.2)
        sys.stdout.write(log.read())
    raise stopped(host)


def stopped(host: Host, when: str = "by itself") -> Failed:
    """The failure of a host that ended, with its last lines."""
    message = f"ComfyUI stopped {when} (exit code {host.process.returncode})"
    advice = "look at the lines above; `python dev.py host` starts it alone."
    return Failed(message, last_lines(host.log), advice, host.log)


def free_port(wanted: int | None = None) -> int:
    """A port of 127.0.0.1 that nobody listens at; Failed when the wanted one is taken."""
    with socket.socket() as probe:
        if os.name == "posix":  # as the server does it: without this, a port just left is taken for busy
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted or 0))
        except (OSError, OverflowError) as error:
            advice = "give another to --port, or leave it away."
            raise Failed(f"port {wanted} on 127.0.0.1 cannot be used: {error}", advice=advice) from error
        return probe.getsockname()[1]


def link_folder(link: Path, target: Path) -> None:
    """Make `link` lead to the folder `target`; an older link is replaced, a real folder never."""
    if os.path.realpath(link) == os.path.realpath(target):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif os.path.lexists(link):
        try:
            link.rmdir()  # takes away a Windows junction or an empty folder, nothing else
        except OSError as error:
            raise Failed(f"{link} is in the way: it is not a link", advice="move it away or delete it.") from error
    if os.name == "nt":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)


def prepare_base(base: Path, comfyui: Path) -> None:
    """Make the folder that ComfyUI reads and writes in place of its own."""
    for name in ("models/diffusers", "input", "output", "user"):
        (base / name).mkdir(parents=True, exist_ok=True)
    link_folder(base / "custom_nodes" / "studioflow", places.ROOT)
    kinds = ["diffusers", "checkpoints", "vae", "text_encoders", "clip", "unet", "diffusion_models", "loras"]
    lines = ["comfyui:", f"    base_path: {json.dumps(str(comfyui))}"]  # a JSON string is a YAML string
    lines += [f"    {kind}: models/{kind}" for kind in kinds]
    (base / "extra_model_paths.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


@functools.cache
def needs_cpu_flag(python: str | Path) -> bool:
    """Whether that Python's torch has no device but the CPU: ComfyUI does not start there without --cpu."""
    # Importing torch takes seconds. Linux shows as a file each kind of GPU that torch could use: no file, no GPU.
    if sys.platform == "linux" and not any(any(Path("/dev").glob(name)) for name in GPU_FILES):
        return True
    devices = ["torch.cuda", "torch.backends.mps", "torch.xpu"]
    code = "import torch; print(" + " or ".join(f"{device}.is_available()" for device in devices) + ")"
    return ask(python, code, wrong="cannot import torch").split()[-1:] != ["True"]


def new_log(port: int) -> Path:
    """Where the host on that port writes its log; of older logs the last ten stay."""
    places.LOGS.mkdir(parents=True, exist_ok=True)
    for old in sorted(places.LOGS.glob("comfyui-*.log"), key=lambda path: path.stat().st_mtime)[:-10]:
        with contextlib.suppress(OSError):
            old.unlink()
    return places.LOGS / f"comfyui-{port}.log"


def last_lines(log: Path, count: int = 15) -> list[str]:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def wait_until_ready(host: Host, timeout: float) -> None:
    """Return at the host's first answer; Failed when it ends or the time is over."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if host.process.poll() is not None:
            raise stopped(host, "while it started")
        with contextlib.suppress(OSError, ValueError):
            get(f"{host.url}/system_stats", timeout=2)
            return
        time.sleep(0.2)
    raise Failed(f"ComfyUI did not answer within {timeout} s", last_lines(host.log), log=host.log)


def check_pack_loaded(host: Host) -> None:
    """Failed, with what ComfyUI said about it, when the pack's nodes are not there."""
    if any(name.startswith("StudioFlow") for name in get(f"{host.url}/object_info", timeout=60)):
        return
    lines = host.log.read_text(encoding="utf-8", errors="replace").splitlines()
    pattern = re.compile("(Cannot import|Skip|comfy_entrypoint).*studio", re.IGNORECASE)
    said = [number for number, line in enumerate(lines, 1) if pattern.search(line)]
    end = said[-1] if said else len(lines)
    tail = lines[max(0, end - 15) : end]
    raise Failed("ComfyUI runs, but StudioFlow was not loaded into it", tail, "mend what its log says.", host.log)
