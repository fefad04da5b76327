"""Writes samples/sketches/: drawings as artists have them, each with the clean line drawing that is in it.

    .venv/bin/python docs/sketches.py
    .venv/bin/python docs/sketches.py --check

Strokes of our own (``sketch_subjects``) go through an unsteady hand onto paper, a board or a screen, and most of them
through the camera of a phone (``sketch_media``). The hand's strokes are known, so the truth is drawn, not judged.
Every number comes from the seed: the second command tells whether the files are still what this program draws.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from sketch_media import (  # noqa: E402
    Sheet,
    by_hand,
    clouds,
    desk,
    exposed,
    held_over,
    laid,
    lit,
    marks,
    on_desk,
    paper,
    pencil,
    printed,
    truth_of,
)

FOLDER = ROOT / "samples" / "sketches"
INK, GRAPHITE, BALLPOINT = (0.1, 0.1, 0.13), (0.27, 0.27, 0.29), (0.13, 0.17, 0.45)


class Made(NamedTuple):
    """A sketch.

    picture: uint8 [H, W, 3] or [H, W, 4], RGB(A) as in the file.
    truth: uint8 [h, w] of the page seen straight: 255 paper, 0 line.
    corners: float [4, 2], the page in pixels of the picture, from its top left clockwise; None where it fills it.
    """

    picture: np.ndarray
    truth: np.ndarray
    corners: np.ndarray | None


class Sample(NamedTuple):
    ending: str
    subject: str
    wrong: str
    draw: Callable[[Sheet, np.random.Generator], tuple[np.ndarray, np.ndarray | None]]
    size: tuple[int, int] = (1000, 1000)
    unsteady_px: float = 1.2


def clean_ink(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    return laid(np.ones((sheet.height, sheet.width, 3), np.float32), marks(sheet, 3.4, rng, 0.15), INK), None


def phone_photo(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    page = laid(paper(sheet, (0.95, 0.94, 0.92), rng), pencil(marks(sheet, 3.2, rng), rng), GRAPHITE, 0.95)
    size = (1200, 1000)
    picture, there = on_desk(page, held_over(page.shape[:2], size, -24, 7, 3), size, desk(size, (0.46, 0.31, 0.2), rng))
    return exposed(lit(picture, 0.25, 60, 0.38, rng), (0.98, 0.94, 0.87), 0.016, 0.6, rng), there


def squared_paper(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    page = printed(paper(sheet, (0.96, 0.96, 0.95), rng), 24.3, (0.5, 0.68, 0.88), True, 0.75)
    page = laid(page, marks(sheet, 3.2, rng), (0.12, 0.12, 0.2), 0.95)
    size = (1000, 1200)
    picture, there = on_desk(
        page, held_over(page.shape[:2], size, -14, -9, 2.5), size, desk(size, (0.3, 0.3, 0.31), rng)
    )
    return exposed(lit(picture, 0.2, 200, 0, rng), (0.95, 0.96, 0.96), 0.012, 0.5, rng), there


def ruled_paper(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    page = printed(paper(sheet, (0.95, 0.95, 0.93), rng), 37.6, (0.56, 0.66, 0.84), False, 0.8)
    margin = np.clip(1.5 - np.abs(np.arange(sheet.width) - 0.11 * sheet.width), 0, 1)[None].astype(np.float32)
    page = laid(page, np.repeat(margin, sheet.height, 0), (0.9, 0.5, 0.5), 0.7)
    page = laid(page, pencil(marks(sheet, 3.2, rng), rng, 0.25), BALLPOINT, 0.95)
    return exposed(lit(page, 0.18, 130, 0, rng), (0.97, 0.97, 0.95), 0.01, 0.5, rng), None


def low_contrast_pencil(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    page = laid(paper(sheet, (0.87, 0.865, 0.85), rng, 0.01), pencil(marks(sheet, 3, rng), rng), (0.6, 0.6, 0.6), 0.85)
    return exposed(page, (1, 1, 1), 0.006, 0.5, rng), None


def inverted(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    board = np.full((sheet.height, sheet.width, 3), 0.06, np.float32)
    return laid(board, pencil(marks(sheet, 3.4, rng), rng, 0.4), (0.95, 0.95, 0.93)), None


def coloured_pencil(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    page = paper(sheet, (0.96, 0.95, 0.92), rng)
    hues = ((0.75, 0.2, 0.16), (0.16, 0.34, 0.66), (0.18, 0.45, 0.25), (0.8, 0.42, 0.1), (0.45, 0.22, 0.5))
    covered = np.zeros((sheet.height, sheet.width), np.float32)
    for i, hue in enumerate(hues):
        part = sheet._replace(strokes=sheet.strokes[i :: len(hues)])
        covered = pencil(marks(part, 3.6, rng), rng)
        page = laid(page, _scumble(part, rng), hue, 0.16)
        page = laid(page, covered, hue, 0.95)
    return exposed(page, (0.99, 0.98, 0.96), 0.008, 0.5, rng), None


def _scumble(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """A light tone inside the largest stroke, as the flat of a coloured pencil leaves it."""
    shape = np.zeros((sheet.height, sheet.width), np.uint8)
    largest = max(sheet.strokes, key=lambda stroke: float(np.prod(np.ptp(stroke.path, axis=0))))
    cv2.fillPoly(shape, [largest.path.astype(np.int32)], 255)
    tone = cv2.GaussianBlur(shape, (0, 0), 6).astype(np.float32) / 255
    return tone * np.clip(0.7 + 0.4 * clouds(tone.shape, 2.2, rng), 0, 1)


def whiteboard_glare(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    size = (sheet.height, sheet.width)
    board = np.array((0.82, 0.85, 0.87), np.float32) * (1 + 0.015 * clouds(size, 120, rng))[..., None]
    board = laid(board, _wiped(size, rng), (0.35, 0.42, 0.55), 0.14)
    third = len(sheet.strokes) // 3
    for part, colour in (
        (sheet.strokes[: 2 * third], (0.1, 0.12, 0.2)),
        (sheet.strokes[2 * third :], (0.08, 0.3, 0.6)),
    ):
        covered = marks(sheet._replace(strokes=part), 6.5, rng, 0.2)
        streaks = 0.85 + 0.12 * clouds(size, 2.5, rng)
        board = laid(board, np.clip(covered * streaks, 0, 1), colour, 0.92)
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    spot = np.exp(-(((x / size[1] - 0.63) / 0.13) ** 2 + ((y / size[0] - 0.32) / 0.1) ** 2))
    halo = np.exp(-(((x / size[1] - 0.63) / 0.36) ** 2 + ((y / size[0] - 0.32) / 0.3) ** 2))
    board = lit(board, 0.3, 215, 0, rng) + (0.42 * spot + 0.16 * halo)[..., None]
    return exposed(board, (0.93, 0.98, 1.0), 0.012, 0.7, rng), None


def _wiped(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """What an earlier drawing left: ink smeared by the wiper in long sweeps, streaky along them."""
    swept = np.zeros(size, np.float32)
    for _ in range(9):
        start = rng.uniform(0, 1, 2) * size[::-1]
        sweep = start + np.cumsum(rng.normal(0, 1, (5, 2)) * (0.16 * size[1], 0.05 * size[0]), axis=0)
        cv2.polylines(swept, [np.rint(sweep).astype(np.int32)], False, 1.0, int(rng.integers(40, 90)))
    streaks = cv2.resize(clouds((size[0], size[1] // 60 + 2), 4, rng), size[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.GaussianBlur(swept, (0, 0), 12) * np.clip(0.5 + 0.35 * streaks, 0, 1)


def napkin(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size = (sheet.height, sheet.width)
    tissue = paper(sheet, (0.93, 0.91, 0.88), rng, 0.022)
    shade = _crumpled(size, rng) + _embossed(size)
    page = laid(tissue * (1 + shade[..., None]), pencil(marks(sheet, 3.4, rng), rng, 0.45), BALLPOINT, 0.95)
    whole = (1200, 1200)
    picture, there = on_desk(
        page, held_over(page.shape[:2], whole, -12, 10, -5), whole, desk(whole, (0.2, 0.13, 0.1), rng)
    )
    return exposed(lit(picture, 0.22, 320, 0, rng), (1.0, 0.93, 0.8), 0.014, 0.6, rng), there


def _crumpled(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Shading of soft folds: the slope of ridged noise under light from the upper left."""
    height = 1 - np.abs(clouds(size, 170, rng)) + 0.3 * (1 - np.abs(clouds(size, 70, rng)))
    height = cv2.GaussianBlur(height, (0, 0), 4)
    slope = cv2.Sobel(height, cv2.CV_32F, 1, 0) + cv2.Sobel(height, cv2.CV_32F, 0, 1)
    return np.clip(0.22 * slope, -0.09, 0.07)


