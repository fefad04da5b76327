"""Views of displays: which one an operator of tone mapping stands for, by views.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..errors import StudioFlowError, did_you_mean
from ..resources import table
from . import ocio

ACES = ("aces_1_3", "aces_2_0")
_TABLE = "color/views.json"


class View(NamedTuple):
    """A view of a config, and the plain space of the values that it gives ("" where that is the display's affair)."""

    config: Any
    display: str
    name: str
    shows: str = ""


def chosen_view(operator: str, target: str, config: str, display: str = "", view: str = "") -> View | None:
    """The view that an operator stands for; None for operators that are no view.

    StudioFlowError where the config has no such display or view, or nothing for the target.
    """
    if operator in ACES:
        return aces_view(operator, target)
    if operator == "agx":
        return _agx_view(target, config, display)
    return _named_view(config, display, view) if operator == "view" else None


def aces_view(operator: str, target: str) -> View:
    """The ACES output transform for a plain display space; StudioFlowError where there is none."""
    row = table(_TABLE)[operator]
    if target not in row["views"]:
        raise StudioFlowError(
            "the ACES output transforms have no display for this space",
            where=operator,
            found=f'"{target}"',
            allowed=", ".join(row["views"]),
            fix=did_you_mean(target, row["views"]) or "take one of these, or name a display and a view",
        )
    display, name, shows = row["views"][target]
    return View(ocio.open_config(row["config"]), display, name, shows)


def _agx_view(target: str, config: str, display: str) -> View:
    opened = ocio.open_config(config)
    named = [(shown, name) for shown in opened.getDisplays() for name in opened.getViews(shown)]
    agx = {shown: name for shown, name in named if name.casefold() == "agx"}
    if not agx:
        raise StudioFlowError(
            "this config has no view named AgX",
            where=f"config {config}",
            found=", ".join(sorted({name for _, name in named})),
            allowed="a config with AgX, for example Blender's (datafiles/colormanagement/config.ocio in its folder)",
            fix="choose such a config, or another operator",
        )
    if display:
        shown = _named(display, agx, "display", config)
        return View(opened, shown, agx[shown])
    word, shows = table(_TABLE)["agx"]["displays"].get(target, ("", ""))
    fitting = next((shown for shown in agx if word and word in shown.casefold().replace(" ", "")), None)
    if fitting is None:
        raise StudioFlowError(
            "the AgX of this config has no display for this space",
            where=f"config {config}",
            found=f'"{target}"',
            allowed=", ".join(agx),
            fix="name one of these displays, or choose another target",
        )
    return View(opened, fitting, agx[fitting], shows)


def _named_view(config: str, display: str, view: str) -> View:
    opened = ocio.open_config(config)
    shown = _named(display or opened.getDefaultDisplay(), opened.getDisplays(), "display", config)
    name = _named(view or opened.getDefaultView(shown), opened.getViews(shown), "view", shown)
    return View(opened, shown, name)


def _named(name: str, known: Iterable[str], what: str, where: str) -> str:
    names = list(known)
    match = next((candidate for candidate in names if candidate.casefold() == name.casefold()), None)
    if match is None:
        raise StudioFlowError(
            f"no such {what}",
            where=where,
            found=f'"{name}"',
            allowed=", ".join(names) or "none: the config has no displays",
            fix=did_you_mean(name, names) or f"take one of these, or leave {what} empty for the config's own",
        )
    return match
