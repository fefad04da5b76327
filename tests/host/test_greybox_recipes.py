"""The greybox and its recipes, through a real ComfyUI's real queue.

What they write is opened with OpenImageIO and Pillow and held against the geometry of the sample: a cylinder of
0.06 × 0.19 m, seen by an 85 mm lens on full frame from 1.1 m away and 12° above.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import struct
import time
from itertools import pairwise
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
import trimesh
from PIL import Image

import dev
from studioflow.queue import ComfyClient, JobFailed, JobInterrupted, JobResult, Progress, PromptRefused

from .prompts import captions, delivered, quick, run
from .test_delivery_recipes import node_of, parts, sample
from .test_fibo_robust import PREVIEW_IMAGE, listen

WIDTH, HEIGHT = 96, 64
SMALL = {"quality": "draft", "longest_side": WIDTH}
ELEVATION = math.radians(12)
PIXELS_PER_M = WIDTH / (0.036 * (1.1 - 0.085) / 0.085)
"""At the grinder, where the lens is focused: full frame is 36 mm wide."""
GREYBOX = {"seed": 0, "denoise": False, "white_balance_k": 5600, "tone": "none"} | SMALL
EXR = {
    "color_space": "ACEScg", "sample": "float", "compression": "zip", "compression_level": 0, "layers_as": "parts",
    "tile": "0", "not_finite": "keep", "frames_per_second": 0, "timecode": "", "image_space": "ACEScg",
}  # fmt: skip


def small(name: str, **settings: Any) -> dict[str, Any]:
    """A recipe's prompt with a greybox that takes a second."""
    prompt = quick(name)
    prompt[node_of(prompt, "Greybox")]["inputs"] |= SMALL | settings
    return prompt


def pictures(host: dev.Host, result: JobResult, node: str) -> list[np.ndarray]:
    """What a node of ComfyUI saved or previewed, as levels [H, W, 3]."""
    found = []
    for file in result.outputs[node]["images"]:
        folder = {"output": host.base / "output", "temp": host.base / "temp"}[file["type"]]
        with Image.open(folder / file["subfolder"] / file["filename"]) as picture:
            found.append(np.asarray(picture.convert("RGB")).astype(np.float64))
    return found


def lit(levels: np.ndarray) -> bool:
    return levels.mean() > 8 and levels.std() > 8


def prompt_of(*between: tuple[str, dict[str, Any]], exr: str = "", **settings: Any) -> dict[str, Any]:
    """The sample through these nodes into a greybox, and its light into an EXR of 32 bits where that has a name."""
    prompt = {"shot": {"class_type": "StudioFlowLoadManifest", "inputs": {"manifest": "samples/product_hero.json"}}}
    last = "shot"
    for number, (kind, inputs) in enumerate(between):
        prompt[f"change{number}"] = {"class_type": f"StudioFlow{kind}", "inputs": {"manifest": [last, 0]} | inputs}
        last = f"change{number}"
    prompt["greybox"] = {"class_type": "StudioFlowGreybox", "inputs": {"manifest": [last, 0]} | GREYBOX | settings}
    if exr:
        given = {"images": ["greybox", 1], "layers": ["greybox", 7], "filename_prefix": f"StudioFlow/{exr}"}
        prompt["save"] = {"class_type": "StudioFlowSaveExr", "inputs": given | EXR}
    return prompt


def layers_of(host: dev.Host, prompt: dict[str, Any]) -> dict[str, np.ndarray]:
    (file,) = delivered(host, run(host, prompt), "save")[".exr"]
    return {name: pixels for name, (_, pixels) in parts(file).items()}


def shown_size(mask: np.ndarray) -> tuple[float, float]:
    """Width and height in pixels, from the coverage of the fullest row and column."""
    return mask.sum(axis=1).max(), mask.sum(axis=0).max()


def stand_in(**given: Any) -> tuple[str, dict[str, Any]]:
    nothing = {"stand_in": "as it is", "mesh": "none", "picture": "none", "size_m": "", "position_m": "", "count": 0}
    return "StandIn", {"subject": 1, "facing_deg": ""} | nothing | given


