"""The nodes, one file a family, and the extension that ComfyUI loads them through."""

from __future__ import annotations

from pathlib import Path

from comfy_api.latest import ComfyExtension, io

from ..studioflow.recipes import publish
from .camera import Camera, CameraFromComfyUI3D, CameraPath, CameraToComfyUI3D, DepthOfField, Lens
from .caption import CompileCaption, EditCaption
from .color import ColorTransform, MergeExposures, RangeExpansion, ToneMap
from .delivery import SaveDelivery, SaveExr, SaveTiff
from .edit import (
    FillPlaceholders,
    ManifestSections,
    OverlayManifest,
    PatchManifest,
    Scene,
    SetField,
    VaryManifest,
)
from .fibo import FiboLoader, FiboLora, FiboSpeed
from .fibo_lora_convert import ConvertFiboLora
from .fibo_native import FiboSize, MaskToFibo
from .fibo_render import FiboDecode, FiboEdit, FiboEncode, FiboSampler
from .greybox import Backdrop, Greybox, StandIn
from .language_model import BriefToManifestLlm, EditInstruction, LocalVlm, PictureToManifest, RefineManifest
from .layers import Layers
from .light import HdriLight, Light, LightingDiagram, StudioSetup, Sun
from .look import Material, Negative, Palette, Style
from .manifest import ImportCaption, LoadManifest, ManifestFromText, SaveManifest
from .open_delivery import InspectFile, LoadDelivery
from .review import CheckManifest, DiffManifests
from .sketch import ControlMap, GuideWithSketch, SketchAgreement, SketchCleanup
from .translate import BriefToManifest, ParseCaption, VglInstructions


class StudioFlow(ComfyExtension):
    """All nodes of the pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        publish(Path(__file__).parent.parent)
        return [
            LoadManifest,
            CompileCaption,
            FiboLoader,
            FiboSampler,
            SaveDelivery,
            ManifestFromText,
            ImportCaption,
            SaveManifest,
            Scene,
            SetField,
            PatchManifest,
            OverlayManifest,
            ManifestSections,
            VaryManifest,
            FillPlaceholders,
            CheckManifest,
            DiffManifests,
            Camera,
            Lens,
            DepthOfField,
            CameraFromComfyUI3D,
            CameraToComfyUI3D,
            CameraPath,
            Light,
            StudioSetup,
            LightingDiagram,
            Sun,
            HdriLight,
            Material,
            Style,
            Palette,
            Negative,
            EditCaption,
            FiboEdit,
            FiboEncode,
            FiboDecode,
            FiboLora,
            FiboSpeed,
            FiboSize,
            MaskToFibo,
            ConvertFiboLora,
            SaveExr,
            SaveTiff,
            LoadDelivery,
            InspectFile,
            Layers,
            ColorTransform,
            ToneMap,
            RangeExpansion,
            MergeExposures,
            StandIn,
            Backdrop,
            Greybox,
            SketchCleanup,
            ControlMap,
            GuideWithSketch,
            SketchAgreement,
            BriefToManifest,
            BriefToManifestLlm,
            PictureToManifest,
            RefineManifest,
            EditInstruction,
            VglInstructions,
            ParseCaption,
            LocalVlm,
        ]
