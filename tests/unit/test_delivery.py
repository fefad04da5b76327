"""Delivered files are whole, carry their documents, and other programs read the same pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studioflow.errors import DeliveryError
from studioflow.imaging.color import linear_to_srgb, srgb_to_linear
from studioflow.imaging.delivery import Documents, deliver, presets

MANIFEST = {"studioflow": "1.0", "scene": {"description": "größe × 大"}}
WORKFLOW = {"prompt": {"1": {"class_type": "x"}}, "workflow": {"nodes": ["ü"]}}


def documents(**changes: object) -> Documents:
    values = {
        "manifest": MANIFEST,
        "caption": '{"context":"大"}',
        "provenance": {"seeds": [5, 6]},
        "workflow": WORKFLOW,
    }
    return Documents(**(values | changes))


def ramp(channels: int = 3) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.random((40, 56, channels), dtype=np.float32)


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_writes_every_file_of_every_picture(tmp_path: Path) -> None:
    files = deliver([ramp(), ramp()], documents(), folder=tmp_path / "new", stem="hero", first=7, preset="PNG + EXR")
    expected = [
        f"hero_0000{number}_.{kind}" for number in (7, 8) for kind in ("png", "exr", "manifest.json", "caption.json")
    ]
    assert names(files) == expected == sorted(expected, key=expected.index)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(expected)
    assert json.loads(files[2].read_text(encoding="utf-8")) == MANIFEST
    assert files[3].read_text(encoding="utf-8") == '{"context":"大"}\n'


@pytest.mark.parametrize("channels", [3, 4])
def test_png_reads_back_to_the_level_and_carries_its_documents(tmp_path: Path, channels: int) -> None:
    pixels = ramp(channels)
    deliver([pixels], documents(), folder=tmp_path, stem="a", first=1, preset="PNG")
    with Image.open(tmp_path / "a_00001_.png") as picture:
        assert np.array_equal(np.asarray(picture), np.rint(pixels * 255).astype(np.uint8))
        texts = picture.text
    assert json.loads(texts["studioflow:manifest"]) == MANIFEST
    assert texts["studioflow:caption"] == '{"context":"大"}'
    assert json.loads(texts["studioflow:provenance"]) == {"seed": 5}
    assert json.loads(texts["workflow"]) == WORKFLOW["workflow"] and texts["workflow"].isascii()
    assert json.loads(texts["prompt"]) == WORKFLOW["prompt"]


def test_exr_is_half_float_linear_and_carries_its_documents(tmp_path: Path) -> None:
    import OpenEXR

    pixels = ramp()
    deliver([pixels], documents(), folder=tmp_path, stem="a", first=1, preset="EXR")
    with OpenEXR.File(str(tmp_path / "a_00001_.exr")) as file:
        header, stored = dict(file.header()), file.channels()["RGB"].pixels
    assert stored.dtype == np.float16
    assert np.array_equal(stored, srgb_to_linear(pixels).astype(np.float16))
    assert json.loads(header["studioflow:manifest"]) == MANIFEST
    assert "no highlights above 1" in header["studioflow:range"]
    assert header["chromaticities"] == pytest.approx((0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290))


def test_exr_keeps_what_lies_outside_0_and_1(tmp_path: Path) -> None:
    import OpenEXR

    pixels = np.array([[[-0.25, 0.5, 3.0]]], dtype=np.float32)
    deliver([pixels], documents(), folder=tmp_path, stem="a", first=1, preset="EXR")
    with OpenEXR.File(str(tmp_path / "a_00001_.exr")) as file:
        red, green, blue = file.channels()["RGB"].pixels[0, 0].astype(float)
    assert red < 0 and green == pytest.approx(0.2140, abs=1e-3) and blue > 10


def test_exr_alpha_is_premultiplied(tmp_path: Path) -> None:
    import OpenEXR

    pixels = np.array([[[1.0, 1.0, 1.0, 0.25]]], dtype=np.float32)
    deliver([pixels], documents(), folder=tmp_path, stem="a", first=1, preset="EXR")
    with OpenEXR.File(str(tmp_path / "a_00001_.exr")) as file:
        assert file.channels()["RGBA"].pixels[0, 0].tolist() == [0.25, 0.25, 0.25, 0.25]


def test_srgb_values_of_the_standard() -> None:
    assert srgb_to_linear(np.array([0.0, 0.04045, 0.5, 1.0])) == pytest.approx([0, 0.0031308, 0.214041, 1], abs=1e-6)
    values = np.linspace(-2, 4, 1001, dtype=np.float32)
    assert linear_to_srgb(srgb_to_linear(values)) == pytest.approx(values, abs=1e-5)


def test_no_workflow_where_metadata_is_off_and_no_caption_file_without_a_caption(tmp_path: Path) -> None:
    files = deliver([ramp()], documents(caption="", workflow={}), folder=tmp_path, stem="a", first=1, preset="PNG")
    assert names(files) == ["a_00001_.png", "a_00001_.manifest.json"]
    with Image.open(files[0]) as picture:
        assert set(picture.text) == {"studioflow:manifest", "studioflow:provenance"}


def test_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(DeliveryError, match="no file was left"):
        deliver([ramp()], documents(), folder=blocked / "sub", stem="a", first=1, preset="PNG + EXR")
    assert list(tmp_path.iterdir()) == [blocked]


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import studioflow.imaging.delivery as delivery

    def full_disk(path: Path, **_: object) -> None:
        path.write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(delivery.WRITERS, "exr", full_disk)
    with pytest.raises(DeliveryError, match="No space left"):
        deliver([ramp(), ramp()], documents(), folder=tmp_path, stem="a", first=1, preset="PNG + EXR")
    assert list(tmp_path.iterdir()) == []


def test_being_stopped_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import studioflow.imaging.delivery as delivery

    def stopped(path: Path, **_: object) -> None:
        path.write_bytes(b"half a picture")
        raise KeyboardInterrupt

    monkeypatch.setitem(delivery.WRITERS, "exr", stopped)
    with pytest.raises(KeyboardInterrupt):
        deliver([ramp()], documents(), folder=tmp_path, stem="a", first=1, preset="PNG + EXR")
    assert list(tmp_path.iterdir()) == []


def test_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "a_00001_.exr").write_text("mine")
    with pytest.raises(DeliveryError, match="already there"):
        deliver([ramp()], documents(), folder=tmp_path, stem="a", first=1, preset="PNG + EXR")
    assert [path.name for path in tmp_path.iterdir()] == ["a_00001_.exr"]
    assert (tmp_path / "a_00001_.exr").read_text() == "mine"


def test_unknown_preset(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r'did you mean "PNG"'):
        deliver([ramp()], documents(), folder=tmp_path, stem="a", first=1, preset="PNGs")
    assert list(presets()) == ["PNG + EXR", "PNG", "EXR"]
