"""What every node promises: its id, words, tooltips, help page, and that it works on older and newer hosts."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

IDS = [
    "StudioFlowLoadManifest",
    "StudioFlowCompileCaption",
    "StudioFlowFiboLoader",
    "StudioFlowFiboSampler",
    "StudioFlowSaveDelivery",
    "StudioFlowManifestFromText",
    "StudioFlowImportCaption",
    "StudioFlowSaveManifest",
    "StudioFlowScene",
    "StudioFlowSetField",
    "StudioFlowPatchManifest",
    "StudioFlowOverlayManifest",
    "StudioFlowManifestSections",
    "StudioFlowVaryManifest",
    "StudioFlowFillPlaceholders",
    "StudioFlowCheckManifest",
    "StudioFlowDiffManifests",
    "StudioFlowCamera",
    "StudioFlowLens",
    "StudioFlowDepthOfField",
    "StudioFlowCameraFromComfyUI3D",
    "StudioFlowCameraToComfyUI3D",
    "StudioFlowCameraPath",
    "StudioFlowLight",
    "StudioFlowStudioSetup",
    "StudioFlowLightingDiagram",
    "StudioFlowSun",
    "StudioFlowHdriLight",
    "StudioFlowMaterial",
    "StudioFlowStyle",
    "StudioFlowPalette",
    "StudioFlowNegative",
    "StudioFlowEditCaption",
    "StudioFlowFiboEdit",
    "StudioFlowFiboEncode",
    "StudioFlowFiboDecode",
    "StudioFlowFiboLora",
    "StudioFlowFiboSpeed",
    "StudioFlowFiboSize",
    "StudioFlowMaskToFibo",
    "StudioFlowConvertFiboLora",
    "StudioFlowSaveExr",
    "StudioFlowSaveTiff",
    "StudioFlowLoadDelivery",
    "StudioFlowInspectFile",
    "StudioFlowLayers",
    "StudioFlowColorTransform",
    "StudioFlowToneMap",
    "StudioFlowRangeExpansion",
    "StudioFlowMergeExposures",
    "StudioFlowStandIn",
    "StudioFlowBackdrop",
    "StudioFlowGreybox",
    "StudioFlowSketchCleanup",
    "StudioFlowControlMap",
    "StudioFlowGuideWithSketch",
    "StudioFlowSketchAgreement",
    "StudioFlowBriefToManifest",
    "StudioFlowBriefToManifestLlm",
    "StudioFlowPictureToManifest",
    "StudioFlowRefineManifest",
    "StudioFlowEditInstruction",
    "StudioFlowVglInstructions",
    "StudioFlowParseCaption",
    "StudioFlowLocalVlm",
]


@pytest.fixture(params=IDS)
def node(request: pytest.FixtureRequest, nodes: dict[str, type]) -> Any:
    return nodes[request.param]


def test_ids_are_forever(nodes: dict[str, type]) -> None:
    assert list(nodes) == IDS


def test_only_v3(pack: ModuleType) -> None:
    # A module with NODE_CLASS_MAPPINGS would have its comfy_entrypoint ignored.
    assert {name for name in vars(pack) if not name.startswith("__")} <= {
        "WEB_DIRECTORY",
        "comfy_entrypoint",
        "nodes",
        "studioflow",
    }


def test_names_and_words(node: Any) -> None:
    schema = node.GET_SCHEMA()
    assert schema.category.startswith("StudioFlow/")
    names = {"EXR": "Exr", "FIBO": "Fibo", "HDRI": "Hdri", "TIFF": "Tiff", "ComfyUI": "Comfyui", "LoRA": "Lora"}
    names |= {"VGL": "Vgl", "VLM": "Vlm"}
    assert all(names.get(word, word).istitle() or word == "3D" for word in schema.display_name.split())
    assert schema.description.endswith(".")


def test_every_socket_states_its_contract(node: Any) -> None:
    schema = node.GET_SCHEMA()
    for socket in [*schema.inputs, *schema.outputs]:
        assert socket.tooltip and socket.tooltip.endswith((".", "!")), f"{schema.node_id}.{socket.id}"


def test_input_ids_are_snake_case_and_unlike_output_ids(node: Any) -> None:
    # Host 0.3.75 refuses an id that is both an input and an output.
    schema = node.GET_SCHEMA()
    inputs = [socket.id for socket in schema.inputs]
    assert all(name == name.lower() and " " not in name for name in inputs)
    assert not set(inputs) & {socket.id for socket in schema.outputs}


def test_own_sockets_have_a_prefix(node: Any) -> None:
    known = {"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO", "IMAGE", "MASK", "LOAD3D_CAMERA"}
    for socket in [*node.GET_SCHEMA().inputs, *node.GET_SCHEMA().outputs]:
        kind = socket.get_io_type()
        assert kind in known or kind.startswith("STUDIOFLOW_"), kind


def test_has_a_help_page_that_names_every_socket(node: Any, root: Path) -> None:
    schema = node.GET_SCHEMA()
    page = (root / "js" / "docs" / f"{schema.node_id}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {schema.display_name}\n")
    for name in [socket.id for socket in schema.inputs] + [socket.display_name for socket in schema.outputs]:
        assert f"`{name}`" in page, name


def test_errors_on_the_help_page_are_those_of_the_code(node: Any, root: Path) -> None:
    page = (root / "js" / "docs" / f"{node.GET_SCHEMA().node_id}.md").read_text(encoding="utf-8")
    code = "".join(
        path.read_text(encoding="utf-8") for room in ("nodes", "studioflow") for path in (root / room).rglob("*.py")
    )
    blocks = [
        block for block in re.findall(r"^```text\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "  found: " in block
    ]
    assert blocks
    for block in blocks:
        problem = block.splitlines()[0].rsplit(": ", 1)[-1]
        of_a_table = problem.startswith("no such ") and f'"{problem[8:]}"' in code
        assert problem[:16] in code or problem[-16:] in code or of_a_table or "faults" in problem, problem


def test_newer_hosts_get_search_words(
    nodes: dict[str, type], host: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclasses.dataclass
    class NewerSchema(host.io.Schema):
        search_aliases: list[str] | None = None

    monkeypatch.setattr(host.io, "Schema", NewerSchema)
    for node in nodes.values():
        words = node.define_schema().search_aliases
        assert words and len(words) == len(set(words)) >= 3


def test_importing_the_pack_loads_nothing_heavy(root: Path, comfyui: Path, tmp_path: Path) -> None:
    code = f"""
import asyncio, importlib.util, sys
sys.argv = ["main.py", "--cpu", "--base-directory", {str(tmp_path)!r}]
sys.path.insert(0, {str(comfyui)!r})
import comfy.options; comfy.options.enable_args_parsing()
import nodes  # what ComfyUI itself has loaded by the time packs come
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("pack", {str(root / "__init__.py")!r})
pack = sys.modules["pack"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pack)
extension = asyncio.run(pack.comfy_entrypoint())
[node.GET_SCHEMA() for node in asyncio.run(extension.get_node_list())]
print(sorted(name for name in set(sys.modules) - before if "." not in name and name != "pack"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"mitsuba", "trimesh", "diffusers", "OpenEXR", "jsonschema_rs", "aiohttp", "cv2", "accelerate", "tqdm"}
    assert not heavy & set(eval(done.stdout.strip().splitlines()[-1]))


def test_publishes_its_recipes_for_the_templates_browser(nodes: dict[str, type], root: Path) -> None:
    published = root / "example_workflows" / "product_hero.json"
    assert published.read_bytes() == (root / "recipes" / "product_hero.json").read_bytes()
