"""The recipes and nodes that make shots of words, through a real ComfyUI's real queue.

Language models are behind a real HTTP server on loopback, or tiny random weights in ComfyUI's own folder.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import shutil
import sys
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image

import dev
from studioflow.manifest import load
from studioflow.queue import ComfyClient, JobFailed, JobInterrupted, JobResult, PromptRefused
from studioflow.recipes import recipe
from studioflow.translate.brief import read_brief
from studioflow.translate.profiles import PROFILES_FILE
from studioflow.translate.standin_vlm import NAME, NOTICE, make_standin_vlm

from ..standins import NO_FIBO_2
from ..unit.chat_server import MODEL, ChatServer, said
from .prompts import captions, delivered, quick, run

IN_FILE = "sk-marker-of-the-file-b1946ac9"
IN_ENVIRONMENT = "sk-marker-of-the-environment-7d793037"
VARIABLE = "STUDIOFLOW_TEST_KEY_OF_A_MODEL"
PHOTO = "photographic_characteristics"
BRIEF = "moody three-quarter shot of a steel coffee grinder on oak, 85mm, f/2, light from the left"
ASKING = {
    "BriefToManifestLlm": {"brief": BRIEF, "style": "none", "read_numbers": True, "keep": "numbers", "cache": True},
    "PictureToManifest": {"task": "describe", "brief": "", "style": "none", "keep": "numbers"},
    "RefineManifest": {"note": "warmer, and lower the camera", "keep": "numbers", "outside": "report"},
    "EditInstruction": {"instruction": "Put it on white marble in daylight."},
}
"""The nodes that ask a profile, with their inputs but for pictures, shots, profile and seed."""

Prompt = dict[str, Any]


@pytest.fixture(scope="module")
def host(comfyui: Path, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dev.Host]:
    """A ComfyUI of this file: it knows a key from its environment, and logs all it can."""
    folder = tmp_path_factory.mktemp("translate")
    dev.link_folder(folder / "models" / "diffusers", base / "models" / "diffusers")
    env = {VARIABLE: IN_ENVIRONMENT, "HF_HOME": str(folder / "hugging_face")}
    with dev.running_host(
        sys.executable, comfyui, base_dir=folder, env=env, extra_args=["--verbose", "DEBUG"]
    ) as running:
        yield running


@pytest.fixture(scope="module")
def own(host: dev.Host) -> Path:
    """The pack's own folder in ComfyUI's user folder."""
    folder = host.base / "user" / "__studioflow"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def server(own: Path) -> Iterator[ChatServer]:
    """A model that all profiles of the person's file lead to."""
    with ChatServer() as chat:
        row = {"model": f"openai/{MODEL}", "base_url": chat.url, "key": IN_FILE, "timeout_s": 60}
        without_key = {name: value for name, value in row.items() if name != "key"}
        rows = {
            "ollama": row,
            "studio": row,
            "from environment": without_key | {"key_env": VARIABLE},
            "hasty": row | {"timeout_s": 1},
            "hasty from environment": without_key | {"key_env": VARIABLE, "timeout_s": 1},
            "keyless": {"model": "mistral/mistral-small-latest", "key_env": "STUDIOFLOW_TEST_KEY_THAT_IS_NOT_SET"},
        }
        (own / PROFILES_FILE).write_text(json.dumps(rows), encoding="utf-8")
        yield chat


@pytest.fixture
def chat(server: ChatServer, own: Path) -> ChatServer:
    """The same, with nothing asked and nothing kept yet."""
    server.script = ["good"]
    shutil.rmtree(own / "answers", ignore_errors=True)
    ask_again(own)
    return server


def ask_again(own: Path) -> None:
    """Changes the time of the file of profiles, so that ComfyUI keeps no result of nodes that ask one."""
    file = own / PROFILES_FILE
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))


@pytest.fixture(scope="module")
def standin(host: dev.Host) -> Iterator[str]:
    """A tiny language model of random weights in models/LLM."""
    yield make_standin_vlm(host.base / "models" / "LLM").name
    shutil.rmtree(host.base / "models" / "LLM")


def node_of(prompt: Prompt, kind: str) -> str:
    (key,) = [key for key, node in prompt.items() if node["class_type"].removeprefix("StudioFlow") == kind]
    return key


def notice(result: JobResult, prompt: Prompt, kind: str) -> str:
    return "\n".join(result.outputs[node_of(prompt, kind)]["studioflow_notice"])


