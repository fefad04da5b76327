"""TIFF files are read to the level, and tag by tag, by programs that nobody here wrote: OpenImageIO, libvips, ffmpeg,
Pillow, and exiftool and tiffinfo where they are installed. Photoshop itself cannot be run by a test."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np
import OpenImageIO as oiio
import pytest
import pyvips
import tifffile
from PIL import Image

from studioflow.bands import bands_of, on_all_cores
from studioflow.color.convert import convert
from studioflow.color.spaces import DATA
from studioflow.errors import StudioFlowError
from studioflow.imaging import tiff
from studioflow.imaging.icc import profile_of
from studioflow.imaging.sheet import FileSpec, Layer
from studioflow.imaging.tiff import write_tiff
from studioflow.manifest.load import load

from .tagged_sheets import FACTS, MANIFEST, darker, layered, noise, sheet

COMPRESSIONS = ["none", "lzw", "zip", "zstd"]
KINDS = {"uint8": (8, False), "uint16": (16, False), "float16": (16, True), "float32": (32, True)}


def spec(kind: str = "uint16", compression: str = "zip", **more: Any) -> FileSpec:
    bits, is_float = KINDS[kind]
    return FileSpec("tiff", "Adobe RGB", bit_depth=bits, is_float=is_float, compression=compression, **more)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small picture is many strips."""
    monkeypatch.setattr(tiff, "_BAND_BYTES", 1 << 12)


def stored(values: np.ndarray, kind: str) -> np.ndarray:
    """What the file must hold, said again in float64."""
    if kind.startswith("float"):
        return values.astype(kind)
    return np.rint(np.clip(values, 0, 1) * np.float32(np.iinfo(kind).max)).astype(kind)


def by_openimageio(path: Path, page: int = 0) -> np.ndarray:
    wish = oiio.ImageSpec()
    wish["oiio:UnassociatedAlpha"] = 1
    file = oiio.ImageInput.open(str(path), wish)
    assert file, oiio.geterror()
    channels = file.spec(page, 0).nchannels
    pixels = file.read_image(page, 0, 0, channels, file.spec(page, 0).format)
    file.close()
    return pixels


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_read_to_the_bit(tmp_path: Path, kind: str, compression: str, channels: int) -> None:
    made, path = layered(channels, high=1.1), tmp_path / "a.tif"
    notes = write_tiff(path, made, spec(kind, compression, layers="pages"))
    for page, layer in enumerate(made.layers):
        expected = stored(layer.pixels if layer.is_data else darker(layer.pixels, "sRGB"), kind)
        assert np.array_equal(tifffile.imread(path, key=page).reshape(expected.shape), expected), layer.name
        # The wheels of OpenImageIO and libvips are built without ZSTD.
        if compression != "zstd":
            assert np.array_equal(by_openimageio(path, page), expected), layer.name
            found = pyvips.Image.new_from_file(str(path), page=page).numpy().reshape(expected.shape)
            assert np.array_equal(found, expected.astype(found.dtype)), layer.name
    assert any("clipped" in note for note in notes) == kind.startswith("uint")
    assert any("ZSTD" in note for note in notes) == (compression == "zstd")


@pytest.mark.parametrize(
    ("kind", "compression"), [("uint8", "lzw"), ("uint16", "zip"), ("uint16", "none"), ("float32", "zip")]
)
def test_ffmpeg_reads_the_same(tmp_path: Path, kind: str, compression: str) -> None:
    made, path = layered(3), tmp_path / "a.tif"
    write_tiff(path, made, spec(kind, compression))
    with av.open(str(path)) as file:
        frame = next(file.decode(video=0))
    if kind == "float32":
        # PyAV gives no array of rgbf32le.
        plane = np.frombuffer(frame.planes[0], "<f4").reshape(frame.height, -1)[:, : frame.width * 3]
        found = plane.reshape(frame.height, frame.width, 3)
    else:
        found = frame.to_ndarray()
    assert np.array_equal(found, stored(darker(made.picture.pixels, "sRGB"), kind))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_pillow_reads_the_same_and_the_profile(tmp_path: Path, compression: str) -> None:
    made, path = layered(3), tmp_path / "a.tif"
    write_tiff(path, made, spec("uint8", compression, dpi=300))
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), stored(darker(made.picture.pixels, "sRGB"), "uint8"))
        assert picture.info["icc_profile"] == profile_of("Adobe RGB")
        assert picture.info["dpi"] == (300, 300)
        assert picture.tag_v2[315].encode("latin-1").decode() == FACTS.author
        assert picture.tag_v2[306] == "2026:03:04 05:06:07"


