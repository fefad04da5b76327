"""XMP: what a picture file says of its picture, its camera, its light and its rights, and StudioFlow's documents.

Sources: ISO 16684-1 (XMP part 1), XMP part 2 (properties by namespace) and part 3 (how files carry them), Exif 2.32
for XMP (CIPA DC-010), IPTC Photo Metadata 2023.1 (Iptc4xmpExt), and studioflow/manifest/carried.py for the names of
our own documents.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any
from xml.etree import ElementTree

from .. import VERSION
from .documents import MODEL_KEY, PROVENANCE_KEY, json_object
from .icc import profile_for
from .sheet import Sheet

SOFTWARE = f"StudioFlow {VERSION}"

_NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "studioflow": "urn:studioflow:xmp:1.0/",
}
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_EDITED = ("images", "mask", "begun_with")
"""In a render's provenance: digests of what was there before it."""
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# All that XML 1.0 (section 2.2) has no place for, not even as a reference.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_.-]")


class Bag(tuple[str, ...]):
    """Values in no order."""


class Alt(str):
    """A text that may be there in several languages; here always in the default one."""


def packet(sheet: Sheet, texts: Mapping[str, str] | None = None, *, extended: str = "") -> bytes:
    """The whole packet: the standard properties, and the documents of ``sheet.texts`` (or of ``texts`` instead).

    ``extended`` is the GUID of a JPEG's ExtendedXMP. Nothing is in it that the manifest does not say: no make and
    model of a camera, for one. The light is told in words, because no standard has numbers for a studio's lights.
    """
    documents = sheet.texts if texts is None else texts
    note = {"xmpNote:HasExtendedXMP": extended}
    body = _rdf({**dict(_standard(sheet)), **_named({**documents, **sheet.own_texts}), **note})
    # The packet ends writable; the byte order mark in its head says that it is UTF-8.
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n' + body + b'\n<?xpacket end="w"?>'


def extension(texts: Mapping[str, str]) -> bytes:
    """The documents that a JPEG's packet has no room for; an x:xmpmeta without a packet around it, as part 3 asks."""
    return _rdf(_named(texts))


def _named(texts: Mapping[str, str]) -> dict[str, str]:
    """ComfyUI's "prompt" becomes studioflow:prompt; what is no name in XML is made one."""
    names = {key: _NOT_A_NAME.sub("_", key.removeprefix("studioflow:")) for key in texts}
    return {f"studioflow:{names[key]}": text for key, text in texts.items()}


def _standard(sheet: Sheet) -> Iterator[tuple[str, Any]]:
    facts = sheet.facts
    height, width, channels = sheet.picture.pixels.shape
    captured = facts.captured.isoformat(timespec="seconds")
    colors = min(channels, 3)
    yield "dc:title", Alt(facts.title)
    yield "dc:creator", tuple(filter(None, [facts.author]))
    yield "dc:rights", Alt(facts.copyright)
    yield "dc:description", Alt(described(sheet))
    yield "dc:subject", Bag(facts.tags)
    yield "dc:identifier", facts.sku
    yield "Iptc4xmpExt:DigitalSourceType", source_type(sheet.texts)
    yield "xmp:CreatorTool", SOFTWARE
    yield "xmp:CreateDate", captured
    yield "xmpRights:Marked", "True" if facts.copyright else ""
    yield "photoshop:DateCreated", captured
    yield "photoshop:ColorMode", "3" if colors == 3 else "1"
    yield "photoshop:ICCProfile", sheet.space if profile_for(sheet.picture, sheet.space)[0] else ""
    yield "tiff:ImageWidth", str(width)
    yield "tiff:ImageLength", str(height)
    yield "tiff:Orientation", "1"
    yield "exif:PixelXDimension", str(width)
    yield "exif:PixelYDimension", str(height)
    # 1 is sRGB, and everything else is "uncalibrated": the profile tells.
    yield "exif:ColorSpace", "1" if sheet.space == "sRGB" else "65535"
    yield "exif:DateTimeOriginal", captured
    yield "exif:FNumber", rational(facts.aperture)
    yield "exif:FocalLength", rational(facts.focal_length_mm)
    yield "exif:FocalLengthIn35mmFilm", str(round(facts.equivalent_mm)) if facts.equivalent_mm else ""
    yield "exif:ExposureTime", rational(facts.exposure_time_s)
    yield "exif:ISOSpeedRatings", (str(round(facts.iso)),) if facts.iso else ()
    yield "exifEX:PhotographicSensitivity", str(round(facts.iso)) if facts.iso else ""
    yield "exif:SubjectDistance", rational(facts.focus_distance_m)
    yield "exifEX:LensModel", facts.lens
    yield "aux:Lens", facts.lens
    yield "studioflow:sensor", facts.sensor
    yield "studioflow:lights", facts.lights
    yield "studioflow:light_kelvin", f"{facts.light_kelvin:g}" if facts.light_kelvin else ""


def source_type(texts: Mapping[str, str]) -> str:
    """IPTC's term for a picture that a model made, or made out of another one; empty where no model is told of."""
    if not texts.get(MODEL_KEY):
        return ""
    edited = _is_edit(json_object(texts.get(PROVENANCE_KEY, "")))
    return _SOURCE_TYPES + ("compositeWithTrainedAlgorithmicMedia" if edited else "trainedAlgorithmicMedia")


def _is_edit(provenance: Any) -> bool:
    """Whether the render, or the part of it that it goes on from, began with a picture."""
    if not isinstance(provenance, dict):
        return False
    return any(key in provenance for key in _EDITED) or _is_edit(provenance.get("first_part"))


def described(sheet: Sheet) -> str:
    """People's words for the picture, and its lights where the manifest has some; one paragraph each."""
    lights = "Light: " + "; ".join(sheet.facts.lights) if sheet.facts.lights else ""
    return "\n".join(filter(None, [sheet.facts.description, lights]))


def rational(value: float | None) -> str:
    """``14/5`` for 2.8; empty for nothing, and for infinity, which XMP has no rational for."""
    if value is None or not math.isfinite(value):
        return ""
    fraction = Fraction(value).limit_denominator(100_000)
    return f"{fraction.numerator}/{fraction.denominator}"


def _rdf(properties: Mapping[str, Any]) -> bytes:
    for prefix, address in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, address)
    root = ElementTree.Element(_full("x:xmpmeta"))
    rdf = ElementTree.SubElement(root, _full("rdf:RDF"))
    about = ElementTree.SubElement(rdf, _full("rdf:Description"), {_full("rdf:about"): ""})
    for name, value in properties.items():
        if value:
            _fill(ElementTree.SubElement(about, _full(name)), value)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)


def _fill(element: ElementTree.Element, value: Any) -> None:
    if isinstance(value, str) and not isinstance(value, Alt):
        element.text = _document(value)
        return
    kind = "Alt" if isinstance(value, Alt) else "Bag" if isinstance(value, Bag) else "Seq"
    items = ElementTree.SubElement(element, _full(f"rdf:{kind}"))
    for text in (value,) if kind == "Alt" else value:
        item = ElementTree.SubElement(items, _full("rdf:li"), {_XML_LANG: "x-default"} if kind == "Alt" else {})
        item.text = _FORBIDDEN.sub("", text)


def _document(text: str) -> str:
    """Characters that XML forbids become JSON's escapes in JSON, where they only stand in strings, and go elsewhere."""
    if text[:1] in ("{", "[", '"'):
        return _FORBIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _FORBIDDEN.sub("", text)


def _full(name: str) -> str:
    prefix, local = name.split(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"
