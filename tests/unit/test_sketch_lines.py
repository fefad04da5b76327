"""Line maps against geometry and formulas: where edges lie, how strong they are, and what more detail adds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest
from scipy.special import ndtr

from studioflow.sketch import lines
from studioflow.sketch.shading import depth_from_shading
from studioflow.sketch.tones import dark_on_light, gray8, otsu

RADIUS = 70.0
SIDE = 200


def drawn_disc(inside: float = 0.1, outside: float = 0.9) -> np.ndarray:
    """A disc with a soft rim of one pixel around the middle of the picture."""
    return (outside + (inside - outside) * np.clip(RADIUS - away() + 0.5, 0, 1)).astype(np.float32)


def away() -> np.ndarray:
    """Distance of each pixel's centre from the middle."""
    at = np.arange(SIDE) - (SIDE - 1) / 2
    return np.hypot(at[:, None], at[None, :])


def strokes(ink: float = 0.1, paper: float = 0.95, side: int = 256, wide: int = 3) -> np.ndarray:
    page = np.full((side, side), paper, np.float32)
    cv2.circle(page, (side // 2, side // 2), side // 4, ink, wide, cv2.LINE_AA)
    cv2.line(page, (20, 30), (side - 40, 60), ink, wide, cv2.LINE_AA)
    return page


def photograph() -> np.ndarray:
    """Tones with detail of all sizes, [192, 256, 3]."""
    rng = np.random.default_rng(3)
    octaves = [
        cv2.resize(rng.normal(0, 1, (2**o, 2**o, 3)), (256, 192), interpolation=cv2.INTER_CUBIC) / 2**o
        for o in range(2, 8)
    ]
    whole = np.sum(octaves, axis=0).astype(np.float32)
    return (whole - whole.min()) / np.ptp(whole)


def solids() -> np.ndarray:
    """Filled ellipses of all tones over each other, as objects are in a picture."""
    rng = np.random.default_rng(4)
    page = np.full((192, 256), 0.5, np.float32)
    for _ in range(12):
        centre, axes = rng.integers(20, 180, 2), rng.integers(8, 50, 2)
        cv2.ellipse(page, (tuple(map(int, centre)), tuple(map(int, axes)), 30.0), float(rng.random()), -1, cv2.LINE_AA)
    return page


def grown(binary: np.ndarray, by_px: float) -> np.ndarray:
    return cv2.distanceTransform((binary < 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= by_px


def test_cannys_edge_of_a_disc_is_its_circle() -> None:
    edges = lines.canny(drawn_disc()) > 0
    off = away()[edges] - RADIUS
    assert np.abs(off).max() <= 1.0
    row, column = np.nonzero(edges)
    turns = np.arctan2(row - (SIDE - 1) / 2, column - (SIDE - 1) / 2)
    assert np.diff(np.sort(turns)).max() < 2 * np.pi / 180, "closed all around"


def test_xdog_of_a_step_is_the_formula() -> None:
    """A step blurred by a Gaussian is the normal distribution, so that D is known in closed form."""
    sigma, ratio, tau, epsilon, phi = 2.5, 1.6, 0.98, -0.01, 12.0
    step = np.zeros((40, 120), np.float32)
    step[:, 60:] = 1.0
    at = np.arange(120) - 59.5
    difference = ndtr(at / sigma) - tau * ndtr(at / (ratio * sigma))
    wanted = np.where(difference >= epsilon, 0.0, -np.tanh(phi * (difference - epsilon)))
    seen = lines.xdog(step, sigma, ratio=ratio, tau=tau, epsilon=epsilon, phi=phi)
    assert wanted.max() > 0.5
    assert np.abs(seen - wanted).max() < 0.02
    assert (seen[:, 60:] == 0).all(), "the dark side has the line"


def test_even_tones_have_no_lines() -> None:
    for tone in (0.0, 0.3, 1.0):
        flat = np.full((64, 48, 3), tone, np.float32)
        for method in (lines.line_art, lines.canny, lines.soft_edge, lines.scribble, lines.threshold, lines.thin):
            assert not method(flat).any(), (method.__name__, tone)


def test_paper_grain_has_no_lines() -> None:
    grain = np.random.default_rng(0).normal(0.9, 0.01, (256, 256)).astype(np.float32)
    for method in (lines.canny, lines.threshold, lines.scribble):
        assert method(grain).mean() < 1e-3, method.__name__
    assert lines.soft_edge(grain).mean() < 0.15


@pytest.mark.parametrize("picture", [strokes(), strokes(0.75, 0.9), photograph()], ids=["ink", "pencil", "photograph"])
@pytest.mark.parametrize("method", [lines.canny, lines.line_art, lines.threshold, lines.soft_edge])
def test_more_detail_never_takes_a_line_away(method: Callable[..., np.ndarray], picture: np.ndarray) -> None:
    maps = [method(picture, detail) for detail in np.linspace(0, 1, 9)]
    assert all((more >= less - 1e-6).all() for less, more in pairwise(maps))
    assert maps[-1].sum() > maps[0].sum() or method is lines.threshold or picture.ndim == 2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_picture_has_a_turned_map(turns: int) -> None:
    picture = photograph()
    turned = np.ascontiguousarray(np.rot90(picture, turns))
    soft = np.rot90(lines.soft_edge(picture), turns)
    assert np.abs(lines.soft_edge(turned) - soft).max() < 1e-3
    # Where two neighbours are equally steep OpenCV's Canny takes the first, so that edges may be one pixel off.
    shapes = solids()
    edges, limits = lines.canny_edges(shapes, 0.5, 0, 0)
    seen, same = lines.canny_edges(np.ascontiguousarray(np.rot90(shapes, turns)), 0.5, 0, 0)
    edges, seen = np.rot90(edges, turns) > 0, seen > 0
    assert edges.sum() > 500 and limits == same
    assert grown(edges, 1.5)[seen].mean() > 0.995 and grown(seen, 1.5)[edges].mean() > 0.995


def test_thresholds_are_opencvs() -> None:
    picture = photograph()
    smooth = cv2.GaussianBlur(gray8(picture), (0, 0), 1.0)
    wanted = cv2.Canny(smooth, 60, 120)
    assert np.array_equal(lines.canny(picture, low=60, high=120), wanted.astype(np.float32) / 255)
    assert np.array_equal(lines.canny(picture, 0.1, 60, 120), lines.canny(picture, 0.9, 60, 120))
    assert lines.canny(picture, high=120).sum() >= lines.canny(picture, low=60, high=120).sum()


def test_thresholds_follow_the_contrast() -> None:
    """Half the contrast, half the thresholds, the same edges: what fixed thresholds do not do."""
    strong, faint = drawn_disc(0.1, 0.9), drawn_disc(0.4, 0.6)
    high = [lines.canny_edges(picture, 0.5, 0, 0)[1].high for picture in (strong, faint)]
    assert high[1] == pytest.approx(high[0] / 4, rel=0.15)
    assert grown(lines.canny(strong), 1.0)[lines.canny(faint) > 0].all()
    assert lines.canny(faint).sum() == pytest.approx(lines.canny(strong).sum(), rel=0.05)


def test_soft_edges_are_the_gradient() -> None:
    """A ramp has one gradient; twice as steep is twice as strong, on a picture whose strongest edge sets the scale."""
    picture = np.full((300, 300), 0.2, np.float32)
    for top, change in ((20, 0.02), (120, 0.01)):
        picture[top : top + 60, 100:120] += change * np.arange(20, dtype=np.float32)
        picture[top : top + 60, 120:] += change * 20
    soft = lines.soft_edge(picture, 0.5)
    assert soft[50, 110] / soft[150, 110] == pytest.approx(2.0, rel=0.02)
    assert lines.soft_edge(picture, 0.0)[50, 110] == pytest.approx(soft[50, 110] ** 2, rel=1e-3), "gamma 2"


def test_ink_is_found_under_uneven_light() -> None:
    page = strokes(0.4, 1.0)
    light = np.linspace(1.0, 0.35, 256, dtype=np.float32)[None, :]
    truth, seen = strokes(0.0, 1.0) < 0.5, lines.threshold(page * light) > 0
    assert grown(truth, 1.5)[seen].all() and seen[truth].mean() > 0.98
    one_level = page * light <= otsu(cv2.calcHist([gray8(page * light)], [0], None, [256], [0, 256]).ravel()) / 255
    assert not grown(truth, 1.5)[one_level].all(), "one level for all would not do it"


@pytest.mark.parametrize("wide", [1, 3, 6, 11])
def test_thin_lines_are_one_pixel_wide_and_in_the_middle(wide: int) -> None:
    page = np.full((512, 512), 1.0, np.float32)
    page[60:452, 250 : 250 + wide] = 0.0
    thin = lines.thin(page) > 0
    assert (thin[80:430].sum(axis=1) == 1).all()
    assert np.abs(np.nonzero(thin[80:430])[1] - (250 + (wide - 1) / 2)).max() <= 1.0


def test_thin_lines_of_an_area_are_its_outline() -> None:
    thin = lines.thin(drawn_disc(0.0, 1.0)) > 0
    inner = away() < RADIUS - 8
    assert not thin[inner].any() and np.abs(away()[thin] - RADIUS).max() <= 2.0


def test_scribbles_are_few_thick_and_near_the_lines() -> None:
    page = strokes(side=512, wide=4)
    truth = page < 0.5
    for x, y in np.random.default_rng(1).integers(20, 490, (60, 2)):
        if not grown(truth, 20)[y, x]:
            cv2.circle(page, (int(x), int(y)), 1, 0.3, -1)
    drawn = lines.scribble(page, line_px=9) > 0
    assert grown(truth, 9)[drawn].all() and grown(drawn, 4)[truth].mean() > 0.98
    across = cv2.distanceTransform(drawn.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
    assert 2 * across == pytest.approx(9, abs=3.5)


@pytest.mark.parametrize("wide", [1, 2, 3, 5, 8])
def test_line_thickness_is_the_diameter_of_a_disc(wide: int) -> None:
    line = np.zeros((40, 40), np.float32)
    line[5:35, 20] = 1
    assert (lines.thickened(line, wide)[15:25].sum(axis=1) == wide).all()
    dot = np.zeros((40, 40), np.float32)
    dot[20, 20] = 1
    if wide >= 5:
        assert lines.thickened(dot, wide).sum() == pytest.approx(np.pi / 4 * wide**2, rel=0.15)


def test_otsu_is_opencvs() -> None:
    levels = gray8(photograph())
    counts = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()
    assert otsu(counts) == pytest.approx(cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[0], abs=1)


def test_chalk_is_told_from_a_dark_photograph() -> None:
    board = 1 - strokes()
    seen, inverted = dark_on_light(board)
    assert inverted and np.array_equal(seen, 1 - board)
    for other in (strokes(), photograph().mean(axis=2) * 0.3, np.zeros((32, 32), np.float32)):
        assert not dark_on_light(other)[1]


def test_depth_of_a_drawn_ball() -> None:
    """The figure is nearer than its paper, the middle nearer than the rim, light nearer than dark; lines are gone."""
    ball = np.where(away() < RADIUS, 0.9, 1.0).astype(np.float32)
    ball[:, : SIDE // 2][away()[:, : SIDE // 2] < RADIUS] = 0.55
    cv2.circle(ball, (SIDE // 2, SIDE // 2), int(RADIUS), 0.1, 3, cv2.LINE_AA)
    depth = depth_from_shading(ball)
    assert depth[5:20].max() < 0.02, "paper is far"
    middle, light, dark = depth[100, 110], depth[100, 150], depth[100, 50]
    assert middle > light > dark > 0.3
    steps = np.abs(np.diff(depth[100, 45:155]))
    assert steps.max() < 0.1, "no line stands in it"


def test_depth_without_a_figure_is_the_tone() -> None:
    ramp = np.tile(np.linspace(0, 1, 160, dtype=np.float32), (120, 1))
    depth = depth_from_shading(ramp)
    assert np.corrcoef(depth.mean(axis=0), ramp[0])[0, 1] > 0.99
    assert depth.min() < 0.05 and depth.max() > 0.95
