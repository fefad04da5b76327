"""Nodes that change a manifest. Each takes one and gives a new one; the last writer of a caption field wins."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.edit import SECTION_ACTIONS
from . import host

_SHOT = "The shot."


class Scene(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        def text(name: str, tooltip: str, example: str, *, multiline: bool = False) -> io.String.Input:
            return io.String.Input(name, multiline=multiline, default="", placeholder=example, tooltip=tooltip)

        return host.schema(
            node_id="StudioFlowScene",
            display_name="Scene",
            category="StudioFlow/Edit",
            description="Writes what is in the picture, from widgets. Empty widgets leave the shot as it is; without a "
            "shot a new one begins.",
            search_aliases=["subject", "describe", "new manifest", "background", "mood", "palette"],
            inputs=[
                text(
                    "description",
                    "The whole picture in one or two sentences.",
                    "A stoneware cup on an oak table.",
                    multiline=True,
                ),
                text(
                    "subjects",
                    "The things and people, one a line, the main one first. Other fields after semicolons: espresso "
                    "cup; material: stoneware; color: #3B3A38; count: 2.",
                    "espresso cup; material: stoneware; color: #3B3A38",
                    multiline=True,
                ),
                text("background", "What is behind and around.", "a plain warm grey wall", multiline=True),
                text(
                    "text",
                    "Text that must be readable, one a line, exactly as it reads. Other fields after semicolons: "
                    "NORDLICHT; location: on the lid; color: black.",
                    "NORDLICHT; location: engraved on the lid",
                    multiline=True,
                ),
                text("mood", "The mood or atmosphere.", "calm"),
                text("composition", "How the picture is laid out.", "rule of thirds"),
                text("palette", "The colours that carry the picture, sRGB hex.", "#3B2F2A #C9A27A"),
                text("medium", "The medium; a photograph where nothing is said.", "photograph"),
                text("artistic", "The style, three words at most; realistic where nothing is said.", "realistic"),
                text("context", "What the picture is for.", "the hero image of a shop"),
                host.Manifest.Input("manifest", optional=True, tooltip="The shot to change; a new one where absent."),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any] | None = None, **texts: str) -> io.NodeOutput:
        from ..studioflow.edit.scene import set_scene

        return io.NodeOutput(set_scene(manifest, **texts))


class SetField(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSetField",
            display_name="Set Field",
            category="StudioFlow/Edit",
            description="Sets one field of the shot. Only the caption fields that this field decides change.",
            search_aliases=["change value", "edit manifest", "override", "json path", "tweak"],
            inputs=[
                host.Manifest.Input("manifest", tooltip=_SHOT),
                io.String.Input(
                    "path",
                    default="camera.orbit.elevation_deg",
                    tooltip="Where: camera.lens.aperture, scene.subjects[0].color, or /camera/lens/aperture.",
                ),
                io.String.Input(
                    "value",
                    default="20",
                    tooltip="What: a number, a text, true or false, or JSON. Text needs no quotes.",
                ),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], path: str, value: str) -> io.NodeOutput:
        from ..studioflow.edit.field import set_field, value_from_text

        return io.NodeOutput(set_field(manifest, path, value_from_text(path, value)))


class PatchManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowPatchManifest",
            display_name="Patch Manifest",
            category="StudioFlow/Edit",
            description="Applies a JSON Patch (RFC 6902, a list) or a merge patch (RFC 7386, an object) to the shot, "
            "whole or not at all.",
            search_aliases=["json patch", "merge patch", "RFC 6902", "apply diff", "change"],
            inputs=[
                host.Manifest.Input("manifest", tooltip=_SHOT),
                io.String.Input(
                    "patch",
                    multiline=True,
                    default='{"camera": {"lens": {"aperture": 8}}}',
                    tooltip="A list of operations, or an object that is laid over the shot and in which null removes.",
                ),
                io.Boolean.Input(
                    "last_writer_wins",
                    default=True,
                    tooltip="On: raw caption fields give way where the patch writes what decides them. Off: exactly "
                    "what the patch says, as for a patch from Diff Manifests.",
                ),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], patch: str, last_writer_wins: bool) -> io.NodeOutput:
        from ..studioflow.edit.patch import parse_patch
        from ..studioflow.edit.patch import patch as apply

        return io.NodeOutput(apply(manifest, parse_patch(patch), last_writer_wins=last_writer_wins))


class OverlayManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowOverlayManifest",
            display_name="Overlay Manifest",
            category="StudioFlow/Edit",
            description="Lays one shot on another: what the upper one says wins, all else stays.",
            search_aliases=["merge manifests", "combine", "blend", "layer", "look"],
            inputs=[
                host.Manifest.Input("base", tooltip="The shot below."),
                host.Manifest.Input("top", tooltip="The shot above; lists in it replace lists of the base whole."),
            ],
            outputs=[host.Manifest.Output(display_name="manifest", tooltip="Both together.")],
        )

    @classmethod
    def execute(cls, base: dict[str, Any], top: dict[str, Any]) -> io.NodeOutput:
        from ..studioflow.edit.overlay import overlay

        return io.NodeOutput(overlay(base, top))


class ManifestSections(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowManifestSections",
            display_name="Manifest Sections",
            category="StudioFlow/Edit",
            description="Takes some sections out of a shot, for example its light for another one, or drops them.",
            search_aliases=["split manifest", "pick", "remove section", "camera only", "lighting only"],
            inputs=[
                host.Manifest.Input("manifest", tooltip=_SHOT),
                io.Combo.Input(
                    "action",
                    options=list(SECTION_ACTIONS),
                    default=SECTION_ACTIONS[0],
                    tooltip="take: only these sections are left. drop: all but these.",
                ),
                io.String.Input(
                    "sections",
                    default="camera, lighting",
                    tooltip="Names with commas: scene, camera, lighting, materials, guidance, render, export, caption, "
                    "meta, extensions.",
                ),
            ],
            outputs=[
                host.Manifest.Output(
                    display_name="manifest", tooltip="The rest; with an empty scene where it has no other."
                )
            ],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], action: str, sections: str) -> io.NodeOutput:
        from ..studioflow.edit.sections import sections as take_or_drop

        return io.NodeOutput(take_or_drop(manifest, action, sections.replace(",", " ").split()))


class VaryManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowVaryManifest",
            display_name="Vary Manifest",
            category="StudioFlow/Edit",
            description="Draws numbers and names of the shot within ranges, for one variation or many. The same seed "
            "gives the same shots on every machine.",
            search_aliases=["random", "variations", "batch", "jitter", "explore", "wildcard"],
            inputs=[
                host.Manifest.Input("manifest", tooltip=_SHOT),
                io.String.Input(
                    "ranges",
                    multiline=True,
                    default="camera.orbit.azimuth_deg = -30 .. 30\ncamera.lens.aperture = 2.8 | 5.6 | 11",
                    tooltip="One a line: path = low .. high, path = low .. high step s, path = ± amount or ± p % of "
                    "the present number, path = this | that.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**53 - 1,
                    control_after_generate=True,
                    tooltip="Seed of the variation, not of the render.",
                ),
                io.Int.Input("count", default=1, min=1, max=64, tooltip="Variations, each with the next seed."),
            ],
            outputs=[
                host.Manifest.Output(
                    display_name="manifest", is_output_list=True, tooltip="The varied shots, rendered one by one."
                )
            ],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], ranges: str, seed: int, count: int) -> io.NodeOutput:
        from ..studioflow.edit.vary import parse_ranges, vary

        wanted = parse_ranges(ranges)
        return io.NodeOutput([vary(manifest, wanted, seed + step) for step in range(count)])


class FillPlaceholders(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowFillPlaceholders",
            display_name="Fill Placeholders",
            category="StudioFlow/Edit",
            description="Fills {placeholders} in the texts of the shot.",
            search_aliases=["template", "variables", "substitute", "SKU", "mail merge"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot with {placeholders} in its texts."),
                io.String.Input(
                    "values",
                    multiline=True,
                    default="",
                    tooltip="One a line: product = hand grinder. Or a JSON object.",
                ),
            ],
            outputs=[host.Manifest.Output(display_name="manifest", tooltip="The shot with the values in place.")],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any], values: str) -> io.NodeOutput:
        from ..studioflow.edit.written import finished
        from ..studioflow.manifest import fill, parse_values

        return io.NodeOutput(finished(fill(manifest, parse_values(values))))
