"""What a person should know about a shot before it is rendered, in one report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import ManifestError, StudioFlowError, require_choice
from ..families import Family
from . import STOP_ON
from .completeness import Completeness, completeness
from .lint import Finding, fix, lint

_STOPS: dict[str, tuple[str, ...]] = dict(zip(STOP_ON, ((), ("error",), ("error", "warning")), strict=True))


@dataclass(frozen=True)
class Review:
    """The shot, what lint found in it, what of that was mended, and how complete it is."""

    manifest: dict[str, Any]
    findings: tuple[Finding, ...]
    mended: tuple[Finding, ...]
    completeness: Completeness | None
    """None where no caption can be made of the shot; lint says why."""

    def text(self) -> str:
        """All of it for people."""
        lines = [*(f"mended: {finding.rule} {finding.pointer}" for finding in self.mended), *map(str, self.findings)]
        said = self.completeness.text() if self.completeness else "0 of 100: there is no caption"
        return "\n".join([*(lines or ["nothing found"]), f"completeness {said}"])

    @property
    def score(self) -> int:
        """Completeness, 0 to 100; 0 where there is no caption."""
        return self.completeness.score if self.completeness else 0


def review(
    manifest: dict[str, Any], *, family: Family | None = None, mend: bool = False, stop_on: str = "nothing"
) -> Review:
    """The report on a validated manifest for the model that will render; with ``mend`` on the mended one.

    Raises ManifestError where something is left that ``stop_on`` (one of STOP_ON) does not let through.
    """
    require_choice("stop_on", stop_on, STOP_ON)
    mended: list[Finding] = []
    if mend:
        manifest, mended = fix(manifest, family)
    findings = lint(manifest, family)
    stops = [finding for finding in findings if finding.severity in _STOPS[stop_on]]
    if stops:
        left = "1 finding" if len(stops) == 1 else f"{len(stops)} findings"
        raise ManifestError(
            f"the shot is not ready: {left}\n" + "\n".join(map(str, stops)),
            allowed=f"no {stop_on.replace(' and ', ' and no ')}",
            fix="mend what is found, or let it through with stop_on",
        )
    return Review(manifest, tuple(findings), tuple(mended), _completeness(manifest))


def _completeness(manifest: dict[str, Any]) -> Completeness | None:
    try:
        return completeness(manifest)
    except StudioFlowError:
        return None
