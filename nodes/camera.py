"""Nodes of the camera: where it stands, its lens, what is sharp, and the way to and from ComfyUI's 3D nodes."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.studio.menus import EASINGS, FOCUS_ACTIONS, LIGHTS_ON_THE_WAY, MAX_FRAMES, MOVES
from ..studioflow.studio.words import entries
from . import host

_NO_PRESET = "none"


class Camera(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        sensors = list(entries("sensors"))
        return host.schema(
            node_id="StudioFlowCamera",
            display_name="Camera",
            category="StudioFlow/Camera",
            description="Places the camera on an orbit around the subject. Camera angle, shot size, what is sharp and "
            "which side is seen follow; nothing else changes.",
            search_aliases=["angle", "orbit", "viewpoint", "sensor", "high angle", "low angle", "dutch angle"],
            inputs=[
                io.Float.Input(
                    "azimuth_deg",
                    default=20.0,
                    min=-180.0,
                    max=180.0,
                    step=1.0,
                    tooltip="Around the subject: 0 is in front, 90 at the right-hand side of the picture seen from the "
                    "front, 180 behind.",
                ),
                io.Float.Input(
                    "elevation_deg",
                    default=10.0,
                    min=-90.0,
                    max=90.0,
                    step=1.0,
                    tooltip="Height: 0 is level with the target, 90 straight above, -90 straight below.",
                ),
                io.Float.Input(
                    "distance_m",
                    default=2.0,
                    min=0.01,
                    max=10000.0,
                    step=0.1,
                    tooltip="Metres from the camera to its target. With a subject of known size it gives the shot "
                    "size, from extreme close-up to extreme wide.",
                ),
                io.Float.Input(
                    "roll_deg",
                    default=0.0,
                    min=-180.0,
                    max=180.0,
                    step=1.0,
                    tooltip="Tilt of the horizon; positive tips the camera clockwise.",
                ),
                io.Combo.Input(
                    "sensor",
                    options=sensors,
                    default="full_frame" if "full_frame" in sensors else None,
                    tooltip="The sensor or film format; with the lens it gives the angle of view and the blur.",
                ),
                io.String.Input(
                    "target_m",
                    default="",
                    placeholder="0, 0.1, 0",
                    tooltip="The point looked at: x, y, z in metres. Empty looks at the middle of the main subject.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, target_m: str, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.camera import set_camera

        return io.NodeOutput(set_camera(manifest, target=target_m, **widgets))


class Lens(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        lenses = list(entries("lenses"))
        return host.schema(
            node_id="StudioFlowLens",
            display_name="Lens",
            category="StudioFlow/Camera",
            description="Puts a lens on the camera: a preset, or focal length and aperture in numbers.",
            search_aliases=["focal length", "aperture", "f-number", "mm", "bokeh", "macro", "wide angle", "telephoto"],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=[_NO_PRESET, *lenses],
                    default="portrait_85" if "portrait_85" in lenses else _NO_PRESET,
                    tooltip="A lens of the table; none where the numbers below say it all.",
                ),
                io.Float.Input(
                    "focal_length_mm",
                    default=0.0,
                    min=0.0,
                    max=2000.0,
                    step=1.0,
                    tooltip="As engraved on the lens, not the equivalent. 0 takes the preset's.",
                ),
                io.Float.Input(
                    "aperture",
                    default=0.0,
                    min=0.0,
                    max=64.0,
                    step=0.1,
                    tooltip="The f-number, from 0.7. 0 takes the preset's widest.",
                ),
                io.Float.Input(
                    "focus_distance_m",
                    default=0.0,
                    min=0.0,
                    max=10000.0,
                    step=0.01,
                    tooltip="Metres from the camera to the plane of focus. 0 focuses on the camera's target.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(cls, preset: str, manifest: dict[str, Any] | None = None, **numbers: float) -> io.NodeOutput:
        from ..studioflow.edit.camera import set_lens

        return io.NodeOutput(set_lens(manifest, preset=None if preset == _NO_PRESET else preset, **numbers))


class DepthOfField(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowDepthOfField",
            display_name="Depth Of Field",
            category="StudioFlow/Camera",
            description="Calculates what is sharp with this camera and lens, in numbers and as a drawing. Can set "
            "focus or aperture so that what you want is sharp.",
            search_aliases=["DoF calculator", "hyperfocal", "bokeh", "sharpness", "circle of confusion", "focus"],
            inputs=[
                io.Combo.Input(
                    "change",
                    options=list(FOCUS_ACTIONS),
                    default=FOCUS_ACTIONS[0],
                    tooltip="nothing: only calculate. focus at hyperfocal: everything from half that distance on is "
                    "sharp. aperture for subject: the widest whole stop at which the main subject, whose size must be "
                    "known, is sharp from front to back.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot; an 85 mm at f/2.8 from 2 m where absent."
                ),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The shot, changed where you ask for it."),
                io.Image.Output(display_name="drawing", tooltip="The side view, as a picture."),
                io.String.Output(display_name="numbers", tooltip="The numbers, one a line."),
                io.Float.Output(display_name="near_m", tooltip="Nearest sharp point, metres from the camera."),
                io.Float.Output(display_name="far_m", tooltip="Farthest sharp point; infinite from the hyperfocal on."),
                io.Float.Output(display_name="hyperfocal_m", tooltip="The hyperfocal distance in metres."),
            ],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, change: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.edit.focus import focus_drawing, set_focus
        from ..studioflow.imaging.svg import rasterize

        changed, focus = set_focus(manifest, change)
        drawing = host.image(rasterize(focus_drawing(focus), host.DRAWING_WIDTH))
        numbers = focus.text()
        sharp = focus.sharp
        return io.NodeOutput(
            changed, drawing, numbers, sharp.near_m, sharp.far_m, focus.hyperfocal_m, ui=host.preview(drawing, numbers)
        )


class CameraFromComfyUI3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowCameraFromComfyUI3D",
            display_name="Camera From ComfyUI 3D",
            category="StudioFlow/Camera",
            description="Takes over the camera of ComfyUI's 3D viewer: its place, the point it looks at, and its lens "
            "where the viewer says the angle of view.",
            search_aliases=["Load3D", "camera_info", "viewport", "three.js", "3D camera", "import camera"],
            inputs=[
                host.Camera3D.Input("camera_info", tooltip="From Load 3D or another of ComfyUI's 3D nodes."),
                io.Float.Input(
                    "metres_per_unit",
                    default=1.0,
                    min=0.0001,
                    max=10000.0,
                    step=0.01,
                    tooltip="How many metres one unit of the 3D scene is.",
                ),
                host.shot_to_change(),
            ],
            outputs=[host.changed_shot()],
        )

    @classmethod
    def execute(
        cls, camera_info: dict[str, Any], metres_per_unit: float, manifest: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..studioflow.edit.camera import camera_from_comfyui

        return io.NodeOutput(camera_from_comfyui(manifest, camera_info, metres_per_unit=metres_per_unit))


class CameraToComfyUI3D(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowCameraToComfyUI3D",
            display_name="Camera To ComfyUI 3D",
            category="StudioFlow/Camera",
            description="Gives the shot's camera to ComfyUI's 3D nodes, such as Preview 3D.",
            search_aliases=["Preview3D", "camera_info", "viewport", "three.js", "3D camera", "export camera"],
            inputs=[
                io.Float.Input(
                    "metres_per_unit",
                    default=1.0,
                    min=0.0001,
                    max=10000.0,
                    step=0.01,
                    tooltip="How many metres one unit of the 3D scene is.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot; a camera 2 m in front of the subject where absent."
                ),
            ],
            outputs=[
                host.Camera3D.Output(display_name="camera_info", tooltip="For Preview 3D and other 3D nodes."),
                host.Manifest.Output(display_name="manifest", tooltip="The shot as it came."),
            ],
        )

    @classmethod
    def execute(cls, metres_per_unit: float, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.edit.camera import camera_to_comfyui

        return io.NodeOutput(*camera_to_comfyui(manifest, metres_per_unit=metres_per_unit))


class CameraPath(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowCameraPath",
            display_name="Camera Path",
            category="StudioFlow/Camera",
            description="Moves the camera and gives one shot for each step, as a list: ComfyUI runs everything behind "
            "it once for each.",
            search_aliases=["turntable", "orbit", "dolly zoom", "crane", "keyframes", "animation", "360", "spin"],
            inputs=[
                io.Combo.Input(
                    "move",
                    options=list(MOVES),
                    default=MOVES[0],
                    tooltip="turntable: around the subject. dolly: along the view. crane: up or down, the target kept. "
                    "pedestal: up or down, the target too. zoom: the focal length alone. dolly_zoom: distance and "
                    "focal length, the subject keeps its size. arc: through the keyframes.",
                ),
                io.Int.Input("frames", default=12, min=1, max=MAX_FRAMES, tooltip="How many shots."),
                io.String.Input(
                    "start",
                    default="",
                    placeholder="where the camera is",
                    tooltip="Where the move begins: azimuth in degrees for turntable, distance in metres for dolly and "
                    "dolly_zoom, height in metres for crane and pedestal, focal length in mm for zoom. Empty begins "
                    "where the camera is.",
                ),
                io.String.Input(
                    "end",
                    default="",
                    placeholder="all the way",
                    tooltip="Where it ends, in the same unit. Empty: once round, half the distance, one metre higher, "
                    "twice the focal length.",
                ),
                io.Combo.Input(
                    "easing",
                    options=list(EASINGS),
                    default=EASINGS[0],
                    tooltip="How the speed changes along the way.",
                ),
                io.Combo.Input(
                    "lights",
                    options=list(LIGHTS_ON_THE_WAY),
                    default=LIGHTS_ON_THE_WAY[0],
                    tooltip="as they are: as the shot's frame says. stay: the lights keep their place in the room. "
                    "travel: they move with the camera. The first picture looks the same with each.",
                ),
                io.String.Input(
                    "keyframes",
                    multiline=True,
                    default="0%: azimuth -40, elevation 5, distance 2\n50%: azimuth 0, elevation 25, distance 1.6\n"
                    "100%: azimuth 40, elevation 5, distance 2",
                    tooltip="For arc, one a line: a part of the way such as 50% or a frame such as 6, then what the "
                    "camera has there: azimuth, elevation, distance, roll, focal.",
                ),
                host.Manifest.Input(
                    "manifest", optional=True, tooltip="The shot at the start; a new one where absent."
                ),
            ],
            outputs=[
                host.Manifest.Output(
                    display_name="manifest", is_output_list=True, tooltip="The shots, one after the other."
                )
            ],
        )

    @classmethod
    def execute(cls, start: str, end: str, manifest: dict[str, Any] | None = None, **widgets: Any) -> io.NodeOutput:
        from ..studioflow.edit.camera_path import number_or_nothing, path_manifests

        ends = {name: number_or_nothing(name, text) for name, text in (("start", start), ("end", end))}
        return io.NodeOutput(path_manifests(manifest, **ends, **widgets))
