"""A date, a clock and a time zone, as people write them, to one moment."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import NoReturn

from ..errors import StudioFlowError, did_you_mean, nearest

_ABBREVIATION = re.compile("[A-Z]{2,5}|[A-Za-z]{1,4}[Tt]")
"""CEST, PDT, BST, also in small letters: letters that look alike may stand for zones half a day apart."""
_MAX_OFFSET_H = 14
"""The farthest that any clock on earth is from UTC (Kiritimati)."""


def moment(date: str, clock: str, time_zone: str) -> datetime:
    """``2026-06-21``, ``18:30`` and ``Europe/Berlin`` or ``+2`` or ``-3:30`` to a datetime with its zone.

    An hour that the clocks show twice, in autumn, is the first of the two. StudioFlowError names the part that is
    wrong; an hour that the clocks skip in spring is one.
    """
    zone = parse_zone(time_zone)
    try:
        day = datetime.strptime(date.strip(), "%Y-%m-%d")
    except ValueError:
        _refuse("there is no such date", "date", date, "year-month-day, e.g. 2026-06-21")
    for form in ("%H:%M", "%H:%M:%S"):
        try:
            hour = datetime.strptime(clock.strip(), form).time()
            break
        except ValueError:
            continue
    else:
        _refuse("there is no such time", "clock", clock, "hours:minutes from 00:00 to 23:59")
    when = datetime.combine(day, hour, zone)
    if not 1700 <= when.year <= 2200:
        _refuse("this year is out of range", "date", date, "1700 to 2200")
    if when.astimezone(timezone.utc).astimezone(zone).replace(tzinfo=None) != when.replace(tzinfo=None):
        _refuse("the clocks skip this time", "clock", clock, f"a time that {time_zone.strip()} has on {date.strip()}")
    return when


def parse_zone(text: str) -> tzinfo:
    """An IANA time zone by name, or hours from UTC; StudioFlowError with a suggestion where there is none.

    For an abbreviation that is no name of a zone the error says what to write instead, and guesses at none.
    """
    import zoneinfo

    name = text.strip()
    hours = re.fullmatch(r"(?:UTC|GMT)?\s*([+-]?)(\d{1,2})(?::([0-5]\d)|\.(\d+))?", name, re.IGNORECASE)
    if hours:
        sign, whole, minutes, decimals = hours.groups()
        offset = int(whole) + int(minutes or 0) / 60 + float(f"0.{decimals or 0}")
        if offset > _MAX_OFFSET_H:
            _refuse("no clock is this far from UTC", "time_zone", name, f"-{_MAX_OFFSET_H} to +{_MAX_OFFSET_H} hours")
        return timezone(timedelta(minutes=round(60 * (-offset if sign == "-" else offset))))
    known = zoneinfo.available_timezones()
    if name not in known:
        _refuse(
            "no such time zone",
            "time_zone",
            name,
            "a name such as Europe/Berlin or America/New_York, or hours from UTC such as +2 or -3:30",
            _instead(name.replace(" ", "_"), known),
        )
    return zoneinfo.ZoneInfo(name)


def _instead(name: str, known: set[str]) -> str | None:
    """What to write in place of a name that no zone has."""
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(known) if "/" in zone}
    if name.casefold() in cities:
        return f'did you mean "{cities[name.casefold()]}"?'
    if _ABBREVIATION.fullmatch(name):
        return "instead of an abbreviation write a place, such as Europe/Berlin, or hours from UTC, such as +2"
    close = did_you_mean(name, known)
    city = None if close else nearest(name, cities)
    return f'did you mean "{cities[city]}"?' if city else close


def _refuse(problem: str, where: str, found: str, allowed: str, fix: str | None = None) -> NoReturn:
    raise StudioFlowError(problem, where=where, found=f'"{found.strip()[:40]}"', allowed=allowed, fix=fix)
