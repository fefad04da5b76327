"""Where the page lies in a photograph of it, and the page seen from straight above.

Candidates come from thresholds at several levels (a page is brighter or less colourful than what it lies on), each
outline becomes a quadrilateral, and the one whose four sides have a step of brightness or colour along them wins. A
drawn frame is a line with paper on both sides and no step, so it is no page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .pictures import at_most

Bytes = NDArray[np.uint8]
Corners = NDArray[np.float32]
"""[4, 2], x and y in pixels (0, 0 is the corner of the first pixel's area's centre), clockwise from the upper left."""

_SEARCH_SIDE = 640
"""Pixels of the longer side on which the page is looked for; its sides are then refined on the picture itself."""
_REFINE_SIDE = 2000
_LEAST_AREA, _MOST_AREA = 0.12, 0.985
"""Of the picture. Below it is a thing in the picture, above it the picture is the page."""
_LEAST_STEP = 10.0
"""Of 255: what a side must differ by, from inside to outside, to count where it is measured."""
_LEAST_SUPPORT = 0.7
"""Share of a side along which the step must be there."""


class Found(NamedTuple):
    """A page, by how much its upper side is turned, and the ratio of its sides."""

    corners: Corners
    turned_deg: float
    ratio: float


def find_page(picture: Bytes) -> Found | None:
    """The page in an RGB picture [H, W, 3], or None where there is none, or none with its four corners in view."""
    import cv2

    height, width = picture.shape[:2]
    if min(height, width) < 64:
        return None
    small = _smooth(at_most(picture, _SEARCH_SIDE))
    quads = [quad for mask in _masks(small) for quad in _quads(mask)]
    scored = [(score, number) for number, quad in enumerate(quads) if (score := _score(small, quad)) > 0]
    if not scored:
        return None
    larger = cv2.GaussianBlur(_lab(at_most(picture, _REFINE_SIDE)), (0, 0), 1.2)
    corners = quads[max(scored)[1]] * (larger.shape[1] / small.shape[1])
    for reach in (0.012, 0.005):
        corners = _refined(larger, corners, max(3.0, reach * max(larger.shape[:2])))
    if corners is None:
        return None
    scale = width / larger.shape[1]
    corners = ((corners + 0.5) * scale - 0.5).astype(np.float32)
    across = corners[1] - corners[0]
    return Found(corners, float(np.degrees(np.arctan2(across[1], across[0]))), _ratio(corners, (width, height)))


def rectified(picture: Bytes, page: Found, most: int) -> Bytes:
    """The page from straight above, [h, w, 3], as large as it is in the picture, the longer side at most ``most``."""
    import cv2

    sides = np.linalg.norm(page.corners - np.roll(page.corners, -1, axis=0), axis=1)
    across = max(sides[0], sides[2], page.ratio * max(sides[1], sides[3]))
    width, height = across, across / page.ratio
    scale = min(1.0, most / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    # The corners are the outer corners of the page's pixels, whose centres lie half a pixel inside.
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
    transform = cv2.getPerspectiveTransform(page.corners, target)
    flags = cv2.INTER_LINEAR if scale > 0.7 else cv2.INTER_AREA
    return cv2.warpPerspective(picture, transform, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _lab(picture: Bytes) -> Bytes:
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)


def _smooth(small: Bytes) -> Bytes:
    """Lab without the drawing: the closing takes thin dark lines away, the median the grain."""
    import cv2

    lab = _lab(small)
    lab[..., 0] = cv2.morphologyEx(lab[..., 0], cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return cv2.medianBlur(lab, 5)


def _masks(lab: Bytes) -> Iterator[Bytes]:
    """Masks in which the page may be one region: thresholds of lightness and of colourfulness, and areas between
    edges (as the squares sample of OpenCV goes about it)."""
    import cv2

    light = lab[..., 0]
    colour = np.hypot(*(lab[..., 1:].astype(np.float32) - 128.0).transpose(2, 0, 1))
    colour = cv2.convertScaleAbs(colour, alpha=2.0)
    for channel in (light, 255 - light, 255 - colour, colour):
        otsu, mask = cv2.threshold(channel, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
        yield mask
        low, high = np.percentile(channel, (5, 95))
        for level in np.linspace(low, high, 9)[1:-1]:
            if abs(level - otsu) > 3:
                yield cv2.threshold(channel, level, 255, cv2.THRESH_BINARY)[1]
    for strength in (12, 30, 60):
        edges = cv2.Canny(light, strength / 2, strength) | cv2.Canny(colour, strength, 2 * strength)
        yield 255 - cv2.dilate(edges, np.ones((3, 3), np.uint8))


def _quads(mask: Bytes) -> Iterator[Corners]:
    """Quadrilaterals about the large regions of a mask that fill theirs, all of it inside the picture."""
    import cv2

    area = mask.size
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for outline in sorted(outlines, key=cv2.contourArea, reverse=True)[:3]:
        hull = cv2.convexHull(outline)
        if len(hull) < 4 or cv2.contourArea(hull) < _LEAST_AREA * area:
            continue
        quad = cv2.approxPolyN(hull, 4, ensure_convex=True).reshape(-1, 2).astype(np.float32)
        if len(quad) != 4:
            continue
        covered = cv2.contourArea(quad)
        if _LEAST_AREA * area < covered < _MOST_AREA * area and cv2.contourArea(hull) > 0.9 * covered:
            quad = _ordered(quad)
            if _is_page_like(quad, mask.shape):
                yield quad


def _ordered(quad: Corners) -> Corners:
    """Clockwise from the upper left corner, for pages that are turned by less than 45 degrees."""
    around = quad - quad.mean(axis=0)
    quad = quad[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]
    return np.roll(quad, -int(np.argmin(quad.sum(axis=1))), axis=0)


def _is_page_like(quad: Corners, shape: tuple[int, ...]) -> bool:
    """Whether angles lie between 50 and 130 degrees and the corners in the picture."""
    ahead, back = np.roll(quad, -1, axis=0) - quad, np.roll(quad, 1, axis=0) - quad
    cosine = (ahead * back).sum(axis=1) / np.maximum(1e-6, np.linalg.norm(ahead, axis=1) * np.linalg.norm(back, axis=1))
    height, width = shape[:2]
    inside = (quad > -0.02 * width).all() and (quad < (1.02 * width, 1.02 * height)).all()
    return bool(inside and (np.abs(cosine) < np.cos(np.radians(50))).all())


def _along(quad: Corners, side: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points [count, 2] along a side without its ends, and the unit normal that points out of the page."""
    start, end = quad[side].astype(float), quad[(side + 1) % 4].astype(float)
    share = np.linspace(0.06, 0.94, count)[:, None]
    direction = (end - start) / max(1e-6, float(np.linalg.norm(end - start)))
    return start + share * (end - start), np.array([direction[1], -direction[0]])


