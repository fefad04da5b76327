"""Nodes that open files again: deliveries, and pictures of any other program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..studioflow.color.spaces import plain_spaces
from ..studioflow.errors import StudioFlowError
from ..studioflow.imaging.menus import AS_STORED, MAIN, SUFFIXES
from ..studioflow.shelf import Shelf, find_file, list_files
from . import host


def _shelves() -> dict[str, Shelf]:
    shelves = host.manifest_shelves()
    return {name: shelves[name]._replace(suffixes=SUFFIXES) for name in ("output", "input", "samples")}


def _find(file: str) -> Path:
    return find_file(file, _shelves(), "picture file", SUFFIXES)


def _fault(file: str | None) -> bool | str:
    try:
        if file is not None:
            _find(file)
    except StudioFlowError as error:
        return str(error)
    return True


def _state(file: str) -> str:
    """A file may be large; its place, size and time tell whether it changed."""
    path = _find(file)
    state = path.stat()
    return f"{path}:{state.st_size}:{state.st_mtime_ns}"


def _file() -> io.Input:
    return io.Combo.Input(
        "file",
        options=list_files(_shelves()),
        tooltip="An EXR, TIFF, PNG, WebP, AVIF or JPEG in output/StudioFlow, in ComfyUI's input folder or among "
        "the samples, of any program. Read again when the file changes.",
    )


class LoadDelivery(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowLoadDelivery",
            display_name="Load Delivery",
            category="StudioFlow/Delivery",
            description="Opens EXR, TIFF, 16-bit PNG, WebP, AVIF and JPEG with all their bits, one of their layers as "
            "a picture, and the manifest, caption and provenance inside.",
            search_aliases=["load EXR", "load TIFF", "open", "import", "16-bit", "multilayer", "read image"],
            inputs=[
                _file(),
                io.String.Input(
                    "layer",
                    default=MAIN,
                    tooltip="The layer to show: beauty is the picture itself. A wrong name tells which there are.",
                ),
                io.Combo.Input(
                    "space",
                    options=[AS_STORED, *plain_spaces()],
                    default=AS_STORED,
                    tooltip="The colour space of the image: as stored, or converted by OpenColorIO. Data such as depth "
                    "is never converted.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The layer, never clamped; without its alpha."),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="1 - alpha, as ComfyUI's masks are; of a layer of one channel, its values; else 0.",
                ),
                host.Manifest.Output(display_name="manifest", tooltip="The shot in the file."),
                io.String.Output(display_name="space", tooltip="The name of the image's colour space."),
                io.String.Output(display_name="caption", tooltip="The caption in the file; empty without one."),
                host.Provenance.Output(
                    display_name="provenance", tooltip="How it was made; empty where it does not say."
                ),
                host.Layers.Output(
                    display_name="layers", tooltip="The layers beside the picture as stored; for Save Delivery."
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        # Also stands in for ComfyUI's own menu check, which knows no file that came after the menu was drawn.
        return _fault(file)

    @classmethod
    def fingerprint_inputs(cls, file: str, **_: Any) -> str:
        return _state(file)

    @classmethod
    def execute(cls, file: str, layer: str, space: str) -> io.NodeOutput:
        import torch

        from ..studioflow.errors import require_choice
        from ..studioflow.imaging.loaded import load_delivery

        require_choice("space", space, [AS_STORED, *plain_spaces()])
        found = load_delivery(_find(file), layer, space)
        shot = host.blocked(str(found.manifest)) if isinstance(found.manifest, StudioFlowError) else found.manifest
        return io.NodeOutput(
            torch.from_numpy(found.image),
            torch.from_numpy(found.mask),
            shot,
            found.space,
            found.caption,
            found.provenance,
            found.others,
            ui=host.notice(*found.notes),
        )


class InspectFile(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowInspectFile",
            display_name="Inspect File",
            category="StudioFlow/Delivery",
            description="Says what a picture file holds: size, layers, bits, compression, colour space, the range of "
            "its values, camera and rights, and the documents inside.",
            search_aliases=["metadata", "info", "header", "EXIF", "exrheader", "histogram", "checksum"],
            inputs=[_file()],
            outputs=[io.String.Output(display_name="text", tooltip="What the file holds, one thing a line.")],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, file: str | None = None) -> bool | str:
        return _fault(file)

    @classmethod
    def fingerprint_inputs(cls, file: str) -> str:
        return _state(file)

    @classmethod
    def execute(cls, file: str) -> io.NodeOutput:
        from ..studioflow.imaging.inspect import report

        text = report(_find(file))
        return io.NodeOutput(text, ui=host.notice(text))
