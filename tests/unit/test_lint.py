"""The linter: every rule finds its fault and leaves ordinary shots alone, and what it mends is mended."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonpointer import JsonPointer, JsonPointerException

from studioflow.caption import KEY_ORDER
from studioflow.edit.overlay import overlay
from studioflow.errors import ManifestError
from studioflow.families import families, family
from studioflow.manifest import fill, load, placeholders, validate
from studioflow.manifest.schema import schema
from studioflow.resources import shipped, table
from studioflow.review.lint import MAX_FINDINGS, MAX_OF_ONE_RULE, SEVERITIES, Finding, fix, lint, rules
from studioflow.review.lint.base import CHECKS
from studioflow.review.lint.words import Text, items, substitute, without_items

DATA = Path(__file__).parent.parent / "data" / "lint"
CASES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(DATA.glob("*.json"))}
MENDED = [name for name, case in CASES.items() if case.get("fixed")]
SAMPLES = sorted(shipped("samples").glob("*.json"))
HERO = load(shipped("samples") / "product_hero.json")


def model(case: dict[str, Any]) -> Any:
    return family(case["family"]) if "family" in case else None


def found(manifest: dict[str, Any], rule: str, case: dict[str, Any] | None = None) -> list[Finding]:
    return [finding for finding in lint(manifest, model(case or {})) if finding.rule == rule]


def shot(description: str = "A hand grinder on a table.", **sections: Any) -> dict[str, Any]:
    scene = {"description": description, "subjects": [{"description": "hand grinder"}], "background": "a wall"}
    return {"studioflow": "1.0", "scene": scene | sections.pop("scene", {}), **sections}


def test_rules_functions_and_samples_are_the_same_list() -> None:
    assert list(CASES) == sorted(rules()) == sorted(CHECKS)
    assert len(rules()) >= 30


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.id)
def test_a_rule_is_explained(rule: Any) -> None:
    assert rule.severity in SEVERITIES
    assert rule.title and not rule.title.endswith(".")
    assert rule.why.endswith(".")


@pytest.mark.parametrize("name", CASES)
def test_the_failing_sample_fails_and_the_passing_one_passes(name: str) -> None:
    case = CASES[name]
    validate(case["failing"])
    validate(case["passing"])
    [finding, *_] = found(case["failing"], name, case)
    assert finding.severity == rules()[name].severity
    assert finding.problem and finding.advice and not finding.problem.endswith(".")
    if finding.pointer != "/":
        try:
            JsonPointer(finding.pointer).resolve(case["failing"])
        except JsonPointerException:
            # What is missing is named where it would stand.
            assert JsonPointer(finding.pointer.rpartition("/")[0]).resolve(case["failing"]) is not None
    assert not found(case["passing"], name, case)


@pytest.mark.parametrize("name", CASES)
def test_samples_show_one_fault(name: str) -> None:
    case = CASES[name]
    allowed = {name, "no-description"} if name == "caption-unknown-key" else {name}
    assert {finding.rule for finding in lint(case["failing"], model(case))} == allowed
    assert not lint(case["passing"], model(case))


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a document by its pointer."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    leaves = {place: leaf for key, item in inner for place, leaf in flat(item, f"{path}/{key}").items()}
    return leaves or {path: value}


@pytest.mark.parametrize("name", MENDED)
def test_a_patch_mends_its_place_and_no_other(name: str) -> None:
    case = CASES[name]
    before = copy.deepcopy(case["failing"])
    mended, applied = fix(case["failing"], model(case), suggestions=True)
    assert case["failing"] == before
    validate(mended)
    assert name in {finding.rule for finding in applied}
    assert not found(mended, name, case)
    assert fix(mended, model(case), suggestions=True) == (mended, [])
    old, new = flat(before), flat(mended)
    places = [op[key] for finding in applied for op in finding.patch for key in ("path", "from") if key in op]
    # Taking an item out of a list moves those behind it.
    places += [place.rpartition("/")[0] for place in places if place.rpartition("/")[2].isdecimal()]
    for place in {place for place in old.keys() | new.keys() if old.get(place) != new.get(place)}:
        assert any(place == part or place.startswith(part + "/") or part.startswith(place) for part in places), place


@pytest.mark.parametrize("name", [name for name in MENDED if not rules()[name].certain])
def test_a_suggestion_is_not_applied_unasked(name: str) -> None:
    case = CASES[name]
    (told, *_) = found(case["failing"], name, case)
    assert told.patch and not told.fixable and "(fixable)" not in str(told)
    assert name not in {finding.rule for finding in fix(case["failing"], model(case))[1]}


@pytest.mark.parametrize("name", [name for name in CASES if name not in MENDED])
def test_what_only_a_person_can_decide_stays(name: str) -> None:
    mended, _ = fix(CASES[name]["failing"], model(CASES[name]), suggestions=True)
    assert found(mended, name, CASES[name])


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_shipped_samples_have_no_fault(path: Path) -> None:
    sample = load(path)
    # A template is a shot once it is filled in, and a look once it lies over a shot.
    filled = fill(sample, {name: name for name in placeholders(sample)})
    whole = filled if filled["scene"] else overlay(HERO, filled)
    assert not [str(finding) for finding in lint(whole) if finding.severity != "info"]


def test_a_template_tells_what_is_to_be_filled_in() -> None:
    manifest = shot("A {product} of {material}, and {{braces}}.", meta={"title": "{title}"})
    assert [(finding.rule, finding.pointer) for finding in lint(manifest)] == [
        ("placeholder-left", "/scene/description"),
        ("placeholder-left", "/scene/description"),
    ]


@pytest.mark.parametrize("key", ["007", "9" * 5000, "²", "a/b~c", ""])
def test_a_fault_under_an_odd_key_is_found_there(key: str) -> None:
    [finding] = found(shot(caption={"x": {key: ["{product}"]}}), "placeholder-left")
    assert JsonPointer(finding.pointer).resolve({"caption": {"x": {key: ["{product}"]}}}) == "{product}"


# What can be read in another way than as a fault. The hero's camera looks from slightly above and the right through
# 85 mm, its key is a hard strip on the left.
ORDINARY = [
    "Low-angle sunlight rakes over the table, and the low-angle rays catch dust.",
    "Top-down light from a skylight falls on the grinder.",
    "A polished chrome rear view mirror lies on the table.",
    "A kitten peeks out from behind the grinder, and a glow comes through the curtain.",
    "The rim light from the right draws a bright edge, the fill comes from the right too.",
    "Not an eye-level view but one from slightly above.",
    "A Renaissance masterpiece hangs on the wall beside an 8k television.",
    "A jar of night cream and a midnight blue scarf.",
    "A mug without a handle, a table free of dust, no two beans alike.",
    "Make-up brushes stand in a glass; keep calm is the motto.",
    "Turn of the century scales, the change of seasons in the window.",
    "A roll of 35mm film and a 10 mm bolt lie beside the grinder.",
    "A backlit keyboard glows in the corner.",
    "A model of an F16 fighter on a 1/48 scale stand, flying at 300 km/h.",
    "The sign of the shop is painted in plain letters.",
    "The \"good room\" of a farmhouse, with the chef's knife and the baker's apron on a hook.",
    "An oil painting of a harbour hangs behind the grinder.",
    "Half of the beans are still green, two thirds of the cup is in shadow.",
    "A street full of neon lights behind the window, a long lens of amber on the sill.",
    "A high shelf, a straight edge, a full glass and a wide table.",
    "Iso-butane cans, a 5000 kg press and a 12 K gold ring.",
    "An added pinch of salt, replaced tiles and a removed lid lying beside it.",
]


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("where", ["description", "background", "details"])
def test_ordinary_words_are_no_fault(text: str, where: str) -> None:
    manifest = copy.deepcopy(HERO)
    (manifest["scene"]["subjects"][0] if where == "details" else manifest["scene"])[where] = text
    if where == "description" and text.startswith("An oil painting"):
        text = manifest["scene"]["description"] = f"A table. {text}"
    assert not [str(finding) for finding in lint(manifest)]


@pytest.mark.parametrize(
    "description",
    [
        "a pilot watch",
        "a man's leather wallet",
        "mother-of-pearl brooch",
        "a couple of apples",
        "table runner in linen",
        "bronze bust of a woman",
        "a wooden man with a drum",
        "girl band poster",
        "butcher block with knives",
        "two-tone kettle",
        "three-quarter sleeve shirt",
        "a glass of red wine",
        "a bag for a student",
        "hand of a woman holding a cup",
    ],
)
def test_things_are_no_people_and_adjectives_no_counts(description: str) -> None:
    manifest = shot(scene={"subjects": [{"description": description, "color": "#0343DF"}]})
    assert not [str(finding) for finding in lint(manifest)]


@pytest.mark.parametrize(
    "description",
    [
        "an elderly fisherman",
        "young woman with red hair",
        "a smiling boy holding a kite",
        "a woman smiling",
        "two people",
    ],
)
def test_people_want_a_pose(description: str) -> None:
    count = {"count": 2} if description.startswith("two") else {}
    [finding] = lint(shot(scene={"subjects": [{"description": description, **count}]}))
    assert (finding.rule, finding.pointer) == ("person-without-pose", "/scene/subjects/0/pose")


CAMERA = {"lens": {"preset": "portrait_85", "aperture": 2}, "orbit": {"azimuth_deg": 20, "elevation_deg": 40}}
LIGHT = {"lights": [{"role": "key", "type": "softbox", "azimuth_deg": -45, "elevation_deg": 30}]}


@pytest.mark.parametrize(
    ("text", "rule", "mended"),
    [
        ("A low angle shot of a grinder.", "angle-contradicts-text", "A high-angle shot of a grinder."),
        ("A grinder photographed from below.", "angle-contradicts-text", "A grinder photographed from above."),
        ("A grinder at eye level, shot from below.", "angle-contradicts-text", None),
        ("The rear view of a grinder.", "side-contradicts-text", "The three-quarter view of a grinder."),
        ("A grinder seen from the left.", "side-contradicts-text", "A grinder seen from the front right."),
        ("A grinder, shot with a 24mm lens.", "lens-contradicts-text", "A grinder, shot with an 85mm lens."),
        ("A fisheye view of a grinder.", "lens-contradicts-text", "An 85mm view of a grinder."),
        ("A grinder, everything in focus.", "focus-contradicts-text", "A grinder, the subject in focus."),
        ("A backlit grinder on a table.", "light-direction-contradicts-text", None),
        (
            "A grinder, light coming from the right.",
            "light-direction-contradicts-text",
            "A grinder, light coming from the left.",
        ),
        ("A grinder with harsh shadows.", "shadows-contradict-text", "A grinder with soft shadows."),
    ],
)
def test_words_against_numbers(text: str, rule: str, mended: str | None) -> None:
    manifest = shot(text, camera=CAMERA, lighting=LIGHT)
    assert [finding.rule for finding in lint(manifest)] == [rule]
    if mended:
        assert fix(manifest) == (manifest, [])
        assert fix(manifest, suggestions=True)[0]["scene"]["description"] == mended


# Each of these texts may be right, and only a person knows: the patch would turn a fact into another.
FACTS = [
    shot("Kodak 85mm lens on a table.", camera={"lens": {"focal_length_mm": 24}}),
    shot("A wide-angle-lens box.", camera={"lens": {"preset": "portrait_85"}}),
    shot("A woman at eye-level with a child.", camera={"orbit": {"elevation_deg": 40}}),
    shot("A cup at noon.", lighting={"time_of_day": "night"}),
    shot(render={"aspect_ratio": "9:19"}),
]


@pytest.mark.parametrize("manifest", FACTS, ids=lambda manifest: manifest["scene"]["description"])
def test_fix_leaves_facts_as_they_were(manifest: dict[str, Any]) -> None:
    assert fix(manifest) == (manifest, [])


@pytest.mark.parametrize(
    "text",
    [
        "Kodak 85mm lens on a table.",
        "An 85mm lens lies beside a grinder.",
        "A grinder, an 85mm lens and a roll of film.",
        "Two 85 mm lenses in a case.",
        "A telephoto lens on a table.",
        "A telephoto-lens box.",
        "A box of an 85mm lens.",
        "A camera with an 85mm lens.",
        "An old camera with a telephoto lens, on a shelf.",
        "A man holding a telephoto lens.",
        "A photograph of an 85mm lens.",
        "A shot of a telephoto lens.",
        "A wide-angle camera on a tripod.",
        "A Kodak 85mm portrait lens on a table.",
        "Photographed on a table with an 85mm lens beside it.",
    ],
)
def test_a_lens_that_is_photographed_is_not_the_lens_of_the_camera(text: str) -> None:
    assert not found(shot(text, camera={"lens": {"focal_length_mm": 24}}), "lens-contradicts-text")


@pytest.mark.parametrize(
    "text",
    [
        "A grinder, shot with an 85mm lens.",
        "A grinder photographed through a vintage telephoto lens.",
        "A grinder, captured on a Sony with an 85 mm lens.",
        "Shot on an 85mm prime lens, a grinder on a table.",
        "A grinder, shot at 85 mm.",
        "A grinder, focal length of 85 mm.",
        "A grinder, focal length 85mm.",
        "85mm lens, a grinder on a table.",
        "85mm portrait of a woman.",
        "A telephoto shot of a grinder.",
        "A telephoto view of a lens box.",
    ],
)
def test_a_lens_that_takes_the_picture_is_held_against_the_camera(text: str) -> None:
    assert found(shot(text, camera={"lens": {"focal_length_mm": 24}}), "lens-contradicts-text")


@pytest.mark.parametrize(
    ("width", "height", "allowed"),
    [
        (1024, 1024, True),
        (1248, 832, True),
        (1424, 800, True),
        (1280, 720, True),
        (1024, 448, True),
        (1536, 1536, False),
    ],
)
def test_sizes(width: int, height: int, allowed: bool) -> None:
    assert (not lint(shot(render={"width": width, "height": height}))) == allowed


@pytest.mark.parametrize("row", families().values(), ids=lambda row: row.id)
def test_what_the_model_was_trained_at_is_no_fault(row: Any) -> None:
    for ratio in table("trained_sizes.json")[row.dialect]:
        assert not lint(shot(render={"aspect_ratio": ratio, "steps": row.steps, "cfg": row.cfg}), row)


def test_the_model_that_renders_decides() -> None:
    manifest = shot(render={"aspect_ratio": "16:9"})
    assert not lint(manifest)
    assert [finding.rule for finding in lint(manifest, family("fibo-1.0"))] == ["ratio-not-trained"]
    meant = shot(render={"aspect_ratio": "16:9", "model": "fibo-1.0"})
    assert [finding.rule for finding in lint(meant)] == ["ratio-not-trained"]
    [error, *_] = lint(meant, family("fibo-2.0-dev"))
    assert (error.rule, error.pointer) == ("cannot-compile", "/render/model")


def test_a_command_is_right_in_an_edit_instruction() -> None:
    edit = {"structured_caption": {"short_description": "A cup.", "background_setting": "a wall"}}
    edit["edit_instruction"] = "Add a spoon to the cup and keep the wall unchanged."
    assert not [finding for finding in lint({"studioflow": "1.0", "caption": edit}) if finding.severity != "info"]
    edit["structured_caption"]["short_description"] = "Add a spoon to the cup."
    [finding] = found({"studioflow": "1.0", "caption": edit}, "edit-words")
    assert finding.pointer == "/caption/structured_caption/short_description"


def test_a_caption_that_stands_as_a_text_is_read_and_left() -> None:
    text = json.dumps({"short_description": "Add a spoon to the cup, 8k.", "background_setting": "a wall"})
    manifest = {"studioflow": "1.0", "caption": {"structured_caption": text, "edit_instruction": "Add a spoon."}}
    assert {"edit-words", "quality-words"} <= {finding.rule for finding in lint(manifest)}
    assert fix(manifest) == (manifest, [])


@pytest.mark.parametrize(
    ("caption", "place"),
    [
        ({"structured_caption": {"short_description": "A cup, 8k."}}, "/caption/structured_caption/short_description"),
        ({"structured_caption": "A cup, 8k."}, "/caption/structured_caption"),
        ({"structured_caption": '  {"short_description": "A cup, 8k."}'}, "/caption/structured_caption"),
        ({"structured_caption": "{A cup, 8k."}, "/caption/structured_caption"),
        ({"structured_caption": None, "short_description": "A cup, 8k."}, "/caption/short_description"),
        ({"structured_caption": "", "short_description": "A cup, 8k."}, "/caption/short_description"),
        ({"structured_caption": {}, "short_description": "A cup, 8k."}, "/caption/short_description"),
    ],
    ids=["object", "words", "JSON text", "no JSON", "null", "empty text", "empty object"],
)
def test_the_caption_of_an_edit_is_found_where_it_stands(caption: dict[str, Any], place: str) -> None:
    manifest = {"studioflow": "1.0", "caption": caption | {"edit_instruction": "x"}}
    [finding] = found(manifest, "quality-words")
    assert finding.pointer == place
    assert finding.fixable == (not caption["structured_caption"] or '"' not in str(caption["structured_caption"]))
    assert JsonPointer(place).resolve(manifest)


def test_lettering_is_listed_where_it_is_written_from() -> None:
    manifest = shot(scene={"text": [{"text": "CAFE"}]}, caption={"short_description": "A door with a sign 'OPEN'."})
    [finding] = found(manifest, "text-not-listed")
    assert finding.patch == ({"op": "add", "path": "/scene/text/-", "value": {"text": "OPEN"}},)
    manifest["caption"]["text_render"] = [{"text": "OPEN"}]
    assert not found(manifest, "text-not-listed")


def test_a_turned_subject_may_be_seen_from_its_own_side() -> None:
    manifest = shot("A grinder in profile, seen from the side.", camera={"orbit": {"azimuth_deg": 0}})
    assert found(manifest, "side-contradicts-text")
    manifest["scene"]["subjects"][0]["facing_deg"] = 90
    assert not lint(manifest)


def test_several_faults_of_one_text_are_all_mended() -> None:
    manifest = shot("An eye-level wide-angle shot of a grinder, shallow depth of field, 8k, no people.", camera=CAMERA)
    manifest["camera"] = CAMERA | {"lens": {"preset": "portrait_85", "aperture": 22}}
    manifest["camera"]["orbit"] = {"elevation_deg": 40, "distance_m": 8}
    mended, applied = fix(manifest, suggestions=True)
    expected = "A high-angle 85mm shot of a grinder, deep depth of field."
    assert mended["scene"]["description"] == expected
    assert mended["render"] == {"negative": "people"}
    assert len(applied) == 5
    assert not lint(mended)


def test_findings_are_sorted_bounded_and_always_the_same() -> None:
    subjects = [{"description": "Add a red cup, 8k", "color": "#0343DF"} for _ in range(100)]
    manifest = shot("A {product}.", scene={"subjects": subjects}, render={"steps": 1, "cfg": 1, "negative": "x"})
    findings = lint(manifest)
    assert findings == lint(json.loads(json.dumps(manifest)))
    assert len(findings) <= MAX_FINDINGS
    assert max([finding.rule for finding in findings].count(name) for name in rules()) == MAX_OF_ONE_RULE
    severities = [SEVERITIES.index(finding.severity) for finding in findings]
    assert severities == sorted(severities) and findings[0].rule == "placeholder-left"
    # Mending is not bounded by what a person reads.
    mended, _ = fix(manifest)
    assert [subject["description"] for subject in mended["scene"]["subjects"]] == ["Add a red cup"]


def test_a_finding_reads_like_a_compilers_message() -> None:
    case = CASES["angle-contradicts-text"]["failing"]
    assert str(lint(case)[0]).splitlines() == [
        'warning /scene/description: the text says "eye level", while the camera stands at an elevation of 40 degrees '
        "[angle-contradicts-text]",
        "  do: change the words, which contradict what the camera's numbers say in the caption, or change the camera",
    ]
    assert str(lint(CASES["megapixels-ignored"]["failing"])[0]).endswith(" (fixable)")


def test_what_is_no_manifest_is_not_mended() -> None:
    with pytest.raises(ManifestError):
        fix({"studioflow": "1.0"})


def test_new_words_keep_article_and_capital() -> None:
    assert substitute("An eye-level shot", [(3, 12, "high-angle")]) == "A high-angle shot"
    assert substitute("a 50mm shot", [(2, 6, "85mm")]) == "an 85mm shot"
    assert substitute("Eye-level, calm", [(0, 9, "top-down")]) == "Top-down, calm"


def test_items_go_with_their_marks() -> None:
    text = "A cup, 8k. A spoon; masterpiece"
    assert [text[start:end].strip() for start, end in items(text)] == ["A cup", "8k", "A spoon", "masterpiece"]
    assert without_items(text, {1, 3}) == "A cup. A spoon"
    assert without_items("8k, a cup", {0}) == "a cup"
    assert without_items("8k", {0}) == ""


def test_a_phrase_does_not_cross_a_comma_or_a_word() -> None:
    def says(text: str) -> bool:
        return bool(Text(("x",), text, "description", "description").matches("angle.eye"))

    assert says("EYE\u2010LEVEL") and says("eye  level")
    assert not says("eye, level") and not says("eye-levels") and not says("no eye-level view")


PHRASES = sorted(
    {
        *(
            phrase
            for group in json.dumps(table("review/lint/words.json")["phrases"]).split('"')[1::2]
            for phrase in [group]
        ),
        *table("review/lint/words.json")["people"][:20],
        *("Add a", "keep", "unchanged", "no people", "without any shadows", "f/2.8", "5600 K", "85mm lens", "1/200 s"),
        *(
            "lit from the left",
            "says 'OPEN'",
            "three cups",
            "red",
            "8k",
            "(cup:1.2)",
            "--ar 3:2",
            "{x}",
            "A",
            "an",
            ".",
        ),
        *(
            "\n",
            ", ",
            "the",
            "of",
            "seen",
            "ISO 100",
            "two thirds of the picture's height",
            "ß",
            "“",
            "{",
            "'",
            "(",
            ":",
        ),
    }
)
WORDS = st.lists(st.sampled_from(PHRASES) | st.text(max_size=3), max_size=12).map(" ".join)
ANYTHING = st.recursive(
    st.none() | WORDS | st.integers(-3, 10**30) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PHRASES), inner, max_size=3),
    max_leaves=6,
)


def values(rule: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a rule of the schema, with our own words as texts."""
    if "$ref" in rule:
        name = rule["$ref"].rpartition("/")[2]
        return CAPTIONS if "caption" in rule["$ref"] else values(schema()["$defs"][name])
    if "const" in rule or "enum" in rule:
        return st.sampled_from(rule.get("enum", [rule.get("const")]))
    if "oneOf" in rule:
        return st.one_of([values(choice) for choice in rule["oneOf"]])
    kind = rule["type"][0] if isinstance(rule["type"], list) else rule["type"]
    if kind == "object":
        inner = {key: st.deferred(lambda item=item: values(item)) for key, item in rule.get("properties", {}).items()}
        required = {key: inner.pop(key) for key in rule.get("required", []) if key in inner}
        return st.fixed_dictionaries(required, optional=inner).map(without_exclusions)
    if kind == "array":
        return st.lists(values(rule.get("items", {"type": "object"})), min_size=rule.get("minItems", 0), max_size=3)
    if kind == "string":
        form = rule.get("pattern", "")
        if form.startswith("^#"):
            return st.sampled_from(["#E50000", "#0343DF", "#808080", "#FFFFFF"])
        if form:
            return st.sampled_from(["16:9", "5:3", "9999:1", "1:1"])
        return WORDS.map(lambda text: text[: rule.get("maxLength", 300)])
    low, high = rule.get("minimum", rule.get("exclusiveMinimum", -1e3)), rule.get("maximum", 1e3)
    if kind == "integer":
        step = rule.get("multipleOf", 1)
        return st.integers(int(low) // step, int(high) // step).map(lambda number: number * step)
    numbers = st.floats(low, high, exclude_min="exclusiveMinimum" in rule, allow_nan=False)
    return numbers if "maximum" in rule else numbers | st.sampled_from([0, 1e308, 10**399])


def without_exclusions(value: dict[str, Any]) -> dict[str, Any]:
    """The object with one of two things that exclude each other, and both of two that need each other."""
    for one, other in (("orbit", "pose"), ("color_temperature_k", "color"), ("width", "aspect_ratio")):
        if one in value:
            value = {key: item for key, item in value.items() if key != other}
    if ("width" in value) != ("height" in value):
        value = {key: item for key, item in value.items() if key not in ("width", "height")}
    return value


OBJECTS = st.lists(
    st.dictionaries(st.sampled_from(["description", "texture", "pose", "orientation"]), WORDS, max_size=3), max_size=3
)
CAPTIONS = st.fixed_dictionaries(
    {},
    optional={
        **{
            key: WORDS | st.lists(WORDS, max_size=2) | st.none()
            for key in KEY_ORDER
            if key not in ("objects", "text_render")
        },
        **{
            key: st.dictionaries(
                st.sampled_from(["composition", "conditions", "camera_angle", "aesthetic_score"]), WORDS
            )
            for key in ("lighting", "aesthetics", "photographic_characteristics")
        },
        "objects": OBJECTS,
        "text_render": st.lists(st.fixed_dictionaries({"text": WORDS}), max_size=2),
        "colour": WORDS,
        "short_descripton": WORDS,
    },
)
CAPTIONS = CAPTIONS | st.fixed_dictionaries(
    {"structured_caption": CAPTIONS | WORDS}, optional={"edit_instruction": WORDS}
)


def valid(manifest: dict[str, Any]) -> bool:
    try:
        validate(manifest)
    except ManifestError:
        return False
    return True


SECTIONS = {key: values(schema()["properties"][key]) for key in ("camera", "lighting", "render", "caption", "guidance")}


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from([None, *families().values()]))
def test_any_manifest_is_linted_and_mended_to_a_valid_one(data: st.DataObject, row: Any) -> None:
    scene = data.draw(values(schema()["$defs"]["scene"]))
    sections = {key: data.draw(part) for key, part in SECTIONS.items() if data.draw(st.booleans(), label=key)}
    manifest = {"studioflow": "1.0", "scene": scene, **sections}
    assume(valid(manifest))
    before = copy.deepcopy(manifest)
    findings = lint(manifest, row)
    assert manifest == before
    assert findings == lint(before, row)
    mended, applied = fix(manifest, row)
    assert manifest == before
    assert fix(mended, row) == (mended, [])
    assert bool(applied) == (mended != before) or {finding.rule for finding in applied} <= {"caption-key-order"}


