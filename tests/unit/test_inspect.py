"""What Inspect File says of a file, against numpy's own count and sha256sum's format."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image

from studioflow.cli import main
from studioflow.errors import StudioFlowError
from studioflow.imaging import inspect as inspecting
from studioflow.imaging.inspect import checksum, inspect, report
from studioflow.manifest import content_id

MANIFEST = {"studioflow": "1.0", "meta": {"title": "Cup"}, "scene": {"description": "A cup."}}
CAPTION = json.dumps({"short_description": "A stoneware cup. " * 20})


@pytest.fixture
def exr(tmp_path: Path) -> Path:
    random = np.random.default_rng(3)
    pixels = random.uniform(-0.5, 2, (31, 47, 4)).astype(np.float32)
    pixels[..., 3] = 1
    pixels[3, 4], pixels[5, 6, 0], pixels[7, 8, 1] = (np.nan, np.nan, np.nan, 1), np.inf, -np.inf
    header = {
        "studioflow:manifest": json.dumps(MANIFEST),
        "studioflow:caption": CAPTION,
        "studioflow:seed": "7",
        "studioflow:model": "fibo-2 abc",
        "studioflow:range": "display-referred, linearised; not HDR",
        "workflow": "{}",
        "nominalFocalLength": 85.0,
        "cameraPosition": np.array([0, 1.5, 2], np.float32),
        "owner": "A. Nobody",
    }
    OpenEXR.File(header, {"RGBA": pixels, "depth.Z": pixels[..., 2].copy()}).write(str(tmp_path / "a.exr"))
    return tmp_path / "a.exr"


@pytest.mark.parametrize("band", [1, 1 << 24])
def test_ranges_are_numpys(exr: Path, band: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "_BAND_VALUES", band)
    with OpenEXR.File(str(exr)) as file:
        pixels = file.channels()["RGBA"].pixels[..., :3].copy()
    beauty, depth = inspect(exr)["layers"]
    finite = pixels[np.isfinite(pixels)]
    assert (beauty["min"], beauty["max"]) == (finite.min(), finite.max())
    assert beauty["mean"] == pytest.approx(finite.mean(dtype=np.float64))
    assert (beauty["nan"], beauty["infinite"]) == (3, 2)
    assert (beauty["above_1"], beauty["below_0"]) == ((pixels > 1).sum(), (pixels < 0).sum())
    assert (beauty["alpha_min"], beauty["alpha_max"], depth["alpha_min"]) == (1, 1, None)
    assert (depth["name"], depth["channels"], depth["space"], depth["nan"]) == ("depth", 1, "data", 1)


def test_a_report_names_all_there_is(exr: Path) -> None:
    text = report(exr)
    for line in (
        "a.exr: EXR, 47 × 31",
        "stored: 32-bit float, compression zip, alpha associated",
        "colour space: Linear Rec.709 (assumed)",
        "layer beauty (RGBA): ",
        "3 NaN, 2 infinite",
        "layer depth (1 channel, data): ",
        f"manifest: Cup, content id {content_id(MANIFEST)[:12]}",
        "seed: 7",
        "model: fibo-2 abc",
        "caption: A stoneware cup. A stoneware cup. ",
        "range: display-referred, linearised; not HDR",
        "workflow of ComfyUI: yes, prompt: no",
        "checksum: none",
        "nominalFocalLength: 85",
        "cameraPosition: 0 1.5 2",
        "owner: A. Nobody",
        "note: the file does not say its colour space",
    ):
        assert line in text, line
    assert max(map(len, text.splitlines())) < 220


def test_every_format_is_reported(tmp_path: Path) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8, endpoint=True))
    for suffix in ("png", "webp", "avif", "jpg"):
        picture.save(tmp_path / f"a.{suffix}", dpi=(300, 300))
    tifffile.imwrite(
        tmp_path / "a.tif", np.asarray(picture), photometric="rgb", resolution=(240, 240), resolutionunit="inch",
        compression="lzw", software="a program", metadata=None,
    )  # fmt: skip
    found = {suffix: inspect(tmp_path / f"a.{suffix}") for suffix in ("png", "webp", "avif", "jpg", "tif")}
    assert {suffix: one["format"] for suffix, one in found.items()} == {
        "png": "PNG", "webp": "WebP", "avif": "AVIF", "jpg": "JPEG", "tif": "TIFF",
    }  # fmt: skip
    for one in found.values():
        assert (one["width"], one["height"], one["alpha"]) == (30, 20, "none")
        assert one["layers"][0]["above_1"] == one["layers"][0]["below_0"] == 0
    assert [round(found[suffix]["dpi"]) for suffix in ("png", "jpg", "tif")] == [300, 300, 240]
    assert found["tif"]["tags"]["Software"] == "a program" and found["tif"]["compression"] == "lzw"
    json.dumps(found)


def test_a_manifest_that_is_broken_is_said_to_be(tmp_path: Path) -> None:
    OpenEXR.File({"studioflow:manifest": '{"studioflow": "1.0", "scen'}, {"Y": np.zeros((4, 4), np.float32)}).write(
        str(tmp_path / "a.exr")
    )
    assert inspect(tmp_path / "a.exr")["documents"]["manifest"].startswith("not usable: ")


def test_checksum_of_the_file_beside_it(exr: Path) -> None:
    digest = hashlib.sha256(exr.read_bytes()).hexdigest()
    sidecar = exr.with_name("a.sha256")
    sidecar.write_text(f"{'0' * 64}  b.exr\n{digest}  a.exr\n")
    assert checksum(exr) == "ok (a.sha256)"
    sidecar.write_text(f"{digest.upper()} *a.exr\n")
    assert checksum(exr) == "ok (a.sha256)"
    exr.write_bytes(exr.read_bytes() + b"x")
    assert checksum(exr) == "differs (a.sha256)"
    sidecar.write_text(f"{digest}  b.exr\n")
    assert checksum(exr) == "none"


def test_the_command(exr: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(exr)]) == 0
    assert capsys.readouterr().out.rstrip("\n") == report(exr)
    assert main(["inspect", "--json", str(exr)]) == 0
    assert json.loads(capsys.readouterr().out) == inspect(exr)
    (tmp_path / "a.txt").write_text("words")
    assert main(["inspect", str(tmp_path / "a.txt")]) == 1
    assert "error: a.txt: this is no picture" in capsys.readouterr().err
    with pytest.raises(StudioFlowError):
        inspect(tmp_path / "absent.exr")
