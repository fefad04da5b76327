"""Pictures of other programs opened by ours: values, layers, colour spaces, and what is refused."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import OpenEXR
import OpenImageIO as oiio
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile, ImageOps

from studioflow.color.spaces import DATA, plain_spaces
from studioflow.errors import PathError, StudioFlowError
from studioflow.imaging import read as reading
from studioflow.imaging.facts import Facts
from studioflow.imaging.formats import FORMATS
from studioflow.imaging.icc import profile_of
from studioflow.imaging.loaded import load_delivery
from studioflow.imaging.read import Opened, read_picture
from studioflow.imaging.read_space import Said, find_space, space_of_profile
from studioflow.imaging.sheet import LAYER_NAME, FileSpec, Layer, Sheet

from .sheets import sheet_of

WIDTH, HEIGHT = 37, 23


def noise(channels: int = 3, seed: int = 1, low: float = -0.5, high: float = 4.0) -> NDArray[np.float32]:
    """Values below 0 and above 1; odd sizes, so that rows and columns cannot be mistaken for each other."""
    return np.random.default_rng(seed).uniform(low, high, (HEIGHT, WIDTH, channels)).astype(np.float32)


def whole(channels: int, dtype: str, seed: int = 2) -> NDArray[np.unsignedinteger]:
    most = np.iinfo(dtype).max
    values = np.random.default_rng(seed).integers(0, most, (HEIGHT, WIDTH, channels), dtype, endpoint=True)
    values[0, 0], values[0, 1] = 0, most
    return values


def by_oiio(
    path: Path, pixels: NDArray, names: tuple[str, ...] = (), kind: str = "float", **attributes: object
) -> Path:
    """A file of OpenImageIO's; attribute names with __ for a colon."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    if names:
        spec.channelnames = names
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec), out.geterror()
    assert out.write_image(np.ascontiguousarray(pixels)), out.geterror()
    out.close()
    return path


def the_picture(path: Path) -> NDArray[np.float32]:
    opened = read_picture(path)
    pixels = opened.layers[0].pixels
    assert opened.layers[0].name == "beauty" and pixels.dtype == np.float32 and pixels.flags.c_contiguous
    return pixels


def refusal(path: Path) -> str:
    with pytest.raises(StudioFlowError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert message.startswith(path.name) and "\n  do: " in message and str(path.parent) not in message
    return message


# ---------------------------------------------------------------- EXR


@pytest.mark.parametrize("compression", ["none", "rle", "zips", "zip", "piz", "pxr24"])
@pytest.mark.parametrize("kind", ["half", "float"])
@pytest.mark.parametrize("tile", [0, 16])
def test_exr_of_openimageio_has_the_same_values(tmp_path: Path, compression: str, kind: str, tile: int) -> None:
    pixels = noise().astype(np.float16).astype(np.float32)
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, kind)
    spec.attribute("compression", compression)
    spec.tile_width = spec.tile_height = tile
    out = oiio.ImageOutput.create("a.exr")
    assert out.open(str(tmp_path / "a.exr"), spec) and out.write_image(pixels)
    out.close()
    opened = read_picture(tmp_path / "a.exr")
    assert np.array_equal(opened.layers[0].pixels, pixels)
    assert opened.pixels.depth == ("16-bit float" if kind == "half" else "32-bit float")
    assert opened.pixels.compression == compression


@pytest.mark.parametrize("name", ["HTJ2K256_COMPRESSION", "HTJ2K32_COMPRESSION"])
def test_exr_of_the_newest_compression(tmp_path: Path, name: str) -> None:
    pixels = noise().astype(np.float16)
    OpenEXR.File({"compression": getattr(OpenEXR, name)}, {"RGB": pixels}).write(str(tmp_path / "a.exr"))
    opened = read_picture(tmp_path / "a.exr")
    assert np.array_equal(opened.layers[0].pixels, pixels.astype(np.float32))
    assert opened.pixels.compression.startswith("htj2k")


@pytest.mark.parametrize("compression", ["b44", "b44a", "dwaa", "dwab"])
def test_lossy_exr_is_what_openexr_itself_decodes(tmp_path: Path, compression: str) -> None:
    path = by_oiio(tmp_path / "a.exr", noise(low=0, high=1), kind="half", compression=compression)
    with OpenEXR.File(str(path)) as file:
        assert np.array_equal(the_picture(path), file.channels()["RGB"].pixels.astype(np.float32))


def test_special_floats_survive(tmp_path: Path) -> None:
    pixels = noise()
    pixels[3, 4], pixels[5, 6, 1], pixels[7, 8, 2] = (np.nan, np.inf, -np.inf), 65504, -0.0
    got = the_picture(by_oiio(tmp_path / "größe 大.exr", pixels))
    assert np.array_equal(got.view(np.uint32), pixels.view(np.uint32))