def delivery(host: dev.Host, result: JobResult, prompt: Prompt) -> tuple[dict[str, Any], dict[str, Any]]:
    """Shot and caption of the one delivery of a prompt, whose picture is there too."""
    files = delivered(host, result, node_of(prompt, "SaveDelivery"))
    assert {".png", ".exr", ".manifest.json", ".caption.json"} == set(files)
    (caption,) = captions(files)
    return load(files[".manifest.json"][0]), caption


def written(name: str) -> dict[str, Any]:
    """The caption in a recorded answer."""
    return json.loads(said(name))


def levels(picture: bytes | Path) -> np.ndarray:
    with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as opened:
        return np.asarray(opened.convert("RGB")).astype(np.int16)


def same_picture(sent: str, file: Path) -> bool:
    """Whether a picture that the server got as a data URL is that file's: smaller perhaps, and a JPEG."""
    got = levels(base64.b64decode(sent.partition(",")[2]))
    with Image.open(file) as opened:
        small = opened.convert("RGB").resize((got.shape[1] // 4, got.shape[0] // 4), Image.Resampling.BOX)
    seen = Image.fromarray(got.astype(np.uint8)).resize(small.size, Image.Resampling.BOX)
    return np.abs(np.asarray(seen).astype(np.int16) - np.asarray(small)).mean() < 4


def asking(kind: str, **inputs: Any) -> Prompt:
    """One node that asks, with a picture and the sample shot, its shot compared with that one."""
    given = {"PictureToManifest": {"image": ["picture", 0]}, "EditInstruction": {"image_1": ["picture", 0]}}
    node = {"manifest": ["shot", 0], "profile": "studio", "seed": 0, **given.get(kind, {}), **ASKING[kind], **inputs}
    picture = {"width": 64, "height": 48, "batch_size": 1, "color": 0x805030}
    return {
        "shot": {"class_type": "StudioFlowLoadManifest", "inputs": {"manifest": "samples/product_hero.json"}},
        "picture": {"class_type": "EmptyImage", "inputs": picture},
        "ask": {"class_type": f"StudioFlow{kind}", "inputs": node},
        "diff": {
            "class_type": "StudioFlowDiffManifests",
            "inputs": {"before": ["shot", 0], "after": ["ask", 0], "dialect": "fibo-2"},
        },
    }


# ---------------------------------------------------------------- recipes by rules


def test_a_brief_becomes_a_delivered_shot(host: dev.Host) -> None:
    prompt = quick("brief_to_render")
    result = run(host, prompt)
    shot, caption = delivery(host, result, prompt)
    read = read_brief(prompt[node_of(prompt, "BriefToManifest")]["inputs"]["brief"], "en")
    assert {name: shot[name] for name in ("camera", "lighting", "render")} == {
        name: read.manifest[name] for name in ("camera", "lighting", "render")
    }
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2.8} and shot["render"]["seed"] == 1606
    assert [light["role"] for light in shot["lighting"]["lights"]] == ["key", "fill", "rim"]
    assert "85mm" in caption[f"{PHOTO}.lens_focal_length"] and "oak" in caption["background_setting"]
    assert caption["lighting.direction"].startswith("side-lit from the left")
    assert {"focal_length_mm 85", 'seed 1606   "seed 1606"'} <= {
        line.partition('   "85mm"')[0] for line in notice(result, prompt, "BriefToManifest").splitlines()
    }
    assert "completeness" in notice(result, prompt, "CheckManifest")
    assert result.outputs[node_of(prompt, "LightingDiagram")]["images"]


def test_a_clients_note_changes_what_it_is_about_and_nothing_else(host: dev.Host) -> None:
    prompt = quick("client_note_refine")
    result = run(host, prompt)
    saves = [key for key, node in prompt.items() if node["class_type"] == "StudioFlowSaveDelivery"]
    before, after = (delivered(host, result, key) for key in saves)
    (one,), (other,) = captions(before), captions(after)
    changed = {field for field in one.keys() | other.keys() if one.get(field) != other.get(field)}
    assert changed == {"lighting.conditions", f"{PHOTO}.camera_angle"}
    shots = [load(files[".manifest.json"][0]) for files in (before, after)]
    assert {name for name in shots[0] if shots[0][name] != shots[1].get(name)} == {"camera", "lighting"}
    elevations = [shot["camera"]["orbit"]["elevation_deg"] for shot in shots]
    kelvin = [shot["lighting"]["lights"][0]["color_temperature_k"] for shot in shots]
    assert elevations[1] < elevations[0] and kelvin[1] < kelvin[0] and shots[0]["render"] == shots[1]["render"]
    assert "camera.orbit.elevation_deg" in notice(result, prompt, "RefineManifest")
    assert "what FIBO reads" in notice(result, prompt, "DiffManifests")
    pictures = [levels(files[".png"][0]) for files in (before, after)]
    assert not np.array_equal(*pictures)


def test_what_a_chat_answered_meets_the_numbers_of_the_brief(host: dev.Host, chat: ChatServer) -> None:
    prompt = quick("caption_from_any_chat")
    result = run(host, prompt)
    shot, caption = delivery(host, result, prompt)
    assert shot["camera"]["lens"] == {"focal_length_mm": 100, "aperture": 4}
    assert "100mm" in caption[f"{PHOTO}.lens_focal_length"]
    assert caption["objects"][0]["description"].startswith("perfume bottle of thick clear glass")
    assert caption["text_render"][0]["text"] == "AUBE"
    assert "left out" in notice(result, prompt, "ParseCaption")
    shown = ["".join(result.outputs[key]["text"]) for key in prompt if prompt[key]["class_type"] == "PreviewAny"]
    brief = prompt[node_of(prompt, "PrimitiveStringMultiline")]["inputs"]["value"]
    assert "short_description" in shown[0] and brief in shown[1]
    assert not chat.paths


# ---------------------------------------------------------------- recipes that ask a model


def test_a_picture_leads_a_brief_and_is_asked_about_once(host: dev.Host, chat: ChatServer, own: Path) -> None:
    prompt = quick("inspired_by_picture")
    inputs = prompt[node_of(prompt, "PictureToManifest")]["inputs"]
    shot, caption = delivery(host, run(host, prompt), prompt)
    (request,) = chat.requests
    assert inputs["brief"] in request.user and len(request.pictures) == 1
    assert same_picture(request.pictures[0], dev.ROOT / prompt[node_of(prompt, "LoadDelivery")]["inputs"]["file"])
    assert caption["objects"] == written("good")["objects"]
    assert caption["background_setting"] == written("good")["background_setting"]
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 4}
    assert "85mm" in caption[f"{PHOTO}.lens_focal_length"] and shot["render"]["aspect_ratio"] == "1:1"

    # The node runs again, and the answer is there already.
    ask_again(own)
    again = run(host, prompt)
    assert "an answer kept from before" in notice(again, prompt, "PictureToManifest")
    assert len(chat.requests) == 1 and delivery(host, again, prompt) == (shot, caption)
    inputs["seed"] = 1
    run(host, prompt)
    assert len(chat.requests) == 2


