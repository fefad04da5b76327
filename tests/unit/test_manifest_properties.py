"""What holds for every manifest, every caption and every file, over at least 20 000 generated ones a run."""

from __future__ import annotations

import copy
import functools
import json
import math
import os
import random
import re
import struct
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonpatch
import pytest
import ujson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studioflow.caption import DIALECTS, KEY_ORDER, compile_manifest
from studioflow.edit.patch import json_patch
from studioflow.errors import StudioFlowError
from studioflow.manifest import (
    canonical,
    content_id,
    dumps,
    from_caption,
    is_caption,
    load,
    loads,
    loads_with_notes,
    migrate,
    save,
    validate,
)
from studioflow.manifest.earlier_app import is_earlier_app
from studioflow.resources import shipped
from studioflow.review.compare import compare

from . import manifests as made

DATA = Path(__file__).parent.parent / "data" / "manifests" / "earlier_app"
SEEDS = st.integers(0, 2**64 - 1)
THOROUGH = bool(os.environ.get("STUDIOFLOW_THOROUGH"))
AT_LEAST = 20_000 if THOROUGH else 4_000


def many(max_examples: int) -> settings:
    """So many documents when asked to be thorough, a fifth of them on every other run; each run makes other ones."""
    examples = max_examples if THOROUGH else max_examples // 5
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


def exact(document: Any) -> str:
    """A text that also differs where only the order of keys or the kind of a number does."""
    return json.dumps(document)


# ---------------------------------------------------------------- what is made


@many(max_examples=2000)
@given(made.manifests())
def test_everything_made_is_valid(manifest: dict[str, Any]) -> None:
    validate(manifest)


def test_every_property_of_the_schemas_is_made() -> None:
    for seed in range(400):
        made.make_manifest(seed, made.FILLS[-1])
    assert made.every_property() == made.places_made


# ---------------------------------------------------------------- compile


def compiled(manifest: dict[str, Any], dialect: str) -> tuple[str, ...]:
    """Both prompts and the fields, or what keeps the compiler from them; only a camera can."""
    try:
        found = compile_manifest(manifest, dialect)
    except StudioFlowError as error:
        assert "the point it looks at" in str(error) or "closer than its focal length" in str(error)
        # Not what was found, which it quotes as it was written: 85 or 85.0.
        return error.problem, str(error.where)
    return found.caption, found.negative, exact(found.fields)


@many(max_examples=3000)
@given(made.manifests())
def test_compile_is_deterministic_and_leaves_its_input_alone(manifest: dict[str, Any]) -> None:
    before = exact(manifest)
    for dialect in DIALECTS:
        first = compiled(manifest, dialect)
        assert exact(manifest) == before
        assert compiled(manifest, dialect) == first
        assert compiled(json.loads(before), dialect) == first


@many(max_examples=1000)
@given(made.manifests(), SEEDS)
def test_documents_of_one_content_id_give_one_caption(manifest: dict[str, Any], seed: int) -> None:
    twin = retyped(shuffled(manifest, random.Random(seed)))
    # An order of keys says something in a raw caption, whose own order is kept, and nowhere else.
    twin |= {key: manifest[key] for key in ("caption", "render") if key in manifest}
    assert content_id(twin) == content_id(manifest)
    for dialect in DIALECTS:
        assert compiled(twin, dialect)[:2] == compiled(manifest, dialect)[:2]


# ---------------------------------------------------------------- load, save, migrate


@many(max_examples=3000)
@given(made.manifests())
def test_what_is_written_reads_back_as_it_was(manifest: dict[str, Any]) -> None:
    read = loads_with_notes(dumps(manifest))
    assert exact(read.manifest) == exact(manifest)
    assert not read.notes
    assert exact(loads(json.dumps(manifest).encode())) == exact(manifest)


@many(max_examples=150)
@given(made.manifests())
def test_what_is_saved_loads_as_it_was(tmp_path_factory: pytest.TempPathFactory, manifest: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "manifest.json"
    save(manifest, path, replace=True)
    assert exact(load(path)) == exact(manifest)


@many(max_examples=1000)
@given(made.manifests())
def test_migrate_leaves_a_present_manifest_as_it_is(manifest: dict[str, Any]) -> None:
    migrated = migrate(manifest)
    assert migrated.manifest is manifest
    assert not migrated.notes


@functools.cache
def earlier_manifests() -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(DATA.glob("*.json")) if ".expected" not in path.name]


