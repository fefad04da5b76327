"""OpenColorIO: configs opened once, processors made once, and pixels taken through them on all cores.

The built-in configs come with the library, so nothing is downloaded. They are pinned by name: what "latest" means
changes with the library, and with it would the colours of a workflow.
"""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ..bands import on_all_cores
from ..errors import StudioFlowError, did_you_mean
from .curves import decoding, encoding
from .menus import ACES_2, AUTO, BUILT_IN
from .spaces import Space, plain_spaces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BAND_PIXELS = 1 << 14
"""Pixels that a core takes at a time: small enough for its cache, large enough to be worth the call."""

_LINEAR_ADOBE_RGB = "Linear AdobeRGB"
"""Not among the plain spaces, because nobody works in it; in the built-in configs."""

Stage = Callable[["NDArray[np.float32]"], None]
"""Changes float32 pixels [..., C], C 3 or 4 and contiguous, in place; leaves the alpha."""
Part = TypeVar("Part")
_opening = threading.Lock()


class Place(NamedTuple):
    """A colour space by its canonical name, in the config that defines it."""

    config: Any
    name: str

    @property
    def is_data(self) -> bool:
        """Whether its values are no colours."""
        return bool(self.config.getColorSpace(self.name).isData())


def open_config(config: str = AUTO) -> Any:
    """The PyOpenColorIO Config of that name.

    ``auto`` is what the OCIO variable names, as in every program that uses OpenColorIO, and ACES 2.0 where it is not
    set; it is looked up at each call. ``ACES 2.0`` and ``ACES 1.3`` are built in. Anything else is the path of an
    .ocio or .ocioz file, which is read again when it has changed. StudioFlowError where it cannot be opened.
    """
    import PyOpenColorIO as ocio

    if config in BUILT_IN:
        return _opened(BUILT_IN[config], None)
    if config != AUTO:
        return _from_file(config, config, "choose another config, or mend the file")
    named = ocio.GetEnvVariable("OCIO")
    if not named:
        return _opened(BUILT_IN[ACES_2], None)
    fix = "correct the OCIO variable, or unset it, and start again; or choose a built-in config instead of auto"
    return _from_file(named, "the OCIO variable", fix)


def _from_file(path: str, where: str, fix: str) -> Any:
    import PyOpenColorIO as ocio

    try:
        stat = None if path.startswith("ocio://") else Path(path).stat()
        return _opened(path, stat and (stat.st_mtime_ns, stat.st_size))
    except (OSError, ValueError) as error:
        raise StudioFlowError(
            "there is no such OpenColorIO config",
            where=where,
            found=f'"{path}": {getattr(error, "strerror", None) or error}',
            allowed=f"an .ocio or .ocioz file, {', '.join(BUILT_IN)}",
            fix=fix,
        ) from error
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        raise StudioFlowError(
            "this OpenColorIO config cannot be read",
            where=where,
            found=f'"{path}": {_first_line(error)}',
            allowed=f"an .ocio or .ocioz file that OpenColorIO {ocio.__version__} reads, {', '.join(BUILT_IN)}",
            fix=fix,
        ) from error


def _opened(name: str, changed: tuple[int, int] | None) -> Any:
    # One thread at a time: two that came first together would each open the config, and a space of the one is not
    # a space of the other.
    with _opening:
        return _opened_once(name, changed)


@functools.lru_cache(maxsize=8)
def _opened_once(name: str, _changed: tuple[int, int] | None) -> Any:
    import PyOpenColorIO as ocio

    return ocio.Config.CreateFromFile(name)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def find_space(space: str, config: str = AUTO) -> Place:
    """Where the space is defined: a plain name in the built-in config, any other name, alias or role in ``config``.

    StudioFlowError where neither knows it. Inactive spaces, which menus hide, are found too.
    """
    plain = plain_spaces().get(space)
    if plain is not None:
        return Place(open_config(ACES_2), plain.ocio)
    opened = open_config(config)
    found = opened.getColorSpace(space) if space else None
    if found is None:
        known = [*plain_spaces(), *all_spaces(opened), *(role for role, _ in opened.getRoles())]
        raise StudioFlowError(
            "no such colour space",
            where=f"config {config}",
            found=f'"{space}"',
            allowed=", ".join(plain_spaces()) + ", or any space, alias or role of the config",
            fix=did_you_mean(space, [*known, *_aliases(opened)]) or "take one of these, or the config that has it",
        )
    return Place(opened, found.getName())


def all_spaces(opened: Any) -> list[str]:
    """The names of all colour spaces of a config, inactive ones too."""
    import PyOpenColorIO as ocio

    return list(opened.getColorSpaceNames(ocio.SEARCH_REFERENCE_SPACE_ALL, ocio.COLORSPACE_ALL))


def _aliases(opened: Any) -> list[str]:
    return [alias for name in all_spaces(opened) for alias in opened.getColorSpace(name).getAliases()]


def space_stage(source: Place, target: Place) -> Stage | None:
    """From one space to another; None where nothing changes: the same space, or one of them is data."""
    if source == target or source.is_data or target.is_data:
        return None
    source_row, target_row = _row_of(source), _row_of(target)
    decode, encode = source_row and decoding(source_row), target_row and encoding(target_row)
    begin = linear_twin(source_row) if source_row and decode else source
    end = linear_twin(target_row) if target_row and encode else target
    middle = None if begin == end else _stage_of(_space_processor(*begin, *end))

    def stage(band: NDArray[np.float32]) -> None:
        # Curves are several times as fast on values that lie side by side.
        rgb = band if band.shape[-1] == 3 else band[..., :3].copy()
        if decode:
            decode(rgb)
        if middle:
            middle(rgb)
        if encode:
            encode(rgb)
        if rgb is not band:
            band[..., :3] = rgb

    return stage if decode or encode else middle


