"""The FIBO models that StudioFlow can render with, from families.json; add a model there, not here.

Order in the file is preference: what ``auto`` takes first when several are installed. ``steps`` and ``cfg``
are what Bria's model cards name; a manifest's render section overrides them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import ModelError, did_you_mean
from .resources import table

DEFAULT = "fibo-2.0-dev"
DIALECTS = ("fibo-2", "fibo-1")
"""How the generations of FIBO want their captions written down."""


class Family(NamedTuple):
    """One FIBO model: how it is called, which diffusers pipeline runs it and what it wants to be given."""

    id: str
    title: str
    repo: str
    pipeline: str
    dialect: str
    steps: int
    cfg: float
    tasks: tuple[str, ...] = ("generate",)
    """What it was trained to do: ``generate`` a picture from a caption, ``edit`` given ones."""
    references: int = 0
    """The most pictures that one edit takes."""
    negative: bool = True
    """False where guidance is distilled into the weights: at the family's own cfg of 1 a negative has no effect."""
    base: bool = False
    """Stands for its pipeline class where a folder's name does not tell which model it is."""


def families() -> dict[str, Family]:
    """All families by id, in order of preference."""
    return {key: Family(id=key, **row | {"tasks": tuple(row["tasks"])}) for key, row in table("families.json").items()}


def family(family_id: str) -> Family:
    """The family of that id; ModelError with a suggestion where there is none."""
    known = families()
    if family_id not in known:
        raise ModelError(
            "no such FIBO model",
            found=f'"{family_id}"',
            allowed=", ".join(known),
            fix=did_you_mean(family_id, known),
        )
    return known[family_id]


def family_by_name(name: str, pipeline: str) -> Family | None:
    """The family that a folder or repository name tells, among those the given pipeline class runs.

    The architecture alone does not tell the models of one generation apart, so the name decides
    (``Fibo-lite``, ``briaai/FIBO``); a name that tells nothing gives the class's base family, and a
    pipeline class that runs no FIBO model gives None.
    """
    candidates = [candidate for candidate in families().values() if candidate.pipeline == pipeline]
    plain = _plain(name.rsplit("/", 1)[-1])
    base = next((candidate for candidate in candidates if candidate.base), None)
    named = {_plain(candidate.id): candidate for candidate in candidates}
    named |= {_plain(candidate.repo.split("/")[1]): candidate for candidate in candidates}
    if plain in named:
        return named[plain]
    inside = [key for key in named if key in plain and named[key] is not base]
    return named[max(inside, key=len)] if inside else base


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())
