"""Deliveries through a real ComfyUI's real queue: read back by programs that are not ours, opened again, and broken."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
import pytest
import tifffile
from PIL import Image

import dev
from studioflow.delivery.menus import AS_MANIFEST, SAMPLES
from studioflow.delivery.presets import shipped_presets
from studioflow.imaging.menus import EXR_COMPRESSIONS, TIFF_COMPRESSIONS
from studioflow.queue import ComfyClient, JobFailed, JobInterrupted, JobResult, PromptRefused

from .prompts import run

WIDTH, HEIGHT = 97, 61
PICTURES = (".png", ".exr", ".tif", ".avif", ".jpg", ".webp")
SHOT = {"shot": {"class_type": "StudioFlowLoadManifest", "inputs": {"manifest": "samples/product_hero.json"}}}
LOSSY = ("pxr24", "b44", "b44a", "dwaa", "dwab")


def core(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def ours(kind: str, **inputs: Any) -> dict[str, Any]:
    return core(f"StudioFlow{kind}", **inputs)


def picture(width: int = 32, height: int = 16, count: int = 1, color: int = 0x204060) -> dict[str, Any]:
    """ComfyUI's own node of one colour; another colour is another picture to its cache."""
    return core("EmptyImage", width=width, height=height, batch_size=count, color=color)


def loaded(file: str, layer: str = "beauty") -> dict[str, Any]:
    return ours("LoadDelivery", file=file, layer=layer, space="as stored")


def delivery(source: list[Any], name: str, preset: str = "PNG", **more: Any) -> dict[str, Any]:
    return ours(
        "SaveDelivery", images=source, manifest=["shot", 0], preset=preset, filename_prefix=f"StudioFlow/{name}", **more
    )


def exr(source: list[Any], name: str, **more: Any) -> dict[str, Any]:
    settings = {
        "color_space": "Linear Rec.709", "sample": "float", "compression": "zip", "compression_level": 0.0,
        "layers_as": "one", "tile": "0", "not_finite": "keep", "frames_per_second": 0.0, "timecode": "",
        "image_space": "Linear Rec.709",
    }  # fmt: skip
    return ours("SaveExr", images=source, filename_prefix=f"StudioFlow/{name}", **settings | more)


def tiff(source: list[Any], name: str, **more: Any) -> dict[str, Any]:
    settings = {"color_space": "Linear Rec.709", "dpi": 300.0, "layers_as": "pages", "image_space": "Linear Rec.709"}
    return ours("SaveTiff", images=source, filename_prefix=f"StudioFlow/{name}", **settings | more)


def kept(manifest: list[Any], name: str) -> dict[str, Any]:
    return ours("SaveManifest", manifest=manifest, folder="user", name=name, if_it_exists="refuse")


def files(host: dev.Host, result: JobResult, node: str = "save") -> list[Path]:
    output = host.base / "output"
    return [output / file["subfolder"] / file["filename"] for file in result.outputs[node]["studioflow_files"]]


def told(result: JobResult, node: str = "save") -> str:
    return "\n".join(result.outputs[node]["studioflow_notice"])


def refusal(host: dev.Host, prompt: dict[str, Any]) -> str:
    """The one clear error of a prompt that cannot be done."""
    with pytest.raises((JobFailed, PromptRefused)) as caught:
        run(host, prompt)
    assert "traceback" not in str(caught.value).lower() and "Error:" not in str(caught.value)
    return str(caught.value)


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


def by_openimageio(path: Path) -> dict[str, np.ndarray]:
    """Every channel of every part by its name; of an AVIF, which OpenImageIO's wheels do not read, by Pillow."""
    if path.suffix == ".avif":
        with Image.open(path) as image:
            return dict(zip(image.mode, np.moveaxis(np.asarray(image), -1, 0), strict=True))
    found, part = {}, 0
    source = OpenImageIO.ImageInput.open(str(path))
    assert source, OpenImageIO.geterror()
    while source.seek_subimage(part, 0):
        spec = source.spec()
        pixels = source.read_image(part, 0, 0, spec.nchannels, OpenImageIO.FLOAT)
        assert pixels is not None, source.geterror()
        found |= {name: np.array(pixels[..., index]) for index, name in enumerate(spec.channelnames)}
        part += 1
    source.close()
    return found


