"""Delivered files are whole, carry their documents, and other programs read the same pixels."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studioflow.delivery.deliver import (
    DOCUMENTS_AND_CHECKSUMS,
    NO_SIDECARS,
    Delivery,
    Documents,
    Naming,
    deliver,
)
from studioflow.delivery.delivered import origin_of
from studioflow.delivery.menus import OVERWRITE, REFUSE
from studioflow.delivery.presets import files_of, shipped_presets, spec_of
from studioflow.errors import DeliveryError, StudioFlowError
from studioflow.imaging import formats
from studioflow.imaging.sheet import FileSpec, Layer, Sheet

from ..srgb import linear_to_srgb, srgb_to_linear

MANIFEST = {
    "studioflow": "1.0",
    "meta": {"title": "größe × 大", "sku": "A-1"},
    "scene": {"description": "größe × 大"},
}
WORKFLOW = {"prompt": {"1": {"class_type": "x"}}, "workflow": {"nodes": ["ü"]}}
NOW = datetime(2026, 3, 1, 14, 30, 5).astimezone()


def documents(**changes: Any) -> Documents:
    values: dict[str, Any] = {
        "manifest": MANIFEST,
        "caption": '{"context":"大"}',
        "provenance": {"seeds": [5, 6], "model": "FIBO", "fingerprint": "c0ffee"},
        "workflow": WORKFLOW,
    }
    return Documents(**(values | changes))


def ramp(frames: int = 1, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).random((frames, 40, 56, channels), dtype=np.float32)


def save(folder: Path, pixels: np.ndarray, preset: str | list[FileSpec], *more: Layer, **options: Any) -> Delivery:
    """A delivery called ``a`` of an sRGB picture, unless the options say otherwise."""
    specs = files_of(preset) if isinstance(preset, str) else preset
    naming = Naming(folder, options.pop("pattern", "a"), options.pop("if_exists", "number up"))
    picture = Layer("beauty", pixels, options.pop("space", "sRGB"))
    return deliver((picture, *more), options.pop("documents", documents()), specs, naming, now=NOW, **options)


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def read_exr(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and channels of the first part, each channel on its own."""
    import OpenEXR

    with OpenEXR.File(str(path), separate_channels=True) as file:
        return dict(file.header()), {name: channel.pixels.copy() for name, channel in file.channels().items()}


# ---------------------------------------------------------------- what is written


def test_writes_every_file_of_every_picture(tmp_path: Path) -> None:
    for name in ("hero_00006_.png", "hero_00002_.exr", "hero_x.png", "heroes_00009_.png"):
        (tmp_path / "new").mkdir(exist_ok=True)
        (tmp_path / "new" / name).touch()
    before = set((tmp_path / "new").iterdir())
    files = save(tmp_path, ramp(2), "PNG + EXR", pattern="new/hero").files
    expected = [
        f"hero_0000{number}_.{kind}" for number in (7, 8) for kind in ("png", "exr", "manifest.json", "caption.json")
    ]
    assert names(files) == expected
    assert set((tmp_path / "new").iterdir()) - before == set(files)
    assert json.loads(files[2].read_text(encoding="utf-8")) == MANIFEST
    assert files[3].read_text(encoding="utf-8") == '{"context":"大"}\n'


@pytest.mark.parametrize("channels", [3, 4])
def test_png_reads_back_to_the_level_and_carries_its_documents(tmp_path: Path, channels: int) -> None:
    pixels = ramp(channels=channels)
    save(tmp_path, pixels, "PNG")
    with Image.open(tmp_path / "a_00001_.png") as picture:
        assert np.array_equal(np.asarray(picture), np.rint(pixels[0] * 255).astype(np.uint8))
        texts = picture.text
    assert json.loads(texts["studioflow:manifest"]) == MANIFEST
    assert texts["studioflow:caption"] == '{"context":"大"}'
    provenance = json.loads(texts["studioflow:provenance"])
    assert provenance == {"seed": 5, "model": "FIBO", "fingerprint": "c0ffee"}
    assert (texts["studioflow:seed"], texts["studioflow:model"]) == ("5", "FIBO c0ffee")
    assert json.loads(texts["workflow"]) == WORKFLOW["workflow"] and texts["workflow"].isascii()
    assert json.loads(texts["prompt"]) == WORKFLOW["prompt"]


