"""Range expansion: from a picture for a display back to scene-linear light, by an estimate that says so.

A display-referred picture has lost what was brighter than white. Nothing brings it back: the light added here is
plausible and can be graded, but it was never captured.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError, require_choice
from . import ocio
from .convert import encoding_of, linear_of, require_encoding
from .counts import share
from .menus import AUTO, DEFAULT_KNEE, DEFAULT_PEAK_STOPS, HIGHLIGHTS, METHODS, MOST_STOPS
from .spaces import DEFAULT_SPACE
from .views import aces_view

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROUNDING = 1e-4
"""White and black may miss 1 and 0 by this after a conversion."""


def expand(
    pixels: NDArray[np.floating],
    method: str = HIGHLIGHTS,
    *,
    source: str = DEFAULT_SPACE,
    target: str = "Linear Rec.709",
    peak_stops: float = DEFAULT_PEAK_STOPS,
    knee: float = DEFAULT_KNEE,
    config: str = AUTO,
) -> tuple[NDArray[np.float32], str]:
    """Display-referred colours [..., C] as new scene-linear float32 values of ``target``, and how they came to be.

    - ``highlights``: linearised in the source's own primaries; where the largest channel is above ``knee`` (0 to 1,
      linear light) the colour is made brighter by ``raised``, so that white becomes 2 ** ``peak_stops``. Hues stay,
      and so does everything below the knee. ``compress`` is the exact inverse.
    - ``aces_2_0_inverse``, ``aces_1_3_inverse``: the light that the ACES SDR output transform for the source would
      have shown as this picture. What white becomes follows from the transform: 128 times with 2.0, 16.3 times with
      1.3, whose black becomes 0.002; ``peak_stops`` and ``knee`` are not used. Values outside 0 to 1 of the display
      that the view is for are clipped first, and the words count them: no view shows such, and OpenColorIO's inverse of
      1.3, which clamps below 0 alone, would make 47000 of 1.1. Colours that the transform never gives come back only
      nearly.

    StudioFlowError for a source that is not for an SDR display, a target that is not linear, and settings out of
    range.
    """
    require_choice("method", method, METHODS)
    _require_display("source", source, config)
    require_encoding(
        target, config, ("linear",), "an expanded picture needs a scene-linear space", where="target", fix="take ACEScg"
    )
    end = ocio.find_space(target, config)
    if method == HIGHLIGHTS:
        peak = _peak(peak_stops, knee)
        light = linear_of(source, config)
        stages = [ocio.space_stage(ocio.find_space(source, config), light), _scaling(raised, knee, peak)]
        words = (
            f"Linearised from display-referred {source}; highlights above {knee:g} of white raised smoothly, white to "
            f"{peak:.4g} ({peak_stops:g} stops): an estimate, not captured light."
        )
        return ocio.run(pixels, [*stages, ocio.space_stage(light, end)]), words
    view = aces_view(METHODS[method], source)
    light = ocio.find_space("ACES2065-1")
    undo = ocio.view_stage(light, view.config, view.display, view.name, inverse=True)
    shown = ocio.space_stage(ocio.find_space(source, config), ocio.find_space(view.shows))
    clipped: list[int] = []
    expanded = ocio.run(pixels, [shown, _clipping(clipped), undo, ocio.space_stage(light, end)])
    white = _white(undo)
    words = (
        f'Display-referred {source} taken back through the inverse of the view "{view.name}", white to {white:.4g} '
        f"({math.log2(white):.3g} stops): an estimate, not captured light."
    )
    if count := sum(clipped):
        of = 3 * (pixels.size // pixels.shape[-1])
        words += f" Before, {share(count, of)} lay outside 0 to 1 of {view.shows} and were clipped."
    return expanded, words


def compress(
    pixels: NDArray[np.floating],
    *,
    source: str,
    target: str = DEFAULT_SPACE,
    peak_stops: float = DEFAULT_PEAK_STOPS,
    knee: float = DEFAULT_KNEE,
    config: str = AUTO,
) -> NDArray[np.float32]:
    """The inverse of ``expand`` by ``highlights``: scene-linear ``source`` back to the display space ``target``."""
    _require_display("target", target, config)
    peak = _peak(peak_stops, knee)
    light, display = linear_of(target, config), ocio.find_space(target, config)
    back = ocio.space_stage(ocio.find_space(source, config), light)
    return ocio.run(pixels, [back, _scaling(lowered, knee, peak), ocio.space_stage(light, display)])


def raised(light: NDArray[Any], knee: float, peak: float) -> NDArray[Any]:
    """Light x above the knee k becomes x + c (x - k)², c such that 1 becomes ``peak``; below it stays.

    Monotone with a continuous slope, which is 1 at the knee. The gentlest slope at white that a parabola allows, so
    that the steps of an 8-bit picture are spread as little as can be.
    """
    import numpy as np

    above = np.maximum(light - np.asarray(knee, light.dtype), 0)
    return light + np.asarray(_bend(knee, peak), light.dtype) * above * above


def lowered(light: NDArray[Any], knee: float, peak: float) -> NDArray[Any]:
    """The inverse of ``raised``."""
    import numpy as np

    above = np.maximum(light - np.asarray(knee, light.dtype), 0)
    # The root in the form that loses no digits where c is small.
    root = 2 * above / (1 + np.sqrt(1 + np.asarray(4 * _bend(knee, peak), light.dtype) * above))
    # Not light - above: of a light of thousands that leaves the knee without its last digits.
    return np.minimum(light, np.asarray(knee, light.dtype)) + root


def _bend(knee: float, peak: float) -> float:
    return (peak - 1.0) / (1.0 - knee) ** 2


def _scaling(curve: Any, knee: float, peak: float) -> ocio.Stage:
    import numpy as np

    def stage(band: NDArray[np.float32]) -> None:
        rgb = band[..., :3]
        largest = rgb.max(axis=-1, keepdims=True)
        # Below the knee the factor is exactly 1, also where the largest channel is 0 or less.
        rgb *= np.where(largest > knee, curve(largest, knee, peak) / np.where(largest > knee, largest, 1), 1)

    return stage


def _clipping(counts: list[int]) -> ocio.Stage:
    """Clips colours to 0..1 and adds to ``counts`` how many values lay outside, for each band."""
    import numpy as np

    def stage(band: NDArray[np.float32]) -> None:
        rgb = band[..., :3]
        counts.append(int(np.count_nonzero((rgb < -_ROUNDING) | (rgb > 1 + _ROUNDING))))
        np.clip(rgb, 0, 1, out=rgb)

    return stage


def _white(undo: ocio.Stage) -> float:
    import numpy as np

    white = np.ones((1, 3), np.float32)
    undo(white)
    return float(white.max())


def _require_display(where: str, space: str, config: str) -> None:
    if encoding_of(space, config) == "hdr":
        raise StudioFlowError(
            "an HDR picture has its range already",
            where=where,
            found=f'"{space}"',
            allowed="a picture for an SDR display, such as sRGB",
            fix="bring it to scene-linear with Colour Transform",
        )
    require_encoding(
        space,
        config,
        ("display",),
        "only a picture for a display can be expanded",
        where=where,
        fix="use a scene-linear picture as it is, or Colour Transform for its space",
    )


def _peak(peak_stops: float, knee: float) -> float:
    if not 0.0 <= peak_stops <= MOST_STOPS:
        raise StudioFlowError(
            "out of range", where="peak_stops", found=f"{peak_stops:g}", allowed=f"0 to {MOST_STOPS:g} stops"
        )
    if not 0.0 <= knee <= 0.99:
        raise StudioFlowError("out of range", where="knee", found=f"{knee:g}", allowed="0 to 0.99, in linear light")
    return 2.0**peak_stops
