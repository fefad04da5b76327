"""FIBO's nodes under abuse, through a real ComfyUI's real queue: restarts, cancels, broken files, odd pictures."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import shutil
import struct
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
from PIL import Image

import dev
from studioflow.fibo.standin import make_standins
from studioflow.queue import ComfyClient, JobFailed, JobInterrupted, JobResult, Progress, PromptRefused

from .prompts import delivered, run

FIBO_1, FIBO_EDIT, FIBO_2 = (f"studioflow-standin-fibo-{name}" for name in ("1", "edit", "2"))
CAPTION = '{"short_description":"a cup"}'
EDIT_CAPTION = '{"short_description":"a cup","edit_instruction":"Make the cup blue"}'
SMALL = {"width": 64, "height": 48, "seed": 3, "steps": 2, "cfg": 5.0, "count": 1, "negative": "", "caption": CAPTION}
LONG = {"steps": 6, "width": 384, "height": 384}
UNSEEN_SEEDS = itertools.count(1000)
COMFYUIS = ("ImageBatch", "JoinImageWithAlpha", "LoadImage")
PREVIEW_IMAGE = 1
"""ComfyUI's binary frame type of a preview; an image type (1 is JPEG) and the file follow."""


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind if kind in COMFYUIS else f"StudioFlow{kind}", "inputs": inputs}


def shot(model: str, kind: str = "FiboSampler", **inputs: Any) -> dict[str, Any]:
    """A prompt that renders with the model, afresh unless ``reuse_pictures`` is given, and delivers."""
    return {
        "shot": node("LoadManifest", manifest="samples/product_hero.json"),
        "model": node("FiboLoader", model=model, dtype="auto"),
        "render": node(kind, fibo=["model", 0], **SMALL | {"reuse_pictures": False} | inputs),
        "save": saved("render"),
    }


def saved(render: str) -> dict[str, Any]:
    given = {"images": [render, 0], "manifest": ["shot", 0], "provenance": [render, 1]}
    return node("SaveDelivery", preset="PNG + EXR", filename_prefix=f"robust/{uuid.uuid4().hex}", **given)


def edit(model: str, image: Any, **inputs: Any) -> dict[str, Any]:
    """A prompt that edits an input file, or the output of ``image``'s nodes that is called ``picture``."""
    nodes = image if isinstance(image, dict) else {"picture": node("LoadImage", image=image)}
    return nodes | shot(model, "FiboEdit", image=["picture", 0], **{"caption": EDIT_CAPTION} | inputs)


@dataclass
class Delivery:
    """The pictures of a delivery, read by tools that are not ours, the provenance of the first, and what was said."""

    png: list[np.ndarray]
    exr: list[np.ndarray]
    provenance: dict[str, Any]
    notices: list[str]

    def same_pixels(self, other: Delivery) -> bool:
        pairs = zip(self.png + self.exr, other.png + other.exr, strict=True)
        return all(one.tobytes() == another.tobytes() for one, another in pairs)


def deliver(host: dev.Host, prompt: dict[str, Any], save: str = "save") -> Delivery:
    return read_delivery(host, run(host, prompt), save)


def read_delivery(host: dev.Host, result: JobResult, save: str = "save") -> Delivery:
    import OpenEXR

    files = delivered(host, result, save)
    levels, light = [], []
    for path in files[".png"]:
        with Image.open(path) as picture:
            levels.append(np.asarray(picture).copy())
    for path in files[".exr"]:
        with OpenEXR.File(str(path)) as file:
            light.append(file.channels()["RGB"].pixels.copy())
    with Image.open(files[".png"][0]) as picture:
        provenance = json.loads(picture.text["studioflow:provenance"])
    assert all(one.std() > 5 for one in levels)
    return Delivery(levels, light, provenance, result.outputs.get("render", {}).get("studioflow_notice", []))


def refused(host: dev.Host, prompt: dict[str, Any], told: str, at: str) -> None:
    with pytest.raises(JobFailed, match=told) as caught:
        run(host, prompt)
    assert caught.value.node_class == f"StudioFlow{at}"
    assert "Traceback" not in str(caught.value)


