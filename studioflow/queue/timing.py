"""How long the client waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """All waits of a client, in seconds.

    ``worst_case`` bounds the time from a server's death to the error that says so. A server that holds its
    interpreter lock for seconds (it imports torch, say) cannot answer, but is not dead: that is why the
    client waits ``lost_after`` for one answer and does not ping more often than it must.
    """

    quiet: float = 2.0
    """Silence about a job after which the server is asked over HTTP how the job is."""
    lost_after: float = 8.0
    """A server that gives no sign of life for so long is lost."""
    least_chance: float = 1.0
    """What one question gets at least, however late it is asked (this process may itself have slept)."""
    retry: float = 0.25
    """Pause between two attempts to reach a server that has just failed to answer."""
    settle: float = 0.02
    """First pause between two looks for a finished job's entry in the history."""
    cancel: float = 2.0
    """How long cancelling tries."""

    @property
    def worst_case(self) -> float:
        return self.lost_after + self.retry + self.least_chance


DEFAULT_TIMING = Timing()
