"""Light from panoramas: synthetic ones with known lights, files good and bad, and the shipped sample."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import compile_manifest
from studioflow.edit.panorama import light_from_panorama
from studioflow.errors import StudioFlowError
from studioflow.imaging.panorama import read_panorama
from studioflow.imaging.panorama_marks import marked_panorama
from studioflow.manifest import validate
from studioflow.studio.panorama import (
    INTERIOR,
    OUTDOOR,
    STUDIO,
    PanoramaLight,
    PanoramaReport,
    across_of,
    analyse,
    azimuth_of,
    lighting_from,
)
from studioflow.studio.panorama_search import reduced
from studioflow.studio.words import signed_deg

from . import panoramas
from .panoramas import Lamp, Picture, colored, direction, panorama, rays, studio_room, write_exr, write_hdr

HEIGHT = 256


def apart(one: Lamp | PanoramaLight, other: Lamp | PanoramaLight) -> float:
    a, b = (direction(light.azimuth_deg, light.elevation_deg) for light in (one, other))
    return math.degrees(2 * math.asin(min(1.0, float(np.linalg.norm(a - b)) / 2)))


def random_lamps(seed: int) -> list[Lamp]:
    """One to four discs anywhere, 0.5 to 40 degrees wide, 2500 to 9000 K, ratios to 1:16, a little apart."""
    random = np.random.default_rng(seed)
    lamps: list[Lamp] = []
    count = random.integers(1, 5)
    while len(lamps) < count:
        lamp = Lamp(
            float(random.uniform(-180, 180)),
            math.degrees(math.asin(random.uniform(-1, 1))),
            math.exp(random.uniform(math.log(0.5), math.log(40))),
            2.0 ** -random.uniform(0, 4),
            float(random.uniform(2500, 9000)),
        )
        if all(apart(lamp, other) > (lamp.width_deg + other.width_deg) / 2 + 2 for other in lamps):
            lamps.append(lamp)
    most = max(lamp.irradiance for lamp in lamps)
    return [lamp._replace(irradiance=lamp.irradiance / most) for lamp in lamps]


def over_ambience(lamp: Lamp, ambience: float) -> float:
    """Radiance of a lamp over that of an even ambience."""
    own = lamp.irradiance / math.sin(math.radians(lamp.width_deg / 2)) ** 2
    return own / ambience if ambience else math.inf


def assert_found(report: PanoramaReport, lamps: list[Lamp]) -> None:
    """What is promised: direction within 5 degrees, ratio within 20 %, colour temperature within 5 %."""
    for lamp in lamps:
        light = min(report.lights, key=lambda found: apart(found, lamp))
        assert apart(light, lamp) < 5, (lamp, report)
        assert light.strength == pytest.approx(lamp.irradiance, rel=0.2), (lamp, light)
        assert light.kelvin == pytest.approx(lamp.kelvin, rel=0.05), (lamp, light)
        # A disc looks as large as a disc; the smallest are a cell or two.
        assert light.diameter_deg == pytest.approx(lamp.width_deg, rel=0.15, abs=0.5), (lamp, light)


# ---------------------------------------------------------------- known lights


@pytest.mark.parametrize("seed", range(30))
def test_finds_known_lights(seed: int) -> None:
    random = np.random.default_rng(1000 + seed)
    ambience, kelvin = float(random.choice([0.0, 0.02, 0.1, 0.3])), float(random.uniform(2500, 12000))
    lamps = random_lamps(seed)
    report = analyse(panorama(HEIGHT, lamps, ambience, kelvin))
    # A wide weak lamp before a bright ambience is hardly brighter than that, and then is no light that one could see.
    assert_found(report, [lamp for lamp in lamps if over_ambience(lamp, ambience) > 1])
    assert len(report.lights) <= len(lamps)
    hidden = sum(lamp.irradiance for lamp in lamps if over_ambience(lamp, ambience) <= 1)
    assert report.ambient == pytest.approx(ambience, abs=0.01 + hidden)
    if ambience and not hidden:
        assert report.ambient_kelvin == pytest.approx(kelvin, rel=0.05)


@pytest.mark.parametrize("seed", range(8))
def test_finds_known_lights_in_grain_and_a_bright_sky(seed: int) -> None:
    lamps, random = random_lamps(seed), np.random.default_rng(seed)
    picture = panorama(HEIGHT, lamps, 0.05, 5000)
    directions, _ = rays(HEIGHT, 0, HEIGHT)
    picture += (0.05 / math.pi * np.maximum(directions[..., 1:2], 0) * colored(9000)).astype(np.float32)
    picture *= random.lognormal(0.0, 0.05, (*picture.shape[:2], 1)).astype(np.float32)
    assert_found(analyse(picture), [lamp for lamp in lamps if over_ambience(lamp, 0.1) > 2])


@pytest.mark.parametrize(
    "lamps",
    [
        pytest.param([Lamp(0, 10, 20, 1.0, 5600), Lamp(180, 10, 20, 0.5, 3200)], id="one at the seam"),
        pytest.param([Lamp(40, 90, 25, 1.0, 5600), Lamp(-90, -90, 30, 0.3, 3000)], id="at the poles"),
        pytest.param([Lamp(120, 82, 30, 1.0, 4000), Lamp(-60, 80, 6, 0.5, 7000)], id="beside the pole"),
        pytest.param([Lamp(20, 20, 10, 1.0, 5600), Lamp(31.5, 20, 10, 0.8, 5600)], id="two almost touching"),
        pytest.param([Lamp(20, 20, 0.5, 1.0, 5200), Lamp(23, 20, 0.5, 0.25, 3200)], id="two small ones close by"),
        pytest.param([Lamp(-100, 30, 40, 1.0, 5600), Lamp(-100, -30, 0.5, 0.07, 2500)], id="large and tiny"),
    ],
)
def test_finds_lights_in_awkward_places(lamps: list[Lamp]) -> None:
    for ambience in (0.0, 0.1):
        report = analyse(panorama(512, lamps, ambience, 7000))
        assert len(report.lights) == len(lamps)
        assert_found(report, lamps)


def test_a_small_light_in_front_of_a_large_one() -> None:
    sun, cloth = Lamp(30, 30, 0.5, 1.0, 5200), Lamp(32, 31, 40, 0.5, 7500)
    report = analyse(panorama(512, [sun, cloth], 0.02))
    assert len(report.lights) == 2
    assert_found(report, [sun, cloth])


def test_two_lights_that_overlap_at_different_brightness_stay_two() -> None:
    report = analyse(
        panorama(HEIGHT, [Lamp(0, 0, 12, 1.0, 5600), Lamp(11, 0, 12, 0.9, 5600), Lamp(90, 0, 12, 0.5, 4000)])
    )
    # Two discs of one brightness that overlap are one light; the third is another.
    assert len(report.lights) == 2
    assert report.lights[1].strength == pytest.approx(0.5 / 1.9, rel=0.05)


@pytest.mark.parametrize(("width", "height"), [(6.0, 40.0), (40.0, 6.0), (20.0, 20.0)])
def test_sides_of_rectangles(width: float, height: float) -> None:
    (light,) = analyse(panorama(HEIGHT, [Lamp(75, 20, width, 1.0, 5600, height)])).lights
    assert light.width_deg == pytest.approx(width, rel=0.08, abs=0.3)
    assert light.height_deg == pytest.approx(height, rel=0.08, abs=0.3)
    (made,) = lighting_from(analyse(panorama(HEIGHT, [Lamp(75, 20, width, 1.0, 5600, height)])))["lights"]
    assert made["type"] == ("softbox" if width == height else "strip")
    looks = [2 * math.degrees(math.atan(side / 2 / made["distance_m"])) for side in made["size_m"]]
    assert looks == pytest.approx([width, height], rel=0.08, abs=0.3)


def test_at_most_as_many_lights_as_asked() -> None:
    lamps = [
        Lamp(azimuth, 20, 10, 1 / (1 + index), 5000) for index, azimuth in enumerate((-150, -90, -30, 30, 90, 150))
    ]
    picture = panorama(HEIGHT, lamps)
    few, all_of_them = analyse(picture, max_lights=2), analyse(picture, max_lights=8)
    assert few.lights == all_of_them.lights[:2] and len(all_of_them.lights) == 6
    # What is left out is not lost: it lights from all around.
    left_out = sum(light.strength for light in all_of_them.lights[2:]) / 4
    assert few.ambient - all_of_them.ambient == pytest.approx(left_out, rel=0.05)


def test_the_scale_of_the_picture_says_nothing() -> None:
    picture = panorama(HEIGHT, random_lamps(3), 0.1)
    one, other = analyse(picture), analyse(picture * np.float32(1e-3))
    for a, b in zip(one.lights, other.lights, strict=True):
        assert a[:7] == pytest.approx(b[:7], rel=1e-3, abs=1e-5)


# ---------------------------------------------------------------- directions


def test_where_things_are_in_the_picture() -> None:
    assert [azimuth_of(u) for u in (0, 0.25, 0.5, 0.75, 1)] == [0, -90, 180, 90, 0]
    picture = np.full((64, 128, 3), 0.01, dtype=np.float32)
    picture[20:24, 94:98] = 50  # three quarters across, above the middle
    (light,) = analyse(picture).lights
    assert light.azimuth_deg == pytest.approx(90, abs=1) and light.elevation_deg == pytest.approx(28.1, abs=1)


@given(st.floats(-180, 180), st.floats(-360, 360))
def test_across_and_azimuth_are_inverse(azimuth: float, rotation: float) -> None:
    back = azimuth_of(across_of(azimuth, rotation), rotation)
    assert abs(signed_deg(back - azimuth)) < 1e-6


def test_rotation_moves_the_picture_to_the_right() -> None:
    picture = panorama(HEIGHT, [Lamp(180, 20, 10, 1.0, 5600)])
    rolled = np.roll(picture, HEIGHT // 2, axis=1)  # a quarter of the way round
    turned, moved = analyse(picture, rotation_deg=90).lights[0], analyse(rolled).lights[0]
    assert turned.azimuth_deg == pytest.approx(90, abs=0.5)
    assert moved.azimuth_deg == pytest.approx(90, abs=0.5)


@settings(max_examples=20)
@given(st.integers(8, 70), st.integers(16, 300), st.integers(8, 64))
def test_the_reduction_loses_no_light(height: int, width: int, columns: int) -> None:
    pixels = np.random.default_rng(height).random((height, width, 3)).astype(np.float32)
    grid = reduced(pixels, 2 * columns)
    _, solid = rays(height, 0, height)
    before = (pixels.mean(axis=1) * solid * 2 * height).sum(axis=0)
    assert (grid.rgb * grid.solid[..., None]).sum(axis=(0, 1)) == pytest.approx(before, rel=1e-4)
    assert grid.solid.sum() == pytest.approx(4 * math.pi)
    assert np.linalg.norm(grid.directions, axis=-1) == pytest.approx(1)


# ---------------------------------------------------------------- where it was taken


def outdoors(sun: bool, blue: bool = True) -> Picture:
    """A sky over a meadow."""
    directions, _ = rays(HEIGHT, 0, HEIGHT)
    up = directions[..., 1:2]
    sky = colored(12000 if blue else 6500) * (0.25 + 0.1 * np.maximum(up, 0))
    picture = np.where(up > 0, sky, np.array([0.05, 0.07, 0.03]) * (1.0 if sun or not blue else 0.4)).astype(np.float32)
    if sun:
        panoramas.add(picture, Lamp(-60, 40, 0.53, 6.0, 5200))
    return picture


def test_outdoors_with_the_sun() -> None:
    report = analyse(outdoors(sun=True))
    assert (report.setting, report.sunlit) == (OUTDOOR, True)
    key = lighting_from(report)["lights"][0]
    assert (key["type"], key["role"], key["distance_m"]) == ("sun", "key", 10000)
    assert (key["azimuth_deg"], key["elevation_deg"]) == pytest.approx((-60, 40), abs=0.5)
    assert report.text().startswith("outdoor, sun")


@pytest.mark.parametrize("blue", [True, False])
def test_outdoors_without_the_sun(blue: bool) -> None:
    report = analyse(outdoors(sun=False, blue=blue))
    assert (report.setting, report.sunlit) == (OUTDOOR, False)
    section = lighting_from(report)
    # Under a blue sky that is open shade.
    assert section.get("time_of_day") == (None if blue else "overcast")
    assert {light["type"] for light in section["lights"]} == {"sky"}
    assert section["lights"][0]["elevation_deg"] > 45
    assert report.contrast_stops < 4


def test_a_studio_and_a_room() -> None:
    report = analyse(studio_room())
    assert report.setting == STUDIO and not report.sunlit
    # White walls that glow nearly as bright as the window lights them.
    room = panorama(HEIGHT, [Lamp(-80, 10, 30, 1.0, 6000, 40)], 0.4, 4500)
    assert analyse(room).setting == INTERIOR
    lit = panorama(HEIGHT, [Lamp(-80, 8, 26, 1.0, 7000, 40), Lamp(40, 50, 4, 0.3, 2800)], 0.2, 4200)
    assert [light["type"] for light in lighting_from(analyse(lit))["lights"]] == ["window", "bare_bulb"]
    assert lighting_from(analyse(room))["lights"][0]["type"] == "window"


def test_a_sky_with_clouds_glow_and_trees_has_one_sun() -> None:
    from scipy import ndimage

    random = np.random.default_rng(4)
    directions, _ = rays(HEIGHT, 0, HEIGHT)
    up = directions[..., 1]
    off = np.degrees(np.arccos(np.clip(directions @ direction(-60, 35), -1, 1)))
    wrap = ("nearest", "wrap")
    clouds = ndimage.gaussian_filter(random.standard_normal(up.shape), 10, mode=wrap)
    sky = colored(11000) * 0.25 + colored(5500) * (0.6 * np.exp(-off / 12) + 4 * np.exp(-off / 2.5))[..., None]
    sky = sky + colored(6500) * (0.5 * np.clip(clouds / clouds.std() - 0.3, 0, 2))[..., None]
    picture = np.where(up[..., None] > 0.02, sky, [0.05, 0.06, 0.03]).astype(np.float32)
    for azimuth in random.uniform(-180, 180, 14):
        across = np.degrees(np.arctan2(directions[..., 0], directions[..., 2])) - azimuth
        tree = (np.abs((across + 180) % 360 - 180) < 5) & (up < random.uniform(0.1, 0.5)) & (up > -0.1)
        picture[tree] = [0.02, 0.03, 0.01]
    cloudy = analyse(picture)
    panoramas.add(picture, Lamp(-60, 35, 0.53, 5.0, 5200))
    report = analyse(picture)
    assert (report.setting, report.sunlit) == (OUTDOOR, True)
    sun = lighting_from(report)["lights"][0]
    assert (sun["type"], sun["azimuth_deg"], sun["elevation_deg"]) == (
        "sun",
        pytest.approx(-60, abs=1),
        pytest.approx(35, abs=1),
    )
    assert sun["color_temperature_k"] == pytest.approx(5200, rel=0.05)
    # What the sky between the trees gives is no lamp; at most a bright cloud is.
    assert all(light.strength < 0.05 and light.elevation_deg > 0 for light in report.lights[1:])
    assert cloudy.setting == OUTDOOR


def test_the_setting_does_not_hang_on_how_many_lights_are_kept() -> None:
    picture = studio_room()
    for count in range(1, 5):
        report = analyse(picture, max_lights=count)
        assert report.setting == STUDIO and len(report.lights) == min(count, len(panoramas.STUDIO))
        assert lighting_from(report)["lights"][0]["type"] == "softbox"
    shot = light_from_panorama(None, panoramas.SAMPLE, max_lights=1).manifest
    conditions = compile_manifest(shot, "fibo-2").fields["lighting"]["conditions"]
    assert "softbox as key light" in conditions and "natural" not in conditions


@pytest.mark.parametrize("brightness", [1.0, 1e-3, 7.5])
def test_an_even_panorama_has_no_light_that_stands_out(brightness: float) -> None:
    report = analyse(np.full((64, 128, 3), brightness, dtype=np.float32))
    assert report.lights == () and report.ambient == 1
    assert report.ambient_kelvin == pytest.approx(6504, rel=0.01)
    assert report.contrast_stops < 0.1
    section = lighting_from(report)
    assert section["ambient"] == 1 and not section["lights"]
    assert report.text().count("\n") == 0 and "no light stands out, soft even light" in report.text()
    # Even light has no side and throws no shadow to speak of.
    manifest = {"studioflow": "1.0", "scene": {}, "lighting": section}
    validate(manifest)
    assert compile_manifest(manifest, "fibo-2").fields["lighting"] == {"conditions": "bright ambient light"}
    assert marked_panorama(np.full((64, 128, 3), brightness, dtype=np.float32), report, 128).shape == (64, 128, 3)


def test_a_panorama_that_brightens_upwards_gets_a_wide_light_from_there() -> None:
    # One hemisphere twice as bright as the other: a white ball gets twice the light from above, one stop.
    up = rays(HEIGHT, 0, HEIGHT)[0][..., 1:2]
    report = analyse(np.broadcast_to(np.where(up > 0, 1.0, 0.5), (HEIGHT, 2 * HEIGHT, 3)).astype(np.float32))
    assert report.contrast_stops == pytest.approx(1, abs=0.05)
    (light,) = report.lights
    assert light.elevation_deg == pytest.approx(90, abs=1) and light.width_deg == 90
    # E(up) - E(down) is the light's; what both have is the rest, half as much more on average.
    assert report.ambient == pytest.approx(1.25, rel=0.05)


def test_contrast_is_that_of_a_ball() -> None:
    # One small lamp of irradiance 1 and an even ambience of 1/3: 4/3 over 1/3 is two stops.
    assert analyse(panorama(HEIGHT, [Lamp(0, 0, 4, 1.0, 5600)], 1 / 3)).contrast_stops == pytest.approx(2, abs=0.1)
    assert analyse(panorama(HEIGHT, [Lamp(0, 0, 4, 1.0, 5600)])).contrast_stops == 10


# ---------------------------------------------------------------- into a manifest


@pytest.mark.parametrize("seed", range(6))
def test_lighting_is_valid_and_roles_follow_direction(seed: int) -> None:
    report = analyse(panorama(HEIGHT, random_lamps(seed), 0.05))
    section = lighting_from(report)
    manifest = {"studioflow": "1.0", "scene": {}, "lighting": section}
    validate(manifest)
    compile_manifest(manifest, "fibo-2")
    assert [light["role"] == "key" for light in section["lights"]] == [True] + [False] * (len(report.lights) - 1)
    for light in section["lights"][1:]:
        assert light["role"] == ("rim" if abs(light["azimuth_deg"]) >= 120 and light["elevation_deg"] < 75 else "fill")


def test_coloured_light_is_given_as_a_colour() -> None:
    picture = np.full((HEIGHT, 2 * HEIGHT, 3), 0.01, dtype=np.float32)
    picture[80:100, 100:120] = [9.0, 0.6, 6.0]
    (light,) = lighting_from(analyse(picture))["lights"]
    assert "color_temperature_k" not in light
    red, green, blue = (int(light["color"][place : place + 2], 16) for place in (1, 3, 5))
    assert red == 255 and green < blue < red


def test_light_from_the_sample(tmp_path: Path) -> None:
    shot = {
        "studioflow": "1.0",
        "scene": {"description": "a cup"},
        "lighting": {"setup": "rembrandt", "time_of_day": "night"},
        "caption": {"lighting": {"conditions": "candle light"}, "short_description": "a cup"},
    }
    found = light_from_panorama(
        shot, panoramas.SAMPLE, name="samples/panorama_studio.exr", rotation_deg=30, intensity=2
    )
    lighting = found.manifest["lighting"]
    assert lighting["environment"] == {"hdri": "samples/panorama_studio.exr", "rotation_deg": 30, "intensity": 2}
    assert "setup" not in lighting and "time_of_day" not in lighting
    assert found.manifest["scene"] == shot["scene"] and "conditions" not in str(found.manifest["caption"])
    assert_sample(found.report, rotation=30)
    assert len(found.text().splitlines()) == 1 + len(panoramas.STUDIO)
    assert (
        light_from_panorama(None, panoramas.SAMPLE).manifest["lighting"]["environment"]["hdri"] == panoramas.SAMPLE.name
    )


def assert_sample(report: PanoramaReport, rotation: float = 0.0) -> None:
    assert len(report.lights) == len(panoramas.STUDIO)
    for lamp in panoramas.STUDIO:
        turned = lamp._replace(azimuth_deg=lamp.azimuth_deg - rotation)
        light = min(report.lights, key=lambda found: apart(found, turned))
        assert apart(light, turned) < 1
        assert light.strength == pytest.approx(lamp.irradiance, rel=0.05)
        assert light.kelvin == pytest.approx(lamp.kelvin, rel=0.02)


def test_the_sample_is_what_its_maker_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.exr"
    write_exr(made, studio_room())
    shipped, again = read_panorama(panoramas.SAMPLE), read_panorama(made)
    # Half floats: the last bit may differ from machine to machine.
    assert shipped.shape == (256, 512, 3)
    assert np.allclose(shipped, again, rtol=2e-3, atol=1e-5)
    assert panoramas.SAMPLE.stat().st_size < 400_000


def test_no_light_hangs_on_the_intensity_of_the_panorama() -> None:
    one, other = (light_from_panorama(None, panoramas.SAMPLE, intensity=value).manifest for value in (1.0, 40.0))
    assert one["lighting"]["lights"] == other["lighting"]["lights"]
    assert compile_manifest(one, "fibo-2") == compile_manifest(other, "fibo-2")
    with pytest.raises(
        StudioFlowError, match=r"intensity: out of range[\s\S]*more than 0[\s\S]*leave the panorama out"
    ):
        light_from_panorama(None, panoramas.SAMPLE, intensity=0.0)


@pytest.mark.parametrize(
    "change", [{"max_lights": 0}, {"max_lights": 9}, {"rotation_deg": 400.0}, {"intensity": math.nan}]
)
def test_numbers_out_of_range(change: dict[str, float]) -> None:
    with pytest.raises(StudioFlowError, match="out of range"):
        light_from_panorama(None, panoramas.SAMPLE, **change)


# ---------------------------------------------------------------- files


@pytest.fixture(scope="module")
def small() -> Picture:
    return panorama(64, [Lamp(30, 30, 30, 1.0, 5600)], 0.2)


def test_every_kind_of_file(tmp_path: Path, small: Picture) -> None:
    import OpenEXR

    scanlines = {"type": OpenEXR.scanlineimage}
    gray = small[..., 1].copy()
    alpha = np.concatenate([small, np.ones_like(small[..., :1])], axis=-1)
    files = {
        "half": (scanlines, {"RGB": small.astype(np.float16)}),
        "full": (scanlines | {"compression": OpenEXR.PIZ_COMPRESSION}, {"RGB": small}),
        "rgba": (scanlines, {"RGBA": alpha}),
        "layer": (scanlines, {f"beauty.{name}": small[..., i].copy() for i, name in enumerate("RGB")}),
        "depth": (scanlines, {"RGB": small, "Z": gray}),
    }
    for name, (header, channels) in files.items():
        path = tmp_path / f"{name}.exr"
        OpenEXR.File(header, channels).write(str(path))
        pixels = read_panorama(path)
        assert pixels.dtype == np.float32 and pixels.flags.c_contiguous, name
        assert np.allclose(pixels, small, rtol=1e-3), name
    parts = [OpenEXR.Part({"name": "depth"}, {"A": gray, "Z": gray}), OpenEXR.Part({"name": "color"}, {"RGB": small})]
    OpenEXR.File(parts).write(str(tmp_path / "parts.exr"))
    assert np.allclose(read_panorama(tmp_path / "parts.exr"), small)
    OpenEXR.File(scanlines, {"Y": gray}).write(str(tmp_path / "gray.exr"))
    assert np.allclose(read_panorama(tmp_path / "gray.exr"), gray[..., None])
    write_hdr(tmp_path / "picture.hdr", small)
    # Radiance's shared exponent keeps 8 bits of the strongest channel.
    assert np.allclose(read_panorama(tmp_path / "picture.hdr"), small, atol=float(small.max()) / 128, rtol=0.01)


def broken(small: Picture, place: tuple[slice | int, ...], value: float) -> Picture:
    picture = small.copy()
    picture[place] = value
    return picture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:, :100], "100 × 64 pixels, 1.56 to 1"),
        (lambda p: broken(p, (5, slice(7, 9), 1), math.nan), "2 pixels with NaN, the first at column 7, row 5"),
        (lambda p: broken(p, (3, 4), math.inf), "1 pixel with infinity, the first at column 4, row 3"),
        (lambda p: broken(p, (slice(0, 20),), -1.0), "negative light"),
        (lambda p: p * 0, "all black"),
    ],
)
def test_bad_pixels_have_one_clear_error(tmp_path: Path, small: Picture, change: object, message: str) -> None:
    path = tmp_path / "bad.exr"
    write_exr(path, np.ascontiguousarray(change(small)), half=False)  # type: ignore[operator]
    with pytest.raises(StudioFlowError) as caught:
        read_panorama(path)
    assert message in str(caught.value) and "bad.exr" in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_a_little_ringing_is_cut_off(tmp_path: Path, small: Picture) -> None:
    path = tmp_path / "ringing.exr"
    write_exr(path, broken(small, (slice(0, 2), slice(0, 4)), -0.01), half=False)
    assert read_panorama(path).min() == 0


def test_a_ratio_within_a_hundredth_is_taken(tmp_path: Path, small: Picture) -> None:
    write_exr(tmp_path / "nearly.exr", np.ascontiguousarray(small[:, :127]))
    assert read_panorama(tmp_path / "nearly.exr").shape == (64, 127, 3)


def test_files_that_are_no_panorama(tmp_path: Path, small: Picture) -> None:
    from PIL import Image

    write_exr(tmp_path / "whole.exr", small)
    write_hdr(tmp_path / "whole.hdr", small)
    for kind in ("exr", "hdr"):
        data = (tmp_path / f"whole.{kind}").read_bytes()
        for share in (0.02, 0.5, 0.9):
            (tmp_path / f"cut.{kind}").write_bytes(data[: int(len(data) * share)])
            with pytest.raises(StudioFlowError, match="cannot be read") as caught:
                read_panorama(tmp_path / f"cut.{kind}")
            assert str(tmp_path) not in str(caught.value)
    Image.fromarray(np.zeros((8, 16, 3), np.uint8)).save(tmp_path / "photo.jpg")
    (tmp_path / "photo.jpg").rename(tmp_path / "photo.hdr")
    with pytest.raises(StudioFlowError, match="a JPEG file"):
        read_panorama(tmp_path / "photo.hdr")
    (tmp_path / "empty.exr").touch()
    (tmp_path / "text.exr").write_text("hello")
    for name in ("empty.exr", "text.exr", "missing.exr"):
        with pytest.raises(StudioFlowError, match="cannot be read"):
            read_panorama(tmp_path / name)


def test_sizes_are_bounded_before_memory_is_taken(tmp_path: Path) -> None:
    wide = np.ones((2, 20000, 3), np.float32)
    write_hdr(tmp_path / "wide.hdr", wide)
    write_exr(tmp_path / "wide.exr", wide)
    for name in ("wide.hdr", "wide.exr"):
        with pytest.raises(StudioFlowError, match="too large") as caught:
            read_panorama(tmp_path / name)
        assert "20000 × 2" in str(caught.value)
    lie = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8192 +X 16384\n"
    (tmp_path / "lie.hdr").write_bytes(lie + b"\x02\x02\x40\x00" * 64)
    with pytest.raises(StudioFlowError, match="cannot be read"):
        read_panorama(tmp_path / "lie.hdr")


# ---------------------------------------------------------------- the picture to look at


@pytest.mark.parametrize("rotation", [0.0, 130.0])
def test_the_marked_panorama(rotation: float) -> None:
    picture = studio_room()
    report = analyse(picture, rotation_deg=rotation)
    shown = marked_panorama(picture, report, 512)
    assert shown.shape == (256, 512, 3) and shown.dtype == np.float32
    assert 0 <= shown.min() and shown.max() <= 1
    accent = (shown[..., 0] > 0.9) & (np.abs(shown[..., 1] - 0.745) < 0.12) & (shown[..., 2] < 0.45)
    for light in report.lights:
        # Marks lie around every light, turned as the panorama is, and in an empty half sky there are none.
        column, row = int(across_of(light.azimuth_deg) * 512), int((90 - light.elevation_deg) / 180 * 256)
        columns = np.arange(column - 45, column + 45) % 512
        assert accent[max(0, row - 45) : row + 45, columns].sum() > 20
    assert not accent[:12].any()
    assert np.array_equal(shown, marked_panorama(picture, report, 512))


def test_labels_of_lights_close_together_do_not_overlap() -> None:
    lamps = [Lamp(30 + 14 * index, 20, 6, 1.0 - 0.1 * index, 5000) for index in range(4)]
    picture = panorama(HEIGHT, lamps)
    report = analyse(picture)

    def plates(lights: tuple[PanoramaLight, ...]) -> int:
        shown = marked_panorama(picture, report._replace(lights=lights))[:470]
        return int((np.abs(shown - np.array([12, 12, 14]) / 255).max(axis=-1) < 0.03).sum())

    # Boxes of one shade and height: where none covers another, all together are as large as each alone, but for the
    # width of their words (alone each is the key).
    assert len(report.lights) == 4
    assert plates(report.lights) > 0.9 * sum(plates((light,)) for light in report.lights)