def _row_of(place: Place) -> Space | None:
    """The plain space that a place is."""
    if place.config is not open_config(ACES_2):
        return None
    return next((row for row in plain_spaces().values() if row.ocio == place.name), None)


def linear_twin(space: Space) -> Place:
    """The space with the primaries of a plain one whose values are light."""
    same = (row for row in plain_spaces().values() if row.transfer == "linear" and row.primaries == space.primaries)
    return Place(open_config(ACES_2), next((row.ocio for row in same), _LINEAR_ADOBE_RGB))


def view_stage(source: Place, opened: Any, display: str, view: str, *, inverse: bool = False) -> Stage:
    """From a space to what the display shows through the view, or back from there to the space."""
    return _stage_of(_view_processor(*source, opened, display, view, inverse))


@functools.lru_cache(maxsize=64)
def _space_processor(source: Any, source_name: str, target: Any, target_name: str) -> Any:
    import PyOpenColorIO as ocio

    def make() -> Any:
        if source is target:
            return source.getProcessor(source_name, target_name)
        return ocio.Config.GetProcessorFromConfigs(source, source_name, target, target_name)

    return _exact(make, f'"{source_name}" to "{target_name}"')


@functools.lru_cache(maxsize=64)
def _view_processor(source: Any, source_name: str, target: Any, display: str, view: str, inverse: bool) -> Any:
    import PyOpenColorIO as ocio

    direction = ocio.TRANSFORM_DIR_INVERSE if inverse else ocio.TRANSFORM_DIR_FORWARD

    def make() -> Any:
        if source is target:
            return source.getProcessor(source_name, display, view, direction)
        return ocio.Config.GetProcessorFromConfigs(source, source_name, target, display, view, direction)

    return _exact(make, f'"{source_name}" to view "{view}" of "{display}"')


def _exact(make: Callable[[], Any], what: str) -> Any:
    """A CPU processor without the shortcuts of the usual one, whose logarithms and powers are 1e-5 to 4e-5 off."""
    import PyOpenColorIO as ocio

    try:
        return make().getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS)
    except (ocio.Exception, ocio.ExceptionMissingFile) as error:
        raise StudioFlowError(
            "OpenColorIO cannot make this conversion",
            where=what,
            found=_first_line(error),
            allowed="spaces of one config, or configs with the roles aces_interchange and cie_xyz_d65_interchange, "
            "whose files are all there",
            fix="choose another space, or mend the config",
        ) from error


def _stage_of(processor: Any) -> Stage:
    import numpy as np

    def stage(band: NDArray[np.float32]) -> None:
        if band.shape[-1] == 3:
            # Twice as fast as applyRGB, which brings pixels into this form one at a time.
            four = np.empty((*band.shape[:-1], 4), np.float32)
            four[..., :3] = band
            four[..., 3] = 0
            processor.applyRGBA(four)
            band[...] = four[..., :3]
            return
        alpha = band[..., 3].copy()
        processor.applyRGBA(band)
        band[..., 3] = alpha

    return stage


def run(pixels: NDArray[np.floating], stages: Sequence[Stage | None]) -> NDArray[np.float32]:
    """Float pixels [..., C], C 3 or 4, through the stages into a new float32 array, which is the only memory it takes.

    Bands of rows go through on all cores: OpenColorIO and numpy work without the interpreter's lock. StudioFlowError
    where the array holds no colours.
    """
    import numpy as np

    check_pixels(pixels)
    result = np.empty(pixels.shape, np.float32)
    doing = [stage for stage in stages if stage is not None]

    def one(band: tuple[NDArray[np.floating], NDArray[np.float32]]) -> None:
        source, target = band
        target[...] = source
        for stage in doing:
            stage(target)

    each(one, list(bands(pixels, result)))
    return result


def each(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Calls ``work`` with each of the parts on all cores; a single part needs no threads."""
    if len(parts) == 1:
        work(parts[0])
    else:
        deque(on_all_cores(work, parts), maxlen=0)


def bands(*arrays: NDArray[Any]) -> Iterator[tuple[NDArray[Any], ...]]:
    """Views of the same rows of each of the arrays [..., C], which have the same shape; memory order does not matter.

    A band of an array that is contiguous is contiguous.
    """
    first = arrays[0]
    if first.ndim == 1:
        yield tuple(array[None] for array in arrays)
    elif first.ndim > 3:
        for parts in zip(*arrays, strict=True):
            yield from bands(*parts)
    else:
        width = first.shape[1] if first.ndim == 3 else 1
        rows = max(1, BAND_PIXELS // max(1, width))
        for start in range(0, len(first), rows):
            yield tuple(array[start : start + rows] for array in arrays)


def check_pixels(pixels: NDArray[Any]) -> None:
    """Raises StudioFlowError unless these are floats [..., 3] or [..., 4]."""
    import numpy as np

    if pixels.ndim and pixels.shape[-1] in (3, 4) and np.issubdtype(pixels.dtype, np.floating):
        return
    raise StudioFlowError(
        "these are no colours that can be converted",
        where="pixels",
        found=f"{pixels.dtype} of shape {list(pixels.shape)}",
        allowed="floats with 3 or 4 channels, the last of 4 being alpha",
        fix="make RGB of a grey picture first; masks and depth are no colours and stay as they are",
    )
