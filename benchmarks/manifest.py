"""Manifests on one core: how many a second, how the time grows with the shot, and that no text makes it explode.

Targets: at most 0.5 ms (2000 documents a second) to load, check and compile a full manifest of two subjects, at most
1 ms to compile the sample shot; and where a hostile document is twice as large, at most 2.6 times as long.

    python dev.py bench
    python benchmarks/manifest.py [growth | hostile | validators] [MiB of the largest hostile document]
"""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

from _common import report

from studioflow.caption import DIALECTS, compile_manifest
from studioflow.errors import StudioFlowError
from studioflow.manifest import MAX_BYTES, canonical, content_id, dumps, loads, schema, validate
from studioflow.manifest.schema import CAPTION
from studioflow.resources import shipped
from studioflow.review.compare import compare
from studioflow.review.lint import lint

BATCH, RUNS = 100, 9
CLOCK = time.process_time
"""The time of this process alone, whatever else the machine has to do meanwhile."""
STEPS = (1, 2, 4, 8)
MOST_GROWTH = 2.6
"""For twice the input: two, and some for memory that no longer fits the caches."""
LIMIT_S = 20.0
"""No larger document of a kind is tried after one that took longer."""

Work = Callable[[], object]


def main() -> None:
    asked = set(sys.argv[1:])
    parts = {"growth": growth, "hostile": hostile, "validators": validators}
    sizes = [float(word) for word in asked - parts.keys()]
    for name, part in parts.items():
        if name in asked or asked.isdisjoint(parts):
            part(*sizes) if part is hostile else part()


# ---------------------------------------------------------------- good documents


def milliseconds(work: Work, batch: int = BATCH) -> list[float]:
    return [1000 * seconds / batch for seconds in timeit.repeat(work, timer=CLOCK, number=batch, repeat=RUNS)]


def full_manifest(subjects: int) -> dict[str, Any]:
    """A manifest that uses every section, with that many subjects."""
    shot: dict[str, Any] = json.loads((shipped("samples") / "product_hero.json").read_bytes())
    shot["scene"]["subjects"] = [
        {
            "description": f"hand grinder number {index}",
            "shape": "slender cylinder",
            "material": "steel",
            "color": "#A7A9AC",
            "texture": "fine horizontal brushing",
            "details": "walnut knob on the crank",
            "relationship": "stands behind the cup",
            "position_m": [0.01 * index, 0, 0.1],
            "size_m": [0.06, 0.19, 0.06],
            "facing_deg": 30,
            "count": 1,
        }
        for index in range(subjects)
    ]
    shot["materials"] = {"steel": {"preset": "brushed_steel", "color": "#A7A9AC", "roughness": 0.35}}
    shot["guidance"] = [{"kind": "sketch", "image": "sketch.png", "strength": 0.7}]
    shot["export"] = [{"format": "exr", "bit_depth": 16, "compression": "zip"}, {"format": "png", "bit_depth": 16}]
    shot["extensions"] = {"shop": {"order": 4711, "lines": ["a", "b"]}}
    return shot


def growth() -> None:
    sample = loads((shipped("samples") / "product_hero.json").read_bytes())
    for dialect in DIALECTS:
        work = functools.partial(compile_manifest, sample, dialect)
        report(f"sample shot to caption, {dialect}", milliseconds(work), "ms", target=1.0)
    report("text to checked manifest, sample shot", milliseconds(functools.partial(loads, dumps(sample))), "ms")
    text = dumps(full_manifest(2)).encode()
    times = milliseconds(lambda: compile_manifest(loads(text), "fibo-2"))
    report("full manifest of two subjects, text to caption", times, "ms", target=0.5)
    print(f"  that is {1000 / statistics.median(times):.0f} documents a second, of {len(text)} bytes")
    single = 0.0
    for subjects in (1, 2, 5, 10, 20, 50, 100, 200):
        text = dumps(full_manifest(subjects)).encode()
        took = statistics.median(milliseconds(lambda text=text: compile_manifest(loads(text), "fibo-2"), 10))
        single = single or took
        share = f"{took / single:.1f} times that of one, {took / subjects:.3f} ms each"
        print(f"  {subjects:3} subjects: {took:.3f} ms, {share}, {len(text)} bytes")


