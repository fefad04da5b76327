"""Every edit gives a new, valid manifest; the last writer of a caption field wins, and nothing else changes."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from studioflow.caption import compile_manifest, flat
from studioflow.edit.field import set_field, value_from_text
from studioflow.edit.overlay import overlay
from studioflow.edit.patch import json_patch, merge_patch, parse_patch, patch
from studioflow.edit.path import parse_path
from studioflow.edit.scene import set_scene
from studioflow.edit.sections import drop_sections, take_sections
from studioflow.edit.vary import Around, Between, OneOf, parse_ranges, vary
from studioflow.errors import EditError, ManifestError, StudioFlowError
from studioflow.manifest import fill, from_caption, loads, loads_with_notes, parse_values, placeholders
from studioflow.resources import shipped

HERO = loads((shipped("samples") / "product_hero.json").read_bytes())
CAPTION = {
    "short_description": "a cup",
    "objects": [{"description": "cup"}],
    "lighting": {"conditions": "daylight", "direction": "front-lit", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "color_scheme": "red", "mood_atmosphere": "calm"},
    "photographic_characteristics": {
        "depth_of_field": "deep",
        "focus": "all",
        "camera_angle": "eye-level",
        "lens_focal_length": "50mm",
    },
    "style_medium": "oil painting",
}


def read(manifest: dict[str, Any]) -> dict[str, Any]:
    """What FIBO 2 reads, field by field."""
    return flat(json.loads(compile_manifest(manifest, "fibo-2").caption))


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    one, other = read(before), read(after)
    return {field for field in one.keys() | other.keys() if one.get(field) != other.get(field)}


@pytest.fixture(autouse=True)
def nothing_is_changed_in_place() -> Any:
    before = copy.deepcopy((HERO, CAPTION))
    yield
    assert before == (HERO, CAPTION)


# ---------------------------------------------------------------- paths and fields


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("camera.lens.aperture", ("camera", "lens", "aperture")),
        ("/camera/lens/aperture", ("camera", "lens", "aperture")),
        ("scene.subjects[0].color", ("scene", "subjects", 0, "color")),
        ("scene.subjects.0.color", ("scene", "subjects", 0, "color")),
        ("scene.subjects[-]", ("scene", "subjects", "-")),
        ("/extensions/a~1b/c~0d", ("extensions", "a/b", "c~d")),
    ],
)
def test_paths(text: str, path: tuple[Any, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize("text", ["", "  ", ".", "a..b", "/", "a/", "." * 200, "/a//b"])
def test_what_is_no_path(text: str) -> None:
    if text == "a/":
        assert parse_path(text) == ("a/",)
        return
    with pytest.raises(EditError, match="no such path"):
        parse_path(text)


def test_one_field_is_set_and_the_order_of_keys_stays() -> None:
    shot = set_field(HERO, "camera.lens.aperture", 8)
    assert shot["camera"]["lens"] == {"preset": "portrait_85", "aperture": 8}
    assert list(shot) == list(HERO)


def test_objects_and_lists_on_the_way_are_made() -> None:
    shot = set_field(from_caption(CAPTION), "lighting.lights[0].role", "key")
    assert shot["lighting"] == {"lights": [{"role": "key"}]}
    assert set_field(HERO, "meta.tags[-]", "new")["meta"]["tags"][-1] == "new"


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("camera.lens.focal_lenght_mm", 85, 'did you mean "focal_length_mm"'),
        ("camera.lens.aperture", "wide", "wrong type"),
        ("camera.lens.aperture", 0, "number out of range"),
        ("scene.subjects[9].color", "#000000", "0 to 2, or 3"),
        ("scene.subjects.first.color", "#000000", "no such item in the list"),
        ("scene.mood.strength", 3, "holds no others"),
        ("studioflow", "9.0", "newer than this StudioFlow"),
    ],
)
def test_a_field_that_cannot_be_set_is_one_clear_error(path: str, value: Any, told: str) -> None:
    with pytest.raises(StudioFlowError, match=told):
        set_field(HERO, path, value)


def test_what_excludes_the_new_value_gives_way() -> None:
    posed = set_field(HERO, "camera.pose", {"position_m": [0, 1, 2], "look_at_m": [0, 0, 0]})
    assert "orbit" not in posed["camera"]
    assert "pose" not in set_field(posed, "camera.orbit.azimuth_deg", 5)["camera"]
    sized = merge_patch(HERO, {"render": {"aspect_ratio": None, "width": 1024, "height": 768}})
    assert set_field(sized, "render.aspect_ratio", "1:1")["render"] == {"seed": 22, "aspect_ratio": "1:1"}
    coloured = set_field(HERO, "lighting.lights[0].color", "#ff0000")
    assert "color_temperature_k" not in coloured["lighting"]["lights"][0]


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("camera.lens.focal_length_mm", "85", 85),
        ("meta.sku", "220", "220"),
        ("meta.sku", "true", "true"),
        ("scene.mood", "[calm]", "[calm]"),
        ("scene.palette", '["#112233"]', ["#112233"]),
        ("camera.lens.preset", "portrait_85", "portrait_85"),
        ("render.negative", "clutter", "clutter"),
        ("render.negative", '{"style_medium": "painting"}', {"style_medium": "painting"}),
        ("caption.context", "null", None),
        ("caption.lighting.direction", "85", "85"),
        ("caption.lighting.direction", "true", "true"),
        ("caption.lighting.direction", '["a", "b"]', ["a", "b"]),
        ("extensions.mine.level", "3", 3),
    ],
)
def test_a_text_is_read_as_its_place_wants_it(path: str, text: str, value: Any) -> None:
    assert value_from_text(path, text) == value


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("camera.lens.aperture", "NaN", "not a JSON number"),
        ("camera", '{"lens": {"aperture": 1e999}}', "a number is too large"),
        ("scene.subjects", '[{"description": "\\ud83d"}]', "half of a character"),
        ("camera", '{"lens": {"preset": "portrait_85",}}', "begins like JSON and is none"),
        ("camera", '{"lens": {}, "lens": {}}', "stands twice"),
    ],
)
def test_a_value_is_read_as_strictly_as_a_document(path: str, text: str, told: str) -> None:
    with pytest.raises(StudioFlowError, match=told):
        value_from_text(path, text)


# ---------------------------------------------------------------- last writer wins


def test_somebodys_caption_with_a_camera_behind_it_changes_the_cameras_fields_and_nothing_else() -> None:
    before = from_caption(CAPTION)
    camera = {"lens": {"preset": "portrait_85", "aperture": 2}, "orbit": {"elevation_deg": 40, "distance_m": 1.2}}
    after = set_field(before, "camera", camera)
    fields = {f"photographic_characteristics.{name}" for name in CAPTION["photographic_characteristics"]}
    assert changed(before, after) == fields
    assert read(after)["photographic_characteristics.lens_focal_length"] == "85mm portrait lens"


def test_only_what_is_said_gives_way() -> None:
    before = from_caption(CAPTION)
    after = set_field(before, "camera.orbit.elevation_deg", 40)
    assert changed(before, after) == {"photographic_characteristics.camera_angle"}
    assert changed(before, set_field(before, "scene.mood", "wild")) == {"aesthetics.mood_atmosphere"}
    assert changed(before, set_field(before, "render.seed", 3)) == set()


def test_the_raw_field_wins_again_when_it_is_written_later() -> None:
    shot = set_field(from_caption(CAPTION), "camera.orbit.elevation_deg", 40)
    later = set_field(shot, "caption.photographic_characteristics.camera_angle", "worm's-eye view")
    assert read(later)["photographic_characteristics.camera_angle"] == "worm's-eye view"


@pytest.mark.parametrize(
    "caption",
    [
        {"short_description": "a", "aesthetics": {"photographic_characteristics": {"camera_angle": "x", "focus": "y"}}},
        {"short_description": "a", "aesthetics": {"camera_angle": "x", "focus": "y"}},
        {"structured_caption": {"photographic_characteristics": {"camera_angle": "x"}}, "edit_instruction": "Go."},
        {"short_description": "a", "photographic_characteristics": None},
    ],
    ids=["nested", "flat inside aesthetics", "edit caption", "null"],
)
def test_a_field_gives_way_wherever_it_stands(caption: dict[str, Any]) -> None:
    text = compile_manifest(set_field(from_caption(caption), "camera.orbit.elevation_deg", 40), "fibo-2").caption
    assert "high angle" in text and '"x"' not in text
    assert ('"y"' in text) == ("focus" in json.dumps(caption))


def test_an_edit_caption_of_a_sentence_takes_a_camera() -> None:
    shot = from_caption({"structured_caption": "a cup", "edit_instruction": "Go."})
    wrapped = json.loads(compile_manifest(set_field(shot, "camera.orbit.elevation_deg", 40), "fibo-2").caption)
    assert wrapped["structured_caption"]["short_description"] == "a cup"
    assert "high angle" in wrapped["structured_caption"]["photographic_characteristics"]["camera_angle"]
    assert wrapped["edit_instruction"] == "Go."


# ---------------------------------------------------------------- patches


def test_json_patch() -> None:
    shot = json_patch(
        HERO,
        [
            {"op": "test", "path": "/camera/lens/aperture", "value": 2.8},
            {"op": "replace", "path": "/camera/lens/aperture", "value": 8},
            {"op": "remove", "path": "/scene/text"},
            {"op": "add", "path": "/scene/subjects/0", "value": {"description": "spoon"}},
            {"op": "move", "from": "/scene/mood", "path": "/scene/composition"},
        ],
    )
    assert shot["camera"]["lens"]["aperture"] == 8 and "text" not in shot["scene"]
    assert shot["scene"]["subjects"][0] == {"description": "spoon"}


@pytest.mark.parametrize(
    ("operations", "told"),
    [
        ([{"op": "replace", "path": "/camera/body", "value": 1}], "operation 1"),
        ([{"op": "remove", "path": "/meta"}, {"op": "remove", "path": "/meta"}], "operation 2"),
        ([{"op": "test", "path": "/render/seed", "value": 3}], "cannot be applied"),
        ([{"op": "paint", "path": "/render/seed"}], "cannot be applied"),
        ([{"path": "/render/seed"}], "cannot be applied"),
        ([{"op": "add", "path": "render/seed", "value": 3}], "cannot be applied"),
        (["remove"], "cannot be applied"),
        ([{"op": "replace", "path": "", "value": 3}], "leaves no manifest"),
        ([{"op": "replace", "path": "/render/seed", "value": -3}], "number out of range"),
        ([{"op": "test", "path": "", "value": {}}] * 10_001, "at most 10000"),
    ],
)
def test_a_patch_that_does_not_fit_leaves_everything(operations: list[Any], told: str) -> None:
    with pytest.raises(StudioFlowError, match=told):
        json_patch(HERO, operations)


def test_a_patch_that_copies_the_shot_into_itself_is_stopped() -> None:
    grow = [{"op": "add", "path": "/extensions", "value": {"a": [HERO]}}]
    grow += [{"op": "copy", "from": "/extensions/a", "path": "/extensions/a/-"}] * 40
    with pytest.raises(EditError, match=r"grown too large|nested too deeply"):
        json_patch(HERO, grow)


# RFC 7386, appendix A; what is no object there cannot be a manifest, so the cases stand under extensions.
@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_as_the_rfc_says(before: Any, change: Any, after: Any) -> None:
    shot = HERO | {"extensions": before}
    assert merge_patch(shot, {"extensions": change})["extensions"] == after


def test_patches_do_what_they_say_unless_the_last_writer_is_to_win() -> None:
    shot = from_caption(CAPTION)
    change = {"camera": {"orbit": {"elevation_deg": 40}}}
    assert merge_patch(shot, change)["caption"] == CAPTION
    assert changed(shot, merge_patch(shot, change, last_writer_wins=True)) == {
        "photographic_characteristics.camera_angle"
    }
    step = {"op": "add", "path": "/camera", "value": change["camera"]}
    assert json_patch(shot, [step], last_writer_wins=True) == merge_patch(shot, change, last_writer_wins=True)
    # A patch that says what a raw caption field shall be is believed, and wins no other field.
    other = merge_patch(shot, change | {"caption": {"context": "ad"}}, last_writer_wins=True)
    assert changed(shot, other) == {"photographic_characteristics.camera_angle", "context"}
    both = change | {"caption": {"photographic_characteristics": {"camera_angle": "mine"}}}
    assert read(merge_patch(shot, both, last_writer_wins=True))["photographic_characteristics.camera_angle"] == "mine"


@pytest.mark.parametrize(
    "text", ["", "{", "3", '"a"', "null", "[" * 100_000, "[" + "9" * 5000 + "]", '{"a": NaN}', '{"a": 1, "a": 2}']
)
def test_what_is_no_patch(text: str) -> None:
    with pytest.raises(StudioFlowError):
        patch(HERO, parse_patch(text))


# ---------------------------------------------------------------- overlay and sections


def test_overlay_merges_objects_and_replaces_lists() -> None:
    look = {
        "studioflow": "1.0",
        "scene": {},
        "camera": {"lens": {"aperture": 8}},
        "lighting": {"lights": [{"role": "key"}]},
    }
    shot = overlay(HERO, look)
    assert shot["camera"]["lens"] == {"preset": "portrait_85", "aperture": 8}
    assert shot["lighting"]["lights"] == [{"role": "key"}] and shot["scene"] == HERO["scene"]
    assert list(shot) == list(HERO)


def test_overlay_of_two_placements_keeps_the_upper_one() -> None:
    top = {
        "studioflow": "1.0",
        "scene": {},
        "camera": {"pose": {"position_m": [0, 1, 2], "look_at_m": [0, 0, 0]}},
        "render": {"width": 1024, "height": 768},
    }
    shot = overlay(HERO, top)
    assert "orbit" not in shot["camera"] and "aspect_ratio" not in shot["render"]


def test_overlay_takes_raw_fields_of_the_base_away_and_keeps_those_of_the_top() -> None:
    top = {"studioflow": "1.0", "caption": {"lighting": {"shadows": "mine"}}, "lighting": {"setup": "rembrandt"}}
    shot = overlay(from_caption(CAPTION), top)
    assert changed(from_caption(CAPTION), shot) == {"lighting.conditions", "lighting.direction", "lighting.shadows"}
    assert read(shot)["lighting.shadows"] == "mine"


def test_overlay_with_itself_is_itself() -> None:
    assert overlay(HERO, HERO) == HERO
    assert overlay(from_caption(CAPTION), from_caption(CAPTION)) == from_caption(CAPTION)


def test_captions_are_laid_on_each_other_field_by_field() -> None:
    edit = {"structured_caption": {"context": "ad", "style_medium": None}, "edit_instruction": "Go."}
    assert overlay(from_caption(CAPTION), from_caption(edit))["caption"] == {
        "structured_caption": CAPTION | {"context": "ad"},
        "edit_instruction": "Go.",
    }
    below = {"structured_caption": CAPTION, "edit_instruction": "Go."}
    laid = overlay(from_caption(below), from_caption({"lighting": {"shadows": "none", "direction": None}}))["caption"]
    assert laid["edit_instruction"] == "Go."
    assert laid["structured_caption"]["lighting"] == CAPTION["lighting"] | {"shadows": "none"}


def test_a_field_never_stands_in_two_places_after_an_edit() -> None:
    nested = from_caption(
        {"short_description": "a", "aesthetics": {"photographic_characteristics": {"camera_angle": "x"}}}
    )
    top = {"photographic_characteristics": {"camera_angle": "high"}}
    for shot in (
        overlay(nested, from_caption(top)),
        set_field(nested, "caption.photographic_characteristics.camera_angle", "high"),
    ):
        assert '"x"' not in json.dumps(shot) and read(shot)["photographic_characteristics.camera_angle"] == "high"


def test_a_wrapped_caption_as_json_text_takes_a_camera() -> None:
    text = json.dumps(CAPTION)
    shot = from_caption({"structured_caption": text, "edit_instruction": "Go."})
    assert json.loads(compile_manifest(shot, "fibo-2").caption)["structured_caption"] == text
    assert changed(from_caption(CAPTION), set_field(shot, "camera.orbit.elevation_deg", 40)) == {
        "photographic_characteristics.camera_angle"
    }


def test_a_look_leaves_no_empty_scene_behind() -> None:
    look = {"studioflow": "1.0", "scene": {}, "lighting": {"setup": "rembrandt"}}
    assert "scene" not in overlay(from_caption(CAPTION), look)


def test_one_raw_field_takes_no_other_field_of_the_shot_away() -> None:
    shot = {"studioflow": "1.0", "scene": {"description": "a cup"}}
    assert changed(shot, set_field(shot, "caption.context", "ad")) == {"context"}
    assert changed(shot, shot | {"caption": {}}) == set()


def test_sections() -> None:
    assert take_sections(HERO, ["camera", "lighting"]).keys() == {
        "$schema", "studioflow", "camera", "lighting", "scene",
    }  # fmt: skip
    assert take_sections(HERO, ["camera"])["scene"] == {}
    assert "camera" not in drop_sections(HERO, ["camera"])
    with pytest.raises(EditError, match='did you mean "camera"'):
        take_sections(HERO, ["camra"])


def test_a_look_taken_and_laid_on_another_shot() -> None:
    shot = overlay(from_caption(CAPTION), take_sections(HERO, ["lighting"]))
    assert changed(from_caption(CAPTION), shot) == {"lighting.conditions", "lighting.direction", "lighting.shadows"}


# ---------------------------------------------------------------- variation


def test_ranges_as_text() -> None:
    ranges = parse_ranges(
        "camera.orbit.azimuth_deg = -30 .. 30\n\nrender.seed=0..100 step 10\ncamera.orbit.distance_m = ± 10 %\n"
        "camera.lens.aperture = +-1.5\nlighting.setup = rembrandt | butterfly\nmeta.title = x\nscene.mood = a..b | c"
    )
    assert ranges == {
        "camera.orbit.azimuth_deg": Between(-30, 30),
        "render.seed": Between(0, 100, 10),
        "camera.orbit.distance_m": Around(0.1, True),
        "camera.lens.aperture": Around(1.5),
        "lighting.setup": OneOf(("rembrandt", "butterfly")),
        "meta.title": OneOf(("x",)),
        "scene.mood": OneOf(("a..b", "c")),
    }


@pytest.mark.parametrize(
    "line", ["camera", "a =", "= 3", "a = 3 .. 1", "a = 1 .. 2 step 0", "a = 1 .. x", "a..b = 1", "a = 1 .. 2 .. 3"]
)
def test_what_is_no_range_names_its_line(line: str) -> None:
    with pytest.raises(EditError, match=r"line 2|no such path"):
        parse_ranges(f"render.seed = 0 .. 9\n{line}")


def test_the_same_seed_gives_the_same_shot_on_every_machine() -> None:
    ranges = parse_ranges("camera.orbit.azimuth_deg = -30 .. 30\nrender.seed = 0 .. 100 step 10")
    shot = vary(HERO, ranges, 7)
    # Frozen: a changed drawing would silently change everybody's variations.
    assert (shot["camera"]["orbit"]["azimuth_deg"], shot["render"]["seed"]) == (-7.5456, 80)


def test_each_path_draws_for_itself() -> None:
    one = parse_ranges("camera.orbit.azimuth_deg = -30 .. 30")
    two = parse_ranges("lighting.ambient = 0 .. 1\ncamera.orbit.azimuth_deg = -30 .. 30")
    for seed in range(20):
        azimuths = [vary(HERO, ranges, seed)["camera"]["orbit"]["azimuth_deg"] for ranges in (one, two)]
        assert azimuths[0] == azimuths[1]


def test_values_fill_their_range_and_stay_in_it() -> None:
    ranges = parse_ranges(
        "camera.orbit.azimuth_deg = -30 .. 30\nrender.seed = 0 .. 100 step 10\nlighting.setup = rembrandt | butterfly\n"
        "camera.orbit.distance_m = ± 10 %"
    )
    shots = [vary(HERO, ranges, seed) for seed in range(300)]
    azimuths = [shot["camera"]["orbit"]["azimuth_deg"] for shot in shots]
    assert -30 <= min(azimuths) < -27 and 27 < max(azimuths) <= 30
    assert {shot["render"]["seed"] for shot in shots} == set(range(0, 101, 10))
    assert {shot["lighting"]["setup"] for shot in shots} == {"rembrandt", "butterfly"}
    assert all(0.99 <= shot["camera"]["orbit"]["distance_m"] <= 1.21 for shot in shots)


def test_whole_numbers_and_grids_are_kept() -> None:
    ranges = parse_ranges(
        "render.steps = 10 .. 20\nscene.subjects[2].count = ± 4\nrender.seed = 5 .. 5.4\n"
        "camera.orbit.distance_m = 0.00001 .. 0.00002\nmeta.sku = 100 | 200"
    )
    shots = [vary(HERO, ranges, seed) for seed in range(60)]
    assert {shot["render"]["steps"] for shot in shots} == set(range(10, 21))
    assert {shot["scene"]["subjects"][2]["count"] for shot in shots} == set(range(5, 14))
    assert {shot["render"]["seed"] for shot in shots} == {5}
    assert all(0.00001 <= shot["camera"]["orbit"]["distance_m"] <= 0.00002 for shot in shots)
    assert {shot["meta"]["sku"] for shot in shots} == {"100", "200"}
    wide = vary(merge_patch(HERO, {"render": {"aspect_ratio": None, "width": 640, "height": 640}}),
                parse_ranges("render.width = 600 .. 700"), 3)  # fmt: skip
    assert wide["render"]["width"] % 16 == 0
    with pytest.raises(EditError, match="no allowed number"):
        vary(HERO, parse_ranges("render.steps = 10.1 .. 10.9"), 1)


def test_variation_around_nothing_and_out_of_range() -> None:
    with pytest.raises(EditError, match="no number to vary around"):
        vary(HERO, parse_ranges("lighting.ambient = ± 0.1"), 1)
    with pytest.raises(ManifestError, match="number out of range"):
        vary(HERO, parse_ranges("lighting.ambient = 3 .. 4"), 1)


# ---------------------------------------------------------------- scene and placeholders


def test_a_scene_from_lines() -> None:
    shot = set_scene(
        None,
        description="Two cups.",
        subjects="cup; material: steel; count: 2; position_m: [0, 0, 1]\n\nplate",
        text="OPEN; color: red",
        palette="#112233, #aabbcc",
        medium="watercolor",
    )
    assert shot == {
        "studioflow": "1.0",
        "scene": {
            "description": "Two cups.",
            "style": {"medium": "watercolor"},
            "palette": ["#112233", "#aabbcc"],
            "subjects": [
                {"description": "cup", "material": "steel", "count": 2, "position_m": [0, 0, 1]},
                {"description": "plate"},
            ],
            "text": [{"text": "OPEN", "color": "red"}],
        },
    }


def test_empty_texts_leave_the_scene() -> None:
    assert set_scene(HERO) == HERO
    assert changed(HERO, set_scene(HERO, mood="wild")) == {"aesthetics.mood_atmosphere"}


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ({"subjects": "plate\ncup; colour: #112233"}, 'subjects, line 2: no such field[\\s\\S]*did you mean "color"'),
        ({"subjects": "cup; red"}, "separate the fields"),
        ({"subjects": "cup; count: many"}, "wrong type"),
        ({"palette": "red"}, "wrong form"),
    ],
)
def test_a_scene_that_cannot_be_read(texts: dict[str, str], told: str) -> None:
    with pytest.raises(StudioFlowError, match=told):
        set_scene(None, **texts)


def test_placeholders_take_values_as_they_are() -> None:
    template = (
        '{"studioflow": "1.0", "scene": {"description": "A {product}, {{literal}}", "mood": "{n} moods"},'
        ' "camera": {"lens": {"focal_length_mm": "{focal}"}}, "meta": {"sku": "{sku}"}}'
    )
    values = parse_values("product = hand grinder\nfocal = 85\nn=2.0\nsku = NL-220")
    shot = loads_with_notes(template, "text", values).manifest
    assert shot["scene"] == {"description": "A hand grinder, {literal}", "mood": "2.0 moods"}
    assert shot["camera"]["lens"]["focal_length_mm"] == 85 and shot["meta"]["sku"] == "NL-220"
    assert parse_values('{"a": 1, "b": "2"}') == {"a": 1, "b": "2"}


def test_numbers_are_written_as_they_were_typed() -> None:
    values = parse_values('price = 12499.95\nsku = 1e5\nopen = true\nquoted = "0104"\nnone = null')
    shot = {
        "studioflow": "1.0",
        "scene": {"description": "{price}, {sku}, {open}, {quoted}", "mood": "{sku}"},
        "render": {"cfg": "{price}"},
        "caption": {"context": "{none}", "objects": "{none}"},
        "meta": {"sku": "{sku}", "title": "{open}"},
    }
    filled = fill(shot, values)
    assert filled["scene"] == {"description": "12499.95, 1e5, true, 0104", "mood": "1e5"}
    assert filled["render"] == {"cfg": 12499.95} and filled["meta"] == {"sku": "1e5", "title": "true"}
    assert filled["caption"]["objects"] is None


def test_a_slip_in_a_json_of_values_is_told() -> None:
    with pytest.raises(ManifestError, match="take the comma before it out"):
        parse_values('{"a": 1,}')


def test_values_are_no_lists() -> None:
    with pytest.raises(EditError, match="no value for a placeholder"):
        fill({"studioflow": "1.0", "scene": {"mood": "{a}"}}, {"a": [1]})


def test_a_filling_that_explodes_is_stopped() -> None:
    shot = {"studioflow": "1.0", "scene": {"description": "{a}" * 1000}}
    with pytest.raises(EditError, match="too large"):
        fill(shot, {"a": "x" * 100_000})


def test_missing_values_are_all_named() -> None:
    shot = {"studioflow": "1.0", "scene": {"description": "{product} in {material}", "mood": "{mood}"}}
    assert placeholders(shot) == {
        "product": "/scene/description",
        "material": "/scene/description",
        "mood": "/scene/mood",
    }
    with pytest.raises(EditError) as caught:
        fill(shot, {"mood": "calm", "materiel": "oak"})
    assert "{product} at /scene/description, {material} at" in str(caught.value)


@pytest.mark.parametrize("text", ["focal", "= 3", "3 = x", "a b = c"])
def test_what_is_no_value_names_its_line(text: str) -> None:
    with pytest.raises(EditError, match="line 1"):
        parse_values(text)


def test_nothing_in_a_template_runs() -> None:
    shot = {"studioflow": "1.0", "scene": {"description": "{a.__class__} {0} {a!r} {a:>10} { a } {a[0]}"}}
    assert fill(shot, {"a.__class__": "x"})["scene"]["description"] == "x {0} {a!r} {a:>10} { a } {a[0]}"


def test_extensions_are_never_filled() -> None:
    shot = {"studioflow": "1.0", "scene": {}, "extensions": {"t": "{a}"}}
    assert fill(shot, {}) == shot


def test_the_sample_template_fills(sample: Path) -> None:
    path = sample.with_name("product_template.json")
    template = loads(path.read_bytes())
    filled = fill(template, dict.fromkeys(placeholders(template), "word"))
    assert placeholders(filled) == {}
