"""Talk to a ComfyUI over HTTP: submit a workflow, follow it, stop it, fetch what it made.

async with ComfyClient("http://127.0.0.1:8188") as comfy:
    job = await comfy.submit(prompt, workflow=workflow)
    result = await job.wait(on_event=print)
    paths = [await comfy.fetch(ref, "out") for ref in result.files()]
"""

from .client import ComfyClient
from .errors import (
    AccessRefused,
    AnswerTooLarge,
    BadAddress,
    BadAnswer,
    JobFailed,
    JobInterrupted,
    NodeRefusal,
    NotComfyUI,
    PackMissing,
    PromptRefused,
    ServerLost,
    ServerUnreachable,
    TransferFailed,
    UnsafeName,
)
from .events import Event, Finished, Progress, Started, Text
from .job import Job
from .results import FileRef, JobResult
from .timing import DEFAULT_TIMING, Timing

__all__ = [
    "DEFAULT_TIMING",
    "AccessRefused",
    "AnswerTooLarge",
    "BadAddress",
    "BadAnswer",
    "ComfyClient",
    "Event",
    "FileRef",
    "Finished",
    "Job",
    "JobFailed",
    "JobInterrupted",
    "JobResult",
    "NodeRefusal",
    "NotComfyUI",
    "PackMissing",
    "Progress",
    "PromptRefused",
    "ServerLost",
    "ServerUnreachable",
    "Started",
    "Text",
    "Timing",
    "TransferFailed",
    "UnsafeName",
]
