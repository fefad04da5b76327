"""A comparison as a page for a client: it stands alone, and nothing in a manifest becomes markup."""

from __future__ import annotations

import copy
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studioflow.manifest import loads
from studioflow.resources import shipped
from studioflow.review.compare import compare

SAMPLE = loads((shipped("samples") / "product_hero.json").read_bytes())


def with_value(path: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(SAMPLE)
    node: Any = manifest
    *parents, last = path.split(".")
    for part in parents:
        node = node[part]
    node[last] = value
    return manifest


class _Page(HTMLParser):
    """Reads a page and refuses what a browser would have to mend."""

    VOID = frozenset({"meta", "col", "wbr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.words += " "

    def handle_data(self, data: str) -> None:
        self.words += "" if self.open[-1:] == ["style"] else data


EVIL = "</td><script>alert('1')</script><img src=x onerror=\"alert(2)\"> &amp; "


def test_the_page_stands_alone() -> None:
    html = compare(SAMPLE, with_value("scene.mood", "loud")).html("Round 2")
    page = _Page(html)
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert "<title>Round 2</title>" in html and "prefers-color-scheme: dark" in html
    assert {tag for tag, _ in page.seen}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not re.search(r"url\(|@import|https?:|src=|href=", html)
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.seen


def test_nothing_in_a_manifest_becomes_markup() -> None:
    after = SAMPLE | {"extensions": {EVIL: EVIL}, "caption": {EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}}}
    after["scene"] = SAMPLE["scene"] | {"description": SAMPLE["scene"]["description"] + EVIL, "mood": EVIL}
    html = compare(SAMPLE, after).html(EVIL)
    page = _Page(html)
    assert {tag for tag, _ in page.seen} <= set(
        "html head meta title style body main header h1 p section h2 span table colgroup col thead tr th tbody td "
        "del ins wbr dl dt dd ul li".split()
    )
    assert not [attrs for _, attrs in page.seen if any(name.startswith("on") for name in attrs)]
    assert EVIL.strip() in page.words
    _Page(compare(after, SAMPLE).html(EVIL))


def test_only_a_colour_becomes_a_swatch() -> None:
    evil = "#A7A9AC;background:url(x)"
    palette = [*SAMPLE["scene"]["palette"], "#FF0000"]
    after = with_value("scene.palette", palette) | {"extensions": {"color": evil, "line": "#00FF00\n"}}
    styles = [attrs["style"] for _, attrs in _Page(compare(SAMPLE, after).html()).seen if "style" in attrs]
    assert styles == [f"background:{color}" for color in [*SAMPLE["scene"]["palette"], *palette]]


def test_changed_words_of_a_sentence_are_marked() -> None:
    before = with_value("scene.background", "a dark oak table in front of a wall")
    html = compare(before, with_value("scene.background", "a pale ash table in front of a wall & more")).html()
    assert "a <del>dark oak</del> table in front of a wall<" in html
    assert "a <ins>pale ash</ins> table in front of a wall <ins>&amp; more</ins>" in html
    lead = compare(with_value("scene.background", "  one red cup"), with_value("scene.background", "  one blue cup"))
    assert "  one <del>red</del> cup<" in lead.html()
    unlike = compare(before, with_value("scene.background", "sunlit kitchen, white tiles everywhere")).html()
    assert "<del>" not in unlike.split("<tbody>", 1)[1].split("</section>")[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a b " * 20_000, "b a " * 20_000),
        (" " * 20_000, "\n" * 20_000),
        ("a" + " " * 20_000 + "b", "b" + " " * 20_000 + "a"),
        (" " * 400_000 + "x", "x" * 400_000),
        ("a b c" + " " * 9_000, "a b d" + "\t" * 9_000),
    ],
    ids=["words", "spaces", "spaces between", "many", "few words"],
)
def test_marking_words_is_bounded(one: str, other: str) -> None:
    begun = time.process_time()
    html = compare({"studioflow": "1.0", "caption": {"x": one}}, {"studioflow": "1.0", "caption": {"x": other}}).html()
    assert time.process_time() - begun < 5
    assert "<del>" not in html


def test_the_page_counts_and_groups() -> None:
    after = with_value("scene.mood", "loud")
    after["camera"]["lens"]["aperture"] = 11
    words = " ".join(_Page(compare(SAMPLE, after).html()).words.split())
    assert "2 changes; 3 caption fields that FIBO reads differ." in words
    assert "Scene 1 change field before after scene.mood quiet, precise, early morning loud" in words
    assert "What FIBO reads (fibo-2) 3 caption fields" in words
    assert "No difference." in compare(SAMPLE, SAMPLE).html()
    assert "The same shot: only meta differs." in compare(SAMPLE, with_value("meta.sku", "x")).html()


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
CAPTIONS = st.dictionaries(st.sampled_from(["objects", "lighting", "context", "<b>"]), VALUES, max_size=3)


@settings(max_examples=60, deadline=None)
@given(CAPTIONS, CAPTIONS)
def test_every_page_is_well_formed(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = compare({"studioflow": "1.0", "caption": before}, {"studioflow": "1.0", "caption": after})
    _Page(found.html(str(before)))
