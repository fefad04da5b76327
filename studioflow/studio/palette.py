"""Palettes: colours from text and from a picture, the harmony between them, and the words that say both.

Hue, chroma and lightness are those of Oklch (``color.py``). What counts as gray, as the same hue and as a harmony
stands in palette_words.json.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from ..errors import StudioFlowError, require_choice
from ..resources import table
from .color import Lch, color_name, hex_of_oklch, oklab_of_linear, oklch
from .words import entry, menu, phrases

if TYPE_CHECKING:
    import numpy as np

_WORDS = "studio/palette_words"
MAX_COLORS = 16
"""As many as a manifest's palette holds."""

_HEX = re.compile(r"#?(?:[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})")
_BINS = 32
_CHUNK = 1 << 20
"""Pixels looked at at a time, so that a batch of pictures needs no memory of its own."""
_ROUNDS = 24
"""Of k-means; on pictures it settles after about ten."""
_UNITS = 100_000
"""Oklab is counted in whole hundred-thousandths, so that sums are exact and the same on every machine."""


def palette_from_text(text: str) -> list[str]:
    """The colours of a text such as ``#3B2F2A, #C9A27A`` as ``#RRGGBB``, each once, in their order.

    Commas, semicolons, spaces and line breaks part them; ``#`` may be missing and ``#abc`` is ``#AABBCC``. Raises
    StudioFlowError naming the line of what is no colour, and where there are more than 16.
    """
    found: dict[str, None] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for word in re.split(r"[,;\s]+", line.strip()):
            if not word:
                continue
            if not _HEX.fullmatch(word):
                raise StudioFlowError(
                    "this is no colour",
                    where=f"colors, line {number}",
                    found=f'"{word[:40]}"',
                    allowed="sRGB hex with six digits, such as #C9A27A",
                    fix="write each colour as # and six of 0 to 9 and A to F",
                )
            digits = word.lstrip("#").upper()
            found["#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))] = None
    if len(found) > MAX_COLORS:
        raise StudioFlowError(
            "these are too many colours", where="colors", found=str(len(found)), allowed=f"at most {MAX_COLORS}"
        )
    return list(found)


def palette_named(name: str) -> list[str]:
    """The colours of a palette of palettes.json; StudioFlowError with a suggestion where there is none of that name."""
    colors: list[str] = entry("palettes", name, "palette")["colors"]
    return list(colors)


def palette_from_image(pixels: np.ndarray[Any, Any], count: int) -> list[str]:
    """The ``count`` colours of a picture that stand for the largest parts of it, the largest first.

    ``pixels`` is [H, W, 3] or [B, H, W, 3] (further channels are ignored), sRGB-encoded 0..1; values outside are cut
    off. Fewer colours come back where the picture has fewer. k-means in Oklab on the picture's colours in steps of
    1/32, begun with the farthest points; in whole numbers, so that a picture gives the same palette on every machine.
    Raises StudioFlowError for another shape, an empty picture, NaN or infinities, and a count outside 1..16.
    """
    import numpy as np

    if not 1 <= count <= MAX_COLORS:
        raise StudioFlowError("no such number of colours", where="count", found=str(count), allowed="1 to 16")
    colors, weights = _color_counts(_checked(np.asarray(pixels)))
    lab = _whole_oklab(colors)
    centers = _far_apart(lab, weights, count)
    members = _nearest(lab, centers)
    for _ in range(_ROUNDS):
        totals = np.zeros(len(centers), np.int64)
        np.add.at(totals, members, weights)
        sums = np.zeros_like(centers)
        np.add.at(sums, members, lab * weights[:, None])
        kept = totals > 0
        centers = np.floor_divide(sums[kept] * 2 + totals[kept, None], totals[kept, None] * 2)
        before, members = members, _nearest(lab, centers)
        if len(kept) == len(centers) and np.array_equal(before, members):
            break
    shares: dict[str, int] = {}
    for index, center in enumerate(centers):
        color = _hex_of_whole(center)
        shares[color] = shares.get(color, 0) + int(weights[members == index].sum())
    return sorted((color for color in shares if shares[color]), key=lambda color: (-shares[color], color))


def harmony(hexes: Sequence[str]) -> str:
    """The harmony between the hues of colours: a key of ``harmony`` in palette_words.json, "" where there is none.

    Grays have no hue and do not count; of grays only, the harmony is ``neutral``. One colour alone has none. The
    order of the colours means nothing.
    """
    rules = table(f"{_WORDS}.json")["harmony"]
    if len(set(hexes)) < 2:
        return ""
    colors = [oklch(color) for color in hexes]
    hues = _distinct_hues(
        [c.hue_deg for c in colors if c.chroma >= rules["neutral_below_chroma"]], rules["same_hue_deg"]
    )
    if not hues:
        return "neutral"
    if len(hues) == 1:
        return "monochromatic"
    if _span(hues) <= rules["analogous_span_deg"]:
        return "analogous"
    return _by_angles(hues, rules["tolerance_deg"])


def harmonise(hex_color: str, kind: str) -> list[str]:
    """The palette that a harmony builds on a colour, which comes first; all of its lightness, as vivid as sRGB allows.

    ``kind`` is a harmony of ``HARMONIES``. Raises StudioFlowError for another one, and for a gray or a colour that
    is nearly one, which has no hue to begin from.
    """
    require_choice("harmony", kind, harmonies())
    base = oklch(hex_color)
    if kind in _data("lightness_steps"):
        steps = [min(0.95, max(0.12, base.lightness + step)) for step in _data("lightness_steps")[kind]]
        return _once([hex_color.upper(), *(hex_of_oklch(base._replace(lightness=step)) for step in steps[1:])])
    if base.chroma < table(f"{_WORDS}.json")["harmony"]["neutral_below_chroma"]:
        raise StudioFlowError(
            "this colour has almost no hue to build a harmony on",
            where="harmony",
            found=f"{hex_color}, which is {color_name(hex_color)}",
            allowed="a colour with a clear hue",
            fix="begin with another colour, or choose monochromatic",
        )
    hues = [base.hue_deg + offset for offset in _data("offsets_deg")[kind]]
    others = [hex_of_oklch(Lch(base.lightness, base.chroma, hue)) for hue in hues[1:]]
    return _once([hex_color.upper(), *others])


def harmonies() -> list[str]:
    """The harmonies that ``harmonise`` can build."""
    return [*menu("palette_words", "offsets_deg"), *menu("palette_words", "lightness_steps")]


def color_scheme(palette: Sequence[str], grade: str = "") -> str:
    """What ``aesthetics.color_scheme`` says: each colour's name once, the harmony between them, and the grade."""
    names = dict.fromkeys(color_name(color) for color in palette)
    found = harmony(palette)
    said = [*names, phrases(_WORDS, "harmony")[found] if found else "", grade.strip()]
    return ", ".join(part for part in said if part)


def _data(name: str) -> dict[str, list[float]]:
    return {key: row for key, row in table(f"{_WORDS}.json")[name].items() if key != "_about"}


def _once(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _distinct_hues(hues: list[float], same_deg: float) -> list[float]:
    """The middles of groups of hues, around the circle: neighbours of a group lie closer than ``same_deg``."""
    ordered = sorted(hues)
    if not ordered:
        return []
    gaps = [(after - before) % 360.0 for before, after in zip(ordered, ordered[1:] + ordered[:1], strict=True)]
    if len(ordered) == 1:
        return ordered
    first = max(range(len(gaps)), key=lambda index: gaps[index]) + 1
    turned = ordered[first:] + ordered[:first]
    groups = [[turned[0]]]
    for hue in turned[1:]:
        if (hue - groups[-1][-1]) % 360.0 <= same_deg and (hue - groups[-1][0]) % 360.0 <= 1.5 * same_deg:
            groups[-1].append(hue)
        else:
            groups.append([hue])
    return [(group[0] + ((group[-1] - group[0]) % 360.0) / 2.0) % 360.0 for group in groups]


def _span(hues: list[float]) -> float:
    """The smallest arc that holds all hues."""
    ordered = sorted(hues)
    return 360.0 - max(
        (after - before) % 360.0 for before, after in zip(ordered, ordered[1:] + ordered[:1], strict=True)
    )


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180.0) % 360.0 - 180.0)


