"""Pixels, layers and errors of the EXR writer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray

from studioflow.color.spaces import DATA
from studioflow.errors import DeliveryError
from studioflow.files import write_together
from studioflow.imaging import exr_values
from studioflow.imaging.exr import write_exr
from studioflow.imaging.exr_whole import require_whole
from studioflow.imaging.facts import Facts
from studioflow.imaging.menus import EXR_COMPRESSIONS, MAIN
from studioflow.imaging.sheet import Layer, Sheet

from .exr_files import by_ffmpeg, channels_of, parts_of, spec, stacked
from .sheets import CAPTURED, SPACE, photo, sheet_of

LOSSLESS = ("none", "rle", "zips", "zip", "piz", "htj2k256", "htj2k32")
FFMPEG_CANNOT = ("htj2k256", "htj2k32")


@pytest.mark.parametrize("bit_depth", [16, 32])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("compression", EXR_COMPRESSIONS)
def test_pixels_come_back(tmp_path: Path, compression: str, tile: int, bit_depth: int) -> None:
    picture = photo(53, 75)
    path = tmp_path / "picture.exr"
    notes = write_exr(
        path, sheet_of(Layer(MAIN, picture, SPACE)), spec(compression=compression, tile=tile, bit_depth=bit_depth)
    )
    ((about, channels),) = parts_of(path)
    kind = np.float16 if bit_depth == 16 else np.float32
    wanted, found = picture.astype(kind), stacked(channels, "RGB")
    assert notes == []
    assert found.dtype == kind
    assert about["tile"] == tile
    assert about["compression"].startswith(compression)
    require_close(found, wanted, compression)
    if compression not in FFMPEG_CANNOT:
        assert np.allclose(by_ffmpeg(path), found, rtol=2e-3 if compression.startswith("dwa") else 0.0, atol=1e-3)


def require_close(found: NDArray[Any], wanted: NDArray[Any], compression: str) -> None:
    """Equal, or within what the compression promises."""
    halves = wanted.dtype == np.float16
    if compression in LOSSLESS or (compression == "pxr24" and halves) or (compression.startswith("b44") and not halves):
        assert found.tobytes() == wanted.tobytes()
    elif compression == "pxr24":
        # OpenEXR, technical introduction: floats keep 24 bits, a relative error of at most about 3e-5.
        assert np.allclose(found, wanted, rtol=3e-5, atol=0.0)
    elif compression.startswith("b44"):
        # Of 4 × 4 pixels, differences of 6 bits: 31 steps for all of a block's range, counted in steps of a half.
        for y in range(0, wanted.shape[0], 4):
            for x in range(0, wanted.shape[1], 4):
                block, read = (steps(pixels[y : y + 4, x : x + 4]) for pixels in (wanted, found))
                assert np.all(np.abs(block - read) <= np.ptp(block, axis=(0, 1)) / 31 + 1)
    else:
        # Level 45 is meant to be visually lossless: one step of 8 bits in a display's encoding, at its base.
        difference = np.abs(seen(found) - seen(wanted))
        assert difference.mean() < 1 / 510
        assert difference.max() < 6 / 255


def steps(halves: NDArray[np.float16]) -> NDArray[np.int64]:
    """Halves as whole numbers in the order of their values, next to each other where they are."""
    bits = halves.view(np.uint16).astype(np.int64)
    return np.where(bits & 0x8000, 0x8000 - bits, bits)


def seen(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """About as DWA codes it: a power of 2.2 up to 1, a logarithm above."""
    values = np.maximum(pixels.astype(np.float64), 0.0)
    return np.where(values <= 1.0, values ** (1 / 2.2), 1.0 + np.log(np.maximum(values, 1.0)) / 2.2)


def test_a_dwa_level_trades_size_for_error(tmp_path: Path) -> None:
    picture = photo(128, 128)
    sizes, errors = [], []
    for level in (4.0, 45.0, 900.0):
        path = tmp_path / f"{level}.exr"
        write_exr(path, sheet_of(Layer(MAIN, picture, SPACE)), spec(compression="dwaa", compression_level=level))
        sizes.append(path.stat().st_size)
        errors.append(float(np.abs(stacked(channels_of(path), "RGB").astype(np.float32) - picture).mean()))
    assert sizes == sorted(sizes, reverse=True)
    assert errors == sorted(errors)
    assert len(set(sizes)) == 3


def test_colours_are_multiplied_by_their_alpha_and_data_are_not(tmp_path: Path) -> None:
    picture, control = photo(channels=4), photo(channels=4, seed=2)
    path = tmp_path / "rgba.exr"
    layers = (Layer(MAIN, picture, SPACE), Layer("control", control, DATA))
    write_exr(path, sheet_of(*layers), spec(bit_depth=32))
    channels = channels_of(path)
    wanted = np.concatenate([picture[..., :3] * picture[..., 3:], picture[..., 3:]], -1)
    assert np.array_equal(stacked(channels, "RGBA"), wanted)
    assert np.array_equal(channels["control.R"], control[..., 0])


def test_every_band_is_converted_once_and_lands_in_its_place(tmp_path: Path) -> None:
    picture = photo(1201, 700)
    rows: list[int] = []

    def doubled(band: NDArray[np.float32], space: str) -> NDArray[np.float32]:
        assert space == "sRGB"
        rows.append(len(band))
        return band * 2.0

    path = tmp_path / "bands.exr"
    write_exr(path, sheet_of(Layer(MAIN, picture, "sRGB"), transform=doubled), spec(bit_depth=32))
    assert len(rows) > 1
    assert sum(rows) == 1201
    assert np.array_equal(stacked(channels_of(path), "RGB"), picture * 2.0)


@pytest.mark.parametrize("with_torch", [True, False])
def test_halves_round_as_numpy_and_ieee_round(monkeypatch: pytest.MonkeyPatch, with_torch: bool) -> None:
    if with_torch:
        pytest.importorskip("torch")
    else:
        monkeypatch.delitem(sys.modules, "torch", raising=False)
    halves = np.arange(0x10000, dtype=np.uint16).view(np.float16)
    finite = np.sort(halves[np.isfinite(halves)].astype(np.float32))
    # Every half, every tie between two of them, and the floats on both sides of each tie.
    ties = (finite[1:] + finite[:-1]) / 2
    around = np.concatenate([finite, ties, np.nextafter(ties, np.float32(9e9)), np.nextafter(ties, np.float32(-9e9))])
    small = np.float32(2.0) ** np.arange(-149, -20, dtype=np.float32)
    values = np.concatenate([around, small, -small, [-0.0]]).astype(np.float32)[None, :]
    layer = Layer(MAIN, np.repeat(values[..., None], 3, -1), SPACE)
    planes, odd = exr_values.planes_of(sheet_of(layer), layer, spec())
    assert odd == exr_values.Odd()
    assert planes[0].tobytes() == values.astype(np.float16).tobytes()


def test_what_is_not_finite_is_counted_and_kept(tmp_path: Path) -> None:
    picture = photo()
    picture[3, 4, 0], picture[5, 6, 1], picture[7, 8, 2] = np.nan, np.inf, -np.inf
    path = tmp_path / "odd.exr"
    notes = write_exr(path, sheet_of(Layer(MAIN, picture, SPACE)), spec())
    channels = channels_of(path)
    assert notes == ["beauty: 1 NaN and 2 infinite values, kept"]
    assert np.array_equal(stacked(channels, "RGB"), picture.astype(np.float16), equal_nan=True)


def test_what_is_not_finite_is_replaced_by_the_mean_of_its_neighbours(tmp_path: Path) -> None:
    depth = np.arange(48, dtype=np.float32).reshape(6, 8, 1)
    depth[0, 0], depth[2, 3], depth[2, 4] = np.nan, np.inf, np.nan
    path = tmp_path / "odd.exr"
    notes = write_exr(
        path, sheet_of(Layer(MAIN, photo(6, 8), SPACE), Layer("depth", depth, DATA)), spec(not_finite="replace")
    )
    found = channels_of(path)["depth.Z"]
    assert notes == ["depth: 2 NaN and 1 infinite values, replaced by the mean of their neighbours"]
    assert found[0, 0] == np.float16((1 + 8 + 9) / 3)
    assert found[2, 3] == np.float32((10 + 11 + 12 + 18 + 26 + 27 + 28) / 7)
    nothing = np.full((4, 4, 1), np.nan, np.float32)
    write_exr(path, sheet_of(Layer(MAIN, nothing, DATA)), spec(not_finite="replace"))
    assert not channels_of(path)["Y"].any()


def test_what_is_not_finite_is_refused(tmp_path: Path) -> None:
    picture = photo()
    picture[3, 4, 0] = np.nan
    with pytest.raises(DeliveryError, match=r'layer "beauty".*\n.*1 NaN; the first at x 4, y 3'):
        write_exr(tmp_path / "odd.exr", sheet_of(Layer(MAIN, picture, SPACE)), spec(not_finite="refuse"))
    assert not list(tmp_path.iterdir())


def test_values_too_large_for_a_half_become_the_largest_and_are_counted(tmp_path: Path) -> None:
    picture = photo()
    picture[0, :4, 0] = [65504.0, 65519.0, 65520.0, -1e30]
    path = tmp_path / "bright.exr"
    (note,) = write_exr(path, sheet_of(Layer(MAIN, picture, SPACE)), spec())
    assert note.startswith("beauty: 2 values beyond")
    assert list(channels_of(path)["R"][0, :4]) == [65504.0, 65504.0, 65504.0, -65504.0]
    assert write_exr(path, sheet_of(Layer(MAIN, picture, SPACE)), spec(bit_depth=32)) == []
    assert np.array_equal(channels_of(path)["R"], picture[..., 0])


def layered() -> Sheet:
    one = photo(channels=1)
    return sheet_of(
        Layer(MAIN, photo(channels=4), SPACE),
        Layer("depth", one, DATA),
        Layer("mask", one * 0 + 0.5, DATA),
        Layer("edges", one, DATA),
        Layer("alt_2", photo(seed=3), SPACE),
        Layer("control", photo(seed=4), DATA),
    )


WANTED = {
    MAIN: ["R", "G", "B", "A"],
    "depth": ["depth.Z"],
    "mask": ["mask.A"],
    "edges": ["edges.Y"],
    "alt_2": ["alt_2.R", "alt_2.G", "alt_2.B"],
    "control": ["control.R", "control.G", "control.B"],
}


def test_layers_in_one_part(tmp_path: Path) -> None:
    path = tmp_path / "layers.exr"
    sheet = layered()
    notes = write_exr(path, sheet, spec(bit_depth=32))
    channels = channels_of(path)
    assert set(channels) == {name for names in WANTED.values() for name in names}
    assert np.array_equal(channels["depth.Z"], sheet.layers[1].pixels[..., 0])
    assert np.array_equal(channels["alt_2.B"], sheet.layers[4].pixels[..., 2])
    assert [note for note in notes if note.startswith("control: data in R, G and B")] == notes


def test_layers_as_parts_say_which_are_data(tmp_path: Path) -> None:
    path = tmp_path / "parts.exr"
    sheet = layered()
    small = sheet._replace(layers=(*sheet.layers, Layer("thumb", photo(6, 8), SPACE)))
    assert write_exr(path, small, spec(layers="parts", compression="piz")) == []
    parts = parts_of(path)
    names = [about["oiio:subimagename"] for about, _ in parts]
    assert names == [*WANTED, "thumb"]
    for about, channels in parts[:-1]:
        name = about["oiio:subimagename"]
        assert sorted(channels) == sorted(WANTED[name])
        is_data = name in ("depth", "mask", "edges", "control")
        assert about["colorInteropID"] == ("data" if is_data else "lin_rec709_scene")
        assert ("chromaticities" in about) != is_data
    assert parts[-1][0]["size"] == (8, 6)
    headers = [part.header for part in OpenEXR.File(str(path)).parts]
    if hasattr(OpenEXR, "checkColorMetadata"):
        assert [OpenEXR.checkColorMetadata(header, headers[0]) for header in headers] == [0] * len(headers)
    assert "studioflow:range" in headers[0]
    assert "studioflow:range" not in headers[1]


def test_layers_left_out(tmp_path: Path) -> None:
    path = tmp_path / "none.exr"
    assert write_exr(path, layered(), spec(layers="none")) == ["layers left out: depth, mask, edges, alt_2, control"]
    assert set(channels_of(path)) == set("RGBA")


@pytest.mark.parametrize("name", ["", "a b", "a..b", ".a", "a.", "Tiefe ü", "a/b", "x" * 254, MAIN])
def test_a_layer_without_a_name_of_its_own(tmp_path: Path, name: str) -> None:
    sheet = sheet_of(Layer(MAIN, photo(), SPACE), Layer(name, photo(), SPACE))
    with pytest.raises(DeliveryError, match="a layer needs a name of its own"):
        write_exr(tmp_path / "layers.exr", sheet, spec())


def test_layers_of_another_size_need_parts(tmp_path: Path) -> None:
    sheet = sheet_of(Layer(MAIN, photo(8, 8), SPACE), Layer("depth", photo(4, 6, 1), DATA))
    with pytest.raises(DeliveryError, match="depth is 6 × 4"):
        write_exr(tmp_path / "layers.exr", sheet, spec())


def test_a_grey_picture_is_y(tmp_path: Path) -> None:
    path = tmp_path / "grey.exr"
    write_exr(path, sheet_of(Layer(MAIN, photo(channels=1), SPACE)), spec(bit_depth=32))
    assert np.array_equal(channels_of(path)["Y"], photo(channels=1)[..., 0])
    assert np.array_equal(by_ffmpeg(path), photo(channels=1)[..., 0])


def test_the_command_line_tool_of_openexr_reads_it(tmp_path: Path) -> None:
    if not shutil.which("exrheader"):
        pytest.skip("no exrheader on this machine")
    path = tmp_path / "facts.exr"
    write_exr(
        path,
        layered()._replace(facts=Facts(CAPTURED, focus_distance_m=1.1, frames_per_second=23.976)),
        spec(layers="parts"),
    )
    shown = subprocess.run(["exrheader", str(path)], capture_output=True, text=True, check=True).stdout
    assert "focus (type float): 1.1" in shown
    assert "framesPerSecond (type rational): 24000/1001" in shown
    assert "depth.Z, 32-bit floating-point" in shown and "mask.A, 16-bit floating-point" in shown


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"compression": "jpeg"}, "compression"),
        ({"compression": ""}, "compression"),
        ({"bit_depth": 8}, "bit_depth"),
        ({"layers": "pages"}, "layers"),
        ({"not_finite": "drop"}, "not_finite"),
        ({"tile": -1}, "tile"),
        ({"compression_level": 6.0}, "compression_level"),
        ({"compression": "dwaa", "compression_level": -1.0}, "compression_level"),
    ],
)
def test_a_file_that_cannot_be(tmp_path: Path, changes: dict[str, Any], where: str) -> None:
    with pytest.raises(DeliveryError, match=f"^{where}: ") as caught:
        write_exr(tmp_path / "no.exr", sheet_of(), spec(**changes))
    assert caught.value.found
    assert caught.value.allowed
    assert not list(tmp_path.iterdir())


def test_a_compression_that_the_library_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(OpenEXR, "HTJ2K32_COMPRESSION")
    with pytest.raises(DeliveryError) as caught:
        write_exr(tmp_path / "no.exr", sheet_of(), spec(compression="htj2k32"))
    assert "htj2k32" not in (caught.value.allowed or "")


@pytest.mark.parametrize("layers", ["one", "parts"])
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("compression", ["none", "zip", "piz"])
def test_a_file_without_its_end_is_noticed(tmp_path: Path, compression: str, tile: int, layers: str) -> None:
    path = tmp_path / "whole.exr"
    write_exr(path, layered(), spec(compression=compression, tile=tile, layers=layers))
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) - 700, len(content) // 2, 40, 3, 0):
        path.write_bytes(content[:size])
        with pytest.raises(DeliveryError, match="cut off"):
            require_whole(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes to stand for a full disk")
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("compression", ["none", "zip", "dwab"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, compression: str, tile: int) -> None:
    import resource
    import signal

    sheet, wanted = sheet_of(Layer(MAIN, photo(200, 256), SPACE)), spec(compression=compression, tile=tile)
    write_exr(tmp_path / "whole.exr", sheet, wanted)
    size = (tmp_path / "whole.exr").stat().st_size
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for room in (size - 1, size - 50, size // 2):
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
            with pytest.raises(DeliveryError):
                write_together([(tmp_path / "cut.exr", lambda path: write_exr(path, sheet, wanted))])
            assert [path.name for path in tmp_path.iterdir()] == ["whole.exr"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
