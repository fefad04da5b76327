"""Writes docs/shots/: twelve shots as a person reads them, each with the caption that it compiles to.

    .venv/bin/python docs/make.py
    .venv/bin/python docs/make.py greybox
    .venv/bin/python docs/make.py sketches

tests/unit/test_docs.py fails while what is checked in differs from what the first would write. The second renders the
contact sheets docs/greybox_*.jpg, which takes minutes and Mitsuba: every lighting setup on a head and on a bottle, and
every stand-in. The third cleans the sketches that docs/sketches.jpg shows.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from studioflow.caption import compile_manifest  # noqa: E402
from studioflow.edit.light import lighting_diagram  # noqa: E402
from studioflow.manifest import load  # noqa: E402
from studioflow.studio.words import entries  # noqa: E402

SHOTS = ROOT / "docs" / "shots"
NAMES = (
    "product_hero",
    "portrait_window",
    "portrait_rembrandt",
    "product_on_white",
    "golden_hour_exterior",
    "turntable_sneaker",
    "food_ramen",
    "jewellery_ring",
    "glass_dark_field",
    "film_noir_detective",
    "neon_musician",
    "interior_reading_room",
)


def documents() -> dict[str, str]:
    """Each file of docs/shots/ by its name: a page and a lighting diagram a shot, and the list of them."""
    made: dict[str, str] = {}
    rows = []
    for name in NAMES:
        path = ROOT / "samples" / f"{name}.json"
        manifest = load(path)
        title = manifest["meta"]["title"]
        _, made[f"{name}.svg"] = lighting_diagram(manifest, "")
        made[f"{name}.md"] = _page(name, title, path.read_text(encoding="utf-8"), manifest)
        rows.append(f"- [{title}]({name}.md): {manifest['scene']['description']}")
    made["README.md"] = (
        "# Twelve shots and their captions\n\n"
        "The manifests of `samples/`, and what FIBO reads of them. `docs/make.py` writes these pages.\n\n"
        + "\n".join(rows)
        + "\n"
    )
    return made


def _page(name: str, title: str, text: str, manifest: dict[str, Any]) -> str:
    compiled = compile_manifest(manifest, "fibo-2")
    parts = [
        f"# {title}",
        f"![Lighting diagram]({name}.svg)",
        f"The caption, laid out for reading:\n\n{_block(compiled.fields)}",
    ]
    if compiled.negative:
        negative = compiled.negative
        shown = _block(json.loads(negative)) if negative.startswith("{") else f"```text\n{negative}\n```"
        parts.append(f"The negative:\n\n{shown}")
    parts.append(f"The manifest, `samples/{name}.json`:\n\n```json\n{text.strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _block(value: Any) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


CELL, CAPTION, COLUMNS = 150, 18, 8
"""Pixels of a picture's side and of the line below it, and pictures beside each other."""
SUBJECTS: dict[str, dict[str, Any]] = {
    "head_and_shoulders": {"description": "a person", "pose": "facing the camera"},
    "bottle": {"description": "glass bottle", "color": "#A9D6C0"},
}
"""What the setups are shown on, by its stand-in."""


PHOTOS = ("phone_photo", "squared_paper", "napkin", "whiteboard_glare")
"""The sketches that docs/sketches.jpg shows."""


def setup_sheet() -> Image:
    """All lighting setups, each on a head and on a bottle."""
    cells = []
    for name, row in entries("setups").items():
        for number, subject in enumerate(SUBJECTS):
            light = {"setup": name}
            cells.append(("" if number else row["title"], _rendered(subject, SUBJECTS[subject], light)))
    return _sheet(cells)


def stand_in_sheet() -> Image:
    """All stand-ins in their usual sizes, turned a little and seen from a little above."""
    from studioflow.greybox.shapes import stand_ins

    return _sheet(
        [
            (row["title"], _rendered(name, {"description": row["title"]}, _three_points(name), turned=30))
            for name, row in stand_ins().items()
        ]
    )


