"""The one family of errors that StudioFlow raises on bad input.

Every error answers four questions, because the person who reads it at a node or in a terminal has
nothing else to go by: where, what was found, what is allowed, what to do. ComfyUI shows ``str(error)``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """Where in a document: its name, a JSON Pointer, and line and column of its text, as far as they are known."""

    source: str
    pointer: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        spot = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{spot} {self.pointer}".rstrip()


class StudioFlowError(Exception):
    """What is wrong, and optionally where, what was found, what is allowed and what to do about it."""

    def __init_subclass__(cls) -> None:
        # ComfyUI shows an error's module, and in a pack that is the path of its folder with all the names in it.
        cls.__module__ = "studioflow.errors"

    def __init__(
        self,
        problem: str,
        *,
        where: str | Place | None = None,
        found: str | None = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem = problem
        self.place = where if isinstance(where, Place) else None
        self.where = str(where) if where else None
        self.found = found
        self.allowed = allowed
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        rest = [
            f"{label}: {text}"
            for label, text in (("found", self.found), ("allowed", self.allowed), ("do", self.fix))
            if text
        ]
        return "\n  ".join([head, *rest])


class ManifestError(StudioFlowError):
    """A manifest (or a FIBO caption given as one) that cannot be used; ``faults`` are what is wrong, one by one."""

    faults: tuple[ManifestError, ...] = ()

    @classmethod
    def of(cls, faults: Sequence[ManifestError], problem: str, where: str) -> ManifestError:
        """One error for all faults of a document; a single fault is its own error."""
        if len(faults) == 1:
            return faults[0]
        whole = cls(problem + "".join(f"\n{fault}" for fault in faults), where=where)
        whole.faults = tuple(faults)
        return whole


class EditError(StudioFlowError):
    """A change that cannot be made to a manifest: a path that leads nowhere, a patch that does not fit."""


class PathError(StudioFlowError):
    """A path that leaves the folders it must stay in, or a file that is not there."""


class ModelError(StudioFlowError):
    """A model folder that cannot be loaded, or a request that the loaded model cannot serve."""


class DeviceMemoryError(ModelError):
    """The device has too little memory for what was asked."""


class DeliveryError(StudioFlowError):
    """A file that could not be written."""


class RecipeError(StudioFlowError):
    """A recipe that does not exist or lacks the node that a request needs."""


class QueueError(StudioFlowError):
    """A ComfyUI server that cannot be used, or work that it did not finish."""


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name closest to ``name``, or None where nothing is close enough to be a misspelling."""
    by_folded = {candidate.casefold(): candidate for candidate in allowed}
    match = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[match[0]] if match else None


def did_you_mean(name: str, allowed: Iterable[str]) -> str | None:
    """``did you mean "…"?`` where an allowed name is close, else None; fits ``StudioFlowError(fix=…)``."""
    match = nearest(name, allowed)
    return f'did you mean "{match}"?' if match else None


def require_choice(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raises StudioFlowError where a menu's value is none of its options; not every host checks what programs send."""
    options = list(allowed)
    if value not in options:
        raise StudioFlowError(
            "no such choice",
            where=name,
            found=f'"{value}"',
            allowed=", ".join(options),
            fix=did_you_mean(value, options),
        )


def require_between(name: str, value: float, least: float, most: float) -> None:
    """Raises StudioFlowError where a number is out of its range, or none; not every host checks what programs send."""
    if not least <= value <= most:
        raise StudioFlowError("out of range", where=name, found=f"{value:g}", allowed=f"{least:g} to {most:g}")
