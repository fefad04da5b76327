"""The hand, the paper and the phone of docs/sketches.py. Pictures are float32 [H, W, 3] in 0..1, sRGB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from sketch_subjects import Face, Stroke, faces, strokes

FINE = 3  # strokes are drawn three times as large and averaged: the widths and edges of a real line


class Sheet(NamedTuple):
    """A drawing on its way: the page's size, and strokes (as the hand made them) and faces in pixels of the page."""

    height: int
    width: int
    strokes: list[Stroke]
    faces: list[Face]


# The hand


def by_hand(subject: str, size: tuple[int, int], unsteady_px: float, rng: np.random.Generator) -> Sheet:
    """A subject on a page of ``size``, height and width, drawn by a hand that strays by ``unsteady_px``."""
    drawn, shaded = strokes(subject), faces(subject)
    reach = np.concatenate([stroke.path for stroke in drawn])
    least, most = reach.min(axis=0), reach.max(axis=0)
    room = np.array(size[::-1])
    scale = 0.82 * (room / (most - least)).min()
    turn = np.radians(0.7 * unsteady_px * rng.normal())
    turned = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = room / 2 + rng.uniform(-0.015, 0.015, 2) * min(size)

    def put(points: np.ndarray) -> np.ndarray:
        return (points - (least + most) / 2) @ turned + middle

    made = [Stroke(_unsteady(put(stroke.path), unsteady_px, rng), stroke.pressure) for stroke in drawn]
    return Sheet(*size, made, [Face(put(face.corners), face.grey) for face in shaded])


def _unsteady(path: np.ndarray, strays_px: float, rng: np.random.Generator) -> np.ndarray:
    """The path at every 2 px: strays slowly, trembles a little, and starts and ends where the hand happened to."""
    path = _every(path, 2.0)
    count = len(path)
    slow = _slow(count, 45, 2, rng) * strays_px
    tremble = _slow(count, 5, 2, rng) * 0.12 * strays_px
    return path + slow + tremble + rng.normal(0, 0.4 * strays_px, 2)


def _every(path: np.ndarray, step_px: float) -> np.ndarray:
    along = np.append(0, np.cumsum(np.hypot(*np.diff(path, axis=0).T)))
    at = np.linspace(0, along[-1], max(int(along[-1] / step_px) + 1, 4))
    return np.stack([np.interp(at, along, path[:, i]) for i in (0, 1)], axis=1)