def earlier(seed: int) -> dict[str, Any]:
    """A manifest of the earlier app: two of those that we have, mixed, and some of it replaced by anything."""
    drawing = made.Drawing(seed, 0.5)

    def mixed(one: Any, other: Any) -> Any:
        if isinstance(one, dict) and isinstance(other, dict):
            return {key: mixed(one.get(key, other.get(key)), other.get(key, one.get(key))) for key in one | other}
        if drawing.chance() < 0.05:
            return made.anything(drawing)
        return one if drawing.chance() < 0.5 else other

    made.counted["earlier manifests"] += 1
    found: dict[str, Any] = mixed(drawing.one_of(earlier_manifests()), drawing.one_of(earlier_manifests()))
    return found


@many(max_examples=1500)
@given(SEEDS)
def test_migrate_is_idempotent(seed: int) -> None:
    document = earlier(seed)
    before = exact(document)
    once = migrate(document)
    assert exact(document) == before
    twice = migrate(once.manifest)
    assert exact(twice.manifest) == exact(once.manifest)
    assert not twice.notes
    if is_earlier_app(document):
        assert once.notes
        validate(once.manifest)


# ---------------------------------------------------------------- compare


@many(max_examples=2000)
@given(made.pairs())
def test_a_comparison_patches_one_into_the_other(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    before, after = pair
    untouched = exact(pair)
    patch = compare(before, after).patch
    assert exact(pair) == untouched
    assert canonical(jsonpatch.apply_patch(before, patch)) == canonical(after)
    assert canonical(json_patch(before, patch)) == canonical(after)
    assert bool(patch) == (canonical(before) != canonical(after))


@pytest.mark.parametrize("subjects", [1, 60, 120, 200])
def test_a_patch_can_be_applied_however_much_changed(subjects: int) -> None:
    names = ("shape", "material", "texture", "details", "location", "relationship", "relative_size", "pose", "action")
    before, after = (
        {
            "studioflow": "1.0",
            "scene": {
                "subjects": [
                    {"description": f"thing {index}"} | {name: f"{name} {index} {side}" for name in names}
                    for index in range(subjects)
                ]
            },
        }
        for side in ("before", "after")
    )
    assert canonical(json_patch(before, compare(before, after).patch)) == canonical(after)


# ---------------------------------------------------------------- content id and canonical form


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


def retyped(value: Any) -> Any:
    """The same document with 85 for 85.0 and 85.0 for 85, which JSON does not tell apart."""
    if isinstance(value, dict):
        return {key: retyped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [retyped(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else value


def leaf_paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [leaf for key, item in items for leaf in leaf_paths(item, (*path, key))] or [path]


def other_than(value: Any) -> Any:
    """A value of about the same kind that says something else."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 if value else 0.5
    return [value]


@many(max_examples=2000)
@given(made.manifests(), SEEDS)
def test_content_id_knows_content_from_form(manifest: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)
    found = content_id(manifest)
    assert content_id(shuffled(manifest, chance)) == found
    assert content_id(retyped(manifest)) == found
    assert content_id(manifest | {"meta": {"title": "another"}, "$schema": "elsewhere.json"}) == found
    assert content_id({key: value for key, value in manifest.items() if key not in ("meta", "$schema")}) == found
    path = chance.choice([leaf for leaf in leaf_paths(manifest) if leaf[0] not in ("meta", "$schema")])
    changed = copy.deepcopy(manifest)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = other_than(node[path[-1]])
    assert content_id(changed) != found
    del node[path[-1]]
    assert content_id(changed) != found


def by_rfc_8785(value: Any) -> str:
    """The RFC as it reads, and its advice for numbers that doubles do not hold."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{quoted(name)}:{by_rfc_8785(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(by_rfc_8785, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return as_ecmascript_writes(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return f'"{value}"'
    return (
        {None: "null", True: "true", False: "false"}[value]
        if value is None or value is True or value is False
        else str(value)
    )


def quoted(text: str) -> str:
    short = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(short.get(char) or (char if char >= " " else f"\\u{ord(char):04x}") for char in text) + '"'


def as_ecmascript_writes(value: float) -> str:
    """Number::toString of ECMAScript, whose shortest digits Python's repr has too."""
    if value == 0:
        return "0"
    sign, number, exponent = Decimal(repr(value)).as_tuple()
    digits = "".join(map(str, number)).rstrip("0")
    exponent += len(number) - len(digits)
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * exponent
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return "-" * sign + text


def same_data(read: Any, document: Any) -> bool:
    """Whether a canonical text, read back, is the document, but for the kind of numbers."""
    if isinstance(document, dict):
        return (
            isinstance(read, dict)
            and read.keys() == document.keys()
            and all(same_data(read[key], value) for key, value in document.items())
        )
    if isinstance(document, list):
        return isinstance(read, list) and len(read) == len(document) and all(map(same_data, read, document))
    if isinstance(document, int) and abs(document) >= 2**53:
        return read == str(document)
    return bool(read == document) and isinstance(read, bool) == isinstance(document, bool)


@many(max_examples=2000)
@given(made.manifests())
def test_canonical_agrees_with_the_rfc(manifest: dict[str, Any]) -> None:
    text = canonical(manifest)
    assert text == by_rfc_8785(manifest)
    assert same_data(json.loads(text), manifest)
    assert canonical(json.loads(text)) == text


@many(max_examples=500)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_canonical_numbers_are_those_of_ecmascript(value: float) -> None:
    assert canonical(value) == as_ecmascript_writes(value)


APPENDIX_B = """
0000000000000000 0
8000000000000000 0
0000000000000001 5e-324
8000000000000001 -5e-324
7fefffffffffffff 1.7976931348623157e+308
ffefffffffffffff -1.7976931348623157e+308
4340000000000000 9007199254740992
c340000000000000 -9007199254740992
4430000000000000 295147905179352830000
44b52d02c7e14af5 9.999999999999997e+22
44b52d02c7e14af6 1e+23
44b52d02c7e14af7 1.0000000000000001e+23
444b1ae4d6e2ef4e 999999999999999700000
444b1ae4d6e2ef4f 999999999999999900000
444b1ae4d6e2ef50 1e+21
3eb0c6f7a0b5ed8c 9.999999999999997e-7
3eb0c6f7a0b5ed8d 0.000001
41b3de4355555553 333333333.3333332
41b3de4355555554 333333333.33333325
41b3de4355555555 333333333.3333333
41b3de4355555556 333333333.3333334
41b3de4355555557 333333333.33333343
becbf647612f3696 -0.0000033333333333333333
43143ff3c1cb0959 1424953923781206.2
"""


@pytest.mark.parametrize(("bits", "text"), [row.split() for row in APPENDIX_B.strip().splitlines()])
def test_canonical_numbers_of_appendix_b(bits: str, text: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value) == text == as_ecmascript_writes(value)


def test_canonical_examples_of_section_3_2() -> None:
    # 3.2.2 and its result in 3.2.3
    sample = r"""{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"""
    assert canonical(json.loads(sample)) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    # 3.2.3: names are sorted by UTF-16 units, in which an emoji comes before a ligature.
    names = {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One"}
    names |= {
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical(names)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


# ---------------------------------------------------------------- import


def opened(data: str | bytes) -> None:
    """A text opens or is refused in words; what opens is a manifest that can be written, read and compiled."""
    try:
        imported = loads_with_notes(data)
    except StudioFlowError as error:
        assert str(error)
        return
    manifest: dict[str, Any] = imported.manifest
    validate(manifest)
    assert exact(loads(dumps(manifest))) == exact(manifest)
    for dialect in DIALECTS:
        compiled(manifest, dialect)


@many(max_examples=1000)
@given(st.binary(max_size=60) | st.text(max_size=60) | st.text("{}[]\"\\:,01eE+-.ntuflsr \n`'\ud800x", max_size=40))
def test_any_text_opens_or_is_refused(data: str | bytes) -> None:
    made.counted["texts"] += 1
    opened(data)


@many(max_examples=500)
@given(SEEDS)
def test_any_json_opens_or_is_refused(seed: int) -> None:
    made.counted["texts"] += 1
    drawing = made.Drawing(seed, 0.5)
    opened(json.dumps({"studioflow": "1.0", "scene": {}, "caption": {}} | {made_name(drawing): made.anything(drawing)}))


def made_name(drawing: made.Drawing) -> str:
    return str(drawing.one_of((*KEY_ORDER, "scene", "camera", "lighting", "caption", "meta", "studioflow", "result")))


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def flipped(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(min(len(data), chance.randint(1, 5))):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\ud83d", b"\\u0000", b"\0", b"\xff", b"\xed\xa0\x80", b"\n"),
    *(b"NaN", b"-Infinity", b"1e999", b"null", b"//", b"'", b'"a":1,', b'{"a":', b"\xef\xbb\xbf", b"```", b"\xc3"),
)


def with_pieces(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(data) + 1)
        data = data[:place] + chance.choice(PIECES) + data[place:]
    return data


def without_a_span(data: bytes, chance: random.Random) -> bytes:
    begin = chance.randrange(len(data) + 1)
    return data[:begin] + data[begin + chance.randint(1, 40) :]


def with_a_span_twice(data: bytes, chance: random.Random) -> bytes:
    begin, place = chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)
    return data[:place] + data[begin : begin + chance.randint(1, 200)] + data[place:]


def encoded(data: bytes, chance: random.Random) -> bytes:
    encodings = ("latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp037")
    return data.decode("utf-8", "replace").encode(chance.choice(encodings), "replace")


def deep(data: bytes, chance: random.Random) -> bytes:
    levels = chance.choice((40, 60, 61, 62, 63, 64, 65, 66, 900, 3000, 100_000))
    begin, end = chance.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"description":', b"}]")))
    nest = (
        begin * levels
        + chance.choice((b"1", b'"x"', b"{}", b""))
        + end * chance.choice((levels, levels, levels - 1, 0))
    )
    whole = chance.random()
    if whole < 0.2:
        return nest
    if whole < 0.3:
        return b"Here it is: " + nest
    key = chance.choice((b"extensions", b"caption", b"scene", b"x", b"studioflow", b"objects", b"structured_prompt"))
    return b'{"studioflow":"1.0","scene":{},"' + key + b'":' + nest + b"}"


NUMBERS = re.compile(rb"(?<=[ \[:])-?\d+(?:\.\d+)?")
HUGE = (
    b"9" * 300,
    b"9" * 399,
    b"9" * 400,
    b"9" * 401,
    b"-" + b"9" * 5000,
    b"1e308",
    b"1e309",
    b"-1e400",
    b"0." + b"0" * 500,
)
HUGE += (
    b"1e-999",
    b"1E+2",
    b"18446744073709551616",
    b"-0",
    b"-0.0",
    b"1" + b"0" * 500 + b".5",
    b"1.0",
    b"01",
    b"+1",
    b".5",
)


def with_huge_numbers(data: bytes, chance: random.Random) -> bytes:
    return NUMBERS.sub(lambda found: chance.choice(HUGE) if chance.random() < 0.3 else found[0], data)


def with_half_characters(data: bytes, chance: random.Random) -> bytes:
    halves = (b"\\ud83d", b"\\ude00", b"\\ud83d\\ud83d", b"\\ude00\\ud83d", b"\\uD800x", b"\xed\xa0\xbd")
    quotes = [found.end() for found in re.finditer(rb'"', data)] or [0]
    place = chance.choice(quotes)
    return data[:place] + chance.choice(halves) + data[place:]


def with_keys_twice(data: bytes, chance: random.Random) -> bytes:
    members = re.findall(rb'"[^"\\]*": ?(?:"[^"\\]*"|-?\d+)', data) or [b'"a":1']
    braces = [found.end() for found in re.finditer(rb"\{(?=\s*\")", data)] or [0]
    place = chance.choice(braces)
    return data[:place] + chance.choice(members) + b", " + data[place:]


def in_prose(data: bytes, chance: random.Random) -> bytes:
    before = (b"Here is {your} caption:\n", b"", b"```json\n", b"~~~\n", b"{}{}{{{ ", b"As asked: ", b"\xef\xbb\xbf \n")
    after = (b"\n```", b"", b"\nEnjoy {it}!", b"}", b",", b"\n~~~\n", b"\0")
    return chance.choice(before) + data + chance.choice(after)


def json_in_json(data: bytes, chance: random.Random) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(chance.randint(1, 3)):
        text = json.dumps(text)
    shape = chance.choice(("{}", '{{"prompt": {}}}', '{{"result": {{"structured_prompt": {}, "seed": 1}}}}', "[{}]"))
    return shape.format(text).encode("utf-8", "replace")


MUTATIONS = (
    *(cut, flipped, with_pieces, without_a_span, with_a_span_twice, encoded, deep, with_huge_numbers),
    *(with_half_characters, with_keys_twice, in_prose, json_in_json),
)


@functools.cache
def files() -> list[bytes]:
    """Good files: those that ship, and those of the earlier app."""
    return [path.read_bytes() for path in sorted([*shipped("samples").glob("*.json"), *DATA.glob("*.json")])]


def mutated(seed: int, fill: float) -> bytes | str:
    """A good file, and what one to three accidents made of it."""
    chance = random.Random(seed)
    data = chance.choice(
        (
            lambda: chance.choice(files()),
            lambda: dumps(made.make_manifest(seed, fill)).encode(),
            lambda: json.dumps(made.make_caption(seed, fill)).encode(),
        )
    )()
    made.counted["texts"] += 1
    for _ in range(chance.choice((1, 1, 2, 3))):
        data = chance.choice(MUTATIONS)(data, chance)
    return data.decode("utf-8", "surrogateescape") if chance.random() < 0.2 else data


@many(max_examples=4000)
@given(st.builds(mutated, SEEDS, st.sampled_from(made.FILLS)))
def test_a_damaged_file_opens_or_is_refused(data: bytes | str) -> None:
    opened(data)


# ---------------------------------------------------------------- plain captions


def hollow(value: Any) -> bool:
    return value in (None, "", [], {}) or (isinstance(value, float) and math.isnan(value))


def bare(value: Any) -> Any:
    """Without null, empty texts, lists and objects, and NaN, at any depth."""
    if isinstance(value, dict):
        inner = ((key, bare(item)) for key, item in value.items())
        return {key: item for key, item in inner if not hollow(item)}
    if isinstance(value, list):
        return [item for item in map(bare, value) if not hollow(item)]
    return value


def as_fibo_2_reads(caption: dict[str, Any]) -> str:
    """Bria's rules for FIBO 2: empty values and scores dropped, all else kept in its order, an edit's envelope."""
    instruction = {key: value for key, value in caption.items() if key == "edit_instruction" and not hollow(value)}
    picture = {key: value for key, value in caption.items() if key != "edit_instruction"}
    wrapped = caption.get("structured_caption")
    if isinstance(wrapped, dict) and wrapped:
        inner = picture_of_fibo_2(wrapped)
        envelope = {"structured_caption": inner} if inner else {}
    elif wrapped:
        envelope = {"structured_caption": wrapped}
    else:
        envelope = picture_of_fibo_2(picture)
    return json.dumps(envelope | instruction, separators=(",", ":"), ensure_ascii=False)


def picture_of_fibo_2(caption: dict[str, Any]) -> dict[str, Any]:
    scores = ("aesthetic_score", "preference_score")
    kept = bare(
        {
            key: {name: inner for name, inner in value.items() if name not in scores}
            if isinstance(value, dict)
            else value
            for key, value in caption.items()
            if key not in scores
        }
    )
    if {"short_description", "text_render"} in (set(caption), set(kept)):
        return {"short_description": kept.get("short_description", ""), "text_render": kept.get("text_render", [])}
    return dict(kept)


def as_fibo_1_reads(caption: dict[str, Any]) -> str:
    """Bria's rules for FIBO 1: the ten keys in their order, both scores "very high", written by ujson."""
    wrapped = caption.get("structured_caption")
    picture = {"short_description": wrapped} if isinstance(wrapped, str) and wrapped else caption
    if isinstance(wrapped, dict) and wrapped:
        picture = wrapped
    kept = bare({key: picture[key] for key in KEY_ORDER if key in picture})
    kept.setdefault("aesthetics", {})
    kept["aesthetics"] |= {"preference_score": "very high", "aesthetic_score": "very high"}
    if not hollow(caption.get("edit_instruction")):
        kept["edit_instruction"] = caption["edit_instruction"]
    return ujson.dumps(kept, escape_forward_slashes=False)


@many(max_examples=3000)
@given(made.captions())
def test_a_plain_caption_compiles_back_to_itself(caption: dict[str, Any]) -> None:
    manifest = loads(json.dumps(caption)) if is_caption(caption) else from_caption(caption)
    assert exact(manifest["caption"]) == exact(caption)
    assert compile_manifest(manifest, "fibo-2").caption == as_fibo_2_reads(caption)
    assert compile_manifest(manifest, "fibo-1").caption == as_fibo_1_reads(caption)


# ---------------------------------------------------------------- how many


def test_there_were_as_many_documents_as_are_asked_for(request: pytest.FixtureRequest) -> None:
    ours = [item for item in request.session.items if item.path == request.node.path]
    if len({item.originalname for item in ours}) < sum(name.startswith("test_") for name in globals()):
        pytest.skip("only a part of this file was asked for")
    assert made.counted.total() >= AT_LEAST, made.counted
