"""TIFF by tifffile and imagecodecs: every depth, layers as pages, a profile, XMP, and bands packed on all cores.

Alpha is unassociated (ExtraSamples 2) in whole numbers and in spaces made to be looked at, where multiplying would
lose dark levels or would not be what light does; it is associated (1) in scene-linear floats, as in an EXR. Readers
are told by the tag, whichever it is. Float files are never clipped.

Sources: TIFF 6.0 (sections 12, 14 and 18), TIFF Technical Note 3 (floating-point predictor), Adobe's XMP part 3
(tag 700) and ICC.1:2022 annex B (tag 34675).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..bands import Rows, bands_of, on_all_cores
from ..color.spaces import plain_spaces
from ..errors import StudioFlowError, require_choice
from .icc import profile_for
from .quantize import Loss, quantize
from .sheet import FileSpec, Layer, Sheet
from .xmp import SOFTWARE, described, packet

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSIC_BYTES = 2**32 - 2**26
"""What a file with offsets of 32 bits can hold, less room for tags and for strips that packing makes larger."""

_COMPRESSIONS = {"none": None, "lzw": "lzw", "zip": "adobe_deflate", "zstd": "zstd"}
_BAND_BYTES = 1 << 20
_PAGE_NAME, _ARTIST, _COPYRIGHT, _XMP = 285, 315, 33432, 700


def write_tiff(path: Path, sheet: Sheet, spec: FileSpec, *, classic_bytes: int = CLASSIC_BYTES) -> list[str]:
    """Writes the picture as the first page and, with ``spec.layers`` "pages", every other layer as one more.

    8 and 16 bits are whole numbers, or half floats with ``spec.is_float``; 32 bits are floats. Where the pixels alone
    take more than ``classic_bytes`` the file is a BigTIFF. The same input gives the same bytes. Returns what the
    person should know: clipped values, NaN, a space without a profile. Raises StudioFlowError before it writes where
    there is no such TIFF.
    """
    import numpy as np
    import tifffile

    dtype = np.dtype(_dtype(spec))
    require_choice("compression", spec.compression or "none", _COMPRESSIONS)
    if spec.layers != "pages":
        sheet = sheet.only_picture()
    large = sum(layer.pixels.size for layer in sheet.layers) * dtype.itemsize > classic_bytes
    _, notes = profile_for(sheet.picture, sheet.space)
    if spec.compression == "zstd":
        notes.append("many programs cannot open a TIFF that is packed with ZSTD; ZIP opens everywhere")
    with tifffile.TiffWriter(path, bigtiff=large, byteorder="<") as file:
        for layer in sheet.layers:
            loss = _write_page(file, sheet, layer, spec, dtype)
            notes += loss.notes(layer.name)
    return notes


def _dtype(spec: FileSpec) -> str:
    kinds = {(8, False): "uint8", (16, False): "uint16", (16, True): "float16"}
    kinds |= {(32, False): "float32", (32, True): "float32"}
    if (kind := kinds.get((spec.bit_depth, spec.is_float))) is None:
        raise StudioFlowError(
            "there is no such TIFF",
            where="bit_depth",
            found=f"{spec.bit_depth} bits of {'floats' if spec.is_float else 'whole numbers'}",
            allowed="8 or 16 bits of whole numbers, 16 or 32 bits of floats",
        )
    return kind


def _write_page(file: Any, sheet: Sheet, layer: Layer, spec: FileSpec, dtype: Any) -> Loss:
    height, width, channels = layer.pixels.shape
    first = layer is sheet.picture
    bands = bands_of(height, width * channels * dtype.itemsize, _BAND_BYTES)
    losses: list[Loss] = []
    profile, _ = profile_for(layer, sheet.space)
    pack = _packer(spec.compression, dtype)
    associated = channels == 4 and _is_associated(sheet, layer, dtype)

    def encode(rows: Rows) -> tuple[bytes, Loss]:
        values = sheet.rows(layer, *rows)
        if associated:
            values = values.copy()
            values[..., :3] *= values[..., 3:]
        stored, loss = quantize(values, dtype)
        return pack(stored), loss

    def strips() -> Iterator[bytes]:
        for strip, loss in on_all_cores(encode, bands):
            losses.append(loss)
            yield strip

    file.write(
        strips(),
        shape=(height, width, channels) if channels > 1 else (height, width),
        dtype=dtype,
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig="contig" if channels >= 3 else None,
        extrasamples=_extra_samples(layer, channels, associated),
        rowsperstrip=bands[0][1],
        compression=_COMPRESSIONS[spec.compression or "none"],
        predictor=_predictor(spec.compression, dtype),
        iccprofile=profile or None,
        resolution=(spec.dpi, spec.dpi) if spec.dpi else None,
        resolutionunit="inch" if spec.dpi else None,
        datetime=sheet.facts.captured.strftime("%Y:%m:%d %H:%M:%S"),
        software=SOFTWARE,
        metadata=None,
        extratags=_tags(sheet, layer, first=first),
        contiguous=False,
    )
    total = Loss()
    for loss in losses:
        total = total.plus(loss)
    return total


def _is_associated(sheet: Sheet, layer: Layer, dtype: Any) -> bool:
    space = plain_spaces().get(sheet.space)
    return not layer.is_data and dtype.kind == "f" and space is not None and space.encoding == "linear"


def _extra_samples(layer: Layer, channels: int, associated: bool) -> list[str] | None:
    if channels != 4:
        return None
    if layer.is_data:
        return ["unspecified"]
    return ["assocalpha" if associated else "unassalpha"]


def _predictor(compression: str, dtype: Any) -> int | None:
    """Differences pack a picture far better: of whole numbers (2), or of the bytes of floats (3)."""
    if compression in ("", "none"):
        return None
    return 3 if dtype.kind == "f" else 2


def _packer(compression: str, dtype: Any) -> Callable[[NDArray[Any]], bytes]:
    """The bytes of a strip, from pixels [rows, W, C]."""
    import imagecodecs

    if compression in ("", "none"):
        return lambda pixels: pixels.tobytes()
    # libdeflate writes the same format as zlib, several times as fast.
    codecs = {"lzw": imagecodecs.lzw_encode, "zip": imagecodecs.deflate_encode, "zstd": imagecodecs.zstd_encode}
    codec = codecs[compression]
    predict = imagecodecs.floatpred_encode if dtype.kind == "f" else imagecodecs.delta_encode
    return lambda pixels: bytes(codec(predict(pixels, axis=-2)))


def _tags(sheet: Sheet, layer: Layer, *, first: bool) -> list[tuple[int, int, int, bytes, bool]]:
    """Text as UTF-8: the standard knows ASCII alone, and the programs that matter read UTF-8."""
    facts = sheet.facts
    texts = {_PAGE_NAME: layer.name}
    if first:
        texts |= {270: described(sheet), _ARTIST: facts.author, _COPYRIGHT: facts.copyright}
    else:
        texts |= {270: layer.name}
    values = {tag: text.replace("\0", "").encode() + b"\0" for tag, text in texts.items() if text}
    tags = [(tag, 2, len(value), value, True) for tag, value in values.items()]
    if first:
        xmp = packet(sheet)
        tags.append((_XMP, 1, len(xmp), xmp, True))
    return tags
