"""What the camera's geometry makes impossible or unlikely: framing, focus, and a camera where none can stand."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ...studio.framing import Fill, fill_of
from ...studio.placement import axes_of
from .base import Fault, remove, rule, show
from .shot import Point, Shot, center_of, point
from .words import Text, meaning

_UNPLACED_TOP_M = 2.0
"""How high the camera may be aimed where no target is given."""
_UNMEASURED_RADIUS_M = 0.25
"""Taken for a subject without size, so that only what is clearly outside counts as outside."""
_FILL_LIMITS = {
    "close": (0.25, math.inf),
    "fills": (0.45, math.inf),
    "full": (0.0, 1.25),
    "wide": (0.0, 0.9),
    "tiny": (0.0, 0.5),
}
"""Least and most of the frame that the subject may take for each kind of framing; wide, for the words are vague."""


@rule("framing-impossible")
def framing(shot: Shot) -> Iterator[Fault]:
    """Stated framing against the size of the subject and what the lens covers at its distance."""
    for text in shot.texts:
        index = text.subject or 0
        filled = _filled(shot, index) if text.path[0] == "scene" else None
        if filled is None or not (text.of_the_picture or text.kind == "subject"):
            continue
        across, up = filled
        for match in text.matches("framing"):
            low, high = _FILL_LIMITS[match.group.split(".")[1]]
            share = up if match.group == "framing.full" else max(across, up)
            if not low <= share <= high:
                yield _framing_fault(shot, text, match.phrase, share)
                break
        else:
            yield from _fraction(shot, text, across, up)


def _fraction(shot: Shot, text: Text, across: float, up: float) -> Iterator[Fault]:
    """ "fills two thirds of the picture's height" against the real share; a factor of two is let pass."""
    if text.field != "relative_size":
        return
    for match in text.matches("fraction"):
        behind = text.after(match.last, 5)
        if behind[:2] != ["of", "the"] or "".join(behind[2:3]).removesuffix("'s") not in _PICTURE:
            continue
        share = across if "width" in behind else up if "height" in behind else max(across, up)
        stated = float(str(meaning(match.group, match.phrase)))
        if not 0.5 <= share / stated <= 2.0:
            yield _framing_fault(shot, text, match.phrase + " of the picture", share)
            return


_PICTURE = ("picture", "frame", "image", "photo", "height", "width")


def _framing_fault(shot: Shot, text: Text, phrase: str, share: float) -> Fault:
    distance = math.dist(shot.camera_at or (0, 0, 0), center_of(shot.subjects[text.subject or 0]))
    return Fault(
        text.path,
        f"the text says {show(phrase)}, while a lens of {shot.lens.focal_length_mm:g} mm at {distance:.2g} m makes the "
        f"subject {100 * share:.0f} % of the frame",
        "change the distance, the focal length or size_m, or change the words",
    )


def _filled(shot: Shot, index: int) -> Fill | None:
    """Which part of the frame's width and height a subject takes; None where something to know it by is missing."""
    if shot.camera_at is None or shot.ratio is None or index >= len(shot.subjects):
        return None
    subject = shot.subjects[index]
    along = _away(shot, subject)[2]
    return fill_of(shot.camera, subject, shot.ratio, along) if along > 0.0 else None


def _away(shot: Shot, subject: dict[str, Any]) -> Point:
    """Where the middle of a subject lies from the camera, without its roll: to the right, upwards, along the view."""
    if shot.camera_at is None or shot.orbit is None:
        raise ValueError("the camera stands nowhere")
    axes = axes_of(shot.orbit["azimuth_deg"], shot.orbit["elevation_deg"])
    away = [a - b for a, b in zip(center_of(subject), shot.camera_at, strict=True)]
    across, up, along = (
        sum(a * b for a, b in zip(away, axis, strict=True)) for axis in (axes.right, axes.up, axes.forward)
    )
    return across, up, along


@rule("aperture-without-lens")
def aperture(shot: Shot) -> Iterator[Fault]:
    """An aperture alone gives no depth of field."""
    if shot.lens.focal_length_mm is None and "aperture" in shot.camera.get("lens", {}):
        yield Fault(
            ("camera", "lens", "aperture"),
            f"an aperture of {shot.lens.aperture:g} without a focal length says nothing about depth of field",
            "give focal_length_mm or a lens preset",
        )


