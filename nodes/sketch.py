"""Nodes of the sketch room: drawings cleaned, control maps, renders that they guide, and how those followed."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..studioflow.families import families, family
from ..studioflow.sketch import menus
from . import host, host_files

_FROM_MANIFEST = "from manifest"


class SketchCleanup(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        def step(name: str, tooltip: str) -> io.Input:
            return io.Boolean.Input(name, default=True, tooltip=tooltip)

        return host.schema(
            node_id="StudioFlowSketchCleanup",
            display_name="Sketch Cleanup",
            category="StudioFlow/Sketch",
            description="Makes a clean line drawing of a photo of a sketch: page straightened, paper white, lines "
            "even. The report says what was done.",
            search_aliases=["scan", "whiteboard", "napkin", "pencil", "line art", "perspective", "deskew", "drawing"],
            inputs=[
                io.Image.Input("image", tooltip="A photo, scan or screenshot of a drawing; each picture of a batch."),
                io.Boolean.Input(
                    "auto",
                    default=True,
                    tooltip="On: of the steps below, those that the picture does not need are left out. Off: all that "
                    "are on are done.",
                ),
                step("page", "Finds the page and takes its perspective away."),
                step("light", "Takes away shadows and uneven light."),
                step("paper", "Takes away the paper's tone and colour, and its ruled or squared lines."),
                step("specks", "Removes specks and smudges."),
                step("strokes", "Gives all lines one weight."),
                step("gaps", "Closes small gaps in lines."),
                io.Float.Input(
                    "line_px",
                    default=0.0,
                    min=0.0,
                    max=64.0,
                    step=0.5,
                    tooltip="Width of the lines in pixels of the result. 0: the drawing's own.",
                ),
                io.Combo.Input(
                    "ratio",
                    options=list(menus.RATIOS),
                    default=menus.RATIOS[0],
                    tooltip="Width to height of the result. keep: the page's own.",
                ),
                io.Combo.Input(
                    "fit",
                    options=list(menus.FITS),
                    default=menus.FITS[0],
                    tooltip="How it gets there. pad: paper is added. crop: empty paper is cut away first. The drawing "
                    "stays whole in both.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="The MASK of Load Image, for a drawing on transparency: Load Image leaves that out of its "
                    "picture.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="Dark lines on white paper."),
                io.Mask.Output(display_name="lines", tooltip="The lines alone: 1 is line, 0 is paper."),
                io.String.Output(display_name="report", tooltip="What was done, with numbers, one a line."),
            ],
        )

    @classmethod
    def execute(cls, image: Any, mask: Any = None, **how: Any) -> io.NodeOutput:
        from ..studioflow.sketch.batches import clean_all, with_alpha
        from ..studioflow.sketch.clean import Cleanup

        pixels = image if mask is None else with_alpha(image.numpy(), mask.numpy())
        cleaned = clean_all(pixels, Cleanup(**how), host.Progress())
        pictures = host.images(cleaned.images)
        return io.NodeOutput(
            pictures,
            host.images(cleaned.lines),
            "\n".join(cleaned.notes),
            ui=host.preview(pictures, *cleaned.notes),
        )


class ControlMap(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowControlMap",
            display_name="Control Map",
            category="StudioFlow/Sketch",
            description="Lines, edges or depth of a picture as a control map, for Guide With Sketch and for ComfyUI's "
            "ControlNet nodes.",
            search_aliases=["canny", "line art", "HED", "soft edge", "scribble", "preprocessor", "controlnet", "XDoG"],
            inputs=[
                io.Image.Input("image", tooltip="A drawing or a photograph; each picture of a batch."),
                io.Combo.Input(
                    "method",
                    options=[*menus.METHODS, *menus.LEARNED],
                    default=menus.METHODS[0],
                    tooltip="line_art: lines as drawn with a pen. canny: thin edges. soft_edge: grey edges. scribble: "
                    "few thick lines. threshold: dark parts of a clean drawing. thin: lines one pixel wide. "
                    "depth_from_shading: a guess from a drawing's greys. The others are learned and need weights: "
                    "studioflow models get NAME.",
                ),
                io.Float.Input(
                    "detail",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="More gives more lines. The learned ones have no such setting.",
                ),
                io.Float.Input(
                    "low",
                    default=0.0,
                    min=0.0,
                    max=2040.0,
                    step=1.0,
                    tooltip="canny: the gradient from which an edge goes on, as OpenCV counts it; 100 is usual. 0: "
                    "found from the picture.",
                ),
                io.Float.Input(
                    "high",
                    default=0.0,
                    min=0.0,
                    max=2040.0,
                    step=1.0,
                    tooltip="canny: the gradient from which an edge begins; 200 is usual. 0: found from the picture.",
                ),
                io.Float.Input(
                    "line_px",
                    default=1.0,
                    min=1.0,
                    max=64.0,
                    step=1.0,
                    tooltip="Width of lines in whole pixels; 1 leaves a scribble its own. soft_edge and depth have "
                    "none.",
                ),
                io.Int.Input(
                    "resolution",
                    default=0,
                    min=0,
                    max=8192,
                    step=8,
                    tooltip="Pixels of the map's shorter side. 0: as the picture is, up to 4096 of the longer. Learned "
                    "methods look at 512 and scale what they find.",
                ),
                io.Combo.Input(
                    "polarity",
                    options=list(menus.POLARITIES),
                    default=menus.POLARITIES[0],
                    tooltip="white_on_black is what ControlNets and FIBO take as an edge map.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The control map."),
                io.Mask.Output(display_name="mask", tooltip="The same as numbers: 1 is line, or near; 0 is nothing."),
            ],
        )

    @classmethod
    def execute(cls, image: Any, method: str, **settings: Any) -> io.NodeOutput:
        from ..studioflow.sketch.control_map import Settings, control_maps

        detect = None
        if method in menus.LEARNED:
            from ..studioflow.sketch.detectors import load

            detect = load(method, host_files.detector_folders(), device=host.device()).detect
        made = control_maps(image, Settings(method, **settings), detect, host.Progress())
        pictures = host.images(made.images)
        return io.NodeOutput(pictures, host.images(made.masks), ui=host.preview(pictures, *made.notes))


class GuideWithSketch(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowGuideWithSketch",
            display_name="Guide With Sketch",
            category="StudioFlow/Sketch",
            description="Prepares a render that follows a sketch: the caption with the instruction that FIBO was "
            "trained with, the pictures in its order, a picture to start from, and what the strength means for both.",
            search_aliases=["controlnet", "structure", "reference image", "edge map", "img2img", "scribble to image"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot that the picture will show."),
                io.Image.Input("control_map", tooltip="The sketch as lines, from Control Map or Sketch Cleanup."),
                io.Combo.Input(
                    "model",
                    options=[_FROM_MANIFEST, *families()],
                    default=_FROM_MANIFEST,
                    tooltip="The FIBO that will render. from manifest: the connected model, else render.model, else "
                    "FIBO 2.0 dev.",
                ),
                io.Combo.Input(
                    "role",
                    options=list(menus.ROLES),
                    default=menus.ROLES[0],
                    tooltip="What the control map is: it decides the words of the instruction.",
                ),
                io.Float.Input(
                    "strength",
                    default=0.75,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="0: that of the manifest's guidance, else 0.75. Up to 0.75 the sketch is a reference for "
                    "that much of the render, all of it at 0.75. Above, the render also starts from the sketch. FIBO "
                    "1.x always starts from it.",
                ),
                io.String.Input(
                    "instruction",
                    multiline=True,
                    default="",
                    tooltip="Your own words, added to our sentence; in its place where they name each picture once, "
                    "<image_1> being the sketch. Empty: the manifest's guidance, else our sentence alone.",
                ),
                io.Image.Input("depth_map", optional=True, tooltip="A depth map of the scene, near is white."),
                io.Image.Input("style", optional=True, tooltip="A picture whose style the render takes."),
                io.Image.Input("subject", optional=True, tooltip="A picture of the subject as it really looks."),
                host.Fibo.Input("fibo", optional=True, tooltip="The model that will render, from FIBO Loader."),
            ],
            outputs=[
                io.String.Output(display_name="caption", tooltip="For FIBO Edit or TextEncodeFibo2."),
                io.Image.Output(display_name="image", tooltip="The control map, <image_1> of the caption."),
                io.Image.Output(display_name="image_2", tooltip="The next picture in the caption's order, or nothing."),
                io.Image.Output(display_name="image_3", tooltip="The next picture in the caption's order, or nothing."),
                io.Image.Output(display_name="image_4", tooltip="The next picture in the caption's order, or nothing."),
                io.Image.Output(display_name="start", tooltip="The control map in a grey base, for FIBO Encode."),
                io.Float.Output(display_name="repaint", tooltip="The strength of FIBO Edit, the denoise of KSampler."),
                io.Float.Output(display_name="guide_until", tooltip="The same input of FIBO Edit: how long it guides."),
            ],
        )

    @classmethod
    def execute(
        cls,
        manifest: dict[str, Any],
        control_map: Any,
        model: str,
        role: str,
        strength: float,
        instruction: str,
        depth_map: Any = None,
        style: Any = None,
        subject: Any = None,
        fibo: Any = None,
    ) -> io.NodeOutput:
        from ..studioflow.caption.guide import guided
        from ..studioflow.caption.instruct import MAX_IMAGES
        from ..studioflow.sketch.batches import toned_all

        pictures = {
            name: picture
            for name, picture in {"depth": depth_map, "style": style, "subject": subject}.items()
            if picture is not None
        }
        guide = guided(
            manifest,
            family=fibo.family if fibo else None if model == _FROM_MANIFEST else family(model),
            role=role,
            strength=strength or None,
            instruction=instruction,
            others=tuple(pictures),
        )
        ordered = [control_map, *(pictures[name] for name in guide.order[1:])]
        ordered += [None] * (MAX_IMAGES - len(ordered))
        start, notes = toned_all(control_map, role)
        return io.NodeOutput(
            guide.caption,
            *ordered,
            host.images(start),
            guide.repaint,
            guide.guide_until,
            ui=host.notice(*guide.notes, *notes),
        )


class SketchAgreement(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSketchAgreement",
            display_name="Sketch Agreement",
            category="StudioFlow/Sketch",
            description="Measures how well a picture follows a sketch: which of its lines are edges of the picture, "
            "within a tolerance. 1 is all of them and nothing else.",
            search_aliases=["F-score", "edge agreement", "compare", "follow", "precision", "recall", "score"],
            inputs=[
                io.Image.Input("control_map", tooltip="The sketch as lines, white on black or black on white."),
                io.Image.Input("image", tooltip="The render, or a batch of variations; each is measured."),
                io.Float.Input(
                    "tolerance_px",
                    default=2.0,
                    min=0.0,
                    max=64.0,
                    step=0.5,
                    tooltip="How far apart lines may lie and still agree, in pixels of the control map.",
                ),
            ],
            outputs=[
                io.Float.Output(display_name="score", tooltip="F-score 0 to 1; of a batch the best."),
                io.Int.Output(display_name="best", tooltip="Which picture of a batch follows best, counted from 0."),
                io.Image.Output(display_name="lines", tooltip="Matched green, missed red, the picture's own blue."),
                io.String.Output(display_name="report", tooltip="Score, precision and recall of each picture."),
            ],
        )

    @classmethod
    def execute(cls, control_map: Any, image: Any, tolerance_px: float) -> io.NodeOutput:
        from ..studioflow.sketch.batches import compare_all

        found = compare_all(control_map, image, tolerance_px, host.Progress())
        pictures = host.images(found.pictures)
        return io.NodeOutput(
            found.scores[found.best],
            found.best,
            pictures,
            found.report,
            ui=host.preview(pictures, *found.report.splitlines()[:4]),
        )