def by_tools(path: Path) -> None:
    """What is installed here of the formats' own tools finds nothing wrong."""
    commands = {".exr": [["exrheader", path]], ".tif": [["tiffinfo", "-D", path]]}.get(path.suffix, [])
    commands += [["exiftool", "-q", "-q", "-validate", "-error", "-s3", path]] if path.suffix != ".tif" else []
    for command in commands:
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=30)
            assert done.returncode == 0 and not done.stderr, (path.name, done.stderr)


@pytest.fixture(scope="module")
def light(host: dev.Host) -> Iterator[np.ndarray]:
    """A linear picture from -2 to 18 in ComfyUI's input folder, as another program writes it."""
    across, down = np.meshgrid(np.linspace(0, 1, WIDTH), np.linspace(0, 1, HEIGHT))
    pixels = np.stack([across, down, (across + down) / 2], -1).astype(np.float32) * 20 - 2
    path = host.base / "input" / "light.exr"
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": pixels}) as file:
        file.write(str(path))
    yield pixels
    path.unlink()


@pytest.fixture
def sources(light: np.ndarray) -> dict[str, Any]:
    """The picture with an alpha of 0.75, and three further layers."""
    return SHOT | {
        "light": loaded("input/light.exr"),
        "quarter": core("SolidMask", value=0.25, width=WIDTH, height=HEIGHT),
        "picture": core("JoinImageWithAlpha", image=["light", 0], alpha=["quarter", 0]),
        "depth": ours("Layers", name="depth", space="data", mask=["quarter", 0]),
        "key": ours("Layers", name="light.key", space="Linear Rec.709", image=["light", 0], layers=["depth", 0]),
    }


# ---------------------------------------------------------------- what is written


def test_every_preset_is_whole_and_opens_again(host: dev.Host, sources: dict[str, Any]) -> None:
    presets = list(shipped_presets())
    saves = {
        name: delivery(
            ["picture", 0], "presets/{preset}", name, layers=["key", 0], image_space="Linear Rec.709",
            sidecars="manifest + caption + checksums",
        )
        for name in presets
    }  # fmt: skip
    result = run(host, sources | saves)
    written = [path for name in presets for path in files(host, result, name)]
    opened = [path for path in written if path.suffix in PICTURES]
    assert len(opened) == sum(len(preset.files) for preset in shipped_presets().values())
    for path in opened:
        by_tools(path)
        assert all(plane.shape == (HEIGHT, WIDTH) for plane in by_openimageio(path).values())
    for path in written:
        if path.suffix == ".sha256":
            for line in path.read_text().splitlines():
                digest, name = line.split("  ", 1)
                assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == digest

    again = {}
    for index, path in enumerate(opened):
        file = f"output/{path.relative_to(host.base / 'output').as_posix()}"
        again |= {f"load{index}": loaded(file), f"inspect{index}": ours("InspectFile", file=file)}
        again[f"save{index}"] = kept([f"load{index}", 2], f"again_{index}")
        again[f"show{index}"] = core("PreviewImage", images=[f"load{index}", 0])
    result = run(host, SHOT | again | {"whole": kept(["shot", 0], "again_whole")})
    folder = host.base / "user" / "default" / "studioflow"
    shot = json.loads(next(folder.rglob("again_whole*.json")).read_text(encoding="utf-8"))
    shot.pop("$schema", None)
    for index, path in enumerate(opened):
        assert json.loads(next(folder.rglob(f"again_{index}.json")).read_text(encoding="utf-8")) == shot, path.name
        text = told(result, f"inspect{index}")
        assert f"{WIDTH} × {HEIGHT}" in text and "checksum: ok" in text, text


