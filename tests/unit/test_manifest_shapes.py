"""Every document that FIBO users have opens, says what became of it, and a caption compiles back to itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import ujson

from studioflow.caption import compile_manifest
from studioflow.errors import ManifestError
from studioflow.manifest import (
    content_id,
    import_caption,
    is_caption,
    load_with_notes,
    loads,
    loads_with_notes,
    migrate,
    save,
)

PICTURE = {
    "short_description": "a glass bottle by a window",
    "objects": [{"description": "bottle", "location": "center", "relationship": "alone", "number_of_objects": 1}],
    "background_setting": "a bright window",
    "lighting": {"conditions": "daylight", "direction": "side-lit from the left", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "color_scheme": "pale blue", "mood_atmosphere": "calm"},
    "photographic_characteristics": {"depth_of_field": "shallow", "focus": "bottle", "camera_angle": "eye-level"},
    "style_medium": "photograph",
    "context": "größe / 大",
    "artistic_style": "realistic",
}
PROSE = "Here is your caption:\n\n```json\n{}\n```\n\nLet me know if you want it warmer!"


def compact(caption: dict[str, Any]) -> str:
    return json.dumps(caption, separators=(",", ":"), ensure_ascii=False)


def fibo_2(text: str) -> str:
    return compile_manifest(loads(text), "fibo-2").caption


def fibo_1(text: str) -> str:
    return compile_manifest(loads(text), "fibo-1").caption


def scored(caption: dict[str, Any]) -> dict[str, Any]:
    scores = {"preference_score": "very high", "aesthetic_score": "very high"}
    return caption | {"aesthetics": caption["aesthetics"] | scores}


ITSELF = {
    "plain": PICTURE,
    "alphabetical": dict(sorted(PICTURE.items())),
    "no text_render": {key: value for key, value in PICTURE.items() if key != "text_render"},
    "unknown keys": PICTURE | {"mood": "warm", "my_tool": {"version": 3}},
    "one key": {"style_medium": "oil painting"},
    "a structured negative": {"style_medium": "digital illustration", "aesthetics": {"artifacts": ["noise", "jpeg"]}},
    "photographic fields inside aesthetics": {
        "short_description": "a cup",
        "aesthetics": {
            "composition": "centered",
            "photographic_characteristics": {"camera_angle": "eye-level"},
            "style_medium": "photograph",
            "artistic_style": "realistic",
        },
    },
    "edit caption, flat": PICTURE | {"edit_instruction": "Make the bottle green."},
    "edit caption, wrapped": {"structured_caption": PICTURE, "edit_instruction": "Make the bottle green."},
    "edit caption of a sentence": {"structured_caption": "a green bottle", "edit_instruction": "Make it green."},
    "edit instruction alone": {"edit_instruction": "Make it green."},
    "fields that hold lists": {"short_description": "a cup", "aesthetics": {"color_scheme": ["red", "blue"]}},
}


@pytest.mark.parametrize("caption", ITSELF.values(), ids=ITSELF)
def test_a_caption_compiles_back_to_itself(caption: dict[str, Any]) -> None:
    assert loads(json.dumps(caption)) == {"studioflow": "1.0", "caption": caption}
    assert fibo_2(json.dumps(caption, indent=3)) == compact(caption)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (scored(PICTURE), PICTURE),
        (PICTURE | {"text_render": [], "edit_instruction": None}, PICTURE),
        (PICTURE | {"text_render": None, "extra": "", "lighting": PICTURE["lighting"] | {"note": None}}, PICTURE),
        (
            {"structured_caption": scored(PICTURE) | {"text_render": []}, "edit_instruction": "Go."},
            {"structured_caption": PICTURE, "edit_instruction": "Go."},
        ),
    ],
)
def test_fibo_2_takes_scores_and_empties_out(given: dict[str, Any], read: dict[str, Any]) -> None:
    assert fibo_2(json.dumps(given)) == compact(read)


def test_fibo_2_reads_edit_captions_as_the_pipeline_of_diffusers_does() -> None:
    diffusers = pytest.importorskip("diffusers", minversion="0.42")
    for name in ("edit caption, flat", "edit caption, wrapped", "edit caption of a sentence", "edit instruction alone"):
        ours = fibo_2(json.dumps(ITSELF[name]))
        assert diffusers.BriaFibo2Pipeline._parse_prompt(ours) == diffusers.BriaFibo2Pipeline._parse_prompt(
            json.dumps(ITSELF[name])
        )


def test_fibo_1_writes_scores_and_ascii_and_the_instruction_last() -> None:
    def reference(caption: dict[str, Any]) -> str:
        return ujson.dumps(caption, escape_forward_slashes=False)

    assert fibo_1(json.dumps(PICTURE | {"mood": "warm"})) == reference(scored(PICTURE))
    edit = scored(PICTURE) | {"edit_instruction": "Make it green."}
    assert fibo_1(json.dumps(PICTURE | {"edit_instruction": "Make it green."})) == reference(edit)
    wrapped = {"structured_caption": PICTURE, "edit_instruction": "Make it green."}
    assert fibo_1(json.dumps(wrapped)) == reference(edit)


@pytest.mark.parametrize(
    "text",
    [
        PROSE.replace("{}", json.dumps(PICTURE, indent=2)),
        "```\n" + json.dumps(PICTURE) + "\n```",
        json.dumps(PICTURE) + "\n\nI hope this helps.",
        "Sure! Use {curly} braces with care. " + json.dumps(PICTURE) + " Done.",
        json.dumps(json.dumps(PICTURE)),
        "\ufeff" + json.dumps(PICTURE),
    ],
    ids=["fence and prose", "fence", "prose behind", "prose around", "JSON in JSON", "byte order mark"],
)
def test_what_a_language_model_answers(text: str) -> None:
    assert fibo_2(text) == compact(PICTURE)


def test_prose_that_was_left_out_is_told() -> None:
    (note,) = loads_with_notes(json.dumps(PICTURE) + "\nI hope this helps.").notes
    assert "left out: I hope this helps." in str(note)
    assert loads_with_notes("```json\n" + json.dumps(PICTURE) + "\n```").notes == ()


def test_a_broken_answer_is_told_where_it_is_broken_and_not_read_in_part() -> None:
    broken = 'Here it is:\n```json\n{"short_description": "a",\n "lighting": {"conditions": "soft"},,\n "x": 1}\n```'
    with pytest.raises(ManifestError, match="answer:4:"):
        loads(broken, "answer")
    cut_off = "Sure. " + json.dumps({"structured_caption": PICTURE, "edit_instruction": "Go."})[:-4]
    with pytest.raises(ManifestError, match="not JSON"):
        loads(cut_off)


def test_of_several_objects_in_an_answer_the_longest_counts() -> None:
    answer = f'With {{"seed": 3}} I get {json.dumps(PICTURE)} and then {{}}.'
    imported = loads_with_notes(answer)
    assert imported.manifest["caption"] == PICTURE
    told = [note.text for note in imported.notes if note.kind == "guessed"]
    assert told == ["the longest of 3 JSON objects in the text was taken"]
    first = f'{{"seed": 3}} gives {json.dumps(PICTURE)}'
    assert loads(first)["caption"] == PICTURE
    assert not [note for note in loads_with_notes(f"Here: {json.dumps(PICTURE)}.").notes if note.kind == "guessed"]


@pytest.mark.parametrize("text", ["a steel kettle", "It is {nice}.", "warmer, please"])
def test_words_are_told_from_json(text: str) -> None:
    with pytest.raises(ManifestError, match="not JSON at all"):
        loads(text)


@pytest.mark.parametrize("text", ['{"studioflow": "1.0", "scene": {}} }', '{"short_description": "a"}, {"b": 1}'])
def test_a_stray_brace_is_no_prose(text: str) -> None:
    with pytest.raises(ManifestError, match="Extra data"):
        loads(text)


def test_a_fault_inside_a_fence_has_its_line_in_the_whole_text() -> None:
    with pytest.raises(ManifestError, match=r"answer:4:2 /caption/lighting: wrong type"):
        loads('Here:\n```json\n{"short_description": "a",\n "lighting": "soft"}\n```', "answer")


def test_a_fault_in_an_answer_has_its_line() -> None:
    caption = '{"short_description": "a",\n "lighting": "soft"}'
    with pytest.raises(ManifestError, match=r"answer:3:2 /caption/lighting: wrong type"):
        loads('{"result":\n {"structured_prompt": ' + caption + "}}", "answer")


def test_a_fault_in_json_inside_json_has_its_line_in_the_inner_text() -> None:
    caption = '{"short_description": "a",\n "lighting": "soft"}'
    with pytest.raises(ManifestError) as caught:
        loads(json.dumps({"result": {"structured_prompt": caption}}), "answer")
    assert str(caught.value).startswith("answer (the text at /result/structured_prompt):2:2 /caption/lighting: wrong")
    for inner in (caption, caption + "x}", caption.replace('"soft"', "NaN")):
        with pytest.raises(ManifestError) as caught:
            loads(json.dumps(inner), "answer")
        assert str(caught.value).startswith("answer (the JSON text inside it):2:"), caught.value


@pytest.mark.parametrize("under", ["structured_prompt", "prompt"])
def test_what_bria_and_others_answer(under: str) -> None:
    answer = {"result": {under: json.dumps(PICTURE), "seed": 7, "image_url": "x"}, "request_id": "r"}
    imported = loads_with_notes(json.dumps(answer))
    assert imported.manifest == {
        "studioflow": "1.0",
        "caption": PICTURE,
        "render": {"seed": 7},
        "extensions": {"import": {"result": {"image_url": "x"}, "request_id": "r"}},
    }
    assert [note.kind for note in imported.notes] == ["converted", "converted", "kept"]


def test_settings_that_a_manifest_cannot_take_are_kept() -> None:
    document = {"prompt": PICTURE, "steps": 9000, "guidance": 5, "negative_prompt": "noise"}
    imported = loads_with_notes(json.dumps(document))
    assert imported.manifest["render"] == {"cfg": 5, "negative": "noise"}
    assert imported.manifest["extensions"] == {"import": {"steps": 9000}}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"nodes": [], "links": []},
        {"lighting": {"setup": "rembrandt"}},
        {"objects": [1, 2]},
        {"aesthetics": "nice"},
        {"studioflow": "1.0", "short_description": "x"},
        [],
        None,
    ],
)
def test_what_is_no_caption(document: Any) -> None:
    assert not is_caption(document)


def test_import_caption_wants_a_caption() -> None:
    assert import_caption(json.dumps(PICTURE)).manifest["caption"] == PICTURE
    with pytest.raises(ManifestError, match="no FIBO caption"):
        import_caption('{"studioflow": "1.0", "scene": {}}')
    more = {"caption": PICTURE, "camera": {"lens": {"preset": "portrait_85"}}, "render": {"seed": 3}}
    for manifest in ({"studioflow": "1.0", **more}, {"studioflow": "1.0", "caption": PICTURE}):
        with pytest.raises(ManifestError, match="no FIBO caption"):
            import_caption(json.dumps(manifest))
    answer = {"result": {"structured_prompt": json.dumps(PICTURE), "seed": 3}}
    assert import_caption(json.dumps(answer)).manifest["render"] == {"seed": 3}


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{'a': 1}", "straight double quotes"),
        ('{"a": 1,}', "take the comma before it out"),
        ('{"a": [1, 2,]}', "take the comma before it out"),
        ('{"a": True}', "true, false and null"),
        ('{"a": 1 /* note */}', "comments are not JSON"),
        ('{"a": 1', "cut off"),
        ("“a”: 1", "not JSON"),
        ('{"a": "x\ny"}', "a line break or a tab"),
        ('{"a": "x', "cut off"),
        ('{"a": 1 "b": 2}', "a comma is missing"),
        ('{"a": "the "old" pub"}', "a quotation mark inside a text"),
        ("{a: 1}", "names in straight double quotes"),
        ('Sure:\n```json\n{ // note\n "short_description": "a"}\n```', "comments are not JSON"),
        ("Here: {'short_description': 'a'}", "straight double quotes"),
        ('Here: { ..., "objects": [{"description": "cup"}] }', "not JSON"),
        ('Here: { short_description: "a" }', "names in straight double quotes"),
    ],
)
def test_common_slips_have_a_hint(text: str, hint: str) -> None:
    with pytest.raises(ManifestError) as caught:
        loads(text)
    assert hint in str(caught.value)


def test_all_that_is_no_json_is_told_at_once_with_its_place() -> None:
    text = (
        '{"studioflow": "1.0",\n "scene": {"mood": "a",\n "mood": "\\ud800"},\n "render": {"cfg": NaN, "seed": 1e999}}'
    )
    with pytest.raises(ManifestError) as caught:
        loads(text, "shot.json")
    told = [(fault.place.line, fault.place.pointer, fault.problem) for fault in caught.value.faults]
    assert sorted(told) == [
        (3, "/scene/mood", "a key stands twice in one object"),
        (3, "/scene/mood", "a text holds half of a character"),
        (4, "/render/cfg", "not a JSON number"),
        (4, "/render/seed", "a number is too large"),
    ]


def test_a_number_of_many_digits() -> None:
    with pytest.raises(ManifestError, match="500 digits"):
        loads('{"studioflow": "1.0", "scene": {}, "render": {"seed": ' + "9" * 500 + "}}")


@pytest.mark.parametrize(
    ("export", "told"),
    [
        ({"format": "exr", "quality": 90, "bit_depth": 8}, ["/export/0/quality: unknown key", "16, 32 (Bits"]),
        ({"format": "jpg"}, ["/export/0/format: unknown name", 'did you mean "jpeg"']),
        ({"quality": 3}, ["/export/0/format: a key is missing"]),
        ({"format": "tiff", "compression": "piz"}, ["/export/0/compression: unknown name", "none, lzw, zip, zstd"]),
        ({"format": "png", "tone_mapping": {"operator": "agxx"}}, ["tone_mapping/operator", 'did you mean "agx"']),
    ],
)
def test_of_alternatives_the_one_that_was_meant_is_told(export: dict[str, Any], told: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        loads(json.dumps({"studioflow": "1.0", "scene": {}, "export": [export]}))
    assert all(text in str(caught.value) for text in told), caught.value
    assert "schemas listed" not in str(caught.value)


# ---------------------------------------------------------------- versions

FROZEN = sorted((Path(__file__).parent.parent / "data" / "manifests").glob("*/*.json"))


def test_a_newer_minor_version_opens_with_a_warning_and_keeps_what_it_brought() -> None:
    document = {"studioflow": "1.7", "scene": {"mood": "calm", "smell": "oak"}, "sound": {"db": 3}}
    imported = loads_with_notes(json.dumps(document))
    assert imported.manifest == document
    told = [(note.kind, note.pointer) for note in imported.notes]
    assert told == [("warning", "/studioflow"), ("warning", "/scene/smell"), ("warning", "/sound")]
    assert compile_manifest(imported.manifest, "fibo-2").fields["aesthetics"] == {"mood_atmosphere": "calm"}


def test_a_newer_minor_version_is_still_checked() -> None:
    with pytest.raises(ManifestError, match="number out of range"):
        loads('{"studioflow": "1.7", "scene": {}, "camera": {"lens": {"aperture": 0}}}')


def test_faults_of_a_newer_minor_version_are_seen_behind_any_number_of_new_keys() -> None:
    new = {f"new_{number}": number for number in range(1000)}
    document = {"studioflow": "1.7", **new, "scene": {"mood": 5, **new}, "camera": {"lens": {"aperture": 0}}}
    with pytest.raises(ManifestError, match="the manifest has 2 faults") as caught:
        loads(json.dumps(document))
    assert "/scene/mood: wrong type" in str(caught.value) and "/camera/lens/aperture" in str(caught.value)
    del document["camera"]
    document["scene"]["mood"] = "calm"
    notes = loads_with_notes(json.dumps(document)).notes
    assert len(notes) == 102 and notes[-1].text == "1900 more unknown keys, kept as they are"


def test_a_newer_major_version_has_its_line() -> None:
    with pytest.raises(ManifestError, match="shot:2:2 /studioflow: the manifest is of a format newer"):
        loads('{"scene": {},\n "studioflow": "2.0"}', "shot")


@pytest.mark.parametrize("version", ["2.0", "17.3"])
def test_a_newer_major_version_is_refused_with_one_clear_error(version: str) -> None:
    with pytest.raises(ManifestError, match="newer than this StudioFlow") as caught:
        loads(f'{{"studioflow": "{version}", "szene": {{}}}}')
    assert "update StudioFlow" in str(caught.value) and not caught.value.faults


@pytest.mark.parametrize("version", ["1", "1.x", "0.9", "", "1.0.0", "１.０"])
def test_what_is_no_version(version: str) -> None:
    with pytest.raises(ManifestError, match="unknown version"):
        loads(json.dumps({"studioflow": version, "scene": {}}))


def test_a_manifest_of_the_earlier_app_is_migrated_and_told() -> None:
    path = next(path for path in FROZEN if path.stem == "full")
    imported = load_with_notes(path)
    assert imported.manifest["studioflow"] == "1.0" and len(imported.notes) > 10
    assert migrate(imported.manifest).manifest is imported.manifest


def test_every_version_has_a_frozen_manifest_that_still_opens() -> None:
    folder = Path(__file__).parent.parent / "data" / "manifests"
    assert {path.name for path in folder.iterdir()} == {"earlier_app", "1.0"}
    # What the frozen manifest becomes in the present format: itself, while that is 1.0.
    opened = {path.stem: content_id(load_with_notes(path).manifest) for path in (folder / "1.0").glob("*.json")}
    assert opened == {"everything": "f14d1655f9ffc94fdc8ff0775821d43b884c40639f60b55811452827f053f69a"}


# ---------------------------------------------------------------- saving


def test_saving_keeps_the_order_of_keys_and_every_number(tmp_path: Path, sample: Path) -> None:
    manifest = loads(sample.read_bytes()) | {"render": {"seed": 2**64 - 1, "cfg": 5.0}, "meta": {"title": "größe"}}
    path = save(manifest, tmp_path / "a" / "shot.json")
    assert list(json.loads(path.read_text(encoding="utf-8"))) == list(manifest)
    assert loads(path.read_bytes()) == manifest
    text = path.read_text(encoding="utf-8")
    assert '"position_m": [0.12, 0, -0.1]' in text and '"cfg": 5.0' in text and "größe" in text


def test_saving_again_gives_the_same_text(tmp_path: Path, sample: Path) -> None:
    one = save(loads(sample.read_bytes()), tmp_path / "one.json")
    two = save(loads(one.read_bytes()), tmp_path / "two.json")
    assert one.read_bytes() == two.read_bytes()