def test_layers_are_told_by_the_prefix_of_their_channels(tmp_path: Path) -> None:
    channels = {
        name: np.full((HEIGHT, WIDTH), number, np.float16 if number % 2 else np.float32)
        for number, name in enumerate(
            ["R", "G", "B", "Z", "diffuse.R", "diffuse.G", "diffuse.B", "depth.Z", "normal.X", "normal.Y", "normal.Z",
             "motion.u", "motion.v", "a.b.red", "a.b.green", "a.b.blue", "mask.A"]
        )
    }  # fmt: skip
    OpenEXR.File({}, channels).write(str(tmp_path / "a.exr"))
    opened = read_picture(tmp_path / "a.exr")
    found = {layer.name: (layer.is_data, list(layer.pixels[0, 0])) for layer in opened.layers}
    assert found == {
        "beauty": (False, [0, 1, 2]),
        "diffuse": (False, [4, 5, 6]),
        "a.b": (False, [13, 14, 15]),
        "depth": (True, [3]),
        "depth_2": (True, [7]),
        "normal": (True, [8, 9, 10]),
        "motion.u": (True, [11]),
        "motion.v": (True, [12]),
        "mask": (True, [16]),
    }
    assert opened.layers[0].name == "beauty"


def test_whole_numbers_of_an_exr_stay_whole(tmp_path: Path) -> None:
    numbers = np.arange(HEIGHT * WIDTH, dtype=np.uint32).reshape(HEIGHT, WIDTH)
    OpenEXR.File({}, {"RGB": noise(), "id": numbers}).write(str(tmp_path / "a.exr"))
    assert np.array_equal(read_picture(tmp_path / "a.exr").layer("id").pixels[..., 0], numbers)


@pytest.mark.parametrize(("names", "expected"), [(("Y",), "beauty"), (("Z",), "depth"), (("A",), "alpha")])
def test_a_single_channel(tmp_path: Path, names: tuple[str, ...], expected: str) -> None:
    pixels = noise(1)
    opened = read_picture(by_oiio(tmp_path / "a.exr", pixels, names))
    (layer,) = opened.layers
    assert layer.name == expected and np.array_equal(layer.pixels, pixels)
    assert layer.is_data == (expected != "beauty")


def test_parts_are_layers_by_name(tmp_path: Path) -> None:
    beauty, depth, left = noise(4, 1, 0, 1), noise(1, 2), noise(3, 3)
    beauty[..., 3] = 1
    specs = []
    for name, pixels, channels in (
        ("rgba", beauty, ("R", "G", "B", "A")),
        ("depth", depth, ("Z",)),
        ("left", left, ("diffuse.R", "diffuse.G", "diffuse.B")),
    ):
        spec = oiio.ImageSpec(WIDTH, HEIGHT, pixels.shape[2], "float")
        spec.channelnames = channels
        spec.attribute("oiio:subimagename", name)
        specs.append((spec, pixels))
    out = oiio.ImageOutput.create("a.exr")
    assert out.open(str(tmp_path / "a.exr"), [spec for spec, _ in specs])
    for number, (spec, pixels) in enumerate(specs):
        assert number == 0 or out.open(str(tmp_path / "a.exr"), spec, "AppendSubimage")
        assert out.write_image(pixels)
    out.close()
    opened = read_picture(tmp_path / "a.exr")
    assert [layer.name for layer in opened.layers] == ["beauty", "left.diffuse", "depth"]
    for name, pixels in (("beauty", beauty), ("depth", depth), ("left.diffuse", left)):
        assert np.array_equal(opened.layer(name).pixels, pixels), name
    assert opened.pixels.parts == 3
    with pytest.raises(StudioFlowError, match='did you mean "depth"') as caught:
        opened.layer("dept")
    assert "beauty, left.diffuse, depth" in str(caught.value)


def test_data_window_is_placed_in_the_display_window(tmp_path: Path) -> None:
    pixels = noise()
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, "float")
    spec.x, spec.y = 5, -3
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 2, 1, 60, 40
    out = oiio.ImageOutput.create("a.exr")
    assert out.open(str(tmp_path / "a.exr"), spec) and out.write_image(pixels)
    out.close()
    opened = read_picture(tmp_path / "a.exr")
    expected = np.zeros((40, 60, 3), np.float32)
    expected[0 : HEIGHT - 4, 3 : 3 + WIDTH] = pixels[4:]
    assert np.array_equal(opened.layers[0].pixels, expected)
    assert any("37 × 23 at 3, -4 of the 60 × 40 picture" in note for note in opened.notes)


