"""PNG files are read to the level by Pillow, OpenImageIO, libvips and ffmpeg, and say their colour space to each."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest
import pyvips
from PIL import Image

from studioflow.color.spaces import DATA, plain_spaces
from studioflow.errors import StudioFlowError
from studioflow.imaging.icc import profile_of
from studioflow.imaging.png import write_png
from studioflow.imaging.sheet import FileSpec, Layer
from studioflow.manifest.load import load

from .tagged_sheets import FACTS, MANIFEST, TEXTS, darker, noise, sheet, unchanged


def spec(bits: int = 16, space: str = "sRGB", **more: float) -> FileSpec:
    return FileSpec("png", space, bit_depth=bits, **more)


def levels(values: np.ndarray, bits: int) -> np.ndarray:
    most = 2**bits - 1
    return np.rint(np.clip(values, 0, 1) * np.float32(most)).astype(f"u{bits // 8}")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_four_readers_find_the_same_levels(tmp_path: Path, bits: int, channels: int) -> None:
    pixels, path = noise(61, 47, channels, -0.1, 1.1), tmp_path / "a.png"
    write_png(path, sheet(pixels, "sRGB"), spec(bits))
    expected = levels(darker(pixels, "sRGB"), bits)
    wish = oiio.ImageSpec()
    wish["oiio:UnassociatedAlpha"] = 1
    file = oiio.ImageInput.open(str(path), wish)
    assert np.array_equal(file.read_image(0, 0, 0, channels, file.spec().format), expected)
    assert np.array_equal(pyvips.Image.new_from_file(str(path)).numpy().reshape(expected.shape), expected)
    with av.open(str(path)) as video:
        frame = next(video.decode(video=0))
        assert frame.format.components[0].bits == bits
        assert np.array_equal(frame.to_ndarray().reshape(expected.shape), expected)
    if bits == 8 or channels == 1:
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture).reshape(expected.shape), expected)


def chunks(path: Path) -> list[bytes]:
    """Names of the chunks, in order; Pillow checks every checksum."""
    with Image.open(path) as picture:
        picture.verify()
    data, at, found = path.read_bytes(), 8, []
    while at < len(data):
        found.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    assert at == len(data)
    return found


def test_texts_are_where_comfyui_looks_and_before_the_pixels(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_png(path, sheet(noise(9, 9, 3), "sRGB"), spec())
    with Image.open(path) as picture:
        texts = dict(picture.info)
    assert {key: texts[key] for key in ("prompt", "workflow", "studioflow:seed", "studioflow:caption")} == {
        key: TEXTS[key] for key in ("prompt", "workflow", "studioflow:seed", "studioflow:caption")
    }
    assert json.loads(texts["studioflow:manifest"]) == MANIFEST
    assert texts["studioflow:colorspace"] == "sRGB"
    names = chunks(path)
    assert names[0] == b"IHDR" and names[-1] == b"IEND"
    assert max(at for at, name in enumerate(names) if name in (b"tEXt", b"iTXt")) < names.index(b"IDAT")
    assert load(path)["scene"] == MANIFEST["scene"]


@pytest.mark.parametrize("space", plain_spaces())
def test_the_space_is_said_in_every_way_there_is(tmp_path: Path, space: str) -> None:
    path, row = tmp_path / "a.png", plain_spaces()[space]
    notes = write_png(path, sheet(noise(9, 9, 3), space)._replace(transform=unchanged), spec(16, space))
    names = chunks(path)
    assert (b"cICP" in names) == (row.cicp is not None)
    assert (b"sRGB" in names) == (space == "sRGB")
    with Image.open(path) as picture:
        assert picture.info.get("icc_profile", b"") == (b"" if space == "sRGB" else profile_of(space))
    if row.cicp:
        with av.open(str(path)) as video:
            frame = next(video.decode(video=0))
        assert (frame.color_primaries, frame.color_trc) == row.cicp[:2]
    assert bool(notes) == (space == "ACEScct")


def test_numbers_get_no_colour_space(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    made = sheet(noise(9, 9, 3))._replace(layers=(Layer("normals", noise(9, 9, 3), DATA),))
    assert write_png(path, made, spec()) == []
    assert not {b"cICP", b"iCCP", b"sRGB"} & set(chunks(path))


def test_it_says_what_was_clipped_and_the_resolution(tmp_path: Path) -> None:
    pixels = np.full((10, 100, 3), 0.5, np.float32)
    pixels[0] = 3
    notes = write_png(tmp_path / "a.png", sheet(pixels, "sRGB"), spec(8, dpi=300))
    assert notes == ['layer "beauty": 10.0 % of the values were outside 0..1 and were clipped']
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_png(tmp_path / name, sheet(noise(99, 99, 4)), spec(16, "Adobe RGB"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_text_that_no_chunk_can_hold_is_mended(tmp_path: Path) -> None:
    texts = {"studioflow:manifest": '{"studioflow":"1.0","scene":{"description":"\ud800"}}', "studioflow:model": "a\0b"}
    write_png(tmp_path / "a.png", sheet(noise(9, 9, 3), texts=texts), spec())
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["studioflow:model"] == "ab"
        assert json.loads(picture.info["studioflow:manifest"])["scene"]["description"] == "\ud800"


def test_a_png_of_32_bits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudioFlowError, match="32"):
        write_png(tmp_path / "a.png", sheet(noise(9, 9, 3)), spec(32))
    assert not (tmp_path / "a.png").exists()


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_exiftool_finds_camera_and_rights(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", sheet(noise(9, 9, 3), "Display P3"), spec(16, "Display P3"))
    command = ["exiftool", "-j", "-G1", "-n", "-a", "-validate", "-all", str(tmp_path / "a.png")]
    tags = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    assert tags["ExifTool:Validate"] == "0 0 0"
    assert tags["XMP-dc:Rights"] == FACTS.copyright and tags["XMP-exif:FNumber"] == 2.8
    assert tags["ICC_Profile:ProfileDescription"] == "Display P3"
    # The documents are there once.
    assert "PNG:Studioflowmanifest" in tags and "XMP-studioflow:Manifest" not in tags


@pytest.mark.skipif(not shutil.which("identify"), reason="ImageMagick is not installed")
def test_imagemagick_reads_it_without_a_word(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", sheet(noise(9, 9, 4)), spec(16, "Adobe RGB"))
    done = subprocess.run(
        ["identify", "-regard-warnings", "-format", "%z %m", tmp_path / "a.png"], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr, done.returncode) == ("16 PNG", "", 0)
