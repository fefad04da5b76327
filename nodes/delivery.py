"""Nodes that write pictures to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..studioflow.color.menus import plain_of
from ..studioflow.color.spaces import plain_spaces
from ..studioflow.delivery.menus import DOCUMENTS, NO_SIDECARS, SAMPLES, preset_names
from ..studioflow.errors import Place
from ..studioflow.imaging.menus import EXR_COMPRESSIONS, EXR_LAYERS, EXR_TILES, NOT_FINITE, TIFF_COMPRESSIONS
from . import host, saving


def _presets() -> Path:
    return host.manifest_shelves()["user"].folder / "presets"


class SaveDelivery(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSaveDelivery",
            display_name="Save Delivery",
            category="StudioFlow/Delivery",
            description="Writes pictures with the manifest, the caption and the workflow inside, and manifest and "
            "caption beside them. All files of a delivery are written, or none.",
            search_aliases=["save image", "export", "EXR", "PNG", "TIFF", "JPEG", "AVIF", "WebP", "write", "output"],
            inputs=[
                saving.images_input(),
                host.Manifest.Input("manifest", tooltip="The shot they show; goes into every file."),
                io.Combo.Input(
                    "preset",
                    options=preset_names(_presets()),
                    default="PNG + EXR",
                    tooltip="The files to write; the help page lists them. Your own: JSON files in user/default/"
                    "studioflow/presets.",
                ),
                saving.prefix_input("StudioFlow/delivery"),
                saving.caption_input(),
                saving.provenance_input(),
                *saving.option_inputs(DOCUMENTS),
            ],
            outputs=[saving.files_output()],
            hidden=list(saving.HIDDEN),
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None = None) -> bool | str:
        # A name that cannot be written is told before the render and not after it. Only this input: ComfyUI would
        # tell the same fault once for every input named here.
        return saving.prefix_fault(filename_prefix)

    @classmethod
    def fingerprint_inputs(cls, preset: str = "", **_: Any) -> str:
        from ..studioflow.delivery.presets import state_of

        return state_of(preset, _presets())

    @classmethod
    def execute(cls, manifest: dict[str, Any], preset: str, **settings: Any) -> io.NodeOutput:
        from ..studioflow.delivery.presets import files_of

        specs = files_of(preset, manifest, _presets())
        return saving.save(cls, specs, manifest=manifest, preset=preset, **{"sidecars": DOCUMENTS, **settings})


class SaveExr(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSaveExr",
            display_name="Save EXR",
            category="StudioFlow/Delivery",
            description="Writes OpenEXR files for compositing: half or float, every compression, layers, camera and "
            "timecode in the header. Nothing is clamped.",
            search_aliases=["OpenEXR", "save image", "multilayer", "HDR", "ACEScg", "Nuke", "Resolve", "AOV", "linear"],
            inputs=[
                saving.images_input(),
                saving.prefix_input("StudioFlow/picture"),
                io.Combo.Input(
                    "color_space",
                    options=plain_of("linear"),
                    default="ACEScg",
                    tooltip="The space of the file. An EXR is scene-linear; a picture made for a display is decoded.",
                ),
                io.Combo.Input(
                    "sample",
                    options=["half", "float"],
                    default="half",
                    tooltip="half: 16 bits, enough for pictures. float: 32 bits, for depth and positions.",
                ),
                io.Combo.Input(
                    "compression",
                    options=list(EXR_COMPRESSIONS),
                    default="zip",
                    tooltip="none, rle, zips, zip, piz and htj2k are exact; pxr24 rounds floats to 24 bits; b44 and "
                    "dwa lose detail.",
                ),
                io.Float.Input(
                    "compression_level",
                    default=0.0,
                    min=0.0,
                    max=100000.0,
                    step=1.0,
                    tooltip="Of dwaa and dwab: higher is smaller and worse; 0 is the library's, 45.",
                ),
                io.Combo.Input(
                    "layers_as",
                    options=list(EXR_LAYERS),
                    default="one",
                    tooltip="one: all layers in one part, which every program reads. parts: a part for each. none: "
                    "the picture alone.",
                ),
                io.Combo.Input(
                    "tile",
                    options=list(EXR_TILES),
                    default="0",
                    tooltip="Side of a tile in pixels; 0 writes scanlines, which compositing wants.",
                ),
                io.Combo.Input(
                    "not_finite",
                    options=list(NOT_FINITE),
                    default="keep",
                    tooltip="What becomes of NaN and infinity; they are counted and told in any case.",
                ),
                io.Float.Input(
                    "frames_per_second",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.001,
                    tooltip="Goes into the header; 0 leaves it out. 23.976 and 29.97 are written as 24000/1001 and "
                    "30000/1001.",
                ),
                io.String.Input(
                    "timecode",
                    default="",
                    tooltip="Of the first frame: 10:00:00:00, or 10:00:00;00 where frame numbers are dropped; the "
                    "next frames count on. Needs frames_per_second.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot they show; fills the header with camera and rights."
                ),
                saving.caption_input(),
                saving.provenance_input(),
                *saving.option_inputs(NO_SIDECARS),
            ],
            outputs=[saving.files_output()],
            hidden=list(saving.HIDDEN),
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None = None) -> bool | str:
        return saving.prefix_fault(filename_prefix)

    @classmethod
    def execute(
        cls, sample: str, layers_as: str, tile: str, compression_level: float, color_space: str, compression: str,
        not_finite: str, **settings: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..studioflow.delivery.presets import entry_of, spec_of
        from ..studioflow.errors import require_choice

        require_choice("tile", tile, EXR_TILES)
        entry = entry_of(
            "exr", sample, color_space=color_space, compression=compression, layers=layers_as, tile=int(tile),
            compression_level=compression_level or None, not_finite=not_finite,
        )  # fmt: skip
        return saving.save(cls, [spec_of(entry, Place("Save EXR"))], **settings)


class SaveTiff(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSaveTiff",
            display_name="Save TIFF",
            category="StudioFlow/Delivery",
            description="Writes TIFF files for retouching and print, with an ICC profile, XMP for Adobe's programs, "
            "and layers as pages.",
            search_aliases=["save image", "Photoshop", "Lightroom", "16-bit", "Adobe RGB", "print", "retouch"],
            inputs=[
                saving.images_input(),
                saving.prefix_input("StudioFlow/picture"),
                io.Combo.Input(
                    "color_space",
                    options=list(plain_spaces()),
                    default="Adobe RGB",
                    tooltip="The space of the file; its profile is embedded.",
                ),
                io.Combo.Input(
                    "sample",
                    options=list(SAMPLES),
                    default="16-bit",
                    tooltip="8 and 16 bits are whole numbers from 0 to 1; half and float keep what lies outside.",
                ),
                io.Combo.Input(
                    "compression",
                    options=list(TIFF_COMPRESSIONS),
                    default="zip",
                    tooltip="All exact. Photoshop opens zip, lzw and none, but not zstd.",
                ),
                io.Float.Input(
                    "dpi",
                    default=300.0,
                    min=0.0,
                    max=100000.0,
                    step=1.0,
                    tooltip="Pixels an inch, for print; 0 leaves it out.",
                ),
                io.Combo.Input(
                    "layers_as",
                    options=["pages", "none"],
                    default="pages",
                    tooltip="Further layers as pages of the file, or left out.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot they show; fills the XMP with camera and rights."
                ),
                saving.caption_input(),
                saving.provenance_input(),
                *saving.option_inputs(NO_SIDECARS),
            ],
            outputs=[saving.files_output()],
            hidden=list(saving.HIDDEN),
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None = None) -> bool | str:
        return saving.prefix_fault(filename_prefix)

    @classmethod
    def execute(
        cls, sample: str, layers_as: str, color_space: str, compression: str, dpi: float, **settings: Any
    ) -> io.NodeOutput:
        from ..studioflow.delivery.presets import entry_of, spec_of

        entry = entry_of("tiff", sample, color_space=color_space, compression=compression, layers=layers_as, dpi=dpi)
        return saving.save(cls, [spec_of(entry, Place("Save TIFF"))], **settings)
