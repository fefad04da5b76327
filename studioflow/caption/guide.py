"""Guiding a render by a control map: the edit's caption, the order of the pictures, and what strength means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ..errors import ModelError, StudioFlowError, require_choice
from ..families import DEFAULT, Family, families
from ..families import family as by_id
from ..resources import table
from .compile import compile_for
from .fields import flat
from .instruct import edit_caption, pictures_named, without_instruction

_PLAIN = re.compile(r"[\w' -]{1,40}")


class Guided(NamedTuple):
    """What a guided render is given.

    ``caption`` is the prompt; ``plain_caption`` is that of the finished picture, without an instruction. ``order`` are
    the roles of the pictures as ``<image_1>`` and on, none where the model looks at no pictures. ``guide_until`` is
    the part of the steps, above 0 to 1, that they count for, ``repaint`` how much of the toned base is painted anew
    (the strength of image to image); 1 is no start image. ``notes`` are for the person.
    """

    caption: str
    plain_caption: str
    order: tuple[str, ...]
    guide_until: float
    repaint: float
    notes: list[str]


class _Entry(NamedTuple):
    """What a manifest's guidance says about a picture of a role, and where."""

    index: int = -1
    kind: str = ""
    strength: float | None = None
    instruction: str = ""

    @property
    def name(self) -> str:
        return f"guidance {self.index + 1} of the manifest ({self.kind})"


def control_maps() -> tuple[str, ...]:
    """The roles that a control map can have."""
    return tuple(role for role, row in _roles().items() if "alone" in row)


def guided(
    manifest: dict[str, Any],
    *,
    family: Family | None,
    role: str,
    strength: float | None = None,
    instruction: str = "",
    others: Iterable[str] = (),
) -> Guided:
    """How the model of ``family`` is guided by a control map of that role, and by pictures of other roles beside it.

    Without a ``family`` it is the manifest's render.model, or the usual one where that is open.
    ``strength`` is above 0, to 1; None is that of the manifest's guidance for such a map (1 where its entry has none),
    else the usual one. An empty ``instruction`` is the manifest's, else Bria's own phrase. One that names the pictures
    is the whole instruction, any other is added to the phrase. Raises StudioFlowError for an unknown role, a role
    given twice and a strength out of range, ModelError for more pictures than the model takes.
    """
    require_choice("role", role, control_maps())
    family = family or by_id(manifest.get("render", {}).get("model", DEFAULT))
    order = _order(role, list(others))
    _check_pictures(family, order)
    entry = _entry(manifest, role)
    used, told = _strength(strength, entry)
    compiled, _ = compile_for(manifest, "auto", family)
    plain = without_instruction(compiled.caption)
    way = _way(family)
    numbers = {name: _along(points, used) for name, points in _settings()[way].items() if not name.startswith("_")}
    numbers["guide_until"] = max(numbers["guide_until"], _settings()["shortest"])
    notes = [f"strength {used:g} from {entry.name}"] if told else []
    asked = instruction.strip()
    if not asked and entry.instruction.strip():
        asked = entry.instruction.strip()
        notes.append(f"instruction from {entry.name}")
    notes += _unused(manifest, order)
    if way == "start":
        if asked:
            notes.append(f"{family.title} reads no instruction: say it in the scene")
        return Guided(plain, plain, (), **numbers, notes=notes)
    if way == "always":
        notes.append(
            f"{family.title} needs its pictures for every step: strength chooses how much of the toned base is left"
        )
    edit = edit_caption(plain, _sentence(order, asked, _result(compiled.fields)), images=len(order))
    return Guided(edit.caption, plain, order, **numbers, notes=notes + edit.notices)


def _roles() -> dict[str, dict[str, Any]]:
    return table("caption/guide.json")["roles"]


def _settings() -> dict[str, Any]:
    return table("caption/guide.json")["strength"]


def _order(role: str, others: list[str]) -> tuple[str, ...]:
    for other in others:
        require_choice("role", other, _roles())
    order = (role, *sorted(others, key=list(_roles()).index))
    twice = next((one for one in order if order.count(one) > 1), None)
    if twice:
        raise StudioFlowError(
            f"two pictures are the {_roles()[twice]['title']}",
            where="role",
            found=", ".join(order),
            allowed="each role once",
            fix="take one of them out, or give the control map another role",
        )
    return order


