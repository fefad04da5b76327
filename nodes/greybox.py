"""Nodes of the greybox: what stands for the subjects, what stands behind them, and the render of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.greybox import menus
from . import host, host_files

if TYPE_CHECKING:
    from ..studioflow.greybox.greybox import Greybox as Rendered

_AS_IT_IS, _NONE = "as it is", "none"
_LOOKS_DARK = "It looks dark in ComfyUI's previews."


class StandIn(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowStandIn",
            display_name="Stand-In",
            category="StudioFlow/Greybox",
            description="Says how a subject stands in a greybox: a shape or a 3D file, its size and its place. What is "
            "left empty stays as it is.",
            search_aliases=["proxy", "primitive", "blockout", "3D model", "GLB", "OBJ", "mesh", "size", "position"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot with the subject."),
                io.Int.Input("subject", default=1, min=1, max=200, tooltip="Which subject; 1 is the main one."),
                io.Combo.Input(
                    "stand_in",
                    options=[_AS_IT_IS, *menus.stand_ins()],
                    default=_AS_IT_IS,
                    tooltip="The shape that stands for it. as it is: what the shot says; where it says nothing, the "
                    "words of the subject choose. A shape takes the place of a mesh that the subject had.",
                ),
                io.Combo.Input(
                    "mesh",
                    options=[_NONE, *host_files.menu("mesh")],
                    default=_NONE,
                    tooltip="A 3D file of ComfyUI's input folder, shown in place of the shape: GLB, glTF, OBJ, PLY or "
                    "STL. none leaves it as it is.",
                ),
                io.Combo.Input(
                    "picture",
                    options=[_NONE, *host_files.menu("picture")],
                    default=_NONE,
                    tooltip="A picture of ComfyUI's input folder, shown on a card, or on the screen of a phone, laptop "
                    "or monitor. none leaves it as it is.",
                ),
                io.String.Input(
                    "size_m",
                    default="",
                    placeholder="0.08, 0.2, 0.08",
                    tooltip="Width, height and depth in metres. Empty leaves them as they are.",
                ),
                io.String.Input(
                    "position_m",
                    default="",
                    placeholder="0.3, 0, -0.2",
                    tooltip="Where it stands, in metres: x to the right, y up, z towards the viewer. Empty leaves it "
                    "where it is.",
                ),
                io.String.Input(
                    "facing_deg",
                    default="",
                    placeholder="30",
                    tooltip="Where it faces, in degrees: 0 to the front, 90 to the right. Empty leaves it as it is.",
                ),
                io.Int.Input(
                    "count", default=0, min=0, max=1000, tooltip="How many of them. 0 leaves the number as it is."
                ),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def validate_inputs(cls, mesh: str | None = None, picture: str | None = None) -> bool | str:
        # Also stands in for ComfyUI's own menu check, which knows no file that came after the menu was drawn.
        try:
            for kind, name in _named(mesh, picture):
                host_files.find(kind, name)
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, mesh: str | None = None, picture: str | None = None, **_: Any) -> str:
        return " ".join(host_files.state(kind, name) for kind, name in _named(mesh, picture))

    @classmethod
    def execute(cls, manifest: dict[str, Any], stand_in: str, mesh: str, picture: str, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.stand_in import set_stand_in

        files = dict(_named(mesh, picture))
        shape = "" if stand_in == _AS_IT_IS else stand_in
        return io.NodeOutput(set_stand_in(manifest, stand_in=shape, **files, **widgets))


def _named(mesh: str | None, picture: str | None) -> list[tuple[str, str]]:
    """The kind and the name of the files that these menus name."""
    return [(kind, name) for kind, name in (("mesh", mesh), ("picture", picture)) if name not in (None, _NONE)]


class Backdrop(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowBackdrop",
            display_name="Backdrop",
            category="StudioFlow/Greybox",
            description="Says what a greybox shows behind and below the subjects. What is left empty stays as it is.",
            search_aliases=["background", "cyclorama", "seamless paper", "infinity cove", "sweep", "wall", "table"],
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=[_AS_IT_IS, *menus.BACKDROPS],
                    default="sweep",
                    tooltip="sweep: paper that curves from the floor up the wall. wall: a floor and a wall. table: a "
                    "table top. ground: flat ground to the horizon. environment: the panorama that lights the shot. "
                    "none: nothing. as it is: what the shot says; where it says nothing, its words choose.",
                ),
                io.Float.Input(
                    "distance_m",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    tooltip="How far the wall stands behind the main subject, in metres. 0 leaves it as it is.",
                ),
                io.String.Input(
                    "color",
                    default="",
                    placeholder="#D8D4CC",
                    tooltip="Its colour, sRGB hex; empty leaves it as it is.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, kind: str, distance_m: float, color: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.edit.backdrop import set_backdrop

        kind = "" if kind == _AS_IT_IS else kind
        return io.NodeOutput(set_backdrop(manifest, kind=kind, distance_m=distance_m, color=color))


class Greybox(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowGreybox",
            display_name="Greybox",
            category="StudioFlow/Greybox",
            description="Renders the shot with simple shapes for its subjects: its own camera, lens, focus and light, "
            "by Mitsuba. Gives a picture, scene-linear light, depth, normals, lines and masks.",
            search_aliases=[
                "blockout",
                "previz",
                "depth map",
                "normal map",
                "ControlNet",
                "Mitsuba",
                "path tracing",
                "lighting preview",
                "3D render",
                "mask",
            ],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot."),
                io.Combo.Input(
                    "quality",
                    options=list(menus.QUALITIES),
                    default="draft",
                    tooltip="How much light is followed. draft: seconds, for the eye. preview: little noise, smooth "
                    "masks. final: for delivery.",
                ),
                io.Int.Input(
                    "longest_side",
                    default=menus.LONGEST_SIDE,
                    min=0,
                    max=menus.MOST_PIXELS,
                    step=8,
                    tooltip="Pixels of the longer side; the ratio is the shot's. 0 takes the size that the shot is "
                    "rendered in.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=2**32 - 1,
                    control_after_generate=False,
                    tooltip="Seed of the noise; another one moves only the noise.",
                ),
                io.Boolean.Input(
                    "denoise",
                    default=True,
                    tooltip="On: the noise is taken out, where this machine has a denoiser; else the node says so.",
                ),
                io.Float.Input(
                    "white_balance_k",
                    default=5600.0,
                    min=1000.0,
                    max=40000.0,
                    step=50.0,
                    tooltip="The colour temperature that looks white, in kelvin. Of image only; linear keeps the light "
                    "as it is.",
                ),
                io.Combo.Input(
                    "tone",
                    options=list(menus.TONES),
                    default="none",
                    tooltip="How light becomes image, as in Tone Map. none: as it is up to paper white, brighter is "
                    "cut off.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The picture to look at, sRGB-encoded."),
                io.Image.Output(display_name="linear", tooltip=f"Its light, scene-linear ACEScg. {_LOOKS_DARK}"),
                io.Image.Output(
                    display_name="depth",
                    tooltip="Metres along the view, three equal channels; 1e10 where nothing is.",
                ),
                io.Image.Output(display_name="depth_map", tooltip="Depth from black, far, to white, near."),
                io.Image.Output(
                    display_name="normals",
                    tooltip="Directions of surfaces as colours: red right, green up, blue towards the camera.",
                ),
                io.Image.Output(display_name="lines", tooltip="Edges of the shapes, white on black."),
                io.Mask.Output(display_name="masks", tooltip="One mask a subject, in the shot's order."),
                host.Layers.Output(
                    display_name="layers",
                    tooltip="Depth in metres, normals from -1 to 1 and the masks, for Save EXR and Save Delivery.",
                ),
                host.Camera3D.Output(display_name="camera_info", tooltip="The camera, for Preview 3D."),
                host.Provenance.Output(
                    display_name="provenance", tooltip="That this is a greybox, and its seed; for Save Delivery."
                ),
                io.String.Output(
                    display_name="report", tooltip="What was chosen and what to know, one a line, and how long it took."
                ),
            ],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_: Any) -> str:
        # The shot, and so the files that it names, are not known here: any of these could be one.
        files = [(kind, name) for kind in ("mesh", "panorama") for name in host_files.menu(kind)]
        return "\n".join(host_files.state(kind, name) for kind, name in files)

    @classmethod
    def execute(cls, manifest: dict[str, Any], longest_side: int, seed: int, **settings: Any) -> io.NodeOutput:
        from ..studioflow.greybox.greybox import Settings, render_greybox
        from ..studioflow.greybox.size import greybox_size

        asked = Settings(*greybox_size(manifest, longest_side), seed=seed, **settings)
        done = render_greybox(manifest, asked, host_files.find, host.PictureProgress())
        return _given(done, seed, f"{asked.width} × {asked.height}, {asked.quality}, {done.variant}")


def _given(done: Rendered, seed: int, how: str) -> io.NodeOutput:
    import torch

    from ..studioflow.color.origin import with_origin
    from ..studioflow.greybox.layers import ORIGIN, data_layers, normal_map

    shown = host.image(done.display)
    grey = (done.depth, done.depth_map, done.lines)
    depth, depth_map, lines = (host.image(pixels[..., None]).repeat(1, 1, 1, 3) for pixels in grey)
    masks = [torch.from_numpy(mask) for _, mask in done.masks]
    return io.NodeOutput(
        shown,
        host.image(done.linear),
        depth,
        depth_map,
        host.image(normal_map(done.normals)),
        lines,
        torch.stack(masks) if masks else host.blocked("the shot has no subject to mask"),
        data_layers(done),
        done.camera_info,
        with_origin({"seeds": [seed]}, ORIGIN),
        "\n".join([*done.notes, f"{how}, {done.seconds:.1f} s"]),
        # Without the time: what is the same for all shots of a list is shown once.
        ui=host.preview(shown, *done.notes, how),
    )
