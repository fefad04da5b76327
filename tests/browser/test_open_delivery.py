"""Files with a workflow inside, dropped on ComfyUI's canvas or chosen with Workflow > Open."""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import expect

import dev
from studioflow.delivery.deliver import Documents, Naming, deliver
from studioflow.delivery.layers import picture_of
from studioflow.delivery.menus import NO_SIDECARS
from studioflow.delivery.presets import spec_of
from studioflow.errors import Place

from .canvas import Canvas

PIXELS = np.linspace(0, 1, 16 * 16 * 3, dtype=np.float32).reshape(16, 16, 3)
EIGHT_BITS = Image.fromarray((PIXELS * 255).astype(np.uint8))


def graph(notes: int, words: str = "") -> str:
    """A workflow of so many notes, by which it is known again."""
    nodes = [
        {"id": number, "type": "Note", "pos": [0, 200 * number], "size": [200, 100], "flags": {}, "order": number,
         "mode": 0, "inputs": [], "outputs": [], "properties": {}, "widgets_values": [f"é {number} <&> {words}"]}
        for number in range(1, notes + 1)
    ]  # fmt: skip
    return json.dumps(
        {"last_node_id": notes, "last_link_id": 0, "nodes": nodes, "links": [], "groups": [], "version": 0.4}
    )


def xmp(more: str = "", **properties: str) -> bytes:
    inside = "".join(f"<studioflow:{name}>{escape(text)}</studioflow:{name}>" for name, text in properties.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:studioflow="urn:studioflow:xmp:1.0/" '
        f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" {more}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def exr(path: Path, parts: int = 1, **texts: str) -> Path:
    headers = [texts if number == 0 else {} for number in range(parts)]
    long_name = {"a" * 200: "an attribute whose name is long"}
    names = ("beauty", "other")
    OpenEXR.File(
        [OpenEXR.Part(header | long_name, {"RGB": PIXELS}, name) for header, name in zip(headers, names, strict=False)]
    ).write(str(path))
    return path


def tiff(path: Path, packet: bytes, **options: Any) -> Path:
    tags = [(700, 1, len(packet), packet, True)]
    tifffile.imwrite(path, PIXELS, photometric="rgb", metadata=None, extratags=tags, **options)
    return path


def jpeg_with_extended_xmp(path: Path, text: str) -> Path:
    """A packet of which the second half is in segments of 60 000 bytes, the last of them first."""
    whole = xmp(workflow=text)
    digest = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode()
    head = b"http://ns.adobe.com/xmp/extension/\0" + digest
    pieces = [
        head + struct.pack(">II", len(whole), at) + whole[at : at + 60_000] for at in range(0, len(whole), 60_000)
    ]
    assert len(pieces) > 1
    EIGHT_BITS.save(path, quality=95, xmp=xmp(f'xmpNote:HasExtendedXMP="{digest.decode()}"'))
    data = path.read_bytes()
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(piece) + 2) + piece for piece in reversed(pieces))
    path.write_bytes(data[:2] + segments + data[2:])
    return path


