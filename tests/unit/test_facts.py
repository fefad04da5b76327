"""What a manifest says of camera, light and rights."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import StudioFlowError
from studioflow.imaging.facts import Facts, facts_of
from studioflow.manifest import content_id, load, validate
from studioflow.resources import shipped
from studioflow.studio.placement import pose_of

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)


def made(**sections: Any) -> dict[str, Any]:
    manifest = {"studioflow": "1.0", "scene": {"description": "a jug"}} | sections
    validate(manifest)
    return manifest


def test_a_sample_in_full() -> None:
    manifest = load(shipped("samples") / "product_hero.json")
    facts = facts_of(manifest, NOW)
    assert facts.captured == NOW
    assert facts.manifest_id == content_id(manifest)
    assert (facts.title, facts.sku, facts.tags) == ("Hand grinder, hero", "NL-220", ("product", "coffee", "hero"))
    assert facts.description.startswith("A slim hand coffee grinder")
    assert (facts.lens, facts.sensor) == ("85 mm portrait", "Full frame")
    assert (facts.sensor_width_mm, facts.sensor_height_mm) == (36.0, 24.0)
    assert (facts.focal_length_mm, facts.equivalent_mm, facts.aperture) == (85, pytest.approx(85.0), 2.8)
    assert facts.lights == (
        "key: strip box, 60° left, 35° high, 0.9 m away, intensity 1, 5200 K",
        "rim: strip box, 150° right, 40° high, 1 m away, intensity 0.7, 6000 K",
        "fill: reflector, 60° right, 5° high, 0.8 m away, intensity 0.3, 5200 K",
    )
    assert facts.light_kelvin == 5200
    assert (facts.focus_distance_m, facts.squeeze, facts.iso, facts.copyright) == (None, None, None, "")


@pytest.mark.parametrize("path", sorted(shipped("samples").glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_has_facts(path: Path) -> None:
    manifest = load(path)
    facts = facts_of(manifest, NOW)
    assert len(facts.manifest_id) == 64
    assert bool(facts.lights) == bool(manifest.get("lighting", {}).keys() & {"lights", "setup"})


def test_the_quaternion_points_the_camera_at_its_target() -> None:
    orbit = {"azimuth_deg": 90, "elevation_deg": 0, "distance_m": 2, "target_m": [0, 1, 0]}
    facts = facts_of(made(camera={"orbit": orbit}), NOW)
    assert facts.position_m == pytest.approx((2.0, 1.0, 0.0))
    # A quarter turn about Y takes the view from -Z to -X.
    assert facts.quaternion == pytest.approx((0.0, 0.5**0.5, 0.0, 0.5**0.5))


def test_an_orbit_without_a_target_goes_round_the_main_subject() -> None:
    camera = {"orbit": {"azimuth_deg": 0, "elevation_deg": 0, "distance_m": 2}}
    subject = {"description": "jug", "position_m": [1, 0, 0], "size_m": [0.2, 0.4, 0.2]}
    manifest = made(camera=camera, scene={"description": "a jug", "subjects": [subject]})
    assert facts_of(manifest, NOW).position_m == pytest.approx((1.0, 0.2, 2.0))
    assert pose_of(camera) is not None
    assert facts_of(made(camera=camera), NOW).position_m == pytest.approx((0.0, 0.0, 2.0))


def test_exposure_and_rights() -> None:
    camera = {"exposure_time_s": 0.008, "iso": 400, "lens": {"focus_distance_m": 1.5}}
    meta = {"author": "Mira Sand", "copyright": "© 2026 Mira Sand", "notes": "not for the client"}
    facts = facts_of(made(camera=camera, meta=meta), NOW)
    assert (facts.exposure_time_s, facts.iso, facts.focus_distance_m) == (0.008, 400, 1.5)
    assert (facts.author, facts.copyright) == ("Mira Sand", "© 2026 Mira Sand")
    assert "not for the client" not in repr(facts)
    assert (facts.focal_length_mm, facts.equivalent_mm, facts.lens, facts.position_m) == (None, None, "", None)


def test_a_preset_with_another_focal_length_has_no_name() -> None:
    facts = facts_of(made(camera={"lens": {"preset": "portrait_85", "focal_length_mm": 90}}), NOW)
    assert (facts.lens, facts.focal_length_mm) == ("", 90)


def test_anamorphic_fisheye_and_small_sensors() -> None:
    anamorphic = facts_of(made(camera={"lens": {"preset": "anamorphic_50"}, "sensor": "super_35"}), NOW)
    assert anamorphic.squeeze == 2.0
    assert anamorphic.equivalent_mm == pytest.approx(50 * 43.26661530556787 / (56.5**2 + 18.17**2) ** 0.5)
    assert facts_of(made(camera={"lens": {"preset": "fisheye_15"}}), NOW).fisheye


@pytest.mark.parametrize(
    ("light", "line"),
    [
        ({}, "rim: light, from the front, 0° high, intensity 1"),
        ({"azimuth_deg": 180, "elevation_deg": -10}, "rim: light, from behind, 10° below the horizon, intensity 1"),
        ({"azimuth_deg": -360}, "rim: light, from the front, 0° high, intensity 1"),
        ({"azimuth_deg": 300}, "rim: light, 60° left, 0° high, intensity 1"),
        ({"type": "led_panel", "color": "#FF0000"}, "rim: LED panel, from the front, 0° high, intensity 1, #FF0000"),
        ({"type": "sun"}, "rim: sun, from the front, 0° high, intensity 1, 5500 K"),
    ],
)
def test_a_light_in_words(light: dict[str, Any], line: str) -> None:
    facts = facts_of(made(lighting={"lights": [{"role": "rim", **light}]}), NOW)
    assert facts.lights == (line,)


def test_lights_of_the_world_and_lights_that_are_off() -> None:
    lights = [
        {"role": "fill", "azimuth_deg": 30, "intensity": 0},
        {"role": "key", "azimuth_deg": 200, "color_temperature_k": 3200},
    ]
    facts = facts_of(made(lighting={"frame": "world", "lights": lights}), NOW)
    assert facts.lights == ("key: light, azimuth -160° in the world, 0° high, intensity 1, 3200 K",)
    assert facts.light_kelvin == 3200


def test_a_setup_stands_for_its_lights() -> None:
    facts = facts_of(made(lighting={"setup": "rembrandt"}), NOW)
    assert any(line.startswith("key: ") for line in facts.lights)


def test_a_manifest_of_a_caption_says_little() -> None:
    manifest = {"studioflow": "1.0", "caption": {"short_description": "a jug"}}
    facts = facts_of(manifest, NOW)
    assert facts == Facts(NOW, content_id(manifest))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="time zone"):
        facts_of(made(), datetime(2026, 1, 1))
    with pytest.raises(StudioFlowError, match="did you mean"):
        facts_of({"camera": {"lens": {"preset": "portrait_58"}}}, NOW)
