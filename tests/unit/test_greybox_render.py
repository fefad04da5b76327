"""Passes and tiles: what adds up, what is the same bits again, and what a cancel does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from studioflow.greybox import render as rendering
from studioflow.greybox.render import passes_of, render, tiles_of


@pytest.fixture(scope="module")
def mi() -> Iterator[Any]:
    import mitsuba

    mitsuba.set_variant("scalar_rgb")
    yield mitsuba


def box(mi: Any, side: int = 48) -> tuple[Any, Any, Any]:
    made = mi.cornell_box()
    film = {"type": "hdrfilm", "width": side, "height": side, "rfilter": {"type": "box"}, "component_format": "float32"}
    sensor = mi.load_dict(made.pop("sensor") | {"film": film, "sampler": {"type": "independent"}})
    path = mi.load_dict({"type": "path", "max_depth": 4})
    return mi.load_dict(made), sensor, path


@pytest.mark.parametrize(
    ("width", "height", "most"), [(4096, 4096, 1 << 18), (7, 5, 1), (100, 3, 150), (64, 64, 1 << 20)]
)
def test_tiles_are_all_rows_once_and_small_enough(width: int, height: int, most: int) -> None:
    tiles = tiles_of(width, height, most)
    assert [row for tile in tiles for row in range(tile.top, tile.top + tile.rows)] == list(range(height))
    assert all(tile.rows * width <= max(most, width) for tile in tiles)


@pytest.mark.parametrize("samples", [1, 7, 8, 100])
@pytest.mark.parametrize("pixels", [10, 100, 10000])
def test_passes_add_up_to_the_samples(samples: int, pixels: int) -> None:
    passes = passes_of(samples, pixels, 1000)
    assert sum(passes) == samples and len(set(passes)) <= 2
    assert all(each * pixels <= max(1000, pixels) for each in passes)


def test_the_same_bits_again_and_others_for_another_seed(mi: Any) -> None:
    scene, sensor, path = box(mi)
    one, again, other = (render(mi, scene, sensor, path, samples=4, seed=seed) for seed in (3, 3, 4))
    assert one.tobytes() == again.tobytes() and one.tobytes() != other.tobytes()


def test_tiles_and_passes_show_what_one_call_shows(mi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, sensor, path = box(mi)
    whole = render(mi, scene, sensor, path, samples=64, seed=1)
    scene, sensor, path = box(mi)
    monkeypatch.setitem(rendering.SAMPLES_PER_CALL, "scalar", 48 * 20)
    tiled = render(mi, scene, sensor, path, samples=64, seed=2)
    assert tiled.shape == whole.shape
    # Two noisy pictures of the same thing: 4 × 4 blocks differ by little and by no side.
    blocks = [picture[..., :3].reshape(12, 4, 12, 4, 3).mean((1, 3)) for picture in (whole, tiled)]
    difference = (blocks[1] - blocks[0]) / (blocks[0] + 0.05)
    assert np.abs(difference).max() < 0.5 and abs(difference.mean()) < 0.02


def test_every_call_is_told_and_a_cancel_goes_through(mi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rendering.SAMPLES_PER_CALL, "scalar", 48 * 24)
    scene, sensor, path = box(mi)
    told = []

    def tick(done: int, picture: Any) -> None:
        told.append(done)
        assert picture().shape[:2] == (48, 48) and np.isfinite(picture()).all()
        if len(told) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(mi, scene, sensor, path, samples=10, seed=1, tick=tick)
    assert told == [48 * 24 * call for call in range(1, 6)]
    # The next render is whole: nothing of the cut-off one stayed in the sensor.
    monkeypatch.undo()
    scene, fresh, path = box(mi)
    assert (
        render(mi, scene, fresh, path, samples=2, seed=1).tobytes()
        == render(mi, scene, box(mi)[1], path, samples=2, seed=1).tobytes()
    )