def _by_angles(hues: list[float], tolerance: float) -> str:
    """The harmony of hues that are more than neighbours, by the angles between them."""
    if len(hues) == 2 and _apart(*hues) >= 180.0 - tolerance:
        return "complementary"
    if len(hues) == 3:
        if all(_apart(a, b) >= 120.0 - tolerance for a, b in combinations(hues, 2)):
            return "triadic"
        a, b = min(combinations(hues, 2), key=lambda pair: _apart(*pair))
        middle = math.degrees(math.atan2(*(sum(f(math.radians(h)) for h in (a, b)) for f in (math.sin, math.cos))))
        other = next(hue for hue in hues if hue not in (a, b))
        return "split-complementary" if _apart(middle, other) >= 180.0 - tolerance else ""
    if len(hues) == 4:
        first, second, third, fourth = sorted(hues)
        if min(_apart(first, third), _apart(second, fourth)) >= 180.0 - tolerance:
            return "tetradic"
    return ""


def _checked(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The pixels as [N, 3]."""
    if pixels.ndim not in (3, 4) or pixels.shape[-1] < 3 or 0 in pixels.shape:
        raise StudioFlowError(
            "this is no picture",
            where="image",
            found=f"an array of shape {list(pixels.shape)}",
            allowed="[height, width, 3] or [batch, height, width, 3]",
        )
    return pixels[..., :3].reshape(-1, 3)


def _color_counts(rgb: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """The colours of [N, 3], one a bin of 8 steps in red, green and blue: their means in 0..255, and their pixels."""
    import numpy as np

    counts, sums = np.zeros(_BINS**3, np.int64), np.zeros((_BINS**3, 3))
    for begin in range(0, len(rgb), _CHUNK):
        chunk = rgb[begin : begin + _CHUNK]
        if not np.isfinite(chunk).all():
            raise StudioFlowError(
                "the picture has values that are no numbers",
                where="image",
                found="NaN or infinities",
                allowed="0 to 1",
                fix="mend the picture, or tone-map it first",
            )
        steps = np.rint(np.clip(chunk, 0.0, 1.0) * 255.0).astype(np.int64)
        bins = (steps[:, 0] // 8 * _BINS + steps[:, 1] // 8) * _BINS + steps[:, 2] // 8
        counts += np.bincount(bins, minlength=_BINS**3)
        for channel in range(3):
            # Sums of whole numbers below 2**53 are exact in bincount's floats.
            sums[:, channel] += np.bincount(bins, weights=steps[:, channel], minlength=_BINS**3)
    used = counts > 0
    return sums[used] / counts[used, None], counts[used]


def _whole_oklab(rgb: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Oklab of [N, 3] in 0..255, in whole units (no matrix product: its last digits differ by machine)."""
    import numpy as np

    encoded = rgb / 255.0
    r, g, b = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).T
    lab = oklab_of_linear(r, g, b)
    whole: np.ndarray[Any, Any] = np.rint(np.stack(lab, axis=1) * _UNITS).astype(np.int64)
    return whole