def free(host: dev.Host, **flags: bool) -> None:
    """Posts to /free while a picture of its own is rendered, and waits for that picture.

    ComfyUI looks at the flags when a prompt ends, or when its idle worker wakes, which may be after the next prompt.
    """
    body = json.dumps(flags).encode()
    request = urllib.request.Request(f"{host.url}/free", body, {"Content-Type": "application/json"})

    async def post_meanwhile() -> None:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(shot(FIBO_2, **LONG | {"seed": next(UNSEEN_SEEDS)}))
            async for event in job.events():
                if isinstance(event, Progress) and event.node_id == "render":
                    break
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
                assert answer.status == 200
            await job.wait()

    asyncio.run(post_meanwhile())


@dataclass
class Told:
    """What a client hears on its websocket: the messages of its prompt, and binary frames."""

    messages: list[tuple[str, dict[str, Any]]]
    frames: list[bytes]

    def steps_of(self, name: str) -> list[tuple[int, int]]:
        return [
            (data["value"], data["max"]) for kind, data in self.messages if kind == "progress" if data["node"] == name
        ]

    @property
    def result(self) -> JobResult:
        executed = {data["node"]: data["output"] for kind, data in self.messages if kind == "executed"}
        return JobResult("", {name: output for name, output in executed.items() if output})

    @property
    def cached(self) -> set[str]:
        return {name for kind, data in self.messages if kind == "execution_cached" for name in data["nodes"]}

    @property
    def executed(self) -> set[str]:
        return {data["node"] for kind, data in self.messages if kind == "executing" and data["node"]}


def listen(host: dev.Host, prompt: dict[str, Any], until: Callable[[str, dict[str, Any]], bool] | None = None) -> Told:
    """Runs a prompt as the frontend does, and hears all of it, or up to the message that ``until`` waits for."""
    told = Told([], [])

    async def hear() -> None:
        client = uuid.uuid4().hex
        async with aiohttp.ClientSession() as web, web.ws_connect(f"{host.url}/ws?clientId={client}") as socket:
            async with web.post(f"{host.url}/prompt", json={"prompt": prompt, "client_id": client}) as answer:
                number = (await answer.json())["prompt_id"]
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    told.frames.append(message.data)
                    continue
                kind, data = (parsed := json.loads(message.data))["type"], parsed["data"]
                if data.get("prompt_id") != number:
                    continue
                told.messages.append((kind, data))
                assert kind not in ("execution_error", "execution_interrupted"), data
                if kind == "execution_success" or (until and until(kind, data)):
                    return

    asyncio.run(asyncio.wait_for(hear(), 300))
    return told


# A life of a server ends with a kill in the middle of this render: the second of two batches.
MANY = {"count": 16, "steps": 4, "reuse_pictures": True}
FIRST_BATCH = 8


@dataclass
class Life:
    """What one server process delivered and told before it ended."""

    plain: dict[str, Delivery]
    kept: Delivery
    told: Told
    many: Delivery | None = None
    steps_of_many: int = 0


def live(host: dev.Host) -> Life:
    told = listen(host, shot(FIBO_1, steps=6, width=256, height=256, reuse_pictures=True))
    plain = {model: deliver(host, shot(model)) for model in (FIBO_1, FIBO_2)}
    return Life(plain, read_delivery(host, told.result), told)


@pytest.fixture(scope="module")
def lives(comfyui: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Life, Life]:
    """Two processes of the same server, one after the other; the first is killed while it renders."""
    base = tmp_path_factory.mktemp("lives")
    make_standins(base / "models" / "diffusers", {FIBO_1: "fibo-1.0", FIBO_2: "fibo-2.0-dev"})
    settings: dict[str, Any] = {"base_dir": base, "extra_args": ["--preview-method", "auto"]}
    most = MANY["count"] * MANY["steps"]

    with dev.running_host(sys.executable, comfyui, **settings) as host:
        first = live(host)

        def middle(kind: str, data: dict[str, Any]) -> bool:
            return kind == "progress" and data["node"] == "render" and data["value"] > FIRST_BATCH * MANY["steps"]

        first.steps_of_many = listen(host, shot(FIBO_1, **MANY), until=middle).steps_of("render")[-1][0]
        assert first.steps_of_many < most
        host.process.kill()
        host.process.wait(10)
    with dev.running_host(sys.executable, comfyui, **settings) as host:
        second = live(host)
        told = listen(host, shot(FIBO_1, **MANY))
        second.steps_of_many = len(told.steps_of("render"))
        second.many = read_delivery(host, told.result)
    return first, second


