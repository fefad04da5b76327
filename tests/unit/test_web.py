"""JPEG, WebP and AVIF: pixels near enough for every decoder, profile, EXIF, XMP, and the workflow for the canvas."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import OpenImageIO as oiio
import pytest
import pyvips
from PIL import ExifTags, Image, ImageFile, features

from studioflow.errors import DeliveryError
from studioflow.imaging.icc import profile_of
from studioflow.imaging.sheet import FileSpec
from studioflow.imaging.web import write_web, xmp_segments
from studioflow.manifest.load import load

from .tagged_sheets import FACTS, MANIFEST, TEXTS, darker, noise, sheet, unchanged

FORMATS = ["jpeg", "webp", "avif"]


def spec(form: str, quality: int = 92, space: str = "Adobe RGB", **more: float) -> FileSpec:
    return FileSpec(form, space, quality=quality, **more)


def smooth(channels: int = 3) -> np.ndarray:
    y, x = np.mgrid[0:120, 0:160] / 160
    picture = np.stack([0.5 + 0.5 * np.sin(5 * x + i) * np.cos(4 * y - i) for i in range(channels)], -1)
    return picture.astype(np.float32)


@pytest.mark.parametrize("form", FORMATS)
def test_every_decoder_finds_nearly_the_same(tmp_path: Path, form: str) -> None:
    pixels, path = smooth(), tmp_path / f"a.{form}"
    assert write_web(path, sheet(pixels), spec(form, 95)) == []
    expected = np.rint(darker(pixels, "sRGB") * 255)
    with Image.open(path) as picture:
        found = {"Pillow": np.asarray(picture)}
    found["libvips"] = pyvips.Image.new_from_file(str(path)).numpy()
    with av.open(str(path)) as video:
        found["ffmpeg"] = next(video.decode(video=0)).to_ndarray(format="rgb24")
    if form != "avif":
        # OpenImageIO's wheel has no AVIF.
        found["OpenImageIO"] = oiio.ImageBuf(str(path)).get_pixels("uint8")
    for reader, values in found.items():
        # ffmpeg turns a JPEG's and an AVIF's colours by its own approximation.
        assert np.abs(values - expected).mean() < 1.5, reader


@pytest.mark.parametrize("form", FORMATS)
def test_more_quality_is_nearer(tmp_path: Path, form: str) -> None:
    pixels = smooth() + noise(120, 160, 3, -0.05, 0.05)
    off = []
    for quality in (30, 75, 100):
        write_web(tmp_path / "a", sheet(pixels), spec(form, quality))
        with Image.open(tmp_path / "a") as picture:
            off.append(np.abs(np.asarray(picture) - darker(pixels, "sRGB") * 255).mean())
    assert off[0] > off[1] > off[2]


@pytest.mark.parametrize("form", FORMATS)
def test_profile_exif_and_xmp_are_inside(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a"
    write_web(path, sheet(smooth()), spec(form, dpi=300))
    with Image.open(path) as picture:
        assert picture.info["icc_profile"] == profile_of("Adobe RGB")
        exif = picture.getexif()
        packet = picture.info["xmp"]
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    assert (camera[0x829D], camera[0x920A], camera[0xA405], camera[0x8827]) == (2.8, 50, 50, 100)
    assert camera[0x9003] == "2026:03:04 05:06:07" and camera[0x9011] == "+02:00"
    assert exif[0x011A] == 300
    assert b"<studioflow:caption>" in packet and FACTS.copyright.replace("&", "&amp;").encode() in packet
    # ComfyUI's canvas looks into Model and Make; in a photograph's JPEG these would be a lie.
    graph = {0x0110: f"prompt:{TEXTS['prompt']}", 0x010F: f"workflow:{TEXTS['workflow']}"}
    assert {tag: exif.get(tag) for tag in graph} == (dict.fromkeys(graph) if form == "jpeg" else graph)


@pytest.mark.parametrize("form", FORMATS)
def test_a_manifest_is_opened_from_it(tmp_path: Path, form: str) -> None:
    write_web(tmp_path / f"a.{form}", sheet(smooth()), spec(form))
    assert load(tmp_path / f"a.{form}")["scene"] == MANIFEST["scene"]


@pytest.mark.parametrize("form", ["webp", "avif"])
def test_alpha_stays(tmp_path: Path, form: str) -> None:
    pixels = smooth(4)
    assert write_web(tmp_path / "a", sheet(pixels), spec(form)) == []
    with Image.open(tmp_path / "a") as picture:
        assert picture.mode == "RGBA"
        assert np.abs(np.asarray(picture)[..., 3] - np.rint(pixels[..., 3] * 255)).max() <= 3


def test_a_jpeg_lays_alpha_on_white_and_says_so(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 4), np.float32)
    pixels[:, :8, 3] = 1
    notes = write_web(tmp_path / "a", sheet(pixels), spec("jpeg", 100))
    assert notes == ["a JPEG has no alpha: the picture was laid on white"]
    with Image.open(tmp_path / "a") as picture:
        assert picture.getpixel((0, 0)) == (0, 0, 0) and picture.getpixel((15, 0)) == (255, 255, 255)


def test_fine_colour_is_kept_from_quality_90_on(tmp_path: Path) -> None:
    for quality, sampling in ((90, 0), (89, 2)):
        write_web(tmp_path / "a.jpg", sheet(smooth()), spec("jpeg", quality))
        with Image.open(tmp_path / "a.jpg") as picture:
            layers = [(h, v) for _, h, v, _ in picture.layer]
            assert layers[0] == ((1, 1) if sampling == 0 else (2, 2)) and picture.info["progressive"] == 1


def test_the_finest_grain_at_the_best_quality_is_written_whole(tmp_path: Path) -> None:
    """Pillow alone fails here: its buffer for a progressive file is one or two bytes a pixel."""
    before = ImageFile.MAXBLOCK
    pixels = np.rint(noise(700, 700, 3))
    write_web(tmp_path / "a.jpg", sheet(pixels)._replace(transform=unchanged), spec("jpeg", 100))
    with Image.open(tmp_path / "a.jpg") as picture:
        assert np.abs(np.asarray(picture, int) - pixels * 255).mean() < 2
    assert (tmp_path / "a.jpg").stat().st_size > 2 * 700 * 700
    assert ImageFile.MAXBLOCK == before


def test_several_threads_write_at_once(tmp_path: Path) -> None:
    before = ImageFile.MAXBLOCK
    pixels = np.rint(noise(300, 300, 3))

    def write(number: int) -> bytes:
        path = tmp_path / f"{number}.jpg"
        write_web(path, sheet(pixels)._replace(transform=unchanged), spec("jpeg", 100))
        return path.read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(write, range(12)))) == 1
    assert ImageFile.MAXBLOCK == before


def long_texts() -> dict[str, str]:
    return TEXTS | {
        "workflow": json.dumps({"nodes": ["x" * 150_000, "\u00fc"]}),
        "prompt": json.dumps({"1": "y" * 30_000}),
    }


def test_what_a_jpeg_has_no_room_for_goes_into_the_extension(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    write_web(path, sheet(smooth(), texts=long_texts()), spec("jpeg"))
    with Image.open(path) as picture:
        packet = picture.info["xmp"]
    assert len(packet) <= 65502 and b"HasExtendedXMP" in packet
    # Manifest and prompt still fit where every reader looks.
    assert b"<studioflow:prompt>" in packet and b"<studioflow:workflow>" not in packet
    assert load(path)["scene"] == MANIFEST["scene"]


@pytest.mark.parametrize("size", [(1, 1), (23, 37), (64, 64)])
@pytest.mark.parametrize("quality", [30, 92, 100])
def test_long_texts_and_a_small_picture(tmp_path: Path, size: tuple[int, int], quality: int) -> None:
    """Texts, EXIF and profile have to fit into Pillow's buffer beside the pixels."""
    texts = TEXTS | {"workflow": json.dumps({"nodes": ["x" * 100_000]})}
    facts = FACTS._replace(description="d" * 40_000)
    made = sheet(noise(*size, 3), texts=texts, facts=facts)
    write_web(tmp_path / "a.jpg", made, spec("jpeg", quality))
    with Image.open(tmp_path / "a.jpg") as picture:
        picture.load()
        assert picture.size == size[::-1] and picture.info["icc_profile"] == profile_of("Adobe RGB")
        assert picture.getexif()[0x010E].startswith(facts.description)
    assert load(tmp_path / "a.jpg")["scene"] == MANIFEST["scene"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_fills_up_is_an_error(tmp_path: Path, form: str) -> None:
    """Pillow itself takes a JPEG of which the system wrote only the beginning for whole."""
    code = f"""
    import resource, signal
    from pathlib import Path
    from studioflow.imaging.web import write_web
    from tests.unit.tagged_sheets import noise, sheet
    from tests.unit.test_web import spec
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        write_web(Path({str(tmp_path / "a")!r}), sheet(noise(256, 256, 3)), spec({form!r}))
    except OSError as error:
        print(error.strerror)
    """
    root = Path(__file__).parent.parent.parent
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=root)
    assert done.stdout.strip() == os.strerror(errno.EFBIG), done.stderr