@pytest.mark.parametrize(
    ("answer", "first", "told"),
    [
        ("fenced_in_prose", "A red paper lantern", "left out"),
        ("trailing_commas", "A conical burr coffee grinder", "comma"),
        ("cut_off", "A conical burr coffee grinder", '"max_tokens"'),
    ],
)
def test_a_broken_answer_is_mended_and_told(
    host: dev.Host, chat: ChatServer, answer: str, first: str, told: str
) -> None:
    chat.script = [answer]
    prompt = quick("inspired_by_picture")
    result = run(host, prompt)
    _, caption = delivery(host, result, prompt)
    assert caption["objects"][0]["description"].startswith(first)
    assert told in notice(result, prompt, "PictureToManifest")


@pytest.mark.parametrize("answer", ["only_prose", "wrong_schema", "cut_off_at_start", "empty"])
def test_an_answer_that_cannot_be_used_is_refused_and_nothing_is_kept(
    host: dev.Host, chat: ChatServer, own: Path, answer: str
) -> None:
    chat.script = [answer]
    before = set((host.base / "output").rglob("*"))
    with pytest.raises(JobFailed) as caught:
        run(host, quick("inspired_by_picture"))
    assert caught.value.node_class == "StudioFlowPictureToManifest" and "Traceback" not in str(caught.value)
    assert set((host.base / "output").rglob("*")) == before and not list(own.glob("answers/*"))


