"""Nodes that render with a FIBO that was loaded through diffusers."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.fibo.menus import MAX_SEED
from . import host


class FiboSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboSampler",
            display_name="FIBO Sampler",
            category="StudioFlow/FIBO",
            description="Renders a caption with a loaded FIBO model. Cancel takes effect within one step.",
            search_aliases=["Bria", "render", "generate", "KSampler", "text to image", "image to image", "FIBO"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader."),
                io.String.Input(
                    "caption",
                    multiline=True,
                    default="",
                    tooltip="FIBO's structured caption as JSON, from Compile Caption. FIBO 1.x takes nothing else.",
                ),
                _negative(),
                io.Int.Input("width", default=1024, min=16, max=4096, step=16, tooltip="Pixels, a multiple of 16."),
                io.Int.Input("height", default=1024, min=16, max=4096, step=16, tooltip="Pixels, a multiple of 16."),
                *_settings(),
                *_options(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, fibo: Any, **job: Any) -> io.NodeOutput:
        return _rendered(fibo, job)


class FiboEdit(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboEdit",
            display_name="FIBO Edit",
            category="StudioFlow/FIBO",
            description="Edits pictures with a FIBO model that was trained for it: one picture, a masked region of it, "
            "or up to four together.",
            search_aliases=["inpaint", "image edit", "reference images", "Bria", "retouch", "image to image"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader: FIBO 2.0, FIBO Edit or FIBO Edit 1.5."),
                io.Image.Input("image", tooltip="The picture to edit; a batch counts as several. Alpha is dropped."),
                io.String.Input(
                    "caption",
                    multiline=True,
                    default="",
                    tooltip="The caption of the finished picture with its edit_instruction, from Edit Caption.",
                ),
                _negative(),
                *_open_size("the first picture's"),
                *_settings(),
                io.Image.Input("image_2", optional=True, tooltip="Another picture, <image_2> in the instruction."),
                io.Image.Input("image_3", optional=True, tooltip="Another picture, <image_3> in the instruction."),
                io.Image.Input("image_4", optional=True, tooltip="Another picture, <image_4> in the instruction."),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White where a single picture is to be painted anew; of the picture's size.",
                ),
                *_options(),
                io.Float.Input(
                    "guide_until",
                    default=1.0,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="The part of the steps that the pictures count for; after it the caption alone goes on "
                    "with what is there. Below 1 only FIBO 2.0.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        fibo: Any,
        image: Any,
        image_2: Any = None,
        image_3: Any = None,
        image_4: Any = None,
        mask: Any = None,
        **job: Any,
    ) -> io.NodeOutput:
        from ..studioflow.fibo.pictures import references, region

        images = references([one for one in (image, image_2, image_3, image_4) if one is not None])
        painted_anew = None if mask is None else region(mask)
        return _rendered(fibo, job | {"images": tuple(images), "mask": painted_anew})


class FiboEncode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboEncode",
            display_name="FIBO Encode",
            category="StudioFlow/FIBO",
            description="Turns a picture into latents that FIBO Sampler repaints with a strength: image to image.",
            search_aliases=["VAE encode", "image to image", "img2img", "latent"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader, the model that will render."),
                io.Image.Input("image", tooltip="The picture to begin with, scaled to cover the size and cropped."),
                *_open_size("the picture's"),
            ],
            outputs=[
                host.Latents.Output(display_name="latents", tooltip="For FIBO Sampler or FIBO Edit."),
                io.Int.Output(display_name="width", tooltip="The width of the latents' picture, for FIBO Sampler."),
                io.Int.Output(display_name="height", tooltip="Its height, for FIBO Sampler."),
            ],
        )

    @classmethod
    def execute(cls, fibo: Any, image: Any, width: int, height: int) -> io.NodeOutput:
        from ..studioflow.fibo.latents import encode_all
        from ..studioflow.fibo.pictures import references

        with host.room_after_shortage():
            latents = encode_all(fibo, references([image]), width, height)
        return io.NodeOutput(latents, *latents.size)


class FiboDecode(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboDecode",
            display_name="FIBO Decode",
            category="StudioFlow/FIBO",
            description="Turns latents into pictures; also those of a render that stopped half way.",
            search_aliases=["VAE decode", "latent to image", "unclamped", "float"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader, the model that made the latents."),
                host.Latents.Input("latents", tooltip="From FIBO Sampler, FIBO Edit or FIBO Encode."),
                io.Boolean.Input(
                    "clamp",
                    default=True,
                    tooltip="Off: values a little outside 0..1 stay as the decoder gives them. Only FIBO 2 has such.",
                ),
                io.Boolean.Input(
                    "float32",
                    default=False,
                    optional=True,
                    tooltip="Decode in full precision also where the model is in half: smooth gradients for EXR and "
                    "16-bit files, for some more memory and time.",
                ),
            ],
            outputs=[io.Image.Output(display_name="image", tooltip="Float pictures, sRGB-encoded.")],
        )

    @classmethod
    def execute(cls, fibo: Any, latents: Any, clamp: bool, float32: bool = False) -> io.NodeOutput:
        from ..studioflow.fibo.latents import decode

        with host.room_after_shortage():
            images = decode(fibo, latents, clamp=clamp, float32=float32)
        return io.NodeOutput(images, ui=host.notice(fibo.notice))


def _negative() -> io.Input:
    return io.String.Input(
        "negative",
        multiline=True,
        default="",
        tooltip="What to steer away from. Empty: the empty caption the model was trained with. Counts only while cfg "
        "is above 1.",
    )


def _open_size(whose: str) -> list[io.Input]:
    tooltip = f"Pixels, a multiple of 16. 0 for both sides: as trained for {whose} shape."
    return [io.Int.Input(side, default=0, min=0, max=4096, step=16, tooltip=tooltip) for side in ("width", "height")]


def _settings() -> list[io.Input]:
    return [
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=MAX_SEED,
            control_after_generate=True,
            tooltip="Seed of the starting noise; the same seed gives the same picture.",
        ),
        io.Int.Input("steps", default=30, min=1, max=200, tooltip="Denoising steps."),
        io.Float.Input(
            "cfg",
            default=5.0,
            min=1.0,
            max=20.0,
            step=0.1,
            tooltip="Guidance. 1 turns it off and halves the time; distilled models want 1.",
        ),
        io.Int.Input("count", default=1, min=1, max=64, tooltip="Pictures, each with the next seed."),
    ]


def _options() -> list[io.Input]:
    """What came later, so that a workflow saved before keeps its meaning: optional, behind all others."""
    return [
        host.Latents.Input(
            "latents",
            optional=True,
            tooltip="Where to begin: a picture from FIBO Encode, or a render that stopped at stop_at and goes on.",
        ),
        io.Float.Input(
            "strength",
            default=1.0,
            min=0.01,
            max=1.0,
            step=0.01,
            optional=True,
            tooltip="How much of the picture in latents is repainted; 1 is all of it. Counts only with latents of a "
            "picture, from FIBO Encode or a finished render.",
        ),
        io.Int.Input(
            "stop_at",
            default=0,
            min=0,
            max=200,
            optional=True,
            tooltip="Stop after this step and leave the rest of the noise in the latents. 0 is the whole schedule.",
        ),
        io.Boolean.Input(
            "draw_text",
            default=True,
            optional=True,
            tooltip="FIBO 2: show the model the caption's text as pictures, as it was trained.",
        ),
        io.Boolean.Input(
            "reuse_captions",
            default=True,
            optional=True,
            tooltip="Take what the text encoder made of a text before, kept in memory, instead of reading it again.",
        ),
        io.Boolean.Input(
            "reuse_pictures",
            default=True,
            optional=True,
            tooltip="Take pictures that were finished before, kept on disk also over a restart, instead of rendering "
            "them again. The node says so.",
        ),
    ]


def _outputs() -> list[io.Output]:
    return [
        io.Image.Output(display_name="image", tooltip="Float pictures, sRGB-encoded, never rounded to 8 bits."),
        host.Provenance.Output(display_name="provenance", tooltip="How the pictures were made, for Save Delivery."),
        host.Latents.Output(display_name="latents", tooltip="Their latents, for FIBO Decode or another render."),
    ]


def _rendered(fibo: Any, job: dict[str, Any]) -> io.NodeOutput:
    from ..studioflow.fibo.job import Job
    from ..studioflow.fibo.render import render

    with host.room_after_shortage():
        done = render(fibo, Job(**job), on_step=host.Progress(), cache=host.picture_cache())
    return io.NodeOutput(done.images, done.provenance, done.latents, ui=host.notice(fibo.notice, *done.notices))
