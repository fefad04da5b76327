"""Nodes that ask a language model: a hosted one, a server on this machine, or weights in ComfyUI's own folders.

None of them holds a key or an address: the widget has the name of a profile, and the profile is looked up when the
node runs.
"""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.translate import menus
from . import host, host_translate
from .translate import EXAMPLE, caption_output, keep_input, report_output, shot_to_lay_on, style_input


def _profile(*before: str) -> io.Input:
    names = [*before, *host_translate.profiles()]
    return io.Combo.Input(
        "profile",
        options=names,
        default=names[0],
        tooltip="Which model is asked. Keys are in environment variables or in language_models.json in ComfyUI's "
        "user folder, never in the workflow: see the help page.",
    )


def _seed() -> io.Input:
    return io.Int.Input(
        "seed",
        default=0,
        min=0,
        max=menus.MAX_SEED,
        control_after_generate=True,
        tooltip="Another seed asks the model again; an answer to the same question and seed is kept and used again.",
    )


class _AsksProfile(io.ComfyNode):
    """What the nodes with a profile share. They run again when the file of profiles changes."""

    @classmethod
    def validate_inputs(cls, profile: str | None = None) -> bool | str:
        return host_translate.profile_fault(profile)

    @classmethod
    def fingerprint_inputs(cls, profile: str = "", **_: Any) -> str:
        return host_translate.profile_state(profile)


