"""Each node's edit changes the caption fields that it is about, over every sample and over generated shots."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings

from studioflow.caption import compile_manifest
from studioflow.edit.camera import camera_from_comfyui, camera_to_comfyui, set_camera, set_lens
from studioflow.edit.camera_path import path_manifests
from studioflow.edit.focus import set_focus
from studioflow.edit.light import light_from_widgets, set_light, set_setup
from studioflow.edit.material import set_material
from studioflow.edit.negative import set_negative
from studioflow.edit.palette import set_palette
from studioflow.edit.panorama import light_from_panorama
from studioflow.edit.style import apply_style
from studioflow.edit.sun import set_sun
from studioflow.errors import StudioFlowError
from studioflow.manifest import load
from studioflow.resources import shipped, table
from studioflow.studio.words import entries

from .manifests import manifests
from .test_locality import fields_of

Manifest = dict[str, Any]
LIGHT = {
    "role": "key", "type": "strip", "azimuth_deg": -70, "elevation_deg": 30, "distance_m": 1.2, "intensity": 1.0,
    "color_temperature_k": 3200, "width_m": 0.4, "height_m": 1.6,
}  # fmt: skip
PANORAMA = shipped("samples") / "panorama_studio.exr"


class Edit(NamedTuple):
    """What a node does to a shot, and the parts of a manifest that it writes."""

    change: Callable[[Manifest], Manifest]
    parts: tuple[str, ...]


CAMERA_3D = camera_to_comfyui(set_camera(None, sensor="full_frame", azimuth_deg=70, elevation_deg=40, distance_m=3))[0]


EDITS = {
    "Camera": Edit(
        lambda shot: set_camera(shot, sensor="aps_c", azimuth_deg=-70, elevation_deg=35, distance_m=0.7, roll_deg=25),
        ("camera.sensor", "camera.orbit", "camera.pose"),
    ),
    "Lens": Edit(lambda shot: set_lens(shot, preset="wide_24", aperture=16), ("camera.lens",)),
    "Camera From ComfyUI 3D": Edit(
        lambda shot: camera_from_comfyui(shot, CAMERA_3D | {"fov": 20}), ("camera.orbit", "camera.pose", "camera.lens")
    ),
    "Depth Of Field": Edit(lambda shot: set_focus(shot, "focus at hyperfocal")[0], ("camera.lens.focus_distance_m",)),
    "Camera Path": Edit(lambda shot: path_manifests(shot, "turntable", frames=3)[1], ("camera.orbit", "camera.pose")),
    "Light": Edit(lambda shot: set_light(shot, light_from_widgets(**LIGHT)), ("lighting.lights",)),
    "Studio Setup": Edit(lambda shot: set_setup(shot, "clamshell"), ("lighting",)),
    "Sun": Edit(lambda shot: set_sun(shot, time="sunset")[0], ("lighting",)),
    "HDRI Light": Edit(lambda shot: light_from_panorama(shot, PANORAMA, name="x.exr").manifest, ("lighting",)),
    "Material": Edit(lambda shot: set_material(shot, "clear_glass"), ("materials", "scene.subjects")),
    "Palette": Edit(lambda shot: set_palette(shot, colors="#102030 #F0A020").manifest, ("scene.palette",)),
    "Negative": Edit(lambda shot: set_negative(shot, "auto"), ()),
    **{
        f"Style {name}": Edit(
            lambda shot, name=name: apply_style(shot, name),
            tuple(f"scene.{key}" for key in row["scene"]),
        )
        for name, row in entries("styles").items()
    },
}
SAMPLES = sorted(shipped("samples").glob("*.json"))


def fields(relation: str, parts: tuple[str, ...]) -> set[str]:
    """The caption fields that owners.json names for these parts of a manifest and for all below them."""
    rows = table("caption/owners.json")[relation]
    return {
        field
        for row, owned in rows.items()
        for part in parts
        if row == part or row.startswith(f"{part}.") or part.startswith(f"{row}.")
        for field in owned
    }


def caption_of(manifest: Manifest) -> dict[str, str] | None:
    try:
        return fields_of(json.loads(compile_manifest(manifest, "fibo-1").caption))
    except StudioFlowError:
        return None


def assert_local(edit: Edit, before: Manifest) -> None:
    one = caption_of(before)
    try:
        changed = edit.change(before)
    except StudioFlowError:
        return
    other = caption_of(changed)
    if one is None or other is None:
        return
    found = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    allowed = fields("owns", edit.parts) | fields("reaches", edit.parts)
    allowed |= {"style_medium", "artistic_style"} - one.keys()  # what a scene says once something is in it
    assert found <= allowed, f"changes {found - allowed}"


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_over_every_sample(name: str, sample: Any) -> None:
    assert_local(EDITS[name], load(sample))


@pytest.mark.parametrize("name", [name for name in EDITS if name != "HDRI Light"])
@given(shot=manifests())
@settings(max_examples=40, deadline=None)
def test_over_generated_shots(name: str, shot: Manifest) -> None:
    assume("structured_caption" not in shot.get("caption", {}))  # test_locality.py has those
    assert_local(EDITS[name], shot)


@given(shot=manifests())
@settings(max_examples=10, deadline=None)
def test_a_panorama_over_generated_shots(shot: Manifest) -> None:
    # Fewer, for each reads and measures the file again.
    assume("structured_caption" not in shot.get("caption", {}))
    assert_local(EDITS["HDRI Light"], shot)


@pytest.mark.parametrize("name", EDITS)
def test_somebodys_caption_keeps_what_the_edit_is_not_about(name: str) -> None:
    hero = load(shipped("samples") / "product_hero.json")
    raw = {
        "short_description": "mine", "objects": [{"description": "mine"}], "background_setting": "mine",
        "lighting": {"conditions": "mine", "direction": "mine", "shadows": "mine"},
        "aesthetics": {"composition": "mine", "color_scheme": "mine", "mood_atmosphere": "mine"},
        "photographic_characteristics": {
            "depth_of_field": "mine", "focus": "mine", "camera_angle": "mine", "lens_focal_length": "mine",
        },
        "style_medium": "mine", "context": "mine", "artistic_style": "mine",
    }  # fmt: skip
    before = hero | {"caption": raw}
    kept = fields_of(EDITS[name].change(before).get("caption", {}))
    assert fields_of(raw).keys() - kept.keys() <= fields("owns", EDITS[name].parts)


@pytest.mark.parametrize("name", [name for name in EDITS if name != "Negative" and not name.startswith("Style")])
def test_the_edit_is_seen_in_a_caption(name: str) -> None:
    changed = []
    for sample in SAMPLES:
        shot = load(sample)
        try:
            changed.append(caption_of(EDITS[name].change(shot)) != caption_of(shot))
        except StudioFlowError:
            continue
    assert any(changed)