def test_even_a_manifest_of_more_than_64_kilobytes_is_opened_from_a_jpeg(tmp_path: Path) -> None:
    manifest = MANIFEST | {"extensions": {"org.example": {"notes": "größe " * 20_000}}}
    texts = TEXTS | {"studioflow:manifest": json.dumps(manifest, ensure_ascii=False)}
    write_web(tmp_path / "a.jpg", sheet(smooth(), texts=texts), spec("jpeg"))
    assert load(tmp_path / "a.jpg")["extensions"] == manifest["extensions"]


def test_no_extension_where_everything_fits() -> None:
    segments = xmp_segments(sheet(smooth()))
    assert segments.count(b"\xff\xe1") == 1 and b"HasExtendedXMP" not in segments


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_exiftool_joins_the_extension_and_finds_nothing_wrong(tmp_path: Path) -> None:
    path, texts = tmp_path / "a.jpg", long_texts()
    write_web(path, sheet(smooth(), texts=texts), spec("jpeg"))
    tags = json.loads(
        subprocess.run(["exiftool", "-j", "-a", "-b", "-G1", path], capture_output=True, check=True).stdout
    )[0]
    assert tags["XMP-studioflow:Workflow"] == texts["workflow"]
    assert tags["XMP-studioflow:Prompt"] == texts["prompt"]
    assert "ExifTool:Warning" not in tags


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
@pytest.mark.parametrize("form", FORMATS)
def test_exiftool_reads_camera_and_rights(tmp_path: Path, form: str) -> None:
    write_web(tmp_path / f"a.{form}", sheet(smooth()), spec(form))
    command = ["exiftool", "-j", "-n", "-a", "-G1", "-all", str(tmp_path / f"a.{form}")]
    tags = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]
    expected = {
        "ExifIFD:FNumber": 2.8,
        "ExifIFD:ExposureTime": 0.008,
        "ExifIFD:SubjectDistance": 1.25,
        "ExifIFD:LensModel": FACTS.lens,
        "IFD0:Artist": FACTS.author,
        "IFD0:Copyright": FACTS.copyright,
        "XMP-dc:Title": FACTS.title,
        "XMP-exif:FNumber": 2.8,
        "XMP-iptcExt:DigitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    }
    assert {key: tags.get(key) for key in expected} == expected


@pytest.mark.parametrize(("form", "side"), [("jpeg", 65501), ("webp", 16384), ("avif", 32769)])
def test_too_large_is_said_before_anything_is_written(tmp_path: Path, form: str, side: int) -> None:
    pixels = np.broadcast_to(np.float32(0), (2, side, 3))
    with pytest.raises(DeliveryError, match=f"{side} × 2"):
        write_web(tmp_path / "a", sheet(pixels), spec(form))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("form", "side"), [("jpeg", 65500), ("webp", 16383), ("avif", 32768)])
