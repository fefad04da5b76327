"""The words for the framing are those of what a greybox shows: its masks are measured."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studioflow.greybox.shapes import default_size_m
from studioflow.manifest import load
from studioflow.manifest.render import picture_ratio
from studioflow.resources import shipped
from studioflow.studio.framing import depth_ratio, fill_of, is_person, shot_size
from studioflow.studio.lens import lens_of
from studioflow.studio.placement import orbit_of
from studioflow.studio.words import band, bands

from .greybox_shots import rendered, scalar, shot, subject

SAMPLES = sorted(shipped("samples").glob("*.json"))
_LIMIT = 0.04
"""Words of the neighbouring band count where the measure is this near to the limit."""


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with scalar(tmp_path_factory):
        yield


def framed(number: int) -> tuple[dict[str, Any], dict[str, Any], tuple[int, int]]:
    """A camera, a subject and a picture's sides, some of the many that there are."""
    dice = random.Random(number)
    person = number % 4 == 0
    names = ("standing_figure", "seated_figure") if person else ("bottle", "vase", "wine_glass", "book", "sphere")
    name = dice.choice(names)
    size = default_size_m(name)
    focal = dice.choice((24, 35, 50, 85, 135))
    nearest = 0.9 if person else 4.0 * max(size)
    distance = nearest * 12.0 ** dice.random()
    orbit = {"azimuth_deg": dice.choice((0, 90, -90, 180)), "elevation_deg": dice.uniform(-5, 8)}
    looked_at = [0.0, size[1] / 2.0, 0.0]
    camera = {"lens": {"focal_length_mm": focal}, "orbit": {**orbit, "distance_m": distance, "target_m": looked_at}}
    thing = subject(name, size, facing_deg=dice.choice((0, 90, 180)), **({"pose": "still"} if person else {}))
    return camera, thing, dice.choice(((96, 96), (96, 64), (64, 96)))


def of_sample(path: Path) -> tuple[dict[str, Any], dict[str, Any], tuple[int, int]]:
    manifest = load(path)
    camera = manifest["camera"]
    placed = {key: value for key, value in camera["orbit"].items() if key != "roll_deg"}
    ratio = picture_ratio(manifest)
    sides = (96, round(96 / ratio)) if ratio > 1.0 else (round(96 * ratio), 96)
    return {**camera, "orbit": placed}, manifest["scene"]["subjects"][0], sides


def has_one_size(camera: dict[str, Any], thing: dict[str, Any]) -> bool:
    """Not where the near end is drawn several times as large as the far one, and words go by the middle."""
    return (depth_ratio(camera, thing) or math.inf) < 2.0


WITH_SUBJECT = {path.stem: of_sample(path) for path in SAMPLES if load(path)["scene"].get("subjects")}
FRAMED = {name: row for name, row in WITH_SUBJECT.items() if has_one_size(*row[:2])}
FRAMED |= {f"generated {number}": framed(number) for number in range(25)}


@pytest.mark.parametrize("name", FRAMED)
def test_the_words_for_the_shot_size_are_those_of_what_is_seen(name: str) -> None:
    camera, thing, sides = FRAMED[name]
    words = shot_size(camera, thing, sides[0] / sides[1]).partition(",")[0]
    up, across = measured(camera, thing, sides)
    if is_person(thing):
        found, group = up, "shot_size_of_a_person_by_height"
    else:
        found, group = max(up, across), "shot_size_of_a_thing_by_fill"
    near = {band(found * (1.0 + off), bands("studio/camera_words", group)) for off in (-_LIMIT, 0.0, _LIMIT)}
    assert words in near, f"{found:.3f} of the picture"


def measured(camera: dict[str, Any], thing: dict[str, Any], sides: tuple[int, int]) -> tuple[float, float]:
    """The height and width of a subject's mask in parts of the picture, by a shorter lens where it is cut off."""
    distance = orbit_of(camera)["distance_m"]  # type: ignore[index]
    focal = lens_of(camera).focal_length_mm / 1000.0  # type: ignore[operator]
    fill = fill_of(camera, thing, sides[0] / sides[1])
    wider = 2.5 * max(fill.up, fill.across)  # type: ignore[union-attr]
    # What a lens shows at the distance that it is focused at is (s - f) / f times the sensor.
    shorter = distance / (1.0 + wider * (distance - focal) / focal)
    lens = {"focal_length_mm": 1000.0 * shorter}
    sensor = {"sensor": camera["sensor"]} if "sensor" in camera else {}
    manifest = shot(thing, camera={**sensor, "orbit": camera["orbit"], "lens": lens})
    ((_, mask),) = rendered(manifest, sides, 1, looks=3).masks
    covered = [mask.max(axis=axis) for axis in (1, 0)]
    assert all(line[0] == line[-1] == 0.0 for line in covered), "all of the subject is in the wider picture"
    up, across = (float(line.sum()) / len(line) * wider for line in covered)
    return up, across
