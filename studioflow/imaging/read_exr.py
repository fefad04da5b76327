"""EXR: parts and layers by the conventions that Nuke, Resolve and Blender follow.

``R G B A`` without a prefix are the picture, ``name.R`` … a layer of that name, ``depth.Z`` a layer of one channel;
in a file of several parts a part's name stands before, and a part without one or called rgba is the picture.
Source: OpenEXR, "Technical Introduction" and "Multi-Part and Deep Data", and its standard attributes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .read import (
    MAIN,
    Pixels,
    Plane,
    broken,
    divide_by_alpha,
    picture_first,
    refused,
    require_size,
)
from .read_space import DEFAULT_LINEAR, Said

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAIN_PARTS = ("", MAIN, "rgba", "rgb", "main", "image")
"""What programs call the part with the picture."""
_COLORS = {"r": "R", "g": "G", "b": "B", "a": "A", "red": "R", "green": "G", "blue": "B", "alpha": "A"}
_ALONE = {"Z": "depth", "A": "alpha"}
"""Single channels without a prefix, by the standard names of OpenEXR."""
_ORDER = "RGBA"
_DATA = "data"
"""What colorInteropID says of a part with numbers that are no colours (Color Interop Forum)."""
_DEPTHS = {
    "half": "16-bit float",
    "float": "32-bit float",
    "uint": "32-bit whole numbers",
    "uint32": "32-bit whole numbers",
}


class _Group(NamedTuple):
    name: str
    channels: tuple[int, ...]
    is_data: bool
    repeats_grey: bool = False
    """Grey and alpha, which become RGBA."""


def read(path: Path, numbers: frozenset[str]) -> Pixels:
    """The layers of an EXR of any compression, scanlines or tiles, half, float or uint, in its display window."""
    import OpenImageIO as oiio

    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise _refusal(path, oiio.geterror())
    try:
        specs = _specs(path, source)
        planes: list[Plane] = []
        notes: list[str] = []
        alpha = False
        for number, spec in enumerate(specs):
            is_data = spec.getattribute("colorInteropID") == _DATA
            groups = _groups(list(spec.channelnames), _part_name(spec, number, len(specs)))
            values = _values(path, source, number, spec)
            for group in groups:
                named = group.is_data or is_data or group.name in numbers
                plane = _plane(values, group._replace(is_data=named), spec)
                if plane.pixels.shape[2] == 4 and not plane.is_data:
                    divide_by_alpha(plane.pixels)
                    alpha = True
                planes.append(plane)
            notes += _window_notes(spec, number, len(specs))
        first = specs[0]
        return Pixels(
            planes=picture_first(planes),
            said=_said(first),
            depth=", ".join(dict.fromkeys(_DEPTHS.get(str(f), str(f)) for spec in specs for f in _formats(spec))),
            compression=", ".join(dict.fromkeys(str(s.getattribute("compression") or "none") for s in specs)),
            alpha="associated" if alpha else "none",
            parts=len(specs),
            dpi=float(first.getattribute("XResolution") or 0.0),
            notes=tuple(notes),
        )
    finally:
        source.close()


def _specs(path: Path, source: Any) -> list[Any]:
    """The headers of all parts, once they are found to be readable."""
    specs = []
    while source.seek_subimage(len(specs), 0):
        specs.append(source.spec().copy())
    source.geterror()  # the end of the parts is no error
    size = specs[0].full_width, specs[0].full_height
    for spec in specs:
        if spec.deep:
            raise refused(path, "deep data", "flat pixels", "flatten it (oiiotool --flatten, DeepToImage in Nuke)")
        if (spec.full_width, spec.full_height) != size:
            raise refused(path, "parts of different sizes", "one size", "save the parts as files of their own")
        require_size(path, spec.width, spec.height, spec.nchannels)
    require_size(path, *size, sum(spec.nchannels for spec in specs))
    return specs


def _refusal(path: Path, why: str) -> Exception:
    if "sampl" in why.lower():
        return refused(
            path,
            "subsampled channels (luminance and chroma)",
            "channels of full size",
            "save it as RGB in another program",
        )
    return broken(path, why)


def _formats(spec: Any) -> list[Any]:
    return list(spec.channelformats) or [spec.format]


def _values(path: Path, source: Any, number: int, spec: Any) -> NDArray[Any]:
    """All channels of a part, [H, W, C]; half stays half, because it takes half the memory."""
    import numpy as np
    import OpenImageIO as oiio

    formats = [str(form) for form in _formats(spec)] * (spec.nchannels if not spec.channelformats else 1)
    kinds = set(formats)

    def channels(begin: int, end: int, form: Any) -> NDArray[Any]:
        got = source.read_image(number, 0, begin, end, form)
        if got is None or source.has_error:
            raise broken(path, source.geterror())
        return np.asarray(got).reshape(spec.height, spec.width, end - begin)

    if kinds == {"half"}:
        return channels(0, spec.nchannels, oiio.HALF)
    values = channels(0, spec.nchannels, oiio.FLOAT)
    for index, kind in enumerate(formats):
        if kind not in ("half", "float"):
            # OpenImageIO would take whole numbers for fractions of their largest.
            values[..., index] = channels(index, index + 1, oiio.UINT)[..., 0]
    return values


def _plane(values: NDArray[Any], group: _Group, spec: Any) -> Plane:
    """A layer in the display window; zeros where the data window does not reach."""
    import numpy as np

    channels = [group.channels[i] for i in (0, 0, 0, 1)] if group.repeats_grey else list(group.channels)
    if channels == list(range(channels[0], channels[0] + len(channels))):
        values = values[..., channels[0] : channels[-1] + 1]  # half the time of picking them one by one
    else:
        values = values[..., channels]
    if not _is_offset(spec):
        return Plane(group.name, np.ascontiguousarray(values, np.float32), group.is_data)
    pixels = np.zeros((spec.full_height, spec.full_width, values.shape[2]), np.float32)
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    x0, x1 = max(left, 0), min(left + spec.width, spec.full_width)
    y0, y1 = max(top, 0), min(top + spec.height, spec.full_height)
    if x0 < x1 and y0 < y1:
        pixels[y0:y1, x0:x1] = values[y0 - top : y1 - top, x0 - left : x1 - left]
    return Plane(group.name, pixels, group.is_data)


def _is_offset(spec: Any) -> bool:
    return (spec.x, spec.y, spec.width, spec.height) != (spec.full_x, spec.full_y, spec.full_width, spec.full_height)


def _window_notes(spec: Any, number: int, parts: int) -> list[str]:
    if not _is_offset(spec):
        return []
    of = f" of part {number + 1}" if parts > 1 else ""
    return [
        f"the data window{of} is {spec.width} × {spec.height} at {spec.x - spec.full_x}, {spec.y - spec.full_y} of the "
        f"{spec.full_width} × {spec.full_height} picture: zeros stand where it does not reach, and what lies outside "
        "the picture is left out"
    ]


# ---------------------------------------------------------------- names


def _part_name(spec: Any, number: int, parts: int) -> str:
    """What stands before the layers of a part; empty for the picture's."""
    name = str(spec.getattribute("name") or spec.getattribute("oiio:subimagename") or "")
    if parts == 1 or name.casefold() in _MAIN_PARTS:
        return "" if parts == 1 or number == 0 or name else f"part_{number + 1}"
    return name


