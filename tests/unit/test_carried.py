"""What pictures carry is found wherever programs put it, and no file ends in anything but our error."""

from __future__ import annotations

import binascii
import hashlib
import io
import json
import struct
import zlib
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from studioflow.errors import ManifestError, StudioFlowError
from studioflow.imaging.facts import Facts
from studioflow.imaging.formats import FORMATS
from studioflow.imaging.sheet import FileSpec, Layer, Sheet
from studioflow.manifest.carried import (
    CAPTION_KEY,
    MANIFEST_KEY,
    Carried,
    carried_text,
    picture_kind,
)
from studioflow.manifest.metadata import entries_of
from studioflow.manifest.parse import MAX_BYTES, parse

MANIFEST = {"studioflow": "1.0", "scene": {"description": 'größe × 大 <&> "quoted"'}}
CAPTION = {"short_description": "a cup, größe 大", "objects": []}
OTHER = {"short_description": "a plate"}
MANIFEST_TEXT = json.dumps(MANIFEST, ensure_ascii=False)
CAPTION_TEXT = json.dumps(CAPTION, ensure_ascii=False)
USER_COMMENT = 0x9286


def read(path: Path) -> Carried:
    kind = picture_kind(path.read_bytes()[:32])
    assert kind
    return carried_text(path, kind)


def document(path: Path) -> object:
    return json.loads(read(path).text)


def refused(path: Path) -> str:
    with pytest.raises(ManifestError) as caught:
        read(path)
    message = str(caught.value)
    assert str(path) in message and "\n  do: " in message
    return message


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def saved(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", binascii.crc32(name + data))


def png(*chunks: bytes, behind: bool = False) -> bytes:
    """A PNG with more chunks before its pixels or behind them."""
    data = saved("PNG")
    at = data.index(b"IEND" if behind else b"IDAT") - 4
    return data[:at] + b"".join(chunks) + data[at:]


def text_chunk(key: str, text: str) -> bytes:
    return chunk(b"tEXt", key.encode("latin-1") + b"\0" + text.encode("utf-8"))


def exif(tags: dict[int, object], sub: dict[int, object] | None = None) -> bytes:
    written = Image.Exif()
    written.update(tags)
    if sub:
        written[0x8769] = sub
    return written.tobytes()


def xmp(properties: str = "", attributes: str = "", head: str = "") -> bytes:
    return (
        f'{head}<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:studioflow="urn:studioflow:xmp:1.0/" '
        f"{attributes}>{properties}"
        '</rdf:Description></rdf:RDF></x:xmpmeta>\n   <?xpacket end="w"?>'
    ).encode()


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def extended_jpeg(packet: bytes, size: int, leave_out: int | None = None) -> bytes:
    """A JPEG that has the packet in segments of that size, the last of them first, under the digest that its own
    small packet names; and one segment of another packet."""
    digest = hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()
    head, whole_size = b"http://ns.adobe.com/xmp/extension/\0", struct.pack(">I", len(packet))
    pieces = [
        head + digest + whole_size + struct.pack(">I", at) + packet[at : at + size]
        for at in range(0, len(packet), size)
        if at // size != leave_out
    ]
    pieces.append(head + b"0" * 32 + struct.pack(">II", 5, 0) + b"other")
    named = xmp(attributes=f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest.decode()}"')
    data = saved("JPEG", xmp=named)
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(piece) + 2) + piece for piece in reversed(pieces))
    return data[:2] + segments + data[2:]


OUR_XMP = xmp(f"<studioflow:manifest>{escaped(MANIFEST_TEXT)}</studioflow:manifest>")


def exr(path: Path, header: dict[str, object], **more: dict[str, object]) -> Path:
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage, **texts}, {"Y": np.zeros((4, 4), np.float16)}, name)
        for name, texts in {"main": header, **more}.items()
    ]
    OpenEXR.File(parts).write(str(path))
    return path


