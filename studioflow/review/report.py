"""What a person should know about a shot before it is rendered, in one report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import ManifestError
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
    completeness: Completeness

    def text(self) -> str:
        """All of it for people."""
        lines = [*(f"mended: {finding.rule} {finding.pointer}" for finding in self.mended), *map(str, self.findings)]
        return "\n".join([*(lines or ["nothing found"]), f"completeness {self.completeness.text()}"])


def review(
    manifest: dict[str, Any], *, family: Family | None = None, mend: bool = False, stop_on: str = "nothing"
) -> Review:
    """The report on a validated manifest for the model that will render; with ``mend`` on the mended one.

    Raises ManifestError where something is left that ``stop_on`` (one of STOP_ON) does not let through.
    """
    if stop_on not in _STOPS:
        raise ManifestError("no such choice", where="stop_on", found=f'"{stop_on}"', allowed=", ".join(STOP_ON))
    mended: list[Finding] = []
    if mend:
        manifest, mended = fix(manifest, family)
    findings = lint(manifest, family)
    stops = [finding for finding in findings if finding.severity in _STOPS[stop_on]]
    if stops:
        raise ManifestError(
            f"the shot is not ready: {len(stops)} of {stop_on} left\n" + "\n".join(map(str, stops)),
            allowed=f"none of {stop_on}",
            fix="mend them, or let more through with stop_on",
        )
    return Review(manifest, tuple(findings), tuple(mended), completeness(manifest))
