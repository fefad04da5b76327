"""Picture files as float32 layers with the documents in them: EXR, TIFF, PNG, WebP, AVIF and JPEG, from any program.

Each format has the reader that told of every cut-off file when it was tried at hundreds of places, and that gives
all of its bits: OpenImageIO for EXR (OpenEXR's own binding gives what it has got so far, and prints why), tifffile
for TIFF (its decoders take more compressions than libtiff, and pages can be checked before they are decoded),
imagecodecs for PNG and AVIF (Pillow has 8 bits only), Pillow for JPEG and WebP (imagecodecs gives half a JPEG).

Sizes are checked before pixels are decoded. Every fault of a file is one StudioFlowError, and no part of a picture
is given for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..color.spaces import DATA
from ..errors import PathError, StudioFlowError, did_you_mean
from ..manifest.carried import picture_kind
from ..manifest.metadata import entries_of
from .menus import MAIN
from .read_space import Said, find_space
from .sheet import DATA_KEY, Layer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_SIDE = 65536
MAX_PIXELS = 16384 * 16384
MAX_VALUES = 8 * MAX_PIXELS
"""Of all layers together: 8 GiB."""


class Plane(NamedTuple):
    """A layer as it was read: float32 [H, W, C], C 1, 3 or 4, and whether these are numbers and no colours."""

    name: str
    pixels: NDArray[np.float32]
    is_data: bool = False


class Pixels(NamedTuple):
    """What the reader of one format gives."""

    planes: tuple[Plane, ...]
    said: Said
    depth: str
    """e.g. "16-bit float", "8-bit" """
    compression: str = ""
    alpha: str = "none"
    """none, associated (colours are multiplied by it in the file) or unassociated"""
    parts: int = 1
    """Parts of an EXR, pages of a TIFF."""
    dpi: float = 0.0
    notes: tuple[str, ...] = ()


class Opened(NamedTuple):
    """A file that was opened. Values are as the file has them, never clamped and never converted; whole numbers of n
    bits are divided by 2^n - 1, and colours that were multiplied by alpha are divided by it."""

    format: str
    """EXR, TIFF, PNG, WebP, AVIF or JPEG"""
    layers: tuple[Layer, ...]
    """At least one, the picture first."""
    space: str
    """The name of the colours' space."""
    space_by: str
    """What in the file tells the space; empty where it is assumed."""
    texts: dict[str, str]
    """Every text in the metadata by its key, our documents among them by the keys of ``Sheet.texts``."""
    notes: tuple[str, ...]
    """For the person, each one sentence."""
    pixels: Pixels
    """How the file stores them; without the planes, which are the layers."""

    @property
    def space_told(self) -> bool:
        """Whether the file says its space; else it is assumed."""
        return bool(self.space_by)

    def layer(self, name: str) -> Layer:
        """The layer of that name, with MAIN the picture whatever it is called (other programs name its page or part);
        StudioFlowError with all names where there is none."""
        names = [layer.name for layer in self.layers]
        if name == MAIN:
            return self.layers[0]
        if name not in names:
            raise StudioFlowError(
                "the file has no such layer",
                where="layer",
                found=f'"{name}"',
                allowed=", ".join(names),
                fix=did_you_mean(name, names) or f'take "{names[0]}"',
            )
        return self.layers[names.index(name)]


def read_picture(path: str | Path) -> Opened:
    """The layers, the colour space and the texts of a picture file.

    Raises PathError where it cannot be opened, StudioFlowError for a format that is none of these, for what such a
    format can hold and this does not read (deep data, subsampled channels, CMYK …), for a picture beyond
    ``MAX_SIDE``, ``MAX_PIXELS`` and ``MAX_VALUES``, and for a file that is broken or cut off.
    """
    path = Path(path)
    kind = kind_of(path)
    texts, text_notes = _texts(path, kind)
    numbers, list_notes = _numbers(texts)
    try:
        read = _reader(kind)(path, numbers)
    except MemoryError as error:
        raise StudioFlowError("the picture does not fit into memory", where=path.name, fix="make it smaller") from error
    # None of the libraries promises what it raises over a damaged file.
    except Exception as error:
        raise error if isinstance(error, StudioFlowError) else broken(path, str(error)) from error
    if kind == "PNG" and not any(key.startswith("studioflow:") for key in texts):
        texts, text_notes = _texts(path, kind, behind_pixels=True)
    found = find_space(read.said, texts)
    layers = tuple(Layer(plane.name, plane.pixels, DATA if plane.is_data else found.space) for plane in read.planes)
    notes = (*read.notes, *found.notes, *text_notes, *list_notes)
    return Opened(kind, layers, found.space, found.by, texts, notes, read._replace(planes=()))


def kind_of(path: Path) -> str:
    """EXR, TIFF, PNG, WebP, AVIF or JPEG by the first bytes; PathError or StudioFlowError where it is none."""
    try:
        with path.open("rb") as stream:
            kind = picture_kind(stream.read(64))
    except OSError as error:
        raise PathError(
            "the picture cannot be opened", where=str(path), found=error.strerror or str(error), fix="check the path"
        ) from error
    if kind is None:
        raise StudioFlowError(
            "this is no picture that can be opened",
            where=path.name,
            found="a file that begins like none of them" if path.stat().st_size else "an empty file",
            allowed="EXR, TIFF, PNG, WebP, AVIF or JPEG",
            fix="save it in one of these formats",
        )
    return kind


