"""The sun against published almanacs, and against the low-precision formula of the Astronomical Almanac.

tests/data/sun/published.json has the published values with their sources: NREL's worked example, the U.S. Naval
Observatory, timeanddate.com, the Norwegian Meteorological Institute; temperate, tropical and polar places.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.caption import compile_manifest
from studioflow.edit.sun import FROM_PLACE, PRESETS, set_sun
from studioflow.errors import StudioFlowError
from studioflow.manifest import schema
from studioflow.studio.clock import moment, parse_zone
from studioflow.studio.sun import (
    SUN_UP_DEG,
    SunPosition,
    air_mass,
    hour_angle,
    house_azimuth,
    sky_kelvin,
    sun_day,
    sun_kelvin,
    sun_light,
    sun_position,
    sun_preset,
    sun_presets,
    sun_to_shade,
    time_of_day,
)
from studioflow.studio.words import signed_deg

from .sweeps import sweep

PUBLISHED = json.loads((Path(__file__).parent.parent / "data/sun/published.json").read_text(encoding="utf-8"))
UTC = timezone.utc
BERLIN = {"time_zone": "Europe/Berlin", "latitude_deg": 52.52, "longitude_deg": 13.405}

moments = st.datetimes(datetime(1950, 1, 2), datetime(2049, 12, 30), timezones=st.just(UTC))
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


def almanac(when: datetime, latitude_deg: float, longitude_deg: float) -> SunPosition:
    """True, not apparent: The Astronomical Almanac, page C5 (formerly C24), "Low precision formulas for the Sun's
    coordinates": within 0.01 degrees from 1950 to 2050. Sidereal time: the same book, section B."""
    days = (when - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1)
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    sidereal = math.radians(280.46062 + 360.9856473662 * days + longitude_deg)
    hour, latitude = sidereal - ascension, math.radians(latitude_deg)
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour)
    north = math.cos(latitude) * math.sin(declination) - math.sin(latitude) * math.cos(declination) * math.cos(hour)
    east = -math.cos(declination) * math.sin(hour)
    return SunPosition(math.degrees(math.atan2(east, north)) % 360, math.degrees(math.asin(max(-1, min(1, up)))))


def apart(one: SunPosition, other: SunPosition) -> float:
    """Degrees between two directions."""
    a, b = (
        (
            math.cos(math.radians(p.elevation_deg)) * math.sin(math.radians(p.azimuth_deg)),
            math.cos(math.radians(p.elevation_deg)) * math.cos(math.radians(p.azimuth_deg)),
            math.sin(math.radians(p.elevation_deg)),
        )
        for p in (one, other)
    )
    return math.degrees(2 * math.asin(min(1.0, math.dist(a, b) / 2)))


# ---------------------------------------------------------------- where it stands


def test_published_values_cover_what_was_promised() -> None:
    assert len({(row["place"], row["when"][:10]) for row in PUBLISHED["positions"]}) >= 20
    assert {row["source"] for row in PUBLISHED["positions"]} == PUBLISHED["sources"].keys()


@pytest.mark.parametrize("row", PUBLISHED["positions"], ids=lambda row: f"{row['place']} {row['when']}")
def test_published_positions(row: dict[str, Any]) -> None:
    when = datetime.fromisoformat(row["when"].replace("Z", "+00:00"))
    found = sun_position(when, row["latitude_deg"], row["longitude_deg"])
    if "elevation_deg" in row:
        assert found.elevation_deg == pytest.approx(row["elevation_deg"], abs=0.2)
    if "azimuth_deg" in row:
        # Times printed to the minute: near noon the azimuth moves by more than half a degree in one.
        assert abs(signed_deg(found.azimuth_deg - row["azimuth_deg"])) < 0.5


@pytest.mark.parametrize("row", PUBLISHED["polar_days"], ids=lambda row: f"{row['place']} {row['date']}")
def test_published_polar_days_and_nights(row: dict[str, Any]) -> None:
    noon = datetime.fromisoformat(f"{row['date']}T12:00:00+00:00")
    place = row["latitude_deg"], row["longitude_deg"]
    day = sun_day(noon, *place)
    assert (day.rises, day.sets) == (None, None)
    lasting = all(
        (sun_position(noon + timedelta(hours=hour), *place).elevation_deg > -0.3) == (row["sun"] == "never sets")
        for hour in range(-12, 12)
    )
    assert lasting and ("polar day" in day.text()) == (row["sun"] == "never sets")