def test_another_process_makes_the_same_bits(lives: tuple[Life, Life], host: dev.Host) -> None:
    first, second = lives
    for model, delivery in first.plain.items():
        assert delivery.same_pixels(second.plain[model])
        assert delivery.provenance == second.plain[model].provenance
        assert not any("finished before" in notice for notice in second.plain[model].notices)
        # A third one, in another folder.
        assert delivery.same_pixels(deliver(host, shot(model)))


def test_another_process_takes_the_finished_picture(lives: tuple[Life, Life]) -> None:
    first, second = lives
    assert first.kept.same_pixels(second.kept) and first.kept.provenance == second.kept.provenance
    assert first.told.steps_of("render") == [(step, 6) for step in range(1, 7)]
    assert second.told.steps_of("render") == [] and "render" in second.told.executed
    assert "1 of 1 pictures were finished before" in "".join(second.kept.notices)
    assert not any("finished before" in notice for notice in first.kept.notices)


def test_a_killed_server_goes_on_after_the_pictures_that_it_finished(lives: tuple[Life, Life]) -> None:
    _, second = lives
    assert "8 of 16 pictures were finished before" in "".join(second.many.notices)
    assert second.steps_of_many == MANY["steps"] and len(second.many.png) == 16
    assert len({picture.tobytes() for picture in second.many.png}) == 16


def test_previews_reach_the_client(lives: tuple[Life, Life]) -> None:
    first, second = lives
    assert first.told.frames and not second.told.frames
    for frame in first.told.frames:
        kind, image_type = struct.unpack(">II", frame[:8])
        assert (kind, image_type) == (PREVIEW_IMAGE, 1)
        with Image.open(io.BytesIO(frame[8:])) as picture:
            picture.load()
            assert picture.format == "JPEG" and picture.size == (512, 512) and np.asarray(picture).std() > 5


@pytest.fixture(scope="module")
def uncancelled(host: dev.Host) -> Delivery:
    return deliver(host, shot(FIBO_2, **LONG))


@pytest.mark.parametrize("step", [1, 3, 6])
def test_cancel_at_first_middle_and_last_step_leaves_the_model_as_it_was(
    host: dev.Host, uncancelled: Delivery, step: int
) -> None:
    async def cancel() -> None:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(shot(FIBO_2, **LONG))
            async for event in job.events():
                if isinstance(event, Progress) and event.node_id == "render" and event.value == step:
                    break
            assert (event.value, event.max) == (step, 6)
            assert await job.cancel()
            with pytest.raises(JobInterrupted):
                await job.wait()

    # Or ComfyUI would have the picture of the test before.
    free(host, free_memory=True)
    asyncio.run(cancel())
    assert deliver(host, shot(FIBO_2, **LONG)).same_pixels(uncancelled)


def test_two_loaders_in_one_prompt_and_over_several(host: dev.Host) -> None:
    alone = {}
    for model in (FIBO_1, FIBO_2):
        free(host, unload_models=True, free_memory=True)
        alone[model] = [deliver(host, shot(model, seed=seed)) for seed in (3, 4)]
    both = shot(FIBO_1)
    both["other"] = node("FiboLoader", model=FIBO_2, dtype="auto")
    for number, (loader, seed) in enumerate([("other", 3), ("model", 4), ("other", 4)]):
        both[f"render{number}"] = both["render"] | {
            "inputs": both["render"]["inputs"] | {"fibo": [loader, 0], "seed": seed}
        }
        both[f"save{number}"] = saved(f"render{number}")
    result = run(host, both)
    expected = {
        "save": alone[FIBO_1][0],
        "save0": alone[FIBO_2][0],
        "save1": alone[FIBO_1][1],
        "save2": alone[FIBO_2][1],
    }
    for save, delivery in expected.items():
        assert read_delivery(host, result, save).same_pixels(delivery)
    for model in (FIBO_2, FIBO_1, FIBO_2):
        assert deliver(host, shot(model)).same_pixels(alone[model][0])


def test_free_lets_go_of_the_model_and_the_next_prompt_loads_it_anew(host: dev.Host) -> None:
    before = deliver(host, shot(FIBO_2))
    assert "model" in listen(host, shot(FIBO_2, seed=4)).cached
    free(host, unload_models=True)
    assert "model" in listen(host, shot(FIBO_2, seed=5)).cached
    free(host, unload_models=True, free_memory=True)
    told = listen(host, shot(FIBO_2, seed=6))
    assert told.cached == set() and "model" in told.executed
    assert deliver(host, shot(FIBO_2)).same_pixels(before)


