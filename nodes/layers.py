"""The node that collects layers for the nodes that write files."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.color.spaces import DATA, plain_spaces
from . import host


class Layers(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowLayers",
            display_name="Layers",
            category="StudioFlow/Delivery",
            description="Adds a picture or a mask as a layer by name: depth, masks, control maps, alternates. Chain "
            "several; Save EXR and Save Delivery write them into one file.",
            search_aliases=["AOV", "passes", "multilayer EXR", "depth layer", "multi-part", "channels", "collect"],
            inputs=[
                io.String.Input(
                    "name",
                    default="depth",
                    tooltip="The layer's name in the file: letters, digits, - and _. Known to other programs: depth, "
                    "mask, alpha, matte, normal.",
                ),
                io.Combo.Input(
                    "space",
                    options=[*plain_spaces(), DATA],
                    default="sRGB",
                    tooltip="The colour space of the image. data: numbers that are no colours, such as depth; they "
                    "are never converted. A mask is always data.",
                ),
                io.Image.Input("image", optional=True, tooltip="The layer as a picture. Image or mask, not both."),
                io.Mask.Input("mask", optional=True, tooltip="The layer as a mask, one channel."),
                host.Layers.Input("layers", optional=True, tooltip="Layers of another Layers node, which come first."),
            ],
            outputs=[host.Layers.Output(display_name="layers", tooltip="The layers so far, with this one last.")],
        )

    @classmethod
    def execute(cls, name: str, space: str, image: Any = None, mask: Any = None, layers: Any = ()) -> io.NodeOutput:
        from ..studioflow.delivery.layers import with_layer

        return io.NodeOutput(
            with_layer(
                layers or (),
                name,
                image=None if image is None else image.float().cpu().numpy(),
                mask=None if mask is None else mask.float().cpu().numpy(),
                space=space,
            )
        )
