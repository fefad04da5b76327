"""Names of files: what a pattern becomes, what it must never become, and what is there already."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from studioflow.delivery.menus import IF_EXISTS, OVERWRITE, REFUSE
from studioflow.delivery.naming import (
    NUMBER_FIELDS,
    TEXT_FIELDS,
    Place,
    check_pattern,
    fields_of,
    place,
    safe,
)
from studioflow.errors import DeliveryError, PathError, StudioFlowError

NOW = datetime(2026, 3, 1, 14, 30, 5)
TEXTS = {"sku": "NL-220", "title": "Hand grinder", "author": "Mira Sand", "preset": "Web: sRGB WebP", "model": "a/b"}


def named(root: Path, pattern: str, texts: dict[str, str] = TEXTS, **options: Any) -> Place:
    given: dict[str, Any] = {"size": (640, 480), "count": 1, "now": NOW, **options}
    return place(root, pattern, texts, **given)


def names(root: Path, pattern: str, texts: dict[str, str] = TEXTS, **options: Any) -> list[str]:
    """As paths below the root."""
    found = named(root, pattern, texts, **options)
    return [(found.folder / stem).relative_to(root).as_posix() for stem in found.stems]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("{sku}/{title}.{frame:04}", "NL-220/Hand grinder.0001"),
        ("a/{title}_{version:03}", "a/Hand grinder_001"),
        ("{frame}{frame:02}{frame:06}", "101000001"),
        ("{seed:012}", "000000000022"),
        ("{model}-{seed}", "a_b-22"),
        ("{preset}_{seed}", "Web_ sRGB WebP_22"),
        ("{date}_{time}", "2026-03-01_14-30-05_00001_"),
        ("{width}x{height}_{count}", "640x480_1_00001_"),
        ("%year%-%month%-%day% %hour%%minute%%second% %width%x%height% %other%",
         "2026-03-01 143005 640x480 %other%_00001_"),
        ("plain", "plain_00001_"),
        ("shots//./x/../hero/", "shots/hero_00001_"),
        ("größe × 大", "größe × 大_00001_"),
    ],
)  # fmt: skip
def test_patterns(tmp_path: Path, pattern: str, expected: str) -> None:
    assert names(tmp_path, pattern, seeds=[22]) == [expected]
    assert not list(tmp_path.iterdir())


def test_fields_of_a_shot() -> None:
    shot = {
        "studioflow": "1.0",
        "scene": {"description": "x"},
        "meta": {"sku": "S", "title": "T", "author": "A"},
        "render": {"model": "fibo-2", "seed": 0},
    }
    found = fields_of(shot, {}, "PNG")
    assert found.pop("manifest_id") and found == {
        "sku": "S", "title": "T", "author": "A", "model": "fibo-2", "preset": "PNG",
    }  # fmt: skip
    assert fields_of(shot, {"model": "mine"}, "")["model"] == "mine"
    assert re.fullmatch("[0-9a-f]{8}", fields_of(shot, {}, "")["manifest_id"])
    assert fields_of(None, {}, "") == {}


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("{sk}", r'did you mean "sku"'),
        ("{frame:4}", r"write \{frame:04\}"),
        ("{frame:0x}", "no such field"),
        ("{title:04}", "only numbers have a width"),
        ("{sku.__class__}", "no such field"),
        ("{sku[0]}", "no such field"),
        ("{0}", "no such field"),
        ("{}", "no such field"),
        ("{sku!r}", "no such field"),
        ("{ sku }", "no such field"),
        ("{frame:{width}}", "brace|no such field"),
        ("a{b", "a brace that belongs to no field"),
        ("a}b", "a brace that belongs to no field"),
        ("{{sku}}", "a brace that belongs to no field"),
        ("", "the name is empty"),
        (" ", "the name is empty"),
        (".", "the name is empty"),
        ("a\nb", "cannot be seen"),
        ("{sku}\x1b[2J", "cannot be seen"),
        ("x/\u202egnp.a", "cannot be seen"),
    ],
)
def test_patterns_that_are_none(tmp_path: Path, pattern: str, told: str) -> None:
    with pytest.raises(DeliveryError, match=told) as caught:
        check_pattern(pattern)
    assert caught.value.found and caught.value.allowed
    with pytest.raises(DeliveryError, match=told):
        named(tmp_path, pattern)


def test_what_the_shot_does_not_say_is_told(tmp_path: Path) -> None:
    for field in (*TEXT_FIELDS, "seed"):
        if field not in ("date", "time"):
            with pytest.raises(DeliveryError, match=f"no {field}") as caught:
                named(tmp_path, f"x_{{{field}}}", {})
            assert "out of the name" in caught.value.fix
    for field in NUMBER_FIELDS:
        if field != "seed":
            assert named(tmp_path, f"x_{{{field}:03}}", {})


# ---------------------------------------------------------------- safe on every system

HOSTILE = [
    "../../etc/passwd", "..", ".", "", "/", "\\", "a/b\\c:d*e?f\"g<h>i|j", "nul", "CON", "com1.txt", "LPT9", "aux .x",
    "COM¹", "conout$", "trailing.", "trailing ", " . ", "\0", "line\nbreak", "\x1b[31m", "\u202egnp.exe", "\ud800",
    "x" * 5000, "大" * 500, "é" * 200, "e\u0301", ".hidden", "{sku}", "%year%", "a\u2028b", "-rf", "~", "👩‍👩‍👧",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("pattern", ["{title}/{title}", "x/{title}", "{title}.{sku}", "{title}{title}"])
def test_no_value_makes_a_name_that_a_system_refuses(tmp_path: Path, value: str, pattern: str) -> None:
    texts = {"title": value, "sku": value}
    for policy in IF_EXISTS:
        found = named(tmp_path, pattern, texts, if_exists=policy, room=len(".manifest.json"))
        path = found.folder / f"{found.stems[0]}.manifest.json"
        parts = path.relative_to(tmp_path).parts
        assert len(parts) == pattern.count("/") + 1
        for part in parts:
            assert len(part.encode("utf-8")) <= 255 and part == unicodedata.normalize("NFC", part)
            assert not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u202a-\u202e]', part)
            assert not part.endswith((".", " ")) and part not in ("", ".", "..")
            stem = part.split(".")[0].strip().upper()
            assert not re.fullmatch(r"CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]", stem)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("it can be written")


def test_values_that_are_fine_stay_as_they_are() -> None:
    for value in ("Hand grinder, hero", "größe × 大", "v1.2", "50%", "a+b=c", "I'm", "👩‍👩‍👧", "नमस्ते", "control"):
        assert safe(value) == unicodedata.normalize("NFC", value)
    assert safe("e\u0301") == "é"
    assert safe("大" * 100) == "大" * 40


@pytest.mark.parametrize(
    "pattern", ["../out", "/tmp/out", "a/../../out", "../{version}", "../{sku}", "{sku}/../../x", "/{sku}/x"]
)
def test_a_name_that_leaves_the_root_is_refused(tmp_path: Path, pattern: str) -> None:
    for policy in IF_EXISTS:
        with pytest.raises(PathError, match="leaves the output folder"):
            named(tmp_path / "root", pattern, if_exists=policy)


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    for pattern in ("link/x", "link/{version}"):
        with pytest.raises(PathError, match="leaves the output folder"):
            named(root, pattern)


def test_a_name_that_is_too_long_with_its_ending_is_refused(tmp_path: Path) -> None:
    room = len(".manifest.json")
    longest = "x" * (255 - room - len("..part"))
    assert names(tmp_path, longest, if_exists=REFUSE, room=room) == [longest]
    (tmp_path / f".{longest}.manifest.json.part").write_text("the longest name on the way")
    with pytest.raises(DeliveryError, match="too long"):
        named(tmp_path, longest + "x", if_exists=REFUSE, room=room)
    with pytest.raises(DeliveryError, match="too long"):
        named(tmp_path, "大" * 90 + "/x")


# ---------------------------------------------------------------- several pictures, and what is there


def test_sequences(tmp_path: Path) -> None:
    assert names(tmp_path, "a.{frame:04}", count=3, first_frame=99) == ["a.0099", "a.0100", "a.0101"]
    assert named(tmp_path, "a.{frame:04}", count=2, first_frame=0).frames == (0, 1)
    assert names(tmp_path, "{seed}", count=2, seeds=[8, 7]) == ["8", "7"]
    assert names(tmp_path, "{title}", count=2) == ["Hand grinder_00001_", "Hand grinder_00002_"]
    assert named(tmp_path, "a", count=2).frames == (None, None)


@pytest.mark.parametrize(
    ("pattern", "options", "told"),
    [
        ("a_v{version}", {}, "several pictures would have one name"),
        ("a", {"if_exists": REFUSE}, "several pictures would have one name"),
        ("a_{title}", {"if_exists": OVERWRITE}, "several pictures would have one name"),
        ("a_{seed}", {"seeds": [4, 4]}, "several pictures would have one name"),
        ("a_{seed}", {"seeds": [4]}, "no seed"),
        ("{frame}/a", {}, "one folder"),
        ("{seed}/a", {"seeds": [1, 2]}, "one folder"),
    ],
)
def test_several_pictures_need_names_of_their_own(
    tmp_path: Path, pattern: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(DeliveryError, match=told):
        named(tmp_path, pattern, count=2, **options)


def test_numbers_go_on_as_in_comfyuis_own_nodes(tmp_path: Path) -> None:
    for name in ("a_00007_.png", "a_00012_x.json", "A_00099_.png", "a_b_00050_.png", "a_x_.png", "ab_00070_.png"):
        (tmp_path / name).touch()
    assert names(tmp_path, "a", count=2) == ["a_00013_", "a_00014_"]


def test_a_version_is_new_for_the_whole_delivery(tmp_path: Path) -> None:
    for name in ("a_v001.0001.exr", "a_v004.0900.png", "a_v0100.0001.png", "b_v700.0001.exr", "xa_v900.0001.exr"):
        (tmp_path / name).touch()
    assert names(tmp_path, "a_v{version:03}.{frame:04}", count=2) == ["a_v101.0001", "a_v101.0002"]
    assert names(tmp_path, "a_v{version:03}.{frame:04}", if_exists=OVERWRITE) == ["a_v100.0001"]
    assert names(tmp_path, "c_v{version}", if_exists=OVERWRITE) == ["c_v1"]
    (tmp_path / "NL-220" / "v003").mkdir(parents=True)
    assert names(tmp_path, "{sku}/v{version:03}/{title}_v{version:03}") == ["NL-220/v004/Hand grinder_v004"]


def test_unicode_of_another_form_is_the_same_name(tmp_path: Path) -> None:
    (tmp_path / (unicodedata.normalize("NFD", "é") + "_v002.png")).touch()
    assert names(tmp_path, "{title}_v{version:03}", {"title": "é"}) == ["é_v003"]


def test_a_file_where_a_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for pattern in ("file/a", "file/a_{version}"):
        with pytest.raises(PathError, match="cannot be used"):
            named(tmp_path, pattern)


def test_an_unknown_policy_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudioFlowError, match='did you mean "refuse"'):
        named(tmp_path, "a", if_exists="refused")
