"""A console progress bar fed by the events of a job."""

from __future__ import annotations

import sys
from types import TracebackType

from .queue import Event, Progress


class ProgressBar:
    """Shows how far a job is and which node works; off a terminal, one line for each node."""

    def __init__(self, title: str) -> None:
        from tqdm import tqdm

        self._terminal = sys.stderr.isatty()
        self._node = ""
        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
        self._bar = tqdm(total=100, desc=title, bar_format=form, disable=not self._terminal)

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._bar.set_postfix_str("done", refresh=False)
            self._to(100)
        self._bar.close()

    def show(self, event: Event) -> None:
        """Takes the next event of the job."""
        if not isinstance(event, Progress):
            return
        if not self._terminal and event.node_class != self._node:
            print(event.node_class, file=sys.stderr)
        self._node = event.node_class
        running = event.value / event.max if event.max and event.value < event.max else 0.0
        self._bar.set_postfix_str(f"{event.node_class} {event.value:g}/{event.max:g}", refresh=False)
        self._to(100 * (event.done + running) / max(event.total, 1))

    def _to(self, percent: float) -> None:
        self._bar.n = max(self._bar.n, percent)
        self._bar.refresh()
