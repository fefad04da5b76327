"""A console progress bar fed by the events of a job."""

from __future__ import annotations

from types import TracebackType

from .queue import Event, Progress, Text


class ProgressBar:
    """Shows how far a job is; what nodes say while they work stands above the bar."""

    def __init__(self, title: str) -> None:
        from tqdm import tqdm

        form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
        self._bar = tqdm(total=100, desc=title, bar_format=form)
        self._said: set[str] = set()

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
        if isinstance(event, Text) and event.text not in self._said:
            self._said.add(event.text)
            self._bar.write(event.text)
        elif isinstance(event, Progress):
            running = event.value / event.max if event.max and event.value < event.max else 0.0
            self._bar.set_postfix_str(f"{event.node_class} {event.value:g}/{event.max:g}", refresh=False)
            self._to(100 * (event.done + running) / max(event.total, 1))

    def _to(self, percent: float) -> None:
        self._bar.update(max(0.0, percent - self._bar.n))
        self._bar.refresh()
