"""Sizes are those FIBO was trained at; open numbers come from the family; families are told by name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.errors import ManifestError, ModelError
from studioflow.families import families, family, family_by_name
from studioflow.manifest import render_settings
from studioflow.resources import table
from studioflow.sizes import size_for_ratio

RATIOS = ["1:1", "3:2", "2:3", "4:3", "3:4", "16:9", "9:16", "5:4", "4:5", "21:9", "9:21", "2:1", "3:1", "16:10"]


@pytest.mark.parametrize("ratio", RATIOS)
def test_fibo_2_sizes_agree_with_the_pipeline_of_diffusers(ratio: str) -> None:
    diffusers = pytest.importorskip("diffusers", minversion="0.42")
    from diffusers.pipelines.bria_fibo2.image_processor import BriaFibo2ImageProcessor

    assert diffusers
    width, height = map(int, ratio.split(":"))
    trained = BriaFibo2ImageProcessor(vae_scale_factor=16).get_image_size(width / height, area=1024 * 1024)
    assert size_for_ratio(ratio, 1, "fibo-2") == trained


@pytest.mark.parametrize("dialect", ["fibo-1", "fibo-2"])
def test_the_table_keeps_its_own_promises(dialect: str) -> None:
    for ratio, (width, height) in table("trained_sizes.json")[dialect].items():
        w, h = map(int, ratio.split(":"))
        assert width % 16 == height % 16 == 0 and 0.85 < width * height / 1024**2 < 1.15
        assert width / height == pytest.approx(w / h, rel=0.03)


@settings(max_examples=300, deadline=None)
@given(
    w=st.integers(1, 40),
    h=st.integers(1, 40),
    megapixels=st.floats(0.25, 4),
    dialect=st.sampled_from(["fibo-1", "fibo-2"]),
)
def test_any_ratio_is_met_to_the_rounding(w: int, h: int, megapixels: float, dialect: str) -> None:
    width, height = size_for_ratio(f"{w}:{h}", megapixels, dialect)
    exact = (megapixels * 1024**2 * w / h) ** 0.5
    if megapixels != 1:
        assert abs(width - exact) <= 8 or width == 16
    assert width % 16 == height % 16 == 0


def test_open_numbers_come_from_the_family_and_given_ones_win() -> None:
    turbo = family("fibo-2.0-edit-turbo")
    assert render_settings({}, turbo) == render_settings({"render": {"steps": 4, "cfg": 1, "seed": 0}}, turbo)
    given_ones = render_settings(
        {"render": {"steps": 9, "cfg": 2, "seed": 5, "count": 3, "width": 512, "height": 256}}, turbo
    )
    assert (given_ones.steps, given_ones.cfg, given_ones.seed, given_ones.count) == (9, 2.0, 5, 3)
    assert (given_ones.width, given_ones.height) == (512, 256)


def test_a_ribbon_is_refused() -> None:
    with pytest.raises(ManifestError, match="too long and thin"):
        render_settings({"render": {"aspect_ratio": "100:1"}}, family("fibo-2.0-dev"))


@pytest.mark.parametrize(
    ("name", "pipeline", "expected"),
    [
        ("Fibo-2.0-dev", "BriaFibo2Pipeline", "fibo-2.0-dev"),
        ("briaai/Fibo-2.0-edit-turbo", "BriaFibo2Pipeline", "fibo-2.0-edit-turbo"),
        ("my fibo 2.0 edit turbo fp8", "BriaFibo2Pipeline", "fibo-2.0-edit-turbo"),
        ("something", "BriaFibo2Pipeline", "fibo-2.0-dev"),
        ("briaai/FIBO", "BriaFiboPipeline", "fibo-1.0"),
        ("Fibo-1.5", "BriaFiboPipeline", "fibo-1.5"),
        ("fibo_lite_bf16", "BriaFiboPipeline", "fibo-lite"),
        ("something", "BriaFiboPipeline", "fibo-1.0"),
    ],
)
def test_the_name_tells_the_model(name: str, pipeline: str, expected: str) -> None:
    found = family_by_name(name, pipeline)
    assert found is not None and found.id == expected


def test_unknown_pipeline_and_unknown_family() -> None:
    assert family_by_name("FIBO", "FluxPipeline") is None
    with pytest.raises(ModelError, match=r'did you mean "fibo-lite"'):
        family("fibo-light")
    assert sum(row.base for row in families().values()) == 3
