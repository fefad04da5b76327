"""Nodes that render with FIBO through diffusers."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.fibo.model import DTYPES, find_model, find_models, load_model
from ..studioflow.fibo.sample import MAX_SEED, provenance, sample
from . import host


class FiboLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        names = [model.name for model in find_models(host.model_folders())]
        return host.schema(
            node_id="StudioFlowFiboLoader",
            display_name="FIBO Loader",
            category="StudioFlow/FIBO",
            description="Loads a FIBO model in diffusers layout. Local files only; nothing is downloaded.",
            search_aliases=["Bria", "load FIBO", "diffusers", "checkpoint", "model loader"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=["auto", *names],
                    default="auto",
                    tooltip="A folder in models/diffusers or a repository in the Hugging Face cache. auto takes the "
                    "newest FIBO that is installed, real weights before stand-ins, and shows which one it is.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="auto",
                    tooltip="Number format of the weights. auto: bfloat16 on a GPU, float32 on a CPU.",
                ),
            ],
            outputs=[host.Fibo.Output(display_name="fibo", tooltip="The loaded model, for FIBO Sampler.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        try:
            if model is not None:
                find_model(model, host.model_folders())
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, model: str, dtype: str) -> str:
        found = find_model(model, host.model_folders())
        return f"{found.folder}:{(found.folder / 'model_index.json').stat().st_mtime_ns}:{dtype}"

    @classmethod
    def execute(cls, model: str, dtype: str) -> io.NodeOutput:
        host.make_room()
        fibo = load_model(find_model(model, host.model_folders()), device=host.device(), dtype=dtype)
        return io.NodeOutput(fibo, ui=host.notice(fibo.name, fibo.notice))


class FiboSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboSampler",
            display_name="FIBO Sampler",
            category="StudioFlow/FIBO",
            description="Renders a caption with a loaded FIBO model. Cancel takes effect within one step.",
            search_aliases=["Bria", "render", "generate", "KSampler", "text to image", "FIBO"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader."),
                io.String.Input(
                    "caption",
                    multiline=True,
                    default="",
                    tooltip="FIBO's structured caption as JSON, from Compile Caption. FIBO 1.x takes nothing else.",
                ),
                io.String.Input(
                    "negative",
                    multiline=True,
                    default="",
                    tooltip="What to steer away from. Empty: the empty caption the model was trained with. Counts only "
                    "while cfg is above 1.",
                ),
                io.Int.Input("width", default=1024, min=16, max=4096, step=16, tooltip="Pixels, a multiple of 16."),
                io.Int.Input("height", default=1024, min=16, max=4096, step=16, tooltip="Pixels, a multiple of 16."),
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
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="Float pictures, sRGB-encoded, never rounded to 8 bits."),
                host.Provenance.Output(
                    display_name="provenance", tooltip="How the pictures were made, for Save Delivery."
                ),
            ],
        )

    @classmethod
    def execute(cls, fibo: Any, caption: str, negative: str, seed: int, count: int, **settings: Any) -> io.NodeOutput:
        images = sample(
            fibo,
            caption,
            negative=negative,
            seed=seed,
            count=count,
            on_step=host.Progress(count * settings["steps"]),
            **settings,
        )
        facts = provenance(fibo, seed=seed, count=count, **settings)
        return io.NodeOutput(images, facts, ui=host.notice(fibo.notice))