def test_exr_is_half_float_linear_and_carries_its_documents(tmp_path: Path) -> None:
    pixels = ramp(2)
    files = save(tmp_path, pixels, "EXR").pictures
    header, channels = read_exr(files[1])
    stored = np.stack([channels[name] for name in "RGB"], axis=-1)
    assert stored.dtype == np.float16
    assert stored.astype(np.float32) == pytest.approx(srgb_to_linear(pixels[1]), rel=2**-11, abs=2e-6)
    assert json.loads(header["studioflow:manifest"]) == MANIFEST and header["studioflow:seed"] == "6"
    assert "no highlights above 1" in header["studioflow:range"]
    assert header["chromaticities"] == pytest.approx((0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290))


def test_exr_keeps_what_lies_outside_0_and_1(tmp_path: Path) -> None:
    (file,) = save(tmp_path, np.array([[[[-0.25, 0.5, 3.0]]]], dtype=np.float32), "EXR").pictures
    _, channels = read_exr(file)
    assert channels["R"] < 0 and channels["G"] == pytest.approx(0.2140, abs=1e-3) and channels["B"] > 10


def test_exr_alpha_is_premultiplied(tmp_path: Path) -> None:
    (file,) = save(tmp_path, np.array([[[[1.0, 1.0, 1.0, 0.25]]]], dtype=np.float32), "EXR").pictures
    assert {name: float(values[0, 0]) for name, values in read_exr(file)[1].items()} == dict.fromkeys("RGBA", 0.25)


def test_acescg_is_the_published_matrix(tmp_path: Path) -> None:
    # Rec. 709 to AP1 by Bradford: Academy S-2014-004 and ITU-R BT.709, as in the ACES documents.
    published = {
        "red": (0.613097, 0.070194, 0.020616),
        "green": (0.339523, 0.916354, 0.109570),
        "blue": (0.047379, 0.013452, 0.869815),
    }
    (file,) = save(tmp_path, np.eye(3, dtype=np.float32)[None, None], "Compositing: ACEScg half EXR").pictures
    header, channels = read_exr(file)
    for column, expected in enumerate(published.values()):
        assert [float(channels[name][0, column]) for name in "RGB"] == pytest.approx(expected, abs=5e-4)
    assert header["chromaticities"][:2] == pytest.approx((0.713, 0.293))


def test_layers_go_into_the_formats_that_have_them(tmp_path: Path) -> None:
    depth = np.linspace(0, 90, 40 * 56, dtype=np.float32).reshape(1, 40, 56, 1)
    pixels = ramp(2)
    done = save(tmp_path, pixels, "Compositing: Linear Rec.709 float EXR, multi-part", Layer("depth", depth, "data"))
    import OpenEXR

    for file in done.pictures:  # one frame of depth stands for both
        with OpenEXR.File(str(file), separate_channels=True) as exr:
            assert [part.name() for part in exr.parts] == ["beauty", "depth"]
            assert np.array_equal(exr.parts[1].channels["depth.Z"].pixels, depth[0, ..., 0])
    assert "layers beauty, depth" in done.lines[0] and "float" in done.lines[0]


@pytest.mark.parametrize("preset", list(shipped_presets()))
def test_every_preset_writes_files_that_others_open(tmp_path: Path, preset: str) -> None:
    import OpenImageIO

    done = save(tmp_path, ramp(), preset, Layer("mask", ramp(channels=1), "data"))
    assert len(done.pictures) == len(shipped_presets()[preset].files) == len(done.lines)
    for file in done.pictures:
        spec = OpenImageIO.ImageInput.open(str(file)).spec() if file.suffix != ".avif" else None
        with_pillow = Image.open(file).size if spec is None else (spec.width, spec.height)
        assert with_pillow == (56, 40), file


def test_seeds_that_do_not_tell_which_picture_stay_together(tmp_path: Path) -> None:
    files = save(tmp_path, ramp(3), "PNG").pictures
    with Image.open(files[2]) as picture:
        assert json.loads(picture.text["studioflow:provenance"])["seeds"] == [5, 6]
        assert "studioflow:seed" not in picture.text


def test_no_workflow_where_metadata_is_off_and_no_caption_file_without_a_caption(tmp_path: Path) -> None:
    bare = documents(caption="", workflow={}, provenance={"manifest_id": "x"})
    files = save(tmp_path, ramp(), "PNG", documents=bare).files
    assert names(files) == ["a_00001_.png", "a_00001_.manifest.json"]
    with Image.open(files[0]) as picture:
        assert not {"prompt", "workflow", "studioflow:caption", "studioflow:seed"} & set(picture.text)


def test_a_picture_without_a_manifest_has_none_and_gets_none_invented(tmp_path: Path) -> None:
    alone = Documents(manifest=None, caption="", provenance={}, workflow={})
    (file,) = save(tmp_path, ramp(), "EXR", documents=alone).files
    assert not {"studioflow:manifest", "studioflow:provenance", "owner"} & read_exr(file)[0].keys()