def _three_points(stand_in: str) -> dict[str, Any]:
    """The setup of three lights, and for large things as much larger and further away."""
    from studioflow.greybox.shapes import default_size_m

    larger = max(1.0, max(default_size_m(stand_in)) / 0.6)
    lights = [
        {**light, "distance_m": light["distance_m"] * larger, "size_m": [larger * side for side in (0.9, 0.6)]}
        for light in entries("setups")["three_point"]["lights"]
    ]
    return {"lights": lights}


def _rendered(stand_in: str, said: dict[str, Any], lighting: dict[str, Any], *, turned: float = 0.0) -> Image:
    import numpy as np
    from PIL import Image

    from studioflow.greybox.greybox import Settings, render_greybox
    from studioflow.greybox.shapes import default_size_m

    size = default_size_m(stand_in)
    subject = {**said, "stand_in": stand_in, "size_m": list(size), "facing_deg": turned}
    largest = max(size[1], math.hypot(size[0], size[2]) if turned else size[0])
    camera = {
        "lens": {"focal_length_mm": 85},
        "orbit": {
            "elevation_deg": 15.0 if turned else 3.0,
            # A square picture is 24 mm of the sensor high; the subject takes 80 % of it.
            "distance_m": (largest / 0.8 / 0.024 + 1.0) * 0.085 + size[2] / 2.0,
            "target_m": [0.0, size[1] / 2.0, 0.0],
        },
    }
    manifest = {"studioflow": "1.0", "scene": {"subjects": [subject]}, "camera": camera, "lighting": lighting}
    made = render_greybox(manifest, Settings(CELL, CELL, "preview"), lambda kind, name: Path(name))
    for note in made.notes:
        sys.stderr.write(f"{lighting.get('setup', 'lights')}, {stand_in}: {note}\n")
    return Image.fromarray(np.rint(made.display * 255.0).astype(np.uint8))


def _sheet(cells: Sequence[tuple[str, Image]]) -> Image:
    """Pictures in rows with their captions below."""
    from PIL import Image, ImageDraw, ImageFont

    height = CELL + CAPTION
    sheet = Image.new("RGB", (COLUMNS * CELL, math.ceil(len(cells) / COLUMNS) * height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, (caption, picture) in enumerate(cells):
        left, top = number % COLUMNS * CELL, number // COLUMNS * height
        sheet.paste(picture, (left, top))
        draw.text((left + 3, top + CELL + 1), caption, fill="black", font=font)
    return sheet


def greybox() -> None:
    for name, sheet in (("setups", setup_sheet), ("stand_ins", stand_in_sheet)):
        sheet().save(ROOT / "docs" / f"greybox_{name}.jpg", quality=80, optimize=True)


def sketches() -> None:
    """Photos of sketches, and below each what cleanup makes of it."""
    import numpy as np
    from PIL import Image

    from studioflow.sketch.clean import clean_sketch

    side = 2 * CELL
    sheet = Image.new("RGB", (len(PHOTOS) * side, 2 * side), "white")
    for column, name in enumerate(PHOTOS):
        photo = Image.open(ROOT / "samples" / "sketches" / f"{name}.jpg").convert("RGB")
        cleaned = clean_sketch(np.asarray(photo, dtype=np.float32) / 255.0).image
        for row, picture in enumerate((photo, Image.fromarray(np.rint(cleaned * 255.0).astype(np.uint8)))):
            picture.thumbnail((side - 8, side - 8))
            sheet.paste(
                picture, (column * side + (side - picture.width) // 2, row * side + (side - picture.height) // 2)
            )
    sheet.save(ROOT / "docs" / "sketches.jpg", quality=88, optimize=True)


def main() -> None:
    sheets = {"greybox": greybox, "sketches": sketches}
    if sys.argv[1:]:
        sheets[sys.argv[1]]()
        return
    SHOTS.mkdir(exist_ok=True)
    made = documents()
    for old in set(SHOTS.iterdir()) - {SHOTS / name for name in made}:
        old.unlink()
    for name, text in made.items():
        (SHOTS / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