def test_every_exr_holds_every_value(host: dev.Host, sources: dict[str, Any], light: np.ndarray) -> None:
    ways = [("half", "one", "0"), ("float", "parts", "32")]
    kinds = list(itertools.product(EXR_COMPRESSIONS, ways))
    names = {kind: f"{kind[0]}_{'_'.join(kind[1])}" for kind in kinds}
    saves = {
        names[kind]: exr(
            ["picture", 0], f"exr/{names[kind]}", compression=kind[0], sample=kind[1][0], layers_as=kind[1][1],
            tile=kind[1][2], layers=["key", 0], manifest=["shot", 0], frames_per_second=23.976, timecode="10:00:00:00",
        )
        for kind in kinds
    }  # fmt: skip
    result = run(host, sources | saves)
    for kind, name in names.items():
        path = files(host, result, name)[0]
        by_tools(path) if not kind[0].startswith("htj2k") else None
        found = by_openimageio(path)
        exact = np.float16 if kind[1][0] == "half" else np.float32
        for channel, plane in zip("RGB", np.moveaxis(light, -1, 0), strict=True):
            wanted = (plane * np.float32(0.75)).astype(exact)
            error = np.abs(found[channel] - wanted).max()
            assert error <= (2.0 if kind[0] in LOSSY else 0.0), (name, channel, error)
        assert np.all(found["depth.Z"] == 0.25), name
        assert {"light.key.R", "light.key.G", "light.key.B"} <= set(found)


def test_every_tiff_holds_what_its_samples_can(host: dev.Host, sources: dict[str, Any], light: np.ndarray) -> None:
    kinds = list(itertools.product(SAMPLES, TIFF_COMPRESSIONS))
    saves = {
        f"{sample} {packed}": tiff(
            ["light", 0], f"tiff/{sample}_{packed}", sample=sample, compression=packed, layers=["key", 0]
        )
        for sample, packed in kinds
    }
    result = run(host, sources | saves)
    for sample, packed in kinds:
        path = files(host, result, f"{sample} {packed}")[0]
        by_tools(path)
        with tifffile.TiffFile(path) as file:
            found = [page.asarray() for page in file.pages]
        wanted = light.astype({"half": np.float16, "float": np.float32}.get(sample, np.float32))
        if sample.endswith("bit"):
            most = np.iinfo(found[0].dtype).max
            wanted = np.rint(np.clip(light, 0, 1) * np.float32(most)).astype(found[0].dtype)
            assert "were clipped" in told(result, f"{sample} {packed}")
        assert len(found) == 3 and np.array_equal(found[0], wanted), path.name


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 4096), (3, 5)])
def test_odd_sizes(host: dev.Host, width: int, height: int) -> None:
    prompt = SHOT | {
        "picture": picture(width, height, color=0xFF8040),
        "save": delivery(["picture", 0], f"odd/{width}x{height}", "Everything: PNG, TIFF, EXR, AVIF"),
        "web": delivery(["picture", 0], f"odd/w{width}x{height}", "Web: sRGB AVIF + JPEG"),
    }
    result = run(host, prompt)
    for path in [path for node in ("save", "web") for path in files(host, result, node)]:
        if path.suffix in PICTURES:
            assert next(iter(by_openimageio(path).values())).shape == (height, width)
    with Image.open(files(host, result)[0]) as image:
        found = np.asarray(image)
    assert np.abs(found[0, 0].astype(int) - [0xFF, 0x80, 0x40]).max() <= 257


def test_not_finite_values_are_told_whatever_the_file(host: dev.Host, light: np.ndarray) -> None:
    pixels = light.copy()
    pixels[5, 5], pixels[6, 6, 0] = np.nan, np.inf
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": pixels}) as file:
        file.write(str(host.base / "input" / "odd.exr"))
    source = {"light": loaded("input/odd.exr")}
    prompt = source | {
        "save": exr(["light", 0], "nan/a"),
        "tiff": tiff(["light", 0], "nan/b", sample="float", compression="zip"),
        "whole": tiff(["light", 0], "nan/c", sample="16-bit", compression="zip"),
    }
    result = run(host, prompt)
    assert np.isnan(by_openimageio(files(host, result)[0])["R"][5, 5])
    assert "3 NaN and 1 infinite values, kept" in told(result)
    assert "(NaN) and stayed so" in told(result, "tiff") and "infinite and stayed so" in told(result, "tiff")
    assert "(NaN) and became 0" in told(result, "whole")
    assert "not to be delivered" in refusal(host, source | {"save": exr(["light", 0], "nan/d", not_finite="refuse")})
    assert not list((host.base / "output" / "StudioFlow" / "nan").glob("*d_*"))