# ---------------------------------------------------------------- the recipes


def test_the_photograph_is_painted_after_the_greybox(host: dev.Host) -> None:
    prompt = small("greybox_to_photo")
    edit = prompt[node_of(prompt, "FiboEdit")]
    edit["inputs"] |= {"width": 96, "height": 64, "steps": 2, "count": 1, "reuse_pictures": False}
    result = run(host, prompt)
    (greybox,) = pictures(host, result, node_of(prompt, "Greybox"))
    assert greybox.shape == (HEIGHT, WIDTH, 3) and lit(greybox)
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    (caption,) = captions(files)
    assert caption["edit_instruction"].startswith("Turn the plain stand-in shapes into the finished photograph")
    (manifest,) = files[".manifest.json"]
    shot = json.loads(manifest.read_text(encoding="utf-8"))
    assert shot["scene"]["subjects"][0]["stand_in"] == "cylinder" and shot["scene"]["backdrop"]["kind"] == "table"
    (painted,) = files[".png"]

    # What only the greybox shows reaches the picture: another backdrop, of which the caption has no word.
    prompt[node_of(prompt, "Backdrop")]["inputs"] |= {"kind": "sweep", "color": "#FFFFFF"}
    again = delivered(host, run(host, prompt), node_of(prompt, "SaveDelivery"))
    assert captions(again) == [caption]
    with Image.open(painted) as before, Image.open(again[".png"][0]) as after:
        assert before.size == after.size == (96, 64)
        assert not np.array_equal(np.asarray(before), np.asarray(after))


def test_maps_show_the_geometry_of_the_shot(host: dev.Host) -> None:
    prompt = small("greybox_control_maps")
    result = run(host, prompt)
    saves = {
        node["inputs"]["filename_prefix"]: key for key, node in prompt.items() if node["class_type"] == "SaveImage"
    }
    maps = {name.rpartition("_")[2]: pictures(host, result, key) for name, key in saves.items()}
    (depth,), (normals,), (lines,), masks = (maps[name] for name in ("depth", "normals", "lines", "mask"))
    assert all(levels.shape == (HEIGHT, WIDTH, 3) for levels in (depth, normals, lines, *masks))
    assert len(masks) == 3 and all(mask.max() == 255 for mask in masks)
    assert sum(masks).max() <= 255 + 3
    grinder = masks[0][..., 0] > 128
    width, height = shown_size(grinder)
    assert width == pytest.approx(0.06 * PIXELS_PER_M, abs=1.5)
    # Its front, and of the round top what is seen from above.
    tall = 0.19 * math.cos(ELEVATION) + 0.06 * math.sin(ELEVATION)
    assert height == pytest.approx(tall * PIXELS_PER_M, rel=0.08)
    assert depth[grinder].mean() > depth[:10, :10].mean() + 20  # near is white
    assert depth[..., 0].min() < 8 and depth[..., 0].max() > 247
    assert 0.01 < (lines > 128).mean() < 0.4
    along_edge = lines[np.abs(np.diff(grinder.astype(int), axis=1, append=0)) > 0]
    assert (along_edge > 64).mean() > 0.4
    assert normal_at_the_middle(normals / 255 * 2 - 1) == pytest.approx(FACING, abs=0.09)


FACING = (0.0, -math.sin(ELEVATION), math.cos(ELEVATION))
"""The side of an upright cylinder in the space of a camera that looks down on it."""


