"""What the host tests share: a prompt made quick, run through the real queue, and the files that come out."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import dev
from studioflow.caption import flat
from studioflow.queue import ComfyClient, JobResult
from studioflow.recipes import recipe

QUICK = {"width": 64, "height": 64, "steps": 1, "count": 1}


def run(host: dev.Host, prompt: dict[str, Any], workflow: dict[str, Any] | None = None) -> JobResult:
    async def submit() -> JobResult:
        async with ComfyClient(host.url) as comfy:
            return await (await comfy.submit(prompt, workflow=workflow)).wait()

    return asyncio.run(submit())


def quick(name: str) -> dict[str, Any]:
    """A recipe's prompt with its renders made small; the manifests in it stay as they are."""
    prompt = copy.deepcopy(recipe(name).prompt)
    for node in prompt.values():
        if node["class_type"] == "StudioFlowFiboSampler":
            node["inputs"] |= QUICK
    return prompt


def delivered(host: dev.Host, result: JobResult, node: str) -> dict[str, list[Path]]:
    """The files that a Save Delivery wrote, by kind."""
    files: dict[str, list[Path]] = {}
    for file in result.outputs[node]["studioflow_files"]:
        path = host.base / "output" / file["subfolder"] / file["filename"]
        files.setdefault("".join(path.suffixes), []).append(path)
    return files


def captions(files: dict[str, list[Path]]) -> list[dict[str, Any]]:
    return [flat(json.loads(path.read_text(encoding="utf-8"))) for path in files[".caption.json"]]


SOURCES = {
    "ManifestFromText": (),
    "ImportCaption": (),
    "OverlayManifest": ("base", "top"),
}
"""The inputs that take a shot, where it is not just ``manifest``."""


def chain(node: str, **inputs: Any) -> dict[str, Any]:
    """The sample shot through one node into a comparison, which needs no model."""
    given = {name: ["1", 0] for name in SOURCES.get(node, ("manifest",))}
    return {
        "1": {"class_type": "StudioFlowLoadManifest", "inputs": {"manifest": "samples/product_hero.json"}},
        "2": {"class_type": f"StudioFlow{node}", "inputs": given | inputs},
        "3": {
            "class_type": "StudioFlowDiffManifests",
            "inputs": {"before": ["1", 0], "after": ["2", 0], "dialect": "fibo-2"},
        },
    }
