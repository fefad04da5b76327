"""The nodes that make shots of words, on the canvas: what is typed is read, and what was found is seen at the node."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

import dev
from studioflow.translate.profiles import PROFILES_FILE

from ..unit.chat_server import MODEL, ChatServer
from .canvas import Canvas

BRIEF = "steel teapot on slate, 35mm, f/8, seed 3, 16:9"


def held_back(canvas: Canvas, recipe: str) -> None:
    """Opens a recipe so that nothing is rendered: the caption's dialect will not fit the model."""
    canvas.open_recipe(recipe)
    canvas.set_widget("StudioFlowCompileCaption", "dialect", "fibo-1")  # while FIBO 2 is loaded


def run_up_to_the_caption(canvas: Canvas) -> None:
    canvas.press_run()
    canvas.expect_error("the dialect does not fit the loaded model")
    canvas.page.keyboard.press("Escape")
    canvas.fit_view()  # the classic renderer draws no element of a node that is out of view


def text_of(canvas: Canvas, words: str) -> Locator:
    """The text field that a person sees these words in."""
    fields = canvas.page.locator("textarea").filter(visible=True)
    expect(fields.first).to_be_visible()
    texts = [fields.nth(number).input_value() for number in range(fields.count())]
    (place,) = [number for number, text in enumerate(texts) if words in text]
    return fields.nth(place)


def test_a_typed_brief_is_read_and_told_at_its_node(canvas: Canvas) -> None:
    held_back(canvas, "brief_to_render")
    canvas.fit_view()
    text_of(canvas, "coffee grinder").fill(BRIEF)
    assert canvas.prompt()["1"]["inputs"]["brief"] == BRIEF
    run_up_to_the_caption(canvas)
    canvas.expect_readable('focal_length_mm 35   "35mm"', times=1)
    assert canvas.wait_for_preview("StudioFlowLightingDiagram")[0] == 1024


def test_a_brief_renders_in_its_own_size(canvas: Canvas) -> None:
    canvas.open_recipe("brief_to_render")
    canvas.set_widget("StudioFlowBriefToManifest", "brief", "steel teapot on slate, 35mm, 320x256, seed 3")
    canvas.run()
    assert canvas.wait_for_preview("StudioFlowSaveDelivery") == [320, 256]
    canvas.expect_no_complaint()


def test_a_brief_that_says_nothing_is_told(canvas: Canvas) -> None:
    canvas.open_recipe("brief_to_render")
    canvas.set_widget("StudioFlowBriefToManifest", "brief", "?!")
    canvas.press_run()
    canvas.expect_error("the brief says nothing")


def test_a_note_shows_what_it_changed(canvas: Canvas) -> None:
    canvas.open_recipe("client_note_refine")
    canvas.set_widget("StudioFlowLoadManifest", "manifest", "input/small.json")
    canvas.set_widget("StudioFlowRefineManifest", "note", "at 35mm, from a low angle")
    prompt = canvas.prompt()
    canvas.run()
    canvas.fit_view()  # the classic renderer draws no element of a node that is out of view
    canvas.expect_readable("camera.orbit.elevation_deg", times=2)  # at Refine Manifest and Diff Manifests
    canvas.expect_readable("what FIBO reads (fibo-2)", times=2)
    assert canvas.prompt() == prompt, "what the nodes show has become part of the workflow's inputs"


def test_instructions_for_a_chat_are_shown_and_its_answer_is_read(canvas: Canvas) -> None:
    held_back(canvas, "caption_from_any_chat")
    run_up_to_the_caption(canvas)
    canvas.expect_readable('focal_length_mm 100   "100mm"', times=1)
    expect(canvas.page.get_by_text("text around the JSON was left out").filter(visible=True).first).to_be_visible()
    # Preview as Text is formatted text in one frontend and a text field in the other.
    canvas.wait_until(
        """words => document.body.innerText.includes(words)
            || [...document.querySelectorAll('textarea')].some(field => field.value.includes(words))""",
        "Generate a detailed JSON object",
    )


def test_a_model_that_does_not_answer_and_one_that_does(canvas: Canvas, host: dev.Host) -> None:
    folder = host.base / "user" / "__studioflow"
    folder.mkdir(exist_ok=True)
    held_back(canvas, "inspired_by_picture")
    with ChatServer() as chat:
        row = {"model": f"openai/{MODEL}", "base_url": chat.url, "timeout_s": 60}
        try:
            chat.script = ["401"]
            (folder / PROFILES_FILE).write_text(json.dumps({"ollama": row}), encoding="utf-8")
            canvas.press_run()
            canvas.expect_error("this server wants one")
            canvas.page.keyboard.press("Escape")
            chat.script = ["good"]
            run_up_to_the_caption(canvas)
        finally:
            (folder / PROFILES_FILE).unlink()
    canvas.expect_readable(f"ollama, {MODEL}: answered in", times=1)
    canvas.expect_readable("kept from the shot: ", times=1)


def test_a_missing_local_model_is_told_with_the_command_that_brings_one(canvas: Canvas) -> None:
    canvas.open_recipe("shot_by_local_vlm")
    canvas.press_run()
    canvas.expect_error("hf download Qwen/Qwen3-VL-4B-Instruct")