def normal_at_the_middle(normals: np.ndarray) -> tuple[float, ...]:
    """The mean of the four pixels around the middle, where the camera looks at the grinder's axis."""
    middle = normals[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    return tuple(middle.mean(axis=(0, 1)))


def test_an_exr_has_light_and_geometry_in_parts(host: dev.Host) -> None:
    prompt = small("greybox_hdr_exr", quality="preview")
    result = run(host, prompt)
    (preview,) = pictures(
        host, result, next(key for key, node in prompt.items() if node["class_type"] == "PreviewImage")
    )
    assert lit(preview)
    (file,) = delivered(host, result, node_of(prompt, "SaveExr"))[".exr"]
    found = parts(file)
    assert list(found) == ["beauty", "depth", "normal", "mask.subject1", "mask.subject2", "mask.subject3"]
    for name, (spec, pixels) in found.items():
        kind = "float" if name == "depth" else "half"
        assert (spec.width, spec.height, str(spec.format)) == (WIDTH, HEIGHT, kind), name
        assert spec.getattribute("colorInteropID") == ("lin_ap1_scene" if name == "beauty" else "data"), name
        assert np.isfinite(pixels).all(), name
    header, light = found["beauty"]
    ap1 = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    assert header.getattribute("chromaticities") == pytest.approx(ap1, abs=1e-5)
    assert light.mean() > 0.01 and light.std() > 0.01
    assert json.loads(header.getattribute("studioflow:manifest")) == sample(prompt)
    assert "greybox" in json.dumps(json.loads(header.getattribute("studioflow:provenance")))

    depth, normals = found["depth"][1][..., 0], found["normal"][1]
    middle = depth[HEIGHT // 2 - 1 : HEIGHT // 2 + 1, WIDTH // 2 - 1 : WIDTH // 2 + 1]
    assert middle == pytest.approx(np.full((2, 2), 1.1 - 0.03 / math.cos(ELEVATION)), abs=0.004)
    assert normal_at_the_middle(normals) == pytest.approx(FACING, abs=0.02)
    there = depth < 1e9
    assert np.abs(np.linalg.norm(normals[there], axis=-1) - 1).max() < 0.01
    coverage = np.concatenate([found[f"mask.subject{number}"][1] for number in (1, 2, 3)], axis=-1)
    assert coverage.min() >= 0 and coverage.sum(axis=-1).max() < 1.001 and (coverage.max(axis=(0, 1)) > 0.9).all()
    partly = (coverage[..., 0] > 0.05) & (coverage[..., 0] < 0.95)
    assert partly.any()  # the quality preview looks several times a pixel
    assert coverage[..., 0].sum(axis=1).max() == pytest.approx(0.06 * PIXELS_PER_M, rel=0.05)


def test_twelve_views_of_a_turntable_and_a_moving_picture(host: dev.Host) -> None:
    prompt = small("turntable_greybox", longest_side=WIDTH)
    result = run(host, prompt)
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))[".png"]
    assert [path.stem for path in files] == [f"turntable_greybox_{number:05}_" for number in range(1, 13)]
    frames, azimuths = [], []
    for path in files:
        with Image.open(path) as picture:
            frames.append(np.asarray(picture.convert("RGB")).astype(np.float64))
            shot = json.loads(picture.text["studioflow:manifest"])
        azimuths.append(shot["camera"]["orbit"]["azimuth_deg"] % 360)
    assert azimuths == [30 * step for step in range(12)]
    assert all(frame.shape == (WIDTH, WIDTH, 3) and lit(frame) for frame in frames)
    for number, frame in enumerate(frames):
        assert all(np.abs(frame - other).mean() > 1 for other in frames[number + 1 :]), number
    (moving,) = result.outputs[next(key for key in prompt if prompt[key]["class_type"] == "SaveAnimatedWEBP")]["images"]
    with Image.open(host.base / "output" / moving["subfolder"] / moving["filename"]) as picture:
        assert (picture.n_frames, picture.size) == (12, (WIDTH, WIDTH))


# ---------------------------------------------------------------- while it renders


def test_progress_and_the_growing_picture_reach_the_client(host: dev.Host) -> None:
    told = listen(host, prompt_of(quality="final", longest_side=256, seed=11))
    steps = told.steps_of("greybox")
    done = [value for value, _ in steps]
    assert len(set(done)) > 3 and all(one <= other for one, other in pairwise(done))
    assert {total for _, total in steps} == {257} and done[-1] == 257
    assert told.frames
    for frame in told.frames:
        assert struct.unpack(">II", frame[:8]) == (PREVIEW_IMAGE, 1)
        with Image.open(io.BytesIO(frame[8:])) as picture:
            assert picture.format == "JPEG"
            last = np.asarray(picture.convert("RGB").resize((48, 32), Image.Resampling.BOX)).astype(np.float64)
    (final,) = pictures(host, told.result, "greybox")
    final = np.asarray(Image.fromarray(final.astype(np.uint8)).resize((48, 32), Image.Resampling.BOX))
    assert lit(last) and np.abs(last - final).mean() < 6


