"""A panorama as a picture to look at, with its lights marked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..color.convert import convert
from ..studio.panorama import PanoramaLight, PanoramaReport, across_of, lighting_from

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_FINE = 2
"""The marks are drawn this many times larger and then reduced, for smooth edges."""
_ACCENT, _PAPER, _SHADE = (255, 190, 40, 255), (255, 255, 255, 255), (12, 12, 14, 255)
_DIRECTIONS = {90.0: "right", 180.0: "behind the subject", -90.0: "left", 0.0: "front"}


class _Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


def marked_panorama(pixels: NDArray[np.floating], report: PanoramaReport, width: int = 1024) -> NDArray[np.float32]:
    """The panorama as it lights the shot, tone-mapped, with a ring around each light, its number, role and colour.

    ``pixels`` as for ``analyse``; comes back ``[width / 2, width, 3]``, sRGB-encoded, 0..1. The ring is as large as
    the light, or as large as can be seen. The names along the lower edge say where in the shot a part of it stands.
    """
    from PIL import Image, ImageDraw

    from ..studio.panorama_search import reduced

    small = reduced(pixels, width).rgb
    shown = convert(_tone_mapped(small), "Linear Rec.709", "sRGB")
    levels = np.rint(np.clip(shown, 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = Image.fromarray(levels).resize((width, width // 2), Image.Resampling.BICUBIC)
    shift = round(report.rotation_deg / 360.0 * width)
    turned = Image.fromarray(np.roll(np.asarray(picture), shift, axis=1)).convert("RGBA")
    marks = Image.new("RGBA", (_FINE * width, _FINE * (width // 2)))
    _draw(ImageDraw.Draw(marks), report, *marks.size)
    whole = Image.alpha_composite(turned, marks.resize(turned.size, Image.Resampling.BOX))
    return np.asarray(whole.convert("RGB"), dtype=np.float32) / np.float32(255.0)


def _tone_mapped(rgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Reinhard et al., "Photographic tone reproduction for digital images", 2002, on luminance, with burn-out."""
    light = np.maximum(rgb @ np.array([0.2126, 0.7152, 0.0722]), 1e-9 * float(rgb.max()))
    # Black walls must not pull everything else up to white, so the average leaves out what is very dark.
    lit = light[light > 1e-3 * float(np.median(light))]
    scaled = 0.16 * light / float(np.exp(np.log(lit).mean()))
    white = max(4.0, float(np.quantile(scaled, 0.995)))
    mapped = scaled * (1.0 + scaled / white**2) / (1.0 + scaled)
    result: NDArray[np.float64] = rgb * (mapped / light)[..., None]
    return result


def _draw(draw: ImageDraw, report: PanoramaReport, width: int, height: int) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(height / 30)
    made = lighting_from(report)["lights"]
    rings = [list(_ring(light, width, height)) for light in report.lights]
    for ring in rings:
        for color, line in (((0, 0, 0, 200), height // 120), (_ACCENT, height // 220)):
            for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
                # A ring over the edge of the picture goes on at the other side.
                if abs(one[0] - other[0]) < width / 2:
                    draw.line([one, other], fill=color, width=line)
    taken = list(_names_of_directions(draw, width, height))
    labels: list[tuple[str, _Box]] = []
    for number, (light, row, ring) in enumerate(zip(report.lights, made, rings, strict=True), 1):
        color = row.get("color") or f"{row['color_temperature_k']:.0f} K"
        text = f"{number} {row['role']} · {row['type'].replace('_', ' ')} · {color}"
        size = draw.textlength(text, font) + height / 40, height / 24
        box = _free_box(size, light, ring, taken, width, height)
        taken.append(box)
        labels.append((text, box))
        _tie(draw, box, ring, width, height)
    for text, box in labels:
        draw.rounded_rectangle(box, radius=height // 100, fill=_SHADE, outline=_ACCENT, width=max(1, height // 500))
        middle = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        draw.text(middle, text, fill=_PAPER, font=font, anchor="mm")


def _ring(light: PanoramaLight, width: int, height: int) -> Iterator[tuple[float, float]]:
    """The places of an ellipse on the sphere around a light, in pixels."""
    azimuth, elevation = math.radians(light.azimuth_deg), math.radians(light.elevation_deg)
    forward = np.array(
        [math.cos(elevation) * math.sin(azimuth), math.sin(elevation), math.cos(elevation) * math.cos(azimuth)]
    )
    sideways = np.array([math.cos(azimuth), 0.0, -math.sin(azimuth)])
    upwards = np.cross(forward, sideways)
    # Of a rectangle's sides, the half axes of the ellipse that touches its corners, but never too small to be seen.
    axes = [max(math.tan(math.radians(side) / 2.0) * 1.3, 0.03) for side in (light.width_deg, light.height_deg)]
    for step in range(180):
        turn = 2.0 * math.pi * step / 180
        place = forward + axes[0] * math.cos(turn) * sideways + axes[1] * math.sin(turn) * upwards
        x, y, z = place / np.linalg.norm(place)
        yield across_of(math.degrees(math.atan2(x, z))) * width, (0.5 - math.asin(y) / math.pi) * height


def _free_box(
    size: tuple[float, float],
    light: PanoramaLight,
    ring: list[tuple[float, float]],
    taken: list[_Box],
    width: int,
    height: int,
) -> _Box:
    """A place for a label under its ring, or over it, or as near as the others leave room; always in the picture."""
    wide, high = size
    x = across_of(light.azimuth_deg) * width
    left = min(max(x - wide / 2, height / 100), width - wide - height / 100)
    over, under = min(y for _, y in ring) - high - height / 80, max(y for _, y in ring) + height / 80
    step = high + height / 120
    tops = [under + step * n for n in range(30)] + [over - step * n for n in range(30)]
    tops.sort(key=lambda top: min(abs(top - under), abs(top - over)))
    boxes = [_Box(left, top, left + wide, top + high) for top in tops if 0 <= top <= height - high]
    return next((box for box in boxes if not any(box.meets(other) for other in taken)), boxes[0])


def _tie(draw: ImageDraw, box: _Box, ring: list[tuple[float, float]], width: int, height: int) -> None:
    """A line from a label to the nearest place of its ring, on the same side of the picture's edge."""
    x, y = (box.left + box.right) / 2, box.top if box.top > ring[0][1] else box.bottom
    near = min(ring, key=lambda place: math.hypot(place[0] - x, place[1] - y))
    if abs(near[0] - x) < width / 4:
        draw.line([(x, y), near], fill=_ACCENT, width=max(1, height // 500))


def _names_of_directions(draw: ImageDraw, width: int, height: int) -> Iterator[_Box]:
    """Ticks and names along the lower edge; yields what they take up."""
    from PIL import ImageFont

    font = ImageFont.load_default(height / 36)
    for azimuth, name in _DIRECTIONS.items():
        for x in {across_of(azimuth) * width, across_of(azimuth) * width or width}:
            draw.line([(x, height * 0.98), (x, height)], fill=_PAPER, width=max(1, height // 300))
            side = "l" if x == 0 else "r" if x == width else "m"
            place = min(max(x, height / 80), width - height / 80), height * 0.967
            left, _, right, _ = draw.textbbox(place, name, font, anchor=f"{side}s")
            box = _Box(left - height / 150, height * 0.938, right + height / 150, height * 0.978)
            draw.rectangle(box, fill=_SHADE)
            draw.text(place, name, fill=_PAPER, font=font, anchor=f"{side}s")
            yield box
