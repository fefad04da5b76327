"""Bria's instructions as bria-vgl itself renders them, without importing it; and the guidance of our styles."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studioflow.errors import ModelError, StudioFlowError
from studioflow.studio.words import entries
from studioflow.translate import instructions as module
from studioflow.translate.guidance import style_guidance
from studioflow.translate.instructions import instructions, vgl_folder
from studioflow.translate.requests import IN_ENGLISH

CAPTION: dict[str, Any] = {
    "short_description": "A steel grinder on oak — größer {user_prompt}",
    "objects": [
        {
            "description": "a grinder",
            "location": "center",
            "relationship": "stands alone",
            "relative_size": "large within frame",
            "number_of_objects": 2,
            "orientation": "upright",
        }
    ],
    "background_setting": "plaster wall",
    "lighting": {"conditions": "softbox", "direction": "side-lit from the left", "shadows": "soft"},
    "aesthetics": {"composition": "centered", "color_scheme": "warm browns", "mood_atmosphere": "calm"},
    "photographic_characteristics": {
        "depth_of_field": "shallow",
        "focus": "sharp",
        "camera_angle": "eye-level",
        "lens_focal_length": "85mm portrait lens",
    },
    "style_medium": "photograph",
    "text_render": [{"text": "NORDLICHT", "location": "top", "size": "small", "color": "red", "font": "serif"}],
    "context": "This is a concept for a catalog.",
    "artistic_style": "realistic",
}
CASES = [
    {"task": "generate", "prompt": "a grinder, {llm_input_schema} {style_preset_block}"},
    {"task": "generate", "prompt": "a grinder", "style": "noir"},
    {"task": "inspire", "prompt": "an oak table"},
    {"task": "inspire", "prompt": "an oak table", "style": "watercolour"},
    {"task": "caption"},
    {"task": "caption", "style": "editorial"},
    {"task": "refine", "prompt": "warmer", "caption": CAPTION},
    {"task": "refine", "prompt": "warmer", "caption": CAPTION, "style": "luxury"},
    {"task": "edit", "prompt": "make it red"},
    {"task": "edit", "prompt": "make it red", "caption": CAPTION},
    {"task": "edit", "prompt": "<image_2> on <image_1>", "pictures": 2},
    {"task": "edit", "prompt": "<image_2> on <image_1>", "pictures": 4, "caption": CAPTION},
    {"task": "edit_mask", "prompt": "a cup"},
    {"task": "edit_mask", "prompt": "a cup", "caption": CAPTION},
]
# What bria_vgl.api does up to the call of the model.
RENDER = """
import json, sys
from PIL import Image
from bria_vgl.dialects import thales
from bria_vgl.dialects.thales.model import ThalesVGL
from bria_vgl.prompting import render_prompts
picture = Image.new("RGB", (32, 32))
rendered = []
for case in json.load(sys.stdin):
    prompt, caption = case.get("prompt"), case.get("caption")
    vgl = ThalesVGL.model_validate(caption) if caption else None
    payload = {
        "generate": lambda: thales.Generate(prompt=prompt),
        "inspire": lambda: thales.Inspire(prompt=prompt, image=picture),
        "caption": lambda: thales.Caption(image=picture),
        "refine": lambda: thales.Refine(prompt=prompt, input_vgl=vgl),
        "edit": lambda: thales.EditImages(
            prompt=prompt, images=[picture] * case.get("pictures", 1), input_image_vgl=vgl),
        "edit_mask": lambda: thales.EditImageWithMask(
            prompt=prompt, image=picture, mask=Image.new("L", (32, 32)), input_image_vgl=vgl),
    }[case["task"]]()
    request = payload.to_request()
    rendered.append(render_prompts(request.prompts, request.context, case["guidance"] or None))
