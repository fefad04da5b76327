"""Daylight for a shot: by place and time, or by the name of a time of day."""

from __future__ import annotations

from typing import Any

from ..errors import require_choice
from ..studio.clock import moment
from ..studio.menus import FROM_PLACE
from ..studio.placement import orbit_of
from ..studio.sun import Sunlight, sun_light, sun_preset, sun_presets
from ..studio.words import signed_deg
from .written import begun, finished

PRESETS = tuple(sun_presets())
"""The named times of day, which need no place."""
_DAYLIGHT = ("sun", "sky")


def set_sun(
    manifest: dict[str, Any] | None,
    *,
    time: str = "golden_hour",
    date: str = "2026-06-21",
    clock: str = "12:00",
    time_zone: str = "UTC",
    latitude_deg: float = 0.0,
    longitude_deg: float = 0.0,
    heading_deg: float = 0.0,
    overcast: bool = False,
    require_sun: bool = False,
    source: str = "manifest",
) -> tuple[dict[str, Any], Sunlight]:
    """The manifest (a new one where there is none) in daylight, and where the sun stands in it.

    ``time`` is one of PRESETS, or FROM_PLACE for the sun at a date, a clock, a time zone and a place;
    ``heading_deg`` is then the compass direction that a camera at azimuth 0 looks to.

    Sun and sky take the place of those that were there, of a named setup, which belongs indoors, and of a panorama,
    which has a sun or a sky of its own. Other lights stay where they are (a lamp in the scene, a flash that fills);
    one that was the key becomes a fill, for a shot has one key. Raises StudioFlowError for what is no place or time,
    and with ``require_sun`` for a sun below the horizon.
    """
    require_choice("time", time, (FROM_PLACE, *PRESETS))
    if time == FROM_PLACE:
        when = moment(date, clock, time_zone)
        found = sun_light(
            when,
            latitude_deg,
            longitude_deg,
            heading_deg=heading_deg,
            overcast=overcast,
            require_sun=require_sun,
        )
    else:
        found = sun_preset(time, require_sun=require_sun)
    before = begun(manifest)
    there = before.get("lighting", {})
    turn = _camera_azimuth(before) if there.get("frame", "camera") == "camera" else 0.0
    kept = [_beside_the_sun(light, turn) for light in there.get("lights", []) if light.get("type") not in _DAYLIGHT]
    lighting = found.lighting | {"lights": [*found.lighting["lights"], *kept]}
    result = before | {"lighting": lighting}
    return finished(result, [("lighting", key) for key in {**there, **lighting}], source), found


def _camera_azimuth(manifest: dict[str, Any]) -> float:
    orbit = orbit_of(manifest.get("camera", {}))
    return float(orbit["azimuth_deg"]) if orbit else 0.0


def _beside_the_sun(light: dict[str, Any], turn_deg: float) -> dict[str, Any]:
    """A light of before, its direction measured in the world and no longer from the camera."""
    placed = light | {"azimuth_deg": signed_deg(light.get("azimuth_deg", 0.0) + turn_deg)} if turn_deg else light
    return placed | {"role": "fill"} if light.get("role") == "key" else placed
