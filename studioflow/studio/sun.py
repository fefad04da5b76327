"""Where the sun stands at a place and a time, and what light that is.

Compass directions count from north, clockwise; ``house_azimuth`` turns them into those of a manifest. Elevations are
apparent: of the sun's centre as seen through a standard atmosphere (see ``sun_position``). Thresholds, colour
temperatures and presets stand in sun.json with their sources.
"""

from __future__ import annotations

import itertools
import math
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ..errors import StudioFlowError, did_you_mean
from ..resources import table
from .words import menu, signed_deg

SUN_UP_DEG = 0.27
"""Apparent elevation of the sun's centre from which the whole disc is over the horizon."""

_SETS_DEG = -50.0 / 60.0
"""True elevation of the centre at sunrise and sunset (U.S. Naval Observatory, "Rise, Set, and Twilight Definitions"),
and where twilight no longer reckons with refraction."""
_NO_REFRACTION_DEG = -4.0


class SunPosition(NamedTuple):
    """Compass azimuth (from north, clockwise, 0..360) and apparent elevation of the sun's centre, in degrees."""

    azimuth_deg: float
    elevation_deg: float


class SunDay(NamedTuple):
    """When the sun's upper edge rises and sets on one local day; None where it does not on that day.

    ``up`` says whether the sun is over the horizon at noon: with neither rise nor set it is polar day or polar night.
    """

    rises: datetime | None
    sets: datetime | None
    up: bool

    @property
    def is_polar_night(self) -> bool:
        """Whether the sun stays below the horizon all day."""
        return self.rises is None and self.sets is None and not self.up

    def text(self) -> str:
        """In words, for an error or a report."""
        if self.rises is None and self.sets is None:
            return "the sun stays up all day (polar day)" if self.up else "the sun does not rise (polar night)"
        times = [("rises at", self.rises), ("sets at", self.sets)]
        return "the sun " + " and ".join(f"{word} {when:%H:%M}" for word, when in times if when)


class Sunlight(NamedTuple):
    """What ``sun_light`` and ``sun_preset`` found: a lighting section, and where the sun stands in the house's angles.

    ``azimuth_deg`` is 0 in front of the subject, 90 at the right of the picture; ``compass_deg`` and ``day`` are known
    only for a real place and time.
    """

    lighting: dict[str, Any]
    azimuth_deg: float
    elevation_deg: float
    compass_deg: float | None = None
    day: SunDay | None = None

    def text(self) -> str:
        """Two or three lines for a person."""
        time_of_day = self.lighting["time_of_day"].replace("_", " ")
        where = "below" if self.elevation_deg < 0 else "above"
        lines = [
            f"{time_of_day}: sun {abs(self.elevation_deg):.1f}° {where} the horizon, azimuth {self.azimuth_deg:.1f}°"
        ]
        if self.compass_deg is not None:
            lines[0] += f", compass {self.compass_deg:.1f}°"
        for light in self.lighting["lights"]:
            lines.append(f"{light['role']}: {light['type']}, {light['color_temperature_k']} K, {light['intensity']:g}")
        return "\n".join([*lines, *([self.day.text()] if self.day else [])])


def sun_position(when: datetime, latitude_deg: float, longitude_deg: float) -> SunPosition:
    """The sun at a moment (with its time zone) at a place at sea level; north and east are positive.

    By Astronomy Engine (VSOP87, within 1 arc minute), refraction for a standard atmosphere after Saemundsson 1986. Once
    the sun has set refraction means little, and the limits of twilight are defined without it: it fades to none at
    4 degrees below the horizon. StudioFlowError for a time without a zone, and for a place that is none.
    """
    import astronomy

    _require_place(latitude_deg, longitude_deg)
    time, observer = _time(when), astronomy.Observer(latitude_deg, longitude_deg, 0.0)
    seen = astronomy.Equator(astronomy.Body.Sun, time, observer, True, True)
    found = astronomy.Horizon(time, observer, seen.ra, seen.dec, astronomy.Refraction.Airless)
    bent = astronomy.RefractionAngle(astronomy.Refraction.Normal, max(found.altitude, _SETS_DEG))
    fade = min(1.0, max(0.0, (found.altitude - _NO_REFRACTION_DEG) / (_SETS_DEG - _NO_REFRACTION_DEG)))
    return SunPosition(found.azimuth, found.altitude + fade * bent)