def test_colours_of_an_exr_are_divided_by_alpha_and_stay_where_it_is_zero(tmp_path: Path) -> None:
    straight = noise(4, low=0.25, high=2)
    straight[..., 3] = np.linspace(0.125, 1, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    stored = straight.copy()
    stored[..., :3] *= stored[..., 3:]
    stored[2, 3] = straight[2, 3] = 5, 6, 7, 0
    stored[4, 5] = straight[4, 5] = 5, 6, 7, -1
    opened = read_picture(by_oiio(tmp_path / "a.exr", stored))
    np.testing.assert_allclose(opened.layers[0].pixels, straight, rtol=2e-7)
    assert opened.pixels.alpha == "associated"


def test_deep_data_is_refused(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(4, 4, 5, "float")
    spec.channelnames = ("R", "G", "B", "A", "Z")
    spec.deep = True
    deep = oiio.DeepData()
    deep.init(16, 5, tuple(oiio.TypeFloat for _ in range(5)), spec.channelnames)
    out = oiio.ImageOutput.create("a.exr")
    assert out.open(str(tmp_path / "a.exr"), spec) and out.write_deep_image(deep)
    out.close()
    assert "found: deep data" in refusal(tmp_path / "a.exr")


def test_subsampled_channels_are_refused(tmp_path: Path) -> None:
    path = by_oiio(tmp_path / "a.exr", noise(1), ("BY",), compression="none")
    data = bytearray(path.read_bytes())
    at = data.index(b"BY\0") + 3 + 8
    assert struct.unpack_from("<ii", data, at) == (1, 1)
    struct.pack_into("<ii", data, at, 2, 2)
    path.write_bytes(data)
    assert "subsampled" in refusal(path)


# ---------------------------------------------------------------- TIFF


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits", "lzma"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiff_of_tifffile(tmp_path: Path, compression: str | None, dtype: str, planar: str) -> None:
    values = noise().astype(dtype) if dtype.startswith("f") else whole(3, dtype)
    predictor = compression in ("lzw", "zlib", "zstd")
    tifffile.imwrite(
        tmp_path / "a.tif",
        values if planar == "contig" else np.moveaxis(values, -1, 0),
        photometric="rgb",
        compression=compression,
        predictor=predictor,
        planarconfig=planar,
        rowsperstrip=5,
        metadata=None,
    )
    most = 1 if dtype.startswith("f") else np.float32(np.iinfo(dtype).max)
    assert np.array_equal(the_picture(tmp_path / "a.tif"), values.astype(np.float32) / most)


@pytest.mark.parametrize("compression", ["none", "lzw", "zip", "zstd"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "half", "float"])
def test_tiff_of_libtiff(tmp_path: Path, compression: str, dtype: str) -> None:
    values = whole(3, dtype) if dtype.startswith("u") else noise().astype(np.float16 if dtype == "half" else np.float32)
    path = by_oiio(tmp_path / "a.tif", values, kind=dtype, compression=compression)
    most = np.float32(np.iinfo(dtype).max) if dtype.startswith("u") else 1
    assert np.array_equal(the_picture(path), values.astype(np.float32) / most)


def test_tiff_of_libvips(tmp_path: Path) -> None:
    pyvips = pytest.importorskip("pyvips")
    values = whole(4, "uint16")
    pyvips.Image.new_from_array(values, interpretation="rgb16").write_to_file(
        str(tmp_path / "a.tif"), tile=True, tile_width=16, tile_height=16, compression="deflate", bigtiff=True
    )
    assert (tmp_path / "a.tif").read_bytes()[:4] == b"II+\0"
    assert np.array_equal(the_picture(tmp_path / "a.tif"), values.astype(np.float32) / np.float32(65535))


def test_tiff_of_the_other_byte_order(tmp_path: Path) -> None:
    for dtype in ("uint16", "float32"):
        values = whole(3, dtype) if dtype == "uint16" else noise()
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", byteorder=">", metadata=None)
        most = np.float32(65535) if dtype == "uint16" else 1
        assert np.array_equal(the_picture(tmp_path / "a.tif"), values.astype(np.float32) / most)


def test_alpha_of_a_tiff_is_taken_as_it_is_marked(tmp_path: Path) -> None:
    values = noise(4, low=0.5, high=1)
    for mark, name in (("assocalpha", "associated"), ("unassalpha", "unassociated"), ("unspecified", "unassociated")):
        tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", extrasamples=[mark], metadata=None)
        opened = read_picture(tmp_path / "a.tif")
        straight = values[..., :3] / values[..., 3:] if mark == "assocalpha" else values[..., :3]
        np.testing.assert_allclose(opened.layers[0].pixels[..., :3], straight, rtol=2e-7)
        assert np.array_equal(opened.layers[0].pixels[..., 3], values[..., 3])
        assert opened.pixels.alpha == name
        assert any("not marked" in note for note in opened.notes) == (mark == "unspecified")


def test_pages_are_layers(tmp_path: Path) -> None:
    beauty, depth, other = noise(), noise(1), noise(3, 9)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(beauty, photometric="rgb", metadata=None)
        tiff.write(beauty[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
        tiff.write(depth[..., 0], photometric="minisblack", metadata=None, extratags=[(285, 2, 0, "depth", True)])
        tiff.write(other, photometric="rgb", metadata=None)
    opened = read_picture(tmp_path / "a.tif")
    assert [layer.name for layer in opened.layers] == ["beauty", "page_3", "depth"]
    assert np.array_equal(opened.layer("depth").pixels, depth)
    assert np.array_equal(opened.layers[1].pixels, other)
    assert "1 page of another size left out" in opened.notes


def test_layers_with_the_names_of_other_programs_are_opened_and_written_again(tmp_path: Path) -> None:
    def named(name: str) -> list[tuple[int, int, int, bytes, bool]]:
        return [(285, 2, 0, name.encode(), True)]

    shades = [noise(3, seed) for seed in range(6)]
    names = ("Hintergrund", "Layer 1", "Layer_1", "View Layer.Mist Z", "größe.", "x" * 400)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        for name, pixels in zip(names, shades, strict=True):
            tiff.write(pixels, photometric="rgb", metadata=None, extratags=named(name))
    loaded = load_delivery(tmp_path / "a.tif")
    assert np.array_equal(loaded.image[0], shades[0]), "beauty is the picture, whatever it is called"
    assert [layer.name for layer in loaded.others][:4] == ["Layer_1", "Layer_1_2", "View_Layer.Mist_Z", "gr_e"]
    assert all(LAYER_NAME.fullmatch(layer.name) for layer in loaded.others)
    for layer, shade in zip(loaded.others, shades[1:], strict=True):
        assert np.array_equal(layer.pixels[0], shade)
    assert np.array_equal(load_delivery(tmp_path / "a.tif", "Layer 1").image[0], shades[1])


def test_palette_bilevel_and_inverted_grey_become_values(tmp_path: Path) -> None:
    picture = Image.fromarray(whole(3, "uint8")).convert("P", palette=Image.Palette.ADAPTIVE)
    picture.save(tmp_path / "p.tif")
    assert np.array_equal(the_picture(tmp_path / "p.tif"), np.asarray(picture.convert("RGB"), np.float32) / 255)
    bits = whole(1, "uint8")[..., 0] > 127
    Image.fromarray(bits).save(tmp_path / "b.tif")
    assert np.array_equal(the_picture(tmp_path / "b.tif")[..., 0], bits.astype(np.float32))
    grey = whole(1, "uint8")[..., 0]
    tifffile.imwrite(tmp_path / "w.tif", grey, photometric="miniswhite", metadata=None)
    np.testing.assert_allclose(the_picture(tmp_path / "w.tif")[..., 0], (255 - grey) / 255, atol=1e-7)


def test_jpeg_within_tiff(tmp_path: Path) -> None:
    smooth = np.asarray(Image.linear_gradient("L").resize((64, 48)).convert("RGB"))
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    assert np.abs(the_picture(tmp_path / "a.tif") - smooth.astype(np.float32) / 255).max() < 0.03


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_tiff_and_jpeg(tmp_path: Path, orientation: int) -> None:
    smooth = np.zeros((16, 24, 3), np.uint8)
    smooth[:8, :12] = 250, 20, 20
    smooth[8:, :12] = 20, 250, 20
    smooth[:8, 12:] = 20, 20, 250
    tifffile.imwrite(
        tmp_path / "a.tif", smooth, photometric="rgb", metadata=None, extratags=[(274, 3, 1, orientation, True)]
    )
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "a.jpg")), np.float32) / 255
    assert np.array_equal(the_picture(tmp_path / "a.jpg"), upright)
    assert np.abs(the_picture(tmp_path / "a.tif") - upright).max() < 0.02


@pytest.mark.parametrize(
    ("photometric", "dtype", "channels", "found"),
    [("separated", "uint8", 4, "CMYK"), ("cielab", "uint8", 3, "CIELAB"), ("minisblack", "int16", 1, "int16")],
)
def test_kinds_of_tiff_that_are_refused(
    tmp_path: Path, photometric: str, dtype: str, channels: int, found: str
) -> None:
    values = whole(channels, "uint8").astype(dtype)
    tifffile.imwrite(
        tmp_path / "a.tif", values[..., 0] if channels == 1 else values, photometric=photometric, metadata=None
    )
    assert found in refusal(tmp_path / "a.tif")


# ---------------------------------------------------------------- PNG and the web


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png_of_openimageio(tmp_path: Path, channels: int, dtype: str) -> None:
    values = whole(channels, dtype)
    names = {1: ("Y",), 2: ("Y", "A"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}[channels]
    path = by_oiio(tmp_path / "a.png", values, names, dtype, oiio__UnassociatedAlpha=1)
    expected = values.astype(np.float32) / np.float32(np.iinfo(dtype).max)
    assert np.array_equal(the_picture(path), expected[..., [0, 0, 0, 1]] if channels == 2 else expected)


def test_png_of_imageio_and_palettes(tmp_path: Path) -> None:
    imageio = pytest.importorskip("imageio.v3")
    values = whole(3, "uint8")
    imageio.imwrite(tmp_path / "a.png", values)
    assert np.array_equal(the_picture(tmp_path / "a.png"), values.astype(np.float32) / 255)
    picture = Image.fromarray(values).convert("P", palette=Image.Palette.ADAPTIVE)
    picture.save(tmp_path / "p.png", transparency=3)
    seen = np.asarray(Image.open(tmp_path / "p.png").convert("RGBA"), np.float32) / 255
    assert np.array_equal(the_picture(tmp_path / "p.png"), seen)


def test_lossless_webp_and_avif(tmp_path: Path) -> None:
    values = whole(4, "uint8")
    values[..., 3] |= 1  # a colour under alpha 0 is not kept by either
    Image.fromarray(values).save(tmp_path / "a.webp", lossless=True, exact=True)
    assert np.array_equal(the_picture(tmp_path / "a.webp"), values.astype(np.float32) / 255)
    for bits in (8, 10, 12):
        wide = whole(3, "uint8").astype(np.uint8 if bits == 8 else np.uint16)
        wide = wide if bits == 8 else wide << (bits - 8)
        lossless = imagecodecs.avif_encode(wide, level=100, bitspersample=bits, pixelformat="444")
        (tmp_path / "a.avif").write_bytes(lossless)
        opened = read_picture(tmp_path / "a.avif")
        assert opened.format == "AVIF" and opened.pixels.depth == f"{bits}-bit"
        expected = imagecodecs.avif_decode(lossless).astype(np.float32) / (2**bits - 1)
        np.testing.assert_allclose(opened.layers[0].pixels, expected, atol=1e-7)
        assert np.abs(opened.layers[0].pixels - wide.astype(np.float32) / (2**bits - 1)).max() < 0.02


def test_jpeg_is_what_pillow_decodes(tmp_path: Path) -> None:
    Image.fromarray(whole(3, "uint8")).save(tmp_path / "a.jpg", quality=90)
    assert np.array_equal(the_picture(tmp_path / "a.jpg"), np.asarray(Image.open(tmp_path / "a.jpg"), np.float32) / 255)
    Image.fromarray(whole(4, "uint8"), "CMYK").save(tmp_path / "c.jpg")
    assert "CMYK" in refusal(tmp_path / "c.jpg")


# ---------------------------------------------------------------- colour spaces


@pytest.mark.parametrize("name", [space.name for space in plain_spaces().values() if space.encoding == "linear"])
def test_chromaticities_tell_the_linear_spaces(tmp_path: Path, name: str) -> None:
    pixels = {"RGB": noise()}
    OpenEXR.File({"chromaticities": plain_spaces()[name].primaries}, pixels).write(str(tmp_path / "a.exr"))
    opened = read_picture(tmp_path / "a.exr")
    assert (opened.space, opened.space_by, opened.space_told) == (name, "chromaticities", True)
    assert opened.layers[0].space == name


def test_an_exr_without_any_is_assumed_linear_and_says_so(tmp_path: Path) -> None:
    opened = read_picture(by_oiio(tmp_path / "a.exr", noise()))
    assert (opened.space, opened.space_told) == ("Linear Rec.709", False)
    assert opened.notes == ("the file does not say its colour space: taken as Linear Rec.709",)


def test_what_an_exr_says_of_its_space() -> None:
    spaces = plain_spaces()
    rec709, acescg = spaces["sRGB"].primaries, spaces["ACEScg"].primaries
    linear = Said(default="Linear Rec.709")
    ours = {"studioflow:colorspace": "sRGB"}
    assert find_space(linear._replace(chromaticities=rec709), ours).space == "sRGB"
    # Converted by another program, which carried our text along.
    assert find_space(linear._replace(chromaticities=acescg), ours).space == "ACEScg"
    assert find_space(linear._replace(interop="lin_ap0_scene"), ours).space == "ACES2065-1"
    assert find_space(linear._replace(interop="ocio:g24_rec709_scene"), {}).space == "Rec.709 gamma 2.4"
    assert find_space(linear._replace(is_aces=True), {}).space == "ACES2065-1"
    assert find_space(linear, {"studioflow:colorspace": "ARRI LogC4"}).space == "ARRI LogC4"
    unknown = find_space(linear._replace(chromaticities=(0.6, 0.3, 0.3, 0.6, 0.2, 0.1, 0.3, 0.3)), {})
    assert unknown.space == "Linear Rec.709" and not unknown.by and "of no space" in unknown.notes[0]


@pytest.mark.parametrize("name", [name for name in plain_spaces() if profile_of(name)])
def test_our_profiles_are_known_again(tmp_path: Path, name: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", whole(3, "uint8"), photometric="rgb", iccprofile=profile_of(name))
    Image.fromarray(whole(3, "uint8")).save(tmp_path / "a.png", icc_profile=profile_of(name))
    for file in ("a.tif", "a.png"):
        opened = read_picture(tmp_path / file)
        assert (opened.space, opened.space_by) == (name, "ICC profile")


def test_profiles_of_others_are_known_by_their_numbers() -> None:
    assert space_of_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) == "sRGB"
    for gamma, primaries, expected in (
        (563 / 256, plain_spaces()["Adobe RGB"].primaries, "Adobe RGB"),
        (1.0, plain_spaces()["Linear Rec.2020"].primaries, "Linear Rec.2020"),
        (1.8, plain_spaces()["Adobe RGB"].primaries, None),
        (2.2, (0.6, 0.35, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329), None),
    ):
        x, y = primaries[6:]
        corners = [value for at in (0, 2, 4) for value in (*primaries[at : at + 2], 1.0)]
        profile = imagecodecs.cms_profile("rgb", whitepoint=[x, y, 1.0], primaries=corners, gamma=gamma)
        assert space_of_profile(profile) == expected
    assert space_of_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()) is None
    for broken in (b"", b"x" * 200, profile_of("sRGB")[:150], profile_of("sRGB")[:300]):
        assert space_of_profile(broken) in (None, "sRGB")


def test_an_unknown_profile_is_told(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(whole(3, "uint8")).save(tmp_path / "a.png", icc_profile=lab)
    opened = read_picture(tmp_path / "a.png")
    assert (opened.space, opened.space_told) == ("sRGB", False)
    assert "ICC profile" in opened.notes[0] and "taken as sRGB" in opened.notes[0]


def test_the_profile_counts_before_our_text() -> None:
    found = find_space(Said(profile=profile_of("Display P3")), {"studioflow:colorspace": "Adobe RGB"})
    assert (found.space, found.by) == ("Display P3", "ICC profile") and "Adobe RGB" in found.notes[0]
    assert find_space(Said(), {"studioflow:colorspace": "Rec.2100 PQ"}).space == "Rec.2100 PQ"


def png_with(path: Path, name: bytes, data: bytes) -> Path:
    stream = io.BytesIO()
    Image.fromarray(whole(3, "uint8")).save(stream, "PNG")
    png = stream.getvalue()
    at = png.index(b"IDAT") - 4
    chunk = struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    path.write_bytes(png[:at] + chunk + png[at:])
    return path


@pytest.mark.parametrize(
    ("name", "data", "space", "by"),
    [
        (b"cICP", bytes([9, 16, 0, 1]), "Rec.2100 PQ", "cICP"),
        (b"cICP", bytes([12, 13, 0, 1]), "Display P3", "cICP"),
        (b"sRGB", b"\0", "sRGB", "sRGB mark"),
        (b"gAMA", struct.pack(">I", 100000), "Linear Rec.709", ""),
        (b"gAMA", struct.pack(">I", 45455), "sRGB", ""),
    ],
)
def test_chunks_of_a_png_tell_the_space(tmp_path: Path, name: bytes, data: bytes, space: str, by: str) -> None:
    opened = read_picture(png_with(tmp_path / "a.png", name, data))
    assert (opened.space, opened.space_by) == (space, by)


def test_avif_tells_its_space_by_code_points(tmp_path: Path) -> None:
    values = whole(3, "uint8").astype(np.uint16) << 2
    data = imagecodecs.avif_encode(values, bitspersample=10, primaries=9, transfer=16, matrix=9)
    (tmp_path / "a.avif").write_bytes(data)
    assert read_picture(tmp_path / "a.avif").space == "Rec.2100 PQ"


# ---------------------------------------------------------------- texts


def test_texts_are_found_by_one_set_of_keys(tmp_path: Path) -> None:
    by_oiio(tmp_path / "a.exr", noise(), studioflow__seed="7", prompt='{"1": {}}', workflow="{}")
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" xmlns:studioflow="urn:studioflow:xmp:1.0/" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/"><studioflow:seed>7</studioflow:seed>'
        b'<studioflow:prompt>{"1": {}}</studioflow:prompt><studioflow:workflow>{}</studioflow:workflow>'
        b"<dc:rights><rdf:Alt><rdf:li xml:lang='x-default'>(c) me</rdf:li></rdf:Alt></dc:rights>"
        b"</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    tifffile.imwrite(
        tmp_path / "a.tif",
        whole(3, "uint8"),
        photometric="rgb",
        metadata=None,
        extratags=[(700, 1, len(xmp), xmp, True)],
    )
    for kind, name in (("webp", "a.webp"), ("avif", "a.avif"), ("jpeg", "a.jpg")):
        Image.fromarray(whole(3, "uint8")).save(tmp_path / name, kind, xmp=xmp)
    for name in ("a.exr", "a.tif", "a.webp", "a.avif", "a.jpg"):
        texts = read_picture(tmp_path / name).texts
        assert [texts.get(key) for key in ("studioflow:seed", "prompt", "workflow")] == ["7", '{"1": {}}', "{}"], name
        assert name == "a.exr" or texts["dc:rights"] == "(c) me"


def test_what_our_writers_write_comes_back(tmp_path: Path) -> None:
    texts = {
        "studioflow:manifest": '{"studioflow":"1.0"}', "studioflow:caption": '{"a":"é <&>"}',
        "studioflow:provenance": '{"seed":1}', "studioflow:seed": "1", "studioflow:model": "fibo-2 abc",
        "prompt": '{"1":{}}', "workflow": json.dumps({"nodes": ["x" * 100_000]}),
    }  # fmt: skip
    # Large enough for a JPEG to have more pixels than texts.
    picture, depth, key = (np.tile(noise(channels, channels, 0, 1), (8, 8, 1)) for channels in (4, 1, 3))
    picture[..., 3] = np.linspace(0.25, 1, 8 * WIDTH)

    def written(name: str, space: str, **spec: Any) -> Opened:
        layers = (Layer("beauty", picture, space), Layer("depth", depth, DATA), Layer("light.key", key, space))
        facts = Facts(datetime.now(timezone.utc), copyright="me")
        sheet = Sheet(layers, space, lambda band, _: np.array(band, np.float32), texts, facts, "linearised")
        kind = spec.pop("format", Path(name).suffix[1:])
        write = FORMATS[kind].writer()
        write(tmp_path / name, sheet, FileSpec(format=kind, color_space=space, **spec))
        opened = read_picture(tmp_path / name)
        assert opened.space == space and opened.space_told, name
        expected = texts | {"studioflow:range": "linearised", "studioflow:colorspace": space}
        assert {key: opened.texts.get(key) for key in expected} == expected, name
        return opened

    for name, space, tolerance, spec in (
        ("one.exr", "ACEScg", 1e-6, {"bit_depth": 32, "compression": "zip"}),
        ("parts.exr", "Linear Rec.709", 2e-3, {"bit_depth": 16, "compression": "piz", "layers": "parts"}),
        ("eight.tiff", "sRGB", 0.002, {"bit_depth": 8, "compression": "lzw", "layers": "pages"}),
        ("sixteen.tiff", "Adobe RGB", 1e-5, {"bit_depth": 16, "compression": "zip", "layers": "pages"}),
        ("float.tiff", "ACEScg", 1e-6, {"bit_depth": 32, "is_float": True, "compression": "zstd", "layers": "pages"}),
    ):
        opened = written(name, space, **spec)
        assert {(layer.name, layer.space) for layer in opened.layers} == {
            ("beauty", space), ("depth", DATA), ("light.key", space),
        }, name  # fmt: skip
        for layer, pixels in (("beauty", picture), ("depth", depth), ("light.key", key)):
            np.testing.assert_allclose(opened.layer(layer).pixels, pixels, atol=tolerance, err_msg=name)
    png = written("sixteen.png", "Display P3", bit_depth=16)
    np.testing.assert_allclose(png.layers[0].pixels, picture, atol=1e-5)
    for kind in ("webp", "avif", "jpeg"):
        assert written(f"a.{kind}", "sRGB", quality=95).layers[0].pixels.shape[:2] == (8 * HEIGHT, 8 * WIDTH)


@pytest.mark.parametrize("space", ["Rec.2100 PQ", "Adobe RGB", "ACEScg"])
@pytest.mark.parametrize("is_float", [False, True])
def test_numbers_of_several_channels_are_told_from_colours(tmp_path: Path, space: str, is_float: bool) -> None:
    """A space without a profile leaves pages nothing else to tell them apart by."""
    picture, other = noise(4, 1, 0, 1), noise(3, 2, 0, 1)
    control, position = noise(3, 3, 0, 1), noise(4, 4, 0, 1)
    position[0, 0] = (1, 1, 1, 0.25)
    colors = Layer("beauty", picture, space), Layer("other", other, space)
    layers = (*colors, Layer("control", control, DATA), Layer("position", position, DATA))
    path = tmp_path / "a.tif"
    spec = FileSpec("tiff", space, bit_depth=32 if is_float else 16, is_float=is_float, layers="pages")
    FORMATS["tiff"].writer()(path, sheet_of(*layers, space=space), spec)
    opened = read_picture(path)
    assert [(layer.name, layer.space) for layer in opened.layers] == [
        ("beauty", space), ("other", space), ("control", DATA), ("position", DATA),
    ]  # fmt: skip
    for layer, pixels in zip(opened.layers, (picture, other, control, position), strict=True):
        np.testing.assert_allclose(layer.pixels, pixels, atol=1e-5)
    assert not any("position" in note for note in opened.notes)


def test_a_file_without_layers_names_none_of_them(tmp_path: Path) -> None:
    pixels = noise(3, 1, 0, 1)
    sheet = sheet_of(Layer("beauty", pixels), Layer("control", pixels, DATA), space="sRGB")
    for kind in ("tiff", "png", "jpeg", "webp", "avif"):
        FORMATS[kind].writer()(tmp_path / kind, sheet, FileSpec(kind, "sRGB", layers="none"))
        opened = read_picture(tmp_path / kind)
        assert not opened.layers[0].is_data and "studioflow:data" not in opened.texts, kind


@pytest.mark.parametrize("kind", ["tiff", "png", "jpeg", "webp", "avif"])
def test_a_picture_of_numbers_stays_one(tmp_path: Path, kind: str) -> None:
    sheet = sheet_of(Layer("beauty", noise(3, 1, 0, 1), DATA), space="sRGB")
    FORMATS[kind].writer()(tmp_path / "a", sheet, FileSpec(kind, "sRGB"))
    (layer,) = read_picture(tmp_path / "a").layers
    assert layer.is_data


def exr_with_data(path: Path, named: str) -> Opened:
    """A control map among the channels of the picture's own part; its fourth channel is a number too."""
    header = {"studioflow:data": named, "compression": OpenEXR.ZIP_COMPRESSION}
    channels = {"RGBA": noise(4, 1, 0.5, 1), "control": noise(4, 2, 0.5, 1), "other": noise(3)}
    OpenEXR.File(header, channels).write(str(path))
    return read_picture(path)


def test_an_exr_names_its_layers_of_numbers(tmp_path: Path) -> None:
    opened = exr_with_data(tmp_path / "a.exr", '["control"]')
    assert {layer.name: layer.is_data for layer in opened.layers} == {"beauty": False, "other": False, "control": True}
    # Numbers are not multiplied by the fourth of them.
    assert np.array_equal(opened.layer("control").pixels, noise(4, 2, 0.5, 1))


@pytest.mark.parametrize("named", ["control", '{"control": 1}', '["control", 1]', "[" * 100_000])
def test_a_list_of_numbers_that_is_none_is_told(tmp_path: Path, named: str) -> None:
    opened = exr_with_data(tmp_path / "a.exr", named)
    assert not opened.layer("control").is_data
    assert any("studioflow:data" in note for note in opened.notes)


# ---------------------------------------------------------------- bad files


def samples() -> dict[str, Callable[[Path], object]]:
    """A file of each kind that is fuzzed."""
    pixels, bytes_ = noise(4), Image.fromarray(whole(4, "uint8"))

    def exr(compression: str) -> Callable[[Path], object]:
        return lambda path: by_oiio(path, pixels, kind="half", compression=compression)

    def tiff(**options: object) -> Callable[[Path], object]:
        return lambda path: tifffile.imwrite(path, whole(3, "uint16"), photometric="rgb", metadata=None, **options)

    found = {f"{name}.exr": exr(name) for name in ("none", "zip", "piz", "dwaa")}
    found |= {"raw.tif": tiff(), "strips.tif": tiff(compression="zlib", predictor=True, rowsperstrip=3)}
    found |= {"tiles.tif": tiff(tile=(16, 16), compression="lzw"), "zstd.tif": tiff(compression="zstd")}
    found["16.png"] = lambda path: path.write_bytes(imagecodecs.png_encode(whole(4, "uint16")))
    found["a.webp"] = lambda path: bytes_.save(path, quality=90)
    found["a.avif"] = lambda path: bytes_.save(path, quality=90)
    found["a.jpg"] = lambda path: bytes_.convert("RGB").save(path, quality=90)
    found["progressive.jpg"] = lambda path: bytes_.convert("RGB").save(path, quality=90, progressive=True)
    return found


SAMPLES = samples()


@pytest.fixture(params=SAMPLES)
def whole_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    SAMPLES[request.param](path)
    return path


def cuts(size: int) -> Iterator[int]:
    yield from {0, 1, 4, 8, 12, 40, 100, size - 1, size - 2, size - 9, *range(150, size, max(1, size // 40))}


def test_a_file_that_is_cut_off_anywhere_is_refused_or_whole(whole_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What some packs switch on for everybody, and what would give half a JPEG.
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = whole_file.read_bytes()
    pixels = the_picture(whole_file)
    cut = whole_file.with_name(f"cut{whole_file.suffix}")
    silent = []
    for size in cuts(len(data)):
        cut.write_bytes(data[:size])
        try:
            got = the_picture(cut)
        except StudioFlowError as error:
            assert str(error).startswith("cut"), error
        else:
            # The last bytes of a file may be of no consequence.
            silent += [] if np.array_equal(got, pixels) else [size]
    assert silent == []


def test_a_file_with_wrong_bytes_gives_an_error_or_a_picture_and_nothing_else(whole_file: Path) -> None:
    data = whole_file.read_bytes()
    random = np.random.default_rng(5)
    bad = whole_file.with_name(f"bad{whole_file.suffix}")
    refused = 0
    for _ in range(60):
        changed = bytearray(data)
        for at in random.integers(0, random.choice([64, 400, len(data)]), random.integers(1, 5)):
            changed[min(at, len(data) - 1)] = random.integers(256)
        bad.write_bytes(changed)
        try:
            assert isinstance(read_picture(bad), Opened)
        except StudioFlowError:
            refused += 1
    assert refused


@pytest.mark.parametrize(
    ("name", "data"), [("a.exr", b""), ("a.png", b"hello there, no picture"), ("a.tif", b"GIF89a")]
)
def test_what_is_no_picture(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    assert "no picture that can be opened" in refusal(tmp_path / name)
    with pytest.raises(PathError, match="cannot be opened"):
        read_picture(tmp_path / "absent.exr")


def test_sizes_are_bounded_before_pixels_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_PIXELS", 400)
    for name in ("zip.exr", "strips.tif", "16.png", "a.webp", "a.avif", "a.jpg"):
        SAMPLES[name](tmp_path / name)
        assert "37 × 23 pixels" in refusal(tmp_path / name)


def test_an_exr_that_claims_to_be_huge_is_refused_at_once(tmp_path: Path) -> None:
    path = by_oiio(tmp_path / "a.exr", noise(), compression="none")
    data = path.read_bytes()
    for window in (b"dataWindow\0box2i\0\x10\0\0\0", b"displayWindow\0box2i\0\x10\0\0\0"):
        at = data.index(window) + len(window) + 8
        data = data[:at] + struct.pack("<ii", 59_999, 59_999) + data[at + 8 :]
    path.write_bytes(data)
    refusal(path)
