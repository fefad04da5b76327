"""Colours from one space to another, and what a space is. Values below 0 and above 1 are kept, never clamped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError
from . import ocio
from .menus import ACES_2, AUTO
from .spaces import DATA, Space, plain_spaces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ENCODINGS = {
    "scene-linear": "linear",
    "display-linear": "linear",
    "log": "log",
    "sdr-video": "display",
    "edr-video": "hdr",
    "hdr-video": "hdr",
    "data": DATA,
}


def convert(pixels: NDArray[np.floating], source: str, target: str, config: str = AUTO) -> NDArray[np.float32]:
    """Colours [..., C] of the space ``source`` as new float32 values of ``target``.

    C is 3, or 4 with an alpha that stays as it is. Spaces are plain names (spaces.json), which always mean the same,
    or any name, alias or role of ``config`` (``ocio.open_config`` says which there are). Where one of them is data,
    the values stay as they are. A picture for a display and a scene are converted by what they measure, without a
    view: 1.0 in linear Rec.709 is the white of sRGB, and 100 nits in Rec.2100. The new array is all the memory it
    takes. StudioFlowError for an unknown space or config, and for an array without colours.

    >>> convert(np.array([0.5, 0.5, 0.5]), "sRGB", "Linear Rec.709")  # doctest: +SKIP
    array([0.2140411, 0.2140411, 0.2140411], dtype=float32)
    """
    ocio.check_pixels(pixels)
    if DATA in (source, target):
        return ocio.run(pixels, [])
    return ocio.run(pixels, [ocio.space_stage(ocio.find_space(source, config), ocio.find_space(target, config))])


def conversion_sentence(source: str, target: str, config: str = AUTO) -> str:
    """How values of ``convert`` with these arguments came to be, for files: ``studioflow:range``.

    Empty where nothing is converted. StudioFlowError for an unknown space.
    """
    begin, end = encoding_of(source, config), encoding_of(target, config)
    if source == target or DATA in (begin, end):
        return ""
    to_light = begin == "display" and end in ("linear", "log")
    added = "; no highlights above 1 were added" if to_light else ""
    return f"Converted from {_REFERRED[begin]} {source} to {_REFERRED[end]} {target}{added}."


def encoding_of(space: str, config: str = AUTO) -> str:
    """What the values of a space are: ``display``, ``hdr`` (for a display, brighter than white), ``linear``, ``log``
    or ``data``. StudioFlowError for an unknown space.

    A config of version 1 does not say; there a curve that reaches further than four times white counts as log.
    """
    if space == DATA:
        return DATA
    plain = plain_spaces().get(space)
    if plain:
        return plain.encoding
    place = ocio.find_space(space, config)
    twin = _plain_twin(place)
    if twin:
        return twin.encoding
    if place.is_data:
        return DATA
    return _ENCODINGS.get(place.config.getColorSpace(place.name).getEncoding()) or _measured_encoding(place)


def _measured_encoding(place: ocio.Place) -> str:
    import numpy as np
    import PyOpenColorIO as ocio_library

    of_displays = ocio_library.REFERENCE_SPACE_DISPLAY
    if place.config.getColorSpace(place.name).getReferenceSpaceType() == of_displays:
        return "display"
    if place.config.isColorSpaceLinear(place.name, ocio_library.REFERENCE_SPACE_SCENE):
        return "linear"
    if not place.config.hasRole("scene_linear"):
        return "display"
    linear = ocio.Place(place.config, place.config.getColorSpace("scene_linear").getName())
    white = ocio.run(np.ones(3, np.float32), [ocio.space_stage(place, linear)])
    return "log" if float(white.max()) > 4.0 else "display"


def chromaticities_of(space: str, config: str = AUTO) -> tuple[float, ...] | None:
    """CIE 1931 xy of red, green, blue and white of a space, 8 numbers; None where its values are no light (a curve of
    a config's own, data) or the config does not say what it measures. StudioFlowError for an unknown space.

    Those of a config's own linear space are as OpenColorIO sees it, adapted to D65: the white is D65 whatever the
    white of the camera is.
    """
    if space == DATA:
        return None
    plain = plain_spaces().get(space)
    place = ocio.find_space(space, config)
    twin = plain or _plain_twin(place)
    if twin:
        return tuple(twin.primaries)
    return _measured_chromaticities(place) if encoding_of(space, config) == "linear" else None


def _measured_chromaticities(place: ocio.Place) -> tuple[float, ...] | None:
    import numpy as np

    rgbw = np.concatenate([np.eye(3), np.ones((1, 3))]).astype(np.float32)
    xyz_d65 = ocio.Place(ocio.open_config(ACES_2), "CIE XYZ-D65 - Scene-referred")
    try:
        stage = ocio.space_stage(place, xyz_d65)
    except StudioFlowError:  # a config without the interchange roles
        return None
    xyz = ocio.run(rgbw, [stage]).astype(np.float64)
    sums = xyz.sum(axis=1, keepdims=True)
    if not (sums > 0).all():
        return None
    return tuple(round(float(value), 6) for value in (xyz / sums)[:, :2].ravel())


def _plain_twin(place: ocio.Place) -> Space | None:
    """The plain space that a config's space is, by its name: an alias or a role of ACEScg is ACEScg."""
    return next((space for space in plain_spaces().values() if place.name in (space.name, space.ocio)), None)


def linear_of(space: str, config: str = AUTO) -> ocio.Place:
    """The space with the same primaries whose values are light; StudioFlowError where that is not known.

    Known it is for the plain spaces and for spaces that are linear themselves.
    """
    place = ocio.find_space(space, config)
    if encoding_of(space, config) == "linear":
        return place
    plain = plain_spaces().get(space) or _plain_twin(place)
    if plain is None:
        raise StudioFlowError(
            "this space has no linear one with the same primaries",
            where=f"config {config}",
            found=f'"{space}"',
            allowed=", ".join(plain_spaces()) + ", or a linear space of the config",
            fix="convert the picture to one of these first",
        )
    return ocio.linear_twin(plain)


def require_encoding(space: str, config: str, allowed: tuple[str, ...], problem: str, **words: Any) -> None:
    """Raises StudioFlowError with the problem unless the space is encoded in one of these ways."""
    found = encoding_of(space, config)
    if found not in allowed:
        known = [row.name for row in plain_spaces().values() if row.encoding in allowed]
        raise StudioFlowError(
            problem,
            found=f'"{space}", which is {_SAID[found]}',
            allowed=", ".join(known) + f", or another space of the config that is {_SAID[allowed[0]]}",
            **words,
        )


_REFERRED = {
    "display": "display-referred",
    "hdr": "display-referred HDR",
    "linear": "scene-linear",
    "log": "logarithmic",
}
_SAID = {
    "display": "for a display",
    "hdr": "for an HDR display",
    "linear": "scene-linear",
    "log": "logarithmic",
    "data": "data and no colour",
}
