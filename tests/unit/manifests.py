"""Manifests and captions made from the schemas themselves, so that what is made never falls behind what is allowed.

Every keyword of the schemas is either obeyed here or stops the tests. A document is drawn from one integer with
``random.Random``: hypothesis then chooses two numbers a document and not some hundred, which is twenty times faster and
still shrinks, because small ``fill`` means small documents.
"""

from __future__ import annotations

import collections
import copy
import functools
import json
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from studioflow.manifest import schema
from studioflow.manifest.schema import CAPTION, MANIFEST

Json = Any
Rule = dict[str, Any]

FILLS = (0.1, 0.35, 0.65, 0.95)
"""Shares of the optional keys that a document has; one of them counts for the whole document."""

counted: collections.Counter[str] = collections.Counter()
"""How many documents this process made, by kind."""

places_made: set[str] = set()
"""The place in a schema (``file#/pointer``) of every property that some document had."""

_SILENT = {"title", "description", "examples", "default", "$schema", "$defs"}
_SPOKEN = {
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "multipleOf"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "multipleOf"},
    "boolean": set(),
    "array": {"items", "minItems", "maxItems"},
    "object": {
        "properties",
        "required",
        "additionalProperties",
        "maxProperties",
        "not",
        "anyOf",
        "dependentRequired",
    },
    "null": set(),
}
_WORDS = (
    *("hand grinder", "brushed steel", "oak", "left", "warm", "a cup", "85mm", "photograph", "NORDLICHT", "#A7A9AC"),
    *("größe / 大", "e\u0301", "😀", "\u202eback", "a\nb\tc\r\n", '"quoted" \\ back', "{name}", "{{name}}", "```json"),
    *("</script>", "null", "1e999", " ", "{", "]", "\x00\x1f", "\x7f", "\u2028\u2029", "\ufeffmark", "\U0010ffff"),
)
_NAMES = (
    *("steel", "oak", "hand grinder", "brushed steel", "my_key", "x", "0", "12", "-", "a/b", "m~n", "~1", "", " a "),
    *("größe", "\ufb33", "😀", "\r", "\x80", "constructor", "a.b", "c[0]", '"', "artifacts", "version", "scene"),
)
_MOST_DIGITS = 10**398
"""The largest power of ten that a manifest may hold."""


class Drawing:
    """What one document is drawn with."""

    def __init__(self, seed: int, fill: float) -> None:
        self.random = random.Random(seed)
        self.chance = self.random.random
        self.fill = fill
        self.inside: collections.Counter[str] = collections.Counter()

    def one_of(self, options: Any) -> Any:
        return options[int(self.chance() * len(options))]


Make = Callable[[Drawing], Json]


def make_manifest(seed: int, fill: float) -> dict[str, Any]:
    """The manifest of a seed; with a larger ``fill`` it has more of what is optional."""
    counted["manifests"] += 1
    made: dict[str, Any] = maker(f"{MANIFEST}#")(Drawing(seed, fill))
    return made


def make_caption(seed: int, fill: float) -> dict[str, Any]:
    """A FIBO caption, often with the oddities of those that people have."""
    counted["captions"] += 1
    drawing = Drawing(seed, fill)
    made: dict[str, Any] = _odd(drawing, maker(f"{CAPTION}#")(drawing))
    return made


def manifests() -> st.SearchStrategy[dict[str, Any]]:
    """Valid manifests."""
    return st.builds(make_manifest, st.integers(0, 2**64 - 1), st.sampled_from(FILLS))


def captions() -> st.SearchStrategy[dict[str, Any]]:
    """Valid captions."""
    return st.builds(make_caption, st.integers(0, 2**64 - 1), st.sampled_from(FILLS))


def anything(drawing: Drawing, depth: int = 0) -> Json:
    """Any JSON value, at most four levels deep."""
    chance = drawing.chance
    if depth < 4 and chance() < 0.3:
        count = int(chance() * 4)
        if chance() < 0.5:
            return [anything(drawing, depth + 1) for _ in range(count)]
        return {drawing.one_of(_NAMES): anything(drawing, depth + 1) for _ in range(count)}
    if chance() < 0.5:
        return drawing.one_of(_WORDS)
    return drawing.one_of((None, True, False, 0, 1, -0.0, 1.0, 0.5, 85.0, 2**53, 2**64, -(2**70), 1e21, 1e-7, 5e-324))


