"""FIBO Size gives what a manifest gives, and for the ratios of training what diffusers gives."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studioflow.errors import ManifestError, StudioFlowError
from studioflow.families import DIALECTS, families
from studioflow.manifest import render_settings
from studioflow.sizes import (
    MAX_SIDE,
    MIN_SIDE,
    chosen_ratio,
    picture_size,
    rope_scale,
    size_notice,
    trained_ratios,
)

DIALECT = st.sampled_from(DIALECTS)


def test_every_ratio_of_fibo_2_equals_diffusers() -> None:
    pytest.importorskip("diffusers", minversion="0.42")
    from diffusers.pipelines.bria_fibo2.image_processor import BriaFibo2ImageProcessor

    processor = BriaFibo2ImageProcessor(vae_scale_factor=16)
    ratios = [ratio for ratio in trained_ratios() if ratio not in ("7:9", "9:7", "19:13", "7:4")]  # those of FIBO 1
    assert len(ratios) == 17
    for ratio in ratios:
        across, up = map(int, ratio.split(":"))
        expected = processor.get_image_size(across / up)
        assert picture_size(ratio, 1, "fibo-2", "x") == expected
        # The same for a picture of that ratio, whatever its size.
        assert picture_size(chosen_ratio("image", "", (across * 123, up * 123)), 1, "fibo-2", "x") == expected


@pytest.mark.parametrize("size", [(1544, 982), (2529, 3616), (1050, 2831), (997, 1000), (4000, 1001), (300, 4000)])
def test_a_picture_of_any_ratio_has_the_size_that_diffusers_edits_it_at(size: tuple[int, int]) -> None:
    pytest.importorskip("diffusers", minversion="0.42")
    from diffusers.pipelines.bria_fibo2.image_processor import BriaFibo2ImageProcessor

    expected = BriaFibo2ImageProcessor(vae_scale_factor=16).get_image_size(size[0] / size[1])
    assert picture_size(chosen_ratio("image", "", size), 1, "fibo-2", "x") == expected


@given(st.sampled_from(trained_ratios()), st.floats(0.25, 4), st.sampled_from(list(families().values())))
def test_equals_a_manifest_that_asks_for_the_same(ratio: str, megapixels: float, family) -> None:
    render = render_settings({"render": {"aspect_ratio": ratio, "megapixels": megapixels}}, family)
    assert picture_size(ratio, megapixels, family.dialect, "x") == (render.width, render.height)


@given(st.integers(1, 9000), st.integers(1, 9000), st.floats(0.25, 4), DIALECT)
def test_any_picture_has_a_size_or_is_a_ribbon(width: int, height: int, megapixels: float, dialect: str) -> None:
    ratio = chosen_ratio("image", "", (width, height))
    try:
        size = picture_size(ratio, megapixels, dialect, "x")
    except ManifestError as error:
        assert "too long and thin" in error.problem and max(width, height) / min(width, height) > 3.9
        return
    assert all(MIN_SIDE <= side <= MAX_SIDE and side % 16 == 0 for side in size)
    assert math.prod(size) == pytest.approx(megapixels * 1024**2, rel=0.2)


def test_what_is_chosen() -> None:
    assert chosen_ratio("3:2", "21:9", (10, 20)) == "3:2"
    assert chosen_ratio("custom", " 21:9 ", (10, 20)) == "21:9"
    assert picture_size("21:9", 1, "fibo-2", "x") == picture_size("7:3", 1, "fibo-2", "x")


@pytest.mark.parametrize("text", ["", "21", "21/9", "0:9", "21:9:1", "1.5:1", "-3:2", "99999:1"])
def test_a_text_that_is_no_ratio(text: str) -> None:
    with pytest.raises(StudioFlowError, match="this is no ratio") as caught:
        chosen_ratio("custom", text, None)
    assert caught.value.found == f'"{text}"'


def test_a_choice_that_cannot_be_met() -> None:
    with pytest.raises(StudioFlowError, match="no image to take the ratio from"):
        chosen_ratio("image", "21:9", None)
    with pytest.raises(StudioFlowError, match=r'did you mean "16:9"'):
        chosen_ratio("16:09", "", None)


@given(st.sampled_from(trained_ratios()), st.floats(0.25, 1), DIALECT)
def test_at_the_area_of_training_there_is_nothing_to_say(ratio: str, megapixels: float, dialect: str) -> None:
    assert size_notice(*picture_size(ratio, megapixels, dialect, "x"), dialect) == ""


def test_above_it_the_notice_names_the_remedy() -> None:
    assert rope_scale(2048, 2048) == 0.5
    assert rope_scale(1448, 1448) == pytest.approx(math.sqrt(1 / 2), abs=0.01)
    told = size_notice(2048, 2048, "fibo-2")
    assert told.startswith("4.0 megapixels") and "ScaleROPE, scale_x = scale_y = 0.5" in told
    assert "ScaleROPE" not in size_notice(2048, 2048, "fibo-1") != ""
