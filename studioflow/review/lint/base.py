"""What a rule is made of: the fault that it yields, the register it stands in, and the patches it proposes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...manifest import pointer
from ...resources import table

if TYPE_CHECKING:
    from .shot import Shot

Path = tuple[str | int, ...]
Patch = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Fault:
    """One place that breaks a rule; the rule's id and severity are the engine's to add."""

    path: Path
    problem: str
    advice: str
    patch: Patch = ()


Check = Callable[["Shot"], Iterator[Fault]]

CHECKS: dict[str, Check] = {}
"""Every rule's function by the rule's id; filled when the modules of rules are imported."""


def rule(rule_id: str) -> Callable[[Check], Check]:
    """Registers a function as the rule of that id. Two functions of one id are a mistake of ours: ValueError."""

    def register(check: Check) -> Check:
        if rule_id in CHECKS:
            raise ValueError(f"two rules are called {rule_id}")
        CHECKS[rule_id] = check
        return check

    return register


def words(name: str) -> Any:
    """An entry of words.json; callers must not change it."""
    return table("review/lint/words.json")[name]


def add(path: Path, value: Any) -> dict[str, Any]:
    """The RFC 6902 operation that adds a member or item (a last part of ``-`` appends)."""
    return {"op": "add", "path": pointer(path), "value": value}


def replace(path: Path, value: Any) -> dict[str, Any]:
    """The RFC 6902 operation that replaces what stands at a path."""
    return {"op": "replace", "path": pointer(path), "value": value}


def remove(path: Path) -> dict[str, Any]:
    """The RFC 6902 operation that removes what stands at a path."""
    return {"op": "remove", "path": pointer(path)}


def move(source: Path, target: Path) -> dict[str, Any]:
    """The RFC 6902 operation that moves what stands at ``source`` to ``target``."""
    return {"op": "move", "from": pointer(source), "path": pointer(target)}


def parsed_pointer(text: str) -> Path:
    """The path of a JSON Pointer; all parts stay texts, so that a key such as 007 comes out as it went in."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def show(value: object) -> str:
    """A value as a message quotes it: texts in quotes, numbers short, nothing longer than 60 characters."""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    text = text if len(text) <= 60 else text[:57] + "…"
    return f'"{text}"' if isinstance(value, str) else text