# ---------------------------------------------------------------- the schema, read


def at(place: str) -> Rule:
    """The rule at ``file#/pointer``."""
    file, _, inner = place.partition("#")
    node: Any = schema(file)
    for part in filter(None, inner.split("/")):
        node = node[int(part)] if isinstance(node, list) else node[part]
    found: Rule = node
    return found


def target(place: str, reference: str) -> str:
    """The place that a ``$ref`` at a place leads to."""
    file, _, inner = reference.partition("#")
    return f"{file or place.partition('#')[0]}#{inner}"


def every_property() -> set[str]:
    """The places of all properties that the schemas name, found without the code that makes documents."""

    def walk(node: Any, place: str) -> Iterator[str]:
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            if key == "properties":
                yield from (f"{place}/properties/{name}" for name in value)
            if key not in ("examples", "default"):
                yield from walk(value, f"{place}/{key}")

    return {found for file in (MANIFEST, CAPTION) for found in walk(schema(file), f"{file}#")}


@functools.cache
def maker(place: str) -> Make:
    """What makes values for the rule at a place."""
    rule = at(place)
    if "$ref" not in rule:
        return _of_rule(rule, place)
    other = target(place, rule["$ref"])
    if not rule.keys() - _SILENT - {"$ref"}:
        return maker(other)
    there = at(other)
    assert not (rule.keys() & there.keys()) - _SILENT, f"two rules for one thing at {place}"
    return _of_rule(there | {key: value for key, value in rule.items() if key != "$ref"}, other)


def _of_rule(rule: Rule, place: str) -> Make:
    if "oneOf" in rule:
        assert not rule.keys() - _SILENT - {"oneOf"}, f"rules beside oneOf at {place}"
        return _choice([maker(f"{place}/oneOf/{index}") for index in range(len(rule["oneOf"]))])
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    unknown = rule.keys() - _SILENT - {"type", "enum", "const"} - set().union(*(_SPOKEN[kind] for kind in kinds))
    assert not unknown, f"{place} has rules that the tests do not know: {unknown}"
    if "const" in rule:
        return lambda drawing: rule["const"]
    if "enum" in rule:
        return lambda drawing: drawing.one_of(rule["enum"])
    makes = [_BY_KIND[kind](rule | {"type": kind}, place) for kind in kinds]
    if len(makes) == 1:
        return makes[0]
    flat = [make for make, kind in zip(makes, kinds, strict=True) if kind != "object"]

    def make(drawing: Drawing) -> Json:
        # A caption can stand inside a caption, and there again; two of them are enough.
        if drawing.inside[place] > 1:
            return drawing.one_of(flat)(drawing)
        return makes[0](drawing) if drawing.chance() < 0.6 else drawing.one_of(makes)(drawing)

    return make


def _choice(makes: list[Make]) -> Make:
    return lambda drawing: drawing.one_of(makes)(drawing)


# ---------------------------------------------------------------- values


def _text(rule: Rule, place: str) -> Make:
    if "pattern" in rule:
        return _PATTERNS[rule["pattern"]]
    low, high = rule.get("minLength", 0), rule.get("maxLength", 2000)
    examples = [text for text in rule.get("examples", ()) if isinstance(text, str)] or ["x"]
    words = [word for word in _WORDS if low <= len(word) <= high]

    def make(drawing: Drawing) -> str:
        chance = drawing.chance()
        if chance < 0.35:
            return str(drawing.one_of(examples))
        if chance < 0.75:
            return str(drawing.one_of(words))
        if chance < 0.8 and low == 0:
            return ""
        if chance < 0.97:
            return " ".join(drawing.one_of(_WORDS) for _ in range(1 + int(drawing.chance() * 5)))[:high]
        return (str(drawing.one_of(words)) * high)[:high]

    return make