def test_checksums_are_what_sha256sum_reads(tmp_path: Path) -> None:
    import hashlib

    done = save(tmp_path, ramp(2), "PNG + EXR", sidecars=DOCUMENTS_AND_CHECKSUMS)
    assert names(done.files[4:5]) == ["a_00001_.sha256"]
    for number in (1, 2):
        lines = (tmp_path / f"a_0000{number}_.sha256").read_text().splitlines()
        listed = dict(reversed(line.split("  ", 1)) for line in lines)
        assert len(listed) == 4
        assert listed == {name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in listed}
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--strict", "a_00002_.sha256"], cwd=tmp_path, check=True)
        (tmp_path / "a_00002_.exr").write_bytes(b"changed")
        assert subprocess.run(["sha256sum", "--check", "a_00002_.sha256"], cwd=tmp_path).returncode == 1


def test_srgb_values_of_the_standard() -> None:
    assert srgb_to_linear(np.array([0.0, 0.04045, 0.5, 1.0])) == pytest.approx([0, 0.0031308, 0.214041, 1], abs=1e-6)
    values = np.linspace(-2, 4, 1001, dtype=np.float32)
    assert linear_to_srgb(srgb_to_linear(values)) == pytest.approx(values, abs=1e-5)


# ---------------------------------------------------------------- the truth about values


@pytest.mark.parametrize(
    ("space", "provenance", "told"),
    [
        ("sRGB", {}, "display-referred picture (sRGB), decoded to linear light; no highlights above 1 were added"),
        ("Linear Rec.709", {}, "scene-linear values as the graph gave them"),
        ("sRGB", {"range": "expanded by 3 stops"}, "expanded by 3 stops"),
    ],
)
def test_the_file_says_how_its_values_came_to_be(tmp_path: Path, space: str, provenance: Any, told: str) -> None:
    done = save(tmp_path, ramp(), "EXR", space=space, documents=documents(provenance=provenance))
    assert read_exr(done.pictures[0])[0]["studioflow:range"] == told


def test_scene_linear_light_is_tone_mapped_where_asked(tmp_path: Path) -> None:
    # Reinhard et al. 2002, equation 3: a luminance of 1 becomes 1/2.
    spec = spec_of({"format": "png", "bit_depth": 16, "tone_mapping": {"operator": "reinhard"}})
    light = np.ones((1, 8, 8, 3), dtype=np.float32)
    done = save(tmp_path, light, [spec], space="Linear Rec.709")
    with Image.open(done.pictures[0]) as picture:
        level = np.asarray(picture.convert("RGB"))[0, 0, 0] / 255
        assert "tone-mapped (reinhard)" in picture.text["studioflow:range"]
    assert "tone mapping" not in "".join(done.notes)
    said = documents(provenance={"range": "merged from 3 exposures"})
    done = save(tmp_path, light, [spec], space="Linear Rec.709", documents=said)
    with Image.open(done.pictures[0]) as picture:
        assert picture.text["studioflow:range"] == "merged from 3 exposures, tone-mapped (reinhard)"
    assert level == pytest.approx(linear_to_srgb(np.array([0.5]))[0], abs=1 / 255)
    assert done.notes == []


def test_what_was_said_of_the_values_goes_on_in_one_sentence() -> None:
    spec = spec_of({"format": "png", "tone_mapping": {"operator": "hable"}})
    light = Layer("beauty", np.ones((1, 1, 3), np.float32), "ACEScg")
    assert origin_of(light, spec, "An estimate, not captured light.") == (
        "An estimate, not captured light, tone-mapped (hable)"
    )


def test_a_display_referred_picture_is_not_tone_mapped_and_the_note_says_so(tmp_path: Path) -> None:
    spec = spec_of({"format": "png", "tone_mapping": {"operator": "reinhard"}})
    pixels = ramp()
    done = save(tmp_path, pixels, [spec])
    with Image.open(done.pictures[0]) as picture:
        assert np.array_equal(np.asarray(picture), np.rint(pixels[0] * 255).astype(np.uint8))
    assert "tone mapping left out in PNG" in done.notes[0]


def test_a_delivery_that_fails_leaves_no_folder_to_count_as_a_version(tmp_path: Path) -> None:
    spec = spec_of({"format": "exr", "not_finite": "refuse"})
    broken = np.full((2, 8, 8, 3), np.nan, np.float32)
    (tmp_path / "old").mkdir()
    for pattern in ("new/deep/v{version:03}/a.{frame:02}", "old/v{version:03}/a.{frame:02}"):
        with pytest.raises(DeliveryError, match="not to be delivered"):
            save(tmp_path, broken, [spec], pattern=pattern)
        assert [path.name for path in tmp_path.rglob("*")] == ["old"]
        done = save(tmp_path, ramp(2), [spec], pattern=pattern)
        assert {path.parent.name for path in done.files} == {"v001"}
        shutil.rmtree(tmp_path / done.files[0].relative_to(tmp_path).parts[0])
        (tmp_path / "old").mkdir(exist_ok=True)


