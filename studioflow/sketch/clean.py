"""A drawing from its photograph, scan or screenshot: even black lines on white paper."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError, require_between, require_choice
from . import page as pages
from . import paper as papers
from . import strokes
from .aspect import fitted, ratio_of
from .menus import FITS
from .pictures import WORKING_SIDE, Gray, Picture, reduced
from .thinning import thinned

_EVEN, _NEUTRAL = 0.02, 0.015
"""Light and paper that ``auto`` leaves as they are: how much it differs across the page, how far it is from grey."""
_WHITE = 250
"""Of 255: paper that ``auto`` takes for white."""
MOST_LINE_PX = 64.0
_PHOTOGRAPH = 0.22
"""Share of a picture that is darker than its paper, above which it is no drawing in lines."""
_MARGIN = 0.004
"""Of the longer side: the rim of a page that was cut out, where its edge still shows."""
_GAP = 3.0
"""Widths of a stroke that a gap may be long."""


class Cleanup(NamedTuple):
    """What to do. With ``auto`` a step that the picture does not need is left out, and the notes say so."""

    page: bool = True
    """Find the page and see it from straight above."""
    light: bool = True
    """Even out the light on it."""
    paper: bool = True
    """Take away the paper's tone and colour, and ruled or squared lines."""
    specks: bool = True
    """Take away smudges, grain and specks: what is no stroke becomes white."""
    strokes: bool = True
    """Draw every stroke in one even weight and black."""
    gaps: bool = True
    """Close small gaps in strokes."""
    line_px: float = 0.0
    """Weight of the lines in pixels of the result; 0 is the drawing's own usual one."""
    ratio: str = "keep"
    """``keep``, or width by height: ``16:9``."""
    fit: str = "pad"
    """How another ratio comes about: ``pad`` adds paper; ``crop`` cuts away empty paper first and never the drawing."""
    auto: bool = True


class Cleaned(NamedTuple):
    """A clean drawing.

    image: [h, w, 3], dark lines on white paper. lines: [h, w], 1 is line; ``image`` is 1 minus that.
    corners: [4, 2] x and y of the page in pixels of the source, clockwise from the upper left; None where it was not
    looked for or not found. notes: what was done, with numbers.
    """

    image: Picture
    lines: Gray
    corners: NDArray[np.float32] | None
    notes: list[str]


def clean_sketch(picture: Picture, how: Cleanup = Cleanup(), most: int = WORKING_SIDE) -> Cleaned:  # noqa: B008
    """A picture of a drawing as black lines on white paper, its longer side at most ``most`` pixels.

    ``picture`` is one of ``pictures.checked``. Light lines on a dark ground are turned round first. Raises
    StudioFlowError for a ratio, fit or width of lines that does not exist, and where there is nothing drawn.
    """
    import cv2

    require_choice("fit", how.fit, FITS)
    require_between("line_px", how.line_px, 0.0, MOST_LINE_PX)
    wanted_ratio = ratio_of(how.ratio)
    small, notes = reduced(picture, most)
    pixels = _bytes(small)
    _require_tones(pixels)
    corners = None
    if how.page:
        pixels, corners = _page(pixels, most, notes)
        if corners is not None:
            corners = (corners + 0.5) * np.float32(picture.shape[1] / small.shape[1]) - np.float32(0.5)
    if papers.is_light_on_dark(pixels):
        pixels = 255 - pixels
        notes.append("light lines on a dark ground, turned round")
    pixels = _lit(pixels, how, notes)
    ink = papers.ink_of(pixels, _smoothing(pixels), on_white=how.paper)
    if corners is not None:
        _clear_rim(ink)
    if how.paper:
        ink = _unruled(ink, notes)
    lines = _lines(ink, how, notes)
    lines = fitted(lines, wanted_ratio, how.fit, notes)
    return Cleaned(cv2.cvtColor(1.0 - lines, cv2.COLOR_GRAY2RGB), lines, corners, notes)


def _bytes(picture: Picture) -> NDArray[np.uint8]:
    import cv2

    return cv2.convertScaleAbs(picture, alpha=255.0)


def _require_tones(pixels: NDArray[np.uint8]) -> None:
    """Refuses pictures of one tone, which hold no drawing."""
    import cv2

    low, high = (int(value) for value in cv2.minMaxLoc(pixels.reshape(pixels.shape[0], -1))[:2])
    if min(pixels.shape[:2]) < 16:
        raise StudioFlowError(
            "the picture is too small for a drawing",
            where="image",
            found=f"{pixels.shape[1]} × {pixels.shape[0]}",
            allowed="16 × 16 and more",
        )
    if high - low < 8:
        found = "all black" if high < 16 else "all of one tone"
        raise StudioFlowError(
            "there is no drawing in the picture",
            where="image",
            found=f"{found}, {low} to {high} of 255",
            fix="see whether a mask or an empty picture is connected" if high < 16 else "draw something",
        )