def test_cancel_ends_a_long_render_and_the_next_one_is_right(host: dev.Host) -> None:
    before = layers_of(host, prompt_of(exr="uncancelled"))

    async def cancel() -> float:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(prompt_of(quality="final", longest_side=1024))
            async for event in job.events():
                if isinstance(event, Progress) and event.node_id == "greybox" and event.value >= 2:
                    break
            assert event.max == 257 and event.value < 200
            started = time.monotonic()
            assert await job.cancel()
            with pytest.raises(JobInterrupted):
                await job.wait()
            return time.monotonic() - started

    took = asyncio.run(cancel())
    print(f"cancelled in {took:.2f} s")
    assert took < 10
    # The white balance is no part of the light, so that the node runs again and gives the same bits.
    after = layers_of(host, prompt_of(exr="after_a_cancel", white_balance_k=4000))
    assert before.keys() == after.keys()
    for name, pixels in before.items():
        assert np.array_equal(pixels, after[name]), name


# ---------------------------------------------------------------- files that a shot names


@pytest.fixture(scope="module")
def ball(host: dev.Host) -> str:
    """A ball of half a metre, as large as its file says."""
    trimesh.creation.icosphere(subdivisions=3, radius=0.25).export(host.base / "input" / "greybox_ball.glb")
    return "input/greybox_ball.glb"


def test_a_mesh_stands_for_a_subject(host: dev.Host, ball: str) -> None:
    found = layers_of(host, prompt_of(stand_in(mesh=ball), exr="mesh", quality="preview"))
    # Made as large as fits into the grinder's size, it lies on the ground, 6 cm across.
    width, height = shown_size(found["mask.subject1"][..., 0])
    assert width == pytest.approx(0.06 * PIXELS_PER_M, rel=0.06)
    assert height == pytest.approx(width, rel=0.06)
    assert found["beauty"].mean() > 0.01


def test_a_mesh_that_is_not_there_is_told_at_its_node(host: dev.Host) -> None:
    with pytest.raises(PromptRefused, match="no such mesh"):
        run(host, prompt_of(stand_in(mesh="input/nowhere.glb")))
    named = "SetField", {"path": "scene.subjects[0].mesh", "value": "input/nowhere.glb"}
    with pytest.raises(JobFailed, match="no such mesh") as caught:
        run(host, prompt_of(named))
    assert caught.value.node_class == "StudioFlowGreybox"
    assert "input/nowhere.glb" in str(caught.value) and "Traceback" not in str(caught.value)


def test_a_shot_is_lit_by_its_panorama(host: dev.Host) -> None:
    # Blue above, red below, and nothing else that shines.
    light = np.zeros((32, 64, 3), np.float32)
    light[:16, :, 2], light[16:, :, 0] = 4.0, 0.5
    spec = oiio.ImageSpec(64, 32, 3, oiio.FLOAT)
    picture = oiio.ImageBuf(spec)
    picture.set_pixels(oiio.ROI(), light)
    assert picture.write(str(host.base / "input" / "greybox_sky.exr"))
    lighting = {"environment": {"hdri": "input/greybox_sky.exr"}}
    changes = [
        ("SetField", {"path": "lighting", "value": json.dumps(lighting)}),
        ("Backdrop", {"kind": "environment", "distance_m": 0, "color": ""}),
    ]
    found = layers_of(host, prompt_of(*changes, exr="panorama", quality="preview"))
    light, free = found["beauty"], found["depth"][..., 0] > 1e9
    assert free.mean() > 0.3
    assert light[free].mean(axis=0)[0] > 5 * light[free].mean(axis=0)[2]  # the camera looks down at the red half
    top = found["normal"][..., 1] > 0.9
    assert top.any() and light[top].mean(axis=0)[2] > light[top].mean(axis=0)[0]
