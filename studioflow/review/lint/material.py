"""Materials that are not in the table, and materials under a light that does not suit them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from ...errors import nearest
from ...resources import table
from ...studio.lighting import ambient_of
from ...studio.materials import light_class, needs_large_light, takes_light
from ...studio.words import entries
from .base import Fault, Path, replace, rule, show
from .shot import Shot

_SOFT_FROM = 0.25
"""Size of a light over its distance from which it is a broad reflection on a shiny thing and no dot."""
_SURROUNDED_FROM = 0.3
"""Ambient light of this part of the key gives a shiny thing something to reflect."""
_NEAR_MISS = 0.85
"""Likeness (difflib's ratio) from which an unknown name is a misspelling of a known one beyond doubt."""


@rule("material-needs-other-light")
def small_light(shot: Shot) -> Iterator[Fault]:
    """A main subject that mirrors its light, and nothing but small hard lights to be mirrored."""
    shining = [light for light in shot.lights if light.intensity > 0]
    if not shot.subjects or not shining:
        return
    named = shot.manifest.get("materials", {}).get(shot.subjects[0].get("material"), {})
    kind = takes_light(named)
    if needs_large_light(kind) and all(light.apparent < _SOFT_FROM for light in shining) and not _surrounded(shot):
        title = entries("materials").get(named.get("preset", ""), {}).get("title", named.get("preset", ""))
        lights = "one small hard light" if len(shining) == 1 else "small hard lights only"
        yield Fault(
            ("scene", "subjects", 0, "material"),
            f"{show(title)} {light_class(kind)['takes']}, and there is {lights}",
            light_class(kind)["advice"],
        )


def _surrounded(shot: Shot) -> bool:
    """Whether something else than the lights fills what a shiny thing reflects."""
    lighting = shot.lighting
    return (
        lighting.get("setup") in table("studio/materials.json")["_large_light_setups"]
        or "environment" in lighting
        or "time_of_day" in lighting
        or ambient_of(lighting) >= _SURROUNDED_FROM
    )


@rule("unknown-material")
def unknown_material(shot: Shot) -> Iterator[Fault]:
    """A preset that is not in the table and has no description of its own."""
    known = entries("materials")
    for key, material in shot.manifest.get("materials", {}).items():
        preset = material.get("preset")
        if preset is None or preset in known or "description" in material:
            continue
        path: Path = ("materials", key, "preset")
        near = nearest(preset, known)
        yield Fault(
            path,
            f"no material preset is called {show(preset)}, so that only its name goes into the caption",
            f"take {show(near)}, or say in description what it is" if near else "say in description what it is",
            _near_miss(path, preset, near),
        )


def _near_miss(path: Path, preset: str, near: str | None) -> tuple[dict[str, Any], ...]:
    folded = preset.strip().casefold().replace(" ", "_").replace("-", "_")
    if near is None or difflib.SequenceMatcher(None, folded, near).ratio() < _NEAR_MISS:
        return ()
    return (replace(path, near),)