def test_the_largest_is_written_and_read(tmp_path: Path, form: str, side: int) -> None:
    write_web(tmp_path / "a", sheet(np.broadcast_to(np.float32(0.5), (2, side, 3))), spec(form))
    with Image.open(tmp_path / "a") as picture:
        picture.load()
        assert picture.size == (side, 2)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("space", ["Rec.2100 PQ", "Rec.2100 HLG"])
def test_hdr_is_refused(tmp_path: Path, form: str, space: str) -> None:
    with pytest.raises(DeliveryError, match="16 bits"):
        write_web(tmp_path / "a", sheet(smooth(), space), spec(form, space=space))


def test_a_space_without_profile_is_told(tmp_path: Path) -> None:
    notes = write_web(tmp_path / "a", sheet(smooth(), "Log of a config"), spec("jpeg"))
    assert "no ICC profile for Log of a config" in notes[0]


@pytest.mark.parametrize("form", ["webp", "avif"])
def test_a_pillow_without_the_format_is_told(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(DeliveryError, match="Pillow"):
        write_web(tmp_path / "a", sheet(smooth()), spec(form))


def test_facts_too_long_for_a_jpeg_are_told(tmp_path: Path) -> None:
    made = sheet(smooth(), facts=FACTS._replace(description="x" * 70_000))
    with pytest.raises(DeliveryError, match="too long for a JPEG"):
        write_web(tmp_path / "a", made, spec("jpeg"))
    assert not (tmp_path / "a").exists()
