"""The nodes of colour, called as ComfyUI calls them, with configs from its folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from studioflow.color.convert import convert
from studioflow.color.expand import expand
from studioflow.color.exposures import merge
from studioflow.color.tone import tone_map

from .test_execute import run

torch.set_num_threads(1)
CONFIG = """
ocio_profile_version: 2
roles: {default: half, aces_interchange: ap0, cie_xyz_d65_interchange: xyz}
file_rules:
  - !<Rule> {name: Default, colorspace: default}
displays:
  screen:
    - !<View> {name: AgX, colorspace: half}
display_colorspaces:
  - !<ColorSpace> {name: xyz, encoding: display-linear}
colorspaces:
  - !<ColorSpace> {name: ap0, encoding: scene-linear}
  - !<ColorSpace>
    name: half
    encoding: scene-linear
    from_scene_reference: !<MatrixTransform> {matrix: [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 1]}
"""


@pytest.fixture(autouse=True)
def no_config_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def config(base: Path, pack: ModuleType) -> Iterator[str]:
    """A studio's config in ComfyUI's input folder, by its name in the menu."""
    file = base / "input" / "color" / "house.ocio"
    file.parent.mkdir(exist_ok=True)
    file.write_text(CONFIG)
    yield "input/color/house.ocio"
    file.unlink()


def picture(count: int = 2, channels: int = 3) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((count, 24, 32, channels), dtype=np.float32))


def options(node: Any, name: str) -> list[str]:
    return next(socket for socket in node.define_schema().inputs if socket.id == name).options


def test_transform_by_menu_by_name_and_with_alpha(nodes: dict[str, type], config: str) -> None:
    node, image = nodes["StudioFlowColorTransform"], picture(channels=4)
    done = run(node, image=image, source="sRGB", target="ACEScg", config="auto").args[0]
    assert done.dtype == torch.float32 and done.shape == image.shape
    assert np.array_equal(done.numpy(), convert(image.numpy(), "sRGB", "ACEScg"))
    given = {"image": image, "source": "Other", "target": "Other", "other_source": "lin_ap0", "other_target": "half"}
    with pytest.raises(Exception, match="no such colour space"):
        run(node, config="ACES 2.0", **given)
    half = run(node, config=config, **{**given, "other_source": "ap0"}).args[0]
    assert torch.allclose(half[..., :3], image[..., :3] / 2) and torch.equal(half[..., 3], image[..., 3])
    with pytest.raises(Exception, match="no colour space is named"):
        run(node, config="auto", **{**given, "other_target": " "})


def test_menus_offer_what_the_nodes_take(nodes: dict[str, type], config: str) -> None:
    menu = options(nodes["StudioFlowColorTransform"], "config")
    assert menu[:3] == ["auto", "ACES 2.0", "ACES 1.3"] and config in menu
    node, image = nodes["StudioFlowColorTransform"], picture(1)
    for source in options(node, "source")[:-1]:
        assert run(node, image=image, source=source, target="ACEScg", config="auto").args[0].shape == image.shape
    tone = nodes["StudioFlowToneMap"]
    settings = {"image": image, "operator": "hable", "config": "auto"}
    for source in options(tone, "source"):
        run(tone, source=source, **settings)
    for target in options(tone, "target"):
        run(tone, source="ACEScg", target=target, **settings)


def test_a_config_that_changed_runs_the_node_again(nodes: dict[str, type], config: str, base: Path) -> None:
    node = nodes["StudioFlowColorTransform"]
    before = node.fingerprint_inputs(config=config, source="sRGB")
    (base / config).write_text(CONFIG + "\n# changed")
    assert node.fingerprint_inputs(config=config, source="sRGB") != before


def test_a_config_of_the_ocio_variable_that_changed_runs_the_node_again(
    nodes: dict[str, type], base: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = nodes["StudioFlowToneMap"]
    without = node.fingerprint_inputs(config="auto")
    monkeypatch.setenv("OCIO", str(base / config))
    named = node.fingerprint_inputs(config="auto")
    (base / config).write_text(CONFIG + "\n# changed")
    changed = node.fingerprint_inputs(config="auto")
    monkeypatch.setenv("OCIO", "ocio://default")
    assert len({without, named, changed, node.fingerprint_inputs(config="auto")}) == 4
    monkeypatch.setenv("OCIO", str(base / "gone.ocio"))
    assert node.fingerprint_inputs(config="auto")  # what is wrong with it, the node says when it runs


def test_an_estimate_stays_one_in_what_is_told(nodes: dict[str, type]) -> None:
    image = picture(1)
    auto = {"config": "auto"}
    light, said = run(
        nodes["StudioFlowRangeExpansion"], image=image, method="highlights", source="sRGB", peak_stops=3.0, knee=0.7,
        target="ACEScg", **auto,
    ).args  # fmt: skip
    wide, said = run(
        nodes["StudioFlowColorTransform"], image=light, source="ACEScg", target="ACES2065-1", provenance=said, **auto
    ).args
    _, said = run(
        nodes["StudioFlowToneMap"], image=wide, operator="hable", source="ACES2065-1", provenance=said, **auto
    ).args
    words = ["an estimate, not captured light.", "Converted from scene-linear ACEScg", "Tone-mapped for display"]
    places = [said["range"].find(word) for word in words]
    assert -1 not in places and places == sorted(places)


@pytest.mark.parametrize("name", ["input/none.ocio", "input/../secret.ocio", "elsewhere/a.ocio", "/etc/passwd"])
def test_a_config_that_is_not_on_the_shelves(nodes: dict[str, type], name: str) -> None:
    with pytest.raises(Exception, match=r"no such OpenColorIO config|leaves its folder|no such shelf"):
        run(nodes["StudioFlowColorTransform"], image=picture(), source="sRGB", target="ACEScg", config=name)


def test_tone_map(nodes: dict[str, type], config: str) -> None:
    node, image = nodes["StudioFlowToneMap"], picture()
    settings = {
        "source": "ACEScg",
        "exposure_ev": 1.0,
        "white": 4.0,
        "gamma": 1.0,
        "target": "sRGB",
        "display": "",
        "view": "",
    }
    known = {"seed": 7}
    shown, said = run(node, image=image, operator="reinhard", config="auto", provenance=known, **settings).args
    assert np.array_equal(shown.numpy(), tone_map(image.numpy(), "reinhard", source="ACEScg", exposure_ev=1.0))
    assert said["seed"] == 7 and "Reinhard" in said["range"] and known == {"seed": 7}
    agx = run(
        node, image=image, operator="agx", config=config, **{**settings, "source": "ACES2065-1", "display": "screen"}
    )
    assert torch.allclose(agx.args[0], image, atol=1e-5)
    with pytest.raises(Exception, match="needs scene-linear light"):
        run(node, image=image, operator="hable", config="auto", **{**settings, "source": "sRGB"})


def test_range_expansion_says_how_values_came_to_be(nodes: dict[str, type]) -> None:
    node, image = nodes["StudioFlowRangeExpansion"], picture()
    settings = {"source": "sRGB", "peak_stops": 2.0, "knee": 0.5, "target": "ACEScg"}
    result = run(node, image=image, method="highlights", config="auto", provenance={"seed": 7}, **settings)
    light, said = result.args
    expected, sentence = expand(image.numpy(), target="ACEScg", peak_stops=2.0, knee=0.5)
    assert np.array_equal(light.numpy(), expected) and light.max() > 1
    assert said == {"seed": 7, "range": sentence} and result.ui["studioflow_notice"] == [sentence]


def test_merge_exposures(nodes: dict[str, type]) -> None:
    node, images = nodes["StudioFlowMergeExposures"], picture(3)
    light, said = run(node, images=images, exposures="-2, 0, 2", source="sRGB", target="ACEScg").args
    expected, sentence = merge(images.numpy(), [-2, 0, 2], target="ACEScg")
    assert light.shape == (1, 24, 32, 3) and np.array_equal(light[0].numpy(), expected)
    assert said == {"range": sentence}
    with pytest.raises(Exception, match="each picture needs its exposure"):
        run(node, images=images, exposures="0, 1", source="sRGB", target="ACEScg")
