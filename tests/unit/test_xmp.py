"""The XMP packet says the facts in the standard properties, carries the documents whole, and invents nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import OpenImageIO as oiio
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from studioflow.color.spaces import DATA
from studioflow.imaging.facts import Facts
from studioflow.imaging.sheet import Layer
from studioflow.imaging.xmp import extension, packet, rational
from studioflow.manifest.load import load

from .tagged_sheets import FACTS, MANIFEST, ORIGIN, TEXTS, noise, sheet

SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "studioflow": "urn:studioflow:xmp:1.0/",
}
PICTURE = noise(4, 6, 3)


def properties(data: bytes) -> ElementTree.Element:
    found = ElementTree.fromstring(data).find(".//rdf:Description", SPACES)
    assert found is not None
    return found


def text_of(data: bytes, name: str) -> str | None:
    return properties(data).findtext(name, namespaces=SPACES)


def items_of(data: bytes, name: str) -> list[str | None]:
    return [item.text for item in properties(data).findall(f"{name}//rdf:li", SPACES)]


def test_facts_are_in_the_standard_properties() -> None:
    data = packet(sheet(PICTURE))
    assert data.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert data.endswith(b'<?xpacket end="w"?>')
    assert text_of(data, "exif:FNumber") == "14/5" and text_of(data, "exif:ExposureTime") == "1/125"
    assert text_of(data, "tiff:ImageWidth") == "6" and text_of(data, "tiff:ImageLength") == "4"
    assert items_of(data, "dc:subject") == list(FACTS.tags) and items_of(data, "dc:title") == [FACTS.title]
    assert items_of(data, "studioflow:lights") == list(FACTS.lights)
    assert text_of(data, "studioflow:range") == ORIGIN and text_of(data, "studioflow:colorspace") == "Adobe RGB"


def test_documents_are_carried_whole() -> None:
    data = packet(sheet(PICTURE))
    assert json.loads(text_of(data, "studioflow:manifest") or "") == MANIFEST
    for key, name in (("studioflow:caption", "caption"), ("prompt", "prompt"), ("workflow", "workflow")):
        assert text_of(data, f"studioflow:{name}") == TEXTS[key]


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_in_a_document_survives(text: str) -> None:
    document = json.dumps({"a": text}, ensure_ascii=False)
    data = packet(sheet(PICTURE, texts={"studioflow:manifest": document}))
    assert json.loads(text_of(data, "studioflow:manifest") or "") == {"a": text}


@given(st.text(st.characters(codec=None), max_size=60))
def test_any_text_of_people_gives_a_packet(text: str) -> None:
    data = packet(sheet(PICTURE, facts=FACTS._replace(title=text, author=text, tags=(text,))))
    found = "".join(filter(None, items_of(data, "dc:title")))
    # What XML has no place for is gone, and its parsers make one line end of all.
    assert set(found) <= set(text) | {"\n"}


def test_what_the_manifest_does_not_say_is_not_there() -> None:
    data = packet(sheet(PICTURE, facts=Facts(captured=FACTS.captured), texts={}))
    names = {element.tag.rpartition("}")[2] for element in properties(data)}
    assert not names & {
        "Make",
        "Model",
        "FNumber",
        "LensModel",
        "Lens",
        "title",
        "creator",
        "rights",
        "Marked",
        "lights",
    }
    assert {"CreateDate", "range", "colorspace"} <= names


@pytest.mark.parametrize(
    ("provenance", "kind"),
    [
        ({"steps": 8}, "trainedAlgorithmicMedia"),
        ({}, "trainedAlgorithmicMedia"),
        ({"images": ["ab"]}, "compositeWithTrainedAlgorithmicMedia"),
        ({"images": ["ab"], "mask": "cd"}, "compositeWithTrainedAlgorithmicMedia"),
        ({"strength": 0.5, "begun_with": "ab"}, "compositeWithTrainedAlgorithmicMedia"),
        ({"continued_at": 4, "first_part": {"steps": 8}}, "trainedAlgorithmicMedia"),
        ({"continued_at": 4, "first_part": {"images": ["ab"]}}, "compositeWithTrainedAlgorithmicMedia"),
    ],
)
def test_what_a_model_rendered_or_edited_says_so(provenance: dict[str, Any], kind: str) -> None:
    texts = TEXTS | {"studioflow:provenance": json.dumps(provenance)}
    found = text_of(packet(sheet(PICTURE, texts=texts)), "Iptc4xmpExt:DigitalSourceType")
    assert found == f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"


@pytest.mark.parametrize("provenance", [None, "no JSON {", "[1]"])
def test_a_model_without_a_readable_provenance(provenance: str | None) -> None:
    texts = {"studioflow:model": "fibo-2"} | ({"studioflow:provenance": provenance} if provenance else {})
    data = packet(sheet(PICTURE, texts=texts))
    assert (text_of(data, "Iptc4xmpExt:DigitalSourceType") or "").endswith("/trainedAlgorithmicMedia")


def test_a_picture_of_no_model_claims_no_source() -> None:
    texts = {key: text for key, text in TEXTS.items() if key != "studioflow:model"}
    texts["studioflow:provenance"] = json.dumps({"range": "linearised", "images": ["ab"]})
    assert b"DigitalSourceType" not in packet(sheet(PICTURE, texts=texts))


def test_the_source_stays_where_documents_go_elsewhere() -> None:
    """A JPEG moves its texts into an extension, and a PNG has them in chunks of their own."""
    texts = TEXTS | {"studioflow:provenance": json.dumps({"images": ["ab"]})}
    data = packet(sheet(PICTURE, texts=texts), {})
    assert b"compositeWithTrainedAlgorithmicMedia" in data and b"studioflow:provenance" not in data


def test_layers_of_numbers_are_named() -> None:
    control = Layer("control \u5927", PICTURE, DATA)
    data = packet(sheet(PICTURE, "Adobe RGB", Layer("alternate", PICTURE), control))
    assert json.loads(text_of(data, "studioflow:data") or "") == ["control \u5927"]
    assert text_of(packet(sheet(PICTURE)), "studioflow:data") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.8, "14/5"), (50.0, "50/1"), (1 / 60, "1/60"), (None, ""), (float("inf"), ""), (0.95, "19/20")],
)
def test_rationals(value: float | None, text: str) -> None:
    assert rational(value) == text


def test_a_foreign_key_becomes_a_name() -> None:
    data = packet(sheet(PICTURE, texts={"my tool/notes": "x"}))
    assert text_of(data, "studioflow:my_tool_notes") == "x"


def test_an_extension_has_the_documents_alone() -> None:
    found = properties(extension({"workflow": TEXTS["workflow"]}))
    assert [element.text for element in found] == [TEXTS["workflow"]]


def test_openimageio_and_our_own_reader_find_it_in_a_file_of_others(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    data = packet(sheet(PICTURE))
    tifffile.imwrite(path, (PICTURE * 255).astype("u1"), photometric="rgb", extratags=[(700, 1, len(data), data, True)])
    attributes = oiio.ImageBuf(str(path)).spec()
    assert json.loads(attributes["studioflow:manifest"]) == MANIFEST
    assert attributes["studioflow:lights"] == "; ".join(FACTS.lights)
    assert load(path)["scene"] == MANIFEST["scene"]