def test_a_shot_and_its_edit_in_any_language(host: dev.Host, chat: ChatServer) -> None:
    if not (host.base / "models" / "diffusers" / "studioflow-standin-fibo-2").is_dir():
        pytest.skip(NO_FIBO_2)
    chat.script = ["good", "good_edit"]
    prompt = quick("edit_by_instruction")
    prompt[node_of(prompt, "FiboEdit")]["inputs"] |= {"width": 64, "height": 64, "steps": 1}
    result = run(host, prompt)
    shot, caption = delivery(host, result, prompt)
    asked = [prompt[node_of(prompt, kind)]["inputs"] for kind in ("BriefToManifestLlm", "EditInstruction")]
    assert asked[0]["brief"] in chat.requests[0].user and asked[1]["instruction"] in chat.requests[1].user
    # The model sees the picture that was rendered, and gets its caption.
    (seen,) = result.outputs[node_of(prompt, "PreviewImage")]["images"]
    assert same_picture(chat.requests[1].pictures[0], host.base / "temp" / seen["filename"])
    assert written("good")["objects"][0]["description"] in chat.requests[1].user
    assert caption["edit_instruction"] == written("good_edit")["edit_instruction"]
    assert caption["background_setting"] == written("good_edit")["background_setting"]
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2}


# ---------------------------------------------------------------- a model in ComfyUI's folder


def local_prompt() -> Prompt:
    prompt = quick("shot_by_local_vlm")
    prompt[node_of(prompt, "LocalVlm")]["inputs"] |= {"max_tokens": 400, "temperature": 1.0}
    return prompt


def test_without_a_local_model_it_is_told_how_to_get_one(host: dev.Host) -> None:
    with pytest.raises(PromptRefused, match=r"no language model is installed[\s\S]*hf download"):
        run(host, local_prompt())


def test_a_local_model_writes_the_shot(host: dev.Host, standin: str, chat: ChatServer) -> None:
    prompt = local_prompt()
    result = run(host, prompt)
    shot, caption = delivery(host, result, prompt)
    assert shot["camera"]["lens"] == {"focal_length_mm": 50, "aperture": 4}
    assert "50mm" in caption[f"{PHOTO}.lens_focal_length"] and caption["short_description"]
    told = notice(result, prompt, "LocalVlm")
    assert NAME in told and NOTICE in told and not chat.paths
    menu = dev.get(f"{host.url}/object_info/StudioFlowLocalVlm")["StudioFlowLocalVlm"]["input"]["required"]["model"]
    assert menu[1]["options"] == ["auto", standin]


# ---------------------------------------------------------------- cancel, and what is told when it is queued


def workers(host: dev.Host) -> list[psutil.Process]:
    """The processes that the host has started to ask models with."""
    children = psutil.Process(host.process.pid).children(recursive=True)
    return [child for child in children if any("worker.py" in part for part in child.cmdline())]


def test_cancel_takes_effect_within_a_second(host: dev.Host, chat: ChatServer) -> None:
    async def cancelled(seed: int) -> float:
        async with ComfyClient(host.url) as comfy:
            job = await comfy.submit(asking("BriefToManifestLlm", seed=seed))
            ended = asyncio.ensure_future(job.wait())
            await asyncio.to_thread(chat.wait_for, 1, 90)
            assert workers(host)
            started = time.monotonic()
            assert await job.cancel()
            with pytest.raises(JobInterrupted):
                await ended
            return time.monotonic() - started

    took = []
    for seed in range(3):
        chat.script = ["hang"]
        took.append(asyncio.run(cancelled(seed)))
        assert not workers(host)
        if took[-1] < 1:
            break
    assert min(took) < 1, took
    chat.script = ["good"]
    assert run(host, asking("BriefToManifestLlm")).outputs["diff"] and len(chat.requests) == 1


@pytest.mark.parametrize(
    ("profile", "told"),
    [("studoi", 'did you mean "studio"'), ("keyless", "STUDIOFLOW_TEST_KEY_THAT_IS_NOT_SET"), ("rules only", "")],
)
def test_a_profile_is_checked_before_anybody_is_asked(
    host: dev.Host, chat: ChatServer, profile: str, told: str
) -> None:
    for kind in ASKING:
        if profile == "rules only" and kind == "RefineManifest":
            assert run(host, asking(kind, profile=profile)).outputs["diff"]
            continue
        with pytest.raises((PromptRefused, JobFailed)) as caught:
            run(host, asking(kind, profile=profile))
        assert told in str(caught.value)
        assert isinstance(caught.value, PromptRefused) == (profile == "studoi") or profile == "rules only"
    assert not chat.paths


# ---------------------------------------------------------------- keys


