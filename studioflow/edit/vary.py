"""Random variation of a manifest's numbers and names, the same for the same seed on every machine."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import EditError
from ..manifest import rules_for
from .field import put, value_from_text
from .path import parse_path
from .written import finished, value_at

MAX_RANGES = 200
_DECIMALS = 4
"""Of a varied number: finer than any number of a shot is meant, and short enough to read."""
_NUMBER = r"([-+]?\d{1,12}(?:\.\d{1,12})?)"
_BETWEEN = re.compile(rf"{_NUMBER}\s*(?:\.\.|…)\s*{_NUMBER}(?:\s+step\s+{_NUMBER})?")
_AROUND = re.compile(rf"(?:\+-|\+/-|±)\s*{_NUMBER}(\s*%)?")


class Between(NamedTuple):
    """Any number from low to high, both included; in steps from low where there is a step."""

    low: float
    high: float
    step: float | None = None


class Around(NamedTuple):
    """The present number plus or minus an amount, or a part of itself where ``relative`` (0.1 is a tenth)."""

    amount: float
    relative: bool = False


class OneOf(NamedTuple):
    """One of some values, each as likely as the other."""

    values: tuple[Any, ...]


Range = Between | Around | OneOf


def vary(manifest: dict[str, Any], ranges: Mapping[str, Range], seed: int, source: str = "manifest") -> dict[str, Any]:
    """The manifest with a value drawn for each path.

    Each path draws for itself from the seed and its own name, so that adding a range leaves the other values as they
    were. Raises EditError where there is no number to vary around, and ManifestError where a drawn value is not
    allowed at its path.
    """
    result = manifest
    paths = {name: parse_path(name) for name in ranges}
    for name, path in paths.items():
        present = value_at(manifest, path)
        result = put(result, path, _drawn(ranges[name], _unit(seed, path), present, path, name))
    return finished(result, paths.values(), source)


def parse_ranges(text: str) -> dict[str, Range]:
    """Ranges as lines of text; EditError with the number of the line.

    ``camera.orbit.azimuth_deg = -30 .. 30``, ``… = 0 .. 90 step 15``, ``… = ± 10`` or ``± 10 %`` of the present value,
    ``lighting.setup = rembrandt | butterfly``.
    """
    ranges: dict[str, Range] = {}
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, line in lines:
        name, equals, what = (part.strip() for part in line.partition("="))
        if not equals or not what or len(ranges) >= MAX_RANGES:
            raise _no_range(number, line)
        parse_path(name)
        ranges[name] = _range(name, what, number, line)
    return ranges


def _range(name: str, what: str, number: int, line: str) -> Range:
    if found := _BETWEEN.fullmatch(what):
        low, high, step = (float(part) if part else None for part in found.groups())
        if low is None or high is None or low > high or (step is not None and step <= 0):
            raise _no_range(number, line)
        return Between(low, high, step)
    if found := _AROUND.fullmatch(what):
        amount = abs(float(found[1]))
        return Around(amount / 100.0, True) if found[2] else Around(amount)
    if ".." in what and "|" not in what:
        raise _no_range(number, line)
    return OneOf(tuple(value_from_text(name, part.strip()) for part in what.split("|")))


def _drawn(range_: Range, unit: float, present: Any, path: tuple[str | int, ...], name: str) -> Any:
    if isinstance(range_, OneOf):
        return range_.values[int(unit * len(range_.values))]
    if isinstance(range_, Around):
        if not isinstance(present, (int, float)) or isinstance(present, bool):
            raise EditError(
                "there is no number to vary around",
                where=name,
                found="nothing" if present in ({}, None) else json.dumps(present)[:80],
                allowed="a path at which the manifest has a number",
                fix=f"give both ends: {name} = 0 .. 10",
            )
        reach = abs(present) * range_.amount if range_.relative else range_.amount
        range_ = Between(present - reach, present + reach)
    low, high, step = range_.low, range_.high, range_.step or _grid(path)
    if step is None:
        return _short(min(max(low + (high - low) * unit, low), high), low, high)
    first = low if range_.step else math.ceil(low / step) * step
    count = math.floor((high - first) / step + 1e-9) + 1
    if count < 1:
        raise EditError(
            "no allowed number lies in the range",
            where=name,
            found=f"{low:g} .. {high:g}",
            allowed=f"multiples of {step:g}",
            fix="widen the range",
        )
    return _short(first + step * int(unit * count), low, high)


def _grid(path: tuple[str | int, ...]) -> float | None:
    """The distance of the numbers that the schema allows at a path: 16 for a width, 1 for a count, None for any."""
    rules = rules_for(path)
    steps = [float(rule["multipleOf"]) for rule in rules if "multipleOf" in rule]
    return steps[0] if steps else 1.0 if any(rule.get("type") == "integer" for rule in rules) else None


def _unit(seed: int, path: tuple[str | int, ...]) -> float:
    """A number in [0, 1) from the seed and the path: the first 53 bits of a SHA-256."""
    digest = hashlib.sha256(json.dumps([seed, *path]).encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def _short(value: float, low: float, high: float) -> int | float:
    rounded = round(value, _DECIMALS)
    # Rounding must not lead out of a range that is narrower than what it rounds to.
    kept = rounded if low <= rounded <= high else value
    return int(kept) if float(kept).is_integer() else kept


def _no_range(number: int, line: str) -> EditError:
    return EditError(
        "no range",
        where=f"line {number}",
        found=f'"{line[:80]}"',
        allowed="path = low .. high, path = low .. high step s, path = ± amount, path = ± p %, path = this | that; "
        f"at most {MAX_RANGES} lines",
        fix="write for example camera.orbit.azimuth_deg = -30 .. 30",
    )