def sun_day(when: datetime, latitude_deg: float, longitude_deg: float) -> SunDay:
    """Sunrise and sunset of the local day that ``when`` lies in, in its time zone; errors as for ``sun_position``."""
    import astronomy

    _require_place(latitude_deg, longitude_deg)
    _time(when)
    start = when.replace(hour=0, minute=0, second=0, microsecond=0)
    observer = astronomy.Observer(latitude_deg, longitude_deg, 0.0)

    def first(direction: Any) -> datetime | None:
        found = astronomy.SearchRiseSet(astronomy.Body.Sun, observer, direction, _time(start), 1.0)
        return _local(found, when) if found else None

    noon = sun_position(start + timedelta(hours=12), latitude_deg, longitude_deg)
    return SunDay(first(astronomy.Direction.Rise), first(astronomy.Direction.Set), noon.elevation_deg > 0)


def house_azimuth(compass_deg: float, heading_deg: float = 0.0) -> float:
    """A compass direction as an azimuth of the manifest, in (-180, 180].

    ``heading_deg`` is the compass direction that a camera at azimuth 0 looks to. It stands at +Z and looks along -Z,
    so what lies behind it (south of it, where it looks north) is at 0, in front of the subject; west is then at -90.
    """
    return signed_deg(180.0 - (compass_deg - heading_deg))


def hour_angle(position: SunPosition, latitude_deg: float) -> float:
    """Hours since the sun's highest point, -12 to 12 (Meeus, Astronomical Algorithms, 2nd ed. 1998, ch. 13)."""
    azimuth, elevation = math.radians(position.azimuth_deg), math.radians(position.elevation_deg)
    latitude = math.radians(latitude_deg)
    west = -math.cos(elevation) * math.sin(azimuth)
    south = math.sin(elevation) * math.cos(latitude) - math.cos(elevation) * math.sin(latitude) * math.cos(azimuth)
    return math.degrees(math.atan2(west, south)) / 15.0


def time_of_day(elevation_deg: float, hours_from_noon: float, *, polar_night: bool = False) -> str:
    """The manifest's word for the time of day; ``hours_from_noon`` is negative before the sun's highest point.

    ``polar_night`` is of a day on which the sun does not rise, whose twilight is neither sunrise nor sunset.
    """
    rule = _data()["times_of_day"]
    row = next(row for row in rule["rows"] if "below" not in row or elevation_deg < row["below"])
    if "below" not in row and abs(hours_from_noon) <= rule["midday_within_h"]:
        return "midday"
    half = "morning" if hours_from_noon < 0 else "evening"
    return str(row["polar_night" if polar_night and "polar_night" in row else half])


def sun_kelvin(elevation_deg: float) -> float:
    """Colour temperature of the sun alone; rises with its elevation."""
    return _kelvin("sun_kelvin", elevation_deg)


def sky_kelvin(elevation_deg: float) -> float:
    """Colour temperature of the clear sky without the sun, by the sun's elevation."""
    return _kelvin("sky_kelvin", elevation_deg)


def air_mass(elevation_deg: float) -> float:
    """How much atmosphere the sun shines through, 1 at the zenith, 38 at the horizon (Kasten and Young 1989)."""
    above = max(elevation_deg, 0.0)
    return 1.0 / (math.sin(math.radians(above)) + 0.50572 * (above + 6.07995) ** -1.6364)


