"""The sizes FIBO paints: those it was trained at, and others of the same area."""

from __future__ import annotations

import math
import re

from .errors import ManifestError, ModelError, StudioFlowError, require_choice
from .resources import table

STEP = 16
"""Every FIBO works on latents of 16 × 16 pixels."""
MIN_SIDE, MAX_SIDE = 64, 4096
FROM_IMAGE, CUSTOM = "image", "custom"
"""Choices of a ratio beside those of training."""

_TRAINED_AREA = 1024 * 1024
_TRAINED_SPREAD = 1.1
"""FIBO 2 was trained within a tenth of that area."""
_RATIO = re.compile(r"[1-9][0-9]{0,3}:[1-9][0-9]{0,3}")


def trained_ratios() -> list[str]:
    """Every ``W:H`` that a FIBO was trained at, in lowest terms, those of FIBO 2 first."""
    sizes = table("trained_sizes.json")
    return list(dict.fromkeys([*sizes["fibo-2"], *sizes["fibo-1"]]))


def size_for_ratio(aspect_ratio: str, megapixels: float, dialect: str) -> tuple[int, int]:
    """Width and height for ``W:H``: the size FIBO was trained at where there is one, else computed to the area.

    ``megapixels`` is in units of 1024 × 1024. A ratio is met to within the rounding of both sides to 16 pixels.
    """
    w, h = (int(part) for part in aspect_ratio.split(":"))
    if megapixels == 1:
        divisor = math.gcd(w, h)
        size = table("trained_sizes.json")[dialect].get(f"{w // divisor}:{h // divisor}")
        if size:
            return size[0], size[1]
        if dialect == "fibo-2":
            return _trained_size(w / h)
    area = megapixels * _TRAINED_AREA
    exact_width = math.sqrt(area * w / h)
    return _multiple(exact_width), _multiple(area / exact_width)


def picture_size(aspect_ratio: str, megapixels: float, dialect: str, where: str) -> tuple[int, int]:
    """The same, held to sides of MIN_SIDE to MAX_SIDE; ManifestError at ``where`` for a ribbon."""
    width, height = size_for_ratio(aspect_ratio, megapixels, dialect)
    if not (MIN_SIDE <= min(width, height) and max(width, height) <= MAX_SIDE):
        raise ManifestError(
            "the picture would be too long and thin",
            where=where,
            found=f'"{aspect_ratio}", which is {width} × {height} pixels',
            allowed=f"sides of {MIN_SIDE} to {MAX_SIDE} pixels",
            fix="choose a squarer aspect_ratio or other megapixels",
        )
    return width, height


def check_sides(width: int, height: int, *, may_be_open: bool = False) -> None:
    """Raises ModelError where FIBO cannot render a picture of that many pixels.

    ``may_be_open`` is for those who take 0 for both sides as a size to be found: one such side alone is told.
    """
    if may_be_open and (not width) != (not height):
        raise ModelError(
            "only one side is left open",
            where="width" if not width else "height",
            found=f"{width} × {height} pixels",
            allowed="0 for both sides, or pixels for both",
            fix="set both to 0, or both to a size",
        )
    for name, pixels in (("width", width), ("height", height)):
        if pixels % STEP or not STEP <= pixels <= MAX_SIDE:
            below = max(STEP, min(MAX_SIDE, pixels // STEP * STEP))
            raise ModelError(
                f"FIBO cannot render this {name}",
                where=name,
                found=f"{pixels} pixels",
                allowed=f"multiples of {STEP} up to {MAX_SIDE}",
                fix=f"take {below}" + (f" or {below + STEP}" if pixels < MAX_SIDE else ""),
            )


def chosen_ratio(choice: str, custom: str, image: tuple[int, int] | None) -> str:
    """``W:H`` for a choice of a menu: a trained ratio, ``custom``'s text, or that of ``image`` (width, height).

    Raises StudioFlowError for another choice, for a text that is no ``W:H``, and where the image is missing.
    """
    require_choice("aspect_ratio", choice, [FROM_IMAGE, CUSTOM, *trained_ratios()])
    if choice == FROM_IMAGE:
        if image is None:
            raise StudioFlowError(
                "there is no image to take the ratio from",
                where="image",
                found="nothing connected",
                fix="connect an image, or choose another aspect_ratio",
            )
        return f"{image[0]}:{image[1]}"
    if choice != CUSTOM:
        return choice
    if not _RATIO.fullmatch(custom.strip()):
        raise StudioFlowError(
            "this is no ratio",
            where="custom_ratio",
            found=f'"{custom}"',
            allowed="width:height in whole numbers of 1 to 9999",
            fix='write for example "21:9"',
        )
    return custom.strip()


def rope_scale(width: int, height: int) -> float:
    """How far positions must be pulled together for FIBO 2 to see them as it was trained: √(1 MP / area), to 0.01.

    The value of ``scale_x`` and ``scale_y`` in ComfyUI's ScaleROPE.
    """
    return round(math.sqrt(_TRAINED_AREA / (width * height)), 2)


def size_notice(width: int, height: int, dialect: str) -> str:
    """What to expect above the area of training; empty within it."""
    if width * height <= _TRAINED_SPREAD * _TRAINED_AREA:
        return ""
    above = f"{width * height / _TRAINED_AREA:.1f} megapixels, FIBO was trained at about 1"
    if dialect != "fibo-2":
        return above
    scale = rope_scale(width, height)
    return f"{above}: subjects repeat unless ComfyUI's ScaleROPE, scale_x = scale_y = {scale:g}, stands before KSampler"


def _trained_size(ratio: float) -> tuple[int, int]:
    """What FIBO 2 was trained at for a picture of that ratio: the size that cuts off least, then the nearest in area.

    The rule of ``BriaFibo2ImageProcessor.get_image_size`` in diffusers 0.42 (Apache-2.0).
    """

    def cut_off(width: int, height: int) -> float:
        return round(1 - min(width / height / ratio, ratio * height / width), 9)

    sizes = _trained_sizes_near(ratio) or _trained_sizes_near(None)
    return min(sizes, key=lambda size: (cut_off(*size), abs(size[0] * size[1] - _TRAINED_AREA), -size[0]))


def _trained_sizes_near(ratio: float | None) -> list[tuple[int, int]]:
    """Every size of training, or of those the ones that can be the best for a ratio: no other cuts off less."""
    least, most = 0.9 * _TRAINED_AREA, _TRAINED_SPREAD * _TRAINED_AREA
    first, last = MIN_SIDE, 2 * _TRAINED_AREA // MIN_SIDE
    if ratio is not None:
        # Two steps of the shorter side off the ratio there is always one, where the sides allow it at all.
        off = 1 + 2 * STEP / math.sqrt(_TRAINED_AREA / max(ratio, 1 / ratio))
        first = max(first, STEP * math.floor(math.sqrt(least * ratio / off) / STEP))
        last = min(last, math.ceil(math.sqrt(most * ratio * off)) + 1)
    found = []
    for width in range(first, last, STEP):
        lowest, highest = MIN_SIDE, 2 * _TRAINED_AREA // width
        if ratio is not None:
            lowest = max(lowest, STEP * math.floor(width / ratio / off / STEP))
            highest = min(highest, math.ceil(width / ratio * off) + 1)
        found += [(width, height) for height in range(lowest, highest, STEP) if least <= width * height <= most]
    return found


def _multiple(pixels: float) -> int:
    return max(STEP, STEP * math.floor(pixels / STEP + 0.5))
