"""Whatever is written, a brief becomes a valid manifest or one clear error, at once, and always the same."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studioflow.errors import StudioFlowError
from studioflow.manifest import validate
from studioflow.translate.brief import brief_to_manifest, read_brief
from studioflow.translate.terms import LANGUAGES

WORDS = (
    "mug|red|steel|woman|in|a|the|of|on|oak|with|and|no|without|or|85mm|85|mm|f/2|f|/|2.8|1/125|s|-|–|to|between|,|.|;"
    "|:|\n|light|from|left|right|above|softbox|key|rim|fill|2|stops|under|at|45|°|degrees|high|three-quarter|view|"
    "portrait|shot|close-up|macro|black|white|wearing|dress|\"|'|“|”|{|}|#C9A27A|palette|navy|gold|tones|moody|"
    "editorial|16:9|1920x1080|4|x|images|seed|steps|cfg|ISO|K|3200|overhead|left third|background|subject:|no wait|"
    "30|cm|tall|away|focused|dozen|pair|golden hour|window|overcast|not|avoid|free of|anamorphic|2.39:1|o'clock|10|"
    "ｶﾒﾗ|３|l'|dell'|无|広|俯拍|30度|degree|wipes|tube|sky|street|I'm|光|左|から|なし|逆光|Licht|von|links|lumière|sans|sin|personas"
).split("|")

briefs = st.lists(st.sampled_from(WORDS), min_size=1, max_size=60).map(" ".join)
anything = st.text(max_size=2000)


def read_or_refuse(text, language="auto"):
    try:
        return read_brief(text, language)
    except StudioFlowError as error:
        assert str(error)
        return None


def overlapping(one, other):
    return one.start < other.end and other.start < one.end


def check(brief):
    validate(brief.manifest)
    json.dumps(brief.manifest, ensure_ascii=False).encode()
    spans = [span for item in brief.found for span in item.spans]
    assert all(item.spans for item in brief.found)
    for span in [*spans, *brief.unused]:
        assert 0 <= span.start < span.end <= len(brief.text)
    for unused in brief.unused:
        assert not any(overlapping(unused, span) for span in spans)
    starts = [item.spans[0].start for item in brief.found]
    assert starts == sorted(starts)
    assert len({item.field for item in brief.found}) == len(brief.found)
    for item in brief.found:
        if item.field in ("subjects", "negative"):
            said = brief.words(item.spans).casefold()
            assert all(text.casefold() in said for text in item.value)
        if item.field == "text":
            assert all(text in brief.text for text in item.value)
    assert brief.report() or not (brief.found or brief.unused)


@given(anything)
@example("a" * 2000)
@example('"' * 1999 + "a")
@example("1" * 2000)
@example("٣ mm, ४५°, ²³ f/½")
@settings(deadline=None)
def test_any_text(text):
    if brief := read_or_refuse(text):
        check(brief)


@given(briefs, st.sampled_from(("auto", *LANGUAGES)))
@settings(deadline=None, max_examples=300)
def test_any_brief_in_any_language(text, language):
    if brief := read_or_refuse(text, language):
        check(brief)


@given(briefs)
@settings(deadline=None)
def test_the_same_text_gives_the_same_bytes(text):
    first, second = read_or_refuse(text), read_or_refuse(text)
    assert first == second
    if first:
        assert json.dumps(first.manifest) == json.dumps(second.manifest)


@given(briefs, briefs)
@settings(deadline=None)
def test_a_brief_over_any_shot_is_valid_and_says_what_the_brief_says(before, after):
    first = read_or_refuse(before)
    if first is None or read_or_refuse(after) is None:
        return
    manifest, brief = brief_to_manifest(after, first.manifest)
    validate(manifest)
    said = {item.field: item.value for item in brief.found}
    for field in ("focal_length_mm", "aperture"):
        if field in said:
            assert manifest["camera"]["lens"][field] == said[field]
    if "seed" in said:
        assert manifest["render"]["seed"] == said["seed"]


@pytest.mark.parametrize(
    "text",
    [
        *("x" + "(" * 1999, "a " * 1000, "85mm " * 400, '" a ' * 500, "'a " * 660, "no " * 660, "no a or " * 250),
        *("from the left " * 140, "1/" * 1000, "a," * 1000, "and " * 500, "a with b and " * 150, "moody " * 330),
        *("左からの光" * 400, "一" * 2000, "{" * 1000 + "}" * 999 + "a", "1 " * 1000, "fill 50% " * 220, "é " * 1000),
        *("1/1/" * 500, "无" * 2000, "相机距离" * 500, "l'" * 1000, "ｶﾞ" * 1000, "low angle " * 200, "a\n" * 1000),
        *("red palette " * 160, "of " * 660, "in the " * 280, "between 1 and " * 140, "a in " * 400, "f/" * 1000),
    ],
    ids=lambda text: text[:12].strip(),
)
def test_two_thousand_characters_in_no_time(text):
    assert len(text) <= 2000
    read_or_refuse("mug")
    read_or_refuse(text)
    best = min(timed(text) for _ in range(7))
    # The promise is 50 ms; a machine that does other work beside the tests gets three times that.
    assert best < 0.15


def timed(text):
    start = time.perf_counter()
    read_or_refuse(text)
    return time.perf_counter() - start
