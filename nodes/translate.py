"""Nodes that make a shot of words: by rules, and of what any language-model node writes."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.studio.words import entries
from ..studioflow.translate import menus
from . import host

EXAMPLE = "moody three-quarter shot of a steel coffee grinder on oak, 85mm, f/2, light from the left"


def keep_input() -> io.Input:
    """The widget that says what of the shot a model's text may not replace."""
    return io.Combo.Input(
        "keep",
        options=list(menus.KEEP),
        default=menus.KEEP[0],
        tooltip="What of the shot the model's text may not replace. numbers: the words of camera, light, palette and "
        "text. everything: all that the shot says. nothing: the model's words win.",
    )


def style_input() -> io.Input:
    """The widget of the style that a model is guided by."""
    return io.Combo.Input(
        "style",
        options=[menus.NO_STYLE, *entries("styles")],
        default=menus.NO_STYLE,
        tooltip="A look that the model is told to write in. It sets no numbers: the Style node does.",
    )


def shot_to_lay_on() -> io.Input:
    """The shot that a caption is laid on."""
    return host.Manifest.Input(
        "manifest", optional=True, tooltip="The shot that the text is laid on; a new one where absent."
    )


def caption_output() -> io.Output:
    """What FIBO reads of the shot."""
    return io.String.Output(
        display_name="caption", tooltip="What FIBO reads of the shot, as JSON: for FIBO Sampler or TextEncodeFibo2."
    )


def report_output() -> io.Output:
    """What was found, mended and kept."""
    return io.String.Output(display_name="report", tooltip="What was found, mended and kept, one a line.")


class BriefToManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowBriefToManifest",
            display_name="Brief To Manifest",
            category="StudioFlow/Translate",
            description="Reads a shot from a sentence by rules: lens, light, subject, colours and more. No model, no "
            "network, the same result every time. The report says which words gave what.",
            search_aliases=["text to manifest", "prompt", "natural language", "sentence", "art direction", "offline"],
            inputs=[
                io.String.Input(
                    "brief",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip="The shot in words, up to 20,000 characters.",
                ),
                io.Combo.Input(
                    "language",
                    options=list(menus.LANGUAGES),
                    default=menus.LANGUAGES[0],
                    tooltip="The language of the brief. English terms are understood in all of them; in the others "
                    "those of photography.",
                ),
                host.Manifest.Input(
                    "manifest",
                    optional=True,
                    tooltip="A shot that the brief is laid on: what the brief says wins, all else stays.",
                ),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot."),
                io.String.Output(display_name="report", tooltip="What was found in which words, one a line."),
                io.String.Output(
                    display_name="unused", tooltip="The words that are in the description only, one run a line."
                ),
            ],
        )

    @classmethod
    def execute(cls, brief: str, language: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.translate.brief import brief_to_manifest

        shot, read = brief_to_manifest(brief, manifest, language)
        unused = "\n".join(read.words([span]) for span in read.unused)
        return io.NodeOutput(shot, read.report(), unused, ui=host.notice(read.report()))


class VglInstructions(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowVglInstructions",
            display_name="VGL Instructions",
            category="StudioFlow/Translate",
            description="Bria's instructions for a language model that writes FIBO captions, as text for any "
            "text-generation node. Parse Caption takes what that node answers.",
            search_aliases=["system prompt", "prompt enhancer", "TextGenerate", "LLM", "VLM", "Bria", "caption"],
            inputs=[
                io.Combo.Input(
                    "task",
                    options=[*menus.TASKS, menus.MASKED_EDIT],
                    default=menus.TASKS[0],
                    tooltip="generate: a caption of a brief. describe: of the picture. inspire: of a brief, led by "
                    "the picture. refine: the shot changed by a note. edit and edit_mask: pictures and an "
                    "instruction.",
                ),
                io.String.Input(
                    "prompt",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip="The brief, the note or the instruction; describe needs none.",
                ),
                style_input(),
                io.Int.Input("images", default=1, min=1, max=4, tooltip="How many pictures an edit has."),
                host.Manifest.Input(
                    "manifest",
                    optional=True,
                    tooltip="The shot that refine changes, or that an edit's picture shows; other tasks need none.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="system_prompt", tooltip="What the model is and which fields it writes."),
                io.String.Output(display_name="prompt", tooltip="What it is asked for."),
            ],
        )

    @classmethod
    def execute(
        cls, task: str, prompt: str, style: str, images: int, manifest: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import instructions_for

        return io.NodeOutput(*instructions_for(task, prompt, style=style, manifest=manifest, pictures=images))


class ParseCaption(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowParseCaption",
            display_name="Parse Caption",
            category="StudioFlow/Translate",
            description="Makes a checked caption and a shot of what a language model wrote. What is broken is mended "
            "where only one remedy can be meant, and told; else it is refused with its place.",
            search_aliases=["JSON repair", "LLM output", "TextGenerate", "VGL", "structured prompt", "fix json"],
            inputs=[
                io.String.Input(
                    "text",
                    multiline=True,
                    default='{"short_description": "A stoneware cup on an oak table."}',
                    tooltip="The model's answer: a caption as JSON, with or without text and fences around it.",
                ),
                io.Boolean.Input(
                    "repair",
                    default=True,
                    tooltip="On: broken JSON is mended where that is certain. Off: it is refused.",
                ),
                keep_input(),
                shot_to_lay_on(),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot with the caption in it."),
                caption_output(),
                report_output(),
            ],
        )

    @classmethod
    def execute(cls, text: str, repair: bool, keep: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.translate.translate import parse_answer

        found = parse_answer(text, manifest, repair=repair, keep=keep)
        return io.NodeOutput(found.manifest, found.caption, found.report, ui=host.notice(*found.notes))