def every_node(profile: str, seed: int, standin: str) -> Prompt:
    """Every node of the family, with what it makes delivered: pictures with the workflow and the shots in them."""
    prompt: Prompt = {}
    for kind in ASKING:
        one = asking(kind, profile=profile, seed=seed)
        prompt |= {name: one[name] for name in ("shot", "picture")} | {kind: one["ask"]}
    local = {"model": standin, "task": "generate", "prompt": BRIEF, "style": "none", "keep": "numbers", "seed": 0}
    instructions = {"task": "generate", "prompt": BRIEF, "style": "none", "images": 1}
    others: dict[str, dict[str, Any]] = {
        "BriefToManifest": {"brief": BRIEF, "language": "en"},
        "VglInstructions": instructions,
        "ParseCaption": {"text": said("good"), "repair": True, "keep": "numbers"},
        "LocalVlm": local | {"temperature": 1.0, "max_tokens": 400, "unload": False},
    }
    prompt |= {kind: {"class_type": f"StudioFlow{kind}", "inputs": inputs} for kind, inputs in others.items()}
    prompt["instructions"] = {"class_type": "PreviewAny", "inputs": {"source": ["VglInstructions", 0]}}
    product = recipe("product_hero").prompt
    save = product[node_of(product, "SaveDelivery")]["inputs"]
    settings = {name: value for name, value in save.items() if name not in ("caption", "provenance")}
    for kind in (*ASKING, *others):
        if kind != "VglInstructions":
            given = {"images": ["picture", 0], "manifest": [kind, 0], "filename_prefix": f"marker/{kind}"}
            prompt[f"save {kind}"] = {"class_type": "StudioFlowSaveDelivery", "inputs": settings | given}
    return prompt


def test_a_key_is_in_the_request_and_nowhere_else(host: dev.Host, chat: ChatServer, own: Path, standin: str) -> None:
    workflow = recipe("edit_by_instruction").workflow
    told: list[str] = []
    for seed, (profile, hasty, key) in enumerate(
        [("studio", "hasty", IN_FILE), ("from environment", "hasty from environment", IN_ENVIRONMENT)]
    ):
        chat.script = ["good_edit"]
        result = run(host, every_node(profile, seed, standin), workflow)
        assert [request.headers["authorization"] for request in chat.requests] == [f"Bearer {key}"] * len(ASKING)
        told += [repr(result.outputs), *(repr(worker.cmdline()) for worker in workers(host))]

        failures = [(kind, profile, answer) for kind in ASKING for answer in ("401_with_key", "500_at_once")]
        for other, (kind, name, answer) in enumerate([*failures, ("RefineManifest", hasty, "hang")], 10):
            chat.script = [answer]
            with pytest.raises(JobFailed) as caught:
                run(host, asking(kind, profile=name, seed=other), workflow)
            assert caught.value.node_class == f"StudioFlow{kind}"
            assert chat.requests[0].headers["authorization"] == f"Bearer {key}"
            told += [str(caught.value), repr(vars(caught.value))]

    pages = ("history", "object_info", "queue", "prompt", "internal/logs/raw", "system_stats")
    answered = {page: json.dumps(dev.get(f"{host.url}/{page}", timeout=60)) for page in pages}
    told += [*answered.values(), host.log.read_text(encoding="utf-8", errors="replace")]
    files = {file: file.read_bytes() for file in everything(host.base) if file != own / PROFILES_FILE}

    # What is searched is what was made: pictures with their workflow, kept answers, errors that tell the fault.
    made = [file for file in files if file.parent.name == "marker" and file.suffix in (".png", ".exr")]
    assert len(made) == 2 * 2 * (len(ASKING) + 3)
    assert all(b"StudioFlowEditInstruction" in files[file] for file in made)
    assert len([file for file in files if file.parent == own / "answers"]) >= 2 * len(ASKING)
    assert all(words in answered["history"] for words in ("refuses the key", "HTTP 500", "no answer in time"))
    for key in (IN_FILE, IN_ENVIRONMENT):
        for form in (key, base64.b64encode(key.encode()).decode().rstrip("=")):
            assert not [text[:200] for text in told if form in text]
            assert not [file for file, data in files.items() if form.encode() in data]


def everything(folder: Path) -> list[Path]:
    """All files below a folder but for what links lead to: the pack itself and the models."""
    return [Path(at, name) for at, _, names in os.walk(folder) for name in names if Path(at, name).is_file()]


def test_the_file_of_profiles_is_not_served(host: dev.Host, chat: ChatServer) -> None:
    for path in (
        "userdata/..%2F__studioflow%2Flanguage_models.json",
        "userdata/__studioflow%2Flanguage_models.json",
        "view?type=output&subfolder=..%2Fuser%2F__studioflow&filename=language_models.json",
        "extensions/studioflow/../../user/__studioflow/language_models.json",
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            dev.get(f"{host.url}/{path}")
        assert caught.value.code in (400, 403, 404)
