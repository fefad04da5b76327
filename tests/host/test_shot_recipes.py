"""The recipes and nodes of camera, light and look, through a real ComfyUI's real queue."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import OpenEXR
import pytest

import dev
from studioflow.manifest import load
from studioflow.queue import JobFailed, PromptRefused
from studioflow.studio.lighting import lights_of

from .prompts import captions, chain, delivered, quick, run

PHOTO = "photographic_characteristics"


def only(host: dev.Host, name: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Manifest and caption of the one delivery of a recipe, and the result."""
    prompt = quick(name)
    result = run(host, prompt)
    (node,) = [key for key, item in prompt.items() if item["class_type"] == "StudioFlowSaveDelivery"]
    files = delivered(host, result, node)
    (caption,) = captions(files)
    return load(files[".manifest.json"][0]), caption, result


def notice(prompt_name: str, result: Any, node_class: str) -> str:
    """What a node of a recipe said."""
    (key,) = [key for key, item in quick(prompt_name).items() if item["class_type"] == f"StudioFlow{node_class}"]
    return "\n".join(result.outputs[key]["studioflow_notice"])


def test_a_portrait_from_nothing_but_nodes(host: dev.Host) -> None:
    shot, caption, result = only(host, "portrait_rembrandt")
    assert caption[f"{PHOTO}.lens_focal_length"] == "85mm portrait lens"
    assert caption["aesthetics.composition"].startswith("medium shot")
    assert "Rembrandt" in caption["lighting.conditions"]
    assert caption["lighting.direction"].startswith("lit from the front left, from above")
    assert [light["role"] for light in shot["lighting"]["lights"]] == ["key", "fill", "hair"]
    assert "sharp: 1.8" in notice("portrait_rembrandt", result, "DepthOfField")
    (plan,) = (host.base / "output" / "StudioFlow").glob("portrait_rembrandt_lighting_*.svg")
    assert "Hair light" in plan.read_text(encoding="utf-8")
    assert shot["render"] == {"aspect_ratio": "4:5", "seed": 1606, "negative_auto": True}


def test_a_second_plan_gets_the_next_number(host: dev.Host) -> None:
    inputs = {"title": "A & B", "save": True, "filename_prefix": "StudioFlow/plan"}
    prompt = {"1": {"class_type": "StudioFlowLightingDiagram", "inputs": inputs}}
    for _ in range(2):
        run(host, prompt)
        inputs["title"] += "!"
    saved = sorted((host.base / "output" / "StudioFlow").glob("plan_*.svg"))
    assert [path.name for path in saved] == ["plan_00001_.svg", "plan_00002_.svg"]
    assert "A &amp; B!" in saved[1].read_text(encoding="utf-8")


def test_a_product_on_white(host: dev.Host) -> None:
    shot, caption, result = only(host, "product_on_white")
    assert shot["materials"][shot["scene"]["subjects"][0]["material"]]["preset"] == "frosted_glass"
    assert caption["background_setting"].startswith("seamless pure white")
    assert caption["lighting.conditions"].startswith("bright high-key studio lighting, diffused light tent")
    assert "scene.background" in notice("product_on_white", result, "Style")
    negative = json.loads(notice("product_on_white", result, "Negative"))
    assert negative["short_description"].startswith("fingerprints, dust")
    assert negative["style_medium"].startswith("digital illustration")


def test_an_exterior_in_the_evening_sun(host: dev.Host) -> None:
    shot, caption, result = only(host, "golden_hour_exterior")
    assert shot["lighting"]["time_of_day"] == "golden_hour" and shot["lighting"]["frame"] == "world"
    assert caption["lighting.conditions"].startswith("golden hour")
    assert caption["artistic_style"] == "vintage slide film"
    assert "sun 4.5° above the horizon" in notice("golden_hour_exterior", result, "Sun")


def test_a_product_lit_like_a_panorama(host: dev.Host) -> None:
    shot, caption, result = only(host, "hdri_matched_product")
    assert shot["lighting"]["environment"]["hdri"] == "samples/panorama_studio.exr"
    assert [light["role"] for light in lights_of(shot["lighting"])] == ["key", "rim", "fill"]
    assert "5600 K" in notice("hdri_matched_product", result, "HdriLight")
    # Through ComfyUI's 3D value and back the camera is where it was.
    before = run(host, quick("product_hero"))
    (as_it_was,) = captions(delivered(host, before, "5"))
    same = ("camera_angle", "lens_focal_length", "depth_of_field", "focus")
    assert {name: caption[f"{PHOTO}.{name}"] for name in same} == {name: as_it_was[f"{PHOTO}.{name}"] for name in same}


