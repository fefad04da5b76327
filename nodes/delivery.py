"""Nodes that write files."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.imaging.delivery import Documents, deliver, presets
from ..studioflow.manifest import content_id
from . import host


class SaveDelivery(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSaveDelivery",
            display_name="Save Delivery",
            category="StudioFlow/Delivery",
            description="Writes pictures with the manifest, the caption and the workflow inside, and manifest and "
            "caption beside them. All files of a delivery are written, or none.",
            search_aliases=["save image", "export", "EXR", "PNG", "write", "output"],
            inputs=[
                io.Image.Input("images", tooltip="Pictures, sRGB-encoded."),
                host.Manifest.Input("manifest", tooltip="The shot they show; goes into every file."),
                io.Combo.Input(
                    "preset",
                    options=list(presets()),
                    default="PNG + EXR",
                    tooltip="The files to write. PNG: 8-bit sRGB. EXR: half float, linear Rec. 709; linearised, not "
                    "HDR, and the file says so.",
                ),
                io.String.Input(
                    "filename_prefix",
                    default="StudioFlow/delivery",
                    tooltip="Folder and name inside ComfyUI's output folder; a number is appended. %year%, %month%, "
                    "%day%, %hour%, %minute%, %second%, %width% and %height% are filled in.",
                ),
                io.String.Input(
                    "caption", optional=True, force_input=True, tooltip="The caption that was rendered; goes along."
                ),
                host.Provenance.Input("provenance", optional=True, tooltip="From FIBO Sampler; goes along."),
            ],
            outputs=[],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None = None) -> bool | str:
        # A name that cannot be written is told before the render and not after it. Only this input: ComfyUI would
        # tell the same fault once for every input named here.
        return host.prefix_fault(filename_prefix)

    @classmethod
    def execute(
        cls,
        images: Any,
        manifest: dict[str, Any],
        preset: str,
        filename_prefix: str,
        caption: str = "",
        provenance: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        height, width = images.shape[1:3]
        folder, stem, first, subfolder = host.save_location(filename_prefix, width, height)
        # Only these two of what came with the prompt: other names could stand for attributes of the file itself.
        workflow = {"prompt": cls.hidden.prompt, "workflow": (cls.hidden.extra_pnginfo or {}).get("workflow")}
        documents = Documents(
            manifest=manifest,
            caption=caption or "",
            provenance={"manifest_id": content_id(manifest), **(provenance or {})},
            workflow={name: value for name, value in workflow.items() if value and host.metadata_enabled()},
        )
        files = deliver(
            [image.cpu().numpy() for image in images],
            documents,
            folder=folder,
            stem=stem,
            first=first,
            preset=preset,
        )
        saved = [{"filename": file.name, "subfolder": subfolder, "type": "output"} for file in files]
        shown = [entry for entry in saved if entry["filename"].endswith(".png")]
        # Said here too: where the sampler's result comes from ComfyUI's cache, the sampler itself says nothing.
        notice = host.notice((provenance or {}).get("notice", ""))
        return io.NodeOutput(ui={"images": shown, "studioflow_files": saved, **notice})