@rule("focus-misses-target")
def focus_misses(shot: Shot) -> Iterator[Fault]:
    """A focus distance that leaves both the target and the main subject unsharp."""
    if shot.orbit is None or shot.sharp is None or "focus_distance_m" not in shot.camera["lens"]:
        return
    near, far = shot.sharp.near_m, shot.sharp.far_m
    distance = shot.orbit["distance_m"]
    half = max(shot.subjects[0].get("size_m", [0]), default=0) / 2.0 if shot.subjects else 0.0
    front, back = shot.sharp.front_m, shot.sharp.back_m
    on_subject = front is not None and back is not None and near <= back and front <= far
    if not on_subject and not near - half <= distance <= far + half:
        yield Fault(
            ("camera", "lens", "focus_distance_m"),
            f"focused at {shot.sharp.focus_m:g} m the lens is sharp from {near:.3g} to {far:.3g} m, "
            f"and the target is at {distance:.3g} m",
            "leave focus_distance_m out to focus on the target, or stop down",
            (remove(("camera", "lens", "focus_distance_m")),),
        )


@rule("camera-inside-subject")
def inside(shot: Shot) -> Iterator[Fault]:
    """A camera within the box of a subject."""
    if shot.camera_at is None:
        return
    for index, subject in enumerate(shot.subjects):
        if "size_m" in subject and _within(shot.camera_at, subject):
            yield Fault(
                ("camera", "pose" if "pose" in shot.camera else "orbit"),
                f"the camera stands inside subject {index} ({show(subject['description'])})",
                "move the camera away, or correct size_m or position_m of the subject",
            )


def _within(at: Point, subject: dict[str, Any]) -> bool:
    """Whether a point lies in the box of a subject that stands on its position and is turned by its facing."""
    x, y, z = (a - b for a, b in zip(at, point(subject.get("position_m", [0, 0, 0])), strict=True))
    turn = math.radians(subject.get("facing_deg", 0.0))
    sideways, along = x * math.cos(turn) - z * math.sin(turn), x * math.sin(turn) + z * math.cos(turn)
    width, height, depth = subject["size_m"]
    return abs(sideways) < width / 2 and 0 < y < height and abs(along) < depth / 2


@rule("camera-below-ground")
def below_ground(shot: Shot) -> Iterator[Fault]:
    """A camera below the ground or table that the subjects stand on."""
    if shot.camera_at is None or shot.orbit is None:
        return
    height = shot.camera_at[1]
    if shot.target is None:
        tops = [center_of(subject)[1] * 2 for subject in shot.subjects]
        height = max([_UNPLACED_TOP_M, *tops]) + height - (center_of(shot.subjects[0])[1] if shot.subjects else 0.0)
    lowest = min([0.0, *(point(subject["position_m"])[1] for subject in shot.subjects if "position_m" in subject)])
    if height < lowest - 0.01:
        yield Fault(
            ("camera", "pose" if "pose" in shot.camera else "orbit"),
            f"the camera stands {-height:.3g} m below the ground",
            "raise the elevation or the target, or come closer",
        )


@rule("subject-out-of-frame")
def out_of_frame(shot: Shot) -> Iterator[Fault]:
    """A placed subject that stands behind the camera or outside what it covers."""
    target = shot.target
    if shot.camera_at is None or shot.orbit is None or target is None or abs(shot.orbit["roll_deg"]) > 10:
        return
    for index, subject in enumerate(shot.subjects):
        # A location in words wins in the caption, and then the position is only a note.
        if "position_m" not in subject or "location" in subject:
            continue
        across, height, depth = _away(shot, subject)
        radius = math.hypot(*subject["size_m"]) / 2 if "size_m" in subject else _UNMEASURED_RADIUS_M
        frame = shot.frame_at(depth + radius)
        where = ""
        if depth < -radius:
            where = "behind the camera"
        elif frame and (abs(across) - radius > frame.width_m / 2 or abs(height) - radius > frame.height_m / 2):
            where = "outside the frame"
        if where:
            yield Fault(
                ("scene", "subjects", index, "position_m"),
                f"{show(subject['description'])} stands {where}",
                "move it, turn the camera or take a shorter lens; or leave the subject out",
            )
