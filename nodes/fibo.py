"""Nodes that load FIBO through diffusers and say how it shall run."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.fibo.folders import find_model, find_models, state
from ..studioflow.fibo.menus import ATTENTION, DTYPES, QUANTIZATIONS
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
                    "first that is installed, FIBO 2 before FIBO 1.x and painters before editors, real weights before "
                    "stand-ins, and shows which one it is.",
                ),
                io.Combo.Input(
                    "dtype",
                    options=list(DTYPES),
                    default="auto",
                    tooltip="Number format of the weights. auto: bfloat16 on a GPU, float32 on a CPU.",
                ),
                io.Combo.Input(
                    "quantization",
                    options=list(QUANTIZATIONS),
                    default="none",
                    optional=True,
                    tooltip="Smaller weights for transformer and text encoder: int8 and fp8 take half of bfloat16, nf4 "
                    "about a quarter. Needs torchao, for nf4 bitsandbytes.",
                ),
            ],
            outputs=[host.Fibo.Output(display_name="fibo", tooltip="The model, for FIBO Sampler and FIBO Edit.")],
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
    def fingerprint_inputs(cls, model: str, dtype: str, quantization: str = "none") -> str:
        # A file that was replaced under the running server loads the model anew.
        found = find_model(model, host.model_folders())
        return f"{found.folder}:{state(found.folder)}:{dtype}:{quantization}"

    @classmethod
    def execute(cls, model: str, dtype: str, quantization: str = "none") -> io.NodeOutput:
        from ..studioflow.fibo.model import load_model

        found = find_model(model, host.model_folders())
        if quantization == "nf4":
            # bitsandbytes quantises on the device, before ComfyUI can make room for what it gets.
            host.make_room()
        with host.room_after_shortage():
            fibo = load_model(found, device=host.device(), dtype=dtype, quantization=quantization, memory=host.memory)
        return io.NodeOutput(fibo, ui=host.notice(f"{fibo.name}, {fibo.family.title}", fibo.notice))


class FiboLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboLora",
            display_name="FIBO LoRA",
            category="StudioFlow/FIBO",
            description="Puts a LoRA on a FIBO model. Several in a row add up; the loaded weights stay as they are.",
            search_aliases=["load LoRA", "adapter", "style LoRA", "turbo LoRA", "fine-tune"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader, or from another FIBO LoRA."),
                io.Combo.Input("lora", options=host.loras(), tooltip="A file in models/loras, layers as in diffusers."),
                io.Float.Input(
                    "strength", default=1.0, min=-4.0, max=4.0, step=0.05, tooltip="1 as it was trained; 0 is none."
                ),
            ],
            outputs=[host.Fibo.Output(display_name="fibo", tooltip="The model with the LoRA.")],
        )

    @classmethod
    def fingerprint_inputs(cls, fibo: Any = None, lora: str = "", strength: float = 1.0) -> str:
        about = host.find_lora(lora).stat()
        return f"{lora}:{about.st_size}:{about.st_mtime_ns}:{strength}"

    @classmethod
    def execute(cls, fibo: Any, lora: str, strength: float) -> io.NodeOutput:
        from dataclasses import replace

        from ..studioflow.fibo.lora import read_lora

        read = read_lora(lora, host.find_lora(lora), strength, fibo.family)
        return io.NodeOutput(replace(fibo, loras=(*fibo.loras, read)), ui=host.notice(fibo.notice))


class FiboSpeed(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboSpeed",
            display_name="FIBO Speed",
            category="StudioFlow/FIBO",
            description="How a FIBO model runs. step_cache and sage attention are approximate; everything else gives "
            "the same pictures, to rounding.",
            search_aliases=["TeaCache", "first block cache", "torch.compile", "attention", "faster", "optimize"],
            inputs=[
                host.Fibo.Input("fibo", tooltip="From FIBO Loader."),
                io.Boolean.Input(
                    "skip_padding",
                    default=True,
                    tooltip="FIBO 1.x with guidance: leave out the padding of the shorter prompt. Exact.",
                ),
                io.Float.Input(
                    "step_cache",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Approximate: skip a step while the first block changes by less than this. 0 is off. "
                    "Written into the provenance.",
                ),
                io.Boolean.Input(
                    "compile",
                    default=False,
                    tooltip="torch.compile of the repeated blocks: the first render takes longer, the next are faster.",
                ),
                io.Combo.Input(
                    "attention",
                    options=list(ATTENTION),
                    default="auto",
                    tooltip="What calculates attention. auto leaves it to diffusers; others may need a package. sage "
                    "is approximate.",
                ),
                io.Boolean.Input(
                    "channels_last",
                    default=False,
                    tooltip="The memory layout of the decoder's pictures; faster on some GPUs. Exact.",
                ),
            ],
            outputs=[host.Fibo.Output(display_name="fibo", tooltip="The model, set so.")],
        )

    @classmethod
    def execute(cls, fibo: Any, **settings: Any) -> io.NodeOutput:
        from dataclasses import replace

        from ..studioflow.fibo.speed import Speed, approximations, check

        speed = Speed(**settings)
        check(fibo.pipeline, speed)
        notices = [f"{name} is approximate: the pictures differ a little" for name in approximations(speed)]
        return io.NodeOutput(replace(fibo, speed=speed), ui=host.notice(*notices))
