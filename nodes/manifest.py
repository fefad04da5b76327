"""Nodes that bring a manifest into the graph, and out of it."""

from __future__ import annotations

import hashlib
from typing import Any

from comfy_api.latest import io

from ..studioflow.errors import StudioFlowError
from ..studioflow.shelf import EXISTING, PICTURES, find_manifest, list_files
from . import host

_EXAMPLE = """{
  "studioflow": "1.0",
  "scene": {"description": "A stoneware cup on an oak table."}
}"""


class LoadManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        files = list_files(host.manifest_shelves())
        return host.schema(
            node_id="StudioFlowLoadManifest",
            display_name="Load Manifest",
            category="StudioFlow/Manifest",
            description="Reads a shot from a manifest file, or from a picture that carries one, and checks it. A plain "
            "FIBO caption is accepted too, and so is a manifest of the earlier StudioFlow app.",
            search_aliases=["shot", "scene file", "json", "open manifest", "FIBO json", "structured prompt"],
            inputs=[
                io.Combo.Input(
                    "manifest",
                    options=files,
                    default="samples/product_hero.json" if "samples/product_hero.json" in files else None,
                    tooltip="A .json, .md or .txt file in ComfyUI's input folder or in user/default/studioflow, such a "
                    "file or a picture (EXR, TIFF, PNG, WebP, AVIF, JPEG) in output/StudioFlow, or a sample. Read "
                    "again when the file changes.",
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
        path = find_manifest(manifest, host.manifest_shelves())
        if path.suffix.casefold() in PICTURES:
            # A picture may be large; its place, size and time tell whether it changed.
            state = path.stat()
            return f"{path}:{state.st_size}:{state.st_mtime_ns}"
        from ..studioflow.manifest import MAX_BYTES

        with path.open("rb") as stream:
            return hashlib.sha256(stream.read(MAX_BYTES + 1)).hexdigest()

    @classmethod
    def execute(cls, manifest: str) -> io.NodeOutput:
        from ..studioflow.manifest import load_with_notes

        imported = load_with_notes(find_manifest(manifest, host.manifest_shelves()))
        return io.NodeOutput(imported.manifest, ui=host.notice(*map(str, imported.notes)))


class ManifestFromText(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowManifestFromText",
            display_name="Manifest From Text",
            category="StudioFlow/Manifest",
            description="Reads a shot from text: a manifest, a FIBO caption in any known shape, or a template whose "
            "{placeholders} are filled in first.",
            search_aliases=["json to manifest", "template", "placeholder", "paste manifest", "text"],
            inputs=[
                io.String.Input(
                    "text",
                    multiline=True,
                    default=_EXAMPLE,
                    tooltip="JSON. Everything that Load Manifest reads from a file may stand here.",
                ),
                io.String.Input(
                    "values",
                    multiline=True,
                    default="",
                    tooltip="Values for {placeholders}, one a line: focal = 85. Or a JSON object. A text that is one "
                    "placeholder and nothing else becomes the number itself. Empty: nothing is filled in.",
                ),
            ],
            outputs=[host.Manifest.Output(display_name="manifest", tooltip="The validated shot.")],
        )

    @classmethod
    def execute(cls, text: str, values: str = "") -> io.NodeOutput:
        from ..studioflow.manifest import loads_with_notes, parse_values

        imported = loads_with_notes(text, "text", parse_values(values) if values.strip() else None)
        return io.NodeOutput(imported.manifest, ui=host.notice(*map(str, imported.notes)))


class ImportCaption(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowImportCaption",
            display_name="Import Caption",
            category="StudioFlow/Manifest",
            description="Makes a FIBO caption of any origin a manifest: from Bria's API, a demo, a language model's "
            "answer with prose and code fence, an edit caption. It compiles back to itself, and every node behind it "
            "changes only its own fields.",
            search_aliases=["VGL", "structured prompt", "FIBO json", "caption to manifest", "rescue"],
            inputs=[
                io.String.Input(
                    "caption",
                    multiline=True,
                    default='{"short_description": "A stoneware cup on an oak table."}',
                    tooltip="The caption as JSON, with or without text around it.",
                ),
                host.Manifest.Input(
                    "manifest",
                    optional=True,
                    tooltip="A shot that the caption is laid on: it keeps its sections, and the caption's fields win "
                    "over theirs. Unconnected: a shot of the caption alone.",
                ),
            ],
            outputs=[host.Manifest.Output(display_name="manifest", tooltip="The shot with the caption in it.")],
        )

    @classmethod
    def execute(cls, caption: str, manifest: dict[str, Any] | None = None) -> io.NodeOutput:
        from ..studioflow.edit.overlay import overlay
        from ..studioflow.edit.sections import drop_sections
        from ..studioflow.manifest import import_caption

        imported = import_caption(caption, "caption")
        shot = overlay(drop_sections(manifest, ["caption"]), imported.manifest) if manifest else imported.manifest
        return io.NodeOutput(shot, ui=host.notice(*map(str, imported.notes)))


class SaveManifest(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return host.schema(
            node_id="StudioFlowSaveManifest",
            display_name="Save Manifest",
            category="StudioFlow/Manifest",
            description="Writes the shot to a manifest file that Load Manifest opens again. The order of keys stays; "
            "the file is written whole or not at all.",
            search_aliases=["write manifest", "export json", "store shot", "save json"],
            inputs=[
                host.Manifest.Input("manifest", tooltip="The shot."),
                io.Combo.Input(
                    "folder",
                    options=list(host.writable_shelves()),
                    default="user",
                    tooltip="user: user/default/studioflow, the place for shots to keep. input and output: ComfyUI's.",
                ),
                io.String.Input(
                    "name",
                    default="shot",
                    tooltip="Name of the file without .json; subfolders with /. It stays inside the folder.",
                ),
                io.Combo.Input(
                    "if_it_exists",
                    options=list(EXISTING),
                    default="number",
                    tooltip="number: shot_00001.json, and so on. replace: write over it. refuse: an error.",
                ),
            ],
            outputs=[
                host.Manifest.Output(display_name="manifest", tooltip="The same shot."),
                io.String.Output(display_name="file", tooltip="The file as Load Manifest names it."),
            ],
            is_output_node=True,
        )

    @classmethod
    def validate_inputs(cls, name: str | None = None) -> bool | str:
        from ..studioflow.manifest import place_to_save

        try:
            if name is not None:
                place_to_save(f"user/{name}", host.writable_shelves())
        except StudioFlowError as error:
            return str(error)
        return True

    @classmethod
    def execute(cls, manifest: dict[str, Any], folder: str, name: str, if_it_exists: str) -> io.NodeOutput:
        from ..studioflow.manifest import content_id, save_on_shelf

        file = save_on_shelf(manifest, f"{folder}/{name}", host.writable_shelves(), if_it_exists)
        return io.NodeOutput(manifest, file, ui=host.notice(file, f"content id {content_id(manifest)[:12]}"))