@given(moments, latitudes, longitudes)
def test_agrees_with_the_astronomical_almanac(when: datetime, latitude: float, longitude: float) -> None:
    found, true = sun_position(when, latitude, longitude), almanac(when, latitude, longitude)
    if true.elevation_deg > 15:
        assert apart(found, true) < 0.1
    elif true.elevation_deg > -0.8:
        # Refraction lifts it by at most 0.6 degrees (0.57 at the horizon) and never turns it.
        assert 0 < found.elevation_deg - true.elevation_deg < 0.85
        assert apart(found, true._replace(elevation_deg=found.elevation_deg)) < 0.05
    elif true.elevation_deg > -4:
        assert -0.02 < found.elevation_deg - true.elevation_deg < 0.7
    else:
        assert apart(found, true) < 0.05


@given(st.floats(-66, 66), longitudes, st.dates(datetime(1950, 1, 2).date(), datetime(2049, 12, 30).date()))
def test_rise_and_set_are_where_the_upper_edge_meets_the_horizon(latitude: float, longitude: float, date: Any) -> None:
    noon = datetime(date.year, date.month, date.day, 12, tzinfo=timezone(timedelta(hours=round(longitude / 15))))
    day = sun_day(noon, latitude, longitude)
    for when in (day.rises, day.sets):
        if when:
            assert almanac(when.astimezone(UTC), latitude, longitude).elevation_deg == pytest.approx(-0.833, abs=0.05)


@given(moments, st.floats(-89.9, 89.9), longitudes)
def test_hour_angle_runs_with_the_clock(when: datetime, latitude: float, longitude: float) -> None:
    before = hour_angle(almanac(when, latitude, longitude), latitude)
    after = hour_angle(almanac(when + timedelta(hours=1), latitude, longitude), latitude)
    assert (after - before) % 24 == pytest.approx(1, abs=0.001)
    assert (before < 0) == (0 < almanac(when, latitude, longitude).azimuth_deg < 180)


def test_compass_to_house() -> None:
    assert house_azimuth(180, 0) == 0  # the camera looks north: the sun in the south lights the subject's front
    assert house_azimuth(270, 0) == -90  # west is at the left of the picture
    assert house_azimuth(90, 0) == 90
    assert house_azimuth(0, 0) == 180
    assert house_azimuth(270, 270) == 180  # what the camera looks at is behind the subject


@given(st.floats(0, 360), st.floats(-360, 360))
def test_the_heading_is_behind_the_subject(compass: float, heading: float) -> None:
    found = house_azimuth(compass, heading)
    assert -180 < found <= 180
    # Right of the heading on the compass is right in the picture: positive x, the sine of the azimuth.
    turned = math.radians(compass - heading)
    assert math.sin(math.radians(found)) == pytest.approx(math.sin(turned), abs=1e-9)
    assert math.cos(math.radians(found)) == pytest.approx(-math.cos(turned), abs=1e-9)


# ---------------------------------------------------------------- what light that is


def test_times_of_day_run_in_order() -> None:
    evening = sweep(lambda elevation: time_of_day(elevation, 5), -90, 90, 3600, "evening sun")
    assert evening == ["night", "blue_hour", "sunset", "golden_hour", "afternoon"]
    morning = sweep(lambda elevation: time_of_day(elevation, -5), -90, 90, 3600, "morning sun")
    assert morning == ["night", "blue_hour", "sunrise", "golden_hour", "morning"]
    day = sweep(lambda hours: time_of_day(40, hours), -6, 6, 600, "day")
    assert day == ["morning", "midday", "afternoon"]
    assert time_of_day(3, 0) == "golden_hour"  # a noon in the far north
    assert time_of_day(5.9, 4) == "golden_hour" and time_of_day(-4.1, 6) == "blue_hour"


def test_twilight_of_a_day_without_sun_is_no_sunset() -> None:
    """Tromsø has no sunrise from late November to mid January; at noon of 21 December the sun is 3 degrees below."""
    noon = {"time": FROM_PLACE, "time_zone": "Europe/Oslo", "latitude_deg": 69.65, "longitude_deg": 18.96}
    shot, sun = set_sun(None, date="2026-12-21", clock="12:00", **noon)
    assert -4 < sun.elevation_deg < 0 and sun.day is not None and sun.day.is_polar_night
    assert shot["lighting"]["time_of_day"] == "blue_hour"
    # The same height of the sun on a day on which it rises.
    before, after = (set_sun(None, date="2026-02-10", clock=clock, **noon) for clock in ("08:00", "16:00"))
    assert all(-4 < sun.elevation_deg < 0 for _, sun in (before, after))
    assert [one["lighting"]["time_of_day"] for one, _ in (before, after)] == ["sunrise", "sunset"]
    runs = sweep(lambda elevation: time_of_day(elevation, 5, polar_night=True), -90, 0, 1800, "polar night")
    assert runs == ["night", "blue_hour"]