def test_floats_are_never_clipped(tmp_path: Path) -> None:
    values = np.array([-4.0, 0.0, 1.5, 1000.0, 70000.0, np.nan, np.inf], np.float32)
    pixels = np.repeat(values, 3).reshape(1, -1, 3)
    made = sheet(pixels)._replace(transform=lambda band, _: band.copy())
    kept = [
        'layer "beauty": 14.3 % of the values were not numbers (NaN) and stayed so',
        'layer "beauty": 14.3 % of the values were infinite and stayed so',
    ]
    assert write_tiff(tmp_path / "a.tif", made, spec("float32", "none")) == kept
    assert np.array_equal(by_openimageio(tmp_path / "a.tif"), pixels, equal_nan=True)
    notes = write_tiff(tmp_path / "b.tif", made, spec("float16", "none"))
    with np.errstate(over="ignore"):
        assert np.array_equal(by_openimageio(tmp_path / "b.tif"), pixels.astype("f2"), equal_nan=True)
    too_large = 'layer "beauty": 14.3 % of the values were too large for 16-bit floats and became infinite'
    assert notes == [too_large, *kept]


def test_whole_numbers_say_what_they_could_not_hold(tmp_path: Path) -> None:
    pixels = np.full((10, 100, 3), 0.5, np.float32)
    pixels[0, 0], pixels[1, :2], pixels[2, 0, 0] = 1.5, -0.5, np.nan
    made = sheet(pixels)._replace(transform=lambda band, _: band.copy())
    notes = write_tiff(tmp_path / "a.tif", made, spec("uint16"))
    assert notes == [
        'layer "beauty": 0.3 % of the values were outside 0..1 and were clipped',
        'layer "beauty": 1 of 3000 values were not numbers (NaN) and became 0',
    ]
    found = by_openimageio(tmp_path / "a.tif")
    assert found[0, 0].tolist() == [65535] * 3 and found[1, 1].tolist() == [0] * 3
    assert found[2, 0].tolist() == [0, 32768, 32768]


@pytest.mark.parametrize(
    ("kind", "space", "associated"),
    [
        ("uint8", "Adobe RGB", False),
        ("uint16", "ACEScg", False),
        ("float32", "sRGB", False),
        ("float32", "ACEScg", True),
    ],
)
def test_alpha_is_told_and_only_linear_floats_are_multiplied(
    tmp_path: Path, kind: str, space: str, associated: bool
) -> None:
    pixels, path = noise(60, 50, 4), tmp_path / "a.tif"
    write_tiff(path, sheet(pixels, space), spec(kind))
    with tifffile.TiffFile(path) as file:
        assert [int(one) for one in file.pages[0].extrasamples] == [1 if associated else 2]
    expected = darker(pixels, "sRGB")
    if associated:
        expected[..., :3] *= expected[..., 3:]
    # OpenImageIO is told to leave unassociated colours as they are, and finds associated ones as they are.
    assert np.array_equal(by_openimageio(path), stored(expected, kind))


