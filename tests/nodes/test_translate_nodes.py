"""The translator's nodes, called as ComfyUI calls them; models behind a real HTTP server, or tiny weights."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from ..unit.chat_server import ChatServer, said
from .test_execute import run

BRIEF = "moody three-quarter shot of a steel coffee grinder on oak, 85mm, f/2, light from the left"
SECRET = "sk-marker-that-must-not-be-seen"
LLM = {"profile": "studio", "keep": "numbers", "seed": 0}
GENERATE = LLM | {"brief": BRIEF, "style": "none", "read_numbers": True, "cache": True}
PICTURE = LLM | {"task": "describe", "brief": "", "style": "none"}
REFINE = LLM | {"note": "warmer, and lower the camera", "outside": "report"}
EDIT = {"profile": "studio", "seed": 0, "instruction": "Put it on white marble in daylight."}
LOCAL = {"model": "auto", "task": "generate", "prompt": BRIEF, "style": "none", "keep": "numbers", "seed": 0}
LOCAL |= {"temperature": 1.0, "max_tokens": 400, "unload": True}


@pytest.fixture
def hero(nodes: dict[str, type]) -> dict[str, Any]:
    return run(nodes["StudioFlowLoadManifest"], manifest="samples/product_hero.json").args[0]


@pytest.fixture
def own(base: Path) -> Iterator[Path]:
    """The pack's own folder in ComfyUI's user folder."""
    folder = base / "user" / "__studioflow"
    folder.mkdir(exist_ok=True)
    yield folder
    (folder / "language_models.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "answers", ignore_errors=True)


@pytest.fixture
def server(own: Path) -> Iterator[ChatServer]:
    """A model that the profile "studio" names."""
    with ChatServer(["good"]) as chat:
        row = {"model": "openai/local-vlm", "base_url": chat.url, "key": SECRET, "timeout_s": 60}
        (own / "language_models.json").write_text(json.dumps({"studio": row}), encoding="utf-8")
        yield chat


@pytest.fixture(scope="module", autouse=True)
def worker(pack: ModuleType) -> Iterator[None]:
    yield
    import sys

    ask = sys.modules.get(f"{pack.__name__}.studioflow.translate.ask")
    if ask:
        ask.close()


def picture(shade: float = 0.5, height: int = 48, width: int = 64, count: int = 1) -> torch.Tensor:
    return torch.full((count, height, width, 3), shade)


def notice(output: Any) -> str:
    return "\n".join(output.ui["studioflow_notice"])


# ---------------------------------------------------------------- rules


def test_a_brief_by_rules(nodes: dict[str, type]) -> None:
    output = run(nodes["StudioFlowBriefToManifest"], brief=BRIEF, language="auto")
    shot, report, _ = output.args
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2}
    assert '"85mm"' in report and report.splitlines()[0] in notice(output)
    caption = run(nodes["StudioFlowCompileCaption"], manifest=shot, dialect="auto").args[0]
    assert "steel coffee grinder" in caption and "85mm" in caption


def test_words_that_no_field_has(nodes: dict[str, type]) -> None:
    brief = "portrait of a woman at f/4, for the spring issue, deadline Friday"
    *_, unused = run(nodes["StudioFlowBriefToManifest"], brief=brief, language="en").args
    assert unused.splitlines() == ["spring issue", "deadline Friday"]


def test_a_brief_over_a_shot(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    shot = run(nodes["StudioFlowBriefToManifest"], brief="at 35mm", language="en", manifest=hero).args[0]
    assert shot["camera"]["lens"]["focal_length_mm"] == 35 and shot["lighting"] == hero["lighting"]


def test_an_empty_brief(nodes: dict[str, type]) -> None:
    with pytest.raises(Exception, match="brief"):
        run(nodes["StudioFlowBriefToManifest"], brief=" \n", language="auto")


# ---------------------------------------------------------------- profiles


def test_the_menu_has_shipped_profiles_and_those_of_the_file(nodes: dict[str, type], server: ChatServer) -> None:
    menu = next(socket for socket in nodes["StudioFlowRefineManifest"].define_schema().inputs if socket.id == "profile")
    assert menu.options[0] == menu.default == "rules only" and {"gemini", "ollama", "studio"} <= set(menu.options)


def test_a_broken_file_leaves_the_menu_and_is_told_when_asked(nodes: dict[str, type], own: Path) -> None:
    (own / "language_models.json").write_text('{"studio": ', encoding="utf-8")
    node = nodes["StudioFlowBriefToManifestLlm"]
    assert "gemini" in next(socket for socket in node.define_schema().inputs if socket.id == "profile").options
    assert "language_models.json:1:" in node.validate_inputs(profile="studio")


def test_an_unknown_profile_is_told_when_the_prompt_is_queued_and_a_missing_key_when_it_runs(
    nodes: dict[str, type], server: ChatServer, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    for name in ("BriefToManifestLlm", "PictureToManifest", "RefineManifest", "EditInstruction"):
        node = nodes[f"StudioFlow{name}"]
        for known in ("studio", "openai", None):
            assert node.validate_inputs(profile=known) is True
        assert 'did you mean "studio"?' in node.validate_inputs(profile="studoi")
    assert nodes["StudioFlowRefineManifest"].validate_inputs(profile="rules only") is True
    inputs = {"manifest": {"studioflow": "1.0", "scene": {}}, "note": "warmer", "profile": "openai", "keep": "numbers"}
    with pytest.raises(Exception, match="there is no key") as caught:
        nodes["StudioFlowRefineManifest"].execute(**inputs, outside="report", seed=0)
    assert "OPENAI_API_KEY" in str(caught.value) and str(own / "language_models.json") in str(caught.value)
    assert not server.requests


def test_a_node_runs_again_when_the_file_of_profiles_changes(
    nodes: dict[str, type], server: ChatServer, own: Path
) -> None:
    node, file = nodes["StudioFlowRefineManifest"], own / "language_models.json"
    first, rules = node.fingerprint_inputs(profile="studio"), node.fingerprint_inputs(profile="rules only")
    assert node.fingerprint_inputs(profile="studio", seed=1) == first and SECRET not in first
    stat = file.stat()
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    assert node.fingerprint_inputs(profile="studio") != first
    assert node.fingerprint_inputs(profile="rules only") == rules


# ---------------------------------------------------------------- language models


def test_a_model_writes_the_shot_and_numbers_of_the_brief_stay(nodes: dict[str, type], server: ChatServer) -> None:
    output = run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE)
    shot, caption, report = output.args
    read, wrote = json.loads(caption), json.loads(said("good"))
    assert shot["camera"]["lens"] == {"focal_length_mm": 85, "aperture": 2}
    assert read["background_setting"] == wrote["background_setting"]
    assert "85mm" in read["photographic_characteristics"]["lens_focal_length"]
    assert "local-vlm" in report and 'focal_length_mm 85   "85mm"' in report and report == notice(output)


def test_without_read_numbers_the_words_are_the_models(nodes: dict[str, type], server: ChatServer) -> None:
    shot, caption, _ = run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE | {"read_numbers": False}).args
    assert "camera" not in shot
    assert (
        json.loads(caption)["photographic_characteristics"] == json.loads(said("good"))["photographic_characteristics"]
    )


def test_numbers_of_a_shot_stay_unless_the_model_is_let(
    nodes: dict[str, type], server: ChatServer, hero: dict[str, Any]
) -> None:
    plain = run(nodes["StudioFlowCompileCaption"], manifest=hero, dialect="auto").args[0]
    given = GENERATE | {"manifest": hero, "brief": "a coffee grinder"}
    kept, caption, report = run(nodes["StudioFlowBriefToManifestLlm"], **given).args
    ours, theirs = json.loads(plain), json.loads(said("good"))
    assert json.loads(caption)["lighting"] == ours["lighting"] and "kept from the shot: " in report
    assert kept["camera"] == hero["camera"]
    free = run(nodes["StudioFlowBriefToManifestLlm"], **given | {"keep": "nothing"}).args[1]
    assert json.loads(free)["lighting"] == theirs["lighting"]


def test_the_same_question_is_asked_once(nodes: dict[str, type], server: ChatServer, own: Path) -> None:
    node = nodes["StudioFlowBriefToManifestLlm"]
    first, second = (run(node, **GENERATE).args for _ in range(2))
    assert len(server.requests) == 1 and first[:2] == second[:2] and "kept from before" in second[2]
    run(node, **GENERATE | {"seed": 1})
    run(node, **GENERATE | {"cache": False})
    assert len(server.requests) == 3 and len(list((own / "answers").glob("*.json"))) == 2


def test_an_answer_that_cannot_be_used_is_not_kept(nodes: dict[str, type], server: ChatServer, own: Path) -> None:
    server.script = ["only_prose", "good"]
    with pytest.raises(Exception, match="answer"):
        run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE)
    assert not list((own / "answers").glob("*"))
    assert run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE).args[1]


def test_a_mended_answer_says_so(nodes: dict[str, type], server: ChatServer) -> None:
    server.script = ["cut_off"]
    report = run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE).args[2]
    assert "cut off" in report and '"max_tokens"' in report


def test_cancel_while_a_model_is_at_work(nodes: dict[str, type], server: ChatServer, host: ModuleType) -> None:
    import threading

    import comfy.model_management as management

    server.script = ["hang"]
    waiting = threading.Thread(target=lambda: (server.wait_for(1, 60), management.interrupt_current_processing()))
    waiting.start()
    try:
        with pytest.raises(management.InterruptProcessingException):
            run(nodes["StudioFlowBriefToManifestLlm"], **GENERATE)
    finally:
        waiting.join()
        management.interrupt_current_processing(False)


def test_a_picture_is_described(nodes: dict[str, type], server: ChatServer) -> None:
    shot, caption, _ = run(nodes["StudioFlowPictureToManifest"], image=picture(), **PICTURE).args
    (request,) = server.requests
    assert len(request.pictures) == 1 and set(shot) == {"studioflow", "caption"}
    assert json.loads(caption)["objects"] == json.loads(said("good"))["objects"]


def test_words_for_a_description_are_left_out_and_told(nodes: dict[str, type], server: ChatServer) -> None:
    output = run(nodes["StudioFlowPictureToManifest"], image=picture(), **PICTURE | {"brief": "zebra crossing"})
    assert "zebra" not in server.requests[0].user and "left out" in notice(output)


def test_a_picture_leads_a_brief(nodes: dict[str, type], server: ChatServer) -> None:
    shot = run(nodes["StudioFlowPictureToManifest"], image=picture(), **PICTURE | {"task": "inspire", "brief": BRIEF})
    assert BRIEF in server.requests[0].user and len(server.requests[0].pictures) == 1
    assert shot.args[0]["camera"]["lens"]["focal_length_mm"] == 85
    with pytest.raises(Exception, match=r"prompt|brief"):
        run(nodes["StudioFlowPictureToManifest"], image=picture(), **PICTURE | {"task": "inspire"})


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (picture(count=2), "not the number of pictures"),
        (picture(float("nan")), "no numbers"),
        (picture(height=4, width=4), "sees nothing"),
        (torch.zeros(1, 48, 64, 1), "not the shape of a picture"),
    ],
)
def test_pictures_that_no_model_gets(
    nodes: dict[str, type], server: ChatServer, image: torch.Tensor, message: str
) -> None:
    with pytest.raises(Exception, match=message):
        run(nodes["StudioFlowPictureToManifest"], image=image, **PICTURE)
    assert not server.requests


def test_a_note_by_rules_only(nodes: dict[str, type], server: ChatServer, hero: dict[str, Any]) -> None:
    output = run(nodes["StudioFlowRefineManifest"], manifest=hero, **REFINE | {"profile": "rules only"})
    shot, diff, outside = output.args
    assert not server.requests and outside is False
    assert shot["camera"]["orbit"]["elevation_deg"] < hero["camera"]["orbit"]["elevation_deg"]
    assert "elevation_deg" in diff and "elevation_deg" in notice(output)


def test_a_note_by_a_model(nodes: dict[str, type], server: ChatServer, hero: dict[str, Any]) -> None:
    server.script = ["good_refined"]
    shot, diff, outside = run(nodes["StudioFlowRefineManifest"], manifest=hero, **REFINE).args
    assert REFINE["note"] in server.requests[0].user and shot["camera"]["lens"] == hero["camera"]["lens"]
    assert outside is True and diff
    put_back = run(nodes["StudioFlowRefineManifest"], manifest=hero, **REFINE | {"outside": "put back"}).args[0]
    assert put_back.get("caption", {}).get("objects") == hero.get("caption", {}).get("objects")


def test_an_edit_of_two_pictures(nodes: dict[str, type], server: ChatServer) -> None:
    server.script = ["good_edit"]
    output = run(nodes["StudioFlowEditInstruction"], image_1=picture(), image_3=picture(0.2), **EDIT)
    shot, caption, instruction, report = output.args
    written = json.loads(said("good_edit"))
    assert len(server.requests[0].pictures) == 2
    assert instruction == written["edit_instruction"] == shot["caption"]["edit_instruction"]
    read = json.loads(caption)
    assert list(read)[-1] == "edit_instruction" and read["short_description"] == written["short_description"]
    assert "name each picture once: <image_1>, <image_2>" in report


def test_the_prompt_of_an_edit_is_what_edit_caption_makes(nodes: dict[str, type], server: ChatServer) -> None:
    server.script = ["good_edit"]
    shot, caption, instruction, _ = run(nodes["StudioFlowEditInstruction"], image_1=picture(), **EDIT).args
    compiled = run(nodes["StudioFlowCompileCaption"], manifest=shot, dialect="auto").args[0]
    joined = run(
        nodes["StudioFlowEditCaption"], instruction=instruction, images=1, masked=False, caption=compiled
    ).args[0]
    assert joined == caption


def test_a_shot_is_where_the_edit_begins_and_its_caption_gives_way(
    nodes: dict[str, type], server: ChatServer, hero: dict[str, Any]
) -> None:
    server.script = ["good_edit"]
    shot, caption, *_ = run(nodes["StudioFlowEditInstruction"], image_1=picture(), manifest=hero, **EDIT).args
    plain = json.loads(run(nodes["StudioFlowCompileCaption"], manifest=hero, dialect="auto").args[0])
    assert plain["background_setting"] in server.requests[0].user
    assert json.loads(caption)["lighting"] == json.loads(said("good_edit"))["lighting"]
    assert shot["camera"] == hero["camera"]


def test_a_masked_edit(nodes: dict[str, type], server: ChatServer) -> None:
    server.script = ["good_edit"]
    mask = torch.zeros(1, 48, 64)
    mask[:, 10:30, 10:30] = 1.0
    report = run(nodes["StudioFlowEditInstruction"], image_1=picture(), mask=mask, **EDIT).args[3]
    assert len(server.requests[0].pictures) == 1 and '"masked region"' in report
    with pytest.raises(Exception, match="a mask goes with a single picture"):
        run(nodes["StudioFlowEditInstruction"], image_1=picture(), image_2=picture(), mask=mask, **EDIT)
    with pytest.raises(Exception, match="as large as the picture"):
        run(nodes["StudioFlowEditInstruction"], image_1=picture(height=64), mask=mask, **EDIT)


def test_the_empty_mask_of_load_image_counts_as_none(nodes: dict[str, type], server: ChatServer) -> None:
    server.script = ["good_edit"]
    mask = torch.zeros(1, 64, 64)
    report = run(nodes["StudioFlowEditInstruction"], image_1=picture(), mask=mask, **EDIT).args[3]
    assert "the mask marks nothing" in report


def test_the_key_is_in_the_request_and_nowhere_else(
    nodes: dict[str, type], server: ChatServer, hero: dict[str, Any], base: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    asked: dict[str, dict[str, Any]] = {
        "BriefToManifestLlm": GENERATE | {"manifest": hero},
        "PictureToManifest": PICTURE | {"image": picture()},
        "RefineManifest": REFINE | {"manifest": hero},
        "EditInstruction": EDIT | {"image_1": picture()},
    }
    told = []
    for name, inputs in asked.items():
        node = nodes[f"StudioFlow{name}"]
        server.script = ["good_edit"]
        output = run(node, **inputs)
        assert server.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        told += [repr(output.args), repr(output.ui), repr(node.define_schema().get_v1_info(node))]
        told += [node.fingerprint_inputs(**inputs), repr(node.validate_inputs(profile="studoi"))]
        # This service repeats the key in what it says of it.
        server.script = ["401_with_key"]
        with pytest.raises(Exception, match="refuses the key") as caught:
            run(node, **inputs | {"seed": 7})
        told += [str(caught.value), repr(caught.value)]
        shot = output.args[0]
    saved = run(
        nodes["StudioFlowSaveDelivery"],
        {"prompt": {"1": {"inputs": LLM}}, "extra_pnginfo": {"workflow": {"nodes": []}}},
        images=picture(),
        manifest=shot,
        preset="PNG + EXR",
        filename_prefix="marker/shot",
    )
    assert len(saved.ui["studioflow_files"]) >= 2
    files = [file for file in base.rglob("*") if file.is_file() and file.name != "language_models.json"]
    assert any(file.parent.name == "answers" for file in files)
    assert SECRET not in "".join(told) + caplog.text
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]


# ---------------------------------------------------------------- other nodes' models


def test_instructions_and_what_a_model_answers_to_them(nodes: dict[str, type], hero: dict[str, Any]) -> None:
    system, prompt = run(nodes["StudioFlowVglInstructions"], task="generate", prompt=BRIEF, style="none", images=1).args
    assert BRIEF in prompt and "short_description" in system + prompt and "{" + "user_prompt}" not in prompt
    shot, caption, report = run(
        nodes["StudioFlowParseCaption"], text=said("fenced_in_prose"), repair=True, keep="numbers", manifest=hero
    ).args
    assert shot["camera"] == hero["camera"] and json.loads(caption)["objects"] and "kept from the shot" in report


@pytest.mark.parametrize("task", ["generate", "describe", "inspire", "refine", "edit", "edit_mask"])
def test_every_task_has_its_instructions(nodes: dict[str, type], hero: dict[str, Any], task: str) -> None:
    shot = {"manifest": hero} if task in ("refine", "edit", "edit_mask") else {}
    system, prompt = run(
        nodes["StudioFlowVglInstructions"], task=task, prompt="zebra crossing", style="none", images=1, **shot
    ).args
    assert len(system) > 500 and ("zebra crossing" in prompt) == (task != "describe")


def test_a_style_guides_new_captions(nodes: dict[str, type]) -> None:
    node, asked = nodes["StudioFlowVglInstructions"], {"task": "generate", "prompt": BRIEF, "images": 1}
    assert run(node, style="editorial", **asked).args[0] != run(node, style="none", **asked).args[0]


def test_several_pictures_have_other_instructions(nodes: dict[str, type]) -> None:
    node, asked = nodes["StudioFlowVglInstructions"], {"task": "edit", "prompt": "Join them.", "style": "none"}
    assert "image_1" in "".join(run(node, images=2, **asked).args)


def test_parse_caption_without_repair_refuses(nodes: dict[str, type]) -> None:
    text = said("trailing_commas")
    assert run(nodes["StudioFlowParseCaption"], text=text, repair=True, keep="numbers").args[1]
    with pytest.raises(Exception, match=r"text:\d+:\d+"):
        run(nodes["StudioFlowParseCaption"], text=text, repair=False, keep="numbers")


def test_the_caption_of_an_edit_stays_one(nodes: dict[str, type]) -> None:
    shot, caption, _ = run(nodes["StudioFlowParseCaption"], text=said("good_edit"), repair=True, keep="numbers").args
    assert json.loads(caption)["edit_instruction"] == shot["caption"]["edit_instruction"]


# ---------------------------------------------------------------- a model in ComfyUI's folders


@pytest.fixture(scope="module")
def standin(base: Path) -> Iterator[str]:
    """Tiny random weights in models/LLM."""
    from studioflow.translate.standin_vlm import make_standin_vlm

    folder = base / "models" / "LLM"
    folder.mkdir(exist_ok=True)
    yield make_standin_vlm(folder).name
    shutil.rmtree(folder)


def test_a_local_model_is_in_the_menu(nodes: dict[str, type], standin: str) -> None:
    node = nodes["StudioFlowLocalVlm"]
    menu = next(socket for socket in node.define_schema().inputs if socket.id == "model")
    assert menu.options[0] == "auto" and standin in menu.options
    assert node.validate_inputs(model=standin) is True and node.validate_inputs(model="auto") is True
    assert "no such language model" in node.validate_inputs(model="../../etc")
    assert node.fingerprint_inputs(model="auto") == node.fingerprint_inputs(model=standin, seed=3)


@pytest.mark.parametrize("task", ["generate", "describe", "inspire", "refine", "edit"])
def test_noise_is_a_valid_caption_for_every_task(
    nodes: dict[str, type], standin: str, hero: dict[str, Any], task: str
) -> None:
    given: dict[str, Any] = {"task": task, "prompt": "" if task == "describe" else "lower the camera"}
    if task in ("describe", "inspire", "edit"):
        given["image"] = picture()
    if task == "refine":
        given["manifest"] = hero
    shot, caption, report = run(nodes["StudioFlowLocalVlm"], **LOCAL | given).args
    assert json.loads(caption)["short_description"] and "the text is noise" in report
    assert ("edit_instruction" in json.loads(caption)) == (task == "edit")
    if task == "refine":
        assert shot["camera"]["orbit"]["elevation_deg"] < hero["camera"]["orbit"]["elevation_deg"]
        assert shot["camera"]["lens"] == hero["camera"]["lens"] and "camera.orbit.elevation_deg" in report


def test_the_same_seed_gives_the_same_answer(nodes: dict[str, type], standin: str) -> None:
    captions = [run(nodes["StudioFlowLocalVlm"], **LOCAL | {"seed": seed}).args[1] for seed in (1, 1, 2)]
    assert captions[0] == captions[1] != captions[2]


def test_weights_stay_or_leave(nodes: dict[str, type], standin: str, host: ModuleType) -> None:
    import gc
    import sys
    import weakref

    loaded = sys.modules[host.__name__ + "_translate"]._loaded
    run(nodes["StudioFlowLocalVlm"], **LOCAL | {"unload": False})
    (model,) = loaded.values()
    run(nodes["StudioFlowLocalVlm"], **LOCAL | {"unload": False, "seed": 1})
    assert list(loaded.values()) == [model]
    gone = weakref.ref(model.model)
    del model
    run(nodes["StudioFlowLocalVlm"], **LOCAL | {"seed": 2})
    gc.collect()
    assert not loaded and gone() is None


def test_what_a_task_lacks(nodes: dict[str, type], standin: str) -> None:
    for task, message in {
        "describe": "not the number of pictures",
        "inspire": "not the number of pictures",
        "edit": "not the number of pictures",
        "refine": "there is no shot to refine",
    }.items():
        with pytest.raises(Exception, match=message):
            run(nodes["StudioFlowLocalVlm"], **LOCAL | {"task": task})
    with pytest.raises(Exception, match="an edit takes no style"):
        run(nodes["StudioFlowLocalVlm"], image=picture(), **LOCAL | {"task": "edit", "style": "editorial"})


def test_no_local_model(
    nodes: dict[str, type], host: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "model_folders", lambda: [tmp_path / "models" / "diffusers"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    told = nodes["StudioFlowLocalVlm"].validate_inputs(model="auto")
    assert "no language model is installed" in told and str(tmp_path / "models" / "LLM") in told


# ---------------------------------------------------------------- words of the menus


def test_menus_are_those_of_the_library(nodes: dict[str, type]) -> None:
    from studioflow.fibo.menus import MAX_SEED
    from studioflow.translate import adopt, menus, terms

    assert adopt.KEEP == menus.KEEP and ("auto", *terms.LANGUAGES) == menus.LANGUAGES
    assert menus.MAX_SEED < MAX_SEED


def test_no_widget_takes_a_key_an_address_or_a_path(nodes: dict[str, type]) -> None:
    words = {"key", "token", "secret", "password", "url", "address", "path", "file", "folder", "server"}
    for name, node in nodes.items():
        if node.GET_SCHEMA().category == "StudioFlow/Translate":
            assert not words & {part for socket in node.GET_SCHEMA().inputs for part in socket.id.split("_")}, name
