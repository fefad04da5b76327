"""Nodes of the light: single lights, named setups, the sun, panoramas, and a plan of where they stand."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.studio.menus import FRAMES, FROM_PLACE, LIGHT_ACTIONS
from ..studioflow.studio.words import entries, menu, phrases
from . import host, host_files


class Light(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        types = list(entries("light_types"))
        return host.schema(
            node_id="StudioFlowLight",
            display_name="Light",
            category="StudioFlow/Light",
            description="Sets one light. Chain several; a setup's lights in front of it can be changed one by one.",
            search_aliases=["key light", "fill", "rim light", "softbox", "kelvin", "lamp", "flash", "strobe"],
            inputs=[
                io.Combo.Input(
                    "role",
                    options=list(phrases("studio/light_words", "roles")),
                    default="key",
                    tooltip="What the light does.",
                ),
                io.Combo.Input(
                    "type",
                    options=types,
                    default="softbox" if "softbox" in types else None,
                    tooltip="What kind of light it is; gives its words and its usual size.",
                ),
                io.Float.Input(
                    "azimuth_deg",
                    default=-45.0,
                    min=-180.0,
                    max=180.0,
                    step=1.0,
                    tooltip="Where it comes from, as seen from the camera (from the subject's front where the lights "
                    "stay in the world): 0 is the front, 90 the right, -90 the left, 180 behind.",
                ),
                io.Float.Input(
                    "elevation_deg",
                    default=40.0,
                    min=-90.0,
                    max=90.0,
                    step=1.0,
                    tooltip="Height above the subject's horizon; 90 is straight above.",
                ),
                io.Float.Input(
                    "distance_m",
                    default=1.5,
                    min=0.01,
                    max=10000.0,
                    step=0.1,
                    tooltip="Metres to the subject. With its size it makes the shadows hard or soft.",
                ),
                io.Float.Input(
                    "intensity",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.05,
                    tooltip="How bright it is at the subject, relative to the key light, which is 1. 0.5 is one stop "
                    "less.",
                ),
                io.Float.Input(
                    "color_temperature_k",
                    default=0.0,
                    min=0.0,
                    max=20000.0,
                    step=100.0,
                    tooltip="Colour temperature in kelvin, from 1000: 3200 tungsten, 5600 daylight. 0 leaves the "
                    "warmth to the words of the type. Not used where color says something.",
                ),
                io.String.Input(
                    "color",
                    default="",
                    placeholder="#FF3D8B",
                    tooltip="A coloured light, sRGB hex; empty takes the colour temperature.",
                ),
                io.Float.Input(
                    "width_m",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    tooltip="Width of what shines, in metres. 0 with height 0 takes the usual size of the type.",
                ),
                io.Float.Input(
                    "height_m",
                    default=0.0,
                    min=0.0,
                    max=1000.0,
                    step=0.1,
                    tooltip="Height of what shines, in metres.",
                ),
                io.Combo.Input(
                    "action",
                    options=list(LIGHT_ACTIONS),
                    default=LIGHT_ACTIONS[0],
                    tooltip="replace: takes the place of the lights that have its role. add: joins them.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, action: str, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.light import light_from_widgets, set_light

        return io.NodeOutput(set_light(manifest, light_from_widgets(**widgets), action))


class StudioSetup(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        setups = list(entries("setups"))
        return host.schema(
            node_id="StudioFlowStudioSetup",
            display_name="Studio Setup",
            category="StudioFlow/Light",
            description="Lights the shot with a named setup, in place of all light it had.",
            search_aliases=["Rembrandt", "three-point", "butterfly", "lighting preset", "high key", "low key", "noir"],
            inputs=[
                io.Combo.Input(
                    "setup",
                    options=setups,
                    default="three_point" if "three_point" in setups else None,
                    tooltip="The setup. Lighting Diagram shows where its lights stand.",
                ),
                io.Boolean.Input("mirrored", default=False, tooltip="The key light on the other side."),
                io.Float.Input(
                    "color_temperature_k",
                    default=0.0,
                    min=0.0,
                    max=20000.0,
                    step=100.0,
                    tooltip="Kelvin of the key light, from 1000; the others keep their difference to it. 0 keeps the "
                    "setup's own.",
                ),
                io.Combo.Input(
                    "frame",
                    options=list(FRAMES),
                    default=FRAMES[0],
                    tooltip="camera: the lights travel with the camera. world: they stay when it moves.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, setup: str, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.light import set_setup

        return io.NodeOutput(set_setup(manifest, setup, **widgets))


class LightingDiagram(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowLightingDiagram",
            display_name="Lighting Diagram",
            category="StudioFlow/Light",
            description="Draws the plan of the lights from above, as photographers do, from the shot's numbers.",
            search_aliases=["light plan", "top view", "SVG", "floor plan", "setup drawing", "blueprint"],
            inputs=[
                io.String.Input("title", default="", tooltip="A line above the plan; the shot's title where empty."),
                io.Boolean.Input("save", default=False, tooltip="Also save the plan as SVG."),
                io.String.Input(
                    "filename_prefix",
                    default="StudioFlow/lighting",
                    tooltip="Folder and name inside ComfyUI's output folder; a number is appended.",
                ),
                host.Manifest.Input("manifest", optional=True, tooltip="The shot; a three-point setup where absent."),
            ],
            outputs=[
                io.Image.Output(display_name="drawing", tooltip="The plan as a picture."),
                io.String.Output(display_name="svg", tooltip="The plan as SVG."),
                host.Manifest.Output(display_name="manifest", tooltip="The shot as it came."),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, filename_prefix: str | None = None) -> bool | str:
        return host.prefix_fault(filename_prefix)

    @classmethod
    def execute(
        cls, title: str, save: bool, filename_prefix: str, manifest: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..studioflow.edit.light import lighting_diagram
        from ..studioflow.imaging.svg import rasterize

        shot, svg = lighting_diagram(manifest, title)
        drawing = host.image(rasterize(svg, host.DRAWING_WIDTH))
        saved = host_files.save_text(svg, filename_prefix, ".svg") if save else {}
        return io.NodeOutput(drawing, svg, shot, ui=host.preview(drawing) | saved)


class Sun(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSun",
            display_name="Sun",
            category="StudioFlow/Light",
            description="Lights the shot with sun and sky: as they stand at a place at a time, or as at a named time "
            "of day.",
            search_aliases=["daylight", "golden hour", "time of day", "blue hour", "sunset", "latitude", "outdoor"],
            inputs=[
                io.Combo.Input(
                    "time",
                    options=[FROM_PLACE, *menu("sun", "presets")],
                    default="golden_hour",
                    tooltip="date and place: from the widgets below. A name: the usual light of that time, without a "
                    "place.",
                ),
                io.String.Input("date", default="2026-06-21", tooltip="Year-month-day. For date and place."),
                io.String.Input("clock", default="18:30", tooltip="Local time, hours:minutes. For date and place."),
                io.String.Input(
                    "time_zone",
                    default="Europe/Berlin",
                    tooltip="Of the local time: a name such as Europe/Berlin or America/New_York, or hours from UTC "
                    "such as +2 or -3:30. For date and place.",
                ),
                io.Float.Input(
                    "latitude_deg",
                    default=52.52,
                    min=-90.0,
                    max=90.0,
                    step=0.01,
                    tooltip="North is positive. For date and place.",
                ),
                io.Float.Input(
                    "longitude_deg",
                    default=13.405,
                    min=-180.0,
                    max=180.0,
                    step=0.01,
                    tooltip="East is positive. For date and place.",
                ),
                io.Float.Input(
                    "heading_deg",
                    default=0.0,
                    min=-360.0,
                    max=360.0,
                    step=1.0,
                    tooltip="Compass direction that a camera at azimuth 0 looks to: 0 north, 90 east. For date and "
                    "place.",
                ),
                io.Boolean.Input(
                    "overcast",
                    default=False,
                    tooltip="On: clouds cover the sun, and all light comes from the sky. For date and place.",
                ),
                io.Boolean.Input(
                    "require_sun",
                    default=False,
                    tooltip="On: an error where the sun is below the horizon, also at a named time. Off: twilight or "
                    "night, without a sun.",
                ),
                host.shot_to_change(),
            ],
            outputs=[
                host.changed_shot(),
                io.Float.Output(
                    display_name="azimuth_deg", tooltip="Of the sun, as lights have it: 0 in front of the subject."
                ),
                io.Float.Output(display_name="elevation_deg", tooltip="Of the sun above the horizon."),
                io.String.Output(display_name="report", tooltip="Where the sun stands and what light that is."),
            ],
        )

    @classmethod
    def execute(cls, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.sun import set_sun

        shot, sun = set_sun(manifest, **widgets)
        report = sun.text()
        return io.NodeOutput(shot, sun.azimuth_deg, sun.elevation_deg, report, ui=host.notice(report))


class HdriLight(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        files = host_files.menu("panorama")
        return host.schema(
            node_id="StudioFlowHdriLight",
            display_name="HDRI Light",
            category="StudioFlow/Light",
            description="Finds the lights in a panorama (.hdr or .exr) and lights the shot like it, in place of all "
            "light it had. Shows the panorama with the lights marked.",
            search_aliases=["HDRI", "environment map", "panorama", "image based lighting", "IBL", "skydome", "exr"],
            inputs=[
                io.Combo.Input(
                    "panorama",
                    options=files,
                    default="samples/panorama_studio.exr" if "samples/panorama_studio.exr" in files else None,
                    tooltip="A .hdr or .exr file in ComfyUI's input folder, or a sample of the pack: "
                    "equirectangular, twice as wide as high. Its middle lies behind the subject.",
                ),
                io.Float.Input(
                    "rotation_deg",
                    default=0.0,
                    min=-360.0,
                    max=360.0,
                    step=1.0,
                    tooltip="Turns the panorama about the vertical. Positive moves all that is in it to its right, and "
                    "azimuths fall: with 90 a light in front of the subject comes to the left, at -90.",
                ),
                io.Int.Input(
                    "max_lights",
                    default=4,
                    min=1,
                    max=8,
                    tooltip="At most this many lights, strongest first; the others become ambient light.",
                ),
                io.Float.Input(
                    "intensity",
                    default=1.0,
                    min=0.1,
                    max=100.0,
                    step=0.1,
                    tooltip="Strength of all of it, kept in the shot for renderers. The lights are relative to the "
                    "key, so neither they nor the caption change.",
                ),
                host.shot_to_change(),
            ],
            outputs=[
                host.changed_shot(),
                io.Image.Output(display_name="marked", tooltip="The panorama with its lights marked."),
                io.String.Output(display_name="report", tooltip="The lights, one a line."),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, panorama: str | None = None) -> bool | str:
        # Also stands in for ComfyUI's own menu check, which knows no file that came after the menu was drawn.
        try:
            if panorama is not None:
                host_files.find("panorama", panorama)
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, panorama: str, **_: Any) -> str:
        return host_files.state("panorama", panorama)

    @classmethod
    def execute(cls, panorama: str, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.panorama import light_from_panorama

        found = light_from_panorama(manifest, host_files.find("panorama", panorama), name=panorama, **widgets)
        marked, report = host.image(found.marked(host.DRAWING_WIDTH)), found.text()
        return io.NodeOutput(found.manifest, marked, report, ui=host.preview(marked, report))