def test_layers_that_no_file_has_are_told(tmp_path: Path) -> None:
    depth = Layer("depth", ramp(channels=3)[..., :1], "data")
    flat = "Print: Adobe RGB 16-bit TIFF, 300 dpi"
    for preset in ("PNG", flat):
        assert "depth" in save(tmp_path, ramp(), preset, depth).notes[0]
    assert save(tmp_path, ramp(), "PNG + EXR", depth).notes == []
    assert save(tmp_path, ramp(), "PNG").notes == []


def test_clipped_values_are_told_once_for_all_frames(tmp_path: Path) -> None:
    done = save(tmp_path, ramp(3) * 2, "PNG")
    assert done.notes and all("clipped" in note for note in done.notes) and "a_00001_.png" in done.notes[0]


# ---------------------------------------------------------------- sequences


def test_a_sequence_has_its_frames_and_its_time(tmp_path: Path) -> None:
    naming = Naming(tmp_path, "{sku}/shot_v{version:03}.{frame:04}", first_frame=1001)
    for version in (1, 2):
        done = deliver(
            [Layer("beauty", ramp(3))], documents(), files_of("EXR"), naming,
            sidecars=NO_SIDECARS, frames_per_second=24.0, timecode="09:59:59:23",
        )  # fmt: skip
        assert names(done.files) == [f"shot_v00{version}.{frame}.exr" for frame in (1001, 1002, 1003)]
    assert done.files[0].parent == tmp_path / "A-1"
    clocks = []
    for file in done.files:
        header, _ = read_exr(file)
        clock = header["timeCode"]
        clocks.append((clock.hours, clock.minutes, clock.seconds, clock.frame))
        assert header["framesPerSecond"] == 24
    assert clocks == [(9, 59, 59, 23), (10, 0, 0, 0), (10, 0, 0, 1)]


def test_a_timecode_without_a_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="needs a frame rate"):
        save(tmp_path, ramp(), "EXR", timecode="10:00:00:00")
    assert not list(tmp_path.iterdir())


def test_a_long_sequence_takes_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    workflow = {"prompt": {"text": "x" * 500_000}}

    def most(frames: int) -> int:
        pixels = np.broadcast_to(ramp(), (frames, 40, 56, 3))
        few = documents(provenance={"seeds": list(range(frames))}, workflow=workflow)
        tracemalloc.start()
        save(tmp_path, pixels, "PNG", documents=few, sidecars=NO_SIDECARS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(4)
    # The texts of 32 frames would be 16 MB; a few are in flight.
    assert most(40) < most(8) + 5_000_000


# ---------------------------------------------------------------- what cannot be written


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (Layer("beauty", ramp()), "two layers have one name"),
        (Layer("depth", np.zeros((1, 20, 56, 1), np.float32), "data"), "not as large as the picture"),
        (Layer("depth", np.zeros((3, 40, 56, 1), np.float32), "data"), "another number of frames"),
        (Layer("grey", ramp(channels=1)), "number of channels"),
        (Layer("flow", ramp(channels=2), "data"), "number of channels"),
    ],
)
def test_layers_that_do_not_fit_are_refused(tmp_path: Path, layer: Layer, told: str) -> None:
    with pytest.raises(DeliveryError, match=told):
        save(tmp_path, ramp(2), "EXR", layer)
    assert not list(tmp_path.iterdir())


def test_two_files_of_one_name_are_refused_and_a_suffix_helps(tmp_path: Path) -> None:
    half, single = {"format": "exr"}, {"format": "exr", "bit_depth": 32}
    with pytest.raises(DeliveryError, match="one name"):
        save(tmp_path, ramp(), [spec_of(half), spec_of(single)])
    done = save(tmp_path, ramp(), [spec_of(half), spec_of(single | {"suffix": "_32"})])
    assert names(done.pictures) == ["a_00001_.exr", "a_00001__32.exr"]


def test_unwritable_folder_is_one_clear_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StudioFlowError, match="cannot be used"):
        save(tmp_path, ramp(), "PNG + EXR", pattern="file/a")
    with pytest.raises(DeliveryError, match="no file was left"):
        save(tmp_path, ramp(), "PNG + EXR", pattern="file/a_{seed}", if_exists=REFUSE)
    assert list(tmp_path.iterdir()) == [blocked]


