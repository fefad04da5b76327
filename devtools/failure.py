"""What goes wrong on a person's machine, and what to try then."""

import platform
import re
from collections.abc import Iterable
from pathlib import Path


class Failed(Exception):
    """Something that can go wrong on a person's machine: told without a traceback, exit code 1."""

    def __init__(self, message: str, tail: Iterable[str] = (), advice: str = "", log: Path | None = None):
        super().__init__("\n".join([message, *tail]))
        self.message, self.tail, self.advice, self.log = message, list(tail), advice, log


PYTHON_HERE = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
ADVICE = {
    r"No space left|Errno 28|not enough space|Disk quota": "the disk is full: PyTorch and the rest need about 8 GB "
    "here, and pip some more in the folder for temporary files (TMPDIR). Make room and run the same command again.",
    r"ensurepip|No module named '?(venv|pip)\b": "this Python lacks venv or pip. On Debian and Ubuntu: "
    "`sudo apt install python3-venv`.",
    r"NewConnectionError|NameResolution|name resolution|Name or service not known|getaddrinfo|timed out|ConnectTimeout"
    r"|Connection (refused|reset|aborted|broken)|ConnectionError|ConnectError|Network is unreachable|ProxyError"
    r"|SSLError|CERTIFICATE_VERIFY": "the network did not answer. Check the connection (behind a proxy: HTTPS_PROXY "
    "or pip's settings), then run the same command again: what is finished is kept.",
    r"GatedRepo|401 Client|403 Client|RepositoryNotFound": "check the name. The model's page on huggingface.co may ask "
    "you to accept its licence first; then `hf auth login`.",
    r"ResolutionImpossible": "constraints.txt and the requirements files disagree: pip's lines above say where.",
    r"No matching distribution|Could not find a version": "there may be no such version for "
    f"{PYTHON_HERE}: try Python 3.11, 3.12 or 3.13.",
    r"Permission denied|Read-only file system|WinError 5\b": "make this folder writable, or clone into another.",
}


def advice_for(output: str) -> str:
    """What to try after a command that said `output`."""
    for pattern, text in ADVICE.items():
        if re.search(pattern, output, re.IGNORECASE):
            return text
    return "run the same command again: what is finished is kept."