def sun_to_shade(elevation_deg: float) -> float:
    """Light of the sun alone over light in the open shade, where the clear sky and the sunlit ground still reach.

    Both on upright surfaces that face the light: half of the sky and half of the ground fill the shade (IES RP-21,
    clear sky; ground of a reflectance of 0.2 after Liu and Jordan 1963). About 3 stops for most of the day.
    """
    model, above = _data()["illuminance"], max(elevation_deg, 0.0)
    rise = math.sin(math.radians(above))
    sun = model["outside_the_atmosphere_klx"] * math.exp(-model["extinction"] * air_mass(above))
    sky = model["sky_at_the_horizon_klx"] + model["sky_rise_klx"] * rise ** model["sky_exponent"]
    return float(sun / (0.5 * sky + 0.5 * model["ground_reflectance"] * (sky + sun * rise)))


def sun_light(
    when: datetime,
    latitude_deg: float,
    longitude_deg: float,
    *,
    heading_deg: float = 0.0,
    overcast: bool = False,
    require_sun: bool = False,
) -> Sunlight:
    """The daylight at a place and a time as a lighting section in the world's frame.

    With the sun over the horizon it is the key, and the sky (with what the ground gives back) fills. Below it there
    is only the sky, and under clouds too. ``require_sun`` raises StudioFlowError instead, which says when the sun is
    up that day.
    """
    position = sun_position(when, latitude_deg, longitude_deg)
    day = sun_day(when, latitude_deg, longitude_deg)
    if require_sun and position.elevation_deg < SUN_UP_DEG:
        raise _below_the_horizon(
            f"{when:%Y-%m-%d %H:%M} at {latitude_deg:g}, {longitude_deg:g}",
            f"elevation {position.elevation_deg:.1f}°; that day {day.text()}",
            "choose another date or another place" if day.is_polar_night else "choose another time",
        )
    azimuth = round(house_azimuth(position.azimuth_deg, heading_deg), 1)
    elevation = round(position.elevation_deg, 1)
    hours = hour_angle(position, latitude_deg)
    said = time_of_day(position.elevation_deg, hours, polar_night=day.is_polar_night)
    if overcast and said not in ("night", "blue_hour"):
        said = "overcast"
    return Sunlight(_lighting(azimuth, elevation, said), azimuth, elevation, position.azimuth_deg, day)


def sun_presets() -> list[str]:
    """The named times of day that need no place."""
    return menu("sun", "presets")


def sun_preset(name: str, *, require_sun: bool = False) -> Sunlight:
    """The usual daylight of a named time of day; StudioFlowError with a suggestion where there is none.

    ``require_sun`` raises StudioFlowError for a time at which the sun is below the horizon.
    """
    names = sun_presets()
    if name not in names:
        raise StudioFlowError(
            "no such time of day", found=f'"{name}"', allowed=", ".join(names), fix=did_you_mean(name, names)
        )
    row = _data()["presets"][name]
    azimuth, elevation = float(row["azimuth_deg"]), float(row["elevation_deg"])
    if require_sun and elevation < SUN_UP_DEG:
        up = [key for key in names if _data()["presets"][key]["elevation_deg"] >= SUN_UP_DEG]
        raise _below_the_horizon(
            f'time "{name}"', f"elevation {elevation:.1f}°", f"choose another time: {', '.join(up)}"
        )
    return Sunlight(_lighting(azimuth, elevation, name), azimuth, elevation)


def _below_the_horizon(where: str, found: str, fix: str) -> StudioFlowError:
    return StudioFlowError(
        "the sun is below the horizon",
        where=where,
        found=found,
        allowed=f"the whole disc over the horizon, {SUN_UP_DEG} degrees and more",
        fix=fix,
    )


def _lighting(azimuth_deg: float, elevation_deg: float, said: str) -> dict[str, Any]:
    sunlit = elevation_deg >= SUN_UP_DEG and said != "overcast"
    section = _sunlit(azimuth_deg, elevation_deg) if sunlit else _skylit(azimuth_deg, elevation_deg, said)
    return {**section, "time_of_day": said, "frame": "world"}


