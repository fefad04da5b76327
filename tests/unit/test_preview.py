"""The small picture at a node shows what the file holds."""

from __future__ import annotations

import numpy as np
import pytest

from studioflow.color.convert import convert
from studioflow.delivery.layers import picture_of, with_layer
from studioflow.delivery.preview import preview
from studioflow.imaging.sheet import Layer

from ..srgb import linear_to_srgb, srgb_to_linear

NOISE = np.random.default_rng(3).random((2, 40, 60, 3), dtype=np.float32)


@pytest.mark.parametrize("space", ["sRGB", "Linear Rec.709", "ACEScg", "Display P3"])
def test_a_picture_without_highlights_looks_as_it_is(space: str) -> None:
    shown = preview(Layer("beauty", convert(NOISE, "sRGB", space), space))
    assert shown == pytest.approx(NOISE, abs=2e-3)


def test_highlights_come_into_view_in_their_order() -> None:
    light = np.linspace(0, 16, 64, dtype=np.float32).reshape(1, 8, 8, 1).repeat(3, axis=-1)
    shown = preview(Layer("beauty", light, "Linear Rec.709"))[0, ..., 0].ravel()
    assert (np.diff(shown) > 0).all() and shown[0] == 0 and shown[-1] == pytest.approx(1, abs=1e-4)


def test_a_large_picture_becomes_small_and_keeps_its_mean() -> None:
    flat = np.full((6, 300, 410, 3), 0.25, dtype=np.float32)
    flat[:, :, ::2] = 0.75
    shown = preview(Layer("beauty", flat), longest_px=100)
    assert shown.shape == (4, 60, 82, 3) and shown.mean() == pytest.approx(0.5, abs=0.06)
    assert preview(Layer("beauty", np.zeros((1, 4, 3000, 3), np.float32)), longest_px=100).shape[2] <= 100


def test_numbers_are_shown_from_the_least_to_the_most_and_nan_does_no_harm() -> None:
    depth = np.array([[[[2.0], [3.0], [4.0]]]], dtype=np.float32)
    assert preview(Layer("depth", depth, "data"))[0, 0, :, 1].tolist() == [0, 0.5, 1]
    broken = np.array([[[[np.nan, np.inf, -np.inf]]]], dtype=np.float32)
    assert np.isfinite(preview(Layer("beauty", broken, "ACEScg"))).all()
    assert linear_to_srgb(srgb_to_linear(np.array([0.5]))) == pytest.approx([0.5])


def test_pictures_and_masks_become_layers_without_a_copy() -> None:
    mask = np.ones((2, 40, 60), np.float32)
    layers = with_layer(with_layer((), "mask", mask=mask), "light.key", image=NOISE, space="ACEScg")
    assert [(layer.name, layer.space, layer.pixels.shape) for layer in layers] == [
        ("mask", "data", (2, 40, 60, 1)),
        ("light.key", "ACEScg", (2, 40, 60, 3)),
    ]
    assert np.shares_memory(layers[0].pixels, mask) and np.shares_memory(layers[1].pixels, NOISE)
    assert picture_of(mask[..., None]).pixels.shape == (2, 40, 60, 3)
    assert picture_of(mask[..., None], "data").pixels.shape == (2, 40, 60, 1)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("depth", {}, "one picture or one mask"),
        ("depth", {"image": NOISE, "mask": NOISE[..., 0]}, "one picture or one mask"),
        ("", {"image": NOISE}, "cannot have this name"),
        ("a/b", {"image": NOISE}, "cannot have this name"),
        ("größe", {"image": NOISE}, "cannot have this name"),
        ("a..b", {"image": NOISE}, "cannot have this name"),
        ("x" * 254, {"image": NOISE}, "cannot have this name"),
        ("Beauty", {"image": NOISE}, "two layers have one name"),
        ("MASK", {"image": NOISE}, "two layers have one name"),
        ("flow", {"image": NOISE[..., :2]}, "this is no picture"),
    ],
)
def test_what_is_no_layer_is_told(name: str, given: dict, told: str) -> None:
    from studioflow.errors import DeliveryError

    before = (Layer("mask", NOISE[..., :1], "data"),)
    with pytest.raises(DeliveryError, match=told):
        with_layer(before, name, **given)