class BriefToManifestLlm(_AsksProfile):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowBriefToManifestLlm",
            display_name="Brief To Manifest (Language Model)",
            category="StudioFlow/Translate",
            description="A language model writes the shot from a brief in any language. The numbers that the brief or "
            "the shot states stay what they are.",
            search_aliases=["LLM", "prompt enhancer", "Gemini", "OpenAI", "Ollama", "VGL", "Bria", "text to manifest"],
            inputs=[
                io.String.Input("brief", multiline=True, default=EXAMPLE, tooltip="The shot in words."),
                _profile(),
                style_input(),
                io.Boolean.Input(
                    "read_numbers",
                    default=True,
                    tooltip="Rules read the brief first: what they find of camera, light, palette, text and render is "
                    "set in the shot.",
                ),
                keep_input(),
                _seed(),
                io.Boolean.Input(
                    "cache",
                    default=True,
                    tooltip="Keep answers on disk, and take the one to the same question instead of asking again.",
                ),
                shot_to_lay_on(),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot."),
                caption_output(),
                report_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        brief: str,
        profile: str,
        style: str,
        read_numbers: bool,
        keep: str,
        seed: int,
        cache: bool,
        manifest: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import generate

        model = host_translate.hosted_model(profile, cache=cache)
        found = generate(brief, model, manifest, style=style, read_numbers=read_numbers, keep=keep, seed=seed)
        return _answered(found)


class PictureToManifest(_AsksProfile):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowPictureToManifest",
            display_name="Picture To Manifest",
            category="StudioFlow/Translate",
            description="A language model that sees writes the shot of a picture, or of a brief that a picture leads.",
            search_aliases=["image to prompt", "caption", "interrogate", "VLM", "reference", "inspire", "moodboard"],
            inputs=[
                io.Image.Input("image", tooltip="One picture. It is sent to the model that the profile names."),
                io.Combo.Input(
                    "task",
                    options=list(menus.PICTURE_TASKS),
                    default=menus.PICTURE_TASKS[0],
                    tooltip="describe: the shot of the picture itself. inspire: the shot of the brief, with the "
                    "picture as its model.",
                ),
                io.String.Input(
                    "brief", multiline=True, default="", tooltip="The shot in words, for inspire; describe takes none."
                ),
                _profile(),
                style_input(),
                keep_input(),
                _seed(),
                shot_to_lay_on(),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot."),
                caption_output(),
                report_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Any,
        task: str,
        brief: str,
        profile: str,
        style: str,
        keep: str,
        seed: int,
        manifest: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import translate

        model = host_translate.hosted_model(profile)
        return _answered(translate(task, model, brief, [image], manifest, style=style, keep=keep, seed=seed))


class RefineManifest(_AsksProfile):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowRefineManifest",
            display_name="Refine Manifest",
            category="StudioFlow/Translate",
            description="Changes the shot as a note asks, by rules and with a language model where one is chosen. "
            "Fields that the note is not about stay as they were; what changed is shown.",
            search_aliases=["client note", "feedback", "revise", "change request", "warmer", "retouch note", "LLM"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot to change."),
                io.String.Input(
                    "note",
                    multiline=True,
                    default="warmer, and lower the camera",
                    tooltip="What to change, in words.",
                ),
                _profile(menus.RULES_ONLY),
                keep_input(),
                io.Combo.Input(
                    "outside",
                    options=list(menus.OUTSIDE),
                    default=menus.OUTSIDE[0],
                    tooltip="What becomes of changes by the model that the note did not ask for. report: they stay "
                    "and are told. put back: they are undone and told.",
                ),
                _seed(),
            ],
            outputs=[
                host.changed_shot(),
                io.String.Output(display_name="diff", tooltip="What changed, one a line."),
                io.Boolean.Output(
                    display_name="outside", tooltip="Whether the model changed what the note did not ask for."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, manifest: dict[str, Any], note: str, profile: str, keep: str, outside: str, seed: int
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import refine

        model = None if profile == menus.RULES_ONLY else host_translate.hosted_model(profile)
        found = refine(manifest, note, model, keep=keep, outside=outside, seed=seed)
        return io.NodeOutput(found.manifest, found.diff, bool(found.outside), ui=host.notice(*found.notes, found.diff))


class EditInstruction(_AsksProfile):
    @classmethod
    def define_schema(cls) -> io.Schema:
        def picture(number: int) -> io.Input:
            return io.Image.Input(
                f"image_{number}", optional=number > 1, tooltip=f"One picture, <image_{number}> in the instruction."
            )

        return host.schema(
            node_id="StudioFlowEditInstruction",
            display_name="Edit Instruction",
            category="StudioFlow/Translate",
            description="A language model that sees writes the caption of an edit: what the finished picture shows, "
            "and the instruction that leads there from up to four pictures, or from a masked one.",
            search_aliases=["edit prompt", "inpaint", "multi reference", "VGL", "Bria", "TextEncodeFibo2", "LLM"],
            inputs=[
                picture(1),
                io.String.Input(
                    "instruction",
                    multiline=True,
                    default="Replace the background with a snowy forest.",
                    tooltip="What to change, in any language.",
                ),
                _profile(),
                _seed(),
                picture(2),
                picture(3),
                picture(4),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White where image_1, alone, is to be painted anew; of its size.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot that image_1 shows: the model begins with its caption."
                ),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot of the finished picture."),
                io.String.Output(
                    display_name="caption", tooltip="The prompt of the edit, for FIBO Edit or TextEncodeFibo2."
                ),
                io.String.Output(display_name="instruction", tooltip="The instruction alone, as the model wrote it."),
                report_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        image_1: Any,
        instruction: str,
        profile: str,
        seed: int,
        image_2: Any = None,
        image_3: Any = None,
        image_4: Any = None,
        mask: Any = None,
        manifest: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import edit

        pictures = [image for image in (image_1, image_2, image_3, image_4) if image is not None]
        found = edit(instruction, host_translate.hosted_model(profile), pictures, manifest, mask=mask, seed=seed)
        return io.NodeOutput(
            found.manifest, found.caption, found.instruction, found.report, ui=host.notice(*found.notes)
        )


class LocalVlm(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowLocalVlm",
            display_name="Local VLM",
            category="StudioFlow/Translate",
            description="A language model in ComfyUI's own folders writes the shot, without a network. Its answer is "
            "held to the caption's schema while it is written, so it is always a valid caption.",
            search_aliases=["Qwen3-VL", "FIBO-vlm", "transformers", "caption", "offline", "constrained", "LLM"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=[menus.AUTO, *host_translate.local_models()],
                    default=menus.AUTO,
                    tooltip="A folder of transformers' layout in models/LLM. auto: the first that is there.",
                ),
                io.Combo.Input(
                    "task",
                    options=list(menus.TASKS),
                    default=menus.TASKS[0],
                    tooltip="generate: a shot of the prompt. describe: of the picture. inspire: of the prompt, led by "
                    "the picture. refine: the shot changed by the prompt. edit: the picture changed by it.",
                ),
                io.String.Input(
                    "prompt",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip="The brief, the note or the instruction; describe takes none.",
                ),
                style_input(),
                keep_input(),
                _seed(),
                io.Float.Input(
                    "temperature",
                    default=0.3,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    tooltip="0 takes the likeliest word each time; above 1 is wild.",
                ),
                io.Int.Input(
                    "max_tokens",
                    default=3000,
                    min=400,
                    max=8000,
                    step=100,
                    tooltip="The longest answer. Near it the model is made to close its sentences.",
                ),
                io.Boolean.Input(
                    "unload",
                    default=True,
                    tooltip="On: the weights leave memory when the node is done. Off: they stay until ComfyUI needs "
                    "the room.",
                ),
                io.Image.Input("image", optional=True, tooltip="One picture, for describe, inspire and edit."),
                shot_to_lay_on(),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot."),
                caption_output(),
                report_output(),
            ],
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        return host_translate.local_model_fault(model)

    @classmethod
    def fingerprint_inputs(cls, model: str = "", **_: Any) -> str:
        return host_translate.local_model_state(model)

    @classmethod
    def execute(
        cls,
        model: str,
        task: str,
        prompt: str,
        style: str,
        keep: str,
        seed: int,
        temperature: float,
        max_tokens: int,
        unload: bool,
        image: Any = None,
        manifest: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..studioflow.translate.translate import translate

        pictures = [] if image is None else [image]
        with host_translate.local_model(model, temperature, max_tokens, unload=unload) as local:
            found = translate(task, local, prompt, pictures, manifest, style=style, keep=keep, seed=seed)
        return _answered(found)


def _answered(found: Any) -> io.NodeOutput:
    return io.NodeOutput(found.manifest, found.caption, found.report, ui=host.notice(*found.notes))