# ---------------------------------------------------------------- names


def test_sequences_versions_and_names_that_are_taken(host: dev.Host) -> None:
    def deliver(color: int, name: str, count: int = 12, **more: Any) -> Sequence[str]:
        prompt = SHOT | {"picture": picture(count=count, color=color), "save": delivery(["picture", 0], name, **more)}
        return [path.name for path in files(host, run(host, prompt)) if path.suffix == ".png"]

    assert deliver(1, "names/a.{frame:04}", first_frame=1001) == [f"a.{frame}.png" for frame in range(1001, 1013)]
    versions = [deliver(color, "names/v{version:03}.{frame:02}", count=2) for color in (2, 3)]
    assert versions == [["v001.01.png", "v001.02.png"], ["v002.01.png", "v002.02.png"]]
    again = deliver(4, "names/v{version:03}.{frame:02}", count=2, if_exists="overwrite")
    assert again == ["v002.01.png", "v002.02.png"]
    assert deliver(5, "names/🎉 {sku}", count=1, if_exists="refuse") == ["🎉 NL-220.png"]
    taken = SHOT | {
        "picture": picture(color=6),
        "save": delivery(["picture", 0], "names/🎉 {sku}", if_exists="refuse"),
    }
    assert "already there" in refusal(host, taken)
    seeds = SHOT | {"picture": picture(count=2), "save": delivery(["picture", 0], "names/{seed}")}
    assert "no seed" in refusal(host, seeds), "the manifest has one, for the first picture"


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "{sku}/../../../x", "", " ", ".", "{nothing}", "a\nb", "x" * 300]
)
def test_a_name_that_cannot_be_leaves_no_file(host: dev.Host, name: str) -> None:
    before = everything(host.base / "output")
    prompt = SHOT | {"picture": picture(), "save": delivery(["picture", 0], "")}
    prompt["save"]["inputs"]["filename_prefix"] = name
    assert "found:" in refusal(host, prompt)
    assert everything(host.base / "output") == before
    assert not list(host.base.glob("x*"))


# ---------------------------------------------------------------- what goes wrong


def test_a_sequence_that_is_cancelled_leaves_nothing(host: dev.Host) -> None:
    folder = host.base / "output" / "StudioFlow" / "cancelled"
    prompt = SHOT | {
        "picture": picture(768, 768, 40),
        "save": delivery(["picture", 0], "cancelled/f.{frame:04}", "Everything: PNG, TIFF, EXR, AVIF"),
    }

    async def cancel() -> int:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(prompt)
            ended = asyncio.ensure_future(job.wait())
            while not ended.done() and len(list(folder.glob(".*.part"))) < 12:
                await asyncio.sleep(0.02)
            parts = len(list(folder.glob(".*.part")))
            assert await job.cancel()
            with pytest.raises(JobInterrupted):
                await ended
            return parts

    assert asyncio.run(cancel()) >= 12
    assert not folder.exists()
    prompt["picture"] = picture()
    assert len(files(host, run(host, prompt))) == 5


def test_a_file_in_the_way_of_the_last_frame_leaves_none_of_the_others(host: dev.Host) -> None:
    folder = host.base / "output" / "StudioFlow" / "in_the_way"
    folder.mkdir(parents=True)
    (folder / "a.0005.manifest.json").write_text("of somebody else")
    prompt = SHOT | {"picture": picture(count=5), "save": delivery(["picture", 0], "in_the_way/a.{frame:04}")}
    assert "already there" in refusal(host, prompt)
    assert everything(folder) == ["a.0005.manifest.json"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"tile": "seven"}, "tile: no such choice"),
        ({"color_space": "sRGB"}, "the colour space does not fit the format"),
        ({"compression": "gzip"}, "compression: an EXR cannot have that"),
        ({"compression_level": 45.0}, "no such compression level"),
        ({"timecode": "10:00:00:00"}, "a timecode needs a frame rate"),
        ({"timecode": "10:00:00;00", "frames_per_second": 24.0}, "this is no timecode"),
    ],
)
def test_settings_that_only_a_program_can_send(host: dev.Host, setting: dict[str, Any], told: str) -> None:
    assert told in refusal(host, {"picture": picture(), "save": exr(["picture", 0], "settings/a", **setting)})
    assert not (host.base / "output" / "StudioFlow" / "settings").exists()


