"""The import of the earlier app's manifests: what became of each part is said, and nothing of them is lost."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.errors import ManifestError
from studioflow.manifest import validate
from studioflow.manifest.earlier_app import (
    EXTENSION,
    from_earlier_app,
    is_earlier_app,
    light_angles_deg,
    look_at_m,
)
from studioflow.manifest.notes import Imported
from studioflow.resources import table
from studioflow.studio.camera import orbit_of

DATA = Path(__file__).parent.parent / "data" / "manifests" / "earlier_app"
NAMES = sorted(path.stem for path in DATA.glob("*.json") if not path.stem.endswith(".expected"))


def source(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def said(imported: Imported) -> list[str]:
    return [str(note) for note in imported.notes]


def camera_of(camera: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = from_earlier_app({"camera": camera}).manifest["camera"]
    return found


def only_light(role: str, light: dict[str, Any]) -> dict[str, Any]:
    (found,) = from_earlier_app({"lighting": {role: light}}).manifest["lighting"]["lights"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_fixture_gives_its_frozen_result(name: str) -> None:
    expected = json.loads((DATA / f"{name}.expected.json").read_text(encoding="utf-8"))
    document = source(name)
    assert is_earlier_app(document)
    imported = from_earlier_app(document)
    validate(imported.manifest)
    assert {"manifest": imported.manifest, "notes": said(imported)} == expected


def test_every_kind_of_document_has_a_fixture() -> None:
    assert {"full", "minimal", "controlnet_list", "batch_template", "wrong_types"} <= set(NAMES)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"nodes": [], "links": []},
        {"3": {"class_type": "KSampler", "inputs": {"seed": 1}}},
        {"scene": {"description": "a cup"}},
        {"scene": {"description": "a cup", "subjects": []}, "camera": {"orbit": {"azimuth_deg": 20}}},
        {"camera": {"pose": {"position_m": [0, 0, 1], "look_at_m": [0, 0, 0]}}, "lighting": {"ambient": 0.2}},
        {"scene": 5, "camera": "x", "lighting": None, "materials": []},
        {"context": "a cup for a shop", "camera": {"fov": 50}},
        {"controlnet": None, "post_process": "none"},
    ],
)
def test_other_documents_are_not_taken_for_it(document: dict[str, Any]) -> None:
    assert not is_earlier_app(document)


CAPTION = {
    "short_description": "A cup.",
    "objects": [{"description": "a cup"}],
    "background_setting": "a wall",
    "lighting": {"conditions": "studio", "direction": "from the left", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "color_scheme": "warm", "mood_atmosphere": "calm"},
    "photographic_characteristics": {"camera_angle": "eye level", "lens_focal_length": "85mm"},
    "style_medium": "photograph",
    "text_render": [],
    "context": "a hero image",
    "artistic_style": "realistic",
    "edit_instruction": "make it blue",
}


@pytest.mark.parametrize("key", CAPTION)
def test_a_caption_is_not_taken_for_it(key: str) -> None:
    assert not is_earlier_app({key: CAPTION[key]})
    without = {name: value for name, value in CAPTION.items() if name != key}
    assert not is_earlier_app(without)
    assert not is_earlier_app(without | source("full") | {"lighting": CAPTION["lighting"]})


def test_with_a_version_it_is_not_the_earlier_app() -> None:
    assert not is_earlier_app({"studioflow": "1.0"} | source("full"))


@pytest.mark.parametrize("row", table("manifest/earlier_app.json")["marks"], ids=" ".join)
def test_every_mark_alone_is_enough(row: list[str]) -> None:
    document: dict[str, Any] = {}
    for place in row:
        *parents, last = place.split("/")
        node = document
        for part in parents:
            node = node.setdefault(part, {})
        node.setdefault(last, 1)
    assert is_earlier_app(document)


def test_words_of_the_table_mean_words_of_the_schema() -> None:
    words = table("manifest/earlier_app.json")
    for kind in ("converted", "guessed"):
        for word, meant in words[kind].items():
            as_light = from_earlier_app({"lighting": {"key": {"type": word}}})
            as_guide = from_earlier_app({"controlnet": {"type": word, "image_ref": "a.png"}})
            as_file = from_earlier_app({"post_process": {"export": {"format": word}}})
            texts = [note.text for imported in (as_light, as_guide, as_file) for note in imported.notes]
            assert sum(text.endswith(f'"{meant}"') for text in texts) == 1, word


GRID = [
    (x, y, z) for x in (-2, -0.5, 0, 1) for y in (-1, 0, 0.5, 3) for z in (-2, -0.5, 0, 1) if (x, y, z) != (0, 0, 0)
]


@pytest.mark.parametrize(("x", "y", "z"), GRID)
def test_angles_of_a_light_lead_back_to_its_direction(x: float, y: float, z: float) -> None:
    azimuth, elevation = light_angles_deg(x, y, z)
    assert -180 <= azimuth <= 180 and -90 <= elevation <= 90
    a, e, length = math.radians(azimuth), math.radians(elevation), math.hypot(x, y, z)
    back = (math.cos(e) * math.sin(a), math.sin(e), -math.cos(e) * math.cos(a))
    assert [length * part for part in back] == pytest.approx([x, y, z], abs=1e-6)
    light = only_light("key", {"direction": {"x": x, "y": y, "z": z}})
    assert (light["azimuth_deg"], light["elevation_deg"]) == (azimuth, elevation)


@pytest.mark.parametrize(
    ("direction", "angles"),
    [
        ((0, 0, -1), (0, 0)),
        ((1, 0, 0), (90, 0)),
        ((-1, 0, 0), (-90, 0)),
        ((0, 0, 1), (180, 0)),
        ((-0.0, 0, 1), (180, 0)),
        ((0, 1, 0), (0, 90)),
        ((0, -1, 0.0), (0, -90)),
        ((1, math.sqrt(2), -1), (45, 45)),
    ],
)
def test_known_directions(direction: tuple[float, float, float], angles: tuple[float, float]) -> None:
    assert light_angles_deg(*direction) == angles


@pytest.mark.parametrize("yaw", [-170, -90, -30, 0, 45, 180])
@pytest.mark.parametrize("pitch", [-80, -30, 0, 20])
def test_a_turned_camera_looks_where_it_is_turned(yaw: float, pitch: float) -> None:
    # Standing on the ray through the subject, it must look at the subject whatever the angles.
    up, left = math.radians(pitch), math.radians(yaw)
    ray = (-math.sin(left) * math.cos(up), math.sin(up), -math.cos(left) * math.cos(up))
    point, where = look_at_m((-3 * ray[0], -3 * ray[1], -3 * ray[2]), pitch, yaw)
    assert point == pytest.approx([0, 0, 0], abs=1e-5) and "nearest the subject" in where
    # With its back to the subject it has only the ray itself.
    point, where = look_at_m((3 * ray[0], 3 * ray[1], 3 * ray[2]), pitch, yaw)
    assert point == pytest.approx([4 * part for part in ray], abs=1e-5) and "1 m ahead" in where


def test_camera_without_rotation_looks_at_the_origin() -> None:
    camera = camera_of({"position": {"x": 0, "y": 0, "z": 2}})
    assert camera["pose"] == {"position_m": [0, 0, 2], "look_at_m": [0, 0, 0]}


def test_roll_is_wrapped_and_its_original_kept() -> None:
    imported = from_earlier_app({"camera": {"position": {"x": 0, "y": 1, "z": 2}, "rotation": {"roll": 270}}})
    assert imported.manifest["camera"]["pose"]["roll_deg"] == -90
    assert imported.manifest["extensions"][EXTENSION] == {"camera": {"rotation": {"roll": 270}}}


def test_camera_at_the_subject_without_rotation_is_kept() -> None:
    document = {"camera": {"position": {"x": 0, "y": 0, "z": 0}}}
    assert from_earlier_app(document).manifest == {
        "studioflow": "1.0",
        "scene": {},
        "extensions": {EXTENSION: document},
    }


@pytest.mark.parametrize("angle", [5, 27, 53.13, 90, 120])
def test_angle_of_view_becomes_a_focal_length(angle: float) -> None:
    focal = camera_of({"fov_degrees": angle})["lens"]["focal_length_mm"]
    assert 2 * math.degrees(math.atan(12 / focal)) == pytest.approx(angle, rel=1e-3)


def test_angle_of_view_that_disagrees_is_a_warning() -> None:
    lens = {"focal_length_mm": 50}
    (agrees,) = [
        note for note in from_earlier_app({"camera": {"lens": lens, "fov_degrees": 27}}).notes if "fov" in note.pointer
    ]
    (differs,) = [
        note for note in from_earlier_app({"camera": {"lens": lens, "fov_degrees": 60}}).notes if "fov" in note.pointer
    ]
    assert (agrees.kind, differs.kind) == ("kept", "warning")
    assert "27.0 vertically and 39.6 horizontally" in differs.text


def test_the_key_is_the_unit_of_intensity() -> None:
    document = {"lighting": {"key": {"intensity": 2}, "fill": {"intensity": 0.5}, "rim": {"intensity": 3}}}
    imported = from_earlier_app(document)
    assert [light["intensity"] for light in imported.manifest["lighting"]["lights"]] == [1, 0.25, 1.5]
    assert imported.manifest["extensions"][EXTENSION] == document


def test_strength_beyond_one_names_both_numbers() -> None:
    imported = from_earlier_app({"controlnet": {"type": "canny", "image_ref": "a.png", "strength": 1.5}})
    assert imported.manifest["guidance"] == [{"kind": "canny", "image": "a.png", "strength": 1}]
    assert "guessed: /controlnet/strength 1.5 became guidance[0].strength 1.0, the most there is" in said(imported)


def test_more_guidance_than_a_manifest_holds_is_kept() -> None:
    document = {"controlnet": [{"type": "canny", "image_ref": f"{index}.png"} for index in range(20)]}
    imported = from_earlier_app(document)
    validate(imported.manifest)
    assert len(imported.manifest["guidance"]) == 16
    assert imported.manifest["extensions"][EXTENSION] == document
    assert "kept: /controlnet no place in a manifest for 16, 17, 18, 19" in said(imported)


def test_tone_mapping_that_is_off_has_no_operator() -> None:
    post = {"export": {"format": "png"}, "tone_mapping": {"enabled": False}}
    imported = from_earlier_app({"post_process": post})
    assert imported.manifest["export"] == [{"format": "png", "tone_mapping": {"operator": "none"}}]


def test_too_deep_for_an_extension_is_refused() -> None:
    value: Any = 1
    for _ in range(62):
        value = {"a": value}
    assert from_earlier_app(value).manifest["extensions"] == {EXTENSION: value}
    with pytest.raises(ManifestError, match="nested too deeply"):
        from_earlier_app({"a": value}, source="old.json")


# ---------------------------------------------------------------- properties


def places(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in items for found in places(value, (*path, key)))]


def leaves(node: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    if isinstance(node, (dict, list)) and node:
        items = node.items() if isinstance(node, dict) else enumerate(node)
        return [found for key, value in items for found in leaves(value, (*path, key))]
    return [(path, node)]


def at(node: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        if not isinstance(node, (dict, list)) or (isinstance(node, dict) and key not in node):
            return None
        node = node[key]
    return node


def pointer(path: tuple[str | int, ...]) -> str:
    return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def given_back(path: tuple[str | int, ...], value: Any, manifest: dict[str, Any]) -> bool:
    """Whether the manifest itself tells the value: as it stands, in the angles of a light, as tone mapping left off."""
    if path[-2:-1] == ("direction",) or (path[-1] == "enabled" and value is False):
        return True
    sections = {name: section for name, section in manifest.items() if name != "extensions"}
    return any(found == value for _, found in leaves(sections))


def check(document: dict[str, Any]) -> None:
    """What holds for every document: valid, unchanged, said in single lines, the same each time, nothing lost."""
    before = copy.deepcopy(document)
    imported = from_earlier_app(document)
    assert json.dumps(document) == json.dumps(before)
    validate(imported.manifest)
    assert from_earlier_app(before) == imported
    assert all(
        note.text.isprintable() and note.kind in ("converted", "guessed", "kept", "warning") for note in imported.notes
    )
    kept = imported.manifest.get("extensions", {}).get(EXTENSION, {})
    converted = {note.pointer for note in imported.notes if note.kind == "converted"}
    told = {note.pointer for note in imported.notes}
    for path, value in leaves(document):
        if not path:
            continue
        in_extension = same(at(kept, path), value)
        assert in_extension or {pointer(path), pointer(path[:-1])} & converted, path
        assert in_extension or given_back(path, value, imported.manifest), path
        assert told & {pointer(path[:end]) for end in range(len(path) + 1)}, path
    if "camera" in imported.manifest:
        orbit_of(imported.manifest["camera"])


WORDS = st.sampled_from(
    ["softbox", "area", "Ring Light", "canny", "jpg", "exr", "webp", "#aabbcc", "#fff", "{x}", "agx", ""]
)
NUMBERS = (
    st.integers(-5, 500)
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.floats(0, 3)
)
SCALARS = st.none() | st.booleans() | NUMBERS | WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.sampled_from(
    "x y z pitch yaw roll type intensity direction color key enabled format strength image_ref seed roughness".split()
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)
SOURCES = [source(name) for name in NAMES]
SPOTS = [(index, path) for index, document in enumerate(SOURCES) for path in places(document)[1:]]
SECTIONS = st.sampled_from(
    ["scene", "camera", "lighting", "materials", "controlnet", "post_process", "scene_template", "batch_config"]
)


@settings(max_examples=400, deadline=None)
@given(spot=st.sampled_from(SPOTS), value=JSON)
def test_holds_with_anything_at_any_known_place(spot: tuple[int, tuple[str | int, ...]], value: Any) -> None:
    index, path = spot
    document = copy.deepcopy(SOURCES[index])
    at(document, path[:-1])[path[-1]] = value
    check(document)


@settings(max_examples=250, deadline=None)
@given(document=st.dictionaries(SECTIONS | KEYS, JSON, max_size=5))
def test_holds_for_any_object(document: dict[str, Any]) -> None:
    is_earlier_app(document)
    check(document)


@pytest.mark.parametrize("z", [5774, 9999, -9999])
def test_a_view_that_passes_the_subject_far_away(z: float) -> None:
    check({"camera": {"position": {"x": 0, "y": 0, "z": z}, "rotation": {"pitch": -59.999, "yaw": 0, "roll": 0}}})


VECTOR = st.fixed_dictionaries({axis: st.floats(-9000, 9000) | st.integers(-2, 2) for axis in "xyz"})


@settings(max_examples=150, deadline=None)
@given(
    position=VECTOR,
    rotation=st.fixed_dictionaries({}, optional={name: st.floats(-720, 720) for name in ("pitch", "yaw", "roll")}),
    direction=VECTOR,
    intensity=st.floats(0, 1e9),
)
def test_holds_for_any_numbers(position: Any, rotation: Any, direction: Any, intensity: float) -> None:
    light = {"direction": direction, "intensity": intensity}
    camera = {"position": position, "rotation": rotation}
    check({"camera": camera, "lighting": {"key": light, "rim": light | {"intensity": 0.5}}})
