"""Tone mapping: scene-linear pictures made fit to be looked at. Nothing is clamped; only the ACES 2 views end at white.

Sources: E. Reinhard, M. Stark, P. Shirley, J. Ferwerda, "Photographic Tone Reproduction for Digital Images", ACM
Transactions on Graphics 21(3), 2002, equations 3 and 4. J. Hable, "Uncharted 2: HDR Lighting", GDC 2010, with the
constants he published in "Filmic Tonemapping Operators" (filmicworlds.com, 2010).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError, require_choice
from . import ocio
from .convert import chromaticities_of, encoding_of, linear_of, require_encoding
from .menus import AUTO, OPERATORS
from .spaces import DEFAULT_SPACE, plain_spaces
from .views import View, chosen_view

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HABLE_WHITE = 11.2
_HABLE_EXPOSURE = 2.0
_MOST = 1e16
"""Infinite light becomes this, so that matrices and squares of it are still numbers."""


def tone_map(
    pixels: NDArray[np.floating],
    operator: str,
    *,
    source: str,
    target: str = DEFAULT_SPACE,
    exposure_ev: float = 0.0,
    white: float = 4.0,
    gamma: float = 1.0,
    config: str = AUTO,
    display: str = "",
    view: str = "",
) -> NDArray[np.float32]:
    """Scene-linear (or log) colours [..., C] as new float32 values of the display space ``target``; alpha stays.

    First light is multiplied by 2 ** ``exposure_ev``; last, values v of the display become v ** (1 / ``gamma``).

    - ``none``: nothing in between.
    - ``reinhard``, ``reinhard_extended``: on the luminance, so hues stay; ``white`` is the luminance that becomes
      white in the extended one. A saturated channel may still exceed 1.
    - ``hable``: each channel, in the target's primaries, as published: exposure bias 2 and white 11.2,
      so that light of 5.6 becomes white.
    - ``aces_1_3``, ``aces_2_0``: the output transform of the built-in config for the target (views.json): SDR, 100
      nits, or 1000 nits for Rec.2100. Adobe RGB gets what sRGB shows, which lies inside it.
    - ``agx``: the config's view of that name, on its display for the target, or on ``display`` where that is given.
    - ``view``: any view of the config, by ``display`` and ``view``, the config's own default where empty.

    With a ``display`` of one's own, and with ``view``, values are what that display takes and ``target`` is not used.

    StudioFlowError for a source that is for a display, a target that is not, an unknown operator, display or view.
    """
    require_choice("operator", operator, OPERATORS)
    _require_positive("white", white)
    _require_positive("gamma", gamma)
    require_encoding(
        source,
        config,
        ("linear", "log"),
        "tone mapping needs scene-linear light",
        where="source",
        fix="leave it as it is; or bring it to scene-linear with Range Expansion or Colour Transform first",
    )
    light = _light_of(source, config)
    found = chosen_view(operator, target, config, display, view)
    if found is None:
        toned = _operator_stages(operator, light, target, config, exposure_ev, white)
    else:
        toned = [_exposure(exposure_ev), ocio.view_stage(light, found.config, found.display, found.name)]
        if found.shows and found.shows != target:
            toned.append(ocio.space_stage(ocio.find_space(found.shows), ocio.find_space(target)))
    to_light = ocio.space_stage(ocio.find_space(source, config), light)
    return ocio.run(pixels, [_limit, to_light, *toned, _gamma(gamma)])


def _light_of(source: str, config: str) -> ocio.Place:
    """The source itself where it is linear, else ACES2065-1, which every config can be joined by."""
    return ocio.find_space(source if encoding_of(source, config) == "linear" else "ACES2065-1", config)


def _operator_stages(
    operator: str, light: ocio.Place, target: str, config: str, exposure_ev: float, white: float
) -> list[ocio.Stage | None]:
    require_encoding(
        target,
        config,
        ("display", "hdr"),
        "tone mapping ends in a space for a display",
        where="target",
        fix="take sRGB, or Colour Transform where the picture is to stay linear",
    )
    # Spaces of a config's own have no known linear twin; Rec.709 is what most displays are.
    known = target in plain_spaces()
    working = linear_of(target, config) if known else ocio.find_space("Linear Rec.709")
    luminance = luminance_weights(target if known else "Linear Rec.709")
    stages = {
        "none": None,
        "reinhard": functools.partial(_reinhard, luminance=luminance, white=float("inf")),
        "reinhard_extended": functools.partial(_reinhard, luminance=luminance, white=white),
        "hable": _hable,
    }
    display = ocio.find_space(target, config)
    return [
        ocio.space_stage(light, working),
        _exposure(exposure_ev),
        stages[operator],
        ocio.space_stage(working, display),
    ]


def luminance_weights(space: str) -> NDArray[np.float32]:
    """What red, green and blue of a plain space, as light, add to the luminance; they sum up to 1 (SMPTE RP 177)."""
    import numpy as np

    primaries = chromaticities_of(space)
    xy = np.array(primaries, np.float64).reshape(4, 2)
    xyz = np.column_stack([xy, 1.0 - xy.sum(axis=1)]) / xy[:, 1:]
    return np.linalg.solve(xyz[:3].T, xyz[3]).astype(np.float32)


def _limit(band: NDArray[np.float32]) -> None:
    import numpy as np

    np.clip(band[..., :3], -_MOST, _MOST, out=band[..., :3])


def _exposure(exposure_ev: float) -> ocio.Stage | None:
    import numpy as np

    def stage(band: NDArray[np.float32]) -> None:
        band[..., :3] *= np.float32(2.0**exposure_ev)

    return stage if exposure_ev else None


def _gamma(gamma: float) -> ocio.Stage | None:
    import numpy as np

    def stage(band: NDArray[np.float32]) -> None:
        rgb = band[..., :3]
        rgb[...] = np.copysign(np.abs(rgb) ** np.float32(1.0 / gamma), rgb)

    return stage if gamma != 1.0 else None


def _reinhard(band: NDArray[np.float32], luminance: NDArray[np.float32], white: float) -> None:
    import numpy as np

    rgb = band[..., :3]
    light = np.maximum(rgb @ luminance, 0)[..., None]
    rgb *= (1 + light / np.float32(white * white)) / (1 + light)


def _hable(band: NDArray[np.float32]) -> None:
    import numpy as np

    rgb = band[..., :3]
    light = np.abs(rgb) * np.float32(_HABLE_EXPOSURE)
    rgb[...] = np.copysign(_hable_curve(light) / np.float32(_hable_curve(HABLE_WHITE)), rgb)


def _hable_curve(x: Any) -> Any:
    shoulder, linear, angle, toe, numerator, denominator = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30
    above = x * (shoulder * x + angle * linear) + toe * numerator
    below = x * (shoulder * x + linear) + toe * denominator
    return above / below - numerator / denominator


def _require_positive(name: str, value: float) -> None:
    if not value > 0:
        raise StudioFlowError("must be more than 0", where=name, found=f"{value:g}", allowed="a number above 0")


def _view_words(found: View) -> str:
    """The view by its name; that of the config too where it has one, for views of two configs may share theirs."""
    config = f" ({found.config.getName()})" if found.config.getName() else ""
    return f'the view "{found.name}" of "{found.display}"{config}'


def tone_sentence(
    operator: str,
    *,
    source: str,
    target: str = DEFAULT_SPACE,
    exposure_ev: float = 0.0,
    white: float = 4.0,
    gamma: float = 1.0,
    config: str = AUTO,
    display: str = "",
    view: str = "",
) -> str:
    """How values of ``tone_map`` with these arguments came to be, for files: ``studioflow:range``."""
    found = chosen_view(operator, target, config, display, view)
    by = {
        "none": "exposure and the display's curve alone",
        "reinhard": "Reinhard 2002 on luminance",
        "reinhard_extended": f"extended Reinhard 2002 on luminance, white at {white:g}",
        "hable": f"Hable 2010, each channel, white at {HABLE_WHITE / _HABLE_EXPOSURE:g}",
    }.get(operator) or _view_words(found)
    into = f" into {target}" if found is None or found.shows else ""
    parts = [f"exposure {exposure_ev:+g} EV"] if exposure_ev else []
    parts += [f"gamma {gamma:g}"] if gamma != 1.0 else []
    return f"Tone-mapped for display from {source}{into} by {', '.join([by, *parts])}."