def _slow(count: int, every: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    """Random values that change over about ``every`` steps: [count, columns], standard deviation about 1."""
    few = rng.normal(0, 1, (max(count // every, 1) + 3, columns)).astype(np.float32)
    many = cv2.resize(few, (columns, count + 2 * every), interpolation=cv2.INTER_CUBIC)
    return many[every : every + count]


def marks(sheet: Sheet, width_px: float, rng: np.random.Generator, uneven: float = 0.3) -> np.ndarray:
    """How much of each pixel the pen covered, float32 [H, W] 0..1; pressure changes width and tone by ``uneven``."""
    layer = np.zeros((sheet.height * FINE, sheet.width * FINE), np.float32)
    # Where strokes cross, the later one decides: light ones come first.
    for stroke in sorted(sheet.strokes, key=lambda stroke: stroke.pressure):
        count = len(stroke.path)
        ends = np.clip(np.minimum(np.arange(count), np.arange(count)[::-1]) / 6, 0, 1)
        press = stroke.pressure * (1 - uneven * np.clip(0.5 + 0.5 * _slow(count, 40, 1, rng)[:, 0], 0, 1))
        press *= 1 - uneven * (1 - ends)
        points = np.rint(stroke.path * FINE * 16 + (FINE - 1) * 8).astype(int)
        for i in range(count - 1):
            thick = max(round(width_px * FINE * (0.55 + 0.45 * press[i])), 1)
            cv2.line(layer, points[i].tolist(), points[i + 1].tolist(), float(press[i]), thick, cv2.LINE_8, 4)
    return cv2.resize(layer, (sheet.width, sheet.height), interpolation=cv2.INTER_AREA)


def truth_of(sheet: Sheet) -> np.ndarray:
    """The clean line drawing: every stroke 2 px wide and black on white, uint8 [H, W]."""
    layer = np.zeros((sheet.height * FINE, sheet.width * FINE), np.uint8)
    for stroke in sheet.strokes:
        points = np.rint(stroke.path * FINE * 16 + (FINE - 1) * 8).astype(np.int32)
        cv2.polylines(layer, [points], False, 255, 2 * FINE, cv2.LINE_8, 4)
    return 255 - cv2.resize(layer, (sheet.width, sheet.height), interpolation=cv2.INTER_AREA)


# Paper and what lies on it: float32 [H, W, 3] in 0..1, sRGB


def clouds(size: tuple[int, int], grain_px: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose grains are about ``grain_px`` wide, float32 [H, W], mean 0, standard deviation 1."""
    height, width = size
    few = rng.normal(0, 1, (int(height / grain_px) + 4, int(width / grain_px) + 4)).astype(np.float32)
    many = cv2.resize(few, (int(few.shape[1] * grain_px), int(few.shape[0] * grain_px)), interpolation=cv2.INTER_CUBIC)
    many = many[:height, :width]
    return (many - many.mean()) / (many.std() + 1e-6)


def paper(sheet: Sheet, tone: Sequence[float], rng: np.random.Generator, grain: float = 0.012) -> np.ndarray:
    size = (sheet.height, sheet.width)
    rough = grain * (0.6 * clouds(size, 1.6, rng) + 0.4 * clouds(size, 5, rng) + 0.5 * clouds(size, 60, rng))
    return (np.array(tone, np.float32) * (1 + rough[..., None])).astype(np.float32)


def pencil(covered: np.ndarray, rng: np.random.Generator, tooth: float = 0.5) -> np.ndarray:
    """Graphite stays on the high points of the paper: the same coverage with the paper's tooth in it."""
    high = clouds(covered.shape, 1.7, rng) * 0.35 + 0.6
    return np.clip(covered * (1 - tooth + tooth * np.clip(high * 1.6, 0, 1.25)), 0, 1)


def laid(page: np.ndarray, covered: np.ndarray, colour: Sequence[float], strength: float = 1.0) -> np.ndarray:
    covered = (covered * strength)[..., None]
    return page * (1 - covered) + np.array(colour, np.float32) * covered


def printed(page: np.ndarray, every_px: float, colour: Sequence[float], squared: bool, strength: float) -> np.ndarray:
    """Printed lines 1 px wide, at places that are no whole pixels: level ones, and upright ones where ``squared``."""
    height, width = page.shape[:2]
    level, upright = _combed(height, every_px)[:, None], _combed(width, every_px)[None, :]
    return laid(page, np.maximum(level, upright) if squared else level + 0 * upright, colour, strength)


def _combed(length: int, every_px: float) -> np.ndarray:
    away = np.abs((np.arange(length) + every_px / 2) % every_px - every_px / 2)
    return np.clip(1.1 - away, 0, 1).astype(np.float32)


# The phone


def lit(picture: np.ndarray, fall: float, towards_deg: float, shadow: float, rng: np.random.Generator) -> np.ndarray:
    """Light that falls off to one side by ``fall``, and the soft shadow of a hand with the phone in it."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    angle = np.radians(towards_deg)
    along = x * np.cos(angle) + y * np.sin(angle)
    light = 1 - fall * (along - along.min()) / np.ptp(along)
    if shadow:
        light *= 1 - shadow * _hand(height, width, rng)
    return picture * light[..., None].astype(np.float32)


def _hand(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """The blurred outline of a forearm, a fist and the phone, entering from the lower edge: 1 in full shadow."""
    shape = np.zeros((height, width), np.uint8)
    side = max(height, width)
    at = np.array([width * rng.uniform(0.55, 0.75), height * rng.uniform(0.5, 0.62)])
    elbow = np.array([width * rng.uniform(0.85, 1.1), height * 1.2])
    cv2.line(shape, elbow.astype(int).tolist(), at.astype(int).tolist(), 255, int(0.2 * side))
    cv2.circle(shape, at.astype(int).tolist(), int(0.14 * side), 255, -1)
    box = cv2.boxPoints(((at - (0.02 * side, 0.15 * side)).tolist(), (0.2 * side, 0.38 * side), rng.uniform(-25, 5)))
    cv2.fillPoly(shape, [box.astype(np.int32)], 255)
    return cv2.GaussianBlur(shape, (0, 0), 0.035 * side).astype(np.float32) / 255


def desk(size: tuple[int, int], tone: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """A table top: wood with its grain along the width."""
    height, width = size
    stretched = cv2.resize(clouds((height, width // 24 + 2), 3, rng), (width, height), interpolation=cv2.INTER_CUBIC)
    bent = cv2.resize(clouds((height, width // 12 + 2), 14, rng), (width, height), interpolation=cv2.INTER_CUBIC)
    wood = 1 + 0.07 * stretched + 0.1 * bent + 0.015 * clouds(size, 1.5, rng)
    return np.array(tone, np.float32) * wood[..., None].astype(np.float32)


def held_over(
    page: Sequence[int], size: tuple[int, int], tilt_deg: float, turn_deg: float, roll_deg: float
) -> np.ndarray:
    """Where a phone sees the corners of a page of height and width ``page``: float [4, 2], in a picture of ``size``.

    A pinhole camera with the usual 26 mm lens, tipped by ``tilt_deg`` and ``turn_deg`` away from straight above, and
    moved until the page is in the middle and fills 84 % of the picture.
    """
    height, width = page
    flat = np.array([[-width, -height, 0], [width, -height, 0], [width, height, 0], [-width, height, 0]]) / 2
    angles = zip((tilt_deg, turn_deg, roll_deg), np.eye(3), strict=True)
    turns = [cv2.Rodrigues(np.radians(angle) * axis)[0] for angle, axis in angles]
    placed = flat @ (turns[2] @ turns[0] @ turns[1]).T
    room, focal = np.array(size[::-1]), 26 / 36 * max(size)
    away = np.array([0, 0, 2.0 * max(page)])
    for _ in range(50):
        seen = focal * (placed + away)[:, :2] / (placed + away)[:, 2:]
        away[:2] -= (seen.min(axis=0) + seen.max(axis=0)) / 2 * away[2] / focal
        away[2] *= (np.ptp(seen, axis=0) / room).max() / 0.84
    return seen + room / 2 - 0.5


def on_desk(
    page: np.ndarray, corners: np.ndarray, size: tuple[int, int], table: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The page seen by a phone held over it, with the shadow of its edge, and its corners in pixels of the picture."""
    height, width = page.shape[:2]
    there = corners.astype(np.float32)
    # Pixels are squares: the page's outer corners lie half a pixel outside the centres of its corner pixels.
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    matrix = cv2.getPerspectiveTransform(flat, there)
    fine = np.array([[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1.0]])
    twice = (size[1] * 2, size[0] * 2)
    # Beyond its edge the page goes on, and the mask cuts it: else the border would blend with black.
    warped = cv2.warpPerspective(page, fine @ matrix, twice, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(twice[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.rint((there * 2 + 0.5) * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    warped, mask = (
        cv2.resize(layer, size[::-1], interpolation=cv2.INTER_AREA) for layer in (warped, inside.astype(np.float32))
    )
    mask = mask[..., None] / 255
    under = cv2.GaussianBlur(np.roll(mask[..., 0], (5, 4), (0, 1)), (0, 0), 6)[..., None]
    return warped * mask + table * (1 - 0.5 * under) * (1 - mask), there


def exposed(
    picture: np.ndarray, cast: Sequence[float], noise: float, blur: float, rng: np.random.Generator
) -> np.ndarray:
    """Through the lens and onto the sensor: a little soft, noisier where it is dark, in one colour cast."""
    picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    picture = picture * np.array(cast, np.float32)
    size = picture.shape[:2]
    grey, coloured = rng.normal(0, 1, (*size, 1)), np.stack([clouds(size, 2, rng) for _ in range(3)], axis=2)
    return picture + noise * (1.3 - np.clip(picture, 0, 1)) * (grey + 0.5 * coloured)