def test_pages_have_names_and_numbers_no_profile(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    made = layered()._replace(layers=(*layered().layers, Layer("position", noise(101, 83, 4, -3, 3), DATA)))
    write_tiff(path, made, spec("float32", layers="pages"))
    with tifffile.TiffFile(path) as file:
        pages = list(file.pages)
        assert [page.tags["PageName"].value for page in pages] == ["beauty", "depth", "alternate", "position"]
        assert [page.photometric.name for page in pages] == ["RGB", "MINISBLACK", "RGB", "RGB"]
        assert [34675 in page.tags for page in pages] == [True, False, True, False]
        assert [int(one) for one in pages[3].extrasamples] == [0]
    write_tiff(path, made, spec("float32", layers="none"))
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1


def test_a_manifest_is_opened_from_it(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", layered(), spec())
    assert load(tmp_path / "a.tif")["scene"] == MANIFEST["scene"]


def test_past_four_gigabytes_it_is_a_bigtiff(tmp_path: Path) -> None:
    made, path = layered(), tmp_path / "a.tif"
    size = sum(layer.pixels.size for layer in made.layers) * 2
    for limit, magic in ((size, b"II*\0"), (size - 1, b"II+\0")):
        write_tiff(path, made, spec(layers="pages"), classic_bytes=limit)
        assert path.read_bytes()[:4] == magic
        assert np.array_equal(by_openimageio(path, 2), stored(darker(made.layers[2].pixels, "sRGB"), "uint16"))
    assert load(path)["scene"] == MANIFEST["scene"]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_tiff(tmp_path / name, layered(4), spec("uint16", "zip", layers="pages", dpi=300))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_source_is_read_once_and_by_bands(tmp_path: Path) -> None:
    height, width, asked = 400, 128, []

    def note(band: np.ndarray, _: str) -> np.ndarray:
        asked.append(len(band))
        return band.copy()

    made = sheet(np.zeros((height, width, 3), np.float32))._replace(transform=note)
    write_tiff(tmp_path / "a.tif", made, spec("uint16", "zip"))
    assert sum(asked) == height and max(asked) * width * 6 <= tiff._BAND_BYTES


def test_our_own_conversion_gives_in_bands_what_it_gives_at_once(tmp_path: Path) -> None:
    pixels = noise(101, 83, 3)
    made = sheet(pixels)._replace(transform=lambda band, space: convert(band, space, "Adobe RGB"))
    write_tiff(tmp_path / "a.tif", made, spec("uint16"))
    found = by_openimageio(tmp_path / "a.tif").astype(int)
    assert np.abs(found - stored(convert(pixels, "sRGB", "Adobe RGB"), "uint16")).max() <= 1


def test_work_stays_in_order_and_near_the_taker() -> None:
    started: list[int] = []

    def work(number: int) -> int:
        started.append(number)
        return number * number

    results = on_all_cores(work, range(1000))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    results.close()
    assert len(started) < 200
    assert bands_of(10, 100, 350) == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert bands_of(2, 100, 50) == [(0, 1), (1, 2)]


def test_a_failing_conversion_fails_the_file(tmp_path: Path) -> None:
    def fail(band: np.ndarray, _: str) -> np.ndarray:
        raise StudioFlowError("no such space")

    with pytest.raises(StudioFlowError, match="no such space"):
        write_tiff(tmp_path / "a.tif", layered()._replace(transform=fail), spec())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [(FileSpec("tiff", "sRGB", 8, True), "8 bits of floats"), (FileSpec("tiff", "sRGB", 16, False, "jpeg"), "jpeg")],
)
def test_what_no_tiff_can_be_is_refused_before_writing(tmp_path: Path, wrong: FileSpec, said: str) -> None:
    with pytest.raises(StudioFlowError, match=said):
        write_tiff(tmp_path / "a.tif", layered(), wrong)
    assert not (tmp_path / "a.tif").exists()


def test_a_space_without_a_profile_is_told(tmp_path: Path) -> None:
    notes = write_tiff(tmp_path / "a.tif", sheet(noise(8, 8, 3), "Rec.2100 PQ"), spec())
    assert "no ICC profile for Rec.2100 PQ" in notes[0]
    assert 34675 not in tifffile.TiffFile(tmp_path / "a.tif").pages[0].tags


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_exiftool_reads_camera_light_rights_and_documents(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", layered(), spec(dpi=240))
    done = subprocess.run(
        ["exiftool", "-j", "-G1", "-a", "-n", "-struct", str(tmp_path / "a.tif")], capture_output=True, check=True
    )
    tags = json.loads(done.stdout)[0]
    expected = {
        "IFD0:Artist": FACTS.author,
        "IFD0:Copyright": FACTS.copyright,
        "IFD0:XResolution": 240,
        "IFD0:PageName": "beauty",
        "ICC_Profile:ProfileDescription": "Adobe RGB",
        "XMP-dc:Title": FACTS.title,
        "XMP-dc:Creator": [FACTS.author],
        "XMP-dc:Rights": FACTS.copyright,
        "XMP-dc:Subject": list(FACTS.tags),
        "XMP-xmpRights:Marked": True,
        "XMP-photoshop:ICCProfileName": "Adobe RGB",
        "XMP-exif:FNumber": 2.8,
        "XMP-exif:FocalLength": 50,
        "XMP-exif:FocalLengthIn35mmFormat": 50,
        "XMP-exif:ExposureTime": 0.008,
        "XMP-exif:ISO": [100],
        "XMP-exif:SubjectDistance": 1.25,
        "XMP-exif:DateTimeOriginal": "2026:03:04 05:06:07+02:00",
        "XMP-exifEX:LensModel": FACTS.lens,
        "XMP-aux:Lens": FACTS.lens,
        "XMP-studioflow:Lights": list(FACTS.lights),
        "XMP-iptcExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
        "XMP-studioflow:Seed": 5,
        "XMP-studioflow:Colorspace": "Adobe RGB",
    }
    assert {key: tags.get(key) for key in expected} == expected
    assert FACTS.lights[0] in tags["XMP-dc:Description"] and FACTS.description in tags["IFD0:ImageDescription"]
    assert not any(key.endswith((":Make", ":Model")) and "studioflow" not in key for key in tags)


@pytest.mark.skipif(not shutil.which("tiffinfo"), reason="libtiff's tiffinfo is not installed")
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_libtiff_decodes_every_strip_without_a_word(tmp_path: Path, compression: str) -> None:
    write_tiff(tmp_path / "a.tif", layered(4), spec("float32", compression, layers="pages"))
    done = subprocess.run(["tiffinfo", "-d", str(tmp_path / "a.tif")], capture_output=True, check=True)
    assert done.stderr == b"" and done.stdout.count(b"TIFF directory") == 3
