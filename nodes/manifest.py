"""Nodes that bring a manifest into the graph."""

from __future__ import annotations

import hashlib

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.manifest import MAX_BYTES, find_manifest, list_manifests, load
from . import host


class LoadManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        files = list_manifests(host.manifest_shelves())
        return host.schema(
            node_id="StudioFlowLoadManifest",
            display_name="Load Manifest",
            category="StudioFlow/Manifest",
            description="Reads a shot from a manifest file and checks it. A plain FIBO caption is accepted too.",
            search_aliases=["shot", "scene file", "json", "open manifest", "FIBO json", "structured prompt"],
            inputs=[
                io.Combo.Input(
                    "manifest",
                    options=files,
                    default="samples/product_hero.json" if "samples/product_hero.json" in files else None,
                    tooltip="A .json file from ComfyUI's input folder, from user/default/studioflow, or a sample of "
                    "the pack. Read again when the file changes.",
                ),
            ],
            outputs=[host.Manifest.Output(display_name="manifest", tooltip="The validated shot.")],
        )

    @classmethod
    def validate_inputs(cls, manifest: str | None = None) -> bool | str:
        # Also stands in for ComfyUI's own menu check, which knows no file that came after the menu was drawn.
        try:
            if manifest is not None:
                find_manifest(manifest, host.manifest_shelves())
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def fingerprint_inputs(cls, manifest: str) -> str:
        with find_manifest(manifest, host.manifest_shelves()).open("rb") as stream:
            return hashlib.sha256(stream.read(MAX_BYTES + 1)).hexdigest()

    @classmethod
    def execute(cls, manifest: str) -> io.NodeOutput:
        return io.NodeOutput(load(find_manifest(manifest, host.manifest_shelves())))