def _groups(names: list[str], part: str) -> list[_Group]:
    """The layers of a part: channels by prefix, in the order of the file."""
    prefixes: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        prefixes.setdefault(name.rpartition(".")[0], []).append(index)
    found = []
    for prefix, members in prefixes.items():
        last = {index: names[index].rpartition(".")[2] for index in members}
        found += _groups_of(_joined(part, prefix), last)
    return found


def _joined(part: str, prefix: str) -> str:
    if not part or part == prefix or prefix.startswith(f"{part}."):
        return prefix
    return f"{part}.{prefix}" if prefix else part


def _groups_of(name: str, members: dict[int, str]) -> list[_Group]:
    """RGB or RGBA, three coordinates, grey with alpha; whatever else there is each for itself."""
    colors = {_COLORS[last.casefold()]: index for index, last in members.items() if last.casefold() in _COLORS}
    title = name or MAIN
    groups = []
    used: tuple[int, ...] = ()
    if {"R", "G", "B"} <= colors.keys():
        used = tuple(colors[letter] for letter in _ORDER if letter in colors)
        groups.append(_Group(title, used, is_data=False))
    elif {last.casefold() for last in members.values()} == {"x", "y", "z"}:
        used = tuple(sorted(members, key=lambda index: members[index].casefold()))
        groups.append(_Group(title, used, is_data=True))
    elif sorted(members.values()) == ["A", "Y"]:
        used = tuple(sorted(members, key=lambda index: members[index], reverse=True))
        groups.append(_Group(title, used, is_data=False, repeats_grey=True))
    rest = {index: last for index, last in members.items() if index not in used}
    alone = len(rest) == 1 and not used
    for index, last in rest.items():
        is_grey = last == "Y" and alone
        if not name:
            single = MAIN if is_grey else _ALONE.get(last, last)
        else:
            single = name if alone else f"{name}.{last}"
        groups.append(_Group(single, (index,), is_data=not is_grey))
    return groups


def _said(spec: Any) -> Said:
    chromaticities = spec.getattribute("chromaticities")
    interop = str(spec.getattribute("colorInteropID") or "")
    return Said(
        default=DEFAULT_LINEAR,
        chromaticities=tuple(float(value) for value in chromaticities) if chromaticities is not None else (),
        interop="" if interop == _DATA else interop,
        is_aces=spec.getattribute("acesImageContainerFlag") == 1,
    )
