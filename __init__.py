"""StudioFlow: a photo studio inside ComfyUI for Bria's FIBO models."""

WEB_DIRECTORY = "./js"


async def comfy_entrypoint():
    """The door ComfyUI comes in by; nothing is imported before it does."""
    from .nodes import StudioFlow

    return StudioFlow()