def _failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """EXR files fail half way; the writers are looked up when they are used."""

    def write(path: Path, sheet: Sheet, spec: FileSpec) -> list[str]:
        path.write_bytes(b"half a picture")
        raise error

    monkeypatch.setattr("studioflow.imaging.exr.write_exr", write)


@pytest.mark.parametrize("frames", [1, 5])
def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames: int) -> None:
    _failing(monkeypatch, OSError(28, "No space left on device"))
    with pytest.raises(DeliveryError, match="No space left"):
        save(tmp_path, ramp(frames), "PNG + EXR")
    assert list(tmp_path.iterdir()) == []


def test_being_stopped_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        _failing(patched, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, ramp(), "PNG + EXR")

    def cancel(done: int, total: int) -> None:
        assert total == 6
        if done >= 2:
            raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        save(tmp_path, ramp(6), "PNG + EXR", progress=cancel)
    assert list(tmp_path.iterdir()) == []


def test_never_overwrites_unless_told(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_text("mine")
    with pytest.raises(DeliveryError, match="already there"):
        save(tmp_path, ramp(), "PNG + EXR", if_exists=REFUSE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.exr"]
    assert (tmp_path / "a.exr").read_text() == "mine"
    save(tmp_path, ramp(), "PNG + EXR", if_exists=OVERWRITE, sidecars=NO_SIDECARS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.exr", "a.png"]
    assert read_exr(tmp_path / "a.exr")[1]["R"].shape == (40, 56)


def test_overwriting_follows_no_link_out_of_the_folder(tmp_path: Path) -> None:
    root, secret = tmp_path / "output", tmp_path / "secret"
    root.mkdir()
    secret.write_text("mine")
    (root / "a.exr").symlink_to(secret)
    with pytest.raises(StudioFlowError, match="leaves the output folder"):
        save(root, ramp(), "PNG + EXR", if_exists=OVERWRITE)
    assert secret.read_text() == "mine" and [path.name for path in root.iterdir()] == ["a.exr"]


def test_overwriting_that_fails_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path, ramp(), "PNG + EXR", if_exists=OVERWRITE)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    _failing(monkeypatch, OSError(28, "No space left on device"))
    with pytest.raises(DeliveryError, match="No space left"):
        save(tmp_path, 1 - ramp(), "PNG + EXR", if_exists=OVERWRITE)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB; skipped where this may not be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if sys.platform != "linux" or not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system may be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("preset", list(shipped_presets()))
def test_a_full_disk_is_one_error_and_leaves_nothing(small_disk: Path, preset: str) -> None:
    pixels = np.random.default_rng(2).random((4, 768, 768, 3), dtype=np.float32)
    with pytest.raises(DeliveryError, match="could not be written") as caught:
        save(small_disk, pixels, preset)
    assert str(small_disk) in str(caught.value)
    assert list(small_disk.iterdir()) == []
    save(small_disk, ramp(), preset)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("kind", list(formats.FORMATS))
def test_a_quota_is_one_error_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    # A process of its own, with a limit to the size of files: what a quota does on a network folder.
    code = f"""
    import resource, signal, sys
    from pathlib import Path
    import numpy as np
    from studioflow.errors import DeliveryError
    from studioflow.delivery.deliver import Documents, Naming, deliver
    from studioflow.delivery.presets import spec_of
    from studioflow.imaging.sheet import Layer
    picture = Layer("beauty", np.random.default_rng(1).random((1, 256, 256, 3), dtype=np.float32))
    spec = spec_of({{"format": {kind!r}}})
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        deliver([picture], Documents(None, "", {{}}, {{}}), [spec], Naming(Path(sys.argv[1]), "a"))
    except DeliveryError as error:
        print(error.problem)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent.parent)
    assert done.stdout.strip() == "the files could not be written; no file was left half written", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_vanishes_is_one_error(tmp_path: Path) -> None:
    folder = tmp_path / "share"

    def lose(done: int, total: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(DeliveryError, match="could not be written"):
        save(tmp_path, ramp(4), "PNG + EXR", pattern="share/a", progress=lose)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_value_that_is_refused_stops_the_whole_delivery(tmp_path: Path) -> None:
    pixels = ramp(4)
    pixels[3, 0, 0, 0] = np.nan
    spec = spec_of({"format": "exr", "not_finite": "refuse"})
    with pytest.raises(StudioFlowError, match=r"(?i)nan|finite"):
        save(tmp_path, pixels, [spec])
    assert list(tmp_path.iterdir()) == []