@pytest.fixture
def changing(host: dev.Host) -> Iterator[Path]:
    """A model of the running server that the test may change."""
    models = host.base / "models" / "diffusers"
    folder = models / "changing"
    shutil.copytree(models / FIBO_1, folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def put(file: Path, content: bytes) -> None:
    """Replaces a file as a download does: written beside it, then renamed."""
    beside = file.with_name(file.name + ".incoming")
    beside.write_bytes(content)
    beside.replace(file)


def with_other_values(weights: bytes) -> bytes:
    from safetensors.torch import load, save

    return save({name: tensor * 1.25 for name, tensor in load(weights).items()}, {"format": "pt"})


def weights_of(folder: Path, part: str = "transformer") -> Path:
    [file] = (folder / part).glob("*.safetensors")
    return file


def test_a_model_that_changes_on_disk_is_loaded_anew(host: dev.Host, changing: Path) -> None:
    file, prompt = weights_of(changing), shot("changing", reuse_pictures=True)
    whole = file.read_bytes()
    before = deliver(host, prompt)
    put(file, with_other_values(whole))
    other = deliver(host, prompt)
    assert not other.same_pixels(before)
    assert other.provenance["fingerprint"] != before.provenance["fingerprint"]
    # In place, as a copy that was broken off leaves it, under the model that is loaded.
    file.write_bytes(whole[:-1000])
    refused(host, prompt, "not complete", "FiboLoader")
    put(file, whole)
    back = deliver(host, prompt)
    assert back.same_pixels(before) and back.provenance == before.provenance
    # Rendered by the model that was loaded again, not only found.
    assert deliver(host, shot("changing")).same_pixels(before)
    shutil.rmtree(changing)
    with pytest.raises(PromptRefused, match="no such FIBO model"):
        run(host, prompt)


def garbage_header(weights: bytes) -> bytes:
    return weights[:8] + b"x" * 64 + weights[72:]


def without_a_tensor(weights: bytes) -> bytes:
    from safetensors.torch import load, save

    tensors = load(weights)
    del tensors[max(tensors)]
    return save(tensors, {"format": "pt"})


def with_another_shape(weights: bytes) -> bytes:
    from safetensors.torch import load, save

    tensors = load(weights)
    name = max(tensors, key=lambda name: tensors[name].ndim)
    return save(tensors | {name: tensors[name][:1].contiguous()}, {"format": "pt"})


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae"])
@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda weights: weights[: len(weights) // 2], "not complete"),
        (lambda weights: b"", "not complete"),
        (lambda weights: b"\0" * len(weights), "not complete"),
        (garbage_header, "not complete"),
        (without_a_tensor, "1 weights missing"),
        (with_another_shape, "cannot be loaded"),
    ],
    ids=["half", "empty", "zeros", "garbage-header", "missing-tensor", "other-shape"],
)
def test_broken_weights_are_told_at_the_loader(
    host: dev.Host, changing: Path, part: str, broken: Callable[[bytes], bytes], told: str
) -> None:
    file = weights_of(changing, part)
    put(file, broken(file.read_bytes()))
    refused(host, shot("changing"), told, "FiboLoader")


@pytest.mark.parametrize(
    "file",
    [
        "transformer/config.json",
        "text_encoder/config.json",
        "vae/config.json",
        "scheduler/scheduler_config.json",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
        "model_index.json",
    ],
)
@pytest.mark.parametrize("content", [b"", b"{", b"[]"], ids=["empty", "half", "list"])
def test_broken_configurations_are_told(host: dev.Host, changing: Path, file: str, content: bytes) -> None:
    put(changing / file, content)
    with pytest.raises((JobFailed, PromptRefused), match=r"cannot be loaded|not complete|another family"):
        run(host, shot("changing"))


def test_the_wrong_family_in_the_wrong_node(host: dev.Host, photo: Callable[..., str]) -> None:
    refused(host, shot(FIBO_EDIT, caption=EDIT_CAPTION), "only edits pictures", "FiboSampler")
    refused(host, edit(FIBO_1, photo(60, 40)), "cannot edit pictures", "FiboEdit")
    refused(host, shot(FIBO_1, caption="a cup"), "structured captions only", "FiboSampler")
    refused(host, edit(FIBO_2, photo(60, 40), caption="Make the cup blue"), "no edit instruction", "FiboEdit")
    refused(host, edit(FIBO_EDIT, photo(60, 40), caption=CAPTION), "no edit instruction", "FiboEdit")


