"""The recipes that read, change, compare and save manifests, through a real ComfyUI's real queue."""

from __future__ import annotations

import json
from typing import Any

import pytest

import dev
from studioflow.caption import flat
from studioflow.manifest import load, load_with_notes, loads
from studioflow.queue import JobFailed, PromptRefused

from .prompts import captions, chain, delivered, quick, run

CAMERA = {"depth_of_field", "focus", "camera_angle", "lens_focal_length"}


def test_somebodys_caption_is_rescued_and_only_the_camera_changes(host: dev.Host) -> None:
    prompt = quick("caption_rescue")
    result = run(host, prompt)
    given = load_text(prompt["1"]["inputs"]["caption"])
    files = delivered(host, result, "8")
    (read,) = captions(files)
    changed = {field for field in given.keys() | read.keys() if given.get(field) != read.get(field)}
    scores = {"aesthetics.aesthetic_score", "aesthetics.preference_score"}
    assert changed - scores - {"text_render"} == {f"photographic_characteristics.{name}" for name in CAMERA}
    assert read["photographic_characteristics.lens_focal_length"] == "85mm portrait lens"
    (told,) = result.outputs["4"]["studioflow_notice"]
    assert "camera.lens.aperture" in told and "what FIBO reads" in told
    assert any("completeness" in line for line in result.outputs["2"]["studioflow_notice"])
    # The picture opens as the shot that it shows.
    (shot,) = (load(path) for path in files[".manifest.json"])
    for kind in (".png", ".exr"):
        assert load_with_notes(files[kind][0]).manifest == shot


def load_text(text: str) -> dict[str, Any]:
    return flat(loads(text)["caption"])


def test_two_shots_differ_in_their_light_and_nothing_else(host: dev.Host) -> None:
    result = run(host, quick("compare_two_shots"))
    (one,), (other,) = (captions(delivered(host, result, node)) for node in ("9", "12"))
    assert {field.split(".")[0] for field in one if one[field] != other.get(field)} == {"lighting"}
    assert "lighting" in result.outputs["5"]["studioflow_notice"][0]


def test_variations_are_saved_rendered_and_delivered(host: dev.Host) -> None:
    result = run(host, quick("shot_variations"))
    saved = sorted((host.base / "user" / "default" / "studioflow" / "variations").glob("grinder_*.json"))
    assert len(saved) == 2
    shots = [load(path) for path in saved]
    assert shots[0]["camera"]["orbit"]["azimuth_deg"] != shots[1]["camera"]["orbit"]["azimuth_deg"]
    assert all(shot["scene"]["description"].startswith("A brushed steel coffee grinder") for shot in shots)
    files = delivered(host, result, "10")
    assert [load(path) for path in files[".manifest.json"]] == shots
    menu = dev.get(f"{host.url}/object_info/StudioFlowLoadManifest", timeout=60)
    options = json.dumps(menu)
    assert "user/variations/grinder_00001.json" in options
    assert f"output/StudioFlow/{files['.png'][0].name}" in options


def test_a_delivery_opens_as_a_manifest_in_the_graph(host: dev.Host) -> None:
    files = delivered(host, run(host, quick("compare_two_shots") | {}), "9")
    prompt = quick("product_hero")
    prompt["1"]["inputs"]["manifest"] = f"output/StudioFlow/{files['.exr'][0].name}"
    result = run(host, prompt)
    again = delivered(host, result, "5")
    assert load(again[".manifest.json"][0]) == load(files[".manifest.json"][0])


SCENE = dict.fromkeys("description background text mood composition palette medium artistic context".split(), "")


@pytest.mark.parametrize(
    ("node", "inputs", "told"),
    [
        ("ManifestFromText", {"text": '{"scene": {"mod": 1}', "values": ""}, "the text ends too early"),
        (
            "ManifestFromText",
            {"text": '{"studioflow": "1.0", "scene": {"mood": "{x}"}}', "values": "y=1"},
            "without a value",
        ),
        ("ImportCaption", {"caption": '{"studioflow": "1.0", "scene": {}}'}, "no FIBO caption"),
        ("Scene", SCENE | {"subjects": "cup; colour: red"}, 'did you mean "color"'),
        ("SetField", {"path": "camera.lens.apertur", "value": "4"}, 'did you mean "aperture"'),
        ("PatchManifest", {"patch": '[{"op": "remove", "path": "/x"}]', "last_writer_wins": True}, "operation 1"),
        ("ManifestSections", {"action": "take", "sections": "camra"}, 'did you mean "camera"'),
        ("ManifestSections", {"action": "tke", "sections": "camera"}, "no such choice"),
        ("VaryManifest", {"ranges": "camera = ", "seed": 0, "count": 1}, "line 1"),
        ("FillPlaceholders", {"values": "nonsense"}, "line 1"),
        ("CheckManifest", {"fix": False, "stop_on": "evrything"}, "no such choice"),
        (
            "SaveManifest",
            {"folder": "user", "name": "x", "if_it_exists": "overwrite"},
            "no such choice",
        ),
        ("SaveManifest", {"folder": "samples", "name": "x", "if_it_exists": "number"}, "no such shelf"),
    ],
)
def test_bad_input_is_told_at_its_node(host: dev.Host, node: str, inputs: dict[str, Any], told: str) -> None:
    with pytest.raises(JobFailed, match=told) as caught:
        run(host, chain(node, **inputs))
    assert caught.value.node_class == f"StudioFlow{node}"


def test_a_name_that_leaves_its_folder_is_refused_when_queued(host: dev.Host) -> None:
    with pytest.raises(PromptRefused, match="leaves its folder"):
        run(host, chain("SaveManifest", folder="user", name="../../../out", if_it_exists="number"))


def test_a_wrong_dialect_is_told(host: dev.Host) -> None:
    prompt = chain("SetField", path="camera.lens.aperture", value="4")
    prompt["3"]["inputs"]["dialect"] = "fibo-3"
    with pytest.raises(JobFailed, match="no such caption dialect"):
        run(host, prompt)


def test_an_unready_shot_stops_before_the_model_is_loaded(host: dev.Host) -> None:
    prompt = chain("CheckManifest", fix=False, stop_on="errors and warnings", manifest=["4", 0])
    prompt["4"] = {
        "class_type": "StudioFlowSetField",
        "inputs": {"manifest": ["1", 0], "path": "render.aspect_ratio", "value": "31:20"},
    }
    with pytest.raises(JobFailed, match="the shot is not ready"):
        run(host, prompt)
