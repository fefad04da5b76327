"""Nodes that turn a manifest into what FIBO reads."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.families import DIALECTS
from . import host


class CompileCaption(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowCompileCaption",
            display_name="Compile Caption",
            category="StudioFlow/Caption",
            description="Turns a manifest into the caption FIBO reads, and its render section into numbers. The "
            "outputs fit ComfyUI's TextEncodeFibo2 and KSampler as well as FIBO Sampler.",
            search_aliases=["prompt", "FIBO json", "structured caption", "VGL", "manifest to prompt"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot."),
                io.Combo.Input(
                    "dialect",
                    options=["auto", *DIALECTS],
                    default="auto",
                    tooltip="How the caption is written down. auto: as the connected model wants it, else as the "
                    "manifest's render.model wants it, else for FIBO 2.",
                ),
                host.Fibo.Input(
                    "fibo",
                    optional=True,
                    tooltip="The model that will render: decides the dialect and the steps and cfg that the manifest "
                    "leaves open. Not needed in front of ComfyUI's own FIBO 2 nodes.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="caption", tooltip="The prompt: FIBO's structured caption as JSON."),
                io.String.Output(display_name="negative", tooltip="The negative prompt; empty where there is none."),
                io.Int.Output(display_name="width", tooltip="Pixels, a multiple of 16."),
                io.Int.Output(display_name="height", tooltip="Pixels, a multiple of 16."),
                io.Int.Output(display_name="seed", tooltip="The manifest's seed."),
                io.Int.Output(display_name="steps", tooltip="The manifest's steps, else the model's."),
                io.Float.Output(display_name="cfg", tooltip="The manifest's guidance, else the model's. 1 is none."),
                io.Int.Output(display_name="count", tooltip="How many pictures the manifest asks for."),
            ],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], dialect: str, fibo: Any = None) -> io.NodeOutput:
        from ..studioflow.caption import compile_for

        compiled, render = compile_for(manifest, dialect, fibo.family if fibo else None)
        numbers = f"{render.width} × {render.height}, seed {render.seed}, {render.steps} steps, cfg {render.cfg:g}"
        return io.NodeOutput(
            compiled.caption,
            compiled.negative,
            render.width,
            render.height,
            render.seed,
            render.steps,
            render.cfg,
            render.count,
            ui=host.notice(numbers),
        )


class EditCaption(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowEditCaption",
            display_name="Edit Caption",
            category="StudioFlow/Caption",
            description="Joins the caption of the finished picture with the instruction that leads there: the prompt "
            "of an edit, for FIBO Edit and for ComfyUI's TextEncodeFibo2.",
            search_aliases=["edit instruction", "edit prompt", "inpaint prompt", "Bria", "retouch"],
            inputs=[
                io.String.Input(
                    "instruction",
                    multiline=True,
                    default="",
                    tooltip="One sentence in the imperative, for example: Replace the background with a snowy forest. "
                    "With several pictures it names each once as <image_1>, <image_2>; with a mask it speaks of the "
                    "masked region.",
                ),
                io.Int.Input("images", default=1, min=1, max=4, tooltip="How many pictures go into the edit."),
                io.Boolean.Input("masked", default=False, tooltip="Whether a region of the picture is masked."),
                io.String.Input(
                    "caption",
                    optional=True,
                    force_input=True,
                    tooltip="What the finished picture shows, from Compile Caption; without it the instruction stands "
                    "alone. It describes the result and not the change.",
                ),
            ],
            outputs=[io.String.Output(display_name="caption", tooltip="The prompt of the edit, JSON text.")],
        )

    @classmethod
    def execute(cls, instruction: str, images: int, masked: bool, caption: str | None = None) -> io.NodeOutput:
        from ..studioflow.caption.instruct import edit_caption

        edit = edit_caption(caption or "", instruction, images=images, masked=masked)
        return io.NodeOutput(edit.caption, ui=host.notice(*edit.notices))