def _sampled(lab: Bytes, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """The picture's values at points [..., 2], linearly between pixels; past the border the nearest pixel."""
    import cv2

    flat = points.reshape(-1, 1, 2).astype(np.float32)
    values = cv2.remap(lab, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return values.reshape(*points.shape[:-1], -1).astype(np.float32)


def _score(lab: Bytes, quad: Corners) -> float:
    """How well a quadrilateral is a page: its area by the mean share of its sides that have a step, or 0.

    The step is measured between 3 and 10 pixels to both sides, which a line of any usual width does not reach.
    """
    height, width = lab.shape[:2]
    shares = []
    for side in range(4):
        points, normal = _along(quad, side, 48)
        inner = _sampled(lab, points[:, None] - normal * np.array([5.0, 8.0, 11.0])[:, None]).mean(axis=1)
        beyond = points[:, None] + normal * np.array([5.0, 8.0, 11.0])[:, None]
        outer = _sampled(lab, beyond).mean(axis=1)
        seen = ((beyond > 0) & (beyond < (width - 1, height - 1))).all(axis=(1, 2))
        if seen.mean() < 0.5:
            return 0.0
        step = np.median((inner - outer)[seen], axis=0)
        size = float(np.linalg.norm(step))
        if size < _LEAST_STEP:
            return 0.0
        # Along the mean step, so that grain and things beside the page do not count as one.
        shares.append(float((((inner - outer)[seen] @ (step / size)) > 0.4 * _LEAST_STEP).mean()))
    if min(shares) < _LEAST_SUPPORT:
        return 0.0
    import cv2

    return float(np.mean(shares) ** 4 * cv2.contourArea(quad) ** 0.25)


def _refined(lab: Bytes, corners: Corners | None, reach: float) -> Corners | None:
    """The sides moved to the steepest place within ``reach`` pixels: a robust line (Huber's M-estimator, as
    ``cv2.fitLine`` has it) through the steepest place at many points of a side; corners are where lines meet."""
    import cv2

    if corners is None:
        return None
    lines = []
    offsets = np.arange(-reach, reach + 0.25, 0.5)
    for side in range(4):
        points, normal = _along(corners, side, 160)
        profiles = _sampled(lab, points[:, None] + normal * offsets[:, None])
        slopes = np.gradient(profiles, axis=1)
        mean = slopes.mean(axis=0)
        direction = mean[np.argmax(np.linalg.norm(mean, axis=1))]
        strength = slopes @ (direction / max(1e-6, float(np.linalg.norm(direction))))
        best = strength.argmax(axis=1)
        steep = strength.max(axis=1) >= 0.5 * np.median(strength.max(axis=1))
        at = (points + normal * offsets[best][:, None])[steep].astype(np.float32)
        lines.append(cv2.fitLine(at, cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().astype(float))
    met = [_crossing(lines[side - 1], lines[side]) for side in range(4)]
    if any(corner is None for corner in met):
        return None
    moved = np.array(met, np.float32)
    return moved if np.abs(moved - corners).max() < 6 * reach else corners


def _crossing(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Where two lines (direction and point, as cv2.fitLine gives them) meet; None where they are parallel."""
    matrix = np.array([one[:2], -other[:2]]).T
    if abs(np.linalg.det(matrix)) < 1e-6:
        return None
    return one[2:] + np.linalg.solve(matrix, other[2:] - one[2:])[0] * one[:2]


def _ratio(corners: Corners, size: tuple[int, int]) -> float:
    """Width by height of the page itself, from its perspective.

    Zhang and He, "Whiteboard scanning and image enhancement", Digital Signal Processing 17 (2007), section 4: with
    the principal point in the middle of the picture and square pixels, the vanishing points give the focal length and
    this the ratio. Where perspective is too weak to tell, the mean sides.
    """
    m1, m2, m4, m3 = (np.array([x - size[0] / 2, y - size[1] / 2, 1.0]) for x, y in corners.astype(float))
    sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    plain = float((sides[0] + sides[2]) / (sides[1] + sides[3]))
    k2 = np.dot(np.cross(m1, m4), m3) / np.dot(np.cross(m2, m4), m3)
    k3 = np.dot(np.cross(m1, m4), m2) / np.dot(np.cross(m3, m4), m2)
    n2, n3 = k2 * m2 - m1, k3 * m3 - m1
    if abs(n2[2]) < 0.02 or abs(n3[2]) < 0.02:
        return plain
    focal_squared = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
    if not (0.4 * max(size)) ** 2 < focal_squared < (6 * max(size)) ** 2:
        return plain
    weigh = np.array([1.0, 1.0, focal_squared])
    ratio = float(np.sqrt((n2**2 * weigh).sum() / (n3**2 * weigh).sum()))
    return ratio if 0.6 * plain < ratio < 1.6 * plain else plain
