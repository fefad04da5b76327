"""Numbers and names to the words of the data tables, where a photographer can correct them.

A table of words such as ``studio/camera_words.json`` has groups; each says with ``feeds`` which caption fields its
words go into, and has ``bands`` (for numbers) or ``phrases`` (by name). Words may have holes such as ``{side}``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import StudioFlowError, did_you_mean
from ..resources import table


def band(value: float, rows: Sequence[dict[str, Any]]) -> str:
    """The words of the first row whose ``below`` exceeds the value; the last row has no ``below``."""
    for row in rows:
        if "below" not in row or value < row["below"]:
            return str(row["words"])
    raise StudioFlowError("a table of bands has no last row without `below`")


def bands(table_name: str, group: str) -> list[dict[str, Any]]:
    """The bands of a group of words, for ``band``; the table by its path, e.g. ``studio/camera_words``."""
    rows: list[dict[str, Any]] = table(f"{table_name}.json")[group]["bands"]
    return rows


def phrases(table_name: str, group: str) -> dict[str, str]:
    """The phrases of a group of words by their keys."""
    found: dict[str, str] = table(f"{table_name}.json")[group]["phrases"]
    return found


def side(azimuth_deg: float) -> str:
    """``right`` for azimuths 0..180 (towards +X, the right of the picture), else ``left``."""
    return "right" if signed_deg(azimuth_deg) >= 0 else "left"


def signed_deg(angle_deg: float) -> float:
    """The same direction in (-180, 180]."""
    wrapped = (angle_deg + 180.0) % 360.0 - 180.0
    return 180.0 if wrapped == -180.0 else wrapped


def entries(name: str) -> dict[str, dict[str, Any]]:
    """The rows of a named table such as ``lenses``, without its comment keys."""
    return {key: row for key, row in table(f"studio/{name}.json").items() if not key.startswith("_")}


def menu(name: str, group: str) -> list[str]:
    """The keys of a group of a named table, without its comments."""
    return [key for key in table(f"studio/{name}.json")[group] if not key.startswith("_")]


def entry(name: str, key: str, what: str) -> dict[str, Any]:
    """One row of a named table; StudioFlowError with a suggestion where there is none."""
    rows: dict[str, dict[str, Any]] = table(f"studio/{name}.json")
    if key in rows and not key.startswith("_"):
        return rows[key]
    known = entries(name)
    raise StudioFlowError(f"no such {what}", found=f'"{key}"', allowed=", ".join(known), fix=did_you_mean(key, known))
