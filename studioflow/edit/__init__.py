"""Changing a manifest without a text editor: every function takes one and returns a new, valid one."""

from .camera import camera_from_comfyui, camera_to_comfyui, set_camera, set_lens
from .field import set_field, value_from_text
from .light import LIGHT_ACTIONS, light_from_widgets, lighting_diagram, set_light, set_setup
from .overlay import overlay
from .patch import json_patch, merge_patch, parse_patch, patch
from .path import parse_path
from .scene import set_scene
from .sections import SECTION_ACTIONS, drop_sections, sections, take_sections
from .vary import parse_ranges, vary
from .written import finished

__all__ = [
    "LIGHT_ACTIONS",
    "SECTION_ACTIONS",
    "camera_from_comfyui",
    "camera_to_comfyui",
    "drop_sections",
    "finished",
    "json_patch",
    "light_from_widgets",
    "lighting_diagram",
    "merge_patch",
    "overlay",
    "parse_patch",
    "parse_path",
    "parse_ranges",
    "patch",
    "sections",
    "set_camera",
    "set_field",
    "set_lens",
    "set_light",
    "set_scene",
    "set_setup",
    "take_sections",
    "value_from_text",
    "vary",
]
