"""Nodes of the look: materials, styles, colours, and what the picture must not show."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.studio.menus import NEGATIVE_MODES
from ..studioflow.studio.words import entries, menu
from . import host

_NONE = "none"


class Material(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        materials = list(entries("materials"))
        return host.schema(
            node_id="StudioFlowMaterial",
            display_name="Material",
            category="StudioFlow/Look",
            description="Makes a subject of a material: its texture, and how it takes light. A texture of its own "
            "gives way.",
            search_aliases=["texture", "metal", "fabric", "wood", "glass", "leather", "surface", "roughness"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=materials,
                    default="brushed_steel" if "brushed_steel" in materials else None,
                    tooltip="The material.",
                ),
                io.Int.Input("subject", default=1, min=1, max=200, tooltip="Which subject; 1 is the main one."),
                io.String.Input(
                    "color",
                    default="",
                    placeholder="#A7A9AC",
                    tooltip="Its colour, sRGB hex; empty leaves the subject's colour as it is.",
                ),
                io.Float.Input(
                    "roughness",
                    default=-1.0,
                    min=-1.0,
                    max=1.0,
                    step=0.05,
                    tooltip="0 is a mirror, 1 is matte. -1 takes the material's own. Of liquids and skin it changes no "
                    "word.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(
        cls, preset: str, subject: int, color: str, roughness: float, manifest: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..studioflow.edit.material import replaced_texture, set_material

        changes = {"roughness": roughness if roughness >= 0 else None, "color": color}
        shot = set_material(manifest, preset, subject=subject, **changes)
        lost = replaced_texture(manifest, subject)
        return io.NodeOutput(shot, ui=host.notice(f'texture of its own taken away: "{lost}"' if lost else ""))


class Style(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        styles = list(entries("styles"))
        return host.schema(
            node_id="StudioFlowStyle",
            display_name="Style",
            category="StudioFlow/Look",
            description="Gives the shot a look. A style sets only what it names, so several compose in order; what it "
            "changes is shown at the node.",
            search_aliases=["look", "film stock", "editorial", "e-commerce", "vintage", "preset", "mood"],
            inputs=[
                io.Combo.Input(
                    "style",
                    options=styles,
                    default="ecommerce_white" if "ecommerce_white" in styles else None,
                    tooltip="The look.",
                ),
                io.Boolean.Input(
                    "apply", default=True, tooltip="Off: only show what it would change; the shot goes on as it came."
                ),
                host.shot_to_change(),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot, changed where apply is on."),
                io.String.Output(display_name="changes", tooltip="What the style changes, one a line."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, style: str, apply: bool, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.edit.style import apply_style, style_changes
        from ..studioflow.edit.written import begun

        changes = style_changes(manifest, style)
        shot = apply_style(manifest, style) if apply else begun(manifest)
        return io.NodeOutput(shot, changes, ui=host.notice(changes))


class Palette(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowPalette",
            display_name="Palette",
            category="StudioFlow/Look",
            description="Sets the colours that carry the picture: from hex, a named palette, or a picture. Their names "
            "and their harmony go into the caption.",
            search_aliases=["colors", "color scheme", "hex", "extract colors", "harmony", "swatches"],
            inputs=[
                io.String.Input(
                    "colors",
                    default="",
                    placeholder="#3B2F2A #C9A27A",
                    tooltip="sRGB hex, most important first. Wins over the palette and the picture.",
                ),
                io.Combo.Input(
                    "palette",
                    options=[_NONE, *entries("palettes")],
                    default=_NONE,
                    tooltip="A named palette; used where colors is empty and no picture is connected.",
                ),
                io.Combo.Input(
                    "harmony",
                    options=[_NONE, *menu("palette_words", "offsets_deg"), *menu("palette_words", "lightness_steps")],
                    default=_NONE,
                    tooltip="Builds the palette on its first colour by this harmony; none leaves the colours as they "
                    "are.",
                ),
                io.Int.Input("count", default=5, min=1, max=16, tooltip="How many colours to take from a picture."),
                io.Image.Input(
                    "image", optional=True, tooltip="A picture whose colours are taken, the most frequent first."
                ),
                host.shot_to_change(),
            ],
            outputs=[
                host.changed_shot(),
                io.String.Output(display_name="hex", tooltip="The colours as hex."),
                io.String.Output(display_name="words", tooltip="What the caption says of them."),
                io.Image.Output(display_name="swatches", tooltip="The colours side by side."),
            ],
        )

    @classmethod
    def execute(
        cls,
        colors: str,
        palette: str,
        harmony: str,
        count: int,
        image: Any = None,
        manifest: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..studioflow.edit.palette import set_palette, swatches

        pixels = None if image is None else image.cpu().numpy()
        shot, hexes, words = set_palette(
            manifest,
            colors=colors,
            palette=None if palette == _NONE else palette,
            harmony=None if harmony == _NONE else harmony,
            pixels=pixels,
            count=count,
        )
        shown = host.image(swatches(hexes))
        return io.NodeOutput(shot, " ".join(hexes), words, shown, ui=host.preview(shown, words))


class Negative(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowNegative",
            display_name="Negative",
            category="StudioFlow/Look",
            description="Says what the picture must not show: nothing, what contradicts the shot, or that and your own "
            "words. It follows the shot, wherever the node stands.",
            search_aliases=["negative prompt", "avoid", "exclude", "unwanted", "no text", "clutter"],
            inputs=[
                io.Combo.Input(
                    "mode",
                    options=list(NEGATIVE_MODES),
                    default="auto" if "auto" in NEGATIVE_MODES else None,
                    tooltip="none: no negative. auto: what would contradict the shot. auto + mine: that and your "
                    "words.",
                ),
                io.String.Input(
                    "mine",
                    default="",
                    multiline=True,
                    placeholder="hands, reflections of the photographer",
                    tooltip="Your own words, or caption fields as JSON; used by auto + mine.",
                ),
                host.shot_to_change(),
            ],
            outputs=[
                host.changed_shot(),
                io.String.Output(display_name="negative", tooltip="The negative as FIBO 2 reads it."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, mode: str, mine: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.caption import compile_manifest
        from ..studioflow.edit.negative import set_negative

        shot = set_negative(manifest, mode, mine)
        negative = compile_manifest(shot, "fibo-2").negative
        return io.NodeOutput(shot, negative, ui=host.notice(negative))
