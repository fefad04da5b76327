"""Changing a manifest without a text editor: every function takes one and returns a new, valid one."""

from .field import set_field, value_from_text
from .overlay import overlay
from .patch import json_patch, merge_patch, parse_patch, patch
from .path import parse_path
from .scene import set_scene
from .sections import SECTION_ACTIONS, drop_sections, sections, take_sections
from .vary import parse_ranges, vary
from .written import finished

__all__ = [
    "SECTION_ACTIONS",
    "drop_sections",
    "finished",
    "json_patch",
    "merge_patch",
    "overlay",
    "parse_patch",
    "parse_path",
    "parse_ranges",
    "patch",
    "sections",
    "set_field",
    "set_scene",
    "take_sections",
    "value_from_text",
    "vary",
]
