"""The linter: contradictions and weak spots of a manifest, each with a rule, a place and where possible a patch.

The rules stand in the modules beside this one, their titles and reasons in rules.json, their English words in
words.json. A finding prefers silence to a false alarm: where a text can be read in two ways, it is right.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...families import DEFAULT, Family
from ...families import family as family_of_id
from ...manifest import pointer, validate
from ...resources import table
from . import camera, caption, frame, light, material, prose, render, scene
from .base import CHECKS
from .shot import Shot

__all__ = ["MAX_FINDINGS", "MAX_OF_ONE_RULE", "SEVERITIES", "Finding", "Rule", "fix", "lint", "rules"]

SEVERITIES = ("error", "warning", "info")
"""error: there is no picture, or surely not this one; warning: a fault in the picture; info: good to know."""

MAX_FINDINGS = 200
MAX_OF_ONE_RULE = 20
"""More than a person reads."""
_MAX_PASSES = 40
"""A pass mends each place once, and few rules have anything to say about one place."""

_MODULES = (camera, caption, frame, light, material, prose, render, scene)
"""Imported for the rules that they register."""


@dataclass(frozen=True)
class Rule:
    """A rule as the documentation lists it."""

    id: str
    title: str
    severity: str
    why: str
    certain: bool = True
    """Whether its patch may be applied without asking; else it is a suggestion."""


@dataclass(frozen=True)
class Finding:
    """One thing that a rule found. ``patch`` is RFC 6902; empty where only a person can decide."""

    rule: str
    severity: str
    pointer: str
    problem: str
    advice: str
    patch: tuple[dict[str, Any], ...] = ()

    @property
    def fixable(self) -> bool:
        """Whether ``fix`` applies the patch of its own accord."""
        return bool(self.patch) and rules()[self.rule].certain

    def __str__(self) -> str:
        fixable = " (fixable)" if self.fixable else ""
        return f"{self.severity} {self.pointer}: {self.problem} [{self.rule}]\n  do: {self.advice}{fixable}"


@functools.cache
def rules() -> dict[str, Rule]:
    """All rules by id, in the order of the documentation."""
    return {key: Rule(id=key, **row) for key, row in table("review/lint/rules.json").items() if key[0] != "_"}


def lint(manifest: dict[str, Any], family: Family | None = None) -> list[Finding]:
    """What is contradictory or weak in a validated manifest, errors first and then by place; always the same.

    ``family`` is the model that will render; where it is not known, the one the manifest names, else the default.
    At most 200 findings, and at most 20 of one rule.
    """
    return sorted(_findings(manifest, family, MAX_OF_ONE_RULE), key=_order)[:MAX_FINDINGS]


def fix(
    manifest: dict[str, Any], family: Family | None = None, *, suggestions: bool = False
) -> tuple[dict[str, Any], list[Finding]]:
    """A new manifest with every certain patch applied, and the findings whose patches those were.

    With ``suggestions`` the patches that only a person should decide on are applied too.
    Patches are applied pass by pass, one at a place and pass, until none is left. The given manifest stays as it
    was. Raises ManifestError where the result is no valid manifest, as when the given one was none.
    """
    import jsonpatch

    manifest = copy.deepcopy(manifest)
    applied: list[Finding] = []
    for _ in range(_MAX_PASSES):
        chosen = _apart(
            [
                found
                for found in sorted(_findings(manifest, family), key=_order)
                if found.fixable or (suggestions and found.patch)
            ]
        )
        if not chosen:
            break
        # Values of a patch may be parts of the manifest, and must not become one object with them.
        patch = copy.deepcopy([operation for finding in chosen for operation in finding.patch])
        manifest = jsonpatch.apply_patch(manifest, patch, in_place=True)
        applied += chosen
    validate(manifest)
    return manifest, applied


def _findings(manifest: dict[str, Any], family: Family | None, most: int | None = None) -> Iterator[Finding]:
    target = family or family_of_id(manifest.get("render", {}).get("model", DEFAULT))
    shot = Shot(manifest, target)
    for rule in rules().values():
        for fault in itertools.islice(CHECKS[rule.id](shot), most):
            yield Finding(rule.id, rule.severity, pointer(fault.path), fault.problem, fault.advice, fault.patch)


def _order(finding: Finding) -> tuple[Any, ...]:
    place = [(0, int(part), "") if _is_index(part) else (1, 0, part) for part in finding.pointer.split("/")]
    return SEVERITIES.index(finding.severity), place, list(rules()).index(finding.rule), finding.problem


def _apart(findings: list[Finding]) -> list[Finding]:
    """The findings whose patches touch no place that an earlier one's patch touches, or one inside the other."""
    touched: set[str] = set()
    around: set[str] = set()
    chosen = []
    for finding in findings:
        places = {place for operation in finding.patch for place in _places(operation)}
        inside = {prefix for place in places for prefix in _prefixes(place)}
        if touched.isdisjoint(inside) and around.isdisjoint(places):
            touched |= places
            around |= inside
            chosen.append(finding)
    return chosen


def _places(operation: dict[str, Any]) -> Iterator[str]:
    """What an operation changes; adding to or taking from a list moves everything in it."""
    for path in (operation["path"], operation.get("from")):
        if path is not None:
            parent, _, last = path.rpartition("/")
            yield parent if operation["op"] != "replace" and (last == "-" or last.isdecimal()) else path


def _prefixes(place: str) -> Iterator[str]:
    parts = place.split("/")
    return ("/".join(parts[: count + 1]) for count in range(1, len(parts)))


def _is_index(part: str) -> bool:
    return part.isdecimal() and len(part) < 8