@pytest.mark.parametrize("pipeline", ["FluxPipeline", "", None, ["BriaFiboPipeline"]])
def test_a_pipeline_of_another_family_is_told_when_queued(host: dev.Host, changing: Path, pipeline: Any) -> None:
    index = json.loads((changing / "model_index.json").read_text(encoding="utf-8"))
    put(changing / "model_index.json", json.dumps(index | {"_class_name": pipeline}).encode())
    with pytest.raises(PromptRefused, match="of another family"):
        run(host, shot("changing"))


@pytest.fixture
def photo(host: dev.Host) -> Callable[..., str]:
    """Writes a picture into the server's input folder and gives its name."""

    def write(width: int, height: int, mode: str = "RGB") -> str:
        # Every row is the one above, moved, so that even a huge file is written in a moment.
        row = np.random.default_rng(width).integers(0, 256, (1, width, len(mode)), dtype=np.uint8)
        levels = row + np.arange(height, dtype=np.uint8)[:, None, None]
        name = f"photo-{width}x{height}-{mode}.png"
        Image.fromarray(levels if len(mode) > 1 else levels[..., 0], mode).save(host.base / "input" / name)
        return name

    return write


@pytest.mark.parametrize("model", [FIBO_EDIT, FIBO_2])
@pytest.mark.parametrize("size", [(61, 37), (1, 1), (3, 40), (40, 3), (16384, 1024)], ids=str)
def test_pictures_of_any_size_are_edited(
    host: dev.Host, photo: Callable[..., str], model: str, size: tuple[int, int]
) -> None:
    done = deliver(host, edit(model, photo(*size), steps=1))
    assert done.png[0].shape == (48, 64, 3)


@pytest.mark.parametrize("size", [(16400, 2000), (17, 1), (1, 400), (8000, 16)], ids=str)
def test_pictures_too_large_or_too_long_are_told(
    host: dev.Host, photo: Callable[..., str], size: tuple[int, int]
) -> None:
    refused(host, edit(FIBO_2, photo(*size)), "too large or too long", "FiboEdit")


def test_alpha_and_batches(host: dev.Host, photo: Callable[..., str]) -> None:
    with_alpha, other = photo(60, 40, "RGBA"), photo(60, 40)
    both = {
        "alpha": node("LoadImage", image=with_alpha),
        "first": node("JoinImageWithAlpha", image=["alpha", 0], alpha=["alpha", 1]),
        "second": node("LoadImage", image=other),
        "picture": node("ImageBatch", image1=["first", 0], image2=["first", 0]),
    }
    caption = EDIT_CAPTION.replace("the cup blue", "<image_1> like <image_2>")
    rgba = edit(FIBO_EDIT, both, caption=caption, steps=1)
    plain = edit(FIBO_EDIT, both | {"first": node("LoadImage", image=with_alpha)}, caption=caption, steps=1)
    assert deliver(host, rgba).same_pixels(deliver(host, plain))
    # The mask of a picture with alpha is what its alpha leaves out, and of its size.
    masked = edit(FIBO_EDIT, with_alpha, mask=["picture", 1])
    assert deliver(host, masked).provenance["mask"]


def test_masks_that_do_not_fit_are_told(host: dev.Host, photo: Callable[..., str]) -> None:
    masks = {"other": node("LoadImage", image=photo(30, 20, "RGBA")), "none": node("LoadImage", image=photo(30, 20))}
    for model in (FIBO_EDIT, FIBO_2):
        prompt = edit(model, photo(60, 40)) | masks
        for name, told in (("other", "30 × 20 pixels"), ("none", "Load Image gives an empty one")):
            prompt["render"]["inputs"]["mask"] = [name, 1]
            refused(host, prompt, told, "FiboEdit")


@pytest.mark.parametrize("model", [FIBO_1, FIBO_2])
def test_the_ends_of_the_seeds(host: dev.Host, model: str) -> None:
    last = 2**64 - 1
    ends = deliver(host, shot(model, seed=last, count=2))
    assert [ends.provenance["seed"], len(ends.png)] == [last, 2]
    # They run over the end of the range; a batch rounds otherwise than a single picture.
    first = deliver(host, shot(model, seed=0))
    assert np.abs(ends.png[1].astype(int) - first.png[0]).max() <= 1
    assert np.abs(ends.png[0].astype(int) - first.png[0]).max() > 1
    for seed in (-1, last + 1):
        with pytest.raises(PromptRefused, match="than m"):
            run(host, shot(model, seed=seed))
