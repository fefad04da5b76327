"""What stands for a subject in a greybox: a shape or a file, its size and where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import EditError
from .field import put
from .written import begun, finished

_SHOWN, _LETTERS = 8, 40
"""Subjects that an error lists, and letters of each."""
_SEEN_ONLY = ("stand_in", "mesh", "picture")
"""Fields that no word of a caption depends on: setting them takes nobody's own words away."""


def set_stand_in(
    manifest: dict[str, Any] | None,
    *,
    subject: int = 1,
    stand_in: str = "",
    mesh: str = "",
    picture: str = "",
    size_m: str = "",
    position_m: str = "",
    facing_deg: str = "",
    count: int = 0,
    source: str = "manifest",
) -> dict[str, Any]:
    """The manifest in which a subject, counted from 1, is shown as this; what is empty or 0 stays as it is.

    ``stand_in`` is a name of greybox/stand_ins.json, ``mesh`` and ``picture`` files as the menus name them. ``size_m``
    (width, height, depth) and ``position_m`` (x, y, z) are three numbers as a text, in metres, ``facing_deg`` is one.
    The last writer wins: a stand-in without a mesh takes away the mesh that would hide it. Raises EditError where
    there is no such subject or a text holds other than those numbers, and ManifestError for values out of range.
    """
    shot = begun(manifest)
    subjects = shot["scene"].get("subjects", []) if "scene" in shot else []
    _require_subject(subjects, subject)
    given = {"stand_in": stand_in, "mesh": mesh.strip(), "picture": picture.strip(), "count": count}
    new: dict[str, Any] = {name: value for name, value in given.items() if value}
    if size_m.strip():
        new["size_m"] = _numbers(size_m, 3, "this is no size", "size_m", "three numbers in metres: 0.08, 0.2, 0.08")
    if position_m.strip():
        new["position_m"] = _numbers(
            position_m, 3, "this is no place", "position_m", "three numbers in metres: 0.3, 0, -0.2"
        )
    if facing_deg.strip():
        (new["facing_deg"],) = _numbers(facing_deg, 1, "this is no angle", "facing_deg", "a number of degrees: 30")
    before = subjects[subject - 1]
    if stand_in and not mesh.strip():
        before = {name: value for name, value in before.items() if name != "mesh"}
    at = ("scene", "subjects", subject - 1)
    return finished(put(shot, at, before | new), [(*at, name) for name in new if name not in _SEEN_ONLY], source)


def _require_subject(subjects: Sequence[dict[str, Any]], subject: int) -> None:
    if 1 <= subject <= len(subjects):
        return
    names = [f"{number} ({one['description'][:_LETTERS]})" for number, one in enumerate(subjects, 1)]
    more = [f"and so on up to {len(names)}"] if len(names) > _SHOWN else []
    raise EditError(
        "there is no such subject",
        where="subject",
        found=str(subject),
        allowed=", ".join([*names[:_SHOWN], *more]) or "none: the shot has no subjects",
        fix="count the subjects of the scene from 1" if names else "describe the thing as a subject, with Scene",
    )


def _numbers(text: str, count: int, problem: str, where: str, allowed: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        fix = "write decimals with a point" if len(numbers) > count else None
        raise EditError(problem, where=where, found=f'"{text.strip()[:60]}"', allowed=allowed, fix=fix)
    return numbers