def _page(pixels: NDArray[np.uint8], most: int, notes: list[str]) -> tuple[NDArray[np.uint8], NDArray | None]:
    found = pages.find_page(pixels)
    if found is None:
        notes.append("no page with its four corners in view, so the picture is the page")
        return pixels, None
    notes.append(f"page found, turned by {found.turned_deg:.1f}°")
    return pages.rectified(pixels, found, most), found.corners


def _lit(pixels: NDArray[np.uint8], how: Cleanup, notes: list[str]) -> NDArray[np.uint8]:
    """The picture over its light, its paper, or both."""
    if not (how.light or how.paper):
        return pixels
    ground = papers.background(pixels)
    uneven, cast = papers.unevenness(ground), papers.cast(ground)
    light, tone = papers.of_one_tone(ground)
    if how.light and (not how.auto or uneven > _EVEN):
        notes.append(f"light evened, it differed by {uneven:.0%}")
    else:
        light = None
        if how.light:
            notes.append("light is even, left as it is")
    if not how.paper:
        return pixels if light is None else papers.over(pixels, light)
    if how.auto and light is None and cast <= _NEUTRAL and int(tone.min()) >= _WHITE:
        notes.append("paper is white, left as it is")
        return pixels
    if cast > _NEUTRAL:
        notes.append(f"colour cast of {cast:.0%} taken away")
    return papers.divided(pixels, tone if light is None else ground)


def _smoothing(pixels: NDArray[np.uint8]) -> float:
    """Sigma of the Gaussian that averages the grain: none on a clean scan, more where the noise is stronger."""
    grain = papers.grain_of(pixels)
    return 0.0 if grain < 0.003 else float(min(2.0, 0.6 + 20.0 * grain))


def _clear_rim(ink: Gray) -> None:
    rim = max(2, round(_MARGIN * max(ink.shape)))
    ink[:rim] = ink[-rim:] = 0.0
    ink[:, :rim] = ink[:, -rim:] = 0.0


def _unruled(ink: Gray, notes: list[str]) -> Gray:
    ink, rulings = papers.without_rulings(ink)
    if rulings:
        kind = "squared" if len(rulings) > 1 else "ruled"
        apart = " and ".join(dict.fromkeys(f"{ruling.period_px:.0f}" for ruling in rulings))
        notes.append(f"{kind} paper suppressed, lines {apart} px apart")
    return ink


def _lines(ink: Gray, how: Cleanup, notes: list[str]) -> Gray:
    levels = strokes.levels_of(ink)
    if levels is None:
        raise StudioFlowError(
            "there is no drawing in the picture",
            where="image",
            found="nothing that stands out of the paper's grain",
            fix="take the picture closer or with more light, or draw with a darker pencil",
        )
    _tell_photograph(ink, levels, notes)
    width = strokes.rough_width(ink, levels)
    if how.specks:
        ink = strokes.without_smudges(ink, width, levels)
        levels = strokes.levels_of(ink) or levels
    mask, count = strokes.stroke_mask(ink, levels, width if how.specks else 0.0)
    if how.specks:
        notes.append(f"specks removed: {count}" if count else "no specks")
    return _weighed(ink, mask, levels, width, how, notes)


def _tell_photograph(ink: Gray, levels: strokes.Levels, notes: list[str]) -> None:
    if (share := strokes.share_of(ink, levels)) > _PHOTOGRAPH:
        notes.append(
            f"this looks like a photograph and no sketch ({share:.0%} of it is no paper): use Control Map for its edges"
        )


def _weighed(
    ink: Gray, mask: strokes.Mask, levels: strokes.Levels, rough: float, how: Cleanup, notes: list[str]
) -> Gray:
    """Lines of the mask: in an even weight with ``strokes``, as they are without; gaps closed in both."""
    import cv2

    soft = np.clip(ink * mask if how.specks else ink, 0.0, 1.0)
    if not (how.strokes or how.gaps):
        return soft
    centre = thinned(mask)
    fills = strokes.fills_of(mask, rough)
    centre &= ~fills
    width = strokes.width_of(np.where(mask & ~fills, ink, 0.0), centre, levels)
    centre = strokes.pruned(centre, 1.5 * width)
    weight = how.line_px or max(1.5, width)
    added = np.zeros(mask.shape, np.uint8)
    if how.gaps:
        gaps = strokes.gaps_of(centre, _GAP * width + 2.0)
        for (row, column), (to_row, to_column) in gaps:
            cv2.line(added, (int(column), int(row)), (int(to_column), int(to_row)), 1, 1)
        notes.append(f"gaps closed: {len(gaps)}" if gaps else "no gaps")
    if not how.strokes:
        if not added.any():
            return soft
        return np.maximum(soft, strokes.drawn(added > 0, width) * np.float32(np.median(ink[mask])))
    lines = strokes.drawn(centre | (added > 0), weight)
    notes.append(f"lines are {weight:.1f} px wide, they were {width:.1f} px")
    return np.maximum(lines, fills.astype(np.float32)) if fills.any() else lines