@settings(max_examples=120, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*KEY_ORDER, "structured_caption", "edit_instruction", "x"]), ANYTHING, max_size=5),
    st.sampled_from(["fibo-2.0-dev", "fibo-1.0"]),
)
def test_no_caption_is_too_wild_to_be_linted(caption: dict[str, Any], name: str) -> None:
    lint({"studioflow": "1.0", "caption": caption}, family(name))
    lint(HERO | {"caption": caption}, family(name))


HOSTILE = [
    *(
        "from the ",
        "no ",
        "eye ",
        "'",
        '"',
        "(",
        "(a:",
        "{",
        "f/",
        "1/",
        "keep ",
        "—, ",
        "“",
        "<lora:",
        "--ar ",
        "a" * 99,
    ),
    *(
        "8k, ",
        ". Add ",
        "f/2.8, ",
        "5600 K, ",
        "no people, ",
        "says 'a' ",
        "(a:1.2) ",
        "eye-level, ",
        "lit from the left, ",
    ),
    *("85mm lens ", "three cups ", "red ", "shallow focus, ", "hard light ", "at night ", "{a} "),
]


@pytest.mark.parametrize("part", HOSTILE)
def test_long_near_matches_are_read_in_one_pass(part: str) -> None:
    text = part * (200_000 // len(part))
    caption = {"short_description": text, "background_setting": text, "objects": [{"description": text}] * 3}
    lint({"studioflow": "1.0", "caption": caption, "camera": CAMERA, "lighting": LIGHT})


@pytest.mark.parametrize(
    ("place", "field", "meant"),
    [
        (("lighting",), "directon", "direction"),
        (("photographic_characteristics",), "camera_angel", "camera_angle"),
        (("objects", 0), "textur", "texture"),
        (("text_render", 0), "colour", "color"),
    ],
)
def test_a_misspelt_field_inside_a_caption_is_told_and_mended(place: tuple[Any, ...], field: str, meant: str) -> None:
    caption: dict[str, Any] = {
        "short_description": "a cup",
        "objects": [{"description": "cup"}],
        "text_render": [{"text": "A"}],
        "lighting": {"conditions": "soft", "my_tool": 1},
        "photographic_characteristics": {"focus": "cup"},
    }
    part: Any = caption
    for key in place:
        part = part[key]
    part[field] = "x"
    shot = {"studioflow": "1.0", "caption": caption}
    (told,) = [finding for finding in lint(shot) if finding.rule == "caption-unknown-key"]
    assert told.pointer == "/caption/" + "/".join(map(str, (*place, field))) and meant in told.advice
    mended, _ = fix(shot)
    part = mended["caption"]
    for key in place:
        part = part[key]
    assert part[meant] == "x" and field not in part


def test_the_help_page_lists_the_rules_and_which_of_them_are_mended(root: Path) -> None:
    page = (root / "js" / "docs" / "StudioFlowCheckManifest.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z0-9-]+)`( ✓)? \|", page, re.MULTILINE))
    assert {name for name in listed if name in rules()} == rules().keys()
    ticked = {name for name, tick in listed.items() if tick}
    assert ticked == {name for name in MENDED if rules()[name].certain}


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("A cup at golden hour, keep the background unchanged.", True),
        ("A portrait; keeping everything else exactly the same", True),
        ("The sky is now blue.", True),
        ("The cup was removed from the table.", True),
        ("Add a hat to the woman.", True),
        ("Two keepers keep watch at the gate.", False),
        ("A table that a carpenter made; he keeps his tools on it.", False),
    ],
)
def test_words_of_an_edit_are_found_in_the_middle_of_a_sentence_too(description: str, told: bool) -> None:
    shot = {"studioflow": "1.0", "scene": {"description": description}}
    assert ("edit-words" in {finding.rule for finding in lint(shot)}) is told
