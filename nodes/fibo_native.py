"""Nodes in front of ComfyUI's own FIBO 2 nodes: the size to paint, and the mask painted into the picture."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.families import DIALECTS
from ..studioflow.sizes import CUSTOM, FROM_IMAGE, trained_ratios
from . import host


class FiboSize(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFiboSize",
            display_name="FIBO Size",
            category="StudioFlow/FIBO",
            description="Width and height for an aspect ratio: the size FIBO was trained at where there is one, else "
            "the same area. The same as a manifest's aspect_ratio and megapixels give.",
            search_aliases=["aspect ratio", "resolution", "megapixels", "width height", "bucket", "TextEncodeFibo2"],
            inputs=[
                io.Combo.Input(
                    "aspect_ratio",
                    options=[FROM_IMAGE, CUSTOM, *trained_ratios()],
                    default="1:1",
                    tooltip="Width to height. image: that of the connected image. custom: custom_ratio. 7:3 is 21:9, "
                    "8:5 is 16:10.",
                ),
                io.Float.Input(
                    "megapixels",
                    default=1.0,
                    min=0.25,
                    max=4.0,
                    step=0.05,
                    tooltip="Area, in units of 1024 × 1024 pixels. FIBO was trained at 1; above it subjects repeat.",
                ),
                io.Combo.Input(
                    "dialect",
                    options=list(DIALECTS),
                    default=DIALECTS[0],
                    tooltip="The generation of FIBO: FIBO 1 and FIBO 2 were trained at other sizes.",
                ),
                io.String.Input(
                    "custom_ratio",
                    default="21:9",
                    tooltip="width:height in whole numbers. Counts only where aspect_ratio is custom.",
                ),
                io.Image.Input(
                    "image",
                    optional=True,
                    tooltip="The picture whose ratio is taken. Counts only where aspect_ratio is image.",
                ),
            ],
            outputs=[
                io.Int.Output(display_name="width", tooltip="Pixels, a multiple of 16."),
                io.Int.Output(display_name="height", tooltip="Pixels, a multiple of 16."),
            ],
        )

    @classmethod
    def execute(
        cls, aspect_ratio: str, megapixels: float, dialect: str, custom_ratio: str, image: Any = None
    ) -> io.NodeOutput:
        from ..studioflow.sizes import chosen_ratio, picture_size, size_notice

        shown = None if image is None else (image.shape[2], image.shape[1])
        ratio = chosen_ratio(aspect_ratio, custom_ratio, shown)
        width, height = picture_size(ratio, megapixels, dialect, where="aspect_ratio")
        return io.NodeOutput(width, height, ui=host.notice(f"{width} × {height}", size_notice(width, height, dialect)))


class MaskToFibo(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowMaskToFibo",
            display_name="Mask To FIBO",
            category="StudioFlow/FIBO",
            description="Paints the masked region flat grey into the picture. That is how FIBO 2 is told what to "
            "paint anew: it has no input for a mask.",
            search_aliases=["inpaint", "mask", "grey out", "gray out", "outpaint", "TextEncodeFibo2"],
            inputs=[
                io.Image.Input("image", tooltip="The picture to edit, at its own size, before any resize."),
                io.Mask.Input(
                    "mask",
                    tooltip="What FIBO shall paint anew, of the same size as the image: masked is 128 of 255 and "
                    "above. One for all images, or one for each.",
                ),
                io.Boolean.Input("invert", default=False, tooltip="Paint anew what the mask leaves out."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="masked_image", tooltip="The image with the region grey, for TextEncodeFibo2."
                )
            ],
        )

    @classmethod
    def execute(cls, image: Any, mask: Any, invert: bool) -> io.NodeOutput:
        from ..studioflow.fibo.mask import grey_out, mask_notice

        return io.NodeOutput(grey_out(image, mask, invert=invert), ui=host.notice(mask_notice(mask, invert=invert)))