def tiff(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    pixels = np.zeros((4, 4, 3), np.uint8) if pixels is None else pixels
    tifffile.imwrite(path, pixels, photometric="rgb", metadata=None, **options)
    return path


def xmp_tag(packet: bytes) -> list[tuple]:
    return [(700, 1, len(packet), packet, True)]


def graph(**nodes: tuple[str, dict[str, object]]) -> str:
    return json.dumps({name[1:]: {"class_type": kind, "inputs": inputs} for name, (kind, inputs) in nodes.items()})


FIBO_GRAPH = graph(
    _4=("CLIPLoader", {"clip_name": "qwen3vl_4b.safetensors", "type": "fibo2"}),
    _6=("TextEncodeFibo2", {"clip": ["4", 0], "prompt": CAPTION_TEXT, "negative_prompt": json.dumps(OTHER)}),
)


@pytest.mark.parametrize("kind", FORMATS)
def test_our_own_deliveries(tmp_path: Path, kind: str) -> None:
    texts = {MANIFEST_KEY: MANIFEST_TEXT, CAPTION_KEY: CAPTION_TEXT, "prompt": FIBO_GRAPH}
    space = "Linear Rec.709" if kind == "exr" else "sRGB"
    picture = Layer("beauty", np.zeros((8, 8, 3), np.float32), space)
    sheet = Sheet((picture,), space, lambda band, _: band.copy(), texts, Facts(datetime.now(timezone.utc)), "black")
    FORMATS[kind].writer()(
        tmp_path / f"a.{kind}", sheet, FileSpec(kind, space, 16 if kind == "exr" else 8, compression="zip")
    )
    carried = read(tmp_path / f"a.{kind}")
    assert json.loads(carried.text) == MANIFEST and not carried.is_caption
    what = {"png": 'PNG text chunk "studioflow:manifest"', "exr": 'EXR attribute "studioflow:manifest"'}
    assert carried.where == what.get(kind, "XMP property studioflow:manifest")


def test_kind_is_told_by_the_first_bytes() -> None:
    for kind in ("PNG", "WebP", "JPEG", "TIFF", "AVIF"):
        assert picture_kind(saved(kind)[:12]) == kind
    assert picture_kind(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif") == "AVIF"
    assert picture_kind(b"\x76\x2f\x31\x01\x02\0\0\0") == "EXR"
    assert picture_kind(b"II+\0\x08\0\0\0") == picture_kind(b"MM\0*") == "TIFF"
    for other in (b"", b"{}", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b"GIF89a", b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", b"II"):
        assert picture_kind(other) is None


# Every way in which a document can stand in a file, with the place that is told for it.
WAYS: dict[str, tuple[Callable[[Path], object], str, dict]] = {
    "tEXt of our own key": (
        lambda path: write(path, png(text_chunk(MANIFEST_KEY, json.dumps(MANIFEST)))),
        'PNG text chunk "studioflow:manifest"',
        MANIFEST,
    ),
    "tEXt in UTF-8": (
        lambda path: write(path, png(text_chunk("x", MANIFEST_TEXT))),
        'PNG text chunk "x"',
        MANIFEST,
    ),
    "tEXt in Latin-1": (
        lambda path: write(path, png(chunk(b"tEXt", 'x\0{"short_description": "größe"}'.encode("latin-1")))),
        'PNG text chunk "x"',
        {"short_description": "größe"},
    ),
    "zTXt": (
        lambda path: write(path, png(chunk(b"zTXt", b"x\0\0" + zlib.compress(MANIFEST_TEXT.encode())))),
        'PNG text chunk "x"',
        MANIFEST,
    ),
    "iTXt": (
        lambda path: write(path, png(chunk(b"iTXt", b"x\0\0\0de\0\xc3\xbc\0" + MANIFEST_TEXT.encode()))),
        'PNG text chunk "x"',
        MANIFEST,
    ),
    "compressed iTXt": (
        lambda path: write(path, png(chunk(b"iTXt", b"x\0\1\0\0\0" + zlib.compress(MANIFEST_TEXT.encode())))),
        'PNG text chunk "x"',
        MANIFEST,
    ),
    "text behind the pixels": (
        lambda path: write(path, png(text_chunk("x", MANIFEST_TEXT), behind=True)),
        'PNG text chunk "x"',
        MANIFEST,
    ),
    "a string of JSON, as ComfyUI saves one": (
        lambda path: write(path, png(text_chunk("studioflow_manifest", json.dumps(json.dumps(MANIFEST))))),
        'PNG text chunk "studioflow_manifest"',
        MANIFEST,
    ),
    "caption under our key": (
        lambda path: write(path, png(text_chunk("a", json.dumps(OTHER)), text_chunk(CAPTION_KEY, CAPTION_TEXT))),
        'PNG text chunk "studioflow:caption"',
        CAPTION,
    ),
    "XMP in a PNG": (
        lambda path: write(path, png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + OUR_XMP))),
        "XMP property studioflow:manifest",
        MANIFEST,
    ),
    "EXIF in a PNG": (
        lambda path: write(path, saved("PNG", exif=exif({270: json.dumps(MANIFEST)}))),
        "EXIF tag ImageDescription",
        MANIFEST,
    ),
    "EXR string attribute": (
        lambda path: exr(path, {"comments": CAPTION_TEXT, "owner": "größe"}),
        'EXR attribute "comments"',
        CAPTION,
    ),
    "EXR of several parts": (
        lambda path: exr(path, {"owner": "me"}, second={MANIFEST_KEY: MANIFEST_TEXT}),
        'EXR attribute "studioflow:manifest" of part 2',
        MANIFEST,
    ),
    "TIFF ImageDescription": (
        lambda path: tiff(path, description=MANIFEST_TEXT.encode()),
        "TIFF tag ImageDescription",
        MANIFEST,
    ),
    "TIFF XMP": (lambda path: tiff(path, extratags=xmp_tag(OUR_XMP)), "XMP property studioflow:manifest", MANIFEST),
    "TIFF of floats": (
        lambda path: tiff(path, np.zeros((4, 4, 3), np.float32), extratags=xmp_tag(OUR_XMP)),
        "XMP property studioflow:manifest",
        MANIFEST,
    ),
    "TIFF of 16 bits, big-endian": (
        lambda path: tiff(path, np.zeros((4, 4, 3), np.uint16), byteorder=">", description=CAPTION_TEXT.encode()),
        "TIFF tag ImageDescription",
        CAPTION,
    ),
    "BigTIFF": (
        lambda path: tiff(path, bigtiff=True, description=CAPTION_TEXT.encode()),
        "TIFF tag ImageDescription",
        CAPTION,
    ),
    "TIFF of many pages": (
        lambda path: tiff(path, np.zeros((20, 4, 4, 3), np.uint8), description=CAPTION_TEXT.encode()),
        "TIFF tag ImageDescription",
        CAPTION,
    ),
    "TIFF tag of no name": (
        lambda path: tiff(path, extratags=[(65000, 7, len(MANIFEST_TEXT.encode()), MANIFEST_TEXT.encode(), True)]),
        "TIFF tag 65000",
        MANIFEST,
    ),
    "WebP XMP": (
        lambda path: write(path, saved("WebP", xmp=OUR_XMP)),
        "XMP property studioflow:manifest",
        MANIFEST,
    ),
    "XMP attribute": (
        lambda path: write(path, saved("WebP", xmp=xmp(attributes=f'studioflow:manifest="{escaped(MANIFEST_TEXT)}"'))),
        "XMP property studioflow:manifest",
        MANIFEST,
    ),
    "XMP description": (
        lambda path: write(
            path,
            saved(
                "WebP",
                xmp=xmp(
                    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">'
                    f"{escaped(CAPTION_TEXT)}</rdf:li></rdf:Alt></dc:description>"
                ),
            ),
        ),
        "XMP property dc:description",
        CAPTION,
    ),
    "UserComment in ASCII": (
        lambda path: write(
            path, saved("WebP", exif=exif({}, {USER_COMMENT: b"ASCII\0\0\0" + json.dumps(CAPTION).encode()}))
        ),
        "EXIF tag UserComment",
        CAPTION,
    ),
    "UserComment in UTF-16": (
        lambda path: write(
            path, saved("WebP", exif=exif({}, {USER_COMMENT: b"UNICODE\0" + MANIFEST_TEXT.encode("utf-16-be")}))
        ),
        "EXIF tag UserComment",
        MANIFEST,
    ),
    "UserComment in the other UTF-16": (
        lambda path: write(
            path, saved("JPEG", exif=exif({}, {USER_COMMENT: b"UNICODE\0" + MANIFEST_TEXT.encode("utf-16-le")}))
        ),
        "EXIF tag UserComment",
        MANIFEST,
    ),
    "XPComment": (
        lambda path: write(path, saved("JPEG", exif=exif({40092: MANIFEST_TEXT.encode("utf-16-le") + b"\0\0"}))),
        "EXIF tag XPComment",
        MANIFEST,
    ),
    "JPEG comment": (lambda path: write(path, saved("JPEG", comment=MANIFEST_TEXT)), "JPEG comment", MANIFEST),
    "AVIF XMP": (lambda path: write(path, saved("AVIF", xmp=OUR_XMP)), "XMP property studioflow:manifest", MANIFEST),
    "AVIF as ComfyUI writes WebP": (
        lambda path: write(path, saved("AVIF", exif=exif({272: f"prompt:{FIBO_GRAPH}"}))),
        'node 6 (TextEncodeFibo2), input prompt, in EXIF tag Model "prompt"',
        CAPTION,
    ),
    "JPEG XMP": (lambda path: write(path, saved("JPEG", xmp=OUR_XMP)), "XMP property studioflow:manifest", MANIFEST),
    "name and colon before the JSON": (
        lambda path: write(path, saved("WebP", exif=exif({0x010F: f"{MANIFEST_KEY}:{json.dumps(MANIFEST)}"}))),
        'EXIF tag Make "studioflow:manifest"',
        MANIFEST,
    ),
    "graph in a WebP of ComfyUI": (
        lambda path: write(
            path, saved("WebP", exif=exif({0x0110: f"prompt:{FIBO_GRAPH}", 0x010F: 'workflow:{"nodes": []}'}))
        ),
        'node 6 (TextEncodeFibo2), input prompt, in EXIF tag Model "prompt"',
        CAPTION,
    ),
    "graph in a PNG of ComfyUI": (
        lambda path: write(path, png(text_chunk("prompt", FIBO_GRAPH), text_chunk("workflow", '{"nodes": []}'))),
        'node 6 (TextEncodeFibo2), input prompt, in PNG text chunk "prompt"',
        CAPTION,
    ),
}


# A name that says nothing, and no suffix: neither counts.
@pytest.mark.parametrize("way", WAYS)
def test_found_wherever_programs_put_it(tmp_path: Path, way: str) -> None:
    make, where, expected = WAYS[way]
    make(tmp_path / "picture.exr" if where.startswith("EXR") else tmp_path / "picture")
    (path,) = tmp_path.iterdir()
    carried = read(path)
    assert parse(carried.text, "").document == expected
    assert carried.where == where
    assert carried.is_caption == (expected is not MANIFEST)


def test_a_jpeg_with_more_xmp_than_fits_into_a_segment(tmp_path: Path) -> None:
    large = {**MANIFEST, "extensions": {"x": {"text": "é" * 200_000}}}
    packet = xmp(f"<studioflow:manifest>{escaped(json.dumps(large))}</studioflow:manifest>")
    assert document(write(tmp_path / "a.jpg", extended_jpeg(packet, 65_000))) == large
    for missing in (0, 1, len(packet) // 65_000):
        message = refused(write(tmp_path / "a.jpg", extended_jpeg(packet, 65_000, leave_out=missing)))
        assert "a part of it is missing" in message


def test_properties_that_are_no_documents_are_given_when_asked_for(tmp_path: Path) -> None:
    packet = xmp("<dc:title>A cup</dc:title><studioflow:seed>7</studioflow:seed>", 'dc:format="image/jpeg"')
    path = write(tmp_path / "a.jpg", saved("JPEG", xmp=packet))
    assert [entry.key for entry in entries_of(path, "JPEG")] == ["XMP"]
    found = {entry.key: entry.text for entry in entries_of(path, "JPEG", all_properties=True)}
    assert found == {"XMP": "", "dc:title": "A cup", "studioflow:seed": "7", "dc:format": "image/jpeg"}


def test_a_suffix_does_not_count(tmp_path: Path) -> None:
    assert document(write(tmp_path / "a.json", saved("WebP", xmp=OUR_XMP))) == MANIFEST


def test_the_best_document_wins(tmp_path: Path) -> None:
    chunks = {
        "prompt": FIBO_GRAPH,
        "parameters": json.dumps(OTHER),
        "my_manifest": json.dumps({"studioflow": "1.0", "caption": {}}),
        CAPTION_KEY: CAPTION_TEXT,
        MANIFEST_KEY: json.dumps(MANIFEST),
        "studioflow:provenance": '{"studioflow": "0.1"}',
    }
    for key in (MANIFEST_KEY, CAPTION_KEY, "my_manifest", "parameters", "prompt"):
        path = write(tmp_path / "a.png", png(*(text_chunk(name, text) for name, text in chunks.items())))
        assert f'"{key}"' in read(path).where
        del chunks[key]
    assert "studioflow:provenance" in refused(write(path, png(*(text_chunk(*item) for item in chunks.items()))))


def test_a_megabyte_and_more_of_manifest(tmp_path: Path) -> None:
    large = MANIFEST | {"meta": {"notes": "ü" * 3_000_000}}
    info = PngImagePlugin.PngInfo()
    info.add_itxt(MANIFEST_KEY, json.dumps(large, ensure_ascii=False))
    assert document(write(tmp_path / "plain.png", saved("PNG", pnginfo=info))) == large
    # Pillow decompresses no more than a megabyte.
    packed = chunk(b"zTXt", b"x\0\0" + zlib.compress(json.dumps(large, ensure_ascii=False).encode()))
    message = refused(write(tmp_path / "packed.png", png(packed)))
    assert "MAX_TEXT_CHUNK" in message and "1 MiB in one that a PNG compresses" in message


def test_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    body = '{"studioflow": "' + "0" * MAX_BYTES + '"}'
    for key in (MANIFEST_KEY, "x"):
        assert "more than 8 MiB" in refused(write(path, png(text_chunk(key, body))))
    assert "more than 8 MiB" in refused(tiff(tmp_path / "a.tif", extratags=[(65000, 2, 0, body, True)]))
    # A workflow that is too large does not hide a manifest.
    both = png(text_chunk("workflow", "x" * MAX_BYTES * 2), text_chunk("x", MANIFEST_TEXT))
    assert document(write(path, both)) == MANIFEST


def test_many_megabytes_of_texts_are_refused(tmp_path: Path) -> None:
    many = png(*[text_chunk("x", "x" * MAX_BYTES)] * 9)
    assert "Too much memory" in refused(write(tmp_path / "a.png", many))


def test_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    path = write(tmp_path / "a.webp", saved("WebP", xmp=xmp("<dc:x>&b;</dc:x>", head=bomb)))
    assert "document type" in refused(path)


@pytest.mark.parametrize(
    "nodes",
    [
        {"_1": ("PrimitiveStringMultiline", {"value": CAPTION_TEXT}), "_2": ("X", {"prompt": ["1", 0]})},
        {"_1": ("BriaImageGenerate", {"prompt": "", "structured_prompt": CAPTION_TEXT})},
        {"_1": ("StudioFlowFiboSampler", {"caption": CAPTION_TEXT, "negative": json.dumps(OTHER)})},
        # The same caption twice, written differently.
        {"_1": ("A", {"text": CAPTION_TEXT}), "_2": ("B", {"text": json.dumps(CAPTION, indent=2)})},
        # A text node is negative by what it is wired to.
        {
            "_1": ("TextEncodeFibo2", {"prompt": CAPTION_TEXT, "negative_prompt": ["2", 0]}),
            "_2": ("PrimitiveString", {"value": json.dumps(OTHER)}),
        },
        # Nothing but a negative one is better than nothing.
        {"_1": ("TextEncodeFibo2", {"prompt": "a cup", "negative_prompt": CAPTION_TEXT})},
    ],
)
def test_the_caption_of_a_graph(tmp_path: Path, nodes: dict) -> None:
    carried = read(write(tmp_path / "a.png", png(text_chunk("prompt", graph(**nodes)))))
    assert json.loads(carried.text) == CAPTION and carried.is_caption and carried.where.startswith("node 1 ")


def test_several_captions_in_a_graph_are_listed(tmp_path: Path) -> None:
    both = graph(_3=("TextEncodeFibo2", {"prompt": CAPTION_TEXT}), _9=("BriaImageGenerate", {"x": json.dumps(OTHER)}))
    message = refused(write(tmp_path / "a.png", png(text_chunk("prompt", both))))
    assert "node 3 (TextEncodeFibo2)" in message and "node 9 (BriaImageGenerate)" in message


def test_manifests_that_differ_are_listed(tmp_path: Path) -> None:
    other = text_chunk("b", json.dumps(MANIFEST | {"meta": {}}))
    message = refused(write(tmp_path / "a.png", png(text_chunk("a", MANIFEST_TEXT), other)))
    assert 'PNG text chunk "a"; PNG text chunk "b"' in message


def test_nothing_found_says_what_the_file_has(tmp_path: Path) -> None:
    shown = refused(write(tmp_path / "a.png", png(text_chunk("parameters", "a cup"), text_chunk("workflow", "{}"))))
    assert 'PNG text chunk "parameters"; PNG text chunk "workflow"' in shown and "--disable-metadata" in shown
    for kind in ("PNG", "WebP", "JPEG"):
        assert f"a {kind} without text" in refused(write(tmp_path / "a", saved(kind)))
    assert "TIFF tag Software" in refused(tiff(tmp_path / "a.tif", software="x"))
    assert "EXR" in refused(exr(tmp_path / "a.exr", {}))


def test_hostile_names_do_not_spoil_the_error(tmp_path: Path) -> None:
    many = [text_chunk(f"\x1b[31m\n{number}", "x") for number in range(1000)]
    message = refused(write(tmp_path / "a.png", png(*many)))
    assert "\x1b" not in message and "988 more" in message and message.count("\n") == 3


def test_a_broken_manifest_is_not_passed_over(tmp_path: Path) -> None:
    # Its text is given as it stands, for the parser to say where it is wrong.
    path = write(tmp_path / "a.png", png(text_chunk(MANIFEST_KEY, "{oops"), text_chunk(CAPTION_KEY, CAPTION_TEXT)))
    assert read(path).text == "{oops"
    bent = bytearray(path.read_bytes())
    bent[bent.index(b"{oops") + 1] ^= 1
    assert "checksum" in refused(write(path, bytes(bent)))
    packed = MANIFEST_KEY.encode() + b"\0\0" + zlib.compress(MANIFEST_TEXT.encode())
    cut = read(write(path, png(chunk(b"zTXt", packed[:-9]), text_chunk(CAPTION_KEY, CAPTION_TEXT))))
    assert cut.text and MANIFEST_TEXT.encode().startswith(cut.text.encode()) and not cut.is_caption
    bent = chunk(b"zTXt", packed[:22] + b"\xff" + packed[23:])
    assert "empty or damaged" in refused(write(path, png(bent, text_chunk(CAPTION_KEY, CAPTION_TEXT))))


def test_an_exr_with_text_that_is_not_utf_8(tmp_path: Path) -> None:
    path = exr(tmp_path / "a.exr", {"owner": "xxxx", MANIFEST_KEY: MANIFEST_TEXT})
    assert "a text that is not UTF-8" in refused(write(path, path.read_bytes().replace(b"xxxx", b"\xff\xfexx")))


def test_text_behind_the_pixels_costs_reading_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 63)
    path = write(tmp_path / "a.png", png(text_chunk("x", MANIFEST_TEXT)))
    assert document(path) == MANIFEST
    assert "behind more than 63 pixels" in refused(write(path, png(text_chunk("x", MANIFEST_TEXT), behind=True)))
    monkeypatch.undo()
    bent = png(text_chunk("x", CAPTION_TEXT), behind=True).replace(b"a cup", b"a cap")
    assert "checksum" in refused(write(path, bent))


def test_damage_prints_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    data = tiff(tmp_path / "a.tif", description=CAPTION_TEXT.encode(), extratags=xmp_tag(OUR_XMP)).read_bytes()
    assert "cut off or damaged" in refused(write(tmp_path / "a.tif", data[:300]))
    broken_exif = write(tmp_path / "a.jpg", saved("JPEG", exif=exif({270: CAPTION_TEXT})[:60], xmp=OUR_XMP))
    assert document(broken_exif) == MANIFEST
    assert not caplog.records and not recwarn.list


def test_a_broken_exif_does_not_hide_a_manifest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.webp", saved("WebP", exif=b"Exif\0\0II*\0\xff\xff\0\0", xmp=OUR_XMP))
    assert document(path) == MANIFEST


def test_tags_in_a_circle(tmp_path: Path) -> None:
    circle = struct.pack("<2sHIHHHIII", b"II", 42, 8, 1, 34665, 4, 1, 8, 8)
    assert "without text" in refused(write(tmp_path / "a.tif", circle))
    too_many = struct.pack("<2sHIH", b"II", 42, 8, 65535) + bytes(65535 * 12)
    assert "cannot be read" in refused(write(tmp_path / "a.tif", too_many))


def test_tags_that_all_point_at_one_text_are_bounded(tmp_path: Path) -> None:
    count, size = 4000, 4 * 1024 * 1024
    tags = b"".join(struct.pack("<HHII", 60000 + number % 5000, 2, size, 100_000) for number in range(count))
    data = struct.pack("<2sHIH", b"II", 42, 8, count) + tags
    data = data.ljust(100_000, b"\0") + b"x" * size
    assert "more than 64 MiB" in refused(write(tmp_path / "a.tif", data))
    block = b"Exif\0\0" + data[: 100_000 + MAX_BYTES // 4]
    assert document(write(tmp_path / "a.webp", saved("WebP", exif=block, xmp=OUR_XMP))) == MANIFEST


def test_a_deep_document_is_no_document(tmp_path: Path) -> None:
    deep = '{"short_description":' + "[" * 100_000 + "]" * 100_000 + "}"
    path = write(tmp_path / "a.png", png(text_chunk("x", deep), text_chunk("prompt", FIBO_GRAPH)))
    assert document(path) == CAPTION
    path = write(tmp_path / "b.png", png(*[text_chunk(MANIFEST_KEY, deep)] * 2))
    assert read(path).text == deep


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for kind in ("PNG", "EXR", "TIFF"):
        with pytest.raises(StudioFlowError, match=r"No such file|Unable to open"):
            carried_text(tmp_path / "a", kind)


@pytest.mark.parametrize("kind", ["PNG", "EXR", "TIFF", "WebP", "AVIF", "JPEG"])
def test_an_empty_file(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        carried_text(write(tmp_path / "a", b""), kind)


# Files with a manifest and, before it or behind it, a caption that must not be taken for it.
CUT = ("PNG", "PNG behind", "EXR", "EXR parts", "TIFF", "BigTIFF", "WebP", "AVIF", "JPEG", "JPEG extended")


def whole(name: str, path: Path) -> bytes:
    both = {270: json.dumps(CAPTION)}
    if name == "PNG":
        path.write_bytes(png(text_chunk("a", CAPTION_TEXT), text_chunk(MANIFEST_KEY, MANIFEST_TEXT)))
    elif name == "PNG behind":
        path.write_bytes(png(text_chunk("a", CAPTION_TEXT), text_chunk(MANIFEST_KEY, MANIFEST_TEXT), behind=True))
    elif name == "EXR":
        exr(path, {CAPTION_KEY: CAPTION_TEXT, MANIFEST_KEY: MANIFEST_TEXT})
    elif name == "EXR parts":
        exr(path, {"a": CAPTION_TEXT}, second={MANIFEST_KEY: MANIFEST_TEXT})
    elif name == "JPEG extended":
        write(path, extended_jpeg(OUR_XMP, 600))
    elif name in ("WebP", "AVIF", "JPEG"):
        path.write_bytes(saved(name, exif=exif(both), xmp=OUR_XMP))
    else:
        tiff(path, bigtiff=name == "BigTIFF", description=CAPTION_TEXT.encode(), extratags=xmp_tag(OUR_XMP))
    return path.read_bytes()


@pytest.mark.parametrize("name", CUT)
def test_cut_off_anywhere_gives_the_manifest_or_our_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.exr"
    data = whole(name, path)
    kind = name.split()[0].removeprefix("Big")
    for length in range(0, len(data), 3):
        path.write_bytes(data[:length])
        try:
            carried = carried_text(path, kind)
        except ManifestError:
            continue
        assert json.loads(carried.text) == MANIFEST
    path.write_bytes(data)
    assert json.loads(carried_text(path, kind).text) == MANIFEST


@pytest.mark.parametrize("name", CUT)
def test_bent_bytes_end_in_our_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.exr"
    data = whole(name, path)
    rng = np.random.default_rng(1)
    for _ in range(400):
        bent = bytearray(data)
        for at in rng.integers(0, len(bent), rng.integers(1, 5)):
            bent[at] = rng.choice([0, 1, 127, 255, rng.integers(256)])
        path.write_bytes(bent)
        try:
            carried_text(path, name.split()[0].removeprefix("Big"))
        except StudioFlowError:
            continue


@pytest.mark.parametrize("kind", ["PNG", "EXR", "TIFF", "WebP", "AVIF", "JPEG"])
def test_any_file_as_any_kind(tmp_path: Path, kind: str) -> None:
    for name in CUT:
        path = tmp_path / "a.exr"
        whole(name, path)
        try:
            carried_text(path, kind)
        except StudioFlowError:
            continue
