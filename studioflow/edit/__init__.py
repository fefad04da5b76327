"""Changing a manifest without a text editor: every function takes one and returns a new, valid one."""

SECTION_ACTIONS = ("take", "drop")
"""What becomes of the sections that are named."""