def test_every_time_of_day_is_one_of_the_manifest() -> None:
    known = schema()["$defs"]["lighting"]["properties"]["time_of_day"]["enum"]
    assert set(sun_presets()) == set(known)
    assert all(sun_preset(name).lighting["time_of_day"] == name for name in known)


def test_the_sun_whitens_as_it_rises() -> None:
    kelvins = [sun_kelvin(elevation / 10) for elevation in range(-20, 901)]
    assert kelvins == sorted(kelvins)
    assert sun_kelvin(-0.83) == pytest.approx(2000, abs=100)
    assert sun_kelvin(11) == pytest.approx(3500, abs=150)  # an hour after sunrise, Los Angeles: 10 to 12 degrees
    assert 4900 <= sun_kelvin(60) <= 5800
    assert all(sky_kelvin(elevation) > sun_kelvin(elevation) for elevation in range(0, 91))


def test_air_mass_to_published_values() -> None:
    # Kasten and Young, Applied Optics 28, 4735 (1989), table II.
    for elevation, mass in ((0, 38.0), (10, 5.586), (30, 1.994), (60, 1.154), (90, 1.0)):
        assert air_mass(elevation) == pytest.approx(mass, rel=0.005)


def test_sun_over_shade() -> None:
    ratios = [sun_to_shade(elevation / 4) for elevation in range(4, 41)]
    assert ratios == sorted(ratios) and sun_to_shade(0) < 0.1
    # The photographer's rule: open shade is about three stops below the sun.
    assert all(2.0 <= math.log2(sun_to_shade(elevation)) <= 3.3 for elevation in range(15, 91))


@given(moments, latitudes, longitudes, st.floats(-360, 360), st.booleans())
def test_any_daylight_is_a_valid_manifest(
    when: datetime, latitude: float, longitude: float, heading: float, overcast: bool
) -> None:
    found = sun_light(when, latitude, longitude, heading_deg=heading, overcast=overcast)
    shot, _ = set_sun(None, time="overcast")
    compile_manifest(shot | {"lighting": found.lighting}, "fibo-2")
    assert [light["role"] for light in found.lighting["lights"]] == ["key", "fill"]
    assert found.lighting["lights"][1]["intensity"] <= 1
    has_sun = found.lighting["lights"][0]["type"] == "sun"
    assert has_sun == (found.elevation_deg >= SUN_UP_DEG and found.lighting["time_of_day"] != "overcast")


def test_an_evening_in_berlin() -> None:
    """Berlin, 21 June: the sun sets at 21:33 (published by many), in the north-west."""
    shot, sun = set_sun(None, time=FROM_PLACE, date="2026-06-21", clock="20:50", heading_deg=90, **BERLIN)
    assert shot["lighting"]["time_of_day"] == "golden_hour" and shot["lighting"]["frame"] == "world"
    key, fill = shot["lighting"]["lights"]
    assert (key["type"], fill["type"]) == ("sun", "sky")
    assert key["color_temperature_k"] < 3300 < 7000 < fill["color_temperature_k"]
    # Looking east, the sun in the north-west is behind the camera and to its left.
    assert -90 < key["azimuth_deg"] < 0
    assert "sets at 21:33" in sun.text()
    size = 2 * math.degrees(math.atan(key["size_m"][0] / 2 / key["distance_m"]))
    assert size == pytest.approx(0.533, abs=0.005)


def test_below_the_horizon_there_is_only_sky() -> None:
    for clock, said in (("21:50", "sunset"), ("22:20", "blue_hour"), ("23:59", "night"), ("04:20", "sunrise")):
        shot, sun = set_sun(None, time=FROM_PLACE, date="2026-06-21", clock=clock, **BERLIN)
        assert shot["lighting"]["time_of_day"] == said, sun.text()
        assert {light["type"] for light in shot["lighting"]["lights"]} == {"sky"}


def test_required_sun_says_when_it_is_up() -> None:
    with pytest.raises(StudioFlowError) as caught:
        set_sun(None, time=FROM_PLACE, date="2026-06-21", clock="23:00", require_sun=True, **BERLIN)
    text = str(caught.value)
    assert "elevation -9" in text and "rises at 04:43" in text and "sets at 21:33" in text
    with pytest.raises(StudioFlowError, match=r"does not rise \(polar night"):
        sun_light(datetime(2020, 12, 25, 11, tzinfo=UTC), 78.2, 15.6, require_sun=True)
    set_sun(None, time=FROM_PLACE, date="2026-06-21", clock="12:00", require_sun=True, **BERLIN)