def _check_pictures(family: Family, order: Sequence[str]) -> None:
    """The control map itself always goes: where the model looks at no pictures it becomes the start."""
    allowed = max(1, family.references)
    if len(order) <= allowed:
        return
    takes = f"takes {family.references} picture{'s' * (allowed > 1)}" if family.references else "looks at no pictures"
    able = [one.title for one in families().values() if one.references >= len(order)]
    leave = ", ".join(_roles()[role]["title"] for role in order[allowed:])
    raise ModelError(
        f"{family.title} {takes}" + ("" if family.references else ": a control map alone can be its start"),
        where="fibo",
        found=f"{len(order)}: {', '.join(_roles()[role]['title'] for role in order)}",
        allowed=f"{allowed}: {', '.join(_roles()[role]['title'] for role in order[:allowed])}",
        fix=f"leave out {leave}" + (f"; or render with {', '.join(able)}" if able else ""),
    )


def _entry(manifest: dict[str, Any], role: str) -> _Entry:
    """The guidance that fits a role best: the first entry of the first kind that there is."""
    entries = manifest.get("guidance", [])
    for kind in _roles()[role]["kinds"]:
        for index, entry in enumerate(entries):
            if entry["kind"] == kind:
                return _Entry(index, kind, entry.get("strength", 1.0), entry.get("instruction", ""))
    return _Entry()


def _unused(manifest: dict[str, Any], order: Sequence[str]) -> list[str]:
    """What the guidance says about the other pictures: they all count alike, and their roles are their words."""
    control, *others = (_entry(manifest, role) for role in order)
    told = {entry.name: entry for entry in others if entry.index not in (-1, control.index)}
    return [
        f"{name} is not used: pictures beside the control map count as long as it does"
        for name, entry in told.items()
        if entry.instruction or entry.strength != 1
    ]


def _strength(strength: float | None, entry: _Entry) -> tuple[float, bool]:
    """The strength to guide with, and whether the manifest gives it."""
    given = strength is None and entry.strength is not None
    used = entry.strength if given else _settings()["default"] if strength is None else strength
    if not 0 < used <= 1:
        raise StudioFlowError(
            "a strength of 0 is no guide" if used == 0 else "no such strength",
            where=f"/guidance/{entry.index}/strength" if given else "strength",
            found=f"{used:g}",
            allowed="above 0, up to 1",
            fix=None if used > 1 else "render with FIBO Sampler to have no guide, or take 0.05 for a faint one",
        )
    return used, given


def _way(family: Family) -> str:
    """What strength can choose with this model: the row of ``strength`` in guide.json."""
    if not family.references:
        return "start"
    return "whole" if "generate" in family.tasks else "always"


def _along(points: Sequence[Sequence[float]], at: float) -> float:
    """Linear between points of a curve, to four decimals."""
    (x0, y0), (x1, y1) = next(piece for piece in pairwise(points) if at <= piece[1][0])
    return round(y0 + (y1 - y0) * (at - x0) / (x1 - x0), 4)


def _sentence(order: Sequence[str], asked: str, result: str) -> str:
    """One instruction that names each of several pictures once, and a single one by what it is."""
    if pictures_named(asked) or (len(order) == 1 and _speaks_of(order[0], asked)):
        return asked
    if len(order) == 1:
        sentence = _roles()[order[0]]["alone"].format(result=result)
    else:
        clauses = [_roles()[role]["together"].format(image=f"<image_{number}>") for number, role in enumerate(order, 1)]
        told = f"{', '.join(clauses[:-1])} and {clauses[-1]} to generate {result}"
        sentence = told[0].upper() + told[1:]
    return f"{sentence}: {asked}" if asked else f"{sentence}."


def _speaks_of(role: str, asked: str) -> bool:
    """Whether words of one's own point at the map themselves, as in "Use this sketch for the outline"."""
    names = "|".join(map(re.escape, _roles()[role]["names"]))
    return re.search(rf"\b(?:this|the|my) (?:{names})\b", asked, re.IGNORECASE) is not None


def _result(fields: dict[str, Any]) -> str:
    """What the finished picture is called: its medium, where that is a plain name."""
    medium = flat(fields).get("style_medium")
    return f"the finished {medium}" if isinstance(medium, str) and _PLAIN.fullmatch(medium) else "the finished picture"