json.dump(rendered, sys.stdout)
"""


def run(script: str, given: Any = None) -> Any:
    """What a script prints as JSON, in a process of its own, so that litellm stays out of this one."""
    environment = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(given),
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_task_reads_as_bria_vgl_renders_it() -> None:
    theirs = run(RENDER, [case | {"guidance": style_guidance(case.get("style", ""))} for case in CASES])
    for case, (system, prompt) in zip(CASES, theirs, strict=True):
        ours = instructions(**case)
        assert ours.prompt == prompt, case
        assert ours.system == f"{system}\n\n{IN_ENGLISH}", case


def test_nothing_of_bria_vgl_is_imported() -> None:
    script = """
import json, sys
from studioflow.translate.instructions import instructions
instructions("generate", "a cup", "noir")
json.dump([name for name in sys.modules if name.split(".")[0] in ("bria_vgl", "litellm", "pydantic")], sys.stdout)
"""
    assert run(script) == []


def test_keys_that_bria_does_not_know_and_empty_ones_stay_out() -> None:
    odd = CAPTION | {"negative": "x", "context": "", "text_render": []}
    odd["aesthetics"] = CAPTION["aesthetics"] | {"aesthetic_score": "very high"}
    asked = instructions("refine", "warmer", caption=odd).prompt
    assert "very high" not in asked
    assert '"negative"' not in asked
    assert '"context"' not in asked
    assert '"text_render"' not in asked
    wrapped = {"structured_caption": CAPTION, "edit_instruction": "make it red"}
    assert instructions("refine", "warmer", caption=wrapped) == instructions("refine", "warmer", caption=CAPTION)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"task": "generate", "prompt": " \n"}, "nothing to ask"),
        ({"task": "caption", "prompt": "a cup"}, "takes no words"),
        ({"task": "refine", "prompt": "warmer"}, "no caption to refine"),
        ({"task": "generate", "prompt": "a cup", "caption": CAPTION}, "takes no caption"),
        ({"task": "edit", "prompt": "red", "style": "noir"}, "an edit takes no style"),
        ({"task": "generate", "prompt": "a cup", "style": "nior"}, 'did you mean "noir"'),
        ({"task": "generated", "prompt": "a cup"}, 'did you mean "generate"'),
    ],
)
def test_what_does_not_go_together_is_told(given: dict[str, Any], words: str) -> None:
    with pytest.raises(StudioFlowError, match=words):
        instructions(**given)


def test_without_the_package_the_error_says_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    module._text.cache_clear()
    monkeypatch.setitem(sys.modules, "bria_vgl", None)
    with pytest.raises(ModelError) as caught:
        instructions("generate", "a cup")
    assert "bria-vgl, which is not installed" in str(caught.value)
    assert f'"{sys.executable}" -m pip install "bria-vgl>=0.10"' in str(caught.value)


@pytest.mark.parametrize("gone", ["dialects/thales/prompts/generate/system_prompt.txt", "prompting.py", "constant"])
def test_a_package_with_other_files_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gone: str) -> None:
    copy = tmp_path / "bria_vgl"
    shutil.copytree(vgl_folder(), copy)
    if gone == "constant":
        code = (copy / "prompting.py").read_text(encoding="utf-8")
        (copy / "prompting.py").write_text(code.replace("BLOCK_PREAMBLE", "PREAMBLE"), encoding="utf-8")
    else:
        (copy / gone).unlink()
    monkeypatch.setattr(module, "vgl_folder", lambda: copy)
    module._text.cache_clear()
    module._preamble.cache_clear()
    try:
        with pytest.raises(ModelError, match=r"keeps its instructions elsewhere(.|\n)*bria-vgl 0\.10"):
            instructions("generate", "a cup", "noir")
    finally:
        module._text.cache_clear()
        module._preamble.cache_clear()


def test_guidance_names_every_field_that_a_style_decides() -> None:
    for key, row in entries("styles").items():
        text = style_guidance(key)
        scene = row["scene"]
        said = [scene.get(name) for name in ("background", "grade", "mood", "composition", "context")]
        said += list(scene.get("style", {}).values())
        assert row["title"] in text
        assert all(words in text for words in said if words), key
    assert style_guidance("") == ""