def validators() -> None:
    """The caption schema checked by three libraries in the same run; fastjsonschema where it is installed."""
    import jsonschema
    import jsonschema_rs

    caption = json.loads(compile_manifest(full_manifest(2), "fibo-2").caption)
    rule = schema(CAPTION)
    checks: dict[str, Work] = {
        "jsonschema-rs": functools.partial(jsonschema_rs.Draft202012Validator(rule).is_valid, caption),
        "jsonschema": functools.partial(jsonschema.Draft202012Validator(rule).is_valid, caption),
    }
    try:
        import fastjsonschema
    except ImportError:
        print("fastjsonschema is not installed")
    else:
        # It knows drafts 4, 6 and 7; the caption schema says nothing that they read otherwise but for $ref's siblings.
        compiled = fastjsonschema.compile({key: value for key, value in rule.items() if key != "$schema"})
        checks["fastjsonschema"] = lambda: compiled(caption)
    took = {name: statistics.median(milliseconds(check)) for name, check in checks.items()}
    for name, milli in took.items():
        print(f"caption schema, {name}: {milli:.4f} ms, {milli / took['jsonschema-rs']:.1f} times jsonschema-rs")


# ---------------------------------------------------------------- hostile documents


def opened(text: str | bytes) -> Work:
    """Opening a text, whichever way that ends, and reading the error it ends with."""

    def work() -> None:
        try:
            loads(text)
        except StudioFlowError as error:
            str(error)

    return work


def around(inner: str) -> bytes:
    return f'{{"studioflow": "1.0", "scene": {{}}, {inner}}}'.encode()


