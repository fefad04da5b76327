"""Nodes of colour: from space to space, from light to a display and back, and light from several exposures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from ..studioflow.color import menus
from . import host, host_files

_LOOKS_DARK = "A linear picture looks dark in ComfyUI's previews; Save EXR and Save Delivery write it as it is."


def _config() -> io.Input:
    return io.Combo.Input(
        "config",
        options=host_files.configs(),
        default=host_files.configs()[0],
        tooltip="Where spaces, displays and views come from: auto is the OCIO variable, and ACES 2.0 without it. ACES "
        "2.0 and 1.3 are built in. Your own .ocio or .ocioz files lie in the input folder or in user/default/"
        "studioflow.",
    )


def _provenance() -> io.Input:
    return host.Provenance.Input(
        "provenance", optional=True, tooltip="What is known of the picture so far; goes along with what is added here."
    )


def _said() -> io.Output:
    return host.Provenance.Output(
        display_name="provenance", tooltip="Provenance with a sentence on how the values came to be; for Save Delivery."
    )


def _done(pixels: Any, provenance: Mapping[str, Any] | None, sentence: str, **shown: Any) -> io.NodeOutput:
    import torch

    from ..studioflow.color.origin import with_origin

    return io.NodeOutput(torch.from_numpy(pixels), with_origin(provenance, sentence), **shown)


class ColorTransform(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowColorTransform",
            display_name="Colour Transform",
            category="StudioFlow/Delivery",
            description="Converts a picture from one colour space to another by OpenColorIO. Nothing is clamped. "
            "Save Delivery and Save EXR convert by themselves.",
            search_aliases=["color space", "OCIO", "OpenColorIO", "ACES", "ACEScg", "linear", "sRGB", "gamut"],
            inputs=[
                io.Image.Input("image", tooltip="The picture; an alpha channel stays as it is."),
                io.Combo.Input(
                    "source",
                    options=menus.spaces(),
                    default="sRGB",
                    tooltip="The space of its values. ComfyUI's pictures are sRGB.",
                ),
                io.Combo.Input(
                    "target",
                    options=menus.spaces(),
                    default="ACEScg",
                    tooltip=f"The space that it is to be in. {_LOOKS_DARK}",
                ),
                _config(),
                io.String.Input(
                    "other_source",
                    default="",
                    tooltip="With Other as source: a space, an alias or a role of the config.",
                ),
                io.String.Input(
                    "other_target",
                    default="",
                    tooltip="With Other as target: a space, an alias or a role of the config.",
                ),
                _provenance(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip=f"The picture in the target space. {_LOOKS_DARK}"),
                _said(),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, config: str, **_: Any) -> str:
        return host_files.config_state(config)

    @classmethod
    def execute(
        cls, image: Any, source: str, target: str, config: str, other_source: str = "", other_target: str = "",
        provenance: dict[str, Any] | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..studioflow.color.convert import conversion_sentence, convert

        begin = menus.chosen_space(source, other_source, "other_source")
        end = menus.chosen_space(target, other_target, "other_target")
        path = host_files.find_config(config)
        converted = convert(image.cpu().numpy(), begin, end, path)
        return _done(converted, provenance, conversion_sentence(begin, end, path))


class ToneMap(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowToneMap",
            display_name="Tone Map",
            category="StudioFlow/Delivery",
            description="Makes a scene-linear picture fit to be looked at: ACES, AgX, Hable, Reinhard, or any view of "
            "the config.",
            search_aliases=["tonemap", "view transform", "ACES", "AgX", "filmic", "Reinhard", "exposure", "HDR to SDR"],
            inputs=[
                io.Image.Input("image", tooltip="A scene-linear picture, for example of Load Delivery."),
                io.Combo.Input(
                    "source", options=menus.light_spaces(), default="ACEScg", tooltip="The space of its values."
                ),
                io.Combo.Input(
                    "operator",
                    options=list(menus.OPERATORS),
                    default="aces_2_0",
                    tooltip="How light becomes a picture. none: exposure and gamma only. agx: the view of that name, "
                    "where the config has it. view: the display and the view named below.",
                ),
                io.Float.Input(
                    "exposure_ev", default=0.0, min=-20.0, max=20.0, step=0.1, tooltip="Stops brighter or darker."
                ),
                io.Float.Input(
                    "white",
                    default=4.0,
                    min=0.1,
                    max=10000.0,
                    step=0.1,
                    tooltip="The luminance that becomes white; reinhard_extended only.",
                ),
                io.Float.Input(
                    "gamma",
                    default=1.0,
                    min=0.1,
                    max=10.0,
                    step=0.05,
                    tooltip="Applied last, to the display's values: above 1 the middle becomes brighter.",
                ),
                io.Combo.Input(
                    "target",
                    options=menus.plain_of("display", "hdr"),
                    default="sRGB",
                    tooltip="The display's space. Not used where a display is named, and by the operator view.",
                ),
                _config(),
                io.String.Input(
                    "display",
                    default="",
                    tooltip="For view and agx: a display of the config; empty takes its default (view), or the one "
                    "for the target (agx).",
                ),
                io.String.Input(
                    "view", default="", tooltip="For view: a view of that display; empty takes its default."
                ),
                _provenance(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The picture for the display; values are not clamped."),
                _said(),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, config: str, **_: Any) -> str:
        return host_files.config_state(config)

    @classmethod
    def execute(
        cls, image: Any, operator: str, config: str, provenance: dict[str, Any] | None = None, **settings: Any
    ) -> io.NodeOutput:
        from ..studioflow.color.tone import tone_map, tone_sentence

        settings["config"] = host_files.find_config(config)
        shown = tone_map(image.cpu().numpy(), operator, **settings)
        return _done(shown, provenance, tone_sentence(operator, **settings))


class RangeExpansion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowRangeExpansion",
            display_name="Range Expansion",
            category="StudioFlow/Delivery",
            description="Estimates scene-linear light from a picture made for a display, with highlights above 1. The "
            "added range is an estimate, not captured light, and the provenance says so.",
            search_aliases=["inverse tone mapping", "SDR to HDR", "highlights", "inverse view transform", "EXR", "HDR"],
            inputs=[
                io.Image.Input("image", tooltip="A picture made for a display, as FIBO and VAE Decode give it."),
                io.Combo.Input(
                    "source", options=menus.plain_of("display"), default="sRGB", tooltip="The space of its values."
                ),
                io.Combo.Input(
                    "method",
                    options=list(menus.METHODS),
                    default="highlights",
                    tooltip="highlights: linearises and raises what is above the knee. The others take the picture "
                    "back through an ACES view, so that the same view shows it again.",
                ),
                io.Float.Input(
                    "peak_stops",
                    default=menus.DEFAULT_PEAK_STOPS,
                    min=0.0,
                    max=menus.MOST_STOPS,
                    step=0.1,
                    tooltip="Stops above 1 that white is raised to; 0 linearises only. For highlights; the peak of the "
                    "others follows from the view.",
                ),
                io.Float.Input(
                    "knee",
                    default=menus.DEFAULT_KNEE,
                    min=0.0,
                    max=0.99,
                    step=0.01,
                    tooltip="Where raising begins, in linear light: 0.7 is 0.85 in sRGB. Darker values stay. For "
                    "highlights.",
                ),
                io.Combo.Input(
                    "target", options=menus.plain_of("linear"), default="ACEScg", tooltip=f"The space. {_LOOKS_DARK}"
                ),
                _config(),
                _provenance(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip=f"The picture as scene-linear light. {_LOOKS_DARK}"),
                _said(),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, config: str, **_: Any) -> str:
        return host_files.config_state(config)

    @classmethod
    def execute(
        cls, image: Any, method: str, config: str, provenance: dict[str, Any] | None = None, **settings: Any
    ) -> io.NodeOutput:
        from ..studioflow.color.expand import expand

        pixels, origin = expand(image.cpu().numpy(), method, config=host_files.find_config(config), **settings)
        return _done(pixels, provenance, origin, ui=host.notice(origin))


class MergeExposures(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowMergeExposures",
            display_name="Merge Exposures",
            category="StudioFlow/Delivery",
            description="Merges pictures of one shot, exposed differently, to one scene-linear picture with the range "
            "of all of them.",
            search_aliases=["bracketing", "HDR merge", "exposure fusion", "AEB", "radiance map", "Debevec"],
            inputs=[
                io.Image.Input("images", tooltip="The pictures in one batch; they must lie on each other."),
                io.String.Input(
                    "exposures",
                    default="-2, 0, 2",
                    tooltip="How each was exposed, in stops, in the order of the batch: 2 received four times the "
                    "light of 0. The result is as bright as 0.",
                ),
                io.Combo.Input(
                    "source",
                    options=menus.plain_of("display", "linear"),
                    default="sRGB",
                    tooltip="The space of their values; 1 counts as saturated.",
                ),
                io.Combo.Input(
                    "target", options=menus.plain_of("linear"), default="ACEScg", tooltip=f"The space. {_LOOKS_DARK}"
                ),
                _provenance(),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip=f"One picture of scene-linear light. {_LOOKS_DARK}"),
                _said(),
            ],
        )

    @classmethod
    def execute(
        cls, images: Any, exposures: str, source: str, target: str, provenance: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..studioflow.color.exposures import merge, parse_exposures

        pixels, origin = merge(images.cpu().numpy(), parse_exposures(exposures), source=source, target=target)
        return _done(pixels[None], provenance, origin, ui=host.notice(origin))
