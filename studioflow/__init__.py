"""What StudioFlow knows and does, usable with no ComfyUI at all."""

VERSION = "0.1.0"
