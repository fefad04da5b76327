"""Two manifests side by side: as a person tells the difference, as JSON Patch, and as a page for a client."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

import jsonpatch
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studioflow.errors import StudioFlowError
from studioflow.manifest import canonical, loads
from studioflow.resources import shipped
from studioflow.review.compare import Change, Comparison, compare
from studioflow.review.compare.align import align, moved
from studioflow.review.compare.patch import patch_between
from studioflow.review.compare.plain import plain, text_of
from studioflow.review.compare.words import dotted, shortened

SAMPLE = loads((shipped("samples") / "product_hero.json").read_bytes())


def with_value(path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(SAMPLE)
    node: Any = manifest
    *parents, last = path.split(".")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node.setdefault(part, {})
    node[last] = value
    return manifest


def lines(comparison: Comparison) -> list[str]:
    return [str(change) for change in comparison.changes]


def of_caption(caption: dict[str, Any]) -> dict[str, Any]:
    return {"studioflow": "1.0", "caption": caption}


# As a person reads it


def test_a_lens_changed_reads_as_a_photographer_says_it() -> None:
    before, after = with_value("camera.lens.focal_length_mm", 50), with_value("camera.lens.focal_length_mm", 85)
    found = compare(before, after)
    assert lines(found) == ["camera.lens.focal_length_mm 50 → 85 mm"]
    assert found.changes[0].pointer == "/camera/lens/focal_length_mm"
    assert found.text() == (
        "camera\n"
        "  camera.lens.focal_length_mm 50 → 85 mm\n"
        "what FIBO reads (fibo-2)\n"
        '  photographic_characteristics.depth_of_field "shallow, background softly blurred" → '
        '"very shallow, background strongly blurred"\n'
        '  photographic_characteristics.focus "sharp focus on the near side of the subject, its far side slightly soft"'
        ' → "sharp focus on the near side of the subject, its far side soft"\n'
        '  photographic_characteristics.lens_focal_length "50mm standard lens" → "85mm portrait lens"'
    )


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("camera.orbit.elevation_deg", 40, "camera.orbit.elevation_deg 12 → 40°"),
        ("lighting.lights.0.color_temperature_k", 3200, "lighting.lights[0].color_temperature_k 5200 → 3200 K"),
        ("camera.orbit.target_m", [0, 0.2, 0], "camera.orbit.target_m [0, 0.1, 0] → [0, 0.2, 0] m"),
        ("scene.subjects.1.color", "#FF0000", "scene.subjects[1].color #3B3A38 → #FF0000"),
        ("scene.mood", "loud and fast", 'scene.mood "quiet, precise, early morning" → "loud and fast"'),
        ("lighting.lights.0.type", "window", "lighting.lights[0].type strip → window"),
        ("scene.palette", ["#FF0000"], "scene.palette [#A7A9AC, #3E2A1E, #8A7F72] → [#FF0000]"),
        ("render.aspect_ratio", "1:1", "render.aspect_ratio 3:2 → 1:1"),
        ("render.steps", 30, "render.steps added: 30"),
        ("lighting.lights.0.size_m", [0.3, 1.2], "lighting.lights[0].size_m added: [0.3, 1.2] m"),
        ("extensions.app.on", True, "extensions.app.on added: true"),
        ("extensions.a b.x", "true", 'extensions["a b"].x added: "true"'),
    ],
)
def test_one_change_is_one_line(path: str, value: Any, line: str) -> None:
    assert lines(compare(SAMPLE, with_value(path, value))) == [line]


def test_removed_points_into_the_older_document() -> None:
    found = compare(with_value("render.steps", 30), SAMPLE)
    assert found.changes == (Change("/render/steps", "render.steps", "render", "removed", 30, None),)
    assert lines(found) == ["render.steps removed: 30"]


def test_changes_come_in_the_order_of_the_schema() -> None:
    after = with_value("meta.sku", "NL-221") | {"render": {"seed": 1}, "camera": {"lens": {"preset": "macro_100"}}}
    after["scene"]["mood"] = "loud"
    found = compare(SAMPLE, after).changes
    assert list(dict.fromkeys(change.section for change in found)) == ["scene", "camera", "render", "meta"]
    paths = [change.path for change in found if change.section == "camera"]
    assert paths == sorted(paths)


def test_items_of_two_digits_stand_in_the_order_of_numbers() -> None:
    before = SAMPLE | {"lighting": {"lights": [{"role": "key", "azimuth_deg": step} for step in range(12)]}}
    after = copy.deepcopy(before)
    after["lighting"]["lights"][2]["azimuth_deg"] = after["lighting"]["lights"][10]["azimuth_deg"] = 90
    assert [change.path.split(".")[1] for change in compare(before, after).changes] == ["lights[2]", "lights[10]"]


def test_an_inserted_subject_is_one_change() -> None:
    after = copy.deepcopy(SAMPLE)
    after["scene"]["subjects"].insert(1, {"description": "linen napkin", "color": "#EEE6D8"})
    found = compare(SAMPLE, after)
    assert lines(found) == ['scene.subjects[1] added: description "linen napkin", color #EEE6D8']
    assert [change.kind for change in found.caption_changes] == ["added"]
    back = compare(after, SAMPLE)
    assert [(change.pointer, change.kind) for change in back.changes] == [("/scene/subjects/1", "removed")]


def test_another_main_subject_is_what_the_camera_sees() -> None:
    after = copy.deepcopy(SAMPLE)
    after["scene"]["subjects"].insert(0, {"description": "linen napkin"})
    assert [change.path for change in compare(SAMPLE, after).caption_changes] == [
        "objects[0]",
        "aesthetics.composition",
        "photographic_characteristics.focus",
    ]


def test_an_inserted_and_a_changed_subject_are_told_apart() -> None:
    after = copy.deepcopy(SAMPLE)
    after["scene"]["subjects"][1]["color"] = "#8A3324"
    after["scene"]["subjects"].insert(1, {"description": "linen napkin"})
    found = compare(SAMPLE, after)
    assert [(change.path, change.kind, change.item) for change in found.changes] == [
        ("scene.subjects[1]", "added", "linen napkin"),
        ("scene.subjects[2].color", "changed", "espresso cup"),
    ]
    assert "  scene.subjects[2].color #3B3A38 → #8A3324 (espresso cup)" in found.text().splitlines()


def test_a_light_is_known_by_its_role() -> None:
    after = copy.deepcopy(SAMPLE)
    after["lighting"]["lights"] = [{"role": "rim", "azimuth_deg": 100}, {"role": "key", "azimuth_deg": -20}]
    kinds = {(change.path.split("[")[1][0], change.kind, change.item) for change in compare(SAMPLE, after).changes}
    assert ("1", "removed", "fill") in kinds
    assert {item for place, kind, item in kinds if place == "1" and kind == "changed"} == {"key"}


def test_what_changed_its_order_has_moved() -> None:
    after = copy.deepcopy(SAMPLE)
    after["lighting"]["lights"].reverse()
    found = compare(SAMPLE, after)
    assert lines(found) == ["lighting.lights[0] moved from [2] to [0]", "lighting.lights[2] moved from [0] to [2]"]
    assert found.caption_changes == ()
    assert found.text().endswith("what FIBO reads (fibo-2) stays the same")


def test_order_of_keys_and_the_form_of_numbers_are_no_difference() -> None:
    after = json.loads(json.dumps(SAMPLE, sort_keys=True).replace('"aperture": 2.8', '"aperture": 2.80'))
    after["camera"]["orbit"]["elevation_deg"] = 12.0
    after["camera"]["orbit"]["target_m"] = [-0.0, 0.1, 0.0]
    found = compare(SAMPLE, after)
    assert (found.changes, found.caption_changes, found.patch, found.same_shot) == ((), (), [], True)
    assert found.text() == "no difference"


def test_true_is_not_one() -> None:
    found = compare(SAMPLE | {"extensions": {"x": [True, 1]}}, SAMPLE | {"extensions": {"x": [1, True]}})
    assert lines(found) == ["extensions.x [true, 1] → [1, true]"]
    assert found.patch


def test_a_64_bit_seed_stays_a_number() -> None:
    found = compare(SAMPLE, with_value("render.seed", 2**64 - 1))
    assert lines(found) == ["render.seed 22 → 18446744073709551615"]
    assert found.patch == [{"op": "replace", "path": "/render/seed", "value": 2**64 - 1}]


def test_only_meta_is_the_same_shot() -> None:
    found = compare(SAMPLE, with_value("meta.title", "Another"))
    assert found.same_shot
    assert found.text() == 'the same shot: only meta differs\nmeta\n  meta.title "Hand grinder, hero" → Another'


def test_a_section_of_one_side_only_is_told_field_by_field() -> None:
    after = {key: value for key, value in SAMPLE.items() if key != "camera"}
    found = compare(SAMPLE, after)
    assert "camera.lens.preset removed: portrait_85" in lines(found)
    # Without a camera nothing is said of what it sees, and places are those seen from the front.
    assert {change.path for change in found.caption_changes} == {
        f"photographic_characteristics.{name}"
        for name in ("depth_of_field", "focus", "camera_angle", "lens_focal_length")
    } | {"aesthetics.composition", "objects[0].orientation", "objects[1].location", "objects[2].location"}
    assert lines(compare(after, SAMPLE | {"camera": {}})) == ["camera added: {}"]


def test_long_texts_are_cut_where_they_differ_and_whole_elsewhere() -> None:
    start = "a very long sentence about a coffee grinder and its surroundings " * 8
    before, after = with_value("scene.background", start + "in green"), with_value("scene.background", start + "in red")
    found = compare(before, after)
    line = found.text().splitlines()[1]
    assert len(line) < 260 and "in green" in line and "in red" in line
    assert start in str(found.changes[0]) and found.as_data()["changes"][0]["after"] == start + "in red"
    assert "red" in found.html() and found.html().count("about a coffee grinder") >= 16


def test_many_changes_are_counted_and_not_all_printed() -> None:
    found = compare(SAMPLE, SAMPLE | {"extensions": {f"k{i}": i for i in range(250)}})
    assert len(found.changes) == 250
    assert "  and 150 more" in found.text().splitlines()
    assert found.html().count("k249") == 1


def test_neither_manifest_is_touched() -> None:
    before, after = copy.deepcopy(SAMPLE), with_value("camera.orbit.roll_deg", 5.0)
    kept = copy.deepcopy(after)
    compare(before, after).html()
    assert (before, after) == (SAMPLE, kept)


def test_nothing_in_a_value_reaches_the_terminal_as_a_command() -> None:
    text = compare(SAMPLE, SAMPLE | {"extensions": {"\x1b[2J": "a\x1b[31m\u202eb\nc"}}).text()
    assert "\x1b" not in text and "\u202e" not in text and "\\u001b" in text
    assert len([line for line in text.splitlines() if line.startswith("  ")]) == 1


# The caption


def test_caption_only_manifests_are_compared_field_by_field() -> None:
    before = of_caption({"short_description": "a cup", "objects": [{"description": "cup", "location": "left"}]})
    after = of_caption({"objects": [{"description": "cup", "location": "right"}], "lighting": {"direction": "backlit"}})
    found = compare(before, after)
    assert [str(change) for change in found.caption_changes] == [
        'short_description removed: "a cup"',
        "objects[0].location left → right",
        "lighting.direction added: backlit",
    ]


@pytest.mark.parametrize("wrong", [5, None, "words", [1, [2]], {"description": {"x": [True]}}])
def test_wrong_types_in_a_raw_caption_are_differences_like_others(wrong: Any) -> None:
    right = of_caption({"objects": [{"description": "cup"}], "lighting": {"direction": "backlit"}})
    broken = of_caption({"objects": wrong, "lighting": wrong})
    for before, after in ((right, broken), (broken, right)):
        found = compare(before, after)
        assert found.changes and found.html() and json.dumps(found.as_data())
        assert text_of(jsonpatch.apply_patch(plain(before), found.patch)) == text_of(plain(after))


def test_a_manifest_without_a_caption_is_compared_all_the_same() -> None:
    broken = SAMPLE | {"camera": {"pose": {"position_m": [0, 0, 0], "look_at_m": [0, 0, 0]}}}
    found = compare(SAMPLE, broken)
    assert found.changes and found.caption_changes == ()
    assert "what FIBO reads cannot be compared: the newer manifest gives no caption: /camera/pose" in found.text()
    assert "The captions cannot be compared" in found.html()
    both = compare(broken, with_value("camera", broken["camera"]) | {"render": {"seed": 1}})
    assert "the older manifest" in both.caption_fault and "the newer manifest" in both.caption_fault


def test_the_dialect_decides_what_fibo_reads() -> None:
    after = SAMPLE | {"caption": {"my_key": "x"}}
    assert [change.path for change in compare(SAMPLE, after).caption_changes] == ["my_key"]
    assert compare(SAMPLE, after, "fibo-1").caption_changes == ()
    with pytest.raises(StudioFlowError, match="did you mean"):
        compare(SAMPLE, after, "fibo2")


# Items of lists


@pytest.mark.parametrize(
    ("before", "after", "pairs"),
    [
        ("abc", "xabc", [(0, 1), (1, 2), (2, 3)]),
        ("aab", "ab", [(0, 0), (2, 1)]),
        ("abc", "cba", [(2, 0), (1, 1), (0, 2)]),
        ("", "a", []),
    ],
)
def test_align(before: str, after: str, pairs: list[tuple[int, int]]) -> None:
    one, other = ([{"description": letter} for letter in letters] for letters in (before, after))
    assert [(one[i], other[j]) for i, j in align(one, other)] == [(one[i], other[j]) for i, j in pairs]


def test_moved_keeps_a_longest_run() -> None:
    assert moved([(1, 0), (2, 1), (0, 2)]) == {2}
    assert moved([(0, 1), (1, 2)]) == set()
    assert moved([]) == set()


ITEMS = st.lists(st.sampled_from([{"role": "key"}, {"role": "key", "x": 1}, {"role": "rim"}, [1], 2, "a"]), max_size=7)


@settings(max_examples=100, deadline=None)
@given(ITEMS, ITEMS)
def test_an_item_is_one_item(before: list[Any], after: list[Any]) -> None:
    pairs = align(before, after)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert [j for _, j in pairs] == sorted(j for _, j in pairs)
    assert align(before, before) == [(i, i) for i in range(len(before))]
    kept = [i for i, j in pairs if j not in moved(pairs)]
    assert kept == sorted(kept)


def test_very_long_lists_are_compared_place_by_place() -> None:
    items = [{"description": str(i)} for i in range(201)]
    assert align(items, items[1:]) == [(i, i) for i in range(200)]


def test_many_renamed_items_find_each_other_by_name_only() -> None:
    before = [{"description": f"thing {i}", "count": 1} for i in range(120)]
    after = [{"description": f"thing {i}", "count": 2} for i in reversed(range(120))]
    assert all(before[i]["description"] == after[j]["description"] for i, j in align(before, after))
    assert len(align(before, after)) == 120


# JSON Patch

LEAVES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.5, -0.0, 1.0, 1e300, "", "a", "~/x", "é"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "0", "-", "~1", "x/y", ""]), inner)
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["scene", "caption", "extensions", "a/b"]), VALUES, max_size=3)


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_the_patch_gives_exactly_the_newer_document(before: dict[str, Any], after: dict[str, Any]) -> None:
    patch = patch_between(plain(before), plain(after))
    patched = jsonpatch.apply_patch(before, json.loads(json.dumps(patch)))
    assert canonical(patched) == canonical(after)
    assert bool(patch) == (canonical(before) != canonical(after))


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_everything_can_be_shown(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = compare(
        {"studioflow": "1.0", "extensions": before, "caption": before},
        {"studioflow": "1.0", "extensions": after, "caption": after},
    )
    assert (found.text() == "no difference") == (canonical(before) == canonical(after))
    assert json.loads(json.dumps(found.as_data()))["same_shot"] == found.same_shot == (not found.changes)
    assert found.html()
    for change in found.changes:
        inside = plain(before if change.kind == "removed" else after)
        value = jsonpatch.JsonPointer(change.pointer).resolve({"extensions": inside, "caption": inside})
        expected = {"removed": change.before, "moved": value}.get(change.kind, change.after)
        assert text_of(value) == text_of(expected)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"l": list(range(10_000))}, {"l": list(range(10_000, 0, -1))}),
        ({"l": [{"a": {"n": i}} for i in range(10_000)]}, {"l": [{"a": {"n": -i}} for i in range(10_000)]}),
        ({f"a{i}": {"n": i} for i in range(10_000)}, {f"b{i}": {"n": i + 1} for i in range(10_000)}),
        ({"x": [[{"n": i}] * 9 for i in range(400)]}, {"x": [[{"n": -i}] * 9 for i in range(400)]}),
        ({"l": list(range(20_000))}, {"l": list(range(0, 20_000, 2))}),
        ({"l": [0] * 300_000}, {"l": [0] * 298_001}),
        ({str(i): list(range(99)) for i in range(999)}, {str(i): list(range(97)) for i in range(999)}),
    ],
    ids=["numbers", "objects", "keys", "many lists", "every second", "the end", "many ends"],
)
def test_large_documents_take_no_quadratic_time(before: dict[str, Any], after: dict[str, Any]) -> None:
    begun = time.process_time()
    patch = patch_between({"extensions": before}, {"extensions": after})
    # Of this process, whatever else the machine does; quadratic time would be over ten seconds.
    assert time.process_time() - begun < 5
    assert text_of(jsonpatch.apply_patch({"extensions": before}, patch)) == text_of({"extensions": after})


def test_one_difference_in_a_long_list_is_one_operation() -> None:
    numbers = list(range(20_000))
    before = {"extensions": {"long": numbers, "short": {"a": 1}}, "scene": {"mood": "x"}}
    other = {"extensions": {"long": [*numbers, -1], "short": {"a": 2}}, "scene": {"mood": "x"}}
    patch = patch_between(before, other)
    assert {op["path"] for op in patch} == {"/extensions/long/20000", "/extensions/short/a"}
    assert jsonpatch.apply_patch(before, patch) == other


def test_beyond_all_measure_sections_are_replaced_whole() -> None:
    numbers = list(range(20_000))
    before = {"extensions": numbers, "scene": {"mood": "x"}, "camera": {"lens": {"aperture": 2}}}
    after = {"extensions": numbers[::2], "scene": {"mood": "x"}, "camera": {"lens": {"aperture": 4}}}
    patch = patch_between(before, after)
    assert [(op["op"], op["path"]) for op in patch] == [("replace", "/extensions"), ("replace", "/camera")]
    assert jsonpatch.apply_patch(before, patch) == after


def test_comparing_a_large_manifest_is_quick() -> None:
    pick = random.Random(3)
    words = [f"word{i}" for i in range(50)]
    subjects = [{"description": " ".join(pick.choices(words, k=8)), "details": f"{i}"} for i in range(200)]
    before = SAMPLE | {"scene": SAMPLE["scene"] | {"subjects": subjects}}
    after = SAMPLE | {"scene": SAMPLE["scene"] | {"subjects": [item | {"details": "x"} for item in subjects[::-1]]}}
    begun = time.process_time()
    found = compare(before, after)
    found.html()
    assert time.process_time() - begun < 5
    assert {change.kind for change in found.changes} == {"moved", "changed"}


# Words


def test_paths_for_people() -> None:
    assert dotted(("scene", "subjects", 1, "color")) == "scene.subjects[1].color"
    assert dotted(("$schema",)) == "$schema"
    assert dotted(("extensions", "a.b", 'say "x"\n')) == 'extensions["a.b"]["say \\"x\\"\\n"]'


@example("x" * 90, "a", "b")
@example("word " * 20, "a", "b")
@settings(max_examples=100, deadline=None)
@given(st.text(max_size=90), st.text(max_size=90), st.text(max_size=90))
def test_cut_texts_show_where_they_differ(same: str, one: str, other: str) -> None:
    before, after = shortened(same + one, same + other, 40)
    assert max(len(before), len(after)) <= 42
    assert (before == after) == (same + one == same + other)