def _embossed(size: tuple[int, int]) -> np.ndarray:
    """The pressed border of a napkin: four rows of small dots that only light shows."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    edge = np.minimum.reduce([x, y, width - 1 - x, height - 1 - y])
    border = np.clip(1 - np.abs(edge - 38) / 22, 0, 1) > 0.05
    return np.where(border, 0.03 * np.sin(x * 2 * np.pi / 11) * np.sin(y * 2 * np.pi / 11), 0).astype(np.float32)


def smudged(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    size = (sheet.height, sheet.width)
    covered = pencil(marks(sheet, 3.4, rng), rng)
    page = laid(paper(sheet, (0.95, 0.945, 0.935), rng), _rubbed(covered, rng), GRAPHITE, 0.55)
    blots = np.zeros(size, np.float32)
    for _ in range(5):
        at, radii = rng.uniform(0.1, 0.9, 2) * size[::-1], rng.uniform(18, 42, 2)
        cv2.ellipse(blots, (at.tolist(), (2 * radii).tolist(), float(rng.uniform(0, 180))), 1.0, -1)
    page = laid(page, cv2.GaussianBlur(blots, (0, 0), 9) * (0.8 + 0.2 * clouds(size, 4, rng)), GRAPHITE, 0.2)
    page = laid(page, _specks(size, 160, rng), (0.3, 0.3, 0.3))
    return exposed(laid(page, covered, GRAPHITE, 0.95), (1, 0.99, 0.97), 0.008, 0.5, rng), None


def _specks(size: tuple[int, int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Crumbs of graphite and eraser, up to 4 px across."""
    layer = np.zeros((size[0] * 4, size[1] * 4), np.float32)
    for _ in range(count):
        at = (rng.uniform(0, 1, 2) * layer.shape[::-1]).astype(int).tolist()
        axes = rng.uniform(2, 8, 2).astype(int).tolist()
        cv2.ellipse(layer, at, axes, float(rng.uniform(0, 180)), 0, 360, float(rng.uniform(0.4, 1)), -1)
    return cv2.resize(layer, size[::-1], interpolation=cv2.INTER_AREA)


