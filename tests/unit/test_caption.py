"""The compiler is deterministic and local, and writes each dialect as FIBO's own code does."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ujson
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.caption import DIALECTS, KEY_ORDER, clean, compile_for, compile_manifest, serialize
from studioflow.errors import ManifestError, StudioFlowError
from studioflow.families import families, family
from studioflow.manifest import loads
from studioflow.resources import shipped

SAMPLE = loads((shipped("samples") / "product_hero.json").read_bytes())
CAPTION = {
    "short_description": "a cup",
    "objects": [{"description": "cup", "location": "center", "texture": None, "number_of_objects": 1}],
    "lighting": {"conditions": "studio", "direction": "front-lit", "shadows": ""},
    "aesthetics": {"composition": "centered", "aesthetic_score": "high"},
    "text_render": [],
    "my_key": {"kept": True},
    "context": "größe / 大",
}


def fields(manifest: dict[str, Any]) -> dict[str, Any]:
    return compile_manifest(manifest, "fibo-2").fields


def changed(one: dict[str, Any], other: dict[str, Any]) -> set[str]:
    """The caption fields that differ, as ``section.field``."""

    def flat(caption: dict[str, Any]) -> dict[str, Any]:
        return {
            f"{key}.{name}" if isinstance(value, dict) else key: item
            for key, value in caption.items()
            for name, item in (value.items() if isinstance(value, dict) else [(key, value)])
        }

    before, after = flat(one), flat(other)
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def with_value(path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(SAMPLE)
    node: Any = manifest
    *parents, last = path.split(".")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "owned"),
    [
        (
            "camera.orbit.elevation_deg",
            50,
            {
                "photographic_characteristics.camera_angle",
                "photographic_characteristics.focus",
            },
        ),
        ("camera.orbit.azimuth_deg", -100, {"photographic_characteristics.camera_angle", "objects"}),
        (
            "camera.lens.aperture",
            16,
            {"photographic_characteristics.depth_of_field", "photographic_characteristics.focus"},
        ),
        ("lighting.lights.0.azimuth_deg", 0, {"lighting.direction", "lighting.shadows"}),
        ("lighting.lights.0.color_temperature_k", 3000, {"lighting.conditions"}),
        ("lighting.lights.1.intensity", 0.01, {"lighting.shadows"}),
        ("scene.mood", "wild", {"aesthetics.mood_atmosphere"}),
        ("scene.background", "white", {"background_setting"}),
        ("scene.subjects.1.color", "#FF0000", {"objects"}),
        ("scene.palette", ["#FF0000"], {"aesthetics.color_scheme"}),
        ("scene.text.0.text", "SUDLICHT", {"text_render"}),
        ("scene.description", "another", {"short_description"}),
        ("render.seed", 7, set()),
        ("meta.title", "another", set()),
    ],
)
def test_a_change_reaches_only_the_fields_its_section_owns(path: str, value: Any, owned: set[str]) -> None:
    assert changed(fields(SAMPLE), fields(with_value(path, value))) == owned


def test_the_camera_reaches_light_only_where_the_lights_stay_in_the_world() -> None:
    around = with_value("camera.orbit.azimuth_deg", -100)
    assert changed(fields(SAMPLE), fields(around)) == {"photographic_characteristics.camera_angle", "objects"}
    still, moved = (copy.deepcopy(shot) for shot in (SAMPLE, around))
    for shot in (still, moved):
        shot["lighting"]["frame"] = "world"
    assert "lighting.direction" in changed(fields(still), fields(moved))


def test_order_of_lights_does_not_matter() -> None:
    turned = copy.deepcopy(SAMPLE)
    turned["lighting"]["lights"].reverse()
    assert fields(turned) == fields(SAMPLE)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_same_bytes_in_another_process(dialect: str, root: Path) -> None:
    code = (
        "import sys; from studioflow.manifest import load; from studioflow.caption import compile_manifest;"
        f"sys.stdout.buffer.write(compile_manifest(load('samples/product_hero.json'), {dialect!r}).caption.encode())"
    )
    env = {"PYTHONHASHSEED": "77", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True, check=True)
    assert done.stdout.decode() == compile_manifest(SAMPLE, dialect).caption


def test_keys_come_in_the_order_fibo_was_trained_on() -> None:
    keys = list(json.loads(compile_manifest(SAMPLE, "fibo-2").caption))
    assert keys == [key for key in KEY_ORDER if key in keys]


def test_raw_caption_fields_win_and_leave_the_rest_derived() -> None:
    shot = SAMPLE | {"caption": {"lighting": {"direction": "backlit"}, "context": "mine"}}
    assert changed(fields(SAMPLE), fields(shot)) == {"lighting.direction", "context"}
    assert fields(shot)["lighting"]["direction"] == "backlit"


def test_a_plain_caption_compiles_back_to_itself() -> None:
    compiled = compile_manifest(loads(json.dumps(CAPTION)), "fibo-2")
    expected = copy.deepcopy(CAPTION)
    del expected["text_render"], expected["lighting"]["shadows"], expected["objects"][0]["texture"]
    del expected["aesthetics"]["aesthetic_score"]
    assert compiled.caption == json.dumps(expected, separators=(",", ":"), ensure_ascii=False)


def test_fibo_1_drops_unknown_keys_adds_scores_and_escapes() -> None:
    written = serialize(CAPTION, "fibo-1")
    assert written == ujson.dumps(
        {
            "short_description": "a cup",
            "objects": [{"description": "cup", "location": "center", "number_of_objects": 1}],
            "lighting": {"conditions": "studio", "direction": "front-lit"},
            "aesthetics": {"composition": "centered", "aesthetic_score": "very high", "preference_score": "very high"},
            "context": "größe / 大",
        },
        escape_forward_slashes=False,
    )


def test_fibo_1_without_aesthetics_gets_its_scores_last() -> None:
    assert serialize({"short_description": "x", "context": "y"}, "fibo-1").endswith(
        '"context":"y","aesthetics":{"preference_score":"very high","aesthetic_score":"very high"}}'
    )


VALUES = st.recursive(
    st.none() | st.text(max_size=6) | st.integers(-3, 99) | st.just(math.nan) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CAPTIONS = st.dictionaries(
    st.sampled_from([*KEY_ORDER, "my_key", "aesthetic_score", "preference_score"]),
    VALUES | st.dictionaries(st.sampled_from(["composition", "aesthetic_score", "preference_score"]), VALUES),
    max_size=6,
)


@settings(max_examples=100, deadline=None)
@given(CAPTIONS)
def test_fibo_2_agrees_with_the_pipeline_of_diffusers(caption: dict[str, Any]) -> None:
    diffusers = pytest.importorskip("diffusers", minversion="0.42")
    prompt = serialize(caption, "fibo-2")

    def cleaned(text: str) -> str:
        theirs, _ = diffusers.BriaFibo2Pipeline._parse_prompt(text)
        return json.dumps(theirs or {}, separators=(",", ":"), ensure_ascii=False)

    # Twice, for theirs settles only then: a caption whose other keys were all empty becomes one of text alone.
    assert prompt == cleaned(cleaned(json.dumps(caption)))
    # What we write the pipeline leaves as it is, so the file's caption is what the model read.
    assert prompt == cleaned(prompt)


def test_a_caption_that_only_cleaning_leaves_with_its_text_is_written_as_the_model_reads_it() -> None:
    caption = {"text_render": [{"text": "A"}], "short_description": "x", "objects": {}}
    assert serialize(caption, "fibo-2") == '{"short_description":"x","text_render":[{"text":"A"}]}'


def test_key_order_is_that_of_the_null_caption_fibo_2_was_trained_with() -> None:
    diffusers = pytest.importorskip("diffusers", minversion="0.42")
    module = sys.modules[diffusers.BriaFibo2Pipeline.__module__]
    # That caption has no text_render, whose place Bria's schemas give.
    assert list(json.loads(module.DEFAULT_NEGATIVE_PROMPT)) == [key for key in KEY_ORDER if key != "text_render"]


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_nothing_empty_survives_cleaning(value: Any) -> None:
    def empties(node: Any) -> int:
        children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        hollow = [
            child
            for child in children
            if child in (None, "", [], {}) or (isinstance(child, float) and math.isnan(child))
        ]
        return len(hollow) + sum(empties(child) for child in children)

    assert empties(clean(value)) == 0


def test_unknown_dialect() -> None:
    with pytest.raises(StudioFlowError, match=r'did you mean "fibo-2"'):
        serialize({}, "fibo2")


def test_the_loaded_model_decides_dialect_and_open_numbers() -> None:
    for row in families().values():
        compiled, render = compile_for(SAMPLE, "auto", row)
        assert compiled.caption == compile_manifest(SAMPLE, row.dialect).caption
        assert (render.steps, render.cfg) == (row.steps, row.cfg)


def test_a_manifest_meant_for_another_generation_is_refused() -> None:
    with pytest.raises(ManifestError, match="render/model"):
        compile_for(with_value("render.model", "fibo-lite"), "auto", family("fibo-2.0-dev"))


def test_a_dialect_that_does_not_fit_the_loaded_model_is_refused() -> None:
    with pytest.raises(ManifestError, match="does not fit"):
        compile_for(SAMPLE, "fibo-1", family("fibo-2.0-dev"))
    with pytest.raises(StudioFlowError, match="allowed: auto, fibo-2, fibo-1"):
        compile_for(SAMPLE, "fibo-3")


@pytest.mark.parametrize(
    ("negative", "text"), [("clutter", "clutter"), ({"style_medium": "painting"}, '{"style_medium":"painting"}')]
)
def test_negative(negative: Any, text: str) -> None:
    for dialect in DIALECTS:
        assert compile_manifest(with_value("render.negative", negative), dialect).negative == text


def test_places_are_seen_from_the_camera() -> None:
    def places(**orbit: object) -> list[str]:
        shot = {
            "scene": {
                "subjects": [
                    {"description": "lamp", "position_m": [2, 0, 0]},
                    {"description": "vase", "position_m": [3, 0, 0]},
                    {"description": "cup", "position_m": [2, 0, 1]},
                ]
            },
            "camera": {"orbit": orbit},
        }
        return [item["location"] for item in fields(shot)["objects"]]

    assert places(azimuth_deg=0) == ["center, midground", "right, midground", "center, foreground"]
    assert places(azimuth_deg=90) == ["center, midground", "center, foreground", "left, midground"]
    assert places(azimuth_deg=180) == ["center, midground", "left, midground", "center, background"]
    assert places(azimuth_deg=0, target_m=[0, 0, 0])[0] == "right, midground"
