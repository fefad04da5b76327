"""Batches of pictures, as nodes get them, through the steps of this room one picture at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError
from .agreement import agreement, edges_of
from .base import toned_base
from .clean import Cleanup, clean_sketch
from .pictures import checked

Array = NDArray[np.float32]
OnStep = Callable[[int, int], Any]
"""Is told how many of how many pictures are done; what it raises ends the work."""


class CleanedBatch(NamedTuple):
    """``images`` [B, H, W, 3] and ``lines`` [B, H, W]: pages of other sizes stand on paper of the largest."""

    images: Array
    lines: Array
    notes: list[str]


class Compared(NamedTuple):
    """``pictures`` [B, H, W, 3]; ``report`` has a line for each picture."""

    scores: list[float]
    best: int
    pictures: Array
    report: str


def with_alpha(pixels: Array, transparent: Array) -> Array:
    """Pictures [B, H, W, 3] and how transparent they are [B, H, W], as ComfyUI loads them, as pictures with an alpha.

    ComfyUI gives a small empty mask with a picture that has no alpha, so one of another size is left out where it is
    empty; StudioFlowError where it is not.
    """
    if transparent.shape == pixels.shape[:3]:
        return np.concatenate([pixels[..., :3], 1.0 - transparent[..., None]], axis=-1)
    if not transparent.any():
        return pixels
    raise StudioFlowError(
        "this mask does not belong to this picture",
        where="mask",
        found=" × ".join(map(str, transparent.shape)),
        allowed=" × ".join(map(str, pixels.shape[:3])),
        fix="connect the MASK of the node that loads the picture, or none",
    )


def clean_all(pixels: Any, how: Cleanup, on_step: OnStep) -> CleanedBatch:
    """Each picture of a batch [B, H, W, C] cleaned, see ``clean_sketch``."""
    given = checked(pixels, "image")
    done, notes = [], list(given.notes)
    for number, picture in enumerate(given.pictures):
        cleaned = clean_sketch(picture, how)
        done.append(cleaned)
        notes += _of_picture(number, len(given.pictures), cleaned.notes)
        on_step(number + 1, len(given.pictures))
    return CleanedBatch(_on_paper([one.image for one in done], 1.0), _on_paper([one.lines for one in done], 0.0), notes)


def toned_all(pixels: Any) -> Array:
    """Each picture of a batch laid into a grey base, [B, H, W, 3]."""
    return np.stack([toned_base(picture) for picture in checked(pixels, "control_map").pictures])


def compare_all(control_map: Any, pixels: Any, tolerance_px: float) -> Compared:
    """Each picture of a batch against one control map, or each against its own."""
    wanted = [_lines_of(picture) for picture in checked(control_map, "control_map").pictures]
    seen = checked(pixels, "image").pictures
    if len(wanted) not in (1, len(seen)):
        raise StudioFlowError(
            "these batches do not fit together",
            where="control_map",
            found=f"{len(wanted)} control maps and {len(seen)} pictures",
            allowed="one control map, or one for each picture",
        )
    pairs = zip(wanted * (len(seen) if len(wanted) == 1 else 1), seen, strict=True)
    found = [agreement(lines, edges_of(picture, lines), tolerance_px) for lines, picture in pairs]
    scores = [float(one.f_score) for one in found]
    report: list[str] = []
    for number, one in enumerate(found):
        said = f"{one.recall:.0%} of the lines are there, {one.precision:.0%} of its edges are lines"
        report += _of_picture(number, len(found), [f"score {one.f_score:.3f}: {said}"])
    return Compared(scores, int(np.argmax(scores)), _on_paper([one.picture for one in found], 0.0), "\n".join(report))


def _lines_of(picture: Array) -> Array:
    """A control map [H, W, 3] as lines [H, W], 1 is line: most of a drawing is not line, so that tells its polarity."""
    gray = picture.mean(axis=2)
    return gray if gray.mean() <= 0.5 else 1.0 - gray


def _of_picture(number: int, of: int, notes: Sequence[str]) -> list[str]:
    return [f"picture {number + 1}: {note}" if of > 1 else note for note in notes]


def _on_paper(pictures: Sequence[Array], paper: float) -> Array:
    """Pictures of several sizes in the middle of ones of the largest."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    whole = np.full((len(pictures), height, width, *pictures[0].shape[2:]), paper, dtype=np.float32)
    for number, picture in enumerate(pictures):
        top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
        whole[number, top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return whole