def _rubbed(covered: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Graphite that the side of the hand dragged along, in some places more than in others."""
    dragged = cv2.warpAffine(cv2.blur(covered, (61, 5)), np.float32([[1, 0, 22], [0, 1, 6]]), covered.shape[::-1])
    dragged = cv2.GaussianBlur(dragged, (0, 0), 7)
    return np.clip(dragged * 2.2 * np.clip(0.4 + 0.7 * clouds(covered.shape, 150, rng), 0, 1.5), 0, 1)


def yellowed_paper(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    size = (sheet.height, sheet.width)
    page = paper(sheet, (0.88, 0.79, 0.6), rng, 0.02) * (1 + 0.035 * clouds(size, 140, rng))[..., None]
    foxing = np.zeros(size, np.float32)  # the brown spots of old paper
    for _ in range(40):
        at = (rng.uniform(0, 1, 2) * size[::-1]).astype(int).tolist()
        cv2.circle(foxing, at, int(rng.integers(2, 9)), float(rng.uniform(0.2, 0.5)), -1)
    page = laid(page, cv2.GaussianBlur(foxing, (0, 0), 2.5), (0.6, 0.42, 0.22))
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    edge = np.minimum.reduce([x, y, size[1] - x, size[0] - y])
    page = page * (1 - 0.18 * np.exp(-edge / 60))[..., None]
    page = laid(page, pencil(marks(sheet, 3.2, rng), rng, 0.3), (0.3, 0.2, 0.12), 0.9)
    return exposed(page, (1, 0.99, 0.95), 0.008, 0.5, rng), None


def tablet_line_art(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    covered = marks(sheet, 4, rng, 0.4)
    drawn = np.clip(covered * 1.4, 0, 1)[..., None]
    return np.concatenate([np.full((*covered.shape, 3), 0.05, np.float32), drawn], axis=2), None


def uneven_light(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    page = laid(paper(sheet, (0.95, 0.94, 0.92), rng), pencil(marks(sheet, 3.2, rng), rng, 0.4), GRAPHITE, 0.95)
    shade = lit(page, 0.55, 25, 0.45, rng)
    return exposed(shade, (1.0, 0.9, 0.74), 0.014, 0.5, rng), None


def cad_screenshot(sheet: Sheet, rng: np.random.Generator) -> tuple[np.ndarray, None]:
    y = np.linspace(0.92, 0.74, sheet.height, dtype=np.float32)[:, None, None]
    view = np.repeat(y * np.array((0.97, 0.99, 1.0), np.float32), sheet.width, axis=1)
    for face in sheet.faces:
        cv2.fillPoly(view, [np.rint(face.corners * 16).astype(np.int32)], [face.grey] * 3, cv2.LINE_8, 4)
    return laid(view, marks(sheet, 1.4, rng, 0), (0.08, 0.09, 0.1)), None


SAMPLES = {
    "clean_ink": Sample("png", "lamp", "nothing: black ink, scanned", clean_ink),
    "phone_photo": Sample("jpg", "pepper_mill", "pencil on a page on a desk: perspective, shadow of hand and phone, "
                          "noise, warm light", phone_photo, (1130, 800)),
    "squared_paper": Sample("jpg", "chair", "blue squares on the page, perspective, noise", squared_paper, (800, 1000)),
    "ruled_paper": Sample("jpg", "shoe", "ruled lines and a red margin, blue ballpoint", ruled_paper, (850, 1150)),
    "low_contrast_pencil": Sample("jpg", "room", "hard pencil, hardly darker than the paper", low_contrast_pencil),
    "inverted": Sample("png", "chair", "chalk: white lines on black", inverted),
    "coloured_pencil": Sample("jpg", "cup", "coloured pencils on warm paper, with light tones", coloured_pencil),
    "whiteboard_glare": Sample("jpg", "lamp", "markers, remains of a wiped drawing, a lamp's glare",
                               whiteboard_glare, (900, 1200), 1.8),
    "napkin": Sample("jpg", "face", "ballpoint on a crumpled napkin on a dark table: texture, folds, perspective, "
                     "warm light", napkin),
    "smudged": Sample("jpg", "shoe", "graphite rubbed by the hand, blots and specks", smudged, (850, 1150)),
    "yellowed_paper": Sample("jpg", "pepper_mill", "old paper: yellow, brown spots, dark edges",
                             yellowed_paper, (1150, 850)),
    "tablet_line_art": Sample("png", "face", "drawn on transparency: all that shows is in the alpha", tablet_line_art),
    "uneven_light": Sample("jpg", "cup", "a lamp from one side and a strong shadow, very warm light", uneven_light),
    "cad_screenshot": Sample("png", "bracket", "thin lines on shaded grey faces", cad_screenshot, unsteady_px=0),
}  # fmt: skip


def sketch(name: str, seed: int = 1) -> Made:
    """One of ``SAMPLES``; another seed draws the subject with another hand, on other paper. Those shipped are 1."""
    sample = SAMPLES[name]
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    sheet = by_hand(sample.subject, sample.size, sample.unsteady_px, rng)
    picture, corners = sample.draw(sheet, rng)
    pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return Made(pixels, truth_of(sheet), corners)


def encoded(pixels: np.ndarray, ending: str) -> bytes:
    """A picture as the bytes of a file; ``pixels`` uint8 in RGB order."""
    if pixels.ndim == 3:
        pixels = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 82] if ending == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 9]
    return cv2.imencode(f".{ending}", pixels, quality)[1].tobytes()


def files() -> dict[str, bytes]:
    """Each file of samples/sketches/ by its name."""
    made, rows = {}, {}
    for name, sample in SAMPLES.items():
        picture, truth, corners = sketch(name)
        file = f"{name}.{sample.ending}"
        made[file], made[f"{name}_truth.png"] = encoded(picture, sample.ending), encoded(truth, "png")
        rows[name] = {
            "file": file,
            "truth": f"{name}_truth.png",
            "subject": sample.subject.replace("_", " "),
            "wrong": sample.wrong,
            "corners": None if corners is None else np.round(corners.astype(float), 1).tolist(),
        }
    made["index.json"] = (json.dumps(rows, indent=2) + "\n").encode()
    return made


def drifted(name: str, wanted: bytes) -> bool:
    """Whether a file is missing or shows something else. PNGs are compared by pixel; JPEGs may differ by rounding."""
    path = FOLDER / name
    if not path.exists():
        return True
    if path.suffix == ".json":
        return path.read_bytes() != wanted
    there, drawn = (cv2.imdecode(np.frombuffer(b, np.uint8), -1) for b in (path.read_bytes(), wanted))
    if there is None or there.shape != drawn.shape:
        return True
    return int(cv2.absdiff(there, drawn).max()) > (2 if path.suffix == ".jpg" else 0)


def main(arguments: Sequence[str]) -> int:
    made = files()
    if "--check" in arguments:
        wrong = [name for name, content in made.items() if drifted(name, content)]
        sys.stdout.write("".join(f"{name} is not what docs/sketches.py draws\n" for name in wrong))
        return bool(wrong)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in made.items():
        if drifted(name, content):
            (FOLDER / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