def _number(rule: Rule, place: str) -> Make:
    whole, step = rule["type"] == "integer", rule.get("multipleOf", 1)
    low, high = rule.get("minimum", rule.get("exclusiveMinimum")), rule.get("maximum")
    ends: list[float]
    if low is None or high is None:
        assert low is None and high is None, f"{place} has one end only"
        ends = [0, 1, -1, 9, 2**53, 2**64, -(2**70), _MOST_DIGITS, -_MOST_DIGITS, 12.0]
        ends += [] if whole else [-0.0, 5e-324, -1e-9, 1e-7, 1e21, 1e308, -1e308]
        low, high = -9, 9
    else:
        ends = [math.nextafter(low, high), 1e-6] if "exclusiveMinimum" in rule else [low, float(low)]
        ends += [high, float(high)] if high < 2**53 else [high, 2**53 + 1]
    ends += [value for value in (*rule.get("examples", ()), rule.get("default")) if isinstance(value, (int, float))]

    def make(drawing: Drawing) -> float:
        chance = drawing.chance()
        if chance < 0.25:
            return drawing.one_of(ends)
        if whole:
            value = drawing.random.randint(-(-low // step), high // step) * step
            # 3.0 is a whole number too.
            return float(value) if chance < 0.3 and value < 2**53 else value
        value = low + (high - low) * drawing.chance()
        value = value if chance < 0.5 else round(value, 2) if chance < 0.8 else float(round(value))
        return value if low < value <= high else high

    return make


def _list(rule: Rule, place: str) -> Make:
    low, high = rule.get("minItems", 0), rule.get("maxItems", 6)
    item = maker(f"{place}/items") if "items" in rule else anything
    if low == high:
        return lambda drawing: [item(drawing) for _ in range(low)]

    def make(drawing: Drawing) -> list[Json]:
        chance = drawing.chance()
        count = low + (int(chance * 4) if chance < 0.97 else 12)
        return [item(drawing) for _ in range(min(count, high))]

    return make


def _object(rule: Rule, place: str) -> Make:
    properties = {
        name: (f"{place}/properties/{name}", _later(f"{place}/properties/{name}"))
        for name in rule.get("properties", ())
    }
    required = rule.get("required", ())
    others = rule.get("additionalProperties", True)
    other = anything if others is True else _later(f"{place}/additionalProperties") if others else None
    one_needed = [name for choice in rule.get("anyOf", ()) for name in _only(choice, "required")]
    excluded = _only(rule["not"], "type", "description", "required") if "not" in rule else []
    needs = rule.get("dependentRequired", {})

    def names(drawing: Drawing) -> list[str]:
        chosen = {name for name in properties if name in required or drawing.chance() < drawing.fill}
        if one_needed and chosen.isdisjoint(one_needed):
            chosen.add(drawing.one_of(one_needed))
        for name in sorted(chosen & needs.keys()):
            chosen |= set(needs[name])
        if excluded and chosen.issuperset(excluded):
            chosen.remove(drawing.one_of([name for name in excluded if name not in required]))
        while lonely := {name for name in chosen & needs.keys() if not chosen.issuperset(needs[name])}:
            chosen -= lonely
        return [name for name in properties if name in chosen]

    def make(drawing: Drawing) -> dict[str, Json]:
        drawing.inside[place] += 1
        chosen = names(drawing)
        made = {name: properties[name][1](drawing) for name in chosen}
        places_made.update(properties[name][0] for name in chosen)
        # Unknown keys are for the few who have them, materials for all.
        if other and drawing.chance() < (drawing.fill if others is not True or not properties else 0.1):
            for _ in range(1 + int(drawing.chance() * 3)):
                name = drawing.one_of(_NAMES)
                if name not in properties:
                    made[name] = other(drawing)
        drawing.inside[place] -= 1
        return _shuffled(drawing, made) if drawing.chance() < 0.15 else made

    return make


def _later(place: str) -> Make:
    """As ``maker``, but looked up when the first value is made, because captions contain captions."""
    return lambda drawing: maker(place)(drawing)


def _only(rule: Rule, *keys: str) -> list[str]:
    """The ``required`` of a rule that says nothing but these keys."""
    assert rule.keys() <= set(keys), f"{json.dumps(rule)} says more than the tests understand"
    return list(rule["required"])


def _shuffled(drawing: Drawing, made: dict[str, Json]) -> dict[str, Json]:
    keys = list(made)
    drawing.random.shuffle(keys)
    return {key: made[key] for key in keys}


_BY_KIND: dict[str, Callable[[Rule, str], Make]] = {
    "string": _text,
    "integer": _number,
    "number": _number,
    "array": _list,
    "object": _object,
    "boolean": lambda rule, place: lambda drawing: drawing.one_of((True, False)),
    "null": lambda rule, place: lambda drawing: None,
}
_PATTERNS: dict[str, Make] = {
    "^#[0-9A-Fa-f]{6}$": lambda drawing: "#" + "".join(drawing.one_of("0123456789ABCDEFabcdef") for _ in range(6)),
    "^[1-9][0-9]{0,3}:[1-9][0-9]{0,3}$": lambda drawing: (
        f"{drawing.random.randint(1, 9999)}:{drawing.random.randint(1, 9999)}"
        if drawing.chance() < 0.2
        else f"{drawing.random.randint(1, 21)}:{drawing.random.randint(1, 21)}"
    ),
    "^[A-Za-z0-9._-]*$": lambda drawing: "".join(drawing.one_of("ab_-.9") for _ in range(drawing.random.randint(0, 9))),
}


# ---------------------------------------------------------------- pairs, and captions as people have them

_LISTS = (
    *(("scene", "subjects"), ("scene", "text"), ("scene", "palette"), ("lighting", "lights"), ("meta", "tags")),
    *(("caption", "objects"), ("caption", "text_render"), ("export",), ("guidance",)),
)


def make_pair(seed: int, fill: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two manifests, most often one and what a few edits made of it."""
    before, donor = make_manifest(seed, fill), make_manifest(seed + 1, fill)
    drawing = Drawing(seed + 2, fill)
    if drawing.chance() < 0.2:
        return before, donor
    after = copy.deepcopy(before)
    for _ in range(1 + int(drawing.chance() * 4)):
        edit = drawing.one_of((_takes_section, _drops_section, _mixes, _edits_list, _edits_list))
        after = edit(drawing, after, donor)
    return before, after


def _takes_section(drawing: Drawing, manifest: Json, donor: Json) -> Json:
    name = drawing.one_of(list(donor))
    return manifest | {name: donor[name]}


def _drops_section(drawing: Drawing, manifest: Json, donor: Json) -> Json:
    name = drawing.one_of(list(manifest))
    rest = {key: value for key, value in manifest.items() if key != name}
    return rest if name != "studioflow" and rest.keys() & {"scene", "caption"} else manifest


def _mixes(drawing: Drawing, manifest: Json, donor: Json) -> Json:
    """The manifest with some of the donor's values at the places that both have."""
    if isinstance(manifest, dict) and isinstance(donor, dict):
        both = manifest.keys() & donor.keys()
        return {key: _mixes(drawing, value, donor[key]) if key in both else value for key, value in manifest.items()}
    return donor if drawing.chance() < 0.3 else manifest


def _edits_list(drawing: Drawing, manifest: Json, donor: Json) -> Json:
    def items(document: Json, path: tuple[str, ...]) -> list[Json]:
        for key in path:
            document = document.get(key) if isinstance(document, dict) else None
        return document if isinstance(document, list) else []

    there = [path for path in _LISTS if items(manifest, path)]
    if not there:
        return manifest
    path = drawing.one_of(there)
    found, others = list(items(manifest, path)), items(donor, path) or items(manifest, path)
    what, place = drawing.one_of(("add", "add", "remove", "move", "turn")), int(drawing.chance() * len(found))
    if what == "add" and len(found) < 15:
        found.insert(place, drawing.one_of(others))
    elif what == "remove":
        del found[place]
    elif what == "move":
        found.insert(int(drawing.chance() * len(found)), found.pop(place))
    else:
        found.reverse()
    if len(path) == 1:
        return manifest | {path[0]: found}
    return manifest | {path[0]: manifest[path[0]] | {path[1]: found}}


def _odd(drawing: Drawing, caption: Json) -> Json:
    if drawing.chance() < 0.25:
        caption = dict(sorted(caption.items()))
    if drawing.chance() < 0.25:
        nested = ("photographic_characteristics", "style_medium", "artistic_style")
        inner = {key: caption[key] for key in nested if key in caption}
        caption = {key: value for key, value in caption.items() if key not in inner}
        caption["aesthetics"] = (caption.get("aesthetics") or {}) | inner
    if drawing.chance() < 0.2 and "structured_caption" not in caption:
        return {
            "structured_caption": caption,
            "edit_instruction": drawing.one_of(("Make it blue.", "größer", "", None)),
        }
    return caption


def pairs() -> st.SearchStrategy[tuple[dict[str, Any], dict[str, Any]]]:
    """Two valid manifests each, near one another more often than not."""
    return st.builds(make_pair, st.integers(0, 2**64 - 1), st.sampled_from(FILLS))