def test_twelve_views_of_a_turntable(host: dev.Host) -> None:
    prompt = quick("turntable_12")
    result = run(host, prompt)
    files = delivered(host, result, "6")
    shots = [load(path) for path in files[".manifest.json"]]
    azimuths = [shot["camera"]["orbit"]["azimuth_deg"] for shot in shots]
    assert [azimuth % 360 for azimuth in azimuths] == [30 * step for step in range(12)]
    views = captions(files)
    assert len({view[f"{PHOTO}.camera_angle"] for view in views}) == 8
    assert views[0]["objects"][0]["orientation"] == "facing the camera"
    assert views[6]["objects"][0]["orientation"] == "facing away from the camera, seen from behind"
    assert views[0]["lighting.direction"].startswith("lit from the front left")
    assert views[6]["lighting.direction"].startswith("lit from behind")
    assert len({json.dumps(shot["lighting"]) for shot in shots}) == 1


def test_comfyuis_own_camera_value_is_taken(host: dev.Host) -> None:
    position, target = {"x": 0, "y": 3, "z": 3}, {"x": 0, "y": 0, "z": 0}
    value = {"position": position, "target": target, "zoom": 1, "cameraType": "perspective"}
    prompt = chain("CameraFromComfyUI3D", camera_info=value, metres_per_unit=0.5)
    told = run(host, prompt).outputs["3"]["studioflow_notice"][0]
    assert "camera.pose" in told and "high angle, frontal view" in told


BROKEN = {"position": {"x": 0, "y": 0, "z": 0}, "target": {"x": 0, "y": 0, "z": 0}, "zoom": 1}
LIGHT = {
    "role": "key", "type": "softbox", "azimuth_deg": 0, "elevation_deg": 0, "distance_m": 1, "intensity": 1,
    "color_temperature_k": 5600, "color": "", "width_m": 0, "height_m": 0, "action": "replace",
}  # fmt: skip
SUN = {
    "time": "date and place", "date": "2026-12-21", "clock": "12:00", "time_zone": "Europe/Oslo", "latitude_deg": 69.65,
    "longitude_deg": 18.96, "heading_deg": 0, "overcast": False, "require_sun": True,
}  # fmt: skip
PATH = {"frames": 3, "start": "", "end": "", "easing": "linear", "lights": "as they are", "keyframes": ""}
LENS = {"preset": "none", "focal_length_mm": 0, "aperture": 2.8, "focus_distance_m": 0}


@pytest.mark.parametrize(
    ("node", "inputs", "told"),
    [
        ("CameraFromComfyUI3D", {"camera_info": BROKEN, "metres_per_unit": 1}, "position"),
        ("Lens", LENS, "there is no lens"),
        ("Lens", LENS | {"focal_length_mm": 85, "focus_distance_m": 0.05}, "focus closer"),
        ("Lens", LENS | {"preset": "portrait_58"}, "did you mean"),
        ("DepthOfField", {"change": "focus somewhere"}, "no such choice"),
        ("CameraPath", PATH | {"move": "turntable", "end": "round"}, "this is no number"),
        ("CameraPath", PATH | {"move": "arc", "keyframes": "0%: azimut 3"}, "line 1"),
        ("CameraPath", PATH | {"move": "spin"}, "no such choice"),
        ("Light", LIGHT | {"color": "pink"}, "wrong form"),
        ("Light", LIGHT | {"width_m": 1}, "a width and a height"),
        ("Light", LIGHT | {"type": "softbx"}, "did you mean"),
        (
            "StudioSetup",
            {"setup": "rembrant", "mirrored": False, "color_temperature_k": 0, "frame": "camera"},
            'did you mean "rembrandt"',
        ),
        ("Sun", SUN, "below the horizon"),
        ("Sun", SUN | {"time_zone": "Europe/Olso"}, "Europe/Oslo"),
        ("Sun", SUN | {"date": "2026-02-30"}, "2026-02-30"),
        ("Material", {"preset": "brushed_stele", "subject": 1, "color": "", "roughness": -1}, "brushed_steel"),
        ("Material", {"preset": "brushed_steel", "subject": 9, "color": "", "roughness": -1}, "9"),
        ("Style", {"style": "editoral", "apply": True}, "editorial"),
        ("Palette", {"colors": "#12345", "palette": "none", "harmony": "none", "count": 5}, "#12345"),
        ("Negative", {"mode": "some", "mine": ""}, "no such choice"),
    ],
)
def test_bad_input_is_told_at_its_node(host: dev.Host, node: str, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(JobFailed, match=told) as caught:
        run(host, chain(node, **inputs))
    assert caught.value.node_class == f"StudioFlow{node}"


def test_a_panorama_that_leaves_its_folder_is_refused_when_queued(host: dev.Host) -> None:
    inputs = {"panorama": "input/../../secret.exr", "rotation_deg": 0, "max_lights": 4, "intensity": 1}
    with pytest.raises(PromptRefused, match="leaves its folder"):
        run(host, chain("HdriLight", **inputs))


def test_a_picture_that_is_no_panorama_is_told(host: dev.Host) -> None:
    OpenEXR.File({}, {"RGB": np.ones((64, 64, 3), "float32")}).write(str(host.base / "input" / "square.exr"))
    inputs = {"panorama": "input/square.exr", "rotation_deg": 0, "max_lights": 4, "intensity": 1}
    with pytest.raises(JobFailed, match="64 × 64"):
        run(host, chain("HdriLight", **inputs))
