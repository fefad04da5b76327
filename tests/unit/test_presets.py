"""Presets: what ships, what people add, what a manifest asks for, and the error of each fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from studioflow.delivery.menus import AS_MANIFEST, SAMPLES, preset_names
from studioflow.delivery.presets import (
    entry_of,
    files_of,
    own_presets,
    shipped_presets,
    spec_of,
    state_of,
)
from studioflow.errors import DeliveryError, StudioFlowError
from studioflow.imaging.formats import FORMATS
from studioflow.imaging.menus import EXR_COMPRESSIONS, TIFF_COMPRESSIONS
from studioflow.manifest import rules_for, schema, validate
from studioflow.resources import shipped, table

SHIPPED = [
    "PNG + EXR", "PNG", "EXR", "Compositing: ACEScg half EXR", "Compositing: Linear Rec.709 float EXR, multi-part",
    "Retouch: Adobe RGB 16-bit TIFF", "Retouch: Display P3 16-bit TIFF", "Web: sRGB AVIF + JPEG", "Web: sRGB WebP",
    "Archive: AP0 EXR", "Print: Adobe RGB 16-bit TIFF, 300 dpi", "Everything: PNG, TIFF, EXR, AVIF",
]  # fmt: skip
MINE = {"Agency: proof": {"files": [{"format": "jpeg", "quality": 70, "suffix": "_proof"}], "use": "to the agency"}}


def manifest(*export: dict[str, Any]) -> dict[str, Any]:
    return {"studioflow": "1.0", "scene": {"description": "x"}, "export": list(export)}


def own(folder: Path, document: Any, name: str = "mine.json") -> Path:
    text = document if isinstance(document, str) else json.dumps(document)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


# ---------------------------------------------------------------- what ships


def test_names_are_forever() -> None:
    assert list(shipped_presets()) == SHIPPED
    assert preset_names() == [*SHIPPED, AS_MANIFEST]


def test_the_first_presets_mean_what_they_always_did() -> None:
    png, exr = files_of("PNG + EXR")
    assert files_of("PNG") == [png] and files_of("EXR") == [exr]
    assert (png.format, png.bit_depth, png.color_space) == ("png", 8, "sRGB")
    assert (exr.bit_depth, exr.compression, exr.color_space) == (16, "zip", "Linear Rec.709")


def test_the_table_follows_the_schema_by_another_validator() -> None:
    import referencing

    resources = [
        (name, referencing.Resource.from_contents(schema(name), referencing.jsonschema.DRAFT202012))
        for name in ("manifest.schema.json", "caption.schema.json")
    ]
    rule = json.loads((shipped("schemas") / "presets.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(rule)
    reference = jsonschema.Draft202012Validator(rule, registry=referencing.Registry().with_resources(resources))
    assert not list(reference.iter_errors(table("delivery/presets.json")))
    assert not list(reference.iter_errors(MINE))
    assert list(reference.iter_errors({"x": {"files": [{"preset": "PNG"}]}}))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_preset_is_what_a_manifest_could_ask_for(name: str) -> None:
    entries = shipped_presets()[name].files
    validate(manifest(*entries))
    assert (
        files_of(AS_MANIFEST, manifest(*entries)) == files_of(name) == files_of(AS_MANIFEST, manifest({"preset": name}))
    )
    assert shipped_presets()[name].use


def test_menus_offer_what_the_schema_allows() -> None:
    def options(kind: str) -> set[str]:
        return next(
            set(branch["properties"]["compression"]["enum"])
            for rule in rules_for(["export", 0])
            for branch in rule.get("oneOf", [])
            if branch["properties"].get("format", {}).get("const") == kind
        )

    assert options("exr") == set(EXR_COMPRESSIONS)
    assert options("tiff") == set(TIFF_COMPRESSIONS)
    for kind in FORMATS:
        validate(manifest({"format": kind}))
        assert files_of(AS_MANIFEST, manifest({"format": kind}))[0].format == kind


def test_samples_of_menus_are_entries() -> None:
    specs = {name: spec_of(entry_of("tiff", name)) for name in SAMPLES}
    assert {name: (spec.bit_depth, spec.is_float) for name, spec in specs.items()} == {
        "8-bit": (8, False), "16-bit": (16, False), "half": (16, True), "float": (32, True),
    }  # fmt: skip
    for name in ("half", "float"):
        validate(manifest(entry_of("exr", name)))
    with pytest.raises(StudioFlowError, match='did you mean "half"'):
        entry_of("exr", "halff")


# ---------------------------------------------------------------- what a manifest asks for


def test_an_export_names_files_and_presets() -> None:
    specs = files_of(AS_MANIFEST, manifest({"format": "tiff", "dpi": 150}, {"preset": "Web: sRGB AVIF + JPEG"}))
    assert [(spec.format, spec.dpi, spec.quality) for spec in specs] == [
        ("tiff", 150, 90), ("avif", 0, 80), ("jpeg", 0, 90),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("export", "where", "told"),
    [
        (None, "/export", "does not say which files"),
        ([], "/export", "does not say which files"),
        ([{"format": "exr", "color_space": "sRGB"}], "/export/0/color_space", "does not fit"),
        ([{"format": "exr", "color_space": "ACEScct"}], "/export/0/color_space", "does not fit"),
        ([{"format": "png"}, {"format": "png", "color_space": "sRBG"}], "/export/1/color_space", 'mean "sRGB"'),
        ([{"format": "png", "color_space": "data"}], "/export/0/color_space", "does not fit"),
        ([{"preset": "Web: sRGB Web"}], "/export/0/preset", 'did you mean "Web: sRGB WebP"'),
        ([{"preset": AS_MANIFEST}], "/export/0/preset", "cannot name itself"),
        ([{"format": "tiff", "bit_depth": 8, "sample": "float"}], "/export/0/sample", "float of 8 bits"),
        ([{"format": "tiff", "bit_depth": 32, "sample": "integer"}], "/export/0/sample", "integer of 32 bits"),
    ],
)  # fmt: skip
def test_an_export_that_cannot_be_written_is_told_with_its_place(export: Any, where: str, told: str) -> None:
    shot = {"studioflow": "1.0", "scene": {}} | ({} if export is None else {"export": export})
    with pytest.raises(DeliveryError) as caught:
        files_of(AS_MANIFEST, shot)
    assert caught.value.place.pointer == where and told in str(caught.value)


def test_unknown_preset() -> None:
    with pytest.raises(DeliveryError, match=r'did you mean "PNG"'):
        files_of("PNGs")


# ---------------------------------------------------------------- people's own


def test_a_preset_of_ones_own_is_in_the_menu_and_works(tmp_path: Path) -> None:
    own(tmp_path, {"$schema": "presets.schema.json", "_note": 1} | MINE)
    assert preset_names(tmp_path) == [*SHIPPED, AS_MANIFEST, "Agency: proof"]
    (spec,) = files_of("Agency: proof", None, tmp_path)
    assert (spec.format, spec.quality, spec.suffix) == ("jpeg", 70, "_proof")
    (again,) = files_of(AS_MANIFEST, manifest({"preset": "Agency: proof"}), tmp_path)
    assert again == spec
    before = state_of("Agency: proof", tmp_path)
    own(tmp_path, MINE | {"Another": {"files": [{"format": "png"}]}})
    assert state_of("Agency: proof", tmp_path) != before and state_of("PNG", tmp_path) == "PNG"


@pytest.mark.parametrize(
    ("document", "pointer", "told"),
    [
        ({"A": {"fils": []}}, "/A", "fils"),
        ({"A": {"files": []}}, "/A/files", "no delivery presets"),
        ({"A": [{"format": "png"}]}, "/A", "no delivery presets"),
        ({"A": {"files": [{"format": "png"}], "use": 3}}, "/A/use", "no delivery presets"),
        ({"A": {"files": [{"format": "exr", "bit_depth": 8}]}}, "/A/files/0/bit_depth", "allowed: 16, 32"),
        ({"A": {"files": [{"format": "png"}, {"format": "tiff", "dpy": 3}]}}, "/A/files/1/dpy", 'did you mean "dpi"'),
        ({"A": {"files": [{"format": "exrr"}]}}, "/A/files/0/format", 'did you mean "exr"'),
        ({"A": {"files": [{"preset": "PNG"}]}}, "/A/files/0/preset", "cannot hold another preset"),
        ({"A": {"files": [{"format": "exr", "color_space": "sRGB"}]}}, "/A/files/0/color_space", "does not fit"),
        ({"PNG": {"files": [{"format": "png"}]}}, "/PNG", "there already"),
        ({AS_MANIFEST: {"files": [{"format": "png"}]}}, f"/{AS_MANIFEST}", "there already"),
        ([], "/", "no delivery presets"),
        ('{"A": {"files": [{"format": "png"},]}}', "", "not JSON"),
        ('{"A": {"files": [{"format": "png"}]}, "A": {"files": []}}', "/A", "twice"),
    ],
)
def test_a_fault_in_a_file_is_told_with_file_and_place(tmp_path: Path, document: Any, pointer: str, told: str) -> None:
    own(tmp_path, document)
    preset_names(tmp_path)
    with pytest.raises(StudioFlowError) as caught:
        files_of("A", None, tmp_path)
    assert str(tmp_path / "mine.json") in str(caught.value) and told in str(caught.value)
    assert caught.value.place.pointer == pointer
    # What ships works all the same.
    assert files_of("PNG", None, tmp_path)


def test_a_name_stands_in_one_file(tmp_path: Path) -> None:
    own(tmp_path, MINE)
    own(tmp_path, MINE, "other.json")
    with pytest.raises(DeliveryError, match=r"there already(?s:.)*mine\.json"):
        own_presets(tmp_path)


def test_a_broken_file_does_not_keep_the_menu_from_opening(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own(tmp_path, "{", "a.json")
    own(tmp_path, MINE, "b.json")
    own(tmp_path, "[1]", "c.json")
    (tmp_path / "d.json").write_bytes(b"\xff\xfe")
    own(tmp_path, "[" * 200_000, "e.json")
    assert preset_names(tmp_path)[-1] == "Agency: proof"
    assert all(f"{name}.json" in caplog.text for name in "acde")
    assert preset_names(tmp_path / "none") == [*SHIPPED, AS_MANIFEST]


def test_the_menu_needs_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from studioflow.delivery.menus import preset_names; preset_names();"
        "print({'numpy', 'jsonschema_rs', 'PyOpenColorIO', 'torch', 'OpenEXR'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
