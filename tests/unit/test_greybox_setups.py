"""Every lighting setup and every sample renders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studioflow.greybox.greybox import Greybox
from studioflow.greybox.size import greybox_size
from studioflow.manifest import load
from studioflow.resources import shipped
from studioflow.studio.words import entries

from .greybox_shots import rendered, scalar

SETUPS = entries("setups")
SAMPLES = sorted(shipped("samples").glob("*.json"))
SHOWN: tuple[dict[str, Any], ...] = (
    {"description": "a person", "stand_in": "head_and_shoulders", "size_m": [0.45, 0.55, 0.28], "pose": "still"},
    {"description": "glass bottle", "stand_in": "bottle", "size_m": [0.075, 0.28, 0.075]},
)


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with scalar(tmp_path_factory):
        yield


def sample_file(kind: str, name: str) -> Path:
    return shipped("samples") / Path(name).name


def require_light(made: Greybox) -> None:
    for name in ("linear", "display", "depth", "depth_map", "normals", "lines"):
        assert np.isfinite(getattr(made, name)).all(), name
    assert made.linear.min() >= 0.0 and 0.0 <= made.display.min() <= made.display.max() <= 1.0
    # A dark mood is dark, but something is there to be seen, and not by one odd pixel.
    assert np.quantile(made.display.max(axis=-1), 0.99) > 0.1


@pytest.mark.parametrize("setup", SETUPS)
def test_every_setup_lights_a_subject(setup: str) -> None:
    """One after the other on a head and on a bottle."""
    shown = SHOWN[list(SETUPS).index(setup) % 2]
    height = shown["size_m"][1]
    orbit = {"elevation_deg": 3, "distance_m": 5.0 * height, "target_m": [0, height / 2, 0]}
    camera = {"lens": {"focal_length_mm": 85, "aperture": 8}, "orbit": orbit}
    manifest = {"scene": {"subjects": [shown]}, "camera": camera, "lighting": {"setup": setup}}
    made = rendered(manifest, 48, 2)
    require_light(made)
    ((_, mask),) = made.masks
    assert 0.05 < mask.mean() < 0.6
    assert made.depth[mask == 1.0].mean() == pytest.approx(5.0 * height, rel=0.1)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_renders(path: Path) -> None:
    manifest = load(path)
    made = rendered(manifest, greybox_size(manifest, 48), 2, find=sample_file)
    require_light(made)
    subjects = manifest["scene"].get("subjects", [])
    assert [name for name, _ in made.masks] == [thing["description"][:40] for thing in subjects]
    assert all(mask.any() for _, mask in made.masks), "each subject is in the picture"
