"""What can go wrong between here and a ComfyUI server, one class per way of failing.

No text in here ever carries a URL as it was given: it may hold a password. Only scheme, host and port are shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import QueueError


class BadAddress(QueueError):
    """A server address that is not ``http://host:port`` or ``https://host``."""


class ServerUnreachable(QueueError):
    """Nothing listens at the address, or what listens does not answer in time."""


class NotComfyUI(QueueError):
    """Something listens at the address, but it is not a ComfyUI."""


class AccessRefused(QueueError):
    """The server, or a proxy before it, wants other credentials."""


class BadAnswer(QueueError):
    """An answer that cannot be used: an HTTP error, not JSON, JSON of another shape, or too large."""


class AnswerTooLarge(BadAnswer):
    """An answer beyond the bound on what is read into memory."""


class PackMissing(QueueError):
    """The server lacks nodes that the work needs; ``missing`` holds their ids."""

    def __init__(self, missing: tuple[str, ...], where: str) -> None:
        self.missing = missing
        super().__init__(
            "this ComfyUI lacks nodes that the workflow needs",
            where=where,
            found="no " + ", no ".join(missing),
            fix="put the StudioFlow pack into its custom_nodes folder (or update ComfyUI, for a node of its "
            "own) and restart it; if the pack is there, its console says why it was not loaded",
        )


@dataclass(frozen=True)
class NodeRefusal:
    """What ComfyUI holds against one node of a prompt: a sentence for each complaint."""

    node_id: str
    node_class: str
    complaints: tuple[str, ...]


class PromptRefused(QueueError):
    """ComfyUI did not accept the prompt, or only a part of it; ``nodes`` says what is wrong with which node."""

    def __init__(self, where: str, reason: str, nodes: tuple[NodeRefusal, ...] = ()) -> None:
        self.nodes = nodes
        lines = [
            f"node {node.node_id} ({node.node_class}): {complaint}" for node in nodes for complaint in node.complaints
        ]
        super().__init__(
            f"the workflow was refused: {reason}",
            where=where,
            found="\n    ".join(line.replace("\n", "\n    ") for line in lines),
            fix="correct what is named and submit again",
        )


class JobFailed(QueueError):
    """A node raised an error while the job ran. ``message`` is that node's own text."""

    def __init__(self, node_id: str, node_class: str, exception_type: str, message: str) -> None:
        self.node_id = node_id
        self.node_class = node_class
        self.exception_type = exception_type
        self.message = message.strip()
        # StudioFlow's own errors already say what was found and what to do; wrapping them again would double that.
        own = ".errors." in exception_type and "studioflow" in exception_type.lower()
        name = exception_type.rpartition(".")[2]
        super().__init__(
            self.message if own and self.message else ": ".join(filter(None, (name, self.message))),
            where=f"node {node_id} ({node_class})",
            fix=None if own else "the console of the ComfyUI server has the whole traceback",
        )


class JobInterrupted(QueueError):
    """Somebody stopped the job while it ran, or took it out of the queue."""


class ServerLost(QueueError):
    """The server died, froze or was restarted while it had work of ours."""


class TransferFailed(QueueError):
    """A file that could not be sent to or brought from the server."""


class UnsafeName(QueueError):
    """A file name that would leave the folder it belongs in."""
