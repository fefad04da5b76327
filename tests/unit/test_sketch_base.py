"""A toned base has the asked mean, and its lines stand out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from studioflow.errors import StudioFlowError
from studioflow.sketch.base import toned_base


def line_map(side: int = 160) -> np.ndarray:
    lines = np.zeros((side, side), np.float32)
    cv2.rectangle(lines, (30, 40), (120, 130), 1.0, 3)
    return lines


def shaded(side: int = 160) -> np.ndarray:
    """A drawing whose left half is shaded, [H, W, 3]."""
    page = 1 - 0.9 * line_map(side)
    page[:, : side // 2] *= 0.7
    return np.repeat(page[..., None], 3, axis=2).astype(np.float32)


@pytest.mark.parametrize("tone", [0.1, 0.35, 0.5, 0.9])
@pytest.mark.parametrize("contrast", [0.1, 0.35, 0.9])
@pytest.mark.parametrize("given", [line_map(), shaded(), np.zeros((9, 9), np.float32), np.ones((1, 1, 3), np.float32)])
def test_the_mean_is_the_tone(given: np.ndarray, tone: float, contrast: float) -> None:
    base = toned_base(given, tone, contrast)
    assert base.shape == (*given.shape[:2], 3) and base.dtype == np.float32
    assert base.min() >= 0 and base.max() <= 1
    assert abs(base.mean(dtype=np.float64) - tone) < 1 / 255
    assert np.ptp(base, axis=2).max() == 0, "grey"


def test_lines_are_darker_by_the_contrast() -> None:
    lines = line_map()
    base = toned_base(lines, 0.5, 0.3)[..., 0]
    assert base[lines == 0].min() - base[lines == 1].max() == pytest.approx(0.3, abs=1e-5)


@pytest.mark.parametrize("ink", [0.1, 0.7])
def test_faint_pencil_stands_out_as_ink_does(ink: float) -> None:
    lines = line_map()
    page = np.repeat((1 - (1 - ink) * lines)[..., None], 3, axis=2)
    base = toned_base(page, 0.5, 0.3, shading=False)[..., 0]
    assert np.median(base[lines == 0]) - np.median(base[lines == 1]) == pytest.approx(0.3, abs=0.02)


def test_both_polarities_of_a_control_map_give_the_same() -> None:
    dark = np.repeat((1 - line_map())[..., None], 3, axis=2)
    assert np.abs(toned_base(dark) - toned_base(1 - dark)).max() < 1 / 255


def test_shading_is_kept_or_left_out() -> None:
    page = shaded()
    away = np.s_[5:25, 5:60], np.s_[5:25, 100:155]
    with_it, without = (toned_base(page, shading=kept)[..., 0] for kept in (True, False))
    dark, light = (with_it[at].mean() for at in away)
    assert light - dark > 0.03
    dark, light = (without[at].mean() for at in away)
    assert abs(light - dark) < 0.01


@pytest.mark.parametrize(
    ("name", "settings"),
    [("tone", {"tone": 0.0}), ("tone", {"tone": float("nan")}), ("contrast", {"contrast": 1.5})],
)
def test_settings_out_of_range(name: str, settings: dict[str, float]) -> None:
    with pytest.raises(StudioFlowError) as caught:
        toned_base(line_map(), **settings)
    assert caught.value.where == name and caught.value.allowed