def _sunlit(azimuth_deg: float, elevation_deg: float) -> dict[str, Any]:
    sun, sky = _data()["sun"], _data()["sky"]
    across = round(2.0 * sun["distance_m"] * math.tan(math.radians(sun["diameter_deg"] / 2.0)), 1)
    key = {
        "role": "key",
        "type": "sun",
        "azimuth_deg": azimuth_deg,
        "elevation_deg": elevation_deg,
        "distance_m": sun["distance_m"],
        "intensity": 1.0,
        "color_temperature_k": _rounded(sun_kelvin(elevation_deg)),
        "size_m": [across, across],
    }
    # Right over the horizon the sky outshines the sun, which is then no brighter than it; a key is never the weaker.
    share = round(min(1.0, 1.0 / sun_to_shade(elevation_deg)), 3)
    fill = _sky("fill", azimuth_deg + 180.0, sky["fill_elevation_deg"], share, sky_kelvin(elevation_deg))
    return {"lights": [key, fill]}


def _skylit(azimuth_deg: float, elevation_deg: float, said: str) -> dict[str, Any]:
    kind = said if said in ("overcast", "night") else "glow"
    row = _data()["sky"][kind]
    if kind == "overcast":
        near = far = _data()["sky_kelvin"]["overcast"]
    else:
        near, far = _kelvin("glow_kelvin", elevation_deg), sky_kelvin(elevation_deg)
    key = _sky("key", azimuth_deg, row["elevation_deg"], 1.0, near)
    fill = _sky("fill", azimuth_deg + 180.0, row["elevation_deg"], row["fill"], far)
    return {"lights": [key, fill], "ambient": row["ambient"]}


def _sky(role: str, azimuth_deg: float, elevation_deg: float, intensity: float, kelvin: float) -> dict[str, Any]:
    sky = _data()["sky"]
    return {
        "role": role,
        "type": "sky",
        "azimuth_deg": round(signed_deg(azimuth_deg), 1),
        "elevation_deg": elevation_deg,
        "distance_m": sky["distance_m"],
        "intensity": intensity,
        "color_temperature_k": _rounded(kelvin),
        "size_m": list(sky["size_m"]),
    }


def _kelvin(name: str, elevation_deg: float) -> float:
    """Between the rows of a table in a straight line of mired, level beyond its ends."""
    rows = _data()[name]["by_elevation_deg"]
    if elevation_deg <= rows[0][0]:
        return float(rows[0][1])
    for (low, kelvin_low), (high, kelvin_high) in itertools.pairwise(rows):
        if elevation_deg <= high:
            part = (elevation_deg - low) / (high - low)
            return float(1.0 / ((1.0 - part) / kelvin_low + part / kelvin_high))
    return float(rows[-1][1])


def _rounded(kelvin: float) -> int:
    return int(round(kelvin, -2))


def _data() -> dict[str, Any]:
    rows: dict[str, Any] = table("studio/sun.json")
    return rows


def _require_place(latitude_deg: float, longitude_deg: float) -> None:
    for name, value, limit in (("latitude", latitude_deg, 90), ("longitude", longitude_deg, 180)):
        if not -limit <= value <= limit:
            raise StudioFlowError(
                f"there is no such {name}",
                where=f"{name}_deg",
                found=f"{value:g}",
                allowed=f"-{limit} to {limit} degrees, {'north' if limit == 90 else 'east'} positive",
                fix="latitude and longitude may be exchanged" if limit == 90 and abs(value) <= 180 else None,
            )


def _time(when: datetime) -> Any:
    """As Astronomy Engine counts time: days of UTC since noon of 1 January 2000."""
    import astronomy

    if when.utcoffset() is None:
        raise StudioFlowError(
            "a time needs its time zone",
            found=when.isoformat(),
            allowed="a time with an offset from UTC or a zone such as Europe/Berlin",
            fix="say which time zone the clock shows",
        )
    return astronomy.Time((when - _EPOCH) / timedelta(days=1))


def _local(time: Any, like: datetime) -> datetime:
    return (_EPOCH + timedelta(days=time.ut)).astimezone(like.tzinfo)


_EPOCH = datetime.fromisoformat("2000-01-01T12:00:00+00:00")
