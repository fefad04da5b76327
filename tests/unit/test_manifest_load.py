"""Every way a manifest can be wrong is told apart, with the place, what was found and what is allowed."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from studioflow.errors import ManifestError, PathError, StudioFlowError
from studioflow.manifest import MAX_BYTES, content_id, load, loads

GOOD = {"studioflow": "1.0", "scene": {"description": "a cup"}}


def refused(text: str | bytes) -> str:
    with pytest.raises(ManifestError) as caught:
        loads(text, source="shot.json")
    message = str(caught.value)
    assert "shot.json" in message
    return message


def with_value(pointer: str, value: object) -> str:
    """A valid manifest with one value set at a JSON pointer, as text."""
    document: dict = copy.deepcopy(GOOD) | {
        "camera": {"lens": {"focal_length_mm": 85, "aperture": 2}},
        "lighting": {"lights": [{"role": "key"}]},
        "render": {"seed": 1},
    }
    document["scene"]["subjects"] = [{"description": "cup"}]
    *parents, last = pointer.strip("/").split("/")
    node: dict | list = document
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value
    return json.dumps(document)


def test_the_sample_loads(sample: Path) -> None:
    assert load(sample)["meta"]["sku"] == "NL-220"


def test_not_json_names_line_and_column() -> None:
    message = refused('{\n  "studioflow": "1.0",\n  scene: {}\n}')
    assert "shot.json:3:3" in message and '"scene: {}"' in message


def test_comment_is_refused_with_a_hint() -> None:
    assert "comments are not JSON" in refused('{\n  // the shot\n  "studioflow": "1.0"\n}')


@pytest.mark.parametrize("text", ["", "   \n", b"", b"\xef\xbb\xbf"])
def test_empty(text: str | bytes) -> None:
    assert "empty" in refused(text)


def test_two_hundred_megabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    with pytest.raises(ManifestError, match=r"200\.0 MiB"):
        load(path)


def test_size_bound_also_holds_for_texts() -> None:
    assert "too large" in refused(" " * (MAX_BYTES + 1))


def test_duplicate_key_is_named_with_its_pointer() -> None:
    message = refused('{"studioflow": "1.0", "scene": {"mood": "calm", "mood": "loud"}}')
    assert "/scene/mood" in message and "twice" in message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_number(number: str) -> None:
    assert number in refused(f'{{"studioflow": "1.0", "scene": {{}}, "camera": {{"lens": {{"aperture": {number}}}}}}}')


def test_number_beyond_floats() -> None:
    assert "/camera/lens/aperture" in refused(
        with_value("/camera/lens/aperture", 1).replace('"aperture": 1', '"aperture": 1e999')
    )


def test_misspelt_key_suggests_the_right_one() -> None:
    message = refused(with_value("/camera/lens/focal_lenght_mm", 85))
    assert "/camera/lens/focal_lenght_mm" in message and 'did you mean "focal_length_mm"' in message


def test_misspelt_preset_suggests_the_right_one() -> None:
    message = refused(with_value("/lighting/setup", "rembrant"))
    assert "/lighting/setup" in message and 'did you mean "rembrandt"' in message


def test_number_out_of_range_tells_the_range() -> None:
    message = refused(with_value("/camera/lens/aperture", 0))
    assert "/camera/lens/aperture" in message and "found: 0" in message and "at least 0.7 and at most 64" in message


def test_wrong_type_deep_inside() -> None:
    message = refused(with_value("/scene/subjects/0/size_m", [0.1, "0.2", 0.1]))
    assert "/scene/subjects/0/size_m/1" in message and '"0.2" (a text)' in message and "a number" in message


def test_width_that_is_no_multiple_of_16_names_the_nearest() -> None:
    message = refused(with_value("/render/width", 1000).replace('"width": 1000', '"width": 1000, "height": 1024'))
    assert "take 992 or 1008" in message


def test_all_faults_are_told_at_once() -> None:
    document = json.loads(with_value("/camera/lens/aperture", 0))
    document["scen"] = {}
    document["render"]["seed"] = -1
    message = refused(json.dumps(document))
    assert "3 faults" in message and all(
        place in message for place in ("/scen", "/render/seed", "/camera/lens/aperture")
    )


def test_two_placements_exclude_each_other() -> None:
    document = json.loads(with_value("/camera/orbit", {}))
    document["camera"]["pose"] = {"position_m": [0, 0, 1], "look_at_m": [0, 0, 0]}
    assert "orbit and pose together" in refused(json.dumps(document))


@pytest.mark.parametrize("value", [None, 5, True, [], "x", [{"orbit": 1}]])
@pytest.mark.parametrize("section", ["render", "camera", "lighting", "scene"])
def test_a_section_of_another_type_is_one_fault(section: str, value: object) -> None:
    message = refused(json.dumps(GOOD | {section: value}))
    assert f"/{section}: wrong type" in message and "faults" not in message


def test_version_of_the_future() -> None:
    message = refused(json.dumps(GOOD | {"studioflow": "2.0"}))
    assert "/studioflow" in message and '"2.0"' in message


def test_neither_scene_nor_caption() -> None:
    assert "scene or caption" in refused('{"studioflow": "1.0"}')


def test_nested_too_deeply() -> None:
    assert "64 levels" in refused('{"studioflow": "1.0", "extensions": {"a": ' + "[" * 80 + "]" * 80 + "}}")
    assert "64 levels" in refused('{"a": ' + "[" * 100_000)


def test_lone_surrogate() -> None:
    assert "U+D800" in refused('{"studioflow": "1.0", "scene": {"mood": "\\ud800"}}')


@pytest.mark.parametrize("data", ["größe".encode("latin-1"), "{}".encode("utf-16")])
def test_other_encodings(data: bytes) -> None:
    assert "UTF-8" in refused(data)


def test_byte_order_mark_is_accepted() -> None:
    assert loads("\ufeff" + json.dumps(GOOD)) == loads(json.dumps(GOOD).encode("utf-8-sig")) == GOOD


@pytest.mark.parametrize("text", ["[]", "3", '"scene"', "null"])
def test_json_that_is_no_object(text: str) -> None:
    assert "not a JSON object" in refused(text)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PathError, match="cannot be read"):
        load(tmp_path / "none.json")


def test_fibo_caption_becomes_a_manifest() -> None:
    caption = {"short_description": "a cup", "objects": [], "my_key": 1}
    assert loads(json.dumps(caption)) == {"studioflow": "1.0", "caption": caption}


def test_other_programs_json_is_refused() -> None:
    assert '"studioflow"' in refused('{"nodes": [], "links": []}')


def test_content_id_ignores_meta_and_key_order_and_how_numbers_are_written() -> None:
    one = GOOD | {"render": {"cfg": 5, "seed": 3}, "meta": {"title": "one"}}
    other = {"render": {"seed": 3, "cfg": 5.0}, "scene": GOOD["scene"], "studioflow": "1.0", "$schema": "x"}
    assert content_id(one) == content_id(other)
    assert content_id(one) != content_id(one | {"render": {"cfg": 5, "seed": 4}})


def test_every_error_is_of_the_family() -> None:
    assert issubclass(ManifestError, StudioFlowError) and issubclass(PathError, StudioFlowError)
