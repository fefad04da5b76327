"""The node that makes LoRA files of FIBO 2 fit for ComfyUI's own FIBO 2."""

from __future__ import annotations

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from . import host


class ConvertFiboLora(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowConvertFiboLora",
            display_name="Convert FIBO LoRA",
            category="StudioFlow/FIBO",
            description="Writes a FIBO 2 LoRA that was trained with diffusers in the layout of ComfyUI's own FIBO 2, "
            "which otherwise says 'lora key not loaded'.",
            search_aliases=["Bria", "LoRA", "diffusers LoRA", "lora key not loaded", "PEFT", "convert"],
            inputs=[
                io.Combo.Input(
                    "lora", options=host.loras(), tooltip="A LoRA of FIBO 2 in diffusers layout, in models/loras."
                ),
                io.String.Input(
                    "name",
                    default="",
                    tooltip="Name of the new file in models/loras; subfolders with /. Empty: the name of the LoRA with "
                    "_comfyui behind it, beside it.",
                ),
            ],
            outputs=[
                io.String.Output(
                    display_name="lora", tooltip="The new file as the menu of LoraLoaderModelOnly names it."
                )
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, lora: str | None = None, name: str | None = None) -> bool | str:
        from ..studioflow.fibo.lora_convert import converted_name

        try:
            if lora is not None:
                host.find_lora(lora)
                converted_name(lora, name or "")
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, lora: str, name: str) -> str:
        stat = host.find_lora(lora).stat()
        return f"{lora}:{name}:{stat.st_size}:{stat.st_mtime_ns}"

    @classmethod
    def execute(cls, lora: str, name: str) -> io.NodeOutput:
        from ..studioflow.fibo.lora_convert import convert_file, converted_name

        file = converted_name(lora, name)
        done = convert_file(host.find_lora(lora), host.lora_folder() / file)
        said = f"{done.layers} layers as {done.native_layers} of ComfyUI's"
        return io.NodeOutput(file, ui=host.notice(file, said, "" if done.written else "was there already"))