def _hex_of_whole(center: np.ndarray[Any, Any]) -> str:
    lightness, a, b = (float(value) / _UNITS for value in center)
    return hex_of_oklch(Lch(lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360.0))


def _far_apart(lab: np.ndarray[Any, Any], weights: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """The first centres: the most frequent colour, then again and again the one that is farthest from those chosen.

    Distance counts by the root of the pixels there, so that a few stray ones choose nothing. Ties go to the first.
    """
    import numpy as np

    chosen = [int(np.argmax(weights))]
    away = _squares(lab, lab[chosen[0]])
    while len(chosen) < min(count, len(lab)):
        found = int(np.argmax(away * np.sqrt(weights)))
        if away[found] == 0:
            break
        chosen.append(found)
        away = np.minimum(away, _squares(lab, lab[found]))
    return lab[chosen]


def _nearest(lab: np.ndarray[Any, Any], centers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each colour the index of its nearest centre, the first where two are."""
    import numpy as np

    nearest: np.ndarray[Any, Any] = np.argmin(np.stack([_squares(lab, center) for center in centers]), axis=0)
    return nearest


def _squares(lab: np.ndarray[Any, Any], point: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    squares: np.ndarray[Any, Any] = ((lab - point) ** 2).sum(axis=1)
    return squares