def filled(size: int, item: Callable[[int], str], joint: str = ",\n") -> str:
    """As many items as fit the size."""
    return joint.join(item(index) for index in range(max(1, size // (len(item(123456)) + len(joint)))))


def unknown_keys(size: int) -> Work:
    return opened(around(filled(size, lambda index: f'"unknown_{index:06}": {index}')))


def unknown_keys_of_a_newer_format(size: int) -> Work:
    return opened(around(filled(size, lambda index: f'"unknown_{index:06}": {index}')).replace(b"1.0", b"1.9"))


def other_keys_in_a_caption(size: int) -> Work:
    keys = filled(size, lambda index: f'"unknown_{index:06}": {index}')
    return opened(f'{{"short_description": "x", {keys}}}'.encode())


def duplicate_keys(size: int) -> Work:
    return opened(around('"extensions": {' + filled(size, lambda index: f'"key_{index // 2:06}": {index}') + "}"))


def one_key_again_and_again(size: int) -> Work:
    return opened(around('"extensions": {' + filled(size, lambda index: f'"key": 1{index:06}') + "}"))


def deep_with_big_leaves(size: int) -> Work:
    leaf = "[" + filled(size // 60, lambda index: f'"leaf {index:06}"') + "]"
    return opened(around('"extensions": ' + "".join(f'{{"a": {leaf}, "b": ' for _ in range(58)) + "1" + "}" * 58))


def nested_beyond_all_bounds(size: int) -> Work:
    return opened(around('"extensions": ' + '{"a":' * (size // 6) + "1" + "}" * (size // 6)))


def faults_late_in_the_text(size: int) -> Work:
    long = '"extensions": [' + filled(size, lambda index: f'"line {index:06}"') + "]"
    return opened(around(long + ', "guidance": [' + filled(4000, lambda index: f'{{"kind": "k{index:06}"}}') + "]"))


def faults_everywhere(size: int) -> Work:
    lights = filled(size, lambda index: f'{{"role": "r{index:06}", "intensity": -{index}}}')
    return opened(around(f'"lighting": {{"lights": [{lights}]}}'))


def long_list_of_subjects(size: int) -> Work:
    subjects = filled(size, lambda index: f'{{"description": "thing {index:06}", "position_m": [0.1, 0, 0]}}')
    return opened(f'{{"studioflow": "1.0", "scene": {{"subjects": [{subjects}]}}}}'.encode())


def large_caption(size: int) -> Work:
    texts = filled(min(size, 1_000_000), lambda index: f'"k{index:06}": {{"a": ["{"x" * 60}", null, "", {{}}]}}')
    manifest = loads(f'{{"short_description": "x", {texts}}}')
    return lambda: [compile_manifest(manifest, dialect) for dialect in DIALECTS]


def opening_braces_in_prose(size: int) -> Work:
    return opened("Here it is: " + "{" * size)


def text_cut_off_in_prose(size: int) -> Work:
    # Each of the first braces could begin an object, and only the end of the text shows that it does not.
    return opened("Here it is: " + '{"a": ' * 40 + '"' + "x" * size)


def lists_cut_off_in_prose(size: int) -> Work:
    return opened('Here it is: {"a": [' + filled(size, lambda index: f'{{"b": "{index:06}"}}'))


def fences_in_prose(size: int) -> Work:
    return opened("```json " * (size // 8))


def spaces(size: int) -> Work:
    return opened(" " * size + "x" + "\n" * size)


def escapes(size: int) -> Work:
    return opened(around('"extensions": "' + "\\u00e9\\n\\\\" * (size // 10) + '"'))


def half_characters(size: int) -> Work:
    return opened(around('"extensions": [' + filled(size, lambda index: f'"\\ud83d {index:06}"') + "]"))


def json_in_json(size: int) -> Work:
    text = '{"short_description": "' + "x" * (size // 2) + '"}'
    while len(within := json.dumps(text)) < size:
        text = within
    return opened(text)


def json_text_in_an_answer(size: int) -> Work:
    # Quotes and line ends take twice their place there.
    keys = filled(size * 4 // 5, lambda index: f'"key {index:06}": {index}')
    return opened(json.dumps({"result": {"structured_prompt": f'{{"short_description": "x", {keys}}}'}}))


def long_number(size: int) -> Work:
    return opened(around(f'"extensions": {{"whole": {"9" * (size // 2)}, "part": 0.{"3" * (size // 2)}}}'))


def earlier_app_with_many_keys(size: int) -> Work:
    keys = filled(size, lambda index: f'"unknown {index:06}": {{"a": {index}}}')
    return opened(
        f'{{"camera": {{"fov_degrees": 40, {keys}}}, {keys.replace("unknown", "other")}}}'.encode()[:MAX_BYTES]
    )


def placeholders(size: int) -> Work:
    from studioflow.manifest import loads_with_notes

    text = around('"extensions": {}, "meta": {"notes": "{a"}').decode().replace("{a", "{a" * (size // 2))

    def work() -> None:
        try:
            loads_with_notes(text, values={"a": 1})
        except StudioFlowError as error:
            str(error)

    return work


def manifest_of(size: int) -> dict[str, Any]:
    items = filled(size, lambda index: f'{{"name": "item {index:06}", "value": {index}.5}}')
    made: dict[str, Any] = json.loads(around(f'"extensions": {{"items": [{items}]}}'))
    return made


def canonical_form(size: int) -> Work:
    manifest = manifest_of(size)
    return lambda: canonical(manifest)


def id_of_the_content(size: int) -> Work:
    manifest = manifest_of(size)
    return lambda: content_id(manifest)


def written_for_people(size: int) -> Work:
    manifest = manifest_of(size)
    return lambda: dumps(manifest)


def comparing_lists_of_other_items(size: int) -> Work:
    def side(name: str) -> dict[str, Any]:
        items = filled(size, lambda index: f'{{"name": "{name} {index:06}", "value": {index}}}')
        made: dict[str, Any] = json.loads(around(f'"extensions": {{"items": [{items}]}}'))
        return made

    one, other = side("before"), side("after")
    return lambda: compare(one, other)


def comparing_many_short_lists(size: int) -> Work:
    def side(name: str) -> dict[str, Any]:
        items = [{"name": f"{name} {index}", "value": index} for index in range(50)]
        lists = [items[index % 50 :] + items[: index % 50] for index in range(max(1, size // 2000))]
        return {"studioflow": "1.0", "scene": {}, "extensions": {str(index): one for index, one in enumerate(lists)}}

    one, other = side("before"), side("after")
    return lambda: compare(one, other)


def comparing_long_texts(size: int) -> Work:
    one, other = (
        {"studioflow": "1.0", "caption": {"short_description": f"{word} " * (size // len(word))}}
        for word in ("before", "after")
    )
    return lambda: str(compare(one, other).text())


def comparing_long_spaces(size: int) -> Work:
    one, other = (
        {"studioflow": "1.0", "caption": {"short_description": f"a{space * (size // 2)}b"}} for space in " \n"
    )
    return lambda: compare(one, other).html()


def linting(text: str) -> Callable[[int], Work]:
    def prepared(size: int) -> Work:
        long = (text * (size // len(text) + 1))[:size]
        manifest = {"studioflow": "1.0", "scene": {}, "caption": {"short_description": long, "context": long}}
        validate(manifest)
        return lambda: lint(manifest)

    return prepared


KIB, MIB = 1024, 1024 * 1024
KINDS: dict[str, tuple[Callable[[int], Work], int]] = {
    "many unknown keys": (unknown_keys, 8 * MIB),
    "many unknown keys, newer format": (unknown_keys_of_a_newer_format, 8 * MIB),
    "many other keys in a caption": (other_keys_in_a_caption, 8 * MIB),
    "many duplicate keys": (duplicate_keys, 8 * MIB),
    "one key again and again": (one_key_again_and_again, 8 * MIB),
    "depth 60 with big leaves": (deep_with_big_leaves, 8 * MIB),
    "nested beyond all bounds": (nested_beyond_all_bounds, 8 * MIB),
    "faults late in the text": (faults_late_in_the_text, 8 * MIB),
    "faults everywhere": (faults_everywhere, 8 * MIB),
    "long list of subjects": (long_list_of_subjects, 8 * MIB),
    "large caption, compiled": (large_caption, MIB),
    "opening braces in prose": (opening_braces_in_prose, 8 * MIB),
    "a text cut off in prose": (text_cut_off_in_prose, 8 * MIB),
    "a list cut off in prose": (lists_cut_off_in_prose, 8 * MIB),
    "fences in prose": (fences_in_prose, 8 * MIB),
    "spaces": (spaces, 4 * MIB),
    "a string of escapes": (escapes, 8 * MIB),
    "halves of characters": (half_characters, 8 * MIB),
    "JSON in JSON": (json_in_json, 8 * MIB),
    "JSON text in an answer": (json_text_in_an_answer, 8 * MIB),
    "numbers of many digits": (long_number, 8 * MIB),
    "earlier app with many keys": (earlier_app_with_many_keys, 4 * MIB),
    "placeholders that never end": (placeholders, 8 * MIB),
    "canonical form": (canonical_form, 8 * MIB),
    "content id": (id_of_the_content, 8 * MIB),
    "writing": (written_for_people, 8 * MIB),
    "comparing lists of other items": (comparing_lists_of_other_items, 8 * MIB),
    "comparing many short lists": (comparing_many_short_lists, MIB),
    "comparing long texts": (comparing_long_texts, 8 * MIB),
    "comparing long texts of spaces, page": (comparing_long_spaces, 8 * MIB),
    "lint, long text of words": (linting("a warm cup, not a cold one; soft light from the left. "), MIB),
    "lint, long text of one letter": (linting("a"), MIB),
    "lint, long text of spaces": (linting(" "), MIB),
    "lint, long text of digits": (linting("85 mm f/2 1"), MIB),
    "lint, long text of hyphens": (linting("three-quarter-"), MIB),
    "lint, long text of commas": (linting(","), MIB),
}


def hostile(largest_mib: float = 8.0) -> None:
    print(f"hostile documents, seconds at a size and the factor since half of it (over {MOST_GROWTH} is told)")
    slow = []
    for name, (prepare, most) in KINDS.items():
        largest = min(most, int(largest_mib * MIB))
        cells, before = [], 0.0
        for step in STEPS:
            # A little less than the size, so that what stands around still fits the limit of 8 MiB.
            size = largest * step // STEPS[-1] - 8 * KIB
            work = prepare(size)
            took = best(work)
            if before and took > MOST_GROWTH * before:
                # Once more, for somebody else's work may have disturbed it.
                took = min(took, best(work))
            factor = took / before if before else 0.0
            cells.append(f"{took:8.4f}" + (f" x{factor:3.1f}" if before else ""))
            # Below a few milliseconds the clock and the caches say more than the input does.
            if factor > MOST_GROWTH and took > 0.005:
                cells[-1] += " <- GROWS FASTER THAN THE INPUT"
                slow.append(name)
            before = took
            if took > LIMIT_S:
                cells.append("and no larger one")
                break
        print(f"  {name}, up to {largest / MIB:g} MiB: {'  '.join(cells)}", flush=True)
    print(f"faster than the input grow: {', '.join(dict.fromkeys(slow)) or 'none'}")


def best(work: Work) -> float:
    """The shortest of up to five runs, which is the one that the rest of the machine disturbed least."""
    times: list[float] = []
    while len(times) < 5 and sum(times) < 2:
        before = CLOCK()
        work()
        times.append(CLOCK() - before)
    return min(times)


if __name__ == "__main__":
    main()
