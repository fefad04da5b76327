"""TIFF: every page a layer, whole numbers of 1 to 32 bits and floats of 16 to 64, any compression of tifffile.

Source: TIFF 6.0; Adobe PageMaker 6.0 TIFF Technical Notes (pages); TIFF Technical Note 3 (float predictors).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..color.spaces import DEFAULT_SPACE
from .read import (
    MAIN,
    Pixels,
    Plane,
    broken,
    color_and_alpha,
    divide_by_alpha,
    oriented,
    picture_first,
    refused,
    require_size,
    to_unit,
)
from .read_space import DEFAULT_LINEAR, Said

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _SEPARATED, _YCBCR = range(7)
_PHOTOMETRIC = {
    _SEPARATED: "CMYK",
    8: "CIELAB",
    9: "ICCLab",
    10: "ITULab",
    32803: "a camera's raw pixels",
    32845: "LogLuv",
}
_SAVE_AS_RGB = "convert it to RGB with its profile in another program"
_REDUCED, _TRANSPARENCY = 1, 4
"""Bits of NewSubfileType: a small copy of another page, a mask for one."""
_ASSOCIATED = 1
_MOST_PAGES = 256
_PAGE_NAME, _ORIENTATION, _ICC, _X_RESOLUTION, _RESOLUTION_UNIT = 285, 274, 34675, 282, 296


def read(path: Path, numbers: frozenset[str]) -> Pixels:
    """The pages of a TIFF; those of another size than the first are left out, which a note tells."""
    import tifffile

    log = logging.getLogger("tifffile")
    log.addFilter(_hushed)
    try:
        with tifffile.TiffFile(path) as tiff:
            return _read(path, tiff, numbers)
    finally:
        log.removeFilter(_hushed)


def _hushed(_: logging.LogRecord) -> bool:
    """What tifffile logs of a broken file is told by the error."""
    return False


def _read(path: Path, tiff: Any, numbers: frozenset[str]) -> Pixels:
    pages, notes = _pages(path, tiff)
    first = pages[0]
    planes: list[Plane] = []
    for number, page in enumerate(pages):
        name = _name(page, number)
        is_data = name in numbers or (number > 0 and _is_data(page, first))
        planes += _planes(page, name, is_data, notes)
    tag = first.tags.get(_ICC)
    return Pixels(
        planes=picture_first(planes),
        said=Said(
            default=DEFAULT_LINEAR if first.dtype.kind == "f" else DEFAULT_SPACE,
            profile=bytes(tag.value) if tag is not None and isinstance(tag.value, bytes) else b"",
        ),
        depth=f"{first.bitspersample}-bit {'float' if first.dtype.kind == 'f' else 'whole numbers'}",
        compression=first.compression.name.replace("_", " ").lower(),
        alpha=_alpha(first),
        parts=len(pages),
        dpi=_dpi(first),
        notes=tuple(notes),
    )


def _pages(path: Path, tiff: Any) -> tuple[list[Any], list[str]]:
    """The pages that are layers, each found to be whole in the file and of a kind that is read."""
    found, notes, small, channels = [], [], 0, 0
    for index in range(_MOST_PAGES + 1):
        try:
            page = tiff.pages[index]
        except IndexError:
            break
        if index == _MOST_PAGES:
            raise refused(path, f"more than {_MOST_PAGES} pages", "a picture and its layers", "split the file")
        numbers = (page.imagewidth, page.imagelength, page.samplesperpixel, page.bitspersample, page.planarconfig)
        if not all(isinstance(number, int) for number in numbers):
            raise broken(path, "the tags are damaged")
        if found and (page.subfiletype & _REDUCED or (page.imagewidth, page.imagelength) != _size(found[0])):
            small += 1
            continue
        channels += page.samplesperpixel
        require_size(path, page.imagewidth, page.imagelength, channels)
        _require_kind(path, page)
        _require_whole(path, page, tiff.filehandle.size)
        found.append(page)
    if not found:
        raise broken(path, "no page with a picture")
    if small:
        notes.append(f"{small} {'page' if small == 1 else 'pages'} of another size left out")
    return found, notes


def _is_data(page: Any, first: Any) -> bool:
    """Whether a further page is no colours: one channel, a mask, or no profile where the picture has one."""
    return bool(
        (page.samplesperpixel == 1 and page.photometric != _PALETTE)
        or page.subfiletype & _TRANSPARENCY
        or (_ICC in first.tags and _ICC not in page.tags)
    )


def _size(page: Any) -> tuple[int, int]:
    return page.imagewidth, page.imagelength


def _require_kind(path: Path, page: Any) -> None:
    if page.imagedepth != 1:
        raise refused(path, "a volume", "flat pages", "save it as pages")
    if page.photometric in _PHOTOMETRIC:
        raise refused(path, f"{_PHOTOMETRIC[page.photometric]} values", "RGB or grey", _SAVE_AS_RGB)
    if page.photometric == _YCBCR and page.compression not in (6, 7):
        raise refused(path, "YCbCr values", "RGB or grey", _SAVE_AS_RGB)
    if page.dtype is None or page.dtype.kind not in "ufb":
        what = "no known type" if page.dtype is None else f"{page.dtype.name} values"
        raise refused(path, what, "unsigned whole numbers or floats", "save it as 16-bit or float")


def _require_whole(path: Path, page: Any, file_size: int) -> None:
    """tifffile fills what a file lacks with zeros."""
    offsets, counts = page.dataoffsets, page.databytecounts
    across = -(-page.imagewidth // page.tilewidth) if page.is_tiled else 1
    down = -(-page.imagelength // (page.tilelength if page.is_tiled else page.rowsperstrip))
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    if len(offsets) != len(counts) or len(offsets) < across * down * planes:
        # Strips that follow one another may have been joined while the tags were read; then the pixels are bare.
        whole = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample // 8
        if not (page.compression == 1 and len(offsets) == len(counts) == 1 and counts[0] >= whole):
            raise broken(path, "strips or tiles are missing")
    if any(
        not offset or not count or offset + count > file_size for offset, count in zip(offsets, counts, strict=True)
    ):
        raise broken(path, "the file is cut off: strips or tiles lie behind its end, or were never written")


# ---------------------------------------------------------------- pixels


def _planes(page: Any, name: str, is_data: bool, notes: list[str]) -> list[Plane]:
    import numpy as np

    samples = np.asarray(page.asarray(maxworkers=1))
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    values = _values(page, samples)
    tag = page.tags.get(_ORIENTATION)
    values = np.ascontiguousarray(oriented(values, int(tag.value) if tag is not None else 1))
    colors = 3 if values.shape[2] >= 3 and page.photometric in (_RGB, _PALETTE, _YCBCR) else 1
    extra = list(page.extrasamples) + [0] * (values.shape[2] - colors - len(page.extrasamples))
    has_alpha = values.shape[2] > colors
    if has_alpha and not extra[0] and not is_data:
        notes.append(f'the channel behind the colours of "{name}" is not marked: taken as unassociated alpha')
    used = colors + has_alpha
    rest = [
        Plane(f"{name}.{index}", values[..., index : index + 1].copy(), True) for index in range(used, values.shape[2])
    ]
    picture = color_and_alpha(values[..., :used] if rest else values)
    if has_alpha and extra[0] == _ASSOCIATED:
        divide_by_alpha(picture)
    return [Plane(name, np.ascontiguousarray(picture), is_data), *rest]


def _values(page: Any, samples: NDArray[Any]) -> NDArray[np.float32]:
    if page.photometric == _PALETTE:
        table = page.colormap.T
        # Many programs write bytes into the upper half of each entry, where the standard asks for 16 bits.
        return to_unit((table if (table & 255).any() else (table >> 8).astype("uint8"))[samples[..., 0]])
    values = to_unit(samples, page.bitspersample)
    if page.photometric == _WHITE_IS_ZERO and samples.dtype.kind != "f":
        values[..., 0] = 1 - values[..., 0]
    return values


def _alpha(page: Any) -> str:
    if not page.extrasamples:
        return "none"
    return "associated" if page.extrasamples[0] == _ASSOCIATED else "unassociated"


def _name(page: Any, number: int) -> str:
    tag = page.tags.get(_PAGE_NAME)
    name = str(tag.value).strip("\0 ") if tag is not None else ""
    return name or (MAIN if number == 0 else f"page_{number + 1}")


def _dpi(page: Any) -> float:
    """Pixels an inch; 0 where the file has none, or a ratio without a unit."""
    unit = page.tags.get(_RESOLUTION_UNIT)
    if _X_RESOLUTION not in page.tags or unit is None or unit.value == 1:
        return 0.0
    try:
        return float(page.get_resolution(unit=2)[0])
    except (ValueError, KeyError, ZeroDivisionError):
        return 0.0
