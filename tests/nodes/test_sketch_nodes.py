"""The nodes of the sketch room, called as ComfyUI calls them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from .test_execute import run

CLEAN = {"auto": True, "line_px": 0.0, "ratio": "keep", "fit": "pad"} | dict.fromkeys(
    ("page", "light", "paper", "specks", "strokes", "gaps"), True
)
MAP = {"method": "canny", "detail": 0.5, "low": 0.0, "high": 0.0, "line_px": 1.0, "resolution": 0}
MAP |= {"polarity": "white_on_black"}
GUIDE = {"model": "from manifest", "role": "edges", "strength": 0.75, "instruction": ""}


@pytest.fixture
def hero(nodes: dict[str, type]) -> dict[str, Any]:
    return run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]


@pytest.fixture
def drawing(root: Path) -> torch.Tensor:
    """Two photos of drawings."""
    from PIL import Image

    names = ("low_contrast_pencil.jpg", "uneven_light.jpg")
    pictures = [Image.open(root / "samples" / "sketches" / name).convert("RGB").resize((400, 400)) for name in names]
    return torch.stack([torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255.0) for picture in pictures])


def ring(side: int = 128, radius: float = 40.0) -> torch.Tensor:
    """A dark ring on white paper [1, side, side, 3]."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    away = torch.hypot(x - side / 2, y - side / 2)
    return (1.0 - ((away - radius).abs() < 2.0).float())[None, ..., None].repeat(1, 1, 1, 3)


def test_a_batch_is_cleaned_and_told_picture_by_picture(nodes: dict[str, type], drawing: torch.Tensor) -> None:
    image, lines, report = run(nodes["StudioFlowSketchCleanup"], image=drawing, **CLEAN).args
    assert image.shape[0] == lines.shape[0] == 2 and image.shape[:3] == lines.shape
    assert torch.equal(image[..., 0], 1.0 - lines) and 0.005 < lines.mean() < 0.2
    assert "picture 1: " in report and "picture 2: light evened" in report


def test_transparency_comes_by_its_mask(nodes: dict[str, type]) -> None:
    """Load Image gives a drawing on transparency as black on black, and what is transparent apart."""
    mask = ring()[..., 0]
    image, lines, _ = run(nodes["StudioFlowSketchCleanup"], image=torch.zeros(1, 128, 128, 3), mask=mask, **CLEAN).args
    assert lines[0, 64, 24] > 0.5 and image[0, 64, 64].min() > 0.9
    no_alpha = torch.zeros(1, 64, 64)
    assert torch.equal(
        run(nodes["StudioFlowSketchCleanup"], image=ring(), mask=no_alpha, **CLEAN).args[0],
        run(nodes["StudioFlowSketchCleanup"], image=ring(), **CLEAN).args[0],
    )


@pytest.mark.parametrize("method", ["line_art", "canny", "soft_edge", "scribble", "threshold", "thin"])
def test_a_map_and_its_mask(nodes: dict[str, type], method: str) -> None:
    node = nodes["StudioFlowControlMap"]
    image, mask = run(node, image=ring(), **MAP | {"method": method}).args
    assert image.shape == (1, 128, 128, 3) and torch.equal(image[..., 0], mask)
    assert mask[0, 64, 20:30].max() > 0.5 and mask[0, 64, 55:75].max() < 0.2
    inverted, same = run(node, image=ring(), **MAP | {"method": method, "polarity": "black_on_white"}).args
    assert torch.allclose(inverted, 1.0 - image) and torch.equal(same, mask)


def test_a_learned_method_without_weights_says_what_to_get(nodes: dict[str, type], base: Path) -> None:
    with pytest.raises(Exception, match=r"ControlNetHED\.pth(.|\n)*studioflow models get hed") as caught:
        run(nodes["StudioFlowControlMap"], image=ring(), **MAP | {"method": "hed"})
    assert str(base / "models" / "controlnet_aux") in str(caught.value) or "controlnet_aux" in str(caught.value)


def test_pictures_in_the_order_of_the_caption(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    style, depth = torch.zeros(1, 8, 8, 3), torch.ones(1, 8, 8, 3)
    made = run(
        nodes["StudioFlowGuideWithSketch"], manifest=hero, control_map=1 - ring(), style=style, depth_map=depth, **GUIDE
    ).args
    caption, first, second, third, fourth, start, repaint, until = made
    assert '"edit_instruction":"Match the edges of <image_1>, match the depth map in <image_2>' in caption
    assert torch.equal(first, 1 - ring()) and second is depth and third is style and fourth is None
    assert start.shape == (1, 128, 128, 3) and abs(float(start.mean()) - 0.5) < 0.02
    assert (repaint, until) == (1.0, 1.0)


def test_strength_and_words_of_the_manifest(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    guide = {"kind": "lineart", "image": "sketch.png", "strength": 0.9, "instruction": "Follow this drawing closely"}
    shot = hero | {"guidance": [guide]}
    made = run(nodes["StudioFlowGuideWithSketch"], manifest=shot, control_map=ring(), **GUIDE | {"strength": 0.0}).args
    assert "Follow this drawing closely" in made[0] and made[6] == pytest.approx(0.82)


def test_the_model_decides_how_many_pictures(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="FIBO Edit takes 1 picture"):
        run(
            nodes["StudioFlowGuideWithSketch"],
            manifest=hero,
            control_map=ring(),
            style=ring(),
            **GUIDE | {"model": "fibo-edit"},
        )
    *_, repaint, until = run(
        nodes["StudioFlowGuideWithSketch"], manifest=hero, control_map=ring(), **GUIDE | {"model": "fibo-1.0"}
    ).args
    assert until == 1.0 and 0.5 < repaint < 0.95


def test_roles_of_the_menu_are_those_of_the_words(pack: ModuleType) -> None:
    from studioflow.caption.guide import control_maps
    from studioflow.sketch.menus import ROLES

    assert control_maps() == ROLES


def test_the_best_of_a_batch(nodes: dict[str, type]) -> None:
    disc = (ring() * 0 + 1.0).clone()
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    disc[0, torch.hypot(x - 64.0, y - 64.0) < 40] = 0.2
    empty = torch.full((1, 128, 128, 3), 0.5)
    score, best, lines, report = run(
        nodes["StudioFlowSketchAgreement"],
        control_map=1 - ring(),
        image=torch.cat([empty, disc]),
        tolerance_px=2.0,
    ).args
    assert best == 1 and score > 0.95 and lines.shape == (2, 128, 128, 3)
    assert report.splitlines()[0].startswith("picture 1: score 0.000")