@pytest.mark.parametrize("name", sun_presets())
def test_required_sun_holds_for_named_times_too(name: str) -> None:
    if set_sun(None, time=name)[1].elevation_deg > SUN_UP_DEG:
        set_sun(None, time=name, require_sun=True)
        return
    with pytest.raises(StudioFlowError, match=rf'time "{name}": the sun is below the horizon[\s\S]*golden_hour'):
        set_sun(None, time=name, require_sun=True)


# ---------------------------------------------------------------- into a manifest


def test_daylight_replaces_daylight_and_setups_and_keeps_lamps() -> None:
    lamp = {"role": "practical", "type": "bare_bulb", "azimuth_deg": 10}
    flash = {"role": "key", "type": "softbox", "azimuth_deg": -45}
    shot = {
        "studioflow": "1.0",
        "scene": {},
        "camera": {"orbit": {"azimuth_deg": 30, "elevation_deg": 0, "distance_m": 2}},
        "lighting": {"setup": "rembrandt", "lights": [lamp, flash, {"role": "fill", "type": "sky"}], "ambient": 0.5},
    }
    done, _ = set_sun(shot, time="morning")
    lighting = done["lighting"]
    assert "setup" not in lighting and "ambient" not in lighting
    assert [light["type"] for light in lighting["lights"]] == ["sun", "sky", "bare_bulb", "softbox"]
    assert [light["role"] for light in lighting["lights"]] == ["key", "fill", "practical", "fill"]
    # They stand where they stood: 10 and -45 degrees from a camera at 30.
    assert [light["azimuth_deg"] for light in lighting["lights"][2:]] == [40, -15]
    again, _ = set_sun(done, time="morning")
    assert again == done
    assert shot["lighting"]["setup"] == "rembrandt"


def test_presets_differ_and_need_no_place() -> None:
    captions = {json.dumps(compile_manifest(set_sun(None, time=name)[0], "fibo-2").caption) for name in PRESETS}
    assert len(captions) == len(PRESETS) == 9


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"time": "golden hour"}, 'did you mean "golden_hour"'),
        ({"date": "2026-02-30"}, "no such date"),
        ({"date": "21.6.2026"}, "year-month-day"),
        ({"clock": "25:00"}, "no such time"),
        ({"date": "2026-03-29", "clock": "02:30"}, "clocks skip this time"),
        ({"date": "9999-12-31"}, "year is out of range"),
        ({"time_zone": "Europe/Berln"}, 'did you mean "Europe/Berlin"'),
        ({"time_zone": "new york"}, "New_York"),
        ({"time_zone": "oslo"}, 'did you mean "Europe/Oslo"'),
        ({"time_zone": "CEST"}, "instead of an abbreviation write a place, such as Europe/Berlin"),
        ({"time_zone": "+15"}, "far from UTC"),
        ({"latitude_deg": 91.0}, "exchanged"),
        ({"latitude_deg": math.nan}, "no such latitude"),
        ({"longitude_deg": 181.0}, "no such longitude"),
    ],
)
def test_bad_input_has_one_clear_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(StudioFlowError) as caught:
        set_sun(None, **{"time": FROM_PLACE, "date": "2026-06-21", "clock": "12:00", **BERLIN, **change})
    assert message in str(caught.value)


def test_a_time_without_a_zone_is_refused() -> None:
    for ask in (sun_position, sun_day, sun_light):
        with pytest.raises(StudioFlowError, match="needs its time zone"):
            ask(datetime(2026, 6, 21, 12), 0.0, 0.0)


@pytest.mark.parametrize("name", ["CEST", "cest", "PDT", "EDT", "BST", "JST", "AEST", "MSK", "Cest"])
def test_no_zone_is_guessed_for_an_abbreviation(name: str) -> None:
    with pytest.raises(StudioFlowError, match="instead of an abbreviation") as caught:
        parse_zone(name)
    assert "did you mean" not in str(caught.value)


def test_zones_by_name_and_by_hours() -> None:
    noon = "2026-01-15", "12:00"
    assert moment(*noon, "Europe/Berlin").utcoffset() == timedelta(hours=1)
    assert moment("2026-07-15", "12:00", "Europe/Berlin").utcoffset() == timedelta(hours=2)
    for text, hours in (("+2", 2), ("-3:30", -3.5), ("5.75", 5.75), ("UTC+1", 1), ("UTC", 0), ("0", 0)):
        assert moment(*noon, text).utcoffset() == timedelta(hours=hours), text
    # The hour that the clocks show twice is the first of the two, in summer time.
    assert moment("2026-10-25", "02:30", "Europe/Berlin").utcoffset() == timedelta(hours=2)
    assert parse_zone(" Asia/Kathmandu ") == parse_zone("Asia/Kathmandu")