def _reader(kind: str) -> Callable[[Path, frozenset[str]], Pixels]:
    """The second argument names the layers that the file says are no colours; a reader finds others by itself."""
    from . import read_exr, read_png, read_tiff, read_web

    return {
        "EXR": read_exr.read,
        "TIFF": read_tiff.read,
        "PNG": read_png.read,
        "AVIF": read_web.read_avif,
        "WebP": read_web.read_webp,
        "JPEG": read_web.read_jpeg,
    }[kind]


def _texts(path: Path, kind: str, *, behind_pixels: bool = False) -> tuple[dict[str, str], tuple[str, ...]]:
    """Texts by key, the first of each, and what to tell where they cannot be read: the picture is there anyway."""
    try:
        entries = entries_of(path, kind, behind_pixels=behind_pixels, all_properties=True)
    except StudioFlowError as error:
        return {}, (f"{error.problem}: {error.found}",)
    texts: dict[str, str] = {}
    for entry in entries:
        key = entry.key.removeprefix("studioflow:") if entry.key in _COMFYUI else entry.key
        if entry.text.strip():
            texts.setdefault(key, entry.text)
    return texts, tuple(f"{entry.where}: {entry.flaw}" for entry in entries if entry.flaw)


def _numbers(texts: Mapping[str, str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names of ``DATA_KEY``, and what to tell where it holds no list of names."""
    if DATA_KEY not in texts:
        return frozenset(), ()
    try:
        names = json.loads(texts[DATA_KEY])
    except (ValueError, RecursionError):
        names = None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return frozenset(names), ()
    return frozenset(), (f"{DATA_KEY} is no JSON list of layers: what is data is told by the channels alone",)


_COMFYUI = ("studioflow:prompt", "studioflow:workflow")
"""XMP needs a namespace for what has none elsewhere."""


# ---------------------------------------------------------------- for the readers of the formats


def require_size(path: Path, width: int, height: int, channels: int) -> None:
    """Raises StudioFlowError where a picture has no pixels, or with ``channels`` in all is larger than the limits."""
    pixels = width * height
    if (
        0 < width <= MAX_SIDE
        and 0 < height <= MAX_SIDE
        and pixels <= MAX_PIXELS
        and 0 < pixels * channels <= MAX_VALUES
    ):
        return
    raise StudioFlowError(
        "the picture is too large" if width > 0 and height > 0 and channels > 0 else "the picture has no pixels",
        where=path.name,
        found=f"{width} × {height} pixels of {channels} channels",
        allowed=f"{MAX_PIXELS} pixels (16384 × 16384), {MAX_SIDE} on a side, {MAX_VALUES // MAX_PIXELS} channels of "
        "the largest",
        fix="crop it or make it smaller in another program",
    )


def broken(path: Path, why: str) -> StudioFlowError:
    """The error for a file that cannot be decoded."""
    line = next((line.strip() for line in why.replace(str(path), path.name).splitlines() if line.strip()), "")
    return StudioFlowError(
        "the picture cannot be read",
        where=path.name,
        found=line[:200] or "a damaged file",
        allowed="a whole file",
        fix="copy the file again, or open it in another program to see whether it is whole",
    )


def refused(path: Path, what: str, allowed: str, fix: str) -> StudioFlowError:
    """The error for a whole file that holds something that is not read."""
    return StudioFlowError("this kind of picture is not read", where=path.name, found=what, allowed=allowed, fix=fix)


def to_unit(values: NDArray[Any], bits: int | None = None) -> NDArray[np.float32]:
    """Whole numbers of so many bits (of their type's where None) divided by the largest; float as it is."""
    import numpy as np

    if values.dtype.kind == "f":
        return np.ascontiguousarray(values, np.float32)
    most = 2 ** (bits or 8 * values.dtype.itemsize) - 1
    # float32 of 32 bits is rounded before it is divided; no picture has as many.
    unit = values.astype(np.float32)
    unit /= np.float32(most)
    return unit


def divide_by_alpha(pixels: NDArray[np.float32]) -> None:
    """Colours [H, W, 4] that were multiplied by alpha become those before, in place.

    Where alpha is 0 or below they stay: it is light that covers nothing (a flame, a glow), and dividing has no answer.
    """
    import numpy as np

    with np.errstate(all="ignore"):  # infinity stays infinity or becomes NaN, as division has it
        for row in pixels:
            divisor = np.where(row[:, 3] > 0, row[:, 3], np.float32(1))
            for channel in range(3):
                row[:, channel] /= divisor


def color_and_alpha(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """[H, W, 1 to 4] as 1, 3 or 4 channels: grey with alpha becomes RGBA."""
    import numpy as np

    return np.ascontiguousarray(samples[..., [0, 0, 0, 1]]) if samples.shape[2] == 2 else samples


def oriented(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """The picture upright, by the orientation of EXIF and TIFF (1 to 8; anything else is taken for upright)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def unique(names: list[str]) -> list[str]:
    """The names, a number behind those that were there before."""
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return told


def picture_first(planes: list[Plane]) -> tuple[Plane, ...]:
    """The planes with distinct names, the one called ``beauty`` first, else the first with colours."""
    named = [plane._replace(name=name) for plane, name in zip(planes, unique([p.name for p in planes]), strict=True)]
    return tuple(sorted(named, key=lambda plane: (plane.name != MAIN, plane.is_data)))