def test_what_a_manifest_asks_for(host: dev.Host) -> None:
    def asked(*export: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps({"studioflow": "1.0", "scene": {"description": "a cup"}, "export": export})
        return {
            "shot": ours("ManifestFromText", text=text, values=""),
            "picture": picture(),
            "save": delivery(["picture", 0], "asked/a", AS_MANIFEST),
        }

    written = files(host, run(host, asked({"preset": "PNG"}, {"format": "exr", "color_space": "ACEScg"})))
    assert [path.suffix for path in written] == [".png", ".exr", ".json"]
    for export, told in (
        ({"preset": "Pgn"}, "/export/0/preset: no such delivery preset"),
        ({"preset": AS_MANIFEST}, "cannot name itself"),
        ({"format": "exr", "color_space": "sRGB"}, "/export/0/color_space: the colour space does not fit"),
        ({"format": "png", "color_space": "Nowhere"}, "no such colour space"),
    ):
        assert told in refusal(host, asked(export))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"Mine": {"files": [{"format": "png"}]}}', ""),
        ('{"Mine": {"files": [{"format": "png"}]', "mine.json:1:39: this is not JSON"),
        ('{"Mine": {"files": [{"format": "gif"}]}}', "mine.json /Mine/files/0/format: unknown name"),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=["good", "cut off", "unknown", "deep"],
)
def test_a_persons_own_presets(host: dev.Host, text: str, told: str) -> None:
    folder = host.base / "user" / "default" / "studioflow" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.json").write_text(text)
    try:
        prompt = SHOT | {"picture": picture(), "save": delivery(["picture", 0], "own/a", "Mine")}
        if told:
            assert told in refusal(host, prompt)
        else:
            assert files(host, run(host, prompt))
        # What ships works all the same.
        prompt["save"] = delivery(["picture", 0], f"own/{len(text)}")
        assert files(host, run(host, prompt))
    finally:
        (folder / "mine.json").unlink()


def test_broken_files_give_one_clear_error_each(host: dev.Host) -> None:
    presets = ("Everything: PNG, TIFF, EXR, AVIF", "Web: sRGB AVIF + JPEG", "Web: sRGB WebP")
    saves = {name: delivery(["picture", 0], "broken/a", name) for name in presets}
    result = run(host, SHOT | {"picture": picture(64, 64, color=0x102030)} | saves)
    written = {path.suffix: path for name in presets for path in files(host, result, name)}
    for suffix in PICTURES:
        data = written[suffix].read_bytes()
        for end in (0, 20, len(data) // 2):
            name = f"broken_{end}{suffix}"
            (host.base / "input" / name).write_bytes(data[:end])
            prompt = {"load": loaded(f"input/{name}"), "show": core("PreviewImage", images=["load", 0])}
            assert name in refusal(host, prompt)
            assert name in refusal(host, {"inspect": ours("InspectFile", file=f"input/{name}")})
    assert "nowhere.exr" in refusal(host, {"inspect": ours("InspectFile", file="input/nowhere.exr")})
    assert "leaves its folder" in refusal(host, {"inspect": ours("InspectFile", file="input/../../x.exr")})


def test_layers_of_another_program_go_into_our_files(host: dev.Host) -> None:
    channels = {name: np.full((8, 9), value, np.float32) for name, value in zip("RGB", (0.1, 0.2, 0.3), strict=True)}
    channels |= {f"View Layer.Diff Col.{name}": np.full((8, 9), 0.5, np.float32) for name in "RGB"}
    with OpenEXR.File({"type": OpenEXR.scanlineimage}, channels) as file:
        file.write(str(host.base / "input" / "passes.exr"))
    prompt = {"load": loaded("input/passes.exr"), "save": exr(["load", 0], "passes/a", layers=["load", 6])}
    found = by_openimageio(files(host, run(host, prompt))[0])
    assert np.all(found["View_Layer.Diff_Col.R"] == 0.5) and np.all(found["G"] == np.float32(0.2))
