"""Batches of pictures, as nodes get them, through the steps of this room one picture at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import StudioFlowError
from .agreement import Agreement, agreement, at_size, edges_of, strokes_of
from .base import toned_areas, toned_base
from .clean import Cleanup, clean_sketch
from .control_map import require_room
from .menus import AREAS
from .pictures import checked, grey, reduced, working_size
from .thinning import LINE

Array = NDArray[np.float32]
OnStep = Callable[[int, int], Any]
"""Is told how many of how many pictures are done; what it raises ends the work."""


class CleanedBatch(NamedTuple):
    """``images`` [B, H, W, 3] and ``lines`` [B, H, W]: pages of other sizes stand on paper of the largest."""

    images: Array
    lines: Array
    notes: list[str]


class Compared(NamedTuple):
    """Each picture's F-score, precision and recall; ``pictures`` [B, H, W, 3]; a line for each in ``report``."""

    scores: list[float]
    precision: list[float]
    recall: list[float]
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
    """Each picture of a batch [B, H, W, C] cleaned, see ``clean_sketch``.

    An error says which picture it is about. Raises StudioFlowError for results of more than 8 GB.
    """
    given = checked(pixels, "image")
    lines, notes, count = [], list(given.notes), len(given.pictures)
    for number, picture in enumerate(given.pictures):
        try:
            cleaned = clean_sketch(picture, how)
        except StudioFlowError as error:
            raise _numbered(error, "image", number, count) from error
        require_room(count, *cleaned.lines.shape)
        lines.append(cleaned.lines)
        notes += _of_picture(number, count, cleaned.notes)
        on_step(number + 1, count)
    drawn = _on_paper(lines, 0.0)
    return CleanedBatch(np.repeat(1.0 - drawn[..., None], 3, axis=3), drawn, notes)


def toned_all(pixels: Any, role: str) -> tuple[Array, list[str]]:
    """Each control map of a batch as a base to start from, [B, H, W, 3], at most 4096 pixels long; and notes.

    ``role`` is one of ``menus.ROLES``: depth and monochrome keep their areas, of the others the lines count.
    """
    toned = toned_areas if role in AREAS else toned_base
    done = [reduced(picture) for picture in checked(pixels, "control_map").pictures]
    return np.stack([toned(small) for small, _ in done]), list(dict.fromkeys(note for _, said in done for note in said))


def compare_all(
    control_map: Any, pixels: Any, tolerance_px: float, on_step: OnStep = lambda done, of: None
) -> Compared:
    """Each picture of a batch against one control map, or each against its own.

    Pictures are compared by their edges, one that is a line drawing itself also by its strokes: the better counts,
    because its control map may have been made of either. Control maps of more than 4096 pixels are compared at that
    size, to which the tolerance then belongs; the report says so. Raises StudioFlowError for a control map without
    lines and for batches that do not fit together.
    """
    maps = checked(control_map, "control_map").pictures
    wanted = [_lines_of(picture, number, len(maps)) for number, picture in enumerate(maps)]
    seen = checked(pixels, "image").pictures
    if len(wanted) not in (1, len(seen)):
        raise StudioFlowError(
            "these batches do not fit together",
            where="control_map",
            found=f"{len(wanted)} control maps and {len(seen)} pictures",
            allowed="one control map, or one for each picture",
        )
    pairs = zip(wanted * (len(seen) if len(wanted) == 1 else 1), seen, strict=True)
    measured: list[tuple[float, float, float]] = []
    shown: list[Array] = []
    size, given = wanted[0].shape, maps[0].shape[:2]
    report: list[str] = []
    if size != given:
        report.append(f"compared at {size[1]} × {size[0]}, the control map has {given[1]} × {given[0]}")
    for number, (lines, picture) in enumerate(pairs):
        one, of_its = _followed(lines, picture, tolerance_px)
        measured.append((float(one.f_score), float(one.precision), float(one.recall)))
        shown.append(one.picture)
        said = f"{one.recall:.0%} of the lines are there, {one.precision:.0%} of its {of_its} are lines"
        report += _of_picture(number, len(seen), [f"score {one.f_score:.3f}: {said}"])
        on_step(number + 1, len(seen))
    scores, precision, recall = (list(column) for column in zip(*measured, strict=True))
    return Compared(scores, precision, recall, int(np.argmax(scores)), _on_paper(shown, 0.0), "\n".join(report))


def _followed(lines: Array, picture: Array, tolerance_px: float) -> tuple[Agreement, str]:
    """The agreement, and what of the picture it is about."""
    found = [(agreement(lines, edges_of(picture, lines), tolerance_px), "edges")]
    strokes = strokes_of(reduced(picture)[0])
    if strokes is not None:
        found.append((agreement(lines, strokes, tolerance_px), "strokes"))
    return max(found, key=lambda one: one[0].f_score)


def _lines_of(picture: Array, number: int, of: int) -> Array:
    """A control map [H, W, 3] as lines [h, w], 1 is line: most of a drawing is not line, so that tells its polarity."""
    gray = grey(picture)
    lines = gray if gray.mean() <= 0.5 else 1.0 - gray
    if not 0 < np.count_nonzero(lines >= LINE) < lines.size:
        raise StudioFlowError(
            "there are no lines in the control map",
            where="control_map" if of == 1 else f"control_map {number + 1} of {of}",
            found=f"tones from {gray.min():.2f} to {gray.max():.2f}",
            allowed="lines, white on black or black on white, of more than half the contrast",
            fix="clean the sketch with Sketch Cleanup, or raise detail of Control Map",
        )
    size = working_size(*lines.shape)
    return lines if size == lines.shape else at_size(lines, size).astype(np.float32)


def _numbered(error: StudioFlowError, where: str, number: int, of: int) -> StudioFlowError:
    """The error about one picture of a batch with its number."""
    if of == 1 or error.where != where:
        return error
    return type(error)(
        error.problem,
        where=f"{where} {number + 1} of {of}",
        found=error.found,
        allowed=error.allowed,
        fix=error.fix,
    )


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
