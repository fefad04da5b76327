"""The EXIF block of JPEG, WebP and AVIF, by Pillow. A TIFF has none: tifffile writes no tags that point to further
tags, so there XMP alone tells what these would.

Source: Exif 2.32 (CIPA DC-008), sections 4.6.4 and 4.6.5.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .sheet import FileSpec, Sheet
from .xmp import SOFTWARE, described, rational

if TYPE_CHECKING:
    from PIL import Image

_INCH, _CENTERED = 2, 1


def exif_of(sheet: Sheet, spec: FileSpec) -> Image.Exif:
    """What the manifest says of picture and camera, and nothing of a make or model.

    In WebP and AVIF, ComfyUI's prompt and workflow are where ComfyUI itself writes them and its canvas looks for
    them: in Model and Make. A JPEG has what the standard makes obligatory, but for the order of
    its components, which Pillow would give a wrong type. Text is UTF-8: the standard's ASCII
    has no other letters, and every program of today reads it so.
    """
    from PIL import ExifTags, Image
    from PIL.TiffImagePlugin import IFDRational

    base, ifd = ExifTags.Base, ExifTags.IFD
    facts = sheet.facts
    height, width, _ = sheet.picture.pixels.shape
    captured = facts.captured.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    first: dict[int, Any] = {
        base.ImageDescription: described(sheet),
        base.Artist: facts.author,
        base.Copyright: facts.copyright,
        base.Software: SOFTWARE,
        base.DateTime: captured,
    }
    if spec.dpi or spec.format == "jpeg":
        dots = IFDRational(Fraction(spec.dpi or 72).limit_denominator(1000))
        first |= {base.XResolution: dots, base.YResolution: dots, base.ResolutionUnit: _INCH}
    camera: dict[int, Any] = {
        base.ExifVersion: b"0232",
        base.DateTimeOriginal: captured,
        base.OffsetTimeOriginal: facts.captured.isoformat(timespec="seconds")[19:],
        base.ColorSpace: 1 if sheet.space == "sRGB" else 0xFFFF,
        base.ExifImageWidth: width,
        base.ExifImageHeight: height,
        base.FNumber: _ratio(facts.aperture),
        base.FocalLength: _ratio(facts.focal_length_mm),
        base.FocalLengthIn35mmFilm: round(facts.equivalent_mm) if facts.equivalent_mm else None,
        base.ExposureTime: _ratio(facts.exposure_time_s),
        base.ISOSpeedRatings: round(facts.iso) if facts.iso else None,
        base.SubjectDistance: _ratio(facts.focus_distance_m),
        base.LensModel: facts.lens,
    }
    if spec.format == "jpeg":
        first[base.YCbCrPositioning] = _CENTERED
        camera[base.FlashPixVersion] = b"0100"
    else:
        for tag, key in ((base.Model, "prompt"), (base.Make, "workflow")):
            if key in sheet.texts:
                first[tag] = f"{key}:{sheet.texts[key]}"
    exif.update(_filled(first))
    exif.get_ifd(ifd.Exif).update(_filled(camera))
    return exif


def _ratio(value: float | None) -> Any:
    from PIL.TiffImagePlugin import IFDRational

    fraction = Fraction(rational(value) or 0)
    return IFDRational(fraction.numerator, fraction.denominator) if fraction else None


def _filled(tags: dict[int, Any]) -> dict[int, Any]:
    """Without what is empty."""
    texts = {tag: _Text(value) if isinstance(value, str) else value for tag, value in tags.items()}
    return {tag: value for tag, value in texts.items() if value not in (None, "")}


class _Text(str):
    """Pillow writes a tag that is a text as ASCII, with question marks; this one it writes as UTF-8, up to a zero."""

    def encode(self, *_: str) -> bytes:
        return str.encode(self.replace("\0", ""), "utf-8", "replace")