def comfyui_exif(workflow: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = f"workflow:{workflow}"
    return exif


def expect_notes(canvas: Canvas, count: int, name: str) -> None:
    canvas.wait_until("count => app.graph.nodes.length === count", count)
    assert canvas.nodes() == {"Note": count}, name
    assert canvas.page.evaluate("() => app.graph.nodes[0].widgets[0].value").startswith("é 1 <&>"), name
    assert canvas.page.evaluate("() => app.extensionManager.workflow.activeWorkflow.filename") == name


def test_dropped_files_restore_the_workflow_in_them(canvas: Canvas, tmp_path: Path) -> None:
    workflow = [graph(notes) for notes in range(12)]
    long = graph(9, "x" * 20_000)
    files = [
        exr(tmp_path / "a1.exr", workflow=workflow[1], prompt="{}"),
        exr(tmp_path / "a2.exr", parts=2, workflow=workflow[2]),
        tiff(tmp_path / "a3.tif", xmp(workflow=workflow[3])),
        tiff(tmp_path / "a4.tif", xmp(workflow=workflow[4]), byteorder=">"),
        tiff(tmp_path / "a5.tif", xmp(workflow=workflow[5]), bigtiff=True),
        tiff(tmp_path / "a6.tif", xmp(workflow=workflow[6]), bigtiff=True, byteorder=">"),
        tmp_path / "a7.jpg",
        tmp_path / "a8.avif",
        jpeg_with_extended_xmp(tmp_path / "a9.jpg", long),
        tmp_path / "a10.webp",
        tmp_path / "a11.jpg",
    ]
    EIGHT_BITS.save(files[6], quality=95, xmp=xmp(workflow=workflow[7]))
    EIGHT_BITS.save(files[7], exif=comfyui_exif(json.dumps(json.loads(workflow[8]))))
    EIGHT_BITS.save(files[9], exif=comfyui_exif(json.dumps(json.loads(workflow[10]))))
    EIGHT_BITS.save(files[10], quality=95, xmp=xmp(workflow=workflow[11]))
    data = files[10].read_bytes()
    files[10].write_bytes(data[:2] + b"\xff" * 3 + data[2:])  # fill bytes, as the standard allows before any marker
    for count, file in enumerate(files, 1):
        canvas.drop(file)
        expect_notes(canvas, count, file.stem)
    canvas.expect_no_complaint()


def test_what_studioflow_writes_opens_its_workflow(canvas: Canvas, tmp_path: Path) -> None:
    """Every format that Save Delivery writes, beside another pack that also looks at files."""
    canvas.page.evaluate(
        """() => {
            const inner = window.handleFileBefore = app.handleFile
            window.seen = []
            app.handleFile = async function (file, ...rest) {
                seen.push(file.name)
                return inner.call(this, file, ...rest)
            }
        }"""
    )
    names = []
    for notes, file_format in enumerate(("exr", "tiff", "jpeg", "png", "webp", "avif"), 1):
        workflow = json.loads(graph(notes, "x" * 100_000 if file_format == "jpeg" else ""))
        texts = Documents(manifest=None, caption="", provenance={}, workflow={"workflow": workflow})
        spec = spec_of({"format": file_format}, Place("test"))
        naming = Naming(tmp_path, f"ours_{file_format}")
        file = deliver((picture_of(PIXELS[None], "sRGB"),), texts, [spec], naming, sidecars=NO_SIDECARS).pictures[0]
        canvas.drop(file)
        expect_notes(canvas, notes, file.stem)
        names.append(file.name)
    assert canvas.page.evaluate("() => seen") == names
    canvas.page.evaluate("() => { app.handleFile = handleFileBefore }")  # the page stays
    canvas.expect_no_complaint()


def test_a_file_with_a_prompt_alone_gives_its_nodes(canvas: Canvas, tmp_path: Path) -> None:
    prompt = (dev.ROOT / "recipes" / "api" / "caption_rescue.json").read_text(encoding="utf-8")
    canvas.drop(exr(tmp_path / "prompt.exr", prompt=prompt, workflow="{ not json"))
    nodes = Counter(node["class_type"] for node in json.loads(prompt).values())
    canvas.wait_until("count => app.graph.nodes.length === count", nodes.total())
    assert canvas.nodes() == nodes


def test_workflow_open_offers_and_opens_them(canvas: Canvas, tmp_path: Path) -> None:
    chooser = canvas.page.locator("#comfy-file-input")
    accepted = (chooser.get_attribute("accept") or "").split(",")
    assert {".exr", ".tif", ".tiff", ".json", ".png"} <= set(accepted)
    chooser.set_input_files(exr(tmp_path / "chosen.exr", workflow=graph(2)))
    expect_notes(canvas, 2, "chosen")


@pytest.mark.parametrize("kind", ["cut off", "without"])
def test_other_files_are_left_to_comfyui(canvas: Canvas, tmp_path: Path, kind: str) -> None:
    canvas.open_recipe("caption_rescue")
    before = canvas.nodes()
    file = exr(tmp_path / "other.exr", **({"workflow": graph(3)} if kind == "cut off" else {}))
    if kind == "cut off":
        data = file.read_bytes()
        file.write_bytes(data[: data.index(b"workflow\0string\0") + 200])
    canvas.drop(file)
    if canvas.renderer.frontend:
        # The newest frontend makes a Load Image of any picture without a workflow.
        canvas.wait_until("count => app.graph.nodes.length === count", before.total() + 1)
        before["LoadImage"] += 1
    else:
        expect(canvas.page.get_by_text("other.exr").filter(visible=True).first).to_be_visible()
    assert canvas.nodes() == before
